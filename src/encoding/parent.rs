//! Other columns of the same row group, as models of a column see them.
//!
//! A model predicts a value from what other columns, its *parents*, hold in the same row. It sees them in two ways:
//!
//! ```text
//! classes   equal values have one number: 0 for that of the first row, 1 for the next that differs, ...
//!           null is a value of its own, floats differ by their bits. Two parents: pairs of values
//! numbers   a signed integer per row: integers, dates and timestamps by value; decimals unscaled; booleans 0 or 1;
//!           floats times a power of ten, rounded to even; 0 for null, NaN and what does not fit (51 bits of floats)
//! ```
//! A node of integers is *aligned* with the rows of a [`Scope`] where it has as many values: all rows of the row group
//! for the validity of a column, its valid rows for its values. Only such nodes may use models.

use std::cmp::Ordering;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Decoder;
use super::hash::{self, Numbered, QuickHash, mix};
use crate::bytes::ByteReader;
use crate::column::{Bitmap, Column, Values, index};
use crate::error::{Error, Result};

/// Parents that one column can have.
pub const MAX_PARENTS: usize = 64;
/// Columns that decoding one leads to, each the parent of the one before: a longer chain is refused, and so is a cycle.
pub const MAX_CHAIN: usize = 3;

/// Which of equal values each row holds.
#[derive(Debug, Default)]
pub struct Classes {
    /// The class of each row, numbered in order of first appearance.
    pub ids: Vec<u32>,
    /// How many there are.
    pub count: usize,
}

#[cfg(feature = "writer")]
impl Classes {
    /// Numbers classes below a bound anew, in order of first appearance.
    pub fn of(ids: impl Iterator<Item = u32>, bound: usize) -> Self {
        number_labels(ids.collect(), bound)
    }
}

/// Positions in a dictionary of text, which tell equal values apart cheaply.
#[derive(Debug)]
pub struct Codes {
    /// Of the valid rows.
    pub codes: Vec<u32>,
    /// Entries of the dictionary, all different.
    pub entries: usize,
}

/// One column of a row group.
#[derive(Debug)]
pub struct Parent {
    column: Arc<Column>,
    codes: Option<Arc<Codes>>,
    classes: OnceLock<Arc<Classes>>,
    /// Numbers that were asked for, by the exponent.
    numbers: Mutex<Vec<(u8, Arc<Vec<i64>>)>>,
}

/// Numbers of a column, one per row.
#[derive(Clone, Debug)]
pub enum Numbers {
    /// The column's own values.
    Own(Arc<Column>),
    /// What was computed of them.
    Computed(Arc<Vec<i64>>),
}

impl std::ops::Deref for Numbers {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        match self {
            Numbers::Own(column) => match column.values() {
                Values::Int64(values) | Values::Timestamp { values, .. } => values,
                _ => &[],
            },
            Numbers::Computed(numbers) => numbers,
        }
    }
}

impl Parent {
    /// A column, with the positions of its values in a dictionary where it was decoded from one.
    #[must_use]
    pub fn new(column: Arc<Column>, codes: Option<Codes>) -> Self {
        Parent { column, codes: codes.map(Arc::new), classes: OnceLock::new(), numbers: Mutex::default() }
    }

    /// The column.
    #[must_use]
    pub fn column(&self) -> &Column {
        &self.column
    }

