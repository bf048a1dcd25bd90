//! MessagePack maps with known keys and unknown ones.

use rmpv::Value;

use crate::bytes::to_u64;
use crate::error::{Error, Result};
use crate::schema::Extra;

/// Nesting that metadata may have: 32 levels, each of which the parser counts twice.
const MAX_DEPTH: usize = 64;

/// Parses exactly one value.
///
/// # Errors
/// `corrupt` for anything else.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    let mut rest = bytes;
    let value = rmpv::decode::read_value_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|error| Error::corrupt(format!("not a msgpack value: {error}")))?;
    if rest.is_empty() {
        return Ok(value);
    }
    Err(Error::corrupt(format!("{} bytes behind the msgpack value", rest.len())))
}

/// Serializes one value.
#[must_use]
pub fn serialize(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = rmpv::encode::write_value(&mut bytes, value);
    bytes
}

/// A map whose known keys are taken out one by one; what is left is unknown and kept.
#[derive(Debug)]
pub struct Map {
    what: &'static str,
    entries: Extra,
}

impl Map {
    /// The map of that value; `what` names it in errors.
    ///
    /// # Errors
    /// `corrupt` for another type.
    pub fn new(value: Value, what: &'static str) -> Result<Self> {
        match value {
            Value::Map(entries) => Ok(Map { what, entries }),
            other => Err(Error::corrupt(format!("{what} is {} instead of a map", kind(&other)))),
        }
    }

    /// Takes out the value of a key; the last one where a key stands twice, as in Python.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        let mut found = None;
        self.entries.retain_mut(|(k, value)| {
            let same = k.as_str() == Some(key);
            if same {
                found = Some(std::mem::replace(value, Value::Nil));
            }
            !same
        });
        found
    }

    /// Takes out a value and reads it; `None` where the key is missing or nil.
    ///
    /// # Errors
    /// `corrupt` where `read` has no answer.
    pub fn optional<T>(&mut self, key: &str, expected: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>> {
        match self.take(key) {
            None | Some(Value::Nil) => Ok(None),
            Some(value) => read(&value).map(Some).ok_or_else(|| {
                Error::corrupt(format!("{} key {key:?} is {} instead of {expected}", self.what, kind(&value)))
            }),
        }
    }

    /// Takes out text.
    ///
    /// # Errors
    /// `corrupt` for another type.
    pub fn text(&mut self, key: &str) -> Result<Option<String>> {
        self.optional(key, "text", |value| value.as_str().map(str::to_owned))
    }

    /// Takes out text that has to be there.
    ///
    /// # Errors
    /// `corrupt` for another type or a missing key.
    pub fn required_text(&mut self, key: &str) -> Result<String> {
        let what = self.what;
        self.text(key)?.ok_or_else(|| Error::corrupt(format!("{what} has no {key:?}")))
    }

    /// Takes out a boolean.
    ///
    /// # Errors
    /// `corrupt` for another type.
    pub fn boolean(&mut self, key: &str, default: bool) -> Result<bool> {
        Ok(self.optional(key, "a boolean", Value::as_bool)?.unwrap_or(default))
    }

    /// Takes out a signed integer.
    ///
    /// # Errors
    /// `corrupt` for another type.
    pub fn integer(&mut self, key: &str) -> Result<Option<i64>> {
        self.optional(key, "an integer", Value::as_i64)
    }

    /// Takes out an unsigned integer.
    ///
    /// # Errors
    /// `corrupt` for another type.
    pub fn count(&mut self, key: &str) -> Result<Option<u64>> {
        self.optional(key, "a count", Value::as_u64)
    }

    /// Takes out an array.
    ///
    /// # Errors
    /// `corrupt` for another type.
    pub fn array(&mut self, key: &str) -> Result<Vec<Value>> {
        match self.take(key) {
            None | Some(Value::Nil) => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(other) => {
                Err(Error::corrupt(format!("{} key {key:?} is {} instead of an array", self.what, kind(&other))))
            }
        }
    }

    /// Takes out an array of text.
    ///
    /// # Errors
    /// `corrupt` for another type.
    pub fn texts(&mut self, key: &str) -> Result<Vec<String>> {
        let text = |value: Value| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| Error::corrupt(format!("{key} holds something else than text")))
        };
        self.array(key)?.into_iter().map(text).collect()
    }

    /// The keys that nobody took.
    #[must_use]
    pub fn into_rest(self) -> Extra {
        self.entries
    }
}

/// What kind of value it is, for errors.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Boolean(_) => "a boolean",
        Value::Integer(_) => "an integer",
        Value::F32(_) | Value::F64(_) => "a float",
        Value::String(_) => "text",
        Value::Binary(_) => "bytes",
        Value::Array(_) => "an array",
        Value::Map(_) => "a map",
        Value::Ext(..) => "an extension",
    }
}

/// Text or nil.
#[must_use]
pub fn optional_text(text: Option<&str>) -> Value {
    text.map_or(Value::Nil, Value::from)
}

/// Checks the size of a metadata section before it is read.
///
/// # Errors
/// `limit-exceeded`.
pub fn check_size(size: u64, limit: u64) -> Result<()> {
    if size > limit {
        return Err(Error::limit("bytes of metadata", size, limit));
    }
    Ok(())
}

/// Length prefix of a section.
///
/// # Errors
/// `limit-exceeded` at 4 GiB.
pub fn length_prefix(bytes: &[u8]) -> Result<[u8; 4]> {
    u32::try_from(bytes.len())
        .map(u32::to_le_bytes)
        .map_err(|_| Error::limit("bytes of metadata", to_u64(bytes.len()), u64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_trailing_bytes_are_refused() {
        assert!(parse(&[0x91; 40]).is_err());
        assert!(parse(&[&[0x91; 30][..], &[0xc0]].concat()).is_ok());
        assert!(parse(&[0xc0, 0xc0]).is_err());
        assert!(parse(&[]).is_err());
        // An array that claims 2^32 - 1 elements.
        assert!(parse(&[0xdd, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert_eq!(parse(&[0x91, 0xc0]).unwrap(), Value::Array(vec![Value::Nil]));
    }

    #[test]
    fn the_last_of_two_equal_keys_wins_and_the_rest_is_kept() {
        let value = Value::Map(vec![("a".into(), 1.into()), (7.into(), true.into()), ("a".into(), 2.into())]);
        let mut map = Map::new(value, "map").unwrap();
        assert_eq!(map.integer("a").unwrap(), Some(2));
        assert_eq!(map.integer("b").unwrap(), None);
        assert_eq!(map.into_rest(), [(7.into(), true.into())]);
    }

    #[test]
    fn a_wrong_type_is_named() {
        let mut map = Map::new(Value::Map(vec![("a".into(), "x".into())]), "schema").unwrap();
        let error = map.count("a").unwrap_err();
        assert_eq!(error.to_string(), "schema key \"a\" is text instead of a count");
    }
}
