//! What is written is read again: random tables in every dialect that is written, and what a writer refuses.
#![cfg(feature = "writer")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod support;

use std::collections::HashSet;

use ncf::column::{Bitmap, Column, MAX_PRECISION, Values, VarBytes};
use ncf::compression::Compression;
use ncf::compression::zstd::{MAX_LEVEL, MIN_LEVEL};
use ncf::format::Dialect;
use ncf::reader::{self, OpenOptions};
use ncf::schema::{DataType, Extra, Field, Schema, SemanticType, TimeUnit};
use ncf::statistics::{ColumnStatistics, Scalar, from_python_text, measure, to_python_text};
use ncf::writer::{LegacyWriter, WriteOptions, write_all};
use ncf::{Error, Result};
use rmpv::Value;
use support::{Random, same_column};

/// Tables per dialect.
const TABLES: u64 = 300;
/// Their numbers of rows; 1000 objects fill one batch of a pickle.
const ROWS: &[usize] = &[0, 0, 1, 1, 2, 3, 7, 8, 9, 50, 64, 300, 999, 1000, 1001, 2500];
/// The types that Rust 2.0 can hold.
const RUST20_TYPES: &[DataType] = &[DataType::Int64, DataType::Float64, DataType::String];
/// Words that columns are made of.
const WORDS: &[&str] =
    &["a", "nan", "None", " ", "é", "имя", "日本語", "🚀", "e\u{301}", "\u{feff}", "\0", "\u{10ffff}", "x\ny", "\"'\\"];

/// Makes tables from a seed.
struct Maker {
    random: Random,
    dialect: Dialect,
    lossy: bool,
}

impl Maker {
    fn text(&mut self) -> String {
        let words = match self.random.below(20) {
            0..5 => 1,
            19 => 100,
            n => n,
        };
        (0..words).map(|_| *self.random.pick(WORDS)).collect()
    }

    fn optional_text(&mut self) -> Option<String> {
        match self.random.below(3) {
            0 => None,
            1 => Some(String::new()),
            _ => Some(self.text()),
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = *self.random.pick(&[0, 1, 2, 16, 255, 256, 300]);
        (0..length).map(|_| self.random.bits() as u8).collect()
    }

    /// A signed integer of at most 64 bits, extremes and neighbours of zero included.
    fn integer(&mut self) -> i64 {
        match self.random.below(6) {
            0 => *self.random.pick(&[i64::MIN, i64::MAX, i64::MIN + 1, -1, 0, 1]),
            1..4 => self.random.below(2000) as i64 - 1000,
            _ => (self.random.bits() as i64) >> self.random.below(64),
        }
    }

    /// A float of any bits.
    fn float(&mut self) -> f64 {
        match self.random.below(4) {
            0 => {
                let quiet = f64::from_bits(f64::NAN.to_bits() | 0xdead);
                let signaling = f64::from_bits(0x7ff0_0000_0000_0001);
                *self.random.pick(&[
                    f64::NAN,
                    -f64::NAN,
                    quiet,
                    signaling,
                    f64::INFINITY,
                    f64::NEG_INFINITY,
                    0.0,
                    -0.0,
                    f64::MIN_POSITIVE,
                    f64::from_bits(1),
                    f64::MAX,
                    f64::MIN,
                    0.1,
                    1e16,
                    9_007_199_254_740_993.0,
                ])
            }
            1 => f64::from_bits(self.random.bits()),
            _ => self.integer() as f64 / 100.0,
        }
    }

    fn single(&mut self) -> f32 {
        match self.random.below(2) {
            0 => f32::from_bits(self.random.bits() as u32),
            _ => self.float() as f32,
        }
    }

    fn decimal(&mut self, precision: u8) -> i128 {
        let end = 10i128.pow(precision.into());
        let wide = (i128::from(self.random.bits()) << 64 | i128::from(self.random.bits())) % end;
        *self.random.pick(&[0, 1, -1, end - 1, 1 - end, wide, wide / 1_000_000_007])
    }

    fn variable(&mut self, rows: usize, mut value: impl FnMut(&mut Self) -> Vec<u8>) -> Result<VarBytes> {
        let mut values = VarBytes::default();
        for _ in 0..rows {
            values.push(&value(self))?;
        }
        Ok(values)
    }

    fn numbers<T>(&mut self, rows: usize, mut number: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..rows).map(|_| number(self)).collect()
    }

