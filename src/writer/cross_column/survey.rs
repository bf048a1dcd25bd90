//! What a sample of a row group says of each of its columns: how much it takes alone, and which models are worth trying.
//! Columns can be surveyed by several threads, which all have the row group; what they find passes as bytes.

use std::sync::Arc;

use super::graph::Graph;
use super::plan::Choice;
use super::relation::Relation;
use super::search::{Candidate, Search, Target, bits_per_value};
use super::{MARGIN, MIN_SAVED, NEAR_PART, SURE_PART, parents_of};
use crate::bytes::{ByteReader, to_u64};
use crate::column::{Column, Values};
use crate::encoding::chunk::Plan;
use crate::encoding::parent::{Key, Parent};
use crate::encoding::{Encoder, Model, bits, varint};
use crate::error::Result;
use crate::schema::Schema;
use crate::writer::version2::{Part, rows_of};

/// Blocks of a sample, and rows of each.
const SAMPLE_BLOCKS: usize = 4;
const SAMPLE_BLOCK: usize = 4096;
/// Rows from which on models are settled on a sample.
pub const SAMPLED_FROM: usize = 4 * SAMPLE_BLOCKS * SAMPLE_BLOCK;
/// Nanoseconds that the search may take: per cell, a fraction of what encoding takes, and of any table.
const CELL_TIME: u64 = 15;
const BASE_TIME: u64 = 4_000_000;

/// A row group, and the part of it on which its models are settled.
pub struct Sample {
    pub parts: Vec<Part>,
    /// As models see them.
    pub columns: Vec<Arc<Parent>>,
    search: Search,
}

impl Sample {
    /// Blocks of a row group; all of it, where it is small.
    ///
    /// # Errors
    /// Those of making dictionaries.
    pub fn of(row_group: &[Part], schema: &Schema) -> Result<Self> {
        let parts = if rows_of(row_group) < SAMPLED_FROM { row_group.to_vec() } else { blocks(row_group, schema)? };
        let all = parents_of(row_group);
        let cells = to_u64(rows_of(row_group)).saturating_mul(to_u64(all.len()));
        let share = (cells.saturating_mul(CELL_TIME) + BASE_TIME) / to_u64(all.len()).max(1);
        Ok(Sample { columns: parents_of(&parts), parts, search: Search::new(all, share) })
    }

    /// The models that are worth trying for a column, which takes so many bytes alone, and may have these parents.
    pub fn search(
        &self,
        column: usize,
        alone: usize,
        may_be_parent: &dyn Fn(usize) -> bool,
        encoder: &mut Encoder,
    ) -> Option<Wanted> {
        let parent = self.columns.get(column)?;
        Some(Wanted::new(column, parent, alone, &self.search, may_be_parent, encoder))
    }
}

/// Blocks of neighbouring rows of a row group, spread evenly.
fn blocks(parts: &[Part], schema: &Schema) -> Result<Vec<Part>> {
    let blocks = |part: &Part| -> Result<Column> {
        let column = part.parent.column();
        let last = column.len().saturating_sub(SAMPLE_BLOCK);
        let mut sample = column.slice(0..SAMPLE_BLOCK);
        for block in 1..SAMPLE_BLOCKS {
            let start = last / (SAMPLE_BLOCKS - 1) * block;
            sample.append(&column.slice(start..start + SAMPLE_BLOCK))?;
        }
        Ok(sample)
    };
    parts.iter().zip(&schema.columns).map(|(part, field)| Part::of(blocks(part)?, field)).collect()
}

/// A column, and models that are worth trying.
pub struct Wanted {
    /// Bytes that it takes alone.
    pub alone: usize,
    values: Target,
    validity: Option<Target>,
    num_values: usize,
    num_rows: usize,
    is_text: bool,
    for_values: Vec<Candidate>,
    for_validity: Vec<Candidate>,
}

impl Wanted {
    #[inline(never)]
    fn new(
        index: usize,
        column: &Parent,
        alone: usize,
        search: &Search,
        may_be_parent: &dyn Fn(usize) -> bool,
        encoder: &mut Encoder,
    ) -> Self {
        let column = column.column();
        let num_values = column.len() - column.num_nulls();
        let mut bitmap = Vec::new();
        if let Some(validity) = column.validity() {
            bits::encode(validity, encoder, &mut bitmap);
        }
        let validity = (bitmap.len() >= MIN_SAVED).then(|| Target {
            column: index,
            bits: bits_per_value(bitmap.len(), column.len()),
            is_validity: true,
        });
        let values = Target {
            column: index,
            bits: bits_per_value(alone - bitmap.len().min(alone), num_values),
            is_validity: false,
        };
        Wanted {
            alone,
            for_values: search.candidates(values, may_be_parent),
            for_validity: validity.map_or_else(Vec::new, |target| search.candidates(target, may_be_parent)),
            values,
            validity,
            num_values,
            num_rows: column.len(),
            is_text: matches!(column.values(), Values::String(_) | Values::Binary(_)),
        }
    }

