//! Version 2, written forward only.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::cross_column::Relations;
use super::row_group::{EncodedChunk, EncodedRowGroup};
use super::shared::RowGroup;
use super::{Bounds, WriteOptions, check_type, check_values};
use crate::bytes::to_u64;
use crate::column::{Column, Values};
use crate::compression::{Compression, zstd};
use crate::distinct::Counter;
use crate::encoding::chunk::{self, ColumnType};
use crate::encoding::parent::Parent;
use crate::encoding::text::Dictionary;
use crate::encoding::{Encoder, neural};
use crate::error::{Error, Result};
use crate::format::DIGEST_SIZE;
use crate::format::version2::block::{self, Block, Digests, Sha};
use crate::format::version2::{self, Footer, HEADER_SIZE, MAX_ROWS, statistics};
use crate::reader::File;
use crate::schema::{Extra, Field, Schema, TimeUnit};
use crate::sort::sort_by_key;
use crate::statistics::{ColumnStatistics, Order, Scalar};

/// Bytes of column blocks up to which they are put into the footer, where the first read of a file finds them.
const MAX_INLINE_SIZE: usize = 32 << 10;

/// What is known of a column's chunks so far.
#[derive(Debug)]
pub(super) struct Chunks {
    pub block: Block,
    pub digests: Vec<Sha>,
    pub summary: Summary,
}

/// Statistics of a whole column, from those of its chunks.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub statistics: ColumnStatistics,
    /// `None` where there are chunks whose values were not seen.
    distinct: Option<Counter>,
    /// Bounds of the values so far.
    bounds: Option<(Scalar, Scalar)>,
    /// Whether a chunk with values has no bounds, so that those of the whole are not known.
    is_unbounded: bool,
}

impl Chunks {
    pub(super) fn new() -> Self {
        let statistics = ColumnStatistics { order: Order::Equal, ..ColumnStatistics::default() };
        Chunks {
            block: Block {
                ranges: Vec::new(),
                hashes: Vec::new(),
                digests: Digests::Inline(Vec::new()),
                statistics: Vec::new(),
                parents: Vec::new(),
                needs: Vec::new(),
            },
            digests: Vec::new(),
            summary: Summary { statistics, distinct: Some(Counter::default()), bounds: None, is_unbounded: false },
        }
    }

    /// The chunks of a file that is continued; their digests have been loaded.
    pub(super) fn of(block: Block, digests: Vec<Sha>, statistics: ColumnStatistics) -> Self {
        let bounds = statistics.min.clone().zip(statistics.max.clone());
        let has_values = statistics.total_count - statistics.null_count > statistics.nan_count.unwrap_or(0);
        let is_unbounded = bounds.is_none() && has_values;
        Chunks { block, digests, summary: Summary { statistics, distinct: None, bounds, is_unbounded } }
    }

    /// Adds a chunk at that place.
    pub(super) fn add(&mut self, chunk: EncodedChunk, start: u64) {
        let EncodedChunk { encoded, hash, digest, mut statistics, distinct } = chunk;
        self.summary.add(&statistics, &distinct);
        statistics::cap_bounds(&mut statistics);
        self.block.ranges.push(start..start + to_u64(encoded.bytes.len()));
        self.block.hashes.push(hash);
        self.digests.push(digest);
        self.block.statistics.push(statistics);
        self.block.add_needs(&encoded.parents, encoded.needs);
    }
}

impl Chunks {
    /// Puts other bytes of the same values in the place of a chunk; they need no other columns.
    pub(super) fn replace(&mut self, row_group: usize, bytes: &[u8], start: u64) {
        let places = self.block.ranges.get_mut(row_group).zip(self.block.hashes.get_mut(row_group));
        let others = self.digests.get_mut(row_group).zip(self.block.needs.get_mut(row_group));
        if let (Some((range, hash)), Some((digest, needs))) = (places, others) {
            *range = start..start + to_u64(bytes.len());
            *hash = xxh3_64(bytes);
            *digest = Sha256::digest(bytes).into();
            *needs = 0;
        }
    }
}

