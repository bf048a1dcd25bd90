//! The probability of the next bit: adaptive counters under many contexts, mixed by a small gated network.
//!
//! ```text
//! contexts -> slots (probability and count) -> maps (what such a slot has meant so far) -> 2 inputs per context
//! candidates (values that are expected) ------------------------------------------------> 1 input each
//! inputs -> 3 mixers, the weights of each selected by a gate -> final mixer -> 2 refinements -> probability
//! ```
//! Logistic mixing is that of PAQ and lpaq (Mahoney 2005, 2007) and cmix (Knoll 2014); mixers that learn each on its own
//! loss and are selected by context are gated linear networks (Veness and others 2017, 2019). All arithmetic is on
//! integers that do not overflow, so that the order of additions, and with it vector instructions, change nothing.

#![expect(clippy::indexing_slicing, reason = "indices are masked or bounded by the sizes that `new` allocates")]

use super::logistic::{LIMIT, squash, stretch};

/// Contexts of one model.
pub const CONTEXTS: usize = 14;
/// Expected values of one model.
pub const CANDIDATES: usize = 4;
/// Mixers of the first layer.
pub const GATES: usize = 3;
const INPUTS: usize = 2 * CONTEXTS + CANDIDATES;

/// Slots of a bucket: a check and the 15 nodes of a tree of four bits.
const BUCKET: usize = 16;
#[derive(Clone)]
#[repr(align(64))]
struct Bucket([u32; BUCKET]);

/// A slot: 22 bits of probability, 10 bits of count.
const FRESH: u32 = 1 << 31;
const COUNT: u32 = 1023;

/// `65536 / (n + 1.5)`.
static RATES: [u32; 1024] = {
    let mut rates = [0; 1024];
    let mut n = 0;
    while n < 1024 {
        rates[n] = (131_072 / (2 * n + 3)) as u32;
        n += 1;
    }
    rates
};

/// Moves a slot towards a bit, by less the more often it was moved.
pub fn adapt(slot: &mut u32, bit: bool, limit: u32) {
    let (p, n) = (*slot >> 10, *slot & COUNT);
    let target = if bit { (1 << 22) - 1 } else { 0 };
    let step = ((target - i64::from(p)) * i64::from(RATES[n as usize])) >> 16;
    // Between 0 and 2^22 - 1, as the rate is below 1.
    let moved = (i64::from(p) + step) as u32;
    *slot = moved << 10 | if n < limit { n + 1 } else { n };
}

/// Class of a count: 16 of them.
static COUNT_CLASSES: [u8; 1024] = {
    let bounds = [1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50, 90, 160, 300, 600];
    let mut classes = [0; 1024];
    let mut n = 0;
    while n < 1024 {
        let mut class = 0;
        while class < 15 && n >= bounds[class] {
            class += 1;
        }
        classes[n] = class as u8;
        n += 1;
    }
    classes
};
/// Classes of counts times 32 of probability.
const MAP: usize = 512;

fn map_index(slot: u32, x: i32) -> usize {
    let class = usize::from(COUNT_CLASSES[(slot & COUNT) as usize]);
    // x is within +-2047.
    class * 32 + ((x + 2048) >> 7) as usize
}

/// Mixes two numbers into one whose bits all depend on both.
pub fn hash(a: u32, b: u32) -> u32 {
    let x = (a ^ b.wrapping_mul(0x9e37_79b1)).rotate_left(15).wrapping_mul(0x85eb_ca6b);
    let x = (x ^ x >> 13).wrapping_mul(0xc2b2_ae35);
    x ^ x >> 16
}

/// Weights that one value of a gate selects.
#[derive(Clone)]
struct Weights {
    values: [i16; INPUTS],
    seen: u32,
}

/// At most 32 x 2^15 x 2047, which is less than 2^31.
#[inline(never)]
fn dot(weights: &[i16; INPUTS], inputs: &[i16; INPUTS]) -> i32 {
    weights.iter().zip(inputs).map(|(&weight, &input)| i32::from(weight) * i32::from(input)).sum()
}

#[inline(never)]
fn train(weights: &mut [i16; INPUTS], inputs: &[i16; INPUTS], error: i16) {
    for (weight, &input) in weights.iter_mut().zip(inputs) {
        let step = (i32::from(input) * i32::from(error) + (1 << 15)) >> 16;
        *weight = weight.saturating_add(step as i16);
    }
}

pub fn tune(name: &'static str, default: i32) -> i32 {
    static MAP: std::sync::OnceLock<std::collections::HashMap<String, i32>> = std::sync::OnceLock::new();
    let map = MAP.get_or_init(|| {
        std::env::var("TUNE").unwrap_or_default().split(' ').filter_map(|p| p.split_once('=').map(|(a, b)| (a.to_string(), b.parse().unwrap()))).collect()
    });
    map.get(name).copied().unwrap_or(default)
}

