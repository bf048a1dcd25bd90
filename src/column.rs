//! Columns in memory: Arrow's layout, typed values beside an optional validity bitmap.
//!
//! Every encoding decodes to this canonical form. A bitmap is least significant bit first, 1 = valid (or true);
//! bits behind the last row are zero. Values under a null are unspecified but present.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::schema::{DataType, TimeUnit};

/// Bits, least significant first; those behind `len` are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    bytes: Vec<u8>,
    len: usize,
}

impl Bitmap {
    /// `len` bits of one value.
    #[must_use]
    pub fn filled(len: usize, value: bool) -> Self {
        let mut bitmap = Bitmap { bytes: vec![if value { 0xff } else { 0 }; len.div_ceil(8)], len };
        bitmap.clear_tail();
        bitmap
    }

    /// The first `len` bits of `bytes`.
    ///
    /// # Errors
    /// `truncated` when there are fewer.
    pub fn from_bytes(mut bytes: Vec<u8>, len: usize) -> Result<Self> {
        let needed = len.div_ceil(8);
        if bytes.len() < needed {
            return Err(Error::truncated(needed as u64, bytes.len() as u64));
        }
        bytes.truncate(needed);
        let mut bitmap = Bitmap { bytes, len };
        bitmap.clear_tail();
        Ok(bitmap)
    }

    fn clear_tail(&mut self) {
        if let (Some(last), used @ 1..) = (self.bytes.last_mut(), self.len % 8) {
            *last &= (1u8 << used) - 1;
        }
    }

    /// Number of bits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bit `index`; false behind the end.
    #[must_use]
    pub fn get(&self, index: usize) -> bool {
        index < self.len && self.bytes.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }

    /// Adds a bit.
    pub fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let (true, Some(last)) = (bit, self.bytes.last_mut()) {
            *last |= 1 << (self.len % 8);
        }
        self.len += 1;
    }

    /// Adds `count` bits of one value.
    pub fn extend_filled(&mut self, count: usize, bit: bool) {
        let mut left = count;
        while left > 0 && !self.len.is_multiple_of(8) {
            self.push(bit);
            left -= 1;
        }
        self.bytes.resize(self.bytes.len() + left.div_ceil(8), if bit { 0xff } else { 0 });
        self.len += left;
        self.clear_tail();
    }

    /// All bits in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> + Clone + '_ {
        (0..self.len).map(|index| self.get(index))
    }

    /// How many bits are set.
    #[must_use]
    pub fn count_ones(&self) -> usize {
        self.bytes.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// The bits of a range, which is cut to the length.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len);
        if !range.start.is_multiple_of(8) || range.start >= end {
            return (range.start..end).map(|index| self.get(index)).collect();
        }
        let bytes = self.bytes.get(range.start / 8..end.div_ceil(8)).unwrap_or_default().to_vec();
        let mut bitmap = Bitmap { bytes, len: end - range.start };
        bitmap.clear_tail();
        bitmap
    }
}

impl Bitmap {
    /// Adds the bits of another bitmap behind these.
    pub fn append(&mut self, other: &Bitmap) {
        let shift = self.len % 8;
        if shift == 0 {
            self.bytes.extend_from_slice(&other.bytes);
        } else {
            for &byte in &other.bytes {
                if let Some(last) = self.bytes.last_mut() {
                    *last |= byte << shift;
                }
                self.bytes.push(byte >> (8 - shift));
            }
        }
        self.len += other.len;
        self.bytes.truncate(self.len.div_ceil(8));
    }

    /// The bits at these positions; false behind the end.
    #[must_use]
    pub fn gather(&self, positions: &[u32]) -> Self {
        positions.iter().map(|&position| self.get(index(position))).collect()
    }

    /// Puts values where the bits are set, one after the other, and `fill` where they are not.
    // In wasm, values of one width share it.
    #[inline(never)]
    pub(crate) fn place<T: Copy>(&self, values: &[T], fill: T) -> Vec<T> {
        let mut placed = vec![fill; self.len];
        let mut rest = values;
        let (groups, tail) = placed.as_chunks_mut::<8>();
        let tail = (!tail.is_empty()).then_some(tail);
        let mut bytes = self.bytes.iter();
        for (group, &byte) in groups.iter_mut().zip(&mut bytes) {
            // Mostly all of eight bits are set, or none.
            match (byte, rest.split_first_chunk()) {
                (0, _) => {}
                (0xff, Some((eight, behind))) => {
                    *group = *eight;
                    rest = behind;
                }
                _ => place_some(byte, &mut rest, group),
            }
        }
        for (group, &byte) in tail.into_iter().zip(bytes) {
            place_some(byte, &mut rest, group);
        }
        placed
    }

