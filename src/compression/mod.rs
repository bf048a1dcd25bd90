//! Codecs: bytes to bytes, behind one table.
//!
//! Ids are stored in files and never change. Compression knows nothing of columns; the size of what comes out is
//! bounded before anything is allocated, and a length that the file states is required to be the length that comes out.

pub mod zstd;

use std::borrow::Cow;

use crate::bytes::{to_u64, to_usize};
use crate::error::{Error, Result};

/// How a byte run is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Stored as it is.
    None,
    /// Zstandard, RFC 8878.
    Zstd,
}

impl Compression {
    /// Every codec that can be read.
    pub const ALL: &[Compression] = &[Compression::None, Compression::Zstd];

    /// The id in files.
    #[must_use]
    pub fn id(self) -> u8 {
        match self {
            Compression::None => 0,
            Compression::Zstd => 1,
        }
    }

    /// The name in JavaScript and in schemas.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Zstd => "zstd",
        }
    }

    /// The codec with that id.
    ///
    /// # Errors
    /// `unsupported-feature` for the ids that NeuroLake named and nobody ever wrote, else `corrupt`.
    pub fn from_id(id: u8) -> Result<Self> {
        match id {
            0 => Ok(Compression::None),
            1 => Ok(Compression::Zstd),
            2 => Err(Error::unsupported("compression id 2 (lz4)")),
            3 => Err(Error::unsupported("compression id 3 (neural)")),
            _ => Err(Error::corrupt(format!("unknown compression id {id} (known: 0 none, 1 zstd)"))),
        }
    }

    /// Restores what was compressed; borrowed where it was stored as it is.
    ///
    /// `expected` is the size that the file states elsewhere, if it does. `limit` bounds the output in bytes.
    ///
    /// # Errors
    /// `corrupt` for damaged input or another size than stated, `limit-exceeded` over the limit.
    pub fn decompress(self, stored: &[u8], expected: Option<u64>, limit: u64) -> Result<Cow<'_, [u8]>> {
        match self {
            Compression::None => {
                let size = to_u64(stored.len());
                if size > limit {
                    return Err(Error::limit("bytes of one column", size, limit));
                }
                if let Some(expected) = expected.filter(|&expected| expected != size) {
                    return Err(Error::corrupt(format!("{size} bytes stored where {expected} belong")));
                }
                Ok(Cow::Borrowed(stored))
            }
            Compression::Zstd => {
                let info = zstd::inspect(stored)?;
                let size = match (info.content_size, expected) {
                    (Some(stated), Some(expected)) if stated != expected => {
                        return Err(Error::corrupt(format!("zstd frame of {stated} bytes where {expected} belong")));
                    }
                    (stated, expected) => stated.or(expected),
                };
                if let Some(size) = size {
                    if size > info.max_size {
                        return Err(Error::corrupt(format!(
                            "zstd frame states {size} bytes, its blocks hold at most {}",
                            info.max_size
                        )));
                    }
                    if size > limit {
                        return Err(Error::limit("bytes of one column", size, limit));
                    }
                }
                let bound = to_usize(size.unwrap_or(limit.min(info.max_size)), "bytes of one column")?;
                let restored = zstd::decompress(stored, bound).map_err(|error| match error {
                    zstd::DecodeError::OverBound if size.is_none() && limit < info.max_size => {
                        Error::limit("bytes of one column", info.max_size, limit)
                    }
                    zstd::DecodeError::OverBound => Error::corrupt("zstd frame holds more bytes than stated"),
                    zstd::DecodeError::Damaged(what) => Error::corrupt(format!("damaged zstd frame: {what}")),
                })?;
                if let Some(size) = size.filter(|&size| size != to_u64(restored.len())) {
                    return Err(Error::corrupt(format!(
                        "zstd frame holds {} bytes where {size} belong",
                        restored.len()
                    )));
                }
                Ok(Cow::Owned(restored))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_change() {
        assert_eq!((Compression::None.id(), Compression::Zstd.id()), (0, 1));
        for &codec in Compression::ALL {
            assert_eq!(Compression::from_id(codec.id()).unwrap(), codec);
        }
        assert_eq!(Compression::from_id(3).unwrap_err().code().as_str(), "unsupported-feature");
        assert_eq!(Compression::from_id(4).unwrap_err().code().as_str(), "corrupt");
    }

    #[test]
    fn stored_bytes_must_have_the_stated_size() {
        assert_eq!(Compression::None.decompress(b"abc", Some(3), 3).unwrap(), &b"abc"[..]);
        assert!(Compression::None.decompress(b"abc", Some(4), 9).is_err());
        assert!(Compression::None.decompress(b"abc", None, 2).is_err());
    }
}
