//! Linear prediction of a number from those of the parents and of the row before, in fixed point.

use super::parents::Parent;
use super::symbols::MAX_PARENTS;
use crate::bytes::ByteReader;
use crate::encoding::varint;
use crate::error::{Error, Result};

/// Bits of a weight behind the point.
const POINT: u32 = 16;
const MAX_TERMS: u8 = 8;
/// Terms of a row per parent.
const KINDS: u8 = 2;
/// Code of the first parent's number in the row before; the column itself follows the last parent.
const FIRST_BEFORE: u8 = 6;
const ITSELF: u8 = 3;
const _: () = assert!(ITSELF as usize == MAX_PARENTS && FIRST_BEFORE == KINDS * ITSELF);
/// Bound of weights: no sum of products with numbers of 64 bits leaves 128 bits.
const MAX_WEIGHT: i64 = 1 << 48;

/// What is multiplied: a number of a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// Of the same row.
    Number(u8),
    /// The same divided by 100 and rounded down: clock times are written as hours x 100 + minutes.
    Hours(u8),
    /// Of the row before; [`ITSELF`] is the column.
    Before(u8),
}

/// One product of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub factor: Factor,
    pub weight: i64,
}

/// `(constant + sum of weight x term + 2^15) >> 16`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linear {
    pub terms: Vec<Term>,
    pub constant: i64,
}

impl Factor {
    fn from_code(code: u8) -> Self {
        match code.checked_sub(FIRST_BEFORE) {
            Some(parent) => Factor::Before(parent),
            None if code.is_multiple_of(KINDS) => Factor::Number(code / KINDS),
            None => Factor::Hours(code / KINDS),
        }
    }

    /// The number of a row; `before` is the column's own in the row before.
    fn of(self, parents: &[&Parent], row: usize, before: i64) -> i64 {
        let parent = |index: u8| parents.get(usize::from(index));
        match self {
            Factor::Before(ITSELF) => before,
            Factor::Before(index) => parent(index).map_or(0, |parent| parent.number_before(row)),
            Factor::Number(index) => parent(index).map_or(0, |parent| parent.number(row)),
            Factor::Hours(index) => parent(index).map_or(0, |parent| parent.number(row).div_euclid(100)),
        }
    }
}

impl Linear {
    pub fn read(reader: &mut ByteReader<'_>, num_parents: usize) -> Result<Self> {
        let count = reader.u8()?;
        if count > MAX_TERMS {
            return Err(Error::corrupt(format!("linear prediction of {count} terms")));
        }
        let mut terms = Vec::new();
        for _ in 0..count {
            let factor = Factor::from_code(reader.u8()?);
            let (Factor::Number(parent) | Factor::Hours(parent) | Factor::Before(parent)) = factor;
            if usize::from(parent) >= num_parents && factor != Factor::Before(ITSELF) {
                return Err(Error::corrupt(format!("linear prediction from parent {parent} of {num_parents}")));
            }
            let weight = varint::read_signed(reader)?;
            if !(-MAX_WEIGHT..=MAX_WEIGHT).contains(&weight) {
                return Err(Error::corrupt(format!("linear prediction with weight {weight} (at most 2^48)")));
            }
            terms.push(Term { factor, weight });
        }
        Ok(Linear { terms, constant: if count > 0 { varint::read_signed(reader)? } else { 0 } })
    }

    /// The prediction for a row; `before` is the column's own number in the row before.
    pub fn predict(&self, parents: &[&Parent], row: usize, before: i64) -> i64 {
        let mut sum = i128::from(self.constant) + (1 << (POINT - 1));
        for term in &self.terms {
            sum += i128::from(term.weight) * i128::from(term.factor.of(parents, row, before));
        }
        i64::try_from(sum >> POINT).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
    }
}

#[cfg(feature = "writer")]
pub use writer::{fit, rows};

#[cfg(feature = "writer")]
mod writer {
    use super::super::parents::before as number_before;
    use super::super::predictor::hash;
    use super::*;

    impl Factor {
        fn code(self) -> u8 {
            match self {
                Factor::Number(parent) => parent * KINDS,
                Factor::Hours(parent) => parent * KINDS + 1,
                Factor::Before(parent) => FIRST_BEFORE + parent,
            }
        }
    }

