//! Encodes and decodes single chunks of several shapes with criterion, through the public writer and reader.
//!
//! With `NCF_KERNELS` set to a folder it also leaves the files there, for the same measurements of the wasm modules; see
//! bench/kernels.mjs.

#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark that panics has failed"
)]

mod shared;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use ncf::column::{Column, Values, VarBytes};
use ncf::format::Dialect;
use ncf::schema::{Field, Schema};
use ncf::writer::{DEFAULT_ROW_GROUP_ROWS, WriteOptions, write_all};
use shared::{Random, read};

const ROWS: u64 = DEFAULT_ROW_GROUP_ROWS as u64;

/// Name and values of each chunk; the names say which encoding it is made for.
fn chunks() -> Vec<(&'static str, Values)> {
    let mut random = Random(5);
    let mut numbers = |bound: u64| -> Vec<u64> { (0..ROWS).map(|_| random.next() % bound).collect() };
    let text = |value: &dyn Fn(usize) -> String| {
        let mut text = VarBytes::default();
        for row in 0..ROWS as usize {
            text.push(value(row).as_bytes()).unwrap();
        }
        Values::String(text)
    };
    let signed = |values: Vec<u64>| Values::Int64(values.into_iter().map(|value| value as i64).collect());
    let sums = |steps: Vec<u64>| {
        steps
            .into_iter()
            .scan(0, |sum, step| {
                *sum += step;
                Some(*sum)
            })
            .collect()
    };
    let floats =
        |values: Vec<u64>, scale: f64| Values::Float64(values.into_iter().map(|value| value as f64 / scale).collect());
    let (codes, words, letters) = (numbers(100), numbers(500), numbers(u64::MAX));
    vec![
        ("integers planes", signed(numbers(1 << 20))),
        ("integers delta", signed(sums(numbers(1000)))),
        ("integers dictionary", signed(codes.iter().map(|code| code * 0x0123_4567_89ab).collect())),
        ("floats scaled", floats(numbers(1_000_000), 100.0)),
        ("floats random", floats(numbers(1 << 53), (1u64 << 53) as f64)),
        ("text dictionary", text(&|row| format!("Station {}", words[row]))),
        ("text template", text(&|row| format!("user{row}@example.com"))),
        ("text plain", text(&|row| format!("{:x}", letters[row]))),
    ]
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for (name, values) in chunks() {
        let schema = Schema::new("kernel", vec![Field::new("values", values.data_type())]);
        let columns = [Column::new(values, None).unwrap()];
        let options = WriteOptions::new(Dialect::Version2);
        let file = write_all(&schema, &columns, options).unwrap();
        assert_eq!(read(&file).unwrap(), columns, "{name}");
        if let Ok(folder) = std::env::var("NCF_KERNELS") {
            std::fs::write(format!("{folder}/{name}.ncf"), &file).unwrap();
        }
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(ROWS));
        group.bench_function("write", |bencher| {
            bencher.iter(|| write_all(&schema, black_box(&columns), options).unwrap())
        });
        group.bench_function("read", |bencher| bencher.iter(|| read(black_box(&file)).unwrap()));
        group.finish();
    }
    criterion.final_summary();
}
