//! A node of the lengths, then a leaf of the bytes of all values.
//!
//! Best for codes of one length, and the only one for values that hold a NUL and are nothing else.

use super::super::{Decoder, integer, leaf};
use crate::bytes::{ByteReader, to_usize};
use crate::column::VarBytes;
use crate::error::{Error, Result};

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let lengths = integer::decode(reader, count, decoder)?;
    let mut offsets = Vec::with_capacity(count + 1);
    let mut end = 0u64;
    offsets.push(0);
    for length in lengths {
        end = end.saturating_add(length);
        offsets.push(i32::try_from(end).map_err(|_| Error::limit("bytes of one column chunk", end, i32::MAX as u64))?);
    }
    let bytes = leaf::read(reader, to_usize(end, "bytes of one column chunk")?, decoder)?;
    VarBytes::new(offsets, bytes.into_owned())
}

#[cfg(feature = "writer")]
pub fn suits(facts: &super::encoder::Facts, _: super::Role) -> bool {
    !facts.is_constant
}

#[cfg(feature = "writer")]
#[inline(never)]
pub fn encode(text: &VarBytes, encoder: &mut super::super::Encoder, out: &mut Vec<u8>) -> bool {
    let lengths: Vec<u64> = text.iter().map(|value| crate::bytes::to_u64(value.len())).collect();
    integer::encode(integer::Integers { values: &lengths, signed: false }, integer::Role::Lengths, encoder, out);
    leaf::write(text.bytes(), encoder, out);
    true
}
