//! What whole files of version 2 cost and withstand, natively; answers are JSON.
//!
//! ```text
//! size NAME.columns [NEURAL LEVEL]   writes the table that tables.py wrote as one file, reads it back, compares
//! flips N             flips N single bits of files of several shapes, one at a time, and reads
//! memory ROWS         streams rows through the writer
//! wide PATH           writes a file of 2,000 columns and 100 row groups
//! ```

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark that panics has failed"
)]

mod shared;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Instant;

use ncf::bytes::ByteReader;
use ncf::column::{Bitmap, Column, Values, VarBytes};
use ncf::compression::Compression;
use ncf::encoding::Encoder;
use ncf::encoding::chunk::{self, ColumnType};
use ncf::format::Dialect;
use ncf::schema::{DataType, Field, Schema};
use ncf::writer::{DEFAULT_ROW_GROUP_ROWS, StreamWriter, WriteOptions, write_all};
use shared::{Random, read};

/// NeuroLake's benchmark table: rows `start..end` of it.
fn rows(start: u64, end: u64, random: &mut Random) -> Vec<Column> {
    let text = |value: &dyn Fn(u64) -> String| {
        let mut text = VarBytes::default();
        for row in start..end {
            text.push(value(row).as_bytes()).unwrap();
        }
        Values::String(text)
    };
    let picks: Vec<u64> = (start..end).map(|_| random.next()).collect();
    let pick = |row: u64| picks[(row - start) as usize];
    let columns = [
        Values::Int64((start..end).map(|row| row as i64).collect()),
        Values::Float64((start..end).map(|row| (pick(row) >> 11) as f64 / (1u64 << 53) as f64).collect()),
        text(&|row| ["A", "B", "C", "D", "E"][(pick(row) % 5) as usize].to_owned()),
        Values::Int64((start..end).map(|row| (pick(row) / 7 % 100) as i64).collect()),
        text(&|row| format!("User_{row}")),
        text(&|row| format!("user{row}@example.com")),
    ];
    let validity = |index: usize| (index % 2 == 1).then(|| (start..end).map(|row| pick(row) % 11 > 0).collect());
    columns.into_iter().enumerate().map(|(index, values)| Column::new(values, validity(index)).unwrap()).collect()
}

fn schema() -> Schema {
    let columns = [
        ("id", DataType::Int64),
        ("value", DataType::Float64),
        ("category", DataType::String),
        ("score", DataType::Int64),
        ("name", DataType::String),
        ("email", DataType::String),
    ];
    Schema::new("users", columns.iter().map(|(name, data_type)| Field::new(*name, *data_type)).collect())
}

fn words(data: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    data.chunks_exact(8).map(|word| word.try_into().unwrap())
}

/// Reads a column as tables.py writes it.
fn read_column(reader: &mut ByteReader<'_>, rows: usize) -> Column {
    let kind = reader.u8().unwrap();
    let size = reader.u64().unwrap() as usize;
    let validity: Bitmap = reader.take(rows).unwrap().iter().map(|&byte| byte == 1).collect();
    let data = reader.take(size).unwrap();
    let values = match kind {
        0 => Values::Int64(words(data).map(i64::from_le_bytes).collect()),
        1 => Values::Float64(words(data).map(f64::from_le_bytes).collect()),
        2 => {
            let (offsets, text) = data.split_at(4 * (rows + 1));
            let offsets = offsets.chunks_exact(4).map(|quad| i32::from_le_bytes(quad.try_into().unwrap()));
            Values::String(VarBytes::new(offsets.collect(), text.to_vec()).unwrap())
        }
        _ => Values::Boolean(data.iter().map(|&byte| byte == 1).collect()),
    };
    Column::new(values, Some(validity)).unwrap()
}

/// Bytes in memory, in Arrow's layout: 8 per number, 4 more per text, a bit per boolean, a bit of validity.
fn raw_size(column: &Column) -> usize {
    let rows = column.len();
    let values = match column.values() {
        Values::String(text) => text.bytes().len() + 4 * (rows + 1),
        Values::Boolean(_) => rows.div_ceil(8),
        _ => 8 * rows,
    };
    values + if column.num_nulls() > 0 { rows.div_ceil(8) } else { 0 }
}

/// Bytes that one dictionary for all chunks of a text column would save at most: what the distinct values of each row
/// group take, less what those of the column take, where they are at most half of the values.
fn repeated_dictionaries(column: &Column, encoder: &mut Encoder) -> usize {
    let Values::String(text) = column.values() else { return 0 };
    let is_valid = |row: usize| column.validity().is_none_or(|validity| validity.get(row));
    let mut all = BTreeSet::new();
    let mut apart = 0;
    let mut size = |values: &BTreeSet<&[u8]>| {
        let mut distinct = VarBytes::default();
        values.iter().for_each(|value| distinct.push(value).unwrap());
        chunk::encode(&Column::new(Values::String(distinct), None).unwrap(), encoder).unwrap().len()
    };
    let rows: Vec<usize> = (0..column.len()).collect();
    for group in rows.chunks(DEFAULT_ROW_GROUP_ROWS as usize) {
        let values: BTreeSet<&[u8]> = group.iter().filter(|&&row| is_valid(row)).map(|&row| text.get(row)).collect();
        if values.len() > group.len() / 2 {
            return 0;
        }
        apart += size(&values);
        all.extend(values);
    }
    apart.saturating_sub(size(&all))
}

