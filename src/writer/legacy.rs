//! The two legacy dialects that are written: what they can hold, and how their files are put together.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::{WriteOptions, check_type, check_values};
use crate::bytes::to_u64;
use crate::column::{Column, Values};
use crate::compression::{Compression, zstd};
use crate::error::{Error, Result};
use crate::format::{Dialect, msgpack, payload, python10, rust20, schema_map};
use crate::schema::{Field, Schema};
use crate::statistics::{self, ColumnStatistics};

/// An encoded column.
#[derive(Debug)]
struct Encoded {
    statistics: ColumnStatistics,
    stored: Vec<u8>,
}

/// Writes one table of a legacy dialect, column after column.
#[derive(Debug)]
pub struct LegacyWriter {
    schema: Schema,
    options: WriteOptions,
    columns: Vec<Encoded>,
    num_rows: Option<u64>,
}

impl LegacyWriter {
    /// A writer for the table that `schema` describes; its columns, row count and codec are set by the writer.
    ///
    /// # Errors
    /// `invalid-argument` for a level out of range or what the dialect has no word for.
    pub fn new(mut schema: Schema, options: WriteOptions) -> Result<Self> {
        zstd::check_level(options.level)?;
        check_options(&options)?;
        if options.neural.is_some() {
            return Err(Error::invalid("compression", "\"neural\" is of version 2 only"));
        }
        schema.columns.clear();
        schema.default_compression = options.compression.as_str().to_owned();
        Ok(LegacyWriter { schema, options, columns: Vec::new(), num_rows: None })
    }

    /// Adds a column.
    ///
    /// # Errors
    /// `type-mismatch` where the values are not of the field's type or the dialect cannot hold them,
    /// `invalid-argument` for a bad or second name or another number of rows than the first column has.
    pub fn add(&mut self, mut field: Field, column: &Column) -> Result<()> {
        self.check(&field, column).map_err(|error| error.in_column(&field.name))?;
        let plain = payload::encode(&prepare(column)).map_err(|error| error.in_column(&field.name))?;
        let stored = match self.options.compression {
            Compression::None => plain,
            Compression::Zstd => zstd::compress(&plain, self.options.level)?,
        };
        let statistics = stated(statistics::measure(column), column, &self.options);
        self.columns.push(Encoded { statistics, stored });
        self.num_rows = Some(to_u64(column.len()));
        complete(&mut field, column, &self.options);
        self.schema.columns.push(field);
        Ok(())
    }

    fn check(&self, field: &Field, column: &Column) -> Result<()> {
        if self.schema.columns.iter().any(|other| other.name == field.name) {
            return Err(Error::invalid("name", "another column has the same name"));
        }
        check_type(field, column)?;
        if let Some(rows) = self.num_rows.filter(|&rows| rows != to_u64(column.len())) {
            return Err(Error::invalid("columns", format!("{} rows, the first column has {rows}", column.len())));
        }
        check_values(column)?;
        check_column(field, column, &self.options)
    }

    /// The file.
    ///
    /// # Errors
    /// `limit-exceeded` where the dialect's offsets do not reach, `invalid-argument` for a table without columns.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.schema.row_count = self.num_rows.unwrap_or(0);
        match self.options.dialect {
            Dialect::Version2 => Err(not_legacy()),
            Dialect::Python10 => python10(&self.schema, &self.columns, &self.options),
            Dialect::Rust20 => rust20(&self.schema, &self.columns),
            Dialect::Python11 => Err(python11_is_not_written()),
        }
    }
}

fn not_legacy() -> Error {
    Error::invalid("dialect", "version 2 is written by StreamWriter")
}

/// Why Python 1.1 files are not written.
fn python11_is_not_written() -> Error {
    Error::invalid("dialect", "python-1.1 files cannot be read by anything; write ncf-2, python-1.0 or rust-2.0")
}

/// Checks what is known before the first column.
fn check_options(options: &WriteOptions) -> Result<()> {
    match options.dialect {
        Dialect::Version2 => Err(not_legacy()),
        Dialect::Python11 => Err(python11_is_not_written()),
        Dialect::Rust20 if options.compression != Compression::Zstd => {
            Err(Error::invalid("compression", "rust-2.0 files are always compressed with zstd"))
        }
        _ => Ok(()),
    }
}

