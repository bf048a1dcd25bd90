//! Adapter to the ZSTD crates.
//!
//! Decoding uses zrip: no unsafe code, and in WebAssembly three times as fast as ruzstd, which stays selectable by
//! the cargo feature `ruzstd` and is the second opinion of the tests. Encoding uses zrip for the levels that it knows, 1 to
//! 4, and structured-zstd for the others, the one pure-Rust encoder with all levels that needs no newer compiler than ours.
//! zrip is as quick, its files are 1 % smaller, and it is a tenth of the code. The other one is there where the feature
//! `thorough` is built in, and otherwise what the host has installed in this thread.

use crate::bytes::{ByteReader, to_u64};
use crate::error::{Error, Result};

const MAGIC: u32 = 0xfd2f_b528;
const MAX_BLOCK_SIZE: u64 = 128 * 1024;

/// Lowest compression level.
pub const MIN_LEVEL: i32 = 1;
/// Highest compression level.
pub const MAX_LEVEL: i32 = 22;
/// The last level of which zrip is the encoder.
#[cfg(feature = "writer")]
const LAST_QUICK_LEVEL: i32 = 4;
/// Compression level where none is given.
pub const DEFAULT_LEVEL: i32 = 3;

/// What a frame's headers say, all of its block headers walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// Uncompressed size, if the frame header states it.
    pub content_size: Option<u64>,
    /// No decoder can get more bytes than this out of the frame's blocks.
    pub max_size: u64,
}

/// Walks the headers of a single frame (RFC 8878, section 3.1.1) without decoding it.
///
/// # Errors
/// `corrupt` or `truncated` when the bytes are not exactly one frame.
pub fn inspect(frame: &[u8]) -> Result<FrameInfo> {
    let mut reader = ByteReader::new(frame, 0);
    match reader.u32() {
        Ok(MAGIC) => walk_frame(&mut reader).map_err(early_end),
        _ => Err(Error::corrupt("no zstd frame where one belongs")),
    }
}

/// Offsets inside of a column's bytes would only mislead.
fn early_end(error: Error) -> Error {
    match error.kind() {
        crate::ErrorKind::Truncated { .. } => Error::corrupt("zstd frame ends early"),
        _ => error,
    }
}

/// Walks what follows the magic.
fn walk_frame(reader: &mut ByteReader<'_>) -> Result<FrameInfo> {
    let descriptor = reader.u8()?;
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        reader.u8()?;
    }
    // Bytes of a dictionary id.
    reader.take(match descriptor & 3 {
        3 => 4,
        size => usize::from(size),
    })?;
    let content_size = match (descriptor >> 6, single_segment) {
        (0, false) => None,
        (0, true) => Some(u64::from(reader.u8()?)),
        (1, _) => Some(u64::from(reader.u16()?) + 256),
        (2, _) => Some(u64::from(reader.u32()?)),
        _ => Some(reader.u64()?),
    };
    let mut max_size = 0u64;
    loop {
        let header = reader.take(3)?.iter().rev().fold(0u32, |all, &byte| all << 8 | u32::from(byte));
        let size = u64::from(header >> 3);
        if size > MAX_BLOCK_SIZE {
            return Err(Error::corrupt(format!("zstd block of {size} bytes")));
        }
        let (stored, restored) = match header >> 1 & 3 {
            0 => (size, size),
            1 => (1, size),
            2 => (size, MAX_BLOCK_SIZE),
            _ => return Err(Error::corrupt("zstd block of a reserved type")),
        };
        reader.take(usize::try_from(stored).unwrap_or(usize::MAX))?;
        max_size = max_size.saturating_add(restored);
        if header & 1 == 1 {
            break;
        }
    }
    if descriptor & 4 != 0 {
        reader.take(4)?;
    }
    if reader.remaining() > 0 {
        return Err(Error::corrupt(format!("{} bytes behind the zstd frame", reader.remaining())));
    }
    Ok(FrameInfo { content_size, max_size })
}

/// Why a frame could not be decoded.
#[derive(Debug)]
pub enum DecodeError {
    /// It holds more than the bound.
    OverBound,
    /// Its bytes are no good.
    Damaged(String),
}

/// Decodes one frame into at most `bound` bytes; a content checksum, where there is one, is verified.
#[cfg(not(feature = "ruzstd"))]
pub fn decompress(frame: &[u8], bound: usize) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    match zrip::DecompressContext::new().decompress_into_with_limit(frame, &mut out, bound) {
        Ok(_) => Ok(out),
        Err(zrip::DecompressError::OutputTooSmall) => Err(DecodeError::OverBound),
        Err(error) => Err(DecodeError::Damaged(error.to_string())),
    }
}

