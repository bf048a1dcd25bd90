//! Filters from JavaScript, in the form that `compileFilter` of js/filter.ts makes.

use js_sys::{Array, JsString, Uint8Array};
use wasm_bindgen::prelude::*;

use super::{Reader, RowGroup, convert};
use crate::error::{Error, Result};
use crate::filter::{Comparison, Expression, Literal, MAX_DEPTH, Matches, Number, Predicate};

/// A filter that is bound to the columns of an open file.
#[wasm_bindgen]
pub struct Filter {
    predicate: Predicate,
}

#[wasm_bindgen]
impl Filter {
    /// `expression` is `CompiledFilter` of js/filter.ts.
    #[wasm_bindgen(constructor)]
    pub fn new(reader: &Reader, expression: JsValue) -> Result<Filter> {
        let predicate = Predicate::new(reader.file()?, expression_from_js(&expression, 0)?)?;
        Ok(Filter { predicate })
    }

    /// Positions of the columns that it looks at, ascending.
    pub fn columns(&self) -> Vec<u32> {
        self.predicate.columns().iter().map(|&column| u32::try_from(column).unwrap_or(u32::MAX)).collect()
    }

    /// How many rows of a row group match by its statistics, once the columns are located: 0 none, 1 some may, 2 all.
    pub fn prune(&self, reader: &Reader, row_group: u32) -> Result<u32> {
        Ok(match self.predicate.prune(reader.file()?, row_group as usize) {
            Matches::None => 0,
            Matches::Some => 1,
            Matches::All => 2,
        })
    }

    /// The positions within a row group of the rows that match, of those that are among the rows
    /// `row_start..row_end` of the file. The group was supplied with the chunks of `columns()` and of those that they
    /// depend on.
    pub fn select(&self, reader: &Reader, group: &mut RowGroup, row_start: f64, row_end: f64) -> Result<Vec<u32>> {
        self.predicate.select(reader.file()?, &mut group.group, convert::row_range(row_start, row_end)?)
    }
}

fn wrong(what: &'static str) -> Error {
    Error::invalid("filter", what)
}

fn expression_from_js(value: &JsValue, depth: usize) -> Result<Expression> {
    if depth > MAX_DEPTH {
        return Err(Error::limit("depth of a filter", depth as u64, MAX_DEPTH as u64));
    }
    let parts = value.dyn_ref::<Array>().ok_or_else(|| wrong("is not in its compiled form"))?;
    let inner = || (1..parts.length()).map(|index| expression_from_js(&parts.get(index), depth + 1));
    let column = || parts.get(1).as_string().ok_or_else(|| wrong("compares with a column without name"));
    let comparison = match parts.get(0).as_string().as_deref() {
        Some("all") => return inner().collect::<Result<_>>().map(Expression::All),
        Some("any") => return inner().collect::<Result<_>>().map(Expression::Any),
        Some("not") => return Ok(Expression::Not(Box::new(expression_from_js(&parts.get(1), depth + 1)?))),
        Some("in") => {
            let values = (2..parts.length()).map(|index| literal_from_js(&parts.get(index)));
            return Ok(Expression::In { column: column()?, values: values.collect::<Result<_>>()? });
        }
        Some("=") => Comparison::Equal,
        Some("<") => Comparison::Less,
        Some("<=") => Comparison::LessOrEqual,
        Some(">") => Comparison::Greater,
        Some(">=") => Comparison::GreaterOrEqual,
        _ => return Err(wrong("has an unknown operator")),
    };
    Ok(Expression::Compare { column: column()?, comparison, value: literal_from_js(&parts.get(2))? })
}

fn literal_from_js(value: &JsValue) -> Result<Literal> {
    if value.is_null() {
        return Ok(Literal::Null);
    }
    if let Some(value) = value.as_bool() {
        return Ok(Literal::Boolean(value));
    }
    if let Some(value) = value.as_f64() {
        return Ok(Literal::Number(Number { value, text: convert::text(value) }));
    }
    if let Some(text) = value.dyn_ref::<JsString>() {
        return Ok(Literal::Text(text.into()));
    }
    if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
        return Ok(Literal::Bytes(bytes.to_vec()));
    }
    if value.is_bigint() {
        let integer = i128::try_from(value.clone());
        return integer.map(Literal::Integer).map_err(|_| wrong("compares with a bigint beyond 128 bits"));
    }
    Err(wrong("compares with something that is no value"))
}
