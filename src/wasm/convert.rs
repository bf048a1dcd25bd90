//! Typed arrays and numbers to and from columns.

use std::ops::Range;

use js_sys::{
    Array, BigInt64Array, BigUint64Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Object,
    Reflect, Uint8Array, Uint16Array, Uint32Array,
};
use wasm_bindgen::JsValue;

use crate::column::{Column, Values};
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
    count.ok_or_else(|| Error::invalid(name, format!("{value} is not a whole number between 0 and 2^53 - 1")))
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

/// `ColumnData` of js/wasm-types.ts; every array is a copy that JavaScript owns.
pub fn column_to_js(column: &Column, warnings: &[Warning]) -> Result<JsValue> {
    let object = Object::new();
    set(&object, "type", column.values().data_type().as_str());
    set(&object, "length", to_number(column.len() as u64));
    set(&object, "nullCount", to_number(column.num_nulls() as u64));
    if let Some(validity) = column.validity() {
        set(&object, "validity", Uint8Array::from(validity.as_bytes()));
    }
    let values: JsValue = match column.values() {
        Values::Int8(v) => Int8Array::from(&v[..]).into(),
        Values::Int16(v) => Int16Array::from(&v[..]).into(),
        Values::Int32(v) | Values::Date(v) => Int32Array::from(&v[..]).into(),
        Values::Int64(v) => BigInt64Array::from(&v[..]).into(),
        Values::UInt8(v) => Uint8Array::from(&v[..]).into(),
        Values::UInt16(v) => Uint16Array::from(&v[..]).into(),
        Values::UInt32(v) => Uint32Array::from(&v[..]).into(),
        Values::UInt64(v) => BigUint64Array::from(&v[..]).into(),
        Values::Float32(v) => Float32Array::from(&v[..]).into(),
        Values::Float64(v) => Float64Array::from(&v[..]).into(),
        Values::Boolean(bits) => Uint8Array::from(bits.as_bytes()).into(),
        Values::String(v) | Values::Binary(v) => {
            set(&object, "offsets", Int32Array::from(v.offsets()));
            Uint8Array::from(v.bytes()).into()
        }
        Values::Timestamp { unit, utc, values } => {
            set(&object, "unit", unit.as_str());
            set(&object, "utc", *utc);
            BigInt64Array::from(&values[..]).into()
        }
        Values::Decimal { precision, scale, values } => {
            set(&object, "precision", *precision);
            set(&object, "scale", *scale);
            // Two's complement, low half first.
            #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
            let halves: Vec<u64> = values.iter().flat_map(|&v| [v as u64, (v >> 64) as u64]).collect();
            BigUint64Array::from(&halves[..]).into()
        }
    };
    set(&object, "values", values);
    set(&object, "warnings", warnings_to_js(warnings));
    Ok(object.into())
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
