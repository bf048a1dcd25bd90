//! JavaScript bindings, the only module that names JS types. An export is: convert, one call of the core, convert.
//!
//! The host layer in `js/` does all I/O. It drives a step (`open`, `locate`) until it answers `undefined`; any other
//! answer is a flat list of absolute byte ranges `[start, end, start, end, ...]` to supply before the next attempt.
//! Offsets and counts cross as `number`s, which hold them exactly up to 2^53.
//!
//! With the feature `legacy` the bindings are the same, but for files of version 1 only; without it for those of version 2. With
//! the features `neural` or `thorough` the bindings are those of the neural codec alone, or of the thorough levels of
//! ZSTD: modules of their own, which the others reach through the host.
#![cfg_attr(
    any(feature = "neural", feature = "thorough"),
    allow(dead_code, reason = "a codec alone needs few of the conversions")
)]

#[cfg(all(feature = "writer", not(any(feature = "neural", feature = "thorough"))))]
mod buffers;
#[cfg(not(any(feature = "neural", feature = "thorough")))]
mod column;
mod convert;
mod error;
#[cfg(not(any(feature = "neural", feature = "thorough")))]
mod filter;
#[cfg(not(any(feature = "neural", feature = "thorough")))]
mod info;
#[cfg(feature = "neural")]
mod neural;
#[cfg(not(any(feature = "neural", feature = "thorough")))]
mod neural_host;
#[cfg(not(any(feature = "neural", feature = "thorough")))]
mod properties;
#[cfg(not(any(feature = "neural", feature = "thorough")))]
mod reader;
#[cfg(feature = "thorough")]
mod thorough;
#[cfg(all(feature = "writer", not(any(feature = "neural", feature = "thorough"))))]
mod thorough_host;
#[cfg(not(any(feature = "neural", feature = "thorough")))]
mod value;
#[cfg(all(feature = "writer", not(any(feature = "neural", feature = "thorough"))))]
mod write;

#[cfg(not(any(feature = "neural", feature = "thorough")))]
use reader::{Reader, RowGroup};

use wasm_bindgen::prelude::*;

/// Bytes of linear memory, for tests and reports.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> f64 {
    #[cfg(target_arch = "wasm32")]
    return (core::arch::wasm32::memory_size(0) * 65536) as f64;
    #[cfg(not(target_arch = "wasm32"))]
    0.0
}
