//! Reading, without I/O: a [`File`] says which byte ranges it needs, and turns supplied ones into columns.
//!
//! ```text
//! File::open     schema, row groups, where to look   (a few small ranges)
//! File::locate   where the wanted columns lie        (legacy files: one hop per column in front of them)
//! File::dependencies  which other columns a row group of it is predicted from
//! File::chunk    which range holds a row group of it (pure data: the host coalesces and fetches them)
//! File::decode   a RowGroup that was supplied with those bytes -> Column
//! ```
//! A step that needs bytes answers [`Interrupt::Need`]; supply them to the [`Segments`] and call it again.
//! [`Assembly`] puts the chunks of a column together.

mod assembly;
mod directory;
mod legacy;
mod row_group;
mod verify;
mod version2;

use std::ops::Range;
use std::sync::Arc;

pub use assembly::{Assembly, ChunkRows, Rows};
pub use row_group::RowGroup;
pub use verify::{Part, Problem, Verdict, Verifier};

use crate::bytes::{Interrupt, Segments, Step, to_u64};
use crate::column::{Column, Values};
use crate::compression::Compression;
use crate::encoding::chunk::ColumnType;
use crate::encoding::parent::Parent;
use crate::error::{Error, Result};
#[cfg(feature = "writer")]
use crate::format::version2::Footer;
use crate::format::{self, DIGEST_SIZE, Dialect};
use crate::schema::{DataType, Field, Schema};
use crate::statistics::ColumnStatistics;
use crate::warning::Warning;

/// What a hostile file may cost. Nothing is allocated for a claim that exceeds its limit.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one metadata section; its parsed form takes up to some sixty times as much.
    pub metadata_bytes: u64,
    /// Bytes of one column after decompression.
    pub column_bytes: u64,
    /// Columns of a table.
    pub columns: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { metadata_bytes: 16 << 20, column_bytes: 1 << 30, columns: 100_000 }
    }
}

/// How to open a file.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Limits.
    pub limits: Limits,
    /// Return what is left of Python 1.1 files instead of refusing them.
    pub salvage: bool,
    /// Check the fast hash of every chunk of a version 2 file that is decoded.
    pub checksums: bool,
    /// The digest that the file must state. With it every chunk of a version 2 file is checked by SHA-256, so that this
    /// one value vouches for all that is read; the checksum of a legacy file is left to [`File::verifier`].
    pub integrity: Option<[u8; DIGEST_SIZE]>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions { limits: Limits::default(), salvage: false, checksums: true, integrity: None }
    }
}

/// A named byte range of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Name: header, schema, statistics, data, footer, ...
    pub name: &'static str,
    /// Absolute byte range.
    pub range: Range<u64>,
}

/// Where a stored column chunk is. Legacy files have one chunk per column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position in the schema; `None` for data that the schema does not list.
    pub column: Option<usize>,
    /// Column name.
    pub name: String,
    /// Row group.
    pub row_group: usize,
    /// Absolute offset of the record's header, in dialects that have one, else of its bytes.
    pub header: u64,
    /// Absolute byte range of the stored bytes.
    pub range: Range<u64>,
    /// Codec id as stored; `None` where every stream within the chunk has its own.
    pub codec: Option<u8>,
    /// Column group id, in the dialect that has them.
    pub group: Option<u32>,
    /// Columns whose chunks of the same row group are needed to decode it, by position in the schema.
    pub parents: Vec<usize>,
}

impl Record {
    /// What the codec is called.
    #[must_use]
    pub fn codec_name(&self) -> String {
        match self.codec.map(Compression::from_id) {
            None => "encoded".to_owned(),
            Some(Ok(codec)) => codec.as_str().to_owned(),
            Some(Err(error)) => error.kind().to_string(),
        }
    }
}

/// An open file: metadata, and where its columns are.
#[derive(Debug)]
pub struct File {
    dialect: Dialect,
    schema: Schema,
    created: Option<u64>,
    modified: Option<u64>,
    sections: Vec<Section>,
    warnings: Vec<Warning>,
    /// So many of the first columns are lost.
    lost: usize,
    limits: Limits,
    /// Rows of each row group.
    row_groups: Vec<Range<u64>>,
    body: Box<dyn Body>,
}

