//! Rust 2.0: header, positional schema and statistics, columns, footer.
//!
//! ```text
//! 0   magic, u32 version = 1
//! 8   u64 schema offset (64), u64 statistics offset, u64 data offset, u64 footer offset, u64 rows, 16 zero bytes
//! 64  msgpack [name, [[name, type, semantic or nil, nullable], ...], rows, version]
//!     msgpack [[min, max, nulls, total, distinct or nil], ...]
//!     per column: u32 size, zstd frame
//!     footer: "NCFE", SHA-256
//! ```
//! A writer that is asked to write twice puts the second file image at byte 48 and patches the header at byte 8;
//! then the schema is at 112, and `base` (schema offset - 64) is where the image that counts starts.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{DIGEST_SIZE, FOOTER_MAGIC, LEGACY_VERSION, MAGIC};
use crate::bytes::{ByteReader, Segments, Step, to_u64};
use crate::error::{Error, Result};
use crate::schema::{DataType, Field, Schema, SemanticType};
use crate::statistics::{ColumnStatistics, Scalar};

/// Bytes of a header.
pub const HEADER_SIZE: u64 = 64;
/// Bytes of a footer.
pub const FOOTER_SIZE: u64 = 36;
/// Bytes of the header that are zero for the checksum: from here to [`HEADER_SIZE`].
pub const ZEROED_FROM: u64 = 8;

/// The fixed fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Where the file image starts: 0, or 48 after a double write.
    pub base: u64,
    /// The schema.
    pub schema: Range<u64>,
    /// The statistics.
    pub statistics: Range<u64>,
    /// The columns.
    pub data: Range<u64>,
    /// Rows of the first column.
    pub num_rows: u64,
}

/// Parses the header.
///
/// # Errors
/// `corrupt` or `truncated`.
pub fn parse_header(segments: &Segments) -> Step<Header> {
    let mut reader = ByteReader::new(segments.get(0..HEADER_SIZE)?, 0);
    reader.take(8)?;
    let (schema, statistics) = (reader.u64()?, reader.u64()?);
    let (data, footer, num_rows) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let bad = |what: &'static str| Error::corrupt(what).in_section("header").at(8);
    if footer > segments.size() {
        return Err(Error::truncated(footer.saturating_add(FOOTER_SIZE), segments.size()).in_section("header").into());
    }
    if !(HEADER_SIZE <= schema && schema < statistics && statistics < data && data <= footer) {
        return Err(bad("section offsets out of order").into());
    }
    let base = schema - HEADER_SIZE;
    let prelude = segments.get(base..base + 8)?;
    if !prelude.starts_with(&MAGIC) || !prelude.ends_with(&LEGACY_VERSION.to_le_bytes()) {
        return Err(bad("no file image in front of the schema").into());
    }
    Ok(Header { base, schema: schema..statistics, statistics: statistics..data, data: data..footer, num_rows })
}

#[derive(Serialize, Deserialize)]
struct RawField(String, String, Option<String>, bool);

#[derive(Serialize, Deserialize)]
struct RawSchema(String, Vec<RawField>, u64, i64);

#[derive(Serialize, Deserialize)]
struct RawStatistics(Option<f64>, Option<f64>, u64, u64, Option<u64>);

fn parse_exactly<T: for<'a> Deserialize<'a>>(bytes: &[u8], what: &str) -> Result<T> {
    let mut rest = bytes;
    let value = rmp_serde::from_read(&mut rest).map_err(|error| Error::corrupt(format!("{what}: {error}")))?;
    if rest.is_empty() {
        return Ok(value);
    }
    Err(Error::corrupt(format!("{} bytes behind the {what}", rest.len())))
}

fn serialize<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    rmp_serde::to_vec(value).map_err(|error| Error::invalid("schema", error.to_string()))
}

/// Key of `Field::extra` that keeps a semantic type of this dialect without a counterpart.
const SEMANTIC_KEY: &str = "rust_semantic_type";

/// Data types as this dialect spells them; it has no boolean and no decimal.
const DATA_TYPES: &[(&str, DataType)] = &[
    ("Int8", DataType::Int8),
    ("Int16", DataType::Int16),
    ("Int32", DataType::Int32),
    ("Int64", DataType::Int64),
    ("UInt8", DataType::UInt8),
    ("UInt16", DataType::UInt16),
    ("UInt32", DataType::UInt32),
    ("UInt64", DataType::UInt64),
    ("Float32", DataType::Float32),
    ("Float64", DataType::Float64),
    ("String", DataType::String),
    ("Binary", DataType::Binary),
    ("Date", DataType::Date),
    ("Timestamp", DataType::Timestamp),
];

