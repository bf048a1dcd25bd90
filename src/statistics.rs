//! Statistics of a column: minimum, maximum, null count, distinct count, mean length.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use crate::bytes::{to_u64, word_at};
use crate::column::{Column, Values, VarBytes};
use crate::schema::{DataType, TimeUnit};
use crate::{decimal, temporal};

/// One value, as statistics state it.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// False or true.
    Boolean(bool),
    /// Any integer type.
    Integer(i128),
    /// binary32.
    Float32(f32),
    /// binary64.
    Float64(f64),
    /// UTF-8.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Counts since 1970-01-01T00:00:00.
    Timestamp {
        /// The count.
        value: i64,
        /// Its unit.
        unit: TimeUnit,
        /// Whether it is an instant in UTC.
        utc: bool,
    },
    /// `unscaled / 10^scale`.
    Decimal {
        /// The unscaled value.
        unscaled: i128,
        /// Digits behind the point.
        scale: u8,
    },
}

impl Scalar {
    /// Row `index` of a column; `None` for null.
    #[must_use]
    pub fn of(column: &Column, index: usize) -> Option<Self> {
        if !column.is_valid(index) {
            return None;
        }
        let bytes = |values: &VarBytes| values.get(index).to_vec();
        match column.values() {
            Values::Int8(v) => v.get(index).map(|&x| Scalar::Integer(x.into())),
            Values::Int16(v) => v.get(index).map(|&x| Scalar::Integer(x.into())),
            Values::Int32(v) => v.get(index).map(|&x| Scalar::Integer(x.into())),
            Values::Int64(v) => v.get(index).map(|&x| Scalar::Integer(x.into())),
            Values::UInt8(v) => v.get(index).map(|&x| Scalar::Integer(x.into())),
            Values::UInt16(v) => v.get(index).map(|&x| Scalar::Integer(x.into())),
            Values::UInt32(v) => v.get(index).map(|&x| Scalar::Integer(x.into())),
            Values::UInt64(v) => v.get(index).map(|&x| Scalar::Integer(x.into())),
            Values::Date(v) => v.get(index).map(|&x| Scalar::Date(x)),
            Values::Float32(v) => v.get(index).map(|&x| Scalar::Float32(x)),
            Values::Float64(v) => v.get(index).map(|&x| Scalar::Float64(x)),
            Values::Timestamp { unit, utc, values } => {
                values.get(index).map(|&value| Scalar::Timestamp { value, unit: *unit, utc: *utc })
            }
            Values::Decimal { scale, values, .. } => {
                values.get(index).map(|&unscaled| Scalar::Decimal { unscaled, scale: *scale })
            }
            Values::Boolean(bits) => Some(Scalar::Boolean(bits.get(index))),
            Values::String(v) => Some(Scalar::Text(String::from_utf8_lossy(&bytes(v)).into_owned())),
            Values::Binary(v) => Some(Scalar::Bytes(bytes(v))),
        }
    }

    /// Compares two values of one type: floats by their total order, text and bytes bytewise. `None` for values of
    /// different types, units or scales.
    #[must_use]
    pub fn compare(&self, other: &Scalar) -> Option<Ordering> {
        match (self, other) {
            (Scalar::Boolean(a), Scalar::Boolean(b)) => Some(a.cmp(b)),
            (Scalar::Integer(a), Scalar::Integer(b)) => Some(a.cmp(b)),
            (Scalar::Float32(a), Scalar::Float32(b)) => Some(a.total_cmp(b)),
            (Scalar::Float64(a), Scalar::Float64(b)) => Some(a.total_cmp(b)),
            (Scalar::Text(a), Scalar::Text(b)) => Some(a.cmp(b)),
            (Scalar::Bytes(a), Scalar::Bytes(b)) => Some(a.cmp(b)),
            (Scalar::Date(a), Scalar::Date(b)) => Some(a.cmp(b)),
            (Scalar::Timestamp { value: a, unit: c, .. }, Scalar::Timestamp { value: b, unit: d, .. }) if c == d => {
                Some(a.cmp(b))
            }
            (Scalar::Decimal { unscaled: a, scale: c }, Scalar::Decimal { unscaled: b, scale: d }) if c == d => {
                Some(a.cmp(b))
            }
            _ => None,
        }
    }

