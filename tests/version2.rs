//! Version 2 files as a whole: what is written comes back bit by bit, in any row groups; every damage is an error or
//! changes nothing; row groups and columns are added and taken away without touching the others.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::cast_possible_truncation
)]

mod support;

use ncf::column::{Bitmap, Column, Values, VarBytes};
use ncf::encoding::chunk::ColumnType;
use ncf::format::Dialect;
use ncf::reader::{self, Assembly, File, OpenOptions, Rows};
use ncf::schema::{DataType, Field, Schema, SemanticType, TimeUnit};
use ncf::statistics::{Order, Scalar, measure};
use ncf::writer::{Bounds, Edit, StreamWriter, WriteOptions, evolve, write_all};
use rmpv::Value;
use support::{Host, Random, same_column};

fn options(row_group_rows: u32) -> WriteOptions {
    WriteOptions { row_group_rows, ..WriteOptions::new(Dialect::Version2) }
}

/// Random values of a type, of some shape that encodings care about.
fn values(data_type: DataType, rows: usize, random: &mut Random) -> Values {
    let shape = random.below(6);
    let words: Vec<String> = (0..1 + random.below(40)).map(|i| format!("{}-{i}", "wörd".repeat(i % 4))).collect();
    let number = |row: usize, random: &mut Random| match shape {
        0 => random.bits(),
        1 => random.below(5) as u64,
        2 => row as u64,
        3 => (row / 50) as u64 * 7,
        4 => random.below(1000) as u64,
        _ => 42,
    };
    macro_rules! numbers {
        ($convert:expr) => {
            (0..rows).map(|row| number(row, random)).map($convert).collect()
        };
    }
    match data_type {
        DataType::Int8 => Values::Int8(numbers!(|x| x as i8)),
        DataType::Int16 => Values::Int16(numbers!(|x| x as i16)),
        DataType::Int32 => Values::Int32(numbers!(|x| x as i32)),
        DataType::Int64 => Values::Int64(numbers!(|x| x as i64)),
        DataType::UInt8 => Values::UInt8(numbers!(|x| x as u8)),
        DataType::UInt16 => Values::UInt16(numbers!(|x| x as u16)),
        DataType::UInt32 => Values::UInt32(numbers!(|x| x as u32)),
        DataType::UInt64 => Values::UInt64(numbers!(|x| x)),
        DataType::Float32 => Values::Float32(numbers!(|x| match x % 9 {
            0 => -0.0,
            1 => f32::from_bits(0x7fc0_1234),
            2 => f32::from_bits(x as u32),
            _ => x as f32 / 8.0,
        })),
        DataType::Float64 => Values::Float64(numbers!(|x| match x % 9 {
            0 => -0.0,
            1 => f64::from_bits(0x7ff8_0000_dead_beef),
            2 => f64::from_bits(x),
            _ => (x % 100_000) as f64 / 100.0,
        })),
        DataType::Boolean => Values::Boolean(numbers!(|x: u64| x.is_multiple_of(3))),
        DataType::Date => Values::Date(numbers!(|x| x as i32)),
        DataType::Timestamp => Values::Timestamp {
            unit: TimeUnit::Microsecond,
            utc: shape.is_multiple_of(2),
            values: numbers!(|x| x as i64),
        },
        DataType::Decimal => Values::Decimal {
            precision: 38,
            scale: shape as u8,
            values: numbers!(|x| if x % 5 == 0 { -i128::from(x) * 1_000_000_007 } else { i128::from(x) }),
        },
        DataType::String | DataType::Binary => {
            let mut text = VarBytes::default();
            for row in 0..rows {
                let value = number(row, random);
                let value = match shape {
                    0 => format!("user{value}@example.com"),
                    1 | 4 => words[value as usize % words.len()].clone(),
                    2 => format!("User_{value}"),
                    3 => String::new(),
                    _ => "same".repeat(60),
                };
                text.push(value.as_bytes()).unwrap();
            }
            if data_type == DataType::String { Values::String(text) } else { Values::Binary(text) }
        }
    }
}

fn column(data_type: DataType, rows: usize, random: &mut Random) -> Column {
    let values = values(data_type, rows, random);
    let validity = match random.below(4) {
        0 => Some((0..rows).map(|_| random.below(7) > 0).collect()),
        1 => Some((0..rows).map(|row| row / 37 % 2 == 0).collect()),
        2 if random.below(4) == 0 => Some(Bitmap::filled(rows, false)),
        _ => None,
    };
    Column::new(values, validity).unwrap()
}

