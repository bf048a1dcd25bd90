//! Properties of plain objects from JavaScript, one by one: derived code, and what it says of numbers, would cost modules
//! several KB each.

#[cfg(feature = "writer")]
use js_sys::Array;
use js_sys::Reflect;
#[cfg(feature = "writer")]
use wasm_bindgen::JsCast;
use wasm_bindgen::JsValue;

use crate::error::{Error, Result};

/// Those of one object; one that is null or undefined is missing.
pub struct Properties<'a>(pub &'a JsValue);

impl Properties<'_> {
    #[inline(never)]
    pub fn get(&self, name: &str) -> Option<JsValue> {
        // Nothing has no properties.
        Reflect::get(self.0, &name.into()).ok().filter(|value| !value.loose_eq(&JsValue::NULL))
    }

    #[inline(never)]
    pub fn number(&self, name: &'static str) -> Result<Option<f64>> {
        let number = |value: JsValue| value.as_f64().ok_or_else(|| Error::invalid(name, "is no number"));
        self.get(name).map(number).transpose()
    }

    #[inline(never)]
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>> {
        let flag = |value: JsValue| value.as_bool().ok_or_else(|| Error::invalid(name, "is neither true nor false"));
        self.get(name).map(flag).transpose()
    }
}

#[cfg(feature = "writer")]
impl Properties<'_> {
    /// What is no number of the type is refused.
    pub fn integer<T: TryFrom<i64>>(&self, name: &'static str) -> Result<Option<T>> {
        let Some(value) = self.number(name)? else { return Ok(None) };
        let found = super::convert::to_integer(value).and_then(|number| T::try_from(number).ok());
        found.map(Some).ok_or_else(|| Error::invalid(name, format!("{} is out of range", super::convert::text(value))))
    }

    #[inline(never)]
    pub fn text(&self, name: &'static str) -> Result<Option<String>> {
        let text = |value: JsValue| value.as_string().ok_or_else(|| Error::invalid(name, "is no string"));
        self.get(name).map(text).transpose()
    }

    #[inline(never)]
    pub fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>> {
        let wrong = || Error::invalid(name, "is no array of strings");
        let Some(value) = self.get(name) else { return Ok(None) };
        let array = value.dyn_into::<Array>().map_err(|_| wrong())?;
        array.iter().map(|text| text.as_string().ok_or_else(wrong)).collect::<Result<_>>().map(Some)
    }

    /// As it is; undefined where it is missing.
    pub fn raw(&self, name: &str) -> JsValue {
        self.get(name).unwrap_or_default()
    }
}
