//! Bounds-checked little-endian access to bytes, and the store of byte ranges that a reader was given.
//!
//! The core never fetches. A parser asks a [`Segments`] for a range; if the host has not supplied it yet, the
//! parser stops with [`Interrupt::Need`], the host supplies it, and the parser is run again from the start.

use std::ops::Range;

use crate::error::{Error, Result};

/// Why a parser stopped.
#[derive(Debug)]
pub enum Interrupt {
    /// These absolute byte ranges are needed first.
    Need(Vec<Range<u64>>),
    /// The bytes are no good.
    Failed(Error),
}

impl From<Error> for Interrupt {
    fn from(error: Error) -> Self {
        Interrupt::Failed(error)
    }
}

/// Ends with a value, or asks for bytes and is run again.
pub type Step<T> = std::result::Result<T, Interrupt>;

/// Converts a length or offset that the file claims to an index; on a 32-bit target large ones do not fit.
pub fn to_usize(value: u64, what: &'static str) -> Result<usize> {
    usize::try_from(value).map_err(|_| Error::limit(what, value, usize::MAX as u64))
}

/// Widens an index to a file offset.
#[must_use]
pub fn to_u64(value: usize) -> u64 {
    // usize has at most 64 bits on every target of Rust.
    value as u64
}

/// The byte ranges of a file that the host has supplied so far.
#[derive(Debug, Default)]
pub struct Segments {
    size: u64,
    parts: Vec<(u64, Vec<u8>)>,
}

impl Segments {
    /// An empty store for a file of `size` bytes.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Segments { size, parts: Vec::new() }
    }

    /// The file's size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the bytes that start at the absolute offset `start`.
    ///
    /// # Errors
    /// `invalid-argument` when they reach past the end of the file.
    pub fn supply(&mut self, start: u64, bytes: Vec<u8>) -> Result<()> {
        let end = start.checked_add(to_u64(bytes.len()));
        if end.is_none_or(|end| end > self.size) {
            return Err(Error::invalid("bytes", "reach past the end of the file").at(start));
        }
        // A part that lies inside the new one answers nothing that the new one does not.
        let end = start + to_u64(bytes.len());
        self.parts.retain(|(at, part)| *at < start || at + to_u64(part.len()) > end);
        self.parts.push((start, bytes));
        Ok(())
    }

    /// Forgets all bytes.
    pub fn clear(&mut self) {
        self.parts.clear();
    }

    /// The bytes of `range`, or the need for them; `truncated` where it reaches past the end of the file.
    pub fn get(&self, range: Range<u64>) -> Step<&[u8]> {
        if range.end > self.size || range.start > range.end {
            let available = self.size.saturating_sub(range.start);
            let needed = range.end.saturating_sub(range.start);
            return Err(Error::truncated(needed, available).at(range.start).into());
        }
        if range.is_empty() {
            return Ok(&[]);
        }
        self.find(&range).ok_or_else(|| Interrupt::Need(vec![range]))
    }

    fn find(&self, range: &Range<u64>) -> Option<&[u8]> {
        self.parts.iter().find_map(|(at, part)| {
            let from = usize::try_from(range.start.checked_sub(*at)?).ok()?;
            let to = usize::try_from(range.end.checked_sub(*at)?).ok()?;
            part.get(from..to)
        })
    }

    /// The bytes from `start` to the end of the known part or of `max` bytes, at least `min` of them.
    pub fn prefix(&self, start: u64, min: u64, max: u64) -> Step<&[u8]> {
        let end = start.saturating_add(max).min(self.size);
        if let Some(all) = self.find(&(start..end)) {
            return Ok(all);
        }
        self.get(start..start.saturating_add(min))
    }
}

/// Reads little-endian values from a slice whose first byte has the absolute offset `base`.
#[derive(Clone, Debug)]
pub struct ByteReader<'a> {
    bytes: &'a [u8],
    position: usize,
    base: u64,
}

macro_rules! read_numbers {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(&mut self) -> Result<$type> {
                let mut raw = [0; size_of::<$type>()];
                raw.copy_from_slice(self.take(size_of::<$type>())?);
                Ok(<$type>::from_le_bytes(raw))
            }
        )*
    };
}

impl<'a> ByteReader<'a> {
    /// Reads `bytes`, the first of which has the absolute offset `base` (for errors).
    #[must_use]
    pub fn new(bytes: &'a [u8], base: u64) -> Self {
        ByteReader { bytes, position: 0, base }
    }

    /// Absolute offset of the next byte.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.base + to_u64(self.position)
    }

    /// Bytes left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The bytes that are left.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.position.checked_add(n);
        match end.and_then(|end| self.bytes.get(self.position..end)) {
            Some(taken) => {
                self.position += n;
                Ok(taken)
            }
            None => Err(Error::truncated(to_u64(n), to_u64(self.remaining())).at(self.offset())),
        }
    }

    read_numbers! {
        /// One byte.
        u8: u8;
        /// Unsigned 16 bits.
        u16: u16;
        /// Unsigned 32 bits.
        u32: u32;
        /// Unsigned 64 bits.
        u64: u64;
        /// Signed 32 bits.
        i32: i32;
    }
}

/// Eight bytes from a position on, the first one highest, with zeros behind the end.
#[must_use]
#[inline]
pub fn word_at(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match (rest.first_chunk(), bytes.last_chunk()) {
        (Some(word), _) => u64::from_be_bytes(*word),
        // Of the last eight bytes, those in front were before.
        (None, Some(last)) if !rest.is_empty() => u64::from_be_bytes(*last) << (64 - 8 * rest.len()),
        _ => rest.iter().zip((0..8).rev()).fold(0, |word, (&byte, place)| word | u64::from(byte) << (8 * place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(step: Step<&[u8]>) -> Range<u64> {
        match step {
            Err(Interrupt::Need(ranges)) => ranges[0].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn segments_ask_for_what_is_missing() {
        let mut segments = Segments::new(10);
        assert_eq!(need(segments.get(2..6)), 2..6);
        segments.supply(2, vec![2, 3, 4, 5]).unwrap();
        assert_eq!(segments.get(3..6).unwrap(), [3, 4, 5]);
        assert_eq!(need(segments.get(3..7)), 3..7);
        assert_eq!(segments.prefix(4, 1, 100).unwrap(), [4]);
        assert!(segments.get(10..10).unwrap().is_empty());
    }

    #[test]
    fn segments_refuse_ranges_past_the_end() {
        let mut segments = Segments::new(10);
        assert!(matches!(segments.get(8..11), Err(Interrupt::Failed(_))));
        assert!(matches!(segments.get(u64::MAX..u64::MAX), Err(Interrupt::Failed(_))));
        assert!(segments.supply(9, vec![0, 0]).is_err());
        assert!(segments.supply(u64::MAX, vec![0, 0]).is_err());
    }

    #[test]
    fn reader_stops_at_the_end() {
        let mut reader = ByteReader::new(&[1, 0, 0, 0, 9], 100);
        assert_eq!(reader.u32().unwrap(), 1);
        let error = reader.u16().unwrap_err();
        assert_eq!(error.offset(), Some(104));
        assert_eq!(reader.u8().unwrap(), 9);
    }
}
