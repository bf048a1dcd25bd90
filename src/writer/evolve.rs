//! Changing the columns of a version 2 file without touching the values of the others. Chunks that were predicted from
//! a column that is dropped are encoded anew, since what is dropped must not stay in the file.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::cross_column::{Encoded, encode_alone};
use super::row_group::EncodedChunk;
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
use crate::sort::sort_by_key;

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

/// Row groups of a column whose chunks are encoded together.
const TOGETHER: usize = 8;

/// Where the values of a chunk that is encoded come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The column of the file at that position.
    File(usize),
    /// The edit at that position.
    Edit(usize),
}

/// Chunks that were encoded for edits of a file, by origin and row group: each attempt adds some.
#[derive(Clone, Debug, Default)]
pub struct EncodedChunks(Vec<(Origin, Vec<Option<Vec<u8>>>)>);

impl EncodedChunks {
    /// Encodes the chunks of row groups that are not there yet, of values by row group. False where the codec of neural
    /// chunks encodes some of them later.
    fn add(
        &mut self,
        origin: Origin,
        groups: impl IntoIterator<Item = usize>,
        field: &Field,
        (options, encoders): (&WriteOptions, &mut Encoders),
        values: impl Fn(usize) -> Result<Column>,
    ) -> Result<bool> {
        let missing: Vec<usize> = groups.into_iter().filter(|&group| self.get(origin, group).is_none()).collect();
        for groups in missing.chunks(TOGETHER) {
            let columns: Vec<Column> = groups.iter().map(|&group| values(group)).collect::<Result<_>>()?;
            let Some(chunks) = encode_alone(&columns, field, options, encoders)? else { return Ok(false) };
            if self.0.iter().all(|(known, _)| *known != origin) {
                self.0.push((origin, Vec::new()));
            }
            let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == origin) else { continue };
            for (&group, chunk) in groups.iter().zip(chunks) {
                known.resize(known.len().max(group + 1), None);
                if let Some(place) = known.get_mut(group) {
                    *place = Some(chunk);
                }
            }
        }
        Ok(true)
    }

    fn get(&self, origin: Origin, group: usize) -> Option<&[u8]> {
        let (_, known) = self.0.iter().find(|(known, _)| *known == origin)?;
        known.get(group)?.as_deref()
    }
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
/// dropped columns, and of what those depend on. `None` where the codec of neural chunks encodes some of them later: the
/// next attempt goes on from the chunks that this one leaves in `known`, which must be of the same file and edits.
///
/// # Errors
/// `unsupported-feature` for other dialects, `unknown-column`, `invalid-argument` for equal names or another number
/// of rows, `type-mismatch` for values that the type cannot hold; those of decoding a column that depends on a dropped
/// one.
pub fn evolve(
    file: &File,
    edits: &[Edit],
    options: &WriteOptions,
    segments: &Segments,
    known: &mut EncodedChunks,
) -> Step<Option<Evolution>> {
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
    let mut dropped: Vec<usize> = Vec::new();
    for (number, edit) in edits.iter().enumerate() {
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
                let origin = Origin::Edit(number);
                let added = add(field, column, &footer.rows, (options, &mut encoders), (known, origin));
                match added.map_err(|error| error.in_column(&field.name))? {
                    Some(added) => columns.push(added),
                    None => return Ok(None),
                }
            }
        }
    }
    footer.schema.columns = columns.iter().map(|column| column.field.clone()).collect();
    footer.types = columns.iter().map(|column| column.column_type).collect();
    footer.requires = columns.iter().map(|column| column.requires.clone()).collect();
    check_schema(&footer.schema, &footer.types)?;
    if !make_independent(file, &mut columns, &dropped, (options, &mut encoders), segments, known)? {
        return Ok(None);
    }

    // What is kept of the old file, close together; then what is new.
    let mut kept: Vec<&mut Range<u64>> = Vec::new();
    for column in &mut columns {
        let ranges = column.chunks.block.ranges.iter_mut().zip(&column.fresh);
        kept.extend(ranges.filter(|(_, fresh)| !**fresh).map(|(range, _)| range));
    }
    sort_by_key(&mut kept, |range| range.start);
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
    Ok(Some(Evolution { header: version2::header().to_vec(), copy, tail, digest }))
}

