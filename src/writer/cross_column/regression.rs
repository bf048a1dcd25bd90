//! Robust linear regression: weights of few columns whose sum is mostly near another one.

use crate::bytes::to_u64;
use crate::encoding::integer::linear::{Form, MAX_SHIFT, MAX_TERMS, Part, Sum, Term};
use crate::sort::sort_by;

/// A column of numbers that may be a term.
#[derive(Clone, Debug)]
pub struct Feature {
    /// What it is; its weight does not count.
    pub term: Term,
    /// Its numbers in the sampled rows.
    pub numbers: Vec<f64>,
}

/// A sum, and what its residuals cost.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The sum.
    pub sum: Sum,
    /// Estimated bits per value.
    pub bits: f64,
}

/// Rounds of reweighting.
const ROUNDS: usize = 6;
/// Rounds after which a sum that takes so many more bits per value than it may is given up.
const EARLY_ROUNDS: usize = 2;
const HOPELESS: f64 = 1.0;
/// Rows that are added together, so that sums are loaded and stored less often.
const AT_ONCE: usize = 4;
/// Residuals up to this size are as good as none.
const SMALL: f64 = 0.5;
/// Bits per value that another term must save.
const MIN_GAIN: f64 = 0.04;
/// Weights this near to an integer are tried as one.
const NEAR: f64 = 0.05;
/// Bits behind the point of other weights.
const SHIFT: u8 = 20;

/// Least absolute deviations by iteratively reweighted least squares (Schlossmacher 1973): a weight per feature, then
/// the constant.
#[inline(never)]
fn solve(features: &[&Feature], target: &[f64], rounds: usize) -> Option<Vec<f64>> {
    let rows = target.len() as f64;
    let (means, scales): (Vec<f64>, Vec<f64>) = features
        .iter()
        .map(|feature| {
            let mean = feature.numbers.iter().sum::<f64>() / rows;
            let square = feature.numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / rows;
            (mean, square.sqrt())
        })
        .unzip();
    // A row of the table: the features, a one, the target.
    let width = features.len() + 1;
    let mut table = Vec::with_capacity((target.len() + AT_ONCE) * (width + 1));
    for (row, &wanted) in target.iter().enumerate() {
        table.extend(features.iter().zip(means.iter().zip(&scales)).map(|(feature, (mean, scale))| {
            let number = feature.numbers.get(row).copied().unwrap_or_default();
            if *scale > 0.0 { (number - mean) / scale } else { 0.0 }
        }));
        table.extend([1.0, wanted]);
    }
    let stride = width + 1;
    // Rows that do not count fill up the last ones that are added together.
    let padded = target.len().next_multiple_of(AT_ONCE);
    table.resize(padded * stride, 0.0);
    let mut importance = vec![1.0; target.len()];
    importance.resize(padded, 0.0);
    let mut solution = vec![0.0; width];
    for _ in 0..rounds {
        let mut matrix = vec![vec![0.0; width + 1]; width];
        for (rows, weights) in table.chunks_exact(AT_ONCE * stride).zip(importance.as_chunks::<AT_ONCE>().0) {
            let mut rows = rows.chunks_exact(stride);
            let rows: [&[f64]; AT_ONCE] = std::array::from_fn(|_| rows.next().unwrap_or_default());
            for (i, line) in matrix.iter_mut().enumerate() {
                let [a, b, c, d] = rows.map(|row| row.get(i..).unwrap_or_default());
                let factor = |row: &[f64], weight: f64| row.first().copied().unwrap_or_default() * weight;
                let [wa, wb, wc, wd] = *weights;
                let (fa, fb, fc, fd) = (factor(a, wa), factor(b, wb), factor(c, wc), factor(d, wd));
                let cells = line.get_mut(i..).unwrap_or_default();
                for ((((cell, a), b), c), d) in cells.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *cell += (fa * a + fb * b) + (fc * c + fd * d);
                }
            }
        }
        // The other half is the same.
        for i in 1..width {
            for j in 0..i {
                let mirrored = matrix.get(j).and_then(|line| line.get(i)).copied().unwrap_or_default();
                if let Some(cell) = matrix.get_mut(i).and_then(|line| line.get_mut(j)) {
                    *cell = mirrored;
                }
            }
        }
        solution = eliminate(matrix);
        if solution.iter().any(|x| !x.is_finite()) {
            return None;
        }
        for (row, weight) in table.chunks_exact(stride).zip(importance.iter_mut().take(target.len())) {
            let predicted: f64 = row.iter().zip(&solution).map(|(number, slope)| number * slope).sum();
            let wanted = row.last().copied().unwrap_or_default();
            *weight = 1.0 / (wanted - predicted).abs().max(SMALL);
        }
    }
    let mut constant = solution.pop().unwrap_or_default();
    for ((slope, mean), scale) in solution.iter_mut().zip(&means).zip(&scales) {
        *slope = if *scale > 0.0 { *slope / scale } else { 0.0 };
        constant -= *slope * mean;
    }
    solution.push(constant);
    Some(solution)
}

