//! Arrays of Python objects.

use std::borrow::Cow;

use super::globals::Global;
use super::machine::{Value, extend};
use crate::bytes::to_u64;
use crate::column::{Bitmap, Column, MAX_PRECISION, Values, VarBytes};
use crate::decimal;
use crate::error::{Error, Result};
use crate::schema::{DataType, TimeUnit};
use crate::warning::{Warning, WarningCode};

/// What all values of a column can be taken for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    Date,
    Time,
    Decimal,
}

impl Kind {
    fn of(value: Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) | Value::Long(_) => Kind::Int,
            Value::Float(_) => Kind::Float,
            Value::Text(_) => Kind::Text,
            Value::Bytes(_) => Kind::Bytes,
            Value::Date(_) => Kind::Date,
            Value::Time { .. } => Kind::Time,
            Value::Decimal(_) => Kind::Decimal,
            _ => return None,
        })
    }

    fn join(self, other: Self) -> Option<Self> {
        match (self, other) {
            _ if self == other => Some(self),
            (Kind::Int, wider @ (Kind::Float | Kind::Decimal)) | (wider @ (Kind::Float | Kind::Decimal), Kind::Int) => {
                Some(wider)
            }
            _ => None,
        }
    }
}

/// The column of a list, in the type that its values have.
pub fn decode(values: &[Value<'_>], declared: DataType, max_bytes: u64, warnings: &mut Vec<Warning>) -> Result<Column> {
    let mut kind = survey(values)?;
    if declared == DataType::Float64 {
        // Here NaN is a value even where there is nothing else.
        kind = kind.or(Some(Kind::Float));
    }
    let Some(kind) = kind else {
        return nulls(declared, values.len());
    };
    let rows = Rows { values, kind };
    let column = match kind {
        Kind::Bool => {
            let bits = values.iter().map(|value| matches!(value, Value::Bool(true)));
            Values::Boolean(bits.collect())
        }
        Kind::Int => rows.integers()?,
        Kind::Float => Values::Float64(rows.collect("float", float)?),
        Kind::Text => Values::String(rows.variable(max_bytes, |value| match value {
            Value::Text(text) => Cow::Borrowed(text.as_bytes()),
            _ => Cow::default(),
        })?),
        Kind::Bytes => Values::Binary(rows.variable(max_bytes, |value| match value {
            Value::Bytes(bytes) => Cow::Borrowed(bytes),
            _ => Cow::default(),
        })?),
        Kind::Date => Values::Date(rows.collect("date", |value| match value {
            Value::Date(days) => Some(days),
            _ => None,
        })?),
        Kind::Time => rows.times(warnings)?,
        Kind::Decimal => match rows.decimals() {
            Some(values) => values,
            None => Values::String(rows.variable(max_bytes, |value| match value {
                Value::Decimal(text) => Cow::Borrowed(text.as_bytes()),
                _ => Cow::Owned(integer(value).unwrap_or_default().to_string().into_bytes()),
            })?),
        },
    };
    Column::new(column, Some(values.iter().map(|&value| !rows.is_null(value)).collect()))
}

fn is_missing(value: Value<'_>) -> bool {
    matches!(value, Value::None | Value::Global(Global::PandasNa))
}

/// The kind that holds every value; `None` where all are null or NaN.
fn survey(values: &[Value<'_>]) -> Result<Option<Kind>> {
    let mut seen: Option<(Kind, &str, usize)> = None;
    for (row, &value) in values.iter().enumerate() {
        if is_missing(value) || matches!(value, Value::Float(float) if float.is_nan()) {
            continue;
        }
        let name = value.type_name();
        let kind = Kind::of(value)
            .ok_or_else(|| Error::unsupported(format!("{name} as a value of a column, in row {row}")))?;
        seen = Some(match seen {
            None => (kind, name, row),
            Some((so_far, first_name, first)) => {
                let joined = so_far.join(kind).ok_or_else(|| {
                    let expected = format!("{first_name} as in row {first}");
                    Error::type_mismatch(expected, format!("{name} in row {row}"))
                })?;
                (joined, first_name, first)
            }
        });
    }
    Ok(seen.map(|(kind, ..)| kind))
}

struct Rows<'v, 'a> {
    values: &'v [Value<'a>],
    kind: Kind,
}

impl<'a> Rows<'_, 'a> {
    fn is_null(&self, value: Value<'a>) -> bool {
        is_missing(value) || (self.kind != Kind::Float && matches!(value, Value::Float(_)))
    }

    /// One item per row, the default under nulls.
    fn collect<T: Default>(&self, name: &'static str, item: impl Fn(Value<'a>) -> Option<T>) -> Result<Vec<T>> {
        let one = |(row, &value): (usize, &Value<'a>)| match self.is_null(value) {
            true => Ok(T::default()),
            false => item(value).ok_or_else(|| {
                let found = format!("{} in row {row} that is too large", value.type_name());
                Error::type_mismatch(name, found)
            }),
        };
        self.values.iter().enumerate().map(one).collect()
    }

    fn variable(&self, max_bytes: u64, item: impl Fn(Value<'a>) -> Cow<'a, [u8]>) -> Result<VarBytes> {
        let mut out = VarBytes::default();
        for &value in self.values {
            let bytes = item(value);
            let size = to_u64(out.bytes().len()).saturating_add(to_u64(bytes.len()));
            if size > max_bytes {
                return Err(Error::limit("bytes of one column", size, max_bytes));
            }
            out.push(if self.is_null(value) { &[] } else { &bytes })?;
        }
        Ok(out)
    }

    /// 64 bits with or without a sign where they suffice, decimals otherwise.
    fn integers(&self) -> Result<Values> {
        let wide = self.collect("int of at most 38 digits", |value| {
            integer(value).and_then(|value| decimal::rescale(value, 0, 0))
        })?;
        if let Ok(values) = wide.iter().map(|&value| i64::try_from(value)).collect() {
            return Ok(Values::Int64(values));
        }
        if let Ok(values) = wide.iter().map(|&value| u64::try_from(value)).collect() {
            return Ok(Values::UInt64(values));
        }
        Ok(Values::Decimal { precision: MAX_PRECISION, scale: 0, values: wide })
    }

    /// `None` where a decimal would not be the same value.
    fn decimals(&self) -> Option<Values> {
        let parse = |&value: &Value<'a>| match value {
            _ if self.is_null(value) => Some((0, 0)),
            Value::Decimal(text) => {
                let (unscaled, scale) = decimal::parse(text)?;
                (unscaled != 0 || !text.starts_with('-')).then_some((unscaled, scale))
            }
            _ => Some((integer(value)?, 0)),
        };
        let parsed: Vec<_> = self.values.iter().map(parse).collect::<Option<_>>()?;
        let scale = parsed.iter().map(|&(_, scale)| scale).max().unwrap_or_default().max(0);
        let scale = u8::try_from(scale).ok().filter(|&scale| scale <= MAX_PRECISION)?;
        let rescale = |(unscaled, from)| decimal::rescale(unscaled, from, scale);
        Some(Values::Decimal {
            precision: MAX_PRECISION,
            scale,
            values: parsed.into_iter().map(rescale).collect::<Option<_>>()?,
        })
    }

    /// In the finest unit that occurs, or the next coarser one that holds all of them.
    fn times(&self, warnings: &mut Vec<Warning>) -> Result<Values> {
        let (mut finest, mut aware, mut naive) = (TimeUnit::Second, 0usize, 0usize);
        for &value in self.values {
            if let Value::Time { unit, utc, .. } = value {
                if unit.per_second() > finest.per_second() {
                    finest = unit;
                }
                *(if utc { &mut aware } else { &mut naive }) += 1;
            }
        }
        if aware > 0 && naive > 0 {
            let message = format!("{naive} times have no zone and were taken as UTC, {aware} have one");
            warnings.push(Warning::new(WarningCode::MixedTimeZones, message));
        }
        let candidates = TimeUnit::ALL.iter().rev().copied();
        for unit in candidates.filter(|unit| unit.per_second() <= finest.per_second()) {
            let in_unit = |&value: &Value<'a>| match value {
                Value::Time { count, unit: from, .. } => change_unit(count, from, unit),
                _ => Some(0),
            };
            if let Some(values) = self.values.iter().map(in_unit).collect() {
                let utc = aware > 0;
                return Ok(Values::Timestamp { unit, utc, values });
            }
        }
        Err(Error::unsupported("times that no common unit holds in 64 bits"))
    }
}

