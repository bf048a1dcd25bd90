//! Encodings: typed values to bytes and back, composed as a small tree whose leaves are byte streams.
//!
//! ```text
//! chunk = validity node (where there are nulls) + value node
//! node  = u8 id + parameters + child nodes and leaves, as the encoding's own file says
//! leaf  = u8 codec (0 stored, 1 zstd) + bytes                                       (leaf.rs)
//! ```
//! There are four kinds of nodes: integers, floats, text and bits. Each kind has a table of encodings ([`integer`],
//! [`float`], [`text`], [`bits`]); ids are stored in files and never change. An encoder tries what suits the
//! statistics of its values, on samples where there are many values, and keeps what is smallest; a wrong guess costs
//! size, never correctness. A decoder is told how many values to expect and returns exactly that many.

/// What the tables of encodings have in common: the enum, its ids, its names.
macro_rules! encodings {
    ($kind:literal $enum:ident; $( $(#[doc = $doc:literal])* $id:literal $name:literal $variant:ident; )*) => {
        #[doc = concat!("An encoding of ", $kind, ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum { $( $(#[doc = $doc])* $variant, )* }

        impl $enum {
            #[doc = concat!("Every encoding of ", $kind, ".")]
            pub const ALL: &[$enum] = &[$($enum::$variant,)*];

            /// The id in files.
            #[must_use]
            pub fn id(self) -> u8 {
                match self { $($enum::$variant => $id,)* }
            }

            /// The name for people.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($enum::$variant => $name,)* }
            }

            fn from_id(id: u8) -> crate::error::Result<Self> {
                let unknown = || crate::error::Error::corrupt(format!(concat!("unknown encoding {} of ", $kind), id));
                Self::ALL.iter().copied().find(|encoding| encoding.id() == id).ok_or_else(unknown)
            }
        }
    };
}

pub mod bits;
pub mod chunk;
pub mod float;
pub mod integer;
mod leaf;
pub mod text;
pub(crate) mod varint;

use crate::bytes::to_u64;
use crate::compression::zstd;
use crate::error::{Error, Result};

/// Trees deeper than this are refused; the deepest that an encoder makes has 6 levels.
const MAX_DEPTH: u32 = 12;

/// State that decoding one chunk after the other reuses, and what it may cost.
pub struct Decoder {
    limit: u64,
    depth: u32,
    zstd: zstd::Decompressor,
}

impl Decoder {
    /// A decoder whose streams have at most `limit` bytes each after decompression.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Decoder { limit, depth: 0, zstd: zstd::Decompressor::new() }
    }

    /// Decodes a child node, one level down.
    fn child<T>(&mut self, decode: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            return Err(Error::corrupt(format!("encodings nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let decoded = decode(self);
        self.depth -= 1;
        decoded
    }

    /// Checks that `count` values of `width` bytes are within the limit, before they are allocated.
    fn check_count(&self, count: usize, width: usize) -> Result<()> {
        let size = to_u64(count).saturating_mul(to_u64(width));
        if size > self.limit {
            return Err(Error::limit("bytes of one column chunk", size, self.limit));
        }
        Ok(())
    }
}

#[cfg(feature = "writer")]
pub use encoder::Encoder;

#[cfg(feature = "writer")]
mod encoder {
    use structured_zstd::encoding::{CompressionLevel, FrameCompressor};

    use crate::compression::zstd;
    use crate::error::Result;

    /// Values of which this many are encoded whole when candidates are compared.
    pub(super) const WHOLE: usize = 48 * 1024;
    /// Blocks of a sample of more values.
    const SAMPLE_BLOCKS: usize = 32;
    /// Neighbouring values in each block.
    const SAMPLE_BLOCK_LEN: usize = 1024;

    /// State that encoding one chunk after the other reuses.
    pub struct Encoder {
        compressor: FrameCompressor,
        scratch: Vec<u8>,
        compress: bool,
        wants_dictionary: bool,
    }

    impl Encoder {
        /// An encoder whose leaves are compressed at that level; `None` stores them as they are.
        ///
        /// # Errors
        /// `invalid-argument` for a level that ZSTD does not have.
        pub fn new(level: Option<i32>) -> Result<Self> {
            let level_or_default = level.unwrap_or(zstd::DEFAULT_LEVEL);
            zstd::check_level(level_or_default)?;
            let mut compressor = FrameCompressor::new(CompressionLevel::from_level(level_or_default));
            compressor.set_magicless(true);
            Ok(Encoder { compressor, scratch: Vec::new(), compress: level.is_some(), wants_dictionary: false })
        }

        /// Whether a column's own text is stored as a dictionary, however many values are distinct and whatever is smallest.
        pub fn set_wants_dictionary(&mut self, wants: bool) {
            self.wants_dictionary = wants;
        }

        /// See [`Self::set_wants_dictionary`].
        pub(super) fn wants_dictionary(&self) -> bool {
            self.wants_dictionary
        }

        /// The frame (without its magic) of some bytes, unless leaves are not compressed.
        pub(super) fn frame(&mut self, bytes: &[u8]) -> Option<&[u8]> {
            if !self.compress {
                return None;
            }
            self.compressor.compress_independent_frame_into(bytes, &mut self.scratch);
            Some(&self.scratch)
        }
    }

    /// Positions of the values to compare candidates on: blocks spread evenly, or `None` where there are so few
    /// values that all are compared.
    pub(super) fn sample_positions(len: usize) -> Option<impl Iterator<Item = usize>> {
        let last = len.checked_sub(SAMPLE_BLOCK_LEN).filter(|_| len > WHOLE)?;
        let starts = (0..SAMPLE_BLOCKS).map(move |block| last * block / (SAMPLE_BLOCKS - 1));
        Some(starts.flat_map(|start| start..start + SAMPLE_BLOCK_LEN))
    }

    /// Encodes by each candidate (on a sample where there is one), then the best two whole; keeps the smallest.
    ///
    /// A candidate returns false where the values turn out not to suit it. Those in `always` are encoded whole
    /// whatever the sample says: what a sample tells about them does not hold for the whole.
    pub(super) fn smallest<T: ?Sized, C: Copy + PartialEq>(
        encoder: &mut Encoder,
        whole: &T,
        sample: Option<&T>,
        candidates: &[C],
        always: &[C],
        mut encode: impl FnMut(&mut Encoder, C, &T, &mut Vec<u8>) -> bool,
    ) -> Vec<u8> {
        let mut ranked: Vec<(usize, C)> = Vec::new();
        if let (Some(sample), 3..) = (sample, candidates.len()) {
            for &candidate in candidates.iter().filter(|candidate| !always.contains(candidate)) {
                let mut out = Vec::new();
                if encode(encoder, candidate, sample, &mut out) {
                    ranked.push((out.len(), candidate));
                }
            }
            ranked.sort_by_key(|&(size, _)| size);
            ranked.truncate(2);
            ranked.extend(always.iter().map(|&candidate| (0, candidate)));
        } else {
            ranked.extend(candidates.iter().map(|&candidate| (0, candidate)));
        }
        let mut best: Option<Vec<u8>> = None;
        for (_, candidate) in ranked {
            let mut out = Vec::new();
            if encode(encoder, candidate, whole, &mut out) && best.as_ref().is_none_or(|best| out.len() < best.len()) {
                best = Some(out);
            }
        }
        // Every caller has a candidate that suits all values.
        best.unwrap_or_default()
    }
}
