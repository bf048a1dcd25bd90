//! Row groups that were encoded, and how they pass from one thread to another.
//!
//! Several threads can encode the columns of a row group (see shared.rs). What each of them hands over to the writer of
//! the file is for the other half of the same build, and no part of the format:
//!
//! ```text
//! chunk   varint column, varint rows, varint length, bytes, u64 hash, 32 bytes of its digest, varint parents, a varint
//!         each, varint needs (bit by bit), statistics of one chunk, counter of its values
//! ```
//! Chunks of a row group stand behind each other, in any order.

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::cross_column::Encoded;
use super::version2::Part;
use crate::bytes::{ByteReader, to_u64};
use crate::column::Column;
use crate::distinct::Counter;
use crate::encoding::chunk::ColumnType;
use crate::encoding::text::Dictionary;
use crate::encoding::{Decoder, Encoder, varint};
use crate::error::{Error, Result};
use crate::format::version2::block::Sha;
use crate::format::version2::statistics;
use crate::statistics::{ColumnStatistics, Order, keys, measure_bounds_by, measure_bounds_of};

/// A column chunk, and all that the writer of a file wants to know of it.
#[derive(Debug)]
pub(super) struct EncodedChunk {
    pub encoded: Encoded,
    pub hash: u64,
    pub digest: Sha,
    /// Bounds are as long as they are.
    pub statistics: ColumnStatistics,
    pub distinct: Counter,
}

impl EncodedChunk {
    /// The chunk of a column that was encoded so.
    pub(super) fn new(
        column: &Column,
        dictionary: Option<&Dictionary>,
        encoded: Encoded,
        with_bounds: bool,
    ) -> EncodedChunk {
        let mut distinct = Counter::default();
        let mut statistics = match dictionary {
            Some(dictionary) => {
                distinct.add_text(dictionary.entries());
                measure_bounds_of(column, dictionary.entries(), dictionary.codes())
            }
            None => {
                let keys = keys(column);
                distinct.add_column(column, keys.as_deref());
                measure_bounds_by(column, keys.as_deref())
            }
        };
        let (count, is_exact) = distinct.count();
        statistics.distinct_count = Some(count);
        statistics.distinct_is_exact = is_exact;
        if !with_bounds {
            statistics.min = None;
            statistics.max = None;
            statistics.order = Order::None;
        }
        let (hash, digest) = (xxh3_64(&encoded.bytes), Sha256::digest(&encoded.bytes).into());
        EncodedChunk { encoded, hash, digest, statistics, distinct }
    }

    /// The chunk of a part of a row group.
    #[inline(never)]
    pub(super) fn of_part(part: &Part, encoded: Encoded, with_bounds: bool) -> EncodedChunk {
        EncodedChunk::new(part.parent.column(), part.dictionary.as_deref(), encoded, with_bounds)
    }

    fn write(&self, column_type: ColumnType, encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<()> {
        let Encoded { bytes, parents, needs } = &self.encoded;
        varint::write_count(bytes.len(), out);
        out.extend_from_slice(bytes);
        out.extend(self.hash.to_le_bytes());
        out.extend(self.digest);
        varint::write_list(parents, out);
        varint::write(*needs, out);
        statistics::write(std::slice::from_ref(&self.statistics), column_type, encoder, out)?;
        self.distinct.write(out);
        Ok(())
    }

    fn read(
        reader: &mut ByteReader<'_>,
        column_type: ColumnType,
        rows: u64,
        decoder: &mut Decoder,
    ) -> Result<EncodedChunk> {
        let length = varint::read_count(reader)?;
        let bytes = reader.take(length)?.to_vec();
        let hash = reader.u64()?;
        let digest = Sha::try_from(reader.take(size_of::<Sha>())?).unwrap_or_default();
        let parents = varint::read_list(reader)?;
        let needs = varint::read(reader)?;
        let found = statistics::read(reader, column_type, &[rows], decoder)?.pop();
        let statistics = found.ok_or_else(|| Error::corrupt("a chunk without statistics"))?;
        let distinct = Counter::read(reader)?;
        Ok(EncodedChunk { encoded: Encoded { bytes, parents, needs }, hash, digest, statistics, distinct })
    }
}

/// Writes a chunk of a column of a row group of so many rows.
pub(super) fn write_chunk(
    column: usize,
    rows: u64,
    chunk: &EncodedChunk,
    column_type: ColumnType,
    out: &mut Vec<u8>,
) -> Result<()> {
    varint::write_count(column, out);
    varint::write(rows, out);
    chunk.write(column_type, &mut Encoder::new(None)?, out)
}

/// A row group that was encoded.
#[derive(Debug)]
pub struct EncodedRowGroup {
    pub(super) rows: u64,
    /// By column.
    pub(super) chunks: Vec<EncodedChunk>,
}

impl EncodedRowGroup {
    /// A row group of columns of these types, from the chunks of all of them in any order.
    ///
    /// # Errors
    /// `corrupt`, `truncated`, where they are no row group.
    pub(super) fn read(bytes: &[u8], types: &[ColumnType]) -> Result<Self> {
        let mut reader = ByteReader::new(bytes, 0);
        let decoder = &mut Decoder::new(to_u64(bytes.len()).saturating_mul(4) + (1 << 20));
        let mut found: Vec<Option<EncodedChunk>> = types.iter().map(|_| None).collect();
        let mut all_rows = None;
        while reader.remaining() > 0 {
            let (column, rows) = (varint::read_count(&mut reader)?, varint::read(&mut reader)?);
            let Some((at @ None, column_type)) = found.get_mut(column).zip(types.get(column)) else {
                return Err(Error::corrupt(format!("a row group with two chunks of column {column}, or without it")));
            };
            if *all_rows.get_or_insert(rows) != rows {
                return Err(Error::corrupt("a row group with chunks of different lengths"));
            }
            *at = Some(EncodedChunk::read(&mut reader, *column_type, rows, decoder)?);
        }
        let chunks = found.into_iter().collect::<Option<_>>();
        let chunks = chunks.ok_or_else(|| Error::corrupt("a row group without all of its columns"))?;
        Ok(EncodedRowGroup { rows: all_rows.unwrap_or(0), chunks })
    }
}