    /// The values whose bits are set.
    pub(crate) fn pick<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let mut picked = values.to_vec();
        let count = self.pick_within(0, &mut picked);
        picked.truncate(count);
        picked
    }

    /// Moves the values whose bits are set, the first of which is that of a row that is a multiple of eight, to the front
    /// of them all, and says how many there are.
    pub(crate) fn pick_within<T: Copy>(&self, first: usize, values: &mut [T]) -> usize {
        let mut count = 0;
        let bytes = self.bytes.get(first / 8..).unwrap_or_default();
        for (start, &byte) in (0..values.len()).step_by(8).zip(bytes) {
            let eight: Option<[T; 8]> = values.get(start..).and_then(<[T]>::first_chunk).copied();
            let to = values.get_mut(count..).and_then(<[T]>::first_chunk_mut);
            if let (0xff, Some(eight), Some(to)) = (byte, eight, to) {
                *to = eight;
                count += 8;
                continue;
            }
            for (at, bit) in (start..values.len().min(start + 8)).zip(0..) {
                if byte >> bit & 1 == 1 {
                    values.copy_within(at..=at, count);
                    count += 1;
                }
            }
        }
        count
    }

    /// Clears the values where the bits are not set.
    pub(crate) fn clear_others<T: Copy + Default>(&self, values: &mut [T]) {
        for (group, &byte) in values.chunks_mut(8).zip(&self.bytes) {
            if byte != 0xff {
                for (bit, value) in group.iter_mut().enumerate() {
                    *value = if byte >> bit & 1 == 1 { *value } else { T::default() };
                }
            }
        }
    }

    /// The positions of some of the set bits: which of them, ascending from 0.
    pub(crate) fn positions_of(&self, wanted: &[usize]) -> Vec<u32> {
        let mut bytes = self.bytes.iter().map(|&byte| usize::from(byte)).zip((0u32..).step_by(8));
        let (mut byte, mut start) = bytes.next().unwrap_or_default();
        let mut before = 0;
        let find = |&which: &usize| {
            while which >= before + byte.count_ones() as usize {
                before += byte.count_ones() as usize;
                let Some(next) = bytes.next() else { return u32::MAX };
                (byte, start) = next;
            }
            let mut left = byte;
            (before..which).for_each(|_| left &= left - 1);
            start + left.trailing_zeros()
        };
        wanted.iter().map(find).collect()
    }

    /// The positions of the set bits within a range.
    #[must_use]
    pub fn positions(&self, range: Range<usize>) -> Vec<u32> {
        let mut positions = Vec::new();
        let end = range.end.min(self.len);
        let mut at = range.start;
        while at < end {
            let byte = self.bytes.get(at / 8).copied().unwrap_or_default();
            if byte == 0 {
                at = (at / 8 + 1) * 8;
                continue;
            }
            if byte >> (at % 8) & 1 == 1 {
                // A chunk has fewer than 2^32 rows.
                positions.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
            at += 1;
        }
        positions
    }
}

/// Moves values to the places whose bits are set.
#[inline(never)]
fn place_some<T: Copy>(byte: u8, values: &mut &[T], places: &mut [T]) {
    for (bit, place) in places.iter_mut().enumerate() {
        if byte >> bit & 1 == 1
            && let Some(&value) = values.split_off_first()
        {
            *place = value;
        }
    }
}

/// A position within a chunk as an index.
pub(crate) fn index(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

impl FromIterator<bool> for Bitmap {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let mut bitmap = Bitmap::default();
        bits.into_iter().for_each(|bit| bitmap.push(bit));
        bitmap
    }
}

/// Byte strings of any length: `offsets.len() - 1` values, value `i` at `bytes[offsets[i]..offsets[i + 1]]`.
///
/// Offsets start at 0, never decrease and end at `bytes.len()`, which is below 2^31.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VarBytes {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl Default for VarBytes {
    fn default() -> Self {
        VarBytes { offsets: vec![0], bytes: Vec::new() }
    }
}

