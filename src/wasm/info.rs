//! Metadata to JavaScript. The shapes are those of js/wasm-types.ts.

use js_sys::{BigInt, Object, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};

use super::convert::{from_number, set, to_number, warnings_to_js};
use super::properties::Properties;
use super::value;
use crate::encoding::chunk::ColumnType;
use crate::error::{Error, Result, hex};
use crate::format::{DIGEST_SIZE, Dialect};
use crate::reader::{File, Limits, OpenOptions, Problem, Verifier};
use crate::schema::{DataType, Field, SemanticType};
use crate::statistics::{ColumnStatistics, Order, Scalar};

/// Options of `open`, from `OpenLimits` of js/wasm-types.ts.
pub fn open_options(options: &JsValue) -> Result<OpenOptions> {
    let options = Properties(options);
    let limit =
        |name: &'static str, default| options.number(name)?.map_or(Ok(default), |value| from_number(value, name));
    let default = Limits::default();
    let limits = Limits {
        metadata_bytes: limit("maxMetadataBytes", default.metadata_bytes)?,
        column_bytes: limit("maxColumnBytes", default.column_bytes)?,
        columns: limit("maxColumns", default.columns)?,
    };
    let integrity = options.get("integrity").map(|value| {
        let bytes = value.dyn_into::<Uint8Array>().map_err(|_| Error::invalid("integrity", "is no Uint8Array"))?;
        let wrong = |bytes: Vec<u8>| Error::invalid("integrity", format!("{} bytes instead of 32", bytes.len()));
        <[u8; DIGEST_SIZE]>::try_from(bytes.to_vec()).map_err(wrong)
    });
    Ok(OpenOptions {
        limits,
        salvage: options.flag("salvage")?.unwrap_or(false),
        checksums: options.flag("checksums")?.unwrap_or(true),
        integrity: integrity.transpose()?,
    })
}

fn to_js<T: Serialize>(dto: &T) -> Result<JsValue> {
    serde_wasm_bindgen::to_value(dto).map_err(|error| Error::invalid("metadata", error.to_string()))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileDto<'a> {
    dialect: &'static str,
    num_rows: f64,
    created: Option<f64>,
    modified: Option<f64>,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    schema: JsValue,
    sections: Vec<SectionDto<'a>>,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    warnings: JsValue,
    lost_columns: Vec<usize>,
    digest: String,
}

#[derive(Serialize)]
struct SectionDto<'a> {
    name: &'a str,
    start: f64,
    end: f64,
}

/// `FileInfo`.
pub fn file_info(file: &File) -> Result<JsValue> {
    to_js(&FileDto {
        dialect: file.dialect().as_str(),
        num_rows: to_number(file.num_rows()),
        created: file.created().map(to_number),
        modified: file.modified().map(to_number),
        schema: schema_to_js(file)?,
        sections: file
            .sections()
            .iter()
            .map(|s| SectionDto { name: s.name, start: to_number(s.range.start), end: to_number(s.range.end) })
            .collect(),
        warnings: warnings_to_js(file.warnings()).into(),
        lost_columns: (0..file.schema().columns.len()).filter(|&column| file.is_lost(column)).collect(),
        digest: hex(&file.digest()),
    })
}

/// Statistics per column.
pub fn statistics(file: &File) -> Result<JsValue> {
    let all = js_sys::Array::new();
    let is_version_2 = file.dialect() == Dialect::Version2;
    for (field, column) in file.schema().columns.iter().zip(file.statistics()?) {
        all.push(&column.map_or(JsValue::UNDEFINED, |column| statistics_to_js(&column, field.data_type, is_version_2)));
    }
    Ok(all.into())
}

/// Statistics of every chunk of a column.
pub fn chunk_statistics(file: &File, column: usize) -> Result<JsValue> {
    let field = file.schema().columns.get(column).ok_or_else(|| Error::invalid("column", "is not there"))?;
    let all = (0..file.row_groups().len()).filter_map(|row_group| file.chunk_statistics(column, row_group));
    Ok(all.map(|found| statistics_to_js(found, field.data_type, true)).collect::<js_sys::Array>().into())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SchemaDto<'a> {
    table_name: &'a str,
    version: f64,
    created_at: Option<&'a str>,
    modified_at: Option<&'a str>,
    row_count: f64,
    default_compression: &'a str,
    enable_learned_indexes: bool,
    columns: Vec<FieldDto<'a>>,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    column_groups: JsValue,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    extra: JsValue,
}

/// What differs from [`Field::new`]; js/core.ts adds the rest, since each property crosses by a call.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldDto<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    data_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nullable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    semantic_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "JsValue::is_null", with = "serde_wasm_bindgen::preserve")]
    statistics: JsValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression_model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_dictionary: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_learned_index: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_model_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contains_pii: Option<bool>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    typical_query_patterns: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    column_group: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utc: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<u8>,
    #[serde(skip_serializing_if = "JsValue::is_undefined", with = "serde_wasm_bindgen::preserve")]
    extra: JsValue,
}

fn schema_to_js(file: &File) -> Result<JsValue> {
    let schema = file.schema();
    let columns = schema.columns.iter().enumerate();
    to_js(&SchemaDto {
        table_name: &schema.table_name,
        version: schema.version as f64,
        created_at: schema.created_at.as_deref(),
        modified_at: schema.modified_at.as_deref(),
        row_count: to_number(schema.row_count),
        default_compression: &schema.default_compression,
        enable_learned_indexes: schema.enable_learned_indexes,
        columns: columns.map(|(column, field)| field_dto(field, file.column_type(column))).collect(),
        column_groups: value::map_to_js(&schema.column_groups),
        extra: value::map_to_js(&schema.extra),
    })
}