impl Summary {
    fn add(&mut self, chunk: &ColumnStatistics, distinct: &Counter) {
        let all = &mut self.statistics;
        all.total_count += chunk.total_count;
        all.null_count += chunk.null_count;
        let sum = |a: Option<u64>, b: Option<u64>| b.map(|b| a.unwrap_or(0) + b);
        all.nan_count = sum(all.nan_count, chunk.nan_count);
        all.value_bytes = sum(all.value_bytes, chunk.value_bytes);
        if let Some(counter) = &mut self.distinct {
            counter.merge(distinct);
        }
        let nans = chunk.nan_count.unwrap_or(0);
        if nans > 0 {
            all.order = Order::None;
        }
        if chunk.total_count - chunk.null_count == nans {
            return;
        }
        let Some((min, max)) = chunk.min.clone().zip(chunk.max.clone()).filter(|_| !self.is_unbounded) else {
            self.is_unbounded = true;
            self.bounds = None;
            all.order = Order::None;
            return;
        };
        self.bounds = Some(match self.bounds.take() {
            None => {
                all.order = if all.order == Order::None { Order::None } else { chunk.order };
                (min, max)
            }
            Some((low, high)) => {
                all.order = follow(all.order, chunk.order, (&low, &high), (&min, &max));
                (
                    if min.compare(&low) == Some(Ordering::Less) { min } else { low },
                    if max.compare(&high) == Some(Ordering::Greater) { max } else { high },
                )
            }
        });
    }

    /// The statistics as they are stored.
    fn finish(&self) -> ColumnStatistics {
        let mut statistics = self.statistics.clone();
        // Where row groups were appended, what was exact before stays so only if it was taken over unshortened.
        let were_exact = self.distinct.is_some() || (statistics.min_is_exact && statistics.max_is_exact);
        (statistics.min, statistics.max) = self.bounds.clone().unzip();
        statistics.min_is_exact = statistics.min.is_some() && were_exact;
        statistics.max_is_exact = statistics.max.is_some() && were_exact;
        let counted = self.distinct.as_ref().map(Counter::count);
        statistics.distinct_count = counted.map(|(count, _)| count);
        statistics.distinct_is_exact = counted.is_some_and(|(_, is_exact)| is_exact);
        statistics::cap_bounds(&mut statistics);
        statistics
    }
}

/// The order of two runs of values behind each other, from their orders and bounds.
fn follow(first: Order, second: Order, (low, high): (&Scalar, &Scalar), (min, max): (&Scalar, &Scalar)) -> Order {
    let ascending = |order| matches!(order, Order::Ascending | Order::Equal);
    let descending = |order| matches!(order, Order::Descending | Order::Equal);
    let up = ascending(first) && ascending(second) && min.compare(high).is_some_and(Ordering::is_ge);
    let down = descending(first) && descending(second) && max.compare(low).is_some_and(Ordering::is_le);
    match (up, down) {
        (true, true) => Order::Equal,
        (true, false) => Order::Ascending,
        (false, true) => Order::Descending,
        (false, false) => Order::None,
    }
}

/// Writes one table of version 2, row group after row group.
///
/// ```text
/// push(batch), push(batch), ... finish      with take_output() in between as often as one likes
/// ```
/// Memory is bounded by one row group, one batch and some hundred bytes per chunk.
///
/// Where the codec of neural chunks is one that encodes them later, a full row group suspends the writer: `resume` until
/// it is no longer, before anything else, and `flush` before `finish`.
pub struct StreamWriter {
    pub(super) options: WriteOptions,
    pub(super) schema: Schema,
    pub(super) types: Vec<ColumnType>,
    requires: Vec<Vec<String>>,
    extra: Extra,
    /// Columns in the order in which their chunks are stored.
    storage: Vec<usize>,
    /// Rows that do not fill a row group yet.
    pub(super) pending: Vec<Column>,
    /// The row group that is encoded elsewhere, or whose neural chunks are, and the rows behind it, from that one of the
    /// batch on.
    pub(super) suspended: Option<RowGroup>,
    rest: Option<(Vec<Column>, usize)>,
    rows: Vec<u64>,
    chunks: Vec<Chunks>,
    /// Where the next byte of output goes.
    position: u64,
    output: Vec<u8>,
    pub(super) encoders: Encoders,
    /// What went wrong after rows had been taken; nothing can follow then.
    pub(super) failure: Option<Error>,
    pub(super) relations: Relations,
}

