//! Other columns of the same row group, as models of a column see them.
//!
//! A model predicts a value from what other columns, its *parents*, hold in the same row. It sees them in two ways:
//!
//! ```text
//! classes   equal values have one number: 0 for that of the first row, 1 for the next that differs, ...
//!           null is a value of its own, floats differ by their bits. Two parents: pairs of values.
//!           Here they are labels, which tell equal values apart but may be in any order and have gaps
//! numbers   a signed integer per row: integers, dates and timestamps by value; decimals unscaled; booleans 0 or 1;
//!           floats times a power of ten, rounded to even; 0 for null, NaN and what does not fit (51 bits of floats)
//! ```
//! A node of integers is *aligned* with the rows of a [`Scope`] where it has as many values: all rows of the row group
//! for the validity of a column, its valid rows for its values. Only such nodes may use models.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::Decoder;
use super::hash::{self, Numbered};
use super::text::codes::Codes;
use crate::bytes::ByteReader;
use crate::column::{Bitmap, Column, Values, VarBytes, index};
use crate::error::{Error, Result};
use crate::sort::sort_positions;

/// Parents that one column can have.
pub const MAX_PARENTS: usize = 64;
/// Columns that decoding one leads to, each the parent of the one before: a longer chain is refused, and so is a cycle.
pub const MAX_CHAIN: usize = 3;

/// Which of equal values each row holds.
#[derive(Debug, Default)]
pub struct Labels {
    /// The label of each row.
    pub ids: Vec<u32>,
    /// Labels are below it.
    pub bound: usize,
    order: OnceLock<Order>,
}

/// The classes of labels.
#[derive(Debug, Default)]
pub struct Order {
    /// The class of each label, in order of first appearance; that of labels that no row has is beyond them all.
    pub classes: Vec<u32>,
    /// How many classes there are.
    pub count: usize,
}

impl Labels {
    /// Labels of all rows, below a bound.
    #[must_use]
    pub fn new(ids: Vec<u32>, bound: usize) -> Self {
        Labels { ids, bound, order: OnceLock::new() }
    }

    /// The classes of the labels.
    pub fn order(&self) -> &Order {
        self.order.get_or_init(|| self.find_order())
    }

    // What is within get_or_init() itself counts as cold, and is compiled to be small.
    #[inline(never)]
    fn find_order(&self) -> Order {
        let mut classes = vec![u32::MAX; self.bound];
        let mut count = 0;
        for some in self.ids.chunks(LABELS_AT_ONCE) {
            // Mostly all are known. Every label is below the bound.
            let class = |&label: &u32| classes.get(index(label)).copied().unwrap_or_default();
            if some.iter().map(class).fold(0, u32::max) < u32::MAX {
                continue;
            }
            for &label in some {
                if let Some(class @ &mut u32::MAX) = classes.get_mut(index(label)) {
                    *class = count;
                    count += 1;
                }
            }
            if index(count) == self.bound {
                break;
            }
        }
        Order { classes, count: index(count) }
    }

    /// The class of each row.
    #[must_use]
    pub fn to_classes(&self) -> Vec<u32> {
        let Order { classes, .. } = self.order();
        self.ids.iter().map(|&label| classes.get(index(label)).copied().unwrap_or_default()).collect()
    }

    /// Classes as labels, which are few, where there are many labels for so many rows.
    fn compact(self) -> Self {
        if self.bound <= self.ids.len() / ROWS_PER_LABEL + FEW_LABELS { self } else { self.renumbered() }
    }

    /// Classes as labels.
    #[must_use]
    pub fn renumbered(&self) -> Self {
        let count = self.order().count;
        let classes = (0..u32::try_from(count).unwrap_or(u32::MAX)).collect();
        Labels { ids: self.to_classes(), bound: count, order: OnceLock::from(Order { classes, count }) }
    }
}

