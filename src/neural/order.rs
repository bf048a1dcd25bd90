//! Sorting, by one function for all kinds of values: the sorts of the standard library are each made anew for every kind,
//! which would be a tenth of the wasm module.

use std::cmp::Ordering;

/// Positions `0..count` in an order; equal ones stay as they are (merge sort, bottom up).
fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut merged = Vec::with_capacity(count);
    let mut width = 1;
    while width < count {
        merged.clear();
        for run in order.chunks(2 * width) {
            let (mut left, mut right) = run.split_at(width.min(run.len()));
            while let (Some((&a, rest)), Some((&b, others))) = (left.split_first(), right.split_first()) {
                if compare(a, b).is_le() {
                    merged.push(a);
                    left = rest;
                } else {
                    merged.push(b);
                    right = others;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut order, &mut merged);
        width *= 2;
    }
    order
}

/// The values in an order; equal ones stay as they are.
pub fn sorted<T: Clone>(values: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let positions = order(values.len(), &|a, b| match (values.get(a), values.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    positions.into_iter().filter_map(|position| values.get(position).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn sorts_as_the_standard_library_does() {
        let mut next = noise(5);
        for count in [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 100, 1000] {
            let values: Vec<(u64, usize)> = (0..count).map(|at| (next() % 20, at)).collect();
            let mut expected = values.clone();
            expected.sort_by_key(|(value, _)| *value);
            assert_eq!(sorted(&values, |a, b| a.0.cmp(&b.0)), expected);
        }
    }
}
