//! The neural codec as a module of its own: columns and chunks in, chunks and columns out. Shapes are those of
//! js/wasm-types.ts.

use js_sys::{Array, Reflect, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::*;

use super::buffers::column_from_js;
use super::column::column_to_js;
use super::convert::{from_number, to_integer};
use crate::bytes::to_usize;
use crate::column::Column;
use crate::encoding::chunk::ColumnType;
use crate::encoding::neural::Codec;
use crate::error::{Error, Result};
use crate::neural::BuiltIn;
use crate::schema::{DataType, TimeUnit};

fn property(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

fn data_type(object: &JsValue) -> Result<DataType> {
    DataType::from_name(&property(object, "type").as_string().unwrap_or_default())
}

/// A `ColumnTypeSetup`.
fn column_type(object: &JsValue) -> Result<ColumnType> {
    let digits = |name| {
        let value = property(object, name).as_f64().and_then(to_integer);
        value.and_then(|value| u8::try_from(value).ok()).ok_or_else(|| Error::invalid(name, "is no number of digits"))
    };
    Ok(ColumnType {
        data_type: data_type(object)?,
        unit: TimeUnit::from_name(&property(object, "unit").as_string().unwrap_or_default())?,
        utc: property(object, "utc").is_truthy(),
        precision: digits("precision")?,
        scale: digits("scale")?,
    })
}

/// A column that says its type, as those do that the other modules give.
fn column(data: &JsValue) -> Result<Column> {
    column_from_js(data, data_type(data)?)
}

fn columns(columns: &[JsValue]) -> Result<Vec<Column>> {
    columns.iter().map(column).collect()
}

/// Restores a column: `ColumnData`, from what follows the first byte of its chunk, and its parents: `ColumnData[]`.
#[wasm_bindgen]
pub fn decode(bytes: &[u8], column_type: JsValue, rows: f64, parents: Vec<JsValue>, limit: f64) -> Result<JsValue> {
    let column_type = self::column_type(&column_type)?;
    let rows = to_usize(from_number(rows, "rows")?, "rows")?;
    let parents = columns(&parents)?;
    let parents: Vec<&Column> = parents.iter().collect();
    // A limit beyond what numbers hold exactly is none.
    let limit = from_number(limit, "limit").unwrap_or(u64::MAX);
    Ok(column_to_js(&BuiltIn.decode(bytes, column_type, rows, &parents, limit)?, &[]))
}

/// Encodes a column beside its parents, `ColumnData` all, at a level from 1 to 3.
#[wasm_bindgen]
pub fn encode(given: JsValue, parents: Vec<JsValue>, level: u8) -> Result<Uint8Array> {
    let (column, parents) = (column(&given)?, columns(&parents)?);
    let parents: Vec<&Column> = parents.iter().collect();
    Ok(Uint8Array::from(&BuiltIn.encode(&column, &parents, level)?[..]))
}

/// The parents of each of some columns, `ColumnData[]`: a `Uint32Array` each.
#[wasm_bindgen(js_name = chooseParents)]
pub fn choose_parents(given: Vec<JsValue>, max_chain: u32) -> Result<Array> {
    let given = columns(&given)?;
    let lists = BuiltIn.choose_parents(&given.iter().collect::<Vec<_>>(), max_chain as usize)?;
    let list = |list: Vec<usize>| -> Result<JsValue> {
        let narrow = |at: usize| u32::try_from(at).map_err(|_| Error::invalid("columns", "are too many"));
        let list: Vec<u32> = list.into_iter().map(narrow).collect::<Result<_>>()?;
        Ok(Uint32Array::from(&list[..]).into())
    };
    lists.into_iter().map(list).collect()
}
