//! Sizes and times of neural chunks on the tables that bench/encodings/run.mjs makes, against Parquet:
//!
//! ```text
//! cargo run --release --example neural -- [-v] [--rows N] [--group N] [--depth N] target/bench/*.columns
//! ```
//! Every column is encoded beside the parents that `choose_parents` picks, in row groups of `--group` rows, decoded and
//! compared; of each column the smaller of that and the encodings of version 2 counts. `-v` prints every column. Times
//! are of the processor, those of encoding with comparing and choosing.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark that panics has failed"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ncf::bytes::ByteReader;
use ncf::column::{Bitmap, Column, Values, VarBytes};
use ncf::encoding::Encoder;
use ncf::encoding::chunk::{self, ColumnType};
use ncf::neural::{self, Level};

/// Bytes that a footer takes besides its columns, and per column of a row group: digests, offsets, statistics.
const FOOTER: usize = 300;
const FOOTER_PER_CHUNK: usize = 44;
const BASELINES: [&str; 3] = ["snappy", "zstd3", "best"];

/// Time on a processor, as others may be running; elapsed time where the system does not tell.
fn cpu_time(began: Instant) -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    nanoseconds.map_or_else(|| began.elapsed(), Duration::from_nanos)
}

fn words(data: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    data.chunks_exact(8).map(|word| word.try_into().unwrap())
}

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

/// Bytes of the valid rows in memory: 8 per number, 4 more per text, a bit per boolean, a bit of validity.
fn raw_size(column: &Column) -> usize {
    let rows = column.len() - column.num_nulls();
    let values = match column.values() {
        Values::String(text) => text.bytes().len() + 4 * rows,
        Values::Boolean(_) => rows / 8,
        _ => 8 * rows,
    };
    values + if column.num_nulls() > 0 { column.len() / 8 } else { 0 }
}

#[derive(Default)]
struct Total {
    raw: usize,
    size: usize,
    plain: usize,
    encode: Duration,
    decode: Duration,
}

/// Encodes and decodes all columns of a row group, adding to the totals of each.
fn run_group(columns: &[Column], depth: usize, totals: &mut [Total], lists: &mut Vec<Vec<usize>>) {
    let began = Instant::now();
    let mut encoder = Encoder::new(Some(3)).unwrap();
    let all: Vec<&Column> = columns.iter().collect();
    let started = cpu_time(began);
    *lists = neural::choose_parents(&all, depth);
    totals[0].encode += cpu_time(began) - started;
    for ((column, list), total) in columns.iter().zip(lists).zip(totals) {
        let parents: Vec<&Column> = list.iter().map(|&parent| &columns[parent]).collect();
        let started = cpu_time(began);
        let encoded = neural::encode(column, &parents, Level::Default).unwrap();
        total.encode += cpu_time(began) - started;
        let started = cpu_time(began);
        let decoded =
            neural::decode(&encoded, ColumnType::of(column.values()), column.len(), &parents, u64::MAX).unwrap();
        total.decode += cpu_time(began) - started;
        // Encoding is deterministic and leaves out what is under nulls: equal bytes are equal values.
        let plain = chunk::encode(column, &mut encoder).unwrap();
        assert_eq!(chunk::encode(&decoded, &mut encoder).unwrap(), plain);
        total.raw += raw_size(column);
        total.size += encoded.len().min(plain.len());
        total.plain += plain.len();
    }
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let verbose = args.iter().position(|arg| arg == "-v").map(|at| args.remove(at)).is_some();
    let mut number = |name: &str, default: usize| {
        let Some(at) = args.iter().position(|arg| arg == name) else { return default };
        args.remove(at);
        args.remove(at).parse().expect("a number")
    };
    let (most, group, depth) = (number("--rows", usize::MAX), number("--group", 128 * 1024), number("--depth", 3));
    let mut logs = [0.0; BASELINES.len()];
    let mut tables = 0.0;
    println!("table                              bytes   /snappy  /zstd 3    /best    encode    decode (MB/s of raw)");
    for path in args.iter().map(Path::new) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let bytes = fs::read(path).unwrap();
        let mut reader = ByteReader::new(&bytes, 0);
        let (num_columns, rows) = (reader.u32().unwrap(), reader.u32().unwrap() as usize);
        let columns: Vec<Column> = (0..num_columns).map(|_| read_column(&mut reader, rows)).collect();
        let rows = rows.min(most);
        let mut totals: Vec<Total> = columns.iter().map(|_| Total::default()).collect();
        let mut lists = Vec::new();
        for start in (0..rows).step_by(group) {
            let part: Vec<Column> = columns.iter().map(|c| c.slice(start..rows.min(start + group))).collect();
            run_group(&part, depth, &mut totals, &mut lists);
        }
        if verbose {
            for (index, (total, list)) in totals.iter().zip(&lists).enumerate() {
                let (encode, decode) = (total.encode.as_secs_f64(), total.decode.as_secs_f64());
                let (size, plain) = (total.size, total.plain);
                println!("  {index:3} {size:9} otherwise {plain:9} {encode:7.2} s {decode:7.2} s  {list:?}");
            }
        }
        let sum = |of: fn(&Total) -> usize| totals.iter().map(of).sum::<usize>();
        let seconds = |of: fn(&Total) -> Duration| totals.iter().map(of).sum::<Duration>().as_secs_f64();
        let size = sum(|t| t.size) + FOOTER + FOOTER_PER_CHUNK * columns.len() * rows.div_ceil(group);
        let json = fs::read_to_string(path.with_file_name("parquet.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let ratios = BASELINES.map(|baseline| size as f64 / json[name][baseline].as_f64().unwrap());
        let [snappy, zstd, best] = ratios;
        let speed = |seconds: f64| sum(|t| t.raw) as f64 / 1e6 / seconds;
        let (encode, decode) = (speed(seconds(|t| t.encode)), speed(seconds(|t| t.decode)));
        println!("{name:30} {size:9} {snappy:8.3} {zstd:8.3} {best:8.3} {encode:9.2} {decode:9.2}");
        if name != "seed100k" {
            logs.iter_mut().zip(ratios).for_each(|(log, ratio)| *log += ratio.ln());
            tables += 1.0;
        }
    }
    let means: Vec<String> =
        BASELINES.iter().zip(logs).map(|(name, log)| format!("{name} {:.3}", f64::exp(log / tables))).collect();
    println!("geometric means without seed100k: {}", means.join(", "));
}
