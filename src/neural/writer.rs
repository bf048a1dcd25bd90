//! Encoding: candidates are tried on samples, the best encodes the whole, and the result is decoded and compared.

use super::coder::Encoder;
use super::coding::Coding;
use super::linear::{self, Linear};
use super::order::sorted;
use super::parents::{Parent, exponent};
use super::plan::{Form, MAX_TABLE_BITS, MIN_TABLE_BITS, Plan};
use super::symbols::{Kind, MAX_GUESSES, MODELLED_BITS};
use super::transform::{self, Dense, Transformed};
use super::{bits_of, check_parents, decode, offset_of, rank_of, value_at, views};
use crate::bytes::to_u64;
use crate::column::{Bitmap, Column, VarBytes};
use crate::encoding::chunk::ColumnType;
use crate::error::{Error, Result};

/// How much memory and time encoding may take. Decoding takes the same memory, and about the same time at any level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Small tables (2 MB), candidates compared on few rows.
    Fast,
    /// Tables of at most 16 MB.
    #[default]
    Default,
    /// Tables of at most 32 MB, candidates compared on many rows.
    Best,
}

impl Level {
    /// The level with a number: 1, 2 or 3.
    ///
    /// # Errors
    /// `invalid-argument` for others.
    pub fn from_number(number: u8) -> Result<Self> {
        match number {
            1 => Ok(Level::Fast),
            2 => Ok(Level::Default),
            3 => Ok(Level::Best),
            other => Err(Error::invalid("level", format!("{other} is not between 1 and 3, the neural levels"))),
        }
    }

    /// Values that candidates are compared on.
    fn sample(self) -> usize {
        match self {
            Level::Fast => 3 * 1024,
            Level::Default => 8 * 1024,
            Level::Best => 24 * 1024,
        }
    }

    fn max_table_bits(self) -> u8 {
        match self {
            Level::Fast => 15,
            Level::Default => 18,
            Level::Best => MAX_TABLE_BITS,
        }
    }

    /// Logarithm of the number of buckets for so many trees.
    fn table_bits(self, trees: usize) -> u8 {
        bits_of(to_u64(trees)).clamp(MIN_TABLE_BITS, self.max_table_bits())
    }
}

/// Candidates that are compared on the whole sample, after all were on a quarter of it.
const FINALISTS: usize = 2;
/// Buckets of a comparison, at most.
const TRIAL_TABLE_BITS: u8 = 15;
/// Letters that are as slow to code as a byte is worth: coding codes instead is faster.
const LETTERS_PER_BYTE: u64 = 200;

/// Rows that linear predictions are fitted to, at most.
const FITTED: usize = 1024;

/// Text whose values come so often each, on average, is not tried letter by letter.
const OFTEN: usize = 16;

/// Sorted distinct values.
enum List<'a> {
    Integers(Vec<i64>),
    Text(Vec<&'a [u8]>),
}

/// A column, taken apart.
struct Given<'a> {
    column: &'a Column,
    parents: &'a [&'a Column],
    views: &'a [Parent],
    dense: &'a Dense,
    list: &'a List<'a>,
    exceptions: &'a [(u64, u64)],
}

/// Parts of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Everything,
    Dictionary,
    Values,
}

