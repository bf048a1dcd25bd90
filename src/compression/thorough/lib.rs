//! The levels 5 to 22 of ZSTD: a seam around structured-zstd, and a crate of its own because Cargo sets how code is
//! optimised by crate, and generic code is compiled in the crate that names its types. What is here is compiled for size
//! (`Cargo.toml` of the codec): every one of its searches exists in a dozen copies, few files are written with such levels,
//! and who asks for one has time.

use structured_zstd::encoding::{CompressionLevel, FrameCompressor};

/// Compresses frames one after the other, with buffers that live on.
pub struct Compressor(FrameCompressor);

impl Compressor {
    /// A compressor of a level of ZSTD, 1 to 22.
    #[must_use]
    pub fn new(level: i32) -> Self {
        Compressor(FrameCompressor::new(CompressionLevel::from_level(level)))
    }

    /// Compresses into one frame with content size and without checksum, in place of what `frame` held.
    pub fn compress(&mut self, bytes: &[u8], frame: &mut Vec<u8>) {
        self.0.compress_independent_frame_into(bytes, frame);
    }
}
