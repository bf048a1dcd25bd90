//! What a table is called, which columns it has and what they mean.
//!
//! [`DataType`] and [`SemanticType`] are tables: one row each, from which the enum, the names in files and the
//! names in JavaScript come. Keys of a schema that this crate does not know are kept in `extra` and written back.

use rmpv::Value;

use crate::error::{Error, Result};

macro_rules! named {
    (
        $(#[$meta:meta])* $enum:ident, $what:literal;
        $( $(#[$doc:meta])* $name:ident = $text:literal; )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum { $( $(#[$doc])* $name, )* }

        impl $enum {
            /// Every row of the table, in the order of the format's own documents.
            pub const ALL: &[$enum] = &[$($enum::$name,)*];

            /// The name in files and in JavaScript.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($enum::$name => $text,)* }
            }

            /// The row of that name.
            ///
            /// # Errors
            /// `corrupt`, naming what is known.
            pub fn from_name(name: &str) -> Result<Self> {
                Self::ALL.iter().copied().find(|row| row.as_str() == name).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|row| row.as_str()).collect();
                    Error::corrupt(format!(concat!("unknown ", $what, " {:?} (known: {})"), name, known.join(" ")))
                })
            }
        }
    };
}

named! {
    /// Logical type of a column, as the user sees it.
    DataType, "data type";
    /// Signed 8 bits.
    Int8 = "int8";
    /// Signed 16 bits.
    Int16 = "int16";
    /// Signed 32 bits.
    Int32 = "int32";
    /// Signed 64 bits.
    Int64 = "int64";
    /// Unsigned 8 bits.
    UInt8 = "uint8";
    /// Unsigned 16 bits.
    UInt16 = "uint16";
    /// Unsigned 32 bits.
    UInt32 = "uint32";
    /// Unsigned 64 bits.
    UInt64 = "uint64";
    /// IEEE 754 binary32.
    Float32 = "float32";
    /// IEEE 754 binary64.
    Float64 = "float64";
    /// UTF-8 text.
    String = "string";
    /// Bytes.
    Binary = "binary";
    /// False or true.
    Boolean = "boolean";
    /// Days since 1970-01-01, signed 32 bits.
    Date = "date";
    /// Signed 64-bit count of a [`TimeUnit`] since 1970-01-01T00:00:00.
    Timestamp = "timestamp";
    /// 128-bit integer with precision and scale.
    Decimal = "decimal";
}

named! {
    /// What a column means; opaque to the codec.
    SemanticType, "semantic type";
    /// Nothing is known.
    Unknown = "unknown";
    /// E-mail addresses.
    PiiEmail = "pii_email";
    /// Telephone numbers.
    PiiPhone = "pii_phone";
    /// Social security numbers.
    PiiSsn = "pii_ssn";
    /// Names of persons.
    PiiName = "pii_name";
    /// Postal addresses.
    PiiAddress = "pii_address";
    /// Latitudes, degrees.
    GeoLat = "geo_lat";
    /// Longitudes, degrees.
    GeoLon = "geo_lon";
    /// Calendar dates.
    TemporalDate = "temporal_date";
    /// Points in time.
    TemporalTimestamp = "temporal_timestamp";
    /// UUIDs.
    IdUuid = "id_uuid";
    /// Keys.
    IdKey = "id_key";
    /// Few distinct values.
    Categorical = "categorical";
    /// Measures.
    Numerical = "numerical";
    /// Free text.
    TextDescription = "text_description";
    /// Titles.
    TextTitle = "text_title";
}

named! {
    /// Unit of a timestamp's count.
    TimeUnit, "time unit";
    /// Seconds.
    Second = "s";
    /// Milliseconds.
    Millisecond = "ms";
    /// Microseconds: what format version 2 stores.
    Microsecond = "us";
    /// Nanoseconds.
    Nanosecond = "ns";
}

impl TimeUnit {
    /// How many of this unit make a second.
    #[must_use]
    pub fn per_second(self) -> i64 {
        match self {
            TimeUnit::Second => 1,
            TimeUnit::Millisecond => 1_000,
            TimeUnit::Microsecond => 1_000_000,
            TimeUnit::Nanosecond => 1_000_000_000,
        }
    }
}

