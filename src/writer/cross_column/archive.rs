//! Neural chunks beside those of all other encodings: per column and row group the smaller one is kept.
//!
//! Both have parents, and together they must be as short of chains and free of cycles as alone. So the first row group
//! that has parents at all settles which of the two may have theirs: the neural ones, but those of the models where the
//! chunk was smaller by these. Later row groups try both with what was settled.

use super::graph::Graph;
use super::{Encoded, Hint, MIN_ROWS, Relation, Relations};
use crate::column::Column;
use crate::encoding::chunk;
use crate::encoding::neural::{self, Codec, DEFAULT_LEVEL, NEURAL, Task};
use crate::encoding::parent::{MAX_CHAIN, MAX_PARENTS};
use crate::error::{Error, Result};
use crate::schema::{Field, Schema};
use crate::sort::sort_by_key;
use crate::writer::WriteOptions;
use crate::writer::version2::{Encoders, Part};

/// Bytes of a chunk that cannot get smaller by so much that it is worth the time.
const SMALL: usize = 48;
/// By what part of the other chunk's size a neural one may be larger and still be tried in the next row group.
const HOPELESS_PART: usize = 2;

/// Part of the size without neural chunks by which these must be smaller to keep parents of their own from models.
const MIN_GAIN_PART: usize = 32;
/// Parents that one neural chunk can have.
const MAX_NEURAL_PARENTS: usize = 3;

/// What one column has to do with neural chunks.
#[derive(Clone, Debug, Default)]
struct State {
    /// The level, where they are wanted.
    level: Option<u8>,
    /// The column's list of parents, and which of them its neural chunks need, bit by bit.
    parents: Vec<usize>,
    needs: u64,
}

impl State {
    /// Continues a list with parents, as far as it has room.
    fn take(&mut self, list: &[usize], parents: &[usize]) {
        self.parents = list.to_vec();
        self.needs = 0;
        for parent in parents {
            let known = self.parents.iter().position(|known| known == parent);
            let at = known.unwrap_or(self.parents.len());
            if at < MAX_PARENTS {
                self.needs |= 1 << at;
                self.parents.extend(known.is_none().then_some(*parent));
            }
        }
    }

    /// The task of encoding the column, where that has a chance beside the other chunk.
    fn task<'a>(&self, index: usize, parts: &'a [Part], schema: &'a Schema, other: &Encoded) -> Option<Task<'a>> {
        let level = self.level.filter(|_| other.bytes.len() > SMALL)?;
        let needed = self.parents.iter().enumerate().filter(|(bit, _)| self.needs >> bit & 1 == 1);
        let parents = needed.filter_map(|(_, &parent)| Some(parts.get(parent)?.parent.column())).collect();
        Some(Task { name: &schema.columns.get(index)?.name, column: parts.get(index)?.parent.column(), parents, level })
    }
}

