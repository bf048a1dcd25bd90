//! Choosing how to encode, by encoding samples.

use super::coder::Encoder;
use super::transform::{self, Dense, Source, find_scale};
use super::*;
use crate::column::Values;

/// How much work encoding may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Fewer candidates are compared.
    Fast,
    /// Balanced.
    #[default]
    Default,
    /// More candidates are compared.
    Best,
}

/// Values of a sample.
const SAMPLE: usize = 12 * 1024;

struct Given<'a> {
    dense: &'a Dense,
    exceptions: &'a [(u64, u64)],
    validity: Option<&'a Bitmap>,
    rows: usize,
    count: usize,
}

fn sorted(values: &[i64]) -> Vec<i64> {
    let mut list = values.to_vec();
    list.sort_unstable();
    list.dedup();
    list
}

fn sorted_text(values: &VarBytes, count: usize) -> Vec<&[u8]> {
    let mut list: Vec<&[u8]> = values.iter().take(count).collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// Codes everything that a plan says; the header is not part of it.
fn run(plan: &Plan, given: &Given<'_>, parents: &[&Column], views: &[Parent]) -> Result<Vec<u8>> {
    let mut coder = Encoder::new();
    let mut coding = Coding { coder: &mut coder, plan, limit: u64::MAX };
    if plan.nulls {
        coding.validity(given.rows, parents, given.validity)?;
    }
    coding.exceptions(given.count, given.exceptions)?;
    let done = |_: u64| Ok(());
    match (&plan.form, given.dense) {
        (&Form::Direct { size }, Dense::Text(text)) => {
            coding.texts(given.count, size, views, Some(text), plan.table_bits)?;
        }
        (&Form::Ranks { count: entries }, Dense::Text(text)) => {
            let list = sorted_text(text, text.len());
            let mut dictionary = VarBytes::default();
            for value in &list {
                dictionary.push(value)?;
            }
            coding.texts(list.len(), plan.dictionary_size, &[], Some(&dictionary), plan.table_bits.min(16))?;
            let rank = |row: usize| to_u64(list.partition_point(|&entry| entry < text.get(row)));
            coding.symbols(bits_of(entries), given.count, views, rank, |x| x, done)?;
        }
        (&Form::Ranks { count: entries }, Dense::Integers(values)) => {
            let list = sorted(values);
            coding.entries(list.len(), &list)?;
            let rank = |row: usize| {
                let value = values.get(row).copied().unwrap_or_default();
                rank_of(&list, value).cast_unsigned()
            };
            coding.symbols(bits_of(entries), given.count, views, rank, |value| rank_of(&list, value), done)?;
        }
        (&Form::Offsets { base, divisor, bits }, Dense::Integers(values)) => {
            let offset = |row: usize| {
                let value = values.get(row).copied().unwrap_or_default();
                value.wrapping_sub(base).cast_unsigned() / divisor.max(1)
            };
            coding.symbols(bits, given.count, views, offset, |value| offset_of(value, base, divisor), done)?;
        }
        _ => {}
    }
    Ok(coder.finish())
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Encodes the rows of a column; `parents` are other columns of the same rows, used as contexts.
///
/// # Errors
/// `invalid-argument` for parents of other rows; `limit-exceeded` for text of 2^31 bytes.
pub fn encode(column: &Column, parents: &[&Column], level: Level) -> Result<Vec<u8>> {
    check_parents(parents, column.len())?;
    let (dense, source, exceptions) = transform::dense(column)?;
    let count = column.len() - column.num_nulls();
    let exponents: [u8; MAX_PARENTS] = std::array::from_fn(|i| parents.get(i).map_or(0, |column| exponent(column)));
    let mut plan = Plan {
        nulls: column.validity().is_some(),
        source,
        exceptions: to_u64(exceptions.len()),
        form: Form::Direct { size: 0 },
        kind: Kind::Codes,
        guesses: 0,
        table_bits: 10,
        dictionary_size: 0,
        linear: Linear::default(),
        exponents,
    };
    let views = views(parents, column.validity(), &plan);
    let given = Given { dense: &dense, exceptions: &exceptions, validity: column.validity(), rows: column.len(), count };
    let table_bits = |buckets: usize, most: u8| {
        let log = usize::BITS - buckets.max(1).leading_zeros();
        u8::try_from(log).unwrap_or(u8::MAX).clamp(8, most)
    };
    let most = 18;
    let mut plans = Vec::new();
    match &dense {
        Dense::Text(text) => {
            let list = sorted_text(text, text.len());
            let size = to_u64(text.bytes().len());
            plan.form = Form::Direct { size };
            plan.table_bits = table_bits(text.bytes().len().saturating_mul(12), most);
            plans.push(plan.clone());
            if list.len() * 3 < count * 2 {
                plan.form = Form::Ranks { count: to_u64(list.len()) };
                plan.dictionary_size = to_u64(list.iter().map(|value| value.len()).sum());
                let nibbles = usize::from(bits_of(to_u64(list.len()))).div_ceil(4);
                plan.table_bits = table_bits(count * nibbles * 4, most);
                plans.push(plan.clone());
            }
        }
        Dense::Integers(values) => {
            let list = sorted(values);
            let base = list.first().copied().unwrap_or_default();
            let offset = |value: i64| value.wrapping_sub(base).cast_unsigned();
            let divisor = list.iter().fold(0, |divisor, &value| gcd(offset(value), divisor)).max(1);
            let range = list.last().map_or(0, |&last| offset(last) / divisor);
            let bits = u8::try_from(64 - range.leading_zeros()).unwrap_or(64);
            let nibbles = usize::from(bits.min(24)).div_ceil(4);
            let linear = linear::fit(values, &views);
            plan.form = Form::Offsets { base, divisor, bits };
            plan.table_bits = table_bits(count * nibbles * 4, most);
            let ranks = Form::Ranks { count: to_u64(list.len()) };
            let few = list.len() * 3 < count * 2 && bits_of(to_u64(list.len())) <= 16;
            for kind in [Kind::Numbers, Kind::Codes] {
                for form in [plan.form.clone(), ranks.clone()] {
                    if matches!(form, Form::Ranks { .. }) && !few || kind == Kind::Codes && bits > 20 && !few {
                        continue;
                    }
                    if kind == Kind::Codes && matches!(form, Form::Offsets { .. }) && few {
                        continue;
                    }
                    let plan = Plan { form, kind, ..plan.clone() };
                    if let (Some(linear), Kind::Numbers) = (&linear, kind) {
                        plans.push(Plan { linear: linear.clone(), ..plan.clone() });
                    }
                    plans.push(plan);
                }
            }
        }
    }
    let _ = level;
    // The dictionary is whole, the values are a part.
    let few = count.min(SAMPLE);
    let estimate = |plan: &Plan| -> Result<usize> {
        let sample = Given { count: few, exceptions: &[], ..given };
        let trial = Plan { nulls: false, exceptions: 0, table_bits: plan.table_bits.min(16), ..plan.clone() };
        let whole = run(&trial, &Given { count: 0, ..sample }, parents, &views)?.len();
        let size = run(&trial, &sample, parents, &views)?.len().saturating_sub(whole);
        let estimate = whole + if few > 0 { size * count / few } else { 0 };
        if std::env::var("NEURAL_TRACE").is_ok() {
            eprintln!("      {:?} {:?} guesses {} linear {} : {whole} + {}", plan.form, plan.kind, plan.guesses, plan.linear.terms.len(), estimate - whole);
        }
        Ok(estimate)
    };
    let mut best: Option<(usize, Plan)> = None;
    for plan in plans {
        let mut size = estimate(&plan)?;
        // Letters take several times the time of codes.
        if let Form::Direct { size: letters } = plan.form {
            size += usize::try_from(letters / 200).unwrap_or(usize::MAX);
        }
        if best.as_ref().is_none_or(|(least, _)| size < *least) {
            best = Some((size, plan));
        }
    }
    let Some((size, mut best)) = best else { return Err(Error::corrupt("no plan")) };
    if !matches!(best.form, Form::Direct { .. } | Form::Offsets { bits: 0, .. }) {
        let guessing = Plan { guesses: 3, ..best.clone() };
        let cost = estimate(&guessing)?;
        // Where guesses are mostly right they also save time.
        if cost * 100 <= size * 101 + 200 {
            best = guessing;
        }
    }
    let mut out = Vec::new();
    best.write(parents.len(), &mut out);
    out.extend(run(&best, &given, parents, &views)?);
    Ok(out)
}

/// Decimal digits behind the point of a column of floats.
pub fn exponent(column: &Column) -> u8 {
    let floats: Vec<(f64, u64)> = match column.values() {
        Values::Float64(v) => v.iter().enumerate().filter(|(row, _)| column.is_valid(*row)).map(|(_, &x)| (x, x.to_bits())).collect(),
        Values::Float32(v) => v.iter().enumerate().filter(|(row, _)| column.is_valid(*row)).map(|(_, &x)| (f64::from(x), u64::from(x.to_bits()))).collect(),
        _ => return 0,
    };
    match find_scale(&floats, matches!(column.values(), Values::Float32(_))) {
        Some(Source::Scaled { base: 0, exponent }) => exponent,
        _ => 6,
    }
}

