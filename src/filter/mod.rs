//! Predicates: which rows of a file match, exactly, and which chunks need not be read to know it.
//!
//! ```text
//! Expression                names and literals, as the caller writes them
//!     Predicate::new        bind: positions, and conditions on what the columns store
//! Predicate::prune          by the statistics of the chunks of a row group: none, some or all of its rows match
//! Predicate::select         by its values: the positions of the rows that match
//! ```
//!
//! # What matches
//!
//! Logic has two values, as in MongoDB and hyparquet. A comparison with a value does not hold for a null row, and
//! [`Expression::Not`] is plain negation: "not greater than 5" holds for null rows. A comparison for equality with
//! [`Literal::Null`] holds for the null rows alone; null among the values of [`Expression::In`] stands for them too.
//!
//! Comparisons are exact, whatever the types: no value of a column is rounded, and no literal is.
//!
//! | column | literal | order |
//! |---|---|---|
//! | integers | number, integer | as numbers: an int64 column can be compared with 2.5, 1e300 or 2^63 |
//! | float32, float64 | number, integer | as numbers, float32 by its value; -0.0 equals 0.0. NaN equals NaN, and is neither less nor greater than anything, nor less or equal |
//! | boolean | boolean | false before true |
//! | string | text | bytewise, which is the order of code points (that of UTF-16 units is another) |
//! | binary | bytes | bytewise |
//! | date | ISO 8601 text, number or integer of days | as points in time: a date is its midnight |
//! | timestamp | ISO 8601 text, number or integer of the column's unit | as points in time |
//! | decimal | text, number, integer | as numbers; a number means the decimal that it is written as: 19.99 is 1999 / 100 |
//!
//! Text of a date and of a timestamp can be used for either. Text without zone, and columns without zone, are taken to
//! be in UTC. Any other literal is a `type-mismatch` that names the column.
//!
//! # What is not read
//!
//! The statistics of a chunk (its zone map) answer a condition where its bounds lie on one side of it. Text that a chunk
//! stores as a dictionary is compared once per distinct value; where none or all of them match the rows are not looked
//! at. Conditions that the others of a conjunction have decided are not looked at, nor are their columns decoded.
//! Statistics of the legacy dialects, which describe the values before their conversion, are not used.

mod bind;
mod condition;
mod mask;
mod set;

use std::ops::Range;
use std::sync::Arc;

use crate::bytes::to_usize;
use crate::column::Column;
use crate::encoding::chunk::ColumnType;
use crate::error::{Error, Result};
use crate::reader::{File, RowGroup};
use crate::schema::Schema;
use condition::Condition;
use mask::Mask;

/// How deep expressions may be nested.
pub const MAX_DEPTH: usize = 256;

/// How many expressions and literals a predicate may consist of.
pub const MAX_TERMS: usize = 1_000_000;

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// No value.
    Null,
    /// False or true.
    Boolean(bool),
    /// A float, NaN and infinities included.
    Number(Number),
    /// A whole number.
    Integer(i128),
    /// Text, also that of a date, timestamp or decimal.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A float with its text. Whoever has a number can write it; that Rust can, too, is much code, of which the reader's module
/// has no other need.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// The float.
    pub value: f64,
    /// The shortest digits that tell it from others, as text of a decimal.
    pub text: String,
}

impl From<f64> for Literal {
    fn from(value: f64) -> Self {
        Literal::Number(Number { value, text: format!("{value:?}") })
    }
}

/// A comparison of the values of a column with a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A condition on the rows of a table; see the module for what it means.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// The value of a column compares so with a literal.
    Compare {
        /// Name of the column.
        column: String,
        /// How.
        comparison: Comparison,
        /// With what.
        value: Literal,
    },
    /// The value of a column equals one of these.
    In {
        /// Name of the column.
        column: String,
        /// The values; none match nothing.
        values: Vec<Literal>,
    },
    /// All of these hold; without any it holds.
    All(Vec<Expression>),
    /// One of these holds; without any it does not.
    Any(Vec<Expression>),
    /// This does not hold.
    Not(Box<Expression>),
}