impl std::fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamWriter")
            .field("rows", &self.rows)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// A column of a row group on its way to a chunk.
#[derive(Clone)]
pub(super) struct Part {
    /// As models see it.
    pub parent: Arc<Parent>,
    /// Of text or binary that has one.
    pub dictionary: Option<Arc<Dictionary>>,
}

impl Part {
    pub(super) fn of(column: Column, field: &Field) -> Result<Self> {
        let dictionary = chunk::dictionary(&column, field.use_dictionary)?.map(Arc::new);
        let codes = dictionary.as_ref().map(|dictionary| Arc::new(dictionary.to_codes()));
        Ok(Part { parent: Arc::new(Parent::new(Arc::new(column), codes)), dictionary })
    }
}

pub(super) fn rows_of(parts: &[Part]) -> usize {
    parts.first().map_or(0, |part| part.parent.column().len())
}

/// One encoder that compresses, and one that does not.
pub(super) struct Encoders {
    pub compressing: Encoder,
    pub plain: Encoder,
}

impl Encoders {
    pub fn new(options: &WriteOptions) -> Result<Self> {
        let level = (options.compression == Compression::Zstd).then_some(options.level);
        Ok(Encoders { compressing: Encoder::new(level)?, plain: Encoder::new(None)? })
    }

    /// The encoder for a column of a row group.
    pub fn for_part(&mut self, field: &Field, part: &Part) -> &mut Encoder {
        let encoder = self.of(field);
        encoder.set_dictionary(part.dictionary.clone());
        encoder
    }

    /// The encoder for a column: the hint `compression_model` can ask for none, `use_dictionary` for dictionaries.
    pub fn of(&mut self, field: &Field) -> &mut Encoder {
        let encoder = match field.compression_model.as_deref() {
            Some("none") => &mut self.plain,
            _ => &mut self.compressing,
        };
        encoder.set_wants_dictionary(field.use_dictionary);
        encoder.set_dictionary(None);
        encoder
    }
}

/// The end of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The bytes that were not taken before.
    pub bytes: Vec<u8>,
    /// What was written.
    pub written: Written,
}

/// What a writer has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Size of the file.
    pub size: u64,
    /// Rows of the file.
    pub num_rows: u64,
    /// The digest of the trailer, which vouches for the whole file.
    pub digest: [u8; DIGEST_SIZE],
}

pub(super) fn check_options(options: &WriteOptions) -> Result<()> {
    zstd::check_level(options.level)?;
    if let Some(level) = options.neural.filter(|level| !neural::LEVELS.contains(level)) {
        let why = format!("{level} is not between {} and {}", neural::LEVELS.start(), neural::LEVELS.end());
        return Err(Error::invalid("level", why));
    }
    if options.row_group_rows == 0 || u64::from(options.row_group_rows) > MAX_GROUP_ROWS {
        let why = format!("{} is not between 1 and {MAX_GROUP_ROWS}", options.row_group_rows);
        return Err(Error::invalid("rowGroupRows", why));
    }
    Ok(())
}

/// Rows that a row group may be asked to have: beyond, memory is not bounded by anything sensible.
const MAX_GROUP_ROWS: u64 = 1 << 24;

impl StreamWriter {
    /// A writer for the table that `schema` describes, with columns of the given types. Timestamps are stored in
    /// microseconds whatever their unit.
    ///
    /// # Errors
    /// `invalid-argument` for options out of range, equal names, or a schema that would not read back.
    pub fn new(mut schema: Schema, types: Vec<ColumnType>, options: WriteOptions) -> Result<Self> {
        check_options(&options)?;
        schema.default_compression = match options.neural {
            Some(_) => "neural".to_owned(),
            None => options.compression.as_str().to_owned(),
        };
        check_schema(&schema, &types)?;
        let chunks = types.iter().map(|_| Chunks::new()).collect();
        let requires = types.iter().map(|_| Vec::new()).collect();
        let parents = types.iter().map(|_| Vec::new()).collect();
        Ok(StreamWriter {
            encoders: Encoders::new(&options)?,
            relations: Relations::new(&schema, parents, &options)?,
            storage: storage_order(&schema),
            options,
            schema,
            types: types.into_iter().map(stored_type).collect(),
            requires,
            extra: Extra::new(),
            pending: Vec::new(),
            suspended: None,
            rest: None,
            rows: Vec::new(),
            chunks,
            position: HEADER_SIZE,
            output: version2::header().to_vec(),
            failure: None,
        })
    }

