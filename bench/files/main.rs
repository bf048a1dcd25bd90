//! What whole files of version 2 withstand and cost, natively: `files flips N` and `files memory ROWS`, answers as JSON.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark that panics has failed"
)]

use ncf::bytes::{Interrupt, Segments};
use ncf::column::{Column, Values, VarBytes};
use ncf::compression::Compression;
use ncf::encoding::chunk::ColumnType;
use ncf::format::Dialect;
use ncf::reader::{Assembly, File, OpenOptions, RowGroup, Rows};
use ncf::schema::{DataType, Field, Schema};
use ncf::writer::{StreamWriter, WriteOptions, write_all};

/// A splitmix64 generator: the same seed gives the same run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

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

fn read(bytes: &[u8]) -> ncf::Result<Vec<Column>> {
    let failed = |interrupt: Interrupt| match interrupt {
        Interrupt::Failed(error) => error,
        Interrupt::Need(ranges) => panic!("{ranges:?} of a file that is all there"),
    };
    let mut segments = Segments::new(bytes.len() as u64);
    segments.supply(0, bytes.to_vec())?;
    let mut file = File::open(&segments, &OpenOptions::default()).map_err(failed)?;
    let all: Vec<usize> = (0..file.schema().columns.len()).collect();
    file.locate(&all, &segments).map_err(failed)?;
    let mut assemblies: Vec<Assembly> = all.iter().map(|&column| Assembly::new(column)).collect();
    for index in 0..file.row_groups().len() {
        let mut group = RowGroup::new(index);
        for &column in &all {
            if let Some(range) = file.chunk(column, index)? {
                group.supply(column, segments.get(range).map_err(failed)?);
            }
        }
        for assembly in &mut assemblies {
            assembly.push(&file, &mut group, Rows::Range(0..u64::MAX))?;
        }
    }
    assemblies.into_iter().map(|assembly| Ok(assembly.finish(&file)?.0)).collect()
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
        for _ in 0..count / shapes.len() as u64 {
            let bit = random.next() as usize % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            match read(&bytes) {
                Err(_) => errors += 1,
                Ok(found) if found == columns => harmless += 1,
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
        writer.push(&rows(at, end, &mut random)).unwrap();
        size += writer.take_output().len();
        at = end;
    }
    size += writer.finish().unwrap().bytes.len();
    let status = std::fs::read_to_string("/proc/self/status").expect("this is measured on Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("{{\"rows\":{count},\"bytes\":{size},\"peakBytes\":{}}}", kib * 1024);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count = || arguments[2].parse().expect("a count");
    match arguments.get(1).map(String::as_str) {
        Some("flips") => flips(count()),
        Some("memory") => memory(count()),
        _ => panic!("files flips N | files memory ROWS"),
    }
}