/// Semantic types that mean the same in both worlds.
const SEMANTIC_TYPES: &[(&str, SemanticType)] = &[
    ("PiiName", SemanticType::PiiName),
    ("PiiEmail", SemanticType::PiiEmail),
    ("PiiPhone", SemanticType::PiiPhone),
    ("PiiAddress", SemanticType::PiiAddress),
    ("Categorical", SemanticType::Categorical),
];

/// Semantic types of this dialect that ours are finer than, or that have no counterpart.
const COARSE_TYPES: &[(&str, &[SemanticType])] = &[
    ("Geographic", &[SemanticType::GeoLat, SemanticType::GeoLon]),
    ("Temporal", &[SemanticType::TemporalDate, SemanticType::TemporalTimestamp]),
    ("Embedding", &[]),
    ("None", &[]),
];

/// Parses the schema.
///
/// # Errors
/// `corrupt` for a wrong shape or an unknown name, `limit-exceeded` over a limit.
pub fn parse_schema(bytes: &[u8], max_columns: u64) -> Result<Schema> {
    let RawSchema(table_name, raw_fields, row_count, version) = parse_exactly(bytes, "schema")?;
    if to_u64(raw_fields.len()) > max_columns {
        return Err(Error::limit("columns", to_u64(raw_fields.len()), max_columns));
    }
    let columns = raw_fields.into_iter().map(parse_field).collect::<Result<_>>()?;
    Ok(Schema { row_count, version, ..Schema::new(table_name, columns) })
}

fn parse_field(RawField(name, data_type, semantic, nullable): RawField) -> Result<Field> {
    let known = DATA_TYPES.iter().find(|(text, _)| *text == data_type);
    let &(_, data_type) = known.ok_or_else(|| {
        let known: Vec<_> = DATA_TYPES.iter().map(|(text, _)| *text).collect();
        Error::corrupt(format!("unknown data type {data_type:?} (known: {})", known.join(" "))).in_column(&name)
    })?;
    let mut field = Field::new(name, data_type);
    field.nullable = nullable;
    if let Some(semantic) = semantic {
        if let Some((_, same)) = SEMANTIC_TYPES.iter().find(|(text, _)| *text == semantic) {
            field.semantic_type = *same;
        } else if COARSE_TYPES.iter().any(|(text, _)| *text == semantic) {
            field.extra.push((SEMANTIC_KEY.into(), semantic.into()));
        } else {
            return Err(Error::corrupt(format!("unknown semantic type {semantic:?}")).in_column(&field.name));
        }
    }
    field.contains_pii = field.semantic_type.is_pii();
    Ok(field)
}

/// Serializes the schema; a meaning that this dialect has no word for is left out.
///
/// # Errors
/// `type-mismatch` for a type that this dialect has no word for.
pub fn serialize_schema(schema: &Schema) -> Result<Vec<u8>> {
    let fields = schema.columns.iter().map(|field| {
        let known = DATA_TYPES.iter().find(|(_, data_type)| *data_type == field.data_type);
        let &(data_type, _) = known.ok_or_else(|| {
            Error::type_mismatch("a type of the rust-2.0 dialect", field.data_type.as_str()).in_column(&field.name)
        })?;
        let nullable = field.nullable;
        Ok(RawField(field.name.clone(), data_type.to_owned(), semantic_text(field), nullable))
    });
    let fields = fields.collect::<Result<_>>()?;
    serialize(&RawSchema(schema.table_name.clone(), fields, schema.row_count, schema.version))
}

fn semantic_text(field: &Field) -> Option<String> {
    let kept = field.extra.iter().find(|(key, _)| key.as_str() == Some(SEMANTIC_KEY));
    if let Some(text) = kept.and_then(|(_, value)| value.as_str()) {
        return Some(text.to_owned());
    }
    let same = SEMANTIC_TYPES.iter().find(|(_, semantic)| *semantic == field.semantic_type);
    let coarse = COARSE_TYPES.iter().find(|(_, semantics)| semantics.contains(&field.semantic_type));
    same.map(|(text, _)| *text).or(coarse.map(|(text, _)| *text)).map(str::to_owned)
}