/// Checks that the dialect can hold the column.
fn check_column(field: &Field, column: &Column, options: &WriteOptions) -> Result<()> {
    match options.dialect {
        Dialect::Rust20 => check_rust20(column),
        _ => check_python10(field, column, options.lossy),
    }
}

fn check_rust20(column: &Column) -> Result<()> {
    let name = column.values().data_type().as_str();
    if !matches!(column.values(), Values::Int64(_) | Values::Float64(_) | Values::String(_)) {
        return Err(Error::type_mismatch("int64, float64 or string (all that rust-2.0 readers know)", name));
    }
    refuse_nulls(column, "rust-2.0 has no nulls")
}

fn refuse_nulls(column: &Column, why: &str) -> Result<()> {
    match (0..column.len()).find(|&row| !column.is_valid(row)) {
        None => Ok(()),
        Some(row) => {
            Err(Error::type_mismatch(format!("no nulls in {} ({why})", column.values().data_type().as_str()), "null")
                .in_row(row))
        }
    }
}

fn check_python10(field: &Field, column: &Column, lossy: bool) -> Result<()> {
    if field.name.contains('\0') {
        return Err(Error::invalid("name", "python-1.0 column names end at the first U+0000"));
    }
    if to_u64(field.name.len()) > python10::MAX_NAME_SIZE {
        return Err(Error::invalid("name", format!("is longer than {} bytes", python10::MAX_NAME_SIZE)));
    }
    group_id(field)?;
    match column.values() {
        Values::String(values) if !lossy => {
            let empty = (0..values.len()).find(|&row| column.is_valid(row) && values.get(row).is_empty());
            empty.map_or(Ok(()), |row| {
                Err(Error::type_mismatch(
                    "no empty text (python-1.0 reads it back as null; the option `lossy` accepts that)",
                    "\"\"",
                )
                .in_row(row))
            })
        }
        Values::Float32(_) | Values::Float64(_) if lossy => Ok(()),
        Values::Float32(_) | Values::Float64(_) => {
            refuse_nulls(column, "python-1.0 reads them back as NaN; the option `lossy` accepts that")
        }
        Values::String(_)
        | Values::Boolean(_)
        | Values::Date(_)
        | Values::Timestamp { .. }
        | Values::Decimal { .. }
        | Values::Binary(_) => Ok(()),
        _ => refuse_nulls(column, "python-1.0 has no nulls in integers"),
    }
}

fn group_id(field: &Field) -> Result<u32> {
    let group = field.column_group.unwrap_or(0);
    u32::try_from(group)
        .map_err(|_| Error::invalid("columnGroup", format!("{group} is not between 0 and {}", u32::MAX)))
}

/// Adds to the field what the dialect has no other place for.
fn complete(field: &mut Field, column: &Column, options: &WriteOptions) {
    if options.dialect == Dialect::Python10 {
        python10::set_utc(field, matches!(column.values(), Values::Timestamp { utc: true, .. }));
    }
}

/// The column as it is stored: null floats as NaN.
fn prepare(column: &Column) -> Cow<'_, Column> {
    let values = match column.values() {
        Values::Float32(values) if column.num_nulls() > 0 => {
            let or_nan = |(row, &value)| if column.is_valid(row) { value } else { f32::NAN };
            Values::Float32(values.iter().enumerate().map(or_nan).collect())
        }
        Values::Float64(values) if column.num_nulls() > 0 => {
            let or_nan = |(row, &value)| if column.is_valid(row) { value } else { f64::NAN };
            Values::Float64(values.iter().enumerate().map(or_nan).collect())
        }
        _ => return Cow::Borrowed(column),
    };
    // Without validity nothing can differ in length.
    Column::new(values, None).map_or(Cow::Borrowed(column), Cow::Owned)
}

