//! What a model gets wrong:
//!
//! ```text
//! varint exceptions   at most as many as there are values
//! node of positions   ascending, where there are exceptions
//! node of values      aligned with the rows that are exceptions
//! ```

use super::super::parent::Scope;
use super::super::{Decoder, varint};
use crate::bytes::{ByteReader, to_usize};
use crate::error::{Error, Result};

/// Puts the exceptions where they belong.
pub fn read(reader: &mut ByteReader<'_>, values: &mut [u64], scope: &Scope, decoder: &mut Decoder) -> Result<()> {
    let count = varint::read_count(reader)?;
    if count > values.len() {
        return Err(Error::corrupt(format!("{count} exceptions among {} values", values.len())));
    }
    if count == 0 {
        return Ok(());
    }
    let mut rows: Vec<usize> = Vec::with_capacity(count);
    for position in super::decode(reader, count, decoder)? {
        let row = to_usize(position, "position")?;
        if row >= values.len() || rows.last().is_some_and(|&last| last >= row) {
            let message = format!("exception at {position} of {} values, or out of order", values.len());
            return Err(Error::corrupt(message));
        }
        rows.push(row);
    }
    let others = decoder.narrowed(scope, &rows, |decoder| super::decode(reader, count, decoder))?;
    for (row, other) in rows.into_iter().zip(others) {
        if let Some(value) = values.get_mut(row) {
            *value = other;
        }
    }
    Ok(())
}

/// Writes the values of those rows.
#[cfg(feature = "writer")]
pub fn write(
    rows: &[usize],
    others: super::Integers<'_>,
    scope: &Scope,
    encoder: &mut super::super::Encoder,
    out: &mut Vec<u8>,
) {
    use super::{Integers, Role, encode};

    varint::write_count(rows.len(), out);
    if rows.is_empty() {
        return;
    }
    let positions: Vec<u64> = rows.iter().map(|&row| crate::bytes::to_u64(row)).collect();
    encode(Integers { values: &positions, signed: false }, Role::Values, encoder, out);
    encoder.narrowed(scope, rows, |encoder| encode(others, Role::Values, encoder, out));
}