/// How many rows match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matches {
    /// No row does.
    None,
    /// Some rows may; the values tell.
    Some,
    /// Every row does.
    All,
}

impl Matches {
    fn constant(all: bool) -> Self {
        if all { Matches::All } else { Matches::None }
    }

    /// [`Matches::Some`] instead of all rows, if others may be among them.
    fn unless_all(self, others: bool) -> Self {
        if self == Matches::All && others { Matches::Some } else { self }
    }
}

/// A tree of conditions on columns, which are positions in [`Predicate::columns`].
#[derive(Debug)]
enum Node<T> {
    Constant(bool),
    Test(usize, T),
    All(Vec<Node<T>>),
    Any(Vec<Node<T>>),
    Not(Box<Node<T>>),
}

impl<T> Node<T> {
    /// All of these hold; constants are left out, or are all there is.
    fn all(nodes: impl Iterator<Item = Node<T>>) -> Self {
        Node::join(nodes, true, Node::All)
    }

    /// One of these holds.
    fn any(nodes: impl Iterator<Item = Node<T>>) -> Self {
        Node::join(nodes, false, Node::Any)
    }

    fn join(nodes: impl Iterator<Item = Node<T>>, neutral: bool, make: fn(Vec<Node<T>>) -> Node<T>) -> Self {
        let mut kept = Vec::new();
        for node in nodes {
            match node {
                Node::Constant(value) if value == neutral => {}
                Node::Constant(value) => return Node::Constant(value),
                node => kept.push(node),
            }
        }
        match kept.pop() {
            None => Node::Constant(neutral),
            Some(only) if kept.is_empty() => only,
            Some(last) => {
                kept.push(last);
                make(kept)
            }
        }
    }

    fn not(node: Node<T>) -> Self {
        match node {
            Node::Constant(value) => Node::Constant(!value),
            Node::Not(inner) => *inner,
            node => Node::Not(Box::new(node)),
        }
    }

    /// The one column that it is about, if it is one.
    fn only_column(&self) -> Option<usize> {
        match self {
            Node::Constant(_) => None,
            Node::Test(column, _) => Some(*column),
            Node::Not(node) => node.only_column(),
            Node::All(nodes) | Node::Any(nodes) => {
                let mut columns = nodes.iter().map(Node::only_column);
                let first = columns.next()??;
                columns.all(|column| column == Some(first)).then_some(first)
            }
        }
    }
}

impl Node<Condition> {
    /// Whether it looks at text or bytes, which take longer.
    fn is_slow(&self) -> bool {
        match self {
            Node::Constant(_) => false,
            Node::Test(_, condition) => condition.is_bytes(),
            Node::Not(node) => node.is_slow(),
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().any(Node::is_slow),
        }
    }

    /// What is left to decide where some conditions are decided.
    fn reduce(&self, matches: &dyn Fn(usize, &Condition) -> Matches) -> Node<&Condition> {
        match self {
            Node::Constant(value) => Node::Constant(*value),
            Node::Test(column, condition) => match matches(*column, condition) {
                Matches::None => Node::Constant(false),
                Matches::Some => Node::Test(*column, condition),
                Matches::All => Node::Constant(true),
            },
            Node::All(nodes) => Node::all(nodes.iter().map(|node| node.reduce(matches))),
            Node::Any(nodes) => Node::any(nodes.iter().map(|node| node.reduce(matches))),
            Node::Not(node) => Node::not(node.reduce(matches)),
        }
    }
}

/// The columns that an expression names.
#[derive(Debug, Default)]
struct Names {
    /// Names in order, each with the position of its column in the schema.
    names: Vec<(String, usize)>,
    /// Positions in the schema in order, without duplicates.
    columns: Vec<usize>,
}