/// A table of random columns, at least one of each type from time to time.
fn table(random: &mut Random) -> (Schema, Vec<Column>) {
    let rows = *random.pick(&[0, 1, 2, 100, 777, 3000]);
    let types: Vec<DataType> = match random.below(3) {
        0 => DataType::ALL.to_vec(),
        _ => (0..random.below(6)).map(|_| *random.pick(DataType::ALL)).collect(),
    };
    let columns: Vec<Column> = types.iter().map(|&data_type| column(data_type, rows, random)).collect();
    let field = |(index, &data_type): (usize, &DataType)| {
        let mut field = Field::new(format!("столбец {index}"), data_type);
        field.column_group = [None, Some(7), Some(-1)][index % 3];
        field
    };
    (Schema::new("random", types.iter().enumerate().map(field).collect()), columns)
}

fn types(columns: &[Column]) -> Vec<ColumnType> {
    columns.iter().map(|column| ColumnType::of(column.values())).collect()
}

fn check(bytes: &[u8], schema: &Schema, columns: &[Column]) -> File {
    let table = reader::read_all(bytes, &OpenOptions::default()).unwrap();
    assert_eq!(table.columns.len(), columns.len());
    for ((found, column), field) in table.columns.iter().zip(columns).zip(&schema.columns) {
        assert!(same_column(found.as_ref().unwrap(), column), "{}", field.name);
    }
    assert!(table.warnings.is_empty());
    assert_eq!(table.file.schema().columns, schema.columns);
    table.file
}

#[test]
fn random_tables_come_back_bit_by_bit() {
    let mut random = Random::new(1);
    for _ in 0..150 {
        let (schema, columns) = table(&mut random);
        let options = WriteOptions {
            level: *random.pick(&[1, 3, 9]),
            compression: *random.pick(&[ncf::compression::Compression::Zstd, ncf::compression::Compression::None]),
            bounds: *random.pick(&[Bounds::All, Bounds::WithoutPii, Bounds::None]),
            ..options(
                *random
                    .pick(&[1, 8, 100, 1000, 100_000])
                    .max(&(columns.first().map_or(0, Column::len) as u32 / 60))
                    .max(&1),
            )
        };
        let whole = write_all(&schema, &columns, options).unwrap();
        check(&whole, &schema, &columns);

        // The same in batches of any size.
        let mut writer = StreamWriter::new(schema.clone(), types(&columns), options).unwrap();
        let (mut at, mut bytes) = (0, Vec::new());
        let rows = columns.first().map_or(0, Column::len);
        while at < rows {
            let end = rows.min(at + 1 + random.below(400));
            let batch: Vec<Column> = columns.iter().map(|column| column.slice(at..end)).collect();
            writer.push(&batch).unwrap();
            assert_eq!(writer.start(), bytes.len() as u64);
            bytes.extend(writer.take_output());
            at = end;
        }
        let finished = writer.finish().unwrap();
        bytes.extend(finished.bytes);
        assert_eq!(bytes, whole);
        assert_eq!((finished.written.size, finished.written.num_rows), (bytes.len() as u64, rows as u64));
    }
}

#[test]
fn statistics_are_those_of_the_rows() {
    let mut random = Random::new(2);
    for _ in 0..60 {
        let (schema, columns) = table(&mut random);
        let bytes = write_all(&schema, &columns, WriteOptions { bounds: Bounds::All, ..options(250) }).unwrap();
        let mut host = Host::new(&bytes);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        let all: Vec<usize> = (0..columns.len()).collect();
        host.run(|segments| file.locate(&all, segments)).unwrap();
        for (index, (column, found)) in columns.iter().zip(file.statistics().unwrap()).enumerate() {
            agrees(&found.unwrap(), column);
            for (group, rows) in file.row_groups().to_vec().iter().enumerate() {
                let part = column.slice(rows.start as usize..rows.end as usize);
                agrees(file.chunk_statistics(index, group).unwrap(), &part);
            }
        }
    }
}

fn agrees(found: &ncf::statistics::ColumnStatistics, column: &Column) {
    let expected = measure(column);
    assert_eq!((found.null_count, found.total_count), (expected.null_count, expected.total_count));
    assert_eq!((found.nan_count, found.value_bytes), (expected.nan_count, expected.value_bytes));
    assert!(found.distinct_is_exact);
    assert_eq!(found.distinct_count, expected.distinct_count);
    let order = if column.is_empty() || column.num_nulls() == column.len() { Order::Equal } else { expected.order };
    assert_eq!(found.order, order);
    for (found, expected, is_exact, below) in
        [(&found.min, &expected.min, found.min_is_exact, true), (&found.max, &expected.max, found.max_is_exact, false)]
    {
        if is_exact {
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        } else if let (Some(found), Some(expected)) = (found, expected) {
            let order = found.compare(expected).unwrap();
            assert!(if below { order.is_le() } else { order.is_ge() });
        }
    }
    if !matches!(column.values(), Values::String(_) | Values::Binary(_)) {
        assert!(expected.min.is_none() || (found.min_is_exact && found.max_is_exact));
    }
}

