//! Choosing the parents of all columns of a row group, by what they would save on a sample.
//!
//! The cost of a column given others is that of an adaptive code of its values (or of ranges of its numbers) beside
//! theirs, mixed with the code without them (Witten and Bell 1991), or of what a linear prediction leaves.

use super::linear;
use super::parents::{Parent, exponent};
use super::predictor::hash;
use super::symbols::MAX_PARENTS;
use crate::column::{Bitmap, Column};

/// Rows that are looked at, in blocks of neighbours.
const SAMPLE: usize = 18 * 1024;
const BLOCKS: usize = 2;
/// Pairs of columns times rows that are looked at.
const WORK: usize = 12 << 20;
/// Rows that linear predictions are tried on.
const LINEAR_SAMPLE: usize = 600;
/// Numeric columns among which pairs of parents are tried.
const MAX_NUMERIC: usize = 20;
/// Ranges of numbers.
const RANGES: usize = 48;
/// Best single parents that are tried in pairs.
const PAIRED: usize = 7;
/// Columns beyond which their order is not improved, and rounds of improvement.
const MAX_SEARCHED: usize = 48;
const SWEEPS: usize = 6;
/// Bits per row below which a parent is not worth while.
const LEAST: f64 = 0.02;

/// Logarithm of base two, accurate to a thousandth, by operations that round alike everywhere.
fn log2(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as f64 - 1023.0;
    let m = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 1023 << 52);
    exponent + (-1.7417939 + (2.8212026 + (-1.4699568 + (0.44717955 - 0.056570851 * m) * m) * m) * m)
}

/// Counts of keys, open addressing.
struct Counts {
    keys: Vec<u64>,
    counts: Vec<u32>,
    mask: usize,
}

impl Counts {
    fn new(rows: usize) -> Self {
        let size = (rows * 2).next_power_of_two().max(16);
        Counts { keys: vec![u64::MAX; size], counts: vec![0; size], mask: size - 1 }
    }

    /// The count before this one, which it adds.
    fn add(&mut self, key: u64) -> u32 {
        let folded = (key >> 32) as u32 & u32::MAX;
        let mut at = hash((key & 0xffff_ffff) as u32, folded) as usize & self.mask;
        loop {
            let (Some(held), Some(count)) = (self.keys.get_mut(at), self.counts.get_mut(at)) else { return 0 };
            if *held == u64::MAX {
                *held = key;
            }
            if *held == key {
                *count += 1;
                return *count - 1;
            }
            at = (at + 1) & self.mask;
        }
    }
}

fn key(a: u32, b: u32) -> u64 {
    u64::from(a) << 32 | u64::from(b) & 0x7fff_ffff
}

/// Bits per row of an adaptive code of `values` without context, row by row.
fn plain_costs(values: &[u32]) -> Vec<f64> {
    let mut counts = Counts::new(values.len());
    let mut distinct = 0u32;
    (0u32..)
        .zip(values)
        .map(|(seen, &value)| {
            let count = counts.add(key(value, 0));
            let p = (f64::from(count) + f64::from(distinct + 1) / 4096.0) / (f64::from(seen) + f64::from(distinct + 1));
            distinct += u32::from(count == 0);
            -log2(p)
        })
        .collect()
}

/// The same with a context.
fn costs(values: &[u32], contexts: impl Iterator<Item = u32>, plain: &[f64]) -> f64 {
    let mut pairs = Counts::new(values.len());
    let mut alone = Counts::new(values.len());
    let mut distinct = Counts::new(values.len());
    let mut sum = 0.0;
    for ((&value, context), plain) in values.iter().zip(contexts).zip(plain) {
        let pair = pairs.add(key(context, value));
        let total = alone.add(key(context, 1));
        let index = hash(context, 3);
        let kinds = if pair == 0 { distinct.add(key(index, 2)) } else { distinct.peek(key(index, 2)) };
        let kinds = f64::from(kinds.max(1));
        let backed = exp2(-plain);
        sum -= log2((f64::from(pair) + kinds * backed) / (f64::from(total) + kinds));
    }
    sum / values.len().max(1) as f64
}

impl Counts {
    fn peek(&self, key: u64) -> u32 {
        let folded = (key >> 32) as u32 & u32::MAX;
        let mut at = hash((key & 0xffff_ffff) as u32, folded) as usize & self.mask;
        loop {
            match self.keys.get(at) {
                Some(&held) if held == key => return self.counts.get(at).copied().unwrap_or_default(),
                Some(&held) if held != u64::MAX => at = (at + 1) & self.mask,
                _ => return 0,
            }
        }
    }
}

