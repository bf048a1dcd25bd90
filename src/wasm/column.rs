//! Columns to JavaScript: `ColumnData` of js/wasm-types.ts. Every array is a copy that JavaScript owns.

use js_sys::{
    Array, ArrayBuffer, BigInt64Array, BigUint64Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Object, Uint8Array, Uint16Array, Uint32Array,
};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::convert::{set, to_number, warnings_to_js};
use crate::column::{Bitmap, Column, Values, VarBytes};
use crate::encoding::text::codes::Codes;
use crate::error::{Error, Result};
use crate::reader::ChunkRows;
use crate::schema::DataType;
use crate::warning::Warning;

/// Rows of one chunk, of which `first_row` is the first.
pub fn part_to_js(rows: &ChunkRows, warnings: &[Warning], first_row: u32, memory: &Memory) -> JsValue {
    match rows {
        ChunkRows::Whole(column) => column_to_js(column, warnings, first_row, memory),
        ChunkRows::Coded { validity, codes } => {
            let object = described(&Values::empty(DataType::String), rows.num_rows(), validity.as_ref());
            let part = JsValue::from(coded_to_js(codes, validity.as_ref(), memory));
            set(&object, "parts", std::iter::once(part).collect::<Array>());
            finished(&object, warnings)
        }
    }
}

/// A whole column, or rows from `first_row` on, whose offsets of text start where the text of those before probably ends:
/// if that is as long per row.
pub fn column_to_js(column: &Column, warnings: &[Warning], first_row: u32, memory: &Memory) -> JsValue {
    let object = described(column.values(), column.len(), column.validity());
    let values: Object = match column.values() {
        Values::Boolean(bits) => memory.bytes(bits.as_bytes()).into(),
        Values::String(v) | Values::Binary(v) => {
            let base = expected_base(v, first_row).unwrap_or_default();
            if base > 0 {
                set(&object, "base", base);
                let moved: Vec<i32> = v.offsets().iter().map(|offset| offset + base).collect();
                set(&object, "offsets", memory.offsets(&moved));
            } else {
                set(&object, "offsets", memory.offsets(v.offsets()));
            }
            memory.bytes(v.bytes()).into()
        }
        values => memory.array_of(values),
    };
    set(&object, "values", values);
    finished(&object, warnings)
}

/// Where text begins whose rows before take as many bytes each as those here; nothing if these differ, or it is too far.
fn expected_base(text: &VarBytes, first_row: u32) -> Option<i32> {
    let (rows, size) = (text.len() as u64, text.bytes().len() as u64);
    let each = size.checked_div(rows).filter(|each| each * rows == size)?;
    let base = each * u64::from(first_row);
    i32::try_from(base + size).ok()?;
    i32::try_from(base).ok()
}

/// Rows by their positions in a dictionary: a `CodedPart` of js/wasm-types.ts.
#[inline(never)]
fn coded_to_js(codes: &Codes, validity: Option<&Bitmap>, memory: &Memory) -> Object {
    let entries = &codes.entries;
    let placed = codes.placed(validity);
    let has_nulls = placed.len() > codes.codes.len();
    #[expect(clippy::cast_possible_truncation, reason = "codes are at most the number of entries")]
    let narrow: Object = match entries.len() {
        0..=0xff => memory.array_of(&Values::UInt8(placed.iter().map(|&code| code as u8).collect())),
        0x100..=0xffff => memory.array_of(&Values::UInt16(placed.iter().map(|&code| code as u16).collect())),
        _ => memory.array_of(&Values::UInt32(placed.into_owned())),
    };
    let object = Object::new();
    set(&object, "codes", narrow);
    set(&object, "entries", Uint8Array::from(entries.bytes()));
    set(&object, "offsets", Int32Array::from(entries.offsets()));
    set(&object, "size", to_number(codes.size()));
    set(&object, "hasNulls", has_nulls);
    object
}

/// An object with everything but values, offsets and warnings.
fn described(values: &Values, rows: usize, validity: Option<&Bitmap>) -> Object {
    let object = Object::new();
    set(&object, "type", values.data_type().as_str());
    set(&object, "length", to_number(rows as u64));
    let nulls = validity.map_or(0, |bitmap| bitmap.len() - bitmap.count_ones());
    set(&object, "nullCount", to_number(nulls as u64));
    if let Some(validity) = validity.filter(|_| nulls > 0) {
        set(&object, "validity", Uint8Array::from(validity.as_bytes()));
    }
    match values {
        Values::Timestamp { unit, utc, .. } => {
            set(&object, "unit", unit.as_str());
            set(&object, "utc", *utc);
        }
        Values::Decimal { precision, scale, .. } => {
            set(&object, "precision", *precision);
            set(&object, "scale", *scale);
        }
        _ => {}
    }
    object
}

