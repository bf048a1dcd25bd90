//! Column chunks: the rows of one column that are encoded together.
//!
//! ```text
//! u8 nulls          0: none, 1: a node of bits follows, one per row, 1 = valid; 3: a neural chunk (neural.rs)
//! node of values    those of the valid rows only
//! ```
//! Integers, dates and timestamps are integers; booleans are bits. Decimals are `u8 0` and integers, or `u8 1`, the low
//! halves as unsigned and the high halves as signed integers.

use std::sync::Arc;

use super::float::{self, FloatWidth};
use super::parent::{Parent, Scope};
use super::text::codes::Codes;
use super::{Decoder, Node, bits, integer, neural, text};
use crate::bytes::ByteReader;
use crate::column::{Bitmap, Column, MAX_PRECISION, Values, VarBytes};
use crate::error::{Error, Result};
use crate::schema::{DataType, TimeUnit};

/// A data type with its parameters; those of other types are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnType {
    /// The type.
    pub data_type: DataType,
    /// Unit of timestamps.
    pub unit: TimeUnit,
    /// Whether timestamps are instants in UTC.
    pub utc: bool,
    /// Digits of decimals.
    pub precision: u8,
    /// Digits of decimals behind the point.
    pub scale: u8,
}

impl ColumnType {
    /// The type with the parameters of format version 2 where nothing is said of them: timestamps in microseconds,
    /// not in UTC; decimals of 38 digits and scale 0.
    #[must_use]
    pub fn plain(data_type: DataType) -> Self {
        ColumnType { data_type, unit: TimeUnit::Microsecond, utc: false, precision: MAX_PRECISION, scale: 0 }
    }

    /// The type of some values.
    #[must_use]
    pub fn of(values: &Values) -> Self {
        let mut column_type = ColumnType::plain(values.data_type());
        match values {
            Values::Timestamp { unit, utc, .. } => {
                column_type.unit = *unit;
                column_type.utc = *utc;
            }
            Values::Decimal { precision, scale, .. } => {
                column_type.precision = *precision;
                column_type.scale = *scale;
            }
            _ => {}
        }
        column_type
    }
}

/// Columns of the same row group that a chunk may be predicted from; `None` for those that it does not need.
pub type Parents = Arc<[Option<Arc<Parent>>]>;

/// Restores a chunk of `rows` rows from exactly these bytes and the parents that it needs. Of text and bytes that are
/// stored as a dictionary that is all there is: [`whole`] gives them their values.
///
/// # Errors
/// `corrupt`, `limit-exceeded`.
pub fn decode(
    bytes: &[u8],
    column_type: ColumnType,
    rows: usize,
    parents: &Parents,
    decoder: &mut Decoder,
) -> Result<Parent> {
    if let Some(other) = parents.iter().flatten().find(|parent| parent.column().len() != rows) {
        let message = format!("a parent of {} rows for a chunk of {rows}", other.column().len());
        return Err(Error::corrupt(message));
    }
    decoder.codes = None;
    if let Some(rest) = bytes.get(1..).filter(|_| neural::is_neural(bytes)) {
        return Ok(Parent::new(Arc::new(neural::decode(rest, column_type, rows, parents, decoder)?), None));
    }
    let mut reader = ByteReader::new(bytes, 0);
    decoder.keeps_codes = true;
    let decoded = read(&mut reader, column_type, rows, Some(parents), decoder);
    decoder.keeps_codes = false;
    decoder.scope = None;
    let decoded = decoded.map_err(|error| match error.kind() {
        crate::ErrorKind::Truncated { .. } => Error::corrupt("column chunk ends early"),
        _ => error,
    })?;
    if reader.remaining() > 0 {
        return Err(Error::corrupt(format!("{} bytes behind the values of a column chunk", reader.remaining())));
    }
    let decoded = Arc::new(decoded);
    Ok(match decoder.codes.take() {
        Some(codes) => Parent::coded(decoded, Arc::new(codes)),
        None => Parent::new(decoded, None),
    })
}

