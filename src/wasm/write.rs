//! Writing from JavaScript: canonical buffers in, a file out.

use js_sys::{
    BigInt64Array, BigUint64Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Object, Uint8Array,
    Uint16Array, Uint32Array,
};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use super::convert::{from_number, set, to_integer, to_number};
use super::{Reader, info, value};
use crate::bytes::to_usize;
use crate::column::{Bitmap, Column, MAX_PRECISION, Values, VarBytes};
use crate::compression::Compression;
use crate::encoding::chunk::ColumnType;
use crate::error::{Error, Result, hex};
use crate::format::Dialect;
use crate::schema::{DataType, Field, Schema, SemanticType, TimeUnit};
use crate::writer::{Bounds, Edit, LegacyWriter, WriteOptions};

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

#[derive(Deserialize)]
struct DataDto {
    length: f64,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    values: JsValue,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    offsets: JsValue,
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    validity: JsValue,
    unit: Option<String>,
    utc: Option<bool>,
    precision: Option<u8>,
    scale: Option<u8>,
}

/// Options and the schema without its columns, from `WriterSetup` of js/wasm-types.ts.
fn setup(options: JsValue) -> Result<(WriteOptions, Schema)> {
    let dto: WriteDto = info::from_js(options)?;
    let mut options = WriteOptions::new(Dialect::from_name(&dto.dialect)?);
    if let Some(name) = &dto.compression {
        let known = Compression::ALL.iter().copied().find(|codec| codec.as_str() == name);
        options.compression =
            known.ok_or_else(|| Error::invalid("compression", format!("{name:?} is not one of \"none\", \"zstd\"")))?;
    }
    options.level = dto.level.unwrap_or(options.level);
    options.created = from_number(dto.created.unwrap_or(0.0), "created")?;
    options.modified = from_number(dto.modified.or(dto.created).unwrap_or(0.0), "modified")?;
    options.lossy = dto.lossy.unwrap_or(false);
    if let Some(rows) = dto.row_group_rows {
        options.row_group_rows = u32::try_from(from_number(rows, "rowGroupRows")?).unwrap_or(u32::MAX);
    }
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
        let field = field_from_js(info::from_js(field)?)?;
        let column =
            column_from_js(info::from_js(data)?, field.data_type).map_err(|error| error.in_column(&field.name))?;
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
            let dto: FieldDto = info::from_js(field)?;
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

    /// Adds rows: `ColumnBuffers` of js/wasm-types.ts for every column. Where they are a part of what the caller gave,
    /// `first` is the row with which it begins; errors count from there.
    pub fn push(&mut self, columns: Vec<JsValue>, first: f64) -> Result<()> {
        let first = from_number(first, "first")?;
        self.take(columns).map_err(|error| error.counted_from(first))
    }

    fn take(&mut self, columns: Vec<JsValue>) -> Result<()> {
        if columns.len() != self.fields.len() {
            let why = format!("{} where the schema has {}", columns.len(), self.fields.len());
            return Err(Error::invalid("columns", why));
        }
        let convert = |((name, data_type), data): (&(String, DataType), JsValue)| {
            info::from_js(data).and_then(|data| column_from_js(data, *data_type)).map_err(|error| error.in_column(name))
        };
        let columns: Vec<Column> = self.fields.iter().zip(columns).map(convert).collect::<Result<_>>()?;
        self.writer.push(&columns)
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

/// How a file with other columns is made of an open one, whose verifier was prepared: `edits` are `EditSetup[]`, the
/// answer is an `Evolution` of js/wasm-types.ts.
#[wasm_bindgen]
pub fn evolve(reader: &Reader, edits: Vec<JsValue>, options: JsValue) -> Result<JsValue> {
    let (options, _) = setup(options)?;
    let edit = |edit: JsValue| {
        let dto: EditDto = info::from_js(edit)?;
        match (dto.drop, dto.rename, dto.to) {
            (Some(name), None, None) => Ok(Edit::Drop(name)),
            (None, Some(from), Some(to)) => Ok(Edit::Rename { from, to }),
            (None, None, None) => {
                let field = field_from_js(info::from_js(dto.field)?)?;
                let column = column_from_js(info::from_js(dto.data)?, field.data_type)
                    .map_err(|error| error.in_column(&field.name))?;
                Ok(Edit::Add(Box::new(field), column))
            }
            _ => Err(Error::invalid("edits", "each is one of { drop }, { rename, to }, { field, data }")),
        }
    };
    let edits: Vec<Edit> = edits.into_iter().map(edit).collect::<Result<_>>()?;
    let plan = crate::writer::evolve(reader.file()?, &edits, &options)?;
    let object = Object::new();
    set(&object, "header", Uint8Array::from(&plan.header[..]));
    let copy: Vec<f64> = plan.copy.iter().flat_map(|range| [to_number(range.start), to_number(range.end)]).collect();
    set(&object, "copy", Float64Array::from(&copy[..]));
    set(&object, "tail", Uint8Array::from(&plan.tail[..]));
    set(&object, "digest", hex(&plan.digest));
    Ok(object.into())
}

fn integer(value: Option<f64>, name: &'static str) -> Result<Option<i64>> {
    let exact = |value| to_integer(value).ok_or_else(|| Error::invalid(name, format!("{value} is not a whole number")));
    value.map(exact).transpose()
}

/// A name that a caller gave is the caller's argument, not a corrupt file.
fn argument<T>(name: &'static str, parsed: Result<T>) -> Result<T> {
    parsed.map_err(|error| Error::invalid(name, error.kind().to_string()))
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

fn array<T: JsCast>(value: &JsValue, name: &'static str) -> Result<T> {
    value.clone().dyn_into().map_err(|_| {
        let expected = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        Error::invalid(name, format!("is not a {expected}"))
    })
}

fn column_from_js(data: DataDto, data_type: DataType) -> Result<Column> {
    let length = to_usize(from_number(data.length, "length")?, "rows")?;
    let values = &data.values;
    let var_bytes = || -> Result<VarBytes> {
        let offsets = array::<Int32Array>(&data.offsets, "offsets")?.to_vec();
        argument("offsets", VarBytes::new(offsets, array::<Uint8Array>(values, "values")?.to_vec()))
    };
    let values = match data_type {
        DataType::Int8 => Values::Int8(array::<Int8Array>(values, "values")?.to_vec()),
        DataType::Int16 => Values::Int16(array::<Int16Array>(values, "values")?.to_vec()),
        DataType::Int32 => Values::Int32(array::<Int32Array>(values, "values")?.to_vec()),
        DataType::Int64 => Values::Int64(array::<BigInt64Array>(values, "values")?.to_vec()),
        DataType::UInt8 => Values::UInt8(array::<Uint8Array>(values, "values")?.to_vec()),
        DataType::UInt16 => Values::UInt16(array::<Uint16Array>(values, "values")?.to_vec()),
        DataType::UInt32 => Values::UInt32(array::<Uint32Array>(values, "values")?.to_vec()),
        DataType::UInt64 => Values::UInt64(array::<BigUint64Array>(values, "values")?.to_vec()),
        DataType::Float32 => Values::Float32(array::<Float32Array>(values, "values")?.to_vec()),
        DataType::Float64 => Values::Float64(array::<Float64Array>(values, "values")?.to_vec()),
        DataType::Boolean => {
            let bits = array::<Uint8Array>(values, "values")?.to_vec();
            Values::Boolean(argument("values", Bitmap::from_bytes(bits, length))?)
        }
        DataType::String => {
            let text = var_bytes()?;
            argument("values", text.check_utf8())?;
            Values::String(text)
        }
        DataType::Binary => Values::Binary(var_bytes()?),
        DataType::Date => Values::Date(array::<Int32Array>(values, "values")?.to_vec()),
        DataType::Timestamp => Values::Timestamp {
            unit: argument("unit", TimeUnit::from_name(data.unit.as_deref().unwrap_or("us")))?,
            utc: data.utc.unwrap_or(false),
            values: array::<BigInt64Array>(values, "values")?.to_vec(),
        },
        DataType::Decimal => decimals(&data)?,
    };
    if values.len() != length {
        return Err(Error::invalid("values", format!("{} values for a length of {length}", values.len())));
    }
    let validity = match data.validity.is_undefined() {
        true => None,
        false => {
            let bits = array::<Uint8Array>(&data.validity, "validity")?.to_vec();
            Some(argument("validity", Bitmap::from_bytes(bits, length))?)
        }
    };
    Column::new(values, validity)
}

fn decimals(data: &DataDto) -> Result<Values> {
    let halves = array::<BigUint64Array>(&data.values, "values")?.to_vec();
    let precision = data.precision.unwrap_or(MAX_PRECISION);
    let scale = data.scale.unwrap_or(0);
    if !(1..=MAX_PRECISION).contains(&precision) || scale > precision || !halves.len().is_multiple_of(2) {
        let why =
            format!("precision {precision} and scale {scale} (allowed: 1 to {MAX_PRECISION}, scale at most that)");
        return Err(Error::invalid("precision", why));
    }
    let limit = 10i128.pow(u32::from(precision));
    let mut values = Vec::with_capacity(halves.len() / 2);
    for (&low, &high) in halves.iter().step_by(2).zip(halves.iter().skip(1).step_by(2)) {
        let value = i128::from(high.cast_signed()) << 64 | i128::from(low);
        if value <= -limit || value >= limit {
            let error = Error::type_mismatch(format!("decimals of at most {precision} digits"), value.to_string());
            return Err(error.in_row(values.len()));
        }
        values.push(value);
    }
    Ok(Values::Decimal { precision, scale, values })
}