    /// A writer that adds row groups to a file of version 2. Its output follows the first [`Self::start`] bytes of the
    /// file, and replaces what is there now. The columns have been located, and their digests loaded, by
    /// [`File::verifier`].
    ///
    /// # Errors
    /// `unsupported-feature` for other dialects.
    pub fn append(file: &File, options: WriteOptions) -> Result<Self> {
        check_options(&options)?;
        let (footer, chunks) = file.continued()?;
        let options = WriteOptions {
            created: footer.created.unwrap_or(0),
            modified: Some(options.modified).filter(|&time| time > 0).or(footer.modified).unwrap_or(0),
            ..options
        };
        let parents = chunks.iter().map(|(block, ..)| block.parents.clone()).collect();
        Ok(StreamWriter {
            encoders: Encoders::new(&options)?,
            relations: Relations::new(&footer.schema, parents, &options)?,
            storage: storage_order(&footer.schema),
            options,
            schema: footer.schema,
            types: footer.types,
            requires: footer.requires,
            extra: footer.extra,
            pending: Vec::new(),
            suspended: None,
            rest: None,
            rows: footer.rows,
            chunks: chunks.into_iter().map(|(block, digests, summary)| Chunks::of(block, digests, summary)).collect(),
            position: footer.data_end,
            output: Vec::new(),
            failure: None,
        })
    }

