//! Predicting columns from each other: which from which, for the row groups of one file.
//!
//! ```text
//! first row group   blocks of it (all of it, if it is small) are encoded, every column alone; models are searched on a
//!                   sample (search.rs), chosen so that together they promise the most while chains of parents stay
//!                   short (plan.rs, graph.rs), tried on the blocks, and kept where those get smaller
//! all of them       by these models, and alone where these are not as good as they were on the blocks: what is smaller
//! ```

mod archive;
mod graph;
mod plan;
mod regression;
mod search;

use std::sync::Arc;

use super::WriteOptions;
use super::version2::{Encoders, Part, rows_of};
use crate::bytes::{ByteReader, to_u64};
use crate::column::{Column, Values};
use crate::encoding::chunk::{self, Parents, Plan};
use crate::encoding::integer::linear::{Sum, Term};
use crate::encoding::parent::{Key, MAX_PARENTS, Parent};
use crate::encoding::{Encoder, Model, bits, varint};
use crate::error::{Error, Result};
use crate::schema::{Field, Schema};
use archive::Archive;
pub(super) use archive::encode_alone;
use graph::Graph;
use plan::Choice;
use search::{Candidate, Search, Target, bits_per_value};

/// Blocks of a sample, and rows of each.
const SAMPLE_BLOCKS: usize = 4;
const SAMPLE_BLOCK: usize = 4096;
/// Rows from which on relations are settled on a sample.
const SAMPLED_FROM: usize = 4 * SAMPLE_BLOCKS * SAMPLE_BLOCK;
/// Rows below which columns are not predicted from each other.
const MIN_ROWS: usize = 32;
/// Bytes that a chunk, or a sample of it, must take alone to be predicted.
const MIN_SIZE: usize = 256;
/// Nanoseconds that the search may take: per cell, a fraction of what encoding takes, and of any table.
const CELL_TIME: u64 = 12;
const BASE_TIME: u64 = 4_000_000;
/// Bytes that a prediction must save of that.
const MIN_SAVED: usize = 64;
/// Part of a chunk that it must save.
const MIN_SAVED_PART: usize = 32;
/// Part of what a column takes alone by which another model may seem worse than the best and still be tried.
const NEAR_PART: f64 = 0.1;
/// Part of what a column takes alone below which a model is the one, with nothing to compare.
const SURE_PART: f64 = 0.7;
/// By how much more than expected it may take then.
const MARGIN: f64 = 1.15;

/// What the schema asks for in the hint `compression_model`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hint {
    /// Nothing.
    Automatic,
    /// No parents.
    Independent,
    /// Models are tried however small the column is; only of these parents, if there are any.
    Cross(Vec<usize>),
}

/// Relations of one column to others.
#[derive(Clone, Debug, Default)]
struct Relation {
    /// The columns that its models name.
    parents: Vec<usize>,
    plan: Plan,
    /// Whether it is known which of the models are of use, and how good they are.
    is_settled: bool,
}

/// Relations of the columns of one file.
#[derive(Clone, Debug)]
pub(super) struct Relations {
    hints: Vec<Hint>,
    /// The lists of parents of earlier row groups.
    lists: Vec<Vec<usize>>,
    graph: Graph,
    relations: Option<Vec<Relation>>,
    /// Where neural chunks are wanted.
    archive: Option<Archive>,
}

/// An encoded chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoded {
    pub bytes: Vec<u8>,
    /// The columns that it may need; starts with those of the column's chunks before.
    pub parents: Vec<usize>,
    /// Which of them it needs, bit by bit.
    pub needs: u64,
}

fn parents_of(parts: &[Part]) -> Vec<Arc<Parent>> {
    parts.iter().map(|part| Arc::clone(&part.parent)).collect()
}

