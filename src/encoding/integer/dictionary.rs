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
pub use writer::{MIN_RANGE, Ranks, encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use std::collections::HashMap;

    use super::super::encoder::{self, Facts, Integers, Role};
    use crate::encoding::hash::QuickHashBuilder;
    use crate::encoding::{Encoder, varint};

    /// Below this range a value is a byte anyway.
    pub const MIN_RANGE: u64 = 256;

    pub fn suits(facts: &Facts, _: Role) -> bool {
        facts.distinct.is_some_and(|distinct| distinct * 2 <= facts.len)
    }

    /// Values of a small range, each with its position among the distinct ones: tables instead of hashing.
    pub struct Ranks {
        /// Smallest value.
        base: u64,
        /// Per offset from the base, how many distinct values are smaller.
        ranks: Vec<u32>,
        /// How many distinct values there are.
        pub distinct: usize,
    }

    /// Offsets from the smallest value that a table is made for.
    const MAX_TABLE: u64 = 1 << 18;

    impl Ranks {
        /// `None` where the range is too large.
        pub fn of(integers: Integers<'_>) -> Option<Self> {
            let base = integers.values.iter().copied().min_by_key(|&value| integers.key(value))?;
            let range = integers.values.iter().map(|value| value.wrapping_sub(base)).max()?;
            if range >= MAX_TABLE {
                return None;
            }
            let mut ranks = vec![0; usize::try_from(range).ok()? + 1];
            for value in integers.values {
                if let Some(slot) = usize::try_from(value.wrapping_sub(base)).ok().and_then(|at| ranks.get_mut(at)) {
                    *slot = 1;
                }
            }
            let mut smaller = 0;
            for slot in &mut ranks {
                let is_there = *slot;
                *slot = smaller;
                smaller += is_there;
            }
            Some(Ranks { base, ranks, distinct: usize::try_from(smaller).ok()? })
        }

        fn rank(&self, value: u64) -> u64 {
            let at = usize::try_from(value.wrapping_sub(self.base)).unwrap_or(usize::MAX);
            self.ranks.get(at).copied().unwrap_or(0).into()
        }
    }

    /// The distinct values in ascending order, and the position of each value among them.
    fn split(integers: Integers<'_>) -> (Vec<u64>, Vec<u64>) {
        if let Some(ranks) = Ranks::of(integers) {
            let codes: Vec<u64> = integers.values.iter().map(|&value| ranks.rank(value)).collect();
            let mut entries = vec![0; ranks.distinct];
            for (&code, &value) in codes.iter().zip(integers.values) {
                if let Some(entry) = usize::try_from(code).ok().and_then(|code| entries.get_mut(code)) {
                    *entry = value;
                }
            }
            return (entries, codes);
        }
        let mut positions: HashMap<u64, usize, QuickHashBuilder> = HashMap::default();
        let mut seen = Vec::new();
        let first: Vec<usize> = integers
            .values
            .iter()
            .map(|&value| {
                *positions.entry(value).or_insert_with(|| {
                    seen.push(value);
                    seen.len() - 1
                })
            })
            .collect();
        let mut order: Vec<usize> = (0..seen.len()).collect();
        let value = |&position: &usize| seen.get(position).copied().unwrap_or(0);
        order.sort_unstable_by_key(|position| integers.key(value(position)));
        let mut ranks = vec![0; seen.len()];
        for (rank, &position) in (0..).zip(&order) {
            if let Some(slot) = ranks.get_mut(position) {
                *slot = rank;
            }
        }
        let codes = first.into_iter().map(|position| ranks.get(position).copied().unwrap_or(0)).collect();
        (order.iter().map(value).collect(), codes)
    }

    pub fn encode(integers: Integers<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) {
        let (entries, codes) = split(integers);
        varint::write_count(entries.len(), out);
        encoder::encode(Integers { values: &entries, ..integers }, Role::Values, encoder, out);
        encoder::encode(Integers { values: &codes, signed: false }, Role::Codes, encoder, out);
    }
}
