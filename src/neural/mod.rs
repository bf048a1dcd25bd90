//! Learned compression of column chunks.

mod coder;
mod linear;
mod logistic;
mod memory;
mod parents;
mod predictor;
mod symbols;
mod text;
mod transform;

use coder::BitCoder;
use linear::Linear;
use parents::Parent;
use symbols::{Kind, MAX_PARENTS, Row, SymbolModel};
use text::TextModel;
use transform::{Dense, Source};

use crate::bytes::{ByteReader, to_u64, to_usize};
use crate::column::{Bitmap, Column, VarBytes};
use crate::encoding::chunk::ColumnType;
use crate::encoding::varint;
use crate::error::{Error, Result};

/// Logarithms that the number of hashed buckets may have; a bucket has 64 bytes.
const MIN_TABLE_BITS: u8 = 8;
const MAX_TABLE_BITS: u8 = 19;

/// How symbols stand for values.
#[derive(Clone, Debug)]
enum Form {
    /// `value = base + divisor x symbol`.
    Offsets { base: i64, divisor: u64, bits: u8 },
    /// The symbol is the position in a sorted list, which comes first.
    Ranks { count: u64 },
    /// Text, byte by byte, with that many bytes in all.
    Direct { size: u64 },
}

/// What the header of a chunk says.
#[derive(Clone, Debug)]
struct Plan {
    nulls: bool,
    source: Source,
    exceptions: u64,
    form: Form,
    kind: Kind,
    guesses: u8,
    table_bits: u8,
    dictionary_size: u64,
    linear: Linear,
    exponents: [u8; MAX_PARENTS],
}

impl Plan {
    fn read(reader: &mut ByteReader<'_>, num_parents: usize) -> Result<Self> {
        let nulls = match reader.u8()? {
            0 => false,
            1 => true,
            other => return Err(Error::corrupt(format!("neural chunk with validity in form {other}"))),
        };
        let source = Source::read(reader)?;
        let exceptions = if matches!(source, Source::Scaled { .. }) { varint::read(reader)? } else { 0 };
        let form = match reader.u8()? {
            0 => {
                Form::Offsets { base: varint::read_signed(reader)?, divisor: varint::read(reader)?, bits: reader.u8()? }
            }
            1 => Form::Ranks { count: varint::read(reader)? },
            2 => Form::Direct { size: varint::read(reader)? },
            other => return Err(Error::corrupt(format!("neural chunk with symbols in form {other}"))),
        };
        if let Form::Offsets { bits, .. } = form
            && bits > 64
        {
            return Err(Error::corrupt(format!("neural chunk with symbols of {bits} bits")));
        }
        let kind = match reader.u8()? {
            0 => Kind::Codes,
            1 => Kind::Numbers,
            other => return Err(Error::corrupt(format!("neural chunk with model {other}"))),
        };
        let guesses = reader.u8()?;
        if usize::from(guesses) > symbols::MAX_GUESSES {
            return Err(Error::corrupt(format!("neural chunk with {guesses} guesses")));
        }
        let table_bits = reader.u8()?;
        if !(MIN_TABLE_BITS..=MAX_TABLE_BITS).contains(&table_bits) {
            return Err(Error::corrupt(format!(
                "neural chunk with 2^{table_bits} buckets (2^{MIN_TABLE_BITS} to 2^{MAX_TABLE_BITS})"
            )));
        }
        let dictionary_size =
            if source == Source::Text && matches!(form, Form::Ranks { .. }) { varint::read(reader)? } else { 0 };
        let mut exponents = [0; MAX_PARENTS];
        let linear = if kind == Kind::Numbers { Linear::read(reader, num_parents)? } else { Linear::default() };
        if !linear.terms.is_empty() {
            for exponent in exponents.iter_mut().take(num_parents) {
                *exponent = reader.u8()?.min(22);
            }
        }
        Ok(Plan { nulls, source, exceptions, form, kind, guesses, table_bits, dictionary_size, linear, exponents })
    }

    /// Logarithm of the number of buckets of the model of a dictionary's text.
    fn dictionary_table_bits(&self) -> u8 {
        self.table_bits.min(16)
    }

