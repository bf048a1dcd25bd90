//! One open file, and what is decoded of it.

use std::ops::Range;

use wasm_bindgen::prelude::*;

use super::convert::{self, from_number, to_number};
use super::{column, info};
use crate::bytes::{Interrupt, Segments, Step};
use crate::encoding::neural;
use crate::error::{Error, Result};
use crate::format::Dialect;
use crate::reader::{Assembly, File, OpenOptions, Rows};
use crate::sort::sort_by_key;

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
        Err(Interrupt::Need(ranges)) => Ok(Some(flat(ranges))),
    }
}

/// Opens a file of the versions that this module reads.
#[cfg(feature = "legacy")]
fn open(segments: &Segments, options: &OpenOptions) -> Step<Option<File>> {
    File::open_legacy(segments, options).map(Some)
}

#[cfg(not(feature = "legacy"))]
fn open(segments: &Segments, options: &OpenOptions) -> Step<Option<File>> {
    File::open_version2(segments, options)
}

/// Ranges as they cross.
pub fn flat(ranges: Vec<Range<u64>>) -> Vec<f64> {
    ranges.into_iter().flat_map(|range| [to_number(range.start), to_number(range.end)]).collect()
}

#[wasm_bindgen]
impl Reader {
    /// A reader for a file of `size` bytes; `options` is `OpenLimits` of js/wasm-types.ts.
    #[wasm_bindgen(constructor)]
    pub fn new(size: f64, options: JsValue) -> Result<Reader> {
        let segments = Segments::new(from_number(size, "size")?);
        Ok(Reader { segments, options: info::open_options(&options)?, file: None, verifier: None })
    }

    /// Supplies the bytes that start at an absolute offset.
    pub fn supply(&mut self, start: f64, bytes: Vec<u8>) -> Result<()> {
        self.segments.supply(from_number(start, "start")?, bytes)
    }

    /// Forgets the supplied bytes.
    pub fn release(&mut self) {
        self.segments.clear();
    }

    /// Step: reads the metadata. Where that is done and there is no file, it is one for the module of the other versions.
    pub fn open(&mut self) -> Result<Option<Vec<f64>>> {
        needs(open(&self.segments, &self.options).map(|file| self.file = file))
    }

