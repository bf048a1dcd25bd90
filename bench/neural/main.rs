//! Sizes and times of the neural codec on tables that bench/encodings/tables.py wrote.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark that panics has failed"
)]

use std::time::{Duration, Instant};

use ncf::bytes::ByteReader;
use ncf::column::{Bitmap, Column, Values, VarBytes};
use ncf::encoding::Encoder;
use ncf::encoding::chunk::{self, ColumnType};
use ncf::neural::{self, Level};

/// Time on a processor: other processes may be running. Elapsed time where the system does not tell.
fn cpu_time(since: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    nanoseconds.map_or_else(|| since.elapsed(), Duration::from_nanos)
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

fn main() {
    let began = Instant::now();
    let args: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: usize| {
        args.iter().position(|a| a == name).map_or(default, |at| args[at + 1].parse().unwrap())
    };
    let (most, group) = (number("--rows", usize::MAX), number("--group", 131_072));
    let only = number("--column", usize::MAX);
    let verbose = args.iter().any(|a| a == "-v");
    let bytes = std::fs::read(&args[1]).unwrap();
    let mut reader = ByteReader::new(&bytes, 0);
    let (columns, rows) = (reader.u32().unwrap(), reader.u32().unwrap() as usize);
    let columns: Vec<Column> = (0..columns).map(|_| read_column(&mut reader, rows).slice(0..rows.min(most))).collect();
    let rows = rows.min(most);
    let mut planning = Duration::ZERO;
    let manual: Vec<Vec<usize>> = match std::env::var("PARENTS") {
        Ok(text) => {
            let mut lists = vec![Vec::new(); columns.len()];
            for part in text.split(' ') {
                let (child, list) = part.split_once(':').unwrap();
                lists[child.parse::<usize>().unwrap()] = list.split(',').map(|p| p.parse().unwrap()).collect();
            }
            lists
        }
        Err(_) => {
            let whole: Vec<&Column> = columns.iter().collect();
            let started = cpu_time(began);
            let lists = neural::choose_parents(&whole, number("--depth", 3));
            planning = cpu_time(began) - started;
            lists
        }
    };
    let mut tier1 = Encoder::new(Some(3)).unwrap();
    let (mut total, mut plain, mut raw) = (0, 0, 0);
    let (mut encode, mut decode) = (Duration::ZERO, Duration::ZERO);
    for (index, column) in columns.iter().enumerate() {
        if only != usize::MAX && only != index {
            continue;
        }
        let (mut size, mut other) = (0, 0);
        let (mut t_encode, mut t_decode) = (Duration::ZERO, Duration::ZERO);
        for start in (0..rows).step_by(group) {
            let part = column.slice(start..start + group);
            let parts: Vec<Column> = manual[index].iter().map(|&p| columns[p].slice(start..start + group)).collect();
            let parents: Vec<&Column> = parts.iter().collect();
            let started = cpu_time(began);
            let encoded = neural::encode(&part, &parents, Level::Default).unwrap();
            t_encode += cpu_time(began) - started;
            let started = cpu_time(began);
            let decoded =
                neural::decode(&encoded, ColumnType::of(part.values()), part.len(), &parents, 1 << 40).unwrap();
            t_decode += cpu_time(began) - started;
            let reference = chunk::encode(&part, &mut tier1).unwrap();
            assert_eq!(chunk::encode(&decoded, &mut tier1).unwrap(), reference);
            size += encoded.len();
            other += reference.len();
            raw += raw_size(&part);
        }
        if verbose {
            println!(
                "  {index:3} {size:9} tier1 {other:9}  {:6.2}s {:6.2}s parents {:?}",
                t_encode.as_secs_f64(),
                t_decode.as_secs_f64(),
                manual[index]
            );
        }
        total += size.min(other);
        plain += other;
        encode += t_encode;
        decode += t_decode;
    }
    let name = args[1].rsplit('/').next().unwrap();
    let speed = |time: Duration| raw as f64 / 1e6 / time.as_secs_f64();
    println!(
        "{name:40} raw {raw:9} size {total:9} tier1 {plain:9} encode {:.2} decode {:.2} MB/s, planning {:.2} s",
        speed(encode),
        speed(decode),
        planning.as_secs_f64()
    );
}