    /// Where the output that was not taken yet starts in the file.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.position - to_u64(self.output.len())
    }

    /// The bytes that are ready.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Takes the bytes that are ready.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Rows of the row groups that were encoded, with those of a file that is continued.
    #[must_use]
    pub fn encoded_rows(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// Whether a row group waits to be encoded, or for its neural chunks.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.suspended.is_some()
    }

    /// Rows of the row group that waits.
    #[must_use]
    pub fn suspended_rows(&self) -> u64 {
        self.suspended.as_ref().map_or(0, RowGroup::rows)
    }

    pub(super) fn check_ready(&self) -> Result<()> {
        match &self.failure {
            Some(error) => Err(error.clone()),
            None if self.is_suspended() => Err(Error::invalid("writer", "is suspended until a row group is encoded")),
            None => Ok(()),
        }
    }

    /// Goes on with the row group that suspended the writer, and with the rows behind it; does nothing if none did.
    ///
    /// # Errors
    /// Those of encoding, which fail every call that follows.
    pub fn resume(&mut self) -> Result<()> {
        if let Some(error) = &self.failure {
            return Err(error.clone());
        }
        let go_on = |writer: &mut Self| -> Result<()> {
            let Some(group) = writer.suspended.take() else { return Ok(()) };
            if !writer.encode(group.parts)? {
                return Ok(());
            }
            let Some((batch, at)) = writer.rest.take() else { return Ok(()) };
            let left = writer.take_rows(batch.into_iter().map(Cow::Owned).collect(), at)?;
            writer.rest = left.map(|(batch, at)| (batch.into_iter().map(Cow::into_owned).collect(), at));
            Ok(())
        };
        go_on(self).inspect_err(|error| self.failure = Some(error.clone()))
    }

    /// Encodes the rows that do not fill a row group as one; those that follow begin another.
    ///
    /// # Errors
    /// `invalid-argument` while the writer is suspended; those of encoding, which fail every call that follows.
    pub fn flush(&mut self) -> Result<()> {
        self.check_ready()?;
        self.encode_pending().inspect_err(|error| self.failure = Some(error.clone()))
    }

    /// Adds rows: all columns, in schema order, of equal length. Columns that are given away are not copied where they are
    /// less than a row group.
    ///
    /// # Errors
    /// `type-mismatch` for values that the type cannot hold, `invalid-argument` for another number of columns,
    /// different lengths, or while the writer is suspended, `limit-exceeded` for text of 2 GiB in one row group. Nothing
    /// of the batch is taken then. What fails later, while a row group is encoded, fails every call that follows.
    pub fn push<'a>(&mut self, columns: impl Into<Cow<'a, [Column]>>) -> Result<()> {
        self.check_ready()?;
        let batch = self.check(columns.into())?;
        let left = self.take_rows(batch, 0).inspect_err(|error| self.failure = Some(error.clone()))?;
        self.rest = left.map(|(batch, at)| (batch.iter().map(|column| column.slice(at..column.len())).collect(), 0));
        Ok(())
    }

    /// Checks a batch, and brings it into the form that is stored.
    #[inline(never)]
    pub(super) fn check<'a>(&self, columns: Cow<'a, [Column]>) -> Result<Vec<Cow<'a, Column>>> {
        if columns.len() != self.types.len() {
            let why = format!("{} where the schema has {}", columns.len(), self.types.len());
            return Err(Error::invalid("columns", why));
        }
        let len = columns.first().map_or(0, Column::len);
        let columns: Vec<Cow<'a, Column>> = match columns {
            Cow::Borrowed(columns) => columns.iter().map(Cow::Borrowed).collect(),
            Cow::Owned(columns) => columns.into_iter().map(Cow::Owned).collect(),
        };
        let mut batch = Vec::with_capacity(columns.len());
        for ((field, column_type), column) in self.schema.columns.iter().zip(&self.types).zip(columns) {
            let checked = || {
                if column.len() != len {
                    let why = format!("{} rows, the first column has {len}", column.len());
                    return Err(Error::invalid("columns", why));
                }
                check_type(field, &column)?;
                check_values(&column)?;
                to_stored(column, *column_type)
            };
            batch.push(checked().map_err(|error| error.in_column(&field.name))?);
        }
        self.check_text(&batch)?;
        Ok(batch)
    }

    /// Checks that what is pending and the batch are no more text than a column can have.
    fn check_text(&self, batch: &[Cow<'_, Column>]) -> Result<()> {
        for (column, field) in batch.iter().zip(&self.schema.columns) {
            let pending = self.pending.iter().zip(&self.schema.columns).find(|(_, other)| other.name == field.name);
            let size = |column: &Column| match column.values() {
                Values::String(v) | Values::Binary(v) => to_u64(v.bytes().len()),
                _ => 0,
            };
            let total = size(column) + pending.map_or(0, |(column, _)| size(column));
            if total > i32::MAX as u64 {
                return Err(Error::limit("bytes of one column chunk", total, i32::MAX as u64).in_column(&field.name));
            }
        }
        Ok(())
    }

    /// Takes the rows of a batch from `at` on, until the writer is suspended; what it left, and where that begins.
    fn take_rows<'a>(
        &mut self,
        batch: Vec<Cow<'a, Column>>,
        mut at: usize,
    ) -> Result<Option<(Vec<Cow<'a, Column>>, usize)>> {
        let group = usize::try_from(self.options.row_group_rows).unwrap_or(usize::MAX);
        let len = batch.first().map_or(0, |column| column.len());
        while at < len && !self.is_suspended() {
            let known = self.pending.first().map_or(0, Column::len);
            let end = len.min(at + (group - known));
            if at == 0 && end == len {
                batch.into_iter().enumerate().try_for_each(|(index, column)| self.add_part(index, column, group))?;
                self.encode_full(group)?;
                return Ok(None);
            }
            for (index, column) in batch.iter().enumerate() {
                self.add_part(index, Cow::Owned(column.slice(at..end)), group)?;
            }
            at = end;
            self.encode_full(group)?;
        }
        Ok((at < len).then_some((batch, at)))
    }

    /// Adds rows of one column to those that are pending.
    fn add_part(&mut self, index: usize, part: Cow<'_, Column>, group: usize) -> Result<()> {
        match self.pending.get_mut(index) {
            Some(pending) => {
                pending.make_room(&part, group);
                pending.append(&part)?;
            }
            None => self.pending.push(part.into_owned()),
        }
        Ok(())
    }

    /// Encodes the pending rows if they are a row group.
    fn encode_full(&mut self, group: usize) -> Result<()> {
        if self.pending.first().is_some_and(|column| column.len() >= group) {
            self.encode_pending()?;
        }
        Ok(())
    }

    /// Encodes the pending rows as a row group.
    fn encode_pending(&mut self) -> Result<()> {
        let columns = std::mem::take(&mut self.pending);
        let Some(rows) = columns.first().map(|column| to_u64(column.len())).filter(|&rows| rows > 0) else {
            return Ok(());
        };
        self.check_total(rows)?;
        let parts = self.parts(columns)?;
        self.encode(parts).map(|_| ())
    }

    #[inline(never)]
    pub(super) fn parts(&self, columns: impl IntoIterator<Item = Column>) -> Result<Vec<Part>> {
        columns.into_iter().zip(&self.schema.columns).map(|(column, field)| Part::of(column, field)).collect()
    }

    /// Encodes a row group, or is suspended: whether the first.
    fn encode(&mut self, parts: Vec<Part>) -> Result<bool> {
        let Some(encoded) = self.relations.encode(&parts, &self.schema, &mut self.encoders)? else {
            self.suspended = Some(RowGroup::new(parts));
            return Ok(false);
        };
        let chunks = self.schema.columns.iter().zip(&parts).zip(encoded).map(|((field, part), encoded)| {
            EncodedChunk::of_part(part, encoded, states_bounds(field, self.options.bounds))
        });
        let group = EncodedRowGroup { rows: to_u64(rows_of(&parts)), chunks: chunks.collect() };
        self.store(group);
        Ok(true)
    }

    /// Puts out the next row group.
    pub(super) fn store(&mut self, group: EncodedRowGroup) {
        let mut encoded: Vec<Option<EncodedChunk>> = group.chunks.into_iter().map(Some).collect();
        for &index in &self.storage {
            let chunk = encoded.get_mut(index).and_then(Option::take);
            if let Some((chunk, chunks)) = chunk.zip(self.chunks.get_mut(index)) {
                let start = self.position;
                self.position += to_u64(chunk.encoded.bytes.len());
                self.output.extend_from_slice(&chunk.encoded.bytes);
                chunks.add(chunk, start);
            }
        }
        self.rows.push(group.rows);
    }

    pub(super) fn check_total(&self, rows: u64) -> Result<()> {
        let total = self.encoded_rows().saturating_add(rows);
        if total > MAX_ROWS { Err(Error::limit("rows", total, MAX_ROWS)) } else { Ok(()) }
    }

    /// The rest of the file.
    ///
    /// # Errors
    /// `limit-exceeded` where the metadata reach 4 GiB, `invalid-argument` while the writer is suspended, or where the last
    /// row group suspends it.
    pub fn finish(mut self) -> Result<Finished> {
        self.flush()?;
        self.check_ready()?;
        let footer = Footer {
            schema: self.schema,
            types: self.types,
            requires: self.requires,
            created: Some(self.options.created).filter(|&time| time > 0),
            modified: Some(self.options.modified).filter(|&time| time > 0),
            data_end: self.position,
            rows: self.rows,
            directory: Vec::new(),
            extra: self.extra,
        };
        let num_rows = footer.rows.iter().sum();
        let (tail, digest) = finish_file(footer, self.chunks, &self.options)?;
        let size = self.position + to_u64(tail.len());
        self.output.extend(tail);
        Ok(Finished { bytes: self.output, written: Written { size, num_rows, digest } })
    }
}