impl SemanticType {
    /// Whether values of this kind identify a person.
    #[must_use]
    pub fn is_pii(self) -> bool {
        matches!(
            self,
            SemanticType::PiiEmail
                | SemanticType::PiiPhone
                | SemanticType::PiiSsn
                | SemanticType::PiiName
                | SemanticType::PiiAddress
        )
    }
}

/// Keys and values that this crate does not interpret, in the order of the file.
pub type Extra = Vec<(Value, Value)>;

/// Schema of one column. The fields are those of the Python 1.0 dialect; `docs/format.md` gives their keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Column name; any text, empty included.
    pub name: String,
    /// Declared type. A Python file can hold something else in the column; see [`crate::reader::File::decode`].
    pub data_type: DataType,
    /// Whether the column may hold nulls; a hint in the legacy dialects.
    pub nullable: bool,
    /// What the column means.
    pub semantic_type: SemanticType,
    /// Free text for people.
    pub description: Option<String>,
    /// Statistics that the writer's user put into the schema (not the measured ones), uninterpreted.
    pub statistics: Value,
    /// Hint: which codec to use.
    pub compression_model: Option<String>,
    /// Hint: store distinct values once.
    pub use_dictionary: bool,
    /// Hint: build a learned index.
    pub create_learned_index: bool,
    /// Hint: kind of learned index.
    pub index_model_type: Option<String>,
    /// Whether values identify persons.
    pub contains_pii: bool,
    /// Queries that the table should serve well.
    pub typical_query_patterns: Vec<String>,
    /// Columns of one group are stored next to each other.
    pub column_group: Option<i64>,
    /// Unknown keys.
    pub extra: Extra,
}

impl Field {
    /// A nullable column with the defaults of the Python implementation.
    #[must_use]
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Field {
            name: name.into(),
            data_type,
            nullable: true,
            semantic_type: SemanticType::Unknown,
            description: None,
            statistics: Value::Nil,
            compression_model: None,
            use_dictionary: false,
            create_learned_index: false,
            index_model_type: None,
            contains_pii: false,
            typical_query_patterns: Vec::new(),
            column_group: None,
            extra: Extra::new(),
        }
    }
}

/// Schema of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// Name of the table.
    pub table_name: String,
    /// Version of the schema, the user's own count; nothing to do with the version of the format.
    pub version: i64,
    /// When the schema was made, as text, if its user said so.
    pub created_at: Option<String>,
    /// When the schema was changed, as text, if its user said so.
    pub modified_at: Option<String>,
    /// Rows as the schema states them; Rust 2.0 files state what their caller said, usually 0.
    pub row_count: u64,
    /// Codec as the schema states it; the columns themselves are authoritative.
    pub default_compression: String,
    /// Hint: build learned indexes.
    pub enable_learned_indexes: bool,
    /// The columns in schema order.
    pub columns: Vec<Field>,
    /// Column groups as the user named them, uninterpreted (keys can be integers or text).
    pub column_groups: Extra,
    /// Unknown keys.
    pub extra: Extra,
}

impl Schema {
    /// A schema with the defaults of the Python implementation.
    #[must_use]
    pub fn new(table_name: impl Into<String>, columns: Vec<Field>) -> Self {
        Schema {
            table_name: table_name.into(),
            version: 1,
            created_at: None,
            modified_at: None,
            row_count: 0,
            default_compression: "zstd".to_owned(),
            enable_learned_indexes: true,
            columns,
            column_groups: Extra::new(),
            extra: Extra::new(),
        }
    }

    /// Position of the column with that name; the first where several have it.
    ///
    /// # Errors
    /// `unknown-column`.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        let found = self.columns.iter().position(|field| field.name == name);
        found.ok_or_else(|| Error::unknown_column(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        assert_eq!((DataType::ALL.len(), SemanticType::ALL.len()), (16, 16));
        for &row in DataType::ALL {
            assert_eq!(DataType::from_name(row.as_str()).unwrap(), row);
        }
        for &row in SemanticType::ALL {
            assert_eq!(SemanticType::from_name(row.as_str()).unwrap(), row);
        }
        let error = DataType::from_name("float16").unwrap_err();
        assert!(error.to_string().starts_with("unknown data type \"float16\" (known: int8 "));
    }
}