    /// The column, to share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Column> {
        &self.column
    }

    /// The positions of its values in a dictionary, where it was decoded from one.
    #[must_use]
    pub fn codes(&self) -> Option<&Arc<Codes>> {
        self.codes.as_ref()
    }

    /// The classes of all rows.
    #[must_use]
    pub fn classes(&self) -> &Arc<Classes> {
        self.classes.get_or_init(|| Arc::new(self.classify()))
    }

    fn classify(&self) -> Classes {
        let column = &self.column;
        if let Some(Codes { codes, entries }) = self.codes.as_deref() {
            // Null comes behind the entries.
            let null = u32::try_from(*entries).unwrap_or(u32::MAX);
            let labels = column.validity().map_or_else(|| codes.clone(), |validity| validity.place(codes, null));
            return number_labels(labels, entries.saturating_add(1));
        }
        match column.values() {
            Values::String(text) | Values::Binary(text) => {
                let hash = |row: usize| {
                    let mut hash = QuickHash::default();
                    hash.write(text.get(row));
                    mix(hash.finish())
                };
                let compare = |a: usize, b: usize| text.get(a).cmp(text.get(b));
                number_values(text.len(), column.validity(), hash, compare)
            }
            Values::Decimal { values, .. } => {
                #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
                let (low, high): (Vec<u64>, Vec<u64>) = values.iter().map(|&x| (x as u64, (x >> 64) as u64)).unzip();
                let number = |half: &[u64]| number_patterns(half, column.validity());
                pairs(&number(&low), &number(&high))
            }
            values => {
                let small = self.classify_small();
                small.unwrap_or_else(|| number_patterns(&patterns(values), column.validity()))
            }
        }
    }

    /// The classes of integers, and of floats that all are integers (as where somebody had no integers with nulls), if
    /// they are near each other.
    fn classify_small(&self) -> Option<Classes> {
        let column = &self.column;
        let numbers = match column.values() {
            Values::UInt64(values) if values.iter().any(|&value| i64::try_from(value).is_err()) => return None,
            Values::Float32(_) => return None,
            Values::Float64(floats) if !self.are_integers(floats) => return None,
            _ => self.numbers(0),
        };
        let valid = |row: usize| column.is_valid(row);
        let mut bounds = bounds(numbers.iter().copied());
        if column.validity().is_some() && self.table_size(bounds).is_none() {
            // Perhaps the zeros of nulls are what is far off.
            bounds = self::bounds(numbers.iter().enumerate().filter(|(row, _)| valid(*row)).map(|(_, &number)| number));
        }
        let size = self.table_size(bounds)?;
        // Null is label 0. The others are within 2^32 by the check above.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 2^32")]
        let label = |&number: &i64| (number.wrapping_sub(bounds.0) as u32).wrapping_add(1);
        let mut labels: Vec<u32> = numbers.iter().map(label).collect();
        if let Some(validity) = column.validity() {
            validity.clear_others(&mut labels);
        }
        Some(number_labels(labels, size))
    }

    /// Labels of values between these bounds, and of null, if they are not too many for a table.
    fn table_size(&self, (min, max): (i64, i64)) -> Option<usize> {
        // Without values the bounds are the wrong way round.
        let range = if min > max { 0 } else { usize::try_from(max.checked_sub(min)?).ok()? };
        (range <= self.column.len().saturating_mul(4).saturating_add(1 << 16)).then_some(range.saturating_add(2))
    }

    /// Whether all that are not null are bit for bit the floats of integers of 51 bits; -0.0 is none.
    fn are_integers(&self, floats: &[f64]) -> bool {
        let is_integer = |float: f64| {
            let nearest = (float + MAGIC) - MAGIC;
            (nearest.to_bits() == float.to_bits()) & (float.abs() < LIMIT)
        };
        // Without a branch per value this is far faster than looking for the first one that is none.
        floats.chunks(256).all(|part| part.iter().fold(true, |all, &float| all & is_integer(float)))
            || floats.iter().enumerate().all(|(row, &float)| is_integer(float) || !self.column.is_valid(row))
    }

    /// Whether there are numbers.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        !matches!(self.column.values(), Values::String(_) | Values::Binary(_))
    }

    /// The numbers of all rows; see the module's text. Text has none.
    #[must_use]
    pub fn numbers(&self, exponent: u8) -> Numbers {
        if self.column.validity().is_none()
            && matches!(self.column.values(), Values::Int64(_) | Values::Timestamp { .. })
        {
            return Numbers::Own(Arc::clone(&self.column));
        }
        // Only floats differ by the exponent.
        let is_float = matches!(self.column.values(), Values::Float32(_) | Values::Float64(_));
        let exponent = if is_float { exponent } else { 0 };
        let locked = || self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, numbers)) = locked().iter().find(|(known, _)| *known == exponent) {
            return Numbers::Computed(Arc::clone(numbers));
        }
        let numbers = Arc::new(self.to_numbers(exponent));
        locked().push((exponent, Arc::clone(&numbers)));
        Numbers::Computed(numbers)
    }

    fn to_numbers(&self, exponent: u8) -> Vec<i64> {
        let power = POWERS_OF_TEN.get(usize::from(exponent)).copied().unwrap_or(1.0);
        let mut numbers: Vec<i64> = match self.column.values() {
            Values::Int8(v) => v.iter().map(|&x| x.into()).collect(),
            Values::Int16(v) => v.iter().map(|&x| x.into()).collect(),
            Values::Int32(v) | Values::Date(v) => v.iter().map(|&x| x.into()).collect(),
            Values::Int64(v) | Values::Timestamp { values: v, .. } => v.clone(),
            Values::UInt8(v) => v.iter().map(|&x| x.into()).collect(),
            Values::UInt16(v) => v.iter().map(|&x| x.into()).collect(),
            Values::UInt32(v) => v.iter().map(|&x| x.into()).collect(),
            Values::UInt64(v) => v.iter().map(|&x| i64::try_from(x).unwrap_or_default()).collect(),
            Values::Float32(v) => v.iter().map(|&x| rounded(f64::from(x) * power)).collect(),
            Values::Float64(v) => v.iter().map(|&x| rounded(x * power)).collect(),
            Values::Decimal { values, .. } => values.iter().map(|&x| i64::try_from(x).unwrap_or_default()).collect(),
            Values::Boolean(bits) => bits.iter().map(i64::from).collect(),
            Values::String(_) | Values::Binary(_) => Vec::new(),
        };
        if let Some(validity) = self.column.validity() {
            validity.clear_others(&mut numbers);
        }
        numbers
    }
}

