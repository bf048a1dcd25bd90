//! The stream of a neural chunk: validity, exceptions, dictionary, values, in one arithmetic code.
//!
//! Both directions run the same code; when encoding, what is `given` is what comes back.

use super::coder::BitCoder;
use super::number::NumberModel;
use super::parents::Parent;
use super::plan::Plan;
use super::symbols::{Kind, MAX_PARENTS, Row, SymbolModel};
use super::text::TextModel;
use crate::bytes::{to_u64, to_usize};
use crate::column::{Bitmap, Column, VarBytes};
use crate::error::{Error, Result};

/// Logarithm of the number of buckets of the model of validity.
const VALIDITY_TABLE_BITS: u32 = 12;

/// A stream that is being coded.
pub struct Coding<'a> {
    pub coder: &'a mut dyn BitCoder,
    pub plan: &'a Plan,
    /// Bytes that text may have.
    pub limit: u64,
}

fn row_of(parents: &[Parent], row: usize) -> Row {
    let mut at = Row { num_parents: parents.len().min(MAX_PARENTS), ..Row::default() };
    at.parents.iter_mut().zip(parents).for_each(|(to, parent)| *to = parent.class(row));
    at
}

impl Coding<'_> {
    /// Which rows are valid, from the validity and the values of the parents.
    pub fn validity(&mut self, rows: usize, parents: &[&Column], given: Option<&Bitmap>) -> Result<Bitmap> {
        let views: Vec<Parent> = parents.iter().map(|column| Parent::new(column, None, 0)).collect();
        let mut model = SymbolModel::new(Kind::Codes, 1, VALIDITY_TABLE_BITS, 0);
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

    /// Positions and patterns of floats.
    pub fn exceptions(&mut self, rows: usize, given: &[(u64, u64)]) -> Result<Vec<(u64, u64)>> {
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
    pub fn entries(&mut self, count: usize, given: &[i64]) -> Result<Vec<i64>> {
        let (mut first, mut steps) = (NumberModel::new(), NumberModel::new());
        let mut entries: Vec<i64> = Vec::new();
        for index in 0..count {
            let value = given.get(index).copied().unwrap_or_default();
            entries.push(match entries.last() {
                None => first.code_signed(self.coder, value)?,
                Some(&last) => {
                    let step = value.wrapping_sub(last).wrapping_sub(1).cast_unsigned();
                    last.wrapping_add(steps.code(self.coder, step)?.cast_signed()).wrapping_add(1)
                }
            });
        }
        Ok(entries)
    }

    /// Text of `size` bytes in all.
    pub fn texts(
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

    /// Symbols of `count` rows: `given` encodes them, `take` is called with each and tells what number it stands for;
    /// `place` is the symbol that a predicted number would have.
    pub fn symbols(
        &mut self,
        bits: u8,
        count: usize,
        parents: &[Parent],
        given: impl Fn(usize) -> u64,
        place: impl Fn(i64) -> i64,
        mut take: impl FnMut(u64) -> Result<i64>,
    ) -> Result<()> {
        let mut model = SymbolModel::new(self.plan.kind, bits.into(), self.plan.table_bits.into(), self.plan.guesses);
        let views: Vec<&Parent> = parents.iter().collect();
        let mut before = 0;
        for row in 0..count {
            let mut at = row_of(parents, row);
            if !self.plan.linear.terms.is_empty() {
                at.expected = Some(place(self.plan.linear.predict(&views, row, before)));
            }
            before = take(model.code(self.coder, given(row), &at)?)?;
        }
        Ok(())
    }
}
