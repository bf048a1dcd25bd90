//! Literals become conditions on the values that a column stores, once.
//!
//! No value of a column is ever rounded to compare it. Instead a literal is placed among the values that the column's
//! type can hold: the largest that is not above it and the smallest that is not below it. Every comparison then is one
//! closed interval of such values.

use super::condition::Condition;
use super::set::Set;
use super::{Comparison, Literal, Number};
use crate::encoding::chunk::ColumnType;
use crate::error::{Error, Result};
use crate::schema::{DataType, TimeUnit};
use crate::{decimal, temporal};

/// 2^127, the first float that is above every 128-bit integer.
const BEYOND_I128: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

/// Characters of a text literal that an error quotes.
const MAX_QUOTED: usize = 60;

/// Values that follow each other.
trait Discrete: Copy + PartialEq {
    const MIN: Self;
    const MAX: Self;
    fn before(self) -> Option<Self>;
    fn after(self) -> Option<Self>;
}

impl Discrete for i128 {
    const MIN: Self = i128::MIN;
    const MAX: Self = i128::MAX;

    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }

    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Discrete for f64 {
    const MIN: Self = f64::NEG_INFINITY;
    const MAX: Self = f64::INFINITY;

    fn before(self) -> Option<Self> {
        (self != f64::NEG_INFINITY).then(|| self.next_down())
    }

    fn after(self) -> Option<Self> {
        (self != f64::INFINITY).then(|| self.next_up())
    }
}

/// Where a literal lies: the largest value at or below it, the smallest at or above it. The same for one that is a
/// value itself.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bracket<T> {
    below: Option<T>,
    above: Option<T>,
}

impl<T: Discrete> Bracket<T> {
    fn exact(value: T) -> Self {
        Bracket { below: Some(value), above: Some(value) }
    }

    /// Above or below every value.
    fn beyond(is_above: bool) -> Self {
        if is_above {
            Bracket { below: Some(T::MAX), above: None }
        } else {
            Bracket { below: None, above: Some(T::MIN) }
        }
    }

    /// The value that the literal is.
    fn value(self) -> Option<T> {
        self.below.filter(|_| self.below == self.above)
    }

    /// The values for which the comparison holds, both ends included.
    fn interval(self, comparison: Comparison) -> Option<(T, T)> {
        let up_to = |max: T| (T::MIN, max);
        let from = |min: T| (min, T::MAX);
        match (comparison, self.value()) {
            (Comparison::Equal, value) => value.map(|value| (value, value)),
            (Comparison::Less, Some(value)) => value.before().map(up_to),
            (Comparison::Less, None) | (Comparison::LessOrEqual, _) => self.below.map(up_to),
            (Comparison::Greater, Some(value)) => value.after().map(from),
            (Comparison::Greater, None) | (Comparison::GreaterOrEqual, _) => self.above.map(from),
        }
    }
}

/// `value * factor`, where a factor of `None` is one beyond 128 bits; `value` is not zero.
fn times(value: i128, factor: Option<i128>) -> Bracket<i128> {
    let product = factor.and_then(|factor| value.checked_mul(factor));
    product.map_or_else(|| Bracket::beyond(value > 0), Bracket::exact)
}

/// `value / divisor`, where a divisor of `None` is one beyond 128 bits; `value` is not zero.
fn over(value: i128, divisor: Option<i128>) -> Bracket<i128> {
    let (below, rest) = match divisor {
        Some(divisor) => (value.div_euclid(divisor), value.rem_euclid(divisor)),
        None => (if value < 0 { -1 } else { 0 }, 1),
    };
    if rest == 0 { Bracket::exact(below) } else { Bracket { below: Some(below), above: below.checked_add(1) } }
}