/// Powers of ten that are exact floats, as far as exponents go.
pub const POWERS_OF_TEN: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Sums with it of what is below the limit are whole, and their patterns count on from its own.
const MAGIC: f64 = 6_755_399_441_055_744.0;
const LIMIT: f64 = 2_251_799_813_685_248.0;

/// The smallest and the largest; the wrong way round where there are none.
fn bounds(numbers: impl Iterator<Item = i64>) -> (i64, i64) {
    numbers.fold((i64::MAX, i64::MIN), |(min, max), number| (min.min(number), max.max(number)))
}

/// The nearest integer, the even one of two; 0 where there is none of 51 bits.
fn rounded(value: f64) -> i64 {
    let integer = (value + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits()).cast_signed();
    if value.abs() < LIMIT { integer } else { 0 }
}

/// Bit patterns of fixed width, those of signed integers moved so that their order is that of the values.
fn patterns(values: &Values) -> Vec<u64> {
    let signed = |value: i64| value.cast_unsigned() ^ 1 << 63;
    match values {
        Values::Int8(v) => v.iter().map(|&x| signed(x.into())).collect(),
        Values::Int16(v) => v.iter().map(|&x| signed(x.into())).collect(),
        Values::Int32(v) | Values::Date(v) => v.iter().map(|&x| signed(x.into())).collect(),
        Values::Int64(v) | Values::Timestamp { values: v, .. } => v.iter().map(|&x| signed(x)).collect(),
        Values::UInt8(v) => v.iter().map(|&x| x.into()).collect(),
        Values::UInt16(v) => v.iter().map(|&x| x.into()).collect(),
        Values::UInt32(v) => v.iter().map(|&x| x.into()).collect(),
        Values::UInt64(v) => v.clone(),
        Values::Float32(v) => v.iter().map(|x| x.to_bits().into()).collect(),
        Values::Float64(v) => v.iter().map(|x| x.to_bits()).collect(),
        Values::Boolean(v) => v.iter().map(u64::from).collect(),
        Values::Decimal { .. } | Values::String(_) | Values::Binary(_) => Vec::new(),
    }
}