/// How quickly a model learns.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Count at which the slots of hashed contexts stop slowing down.
    pub slot_limit: u32,
    /// Count at which maps do.
    pub map_limit: u32,
    /// Shift of the learning rate of weights that have learned long.
    pub mixer: u32,
}

/// Sizes of a model.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Buckets for directly addressed contexts, in front of the hashed ones.
    pub direct: usize,
    /// Logarithm of the number of hashed buckets.
    pub hashed: u32,
    /// Values of each gate.
    pub gates: [usize; GATES],
    /// Values of the two contexts of the refinements.
    pub refinements: [usize; 2],
    /// Learning rates.
    pub rates: Rates,
}

/// The network and its memory.
pub struct Predictor {
    shape: Shape,
    t: [i32; 9],
    buckets: Vec<Bucket>,
    maps: Vec<[u32; MAP]>,
    candidate_maps: Vec<[u32; 256]>,
    weights: [Vec<Weights>; GATES],
    final_weights: Vec<[i32; 4]>,
    refinements: [Vec<[u16; 33]>; 2],
    // What the last prediction was made of.
    slots: [u32; CONTEXTS],
    map_at: [usize; CONTEXTS],
    candidate_at: [usize; CANDIDATES],
    inputs: [i16; INPUTS],
    gate: [usize; GATES],
    outputs: [i32; 4],
    mixed: [u32; GATES],
    final_gate: usize,
    final_p: u32,
    refine_at: [(usize, usize); 2],
}

/// What selects weights and refinements for one bit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gates {
    /// A value per gate.
    pub gates: [usize; GATES],
    /// A value per refinement.
    pub refinements: [usize; 2],
}

const WEIGHT_LIMIT: i32 = 1 << 19;

impl Predictor {
    pub fn new(shape: Shape) -> Self {
        let first = Weights { values: std::array::from_fn(|i| (if i >= 2 * CONTEXTS { tune("w2", 4000) } else if i % 2 == 0 { tune("w0", 3000) } else { tune("w1", 3000) }) as i16), seen: 0 };
        let map: [u32; MAP] = std::array::from_fn(|i| {
            let center = (i % 32) as i32 * 128 + 64 - 2048;
            squash(center) << 16 | tune("mapn", 6) as u32
        });
        let refinement: [u16; 33] = std::array::from_fn(|i| u16::try_from(squash((i as i32 - 16) * 176)).unwrap_or(u16::MAX));
        Predictor {
            buckets: vec![Bucket([FRESH; BUCKET]); shape.direct + (1 << shape.hashed)],
            maps: vec![map; CONTEXTS],
            candidate_maps: vec![[squash(512) << 16 | 2; 256]; CANDIDATES],
            weights: [shape.gates[0], shape.gates[1] * (CONTEXTS + 1), shape.gates[2]].map(|values| vec![first.clone(); values]),
            final_weights: vec![[65536 / 3; 4]; shape.gates[0]],
            refinements: shape.refinements.map(|values| vec![refinement; values]),
            slots: [0; CONTEXTS],
            map_at: [0; CONTEXTS],
            candidate_at: [usize::MAX; CANDIDATES],
            inputs: [0; INPUTS],
            gate: [0; GATES],
            outputs: [0; 4],
            mixed: [0; GATES],
            final_gate: 0,
            final_p: 0,
            refine_at: [(0, 0); 2],
            t: [tune("rb", 16), tune("rx", 1024), tune("rd", 16), tune("fs", 15), tune("as", 6), tune("aw", 2), tune("slot", 0), tune("mx", 0), tune("mapl", 1023)],
            shape,
        }
    }

    /// The slots of a hashed context: 16 from the returned number, of which the first is taken.
    pub fn find(&mut self, context: u32) -> u32 {
        let check = context | 1;
        let mask = (1usize << self.shape.hashed) - 1;
        let first = (context.wrapping_mul(0x2c1b_3c6d) >> 7) as usize & mask;
        let at = |index: usize| ((self.shape.direct + index) * BUCKET) as u32;
        let (a, b) = (self.shape.direct + first, self.shape.direct + (first ^ 1));
        if self.buckets[a].0[0] == check {
            return at(first);
        }
        if self.buckets[b].0[0] == check {
            return at(first ^ 1);
        }
        // The root of the tree has counted how often a bucket was used.
        let use_count = |bucket: &Bucket| if bucket.0[0] == FRESH { 0 } else { 1 + (bucket.0[1] & COUNT) };
        let index = if use_count(&self.buckets[a]) <= use_count(&self.buckets[b]) { first } else { first ^ 1 };
        let bucket = &mut self.buckets[self.shape.direct + index].0;
        *bucket = [FRESH; BUCKET];
        bucket[0] = check;
        at(index)
    }

