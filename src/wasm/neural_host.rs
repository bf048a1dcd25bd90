//! The neural codec as the host supplies it: another module. Columns cross as plain bytes (`crate::encoding::plain`).

use std::rc::Rc;

use wasm_bindgen::prelude::*;

#[cfg(feature = "writer")]
use xxhash_rust::xxh3::xxh3_64;

#[cfg(feature = "writer")]
use super::convert::set;
use super::convert::to_number;
use crate::bytes::ByteReader;
use crate::column::Column;
use crate::encoding::chunk::ColumnType;
#[cfg(feature = "writer")]
use crate::encoding::neural::Task;
use crate::encoding::neural::{self, Codec};
use crate::encoding::plain;
#[cfg(feature = "writer")]
use crate::error::hex;
use crate::error::{Error, Result};

#[wasm_bindgen]
extern "C" {
    /// `NeuralCodec` of js/wasm-types.ts.
    pub type NeuralCodec;

    #[wasm_bindgen(method, structural, catch)]
    fn decode(
        this: &NeuralCodec,
        bytes: &[u8],
        column_type: &[u8],
        rows: f64,
        parents: &[u8],
        limit: f64,
    ) -> std::result::Result<Vec<u8>, JsValue>;

    #[cfg(feature = "writer")]
    #[wasm_bindgen(method, structural, catch, js_name = encodeAll)]
    fn encode_all(
        this: &NeuralCodec,
        tasks: Vec<js_sys::Object>,
    ) -> std::result::Result<Option<Vec<js_sys::Uint8Array>>, JsValue>;

    #[cfg(feature = "writer")]
    #[wasm_bindgen(method, structural, catch, js_name = chooseParents)]
    fn choose_parents(this: &NeuralCodec, columns: &[u8], max_chain: u32) -> std::result::Result<Vec<u32>, JsValue>;
}

/// Lets neural chunks be coded by another module.
#[wasm_bindgen(js_name = installNeural)]
pub fn install_neural(codec: NeuralCodec) {
    neural::install(Some(Rc::new(codec)));
}

fn plain<'a>(columns: impl IntoIterator<Item = &'a &'a Column>) -> Vec<u8> {
    let mut bytes = Vec::new();
    columns.into_iter().for_each(|column| plain::write(column, &mut bytes));
    bytes
}

/// The host knows what went wrong, and throws that when this comes back to it.
fn failed(_: JsValue) -> Error {
    Error::corrupt("the neural codec failed")
}

impl Codec for NeuralCodec {
    fn decode(
        &self,
        bytes: &[u8],
        column_type: ColumnType,
        rows: usize,
        parents: &[&Column],
        limit: u64,
    ) -> Result<Column> {
        let mut kind = Vec::new();
        plain::write_type(column_type, &mut kind);
        let (rows, limit) = (to_number(rows as u64), to_number(limit));
        let column = self.decode(bytes, &kind, rows, &plain(parents), limit).map_err(failed)?;
        plain::read(&mut ByteReader::new(&column, 0))
    }

    #[cfg(feature = "writer")]
    fn encode_all(&self, tasks: &[Task<'_>]) -> Result<Option<Vec<Vec<u8>>>> {
        let mut crossed = Crossed::default();
        let tasks = tasks.iter().map(|task| crossed.task(task)).collect();
        let encoded = self.encode_all(tasks).map_err(failed)?;
        Ok(encoded.map(|chunks| chunks.iter().map(js_sys::Uint8Array::to_vec).collect()))
    }

    #[cfg(feature = "writer")]
    fn choose_parents(&self, sample: &[&Column], max_chain: usize) -> Result<Vec<Vec<usize>>> {
        let max_chain = u32::try_from(max_chain).unwrap_or(u32::MAX);
        let mut flat = self.choose_parents(&plain(sample), max_chain).map_err(failed)?.into_iter();
        let mut list = || flat.next().map(|count| flat.by_ref().take(count as usize).map(|at| at as usize).collect());
        Ok(std::iter::from_fn(&mut list).collect())
    }
}

/// Columns as the host has them, each once however many tasks it is a part of.
#[cfg(feature = "writer")]
#[derive(Default)]
struct Crossed<'a>(Vec<(&'a Column, js_sys::Uint8Array, u64)>);

#[cfg(feature = "writer")]
impl<'a> Crossed<'a> {
    /// `NeuralTask` of js/wasm-types.ts.
    fn task(&mut self, task: &Task<'a>) -> js_sys::Object {
        let columns = js_sys::Array::new();
        let mut identity = vec![task.level];
        for column in [task.column].into_iter().chain(task.parents.iter().copied()) {
            let (bytes, hash) = self.bytes(column);
            columns.push(&bytes);
            identity.extend(hash.to_le_bytes());
        }
        let object = js_sys::Object::new();
        set(&object, "name", task.name);
        set(&object, "key", hex(&xxh3_64(&identity).to_le_bytes()));
        set(&object, "level", f64::from(task.level));
        set(&object, "columns", columns);
        object
    }

    /// A column's plain bytes, and their hash.
    fn bytes(&mut self, column: &'a Column) -> (js_sys::Uint8Array, u64) {
        let known = self.0.iter().find(|(known, ..)| std::ptr::eq(*known, column));
        if let Some((_, bytes, hash)) = known {
            return (bytes.clone(), *hash);
        }
        let bytes = plain(&[column]);
        let crossed = (js_sys::Uint8Array::from(bytes.as_slice()), xxh3_64(&bytes));
        self.0.push((column, crossed.0.clone(), crossed.1));
        crossed
    }
}
