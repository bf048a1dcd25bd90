//! Values of any type as signed integers in their order, or as text, and back.

use crate::bytes::ByteReader;
use crate::column::{Bitmap, Column, Values, VarBytes};
use crate::encoding::chunk::ColumnType;
use crate::error::{Error, Result};
use crate::schema::DataType;

/// How values became integers or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Integers, dates, timestamps, booleans, decimals of 64 bits.
    Integers,
    /// Floats that are integers divided by a power of ten (0) or two (1), rounded once.
    Scaled {
        /// 0 ten, 1 two.
        base: u8,
        /// At most 22 for ten, 64 for two.
        exponent: u8,
    },
    /// Floats of 64 bits that went through 32: integers divided by a power of ten and rounded to a float of 32 bits.
    Narrowed {
        /// At most 22.
        exponent: u8,
        /// Decimal digits that the float was printed with and read again, at most 22; none where it was widened.
        digits: Option<u8>,
    },
    /// Floats by their patterns, in order.
    Patterns,
    /// Text, bytes, and wide decimals as 16 bytes, big-endian, sign flipped.
    Text,
}

/// Powers of ten that are exact floats.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Largest power of ten that is an exact float.
pub const MAX_EXPONENT: u8 = 22;

/// Stands for no digits.
const NO_DIGITS: u8 = 255;

/// `10^exponent`, exactly; 1 beyond `10^22`.
pub fn power_of_ten(exponent: u8) -> f64 {
    POWERS_OF_TEN.get(usize::from(exponent)).copied().unwrap_or(1.0)
}

impl Source {
    fn divisor(self) -> Option<f64> {
        match self {
            Source::Scaled { base: 0, exponent } => POWERS_OF_TEN.get(usize::from(exponent)).copied(),
            Source::Scaled { base: 1, exponent: exponent @ 0..=64 } => Some(2f64.powi(i32::from(exponent))),
            Source::Narrowed { exponent, .. } => Some(power_of_ten(exponent)),
            _ => None,
        }
    }

    pub fn read(reader: &mut ByteReader<'_>) -> Result<Self> {
        let source = match reader.u8()? {
            0 => Source::Integers,
            1 => Source::Scaled { base: reader.u8()?, exponent: reader.u8()? },
            2 => Source::Patterns,
            3 => Source::Text,
            4 => Source::Narrowed {
                exponent: reader.u8()?,
                digits: Some(reader.u8()?).filter(|&digits| digits != NO_DIGITS),
            },
            other => return Err(Error::corrupt(format!("neural chunk with values in form {other}"))),
        };
        if let Source::Scaled { base, exponent } = source
            && source.divisor().is_none()
        {
            return Err(Error::corrupt(format!("scale of base {base}, exponent {exponent}")));
        }
        if let Source::Narrowed { exponent, digits } = source
            && exponent.max(digits.unwrap_or_default()) > MAX_EXPONENT
        {
            let digits = digits.map_or_else(|| "all".to_owned(), |digits| digits.to_string());
            return Err(Error::corrupt(format!("narrow floats of exponent {exponent}, {digits} digits")));
        }
        Ok(source)
    }

    /// Whether some floats can be exceptions.
    pub fn has_exceptions(self) -> bool {
        matches!(self, Source::Scaled { .. } | Source::Narrowed { .. })
    }

