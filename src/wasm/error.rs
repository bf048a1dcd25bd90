//! The one place where an error crosses into JavaScript: a real `Error` with a stable `code` and fields.
//!
//! The host layer turns it into its `NcfError` class.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

use crate::error::Error;

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        let object = js_sys::Error::new(&error.to_string());
        let set = |key: &str, value: JsValue| {
            // Setting a property of a fresh, extensible object cannot fail.
            let _ = Reflect::set(&object, &key.into(), &value);
        };
        set("code", error.code().as_str().into());
        if let Some(section) = error.section() {
            set("section", section.into());
        }
        if let Some(column) = error.column() {
            set("column", column.into());
        }
        if let Some(row) = error.row() {
            set("row", super::convert::to_number(row).into());
        }
        if let Some(offset) = error.offset() {
            set("offset", super::convert::to_number(offset).into());
        }
        object.into()
    }
}
