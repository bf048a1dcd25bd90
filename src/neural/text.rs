//! The model of text: bytes of one value after the other, a zero behind each.
//!
//! Contexts are the bytes before within the value, the whole prefix beside earlier rows and beside the parents, words,
//! and what stands above. Candidates continue an earlier value with the same prefix: the row before, the last rows beside
//! the same parents, and wherever the last five bytes stood before.

use super::coder::BitCoder;
use super::predictor::{CANDIDATES, CONTEXTS, Gates, Predictor, Rates, Shape, hash};
use super::symbols::Row;
use crate::column::VarBytes;
use crate::error::{Error, Result};

/// Ends a value.
const END: u8 = 0;
/// Stands before a byte 0 or 1 of the value, which is written as itself plus one.
const ESCAPE: u8 = 1;
/// Entries of the table of earlier places.
const MATCH_BITS: u32 = 16;
/// Bytes that a match must have in common.
const MATCH: usize = 5;

/// The model of one column.
pub struct TextModel {
    predictor: Predictor,
    /// All coded bytes, with zeros behind values.
    stream: Vec<u8>,
    places: Vec<u32>,
    /// Start of the last value beside parents, by their hash, and how often it was right.
    last: Vec<(u32, u32, u32)>,
    row_before: usize,
    hash_before: u32,
    hash_before2: u32,
}

/// A place in the stream that goes on as the value does, so far.
#[derive(Clone, Copy, Default)]
struct Follow {
    place: usize,
    length: u32,
    active: bool,
}

const LAST_BITS: u32 = 14;

impl TextModel {
    pub fn new(table_bits: u32) -> Self {
        TextModel {
            predictor: Predictor::new(Shape {
                direct: 0,
                hashed: table_bits,
                gates: [32 * 8, 16, 256],
                refinements: [256 * 8, 4096],
                rates: Rates { slot_limit: 127, map_limit: 1023, mixer: 3 },
            }),
            stream: vec![END],
            places: vec![0; 1 << MATCH_BITS],
            last: vec![(0, 0, 0); 1 << LAST_BITS],
            row_before: 0,
            hash_before: 0,
            hash_before2: 0,
        }
    }

    fn byte(&self, place: usize) -> u8 {
        self.stream.get(place).copied().unwrap_or(END)
    }

