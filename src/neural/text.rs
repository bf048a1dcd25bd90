//! The model of text: the bytes of one value after the other, a zero behind each.
//!
//! Contexts are the bytes before within the value, the whole prefix beside earlier rows and beside the parents, words,
//! and what stands above. Candidates go on as an earlier value with the same prefix did: the last values beside the same
//! parents, the value of the row before, and wherever the last five bytes stood before.

use super::coder::BitCoder;
use super::predictor::{CANDIDATES, CONTEXTS, Gates, Predictor, Shape, hash};
use super::symbols::Row;
use crate::column::VarBytes;
use crate::error::{Error, Result};

/// Ends a value.
const END: u8 = 0;
/// Stands before a byte 0 or 1 of the value, which is written as itself plus one.
const ESCAPE: u8 = 1;
/// Bytes that a match must have in common.
const MATCH: usize = 5;
/// Bytes that are compared to know how long a match is.
const MAX_MATCH: usize = 20;
/// Hash of no bytes.
const EMPTY: u32 = 0x1234_5678;

/// Where a value began beside a key, and how often in a row the one before was the same.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    check: u32,
    start: usize,
    run: u32,
}

/// A place in the stream that has gone on as the value does, so far.
#[derive(Clone, Copy, Debug, Default)]
struct Follow {
    place: usize,
    length: u32,
    active: bool,
}

/// The part of a value that is coded.
struct Prefix {
    start: usize,
    hash: u32,
    word: u32,
    word_before: u32,
    as_above: bool,
}

/// The model of one column.
#[derive(Debug)]
pub struct TextModel {
    predictor: Predictor,
    /// All coded bytes, with zeros behind values.
    stream: Vec<u8>,
    /// Places by the hash of the five bytes before.
    matches: Vec<u32>,
    match_bits: u32,
    /// Places by the hash of parents.
    beside: Vec<Place>,
    beside_bits: u32,
    /// Start of the value before.
    above: usize,
    /// Hashes of the two values before.
    before: [u32; 2],
}

impl TextModel {
    /// A model with `2^table_bits` buckets.
    pub fn new(table_bits: u32) -> Self {
        let shape = Shape { direct: 0, hashed: table_bits, gates: [32 * 8, 16, 256], refinements: [256 * 8, 4096] };
        let (match_bits, beside_bits) = (table_bits.clamp(8, 16), table_bits.clamp(8, 14));
        TextModel {
            predictor: Predictor::new(shape),
            stream: vec![END],
            matches: vec![0; 1 << match_bits],
            match_bits,
            beside: vec![Place::default(); 1 << beside_bits],
            beside_bits,
            above: 0,
            before: [0; 2],
        }
    }

    /// Codes a value, adding it to `values` when decoding; `value` is looked at when encoding.
    ///
    /// # Errors
    /// `corrupt` for a stream that has ended, or of values that are longer than `limit` bytes.
    #[inline(never)]
    pub fn code(
        &mut self,
        coder: &mut dyn BitCoder,
        value: &[u8],
        row: &Row,
        values: &mut VarBytes,
        limit: usize,
    ) -> Result<()> {
        let [a, b, c] = row.parents;
        let ab = hash(a, b);
        let [before, before2] = self.before;
        let keys = match row.num_parents {
            0 => [hash(before, 1), hash(hash(before, before2), 2)],
            1 => [hash(a, 1), hash(hash(a, before), 2)],
            2 => [hash(a, 1), hash(ab, 2)],
            _ => [hash(ab, 1), hash(hash(ab, c), 2)],
        };
        let mut prefix = Prefix { start: self.stream.len(), hash: EMPTY, word: 0, word_before: 0, as_above: true };
        let [first, second] = keys.map(|key| self.follow_beside(key));
        let row_before = Follow { place: self.above, length: 0, active: true };
        let mut follows = [first, second, row_before, Follow::default()];
        let mut source = value.iter().copied();
        let mut escaped = None;
        let mut out = Vec::new();
        loop {
            coder.check()?;
            let byte = match escaped.take() {
                Some(byte) => byte,
                None => match source.next() {
                    Some(byte @ (0 | 1)) => {
                        escaped = Some(byte + 1);
                        ESCAPE
                    }
                    Some(byte) => byte,
                    None => END,
                },
            };
            let byte = self.code_byte(coder, byte, row, &prefix, &mut follows);
            self.learn(byte, &mut prefix, &mut follows);
            if byte == END {
                break;
            }
            if coder.decodes() {
                out.push(byte);
                // Escapes make at most two bytes of one.
                if out.len() > limit.saturating_mul(2) {
                    return Err(Error::corrupt("text of a neural chunk is longer than it says"));
                }
            }
        }
        let length = self.stream.len() - prefix.start;
        for (key, follow) in keys.into_iter().zip([first, second]) {
            let same = follow.active
                && self.stream.get(follow.place..follow.place + length) == self.stream.get(prefix.start..);
            let run = if same { follow.length + 1 } else { 0 };
            if let Some(place) = self.beside.get_mut((key >> (32 - self.beside_bits)) as usize) {
                *place = Place { check: key | 1, start: prefix.start, run };
            }
        }
        self.above = prefix.start;
        self.before = [prefix.hash, before];
        if coder.decodes() {
            let value = unescape(&out)?;
            if value.len() > limit {
                return Err(Error::corrupt("text of a neural chunk is longer than it says"));
            }
            values.push(&value)?;
        }
        Ok(())
    }