    /// Probability (16 bits) that the next bit is set, given its slots and what candidates say: 0 nothing, else
    /// `1 + 2 * confidence + bit` with a confidence below 128.
    pub fn predict(&mut self, slots: &[u32; CONTEXTS], candidates: &[u32; CANDIDATES], gates: &Gates) -> u32 {
        self.slots = *slots;
        let mut known = 0;
        for i in 0..CONTEXTS {
            let slot = self.buckets[slots[i] as usize / BUCKET].0[slots[i] as usize % BUCKET];
            let x = stretch(slot >> 20);
            let index = map_index(slot, x);
            self.map_at[i] = index;
            self.inputs[2 * i] = if slot & COUNT == 0 { 0 } else { x as i16 };
            self.inputs[2 * i + 1] = stretch(self.maps[i][index] >> 20) as i16;
            known += usize::from(slot & COUNT > 0);
        }
        for i in 0..CANDIDATES {
            let input = if candidates[i] == 0 {
                self.candidate_at[i] = usize::MAX;
                0
            } else {
                let said = candidates[i] as usize - 1;
                self.candidate_at[i] = said;
                let x = stretch(self.candidate_maps[i][said >> 1 & 127] >> 20);
                if said & 1 == 1 { x as i16 } else { -x as i16 }
            };
            self.inputs[2 * CONTEXTS + i] = input;
        }
        self.gate = gates.gates;
        // The second gate also tells how many contexts have been seen.
        self.gate[1] = self.gate[1] * (CONTEXTS + 1) + known;
        for g in 0..GATES {
            let x = (dot(&self.weights[g][self.gate[g]].values, &self.inputs) >> 14).clamp(-LIMIT, LIMIT - 1);
            self.outputs[g] = x;
            self.mixed[g] = squash(x);
        }
        self.final_gate = gates.gates[0];
        let weights = &self.final_weights[self.final_gate];
        let sum: i64 = (0..GATES).map(|g| i64::from(weights[g]) * i64::from(self.outputs[g])).sum();
        let x = ((sum >> 16) as i32).clamp(-LIMIT, LIMIT - 1);
        self.final_p = squash(x);
        let place = x + LIMIT;
        let (low, part) = ((place / 176) as usize, (place % 176) as u32);
        let aw = self.t[5] as u32; let mut p = 0;
        for r in 0..2 {
            let row = &self.refinements[r][gates.refinements[r]];
            let refined = (u32::from(row[low]) * (176 - part) + u32::from(row[low + 1]) * part) / 176;
            self.refine_at[r] = (gates.refinements[r], low + usize::from(part >= 88));
            p += refined;
        }
        ((aw * self.final_p + (4 - aw) * (p / 2)) / 4).clamp(1, 65535)
    }

    /// Learns what the bit was.
    pub fn update(&mut self, bit: bool) {
        let rates = self.shape.rates;
        for i in 0..CONTEXTS {
            let at = self.slots[i] as usize;
            adapt(&mut self.buckets[at / BUCKET].0[at % BUCKET], bit, if self.t[6] > 0 { self.t[6] as u32 } else { rates.slot_limit });
            adapt(&mut self.maps[i][self.map_at[i]], bit, self.t[8] as u32);
        }
        for i in 0..CANDIDATES {
            let said = self.candidate_at[i];
            if said != usize::MAX {
                adapt(&mut self.candidate_maps[i][said >> 1 & 127], (said & 1 == 1) == bit, self.t[8] as u32);
            }
        }
        let target = if bit { 65535 } else { 0 };
        let final_error = target - self.final_p as i32;
        let weights = &mut self.final_weights[self.final_gate];
        for g in 0..GATES {
            // Less than 2^12 x 2^16, shifted.
            weights[g] = (weights[g] + ((self.outputs[g] * (final_error >> 2) + (1 << (self.t[3] - 1))) >> self.t[3])).clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
        }
        for g in 0..GATES {
            let weights = &mut self.weights[g][self.gate[g]];
            let error = target - self.mixed[g] as i32;
            // Weights that have learned little learn up to five times faster.
            let rate = self.t[0] + self.t[1] / (self.t[2] + weights.seen as i32);
            weights.seen = (weights.seen + 1).min(1024);
            let error = ((error * rate) >> (4 + rates.mixer as i32 + self.t[7])).clamp(-32767, 32767) as i16;
            // Up to 16, no product rounds to a step.
            if error.unsigned_abs() > 16 {
                train(&mut weights.values, &self.inputs, error);
            }
        }
        for r in 0..2 {
            let (row, column) = self.refine_at[r];
            let p = &mut self.refinements[r][row][column];
            let step = (target - i32::from(*p)) >> self.t[4];
            // Between 0 and 65535.
            *p = (i32::from(*p) + step) as u16;
        }
    }
}
