//! One value, however often: `varint length`, its bytes. No value at all is also constant.

use super::super::{Decoder, varint};
use super::Builder;
use crate::bytes::ByteReader;
use crate::column::VarBytes;
use crate::error::Result;

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let length = varint::read_count(reader)?;
    let value = reader.take(length)?;
    decoder.check_count(count, length)?;
    let mut builder = Builder::new(count, decoder);
    for _ in 0..count {
        builder.extend(value)?;
        builder.end();
    }
    builder.finish()
}

#[cfg(feature = "writer")]
pub fn suits(facts: &super::encoder::Facts, _: super::Role) -> bool {
    facts.is_constant
}

#[cfg(feature = "writer")]
pub fn encode(text: &VarBytes, _: &mut super::super::Encoder, out: &mut Vec<u8>) -> bool {
    let value = text.get(0);
    varint::write_count(value.len(), out);
    out.extend_from_slice(value);
    true
}
