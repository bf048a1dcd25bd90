//! The neural codec as a module of its own. Columns cross as plain bytes (`crate::encoding::plain`), each in an array, or
//! one behind the other.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::bytes::ByteReader;
use crate::column::Column;
use crate::encoding::neural::Codec;
use crate::encoding::plain;
use crate::error::{Error, Result};
use crate::neural::{BuiltIn, Level};

/// Columns from their bytes, which are let go of.
#[expect(clippy::needless_pass_by_value, reason = "the bytes take as much memory as the columns")]
fn columns(bytes: Vec<u8>) -> Result<Vec<Column>> {
    let mut reader = ByteReader::new(&bytes, 0);
    let mut columns = Vec::new();
    while reader.remaining() > 0 {
        columns.push(plain::read(&mut reader)?);
    }
    Ok(columns)
}

/// Restores a column from what follows the first byte of its chunk, its plain type, and its parents.
#[wasm_bindgen]
pub fn decode(bytes: &[u8], column_type: &[u8], rows: u32, parents: Vec<u8>, limit: f64) -> Result<Vec<u8>> {
    let column_type = plain::read_type(&mut ByteReader::new(column_type, 0))?;
    let parents = columns(parents)?;
    let parents: Vec<&Column> = parents.iter().collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let limit = limit as u64;
    let mut out = Vec::new();
    plain::write(&BuiltIn.decode(bytes, column_type, rows as usize, &parents, limit)?, &mut out);
    Ok(out)
}

/// Encodes the first of some columns, beside the others, its parents, at a level from 1 to 3.
#[wasm_bindgen]
pub fn encode(given: Vec<Uint8Array>, level: u8) -> Result<Vec<u8>> {
    let read = |bytes: Uint8Array| plain::read(&mut ByteReader::new(&bytes.to_vec(), 0));
    let given: Vec<Column> = given.into_iter().map(read).collect::<Result<_>>()?;
    let (column, parents) = given.split_first().ok_or_else(|| Error::invalid("columns", "are none"))?;
    crate::neural::encode(column, &parents.iter().collect::<Vec<_>>(), Level::from_number(level)?)
}

/// The parents of each of some columns: how many, and which, column after column.
#[wasm_bindgen(js_name = chooseParents)]
pub fn choose_parents(given: Vec<u8>, max_chain: u32) -> Result<Vec<u32>> {
    let given = columns(given)?;
    let narrow = |at: usize| u32::try_from(at).map_err(|_| Error::invalid("columns", "are too many"));
    let mut flat = Vec::new();
    for list in BuiltIn.choose_parents(&given.iter().collect::<Vec<_>>(), max_chain as usize)? {
        flat.push(narrow(list.len())?);
        for parent in list {
            flat.push(narrow(parent)?);
        }
    }
    Ok(flat)
}
