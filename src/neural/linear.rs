//! Linear prediction of a number from those of the parents, in fixed point.

use super::parents::Parent;
use crate::bytes::ByteReader;
use crate::encoding::varint;
use crate::error::{Error, Result};

/// Bits of a weight behind the point.
const POINT: u32 = 16;
/// Terms per parent: the number, and its quotient by 100 rounded down (clock times are written as hours x 100 + minutes).
const KINDS: u8 = 2;
const MAX_TERMS: u8 = 6;
/// Bound of weights: no sum of products with numbers of 64 bits leaves 128 bits.
const MAX_WEIGHT: i64 = 1 << 48;

/// One product of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub parent: u8,
    pub kind: u8,
    pub weight: i64,
}

/// `(constant + sum of weight x term + 2^15) >> 16`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linear {
    pub terms: Vec<Term>,
    pub constant: i64,
}

pub fn term(number: i64, kind: u8) -> i64 {
    if kind == 0 { number } else { number.div_euclid(100) }
}

impl Linear {
    pub fn read(reader: &mut ByteReader<'_>, num_parents: usize) -> Result<Self> {
        let count = reader.u8()?;
        if count > MAX_TERMS {
            return Err(Error::corrupt(format!("linear prediction of {count} terms")));
        }
        let mut terms = Vec::new();
        for _ in 0..count {
            let code = reader.u8()?;
            let (parent, kind) = (code / KINDS, code % KINDS);
            if usize::from(parent) >= num_parents {
                return Err(Error::corrupt(format!("linear prediction from parent {parent} of {num_parents}")));
            }
            let weight = varint::read_signed(reader)?;
            if !(-MAX_WEIGHT..=MAX_WEIGHT).contains(&weight) {
                return Err(Error::corrupt(format!("linear prediction with weight {weight} (at most 2^48)")));
            }
            terms.push(Term { parent, kind, weight });
        }
        Ok(Linear { terms, constant: if count > 0 { varint::read_signed(reader)? } else { 0 } })
    }

    pub fn predict(&self, parents: &[Parent], row: usize) -> i64 {
        let mut sum = i128::from(self.constant) + (1 << (POINT - 1));
        for at in &self.terms {
            let number = parents.get(usize::from(at.parent)).map_or(0, |parent| parent.number(row));
            sum += i128::from(at.weight) * i128::from(term(number, at.kind));
        }
        i64::try_from(sum >> POINT).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
    }
}

#[cfg(feature = "writer")]
pub use writer::fit;

#[cfg(feature = "writer")]
mod writer {
    use super::super::predictor::hash;
    use super::*;

    impl Linear {
        pub fn write(&self, out: &mut Vec<u8>) {
            out.push(u8::try_from(self.terms.len()).unwrap_or(u8::MAX));
            for term in &self.terms {
                out.push(term.parent * KINDS + term.kind);
                varint::write_signed(term.weight, out);
            }
            if !self.terms.is_empty() {
                varint::write_signed(self.constant, out);
            }
        }
    }

    /// Rows that a fit looks at.
    const SAMPLE: usize = 1024;
    /// Rows that are too few for a fit.
    const TOO_FEW: usize = 32;
    /// Solutions through as many rows as there are terms that are tried first.
    const TRIES: u32 = 24;
    const ROUNDS: usize = 10;

    /// One row: its terms and a one.
    type Point = (Vec<f64>, f64);

    fn residual((terms, target): &Point, solution: &[f64]) -> f64 {
        (target - terms.iter().zip(solution).map(|(term, weight)| term * weight).sum::<f64>()).abs()
    }

    /// How badly a solution fits, outliers counting at most one.
    fn score(points: &[Point], solution: &[f64]) -> f64 {
        points.iter().map(|point| residual(point, solution)).map(|residual| residual / (4.0 + residual)).sum()
    }

