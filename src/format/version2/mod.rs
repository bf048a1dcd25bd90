//! Version 2: chunks in front, what they are at the end. `docs/format.md` section 7 is the normative text.
//!
//! ```text
//! header      "NCF\x01", u32 2
//! chunks      one column of one row group each, in any order, without gaps
//! digests     SHA-256 of every chunk, column by column, where they are not in the blocks
//! blocks      column blocks that are not in the footer
//! footer      msgpack map: schema, row groups, directory
//! trailer     sizes, SHA-256 of the footer, "NCFE"
//! ```

pub mod block;
pub mod statistics;

use std::ops::Range;

use rmpv::Value;
use sha2::{Digest, Sha256};

use super::msgpack::{self, Map};
use super::{DIGEST_SIZE, FOOTER_MAGIC, MAGIC, schema_map};
use crate::bytes::{ByteReader, to_usize};
use crate::column::MAX_PRECISION;
use crate::compression::zstd;
use crate::encoding::chunk::ColumnType;
use crate::encoding::{Decoder, integer};
use crate::error::{Error, Result};
use crate::schema::{DataType, Extra, Field, Schema};

/// The version field.
pub const VERSION: u32 = 2;
/// Bytes of the header.
pub const HEADER_SIZE: u64 = 8;
/// Bytes of the trailer.
pub const TRAILER_SIZE: u64 = 52;
/// Bytes of the trailer in front of the digest, which the digest covers.
const TRAILER_COVERED: usize = 16;
/// Smallest file: a header, a footer of one byte, a trailer.
pub const MIN_SIZE: u64 = HEADER_SIZE + 1 + TRAILER_SIZE;
/// Rows of a row group: what positions within a chunk can count.
pub const MAX_GROUP_ROWS: u64 = u32::MAX as u64;
/// Rows of a file: what JavaScript can count.
pub const MAX_ROWS: u64 = (1 << 53) - 1;

/// The first bytes of every file.
#[must_use]
pub fn header() -> [u8; 8] {
    let mut bytes = [0; 8];
    let parts = MAGIC.into_iter().chain(VERSION.to_le_bytes());
    bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    bytes
}

/// The last bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Bytes of the blocks in front of the footer.
    pub blocks_size: u32,
    /// Bytes of the footer as stored.
    pub footer_size: u32,
    /// Bytes of the footer after decompression; 0: it is stored as it is.
    pub footer_raw_size: u32,
    /// SHA-256 of the stored footer and the fields above.
    pub digest: [u8; DIGEST_SIZE],
}

/// Where a trailer says that things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Column blocks.
    pub blocks: Range<u64>,
    /// Footer as stored.
    pub footer: Range<u64>,
    /// Trailer.
    pub trailer: Range<u64>,
}

impl Trailer {
    /// Parses the last [`TRAILER_SIZE`] bytes; `None` where they do not end as those of version 2 do.
    ///
    /// # Errors
    /// `unsupported-feature` for a reserved field that is not zero.
    pub fn parse(bytes: &[u8], offset: u64) -> Result<Option<Trailer>> {
        if !bytes.ends_with(&FOOTER_MAGIC) {
            return Ok(None);
        }
        let mut reader = ByteReader::new(bytes, offset);
        let (blocks_size, footer_size) = (reader.u32()?, reader.u32()?);
        let footer_raw_size = reader.u32()?;
        let reserved = reader.u32()?;
        if reserved != 0 {
            return Err(Error::unsupported(format!("trailer flags {reserved:#x}, of a newer release")).at(offset + 12));
        }
        let mut digest = [0; DIGEST_SIZE];
        digest.copy_from_slice(reader.take(DIGEST_SIZE)?);
        Ok(Some(Trailer { blocks_size, footer_size, footer_raw_size, digest }))
    }

    /// Where the parts of a file of `size` bytes are.
    ///
    /// # Errors
    /// `corrupt` where they do not fit in.
    pub fn tail(&self, size: u64) -> Result<Tail> {
        let trailer = size.saturating_sub(TRAILER_SIZE)..size;
        let footer_start = trailer.start.checked_sub(self.footer_size.into());
        let start = footer_start.and_then(|start| start.checked_sub(self.blocks_size.into()));
        match (start, footer_start) {
            (Some(start), Some(footer_start)) if start >= HEADER_SIZE && self.footer_size > 0 => {
                Ok(Tail { blocks: start..footer_start, footer: footer_start..trailer.start, trailer })
            }
            _ => Err(Error::corrupt(format!(
                "a footer of {} and blocks of {} bytes do not fit into a file of {size}",
                self.footer_size, self.blocks_size
            ))
            .at(trailer.start)),
        }
    }

    fn covered(&self) -> [u8; TRAILER_COVERED] {
        let mut bytes = [0; TRAILER_COVERED];
        let fields = [self.blocks_size, self.footer_size, self.footer_raw_size, 0];
        bytes.iter_mut().zip(fields.into_iter().flat_map(u32::to_le_bytes)).for_each(|(to, from)| *to = from);
        bytes
    }

