//! Which columns of a row group predict a column well: estimates on a sample.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::regression::{self, Feature};
use crate::bytes::to_u64;
use crate::column::{Column, Values, index};
use crate::encoding::Model;
use crate::encoding::float::{self, FloatWidth, Floats};
use crate::encoding::integer::linear::{Form, Part};
use crate::encoding::parent::{Key, Labels, Parent, pairs};
use crate::sort::{sort_by, sort_by_key};

/// Most rows of each of the two parts of the sample, and least.
const WINDOW: (usize, usize) = (4 * 1024, 1024);
/// Most rows that sums are fitted on, and least.
const FITTED: (usize, usize) = (600, 128);
/// Columns, the nearest ones, that are tried as parents of one.
const MAX_CANDIDATES: usize = 40;
/// The best of them, of which pairs are tried.
const MAX_PAIRED: usize = 6;
/// Pairs whose classes are remembered.
const MAX_KNOWN_PAIRS: usize = 128;
/// Columns, the nearest ones, that are tried as parents in a sum.
const MAX_SUMMANDS: usize = 14;
/// About how many nanoseconds an estimate takes per row of the sample, by one parent and by two.
const ESTIMATE_PRICE: (u64, u64) = (6, 16);
/// Parents of a sum.
const MAX_SUM_PARENTS: usize = 4;
/// Part of the cost that a model must save to be tried.
const MIN_GAIN: f64 = 0.05;
/// Part of a column's cost below which a sum is a relation of several columns rather than a prediction.
const EXACT_PART: f64 = 0.5;
/// Candidates that are kept.
const MAX_FOUND: usize = 24;
/// Bits per symbol below which even runs of one symbol do not get.
const MIN_SYMBOL_BITS: f64 = 0.02;
/// Minutes of a day, of which times of day are a part.
const DAY: u64 = 24 * 60;

/// A model of a column that is worth trying.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Columns that it needs; the model names them by their position here.
    pub parents: Vec<usize>,
    /// The model.
    pub model: Model,
    /// Estimated bits per value.
    pub bits: f64,
}

/// What is to be predicted.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The column.
    pub column: usize,
    /// Bits per value that it takes without models.
    pub bits: f64,
    /// Whether rows are null, rather than the values of the others.
    pub is_validity: bool,
}

/// One column in the sampled rows.
struct Sampled {
    classes: Labels,
    /// The class of null.
    null: Option<u32>,
    /// About how many classes the whole row group has.
    full: usize,
}

/// Two columns, the classes of their pairs of values, and about how many of these all rows have.
type KnownPair = ((usize, usize), Rc<(Labels, usize)>);

/// The columns of a row group, and a sample of them.
pub struct Search {
    columns: Vec<Arc<Parent>>,
    rows: usize,
    sampled: Vec<Sampled>,
    /// Rows of the first part of the sample.
    first: usize,
    /// Exponents of the floats.
    exponents: Vec<u8>,
    /// Numbers of the rows that sums are fitted on, where a column has such.
    numbers: Vec<Vec<i64>>,
    /// Those rows.
    fitted: Vec<usize>,
    /// About how many nanoseconds may be spent on one column.
    share: u64,
    /// Classes of pairs of columns.
    pairs: RefCell<Vec<KnownPair>>,
}

/// The classes of a column in some rows.
fn sampled(column: &Parent, windows: &[Range<usize>; 2]) -> Labels {
    if column.codes().is_some() {
        // Those of all rows are at hand, and will be wanted.
        let all = column.labels();
        let ids = windows.iter().flat_map(|window| all.ids.get(window.clone()).unwrap_or_default());
        return Labels::new(ids.copied().collect(), all.bound).renumbered();
    }
    let [mut sample, second] = windows.clone().map(|window| column.column().slice(window));
    // A part of a column is within the limit of a column.
    sample.append(&second).unwrap_or_default();
    Parent::new(Arc::new(sample), None).labels().renumbered()
}

fn class_at(classes: &Labels, row: usize) -> u32 {
    classes.ids.get(row).copied().unwrap_or_default()
}

