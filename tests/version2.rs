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
use ncf::reader::{self, Assembly, File, OpenOptions, RowGroup, Rows};
use ncf::schema::{DataType, Field, Schema, SemanticType, TimeUnit};
use ncf::statistics::{Order, Scalar, measure};
use ncf::writer::{Bounds, Edit, EncodedChunks, StreamWriter, WriteOptions, evolve, write_all};
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
        let mut group = RowGroup::new(groups.start);
        group.supply(7, host.fetch(&range));
        assembly.push(&file, &mut group, Rows::Range(20_100..20_200)).unwrap();
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
fn row_groups_that_others_encode_make_the_same_file() {
    let mut random = Random::new(77);
    let mut tables: Vec<(Schema, Vec<Column>)> = (0..6).map(|_| table(&mut random)).collect();
    tables.push(correlated(20_000, &mut random));
    let mut shared = 0;
    for (schema, columns) in &tables {
        let rows = columns[0].len();
        let group = rows.div_ceil(4).max(40);
        for cross_column in [true, false] {
            let options = WriteOptions { cross_column, ..options(group as u32) };
            let expected = write_all(schema, columns, options).unwrap();
            let part = |start: usize| -> Vec<Column> {
                columns.iter().map(|column| column.slice(start..(start + group).min(rows))).collect()
            };
            let new = || StreamWriter::new(schema.clone(), types(columns), options).unwrap();
            let mut writer = new();
            let mut starts = (0..rows).step_by(group);
            if cross_column {
                assert_eq!(writer.models(), None);
                if let Some(start) = starts.next() {
                    writer.push(part(start)).unwrap();
                }
            }
            let Some(models) = writer.models() else { continue };
            for start in starts {
                // A worker knows nothing of other row groups.
                let mut worker = new();
                worker.follow(&models).unwrap();
                worker.hold(part(start)).unwrap();
                // In any order, from any number of threads.
                let (odd, even): (Vec<usize>, Vec<usize>) = (0..columns.len()).rev().partition(|at| at % 2 == 1);
                let bytes =
                    [odd, even].concat().iter().flat_map(|&at| worker.encode_column(at).unwrap()).collect::<Vec<u8>>();
                (0..bytes.len()).step_by(1 + bytes.len() / 50).for_each(|end| {
                    assert!(new().add_row_group(&bytes[..end]).is_err());
                });
                writer.add_row_group(&bytes).unwrap();
                shared += 1;
            }
            assert!(writer.finish().unwrap().bytes == expected);
        }
    }
    assert!(shared > 20, "{shared} row groups");
}