/// A column of a row group, and what was odd about it.
type Decoded = Result<(Arc<Parent>, Vec<Warning>)>;

/// What the dialects do each in their own way. A trait, so that a program that opens files of one kind holds no code of the
/// others: the wasm modules are such programs.
trait Body {
    /// The digest that stands for the whole file.
    fn digest(&self) -> [u8; DIGEST_SIZE];

    /// Statistics of every column as stored.
    fn statistics(&self, schema: &Schema) -> Result<Vec<Option<ColumnStatistics>>>;

    /// Statistics of one chunk of a located column.
    fn chunk_statistics(&self, _column: usize, _row_group: usize) -> Option<&ColumnStatistics> {
        None
    }

    /// Checks every byte.
    fn verifier(&mut self, schema: &Schema, segments: &Segments) -> Step<Verifier>;

    /// Finds where columns lie.
    fn locate(&mut self, columns: &[usize], schema: &Schema, segments: &Segments) -> Step<()>;

    /// Where the chunks lie that were found.
    fn records(&self, schema: &Schema) -> Vec<Record>;

    /// The bytes of a row group of a located column, which may be lost; `None` where there are none.
    fn chunk(&self, column: usize, row_group: usize, is_lost: bool) -> Result<Option<Range<u64>>>;

    /// The columns that a chunk of a located column is predicted from, by their place in its list of parents.
    fn needed(&self, _column: usize, _row_group: usize) -> Result<Vec<Option<usize>>> {
        Ok(Vec::new())
    }

    /// Decodes a column of a row group that was supplied with what that takes; unless it is wanted as a whole, strings can
    /// be codes alone.
    fn decode(&self, file: &File, column: usize, group: &mut RowGroup<'_>, is_whole: bool) -> Decoded;

    /// The tree of encodings of a chunk in words.
    fn explain(&self, _file: &File, _column: usize, _group: &mut RowGroup<'_>) -> Result<Option<String>> {
        Ok(None)
    }

    /// The distinct values of a chunk, where they are stored as such.
    fn distinct_values(&self, _column: usize, _row_group: usize, _stored: &[u8]) -> Result<Option<Column>> {
        Ok(None)
    }

    /// Which of the distinct values each row of a chunk holds.
    fn distinct_codes(&self, _column: usize, _row_group: usize, _stored: &[u8]) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }

    /// Precision, scale and zone of a column, where they are stated apart from the values.
    fn column_type(&self, _column: usize) -> Option<ColumnType> {
        None
    }

    /// Everything that the end of the file says, for whoever writes another end.
    #[cfg(feature = "writer")]
    fn continued(&self, file: &File) -> Result<(Footer, Vec<version2::ColumnChunks>)> {
        let dialect = file.dialect.as_str();
        Err(Error::unsupported(format!("changing a file of {dialect} in place; convert it to ncf-2 first")))
    }
}

/// Says no more: what a table of methods names, every program that opens a file would hold, and text of floats is much.
impl std::fmt::Debug for dyn Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

impl File {
    /// Reads the metadata.
    ///
    /// # Errors
    /// `not-ncf`, `unsupported-version`, `unsupported-feature` (Python 1.1 without `salvage`), `truncated`,
    /// `corrupt`, `checksum-mismatch` (the footer of version 2, or another digest than `integrity`), `limit-exceeded`.
    pub fn open(segments: &Segments, options: &OpenOptions) -> Step<File> {
        match File::open_version2(segments, options)? {
            Some(file) => Ok(file),
            None => File::open_legacy(segments, options),
        }
    }

    /// Reads the metadata of a file of version 2; `None` where it is of version 1, and for [`Self::open_legacy`].
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_version2(segments: &Segments, options: &OpenOptions) -> Step<Option<File>> {
        let failure = match version2::open(segments, options) {
            Ok(Some(file)) => return Ok(Some(file)),
            Ok(None) => None,
            Err(Interrupt::Failed(error)) => Some(error),
            Err(need) => return Err(need),
        };
        // A legacy file can end like one of version 2 by chance.
        match (format::read_version(segments)?, failure) {
            (format::LEGACY_VERSION, _) => Ok(None),
            (_, Some(error)) => Err(error.into()),
            (version, None) => Err(version2::without_end(version, segments.size()).into()),
        }
    }