/// Power of two, roughly.
fn exp2(x: f64) -> f64 {
    let whole = x.floor().max(-1000.0);
    let part = x - x.floor();
    let m = 1.0 + part * (0.6565 + part * 0.3435);
    #[expect(clippy::cast_possible_truncation, reason = "at least -1000")]
    let exponent = (whole as i64 + 1023).cast_unsigned();
    m * f64::from_bits(exponent << 52)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Bits to write residuals of these sizes.
fn residual_bits(residuals: impl Iterator<Item = i64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0usize);
    for residual in residuals {
        sum += log2(1.0 + 2.0 * residual.unsigned_abs() as f64) + 0.7;
        count += 1;
    }
    sum / count.max(1) as f64
}

/// A column as child and as candidate.
struct View {
    whole: Parent,
    /// Ranges of the numbers, or the classes where there are few.
    ranges: Vec<u32>,
    before: Vec<u32>,
    before_ranges: Vec<u32>,
    plain: Vec<f64>,
    plain_ranges: Vec<f64>,
    numeric: bool,
    constant: bool,
    base: f64,
    base_ranges: f64,
}

fn shifted(values: &[u32]) -> Vec<u32> {
    [0].into_iter().chain(values.iter().copied()).take(values.len()).collect()
}

impl View {
    fn new(column: &Column, rows: &Bitmap) -> Self {
        let whole = Parent::new(column, Some(rows), exponent(column));
        let numeric = !whole.numbers.is_empty();
        let mut sorted = whole.numbers.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let ranges = if numeric && sorted.len() > RANGES {
            let mut all = whole.numbers.clone();
            all.sort_unstable();
            let step = (all.len() / RANGES).max(1);
            let mut bounds: Vec<i64> = all.into_iter().step_by(step).collect();
            bounds.dedup();
            let place =
                |&number: &i64| u32::try_from(bounds.partition_point(|&bound| bound <= number)).unwrap_or_default();
            whole.numbers.iter().map(place).collect()
        } else {
            whole.classes.clone()
        };
        let plain = plain_costs(&whole.classes);
        let plain_ranges = plain_costs(&ranges);
        let (before, before_ranges) = (shifted(&whole.classes), shifted(&ranges));
        let mut base = mean(&plain).min(costs(&whole.classes, before.iter().copied(), &plain));
        let base_ranges = mean(&plain_ranges).min(costs(&ranges, before_ranges.iter().copied(), &plain_ranges));
        if numeric {
            let steps = whole.numbers.iter().zip(whole.numbers.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
            base = base.min(residual_bits(steps));
        }
        let constant = whole.classes.iter().all(|class| Some(class) == whole.classes.first());
        View { whole, ranges, before, before_ranges, plain, plain_ranges, numeric, constant, base, base_ranges }
    }

    /// What a context saves, in bits per row.
    fn gain(&self, context: impl Fn(usize) -> u32, range: impl Fn(usize) -> u32) -> f64 {
        let rows = 0..self.whole.classes.len();
        let exact = costs(&self.whole.classes, rows.clone().map(&context), &self.plain);
        let mut gain = self.base - exact;
        if self.base_ranges < mean(&self.plain_ranges) - 0.1 {
            let beside = |row: usize| hash(context(row), self.before.get(row).copied().unwrap_or_default());
            gain = gain.max(self.base - costs(&self.whole.classes, rows.clone().map(beside), &self.plain));
            let beside = |row: usize| hash(range(row), self.before_ranges.get(row).copied().unwrap_or_default());
            gain = gain.max(self.base_ranges - costs(&self.ranges, rows.map(beside), &self.plain_ranges));
        } else {
            gain = gain.max(self.base_ranges - costs(&self.ranges, rows.map(range), &self.plain_ranges));
        }
        gain
    }
}

/// Bits per row that a linear prediction leaves, against those of the numbers themselves.
fn linear_gain(child: &View, parents: &[&View]) -> f64 {
    let step = (child.whole.numbers.len() / LINEAR_SAMPLE).max(1);
    let rows: Vec<usize> =
        (0..child.whole.numbers.len()).step_by(step).filter(|&row| !child.whole.is_null(row)).collect();
    let cut = |view: &View| Parent {
        classes: rows.iter().map(|&row| view.whole.class(row)).collect(),
        numbers: rows.iter().map(|&row| view.whole.number(row)).collect(),
    };
    let values: Vec<i64> = cut(child).numbers;
    let views: Vec<Parent> = parents.iter().map(|view| cut(view)).collect();
    let Some(linear) = linear::fit(&values, &views) else { return 0.0 };
    let left = (0..values.len()).zip(&values).map(|(row, value)| value.wrapping_sub(linear.predict(&views, row)));
    child.base - residual_bits(left)
}

/// Ways to predict one column: bits per row, and the parents.
type Options = Vec<(f64, Vec<usize>)>;

/// The best options of all columns in an order in which parents come first; their sum.
fn choose(options: &[Options], order: &[usize], max_depth: usize) -> (f64, Vec<Vec<usize>>) {
    let mut lists = vec![Vec::new(); options.len()];
    let mut depths: Vec<Option<usize>> = vec![None; options.len()];
    let mut total = 0.0;
    for &child in order {
        let depth_of = |parents: &[usize]| {
            parents.iter().try_fold(0, |depth, &p| depths.get(p).copied().flatten().map(|below| depth.max(below + 1)))
        };
        let of_child = options.get(child).map(Vec::as_slice).unwrap_or_default();
        // Options are sorted, and the last has no parents.
        let fitting = of_child.iter().find_map(|(cost, parents)| {
            depth_of(parents).filter(|&depth| depth <= max_depth).map(|depth| (cost, parents, depth))
        });
        if let (Some((cost, parents, depth)), Some(at), Some(list)) =
            (fitting, depths.get_mut(child), lists.get_mut(child))
        {
            total += cost;
            *at = Some(depth);
            *list = parents.clone();
        }
    }
    (total, lists)
}

/// Moves single columns within the order while that helps.
fn search(options: &[Options], max_depth: usize) -> (Vec<usize>, Vec<Vec<usize>>) {
    let mut order: Vec<usize> = (0..options.len()).collect();
    let (mut least, mut lists) = choose(options, &order, max_depth);
    if order.len() > MAX_SEARCHED {
        return (order, lists);
    }
    for _ in 0..SWEEPS {
        let before = least;
        for from in 0..order.len() {
            let mut best = None;
            for to in 0..order.len() {
                let mut moved = order.clone();
                let column = moved.remove(from);
                moved.insert(to, column);
                let (total, chosen) = choose(options, &moved, max_depth);
                if total < least - 1e-6 {
                    least = total;
                    best = Some((moved, chosen));
                }
            }
            if let Some((moved, chosen)) = best {
                order = moved;
                lists = chosen;
            }
        }
        if least >= before - 1e-6 {
            break;
        }
    }
    (order, lists)
}

/// Picks at most three parents per column among the columns of a row group, best first, without cycles, and with
/// chains of at most `max_depth` dependencies.
#[must_use]
pub fn choose_parents(columns: &[&Column], max_depth: usize) -> Vec<Vec<usize>> {
    let lists = vec![Vec::new(); columns.len()];
    let num_rows = columns.first().map_or(0, |column| column.len());
    if columns.len() < 2 || num_rows < 64 {
        return lists;
    }
    let pairs = columns.len() * columns.len();
    let take = num_rows.min(SAMPLE).min((WORK / pairs).max(256));
    let block = take.div_ceil(BLOCKS);
    let rows: Bitmap = if take == num_rows {
        Bitmap::filled(num_rows, true)
    } else {
        let stride = num_rows / BLOCKS;
        (0..num_rows).map(|row| row % stride < block && row / stride < BLOCKS).collect()
    };
    let views: Vec<View> = columns.iter().map(|column| View::new(column, &rows)).collect();
    let usable = |index: usize| views.get(index).filter(|view| !view.constant);
    let at = |list: &[u32], row: usize| list.get(row).copied().unwrap_or_default();
    let mut singles = vec![vec![0.0; columns.len()]; columns.len()];
    let numeric: Vec<usize> = (0..views.len()).filter(|&i| usable(i).is_some_and(|view| view.numeric)).collect();
    let mut options: Vec<Options> = Vec::new();
    for (child, single) in singles.iter_mut().enumerate() {
        let Some(view) = views.get(child) else { continue };
        let mut found: Vec<(f64, Vec<usize>)> = Vec::new();
        if view.base > LEAST && !view.constant {
            for (parent, cell) in single.iter_mut().enumerate() {
                let Some(other) = usable(parent).filter(|_| parent != child) else { continue };
                let mut gain = view.gain(|row| at(&other.whole.classes, row), |row| at(&other.ranges, row));
                if view.numeric && other.numeric {
                    gain = gain.max(linear_gain(view, &[other]));
                }
                *cell = gain;
                found.push((gain, vec![parent]));
            }
            found.sort_by(|a, b| b.0.total_cmp(&a.0));
            let top: Vec<usize> = found.iter().take(PAIRED).filter_map(|(_, list)| list.first().copied()).collect();
            for (i, &a) in top.iter().enumerate() {
                for &b in top.iter().skip(i + 1) {
                    let (Some(first), Some(second)) = (usable(a), usable(b)) else { continue };
                    let joint = |row| hash(at(&first.whole.classes, row), at(&second.whole.classes, row));
                    let ranges = |row| hash(at(&first.ranges, row), at(&second.ranges, row));
                    found.push((view.gain(joint, ranges), vec![a, b]));
                }
            }
            if view.numeric && numeric.len() <= MAX_NUMERIC {
                for (i, &a) in numeric.iter().enumerate() {
                    for &b in numeric.iter().skip(i + 1) {
                        if let (Some(first), Some(second), true) = (usable(a), usable(b), a != child && b != child) {
                            found.push((linear_gain(view, &[first, second]), vec![a, b]));
                        }
                    }
                }
            }
        }
        // A further parent has its price: it must be decoded, too.
        let mut all: Options = found
            .into_iter()
            .map(|(gain, list)| (view.base - gain + LEAST * list.len() as f64, list))
            .filter(|(cost, _)| *cost < view.base)
            .collect();
        all.push((view.base, Vec::new()));
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.len().cmp(&b.1.len())));
        let last = all.iter().position(|(_, list)| list.is_empty()).unwrap_or(0);
        all.truncate(last + 1);
        options.push(all);
    }
    let (order, mut lists) = search(&options, max_depth);
    extend(&mut lists, &order, &views, &singles, max_depth);
    lists
}

