//! Which rows of a chunk match: one bit per row, 64 at a time.

use std::ops::Range;

use crate::column::Bitmap;

const BITS: usize = u64::BITS as usize;

/// One bit per row, least significant first; those behind the last row are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    words: Vec<u64>,
    len: usize,
}

impl Mask {
    /// `len` bits of one value.
    pub fn filled(len: usize, value: bool) -> Self {
        let mut mask = Mask { words: vec![if value { u64::MAX } else { 0 }; len.div_ceil(BITS)], len };
        mask.clear_tail();
        mask
    }

    /// The bits of a bitmap.
    pub fn from_bitmap(bitmap: &Bitmap) -> Self {
        let word = |bytes: &[u8]| {
            let mut raw = [0; 8];
            raw.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(raw)
        };
        Mask { words: bitmap.as_bytes().chunks(8).map(word).collect(), len: bitmap.len() }
    }

    /// A bit per value, whether it matches.
    #[inline]
    pub fn of<T: Copy>(values: &[T], matches: impl Fn(T) -> bool) -> Self {
        let word = |values: &[T]| {
            values.iter().enumerate().fold(0, |word, (bit, &value)| word | u64::from(matches(value)) << bit)
        };
        let (whole, rest) = values.as_chunks::<BITS>();
        // The length of an array lets the compiler compare many values at once.
        let mut words: Vec<u64> = whole.iter().map(|values| word(values)).collect();
        if !rest.is_empty() {
            words.push(word(rest));
        }
        Mask { words, len: values.len() }
    }

    /// Bits one after the other.
    #[inline]
    pub fn collect(bits: impl Iterator<Item = bool>) -> Self {
        let mut mask = Mask { words: Vec::with_capacity(bits.size_hint().0.div_ceil(BITS)), len: 0 };
        let mut word = 0;
        for bit in bits {
            word |= u64::from(bit) << (mask.len % BITS);
            mask.len += 1;
            if mask.len.is_multiple_of(BITS) {
                mask.words.push(std::mem::take(&mut word));
            }
        }
        if !mask.len.is_multiple_of(BITS) {
            mask.words.push(word);
        }
        mask
    }

    fn clear_tail(&mut self) {
        if let (Some(last), used @ 1..) = (self.words.last_mut(), self.len % BITS) {
            *last &= (1 << used) - 1;
        }
    }

    /// Keeps the bits that are set in the other mask of the same length, too.
    pub fn and(&mut self, other: &Mask) {
        self.words.iter_mut().zip(&other.words).for_each(|(to, from)| *to &= from);
    }

    /// Adds the bits that are set in the other mask of the same length.
    pub fn or(&mut self, other: &Mask) {
        self.words.iter_mut().zip(&other.words).for_each(|(to, from)| *to |= from);
    }

    /// The other rows.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.clear_tail();
        self
    }

    /// `value` for all rows, if it is so.
    pub fn constant(&self) -> Option<bool> {
        let ones: usize = self.words.iter().map(|word| word.count_ones() as usize).sum();
        match ones {
            0 => Some(false),
            ones => (ones == self.len).then_some(true),
        }
    }

    /// Bit `index`; false behind the end.
    pub fn get(&self, index: usize) -> bool {
        self.words.get(index / BITS).is_some_and(|word| word >> (index % BITS) & 1 == 1)
    }

    /// The positions of the set bits within a range.
    pub fn positions(&self, range: Range<usize>) -> Vec<u32> {
        let mut positions = Vec::new();
        let end = range.end.min(self.len);
        let words = self.words.iter().enumerate().take(end.div_ceil(BITS)).skip(range.start / BITS);
        for (index, &word) in words {
            let base = index * BITS;
            let mut left = word;
            if base < range.start {
                left &= u64::MAX << (range.start - base);
            }
            if end - base < BITS {
                left &= (1 << (end - base)) - 1;
            }
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                // A chunk has fewer than 2^32 rows.
                positions.push(u32::try_from(base + bit).unwrap_or(u32::MAX));
                left &= left - 1;
            }
        }
        positions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn masks_are_bits_one_by_one() {
        let mut next = noise(1);
        for len in [0, 1, 63, 64, 65, 127, 128, 200] {
            let bits: Vec<bool> = (0..len).map(|_| next().is_multiple_of(3)).collect();
            let others: Vec<bool> = (0..len).map(|_| next().is_multiple_of(2)).collect();
            let mask = Mask::of(&bits, |bit| bit);
            assert_eq!(mask, Mask::from_bitmap(&bits.iter().copied().collect()));
            assert_eq!(mask, Mask::collect(bits.iter().copied()));
            let other = Mask::of(&others, |bit| bit);
            let (mut both, mut either) = (mask.clone(), mask.clone());
            both.and(&other);
            either.or(&other);
            let inverted = mask.clone().inverted();
            for row in 0..len + 70 {
                let (a, b) = (bits.get(row) == Some(&true), others.get(row) == Some(&true));
                assert_eq!(mask.get(row), a);
                assert_eq!((both.get(row), either.get(row)), (a && b, a || b));
                assert_eq!(inverted.get(row), row < len && !a);
            }
            for _ in 0..20 {
                let (start, end) = (next() as usize % (len + 5), next() as usize % (len + 70));
                let expected: Vec<u32> = (start..end.min(len)).filter(|&row| bits[row]).map(|row| row as u32).collect();
                assert_eq!(mask.positions(start..end), expected, "{start}..{end} of {len}");
            }
        }
    }

    #[test]
    fn constant_masks_are_seen() {
        for len in [1, 64, 100] {
            assert_eq!(Mask::filled(len, true).constant(), Some(true));
            assert_eq!(Mask::filled(len, false).constant(), Some(false));
            let first: Vec<bool> = (0..len).map(|row| row > 0).collect();
            assert_eq!(Mask::of(&first, |bit| bit).constant(), if len == 1 { Some(false) } else { None });
        }
        assert_eq!(Mask::filled(0, true).constant(), Some(false));
    }
}
