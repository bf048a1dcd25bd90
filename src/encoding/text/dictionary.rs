//! Distinct values: `varint entries`, a node of the entries in ascending order, a node of the position of each value.
//!
//! Best for values that repeat.

use std::sync::Arc;

use super::super::{Decoder, integer, varint};
use super::codes::{self, Codes};
use crate::bytes::ByteReader;
use crate::column::VarBytes;
use crate::error::{Error, Result};

/// The distinct values of a node of `count` values.
pub fn entries(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let entries = varint::read_count(reader)?;
    if entries > count {
        return Err(Error::corrupt(format!("{entries} dictionary entries for {count} values")));
    }
    super::decode(reader, entries, decoder)
}

/// The distinct values of a node of `count` values, and which of them each value is.
pub fn entries_and_codes(
    reader: &mut ByteReader<'_>,
    count: usize,
    decoder: &mut Decoder,
) -> Result<(VarBytes, Vec<u32>)> {
    let entries = entries(reader, count, decoder)?;
    let codes = integer::decode_positions(reader, count, entries.len(), decoder)?;
    Ok((entries, codes))
}

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let (entries, codes) = entries_and_codes(reader, count, decoder)?;
    let all_differ = entries.iter().zip(entries.iter().skip(1)).all(|(a, b)| a < b);
    codes::finish(Codes { codes, entries: Arc::new(entries) }, all_differ, decoder)
}