impl Search {
    /// Draws the sample. About so many nanoseconds may be spent on one column, on a machine of our days: what is done
    /// depends on nothing else, so that the same input gives the same bytes.
    #[inline(never)]
    pub fn new(columns: Vec<Arc<Parent>>, share: u64) -> Self {
        let rows = columns.first().map_or(0, |column| column.column().len());
        let candidates = to_u64(columns.len().saturating_sub(1).clamp(1, MAX_CANDIDATES));
        let affordable = usize::try_from(share / 3 / candidates / ESTIMATE_PRICE.0 / 2).unwrap_or(usize::MAX);
        let window = (rows / 2).min(affordable.clamp(WINDOW.1, WINDOW.0));
        let second = (3 * (rows / 4)).min(rows - window).max(window);
        let windows = [(rows / 4).min(second - window), second].map(|start| start..start + window);
        let sampled = columns.iter().map(|column| {
            let null = windows.iter().cloned().flatten().position(|row| !column.column().is_valid(row));
            let classes = sampled(column, &windows);
            Sampled { null: null.map(|at| class_at(&classes, at)), full: all_classes(&classes, window, rows), classes }
        });
        let step = (rows / (rows / 16).clamp(FITTED.1, FITTED.0)).max(1);
        let fitted: Vec<usize> = (0..rows).step_by(step).collect();
        let exponents: Vec<u8> = columns.iter().map(|column| exponent(column.column())).collect();
        let numbers = columns.iter().zip(&exponents).map(|(column, &exponent)| {
            let mut numbers = Vec::new();
            if column.is_numeric() {
                numbers.extend(column.numbers(exponent).iter().step_by(step));
            }
            numbers
        });
        let (sampled, numbers) = (sampled.collect(), numbers.collect());
        Search { rows, sampled, first: window, numbers, fitted, exponents, columns, share, pairs: RefCell::default() }
    }

    /// Models of a target that save something, the best first, of the columns that may be its parents.
    pub fn candidates(&self, target: Target, may_be_parent: &dyn Fn(usize) -> bool) -> Vec<Candidate> {
        let Some(child) = self.sampled.get(target.column) else { return Vec::new() };
        let validity;
        let (ids, null) = match (target.is_validity, child.null) {
            (false, null) => (&child.classes.ids, null),
            (true, Some(null)) => {
                validity = child.classes.ids.iter().map(|&class| u32::from(class == null)).collect();
                (&validity, None)
            }
            (true, None) => return Vec::new(),
        };
        // A third of the time each for single parents, pairs and sums.
        let affordable = |price: u64| usize::try_from(self.share / 3 / price.max(1)).unwrap_or(usize::MAX);
        let sample = to_u64(ids.len());
        let most = affordable(sample * ESTIMATE_PRICE.0).clamp(2, MAX_CANDIDATES);
        let near = self.near(target.column, most, may_be_parent);
        let mut found: Vec<Candidate> = Vec::new();
        let mut singles: Vec<(f64, usize)> = Vec::new();
        for &parent in &near {
            let Some(key) = self.sampled.get(parent).filter(|sampled| sampled.classes.bound > 1) else { continue };
            let best = self.estimate(ids, null, &key.classes, key.full, target.bits);
            if let Some((bits, is_function)) = best {
                singles.push((bits, parent));
                let key = Key { first: 0, second: None };
                found.push(Candidate { parents: vec![parent], model: class_model(key, is_function), bits });
            }
        }
        if !target.is_validity {
            sort_by(&mut singles, |a, b| a.0.total_cmp(&b.0));
            let pairs_of = |count: usize| count * (count - 1) / 2;
            let most = affordable(sample * ESTIMATE_PRICE.1);
            singles.truncate((1..=MAX_PAIRED).rev().find(|&count| pairs_of(count) <= most).unwrap_or(1));
            for (index, &(_, a)) in singles.iter().enumerate() {
                for &(_, b) in singles.iter().skip(index + 1) {
                    let Some(pair) = self.pair(a, b) else { continue };
                    let (key, full) = pair.as_ref();
                    if let Some((bits, is_function)) = self.estimate(ids, null, key, *full, target.bits) {
                        let key = Key { first: 0, second: Some(1) };
                        found.push(Candidate { parents: vec![a, b], model: class_model(key, is_function), bits });
                    }
                }
            }
            let mut left = self.share / 3;
            let sums = self.sums(target, may_be_parent, &mut left);
            // Where one number follows from others, so do they from it: which way it is used is decided later, and what
            // else there is for this one.
            if let Some(best) = sums.iter().min_by(|a, b| a.bits.total_cmp(&b.bits))
                && best.bits < target.bits * EXACT_PART
            {
                for &without in &best.parents {
                    let others = |other| other != without && may_be_parent(other);
                    found.extend(self.sums(target, &others, &mut left));
                }
            }
            found.extend(sums);
        }
        found.retain(|candidate| candidate.bits < target.bits * (1.0 - MIN_GAIN));
        sort_by(&mut found, |a, b| a.bits.total_cmp(&b.bits));
        found.truncate(MAX_FOUND);
        found
    }