/// Everything behind the chunks.
pub(super) fn finish_file(mut footer: Footer, columns: Vec<Chunks>, options: &WriteOptions) -> Result<(Vec<u8>, Sha)> {
    // Metadata are compressed whatever the columns are: they are small, and read by everybody.
    let encoder = &mut Encoder::new(Some(zstd::DEFAULT_LEVEL))?;
    let summaries: Vec<ColumnStatistics> = columns.iter().map(|chunks| chunks.summary.finish()).collect();
    let (mut blocks, digests): (Vec<Block>, Vec<Vec<Sha>>) =
        columns.into_iter().map(|chunks| (chunks.block, chunks.digests)).unzip();
    for (block, digests) in blocks.iter_mut().zip(&digests) {
        block.digests = Digests::Inline(digests.clone());
    }
    let mut serialized = serialize_blocks(&blocks, &footer.types, encoder)?;
    let is_small = |blocks: &[Vec<u8>]| blocks.iter().map(Vec::len).sum::<usize>() <= MAX_INLINE_SIZE;
    let mut tail = Vec::new();
    if !is_small(&serialized) {
        for (block, digests) in blocks.iter_mut().zip(&digests) {
            let start = tail.len();
            tail.extend(digests.iter().flatten());
            block.digests = Digests::Located(Sha256::digest(tail.get(start..).unwrap_or_default()).into());
        }
        serialized = serialize_blocks(&blocks, &footer.types, encoder)?;
    }
    let inline = is_small(&serialized);
    let blocks_start = tail.len();
    let groups = footer.rows.len();
    for ((block, summary), column_type) in serialized.iter().zip(&summaries).zip(&footer.types) {
        let place = match inline {
            true => Ok(block.as_slice()),
            false => {
                tail.extend(block);
                Err((to_u64(block.len()), Sha256::digest(block).into()))
            }
        };
        footer.directory.push(block::serialize_entry(place, summary, groups, *column_type, encoder)?);
    }
    let blocks_size = to_u64(tail.len() - blocks_start);
    let compress = options.compression == Compression::Zstd;
    let (bytes, trailer) =
        version2::serialize_tail(&version2::serialize_footer(&footer, encoder), blocks_size, compress)?;
    tail.extend(bytes);
    Ok((tail, trailer.digest))
}