    fn compute_digest(&self, footer: &[u8]) -> [u8; DIGEST_SIZE] {
        Sha256::new().chain_update(footer).chain_update(self.covered()).finalize().into()
    }

    /// Checks the stored footer against the digest.
    ///
    /// # Errors
    /// `checksum-mismatch`.
    pub fn check(&self, footer: &[u8]) -> Result<()> {
        let actual = self.compute_digest(footer);
        if actual == self.digest {
            return Ok(());
        }
        Err(Error::checksum(&self.digest, &actual))
    }

    /// The footer as it was before it was stored.
    ///
    /// # Errors
    /// `corrupt`, `limit-exceeded`.
    pub fn unpack(&self, footer: &[u8], limit: u64) -> Result<Vec<u8>> {
        if self.footer_raw_size == 0 {
            return Ok(footer.to_vec());
        }
        msgpack::check_size(self.footer_raw_size.into(), limit)?;
        zstd::Decompressor::new().decompress_magicless(footer, to_usize(self.footer_raw_size.into(), "footer")?)
    }
}

/// What the footer says.
#[derive(Clone, Debug, PartialEq)]
pub struct Footer {
    /// The schema; its row count is that of the row groups.
    pub schema: Schema,
    /// Type of each column with its parameters.
    pub types: Vec<ColumnType>,
    /// Per column, names of features that whoever reads it must know.
    pub requires: Vec<Vec<String>>,
    /// Rows of each row group.
    pub rows: Vec<u64>,
    /// Unix seconds.
    pub created: Option<u64>,
    /// Unix seconds.
    pub modified: Option<u64>,
    /// Where the chunks end.
    pub data_end: u64,
    /// One entry per column: see [`block::Entry`].
    pub directory: Vec<Vec<u8>>,
    /// Unknown keys.
    pub extra: Extra,
}

/// Parses a footer.
///
/// # Errors
/// `corrupt`, `limit-exceeded`.
pub fn parse_footer(bytes: &[u8], max_columns: u64, limit: u64) -> Result<Footer> {
    let mut map = Map::new(msgpack::parse(bytes)?, "footer")?;
    let required =
        |map: &mut Map, key: &str| map.take(key).ok_or_else(|| Error::corrupt(format!("the footer has no {key:?}")));
    let schema = Map::new(required(&mut map, "schema")?, "schema")?;
    let (mut types, mut requires) = (Vec::new(), Vec::new());
    let mut schema = schema_map::parse_map(schema, max_columns, |column| {
        let parameters = Parameters::take(column)?;
        types.push(parameters);
        requires.push(column.texts("requires")?);
        Ok(())
    })?;
    let types =
        schema.columns.iter().zip(types).map(|(field, parameters)| parameters.of(field)).collect::<Result<_>>()?;

    let groups = map.count("row_groups")?.unwrap_or(0);
    let rows = required(&mut map, "rows")?;
    let rows = rows.as_slice().ok_or_else(|| Error::corrupt("footer key \"rows\" is not bytes"))?;
    let rows = parse_rows(rows, groups, limit)?;
    schema.row_count = rows.iter().sum();

    let entry = |value: Value| match value {
        Value::Binary(bytes) => Ok(bytes),
        other => Err(Error::corrupt(format!("a directory entry is {} instead of bytes", msgpack::kind(&other)))),
    };
    let directory: Vec<Vec<u8>> = map.array("directory")?.into_iter().map(entry).collect::<Result<_>>()?;
    if directory.len() != schema.columns.len() {
        let (entries, columns) = (directory.len(), schema.columns.len());
        return Err(Error::corrupt(format!("{entries} directory entries for {columns} columns")));
    }
    Ok(Footer {
        types,
        requires,
        created: map.count("created")?,
        modified: map.count("modified")?,
        data_end: map.count("data_end")?.ok_or_else(|| Error::corrupt("the footer has no \"data_end\""))?,
        rows,
        directory,
        extra: map.into_rest(),
        schema,
    })
}

fn parse_rows(bytes: &[u8], groups: u64, limit: u64) -> Result<Vec<u64>> {
    let mut reader = ByteReader::new(bytes, 0);
    let rows = integer::decode(&mut reader, to_usize(groups, "row groups")?, &mut Decoder::new(limit))?;
    if reader.remaining() > 0 {
        return Err(Error::corrupt("bytes behind the rows of the row groups"));
    }
    let mut total = 0u64;
    for &rows in &rows {
        total = total.saturating_add(rows);
        if rows == 0 || rows > MAX_GROUP_ROWS || total > MAX_ROWS {
            return Err(Error::corrupt(format!("a row group of {rows} rows, {total} with those before it")));
        }
    }
    Ok(rows)
}

/// What a column map says of the type beside its name.
#[derive(Clone, Copy, Debug)]
struct Parameters {
    utc: bool,
    precision: Option<i64>,
    scale: Option<i64>,
}

impl Parameters {
    fn take(column: &mut Map) -> Result<Self> {
        Ok(Parameters {
            utc: column.boolean("utc", false)?,
            precision: column.integer("precision")?,
            scale: column.integer("scale")?,
        })
    }