    /// Reads the metadata of a file of version 1.
    ///
    /// # Errors
    /// As [`Self::open`]; `unsupported-version` for one of version 2.
    pub fn open_legacy(segments: &Segments, options: &OpenOptions) -> Step<File> {
        legacy::open(segments, options)
    }

    /// Which writer's bytes these are.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The schema as stored.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Rows of the file; columns of damaged or odd legacy files can have other lengths.
    #[must_use]
    pub fn num_rows(&self) -> u64 {
        self.row_groups.last().map_or(0, |rows| rows.end)
    }

    /// Rows of each row group, in order and without gaps. Legacy files have one, even without rows.
    #[must_use]
    pub fn row_groups(&self) -> &[Range<u64>] {
        &self.row_groups
    }

    /// The row groups that hold rows of a range; of a legacy file always the one there is.
    #[must_use]
    pub fn row_groups_of(&self, rows: &Range<u64>) -> Range<usize> {
        if self.dialect != Dialect::Version2 {
            return 0..1;
        }
        let start = self.row_groups.partition_point(|group| group.end <= rows.start);
        let end = self.row_groups.partition_point(|group| group.start < rows.end);
        start..end.max(start)
    }

    /// Unix seconds.
    #[must_use]
    pub fn created(&self) -> Option<u64> {
        self.created
    }

    /// Unix seconds.
    #[must_use]
    pub fn modified(&self) -> Option<u64> {
        self.modified
    }

    /// Statistics of every column as stored.
    ///
    /// # Errors
    /// `corrupt`, `limit-exceeded` where those of a column in version 2 are no good.
    pub fn statistics(&self) -> Result<Vec<Option<ColumnStatistics>>> {
        self.body.statistics(&self.schema)
    }

    /// Statistics of one chunk of a located column, where the dialect has them.
    #[must_use]
    pub fn chunk_statistics(&self, column: usize, row_group: usize) -> Option<&ColumnStatistics> {
        self.body.chunk_statistics(column, row_group)
    }

    /// The file's parts in order of their offsets.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Oddities found so far.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Whether a salvaged file has lost the column.
    #[must_use]
    pub fn is_lost(&self, column: usize) -> bool {
        column < self.lost
    }

    /// The digest that stands for the whole file: in version 2 that of the trailer, else the file's checksum.
    #[must_use]
    pub fn digest(&self) -> [u8; DIGEST_SIZE] {
        self.body.digest()
    }

    /// Checks every byte of the file, from bytes given in order.
    ///
    /// # Errors
    /// Version 2: `corrupt` where the parts of the file leave gaps or overlap. A list of chunks that is damaged is one of
    /// the problems that the verifier finds, and its chunks are left out.
    pub fn verifier(&mut self, segments: &Segments) -> Step<Verifier> {
        self.body.verifier(&self.schema, segments)
    }

    /// Finds where the columns (positions in the schema) lie. A legacy file is hopped through; a position behind the
    /// last column makes it go to the end of the data, and see that nothing is left over.
    ///
    /// # Errors
    /// `corrupt` or `truncated` where a column's header is no good; in version 2 also `checksum-mismatch`, and
    /// `unsupported-feature` for a column that needs what this release does not know.
    pub fn locate(&mut self, columns: &[usize], segments: &Segments) -> Step<()> {
        self.body.locate(columns, &self.schema, segments)
    }

