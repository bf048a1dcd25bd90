//! Columns as plain bytes, to hand them from one module to another that runs the same version of this crate.
//!
//! ```text
//! type              u8 data type, u8 unit, u8 utc, u8 precision, u8 scale
//! u64 rows
//! u8 validity       1: ceil(rows / 8) bytes follow, one bit per row, 1 = valid
//! values            numbers little endian, those of null rows among them; booleans as bits;
//!                   text and binary: rows + 1 ends as i32, the first 0, and all bytes
//! ```
//! Data types and units are positions in their tables.

use super::chunk::ColumnType;
use crate::bytes::{ByteReader, to_u64, to_usize};
use crate::column::{Bitmap, Column, Values, VarBytes};
use crate::error::{Error, Result};
use crate::schema::{DataType, TimeUnit};

fn position<T: PartialEq>(all: &[T], wanted: &T) -> u8 {
    all.iter().position(|one| one == wanted).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

fn at<T: Copy>(all: &[T], position: u8) -> Result<T> {
    all.get(usize::from(position)).copied().ok_or_else(|| Error::corrupt("plain column of an unknown type"))
}

/// Writes a type.
pub fn write_type(column_type: ColumnType, out: &mut Vec<u8>) {
    let ColumnType { data_type, unit, utc, precision, scale } = column_type;
    let (data_type, unit) = (position(DataType::ALL, &data_type), position(TimeUnit::ALL, &unit));
    out.extend([data_type, unit, u8::from(utc), precision, scale]);
}

/// Reads a type.
///
/// # Errors
/// `corrupt`, `truncated`.
pub fn read_type(reader: &mut ByteReader<'_>) -> Result<ColumnType> {
    Ok(ColumnType {
        data_type: at(DataType::ALL, reader.u8()?)?,
        unit: at(TimeUnit::ALL, reader.u8()?)?,
        utc: reader.u8()? != 0,
        precision: reader.u8()?,
        scale: reader.u8()?,
    })
}

/// Writes a column.
pub fn write(column: &Column, out: &mut Vec<u8>) {
    write_type(ColumnType::of(column.values()), out);
    out.extend(to_u64(column.len()).to_le_bytes());
    out.push(u8::from(column.validity().is_some()));
    out.extend(column.validity().map_or(&[][..], Bitmap::as_bytes));
    macro_rules! numbers {
        ($values:expr) => {{
            out.reserve(size_of_val(&$values[..]));
            $values.iter().for_each(|value| out.extend(value.to_le_bytes()));
        }};
    }
    match column.values() {
        Values::Int8(v) => numbers!(v),
        Values::UInt8(v) => out.extend_from_slice(v),
        Values::Int16(v) => numbers!(v),
        Values::UInt16(v) => numbers!(v),
        Values::Int32(v) | Values::Date(v) => numbers!(v),
        Values::UInt32(v) => numbers!(v),
        Values::Int64(v) | Values::Timestamp { values: v, .. } => numbers!(v),
        Values::UInt64(v) => numbers!(v),
        Values::Float32(v) => numbers!(v),
        Values::Float64(v) => numbers!(v),
        Values::Decimal { values: v, .. } => numbers!(v),
        Values::Boolean(bits) => out.extend_from_slice(bits.as_bytes()),
        Values::String(v) | Values::Binary(v) => {
            numbers!(v.offsets());
            out.extend_from_slice(v.bytes());
        }
    }
}

/// Reads a column.
///
/// # Errors
/// `corrupt`, `truncated`; whether text is UTF-8 and decimals have their digits is not looked at.
pub fn read(reader: &mut ByteReader<'_>) -> Result<Column> {
    let ColumnType { data_type, unit, utc, precision, scale } = read_type(reader)?;
    let rows = to_usize(reader.u64()?, "rows")?;
    let validity = match reader.u8()? {
        0 => None,
        _ => Some(bits(reader, rows)?),
    };
    macro_rules! numbers {
        ($type:ty, $count:expr) => {{
            let bytes = reader.take($count.saturating_mul(size_of::<$type>()))?;
            bytes.as_chunks().0.iter().map(|&raw| <$type>::from_le_bytes(raw)).collect::<Vec<$type>>()
        }};
    }
    let values = match data_type {
        DataType::Int8 => Values::Int8(numbers!(i8, rows)),
        DataType::UInt8 => Values::UInt8(reader.take(rows)?.to_vec()),
        DataType::Int16 => Values::Int16(numbers!(i16, rows)),
        DataType::UInt16 => Values::UInt16(numbers!(u16, rows)),
        DataType::Int32 => Values::Int32(numbers!(i32, rows)),
        DataType::UInt32 => Values::UInt32(numbers!(u32, rows)),
        DataType::Int64 => Values::Int64(numbers!(i64, rows)),
        DataType::UInt64 => Values::UInt64(numbers!(u64, rows)),
        DataType::Float32 => Values::Float32(numbers!(f32, rows)),
        DataType::Float64 => Values::Float64(numbers!(f64, rows)),
        DataType::Date => Values::Date(numbers!(i32, rows)),
        DataType::Timestamp => Values::Timestamp { unit, utc, values: numbers!(i64, rows) },
        DataType::Decimal => Values::Decimal { precision, scale, values: numbers!(i128, rows) },
        DataType::Boolean => Values::Boolean(bits(reader, rows)?),
        DataType::String | DataType::Binary => {
            let offsets = numbers!(i32, rows.saturating_add(1));
            let size = offsets.last().and_then(|&end| usize::try_from(end).ok()).unwrap_or_default();
            let text = VarBytes::new(offsets, reader.take(size)?.to_vec())?;
            if data_type == DataType::String { Values::String(text) } else { Values::Binary(text) }
        }
    };
    Column::new(values, validity)
}

fn bits(reader: &mut ByteReader<'_>, rows: usize) -> Result<Bitmap> {
    Bitmap::from_bytes(reader.take(rows.div_ceil(8))?.to_vec(), rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_every_type_come_back_and_cuts_are_errors() {
        for &data_type in DataType::ALL {
            let text = || VarBytes::new(vec![0, 0, 3, 5], "€ab".into()).unwrap();
            let values = match data_type {
                DataType::Int8 => Values::Int8(vec![i8::MIN, 0, 1]),
                DataType::UInt8 => Values::UInt8(vec![0, 255, 1]),
                DataType::Int16 => Values::Int16(vec![i16::MIN, 0, 1]),
                DataType::UInt16 => Values::UInt16(vec![u16::MAX, 0, 1]),
                DataType::Int32 => Values::Int32(vec![i32::MIN, 0, 1]),
                DataType::UInt32 => Values::UInt32(vec![u32::MAX, 0, 1]),
                DataType::Int64 => Values::Int64(vec![i64::MIN, 0, 1]),
                DataType::UInt64 => Values::UInt64(vec![u64::MAX, 0, 1]),
                DataType::Float32 => Values::Float32(vec![-0.0, 1.5, f32::MAX]),
                DataType::Float64 => Values::Float64(vec![-0.0, 1.5, f64::MAX]),
                DataType::Date => Values::Date(vec![-1, 0, 20_000]),
                DataType::Timestamp => {
                    Values::Timestamp { unit: TimeUnit::Nanosecond, utc: true, values: vec![1, 2, i64::MIN] }
                }
                DataType::Decimal => Values::Decimal { precision: 38, scale: 2, values: vec![1, -1 << 99, 1 << 99] },
                DataType::Boolean => Values::Boolean([true, false, true].into_iter().collect()),
                DataType::String => Values::String(text()),
                DataType::Binary => Values::Binary(text()),
            };
            let bits = |value: &Column| format!("{value:?}");
            for validity in [None, Some([true, false, true].into_iter().collect())] {
                let column = Column::new(values.clone(), validity).unwrap();
                let mut bytes = Vec::new();
                write(&column, &mut bytes);
                write(&column, &mut bytes);
                let mut reader = ByteReader::new(&bytes, 0);
                for _ in 0..2 {
                    assert_eq!(bits(&read(&mut reader).unwrap()), bits(&column));
                }
                assert_eq!(reader.remaining(), 0);
                for end in 0..bytes.len() / 2 {
                    assert!(read(&mut ByteReader::new(&bytes[..end], 0)).is_err(), "{data_type:?} {end}");
                }
            }
        }
    }
}
