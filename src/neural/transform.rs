//! Values of any type as signed integers in their order, or as text, and back.

use crate::bytes::ByteReader;
use crate::column::{Bitmap, Column, Values, VarBytes};
use crate::encoding::chunk::ColumnType;
use crate::encoding::float::{FloatWidth, Scale};
use crate::error::{Error, Result};
use crate::schema::DataType;

/// How values became integers or text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// Integers, dates, timestamps, booleans, decimals of 64 bits.
    Integers,
    /// Floats that are integers over a power of ten or two.
    Scaled(Scale),
    /// Floats by their patterns, in order.
    Patterns,
    /// Text, bytes, and wide decimals as 16 bytes, big-endian, sign flipped.
    Text,
}

impl Source {
    pub fn read(reader: &mut ByteReader<'_>) -> Result<Self> {
        Ok(match reader.u8()? {
            0 => Source::Integers,
            1 => Source::Scaled(Scale::read(reader)?),
            2 => Source::Patterns,
            3 => Source::Text,
            other => return Err(Error::corrupt(format!("neural chunk with values in form {other}"))),
        })
    }

    #[cfg(feature = "writer")]
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Source::Integers => out.push(0),
            Source::Scaled(scale) => {
                out.push(1);
                scale.write(out);
            }
            Source::Patterns => out.push(2),
            Source::Text => out.push(3),
        }
    }

    /// The pattern of a float.
    fn pattern(self, value: i64, width: FloatWidth) -> u64 {
        match (self, width) {
            (Source::Scaled(scale), _) => scale.pattern(value, width),
            (_, FloatWidth::Single) => unorder32(value).into(),
            (_, FloatWidth::Double) => unorder64(value),
        }
    }
}

/// Patterns in the order of IEEE 754 totalOrder.
#[cfg(feature = "writer")]
fn order64(pattern: u64) -> i64 {
    let pattern = pattern.cast_signed();
    pattern ^ ((pattern >> 63).cast_unsigned() >> 1).cast_signed()
}

fn unorder64(value: i64) -> u64 {
    (value ^ ((value >> 63).cast_unsigned() >> 1).cast_signed()).cast_unsigned()
}

#[cfg(feature = "writer")]
fn order32(pattern: u32) -> i64 {
    let pattern = pattern.cast_signed();
    i64::from(pattern ^ ((pattern >> 31).cast_unsigned() >> 1).cast_signed())
}

fn unorder32(value: i64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "single floats have 32 bits")]
    let value = value as i32;
    (value ^ ((value >> 31).cast_unsigned() >> 1).cast_signed()).cast_unsigned()
}

/// The values of the valid rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dense {
    /// In order.
    Integers(Vec<i64>),
    /// Text or bytes.
    Text(VarBytes),
}

impl Dense {
    /// How many there are.
    #[cfg(feature = "writer")]
    pub fn len(&self) -> usize {
        match self {
            Dense::Integers(values) => values.len(),
            Dense::Text(text) => text.len(),
        }
    }
}