/// Gauss-Jordan elimination of a symmetric system with its right-hand side as the last column; what depends on those
/// before it gets the solution 0.
fn eliminate(mut matrix: Vec<Vec<f64>>) -> Vec<f64> {
    let width = matrix.len();
    let diagonal: Vec<f64> = matrix.iter().enumerate().map(|(i, line)| line.get(i).copied().unwrap_or(0.0)).collect();
    let mut skipped = vec![false; width];
    for pivot in 0..width {
        let Some(mut line) = matrix.get(pivot).cloned() else { break };
        let head = line.get(pivot).copied().unwrap_or_default();
        if head.abs() <= 1e-9 * diagonal.get(pivot).copied().unwrap_or_default().abs() || head == 0.0 {
            if let Some(skip) = skipped.get_mut(pivot) {
                *skip = true;
            }
            continue;
        }
        line.iter_mut().for_each(|cell| *cell /= head);
        for (index, other) in matrix.iter_mut().enumerate() {
            let factor = other.get(pivot).copied().unwrap_or_default();
            if index != pivot && factor != 0.0 {
                other.iter_mut().zip(&line).for_each(|(cell, known)| *cell -= factor * known);
            }
        }
        if let Some(slot) = matrix.get_mut(pivot) {
            *slot = line;
        }
    }
    matrix
        .iter()
        .zip(skipped)
        .map(|(line, skip)| if skip { 0.0 } else { line.last().copied().unwrap_or(0.0) })
        .collect()
}

/// About how many bits residuals take: the entropy of their sizes in powers of two with their signs, and the rest of
/// their bits as they are.
fn cost(residuals: impl Iterator<Item = f64>) -> f64 {
    let mut counts = [0u32; 130];
    let (mut total, mut extra) = (0u32, 0.0);
    for residual in residuals {
        let size = residual.abs();
        // The exponent is the whole part of the logarithm of what is 1 or more.
        let class = if size < 0.5 { 0 } else { ((size + 0.5).to_bits() >> 52) - 1022 };
        let slot = usize::try_from(class.min(64)).unwrap_or_default() * 2 + usize::from(residual > 0.0);
        if let Some(count) = counts.get_mut(slot) {
            *count += 1;
        }
        total += 1;
        extra += class.saturating_sub(1) as f64;
    }
    let total = f64::from(total.max(1));
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|&count| -f64::from(count) / total * (f64::from(count) / total).log2())
        .sum();
    entropy + extra / total
}

fn residuals<'a>(
    features: &'a [&Feature],
    solution: &'a [f64],
    target: &'a [f64],
    modulus: f64,
) -> impl Iterator<Item = f64> + 'a {
    target.iter().enumerate().map(move |(row, wanted)| {
        let mut predicted = solution.last().copied().unwrap_or_default();
        for (feature, weight) in features.iter().zip(solution) {
            predicted += weight * feature.numbers.get(row).copied().unwrap_or_default();
        }
        let residual = wanted - predicted.floor();
        if modulus > 0.0 { (residual + modulus / 2.0).rem_euclid(modulus) - modulus / 2.0 } else { residual }
    })
}

