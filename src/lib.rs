//! NeuroCell Format (NCF): columnar tables in files, read by byte ranges and checked by SHA-256.
//!
//! The crate knows bytes and columns; it does no I/O, reads no clock and names no JavaScript type outside of `wasm`.
//! [`reader::File`] answers "which byte ranges do you need?" and "here is the column"; [`writer`] turns columns into
//! the bytes of a file; [`filter::Predicate`] tells which rows match. `docs/format.md` specifies the formats,
//! `docs/architecture.md` the layers:
//!
//! ```text
//! error <- bytes <- schema, column <- statistics, compression <- format <- reader, writer <- filter <- wasm
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used,
        reason = "a test that panics has failed, which is what it is for"
    )
)]

pub mod bytes;
pub mod column;
pub mod compression;
pub mod decimal;
#[cfg(feature = "writer")]
mod distinct;
pub mod encoding;
pub mod error;
pub mod filter;
pub mod format;
#[cfg(feature = "neural")]
pub mod neural;
pub mod reader;
pub mod schema;
mod sort;
pub mod statistics;
pub mod temporal;
#[cfg(test)]
mod testing;
pub mod warning;
#[cfg(feature = "wasm")]
mod wasm;
#[cfg(feature = "writer")]
pub mod writer;

pub use error::{CODES, Code, CodeInfo, Error, ErrorKind, Result};