    /// What is known of a pair of columns: the same ones are asked for again, for other targets.
    fn pair(&self, a: usize, b: usize) -> Option<Rc<(Labels, usize)>> {
        let (first, second) = (self.sampled.get(a)?, self.sampled.get(b)?);
        let mut known = self.pairs.borrow_mut();
        // Whichever is the first, pairs are the same.
        let columns = (a.min(b), a.max(b));
        if let Some((_, pair)) = known.iter().find(|(known, _)| *known == columns) {
            return Some(Rc::clone(pair));
        }
        let key = pairs(&first.classes, &second.classes).renumbered();
        let most = first.full.saturating_mul(second.full);
        let full = all_classes(&key, self.first, self.rows).min(most);
        let pair = Rc::new((key, full));
        if known.len() == MAX_KNOWN_PAIRS {
            known.clear();
        }
        known.push((columns, Rc::clone(&pair)));
        Some(pair)
    }

    /// The nearest columns that may be parents of one.
    fn near(&self, column: usize, most: usize, may_be_parent: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let mut others: Vec<usize> =
            (0..self.columns.len()).filter(|&other| other != column && may_be_parent(other)).collect();
        sort_by_key(&mut others, |&other| other.abs_diff(column));
        others.truncate(most);
        others
    }

    /// Bits per value that a key of so many classes in all rows leaves, and whether as a function.
    fn estimate(&self, ids: &[u32], null: Option<u32>, key: &Labels, full: usize, bits: f64) -> Option<(f64, bool)> {
        if null.is_none() && key.bound > key.ids.len() / 2 {
            // Most rows are the first of their class.
            return None;
        }
        // Per class the recent values, the latest one first, and the first one of all; all plus one, 0 for none.
        let mut slots = vec![[0u32; 4]; key.bound];
        let mut counts = [0u32; 4];
        let (mut fresh, mut exceptions) = (0u32, 0u32);
        let null = null.map_or(0, |null| null + 1);
        for (&class, &value) in key.ids.iter().zip(ids) {
            let value = value + 1;
            let Some([first, second, third, known]) = slots.get_mut(index(class)).filter(|_| value != null) else {
                continue;
            };
            let mut symbol = 0;
            if value != *first {
                symbol = if value == *second { 1 } else { 3 - usize::from(value == *third) };
                if symbol != 1 {
                    *third = *second;
                }
                (*first, *second) = (value, *first);
            }
            if *known == 0 {
                *known = value;
                fresh += 1;
                continue;
            }
            exceptions += u32::from(*known != value);
            if let Some(count) = counts.get_mut(symbol) {
                *count += 1;
            }
        }
        let total = f64::from(counts.iter().sum::<u32>());
        if total < f64::from(fresh) {
            return None;
        }
        let part = |count: u32| f64::from(count) / total;
        let information = |part: f64| if part > 0.0 { -part * part.log2() } else { 0.0 };
        let entropy: f64 = counts.iter().map(|&count| information(part(count))).sum();
        let misses = part(counts.last().copied().unwrap_or_default());
        let firsts = full as f64 / self.rows.max(1) as f64;
        let information_of_first = information(firsts.min(0.5));
        let recent = entropy.max(MIN_SYMBOL_BITS) + (misses + firsts) * (bits + 1.0) + information_of_first;
        let others = part(exceptions);
        let function = if others < 0.25 { others * bits + 2.0 * information(others) + firsts * bits } else { f64::MAX };
        Some(if function <= recent { (function, true) } else { (recent, false) })
    }

