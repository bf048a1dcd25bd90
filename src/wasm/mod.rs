//! JavaScript bindings, the only module that names JS types. An export is: convert, one call of the core, convert.
//!
//! The host layer in `js/` does all I/O. It drives a step (`open`, `locate`) until it answers `undefined`; any other
//! answer is a flat list of absolute byte ranges `[start, end, start, end, ...]` to supply before the next attempt.
//! Offsets and counts cross as `number`s, which hold them exactly up to 2^53.

mod convert;
mod error;
mod filter;
mod info;
mod value;
#[cfg(feature = "writer")]
mod write;

use wasm_bindgen::prelude::*;

use crate::bytes::{Interrupt, Segments, Step};
use crate::error::{Error, Result};
use crate::reader::{Assembly, File, OpenOptions, Rows};
use convert::{from_number, to_number};

/// One open file.
#[wasm_bindgen]
pub struct Reader {
    segments: Segments,
    options: OpenOptions,
    file: Option<File>,
    verifier: Option<crate::reader::Verifier>,
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
        Ok(Reader { segments, options: info::open_options(options)?, file: None, verifier: None })
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

    /// Rows of each row group: where they start, and behind the last where they end.
    #[wasm_bindgen(js_name = rowGroups)]
    pub fn row_groups(&self) -> Result<Vec<f64>> {
        let groups = self.file()?.row_groups();
        Ok(std::iter::once(0.0).chain(groups.iter().map(|rows| to_number(rows.end))).collect())
    }

    /// First and behind the last of the row groups that hold rows of a range.
    #[wasm_bindgen(js_name = rowGroupsOf)]
    pub fn row_groups_of(&self, row_start: f64, row_end: f64) -> Result<Vec<u32>> {
        let groups = self.file()?.row_groups_of(&convert::row_range(row_start, row_end)?);
        Ok([groups.start, groups.end].into_iter().map(|group| u32::try_from(group).unwrap_or(u32::MAX)).collect())
    }

    /// Start and end of the byte range that holds a row group of a located column; `undefined` where the data of a
    /// legacy file do not have it.
    pub fn chunk(&self, column: u32, row_group: u32) -> Result<Option<Vec<f64>>> {
        let range = self.file()?.chunk(column as usize, row_group as usize)?;
        Ok(range.map(|range| vec![to_number(range.start), to_number(range.end)]))
    }

    /// The chunks found so far: `RecordInfo[]` of js/wasm-types.ts.
    pub fn records(&self) -> Result<JsValue> {
        info::records(self.file()?)
    }

    /// Statistics per column: `(ColumnStatistics | undefined)[]` of js/types.ts.
    pub fn statistics(&self) -> Result<JsValue> {
        info::statistics(self.file()?)
    }

    /// Statistics of every chunk of a located column: `ColumnStatistics[]` of js/types.ts; none for legacy files.
    #[wasm_bindgen(js_name = chunkStatistics)]
    pub fn chunk_statistics(&self, column: u32) -> Result<JsValue> {
        info::chunk_statistics(self.file()?, column as usize)
    }

    /// Step: what [`Self::verifier`] needs to know.
    #[wasm_bindgen(js_name = prepareVerifier)]
    pub fn prepare_verifier(&mut self) -> Result<Option<Vec<f64>>> {
        let file = self.file.as_mut().ok_or_else(|| Error::invalid("reader", "is not open"))?;
        needs(file.verifier(&self.segments).map(|verifier| self.verifier = Some(verifier)))
    }

    /// The verifier that was prepared.
    pub fn verifier(&mut self) -> Result<Verifier> {
        let verifier = self.verifier.take().ok_or_else(|| Error::invalid("verifier", "was not prepared"))?;
        Ok(Verifier { size: to_number(verifier.size()), verifier })
    }
}

/// Puts the chunks of one column together. Belongs to the reader that it is given each time.
#[wasm_bindgen]
pub struct ColumnBuilder {
    assembly: Assembly,
}

#[wasm_bindgen]
impl ColumnBuilder {
    /// For the column with that position in the schema.
    #[wasm_bindgen(constructor)]
    pub fn new(column: u32) -> ColumnBuilder {
        ColumnBuilder { assembly: Assembly::new(column as usize) }
    }

    /// Decodes the chunk of a row group (`undefined` where there is none) and adds the rows `row_start..row_end` of
    /// the file that it holds.
    pub fn push(
        &mut self,
        reader: &Reader,
        row_group: u32,
        stored: Option<Vec<u8>>,
        row_start: f64,
        row_end: f64,
    ) -> Result<()> {
        let rows = Rows::Range(convert::row_range(row_start, row_end)?);
        self.assembly.push(reader.file()?, row_group as usize, stored.as_deref(), rows)
    }

    /// The same for the rows at these positions within the row group.
    pub fn select(
        &mut self,
        reader: &Reader,
        row_group: u32,
        stored: Option<Vec<u8>>,
        positions: Vec<u32>,
    ) -> Result<()> {
        let rows = Rows::Positions(&positions);
        self.assembly.push(reader.file()?, row_group as usize, stored.as_deref(), rows)
    }

    /// The next rows, at most so many: `ColumnData` of js/wasm-types.ts.
    pub fn take(&mut self, reader: &Reader, count: u32) -> Result<JsValue> {
        let (column, warnings) = self.assembly.take(reader.file()?, count as usize)?;
        convert::column_to_js(&column, &warnings)
    }
}

/// Hashes a file piece by piece.
#[wasm_bindgen]
pub struct Verifier {
    verifier: crate::reader::Verifier,
    size: f64,
}

#[wasm_bindgen]
impl Verifier {
    /// How many bytes there are to push in all.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> f64 {
        self.size
    }

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
