//! A column's bytes in the legacy dialects, after decompression.
//!
//! Numbers are packed little-endian. Text is `u32 n`, `n + 1` u32 offsets relative to the text, the text. In the
//! Python dialects every other type is a pickled numpy array. There are no nulls: see [`EmptyText`].

use super::pickle;
#[cfg(feature = "writer")]
use crate::bytes::to_u64;
use crate::bytes::{ByteReader, to_usize};
use crate::column::{Bitmap, Column, Values, VarBytes};
use crate::error::{Error, Result};
use crate::schema::DataType;
use crate::warning::Warning;

/// What zero-length text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyText {
    /// Null: the Python writers store None and "" alike, and their reader returns None for both.
    Null,
    /// The empty string, as in Rust 2.0.
    Empty,
}

macro_rules! fixed_width {
    ($($variant:ident: $type:ty),*) => {
        /// Bytes of one value in a legacy file; `None` for text and for what is pickled.
        #[must_use]
        pub fn width(data_type: DataType) -> Option<usize> {
            match data_type {
                $(DataType::$variant => Some(size_of::<$type>()),)*
                _ => None,
            }
        }

        fn decode_fixed(bytes: &[u8], data_type: DataType) -> Option<Values> {
            Some(match data_type {
                $(DataType::$variant => {
                    let chunks = bytes.chunks_exact(size_of::<$type>());
                    Values::$variant(chunks.map(|raw| {
                        let mut value = [0; size_of::<$type>()];
                        value.copy_from_slice(raw);
                        <$type>::from_le_bytes(value)
                    }).collect())
                })*
                _ => return None,
            })
        }

        #[cfg(feature = "writer")]
        fn encode_fixed(values: &Values) -> Option<Vec<u8>> {
            Some(match values {
                $(Values::$variant(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),)*
                _ => return None,
            })
        }
    };
}

fixed_width! {
    Int8: i8, Int16: i16, Int32: i32, Int64: i64, UInt8: u8, UInt16: u16, UInt32: u32, UInt64: u64,
    Float32: f32, Float64: f64
}

/// Restores a column of at most `limit` bytes of values.
///
/// # Errors
/// `corrupt` for bytes that are not what the type says; those of the pickle reader.
pub fn decode(bytes: &[u8], data_type: DataType, empty: EmptyText, limit: u64) -> Result<(Column, Vec<Warning>)> {
    if data_type == DataType::String {
        return Ok((decode_text(bytes, empty)?, Vec::new()));
    }
    if let Some(width) = width(data_type) {
        if !bytes.len().is_multiple_of(width) {
            return Err(Error::corrupt(format!("{} bytes are no whole number of {width}-byte values", bytes.len())));
        }
        if let Some(values) = decode_fixed(bytes, data_type) {
            return Ok((Column::new(values, None)?, Vec::new()));
        }
    }
    let decoded = pickle::decode_within(bytes, data_type, limit)?;
    Ok((decoded.column, decoded.warnings))
}

fn decode_text(bytes: &[u8], empty: EmptyText) -> Result<Column> {
    let mut reader = ByteReader::new(bytes, 0);
    let short = |_| Error::corrupt("text column ends inside of its offsets");
    let rows = reader.u32().map_err(short)?;
    let offsets_size = (u64::from(rows) + 1) * 4;
    let raw = reader.take(to_usize(offsets_size, "bytes of one column")?).map_err(short)?;
    let text = reader.rest();
    let mut offsets = Vec::with_capacity(raw.len() / 4);
    for quad in raw.chunks_exact(4) {
        let mut value = [0; 4];
        value.copy_from_slice(quad);
        let offset = u32::from_le_bytes(value);
        offsets.push(
            i32::try_from(offset)
                .map_err(|_| Error::limit("bytes of one column", u64::from(offset), i32::MAX as u64))?,
        );
    }
    let values = VarBytes::new(offsets, text.to_vec())?;
    values.check_utf8()?;
    let validity: Option<Bitmap> = match empty {
        EmptyText::Null => Some(values.iter().map(|text| !text.is_empty()).collect()),
        EmptyText::Empty => None,
    };
    Column::new(Values::String(values), validity)
}