impl VarBytes {
    /// Checks the rules above.
    ///
    /// # Errors
    /// `corrupt`.
    pub fn new(offsets: Vec<i32>, bytes: Vec<u8>) -> Result<Self> {
        if offsets.first() != Some(&0) {
            return Err(Error::corrupt("value offsets do not start at 0"));
        }
        let pairs = || offsets.iter().zip(offsets.get(1..).unwrap_or_default());
        // Without a branch per value this is far faster than looking for the first one that is not right.
        if pairs().fold(false, |goes_back, (a, b)| goes_back | (a > b)) {
            let index = pairs().position(|(a, b)| a > b).unwrap_or_default();
            return Err(Error::corrupt(format!("value offsets go backwards at row {index}")));
        }
        let end = offsets.last().map(|&end| usize::try_from(end));
        if end != Some(Ok(bytes.len())) {
            return Err(Error::corrupt(format!(
                "value offsets end at {} but there are {} bytes",
                offsets.last().copied().unwrap_or_default(),
                bytes.len()
            )));
        }
        Ok(VarBytes { offsets, bytes })
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Offsets, one more than values.
    #[must_use]
    pub fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Value `index`; empty behind the end.
    #[must_use]
    pub fn get(&self, index: usize) -> &[u8] {
        let at = |i: usize| self.offsets.get(i).and_then(|&offset| usize::try_from(offset).ok());
        match (at(index), at(index + 1)) {
            (Some(start), Some(end)) => self.bytes.get(start..end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// All values in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Adds a value.
    ///
    /// # Errors
    /// `limit-exceeded` at 2^31 bytes.
    pub fn push(&mut self, value: &[u8]) -> Result<()> {
        let end = self.bytes.len().saturating_add(value.len());
        let end = i32::try_from(end).map_err(|_| Error::limit("bytes of one column", end as u64, i32::MAX as u64))?;
        self.bytes.extend_from_slice(value);
        self.offsets.push(end);
        Ok(())
    }

    /// The values of a range, which is cut to the length.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let first = self.offsets.get(start).copied().unwrap_or_default();
        let offsets: Vec<i32> =
            self.offsets.get(start..=end).unwrap_or_default().iter().map(|offset| offset - first).collect();
        let from = usize::try_from(first).unwrap_or_default();
        let length = offsets.last().and_then(|&end| usize::try_from(end).ok()).unwrap_or_default();
        let bytes = self.bytes.get(from..from + length).unwrap_or_default().to_vec();
        VarBytes { offsets, bytes }
    }

    /// Adds the values of another container behind these.
    ///
    /// # Errors
    /// `limit-exceeded` at 2^31 bytes.
    pub fn append(&mut self, other: &VarBytes) -> Result<()> {
        let base = self.bytes.len();
        let end = base.saturating_add(other.bytes.len());
        if i32::try_from(end).is_err() {
            return Err(Error::limit("bytes of one column", end as u64, i32::MAX as u64));
        }
        let base = i32::try_from(base).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&other.bytes);
        self.offsets.extend(other.offsets.iter().skip(1).map(|offset| offset + base));
        Ok(())
    }

    /// Makes room for the values of another container, and for up to `rows` like those of both.
    #[cfg(feature = "writer")]
    fn make_room(&mut self, more: &VarBytes, rows: usize) {
        let (len, bytes) = (self.len() + more.len(), self.bytes.len() + more.bytes.len());
        make_room(&mut self.offsets, more.len(), rows.saturating_add(1));
        // A little more than what is likely, or the last values would move all.
        let likely = (bytes / len.max(1) + 1).saturating_mul(rows);
        make_room(&mut self.bytes, more.bytes.len(), likely);
    }

    /// The values at these positions; empty behind the end.
    ///
    /// # Errors
    /// `limit-exceeded` at 2^31 bytes.
    pub fn gather(&self, positions: &[u32]) -> Result<Self> {
        let mut gathered = VarBytes::default();
        gathered.offsets.reserve(positions.len());
        for &position in positions {
            gathered.push(self.get(index(position)))?;
        }
        Ok(gathered)
    }

    /// Checks that every value is UTF-8.
    ///
    /// # Errors
    /// `corrupt`, naming the row.
    pub fn check_utf8(&self) -> Result<()> {
        match self.first_not_utf8() {
            None => Ok(()),
            Some(row) => Err(Error::corrupt(format!("text is not UTF-8 near row {row}"))),
        }
    }

    /// The first value, or nearly, that is not UTF-8.
    #[must_use]
    #[inline]
    pub fn first_not_utf8(&self) -> Option<usize> {
        // Without a branch per byte this is far faster than looking for the first one that is not.
        if self.bytes.chunks(256).all(|chunk| chunk.iter().fold(0, |bits, byte| bits | byte) < 0x80) {
            return None;
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => self
                .offsets
                .iter()
                .position(|&offset| !usize::try_from(offset).is_ok_and(|offset| text.is_char_boundary(offset))),
            Err(_) => self.iter().position(|value| std::str::from_utf8(value).is_err()),
        }
    }
}

/// Typed values, one per row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Signed 8 bits.
    Int8(Vec<i8>),
    /// Signed 16 bits.
    Int16(Vec<i16>),
    /// Signed 32 bits.
    Int32(Vec<i32>),
    /// Signed 64 bits.
    Int64(Vec<i64>),
    /// Unsigned 8 bits.
    UInt8(Vec<u8>),
    /// Unsigned 16 bits.
    UInt16(Vec<u16>),
    /// Unsigned 32 bits.
    UInt32(Vec<u32>),
    /// Unsigned 64 bits.
    UInt64(Vec<u64>),
    /// IEEE 754 binary32; every bit pattern is kept.
    Float32(Vec<f32>),
    /// IEEE 754 binary64; every bit pattern is kept.
    Float64(Vec<f64>),
    /// UTF-8.
    String(VarBytes),
    /// Bytes.
    Binary(VarBytes),
    /// 1 = true.
    Boolean(Bitmap),
    /// Days since 1970-01-01.
    Date(Vec<i32>),
    /// Counts since 1970-01-01T00:00:00.
    Timestamp {
        /// Unit of the count.
        unit: TimeUnit,
        /// Whether the values are instants in UTC rather than local wall-clock times.
        utc: bool,
        /// The counts.
        values: Vec<i64>,
    },
    /// `value / 10^scale`.
    Decimal {
        /// Decimal digits that any value may have, 1 to 38.
        precision: u8,
        /// Digits behind the point, at most `precision`.
        scale: u8,
        /// Unscaled values.
        values: Vec<i128>,
    },
}

/// Runs `$body` with `$values` bound to the value container of whichever type it is.
macro_rules! for_values {
    ($self:expr, $values:ident => $body:expr) => {
        match $self {
            Values::Int8($values) => $body,
            Values::Int16($values) => $body,
            Values::Int32($values) => $body,
            Values::Int64($values) => $body,
            Values::UInt8($values) => $body,
            Values::UInt16($values) => $body,
            Values::UInt32($values) => $body,
            Values::UInt64($values) => $body,
            Values::Float32($values) => $body,
            Values::Float64($values) => $body,
            Values::String($values) | Values::Binary($values) => $body,
            Values::Boolean($values) => $body,
            Values::Date($values) => $body,
            Values::Timestamp { values: $values, .. } => $body,
            Values::Decimal { values: $values, .. } => $body,
        }
    };
}

impl Values {
    /// The logical type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        match self {
            Values::Int8(_) => DataType::Int8,
            Values::Int16(_) => DataType::Int16,
            Values::Int32(_) => DataType::Int32,
            Values::Int64(_) => DataType::Int64,
            Values::UInt8(_) => DataType::UInt8,
            Values::UInt16(_) => DataType::UInt16,
            Values::UInt32(_) => DataType::UInt32,
            Values::UInt64(_) => DataType::UInt64,
            Values::Float32(_) => DataType::Float32,
            Values::Float64(_) => DataType::Float64,
            Values::String(_) => DataType::String,
            Values::Binary(_) => DataType::Binary,
            Values::Boolean(_) => DataType::Boolean,
            Values::Date(_) => DataType::Date,
            Values::Timestamp { .. } => DataType::Timestamp,
            Values::Decimal { .. } => DataType::Decimal,
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        for_values!(self, values => values.len())
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No rows of the same type, with the same unit and digits.
    #[must_use]
    pub fn emptied(&self) -> Self {
        match self {
            Values::Timestamp { unit, utc, .. } => Values::Timestamp { unit: *unit, utc: *utc, values: Vec::new() },
            Values::Decimal { precision, scale, .. } => {
                Values::Decimal { precision: *precision, scale: *scale, values: Vec::new() }
            }
            other => Values::empty(other.data_type()),
        }
    }