    /// The exact text form: ISO 8601 for dates and timestamps, digits for decimals; `None` for what needs none.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        match self {
            Scalar::Date(days) => Some(temporal::format_date(i64::from(*days))),
            Scalar::Timestamp { value, unit, utc } => Some(temporal::format_timestamp(*value, *unit, *utc)),
            Scalar::Decimal { unscaled, scale } => Some(decimal::format(*unscaled, *scale)),
            Scalar::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// Statistics of one column of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnStatistics {
    /// Smallest value, NaN and nulls left out; `None` where there is none or nobody recorded it.
    pub min: Option<Scalar>,
    /// Largest value, NaN and nulls left out.
    pub max: Option<Scalar>,
    /// Nulls as the writer counted them; the legacy writers count NaN, and Rust 2.0 empty text, as null.
    pub null_count: u64,
    /// Distinct values, if they were counted.
    pub distinct_count: Option<u64>,
    /// Rows, nulls included.
    pub total_count: u64,
    /// Mean length of text in characters.
    pub avg_length: Option<f64>,
    /// NaNs of a float column, if they were counted.
    pub nan_count: Option<u64>,
    /// Whether `min` is a value of the column; otherwise it is only known that no value is smaller.
    pub min_is_exact: bool,
    /// Whether `max` is a value of the column; otherwise it is only known that no value is larger.
    pub max_is_exact: bool,
    /// Whether `distinct_count` is exact rather than an estimate.
    pub distinct_is_exact: bool,
    /// How the values are ordered, if that is known.
    pub order: Order,
    /// Bytes of all text or binary values together, if they were counted.
    pub value_bytes: Option<u64>,
}

/// How the values of a column follow each other, nulls left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Neither, or not known. Columns with NaN have no order.
    #[default]
    None,
    /// No value is smaller than the one before.
    Ascending,
    /// No value is larger than the one before.
    Descending,
    /// Both: all values are equal, or there is at most one.
    Equal,
}

/// Measures a column: minimum and maximum by the type's own order (text and bytes bytewise, -0.0 below 0.0),
/// distinct values exactly, every bit pattern of a float being a value of its own except that NaNs count once.
#[must_use]
pub fn measure(column: &Column) -> ColumnStatistics {
    let mut statistics = measure_bounds(column);
    statistics.distinct_count = Some(count_distinct(column));
    statistics.distinct_is_exact = true;
    if let Values::String(text) = column.values() {
        let present = text.iter().enumerate().filter(|(row, _)| column.is_valid(*row)).map(|(_, value)| value);
        let characters: usize = present.map(count_characters).sum();
        let count = column.len() - column.num_nulls();
        statistics.avg_length = (count > 0).then(|| characters as f64 / count as f64);
    }
    statistics
}

fn count_distinct(column: &Column) -> u64 {
    let rows = || (0..column.len()).filter(|&row| column.is_valid(row));
    match column.values() {
        Values::Decimal { values, .. } => {
            to_u64(rows().filter_map(|row| values.get(row)).collect::<HashSet<_>>().len())
        }
        Values::Boolean(bits) => {
            to_u64([true, false].iter().filter(|&&value| rows().any(|row| bits.get(row) == value)).count())
        }
        Values::String(v) | Values::Binary(v) => to_u64(rows().map(|row| v.get(row)).collect::<HashSet<_>>().len()),
        values => {
            let is_float = matches!(values, Values::Float32(_) | Values::Float64(_));
            let mut keys = keys(column).unwrap_or_default().into_owned();
            // The largest key is that of a NaN.
            keys.iter_mut().filter(|key| is_float && key_float(**key).is_nan()).for_each(|key| *key = i64::MAX);
            keys.sort_unstable();
            keys.dedup();
            to_u64(keys.len())
        }
    }
}

