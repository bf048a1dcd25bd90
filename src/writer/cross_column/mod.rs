//! Predicting columns from each other: which from which, for the row groups of one file.
//!
//! ```text
//! first row group   every column is encoded alone; where that takes a while, models are searched on a sample
//!                   (search.rs), those that promise the most gain chosen first as far as chains of parents stay short
//!                   (graph.rs), tried, and kept where the chunk gets smaller
//! the next ones     the same models, as long as they pay
//! ```

mod graph;
mod regression;
mod search;

use std::sync::Arc;

use super::version2::Encoders;
use crate::encoding::chunk::{self, Parents, Plan};
use crate::encoding::integer::linear::{Sum, Term};
use crate::encoding::parent::{Key, MAX_PARENTS, Parent};
use crate::encoding::{Encoder, Model, bits};
use crate::error::{Error, Result};
use crate::schema::{Field, Schema};
use graph::Graph;
use search::{Candidate, Search, Target, bits_per_value};

/// Rows below which columns are not predicted from each other.
const MIN_ROWS: usize = 32;
/// Bytes that a chunk must take alone to be predicted.
const MIN_SIZE: usize = 256;
/// Bytes that a prediction must save.
const MIN_SAVED: usize = 64;
/// Part of a chunk that it must save.
const MIN_SAVED_PART: usize = 32;
/// Part of what a column takes alone below which a model is the one, with nothing to compare.
const SURE_PART: f64 = 0.7;
/// By how much more than expected it may take then.
const MARGIN: f64 = 1.15;
/// Models that are tried for one column.
const MAX_TRIED: usize = 2;

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
    /// Whether the models saved so much that the column need not be encoded alone to compare.
    is_sure: bool,
}

/// Relations of the columns of one file.
#[derive(Debug)]
pub(super) struct Relations {
    hints: Vec<Hint>,
    /// What earlier row groups use.
    graph: Graph,
    relations: Option<Vec<Relation>>,
}

/// An encoded chunk.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub bytes: Vec<u8>,
    /// The columns that it may need; starts with those of the column's chunks before.
    pub parents: Vec<usize>,
    /// Which of them it needs, bit by bit.
    pub needs: u64,
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
    /// None yet, of columns whose chunks so far have these parents; `allowed`: whether there may be any.
    ///
    /// # Errors
    /// `invalid-argument` for a hint that names a column that is not there.
    pub(super) fn new(schema: &Schema, parents: Vec<Vec<usize>>, allowed: bool) -> Result<Self> {
        let hints = schema.columns.iter().map(|field| hint(field, schema)).collect::<Result<_>>()?;
        let relations = (!allowed).then(|| vec![Relation::default(); schema.columns.len()]);
        Ok(Relations { hints, graph: Graph::new(parents), relations })
    }

    /// Encodes the columns of a row group.
    pub(super) fn encode(
        &mut self,
        columns: &[Arc<Parent>],
        schema: &Schema,
        encoders: &mut Encoders,
    ) -> Result<Vec<Encoded>> {
        let rows = columns.first().map_or(0, |column| column.column().len());
        let mut encoded = Vec::with_capacity(columns.len());
        for (index, (column, field)) in columns.iter().zip(&schema.columns).enumerate() {
            let relation = self.relations.as_ref().and_then(|relations| relations.get(index));
            let bytes = match relation {
                Some(relation) if relation.is_sure => Vec::new(),
                _ => chunk::encode(column.column(), encoders.of(field))?,
            };
            encoded.push(Encoded { bytes, ..Encoded::default() });
        }
        match &mut self.relations {
            Some(relations) => {
                for (index, relation) in relations.iter_mut().enumerate().filter(|(_, relation)| relation.is_related())
                {
                    let parts = columns.get(index).zip(schema.columns.get(index)).zip(encoded.get_mut(index));
                    let Some(((column, field), alone)) = parts else { continue };
                    if let Some(better) = relation.apply(columns, column, alone.bytes.len(), encoders.of(field))? {
                        *alone = better;
                    }
                }
            }
            None if rows >= MIN_ROWS => self.relations = Some(self.search(columns, schema, &mut encoded, encoders)?),
            None => {}
        }
        Ok(encoded)
    }

    /// Searches relations, and replaces what was encoded alone where they pay.
    fn search(
        &mut self,
        columns: &[Arc<Parent>],
        schema: &Schema,
        encoded: &mut [Encoded],
        encoders: &mut Encoders,
    ) -> Result<Vec<Relation>> {
        let mut relations = vec![Relation::default(); columns.len()];
        let search = Search::new(columns);
        let mut queue: Vec<Wanted> = Vec::new();
        for (index, (column, alone)) in columns.iter().zip(encoded.iter()).enumerate() {
            let hint = self.hints.get(index);
            let is_forced = matches!(hint, Some(Hint::Cross(_)));
            if hint != Some(&Hint::Independent) && (alone.bytes.len() >= MIN_SIZE || is_forced) {
                let mut wanted = Wanted::new(index, column, alone.bytes.len(), &mut encoders.compressing);
                wanted.look(&search, &self.graph, self.restriction(index));
                queue.push(wanted);
            }
        }
        while let Some(at) = (0..queue.len()).max_by(|&a, &b| {
            let gain = |at: usize| queue.get(at).map_or(0.0, Wanted::gain);
            gain(a).total_cmp(&gain(b))
        }) {
            let mut wanted = queue.swap_remove(at);
            let index = wanted.values.column;
            if wanted.gain() <= 0.0 {
                break;
            }
            if !wanted.is_allowed(&self.graph) {
                wanted.look(&search, &self.graph, self.restriction(index));
                queue.push(wanted);
                continue;
            }
            let parts = columns.get(index).zip(schema.columns.get(index));
            let (Some((column, field)), Some(alone), Some(relation)) =
                (parts, encoded.get_mut(index), relations.get_mut(index))
            else {
                continue;
            };
            *relation = wanted.relation(&self.graph);
            let first = self.graph.of(index).len();
            let Some(better) = relation.apply(columns, column, alone.bytes.len(), encoders.of(field))? else {
                *relation = Relation::default();
                continue;
            };
            *alone = better;
            if relation.keep_only(first, alone.needs) {
                // The list of parents has become shorter, and their positions in it others.
                let size = alone.bytes.len().saturating_mul(2);
                if let Some(same) = relation.apply(columns, column, size, encoders.of(field))? {
                    *alone = same;
                }
            }
            self.graph.add(index, &relation.parents);
        }
        Ok(relations)
    }

    /// The parents that a hint restricts a column to.
    fn restriction(&self, column: usize) -> Option<&[usize]> {
        match self.hints.get(column) {
            Some(Hint::Cross(parents)) if !parents.is_empty() => Some(parents),
            _ => None,
        }
    }
}

