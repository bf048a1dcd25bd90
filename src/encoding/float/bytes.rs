//! The bit patterns as they are, little-endian: one leaf.
//!
//! Best for sequences of floats that repeat as a whole.

use super::FloatWidth;
use crate::bytes::ByteReader;
use crate::encoding::{Decoder, leaf};
use crate::error::Result;

pub fn decode(reader: &mut ByteReader<'_>, count: usize, width: FloatWidth, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let bytes = leaf::read(reader, count * width.size(), decoder)?;
    let pattern = |raw: &[u8]| {
        let mut word = [0; 8];
        word.iter_mut().zip(raw).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(word)
    };
    Ok(bytes.chunks_exact(width.size()).map(pattern).collect())
}

#[cfg(feature = "writer")]
pub fn encode(floats: super::Floats<'_>, encoder: &mut crate::encoding::Encoder, out: &mut Vec<u8>) -> bool {
    let size = floats.width.size();
    let bytes: Vec<u8> =
        floats.patterns.iter().flat_map(|pattern| pattern.to_le_bytes().into_iter().take(size)).collect();
    leaf::write(&bytes, encoder, out);
    true
}