/// `unscaled / 10^from_scale` among decimals of another scale.
fn scaled(unscaled: i128, from_scale: i32, to_scale: u8) -> Bracket<i128> {
    if unscaled == 0 {
        return Bracket::exact(0);
    }
    let shift = i64::from(to_scale) - i64::from(from_scale);
    let power = u32::try_from(shift.unsigned_abs()).ok().and_then(|exponent| 10i128.checked_pow(exponent));
    if shift < 0 { over(unscaled, power) } else { times(unscaled, power) }
}

/// A float, not NaN, among integers.
#[expect(clippy::cast_possible_truncation, reason = "whole and below 2^127")]
fn among_integers(value: f64) -> Bracket<i128> {
    if !(-BEYOND_I128..BEYOND_I128).contains(&value) {
        return Bracket::beyond(value > 0.0);
    }
    Bracket { below: Some(value.floor() as i128), above: Some(value.ceil() as i128) }
}

/// An integer among floats.
fn among_floats(value: i128) -> Bracket<f64> {
    let nearest = value as f64;
    let whole = among_integers(nearest);
    match whole.value() {
        Some(same) if same == value => Bracket::exact(nearest),
        Some(smaller) if smaller < value => Bracket { below: Some(nearest), above: nearest.after() },
        _ => Bracket { below: nearest.before(), above: Some(nearest) },
    }
}

/// Seconds of a unit's count as a count of another unit, or of days where there is none.
fn among_times(count: i128, unit: TimeUnit, to: Option<TimeUnit>) -> Bracket<i128> {
    if count == 0 {
        return Bracket::exact(0);
    }
    let from = i128::from(unit.per_second());
    match to.map(|unit| i128::from(unit.per_second())) {
        None => over(count, Some(from * i128::from(temporal::SECONDS_PER_DAY))),
        Some(to) if to >= from => times(count, Some(to / from)),
        Some(to) => over(count, Some(from / to)),
    }
}

/// Where a literal lies among the values of a type.
enum Place {
    Integer(Bracket<i128>),
    Float(Bracket<f64>),
    /// A number that equals and orders nothing.
    Nan,
    Bytes(Vec<u8>),
}

fn is_float(data_type: DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

fn place(column_type: ColumnType, literal: &Literal) -> Result<Place> {
    let is_float = is_float(column_type.data_type);
    let found = match (column_type.data_type, literal) {
        (DataType::String, Literal::Text(text)) => Some(Place::Bytes(text.as_bytes().to_vec())),
        (DataType::Binary, Literal::Bytes(bytes)) => Some(Place::Bytes(bytes.clone())),
        (DataType::Boolean, Literal::Boolean(value)) => Some(Place::Integer(Bracket::exact((*value).into()))),
        (DataType::String | DataType::Binary | DataType::Boolean, _) => None,
        (_, Literal::Number(number)) if number.value.is_nan() => Some(Place::Nan),
        (_, Literal::Number(number)) if is_float => Some(Place::Float(Bracket::exact(number.value))),
        (_, Literal::Integer(value)) if is_float => Some(Place::Float(among_floats(*value))),
        (DataType::Decimal, Literal::Number(Number { value, text })) => Some(Place::Integer(if value.is_finite() {
            // The shortest digits that tell the float from others are what its user wrote; at most 17, and zeros.
            let (unscaled, scale) = decimal::parse(text).unwrap_or_default();
            scaled(unscaled, scale, column_type.scale)
        } else {
            Bracket::beyond(*value > 0.0)
        })),
        (DataType::Decimal, Literal::Integer(value)) => Some(Place::Integer(scaled(*value, 0, column_type.scale))),
        (DataType::Decimal, Literal::Text(text)) => {
            decimal::parse(text).map(|(unscaled, scale)| Place::Integer(scaled(unscaled, scale, column_type.scale)))
        }
        (_, Literal::Number(number)) => Some(Place::Integer(among_integers(number.value))),
        (_, Literal::Integer(value)) => Some(Place::Integer(Bracket::exact(*value))),
        (DataType::Date, Literal::Text(text)) => moment(text, None),
        (DataType::Timestamp, Literal::Text(text)) => moment(text, Some(column_type.unit)),
        _ => None,
    };
    found.ok_or_else(|| Error::type_mismatch(expected(column_type.data_type), describe(literal)))
}

/// The text of a date or timestamp as a count of a unit, or of days where there is none.
fn moment(text: &str, unit: Option<TimeUnit>) -> Option<Place> {
    let midnight = || {
        let days = temporal::parse_date(text)?;
        Some((i128::from(days) * i128::from(temporal::SECONDS_PER_DAY), TimeUnit::Second))
    };
    let (count, found) = temporal::parse_instant(text).map(|(count, unit, _)| (count, unit)).or_else(midnight)?;
    Some(Place::Integer(among_times(count, found, unit)))
}

fn expected(data_type: DataType) -> String {
    let what = match data_type {
        DataType::Boolean => "a boolean",
        DataType::String => "text",
        DataType::Binary => "bytes",
        DataType::Date => "ISO 8601 text or a number of days",
        DataType::Timestamp => "ISO 8601 text or a number",
        DataType::Decimal => "decimal text of at most 38 digits or a number",
        _ => "a number",
    };
    format!("{what} to compare with values of {}", data_type.as_str())
}

fn describe(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Number(number) => format!("the number {}", number.text),
        Literal::Integer(value) => format!("the integer {value}"),
        Literal::Text(text) => match text.char_indices().nth(MAX_QUOTED) {
            Some((end, _)) => format!("the text {:?}...", text.get(..end).unwrap_or_default()),
            None => format!("the text {text:?}"),
        },
        Literal::Bytes(bytes) => format!("{} bytes", bytes.len()),
    }
}

