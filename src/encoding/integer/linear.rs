//! A weighted sum of numbers of other columns, and what is left:
//!
//! ```text
//! u8 form             0: the value is the number; 1: a time of day, number = 60 x hours + minutes
//! varint modulus      0: none; else numbers are taken modulo it
//! u8 terms            1 to 8, then per term
//!   u8 parent           position in the column's list of parents
//!   u8 exponent         at most 9: its floats are multiplied by 10^exponent
//!   u8 part             0: its number; 1: that divided by 100, rounded down; 2: the remainder of that
//!   varint weight       (signed)
//! varint constant     (signed)
//! u8 shift            at most 32
//! node of residuals   (signed), aligned as the node itself
//! exceptions          see exceptions.rs
//! ```
//! number = ((constant + sum of weight x part) >> shift) + residual, the shift rounding down; then modulo the modulus,
//! at least 0. In form 1 the value is 100 x (number / 60) + number % 60, the division rounding down.
//!
//! Best for sums, differences and multiples: a delay is a time minus another, of which both are written as HHMM.

use super::super::parent::{Numbers, Rows, Scope};
use super::super::{Decoder, varint};
use super::exceptions;
use crate::bytes::ByteReader;
use crate::column::index;
use crate::error::{Error, Result};

/// Most terms of a sum.
pub const MAX_TERMS: usize = 8;
const MAX_EXPONENT: u8 = 9;
/// Bits behind the point of weights.
pub const MAX_SHIFT: u8 = 32;
/// What splits the hours and the minutes of a time of day from each other in a value.
const SPLIT: i64 = 100;
/// Minutes of an hour.
const MINUTES: i64 = 60;

/// Rows whose sums are made together, few enough to stay near the processor.
const ROWS_AT_ONCE: usize = 1024;
/// Numbers that are looked at together before any of them is reduced.
const REDUCED_AT_ONCE: usize = 32;

/// What the sum is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The value.
    Number,
    /// Hours and minutes of a value HHMM.
    Clock,
}

/// What a term takes of a parent's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Hundreds.
    Quotient,
    /// What is left of them.
    Remainder,
}

#[cfg(feature = "writer")]
impl Part {
    /// The part of a number.
    #[must_use]
    pub fn of(self, number: i64) -> i64 {
        match self {
            Part::Whole => number,
            Part::Quotient => divide(number, SPLIT).0,
            Part::Remainder => divide(number, SPLIT).1,
        }
    }
}

/// Quotient, rounded down, and remainder; much quicker for what has few bits.
#[inline]
fn divide(number: i64, divisor: i64) -> (i64, i64) {
    match (u32::try_from(number), u32::try_from(divisor)) {
        (Ok(number), Ok(divisor)) => (i64::from(number / divisor), i64::from(number % divisor)),
        _ => (number.div_euclid(divisor), number.rem_euclid(divisor)),
    }
}

/// One term of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Position in the column's list of parents.
    pub parent: u8,
    /// Floats are multiplied by this power of ten.
    pub exponent: u8,
    /// Which part of the number.
    pub part: Part,
    /// The weight.
    pub weight: i64,
}

impl Term {
    /// The weights of the whole number and of its hundreds.
    fn weights(&self) -> (i64, i64) {
        match self.part {
            Part::Whole => (self.weight, 0),
            Part::Quotient => (0, self.weight),
            Part::Remainder => (self.weight, self.weight.wrapping_mul(-SPLIT)),
        }
    }
}

/// Rows whose sums are made together.
#[derive(Clone, Copy)]
enum Block<'a> {
    /// The next ones from this on.
    From(usize),
    These(&'a [u32]),
}

/// A weighted sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// What it is of.
    pub form: Form,
    /// 0: none.
    pub modulus: u64,
    /// The terms.
    pub terms: Vec<Term>,
    /// Added to them.
    pub constant: i64,
    /// Bits behind the point.
    pub shift: u8,
}