    fn values(&mut self, data_type: DataType, rows: usize) -> Result<Values> {
        Ok(match data_type {
            DataType::Int8 => Values::Int8(self.numbers(rows, |maker| maker.integer() as i8)),
            DataType::Int16 => Values::Int16(self.numbers(rows, |maker| maker.integer() as i16)),
            DataType::Int32 => Values::Int32(self.numbers(rows, |maker| maker.integer() as i32)),
            DataType::Int64 => Values::Int64(self.numbers(rows, Self::integer)),
            DataType::UInt8 => Values::UInt8(self.numbers(rows, |maker| maker.integer() as u8)),
            DataType::UInt16 => Values::UInt16(self.numbers(rows, |maker| maker.integer() as u16)),
            DataType::UInt32 => Values::UInt32(self.numbers(rows, |maker| maker.integer() as u32)),
            DataType::UInt64 => Values::UInt64(self.numbers(rows, |maker| maker.integer() as u64)),
            DataType::Float32 => Values::Float32(self.numbers(rows, Self::single)),
            DataType::Float64 => Values::Float64(self.numbers(rows, Self::float)),
            DataType::String => Values::String(self.variable(rows, |maker| maker.text().into_bytes())?),
            DataType::Binary => Values::Binary(self.variable(rows, Self::bytes)?),
            DataType::Boolean => Values::Boolean((0..rows).map(|_| self.random.one_in(2)).collect()),
            DataType::Date => Values::Date(self.numbers(rows, |maker| maker.integer() as i32)),
            DataType::Timestamp => Values::Timestamp {
                unit: *self.random.pick(TimeUnit::ALL),
                utc: false,
                // The least integer is numpy's null.
                values: self.numbers(rows, |maker| maker.integer().max(i64::MIN + 1)),
            },
            DataType::Decimal => {
                let precision = 1 + self.random.below(MAX_PRECISION.into()) as u8;
                let scale = self.random.below(usize::from(precision) + 1) as u8;
                let values = self.numbers(rows, |maker| maker.decimal(precision));
                Values::Decimal { precision, scale, values }
            }
        })
    }

    /// A column that the dialect can hold.
    fn column(&mut self, data_type: DataType, rows: usize) -> Result<Column> {
        let mut values = self.values(data_type, rows)?;
        let nulls = match data_type {
            DataType::String | DataType::Binary | DataType::Boolean | DataType::Date => true,
            DataType::Timestamp | DataType::Decimal => true,
            DataType::Float32 | DataType::Float64 => self.lossy,
            _ => false,
        };
        let validity: Option<Bitmap> = match self.random.below(4) {
            _ if !nulls || self.dialect == Dialect::Rust20 => None,
            0 => None,
            1 => Some(Bitmap::filled(rows, false)),
            _ => Some((0..rows).map(|_| !self.random.one_in(3)).collect()),
        };
        if let (Values::String(text), true) = (&mut values, self.lossy || self.dialect == Dialect::Rust20) {
            // Empty text among the others.
            let mut with_empty = VarBytes::default();
            for value in text.iter() {
                with_empty.push(if self.random.one_in(5) { &[] } else { value })?;
            }
            *text = with_empty;
        }
        Column::new(values, validity)
    }

