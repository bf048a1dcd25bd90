//! The model of numbers and codes: the bits of each value from the top, in a tree.
//!
//! Codes are predicted from what stood in the same place before: earlier values, values of the parents, and values seen
//! beside the same parents. Numbers are also predicted by size: at each node of the tree it matters how far the middle
//! of its interval lies from what is expected (a linear combination of the parents, the value before, the running mean
//! beside the same parents), whatever the interval. Where values often repeat, a few guesses come before the tree: one
//! decision each instead of one per bit.

use super::coder::BitCoder;
use super::memory::{Memory, Seen};
use super::predictor::{CANDIDATES, CONTEXTS, FRESH, Gates, Predictor, Shape, adapt, hash};
use super::tables::tables;
use crate::error::Result;

/// Columns that one column can take as contexts.
pub const MAX_PARENTS: usize = 3;
/// Values that are tried before the tree.
pub const MAX_GUESSES: usize = 3;
/// Bits from the top that have all contexts; those below have an adaptive probability each.
pub const MODELLED_BITS: u32 = 24;
/// Contexts by distance of the model of numbers; the first slots of a model are theirs.
const DIRECT: usize = 8;
/// Slots of such a context per place of a bit: a slot per class of distances.
const DISTANCES: u32 = 256;
/// Slots of such a context for guesses.
const GUESS_SLOTS: u32 = 2048;
/// Stands for the path of a tree where a guess is coded.
const GUESS_PATH: u32 = 0x6775_6573;

/// Which contexts a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Equal or not is all that counts.
    Codes,
    /// Values close to each other are alike.
    Numbers,
}

/// What is known of a row besides the rows before it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    /// Classes of the parents' values.
    pub parents: [u32; MAX_PARENTS],
    /// How many there are.
    pub num_parents: usize,
    /// What the value should be by the parents' numbers.
    pub expected: Option<i64>,
}

/// Distance in 256 classes: exact below 16, then four per octave.
fn distance_class(distance: i64) -> u32 {
    let size = distance.unsigned_abs();
    let class = if size < 16 {
        low(size)
    } else {
        let octave = size.ilog2();
        (octave * 4 + (low(size >> (octave - 2)) & 3)).min(127)
    };
    if distance < 0 { 128 + class } else { class }
}

/// Distance in 32 classes: exact below 4, then one per octave.
fn coarse_class(distance: i64) -> u32 {
    let size = distance.unsigned_abs();
    let class = if size < 4 { low(size) } else { (2 + size.ilog2()).min(15) };
    if distance < 0 { 16 + class } else { class }
}

