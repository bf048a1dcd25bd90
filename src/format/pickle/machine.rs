//! The stack machine: bytes to one array.
//!
//! Values are small and copied; tuples, lists, dtypes and arrays live in vectors of the machine and are referred to
//! by position. So nothing is recursive, sharing costs nothing, and every instruction adds a bounded amount.

use super::corrupt;
use super::dtype::{Dtype, Kind};
use super::globals::Global;
use crate::bytes::to_u64;
use crate::error::{Error, Result};
use crate::schema::TimeUnit;

/// A Python object, as far as columns need them.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// `None`, and pandas' NaT.
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits: two's complement, little-endian.
    Long(&'a [u8]),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// A range of [`Machine::items`].
    Tuple {
        start: usize,
        len: usize,
    },
    List(usize),
    EmptyDict,
    Global(Global),
    Dtype(usize),
    Array(usize),
    /// Days since 1970-01-01.
    Date(i32),
    /// A datetime or a pandas Timestamp; with a zone it is already in UTC.
    Time {
        count: i64,
        unit: TimeUnit,
        utc: bool,
    },
    /// Microseconds.
    Delta(i64),
    /// Microseconds east of UTC.
    Zone(i64),
    /// Text that Python accepts for a Decimal.
    Decimal(&'a str),
}

impl Value<'_> {
    /// The Python type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Long(_) => "int",
            Value::Float(_) => "float",
            Value::Text(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::Tuple { .. } => "tuple",
            Value::List(_) => "list",
            Value::EmptyDict => "dict",
            Value::Global(_) => "a function or class",
            Value::Dtype(_) => "numpy.dtype",
            Value::Array(_) => "numpy.ndarray",
            Value::Date(_) => "date",
            Value::Time { .. } => "datetime",
            Value::Delta(_) => "timedelta",
            Value::Zone(_) => "timezone",
            Value::Decimal(_) => "Decimal",
        }
    }
}

/// An array as the machine builds it.
pub struct Array<'a> {
    pub rows: usize,
    pub dtype: Dtype,
    /// Bytes or a list.
    pub data: Value<'a>,
}

/// The elements of an array.
pub enum Elements<'a> {
    Raw(&'a [u8]),
    Objects(Vec<Value<'a>>),
}

/// A one-dimensional array.
pub struct Loaded<'a> {
    pub rows: usize,
    pub dtype: Dtype,
    pub elements: Elements<'a>,
}

/// Instructions that exist in pickles but not in those of columns.
const REFUSED: &[(u8, &str)] = &[
    (b'c', "GLOBAL"),
    (b'i', "INST"),
    (b'o', "OBJ"),
    (0x81, "NEWOBJ"),
    (0x92, "NEWOBJ_EX"),
    (b'P', "PERSID"),
    (b'Q', "BINPERSID"),
    (0x82, "EXT1"),
    (0x83, "EXT2"),
    (0x84, "EXT4"),
    (0x97, "NEXT_BUFFER"),
    (0x98, "READONLY_BUFFER"),
    (b'p', "PUT"),
    (b'q', "BINPUT"),
    (b'r', "LONG_BINPUT"),
    (b'g', "GET"),
    (b'I', "INT"),
    (b'L', "LONG"),
    (0x8b, "LONG4"),
    (b'F', "FLOAT"),
    (b'S', "STRING"),
    (b'T', "BINSTRING"),
    (b'U', "SHORT_BINSTRING"),
    (b'V', "UNICODE"),
    (0x8d, "BINUNICODE8"),
    (b'l', "LIST"),
    (b'd', "DICT"),
    (b's', "SETITEM"),
    (b'u', "SETITEMS"),
    (0x8f, "EMPTY_SET"),
    (0x90, "ADDITEMS"),
    (0x91, "FROZENSET"),
    (b'0', "POP"),
    (b'1', "POP_MARK"),
    (b'2', "DUP"),
];

/// Newest protocol, that of Python 3.14.
const NEWEST_PROTOCOL: u8 = 5;

pub struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value<'a>>,
    marks: Vec<usize>,
    memo: Vec<Value<'a>>,
    pub items: Vec<Value<'a>>,
    lists: Vec<Vec<Value<'a>>>,
    pub dtypes: Vec<Dtype>,
    pub arrays: Vec<Option<Array<'a>>>,
}

/// Bytes that the objects of one opcode take at most, about.
const BYTES_PER_STEP: u64 = 48;

/// Runs a pickle whose result has to be a one-dimensional array, and whose objects take at most `max_bytes`.
pub fn load(bytes: &[u8], max_bytes: u64) -> Result<Loaded<'_>> {
    let mut machine = Machine {
        rest: bytes,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        items: Vec::new(),
        lists: Vec::new(),
        dtypes: Vec::new(),
        arrays: Vec::new(),
    };
    if !bytes.is_empty() && !bytes.starts_with(&[0x80]) {
        return Err(corrupt("it does not start with PROTO"));
    }
    let mut taken = 0u64;
    while machine.step()? {
        taken += BYTES_PER_STEP;
        if taken > max_bytes {
            return Err(Error::limit("bytes of a pickled column", taken, max_bytes));
        }
    }
    machine.finish()
}

