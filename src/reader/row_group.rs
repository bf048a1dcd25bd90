//! One row group while it is read: the bytes that were fetched of it, and the columns that were decoded.

use std::borrow::Cow;
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
    stored: ByColumn<Cow<'a, [u8]>>,
    decoded: ByColumn<Arc<Parent>>,
    /// What becomes of each column of the file, once one was released.
    uses: Option<Vec<Use>>,
}

/// What there is of some columns, in ascending order; nothing where it was removed.
#[derive(Debug)]
struct ByColumn<T>(Vec<(usize, Option<T>)>);

impl<T> ByColumn<T> {
    fn find(&self, column: usize) -> Result<usize, usize> {
        // Mostly they come in order.
        match self.0.last() {
            Some((last, _)) if *last >= column => self.0.binary_search_by_key(&column, |(column, _)| *column),
            _ => Err(self.0.len()),
        }
    }

    fn get(&self, column: usize) -> Option<&T> {
        self.0.get(self.find(column).ok()?)?.1.as_ref()
    }

    fn insert(&mut self, column: usize, item: T) {
        match self.find(column) {
            Ok(at) => {
                if let Some(place) = self.0.get_mut(at) {
                    place.1 = Some(item);
                }
            }
            Err(at) => self.0.insert(at, (column, Some(item))),
        }
    }

    fn remove(&mut self, column: usize) {
        if let Some(place) = self.find(column).ok().and_then(|at| self.0.get_mut(at)) {
            place.1 = None;
        }
    }

    fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().filter_map(|(column, item)| item.as_ref().map(|_| *column))
    }
}

/// What becomes of a column.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    /// Columns that are predicted from it and not decoded yet, of those whose bytes were supplied.
    children: usize,
    /// Whether it was released.
    is_released: bool,
}

impl<'a> RowGroup<'a> {
    /// Nothing yet of the row group with that position.
    #[must_use]
    pub fn new(index: usize) -> Self {
        RowGroup { index, stored: ByColumn(Vec::new()), decoded: ByColumn(Vec::new()), uses: None }
    }

    /// Its position in the file.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Supplies the bytes of a column's chunk, those of [`File::chunk`]; before anything that it depends on is released.
    pub fn supply(&mut self, column: usize, stored: impl Into<Cow<'a, [u8]>>) {
        self.stored.insert(column, stored.into());
        // It can be a child of what was released.
        self.uses = None;
    }

    /// The bytes of a column's chunk.
    #[must_use]
    pub fn stored(&self, column: usize) -> Option<&[u8]> {
        self.stored.get(column).map(AsRef::as_ref)
    }

    pub(super) fn decoded(&self, column: usize) -> Option<&Arc<Parent>> {
        self.decoded.get(column)
    }

    /// Keeps a column, which was decoded with the help of its parents.
    pub(super) fn keep(&mut self, column: usize, decoded: Arc<Parent>, parents: impl Iterator<Item = usize>) {
        self.decoded.insert(column, decoded);
        for parent in parents {
            let of_parent = self.uses.as_mut().and_then(|uses| uses.get_mut(parent));
            of_parent.into_iter().for_each(|of_parent| of_parent.children = of_parent.children.saturating_sub(1));
            self.drop_unused(parent);
        }
    }

    /// Lets go of a column that will not be asked for again, once the columns that are predicted from it are decoded.
    pub fn release(&mut self, file: &File, column: usize) {
        if self.uses.is_none() {
            let mut uses = vec![Use::default(); file.schema().columns.len()];
            for child in self.stored.columns().filter(|&child| self.decoded.get(child).is_none()) {
                for parent in file.parents_of(child, self.index) {
                    uses.get_mut(parent).into_iter().for_each(|of_parent| of_parent.children += 1);
                }
            }
            self.uses = Some(uses);
        }
        let own = self.uses.as_mut().and_then(|uses| uses.get_mut(column));
        own.into_iter().for_each(|own| own.is_released = true);
        self.drop_unused(column);
    }

    fn drop_unused(&mut self, column: usize) {
        let own = self.uses.as_ref().and_then(|uses| uses.get(column));
        if own.is_some_and(|own| own.is_released && own.children == 0) {
            self.stored.remove(column);
            self.decoded.remove(column);
        }
    }
}
