//! Choosing the parents of all columns of a row group, by what they would save on a sample.
//!
//! The cost of a column beside others is that of an adaptive code of its values (or of ranges of its numbers) beside
//! theirs, mixed with the code without them (escape method A to C of Witten and Bell, 1991, as an interpolation), or
//! what a linear prediction leaves. The order of the columns, parents first, is improved by moving one at a time.

use super::linear;
use super::order::sorted;
use super::parents::Parent;
use super::predictor::hash;
use super::symbols::MAX_PARENTS;
use crate::column::Column;

/// Rows of a table without parents.
const TOO_FEW: usize = 64;
/// Rows that linear predictions are tried on.
const LINEAR_SAMPLE: usize = 600;
/// Numeric columns beyond which pairs of them are not tried in linear predictions.
const MAX_NUMERIC: usize = 20;
/// Ranges of numbers.
const RANGES: usize = 48;
/// Bits per row that a parent must save.
const LEAST: f64 = 0.02;
/// Best single parents that are tried in pairs.
const PAIRED: usize = 7;
/// Columns beyond which their order is not improved, and rounds of improvement.
const MAX_ORDERED: usize = 48;
const SWEEPS: usize = 6;
/// Columns that are tried as a further parent.
const FURTHER: usize = 12;

/// Logarithm of base two to three digits, by operations that round alike everywhere.
fn log2(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as f64 - 1023.0;
    let m = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 1023 << 52);
    // Natural logarithm of a number from 1 to 2.
    let ln = -1.741_793_9 + (2.821_202_6 + (-1.469_956_8 + (0.447_179_55 - 0.056_570_851 * m) * m) * m) * m;
    exponent + ln * std::f64::consts::LOG2_E
}

/// What was counted beside a context.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    key: Option<(u32, u32)>,
    /// How often it came.
    count: u32,
    /// How many different values came with it.
    kinds: u32,
}

/// Counts by key: a hash table with open addressing, of twice the keys that it will have.
struct Counts(Vec<Count>);

impl Counts {
    fn new(keys: usize) -> Self {
        Counts(vec![Count::default(); (keys * 2).next_power_of_two()])
    }

    fn entry(&mut self, a: u32, b: u32) -> Option<&mut Count> {
        let mask = self.0.len() - 1;
        let mut at = hash(a, b) as usize & mask;
        while self.0.get(at)?.key.is_some_and(|key| key != (a, b)) {
            at = (at + 1) & mask;
        }
        let entry = self.0.get_mut(at)?;
        entry.key = Some((a, b));
        Some(entry)
    }
}

/// Probabilities that an adaptive code without context gives the values.
fn plain_probabilities(values: &[u32]) -> Vec<f64> {
    let mut counts = Counts::new(values.len());
    let mut kinds = 1.0;
    let mut probabilities = Vec::with_capacity(values.len());
    for (&value, seen) in values.iter().zip(0u32..) {
        let Some(entry) = counts.entry(value, 0) else { break };
        probabilities.push((f64::from(entry.count) + kinds / 4096.0) / (f64::from(seen) + kinds));
        kinds += if entry.count == 0 { 1.0 } else { 0.0 };
        entry.count += 1;
    }
    probabilities
}

/// Bits per row of a code with these probabilities.
fn bits(probabilities: &[f64]) -> f64 {
    -probabilities.iter().map(|&p| log2(p)).sum::<f64>() / probabilities.len().max(1) as f64
}

/// Bits per row of values beside contexts.
fn bits_beside(values: &[u32], contexts: &[u32], plain: &[f64]) -> f64 {
    let (mut pairs, mut alone) = (Counts::new(values.len()), Counts::new(values.len()));
    let mut sum = 0.0;
    for ((&value, &context), plain) in values.iter().zip(contexts).zip(plain) {
        let (Some(pair), Some(all)) = (pairs.entry(context, value), alone.entry(context, 0)) else { break };
        let kinds = f64::from(all.kinds.max(1));
        sum -= log2((f64::from(pair.count) + kinds * plain) / (f64::from(all.count) + kinds));
        all.kinds += u32::from(pair.count == 0);
        all.count += 1;
        pair.count += 1;
    }
    sum / values.len().max(1) as f64
}

/// Bits per number that is written as a residual of this size.
fn residual_bits(residuals: impl Iterator<Item = i64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for residual in residuals {
        sum += log2(1.0 + 2.0 * residual.unsigned_abs() as f64) + 0.7;
        count += 1.0;
    }
    sum / f64::max(count, 1.0)
}

