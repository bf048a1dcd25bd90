//! Learned compression of column chunks, for archives: an online-learning model predicts every bit, an arithmetic coder
//! writes it. Several times slower than the encodings of [`crate::encoding`], and smaller.
//!
//! ```text
//! column, parents -> integers or text (transform.rs) -> symbols (plan.rs) -> models (symbols.rs, text.rs)
//!                 -> predictor.rs -> coder.rs
//! chunk = plan (header) + stream: validity, exceptions, dictionary, values (coding.rs)
//! ```
//! Parents are other columns of the same rows, which decoding needs decoded before. All that decides a bit is integer
//! arithmetic, so that every machine decodes the same. The state of a chunk starts anew: at most 2^19 buckets of 64
//! bytes, 6 MB of memories and 4 MB of weights. Section 9 of docs/format.md specifies it all.

mod coder;
mod coding;
mod linear;
mod memory;
mod number;
#[cfg(feature = "writer")]
mod order;
mod parents;
mod plan;
mod predictor;
#[cfg(feature = "writer")]
mod selection;
mod symbols;
mod tables;
mod text;
mod transform;
#[cfg(feature = "writer")]
mod writer;

#[cfg(feature = "writer")]
pub use selection::choose_parents;
#[cfg(feature = "writer")]
pub use writer::{Level, encode, verify};

use coding::Coding;
use parents::Parent;
use plan::{Form, Plan};
pub use symbols::MAX_PARENTS;
use transform::{Dense, Source};

use crate::bytes::{ByteReader, to_u64, to_usize};
use crate::column::{Bitmap, Column, VarBytes};
use crate::encoding::chunk::ColumnType;
use crate::encoding::neural::Codec;
#[cfg(feature = "writer")]
use crate::encoding::neural::Task;
use crate::error::{Error, Result};

/// Bits that hold positions below `count`.
fn bits_of(count: u64) -> u8 {
    u8::try_from(64 - count.saturating_sub(1).leading_zeros()).unwrap_or(64)
}

/// This module as the codec of neural chunks; without the feature `writer` it only decodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

impl Codec for BuiltIn {
    fn decode(
        &self,
        bytes: &[u8],
        column_type: ColumnType,
        rows: usize,
        parents: &[&Column],
        limit: u64,
    ) -> Result<Column> {
        decode(bytes, column_type, rows, parents, limit)
    }

    #[cfg(feature = "writer")]
    fn encode_all(&self, tasks: &[Task<'_>]) -> Result<Option<Vec<Vec<u8>>>> {
        let encode = |task: &Task<'_>| encode(task.column, &task.parents, Level::from_number(task.level)?);
        tasks.iter().map(encode).collect::<Result<_>>().map(Some)
    }

    #[cfg(feature = "writer")]
    fn choose_parents(&self, sample: &[&Column], max_chain: usize) -> Result<Vec<Vec<usize>>> {
        Ok(choose_parents(sample, max_chain))
    }
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
                    Ok(rank.cast_signed())
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
                    let value = *value.ok_or_else(|| Error::corrupt(format!("rank {rank} of {entries} values")))?;
                    values.push(value);
                    Ok(value)
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
                    let value = value_at(offset, base, divisor);
                    values.push(value);
                    Ok(value)
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

fn value_at(offset: u64, base: i64, divisor: u64) -> i64 {
    base.wrapping_add(offset.wrapping_mul(divisor).cast_signed())
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
