//! Chunks of one column put together, and handed out whole or in parts.

use std::ops::Range;

use super::File;
use crate::bytes::to_usize;
use crate::column::Column;
use crate::error::Result;
use crate::warning::Warning;

/// Which rows of a chunk are wanted.
#[derive(Clone, Debug)]
pub enum Rows<'a> {
    /// Rows of the file, cut to those of the chunk.
    Range(Range<u64>),
    /// Positions within the chunk, ascending.
    Positions(&'a [u32]),
}

/// Collects the wanted rows of a column, row group after row group.
#[derive(Debug)]
pub struct Assembly {
    column: usize,
    rows: Option<Column>,
    /// So many of `rows` were taken already.
    taken: usize,
    warnings: Vec<Warning>,
}

impl Assembly {
    /// Nothing yet of the column with that position in the schema.
    #[must_use]
    pub fn new(column: usize) -> Self {
        Assembly { column, rows: None, taken: 0, warnings: Vec::new() }
    }

    /// Decodes a chunk (`None` for one that is not there) and adds the wanted rows.
    ///
    /// # Errors
    /// Those of [`File::decode`]; `limit-exceeded` where text of all chunks reaches 2 GiB.
    pub fn push(&mut self, file: &File, row_group: usize, stored: Option<&[u8]>, wanted: Rows<'_>) -> Result<()> {
        let (decoded, warnings) = file.decode(self.column, row_group, stored)?;
        self.warnings.extend(warnings);
        let rows = match wanted {
            Rows::Positions(positions) => {
                // Odd legacy files have columns that are shorter than others.
                let there = positions.partition_point(|&position| (position as usize) < decoded.len());
                decoded.gather(positions.get(..there).unwrap_or_default())?
            }
            Rows::Range(range) => {
                let first = file.row_groups().get(row_group).map_or(0, |rows| rows.start);
                let within = |row: u64| to_usize(row.saturating_sub(first), "rows").unwrap_or(usize::MAX);
                let range = within(range.start)..within(range.end);
                if range.start == 0 && range.end >= decoded.len() { decoded } else { decoded.slice(range) }
            }
        };
        match self.rest() {
            Some(mut all) => {
                all.append(&rows).map_err(|error| error.in_column(file.name(self.column)))?;
                self.rows = Some(all);
            }
            None => self.rows = Some(rows),
        }
        Ok(())
    }

    /// The rows that were not taken yet, without those that were.
    fn rest(&mut self) -> Option<Column> {
        let taken = std::mem::take(&mut self.taken);
        self.rows.take().map(|rows| if taken == 0 { rows } else { rows.slice(taken..rows.len()) })
    }

    /// The next rows, at most so many, and what was odd since the last call.
    ///
    /// # Errors
    /// `unknown-column`.
    pub fn take(&mut self, file: &File, count: usize) -> Result<(Column, Vec<Warning>)> {
        let warnings = std::mem::take(&mut self.warnings);
        let left = self.rows.as_ref().map_or(0, |rows| rows.len() - self.taken);
        let column = match &self.rows {
            Some(rows) if count < left => {
                let end = self.taken + count;
                let column = rows.slice(self.taken..end);
                self.taken = end;
                column
            }
            _ => self.rest().map_or_else(|| file.empty_column(self.column), Ok)?,
        };
        Ok((column, warnings))
    }

    /// All that was not taken yet.
    ///
    /// # Errors
    /// `unknown-column`.
    pub fn finish(mut self, file: &File) -> Result<(Column, Vec<Warning>)> {
        self.take(file, usize::MAX)
    }
}
