//! Arrays of fixed-width elements.

use super::corrupt;
use super::machine::{Value, tuple};
use crate::column::{Bitmap, Column, Values, VarBytes};
use crate::error::{Error, Result};
use crate::schema::{DataType, TimeUnit};
use crate::temporal;

/// numpy's NaT.
const NAT: i64 = i64::MIN;

/// What the elements are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Bool,
    Int,
    UInt,
    Float,
    /// NUL-padded bytes.
    Bytes,
    /// NUL-padded UCS-4.
    Text,
    Object,
    /// Counts since 1970; numpy calls those without a unit generic.
    Time(Option<Tick>),
}

/// One step of a datetime64: `multiple` units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    unit: Unit,
    multiple: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Years,
    Months,
    Days(i64),
    Seconds(i64),
    Of(TimeUnit),
    /// So many make a nanosecond.
    PerNanosecond(i64, &'static str),
}

/// A numpy dtype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dtype {
    pub kind: Kind,
    /// Bytes of one element.
    size: usize,
    big_endian: bool,
}

impl Dtype {
    /// The dtype of a code such as `b1`, `S16` or `M8`, before its state is set.
    pub fn parse(code: &str) -> Result<Self> {
        let number = code.get(1..).and_then(|digits| digits.parse::<usize>().ok());
        let (kind, size) = match (code.as_bytes().first(), number) {
            (Some(b'b'), Some(1)) => (Kind::Bool, 1),
            (Some(b'i'), Some(size @ (1 | 2 | 4 | 8))) => (Kind::Int, size),
            (Some(b'u'), Some(size @ (1 | 2 | 4 | 8))) => (Kind::UInt, size),
            (Some(b'f'), Some(size @ (4 | 8))) => (Kind::Float, size),
            (Some(b'S'), Some(size)) => (Kind::Bytes, size),
            (Some(b'U'), Some(size)) => {
                let size = size.checked_mul(4);
                (Kind::Text, size.ok_or_else(|| corrupt("numpy dtype out of range"))?)
            }
            (Some(b'M'), Some(8)) => (Kind::Time(None), 8),
            (Some(b'O'), Some(size)) => (Kind::Object, size),
            _ => {
                let code: String = code.chars().take(20).collect();
                return Err(Error::unsupported(format!("numpy dtype {code:?}")));
            }
        };
        Ok(Dtype { kind, size, big_endian: false })
    }

    /// Version, byte order, sub-dtype, names, fields, size or -1, alignment, flags and, for times, metadata.
    pub fn with_state(mut self, items: &[Value<'_>], state: &[Value<'_>]) -> Result<Self> {
        let &[
            Value::Int(3 | 4),
            Value::Text(order),
            Value::None,
            Value::None,
            Value::None,
            Value::Int(size),
            Value::Int(_),
            Value::Int(_),
            ref metadata @ ..,
        ] = state
        else {
            return Err(corrupt("the state of a dtype is not that of a plain numpy dtype"));
        };
        self.big_endian = match order {
            "<" | "|" | "=" => false,
            ">" => true,
            _ => return Err(corrupt("unknown byte order of a dtype")),
        };
        if size != -1 && usize::try_from(size) != Ok(self.size) {
            return Err(corrupt(&format!("a dtype of {} bytes claims {size}", self.size)));
        }
        self.kind = match (self.kind, metadata) {
            (Kind::Time(_), &[metadata]) => Kind::Time(tick(items, metadata)?),
            (kind, [] | [Value::None]) => kind,
            _ => return Err(corrupt("a dtype has metadata that numpy does not write")),
        };
        Ok(self)
    }
}