/// Decodes frames one after the other, with buffers that live on.
pub struct Decompressor {
    #[cfg(not(feature = "ruzstd"))]
    context: zrip::DecompressContext,
}

impl Default for Decompressor {
    fn default() -> Self {
        Decompressor::new()
    }
}

impl Decompressor {
    /// A decompressor.
    #[must_use]
    pub fn new() -> Self {
        Decompressor {
            #[cfg(not(feature = "ruzstd"))]
            context: zrip::DecompressContext::new(),
        }
    }

    /// Decodes one frame that is stored without its magic into exactly `size` bytes.
    ///
    /// # Errors
    /// `corrupt` for damaged bytes, another size, or bytes behind the frame.
    pub fn decompress_magicless(&mut self, stored: &[u8], size: usize) -> Result<Vec<u8>> {
        let info = walk_frame(&mut ByteReader::new(stored, 0)).map_err(early_end)?;
        let expected = to_u64(size);
        if info.content_size.is_some_and(|stated| stated != expected) || info.max_size < expected {
            return Err(Error::corrupt(format!("zstd frame of another size than the {size} bytes that belong there")));
        }
        let restored = self.magicless(stored, size)?;
        if restored.len() != size {
            return Err(Error::corrupt(format!("zstd frame holds {} bytes where {size} belong", restored.len())));
        }
        Ok(restored)
    }

    #[cfg(not(feature = "ruzstd"))]
    fn magicless(&mut self, stored: &[u8], size: usize) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(size);
        let decoded = self.context.decompress_after_magic_into(stored, &mut out, size);
        decoded.map_err(|error| Error::corrupt(format!("damaged zstd frame: {error}")))?;
        Ok(out)
    }

    #[cfg(feature = "ruzstd")]
    fn magicless(&mut self, stored: &[u8], size: usize) -> Result<Vec<u8>> {
        let frame = [&MAGIC.to_le_bytes()[..], stored].concat();
        decompress(&frame, size).map_err(|error| match error {
            DecodeError::OverBound => Error::corrupt("zstd frame holds more bytes than stated"),
            DecodeError::Damaged(what) => Error::corrupt(format!("damaged zstd frame: {what}")),
        })
    }
}

/// Decodes one frame into at most `bound` bytes; a content checksum, where there is one, is verified.
#[cfg(feature = "ruzstd")]
pub fn decompress(frame: &[u8], bound: usize) -> Result<Vec<u8>, DecodeError> {
    second_opinion::decompress(frame, bound)
}

/// The same by ruzstd.
#[cfg(any(test, feature = "ruzstd"))]
pub mod second_opinion {
    use super::{DecodeError, Result};
    use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
    use std::io::Read;

    /// Decodes one frame into at most `bound` bytes; a content checksum, where there is one, is verified.
    pub fn decompress(frame: &[u8], bound: usize) -> Result<Vec<u8>, DecodeError> {
        let damaged = |error: &dyn std::fmt::Display| DecodeError::Damaged(error.to_string());
        let mut source = frame;
        let mut decoder = FrameDecoder::new();
        decoder.init(&mut source).map_err(|e| damaged(&e))?;
        let mut out = Vec::new();
        while !decoder.is_finished() || decoder.can_collect() > 0 {
            if !decoder.is_finished() {
                decoder
                    .decode_blocks(&mut source, BlockDecodingStrategy::UptoBytes(1 << 20))
                    .map_err(|e| damaged(&e))?;
            }
            if decoder.can_collect() > bound - out.len() {
                return Err(DecodeError::OverBound);
            }
            let collected = decoder.can_collect() as u64;
            (&mut decoder).take(collected).read_to_end(&mut out).map_err(|e| damaged(&e))?;
        }
        match decoder.get_checksum_from_data() {
            Some(stated) if decoder.get_calculated_checksum() != Some(stated) => {
                Err(DecodeError::Damaged("content checksum differs".to_owned()))
            }
            _ => Ok(out),
        }
    }
}

/// Compresses into one frame with content size and without checksum.
///
/// # Errors
/// `invalid-argument` for a level outside of [`MIN_LEVEL`] to [`MAX_LEVEL`].
#[cfg(feature = "writer")]
pub fn compress(bytes: &[u8], level: i32) -> Result<Vec<u8>> {
    Ok(Compressor::new(level)?.compress(bytes)?.to_vec())
}

/// The same without the frame's magic, for [`Decompressor::decompress_magicless`].
///
/// # Errors
/// `invalid-argument` for a bad level.
#[cfg(feature = "writer")]
pub fn compress_magicless(bytes: &[u8], level: i32) -> Result<Vec<u8>> {
    Compressor::new(level)?.compress_magicless(bytes).map(<[u8]>::to_vec)
}

