//! Writing: columns in, the bytes of a file out.
//!
//! A [`Writer`] takes one column after the other, checks that the dialect can hold it, encodes it and lets go of the
//! values. Nothing is put out before [`Writer::finish`], so a refused column leaves no half file behind.

mod legacy;

use std::collections::HashSet;

use crate::bytes::to_u64;
use crate::column::{Column, MAX_PRECISION, Values};
use crate::compression::{Compression, zstd};
use crate::error::{Error, Result};
use crate::format::{Dialect, payload};
use crate::schema::{Field, Schema};
use crate::statistics::{self, ColumnStatistics};

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Which writer's bytes to produce.
    pub dialect: Dialect,
    /// Codec of the columns.
    pub compression: Compression,
    /// Level of the codec.
    pub level: i32,
    /// Unix seconds, for the dialects that store them. An argument, never the clock: same input, same bytes.
    pub created: u64,
    /// Unix seconds.
    pub modified: u64,
    /// Write what the dialect cannot tell apart, losing the difference: in Python 1.0 null and empty text, null and
    /// NaN. Otherwise that is an error.
    pub lossy: bool,
}

impl WriteOptions {
    /// Defaults: zstd at level 3, time 0, nothing lost.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        WriteOptions {
            dialect,
            compression: Compression::Zstd,
            level: zstd::DEFAULT_LEVEL,
            created: 0,
            modified: 0,
            lossy: false,
        }
    }
}

/// An encoded column.
#[derive(Debug)]
struct Encoded {
    statistics: ColumnStatistics,
    stored: Vec<u8>,
}

/// Writes one table.
#[derive(Debug)]
pub struct Writer {
    schema: Schema,
    options: WriteOptions,
    columns: Vec<Encoded>,
    num_rows: Option<u64>,
    names: HashSet<String>,
}

impl Writer {
    /// A writer for the table that `schema` describes; its columns, row count and codec are set by the writer.
    ///
    /// # Errors
    /// `invalid-argument` for a level out of range or what the dialect has no word for.
    pub fn new(mut schema: Schema, options: WriteOptions) -> Result<Self> {
        zstd::check_level(options.level)?;
        legacy::check_options(&options)?;
        schema.columns.clear();
        schema.default_compression = options.compression.as_str().to_owned();
        Ok(Writer { schema, options, columns: Vec::new(), num_rows: None, names: HashSet::new() })
    }

    /// Adds a column.
    ///
    /// # Errors
    /// `type-mismatch` where the values are not of the field's type or the dialect cannot hold them,
    /// `invalid-argument` for a bad or second name or another number of rows than the first column has.
    pub fn add(&mut self, mut field: Field, column: &Column) -> Result<()> {
        self.check(&field, column).map_err(|error| error.in_column(&field.name))?;
        let plain = payload::encode(&legacy::prepare(column)).map_err(|error| error.in_column(&field.name))?;
        let stored = match self.options.compression {
            Compression::None => plain,
            Compression::Zstd => zstd::compress(&plain, self.options.level)?,
        };
        let statistics = legacy::stated(statistics::measure(column), column, &self.options);
        self.columns.push(Encoded { statistics, stored });
        self.num_rows = Some(to_u64(column.len()));
        legacy::complete(&mut field, column, &self.options);
        self.names.insert(field.name.clone());
        self.schema.columns.push(field);
        Ok(())
    }

    fn check(&self, field: &Field, column: &Column) -> Result<()> {
        if self.names.contains(&field.name) {
            return Err(Error::invalid("name", "another column has the same name"));
        }
        if column.values().data_type() != field.data_type {
            return Err(Error::type_mismatch(
                field.data_type.as_str(),
                format!("values of type {}", column.values().data_type().as_str()),
            ));
        }
        if let Some(rows) = self.num_rows.filter(|&rows| rows != to_u64(column.len())) {
            return Err(Error::invalid("columns", format!("{} rows, the first column has {rows}", column.len())));
        }
        check_values(column)?;
        legacy::check_column(field, column, &self.options)
    }

    /// The file.
    ///
    /// # Errors
    /// `limit-exceeded` where the dialect's offsets do not reach, `invalid-argument` for a table without columns.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.schema.row_count = self.num_rows.unwrap_or(0);
        match self.options.dialect {
            Dialect::Python10 => legacy::python10(&self.schema, &self.columns, &self.options),
            Dialect::Rust20 => legacy::rust20(&self.schema, &self.columns),
            Dialect::Python11 => Err(legacy::python11_is_not_written()),
        }
    }
}

/// Checks what a column's type promises of its values.
fn check_values(column: &Column) -> Result<()> {
    match column.values() {
        Values::String(text) => {
            let bad = |error: Error| Error::type_mismatch("UTF-8", error.kind().to_string());
            text.check_utf8().map_err(bad)
        }
        Values::Decimal { precision, scale, values } => {
            let allowed = (1..=MAX_PRECISION).contains(precision) && scale <= precision;
            let limit = 10i128.checked_pow(u32::from(*precision)).unwrap_or(i128::MAX);
            let long = || values.iter().position(|value| *value <= -limit || *value >= limit);
            match (allowed, long()) {
                (true, None) => Ok(()),
                (false, _) => Err(Error::type_mismatch(
                    format!("a precision of 1 to {MAX_PRECISION} digits and a scale within it"),
                    format!("precision {precision}, scale {scale}"),
                )),
                (true, Some(row)) => {
                    Err(Error::type_mismatch(format!("at most {precision} digits"), format!("more in row {row}")))
                }
            }
        }
        _ => Ok(()),
    }
}

/// Writes a whole table: [`Writer`] in one call.
///
/// # Errors
/// Those of [`Writer`].
pub fn write_all(schema: &Schema, columns: &[Column], options: WriteOptions) -> Result<Vec<u8>> {
    if schema.columns.len() != columns.len() {
        let why = format!("{} columns for a schema of {}", columns.len(), schema.columns.len());
        return Err(Error::invalid("columns", why));
    }
    let mut writer = Writer::new(schema.clone(), options)?;
    for (field, column) in schema.columns.iter().zip(columns) {
        writer.add(field.clone(), column)?;
    }
    writer.finish()
}
