//! The functions and classes that a pickle may name, and what calling them gives.

use super::corrupt;
use super::dtype::Dtype;
use super::machine::{Array, Machine, Value, rows, tuple};
use crate::error::{Error, Result};
use crate::schema::TimeUnit;
use crate::{decimal, temporal};

macro_rules! globals {
    ($( $module:literal $name:literal => $global:ident; )*) => {
        const GLOBALS: &[(&str, &str, Global)] = &[$( ($module, $name, Global::$global), )*];
    };
}

/// Everything that may be named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Global {
    Reconstruct,
    FromBuffer,
    NdArray,
    DtypeClass,
    Date,
    DateTime,
    TimeZone,
    TimeDelta,
    Decimal,
    ByteArray,
    PandasNa,
    PandasNaT,
    PandasTimestamp,
    PytzUtc,
    PytzZone,
}

globals! {
    "numpy.core.multiarray" "_reconstruct" => Reconstruct;
    "numpy._core.multiarray" "_reconstruct" => Reconstruct;
    "numpy.core.numeric" "_frombuffer" => FromBuffer;
    "numpy._core.numeric" "_frombuffer" => FromBuffer;
    "numpy" "ndarray" => NdArray;
    "numpy" "dtype" => DtypeClass;
    "datetime" "date" => Date;
    "datetime" "datetime" => DateTime;
    "datetime" "timezone" => TimeZone;
    "datetime" "timedelta" => TimeDelta;
    "decimal" "Decimal" => Decimal;
    "builtins" "bytearray" => ByteArray;
    "pandas._libs.missing" "NA" => PandasNa;
    "pandas._libs.tslibs.nattype" "__nat_unpickle" => PandasNaT;
    "pandas._libs.tslibs.timestamps" "_unpickle_timestamp" => PandasTimestamp;
    // pandas 2 turns the name of a zone into a zone of pytz.
    "pytz" "_UTC" => PytzUtc;
    "pytz" "_p" => PytzZone;
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = temporal::SECONDS_PER_DAY * MICROS_PER_SECOND;

impl Global {
    pub fn find(module: &str, name: &str) -> Result<Self> {
        let row = GLOBALS.iter().find(|row| (row.0, row.1) == (module, name));
        row.map(|row| row.2).ok_or_else(|| {
            let full = format!("{module}.{name}");
            let shown: String = full.chars().take(100).collect();
            Error::unsupported(format!("pickle global {shown:?} is refused"))
        })
    }

    fn name(self) -> &'static str {
        GLOBALS.iter().find(|row| row.2 == self).map_or("", |row| row.1)
    }
}