    impl Linear {
        pub fn write(&self, out: &mut Vec<u8>) {
            out.push(u8::try_from(self.terms.len()).unwrap_or(u8::MAX));
            for term in &self.terms {
                out.push(term.factor.code());
                varint::write_signed(term.weight, out);
            }
            if !self.terms.is_empty() {
                varint::write_signed(self.constant, out);
            }
        }
    }

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

    /// What the parents offer: numbers that vary; hours where they look like clock times, or the row before.
    fn offered(parents: &[&Parent], rows: &[usize], before: bool) -> Vec<Factor> {
        let mut factors = Vec::new();
        for (index, view) in (0u8..).zip(parents).filter(|(_, view)| !view.numbers.is_empty()) {
            let numbers = || rows.iter().map(|&row| view.number(row));
            let first = numbers().next();
            if numbers().all(|number| Some(number) == first) {
                continue;
            }
            factors.push(Factor::Number(index));
            if before {
                factors.push(Factor::Before(index));
                continue;
            }
            let times = numbers().filter(|number| (0..=2400).contains(number) && number % 100 < 60).count();
            if times * 50 >= rows.len() * 49 && numbers().any(|number| number >= 200) {
                factors.push(Factor::Hours(index));
            }
        }
        if before && !factors.is_empty() {
            factors.push(Factor::Before(ITSELF));
        }
        factors
    }