impl Sum {
    pub(in crate::encoding) fn read(reader: &mut ByteReader<'_>) -> Result<Sum> {
        let form = match reader.u8()? {
            0 => Form::Number,
            1 => Form::Clock,
            form => return Err(Error::corrupt(format!("sum of form {form}"))),
        };
        let modulus = varint::read(reader)?;
        if i64::try_from(modulus).is_err() {
            return Err(Error::corrupt(format!("sum modulo {modulus}")));
        }
        let count = usize::from(reader.u8()?);
        if !(1..=MAX_TERMS).contains(&count) {
            return Err(Error::corrupt(format!("sum of {count} terms")));
        }
        let mut terms = Vec::with_capacity(count);
        for _ in 0..count {
            let (parent, exponent) = (reader.u8()?, reader.u8()?);
            let part = match reader.u8()? {
                0 => Part::Whole,
                1 => Part::Quotient,
                2 => Part::Remainder,
                part => return Err(Error::corrupt(format!("part {part} of a number"))),
            };
            if exponent > MAX_EXPONENT {
                return Err(Error::corrupt(format!("number times ten to the power of {exponent}")));
            }
            terms.push(Term { parent, exponent, part, weight: varint::read_signed(reader)? });
        }
        let (constant, shift) = (varint::read_signed(reader)?, reader.u8()?);
        if shift > MAX_SHIFT {
            return Err(Error::corrupt(format!("weights of {shift} bits behind the point")));
        }
        Ok(Sum { form, modulus, terms, constant, shift })
    }

    /// The numbers of each term's parent.
    fn numbers(&self, scope: &Scope) -> Result<Vec<Numbers>> {
        self.terms.iter().map(|term| scope.numbers(term.parent, term.exponent)).collect()
    }

    /// Makes the sums of all rows, some at a time, and hands them out with the first of these rows.
    fn predict(&self, numbers: &[Numbers], scope: &Scope, mut take: impl FnMut(usize, &[u64])) {
        let mut sums = [0; ROWS_AT_ONCE];
        match scope.rows() {
            Rows::All(count) => {
                for start in (0..*count).step_by(ROWS_AT_ONCE) {
                    let sums = sums.get_mut(..ROWS_AT_ONCE.min(count - start)).unwrap_or_default();
                    self.sum(numbers, sums, Block::From(start));
                    take(start, sums);
                }
            }
            // All rows are quicker than only these.
            Rows::Valid(validity, _) => {
                let mut taken = 0;
                for start in (0..validity.len()).step_by(ROWS_AT_ONCE) {
                    let sums = sums.get_mut(..ROWS_AT_ONCE.min(validity.len() - start)).unwrap_or_default();
                    self.sum(numbers, sums, Block::From(start));
                    let picked = validity.pick_within(start, sums);
                    take(taken, sums.get(..picked).unwrap_or_default());
                    taken += picked;
                }
            }
            Rows::Some(positions) => {
                for (positions, start) in positions.chunks(ROWS_AT_ONCE).zip((0..).step_by(ROWS_AT_ONCE)) {
                    let sums = sums.get_mut(..positions.len()).unwrap_or_default();
                    self.sum(numbers, sums, Block::These(positions));
                    take(start, sums);
                }
            }
        }
    }

    /// The sums of at most [`ROWS_AT_ONCE`] rows.
    fn sum(&self, numbers: &[Numbers], sums: &mut [u64], rows: Block<'_>) {
        sums.fill(self.constant.cast_unsigned());
        self.add(numbers, sums, rows);
        if self.shift > 0 {
            sums.iter_mut().for_each(|sum| *sum = (sum.cast_signed() >> self.shift).cast_unsigned());
        }
    }

    /// Adds the terms of at most [`ROWS_AT_ONCE`] rows.
    fn add(&self, numbers: &[Numbers], sums: &mut [u64], rows: Block<'_>) {
        let mut scratch = Vec::new();
        let mut terms = self.terms.iter().zip(numbers).peekable();
        while let Some((term, numbers)) = terms.next() {
            let own = match rows {
                Block::From(start) => numbers.get(start..start + sums.len()).unwrap_or_default(),
                Block::These(positions) => {
                    scratch.clear();
                    scratch.extend(positions.iter().map(|&at| numbers.get(index(at)).copied().unwrap_or_default()));
                    scratch.as_slice()
                }
            };
            let mut weights = term.weights();
            // Mostly both parts of a number are terms.
            let is_other = |other: &Term| (other.parent, other.exponent) == (term.parent, term.exponent);
            if let Some((other, _)) = terms.next_if(|(other, _)| is_other(other)) {
                let (number, quotient) = other.weights();
                weights = (weights.0.wrapping_add(number), weights.1.wrapping_add(quotient));
            }
            let both = sums.iter_mut().zip(own);
            match weights {
                (1, 0) => both.for_each(|(sum, number)| *sum = sum.wrapping_add(number.cast_unsigned())),
                (-1, 0) => both.for_each(|(sum, number)| *sum = sum.wrapping_sub(number.cast_unsigned())),
                (weight, 0) => both.for_each(|(sum, number)| {
                    *sum = sum.wrapping_add(number.wrapping_mul(weight).cast_unsigned());
                }),
                (weight, of_quotient) => {
                    let add = |sum: &mut u64, number: i64, quotient: i64| {
                        let parts = number.wrapping_mul(weight).wrapping_add(quotient.wrapping_mul(of_quotient));
                        *sum = sum.wrapping_add(parts.cast_unsigned());
                    };
                    if are_multiplied(own.iter().copied()) {
                        both.for_each(|(sum, &number)| add(sum, number, quotient::<SPLIT>(number)));
                    } else {
                        both.for_each(|(sum, &number)| add(sum, number, divide(number, SPLIT).0));
                    }
                }
            }
        }
    }