/// A column that was decoded, with its values.
///
/// # Errors
/// `limit-exceeded` where text takes 2 GiB or more.
pub fn whole(decoded: &Arc<Parent>) -> Result<Arc<Parent>> {
    match decoded.codes().filter(|_| !decoded.is_whole()) {
        Some(codes) => Ok(Arc::new(decoded.with_values(Arc::new(with_values(decoded.column(), codes)?)))),
        None => Ok(Arc::clone(decoded)),
    }
}

/// The same column of text or bytes with the values that its codes stand for.
fn with_values(hollow: &Column, codes: &Codes) -> Result<Column> {
    let expanded = expand(codes, hollow.validity().cloned())?;
    match (hollow.values(), expanded.into_parts()) {
        (Values::Binary(_), (Values::String(text), validity)) => Column::new(Values::Binary(text), validity),
        (_, (values, validity)) => Column::new(values, validity),
    }
}

/// Strings by their codes.
///
/// # Errors
/// `limit-exceeded` where they take 2 GiB or more.
pub fn expand(codes: &Codes, validity: Option<Bitmap>) -> Result<Column> {
    let dense = codes.expand()?;
    let text = match &validity {
        Some(validity) => spread_text(dense, validity)?,
        None => dense,
    };
    Column::new(Values::String(text), validity)
}

/// The tree of encodings of a chunk, its nodes in the order in which they are stored. Costs as much as [`decode`], since
/// how long a node is can depend on values.
///
/// # Errors
/// As [`decode`].
pub fn describe(
    bytes: &[u8],
    column_type: ColumnType,
    rows: usize,
    parents: &Parents,
    decoder: &mut Decoder,
) -> Result<Vec<Node>> {
    decoder.trace = Some(Vec::new());
    let decoded = decode(bytes, column_type, rows, parents, decoder);
    let nodes = decoder.trace.take().unwrap_or_default();
    decoded.map(|_| nodes)
}

/// Restores a chunk of `rows` rows, without parents, from the next bytes of a larger structure.
///
/// # Errors
/// `corrupt`, `truncated`, `limit-exceeded`.
pub fn decode_from(
    reader: &mut ByteReader<'_>,
    column_type: ColumnType,
    rows: usize,
    decoder: &mut Decoder,
) -> Result<Column> {
    read(reader, column_type, rows, None, decoder)
}

fn read(
    reader: &mut ByteReader<'_>,
    column_type: ColumnType,
    rows: usize,
    parents: Option<&Parents>,
    decoder: &mut Decoder,
) -> Result<Column> {
    // What has no parents has no scope: whoever fetches a chunk must know what it needs.
    let parents = parents.filter(|parents| parents.iter().any(Option::is_some));
    let all = parents.map(|parents| Arc::new(Scope::all(Arc::clone(parents), rows)));
    decoder.scope.clone_from(&all);
    let validity = read_validity(reader, rows, decoder)?;
    let count = validity.as_ref().map_or(rows, Bitmap::count_ones);
    if let (Some(parents), Some(validity)) = (parents, &validity) {
        decoder.check_count(count, 4)?;
        decoder.scope = Some(Arc::new(Scope::valid(Arc::clone(parents), validity)));
    }
    let dense = read_values(reader, column_type, count, decoder)?;
    match validity {
        None => Column::new(dense, None),
        Some(validity) => {
            decoder.check_count(rows, 16)?;
            Column::new(spread(dense, &validity)?, Some(validity))
        }
    }
}

/// The distinct values of a chunk of text or bytes that stores them as a dictionary or a constant, with a null where
/// the chunk has one; `None` for other chunks, and for those whose nulls are predicted from other columns.
///
/// # Errors
/// `corrupt`, `limit-exceeded`.
pub fn distinct_values(
    bytes: &[u8],
    column_type: ColumnType,
    rows: usize,
    decoder: &mut Decoder,
) -> Result<Option<Column>> {
    let is_string = match column_type.data_type {
        DataType::String => true,
        DataType::Binary => false,
        _ => return Ok(None),
    };
    if neural::is_neural(bytes) {
        return Ok(None);
    }
    if bytes.first() == Some(&1) && bytes.get(1).is_some_and(|&id| bits::may_have_parents(id)) {
        return Ok(None);
    }
    let mut reader = ByteReader::new(bytes, 0);
    let validity = read_validity(&mut reader, rows, decoder)?;
    let count = validity.as_ref().map_or(rows, Bitmap::count_ones);
    let Some(mut values) = text::distinct_values(&mut reader, count, decoder)? else { return Ok(None) };
    let mut valid = Bitmap::filled(values.len(), true);
    if count < rows {
        values.push(&[])?;
        valid.push(false);
    }
    Column::new(if is_string { Values::String(values) } else { Values::Binary(values) }, Some(valid)).map(Some)
}