impl Names {
    /// Collects the names of an expression, and counts what it consists of.
    fn collect(&mut self, expression: &Expression, schema: &Schema, depth: usize, terms: &mut usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::limit("depth of a filter", depth as u64, MAX_DEPTH as u64));
        }
        *terms = terms.saturating_add(match expression {
            Expression::In { values, .. } => values.len().saturating_add(1),
            _ => 1,
        });
        if *terms > MAX_TERMS {
            return Err(Error::limit("conditions and values of a filter", *terms as u64, MAX_TERMS as u64));
        }
        match expression {
            Expression::Compare { column, .. } | Expression::In { column, .. } => self.add(column, schema),
            Expression::All(inner) | Expression::Any(inner) => {
                inner.iter().try_for_each(|inner| self.collect(inner, schema, depth + 1, terms))
            }
            Expression::Not(inner) => self.collect(inner, schema, depth + 1, terms),
        }
    }

    fn find(&self, name: &str) -> std::result::Result<usize, usize> {
        self.names.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }

    fn add(&mut self, name: &str, schema: &Schema) -> Result<()> {
        if let Err(at) = self.find(name) {
            let column = schema.index_of(name)?;
            self.names.insert(at, (name.to_owned(), column));
            if let Err(at) = self.columns.binary_search(&column) {
                self.columns.insert(at, column);
            }
        }
        Ok(())
    }

    /// The conditions of an expression on columns of these types.
    fn bind(&self, expression: &Expression, types: &[ColumnType]) -> Result<Node<Condition>> {
        let slot = |name: &str| -> Result<(usize, ColumnType)> {
            let column = self.find(name).ok().and_then(|at| self.names.get(at)).map(|(_, column)| *column);
            let slot = column.and_then(|column| self.columns.binary_search(&column).ok());
            let found = slot.and_then(|slot| Some((slot, *types.get(slot)?)));
            found.ok_or_else(|| Error::unknown_column(name))
        };
        let test =
            |slot, condition: Option<Condition>| condition.map_or(Node::Constant(false), |c| Node::Test(slot, c));
        let in_order = |inner: &[Expression]| -> Result<Vec<Node<Condition>>> {
            let nodes = inner.iter().map(|inner| self.bind(inner, types)).collect::<Result<Vec<_>>>()?;
            let (slow, mut nodes): (Vec<_>, Vec<_>) = nodes.into_iter().partition(Node::is_slow);
            nodes.extend(slow);
            Ok(nodes)
        };
        Ok(match expression {
            Expression::Compare { column, comparison, value } => {
                let (slot, column_type) = slot(column)?;
                test(slot, bind::compare(column_type, *comparison, value).map_err(|error| error.in_column(column))?)
            }
            Expression::In { column, values } => {
                let (slot, column_type) = slot(column)?;
                let found = bind::one_of(column_type, values).map_err(|error| error.in_column(column))?;
                let null = values.contains(&Literal::Null).then_some(Condition::Null);
                Node::any([found, null].into_iter().map(|condition| test(slot, condition)))
            }
            Expression::All(inner) => Node::all(in_order(inner)?.into_iter()),
            Expression::Any(inner) => Node::any(in_order(inner)?.into_iter()),
            Expression::Not(inner) => Node::not(self.bind(inner, types)?),
        })
    }
}

/// An expression that is bound to the columns of a file.
#[derive(Debug)]
pub struct Predicate {
    names: Names,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// The file states the types of its columns.
    Bound(Node<Condition>),
    /// A legacy file, where the content of a column tells its type, unit and scale.
    Unbound(Expression),
}