/// Size and native times of a table as one file with default options.
fn size(path: &str, level: Option<&String>) {
    let bytes = std::fs::read(path).unwrap();
    let mut reader = ByteReader::new(&bytes, 0);
    let (count, rows) = (reader.u32().unwrap(), reader.u32().unwrap() as usize);
    let columns: Vec<Column> = (0..count).map(|_| read_column(&mut reader, rows)).collect();
    let field = |(index, column): (usize, &Column)| Field::new(format!("column {index}"), column.values().data_type());
    let schema = Schema::new("table", columns.iter().enumerate().map(field).collect());
    let started = Instant::now();
    let neural = level.map(|level| level.parse().unwrap());
    let options = WriteOptions { neural, ..WriteOptions::new(Dialect::Version2) };
    let file = write_all(&schema, &columns, options).unwrap();
    let write = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let found = read(&file).unwrap();
    let read = started.elapsed().as_secs_f64();
    let mut encoder = Encoder::new(None).unwrap();
    for (found, column) in found.iter().zip(&columns) {
        // Encoding is deterministic and leaves out what is under nulls: equal bytes are equal values.
        assert_eq!(chunk::encode(found, &mut encoder).unwrap(), chunk::encode(column, &mut encoder).unwrap());
    }
    let raw: usize = columns.iter().map(raw_size).sum();
    let repeated: usize = columns.iter().map(|column| repeated_dictionaries(column, &mut encoder)).sum();
    println!("{{\"bytes\":{},\"raw\":{raw},\"repeated\":{repeated},\"write\":{write},\"read\":{read}}}", file.len());
}

/// Flips single bits, and reads. No NaN is among the values, so equality is that of bits.
fn flips(count: u64) {
    let mut random = Random(1);
    let shapes = [
        (1000, 128 * 1024, Compression::Zstd),
        (1000, 128 * 1024, Compression::None),
        (2000, 50, Compression::Zstd),
        (0, 10, Compression::Zstd),
        (20_000, 5000, Compression::Zstd),
    ];
    let (mut errors, mut harmless, mut wrong, mut bytes_of_all) = (0u64, 0u64, 0u64, 0);
    for (len, row_group_rows, compression) in shapes {
        let columns = rows(0, len, &mut random);
        let options = WriteOptions { row_group_rows, compression, ..WriteOptions::new(Dialect::Version2) };
        let mut bytes = write_all(&schema(), &columns, options).unwrap();
        bytes_of_all += bytes.len();
        // What is under nulls is not stored: comparable are only columns that were read.
        let expected = read(&bytes).unwrap();
        for _ in 0..count / shapes.len() as u64 {
            let bit = random.next() as usize % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            match read(&bytes) {
                Err(_) => errors += 1,
                Ok(found) if found == expected => harmless += 1,
                Ok(_) => wrong += 1,
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
    println!(
        "{{\"flips\":{count},\"files\":{},\"bytes\":{bytes_of_all},\"errors\":{errors},\"harmless\":{harmless},\"wrong\":{wrong}}}",
        shapes.len()
    );
}

/// Streams rows through the writer, lets go of what it puts out, and tells the most memory that the process had.
fn memory(count: u64) {
    const BATCH: u64 = 10_000;
    let mut random = Random(2);
    let first = rows(0, 1, &mut random);
    let types = first.iter().map(|column| ColumnType::of(column.values())).collect();
    let mut writer = StreamWriter::new(schema(), types, WriteOptions::new(Dialect::Version2)).unwrap();
    let (mut at, mut size) = (0, 0);
    while at < count {
        let end = count.min(at + BATCH);
        writer.push(rows(at, end, &mut random)).unwrap();
        size += writer.take_output().len();
        at = end;
    }
    size += writer.finish().unwrap().bytes.len();
    let status = std::fs::read_to_string("/proc/self/status").expect("this is measured on Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("{{\"rows\":{count},\"bytes\":{size},\"peakBytes\":{}}}", kib * 1024);
}

/// Writes a file of 2,000 columns and 100 row groups, row group by row group.
fn wide(path: &str) {
    const COLUMNS: usize = 2000;
    const ROW_GROUPS: u64 = 100;
    const ROWS: u32 = 256;
    let mut random = Random(3);
    let mut group = |index: u64| -> Vec<Column> {
        let start = index * u64::from(ROWS);
        // Six columns of the benchmark table, again and again; those of random values with new ones.
        (0..COLUMNS.div_ceil(6)).flat_map(|_| rows(start, start + u64::from(ROWS), &mut random)).take(COLUMNS).collect()
    };
    let first = group(0);
    let types = first.iter().map(|column| ColumnType::of(column.values())).collect();
    let field = |(index, column): (usize, &Column)| Field::new(format!("column_{index}"), column.values().data_type());
    let schema = Schema::new("wide", first.iter().enumerate().map(field).collect());
    let options = WriteOptions { row_group_rows: ROWS, ..WriteOptions::new(Dialect::Version2) };
    let mut writer = StreamWriter::new(schema, types, options).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut size = 0;
    let mut put = |bytes: &[u8]| {
        file.write_all(bytes).unwrap();
        size += bytes.len();
    };
    writer.push(&first).unwrap();
    put(&writer.take_output());
    for index in 1..ROW_GROUPS {
        writer.push(group(index)).unwrap();
        put(&writer.take_output());
    }
    put(&writer.finish().unwrap().bytes);
    file.flush().unwrap();
    println!(
        "{{\"columns\":{COLUMNS},\"rowGroups\":{ROW_GROUPS},\"rows\":{},\"bytes\":{size}}}",
        ROW_GROUPS * u64::from(ROWS)
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count = || arguments[2].parse().expect("a count");
    match arguments.get(1).map(String::as_str) {
        Some("size") => size(&arguments[2], arguments.get(3)),
        Some("flips") => flips(count()),
        Some("memory") => memory(count()),
        Some("wide") => wide(&arguments[2]),
        _ => panic!("size NAME.columns [NEURAL LEVEL] | flips N | memory ROWS | wide PATH"),
    }
}
