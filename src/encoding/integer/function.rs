//! A function of one or two other columns, with exceptions:
//!
//! ```text
//! u8 parents          1 or 2, then a u8 each: positions in the column's list of parents
//! node of values      one per class of the rows by these parents, in the order of first appearance
//! exceptions          see exceptions.rs
//! ```
//! Best for what another column implies: the state of an airport, the hour of a time, null where another is null.

use super::super::Decoder;
use super::super::parent::Key;
use super::exceptions;
use crate::bytes::ByteReader;
use crate::column::index;
use crate::error::Result;

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let scope = decoder.aligned(count)?;
    let key = Key::read(reader)?;
    key.note(decoder);
    let labels = scope.labels(key)?;
    let order = labels.order();
    let per_class = super::decode(reader, order.count, decoder)?;
    // Labels that no row has are of no class.
    let mut values = looked_up(&looked_up(&per_class, &order.classes), &labels.ids);
    exceptions::read(reader, &mut values, &scope, decoder)?;
    Ok(values)
}

/// Entries of a table; 0 behind its end.
#[inline(never)]
fn looked_up(table: &[u64], places: &[u32]) -> Vec<u64> {
    places.iter().map(|&place| table.get(index(place)).copied().unwrap_or_default()).collect()
}

#[cfg(feature = "writer")]
pub use writer::encode;

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{self, Integers, Role};
    use super::super::exceptions;
    use super::{Key, index};
    use crate::encoding::Encoder;

    /// More exceptions than one in so many values, and it is no function.
    const MIN_VALUES_PER_EXCEPTION: usize = 3;

    #[inline(never)]
    pub fn encode(integers: Integers<'_>, key: &Key, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let values = integers.values;
        let Some(scope) = encoder.aligned(values.len()) else { return false };
        let Ok(labels) = scope.labels(*key) else { return false };
        let order = labels.order();
        if order.count * 2 > values.len() {
            return false;
        }
        // The majority of each class, if it has one (Boyer and Moore 1981): a candidate and its lead.
        let mut votes = vec![(0u64, 0u32); labels.bound];
        for (&label, &value) in labels.ids.iter().zip(values) {
            if let Some((candidate, lead)) = votes.get_mut(index(label)) {
                match (*lead, *candidate == value) {
                    (0, _) => (*candidate, *lead) = (value, 1),
                    (_, true) => *lead += 1,
                    (_, false) => *lead -= 1,
                }
            }
        }
        let predicted = |label: u32| votes.get(index(label)).map_or(0, |vote| vote.0);
        let (mut rows, mut others) = (Vec::new(), Vec::new());
        for (row, (&label, &value)) in labels.ids.iter().zip(values).enumerate() {
            if predicted(label) != value {
                rows.push(row);
                others.push(value);
            }
        }
        if rows.len() * MIN_VALUES_PER_EXCEPTION > values.len() {
            return false;
        }
        key.write(out);
        let mut per_class = vec![0; order.count];
        for (&class, &(value, _)) in order.classes.iter().zip(&votes) {
            per_class.get_mut(index(class)).into_iter().for_each(|slot| *slot = value);
        }
        encoder::encode(Integers { values: &per_class, ..integers }, Role::Values, encoder, out);
        exceptions::write(&rows, Integers { values: &others, ..integers }, &scope, encoder, out);
        true
    }
}
