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
use crate::error::Result;

pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let scope = decoder.aligned(count)?;
    let classes = scope.classes(Key::read(reader, decoder)?)?;
    let per_class = super::decode(reader, classes.count, decoder)?;
    let value = |&class: &u32| usize::try_from(class).ok().and_then(|class| per_class.get(class)).copied();
    // Classes are below their count.
    let mut values: Vec<u64> = classes.ids.iter().map(|class| value(class).unwrap_or_default()).collect();
    exceptions::read(reader, &mut values, &scope, decoder)?;
    Ok(values)
}

#[cfg(feature = "writer")]
pub use writer::encode;

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{self, Integers, Role};
    use super::super::exceptions;
    use super::Key;
    use crate::encoding::Encoder;

    /// More exceptions than one in so many values, and it is no function.
    const MIN_VALUES_PER_EXCEPTION: usize = 3;

    pub fn encode(integers: Integers<'_>, key: &Key, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let values = integers.values;
        let Some(scope) = encoder.aligned(values.len()) else { return false };
        let Ok(classes) = scope.classes(*key) else { return false };
        if classes.count * 2 > values.len() {
            return false;
        }
        // The majority of each class, if it has one (Boyer and Moore 1981): a candidate and its lead.
        let mut votes = vec![(0u64, 0u32); classes.count];
        let slot = |class: u32| usize::try_from(class).unwrap_or(usize::MAX);
        for (&class, &value) in classes.ids.iter().zip(values) {
            if let Some((candidate, lead)) = votes.get_mut(slot(class)) {
                match (*lead, *candidate == value) {
                    (0, _) => (*candidate, *lead) = (value, 1),
                    (_, true) => *lead += 1,
                    (_, false) => *lead -= 1,
                }
            }
        }
        let predicted = |class: u32| votes.get(slot(class)).map_or(0, |vote| vote.0);
        let (mut rows, mut others) = (Vec::new(), Vec::new());
        for (row, (&class, &value)) in classes.ids.iter().zip(values).enumerate() {
            if predicted(class) != value {
                rows.push(row);
                others.push(value);
            }
        }
        if rows.len() * MIN_VALUES_PER_EXCEPTION > values.len() {
            return false;
        }
        key.write(out);
        let per_class: Vec<u64> = votes.into_iter().map(|vote| vote.0).collect();
        encoder::encode(Integers { values: &per_class, ..integers }, Role::Values, encoder, out);
        exceptions::write(&rows, Integers { values: &others, ..integers }, &scope, encoder, out);
        true
    }
}
