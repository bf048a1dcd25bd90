//! Writing from JavaScript: canonical buffers in, a file out.

use js_sys::{Float64Array, Object, Uint8Array};
use wasm_bindgen::prelude::*;

use super::buffers::{argument, column_from_js};
use super::convert::{from_number, set, to_number};
use super::properties::Properties;
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

/// Options and the schema without its columns, from `WriterSetup` of js/wasm-types.ts.
fn setup(options: &JsValue) -> Result<(WriteOptions, Schema)> {
    let given = Properties(options);
    let dialect = given.text("dialect")?.unwrap_or_default();
    let mut options = WriteOptions::new(Dialect::from_name(&dialect)?);
    let mut level: Option<i32> = given.integer("level")?;
    let compression = given.text("compression")?;
    if compression.as_deref() == Some("neural") {
        // What is not neural is compressed as ever.
        let level = level.take().unwrap_or(neural::DEFAULT_LEVEL.into());
        options.neural = Some(u8::try_from(level).unwrap_or(u8::MAX));
    } else if let Some(name) = &compression {
        let known = Compression::ALL.iter().copied().find(|codec| codec.as_str() == name);
        options.compression = known.ok_or_else(|| {
            Error::invalid("compression", format!("{name:?} is not one of \"none\", \"zstd\", \"neural\""))
        })?;
    }
    options.level = level.unwrap_or(options.level);
    let created = given.number("created")?;
    options.created = from_number(created.unwrap_or(0.0), "created")?;
    options.modified = from_number(given.number("modified")?.or(created).unwrap_or(0.0), "modified")?;
    options.lossy = given.flag("lossy")?.unwrap_or(false);
    if let Some(rows) = given.number("rowGroupRows")? {
        options.row_group_rows = u32::try_from(from_number(rows, "rowGroupRows")?).unwrap_or(u32::MAX);
    }
    options.cross_column = given.flag("crossColumn")?.unwrap_or(options.cross_column);
    options.bounds = match given.text("bounds")?.as_deref() {
        None | Some("no-pii") => Bounds::WithoutPii,
        Some("all") => Bounds::All,
        Some("none") => Bounds::None,
        Some(other) => {
            let why = format!("{other:?} is not one of \"all\", \"no-pii\", \"none\"");
            return Err(Error::invalid("bounds", why));
        }
    };
    let mut schema = Schema::new(given.text("tableName")?.unwrap_or_default(), Vec::new());
    schema.version = given.integer("schemaVersion")?.unwrap_or(1);
    schema.created_at = given.text("createdAt")?;
    schema.modified_at = given.text("modifiedAt")?;
    schema.enable_learned_indexes = given.flag("enableLearnedIndexes")?.unwrap_or(true);
    schema.column_groups = value::map_from_js(&given.raw("columnGroups"), "columnGroups")?;
    schema.extra = value::map_from_js(&given.raw("extra"), "extra")?;
    Ok((options, schema))
}

/// A column's part of the schema and its type, from `FieldSetup` of js/wasm-types.ts.
fn field(setup: &JsValue) -> Result<(Field, ColumnType)> {
    let given = Properties(setup);
    let data_type = argument("type", DataType::from_name(&given.text("type")?.unwrap_or_default()))?;
    let mut field = Field::new(given.text("name")?.unwrap_or_default(), data_type);
    field.nullable = given.flag("nullable")?.unwrap_or(true);
    if let Some(name) = given.text("semanticType")? {
        field.semantic_type = argument("semanticType", SemanticType::from_name(&name))?;
    }
    field.description = given.text("description")?;
    field.statistics = value::from_js(&given.raw("statistics"))?;
    field.compression_model = given.text("compressionModel")?;
    field.use_dictionary = given.flag("useDictionary")?.unwrap_or(false);
    field.create_learned_index = given.flag("createLearnedIndex")?.unwrap_or(false);
    field.index_model_type = given.text("indexModelType")?;
    field.contains_pii = given.flag("containsPii")?.unwrap_or(false);
    field.typical_query_patterns = given.texts("typicalQueryPatterns")?.unwrap_or_default();
    field.column_group = given.integer("columnGroup")?;
    field.extra = value::map_from_js(&given.raw("extra"), "extra")?;
    let mut column_type = ColumnType::plain(data_type);
    match data_type {
        DataType::Timestamp => column_type.utc = given.flag("utc")?.unwrap_or(false),
        DataType::Decimal => {
            column_type.precision = given.integer("precision")?.unwrap_or(MAX_PRECISION);
            column_type.scale = given.integer("scale")?.unwrap_or(0);
        }
        _ => {}
    }
    Ok((field, column_type))
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
        let (options, schema) = setup(&options)?;
        Ok(TableWriter { writer: LegacyWriter::new(schema, options)? })
    }

    /// Adds a column: `field` is `FieldSetup`, `data` is `ColumnBuffers` of js/wasm-types.ts.
    pub fn add(&mut self, field: JsValue, data: JsValue) -> Result<()> {
        let (field, _) = self::field(&field)?;
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
        let (options, mut schema) = setup(&options)?;
        let mut types = Vec::with_capacity(fields.len());
        for setup in fields {
            let (field, column_type) = field(&setup)?;
            types.push(column_type);
            schema.columns.push(field);
        }
        let fields = schema.columns.iter().map(|field| (field.name.clone(), field.data_type)).collect();
        Ok(StreamWriter { writer: crate::writer::StreamWriter::new(schema, types, options)?, fields })
    }

    /// A writer that adds row groups to an open file of version 2, whose verifier was prepared. Its output follows the
    /// first `start` bytes of the file.
    pub fn append(reader: &Reader, options: JsValue) -> Result<StreamWriter> {
        let (options, _) = setup(&options)?;
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

    /// How many bytes are ready.
    #[wasm_bindgen(getter, js_name = outputSize)]
    pub fn output_size(&self) -> usize {
        self.writer.output().len()
    }

    /// Moves the bytes that are ready to an array for just so many.
    #[wasm_bindgen(js_name = moveOutput)]
    pub fn move_output(&mut self, to: &Uint8Array) {
        to.copy_from(self.writer.output());
        self.writer.take_output();
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
        let (options, _) = setup(&options)?;
        let edit = |edit: JsValue| {
            let given = Properties(&edit);
            match (given.text("drop")?, given.text("rename")?, given.text("to")?) {
                (Some(name), None, None) => Ok(Edit::Drop(name)),
                (None, Some(from), Some(to)) => Ok(Edit::Rename { from, to }),
                (None, None, None) => {
                    let (field, _) = field(&given.raw("field"))?;
                    let column = column_from_js(&given.raw("data"), field.data_type)
                        .map_err(|error| error.in_column(&field.name))?;
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
