//! Row groups that were encoded, and how they pass from one thread to another.
//!
//! A worker has a writer of its own, with the same options and columns. It follows the models that the first row group
//! of the file has settled, encodes other row groups, and hands over what the writer of the file needs of them. The
//! bytes are for the other half of the same build, and no part of the format:
//!
//! ```text
//! row group   varint rows, then per column: varint length, chunk, u64 hash, 32 bytes of its digest,
//!             varint parents, a varint each, varint needs (bit by bit), statistics of one chunk, counter of its values
//! ```

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
    pub(super) fn of_part(part: &Part, encoded: Encoded, with_bounds: bool) -> EncodedChunk {
        EncodedChunk::new(part.parent.column(), part.dictionary.as_deref(), encoded, with_bounds)
    }

    fn write(&self, column_type: ColumnType, encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<()> {
        let Encoded { bytes, parents, needs } = &self.encoded;
        varint::write_count(bytes.len(), out);
        out.extend_from_slice(bytes);
        out.extend(self.hash.to_le_bytes());
        out.extend(self.digest);
        varint::write_count(parents.len(), out);
        parents.iter().for_each(|&parent| varint::write_count(parent, out));
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
        let count = varint::read_count(reader)?;
        let parents = (0..count).map(|_| varint::read_count(reader)).collect::<Result<_>>()?;
        let needs = varint::read(reader)?;
        let found = statistics::read(reader, column_type, &[rows], decoder)?.pop();
        let statistics = found.ok_or_else(|| Error::corrupt("a chunk without statistics"))?;
        let distinct = Counter::read(reader)?;
        Ok(EncodedChunk { encoded: Encoded { bytes, parents, needs }, hash, digest, statistics, distinct })
    }
}

/// A row group that was encoded.
#[derive(Debug)]
pub struct EncodedRowGroup {
    pub(super) rows: u64,
    /// By column.
    pub(super) chunks: Vec<EncodedChunk>,
}

impl EncodedRowGroup {
    /// What [`Self::read`] takes in another thread.
    pub(super) fn write(&self, types: &[ColumnType]) -> Result<Vec<u8>> {
        let encoder = &mut Encoder::new(None)?;
        let mut out = Vec::new();
        varint::write(self.rows, &mut out);
        for (chunk, column_type) in self.chunks.iter().zip(types) {
            chunk.write(*column_type, encoder, &mut out)?;
        }
        Ok(out)
    }

    /// A row group of columns of these types.
    pub(super) fn read(bytes: &[u8], types: &[ColumnType]) -> Result<Self> {
        let mut reader = ByteReader::new(bytes, 0);
        let decoder = &mut Decoder::new(to_u64(bytes.len()).saturating_mul(4) + (1 << 20));
        let rows = varint::read(&mut reader)?;
        let read = |column_type: &ColumnType| EncodedChunk::read(&mut reader, *column_type, rows, decoder);
        Ok(EncodedRowGroup { rows, chunks: types.iter().map(read).collect::<Result<_>>()? })
    }
}