impl Predicate {
    /// Finds the columns, and turns literals into what the columns store.
    ///
    /// # Errors
    /// `unknown-column`; `type-mismatch` for a literal that means nothing for the type of its column, where the file
    /// states the type (that of a legacy file is known when a column was decoded, see [`Self::select`]);
    /// `limit-exceeded` beyond [`MAX_DEPTH`] and [`MAX_TERMS`].
    pub fn new(file: &File, expression: Expression) -> Result<Self> {
        let mut names = Names::default();
        names.collect(&expression, file.schema(), 0, &mut 0)?;
        let types: Option<Vec<ColumnType>> = names.columns.iter().map(|&column| file.column_type(column)).collect();
        let form = match types {
            Some(types) => Form::Bound(names.bind(&expression, &types)?),
            None => Form::Unbound(expression),
        };
        Ok(Predicate { names, form })
    }

    /// The columns that it looks at: positions in the schema, ascending.
    #[must_use]
    pub fn columns(&self) -> &[usize] {
        &self.names.columns
    }

    /// What the statistics of a row group tell, if its columns were located; never wrong, perhaps undecided.
    #[must_use]
    pub fn prune(&self, file: &File, row_group: usize) -> Matches {
        match &self.form {
            Form::Bound(node) => match self.reduce(node, file, row_group) {
                Node::Constant(value) => Matches::constant(value),
                _ => Matches::Some,
            },
            Form::Unbound(_) => Matches::Some,
        }
    }

    /// What the statistics of a row group leave to decide.
    fn reduce<'a>(&self, node: &'a Node<Condition>, file: &File, row_group: usize) -> Node<&'a Condition> {
        node.reduce(&|slot, condition| {
            let column = self.names.columns.get(slot);
            let statistics = column.and_then(|&column| file.chunk_statistics(column, row_group));
            statistics.map_or(Matches::Some, |statistics| condition.matches(statistics))
        })
    }

    /// The rows of a row group that match, as ascending positions within it, of those that lie in a range of rows of
    /// the file. The group was supplied with the chunks of [`Self::columns`] and of their [`File::dependencies`]; not
    /// all of them need be decoded.
    ///
    /// # Errors
    /// Those of [`File::decode`]; `corrupt` where a column of a legacy file has another number of rows than the file,
    /// so that nobody knows which of its values belong to which row; `type-mismatch` for a literal that means nothing
    /// for what a column of a legacy file holds; `invalid-argument` for a row group that is not there.
    pub fn select(&self, file: &File, group: &mut RowGroup<'_>, rows: Range<u64>) -> Result<Vec<u32>> {
        let columns = self.columns();
        let row_group = group.index();
        let range = file.row_groups().get(row_group).cloned();
        let range = range.ok_or_else(|| Error::invalid("rowGroup", format!("{row_group} is not there")))?;
        let len = to_usize(range.end - range.start, "rows of a row group")?;
        let chunk = |&column: &usize| Chunk { column, decoded: None, entries: None, codes: None };
        let mut chunks = Chunks { file, group, len, chunks: columns.iter().map(chunk).collect() };
        let mask = match &self.form {
            Form::Bound(node) => evaluate(&self.reduce(node, file, row_group), &mut chunks)?,
            Form::Unbound(expression) => {
                let types = (0..columns.len()).map(|slot| Ok(ColumnType::of(chunks.column(slot)?.values())));
                let node = self.names.bind(expression, &types.collect::<Result<Vec<_>>>()?)?;
                evaluate(&node.reduce(&|_, _| Matches::Some), &mut chunks)?
            }
        };
        let within = |row: u64| usize::try_from(row.saturating_sub(range.start)).unwrap_or(usize::MAX);
        Ok(mask.positions(within(rows.start)..within(rows.end)))
    }
}

/// Where conditions find the columns that they look at.
trait Source {
    /// Rows of each column.
    fn len(&self) -> usize;

    /// A column.
    fn column(&mut self, slot: usize) -> Result<&Column>;

    /// The rows that match a part of the tree, if that is known without the columns.
    fn shortcut(&mut self, node: &Node<&Condition>) -> Result<Option<Mask>>;
}

