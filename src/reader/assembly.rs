//! Chunks of one column put together.

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
    /// Positions within the chunk.
    Positions(&'a [u32]),
}

/// Collects the wanted rows of a column, row group after row group.
#[derive(Debug)]
pub struct Assembly {
    column: usize,
    rows: Option<Column>,
    warnings: Vec<Warning>,
}

impl Assembly {
    /// Nothing yet of the column with that position in the schema.
    #[must_use]
    pub fn new(column: usize) -> Self {
        Assembly { column, rows: None, warnings: Vec::new() }
    }

    /// Decodes a chunk (`None` for one that is not there) and adds the wanted rows.
    ///
    /// # Errors
    /// Those of [`File::decode`]; `limit-exceeded` where text of all chunks reaches 2 GiB.
    pub fn push(&mut self, file: &File, row_group: usize, stored: Option<&[u8]>, wanted: Rows<'_>) -> Result<()> {
        let (decoded, warnings) = file.decode(self.column, row_group, stored)?;
        self.warnings.extend(warnings);
        let rows = match wanted {
            Rows::Positions(positions) => decoded.gather(positions)?,
            Rows::Range(range) => {
                let first = file.row_groups().get(row_group).map_or(0, |rows| rows.start);
                let within = |row: u64| to_usize(row.saturating_sub(first), "rows").unwrap_or(usize::MAX);
                let range = within(range.start)..within(range.end);
                if range.start == 0 && range.end >= decoded.len() { decoded } else { decoded.slice(range) }
            }
        };
        match &mut self.rows {
            Some(all) => all.append(&rows).map_err(|error| error.in_column(file.name(self.column))),
            none => {
                *none = Some(rows);
                Ok(())
            }
        }
    }

    /// The column.
    ///
    /// # Errors
    /// `unknown-column`.
    pub fn finish(self, file: &File) -> Result<(Column, Vec<Warning>)> {
        let rows = match self.rows {
            Some(rows) => rows,
            None => file.empty_column(self.column)?,
        };
        Ok((rows, self.warnings))
    }
}
