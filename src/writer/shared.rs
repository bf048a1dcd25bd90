//! One file that several threads encode, each with a writer of its own of the same columns and options.
//!
//! ```text
//! writer of the file, helpers   hold       the first row group, in all of them
//!                               survey     some columns each: what these take alone, and models that are worth trying
//! writer of the file            plan       which of the models to try
//! writer of the file, helpers   attempt    those of some columns each
//! writer of the file            settle     the models that are of use: those of all row groups
//! all                           encode     columns of row groups that they hold, by these models
//! writer of the file            add        chunks of all columns of a row group, one row group after the other
//! ```
//! What they tell each other is bytes for the same build; those of several writers can stand behind each other. The file
//! is the same, whoever did what.

use std::borrow::Cow;

use super::StreamWriter;
use super::cross_column::{Relation, SAMPLED_FROM, Sample, Trial, Wanted, parents_of};
use super::row_group::{EncodedChunk, EncodedRowGroup, write_chunk};
use super::version2::{Part, rows_of, states_bounds};
use crate::bytes::{ByteReader, to_u64};
use crate::column::Column;
use crate::encoding::varint;
use crate::error::{Error, Result};
use crate::schema::Schema;
use crate::sort::sort_by_key;

/// Rows from which on the models of a first row group are settled on a sample of it, so that threads can share that.
pub const SHARED_FROM: usize = SAMPLED_FROM;

/// A row group that is not encoded yet.
pub(super) struct RowGroup {
    pub parts: Vec<Part>,
    /// Once it was asked for.
    sample: Option<Sample>,
}

impl RowGroup {
    pub(super) fn new(parts: Vec<Part>) -> Self {
        RowGroup { parts, sample: None }
    }

    pub(super) fn rows(&self) -> u64 {
        to_u64(rows_of(&self.parts))
    }

    /// The sample of the row group that is held, if there is one that is large enough.
    #[inline(never)]
    fn sampled<'a>(held: &'a mut Option<RowGroup>, schema: &Schema) -> Result<&'a Sample> {
        let group = held.as_mut().filter(|group| rows_of(&group.parts) >= SHARED_FROM).ok_or_else(holds_none)?;
        Ok(match &mut group.sample {
            Some(sample) => sample,
            none => none.insert(Sample::of(&group.parts, schema)?),
        })
    }
}