fn evaluate(node: &Node<&Condition>, source: &mut dyn Source) -> Result<Mask> {
    if let Some(mask) = source.shortcut(node)? {
        return Ok(mask);
    }
    let len = source.len();
    match node {
        Node::Constant(value) => Ok(Mask::filled(len, *value)),
        Node::Test(slot, condition) => condition.rows(source.column(*slot)?),
        Node::Not(node) => Ok(evaluate(node, source)?.inverted()),
        Node::All(nodes) => {
            let mut mask = Mask::filled(len, true);
            for node in nodes {
                mask.and(&evaluate(node, source)?);
                if mask.constant() == Some(false) {
                    break;
                }
            }
            Ok(mask)
        }
        Node::Any(nodes) => {
            let mut mask = Mask::filled(len, false);
            for node in nodes {
                mask.or(&evaluate(node, source)?);
                if mask.constant() == Some(true) {
                    break;
                }
            }
            Ok(mask)
        }
    }
}

/// A chunk of one of the columns.
struct Chunk {
    column: usize,
    decoded: Option<Arc<Column>>,
    /// Its distinct values, where it stores them as such; `None` before anybody asked.
    entries: Option<Option<Column>>,
    /// Which of them each row holds.
    codes: Option<Vec<u32>>,
}

/// The chunks of a row group.
struct Chunks<'a, 'b> {
    file: &'a File,
    group: &'a mut RowGroup<'b>,
    len: usize,
    chunks: Vec<Chunk>,
}

impl Source for Chunks<'_, '_> {
    fn len(&self) -> usize {
        self.len
    }

    fn column(&mut self, slot: usize) -> Result<&Column> {
        let chunk = self.chunks.get_mut(slot).ok_or_else(|| Error::unknown_column(format!("#{slot}")))?;
        if chunk.decoded.is_none() {
            let (decoded, _) = self.file.decode(chunk.column, self.group)?;
            if decoded.len() != self.len {
                let what = format!(
                    "{} values where the file has {} rows: a filter cannot tell which belong together",
                    decoded.len(),
                    self.len
                );
                let name = self.file.schema().columns.get(chunk.column).map_or("", |field| &field.name);
                return Err(Error::corrupt(what).in_column(name));
            }
            chunk.decoded = Some(decoded);
        }
        chunk.decoded.as_deref().ok_or_else(|| Error::invalid("column", "was not decoded"))
    }

    fn shortcut(&mut self, node: &Node<&Condition>) -> Result<Option<Mask>> {
        let chunk = node.only_column().and_then(|slot| self.chunks.get_mut(slot));
        let Some(chunk) = chunk.filter(|chunk| chunk.decoded.is_none()) else { return Ok(None) };
        let Some(stored) = self.group.stored(chunk.column) else { return Ok(None) };
        let (column, row_group) = (chunk.column, self.group.index());
        let entries = match &mut chunk.entries {
            Some(known) => known,
            none => none.insert(self.file.distinct_values(column, row_group, stored)?),
        };
        let Some(entries) = entries else { return Ok(None) };
        let matching = evaluate(node, entries)?;
        if let Some(all) = matching.constant() {
            return Ok(Some(Mask::filled(self.len, all)));
        }
        if chunk.codes.is_none() {
            chunk.codes = self.file.distinct_codes(column, row_group, stored)?;
        }
        // The entry of null is the last.
        let null = entries.len().saturating_sub(1);
        let codes = chunk.codes.as_deref();
        Ok(codes.map(|codes| {
            Mask::of(codes, |code| matching.get(usize::try_from(code).map_or(null, |code| code.min(null))))
        }))
    }
}

/// One column alone, which every condition is about.
impl Source for Column {
    fn len(&self) -> usize {
        Column::len(self)
    }

    fn column(&mut self, _: usize) -> Result<&Column> {
        Ok(self)
    }

    fn shortcut(&mut self, _: &Node<&Condition>) -> Result<Option<Mask>> {
        Ok(None)
    }
}