/// Blocks of neighbouring rows of a row group, spread evenly.
fn sample(parts: &[Part], schema: &Schema) -> Result<Vec<Part>> {
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

/// Reads the hint of a column.
fn hint(field: &Field, schema: &Schema) -> Result<Hint> {
    let names = match field.compression_model.as_deref() {
        // Streams that are not compressed would hide what models save.
        Some("independent" | "none") => return Ok(Hint::Independent),
        Some("cross") => "",
        Some(model) => match model.strip_prefix("cross:") {
            Some(names) => names,
            None => return Ok(Hint::Automatic),
        },
        None => return Ok(Hint::Automatic),
    };
    let position = |name: &str| {
        let found = schema.columns.iter().position(|other| other.name == name && other.name != field.name);
        found.ok_or_else(|| Error::invalid("compressionModel", format!("no other column is named {name:?}")))
    };
    let parents = names.split(',').filter(|name| !name.is_empty()).map(position).collect::<Result<_>>();
    parents.map(Hint::Cross).map_err(|error| error.in_column(&field.name))
}

impl Relations {
    /// None yet, of columns whose chunks so far have these parents; the options say whether there may be any.
    ///
    /// # Errors
    /// `invalid-argument` for a hint that names a column that is not there; `unsupported-feature` where neural chunks
    /// are wanted and there is no codec for them.
    pub(super) fn new(schema: &Schema, parents: Vec<Vec<usize>>, options: &WriteOptions) -> Result<Self> {
        let allowed = options.cross_column;
        let hints = schema.columns.iter().map(|field| hint(field, schema)).collect::<Result<_>>()?;
        let relations = (!allowed).then(|| vec![Relation::default(); schema.columns.len()]);
        let archive = Archive::new(schema, options)?;
        Ok(Relations { hints, graph: Graph::new(&parents), lists: parents, relations, archive })
    }

    /// Encodes the columns of a row group. `None` where the codec of neural chunks encodes some of them later: the next
    /// attempt finds everything as this one did.
    pub(super) fn encode(
        &mut self,
        parts: &[Part],
        schema: &Schema,
        encoders: &mut Encoders,
    ) -> Result<Option<Vec<Encoded>>> {
        if self.archive.is_none() {
            return self.encode_by_models(parts, schema, encoders).map(Some);
        }
        let mut next = self.clone();
        let mut encoded = next.encode_by_models(parts, schema, encoders)?;
        if let Some(mut archive) = next.archive.take() {
            if !archive.apply(&mut next, parts, schema, &mut encoded, encoders)? {
                return Ok(None);
            }
            next.archive = Some(archive);
        }
        *self = next;
        Ok(Some(encoded))
    }

    /// The same without neural chunks.
    fn encode_by_models(&mut self, parts: &[Part], schema: &Schema, encoders: &mut Encoders) -> Result<Vec<Encoded>> {
        self.settle(parts, schema, encoders)?;
        let mut encoded = self.encode_parts(parts, schema, encoders)?;
        if self.relations.is_none() && rows_of(parts) >= MIN_ROWS {
            self.relations = Some(self.search(parts, parts, schema, &mut encoded, encoders)?);
        }
        Ok(encoded)
    }

    /// Settles the models of all row groups on a sample of the first one, if it is so large that a sample tells.
    pub(super) fn settle(&mut self, parts: &[Part], schema: &Schema, encoders: &mut Encoders) -> Result<()> {
        if self.relations.is_none() && rows_of(parts) >= SAMPLED_FROM {
            let sample = sample(parts, schema)?;
            let mut alone = self.encode_parts(&sample, schema, encoders)?;
            self.relations = Some(self.search(parts, &sample, schema, &mut alone, encoders)?);
        }
        Ok(())
    }

    /// Whether it is known which models the columns have.
    pub(super) fn are_settled(&self) -> bool {
        self.relations.is_some()
    }

    /// Encodes columns by the models that are known.
    fn encode_parts(&mut self, parts: &[Part], schema: &Schema, encoders: &mut Encoders) -> Result<Vec<Encoded>> {
        let columns = parents_of(parts);
        let mut encoded = Vec::with_capacity(parts.len());
        for (index, (part, field)) in parts.iter().zip(&schema.columns).enumerate() {
            let relation = self.relations.as_mut().and_then(|relations| relations.get_mut(index));
            let encoder = encoders.for_part(field, part);
            encoded.push(match relation {
                Some(relation) if relation.is_related() => relation.apply(&columns, &part.parent, encoder)?,
                _ => Encoded { bytes: chunk::encode(part.parent.column(), encoder)?, ..Encoded::default() },
            });
        }
        Ok(encoded)
    }

    /// Searches relations in a row group, tries them on it or a sample of it, and replaces what was encoded of that alone
    /// where they pay.
    fn search(
        &mut self,
        row_group: &[Part],
        parts: &[Part],
        schema: &Schema,
        encoded: &mut [Encoded],
        encoders: &mut Encoders,
    ) -> Result<Vec<Relation>> {
        let all = parents_of(row_group);
        let columns = parents_of(parts);
        let mut relations = vec![Relation::default(); columns.len()];
        let is_wanted = |(index, alone): &(usize, &Encoded)| match self.hints.get(*index) {
            Some(Hint::Automatic) => alone.bytes.len() >= MIN_SIZE,
            Some(Hint::Cross(_)) => true,
            Some(Hint::Independent) | None => false,
        };
        let count = to_u64(encoded.iter().enumerate().filter(is_wanted).count());
        let cells = to_u64(rows_of(row_group)).saturating_mul(to_u64(columns.len()));
        let search = Search::new(&all, (cells.saturating_mul(CELL_TIME) + BASE_TIME) / count.max(1));
        let mut wanted: Vec<Wanted> = Vec::new();
        for (index, alone) in encoded.iter().enumerate().filter(is_wanted) {
            if let Some(column) = columns.get(index) {
                let restriction = self.restriction(index);
                let may_be_parent = |other| restriction.is_none_or(|parents| parents.contains(&other));
                let size = alone.bytes.len();
                wanted.push(Wanted::new(index, column, size, &search, &may_be_parent, &mut encoders.compressing));
            }
        }
        let chosen = plan::plan(&wanted.iter().map(Wanted::options).collect::<Vec<_>>(), &self.graph);
        self.graph = chosen.graph;
        for (wanted, best) in wanted.iter().zip(&chosen.options) {
            let index = wanted.values.column;
            let known = parts.get(index).zip(schema.columns.get(index));
            let (Some((part, field)), Some(alone), Some(relation)) =
                (known, encoded.get_mut(index), relations.get_mut(index))
            else {
                continue;
            };
            let first = self.lists.get(index).map_or(0, Vec::len);
            let mut tried = wanted.relation(best, self.lists.get(index), &mut self.graph);
            if !tried.is_related() {
                continue;
            }
            let better = tried.apply(&columns, &part.parent, encoders.for_part(field, part))?;
            let saved = alone.bytes.len().saturating_sub(better.bytes.len());
            if saved < MIN_SAVED || saved < alone.bytes.len() / MIN_SAVED_PART {
                continue;
            }
            *alone = better;
            if tried.keep_only(first, alone.needs) {
                // The list of parents has become shorter, and their positions in it others.
                *alone = tried.apply(&columns, &part.parent, encoders.for_part(field, part))?;
            }
            *relation = tried;
        }
        Ok(relations)
    }

    /// The settled models of all columns, for [`Self::read_models`].
    pub(super) fn write_models(&self) -> Option<Vec<u8>> {
        let relations = self.relations.as_ref().filter(|_| self.archive.is_none())?;
        let mut out = Vec::new();
        for relation in relations {
            if relation.is_related() && !relation.is_settled {
                return None;
            }
            varint::write_count(relation.parents.len(), &mut out);
            relation.parents.iter().for_each(|&parent| varint::write_count(parent, &mut out));
            for models in [&relation.plan.validity, &relation.plan.values] {
                varint::write_count(models.len(), &mut out);
                models.iter().for_each(|model| model.write(&mut out));
            }
            out.extend(relation.plan.enough.to_bits().to_le_bytes());
        }
        Some(out)
    }

    /// Takes over the models of so many columns.
    ///
    /// # Errors
    /// `corrupt`, `truncated`.
    pub(super) fn read_models(&mut self, bytes: &[u8], columns: usize) -> Result<()> {
        let mut reader = ByteReader::new(bytes, 0);
        let mut read = || -> Result<Relation> {
            let count = varint::read_count(&mut reader)?;
            let parents = (0..count).map(|_| varint::read_count(&mut reader)).collect::<Result<_>>()?;
            let mut models = || -> Result<Arc<[Model]>> {
                let count = varint::read_count(&mut reader)?;
                (0..count).map(|_| Model::read(&mut reader)).collect()
            };
            let (validity, values) = (models()?, models()?);
            let enough = f64::from_bits(reader.u64()?);
            Ok(Relation { parents, plan: Plan { validity, values, enough }, is_settled: true })
        };
        self.relations = Some((0..columns).map(|_| read()).collect::<Result<_>>()?);
        Ok(())
    }

    /// The parents that a hint restricts a column to.
    fn restriction(&self, column: usize) -> Option<&[usize]> {
        match self.hints.get(column) {
            Some(Hint::Cross(parents)) if !parents.is_empty() => Some(parents),
            _ => None,
        }
    }
}

/// A column, and models that are worth trying.
struct Wanted {
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
        size: usize,
        search: &Search<'_>,
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
            bits: bits_per_value(size - bitmap.len().min(size), num_values),
            is_validity: false,
        };
        Wanted {
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
    fn options(&self) -> [Vec<Choice>; 2] {
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
    fn relation(&self, chosen: &[Option<usize>; 2], list: Option<&Vec<usize>>, graph: &mut Graph) -> Relation {
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
}

impl Relation {
    fn is_related(&self) -> bool {
        !self.plan.values.is_empty() || !self.plan.validity.is_empty()
    }

    /// Adds the parents of a candidate to the list; its model, which names them by their position there. `None` where the
    /// list, which grows with what is appended to a file, is full.
    fn adopt(&mut self, candidate: &Candidate) -> Option<Model> {
        let mut local = Vec::with_capacity(candidate.parents.len());
        for parent in &candidate.parents {
            let at = self.parents.iter().position(|known| known == parent).unwrap_or(self.parents.len());
            if at == MAX_PARENTS {
                return None;
            }
            if at == self.parents.len() {
                self.parents.push(*parent);
            }
            local.push(u8::try_from(at).ok()?);
        }
        translated(&candidate.model, |parent| local.get(usize::from(parent)).copied())
    }

    /// Encodes by the models; later chunks only by those that were used, and if they are about as good there, by nothing
    /// else.
    fn apply(&mut self, columns: &[Arc<Parent>], column: &Parent, encoder: &mut Encoder) -> Result<Encoded> {
        let parents: Parents = self.parents.iter().map(|&parent| columns.get(parent).map(Arc::clone)).collect();
        let (bytes, needed) = chunk::encode_with(column.column(), &parents, &self.plan, encoder)?;
        if !self.is_settled {
            let values = column.column().len() - column.column().num_nulls();
            let is_used = |(index, _): &(u32, &Model)| needed.models.checked_shr(*index).unwrap_or_default() & 1 == 1;
            self.plan.values =
                (0..).zip(self.plan.values.iter()).filter(is_used).map(|(_, model)| model.clone()).collect();
            self.plan.enough = bits_per_value(bytes.len(), values) * MARGIN;
            self.is_settled = true;
        }
        Ok(Encoded { bytes, parents: self.parents.clone(), needs: needed.parents })
    }

    /// Drops parents behind the first ones that are not needed, and the models that name them. Whether there were such.
    fn keep_only(&mut self, first: usize, needs: u64) -> bool {
        let kept = self.parents.iter().enumerate().filter(|(bit, _)| *bit < first || needs >> bit & 1 == 1);
        let parents: Vec<usize> = kept.map(|(_, &parent)| parent).collect();
        if self.parents.len() == parents.len() {
            return false;
        }
        let old = std::mem::replace(&mut self.parents, parents.clone());
        let place = |local: u8| {
            let parent = old.get(usize::from(local))?;
            u8::try_from(parents.iter().position(|kept| kept == parent)?).ok()
        };
        let keep = |models: &[Model]| models.iter().filter_map(|model| translated(model, place)).collect();
        self.plan.values = keep(&self.plan.values);
        self.plan.validity = keep(&self.plan.validity);
        true
    }
}

/// A model with other positions of its parents; `None` where one has none.
fn translated(model: &Model, place: impl Fn(u8) -> Option<u8>) -> Option<Model> {
    let key = |key: &Key| {
        Some(Key { first: place(key.first)?, second: key.second.map_or(Some(None), |second| place(second).map(Some))? })
    };
    Some(match model {
        Model::Function(parents) => Model::Function(key(parents)?),
        Model::Recent(parents) => Model::Recent(key(parents)?),
        Model::Linear(sum) => {
            let terms = sum.terms.iter().map(|term| Some(Term { parent: place(term.parent)?, ..*term }));
            Model::Linear(Sum { terms: terms.collect::<Option<_>>()?, ..sum.clone() })
        }
    })
}
