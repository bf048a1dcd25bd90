//! Distinct values: `varint entries`, a node of the entries in ascending order, a node of the position of each value.
//!
//! Best for values that repeat.

use super::super::{Decoder, integer, varint};
use super::Builder;
use crate::bytes::ByteReader;
use crate::column::VarBytes;
use crate::error::{Error, Result};

/// The distinct values of a node of `count` values.
pub fn entries(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let entries = varint::read_count(reader)?;
    if entries > count {
        return Err(Error::corrupt(format!("{entries} dictionary entries for {count} values")));
    }
    super::decode(reader, entries, decoder)
}

/// The distinct values of a node of `count` values, and which of them each value is.
pub fn entries_and_codes(
    reader: &mut ByteReader<'_>,
    count: usize,
    decoder: &mut Decoder,
) -> Result<(VarBytes, Vec<usize>)> {
    let entries = entries(reader, count, decoder)?;
    let position = |code: u64| {
        let position = usize::try_from(code).ok().filter(|&position| position < entries.len());
        position.ok_or_else(|| Error::corrupt(format!("entry {code} of a dictionary of {}", entries.len())))
    };
    let codes = integer::decode(reader, count, decoder)?.into_iter().map(position).collect::<Result<_>>()?;
    Ok((entries, codes))
}

pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let (entries, codes) = entries_and_codes(reader, count, decoder)?;
    let mut builder = Builder::new(count, decoder);
    for code in codes {
        builder.extend(entries.get(code))?;
        builder.end();
    }
    builder.finish()
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use std::collections::HashMap;

    use super::super::encoder::{self, Facts, Role};
    use crate::bytes::to_u64;
    use crate::column::VarBytes;
    use crate::encoding::integer::{self, Integers, QuickHashBuilder};
    use crate::encoding::{Encoder, varint};

    pub fn suits(facts: &Facts, role: Role) -> bool {
        role == Role::Values && !facts.is_constant && facts.distinct.is_some()
    }

    pub fn encode(text: &VarBytes, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let mut positions: HashMap<&[u8], u64, QuickHashBuilder> = HashMap::default();
        for value in text.iter() {
            positions.insert(value, 0);
        }
        let mut entries: Vec<&[u8]> = positions.keys().copied().collect();
        entries.sort_unstable();
        let mut distinct = VarBytes::default();
        for (position, &entry) in entries.iter().enumerate() {
            positions.insert(entry, to_u64(position));
            if distinct.push(entry).is_err() {
                return false;
            }
        }
        let codes: Vec<u64> = text.iter().filter_map(|value| positions.get(value).copied()).collect();
        varint::write_count(entries.len(), out);
        encoder::encode(&distinct, Role::Entries, encoder, out);
        integer::encode(Integers { values: &codes, signed: false }, integer::Role::Codes, encoder, out);
        true
    }
}
