//! Front coding: a node of how many bytes each value has in common with the start of the one before (the first: 0),
//! then a node of what follows them.
//!
//! Best for sorted text, dictionaries above all.

use super::super::{Decoder, integer};
use super::Builder;
use crate::bytes::ByteReader;
use crate::column::VarBytes;
use crate::error::{Error, Result};

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let shared = integer::decode(reader, count, decoder)?;
    let rests = super::decode(reader, count, decoder)?;
    let mut builder = Builder::new(count, decoder);
    let mut before: Vec<u8> = Vec::new();
    for (length, rest) in shared.into_iter().zip(rests.iter()) {
        let length = usize::try_from(length).ok().filter(|&length| length <= before.len());
        let length = length.ok_or_else(|| Error::corrupt("more shared bytes than the value before has"))?;
        before.truncate(length);
        before.extend_from_slice(rest);
        builder.extend(&before)?;
        builder.end();
    }
    builder.finish()
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{self, Facts, Role};
    use crate::bytes::to_u64;
    use crate::column::VarBytes;
    use crate::encoding::Encoder;
    use crate::encoding::integer::{self, Integers};

    pub fn suits(facts: &Facts, role: Role) -> bool {
        role != Role::Rest && !facts.is_constant && facts.ascends
    }

    #[inline(never)]
    pub fn encode(text: &VarBytes, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let mut before: &[u8] = &[];
        let mut shared = Vec::with_capacity(text.len());
        let mut rests = VarBytes::default();
        for value in text.iter() {
            let common = value.iter().zip(before).take_while(|(a, b)| a == b).count();
            shared.push(to_u64(common));
            if rests.push(value.get(common..).unwrap_or_default()).is_err() {
                return false;
            }
            before = value;
        }
        integer::encode(Integers { values: &shared, signed: false }, integer::Role::Lengths, encoder, out);
        encoder::encode(&rests, Role::Rest, encoder, out);
        true
    }
}