/// Measures everything about a column but its distinct values and the length of text in characters.
#[must_use]
pub fn measure_bounds(column: &Column) -> ColumnStatistics {
    measure_bounds_by(column, keys(column).as_deref())
}

/// The same by the keys of the column, where it has such.
#[must_use]
pub fn measure_bounds_by(column: &Column, keys: Option<&[i64]>) -> ColumnStatistics {
    let mut statistics = ColumnStatistics {
        null_count: to_u64(column.num_nulls()),
        total_count: to_u64(column.len()),
        min_is_exact: true,
        max_is_exact: true,
        ..ColumnStatistics::default()
    };
    if let Some(keys) = keys {
        measure_keys(column.values(), keys, &mut statistics);
        return statistics;
    }
    macro_rules! ordered {
        ($values:expr, $scalar:expr, $key:expr) => {{
            let present =
                $values.iter().enumerate().filter(|(row, _)| column.is_valid(*row)).map(|(_, value)| $key(value));
            let (bounds, order) = bounds(present);
            let (min, max) = bounds.unzip();
            statistics.min = min.map($scalar);
            statistics.max = max.map($scalar);
            statistics.order = order;
        }};
    }
    match column.values() {
        Values::Decimal { scale, values, .. } => {
            ordered!(values, |unscaled| Scalar::Decimal { unscaled, scale: *scale }, |&value| value);
        }
        Values::Boolean(bits) => ordered!(bits, Scalar::Boolean, |bit| bit),
        Values::String(v) => {
            ordered!(v, |value| Scalar::Text(String::from_utf8_lossy(value.1).into_owned()), headed);
            statistics.value_bytes = Some(value_bytes(v, column));
        }
        Values::Binary(v) => {
            ordered!(v, |value| Scalar::Bytes(value.1.to_vec()), headed);
            statistics.value_bytes = Some(value_bytes(v, column));
        }
        // The others have keys.
        _ => {}
    }
    statistics
}

/// The values that are not null as numbers whose order is theirs, where they have at most 64 bits: integers, dates and
/// timestamps by value, unsigned ones of 64 bits less 2^63, floats by [`float_key`].
#[must_use]
pub fn keys(column: &Column) -> Option<Cow<'_, [i64]>> {
    let validity = column.validity();
    macro_rules! keys {
        ($values:expr, $key:expr) => {{
            let mut keys: Vec<i64> = $values.iter().map($key).collect();
            if let Some(validity) = validity {
                let count = validity.pick_within(0, &mut keys);
                keys.truncate(count);
            }
            Cow::Owned(keys)
        }};
    }
    Some(match column.values() {
        Values::Int8(v) => keys!(v, |&x| x.into()),
        Values::Int16(v) => keys!(v, |&x| x.into()),
        Values::Int32(v) | Values::Date(v) => keys!(v, |&x| x.into()),
        Values::Int64(v) | Values::Timestamp { values: v, .. } => match validity {
            Some(validity) => Cow::Owned(validity.pick(v)),
            None => Cow::Borrowed(v),
        },
        Values::UInt8(v) => keys!(v, |&x| x.into()),
        Values::UInt16(v) => keys!(v, |&x| x.into()),
        Values::UInt32(v) => keys!(v, |&x| x.into()),
        Values::UInt64(v) => keys!(v, |&x| unsigned_key(x.cast_signed())),
        Values::Float32(v) => keys!(v, |&x| float_key(f64::from(x).to_bits().cast_signed())),
        Values::Float64(v) => keys!(v, |&x| float_key(x.to_bits().cast_signed())),
        Values::Decimal { .. } | Values::Boolean(_) | Values::String(_) | Values::Binary(_) => return None,
    })
}

/// The key of the bits of a float of 64 bits, by its total order, and the bits of a key: what is negative is turned round.
pub(crate) fn float_key(bits: i64) -> i64 {
    bits ^ (bits >> 63).cast_unsigned().wrapping_shr(1).cast_signed()
}

/// The float of a key.
fn key_float(key: i64) -> f64 {
    f64::from_bits(float_key(key).cast_unsigned())
}

