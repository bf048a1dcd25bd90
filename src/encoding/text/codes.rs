//! Text by positions in a dictionary: each value once, and which of them each row has.
//!
//! Nodes of a column's own values are decoded to this where they store it, and their values stay empty: what is predicted
//! from them tells values apart by their positions, and JavaScript makes one string per entry. [`Codes::expand`] gives
//! the values to whoever wants them.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::Decoder;
use super::ROOM;
use crate::bytes::to_u64;
use crate::column::{Bitmap, VarBytes, index};
use crate::error::{Error, Result};

/// Positions in a dictionary.
#[derive(Debug)]
pub struct Codes {
    /// Of the valid rows; below the number of entries.
    pub codes: Vec<u32>,
    /// The dictionary, whose entries all differ.
    pub entries: Arc<VarBytes>,
}

/// The values of a node; if they are a column's own, entries differ and codes are wanted, the decoder keeps these, and the
/// values are empty.
pub fn finish(codes: Codes, all_differ: bool, decoder: &mut Decoder) -> Result<VarBytes> {
    codes.check_size(decoder.limit)?;
    if !(all_differ && decoder.keeps_codes && decoder.is_top()) {
        return codes.expand();
    }
    let hollow = VarBytes::new(vec![0; codes.codes.len() + 1], Vec::new());
    decoder.codes = Some(codes);
    hollow
}

impl Codes {
    /// For each row the position of its entry, for null the number of entries.
    #[must_use]
    pub fn placed(&self, validity: Option<&Bitmap>) -> Cow<'_, [u32]> {
        let null = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        match validity {
            Some(validity) => Cow::Owned(validity.place(&self.codes, null)),
            None => Cow::Borrowed(&self.codes),
        }
    }

    /// How many bytes all values take.
    #[must_use]
    pub fn size(&self) -> u64 {
        let lengths: Vec<u64> = self.entries.iter().map(|entry| to_u64(entry.len())).collect();
        match lengths.split_first() {
            Some((first, rest)) if rest.iter().all(|length| length == first) => {
                to_u64(self.codes.len()).saturating_mul(*first)
            }
            _ => self.codes.iter().map(|&code| lengths.get(index(code)).copied().unwrap_or_default()).sum(),
        }
    }

    fn check_size(&self, limit: u64) -> Result<()> {
        let limit = limit.min(i32::MAX as u64);
        let longest = self.entries.iter().map(<[u8]>::len).max().unwrap_or_default();
        if to_u64(self.codes.len()).saturating_mul(to_u64(longest)) <= limit {
            return Ok(());
        }
        match self.size() {
            size if size > limit => Err(Error::limit("bytes of one column chunk", size, limit)),
            _ => Ok(()),
        }
    }

    /// The values.
    ///
    /// # Errors
    /// `limit-exceeded` where they take 2 GiB or more.
    #[inline(never)]
    pub fn expand(&self) -> Result<VarBytes> {
        let Codes { codes, entries } = self;
        let starts = entries.offsets();
        let lengths: Vec<i32> = starts.iter().zip(starts.iter().skip(1)).map(|(start, end)| end - start).collect();
        let longest = index(lengths.iter().copied().max().unwrap_or_default().cast_unsigned());
        let mut offsets = Vec::with_capacity(codes.len() + 1);
        offsets.push(0);
        self.check_size(u64::MAX)?;
        let mut end = 0i32;
        offsets.extend(codes.iter().map(|&code| {
            end = end.wrapping_add(lengths.get(index(code)).copied().unwrap_or_default());
            end
        }));
        let size = index(end.cast_unsigned());
        let mut bytes = vec![0; size.saturating_add(ROOM)];
        match longest.div_ceil(size_of::<u64>()) {
            0 => {}
            1 => place::<1>(entries, codes, &lengths, &mut bytes),
            2 => place::<2>(entries, codes, &lengths, &mut bytes),
            // Not so many entries that filling them up to whole words takes more than the values.
            3..=8 if entries.len() <= codes.len() / 4 => place::<8>(entries, codes, &lengths, &mut bytes),
            _ => {
                let mut rest = bytes.as_mut_slice();
                for &code in codes {
                    let entry = entries.get(index(code));
                    if let Some(to) = rest.split_off_mut(..entry.len()) {
                        to.copy_from_slice(entry);
                    }
                }
            }
        }
        bytes.truncate(size);
        VarBytes::new(offsets, bytes)
    }
}

/// Copies the entry of each code, all of `N` words at once; what is behind an entry is overwritten by the next.
fn place<const N: usize>(entries: &VarBytes, codes: &[u32], lengths: &[i32], bytes: &mut [u8]) {
    const { assert!(N * size_of::<u64>() <= ROOM) }
    let words = |entry: &[u8]| {
        let mut words = [[0; size_of::<u64>()]; N];
        words.as_flattened_mut().iter_mut().zip(entry).for_each(|(to, &from)| *to = from);
        words.map(u64::from_le_bytes)
    };
    let filled: Vec<([u64; N], i32)> = entries.iter().map(words).zip(lengths.iter().copied()).collect();
    let mut at = 0;
    for &code in codes {
        let Some((words, length)) = filled.get(index(code)) else { continue };
        // One store per word is far quicker than vectors that overlap.
        if let Some(to) = bytes.get_mut(at..at + N * size_of::<u64>()) {
            to.as_chunks_mut().0.iter_mut().zip(words).for_each(|(to, word)| *to = word.to_le_bytes());
        }
        at += index(length.cast_unsigned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_expanded_whatever_the_lengths_of_entries() {
        let lengths: [&[usize]; 8] =
            [&[0], &[0, 0], &[3, 3, 3], &[0, 1, 16], &[17, 2], &[64, 0, 33], &[65, 1], &[300, 300, 0]];
        for lengths in lengths {
            let mut entries = VarBytes::default();
            for (index, &length) in lengths.iter().enumerate() {
                entries.push(&(0..length).map(|at| (index * 100 + at) as u8).collect::<Vec<_>>()).unwrap();
            }
            for count in [0usize, 1, 2, 5, 100, 1001] {
                let codes: Vec<u32> = (0..count).map(|row| (row * row % lengths.len()) as u32).collect();
                let coded = Codes { codes: codes.clone(), entries: Arc::new(entries.clone()) };
                let text = coded.expand().unwrap();
                assert_eq!(text, entries.gather(&codes).unwrap(), "{lengths:?} {count}");
                assert_eq!(coded.size(), to_u64(text.bytes().len()));
                coded.check_size(coded.size()).unwrap();
                if let Some(less) = coded.size().checked_sub(1) {
                    let error = coded.check_size(less).unwrap_err();
                    assert_eq!(error.code(), crate::error::Code::LimitExceeded);
                }
            }
        }
    }
}
