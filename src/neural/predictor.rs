//! The probability of the next bit: adaptive counters under many contexts, mixed by a small gated network.
//!
//! ```text
//! contexts -> slots (probability and count) -> maps (what such a slot has meant so far) -> 2 inputs per context
//! candidates (values that are expected) ------------------------------------------------> 1 input each
//! inputs -> 3 mixers, the weights of each selected by a gate -> final mixer -> 2 refinements -> probability
//! ```
//! Logistic mixing, counters in hashed buckets, and refinement (adaptive probability maps) are those of PAQ and lpaq
//! (Mahoney 2005, 2007) and cmix (Knoll 2014); mixers that each learn on their own loss and are selected by context are
//! gated linear networks (Veness and others 2017, 2019). All arithmetic is on integers that do not overflow, so that the
//! order of additions, and with it vector instructions, change nothing.

#![expect(
    clippy::indexing_slicing,
    reason = "slots come from `find` or lie in front of the hashed ones; gates are cut to their sizes"
)]

use super::tables::{LIMIT, MAP, PROBABILITY_CLASSES, Tables, tables};

/// Contexts of one model.
pub const CONTEXTS: usize = 14;
/// Expected values of one model.
pub const CANDIDATES: usize = 4;
/// Mixers of the first layer.
pub const GATES: usize = 3;
const INPUTS: usize = 2 * CONTEXTS + CANDIDATES;

/// Slots of a bucket: a check and the 15 nodes of a tree of four bits.
const BUCKET: usize = 16;
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Bucket([u32; BUCKET]);

/// A slot has 22 bits of probability and 10 bits of count. This one is even, and so no check.
pub const FRESH: u32 = 1 << 31;
const COUNT: u32 = 1023;
/// Counts at which slots and maps stop slowing down.
const SLOT_LIMIT: u32 = 255;
const MAP_LIMIT: u32 = 1023;

/// Moves a slot towards a bit, by less the more often it was moved.
pub fn adapt(tables: &Tables, slot: &mut u32, bit: bool, limit: u32) {
    let (p, n) = (*slot >> 10, *slot & COUNT);
    let target = if bit { (1 << 22) - 1 } else { 0 };
    let step = ((target - i64::from(p)) * i64::from(tables.rate(n))) >> 16;
    // Between 0 and 2^22 - 1, as the rate is below 1.
    let moved = i64::from(p) + step;
    *slot = u32::try_from(moved).unwrap_or_default() << 10 | if n < limit { n + 1 } else { n };
}

/// Mixes two numbers into one whose bits all depend on both.
pub fn hash(a: u32, b: u32) -> u32 {
    let x = (a ^ b.wrapping_mul(0x9e37_79b1)).rotate_left(15).wrapping_mul(0x85eb_ca6b);
    let x = (x ^ x >> 13).wrapping_mul(0xc2b2_ae35);
    x ^ x >> 16
}

/// Weights that one value of a gate selects, in steps of 2^-14.
#[derive(Clone, Debug)]
struct Weights {
    values: [i16; INPUTS],
    /// How often they have been used, up to [`MAX_SEEN`].
    seen: i32,
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
        *weight = weight.saturating_add(narrow(step));
    }
}

/// Sizes of a model.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Slots for directly addressed contexts, a multiple of 16, in front of the hashed ones.
    pub direct: usize,
    /// Logarithm of the number of hashed buckets.
    pub hashed: u32,
    /// Values of each gate.
    pub gates: [usize; GATES],
    /// Values of the contexts of the refinements.
    pub refinements: [usize; 2],
}

/// What selects weights and refinements for one bit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gates {
    /// A value per gate; the first also selects the weights of the final mixer.
    pub gates: [u32; GATES],
    /// A value per refinement.
    pub refinements: [u32; 2],
}

/// Points of a refinement, 176 steps of the logistic domain apart.
const POINTS: usize = 33;
const STEP: i32 = 176;
/// Weights of the final mixer are in steps of 2^-16 and within +-8.
const FINAL_LIMIT: i32 = 1 << 19;
/// Classes of what a candidate's confidence can be.
const CONFIDENCES: usize = 128;

