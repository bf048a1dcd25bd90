//! Integers divided by a power of ten or of two, and the exceptions.
//!
//! ```text
//! scale                 scale.rs
//! node of integers      signed, at most 2^53 in size; anything where there is an exception
//! varint exceptions     at most count
//! node of positions     ascending, where there are exceptions
//! node of patterns      unsigned
//! ```
//! -0.0, NaN and whatever does not come back bit for bit are exceptions.
//!
//! Best for decimal numbers, and (base two) for uniform random numbers, which are multiples of 2^-53.

use super::{FloatWidth, Scale};
use crate::bytes::{ByteReader, to_usize};
use crate::encoding::{Decoder, integer, varint};
use crate::error::{Error, Result};

pub fn decode(reader: &mut ByteReader<'_>, count: usize, width: FloatWidth, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let scale = Scale::read(reader)?;
    let mut values = integer::decode(reader, count, decoder)?;
    for value in &mut values {
        *value = scale.pattern(value.cast_signed(), width);
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
pub use writer::encode;

#[cfg(feature = "writer")]
mod writer {
    use super::super::Floats;
    use super::*;
    use crate::bytes::to_u64;
    use crate::encoding::Encoder;
    use integer::{Integers, Role};

    pub fn encode(floats: Floats<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let Some(scale) = Scale::find(floats) else { return false };
        let (mut positions, mut patterns) = (Vec::new(), Vec::new());
        let mut last = 0u64;
        let integers: Vec<u64> = (0..)
            .zip(floats.patterns)
            .map(|(position, &original)| {
                match scale.integer(original, floats.width) {
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
        scale.write(out);
        integer::encode(Integers { values: &integers, signed: true }, Role::Values, encoder, out);
        varint::write(to_u64(positions.len()), out);
        if !positions.is_empty() {
            integer::encode(Integers { values: &positions, signed: false }, Role::Values, encoder, out);
            integer::encode(Integers { values: &patterns, signed: false }, Role::Values, encoder, out);
        }
        true
    }
}