    #[cfg(feature = "writer")]
    fn write(&self, num_parents: usize, out: &mut Vec<u8>) {
        out.push(u8::from(self.nulls));
        self.source.write(out);
        if matches!(self.source, Source::Scaled { .. }) {
            varint::write(self.exceptions, out);
        }
        match self.form {
            Form::Offsets { base, divisor, bits } => {
                out.push(0);
                varint::write_signed(base, out);
                varint::write(divisor, out);
                out.push(bits);
            }
            Form::Ranks { count } => {
                out.push(1);
                varint::write(count, out);
            }
            Form::Direct { size } => {
                out.push(2);
                varint::write(size, out);
            }
        }
        out.push(u8::from(self.kind == Kind::Numbers));
        out.push(self.guesses);
        out.push(self.table_bits);
        if self.source == Source::Text && matches!(self.form, Form::Ranks { .. }) {
            varint::write(self.dictionary_size, out);
        }
        if self.kind == Kind::Numbers {
            self.linear.write(out);
            if !self.linear.terms.is_empty() {
                out.extend(self.exponents.iter().take(num_parents));
            }
        }
    }
}

/// Adaptive code of single numbers: their length in bits, the three bits behind the first, the others plain.
struct NumberModel(Vec<u32>);

impl NumberModel {
    fn new() -> Self {
        NumberModel(vec![1 << 31; 128 + 65 * 8])
    }

    fn bit(&mut self, coder: &mut dyn BitCoder, bit: bool, index: usize) -> bool {
        match self.0.get_mut(index) {
            None => coder.code(bit, 1 << 15),
            Some(slot) => {
                let bit = coder.code(bit, (*slot >> 16).clamp(1, 65535));
                predictor::adapt(slot, bit, 255);
                bit
            }
        }
    }

    fn code(&mut self, coder: &mut dyn BitCoder, value: u64) -> Result<u64> {
        coder.check()?;
        let length = 64 - value.leading_zeros();
        let mut node = 1usize;
        for place in (0..7).rev() {
            node = node * 2 + usize::from(self.bit(coder, length >> place & 1 == 1, node));
        }
        let length = node - 128;
        if length > 64 {
            return Err(Error::corrupt("number of more than 64 bits in a neural chunk"));
        }
        let mut coded = u64::from(length > 0);
        let mut node = 1;
        for (depth, place) in (0..length.saturating_sub(1)).rev().enumerate() {
            let index = if depth < 3 { 128 + length * 8 + node } else { usize::MAX };
            let bit = self.bit(coder, value >> place & 1 == 1, index);
            node = node * 2 + usize::from(bit);
            coded = coded << 1 | u64::from(bit);
        }
        Ok(coded)
    }
}

/// Codes validity, dictionary and values; when decoding, `given` is what there is not yet.
struct Coding<'a> {
    coder: &'a mut dyn BitCoder,
    plan: &'a Plan,
    limit: u64,
}

fn row_of(parents: &[Parent], row: usize) -> Row {
    let mut at = Row { num_parents: parents.len().min(MAX_PARENTS), ..Row::default() };
    at.parents.iter_mut().zip(parents).for_each(|(to, parent)| *to = parent.class(row));
    at
}