/// Values as classes, with what they cost.
struct Classes {
    classes: Vec<u32>,
    /// The classes of the rows before.
    before: Vec<u32>,
    plain: Vec<f64>,
    /// Bits per row without other columns.
    base: f64,
    /// Whether the value of the row before tells something.
    follows: bool,
}

impl Classes {
    fn new(classes: Vec<u32>) -> Self {
        let before: Vec<u32> = [0].into_iter().chain(classes.iter().copied()).take(classes.len()).collect();
        let plain = plain_probabilities(&classes);
        let (alone, after) = (bits(&plain), bits_beside(&classes, &before, &plain));
        Classes { classes, before, plain, base: alone.min(after), follows: after < alone - 0.1 }
    }

    /// What contexts save, in bits per row.
    fn gain(&self, contexts: &[u32]) -> f64 {
        let mut left = bits_beside(&self.classes, contexts, &self.plain);
        if self.follows {
            let both: Vec<u32> = contexts.iter().zip(&self.before).map(|(a, b)| hash(*a, *b)).collect();
            left = left.min(bits_beside(&self.classes, &both, &self.plain));
        }
        self.base - left
    }
}

/// A column on the sample, as child and as candidate.
struct View {
    whole: Parent,
    values: Classes,
    /// Ranges of the numbers, or the values where they are few.
    ranges: Classes,
    is_constant: bool,
    /// Bits per row without other columns.
    base: f64,
}