/// A column for which models are looked for.
struct Wanted {
    values: Target,
    validity: Option<Target>,
    num_values: usize,
    num_rows: usize,
    for_values: Vec<Candidate>,
    for_validity: Vec<Candidate>,
}

impl Wanted {
    fn new(index: usize, column: &Parent, size: usize, encoder: &mut Encoder) -> Self {
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
            values,
            validity,
            num_values,
            num_rows: column.len(),
            for_values: Vec::new(),
            for_validity: Vec::new(),
        }
    }

    /// Looks for models that the graph allows.
    fn look(&mut self, search: &Search<'_>, graph: &Graph, restriction: Option<&[usize]>) {
        self.for_values = search.best(self.values, graph, restriction);
        self.for_validity = self.validity.map_or_else(Vec::new, |target| search.best(target, graph, restriction));
    }

    /// Bits that the best models are expected to save.
    fn gain(&self) -> f64 {
        let saved = |target: &Target, found: &[Candidate]| found.first().map_or(0.0, |best| target.bits - best.bits);
        let validity = self.validity.as_ref().map_or(0.0, |target| saved(target, &self.for_validity));
        saved(&self.values, &self.for_values) * self.num_values as f64 + validity * self.num_rows as f64
    }

    /// Whether the graph allows the best models.
    fn is_allowed(&self, graph: &Graph) -> bool {
        let allowed =
            |found: &[Candidate]| found.first().is_none_or(|best| graph.allows(self.values.column, &best.parents));
        allowed(&self.for_values) && allowed(&self.for_validity)
    }

    /// The best models, with a list of their parents.
    fn relation(&self, graph: &Graph) -> Relation {
        // The list of the chunks before is continued.
        let mut relation = Relation { parents: graph.of(self.values.column).to_vec(), ..Relation::default() };
        let mut adopt = |candidates: &[Candidate], most: usize| -> Arc<[Model]> {
            let allowed = candidates.iter().filter(|candidate| graph.allows(self.values.column, &candidate.parents));
            allowed.take(most).filter_map(|candidate| relation.adopt(candidate)).collect()
        };
        let values = adopt(&self.for_values, MAX_TRIED);
        let validity = adopt(&self.for_validity, 1);
        let best = self.for_values.first().map_or(f64::MAX, |best| best.bits);
        let enough = if best < self.values.bits * SURE_PART { best * MARGIN } else { 0.0 };
        relation.plan = Plan { validity, values, enough };
        relation
    }
}

impl Relation {
    fn is_related(&self) -> bool {
        !self.plan.values.is_empty() || !self.plan.validity.is_empty()
    }

    /// Adds the parents of a candidate to the list; its model, which names them by their position there.
    fn adopt(&mut self, candidate: &Candidate) -> Option<Model> {
        let mut local = Vec::with_capacity(candidate.parents.len());
        for parent in &candidate.parents {
            let at = self.parents.iter().position(|known| known == parent).unwrap_or(self.parents.len());
            if at == self.parents.len() {
                self.parents.push(*parent);
            }
            local.push(u8::try_from(at).ok().filter(|_| at < MAX_PARENTS)?);
        }
        translated(&candidate.model, |parent| local.get(usize::from(parent)).copied())
    }

    /// Encodes by the models, where that saves enough of the size alone. Where it saves much, it is taken for granted
    /// from then on.
    fn apply(
        &mut self,
        columns: &[Arc<Parent>],
        column: &Parent,
        alone: usize,
        encoder: &mut Encoder,
    ) -> Result<Option<Encoded>> {
        let parents: Parents = self.parents.iter().map(|&parent| columns.get(parent).map(Arc::clone)).collect();
        let (bytes, needed) = chunk::encode_with(column.column(), &parents, &self.plan, encoder)?;
        let saved = alone.saturating_sub(bytes.len());
        if !self.is_sure && (saved < MIN_SAVED || saved < alone / MIN_SAVED_PART) {
            return Ok(None);
        }
        if !self.is_sure {
            let values = column.column().len() - column.column().num_nulls();
            let bits = bits_per_value(bytes.len(), values);
            self.is_sure = bits < bits_per_value(alone, values) * SURE_PART;
            self.plan.enough = if self.is_sure { bits * MARGIN } else { 0.0 };
        }
        Ok(Some(Encoded { bytes, parents: self.parents.clone(), needs: needed }))
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