    /// Any msgpack value that is equal to itself.
    fn msgpack(&mut self, depth: usize) -> Value {
        match self.random.below(if depth == 0 { 9 } else { 11 }) {
            0 => Value::Nil,
            1 => Value::Boolean(self.random.one_in(2)),
            2 => Value::from(self.integer()),
            3 => Value::from(self.random.bits()),
            4 => Value::F32(self.integer() as f32),
            5 => Value::F64(self.integer() as f64),
            6 => Value::from(self.text()),
            7 => Value::Binary(self.bytes()),
            8 => Value::Ext(self.random.bits() as i8, self.bytes()),
            9 => Value::Array((0..self.random.below(20)).map(|_| self.msgpack(depth - 1)).collect()),
            _ => Value::Map(self.extra(depth - 1)),
        }
    }

    /// Keys of any type, none of them known.
    fn extra(&mut self, depth: usize) -> Extra {
        (0..self.random.below(4)).map(|_| (self.msgpack(depth), self.msgpack(depth))).collect()
    }

    fn field(&mut self, data_type: DataType, names: &mut HashSet<String>) -> Field {
        let mut name = String::new();
        while !names.insert(name.clone()) {
            name = self.text();
            if self.dialect == Dialect::Python10 {
                name = name.replace('\0', "");
            }
        }
        let mut field = Field::new(name, data_type);
        field.nullable = self.random.one_in(2);
        field.semantic_type = *self.random.pick(SemanticType::ALL);
        field.description = self.optional_text();
        field.statistics = self.msgpack(3);
        field.compression_model = self.optional_text();
        field.use_dictionary = self.random.one_in(2);
        field.create_learned_index = self.random.one_in(2);
        field.index_model_type = self.optional_text();
        field.contains_pii = self.random.one_in(2);
        field.typical_query_patterns = (0..self.random.below(3)).map(|_| self.text()).collect();
        field.column_group = *self.random.pick(&[None, None, Some(0), Some(1), Some(7), Some(u32::MAX.into())]);
        field.extra = self.extra(3);
        field
    }

    fn schema(&mut self) -> Schema {
        let types = if self.dialect == Dialect::Rust20 { RUST20_TYPES } else { DataType::ALL };
        let fewest = usize::from(self.dialect == Dialect::Python10);
        let most = *self.random.pick(&[1, 4, 9, 30]);
        let count = fewest + self.random.below(most);
        let mut names = HashSet::new();
        let mut columns = Vec::new();
        for _ in 0..count {
            let data_type = *self.random.pick(types);
            columns.push(self.field(data_type, &mut names));
        }
        let mut schema = Schema::new(self.text(), columns);
        schema.version = self.integer();
        schema.created_at = self.optional_text();
        schema.modified_at = self.optional_text();
        schema.row_count = self.random.bits();
        schema.default_compression = self.text();
        schema.enable_learned_indexes = self.random.one_in(2);
        schema.column_groups = self.extra(2);
        schema.extra = self.extra(4);
        schema
    }

    fn options(&mut self) -> WriteOptions {
        let mut options = WriteOptions::new(self.dialect);
        if self.dialect == Dialect::Python10 && self.random.one_in(4) {
            options.compression = Compression::None;
        }
        options.level = MIN_LEVEL + self.random.below(MAX_LEVEL as usize) as i32;
        options.created = self.random.bits() >> self.random.below(64);
        options.modified = self.random.bits() >> self.random.below(64);
        options.lossy = self.lossy;
        options
    }
}

