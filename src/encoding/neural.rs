//! Neural chunks: the seam to whoever codes them.
//!
//! ```text
//! column chunk = u8 3, then the chunk as section 9 of docs/format.md specifies it
//! ```
//! The codec is large and slow, and few files need it: it is `crate::neural` where that feature is built in, and
//! otherwise what the host has installed in this thread.

use std::cell::RefCell;
use std::rc::Rc;

use super::Decoder;
use super::chunk::{ColumnType, Parents};
use crate::column::Column;
use crate::error::{Error, Result};

/// The first byte of a neural chunk, where others say how nulls are stored.
pub const NEURAL: u8 = 3;

/// Levels of encoding: fast, default, best.
pub const LEVELS: std::ops::RangeInclusive<u8> = 1..=3;
/// The level where none is given.
pub const DEFAULT_LEVEL: u8 = 2;

/// Encodes and decodes what follows the first byte.
pub trait Codec {
    /// Restores a column of `rows` rows, which takes at most `limit` bytes, from exactly these bytes and its parents.
    ///
    /// # Errors
    /// `corrupt`, `limit-exceeded`.
    fn decode(
        &self,
        bytes: &[u8],
        column_type: ColumnType,
        rows: usize,
        parents: &[&Column],
        limit: u64,
    ) -> Result<Column>;

    /// Encodes columns, each beside its parents; the results were decoded and compared. `None` where a host carries the
    /// tasks out later: whoever asks for the same again is then answered.
    ///
    /// # Errors
    /// `corrupt` where a result did not decode to its column; those of a host that lost the codec.
    #[cfg(feature = "writer")]
    fn encode_all(&self, tasks: &[Task<'_>]) -> Result<Option<Vec<Vec<u8>>>>;

    /// The parents of each of the columns of a row group, by their [`sample`]: at most three, the best first, without
    /// cycles, and without chains of more than `max_chain` from child to parent.
    ///
    /// # Errors
    /// Those of a host that lost the codec.
    #[cfg(feature = "writer")]
    fn choose_parents(&self, sample: &[&Column], max_chain: usize) -> Result<Vec<Vec<usize>>>;
}

/// A column to encode.
#[cfg(feature = "writer")]
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// Its name, for whoever is told how far it is.
    pub name: &'a str,
    /// The column.
    pub column: &'a Column,
    /// At most three other columns of the same rows.
    pub parents: Vec<&'a Column>,
    /// One of [`LEVELS`].
    pub level: u8,
}

/// Rows that the choice of parents looks at, at most, in blocks of neighbours.
#[cfg(feature = "writer")]
const SAMPLE: usize = 18 * 1024;
#[cfg(feature = "writer")]
const BLOCKS: usize = 2;
/// Rows times pairs of columns that it looks at, at most, and rows in any case.
#[cfg(feature = "writer")]
const WORK: usize = 12 << 20;
#[cfg(feature = "writer")]
const LEAST_SAMPLE: usize = 256;

/// The rows of columns of equal length that the choice of their parents looks at: all, or blocks spread over them.
///
/// # Errors
/// Those of putting columns together, which parts of one column do not meet.
#[cfg(feature = "writer")]
pub fn sample(columns: &[&Column]) -> Result<Vec<Column>> {
    let rows = columns.first().map_or(0, |column| column.len());
    let wanted = SAMPLE.min((WORK / columns.len().pow(2).max(1)).max(LEAST_SAMPLE));
    if rows <= wanted {
        return Ok(columns.iter().map(|column| (*column).clone()).collect());
    }
    let (block, stride) = (wanted / BLOCKS, rows / BLOCKS);
    let part = |column: &Column, index: usize| column.slice(index * stride..index * stride + block);
    let blocks = |column: &&Column| {
        let mut blocks = part(column, 0);
        (1..BLOCKS).try_for_each(|index| blocks.append(&part(column, index)))?;
        Ok(blocks)
    };
    columns.iter().map(blocks).collect()
}

thread_local! {
    static CODEC: RefCell<Option<Rc<dyn Codec>>> = RefCell::new(built_in());
}

#[cfg(feature = "neural")]
#[expect(clippy::unnecessary_wraps, reason = "other builds have none")]
fn built_in() -> Option<Rc<dyn Codec>> {
    Some(Rc::new(crate::neural::BuiltIn))
}

#[cfg(not(feature = "neural"))]
fn built_in() -> Option<Rc<dyn Codec>> {
    None
}

/// Lets this thread code neural chunks by a codec, or by none.
pub fn install(codec: Option<Rc<dyn Codec>>) {
    CODEC.set(codec);
}

/// The codec of this thread.
///
/// # Errors
/// `unsupported-feature` where there is none.
pub fn codec() -> Result<Rc<dyn Codec>> {
    let missing = || Error::unsupported("neural compression, whose module is not loaded");
    CODEC.with_borrow(Clone::clone).ok_or_else(missing)
}

/// Whether a column chunk is neural.
#[must_use]
pub fn is_neural(chunk: &[u8]) -> bool {
    chunk.first() == Some(&NEURAL)
}

/// Restores a column from the bytes behind the first one.
pub(super) fn decode(
    bytes: &[u8],
    column_type: ColumnType,
    rows: usize,
    parents: &Parents,
    decoder: &mut Decoder,
) -> Result<Column> {
    decoder.note("neural");
    let needed = parents.iter().enumerate().filter_map(|(place, parent)| Some((place, parent.as_ref()?)));
    let mut columns = Vec::new();
    for (place, parent) in needed {
        columns.push(parent.column());
        decoder.note_parent(u8::try_from(place).unwrap_or(u8::MAX));
    }
    let column = codec()?.decode(bytes, column_type, rows, &columns, decoder.limit)?;
    if column.len() != rows || ColumnType::of(column.values()) != column_type {
        return Err(Error::corrupt(format!("a neural chunk of {} rows, or of another type", column.len())));
    }
    Ok(column)
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::column::Values;

    #[test]
    fn samples_cover_small_tables_and_are_bounded_for_large_ones() {
        for (rows, columns, expected) in
            [(0, 1, 0), (1000, 5, 1000), (1_000_000, 5, SAMPLE), (1_000_001, 5, SAMPLE), (10_000, 4000, LEAST_SAMPLE)]
        {
            let column = Column::new(Values::Int32((0..rows).collect()), None).unwrap();
            let sampled = sample(&vec![&column; columns]).unwrap();
            assert_eq!((sampled.len(), sampled[0].len()), (columns, expected), "{rows} rows of {columns} columns");
            let Values::Int32(values) = sampled[0].values() else { panic!("of another type") };
            let expected = |index: usize| match index < sampled[0].len().div_ceil(BLOCKS) || rows < 10_000 {
                true => index,
                false => index - sampled[0].len() / BLOCKS + rows as usize / BLOCKS,
            };
            assert!(values.iter().enumerate().all(|(index, &value)| value as usize == expected(index)), "{rows} rows");
        }
    }
}