    fn follow_beside(&self, key: u32) -> Follow {
        match self.beside.get((key >> (32 - self.beside_bits)) as usize) {
            Some(place) if place.check == key | 1 => {
                Follow { place: place.start, length: place.run.min(7), active: true }
            }
            _ => Follow::default(),
        }
    }

    fn byte(&self, place: usize) -> u8 {
        self.stream.get(place).copied().unwrap_or(END)
    }

    /// The byte `n` before the next, within the value.
    fn back(&self, prefix: &Prefix, n: usize) -> u32 {
        let at = self.stream.len();
        u32::from(if at - prefix.start >= n { self.byte(at - n) } else { 0 })
    }

    /// Hash of the five bytes before the next.
    fn five(&self, prefix: &Prefix) -> u32 {
        let four = (1..=4).fold(0, |all, n| all | self.back(prefix, n) << (8 * (n - 1)));
        hash(four, self.back(prefix, 5))
    }

    /// The byte above the next, and the one behind it.
    fn above(&self, prefix: &Prefix) -> (u32, u32) {
        let above = (self.above + (self.stream.len() - prefix.start)).min(prefix.start - 1);
        (u32::from(self.byte(above)), u32::from(self.byte(above + 1)))
    }

    fn find_match(&self, prefix: &Prefix) -> Follow {
        let at = self.stream.len();
        if at - prefix.start < MATCH {
            return Follow::default();
        }
        let key = hash(self.five(prefix), 77) >> (32 - self.match_bits);
        let place = self.matches.get(key as usize).map_or(0, |&place| place as usize);
        let is_same = |n: &usize| place > *n && self.byte(place - n) == self.byte(at - n);
        let shared = (1..=MAX_MATCH).take_while(is_same).zip(1..).last().map_or(0, |(_, shared)| shared);
        Follow { place, length: shared, active: shared >= 3 }
    }

    fn contexts(&self, row: &Row, prefix: &Prefix) -> [u32; CONTEXTS] {
        let [a, b, c] = row.parents;
        let ab = hash(a, b);
        let [before, before2] = self.before;
        let c1 = self.back(prefix, 1);
        let o2 = c1 | self.back(prefix, 2) << 8;
        let o3 = o2 | self.back(prefix, 3) << 16;
        let o4 = o3 | self.back(prefix, 4) << 24;
        let o5 = hash(o4, self.back(prefix, 5));
        let position = u32::try_from(self.stream.len() - prefix.start).unwrap_or(u32::MAX);
        let (up, up_next) = self.above(prefix);
        let so_far = prefix.hash;
        let beside = |least: usize, parents: u32, other: u32| {
            if row.num_parents >= least { hash(so_far, parents) } else { other }
        };
        let contexts = [
            c1,
            o2,
            o3,
            o4,
            hash(o5, self.back(prefix, 6)),
            so_far,
            hash(so_far, before),
            beside(1, a, o5),
            beside(2, b, hash(hash(so_far, before), before2)),
            beside(2, ab, hash(position, up | up_next << 8)),
            beside(3, hash(ab, c), hash(position, o2)),
            hash(prefix.word, prefix.word_before),
            prefix.word,
            up | up_next << 8 | c1 << 16 | u32::from(prefix.as_above) << 24,
        ];
        let mut numbered = [0; CONTEXTS];
        for (number, (to, from)) in (0u32..).zip(numbered.iter_mut().zip(contexts)) {
            *to = hash(from, number + 1);
        }
        numbered
    }