fn serialize_blocks(blocks: &[Block], types: &[ColumnType], encoder: &mut Encoder) -> Result<Vec<Vec<u8>>> {
    blocks.iter().zip(types).map(|(block, column_type)| block::serialize(block, *column_type, encoder)).collect()
}

pub(super) fn check_schema(schema: &Schema, types: &[ColumnType]) -> Result<()> {
    if schema.columns.len() != types.len() {
        let why = format!("{} types for a schema of {}", types.len(), schema.columns.len());
        return Err(Error::invalid("columns", why));
    }
    let mut names: Vec<&str> = schema.columns.iter().map(|field| field.name.as_str()).collect();
    sort_by_key(&mut names, |&name| name);
    if let Some((name, _)) = names.iter().zip(names.iter().skip(1)).find(|(name, next)| name == next) {
        return Err(Error::invalid("name", "another column has the same name").in_column(name));
    }
    for (field, column_type) in schema.columns.iter().zip(types) {
        if field.data_type != column_type.data_type {
            let (expected, found) = (field.data_type.as_str(), column_type.data_type.as_str());
            return Err(Error::type_mismatch(expected, format!("values of type {found}")).in_column(&field.name));
        }
    }
    version2::check_schema(schema)
}

/// The columns of a group behind each other, groups in the order of their first column; columns without a group stay
/// where they are.
fn storage_order(schema: &Schema) -> Vec<usize> {
    let mut order = Vec::with_capacity(schema.columns.len());
    let mut done: Vec<i64> = Vec::new();
    for (index, field) in schema.columns.iter().enumerate() {
        match field.column_group {
            None => order.push(index),
            Some(group) if !done.contains(&group) => {
                done.push(group);
                let members = schema.columns.iter().enumerate().filter(|(_, other)| other.column_group == Some(group));
                order.extend(members.map(|(index, _)| index));
            }
            Some(_) => {}
        }
    }
    order
}

pub(super) fn states_bounds(field: &Field, bounds: Bounds) -> bool {
    match bounds {
        Bounds::All => true,
        Bounds::WithoutPii => !field.contains_pii && !field.semantic_type.is_pii(),
        Bounds::None => false,
    }
}

pub(super) fn stored_type(column_type: ColumnType) -> ColumnType {
    ColumnType { unit: TimeUnit::Microsecond, ..column_type }
}

