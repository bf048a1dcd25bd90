//! Column blocks: where the chunks of one column are, their digests and statistics.
//!
//! ```text
//! entry in the footer   u8 0, summary unless there is exactly one row group, block      or
//!                       u8 1, varint size, SHA-256 of the block, summary
//! summary               statistics of the whole column
//! block                 integers: offsets; integers: sizes; 8 bytes each: XXH3-64
//!                       u8 0, 32 bytes each: SHA-256   or   u8 1, SHA-256 of all those, which lie before the blocks
//!                       statistics of every chunk
//!                       varint parents, a varint each: positions of other columns; integers: per chunk which of them
//!                       it needs, bit by bit, where there are parents
//! ```

use std::ops::Range;

use super::statistics;
use crate::bytes::{ByteReader, to_u64, to_usize};
use crate::encoding::chunk::ColumnType;
use crate::encoding::parent::MAX_PARENTS;
use crate::encoding::{Decoder, integer, varint};
use crate::error::{Error, Result};
use crate::format::DIGEST_SIZE;
use crate::statistics::ColumnStatistics;

const INLINE: u8 = 0;
const LOCATED: u8 = 1;

/// A SHA-256.
pub type Sha = [u8; DIGEST_SIZE];

/// Where a column's block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the entry itself.
    Inline,
    /// In front of the footer, where the blocks lie behind each other in the order of the columns.
    Located {
        /// Bytes of the block.
        size: u64,
        /// Its digest.
        digest: Sha,
    },
}

/// Chunks of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Absolute byte range of each chunk.
    pub ranges: Vec<Range<u64>>,
    /// XXH3-64 of each chunk.
    pub hashes: Vec<u64>,
    /// SHA-256 of each chunk.
    pub digests: Digests,
    /// Statistics of each chunk.
    pub statistics: Vec<ColumnStatistics>,
    /// Other columns that chunks are predicted from, by their positions in the schema.
    pub parents: Vec<usize>,
    /// Per chunk a bit for each parent: whether it is needed.
    pub needs: Vec<u64>,
}

impl Block {
    /// Says which columns of a list, which continues that of the chunks before, the next chunk needs.
    #[cfg(feature = "writer")]
    pub fn add_needs(&mut self, parents: &[usize], needs: u64) {
        if parents.len() > self.parents.len() {
            self.parents = parents.to_vec();
        }
        self.needs.push(needs);
    }

    /// The parents that a chunk needs, in the order of the list; `None` in the place of the others.
    pub fn needed(&self, row_group: usize) -> impl Iterator<Item = Option<usize>> + '_ {
        let needs = self.needs.get(row_group).copied().unwrap_or_default();
        self.parents.iter().enumerate().map(move |(bit, &parent)| (needs >> bit & 1 == 1).then_some(parent))
    }
}

/// SHA-256 of each chunk.
#[derive(Clone, Debug, PartialEq)]
pub enum Digests {
    /// The digests.
    Inline(Vec<Sha>),
    /// The digest of all of them behind each other, which lie in front of the blocks.
    Located(Sha),
}

fn digest(reader: &mut ByteReader<'_>) -> Result<Sha> {
    let mut digest = [0; DIGEST_SIZE];
    digest.copy_from_slice(reader.take(DIGEST_SIZE)?);
    Ok(digest)
}

fn early(error: Error) -> Error {
    match error.kind() {
        crate::ErrorKind::Truncated { .. } => Error::corrupt("a directory entry ends early"),
        _ => error,
    }
}

fn at_end(reader: &ByteReader<'_>) -> Result<()> {
    match reader.remaining() {
        0 => Ok(()),
        rest => Err(Error::corrupt(format!("{rest} bytes behind a directory entry"))),
    }
}

/// Reads where an entry's block is, and how many bytes say so.
///
/// # Errors
/// `corrupt`.
pub fn parse_place(entry: &[u8]) -> Result<(Place, usize)> {
    let mut reader = ByteReader::new(entry, 0);
    let mut read = || match reader.u8()? {
        INLINE => Ok(Place::Inline),
        LOCATED => Ok(Place::Located { size: varint::read(&mut reader)?, digest: digest(&mut reader)? }),
        kind => Err(Error::corrupt(format!("unknown kind {kind} of directory entry"))),
    };
    let place = read().map_err(early)?;
    Ok((place, entry.len() - reader.remaining()))
}

/// Reads what follows the place: the statistics of the whole column, and the block where it is there.
///
/// # Errors
/// `corrupt`, `limit-exceeded`.
pub fn parse_rest(
    rest: &[u8],
    place: &Place,
    column_type: ColumnType,
    rows: &[u64],
    limit: u64,
) -> Result<(ColumnStatistics, Option<Block>)> {
    let mut reader = ByteReader::new(rest, 0);
    let parsed = read_rest(&mut reader, place, column_type, rows, limit).map_err(early)?;
    at_end(&reader)?;
    Ok(parsed)
}

fn read_rest(
    reader: &mut ByteReader<'_>,
    place: &Place,
    column_type: ColumnType,
    rows: &[u64],
    limit: u64,
) -> Result<(ColumnStatistics, Option<Block>)> {
    let decoder = &mut Decoder::new(limit);
    let mut summary = None;
    if *place != Place::Inline || rows.len() != 1 {
        summary = statistics::read(reader, column_type, &[rows.iter().sum()], decoder)?.into_iter().next();
    }
    let block = match place {
        Place::Inline => Some(read_block(reader, column_type, rows, decoder)?),
        Place::Located { .. } => None,
    };
    let only = || block.as_ref().and_then(|block| block.statistics.first().cloned());
    Ok((summary.or_else(only).unwrap_or_default(), block))
}