/// A Python 1.0 file.
fn python10(schema: &Schema, columns: &[Encoded], options: &WriteOptions) -> Result<Vec<u8>> {
    if columns.is_empty() {
        return Err(Error::invalid("columns", "a python-1.0 file needs at least one column"));
    }
    let names = schema.columns.iter().map(|field| field.name.as_str());
    let stated = columns.iter().map(|column| &column.statistics);
    let statistics = python10::serialize_statistics(&names.zip(stated).collect::<Vec<_>>());
    schema_map::check(schema)?;
    let schema_bytes = schema_map::serialize(schema);
    let data = python10_groups(schema, columns, options.compression)?;

    let schema_start = python10::HEADER_END;
    let statistics_start = schema_start + 4 + to_u64(schema_bytes.len());
    let data_start = statistics_start + 4 + to_u64(statistics.len());
    let header = python10::Header {
        schema: schema_start..statistics_start,
        statistics: statistics_start..data_start,
        data: data_start..data_start + to_u64(data.len()),
        num_rows: schema.row_count,
        created: options.created,
        modified: options.modified,
        codec: options.compression.id(),
    };
    let mut bytes = python10::serialize_header(&header)?;
    bytes.extend(msgpack::length_prefix(&schema_bytes)?);
    bytes.extend(schema_bytes);
    bytes.extend(msgpack::length_prefix(&statistics)?);
    bytes.extend(statistics);
    bytes.extend(data);
    let digest = Sha256::digest(&bytes).into();
    bytes.extend(python10::serialize_footer(&header, &digest));
    Ok(bytes)
}

/// Groups in the order of their first column; a column without group is in group 0.
fn python10_groups(schema: &Schema, columns: &[Encoded], compression: Compression) -> Result<Vec<u8>> {
    let mut groups: Vec<(u32, Vec<(&Field, &Encoded)>)> = Vec::new();
    for (field, column) in schema.columns.iter().zip(columns) {
        let id = group_id(field)?;
        match groups.iter_mut().find(|(other, _)| *other == id) {
            Some((_, members)) => members.push((field, column)),
            None => groups.push((id, vec![(field, column)])),
        }
    }
    let mut bytes = Vec::new();
    for (id, members) in groups {
        bytes.extend(id.to_le_bytes());
        let count = u32::try_from(members.len())
            .map_err(|_| Error::limit("columns", to_u64(members.len()), u64::from(u32::MAX)))?;
        bytes.extend(count.to_le_bytes());
        for (field, column) in members {
            bytes.extend(field.name.as_bytes());
            bytes.push(0);
            bytes.extend(to_u64(column.stored.len()).to_le_bytes());
            bytes.push(compression.id());
            bytes.extend(&column.stored);
        }
    }
    Ok(bytes)
}

/// Statistics as the original writers count: NaN is null, and in Rust 2.0 empty text is.
fn stated(measured: ColumnStatistics, column: &Column, options: &WriteOptions) -> ColumnStatistics {
    let empty = match column.values() {
        Values::String(text) if options.dialect == Dialect::Rust20 => {
            text.iter().filter(|value| value.is_empty()).count()
        }
        _ => 0,
    };
    let null_count = measured.null_count + measured.nan_count.unwrap_or(0) + to_u64(empty);
    ColumnStatistics { null_count, ..measured }
}

/// A Rust 2.0 file.
///
/// The digest is that of the finished file. The original hashes its own before it patches the header, which makes
/// its `validate_checksum()` fail on every file; on ours it succeeds.
fn rust20(schema: &Schema, columns: &[Encoded]) -> Result<Vec<u8>> {
    let schema_bytes = rust20::serialize_schema(schema)?;
    let statistics = rust20::serialize_statistics(columns.iter().map(|column| &column.statistics))?;
    let mut data = Vec::new();
    for (field, column) in schema.columns.iter().zip(columns) {
        let prefix = u32::try_from(column.stored.len()).map_err(|_| {
            Error::limit("bytes of a rust-2.0 column", to_u64(column.stored.len()), u64::from(u32::MAX))
                .in_column(&field.name)
        })?;
        data.extend(prefix.to_le_bytes());
        data.extend(&column.stored);
    }
    let statistics_start = rust20::HEADER_SIZE + to_u64(schema_bytes.len());
    let data_start = statistics_start + to_u64(statistics.len());
    let header = rust20::Header {
        base: 0,
        schema: rust20::HEADER_SIZE..statistics_start,
        statistics: statistics_start..data_start,
        data: data_start..data_start + to_u64(data.len()),
        num_rows: schema.row_count,
    };
    let mut bytes = rust20::serialize_header(&header);
    bytes.extend(schema_bytes);
    bytes.extend(statistics);
    bytes.extend(data);
    let digest = Sha256::digest(&bytes).into();
    bytes.extend(rust20::serialize_footer(&digest));
    Ok(bytes)
}