/// Labels that are looked at together before any is taken for new.
const LABELS_AT_ONCE: usize = 16;
/// Tables of as many labels stay near the processor.
const FEW_LABELS: usize = 1 << 12;
/// Rows for which one more label does not matter.
const ROWS_PER_LABEL: usize = 4;

/// One column of a row group.
#[derive(Debug)]
pub struct Parent {
    column: Arc<Column>,
    codes: Option<Arc<Codes>>,
    /// Whether the column has its values; else only its codes do.
    is_whole: bool,
    labels: OnceLock<Arc<Labels>>,
    /// Labels of pairs that were asked for, by the other one.
    pairs: Mutex<Vec<(Weak<Parent>, Arc<Labels>)>>,
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
    pub fn new(column: Arc<Column>, codes: Option<Arc<Codes>>) -> Self {
        Parent {
            column,
            codes,
            is_whole: true,
            labels: OnceLock::new(),
            pairs: Mutex::default(),
            numbers: Mutex::default(),
        }
    }

    /// Text by its codes: `hollow` is as long, and null in the same rows, but all values are empty.
    #[must_use]
    pub fn coded(hollow: Arc<Column>, codes: Arc<Codes>) -> Self {
        Parent { is_whole: false, ..Parent::new(hollow, Some(codes)) }
    }

    /// The same with its values.
    #[must_use]
    pub fn with_values(&self, column: Arc<Column>) -> Self {
        Parent { labels: self.labels.clone(), ..Parent::new(column, self.codes.clone()) }
    }

    /// Whether the column has its values.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
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

    /// The labels of all rows.
    #[must_use]
    pub fn labels(&self) -> &Arc<Labels> {
        self.labels.get_or_init(|| Arc::new(self.label()))
    }

    /// The labels of all rows by this parent and another one.
    fn pairs(self: &Arc<Self>, other: &Arc<Self>) -> Arc<Labels> {
        let known = |of: &Self, with: &Arc<Self>| {
            let pairs = lock(&of.pairs);
            let found = pairs.iter().find(|(known, _)| known.as_ptr() == Arc::as_ptr(with));
            found.map(|(_, labels)| Arc::clone(labels))
        };
        // Whichever is the first, pairs are the same.
        if let Some(labels) = known(self, other).or_else(|| known(other, self)) {
            return labels;
        }
        let labels = Arc::new(pairs(self.labels(), other.labels()));
        lock(&self.pairs).push((Arc::downgrade(other), Arc::clone(&labels)));
        labels
    }

    // As above.
    #[inline(never)]
    fn label(&self) -> Labels {
        let column = &self.column;
        if let Some(codes) = self.codes.as_deref() {
            let bound = codes.entries.len() + usize::from(column.validity().is_some());
            return Labels::new(codes.placed(column.validity()).into_owned(), bound).compact();
        }
        match column.values() {
            Values::String(text) | Values::Binary(text) => number_text(text, column.validity()),
            Values::Decimal { values, .. } => {
                #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
                let (low, high): (Vec<u64>, Vec<u64>) = values.iter().map(|&x| (x as u64, (x >> 64) as u64)).unzip();
                let number = |half: &[u64]| number_patterns(half, column.validity());
                pairs(&number(&low), &number(&high))
            }
            values => {
                let small = self.label_small();
                small.unwrap_or_else(|| number_patterns(&patterns(values), column.validity()))
            }
        }
    }

