//! Python 1.0: header, schema, statistics, column groups, footer.
//!
//! ```text
//! 0   magic, u32 version = 1
//! 8   u32 schema offset (68), u32 statistics offset, u32 index offset (0), u32 data offset, u32 footer offset
//! 28  u64 rows, u64 created, u64 modified (unix seconds)
//! 52  u8 codec, u8 encryption (0), 14 zero bytes
//! 68  u32 n, schema map; u32 n, statistics map
//!     column groups: u32 id, u32 columns, then per column: name NUL, u64 size, u8 codec, bytes
//!     footer: "NCFE", u32 1, u8 2, SHA-256 of everything before, u32 5, 5 x (16-byte name, u64 offset)
//! ```

use std::collections::HashMap;
use std::ops::Range;

use rmpv::Value;

#[cfg(feature = "writer")]
use super::MAGIC;
use super::msgpack::{self, Map};
use super::{DIGEST_SIZE, FOOTER_MAGIC, LEGACY_VERSION};
use crate::bytes::{ByteReader, Segments, Step};
use crate::error::{Error, Result};
use crate::schema::{Field, Schema};
use crate::statistics::{self, ColumnStatistics};

/// Where the header ends and the schema starts.
pub const HEADER_END: u64 = 68;
/// Bytes of the footer that the original writes.
pub const FOOTER_SIZE: u64 = 165;
/// Longest column name that is written, and that a reader looks for the end of; no limit of the format.
pub const MAX_NAME_SIZE: u64 = 1 << 16;
/// Bytes of an offset index entry's name.
const INDEX_NAME_SIZE: usize = 16;
/// Checksum type: SHA-256.
const CHECKSUM_SHA256: u8 = 2;

/// The fixed fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The length-prefixed schema.
    pub schema: Range<u64>,
    /// The length-prefixed statistics.
    pub statistics: Range<u64>,
    /// The column groups.
    pub data: Range<u64>,
    /// Rows of the first column that the writer was given.
    pub num_rows: u64,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds.
    pub modified: u64,
    /// Codec of the file; that of each column is authoritative.
    pub codec: u8,
}

/// Key that we add to the schema of a timestamp column whose values are instants in UTC: numpy has no such flag.
/// Readers that do not know it take the same counts as local times.
const UTC_KEY: &str = "timestamp_utc";

/// Whether a column's timestamps are instants in UTC.
#[must_use]
pub fn is_utc(field: &Field) -> bool {
    field.extra.iter().any(|(key, value)| key.as_str() == Some(UTC_KEY) && value.as_bool() == Some(true))
}

/// States whether a column's timestamps are instants in UTC.
#[cfg(feature = "writer")]
pub fn set_utc(field: &mut Field, utc: bool) {
    field.extra.retain(|(key, _)| key.as_str() != Some(UTC_KEY));
    if utc {
        field.extra.push((UTC_KEY.into(), true.into()));
    }
}

/// Parses the header.
///
/// # Errors
/// `corrupt` or `truncated` where offsets are out of order or out of the file.
pub fn parse_header(segments: &Segments) -> Step<Header> {
    let bytes = segments.get(0..HEADER_END)?;
    Ok(header_fields(bytes, segments.size()).map_err(|error| error.in_section("header"))?)
}

fn header_fields(bytes: &[u8], size: u64) -> Result<Header> {
    let mut reader = ByteReader::new(bytes, 0);
    reader.take(8)?;
    let schema = u64::from(reader.u32()?);
    let statistics = u64::from(reader.u32()?);
    reader.u32()?;
    let data = u64::from(reader.u32()?);
    let footer = u64::from(reader.u32()?);
    let (num_rows, created, modified) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let (codec, encryption) = (reader.u8()?, reader.u8()?);
    if encryption != 0 {
        return Err(Error::unsupported(format!("encryption type {encryption}")).at(53));
    }
    if footer > size {
        return Err(Error::truncated(footer + FOOTER_SIZE, size).at(24));
    }
    if !(schema + 4 <= statistics && statistics + 4 <= data && data <= footer) {
        return Err(Error::corrupt(format!(
            "section offsets out of order: schema {schema}, statistics {statistics}, data {data}, footer {footer}"
        ))
        .at(8));
    }
    Ok(Header {
        schema: schema..statistics,
        statistics: statistics..data,
        data: data..footer,
        num_rows,
        created,
        modified,
        codec,
    })
}

/// The bytes of a length-prefixed section that fills its range.
///
/// # Errors
/// `corrupt` where it does not, `limit-exceeded` over the limit of metadata.
pub fn section(segments: &Segments, range: Range<u64>, limit: u64) -> Step<&[u8]> {
    msgpack::check_size(range.end - range.start, limit)?;
    let bytes = segments.get(range.clone())?;
    let mut reader = ByteReader::new(bytes, range.start);
    let length = reader.u32()?;
    if u64::from(length) != range.end - range.start - 4 {
        return Err(Error::corrupt(format!(
            "length {length} where the section has {} bytes",
            range.end - range.start - 4
        ))
        .at(range.start)
        .into());
    }
    Ok(reader.rest())
}

