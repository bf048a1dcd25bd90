//! The model of numbers and codes: the bits of each value from the top, in a tree.
//!
//! Codes are predicted from what stood at the same place before: earlier values, values of the parents, and values seen
//! beside the same parents. Numbers are also predicted by size: at each node of the tree it matters how far the middle
//! of its interval lies from what is expected (a linear combination of the parents, the previous value, the running mean
//! beside the same parents), whatever the interval.

use super::coder::BitCoder;
use super::predictor::{CANDIDATES, CONTEXTS, GATES, Gates, Predictor, Rates, Shape, hash};
use crate::error::Result;

/// Columns that one column can take as contexts.
pub const MAX_PARENTS: usize = 3;
/// Bits from the top that have all contexts; those below have an adaptive probability each.
const MODELLED_BITS: u32 = 24;
/// Slots of a directly addressed context for the bits of one place: a slot per class of distances.
const DISTANCES: u32 = 256;
/// Slots of a directly addressed context for guesses.
const GUESS_SLOTS: u32 = 2048;
/// Contexts by distance of the model of numbers.
const DIRECT: usize = 8;

/// Values that are tried before the tree.
pub const MAX_GUESSES: usize = 4;

/// Which contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Equal or not is all that counts.
    Codes,
    /// Values close to each other are alike.
    Numbers,
}

/// What was seen beside the same parents.
#[derive(Clone, Copy, Default)]
struct Seen {
    check: u32,
    /// How often the last value was the value before it, up to 15.
    run: u32,
    last: u64,
    before: u64,
    /// Running mean of value - expectation, times 16.
    mean: i64,
    count: i64,
}

struct Memory {
    entries: Vec<Seen>,
    bits: u32,
}

impl Memory {
    fn new(bits: u32) -> Self {
        Memory { entries: vec![Seen::default(); 1 << bits], bits }
    }

    fn at(&mut self, key: u32) -> &mut Seen {
        let index = (key >> (32 - self.bits)) as usize;
        #[expect(clippy::indexing_slicing, reason = "so many bits index as many entries")]
        let seen = &mut self.entries[index];
        if seen.check != key | 1 {
            *seen = Seen { check: key | 1, ..Seen::default() };
        }
        seen
    }
}

impl Seen {
    fn learn(&mut self, value: u64, expected: i64) {
        if self.count == 0 {
            self.before = value;
        } else if self.last == value {
            self.run = (self.run + 1).min(15);
        } else {
            self.before = self.last;
            self.run = 0;
        }
        self.last = value;
        let error = (value.cast_signed().wrapping_sub(expected)).clamp(-(1 << 52), 1 << 52) * 16;
        self.count = (self.count + 1).min(16);
        self.mean += (error - self.mean) / self.count;
    }
}

/// Distance in 256 classes, exact below 16 and four per octave above.
fn distance_class(distance: i64) -> u32 {
    let size = distance.unsigned_abs();
    let class = if size < 16 {
        size as u32 & 15
    } else {
        let octave = size.ilog2();
        (16 + (octave - 4) * 4 + ((size >> (octave - 2)) as u32 & 3)).min(127)
    };
    if distance < 0 { 128 + class } else { class }
}

/// Distance in 32 classes.
fn coarse_class(distance: i64) -> u32 {
    let size = distance.unsigned_abs();
    let class = if size < 4 { size as u32 & 3 } else { (2 + size.ilog2()).min(15) };
    if distance < 0 { 16 + class } else { class }
}

/// The model of one column.
pub struct SymbolModel {
    predictor: Predictor,
    kind: Kind,
    bits: u32,
    span: u32,
    memories: [Memory; CANDIDATES],
    history: [u64; 4],
    tail: Vec<u32>,
    parents: [u32; MAX_PARENTS],
    guesses: usize,
    /// Which guesses were right lately, two bits per row.
    hits: u32,
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

impl SymbolModel {
    /// A model of values below `2^bits`.
    pub fn new(kind: Kind, bits: u32, table_bits: u32, guesses: u8) -> Self {
        let span = bits * DISTANCES + GUESS_SLOTS;
        let direct = if kind == Kind::Numbers { DIRECT * span as usize / 16 } else { 0 };
        let shape = Shape {
            direct,
            hashed: table_bits,
            gates: match kind {
                Kind::Codes => [8 * 16, 8, 256],
                Kind::Numbers => [128 + 16, 8, 1024],
            },
            refinements: [1024, 4096],
            rates: Rates { slot_limit: if kind == Kind::Codes { 255 } else { 400 }, map_limit: 1023, mixer: 4 },
        };
        SymbolModel {
            predictor: Predictor::new(shape),
            kind,
            bits,
            memories: std::array::from_fn(|_| Memory::new(table_bits.saturating_sub(2).clamp(6, 15))),
            span,
            history: [0; 4],
            tail: vec![1 << 31; 64 * 4],
            parents: [0; MAX_PARENTS],
            guesses: usize::from(guesses).min(MAX_GUESSES),
            hits: 0,
        }
    }