impl StreamWriter {
    /// Holds the next row group; then the writer is suspended until [`Self::add_row_group`] brings its chunks, or
    /// [`Self::resume`] encodes it.
    ///
    /// # Errors
    /// Those of [`Self::push`]; `invalid-argument` for no rows, for more than a row group has, and where other rows wait.
    pub fn hold<'a>(&mut self, columns: impl Into<Cow<'a, [Column]>>) -> Result<()> {
        self.check_ready()?;
        self.check_nothing_waits()?;
        let batch = self.check(columns.into())?;
        let rows = batch.first().map_or(0, |column| to_u64(column.len()));
        if rows == 0 || rows > self.options.row_group_rows.into() {
            return Err(Error::invalid("columns", format!("{rows} rows for a row group")));
        }
        self.check_total(rows)?;
        self.suspended = Some(RowGroup::new(self.parts(batch.into_iter().map(Cow::into_owned))?));
        Ok(())
    }

    fn check_nothing_waits(&self) -> Result<()> {
        match self.pending.first() {
            Some(column) if !column.is_empty() => {
                Err(Error::invalid("writer", "has rows that are not in a row group yet"))
            }
            _ => Ok(()),
        }
    }

    /// Looks for models of a column of the row group that it holds, for [`Self::plan`].
    ///
    /// # Errors
    /// `invalid-argument` where it holds none of [`SHARED_FROM`] rows, or for a column that is not there.
    pub fn survey(&mut self, column: usize) -> Result<Vec<u8>> {
        let sample = RowGroup::sampled(&mut self.suspended, &self.schema)?;
        let (_, wanted) = self.relations.survey(sample, column, &self.schema, &mut self.encoders)?;
        let mut out = Vec::new();
        wanted.into_iter().for_each(|wanted| wanted.write(&mut out));
        Ok(out)
    }

    /// Chooses the models to try, from what surveys of all columns found: for [`Self::attempt`].
    ///
    /// # Errors
    /// `corrupt`, `truncated` for what surveys do not give.
    pub fn plan(&self, surveys: &[u8]) -> Result<Vec<u8>> {
        let mut wanted = read_all(surveys, Wanted::read)?;
        sort_by_key(&mut wanted, Wanted::column);
        let mut out = Vec::new();
        self.relations.plan(&wanted).iter().for_each(|trial| trial.write(&mut out));
        Ok(out)
    }

    /// Tries the models of a plan on a column of the row group that it holds, for [`Self::settle`].
    ///
    /// # Errors
    /// `invalid-argument` as for surveys, `corrupt`, `truncated` for what [`Self::plan`] does not give.
    pub fn attempt(&mut self, plan: &[u8], column: usize) -> Result<Vec<u8>> {
        let sample = RowGroup::sampled(&mut self.suspended, &self.schema)?;
        let trials = read_all(plan, Trial::read)?;
        let mut out = Vec::new();
        if let Some(trial) = trials.iter().find(|trial| trial.column == column)
            && let Some((relation, _)) = self.relations.attempt(trial, sample, &self.schema, &mut self.encoders)?
        {
            varint::write_count(column, &mut out);
            relation.write(&mut out);
        }
        Ok(out)
    }

    /// Takes the models that were of use in attempts, for all row groups.
    ///
    /// # Errors
    /// `corrupt`, `truncated` for what attempts do not give.
    pub fn settle(&mut self, tried: &[u8]) -> Result<()> {
        let read = |reader: &mut ByteReader<'_>| Ok((varint::read_count(reader)?, Relation::read(reader)?));
        self.relations.keep(read_all(tried, read)?, self.types.len());
        // It has told what it could.
        self.suspended.iter_mut().for_each(|group| group.sample = None);
        Ok(())
    }

    /// The models of the columns, once these are settled. `None` before, and where neural chunks are wanted, for which
    /// each row group can matter to the next.
    #[must_use]
    pub fn models(&self) -> Option<Vec<u8>> {
        self.relations.write_models()
    }

    /// Takes over the models of another writer of the same columns, which has the same options.
    ///
    /// # Errors
    /// `corrupt`, `truncated` for what [`Self::models`] does not give.
    pub fn follow(&mut self, models: &[u8]) -> Result<()> {
        self.relations.read_models(models, self.types.len())
    }

    /// Encodes a column of the row group that it holds, and goes on holding it: for [`Self::add_row_group`].
    ///
    /// # Errors
    /// `invalid-argument` where it holds none, where no models are settled, or for a column that is not there.
    pub fn encode_column(&mut self, column: usize) -> Result<Vec<u8>> {
        let group = self.suspended.as_ref().ok_or_else(holds_none)?;
        if !self.relations.can_share() {
            return Err(Error::invalid("writer", "has not settled the models of its columns"));
        }
        let columns = parents_of(&group.parts);
        let encoded = self.relations.encode_column(&group.parts, &columns, column, &self.schema, &mut self.encoders)?;
        let mut out = Vec::new();
        let known = group.parts.get(column).zip(self.schema.columns.get(column)).zip(self.types.get(column));
        if let Some(((part, field), column_type)) = known {
            let chunk = EncodedChunk::of_part(part, encoded, states_bounds(field, self.options.bounds));
            write_chunk(column, group.rows(), &chunk, *column_type, &mut out)?;
        }
        Ok(out)
    }

    /// Adds the row group of these chunks, one of each column: that which it holds, or else the next one.
    ///
    /// # Errors
    /// `corrupt`, `truncated` for what [`Self::encode_column`] does not give, `invalid-argument` while rows wait for their
    /// row group, or where it holds another one, `limit-exceeded` for too many rows.
    pub fn add_row_group(&mut self, chunks: &[u8]) -> Result<()> {
        if let Some(error) = &self.failure {
            return Err(error.clone());
        }
        self.check_nothing_waits()?;
        let group = EncodedRowGroup::read(chunks, &self.types)?;
        if self.suspended.as_ref().is_some_and(|held| held.rows() != group.rows) {
            return Err(Error::invalid("writer", format!("holds another row group than that of {} rows", group.rows)));
        }
        self.check_total(group.rows)?;
        self.suspended = None;
        self.store(group);
        Ok(())
    }
}

fn holds_none() -> Error {
    Error::invalid("writer", format!("holds no row group of {SHARED_FROM} rows whose columns can be looked at"))
}

/// All of what stands behind each other.
fn read_all<T>(bytes: &[u8], read: impl Fn(&mut ByteReader<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut reader = ByteReader::new(bytes, 0);
    let mut all = Vec::new();
    while reader.remaining() > 0 {
        all.push(read(&mut reader)?);
    }
    Ok(all)
}
