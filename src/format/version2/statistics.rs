//! Statistics of `n` chunks (or of one whole column), columnar.
//!
//! ```text
//! u8 flags           bit 0: distinct counts follow, bit 1: bounds and order follow
//! integers           null counts
//! integers           NaN counts                     (floats)
//! integers           bytes of the values            (string, binary)
//! integers, bits     distinct counts, whether exact (flag 0)
//! integers           order: 0 none, 1 ascending, 2 descending, 3 equal   (flag 1)
//! chunk, chunk       smallest and largest values, null where there is none   (flag 1)
//! bits, bits         whether each is exact          (string, binary; flag 1)
//! ```

use crate::bytes::{ByteReader, to_usize};
use crate::encoding::chunk::{self, ColumnType};
use crate::encoding::{Decoder, bits, integer};
use crate::error::{Error, Result};
use crate::schema::DataType;
use crate::statistics::{ColumnStatistics, Order, Scalar};

const DISTINCT: u8 = 1;
const BOUNDS: u8 = 2;

const ORDERS: [Order; 4] = [Order::None, Order::Ascending, Order::Descending, Order::Equal];

fn is_float(data_type: DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

fn is_text(data_type: DataType) -> bool {
    matches!(data_type, DataType::String | DataType::Binary)
}

/// Reads the statistics of chunks of so many rows each.
///
/// # Errors
/// `corrupt`, `limit-exceeded`.
pub fn read(
    reader: &mut ByteReader<'_>,
    column_type: ColumnType,
    rows: &[u64],
    decoder: &mut Decoder,
) -> Result<Vec<ColumnStatistics>> {
    let count = rows.len();
    let flags = reader.u8()?;
    if flags & !(DISTINCT | BOUNDS) != 0 {
        return Err(Error::corrupt(format!("statistics flags {flags:#x}")));
    }
    let mut all: Vec<ColumnStatistics> =
        rows.iter().map(|&total_count| ColumnStatistics { total_count, ..ColumnStatistics::default() }).collect();
    for (statistics, null_count) in all.iter_mut().zip(integer::decode(reader, count, decoder)?) {
        if null_count > statistics.total_count {
            return Err(Error::corrupt(format!("{null_count} nulls in {} rows", statistics.total_count)));
        }
        statistics.null_count = null_count;
    }
    if is_float(column_type.data_type) {
        for (statistics, nan_count) in all.iter_mut().zip(integer::decode(reader, count, decoder)?) {
            statistics.nan_count = Some(nan_count);
        }
    }
    if is_text(column_type.data_type) {
        for (statistics, bytes) in all.iter_mut().zip(integer::decode(reader, count, decoder)?) {
            statistics.value_bytes = Some(bytes);
        }
    }
    if flags & DISTINCT != 0 {
        let counts = integer::decode(reader, count, decoder)?;
        let exact = bits::decode(reader, count, decoder)?;
        for ((statistics, distinct), is_exact) in all.iter_mut().zip(counts).zip(exact.iter()) {
            statistics.distinct_count = Some(distinct);
            statistics.distinct_is_exact = is_exact;
        }
    }
    if flags & BOUNDS != 0 {
        read_bounds(reader, column_type, &mut all, decoder)?;
    }
    Ok(all)
}

fn read_bounds(
    reader: &mut ByteReader<'_>,
    column_type: ColumnType,
    all: &mut [ColumnStatistics],
    decoder: &mut Decoder,
) -> Result<()> {
    let count = all.len();
    for (statistics, order) in all.iter_mut().zip(integer::decode(reader, count, decoder)?) {
        let known = ORDERS.get(to_usize(order, "order")?);
        statistics.order = *known.ok_or_else(|| Error::corrupt(format!("unknown order {order} of a chunk")))?;
    }
    let min = chunk::decode_from(reader, column_type, count, decoder)?;
    let max = chunk::decode_from(reader, column_type, count, decoder)?;
    for (index, statistics) in all.iter_mut().enumerate() {
        statistics.min = Scalar::of(&min, index);
        statistics.max = Scalar::of(&max, index);
        statistics.min_is_exact = statistics.min.is_some();
        statistics.max_is_exact = statistics.max.is_some();
    }
    if is_text(column_type.data_type) {
        let min_is_exact = bits::decode(reader, count, decoder)?;
        let max_is_exact = bits::decode(reader, count, decoder)?;
        for ((statistics, min), max) in all.iter_mut().zip(min_is_exact.iter()).zip(max_is_exact.iter()) {
            statistics.min_is_exact = min;
            statistics.max_is_exact = max;
        }
    }
    Ok(())
}

#[cfg(feature = "writer")]
pub use writer::{cap_bounds, write};

#[cfg(feature = "writer")]
mod writer {
    use super::*;
    use crate::column::{Bitmap, Column, Values, VarBytes};
    use crate::encoding::Encoder;
    use crate::encoding::integer::{Integers, Role};

    /// Bytes that a bound of text or binary values may have.
    pub const MAX_BOUND_SIZE: usize = 64;

    /// Writes statistics. Distinct counts and bounds are left out unless every chunk has them.
    ///
    /// # Errors
    /// Those of encoding bounds as a column.
    pub fn write(
        all: &[ColumnStatistics],
        column_type: ColumnType,
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let has_distinct = all.iter().all(|statistics| statistics.distinct_count.is_some());
        // A chunk of nulls has no bounds, and nothing to hide.
        let has_bounds = all.iter().all(|statistics| {
            let values = statistics.total_count - statistics.null_count.min(statistics.total_count);
            let nans = statistics.nan_count.unwrap_or(0);
            statistics.min.is_some() || statistics.max.is_some() || values == nans
        });
        out.push(u8::from(has_distinct) * DISTINCT + u8::from(has_bounds) * BOUNDS);
        let integers = |encoder: &mut Encoder, out: &mut Vec<u8>, value: fn(&ColumnStatistics) -> u64| {
            let values: Vec<u64> = all.iter().map(value).collect();
            integer::encode(Integers { values: &values, signed: false }, Role::Values, encoder, out);
        };
        integers(encoder, out, |statistics| statistics.null_count);
        if is_float(column_type.data_type) {
            integers(encoder, out, |statistics| statistics.nan_count.unwrap_or(0));
        }
        if is_text(column_type.data_type) {
            integers(encoder, out, |statistics| statistics.value_bytes.unwrap_or(0));
        }
        if has_distinct {
            integers(encoder, out, |statistics| statistics.distinct_count.unwrap_or(0));
            let exact: Bitmap = all.iter().map(|statistics| statistics.distinct_is_exact).collect();
            bits::encode(&exact, encoder, out);
        }
        if !has_bounds {
            return Ok(());
        }
        integers(encoder, out, |statistics| match statistics.order {
            Order::None => 0,
            Order::Ascending => 1,
            Order::Descending => 2,
            Order::Equal => 3,
        });
        for bound in [|s: &ColumnStatistics| s.min.clone(), |s: &ColumnStatistics| s.max.clone()] {
            out.extend(chunk::encode(&column(all.iter().map(bound), column_type)?, encoder)?);
        }
        if is_text(column_type.data_type) {
            for exact in [|s: &ColumnStatistics| s.min_is_exact, |s: &ColumnStatistics| s.max_is_exact] {
                bits::encode(&all.iter().map(exact).collect(), encoder, out);
            }
        }
        Ok(())
    }

    /// Bounds as a column of the type; null where there is none.
    fn column(bounds: impl Iterator<Item = Option<Scalar>>, column_type: ColumnType) -> Result<Column> {
        let bounds: Vec<Option<Scalar>> = bounds.collect();
        let validity: Bitmap = bounds.iter().map(Option::is_some).collect();
        let integer = |bound: &Option<Scalar>| match bound {
            Some(Scalar::Integer(value)) => *value,
            Some(Scalar::Date(value)) => i128::from(*value),
            Some(Scalar::Timestamp { value, .. }) => i128::from(*value),
            Some(Scalar::Decimal { unscaled, .. }) => *unscaled,
            _ => 0,
        };
        macro_rules! integers {
            ($type:ty) => {
                bounds.iter().map(|bound| <$type>::try_from(integer(bound)).unwrap_or_default()).collect()
            };
        }
        let bytes = || -> Result<VarBytes> {
            let mut values = VarBytes::default();
            for bound in &bounds {
                values.push(match bound {
                    Some(Scalar::Text(text)) => text.as_bytes(),
                    Some(Scalar::Bytes(bytes)) => bytes,
                    _ => &[],
                })?;
            }
            Ok(values)
        };
        let values = match column_type.data_type {
            DataType::Int8 => Values::Int8(integers!(i8)),
            DataType::Int16 => Values::Int16(integers!(i16)),
            DataType::Int32 => Values::Int32(integers!(i32)),
            DataType::Int64 => Values::Int64(integers!(i64)),
            DataType::UInt8 => Values::UInt8(integers!(u8)),
            DataType::UInt16 => Values::UInt16(integers!(u16)),
            DataType::UInt32 => Values::UInt32(integers!(u32)),
            DataType::UInt64 => Values::UInt64(integers!(u64)),
            DataType::Date => Values::Date(integers!(i32)),
            DataType::Timestamp => {
                Values::Timestamp { unit: column_type.unit, utc: column_type.utc, values: integers!(i64) }
            }
            DataType::Decimal => Values::Decimal {
                precision: column_type.precision,
                scale: column_type.scale,
                values: bounds.iter().map(integer).collect(),
            },
            DataType::Float32 => Values::Float32(
                bounds
                    .iter()
                    .map(|bound| if let Some(Scalar::Float32(value)) = bound { *value } else { 0.0 })
                    .collect(),
            ),
            DataType::Float64 => Values::Float64(
                bounds
                    .iter()
                    .map(|bound| if let Some(Scalar::Float64(value)) = bound { *value } else { 0.0 })
                    .collect(),
            ),
            DataType::Boolean => {
                Values::Boolean(bounds.iter().map(|bound| bound == &Some(Scalar::Boolean(true))).collect())
            }
            DataType::String => Values::String(bytes()?),
            DataType::Binary => Values::Binary(bytes()?),
        };
        Column::new(values, Some(validity))
    }

    /// Shortens long bounds of text and bytes: to a prefix below, to something above; drops what cannot be.
    pub fn cap_bounds(statistics: &mut ColumnStatistics) {
        match &mut statistics.min {
            Some(Scalar::Text(text)) if text.len() > MAX_BOUND_SIZE => {
                text.truncate(text.floor_char_boundary(MAX_BOUND_SIZE));
                statistics.min_is_exact = false;
            }
            Some(Scalar::Bytes(bytes)) if bytes.len() > MAX_BOUND_SIZE => {
                bytes.truncate(MAX_BOUND_SIZE);
                statistics.min_is_exact = false;
            }
            _ => {}
        }
        match &mut statistics.max {
            Some(Scalar::Text(text)) if text.len() > MAX_BOUND_SIZE => {
                text.truncate(text.floor_char_boundary(MAX_BOUND_SIZE));
                let above = text_above(text);
                statistics.max = above.map(Scalar::Text);
                statistics.max_is_exact = false;
            }
            Some(Scalar::Bytes(bytes)) if bytes.len() > MAX_BOUND_SIZE => {
                bytes.truncate(MAX_BOUND_SIZE);
                while bytes.pop_if(|last| *last == u8::MAX).is_some() {}
                if let Some(last) = bytes.last_mut() {
                    *last += 1;
                } else {
                    statistics.max = None;
                }
                statistics.max_is_exact = false;
            }
            _ => {}
        }
    }

    /// The shortest text above every text that starts with that one.
    fn text_above(prefix: &str) -> Option<String> {
        let mut characters: Vec<char> = prefix.chars().collect();
        while let Some(last) = characters.pop() {
            let next = u32::from(last) + 1;
            // Behind U+D7FF come the surrogates, which are no characters.
            if let Some(next) = char::from_u32(if next == 0xd800 { 0xe000 } else { next }) {
                characters.push(next);
                return Some(characters.into_iter().collect());
            }
        }
        None
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn long_bounds_stay_bounds() {
            for (text, above) in [("a".repeat(70), Some("a".repeat(63) + "b")), ("\u{10ffff}".repeat(40), None)] {
                let bound = Some(Scalar::Text(text.clone()));
                let mut statistics = ColumnStatistics { min: bound.clone(), max: bound, ..ColumnStatistics::default() };
                cap_bounds(&mut statistics);
                assert_eq!(statistics.max, above.map(Scalar::Text));
                let Some(Scalar::Text(min)) = statistics.min else { panic!() };
                assert!(min <= text && min.len() <= 64);
            }
            assert_eq!(text_above("a\u{d7ff}").unwrap(), "a\u{e000}");
            let mut statistics =
                ColumnStatistics { max: Some(Scalar::Bytes(vec![255; 65])), ..ColumnStatistics::default() };
            cap_bounds(&mut statistics);
            assert_eq!(statistics.max, None);
        }
    }
}