    /// No rows of a type; timestamps in microseconds, decimals with 38 digits and scale 0.
    #[must_use]
    pub fn empty(data_type: DataType) -> Self {
        match data_type {
            DataType::Int8 => Values::Int8(Vec::new()),
            DataType::Int16 => Values::Int16(Vec::new()),
            DataType::Int32 => Values::Int32(Vec::new()),
            DataType::Int64 => Values::Int64(Vec::new()),
            DataType::UInt8 => Values::UInt8(Vec::new()),
            DataType::UInt16 => Values::UInt16(Vec::new()),
            DataType::UInt32 => Values::UInt32(Vec::new()),
            DataType::UInt64 => Values::UInt64(Vec::new()),
            DataType::Float32 => Values::Float32(Vec::new()),
            DataType::Float64 => Values::Float64(Vec::new()),
            DataType::String => Values::String(VarBytes::default()),
            DataType::Binary => Values::Binary(VarBytes::default()),
            DataType::Boolean => Values::Boolean(Bitmap::default()),
            DataType::Date => Values::Date(Vec::new()),
            DataType::Timestamp => Values::Timestamp { unit: TimeUnit::Microsecond, utc: false, values: Vec::new() },
            DataType::Decimal => Values::Decimal { precision: MAX_PRECISION, scale: 0, values: Vec::new() },
        }
    }
}

/// Decimal digits that a 128-bit decimal can hold.
pub const MAX_PRECISION: u8 = 38;

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    values: Values,
    validity: Option<Bitmap>,
}

