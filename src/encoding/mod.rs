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
//!
//! Encoders and decoders are never inlined into what chooses among them: V8 compiles a function of WebAssembly as a whole
//! with its first call, and again once it is hot, in a time and memory that grow with its size.

/// What the tables of encodings have in common: the enum, its ids, its names.
macro_rules! encodings {
    ($kind:literal $enum:ident; $( $(#[doc = $doc:literal])* $id:literal $name:literal $variant:ident; )*) => {
        #[doc = concat!("An encoding of ", $kind, ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
pub(crate) mod hash;
pub mod integer;
mod leaf;
pub mod neural;
pub mod parent;
pub mod plain;
pub mod text;
pub(crate) mod varint;

use std::sync::Arc;

use crate::bytes::to_u64;
use crate::compression::zstd;
use crate::error::{Error, Result};
use parent::Scope;
use text::codes::Codes;

/// Trees deeper than this are refused; the deepest that an encoder makes has 6 levels.
const MAX_DEPTH: u32 = 12;

/// State that decoding one chunk after the other reuses, and what it may cost.
pub struct Decoder {
    limit: u64,
    depth: u32,
    zstd: zstd::Decompressor,
    /// What models may look at, within a column chunk that has parents.
    scope: Option<Arc<Scope>>,
    /// Whether text of a column that is stored as a dictionary is left as its codes: then all values are empty.
    keeps_codes: bool,
    /// These codes.
    codes: Option<Codes>,
    /// The nodes that were decoded, where that is wanted.
    trace: Option<Vec<Node>>,
}

/// A node of a tree of encodings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// How many nodes it is inside of.
    pub depth: u32,
    /// Its encoding.
    pub name: &'static str,
    /// The other columns that it looks at, as positions in the column's list of parents.
    pub parents: Vec<u8>,
}

impl Decoder {
    /// A decoder whose streams have at most `limit` bytes each after decompression.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Decoder {
            limit,
            depth: 0,
            zstd: zstd::Decompressor::new(),
            scope: None,
            keeps_codes: false,
            codes: None,
            trace: None,
        }
    }

    /// Notes which encoding a node has.
    fn note(&mut self, name: &'static str) {
        let depth = self.depth;
        if let Some(trace) = &mut self.trace {
            trace.push(Node { depth, name, parents: Vec::new() });
        }
    }

    /// Notes that the last node looks at a parent.
    fn note_parent(&mut self, parent: u8) {
        if let Some(node) = self.trace.as_mut().and_then(|trace| trace.last_mut())
            && !node.parents.contains(&parent)
        {
            node.parents.push(parent);
        }
    }

    /// What a model in a node of `count` values looks at.
    fn aligned(&self, count: usize) -> Result<Arc<Scope>> {
        match &self.scope {
            Some(scope) if scope.num_rows() == count => Ok(Arc::clone(scope)),
            Some(scope) => {
                Err(Error::corrupt(format!("a model of {count} values where the column has {}", scope.num_rows())))
            }
            None => Err(Error::corrupt("a model in a column chunk without parents")),
        }
    }

    /// Decodes something that speaks of some rows of a scope only.
    fn narrowed<T>(&mut self, scope: &Scope, rows: &[usize], decode: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let all = self.scope.replace(Arc::new(scope.narrow(rows)));
        let decoded = decode(self);
        self.scope = all;
        decoded
    }

    /// Whether the node that is decoded is one of a column's own values, and its parents' codes are of use.
    fn is_top(&self) -> bool {
        self.depth == 1
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
pub use encoder::{Encoder, Model, Needs};

#[cfg(feature = "writer")]
mod encoder {
    use std::collections::HashMap;
    use std::ops::Range;
    use std::sync::Arc;

    use super::hash::QuickHashBuilder;
    use super::integer::linear::Sum;
    use super::parent::{Key, Scope};
    use super::text::Dictionary;
    use crate::bytes::{ByteReader, to_u64};
    use crate::compression::zstd::{self, Compressor};
    use crate::error::{Error, Result};

    /// Values of which this many are encoded whole when candidates are compared.
    const WHOLE: usize = 4096;
    /// Neighbouring values in each block of a sample of more.
    const BLOCK_LEN: usize = 1024;
    /// Fewest and most blocks of a sample.
    const BLOCKS: (usize, usize) = (3, 5);
    /// The level of streams that are only measured: quick, and as good as others in telling what is smaller.
    const MEASURING_LEVEL: i32 = 1;

    /// A model of a column's values that is worth trying.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Model {
        /// A function of other columns.
        Function(Key),
        /// Recent values by those of other columns.
        Recent(Key),
        /// A weighted sum of other columns.
        Linear(Sum),
    }

    impl Model {
        /// The parents that it looks at, bit by bit.
        #[must_use]
        pub fn parents(&self) -> u64 {
            let bit = |parent: u8| 1u64.checked_shl(parent.into()).unwrap_or_default();
            match self {
                Model::Function(key) | Model::Recent(key) => bit(key.first) | key.second.map_or(0, bit),
                Model::Linear(sum) => sum.terms.iter().fold(0, |bits, term| bits | bit(term.parent)),
            }
        }
    }

    impl Model {
        /// Writes it for [`Self::read`], as chunks store it behind the byte of its encoding.
        pub(crate) fn write(&self, out: &mut Vec<u8>) {
            match self {
                Model::Function(key) => {
                    out.push(0);
                    key.write(out);
                }
                Model::Recent(key) => {
                    out.push(1);
                    key.write(out);
                }
                Model::Linear(sum) => {
                    out.push(2);
                    sum.write(out);
                }
            }
        }

        /// # Errors
        /// `corrupt`, `truncated`.
        pub(crate) fn read(reader: &mut ByteReader<'_>) -> Result<Self> {
            Ok(match reader.u8()? {
                0 => Model::Function(Key::read(reader)?),
                1 => Model::Recent(Key::read(reader)?),
                2 => Model::Linear(Sum::read(reader)?),
                kind => return Err(Error::corrupt(format!("a model of kind {kind}"))),
            })
        }
    }

    /// State that encoding one chunk after the other reuses.
    pub struct Encoder {
        compressor: Compressor,
        /// The quick one, for what is only measured.
        measuring: Compressor,
        /// Whether what is encoded is a sample, whose size is all that is wanted.
        is_sample: bool,
        compress: bool,
        wants_dictionary: bool,
        /// That of the column's own text, where it is known.
        dictionary: Option<Arc<Dictionary>>,
        /// What models may look at.
        scope: Option<Arc<Scope>>,
        models: Arc<[Model]>,
        /// Bits per value with which a model is good enough for nothing else to be tried.
        enough: f64,
        /// How many models the current node is inside of.
        nested: usize,
        /// Bytes that what is encoded may still take before something else is known to be smaller.
        left: usize,
        /// Sizes of nodes of samples, by a hash of what they hold: the same ones come again and again.
        sizes: HashMap<u64, Size, QuickHashBuilder>,
        /// What was encoded needs these.
        needed: Needs,
        /// Why something could not be compressed.
        failure: Option<Error>,
    }

    /// What something encoded needs, bit by bit.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Needs {
        /// Parents, by their position in the column's list.
        pub parents: u64,
        /// Models, by their position in the list of those that were tried.
        pub models: u64,
    }

    /// The size of a node.
    #[derive(Clone, Copy, Debug)]
    enum Size {
        Exactly(usize),
        AtLeast(usize),
    }

    /// Sizes that are remembered.
    const MAX_SIZES: usize = 1 << 12;

    /// Models within each other: what one leaves over is seldom something for another.
    const MAX_NESTED: usize = 1;

    impl Encoder {
        /// An encoder whose leaves are compressed at that level; `None` stores them as they are.
        ///
        /// # Errors
        /// `invalid-argument` for a level that ZSTD does not have.
        pub fn new(level: Option<i32>) -> Result<Self> {
            Ok(Encoder {
                compressor: Compressor::new(level.unwrap_or(zstd::DEFAULT_LEVEL))?,
                measuring: Compressor::new(MEASURING_LEVEL)?,
                is_sample: false,
                compress: level.is_some(),
                wants_dictionary: false,
                dictionary: None,
                scope: None,
                models: Arc::default(),
                enough: 0.0,
                nested: 0,
                left: usize::MAX,
                sizes: HashMap::default(),
                needed: Needs::default(),
                failure: None,
            })
        }

        /// Whether a column's own text is stored as a dictionary, however many values are distinct and whatever is smallest.
        pub fn set_wants_dictionary(&mut self, wants: bool) {
            self.wants_dictionary = wants;
        }

        /// See [`Self::set_wants_dictionary`].
        pub(super) fn wants_dictionary(&self) -> bool {
            self.wants_dictionary
        }

        /// The dictionary of the values of the column that is encoded next, if it is one of text that has one.
        pub fn set_dictionary(&mut self, dictionary: Option<Arc<Dictionary>>) {
            self.dictionary = dictionary;
        }

        /// The column's dictionary, if these are all of its values.
        pub(super) fn dictionary(&self, count: usize) -> Option<Arc<Dictionary>> {
            self.dictionary.as_ref().filter(|dictionary| dictionary.codes().len() == count).map(Arc::clone)
        }

        /// Encodes something whose aligned nodes may use these models.
        pub(super) fn modelled<T>(
            &mut self,
            scope: Scope,
            models: &Arc<[Model]>,
            enough: f64,
            encode: impl FnOnce(&mut Self) -> T,
        ) -> T {
            self.scope = Some(Arc::new(scope));
            self.models = Arc::clone(models);
            self.enough = enough;
            self.needed.models = 0;
            let encoded = encode(self);
            self.scope = None;
            self.models = Arc::default();
            encoded
        }

        /// What a model in a node of `count` values looks at.
        pub(super) fn aligned(&self, count: usize) -> Option<Arc<Scope>> {
            self.scope.as_ref().filter(|scope| scope.num_rows() == count).map(Arc::clone)
        }

        /// The models to try in a node of `count` values.
        pub(super) fn models(&self, count: usize) -> Arc<[Model]> {
            let is_aligned = self.nested < MAX_NESTED && self.aligned(count).is_some();
            if is_aligned { Arc::clone(&self.models) } else { Arc::default() }
        }

        /// Whether so many bytes for so many values are good enough.
        pub(super) fn is_enough(&self, bytes: usize, count: usize) -> bool {
            self.nested == 0 && bytes as f64 * 8.0 <= self.enough * count as f64
        }

        /// Whether models may be good enough for nothing else to be tried in a node of `count` values. Where nothing is
        /// compressed, trying costs little.
        fn expects_enough(&self, count: usize) -> bool {
            self.compress && self.enough > 0.0 && !self.models(count).is_empty()
        }

        /// Encodes without models.
        pub(super) fn alone<T>(&mut self, encode: impl FnOnce(&mut Self) -> T) -> T {
            let scope = self.scope.take();
            let encoded = encode(self);
            self.scope = scope;
            encoded
        }

        /// Whether there are models to try.
        pub(super) fn has_models(&self) -> bool {
            !self.models.is_empty()
        }

        /// Encodes what may be thrown away: what it needs is returned, and only counts where it is told to [`Self::need`].
        pub(super) fn attempt<T>(&mut self, encode: impl FnOnce(&mut Self) -> T) -> (T, Needs) {
            let before = std::mem::take(&mut self.needed);
            let encoded = encode(self);
            (encoded, std::mem::replace(&mut self.needed, before))
        }

        /// Encodes a node, of which there may be others with the same hash and values. Of one in a sample only the size
        /// counts.
        pub(super) fn node(
            &mut self,
            hash: impl FnOnce() -> u64,
            out: &mut Vec<u8>,
            encode: impl FnOnce(&mut Self, &mut Vec<u8>),
        ) {
            if self.is_over() {
                return;
            }
            if !self.is_sample {
                return encode(self, out);
            }
            let hash = hash();
            let most = self.left;
            match self.sizes.get(&hash) {
                Some(&Size::AtLeast(least)) if least >= most => return self.give_up(),
                Some(&Size::Exactly(size)) => {
                    out.resize(out.len() + size, 0);
                    return self.spend(size);
                }
                _ => {}
            }
            let start = out.len();
            encode(self, out);
            if self.sizes.len() == MAX_SIZES {
                self.sizes.clear();
            }
            let size = if self.is_over() { Size::AtLeast(most) } else { Size::Exactly(out.len() - start) };
            self.sizes.insert(hash, size);
        }

        /// Encodes what is of use only if it takes less than `most` bytes; `None`, mostly early, where it does not.
        pub(super) fn below<T>(&mut self, most: usize, encode: impl FnOnce(&mut Self) -> T) -> Option<T> {
            let before = self.left;
            self.left = most.min(before);
            let encoded = encode(self);
            let is_over = self.is_over();
            self.left = before;
            (!is_over).then_some(encoded)
        }

        /// Encodes what is of use for later, too.
        pub(super) fn unlimited<T>(&mut self, encode: impl FnOnce(&mut Self) -> T) -> T {
            let before = std::mem::replace(&mut self.left, usize::MAX);
            let encoded = encode(self);
            self.left = before;
            encoded
        }

        /// Whether only the size of what is encoded is wanted.
        pub(super) fn is_sample(&self) -> bool {
            self.is_sample
        }

        /// Whether what is encoded is of no use: nothing that is written any more counts.
        pub(super) fn is_over(&self) -> bool {
            self.left == 0
        }

        /// Notes that so many bytes were written for good.
        pub(super) fn spend(&mut self, bytes: usize) {
            self.left = self.left.saturating_sub(bytes);
        }

        /// Notes that what was encoded is of no use.
        pub(super) fn give_up(&mut self) {
            self.left = 0;
        }

        /// Notes that what was encoded needs these, too.
        pub(super) fn need(&mut self, needs: Needs) {
            self.needed.parents |= needs.parents;
            self.needed.models |= needs.models;
        }

        /// Encodes the nodes of a model.
        pub(super) fn nested<T>(&mut self, encode: impl FnOnce(&mut Self) -> T) -> T {
            self.nested += 1;
            let encoded = encode(self);
            self.nested -= 1;
            encoded
        }

        /// Encodes something that speaks of some rows of a scope only.
        pub(super) fn narrowed<T>(&mut self, scope: &Scope, rows: &[usize], encode: impl FnOnce(&mut Self) -> T) -> T {
            let all = self.scope.replace(Arc::new(scope.narrow(rows)));
            let encoded = encode(self);
            self.scope = all;
            encoded
        }

        /// The frame (without its magic) of some bytes, unless leaves are not compressed.
        pub(super) fn frame(&mut self, bytes: &[u8]) -> Option<&[u8]> {
            if !self.compress {
                return None;
            }
            let compressor = if self.is_sample { &mut self.measuring } else { &mut self.compressor };
            match compressor.compress_magicless(bytes) {
                Ok(frame) => Some(frame),
                Err(error) => {
                    self.failure.get_or_insert(error);
                    None
                }
            }
        }

        /// To be asked when a chunk is encoded.
        ///
        /// # Errors
        /// The first of compressing what is in it.
        pub(super) fn check(&mut self) -> Result<()> {
            self.failure.take().map_or(Ok(()), Err)
        }

        /// The size of `whole` values by that of so many of them when encoded, which are not the scope's rows; `None`
        /// where it does not suit, and where it is not below `most`.
        pub(super) fn measure(
            &mut self,
            most: usize,
            (sample, whole): (usize, usize),
            encode: impl FnOnce(&mut Self, &mut Vec<u8>) -> bool,
        ) -> Option<usize> {
            let scope = self.scope.take();
            let was_sample = std::mem::replace(&mut self.is_sample, true);
            let left = std::mem::replace(&mut self.left, unscaled(most, sample, whole));
            let mut out = Vec::new();
            let suits = encode(self, &mut out) && !self.is_over();
            self.left = left;
            self.is_sample = was_sample;
            self.scope = scope;
            let size = scaled(out.len(), sample, whole);
            (suits && size < most).then_some(size)
        }

        /// The blocks of neighbouring values to compare candidates on, spread evenly; `None` where there are so few
        /// values that all are compared, or where they are a sample already.
        pub(super) fn blocks(&self, len: usize) -> Option<impl Iterator<Item = Range<usize>> + use<>> {
            let last = len.checked_sub(BLOCK_LEN).filter(|_| len > WHOLE && !self.is_sample)?;
            let blocks = (len / BLOCK_LEN / 12).clamp(BLOCKS.0, BLOCKS.1);
            let start = move |block| last / (blocks - 1) * block;
            Some((0..blocks).map(move |block| start(block)..start(block) + BLOCK_LEN))
        }
    }

    /// The values of these blocks.
    pub(super) fn picked(values: &[u64], blocks: impl Iterator<Item = Range<usize>>) -> Vec<u64> {
        let mut sample = Vec::new();
        blocks.for_each(|block| sample.extend_from_slice(values.get(block).unwrap_or_default()));
        sample
    }

    /// A size for all values, from that of a sample of them.
    fn scaled(size: usize, sample: usize, whole: usize) -> usize {
        let size = u128::from(to_u64(size)) * u128::from(to_u64(whole)) / u128::from(to_u64(sample.max(1)));
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    /// The least size of a sample that is not below `most` for all values.
    fn unscaled(most: usize, sample: usize, whole: usize) -> usize {
        let size = (u128::from(to_u64(most)) * u128::from(to_u64(sample))).div_ceil(u128::from(to_u64(whole.max(1))));
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    /// Which size a candidate must be below to be better than the best one so far: of those of equal size, the lowest is.
    fn bound<C: PartialOrd>(candidate: C, best: Option<(C, usize)>) -> usize {
        best.map_or(usize::MAX, |(best, size)| size.saturating_add(usize::from(candidate < best)))
    }

    /// The candidate whose size is least. Sizes matter below the least so far only, so what is likely to be small is best
    /// tried first.
    pub(super) fn measured<C: Copy + PartialOrd>(
        candidates: &[C],
        mut measure: impl FnMut(C, usize) -> Option<usize>,
    ) -> Option<C> {
        let mut best = None;
        for &candidate in candidates {
            if let Some(size) = measure(candidate, bound(candidate, best)) {
                best = Some((candidate, size));
            }
        }
        best.map(|(candidate, _)| candidate)
    }

    /// Encodes `count` values by what measures as smallest, or by each candidate where nothing is measured; keeps the
    /// smallest. A candidate returns false where the values turn out not to suit it: then all others are tried. Where
    /// models make the first one good enough, nothing is measured.
    pub(super) fn smallest<C: Copy + PartialOrd>(
        encoder: &mut Encoder,
        count: usize,
        candidates: &[C],
        measure: impl FnOnce(&mut Encoder) -> Option<C>,
        mut encode: impl FnMut(&mut Encoder, C, &mut Vec<u8>) -> bool,
    ) -> Vec<u8> {
        let mut attempt = |encoder: &mut Encoder, candidate: C, most: usize| {
            let mut out = Vec::new();
            let encode = |encoder: &mut Encoder| encode(encoder, candidate, &mut out);
            let attempt = encoder.below(most, |encoder| encoder.attempt(encode));
            attempt.map(|(suits, needed)| (suits && out.len() < most).then_some((out, needed)))
        };
        let mut best = None;
        let mut known = None;
        if let Some(&candidate) = candidates.first().filter(|_| encoder.expects_enough(count)) {
            known = attempt(encoder, candidate, usize::MAX).flatten().map(|found| (candidate, found));
            best = known.take_if(|(_, (found, _))| encoder.is_enough(found.len(), count));
        }
        let measured = if best.is_none() { measure(encoder) } else { None };
        if let Some((candidate, found)) = known.filter(|(candidate, _)| measured == Some(*candidate)) {
            best = Some((candidate, found));
        } else if let Some(candidate) = measured {
            let Some(found) = attempt(encoder, candidate, usize::MAX) else {
                encoder.give_up();
                return Vec::new();
            };
            best = found.map(|found| (candidate, found));
        }
        if best.is_none() {
            for &candidate in candidates {
                let most = bound(candidate, best.as_ref().map(|(known, (best, _))| (*known, best.len())));
                if let Some(found) = attempt(encoder, candidate, most).flatten() {
                    best = Some((candidate, found));
                }
            }
        }
        // Every caller has a candidate that suits all values, unless what is smaller is known.
        let Some((_, (best, needed))) = best else {
            encoder.give_up();
            return Vec::new();
        };
        encoder.need(needed);
        encoder.spend(best.len());
        best
    }
}
