//! Writing from JavaScript: canonical buffers in, a file out.

use js_sys::{Float64Array, Object, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use super::buffers::{argument, column_from_js};
use super::convert::{from_number, set, to_integer, to_number};
use super::{Reader, value};
use crate::bytes::Interrupt;
use crate::column::{Column, MAX_PRECISION};
use crate::compression::Compression;
use crate::encoding::chunk::ColumnType;
use crate::encoding::neural;
use crate::error::{Error, Result, hex};
use crate::format::Dialect;
use crate::schema::{DataType, Field, Schema, SemanticType};
use crate::writer::{Bounds, Edit, EncodedChunks, LegacyWriter, WriteOptions};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WriteDto {
    dialect: String,
    compression: Option<String>,
    level: Option<i32>,
    created: Option<f64>,
    modified: Option<f64>,
    lossy: Option<bool>,
    row_group_rows: Option<f64>,
    bounds: Option<String>,
    cross_column: Option<bool>,
    table_name: Option<String>,
    schema_version: Option<f64>,
    created_at: Option<String>,
    modified_at: Option<String>,
    enable_learned_indexes: Option<bool>,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    column_groups: JsValue,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    extra: JsValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldDto {
    utc: Option<bool>,
    precision: Option<u8>,
    scale: Option<u8>,
    name: String,
    #[serde(rename = "type")]
    data_type: String,
    nullable: Option<bool>,
    semantic_type: Option<String>,
    description: Option<String>,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    statistics: JsValue,
    compression_model: Option<String>,
    use_dictionary: Option<bool>,
    create_learned_index: Option<bool>,
    index_model_type: Option<String>,
    contains_pii: Option<bool>,
    typical_query_patterns: Option<Vec<String>>,
    column_group: Option<f64>,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    extra: JsValue,
}

/// A plain object from JavaScript.
fn from_js<T: for<'a> Deserialize<'a>>(value: JsValue) -> Result<T> {
    serde_wasm_bindgen::from_value(value).map_err(|error| Error::invalid("options", error.to_string()))
}

/// Options and the schema without its columns, from `WriterSetup` of js/wasm-types.ts.
fn setup(options: JsValue) -> Result<(WriteOptions, Schema)> {
    let mut dto: WriteDto = from_js(options)?;
    let mut options = WriteOptions::new(Dialect::from_name(&dto.dialect)?);
    if dto.compression.as_deref() == Some("neural") {
        // What is not neural is compressed as ever.
        let level = dto.level.take().unwrap_or(neural::DEFAULT_LEVEL.into());
        options.neural = Some(u8::try_from(level).unwrap_or(u8::MAX));
    } else if let Some(name) = &dto.compression {
        let known = Compression::ALL.iter().copied().find(|codec| codec.as_str() == name);
        options.compression = known.ok_or_else(|| {
            Error::invalid("compression", format!("{name:?} is not one of \"none\", \"zstd\", \"neural\""))
        })?;
    }
    options.level = dto.level.unwrap_or(options.level);
    options.created = from_number(dto.created.unwrap_or(0.0), "created")?;
    options.modified = from_number(dto.modified.or(dto.created).unwrap_or(0.0), "modified")?;
    options.lossy = dto.lossy.unwrap_or(false);
    if let Some(rows) = dto.row_group_rows {
        options.row_group_rows = u32::try_from(from_number(rows, "rowGroupRows")?).unwrap_or(u32::MAX);
    }
    options.cross_column = dto.cross_column.unwrap_or(options.cross_column);
    options.bounds = match dto.bounds.as_deref() {
        None | Some("no-pii") => Bounds::WithoutPii,
        Some("all") => Bounds::All,
        Some("none") => Bounds::None,
        Some(other) => {
            let why = format!("{other:?} is not one of \"all\", \"no-pii\", \"none\"");
            return Err(Error::invalid("bounds", why));
        }
    };
    let mut schema = Schema::new(dto.table_name.unwrap_or_default(), Vec::new());
    schema.version = integer(dto.schema_version, "schema.version")?.unwrap_or(1);
    schema.created_at = dto.created_at;
    schema.modified_at = dto.modified_at;
    schema.enable_learned_indexes = dto.enable_learned_indexes.unwrap_or(true);
    schema.column_groups = value::map_from_js(&dto.column_groups, "columnGroups")?;
    schema.extra = value::map_from_js(&dto.extra, "extra")?;
    Ok((options, schema))
}

/// A writer of one table of a legacy dialect.
#[wasm_bindgen]
pub struct TableWriter {
    writer: LegacyWriter,
}

#[wasm_bindgen]
impl TableWriter {
    /// `options` is `WriterSetup` of js/wasm-types.ts.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<TableWriter> {
        let (options, schema) = setup(options)?;
        Ok(TableWriter { writer: LegacyWriter::new(schema, options)? })
    }

    /// Adds a column: `field` is `FieldSetup`, `data` is `ColumnBuffers` of js/wasm-types.ts.
    pub fn add(&mut self, field: JsValue, data: JsValue) -> Result<()> {
        let field = field_from_js(from_js(field)?)?;
        let column = column_from_js(&data, field.data_type).map_err(|error| error.in_column(&field.name))?;
        self.writer.add(field, &column)
    }

    /// The file.
    pub fn finish(self) -> Result<Uint8Array> {
        Ok(Uint8Array::from(&self.writer.finish()?[..]))
    }
}

/// A writer of one table of version 2.
#[wasm_bindgen]
pub struct StreamWriter {
    writer: crate::writer::StreamWriter,
    fields: Vec<(String, DataType)>,
}

#[wasm_bindgen]
impl StreamWriter {
    /// `options` is `WriterSetup`, `fields` are `FieldSetup[]` of js/wasm-types.ts.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue, fields: Vec<JsValue>) -> Result<StreamWriter> {
        let (options, mut schema) = setup(options)?;
        let mut types = Vec::with_capacity(fields.len());
        for field in fields {
            let dto: FieldDto = from_js(field)?;
            let parameters = (dto.utc, dto.precision, dto.scale);
            let field = field_from_js(dto)?;
            let mut column_type = ColumnType::plain(field.data_type);
            match field.data_type {
                DataType::Timestamp => column_type.utc = parameters.0.unwrap_or(false),
                DataType::Decimal => {
                    column_type.precision = parameters.1.unwrap_or(MAX_PRECISION);
                    column_type.scale = parameters.2.unwrap_or(0);
                }
                _ => {}
            }
            types.push(column_type);
            schema.columns.push(field);
        }
        let fields = schema.columns.iter().map(|field| (field.name.clone(), field.data_type)).collect();
        Ok(StreamWriter { writer: crate::writer::StreamWriter::new(schema, types, options)?, fields })
    }

    /// A writer that adds row groups to an open file of version 2, whose verifier was prepared. Its output follows the
    /// first `start` bytes of the file.
    pub fn append(reader: &Reader, options: JsValue) -> Result<StreamWriter> {
        let (options, _) = setup(options)?;
        let file = reader.file()?;
        let fields = file.schema().columns.iter().map(|field| (field.name.clone(), field.data_type)).collect();
        Ok(StreamWriter { writer: crate::writer::StreamWriter::append(file, options)?, fields })
    }

    /// Where the output that was not taken yet starts in the file.
    #[wasm_bindgen(getter)]
    pub fn start(&self) -> f64 {
        to_number(self.writer.start())
    }

    /// Rows of the row groups that were encoded, with those of a file that is continued.
    #[wasm_bindgen(getter, js_name = encodedRows)]
    pub fn encoded_rows(&self) -> f64 {
        to_number(self.writer.encoded_rows())
    }

    /// Rows of the row group that waits for its neural chunks.
    #[wasm_bindgen(getter, js_name = suspendedRows)]
    pub fn suspended_rows(&self) -> f64 {
        to_number(self.writer.suspended_rows())
    }

    /// Adds rows: `ColumnBuffers` of js/wasm-types.ts for every column. Where they are a part of what the caller gave,
    /// `first` is the row with which it begins; errors count from there. Whether a row group now waits for its neural
    /// chunks: then the next call is `resume`.
    pub fn push(&mut self, columns: Vec<JsValue>, first: f64) -> Result<bool> {
        let first = from_number(first, "first")?;
        self.take(columns).map_err(|error| error.counted_from(first))?;
        Ok(self.writer.is_suspended())
    }

    /// Holds a row group, `first` as for `push`: it waits until `addRowGroup` brings its chunks, or `resume` encodes it.
    pub fn hold(&mut self, columns: Vec<JsValue>, first: f64) -> Result<()> {
        let first = from_number(first, "first")?;
        let hold = || self.writer.hold(self.columns(columns)?);
        hold().map_err(|error| error.counted_from(first))
    }

    /// Rows of a row group from which on its columns can be surveyed.
    #[wasm_bindgen(js_name = sharedFrom)]
    pub fn shared_from() -> u32 {
        u32::try_from(crate::writer::SHARED_FROM).unwrap_or(u32::MAX)
    }

    /// Looks for models of a column of the row group that it holds; `plan` takes what that gives for all columns.
    pub fn survey(&mut self, column: usize) -> Result<Uint8Array> {
        Ok(Uint8Array::from(&self.writer.survey(column)?[..]))
    }

    /// Chooses the models to try.
    pub fn plan(&self, surveys: &[u8]) -> Result<Uint8Array> {
        Ok(Uint8Array::from(&self.writer.plan(surveys)?[..]))
    }

    /// Tries the models of a plan on a column; `settle` takes what that gives for all columns.
    pub fn attempt(&mut self, plan: &[u8], column: usize) -> Result<Uint8Array> {
        Ok(Uint8Array::from(&self.writer.attempt(plan, column)?[..]))
    }

    /// Takes the models that were of use in attempts.
    pub fn settle(&mut self, tried: &[u8]) -> Result<()> {
        self.writer.settle(tried)
    }

    /// Goes on with a row group that waited. Whether it, or the next one, still waits.
    pub fn resume(&mut self) -> Result<bool> {
        self.writer.resume()?;
        Ok(self.writer.is_suspended())
    }

    /// Encodes the rows that do not fill a row group. Whether they wait for their neural chunks.
    pub fn flush(&mut self) -> Result<bool> {
        self.writer.flush()?;
        Ok(self.writer.is_suspended())
    }

    /// The models of the row groups that follow, for `follow` of the writer of a worker; `undefined` while there are none.
    pub fn models(&self) -> Option<Vec<u8>> {
        self.writer.models()
    }

    /// Encodes row groups by the models of another writer of the same columns and options.
    pub fn follow(&mut self, models: &[u8]) -> Result<()> {
        self.writer.follow(models)
    }

    /// Encodes a column of the row group that it holds; `addRowGroup` takes what that gives for all columns.
    #[wasm_bindgen(js_name = encodeColumn)]
    pub fn encode_column(&mut self, column: usize) -> Result<Uint8Array> {
        Ok(Uint8Array::from(&self.writer.encode_column(column)?[..]))
    }

    /// Adds the row group of these chunks.
    #[wasm_bindgen(js_name = addRowGroup)]
    pub fn add_row_group(&mut self, chunks: &[u8]) -> Result<()> {
        self.writer.add_row_group(chunks)
    }

    fn take(&mut self, columns: Vec<JsValue>) -> Result<()> {
        let columns = self.columns(columns)?;
        self.writer.push(columns)
    }

    #[inline(never)]
    fn columns(&self, columns: Vec<JsValue>) -> Result<Vec<Column>> {
        if columns.len() != self.fields.len() {
            let why = format!("{} where the schema has {}", columns.len(), self.fields.len());
            return Err(Error::invalid("columns", why));
        }
        let convert = |((name, data_type), data): (&(String, DataType), JsValue)| {
            column_from_js(&data, *data_type).map_err(|error| error.in_column(name))
        };
        self.fields.iter().zip(columns).map(convert).collect()
    }

    /// The bytes that are ready.
    #[wasm_bindgen(js_name = takeOutput)]
    pub fn take_output(&mut self) -> Uint8Array {
        Uint8Array::from(&self.writer.take_output()[..])
    }

    /// The rest of the file: `Finished` of js/wasm-types.ts.
    pub fn finish(self) -> Result<JsValue> {
        let finished = self.writer.finish()?;
        let object = Object::new();
        set(&object, "bytes", Uint8Array::from(&finished.bytes[..]));
        set(&object, "size", to_number(finished.written.size));
        set(&object, "numRows", to_number(finished.written.num_rows));
        set(&object, "digest", hex(&finished.written.digest));
        Ok(object.into())
    }
}