/// Adds further parents where they help beside the first.
fn extend(lists: &mut [Vec<usize>], order: &[usize], views: &[View], singles: &[Vec<f64>], max_depth: usize) {
    let mut depths = vec![0usize; views.len()];
    let mut placed: Vec<usize> = Vec::new();
    for &child in order {
        let Some(view) = views.get(child) else { continue };
        loop {
            let list = lists.get(child).cloned().unwrap_or_default();
            if list.len() >= MAX_PARENTS || list.is_empty() {
                break;
            }
            let joint = |row: usize, more: Option<&View>, ranges: bool| {
                list.iter().filter_map(|&index| views.get(index)).chain(more).fold(0u32, |mixed, view| {
                    let of = if ranges { &view.ranges } else { &view.whole.classes };
                    hash(mixed, of.get(row).copied().unwrap_or_default())
                })
            };
            let now = view.gain(|row| joint(row, None, false), |row| joint(row, None, true)).max(0.0);
            let single = |p: usize| singles.get(child).and_then(|line| line.get(p)).copied().unwrap_or(0.0);
            let fits = |p: usize| {
                depths.get(p).is_some_and(|&depth| depth < max_depth) && views.get(p).is_some_and(|v| !v.constant)
            };
            let mut candidates: Vec<usize> = placed.iter().copied().filter(|p| !list.contains(p) && fits(*p)).collect();
            candidates.sort_by(|&a, &b| single(b).total_cmp(&single(a)));
            candidates.truncate(12);
            let mut best: Option<(f64, usize)> = None;
            for parent in candidates {
                let more = views.get(parent);
                let gain = view.gain(|row| joint(row, more, false), |row| joint(row, more, true));
                if best.is_none_or(|(most, _)| gain > most) {
                    best = Some((gain, parent));
                }
            }
            let enough = now + LEAST.max(0.02 * (view.base - now));
            match (best.filter(|(gain, _)| *gain > enough), lists.get_mut(child)) {
                (Some((_, parent)), Some(list)) => list.push(parent),
                _ => break,
            }
        }
        let depth = lists.get(child).and_then(|list| list.iter().filter_map(|&p| depths.get(p)).max().map(|d| d + 1));
        if let Some(at) = depths.get_mut(child) {
            *at = depth.unwrap_or(0);
        }
        placed.push(child);
    }
}