/// Numbers small labels anew, in order of first appearance.
fn number_labels(mut labels: Vec<u32>, bound: usize) -> Classes {
    let mut numbers = vec![u32::MAX; bound];
    let mut count = 0;
    for label in &mut labels {
        // Every label is below the bound.
        let Some(number) = numbers.get_mut(index(*label)) else { continue };
        if *number == u32::MAX {
            *number = count;
            count += 1;
        }
        *label = *number;
    }
    Classes { ids: labels, count: index(count) }
}

/// Numbers patterns; null is one of them.
#[inline(never)]
fn number_patterns(patterns: &[u64], validity: Option<&Bitmap>) -> Classes {
    let pattern = |row: usize| patterns.get(row).copied().unwrap_or_default();
    number_values(patterns.len(), validity, |row| mix(pattern(row)), |a, b| pattern(a).cmp(&pattern(b)))
}

/// Numbers the values of rows; null is one of them.
fn number_values(
    len: usize,
    validity: Option<&Bitmap>,
    hash: impl Fn(usize) -> u64,
    compare: impl Fn(usize, usize) -> Ordering,
) -> Classes {
    let valid = |row| validity.is_none_or(|validity| validity.get(row));
    number(
        len,
        |row| if valid(row) { hash(row) } else { u64::MAX },
        |a, b| valid(a).cmp(&valid(b)).then_with(|| if valid(a) { compare(a, b) } else { Ordering::Equal }),
    )
}

/// Numbers rows by a hash table, or by sorting where too many of them collide: values can be an adversary's.
fn number(len: usize, hash: impl Fn(usize) -> u64, compare: impl Fn(usize, usize) -> Ordering) -> Classes {
    match hash::number(0..len, usize::MAX, hash, |a, b| compare(a, b).is_eq()) {
        Some(Numbered { firsts, numbers }) => Classes { ids: numbers, count: firsts.len() },
        None => number_by_sorting(len, &compare),
    }
}

fn number_by_sorting(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Classes {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|&a, &b| compare(a, b));
    // The first row of each class comes first, as the sort is stable.
    let mut firsts = vec![0usize; len];
    let mut first = 0;
    let mut before = None;
    for &row in &order {
        if before.is_none_or(|before: usize| compare(before, row).is_ne()) {
            first = row;
        }
        before = Some(row);
        if let Some(slot) = firsts.get_mut(row) {
            *slot = first;
        }
    }
    // Rows are fewer than 2^32.
    number_labels(firsts.into_iter().map(|first| u32::try_from(first).unwrap_or(u32::MAX - 1)).collect(), len)
}

/// One or two parents, by their positions in a column's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The parent.
    pub first: u8,
    /// The other one of a pair.
    pub second: Option<u8>,
}

impl Key {
    /// Reads `u8 parents` and so many positions.
    pub(super) fn read(reader: &mut ByteReader<'_>, decoder: &mut Decoder) -> Result<Key> {
        let key = match reader.u8()? {
            1 => Key { first: reader.u8()?, second: None },
            2 => Key { first: reader.u8()?, second: Some(reader.u8()?) },
            count => return Err(Error::corrupt(format!("a key of {count} parents"))),
        };
        decoder.note_parent(key.first);
        key.second.into_iter().for_each(|parent| decoder.note_parent(parent));
        Ok(key)
    }

    #[cfg(feature = "writer")]
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend([1 + u8::from(self.second.is_some()), self.first]);
        out.extend(self.second);
    }
}

/// The rows that an aligned node speaks of, and the columns that it can look at.
#[derive(Debug)]
pub struct Scope {
    parents: Arc<[Option<Arc<Parent>>]>,
    rows: Rows,
    /// Classes that were asked for, by the parents.
    known: Mutex<Vec<(Key, Arc<Classes>)>>,
}

#[derive(Debug)]
enum Rows {
    All(usize),
    Some(Vec<u32>),
}