/// The schema that comes back: the writer sets the row count and the codec, Rust 2.0 has room for little more.
fn expected_schema(schema: &Schema, rows: usize, options: &WriteOptions) -> Schema {
    let (row_count, default_compression) = (rows as u64, options.compression.as_str().to_owned());
    if options.dialect == Dialect::Python10 {
        return Schema { row_count, default_compression, ..schema.clone() };
    }
    let field = |field: &Field| {
        let mut kept = Field { nullable: field.nullable, ..Field::new(field.name.clone(), field.data_type) };
        let coarse = match field.semantic_type {
            SemanticType::PiiName
            | SemanticType::PiiEmail
            | SemanticType::PiiPhone
            | SemanticType::PiiAddress
            | SemanticType::Categorical => {
                kept.semantic_type = field.semantic_type;
                None
            }
            SemanticType::GeoLat | SemanticType::GeoLon => Some("Geographic"),
            SemanticType::TemporalDate | SemanticType::TemporalTimestamp => Some("Temporal"),
            _ => None,
        };
        kept.contains_pii = kept.semantic_type.is_pii();
        kept.extra = coarse.map(|word| ("rust_semantic_type".into(), word.into())).into_iter().collect();
        kept
    };
    let columns = schema.columns.iter().map(field).collect();
    Schema { row_count, version: schema.version, ..Schema::new(schema.table_name.clone(), columns) }
}

/// The column that comes back: in Python 1.0 empty text is null, a null float is NaN, and precision is not stored.
fn expected_column(column: &Column, dialect: Dialect) -> Result<Column> {
    if dialect == Dialect::Rust20 {
        return Ok(column.clone());
    }
    let valid = |row: usize| column.is_valid(row);
    match column.values() {
        Values::String(values) => {
            let validity = (0..values.len()).map(|row| valid(row) && !values.get(row).is_empty()).collect();
            Column::new(column.values().clone(), Some(validity))
        }
        Values::Float32(values) => {
            let stored = values.iter().enumerate().map(|(row, &value)| if valid(row) { value } else { f32::NAN });
            Column::new(Values::Float32(stored.collect()), None)
        }
        Values::Float64(values) => {
            let stored = values.iter().enumerate().map(|(row, &value)| if valid(row) { value } else { f64::NAN });
            Column::new(Values::Float64(stored.collect()), None)
        }
        Values::Decimal { scale, values, .. } => {
            // The scale is that of the texts, of which there have to be some.
            let scale = if column.num_nulls() < column.len() { *scale } else { 0 };
            let values = Values::Decimal { precision: MAX_PRECISION, scale, values: values.clone() };
            Column::new(values, column.validity().cloned())
        }
        values => Column::new(values.clone(), column.validity().cloned()),
    }
}

/// The statistics that come back: NaN counted as null, bounds as text or as floats.
fn expected_statistics(column: &Column, dialect: Dialect) -> ColumnStatistics {
    let measured = measure(column);
    let null_count = measured.null_count + measured.nan_count.unwrap_or(0);
    let total_count = measured.total_count;
    if dialect == Dialect::Python10 {
        let data_type = column.values().data_type();
        let stored = |scalar: &Scalar| from_python_text(&to_python_text(scalar), data_type);
        let (min, max) = (measured.min.as_ref().map(stored), measured.max.as_ref().map(stored));
        let ColumnStatistics { distinct_count, avg_length, .. } = measured;
        return ColumnStatistics {
            min,
            max,
            null_count,
            distinct_count,
            total_count,
            avg_length,
            ..ColumnStatistics::default()
        };
    }
    // Rust 2.0 counts empty text as null.
    let empty = match column.values() {
        Values::String(text) => text.iter().filter(|value| value.is_empty()).count() as u64,
        _ => 0,
    };
    let null_count = null_count + empty;
    let stored = |scalar: &Scalar| match scalar {
        Scalar::Integer(value) => Some(Scalar::Float64(*value as f64)),
        Scalar::Float64(_) => Some(scalar.clone()),
        _ => None,
    };
    let (min, max) = (measured.min.as_ref().and_then(stored), measured.max.as_ref().and_then(stored));
    ColumnStatistics { min, max, null_count, total_count, ..ColumnStatistics::default() }
}

