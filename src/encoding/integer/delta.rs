//! Differences of neighbours: `varint first` (signed), then a node of `count - 1` signed differences.
//!
//! Best for values that grow steadily, or that stay near the one before.

use super::super::{Decoder, varint};
use crate::bytes::ByteReader;
use crate::error::{Error, Result};

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let first = varint::read_signed(reader)?.cast_unsigned();
    let rest = count.checked_sub(1).ok_or_else(|| Error::corrupt("differences of no values"))?;
    let differences = super::decode(reader, rest, decoder)?;
    let mut values = Vec::with_capacity(count);
    let mut value = first;
    values.push(value);
    values.extend(differences.into_iter().map(|difference| {
        value = value.wrapping_add(difference);
        value
    }));
    Ok(values)
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{self, Facts, Integers, Role};
    use crate::encoding::{Encoder, varint};

    pub fn suits(facts: &Facts, role: Role) -> bool {
        role == Role::Values && facts.range > 0 && facts.len > 2
    }

    #[inline(never)]
    pub fn encode(integers: Integers<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let values = integers.values;
        varint::write_signed(values.first().copied().unwrap_or(0).cast_signed(), out);
        let pairs = values.iter().zip(values.iter().skip(1));
        let differences: Vec<u64> = pairs.map(|(a, b)| b.wrapping_sub(*a)).collect();
        encoder::encode(Integers { values: &differences, signed: true }, Role::Deltas, encoder, out);
        true
    }
}