impl Scope {
    /// All rows of a row group of `rows` rows.
    #[must_use]
    pub fn all(parents: Arc<[Option<Arc<Parent>>]>, rows: usize) -> Self {
        Scope { parents, rows: Rows::All(rows), known: Mutex::default() }
    }

    /// The rows that a bitmap of all of them names.
    #[must_use]
    pub fn valid(parents: Arc<[Option<Arc<Parent>>]>, validity: &Bitmap) -> Self {
        Scope { parents, rows: Rows::Some(validity.positions(0..validity.len())), known: Mutex::default() }
    }

    /// Number of rows.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        match &self.rows {
            Rows::All(rows) => *rows,
            Rows::Some(positions) => positions.len(),
        }
    }

    /// A parent.
    ///
    /// # Errors
    /// `corrupt` for one that the chunk does not have.
    pub fn parent(&self, parent: u8) -> Result<&Arc<Parent>> {
        let found = self.parents.get(usize::from(parent)).and_then(Option::as_ref);
        found.ok_or_else(|| Error::corrupt(format!("parent {parent}, which the directory does not list for the chunk")))
    }

    /// Those rows of these.
    #[must_use]
    pub fn narrow(&self, rows: &[usize]) -> Self {
        let position = |row: usize| match &self.rows {
            // Rows are fewer than 2^32.
            Rows::All(_) => u32::try_from(row).unwrap_or(u32::MAX),
            Rows::Some(positions) => positions.get(row).copied().unwrap_or(u32::MAX),
        };
        let rows = Rows::Some(rows.iter().map(|&row| position(row)).collect());
        Scope { parents: Arc::clone(&self.parents), rows, known: Mutex::default() }
    }

    /// The classes of the rows by a key.
    ///
    /// # Errors
    /// `corrupt` for parents that the chunk does not have.
    pub fn classes(&self, key: Key) -> Result<Arc<Classes>> {
        let locked = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, classes)) = locked().iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(classes));
        }
        let classes = match (key.second, &self.rows) {
            (Some(second), _) => {
                let first = self.classes(Key { second: None, ..key })?;
                Arc::new(pairs(&first, self.classes(Key { first: second, second: None })?.as_ref()))
            }
            (None, Rows::All(_)) => Arc::clone(self.parent(key.first)?.classes()),
            (None, Rows::Some(positions)) => {
                let all = self.parent(key.first)?.classes();
                Arc::new(number_labels(picked(&all.ids, positions).collect(), all.count))
            }
        };
        locked().push((key, Arc::clone(&classes)));
        Ok(classes)
    }

    /// The numbers of a parent in all rows of the row group.
    ///
    /// # Errors
    /// `corrupt` for a parent that the chunk does not have, or that has no numbers.
    pub fn numbers(&self, parent: u8, exponent: u8) -> Result<Numbers> {
        let found = self.parent(parent)?;
        if !found.is_numeric() {
            return Err(Error::corrupt(format!("numbers of parent {parent}, which is text")));
        }
        Ok(found.numbers(exponent))
    }

    /// Where a part of the rows is in the row group, ascending; `None` where all rows of it are these.
    #[must_use]
    pub fn positions(&self, part: Range<usize>) -> Option<&[u32]> {
        match &self.rows {
            Rows::All(_) => None,
            Rows::Some(positions) => Some(positions.get(part).unwrap_or_default()),
        }
    }
}

fn picked<'a>(ids: &'a [u32], positions: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    let at = |&position: &u32| usize::try_from(position).ok().and_then(|at| ids.get(at)).copied().unwrap_or_default();
    positions.iter().map(at)
}

/// Tables of pairs up to this many entries per row are looked up, larger ones hashed.
const MAX_PAIRS_PER_ROW: usize = 4;

