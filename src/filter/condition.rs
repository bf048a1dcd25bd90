//! What a filter asks of the values of one column, in terms of what the column stores.

use std::cmp::Ordering;

use super::Matches;
use super::mask::Mask;
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
    /// One of these integers, ascending and without duplicates.
    IntegerSet(Vec<i128>),
    /// A float is within an interval by IEEE comparison: zeros are equal, NaN is in none.
    Floats {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// One of these floats, ascending and without duplicates, NaN and -0.0; or NaN.
    FloatSet {
        /// The floats.
        values: Vec<f64>,
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
    /// One of these, ascending and without duplicates.
    BytesSet(Vec<Vec<u8>>),
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

    /// Whether those of an ascending list are all, some or none of the values.
    fn one_of<U>(&self, list: &[U], compare: impl Fn(&U, &T) -> Option<Ordering>) -> Matches {
        let start =
            self.min.map_or(0, |least| list.partition_point(|value| compare(value, &least) == Some(Ordering::Less)));
        let end = self
            .max
            .map_or(list.len(), |most| list.partition_point(|value| compare(value, &most) != Some(Ordering::Greater)));
        if start >= end {
            Matches::None
        } else if self.min.is_some() && self.min == self.max {
            Matches::All
        } else {
            Matches::Some
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
            Condition::IntegerSet(set) => bounds(statistics, integer).one_of(set, PartialOrd::partial_cmp),
            Condition::Floats { min, max } => match statistics.nan_count {
                Some(nans) if nans >= values => Matches::None,
                nans => bounds(statistics, float).within(*min, *max).unless_all(nans != Some(0)),
            },
            Condition::FloatSet { values: set, nan } => {
                let numbers = bounds(statistics, float).one_of(set, PartialOrd::partial_cmp);
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
            Condition::BytesSet(set) => {
                bounds(statistics, bytes).one_of(set, |value, bound| value.as_slice().partial_cmp(bound))
            }
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
            Condition::Floats { min, max } => floats(column.values(), |value| *min <= value && value <= *max),
            Condition::FloatSet { values: set, nan } => floats(column.values(), |value| {
                // The sum has no negative zero.
                set.binary_search_by(|other| other.total_cmp(&(value + 0.0))).is_ok() || (*nan && value.is_nan())
            }),
            Condition::Bytes { from, to: Some(to) } => match to.strip_prefix(from.as_slice()) {
                Some([0]) => byte_strings(column.values(), |value| value == from),
                _ => byte_strings(column.values(), |value| value >= from.as_slice() && value < to.as_slice()),
            },
            Condition::Bytes { from, to: None } => byte_strings(column.values(), |value| value >= from.as_slice()),
            Condition::BytesSet(set) => {
                byte_strings(column.values(), |value| set.binary_search_by(|other| other.as_slice().cmp(value)).is_ok())
            }
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

/// Runs `$integers` with `$values`, whose type is `$type`, for values that are stored as integers.
macro_rules! for_integers {
    ($all:expr, $values:ident: $type:ident => $integers:expr, $bits:ident => $boolean:expr) => {
        match $all {
            Values::Int8($values) => for_integers!(@ $type = i8, $integers),
            Values::Int16($values) => for_integers!(@ $type = i16, $integers),
            Values::Int32($values) | Values::Date($values) => for_integers!(@ $type = i32, $integers),
            Values::Int64($values) | Values::Timestamp { values: $values, .. } => {
                for_integers!(@ $type = i64, $integers)
            }
            Values::UInt8($values) => for_integers!(@ $type = u8, $integers),
            Values::UInt16($values) => for_integers!(@ $type = u16, $integers),
            Values::UInt32($values) => for_integers!(@ $type = u32, $integers),
            Values::UInt64($values) => for_integers!(@ $type = u64, $integers),
            Values::Decimal { values: $values, .. } => for_integers!(@ $type = i128, $integers),
            Values::Boolean($bits) => Some($boolean),
            Values::Float32(_) | Values::Float64(_) | Values::String(_) | Values::Binary(_) => None,
        }
    };
    (@ $type:ident = $actual:ty, $integers:expr) => {{
        type $type = $actual;
        Some($integers)
    }};
}

fn within(values: &Values, min: i128, max: i128) -> Option<Mask> {
    fn closed<T: Copy + Ord + Into<i128> + TryFrom<i128>>(values: &[T], ends: [i128; 2], domain: [T; 2]) -> Mask {
        let [first, last] = domain;
        // Clamped, an end is a value of the type.
        let end = |end: i128| T::try_from(end.clamp(first.into(), last.into())).unwrap_or(first);
        let [min, max] = ends.map(end);
        Mask::of(values, |value| min <= value && value <= max)
    }
    for_integers!(
        values,
        values: Integer => closed(values, [min, max], [Integer::MIN, Integer::MAX]),
        bits => booleans(bits, |bit| min <= bit && bit <= max)
    )
}

fn one_of(values: &Values, set: &[i128]) -> Option<Mask> {
    fn listed<T: Copy + Ord + TryFrom<i128>>(values: &[T], set: &[i128]) -> Mask {
        let set: Vec<T> = set.iter().filter_map(|&value| T::try_from(value).ok()).collect();
        Mask::of(values, |value| set.binary_search(&value).is_ok())
    }
    for_integers!(
        values,
        values: Integer => listed::<Integer>(values, set),
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

fn floats(values: &Values, matches: impl Fn(f64) -> bool) -> Option<Mask> {
    match values {
        Values::Float32(values) => Some(Mask::of(values, |value| matches(value.into()))),
        Values::Float64(values) => Some(Mask::of(values, matches)),
        _ => None,
    }
}

fn byte_strings(values: &Values, matches: impl Fn(&[u8]) -> bool) -> Option<Mask> {
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
