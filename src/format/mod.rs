//! The bytes of every dialect: constants, sections, metadata. No I/O, and no knowledge of how values are encoded.
//!
//! All dialects start `NCF\x01` + u32 version. Version 1 has three dialects that say nothing about which they are;
//! [`sniff`] tells them apart by the shape of their offsets. `docs/format.md` is the normative text.

pub mod msgpack;
pub mod payload;
pub mod pickle;
pub mod python10;
pub mod python11;
pub mod rust20;
pub mod schema_map;
pub mod version2;

use crate::bytes::{ByteReader, Interrupt, Segments, Step};
use crate::error::{Error, Result};

/// First bytes of every file.
pub const MAGIC: [u8; 4] = *b"NCF\x01";
/// First bytes of every legacy footer.
pub const FOOTER_MAGIC: [u8; 4] = *b"NCFE";
/// The version field of all legacy dialects.
pub const LEGACY_VERSION: u32 = 1;
/// Newest version that this crate reads.
pub const NEWEST_VERSION: u32 = version2::VERSION;
/// Bytes of a SHA-256.
pub const DIGEST_SIZE: usize = 32;
/// Bytes that [`sniff`] needs at most, and of the longest legacy header with its prelude.
pub const SNIFF_SIZE: u64 = 128;

/// Which writer's bytes a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Our own version 2.
    Version2,
    /// NeuroLake's Python writer.
    Python10,
    /// NeuroLake's "optimized" Python writers, whose files lost data when they were written.
    Python11,
    /// NeuroLake's Rust writer.
    Rust20,
}

impl Dialect {
    /// All dialects.
    pub const ALL: &[Dialect] = &[Dialect::Version2, Dialect::Python10, Dialect::Python11, Dialect::Rust20];

    /// The name in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::Version2 => "ncf-2",
            Dialect::Python10 => "python-1.0",
            Dialect::Python11 => "python-1.1",
            Dialect::Rust20 => "rust-2.0",
        }
    }

    /// The dialect of that name.
    ///
    /// # Errors
    /// `invalid-argument`, naming what is known.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|dialect| dialect.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|dialect| dialect.as_str()).collect();
            Error::invalid("dialect", format!("{name:?} is not one of {}", known.join(", ")))
        })
    }
}

/// Finds out the dialect from the first bytes.
///
/// # Errors
/// `not-ncf`, `unsupported-version`, `truncated`, or `corrupt` for a version 1 file of no known dialect.
pub fn sniff(segments: &Segments) -> Step<Dialect> {
    let head = head(segments)?;
    sniff_head(head, segments.size()).map_err(|error| Interrupt::Failed(error.in_section("header")))
}

/// The version that the first bytes state.
///
/// # Errors
/// `not-ncf`, `truncated`.
pub fn read_version(segments: &Segments) -> Step<u32> {
    let mut reader = ByteReader::new(head(segments)?, 0);
    let mut read = || {
        reader.take(MAGIC.len())?;
        reader.u32()
    };
    read().map_err(|error: Error| Interrupt::Failed(error.in_section("header")))
}

/// The first bytes, which start with the magic.
fn head(segments: &Segments) -> Step<&[u8]> {
    let head = segments.prefix(0, SNIFF_SIZE.min(segments.size()), SNIFF_SIZE)?;
    let magic = head.get(..MAGIC.len()).unwrap_or(head);
    if !MAGIC.starts_with(magic) || magic.is_empty() {
        return Err(Error::not_ncf(head).at(0).into());
    }
    Ok(head)
}

fn sniff_head(head: &[u8], size: u64) -> Result<Dialect> {
    let mut reader = ByteReader::new(head, 0);
    reader.take(MAGIC.len())?;
    let version = reader.u32()?;
    if version == version2::VERSION {
        return Ok(Dialect::Version2);
    }
    if version != LEGACY_VERSION {
        return Err(Error::unsupported_version(version, NEWEST_VERSION).at(4));
    }
    if size < python10::HEADER_END {
        return Err(Error::truncated(python10::HEADER_END, size));
    }
    let at = |offset: usize| ByteReader::new(head.get(offset..).unwrap_or_default(), offset as u64);
    let (a, b) = (u64::from(at(8).u32()?), u64::from(at(12).u32()?));
    if a == python10::HEADER_END && b > python10::HEADER_END {
        return Ok(Dialect::Python10);
    }
    let mut offsets = at(8);
    let (schema, statistics) = (offsets.u64()?, offsets.u64()?);
    let (data, footer) = (offsets.u64()?, offsets.u64()?);
    if schema == 0 && statistics == 0 {
        return Err(Error::corrupt(
            "the header is still a placeholder: the writer stopped before it finished, and there is no footer",
        )
        .at(8));
    }
    let schema_length = u64::from(at(64).u32()?);
    if schema == python11::HEADER_END
        && statistics == python11::HEADER_END + 4 + schema_length
        && footer == data
        && at(48).u32()? != 0
    {
        return Ok(Dialect::Python11);
    }
    let ordered = rust20::HEADER_SIZE <= schema && schema < statistics && statistics <= data && data < footer;
    if ordered || (schema < statistics && statistics < data && data == footer) {
        // Whether `file[schema - 64..]` is a header is for rust20 to see; it may lie behind the sniffed bytes.
        if footer >= size {
            return Err(Error::truncated(footer.saturating_add(rust20::FOOTER_SIZE), size));
        }
        return Ok(Dialect::Rust20);
    }
    Err(Error::corrupt("version 1, but the offsets are those of no known writer").at(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_never_change() {
        assert_eq!(MAGIC, [0x4e, 0x43, 0x46, 0x01]);
        assert_eq!(FOOTER_MAGIC, [0x4e, 0x43, 0x46, 0x45]);
        assert_eq!((LEGACY_VERSION, DIGEST_SIZE), (1, 32));
        assert_eq!((python10::HEADER_END, python10::FOOTER_SIZE), (68, 165));
        assert_eq!((python11::HEADER_END, rust20::HEADER_SIZE, rust20::FOOTER_SIZE), (64, 64, 36));
    }

    #[test]
    fn dialects_have_names() {
        for &dialect in Dialect::ALL {
            assert_eq!(Dialect::from_name(dialect.as_str()).unwrap(), dialect);
        }
        assert!(Dialect::from_name("parquet").is_err());
    }

    #[test]
    fn what_is_not_ncf_is_refused_by_its_first_bytes() {
        let code = |bytes: &[u8]| {
            let mut segments = Segments::new(bytes.len() as u64);
            segments.supply(0, bytes.to_vec()).unwrap();
            match sniff(&segments) {
                Err(Interrupt::Failed(error)) => error.code().as_str(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(code(b""), "not-ncf");
        assert_eq!(code(b"PAR1"), "not-ncf");
        assert_eq!(code(b"NC"), "truncated");
        assert_eq!(code(b"NCF\x01\x01\0\0\0"), "truncated");
        assert_eq!(code(&[&b"NCF\x01\x09\0\0\0"[..], &[0; 100]].concat()), "unsupported-version");
        assert_eq!(code(&[&b"NCF\x01\x01\0\0\0"[..], &[0; 100]].concat()), "corrupt");
        assert_eq!(code(&[&b"NCF\x01\x01\0\0\0"[..], &[7; 100]].concat()), "corrupt");
    }
}
