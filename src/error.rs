//! The one error type, and the one list of error codes.
//!
//! A code says who has to act, the fields of [`ErrorKind`] say what was seen and what is allowed, and the
//! context (section, column, byte offset) says where. [`CODES`] is the single list from which Rust, the
//! TypeScript union and the README table come; `tests/generated.rs` keeps them in step.

use std::borrow::Cow;
use std::fmt;

/// Result of everything that can fail in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One row of the list of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeInfo {
    /// Stable name, part of the API.
    pub code: &'static str,
    /// What it means, one sentence.
    pub meaning: &'static str,
    /// Who has to act.
    pub who: &'static str,
}

macro_rules! codes {
    ($( $(#[doc = $doc:literal])* $name:ident = $code:literal, $meaning:literal, $who:literal; )*) => {
        /// A stable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $( #[doc = $meaning] $name, )* }

        /// Every code, those of the JavaScript host layer included.
        pub const CODES: &[CodeInfo] = &[
            $( CodeInfo { code: $code, meaning: $meaning, who: $who }, )*
        ];

        impl Code {
            /// The name that JavaScript sees in `NcfError.code`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Code::$name => $code, )* }
            }
        }
    };
}

codes! {
    NotNcf = "not-ncf", "The bytes do not start like an NCF file.", "caller: wrong file";
    UnsupportedVersion = "unsupported-version", "The file has a format version that this release does not know.", "caller: upgrade";
    UnsupportedFeature = "unsupported-feature", "The file or the call uses something known by name but not supported here.", "caller: see the message for the way round";
    Truncated = "truncated", "The bytes end before the structure that they announce.", "source of the file";
    Corrupt = "corrupt", "The bytes break a rule of the format.", "source of the file";
    ChecksumMismatch = "checksum-mismatch", "The bytes are not the ones that were written.", "source of the file";
    LimitExceeded = "limit-exceeded", "Reading or writing this needs more than a stated limit.", "caller: raise the limit, or distrust the file";
    UnknownColumn = "unknown-column", "No column of that name in the file.", "caller";
    TypeMismatch = "type-mismatch", "A value does not fit the declared type, or the dialect cannot hold it.", "caller";
    InvalidArgument = "invalid-argument", "An option or argument is outside its domain.", "caller";
    UnsafeValue = "unsafe-value", "A value is exact in the file but not in the JavaScript type that was asked for.", "caller: ask for the exact type";
    Sink = "sink", "The destination of the bytes failed (stream, file system); see `cause`.", "environment";
    Source = "source", "The source of the bytes failed (network, file system); see `status` and `cause`.", "environment";
    RangeUnsupported = "range-unsupported", "The server does not answer range requests properly.", "environment: enable ranges, or allow a full download";
    SourceChanged = "source-changed", "The file changed while it was being read.", "caller: open it again";
    WasmInit = "wasm-init", "The WebAssembly module could not be loaded or compiled.", "environment: serving, content security policy";
    OutOfMemory = "out-of-memory", "There is not enough memory, in WebAssembly or beside it.", "caller: read fewer columns or rows at a time";
    Closed = "closed", "The file or writer was closed, or a writer was used after it finished.", "caller";
    Internal = "internal", "A defect of this package; the instance was discarded and the next call starts afresh.", "us: please report";
}

/// What went wrong, with what was seen and what is allowed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The magic is missing.
    NotNcf {
        /// The bytes found instead, at most eight.
        found: Vec<u8>,
    },
    /// A version that this crate does not know.
    UnsupportedVersion {
        /// The version of the file.
        found: u32,
        /// The newest version that can be read.
        newest: u32,
    },
    /// Known by name, not supported.
    UnsupportedFeature {
        /// What, and the way round where there is one.
        what: Cow<'static, str>,
    },
    /// The bytes end early.
    Truncated {
        /// Bytes that the structure needs.
        needed: u64,
        /// Bytes that are there.
        available: u64,
    },
    /// A rule of the format is broken.
    Corrupt {
        /// The rule and the value seen.
        what: Cow<'static, str>,
    },
    /// A digest differs.
    ChecksumMismatch {
        /// The digest that the file states, hexadecimal.
        expected: String,
        /// The digest of the bytes, hexadecimal.
        actual: String,
    },
    /// More than a limit.
    LimitExceeded {
        /// Name of the limit.
        what: &'static str,
        /// What would be needed.
        requested: u64,
        /// What is allowed.
        limit: u64,
    },
    /// No such column.
    UnknownColumn {
        /// The name asked for.
        name: String,
    },
    /// A value and its type disagree.
    TypeMismatch {
        /// What is allowed.
        expected: Cow<'static, str>,
        /// What was seen.
        found: Cow<'static, str>,
    },
    /// A bad option or argument.
    InvalidArgument {
        /// Its name.
        name: &'static str,
        /// What is wrong, and what is allowed.
        why: Cow<'static, str>,
    },
}