fn check_table(seed: u64, dialect: Dialect, lossy: bool) -> Result<()> {
    let mut maker = Maker { random: Random::new(seed), dialect, lossy };
    let schema = maker.schema();
    let rows = if schema.columns.is_empty() { 0 } else { *maker.random.pick(ROWS) };
    let columns = schema.columns.iter().map(|field| maker.column(field.data_type, rows)).collect::<Result<Vec<_>>>()?;
    let options = maker.options();

    let bytes = write_all(&schema, &columns, options)?;
    assert!(bytes == write_all(&schema, &columns, options)?, "other bytes the second time");

    let table = reader::read_all(&bytes, &OpenOptions::default())?;
    let file = &table.file;
    assert_eq!((file.dialect(), file.num_rows()), (dialect, rows as u64));
    assert_eq!(file.schema(), &expected_schema(&schema, rows, &options));
    assert_eq!(table.warnings, []);
    let times = (dialect == Dialect::Python10).then_some((options.created, options.modified));
    assert_eq!(file.created().zip(file.modified()), times);
    assert_eq!(
        (table.columns.len(), file.statistics().expect("statistics of the file").len()),
        (columns.len(), columns.len())
    );
    for (index, column) in columns.iter().enumerate() {
        let name = &schema.columns[index].name;
        let found = table.columns[index].as_ref().expect("nothing is lost");
        let expected = expected_column(column, dialect)?;
        assert!(same_column(found, &expected), "column {name:?}: {found:?} instead of {expected:?}");
        // As text, because -0.0 equals 0.0.
        let found = format!("{:?}", file.statistics().expect("statistics of the file")[index]);
        assert_eq!(found, format!("{:?}", Some(expected_statistics(column, dialect))), "column {name:?}");
    }
    Ok(())
}

fn check_tables(dialect: Dialect, lossy: bool) {
    for seed in 0..TABLES {
        println!("{} lossy={lossy} seed={seed}", dialect.as_str());
        if let Err(error) = check_table(seed, dialect, lossy) {
            panic!("{error:?}");
        }
    }
}

#[test]
fn python10_tables_come_back() {
    check_tables(Dialect::Python10, false);
}

#[test]
fn lossy_python10_tables_come_back_but_for_what_the_dialect_cannot_tell_apart() {
    check_tables(Dialect::Python10, true);
}

#[test]
fn rust20_tables_come_back() {
    check_tables(Dialect::Rust20, false);
}

#[test]
fn every_level_gives_a_file_that_comes_back() -> Result<()> {
    let mut maker = Maker { random: Random::new(22), dialect: Dialect::Python10, lossy: false };
    let types = [DataType::Int64, DataType::Float32, DataType::String, DataType::Decimal];
    let fields: Vec<_> = types.iter().map(|&data_type| Field::new(data_type.as_str(), data_type)).collect();
    let columns = types.iter().map(|&data_type| maker.column(data_type, 5000)).collect::<Result<Vec<_>>>()?;
    let schema = Schema::new("levels", fields);
    for level in MIN_LEVEL..=MAX_LEVEL {
        let options = WriteOptions { level, ..WriteOptions::new(Dialect::Python10) };
        let bytes = write_all(&schema, &columns, options)?;
        let table = reader::read_all(&bytes, &OpenOptions::default())?;
        for (found, column) in table.columns.iter().flatten().zip(&columns) {
            assert!(same_column(found, &expected_column(column, Dialect::Python10)?), "level {level}");
        }
    }
    Ok(())
}

// What is refused.

fn ints(rows: i64) -> Column {
    Column::new(Values::Int64((0..rows).collect()), None).expect("a column")
}

fn with_null(values: Values) -> Column {
    let validity = (0..values.len()).map(|row| row > 0).collect();
    Column::new(values, Some(validity)).expect("a column")
}

fn texts(texts: &[&str]) -> Values {
    let mut values = VarBytes::default();
    texts.iter().for_each(|text| values.push(text.as_bytes()).expect("short text"));
    Values::String(values)
}