    /// Codes a value, adding it to `values`; `value` is looked at when encoding.
    ///
    /// # Errors
    /// `corrupt` for a decoded stream that ends early or has more than `limit` bytes.
    pub fn code<C: BitCoder>(&mut self, coder: &mut C, value: &[u8], row: &Row, values: &mut VarBytes, limit: usize) -> Result<()> {
        let [a, b, c] = row.parents;
        let ab = hash(a, b);
        let abc = hash(ab, c);
        let last_keys = match row.num_parents {
            0 => [hash(self.hash_before, 1), hash(hash(self.hash_before, self.hash_before2), 2)],
            1 => [hash(a, 1), hash(hash(a, self.hash_before), 2)],
            2 => [hash(a, 1), hash(ab, 2)],
            _ => [hash(ab, 1), hash(abc, 2)],
        };
        let slot = |key: u32| (key >> (32 - LAST_BITS)) as usize;
        let start = self.stream.len();
        let mut follows = [Follow::default(); CANDIDATES];
        for (follow, key) in follows.iter_mut().zip(last_keys) {
            let (check, place, run) = self.last.get(slot(key)).copied().unwrap_or_default();
            if check == key | 1 {
                *follow = Follow { place: place as usize, length: run.min(7), active: true };
            }
        }
        follows[2] = Follow { place: self.row_before, length: 0, active: true };
        let first = follows;
        let mut prefix = 0x1234_5678u32;
        let mut word = 0u32;
        let mut word_before = 0u32;
        let mut out = Vec::new();
        let mut source = value.iter().copied();
        let mut pending: Option<u8> = None;
        let mut same_as_above = true;
        let mut classes = 0u32;
        loop {
            coder.check()?;
            let byte = match pending.take() {
                Some(byte) => byte,
                None => match source.next() {
                    Some(byte @ (0 | 1)) => {
                        pending = Some(byte + 1);
                        ESCAPE
                    }
                    Some(byte) => byte,
                    None => END,
                },
            };
            let at = self.stream.len();
            let position = (at - start) as u32 & 0xffff;
            let back = |n: usize| u32::from(if at - start >= n { self.byte(at - n) } else { 0 });
            let (c1, c2, c3, c4) = (back(1), back(2), back(3), back(4));
            let o2 = c1 | c2 << 8;
            let o3 = o2 | c3 << 16;
            let o4 = o3 | c4 << 24;
            let o5 = hash(o4, back(5));
            let o6 = hash(o5, back(6));
            let above = self.row_before + position as usize;
            let above = if above < start { above } else { start - 1 };
            let (up, up_next) = (u32::from(self.byte(above)), u32::from(self.byte(above + 1)));
            let parents = row.num_parents;
            let contexts: [u32; CONTEXTS] = [
                hash(c1, 0x100),
                hash(o2, 0x200),
                hash(o3, 0x300),
                hash(o4, 0x400),
                if parents > 0 { hash(o6, 0x500) } else { hash(o6, 0x500) },
                hash(prefix, 0x600),
                hash(prefix, hash(self.hash_before, 7)),
                if parents > 0 { hash(prefix, hash(a, 8)) } else { hash(o5, 8) },
                if parents > 1 { hash(prefix, hash(b, 9)) } else { hash(hash(prefix, self.hash_before), self.hash_before2) },
                if parents > 1 { hash(prefix, hash(ab, 10)) } else { hash(position, hash(up | up_next << 8, 10)) },
                if parents > 2 { hash(prefix, hash(abc, 11)) } else { hash(position, hash(o2, 11)) },
                hash(word, hash(word_before, 12)),
                hash(word, 0xd00),
                hash(up | up_next << 8 | c1 << 16 | u32::from(same_as_above) << 24, 14),
            ];
            let mut bases = [0; CONTEXTS];
            let mut node = 1u32;
            let mut coded = 1u32;
            if !follows[3].active && at - start >= MATCH {
                let key = hash(o5, 77) >> (32 - MATCH_BITS);
                let place = self.places.get(key as usize).copied().unwrap_or_default() as usize;
                let shared = (1..=20usize).take_while(|&n| place > n && self.byte(place - n) == self.byte(at - n)).count() as u32;
                if place > 0 && shared >= 3 {
                    follows[3] = Follow { place, length: shared, active: true };
                }
            }
            for depth in 0..8u32 {
                if depth % 4 == 0 {
                    node = 1;
                    for (number, (base, context)) in (0u32..).zip(bases.iter_mut().zip(contexts)) {
                        *base = self.predictor.find(hash(context.wrapping_add(number.wrapping_mul(0x3d4d_51cb)), coded));
                    }
                }
                let slots = bases.map(|base| base + node);
                let mut candidates = [0; CANDIDATES];
                let mut agreement = 0;
                let mut said = [0u32; CANDIDATES];
                for (index, (candidate, follow)) in candidates.iter_mut().zip(&follows).enumerate() {
                    if !follow.active {
                        continue;
                    }
                    let expected = u32::from(self.byte(follow.place)) | 256;
                    if expected >> (8 - depth) == coded {
                        let bit = expected >> (7 - depth) & 1;
                        *candidate = 1 + 2 * (follow.length.min(15) * 8 + depth) + bit;
                        agreement |= 1usize << index;
                        said[index] = 1 + bit;
                    }
                }
                let gates = Gates {
                    gates: [
                        (node + if depth < 4 { 0 } else { 16 }) as usize * 8 + (agreement & 7),
                        agreement,
                        c1 as usize,
                    ],
                    refinements: [coded as usize * 8 + (agreement & 3) * 2 + usize::from(agreement >> 3 > 0), (hash(o2, coded) & 4095) as usize],
                };
                let p = self.predictor.predict(&slots, &candidates, &gates);
                let bit = coder.code(byte >> (7 - depth) & 1 == 1, p);
                self.predictor.update(bit);
                node = node << 1 | u32::from(bit);
                coded = coded << 1 | u32::from(bit);
            }
            // Eight bits behind a leading one.
            let byte = (coded & 255) as u8 & u8::MAX;
            for follow in &mut follows {
                if follow.active {
                    if self.byte(follow.place) == byte {
                        follow.place += 1;
                        follow.length = (follow.length + 1).min(31);
                    } else {
                        *follow = Follow::default();
                    }
                }
            }
            same_as_above &= up == u32::from(byte);
            self.stream.push(byte);
            if byte == END {
                break;
            }
            if at - start >= MATCH {
                let key = hash(o5, 77) >> (32 - MATCH_BITS);
                if let Some(slot) = self.places.get_mut(key as usize) {
                    *slot = at as u32;
                }
            }
            prefix = hash(prefix, u32::from(byte));
            let letter = byte.is_ascii_alphanumeric() || byte >= 0x80;
            classes = classes << 2 | if byte.is_ascii_digit() { 1 } else if letter { 2 } else { 3 };
            if letter {
                word = hash(word, u32::from(byte.to_ascii_lowercase()) + 1);
            } else if word != 0 {
                word_before = word;
                word = 0;
            }
            if C::DECODES {
                out.push(byte);
                if out.len() > limit {
                    return Err(Error::corrupt("text of a neural chunk is longer than it says"));
                }
            }
        }
        let end = self.stream.len() - 1;
        for (key, first) in last_keys.into_iter().zip(first) {
            let same = first.active && self.stream.get(first.place..first.place + (end - start) + 1) == self.stream.get(start..=end);
            if let Some(slot) = self.last.get_mut(slot(key)) {
                *slot = (key | 1, start as u32, if same { first.length + 1 } else { 0 });
            }
        }
        self.row_before = start;
        self.hash_before2 = self.hash_before;
        self.hash_before = prefix;
        if C::DECODES {
            values.push(&unescape(&out)?)?;
        }
        Ok(())
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