#[test]
fn bounds_of_personal_data_are_left_out() {
    let mut text = VarBytes::default();
    text.push(b"someone@example.com").unwrap();
    let columns = vec![Column::new(Values::String(text), None).unwrap(); 3];
    let mut fields: Vec<Field> = (0..3).map(|i| Field::new(format!("c{i}"), DataType::String)).collect();
    fields[0].contains_pii = true;
    fields[1].semantic_type = SemanticType::PiiEmail;
    let schema = Schema::new("t", fields);
    for (bounds, stated) in
        [(Bounds::All, [true, true, true]), (Bounds::WithoutPii, [false, false, true]), (Bounds::None, [false; 3])]
    {
        let options = WriteOptions { bounds, compression: ncf::compression::Compression::None, ..options(10) };
        let file = check(&write_all(&schema, &columns, options).unwrap(), &schema, &columns);
        let found: Vec<bool> = file.statistics().unwrap().iter().map(|s| s.as_ref().unwrap().max.is_some()).collect();
        assert_eq!(found, stated);
    }
}

#[test]
fn only_what_is_asked_for_is_fetched() {
    let mut random = Random::new(3);
    let rows = 40_000;
    let columns: Vec<Column> = (0..30).map(|_| column(DataType::Int64, rows, &mut random)).collect();
    let fields = (0..30).map(|i| Field::new(format!("c{i}"), DataType::Int64)).collect();
    let schema = Schema::new("t", fields);
    for group_rows in [500, 20_000] {
        let bytes = write_all(&schema, &columns, options(group_rows)).unwrap();
        let mut host = Host::new(&bytes);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        assert_eq!(host.rounds, 2, "the trailer, then the footer with what lies in front of it");
        let opened = host.fetched_bytes();
        host.run(|segments| file.locate(&[7], segments)).unwrap();
        assert_eq!(host.fetched_bytes(), opened, "the blocks came with the footer");
        let groups = file.row_groups_of(&(20_100..20_200));
        assert_eq!(groups.len(), 1);
        let range = file.chunk(7, groups.start).unwrap().unwrap();
        let mut assembly = Assembly::new(7);
        assembly.push(&file, groups.start, Some(host.fetch(&range)), Rows::Range(20_100..20_200)).unwrap();
        let (found, _) = assembly.finish(&file).unwrap();
        assert!(same_column(&found, &columns[7].slice(20_100..20_200)));
    }
}

#[test]
fn same_input_same_bytes_and_keys_survive() {
    let mut field = Field::new("a", DataType::Decimal);
    field.extra = vec![("new key".into(), Value::Array(vec![1.into()]))];
    field.description = Some("d".to_owned());
    field.typical_query_patterns = vec!["range".to_owned()];
    let mut schema = Schema::new("t", vec![field]);
    schema.version = 9;
    schema.column_groups = vec![(1.into(), "x".into())];
    schema.extra = vec![("metadata".into(), Value::Map(vec![("k".into(), "v".into())]))];
    let columns = [Column::new(Values::Decimal { precision: 20, scale: 3, values: vec![1, -2] }, None).unwrap()];
    let options = WriteOptions { created: 5, modified: 6, ..options(100) };
    let bytes = write_all(&schema, &columns, options).unwrap();
    assert_eq!(bytes, write_all(&schema, &columns, options).unwrap());
    let file = check(&bytes, &schema, &columns);
    assert_eq!((file.created(), file.modified()), (Some(5), Some(6)));
    schema.row_count = 2;
    assert_eq!(file.schema(), &schema);
    schema.columns[0].extra = vec![("precision".into(), 3.into())];
    assert_eq!(write_all(&schema, &columns, options).unwrap_err().code().as_str(), "invalid-argument");
}

