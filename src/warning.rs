//! What a reader put right or left out, where that is no reason to refuse the file.

macro_rules! codes {
    ($( $(#[$doc:meta])* $name:ident = $text:literal; )*) => {
        /// Kind of a [`Warning`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum WarningCode { $( $(#[$doc])* $name, )* }

        impl WarningCode {
            /// Every kind.
            pub const ALL: &[WarningCode] = &[$(WarningCode::$name,)*];

            /// The stable name that JavaScript sees.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(WarningCode::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The file holds another type than the schema declares.
    TypeDiffers = "type-differs";
    /// Times with and without a zone in one column; those without were taken as UTC.
    MixedTimeZones = "mixed-time-zones";
    /// A column has another number of rows than the header or the other columns.
    LengthDiffers = "length-differs";
    /// The schema declares a column that the file does not hold.
    MissingColumn = "missing-column";
    /// Values were recovered from a damaged file; others are lost.
    Salvaged = "salvaged";
}

/// One remark of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its kind.
    pub code: WarningCode,
    /// The column it is about.
    pub column: Option<String>,
    /// What was seen and what was done, for people.
    pub message: String,
}

impl Warning {
    /// A remark that is not yet tied to a column.
    pub fn new(code: WarningCode, message: impl Into<String>) -> Self {
        Warning { code, column: None, message: message.into() }
    }

    /// Adds the column, unless a deeper place named one already.
    #[must_use]
    pub fn in_column(mut self, column: &str) -> Self {
        self.column.get_or_insert_with(|| column.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_kebab_case() {
        for (i, code) in WarningCode::ALL.iter().enumerate() {
            let text = code.as_str();
            assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            assert!(WarningCode::ALL.iter().take(i).all(|o| o.as_str() != text));
        }
    }
}
