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
mod relation;
mod search;
mod survey;

use std::sync::Arc;

use super::WriteOptions;
use super::version2::{Encoders, Part, rows_of};
use crate::bytes::ByteReader;
use crate::encoding::chunk;
use crate::encoding::parent::Parent;
use crate::encoding::varint;
use crate::error::{Error, Result};
use crate::schema::{Field, Schema};
use archive::Archive;
pub(super) use archive::encode_alone;
use graph::Graph;
pub(super) use relation::Relation;
pub(super) use survey::{SAMPLED_FROM, Sample, Wanted};

/// Rows below which columns are not predicted from each other.
const MIN_ROWS: usize = 32;
/// Bytes that a chunk, or a sample of it, must take alone to be predicted.
const MIN_SIZE: usize = 256;
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

/// Relations of the columns of one file.
#[derive(Clone, Debug)]
pub(super) struct Relations {
    hints: Vec<Hint>,
    /// The lists of parents of earlier row groups.
    lists: Vec<Vec<usize>>,
    relations: Option<Vec<Relation>>,
    /// Where neural chunks are wanted.
    archive: Option<Archive>,
}

/// Models of a column that are to be tried on a sample.
pub(super) struct Trial {
    pub column: usize,
    /// Bytes that the column of the sample takes alone.
    alone: usize,
    relation: Relation,
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

pub(super) fn parents_of(parts: &[Part]) -> Vec<Arc<Parent>> {
    parts.iter().map(|part| Arc::clone(&part.parent)).collect()
}

/// A column of a row group, and what the schema says of it.
fn known<'a>(parts: &'a [Part], column: usize, schema: &'a Schema) -> Result<(&'a Part, &'a Field)> {
    let found = parts.get(column).zip(schema.columns.get(column));
    found.ok_or_else(|| Error::invalid("columns", format!("have no number {column}")))
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
        Ok(Relations { hints, lists: parents, relations, archive })
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
        if self.relations.is_none() && rows_of(parts) >= MIN_ROWS {
            let encoded = self.settle(parts, schema, encoders)?;
            if rows_of(parts) < SAMPLED_FROM {
                return Ok(encoded);
            }
        }
        let columns = parents_of(parts);
        (0..parts.len()).map(|column| self.encode_column(parts, &columns, column, schema, encoders)).collect()
    }

    /// Settles the models of all row groups on a sample of the first one: the sample's columns, encoded.
    fn settle(&mut self, parts: &[Part], schema: &Schema, encoders: &mut Encoders) -> Result<Vec<Encoded>> {
        let sample = Sample::of(parts, schema)?;
        let mut encoded = Vec::with_capacity(parts.len());
        let mut wanted = Vec::new();
        for column in 0..parts.len() {
            let (alone, found) = self.survey(&sample, column, schema, encoders)?;
            encoded.push(alone);
            wanted.extend(found);
        }
        let mut settled = Vec::new();
        for trial in self.plan(&wanted) {
            if let Some((relation, better)) = self.attempt(&trial, &sample, schema, encoders)? {
                if let Some(at) = encoded.get_mut(trial.column) {
                    *at = better;
                }
                settled.push((trial.column, relation));
            }
        }
        self.keep(settled, parts.len());
        Ok(encoded)
    }

    /// What a column of a sample takes alone, and which models are worth trying.
    pub(super) fn survey(
        &self,
        sample: &Sample,
        column: usize,
        schema: &Schema,
        encoders: &mut Encoders,
    ) -> Result<(Encoded, Option<Wanted>)> {
        let (part, field) = known(&sample.parts, column, schema)?;
        let bytes = chunk::encode(part.parent.column(), encoders.for_part(field, part))?;
        let is_wanted = match self.hints.get(column) {
            Some(Hint::Automatic) => bytes.len() >= MIN_SIZE,
            Some(Hint::Cross(_)) => true,
            Some(Hint::Independent) | None => false,
        };
        let restriction = self.restriction(column);
        let may_be_parent = |other| restriction.is_none_or(|parents| parents.contains(&other));
        let search = || sample.search(column, bytes.len(), &may_be_parent, &mut encoders.compressing);
        let wanted = is_wanted.then(search).flatten();
        Ok((Encoded { bytes, ..Encoded::default() }, wanted))
    }

    /// The models to try, of those that are worth it: together they promise the most. In the order of the columns, as is
    /// what it chooses from.
    #[inline(never)]
    pub(super) fn plan(&self, wanted: &[Wanted]) -> Vec<Trial> {
        let chosen = plan::plan(&wanted.iter().map(Wanted::options).collect::<Vec<_>>(), &Graph::new(&self.lists));
        let mut graph = chosen.graph;
        let mut trials = Vec::new();
        for (wanted, best) in wanted.iter().zip(&chosen.options) {
            let relation = wanted.relation(best, self.lists.get(wanted.column()), &mut graph);
            if relation.is_related() {
                trials.push(Trial { column: wanted.column(), alone: wanted.alone, relation });
            }
        }
        trials
    }

    /// Tries models on a sample: those that are of use, and the encoded column, where that gets smaller.
    #[inline(never)]
    pub(super) fn attempt(
        &self,
        trial: &Trial,
        sample: &Sample,
        schema: &Schema,
        encoders: &mut Encoders,
    ) -> Result<Option<(Relation, Encoded)>> {
        let (part, field) = known(&sample.parts, trial.column, schema)?;
        let mut relation = trial.relation.clone();
        let mut apply =
            |relation: &mut Relation| relation.apply(&sample.columns, &part.parent, encoders.for_part(field, part));
        let better = apply(&mut relation)?;
        let saved = trial.alone.saturating_sub(better.bytes.len());
        if saved < MIN_SAVED || saved < trial.alone / MIN_SAVED_PART {
            return Ok(None);
        }
        let first = self.lists.get(trial.column).map_or(0, Vec::len);
        // Where the list of parents has become shorter, their positions in it are others.
        let is_shorter = relation.keep_only(first, better.needs);
        let better = if is_shorter { apply(&mut relation)? } else { better };
        Ok(Some((relation, better)))
    }

    /// Whether models are settled, and row groups do not matter to each other.
    pub(super) fn can_share(&self) -> bool {
        self.relations.is_some() && self.archive.is_none()
    }

    /// Takes the models of the columns that have some; the others have none.
    #[inline(never)]
    pub(super) fn keep(&mut self, settled: Vec<(usize, Relation)>, columns: usize) {
        let mut relations = vec![Relation::default(); columns];
        for (column, relation) in settled {
            if let Some(at) = relations.get_mut(column) {
                *at = relation;
            }
        }
        self.relations = Some(relations);
    }

    /// Encodes a column of a row group, which are `columns` as models see them, by the models that are known.
    #[inline(never)]
    pub(super) fn encode_column(
        &mut self,
        parts: &[Part],
        columns: &[Arc<Parent>],
        column: usize,
        schema: &Schema,
        encoders: &mut Encoders,
    ) -> Result<Encoded> {
        let (part, field) = known(parts, column, schema)?;
        let relation = self.relations.as_mut().and_then(|relations| relations.get_mut(column));
        let encoder = encoders.for_part(field, part);
        match relation {
            Some(relation) if relation.is_related() => relation.apply(columns, &part.parent, encoder),
            _ => Ok(Encoded { bytes: chunk::encode(part.parent.column(), encoder)?, ..Encoded::default() }),
        }
    }

    /// The settled models of all columns, for [`Self::read_models`].
    pub(super) fn write_models(&self) -> Option<Vec<u8>> {
        let relations = self.relations.as_ref().filter(|_| self.archive.is_none())?;
        if relations.iter().any(|relation| relation.is_related() && !relation.is_settled) {
            return None;
        }
        let mut out = Vec::new();
        relations.iter().for_each(|relation| relation.write(&mut out));
        Some(out)
    }

    /// Takes over the models of so many columns.
    ///
    /// # Errors
    /// `corrupt`, `truncated`.
    pub(super) fn read_models(&mut self, bytes: &[u8], columns: usize) -> Result<()> {
        let mut reader = ByteReader::new(bytes, 0);
        self.relations = Some((0..columns).map(|_| Relation::read(&mut reader)).collect::<Result<_>>()?);
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

impl Trial {
    /// Writes it for [`Self::read`].
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        varint::write_count(self.column, out);
        varint::write_count(self.alone, out);
        self.relation.write(out);
    }

    /// # Errors
    /// `corrupt`, `truncated`.
    pub(super) fn read(reader: &mut ByteReader<'_>) -> Result<Self> {
        let (column, alone) = (varint::read_count(reader)?, varint::read_count(reader)?);
        Ok(Trial { column, alone, relation: Relation::read(reader)? })
    }
}
