//! The dialects of version 1: metadata in front, one chunk per column.

use std::ops::Range;
use std::sync::Arc;

use super::directory::Directory;
use super::{Body, Decoded, File, Limits, OpenOptions, Record, RowGroup, Section, Verifier, stored_of};
use crate::bytes::{Segments, Step, to_u64};
use crate::column::Column;
use crate::compression::Compression;
use crate::encoding::parent::Parent;
use crate::error::{Error, Result};
use crate::format::{
    self, DIGEST_SIZE, Dialect, LEGACY_VERSION, payload, python10, python11, rust20, schema_map, version2,
};
use crate::schema::Schema;
use crate::statistics::ColumnStatistics;
use crate::warning::{Warning, WarningCode};

/// What the legacy dialects have in common.
#[derive(Debug)]
struct Legacy {
    directory: Directory,
    verifier: Verifier,
    digest: [u8; DIGEST_SIZE],
    /// As stored, one entry per column of the schema.
    statistics: Vec<Option<ColumnStatistics>>,
}

fn body(
    directory: Directory,
    verifier: Verifier,
    digest: [u8; DIGEST_SIZE],
    statistics: Vec<Option<ColumnStatistics>>,
) -> Box<dyn Body> {
    Box::new(Legacy { directory, verifier, digest, statistics })
}

/// A legacy file has one row group.
fn one_group(rows: u64) -> Vec<Range<u64>> {
    std::iter::once(0..rows).collect()
}

/// Opens a file of version 1.
pub fn open(segments: &Segments, options: &OpenOptions) -> Step<File> {
    let file = match format::sniff(segments)? {
        Dialect::Python10 => open_python10(segments, options.limits),
        Dialect::Python11 => open_python11(segments, options),
        Dialect::Rust20 => open_rust20(segments, options.limits),
        Dialect::Version2 => Err(Error::unsupported_version(version2::VERSION, LEGACY_VERSION).at(4).into()),
    }?;
    match options.integrity {
        Some(expected) if expected != file.digest() => Err(Error::checksum(&expected, &file.digest()).into()),
        _ => Ok(file),
    }
}

impl Body for Legacy {
    fn digest(&self) -> [u8; DIGEST_SIZE] {
        self.digest
    }

    fn statistics(&self, _schema: &Schema) -> Result<Vec<Option<ColumnStatistics>>> {
        Ok(self.statistics.clone())
    }

    fn verifier(&mut self, _schema: &Schema, _segments: &Segments) -> Step<Verifier> {
        Ok(self.verifier.clone())
    }

    fn locate(&mut self, columns: &[usize], schema: &Schema, segments: &Segments) -> Step<()> {
        self.directory.locate(columns, schema, segments)
    }

    fn records(&self, _schema: &Schema) -> Vec<Record> {
        self.directory.records().to_vec()
    }

    fn chunk(&self, column: usize, _row_group: usize, is_lost: bool) -> Result<Option<Range<u64>>> {
        let Some(record) = self.directory.find(column) else {
            if is_lost {
                return Err(Error::corrupt("the writer destroyed this column's data"));
            }
            if !self.directory.is_complete() {
                return Err(Error::invalid("column", "was not located"));
            }
            return Ok(None);
        };
        compression(record)?;
        Ok(Some(record.range.clone()))
    }

    fn decode(&self, file: &File, column: usize, group: &mut RowGroup<'_>, _is_whole: bool) -> Decoded {
        let parent = |column| Arc::new(Parent::new(Arc::new(column), None));
        let field = file.field(column)?;
        let Some(range) = file.chunk(column, group.index())? else {
            let message = "the schema lists the column, the data do not hold it".to_owned();
            let warning = Warning { code: WarningCode::MissingColumn, column: Some(field.name.clone()), message };
            return Ok((parent(file.empty_column(column)?), vec![warning]));
        };
        let decoded = stored_of(group, column, &range).and_then(|stored| self.decode_payload(file, column, stored));
        let located = decoded.map_err(|error| error.in_column(&field.name).in_section("data").at(range.start));
        located.map(|(column, warnings)| (parent(column), warnings))
    }
}

impl Legacy {
    fn decode_payload(&self, file: &File, column: usize, stored: &[u8]) -> Result<(Column, Vec<Warning>)> {
        let field = file.field(column)?;
        let record = self.directory.find(column).ok_or_else(|| Error::invalid("column", "was not located"))?;
        let limit = file.limits.column_bytes;
        let plain = compression(record)?.decompress(stored, None, limit)?;
        let empty = match file.dialect {
            Dialect::Rust20 => payload::EmptyText::Empty,
            _ => payload::EmptyText::Null,
        };
        let (mut decoded, mut warnings) = payload::decode(&plain, field.data_type, empty, limit)?;
        if python10::is_utc(field) {
            decoded = decoded.into_utc();
        }
        for warning in &mut warnings {
            warning.column.get_or_insert_with(|| field.name.clone());
        }
        warnings.extend(check_length(file, column, &decoded)?);
        Ok((decoded, warnings))
    }
}

fn compression(record: &Record) -> Result<Compression> {
    Compression::from_id(record.codec.unwrap_or_default()).map_err(|error| error.at(record.range.start))
}

fn check_length(file: &File, column: usize, decoded: &Column) -> Result<Option<Warning>> {
    let rows = to_u64(decoded.len());
    if rows == file.num_rows() {
        return Ok(None);
    }
    let message = format!("{rows} rows where the header states {}", file.num_rows());
    if file.dialect == Dialect::Rust20 && column == 0 {
        // The header states the length of this very column, and no checksum covers it.
        return Err(Error::corrupt(message));
    }
    let column = Some(file.name(column).to_owned());
    Ok(Some(Warning { code: WarningCode::LengthDiffers, column, message }))
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
        row_groups: one_group(header.num_rows),
        created: Some(header.created),
        modified: Some(header.modified),
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
        body: body(
            Directory::python10(header.data.clone(), &schema),
            Verifier::whole(0..header.data.end, None, digest),
            digest,
            statistics,
        ),
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
            row_group: 0,
            codec: Some(header.codec),
            group: None,
            parents: Vec::new(),
        }
    });
    let directory = Directory::complete(records.collect());
    let names: Vec<&str> = schema.columns.iter().take(lost).map(|field| field.name.as_str()).collect();
    let message = format!("{lost} of {} columns are lost: {}", schema.columns.len(), names.join(", "));
    Ok(File {
        dialect: Dialect::Python11,
        row_groups: one_group(header.num_rows),
        created: Some(header.created),
        modified: Some(header.modified),
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
        body: body(directory, Verifier::whole(0..header.footer, None, digest), digest, statistics),
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
        row_groups: one_group(header.num_rows),
        created: None,
        modified: None,
        sections,
        warnings: Vec::new(),
        lost: 0,
        limits,
        body: body(
            Directory::rust20(header.data.clone()),
            Verifier::whole(header.base..header.data.end, Some(zeroed), digest),
            digest,
            statistics,
        ),
        schema,
    })
}