impl Given<'_> {
    /// Codes what a plan says about the first `count` values.
    fn run(&self, plan: &Plan, part: Part, count: usize) -> Result<Vec<u8>> {
        let mut coder = Encoder::new();
        let mut coding = Coding { coder: &mut coder, plan, limit: u64::MAX };
        if part == Part::Everything {
            if let Some(validity) = self.column.validity() {
                coding.validity(self.column.len(), self.parents, Some(validity))?;
            }
            coding.exceptions(count, self.exceptions)?;
        }
        if part != Part::Values && matches!(plan.form, Form::Ranks { .. }) {
            match self.list {
                List::Integers(list) => coding.entries(list.len(), list).map(drop)?,
                List::Text(list) => {
                    let mut entries = VarBytes::default();
                    for value in list {
                        entries.push(value)?;
                    }
                    let (size, table_bits) = (plan.dictionary_size, plan.dictionary_table_bits());
                    coding.texts(list.len(), size, &[], Some(&entries), table_bits)?;
                }
            }
        }
        if part == Part::Dictionary {
            return Ok(coder.finish());
        }
        match (&plan.form, self.dense, self.list) {
            (&Form::Direct { size }, Dense::Text(text), _) => {
                coding.texts(count, size, self.views, Some(text), plan.table_bits)?;
            }
            (&Form::Ranks { count: entries }, Dense::Text(text), List::Text(list)) => {
                let rank = |row: usize| to_u64(list.partition_point(|&entry| entry < text.get(row)));
                coding.symbols(
                    bits_of(entries),
                    count,
                    self.views,
                    rank,
                    |rank| rank,
                    |rank| Ok(rank.cast_signed()),
                )?;
            }
            (&Form::Ranks { count: entries }, Dense::Integers(values), List::Integers(list)) => {
                let value = |row: usize| values.get(row).copied().unwrap_or_default();
                let place = |value: i64| rank_of(list, value);
                let rank = |row: usize| place(value(row)).cast_unsigned();
                let of_rank = |rank: u64| usize::try_from(rank).ok().and_then(|rank| list.get(rank)).copied();
                let number = |rank: u64| Ok(of_rank(rank).unwrap_or_default());
                coding.symbols(bits_of(entries), count, self.views, rank, place, number)?;
            }
            (&Form::Offsets { base, divisor, bits }, Dense::Integers(values), _) => {
                let offset = |row: usize| {
                    let value = values.get(row).copied().unwrap_or_default();
                    value.wrapping_sub(base).cast_unsigned() / divisor.max(1)
                };
                let number = |offset: u64| Ok(value_at(offset, base, divisor));
                coding.symbols(bits, count, self.views, offset, |value| offset_of(value, base, divisor), number)?;
            }
            _ => return Err(Error::invalid("column", "has values of another kind than its plan")),
        }
        Ok(coder.finish())
    }

    /// Bytes that a plan would take, by the first `few` of `count` values and a dictionary of that size.
    fn estimate(&self, plan: &Plan, few: usize, count: usize, dictionary: u64) -> Result<u64> {
        let trial = Plan { table_bits: plan.table_bits.min(TRIAL_TABLE_BITS), ..plan.clone() };
        let size = to_u64(self.run(&trial, Part::Values, few)?.len());
        let fixed = match plan.form {
            Form::Ranks { .. } => dictionary,
            Form::Direct { size } => size / LETTERS_PER_BYTE,
            Form::Offsets { .. } => 0,
        };
        Ok(fixed + size.saturating_mul(to_u64(count)) / to_u64(few.max(1)))
    }

    /// The plan that takes the fewest bytes on a sample.
    fn best(&self, mut plans: Vec<Plan>, count: usize, level: Level) -> Result<Option<Plan>> {
        let sample = count.min(level.sample());
        // A dictionary is needed whole, and is the same for all.
        let dictionary = match plans.iter().find(|plan| matches!(plan.form, Form::Ranks { .. })) {
            Some(plan) if plans.len() > 1 => to_u64(self.run(plan, Part::Dictionary, 0)?.len()),
            _ => 0,
        };
        if plans.len() > FINALISTS && sample >= 1024 {
            let mut ranked = Vec::new();
            for plan in plans {
                ranked.push((self.estimate(&plan, sample / 4, count, dictionary)?, plan));
            }
            plans =
                sorted(&ranked, |(a, _), (b, _)| a.cmp(b)).into_iter().take(FINALISTS).map(|(_, plan)| plan).collect();
        }
        let mut best: Option<(u64, Plan)> = None;
        for plan in plans {
            let size = self.estimate(&plan, sample, count, dictionary)?;
            if best.as_ref().is_none_or(|(least, _)| size < *least) {
                best = Some((size, plan));
            }
        }
        let Some((size, best)) = best else { return Ok(None) };
        if !matches!(best.form, Form::Direct { .. } | Form::Offsets { bits: 0, .. }) {
            let guesses = u8::try_from(MAX_GUESSES).unwrap_or_default();
            let guessing = Plan { guesses, ..best.clone() };
            // Where guesses are mostly right they save time, too.
            if self.estimate(&guessing, sample, count, dictionary)?.saturating_mul(100)
                <= size.saturating_mul(101) + 200
            {
                return Ok(Some(guessing));
            }
        }
        Ok(Some(best))
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Whether ranks are worth a list of the values.
fn repeats(distinct: usize, count: usize) -> bool {
    distinct.saturating_mul(3) < count.saturating_mul(2)
}

fn text_plans(first: &Plan, text: &VarBytes, list: &[&[u8]], level: Level) -> Vec<Plan> {
    let mut plans = Vec::new();
    if list.len().saturating_mul(OFTEN) > text.len() {
        plans.push(Plan {
            form: Form::Direct { size: to_u64(text.bytes().len()) },
            table_bits: level.table_bits(text.bytes().len().saturating_mul(12)),
            ..first.clone()
        });
    }
    if repeats(list.len(), text.len()) {
        let distinct = to_u64(list.len());
        let trees = usize::from(bits_of(distinct)).div_ceil(4).saturating_mul(text.len());
        plans.push(Plan {
            form: Form::Ranks { count: distinct },
            table_bits: level.table_bits(trees.saturating_mul(4)),
            dictionary_size: list.iter().map(|value| to_u64(value.len())).sum(),
            ..first.clone()
        });
    }
    plans
}

fn integer_plans(first: &Plan, values: &[i64], list: &[i64], views: &[Parent], level: Level) -> Vec<Plan> {
    let base = list.first().copied().unwrap_or_default();
    let offset = |value: i64| value.wrapping_sub(base).cast_unsigned();
    let divisor = list.iter().fold(0, |divisor, &value| gcd(offset(value), divisor)).max(1);
    let range = list.last().map_or(0, |&last| offset(last) / divisor);
    let bits = u8::try_from(64 - range.leading_zeros()).unwrap_or(64);
    let offsets = Form::Offsets { base, divisor, bits };
    let ranks = Form::Ranks { count: to_u64(list.len()) };
    if bits == 0 {
        return vec![Plan { form: offsets, ..first.clone() }];
    }
    let is_short = bits_of(to_u64(list.len())) <= 16;
    let mut forms = vec![(offsets.clone(), Kind::Numbers)];
    if repeats(list.len(), values.len()) && is_short {
        forms.extend([(ranks.clone(), Kind::Numbers), (ranks, Kind::Codes)]);
    } else if u32::from(bits) <= MODELLED_BITS {
        forms.push((offsets, Kind::Codes));
    }
    let trees = usize::from(bits).min(MODELLED_BITS as usize).div_ceil(4).saturating_mul(values.len());
    let views: Vec<&Parent> = views.iter().collect();
    let rows = linear::rows(values.len(), &views, FITTED);
    let fits: Vec<Linear> =
        [false, true].into_iter().filter_map(|before| linear::fit(values, &views, &rows, before)).collect();
    let mut plans = Vec::new();
    for (form, kind) in forms {
        let plan = Plan { form, kind, table_bits: level.table_bits(trees.saturating_mul(4)), ..first.clone() };
        if kind == Kind::Numbers {
            plans.extend(fits.iter().map(|linear| Plan { linear: linear.clone(), ..plan.clone() }));
        }
        plans.push(plan);
    }
    plans
}

/// Encodes the rows of a column; `parents` are other columns of the same rows, at most three, used as contexts. The
/// result was decoded and compared.
///
/// # Errors
/// `corrupt` for parents that do not fit, and where the result did not decode to the column, which would be a defect of
/// this package; `limit-exceeded` for text of 2^31 bytes.
pub fn encode(column: &Column, parents: &[&Column], level: Level) -> Result<Vec<u8>> {
    check_parents(parents, column.len())?;
    let Transformed { dense, source, exceptions } = transform::transform(column)?;
    let count = dense.len();
    let first = Plan {
        nulls: column.validity().is_some(),
        source,
        exceptions: to_u64(exceptions.len()),
        form: Form::Direct { size: 0 },
        kind: Kind::Codes,
        guesses: 0,
        table_bits: MIN_TABLE_BITS,
        dictionary_size: 0,
        linear: Linear::default(),
        exponents: std::array::from_fn(|index| parents.get(index).map_or(0, |column| exponent(column))),
    };
    let views = views(parents, column.validity(), &first.exponents);
    let (list, plans) = match &dense {
        Dense::Text(text) => {
            let mut list = sorted(&text.iter().collect::<Vec<_>>(), Ord::cmp);
            list.dedup();
            let plans = text_plans(&first, text, &list, level);
            (List::Text(list), plans)
        }
        Dense::Integers(values) => {
            let mut list = sorted(values, i64::cmp);
            list.dedup();
            let plans = integer_plans(&first, values, &list, &views, level);
            (List::Integers(list), plans)
        }
    };
    let given = Given { column, parents, views: &views, dense: &dense, list: &list, exceptions: &exceptions };
    let plan = given.best(plans, count, level)?.unwrap_or(first);
    let mut out = Vec::new();
    plan.write(parents.len(), &mut out);
    out.extend(given.run(&plan, Part::Everything, count)?);
    verify(&out, column, parents)?;
    Ok(out)
}

/// Checks that a chunk decodes to this column, bit for bit where it is not null.
///
/// # Errors
/// `corrupt` where it does not.
pub fn verify(bytes: &[u8], column: &Column, parents: &[&Column]) -> Result<()> {
    let decoded = decode(bytes, ColumnType::of(column.values()), column.len(), parents, u64::MAX)?;
    if same(column, &decoded)? {
        return Ok(());
    }
    Err(Error::corrupt("a neural chunk does not decode to its column, which is a defect of this package"))
}

fn same(a: &Column, b: &Column) -> Result<bool> {
    // What the values become is the same exactly where their bits are.
    let (x, y) = (transform::transform(a)?, transform::transform(b)?);
    let validity = |column: &Column| column.validity().map(Bitmap::as_bytes).map(<[u8]>::to_vec);
    Ok(ColumnType::of(a.values()) == ColumnType::of(b.values()) && validity(a) == validity(b) && x == y)
}