/// Reads a block that lies in front of the footer.
///
/// # Errors
/// `corrupt`, `limit-exceeded`.
pub fn parse(bytes: &[u8], column_type: ColumnType, rows: &[u64], limit: u64) -> Result<Block> {
    let mut reader = ByteReader::new(bytes, 0);
    let block = read_block(&mut reader, column_type, rows, &mut Decoder::new(limit)).map_err(early)?;
    at_end(&reader)?;
    Ok(block)
}

fn read_block(
    reader: &mut ByteReader<'_>,
    column_type: ColumnType,
    rows: &[u64],
    decoder: &mut Decoder,
) -> Result<Block> {
    let count = rows.len();
    let offsets = integer::decode(reader, count, decoder)?;
    let sizes = integer::decode(reader, count, decoder)?;
    let range = |(start, size): (u64, u64)| {
        let end = start.checked_add(size).ok_or_else(|| Error::corrupt("a chunk ends beyond 2^64"))?;
        Ok(start..end)
    };
    let hashes = (0..count).map(|_| reader.u64()).collect::<Result<_>>()?;
    let digests = match reader.u8()? {
        INLINE => Digests::Inline((0..count).map(|_| digest(reader)).collect::<Result<_>>()?),
        LOCATED => Digests::Located(digest(reader)?),
        kind => return Err(Error::corrupt(format!("unknown kind {kind} of digests"))),
    };
    let statistics = statistics::read(reader, column_type, rows, decoder)?;
    let (parents, needs) = read_parents(reader, count, decoder)?;
    Ok(Block {
        ranges: offsets.into_iter().zip(sizes).map(range).collect::<Result<_>>()?,
        hashes,
        digests,
        statistics,
        parents,
        needs,
    })
}

fn read_parents(reader: &mut ByteReader<'_>, chunks: usize, decoder: &mut Decoder) -> Result<(Vec<usize>, Vec<u64>)> {
    let count = varint::read_count(reader)?;
    if count == 0 {
        return Ok((Vec::new(), vec![0; chunks]));
    }
    if count > MAX_PARENTS {
        return Err(Error::corrupt(format!("{count} parents of a column (at most {MAX_PARENTS})")));
    }
    let mut parents: Vec<usize> = Vec::with_capacity(count);
    for _ in 0..count {
        let parent = to_usize(varint::read(reader)?, "columns")?;
        if parents.contains(&parent) {
            return Err(Error::corrupt(format!("parent {parent} of a column twice")));
        }
        parents.push(parent);
    }
    let needs = integer::decode(reader, chunks, decoder)?;
    if let Some(other) = needs.iter().find(|needs| needs.checked_shr(u32::try_from(count).unwrap_or(64)) > Some(0)) {
        return Err(Error::corrupt(format!("parents {other:#b} of {count}")));
    }
    Ok((parents, needs))
}

/// Splits the digests of a column that lie in front of the blocks.
#[must_use]
pub fn split_digests(bytes: &[u8]) -> Vec<Sha> {
    let mut all = Vec::with_capacity(bytes.len() / DIGEST_SIZE);
    for chunk in bytes.chunks_exact(DIGEST_SIZE) {
        let mut digest = [0; DIGEST_SIZE];
        digest.copy_from_slice(chunk);
        all.push(digest);
    }
    all
}

/// Bytes of the digests of one column with so many chunks.
#[must_use]
pub fn digests_size(chunks: usize) -> u64 {
    to_u64(chunks).saturating_mul(to_u64(DIGEST_SIZE))
}

#[cfg(feature = "writer")]
pub use writer::{serialize, serialize_entry};

#[cfg(feature = "writer")]
mod writer {
    use super::*;
    use crate::encoding::Encoder;
    use crate::encoding::integer::{Integers, Role};

    /// Serializes a block.
    ///
    /// # Errors
    /// Those of encoding bounds as columns.
    pub fn serialize(block: &Block, column_type: ColumnType, encoder: &mut Encoder) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut integers = |values: Vec<u64>, out: &mut Vec<u8>| {
            integer::encode(Integers { values: &values, signed: false }, Role::Values, encoder, out);
        };
        integers(block.ranges.iter().map(|range| range.start).collect(), &mut out);
        integers(block.ranges.iter().map(|range| range.end - range.start).collect(), &mut out);
        out.extend(block.hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        match &block.digests {
            Digests::Inline(digests) => {
                out.push(INLINE);
                out.extend(digests.iter().flatten());
            }
            Digests::Located(digest) => {
                out.push(LOCATED);
                out.extend(digest);
            }
        }
        statistics::write(&block.statistics, column_type, encoder, &mut out)?;
        varint::write_count(block.parents.len(), &mut out);
        for &parent in &block.parents {
            varint::write_count(parent, &mut out);
        }
        if !block.parents.is_empty() {
            integer::encode(Integers { values: &block.needs, signed: false }, Role::Values, encoder, &mut out);
        }
        Ok(out)
    }

    /// Serializes a column's entry; `block` is the serialized block, or where it is.
    ///
    /// # Errors
    /// Those of encoding bounds as columns.
    pub fn serialize_entry(
        block: std::result::Result<&[u8], (u64, Sha)>,
        summary: &ColumnStatistics,
        groups: usize,
        column_type: ColumnType,
        encoder: &mut Encoder,
    ) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let is_inline = block.is_ok();
        match block {
            Ok(_) => out.push(INLINE),
            Err((size, digest)) => {
                out.push(LOCATED);
                varint::write(size, &mut out);
                out.extend(digest);
            }
        }
        if groups != 1 || !is_inline {
            statistics::write(std::slice::from_ref(summary), column_type, encoder, &mut out)?;
        }
        if let Ok(block) = block {
            out.extend_from_slice(block);
        }
        Ok(out)
    }
}
