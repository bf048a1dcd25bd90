//! Columns from JavaScript: `ColumnBuffers` of js/wasm-types.ts.

use js_sys::{
    BigInt64Array, BigUint64Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Reflect, Uint8Array,
    Uint16Array, Uint32Array,
};
use wasm_bindgen::prelude::*;

use super::convert::{from_number, to_integer};
use crate::bytes::to_usize;
use crate::column::{Bitmap, Column, MAX_PRECISION, Values, VarBytes};
use crate::error::{Error, Result};
use crate::schema::{DataType, TimeUnit};

/// `ColumnBuffers`, property by property: derived code would cost the reader several KB.
struct Buffers {
    length: f64,
    values: JsValue,
    offsets: JsValue,
    base: f64,
    validity: JsValue,
    unit: Option<String>,
    utc: Option<bool>,
    precision: Option<u8>,
    scale: Option<u8>,
}

impl Buffers {
    fn new(data: &JsValue) -> Result<Self> {
        let get = |name: &str| Reflect::get(data, &name.into()).unwrap_or_default();
        let digits = |name: &'static str| -> Result<Option<u8>> {
            let narrow = |value: f64| {
                let narrow = to_integer(value).and_then(|value| u8::try_from(value).ok());
                narrow.ok_or_else(|| Error::invalid(name, format!("{value} is no number of digits")))
            };
            get(name).as_f64().map(narrow).transpose()
        };
        let length = get("length").as_f64().ok_or_else(|| Error::invalid("length", "is no number"))?;
        Ok(Buffers {
            length,
            values: get("values"),
            offsets: get("offsets"),
            base: get("base").as_f64().unwrap_or_default(),
            validity: get("validity"),
            unit: get("unit").as_string(),
            utc: get("utc").as_bool(),
            precision: digits("precision")?,
            scale: digits("scale")?,
        })
    }
}

/// A name that a caller gave is the caller's argument, not a corrupt file.
pub fn argument<T>(name: &'static str, parsed: Result<T>) -> Result<T> {
    parsed.map_err(|error| Error::invalid(name, error.kind().to_string()))
}

fn array<T: JsCast>(value: &JsValue, name: &'static str) -> Result<T> {
    value.clone().dyn_into().map_err(|_| {
        let expected = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        Error::invalid(name, format!("is not a {expected}"))
    })
}

/// A column of a type, which is copied.
pub fn column_from_js(data: &JsValue, data_type: DataType) -> Result<Column> {
    let data = Buffers::new(data)?;
    let length = to_usize(from_number(data.length, "length")?, "rows")?;
    let values = &data.values;
    let var_bytes = || -> Result<VarBytes> {
        let mut offsets = array::<Int32Array>(&data.offsets, "offsets")?.to_vec();
        let base = to_integer(data.base).and_then(|base| i32::try_from(base).ok());
        let base = base.ok_or_else(|| Error::invalid("base", format!("{} is no offset", data.base)))?;
        offsets.iter_mut().for_each(|offset| *offset = offset.wrapping_sub(base));
        argument("offsets", VarBytes::new(offsets, array::<Uint8Array>(values, "values")?.to_vec()))
    };
    let values = match data_type {
        DataType::Int8 => Values::Int8(array::<Int8Array>(values, "values")?.to_vec()),
        DataType::Int16 => Values::Int16(array::<Int16Array>(values, "values")?.to_vec()),
        DataType::Int32 => Values::Int32(array::<Int32Array>(values, "values")?.to_vec()),
        DataType::Int64 => Values::Int64(array::<BigInt64Array>(values, "values")?.to_vec()),
        DataType::UInt8 => Values::UInt8(array::<Uint8Array>(values, "values")?.to_vec()),
        DataType::UInt16 => Values::UInt16(array::<Uint16Array>(values, "values")?.to_vec()),
        DataType::UInt32 => Values::UInt32(array::<Uint32Array>(values, "values")?.to_vec()),
        DataType::UInt64 => Values::UInt64(array::<BigUint64Array>(values, "values")?.to_vec()),
        DataType::Float32 => Values::Float32(array::<Float32Array>(values, "values")?.to_vec()),
        DataType::Float64 => Values::Float64(array::<Float64Array>(values, "values")?.to_vec()),
        DataType::Boolean => {
            let bits = array::<Uint8Array>(values, "values")?.to_vec();
            Values::Boolean(argument("values", Bitmap::from_bytes(bits, length))?)
        }
        DataType::String => {
            let text = var_bytes()?;
            if let Some(row) = text.first_not_utf8() {
                return Err(Error::invalid("values", "text is not UTF-8").in_row(row));
            }
            Values::String(text)
        }
        DataType::Binary => Values::Binary(var_bytes()?),
        DataType::Date => Values::Date(array::<Int32Array>(values, "values")?.to_vec()),
        DataType::Timestamp => Values::Timestamp {
            unit: argument("unit", TimeUnit::from_name(data.unit.as_deref().unwrap_or("us")))?,
            utc: data.utc.unwrap_or(false),
            values: array::<BigInt64Array>(values, "values")?.to_vec(),
        },
        DataType::Decimal => decimals(&data)?,
    };
    if values.len() != length {
        return Err(Error::invalid("values", format!("{} values for a length of {length}", values.len())));
    }
    let validity = match data.validity.is_undefined() {
        true => None,
        false => {
            let bits = array::<Uint8Array>(&data.validity, "validity")?.to_vec();
            Some(argument("validity", Bitmap::from_bytes(bits, length))?)
        }
    };
    Column::new(values, validity)
}

fn decimals(data: &Buffers) -> Result<Values> {
    let halves = array::<BigUint64Array>(&data.values, "values")?.to_vec();
    let precision = data.precision.unwrap_or(MAX_PRECISION);
    let scale = data.scale.unwrap_or(0);
    if !(1..=MAX_PRECISION).contains(&precision) || scale > precision || !halves.len().is_multiple_of(2) {
        let why =
            format!("precision {precision} and scale {scale} (allowed: 1 to {MAX_PRECISION}, scale at most that)");
        return Err(Error::invalid("precision", why));
    }
    let limit = 10i128.pow(u32::from(precision));
    let mut values = Vec::with_capacity(halves.len() / 2);
    for (&low, &high) in halves.iter().step_by(2).zip(halves.iter().skip(1).step_by(2)) {
        let value = i128::from(high.cast_signed()) << 64 | i128::from(low);
        if value <= -limit || value >= limit {
            let error = Error::type_mismatch(format!("decimals of at most {precision} digits"), value.to_string());
            return Err(error.in_row(values.len()));
        }
        values.push(value);
    }
    Ok(Values::Decimal { precision, scale, values })
}