    /// Labels of integers, and of floats that all are integers (as where somebody had no integers with nulls), if they
    /// are near each other.
    #[inline(never)]
    fn label_small(&self) -> Option<Labels> {
        let column = &self.column;
        let numbers = match column.values() {
            Values::UInt64(values) if values.iter().any(|&value| i64::try_from(value).is_err()) => return None,
            Values::Float32(_) => return None,
            Values::Float64(floats) if !self.are_integers(floats) => return None,
            _ => self.numbers(0),
        };
        let valid = |row: usize| column.is_valid(row);
        // For what is small and not negative, this is quick, and near enough.
        let bits = numbers.iter().fold(0, |bits, &number| bits | number);
        let mut bounds = if bits >= 0 { (0, bits) } else { (i64::MIN, i64::MAX) };
        if self.table_size(bounds).is_none() {
            bounds = self::bounds(numbers.iter().copied());
        }
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
        Some(Labels::new(labels, size).compact())
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
        if let Some((_, numbers)) = lock(&self.numbers).iter().find(|(known, _)| *known == exponent) {
            return Numbers::Computed(Arc::clone(numbers));
        }
        let numbers = Arc::new(self.to_numbers(exponent));
        lock(&self.numbers).push((exponent, Arc::clone(&numbers)));
        Numbers::Computed(numbers)
    }

