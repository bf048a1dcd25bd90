//! Chunks of one column put together, and handed out whole or in parts.

use std::ops::Range;
use std::sync::Arc;

use super::{File, RowGroup};
use crate::bytes::to_usize;
use crate::column::{Bitmap, Column, Values, index};
use crate::encoding::chunk;
use crate::encoding::parent::Parent;
use crate::encoding::text::codes::Codes;
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
pub enum ChunkRows {
    /// With their values.
    Whole(Arc<Column>),
    /// Strings by their codes.
    Coded {
        /// Which rows are not null, if some are.
        validity: Option<Bitmap>,
        /// Of the others.
        codes: Arc<Codes>,
    },
}

impl ChunkRows {
    /// All rows that were decoded.
    fn all(decoded: &Parent) -> Result<Self> {
        let column = decoded.shared();
        match decoded.codes().filter(|_| matches!(column.values(), Values::String(_))) {
            Some(codes) if is_worth(codes, column.len()) => {
                Ok(ChunkRows::Coded { validity: column.validity().cloned(), codes: Arc::clone(codes) })
            }
            Some(codes) if !decoded.is_whole() => {
                Ok(ChunkRows::Whole(Arc::new(chunk::expand(codes, column.validity().cloned())?)))
            }
            _ => Ok(ChunkRows::Whole(Arc::clone(column))),
        }
    }

    /// The rows at these positions.
    fn some(decoded: &Parent, positions: &[u32]) -> Result<Self> {
        let column = decoded.shared();
        let Some(codes) = decoded.codes().filter(|_| !decoded.is_whole()) else {
            return Ok(ChunkRows::Whole(Arc::new(column.gather(positions)?)));
        };
        let placed = codes.placed(column.validity());
        let null = codes.entries.len();
        let picked = positions.iter().map(|&position| placed.get(index(position)).copied().unwrap_or_default());
        let picked: Vec<u32> = picked.collect();
        let validity = column.validity().map(|_| picked.iter().map(|&code| index(code) < null).collect());
        let valid = picked.into_iter().filter(|&code| index(code) < null).collect();
        let codes = Codes { codes: valid, entries: Arc::clone(&codes.entries) };
        if is_worth(&codes, positions.len()) {
            return Ok(ChunkRows::Coded { validity, codes: Arc::new(codes) });
        }
        Ok(ChunkRows::Whole(Arc::new(chunk::expand(&codes, validity)?)))
    }

    /// The rows with their values.
    ///
    /// # Errors
    /// `limit-exceeded` where they take 2 GiB or more.
    pub fn whole(self) -> Result<Arc<Column>> {
        match self {
            ChunkRows::Whole(column) => Ok(column),
            ChunkRows::Coded { validity, codes } => chunk::expand(&codes, validity).map(Arc::new),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        match self {
            ChunkRows::Whole(column) => column.len(),
            ChunkRows::Coded { validity, codes } => validity.as_ref().map_or(codes.codes.len(), Bitmap::len),
        }
    }
}

/// Whether a dictionary is worth being handed out for so many rows.
fn is_worth(codes: &Codes, rows: usize) -> bool {
    codes.entries.len() <= rows / 2
}

/// Collects the wanted rows of a column, row group after row group.
#[derive(Debug)]
pub struct Assembly {
    column: usize,
    /// Whether strings may stay codes.
    keeps_codes: bool,
    parts: Vec<ChunkRows>,
    /// So many rows of the first part were taken already.
    taken: usize,
    warnings: Vec<Warning>,
}

impl Assembly {
    /// Nothing yet of the column with that position in the schema.
    #[must_use]
    pub fn new(column: usize) -> Self {
        Assembly { column, keeps_codes: false, parts: Vec::new(), taken: 0, warnings: Vec::new() }
    }

    /// The same for whoever wants strings of a dictionary as they are stored.
    #[must_use]
    pub fn keeping_codes(self) -> Self {
        Assembly { keeps_codes: true, ..self }
    }

    /// Decodes the chunk of a row group, which was supplied with its bytes and those of its dependencies, and adds the
    /// wanted rows. The row group lets go of the column as soon as those that are predicted from it are decoded.
    ///
    /// # Errors
    /// Those of [`File::decode`].
    pub fn push(&mut self, file: &File, group: &mut RowGroup<'_>, wanted: Rows<'_>) -> Result<()> {
        let (decoded, warnings) = file.body.decode(file, self.column, group, !self.keeps_codes)?;
        group.release(file, self.column);
        self.warnings.extend(warnings);
        let rows = decoded.column().len();
        let part = match wanted {
            Rows::Positions(positions) => {
                // Odd legacy files have columns that are shorter than others.
                let there = positions.partition_point(|&position| index(position) < rows);
                ChunkRows::some(&decoded, positions.get(..there).unwrap_or_default())
            }
            Rows::Range(range) => {
                let first = file.row_groups().get(group.index()).map_or(0, |rows| rows.start);
                let within = |row: u64| to_usize(row.saturating_sub(first), "rows").unwrap_or(usize::MAX);
                let range = within(range.start)..within(range.end);
                match (range.start == 0 && range.end >= rows, decoded.is_whole()) {
                    (true, _) if self.keeps_codes => ChunkRows::all(&decoded),
                    (true, _) => Ok(ChunkRows::Whole(Arc::clone(decoded.shared()))),
                    (false, true) => Ok(ChunkRows::Whole(Arc::new(decoded.column().slice(range)))),
                    (false, false) => {
                        let end = u32::try_from(range.end.min(rows)).unwrap_or(u32::MAX);
                        let start = u32::try_from(range.start).unwrap_or(u32::MAX);
                        ChunkRows::some(&decoded, &(start..end).collect::<Vec<_>>())
                    }
                }
            }
        };
        self.parts.push(part.map_err(|error| error.in_column(file.name(self.column)))?);
        Ok(())
    }

    /// All parts as one, with the rows that were taken; nothing is copied where there is one that nobody else holds.
    fn join(&mut self, file: &File) -> Result<Column> {
        let mut parts = std::mem::take(&mut self.parts).into_iter();
        let mut rows = match parts.next() {
            Some(first) => Arc::unwrap_or_clone(first.whole()?),
            None => file.empty_column(self.column)?,
        };
        for part in parts {
            part.whole()
                .and_then(|part| rows.append(&part))
                .map_err(|error| error.in_column(file.name(self.column)))?;
        }
        Ok(rows)
    }

    /// What was added since the last call, as it was added, and what was odd; not to be mixed with [`Self::take`].
    pub fn take_parts(&mut self) -> (Vec<ChunkRows>, Vec<Warning>) {
        (std::mem::take(&mut self.parts), std::mem::take(&mut self.warnings))
    }

    /// The next rows, at most so many, where they are one part, as it was added; else [`Self::take`] gives them.
    pub fn take_part(&mut self, count: usize) -> Option<(ChunkRows, Vec<Warning>)> {
        if self.parts.len() != 1 || self.taken > 0 {
            return None;
        }
        let part = self.parts.pop_if(|part| part.num_rows() <= count)?;
        Some((part, std::mem::take(&mut self.warnings)))
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
        self.parts.push(ChunkRows::Whole(Arc::new(rows)));
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
