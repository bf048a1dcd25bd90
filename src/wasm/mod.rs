//! JavaScript bindings, the only module that names JS types. An export is: convert, one call of the core, convert.
//!
//! The host layer in `js/` does all I/O. It drives a step (`open`, `locate`) until it answers `undefined`; any other
//! answer is a flat list of absolute byte ranges `[start, end, start, end, ...]` to supply before the next attempt.
//! Offsets and counts cross as `number`s, which hold them exactly up to 2^53.

mod convert;
mod error;
mod info;
mod value;
#[cfg(feature = "writer")]
mod write;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::bytes::{Interrupt, Segments, Step};
use crate::error::{Error, Result};
use crate::reader::{File, OpenOptions};
use convert::{from_number, to_number};

/// One open file.
#[wasm_bindgen]
pub struct Reader {
    segments: Segments,
    options: OpenOptions,
    file: Option<File>,
}

/// The outcome of a step: nothing, or the ranges that it needs.
fn needs(step: Step<()>) -> Result<Option<Vec<f64>>> {
    match step {
        Ok(()) => Ok(None),
        Err(Interrupt::Failed(error)) => Err(error),
        Err(Interrupt::Need(ranges)) => {
            Ok(Some(ranges.into_iter().flat_map(|range| [to_number(range.start), to_number(range.end)]).collect()))
        }
    }
}

#[wasm_bindgen]
impl Reader {
    /// A reader for a file of `size` bytes; `options` is `OpenLimits` of js/wasm-types.ts.
    #[wasm_bindgen(constructor)]
    pub fn new(size: f64, options: JsValue) -> Result<Reader> {
        let segments = Segments::new(from_number(size, "size")?);
        Ok(Reader { segments, options: info::open_options(options)?, file: None })
    }

    /// Supplies the bytes that start at an absolute offset.
    pub fn supply(&mut self, start: f64, bytes: Vec<u8>) -> Result<()> {
        self.segments.supply(from_number(start, "start")?, bytes)
    }

    /// Forgets the supplied bytes.
    pub fn release(&mut self) {
        self.segments.clear();
    }

    /// Step: reads the metadata.
    pub fn open(&mut self) -> Result<Option<Vec<f64>>> {
        needs(File::open(&self.segments, &self.options).map(|file| self.file = Some(file)))
    }

    fn file(&self) -> Result<&File> {
        self.file.as_ref().ok_or_else(|| Error::invalid("reader", "is not open"))
    }

    /// The metadata: `FileInfo` of js/wasm-types.ts.
    pub fn info(&self) -> Result<JsValue> {
        info::file_info(self.file()?)
    }

    /// Step: finds columns (positions in the schema).
    pub fn locate(&mut self, columns: Vec<u32>) -> Result<Option<Vec<f64>>> {
        let columns: Vec<usize> = columns.into_iter().map(|column| column as usize).collect();
        let file = self.file.as_mut().ok_or_else(|| Error::invalid("reader", "is not open"))?;
        needs(file.locate(&columns, &self.segments))
    }

    /// Byte ranges that hold a located column.
    pub fn chunks(&self, column: u32) -> Result<Vec<f64>> {
        let chunks = self.file()?.chunks(column as usize)?;
        Ok(chunks.into_iter().flat_map(|chunk| [to_number(chunk.range.start), to_number(chunk.range.end)]).collect())
    }

    /// The stored columns found so far: `RecordInfo[]` of js/wasm-types.ts.
    pub fn records(&self) -> Result<JsValue> {
        info::records(self.file()?)
    }

    /// Rows `row_start..row_end` of a column from the bytes of its chunks: `ColumnData` of js/wasm-types.ts.
    pub fn decode(&self, column: u32, row_start: f64, row_end: f64, stored: Vec<Uint8Array>) -> Result<JsValue> {
        let stored: Vec<Vec<u8>> = stored.iter().map(Uint8Array::to_vec).collect();
        let slices: Vec<&[u8]> = stored.iter().map(Vec::as_slice).collect();
        let (column, warnings) = self.file()?.decode(column as usize, &slices)?;
        convert::column_to_js(column, convert::row_range(row_start, row_end)?, &warnings)
    }

    /// A verifier of the file's checksum.
    pub fn verifier(&self) -> Result<Verifier> {
        Ok(Verifier { verifier: self.file()?.verifier() })
    }
}

/// Hashes a file piece by piece.
#[wasm_bindgen]
pub struct Verifier {
    verifier: crate::reader::Verifier,
}

#[wasm_bindgen]
impl Verifier {
    /// The byte range to push next; `undefined` at the end.
    pub fn next(&self) -> Option<Vec<f64>> {
        let range = self.verifier.next_range()?;
        Some(vec![to_number(range.start), to_number(range.end)])
    }

    /// Hashes the bytes of `next()`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.verifier.push(bytes);
    }

    /// The outcome: `Verdict` of js/wasm-types.ts.
    pub fn finish(self) -> Result<JsValue> {
        info::verdict(self.verifier)
    }
}

/// Bytes of linear memory, for tests and reports.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> f64 {
    #[cfg(target_arch = "wasm32")]
    return (core::arch::wasm32::memory_size(0) * 65536) as f64;
    #[cfg(not(target_arch = "wasm32"))]
    0.0
}
