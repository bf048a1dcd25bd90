//! Encodes the columns of a file that tables.py wrote, decodes them again, compares, and prints sizes and times as JSON.

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
use ncf::encoding::chunk::{self, ColumnType, Parents};
use ncf::encoding::{Decoder, Encoder};

/// Rows of a row group.
const GROUP: usize = 128 * 1024;

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
    let bytes = std::fs::read(std::env::args().nth(1).expect("path of a file")).unwrap();
    let mut reader = ByteReader::new(&bytes, 0);
    let (columns, rows) = (reader.u32().unwrap(), reader.u32().unwrap() as usize);
    let mut encoder = Encoder::new(Some(3)).unwrap();
    let mut decoder = Decoder::new(1 << 30);
    let (mut size, mut chunks, mut raw) = (0, 0, 0);
    let (mut encode, mut decode) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..columns {
        let column = read_column(&mut reader, rows);
        for start in (0..rows).step_by(GROUP) {
            let part = column.slice(start..start + GROUP);
            let started = Instant::now();
            let encoded = chunk::encode(&part, &mut encoder).unwrap();
            encode += started.elapsed();
            let started = Instant::now();
            let (column_type, none) = (ColumnType::of(part.values()), Parents::default());
            let decoded = chunk::decode(&encoded, column_type, part.len(), &none, &mut decoder).unwrap();
            decode += started.elapsed();
            let decoded = decoded.column();
            // Encoding is deterministic and leaves out what is under nulls: equal bytes are equal values.
            assert_eq!(chunk::encode(decoded, &mut encoder).unwrap(), encoded);
            assert_eq!((decoded.len(), decoded.num_nulls()), (part.len(), part.num_nulls()));
            size += encoded.len();
            chunks += 1;
            raw += raw_size(&part);
        }
    }
    println!(
        "{{\"bytes\":{size},\"chunks\":{chunks},\"raw\":{raw},\"encode\":{},\"decode\":{}}}",
        encode.as_secs_f64(),
        decode.as_secs_f64()
    );
}