    fn of(self, field: &Field) -> Result<ColumnType> {
        let mut column_type = ColumnType::plain(field.data_type);
        column_type.utc = self.utc && field.data_type == DataType::Timestamp;
        if field.data_type == DataType::Decimal {
            let digits = |value: Option<i64>, default| value.map_or(Ok(default), u8::try_from);
            let (precision, scale) = (digits(self.precision, MAX_PRECISION), digits(self.scale, 0));
            match (precision, scale) {
                (Ok(precision @ 1..=MAX_PRECISION), Ok(scale)) if scale <= precision => {
                    column_type.precision = precision;
                    column_type.scale = scale;
                }
                _ => {
                    let message = format!("decimals of precision {:?} and scale {:?}", self.precision, self.scale);
                    return Err(Error::corrupt(message).in_column(&field.name));
                }
            }
        }
        Ok(column_type)
    }
}

#[cfg(feature = "writer")]
pub use writer::{check_schema, serialize_footer, serialize_tail};

#[cfg(feature = "writer")]
mod writer {
    use super::*;
    use crate::bytes::to_u64;
    use crate::encoding::Encoder;
    use crate::encoding::integer::{Integers, Role};

    /// Keys of a column map that are not the schema's.
    const PARAMETERS: [&str; 4] = ["utc", "precision", "scale", "requires"];

    /// Checks that a schema reads back as it is.
    ///
    /// # Errors
    /// `invalid-argument` where unknown keys are known ones, or nested too deep.
    pub fn check_schema(schema: &Schema) -> Result<()> {
        schema_map::check(schema)?;
        for field in &schema.columns {
            let taken = |(key, _): &&(Value, Value)| PARAMETERS.iter().any(|name| key.as_str() == Some(name));
            if let Some((key, _)) = field.extra.iter().find(taken) {
                let why = format!("the key {key} has a meaning of its own in version 2");
                return Err(Error::invalid("extra", why).in_column(&field.name));
            }
        }
        Ok(())
    }

    fn column_value(field: &Field, column_type: ColumnType, requires: &[String]) -> Value {
        let mut entries = schema_map::short_field(field);
        match field.data_type {
            DataType::Timestamp if column_type.utc => entries.push(("utc".into(), true.into())),
            DataType::Decimal => {
                entries.push(("precision".into(), column_type.precision.into()));
                entries.push(("scale".into(), column_type.scale.into()));
            }
            _ => {}
        }
        if !requires.is_empty() {
            let names = requires.iter().map(|name| name.as_str().into()).collect();
            entries.push(("requires".into(), Value::Array(names)));
        }
        Value::Map(entries)
    }

    /// Serializes a footer.
    pub fn serialize_footer(footer: &Footer, encoder: &mut Encoder) -> Vec<u8> {
        let columns = footer.schema.columns.iter().zip(&footer.types).zip(&footer.requires);
        let columns = columns.map(|((field, column_type), requires)| column_value(field, *column_type, requires));
        let schema = schema_map::short_schema(&footer.schema, columns.collect());
        let mut rows = Vec::new();
        integer::encode(Integers { values: &footer.rows, signed: false }, Role::Values, encoder, &mut rows);
        let mut entries: Vec<(Value, Value)> = vec![
            ("schema".into(), schema),
            ("row_groups".into(), to_u64(footer.rows.len()).into()),
            ("rows".into(), Value::Binary(rows)),
            ("data_end".into(), footer.data_end.into()),
            ("directory".into(), Value::Array(footer.directory.iter().cloned().map(Value::Binary).collect())),
        ];
        entries.extend(footer.created.map(|time| ("created".into(), time.into())));
        entries.extend(footer.modified.map(|time| ("modified".into(), time.into())));
        entries.extend_from_slice(&footer.extra);
        msgpack::serialize(&Value::Map(entries))
    }

    /// Footer and trailer; the footer is compressed where that pays.
    ///
    /// # Errors
    /// `limit-exceeded` at 4 GiB.
    pub fn serialize_tail(footer: &[u8], blocks_size: u64, compress: bool) -> Result<(Vec<u8>, Trailer)> {
        let size = |bytes: u64| {
            u32::try_from(bytes).map_err(|_| Error::limit("bytes of metadata", bytes, u64::from(u32::MAX)))
        };
        let raw_size = size(to_u64(footer.len()))?;
        let packed = if compress { Some(zstd::compress_magicless(footer, zstd::DEFAULT_LEVEL)?) } else { None };
        let (stored, footer_raw_size) = match packed {
            Some(packed) if packed.len() < footer.len() => (packed, raw_size),
            _ => (footer.to_vec(), 0),
        };
        let mut trailer = Trailer {
            blocks_size: size(blocks_size)?,
            footer_size: size(to_u64(stored.len()))?,
            footer_raw_size,
            digest: [0; DIGEST_SIZE],
        };
        trailer.digest = trailer.compute_digest(&stored);
        let mut bytes = stored;
        bytes.extend(trailer.covered());
        bytes.extend(trailer.digest);
        bytes.extend(FOOTER_MAGIC);
        Ok((bytes, trailer))
    }
}