/// An empty dictionary or `None`, and (unit, multiple, divisor, events).
fn tick(items: &[Value<'_>], metadata: Value<'_>) -> Result<Option<Tick>> {
    let bad = || corrupt("the unit of a datetime64 is not what numpy writes");
    let &[Value::EmptyDict | Value::None, unit] = tuple(items, metadata)? else {
        return Err(bad());
    };
    let &[Value::Bytes(name), Value::Int(multiple @ 1..), Value::Int(1), Value::Int(_)] = tuple(items, unit)? else {
        return Err(bad());
    };
    let unit = match name {
        b"Y" => Unit::Years,
        b"M" => Unit::Months,
        b"W" => Unit::Days(7),
        b"D" => Unit::Days(1),
        b"h" => Unit::Seconds(3600),
        b"m" => Unit::Seconds(60),
        b"s" => Unit::Of(TimeUnit::Second),
        b"ms" => Unit::Of(TimeUnit::Millisecond),
        b"us" => Unit::Of(TimeUnit::Microsecond),
        b"ns" => Unit::Of(TimeUnit::Nanosecond),
        b"ps" => Unit::PerNanosecond(1_000, "ps"),
        b"fs" => Unit::PerNanosecond(1_000_000, "fs"),
        b"as" => Unit::PerNanosecond(1_000_000_000, "as"),
        b"generic" => return Ok(None),
        _ => return Err(bad()),
    };
    Ok(Some(Tick { unit, multiple }))
}

/// The column of an array, in the type that it has; only times without a time of day look at the declared type.
pub fn decode(dtype: Dtype, rows: usize, raw: &[u8], declared: DataType) -> Result<Column> {
    if rows.checked_mul(dtype.size) != Some(raw.len()) || (dtype.size == 0 && rows > 0) {
        return Err(corrupt(&format!("{rows} values of {} bytes in {} bytes", dtype.size, raw.len())));
    }
    // Any number will do where there are no rows.
    let size = dtype.size.max(1);
    let swap = dtype.big_endian;
    macro_rules! numbers {
        ($values:ident: $type:ty) => {
            Values::$values(numbers(raw, swap, <$type>::from_le_bytes))
        };
    }
    let values = match (dtype.kind, dtype.size) {
        (Kind::Bool, _) => Values::Boolean(raw.iter().map(|&byte| byte != 0).collect()),
        (Kind::Int, 1) => numbers!(Int8: i8),
        (Kind::Int, 2) => numbers!(Int16: i16),
        (Kind::Int, 4) => numbers!(Int32: i32),
        (Kind::Int, _) => numbers!(Int64: i64),
        (Kind::UInt, 1) => numbers!(UInt8: u8),
        (Kind::UInt, 2) => numbers!(UInt16: u16),
        (Kind::UInt, 4) => numbers!(UInt32: u32),
        (Kind::UInt, _) => numbers!(UInt64: u64),
        (Kind::Float, 4) => numbers!(Float32: f32),
        (Kind::Float, _) => numbers!(Float64: f64),
        (Kind::Bytes, _) => {
            let mut values = VarBytes::default();
            for padded in raw.chunks_exact(size) {
                values.push(without_padding(padded))?;
            }
            Values::Binary(values)
        }
        (Kind::Text, _) => {
            let mut values = VarBytes::default();
            for (row, padded) in raw.chunks_exact(size).enumerate() {
                let text = text(padded, swap);
                values.push(text.ok_or_else(|| corrupt(&format!("no Unicode text in row {row}")))?.as_bytes())?;
            }
            Values::String(values)
        }
        (Kind::Time(Some(tick)), _) => return times(&numbers(raw, swap, i64::from_le_bytes), tick, declared),
        (Kind::Time(None), _) => return Err(Error::unsupported("numpy datetime64 without a unit")),
        (Kind::Object, _) => return Err(corrupt("objects without a list")),
    };
    Column::new(values, None)
}

fn numbers<const N: usize, T>(raw: &[u8], swap: bool, from_le_bytes: fn([u8; N]) -> T) -> Vec<T> {
    let number = |chunk: &[u8]| {
        let mut bytes = [0; N];
        bytes.copy_from_slice(chunk);
        if swap {
            bytes.reverse();
        }
        from_le_bytes(bytes)
    };
    raw.chunks_exact(N).map(number).collect()
}

fn without_padding(padded: &[u8]) -> &[u8] {
    let end = padded.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    padded.get(..end).unwrap_or_default()
}

fn text(padded: &[u8], swap: bool) -> Option<String> {
    let points = numbers(padded, swap, u32::from_le_bytes);
    let end = points.iter().rposition(|&point| point != 0).map_or(0, |last| last + 1);
    points.into_iter().take(end).map(char::from_u32).collect()
}

fn times(counts: &[i64], tick: Tick, declared: DataType) -> Result<Column> {
    let Tick { unit, multiple } = tick;
    let validity: Bitmap = counts.iter().map(|&count| count != NAT).collect();
    // NaT keeps its row, as 0.
    let convert = |exact: &dyn Fn(i64) -> Option<i64>| -> Result<Vec<i64>> {
        let one = |(row, &count): (usize, &i64)| match count {
            NAT => Ok(0),
            _ => exact(count).ok_or_else(|| inexact(unit, row, count)),
        };
        counts.iter().enumerate().map(one).collect()
    };
    let (unit, values) = match unit {
        Unit::Years | Unit::Months | Unit::Days(_) => {
            let days = convert(&|count| whole_days(count.checked_mul(multiple)?, unit))?;
            if declared != DataType::Timestamp {
                let narrow = |(row, &days): (usize, &i64)| {
                    i32::try_from(days).map_err(|_| {
                        let found = format!("{} in row {row}", temporal::format_date(days));
                        Error::type_mismatch("dates of 32-bit days", found)
                    })
                };
                let days = days.iter().enumerate().map(narrow).collect::<Result<_>>()?;
                return Column::new(Values::Date(days), Some(validity));
            }
            let seconds = convert(&|count| {
                whole_days(count.checked_mul(multiple)?, unit)?.checked_mul(temporal::SECONDS_PER_DAY)
            })?;
            (TimeUnit::Second, seconds)
        }
        Unit::Seconds(seconds) => {
            (TimeUnit::Second, convert(&|count| count.checked_mul(multiple)?.checked_mul(seconds))?)
        }
        Unit::Of(unit) => (unit, convert(&|count| count.checked_mul(multiple))?),
        Unit::PerNanosecond(divisor, _) => (
            TimeUnit::Nanosecond,
            convert(&|count| {
                let count = i128::from(count) * i128::from(multiple);
                let divisor = i128::from(divisor);
                (count % divisor == 0).then(|| i64::try_from(count / divisor).ok())?
            })?,
        ),
    };
    let utc = false;
    Column::new(Values::Timestamp { unit, utc, values }, Some(validity))
}

fn whole_days(count: i64, unit: Unit) -> Option<i64> {
    match unit {
        Unit::Years => Some(temporal::days_from_civil(count.checked_add(1970)?, 1, 1)),
        Unit::Months => {
            // The remainder is 0 to 11.
            let month = u8::try_from(count.rem_euclid(12)).ok()? + 1;
            Some(temporal::days_from_civil(count.div_euclid(12) + 1970, month, 1))
        }
        Unit::Days(days) => count.checked_mul(days),
        _ => None,
    }
}

fn inexact(unit: Unit, row: usize, count: i64) -> Error {
    match unit {
        Unit::PerNanosecond(_, name) => {
            Error::unsupported(format!("datetime64[{name}] that no count of nanoseconds holds: {count} in row {row}"))
        }
        _ => Error::type_mismatch("a time that 64 bits hold", format!("count {count} in row {row}")),
    }
}