    #[inline(never)]
    fn to_numbers(&self, exponent: u8) -> Vec<i64> {
        let power = POWERS_OF_TEN.get(usize::from(exponent)).copied().unwrap_or(1.0);
        let mut numbers: Vec<i64> = match self.column.values() {
            Values::Int8(v) => mapped(v, i64::from),
            Values::Int16(v) => mapped(v, i64::from),
            Values::Int32(v) | Values::Date(v) => mapped(v, i64::from),
            Values::Int64(v) | Values::Timestamp { values: v, .. } => v.clone(),
            Values::UInt8(v) => mapped(v, i64::from),
            Values::UInt16(v) => mapped(v, i64::from),
            Values::UInt32(v) => mapped(v, i64::from),
            Values::UInt64(v) => mapped(v, |x| i64::try_from(x).unwrap_or_default()),
            Values::Float32(v) => mapped(v, |x| rounded(f64::from(x) * power)),
            Values::Float64(v) => mapped(v, |x| rounded(x * power)),
            Values::Decimal { values, .. } => mapped(values, |x| i64::try_from(x).unwrap_or_default()),
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

/// A function of each value. One of its own for each type: a column needs the code for one of them.
#[inline(never)]
fn mapped<T: Copy, U>(values: &[T], of: impl Fn(T) -> U) -> Vec<U> {
    values.iter().map(|&value| of(value)).collect()
}

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
#[inline(never)]
fn patterns(values: &Values) -> Vec<u64> {
    let signed = |value: i64| value.cast_unsigned() ^ 1 << 63;
    match values {
        Values::Int8(v) => mapped(v, |x| signed(x.into())),
        Values::Int16(v) => mapped(v, |x| signed(x.into())),
        Values::Int32(v) | Values::Date(v) => mapped(v, |x| signed(x.into())),
        Values::Int64(v) | Values::Timestamp { values: v, .. } => mapped(v, signed),
        Values::UInt8(v) => mapped(v, u64::from),
        Values::UInt16(v) => mapped(v, u64::from),
        Values::UInt32(v) => mapped(v, u64::from),
        Values::UInt64(v) => v.clone(),
        Values::Float32(v) => mapped(v, |x| x.to_bits().into()),
        Values::Float64(v) => mapped(v, f64::to_bits),
        Values::Boolean(v) => v.iter().map(u64::from).collect(),
        Values::Decimal { .. } | Values::String(_) | Values::Binary(_) => Vec::new(),
    }
}

fn lock<T>(known: &Mutex<T>) -> MutexGuard<'_, T> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers patterns; null is one of them.
#[inline(never)]
fn number_patterns(patterns: &[u64], validity: Option<&Bitmap>) -> Labels {
    let Some(validity) = validity else {
        return match hash::number_words(patterns, usize::MAX) {
            Some(Numbered { firsts, numbers }) => Labels::new(numbers, firsts.len()),
            None => {
                let pattern = |row: usize| patterns.get(row);
                number_by_sorting(patterns.len(), &|a, b| pattern(a).cmp(&pattern(b)))
            }
        };
    };
    // Null comes behind the others.
    let valid = number_patterns(&validity.pick(patterns), None);
    let null = u32::try_from(valid.bound).unwrap_or(u32::MAX);
    Labels::new(validity.place(&valid.ids, null), valid.bound.saturating_add(1))
}

/// Numbers text; null is one of its values.
#[inline(never)]
fn number_text(text: &VarBytes, validity: Option<&Bitmap>) -> Labels {
    let hash = |row: usize| hash::hash_bytes(text.get(row));
    number_values(text.len(), validity, hash, |a, b| text.get(a).cmp(text.get(b)))
}

/// Numbers the values of rows; null is one of them.
fn number_values(
    len: usize,
    validity: Option<&Bitmap>,
    hash: impl Fn(usize) -> u64,
    compare: impl Fn(usize, usize) -> Ordering,
) -> Labels {
    let valid = |row| validity.is_none_or(|validity| validity.get(row));
    number(
        len,
        |row| if valid(row) { hash(row) } else { u64::MAX },
        |a, b| valid(a).cmp(&valid(b)).then_with(|| if valid(a) { compare(a, b) } else { Ordering::Equal }),
    )
}

/// Numbers rows by a hash table, or by sorting where too many of them collide: values can be an adversary's.
fn number(len: usize, hash: impl Fn(usize) -> u64, compare: impl Fn(usize, usize) -> Ordering) -> Labels {
    match hash::number(0..len, usize::MAX, hash, |a, b| compare(a, b).is_eq()) {
        Some(Numbered { firsts, numbers }) => Labels::new(numbers, firsts.len()),
        None => number_by_sorting(len, &compare),
    }
}

fn number_by_sorting(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Labels {
    let mut order: Vec<usize> = (0..len).collect();
    sort_positions(&mut order, compare);
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
    Labels::new(firsts.into_iter().map(|first| u32::try_from(first).unwrap_or(u32::MAX)).collect(), len)
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
    pub(super) fn read(reader: &mut ByteReader<'_>) -> Result<Key> {
        Ok(match reader.u8()? {
            1 => Key { first: reader.u8()?, second: None },
            2 => Key { first: reader.u8()?, second: Some(reader.u8()?) },
            count => return Err(Error::corrupt(format!("a key of {count} parents"))),
        })
    }

    /// Tells a decoder of the parents.
    pub(super) fn note(self, decoder: &mut Decoder) {
        decoder.note_parent(self.first);
        self.second.into_iter().for_each(|parent| decoder.note_parent(parent));
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
    /// Labels that were asked for, by the parents.
    known: Mutex<Vec<(Key, Arc<Labels>)>>,
}

/// Rows of a row group.
#[derive(Debug)]
pub enum Rows {
    /// All of so many.
    All(usize),
    /// Most of them, and how many.
    Valid(Bitmap, usize),
    /// These, ascending.
    Some(Vec<u32>),
}

impl Scope {
    fn new(parents: Arc<[Option<Arc<Parent>>]>, rows: Rows) -> Self {
        Scope { parents, rows, known: Mutex::default() }
    }

    /// All rows of a row group of `rows` rows.
    #[must_use]
    pub fn all(parents: Arc<[Option<Arc<Parent>>]>, rows: usize) -> Self {
        Scope::new(parents, Rows::All(rows))
    }

    /// The rows that a bitmap of all of them names.
    #[must_use]
    pub fn valid(parents: Arc<[Option<Arc<Parent>>]>, validity: &Bitmap) -> Self {
        let count = validity.count_ones();
        let rows = if count >= validity.len() / 2 {
            Rows::Valid(validity.clone(), count)
        } else {
            Rows::Some(validity.positions(0..validity.len()))
        };
        Scope::new(parents, rows)
    }

    /// Number of rows.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        match &self.rows {
            Rows::All(rows) | Rows::Valid(_, rows) => *rows,
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

    /// Those rows of these, ascending.
    #[must_use]
    pub fn narrow(&self, rows: &[usize]) -> Self {
        // Rows are fewer than 2^32.
        let rows = match &self.rows {
            Rows::All(_) => rows.iter().map(|&row| u32::try_from(row).unwrap_or(u32::MAX)).collect(),
            Rows::Valid(validity, _) => validity.positions_of(rows),
            Rows::Some(positions) => rows.iter().map(|&row| positions.get(row).copied().unwrap_or(u32::MAX)).collect(),
        };
        let rows = Rows::Some(rows);
        Scope::new(Arc::clone(&self.parents), rows)
    }

    /// The labels of the rows by a key.
    ///
    /// # Errors
    /// `corrupt` for parents that the chunk does not have.
    pub fn labels(&self, key: Key) -> Result<Arc<Labels>> {
        if let Some((_, labels)) = lock(&self.known).iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(labels));
        }
        let labels = match (key.second, &self.rows) {
            (Some(second), Rows::All(_)) => self.parent(key.first)?.pairs(self.parent(second)?),
            (Some(second), _) => {
                let first = self.labels(Key { second: None, ..key })?;
                Arc::new(pairs(&first, self.labels(Key { first: second, second: None })?.as_ref()))
            }
            (None, Rows::All(_)) => Arc::clone(self.parent(key.first)?.labels()),
            (None, Rows::Valid(validity, _)) => {
                let all = self.parent(key.first)?.labels();
                Arc::new(Labels::new(validity.pick(&all.ids), all.bound))
            }
            (None, Rows::Some(positions)) => {
                let all = self.parent(key.first)?.labels();
                Arc::new(Labels::new(picked(&all.ids, positions).collect(), all.bound).compact())
            }
        };
        lock(&self.known).push((key, Arc::clone(&labels)));
        Ok(labels)
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

    /// Which rows of the row group these are.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }
}

fn picked<'a>(ids: &'a [u32], positions: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    let at = |&position: &u32| usize::try_from(position).ok().and_then(|at| ids.get(at)).copied().unwrap_or_default();
    positions.iter().map(at)
}

/// Tables of pairs up to this many entries per row are looked up, larger ones hashed.
const MAX_PAIRS_PER_ROW: usize = 4;

/// The labels of pairs.
pub fn pairs(first: &Labels, second: &Labels) -> Labels {
    let (len, bound) = (first.ids.len(), first.bound.saturating_mul(second.bound));
    if bound <= len.saturating_mul(MAX_PAIRS_PER_ROW).saturating_add(FEW_LABELS).min(index(u32::MAX)) {
        let width = u32::try_from(second.bound).unwrap_or(u32::MAX);
        let both = first.ids.iter().zip(&second.ids);
        return Labels::new(both.map(|(&a, &b)| a.wrapping_mul(width).wrapping_add(b)).collect(), bound).compact();
    }
    // Perhaps there are gaps between the labels.
    let (a, b) = (first.order().count, second.order().count);
    if a.saturating_mul(b) < bound {
        return pairs(&first.renumbered(), &second.renumbered());
    }
    let both = first.ids.iter().zip(&second.ids);
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
        of(parent.labels())
    }

    fn of(labels: &Labels) -> (Vec<u32>, usize) {
        (labels.to_classes(), labels.order().count)
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
        let mut entries = VarBytes::default();
        ["a", "b"].iter().for_each(|value| entries.push(value.as_bytes()).unwrap());
        let codes = Codes { codes: vec![1, 0, 1], entries: Arc::new(entries) };
        let coded = Parent::new(column, Some(Arc::new(codes)));
        assert_eq!((of(plain.labels()), of(coded.labels()).1), (of(coded.labels()), 3));
    }

    #[test]
    fn colliding_values_are_sorted_instead_of_probed_for_ever() {
        let values: Vec<u32> = (0..3000).map(|row| row % 1500).collect();
        let value = |row: usize| values[row];
        let same = number(3000, |_| 1 << 40, |a, b| value(a).cmp(&value(b)));
        assert_eq!(of(&same), (values.clone(), 1500));
    }

    #[test]
    fn large_pairs_are_hashed_and_small_ones_looked_up() {
        let mut next = noise(1);
        // A bound, and how many of the labels below it there are: small, with gaps, and hashed.
        for ((a, of_a), (b, of_b)) in [((3, 3), (5, 5)), ((5_000, 20), (5_000, 30)), ((900, 900), (900, 900))] {
            let mut labels = |bound: u64, count: u64| {
                let step = bound / count;
                Labels::new((0..2000).map(|_| (next() % count * step) as u32).collect(), bound as usize)
            };
            let (first, second) = (labels(a, of_a), labels(b, of_b));
            let both = pairs(&first, &second);
            let mut seen: Vec<(u32, u32)> = Vec::new();
            let (classes, count) = of(&both);
            for (row, class) in classes.into_iter().enumerate() {
                let pair = (first.ids[row], second.ids[row]);
                let at = seen.iter().position(|known| *known == pair).unwrap_or(seen.len());
                if at == seen.len() {
                    seen.push(pair);
                }
                assert_eq!(class as usize, at);
            }
            assert_eq!(count, seen.len());
            assert!(both.bound <= 2000 / ROWS_PER_LABEL + FEW_LABELS, "{} labels", both.bound);
        }
    }

    #[test]
    fn pairs_are_made_once_whichever_parent_is_first() {
        let parent = |values| Arc::new(Parent::new(Arc::new(Column::new(Values::Int8(values), None).unwrap()), None));
        let (first, second) = (parent(vec![1, 2, 1, 2]), parent(vec![3, 3, 3, 4]));
        let both = first.pairs(&second);
        assert_eq!(of(&both), (vec![0, 1, 0, 2], 3));
        assert!(Arc::ptr_eq(&both, &second.pairs(&first)) && Arc::ptr_eq(&both, &first.pairs(&second)));
        assert!(!Arc::ptr_eq(&both, &first.pairs(&first)));
    }

    #[test]
    fn scopes_of_some_rows_have_their_classes() {
        let rows = 100usize;
        let mut next = noise(3);
        let values: Vec<u8> = (0..rows).map(|_| (next() % 7) as u8).collect();
        let parent = Arc::new(Parent::new(Arc::new(Column::new(Values::UInt8(values.clone()), None).unwrap()), None));
        let parents: Arc<[_]> = vec![Some(parent)].into();
        for part in [1, 2, 3, 10, 50] {
            let wanted: Vec<usize> = (0..rows).filter(|row| (row * 7) % 50 < part).collect();
            let validity: Bitmap = (0..rows).map(|row| wanted.contains(&row)).collect();
            let scope = Scope::valid(Arc::clone(&parents), &validity);
            let picked = |rows: &[usize]| {
                let mut seen: Vec<u8> = Vec::new();
                let class = |&row: &usize| {
                    let at = seen.iter().position(|&known| known == values[row]).unwrap_or(seen.len());
                    seen.extend((at == seen.len()).then_some(values[row]));
                    at as u32
                };
                rows.iter().map(class).collect::<Vec<u32>>()
            };
            let key = Key { first: 0, second: None };
            assert_eq!(scope.num_rows(), wanted.len());
            assert_eq!(scope.labels(key).unwrap().to_classes(), picked(&wanted));
            let pair = Key { first: 0, second: Some(0) };
            assert_eq!(scope.labels(pair).unwrap().to_classes(), picked(&wanted));
            let every_second: Vec<usize> = (0..wanted.len()).step_by(2).collect();
            let narrow = scope.narrow(&every_second);
            let rows: Vec<usize> = every_second.iter().map(|&at| wanted[at]).collect();
            assert_eq!(narrow.labels(key).unwrap().to_classes(), picked(&rows));
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