#[test]
fn what_cannot_be_stored_is_refused_and_nothing_is_taken() {
    let schema = Schema::new("t", vec![Field::new("a", DataType::Timestamp)]);
    let stamps = |unit, values: Vec<i64>| Column::new(Values::Timestamp { unit, utc: false, values }, None).unwrap();
    let good = stamps(TimeUnit::Nanosecond, vec![1_000, -2_000]);
    let mut writer = StreamWriter::new(schema.clone(), types(std::slice::from_ref(&good)), options(10)).unwrap();
    writer.push(std::slice::from_ref(&good)).unwrap();
    for bad in [
        stamps(TimeUnit::Nanosecond, vec![1_001]),
        stamps(TimeUnit::Second, vec![i64::MAX]),
        Column::new(Values::Int64(vec![1]), None).unwrap(),
        Column::new(Values::Timestamp { unit: TimeUnit::Second, utc: true, values: vec![1] }, None).unwrap(),
    ] {
        let error = writer.push(&[bad]).unwrap_err();
        assert_eq!((error.code().as_str(), error.column()), ("type-mismatch", Some("a")));
    }
    assert_eq!(writer.push(&[]).unwrap_err().code().as_str(), "invalid-argument");
    let bytes = writer.finish().unwrap().bytes;
    check(&bytes, &schema, &[stamps(TimeUnit::Microsecond, vec![1, -2])]);
}

#[test]
fn row_groups_are_appended_behind_what_is_there() {
    let mut random = Random::new(4);
    for group_rows in [16, 300] {
        let (schema, first) = loop {
            let (schema, columns) = table(&mut random);
            if columns.first().is_some_and(|column| column.len() == 777) {
                break (schema, columns);
            }
        };
        let old = write_all(&schema, &first, options(group_rows)).unwrap();
        let mut host = Host::new(&old);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        host.run(|segments| file.verifier(segments)).unwrap();
        let mut writer = StreamWriter::append(&file, options(group_rows)).unwrap();
        let start = writer.start() as usize;
        let more: Vec<Column> = first.iter().map(|column| column.slice(100..500)).collect();
        writer.push(&more).unwrap();
        let finished = writer.finish().unwrap();
        let bytes = [&old[..start], &finished.bytes].concat();
        assert_eq!(finished.written.num_rows, 1177);
        let all: Vec<Column> = first
            .iter()
            .zip(&more)
            .map(|(first, more)| {
                let mut all = first.clone();
                all.append(more).unwrap();
                all
            })
            .collect();
        let file = check(&bytes, &schema, &all);
        for (column, found) in all.iter().zip(file.statistics().unwrap()) {
            let (found, expected) = (found.unwrap(), measure(column));
            assert_eq!((found.null_count, found.distinct_count), (expected.null_count, None));
            if let (Some(found), Some(expected)) = (found.min, expected.min) {
                assert!(found.compare(&expected).unwrap().is_le());
            }
        }
    }
}

#[test]
fn columns_are_dropped_renamed_and_added_by_moving_bytes() {
    let mut random = Random::new(5);
    let rows = 1000;
    let names = ["a", "b", "c", "d"];
    let columns: Vec<Column> = (0..4).map(|_| column(DataType::String, rows, &mut random)).collect();
    let schema = Schema::new("t", names.iter().map(|name| Field::new(*name, DataType::String)).collect());
    for group_rows in [10, 400] {
        let old = write_all(&schema, &columns, options(group_rows)).unwrap();
        let mut host = Host::new(&old);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        host.run(|segments| file.verifier(segments)).unwrap();
        let added = column(DataType::Int16, rows, &mut random);
        let edits = [
            Edit::Drop("b".to_owned()),
            Edit::Rename { from: "c".to_owned(), to: "b".to_owned() },
            Edit::Add(Box::new(Field::new("gone", DataType::Int16)), added.clone()),
            Edit::Add(Box::new(Field::new("e", DataType::Int16)), added.clone()),
            Edit::Drop("gone".to_owned()),
        ];
        let plan = evolve(&file, &edits, &options(group_rows)).unwrap();
        let mut bytes = plan.header.clone();
        for range in &plan.copy {
            bytes.extend(host.fetch(range));
        }
        bytes.extend(&plan.tail);
        let fields = ["a", "b", "d"].iter().map(|name| Field::new(*name, DataType::String));
        let schema = Schema::new("t", fields.chain([Field::new("e", DataType::Int16)]).collect());
        let expected = [columns[0].clone(), columns[2].clone(), columns[3].clone(), added];
        assert_eq!(check(&bytes, &schema, &expected).digest(), plan.digest);

        for (edit, code) in [
            (Edit::Drop("x".to_owned()), "unknown-column"),
            (Edit::Rename { from: "a".to_owned(), to: "b".to_owned() }, "invalid-argument"),
            (Edit::Add(Box::new(Field::new("n", DataType::Int16)), expected[3].slice(1..9)), "invalid-argument"),
        ] {
            assert_eq!(evolve(&file, &[edit], &options(10)).unwrap_err().code().as_str(), code);
        }
    }
}