/// The classes of pairs.
pub fn pairs(first: &Classes, second: &Classes) -> Classes {
    let len = first.ids.len();
    let bound = first.count.saturating_mul(second.count);
    let both = first.ids.iter().zip(&second.ids);
    if bound <= len.saturating_mul(MAX_PAIRS_PER_ROW).saturating_add(1 << 12) {
        let width = u32::try_from(second.count).unwrap_or(u32::MAX);
        return number_labels(both.map(|(&a, &b)| a.wrapping_mul(width).wrapping_add(b)).collect(), bound);
    }
    let pairs: Vec<u64> = both.map(|(&a, &b)| u64::from(a) << 32 | u64::from(b)).collect();
    number_patterns(&pairs, None)
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::column::VarBytes;
    use crate::schema::TimeUnit;
    use crate::testing::noise;

    fn classes(values: Values, validity: Option<Bitmap>) -> (Vec<u32>, usize) {
        let parent = Parent::new(Arc::new(Column::new(values, validity).unwrap()), None);
        let classes = parent.classes();
        (classes.ids.clone(), classes.count)
    }

    #[test]
    fn classes_tell_equal_values_and_null_apart() {
        let text = |values: &[&str]| {
            let mut text = VarBytes::default();
            values.iter().for_each(|value| text.push(value.as_bytes()).unwrap());
            Values::String(text)
        };
        let validity = || Some([true, false, true, true, false].into_iter().collect());
        let expected = (vec![0, 1, 2, 0, 1], 3);
        assert_eq!(classes(text(&["a", "", "", "a", "a"]), validity()), expected);
        assert_eq!(classes(Values::Int64(vec![i64::MIN, 0, i64::MAX, i64::MIN, 0]), validity()), expected);
        assert_eq!(classes(Values::UInt8(vec![9, 9, 0, 9, 9]), validity()), expected);
        assert_eq!(classes(Values::Float64(vec![0.0, 0.0, -0.0, 0.0, 1.0]), validity()), expected);
        assert_eq!(classes(Values::Float64(vec![7.0, 0.0, -3.0, 7.0, 1.0]), validity()), expected);
        assert_eq!(classes(Values::Float32(vec![0.5, 0.0, f32::NAN, 0.5, 1.0]), validity()), expected);
        let decimals = Values::Decimal { precision: 38, scale: 0, values: vec![1, 0, 1 << 64, 1, 0] };
        assert_eq!(classes(decimals, validity()), expected);
        assert_eq!(
            classes(Values::Boolean([true, true, false, true, true].into_iter().collect()), validity()),
            expected
        );
        assert_eq!(classes(Values::Int8(vec![]), None), (vec![], 0));
    }

    #[test]
    fn classes_are_the_same_however_they_are_found() {
        // What is under a null, and how far values are from each other, decides which way is taken.
        let small = [7.0, -3.0, 0.0, 2000.0, 7.0, 5.0, -3.0, 0.0, 5.0, 7.0, 2000.0];
        let nulls = [1, 5, 8, 10];
        let mut first: Vec<Option<u64>> = Vec::new();
        let mut number = |row: usize, value: f64| {
            let key = (!nulls.contains(&row)).then_some(value.to_bits());
            first.iter().position(|known| *known == key).unwrap_or_else(|| {
                first.push(key);
                first.len() - 1
            }) as u32
        };
        let expected: Vec<u32> = small.iter().enumerate().map(|(row, &value)| number(row, value)).collect();
        let validity = || Some((0..small.len()).map(|row| !nulls.contains(&row)).collect());
        for under in [0.0, 1.0, -0.0, 0.5, 1e18, f64::NAN, f64::INFINITY, f64::from_bits(0xfff8_0000_0000_1234)] {
            for (scale, offset) in [(1.0, 0.0), (1.0, 1e15), (1e9, 0.0), (0.125, 0.0)] {
                let value = |(row, &value): (usize, &f64)| match nulls.contains(&row) {
                    true => under,
                    false => value * scale + offset,
                };
                let floats: Vec<f64> = small.iter().enumerate().map(value).collect();
                let found = classes(Values::Float64(floats.clone()), validity());
                assert_eq!(found, (expected.clone(), 5), "{under} {scale} {offset}");
                let integers = floats.iter().map(|&float| (float * 8.0) as i64).collect();
                assert_eq!(classes(Values::Int64(integers), validity()), (expected.clone(), 5));
            }
        }
        let limit = 2_251_799_813_685_248.0;
        assert_eq!(classes(Values::Float64(vec![limit, -limit, limit - 1.0, limit]), None), (vec![0, 1, 2, 0], 3));
        assert_eq!(classes(Values::Float64(vec![0.0, -0.0, f64::NAN, -0.0]), None), (vec![0, 1, 2, 1], 3));
        assert_eq!(classes(Values::Int64(vec![5, 5]), Some(Bitmap::filled(2, false))), (vec![0, 0], 1));
    }

    #[test]
    fn codes_of_a_dictionary_give_the_same_classes() {
        let mut text = VarBytes::default();
        ["b", "", "a", "b"].iter().for_each(|value| text.push(value.as_bytes()).unwrap());
        let validity: Bitmap = [true, false, true, true].into_iter().collect();
        let column = Arc::new(Column::new(Values::String(text), Some(validity)).unwrap());
        let plain = Parent::new(Arc::clone(&column), None);
        let coded = Parent::new(column, Some(Codes { codes: vec![1, 0, 1], entries: 2 }));
        assert_eq!(plain.classes().ids, coded.classes().ids);
        assert_eq!((plain.classes().count, coded.classes().count), (3, 3));
    }

    #[test]
    fn colliding_values_are_sorted_instead_of_probed_for_ever() {
        let values: Vec<u32> = (0..3000).map(|row| row % 1500).collect();
        let value = |row: usize| values[row];
        let same = number(3000, |_| 1 << 40, |a, b| value(a).cmp(&value(b)));
        assert_eq!((same.ids, same.count), (values.clone(), 1500));
    }

    #[test]
    fn large_pairs_are_hashed_and_small_ones_looked_up() {
        let mut next = noise(1);
        for (a, b) in [(3, 5), (900, 900)] {
            let first = Classes::of((0..2000).map(|_| (next() % a) as u32), a as usize);
            let second = Classes::of((0..2000).map(|_| (next() % b) as u32), b as usize);
            let both = pairs(&first, &second);
            let mut seen: Vec<(u32, u32)> = Vec::new();
            for (row, &class) in both.ids.iter().enumerate() {
                let pair = (first.ids[row], second.ids[row]);
                let at = seen.iter().position(|known| *known == pair).unwrap_or(seen.len());
                if at == seen.len() {
                    seen.push(pair);
                }
                assert_eq!(class as usize, at);
            }
            assert_eq!(both.count, seen.len());
        }
    }

    #[test]
    fn numbers_are_exact_or_zero() {
        let numbers = |values, validity, exponent| {
            Parent::new(Arc::new(Column::new(values, validity).unwrap()), None).numbers(exponent).to_vec()
        };
        let floats = vec![0.25, -1.5, 2.5, f64::NAN, f64::INFINITY, 1e300, -0.0, 2_251_799_813_685_247.0];
        assert_eq!(numbers(Values::Float64(floats.clone()), None, 0), [0, -2, 2, 0, 0, 0, 0, 2_251_799_813_685_247]);
        assert_eq!(numbers(Values::Float64(floats), None, 2)[..3], [25, -150, 250]);
        assert_eq!(numbers(Values::UInt64(vec![u64::MAX, 7]), None, 0), [0, 7]);
        let nulls = Some([true, false].into_iter().collect());
        assert_eq!(numbers(Values::Date(vec![-5, 9]), nulls, 0), [-5, 0]);
        let stamps = Values::Timestamp { unit: TimeUnit::Microsecond, utc: false, values: vec![i64::MIN, 1] };
        assert_eq!(numbers(stamps, None, 3), [i64::MIN, 1]);
        let decimals = Values::Decimal { precision: 38, scale: 2, values: vec![1 << 100, -3] };
        assert_eq!(numbers(decimals, None, 0), [0, -3]);
    }
}