#[cfg(feature = "writer")]
pub use writer::{Dictionary, encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use std::sync::{Arc, OnceLock};

    use super::super::encoder::{self, Facts, Role};
    use super::Codes;
    use crate::bytes::word_at;
    use crate::column::{VarBytes, index};
    use crate::encoding::encoder::picked;
    use crate::encoding::hash::{Numbered, are_equal, hash_bytes, number, number_words};
    use crate::encoding::integer::{self, Integers};
    use crate::encoding::{Encoder, varint};

    pub fn suits(facts: &Facts, role: Role) -> bool {
        role == Role::Values && !facts.is_constant
    }

    /// The distinct values of text in ascending order, and which of them each value is.
    #[derive(Debug)]
    pub struct Dictionary {
        entries: Arc<VarBytes>,
        codes: Vec<u64>,
        /// The node of the entries, once it is known.
        encoded: OnceLock<Vec<u8>>,
    }

    /// Values by which it is told early that nearly all are distinct, and the part of them that are then, in tenths.
    const PROBES: usize = 4096;
    const MAX_PROBED_TENTHS: usize = 9;

    /// Short text as numbers that differ where it does; `None` if a value has more than 7 bytes.
    fn words(text: &VarBytes) -> Option<Vec<u64>> {
        const LONGEST: i32 = 7;
        let offsets = text.offsets();
        let lengths = || offsets.iter().zip(offsets.iter().skip(1)).map(|(start, end)| end - start);
        if lengths().max().is_some_and(|longest| longest > LONGEST) {
            return None;
        }
        let word = |(&start, length): (&i32, i32)| {
            let rest = text.bytes().get(index(start.cast_unsigned())..).unwrap_or_default();
            let word = rest.first_chunk().map_or_else(
                || rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
                |eight| u64::from_le_bytes(*eight),
            );
            // What follows the value is shifted out.
            let length = length.cast_unsigned();
            (word & !(u64::MAX << (8 * length))) | u64::from(length) << 56
        };
        Some(offsets.iter().zip(lengths()).map(word).collect())
    }

    /// Numbers values; `None` where more than half of them are distinct, unless that is wanted anyway.
    fn number_repeated(text: &VarBytes, is_wanted: bool) -> Option<Numbered> {
        let len = text.len();
        let most = if is_wanted { len } else { len / 2 };
        let step = len / PROBES;
        let words = words(text);
        if !is_wanted && step > 1 {
            // Runs of neighbours, so that what repeats nearby is seen, too.
            let runs = (0..len).step_by(16 * step).map(|start| start..(start + 16).min(len));
            let few = PROBES * MAX_PROBED_TENTHS / 10;
            match &words {
                Some(words) => number_words(&picked(words, runs), few),
                None => number_text(text, runs.flatten(), few),
            }?;
        }
        match words {
            Some(words) => number_words(&words, most),
            None => number_text(text, 0..len, most),
        }
    }

    fn number_text(text: &VarBytes, rows: impl Iterator<Item = usize>, most: usize) -> Option<Numbered> {
        number(rows, most, |row| hash_bytes(text.get(row)), |a, b| are_equal(text.get(a), text.get(b)))
    }

    impl Dictionary {
        /// `None` where more than half of the values are distinct, unless a dictionary is wanted anyway.
        #[must_use]
        pub fn of(text: &VarBytes, is_wanted: bool) -> Option<Self> {
            let numbered = number_repeated(text, is_wanted)?;
            let (firsts, codes) =
                numbered.ranked(|row| word_at(text.get(row), 0), &|a, b| text.get(a).cmp(text.get(b)));
            let mut entries = VarBytes::default();
            for row in firsts {
                entries.push(text.get(row)).ok()?;
            }
            Some(Dictionary { entries: Arc::new(entries), codes, encoded: OnceLock::new() })
        }

        /// The distinct values, ascending.
        #[must_use]
        pub fn entries(&self) -> &VarBytes {
            &self.entries
        }

        /// Which of them each value is.
        #[must_use]
        pub fn codes(&self) -> &[u64] {
            &self.codes
        }

        /// The positions as models see them.
        #[must_use]
        pub fn to_codes(&self) -> Codes {
            // Entries are fewer than 2^31.
            let codes = self.codes.iter().map(|&code| u32::try_from(code).unwrap_or(u32::MAX)).collect();
            Codes { codes, entries: Arc::clone(&self.entries) }
        }

        /// About how many bytes it takes, if these are fewer than `most`.
        pub fn measure(&self, most: usize, encoder: &mut Encoder) -> Option<usize> {
            // As of integers, codes first.
            let blocks = encoder.blocks(self.codes.len());
            let codes = blocks.map(|blocks| picked(&self.codes, blocks));
            let codes = codes.as_ref().unwrap_or(&self.codes);
            let codes = encoder.measure(most, (codes.len(), self.codes.len()), |encoder, out| {
                integer::encode(Integers { values: codes, signed: false }, integer::Role::Codes, encoder, out);
                true
            })?;
            let blocks = encoder.blocks(self.entries.len());
            let part = blocks.map(|blocks| encoder::picked(&self.entries, blocks));
            let part = part.as_ref().unwrap_or(&self.entries);
            let entries = encoder.measure(most - codes, (part.len(), self.entries.len()), |encoder, out| {
                encoder::encode(part, Role::Entries, encoder, out);
                true
            })?;
            Some(entries + codes)
        }

        /// Writes the node of the entries: they are encoded once, if no model can speak of them.
        fn write_entries(&self, encoder: &mut Encoder, out: &mut Vec<u8>) {
            if encoder.is_sample() || self.entries.len() >= self.codes.len() {
                return encoder::encode(&self.entries, Role::Entries, encoder, out);
            }
            let encoded = self.encoded.get_or_init(|| {
                let mut encoded = Vec::new();
                encoder.unlimited(|encoder| encoder::encode(&self.entries, Role::Entries, encoder, &mut encoded));
                encoded
            });
            out.extend_from_slice(encoded);
            encoder.spend(encoded.len());
        }

        /// Writes what follows the id.
        pub fn write(&self, encoder: &mut Encoder, out: &mut Vec<u8>) {
            varint::write_count(self.entries.len(), out);
            self.write_entries(encoder, out);
            integer::encode(Integers { values: &self.codes, signed: false }, integer::Role::Codes, encoder, out);
        }
    }

    #[inline(never)]
    pub fn encode(text: &VarBytes, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let Some(dictionary) = Dictionary::of(text, encoder.wants_dictionary()) else { return false };
        dictionary.write(encoder, out);
        true
    }
}