/// The key of an unsigned number, and the number of a key.
pub(crate) fn unsigned_key(bits: i64) -> i64 {
    bits ^ i64::MIN
}

/// Smallest and largest value and order, and how many are NaN.
fn measure_keys(values: &Values, keys: &[i64], statistics: &mut ColumnStatistics) {
    let (mut bounds, mut order) = bounds_of(keys);
    if matches!(values, Values::Float32(_) | Values::Float64(_)) {
        // Beyond infinity there is NaN.
        let has_nan = bounds.is_some_and(|(min, max)| key_float(min).is_nan() || key_float(max).is_nan());
        let mut nans = 0;
        if has_nan {
            let numbers: Vec<i64> = keys.iter().copied().filter(|&key| !key_float(key).is_nan()).collect();
            nans = keys.len() - numbers.len();
            (bounds, order) = (bounds_of(&numbers).0, Order::None);
        }
        statistics.nan_count = Some(to_u64(nans));
    }
    let scalar = |key: i64| match values {
        Values::Date(_) => Scalar::Date(i32::try_from(key).unwrap_or_default()),
        Values::Timestamp { unit, utc, .. } => Scalar::Timestamp { value: key, unit: *unit, utc: *utc },
        Values::UInt64(_) => Scalar::Integer(unsigned_key(key).cast_unsigned().into()),
        #[expect(clippy::cast_possible_truncation, reason = "it was one of 32 bits")]
        Values::Float32(_) => Scalar::Float32(key_float(key) as f32),
        Values::Float64(_) => Scalar::Float64(key_float(key)),
        _ => Scalar::Integer(key.into()),
    };
    let (min, max) = bounds.unzip();
    statistics.min = min.map(scalar);
    statistics.max = max.map(scalar);
    statistics.order = order;
}

/// Keys that are compared at the same time.
const LANES: usize = 4;

/// The smallest and the largest key; `None` where there is no value.
pub(crate) fn extremes<T: Copy>(values: &[T], key: impl Fn(T) -> i64) -> Option<(i64, i64)> {
    let first = key(*values.first()?);
    let (mut min, mut max) = ([first; LANES], [first; LANES]);
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for ((min, max), &value) in min.iter_mut().zip(&mut max).zip(block) {
            let key = key(value);
            *min = if key < *min { key } else { *min };
            *max = if key > *max { key } else { *max };
        }
    }
    let rest = || rest.iter().map(|&value| key(value));
    let min = min.into_iter().chain(rest()).fold(first, i64::min);
    let max = max.into_iter().chain(rest()).fold(first, i64::max);
    Some((min, max))
}

/// Smallest and largest key, and the order of all.
fn bounds_of(keys: &[i64]) -> (Option<(i64, i64)>, Order) {
    (extremes(keys, |key| key), order_within(keys))
}

/// Pairs of neighbours that are compared together.
const NEIGHBOURS: usize = 32;

/// The order of numbers.
fn order_within<T: Copy + Ord>(numbers: &[T]) -> Order {
    let following = numbers.get(1..).unwrap_or_default();
    let (mut ascends, mut descends) = (false, false);
    for (some, next) in numbers.chunks(NEIGHBOURS).zip(following.chunks(NEIGHBOURS)) {
        for (a, b) in some.iter().zip(next) {
            ascends |= a < b;
            descends |= a > b;
        }
        if ascends && descends {
            break;
        }
    }
    match (ascends, descends) {
        (false, false) => Order::Equal,
        (true, false) => Order::Ascending,
        (false, true) => Order::Descending,
        (true, true) => Order::None,
    }
}