fn plain(values: Values) -> Column {
    Column::new(values, None).expect("a column")
}

/// Writes columns of those names, the types being those of the values, and gives the code and column of the error.
fn refusal(options: WriteOptions, columns: &[(&str, Column)]) -> Option<(&'static str, Option<String>)> {
    let fields = columns.iter().map(|(name, column)| Field::new(*name, column.values().data_type()));
    let schema = Schema::new("t", fields.collect());
    let columns: Vec<_> = columns.iter().map(|(_, column)| column.clone()).collect();
    code_and_column(write_all(&schema, &columns, options).err()?)
}

fn code_and_column(error: Error) -> Option<(&'static str, Option<String>)> {
    Some((error.code().as_str(), error.column().map(str::to_owned)))
}

fn in_column(code: &'static str, column: &str) -> Option<(&'static str, Option<String>)> {
    Some((code, Some(column.to_owned())))
}

const PYTHON10: Dialect = Dialect::Python10;
const RUST20: Dialect = Dialect::Rust20;

#[test]
fn refuses_nulls_where_the_dialect_has_none() {
    let integers = [
        Values::Int8(vec![1, 2]),
        Values::Int16(vec![1, 2]),
        Values::Int32(vec![1, 2]),
        Values::Int64(vec![1, 2]),
        Values::UInt8(vec![1, 2]),
        Values::UInt16(vec![1, 2]),
        Values::UInt32(vec![1, 2]),
        Values::UInt64(vec![1, 2]),
    ];
    let lossy = |dialect| WriteOptions { lossy: true, ..WriteOptions::new(dialect) };
    for values in integers {
        let columns = [("fine", ints(2)), ("bad", with_null(values))];
        assert_eq!(refusal(WriteOptions::new(PYTHON10), &columns), in_column("type-mismatch", "bad"));
        assert_eq!(refusal(lossy(PYTHON10), &columns), in_column("type-mismatch", "bad"));
    }
    for values in [Values::Float32(vec![1.0, 2.0]), Values::Float64(vec![1.0, 2.0])] {
        let columns = [("bad", with_null(values))];
        assert_eq!(refusal(WriteOptions::new(PYTHON10), &columns), in_column("type-mismatch", "bad"));
        assert_eq!(refusal(lossy(PYTHON10), &columns), None);
    }
    for values in [Values::Int64(vec![1, 2]), Values::Float64(vec![1.0, 2.0]), texts(&["a", "b"])] {
        let columns = [("fine", ints(2)), ("bad", with_null(values))];
        assert_eq!(refusal(WriteOptions::new(RUST20), &columns), in_column("type-mismatch", "bad"));
        assert_eq!(refusal(lossy(RUST20), &columns), in_column("type-mismatch", "bad"));
    }
}

#[test]
fn refuses_empty_text_that_would_become_null() {
    let columns = [("fine", ints(2)), ("bad", plain(texts(&["a", ""])))];
    assert_eq!(refusal(WriteOptions::new(PYTHON10), &columns), in_column("type-mismatch", "bad"));
    assert_eq!(refusal(WriteOptions { lossy: true, ..WriteOptions::new(PYTHON10) }, &columns), None);
    assert_eq!(refusal(WriteOptions::new(RUST20), &columns), None);
    // Under a null there may be anything.
    let null = with_null(texts(&["", "a"]));
    assert_eq!(refusal(WriteOptions::new(PYTHON10), &[("null", null)]), None);
}

#[test]
fn refuses_types_that_rust20_readers_do_not_know() {
    for &data_type in DataType::ALL {
        let columns = [("fine", ints(0)), ("bad", plain(Values::empty(data_type)))];
        let expected = if RUST20_TYPES.contains(&data_type) { None } else { in_column("type-mismatch", "bad") };
        assert_eq!(refusal(WriteOptions::new(RUST20), &columns), expected);
        assert_eq!(refusal(WriteOptions::new(PYTHON10), &columns), None);
    }
}

