//! Distinct values: `varint entries`, a node of the entries in ascending order, a node of the position of each value.
//!
//! Best for values that repeat.

use super::super::{Decoder, integer, varint};
use super::{BLOCK, Block, Builder};
use crate::bytes::{ByteReader, to_u64};
use crate::column::VarBytes;
use crate::encoding::parent::Codes;
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
) -> Result<(VarBytes, Vec<u32>)> {
    let entries = entries(reader, count, decoder)?;
    let codes = integer::decode(reader, count, decoder)?;
    if let Some(code) = codes.iter().copied().max().filter(|&code| code >= to_u64(entries.len())) {
        return Err(Error::corrupt(format!("entry {code} of a dictionary of {}", entries.len())));
    }
    // Codes are below the number of entries, which are fewer than 2^31.
    let codes = codes.into_iter().map(|code| u32::try_from(code).unwrap_or(u32::MAX)).collect();
    Ok((entries, codes))
}

pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let (entries, codes) = entries_and_codes(reader, count, decoder)?;
    let text = expand(&entries, &codes, decoder)?;
    let ascends = || entries.iter().zip(entries.iter().skip(1)).all(|(a, b)| a < b);
    if decoder.is_top() && ascends() {
        decoder.codes = Some(Codes { codes, entries: entries.len() });
    }
    Ok(text)
}

fn expand(entries: &VarBytes, codes: &[u32], decoder: &Decoder) -> Result<VarBytes> {
    if entries.iter().any(|entry| entry.len() > BLOCK) {
        let mut builder = Builder::new(codes.len(), decoder);
        for &code in codes {
            builder.extend(entries.get(index(code)))?;
            builder.end();
        }
        return builder.finish();
    }
    let blocks: Vec<Block> = entries.iter().map(Block::new).collect();
    let mut builder = Builder::new(codes.len(), decoder);
    let none = Block::default();
    for &code in codes {
        builder.extend_block(blocks.get(index(code)).unwrap_or(&none))?;
        builder.end();
    }
    builder.finish()
}

fn index(code: u32) -> usize {
    usize::try_from(code).unwrap_or(usize::MAX)
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use std::collections::HashMap;

    use super::super::encoder::{self, Facts, Role};
    use crate::bytes::to_u64;
    use crate::column::VarBytes;
    use crate::encoding::hash::QuickHashBuilder;
    use crate::encoding::integer::{self, Integers};
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