/// The error of this crate: a kind, and where it happened.
///
/// ```
/// # use ncf::{Error, ErrorKind};
/// let e = Error::corrupt("unknown compression id 9").in_column("email").at(4096);
/// assert_eq!(e.code().as_str(), "corrupt");
/// assert_eq!(e.to_string(), "unknown compression id 9, in column \"email\", at byte 4096");
/// ```
#[derive(Clone, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq)]
struct Inner {
    kind: ErrorKind,
    section: Option<&'static str>,
    column: Option<String>,
    row: Option<u64>,
    offset: Option<u64>,
}

impl Error {
    #[cold]
    #[inline(never)]
    fn new(kind: ErrorKind) -> Self {
        Error(Box::new(Inner { kind, section: None, column: None, row: None, offset: None }))
    }

    /// The magic is missing.
    pub(crate) fn not_ncf(found: &[u8]) -> Self {
        let found = found.iter().copied().take(8).collect();
        Error::new(ErrorKind::NotNcf { found })
    }

    pub(crate) fn unsupported_version(found: u32, newest: u32) -> Self {
        Error::new(ErrorKind::UnsupportedVersion { found, newest })
    }

    /// Known by name, not supported.
    pub fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::UnsupportedFeature { what: what.into() })
    }

    pub(crate) fn truncated(needed: u64, available: u64) -> Self {
        Error::new(ErrorKind::Truncated { needed, available })
    }

    /// A rule of the format is broken.
    pub fn corrupt(what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Corrupt { what: what.into() })
    }

    pub(crate) fn checksum(expected: &[u8], actual: &[u8]) -> Self {
        Error::new(ErrorKind::ChecksumMismatch { expected: hex(expected), actual: hex(actual) })
    }

    pub(crate) fn limit(what: &'static str, requested: u64, limit: u64) -> Self {
        Error::new(ErrorKind::LimitExceeded { what, requested, limit })
    }

    pub(crate) fn unknown_column(name: impl Into<String>) -> Self {
        Error::new(ErrorKind::UnknownColumn { name: name.into() })
    }

    pub(crate) fn type_mismatch(expected: impl Into<Cow<'static, str>>, found: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::TypeMismatch { expected: expected.into(), found: found.into() })
    }

    /// A bad option or argument.
    pub fn invalid(name: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::InvalidArgument { name, why: why.into() })
    }

    /// Adds the section of the file, unless a deeper place named one already.
    #[must_use]
    pub fn in_section(mut self, section: &'static str) -> Self {
        self.0.section.get_or_insert(section);
        self
    }

    /// Adds the column, unless a deeper place named one already.
    #[must_use]
    pub fn in_column(mut self, column: &str) -> Self {
        self.0.column.get_or_insert_with(|| column.to_owned());
        self
    }

    /// Adds the row, unless a deeper place named one already.
    #[must_use]
    pub fn in_row(mut self, row: usize) -> Self {
        self.0.row.get_or_insert(row as u64);
        self
    }

    /// Counts the row from where the rows began of which only a part was looked at.
    #[must_use]
    pub fn counted_from(mut self, first: u64) -> Self {
        self.0.row = self.0.row.map(|row| row.saturating_add(first));
        self
    }

    /// Adds the absolute byte offset, unless a deeper place named one already.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.kind() {
            ErrorKind::NotNcf { .. } => Code::NotNcf,
            ErrorKind::UnsupportedVersion { .. } => Code::UnsupportedVersion,
            ErrorKind::UnsupportedFeature { .. } => Code::UnsupportedFeature,
            ErrorKind::Truncated { .. } => Code::Truncated,
            ErrorKind::Corrupt { .. } => Code::Corrupt,
            ErrorKind::ChecksumMismatch { .. } => Code::ChecksumMismatch,
            ErrorKind::LimitExceeded { .. } => Code::LimitExceeded,
            ErrorKind::UnknownColumn { .. } => Code::UnknownColumn,
            ErrorKind::TypeMismatch { .. } => Code::TypeMismatch,
            ErrorKind::InvalidArgument { .. } => Code::InvalidArgument,
        }
    }

    /// The section of the file, such as `"footer"`.
    #[must_use]
    pub fn section(&self) -> Option<&'static str> {
        self.0.section
    }

    /// The column that was being read or written, or that was not found.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self.kind() {
            ErrorKind::UnknownColumn { name } => Some(name),
            _ => self.0.column.as_deref(),
        }
    }

    /// The row of the value, counted in what the caller gave.
    #[must_use]
    pub fn row(&self) -> Option<u64> {
        self.0.row
    }

    /// Absolute byte offset in the file.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::NotNcf { found } => write!(
                f,
                "not an NCF file: it starts with {} instead of \"NCF\\x01\"",
                if found.is_empty() { "nothing".to_owned() } else { hex(found) }
            ),
            ErrorKind::UnsupportedVersion { found, newest } => {
                write!(f, "format version {found} is not supported (newest known: {newest})")
            }
            ErrorKind::UnsupportedFeature { what } => write!(f, "not supported: {what}"),
            ErrorKind::Truncated { needed, available } => {
                write!(f, "bytes end early: {needed} needed, {available} there")
            }
            ErrorKind::Corrupt { what } => f.write_str(what),
            ErrorKind::ChecksumMismatch { expected, actual } => {
                write!(f, "checksum mismatch: the file states {expected}, its bytes give {actual}")
            }
            ErrorKind::LimitExceeded { what, requested, limit } => {
                write!(f, "{what}: {requested} is over the limit of {limit}")
            }
            ErrorKind::UnknownColumn { name } => write!(f, "no column named {name:?}"),
            ErrorKind::TypeMismatch { expected, found } => {
                write!(f, "expected {expected}, found {found}")
            }
            ErrorKind::InvalidArgument { name, why } => write!(f, "{name}: {why}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind)?;
        if let Some(row) = self.0.row {
            write!(f, ", in row {row}")?;
        }
        if let Some(column) = &self.0.column {
            write!(f, ", in column {column:?}")?;
        }
        if let Some(section) = self.0.section {
            write!(f, ", in the {section}")?;
        }
        if let Some(offset) = self.0.offset {
            write!(f, ", at byte {offset}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.code().as_str())
    }
}

impl std::error::Error for Error {}

/// Lower-case hexadecimal text of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_pointer_sized() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn the_deepest_context_wins() {
        let e = Error::truncated(10, 3).at(7).at(0).in_section("schema").in_section("header");
        assert_eq!((e.offset(), e.section()), (Some(7), Some("schema")));
        assert_eq!(e.to_string(), "bytes end early: 10 needed, 3 there, in the schema, at byte 7");
    }

    #[test]
    fn rows_are_counted_from_where_a_part_began() {
        let e = Error::type_mismatch("int8", "300").in_row(2).in_row(9).counted_from(1000).in_column("a");
        assert_eq!((e.row(), e.column()), (Some(1002), Some("a")));
        assert_eq!(e.to_string(), "expected int8, found 300, in row 1002, in column \"a\"");
        assert_eq!(Error::unknown_column("b").counted_from(5).row(), None);
        assert_eq!(Error::unknown_column("b").column(), Some("b"));
    }

    #[test]
    fn codes_are_unique_kebab_case() {
        for (i, row) in CODES.iter().enumerate() {
            assert!(row.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", row.code);
            assert!(CODES.iter().take(i).all(|other| other.code != row.code));
        }
    }
}