#[test]
fn refuses_names_that_would_be_lost() {
    let twice = [("a", ints(1)), ("b", ints(1)), ("a", ints(1))];
    for dialect in [PYTHON10, RUST20] {
        assert_eq!(refusal(WriteOptions::new(dialect), &twice), in_column("invalid-argument", "a"));
    }
    let nul = [("a", ints(1)), ("a\0b", ints(1))];
    assert_eq!(refusal(WriteOptions::new(PYTHON10), &nul), in_column("invalid-argument", "a\0b"));
    assert_eq!(refusal(WriteOptions::new(RUST20), &nul), None);
}

#[test]
fn refuses_columns_that_do_not_fit_together() {
    for dialect in [PYTHON10, RUST20] {
        let columns = [("a", ints(2)), ("b", ints(2)), ("c", ints(3))];
        assert_eq!(refusal(WriteOptions::new(dialect), &columns), in_column("invalid-argument", "c"));
        let columns = [("a", ints(0)), ("b", ints(1))];
        assert_eq!(refusal(WriteOptions::new(dialect), &columns), in_column("invalid-argument", "b"));

        let schema = Schema::new("t", vec![Field::new("a", DataType::Float64)]);
        let error = write_all(&schema, &[ints(1)], WriteOptions::new(dialect)).err();
        assert_eq!(error.and_then(code_and_column), in_column("type-mismatch", "a"));
        let error = write_all(&schema, &[], WriteOptions::new(dialect)).err();
        assert_eq!(error.and_then(code_and_column), Some(("invalid-argument", None)));
    }
}

#[test]
fn refuses_options_out_of_range() {
    let columns = [("a", ints(1))];
    let bad = Some(("invalid-argument", None));
    for dialect in [PYTHON10, RUST20] {
        for level in [i32::MIN, -1, 0, 23, i32::MAX] {
            assert_eq!(refusal(WriteOptions { level, ..WriteOptions::new(dialect) }, &columns), bad);
        }
    }
    assert_eq!(refusal(WriteOptions::new(Dialect::Python11), &columns), bad);
    assert_eq!(refusal(WriteOptions::new(Dialect::Python11), &[]), bad);
    let uncompressed = WriteOptions { compression: Compression::None, ..WriteOptions::new(RUST20) };
    assert_eq!(refusal(uncompressed, &columns), bad);
    assert_eq!(refusal(WriteOptions::new(PYTHON10), &[]), bad);
    assert_eq!(refusal(WriteOptions::new(RUST20), &[]), None);
}

#[test]
fn refuses_column_groups_out_of_range() -> Result<()> {
    for (group, expected) in [
        (-1, in_column("invalid-argument", "a")),
        (0, None),
        (i64::from(u32::MAX), None),
        (i64::from(u32::MAX) + 1, in_column("invalid-argument", "a")),
        (i64::MIN, in_column("invalid-argument", "a")),
    ] {
        let mut writer = LegacyWriter::new(Schema::new("t", Vec::new()), WriteOptions::new(PYTHON10))?;
        let field = Field { column_group: Some(group), ..Field::new("a", DataType::Int64) };
        assert_eq!(writer.add(field, &ints(1)).err().and_then(code_and_column), expected);
    }
    Ok(())
}

#[test]
fn refuses_the_timestamp_that_numpy_takes_for_null() {
    for &unit in TimeUnit::ALL {
        let values = Values::Timestamp { unit, utc: false, values: vec![i64::MIN, 0] };
        let bad = [("t", plain(values.clone()))];
        assert_eq!(refusal(WriteOptions::new(PYTHON10), &bad), in_column("type-mismatch", "t"));
        assert_eq!(refusal(WriteOptions::new(PYTHON10), &[("t", with_null(values))]), None);
    }
}

