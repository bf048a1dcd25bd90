//! The schema as a msgpack map, as Python 1.0 and 1.1 store it.
//!
//! Known keys come in the order of the original writer, unknown ones behind them.

use rmpv::Value;

#[cfg(feature = "writer")]
use super::msgpack::optional_text;
use super::msgpack::{self, Map};
use crate::bytes::to_u64;
use crate::error::{Error, Result};
#[cfg(feature = "writer")]
use crate::schema::Extra;
use crate::schema::{DataType, Field, Schema, SemanticType};

/// Parses a schema map.
///
/// # Errors
/// `corrupt` for a missing key, a wrong type or an unknown name; `limit-exceeded` for too many columns.
pub fn parse(bytes: &[u8], max_columns: u64) -> Result<Schema> {
    parse_map(Map::new(msgpack::parse(bytes)?, "schema")?, max_columns, |_| Ok(()))
}

/// Parses a schema map; `take` takes out of each column's map what is not the schema's.
///
/// # Errors
/// Those of [`parse`].
pub fn parse_map(mut map: Map, max_columns: u64, mut take: impl FnMut(&mut Map) -> Result<()>) -> Result<Schema> {
    let columns = map.array("columns")?;
    if to_u64(columns.len()) > max_columns {
        return Err(Error::limit("columns", to_u64(columns.len()), max_columns));
    }
    Ok(Schema {
        table_name: map.required_text("table_name")?,
        version: map.integer("version")?.unwrap_or(1),
        created_at: map.text("created_at")?,
        modified_at: map.text("modified_at")?,
        row_count: map.count("row_count")?.unwrap_or(0),
        default_compression: map.text("default_compression")?.unwrap_or_else(|| "zstd".to_owned()),
        enable_learned_indexes: map.boolean("enable_learned_indexes", true)?,
        columns: columns.into_iter().map(|column| parse_field(column, &mut take)).collect::<Result<_>>()?,
        column_groups: match map.take("column_groups") {
            None | Some(Value::Nil) => Vec::new(),
            Some(groups) => Map::new(groups, "column_groups")?.into_rest(),
        },
        extra: map.into_rest(),
    })
}

fn parse_field(value: Value, take: &mut impl FnMut(&mut Map) -> Result<()>) -> Result<Field> {
    let mut map = Map::new(value, "column")?;
    let name = map.required_text("name")?;
    let parsed = take(&mut map).and_then(|()| parse_named_field(map, &name));
    parsed.map_err(|error| error.in_column(&name))
}

fn parse_named_field(mut map: Map, name: &str) -> Result<Field> {
    Ok(Field {
        name: name.to_owned(),
        data_type: DataType::from_name(&map.required_text("data_type")?)?,
        nullable: map.boolean("nullable", true)?,
        semantic_type: match map.text("semantic_type")? {
            None => SemanticType::Unknown,
            Some(name) => SemanticType::from_name(&name)?,
        },
        description: map.text("description")?,
        statistics: map.take("statistics").unwrap_or(Value::Nil),
        compression_model: map.text("compression_model")?,
        use_dictionary: map.boolean("use_dictionary", false)?,
        create_learned_index: map.boolean("create_learned_index", false)?,
        index_model_type: map.text("index_model_type")?,
        contains_pii: map.boolean("contains_pii", false)?,
        typical_query_patterns: map.texts("typical_query_patterns")?,
        column_group: map.integer("column_group")?,
        extra: map.into_rest(),
    })
}

/// Checks that a schema reads back as it is.
///
/// # Errors
/// `invalid-argument` where unknown keys are known ones, or nested too deep.
#[cfg(feature = "writer")]
pub fn check(schema: &Schema) -> Result<()> {
    let bytes = serialize(schema);
    if parse(&bytes, u64::MAX).is_ok_and(|same| serialize(&same) == bytes) {
        return Ok(());
    }
    Err(Error::invalid("extra", "keys that the schema has already, or values nested too deep"))
}

/// Serializes a schema map.
#[cfg(feature = "writer")]
#[must_use]
pub fn serialize(schema: &Schema) -> Vec<u8> {
    msgpack::serialize(&schema_value(schema))
}

#[cfg(feature = "writer")]
fn schema_value(schema: &Schema) -> Value {
    let mut entries: Vec<(Value, Value)> = vec![
        ("table_name".into(), schema.table_name.as_str().into()),
        ("version".into(), schema.version.into()),
        ("created_at".into(), optional_text(schema.created_at.as_deref())),
        ("modified_at".into(), optional_text(schema.modified_at.as_deref())),
        ("row_count".into(), schema.row_count.into()),
        ("default_compression".into(), schema.default_compression.as_str().into()),
        ("enable_learned_indexes".into(), schema.enable_learned_indexes.into()),
        ("columns".into(), Value::Array(schema.columns.iter().map(field_value).collect())),
        ("column_groups".into(), Value::Map(schema.column_groups.clone())),
    ];
    entries.extend_from_slice(&schema.extra);
    Value::Map(entries)
}

