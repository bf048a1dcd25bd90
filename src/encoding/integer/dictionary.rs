//! Distinct values: `varint entries`, a node of the entries in ascending order, a node of the position of each value.
//!
//! Best for few values that are far apart.

use super::super::{Decoder, varint};
use crate::bytes::ByteReader;
use crate::error::{Error, Result};

pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let entries = varint::read_count(reader)?;
    if entries > count {
        return Err(Error::corrupt(format!("{entries} dictionary entries for {count} values")));
    }
    let entries = super::decode(reader, entries, decoder)?;
    let mut values = super::decode(reader, count, decoder)?;
    for value in &mut values {
        let entry = usize::try_from(*value).ok().and_then(|position| entries.get(position));
        *value = *entry.ok_or_else(|| Error::corrupt(format!("entry {value} of a dictionary of {}", entries.len())))?;
    }
    Ok(values)
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use std::collections::HashMap;

    use super::super::encoder::{self, Facts, Integers, Role};
    use crate::bytes::to_u64;
    use crate::encoding::hash::QuickHashBuilder;
    use crate::encoding::{Encoder, varint};

    /// Below this range a value is a byte anyway.
    const MIN_RANGE: u64 = 256;

    pub fn suits(facts: &Facts, role: Role) -> bool {
        let wanted = role == Role::Values || role == Role::Deltas;
        wanted && facts.range >= MIN_RANGE && facts.distinct.is_some_and(|distinct| distinct * 2 <= facts.len)
    }

    pub fn encode(integers: Integers<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) {
        let mut positions: HashMap<u64, u64, QuickHashBuilder> = HashMap::default();
        let mut entries = Vec::new();
        for &value in integers.values {
            positions.entry(value).or_insert_with(|| {
                entries.push(value);
                0
            });
        }
        entries.sort_unstable_by_key(|&value| integers.key(value));
        for (position, entry) in entries.iter().enumerate() {
            positions.insert(*entry, to_u64(position));
        }
        let codes: Vec<u64> = integers.values.iter().filter_map(|value| positions.get(value).copied()).collect();
        varint::write_count(entries.len(), out);
        encoder::encode(Integers { values: &entries, ..integers }, Role::Values, encoder, out);
        encoder::encode(Integers { values: &codes, signed: false }, Role::Codes, encoder, out);
    }
}
