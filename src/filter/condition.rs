//! What a filter asks of the values of one column, in terms of what the column stores.

use super::Matches;
use super::mask::Mask;
use super::set::Set;
use crate::column::{Bitmap, Column, Values};
use crate::error::{Error, Result};
use crate::statistics::{ColumnStatistics, Scalar};

/// A condition on a value. Null meets none but [`Condition::Null`].
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// There is no value.
    Null,
    /// A value stored as an integer (booleans as 0 and 1) is within an interval. An end that is that of `i128` leaves
    /// the interval open; others are values of the column's type.
    Integers {
        /// Smallest.
        min: i128,
        /// Largest.
        max: i128,
    },
    /// One of these integers.
    IntegerSet(Set<i128>),
    /// A float is within an interval by IEEE comparison: zeros are equal, NaN is in none.
    Floats {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// One of these floats, or NaN.
    FloatSet {
        /// The floats.
        values: Set<f64>,
        /// Whether NaN belongs to them.
        nan: bool,
    },
    /// Bytes from the first bound on, and before the second.
    Bytes {
        /// Smallest.
        from: Vec<u8>,
        /// First that does not belong to it; `None` where all larger ones do.
        to: Option<Vec<u8>>,
    },
    /// One of these.
    BytesSet(Set<Vec<u8>>),
}

/// What is known of the values of a chunk that are not null: none are smaller or larger than these.
struct Bounds<T> {
    min: Option<T>,
    max: Option<T>,
}

impl<T: PartialOrd + Copy> Bounds<T> {
    /// Whether values of a closed interval are all, some or none of them.
    fn within(&self, min: T, max: T) -> Matches {
        if self.max.is_some_and(|most| most < min) || self.min.is_some_and(|least| least > max) {
            Matches::None
        } else if self.min.is_some_and(|least| least >= min) && self.max.is_some_and(|most| most <= max) {
            Matches::All
        } else {
            Matches::Some
        }
    }

    /// Whether those of a list are all, some or none of the values.
    fn one_of(&self, list: impl Iterator<Item = T>) -> Matches {
        let mut within = list.filter(|value| self.within(*value, *value) != Matches::None);
        match within.next() {
            None => Matches::None,
            Some(_) if self.min.is_some() && self.min == self.max => Matches::All,
            Some(_) => Matches::Some,
        }
    }
}

fn integer(scalar: &Scalar) -> Option<i128> {
    match scalar {
        Scalar::Boolean(value) => Some((*value).into()),
        Scalar::Integer(value) => Some(*value),
        Scalar::Date(days) => Some((*days).into()),
        Scalar::Timestamp { value, .. } => Some((*value).into()),
        Scalar::Decimal { unscaled, .. } => Some(*unscaled),
        _ => None,
    }
}

fn float(scalar: &Scalar) -> Option<f64> {
    match scalar {
        Scalar::Float32(value) => Some((*value).into()),
        Scalar::Float64(value) => Some(*value),
        _ => None,
    }
    .filter(|value| !value.is_nan())
}