impl Column {
    /// A column; a validity without nulls is dropped.
    ///
    /// # Errors
    /// `corrupt` when the validity has another length than the values.
    pub fn new(values: Values, validity: Option<Bitmap>) -> Result<Self> {
        if let Some(bitmap) = &validity
            && bitmap.len() != values.len()
        {
            return Err(Error::corrupt(format!("validity of {} rows beside {} values", bitmap.len(), values.len())));
        }
        let validity = validity.filter(|bitmap| bitmap.count_ones() < bitmap.len());
        Ok(Column { values, validity })
    }

    /// The values, those under nulls included.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// 1 = valid; `None` when no row is null.
    #[must_use]
    pub fn validity(&self) -> Option<&Bitmap> {
        self.validity.as_ref()
    }

    /// Values and validity.
    #[must_use]
    pub fn into_parts(self) -> (Values, Option<Bitmap>) {
        (self.values, self.validity)
    }

    /// The same with timestamps as instants in UTC.
    #[must_use]
    pub fn into_utc(mut self) -> Self {
        if let Values::Timestamp { utc, .. } = &mut self.values {
            *utc = true;
        }
        self
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether row `index` holds a value.
    #[must_use]
    pub fn is_valid(&self, index: usize) -> bool {
        self.validity.as_ref().is_none_or(|bitmap| bitmap.get(index))
    }

    /// How many rows are null.
    #[must_use]
    pub fn num_nulls(&self) -> usize {
        self.validity.as_ref().map_or(0, |bitmap| bitmap.len() - bitmap.count_ones())
    }

    /// The rows of a range, which is cut to the length.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        let validity = self.validity.as_ref().map(|bitmap| bitmap.slice(range.clone()));
        let values = match &self.values {
            Values::Int8(v) => Values::Int8(cut(v, range)),
            Values::Int16(v) => Values::Int16(cut(v, range)),
            Values::Int32(v) => Values::Int32(cut(v, range)),
            Values::Int64(v) => Values::Int64(cut(v, range)),
            Values::UInt8(v) => Values::UInt8(cut(v, range)),
            Values::UInt16(v) => Values::UInt16(cut(v, range)),
            Values::UInt32(v) => Values::UInt32(cut(v, range)),
            Values::UInt64(v) => Values::UInt64(cut(v, range)),
            Values::Float32(v) => Values::Float32(cut(v, range)),
            Values::Float64(v) => Values::Float64(cut(v, range)),
            Values::String(v) => Values::String(v.slice(range)),
            Values::Binary(v) => Values::Binary(v.slice(range)),
            Values::Boolean(v) => Values::Boolean(v.slice(range)),
            Values::Date(v) => Values::Date(cut(v, range)),
            Values::Timestamp { unit, utc, values } => {
                Values::Timestamp { unit: *unit, utc: *utc, values: cut(values, range) }
            }
            Values::Decimal { precision, scale, values } => {
                Values::Decimal { precision: *precision, scale: *scale, values: cut(values, range) }
            }
        };
        Column { values, validity: validity.filter(|bitmap| bitmap.count_ones() < bitmap.len()) }
    }
}