    /// A number within the modulus.
    #[inline]
    fn reduce(&self, number: i64) -> i64 {
        match i64::try_from(self.modulus) {
            // Divisions are slow, and mostly not needed.
            Ok(modulus @ 1..) if !(0..modulus).contains(&number) => number.rem_euclid(modulus),
            _ => number,
        }
    }

    /// Makes values of numbers.
    fn finish(&self, numbers: &mut [u64]) {
        let mut is_small = false;
        if let Ok(modulus @ 1..) = i64::try_from(self.modulus) {
            // Mostly all are within it.
            let is_within = |part: &[u64]| {
                let outside = |number: i64| number | (modulus - 1).wrapping_sub(number);
                part.iter().fold(0, |bits, &number| bits | outside(number.cast_signed())) >= 0
            };
            for part in numbers.chunks_mut(REDUCED_AT_ONCE).filter(|part| !is_within(part)) {
                part.iter_mut().for_each(|number| *number = self.reduce(number.cast_signed()).cast_unsigned());
            }
            is_small = modulus <= MAX_MULTIPLIED;
        }
        if self.form == Form::Clock {
            let clock = |number: &mut u64, hours: i64| {
                // The minutes are what the hours leave.
                *number = number.wrapping_add(hours.wrapping_mul(SPLIT - MINUTES).cast_unsigned());
            };
            if is_small || are_multiplied(numbers.iter().map(|number| number.cast_signed())) {
                numbers.iter_mut().for_each(|number| clock(number, quotient::<MINUTES>(number.cast_signed())));
            } else {
                numbers.iter_mut().for_each(|number| clock(number, divide(number.cast_signed(), MINUTES).0));
            }
        }
    }
}

/// Numbers from 0 to this bound are divided by a multiplication, of which there are vectors: for a `divisor` below 2^10,
/// their quotient is `number * ceil(2^44 / divisor) / 2^44`, rounded down (Granlund and Montgomery 1994).
const MAX_MULTIPLIED: i64 = (1 << 24) - 1;
const RECIPROCAL_BITS: u32 = 44;

/// Whether all numbers can be divided so.
fn are_multiplied(numbers: impl Iterator<Item = i64>) -> bool {
    (0..=MAX_MULTIPLIED).contains(&numbers.fold(0, |bits, number| bits | number))
}

/// The quotient, rounded down, of a number that can be divided so.
#[inline]
fn quotient<const DIVISOR: i64>(number: i64) -> i64 {
    const { assert!(DIVISOR > 0 && DIVISOR < 1 << 10) };
    let reciprocal = (1i64 << RECIPROCAL_BITS) / DIVISOR + 1;
    // Vectors shift unsigned numbers faster.
    (number.wrapping_mul(reciprocal).cast_unsigned() >> RECIPROCAL_BITS).cast_signed()
}

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let scope = decoder.aligned(count)?;
    let sum = Sum::read(reader)?;
    sum.terms.iter().for_each(|term| decoder.note_parent(term.parent));
    let numbers = sum.numbers(&scope)?;
    let mut values = super::decode(reader, count, decoder)?;
    if let (Rows::All(_), 0) = (scope.rows(), sum.shift) {
        for (values, start) in values.chunks_mut(ROWS_AT_ONCE).zip((0..).step_by(ROWS_AT_ONCE)) {
            if sum.constant != 0 {
                values.iter_mut().for_each(|value| *value = value.wrapping_add(sum.constant.cast_unsigned()));
            }
            sum.add(&numbers, values, Block::From(start));
            sum.finish(values);
        }
    } else {
        sum.predict(&numbers, &scope, |start, numbers| {
            let values = values.get_mut(start..start + numbers.len()).unwrap_or_default();
            for (value, &number) in values.iter_mut().zip(numbers) {
                *value = value.wrapping_add(number);
            }
            sum.finish(values);
        });
    }
    exceptions::read(reader, &mut values, &scope, decoder)?;
    Ok(values)
}