/// First weights, in steps of 2^-14, and the count that the slots of maps begin with.
const FIRST_WEIGHT: i16 = 800;
const FIRST_MAP_COUNT: u32 = 6;
/// Learning rate of weights that have been used `n` times: `base + extra / (delay + n)`, times 2^-shift.
const RATE_BASE: i32 = 16;
const RATE_EXTRA: i32 = 1024;
const RATE_DELAY: i32 = 16;
const MIXER_SHIFT: i32 = 6;
const MAX_SEEN: i32 = 1024;
/// Learning rates of the final mixer and of refinements, as shifts.
const FINAL_SHIFT: i32 = 14;
const REFINEMENT_SHIFT: i32 = 6;

/// What the last prediction was made of.
#[derive(Debug, Default)]
struct Last {
    slots: [u32; CONTEXTS],
    maps: [usize; CONTEXTS],
    candidates: [u32; CANDIDATES],
    inputs: [i16; INPUTS],
    gates: [usize; GATES],
    outputs: [i32; GATES],
    mixed: [i32; GATES],
    final_gate: usize,
    final_mixed: i32,
    refined: [(usize, usize); 2],
}

/// The network and its memory.
#[derive(Debug)]
pub struct Predictor {
    tables: &'static Tables,
    direct: usize,
    mask: usize,
    buckets: Vec<Bucket>,
    maps: Vec<[u32; MAP]>,
    candidate_maps: Vec<[u32; CONFIDENCES]>,
    weights: [Vec<Weights>; GATES],
    final_weights: Vec<[i32; GATES]>,
    refinements: [Vec<[u16; POINTS]>; 2],
    last: Last,
}

impl Predictor {
    pub fn new(shape: Shape) -> Self {
        let tables = tables();
        let first = Weights { values: [FIRST_WEIGHT; INPUTS], seen: 0 };
        // The middle of each class, and the value at each point.
        let mut map = [0; MAP];
        for (at, slot) in (0..).zip(&mut map) {
            let class = at % i32::from(PROBABILITY_CLASSES);
            *slot = tables.squash(128 * class - 1984) << 16 | FIRST_MAP_COUNT;
        }
        let mut points = [0; POINTS];
        for (at, point) in (0..).zip(&mut points) {
            *point = u16::try_from(tables.squash(STEP * at - LIMIT)).unwrap_or_default();
        }
        let [a, b, c] = shape.gates;
        Predictor {
            tables,
            direct: shape.direct / BUCKET,
            mask: (1 << shape.hashed) - 1,
            buckets: vec![Bucket([FRESH; BUCKET]); shape.direct / BUCKET + (1 << shape.hashed)],
            maps: vec![map; CONTEXTS],
            candidate_maps: vec![[tables.squash(512) << 16 | 2; CONFIDENCES]; CANDIDATES],
            // The second gate also tells how many contexts have been seen.
            weights: [a, b * (CONTEXTS + 1), c].map(|values| vec![first.clone(); values]),
            final_weights: vec![[65536 / 3; GATES]; a],
            refinements: shape.refinements.map(|values| vec![points; values]),
            last: Last::default(),
        }
    }

    /// The slots of a hashed context: 16 from the returned number, the first of them taken.
    pub fn find(&mut self, context: u32) -> u32 {
        let check = context | 1;
        let first = (context.wrapping_mul(0x2c1b_3c6d) >> 7) as usize & self.mask;
        let (a, b) = (self.direct + first, self.direct + (first ^ 1));
        let found = if self.buckets[a].0[0] == check {
            a
        } else if self.buckets[b].0[0] == check {
            b
        } else {
            // The root of the tree has counted how often a bucket was used; a fresh one has not been.
            let uses = |bucket: &Bucket| bucket.0[1] & COUNT;
            let index = if uses(&self.buckets[a]) <= uses(&self.buckets[b]) { a } else { b };
            let bucket = &mut self.buckets[index].0;
            *bucket = [FRESH; BUCKET];
            bucket[0] = check;
            index
        };
        // There are at most 2^20 buckets.
        u32::try_from(found * BUCKET).unwrap_or_default()
    }