/// Makes room for `more` items: at least twice of what there is, as lists grow, but for no more than `most` if they do.
#[cfg(feature = "writer")]
fn make_room<T>(items: &mut Vec<T>, more: usize, most: usize) {
    let needed = items.len().saturating_add(more);
    if needed > items.capacity() {
        let wanted = needed.max(items.capacity().saturating_mul(2).min(most));
        items.reserve_exact(wanted - items.len());
    }
}

impl Column {
    /// Makes room for the rows of another column of the same type, where there will never be more than `most` rows.
    #[cfg(feature = "writer")]
    pub(crate) fn make_room(&mut self, more: &Column, most: usize) {
        let rows = more.len();
        match (&mut self.values, &more.values) {
            (Values::Int8(v), _) => make_room(v, rows, most),
            (Values::Int16(v), _) => make_room(v, rows, most),
            (Values::Int32(v) | Values::Date(v), _) => make_room(v, rows, most),
            (Values::Int64(v) | Values::Timestamp { values: v, .. }, _) => make_room(v, rows, most),
            (Values::UInt8(v), _) => make_room(v, rows, most),
            (Values::UInt16(v), _) => make_room(v, rows, most),
            (Values::UInt32(v), _) => make_room(v, rows, most),
            (Values::UInt64(v), _) => make_room(v, rows, most),
            (Values::Float32(v), _) => make_room(v, rows, most),
            (Values::Float64(v), _) => make_room(v, rows, most),
            (Values::Decimal { values: v, .. }, _) => make_room(v, rows, most),
            (Values::String(v), Values::String(more)) | (Values::Binary(v), Values::Binary(more)) => {
                v.make_room(more, most);
            }
            // A bit per row; and what append() refuses.
            (Values::Boolean(_) | Values::String(_) | Values::Binary(_), _) => {}
        }
    }

    /// Adds the rows of another column of the same type behind these.
    ///
    /// # Errors
    /// `type-mismatch` for another type, `limit-exceeded` for text of 2^31 bytes.
    pub fn append(&mut self, other: &Column) -> Result<()> {
        let rows = self.len();
        match (&mut self.values, &other.values) {
            (Values::Int8(to), Values::Int8(from)) => to.extend_from_slice(from),
            (Values::Int16(to), Values::Int16(from)) => to.extend_from_slice(from),
            (Values::Int32(to), Values::Int32(from)) | (Values::Date(to), Values::Date(from)) => {
                to.extend_from_slice(from);
            }
            (Values::Int64(to), Values::Int64(from)) => to.extend_from_slice(from),
            (Values::UInt8(to), Values::UInt8(from)) => to.extend_from_slice(from),
            (Values::UInt16(to), Values::UInt16(from)) => to.extend_from_slice(from),
            (Values::UInt32(to), Values::UInt32(from)) => to.extend_from_slice(from),
            (Values::UInt64(to), Values::UInt64(from)) => to.extend_from_slice(from),
            (Values::Float32(to), Values::Float32(from)) => to.extend_from_slice(from),
            (Values::Float64(to), Values::Float64(from)) => to.extend_from_slice(from),
            (Values::String(to), Values::String(from)) | (Values::Binary(to), Values::Binary(from)) => {
                to.append(from)?;
            }
            (Values::Boolean(to), Values::Boolean(from)) => to.append(from),
            (
                Values::Timestamp { unit: a, utc: c, values: to },
                Values::Timestamp { unit: b, utc: d, values: from },
            ) if (*a, *c) == (*b, *d) => to.extend_from_slice(from),
            (
                Values::Decimal { precision: a, scale: c, values: to },
                Values::Decimal { precision: b, scale: d, values: from },
            ) if (*a, *c) == (*b, *d) => to.extend_from_slice(from),
            (to, from) => {
                let (to, from) = (to.data_type().as_str(), from.data_type().as_str());
                return Err(Error::type_mismatch(format!("more values of {to}"), from));
            }
        }
        match (&mut self.validity, &other.validity) {
            (None, None) => {}
            (Some(to), Some(from)) => to.append(from),
            (Some(to), None) => to.append(&Bitmap::filled(other.len(), true)),
            (to @ None, Some(from)) => {
                let mut validity = Bitmap::filled(rows, true);
                validity.append(from);
                *to = Some(validity);
            }
        }
        Ok(())
    }

