//! Pickled numpy arrays: how the Python dialects store booleans, dates, timestamps, decimals and bytes.
//!
//! A pickle is a program for a stack machine that can name any function of the Python that loads it. `machine`
//! understands only the instructions that a one-dimensional array needs, and `globals` lists every function that
//! may be named; their results are built here and nothing is ever executed. Anything else is refused by name.
//!
//! The array says which type its values have, not the schema: `dtype` reads arrays of fixed-width elements,
//! `objects` reads lists of Python objects. The declared type is honoured where the values convert to it without
//! loss (`convert`); otherwise the column keeps the type that it has, beside a `type-differs` warning.
//!
//! Memory is proportional to the input but for text and bytes that the pickle shares between rows;
//! [`decode_within`] bounds those.

mod convert;
mod dtype;
#[cfg(feature = "writer")]
mod encode;
mod globals;
mod machine;
mod objects;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

#[cfg(feature = "writer")]
pub use encode::encode;

use crate::column::{Column, Values};
use crate::error::{Error, Result};
use crate::schema::DataType;
use crate::warning::{Warning, WarningCode};
use machine::Elements;

/// A column, and what was remarkable about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The values.
    pub column: Column,
    /// `type-differs` and `mixed-time-zones`, without the column's name.
    pub warnings: Vec<Warning>,
}

/// Reads a pickled one-dimensional numpy array (protocol 4 or 5, numpy 1 or 2).
///
/// Null are `None`, NaT, pandas' NA, and a float NaN among values that are no floats. Times with a zone become
/// instants in UTC. Decimals of different scales get the largest of them; where one is NaN, infinite, a negative
/// zero or longer than 38 digits, the column holds the exact texts instead.
///
/// # Errors
/// `unsupported-feature` for anything that a column of values does not need, by name; `corrupt` and `truncated` for
/// streams that Python would not load either; `type-mismatch` for a mixture of types; `limit-exceeded` for 2 GiB.
pub fn decode(bytes: &[u8], declared: DataType) -> Result<Decoded> {
    decode_within(bytes, declared, i32::MAX as u64)
}

/// As [`decode`], for columns whose text or bytes take at most `max_bytes`.
///
/// # Errors
/// Those of [`decode`], and `limit-exceeded` for more.
pub fn decode_within(bytes: &[u8], declared: DataType, max_bytes: u64) -> Result<Decoded> {
    let array = machine::load(bytes, max_bytes)?;
    let mut warnings = Vec::new();
    let column = match array.elements {
        Elements::Raw(raw) => dtype::decode(array.dtype, array.rows, raw, declared)?,
        Elements::Objects(values) => objects::decode(&values, declared, max_bytes, &mut warnings)?,
    };
    let column = if column.is_empty() && column.values().data_type() != declared {
        // numpy makes an array of floats from an empty list.
        Column::new(Values::empty(declared), None)?
    } else {
        convert::to_declared(column, declared)?
    };
    let found = column.values().data_type();
    if found != declared {
        warnings.push(Warning::new(
            WarningCode::TypeDiffers,
            format!("the file holds {} values where the schema declares {}", found.as_str(), declared.as_str()),
        ));
    }
    Ok(Decoded { column, warnings })
}

/// The stream breaks a rule of pickles or of numpy's arrays.
fn corrupt(what: &str) -> Error {
    Error::corrupt(format!("pickle: {what}"))
}