    /// Whether there is a file.
    #[wasm_bindgen(getter, js_name = isOpen)]
    pub fn is_open(&self) -> bool {
        self.file.is_some()
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

    /// Located columns and those that they depend on in a row group: whose chunks are needed to decode them, ascending.
    pub fn needed(&self, columns: Vec<u32>, row_group: u32) -> Result<Vec<u32>> {
        let file = self.file()?;
        let mut needed = Vec::new();
        for column in columns {
            needed.push(column);
            let found = file.dependencies(column as usize, row_group as usize)?;
            needed.extend(found.into_iter().map(|column| u32::try_from(column).unwrap_or(u32::MAX)));
        }
        sort_by_key(&mut needed, |&column| column);
        needed.dedup();
        Ok(needed)
    }

    /// Whether a chunk that begins with this byte takes the neural module to decode.
    #[wasm_bindgen(js_name = isNeural)]
    pub fn is_neural(&self, first: u8) -> Result<bool> {
        Ok(self.file()?.dialect() == Dialect::Version2 && neural::is_neural(&[first]))
    }

    /// The tree of encodings of a chunk in words; the row group was supplied with what [`Self::needed`] says.
    pub fn explain(&self, column: u32, group: &mut RowGroup) -> Result<Option<String>> {
        self.file()?.explain(column as usize, &mut group.group)
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

impl Reader {
    #[cfg(feature = "writer")]
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    pub fn file(&self) -> Result<&File> {
        self.file.as_ref().ok_or_else(|| Error::invalid("reader", "is not open"))
    }
}

/// Chunks of one row group and what was decoded of them, each once. Belongs to the reader that it is used with.
#[wasm_bindgen]
pub struct RowGroup {
    pub(super) group: crate::reader::RowGroup<'static>,
}

#[wasm_bindgen]
impl RowGroup {
    /// Nothing yet of the row group with that position.
    #[wasm_bindgen(constructor)]
    pub fn new(row_group: u32) -> RowGroup {
        RowGroup { group: crate::reader::RowGroup::new(row_group as usize) }
    }

    /// Supplies the chunk of a column.
    pub fn supply(&mut self, column: u32, stored: Vec<u8>) {
        self.group.supply(column as usize, stored);
    }
}

/// Puts the chunks of one column together. Belongs to the reader that it is given each time.
#[wasm_bindgen]
pub struct ColumnBuilder {
    assembly: Assembly,
    memory: column::Memory,
    target: Option<column::Target>,
}

#[wasm_bindgen]
impl ColumnBuilder {
    /// For the column with that position in the schema. Where it is known how many rows there will be in all, they are
    /// handed over as they are decoded. Strings of a dictionary can be given as they are stored.
    #[wasm_bindgen(constructor)]
    pub fn new(column: u32, keeps_codes: bool, memory: column::Memory, rows: Option<u32>) -> ColumnBuilder {
        let target = rows.map(|rows| column::Target::new(rows, memory.clone()));
        let assembly = Assembly::new(column as usize);
        ColumnBuilder { assembly: if keeps_codes { assembly.keeping_codes() } else { assembly }, memory, target }
    }

    /// Decodes the column in a row group that was supplied with its chunk and those of its dependencies, and adds the
    /// rows `row_start..row_end` of the file that it holds. The row group lets go of the column as soon as those that are
    /// predicted from it are decoded.
    pub fn push(&mut self, reader: &Reader, group: &mut RowGroup, row_start: f64, row_end: f64) -> Result<()> {
        let rows = Rows::Range(convert::row_range(row_start, row_end)?);
        self.add(reader, group, rows)
    }

    /// The same for the rows at these positions within the row group.
    pub fn select(&mut self, reader: &Reader, group: &mut RowGroup, positions: Vec<u32>) -> Result<()> {
        self.add(reader, group, Rows::Positions(&positions))
    }

    fn add(&mut self, reader: &Reader, group: &mut RowGroup, rows: Rows<'_>) -> Result<()> {
        self.assembly.push(reader.file()?, &mut group.group, rows)?;
        if let Some(target) = &mut self.target {
            let (parts, warnings) = self.assembly.take_parts();
            target.warn(warnings);
            for part in parts {
                target.add(part)?;
            }
        }
        Ok(())
    }

    /// The next rows, at most so many, or all where their number was known: `ColumnData` of js/wasm-types.ts. Where they
    /// are a part of a whole, `first_row` is the position in it of the first of them.
    pub fn take(&mut self, reader: &Reader, count: u32, first_row: u32) -> Result<JsValue> {
        let count = count as usize;
        if let Some(target) = &mut self.target {
            return Ok(target.finish(&self.assembly.take(reader.file()?, count)?.0));
        }
        Ok(match self.assembly.take_part(count) {
            Some((rows, warnings)) => column::part_to_js(&rows, &warnings, first_row, &self.memory),
            None => {
                let (rows, warnings) = self.assembly.take(reader.file()?, count)?;
                column::column_to_js(&rows, &warnings, first_row, &self.memory)
            }
        })
    }

    /// Once rows were added of a number that was known, the arrays that they and the others go to: `OpenArrays` of
    /// js/wasm-types.ts.
    pub fn arrays(&self) -> Option<js_sys::Object> {
        self.target.as_ref().and_then(column::Target::arrays)
    }

    /// The rows that were added, of a number that was known: `ColumnData` whose arrays have room for the others.
    #[wasm_bindgen(js_name = takeOpen)]
    pub fn take_open(&mut self) -> Result<JsValue> {
        let column = self.target.as_mut().and_then(column::Target::finish_open);
        column.ok_or_else(|| Error::invalid("rows", "are not there, or their number was not known"))
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
