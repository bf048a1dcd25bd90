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

use super::super::parent::Scope;
use super::super::{Decoder, varint};
use super::exceptions;
use crate::bytes::ByteReader;
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
    fn read(reader: &mut ByteReader<'_>) -> Result<Sum> {
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

    /// The sums of all rows.
    fn predict(&self, scope: &Scope) -> Result<Vec<i64>> {
        let mut sums = vec![self.constant; scope.num_rows()];
        for term in &self.terms {
            let Term { parent, exponent, weight, .. } = *term;
            // One loop per kind of term, each of which the compiler can make the best of.
            match term.part {
                Part::Whole => scope.add_numbers(parent, exponent, &mut sums, |x| x.wrapping_mul(weight))?,
                Part::Quotient => {
                    let part = |x: i64| Part::Quotient.of(x).wrapping_mul(weight);
                    scope.add_numbers(parent, exponent, &mut sums, part)?;
                }
                Part::Remainder => {
                    let part = |x: i64| Part::Remainder.of(x).wrapping_mul(weight);
                    scope.add_numbers(parent, exponent, &mut sums, part)?;
                }
            }
        }
        if self.shift > 0 {
            sums.iter_mut().for_each(|sum| *sum >>= self.shift);
        }
        Ok(sums)
    }

    /// The value of a number.
    fn value(&self, number: i64) -> u64 {
        let number = match i64::try_from(self.modulus) {
            // Divisions are slow, and mostly not needed.
            Ok(modulus @ 1..) if !(0..modulus).contains(&number) => number.rem_euclid(modulus),
            _ => number,
        };
        let value = match self.form {
            Form::Number => number,
            Form::Clock => {
                let (hours, minutes) = divide(number, MINUTES);
                hours.wrapping_mul(SPLIT).wrapping_add(minutes)
            }
        };
        value.cast_unsigned()
    }
}

pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let scope = decoder.aligned(count)?;
    let sum = Sum::read(reader)?;
    sum.terms.iter().for_each(|term| decoder.note_parent(term.parent));
    let sums = sum.predict(&scope)?;
    let mut values = super::decode(reader, count, decoder)?;
    let is_plain = sum.form == Form::Number && sum.modulus == 0;
    for (value, predicted) in values.iter_mut().zip(sums) {
        let number = value.cast_signed().wrapping_add(predicted);
        *value = if is_plain { number.cast_unsigned() } else { sum.value(number) };
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
        /// The number of a value, if there is one.
        fn number(&self, value: u64) -> Option<i64> {
            let number = self.form.number(value.cast_signed());
            (self.value(number) == value).then_some(number)
        }

        fn write(&self, out: &mut Vec<u8>) {
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
                Ok(modulus @ 1..) => (residual.wrapping_add(modulus / 2)).rem_euclid(modulus) - modulus / 2,
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

    pub fn encode(integers: Integers<'_>, sum: &Sum, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let values = integers.values;
        let Some(scope) = encoder.aligned(values.len()) else { return false };
        let Ok(predicted) = sum.predict(&scope) else { return false };
        let (mut rows, mut others) = (Vec::new(), Vec::new());
        let mut residuals = Vec::with_capacity(values.len());
        for (row, (&value, predicted)) in values.iter().zip(predicted).enumerate() {
            let residual = sum.number(value).map(|number| sum.residual(number, predicted));
            // Wrapping differences near the ends of the range do not come back through a modulus.
            let residual = residual.filter(|residual| sum.value(predicted.wrapping_add(*residual)) == value);
            if residual.is_none() {
                rows.push(row);
                others.push(value);
            }
            residuals.push(residual.unwrap_or(0).cast_unsigned());
        }
        if rows.len() * MIN_VALUES_PER_EXCEPTION > values.len() {
            return false;
        }
        sum.write(out);
        encoder::encode(Integers { values: &residuals, signed: true }, Role::Values, encoder, out);
        exceptions::write(&rows, Integers { values: &others, ..integers }, &scope, encoder, out);
        true
    }
}