    /// Sums near a column of numbers.
    fn sums(&self, target: Target, may_be_parent: &dyn Fn(usize) -> bool, left: &mut u64) -> Vec<Candidate> {
        let Some(own) = self.numbers.get(target.column).filter(|own| !own.is_empty()) else { return Vec::new() };
        // Some numbers give two features.
        let affordable = (1..=MAX_SUMMANDS).rev().find(|&count| {
            regression::price(count + count / 3, own.len())
                .saturating_add(to_u64(count) * regression::price(1, own.len()))
                <= *left
        });
        let Some(most) = affordable else { return Vec::new() };
        let near = self.near(target.column, most, &|other| {
            may_be_parent(other) && self.numbers.get(other).is_some_and(|numbers| !numbers.is_empty())
        });
        let valid: Vec<usize> = (0..own.len())
            .filter(|&at| {
                let is_valid = |column: &usize| {
                    let row = self.fitted.get(at).copied().unwrap_or_default();
                    self.columns.get(*column).is_some_and(|column| column.column().is_valid(row))
                };
                std::iter::once(&target.column).chain(&near).all(is_valid)
            })
            .collect();
        let pick = |column: usize| -> Vec<i64> {
            let numbers = self.numbers.get(column).map(Vec::as_slice).unwrap_or_default();
            valid.iter().filter_map(|&at| numbers.get(at).copied()).collect()
        };
        if valid.len() < 64 {
            return Vec::new();
        }
        let mut features: Vec<Feature> = Vec::new();
        for (position, &parent) in near.iter().enumerate() {
            let numbers = pick(parent);
            let exponent = self.exponents.get(parent).copied().unwrap_or_default();
            let Ok(position) = u8::try_from(position) else { continue };
            let parts: &[Part] = if is_clock(&numbers) { &[Part::Quotient, Part::Remainder] } else { &[Part::Whole] };
            features.extend(parts.iter().map(|&part| regression::feature(position, exponent, part, &numbers)));
        }
        features.retain(|feature| feature.numbers.iter().any(|number| Some(number) != feature.numbers.first()));
        if features.is_empty() {
            return Vec::new();
        }
        let own = pick(target.column);
        let mut forms = vec![(Form::Number, 0)];
        if is_clock(&own) {
            forms.push((Form::Clock, DAY));
        }
        let most = target.bits * (1.0 - 2.0 * MIN_GAIN);
        // Sums of what all tell together, and of each parent alone: it may be all that a column gets.
        let mut sets: Vec<Vec<Feature>> = vec![features.clone()];
        let alone = features.chunk_by(|a, b| a.term.parent == b.term.parent).map(<[Feature]>::to_vec);
        sets.extend(alone.filter(|_| features.len() > 1));
        let fits = forms.into_iter().flat_map(|(form, modulus)| {
            let wanted: Vec<f64> = own.iter().map(|&number| form.number(number) as f64).collect();
            let fit = |set: &Vec<Feature>| {
                *left = left.saturating_sub(regression::price(set.len(), wanted.len()));
                regression::fit(set, &wanted, form, modulus, MAX_SUM_PARENTS, most)
            };
            sets.iter().filter_map(fit).collect::<Vec<_>>()
        });
        fits.map(|mut fit| {
            let mut parents: Vec<usize> = Vec::new();
            for term in &mut fit.sum.terms {
                let parent = near.get(usize::from(term.parent)).copied().unwrap_or_default();
                let at = parents.iter().position(|&known| known == parent).unwrap_or(parents.len());
                if at == parents.len() {
                    parents.push(parent);
                }
                // There are few parents of a sum.
                term.parent = u8::try_from(at).unwrap_or(u8::MAX);
            }
            Candidate { parents, model: Model::Linear(fit.sum), bits: fit.bits }
        })
        .collect()
    }
}

/// About how many classes there are in so many rows, of which these are a sample whose first part is so long: they grow
/// as words in a longer text (Heaps 1978).
fn all_classes(sample: &Labels, first: usize, rows: usize) -> usize {
    let early = sample.ids.iter().take(first).max().map_or(1.0, |&most| f64::from(most) + 1.0);
    let growth = (sample.bound as f64 / early).log2().clamp(0.0, 1.0);
    let more = (rows as f64 / sample.ids.len().max(1) as f64).powf(growth);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
    let all = (sample.bound as f64 * more) as usize;
    all
}

fn class_model(key: Key, is_function: bool) -> Model {
    if is_function { Model::Function(key) } else { Model::Recent(key) }
}

/// Whether numbers look like times of day, written as HHMM.
fn is_clock(numbers: &[i64]) -> bool {
    numbers.iter().all(|number| (0..=2400).contains(number) && number % 100 < 60)
        && numbers.iter().any(|&number| number >= 1000)
        && numbers.iter().any(|&number| number % 100 >= 30)
}

/// The power of ten that makes most floats of a column integers.
fn exponent(column: &Column) -> u8 {
    let (mut patterns, width): (Vec<u64>, _) = match column.values() {
        Values::Float64(v) => (v.iter().map(|x| x.to_bits()).collect(), FloatWidth::Double),
        Values::Float32(v) => (v.iter().map(|x| x.to_bits().into()).collect(), FloatWidth::Single),
        _ => return 0,
    };
    if let Some(validity) = column.validity() {
        let count = validity.pick_within(0, &mut patterns);
        patterns.truncate(count);
    }
    let found = float::decimal_exponent(Floats { patterns: &patterns, width });
    found.filter(|&exponent| usize::from(exponent) < crate::encoding::parent::POWERS_OF_TEN.len()).unwrap_or(0)
}

/// Bits per value of so many bytes.
pub fn bits_per_value(bytes: usize, values: usize) -> f64 {
    8.0 * to_u64(bytes) as f64 / values.max(1) as f64
}