impl<'a> Machine<'a> {
    /// The value of calling `global`.
    pub fn call(&mut self, global: Global, args: Value<'a>) -> Result<Value<'a>> {
        let args = tuple(&self.items, args)?;
        Ok(match (global, args) {
            (Global::Reconstruct, [Value::Global(Global::NdArray), Value::Tuple { .. }, Value::Bytes(_)]) => {
                self.arrays.push(None);
                Value::Array(self.arrays.len() - 1)
            }
            (
                Global::FromBuffer,
                &[data @ Value::Bytes(_), Value::Dtype(dtype), shape, Value::Text("C" | "F"), ref rest @ ..],
            ) if matches!(rest, [] | [Value::None]) => {
                let rows = rows(&self.items, shape)?;
                let dtype = self.dtypes.get(dtype).copied().ok_or_else(|| corrupt("lost dtype"))?;
                self.arrays.push(Some(Array { rows, dtype, data }));
                Value::Array(self.arrays.len() - 1)
            }
            (Global::DtypeClass, [Value::Text(code), Value::Bool(_), Value::Bool(_)]) => {
                self.dtypes.push(Dtype::parse(code)?);
                Value::Dtype(self.dtypes.len() - 1)
            }
            (Global::Date, [Value::Bytes(bytes)]) => Value::Date(date(bytes)?),
            (Global::DateTime, [Value::Bytes(bytes)]) => {
                Value::Time { count: datetime(bytes)?, unit: TimeUnit::Microsecond, utc: false }
            }
            (Global::DateTime, &[Value::Bytes(bytes), Value::Zone(offset)]) => Value::Time {
                // Years up to 9999 and less than a day: far from overflow.
                count: datetime(bytes)? - offset,
                unit: TimeUnit::Microsecond,
                utc: true,
            },
            (Global::TimeDelta, &[Value::Int(days), Value::Int(seconds), Value::Int(micros)]) => {
                Value::Delta(delta(days, seconds, micros).ok_or_else(|| corrupt("timedelta out of range"))?)
            }
            (Global::TimeZone, &[Value::Delta(offset)] | &[Value::Delta(offset), Value::Text(_)]) => zone(offset)?,
            (Global::PytzUtc, []) => Value::Zone(0),
            // Name, offset and daylight saving part of the offset in seconds, abbreviation.
            (Global::PytzZone, &[Value::Text(_), Value::Int(offset), Value::Int(_), Value::Text(_)]) => {
                zone(offset.saturating_mul(MICROS_PER_SECOND))?
            }
            (Global::Decimal, &[Value::Text(text)]) if decimal::is_decimal_text(text) => Value::Decimal(text),
            (Global::ByteArray, []) => Value::Bytes(&[]),
            (Global::ByteArray, &[bytes @ Value::Bytes(_)]) => bytes,
            (Global::PandasNaT, [Value::None]) => Value::None,
            // Count, the frequency of pandas 1, zone, unit.
            (Global::PandasTimestamp, &[Value::Int(count), Value::None, tz]) => {
                timestamp(count, tz, TimeUnit::Nanosecond)?
            }
            (Global::PandasTimestamp, &[Value::Int(count), Value::None, tz, Value::Int(code)]) => {
                timestamp(count, tz, pandas_unit(code)?)?
            }
            _ => {
                return Err(corrupt(&format!("{} is called with arguments that it does not take", global.name())));
            }
        })
    }
}

/// Year (big-endian), month, day.
fn date(bytes: &[u8]) -> Result<i32> {
    let &[year_high, year_low, month, day] = bytes else {
        return Err(corrupt("a date is not 4 bytes"));
    };
    let year = u16::from_be_bytes([year_high, year_low]);
    if !(1..=9999).contains(&year) || !temporal::is_date(i64::from(year), month, day) {
        return Err(corrupt("a date that the calendar does not have"));
    }
    i32::try_from(temporal::days_from_civil(i64::from(year), month, day)).map_err(|_| corrupt("date out of range"))
}

/// A date, hour, minute, second, and microseconds (3 bytes, big-endian), in microseconds since 1970.
fn datetime(bytes: &[u8]) -> Result<i64> {
    let &[year_high, year_low, month, day, hour, minute, second, m0, m1, m2] = bytes else {
        return Err(corrupt("a datetime is not 10 bytes"));
    };
    // The high bit of the month is `fold`: the second passage of an hour that the clock repeats.
    let days = date(&[year_high, year_low, month & 0x7f, day])?;
    let micros = u32::from_be_bytes([0, m0, m1, m2]);
    if hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
        return Err(corrupt("a time that the clock does not have"));
    }
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Ok(i64::from(days) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + i64::from(micros))
}

fn delta(days: i64, seconds: i64, micros: i64) -> Option<i64> {
    let seconds = seconds.checked_mul(MICROS_PER_SECOND)?;
    days.checked_mul(MICROS_PER_DAY)?.checked_add(seconds)?.checked_add(micros)
}

fn zone<'a>(offset: i64) -> Result<Value<'a>> {
    if (1 - MICROS_PER_DAY..MICROS_PER_DAY).contains(&offset) {
        Ok(Value::Zone(offset))
    } else {
        Err(corrupt("a time zone a day or more from UTC"))
    }
}

/// The numbers of numpy's `NPY_DATETIMEUNIT`.
fn pandas_unit(code: i64) -> Result<TimeUnit> {
    Ok(match code {
        7 => TimeUnit::Second,
        8 => TimeUnit::Millisecond,
        9 => TimeUnit::Microsecond,
        10 => TimeUnit::Nanosecond,
        _ => return Err(corrupt(&format!("unit {code} of a pandas Timestamp (known: 7 to 10)"))),
    })
}

fn timestamp<'a>(count: i64, tz: Value<'a>, unit: TimeUnit) -> Result<Value<'a>> {
    match tz {
        // The count is in UTC whatever the zone.
        Value::None | Value::Zone(_) if count == i64::MIN => Ok(Value::None),
        Value::None | Value::Zone(_) => Ok(Value::Time { count, unit, utc: matches!(tz, Value::Zone(_)) }),
        _ => Err(corrupt("a pandas Timestamp with something else than a time zone")),
    }
}
