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

    /// Encodes a column beside at most three parents; the result was decoded and compared. `level` is one of [`LEVELS`].
    ///
    /// # Errors
    /// `corrupt` where the result did not decode to the column.
    #[cfg(feature = "writer")]
    fn encode(&self, column: &Column, parents: &[&Column], level: u8) -> Result<Vec<u8>>;

    /// The parents of each of the columns of a row group: at most three, the best first, without cycles, and without
    /// chains of more than `max_chain` from child to parent.
    ///
    /// # Errors
    /// Those of a host that lost the codec.
    #[cfg(feature = "writer")]
    fn choose_parents(&self, columns: &[&Column], max_chain: usize) -> Result<Vec<Vec<usize>>>;
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