/// The same of text or binary by its distinct values, which ascend, and by which of them each value that is not null is.
#[must_use]
pub fn measure_bounds_of(column: &Column, entries: &VarBytes, codes: &[u64]) -> ColumnStatistics {
    let scalar = |at: usize| {
        let value = entries.get(at);
        match column.values() {
            Values::String(_) => Scalar::Text(String::from_utf8_lossy(value).into_owned()),
            _ => Scalar::Bytes(value.to_vec()),
        }
    };
    // Every one of them occurs.
    let last = entries.len().checked_sub(1);
    let value_bytes = match column.values() {
        Values::String(v) | Values::Binary(v) => Some(value_bytes(v, column)),
        _ => None,
    };
    ColumnStatistics {
        null_count: to_u64(column.num_nulls()),
        total_count: to_u64(column.len()),
        min_is_exact: true,
        max_is_exact: true,
        min: last.map(|_| scalar(0)),
        max: last.map(scalar),
        order: order_within(codes),
        value_bytes,
        ..ColumnStatistics::default()
    }
}

/// Smallest and largest value, and the order of all.
fn bounds<T: Copy + Ord>(values: impl Iterator<Item = T> + Clone) -> (Option<(T, T)>, Order) {
    let Some((first, last, order)) = order_of(values.clone()) else { return (None, Order::Equal) };
    let extremes = match order {
        Order::Equal => (first, first),
        Order::Ascending => (first, last),
        Order::Descending => (last, first),
        Order::None => values.fold((first, first), |(min, max), value| {
            if value < min {
                (value, max)
            } else if value > max {
                (min, value)
            } else {
                (min, max)
            }
        }),
    };
    (Some(extremes), order)
}

/// The first value, the last one that was needed to tell the order of all, and that.
fn order_of<T: Copy + Ord>(mut values: impl Iterator<Item = T>) -> Option<(T, T, Order)> {
    let first = values.next()?;
    let (mut last, mut order) = (first, Order::Equal);
    for value in values {
        order = match (value.cmp(&last), order) {
            (Ordering::Equal, order) => order,
            (Ordering::Greater, Order::Equal | Order::Ascending) => Order::Ascending,
            (Ordering::Less, Order::Equal | Order::Descending) => Order::Descending,
            _ => Order::None,
        };
        if order == Order::None {
            break;
        }
        last = value;
    }
    Some((first, last, order))
}

/// A value with its first bytes, which mostly tell its place.
fn headed(value: &[u8]) -> (u128, &[u8]) {
    (u128::from(word_at(value, 0)) << 64 | u128::from(word_at(value, size_of::<u64>())), value)
}

fn value_bytes(values: &VarBytes, column: &Column) -> u64 {
    let Some(validity) = column.validity() else { return to_u64(values.bytes().len()) };
    let sum = |ends: &[i32]| validity.pick(ends).into_iter().map(|end| u64::from(end.cast_unsigned())).sum::<u64>();
    sum(values.offsets().get(1..).unwrap_or_default()) - sum(values.offsets().get(..values.len()).unwrap_or_default())
}