    /// Where every chunk lies, as far as [`Self::locate`] got; of legacy files in file order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.body.records(&self.schema)
    }

    /// The byte range that holds one row group of a located column.
    ///
    /// `None`: the schema of a legacy file has the column, the data do not.
    ///
    /// # Errors
    /// `corrupt` for a column that a salvaged file has lost, `unsupported-feature` for its codec, `invalid-argument`
    /// for one that was not located, or a row group that is not there.
    pub fn chunk(&self, column: usize, row_group: usize) -> Result<Option<Range<u64>>> {
        if row_group >= self.row_groups.len() {
            let why = format!("{row_group} of {}", self.row_groups.len());
            return Err(Error::invalid("rowGroup", why));
        }
        let range = self.body.chunk(column, row_group, self.is_lost(column));
        range.map_err(|error| error.in_column(self.name(column)))
    }

    fn name(&self, column: usize) -> &str {
        self.schema.columns.get(column).map_or("", |field| &field.name)
    }

    fn field(&self, column: usize) -> Result<&Field> {
        self.schema.columns.get(column).ok_or_else(|| Error::unknown_column(format!("#{column}")))
    }

    /// The columns whose chunks of the same row group must be supplied, too, to decode that of a located column: those
    /// that it is predicted from, directly or not, in an order in which each comes before what depends on it.
    ///
    /// # Errors
    /// As [`Self::chunk`].
    pub fn dependencies(&self, column: usize, row_group: usize) -> Result<Vec<usize>> {
        self.chunk(column, row_group)?;
        let mut found = Vec::new();
        self.collect_dependencies(column, row_group, &mut found)?;
        Ok(found)
    }

    /// Chains of parents are short: locating checks that.
    fn collect_dependencies(&self, column: usize, row_group: usize, found: &mut Vec<usize>) -> Result<()> {
        for parent in self.needed(column, row_group)?.into_iter().flatten() {
            if !found.contains(&parent) {
                self.collect_dependencies(parent, row_group, found)?;
                found.push(parent);
            }
        }
        Ok(())
    }

    fn needed(&self, column: usize, row_group: usize) -> Result<Vec<Option<usize>>> {
        self.body.needed(column, row_group).map_err(|error| error.in_column(self.name(column)))
    }

    /// Columns that one is predicted from in a row group; none where that is not known.
    fn parents_of(&self, column: usize, row_group: usize) -> impl Iterator<Item = usize> + use<> {
        self.needed(column, row_group).unwrap_or_default().into_iter().flatten()
    }

    /// Decodes a column of a row group, whose bytes and those of its [`Self::dependencies`] were supplied. The row group
    /// keeps what was decoded of version 2 until it is told to release it.
    ///
    /// The type of the values is the declared one, unless a pickled column holds something else; then it is that of
    /// the content, with a `type-differs` warning. A column that the data of a legacy file do not hold is empty, with a
    /// `missing-column` warning.
    ///
    /// # Errors
    /// `corrupt`, `checksum-mismatch`, `limit-exceeded`, `unsupported-feature` for pickles beyond the known subset;
    /// `invalid-argument` for bytes that were not supplied. Errors name the column whose bytes are at fault.
    pub fn decode(&self, column: usize, group: &mut RowGroup<'_>) -> Result<(Arc<Column>, Vec<Warning>)> {
        let (decoded, warnings) = self.body.decode(self, column, group, true)?;
        Ok((Arc::clone(decoded.shared()), warnings))
    }

    /// The tree of encodings of a chunk in words, for people: `dictionary(front(planes, lengths), recent by carrier)`.
    /// The children of a node are in the order in which they are stored; of a column, nulls come before values. `None`
    /// for other dialects.
    ///
    /// # Errors
    /// As [`Self::decode`], which it takes as long as.
    pub fn explain(&self, column: usize, group: &mut RowGroup<'_>) -> Result<Option<String>> {
        self.body.explain(self, column, group)
    }

    /// The distinct values of a chunk where they are stored as such (and a null where there is one), as far as that
    /// costs less than decoding it.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn distinct_values(&self, column: usize, row_group: usize, stored: &[u8]) -> Result<Option<Column>> {
        let found = self.body.distinct_values(column, row_group, stored);
        found.map_err(|error| error.in_column(self.name(column)).in_section("data"))
    }

    /// Which of [`Self::distinct_values`] each row of a chunk holds, as positions; beyond them all where it is null.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn distinct_codes(&self, column: usize, row_group: usize, stored: &[u8]) -> Result<Option<Vec<u32>>> {
        let found = self.body.distinct_codes(column, row_group, stored);
        found.map_err(|error| error.in_column(self.name(column)).in_section("data"))
    }

    /// A column of the declared type without rows.
    ///
    /// # Errors
    /// `unknown-column`.
    pub fn empty_column(&self, column: usize) -> Result<Column> {
        let data_type: DataType = self.field(column)?.data_type;
        let values = match (Values::empty(data_type), self.column_type(column)) {
            (Values::Timestamp { unit, values, .. }, Some(ColumnType { utc, .. })) => {
                Values::Timestamp { unit, utc, values }
            }
            (Values::Decimal { values, .. }, Some(ColumnType { precision, scale, .. })) => {
                Values::Decimal { precision, scale, values }
            }
            (values, _) => values,
        };
        Column::new(values, None)
    }

    /// Precision, scale and zone of a column, where the file states them apart from the values.
    #[must_use]
    pub fn column_type(&self, column: usize) -> Option<ColumnType> {
        self.body.column_type(column)
    }
}