/// Files of different shapes for damage: small, with blocks of their own, uncompressed, without rows.
fn shapes() -> Vec<(Vec<u8>, Vec<Column>)> {
    let mut random = Random::new(6);
    let mut all = Vec::new();
    for (rows, group_rows, compression) in [
        (300, 100, ncf::compression::Compression::Zstd),
        (300, 1000, ncf::compression::Compression::None),
        (700, 7, ncf::compression::Compression::Zstd),
        (0, 10, ncf::compression::Compression::Zstd),
        (5000, 5000, ncf::compression::Compression::Zstd),
    ] {
        let columns: Vec<Column> =
            DataType::ALL.iter().map(|&data_type| column(data_type, rows, &mut random)).collect();
        let fields = DataType::ALL.iter().map(|t| Field::new(t.as_str(), *t)).collect();
        let options = WriteOptions { compression, ..options(group_rows) };
        all.push((write_all(&Schema::new("t", fields), &columns, options).unwrap(), columns));
    }
    all
}

/// Reads all columns as a program does that does not verify first; checks of what is read stay on.
fn read(bytes: &[u8], options: &OpenOptions) -> ncf::Result<Vec<Column>> {
    let mut host = Host::new(bytes);
    host.supply_all()?;
    let mut file = host.open(options)?;
    (0..file.schema().columns.len()).map(|index| Ok(host.column(&mut file, index)?.0)).collect()
}

#[test]
fn every_flipped_bit_is_found_by_whoever_reads_it() {
    let mut random = Random::new(7);
    for (bytes, columns) in shapes() {
        let mut copy = bytes.clone();
        let strict = OpenOptions { integrity: Some(digest(&bytes)), ..OpenOptions::default() };
        for _ in 0..400 {
            let bit = random.below(bytes.len() * 8);
            copy[bit / 8] ^= 1 << (bit % 8);
            for options in [OpenOptions::default(), strict] {
                if let Ok(found) = read(&copy, &options) {
                    let same =
                        found.len() == columns.len() && found.iter().zip(&columns).all(|(a, b)| same_column(a, b));
                    assert!(same, "bit {bit} of {} changes values", bytes.len());
                }
            }
            let error = reader::read_all(&copy, &OpenOptions::default());
            assert!(error.is_err(), "bit {bit} of {} is not seen by verifying", bytes.len());
            copy[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    bytes[bytes.len() - 36..bytes.len() - 4].try_into().unwrap()
}

#[test]
fn damage_behind_the_checksums_is_an_error_or_harmless() {
    let mut random = Random::new(8);
    let unchecked = OpenOptions { checksums: false, ..OpenOptions::default() };
    for (bytes, columns) in shapes() {
        let rows = columns[0].len();
        for _ in 0..600 {
            let mut copy = bytes.clone();
            let at = random.below(bytes.len());
            copy[at] = random.bits() as u8;
            if let Ok(found) = read(&copy, &unchecked) {
                assert!(found.iter().all(|column| column.len() == rows));
            }
        }
    }
}

#[test]
fn every_cut_is_an_error() {
    for (bytes, _) in shapes() {
        for end in (0..bytes.len()).step_by(1 + bytes.len() / 500) {
            assert!(read(&bytes[..end], &OpenOptions::default()).is_err(), "cut at {end}");
            assert!(read(&bytes[bytes.len() - end..], &OpenOptions::default()).is_err(), "cut by {end} in front");
        }
    }
}

#[test]
fn one_digest_pins_the_file() {
    let (bytes, columns) = shapes().remove(2);
    let good = OpenOptions { integrity: Some(digest(&bytes)), ..OpenOptions::default() };
    assert!(read(&bytes, &good).unwrap().iter().zip(&columns).all(|(a, b)| same_column(a, b)));
    let bad = OpenOptions { integrity: Some([0; 32]), ..OpenOptions::default() };
    assert_eq!(read(&bytes, &bad).unwrap_err().code().as_str(), "checksum-mismatch");
}

#[test]
fn a_scalar_of_a_row_is_its_value() {
    let column = Column::new(Values::Date(vec![1, 2]), Some([false, true].into_iter().collect())).unwrap();
    assert_eq!((Scalar::of(&column, 0), Scalar::of(&column, 1)), (None, Some(Scalar::Date(2))));
}