/// Which of [`distinct_values`] each row of a chunk holds, as positions; a null is beyond them all. `None` for chunks
/// that do not store them as such.
///
/// # Errors
/// `corrupt`, `limit-exceeded`.
pub fn distinct_codes(
    bytes: &[u8],
    column_type: ColumnType,
    rows: usize,
    decoder: &mut Decoder,
) -> Result<Option<Vec<u32>>> {
    if !matches!(column_type.data_type, DataType::String | DataType::Binary) || neural::is_neural(bytes) {
        return Ok(None);
    }
    decoder.check_count(rows, 8)?;
    let mut reader = ByteReader::new(bytes, 0);
    let validity = read_validity(&mut reader, rows, decoder)?;
    let count = validity.as_ref().map_or(rows, Bitmap::count_ones);
    let Some(codes) = text::distinct_codes(&mut reader, count, decoder)? else { return Ok(None) };
    if reader.remaining() > 0 {
        return Err(Error::corrupt(format!("{} bytes behind the values of a column chunk", reader.remaining())));
    }
    let Some(validity) = validity.filter(|_| count < rows) else { return Ok(Some(codes)) };
    Ok(Some(validity.place(&codes, u32::MAX)))
}

fn read_validity(reader: &mut ByteReader<'_>, rows: usize, decoder: &mut Decoder) -> Result<Option<Bitmap>> {
    match reader.u8()? {
        0 => Ok(None),
        1 => bits::decode(reader, rows, decoder).map(Some),
        flag => Err(Error::corrupt(format!("null flag {flag} of a column chunk"))),
    }
}

#[inline(never)]
fn read_values(
    reader: &mut ByteReader<'_>,
    column_type: ColumnType,
    count: usize,
    decoder: &mut Decoder,
) -> Result<Values> {
    macro_rules! narrow {
        ($type:ty) => {{
            let narrow = |pattern: u64| {
                let mut raw = [0; size_of::<$type>()];
                raw.iter_mut().zip(pattern.to_le_bytes()).for_each(|(to, from)| *to = from);
                <$type>::from_le_bytes(raw)
            };
            converted(&integer::decode(reader, count, decoder)?, narrow)
        }};
    }
    let wide = |values: Vec<u64>| values.into_iter().map(u64::cast_signed).collect();
    Ok(match column_type.data_type {
        DataType::Int8 => Values::Int8(narrow!(i8)),
        DataType::Int16 => Values::Int16(narrow!(i16)),
        DataType::Int32 => Values::Int32(narrow!(i32)),
        DataType::Int64 => Values::Int64(wide(integer::decode(reader, count, decoder)?)),
        DataType::UInt8 => Values::UInt8(narrow!(u8)),
        DataType::UInt16 => Values::UInt16(narrow!(u16)),
        DataType::UInt32 => Values::UInt32(narrow!(u32)),
        DataType::UInt64 => Values::UInt64(integer::decode(reader, count, decoder)?),
        DataType::Date => Values::Date(narrow!(i32)),
        DataType::Timestamp => {
            let values = wide(integer::decode(reader, count, decoder)?);
            Values::Timestamp { unit: column_type.unit, utc: column_type.utc, values }
        }
        DataType::Float32 => {
            let patterns = float::decode(reader, count, FloatWidth::Single, decoder)?;
            // The decoder of single floats gives no pattern beyond 32 bits.
            let value = |pattern| f32::from_bits(u32::try_from(pattern).unwrap_or(u32::MAX));
            Values::Float32(converted(&patterns, value))
        }
        DataType::Float64 => {
            let patterns = float::decode(reader, count, FloatWidth::Double, decoder)?;
            Values::Float64(patterns.into_iter().map(f64::from_bits).collect())
        }
        DataType::Boolean => Values::Boolean(bits::decode(reader, count, decoder)?),
        DataType::Binary => Values::Binary(text::decode(reader, count, decoder)?),
        DataType::String => {
            let values = text::decode(reader, count, decoder)?;
            match &decoder.codes {
                // Entries that no value has may be anything.
                Some(codes) if codes.entries.check_utf8().is_err() => {
                    codes.expand()?.check_utf8()?;
                }
                Some(_) => {}
                None => values.check_utf8()?,
            }
            Values::String(values)
        }
        DataType::Decimal => {
            decoder.check_count(count, 16)?;
            let values = match reader.u8()? {
                0 => {
                    integer::decode(reader, count, decoder)?.into_iter().map(|v| i128::from(v.cast_signed())).collect()
                }
                1 => {
                    let low = integer::decode(reader, count, decoder)?;
                    let high = integer::decode(reader, count, decoder)?;
                    let join = |(low, high): (u64, u64)| i128::from(high.cast_signed()) << 64 | i128::from(low);
                    low.into_iter().zip(high).map(join).collect()
                }
                form => return Err(Error::corrupt(format!("decimals in form {form}"))),
            };
            Values::Decimal { precision: column_type.precision, scale: column_type.scale, values }
        }
    })
}