impl<'a> Machine<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.rest.split_at_checked(n).ok_or_else(|| Error::truncated(to_u64(n), to_u64(self.rest.len())))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Bytes behind a length of `N` bytes.
    fn sized<const N: usize>(&mut self) -> Result<&'a [u8]> {
        let mut length = [0; 8];
        for (to, from) in length.iter_mut().zip(self.array::<N>()?) {
            *to = from;
        }
        let length = u64::from_le_bytes(length);
        match usize::try_from(length) {
            Ok(length) => self.take(length),
            Err(_) => Err(Error::truncated(length, to_u64(self.rest.len()))),
        }
    }

    fn text<const N: usize>(&mut self) -> Result<Value<'a>> {
        // Python writes half surrogate pairs as if they were characters; no UTF-8 can hold them.
        let text = std::str::from_utf8(self.sized::<N>()?);
        text.map(Value::Text).map_err(|_| corrupt("text is not UTF-8"))
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        // What lies below a mark is out of reach until the mark is gone.
        let bottom = self.marks.last().copied().unwrap_or_default();
        match self.stack.pop() {
            Some(value) if self.stack.len() >= bottom => Ok(value),
            _ => Err(corrupt("the stack is empty")),
        }
    }

    fn pop_mark(&mut self) -> Result<usize> {
        self.marks.pop().ok_or_else(|| corrupt("there is no mark"))
    }

    /// The value on top, which stays.
    fn top(&mut self) -> Result<Value<'a>> {
        let value = self.pop()?;
        self.stack.push(value);
        Ok(value)
    }

    fn make_tuple(&mut self, from: usize) -> Result<Value<'a>> {
        let bottom = self.marks.last().copied().unwrap_or_default();
        if from < bottom || from > self.stack.len() {
            return Err(corrupt("the stack is empty"));
        }
        let start = self.items.len();
        self.items.extend(self.stack.drain(from..));
        let len = self.items.len() - start;
        Ok(Value::Tuple { start, len })
    }

    fn small_tuple(&mut self, len: usize) -> Result<Value<'a>> {
        let from = self.stack.len().checked_sub(len);
        self.make_tuple(from.ok_or_else(|| corrupt("the stack is empty"))?)
    }

    /// Moves the values from `from` on to the list below them.
    fn append(&mut self, from: usize) -> Result<()> {
        let below = from.checked_sub(1).and_then(|below| self.stack.get(below));
        let list = match below {
            Some(&Value::List(list)) => self.lists.get_mut(list),
            _ => None,
        };
        let list = list.ok_or_else(|| corrupt("values are appended to something else than a list"))?;
        list.extend(self.stack.drain(from..));
        Ok(())
    }

    fn recall(&mut self, index: usize) -> Result<Value<'a>> {
        let value = self.memo.get(index).copied();
        value.ok_or_else(|| corrupt(&format!("memo {index} is not set")))
    }

    /// Runs one instruction; false after the last.
    fn step(&mut self) -> Result<bool> {
        let value = match self.byte()? {
            0x80 => {
                let version = self.byte()?;
                if version > NEWEST_PROTOCOL {
                    return Err(Error::unsupported(format!("pickle protocol {version}")));
                }
                return Ok(true);
            }
            // FRAME: a length that only readers of streams need.
            0x95 => {
                let length = u64::from_le_bytes(self.array()?);
                let available = to_u64(self.rest.len());
                if length > available {
                    return Err(Error::truncated(length, available));
                }
                return Ok(true);
            }
            b'.' => return Ok(false),
            // MEMOIZE
            0x94 => {
                let value = self.top()?;
                self.memo.push(value);
                return Ok(true);
            }
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(true);
            }
            // APPEND, APPENDS, BUILD
            b'a' => {
                let value = self.pop()?;
                self.top()?;
                self.stack.push(value);
                self.append(self.stack.len() - 1)?;
                return Ok(true);
            }
            b'e' => {
                let from = self.pop_mark()?;
                self.append(from)?;
                return Ok(true);
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                self.build(object, state)?;
                return Ok(true);
            }
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            // BININT1, BININT2, BININT, LONG1
            b'K' => Value::Int(i64::from(self.byte()?)),
            b'M' => Value::Int(i64::from(u16::from_le_bytes(self.array()?))),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(self.array()?))),
            0x8a => {
                let bytes = self.sized::<1>()?;
                extend(bytes).map_or(Value::Long(bytes), |wide| Value::Int(i64::from_le_bytes(wide)))
            }
            b'G' => Value::Float(f64::from_be_bytes(self.array()?)),
            // SHORT_BINUNICODE, BINUNICODE
            0x8c => self.text::<1>()?,
            b'X' => self.text::<4>()?,
            // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
            b'C' => Value::Bytes(self.sized::<1>()?),
            b'B' => Value::Bytes(self.sized::<4>()?),
            0x8e | 0x96 => Value::Bytes(self.sized::<8>()?),
            // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
            b')' => self.small_tuple(0)?,
            0x85 => self.small_tuple(1)?,
            0x86 => self.small_tuple(2)?,
            0x87 => self.small_tuple(3)?,
            b't' => {
                let from = self.pop_mark()?;
                self.make_tuple(from)?
            }
            b']' => {
                self.lists.push(Vec::new());
                Value::List(self.lists.len() - 1)
            }
            b'}' => Value::EmptyDict,
            // BINGET, LONG_BINGET
            b'h' => {
                let index = self.byte()?;
                self.recall(usize::from(index))?
            }
            b'j' => {
                let index = u32::from_le_bytes(self.array()?);
                self.recall(usize::try_from(index).unwrap_or(usize::MAX))?
            }
            // STACK_GLOBAL
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => Value::Global(Global::find(module, name)?),
                _ => return Err(corrupt("the name of a global is not text")),
            },
            // REDUCE
            b'R' => match (self.pop()?, self.pop()?) {
                (args, Value::Global(global)) => self.call(global, args)?,
                (_, other) => return Err(Error::unsupported(format!("pickle calls {}", other.type_name()))),
            },
            other => {
                return Err(match REFUSED.iter().find(|row| row.0 == other) {
                    Some((_, name)) => Error::unsupported(format!("pickle opcode {name} is refused")),
                    None => corrupt(&format!("0x{other:02x} is no opcode")),
                });
            }
        };
        self.stack.push(value);
        Ok(true)
    }

    /// Sets the state of a dtype or of an array.
    fn build(&mut self, object: Value<'a>, state: Value<'a>) -> Result<()> {
        let state = tuple(&self.items, state)?;
        match (object, state) {
            (Value::Dtype(index), _) => {
                let dtype = self.dtypes.get_mut(index).ok_or_else(|| corrupt("lost dtype"))?;
                *dtype = dtype.with_state(&self.items, state)?;
            }
            // Version, shape, dtype, whether the order is Fortran's (no matter with one dimension), data.
            (
                Value::Array(index),
                &[Value::Int(1), shape, Value::Dtype(dtype), Value::Bool(_), data @ (Value::Bytes(_) | Value::List(_))],
            ) => {
                let dtype = self.dtypes.get(dtype).copied();
                let array =
                    Array { rows: rows(&self.items, shape)?, dtype: dtype.ok_or_else(|| corrupt("lost dtype"))?, data };
                *self.arrays.get_mut(index).ok_or_else(|| corrupt("lost array"))? = Some(array);
            }
            (Value::Array(_), _) => return Err(corrupt("the state of an array is not what numpy writes")),
            _ => return Err(Error::unsupported(format!("pickle sets the state of {}", object.type_name()))),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Loaded<'a>> {
        if !self.rest.is_empty() {
            return Err(corrupt(&format!("{} bytes follow its end", self.rest.len())));
        }
        let index = match (self.stack.as_slice(), self.marks.as_slice()) {
            (&[Value::Array(index)], []) => index,
            (&[other], []) => {
                let found = other.type_name();
                return Err(Error::unsupported(format!("a pickle of {found} (columns are numpy arrays)")));
            }
            _ => return Err(corrupt("it does not end with one object")),
        };
        let array = self.arrays.get_mut(index).and_then(Option::take);
        let Array { rows, dtype, data } = array.ok_or_else(|| corrupt("the array has no state"))?;
        let elements = match (dtype.kind, data) {
            (Kind::Object, Value::List(list)) => {
                let values = self.lists.get_mut(list).map(std::mem::take).unwrap_or_default();
                if values.len() != rows {
                    return Err(corrupt(&format!("an array of {rows} rows holds {} objects", values.len())));
                }
                Elements::Objects(values)
            }
            (kind, Value::Bytes(raw)) if kind != Kind::Object => Elements::Raw(raw),
            _ => return Err(corrupt("the data of an array do not suit its dtype")),
        };
        Ok(Loaded { rows, dtype, elements })
    }
}

/// The items of a tuple.
pub fn tuple<'m, 'a>(items: &'m [Value<'a>], value: Value<'a>) -> Result<&'m [Value<'a>]> {
    let found = match value {
        Value::Tuple { start, len } => items.get(start..start + len),
        _ => None,
    };
    found.ok_or_else(|| corrupt(&format!("{} in the place of a tuple", value.type_name())))
}

/// The rows of an array of that shape.
pub fn rows<'a>(items: &[Value<'a>], shape: Value<'a>) -> Result<usize> {
    match tuple(items, shape)? {
        &[Value::Int(rows)] => usize::try_from(rows).map_err(|_| corrupt("an array has a bad length")),
        [_] => Err(corrupt("an array has a bad length")),
        shape => Err(Error::unsupported(format!("a numpy array of {} dimensions (columns have 1)", shape.len()))),
    }
}

/// Sign-extends a little-endian integer to `N` bytes; `None` where it has more.
pub fn extend<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; N];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(wide)
}