#[cfg(feature = "writer")]
pub use writer::encode;

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{self, Integers, Role};
    use super::*;
    use crate::encoding::Encoder;

    /// More exceptions than one in so many values, and it is no sum.
    const MIN_VALUES_PER_EXCEPTION: usize = 8;

    impl Sum {
        /// The value of a number.
        fn value(&self, number: i64) -> u64 {
            let number = self.reduce(number);
            let value = match self.form {
                Form::Number => number,
                Form::Clock => {
                    let (hours, minutes) = divide(number, MINUTES);
                    hours.wrapping_mul(SPLIT).wrapping_add(minutes)
                }
            };
            value.cast_unsigned()
        }

        pub(in crate::encoding) fn write(&self, out: &mut Vec<u8>) {
            out.push(match self.form {
                Form::Number => 0,
                Form::Clock => 1,
            });
            varint::write(self.modulus, out);
            // At most MAX_TERMS.
            out.push(u8::try_from(self.terms.len()).unwrap_or(u8::MAX));
            for term in &self.terms {
                let part = match term.part {
                    Part::Whole => 0,
                    Part::Quotient => 1,
                    Part::Remainder => 2,
                };
                out.extend([term.parent, term.exponent, part]);
                varint::write_signed(term.weight, out);
            }
            varint::write_signed(self.constant, out);
            out.push(self.shift);
        }

        /// What is left of a number, the nearest to zero where there is a modulus.
        fn residual(&self, number: i64, predicted: i64) -> i64 {
            let residual = number.wrapping_sub(predicted);
            match i64::try_from(self.modulus) {
                Ok(modulus @ 1..) => self.reduce(residual.wrapping_add(modulus / 2)) - modulus / 2,
                _ => residual,
            }
        }
    }

    impl Form {
        /// The number of a value that has one.
        pub fn number(self, value: i64) -> i64 {
            match self {
                Form::Number => value,
                Form::Clock => {
                    let (hours, minutes) = divide(value, SPLIT);
                    hours.wrapping_mul(MINUTES).wrapping_add(minutes)
                }
            }
        }
    }

    #[inline(never)]
    pub fn encode(integers: Integers<'_>, sum: &Sum, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let values = integers.values;
        let Some(scope) = encoder.aligned(values.len()) else { return false };
        let Ok(numbers) = sum.numbers(&scope) else { return false };
        let (mut rows, mut others) = (Vec::new(), Vec::new());
        let mut residuals: Vec<u64> = Vec::with_capacity(values.len());
        sum.predict(&numbers, &scope, |start, sums| {
            let values = values.get(start..start + sums.len()).unwrap_or_default();
            if sum.form == Form::Number && sum.modulus == 0 {
                // Every number is a value, and every difference comes back.
                residuals.extend(values.iter().zip(sums).map(|(value, predicted)| value.wrapping_sub(*predicted)));
                return;
            }
            for (row, (&value, predicted)) in (start..).zip(values.iter().zip(sums.iter().map(|sum| sum.cast_signed())))
            {
                let mut residual = sum.residual(sum.form.number(value.cast_signed()), predicted);
                // What is no time of day does not come back, nor do wrapping differences near the ends of the range.
                if sum.value(predicted.wrapping_add(residual)) != value {
                    residual = 0;
                    rows.push(row);
                    others.push(value);
                }
                residuals.push(residual.cast_unsigned());
            }
        });
        if rows.len() * MIN_VALUES_PER_EXCEPTION > values.len() {
            return false;
        }
        sum.write(out);
        encoder::encode(Integers { values: &residuals, signed: true }, Role::Values, encoder, out);
        exceptions::write(&rows, Integers { values: &others, ..integers }, &scope, encoder, out);
        true
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use std::sync::Arc;

    use super::super::super::parent::Parent;
    use super::*;
    use crate::column::{Bitmap, Column, Values};
    use crate::testing::noise;

    #[test]
    fn numbers_are_divided_as_one_by_one() {
        for number in (0..1 << 24).step_by(7).chain([MAX_MULTIPLIED]) {
            assert_eq!((quotient::<MINUTES>(number), quotient::<SPLIT>(number)), (number / 60, number / 100));
        }
        let are = |numbers: &[i64]| are_multiplied(numbers.iter().copied());
        assert!(are(&[0, MAX_MULTIPLIED]) && !are(&[0, MAX_MULTIPLIED + 1]) && !are(&[-1, 1]));
        let edges = [0, 1, 59, 60, 1439, MAX_MULTIPLIED, MAX_MULTIPLIED + 1, 1 << 40, i64::MAX, -1, -60, i64::MIN];
        for modulus in [0, 1_440, MAX_MULTIPLIED, MAX_MULTIPLIED + 1, i64::MAX] {
            let reduced = |x: i64| if modulus > 0 { x.rem_euclid(modulus) } else { x };
            let clock = |x: i64| x.div_euclid(60).wrapping_mul(100).wrapping_add(x.rem_euclid(60));
            let terms = Vec::new();
            let sum = Sum { form: Form::Clock, modulus: modulus as u64, terms, constant: 0, shift: 0 };
            for edge in edges {
                let mut some = [7, edge as u64, 61];
                sum.finish(&mut some);
                assert_eq!(some, [7, clock(reduced(edge)) as u64, 101]);
            }
        }
    }

    #[test]
    fn sums_are_those_of_each_row_whichever_rows_are_wanted() {
        let rows = 5_000usize;
        let mut next = noise(4);
        let first: Vec<i64> = (0..rows).map(|_| (next() % 2_400) as i64 - 7).collect();
        let second: Vec<i64> = (0..rows).map(|_| next() as i64).collect();
        let column = |values: &[i64]| Arc::new(Column::new(Values::Int64(values.to_vec()), None).unwrap());
        let parent = |values: &[i64]| Some(Arc::new(Parent::new(column(values), None)));
        let parents: Arc<[_]> = vec![parent(&first), parent(&second)].into();
        let term = |parent, part, weight| Term { parent, exponent: 0, part, weight };
        let terms = vec![
            term(0, Part::Quotient, 60),
            term(0, Part::Remainder, 1),
            term(1, Part::Whole, -3),
            term(1, Part::Whole, 1),
        ];
        let wanted: [&dyn Fn(usize) -> bool; 6] =
            [&|_| true, &|_| false, &|i| i % 10 != 3, &|i| i % 2 == 0, &|i| i % 40 == 1, &|i| i == 0 || i + 1 == rows];
        for (form, modulus, shift) in [(Form::Number, 0, 0), (Form::Clock, 1_440, 0), (Form::Number, 7, 3)] {
            let sum = Sum { form, modulus, terms: terms.clone(), constant: 11, shift };
            let of = |row: usize| {
                let (a, b) = (first[row], second[row]);
                let parts = a.div_euclid(100) * 60 + a.rem_euclid(100);
                (11 + parts).wrapping_add(b.wrapping_mul(-2)) >> shift
            };
            for wanted in wanted {
                let bitmap: Bitmap = (0..rows).map(wanted).collect();
                let scopes = [Scope::valid(Arc::clone(&parents), &bitmap), Scope::all(Arc::clone(&parents), rows)];
                let positions = [bitmap.positions(0..rows), (0..rows as u32).collect()];
                for (scope, positions) in scopes.iter().zip(positions) {
                    let (mut sums, mut values) = (Vec::new(), Vec::new());
                    sum.predict(&sum.numbers(scope).unwrap(), scope, |start, some| {
                        assert_eq!(start, sums.len());
                        sums.extend(some.iter().map(|sum| sum.cast_signed()));
                        let mut some = some.to_vec();
                        sum.finish(&mut some);
                        values.extend(some);
                    });
                    let expected: Vec<i64> = positions.iter().map(|&row| of(row as usize)).collect();
                    assert_eq!(sums, expected);
                    let value = |&sum: &i64| {
                        let number = if modulus > 0 { sum.rem_euclid(modulus as i64) } else { sum };
                        let clock = number.div_euclid(60).wrapping_mul(100).wrapping_add(number.rem_euclid(60));
                        (if form == Form::Clock { clock } else { number }).cast_unsigned()
                    };
                    assert_eq!(values, expected.iter().map(value).collect::<Vec<_>>());
                }
            }
        }
    }
}
