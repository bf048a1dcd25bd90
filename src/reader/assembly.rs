//! Chunks of one column put together.

use std::ops::Range;
use std::sync::Arc;

use super::{File, RowGroup};
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
    parts: Vec<Arc<Column>>,
    warnings: Vec<Warning>,
}

impl Assembly {
    /// Nothing yet of the column with that position in the schema.
    #[must_use]
    pub fn new(column: usize) -> Self {
        Assembly { column, parts: Vec::new(), warnings: Vec::new() }
    }

    /// The column's position in the schema.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Decodes the chunk of a row group, which was supplied with its bytes and those of its dependencies, and adds the
    /// wanted rows. The row group lets go of the column, unless others are predicted from it.
    ///
    /// # Errors
    /// Those of [`File::decode`].
    pub fn push(&mut self, file: &File, group: &mut RowGroup<'_>, wanted: Rows<'_>) -> Result<()> {
        let (decoded, warnings) = file.decode(self.column, group)?;
        group.release(file, self.column);
        self.warnings.extend(warnings);
        let part = match wanted {
            Rows::Positions(positions) => Arc::new(decoded.gather(positions)?),
            Rows::Range(range) => {
                let first = file.row_groups().get(group.index()).map_or(0, |rows| rows.start);
                let within = |row: u64| to_usize(row.saturating_sub(first), "rows").unwrap_or(usize::MAX);
                let range = within(range.start)..within(range.end);
                if range.start == 0 && range.end >= decoded.len() { decoded } else { Arc::new(decoded.slice(range)) }
            }
        };
        self.parts.push(part);
        Ok(())
    }

    /// The column.
    ///
    /// # Errors
    /// `unknown-column`; `limit-exceeded` where text of all chunks reaches 2 GiB.
    pub fn finish(self, file: &File) -> Result<(Column, Vec<Warning>)> {
        let mut parts = self.parts.into_iter();
        // Nothing is copied where nobody else holds the part any more.
        let mut rows = match parts.next() {
            Some(first) => Arc::unwrap_or_clone(first),
            None => file.empty_column(self.column)?,
        };
        for part in parts {
            rows.append(&part).map_err(|error| error.in_column(file.name(self.column)))?;
        }
        Ok((rows, self.warnings))
    }
}