impl Coding<'_> {
    fn validity(&mut self, rows: usize, parents: &[&Column], given: Option<&Bitmap>) -> Result<Bitmap> {
        let views: Vec<Parent> = parents.iter().map(|column| Parent::new(column, None, 0)).collect();
        let mut model = SymbolModel::new(Kind::Codes, 1, 12, 0);
        let mut validity = Bitmap::default();
        for row in 0..rows {
            let flags = parents.iter().fold(0u32, |flags, column| flags << 1 | u32::from(column.is_valid(row)));
            let mut at = Row { num_parents: 3, ..Row::default() };
            at.parents = [
                flags,
                views.first().map_or(0, |view| view.class(row)),
                views.get(1).map_or(0, |view| view.class(row)),
            ];
            if views.is_empty() {
                at.num_parents = 0;
            }
            let bit = given.is_some_and(|given| given.get(row));
            validity.push(model.code(self.coder, u64::from(bit), &at)? == 1);
        }
        Ok(validity)
    }

    fn exceptions(&mut self, rows: usize, given: &[(u64, u64)]) -> Result<Vec<(u64, u64)>> {
        let count = to_usize(self.plan.exceptions, "exceptions")?;
        if count > rows {
            return Err(Error::corrupt(format!("{count} exceptions among {rows} floats")));
        }
        let (mut gaps, mut patterns) = (NumberModel::new(), NumberModel::new());
        let mut exceptions = Vec::new();
        let mut next = 0u64;
        for index in 0..count {
            let (position, pattern) = given.get(index).copied().unwrap_or_default();
            let position = next.saturating_add(gaps.code(self.coder, position.wrapping_sub(next))?);
            if position >= to_u64(rows) {
                return Err(Error::corrupt(format!("exception at {position} of {rows} floats")));
            }
            exceptions.push((position, patterns.code(self.coder, pattern)?));
            next = position + 1;
        }
        Ok(exceptions)
    }

    /// Sorted distinct values: the first, then the differences less one.
    fn entries(&mut self, count: usize, given: &[i64]) -> Result<Vec<i64>> {
        let (mut first, mut steps) = (NumberModel::new(), NumberModel::new());
        let mut entries: Vec<i64> = Vec::new();
        for index in 0..count {
            let value = given.get(index).copied().unwrap_or_default();
            entries.push(match entries.last() {
                None => unzigzag(first.code(self.coder, zigzag(value))?),
                Some(&last) => {
                    let step = value.wrapping_sub(last).wrapping_sub(1).cast_unsigned();
                    last.wrapping_add(steps.code(self.coder, step)?.cast_signed()).wrapping_add(1)
                }
            });
        }
        Ok(entries)
    }

    fn texts(
        &mut self,
        count: usize,
        size: u64,
        parents: &[Parent],
        given: Option<&VarBytes>,
        table_bits: u8,
    ) -> Result<VarBytes> {
        if size > self.limit {
            return Err(Error::limit("bytes of one column chunk", size, self.limit));
        }
        let mut model = TextModel::new(table_bits.into());
        let mut texts = VarBytes::default();
        let mut left = size;
        for row in 0..count {
            let value = given.map_or(&[][..], |given| given.get(row));
            let before = to_u64(texts.bytes().len());
            model.code(self.coder, value, &row_of(parents, row), &mut texts, to_usize(left, "text")?)?;
            left = left.saturating_sub((to_u64(texts.bytes().len()) - before).min(left));
        }
        Ok(texts)
    }

    fn symbols(
        &mut self,
        bits: u8,
        count: usize,
        parents: &[Parent],
        given: impl Fn(usize) -> u64,
        place: impl Fn(i64) -> i64,
        mut take: impl FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let mut model = SymbolModel::new(self.plan.kind, bits.into(), self.plan.table_bits.into(), self.plan.guesses);
        for row in 0..count {
            let mut at = row_of(parents, row);
            if !self.plan.linear.terms.is_empty() {
                at.expected = Some(place(self.plan.linear.predict(parents, row)));
            }
            take(model.code(self.coder, given(row), &at)?)?;
        }
        Ok(())
    }
}

/// Small numbers of either sign as small ones without.
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Bits that hold positions below `count`.
fn bits_of(count: u64) -> u8 {
    u8::try_from(64 - count.saturating_sub(1).leading_zeros()).unwrap_or(64)
}