/// Encodes alone what was predicted from dropped columns, and gives parents their new positions. False where the codec of
/// neural chunks encodes some of it later.
fn make_independent(
    file: &File,
    columns: &mut [Kept],
    dropped: &[usize],
    (options, encoders): (&WriteOptions, &mut Encoders),
    segments: &Segments,
    known: &mut EncodedChunks,
) -> Step<bool> {
    let mut places: Vec<usize> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        if let Some(old) = column.old {
            places.resize(places.len().max(old + 1), 0);
            places.get_mut(old).into_iter().for_each(|place| *place = index);
        }
    }
    let is_affected = |column: &Kept| column.chunks.block.parents.iter().any(|parent| dropped.contains(parent));
    let affected = |column: &Kept| -> Vec<usize> {
        let needs = column.chunks.block.needs.iter().enumerate();
        needs.filter(|(_, needs)| **needs != 0 && is_affected(column)).map(|(group, _)| group).collect()
    };
    let mut missing = Vec::new();
    for column in columns.iter() {
        let Some(old) = column.old else { continue };
        for group in affected(column) {
            if known.get(Origin::File(old), group).is_none()
                && let Err(interrupt) = supplied(file, old, group, segments)
            {
                match interrupt {
                    Interrupt::Need(ranges) => missing.extend(ranges),
                    Interrupt::Failed(_) => return Err(interrupt),
                }
            }
        }
    }
    if !missing.is_empty() {
        sort_by_key(&mut missing, |range: &Range<u64>| (range.start, range.end));
        missing.dedup();
        return Err(Interrupt::Need(missing));
    }
    for column in columns.iter_mut() {
        let (Some(old), groups) = (column.old, affected(column)) else { continue };
        let values = |group| {
            let mut decoded = supplied(file, old, group, segments).map_err(|interrupt| match interrupt {
                Interrupt::Failed(error) => error,
                Interrupt::Need(_) => Error::invalid("segments", "lost what they had"),
            })?;
            file.decode(old, &mut decoded).map(|(values, _)| Arc::unwrap_or_clone(values))
        };
        let origin = Origin::File(old);
        if !known.add(origin, groups.iter().copied(), &column.field, (options, encoders), values)? {
            return Ok(false);
        }
        for group in groups {
            let bytes = known.get(origin, group).unwrap_or_default();
            column.chunks.replace(group, bytes, to_u64(column.bytes.len()));
            column.bytes.extend_from_slice(bytes);
            if let Some(fresh) = column.fresh.get_mut(group) {
                *fresh = true;
            }
        }
    }
    for column in columns {
        if is_affected(column) {
            column.chunks.block.parents.clear();
        }
        for parent in &mut column.chunks.block.parents {
            *parent = places.get(*parent).copied().unwrap_or_default();
        }
    }
    Ok(true)
}

/// A row group with all that decoding a column needs.
fn supplied<'a>(file: &File, column: usize, group: usize, segments: &'a Segments) -> Step<RowGroup<'a>> {
    let mut decoded = RowGroup::new(group);
    let mut missing = Vec::new();
    for needed in file.dependencies(column, group)?.into_iter().chain([column]) {
        let Some(range) = file.chunk(needed, group)? else { continue };
        match segments.get(range) {
            Ok(bytes) if needed == column => decoded.supply(needed, bytes),
            Ok(bytes) => decoded.supply(needed, bytes),
            Err(Interrupt::Need(ranges)) => missing.extend(ranges),
            Err(failed) => return Err(failed),
        }
    }
    if missing.is_empty() { Ok(decoded) } else { Err(Interrupt::Need(missing)) }
}

/// Encodes a new column, row group by row group; `None` where the codec of neural chunks does some of it later.
fn add(
    field: &Field,
    column: &Column,
    rows: &[u64],
    (options, encoders): (&WriteOptions, &mut Encoders),
    (known, origin): (&mut EncodedChunks, Origin),
) -> Result<Option<Kept>> {
    check_type(field, column)?;
    check_values(column)?;
    let total: u64 = rows.iter().sum();
    if to_u64(column.len()) != total {
        return Err(Error::invalid("columns", format!("{} rows, the file has {total}", column.len())));
    }
    let column_type = stored_type(ColumnType::of(column.values()));
    let stored = to_stored(Cow::Borrowed(column), column_type)?;
    let mut bounds = vec![0];
    for &rows in rows {
        let end = bounds.last().copied().unwrap_or(0usize);
        bounds.push(end.saturating_add(usize::try_from(rows).unwrap_or(usize::MAX)));
    }
    let part = |group: usize| {
        let bound = |at: usize| bounds.get(at).copied().unwrap_or(usize::MAX);
        stored.slice(bound(group)..bound(group + 1))
    };
    if !known.add(origin, 0..rows.len(), field, (options, encoders), |group| Ok(part(group)))? {
        return Ok(None);
    }
    let (mut bytes, mut chunks) = (Vec::new(), Chunks::new());
    for group in 0..rows.len() {
        let encoded = known.get(origin, group).unwrap_or_default().to_vec();
        let encoded = Encoded { bytes: encoded, ..Encoded::default() };
        let start = to_u64(bytes.len());
        bytes.extend_from_slice(&encoded.bytes);
        chunks.add(EncodedChunk::new(&part(group), None, encoded, states_bounds(field, options.bounds)), start);
    }
    let fresh = vec![true; rows.len()];
    Ok(Some(Kept { field: field.clone(), column_type, requires: Vec::new(), chunks, old: None, fresh, bytes }))
}