#[cfg(feature = "writer")]
fn field_value(field: &Field) -> Value {
    let patterns = field.typical_query_patterns.iter().map(|pattern| pattern.as_str().into());
    let mut entries: Vec<(Value, Value)> = vec![
        ("name".into(), field.name.as_str().into()),
        ("data_type".into(), field.data_type.as_str().into()),
        ("nullable".into(), field.nullable.into()),
        ("semantic_type".into(), field.semantic_type.as_str().into()),
        ("description".into(), optional_text(field.description.as_deref())),
        ("statistics".into(), field.statistics.clone()),
        ("compression_model".into(), optional_text(field.compression_model.as_deref())),
        ("use_dictionary".into(), field.use_dictionary.into()),
        ("create_learned_index".into(), field.create_learned_index.into()),
        ("index_model_type".into(), optional_text(field.index_model_type.as_deref())),
        ("contains_pii".into(), field.contains_pii.into()),
        ("typical_query_patterns".into(), Value::Array(patterns.collect())),
        ("column_group".into(), field.column_group.map_or(Value::Nil, Value::from)),
    ];
    entries.extend_from_slice(&field.extra);
    Value::Map(entries)
}

/// Entries of a column's map without those that say what a missing key says.
#[cfg(feature = "writer")]
#[must_use]
pub fn short_field(field: &Field) -> Extra {
    without_defaults(field_value(field), field_value(&Field::new(&field.name, field.data_type)), &["name", "data_type"])
}

/// A schema map of the given column maps, without the row count and the keys that say what a missing key says.
#[cfg(feature = "writer")]
#[must_use]
pub fn short_schema(schema: &Schema, columns: Vec<Value>) -> Value {
    let bare = Schema { columns: Vec::new(), row_count: 0, ..schema.clone() };
    let mut entries =
        without_defaults(schema_value(&bare), schema_value(&Schema::new("", Vec::new())), &["table_name"]);
    entries.push(("columns".into(), Value::Array(columns)));
    Value::Map(entries)
}

#[cfg(feature = "writer")]
fn without_defaults(map: Value, defaults: Value, required: &[&str]) -> Extra {
    let (Value::Map(entries), Value::Map(defaults)) = (map, defaults) else { return Extra::new() };
    let says_more =
        |entry: &(Value, Value)| required.iter().any(|key| entry.0.as_str() == Some(key)) || !defaults.contains(entry);
    entries.into_iter().filter(says_more).collect()
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_unknown_ones_survive() {
        let mut field = Field::new("имя", DataType::Decimal);
        field.nullable = false;
        field.semantic_type = SemanticType::PiiName;
        field.description = Some("d".to_owned());
        field.statistics = Value::Map(vec![("min_value".into(), "1".into())]);
        field.compression_model = Some("neural".to_owned());
        field.use_dictionary = true;
        field.create_learned_index = true;
        field.index_model_type = Some("rmi".to_owned());
        field.contains_pii = true;
        field.typical_query_patterns = vec!["range".to_owned()];
        field.column_group = Some(-3);
        field.extra = vec![("new key".into(), Value::Binary(vec![1])), (5.into(), Value::Nil)];
        let mut schema = Schema::new("t", vec![field, Field::new("", DataType::Int8)]);
        schema.version = 3;
        schema.created_at = Some("2024".to_owned());
        schema.modified_at = Some("2025".to_owned());
        schema.row_count = 9;
        schema.default_compression = "lz4".to_owned();
        schema.enable_learned_indexes = false;
        schema.column_groups = vec![(1.into(), Value::Array(vec!["a".into()]))];
        schema.extra = vec![("x".into(), 1.5.into())];
        assert_eq!(parse(&serialize(&schema), 10).unwrap(), schema);
        assert_eq!(parse(&serialize(&schema), 1).unwrap_err().code().as_str(), "limit-exceeded");
    }

    #[test]
    fn what_the_original_requires_is_required() {
        let parse = |value: Value| parse(&msgpack::serialize(&value), 10);
        let error = parse(Value::Map(vec![])).unwrap_err();
        assert_eq!(error.to_string(), "schema has no \"table_name\"");
        let column = Value::Map(vec![("name".into(), "c".into()), ("data_type".into(), "int".into())]);
        let columns = ("columns".into(), Value::Array(vec![column]));
        let error = parse(Value::Map(vec![("table_name".into(), "t".into()), columns])).unwrap_err();
        assert_eq!(error.column(), Some("c"));
        assert_eq!(parse(Value::Map(vec![("table_name".into(), "t".into())])).unwrap(), Schema::new("t", vec![]));
    }
}