#[test]
fn threads_that_share_a_first_row_group_make_the_same_file() {
    let mut random = Random::new(79);
    let (rows, group) = (150_000, 80_000);
    let (schema, columns) = correlated(rows, &mut random);
    let options = options(group);
    let expected = write_all(&schema, &columns, options).unwrap();
    let part =
        |start: usize, end: usize| -> Vec<Column> { columns.iter().map(|column| column.slice(start..end)).collect() };
    let group = group as usize;
    let new = || StreamWriter::new(schema.clone(), types(&columns), options).unwrap();
    for hands in 1..=3 {
        let mut writers: Vec<StreamWriter> = (0..hands).map(|_| new()).collect();
        let shares: Vec<Vec<usize>> = (0..hands).map(|hand| (hand..columns.len()).step_by(hands).collect()).collect();
        let together = |writers: &mut [StreamWriter], step: &dyn Fn(&mut StreamWriter, usize) -> Vec<u8>| {
            let mut all = Vec::new();
            for (writer, share) in writers.iter_mut().zip(&shares).rev() {
                share.iter().for_each(|&column| all.extend(step(writer, column)));
            }
            all
        };
        writers.iter_mut().for_each(|writer| writer.hold(part(0, group)).unwrap());
        let surveys = together(&mut writers, &|writer, column| writer.survey(column).unwrap());
        let plan = writers[0].plan(&surveys).unwrap();
        let tried = together(&mut writers, &|writer, column| writer.attempt(&plan, column).unwrap());
        for (step, whole) in [("survey", &surveys), ("plan", &plan), ("tried", &tried)] {
            for end in (1..whole.len()).step_by(1 + whole.len() / 40) {
                let cut = &whole[..end];
                let mut other = new();
                other.hold(part(0, group)).unwrap();
                // An end between two entries makes less of it, not an error.
                let _ = match step {
                    "survey" => other.plan(cut).map(drop),
                    "plan" => other.attempt(cut, 1).map(drop),
                    _ => other.settle(cut),
                };
            }
        }
        assert_eq!(writers[0].models(), None);
        writers[0].settle(&tried).unwrap();
        let models = writers[0].models().unwrap();
        assert!(models.len() > 50, "{} bytes of models", models.len());
        writers[1..].iter_mut().for_each(|writer| writer.follow(&models).unwrap());
        let chunks = together(&mut writers, &|writer, column| writer.encode_column(column).unwrap());
        let mut worker = new();
        worker.follow(&models).unwrap();
        worker.hold(part(group, rows)).unwrap();
        let last: Vec<u8> = (0..columns.len()).flat_map(|column| worker.encode_column(column).unwrap()).collect();
        let writer = &mut writers[0];
        assert!(writer.is_suspended());
        for refused in [writer.push(part(0, 1)), writer.hold(part(0, 1)), writer.add_row_group(&last)] {
            assert_eq!(refused.unwrap_err().code().as_str(), "invalid-argument");
        }
        assert!(writer.add_row_group(&[&chunks[..], &chunks].concat()).is_err(), "each column once");
        writer.add_row_group(&chunks).unwrap();
        assert!(!writer.is_suspended());
        writer.add_row_group(&last).unwrap();
        assert!(writers.swap_remove(0).finish().unwrap().bytes == expected);
    }
    check(&expected, &schema, &columns);
    // What is held can be encoded by the writer itself.
    for rows in [1000, group] {
        let mut writer = new();
        writer.hold(part(0, rows)).unwrap();
        assert!(writer.is_suspended());
        writer.resume().unwrap();
        assert!(writer.finish().unwrap().bytes == write_all(&schema, &part(0, rows), options).unwrap());
    }
}

#[test]
fn row_groups_on_their_own_are_checked() {
    let mut random = Random::new(78);
    let (schema, columns) = correlated(500, &mut random);
    let options = WriteOptions { cross_column: false, ..options(200) };
    let new = || StreamWriter::new(schema.clone(), types(&columns), options).unwrap();
    let part = |rows: usize| -> Vec<Column> { columns.iter().map(|column| column.slice(0..rows)).collect() };
    let mut writer = new();
    for refused in [writer.hold(part(201)), writer.hold(part(0)), writer.hold(&part(20)[1..])] {
        assert_eq!(refused.unwrap_err().code().as_str(), "invalid-argument");
    }
    let code = |result: ncf::Result<Vec<u8>>| result.unwrap_err().code().as_str();
    assert_eq!(code(writer.encode_column(0)), "invalid-argument");
    assert_eq!(code(writer.survey(0)), "invalid-argument");
    let mut helper = new();
    helper.hold(part(20)).unwrap();
    assert_eq!(code(helper.survey(0)), "invalid-argument");
    assert_eq!(code(helper.encode_column(columns.len())), "invalid-argument");
    let chunks: Vec<Vec<u8>> = (0..columns.len()).map(|column| helper.encode_column(column).unwrap()).collect();
    let group = chunks.concat();
    assert!(writer.add_row_group(&chunks[1..].concat()).is_err());
    writer.push(part(10)).unwrap();
    assert_eq!(writer.add_row_group(&group).unwrap_err().code().as_str(), "invalid-argument");
    assert_eq!(writer.hold(part(10)).unwrap_err().code().as_str(), "invalid-argument");
    assert!(writer.follow(&[9; 30]).is_err());
    writer.flush().unwrap();
    writer.add_row_group(&group).unwrap();
    assert_eq!(writer.finish().unwrap().written.num_rows, 30);
    // Models that are not settled yet cannot be followed.
    let mut searching =
        StreamWriter::new(schema.clone(), types(&columns), WriteOptions { cross_column: true, ..options }).unwrap();
    searching.hold(part(20)).unwrap();
    assert_eq!(code(searching.encode_column(0)), "invalid-argument");
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
        let plan =
            host.run(|segments| evolve(&file, &edits, &options(group_rows), segments, &mut EncodedChunks::default()));
        let plan = plan.unwrap().unwrap();
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
            let failed = host.run(|segments| {
                let known = &mut EncodedChunks::default();
                evolve(&file, std::slice::from_ref(&edit), &options(10), segments, known)
            });
            assert_eq!(failed.unwrap_err().code().as_str(), code);
        }
    }
}