#[cfg(feature = "writer")]
impl File {
    /// Everything that the end of a file of version 2 says, for whoever writes another end.
    ///
    /// # Errors
    /// `unsupported-feature` for other dialects; `corrupt` unless [`Self::verifier`] has loaded sound digests.
    pub(crate) fn continued(&self) -> Result<(Footer, Vec<version2::ColumnChunks>)> {
        self.body.continued(self)
    }
}

/// The supplied bytes of a chunk.
fn stored_of<'a>(group: &'a RowGroup<'_>, column: usize, range: &Range<u64>) -> Result<&'a [u8]> {
    let stored = group.stored(column).ok_or_else(|| Error::invalid("rowGroup", "was not supplied with the chunk"))?;
    let expected = range.end - range.start;
    if to_u64(stored.len()) == expected {
        return Ok(stored);
    }
    Err(Error::truncated(expected, to_u64(stored.len())))
}

/// A table read in one go.
#[derive(Debug)]
pub struct Table {
    /// The open file.
    pub file: File,
    /// The columns in schema order; `None` for those that a salvaged file has lost.
    pub columns: Vec<Option<Column>>,
    /// Everything odd.
    pub warnings: Vec<Warning>,
}

/// Verifies and reads a whole file in memory: a convenience for native callers.
///
/// # Errors
/// Those of [`File::open`], [`File::decode`], and `checksum-mismatch`.
pub fn read_all(bytes: &[u8], options: &OpenOptions) -> Result<Table> {
    let mut segments = Segments::new(to_u64(bytes.len()));
    segments.supply(0, bytes.to_vec())?;
    let failed = |interrupt| match interrupt {
        Interrupt::Failed(error) => error,
        Interrupt::Need(ranges) => Error::corrupt(format!("asks for {ranges:?} of a file that is all there")),
    };
    let mut file = File::open(&segments, options).map_err(failed)?;
    let mut verifier = file.verifier(&segments).map_err(failed)?;
    while let Some(range) = verifier.next_range() {
        verifier.push(segments.get(range).map_err(failed)?);
    }
    verifier.finish().check()?;
    let all: Vec<usize> = (0..file.schema.columns.len()).collect();
    file.locate(&all, &segments).map_err(failed)?;
    if file.dialect != Dialect::Version2 {
        file.locate(&[usize::MAX], &segments).map_err(failed)?;
    }
    let mut assemblies: Vec<Option<Assembly>> =
        all.iter().map(|&column| (!file.is_lost(column)).then(|| Assembly::new(column))).collect();
    for index in 0..file.row_groups.len() {
        let mut group = RowGroup::new(index);
        for &column in all.iter().filter(|&&column| !file.is_lost(column)) {
            if let Some(range) = file.chunk(column, index)? {
                group.supply(column, segments.get(range).map_err(failed)?);
            }
        }
        for assembly in assemblies.iter_mut().flatten() {
            assembly.push(&file, &mut group, Rows::Range(0..u64::MAX))?;
        }
    }
    let (mut columns, mut warnings) = (Vec::new(), file.warnings.clone());
    for assembly in assemblies {
        let Some(assembly) = assembly else {
            columns.push(None);
            continue;
        };
        let (decoded, found) = assembly.finish(&file)?;
        columns.push(Some(decoded));
        warnings.extend(found);
    }
    Ok(Table { file, columns, warnings })
}
