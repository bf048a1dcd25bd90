//! Python 1.1: recognised, refused, and salvaged on request.
//!
//! Its writers put the statistics and the footer over the start of the column data, so the first columns of every
//! file are lost; no original reader opens any of them. What lies behind the footer is intact but unreferenced.
//!
//! ```text
//! 0   magic, u32 version = 1
//! 8   u64 schema offset (64), u64 statistics offset, u64 data offset, u64 footer offset (equal), u64 rows
//! 48  u32 created, u32 modified, u64 codec
//! 64  u32 n, schema map; u32 n, statistics map (over the columns' start)
//!     footer: "NCFE", u32 1, u8 2, SHA-256, u32 n, msgpack index (over the columns, too)
//!     the rest of the columns: u8 codec, u32 size, bytes
//! ```

use std::ops::Range;

use super::msgpack;
use super::python10::footer_prelude;
use super::{DIGEST_SIZE, payload};
use crate::bytes::{ByteReader, Segments, Step, to_u64, to_usize};
use crate::compression::Compression;
use crate::error::{Error, Result};
use crate::schema::{DataType, Schema};
use crate::sort::sort_by_key;

/// Where the header ends and the schema starts.
pub const HEADER_END: u64 = 64;
/// Bytes before a column's own: codec and size.
pub const RECORD_HEADER: usize = 5;

/// The fixed fields.
#[derive(Clone, Debug)]
pub struct Header {
    /// The length-prefixed schema.
    pub schema: Range<u64>,
    /// The length-prefixed statistics.
    pub statistics: Range<u64>,
    /// The footer up to the length of its index.
    pub footer: u64,
    /// Rows.
    pub num_rows: u64,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds.
    pub modified: u64,
    /// Codec of every column.
    pub codec: u8,
}

/// Parses the header, whose shape [`super::sniff`] has seen.
///
/// # Errors
/// `corrupt` or `truncated`.
pub fn parse_header(segments: &Segments) -> Step<Header> {
    let bytes = segments.get(0..HEADER_END)?;
    let mut reader = ByteReader::new(bytes, 0);
    reader.take(8)?;
    let (schema, statistics) = (reader.u64()?, reader.u64()?);
    let (data, footer) = (reader.u64()?, reader.u64()?);
    let num_rows = reader.u64()?;
    let (created, modified, codec) = (reader.u32()?, reader.u32()?, reader.u64()?);
    if footer > segments.size() {
        return Err(Error::truncated(footer, segments.size()).in_section("header").at(32).into());
    }
    if !(schema + 4 <= statistics && statistics.checked_add(4).is_some_and(|end| end <= data) && data == footer) {
        return Err(Error::corrupt("section offsets out of order").in_section("header").at(8).into());
    }
    Ok(Header {
        schema: schema..statistics,
        statistics: statistics..data,
        footer,
        num_rows,
        created: created.into(),
        modified: modified.into(),
        codec: u8::try_from(codec).map_err(|_| Error::corrupt(format!("codec {codec}")).at(56))?,
    })
}

/// Parses the footer: the stored SHA-256, and where the footer ends.
///
/// # Errors
/// `corrupt` or `truncated`.
pub fn parse_footer(segments: &Segments, start: u64, limit: u64) -> Step<([u8; DIGEST_SIZE], u64)> {
    let fixed = start..start.saturating_add(45);
    let mut reader = ByteReader::new(segments.get(fixed.clone())?, start);
    let digest = footer_prelude(&mut reader)?;
    let length = u64::from(reader.u32()?);
    msgpack::check_size(length, limit)?;
    let end = fixed.end + length;
    msgpack::parse(segments.get(fixed.end..end)?)?;
    Ok((digest, end))
}

/// Finds the intact columns behind the footer: the byte ranges of their payloads, for the last columns of the schema.
///
/// `tail` is everything from `start`, the footer's end, to the end of the file. The records that end exactly there
/// form a chain; of several chains the longest wins whose every record decodes to `num_rows` rows.
///
/// # Errors
/// `unsupported-feature` for a codec that cannot be read.
pub fn salvage(tail: &[u8], start: u64, header: &Header, schema: &Schema, limit: u64) -> Result<Vec<Range<u64>>> {
    let compression = Compression::from_id(header.codec)?;
    let types: Vec<DataType> = schema.columns.iter().map(|field| field.data_type).collect();
    for first in chain_starts(tail, header.codec, types.len()) {
        let chain = records(tail, first);
        let of_schema = types.get(types.len() - chain.len()..).unwrap_or_default();
        let intact = chain.iter().zip(of_schema).all(|(range, &data_type)| {
            let stored = tail.get(range.clone()).unwrap_or_default();
            let decoded = compression
                .decompress(stored, None, limit)
                .and_then(|bytes| payload::decode(&bytes, data_type, payload::EmptyText::Null, limit));
            decoded.is_ok_and(|(column, _)| to_u64(column.len()) == header.num_rows)
        });
        if intact {
            let absolute = |range: Range<usize>| start + to_u64(range.start)..start + to_u64(range.end);
            return Ok(chain.into_iter().map(absolute).collect());
        }
    }
    Ok(Vec::new())
}

/// Positions from which at most `columns` records reach exactly to the end, the longest chains first.
fn chain_starts(tail: &[u8], codec: u8, columns: usize) -> Vec<usize> {
    // lengths[i]: records of the chain from byte i, 0 = none. The end is reached from the back.
    let mut lengths = vec![0u32; tail.len() + 1];
    for at in (0..tail.len().saturating_sub(RECORD_HEADER - 1)).rev() {
        let Some(range) = record(tail, at).filter(|_| tail.get(at) == Some(&codec)) else { continue };
        let behind =
            if range.end == tail.len() { 1 } else { lengths.get(range.end).map_or(0, |n| n + u32::from(*n > 0)) };
        if let Some(length) = lengths.get_mut(at) {
            *length = behind;
        }
    }
    let mut starts: Vec<(u32, usize)> = lengths
        .into_iter()
        .enumerate()
        .filter(|(_, length)| (1..=columns).contains(&(*length as usize)))
        .map(|(at, length)| (length, at))
        .collect();
    sort_by_key(&mut starts, |&(length, at)| (std::cmp::Reverse(length), at));
    // Spurious chains are rare; a file made of them must not cost a decode each.
    starts.truncate(64);
    starts.into_iter().map(|(_, at)| at).collect()
}

/// The payload of the record at `at`, if it fits.
fn record(tail: &[u8], at: usize) -> Option<Range<usize>> {
    let mut reader = ByteReader::new(tail.get(at..)?, 0);
    reader.u8().ok()?;
    let size = to_usize(reader.u32().ok()?.into(), "record").ok()?;
    let first = at + RECORD_HEADER;
    let end = first.checked_add(size)?;
    (end <= tail.len()).then_some(first..end)
}

fn records(tail: &[u8], mut at: usize) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    while let Some(range) = record(tail, at).filter(|_| at < tail.len()) {
        at = range.end;
        all.push(range);
    }
    all
}