impl View {
    fn new(column: &Column) -> Self {
        let whole = Parent::new(column, None, super::parents::exponent(column));
        let mut sorted = sorted(&whole.numbers, i64::cmp);
        let step = (sorted.len() / RANGES).max(1);
        let mut bounds: Vec<i64> = sorted.iter().copied().step_by(step).collect();
        bounds.dedup();
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        sorted.dedup();
        let range = |number: &i64| u32::try_from(bounds.partition_point(|bound| bound <= number)).unwrap_or_default();
        let ranges =
            if sorted.len() > RANGES { whole.numbers.iter().map(range).collect() } else { whole.classes.clone() };
        let (values, ranges) = (Classes::new(whole.classes.clone()), Classes::new(ranges));
        let mut base = values.base;
        if !whole.numbers.is_empty() {
            let steps = whole.numbers.iter().zip(whole.numbers.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
            let from_middle = whole.numbers.iter().map(|number| number.wrapping_sub(middle));
            base = base.min(residual_bits(steps)).min(residual_bits(from_middle));
        }
        let is_constant = whole.classes.iter().all(|class| Some(class) == whole.classes.first());
        View { whole, values, ranges, is_constant, base }
    }

    fn is_numeric(&self) -> bool {
        !self.whole.numbers.is_empty()
    }

    /// What these parents save as contexts, in bits per row.
    fn gain(&self, parents: &[&View]) -> f64 {
        let joint = |of: fn(&View) -> &Classes| {
            let mut contexts = vec![0; self.values.classes.len()];
            for parent in parents {
                contexts.iter_mut().zip(&of(parent).classes).for_each(|(to, class)| *to = hash(*to, *class));
            }
            contexts
        };
        let exact = self.base - self.values.base + self.values.gain(&joint(|view| &view.values));
        exact.max(self.ranges.gain(&joint(|view| &view.ranges)))
    }

    /// What a linear prediction from these parents saves, in bits per row. Their rows before do not count: what they tell
    /// is mostly what the column's own rows tell.
    fn linear_gain(&self, parents: &[&View]) -> f64 {
        if !self.is_numeric() || parents.iter().any(|parent| !parent.is_numeric()) {
            return 0.0;
        }
        let views: Vec<&Parent> = parents.iter().map(|view| &view.whole).collect();
        let mut rows = linear::rows(self.whole.numbers.len(), &views, LINEAR_SAMPLE);
        rows.retain(|&row| !self.whole.is_null(row));
        let values = &self.whole.numbers;
        let Some(linear) = linear::fit(values, &views, &rows, false) else { return 0.0 };
        let left = rows.iter().map(|&row| {
            self.whole.number(row).wrapping_sub(linear.predict(&views, row, self.whole.number_before(row)))
        });
        self.base - residual_bits(left)
    }
}

/// Ways to predict one column: bits per row, and the parents. Sorted; the last has no parents.
type Options = Vec<(f64, Vec<usize>)>;

fn find_options(child: usize, views: &[View], numeric: &[usize]) -> Options {
    let Some(view) = views.get(child) else { return Vec::new() };
    let mut found: Vec<(f64, Vec<usize>)> = Vec::new();
    if view.base > LEAST && !view.is_constant {
        let others = views.iter().enumerate().filter(|(parent, other)| *parent != child && !other.is_constant);
        for (parent, other) in others {
            found.push((view.gain(&[other]).max(view.linear_gain(&[other])), vec![parent]));
        }
        found = sorted(&found, |a, b| b.0.total_cmp(&a.0));
        let top: Vec<usize> = found.iter().take(PAIRED).filter_map(|(_, list)| list.first().copied()).collect();
        for (i, &a) in top.iter().enumerate() {
            for &b in top.iter().skip(i + 1) {
                if let (Some(first), Some(second)) = (views.get(a), views.get(b)) {
                    found.push((view.gain(&[first, second]), vec![a, b]));
                }
            }
        }
        let numeric = if numeric.len() > MAX_NUMERIC || !view.is_numeric() { &[] } else { numeric };
        for (i, &a) in numeric.iter().enumerate().filter(|(_, a)| **a != child) {
            for &b in numeric.iter().skip(i + 1).filter(|b| **b != child) {
                if let (Some(first), Some(second)) = (views.get(a), views.get(b)) {
                    found.push((view.linear_gain(&[first, second]), vec![a, b]));
                }
            }
        }
    }
    // Every parent has its price: it must be decoded, too.
    let cost = |(gain, list): (f64, Vec<usize>)| (view.base - gain + LEAST * list.len() as f64, list);
    let options: Options = found.into_iter().map(cost).filter(|(cost, _)| *cost < view.base).collect();
    let mut options = sorted(&options, |a, b| a.0.total_cmp(&b.0).then(a.1.len().cmp(&b.1.len())));
    options.push((view.base, Vec::new()));
    options
}

/// What to choose from.
struct Choice {
    options: Vec<Options>,
    max_depth: usize,
}

impl Choice {
    /// The best options in an order in which parents come first, and the sum of their bits.
    fn choose(&self, order: &[usize]) -> (f64, Vec<Vec<usize>>) {
        let mut lists = vec![Vec::new(); self.options.len()];
        let mut depths: Vec<Option<usize>> = vec![None; self.options.len()];
        let mut total = 0.0;
        for &child in order {
            // One more than the deepest parent, if all have been placed.
            let depth = |parents: &[usize]| {
                parents
                    .iter()
                    .try_fold(0, |depth, &parent| Some(depth.max(depths.get(parent).copied().flatten()? + 1)))
                    .filter(|&depth| depth <= self.max_depth)
            };
            let options = self.options.get(child).map(Vec::as_slice).unwrap_or_default();
            let fitting = options.iter().find_map(|(cost, parents)| Some((cost, parents, depth(parents)?)));
            if let (Some((cost, parents, depth)), Some(at), Some(list)) =
                (fitting, depths.get_mut(child), lists.get_mut(child))
            {
                total += cost;
                *at = Some(depth);
                list.clone_from(parents);
            }
        }
        (total, lists)
    }

    /// Which of the options of a column is that parent alone.
    fn rank(&self, child: usize, parent: usize) -> Option<usize> {
        self.options.get(child)?.iter().position(|(_, list)| list.as_slice() == [parent]).or(Some(usize::MAX))
    }

