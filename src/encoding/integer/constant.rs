//! One value, however often: `varint value` (signed, zigzag). No value at all is also constant.

use super::super::{Decoder, varint};
use crate::bytes::ByteReader;
use crate::error::Result;

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, _: &mut Decoder) -> Result<Vec<u64>> {
    Ok(vec![varint::read_signed(reader)?.cast_unsigned(); count])
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{Facts, Integers, Role};
    use crate::encoding::{Encoder, varint};

    pub fn suits(facts: &Facts, _: Role) -> bool {
        facts.range == 0
    }

    pub fn encode(integers: Integers<'_>, _: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let value = integers.values.first().copied().unwrap_or(0);
        varint::write_signed(value.cast_signed(), out);
        true
    }
}
