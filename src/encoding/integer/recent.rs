//! Recent values by the values of one or two other columns:
//!
//! ```text
//! u8 parents       1 or 2, then a u8 each: positions in the column's list of parents
//! leaf of symbols  ceil(count / 4) bytes, two bits per row from the least significant; the rest zero
//! node of misses   aligned with the rows whose symbol is 3
//! ```
//! Each class of the rows by the parents remembers three values, the latest first; all are 0 at first. Symbol 0, 1 or 2
//! is that one of them, 3 the next miss. It then becomes the first, and those before its place move back by one.
//!
//! Best for what mostly repeats when other columns do: the destination of a flight number, the carrier of an aircraft.

use super::super::parent::Key;
use super::super::{Decoder, leaf};
use crate::bytes::ByteReader;
use crate::column::index;
use crate::error::{Error, Result};

const MISS: u8 = 3;

/// The three values that a class remembers.
type Recent = [u64; 3];

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let scope = decoder.aligned(count)?;
    let key = Key::read(reader)?;
    key.note(decoder);
    let labels = scope.labels(key)?;
    decoder.check_count(labels.bound, size_of::<Recent>())?;
    let packed = leaf::read(reader, count.div_ceil(4), decoder)?;
    if let (Some(last), used @ 1..) = (packed.last(), count % 4)
        && last >> (2 * used) != 0
    {
        return Err(Error::corrupt("symbols behind the last row"));
    }
    let mut rows: Vec<usize> = Vec::new();
    for (index, &byte) in packed.iter().enumerate() {
        // Both bits of some symbol are set.
        if byte & byte >> 1 & 0x55 != 0 {
            let missed = |slot: &usize| byte >> (2 * slot) & 3 == MISS;
            rows.extend((0..4).filter(missed).map(|slot| index * 4 + slot));
        }
    }
    let misses = decoder.narrowed(&scope, &rows, |decoder| super::decode(reader, rows.len(), decoder))?;
    let mut misses = misses.into_iter();
    let mut recent: Vec<Recent> = vec![[0; 3]; labels.bound];
    let mut values = vec![0; count];
    for ((four, labels), &byte) in values.chunks_mut(4).zip(labels.ids.chunks(4)).zip(packed.iter()) {
        let mut symbols = byte;
        for (value, &label) in four.iter_mut().zip(labels) {
            // Labels are below their bound.
            let Some(slots) = recent.get_mut(index(label)) else { break };
            // Mostly nothing moves.
            if symbols & 3 != 0 {
                let [first, second, third] = *slots;
                *slots = match symbols & 3 {
                    1 => [second, first, third],
                    2 => [third, first, second],
                    _ => [misses.next().unwrap_or_default(), first, second],
                };
            }
            *value = slots[0];
            symbols >>= 2;
        }
    }
    Ok(values)
}

#[cfg(feature = "writer")]
pub use writer::encode;

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{self, Integers, Role};
    use super::*;
    use crate::encoding::Encoder;

    /// More misses than one in so many values, and nothing repeats.
    const MIN_VALUES_PER_MISS: usize = 2;

    /// What the rows of each label remember.
    struct Symbols {
        recent: Vec<Recent>,
    }

    impl Symbols {
        /// Nothing yet of so many labels.
        fn new(labels: usize) -> Self {
            Symbols { recent: vec![[0; 3]; labels] }
        }

        /// The symbol of the next value.
        fn next(&mut self, label: u32, value: u64) -> u8 {
            let slot = self.recent.get_mut(index(label));
            let Some([first, second, third]) = slot else { return MISS };
            let symbol = match value {
                value if value == *first => return 0,
                value if value == *second => 1,
                value if value == *third => 2,
                _ => MISS,
            };
            if symbol != 1 {
                *third = *second;
            }
            (*first, *second) = (value, *first);
            symbol
        }
    }

    #[inline(never)]
    pub fn encode(integers: Integers<'_>, key: &Key, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let values = integers.values;
        let Some(scope) = encoder.aligned(values.len()) else { return false };
        let Ok(labels) = scope.labels(*key) else { return false };
        let mut symbols = Symbols::new(labels.bound);
        let mut packed = vec![0u8; values.len().div_ceil(4)];
        let (mut rows, mut misses) = (Vec::new(), Vec::new());
        for (row, (&label, &value)) in labels.ids.iter().zip(values).enumerate() {
            let symbol = symbols.next(label, value);
            if symbol == MISS {
                rows.push(row);
                misses.push(value);
            }
            if let Some(byte) = packed.get_mut(row / 4) {
                *byte |= symbol << (2 * (row % 4));
            }
        }
        if misses.len() * MIN_VALUES_PER_MISS > values.len() {
            return false;
        }
        key.write(out);
        leaf::write(&packed, encoder, out);
        encoder.narrowed(&scope, &rows, |encoder| {
            encoder::encode(Integers { values: &misses, ..integers }, Role::Values, encoder, out);
        });
        true
    }
}
