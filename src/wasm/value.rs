//! Uninterpreted metadata (msgpack values) to and from JavaScript.
//!
//! A map whose keys are all text becomes a plain object, any other a `Map`; integers beyond 2^53 become bigints.

use js_sys::{Array, BigInt, Map, Object, Uint8Array};
use rmpv::Value;
use wasm_bindgen::JsValue;

use super::convert::{self, set};
use crate::schema::Extra;

/// To JavaScript.
pub fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Nil => JsValue::NULL,
        Value::Boolean(value) => JsValue::from_bool(*value),
        Value::Integer(value) => match (value.as_i64(), value.as_u64()) {
            (Some(small), _) if convert::to_integer(small as f64) == Some(small) => JsValue::from_f64(small as f64),
            (Some(value), _) => BigInt::from(value).into(),
            (None, value) => BigInt::from(value.unwrap_or_default()).into(),
        },
        Value::F32(value) => JsValue::from_f64(f64::from(*value)),
        Value::F64(value) => JsValue::from_f64(*value),
        Value::String(text) => JsValue::from_str(&String::from_utf8_lossy(text.as_bytes())),
        Value::Binary(bytes) | Value::Ext(_, bytes) => Uint8Array::from(&bytes[..]).into(),
        Value::Array(items) => items.iter().map(to_js).collect::<Array>().into(),
        Value::Map(entries) => map_to_js(entries),
    }
}

/// A map to JavaScript.
pub fn map_to_js(entries: &Extra) -> JsValue {
    if entries.iter().all(|(key, _)| key.is_str()) {
        let object = Object::new();
        for (key, value) in entries {
            set(&object, key.as_str().unwrap_or_default(), to_js(value));
        }
        return object.into();
    }
    let map = Map::new();
    for (key, value) in entries {
        map.set(&to_js(key), &to_js(value));
    }
    map.into()
}

#[cfg(feature = "writer")]
#[cfg_attr(feature = "neural", allow(unused_imports, reason = "for writing files"))]
pub use parse::{from_js, map_from_js};

#[cfg(feature = "writer")]
mod parse {
    use js_sys::{Array, JsString, Map, Object, Uint8Array};
    use rmpv::Value;
    use wasm_bindgen::{JsCast, JsValue};

    use crate::error::{Error, Result};
    use crate::schema::Extra;
    use crate::wasm::convert::to_integer;

    /// Nesting that metadata may have, as in files.
    const MAX_DEPTH: usize = 32;

    /// From JavaScript.
    pub fn from_js(value: &JsValue) -> Result<Value> {
        from_js_at(value, 0)
    }

    /// A map from JavaScript; nothing for `undefined`.
    pub fn map_from_js(value: &JsValue, name: &'static str) -> Result<Extra> {
        match from_js(value)? {
            Value::Nil => Ok(Extra::new()),
            Value::Map(entries) => Ok(entries),
            _ => Err(Error::invalid(name, "is not an object")),
        }
    }

    /// Whether entries are all that there is to an object, of whatever realm: not so for dates, sets and functions.
    fn is_plain(object: &Object) -> bool {
        let prototype = Object::get_prototype_of(object);
        prototype.is_null() || Object::get_prototype_of(&prototype).is_null()
    }

    fn from_js_at(value: &JsValue, depth: usize) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(Error::limit("depth of metadata", depth as u64, MAX_DEPTH as u64));
        }
        if value.is_null() || value.is_undefined() {
            return Ok(Value::Nil);
        }
        if let Some(value) = value.as_bool() {
            return Ok(value.into());
        }
        if let Some(number) = value.as_f64() {
            let negative_zero = number == 0.0 && number.is_sign_negative();
            let whole = to_integer(number).filter(|_| !negative_zero);
            return Ok(whole.map_or(Value::F64(number), Value::from));
        }
        if let Some(text) = value.dyn_ref::<JsString>() {
            return Ok(String::from(text).into());
        }
        if value.is_bigint() {
            if let Ok(value) = i64::try_from(value.clone()) {
                return Ok(value.into());
            }
            let value = u64::try_from(value.clone());
            return value.map(Value::from).map_err(|_| Error::invalid("metadata", "a bigint beyond 64 bits"));
        }
        if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
            return Ok(Value::Binary(bytes.to_vec()));
        }
        if let Some(items) = value.dyn_ref::<Array>() {
            return Ok(Value::Array(items.iter().map(|item| from_js_at(&item, depth + 1)).collect::<Result<_>>()?));
        }
        let entries = match (value.dyn_ref::<Map>(), value.dyn_ref::<Object>()) {
            (Some(map), _) => Array::from(&map.entries().into()),
            (None, Some(object)) if is_plain(object) => Object::entries(object),
            _ => {
                let why =
                    "holds what is none of null, boolean, number, bigint, text, Uint8Array, array, plain object, Map";
                return Err(Error::invalid("metadata", why));
            }
        };
        let entries = entries.iter().map(|entry| {
            let pair = Array::from(&entry);
            Ok((from_js_at(&pair.get(0), depth + 1)?, from_js_at(&pair.get(1), depth + 1)?))
        });
        Ok(Value::Map(entries.collect::<Result<_>>()?))
    }
}