/// Restores a column of `rows` rows.
///
/// # Errors
/// `corrupt`, `limit-exceeded`.
pub fn decode(bytes: &[u8], column_type: ColumnType, rows: usize, parents: &[&Column], limit: u64) -> Result<Column> {
    let mut reader = ByteReader::new(bytes, 0);
    let truncated = |error: Error| match error.kind() {
        crate::ErrorKind::Truncated { .. } => Error::corrupt("neural chunk ends early"),
        _ => error,
    };
    check_parents(parents, rows)?;
    if to_u64(rows).saturating_mul(16) > limit {
        return Err(Error::limit("bytes of one column chunk", to_u64(rows).saturating_mul(16), limit));
    }
    let plan = Plan::read(&mut reader, parents.len()).map_err(truncated)?;
    let stream = reader.take(reader.remaining())?;
    let mut coder = coder::Decoder::new(stream);
    let mut coding = Coding { coder: &mut coder, plan: &plan, limit };
    let validity = if plan.nulls { Some(coding.validity(rows, parents, None)?) } else { None };
    let count = validity.as_ref().map_or(rows, Bitmap::count_ones);
    let views = views(parents, validity.as_ref(), &plan.exponents);
    let exceptions = coding.exceptions(count, &[])?;
    let dense = match (&plan.form, plan.source) {
        (&Form::Direct { size }, Source::Text) => {
            Dense::Text(coding.texts(count, size, &views, None, plan.table_bits)?)
        }
        (&Form::Ranks { count: entries }, Source::Text) => {
            let entries = checked_entries(entries, count)?;
            let list = coding.texts(entries, plan.dictionary_size, &[], None, plan.dictionary_table_bits())?;
            let mut text = VarBytes::default();
            coding.symbols(
                bits_of(to_u64(entries)),
                count,
                &views,
                |_| 0,
                |x| x,
                |rank| {
                    let index = to_usize(rank, "rank")?;
                    if index >= list.len() {
                        return Err(Error::corrupt(format!("rank {rank} of {entries} values")));
                    }
                    text.push(list.get(index))?;
                    if to_u64(text.bytes().len()) > limit {
                        return Err(Error::limit("bytes of one column chunk", to_u64(text.bytes().len()), limit));
                    }
                    Ok(())
                },
            )?;
            Dense::Text(text)
        }
        (&Form::Ranks { count: entries }, _) => {
            let entries = checked_entries(entries, count)?;
            let list = coding.entries(entries, &[])?;
            let mut values = Vec::with_capacity(count);
            coding.symbols(
                bits_of(to_u64(entries)),
                count,
                &views,
                |_| 0,
                |value| rank_of(&list, value),
                |rank| {
                    let value = usize::try_from(rank).ok().and_then(|rank| list.get(rank));
                    values.push(*value.ok_or_else(|| Error::corrupt(format!("rank {rank} of {entries} values")))?);
                    Ok(())
                },
            )?;
            Dense::Integers(values)
        }
        (&Form::Offsets { base, divisor, bits }, source) if source != Source::Text => {
            let mut values = Vec::with_capacity(count);
            coding.symbols(
                bits,
                count,
                &views,
                |_| 0,
                |value| offset_of(value, base, divisor),
                |offset| {
                    values.push(base.wrapping_add(offset.wrapping_mul(divisor).cast_signed()));
                    Ok(())
                },
            )?;
            Dense::Integers(values)
        }
        _ => return Err(Error::corrupt("neural chunk whose form does not suit its values")),
    };
    coder.finish()?;
    transform::restore(dense, plan.source, &exceptions, column_type, validity, rows)
}

fn checked_entries(entries: u64, count: usize) -> Result<usize> {
    if entries > to_u64(count) {
        return Err(Error::corrupt(format!("{entries} distinct values among {count}")));
    }
    to_usize(entries, "distinct values")
}

/// Position of the first entry that is not below.
fn rank_of(list: &[i64], value: i64) -> i64 {
    i64::try_from(list.partition_point(|&entry| entry < value)).unwrap_or(i64::MAX)
}

fn offset_of(value: i64, base: i64, divisor: u64) -> i64 {
    let offset = i128::from(value) - i128::from(base);
    let quotient = offset.div_euclid(i128::from(divisor.max(1)));
    i64::try_from(quotient).unwrap_or(if offset < 0 { i64::MIN } else { i64::MAX })
}

fn check_parents(parents: &[&Column], rows: usize) -> Result<()> {
    if parents.len() > MAX_PARENTS {
        return Err(Error::corrupt(format!("{} parents (at most {MAX_PARENTS})", parents.len())));
    }
    match parents.iter().find(|column| column.len() != rows) {
        Some(column) => Err(Error::corrupt(format!("parent of {} rows beside {rows}", column.len()))),
        None => Ok(()),
    }
}

fn views(parents: &[&Column], validity: Option<&Bitmap>, exponents: &[u8; MAX_PARENTS]) -> Vec<Parent> {
    parents.iter().zip(exponents).map(|(column, &exponent)| Parent::new(column, validity, exponent)).collect()
}

#[cfg(feature = "writer")]
mod plan;
#[cfg(feature = "writer")]
mod writer;
#[cfg(feature = "writer")]
pub use plan::choose_parents;
#[cfg(feature = "writer")]
pub use writer::{Level, encode, verify};
