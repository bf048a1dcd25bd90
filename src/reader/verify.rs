//! Whole-file checksums of the legacy dialects.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::bytes::to_u64;
use crate::error::{Error, Result};
use crate::format::DIGEST_SIZE;

/// Bytes that a verifier asks for at a time.
const STRIDE: u64 = 4 << 20;

/// Hashes a file piece by piece.
///
/// ```text
/// while let Some(range) = verifier.next_range() { verifier.push(bytes of range) }
/// verifier.finish()
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    hash: Sha256,
    /// The same with `zeroed` as zero bytes, in the dialect that hashes before it patches its header.
    hash_zeroed: Option<Sha256>,
    zeroed: Range<u64>,
    covered: Range<u64>,
    next: u64,
    expected: [u8; DIGEST_SIZE],
}

/// What a verifier found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the bytes are those that were written.
    pub is_valid: bool,
    /// The digest that the file states.
    pub expected: [u8; DIGEST_SIZE],
    /// The digest of the bytes, by the dialect's rule.
    pub actual: [u8; DIGEST_SIZE],
}

impl Verdict {
    /// The verdict as a result.
    ///
    /// # Errors
    /// `checksum-mismatch`.
    pub fn check(&self) -> Result<()> {
        if self.is_valid {
            return Ok(());
        }
        Err(Error::checksum(&self.expected, &self.actual))
    }
}

impl Verifier {
    pub(super) fn new(covered: Range<u64>, zeroed: Option<Range<u64>>, expected: [u8; DIGEST_SIZE]) -> Self {
        Verifier {
            hash: Sha256::new(),
            hash_zeroed: zeroed.as_ref().map(|_| Sha256::new()),
            zeroed: zeroed.unwrap_or_default(),
            next: covered.start,
            covered,
            expected,
        }
    }

    /// All bytes that the checksum covers.
    #[must_use]
    pub fn covered(&self) -> Range<u64> {
        self.covered.clone()
    }

    /// The absolute byte range to push next; `None` at the end.
    #[must_use]
    pub fn next_range(&self) -> Option<Range<u64>> {
        let end = self.covered.end.min(self.next + STRIDE);
        (self.next < end).then_some(self.next..end)
    }

    /// Hashes the bytes of [`Self::next_range`].
    pub fn push(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        if let Some(hash) = &mut self.hash_zeroed {
            let inside =
                |offset: u64| usize::try_from(offset.saturating_sub(self.next)).unwrap_or(usize::MAX).min(bytes.len());
            let (from, to) = (inside(self.zeroed.start), inside(self.zeroed.end));
            hash.update(bytes.get(..from).unwrap_or_default());
            hash.update(vec![0; to - from]);
            hash.update(bytes.get(to..).unwrap_or_default());
        }
        self.next += to_u64(bytes.len());
    }

    /// Compares. Either rule is enough where there are two.
    #[must_use]
    pub fn finish(self) -> Verdict {
        let plain: [u8; DIGEST_SIZE] = self.hash.finalize().into();
        let complete = self.next == self.covered.end;
        let mut actual = plain;
        if let Some(hash) = self.hash_zeroed.filter(|_| plain != self.expected) {
            actual = hash.finalize().into();
        }
        Verdict { is_valid: complete && actual == self.expected, expected: self.expected, actual }
    }
}
