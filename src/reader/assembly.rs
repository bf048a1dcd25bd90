//! Chunks of one column put together, and handed out whole or in parts.

use std::ops::Range;
use std::sync::Arc;

use super::{File, RowGroup};
use crate::bytes::to_usize;
use crate::column::Column;
use crate::encoding::parent::Codes;
use crate::error::Result;
use crate::warning::Warning;

/// Which rows of a chunk are wanted.
#[derive(Clone, Debug)]
pub enum Rows<'a> {
    /// Rows of the file, cut to those of the chunk.
    Range(Range<u64>),
    /// Positions within the chunk.
    Positions(&'a [u32]),
}

/// Wanted rows of one chunk.
#[derive(Debug)]
pub struct Part {
    /// The rows.
    pub column: Arc<Column>,
    /// Where they are all rows of a chunk that has a dictionary of text: which of its entries the valid ones are.
    pub codes: Option<Arc<Codes>>,
}

/// Collects the wanted rows of a column, row group after row group.
#[derive(Debug)]
pub struct Assembly {
    column: usize,
    parts: Vec<Part>,
    /// So many rows of the first part were taken already.
    taken: usize,
    warnings: Vec<Warning>,
}

impl Assembly {
    /// Nothing yet of the column with that position in the schema.
    #[must_use]
    pub fn new(column: usize) -> Self {
        Assembly { column, parts: Vec::new(), taken: 0, warnings: Vec::new() }
    }

    /// Decodes the chunk of a row group, which was supplied with its bytes and those of its dependencies, and adds the
    /// wanted rows. The row group lets go of the column as soon as those that are predicted from it are decoded.
    ///
    /// # Errors
    /// Those of [`File::decode`].
    pub fn push(&mut self, file: &File, group: &mut RowGroup<'_>, wanted: Rows<'_>) -> Result<()> {
        let (decoded, warnings) = file.decode(self.column, group)?;
        let codes = group.decoded(self.column).and_then(|column| column.codes()).map(Arc::clone);
        group.release(file, self.column);
        self.warnings.extend(warnings);
        let (column, is_whole) = match wanted {
            Rows::Positions(positions) => {
                // Odd legacy files have columns that are shorter than others.
                let there = positions.partition_point(|&position| (position as usize) < decoded.len());
                (Arc::new(decoded.gather(positions.get(..there).unwrap_or_default())?), false)
            }
            Rows::Range(range) => {
                let first = file.row_groups().get(group.index()).map_or(0, |rows| rows.start);
                let within = |row: u64| to_usize(row.saturating_sub(first), "rows").unwrap_or(usize::MAX);
                let range = within(range.start)..within(range.end);
                match range.start == 0 && range.end >= decoded.len() {
                    true => (decoded, true),
                    false => (Arc::new(decoded.slice(range)), false),
                }
            }
        };
        self.parts.push(Part { column, codes: codes.filter(|_| is_whole) });
        Ok(())
    }

    /// All parts as one, with the rows that were taken; nothing is copied where there is one that nobody else holds.
    fn join(&mut self, file: &File) -> Result<Column> {
        let mut parts = std::mem::take(&mut self.parts).into_iter();
        let mut rows = match parts.next() {
            Some(first) => Arc::unwrap_or_clone(first.column),
            None => file.empty_column(self.column)?,
        };
        for part in parts {
            rows.append(&part.column).map_err(|error| error.in_column(file.name(self.column)))?;
        }
        Ok(rows)
    }

    /// What was added since the last call, as it was added, and what was odd; not to be mixed with [`Self::take`].
    pub fn take_parts(&mut self) -> (Vec<Part>, Vec<Warning>) {
        (std::mem::take(&mut self.parts), std::mem::take(&mut self.warnings))
    }

    /// The codes of the next rows, at most so many, where they are those of one part.
    #[must_use]
    pub fn codes(&self, count: usize) -> Option<Arc<Codes>> {
        let [part] = self.parts.as_slice() else { return None };
        part.codes.as_ref().filter(|_| self.taken == 0 && count >= part.column.len()).map(Arc::clone)
    }

    /// The next rows, at most so many, and what was odd since the last call.
    ///
    /// # Errors
    /// `unknown-column`; `limit-exceeded` where text of all chunks reaches 2 GiB.
    pub fn take(&mut self, file: &File, count: usize) -> Result<(Column, Vec<Warning>)> {
        let warnings = std::mem::take(&mut self.warnings);
        let rows = self.join(file)?;
        let start = std::mem::take(&mut self.taken);
        if count >= rows.len() - start {
            return Ok((if start == 0 { rows } else { rows.slice(start..rows.len()) }, warnings));
        }
        let next = rows.slice(start..start + count);
        self.taken = start + count;
        self.parts.push(Part { column: Arc::new(rows), codes: None });
        Ok((next, warnings))
    }

    /// All that was not taken yet.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn finish(mut self, file: &File) -> Result<(Column, Vec<Warning>)> {
        self.take(file, usize::MAX)
    }
}