#[derive(Deserialize)]
struct EditDto {
    drop: Option<String>,
    rename: Option<String>,
    to: Option<String>,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    field: JsValue,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    data: JsValue,
}

/// Changes of the columns of one file.
#[wasm_bindgen]
pub struct Evolver {
    edits: Vec<Edit>,
    options: WriteOptions,
    known: EncodedChunks,
}

#[wasm_bindgen]
impl Evolver {
    /// `edits` are `EditSetup[]`, `options` is `WriterSetup` of js/wasm-types.ts.
    #[wasm_bindgen(constructor)]
    pub fn new(edits: Vec<JsValue>, options: JsValue) -> Result<Evolver> {
        let (options, _) = setup(options)?;
        let edit = |edit: JsValue| {
            let dto: EditDto = from_js(edit)?;
            match (dto.drop, dto.rename, dto.to) {
                (Some(name), None, None) => Ok(Edit::Drop(name)),
                (None, Some(from), Some(to)) => Ok(Edit::Rename { from, to }),
                (None, None, None) => {
                    let field = field_from_js(from_js(dto.field)?)?;
                    let column =
                        column_from_js(&dto.data, field.data_type).map_err(|error| error.in_column(&field.name))?;
                    Ok(Edit::Add(Box::new(field), column))
                }
                _ => Err(Error::invalid("edits", "each is one of { drop }, { rename, to }, { field, data }")),
            }
        };
        let edits = edits.into_iter().map(edit).collect::<Result<_>>()?;
        Ok(Evolver { edits, options, known: EncodedChunks::default() })
    }

