//! What other columns say about the rows of a column: classes (equal or not) and numbers.

use super::predictor::hash;
use crate::column::{Bitmap, Column, Values, VarBytes};
use crate::encoding::float::power_of_ten;

/// The class of null.
const NULL: u32 = 0x6e75_6c6c;

/// A column as a context, cut to the rows that are looked at.
#[derive(Clone, Debug, Default)]
pub struct Parent {
    /// Equal values have equal classes; others nearly always differ.
    pub classes: Vec<u32>,
    /// Values as integers, zero for null; empty for text.
    pub numbers: Vec<i64>,
}

fn class(value: u64) -> u32 {
    let (low, high) = (value & 0xffff_ffff, value >> 32);
    hash(u32::try_from(low).unwrap_or_default(), u32::try_from(high).unwrap_or_default())
}

fn text_class(value: &[u8]) -> u32 {
    value.iter().fold(0x7465_7874, |hash: u32, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193).rotate_left(5))
}

/// The number of the row before, 0 in the first row.
pub fn before(numbers: &[i64], row: usize) -> i64 {
    row.checked_sub(1).and_then(|row| numbers.get(row)).copied().unwrap_or_default()
}

impl Parent {
    /// The rows of `column` that `rows` selects, all where there is none. Floats are multiplied by `10^exponent`.
    pub fn new(column: &Column, rows: Option<&Bitmap>, exponent: u8) -> Self {
        let wanted = |row: usize| rows.is_none_or(|rows| rows.get(row));
        let mut parent = Parent::default();
        macro_rules! numbers {
            ($values:expr, $pattern:expr, $number:expr) => {
                for (row, &value) in $values.iter().enumerate().filter(|(row, _)| wanted(*row)) {
                    let valid = column.is_valid(row);
                    parent.classes.push(if valid { class($pattern(value)) } else { NULL });
                    parent.numbers.push(if valid { $number(value) } else { 0 });
                }
            };
        }
        macro_rules! integers {
            ($values:expr) => {
                numbers!($values, |value| i64::from(value).cast_unsigned(), i64::from)
            };
        }
        let factor = power_of_ten(exponent).unwrap_or(1.0);
        // Converting saturates, and makes zero of NaN.
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        let scaled = |value: f64| (value * factor).round() as i64;
        match column.values() {
            Values::Int8(v) => integers!(v),
            Values::Int16(v) => integers!(v),
            Values::Int32(v) | Values::Date(v) => integers!(v),
            Values::Int64(v) | Values::Timestamp { values: v, .. } => integers!(v),
            Values::UInt8(v) => integers!(v),
            Values::UInt16(v) => integers!(v),
            Values::UInt32(v) => integers!(v),
            Values::UInt64(v) => numbers!(v, |value| value, u64::cast_signed),
            Values::Float32(v) => {
                numbers!(v, |value: f32| u64::from(value.to_bits()), |value| scaled(f64::from(value)))
            }
            Values::Float64(v) => numbers!(v, f64::to_bits, scaled),
            Values::Decimal { values: v, .. } => {
                #[expect(clippy::cast_possible_truncation, reason = "the low half is wanted")]
                let low = |value: i128| value as u64;
                numbers!(v, |value: i128| low(value) ^ low(value >> 64).rotate_left(32), |value| low(value)
                    .cast_signed());
            }
            Values::Boolean(v) => {
                let values: Vec<u8> = v.iter().map(u8::from).collect();
                integers!(values);
            }
            Values::String(v) | Values::Binary(v) => parent.texts(column, v, &wanted),
        }
        parent
    }

    fn texts(&mut self, column: &Column, values: &VarBytes, wanted: &impl Fn(usize) -> bool) {
        for (row, value) in values.iter().enumerate().filter(|(row, _)| wanted(*row)) {
            self.classes.push(if column.is_valid(row) { text_class(value) } else { NULL });
        }
    }

    pub fn class(&self, row: usize) -> u32 {
        self.classes.get(row).copied().unwrap_or(NULL)
    }

    #[cfg(feature = "writer")]
    pub fn is_null(&self, row: usize) -> bool {
        self.class(row) == NULL
    }

    pub fn number(&self, row: usize) -> i64 {
        self.numbers.get(row).copied().unwrap_or_default()
    }

    /// The number of the row before, 0 in the first row.
    pub fn number_before(&self, row: usize) -> i64 {
        before(&self.numbers, row)
    }
}

/// Decimal digits behind the point of a column of floats; six where there is no end to them.
#[cfg(feature = "writer")]
pub fn exponent(column: &Column) -> u8 {
    use super::transform::floats;
    use crate::encoding::float::{Floats, decimal_exponent};

    let (patterns, width) = floats(column);
    decimal_exponent(Floats { patterns: &patterns, width }).unwrap_or(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_are_a_class_of_their_own_and_zero() {
        let column =
            Column::new(Values::Int16(vec![5, 0, 5, -1]), Some([true, false, true, true].into_iter().collect()));
        let parent = Parent::new(&column.unwrap(), None, 0);
        assert_eq!(parent.numbers, [5, 0, 5, -1]);
        assert!(parent.class(1) == NULL && parent.class(3) != NULL && parent.class(0) == parent.class(2));
        assert_ne!(parent.class(0), parent.class(3));
    }

    #[test]
    fn floats_are_scaled_and_saturate() {
        let column = Column::new(Values::Float64(vec![1.25, -0.5, f64::NAN, 1e300, -0.0]), None).unwrap();
        assert_eq!(Parent::new(&column, None, 1).numbers, [13, -5, 0, i64::MAX, 0]);
        let rows = [false, true, false, false, true].into_iter().collect();
        assert_eq!(Parent::new(&column, Some(&rows), 2).numbers, [-50, 0]);
    }

    #[test]
    fn text_has_classes_only() {
        let text = VarBytes::new(vec![0, 1, 2, 3], b"aba".to_vec()).unwrap();
        let parent = Parent::new(&Column::new(Values::String(text), None).unwrap(), None, 0);
        assert!(parent.numbers.is_empty() && parent.class(0) == parent.class(2) && parent.class(0) != parent.class(1));
        assert_eq!(parent.number(0), 0);
    }
}