/// Puts values back where the valid rows are.
pub fn restore(
    dense: Dense,
    source: Source,
    exceptions: &[(u64, u64)],
    column_type: ColumnType,
    validity: Option<Bitmap>,
    rows: usize,
) -> Result<Column> {
    let mismatch = || Error::corrupt(format!("neural chunk of another kind than {}", column_type.data_type.as_str()));
    let valid = |row: usize| validity.as_ref().is_none_or(|validity| validity.get(row));
    macro_rules! spread {
        ($values:expr) => {{
            let mut values = $values.into_iter();
            (0..rows)
                .map(|row| if valid(row) { values.next().unwrap_or_default() } else { Default::default() })
                .collect()
        }};
    }
    macro_rules! integers {
        ($type:ty, $values:expr) => {{
            #[expect(clippy::cast_possible_truncation, reason = "the low bits are the value")]
            let values = $values.into_iter().map(|value| value as $type);
            spread!(values)
        }};
    }
    let values = match (dense, column_type.data_type) {
        (Dense::Integers(v), DataType::Float32 | DataType::Float64) => {
            if matches!(source, Source::Integers | Source::Text) {
                return Err(mismatch());
            }
            let single = column_type.data_type == DataType::Float32;
            let width = if single { FloatWidth::Single } else { FloatWidth::Double };
            let mut patterns: Vec<u64> = v.into_iter().map(|value| source.pattern(value, width)).collect();
            for &(position, pattern) in exceptions {
                if let Some(to) = usize::try_from(position).ok().and_then(|position| patterns.get_mut(position)) {
                    *to = pattern;
                }
            }
            if single {
                #[expect(clippy::cast_possible_truncation, reason = "single floats have 32 bits")]
                let values = patterns.into_iter().map(|pattern| f32::from_bits(pattern as u32));
                Values::Float32(spread!(values))
            } else {
                Values::Float64(spread!(patterns.into_iter().map(f64::from_bits)))
            }
        }
        (Dense::Integers(v), data_type) => {
            if source != Source::Integers {
                return Err(mismatch());
            }
            match data_type {
                DataType::Int8 => Values::Int8(integers!(i8, v)),
                DataType::Int16 => Values::Int16(integers!(i16, v)),
                DataType::Int32 => Values::Int32(integers!(i32, v)),
                DataType::Int64 => Values::Int64(spread!(v)),
                DataType::UInt8 => Values::UInt8(integers!(u8, v)),
                DataType::UInt16 => Values::UInt16(integers!(u16, v)),
                DataType::UInt32 => Values::UInt32(integers!(u32, v)),
                DataType::UInt64 => Values::UInt64(spread!(v.into_iter().map(|value| value.cast_unsigned() ^ 1 << 63))),
                DataType::Date => Values::Date(integers!(i32, v)),
                DataType::Timestamp => {
                    Values::Timestamp { unit: column_type.unit, utc: column_type.utc, values: spread!(v) }
                }
                DataType::Boolean => Values::Boolean({
                    let mut bits = v.into_iter();
                    (0..rows).map(|row| valid(row) && bits.next().is_some_and(|bit| bit & 1 == 1)).collect()
                }),
                DataType::Decimal => Values::Decimal {
                    precision: column_type.precision,
                    scale: column_type.scale,
                    values: spread!(v.into_iter().map(i128::from)),
                },
                _ => return Err(mismatch()),
            }
        }
        (Dense::Text(text), DataType::Decimal) => {
            let wide: Option<Vec<i128>> = text
                .iter()
                .map(|value| value.try_into().ok().map(|raw| i128::from_be_bytes(raw) ^ i128::MIN))
                .collect();
            let wide = wide.ok_or_else(|| Error::corrupt("decimals of other than 16 bytes"))?;
            Values::Decimal { precision: column_type.precision, scale: column_type.scale, values: spread!(wide) }
        }
        (Dense::Text(text), data_type @ (DataType::String | DataType::Binary)) => {
            let text = match &validity {
                None => text,
                Some(validity) => {
                    let mut ends = text.offsets().iter().skip(1);
                    let mut end = 0;
                    let mut offsets = vec![0];
                    for valid in validity.iter() {
                        if valid {
                            end = ends.next().copied().unwrap_or(end);
                        }
                        offsets.push(end);
                    }
                    VarBytes::new(offsets, text.bytes().to_vec())?
                }
            };
            if data_type == DataType::String {
                text.check_utf8()?;
                Values::String(text)
            } else {
                Values::Binary(text)
            }
        }
        (Dense::Text(_), _) => return Err(mismatch()),
    };
    Column::new(values, validity)
}

#[cfg(feature = "writer")]
pub use writer::{Transformed, floats, transform};

#[cfg(feature = "writer")]
mod writer {
    use super::*;
    use crate::bytes::to_u64;
    use crate::encoding::float::Floats;

    /// The values of a column as what is coded.
    #[derive(Debug, PartialEq)]
    pub struct Transformed {
        /// The values of the valid rows.
        pub dense: Dense,
        /// What was done to them.
        pub source: Source,
        /// Positions and patterns of the floats that come back otherwise.
        pub exceptions: Vec<(u64, u64)>,
    }

    impl Transformed {
        fn whole(values: Vec<i64>) -> Self {
            Transformed { dense: Dense::Integers(values), source: Source::Integers, exceptions: Vec::new() }
        }

        fn text(text: VarBytes) -> Self {
            Transformed { dense: Dense::Text(text), source: Source::Text, exceptions: Vec::new() }
        }
    }

    /// The patterns of the floats of the valid rows; none of columns of other types.
    pub fn floats(column: &Column) -> (Vec<u64>, FloatWidth) {
        let is_valid = |row: usize| column.is_valid(row);
        match column.values() {
            Values::Float32(v) => {
                let valid = v.iter().enumerate().filter(|(row, _)| is_valid(*row));
                (valid.map(|(_, value)| value.to_bits().into()).collect(), FloatWidth::Single)
            }
            Values::Float64(v) => {
                let valid = v.iter().enumerate().filter(|(row, _)| is_valid(*row));
                (valid.map(|(_, value)| value.to_bits()).collect(), FloatWidth::Double)
            }
            _ => (Vec::new(), FloatWidth::Double),
        }
    }