#[test]
fn a_refused_column_leaves_the_writer_usable() -> Result<()> {
    let mut writer = LegacyWriter::new(Schema::new("t", Vec::new()), WriteOptions::new(PYTHON10))?;
    writer.add(Field::new("a", DataType::Int64), &ints(2))?;
    let refused = writer.add(Field::new("b", DataType::Int64), &with_null(Values::Int64(vec![1, 2])));
    assert_eq!(refused.err().and_then(code_and_column), in_column("type-mismatch", "b"));
    writer.add(Field::new("b", DataType::String), &plain(texts(&["x", "y"])))?;
    let table = reader::read_all(&writer.finish()?, &OpenOptions::default())?;
    let types: Vec<_> = table.columns.iter().flatten().map(|column| column.values().data_type()).collect();
    assert_eq!(types, [DataType::Int64, DataType::String]);
    Ok(())
}

// Files that the reader would refuse or read as something else.

#[test]
fn refuses_text_that_is_not_utf8() -> Result<()> {
    for dialect in [PYTHON10, RUST20] {
        for (offsets, bytes) in [(vec![0, 1], &b"\xff"[..]), (vec![0, 1, 2], "é".as_bytes())] {
            let column = plain(Values::String(VarBytes::new(offsets, bytes.to_vec())?));
            assert_eq!(refusal(WriteOptions::new(dialect), &[("s", column)]), in_column("type-mismatch", "s"));
        }
    }
    Ok(())
}

#[test]
fn refuses_decimals_that_are_longer_than_they_may_be() {
    for (precision, scale, value) in [(2, 0, 100), (38, 39, 5), (38, 255, 5), (38, 0, i128::MAX), (39, 0, 1)] {
        let column = plain(Values::Decimal { precision, scale, values: vec![value] });
        assert_eq!(refusal(WriteOptions::new(PYTHON10), &[("d", column)]), in_column("type-mismatch", "d"));
    }
}

#[test]
fn instants_stay_instants() -> Result<()> {
    for utc in [true, false] {
        let column = plain(Values::Timestamp { unit: TimeUnit::Second, utc, values: vec![1] });
        let mut field = Field::new("t", DataType::Timestamp);
        for _ in 0..2 {
            let schema = Schema::new("t", vec![field]);
            let table = reader::read_all(
                &write_all(&schema, std::slice::from_ref(&column), WriteOptions::new(PYTHON10))?,
                &OpenOptions::default(),
            )?;
            assert_eq!(table.columns, [Some(column.clone())]);
            field = table.file.schema().columns[0].clone();
        }
    }
    Ok(())
}

#[test]
fn refuses_names_that_the_reader_gives_up_on() {
    let name = "x".repeat(300_000);
    assert_eq!(refusal(WriteOptions::new(PYTHON10), &[(&name, ints(1))]), in_column("invalid-argument", &name));
}

#[test]
fn refuses_unknown_keys_that_are_known_or_too_deep() {
    let write = |extra: Extra, of_field: Extra, dialect: Dialect| {
        let field = Field { extra: of_field, ..Field::new("a", DataType::Int64) };
        let schema = Schema { extra, ..Schema::new("t", vec![field]) };
        write_all(&schema, &[ints(1)], WriteOptions::new(dialect)).err().map(|error| error.code().as_str())
    };
    let deep = (0..100).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
    for extra in [("deep", deep), ("columns", 5.into()), ("table_name", "u".into())] {
        assert_eq!(write(vec![(extra.0.into(), extra.1)], Extra::new(), PYTHON10), Some("invalid-argument"));
    }
    for key in ["name", "data_type", "column_group"] {
        assert_eq!(write(Extra::new(), vec![(key.into(), "b".into())], PYTHON10), Some("invalid-argument"));
    }
    let semantic = vec![("rust_semantic_type".into(), "Unheard".into())];
    assert_eq!(write(Extra::new(), semantic, RUST20), Some("invalid-argument"));
}