    /// The best order that moving single columns leads to, and its lists.
    fn search(&self) -> (Vec<usize>, Vec<Vec<usize>>) {
        let mut order: Vec<usize> = (0..self.options.len()).collect();
        let (mut least, mut lists) = self.choose(&order);
        let sweeps = if order.len() > MAX_ORDERED { 0 } else { SWEEPS };
        for _ in 0..sweeps {
            let before = least;
            for from in 0..order.len() {
                let mut best = None;
                for to in 0..order.len() {
                    let mut moved = order.clone();
                    let column = moved.remove(from);
                    moved.insert(to, column);
                    let (total, chosen) = self.choose(&moved);
                    if total < least - 1e-6 {
                        least = total;
                        best = Some((moved, chosen));
                    }
                }
                if let Some(best) = best {
                    (order, lists) = best;
                }
            }
            if least >= before - 1e-6 {
                break;
            }
        }
        (order, lists)
    }
}

/// Adds further parents, of columns that are placed before, where they help beside the first.
fn extend(lists: &mut [Vec<usize>], order: &[usize], views: &[View], choice: &Choice) {
    let mut depths = vec![0usize; views.len()];
    let mut placed: Vec<usize> = Vec::new();
    for &child in order {
        let (Some(view), Some(list)) = (views.get(child), lists.get_mut(child)) else { continue };
        while !list.is_empty() && list.len() < MAX_PARENTS {
            let chosen: Vec<&View> = list.iter().filter_map(|&parent| views.get(parent)).collect();
            let now = view.gain(&chosen).max(0.0);
            let mut best: Option<(f64, usize)> = None;
            let fits = |parent: &usize| {
                !list.contains(parent)
                    && depths.get(*parent).is_some_and(|&depth| depth < choice.max_depth)
                    && views.get(*parent).is_some_and(|view| !view.is_constant)
            };
            let candidates: Vec<usize> = placed.iter().copied().filter(fits).collect();
            let rank = |parent: &usize| choice.rank(child, *parent);
            for parent in sorted(&candidates, |a, b| rank(a).cmp(&rank(b))).into_iter().take(FURTHER) {
                let with: Vec<&View> = chosen.iter().copied().chain(views.get(parent)).collect();
                let gain = view.gain(&with);
                if best.is_none_or(|(most, _)| gain > most) {
                    best = Some((gain, parent));
                }
            }
            let enough = now + LEAST.max(0.02 * (view.base - now));
            match best.filter(|(gain, _)| *gain > enough) {
                Some((_, parent)) => list.push(parent),
                None => break,
            }
        }
        let depth = list.iter().filter_map(|&parent| depths.get(parent)).max().map_or(0, |depth| depth + 1);
        if let Some(at) = depths.get_mut(child) {
            *at = depth;
        }
        placed.push(child);
    }
}

/// Picks the parents of each of some columns among the others: at most three, the best first, without cycles, and without
/// chains of more than `max_depth` from child to parent.
///
/// The columns must have the same number of rows, all of which are looked at: [`crate::encoding::neural::sample`] bounds
/// them. The choice depends on nothing else.
#[must_use]
pub fn choose_parents(columns: &[&Column], max_depth: usize) -> Vec<Vec<usize>> {
    let num_rows = columns.first().map_or(0, |column| column.len());
    if columns.len() < 2 || num_rows < TOO_FEW {
        return vec![Vec::new(); columns.len()];
    }
    let views: Vec<View> = columns.iter().map(|column| View::new(column)).collect();
    let is_candidate = |index: &usize| views.get(*index).is_some_and(|view| view.is_numeric() && !view.is_constant);
    let numeric: Vec<usize> = (0..views.len()).filter(is_candidate).collect();
    let options = (0..views.len()).map(|child| find_options(child, &views, &numeric)).collect();
    let choice = Choice { options, max_depth };
    let (order, mut lists) = choice.search();
    extend(&mut lists, &order, &views, &choice);
    lists
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Values;
    use crate::testing::noise;

    #[test]
    fn logarithms_are_good_to_three_digits() {
        for x in [1e-9, 0.001, 0.37, 0.5, 1.0, 1.41, 1.99, 2.0, 12_345.0] {
            assert!((log2(x) - x.log2()).abs() < 0.002, "{x}: {}", log2(x));
        }
    }

    #[test]
    fn contexts_that_tell_the_value_leave_little() {
        let mut next = noise(1);
        let contexts: Vec<u32> = (0..5000).map(|_| (next() % 16) as u32).collect();
        let values: Vec<u32> = contexts.iter().map(|x| x * x % 7).collect();
        let classes = Classes::new(values);
        assert!(classes.base > 1.5 && classes.gain(&contexts) > classes.base - 0.1);
        assert!(classes.gain(&vec![0; 5000]).abs() < 0.1);
    }

    #[test]
    fn sums_are_found_and_numbers_are_better_parents_than_noise() {
        let mut next = noise(2);
        let column = |values: Vec<i64>| Column::new(Values::Int64(values), None).unwrap();
        let mut random = || (0..4000).map(|_| (next() % 1000) as i64).collect::<Vec<_>>();
        let (a, b, other) = (random(), random(), random());
        let sum = a.iter().zip(&b).map(|(a, b)| 3 * a - b + 5).collect();
        let columns = [column(a), column(other), column(b), column(sum)];
        let lists = choose_parents(&columns.iter().collect::<Vec<_>>(), 3);
        // Any of the three can be the child of the others.
        let children: Vec<&Vec<usize>> = lists.iter().filter(|list| list.len() == 2).collect();
        assert!(children.len() == 1 && !children[0].contains(&1), "{lists:?}");
    }
}