    #[cfg(feature = "writer")]
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Source::Integers => out.push(0),
            Source::Scaled { base, exponent } => out.extend([1, base, exponent]),
            Source::Patterns => out.push(2),
            Source::Text => out.push(3),
            Source::Narrowed { exponent, digits } => out.extend([4, exponent, digits.unwrap_or(NO_DIGITS)]),
        }
    }

    /// The pattern of a float; single floats have 32 bits.
    fn pattern(self, value: i64, single: bool) -> u64 {
        match self.divisor() {
            None if single => u64::from(unorder32(value)),
            None => unorder64(value),
            Some(divisor) => {
                let value = value as f64 / divisor;
                #[expect(clippy::cast_possible_truncation, reason = "rounding to the narrower float is the definition")]
                let narrow = value as f32;
                match self {
                    _ if single => narrow.to_bits().into(),
                    Source::Narrowed { digits: Some(digits), .. } => {
                        let scale = power_of_ten(digits);
                        ((f64::from(narrow) * scale).round() / scale).to_bits()
                    }
                    Source::Narrowed { digits: None, .. } => f64::from(narrow).to_bits(),
                    _ => value.to_bits(),
                }
            }
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
            let single = column_type.data_type == DataType::Float32;
            if matches!(source, Source::Integers | Source::Text) || single && matches!(source, Source::Narrowed { .. })
            {
                return Err(mismatch());
            }
            let mut patterns: Vec<u64> = v.into_iter().map(|value| source.pattern(value, single)).collect();
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
pub use writer::{Transformed, find_scale, transform};

#[cfg(feature = "writer")]
mod writer {
    use super::*;
    use crate::bytes::to_u64;

    /// The values of a column as what is coded.
    #[derive(Debug, PartialEq, Eq)]
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

    /// Largest integer below which all are exact floats.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    /// The same of 32 bits: what is larger is not told apart where all digits are left.
    const MAX_EXACT_NARROW: f64 = 16_777_216.0;
    /// Decimal places, and more, of widened floats.
    const MAX_NARROWED: u8 = 12;
    const PROBES: usize = 512;

    fn scaled(value: f64, pattern: u64, source: Source, single: bool) -> Option<i64> {
        let product = (value * source.divisor()?).round();
        let most = if matches!(source, Source::Narrowed { digits: None, .. }) { MAX_EXACT_NARROW } else { MAX_EXACT };
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        let integer = (product.abs() <= most).then_some(product as i64)?;
        (source.pattern(integer, single) == pattern).then_some(integer)
    }

    /// How nearly all of these floats are integers.
    pub fn find_scale(floats: &[(f64, u64)], single: bool) -> Option<Source> {
        let step = (floats.len() / PROBES).max(1);
        let enough = |source: Source| {
            let probes = floats.iter().step_by(step);
            let count = probes.len();
            probes.filter(|(value, pattern)| scaled(*value, *pattern, source, single).is_some()).count()
                >= count - count / 10
        };
        let ten = (0..=MAX_EXPONENT).find(|&exponent| enough(Source::Scaled { base: 0, exponent }));
        if !single {
            // Fewer digits than were printed: those behind them are what rounding to 32 bits left.
            let fewer = 0..ten.unwrap_or(MAX_NARROWED);
            let narrowed =
                fewer.map(|exponent| Source::Narrowed { exponent, digits: ten }).find(|&source| enough(source));
            if narrowed.is_some() {
                return narrowed;
            }
        }
        let two = (1..=64).map(|exponent| Source::Scaled { base: 1, exponent });
        ten.map(|exponent| Source::Scaled { base: 0, exponent })
            .or_else(|| two.into_iter().find(|&source| enough(source)))
    }

    fn floats(floats: Vec<(f64, u64)>, single: bool) -> Transformed {
        if let Some(source) = find_scale(&floats, single) {
            let mut exceptions = Vec::new();
            let mut last = 0;
            let values = (0u64..)
                .zip(&floats)
                .map(|(position, &(value, pattern))| {
                    match scaled(value, pattern, source, single) {
                        Some(integer) => last = integer,
                        None => exceptions.push((position, pattern)),
                    }
                    last
                })
                .collect();
            if to_u64(exceptions.len()) * 20 <= to_u64(floats.len()) {
                return Transformed { dense: Dense::Integers(values), source, exceptions };
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "single floats have 32 bits")]
        let order = |pattern: u64| if single { order32(pattern as u32) } else { order64(pattern) };
        let values = floats.into_iter().map(|(_, pattern)| order(pattern)).collect();
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
            Values::Float32(v) => {
                floats(valid!(v).map(|&value| (f64::from(value), u64::from(value.to_bits()))).collect(), true)
            }
            Values::Float64(v) => floats(valid!(v).map(|&value| (value, value.to_bits())).collect(), false),
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
        let mut values: Vec<f64> = (0..100).map(|x| f64::from(x) / 100.0).collect();
        values[40] = -0.0;
        let column = Column::new(Values::Float64(values), None).unwrap();
        let transformed = transform(&column).unwrap();
        assert_eq!(transformed.source, Source::Scaled { base: 0, exponent: 2 });
        assert_eq!(transformed.exceptions, [(40, 1 << 63)]);
        let restored = restore(
            transformed.dense,
            transformed.source,
            &transformed.exceptions,
            ColumnType::of(column.values()),
            None,
            100,
        );
        assert_eq!(restored.unwrap(), column);
    }

    fn came_back(column: &Column) -> Transformed {
        let transformed = transform(column).unwrap();
        let column_type = ColumnType::of(column.values());
        let (dense, exceptions) = (transformed.dense.clone(), &transformed.exceptions);
        let restored = restore(dense, transformed.source, exceptions, column_type, None, column.len()).unwrap();
        assert_eq!(transform(&restored).unwrap(), transformed);
        transformed
    }

    #[test]
    fn floats_that_went_through_32_bits_become_the_integers_they_were() {
        let mut next = crate::testing::noise(8);
        let cents: Vec<i64> = (0..2000).map(|_| (next() % 400_000) as i64 - 100_000).collect();
        let widened: Vec<f64> = cents.iter().map(|&n| f64::from((n as f64 / 100.0) as f32)).collect();
        let printed: Vec<f64> = widened.iter().map(|x| format!("{x:.6}").parse().unwrap()).collect();
        for (values, digits) in [(widened, None), (printed, Some(6))] {
            let mut values = values;
            let odd = [f64::from_bits(0x7ff8_0000_dead_beef), -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324];
            values.iter_mut().skip(300).step_by(41).zip(odd).for_each(|(to, value)| *to = value);
            let transformed = came_back(&Column::new(Values::Float64(values.clone()), None).unwrap());
            assert_eq!(transformed.source, Source::Narrowed { exponent: 2, digits });
            let exceptions: Vec<(u64, u64)> =
                odd.iter().enumerate().map(|(i, value)| (300 + 41 * i as u64, value.to_bits())).collect();
            assert_eq!(transformed.exceptions, exceptions);
            let Dense::Integers(found) = transformed.dense else { panic!() };
            assert!((0..300).all(|row| found[row] == cents[row]));
        }
    }

    #[test]
    fn narrowed_floats_are_told_from_others() {
        let mut next = crate::testing::noise(9);
        let mut source = |value: &mut dyn FnMut(u64) -> f64| {
            came_back(&Column::new(Values::Float64((0..700).map(|_| value(next())).collect()), None).unwrap()).source
        };
        let scaled = |base, exponent| Source::Scaled { base, exponent };
        assert_eq!(source(&mut |x| (x % 1_000_000_007) as f64 / 1e6), scaled(0, 6));
        assert_eq!(source(&mut |x| (x % 1_000_000_007) as f64), scaled(0, 0));
        assert_eq!(source(&mut |x| (x >> 11) as f64 / 9_007_199_254_740_992.0), scaled(1, 53));
        assert_eq!(source(&mut |x| f64::from((x >> 40) as f32 / 16_777_216.0)), scaled(1, 24));
        assert_eq!(source(&mut f64::from_bits), Source::Patterns);
        // Single floats are integers divided once.
        let single = Values::Float32((0..700).map(|_| (next() % 1000) as f32 / 10.0).collect());
        assert_eq!(came_back(&Column::new(single, None).unwrap()).source, scaled(0, 1));
    }

    #[test]
    fn sources_that_make_no_sense_are_refused() {
        let read = |bytes: &[u8]| Source::read(&mut ByteReader::new(bytes, 0));
        for source in [
            Source::Narrowed { exponent: 22, digits: Some(22) },
            Source::Narrowed { exponent: 0, digits: None },
            Source::Scaled { base: 1, exponent: 64 },
        ] {
            let mut bytes = Vec::new();
            source.write(&mut bytes);
            assert_eq!(read(&bytes).unwrap(), source);
            assert!(read(&bytes[..2]).is_err());
        }
        for bytes in [&[4, 23, 255][..], &[4, 2, 23], &[4, 2, 254], &[4, 255, 255], &[1, 2, 0], &[1, 0, 23], &[5, 0, 0]]
        {
            assert_eq!(read(bytes).unwrap_err().code().as_str(), "corrupt", "{bytes:?}");
        }
        // Extremes make floats, whatever they are.
        let values = Dense::Integers(vec![i64::MIN, i64::MAX, 0]);
        for (exponent, digits) in [(0, Some(22)), (22, Some(0)), (0, None)] {
            let source = Source::Narrowed { exponent, digits };
            let restore = |data_type: DataType| {
                restore(values.clone(), source, &[(9, 9)], ColumnType::plain(data_type), None, 3).is_ok()
            };
            assert!(restore(DataType::Float64) && !restore(DataType::Float32) && !restore(DataType::Int64));
        }
    }
}