    /// Probability (16 bits, neither 0 nor certain) that the next bit is set, given its slots and what candidates say:
    /// 0 nothing, else `1 + 2 x confidence + bit` with a confidence below 128.
    pub fn predict(&mut self, slots: &[u32; CONTEXTS], candidates: &[u32; CANDIDATES], gates: &Gates) -> u32 {
        let (last, tables) = (&mut self.last, self.tables);
        last.slots = *slots;
        last.candidates = *candidates;
        let mut known = 0;
        for (i, &at) in slots.iter().enumerate() {
            let slot = self.buckets[at as usize / BUCKET].0[at as usize % BUCKET];
            let x = tables.stretch(slot >> 20);
            let index = tables.map_index(slot & COUNT, x);
            last.maps[i] = index;
            let is_known = slot & COUNT > 0;
            last.inputs[2 * i] = if is_known { narrow(x) } else { 0 };
            last.inputs[2 * i + 1] = narrow(tables.stretch(self.maps[i][index] >> 20));
            known += usize::from(is_known);
        }
        for (i, &said) in candidates.iter().enumerate() {
            last.inputs[2 * CONTEXTS + i] = if said == 0 {
                0
            } else {
                let x = tables.stretch(self.candidate_maps[i][confidence(said)] >> 20);
                narrow(if said & 1 == 0 { x } else { -x })
            };
        }
        let cut = |gate: u32, weights: usize| (gate as usize).min(weights - 1);
        let [a, b, c] = gates.gates;
        last.gates = [
            cut(a, self.weights[0].len()),
            cut(b, self.weights[1].len() / (CONTEXTS + 1)) * (CONTEXTS + 1) + known,
            cut(c, self.weights[2].len()),
        ];
        for g in 0..GATES {
            let x = (dot(&self.weights[g][last.gates[g]].values, &last.inputs) >> 14).clamp(-LIMIT, LIMIT - 1);
            last.outputs[g] = x;
            last.mixed[g] = tables.squash(x) as i32;
        }
        last.final_gate = last.gates[0];
        let weights = &self.final_weights[last.final_gate];
        // Each product is below 2^31.
        let sum: i64 = (0..GATES).map(|g| i64::from(weights[g] * last.outputs[g])).sum();
        let x = i32::try_from(sum >> 16).unwrap_or_default().clamp(-LIMIT, LIMIT - 1);
        let p = tables.squash(x);
        last.final_mixed = p as i32;
        let (low, part) = (((x + LIMIT) / STEP) as usize, (x + LIMIT) % STEP);
        let mut refined = 0;
        for r in 0..2 {
            let row = cut(gates.refinements[r], self.refinements[r].len());
            let points = &self.refinements[r][row];
            refined += (i32::from(points[low]) * (STEP - part) + i32::from(points[low + 1]) * part) / STEP;
            last.refined[r] = (row, low + usize::from(part >= STEP / 2));
        }
        ((2 * p + refined as u32) / 4).clamp(1, 65535)
    }