/// A table whose columns depend on each other in all the ways that are looked for, mostly; nulls on both sides.
fn correlated(rows: usize, random: &mut Random) -> (Schema, Vec<Column>) {
    let airports: Vec<(String, String)> =
        (0..40).map(|i| (format!("airport {i}"), format!("state {}", i % 9))).collect();
    let at: Vec<usize> = (0..rows).map(|_| random.below(40)).collect();
    let text = |values: &mut dyn Iterator<Item = &str>| {
        let mut text = VarBytes::default();
        values.for_each(|value| text.push(value.as_bytes()).unwrap());
        Values::String(text)
    };
    let gone: Bitmap = (0..rows).map(|_| !random.one_in(9)).collect();
    let route: Vec<u64> = (0..rows).map(|row| (at[row] * 7 + random.below(3)) as u64).collect();
    let start: Vec<i64> = (0..rows).map(|_| random.below(1440) as i64).collect();
    let late: Vec<i64> = (0..rows).map(|_| random.below(200) as i64 - 20).collect();
    let clock = |minutes: i64| (minutes.rem_euclid(1440) / 60 * 100 + minutes.rem_euclid(60)) as i32;
    let price: Vec<i64> = (0..rows).map(|_| random.below(100_000) as i64).collect();
    let noise: Vec<u64> = (0..rows).map(|_| random.bits()).collect();
    let states: Vec<&str> =
        (0..rows).map(|row| if noise[row].is_multiple_of(500) { "somewhere" } else { &airports[at[row]].1 }).collect();
    let columns: Vec<(&str, Values, Option<Bitmap>)> = vec![
        ("airport", text(&mut at.iter().map(|&at| airports[at].0.as_str())), None),
        ("state", text(&mut states.iter().copied()), None),
        ("route", Values::UInt16(route.iter().map(|&x| x as u16).collect()), Some(gone.clone())),
        ("carrier", Values::Int8(route.iter().map(|&x| (x % 5) as i8).collect()), None),
        ("start", Values::Int32(start.iter().map(|&x| clock(x)).collect()), None),
        ("late", Values::Float64(late.iter().map(|&x| x as f64).collect()), Some(gone.clone())),
        ("end", Values::Int32((0..rows).map(|row| clock(start[row] + late[row])).collect()), Some(gone.clone())),
        ("net", Values::Decimal { precision: 12, scale: 2, values: price.iter().map(|&x| x.into()).collect() }, None),
        ("gross", Values::Float32(price.iter().map(|&x| (x * 119 / 100) as f32 / 100.0).collect()), None),
        ("is cheap", Values::Boolean(price.iter().map(|&x| x < 30_000).collect()), None),
        ("is late", Values::Boolean(late.iter().map(|&x| x > 15).collect()), Some(gone)),
        ("noise", Values::UInt64(noise), None),
        ("day", Values::Date(at.iter().map(|&x| x as i32 - 20).collect()), None),
    ];
    let fields = columns.iter().map(|(name, values, _)| Field::new(*name, values.data_type())).collect();
    let columns = columns.into_iter().map(|(_, values, validity)| Column::new(values, validity).unwrap()).collect();
    (Schema::new("correlated", fields), columns)
}

/// The columns that some chunk of each column is predicted from.
fn parents(file: &File) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new(); file.schema().columns.len()];
    for record in file.records() {
        all[record.column.unwrap()].extend(record.parents);
    }
    for parents in &mut all {
        parents.sort_unstable();
        parents.dedup();
    }
    all
}