fn bytes(scalar: &Scalar) -> Option<&[u8]> {
    match scalar {
        Scalar::Text(text) => Some(text.as_bytes()),
        Scalar::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn bounds<'a, T>(statistics: &'a ColumnStatistics, convert: impl Fn(&'a Scalar) -> Option<T>) -> Bounds<T> {
    let bound = |scalar: &'a Option<Scalar>| scalar.as_ref().and_then(&convert);
    Bounds { min: bound(&statistics.min), max: bound(&statistics.max) }
}

impl Condition {
    /// Whether it is about text or bytes.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Condition::Bytes { .. } | Condition::BytesSet(_))
    }

    /// How many rows of a chunk meet the condition, as far as its statistics tell. Bounds need not be exact.
    pub fn matches(&self, statistics: &ColumnStatistics) -> Matches {
        let nulls = statistics.null_count;
        let values = statistics.total_count.saturating_sub(nulls);
        let among_values = match self {
            Condition::Null if nulls == 0 => return Matches::None,
            Condition::Null => return if values == 0 { Matches::All } else { Matches::Some },
            _ if values == 0 => return Matches::None,
            Condition::Integers { min: i128::MIN, max: i128::MAX } => Matches::All,
            Condition::Integers { min, max } => bounds(statistics, integer).within(*min, *max),
            Condition::IntegerSet(set) => bounds(statistics, integer).one_of(set.values().iter().copied()),
            Condition::Floats { min, max } => match statistics.nan_count {
                Some(nans) if nans >= values => Matches::None,
                nans => bounds(statistics, float).within(*min, *max).unless_all(nans != Some(0)),
            },
            Condition::FloatSet { values: set, nan } => {
                let numbers = bounds(statistics, float).one_of(set.values().iter().copied());
                match statistics.nan_count {
                    Some(0) => numbers,
                    Some(nans) if nans >= values => Matches::constant(*nan),
                    _ if *nan && numbers == Matches::None => Matches::Some,
                    _ => numbers.unless_all(!nan),
                }
            }
            Condition::Bytes { from, to } => {
                let Bounds { min, max } = bounds(statistics, bytes);
                let (from, to) = (from.as_slice(), to.as_deref());
                if max.is_some_and(|most| most < from) || min.is_some_and(|least| to.is_some_and(|to| least >= to)) {
                    Matches::None
                } else if (from.is_empty() || min.is_some_and(|least| least >= from))
                    && to.is_none_or(|to| max.is_some_and(|most| most < to))
                {
                    Matches::All
                } else {
                    Matches::Some
                }
            }
            Condition::BytesSet(set) => bounds(statistics, bytes).one_of(set.values().iter().map(Vec::as_slice)),
        };
        among_values.unless_all(nulls > 0)
    }

    /// The rows that meet the condition.
    ///
    /// # Errors
    /// `type-mismatch` for a column of another type than the condition was made for.
    pub fn rows(&self, column: &Column) -> Result<Mask> {
        let found = match self {
            Condition::Null => {
                let valid = column.validity().map(Mask::from_bitmap);
                return Ok(valid.map_or_else(|| Mask::filled(column.len(), false), Mask::inverted));
            }
            Condition::Integers { min, max } => within(column.values(), *min, *max),
            Condition::IntegerSet(set) => one_of(column.values(), set),
            Condition::Floats { min, max } => match column.values() {
                Values::Float32(values) => Some(Mask::of(values, |value| in_order(*min, value.into(), *max))),
                Values::Float64(values) => Some(Mask::of(values, |value| in_order(*min, value, *max))),
                _ => None,
            },
            Condition::FloatSet { values: set, nan } => {
                let matches = |value: f64| set.contains(&value) || (*nan && value.is_nan());
                match column.values() {
                    Values::Float32(values) => Some(Mask::collect(values.iter().map(|&value| matches(value.into())))),
                    Values::Float64(values) => Some(Mask::collect(values.iter().map(|&value| matches(value)))),
                    _ => None,
                }
            }
            Condition::Bytes { from, to } => {
                let (from, to) = (from.as_slice(), to.as_deref());
                let is_one = to.is_some_and(|to| to.strip_prefix(from) == Some(&[0]));
                byte_strings(column.values(), &|value| {
                    if is_one { value == from } else { value >= from && to.is_none_or(|to| value < to) }
                })
            }
            Condition::BytesSet(set) => byte_strings(column.values(), &|value| set.contains(value)),
        };
        let mut rows = found.ok_or_else(|| {
            let found = column.values().data_type().as_str();
            Error::type_mismatch("values of the type that the filter was made for", found)
        })?;
        if let Some(validity) = column.validity() {
            rows.and(&Mask::from_bitmap(validity));
        }
        Ok(rows)
    }
}

/// Integers of any width.
trait Whole: Copy + Default + Into<i128> + TryFrom<i128> {
    type Unsigned: Ord;
    const MIN: Self;
    const MAX: Self;

    /// How far it is above another one, which makes one comparison of a closed interval, the same for all signs.
    fn above(self, other: Self) -> Self::Unsigned;
}

macro_rules! whole {
    ($($type:ty: $unsigned:ty, $convert:expr;)*) => {
        $(
            impl Whole for $type {
                type Unsigned = $unsigned;
                const MIN: Self = <$type>::MIN;
                const MAX: Self = <$type>::MAX;

                #[inline]
                fn above(self, other: Self) -> $unsigned {
                    $convert(self.wrapping_sub(other))
                }
            }
        )*
    };
}

whole! {
    i8: u8, i8::cast_unsigned;
    i16: u16, i16::cast_unsigned;
    i32: u32, i32::cast_unsigned;
    i64: u64, i64::cast_unsigned;
    i128: u128, i128::cast_unsigned;
    u8: u8, u8::from;
    u16: u16, u16::from;
    u32: u32, u32::from;
    u64: u64, u64::from;
}

/// Runs `$integers` with `$values` for values that are stored as integers.
macro_rules! for_integers {
    ($all:expr, $values:ident => $integers:expr, $bits:ident => $boolean:expr) => {
        match $all {
            Values::Int8($values) => Some($integers),
            Values::Int16($values) => Some($integers),
            Values::Int32($values) | Values::Date($values) => Some($integers),
            Values::Int64($values) | Values::Timestamp { values: $values, .. } => Some($integers),
            Values::UInt8($values) => Some($integers),
            Values::UInt16($values) => Some($integers),
            Values::UInt32($values) => Some($integers),
            Values::UInt64($values) => Some($integers),
            Values::Decimal { values: $values, .. } => Some($integers),
            Values::Boolean($bits) => Some($boolean),
            Values::Float32(_) | Values::Float64(_) | Values::String(_) | Values::Binary(_) => None,
        }
    };
}

fn within(values: &Values, min: i128, max: i128) -> Option<Mask> {
    fn closed<T: Whole>(values: &[T], ends: [i128; 2]) -> Mask {
        // Clamped, an end is a value of the type.
        let end = |end: i128| T::try_from(end.clamp(T::MIN.into(), T::MAX.into())).unwrap_or_default();
        let [min, max] = ends.map(end);
        let span = max.above(min);
        Mask::of(values, |value| value.above(min) <= span)
    }
    for_integers!(
        values,
        values => closed(values, [min, max]),
        bits => booleans(bits, |bit| min <= bit && bit <= max)
    )
}

fn one_of(values: &Values, set: &Set<i128>) -> Option<Mask> {
    fn listed<T: Whole>(values: &[T], set: &Set<i128>) -> Mask {
        Mask::collect(values.iter().map(|&value| set.contains(&value.into())))
    }
    for_integers!(
        values,
        values => listed(values, set),
        bits => booleans(bits, |bit| set.contains(&bit))
    )
}

fn booleans(bits: &Bitmap, matches: impl Fn(i128) -> bool) -> Mask {
    let mask = Mask::from_bitmap(bits);
    match (matches(0), matches(1)) {
        (false, true) => mask,
        (true, false) => mask.inverted(),
        (same, _) => Mask::filled(bits.len(), same),
    }
}

/// By IEEE comparison; false with a NaN.
#[inline]
fn in_order(min: f64, value: f64, max: f64) -> bool {
    min <= value && value <= max
}

fn byte_strings(values: &Values, matches: &dyn Fn(&[u8]) -> bool) -> Option<Mask> {
    let (Values::String(values) | Values::Binary(values)) = values else { return None };
    let mut start = 0;
    let ends = values.offsets().iter().skip(1);
    let bits = ends.map(|&end| {
        // Offsets are never negative.
        let end = usize::try_from(end).unwrap_or_default();
        let value = values.bytes().get(start..end).unwrap_or_default();
        start = end;
        matches(value)
    });
    Some(Mask::collect(bits))
}

#[cfg(test)]
mod tests {
    use super::super::{Comparison, Literal, bind};
    use super::*;
    use crate::column::VarBytes;
    use crate::encoding::chunk::ColumnType;
    use crate::schema::{DataType, TimeUnit};
    use crate::statistics::measure_bounds;
    use crate::testing::noise;

    /// A few values of a type around some edge of it, so that equal ones are frequent; perhaps with nulls.
    fn column(data_type: DataType, next: &mut impl FnMut() -> u64) -> Column {
        let rows = (next() % 9) as usize;
        let edge = next() % 4;
        macro_rules! numbers {
            ($type:ty) => {
                (0..rows)
                    .map(|_| {
                        let offset = (next() % 4) as $type;
                        match edge {
                            0 => <$type>::MIN + offset,
                            1 => <$type>::MAX - offset,
                            2 => offset,
                            _ => next() as $type,
                        }
                    })
                    .collect()
            };
        }
        const FLOATS: [f64; 10] = [
            -0.0,
            0.0,
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1.5,
            -1.5,
            9_007_199_254_740_992.0,
            f64::MIN_POSITIVE,
        ];
        let start = next() as usize % FLOATS.len();
        let float = |pick: u64| FLOATS[(start + pick as usize % 3) % FLOATS.len()];
        let mut text = VarBytes::default();
        for _ in 0..rows {
            let value = ["", "a", "a\0", "ab", "b", "\u{ffff}", "\u{10000}"][next() as usize % 7];
            text.push(value.repeat(1 + edge as usize).as_bytes()).unwrap();
        }
        let values = match data_type {
            DataType::Int8 => Values::Int8(numbers!(i8)),
            DataType::Int16 => Values::Int16(numbers!(i16)),
            DataType::Int32 => Values::Int32(numbers!(i32)),
            DataType::Int64 => Values::Int64(numbers!(i64)),
            DataType::UInt8 => Values::UInt8(numbers!(u8)),
            DataType::UInt16 => Values::UInt16(numbers!(u16)),
            DataType::UInt32 => Values::UInt32(numbers!(u32)),
            DataType::UInt64 => Values::UInt64(numbers!(u64)),
            DataType::Date => Values::Date(numbers!(i32)),
            DataType::Float32 => Values::Float32((0..rows).map(|_| float(next()) as f32).collect()),
            DataType::Float64 => Values::Float64((0..rows).map(|_| float(next())).collect()),
            DataType::String => Values::String(text),
            DataType::Binary => Values::Binary(text),
            DataType::Boolean => Values::Boolean(
                (0..rows).map(|_| if edge < 2 { edge == 0 } else { next().is_multiple_of(2) }).collect(),
            ),
            DataType::Timestamp => Values::Timestamp { unit: TimeUnit::Microsecond, utc: false, values: numbers!(i64) },
            DataType::Decimal => Values::Decimal { precision: 38, scale: 2, values: numbers!(i128) },
        };
        let validity = match next() % 4 {
            0 => Some((0..rows).map(|_| !next().is_multiple_of(3)).collect()),
            1 if edge == 0 => Some(Bitmap::filled(rows, false)),
            _ => None,
        };
        Column::new(values, validity).unwrap()
    }

    /// A literal that is a value of the column, or near one.
    fn literal(column: &Column, next: &mut impl FnMut() -> u64) -> Literal {
        let row = next() as usize % column.len().max(1);
        let near = i128::from(next() % 3) - 1;
        match Scalar::of(column, row) {
            Some(Scalar::Boolean(value)) => Literal::Boolean(value),
            Some(Scalar::Text(text)) => Literal::Text(text),
            Some(Scalar::Bytes(bytes)) => Literal::Bytes(bytes),
            Some(scalar @ (Scalar::Float32(_) | Scalar::Float64(_))) => match (float(&scalar), next() % 4) {
                (Some(value), 0) => Literal::from(value.next_up()),
                (Some(value), 1 | 2) => Literal::from(value),
                (Some(value), _) => Literal::Integer(value as i128),
                (None, _) => Literal::from(f64::NAN),
            },
            Some(scalar) => match (integer(&scalar).unwrap_or_default(), next() % 3) {
                (value, 0) => Literal::from(value as f64 + 0.5),
                (value, _) => Literal::Integer(value.saturating_add(near)),
            },
            None => match column.values().data_type() {
                DataType::Boolean => Literal::Boolean(true),
                DataType::String => Literal::Text("a".to_owned()),
                DataType::Binary => Literal::Bytes(vec![b'a']),
                _ => Literal::from(0.0),
            },
        }
    }

    /// The same statistics with less precision, as other writers may state them.
    fn blurred(mut statistics: ColumnStatistics, next: &mut impl FnMut() -> u64) -> ColumnStatistics {
        if next().is_multiple_of(4) {
            statistics.min = None;
        }
        if next().is_multiple_of(4) {
            statistics.max = None;
        }
        if next().is_multiple_of(4) {
            statistics.nan_count = None;
        }
        if next().is_multiple_of(2) {
            statistics.min = statistics.min.map(|min| match min {
                Scalar::Integer(value) => Scalar::Integer(value - 1),
                Scalar::Float64(value) => Scalar::Float64(value.next_down()),
                Scalar::Decimal { unscaled, scale } => Scalar::Decimal { unscaled: unscaled.saturating_sub(1), scale },
                Scalar::Text(mut text) => {
                    text.pop();
                    Scalar::Text(text)
                }
                other => other,
            });
            statistics.max = statistics.max.map(|max| match max {
                Scalar::Integer(value) => Scalar::Integer(value + 1),
                Scalar::Float64(value) => Scalar::Float64(value.next_up()),
                Scalar::Text(text) => Scalar::Text(text + "\0"),
                Scalar::Bytes(bytes) => Scalar::Bytes([&bytes[..], &[0]].concat()),
                other => other,
            });
            (statistics.min_is_exact, statistics.max_is_exact) = (false, false);
        }
        statistics
    }

    #[test]
    fn statistics_never_say_what_the_values_deny() {
        let mut next = noise(5);
        let mut seen = [0; 3];
        for round in 0..40_000 {
            let data_type = DataType::ALL[round % DataType::ALL.len()];
            let column = column(data_type, &mut next);
            let column_type = ColumnType::of(column.values());
            let comparison = [
                Comparison::Equal,
                Comparison::Less,
                Comparison::LessOrEqual,
                Comparison::Greater,
                Comparison::GreaterOrEqual,
            ][next() as usize % 5];
            let condition = match next() % 4 {
                0 => Ok(Some(Condition::Null)),
                1 => {
                    let literals: Vec<Literal> = (0..next() % 4).map(|_| literal(&column, &mut next)).collect();
                    bind::one_of(column_type, &literals)
                }
                _ => bind::compare(column_type, comparison, &literal(&column, &mut next)),
            };
            let Some(condition) = condition.unwrap() else { continue };
            let rows = condition.rows(&column).unwrap().positions(0..usize::MAX).len();
            let exact = measure_bounds(&column);
            for statistics in [exact.clone(), blurred(exact, &mut next)] {
                let matches = condition.matches(&statistics);
                seen[matches as usize] += 1;
                let is_true = match matches {
                    Matches::None => rows == 0,
                    Matches::Some => true,
                    Matches::All => rows == column.len(),
                };
                assert!(is_true, "{matches:?} of {condition:?} for {column:?} by {statistics:?}");
            }
        }
        assert!(seen.iter().all(|&count| count > 5_000), "{seen:?}");
    }

    #[test]
    fn exact_statistics_decide_what_lies_on_one_side() {
        let statistics = |min: Scalar, max: Scalar, null_count| ColumnStatistics {
            min: Some(min),
            max: Some(max),
            null_count,
            total_count: 10,
            nan_count: Some(0),
            ..ColumnStatistics::default()
        };
        let integers = |null_count| statistics(Scalar::Integer(5), Scalar::Integer(9), null_count);
        let text = statistics(Scalar::Text("b".to_owned()), Scalar::Text("d".to_owned()), 0);
        let zeros = statistics(Scalar::Float64(-0.0), Scalar::Float64(0.0), 0);
        let of_text = |from: &str, to: &str| Condition::Bytes { from: from.into(), to: Some(to.into()) };
        for (condition, statistics, expected) in [
            (Condition::Integers { min: i128::MIN, max: 4 }, integers(0), Matches::None),
            (Condition::Integers { min: 5, max: 9 }, integers(0), Matches::All),
            (Condition::Integers { min: 5, max: 9 }, integers(1), Matches::Some),
            (Condition::Integers { min: 5, max: 9 }, integers(10), Matches::None),
            (Condition::Integers { min: 6, max: i128::MAX }, integers(0), Matches::Some),
            (Condition::IntegerSet([1, 4, 10].into_iter().collect()), integers(0), Matches::None),
            (Condition::IntegerSet([1, 9].into_iter().collect()), integers(0), Matches::Some),
            (Condition::Null, integers(0), Matches::None),
            (Condition::Null, integers(10), Matches::All),
            (Condition::Floats { min: 0.0, max: 0.0 }, zeros.clone(), Matches::All),
            (Condition::FloatSet { values: [0.0].into_iter().collect(), nan: false }, zeros.clone(), Matches::All),
            (Condition::FloatSet { values: [].into_iter().collect(), nan: true }, zeros, Matches::None),
            (of_text("", "b"), text.clone(), Matches::None),
            (of_text("b", "d\0"), text.clone(), Matches::All),
            (of_text("b", "d"), text.clone(), Matches::Some),
            (of_text("d\0", "z"), text.clone(), Matches::None),
            (Condition::BytesSet([b"a".to_vec(), b"e".to_vec()].into_iter().collect()), text, Matches::None),
        ] {
            assert_eq!(condition.matches(&statistics), expected, "{condition:?}");
        }
    }

    #[test]
    fn another_type_than_the_bound_one_is_an_error() {
        let column = Column::new(Values::Float32(vec![1.0]), None).unwrap();
        let condition = Condition::Integers { min: 0, max: 1 };
        assert_eq!(condition.rows(&column).unwrap_err().code().as_str(), "type-mismatch");
    }
}