    /// Weighted least squares.
    fn least_squares<'a>(points: impl Iterator<Item = (&'a Point, f64)>, size: usize) -> Option<Vec<f64>> {
        let mut system = vec![vec![0.0; size + 1]; size];
        for ((terms, target), importance) in points {
            for (line, x) in system.iter_mut().zip(terms) {
                for (cell, y) in line.iter_mut().zip(terms.iter().chain([target])) {
                    *cell += importance * x * y;
                }
            }
        }
        solve(system)
    }

    /// The terms that the parents offer: numbers that vary, and hours where they look like clock times.
    fn offered(parents: &[Parent], rows: &[usize]) -> Vec<(u8, u8)> {
        let mut terms = Vec::new();
        for (parent, view) in (0u8..).zip(parents).filter(|(_, view)| !view.numbers.is_empty()) {
            let numbers = || rows.iter().map(|&row| view.number(row));
            let first = numbers().next();
            if numbers().all(|number| Some(number) == first) {
                continue;
            }
            terms.push((parent, 0));
            let times = numbers().filter(|number| (0..=2400).contains(number) && number % 100 < 60).count();
            if times * 50 >= rows.len() * 49 && numbers().any(|number| number >= 200) {
                terms.push((parent, 1));
            }
        }
        terms
    }

    /// The solution that fits best: starts from least squares and from random subsets of as many rows as terms
    /// (RANSAC, Fischler and Bolles 1981), then least absolute deviations by reweighting.
    fn robust(points: &[Point], size: usize) -> Option<Vec<f64>> {
        let mut best = least_squares(points.iter().map(|point| (point, 1.0)), size)?;
        let mut least = score(points, &best);
        for number in 0..TRIES {
            let pick = |member: usize| {
                let random = hash(number, u32::try_from(member).unwrap_or_default()) as usize;
                points.get(random % points.len())
            };
            let subset = (0..size).filter_map(pick).map(|point| (point, 1.0));
            if let Some(solution) = least_squares(subset, size) {
                let fit = score(points, &solution);
                if fit < least {
                    (best, least) = (solution, fit);
                }
            }
        }
        let mut solution = best.clone();
        let mut floor = 2.0;
        for _ in 0..ROUNDS {
            let importance = |point: &Point| 1.0 / (residual(point, &solution) + floor);
            let Some(next) = least_squares(points.iter().map(|point| (point, importance(point))), size) else { break };
            solution = next;
            floor = f64::max(floor * 0.6, 0.05);
        }
        Some(if score(points, &solution) < least { solution } else { best })
    }

    /// Fits a prediction on a sample, if the parents offer anything.
    pub fn fit(values: &[i64], parents: &[Parent]) -> Option<Linear> {
        let step = (values.len() / SAMPLE).max(1);
        // Nulls have no number to go by.
        let is_known = |row: &usize| parents.iter().all(|view| !view.is_null(*row));
        let rows: Vec<usize> = (0..values.len()).step_by(step).filter(is_known).collect();
        let terms = offered(parents, &rows);
        if terms.is_empty() || rows.len() < TOO_FEW {
            return None;
        }
        // Centred, so that sums keep their digits.
        let centre = |list: &[f64]| list.iter().sum::<f64>() / list.len() as f64;
        let targets: Vec<f64> = rows.iter().map(|&row| values.get(row).copied().unwrap_or_default() as f64).collect();
        let columns: Vec<Vec<f64>> = terms
            .iter()
            .map(|&(parent, kind)| {
                let view = parents.get(usize::from(parent));
                rows.iter().map(|&row| term(view.map_or(0, |view| view.number(row)), kind) as f64).collect()
            })
            .collect();
        let target_centre = centre(&targets);
        let centres: Vec<f64> = columns.iter().map(|list| centre(list)).collect();
        let points: Vec<Point> = targets
            .iter()
            .enumerate()
            .map(|(i, target)| {
                let terms = columns.iter().zip(&centres);
                let terms = terms.map(|(list, centre)| list.get(i).copied().unwrap_or_default() - centre).chain([1.0]);
                (terms.collect(), target - target_centre)
            })
            .collect();
        let solution = robust(&points, terms.len() + 1)?;
        let scale = f64::from(1u32 << POINT);
        let mut linear = Linear::default();
        let mut constant = target_centre + solution.last().copied().unwrap_or_default();
        for ((&(parent, kind), &weight), centre) in terms.iter().zip(&solution).zip(&centres) {
            // Weights of exact relations are whole.
            let weight = if (weight - weight.round()).abs() < 0.004 { weight.round() } else { weight };
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            let fixed = (weight * scale).round() as i64;
            constant -= weight * centre;
            if fixed != 0 {
                linear.terms.push(Term { parent, kind, weight: fixed });
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        let fixed = (constant * scale).round() as i64;
        linear.constant = fixed;
        let fits = linear.terms.iter().all(|term| (-MAX_WEIGHT..=MAX_WEIGHT).contains(&term.weight));
        (fits && !linear.terms.is_empty()).then_some(linear)
    }

    /// Gaussian elimination with pivoting; directions without information get no weight.
    fn solve(mut system: Vec<Vec<f64>>) -> Option<Vec<f64>> {
        let size = system.len();
        let diagonal: Vec<f64> =
            system.iter().enumerate().map(|(i, line)| line.get(i).copied().unwrap_or_default()).collect();
        for pivot in 0..size {
            let best = (pivot..size).max_by(|&a, &b| {
                let value =
                    |row: usize| system.get(row).and_then(|line| line.get(pivot)).map_or(0.0, |cell| cell.abs());
                value(a).total_cmp(&value(b))
            })?;
            system.swap(pivot, best);
            let line = system.get(pivot)?.clone();
            let head = *line.get(pivot)?;
            if head.abs() <= 1e-9 * diagonal.get(pivot)?.abs() + 1e-12 {
                if let Some(line) = system.get_mut(pivot) {
                    line.iter_mut().for_each(|cell| *cell = 0.0);
                    if let Some(cell) = line.get_mut(pivot) {
                        *cell = 1.0;
                    }
                }
                for (row, other) in system.iter_mut().enumerate() {
                    if row != pivot
                        && let Some(cell) = other.get_mut(pivot)
                    {
                        *cell = 0.0;
                    }
                }
                continue;
            }
            for (row, other) in system.iter_mut().enumerate() {
                if row == pivot {
                    continue;
                }
                let factor = other.get(pivot)? / head;
                other.iter_mut().zip(&line).for_each(|(cell, x)| *cell -= factor * x);
            }
        }
        let solution: Vec<f64> =
            system.iter().enumerate().map(|(i, line)| Some(line.last()? / line.get(i)?)).collect::<Option<_>>()?;
        solution.iter().all(|x| x.is_finite()).then_some(solution)
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::testing::noise;

    fn parent(numbers: Vec<i64>) -> Parent {
        Parent { classes: vec![0; numbers.len()], numbers }
    }

    #[test]
    fn differences_of_clock_times_are_found_despite_outliers() {
        let mut next = noise(4);
        let minutes: Vec<(i64, i64)> = (0..3000).map(|_| ((next() % 1440) as i64, (next() % 1440) as i64)).collect();
        let clock = |minutes: i64| minutes / 60 * 100 + minutes % 60;
        let parents = [
            parent(minutes.iter().map(|x| clock(x.0)).collect()),
            parent(minutes.iter().map(|x| clock(x.1)).collect()),
        ];
        let difference = |(row, x): (usize, &(i64, i64))| x.0 - x.1 + if row % 10 == 3 { 1440 } else { 0 };
        let values: Vec<i64> = minutes.iter().enumerate().map(difference).collect();
        let linear = fit(&values, &parents).unwrap();
        let hits = (0..3000).filter(|&row| linear.predict(&parents, row) == values[row]).count();
        assert_eq!(hits, 2700);
        let mut bytes = Vec::new();
        linear.write(&mut bytes);
        assert_eq!(Linear::read(&mut ByteReader::new(&bytes, 0), 2).unwrap(), linear);
        assert!(Linear::read(&mut ByteReader::new(&bytes, 0), 1).is_err());
    }

    #[test]
    fn parents_that_offer_nothing_give_no_prediction() {
        let values: Vec<i64> = (0..100).collect();
        assert_eq!(fit(&values, &[parent(vec![7; 100]), parent(Vec::new())]), None);
        assert_eq!(fit(&values[..10], &[parent((0..10).collect())]), None);
    }

    #[test]
    fn predictions_saturate() {
        let term = Term { parent: 0, kind: 0, weight: -MAX_WEIGHT };
        let linear = Linear { terms: vec![term; 6], constant: i64::MAX };
        let parents = [parent(vec![i64::MIN, i64::MAX, 0])];
        assert_eq!((linear.predict(&parents, 0), linear.predict(&parents, 1)), (i64::MAX, i64::MIN));
        assert_eq!(linear.predict(&parents, 2), (i64::MAX >> 16) + 1);
    }
}