fn finished(object: &Object, warnings: &[Warning]) -> JsValue {
    set(object, "warnings", warnings_to_js(warnings));
    object.into()
}

/// Two's complement, low half first.
fn halves(values: &[i128]) -> Vec<u64> {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    values.iter().flat_map(|&value| [value as u64, (value >> 64) as u64]).collect()
}

/// Room is made for at most so many times the text of the first part.
const MAX_GUESS: u32 = 16;

/// A column of a known number of rows whose parts go to JavaScript as they are decoded, so that wasm memory holds only
/// one of them.
pub struct Target {
    capacity: u32,
    memory: Memory,
    rows: usize,
    filled: Option<Filled>,
    warnings: Vec<Warning>,
}

#[wasm_bindgen]
extern "C" {
    /// `CoreMemory` of js/wasm-types.ts: buffers for arrays.
    #[derive(Clone)]
    pub type Memory;

    /// A buffer of so many bytes, with anything in them: every one will be written before somebody sees it.
    #[wasm_bindgen(method)]
    fn allocate(this: &Memory, size: u32) -> ArrayBuffer;

    /// Takes a buffer back that nobody has seen.
    #[wasm_bindgen(method)]
    fn recycle(this: &Memory, buffer: ArrayBuffer);
}

impl Memory {
    /// An array of values of a fixed width.
    fn array_of(&self, values: &Values) -> Object {
        let rows = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let array = array_for(values, rows, self);
        put(&array, values, 0, rows);
        array
    }

    fn bytes(&self, bytes: &[u8]) -> Uint8Array {
        let array = Uint8Array::new(&self.allocate(u32::try_from(bytes.len()).unwrap_or(u32::MAX)));
        array.copy_from(bytes);
        array
    }

    fn offsets(&self, offsets: &[i32]) -> Int32Array {
        let size = u32::try_from(4 * offsets.len()).unwrap_or(u32::MAX);
        let array = Int32Array::new(&self.allocate(size));
        array.copy_from(offsets);
        array
    }
}

/// An array for values like those, if they have a fixed width.
fn array_for(like: &Values, rows: u32, memory: &Memory) -> Object {
    let buffer = |width: u32| memory.allocate(rows.saturating_mul(width));
    match like {
        Values::Int8(_) => Int8Array::new(&buffer(1)).into(),
        Values::Int16(_) => Int16Array::new(&buffer(2)).into(),
        Values::Int32(_) | Values::Date(_) => Int32Array::new(&buffer(4)).into(),
        Values::Int64(_) | Values::Timestamp { .. } => BigInt64Array::new(&buffer(8)).into(),
        Values::UInt8(_) => Uint8Array::new(&buffer(1)).into(),
        Values::UInt16(_) => Uint16Array::new(&buffer(2)).into(),
        Values::UInt32(_) => Uint32Array::new(&buffer(4)).into(),
        Values::UInt64(_) => BigUint64Array::new(&buffer(8)).into(),
        Values::Float32(_) => Float32Array::new(&buffer(4)).into(),
        Values::Float64(_) => Float64Array::new(&buffer(8)).into(),
        Values::Decimal { .. } => BigUint64Array::new(&buffer(16)).into(),
        Values::Boolean(_) | Values::String(_) | Values::Binary(_) => Object::new(),
    }
}

/// Puts values of a fixed width into the rows `start..end` of an array for such.
#[inline(never)]
fn put(array: &Object, values: &Values, start: u32, end: u32) {
    macro_rules! copy {
        ($array:ty, $values:expr) => {
            array.unchecked_ref::<$array>().subarray(start, end).copy_from($values)
        };
    }
    match values {
        Values::Int8(v) => copy!(Int8Array, v),
        Values::Int16(v) => copy!(Int16Array, v),
        Values::Int32(v) | Values::Date(v) => copy!(Int32Array, v),
        Values::Int64(v) | Values::Timestamp { values: v, .. } => copy!(BigInt64Array, v),
        Values::UInt8(v) => copy!(Uint8Array, v),
        Values::UInt16(v) => copy!(Uint16Array, v),
        Values::UInt32(v) => copy!(Uint32Array, v),
        Values::UInt64(v) => copy!(BigUint64Array, v),
        Values::Float32(v) => copy!(Float32Array, v),
        Values::Float64(v) => copy!(Float64Array, v),
        Values::Decimal { values: v, .. } => {
            array.unchecked_ref::<BigUint64Array>().subarray(2 * start, 2 * end).copy_from(&halves(v));
        }
        Values::Boolean(_) | Values::String(_) | Values::Binary(_) => {}
    }
}

