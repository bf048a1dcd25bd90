//! One value, however often: `varint length`, its bytes. No value at all is also constant.

use std::sync::Arc;

use super::super::{Decoder, varint};
use super::codes::{self, Codes};
use crate::bytes::ByteReader;
use crate::column::VarBytes;
use crate::error::Result;

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let length = varint::read_count(reader)?;
    let value = reader.take(length)?;
    let mut entries = VarBytes::default();
    entries.push(value)?;
    codes::finish(Codes { codes: vec![0; count], entries: Arc::new(entries) }, true, decoder)
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