fn fit_cost(features: &[&Feature], target: &[f64], modulus: f64, rounds: usize) -> Option<(f64, Vec<f64>)> {
    let mut solution = solve(features, target, rounds)?;
    if let Some(constant) = solution.last_mut() {
        *constant += 0.5;
    }
    let bits = cost(residuals(features, &solution, target, modulus));
    // Weights that are meant to be whole: then so is the constant, the median of what is left.
    let mut whole = solution.clone();
    let last = whole.len().saturating_sub(1);
    for weight in whole.iter_mut().take(last) {
        if (*weight - weight.round()).abs() < NEAR {
            *weight = weight.round();
        }
    }
    if whole != solution {
        if let Some(constant) = whole.last_mut() {
            *constant = 0.0;
        }
        let mut left: Vec<f64> = residuals(features, &whole, target, modulus).collect();
        sort_by(&mut left, f64::total_cmp);
        if let Some(constant) = whole.last_mut() {
            *constant = left.get(left.len() / 2).copied().unwrap_or_default().round();
        }
        let whole_bits = cost(residuals(features, &whole, target, modulus));
        if whole_bits <= bits + MIN_GAIN {
            return Some((whole_bits, whole));
        }
    }
    Some((bits, solution))
}

/// About how many nanoseconds it takes to fit so many features to so many rows.
pub fn price(features: usize, rows: usize) -> u64 {
    to_u64(features + 2).saturating_pow(2).saturating_mul(to_u64(rows)).saturating_mul(4)
}

/// Finds a sum of few features near to the target; `None` where none costs less than `most` bits per value.
pub fn fit(
    features: &[Feature],
    target: &[f64],
    form: Form,
    modulus: u64,
    max_parents: usize,
    most: f64,
) -> Option<Fit> {
    let modulus_f64 = modulus as f64;
    let mut chosen: Vec<&Feature> = features.iter().collect();
    if fit_cost(&chosen, target, modulus_f64, EARLY_ROUNDS)?.0 > most + HOPELESS {
        return None;
    }
    let (mut bits, mut solution) = fit_cost(&chosen, target, modulus_f64, ROUNDS)?;
    if bits > most {
        return None;
    }
    let spread = |feature: &Feature| {
        let mean = feature.numbers.iter().sum::<f64>() / target.len() as f64;
        (feature.numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / target.len() as f64).sqrt()
    };
    let parents = |features: &[&Feature]| {
        let mut parents: Vec<u8> = Vec::with_capacity(features.len());
        for feature in features {
            if !parents.contains(&feature.term.parent) {
                parents.push(feature.term.parent);
            }
        }
        parents.len()
    };
    // Those that move the sum the most, as few of them as do.
    let moves = |chosen: &[&Feature], solution: &[f64]| {
        let mut moves: Vec<(f64, Term)> = chosen
            .iter()
            .zip(solution)
            .map(|(feature, weight)| (weight.abs() * spread(feature), feature.term))
            .collect();
        sort_by(&mut moves, |a, b| b.0.total_cmp(&a.0));
        moves
    };
    let order = moves(&chosen, &solution);
    for count in (1..=MAX_TERMS).filter(|count| *count < features.len()) {
        let first = order.get(..count).unwrap_or_default();
        let few: Vec<&Feature> =
            features.iter().filter(|feature| first.iter().any(|(_, term)| *term == feature.term)).collect();
        let Some((few_bits, fewer)) = fit_cost(&few, target, modulus_f64, ROUNDS) else { continue };
        if few_bits <= bits + MIN_GAIN || (count == MAX_TERMS && few_bits <= most) {
            (chosen, solution, bits) = (few, fewer, few_bits);
            break;
        }
    }
    // Of these one by one, those that move it the least first, where that costs next to nothing.
    for (_, term) in moves(&chosen, &solution).into_iter().rev() {
        let kept: Vec<&Feature> = chosen.iter().copied().filter(|feature| feature.term != term).collect();
        if kept.is_empty() {
            break;
        }
        let too_many = chosen.len() > MAX_TERMS || parents(&chosen) > max_parents;
        let Some((fewer_bits, fewer)) = fit_cost(&kept, target, modulus_f64, ROUNDS) else { continue };
        if fewer_bits <= bits + MIN_GAIN || (too_many && fewer_bits <= most) {
            bits = bits.min(fewer_bits).max(fewer_bits - MIN_GAIN);
            (chosen, solution) = (kept, fewer);
        }
    }
    if chosen.len() > MAX_TERMS || parents(&chosen) > max_parents || solution.is_empty() {
        return None;
    }
    let (bits, solution) = fit_cost(&chosen, target, modulus_f64, ROUNDS * 2)?;
    let sum = to_sum(&chosen, &solution, form, modulus)?;
    (bits <= most).then_some(Fit { sum, bits })
}