    /// Codes the value of a row.
    pub fn code<C: BitCoder>(&mut self, coder: &mut C, value: u64, row: &Row) -> Result<u64> {
        coder.check()?;
        let fold = |value: u64| (value ^ value >> 32) as u32 & u32::MAX;
        let [s1, s2, s3, s4] = self.history.map(fold);
        let [a, b, c] = row.parents;
        let (v1, v2) = (self.history[0], self.history[1]);
        // Without parents the values before take their place.
        let keys = match row.num_parents {
            0 => [hash(s1, 1), hash(hash(s1, s2), 2), hash(hash(s1, s2), s3), hash(s1.wrapping_sub(s2), 4)],
            1 => [hash(a, 1), hash(hash(a, s1), 2), hash(hash(a, s1), s2), hash(s1, 4)],
            2 => [hash(a, 1), hash(hash(a, b), 2), hash(hash(hash(a, b), s1), 3), hash(hash(s1, a), 4)],
            _ => [hash(a, 1), hash(hash(a, b), 2), hash(hash(hash(a, b), c), 3), hash(hash(s1, a), 4)],
        };
        let mut seen = [Seen::default(); CANDIDATES];
        for ((seen, memory), key) in seen.iter_mut().zip(&mut self.memories).zip(keys) {
            *seen = *memory.at(key);
        }
        let slope = (v1.cast_signed()).wrapping_add(v1.wrapping_sub(v2).cast_signed());
        let expected = row.expected.unwrap_or(if row.num_parents == 0 { slope } else { 0 });
        let moved = self.parents[0] == a;
        let contexts: [u32; CONTEXTS] = match self.kind {
            Kind::Codes => {
                let (l0, l1) = (fold(seen[0].last), fold(seen[1].last));
                let b0 = fold(seen[0].before);
                let (ab, s12) = (hash(a, b), hash(s1, s2));
                match row.num_parents {
                    0 => [
                        0, s1, s12, hash(s12, s3), hash(hash(s12, s3), s4), s2, s3, hash(s1, s3), l0, hash(l0, s1), hash(l0, b0),
                        hash(hash(l0, b0), s1), hash(l1, s1), s1.wrapping_sub(s2),
                    ],
                    1 => [
                        0, s1, s12, hash(s12, s3), a, hash(a, s1), hash(a, s12), hash(a, s2), hash(a, l0), hash(hash(a, l0), b0),
                        hash(hash(a, l0), s1), hash(l0, b0), hash(hash(a, self.parents[0]), s1), hash(l0, s1),
                    ],
                    2 => [
                        0, s1, s12, a, b, ab, hash(a, s1), hash(b, s1), hash(ab, s1), hash(a, l0), hash(hash(a, l0), b0),
                        hash(ab, l1), hash(hash(ab, l1), l0), hash(hash(a, self.parents[0]), s1),
                    ],
                    _ => [
                        0, s1, hash(hash(a, self.parents[0]), s1), a, b, c, ab, hash(a, c), hash(b, c), hash(ab, c), hash(a, s1),
                        hash(hash(a, l0), b0), hash(ab, l1), hash(hash(ab, c), fold(seen[2].last)),
                    ],
                }
            }
            Kind::Numbers => {
                let ab = hash(a, b);
                let hashed = match row.num_parents {
                    0 => [0, s1, hash(s1, s2), s2, hash(hash(s1, s2), s3), s1.wrapping_sub(s2)],
                    1 => [0, s1, hash(s1, s2), a, hash(a, s1), hash(a, fold(seen[0].last))],
                    2 => [0, s1, a, b, ab, hash(a, s1)],
                    _ => [0, a, b, c, ab, hash(ab, c)],
                };
                let mut contexts = [0; CONTEXTS];
                contexts.iter_mut().zip(hashed).for_each(|(to, from)| *to = from);
                contexts
            }
        };
        let hashed = if self.kind == Kind::Codes { CONTEXTS } else { CONTEXTS - DIRECT };
        let limit = if self.bits >= 63 { i64::MAX } else { (1 << self.bits) - 1 };
        let near = |value: i64| value.clamp(0, limit);
        let means = [
            near(expected.wrapping_add(seen[0].mean / 16)),
            near(expected.wrapping_add(seen[1].mean / 16)),
            near(expected.wrapping_add(seen[2].mean / 16)),
        ];
        let expectations = [
            near(expected),
            near(v1.cast_signed()),
            near(seen[0].last.cast_signed()),
            means[0],
            near(seen[1].last.cast_signed()),
            means[1],
        ];

        let mut bases = [0; CONTEXTS];
        let mut slots = [0; CONTEXTS];
        let mut node = 1u32;
        let mut coded = 0u64;
        let mut guesses = [None; MAX_GUESSES];
        let mut right = None;
        if self.guesses > 0 {
            let listed = [
                (row.expected.map(|value| near(value).cast_unsigned()), 15),
                ((seen[2].count > 0).then_some(seen[2].last), seen[2].run),
                ((seen[2].count > 0).then_some(seen[2].before), 0),
                ((seen[1].count > 0).then_some(seen[1].last), seen[1].run),
                ((seen[1].count > 0).then_some(seen[1].before), 0),
                ((seen[0].count > 0).then_some(seen[0].last), seen[0].run),
                ((seen[0].count > 0).then_some(seen[0].before), 0),
            ];
            let mut number = 0;
            for (place, (guess, run)) in (0u32..).zip(listed) {
                let Some(guess) = guess.filter(|guess| number < self.guesses && !guesses.contains(&Some(*guess))) else { continue };
                if number == 0 {
                    for (index, (base, context)) in (0u32..).zip(bases.iter_mut().zip(contexts)).take(hashed) {
                        *base = self.predictor.find(hash(context.wrapping_add(index.wrapping_mul(0x3d4d_51cb)), 0x6775_6573));
                    }
                }
                guesses[number] = Some(guess);
                let state = (number as u32) << 8 | place << 4 | run;
                for (slot, base) in slots.iter_mut().zip(bases).take(hashed) {
                    *slot = base + 1 + number as u32;
                }
                if self.kind == Kind::Numbers {
                    // Places of bits end at 63, so that the last slots are free.
                    for (index, slot) in (0u32..).zip(slots.iter_mut().skip(hashed)) {
                        let context = match index {
                            0 => state,
                            1 => state ^ (self.hits & 255) << 4,
                            2 => hash(state, a),
                            3 => hash(state, self.hits & 0xffff),
                            4 => hash(guess as u32, state),
                            5 => hash(state, seen[1].run << 4 | seen[0].run),
                            6 => hash(state, b),
                            _ => hash(guess as u32, self.hits & 15),
                        };
                        *slot = index * self.span + self.bits * DISTANCES + context % GUESS_SLOTS;
                    }
                }
                let mut agreement = 0u32;
                for (index, seen) in seen.iter().enumerate() {
                    agreement |= u32::from(seen.count > 0 && seen.last == guess) << index;
                }
                let gates = Gates {
                    gates: [
                        if self.kind == Kind::Codes { 7 * 16 } else { 128 } + number * 4 + (run.min(3)) as usize,
                        (agreement & 7) as usize,
                        (state & 255) as usize,
                    ],
                    refinements: [(state & 1023) as usize, (hash(guess as u32, state) & 4095) as usize],
                };
                let mut candidates = [0; CANDIDATES];
                for (index, (candidate, seen)) in (0..).zip(candidates.iter_mut().zip(seen)) {
                    if seen.count > 0 {
                        *candidate = 1 + 2 * (seen.run * 8 + 7) + u32::from(seen.last == guess);
                    }
                    let _: u32 = index;
                }
                let p = self.predictor.predict(&slots, &candidates, &gates);
                let bit = coder.code(value == guess, p);
                self.predictor.update(bit);
                if bit {
                    right = Some(guess);
                    break;
                }
                number += 1;
            }
            self.hits = self.hits << 2 | number.min(3) as u32;
        }
        let bits = if let Some(value) = right {
            coded = value;
            0
        } else {
            self.bits
        };
        for depth in 0..bits.min(MODELLED_BITS) {
            let place = self.bits - 1 - depth;
            if depth % 4 == 0 {
                node = 1;
                let path = hash(coded as u32 & u32::MAX, depth + 1);
                for (number, (base, context)) in (0u32..).zip(bases.iter_mut().zip(contexts)).take(hashed) {
                    *base = self.predictor.find(hash(context.wrapping_add(number.wrapping_mul(0x3d4d_51cb)), path));
                }
            }
            let mut gates = Gates::default();
            for (slot, base) in slots.iter_mut().zip(bases).take(hashed) {
                *slot = base + node;
            }
            let full = if place >= 63 { 0 } else { coded << (place + 1) };
            let middle = (full | 1 << place).cast_signed();
            let path = hash(coded as u32 & u32::MAX, depth + 1);
            if self.kind == Kind::Numbers {
                let distance = |index: usize| expectations[index].wrapping_sub(middle);
                let mut direct = [0u32; DIRECT];
                for (index, direct) in direct.iter_mut().enumerate().take(6) {
                    *direct = place * 256 + distance_class(distance(index));
                }
                let coarse = |index: usize| coarse_class(distance(index));
                // Pairs of coarse classes share a place's slots with others: the hash is short on purpose.
                direct[6] = hash(coarse(0) << 5 | coarse(1), place) % (self.bits * DISTANCES);
                direct[7] = hash(coarse(3) << 10 | coarse(2) << 5 | coarse_class(means[2].wrapping_sub(middle)), place) % (self.bits * DISTANCES);
                for (index, direct) in (0u32..).zip(direct) {
                    slots[hashed + index as usize] = index * self.span + direct;
                }
                let inside = (expectations[0].cast_unsigned() ^ full) >> place >> 1 == 0;
                gates.gates[0] = (place * 2 + u32::from(inside)) as usize;
                gates.gates[2] = (coarse(3) << 5 | coarse(1)) as usize;
                gates.refinements[1] = (place * 32 + coarse(3)) as usize;
            } else {
                gates.gates[0] = ((depth / 4) * 16 + node) as usize;
                gates.gates[2] = (keys[0] & 255) as usize;
                gates.refinements[1] = (hash(keys[0], path) & 4095) as usize;
            }
            gates.refinements[0] = (path & 1023) as usize;
            let mut candidates = [0; CANDIDATES];
            for (candidate, seen) in candidates.iter_mut().zip(seen) {
                if seen.count > 0 && (seen.last ^ full) >> place >> 1 == 0 && !guesses.contains(&Some(seen.last)) {
                    let bit = (seen.last >> place) as u32 & 1;
                    *candidate = 1 + 2 * (seen.run * 8 + depth.min(7)) + bit;
                }
            }
            let active = |index: usize| usize::from(candidates[index] > 0);
            gates.gates[1] = active(0) + 2 * active(1) + 4 * active(2);
            let p = self.predictor.predict(&slots, &candidates, &gates);
            let bit = coder.code(value >> place & 1 == 1, p);
            self.predictor.update(bit);
            node = node << 1 | u32::from(bit);
            coded = coded << 1 | u64::from(bit);
        }
        for place in (0..bits.saturating_sub(MODELLED_BITS)).rev() {
            let guess = seen[2].last;
            let full = coded << 1 << place;
            let state = if (guess ^ full) >> place >> 1 == 0 { 1 + (guess >> place & 1) } else { 0 };
            let mut p = (1 << 31) >> 16;
            let index = place as usize * 4 + state as usize & 255;
            if let Some(slot) = self.tail.get_mut(index) {
                p = (*slot >> 16).clamp(1, 65535);
                let bit = coder.code(value >> place & 1 == 1, p);
                super::predictor::adapt(slot, bit, 1023);
                coded = coded << 1 | u64::from(bit);
            }
            let _ = p;
        }
        for (memory, key) in self.memories.iter_mut().zip(keys) {
            memory.at(key).learn(coded, expected);
        }
        self.history = [coded, v1, v2, self.history[2]];
        self.parents = row.parents;
        let _ = moved;
        Ok(coded)
    }
}
const _: () = assert!(GATES == 3);
