//! Changing the columns of a version 2 file without touching the values of the others.

use std::collections::HashSet;
use std::ops::Range;

use super::version2::{Chunks, Encoders, check_schema, finish_file, stored_type, to_stored};
use super::{Bounds, WriteOptions, check_type, check_values};
use crate::bytes::to_u64;
use crate::column::Column;
use crate::encoding::Encoder;
use crate::encoding::chunk::{self, ColumnType};
use crate::error::{Error, Result};
use crate::format::DIGEST_SIZE;
use crate::format::version2::{self, HEADER_SIZE};
use crate::reader::File;
use crate::schema::Field;

/// One change of a table's columns.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Leaves the column of that name out.
    Drop(String),
    /// Gives a column another name.
    Rename {
        /// The name it has.
        from: String,
        /// The name it gets.
        to: String,
    },
    /// Adds a column of as many rows behind the last.
    Add(Box<Field>, Column),
}

/// How the changed file is made of the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evolution {
    /// The first bytes.
    pub header: Vec<u8>,
    /// Byte ranges of the old file that follow, in this order.
    pub copy: Vec<Range<u64>>,
    /// The rest.
    pub tail: Vec<u8>,
    /// The digest of the trailer.
    pub digest: [u8; DIGEST_SIZE],
}

/// Plans the edits, in their order. [`File::verifier`] has loaded the digests.
///
/// # Errors
/// `unsupported-feature` for other dialects, `unknown-column`, `invalid-argument` for equal names or another number
/// of rows, `type-mismatch` for values that the type cannot hold.
pub fn evolve(file: &File, edits: &[Edit], options: &WriteOptions) -> Result<Evolution> {
    let (mut footer, chunks) = file.continued()?;
    let mut chunks: Vec<Chunks> =
        chunks.into_iter().map(|(block, digests, summary)| Chunks::of(block, digests, summary)).collect();
    // Added columns come behind everything that is kept: their chunks are placed from the front.
    let mut added: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut identities: Vec<usize> = (0..chunks.len()).collect();
    let mut encoders = Encoders::new(options)?;
    let mut dropped: HashSet<usize> = HashSet::new();
    let mut next_identity = chunks.len();
    for edit in edits {
        let position = |name: &str, footer: &version2::Footer| {
            let found = footer.schema.columns.iter().position(|field| field.name == name);
            found.ok_or_else(|| Error::unknown_column(name))
        };
        match edit {
            Edit::Drop(name) => {
                let index = position(name, &footer)?;
                footer.schema.columns.remove(index);
                footer.types.remove(index);
                footer.requires.remove(index);
                chunks.remove(index);
                dropped.insert(identities.remove(index));
            }
            Edit::Rename { from, to } => {
                let index = position(from, &footer)?;
                if let Some(field) = footer.schema.columns.get_mut(index) {
                    field.name.clone_from(to);
                }
            }
            Edit::Add(field, column) => {
                let encoded = add(field, column, &footer.rows, options.bounds, encoders.of(field));
                let (column_type, bytes, column_chunks) = encoded.map_err(|error| error.in_column(&field.name))?;
                footer.schema.columns.push((**field).clone());
                footer.types.push(column_type);
                footer.requires.push(Vec::new());
                chunks.push(column_chunks);
                identities.push(next_identity);
                added.push((next_identity, bytes));
                next_identity += 1;
            }
        }
    }
    check_schema(&footer.schema, &footer.types)?;
    added.retain(|(identity, _)| !dropped.contains(identity));

    // What is kept of the old file, close together: the chunks of the columns that were there before.
    let is_old = |identity: &usize| added.iter().all(|(other, _)| other != identity);
    let mut kept: Vec<&mut Range<u64>> = Vec::new();
    let mut fresh: Vec<(usize, &mut Chunks)> = Vec::new();
    for (identity, column) in identities.iter().zip(&mut chunks) {
        match is_old(identity) {
            true => kept.extend(&mut column.block.ranges),
            false => fresh.push((*identity, column)),
        }
    }
    kept.sort_by_key(|range| range.start);
    let mut copy: Vec<Range<u64>> = Vec::new();
    let mut position = HEADER_SIZE;
    for range in kept {
        match copy.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => copy.push(range.clone()),
        }
        let size = range.end - range.start;
        *range = position..position + size;
        position += size;
    }
    let mut tail = Vec::new();
    for (identity, bytes) in added {
        if let Some((_, column)) = fresh.iter_mut().find(|(other, _)| *other == identity) {
            for range in &mut column.block.ranges {
                *range = range.start + position..range.end + position;
            }
        }
        position += to_u64(bytes.len());
        tail.extend(bytes);
    }
    footer.data_end = position;
    footer.modified = Some(options.modified).filter(|&time| time > 0).or(footer.modified);
    let (end, digest) = finish_file(footer, chunks, options)?;
    tail.extend(end);
    Ok(Evolution { header: version2::header().to_vec(), copy, tail, digest })
}

/// Encodes a new column, row group by row group, from offset 0.
fn add(
    field: &Field,
    column: &Column,
    rows: &[u64],
    bounds: Bounds,
    encoder: &mut Encoder,
) -> Result<(ColumnType, Vec<u8>, Chunks)> {
    check_type(field, column)?;
    check_values(column)?;
    let total: u64 = rows.iter().sum();
    if to_u64(column.len()) != total {
        return Err(Error::invalid("columns", format!("{} rows, the file has {total}", column.len())));
    }
    let column_type = stored_type(ColumnType::of(column.values()));
    let stored = to_stored(column, column_type)?;
    let (mut bytes, mut chunks, mut at) = (Vec::new(), Chunks::new(), 0usize);
    for &rows in rows {
        let end = at.saturating_add(usize::try_from(rows).unwrap_or(usize::MAX));
        let part = stored.column().slice(at..end);
        let encoded = chunk::encode(&part, encoder)?;
        chunks.add(&part, &encoded, to_u64(bytes.len()), super::version2::states_bounds(field, bounds));
        bytes.extend(encoded);
        at = end;
    }
    Ok((column_type, bytes, chunks))
}
