//! The neural codec as the host supplies it: another module. Columns cross as plain bytes (`crate::encoding::plain`).

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::convert::to_number;
use crate::bytes::ByteReader;
use crate::column::Column;
use crate::encoding::chunk::ColumnType;
use crate::encoding::neural::{self, Codec};
use crate::encoding::plain;
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
    #[wasm_bindgen(method, structural, catch)]
    fn encode(this: &NeuralCodec, columns: &[u8], level: u8) -> std::result::Result<Vec<u8>, JsValue>;

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
    fn encode(&self, column: &Column, parents: &[&Column], level: u8) -> Result<Vec<u8>> {
        self.encode(&plain([&column].into_iter().chain(parents)), level).map_err(failed)
    }

    #[cfg(feature = "writer")]
    fn choose_parents(&self, columns: &[&Column], max_chain: usize) -> Result<Vec<Vec<usize>>> {
        let max_chain = u32::try_from(max_chain).unwrap_or(u32::MAX);
        let mut flat = self.choose_parents(&plain(columns), max_chain).map_err(failed)?.into_iter();
        let mut list = || flat.next().map(|count| flat.by_ref().take(count as usize).map(|at| at as usize).collect());
        Ok(std::iter::from_fn(&mut list).collect())
    }
}