/// Parses the statistics map into the order of the schema's columns.
///
/// # Errors
/// `corrupt`.
pub fn parse_statistics(bytes: &[u8], schema: &Schema) -> Result<Vec<Option<ColumnStatistics>>> {
    let entries = Map::new(msgpack::parse(bytes)?, "statistics")?.into_rest();
    let mut entries: HashMap<String, Value> =
        entries.into_iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value))).collect();
    let mut all = Vec::with_capacity(schema.columns.len());
    for field in &schema.columns {
        let Some(value) = entries.remove(&field.name) else {
            all.push(None);
            continue;
        };
        let mut entry = Map::new(value, "statistics")?;
        // Python 1.0 states text, Python 1.1 floats, for every type.
        let mut bound = |key: &str| {
            let read = |value: &Value| match value {
                Value::F64(number) => Some(statistics::Scalar::Float64(*number)),
                _ => value.as_str().map(|text| statistics::from_python_text(text, field.data_type)),
            };
            entry.optional(key, "text", read).map_err(|error| error.in_column(&field.name))
        };
        let (min, max) = (bound("min_value")?, bound("max_value")?);
        all.push(Some(ColumnStatistics {
            min,
            max,
            null_count: entry.count("null_count")?.unwrap_or(0),
            distinct_count: entry.count("distinct_count")?,
            total_count: entry.count("total_count")?.unwrap_or(0),
            avg_length: entry.optional("avg_length", "a number", Value::as_f64)?,
            ..ColumnStatistics::default()
        }));
    }
    Ok(all)
}

/// Parses the footer: the stored SHA-256. The offset index only repeats the header; its shape is checked.
///
/// # Errors
/// `corrupt` or `truncated`.
pub fn parse_footer(segments: &Segments, start: u64, limit: u64) -> Step<[u8; DIGEST_SIZE]> {
    let size = segments.size().saturating_sub(start);
    msgpack::check_size(size, limit)?;
    let bytes = segments.get(start..segments.size())?;
    Ok(footer_fields(&mut ByteReader::new(bytes, start)).map_err(|error| error.in_section("footer"))?)
}

fn footer_fields(reader: &mut ByteReader<'_>) -> Result<[u8; DIGEST_SIZE]> {
    let start = reader.offset();
    let digest = footer_prelude(reader)?;
    let entries = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    if entries.checked_mul(INDEX_NAME_SIZE + 8) != Some(reader.remaining()) {
        return Err(
            Error::corrupt(format!("offset index of {entries} entries in {} bytes", reader.remaining())).at(start)
        );
    }
    Ok(digest)
}

/// What Python 1.0 and 1.1 share of the footer: magic, version, checksum type, SHA-256.
///
/// # Errors
/// `corrupt` or `truncated`.
pub fn footer_prelude(reader: &mut ByteReader<'_>) -> Result<[u8; DIGEST_SIZE]> {
    let start = reader.offset();
    if reader.take(FOOTER_MAGIC.len())? != FOOTER_MAGIC {
        return Err(Error::corrupt("no footer where the header says it is").at(start));
    }
    let (version, kind) = (reader.u32()?, reader.u8()?);
    if version != LEGACY_VERSION || kind != CHECKSUM_SHA256 {
        return Err(Error::corrupt(format!("footer version {version}, checksum type {kind} (known: 1, 2)")).at(start));
    }
    let mut digest = [0; DIGEST_SIZE];
    digest.copy_from_slice(reader.take(DIGEST_SIZE)?);
    Ok(digest)
}

/// Header bytes.
///
/// # Errors
/// `limit-exceeded` when an offset does not fit 32 bits.
#[cfg(feature = "writer")]
pub fn serialize_header(header: &Header) -> Result<Vec<u8>> {
    let offset = |value: u64| {
        u32::try_from(value).map_err(|_| Error::limit("bytes of a python-1.0 file", value, u64::from(u32::MAX)))
    };
    let mut bytes = MAGIC.to_vec();
    bytes.extend(LEGACY_VERSION.to_le_bytes());
    for value in [header.schema.start, header.statistics.start, 0, header.data.start, header.data.end] {
        bytes.extend(offset(value)?.to_le_bytes());
    }
    for value in [header.num_rows, header.created, header.modified] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([header.codec, 0]);
    bytes.extend([0; 14]);
    Ok(bytes)
}

/// Statistics map bytes, in the order of `columns`.
#[cfg(feature = "writer")]
#[must_use]
pub fn serialize_statistics(columns: &[(&str, &ColumnStatistics)]) -> Vec<u8> {
    let text = |scalar: &Option<statistics::Scalar>| {
        msgpack::optional_text(scalar.as_ref().map(statistics::to_python_text).as_deref())
    };
    let entry = |statistics: &ColumnStatistics| {
        Value::Map(vec![
            ("min_value".into(), text(&statistics.min)),
            ("max_value".into(), text(&statistics.max)),
            ("null_count".into(), statistics.null_count.into()),
            ("distinct_count".into(), statistics.distinct_count.map_or(Value::Nil, Value::from)),
            ("total_count".into(), statistics.total_count.into()),
            ("avg_length".into(), statistics.avg_length.map_or(Value::Nil, Value::from)),
        ])
    };
    let entries = columns.iter().map(|(name, statistics)| ((*name).into(), entry(statistics)));
    msgpack::serialize(&Value::Map(entries.collect()))
}

/// Footer bytes.
#[cfg(feature = "writer")]
#[must_use]
pub fn serialize_footer(header: &Header, digest: &[u8; DIGEST_SIZE]) -> Vec<u8> {
    let mut bytes = FOOTER_MAGIC.to_vec();
    bytes.extend(LEGACY_VERSION.to_le_bytes());
    bytes.push(CHECKSUM_SHA256);
    bytes.extend(digest);
    let index: [(&[u8], u64); 5] = [
        (b"header", 8),
        (b"schema", header.schema.start),
        (b"stats", header.statistics.start),
        (b"data", header.data.start),
        (b"footer", header.data.end),
    ];
    bytes.extend(5u32.to_le_bytes());
    for (name, offset) in index {
        bytes.extend(name);
        bytes.resize(bytes.len() + INDEX_NAME_SIZE - name.len(), 0);
        bytes.extend(offset.to_le_bytes());
    }
    bytes
}
