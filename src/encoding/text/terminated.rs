//! Values with a NUL behind each: `varint size`, a leaf of so many bytes. Only where no value holds a NUL.
//!
//! Best for free text: ends and words are found by the compressor together.

use super::super::{Decoder, leaf, varint};
use super::Builder;
use crate::bytes::ByteReader;
use crate::column::VarBytes;
use crate::error::{Error, Result};

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let size = varint::read_count(reader)?;
    let bytes = leaf::read(reader, size, decoder)?;
    if !bytes.is_empty() && bytes.last() != Some(&0) {
        return Err(Error::corrupt("text without the NUL behind it"));
    }
    let mut builder = Builder::new(count, decoder);
    for value in bytes.split_inclusive(|&byte| byte == 0) {
        builder.extend(value.get(..value.len() - 1).unwrap_or_default())?;
        builder.end();
    }
    builder.finish()
}

#[cfg(feature = "writer")]
pub fn suits(facts: &super::encoder::Facts, _: super::Role) -> bool {
    !facts.has_nul && !facts.is_constant
}

#[cfg(feature = "writer")]
#[inline(never)]
pub fn encode(text: &VarBytes, encoder: &mut super::super::Encoder, out: &mut Vec<u8>) -> bool {
    let mut bytes = Vec::with_capacity(text.bytes().len() + text.len());
    for value in text.iter() {
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    varint::write_count(bytes.len(), out);
    leaf::write(&bytes, encoder, out);
    true
}