fn to_sum(features: &[&Feature], solution: &[f64], form: Form, modulus: u64) -> Option<Sum> {
    let (constant, weights) = solution.split_last()?;
    let is_whole = solution.iter().all(|x| x.fract() == 0.0);
    let shift = if is_whole { 0 } else { SHIFT.min(MAX_SHIFT) };
    let scale = f64::from(1u32 << shift);
    let fixed = |x: f64| {
        let scaled = (x * scale).round();
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        let fixed = (scaled.abs() < 9e15).then_some(scaled as i64);
        fixed
    };
    let mut terms = Vec::with_capacity(features.len());
    for (feature, &weight) in features.iter().zip(weights) {
        let weight = fixed(weight)?;
        let largest = feature.numbers.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        if largest * (weight as f64).abs() > 1e18 {
            return None;
        }
        if weight != 0 {
            terms.push(Term { weight, ..feature.term });
        }
    }
    (!terms.is_empty()).then_some(Sum { form, modulus, terms, constant: fixed(*constant)?, shift })
}

/// A part of a number as a feature.
pub fn feature(parent: u8, exponent: u8, part: Part, numbers: &[i64]) -> Feature {
    Feature {
        term: Term { parent, exponent, part, weight: 0 },
        numbers: numbers.iter().map(|&number| part.of(number) as f64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn finds_whole_weights_among_noise_and_outliers() {
        let mut next = noise(3);
        let columns: Vec<Vec<i64>> = (0..6).map(|_| (0..500).map(|_| (next() % 2400) as i64).collect()).collect();
        let target: Vec<f64> = (0..500)
            .map(|row| {
                let wrong = if next().is_multiple_of(20) { 1440 } else { 0 };
                (60 * columns[1][row] - columns[4][row] + 17 + wrong) as f64
            })
            .collect();
        let features: Vec<Feature> =
            (0..).zip(&columns).map(|(parent, numbers)| feature(parent, 0, Part::Whole, numbers)).collect();
        let fit = fit(&features, &target, Form::Number, 0, 4, 12.0).unwrap();
        let terms: Vec<(u8, i64)> = fit.sum.terms.iter().map(|term| (term.parent, term.weight)).collect();
        assert_eq!((terms, fit.sum.constant, fit.sum.shift), (vec![(1, 60), (4, -1)], 17, 0));
        assert!(fit.bits < 1.5, "{}", fit.bits);
    }

    #[test]
    fn finds_nothing_where_there_is_nothing() {
        let mut next = noise(4);
        let numbers: Vec<i64> = (0..500).map(|_| (next() % 1000) as i64).collect();
        let target: Vec<f64> = (0..500).map(|_| (next() % 1000) as f64).collect();
        let features = [feature(0, 0, Part::Whole, &numbers), feature(1, 0, Part::Quotient, &numbers)];
        assert!(fit(&features, &target, Form::Number, 0, 4, 9.0).is_none());
    }
}