    /// The rows at these positions, all of which exist.
    ///
    /// # Errors
    /// `limit-exceeded` for text of 2^31 bytes.
    pub fn gather(&self, positions: &[u32]) -> Result<Self> {
        fn pick<T: Copy + Default>(values: &[T], positions: &[u32]) -> Vec<T> {
            positions.iter().map(|&position| values.get(index(position)).copied().unwrap_or_default()).collect()
        }
        let values = match &self.values {
            Values::Int8(v) => Values::Int8(pick(v, positions)),
            Values::Int16(v) => Values::Int16(pick(v, positions)),
            Values::Int32(v) => Values::Int32(pick(v, positions)),
            Values::Int64(v) => Values::Int64(pick(v, positions)),
            Values::UInt8(v) => Values::UInt8(pick(v, positions)),
            Values::UInt16(v) => Values::UInt16(pick(v, positions)),
            Values::UInt32(v) => Values::UInt32(pick(v, positions)),
            Values::UInt64(v) => Values::UInt64(pick(v, positions)),
            Values::Float32(v) => Values::Float32(pick(v, positions)),
            Values::Float64(v) => Values::Float64(pick(v, positions)),
            Values::String(v) => Values::String(v.gather(positions)?),
            Values::Binary(v) => Values::Binary(v.gather(positions)?),
            Values::Boolean(v) => Values::Boolean(v.gather(positions)),
            Values::Date(v) => Values::Date(pick(v, positions)),
            Values::Timestamp { unit, utc, values } => {
                Values::Timestamp { unit: *unit, utc: *utc, values: pick(values, positions) }
            }
            Values::Decimal { precision, scale, values } => {
                Values::Decimal { precision: *precision, scale: *scale, values: pick(values, positions) }
            }
        };
        Column::new(values, self.validity.as_ref().map(|bitmap| bitmap.gather(positions)))
    }
}