/// Values of their patterns. In wasm, those of one width share it.
#[inline(never)]
fn converted<T>(patterns: &[u64], convert: impl Fn(u64) -> T) -> Vec<T> {
    patterns.iter().map(|&pattern| convert(pattern)).collect()
}

/// Puts text where it belongs; a null is empty, and ends where the value before it ends.
fn spread_text(dense: VarBytes, validity: &Bitmap) -> Result<VarBytes> {
    let ends = validity.place(dense.offsets().get(1..).unwrap_or_default(), 0);
    let mut all = Vec::with_capacity(validity.len() + 1);
    all.push(0);
    all.extend(ends.into_iter().scan(0, |last, end| {
        *last = end.max(*last);
        Some(*last)
    }));
    VarBytes::new(all, dense.into_bytes())
}

/// Puts the values of the valid rows where they belong; the others are zero or empty.
fn spread(dense: Values, validity: &Bitmap) -> Result<Values> {
    fn place<T: Copy + Default>(dense: Vec<T>, validity: &Bitmap) -> Vec<T> {
        validity.place(&dense, T::default())
    }
    Ok(match dense {
        Values::Int8(v) => Values::Int8(place(v, validity)),
        Values::Int16(v) => Values::Int16(place(v, validity)),
        Values::Int32(v) => Values::Int32(place(v, validity)),
        Values::Int64(v) => Values::Int64(place(v, validity)),
        Values::UInt8(v) => Values::UInt8(place(v, validity)),
        Values::UInt16(v) => Values::UInt16(place(v, validity)),
        Values::UInt32(v) => Values::UInt32(place(v, validity)),
        Values::UInt64(v) => Values::UInt64(place(v, validity)),
        Values::Float32(v) => Values::Float32(place(v, validity)),
        Values::Float64(v) => Values::Float64(place(v, validity)),
        Values::Date(v) => Values::Date(place(v, validity)),
        Values::Timestamp { unit, utc, values } => Values::Timestamp { unit, utc, values: place(values, validity) },
        Values::Decimal { precision, scale, values } => {
            Values::Decimal { precision, scale, values: place(values, validity) }
        }
        Values::String(v) => Values::String(spread_text(v, validity)?),
        Values::Binary(v) => Values::Binary(spread_text(v, validity)?),
        Values::Boolean(v) => Values::Boolean(place(v.iter().collect(), validity).into_iter().collect()),
    })
}

#[cfg(feature = "writer")]
pub use writer::{Plan, dictionary, encode, encode_with};

#[cfg(feature = "writer")]
mod writer {
    use std::borrow::Cow;
    use std::sync::Arc;

    use super::super::parent::Scope;
    use super::super::{Encoder, Model, Needs, bits, float, integer, text};
    use super::Parents;
    use crate::column::{Bitmap, Column, Values, VarBytes};
    use crate::error::Result;
    use float::{FloatWidth, Floats};
    use integer::{Integers, Role};

