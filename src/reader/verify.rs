//! Checksums of whole files.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::bytes::to_u64;
use crate::error::{Error, Result};
use crate::format::DIGEST_SIZE;
use crate::sort::sort_by_key;

/// Bytes that a verifier asks for at a time, at most.
const STRIDE: u64 = 4 << 20;

/// A byte range and the digest that it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Absolute byte range.
    pub range: Range<u64>,
    /// SHA-256 of the bytes.
    pub expected: [u8; DIGEST_SIZE],
    /// What is there: "file" (all that a legacy checksum covers), "header", "chunk", "digests", "block", "footer".
    pub section: &'static str,
    /// Position of the column it belongs to.
    pub column: Option<usize>,
    /// Row group of a chunk.
    pub group: Option<usize>,
}

/// A part whose bytes are not those that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The part.
    pub part: Part,
    /// SHA-256 of the bytes that are there.
    pub actual: [u8; DIGEST_SIZE],
}

/// Hashes a file piece by piece.
///
/// ```text
/// while let Some(range) = verifier.next_range() { verifier.push(bytes of range) }
/// verifier.finish()
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    /// Parts to hash, in the order of their offsets, the next one last.
    parts: Vec<Part>,
    /// Bytes of all parts.
    size: u64,
    /// Hashed so far of the current part.
    done: u64,
    hash: Sha256,
    /// Hashed beside it with `zeroed` as zero bytes, in the dialect that hashes before it patches its header.
    zeroed: Option<(Range<u64>, Sha256)>,
    /// The digest that stands for the whole file.
    expected: [u8; DIGEST_SIZE],
    problems: Vec<Problem>,
}

/// What a verifier found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the bytes are those that were written.
    pub is_valid: bool,
    /// The digest that the file states; where it has several, that of the first part that differs.
    pub expected: [u8; DIGEST_SIZE],
    /// The digest of the bytes, by the dialect's rule.
    pub actual: [u8; DIGEST_SIZE],
    /// What differs.
    pub problems: Vec<Problem>,
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
    /// One digest for the whole file; `zeroed` may count as zeros.
    pub(super) fn whole(covered: Range<u64>, zeroed: Option<Range<u64>>, expected: [u8; DIGEST_SIZE]) -> Self {
        let part = Part { range: covered, expected, section: "file", column: None, group: None };
        let mut verifier = Verifier::parts(vec![part], expected);
        verifier.zeroed = zeroed.map(|range| (range, Sha256::new()));
        verifier
    }

    /// A digest for each part; `expected` stands for all of them.
    pub(super) fn parts(mut parts: Vec<Part>, expected: [u8; DIGEST_SIZE]) -> Self {
        sort_by_key(&mut parts, |part| (part.range.start, part.range.end));
        parts.reverse();
        Verifier {
            size: parts.iter().map(|part| part.range.end - part.range.start).sum(),
            parts,
            done: 0,
            hash: Sha256::new(),
            zeroed: None,
            expected,
            problems: Vec::new(),
        }
    }

    /// How many bytes there are to push.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The absolute byte range to push next, of one part or of several that follow each other; `None` at the end.
    #[must_use]
    pub fn next_range(&self) -> Option<Range<u64>> {
        let start = self.parts.last()?.range.start + self.done;
        let limit = start + STRIDE;
        let mut end = start;
        for part in self.parts.iter().rev() {
            if part.range.start > end || end >= limit {
                break;
            }
            end = part.range.end;
        }
        Some(start..end.min(limit))
    }

    /// Hashes the bytes of [`Self::next_range`].
    pub fn push(&mut self, mut bytes: &[u8]) {
        while let Some(part) = self.parts.last() {
            let left = part.range.end - part.range.start - self.done;
            let (now, later) =
                bytes.split_at_checked(usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or((bytes, &[]));
            self.push_part(part.range.start + self.done, now);
            if to_u64(now.len()) < left {
                break;
            }
            self.end_part();
            bytes = later;
        }
    }

    /// Hashes bytes of the current part, which start at an absolute offset.
    fn push_part(&mut self, start: u64, bytes: &[u8]) {
        self.hash.update(bytes);
        if let Some((zeroed, hash)) = &mut self.zeroed {
            let inside =
                |offset: u64| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
            let (from, to) = (inside(zeroed.start), inside(zeroed.end));
            hash.update(bytes.get(..from).unwrap_or_default());
            hash.update(vec![0; to - from]);
            hash.update(bytes.get(to..).unwrap_or_default());
        }
        self.done += to_u64(bytes.len());
    }

    fn end_part(&mut self) {
        self.done = 0;
        let mut actual: [u8; DIGEST_SIZE] = self.hash.finalize_reset().into();
        if let Some(part) = self.parts.pop() {
            if let Some((_, hash)) = self.zeroed.take().filter(|_| actual != part.expected) {
                actual = hash.finalize().into();
            }
            if actual != part.expected {
                self.problems.push(Problem { part, actual });
            }
        }
    }

    /// Compares. Either rule is enough where there are two. What was not pushed is not valid.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        while !self.parts.is_empty() {
            self.end_part();
        }
        let first = self.problems.first();
        Verdict {
            is_valid: first.is_none(),
            expected: first.map_or(self.expected, |problem| problem.part.expected),
            actual: first.map_or(self.expected, |problem| problem.actual),
            problems: self.problems,
        }
    }
}