    /// How the new file is made of the open one, whose verifier was prepared: an `Evolution` of js/wasm-types.ts; or
    /// `{ needs }`, ranges to supply to the reader before the next attempt; or `{ isSuspended: true }`, where that waits for
    /// neural chunks.
    pub fn attempt(&mut self, reader: &Reader) -> Result<JsValue> {
        let object = Object::new();
        let segments = reader.segments();
        let plan = match crate::writer::evolve(reader.file()?, &self.edits, &self.options, segments, &mut self.known) {
            Ok(Some(plan)) => plan,
            Ok(None) => {
                set(&object, "isSuspended", true);
                return Ok(object.into());
            }
            Err(Interrupt::Failed(error)) => return Err(error),
            Err(Interrupt::Need(ranges)) => {
                set(&object, "needs", Float64Array::from(&super::reader::flat(ranges)[..]));
                return Ok(object.into());
            }
        };
        set(&object, "header", Uint8Array::from(&plan.header[..]));
        let copy: Vec<f64> =
            plan.copy.iter().flat_map(|range| [to_number(range.start), to_number(range.end)]).collect();
        set(&object, "copy", Float64Array::from(&copy[..]));
        set(&object, "tail", Uint8Array::from(&plan.tail[..]));
        set(&object, "digest", hex(&plan.digest));
        Ok(object.into())
    }
}

fn integer(value: Option<f64>, name: &'static str) -> Result<Option<i64>> {
    let exact = |value| to_integer(value).ok_or_else(|| Error::invalid(name, format!("{value} is not a whole number")));
    value.map(exact).transpose()
}

fn field_from_js(dto: FieldDto) -> Result<Field> {
    let mut field = Field::new(dto.name, argument("type", DataType::from_name(&dto.data_type))?);
    field.nullable = dto.nullable.unwrap_or(true);
    if let Some(name) = dto.semantic_type {
        field.semantic_type = argument("semanticType", SemanticType::from_name(&name))?;
    }
    field.description = dto.description;
    field.statistics = value::from_js(&dto.statistics)?;
    field.compression_model = dto.compression_model;
    field.use_dictionary = dto.use_dictionary.unwrap_or(false);
    field.create_learned_index = dto.create_learned_index.unwrap_or(false);
    field.index_model_type = dto.index_model_type;
    field.contains_pii = dto.contains_pii.unwrap_or(false);
    field.typical_query_patterns = dto.typical_query_patterns.unwrap_or_default();
    field.column_group = integer(dto.column_group, "columnGroup")?;
    field.extra = value::map_from_js(&dto.extra, "extra")?;
    Ok(field)
}