#[test]
fn columns_predicted_from_others_come_back_bit_by_bit() {
    let mut random = Random::new(11);
    for (rows, group_rows) in [(20, 100), (1000, 100), (3000, 100_000), (9000, 4000)] {
        let (schema, columns) = correlated(rows, &mut random);
        let with = write_all(&schema, &columns, options(group_rows)).unwrap();
        let without =
            write_all(&schema, &columns, WriteOptions { cross_column: false, ..options(group_rows) }).unwrap();
        let alone = check(&without, &schema, &columns);
        assert!(parents(&alone).iter().all(Vec::is_empty));
        let file = check(&with, &schema, &columns);
        assert_eq!(with, write_all(&schema, &columns, options(group_rows)).unwrap(), "same input, same bytes");
        if rows >= 3000 {
            assert!(with.len() * 10 < without.len() * 9, "{} is not much less than {}", with.len(), without.len());
            let related = parents(&file).iter().filter(|parents| !parents.is_empty()).count();
            assert!(related >= 5, "{:?}", parents(&file));
        }
        // Each column alone, from its chunks and those of its dependencies only.
        let mut host = Host::new(&with);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        for (index, column) in columns.iter().enumerate() {
            assert!(same_column(&host.column(&mut file, index).unwrap().0, column), "{}", schema.columns[index].name);
        }
    }
}

#[test]
fn what_is_only_a_dependency_is_decoded_as_far_as_needed_and_whole_if_asked_for() {
    let (schema, mut columns) = correlated(4000, &mut Random::new(13));
    // Text with nulls is told apart by codes and by nulls.
    let is_there: Bitmap = (0..4000).map(|row| row % 7 != 3).collect();
    for text in &mut columns[..2] {
        *text = Column::new(text.values().clone(), Some(is_there.clone())).unwrap();
    }
    for compression in ["automatic", "neural"] {
        let mut schema = schema.clone();
        if compression == "neural" {
            if cfg!(not(feature = "neural")) {
                continue;
            }
            schema.columns.iter_mut().skip(1).for_each(|field| field.compression_model = Some("neural".to_owned()));
        }
        let bytes = write_all(&schema, &columns, options(4000)).unwrap();
        let mut host = Host::new(&bytes);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        let all: Vec<usize> = (0..columns.len()).collect();
        host.run(|segments| file.locate(&all, segments)).unwrap();
        let mut of_text = 0;
        for &child in &all {
            let needed = file.dependencies(child, 0).unwrap();
            of_text += usize::from(needed.contains(&0) || needed.contains(&1));
            let mut group = RowGroup::new(0);
            group.supply(child, host.fetch(&file.chunk(child, 0).unwrap().unwrap()));
            for &parent in &needed {
                group.supply(parent, host.fetch(&file.chunk(parent, 0).unwrap().unwrap()));
            }
            for column in [vec![child], needed.clone(), vec![child]].concat() {
                let (found, _) = file.decode(column, &mut group).unwrap();
                assert!(same_column(&found, &columns[column]), "{} {compression}", schema.columns[column].name);
            }
        }
        assert!(of_text > 0, "nothing is predicted from text");
    }
}

#[test]
fn what_a_chunk_depends_on_must_be_supplied_and_sound() {
    let (schema, columns) = correlated(4000, &mut Random::new(12));
    let mut bytes = write_all(&schema, &columns, options(4000)).unwrap();
    let mut host = Host::new(&bytes);
    let mut file = host.open(&OpenOptions::default()).unwrap();
    let all: Vec<usize> = (0..columns.len()).collect();
    host.run(|segments| file.locate(&all, segments)).unwrap();
    let child = all.iter().copied().find(|&column| !file.dependencies(column, 0).unwrap().is_empty()).unwrap();
    let parent = *file.dependencies(child, 0).unwrap().last().unwrap();
    let range = |column| file.chunk(column, 0).unwrap().unwrap();
    let mut group = RowGroup::new(0);
    group.supply(child, host.fetch(&range(child)));
    let missing = file.decode(child, &mut group).unwrap_err();
    assert_eq!(missing.code().as_str(), "invalid-argument");
    assert!(file.dependencies(child, 1).is_err());

    let words = file.explain(child, &mut host.row_group(&file, child, 0).unwrap()).unwrap().unwrap();
    let names = [" by airport", " by state", " by route", " by start", " by late", " by carrier", " by day", " by end"];
    assert!(names.iter().any(|name| words.contains(name)), "{words}");

    let damaged = range(parent).start as usize;
    bytes[damaged] ^= 1;
    let mut host = Host::new(&bytes);
    let mut file = host.open(&OpenOptions::default()).unwrap();
    let error = host.column(&mut file, child).unwrap_err();
    let parent = schema.columns[parent].name.as_str();
    assert_eq!((error.code().as_str(), error.column()), ("checksum-mismatch", Some(parent)));
}