/// What there is once a part came.
struct Filled {
    /// No values, but their type.
    kind: Values,
    /// Values in their final place; bits and text apart.
    values: Object,
    /// Of text whose first part has its values.
    offsets: Option<Int32Array>,
    /// Strings whose first part has codes: `TextPart` of js/wasm-types.ts.
    parts: Array,
    /// Bytes of the text of each part, where there are offsets, and of all so far. The first can have room for others.
    pieces: Vec<Uint8Array>,
    bytes: u32,
    room: u32,
    bits: Bitmap,
    validity: Option<Bitmap>,
}

impl Target {
    /// For so many rows.
    pub fn new(capacity: u32, memory: Memory) -> Self {
        Target { capacity, memory, rows: 0, filled: None, warnings: Vec::new() }
    }

    /// Adds remarks.
    pub fn warn(&mut self, warnings: Vec<Warning>) {
        self.warnings.extend(warnings);
    }

    /// Adds the rows that come next.
    pub fn add(&mut self, part: ChunkRows) -> Result<()> {
        let too_many = || Error::invalid("rows", "are more than were announced");
        let (at, end) = (self.rows, self.rows + part.num_rows());
        let end_row = u32::try_from(end).ok().filter(|&end| end <= self.capacity).ok_or_else(too_many)?;
        let start_row = u32::try_from(at).map_err(|_| too_many())?;
        let kind = match &part {
            ChunkRows::Whole(column) => column.values().emptied(),
            ChunkRows::Coded { .. } => Values::empty(DataType::String),
        };
        let (capacity, memory) = (self.capacity, &self.memory);
        let filled = self.filled.get_or_insert_with(|| Filled::new(kind.emptied(), capacity, memory));
        if filled.kind.data_type() != kind.data_type() {
            return Err(Error::corrupt("chunks of different types in one column"));
        }
        let whole;
        let validity = match &part {
            ChunkRows::Coded { validity, codes } if filled.offsets.is_none() => {
                filled.count(codes.size())?;
                filled.parts.push(&coded_to_js(codes, validity.as_ref(), memory));
                validity.as_ref()
            }
            _ => {
                whole = part.whole()?;
                filled.copy(whole.values(), start_row, end_row, (capacity, memory))?;
                whole.validity()
            }
        };
        if validity.is_some() || filled.validity.is_some() {
            let all = filled.validity.get_or_insert_with(|| Bitmap::filled(at, true));
            match validity {
                Some(bits) => all.append(bits),
                None => all.extend_filled(end - at, true),
            }
        }
        self.rows = end;
        Ok(())
    }

    /// `OpenArrays` of js/wasm-types.ts, once a part came: those that `finish_open` will give.
    pub fn arrays(&self) -> Option<Object> {
        let filled = self.filled.as_ref()?;
        let object = Object::new();
        match (&filled.offsets, &filled.kind) {
            (Some(offsets), _) => set(&object, "offsets", offsets.clone()),
            (None, Values::Boolean(_) | Values::String(_) | Values::Binary(_)) => {}
            (None, _) => set(&object, "values", filled.values.clone()),
        }
        Some(object)
    }

    /// The column; `empty` where no part came.
    pub fn finish(&mut self, empty: &Column) -> JsValue {
        match self.filled.take() {
            Some(filled) => self.finished(filled, false),
            None => column_to_js(empty, &std::mem::take(&mut self.warnings), 0, &self.memory),
        }
    }

    /// The rows that came, at the front of arrays for all that were announced; but bits are only theirs, and so are bytes
    /// of text, which can be a view of an array that has room for others.
    pub fn finish_open(&mut self) -> Option<JsValue> {
        let filled = self.filled.take()?;
        Some(self.finished(filled, true))
    }

    fn finished(&mut self, filled: Filled, is_open: bool) -> JsValue {
        let warnings = std::mem::take(&mut self.warnings);
        let rows = std::mem::take(&mut self.rows);
        let object = described(&filled.kind, rows, filled.validity.as_ref());
        if filled.parts.length() > 0 {
            set(&object, "parts", filled.parts);
            return finished(&object, &warnings);
        }
        // Odd legacy files have columns that are shorter than others.
        let used = u32::try_from(rows).unwrap_or(u32::MAX);
        let is_short = used < self.capacity && !is_open;
        if let Some(offsets) = &filled.offsets {
            set(&object, "offsets", if is_short { offsets.slice(0, used + 1) } else { offsets.clone() });
        }
        set(&object, "values", filled.finish(used, is_short, is_open, &self.memory));
        finished(&object, &warnings)
    }
}

