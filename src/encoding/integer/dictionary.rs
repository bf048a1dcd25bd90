//! Distinct values: `varint entries`, a node of the entries in ascending order, a node of the position of each value.
//!
//! Best for few values that are far apart.

use super::super::{Decoder, varint};
use crate::bytes::ByteReader;
use crate::column::index;
use crate::error::{Error, Result};

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let entries = varint::read_count(reader)?;
    if entries > count {
        return Err(Error::corrupt(format!("{entries} dictionary entries for {count} values")));
    }
    let entries = super::decode(reader, entries, decoder)?;
    let positions = super::decode_positions(reader, count, entries.len(), decoder)?;
    // None is behind the last entry.
    Ok(positions.into_iter().map(|position| entries.get(index(position)).copied().unwrap_or_default()).collect())
}

#[cfg(feature = "writer")]
pub use writer::{Split, encode, measure, suits};

#[cfg(feature = "writer")]
mod writer {
    use std::cmp::Ordering;

    use super::super::encoder::{self, Facts, Integers, Role};
    use crate::encoding::encoder::picked;
    use crate::encoding::hash::number_words;
    use crate::encoding::{Encoder, varint};

    /// Below this range a value is a byte anyway.
    const MIN_RANGE: u64 = 256;
    /// Dictionaries have at most this many entries.
    const MAX_ENTRIES: usize = 1 << 16;
    /// Offsets from the smallest value that a table is made for, whatever the number of values, and per value.
    const MAX_TABLE: (usize, usize) = (1 << 12, 2);

    pub fn suits(facts: &Facts, role: Role) -> bool {
        facts.range >= MIN_RANGE && matches!(role, Role::Values | Role::Deltas)
    }

    /// The distinct values in ascending order, and the position of each value among them.
    pub struct Split {
        entries: Vec<u64>,
        codes: Vec<u64>,
    }

    impl Split {
        /// `None` where there are too many distinct values for a dictionary.
        fn of(integers: Integers<'_>, (min, max): (u64, u64)) -> Option<Self> {
            let most = MAX_ENTRIES.min(integers.values.len() / 2);
            let largest = MAX_TABLE.0.max(integers.values.len().saturating_mul(MAX_TABLE.1));
            match usize::try_from(max.wrapping_sub(min)) {
                Ok(range) if range < largest => Self::by_table(integers, min, range, most),
                _ => Self::by_hash(integers, most),
            }
        }

        fn by_table(integers: Integers<'_>, base: u64, range: usize, most: usize) -> Option<Self> {
            let offset = |value: u64| usize::try_from(value.wrapping_sub(base)).unwrap_or(usize::MAX);
            let mut ranks = vec![0u32; range + 1];
            for &value in integers.values {
                if let Some(slot) = ranks.get_mut(offset(value)) {
                    *slot = 1;
                }
            }
            let mut entries = Vec::new();
            let mut rank = 0;
            for (slot, value) in ranks.iter_mut().zip(0u64..) {
                if std::mem::replace(slot, rank) == 1 {
                    entries.push(base.wrapping_add(value));
                    rank += 1;
                }
            }
            let code = |&value: &u64| ranks.get(offset(value)).copied().unwrap_or_default().into();
            (entries.len() <= most).then(|| Split { entries, codes: integers.values.iter().map(code).collect() })
        }

        fn by_hash(integers: Integers<'_>, most: usize) -> Option<Self> {
            let value = |row: usize| integers.values.get(row).copied().unwrap_or_default();
            let numbered = number_words(integers.values, most)?;
            let (firsts, codes) = numbered.ranked(|row| integers.key(value(row)), &|_, _| Ordering::Equal);
            Some(Split { entries: firsts.into_iter().map(value).collect(), codes })
        }

        /// Writes what follows the id.
        pub fn write(&self, integers: Integers<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) {
            // Codes are mostly more, and sooner too many.
            let mut codes = Vec::new();
            encoder::encode(Integers { values: &self.codes, signed: false }, Role::Codes, encoder, &mut codes);
            self.write_entries(integers, encoder, out);
            out.extend(codes);
        }

        fn write_entries(&self, integers: Integers<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) {
            varint::write_count(self.entries.len(), out);
            encoder::encode(Integers { values: &self.entries, ..integers }, Role::Values, encoder, out);
        }
    }

    /// About how many bytes a dictionary takes, and its parts; `None` where it does not suit or takes `most` or more.
    pub fn measure(
        integers: Integers<'_>,
        bounds: (u64, u64),
        sample: Integers<'_>,
        most: usize,
        encoder: &mut Encoder,
    ) -> Option<(usize, Split)> {
        let len = integers.values.len();
        let size = |codes: &[u64], most: usize, encoder: &mut Encoder| {
            encoder.measure(most, (codes.len(), len), |encoder, out| {
                encoder::encode(Integers { values: codes, signed: false }, Role::Codes, encoder, out);
                true
            })
        };
        // What codes of the sample alone take already tells most that do not suit.
        let known = Split::of(sample, sample.bounds())?;
        size(&known.codes, most, encoder)?;
        let split = Split::of(integers, bounds)?;
        let codes = picked(&split.codes, encoder.blocks(len)?);
        let codes = size(&codes, most, encoder)?;
        let entries = encoder.measure(most - codes, (1, 1), |encoder, out| {
            split.write_entries(integers, encoder, out);
            true
        })?;
        Some((entries + codes, split))
    }

    #[inline(never)]
    pub fn encode(integers: Integers<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let Some(split) = Split::of(integers, integers.bounds()) else { return false };
        split.write(integers, encoder, out);
        true
    }
}