    /// Models that are worth trying for a column.
    #[derive(Clone, Debug, Default)]
    pub struct Plan {
        /// Of which rows are null.
        pub validity: Arc<[Model]>,
        /// Of the values of the others.
        pub values: Arc<[Model]>,
        /// Bits per value with which the models of values are good enough for nothing else to be tried.
        pub enough: f64,
    }

    /// Encodes all rows of a column as one chunk.
    ///
    /// # Errors
    /// `limit-exceeded` never, as the values are a part of what is in memory; the type of building text has it.
    pub fn encode(column: &Column, encoder: &mut Encoder) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        encode_validity(column, encoder, &mut out);
        encode_values(column, encoder, &mut out)?;
        encoder.check()?;
        Ok(out)
    }

    /// Encodes all rows of a column as one chunk that may need other columns to be decoded: which, is told bit by bit,
    /// and by which models of the values.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn encode_with(
        column: &Column,
        parents: &Parents,
        plan: &Plan,
        encoder: &mut Encoder,
    ) -> Result<(Vec<u8>, Needs)> {
        let mut out = Vec::new();
        let (encoded, needed) = encoder.attempt(|encoder| encode_parts(column, parents, plan, encoder, &mut out));
        encoded?;
        encoder.check()?;
        Ok((out, needed))
    }

    fn encode_parts(
        column: &Column,
        parents: &Parents,
        plan: &Plan,
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let all = || Scope::all(Arc::clone(parents), column.len());
        encoder.modelled(all(), &plan.validity, 0.0, |encoder| encode_validity(column, encoder, out));
        let valid = column.validity().map(|validity| Scope::valid(Arc::clone(parents), validity));
        let scope = valid.unwrap_or_else(all);
        encoder.modelled(scope, &plan.values, plan.enough, |encoder| encode_values(column, encoder, out))
    }

    fn encode_validity(column: &Column, encoder: &mut Encoder, out: &mut Vec<u8>) {
        match column.validity() {
            None => out.push(0),
            Some(validity) => {
                out.push(1);
                bits::encode(validity, encoder, out);
            }
        }
    }

    fn encode_values(column: &Column, encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<()> {
        let validity = column.validity();
        macro_rules! integers {
            ($values:expr, $signed:expr, $pattern:expr) => {{
                let dense = dense($values, validity, $pattern);
                integer::encode(Integers { values: &dense, signed: $signed }, Role::Values, encoder, out);
            }};
        }
        match column.values() {
            Values::Int8(v) => integers!(v, true, |x| i64::from(x).cast_unsigned()),
            Values::Int16(v) => integers!(v, true, |x| i64::from(x).cast_unsigned()),
            Values::Int32(v) | Values::Date(v) => integers!(v, true, |x| i64::from(x).cast_unsigned()),
            Values::Int64(v) | Values::Timestamp { values: v, .. } => integers!(v, true, i64::cast_unsigned),
            Values::UInt8(v) => integers!(v, false, u64::from),
            Values::UInt16(v) => integers!(v, false, u64::from),
            Values::UInt32(v) => integers!(v, false, u64::from),
            Values::UInt64(v) => integers!(v, false, |x| x),
            Values::Float32(v) => {
                let patterns = dense(v, validity, |x| u64::from(x.to_bits()));
                float::encode(Floats { patterns: &patterns, width: FloatWidth::Single }, encoder, out);
            }
            Values::Float64(v) => {
                let patterns = dense(v, validity, f64::to_bits);
                float::encode(Floats { patterns: &patterns, width: FloatWidth::Double }, encoder, out);
            }
            Values::Boolean(v) => {
                let valid = v.iter().enumerate().filter(|(row, _)| column.is_valid(*row));
                let dense: Bitmap = valid.map(|(_, bit)| bit).collect();
                bits::encode(&dense, encoder, out);
            }
            Values::String(v) | Values::Binary(v) => {
                text::encode(&*dense_text(v, validity)?, text::Role::Values, encoder, out);
            }
            Values::Decimal { values, .. } => {
                let dense = validity.map_or(Cow::Borrowed(values), |validity| Cow::Owned(validity.pick(values)));
                let narrow: Option<Vec<u64>> =
                    dense.iter().map(|&x| i64::try_from(x).ok().map(i64::cast_unsigned)).collect();
                if let Some(narrow) = narrow {
                    out.push(0);
                    integer::encode(Integers { values: &narrow, signed: true }, Role::Values, encoder, out);
                } else {
                    out.push(1);
                    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
                    let (low, high): (Vec<u64>, Vec<u64>) = dense.iter().map(|&x| (x as u64, (x >> 64) as u64)).unzip();
                    integer::encode(Integers { values: &low, signed: false }, Role::Values, encoder, out);
                    integer::encode(Integers { values: &high, signed: true }, Role::Values, encoder, out);
                }
            }
        }
        Ok(())
    }

    /// The values that are not null.
    fn dense_text<'a>(values: &'a VarBytes, validity: Option<&Bitmap>) -> Result<Cow<'a, VarBytes>> {
        let Some(validity) = validity else { return Ok(Cow::Borrowed(values)) };
        let starts = validity.pick(values.offsets().get(..values.len()).unwrap_or_default());
        let mut offsets = Vec::with_capacity(starts.len() + 1);
        offsets.push(0);
        offsets.extend(validity.pick(values.offsets().get(1..).unwrap_or_default()));
        // Where no null has bytes, each value starts where the one before ends.
        let are_behind = starts.iter().zip(&offsets).fold(true, |all, (start, end)| all & (start == end));
        if are_behind && offsets.last().is_some_and(|&end| usize::try_from(end) == Ok(values.bytes().len())) {
            return VarBytes::new(offsets, values.bytes().to_vec()).map(Cow::Owned);
        }
        values.gather(&validity.positions(0..validity.len())).map(Cow::Owned)
    }

    /// The dictionary of a column of text or binary, where half of its values or fewer are distinct, or it is wanted.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn dictionary(column: &Column, is_wanted: bool) -> Result<Option<text::Dictionary>> {
        let (Values::String(values) | Values::Binary(values)) = column.values() else { return Ok(None) };
        Ok(text::Dictionary::of(dense_text(values, column.validity())?.as_ref(), is_wanted))
    }

    /// The patterns of the values that are not null.
    fn dense<T: Copy>(values: &[T], validity: Option<&Bitmap>, pattern: impl Fn(T) -> u64) -> Vec<u64> {
        let mut patterns: Vec<u64> = values.iter().map(|&value| pattern(value)).collect();
        if let Some(validity) = validity {
            let count = validity.pick_within(0, &mut patterns);
            patterns.truncate(count);
        }
        patterns
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::encoding::Encoder;
    use crate::testing::noise;

    fn values(data_type: DataType, rows: usize, next: &mut impl FnMut() -> u64) -> Values {
        let shape = next() % 4;
        let mut number = |row: usize| match shape {
            0 => next(),
            1 => next() % 7,
            2 => (row as u64).wrapping_mul(3).wrapping_sub(50),
            _ => (row / 9) as u64,
        };
        macro_rules! all {
            ($convert:expr) => {
                (0..rows).map(&mut number).map($convert).collect()
            };
        }
        match data_type {
            DataType::Int8 => Values::Int8(all!(|x| x as i8)),
            DataType::Int16 => Values::Int16(all!(|x| x as i16)),
            DataType::Int32 => Values::Int32(all!(|x| x as i32)),
            DataType::Int64 => Values::Int64(all!(|x| x as i64)),
            DataType::UInt8 => Values::UInt8(all!(|x| x as u8)),
            DataType::UInt16 => Values::UInt16(all!(|x| x as u16)),
            DataType::UInt32 => Values::UInt32(all!(|x| x as u32)),
            DataType::UInt64 => Values::UInt64(all!(|x| x)),
            DataType::Float32 => Values::Float32(all!(|x| f32::from_bits(x as u32))),
            DataType::Float64 => {
                Values::Float64(all!(|x| if x % 3 == 0 { x as f64 / 100.0 } else { f64::from_bits(x) }))
            }
            DataType::Boolean => Values::Boolean(all!(|x: u64| x % 2 == 1)),
            DataType::Date => Values::Date(all!(|x| x as i32)),
            DataType::Timestamp => {
                Values::Timestamp { unit: TimeUnit::Nanosecond, utc: true, values: all!(|x| x as i64) }
            }
            DataType::Decimal => Values::Decimal {
                precision: 38,
                scale: 3,
                values: all!(|x| if shape == 0 {
                    i128::from(x) * i128::from(x as i64) / 100
                } else {
                    i128::from(x as i64)
                }),
            },
            DataType::String | DataType::Binary => {
                let mut text = VarBytes::default();
                for row in 0..rows {
                    let value = number(row);
                    let value = if value % 11 == 0 { String::new() } else { format!("ключ {value}") };
                    text.push(value.as_bytes()).unwrap();
                }
                if data_type == DataType::String { Values::String(text) } else { Values::Binary(text) }
            }
        }
    }

    /// Equal bit for bit where valid.
    fn same(a: &Column, b: &Column) -> bool {
        let text = |column: &Column| format!("{:?}", column.values());
        a.validity() == b.validity() && ColumnType::of(a.values()) == ColumnType::of(b.values()) && {
            let rows = (0..a.len()).filter(|&row| a.is_valid(row));
            rows.into_iter().all(|row| {
                let (x, y) = (a.slice(row..row + 1), b.slice(row..row + 1));
                match (x.values(), y.values()) {
                    (Values::Float32(x), Values::Float32(y)) => x[0].to_bits() == y[0].to_bits(),
                    (Values::Float64(x), Values::Float64(y)) => x[0].to_bits() == y[0].to_bits(),
                    _ => text(&x) == text(&y),
                }
            })
        }
    }

    #[test]
    fn random_columns_of_every_type_round_trip() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        let mut decoder = Decoder::new(1 << 26);
        for seed in 0..12 {
            for &data_type in DataType::ALL {
                let mut next = noise(seed * 31 + data_type as u64);
                let rows = [0, 1, 2, 9, 100, 700][(next() % 6) as usize];
                let values = values(data_type, rows, &mut next);
                let validity = match next() % 4 {
                    0 => None,
                    1 => Some(Bitmap::filled(rows, false)),
                    2 => Some((0..rows).map(|row| row / 13 % 2 == 0).collect()),
                    _ => Some((0..rows).map(|_| !next().is_multiple_of(3)).collect()),
                };
                let column = Column::new(values, validity).unwrap();
                let bytes = encode(&column, &mut encoder).unwrap();
                let column_type = ColumnType::of(column.values());
                let decoded = decode(&bytes, column_type, rows, &Parents::default(), &mut decoder).unwrap();
                let decoded = whole(&Arc::new(decoded)).unwrap();
                assert!(same(&column, decoded.column()), "seed {seed}, {data_type:?}");
                assert_eq!(encode(&column, &mut encoder).unwrap(), bytes, "same input, same bytes");
                for end in (0..bytes.len()).step_by(1 + bytes.len() / 40) {
                    assert!(decode(&bytes[..end], column_type, rows, &Parents::default(), &mut decoder).is_err());
                }
            }
        }
    }

    #[test]
    fn damaged_chunks_never_panic_and_keep_their_length() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        let mut decoder = Decoder::new(1 << 20);
        let mut next = noise(7);
        for &data_type in DataType::ALL {
            let values = values(data_type, 300, &mut next);
            let validity = (0..300).map(|_| !next().is_multiple_of(5)).collect();
            let column = Column::new(values, Some(validity)).unwrap();
            let bytes = encode(&column, &mut encoder).unwrap();
            let column_type = ColumnType::of(column.values());
            for _ in 0..600 {
                let mut damaged = bytes.clone();
                for _ in 0..=next() % 3 {
                    let at = next() as usize % damaged.len();
                    damaged[at] = next() as u8;
                }
                if let Ok(decoded) = decode(&damaged, column_type, 300, &Parents::default(), &mut decoder) {
                    let decoded = whole(&Arc::new(decoded)).unwrap();
                    assert_eq!(decoded.column().len(), 300);
                }
            }
        }
    }
}
