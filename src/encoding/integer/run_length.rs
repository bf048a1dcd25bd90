//! Runs of equal values: `varint runs`, a node of their values, a node of their lengths minus one.
//!
//! Best for sorted and for slowly changing values.

use super::super::{Decoder, varint};
use crate::bytes::ByteReader;
use crate::error::{Error, Result};

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let runs = varint::read_count(reader)?;
    if runs > count {
        return Err(Error::corrupt(format!("{runs} runs of {count} values")));
    }
    let run_values = super::decode(reader, runs, decoder)?;
    let lengths = super::decode(reader, runs, decoder)?;
    let mut values = Vec::with_capacity(count);
    for (value, length) in run_values.into_iter().zip(lengths) {
        let left = count - values.len();
        let length = usize::try_from(length).ok().and_then(|length| length.checked_add(1));
        let length = length.filter(|&length| length <= left);
        let length = length.ok_or_else(|| Error::corrupt(format!("runs of more than {count} values")))?;
        values.resize(values.len() + length, value);
    }
    if values.len() != count {
        return Err(Error::corrupt(format!("runs of {} values where {count} belong", values.len())));
    }
    Ok(values)
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{self, Facts, Integers, Role};
    use crate::bytes::to_u64;
    use crate::encoding::{Encoder, varint};

    pub fn suits(facts: &Facts, role: Role) -> bool {
        role != Role::Lengths && facts.range > 0 && facts.runs * 2 <= facts.len
    }

    #[inline(never)]
    pub fn encode(integers: Integers<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let (mut run_values, mut lengths) = (Vec::new(), Vec::new());
        for run in integers.values.chunk_by(|a, b| a == b) {
            run_values.extend(run.first());
            lengths.push(to_u64(run.len()) - 1);
        }
        varint::write_count(run_values.len(), out);
        // Less is tried for lengths, and then for values perhaps nothing.
        let mut coded = Vec::new();
        encoder::encode(Integers { values: &lengths, signed: false }, Role::Lengths, encoder, &mut coded);
        encoder::encode(Integers { values: &run_values, ..integers }, Role::Values, encoder, out);
        out.extend(coded);
        true
    }
}