    /// The solution that fits best: starts from least squares, from what is `known`, and from random subsets of as many rows as terms
    /// (RANSAC, Fischler and Bolles 1981), then least absolute deviations by reweighting.
    fn robust(points: &[Point], size: usize, known: Vec<Vec<f64>>) -> Option<Vec<f64>> {
        let mut best = least_squares(points.iter().map(|point| (point, 1.0)), size)?;
        let mut least = score(points, &best);
        let mut solutions = known;
        for number in 0..TRIES {
            let pick = |member: usize| {
                let random = hash(number, u32::try_from(member).unwrap_or_default()) as usize;
                points.get(random % points.len())
            };
            let subset = (0..size).filter_map(pick).map(|point| (point, 1.0));
            solutions.extend(least_squares(subset, size));
        }
        for solution in solutions {
            let fit = score(points, &solution);
            if fit < least {
                (best, least) = (solution, fit);
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

    /// Rows for a fit: at most so many of `count`, without those where a parent is null: it has no number to go by.
    pub fn rows(count: usize, parents: &[&Parent], most: usize) -> Vec<usize> {
        let is_known = |row: &usize| parents.iter().all(|view| !view.is_null(*row));
        (0..count).step_by((count / most).max(1)).filter(is_known).collect()
    }

    /// Fits a prediction on these rows, if the parents offer anything; `before`: with numbers of the rows before.
    pub fn fit(values: &[i64], parents: &[&Parent], rows: &[usize], before: bool) -> Option<Linear> {
        let factors = offered(parents, rows, before);
        if factors.is_empty() || rows.len() < TOO_FEW {
            return None;
        }
        let own = |row: usize| values.get(row).copied().unwrap_or_default();
        // Centred, so that sums keep their digits.
        let centre = |list: &[f64]| list.iter().sum::<f64>() / list.len() as f64;
        let targets: Vec<f64> = rows.iter().map(|&row| own(row) as f64).collect();
        let column = |factor: &Factor| -> Vec<f64> {
            rows.iter().map(|&row| factor.of(parents, row, number_before(values, row)) as f64).collect()
        };
        let columns: Vec<Vec<f64>> = factors.iter().map(column).collect();
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
        // Equal numbers.
        let equal = centres.iter().enumerate().map(|(at, centre)| {
            let weight = |index: usize| if index == at { 1.0 } else { 0.0 };
            (0..centres.len()).map(weight).chain([centre - target_centre]).collect()
        });
        let solution = robust(&points, factors.len() + 1, if before { equal.collect() } else { Vec::new() })?;
        let scale = f64::from(1u32 << POINT);
        let mut linear = Linear::default();
        let mut constant = target_centre + solution.last().copied().unwrap_or_default();
        for ((&factor, &weight), centre) in factors.iter().zip(&solution).zip(&centres) {
            // Weights of exact relations are whole.
            let weight = if (weight - weight.round()).abs() < 0.004 { weight.round() } else { weight };
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            let fixed = (weight * scale).round() as i64;
            constant -= weight * centre;
            if fixed != 0 {
                linear.terms.push(Term { factor, weight: fixed });
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
    use super::super::parents::before;
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
        let parents: Vec<&Parent> = parents.iter().collect();
        let linear = fit(&values, &parents, &rows(3000, &parents, 1000), false).unwrap();
        let hits = (0..3000).filter(|&row| linear.predict(&parents, row, 0) == values[row]).count();
        assert_eq!(hits, 2700);
        let mut bytes = Vec::new();
        linear.write(&mut bytes);
        assert_eq!(Linear::read(&mut ByteReader::new(&bytes, 0), 2).unwrap(), linear);
        assert!(Linear::read(&mut ByteReader::new(&bytes, 0), 1).is_err());
    }

    #[test]
    fn parents_that_offer_nothing_give_no_prediction() {
        let values: Vec<i64> = (0..100).collect();
        let all: Vec<usize> = (0..100).collect();
        for before in [false, true] {
            assert_eq!(fit(&values, &[&parent(vec![7; 100]), &parent(Vec::new())], &all, before), None);
            assert_eq!(fit(&values, &[&parent((0..100).collect())], &all[..10], before), None);
        }
    }

    #[test]
    fn predictions_saturate() {
        let term = Term { factor: Factor::Number(0), weight: -MAX_WEIGHT };
        let linear = Linear { terms: vec![term; MAX_TERMS.into()], constant: i64::MAX };
        let view = parent(vec![i64::MIN, i64::MAX, 0]);
        let predict = |row: usize| linear.predict(&[&view], row, 0);
        assert_eq!((predict(0), predict(1), predict(2)), (i64::MAX, i64::MIN, (i64::MAX >> 16) + 1));
        let term = Term { factor: Factor::Before(ITSELF), weight: MAX_WEIGHT };
        let linear = Linear { terms: vec![term; MAX_TERMS.into()], constant: 0 };
        assert_eq!((linear.predict(&[], 1, i64::MIN), linear.predict(&[], 1, i64::MAX)), (i64::MIN, i64::MAX));
    }

    #[test]
    fn numbers_of_rows_before_are_found() {
        let mut next = noise(5);
        let mut walk = |number: &mut i64| {
            *number += (next() % 2001) as i64 - 1000;
            *number
        };
        let (mut price, mut other) = (100_000, 5_000);
        let closing: Vec<i64> = (0..2000).map(|_| walk(&mut price)).collect();
        // Opens where the day before closed, but in every third row.
        let opening: Vec<i64> =
            (0..2000).map(|row| before(&closing, row) + if row % 3 == 0 { walk(&mut other) } else { 0 }).collect();
        let view = parent(closing);
        let all = rows(2000, &[&view], 700);
        let linear = fit(&opening, &[&view], &all, true).unwrap();
        assert_eq!(linear, Linear { terms: vec![Term { factor: Factor::Before(0), weight: 1 << 16 }], constant: 0 });
        // Moves as the other does.
        let moving: Vec<i64> =
            (0..2000i64).zip(&view.numbers).map(|(row, number)| number / 2 + row / 500 * 7).collect();
        let linear = fit(&moving, &[&view], &all, true).unwrap();
        let far =
            (1..2000).filter(|&row| linear.predict(&[&view], row, before(&moving, row)).abs_diff(moving[row]) > 2);
        assert!(far.count() < 10, "{linear:?}");
    }

    #[test]
    fn factors_have_codes_and_others_are_refused() {
        let factors = [Factor::Number(2), Factor::Hours(1), Factor::Before(0), Factor::Before(2), Factor::Before(3)];
        for (factor, code) in factors.into_iter().zip([4, 3, 6, 8, 9]) {
            let linear = Linear { terms: vec![Term { factor, weight: -5 }], constant: 7 };
            let mut bytes = Vec::new();
            linear.write(&mut bytes);
            assert_eq!(bytes[1], code);
            assert_eq!(Linear::read(&mut ByteReader::new(&bytes, 0), 3).unwrap(), linear);
            assert_eq!(Linear::read(&mut ByteReader::new(&bytes, 0), 0).is_ok(), code == 9);
            bytes[1] = 10;
            assert!(Linear::read(&mut ByteReader::new(&bytes, 0), 3).is_err());
        }
    }
}