/// Converts timestamps to microseconds, and checks the parameters of the type.
pub(super) fn to_stored(column: Cow<'_, Column>, column_type: ColumnType) -> Result<Cow<'_, Column>> {
    let found = ColumnType::of(column.values());
    let same = ColumnType { unit: column_type.unit, ..found } == column_type;
    if !same {
        let describe = |t: ColumnType| match t.data_type {
            crate::schema::DataType::Decimal => format!("decimals of precision {} and scale {}", t.precision, t.scale),
            _ => format!("{} {}", t.data_type.as_str(), if t.utc { "in UTC" } else { "without zone" }),
        };
        return Err(Error::type_mismatch(describe(column_type), describe(found)));
    }
    let Values::Timestamp { unit, utc, values } = column.values() else { return Ok(column) };
    if *unit == TimeUnit::Microsecond {
        return Ok(column);
    }
    let per_second = TimeUnit::Microsecond.per_second();
    let convert = |(row, &value): (usize, &i64)| {
        if !column.is_valid(row) {
            return Ok(0);
        }
        let scaled = i128::from(value) * i128::from(per_second);
        let divisor = i128::from(unit.per_second());
        i64::try_from(scaled / divisor).ok().filter(|_| scaled % divisor == 0).ok_or_else(|| {
            Error::type_mismatch("timestamps of whole microseconds", format!("{value} {}", unit.as_str())).in_row(row)
        })
    };
    let values = values.iter().enumerate().map(convert).collect::<Result<_>>()?;
    let values = Values::Timestamp { unit: TimeUnit::Microsecond, utc: *utc, values };
    Column::new(values, column.validity().cloned()).map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::{Interrupt, Segments};
    use crate::format::Dialect;
    use crate::reader::OpenOptions;
    use crate::schema::DataType;

    /// Opens a file, and locates its first column.
    fn locate(bytes: &[u8]) -> Result<File> {
        let failed = |interrupt| match interrupt {
            Interrupt::Failed(error) => error,
            Interrupt::Need(ranges) => panic!("{ranges:?} of a file that is all there"),
        };
        let mut segments = Segments::new(to_u64(bytes.len()));
        segments.supply(0, bytes.to_vec())?;
        let mut file = File::open(&segments, &OpenOptions::default()).map_err(failed)?;
        file.verifier(&segments).map_err(failed)?;
        file.locate(&[0], &segments).map_err(failed)?;
        Ok(file)
    }

    #[test]
    fn cycles_long_chains_and_wrong_parents_are_refused() {
        let columns: Vec<Column> = (0..6).map(|i| Column::new(Values::Int32(vec![i, 7, 7]), None).unwrap()).collect();
        let fields = (0..6).map(|i| Field::new(format!("c{i}"), DataType::Int32)).collect();
        let options = WriteOptions::new(Dialect::Version2);
        let bytes = super::super::write_all(&Schema::new("t", fields), &columns, options).unwrap();
        let file = locate(&bytes).unwrap();
        type Lists = &'static [&'static [usize]];
        let cases: [(Lists, bool); 8] = [
            (&[&[1], &[2], &[3], &[], &[], &[]], true),
            (&[&[1, 2, 3], &[3], &[1], &[], &[], &[]], true),
            (&[&[1], &[2], &[3], &[4], &[], &[]], false),
            (&[&[0], &[], &[], &[], &[], &[]], false),
            (&[&[1], &[2], &[0], &[], &[], &[]], false),
            (&[&[6], &[], &[], &[], &[], &[]], false),
            (&[&[1, 1], &[], &[], &[], &[], &[]], false),
            (&[&[1], &[2], &[3], &[1], &[], &[]], false),
        ];
        for (lists, is_sound) in cases {
            let (footer, chunks) = file.continued().unwrap();
            let chunks = chunks.into_iter().zip(lists).map(|((mut block, digests, summary), parents)| {
                block.add_needs(parents, 0);
                block.needs = vec![(1 << parents.len()) - 1];
                Chunks::of(block, digests, summary)
            });
            let start = usize::try_from(footer.data_end).unwrap();
            let (tail, _) = finish_file(footer, chunks.collect(), &options).unwrap();
            match locate(&[&bytes[..start], &tail].concat()) {
                Ok(_) => assert!(is_sound, "{lists:?}"),
                Err(error) => assert_eq!((error.code().as_str(), is_sound), ("corrupt", false), "{lists:?}"),
            }
        }
    }
}
