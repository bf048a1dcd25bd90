//! Writing: columns in, the bytes of a file out.
//!
//! [`StreamWriter`] writes version 2: rows in batches of any size, bytes out as soon as a row group is full, nothing
//! patched afterwards. [`LegacyWriter`] takes one whole column after the other and puts nothing out before its end,
//! since the legacy dialects have their metadata in front. Both check a column before they take it.

mod cross_column;
mod evolve;
mod legacy;
mod row_group;
mod shared;
mod version2;

pub use evolve::{Edit, EncodedChunks, Evolution, evolve};
pub use legacy::LegacyWriter;
pub use shared::SHARED_FROM;
pub use version2::{Finished, StreamWriter, Written};

use crate::column::{Column, MAX_PRECISION, Values};
use crate::compression::{Compression, zstd};
use crate::encoding::chunk::ColumnType;
use crate::error::{Error, Result};
use crate::format::Dialect;
use crate::schema::{Field, Schema};

/// Which measured values a version 2 file states. Smallest and largest values are values of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// Of all columns.
    All,
    /// Not of columns that are marked as personal data by `contains_pii` or their semantic type.
    WithoutPii,
    /// Of none.
    None,
}

/// Rows of a row group, unless the caller says otherwise.
pub const DEFAULT_ROW_GROUP_ROWS: u32 = 128 * 1024;

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
    /// Rows of a row group in version 2.
    pub row_group_rows: u32,
    /// Which bounds to state in version 2.
    pub bounds: Bounds,
    /// Predict columns from each other in version 2, where that makes them smaller: reading such a column takes those
    /// that it is predicted from, too. The hint `compression_model` of a column overrides it: "independent" for none,
    /// "cross" or "cross:NAME,NAME" to try it on a column (from these others only) that is small or gains little.
    pub cross_column: bool,
    /// Try neural chunks, too, in version 2, at a level of [`crate::encoding::neural::LEVELS`], and keep what is smaller
    /// for each column: for archives, as both directions take much longer. The hint `compression_model` "neural" asks
    /// for that for one column, "none" never gets it, and "independent" gets it without parents.
    pub neural: Option<u8>,
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
            row_group_rows: DEFAULT_ROW_GROUP_ROWS,
            bounds: Bounds::WithoutPii,
            cross_column: true,
            neural: None,
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
                    Err(Error::type_mismatch(format!("at most {precision} digits"), "more").in_row(row))
                }
            }
        }
        _ => Ok(()),
    }
}

fn check_type(field: &Field, column: &Column) -> Result<()> {
    let found = column.values().data_type();
    if found == field.data_type {
        return Ok(());
    }
    Err(Error::type_mismatch(field.data_type.as_str(), format!("values of type {}", found.as_str())))
}

/// Writes a whole table in one call.
///
/// # Errors
/// Those of [`StreamWriter`] and [`LegacyWriter`].
pub fn write_all(schema: &Schema, columns: &[Column], options: WriteOptions) -> Result<Vec<u8>> {
    if schema.columns.len() != columns.len() {
        let why = format!("{} columns for a schema of {}", columns.len(), schema.columns.len());
        return Err(Error::invalid("columns", why));
    }
    if options.dialect == Dialect::Version2 {
        let types = columns.iter().map(|column| ColumnType::of(column.values())).collect();
        let mut writer = StreamWriter::new(schema.clone(), types, options)?;
        writer.push(columns)?;
        return Ok(writer.finish()?.bytes);
    }
    let mut writer = LegacyWriter::new(schema.clone(), options)?;
    for (field, column) in schema.columns.iter().zip(columns) {
        writer.add(field.clone(), column)?;
    }
    writer.finish()
}