/// Parses the statistics, one entry per column of the schema.
///
/// # Errors
/// `corrupt`.
pub fn parse_statistics(bytes: &[u8], schema: &Schema) -> Result<Vec<Option<ColumnStatistics>>> {
    let raw: Vec<RawStatistics> = parse_exactly(bytes, "statistics")?;
    if raw.len() != schema.columns.len() {
        return Err(Error::corrupt(format!("statistics of {} columns for {}", raw.len(), schema.columns.len())));
    }
    let entry = |RawStatistics(min, max, null_count, total_count, distinct_count)| {
        Some(ColumnStatistics {
            min: min.map(Scalar::Float64),
            max: max.map(Scalar::Float64),
            null_count,
            distinct_count,
            total_count,
            avg_length: None,
            nan_count: None,
        })
    };
    Ok(raw.into_iter().map(entry).collect())
}

/// Serializes statistics as the original does: bounds of numbers as floats, no bounds for text, nothing distinct.
///
/// # Errors
/// None in practice; the serializer's type has one.
pub fn serialize_statistics(columns: &[ColumnStatistics]) -> Result<Vec<u8>> {
    let bound = |scalar: &Option<Scalar>| match scalar {
        // The original rounds too: that is what its f64 bounds are.
        Some(Scalar::Integer(value)) => Some(*value as f64),
        Some(Scalar::Float64(value)) => Some(*value),
        _ => None,
    };
    let raw: Vec<_> = columns
        .iter()
        .map(|c| RawStatistics(bound(&c.min), bound(&c.max), c.null_count, c.total_count, None))
        .collect();
    serialize(&raw)
}

/// Parses the footer: the stored SHA-256. Stale bytes of a first write may follow it.
///
/// # Errors
/// `corrupt` or `truncated`.
pub fn parse_footer(segments: &Segments, start: u64) -> Step<[u8; DIGEST_SIZE]> {
    let mut reader = ByteReader::new(segments.get(start..start.saturating_add(FOOTER_SIZE))?, start);
    if reader.take(FOOTER_MAGIC.len())? != FOOTER_MAGIC {
        return Err(Error::corrupt("no footer where the header says it is").in_section("footer").at(start).into());
    }
    let mut digest = [0; DIGEST_SIZE];
    digest.copy_from_slice(reader.take(DIGEST_SIZE)?);
    Ok(digest)
}

/// Header bytes.
#[must_use]
pub fn serialize_header(header: &Header) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(LEGACY_VERSION.to_le_bytes());
    let offsets = [header.schema.start, header.statistics.start, header.data.start, header.data.end];
    for value in offsets.into_iter().chain([header.num_rows, 0, 0]) {
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

/// Footer bytes.
#[must_use]
pub fn serialize_footer(digest: &[u8; DIGEST_SIZE]) -> Vec<u8> {
    [&FOOTER_MAGIC[..], digest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmpv::Value;

    #[test]
    fn schemas_round_trip() {
        let types = DATA_TYPES.iter().map(|(name, data_type)| Field::new(*name, *data_type));
        let mut schema = Schema::new("t", types.collect());
        schema.row_count = 77;
        schema.version = 9;
        schema.columns[0].semantic_type = SemanticType::PiiEmail;
        schema.columns[0].contains_pii = true;
        schema.columns[1].extra.push((SEMANTIC_KEY.into(), Value::from("Embedding")));
        schema.columns[2].nullable = false;
        let bytes = serialize_schema(&schema).unwrap();
        assert_eq!(bytes[0], 0x94);
        assert_eq!(parse_schema(&bytes, 100).unwrap(), schema);
        assert!(parse_schema(&[&bytes[..], &[0xc0]].concat(), 100).is_err());
        assert!(parse_schema(&bytes, 3).is_err());
        schema.columns[0].data_type = DataType::Boolean;
        assert_eq!(serialize_schema(&schema).unwrap_err().code().as_str(), "type-mismatch");
    }

    #[test]
    fn finer_meanings_become_the_coarse_word() {
        let mut field = Field::new("x", DataType::Float64);
        field.semantic_type = SemanticType::GeoLat;
        assert_eq!(semantic_text(&field).as_deref(), Some("Geographic"));
        field.semantic_type = SemanticType::IdUuid;
        assert_eq!(semantic_text(&field), None);
    }
}