/// Compresses frames one after the other, with buffers that live on.
#[cfg(feature = "writer")]
pub struct Compressor {
    search: Search,
    /// Its first bytes are the frame; what a longer one before left behind them stays.
    frame: Vec<u8>,
}

/// Who compresses.
#[cfg(feature = "writer")]
enum Search {
    Quick(Box<zrip::CompressContext>),
    Thorough(Box<dyn Thorough>),
}

/// Compresses at one of the levels that zrip does not know.
#[cfg(feature = "writer")]
pub trait Thorough {
    /// Compresses into one frame with content size and without checksum, in place of what `frame` held.
    ///
    /// # Errors
    /// Those of a host that lost the module.
    fn compress(&mut self, bytes: &[u8], frame: &mut Vec<u8>) -> Result<()>;
}

/// Makes a compressor of a level.
#[cfg(feature = "writer")]
pub type MakeThorough = fn(level: i32) -> Result<Box<dyn Thorough>>;

#[cfg(all(feature = "writer", feature = "thorough"))]
impl Thorough for ncf_zstd_thorough::Compressor {
    fn compress(&mut self, bytes: &[u8], frame: &mut Vec<u8>) -> Result<()> {
        ncf_zstd_thorough::Compressor::compress(self, bytes, frame);
        Ok(())
    }
}

#[cfg(feature = "writer")]
thread_local! {
    static MAKE_THOROUGH: std::cell::Cell<MakeThorough> = const { std::cell::Cell::new(built_in) };
}

#[cfg(all(feature = "writer", feature = "thorough"))]
#[expect(clippy::unnecessary_wraps, reason = "other builds have none")]
fn built_in(level: i32) -> Result<Box<dyn Thorough>> {
    Ok(Box::new(ncf_zstd_thorough::Compressor::new(level)))
}

#[cfg(all(feature = "writer", not(feature = "thorough")))]
fn built_in(level: i32) -> Result<Box<dyn Thorough>> {
    Err(Error::unsupported(format!("level {level} of zstd, whose module is not loaded")))
}

/// Lets this thread compress at the other levels by what that makes.
#[cfg(feature = "writer")]
pub fn install_thorough(make: MakeThorough) {
    MAKE_THOROUGH.set(make);
}

#[cfg(feature = "writer")]
impl Compressor {
    /// A compressor.
    ///
    /// # Errors
    /// `invalid-argument` for a level outside of [`MIN_LEVEL`] to [`MAX_LEVEL`]; `unsupported-feature` for a thorough one
    /// that is neither built in nor installed.
    pub fn new(level: i32) -> Result<Self> {
        check_level(level)?;
        let search = if level <= LAST_QUICK_LEVEL {
            let mut context = zrip::CompressContext::new(level).map_err(failed)?;
            context.set_content_checksum(false);
            Search::Quick(Box::new(context))
        } else {
            Search::Thorough((MAKE_THOROUGH.get())(level)?)
        };
        Ok(Compressor { search, frame: Vec::new() })
    }

    /// Compresses into one frame with content size and without checksum.
    ///
    /// # Errors
    /// Those of a host that lost the module of the thorough levels.
    pub fn compress(&mut self, bytes: &[u8]) -> Result<&[u8]> {
        match &mut self.search {
            Search::Quick(context) => {
                let bound = zrip::compress_bound(bytes.len());
                if self.frame.len() < bound {
                    self.frame.resize(bound, 0);
                }
                let len = context.compress_into(bytes, &mut self.frame).map_err(failed)?;
                Ok(self.frame.get(..len).unwrap_or_default())
            }
            Search::Thorough(compressor) => {
                compressor.compress(bytes, &mut self.frame)?;
                Ok(&self.frame)
            }
        }
    }

    /// The same without the frame's magic, for [`Decompressor::decompress_magicless`].
    ///
    /// # Errors
    /// As [`Self::compress`].
    pub fn compress_magicless(&mut self, bytes: &[u8]) -> Result<&[u8]> {
        Ok(self.compress(bytes)?.get(size_of_val(&MAGIC)..).unwrap_or_default())
    }
}

#[cfg(feature = "writer")]
#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn failed(error: zrip::CompressError) -> Error {
    Error::invalid("level", error.to_string())
}

/// Checks a compression level.
///
/// # Errors
/// `invalid-argument` outside of [`MIN_LEVEL`] to [`MAX_LEVEL`].
pub fn check_level(level: i32) -> Result<()> {
    if (MIN_LEVEL..=MAX_LEVEL).contains(&level) {
        return Ok(());
    }
    Err(Error::invalid("level", format!("{level} is not between {MIN_LEVEL} and {MAX_LEVEL}")))
}

