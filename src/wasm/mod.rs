//! JavaScript bindings, the only module that names JS types. An export is: convert, one call of the core, convert.
//!
//! The host layer in `js/` does all I/O. It drives a step (`open`, `locate`) until it answers `undefined`; any other
//! answer is a flat list of absolute byte ranges `[start, end, start, end, ...]` to supply before the next attempt.
//! Offsets and counts cross as `number`s, which hold them exactly up to 2^53.
//!
//! With the feature `neural` the bindings are those of the neural codec alone, a module of its own: the others reach it
//! through the host.
#![cfg_attr(feature = "neural", allow(dead_code, reason = "the codec alone needs few of the conversions"))]

#[cfg(all(feature = "writer", not(feature = "neural")))]
mod buffers;
#[cfg(not(feature = "neural"))]
mod column;
mod convert;
mod error;
#[cfg(not(feature = "neural"))]
mod filter;
#[cfg(not(feature = "neural"))]
mod info;
#[cfg(feature = "neural")]
mod neural;
#[cfg(not(feature = "neural"))]
mod neural_host;
#[cfg(not(feature = "neural"))]
mod reader;
#[cfg(not(feature = "neural"))]
mod value;
#[cfg(all(feature = "writer", not(feature = "neural")))]
mod write;

#[cfg(not(feature = "neural"))]
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
