//! The thorough levels of ZSTD as a module of their own.

use std::cell::RefCell;

use ncf_zstd_thorough::Compressor;
use wasm_bindgen::prelude::*;

thread_local! {
    /// The last one that was used, for its buffers, and its level.
    static LAST: RefCell<Option<(i32, Compressor)>> = const { RefCell::new(None) };
}

/// Compresses into one frame with content size and without checksum, at a level from 5 to 22.
#[wasm_bindgen]
pub fn compress(bytes: &[u8], level: i32) -> Vec<u8> {
    let mut frame = Vec::new();
    LAST.with_borrow_mut(|last| {
        let known = last.take().filter(|(known, _)| *known == level);
        let (_, compressor) = last.insert(known.unwrap_or_else(|| (level, Compressor::new(level))));
        compressor.compress(bytes, &mut frame);
    });
    frame
}