fn field_dto(field: &Field, column_type: Option<ColumnType>) -> FieldDto<'_> {
    let decimal = column_type.filter(|_| field.data_type == DataType::Decimal);
    let timestamp = column_type.filter(|_| field.data_type == DataType::Timestamp);
    let set = |flag: bool| flag.then_some(true);
    FieldDto {
        utc: timestamp.map(|found| found.utc),
        precision: decimal.map(|found| found.precision),
        scale: decimal.map(|found| found.scale),
        name: &field.name,
        data_type: field.data_type.as_str(),
        nullable: (!field.nullable).then_some(false),
        semantic_type: (field.semantic_type != SemanticType::Unknown).then(|| field.semantic_type.as_str()),
        description: field.description.as_deref(),
        statistics: value::to_js(&field.statistics),
        compression_model: field.compression_model.as_deref(),
        use_dictionary: set(field.use_dictionary),
        create_learned_index: set(field.create_learned_index),
        index_model_type: field.index_model_type.as_deref(),
        contains_pii: set(field.contains_pii),
        typical_query_patterns: &field.typical_query_patterns,
        column_group: field.column_group.map(|group| group as f64),
        extra: if field.extra.is_empty() { JsValue::UNDEFINED } else { value::map_to_js(&field.extra) },
    }
}

/// `ColumnStatistics` of js/types.ts.
fn statistics_to_js(statistics: &ColumnStatistics, data_type: DataType, is_version_2: bool) -> JsValue {
    let object = Object::new();
    if let Some(min) = &statistics.min {
        set(&object, "min", scalar_to_js(min, data_type));
    }
    if let Some(max) = &statistics.max {
        set(&object, "max", scalar_to_js(max, data_type));
    }
    set(&object, "nullCount", to_number(statistics.null_count));
    set(&object, "totalCount", to_number(statistics.total_count));
    if let Some(count) = statistics.distinct_count {
        set(&object, "distinctCount", to_number(count));
    }
    if let Some(length) = statistics.avg_length {
        set(&object, "avgLength", length);
    }
    if let Some(count) = statistics.nan_count {
        set(&object, "nanCount", to_number(count));
    }
    if let Some(bytes) = statistics.value_bytes {
        set(&object, "valueBytes", to_number(bytes));
    }
    let order = match statistics.order {
        Order::None => None,
        Order::Ascending => Some("ascending"),
        Order::Descending => Some("descending"),
        Order::Equal => Some("equal"),
    };
    if let Some(order) = order {
        set(&object, "order", order);
    }
    if is_version_2 {
        set(&object, "minIsExact", statistics.min_is_exact);
        set(&object, "maxIsExact", statistics.max_is_exact);
        set(&object, "distinctIsExact", statistics.distinct_is_exact);
    }
    object.into()
}

/// The value as `Column.get` would give it.
fn scalar_to_js(scalar: &Scalar, data_type: DataType) -> JsValue {
    match scalar {
        Scalar::Boolean(value) => (*value).into(),
        Scalar::Integer(value) => match data_type {
            DataType::Int64 | DataType::UInt64 => BigInt::from(*value).into(),
            _ => (*value as f64).into(),
        },
        Scalar::Float32(value) => f64::from(*value).into(),
        Scalar::Float64(value) => (*value).into(),
        Scalar::Bytes(bytes) => Uint8Array::from(&bytes[..]).into(),
        other => other.to_text().unwrap_or_default().into(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordDto {
    name: String,
    column: Option<usize>,
    row_group: usize,
    header: f64,
    start: f64,
    end: f64,
    compression: String,
    group: Option<u32>,
    parents: Vec<usize>,
}

/// `RecordInfo[]`.
pub fn records(file: &File) -> Result<JsValue> {
    let records: Vec<_> = file
        .records()
        .into_iter()
        .map(|record| RecordDto {
            compression: record.codec_name(),
            name: record.name,
            column: record.column,
            row_group: record.row_group,
            header: to_number(record.header),
            start: to_number(record.range.start),
            end: to_number(record.range.end),
            group: record.group,
            parents: record.parents,
        })
        .collect();
    to_js(&records)
}

#[derive(Serialize)]
struct VerdictDto {
    ok: bool,
    expected: String,
    actual: String,
    problems: Vec<ProblemDto>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemDto {
    section: &'static str,
    column: Option<usize>,
    row_group: Option<usize>,
    start: f64,
    end: f64,
    expected: String,
    actual: String,
}

/// `Verdict`.
pub fn verdict(verifier: Verifier) -> Result<JsValue> {
    let verdict = verifier.finish();
    let problem = |problem: Problem| ProblemDto {
        section: problem.part.section,
        column: problem.part.column,
        row_group: problem.part.group,
        start: to_number(problem.part.range.start),
        end: to_number(problem.part.range.end),
        expected: hex(&problem.part.expected),
        actual: hex(&problem.actual),
    };
    to_js(&VerdictDto {
        ok: verdict.is_valid,
        expected: hex(&verdict.expected),
        actual: hex(&verdict.actual),
        problems: verdict.problems.into_iter().map(problem).collect(),
    })
}