#[cfg(all(test, feature = "writer", feature = "thorough"))]
mod tests {
    use super::*;
    use crate::compression::Compression;

    /// Bytes that look like columns: counters, text, noise.
    fn samples() -> Vec<Vec<u8>> {
        let mut next = crate::testing::noise(1);
        vec![
            Vec::new(),
            vec![7],
            vec![0; 300_000],
            (0..40_000u64).flat_map(u64::to_le_bytes).collect(),
            (0..9_000).flat_map(|i| format!("user{i}@example.com").into_bytes()).collect(),
            (0..20_000).flat_map(|_| next().to_le_bytes()).collect(),
            (0..70_000).map(|_| b"ABCDE"[(next() % 5) as usize]).collect(),
        ]
    }

    #[test]
    fn every_level_round_trips_through_both_decoders() {
        for bytes in samples() {
            for level in MIN_LEVEL..=MAX_LEVEL {
                let frame = compress(&bytes, level).unwrap();
                assert!(frame.len() <= bytes.len() + bytes.len() / 256 + 64);
                let info = inspect(&frame).unwrap();
                assert_eq!(info.content_size, Some(to_u64(bytes.len())), "level {level}");
                assert!(info.max_size >= to_u64(bytes.len()));
                assert_eq!(decompress(&frame, bytes.len()).unwrap(), bytes, "level {level}");
                assert_eq!(second_opinion::decompress(&frame, bytes.len()).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn levels_outside_of_the_range_are_refused() {
        for level in [-1, 0, 23] {
            assert_eq!(compress(b"x", level).unwrap_err().code().as_str(), "invalid-argument");
        }
    }

    #[test]
    fn output_is_bounded_and_its_size_required() {
        let frame = compress(&[0; 200_000], 3).unwrap();
        let open = |expected, limit| Compression::Zstd.decompress(&frame, expected, limit);
        assert_eq!(open(Some(200_000), 200_000).unwrap().len(), 200_000);
        assert_eq!(open(None, 200_000).unwrap().len(), 200_000);
        assert_eq!(open(Some(199_999), 1 << 20).unwrap_err().code().as_str(), "corrupt");
        assert_eq!(open(None, 199_999).unwrap_err().code().as_str(), "limit-exceeded");
        let two = [frame.clone(), frame.clone()].concat();
        assert!(Compression::Zstd.decompress(&two, None, 1 << 20).is_err());
    }

    #[test]
    fn a_lying_content_size_allocates_nothing() {
        // One raw block of a byte, content size 2^62.
        let mut frame = MAGIC.to_le_bytes().to_vec();
        frame.push(0xe0);
        frame.extend((1u64 << 62).to_le_bytes());
        frame.extend([9, 0, 0, 5]);
        let error = Compression::Zstd.decompress(&frame, None, u64::MAX).unwrap_err();
        assert!(error.to_string().contains("its blocks hold at most 1"), "{error}");
    }

    #[test]
    fn frames_without_content_size_are_bounded() {
        // RLE blocks of 128 KiB each, no content size: 4 bytes become 131072.
        let mut frame = MAGIC.to_le_bytes().to_vec();
        frame.extend([0x00, 0x48]);
        for block in 0..64u32 {
            let header = u32::from(block == 63) | 1 << 1 | (128 * 1024) << 3;
            frame.extend(&header.to_le_bytes()[..3]);
            frame.push(7);
        }
        assert_eq!(Compression::Zstd.decompress(&frame, None, 8 << 20).unwrap().len(), 8 << 20);
        assert_eq!(Compression::Zstd.decompress(&frame, Some(8 << 20), 8 << 20).unwrap().len(), 8 << 20);
        let error = Compression::Zstd.decompress(&frame, None, 1 << 20).unwrap_err();
        assert_eq!(error.code().as_str(), "limit-exceeded");
    }

    #[test]
    fn damaged_frames_never_decode_to_another_length() {
        let bytes: Vec<u8> = (0..3_000).flat_map(|i| format!("User_{i}").into_bytes()).collect();
        let frame = compress(&bytes, 3).unwrap();
        for at in 0..frame.len() {
            for bit in [1, 16, 128] {
                let mut damaged = frame.clone();
                damaged[at] ^= bit;
                if let Ok(out) = Compression::Zstd.decompress(&damaged, Some(to_u64(bytes.len())), 1 << 20) {
                    assert_eq!(out.len(), bytes.len());
                    // The second opinion never reads more out of it than the first allows.
                    if let Ok(second) = second_opinion::decompress(&damaged, bytes.len()) {
                        assert!(second.len() <= bytes.len());
                    }
                }
            }
            assert!(Compression::Zstd.decompress(&frame[..at], None, 1 << 20).is_err());
        }
    }
}