/// Characters (code points) of UTF-8 text.
fn count_characters(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

/// Text as Python's `str()` gives it for that value, which is how Python 1.0 states minimum and maximum.
#[must_use]
pub fn to_python_text(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Boolean(true) => "True".to_owned(),
        Scalar::Boolean(false) => "False".to_owned(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::Float32(value) => python_float(&format!("{value:e}"), f64::from(*value)),
        Scalar::Float64(value) => python_float(&format!("{value:e}"), *value),
        Scalar::Bytes(bytes) => python_bytes(bytes),
        Scalar::Timestamp { value, unit, .. } => temporal::format_timestamp(*value, *unit, false),
        other => other.to_text().unwrap_or_default(),
    }
}

/// `repr(float)`: the shortest digits, plain from 1e-4 to below 1e16.
fn python_float(shortest: &str, value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = digits.chars().filter(|c| *c != '.').collect();
    let point = exponent + 1;
    let text = match usize::try_from(point) {
        Ok(point @ 1..) if point >= digits.len() => format!("{digits}{}.0", "0".repeat(point - digits.len())),
        Ok(point @ 1..) => {
            let (whole, fraction) = digits.split_at(point);
            format!("{whole}.{fraction}")
        }
        _ => format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    };
    format!("{sign}{text}")
}

/// `repr(bytes)`.
fn python_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b' '..=b'~' if char::from(byte) == quote => text.extend(['\\', quote]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push(quote);
    text
}

/// Reads what [`to_python_text`] gives, by the declared type; text that does not fit the type stays text.
#[must_use]
pub fn from_python_text(text: &str, data_type: DataType) -> Scalar {
    let parsed = match data_type {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => text.parse().ok().map(Scalar::Integer),
        DataType::Float32 => text.parse().ok().map(Scalar::Float32),
        DataType::Float64 => text.parse().ok().map(Scalar::Float64),
        DataType::Boolean => match text {
            "True" => Some(Scalar::Boolean(true)),
            "False" => Some(Scalar::Boolean(false)),
            _ => None,
        },
        DataType::Date => temporal::parse_date(text).and_then(|days| i32::try_from(days).ok()).map(Scalar::Date),
        DataType::Timestamp => {
            temporal::parse_timestamp(text).map(|(value, unit, utc)| Scalar::Timestamp { value, unit, utc })
        }
        DataType::Decimal => decimal::parse(text).and_then(|(unscaled, scale)| {
            // "-0" and exponents would not come back as the same text.
            let scale = u8::try_from(scale).ok()?;
            (decimal::format(unscaled, scale) == text).then_some(Scalar::Decimal { unscaled, scale })
        }),
        DataType::String | DataType::Binary => None,
    };
    parsed.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::{Bitmap, VarBytes};

    #[test]
    fn floats_look_as_in_python() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-2.9, "-2.9"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (123456.789, "123456.789"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e300, "1.25e+300"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(to_python_text(&Scalar::Float64(value)), text);
        }
        assert_eq!(to_python_text(&Scalar::Float32(0.1)), "0.1");
        assert_eq!(to_python_text(&Scalar::Float32(1e10)), "10000000000.0");
    }

    #[test]
    fn bytes_look_as_in_python() {
        for (bytes, text) in [
            (&b"c\0"[..], "b'c\\x00'"),
            (b"a'b", "b\"a'b\""),
            (b"a'\"b", "b'a\\'\"b'"),
            (b"\t\n\r\\\xff", "b'\\t\\n\\r\\\\\\xff'"),
        ] {
            assert_eq!(to_python_text(&Scalar::Bytes(bytes.to_vec())), text);
        }
    }

    #[test]
    fn nulls_and_nan_are_left_out() {
        let validity: Bitmap = [true, false, true, true].into_iter().collect();
        let floats = Values::Float64(vec![2.0, -9.0, f64::NAN, -0.0]);
        let statistics = measure(&Column::new(floats, Some(validity)).unwrap());
        assert_eq!(statistics.min, Some(Scalar::Float64(-0.0)));
        assert_eq!(statistics.max, Some(Scalar::Float64(2.0)));
        assert_eq!((statistics.null_count, statistics.total_count), (1, 4));
        assert_eq!(statistics.distinct_count, Some(3));

        let mut text = VarBytes::default();
        for value in ["bb", "é", "", "bb"] {
            text.push(value.as_bytes()).unwrap();
        }
        let statistics = measure(&Column::new(Values::String(text), None).unwrap());
        assert_eq!(statistics.min, Some(Scalar::Text(String::new())));
        assert_eq!(statistics.max, Some(Scalar::Text("é".to_owned())));
        assert_eq!((statistics.distinct_count, statistics.avg_length), (Some(3), Some(1.25)));

        for &data_type in DataType::ALL {
            let empty = measure(&Column::new(Values::empty(data_type), None).unwrap());
            assert_eq!((empty.min, empty.distinct_count), (None, Some(0)), "{data_type:?}");
        }
    }

    #[test]
    fn text_that_does_not_fit_the_type_stays_text() {
        assert_eq!(from_python_text("-2.9", DataType::Int8), Scalar::Text("-2.9".to_owned()));
        assert_eq!(from_python_text("18446744073709551615", DataType::UInt64), Scalar::Integer(u64::MAX.into()));
        assert_eq!(from_python_text("-0", DataType::Decimal), Scalar::Text("-0".to_owned()));
        assert_eq!(from_python_text("2024-02-29", DataType::Date), Scalar::Date(19782));
    }
}
