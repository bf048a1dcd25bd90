//! The neural codec as the host supplies it: another module, which takes and gives columns as JavaScript has them.

use std::rc::Rc;

use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use super::buffers::column_from_js;
use super::column::column_to_js;
use super::convert::{set, to_number};
use crate::column::Column;
use crate::encoding::chunk::ColumnType;
use crate::encoding::neural::{self, Codec};
use crate::error::{Error, Result};

/// Functions of `NeuralCodec` of js/wasm-types.ts.
struct Host {
    decode: Function,
    encode: Function,
    choose_parents: Function,
}

/// Lets neural chunks be coded by a `NeuralCodec` of js/wasm-types.ts.
#[wasm_bindgen(js_name = installNeural)]
pub fn install_neural(codec: JsValue) -> Result<()> {
    let function = |name: &'static str| -> Result<Function> {
        let found = Reflect::get(&codec, &name.into()).ok().and_then(|value| value.dyn_into().ok());
        found.ok_or_else(|| Error::invalid(name, "is not a function"))
    };
    let host =
        Host { decode: function("decode")?, encode: function("encode")?, choose_parents: function("chooseParents")? };
    neural::install(Some(Rc::new(host)));
    Ok(())
}

fn columns(columns: &[&Column]) -> Array {
    columns.iter().map(|column| column_to_js(column, &[])).collect()
}

/// `ColumnTypeSetup` of js/wasm-types.ts.
fn type_to_js(column_type: ColumnType) -> JsValue {
    let object = js_sys::Object::new();
    set(&object, "type", column_type.data_type.as_str());
    set(&object, "unit", column_type.unit.as_str());
    set(&object, "utc", column_type.utc);
    set(&object, "precision", column_type.precision);
    set(&object, "scale", column_type.scale);
    object.into()
}

/// Calls a function of the host, which throws what it caught itself when this comes back to it.
fn call(function: &Function, arguments: &Array) -> Result<JsValue> {
    function.apply(&JsValue::UNDEFINED, arguments).map_err(|thrown| {
        let message = Reflect::get(&thrown, &"message".into()).ok().and_then(|message| message.as_string());
        Error::corrupt(message.unwrap_or_else(|| "the neural codec failed".to_owned()))
    })
}

impl Codec for Host {
    fn decode(
        &self,
        bytes: &[u8],
        column_type: ColumnType,
        rows: usize,
        parents: &[&Column],
        limit: u64,
    ) -> Result<Column> {
        let (rows, limit) = (to_number(rows as u64), to_number(limit));
        let arguments = Array::of5(
            &Uint8Array::from(bytes).into(),
            &type_to_js(column_type),
            &rows.into(),
            &columns(parents).into(),
            &limit.into(),
        );
        column_from_js(&call(&self.decode, &arguments)?, column_type.data_type)
    }

    fn encode(&self, column: &Column, parents: &[&Column], level: u8) -> Result<Vec<u8>> {
        let arguments = Array::of3(&column_to_js(column, &[]), &columns(parents).into(), &level.into());
        let bytes = call(&self.encode, &arguments)?;
        let bytes: Uint8Array = bytes.dyn_into().map_err(|_| Error::invalid("encode", "gave no bytes"))?;
        Ok(bytes.to_vec())
    }

    fn choose_parents(&self, given: &[&Column], max_chain: usize) -> Result<Vec<Vec<usize>>> {
        let arguments = Array::of2(&columns(given).into(), &to_number(max_chain as u64).into());
        let lists = call(&self.choose_parents, &arguments)?;
        let lists: Array = lists.dyn_into().map_err(|_| Error::invalid("chooseParents", "gave no lists"))?;
        let list = |list: JsValue| js_sys::Uint32Array::new(&list).to_vec().into_iter().map(|at| at as usize).collect();
        Ok(lists.iter().map(list).collect())
    }
}