    /// Learns what the bit was.
    pub fn update(&mut self, bit: bool) {
        let (last, tables) = (&self.last, self.tables);
        for i in 0..CONTEXTS {
            let at = last.slots[i] as usize;
            adapt(tables, &mut self.buckets[at / BUCKET].0[at % BUCKET], bit, SLOT_LIMIT);
            adapt(tables, &mut self.maps[i][last.maps[i]], bit, MAP_LIMIT);
        }
        for i in 0..CANDIDATES {
            let said = last.candidates[i];
            if said != 0 {
                adapt(tables, &mut self.candidate_maps[i][confidence(said)], (said & 1 == 0) == bit, MAP_LIMIT);
            }
        }
        let target = if bit { 65535 } else { 0 };
        let error = (target - last.final_mixed) >> 2;
        for (weight, output) in self.final_weights[last.final_gate].iter_mut().zip(last.outputs) {
            let step = (output * error + (1 << (FINAL_SHIFT - 1))) >> FINAL_SHIFT;
            *weight = (*weight + step).clamp(-FINAL_LIMIT, FINAL_LIMIT);
        }
        for g in 0..GATES {
            let weights = &mut self.weights[g][last.gates[g]];
            // Weights that have learned little learn faster, at first five times.
            let rate = RATE_BASE + RATE_EXTRA / (RATE_DELAY + weights.seen);
            weights.seen = (weights.seen + 1).min(MAX_SEEN);
            let error = (((target - last.mixed[g]) * rate) >> MIXER_SHIFT).clamp(-32767, 32767);
            // Up to 16, no product rounds to a step.
            if error.abs() > 16 {
                train(&mut weights.values, &last.inputs, narrow(error));
            }
        }
        for ((row, point), refinement) in last.refined.into_iter().zip(&mut self.refinements) {
            let p = &mut refinement[row][point];
            // Between 0 and 65535.
            let moved = i32::from(*p) + ((target - i32::from(*p)) >> REFINEMENT_SHIFT);
            *p = u16::try_from(moved).unwrap_or_default();
        }
    }
}

fn confidence(said: u32) -> usize {
    ((said - 1) >> 1) as usize & (CONFIDENCES - 1)
}

/// A number that is within 16 bits.
fn narrow(x: i32) -> i16 {
    i16::try_from(x).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    fn predictor() -> Predictor {
        Predictor::new(Shape { direct: 0, hashed: 8, gates: [1, 1, 1], refinements: [1, 1] })
    }

    /// Mean probability that was given to what happened, of the last thousand bits.
    fn learn(predictor: &mut Predictor, mut bit: impl FnMut(usize) -> (u32, bool)) -> f64 {
        let mut sum = 0.0;
        for i in 0..4000 {
            let (context, bit) = bit(i);
            let base = predictor.find(context.wrapping_mul(0x9e37_79b1));
            let p = predictor.predict(&[base + 1; CONTEXTS], &[0; CANDIDATES], &Gates::default());
            assert!((1..=65535).contains(&p));
            predictor.update(bit);
            if i >= 3000 {
                sum += f64::from(if bit { p } else { 65536 - p }) / 65536.0;
            }
        }
        sum / 1000.0
    }

    #[test]
    fn learns_what_a_context_tells_and_nothing_where_there_is_nothing() {
        assert!(learn(&mut predictor(), |i| ((i % 7) as u32, i % 7 < 3)) > 0.998);
        let mut next = noise(1);
        let chance = learn(&mut predictor(), |_| (0, next() & 1 == 1));
        assert!((0.48..0.52).contains(&chance), "{chance}");
    }

    #[test]
    fn buckets_that_are_used_stay() {
        let mut predictor = predictor();
        let used = predictor.find(77);
        for _ in 0..10 {
            predictor.predict(&[used + 1; CONTEXTS], &[0; CANDIDATES], &Gates::default());
            predictor.update(true);
        }
        for other in 1000..5000 {
            predictor.find(other);
        }
        assert_eq!(predictor.find(77), used);
        assert!(predictor.buckets[used as usize / BUCKET].0[1] & COUNT >= 10);
    }

    #[test]
    fn extreme_inputs_do_not_overflow() {
        let mut predictor = predictor();
        let base = predictor.find(5);
        for i in 0..20_000 {
            // Long agreement, then shocks.
            let bit = i % 1000 != 0;
            predictor.predict(&[base + 1; CONTEXTS], &[1 + 2 * 127 + u32::from(bit); CANDIDATES], &Gates::default());
            predictor.update(bit);
        }
    }

    #[test]
    fn values_out_of_a_gate_are_cut() {
        let mut predictor = predictor();
        let base = predictor.find(5);
        let gates = Gates { gates: [u32::MAX; GATES], refinements: [u32::MAX; 2] };
        predictor.predict(&[base + 1; CONTEXTS], &[0; CANDIDATES], &gates);
        predictor.update(true);
    }
}
