//! Numbers, ranges and warnings.

use std::ops::Range;

use js_sys::{Array, Number, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::error::{Error, Result};
use crate::warning::Warning;

/// A count or offset as a JS number; exact up to 2^53, which no file reaches.
pub fn to_number(value: u64) -> f64 {
    value as f64
}

/// Largest integer up to which every integer is a JS number.
pub const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// A JS number as an integer, if it is a safe one.
pub fn to_integer(value: f64) -> Option<i64> {
    let safe = value.abs() <= MAX_SAFE_INTEGER && value.trunc() == value;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
    safe.then_some(value as i64)
}

/// A JS number as a count or offset.
pub fn from_number(value: f64, name: &'static str) -> Result<u64> {
    let count = to_integer(value).and_then(|value| u64::try_from(value).ok());
    count.ok_or_else(|| Error::invalid(name, format!("{} is not a whole number between 0 and 2^53 - 1", text(value))))
}

/// A number as JavaScript writes it, which need not bring how Rust does.
pub fn text(number: f64) -> String {
    Number::from(number).to_string_with_radix(10).map(String::from).unwrap_or_default()
}

/// Rows `start..end`, where an end of infinity is the last row.
pub fn row_range(start: f64, end: f64) -> Result<Range<u64>> {
    let row = |value: f64, name| if value == f64::INFINITY { Ok(u64::MAX) } else { from_number(value, name) };
    Ok(row(start, "rowStart")?..row(end, "rowEnd")?)
}

/// Sets a property of a plain object.
pub fn set(object: &Object, key: &str, value: impl Into<JsValue>) {
    // Setting a property of a fresh, extensible object cannot fail.
    let _ = Reflect::set(object, &key.into(), &value.into());
}

/// `Warning[]` of js/types.ts.
pub fn warnings_to_js(warnings: &[Warning]) -> Array {
    let all = Array::new();
    for warning in warnings {
        let object = Object::new();
        set(&object, "code", warning.code.as_str());
        set(&object, "message", warning.message.as_str());
        if let Some(column) = &warning.column {
            set(&object, "column", column.as_str());
        }
        all.push(&object);
    }
    all
}