#[test]
fn hints_forbid_and_force_predictions() {
    let (mut schema, columns) = correlated(4000, &mut Random::new(13));
    for field in &mut schema.columns {
        field.compression_model = Some("independent".to_owned());
    }
    schema.columns[1].compression_model = Some("cross:day,noise".to_owned());
    let file = check(&write_all(&schema, &columns, options(10_000)).unwrap(), &schema, &columns);
    let mut expected = vec![Vec::new(); columns.len()];
    expected[1] = vec![12];
    assert_eq!(parents(&file), expected);
    for wrong in ["cross:nothing", "cross:state"] {
        schema.columns[1].compression_model = Some(wrong.to_owned());
        let error = write_all(&schema, &columns, options(10_000)).unwrap_err();
        assert_eq!((error.code().as_str(), error.column()), ("invalid-argument", Some("state")));
    }
}

#[test]
fn predictions_are_appended_and_go_where_a_parent_is_dropped() {
    let mut random = Random::new(14);
    let (schema, columns) = correlated(6000, &mut random);
    let old = write_all(&schema, &columns, options(2500)).unwrap();
    let mut host = Host::new(&old);
    let mut file = host.open(&OpenOptions::default()).unwrap();
    host.run(|segments| file.verifier(segments)).unwrap();

    let mut writer = StreamWriter::append(&file, options(2500)).unwrap();
    let start = writer.start() as usize;
    let (_, more) = correlated(3000, &mut random);
    writer.push(&more).unwrap();
    let bytes = [&old[..start], &writer.finish().unwrap().bytes].concat();
    let mut all = columns.clone();
    all.iter_mut().zip(&more).for_each(|(all, more)| all.append(more).unwrap());
    let appended = check(&bytes, &schema, &all);
    assert!(appended.records().iter().any(|record| record.row_group >= 3 && !record.parents.is_empty()));

    // Every column in turn, the ones that others depend on among them.
    let before = parents(&file);
    for dropped in 0..columns.len() {
        let edits = [Edit::Drop(schema.columns[dropped].name.clone())];
        let mut host = Host::new(&old);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        host.run(|segments| file.verifier(segments)).unwrap();
        let rounds = host.rounds;
        let plan = host.run(|segments| evolve(&file, &edits, &options(2500), segments, &mut EncodedChunks::default()));
        let plan = plan.unwrap().unwrap();
        let is_parent = before.iter().any(|parents| parents.contains(&dropped));
        assert_eq!(host.rounds > rounds, is_parent, "only what depends on {dropped} is read");
        let mut bytes = plan.header.clone();
        for range in &plan.copy {
            bytes.extend(&old[range.start as usize..range.end as usize]);
        }
        bytes.extend(&plan.tail);
        let (mut schema, mut columns) = (schema.clone(), columns.clone());
        schema.columns.remove(dropped);
        columns.remove(dropped);
        let changed = check(&bytes, &schema, &columns);
        let moved = |column: usize| if column > dropped { column - 1 } else { column };
        let mut expected = before.clone();
        expected.remove(dropped);
        for parents in &mut expected {
            if parents.contains(&dropped) {
                parents.clear();
            }
            parents.iter_mut().for_each(|parent| *parent = moved(*parent));
        }
        assert_eq!(parents(&changed), expected);
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
    let (schema, columns) = correlated(1500, &mut random);
    all.push((write_all(&schema, &columns, options(600)).unwrap(), columns));
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

/// The sections, columns and row groups that a verifier finds damaged.
fn damage(bytes: &[u8]) -> Vec<(&'static str, Option<usize>, Option<usize>)> {
    let mut host = Host::new(bytes);
    let mut file = host.open(&OpenOptions::default()).unwrap();
    let mut verifier = host.run(|segments| file.verifier(segments)).unwrap();
    let (mut strides, mut size) = (0, 0);
    while let Some(range) = verifier.next_range() {
        verifier.push(host.fetch(&range));
        strides += 1;
        size += range.end - range.start;
    }
    let verdict = verifier.finish();
    assert_eq!(verdict.is_valid, verdict.problems.is_empty());
    if verdict.is_valid {
        // All but the digest and the magic behind it, and not part by part.
        assert_eq!((strides, size), (1, bytes.len() as u64 - 36));
    }
    verdict.problems.iter().map(|problem| (problem.part.section, problem.part.column, problem.part.group)).collect()
}

#[test]
fn a_verifier_names_every_damaged_part() {
    for (bytes, _) in shapes() {
        assert_eq!(damage(&bytes), []);
        let mut host = Host::new(&bytes);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        let all: Vec<usize> = (0..file.schema().columns.len()).collect();
        host.run(|segments| file.locate(&all, segments)).unwrap();
        let mut copy = bytes.clone();
        copy[0] ^= 1;
        let hit: Vec<_> = file.records().into_iter().step_by(3).collect();
        for record in &hit {
            copy[record.range.start as usize] ^= 32;
        }
        let expected: Vec<_> = std::iter::once(("header", None, None))
            .chain(hit.iter().map(|record| ("chunk", record.column, Some(record.row_group))))
            .collect();
        assert_eq!(damage(&copy), expected);

        let section = |name: &str| file.sections().iter().find(|section| section.name == name);
        if let (Some(digests), Some(blocks)) = (section("digests"), section("blocks")) {
            let mut copy = bytes.clone();
            copy[digests.range.start as usize] ^= 1;
            copy[blocks.range.end as usize - 1] ^= 1;
            let last = file.schema().columns.len() - 1;
            assert_eq!(damage(&copy), [("digests", Some(0), None), ("block", Some(last), None)]);
        }
    }
}

#[test]
fn rows_are_taken_in_any_portions() {
    let mut random = Random::new(9);
    for data_type in DataType::ALL {
        let all = column(*data_type, 100, &mut random);
        let schema = Schema::new("t", vec![Field::new("c", *data_type)]);
        let bytes = write_all(&schema, std::slice::from_ref(&all), options(30)).unwrap();
        let mut host = Host::new(&bytes);
        let mut file = host.open(&OpenOptions::default()).unwrap();
        host.run(|segments| file.locate(&[0], segments)).unwrap();
        let mut assembly = Assembly::new(0);
        let (mut taken, mut pushed) = (0, 0);
        for group in 0..4 {
            let mut row_group = host.row_group(&file, 0, group).unwrap();
            assembly.push(&file, &mut row_group, Rows::Range(0..u64::MAX)).unwrap();
            pushed = (pushed + 30).min(100);
            while random.below(4) > 0 {
                let count = random.below(25);
                let (part, _) = assembly.take(&file, count).unwrap();
                assert_eq!(part.len(), count.min(pushed - taken));
                assert!(same_column(&part, &all.slice(taken..taken + part.len())));
                taken += part.len();
            }
        }
        let (rest, _) = assembly.finish(&file).unwrap();
        assert!(same_column(&rest, &all.slice(taken..100)));
    }
}

#[cfg(feature = "neural")]
#[test]
fn neural_chunks_come_back_bit_by_bit_and_are_kept_where_they_are_smaller() {
    let mut random = Random::new(77);
    let (schema, columns) = correlated(6000, &mut random);
    let plain = write_all(&schema, &columns, options(2500)).unwrap();
    for level in 1..=3 {
        let options = WriteOptions { neural: Some(level), ..options(2500) };
        let bytes = write_all(&schema, &columns, options).unwrap();
        assert!(bytes.len() < plain.len(), "{} at level {level}, {} without", bytes.len(), plain.len());
        check(&bytes, &schema, &columns);
    }
    for _ in 0..6 {
        let (schema, columns) = table(&mut random);
        let options = WriteOptions { neural: Some(1), ..options(1 + random.below(300) as u32) };
        check(&write_all(&schema, &columns, options).unwrap(), &schema, &columns);
    }
    let refused = write_all(&schema, &columns, WriteOptions { neural: Some(4), ..options(2500) });
    assert_eq!(refused.unwrap_err().code(), ncf::Code::InvalidArgument);
}

#[cfg(feature = "neural")]
#[test]
fn one_column_can_be_neural() {
    let mut random = Random::new(78);
    let (mut schema, columns) = correlated(4000, &mut random);
    schema.columns[2].compression_model = Some("neural".to_owned());
    let bytes = write_all(&schema, &columns, options(4000)).unwrap();
    let file = check(&bytes, &schema, &columns);
    let neural: Vec<bool> =
        (0..columns.len()).map(|column| bytes[file.chunk(column, 0).unwrap().unwrap().start as usize] == 3).collect();
    assert!(neural.iter().enumerate().all(|(column, is_neural)| !is_neural || column == 2), "{neural:?}");
}

#[cfg(feature = "neural")]
#[test]
fn without_the_codec_neural_chunks_are_an_unsupported_feature() {
    use ncf::encoding::neural;

    let mut random = Random::new(79);
    let (schema, columns) = correlated(2000, &mut random);
    let options = WriteOptions { neural: Some(1), ..options(2000) };
    let bytes = write_all(&schema, &columns, options).unwrap();
    let codec = neural::codec().unwrap();
    neural::install(None);
    let refused = reader::read_all(&bytes, &OpenOptions::default()).unwrap_err();
    assert_eq!(refused.code(), ncf::Code::UnsupportedFeature);
    assert_eq!(write_all(&schema, &columns, options).unwrap_err().code(), ncf::Code::UnsupportedFeature);
    neural::install(Some(codec));
    check(&bytes, &schema, &columns);
}

/// A codec that carries tasks out when it is asked for them the second time.
#[cfg(feature = "neural")]
#[derive(Default)]
struct Later {
    known: std::cell::RefCell<std::collections::HashSet<String>>,
}

#[cfg(feature = "neural")]
impl ncf::encoding::neural::Codec for Later {
    fn decode(
        &self,
        bytes: &[u8],
        column_type: ColumnType,
        rows: usize,
        parents: &[&Column],
        limit: u64,
    ) -> ncf::Result<Column> {
        ncf::neural::BuiltIn.decode(bytes, column_type, rows, parents, limit)
    }

    fn encode_all(&self, tasks: &[ncf::encoding::neural::Task<'_>]) -> ncf::Result<Option<Vec<Vec<u8>>>> {
        if self.known.borrow_mut().insert(format!("{tasks:?}")) {
            return Ok(None);
        }
        ncf::neural::BuiltIn.encode_all(tasks)
    }

    fn choose_parents(&self, sample: &[&Column], max_chain: usize) -> ncf::Result<Vec<Vec<usize>>> {
        ncf::neural::BuiltIn.choose_parents(sample, max_chain)
    }
}

#[cfg(feature = "neural")]
#[test]
fn a_writer_that_was_suspended_writes_the_same() {
    use ncf::encoding::neural;
    use ncf::neural::BuiltIn;

    let mut random = Random::new(83);
    let (schema, columns) = correlated(2500, &mut random);
    let types: Vec<ColumnType> = columns.iter().map(|column| ColumnType::of(column.values())).collect();
    let more: Vec<Column> = columns.iter().map(|column| column.slice(0..400)).collect();
    let options = WriteOptions { neural: Some(1), ..options(1000) };
    neural::install(Some(std::rc::Rc::new(BuiltIn)));
    let mut writer = StreamWriter::new(schema.clone(), types.clone(), options).unwrap();
    writer.push(&columns).unwrap();
    writer.push(&more).unwrap();
    let expected = writer.finish().unwrap();

    neural::install(Some(std::rc::Rc::new(Later::default())));
    let mut writer = StreamWriter::new(schema.clone(), types.clone(), options).unwrap();
    let mut suspensions = 0;
    let mut settle = |writer: &mut StreamWriter| {
        while writer.is_suspended() {
            suspensions += 1;
            assert!((1..=1000).contains(&writer.suspended_rows()));
            assert_eq!(writer.push(&more).unwrap_err().code(), ncf::Code::InvalidArgument);
            assert_eq!(writer.flush().unwrap_err().code(), ncf::Code::InvalidArgument);
            writer.resume().unwrap();
        }
    };
    for (batch, rows) in [(&columns, 2000), (&more, 2000)] {
        writer.push(batch).unwrap();
        settle(&mut writer);
        assert_eq!(writer.encoded_rows(), rows);
    }
    writer.resume().unwrap();
    writer.flush().unwrap();
    settle(&mut writer);
    assert_eq!(writer.encoded_rows(), 2900);
    assert_eq!(writer.finish().unwrap(), expected);
    assert!(suspensions >= 3, "{suspensions}");

    let mut writer = StreamWriter::new(schema, types, options).unwrap();
    neural::install(Some(std::rc::Rc::new(Later::default())));
    writer.push(&columns).unwrap();
    assert!(writer.is_suspended());
    assert_eq!(writer.finish().unwrap_err().code(), ncf::Code::InvalidArgument);
    neural::install(Some(std::rc::Rc::new(BuiltIn)));
}

#[cfg(feature = "neural")]
#[test]
fn edits_whose_chunks_are_encoded_later_give_the_same_file() {
    use ncf::encoding::neural;
    use ncf::neural::BuiltIn;

    let mut random = Random::new(84);
    let (schema, columns) = correlated(3000, &mut random);
    let bytes = write_all(&schema, &columns, options(250)).unwrap();
    let mut host = Host::new(&bytes);
    let mut file = host.open(&OpenOptions::default()).unwrap();
    host.run(|segments| file.verifier(segments)).unwrap();
    let parent = parents(&file).into_iter().flatten().next().expect("a column is predicted from another");
    let edits = [
        Edit::Add(Box::new(Field::new("added", columns[0].values().data_type())), columns[0].clone()),
        Edit::Drop(schema.columns[parent].name.clone()),
    ];
    let options = WriteOptions { neural: Some(1), ..options(250) };
    let mut known = EncodedChunks::default();
    let expected = host.run(|segments| evolve(&file, &edits, &options, segments, &mut known)).unwrap();
    assert!(expected.is_some());

    neural::install(Some(std::rc::Rc::new(Later::default())));
    let mut known = EncodedChunks::default();
    let mut attempts = 1;
    let plan = loop {
        match host.run(|segments| evolve(&file, &edits, &options, segments, &mut known)).unwrap() {
            None => attempts += 1,
            plan => break plan,
        }
    };
    neural::install(Some(std::rc::Rc::new(BuiltIn)));
    assert_eq!(plan, expected);
    assert!(attempts > 2, "{attempts}");
}

#[cfg(feature = "neural")]
#[test]
fn every_flipped_bit_of_a_neural_chunk_is_found() {
    let values: Vec<i64> = (0..2000).map(|row| row * row / 7 % 40).collect();
    let columns = [Column::new(Values::Int64(values), None).unwrap()];
    let schema = Schema::new("table", vec![Field::new("key", DataType::Int64)]);
    let bytes = write_all(&schema, &columns, WriteOptions { neural: Some(1), ..options(2000) }).unwrap();
    let file = check(&bytes, &schema, &columns);
    let chunk = file.chunk(0, 0).unwrap().unwrap();
    assert_eq!(bytes[chunk.start as usize], 3, "a neural chunk");
    for bit in 8 * chunk.start as usize..8 * chunk.end as usize {
        let mut copy = bytes.clone();
        copy[bit / 8] ^= 1 << (bit % 8);
        let error = reader::read_all(&copy, &OpenOptions::default()).unwrap_err();
        assert_eq!(error.code(), ncf::Code::ChecksumMismatch);
    }
}