fn cut<T: Copy>(values: &[T], range: Range<usize>) -> Vec<T> {
    values.get(range).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitmap_keeps_its_tail_clear() {
        let bitmap = Bitmap::from_bytes(vec![0xff, 0xff, 0xff], 9).unwrap();
        assert_eq!(bitmap.as_bytes(), [0xff, 1]);
        assert_eq!((bitmap.count_ones(), bitmap.get(8), bitmap.get(9)), (9, true, false));
        assert_eq!(bitmap.slice(7..9), Bitmap::filled(2, true));
        assert!(Bitmap::from_bytes(vec![0xff], 9).is_err());
        assert_eq!([true, false, true].into_iter().collect::<Bitmap>().as_bytes(), [5]);
    }

    #[test]
    fn var_bytes_refuses_bad_offsets() {
        for offsets in [vec![], vec![1], vec![0, 2, 1], vec![0, 4], vec![0, -1], vec![0, 1]] {
            assert!(VarBytes::new(offsets, b"abc".to_vec()).is_err());
        }
        let good = VarBytes::new(vec![0, 2, 2, 3], b"abc".to_vec()).unwrap();
        assert_eq!(good.iter().collect::<Vec<_>>(), [&b"ab"[..], b"", b"c"]);
        assert_eq!(good.slice(1..9), VarBytes::new(vec![0, 0, 1], b"c".to_vec()).unwrap());
    }

    #[test]
    fn utf8_is_checked_value_by_value() {
        let text = "é".as_bytes().to_vec();
        assert!(VarBytes::new(vec![0, 2], text.clone()).unwrap().check_utf8().is_ok());
        assert!(VarBytes::new(vec![0, 1, 2], text).unwrap().check_utf8().is_err());
        assert!(VarBytes::new(vec![0, 1], vec![0xff]).unwrap().check_utf8().is_err());
    }

    #[test]
    fn values_are_placed_where_bits_are_set() {
        for len in [0, 1, 7, 8, 9, 16, 27, 64] {
            let patterns: [&dyn Fn(usize) -> bool; 6] =
                [&|_| true, &|_| false, &|i| i % 3 == 0, &|i| i > 0, &|i| i + 1 < len, &|i| i / 8 % 2 == 0];
            for is_set in patterns {
                let bitmap: Bitmap = (0..len).map(is_set).collect();
                let values: Vec<u16> = (1..=len as u16).collect();
                let mut next = values.iter().copied();
                let expected: Vec<u16> = (0..len).map(|i| if is_set(i) { next.next().unwrap() } else { 77 }).collect();
                assert_eq!(bitmap.place(&values, 77), expected, "{bitmap:?}");
                let mut cleared = values.clone();
                bitmap.clear_others(&mut cleared);
                let expected: Vec<u16> = (0..len).map(|i| if is_set(i) { values[i] } else { 0 }).collect();
                assert_eq!(cleared, expected, "{bitmap:?}");
            }
        }
        // Where there are too few values, the rest is filled.
        assert_eq!(Bitmap::filled(11, true).place(&[5u8; 9], 1), [5, 5, 5, 5, 5, 5, 5, 5, 5, 1, 1]);
    }

    #[test]
    fn a_validity_without_nulls_is_dropped() {
        let column = Column::new(Values::Int8(vec![1, 2]), Some(Bitmap::filled(2, true))).unwrap();
        assert!(column.validity().is_none());
        assert!(Column::new(Values::Int8(vec![1]), Some(Bitmap::filled(2, true))).is_err());
    }

    #[test]
    fn bitmaps_are_appended_at_any_bit() {
        for (a, b) in [(0, 5), (3, 4), (7, 9), (8, 1), (13, 40), (5, 0)] {
            let bits: Vec<bool> = (0..a + b).map(|i| i * 7 % 3 == 0).collect();
            let mut bitmap: Bitmap = bits[..a].iter().copied().collect();
            bitmap.append(&bits[a..].iter().copied().collect());
            assert_eq!(bitmap, bits.iter().copied().collect());
            let set: Vec<u32> = (1..bits.len()).filter(|&i| bits[i]).map(|i| i as u32).collect();
            assert_eq!(bitmap.positions(1..usize::MAX), set);
        }
    }

    #[test]
    fn columns_are_appended_and_gathered() {
        let column = |values: Vec<i8>, validity: Option<Vec<bool>>| {
            Column::new(Values::Int8(values), validity.map(|bits| bits.into_iter().collect())).unwrap()
        };
        let mut all = column(vec![1, 2], None);
        all.append(&column(vec![3, 4], Some(vec![false, true]))).unwrap();
        all.append(&column(vec![5], None)).unwrap();
        assert_eq!(all, column(vec![1, 2, 3, 4, 5], Some(vec![true, true, false, true, true])));
        assert_eq!(all.gather(&[4, 0]).unwrap(), column(vec![5, 1], None));
        assert_eq!(all.gather(&[2]).unwrap(), column(vec![3], Some(vec![false])));
        assert!(all.append(&Column::new(Values::Int16(vec![1]), None).unwrap()).is_err());
    }

    #[test]
    fn slices_are_cut_to_the_length() {
        let validity = [false, true, true].into_iter().collect();
        let column = Column::new(Values::Int8(vec![1, 2, 3]), Some(validity)).unwrap();
        assert_eq!(column.slice(1..100), Column::new(Values::Int8(vec![2, 3]), None).unwrap());
        assert_eq!(column.slice(5..9).len(), 0);
    }

    #[cfg(feature = "writer")]
    #[test]
    fn room_is_made_for_no_more_rows_than_there_can_be() {
        let integers = |len: usize| Column::new(Values::Int64(vec![7; len]), None).unwrap();
        let text = |len: usize| Column::new(Values::String(texts(len)), None).unwrap();
        fn texts(len: usize) -> VarBytes {
            let mut texts = VarBytes::default();
            (0..len).for_each(|_| texts.push(b"four").unwrap());
            texts
        }
        for first in [1, 37, 99, 100] {
            let (mut numbers, mut words) = (integers(first), text(first));
            while numbers.len() < 1000 {
                let rows = (1000 - numbers.len()).min(100);
                numbers.make_room(&integers(rows), 1000);
                numbers.append(&integers(rows)).unwrap();
                words.make_room(&text(rows), 1000);
                words.append(&text(rows)).unwrap();
            }
            let (Values::Int64(values), Values::String(texts)) = (numbers.values(), words.values()) else { panic!() };
            assert_eq!((values.len(), values.capacity()), (1000, 1000), "{first}");
            assert_eq!((texts.len(), texts.offsets.capacity()), (1000, 1001), "{first}");
            assert!(texts.bytes.capacity() <= 5000, "{first}: {}", texts.bytes.capacity());
        }
    }
}
