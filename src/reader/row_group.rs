//! One row group while it is read: the bytes that were fetched of it, and the columns that were decoded.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::File;
use crate::encoding::parent::Parent;

/// Stored bytes and decoded columns of one row group of a file.
///
/// Columns of version 2 may be predicted from others: [`File::dependencies`] says from which, and their bytes must be
/// supplied, too. Each is decoded once, however many columns need it.
#[derive(Debug)]
pub struct RowGroup<'a> {
    index: usize,
    stored: HashMap<usize, Cow<'a, [u8]>>,
    decoded: HashMap<usize, Arc<Parent>>,
    /// Columns that others are predicted from, once it was asked for.
    parents: Option<HashSet<usize>>,
}

impl<'a> RowGroup<'a> {
    /// Nothing yet of the row group with that position.
    #[must_use]
    pub fn new(index: usize) -> Self {
        RowGroup { index, stored: HashMap::new(), decoded: HashMap::new(), parents: None }
    }

    /// Its position in the file.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Supplies the bytes of a column's chunk, those of [`File::chunk`].
    pub fn supply(&mut self, column: usize, stored: impl Into<Cow<'a, [u8]>>) {
        self.stored.insert(column, stored.into());
    }

    /// The bytes of a column's chunk.
    #[must_use]
    pub fn stored(&self, column: usize) -> Option<&[u8]> {
        self.stored.get(&column).map(AsRef::as_ref)
    }

    pub(super) fn decoded(&self, column: usize) -> Option<&Arc<Parent>> {
        self.decoded.get(&column)
    }

    pub(super) fn keep(&mut self, column: usize, decoded: Arc<Parent>) {
        self.decoded.insert(column, decoded);
    }

    /// Lets go of a column that will not be asked for again, unless others are predicted from it.
    pub fn release(&mut self, file: &File, column: usize) {
        let parents = self.parents.get_or_insert_with(|| file.parents_in(self.index));
        if !parents.contains(&column) {
            self.stored.remove(&column);
            self.decoded.remove(&column);
        }
    }
}
