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

use rmpv::Value;

use super::{DIGEST_SIZE, FOOTER_MAGIC, LEGACY_VERSION, MAGIC, msgpack};
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

/// The elements of an array of so many.
fn tuple<const N: usize>(value: Value, what: &str) -> Result<[Value; N]> {
    let Value::Array(items) = value else {
        return Err(Error::corrupt(format!("{what} is {} instead of an array", msgpack::kind(&value))));
    };
    let count = items.len();
    items.try_into().map_err(|_| Error::corrupt(format!("{what} of {count} elements instead of {N}")))
}

/// Reads one element.
fn element<T>(value: &Value, what: &str, read: impl Fn(&Value) -> Option<T>) -> Result<T> {
    read(value).ok_or_else(|| Error::corrupt(format!("{what} is {}", msgpack::kind(value))))
}

/// Reads one element that may be nil.
fn optional<T>(value: &Value, what: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>> {
    if value.is_nil() { Ok(None) } else { element(value, what, read).map(Some) }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn array(value: Value, what: &str) -> Result<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(Error::corrupt(format!("{what} is {} instead of an array", msgpack::kind(&other)))),
    }
}

/// Parses the schema.
///
/// # Errors
/// `corrupt` for a wrong shape or an unknown name, `limit-exceeded` over a limit.
pub fn parse_schema(bytes: &[u8], max_columns: u64) -> Result<Schema> {
    let [table_name, fields, row_count, version] = tuple(msgpack::parse(bytes)?, "schema")?;
    let fields = array(fields, "list of columns")?;
    if to_u64(fields.len()) > max_columns {
        return Err(Error::limit("columns", to_u64(fields.len()), max_columns));
    }
    let table_name = element(&table_name, "table name", text)?;
    let columns = fields.into_iter().map(parse_field).collect::<Result<_>>()?;
    Ok(Schema {
        row_count: element(&row_count, "row count", Value::as_u64)?,
        version: element(&version, "schema version", Value::as_i64)?,
        ..Schema::new(table_name, columns)
    })
}

fn parse_field(value: Value) -> Result<Field> {
    let [name, data_type, semantic, nullable] = tuple(value, "column")?;
    let name = element(&name, "column name", text)?;
    let data_type = element(&data_type, "data type", text)?;
    let known = DATA_TYPES.iter().find(|(text, _)| *text == data_type);
    let &(_, data_type) = known.ok_or_else(|| {
        let known: Vec<_> = DATA_TYPES.iter().map(|(text, _)| *text).collect();
        Error::corrupt(format!("unknown data type {data_type:?} (known: {})", known.join(" "))).in_column(&name)
    })?;
    let mut field = Field::new(name, data_type);
    field.nullable = element(&nullable, "nullable", Value::as_bool)?;
    if let Some(semantic) = optional(&semantic, "semantic type", text)? {
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
#[cfg(feature = "writer")]
pub fn serialize_schema(schema: &Schema) -> Result<Vec<u8>> {
    let fields = schema.columns.iter().map(|field| {
        let known = DATA_TYPES.iter().find(|(_, data_type)| *data_type == field.data_type);
        let &(data_type, _) = known.ok_or_else(|| {
            Error::type_mismatch("a type of the rust-2.0 dialect", field.data_type.as_str()).in_column(&field.name)
        })?;
        Ok((field.name.as_str(), data_type, semantic_text(field)?, field.nullable))
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    serialize(&(schema.table_name.as_str(), fields, schema.row_count, schema.version))
}

/// Tuples are arrays and nothing has a name: serde's shapes are the original's own.
#[cfg(feature = "writer")]
fn serialize<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    rmp_serde::to_vec(value).map_err(|error| Error::invalid("schema", error.to_string()))
}

#[cfg(feature = "writer")]
fn semantic_text(field: &Field) -> Result<Option<&'static str>> {
    if let Some((_, kept)) = field.extra.iter().find(|(key, _)| key.as_str() == Some(SEMANTIC_KEY)) {
        let known = COARSE_TYPES.iter().find(|(text, _)| kept.as_str() == Some(*text));
        let bad = || Error::invalid(SEMANTIC_KEY, format!("{kept} is not one of the dialect")).in_column(&field.name);
        return known.map(|(text, _)| Some(*text)).ok_or_else(bad);
    }
    let same = SEMANTIC_TYPES.iter().find(|(_, semantic)| *semantic == field.semantic_type);
    let coarse = COARSE_TYPES.iter().find(|(_, semantics)| semantics.contains(&field.semantic_type));
    Ok(same.map(|(text, _)| *text).or(coarse.map(|(text, _)| *text)))
}

/// Parses the statistics, one entry per column of the schema.
///
/// # Errors
/// `corrupt`.
pub fn parse_statistics(bytes: &[u8], schema: &Schema) -> Result<Vec<Option<ColumnStatistics>>> {
    let entries = array(msgpack::parse(bytes)?, "statistics")?;
    if entries.len() != schema.columns.len() {
        return Err(Error::corrupt(format!("statistics of {} columns for {}", entries.len(), schema.columns.len())));
    }
    let entry = |value: Value| {
        let [min, max, null_count, total_count, distinct_count] = tuple(value, "statistics of a column")?;
        Ok(Some(ColumnStatistics {
            min: optional(&min, "minimum", Value::as_f64)?.map(Scalar::Float64),
            max: optional(&max, "maximum", Value::as_f64)?.map(Scalar::Float64),
            null_count: element(&null_count, "null count", Value::as_u64)?,
            distinct_count: optional(&distinct_count, "distinct count", Value::as_u64)?,
            total_count: element(&total_count, "total count", Value::as_u64)?,
            avg_length: None,
            ..ColumnStatistics::default()
        }))
    };
    entries.into_iter().map(entry).collect()
}

/// Serializes statistics as the original does: bounds of numbers as floats, no bounds for text, nothing distinct.
///
/// # Errors
/// None in practice; the serializer's type has one.
#[cfg(feature = "writer")]
pub fn serialize_statistics<'a>(columns: impl IntoIterator<Item = &'a ColumnStatistics>) -> Result<Vec<u8>> {
    let bound = |scalar: &Option<Scalar>| match scalar {
        // The original rounds too: that is what its f64 bounds are.
        Some(Scalar::Integer(value)) => Some(*value as f64),
        Some(Scalar::Float64(value)) => Some(*value),
        _ => None,
    };
    let entry = |c: &ColumnStatistics| (bound(&c.min), bound(&c.max), c.null_count, c.total_count, None::<u64>);
    serialize(&columns.into_iter().map(entry).collect::<Vec<_>>())
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
#[cfg(feature = "writer")]
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
#[cfg(feature = "writer")]
#[must_use]
pub fn serialize_footer(digest: &[u8; DIGEST_SIZE]) -> Vec<u8> {
    [&FOOTER_MAGIC[..], digest].concat()
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;

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
        assert_eq!(semantic_text(&field).unwrap(), Some("Geographic"));
        field.semantic_type = SemanticType::IdUuid;
        assert_eq!(semantic_text(&field).unwrap(), None);
    }
}
