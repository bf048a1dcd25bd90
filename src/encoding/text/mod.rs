//! Text and binary: values of any length. Nothing here looks into them as characters; the reader of a column checks
//! that text is UTF-8.

pub mod codes;
mod constant;
mod dictionary;
mod front;
mod lengths;
mod template;
mod terminated;

use super::Decoder;
use crate::bytes::{ByteReader, to_u64};
use crate::column::VarBytes;
use crate::error::{Error, Result};

macro_rules! table {
    ($( $(#[doc = $doc:literal])* $id:literal $name:literal $variant:ident => $module:ident; )*) => {
        encodings! {
            "text and binary" TextEncoding;
            $( $(#[doc = $doc])* $id $name $variant; )*
        }

        impl TextEncoding {
            fn decode(self, reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
                match self { $(TextEncoding::$variant => $module::decode(reader, count, decoder),)* }
            }

            #[cfg(feature = "writer")]
            fn suits(self, facts: &encoder::Facts, role: Role) -> bool {
                match self { $(TextEncoding::$variant => $module::suits(facts, role),)* }
            }

            #[cfg(feature = "writer")]
            fn encode(self, text: &VarBytes, encoder: &mut super::Encoder, out: &mut Vec<u8>) -> bool {
                match self { $(TextEncoding::$variant => $module::encode(text, encoder, out),)* }
            }
        }
    };
}

table! {
    /// One value.
    0 "constant" Constant => constant;
    /// Values with a NUL behind each, in one stream.
    1 "terminated" Terminated => terminated;
    /// Lengths, and the bytes of all values in one stream.
    2 "lengths" Lengths => lengths;
    /// Distinct values, and which of them each is.
    3 "dictionary" Dictionary => dictionary;
    /// How much each value has in common with the one before, and the rest of it.
    4 "front" Front => front;
    /// Constant parts once, the numbers between them as integers.
    5 "template" Template => template;
}

/// Reads a node of `count` values.
///
/// # Errors
/// `corrupt`, `truncated`, `limit-exceeded`.
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    decoder.check_count(count, 8)?;
    let encoding = TextEncoding::from_id(reader.u8()?)?;
    decoder.note(encoding.as_str());
    let text = decoder.child(|decoder| encoding.decode(reader, count, decoder))?;
    if text.len() != count {
        return Err(Error::corrupt(format!("{} values where {count} belong", text.len())));
    }
    Ok(text)
}

/// The distinct values of a node of `count` values, where it stores them as such: all that occur, perhaps others.
///
/// # Errors
/// `corrupt`, `truncated`, `limit-exceeded`.
pub fn distinct_values(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Option<VarBytes>> {
    if count == 0 {
        return Ok(Some(VarBytes::default()));
    }
    match TextEncoding::from_id(reader.u8()?)? {
        TextEncoding::Constant => constant::decode(reader, 1, decoder).map(Some),
        TextEncoding::Dictionary => dictionary::entries(reader, count, decoder).map(Some),
        _ => Ok(None),
    }
}

/// Which of [`distinct_values`] each value of a node is, where it stores them as such.
///
/// # Errors
/// `corrupt`, `truncated`, `limit-exceeded`.
pub fn distinct_codes(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Option<Vec<u32>>> {
    if count == 0 {
        return Ok(Some(Vec::new()));
    }
    match TextEncoding::from_id(reader.u8()?)? {
        TextEncoding::Constant => constant::decode(reader, 1, decoder).map(|_| Some(vec![0; count])),
        TextEncoding::Dictionary => dictionary::entries_and_codes(reader, count, decoder).map(|(_, codes)| Some(codes)),
        _ => Ok(None),
    }
}

/// Bytes that are copied at once.
const BLOCK: usize = 16;

/// Most that is written behind the text that belongs there.
const ROOM: usize = 4 * BLOCK;

/// Most that is reserved for nothing.
const SLACK: usize = 1 << 15;

/// A piece of text that is at hand for many values. What is short is copied by blocks, as numbers: compilers make one
/// copy of unknown length of anything else, which is a call in wasm.
struct Piece {
    text: Vec<u8>,
    /// Blocks, and how many bytes of each belong to the text; none where it is long.
    blocks: Vec<(u128, usize)>,
}

impl Piece {
    /// Writes it to the start of what has room for so many blocks.
    #[inline]
    fn put(&self, to: &mut [u8]) {
        if self.text.len() > ROOM {
            to.get_mut(..self.text.len()).into_iter().for_each(|to| to.copy_from_slice(&self.text));
        }
        let mut at = 0;
        for (block, len) in &self.blocks {
            if let Some(to) = to.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *to = block.to_le_bytes();
            }
            at += len;
        }
    }

    fn new(text: &[u8]) -> Self {
        let block = |part: &[u8]| {
            let mut block = [0; BLOCK];
            block.iter_mut().zip(part).for_each(|(to, &from)| *to = from);
            (u128::from_le_bytes(block), part.len())
        };
        let short = if text.len() > ROOM { &[] } else { text };
        Piece { text: text.to_vec(), blocks: short.chunks(BLOCK).map(block).collect() }
    }
}

/// Collects values whose bytes together are within the limit.
struct Builder {
    offsets: Vec<i32>,
    /// The first `len` of them belong to values; what is behind is room.
    bytes: Vec<u8>,
    len: usize,
    limit: u64,
}

impl Builder {
    fn new(count: usize, decoder: &Decoder) -> Self {
        let mut offsets = Vec::with_capacity(count + 1);
        offsets.push(0);
        let limit = decoder.limit.min(i32::MAX as u64);
        Builder { offsets, bytes: Vec::new(), len: 0, limit }
    }

    /// Makes room for so many bytes.
    #[cold]
    fn grow(&mut self, more: usize) -> Result<()> {
        self.check()?;
        let size = self.len.saturating_add(more);
        if to_u64(size) > self.limit.saturating_add(to_u64(SLACK)) {
            return Err(Error::limit("bytes of one column chunk", to_u64(size), self.limit));
        }
        let known = self.offsets.len().max(1);
        let guess = (self.len / known + 1).saturating_mul(self.offsets.capacity()).min(self.len.saturating_mul(2));
        self.bytes.resize(size.max(guess).max(1024), 0);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let size = to_u64(self.len);
        if size > self.limit {
            return Err(Error::limit("bytes of one column chunk", size, self.limit));
        }
        Ok(())
    }

    /// The same, if there is not so much already.
    #[inline]
    fn reserve(&mut self, more: usize) -> Result<()> {
        if self.bytes.len() - self.len < more { self.grow(more) } else { Ok(()) }
    }

    /// Adds bytes to the value that comes next.
    fn extend(&mut self, bytes: &[u8]) -> Result<()> {
        self.reserve(bytes.len())?;
        let end = self.len + bytes.len();
        if let Some(to) = self.bytes.get_mut(self.len..end) {
            to.copy_from_slice(bytes);
        }
        self.len = end;
        Ok(())
    }

    /// Adds values of at most `most` bytes, each by writing it to the start of what it gets and saying how long it is.
    /// `ROOM` bytes more may be overwritten.
    #[inline]
    fn extend_values(
        &mut self,
        count: usize,
        most: usize,
        mut write: impl FnMut(usize, &mut [u8]) -> Result<usize>,
    ) -> Result<()> {
        self.reserve(most.saturating_mul(count).saturating_add(ROOM))?;
        let mut len = self.len;
        for index in 0..count {
            len += write(index, self.bytes.get_mut(len..).unwrap_or_default())?;
            // finish() refuses what is beyond 31 bits.
            self.offsets.push(i32::try_from(len).unwrap_or(i32::MAX));
        }
        self.len = len;
        Ok(())
    }

    /// Adds one value, which is not empty, so many times. `ROOM` bytes more may be overwritten then.
    fn repeat(&mut self, value: &[u8], count: usize) -> Result<()> {
        let (start, one) = (self.len, value.len());
        let size = one.saturating_mul(count);
        self.reserve(size.saturating_add(ROOM))?;
        let to = self.bytes.get_mut(start..start + size).unwrap_or_default();
        to.iter_mut().zip(value).for_each(|(to, &from)| *to = from);
        // What there is is copied behind itself.
        let mut known = one;
        while known < size {
            let more = known.min(size - known);
            to.copy_within(..more, known);
            known += more;
        }
        // finish() refuses what is beyond 31 bits.
        self.offsets.extend((1..=count).map(|end| i32::try_from(start + one * end).unwrap_or(i32::MAX)));
        self.len = start + size;
        Ok(())
    }

    /// Ends the value.
    fn end(&mut self) {
        // finish() refuses what is beyond 31 bits.
        self.offsets.push(i32::try_from(self.len).unwrap_or(i32::MAX));
    }

    fn finish(mut self) -> Result<VarBytes> {
        self.check()?;
        self.bytes.truncate(self.len);
        VarBytes::new(self.offsets, self.bytes)
    }
}

#[cfg(feature = "writer")]
pub use dictionary::Dictionary;
#[cfg(feature = "writer")]
pub use encoder::{Role, encode};

#[cfg(feature = "writer")]
mod encoder {
    use std::ops::Range;

    use super::TextEncoding;
    use super::dictionary::Dictionary;
    use crate::column::VarBytes;
    use crate::encoding::Encoder;
    use crate::encoding::encoder::{measured, smallest};

    /// What text is for, which tells what is worth trying.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Role {
        /// A column's own values.
        Values,
        /// Entries of a dictionary: distinct and ascending.
        Entries,
        /// What is left when another encoding took the regular part.
        Rest,
    }

    /// All of them, those that are best where they suit first.
    const TRIED: [TextEncoding; TextEncoding::ALL.len()] = [
        TextEncoding::Constant,
        TextEncoding::Dictionary,
        TextEncoding::Template,
        TextEncoding::Front,
        TextEncoding::Terminated,
        TextEncoding::Lengths,
    ];

    /// What the values tell at once.
    #[derive(Clone, Copy, Debug)]
    pub struct Facts {
        /// Number of values.
        pub len: usize,
        /// Whether all are equal.
        pub is_constant: bool,
        /// Whether a value holds a NUL.
        pub has_nul: bool,
        /// Whether most neighbours do not descend.
        pub ascends: bool,
        /// Whether a value holds a digit.
        pub has_digit: bool,
    }

    /// By all values, a sample of them, and at least those that are distinct.
    fn facts(text: &VarBytes, sample: &VarBytes, distinct: &VarBytes) -> Facts {
        let pairs = || sample.iter().zip(sample.iter().skip(1));
        let first = text.get(0);
        Facts {
            len: text.len(),
            is_constant: text.iter().all(|value| value == first),
            has_nul: distinct.bytes().contains(&0),
            ascends: pairs().filter(|(a, b)| a <= b).count() * 4 >= sample.len() * 3,
            has_digit: distinct.bytes().iter().any(u8::is_ascii_digit),
        }
    }

    /// The values of these blocks.
    pub fn picked(text: &VarBytes, blocks: impl Iterator<Item = Range<usize>>) -> VarBytes {
        let mut sample = VarBytes::default();
        // A part of a column is within the limit of a column.
        blocks.for_each(|block| sample.append(&text.slice(block)).unwrap_or_default());
        sample
    }

    /// Writes a node.
    pub fn encode(text: &VarBytes, role: Role, encoder: &mut Encoder, out: &mut Vec<u8>) {
        if encoder.is_over() {
            return;
        }
        let len = text.len();
        let wants_dictionary = encoder.wants_dictionary() && role == Role::Values;
        let sample = encoder.blocks(len).map(|blocks| picked(text, blocks));
        let mut dictionary = encoder.dictionary(len).filter(|_| role == Role::Values);
        let distinct = dictionary.as_deref().map_or(text, Dictionary::entries);
        let facts = facts(text, sample.as_ref().unwrap_or(text), distinct);
        let suiting = |encoding: &TextEncoding| encoding.suits(&facts, role);
        let mut candidates: Vec<TextEncoding> = TRIED.into_iter().filter(suiting).collect();
        if candidates.contains(&TextEncoding::Dictionary) {
            dictionary = dictionary.or_else(|| Dictionary::of(text, wants_dictionary).map(std::sync::Arc::new));
            if dictionary.is_none() {
                candidates.retain(|&encoding| encoding != TextEncoding::Dictionary);
            }
        }
        if wants_dictionary && candidates.contains(&TextEncoding::Dictionary) {
            candidates = vec![TextEncoding::Dictionary];
        } else if role == Role::Values && encoder.has_models() {
            // Those of whose integers the models speak, if there are such.
            let is_modelled = |encoding: &TextEncoding| {
                matches!(encoding, TextEncoding::Dictionary | TextEncoding::Template | TextEncoding::Constant)
            };
            if candidates.iter().any(is_modelled) {
                candidates.retain(is_modelled);
            }
        }
        let measure = |encoder: &mut Encoder| {
            let sample = sample.filter(|_| candidates.len() > 1)?;
            measured(&candidates, |encoding, most| match &dictionary {
                Some(dictionary) if encoding == TextEncoding::Dictionary => dictionary.measure(most, encoder),
                _ => encoder.measure(most, (sample.len(), len), |encoder, out| encoding.encode(&sample, encoder, out)),
            })
        };
        let best = smallest(encoder, len, &candidates, measure, |encoder, encoding, out| {
            out.push(encoding.id());
            match &dictionary {
                Some(dictionary) if encoding == TextEncoding::Dictionary => dictionary.write(encoder, out),
                _ => return encoding.encode(text, encoder, out),
            }
            true
        });
        out.extend(best);
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::encoding::Encoder;

    fn text(values: impl IntoIterator<Item = impl AsRef<[u8]>>) -> VarBytes {
        let mut text = VarBytes::default();
        for value in values {
            text.push(value.as_ref()).unwrap();
        }
        text
    }

    fn cases() -> Vec<(&'static str, VarBytes)> {
        let mut next = crate::testing::noise(1);
        vec![
            ("empty", VarBytes::default()),
            ("empty values", text(["", "", ""])),
            ("constant", text(vec!["abc"; 300])),
            ("names", text((0..60_000).map(|i| format!("User_{i}")))),
            ("emails", text((0..3_000).map(|i| format!("user{i}@example.com")))),
            ("dates", text((0..3_000).map(|i| format!("2013-{:02}-{:02}", i / 28 % 12 + 1, i % 28 + 1)))),
            (
                "mixed",
                text(
                    (0..3_000).map(|i| if i % 9 == 0 { "n/a".to_owned() } else { format!("{}:{:02}", i % 24, i % 60) }),
                ),
            ),
            ("leading zeros", text(["007", "7", "07", "0", "00", "1e5", "12345678901234567890123"])),
            ("categories", text((0..9_000).map(|_| ["A", "B", "C", "D", "E"][(next() % 5) as usize]))),
            ("sorted words", text((0..5_000).map(|i| format!("prefix/{:06}/{}", i * 37, i % 7)))),
            ("with nul", text((0..500).map(|i| format!("a\0b{}", i % 40)))),
            ("bytes", text((0..2_000).map(|_| next().to_le_bytes()[..(next() % 8) as usize].to_vec()))),
            ("unicode", text((0..2_000).map(|i| format!("Zoë {} 日本 №{}", i % 31, i)))),
        ]
    }

    #[test]
    fn a_wanted_dictionary_is_one_however_many_values_are_distinct() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        for values in
            [text((0..3_000).map(|i| format!("user{i}@example.com"))), text((0..60_000).map(|i| i.to_string()))]
        {
            for wants in [false, true] {
                encoder.set_wants_dictionary(wants);
                let mut out = Vec::new();
                encode(&values, Role::Values, &mut encoder, &mut out);
                assert_eq!(out.first() == Some(&TextEncoding::Dictionary.id()), wants);
                let mut reader = ByteReader::new(&out, 0);
                assert_eq!(decode(&mut reader, values.len(), &mut Decoder::new(1 << 30)).unwrap(), values);
            }
        }
        // Where all are equal, one is enough.
        let mut out = Vec::new();
        encode(&text(vec!["abc"; 300]), Role::Values, &mut encoder, &mut out);
        assert_eq!(out.first(), Some(&TextEncoding::Constant.id()));
    }

    #[test]
    fn ids_never_change() {
        let ids: Vec<_> = TextEncoding::ALL.iter().map(|e| (e.id(), e.as_str())).collect();
        assert_eq!(
            ids,
            [(0, "constant"), (1, "terminated"), (2, "lengths"), (3, "dictionary"), (4, "front"), (5, "template")]
        );
    }

    #[test]
    fn every_encoding_round_trips_and_cuts_are_errors() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        for (name, text) in cases() {
            let mut outputs = vec![("chosen", Vec::new())];
            encode(&text, Role::Values, &mut encoder, &mut outputs[0].1);
            let is_constant = text.iter().all(|value| value == text.get(0));
            let has_nul = text.bytes().contains(&0);
            for encoding in TextEncoding::ALL {
                let mut out = vec![encoding.id()];
                let refused = match encoding {
                    TextEncoding::Constant => !is_constant,
                    TextEncoding::Terminated | TextEncoding::Template => has_nul,
                    _ => false,
                };
                if !refused && encoding.encode(&text, &mut encoder, &mut out) {
                    outputs.push((encoding.as_str(), out));
                }
            }
            for (encoding, out) in outputs {
                let mut reader = ByteReader::new(&out, 0);
                let mut decoder = Decoder::new(1 << 24);
                assert!(decode(&mut reader, text.len(), &mut decoder).unwrap() == text, "{name} {encoding}");
                assert_eq!(reader.remaining(), 0, "{name} {encoding}");
                for end in (0..out.len()).step_by(1 + out.len() / 30) {
                    let cut = &mut ByteReader::new(&out[..end], 0);
                    assert!(decode(cut, text.len(), &mut decoder).is_err(), "{name} {encoding}");
                }
            }
        }
    }

    #[test]
    fn regular_text_costs_almost_nothing() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        for (name, most) in [("constant", 8), ("names", 60), ("emails", 60)] {
            let (_, text) = cases().into_iter().find(|case| case.0 == name).unwrap();
            let mut out = Vec::new();
            encode(&text, Role::Values, &mut encoder, &mut out);
            assert!(out.len() <= most, "{name}: {} bytes", out.len());
        }
    }
}
