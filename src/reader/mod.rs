//! Reading, without I/O: a [`File`] says which byte ranges it needs, and turns supplied ones into columns.
//!
//! ```text
//! File::open     header, schema, statistics, footer  (a few small ranges)
//! File::locate   where the wanted columns lie        (legacy files: one hop per column in front of them)
//! File::chunks   which ranges hold their rows        (pure data: the host coalesces and fetches them)
//! File::decode   the chunk's bytes -> Column
//! ```
//! A step that needs bytes answers [`Interrupt::Need`]; supply them to the [`Segments`] and call it again.

mod directory;
mod verify;

use std::ops::Range;

pub use directory::Record;
pub use verify::{Verdict, Verifier};

use crate::bytes::{Interrupt, Segments, Step, to_u64};
use crate::column::{Column, Values};
use crate::compression::Compression;
use crate::error::{Error, Result};
use crate::format::{self, Dialect, payload, python10, python11, rust20, schema_map};
use crate::schema::Schema;
use crate::statistics::ColumnStatistics;
use crate::warning::{Warning, WarningCode};
use directory::Directory;

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
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Limits.
    pub limits: Limits,
    /// Return what is left of Python 1.1 files instead of refusing them.
    pub salvage: bool,
}

/// A named byte range of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Name: header, schema, statistics, data, footer, ...
    pub name: &'static str,
    /// Absolute byte range.
    pub range: Range<u64>,
}

/// Bytes to fetch for [`File::decode`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Absolute byte range.
    pub range: Range<u64>,
    /// How the bytes are compressed.
    pub compression: Compression,
}

/// An open file: metadata, and where its columns are.
#[derive(Debug)]
pub struct File {
    dialect: Dialect,
    schema: Schema,
    num_rows: u64,
    created: Option<u64>,
    modified: Option<u64>,
    statistics: Vec<Option<ColumnStatistics>>,
    sections: Vec<Section>,
    warnings: Vec<Warning>,
    /// So many of the first columns are lost.
    lost: usize,
    limits: Limits,
    directory: Directory,
    verifier: Verifier,
}