/// Stores a column. Nulls of text become zero-length text; other nulls are for the dialect to refuse or to pickle.
///
/// # Errors
/// `limit-exceeded` for more text than 32-bit offsets reach, those of the pickle writer.
#[cfg(feature = "writer")]
pub fn encode(column: &Column) -> Result<Vec<u8>> {
    if let Values::String(values) = column.values() {
        return encode_text(column, values);
    }
    match encode_fixed(column.values()) {
        Some(bytes) => Ok(bytes),
        None => pickle::encode(column),
    }
}

#[cfg(feature = "writer")]
fn encode_text(column: &Column, values: &VarBytes) -> Result<Vec<u8>> {
    let rows = u32::try_from(values.len())
        .map_err(|_| Error::limit("rows of a text column", to_u64(values.len()), u64::from(u32::MAX)))?;
    let mut bytes = Vec::with_capacity(4 * (values.len() + 2) + values.bytes().len());
    bytes.extend(rows.to_le_bytes());
    let mut end = 0u32;
    bytes.extend(end.to_le_bytes());
    let present = |index: usize| if column.is_valid(index) { values.get(index) } else { &[] };
    for index in 0..values.len() {
        // Below 2^31 in all: VarBytes guarantees it.
        end += u32::try_from(present(index).len()).unwrap_or(u32::MAX);
        bytes.extend(end.to_le_bytes());
    }
    for index in 0..values.len() {
        bytes.extend_from_slice(present(index));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(offsets: &[u32], bytes: &[u8]) -> Vec<u8> {
        let rows = offsets.len() as u32 - 1;
        let offsets = offsets.iter().flat_map(|offset| offset.to_le_bytes());
        rows.to_le_bytes().into_iter().chain(offsets).chain(bytes.iter().copied()).collect()
    }

    #[test]
    fn zero_length_text_is_null_or_empty_by_dialect() {
        let bytes = text(&[0, 1, 1], b"a");
        let (null, _) = decode(&bytes, DataType::String, EmptyText::Null, 1 << 20).unwrap();
        let (empty, _) = decode(&bytes, DataType::String, EmptyText::Empty, 1 << 20).unwrap();
        assert_eq!((null.num_nulls(), empty.num_nulls()), (1, 0));
    }

    #[test]
    fn bad_text_is_refused() {
        for bytes in [
            vec![],
            vec![0, 0, 0, 0],
            vec![255, 255, 255, 255, 0, 0, 0, 0],
            text(&[0, 2, 1], b"ab"),
            text(&[0, 3], b"ab"),
            text(&[0, 1], b"ab"),
            text(&[1, 2], b"ab"),
            text(&[0, u32::MAX], b"ab"),
            text(&[0, 1], b"\xff"),
        ] {
            assert!(decode(&bytes, DataType::String, EmptyText::Null, 1 << 20).is_err(), "{bytes:?}");
        }
        assert!(decode(&[0; 7], DataType::Int64, EmptyText::Null, 1 << 20).is_err());
    }

    #[test]
    fn empty_columns_are_fine() {
        assert!(decode(&text(&[0], b""), DataType::String, EmptyText::Null, 1 << 20).unwrap().0.is_empty());
        assert!(decode(&[], DataType::Float64, EmptyText::Null, 1 << 20).unwrap().0.is_empty());
    }

    #[cfg(feature = "writer")]
    #[test]
    fn what_is_encoded_decodes() {
        let bytes = text(&[0, 2, 2, 5], b"abcde");
        let (column, _) = decode(&bytes, DataType::String, EmptyText::Null, 1 << 20).unwrap();
        assert_eq!(encode(&column).unwrap(), bytes);
        for data_type in DataType::ALL.iter().filter(|&&data_type| width(data_type).is_some()) {
            let bytes: Vec<u8> = (0..64).collect();
            let (column, _) = decode(&bytes, *data_type, EmptyText::Null, 1 << 20).unwrap();
            assert_eq!(encode(&column).unwrap(), bytes);
        }
    }
}
