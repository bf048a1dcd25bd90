//! Conversions without loss from the type that a column has to the type that the schema declares.

use crate::column::{Bitmap, Column, MAX_PRECISION, Values};
use crate::error::Result;
use crate::schema::{DataType, TimeUnit};
use crate::temporal::SECONDS_PER_DAY;

/// The column in the declared type where every value has one there, the column as it is otherwise.
pub fn to_declared(column: Column, declared: DataType) -> Result<Column> {
    match converted(&column, declared) {
        Some(values) => Column::new(values, column.validity().cloned()),
        None => Ok(column),
    }
}

fn converted(column: &Column, declared: DataType) -> Option<Values> {
    match (column.values(), declared) {
        // Dates that were given as times at midnight.
        (Values::Timestamp { unit, utc: false, values }, DataType::Date) => {
            let day = unit.per_second() * SECONDS_PER_DAY;
            let days = |(row, &count): (usize, &i64)| match column.is_valid(row) {
                true if count % day == 0 => i32::try_from(count / day).ok(),
                valid => (!valid).then_some(0),
            };
            values.iter().enumerate().map(days).collect::<Option<_>>().map(Values::Date)
        }
        (Values::Date(days), DataType::Timestamp) => Some(Values::Timestamp {
            unit: TimeUnit::Second,
            utc: false,
            // 32 bits times 17 bits.
            values: days.iter().map(|&days| i64::from(days) * SECONDS_PER_DAY).collect(),
        }),
        (values, DataType::Boolean) => {
            let bit = |(row, value)| match value {
                0 | 1 => Some(value == 1),
                _ => (!column.is_valid(row)).then_some(false),
            };
            let bits = integers(values)?.into_iter().enumerate().map(bit);
            bits.collect::<Option<Bitmap>>().map(Values::Boolean)
        }
        (values, DataType::Decimal) => {
            Some(Values::Decimal { precision: MAX_PRECISION, scale: 0, values: integers(values)? })
        }
        _ => None,
    }
}

fn integers(values: &Values) -> Option<Vec<i128>> {
    fn widen<T: Copy + Into<i128>>(values: &[T]) -> Option<Vec<i128>> {
        Some(values.iter().map(|&value| value.into()).collect())
    }
    match values {
        Values::Int8(values) => widen(values),
        Values::Int16(values) => widen(values),
        Values::Int32(values) => widen(values),
        Values::Int64(values) => widen(values),
        Values::UInt8(values) => widen(values),
        Values::UInt16(values) => widen(values),
        Values::UInt32(values) => widen(values),
        Values::UInt64(values) => widen(values),
        _ => None,
    }
}