impl File {
    /// Reads the metadata.
    ///
    /// # Errors
    /// `not-ncf`, `unsupported-version`, `unsupported-feature` (Python 1.1 without `salvage`), `truncated`,
    /// `corrupt`, `limit-exceeded`.
    pub fn open(segments: &Segments, options: &OpenOptions) -> Step<File> {
        match format::sniff(segments)? {
            Dialect::Python10 => open_python10(segments, options.limits),
            Dialect::Python11 => open_python11(segments, options),
            Dialect::Rust20 => open_rust20(segments, options.limits),
        }
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

    /// Rows as the header states them; columns of damaged or odd legacy files can have other lengths.
    #[must_use]
    pub fn num_rows(&self) -> u64 {
        self.num_rows
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

    /// Statistics as stored, one entry per column of the schema.
    #[must_use]
    pub fn statistics(&self) -> &[Option<ColumnStatistics>] {
        &self.statistics
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

    /// Checks the file's checksum, by the rule of its dialect, from bytes given in order.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Finds where the columns (positions in the schema) lie, hopping over those in front of them. A position behind
    /// the last makes it go to the end of the data, and see that nothing is left over.
    ///
    /// # Errors
    /// `corrupt` or `truncated` where a column's header is no good.
    pub fn locate(&mut self, columns: &[usize], segments: &Segments) -> Step<()> {
        self.directory.locate(columns, &self.schema, segments)
    }

    /// Where every column lies, in file order, as far as [`Self::locate`] got.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        self.directory.records()
    }

    /// The byte ranges that hold a located column.
    ///
    /// Legacy files have one chunk per column, whatever the rows. No chunks: the schema has the column, the data do not.
    ///
    /// # Errors
    /// `corrupt` for a column that a salvaged file has lost, `unsupported-feature` for its codec, `invalid-argument`
    /// for one that was not located.
    pub fn chunks(&self, column: usize) -> Result<Vec<Chunk>> {
        let Some(record) = self.directory.find(column) else {
            if self.is_lost(column) {
                return Err(Error::corrupt("the writer destroyed this column's data").in_column(self.name(column)));
            }
            if !self.directory.is_complete() {
                return Err(Error::invalid("column", "was not located").in_column(self.name(column)));
            }
            return Ok(Vec::new());
        };
        let compression =
            Compression::from_id(record.codec).map_err(|error| error.in_column(&record.name).at(record.range.start))?;
        Ok(vec![Chunk { range: record.range.clone(), compression }])
    }

    fn name(&self, column: usize) -> &str {
        self.schema.columns.get(column).map_or("", |field| &field.name)
    }

    /// Turns the bytes of a column's chunks into a column.
    ///
    /// The type of the values is the declared one, unless a pickled column holds something else; then it is that of
    /// the content, with a `type-differs` warning.
    ///
    /// # Errors
    /// `corrupt`, `limit-exceeded`, `unsupported-feature` for pickles beyond the known subset.
    pub fn decode(&self, column: usize, stored: &[&[u8]]) -> Result<(Column, Vec<Warning>)> {
        let chunks = self.chunks(column)?;
        let field = self.schema.columns.get(column).ok_or_else(|| Error::unknown_column(format!("#{column}")))?;
        let (Some(chunk), Some(bytes)) = (chunks.first(), stored.first()) else {
            let message = "the schema lists the column, the data do not hold it".to_owned();
            let warning = Warning { code: WarningCode::MissingColumn, column: Some(field.name.clone()), message };
            return Ok((Column::new(Values::empty(field.data_type), None)?, vec![warning]));
        };
        let context = |error: Error| error.in_column(&field.name).in_section("data").at(chunk.range.start);
        let expected = chunk.range.end - chunk.range.start;
        if to_u64(bytes.len()) != expected {
            return Err(context(Error::truncated(expected, to_u64(bytes.len()))));
        }
        let plain = chunk.compression.decompress(bytes, None, self.limits.column_bytes).map_err(context)?;
        let empty = match self.dialect {
            Dialect::Rust20 => payload::EmptyText::Empty,
            Dialect::Python10 | Dialect::Python11 => payload::EmptyText::Null,
        };
        let (mut decoded, mut warnings) =
            payload::decode(&plain, field.data_type, empty, self.limits.column_bytes).map_err(context)?;
        if python10::is_utc(field) {
            decoded = decoded.into_utc();
        }
        for warning in &mut warnings {
            warning.column.get_or_insert_with(|| field.name.clone());
        }
        self.check_length(column, &decoded, &mut warnings).map_err(context)?;
        Ok((decoded, warnings))
    }

    fn check_length(&self, column: usize, decoded: &Column, warnings: &mut Vec<Warning>) -> Result<()> {
        let rows = to_u64(decoded.len());
        if rows == self.num_rows {
            return Ok(());
        }
        let message = format!("{rows} rows where the header states {}", self.num_rows);
        if self.dialect == Dialect::Rust20 && column == 0 {
            // The header states the length of this very column, and no checksum covers it.
            return Err(Error::corrupt(message));
        }
        let column = Some(self.name(column).to_owned());
        warnings.push(Warning { code: WarningCode::LengthDiffers, column, message });
        Ok(())
    }
}

/// Schema and statistics, which both Python dialects store alike.
fn python_metadata(
    segments: &Segments,
    schema: &Range<u64>,
    statistics: &Range<u64>,
    limits: Limits,
) -> Step<(Schema, Vec<Option<ColumnStatistics>>)> {
    let bytes = python10::section(segments, schema.clone(), limits.metadata_bytes)?;
    let schema = schema_map::parse(bytes, limits.columns).map_err(|error| error.in_section("schema"))?;
    let bytes = python10::section(segments, statistics.clone(), limits.metadata_bytes)?;
    let statistics = python10::parse_statistics(bytes, &schema).map_err(|error| error.in_section("statistics"))?;
    Ok((schema, statistics))
}

fn open_python10(segments: &Segments, limits: Limits) -> Step<File> {
    let header = python10::parse_header(segments)?;
    let (schema, statistics) = python_metadata(segments, &header.schema, &header.statistics, limits)?;
    let digest = python10::parse_footer(segments, header.data.end, limits.metadata_bytes)?;
    let footer = header.data.end..segments.size();
    Ok(File {
        dialect: Dialect::Python10,
        num_rows: header.num_rows,
        created: Some(header.created),
        modified: Some(header.modified),
        statistics,
        sections: vec![
            Section { name: "header", range: 0..header.schema.start },
            Section { name: "schema", range: header.schema },
            Section { name: "statistics", range: header.statistics },
            Section { name: "data", range: header.data.clone() },
            Section { name: "footer", range: footer },
        ],
        warnings: Vec::new(),
        lost: 0,
        limits,
        directory: Directory::python10(header.data.clone(), &schema),
        verifier: Verifier::new(0..header.data.end, None, digest),
        schema,
    })
}

fn open_python11(segments: &Segments, options: &OpenOptions) -> Step<File> {
    if !options.salvage {
        return Err(Error::unsupported(
            "python-1.1 files: their writer overwrote the first columns with the footer, and no reader opens them; \
             the option `salvage` returns the columns that are intact",
        )
        .into());
    }
    let limits = options.limits;
    let header = python11::parse_header(segments)?;
    let (schema, statistics) = python_metadata(segments, &header.schema, &header.statistics, limits)?;
    let (digest, footer_end) = python11::parse_footer(segments, header.footer, limits.metadata_bytes)?;
    let tail_size = segments.size() - footer_end;
    if tail_size > limits.column_bytes {
        return Err(Error::limit("bytes to salvage", tail_size, limits.column_bytes).into());
    }
    let tail = segments.get(footer_end..segments.size())?;
    let ranges = python11::salvage(tail, footer_end, &header, &schema, limits.column_bytes)?;
    let lost = schema.columns.len() - ranges.len();
    let records = ranges.into_iter().enumerate().map(|(index, range)| {
        let column = lost + index;
        let name = schema.columns.get(column).map_or_else(String::new, |field| field.name.clone());
        Record {
            column: Some(column),
            name,
            header: range.start - to_u64(python11::RECORD_HEADER),
            range,
            codec: header.codec,
            group: None,
        }
    });
    let directory = Directory::complete(records.collect());
    let names: Vec<&str> = schema.columns.iter().take(lost).map(|field| field.name.as_str()).collect();
    let message = format!("{lost} of {} columns are lost: {}", schema.columns.len(), names.join(", "));
    Ok(File {
        dialect: Dialect::Python11,
        num_rows: header.num_rows,
        created: Some(header.created),
        modified: Some(header.modified),
        statistics,
        sections: vec![
            Section { name: "header", range: 0..header.schema.start },
            Section { name: "schema", range: header.schema },
            Section { name: "statistics", range: header.statistics },
            Section { name: "footer", range: header.footer..footer_end },
            Section { name: "data", range: footer_end..segments.size() },
        ],
        warnings: vec![Warning { code: WarningCode::Salvaged, column: None, message }],
        lost,
        limits,
        directory,
        verifier: Verifier::new(0..header.footer, None, digest),
        schema,
    })
}

fn open_rust20(segments: &Segments, limits: Limits) -> Step<File> {
    let header = rust20::parse_header(segments)?;
    let section = |range: &Range<u64>| -> Step<&[u8]> {
        format::msgpack::check_size(range.end - range.start, limits.metadata_bytes)?;
        segments.get(range.clone())
    };
    let schema = rust20::parse_schema(section(&header.schema)?, limits.columns)
        .map_err(|error| error.in_section("schema").at(header.schema.start))?;
    let statistics = rust20::parse_statistics(section(&header.statistics)?, &schema)
        .map_err(|error| error.in_section("statistics").at(header.statistics.start))?;
    let digest = rust20::parse_footer(segments, header.data.end)?;
    let footer = header.data.end..header.data.end + rust20::FOOTER_SIZE;
    let mut sections = vec![
        Section { name: "header", range: 0..header.schema.start },
        Section { name: "schema", range: header.schema },
        Section { name: "statistics", range: header.statistics },
        Section { name: "data", range: header.data.clone() },
        Section { name: "footer", range: footer.clone() },
    ];
    if footer.end < segments.size() {
        // What a first, longer write() left behind the second one.
        sections.push(Section { name: "stale", range: footer.end..segments.size() });
    }
    let zeroed = header.base + rust20::ZEROED_FROM..header.base + rust20::HEADER_SIZE;
    Ok(File {
        dialect: Dialect::Rust20,
        num_rows: header.num_rows,
        created: None,
        modified: None,
        statistics,
        sections,
        warnings: Vec::new(),
        lost: 0,
        limits,
        directory: Directory::rust20(header.data.clone()),
        verifier: Verifier::new(header.base..header.data.end, Some(zeroed), digest),
        schema,
    })
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
    let mut verifier = file.verifier();
    while let Some(range) = verifier.next_range() {
        verifier.push(segments.get(range).map_err(failed)?);
    }
    verifier.finish().check()?;
    let all: Vec<usize> = (0..file.schema.columns.len()).collect();
    file.locate(&[usize::MAX], &segments).map_err(failed)?;
    let (mut columns, mut warnings) = (Vec::new(), file.warnings.clone());
    for column in all {
        if file.is_lost(column) {
            columns.push(None);
            continue;
        }
        let ranges = file.chunks(column)?.into_iter().map(|chunk| chunk.range);
        let stored: Vec<_> = ranges.map(|range| segments.get(range).map_err(failed)).collect::<Result<_>>()?;
        let (decoded, found) = file.decode(column, &stored)?;
        columns.push(Some(decoded));
        warnings.extend(found);
    }
    Ok(Table { file, columns, warnings })
}
