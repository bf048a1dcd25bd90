//! Changing the columns of a version 2 file without touching the values of the others. Chunks that were predicted from
//! a column that is dropped are encoded anew, since what is dropped must not stay in the file.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::cross_column::{Encoded, encode_alone};
use super::version2::{
    Chunks, Encoders, check_options, check_schema, finish_file, states_bounds, stored_type, to_stored,
};
use super::{WriteOptions, check_type, check_values};
use crate::bytes::{Interrupt, Segments, Step, to_u64};
use crate::column::Column;
use crate::encoding::chunk::ColumnType;
use crate::error::{Error, Result};
use crate::format::DIGEST_SIZE;
use crate::format::version2::{self, HEADER_SIZE};
use crate::reader::{File, RowGroup};
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
    /// Byte ranges of the old file that follow, in this order: chunks that stay as they are.
    pub copy: Vec<Range<u64>>,
    /// The rest.
    pub tail: Vec<u8>,
    /// The digest of the trailer.
    pub digest: [u8; DIGEST_SIZE],
}

/// A column while edits are made.
struct Kept {
    field: Field,
    column_type: ColumnType,
    requires: Vec<String>,
    chunks: Chunks,
    /// Position in the old file; `None` for one that is added.
    old: Option<usize>,
    /// Row groups whose chunks are in `bytes` rather than in the old file; their ranges are within these.
    fresh: Vec<bool>,
    bytes: Vec<u8>,
}

/// Plans the edits, in their order. [`File::verifier`] has loaded the digests. Needs the bytes of chunks that depend on
/// dropped columns, and of what those depend on.
///
/// # Errors
/// `unsupported-feature` for other dialects, `unknown-column`, `invalid-argument` for equal names or another number
/// of rows, `type-mismatch` for values that the type cannot hold; those of decoding a column that depends on a dropped
/// one.
pub fn evolve(file: &File, edits: &[Edit], options: &WriteOptions, segments: &Segments) -> Step<Evolution> {
    check_options(options)?;
    let (mut footer, chunks) = file.continued()?;
    let groups = footer.rows.len();
    let fields = std::mem::take(&mut footer.schema.columns).into_iter();
    let parts = fields.zip(std::mem::take(&mut footer.types)).zip(std::mem::take(&mut footer.requires)).zip(chunks);
    let mut columns: Vec<Kept> = parts
        .enumerate()
        .map(|(index, (((field, column_type), requires), (block, digests, summary)))| Kept {
            field,
            column_type,
            requires,
            chunks: Chunks::of(block, digests, summary),
            old: Some(index),
            fresh: vec![false; groups],
            bytes: Vec::new(),
        })
        .collect();
    let mut encoders = Encoders::new(options)?;
    let mut dropped: HashSet<usize> = HashSet::new();
    for edit in edits {
        let position = |name: &str| {
            let found = columns.iter().position(|column| column.field.name == name);
            found.ok_or_else(|| Error::unknown_column(name))
        };
        match edit {
            Edit::Drop(name) => {
                let index = position(name)?;
                dropped.extend(columns.remove(index).old);
            }
            Edit::Rename { from, to } => {
                let index = position(from)?;
                if let Some(column) = columns.get_mut(index) {
                    column.field.name.clone_from(to);
                }
            }
            Edit::Add(field, column) => {
                let added = add(field, column, &footer.rows, options, &mut encoders);
                columns.push(added.map_err(|error| error.in_column(&field.name))?);
            }
        }
    }
    footer.schema.columns = columns.iter().map(|column| column.field.clone()).collect();
    footer.types = columns.iter().map(|column| column.column_type).collect();
    footer.requires = columns.iter().map(|column| column.requires.clone()).collect();
    check_schema(&footer.schema, &footer.types)?;
    make_independent(file, &mut columns, &dropped, (options, &mut encoders), segments)?;

    // What is kept of the old file, close together; then what is new.
    let mut kept: Vec<&mut Range<u64>> = Vec::new();
    for column in &mut columns {
        let ranges = column.chunks.block.ranges.iter_mut().zip(&column.fresh);
        kept.extend(ranges.filter(|(_, fresh)| !**fresh).map(|(range, _)| range));
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
    for column in &mut columns {
        for (range, _) in column.chunks.block.ranges.iter_mut().zip(&column.fresh).filter(|(_, fresh)| **fresh) {
            *range = range.start + position..range.end + position;
        }
        position += to_u64(column.bytes.len());
        tail.append(&mut column.bytes);
    }
    footer.data_end = position;
    footer.modified = Some(options.modified).filter(|&time| time > 0).or(footer.modified);
    let chunks = columns.into_iter().map(|column| column.chunks).collect();
    let (end, digest) = finish_file(footer, chunks, options)?;
    tail.extend(end);
    Ok(Evolution { header: version2::header().to_vec(), copy, tail, digest })
}

/// Encodes alone what was predicted from dropped columns, and gives parents their new positions.
fn make_independent(
    file: &File,
    columns: &mut [Kept],
    dropped: &HashSet<usize>,
    (options, encoders): (&WriteOptions, &mut Encoders),
    segments: &Segments,
) -> Step<()> {
    let places: HashMap<usize, usize> =
        columns.iter().enumerate().filter_map(|(index, column)| Some((column.old?, index))).collect();
    let is_affected = |column: &Kept| column.chunks.block.parents.iter().any(|parent| dropped.contains(parent));
    let mut missing = Vec::new();
    for group in 0..file.row_groups().len() {
        let mut decoded = RowGroup::new(group);
        for column in columns.iter_mut().filter(|column| is_affected(column)) {
            let needs = column.chunks.block.needs.get(group).copied().unwrap_or_default();
            let Some(old) = column.old.filter(|_| needs != 0) else { continue };
            for needed in file.dependencies(old, group)?.into_iter().chain([old]) {
                let Some(range) = file.chunk(needed, group)? else { continue };
                match segments.get(range) {
                    Ok(bytes) => decoded.supply(needed, bytes),
                    Err(Interrupt::Need(ranges)) => missing.extend(ranges),
                    Err(failed) => return Err(failed),
                }
            }
            if !missing.is_empty() {
                continue;
            }
            let (values, _) = file.decode(old, &mut decoded)?;
            let bytes = encode_alone(&values, &column.field, options, encoders)?;
            column.chunks.replace(group, &bytes, to_u64(column.bytes.len()));
            column.bytes.extend(bytes);
            if let Some(fresh) = column.fresh.get_mut(group) {
                *fresh = true;
            }
        }
    }
    if !missing.is_empty() {
        missing.sort_by_key(|range: &Range<u64>| (range.start, range.end));
        missing.dedup();
        return Err(Interrupt::Need(missing));
    }
    for column in columns {
        if is_affected(column) {
            column.chunks.block.parents.clear();
        }
        for parent in &mut column.chunks.block.parents {
            *parent = places.get(parent).copied().unwrap_or_default();
        }
    }
    Ok(())
}

/// Encodes a new column, row group by row group.
fn add(field: &Field, column: &Column, rows: &[u64], options: &WriteOptions, encoders: &mut Encoders) -> Result<Kept> {
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
        let encoded = Encoded { bytes: encode_alone(&part, field, options, encoders)?, ..Encoded::default() };
        chunks.add(&part, None, &encoded, to_u64(bytes.len()), states_bounds(field, options.bounds));
        bytes.extend(encoded.bytes);
        at = end;
    }
    let fresh = vec![true; rows.len()];
    Ok(Kept { field: field.clone(), column_type, requires: Vec::new(), chunks, old: None, fresh, bytes })
}
