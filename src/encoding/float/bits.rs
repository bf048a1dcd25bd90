//! The bit patterns as unsigned integers: a node of integers.
//!
//! Best for few distinct floats, runs, and floats of similar size, whose high bytes repeat.

use super::FloatWidth;
use crate::bytes::ByteReader;
use crate::encoding::{Decoder, integer};
use crate::error::{Error, Result};

pub fn decode(reader: &mut ByteReader<'_>, count: usize, width: FloatWidth, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let patterns = integer::decode(reader, count, decoder)?;
    if width == FloatWidth::Single && patterns.iter().any(|&pattern| pattern > u64::from(u32::MAX)) {
        return Err(Error::corrupt("float32 of more than 32 bits"));
    }
    Ok(patterns)
}

#[cfg(feature = "writer")]
pub fn encode(floats: super::Floats<'_>, encoder: &mut crate::encoding::Encoder, out: &mut Vec<u8>) -> bool {
    let integers = integer::Integers { values: floats.patterns, signed: false };
    integer::encode(integers, integer::Role::Values, encoder, out);
    true
}