    fn transform_floats(patterns: &[u64], width: FloatWidth) -> Transformed {
        if let Some(scale) = Scale::find(Floats { patterns, width }) {
            let mut exceptions = Vec::new();
            let mut last = 0;
            let values = (0u64..)
                .zip(patterns)
                .map(|(position, &pattern)| {
                    match scale.integer(pattern, width) {
                        Some(integer) => last = integer,
                        None => exceptions.push((position, pattern)),
                    }
                    last
                })
                .collect();
            if to_u64(exceptions.len()) * 20 <= to_u64(patterns.len()) {
                return Transformed { dense: Dense::Integers(values), source: Source::Scaled(scale), exceptions };
            }
        }
        let order = |&pattern: &u64| match width {
            #[expect(clippy::cast_possible_truncation, reason = "single floats have 32 bits")]
            FloatWidth::Single => order32(pattern as u32),
            FloatWidth::Double => order64(pattern),
        };
        let values = patterns.iter().map(order).collect();
        Transformed { dense: Dense::Integers(values), source: Source::Patterns, exceptions: Vec::new() }
    }

    /// Makes integers or text of a column.
    ///
    /// # Errors
    /// `limit-exceeded` for text of 2^31 bytes.
    pub fn transform(column: &Column) -> Result<Transformed> {
        macro_rules! valid {
            ($values:expr) => {
                $values.iter().enumerate().filter(|(row, _)| column.is_valid(*row)).map(|(_, value)| value)
            };
        }
        macro_rules! integers {
            ($values:expr) => {
                Transformed::whole(valid!($values).map(|&value| i64::from(value)).collect())
            };
        }
        Ok(match column.values() {
            Values::Int8(v) => integers!(v),
            Values::Int16(v) => integers!(v),
            Values::Int32(v) | Values::Date(v) => integers!(v),
            Values::Int64(v) | Values::Timestamp { values: v, .. } => integers!(v),
            Values::UInt8(v) => integers!(v),
            Values::UInt16(v) => integers!(v),
            Values::UInt32(v) => integers!(v),
            Values::UInt64(v) => Transformed::whole(valid!(v).map(|&value| (value ^ 1 << 63).cast_signed()).collect()),
            Values::Boolean(v) => Transformed::whole(valid!(v).map(i64::from).collect()),
            Values::Decimal { values, .. } => {
                let narrow: Option<Vec<i64>> = valid!(values).map(|&value| i64::try_from(value).ok()).collect();
                match narrow {
                    Some(narrow) => Transformed::whole(narrow),
                    None => {
                        let mut text = VarBytes::default();
                        for value in valid!(values) {
                            text.push(&(value ^ i128::MIN).to_be_bytes())?;
                        }
                        Transformed::text(text)
                    }
                }
            }
            Values::String(v) | Values::Binary(v) => {
                let text = if column.num_nulls() == 0 {
                    v.clone()
                } else {
                    let mut text = VarBytes::default();
                    for value in valid!(v) {
                        text.push(value)?;
                    }
                    text
                };
                Transformed::text(text)
            }
            Values::Float32(_) | Values::Float64(_) => {
                let (patterns, width) = floats(column);
                transform_floats(&patterns, width)
            }
        })
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;

    #[test]
    fn patterns_keep_the_order_of_floats() {
        let floats = [f64::NEG_INFINITY, -1.5, -0.0, 0.0, 5e-324, 2.0, f64::INFINITY, f64::NAN];
        let ordered: Vec<i64> = floats.iter().map(|x| order64(x.to_bits())).collect();
        assert!(ordered.is_sorted() && floats.iter().zip(&ordered).all(|(x, y)| x.to_bits() == unorder64(*y)));
        let floats = [f32::MIN, -0.0, 0.0, 1.0, f32::NAN];
        let ordered: Vec<i64> = floats.iter().map(|x| order32(x.to_bits())).collect();
        assert!(ordered.is_sorted() && floats.iter().zip(&ordered).all(|(x, y)| x.to_bits() == unorder32(*y)));
    }

    #[test]
    fn decimal_floats_become_integers_and_the_rest_exceptions() {
        let cents = |x: i32| f64::from(x) / 100.0;
        let single = |x: i32| f64::from(cents(x) as f32);
        let printed = |x: i32| (single(x) * 1e6).round_ties_even() / 1e6;
        for value in [&cents as &dyn Fn(i32) -> f64, &single, &printed] {
            let mut values: Vec<f64> = (0..100).map(value).collect();
            values[40] = -0.0;
            values[41] = f64::from_bits(0xfff8_0000_dead_beef);
            let column = Column::new(Values::Float64(values), None).unwrap();
            let transformed = transform(&column).unwrap();
            let Source::Scaled(scale) = transformed.source else { panic!("{transformed:?}") };
            assert_eq!(scale.decimal_exponent(), Some(2));
            assert_eq!(transformed.exceptions, [(40, 1 << 63), (41, 0xfff8_0000_dead_beef)]);
            let Dense::Integers(integers) = &transformed.dense else { panic!("{transformed:?}") };
            assert!((0..40).chain(42..100).all(|row| integers[row] == row as i64));
            let restored = restore(
                transformed.dense.clone(),
                transformed.source,
                &transformed.exceptions,
                ColumnType::of(column.values()),
                None,
                100,
            );
            assert_eq!(transform(&restored.unwrap()).unwrap(), transformed);
        }
    }
}