fn change_unit(count: i64, from: TimeUnit, to: TimeUnit) -> Option<i64> {
    let (from, to) = (from.per_second(), to.per_second());
    if to >= from { count.checked_mul(to / from) } else { (count % (from / to) == 0).then_some(count / (from / to)) }
}

fn integer(value: Value<'_>) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(value)),
        Value::Long(bytes) => extend(bytes).map(i128::from_le_bytes),
        _ => None,
    }
}

/// Floats, and integers that are exactly some float.
fn float(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Float(value) => Some(value),
        _ => {
            let exact = integer(value)?;
            let float = exact as f64;
            #[expect(clippy::cast_possible_truncation, reason = "a loss is what is looked for")]
            let back = float as i128;
            (back == exact).then_some(float)
        }
    }
}

/// `len` nulls.
fn nulls(data_type: DataType, len: usize) -> Result<Column> {
    let mut values = Values::empty(data_type);
    match &mut values {
        Values::Int8(values) => values.resize(len, 0),
        Values::Int16(values) => values.resize(len, 0),
        Values::Int32(values) | Values::Date(values) => values.resize(len, 0),
        Values::Int64(values) | Values::Timestamp { values, .. } => values.resize(len, 0),
        Values::UInt8(values) => values.resize(len, 0),
        Values::UInt16(values) => values.resize(len, 0),
        Values::UInt32(values) => values.resize(len, 0),
        Values::UInt64(values) => values.resize(len, 0),
        Values::Float32(values) => values.resize(len, 0.0),
        Values::Float64(values) => values.resize(len, 0.0),
        Values::Decimal { values, .. } => values.resize(len, 0),
        Values::Boolean(values) => *values = Bitmap::filled(len, false),
        Values::String(values) | Values::Binary(values) => *values = VarBytes::new(vec![0; len + 1], Vec::new())?,
    }
    Column::new(values, Some(Bitmap::filled(len, false)))
}