    fn code_byte(
        &mut self,
        coder: &mut dyn BitCoder,
        byte: u8,
        row: &Row,
        prefix: &Prefix,
        follows: &mut [Follow; CANDIDATES],
    ) -> u8 {
        let contexts = self.contexts(row, prefix);
        let (c1, c2) = (self.back(prefix, 1), self.back(prefix, 2));
        if let Some(follow) = follows.last_mut().filter(|follow| !follow.active) {
            *follow = self.find_match(prefix);
        }
        let expected = follows.map(|follow| u32::from(self.byte(follow.place)) | 256);
        let mut bases = [0; CONTEXTS];
        let mut node = 1u32;
        // The bits so far, behind a one.
        let mut coded = 1u32;
        for depth in 0..8u32 {
            if depth % 4 == 0 {
                node = 1;
                for (base, context) in bases.iter_mut().zip(contexts) {
                    *base = self.predictor.find(hash(context, coded));
                }
            }
            let slots = bases.map(|base| base + node);
            let mut candidates = [0; CANDIDATES];
            let mut agreement = 0;
            for ((index, candidate), (follow, expected)) in (0..).zip(&mut candidates).zip(follows.iter().zip(expected))
            {
                if follow.active && expected >> (8 - depth) == coded {
                    let bit = expected >> (7 - depth) & 1;
                    *candidate = 1 + 2 * (follow.length.min(15) * 8 + depth) + bit;
                    agreement |= 1 << index;
                }
            }
            let half = depth / 4 * 16;
            let gates = Gates {
                gates: [(node + half) * 8 + (agreement & 7), agreement, c1],
                refinements: [coded * 8 + (agreement & 3) * 2 + (agreement >> 3), hash(c1 | c2 << 8, coded) & 4095],
            };
            let p = self.predictor.predict(&slots, &candidates, &gates);
            let bit = coder.code(byte >> (7 - depth) & 1 == 1, p);
            self.predictor.update(bit);
            node = node << 1 | u32::from(bit);
            coded = coded << 1 | u32::from(bit);
        }
        coded.to_le_bytes()[0]
    }

    fn learn(&mut self, byte: u8, prefix: &mut Prefix, follows: &mut [Follow; CANDIDATES]) {
        for follow in follows.iter_mut().filter(|follow| follow.active) {
            if self.stream.get(follow.place) == Some(&byte) {
                follow.place += 1;
                follow.length = (follow.length + 1).min(31);
            } else {
                *follow = Follow::default();
            }
        }
        prefix.as_above &= self.above(prefix).0 == u32::from(byte);
        let at = self.stream.len();
        if byte != END && at - prefix.start >= MATCH {
            let key = hash(self.five(prefix), 77) >> (32 - self.match_bits);
            if let (Some(place), Ok(at)) = (self.matches.get_mut(key as usize), u32::try_from(at)) {
                *place = at;
            }
        }
        self.stream.push(byte);
        if byte == END {
            return;
        }
        prefix.hash = hash(prefix.hash, byte.into());
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            prefix.word = hash(prefix.word, u32::from(byte.to_ascii_lowercase()) + 1);
        } else if prefix.word != 0 {
            prefix.word_before = prefix.word;
            prefix.word = 0;
        }
    }
}

fn unescape(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            ESCAPE => match bytes.next() {
                Some(escaped @ 1..=2) => escaped - 1,
                _ => return Err(Error::corrupt("unknown escape in the text of a neural chunk")),
            },
            byte => byte,
        });
    }
    Ok(out)
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::super::coder::{Decoder, Encoder};
    use super::*;

    fn round_trip(values: &[Vec<u8>]) -> usize {
        let row = |i: usize| Row { parents: [(i % 4) as u32, 7, 8], num_parents: i % 4, expected: None };
        let (mut encoder, mut model) = (Encoder::new(), TextModel::new(10));
        for (i, value) in values.iter().enumerate() {
            model.code(&mut encoder, value, &row(i), &mut VarBytes::default(), 0).unwrap();
        }
        let bytes = encoder.finish();
        let (mut decoder, mut model, mut decoded) = (Decoder::new(&bytes), TextModel::new(10), VarBytes::default());
        for (i, value) in values.iter().enumerate() {
            model.code(&mut decoder, &[], &row(i), &mut decoded, value.len()).unwrap();
        }
        decoder.finish().unwrap();
        assert!(decoded.iter().eq(values.iter().map(Vec::as_slice)));
        bytes.len()
    }

    #[test]
    fn text_and_bytes_come_back() {
        round_trip(&[]);
        round_trip(&[vec![], vec![0], vec![1, 2, 0, 1], vec![0xff; 300], vec![], (0..=255).collect()]);
        let lines = |i: u32| format!("The {i}th of several rows, {}", i * i).into_bytes();
        assert!(round_trip(&(0..400).map(lines).collect::<Vec<_>>()) < 2500);
    }

    #[test]
    fn text_beyond_its_size_is_refused() {
        let (mut encoder, mut model) = (Encoder::new(), TextModel::new(8));
        model.code(&mut encoder, b"four", &Row::default(), &mut VarBytes::default(), 4).unwrap();
        let bytes = encoder.finish();
        for (limit, fits) in [(4, true), (3, false), (0, false)] {
            let mut decoder = Decoder::new(&bytes);
            let result = TextModel::new(8).code(&mut decoder, &[], &Row::default(), &mut VarBytes::default(), limit);
            assert_eq!(result.is_ok(), fits);
        }
    }

    #[test]
    fn escapes_are_undone_and_others_refused() {
        assert_eq!(unescape(&[5, 1, 1, 1, 2]).unwrap(), [5, 0, 1]);
        for bad in [&[1][..], &[1, 3], &[7, 1, 9]] {
            assert!(unescape(bad).is_err());
        }
    }
}
