//! The models of one column, and how chunks are encoded by them.

use std::sync::Arc;

use super::search::{Candidate, bits_per_value};
use super::{Encoded, MARGIN};
use crate::bytes::ByteReader;
use crate::encoding::chunk::{self, Parents, Plan};
use crate::encoding::integer::linear::{Sum, Term};
use crate::encoding::parent::{Key, MAX_PARENTS, Parent};
use crate::encoding::{Encoder, Model, varint};
use crate::error::Result;

/// Relations of one column to others.
#[derive(Clone, Debug, Default)]
pub struct Relation {
    /// The columns that its models name.
    pub parents: Vec<usize>,
    pub plan: Plan,
    /// Whether it is known which of the models are of use, and how good they are.
    pub is_settled: bool,
}

impl Relation {
    pub fn is_related(&self) -> bool {
        !self.plan.values.is_empty() || !self.plan.validity.is_empty()
    }

    /// Adds the parents of a candidate to the list; its model, which names them by their position there. `None` where the
    /// list, which grows with what is appended to a file, is full.
    pub fn adopt(&mut self, candidate: &Candidate) -> Option<Model> {
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
    pub fn apply(&mut self, columns: &[Arc<Parent>], column: &Parent, encoder: &mut Encoder) -> Result<Encoded> {
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
    pub fn keep_only(&mut self, first: usize, needs: u64) -> bool {
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

impl Relation {
    /// Writes it for [`Self::read`].
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.is_settled.into());
        varint::write_list(&self.parents, out);
        for models in [&self.plan.validity, &self.plan.values] {
            varint::write_count(models.len(), out);
            models.iter().for_each(|model| model.write(out));
        }
        out.extend(self.plan.enough.to_bits().to_le_bytes());
    }

    /// # Errors
    /// `corrupt`, `truncated`.
    pub fn read(reader: &mut ByteReader<'_>) -> Result<Self> {
        let is_settled = reader.u8()? != 0;
        let parents = varint::read_list(reader)?;
        let mut models = || -> Result<Arc<[Model]>> {
            let count = varint::read_count(reader)?;
            (0..count).map(|_| Model::read(reader)).collect()
        };
        let (validity, values) = (models()?, models()?);
        let enough = f64::from_bits(reader.u64()?);
        Ok(Relation { parents, plan: Plan { validity, values, enough }, is_settled })
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