    /// What there is to choose from: for the values, and for the nulls.
    pub fn options(&self) -> [Vec<Choice>; 2] {
        let choices = |target: Option<&Target>, candidates: &[Candidate], count: usize| {
            let choice = |candidate: &Candidate| Choice {
                column: self.values.column,
                parents: candidate.parents.clone(),
                gain: target.map_or(0.0, |target| (target.bits - candidate.bits) * count as f64),
            };
            candidates.iter().map(choice).collect()
        };
        [
            choices(Some(&self.values), &self.for_values, self.num_values),
            choices(self.validity.as_ref(), &self.for_validity, self.num_rows),
        ]
    }

    /// The chosen models, and another one for the values that needs nothing that the graph does not allow.
    #[inline(never)]
    pub fn relation(&self, chosen: &[Option<usize>; 2], list: Option<&Vec<usize>>, graph: &mut Graph) -> Relation {
        let column = self.values.column;
        // The list of the chunks before is continued.
        let mut relation = Relation { parents: list.cloned().unwrap_or_default(), ..Relation::default() };
        let [values, validity] = chosen.map(|chosen| chosen.unwrap_or(usize::MAX));
        let best = self.for_values.get(values);
        let others = self.for_values.iter().enumerate().filter(|(index, _)| *index != values);
        let near = best.map_or(f64::MAX, |best| best.bits + NEAR_PART * self.values.bits);
        let other = others
            .map(|(_, other)| other)
            .find(|other| best.is_some() && other.bits <= near && graph.allows(column, &other.parents));
        // Parts of text can be functions of the columns that tell all of it.
        let parts = best.into_iter().filter(|_| self.is_text).flat_map(|best| &best.parents).map(|&parent| {
            let model = Model::Function(Key { first: 0, second: None });
            Candidate { parents: vec![parent], model, bits: f64::MAX }
        });
        let parts: Vec<Candidate> = parts.collect();
        let mut adopt = |candidate: &Candidate| {
            graph.add(column, &candidate.parents);
            relation.adopt(candidate)
        };
        let models = best.into_iter().chain(other).chain(&parts).filter_map(&mut adopt).collect();
        let nulls = self.for_validity.get(validity).into_iter().filter_map(&mut adopt).collect();
        let bits = best.map_or(f64::MAX, |best| best.bits);
        let enough = if bits < self.values.bits * SURE_PART { bits * MARGIN } else { 0.0 };
        relation.plan = Plan { validity: nulls, values: models, enough };
        relation
    }

    /// The column.
    pub fn column(&self) -> usize {
        self.values.column
    }

    /// Writes it for [`Self::read`].
    pub fn write(&self, out: &mut Vec<u8>) {
        varint::write_count(self.values.column, out);
        varint::write_count(self.alone, out);
        varint::write_count(self.num_values, out);
        varint::write_count(self.num_rows, out);
        out.push(u8::from(self.is_text) | u8::from(self.validity.is_some()) << 1);
        for target in [Some(&self.values), self.validity.as_ref()].into_iter().flatten() {
            out.extend(target.bits.to_bits().to_le_bytes());
        }
        for candidates in [&self.for_values, &self.for_validity] {
            varint::write_count(candidates.len(), out);
            for candidate in candidates {
                varint::write_list(&candidate.parents, out);
                candidate.model.write(out);
                out.extend(candidate.bits.to_bits().to_le_bytes());
            }
        }
    }

    /// # Errors
    /// `corrupt`, `truncated`.
    pub fn read(reader: &mut ByteReader<'_>) -> Result<Self> {
        let column = varint::read_count(reader)?;
        let alone = varint::read_count(reader)?;
        let (num_values, num_rows) = (varint::read_count(reader)?, varint::read_count(reader)?);
        let flags = reader.u8()?;
        let mut target =
            |is_validity| -> Result<Target> { Ok(Target { column, bits: f64::from_bits(reader.u64()?), is_validity }) };
        let values = target(false)?;
        let validity = (flags & 2 != 0).then(|| target(true)).transpose()?;
        let mut candidates = || -> Result<Vec<Candidate>> {
            let count = varint::read_count(reader)?;
            let candidate = |_| -> Result<Candidate> {
                let (parents, model) = (varint::read_list(reader)?, Model::read(reader)?);
                Ok(Candidate { parents, model, bits: f64::from_bits(reader.u64()?) })
            };
            (0..count).map(candidate).collect()
        };
        let (for_values, for_validity) = (candidates()?, candidates()?);
        let is_text = flags & 1 != 0;
        Ok(Wanted { alone, values, validity, num_values, num_rows, is_text, for_values, for_validity })
    }
}