/// Smallest and largest value of a type that is stored as integers.
fn domain(data_type: DataType) -> (i128, i128) {
    match data_type {
        DataType::Boolean => (0, 1),
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 | DataType::Date => (i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 | DataType::Timestamp => (i64::MIN.into(), i64::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        DataType::Decimal | DataType::Float32 | DataType::Float64 | DataType::String | DataType::Binary => {
            (i128::MIN, i128::MAX)
        }
    }
}

/// An interval as a condition; without end where it reaches that of the type, so that any bounds of a chunk are in it.
fn integers(data_type: DataType, (min, max): (i128, i128)) -> Option<Condition> {
    let (first, last) = domain(data_type);
    (min <= last && max >= first).then_some(Condition::Integers {
        min: if min <= first { i128::MIN } else { min },
        max: if max >= last { i128::MAX } else { max },
    })
}

/// The byte string behind a value: no other is between them.
fn after(mut value: Vec<u8>) -> Vec<u8> {
    value.push(0);
    value
}

/// The condition of a comparison; `None` for one that holds for no value.
///
/// # Errors
/// `type-mismatch`.
pub fn compare(column_type: ColumnType, comparison: Comparison, literal: &Literal) -> Result<Option<Condition>> {
    if *literal == Literal::Null {
        if comparison == Comparison::Equal {
            return Ok(Some(Condition::Null));
        }
        return Err(Error::type_mismatch("a value to compare by order", "null"));
    }
    Ok(match place(column_type, literal)? {
        Place::Integer(bracket) => {
            bracket.interval(comparison).and_then(|interval| integers(column_type.data_type, interval))
        }
        Place::Float(bracket) => bracket.interval(comparison).map(|(min, max)| Condition::Floats { min, max }),
        Place::Nan => equals_nan(column_type, comparison),
        Place::Bytes(value) => Some(match comparison {
            Comparison::Equal => Condition::Bytes { from: value.clone(), to: Some(after(value)) },
            Comparison::Less => Condition::Bytes { from: Vec::new(), to: Some(value) },
            Comparison::LessOrEqual => Condition::Bytes { from: Vec::new(), to: Some(after(value)) },
            Comparison::Greater => Condition::Bytes { from: after(value), to: None },
            Comparison::GreaterOrEqual => Condition::Bytes { from: value, to: None },
        }),
    })
}

/// NaN equals NaN among floats, and that is all it does.
fn equals_nan(column_type: ColumnType, comparison: Comparison) -> Option<Condition> {
    let holds = comparison == Comparison::Equal && is_float(column_type.data_type);
    holds.then(|| Condition::FloatSet { values: Set::with_capacity(0), nan: true })
}

/// The condition of being one of some values, nulls among them left out; `None` for one that holds for no value.
///
/// # Errors
/// `type-mismatch`.
pub fn one_of(column_type: ColumnType, literals: &[Literal]) -> Result<Option<Condition>> {
    let (mut whole, mut floats, mut bytes, mut has_nan) = (Vec::new(), Vec::new(), Vec::new(), false);
    let (first, last) = domain(column_type.data_type);
    for literal in literals.iter().filter(|literal| **literal != Literal::Null) {
        match place(column_type, literal)? {
            Place::Integer(bracket) => whole.extend(bracket.value().filter(|value| (first..=last).contains(value))),
            Place::Float(bracket) => floats.extend(bracket.value()),
            Place::Nan => has_nan |= equals_nan(column_type, Comparison::Equal).is_some(),
            Place::Bytes(value) => bytes.push(value),
        }
    }
    if let (Some(&min), Some(&max)) = (whole.iter().min(), whole.iter().max()) {
        let set: Set<i128> = whole.into_iter().collect();
        // Values without a gap are an interval.
        let is_interval = max.checked_sub(min) == i128::try_from(set.values().len() - 1).ok();
        return Ok(if is_interval {
            integers(column_type.data_type, (min, max))
        } else {
            Some(Condition::IntegerSet(set))
        });
    }
    Ok(if has_nan || !floats.is_empty() {
        Some(Condition::FloatSet { values: floats.into_iter().collect(), nan: has_nan })
    } else {
        (!bytes.is_empty()).then(|| Condition::BytesSet(bytes.into_iter().collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(data_type: DataType, comparison: Comparison, literal: Literal) -> Option<(i128, i128)> {
        match compare(ColumnType { scale: 2, ..ColumnType::plain(data_type) }, comparison, &literal).unwrap() {
            Some(Condition::Integers { min, max }) => Some((min, max)),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn integers_meet_other_numbers_exactly() {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        const MIN: i128 = i128::MIN;
        const MAX: i128 = i128::MAX;
        let number = |value: f64| Literal::from(value);
        for (comparison, literal, expected) in [
            (Equal, number(2.5), None),
            (Less, number(2.5), Some((MIN, 2))),
            (Greater, number(2.5), Some((3, MAX))),
            (LessOrEqual, number(-2.5), Some((MIN, -3))),
            (Equal, number(-0.0), Some((0, 0))),
            (Less, number(-0.0), Some((MIN, -1))),
            (Less, number(1e300), Some((MIN, MAX))),
            (Greater, number(1e300), None),
            (GreaterOrEqual, number(f64::NEG_INFINITY), Some((MIN, MAX))),
            (Equal, number(f64::NAN), None),
            (GreaterOrEqual, number(f64::NAN), None),
            // 2^63 is one above the largest.
            (Less, number(9_223_372_036_854_775_808.0), Some((MIN, MAX))),
            (GreaterOrEqual, number(9_223_372_036_854_775_808.0), None),
            (GreaterOrEqual, number(-9_223_372_036_854_775_808.0), Some((MIN, MAX))),
            (Greater, number(-9_223_372_036_854_775_808.0), Some((i128::from(i64::MIN) + 1, MAX))),
            (Equal, Literal::Integer(1 << 63), None),
            (Less, Literal::Integer(i128::MIN), None),
            (Greater, Literal::Integer(i64::MAX.into()), None),
            (GreaterOrEqual, Literal::Integer(i64::MAX.into()), Some((i64::MAX.into(), MAX))),
            (Equal, Literal::Integer(i64::MAX.into()), Some((i64::MAX.into(), MAX))),
        ] {
            assert_eq!(bound(DataType::Int64, comparison, literal.clone()), expected, "{comparison:?} {literal:?}");
        }
    }

    #[test]
    fn floats_meet_integers_exactly() {
        let wide = (1i128 << 53) + 1;
        let below = (1i64 << 53) as f64;
        assert_eq!(among_floats(wide), Bracket { below: Some(below), above: Some(below.next_up()) });
        assert_eq!(among_floats(wide - 1), Bracket::exact(below));
        assert_eq!(among_floats(wide + 2), Bracket { below: Some(below + 2.0), above: Some(below + 4.0) });
        assert_eq!(among_floats(-wide), Bracket { below: Some((-below).next_down()), above: Some(-below) });
        assert_eq!(among_floats(i128::MAX), Bracket { below: Some(BEYOND_I128.next_down()), above: Some(BEYOND_I128) });
        assert_eq!(among_floats(i128::MIN), Bracket::exact(-BEYOND_I128));
        assert_eq!(Bracket::exact(f64::INFINITY).interval(Comparison::Greater), None);
        assert_eq!(Bracket::exact(-0.0).interval(Comparison::Less).map(|i| i.1), Some(0.0f64.next_down()));
    }

    #[test]
    fn decimals_mean_what_is_written() {
        use Comparison::{Equal, Greater, Less};
        let text = |text: &str| Literal::Text(text.to_owned());
        const MIN: i128 = i128::MIN;
        for (comparison, literal, expected) in [
            (Equal, Literal::from(19.99), Some((1999, 1999))),
            (Equal, text("19.990"), Some((1999, 1999))),
            (Equal, text("19.991"), None),
            (Less, text("19.991"), Some((MIN, 1999))),
            (Less, text("-0.001"), Some((MIN, -1))),
            (Equal, text("1E+2"), Some((10_000, 10_000))),
            (Less, text("1E+300"), Some((MIN, i128::MAX))),
            (Greater, text("1E+300"), None),
            (Greater, text("1E-300"), Some((1, i128::MAX))),
            (Less, text("-1E-300"), Some((MIN, -1))),
            (Equal, Literal::from(f64::INFINITY), None),
            (Less, Literal::from(f64::INFINITY), Some((MIN, i128::MAX))),
            (Equal, Literal::from(f64::NAN), None),
            (Less, Literal::Integer(i128::MAX), Some((MIN, i128::MAX))),
            (Equal, Literal::Integer(-3), Some((-300, -300))),
        ] {
            assert_eq!(bound(DataType::Decimal, comparison, literal.clone()), expected, "{comparison:?} {literal:?}");
        }
    }

    #[test]
    fn dates_and_timestamps_meet_each_other() {
        use Comparison::{Equal, GreaterOrEqual, Less};
        let text = |text: &str| Literal::Text(text.to_owned());
        const MIN: i128 = i128::MIN;
        for (data_type, comparison, literal, expected) in [
            (DataType::Date, Equal, text("1970-01-02"), Some((1, 1))),
            (DataType::Date, Equal, text("1970-01-02T00:00:00.000Z"), Some((1, 1))),
            (DataType::Date, Equal, text("1970-01-02T12:00:00"), None),
            (DataType::Date, Less, text("1970-01-02T12:00:00"), Some((MIN, 1))),
            (DataType::Date, GreaterOrEqual, text("1969-12-31T12:00:00"), Some((0, i128::MAX))),
            (DataType::Date, Less, Literal::Integer(7), Some((MIN, 6))),
            (DataType::Timestamp, Equal, text("1970-01-02"), Some((86_400_000_000, 86_400_000_000))),
            (DataType::Timestamp, Equal, text("1970-01-01T01:00:00+01:00"), Some((0, 0))),
            (DataType::Timestamp, Equal, text("1970-01-01T00:00:00.000000001"), None),
            (DataType::Timestamp, Less, text("1970-01-01T00:00:00.000000001"), Some((MIN, 0))),
            (DataType::Timestamp, Less, text("9999-12-31T23:59:59.999999999Z"), Some((MIN, 253_402_300_799_999_999))),
            (DataType::Timestamp, Less, text("+9999999999-01-01"), Some((MIN, i128::MAX))),
            (DataType::Timestamp, Equal, Literal::from(5.0), Some((5, 5))),
        ] {
            let found = bound(data_type, comparison, literal.clone());
            assert_eq!(found, expected, "{data_type:?} {comparison:?} {literal:?}");
        }
        assert_eq!(among_times(1500, TimeUnit::Millisecond, Some(TimeUnit::Second)).value(), None);
        assert_eq!(among_times(-1500, TimeUnit::Millisecond, Some(TimeUnit::Second)).below, Some(-2));
    }

    #[test]
    fn literals_without_meaning_are_refused() {
        let text = |text: &str| Literal::Text(text.to_owned());
        for (data_type, literal) in [
            (DataType::Int64, text("1")),
            (DataType::Int64, Literal::Boolean(true)),
            (DataType::Float32, text("NaN")),
            (DataType::Boolean, Literal::Integer(1)),
            (DataType::String, Literal::Bytes(vec![1])),
            (DataType::Binary, text("a")),
            (DataType::Date, text("abc")),
            (DataType::Date, text("2023-02-29")),
            (DataType::Timestamp, Literal::Boolean(false)),
            (DataType::Decimal, text("NaN")),
            (DataType::Decimal, text("1.0000000000000000000000000000000000000000")),
        ] {
            let column_type = ColumnType::plain(data_type);
            for error in [
                compare(column_type, Comparison::Equal, &literal).unwrap_err(),
                one_of(column_type, &[Literal::Null, literal.clone()]).unwrap_err(),
            ] {
                assert_eq!(error.code().as_str(), "type-mismatch", "{literal:?}");
            }
        }
        let order = compare(ColumnType::plain(DataType::Int8), Comparison::Less, &Literal::Null);
        assert_eq!(order.unwrap_err().to_string(), "expected a value to compare by order, found null");
        let long = compare(ColumnType::plain(DataType::Int8), Comparison::Less, &text(&"ä".repeat(1000)));
        assert!(long.unwrap_err().to_string().len() < 250);
    }

    #[test]
    fn values_to_look_for_are_told_apart() {
        let of = |data_type, literals: &[Literal]| one_of(ColumnType::plain(data_type), literals).unwrap();
        let number = |value: f64| Literal::from(value);
        let (min, max) = (i128::MIN, i128::MAX);
        assert_eq!(of(DataType::Int8, &[number(300.0), number(0.5), Literal::Null]), None);
        assert_eq!(
            of(DataType::Int8, &[number(3.0), number(1.0), number(2.0), number(2.0)]),
            Some(Condition::Integers { min: 1, max: 3 })
        );
        assert_eq!(
            of(DataType::Boolean, &[Literal::Boolean(true), Literal::Boolean(false)]),
            Some(Condition::Integers { min, max })
        );
        assert_eq!(
            of(DataType::Int8, &[number(3.0), number(1.0)]),
            Some(Condition::IntegerSet([3, 1].into_iter().collect()))
        );
        let Some(Condition::FloatSet { values, nan }) =
            of(DataType::Float64, &[number(-0.0), number(f64::NAN), number(0.0), Literal::Integer((1 << 53) + 1)])
        else {
            panic!()
        };
        assert_eq!((values.values(), nan), (&[-0.0][..], true));
    }
}