impl Filled {
    fn new(kind: Values, capacity: u32, memory: &Memory) -> Self {
        Filled {
            values: array_for(&kind, capacity, memory),
            kind,
            offsets: None,
            parts: Array::new(),
            pieces: Vec::new(),
            bytes: 0,
            room: 0,
            bits: Bitmap::default(),
            validity: None,
        }
    }

    /// Puts values into rows `start..end`.
    fn copy(&mut self, values: &Values, start: u32, end: u32, all: (u32, &Memory)) -> Result<()> {
        let (_, memory) = all;
        match values {
            Values::Boolean(bits) => self.bits.append(bits),
            Values::String(v) | Values::Binary(v) => {
                let start_byte = self.bytes;
                self.count(v.bytes().len() as u64)?;
                if self.parts.length() > 0 {
                    let part = Object::new();
                    set(&part, "values", memory.bytes(v.bytes()));
                    set(&part, "offsets", memory.offsets(v.offsets()));
                    self.parts.push(&part);
                } else {
                    self.copy_text(v, start_byte, (start, end), all);
                }
            }
            _ => put(&self.values, values, start, end),
        }
        Ok(())
    }

    /// Counts bytes of text.
    fn count(&mut self, more: u64) -> Result<()> {
        let size = u64::from(self.bytes) + more;
        let fits = u32::try_from(size).ok().filter(|&size| i32::try_from(size).is_ok());
        self.bytes = fits.ok_or_else(|| Error::limit("bytes of one column", size, i32::MAX as u64))?;
        Ok(())
    }

    /// Copies the text of rows `start..end`, which starts with this byte of all.
    fn copy_text(&mut self, text: &VarBytes, start_byte: u32, (start, end): (u32, u32), all: (u32, &Memory)) {
        let (capacity, memory) = all;
        let offsets = self.offsets.get_or_insert_with(|| {
            let offsets = Int32Array::new(&memory.allocate(capacity.saturating_add(1).saturating_mul(4)));
            offsets.set_index(0, 0);
            offsets
        });
        let base = i32::try_from(start_byte).unwrap_or(i32::MAX);
        let ends: Vec<i32> = text.offsets().iter().skip(1).map(|offset| offset + base).collect();
        offsets.subarray(start + 1, end + 1).copy_from(&ends);
        let size = self.bytes;
        // Codes of one length, as are common, get their final place at once, if these are not only a few of many rows.
        let each = size.checked_div(end).filter(|each| u64::from(*each) * u64::from(end) == u64::from(size));
        if let (0, Some(each)) = (start, each.filter(|_| end < capacity && capacity / MAX_GUESS <= end)) {
            self.room = each.saturating_mul(capacity).min(i32::MAX.unsigned_abs());
            self.pieces.push(Uint8Array::new(&memory.allocate(self.room)));
        }
        match self.pieces.first().filter(|_| size <= self.room) {
            Some(first) => first.subarray(start_byte, size).copy_from(text.bytes()),
            None => {
                self.end_room(start_byte);
                self.pieces.push(memory.bytes(text.bytes()));
            }
        }
    }

    /// Leaves nothing behind the text in the first piece, which is all there is: so many bytes.
    fn end_room(&mut self, bytes: u32) {
        if std::mem::take(&mut self.room) != bytes
            && let Some(first) = self.pieces.first_mut().filter(|first| first.length() > bytes)
        {
            *first = first.slice(0, bytes);
        }
    }

    /// The values; of some rows only where not all that were announced came.
    fn finish(mut self, rows: u32, is_short: bool, is_open: bool, memory: &Memory) -> Object {
        if let Some(all) = self.pieces.first().filter(|_| self.room > 0 && is_open) {
            return all.subarray(0, self.bytes).into();
        }
        if self.room > 0 {
            self.end_room(self.bytes);
        }
        match &self.kind {
            Values::Boolean(_) => return memory.bytes(self.bits.as_bytes()).into(),
            Values::String(_) | Values::Binary(_) => {
                let mut pieces = self.pieces.into_iter();
                return match (pieces.len(), pieces.next()) {
                    (1, Some(piece)) => piece.into(),
                    (_, first) => {
                        let all = Uint8Array::new(&memory.allocate(self.bytes));
                        let mut at = 0;
                        for piece in first.into_iter().chain(pieces) {
                            all.set(&piece, at);
                            at += piece.length();
                            memory.recycle(piece.buffer());
                        }
                        all.into()
                    }
                };
            }
            _ => {}
        }
        if !is_short {
            return self.values;
        }
        let rows = if matches!(&self.kind, Values::Decimal { .. }) { 2 * rows } else { rows };
        // All typed arrays have this method.
        self.values.unchecked_ref::<Uint8Array>().slice(0, rows).into()
    }
}
