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

pub use assembly::{Assembly, Rows};
pub use row_group::RowGroup;
pub use verify::{Part, Problem, Verdict, Verifier};

use crate::bytes::{Interrupt, Segments, Step, to_u64};
use crate::column::{Column, Values};
use crate::compression::Compression;
use crate::encoding::chunk::Parents;
use crate::encoding::neural;
use crate::encoding::parent::Parent;
use crate::error::{Error, Result};
use crate::format::{self, DIGEST_SIZE, Dialect};
use crate::schema::{DataType, Field, Schema};
use crate::statistics::ColumnStatistics;
use crate::warning::{Warning, WarningCode};
use legacy::Legacy;
use version2::Version2;

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
    body: Body,
}

#[derive(Debug)]
enum Body {
    Legacy(Box<Legacy>),
    Version2(Box<Version2>),
}

impl File {
    /// Reads the metadata.
    ///
    /// # Errors
    /// `not-ncf`, `unsupported-version`, `unsupported-feature` (Python 1.1 without `salvage`), `truncated`,
    /// `corrupt`, `checksum-mismatch` (the footer of version 2, or another digest than `integrity`), `limit-exceeded`.
    pub fn open(segments: &Segments, options: &OpenOptions) -> Step<File> {
        match version2::open(segments, options) {
            Ok(Some(file)) => return Ok(file),
            Ok(None) => {}
            // A legacy file can end like one of version 2 by chance.
            Err(Interrupt::Failed(error)) => match format::read_version(segments) {
                Ok(format::LEGACY_VERSION) => {}
                Err(Interrupt::Need(ranges)) => return Err(Interrupt::Need(ranges)),
                Err(other) => return Err(other),
                Ok(_) => return Err(error.into()),
            },
            Err(need) => return Err(need),
        }
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
        if let Body::Legacy(_) = self.body {
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
        match &self.body {
            Body::Legacy(legacy) => Ok(legacy.statistics.clone()),
            Body::Version2(body) => (0..self.schema.columns.len())
                .map(|column| body.statistics(column).map(Some).map_err(|error| error.in_column(self.name(column))))
                .collect(),
        }
    }

    /// Statistics of one chunk of a located column, where the dialect has them.
    #[must_use]
    pub fn chunk_statistics(&self, column: usize, row_group: usize) -> Option<&ColumnStatistics> {
        match &self.body {
            Body::Legacy(_) => None,
            Body::Version2(body) => body.chunk_statistics(column, row_group),
        }
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
        match &self.body {
            Body::Legacy(legacy) => legacy.digest,
            Body::Version2(body) => body.trailer.digest,
        }
    }

    /// Checks every byte of the file, from bytes given in order.
    ///
    /// # Errors
    /// Version 2: `corrupt` where the parts of the file leave gaps or overlap. A list of chunks that is damaged is one of
    /// the problems that the verifier finds, and its chunks are left out.
    pub fn verifier(&mut self, segments: &Segments) -> Step<Verifier> {
        match &mut self.body {
            Body::Legacy(legacy) => Ok(legacy.verifier.clone()),
            Body::Version2(body) => body.verifier(&self.schema, segments),
        }
    }

    /// Finds where the columns (positions in the schema) lie. A legacy file is hopped through; a position behind the
    /// last column makes it go to the end of the data, and see that nothing is left over.
    ///
    /// # Errors
    /// `corrupt` or `truncated` where a column's header is no good; in version 2 also `checksum-mismatch`, and
    /// `unsupported-feature` for a column that needs what this release does not know.
    pub fn locate(&mut self, columns: &[usize], segments: &Segments) -> Step<()> {
        match &mut self.body {
            Body::Legacy(legacy) => legacy.directory.locate(columns, &self.schema, segments),
            Body::Version2(body) => body.locate(columns, &self.schema, segments),
        }
    }

    /// Where every chunk lies, as far as [`Self::locate`] got; of legacy files in file order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        match &self.body {
            Body::Legacy(legacy) => legacy.directory.records().to_vec(),
            Body::Version2(body) => body.records(&self.schema),
        }
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
        let range = match &self.body {
            Body::Legacy(legacy) => legacy.chunk(column, self.is_lost(column)),
            Body::Version2(body) => body.chunk(column, row_group).map(Some),
        };
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
        if let Body::Version2(body) = &self.body {
            self.collect_dependencies(body, column, row_group, &mut found)?;
        }
        Ok(found)
    }

    /// Chains of parents are short: locating checks that.
    fn collect_dependencies(
        &self,
        body: &Version2,
        column: usize,
        row_group: usize,
        found: &mut Vec<usize>,
    ) -> Result<()> {
        let parents = body.needed(column, row_group).map_err(|error| error.in_column(self.name(column)))?;
        for parent in parents.into_iter().flatten() {
            if !found.contains(&parent) {
                self.collect_dependencies(body, parent, row_group, found)?;
                found.push(parent);
            }
        }
        Ok(())
    }

    /// Columns that one is predicted from in a row group; none where that is not known.
    fn parents_of(&self, column: usize, row_group: usize) -> impl Iterator<Item = usize> + use<> {
        let needed = match &self.body {
            Body::Legacy(_) => Vec::new(),
            Body::Version2(body) => body.needed(column, row_group).unwrap_or_default(),
        };
        needed.into_iter().flatten()
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
        let field = self.field(column)?;
        match &self.body {
            Body::Version2(body) => {
                Ok((Arc::clone(self.decode_parent(body, column, group, true)?.shared()), Vec::new()))
            }
            Body::Legacy(legacy) => {
                let Some(range) = self.chunk(column, group.index())? else {
                    let message = "the schema lists the column, the data do not hold it".to_owned();
                    let warning =
                        Warning { code: WarningCode::MissingColumn, column: Some(field.name.clone()), message };
                    return Ok((Arc::new(self.empty_column(column)?), vec![warning]));
                };
                let decoded = stored_of(group, column, &range).and_then(|stored| legacy.decode(self, column, stored));
                let located = decoded.map_err(|error| error.in_column(&field.name).in_section("data").at(range.start));
                located.map(|(column, warnings)| (Arc::new(column), warnings))
            }
        }
    }

    /// Decodes a column, as a whole if that is wanted: of it, or by whoever asks for it later.
    fn decode_parent(
        &self,
        body: &Version2,
        column: usize,
        group: &mut RowGroup<'_>,
        is_whole: bool,
    ) -> Result<Arc<Parent>> {
        if let Some(done) = group.decoded(column).filter(|done| done.is_whole() || !is_whole) {
            return Ok(Arc::clone(done));
        }
        let index = group.index();
        let is_whole = is_whole || !group.is_dependency(column);
        let decoded = self.with_parents(body, column, group, |stored, parents| {
            body.decode(column, index, (stored, parents), is_whole).map(Arc::new)
        })?;
        let is_first = group.decoded(column).is_none();
        group.keep(column, Arc::clone(&decoded), self.parents_of(column, index).filter(|_| is_first));
        Ok(decoded)
    }

    /// Does something with the bytes of a chunk and its decoded parents.
    fn with_parents<T>(
        &self,
        body: &Version2,
        column: usize,
        group: &mut RowGroup<'_>,
        act: impl FnOnce(&[u8], &Parents) -> Result<T>,
    ) -> Result<T> {
        let name = self.name(column);
        let needed = body.needed(column, group.index()).map_err(|error| error.in_column(name))?;
        // The neural codec looks into text.
        let is_whole = group.stored(column).is_some_and(neural::is_neural);
        let parents =
            needed.into_iter().map(|parent| parent.map(|parent| self.decode_parent(body, parent, group, is_whole)));
        let parents: Parents = parents.map(Option::transpose).collect::<Result<_>>()?;
        let range = body.chunk(column, group.index()).map_err(|error| error.in_column(name))?;
        stored_of(group, column, &range)
            .and_then(|stored| act(stored, &parents))
            .map_err(|error| error.in_column(name).in_section("data").at(range.start))
    }

    /// The tree of encodings of a chunk in words, for people: `dictionary(front(planes, lengths), recent by carrier)`.
    /// The children of a node are in the order in which they are stored; of a column, nulls come before values. `None`
    /// for other dialects.
    ///
    /// # Errors
    /// As [`Self::decode`], which it takes as long as.
    pub fn explain(&self, column: usize, group: &mut RowGroup<'_>) -> Result<Option<String>> {
        let Body::Version2(body) = &self.body else { return Ok(None) };
        let index = group.index();
        let nodes =
            self.with_parents(body, column, group, |stored, parents| body.describe(column, index, stored, parents))?;
        let parents = body.needed(column, index)?;
        let mut text = String::new();
        let mut depth = 0;
        for (place, node) in nodes.iter().enumerate() {
            if node.depth > depth {
                text.push('(');
            } else {
                text.extend((node.depth..depth).map(|_| ')'));
                text.push_str(if place > 0 { ", " } else { "" });
            }
            depth = node.depth;
            text.push_str(node.name);
            let names = node.parents.iter().filter_map(|&parent| parents.get(usize::from(parent)).copied().flatten());
            let names: Vec<&str> = names.map(|parent| self.name(parent)).collect();
            if !names.is_empty() {
                text.push_str(" by ");
                text.push_str(&names.join(", "));
            }
        }
        text.extend((0..depth).map(|_| ')'));
        Ok(Some(text))
    }

    /// The distinct values of a chunk where they are stored as such (and a null where there is one), as far as that
    /// costs less than decoding it.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn distinct_values(&self, column: usize, row_group: usize, stored: &[u8]) -> Result<Option<Column>> {
        let Body::Version2(body) = &self.body else { return Ok(None) };
        let found = body.distinct_values(column, row_group, stored);
        found.map_err(|error| error.in_column(self.name(column)).in_section("data"))
    }

    /// Which of [`Self::distinct_values`] each row of a chunk holds, as positions; beyond them all where it is null.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn distinct_codes(&self, column: usize, row_group: usize, stored: &[u8]) -> Result<Option<Vec<u32>>> {
        let Body::Version2(body) = &self.body else { return Ok(None) };
        let found = body.distinct_codes(column, row_group, stored);
        found.map_err(|error| error.in_column(self.name(column)).in_section("data"))
    }

    /// A column of the declared type without rows.
    ///
    /// # Errors
    /// `unknown-column`.
    pub fn empty_column(&self, column: usize) -> Result<Column> {
        let data_type: DataType = self.field(column)?.data_type;
        let values = match &self.body {
            Body::Legacy(_) => Values::empty(data_type),
            Body::Version2(body) => body.empty_values(column).unwrap_or_else(|| Values::empty(data_type)),
        };
        Column::new(values, None)
    }

    /// Precision, scale and zone of a column, where the file states them apart from the values.
    #[must_use]
    pub fn column_type(&self, column: usize) -> Option<crate::encoding::chunk::ColumnType> {
        match &self.body {
            Body::Legacy(_) => None,
            Body::Version2(body) => body.column_type(column),
        }
    }
}

#[cfg(feature = "writer")]
impl File {
    /// Everything that the end of a file of version 2 says, for whoever writes another end.
    ///
    /// # Errors
    /// `unsupported-feature` for other dialects; `corrupt` unless [`Self::verifier`] has loaded sound digests.
    pub(crate) fn continued(&self) -> Result<(format::version2::Footer, Vec<version2::ColumnChunks>)> {
        match &self.body {
            Body::Version2(body) => body.continued(self),
            Body::Legacy(_) => {
                let dialect = self.dialect.as_str();
                Err(Error::unsupported(format!("changing a file of {dialect} in place; convert it to ncf-2 first")))
            }
        }
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