/// The low 32 bits.
fn low(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn fold(value: u64) -> u32 {
    low(value ^ value >> 32)
}

/// The model of one column.
#[derive(Debug)]
pub struct SymbolModel {
    predictor: Predictor,
    kind: Kind,
    bits: u32,
    guesses: usize,
    memories: [Memory; CANDIDATES],
    /// Slots below the modelled bits, four per place.
    tail: Vec<u32>,
    /// The last four values.
    history: [u64; 4],
    /// The first parent of the row before.
    parent_before: u32,
    /// Which guess was right in the last rows, two bits each; 3 for none.
    hits: u32,
}

/// What the contexts of one row are made of.
struct Surroundings {
    row: Row,
    seen: [Seen; CANDIDATES],
    keys: [u32; CANDIDATES],
    contexts: [u32; CONTEXTS],
    /// Numbers that the value may lie near.
    near: [i64; 7],
    guesses: [Option<u64>; MAX_GUESSES],
}

impl SymbolModel {
    /// A model of values below `2^bits`, with `2^table_bits` buckets.
    pub fn new(kind: Kind, bits: u32, table_bits: u32, guesses: u8) -> Self {
        let direct = if kind == Kind::Numbers { DIRECT * (bits * DISTANCES + GUESS_SLOTS) as usize } else { 0 };
        let gates = match kind {
            Kind::Codes => [(MODELLED_BITS as usize / 4 + 1) * 16, 8, 256],
            Kind::Numbers => [(bits as usize).max(1) * 2 + 16, 8, 1024],
        };
        SymbolModel {
            predictor: Predictor::new(Shape { direct, hashed: table_bits, gates, refinements: [1024, 4096] }),
            kind,
            bits,
            guesses: usize::from(guesses).min(MAX_GUESSES),
            memories: std::array::from_fn(|_| Memory::new(table_bits.saturating_sub(2).clamp(6, 15))),
            tail: vec![FRESH; bits as usize * 4],
            history: [0; 4],
            parent_before: 0,
            hits: 0,
        }
    }

    /// Codes the value of a row; `value` is looked at when encoding.
    ///
    /// # Errors
    /// `corrupt` for a stream that has ended.
    #[inline(never)]
    pub fn code(&mut self, coder: &mut dyn BitCoder, value: u64, row: &Row) -> Result<u64> {
        coder.check()?;
        let mut around = self.surroundings(row);
        let coded = match self.code_guesses(coder, value, &mut around) {
            Some(right) => right,
            None => {
                let top = self.code_tree(coder, value, &around);
                self.code_tail(coder, value, top, &around.seen[2])
            }
        };
        let expected = around.near[6];
        for (memory, key) in self.memories.iter_mut().zip(around.keys) {
            memory.learn(key, coded, expected);
        }
        let [v1, v2, v3, _] = self.history;
        self.history = [coded, v1, v2, v3];
        self.parent_before = row.parents[0];
        Ok(coded)
    }

    fn surroundings(&mut self, row: &Row) -> Surroundings {
        let [s1, s2, s3, s4] = self.history.map(fold);
        let [v1, v2, ..] = self.history;
        let [a, b, c] = row.parents;
        let (ab, s12) = (hash(a, b), hash(s1, s2));
        // Without parents the values before take their place.
        let keys = match row.num_parents {
            0 => [hash(s1, 1), hash(s12, 2), hash(s12, s3), hash(s1.wrapping_sub(s2), 4)],
            1 => [hash(a, 1), hash(hash(a, s1), 2), hash(hash(a, s1), s2), hash(s1, 4)],
            2 => [hash(a, 1), hash(ab, 2), hash(hash(ab, s1), 3), hash(hash(s1, a), 4)],
            _ => [hash(a, 1), hash(ab, 2), hash(hash(ab, c), 3), hash(hash(s1, a), 4)],
        };
        let mut seen = [Seen::default(); CANDIDATES];
        for ((seen, memory), key) in seen.iter_mut().zip(&mut self.memories).zip(keys) {
            *seen = memory.recall(key);
        }
        let (l0, l1, l2, b0) = (fold(seen[0].last), fold(seen[1].last), fold(seen[2].last), fold(seen[0].before));
        let (al0, turn) = (hash(a, l0), hash(hash(a, self.parent_before), s1));
        let mut contexts = [0; CONTEXTS];
        let chosen: &[u32] = match (self.kind, row.num_parents) {
            (Kind::Codes, 0) => &[
                0,
                s1,
                s12,
                hash(s12, s3),
                hash(hash(s12, s3), s4),
                s2,
                s3,
                hash(s1, s3),
                l0,
                hash(l0, s1),
                hash(l0, b0),
                hash(hash(l0, b0), s1),
                hash(l1, s1),
                s1.wrapping_sub(s2),
            ],
            (Kind::Codes, 1) => &[
                0,
                s1,
                s12,
                hash(s12, s3),
                a,
                hash(a, s1),
                hash(a, s12),
                hash(a, s2),
                al0,
                hash(al0, b0),
                hash(al0, s1),
                hash(l0, b0),
                turn,
                hash(l0, s1),
            ],
            (Kind::Codes, 2) => &[
                0,
                s1,
                s12,
                a,
                b,
                ab,
                hash(a, s1),
                hash(b, s1),
                hash(ab, s1),
                al0,
                hash(al0, b0),
                hash(ab, l1),
                hash(hash(ab, l1), l0),
                turn,
            ],
            (Kind::Codes, _) => &[
                0,
                s1,
                turn,
                a,
                b,
                c,
                ab,
                hash(a, c),
                hash(b, c),
                hash(ab, c),
                hash(a, s1),
                hash(al0, b0),
                hash(ab, l1),
                hash(hash(ab, c), l2),
            ],
            (Kind::Numbers, 0) => &[0, s1, s12, s2, hash(s12, s3), s1.wrapping_sub(s2)],
            (Kind::Numbers, 1) => &[0, s1, s12, a, hash(a, s1), al0],
            (Kind::Numbers, 2) => &[0, s1, a, b, ab, hash(a, s1)],
            (Kind::Numbers, _) => &[0, a, b, c, ab, hash(ab, c)],
        };
        for (number, (to, from)) in (0u32..).zip(contexts.iter_mut().zip(chosen)) {
            *to = from.wrapping_add(number.wrapping_mul(0x3d4d_51cb));
        }
        let limit = if self.bits >= 63 { i64::MAX } else { (1 << self.bits) - 1 };
        let within = |value: i64| value.clamp(0, limit);
        let slope = v1.cast_signed().wrapping_add(v1.wrapping_sub(v2).cast_signed());
        let trend = row.expected.unwrap_or(slope);
        let expected = row.expected.unwrap_or(if row.num_parents == 0 { slope } else { 0 });
        let about = |seen: &Seen| within(expected.wrapping_add(seen.mean()));
        let near = [
            within(trend),
            within(v1.cast_signed()),
            within(seen[0].last.cast_signed()),
            about(&seen[0]),
            within(seen[1].last.cast_signed()),
            about(&seen[1]),
            expected,
        ];
        Surroundings { row: *row, seen, keys, contexts, near, guesses: [None; MAX_GUESSES] }
    }

    /// Contexts that are hashed; the others are addressed by distance.
    fn num_hashed(&self) -> usize {
        if self.kind == Kind::Codes { CONTEXTS } else { CONTEXTS - DIRECT }
    }

    fn find(&mut self, contexts: &[u32; CONTEXTS], path: u32, bases: &mut [u32; CONTEXTS]) {
        for (base, &context) in bases.iter_mut().zip(contexts).take(self.num_hashed()) {
            *base = self.predictor.find(hash(context, path));
        }
    }

    /// Puts the slots of the contexts by distance behind the hashed ones.
    fn place_direct(&self, slots: &mut [u32; CONTEXTS], direct: &[u32; DIRECT]) {
        let span = self.bits * DISTANCES + GUESS_SLOTS;
        for ((number, slot), direct) in (0u32..).zip(slots.iter_mut().skip(CONTEXTS - DIRECT)).zip(direct) {
            *slot = number * span + direct;
        }
    }

    /// Whether the value is one of a few that are likely; if so, which.
    fn code_guesses(&mut self, coder: &mut dyn BitCoder, value: u64, around: &mut Surroundings) -> Option<u64> {
        if self.guesses == 0 {
            return None;
        }
        let seen = around.seen;
        let trend = around.row.expected.map(|_| around.near[0].cast_unsigned());
        let listed = [
            (trend, 15),
            (seen[2].last(), seen[2].run),
            (seen[2].before(), 0),
            (seen[1].last(), seen[1].run),
            (seen[1].before(), 0),
            (seen[0].last(), seen[0].run),
            (seen[0].before(), 0),
        ];
        let mut bases = [0; CONTEXTS];
        self.find(&around.contexts, GUESS_PATH, &mut bases);
        let [a, b, _] = around.row.parents;
        let mut right = None;
        let mut number = 0u32;
        for (place, (guess, run)) in (0u32..).zip(listed) {
            let Some(guess) = guess.filter(|&guess| !around.guesses.contains(&Some(guess))) else { continue };
            let Some(entry) = around.guesses.iter_mut().take(self.guesses).nth(number as usize) else { break };
            *entry = Some(guess);
            let state = number << 8 | place << 4 | run;
            let mut slots = bases.map(|base| base + 1 + number);
            if self.kind == Kind::Numbers {
                let direct = [
                    state,
                    state ^ (self.hits & 255) << 4,
                    hash(state, a),
                    hash(state, self.hits & 0xffff),
                    hash(low(guess), state),
                    hash(state, seen[1].run << 4 | seen[0].run),
                    hash(state, b),
                    hash(low(guess), self.hits & 15),
                ];
                self.place_direct(&mut slots, &direct.map(|context| self.bits * DISTANCES + context % GUESS_SLOTS));
            }
            let mut candidates = [0; CANDIDATES];
            let mut agreement = 0;
            for ((index, candidate), seen) in (0..).zip(&mut candidates).zip(&seen) {
                if let Some(last) = seen.last() {
                    let same = u32::from(last == guess);
                    *candidate = 1 + 2 * (seen.run * 8 + 7) + same;
                    agreement |= same << index;
                }
            }
            let first_gate = match self.kind {
                Kind::Codes => MODELLED_BITS * 4,
                Kind::Numbers => self.bits.max(1) * 2,
            };
            let gates = Gates {
                gates: [first_gate + number * 4 + run.min(3), agreement & 7, state & 255],
                refinements: [state, hash(low(guess), state) & 4095],
            };
            let p = self.predictor.predict(&slots, &candidates, &gates);
            let bit = coder.code(value == guess, p);
            self.predictor.update(bit);
            if bit {
                right = Some(guess);
                break;
            }
            number += 1;
        }
        self.hits = self.hits << 2 | number;
        right
    }

    /// The modelled bits of a value.
    fn code_tree(&mut self, coder: &mut dyn BitCoder, value: u64, around: &Surroundings) -> u64 {
        let mut bases = [0; CONTEXTS];
        let mut slots = [0; CONTEXTS];
        let mut node = 1u32;
        let mut coded = 0u64;
        let num_hashed = self.num_hashed();
        for depth in 0..self.bits.min(MODELLED_BITS) {
            let place = self.bits - 1 - depth;
            let path = hash(low(coded), depth + 1);
            if depth % 4 == 0 {
                node = 1;
                self.find(&around.contexts, path, &mut bases);
            }
            for (slot, base) in slots.iter_mut().zip(bases).take(num_hashed) {
                *slot = base + node;
            }
            // The bits above, zeros from here.
            let known = if place == 63 { 0 } else { coded << (place + 1) };
            let mut gates = Gates { refinements: [path & 1023, 0], ..Gates::default() };
            if self.kind == Kind::Numbers {
                let middle = (known | 1 << place).cast_signed();
                let distances = around.near.map(|near| near.wrapping_sub(middle));
                let [trend, before, last0, about0, _, about1, _] = distances.map(coarse_class);
                let fine = distances.map(distance_class);
                let row = place * DISTANCES;
                // Pairs share their slots with other places.
                let shared = self.bits * DISTANCES;
                let direct = [
                    row + fine[0],
                    row + fine[1],
                    row + fine[2],
                    row + fine[3],
                    row + fine[4],
                    row + fine[5],
                    hash(trend << 5 | before, place) % shared,
                    hash(about0 << 10 | last0 << 5 | about1, place) % shared,
                ];
                self.place_direct(&mut slots, &direct);
                let inside = (around.near[0].cast_unsigned() ^ known) >> place >> 1 == 0;
                gates.gates = [place * 2 + u32::from(inside), 0, about0 << 5 | before];
                gates.refinements[1] = (place * 32 + about0) & 4095;
            } else {
                gates.gates = [depth / 4 * 16 + node, 0, around.keys[0] & 255];
                gates.refinements[1] = hash(around.keys[0], path) & 4095;
            }
            let mut candidates = [0; CANDIDATES];
            for ((index, candidate), seen) in (0..).zip(&mut candidates).zip(&around.seen) {
                let follows = |last: u64| (last ^ known) >> place >> 1 == 0 && !around.guesses.contains(&Some(last));
                if let Some(last) = seen.last().filter(|&last| follows(last)) {
                    *candidate = 1 + 2 * (seen.run * 8 + depth.min(7)) + (low(last >> place) & 1);
                    gates.gates[1] |= 1 << index & 7;
                }
            }
            let p = self.predictor.predict(&slots, &candidates, &gates);
            let bit = coder.code(value >> place & 1 == 1, p);
            self.predictor.update(bit);
            node = node << 1 | u32::from(bit);
            coded = coded << 1 | u64::from(bit);
        }
        coded
    }

    /// The bits below, whether an earlier value still fits being all that is known of them.
    fn code_tail(&mut self, coder: &mut dyn BitCoder, value: u64, top: u64, seen: &Seen) -> u64 {
        let mut coded = top;
        for place in (0..self.bits.saturating_sub(MODELLED_BITS)).rev() {
            let follows = (seen.last ^ coded << 1 << place) >> place >> 1 == 0;
            let state = if follows { 1 + (low(seen.last >> place) & 1) } else { 0 };
            let mut bit = value >> place & 1 == 1;
            if let Some(slot) = self.tail.get_mut((place * 4 + state) as usize) {
                bit = coder.code(bit, (*slot >> 16).clamp(1, 65535));
                adapt(tables(), slot, bit, 1023);
            }
            coded = coded << 1 | u64::from(bit);
        }
        coded
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::super::coder::{Decoder, Encoder};
    use super::*;
    use crate::testing::noise;

    #[test]
    fn classes_grow_with_distance() {
        for class in [distance_class, coarse_class] {
            let mut last = 0;
            for distance in [0, 1, 2, 3, 5, 15, 16, 20, 31, 32, 100, 1 << 20, 1 << 31, i64::MAX] {
                assert!(class(distance) >= last, "{distance}");
                last = class(distance);
                assert_ne!(class(-distance - 1), last);
            }
        }
        assert_eq!((distance_class(i64::MIN), coarse_class(i64::MIN)), (255, 31));
        assert_eq!((distance_class(15), distance_class(16), distance_class(19), distance_class(20)), (15, 16, 16, 17));
    }

    #[test]
    fn values_of_any_width_come_back() {
        for bits in [0, 1, 3, 4, 5, 23, 24, 25, 33, 63, 64] {
            for (kind, guesses) in [(Kind::Codes, 0), (Kind::Numbers, 0), (Kind::Codes, 3), (Kind::Numbers, 2)] {
                let mut next = noise(bits.into());
                let rows: Vec<(u64, Row)> = (0..300)
                    .map(|i| {
                        let value = if bits == 0 { 0 } else { next() >> (64 - bits) };
                        let parents = [(i % 5) as u32, (i % 3) as u32, 9];
                        let expected = (i % 2 == 0).then_some(value.cast_signed().wrapping_sub(1));
                        (value, Row { parents, num_parents: i / 75, expected })
                    })
                    .collect();
                let (mut encoder, mut model) = (Encoder::new(), SymbolModel::new(kind, bits, 8, guesses));
                for (value, row) in &rows {
                    assert_eq!(model.code(&mut encoder, *value, row).unwrap(), *value);
                }
                let bytes = encoder.finish();
                let (mut decoder, mut model) = (Decoder::new(&bytes), SymbolModel::new(kind, bits, 8, guesses));
                for (value, row) in &rows {
                    assert_eq!(model.code(&mut decoder, 0, row).unwrap(), *value, "{bits} bits, {kind:?}");
                }
                decoder.finish().unwrap();
            }
        }
    }
}