/// Neural chunks of these tasks, with their first byte; `None` where the codec carries them out later.
fn encode_all(codec: &dyn Codec, tasks: &[Task<'_>]) -> Result<Option<Vec<Vec<u8>>>> {
    if tasks.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let Some(encoded) = codec.encode_all(tasks)? else { return Ok(None) };
    if encoded.len() != tasks.len() {
        return Err(Error::corrupt(format!("{} neural chunks of {} columns", encoded.len(), tasks.len())));
    }
    Ok(Some(encoded.into_iter().map(|bytes| [&[NEURAL], bytes.as_slice()].concat()).collect()))
}

/// The level of the neural chunks that a column wants.
fn level(field: &Field, options: &WriteOptions) -> Option<u8> {
    match field.compression_model.as_deref() {
        Some("none") => None,
        Some("neural") => Some(options.neural.unwrap_or(DEFAULT_LEVEL)),
        _ => options.neural,
    }
}

/// Chunks without parents of columns with the same field, neural where that is wanted and smaller; `None` where the codec
/// encodes them later.
///
/// # Errors
/// `unsupported-feature` where neural chunks are wanted and there is no codec.
#[inline(never)]
pub(in crate::writer) fn encode_alone(
    columns: &[Column],
    field: &Field,
    options: &WriteOptions,
    encoders: &mut Encoders,
) -> Result<Option<Vec<Vec<u8>>>> {
    let encode = |column| chunk::encode(column, encoders.of(field));
    let mut chunks: Vec<Vec<u8>> = columns.iter().map(encode).collect::<Result<_>>()?;
    let Some(level) = level(field, options) else { return Ok(Some(chunks)) };
    let codec = neural::codec()?;
    let mut places: Vec<&mut Vec<u8>> = Vec::new();
    let mut tasks = Vec::new();
    for (column, chunk) in columns.iter().zip(&mut chunks).filter(|(_, chunk)| chunk.len() > SMALL) {
        tasks.push(Task { name: &field.name, column, parents: Vec::new(), level });
        places.push(chunk);
    }
    let Some(tried) = encode_all(&*codec, &tasks)? else { return Ok(None) };
    for (chunk, tried) in places.into_iter().zip(tried) {
        if tried.len() < chunk.len() {
            *chunk = tried;
        }
    }
    Ok(Some(chunks))
}

/// Neural chunks of the columns of one file.
#[derive(Clone, Debug)]
pub(super) struct Archive {
    states: Vec<State>,
    is_settled: bool,
}

impl Archive {
    /// `None` where no column wants any.
    ///
    /// # Errors
    /// `unsupported-feature` where there is no codec.
    pub(super) fn new(schema: &Schema, options: &WriteOptions) -> Result<Option<Self>> {
        let state = |field| State { level: level(field, options), ..State::default() };
        let states: Vec<State> = schema.columns.iter().map(state).collect();
        if states.iter().all(|state| state.level.is_none()) {
            return Ok(None);
        }
        neural::codec()?;
        Ok(Some(Archive { states, is_settled: !options.cross_column }))
    }

    /// Replaces chunks of a row group by smaller ones. False where the codec encodes some of them later: what has changed
    /// by then is of no use.
    pub(super) fn apply(
        &mut self,
        relations: &mut Relations,
        parts: &[Part],
        schema: &Schema,
        encoded: &mut [Encoded],
        encoders: &mut Encoders,
    ) -> Result<bool> {
        let codec = neural::codec()?;
        let rows = parts.first().map_or(0, |part| part.parent.column().len());
        if self.is_settled || rows < MIN_ROWS {
            return self.try_and_replace(&*codec, parts, schema, encoded);
        }
        self.is_settled = true;
        let (states, models) = (self.states.clone(), relations.relations.clone());
        let mut settled = encoded.to_vec();
        self.choose(&*codec, relations, parts)?;
        let Some(mut found) = self.try_all(&*codec, parts, schema, &settled)? else { return Ok(false) };
        self.settle(relations, parts, schema, &mut settled, &mut found, encoders)?;
        self.replace(&mut settled, found);
        if size(&settled) <= size(encoded) - size(encoded) / MIN_GAIN_PART {
            encoded.clone_from_slice(&settled);
            return Ok(true);
        }
        // Where models need parents that neural chunks kept from them, these take what the models have.
        self.states = states;
        relations.relations = models;
        for (state, other) in self.states.iter_mut().zip(encoded.iter()) {
            state.parents.clone_from(&other.parents);
            let needed = (0..u64::BITS).filter(|bit| other.needs >> bit & 1 == 1).take(MAX_NEURAL_PARENTS);
            state.needs = needed.map(|bit| 1 << bit).sum();
        }
        self.try_and_replace(&*codec, parts, schema, encoded)
    }

    /// Encodes what has a chance; `None` where the codec does it later.
    fn try_all(
        &self,
        codec: &dyn Codec,
        parts: &[Part],
        schema: &Schema,
        encoded: &[Encoded],
    ) -> Result<Option<Vec<(usize, Encoded)>>> {
        let mut states = Vec::new();
        let mut tasks = Vec::new();
        for (index, (state, other)) in self.states.iter().zip(encoded).enumerate() {
            if let Some(task) = state.task(index, parts, schema, other) {
                states.push((index, state));
                tasks.push(task);
            }
        }
        let Some(chunks) = encode_all(codec, &tasks)? else { return Ok(None) };
        let found = |((index, state), bytes): ((usize, &State), Vec<u8>)| {
            (index, Encoded { bytes, parents: state.parents.clone(), needs: state.needs })
        };
        Ok(Some(states.into_iter().zip(chunks).map(found).collect()))
    }

    fn try_and_replace(
        &mut self,
        codec: &dyn Codec,
        parts: &[Part],
        schema: &Schema,
        encoded: &mut [Encoded],
    ) -> Result<bool> {
        let Some(found) = self.try_all(codec, parts, schema, encoded)? else { return Ok(false) };
        self.replace(encoded, found);
        Ok(true)
    }

    /// Takes the chunks that are smaller; what is far from it is not tried again.
    fn replace(&mut self, encoded: &mut [Encoded], found: Vec<(usize, Encoded)>) {
        for (index, chunk) in found {
            let (Some(at), Some(state)) = (encoded.get_mut(index), self.states.get_mut(index)) else { continue };
            if chunk.bytes.len() < at.bytes.len() {
                *at = chunk;
            } else if chunk.bytes.len() > at.bytes.len() + at.bytes.len() / HOPELESS_PART {
                state.level = None;
            }
        }
    }

    /// Gives neural chunks their parents, beside those of the columns that want none.
    fn choose(&mut self, codec: &dyn Codec, relations: &Relations, parts: &[Part]) -> Result<()> {
        let all: Vec<&Column> = parts.iter().map(|part| part.parent.column()).collect();
        let sample = neural::sample(&all)?;
        let chosen = codec.choose_parents(&sample.iter().collect::<Vec<_>>(), MAX_CHAIN)?;
        let mut graph = Graph::new(&relations.lists);
        for (index, state) in self.states.iter().enumerate() {
            if let (None, Some(relation)) = (state.level, relations.relation(index)) {
                graph.add(index, &relation.parents);
            }
        }
        for (index, state) in self.states.iter_mut().enumerate().filter(|(_, state)| state.level.is_some()) {
            let mut parents = Vec::new();
            let may_have = !matches!(relations.hints.get(index), Some(Hint::Independent) | None);
            for &parent in chosen.get(index).into_iter().flatten().filter(|_| may_have) {
                let is_allowed = relations.restriction(index).is_none_or(|allowed| allowed.contains(&parent));
                if is_allowed && parent != index && graph.allows(index, &[parent]) {
                    graph.add(index, &[parent]);
                    parents.push(parent);
                }
            }
            state.take(relations.lists.get(index).map_or(&[], Vec::as_slice), &parents);
        }
        Ok(())
    }

    /// Decides which columns keep the parents of models instead.
    fn settle(
        &mut self,
        relations: &mut Relations,
        parts: &[Part],
        schema: &Schema,
        encoded: &mut [Encoded],
        found: &mut Vec<(usize, Encoded)>,
        encoders: &mut Encoders,
    ) -> Result<()> {
        let none = Encoded::default();
        let neural = |index: usize| found.iter().find(|(at, _)| *at == index).map(|(_, chunk)| chunk.bytes.len());
        // The lists as they are if every column with a choice is neural.
        let mut lists: Vec<Vec<usize>> = relations.lists.clone();
        lists.resize(parts.len(), Vec::new());
        for ((index, list), state) in lists.iter_mut().enumerate().zip(&self.states) {
            if neural(index).is_some() {
                list.clone_from(&state.parents);
            } else if state.level.is_none()
                && let Some(relation) = relations.relation(index)
            {
                list.clone_from(&relation.parents);
            }
        }
        let mut related: Vec<(usize, usize)> = Vec::new();
        for (index, state) in self.states.iter().enumerate() {
            let other = encoded.get(index).unwrap_or(&none);
            if state.level.is_none() && neural(index).is_none() || other.needs == 0 {
                continue;
            }
            // What was not worth trying saves all.
            let saved = neural(index).map_or(usize::MAX, |size| size.saturating_sub(other.bytes.len()));
            related.push((saved, index));
        }
        sort_by_key(&mut related, |&(saved, index)| (std::cmp::Reverse(saved), index));
        let mut kept = vec![false; parts.len()];
        for (saved, index) in related {
            let before = lists.get_mut(index).map(std::mem::take).unwrap_or_default();
            let parents = encoded.get(index).map_or(&[][..], |other| &other.parents);
            let keeps = saved > 0 && Graph::new(&lists).allows(index, parents);
            if let (Some(list), Some(kept)) = (lists.get_mut(index), kept.get_mut(index)) {
                *list = if keeps { parents.to_vec() } else { before };
                *kept = keeps;
            }
        }
        for (index, is_kept) in kept.into_iter().enumerate() {
            let (Some(state), Some(other)) = (self.states.get_mut(index), encoded.get_mut(index)) else { continue };
            let was_tried = found.iter().any(|(at, _)| *at == index);
            if state.level.is_none() && !was_tried {
                continue;
            }
            if is_kept || !was_tried {
                state.needs = 0;
                state.parents.clear();
            }
            if is_kept {
                found.retain(|(at, _)| *at != index);
                continue;
            }
            relations.forget(index);
            if other.needs != 0
                && let (Some(part), Some(field)) = (parts.get(index), schema.columns.get(index))
            {
                let bytes = chunk::encode(part.parent.column(), encoders.for_part(field, part))?;
                *other = Encoded { bytes, ..Encoded::default() };
            }
        }
        Ok(())
    }
}

fn size(encoded: &[Encoded]) -> usize {
    encoded.iter().map(|chunk| chunk.bytes.len()).sum()
}

impl Relations {
    fn relation(&self, column: usize) -> Option<&Relation> {
        self.relations.as_ref()?.get(column)
    }

    /// Lets a column be encoded without models from now on.
    fn forget(&mut self, column: usize) {
        if let Some(relation) = self.relations.as_mut().and_then(|relations| relations.get_mut(column)) {
            *relation = Relation::default();
        }
    }
}
