//! Integers divided by a power of ten or of two, and the exceptions.
//!
//! ```text
//! u8 base               0: ten, 1: two
//! u8 exponent           value = integer / base^exponent, rounded once; at most 22 for ten, 64 for two
//! node of integers      signed, at most 2^53 in size; anything where there is an exception
//! varint exceptions     at most count
//! node of positions     ascending, where there are exceptions
//! node of patterns      unsigned
//! ```
//! An integer of at most 53 bits and a power of ten up to 10^22 are exact floats, so their quotient is the float
//! nearest to the decimal number, which is what parsing its text gives (Clinger 1990; ALP, Afroozeh and others 2023,
//! multiplies instead and loses some). -0.0, NaN and whatever does not come back bit for bit are exceptions.
//!
//! Best for decimal numbers, and (base two) for uniform random numbers, which are multiples of 2^-53.

use super::FloatWidth;
use crate::bytes::{ByteReader, to_usize};
use crate::encoding::{Decoder, integer, varint};
use crate::error::{Error, Result};

const BASE_TEN: u8 = 0;
const BASE_TWO: u8 = 1;

/// Powers of ten that are exact floats.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
const MAX_SHIFT: u8 = 64;

fn divisor(base: u8, exponent: u8) -> Option<f64> {
    match base {
        BASE_TEN => POWERS_OF_TEN.get(usize::from(exponent)).copied(),
        BASE_TWO if exponent <= MAX_SHIFT => Some(2f64.powi(i32::from(exponent))),
        _ => None,
    }
}

/// The pattern of `integer / divisor`.
fn pattern(integer: i64, divisor: f64, width: FloatWidth) -> u64 {
    let value = integer as f64 / divisor;
    match width {
        FloatWidth::Double => value.to_bits(),
        #[expect(clippy::cast_possible_truncation, reason = "rounding to the narrower float is the definition")]
        FloatWidth::Single => u64::from((value as f32).to_bits()),
    }
}

pub fn decode(reader: &mut ByteReader<'_>, count: usize, width: FloatWidth, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let (base, exponent) = (reader.u8()?, reader.u8()?);
    let divisor =
        divisor(base, exponent).ok_or_else(|| Error::corrupt(format!("scale of base {base}, exponent {exponent}")))?;
    let mut values = integer::decode(reader, count, decoder)?;
    for value in &mut values {
        *value = pattern(value.cast_signed(), divisor, width);
    }
    let exceptions = varint::read_count(reader)?;
    if exceptions > count {
        return Err(Error::corrupt(format!("{exceptions} exceptions among {count} floats")));
    }
    if exceptions > 0 {
        let positions = integer::decode(reader, exceptions, decoder)?;
        let patterns = super::bits::decode(reader, exceptions, width, decoder)?;
        for (position, pattern) in positions.into_iter().zip(patterns) {
            let slot = to_usize(position, "position").ok().and_then(|position| values.get_mut(position));
            *slot.ok_or_else(|| Error::corrupt(format!("exception at {position} of {count} floats")))? = pattern;
        }
    }
    Ok(values)
}

#[cfg(feature = "writer")]
pub use writer::{decimal_exponent, encode};

#[cfg(feature = "writer")]
mod writer {
    use super::super::Floats;
    use super::*;
    use crate::bytes::to_u64;
    use crate::encoding::Encoder;
    use integer::{Integers, Role};

    /// Largest integer below which all are exact floats.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    /// Values that the scale is found on.
    const PROBES: usize = 512;

    fn value(pattern: u64, width: FloatWidth) -> f64 {
        match width {
            FloatWidth::Double => f64::from_bits(pattern),
            // Patterns of single floats are below 2^32.
            FloatWidth::Single => f64::from(f32::from_bits(u32::try_from(pattern).unwrap_or(u32::MAX))),
        }
    }

    /// The integer that gives this pattern back, if there is one.
    fn scaled(original: u64, divisor: f64, width: FloatWidth) -> Option<i64> {
        let product = (value(original, width) * divisor).round();
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        let integer = (product.abs() <= MAX_EXACT).then_some(product as i64)?;
        (pattern(integer, divisor, width) == original).then_some(integer)
    }

    /// Base and exponent that hold most of the probed values, the smallest integers first.
    fn find_scale(floats: Floats<'_>) -> Option<(u8, u8)> {
        let step = (floats.patterns.len() / PROBES).max(1);
        let probes: Vec<u64> = floats.patterns.iter().copied().step_by(step).collect();
        let hits =
            |divisor: f64| probes.iter().filter(|&&probe| scaled(probe, divisor, floats.width).is_some()).count();
        let enough = probes.len() - probes.len() / 10;
        let ten = (0u8..).zip(POWERS_OF_TEN).find(|&(_, divisor)| hits(divisor) >= enough);
        if let Some((exponent, _)) = ten {
            return Some((BASE_TEN, exponent));
        }
        (1..=MAX_SHIFT).find(|&shift| hits(2f64.powi(i32::from(shift))) >= enough).map(|shift| (BASE_TWO, shift))
    }

    /// The power of ten whose multiples most of the floats are, if there is one.
    pub fn decimal_exponent(floats: Floats<'_>) -> Option<u8> {
        find_scale(floats).filter(|(base, _)| *base == BASE_TEN).map(|(_, exponent)| exponent)
    }

    pub fn encode(floats: Floats<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let Some((base, exponent)) = find_scale(floats) else { return false };
        let Some(divisor) = divisor(base, exponent) else { return false };
        let (mut positions, mut patterns) = (Vec::new(), Vec::new());
        let mut last = 0u64;
        let integers: Vec<u64> = (0..)
            .zip(floats.patterns)
            .map(|(position, &original)| {
                match scaled(original, divisor, floats.width) {
                    Some(integer) => last = integer.cast_unsigned(),
                    None => {
                        positions.push(position);
                        patterns.push(original);
                    }
                }
                last
            })
            .collect();
        if positions.len() > floats.patterns.len() / 4 {
            return false;
        }
        out.extend([base, exponent]);
        integer::encode(Integers { values: &integers, signed: true }, Role::Values, encoder, out);
        varint::write(to_u64(positions.len()), out);
        if !positions.is_empty() {
            integer::encode(Integers { values: &positions, signed: false }, Role::Values, encoder, out);
            integer::encode(Integers { values: &patterns, signed: false }, Role::Values, encoder, out);
        }
        true
    }
}
