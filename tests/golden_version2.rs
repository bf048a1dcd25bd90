//! Files of version 2 that were once written are read for ever: every `NAME.ncf` of tests/fixtures/version2 holds what
//! `NAME.json` says. pkg-tests reads the same pairs through the package.
//!
//! `NCF_BLESS=1 cargo test --test golden_version2` writes those of the tables below that are not there; one that is
//! there is never touched, so a file for a new encoding is a new table.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod support;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ncf::column::{Column, Values, VarBytes};
use ncf::compression::Compression;
use ncf::encoding::float::FloatEncoding;
use ncf::encoding::integer::IntegerEncoding;
use ncf::encoding::text::TextEncoding;
use ncf::format::Dialect;
use ncf::reader::{OpenOptions, Table, read_all};
use ncf::schema::{Field, Schema, SemanticType, TimeUnit};
use ncf::statistics::Scalar;
use ncf::writer::{WriteOptions, write_all};
use serde_json::{Value as Json, json};
use support::{Host, Random, hex};

type Checked<T = ()> = Result<T, Box<dyn Error>>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version2")
}

/// A table to write.
struct Golden {
    name: &'static str,
    about: &'static str,
    columns: Vec<(&'static str, Column)>,
    options: WriteOptions,
}

fn column(values: Values) -> Column {
    Column::new(values, None).unwrap()
}

fn nullable(values: Values, is_valid: impl Fn(usize) -> bool) -> Column {
    let validity = (0..values.len()).map(is_valid).collect();
    Column::new(values, Some(validity)).unwrap()
}

fn text(values: impl IntoIterator<Item = impl AsRef<[u8]>>) -> VarBytes {
    let mut text = VarBytes::default();
    values.into_iter().for_each(|value| text.push(value.as_ref()).unwrap());
    text
}

const ROWS: usize = 400;

/// Made once; a table that is changed here no longer says what its file holds.
fn tables() -> Vec<Golden> {
    let options = WriteOptions::new(Dialect::Version2);
    let random = &mut Random::new(7);
    let noise: Vec<u64> = (0..ROWS).map(|_| random.bits()).collect();
    let below = |row: usize, end: u64| noise[row] % end;
    let rows = || 0..ROWS;
    let ints = |value: &dyn Fn(usize) -> i64| column(Values::Int64(rows().map(value).collect()));
    let floats = |value: &dyn Fn(usize) -> f64| column(Values::Float64(rows().map(value).collect()));
    let words = |value: &dyn Fn(usize) -> String| column(Values::String(text(rows().map(value))));
    let city = |row: usize| ["Gdańsk", "Oslo", "São Paulo", "東京", "Zürich"][below(row, 5) as usize];
    vec![
        Golden {
            name: "integers",
            about: "constant, planes with a divisor, delta, run-length, dictionary",
            columns: vec![
                ("constant", ints(&|_| -7)),
                ("planes", ints(&|row| 1_000_000 - 900 * below(row, 700) as i64)),
                ("delta", ints(&|row| row as i64 * 1000 + below(row, 5) as i64)),
                ("run-length", ints(&|row| (row as i64 / 60) * 12_345)),
                ("dictionary", ints(&|row| [3, -(1 << 40), 77 << 50, i64::MAX][below(row, 4) as usize])),
                ("noise", column(Values::UInt64(noise.clone()))),
            ],
            options,
        },
        Golden {
            name: "floats",
            about: "bits, decimals with exceptions, multiples of 2^-53, bytes",
            columns: vec![
                ("prices", floats(&|row| if row == 9 { -0.0 } else { below(row, 100_000) as f64 / 100.0 })),
                ("random", floats(&|row| (noise[row] >> 11) as f64 / (1u64 << 53) as f64)),
                ("bits", floats(&|row| f64::from_bits((below(row, 3) << 62) | 0x3ff1_2345_6789_abcd))),
                ("bytes", floats(&|row| f64::from_bits(noise[row % 40].wrapping_mul(0x9e37_79b9_7f4a_7c15)))),
                ("single", column(Values::Float32(rows().map(|row| below(row, 900) as f32 / 8.0).collect()))),
            ],
            options,
        },
        Golden {
            name: "text",
            about: "constant, terminated, lengths, dictionary, front, template",
            columns: vec![
                ("constant", words(&|_| "same".to_owned())),
                ("terminated", words(&|row| format!("{} {}", city(row), "wörter ".repeat(below(row, 9) as usize)))),
                ("dictionary", words(&|row| city(row).to_owned())),
                ("front", words(&|row| format!("shelf/{}/{:x}", row / 40, 0xabc0_0000_u64 + (row as u64) * 7919))),
                ("template", words(&|row| format!("user{:05}@example.com", below(row, 99_999)))),
                ("lengths", column(Values::Binary(text(rows().map(|row| noise[row].to_le_bytes()[..2].to_vec()))))),
            ],
            options,
        },
        Golden {
            name: "bits",
            about: "constant, bitmap and runs, as values and as validity",
            columns: vec![
                ("true", column(Values::Boolean(rows().map(|_| true).collect()))),
                ("bitmap", column(Values::Boolean(rows().map(|row| below(row, 2) == 0).collect()))),
                ("runs", column(Values::Boolean(rows().map(|row| row / 90 % 2 == 0).collect()))),
                ("nulls", nullable(Values::Int8(rows().map(|row| row as i8).collect()), |row| below(row, 3) > 0)),
                ("all null", nullable(Values::String(text(rows().map(|_| ""))), |_| false)),
            ],
            options,
        },
        types(options),
        parents("parents", &noise, options),
        neural(&noise, options),
        parents("neural-parents", &noise, WriteOptions { neural: Some(3), row_group_rows: 1200, ..options }),
        Golden {
            name: "row-groups",
            about: "many row groups, so that blocks and digests lie apart from the footer",
            columns: (0..24)
                .map(|index| {
                    let name: &'static str = [
                        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s",
                        "t", "u", "v", "w", "x",
                    ][index];
                    (name, ints(&|row| below(row, 1000) as i64 * index as i64))
                })
                .collect(),
            options: WriteOptions { row_group_rows: 8, ..options },
        },
        Golden {
            name: "uncompressed",
            about: "stored leaves, a footer that is not compressed, times",
            columns: vec![("id", ints(&|row| row as i64)), ("city", words(&|row| city(row).to_owned()))],
            options: WriteOptions {
                compression: Compression::None,
                created: 1_700_000_000,
                modified: 1_700_000_001,
                ..options
            },
        },
        Golden {
            name: "empty",
            about: "no rows",
            columns: vec![
                ("id", column(Values::Int32(Vec::new()))),
                ("name", column(Values::String(VarBytes::default()))),
            ],
            options,
        },
    ]
}

/// Columns that are predicted from others.
fn parents(name: &'static str, noise: &[u64], options: WriteOptions) -> Golden {
    let random = &mut Random::new(11);
    let rows = 2000;
    let keys: Vec<usize> = (0..rows).map(|_| random.below(60)).collect();
    let spans: Vec<i64> = (0..rows).map(|_| random.below(9000) as i64).collect();
    let starts: Vec<i64> = (0..rows).map(|_| random.below(86_400) as i64).collect();
    let slowly = |row: usize| noise[(keys[row] + row / 500) % ROWS] % 100_000;
    let ints = |value: &dyn Fn(usize) -> i64| column(Values::Int64((0..rows).map(value).collect()));
    Golden {
        name,
        about: "columns that are functions, sums and recent values of others; nulls that are functions of another",
        columns: vec![
            ("route", column(Values::String(text(keys.iter().map(|key| format!("route {:x}", noise[*key] >> 40)))))),
            ("gate", ints(&|row| (noise[keys[row]] % 250) as i64)),
            ("start", ints(&|row| starts[row])),
            ("span", ints(&|row| spans[row])),
            ("end", ints(&|row| starts[row] + 60 * spans[row])),
            ("crew", ints(&|row| slowly(row) as i64)),
            (
                "reserve",
                nullable(Values::Int64((0..rows).map(|row| row as i64).collect()), |row| {
                    noise[keys[row]].is_multiple_of(2)
                }),
            ),
        ],
        options,
    }
}

/// Columns of every type and with nulls whose chunks are neural.
fn neural(noise: &[u64], options: WriteOptions) -> Golden {
    let rows = 900;
    // Few values, in an order that mostly repeats; two that come once.
    let value = |row: usize| match row {
        21 | 422 => 97 + row as u64 / 400,
        _ => {
            ((row * row / 37 + row % 5 * 11) as u64
                + u64::from(noise[row % ROWS].is_multiple_of(3)) * (noise[row % ROWS] >> 60))
                % 97
        }
    };
    macro_rules! values {
        ($variant:ident, $convert:expr) => {
            nullable(Values::$variant((0..rows).map(value).map($convert).collect()), |row| {
                row % 50 > value(row) as usize % 7
            })
        };
    }
    let words = |row: usize| format!("Straße {} № {}", ["Nord", "Süd", "Ost"][value(row) as usize % 3], value(row) / 2);
    let strings = Values::String(text((0..rows).map(words)));
    let bytes = Values::Binary(text((0..rows).map(|row| [0xff, value(row) as u8, row as u8 / 16])));
    let timestamps = (0..rows).map(|row| 1_700_000_000_000_000 + row as i64 * 60_000_000 + value(row) as i64 * 500_000);
    let timestamps = Values::Timestamp { unit: TimeUnit::Microsecond, utc: true, values: timestamps.collect() };
    let decimals = (0..rows).map(|row| i128::from(value(row) / 9) * 1_000_000_007_000_000_009_000 - 5).collect();
    let decimals = Values::Decimal { precision: 30, scale: 6, values: decimals };
    let some = |row: usize| value(row) % 9 != 4;
    Golden {
        name: "neural",
        about: "neural chunks of every type, without parents, with nulls",
        columns: vec![
            ("int8", values!(Int8, |x| x as i8 - 40)),
            ("int16", values!(Int16, |x| x as i16 * 100 - 4000)),
            ("int32", values!(Int32, |x| 1_000_000 * x as i32)),
            ("int64", values!(Int64, |x| (x as i64 - 50) << 40)),
            ("uint8", values!(UInt8, |x| x as u8 * 2)),
            ("uint16", values!(UInt16, |x| x as u16 * 600)),
            ("uint32", values!(UInt32, |x| x as u32 * 40_000_000)),
            ("uint64", values!(UInt64, |x| u64::MAX - x * 12_345)),
            ("float32", values!(Float32, |x| if x == 97 { f32::from_bits(0x7fc0_0bad) } else { x as f32 / 10.0 })),
            (
                "float64",
                values!(Float64, |x| match x {
                    97 => -0.0,
                    98 => f64::from_bits(0xfff8_0000_0bad_cafe),
                    _ => (x as f64 - 20.0) / 100.0,
                }),
            ),
            ("string", nullable(strings, some)),
            ("binary", nullable(bytes, some)),
            ("boolean", nullable(Values::Boolean((0..rows).map(|row| value(row) < 40).collect()), some)),
            ("date", values!(Date, |x| 19_000 + x as i32)),
            ("timestamp", nullable(timestamps, some)),
            ("decimal", nullable(decimals, some)),
        ],
        options: WriteOptions { neural: Some(2), cross_column: false, row_group_rows: 600, ..options },
    }
}

/// All types with their extremes and nulls.
fn types(options: WriteOptions) -> Golden {
    let nulls = |row: usize| row != 1;
    macro_rules! extremes {
        ($variant:ident, $type:ty) => {
            nullable(Values::$variant(vec![<$type>::MIN, 0, 1, <$type>::MAX]), nulls)
        };
    }
    let timestamps = |utc: bool| {
        let values = vec![-62_135_596_800_000_000, 0, 1, 253_402_300_799_999_999];
        nullable(Values::Timestamp { unit: TimeUnit::Microsecond, utc, values }, nulls)
    };
    Golden {
        name: "types",
        about: "every type: extremes, null in row 1, NaN with a payload, -0, empty text",
        columns: vec![
            ("int8", extremes!(Int8, i8)),
            ("int16", extremes!(Int16, i16)),
            ("int32", extremes!(Int32, i32)),
            ("int64", extremes!(Int64, i64)),
            ("uint8", extremes!(UInt8, u8)),
            ("uint16", extremes!(UInt16, u16)),
            ("uint32", extremes!(UInt32, u32)),
            ("uint64", extremes!(UInt64, u64)),
            ("float32", nullable(Values::Float32(vec![-0.0, 0.0, f32::from_bits(0x7fc0_1234), f32::MAX]), nulls)),
            (
                "float64",
                nullable(
                    Values::Float64(vec![-0.0, 0.0, f64::from_bits(0x7ff8_0000_dead_beef), f64::NEG_INFINITY]),
                    nulls,
                ),
            ),
            ("boolean", nullable(Values::Boolean([true, false, false, true].into_iter().collect()), nulls)),
            ("string", nullable(Values::String(text(["", "", "null", "a\0b \u{1f600}"])), nulls)),
            ("binary", nullable(Values::Binary(text([&b""[..], b"", b"\xff\x00", b"abc"])), nulls)),
            ("date", nullable(Values::Date(vec![-719_162, 0, 19_782, 2_932_896]), nulls)),
            ("timestamp", timestamps(false)),
            ("timestamp utc", timestamps(true)),
            (
                "decimal",
                nullable(
                    Values::Decimal {
                        precision: 38,
                        scale: 4,
                        values: vec![-99_999_999_999_999_999_999_999_999_999_999_999_999, 0, 1, 15_000],
                    },
                    nulls,
                ),
            ),
        ],
        options,
    }
}

/// One value as JSON: null, text, or a boolean; floats as their bits.
fn cell(column: &Column, row: usize) -> Json {
    match Scalar::of(column, row) {
        None => Json::Null,
        Some(Scalar::Boolean(value)) => value.into(),
        Some(Scalar::Integer(value)) => value.to_string().into(),
        Some(Scalar::Float32(value)) => format!("{:08x}", value.to_bits()).into(),
        Some(Scalar::Float64(value)) => format!("{:016x}", value.to_bits()).into(),
        Some(Scalar::Bytes(bytes)) => hex(&bytes).into(),
        Some(other) => other.to_text().unwrap().into(),
    }
}

fn bless(golden: &Golden) -> Checked {
    let path = folder().join(format!("{}.ncf", golden.name));
    if path.exists() {
        return Ok(());
    }
    let fields = golden.columns.iter().map(|(name, column)| {
        let mut field = Field::new(*name, column.values().data_type());
        field.semantic_type = if *name == "city" { SemanticType::Categorical } else { SemanticType::Unknown };
        field
    });
    let schema = Schema::new(golden.name, fields.collect());
    let columns: Vec<Column> = golden.columns.iter().map(|(_, column)| column.clone()).collect();
    fs::create_dir_all(folder())?;
    fs::write(path, write_all(&schema, &columns, golden.options)?)?;
    let columns = golden.columns.iter().map(|(name, column)| {
        let values: Vec<Json> = (0..column.len()).map(|row| cell(column, row)).collect();
        json!({ "name": name, "type": column.values().data_type().as_str(), "values": values })
    });
    let expected = json!({
        "about": golden.about,
        "rowGroupRows": golden.options.row_group_rows,
        "columns": columns.collect::<Vec<Json>>(),
    });
    fs::write(folder().join(format!("{}.json", golden.name)), serde_json::to_string(&expected)? + "\n")?;
    Ok(())
}

fn check(name: &str) -> Checked<Table> {
    let bytes = fs::read(folder().join(format!("{name}.ncf")))?;
    let expected: Json = serde_json::from_str(&fs::read_to_string(folder().join(format!("{name}.json")))?)?;
    let table = read_all(&bytes, &OpenOptions { checksums: true, ..OpenOptions::default() })?;
    let columns = expected["columns"].as_array().expect("columns");
    assert_eq!(table.columns.len(), columns.len(), "{name}");
    for ((found, field), json) in table.columns.iter().zip(&table.file.schema().columns).zip(columns) {
        let found = found.as_ref().expect("nothing is lost");
        assert_eq!(
            (field.name.as_str(), field.data_type.as_str()),
            (json["name"].as_str().unwrap(), json["type"].as_str().unwrap())
        );
        let values: Vec<Json> = (0..found.len()).map(|row| cell(found, row)).collect();
        assert_eq!(&values, json["values"].as_array().unwrap(), "{name}.{}", field.name);
    }
    Ok(table)
}

/// The encodings of the first row group.
fn explain(name: &str) -> Checked<String> {
    let bytes = fs::read(folder().join(format!("{name}.ncf")))?;
    let mut host = Host::new(&bytes);
    let mut file = host.open(&OpenOptions::default())?;
    let mut text = String::new();
    for column in 0..file.schema().columns.len() {
        host.run(|segments| file.locate(&[column], segments))?;
        if file.num_rows() > 0 {
            let mut group = host.row_group(&file, column, 0)?;
            let explained = file.explain(column, &mut group)?.expect("a file of version 2");
            println!("{name}.{}: {explained}", file.schema().columns[column].name);
            text.push_str(&explained);
            text.push('\n');
        }
    }
    Ok(text)
}

#[test]
fn every_golden_file_is_read_as_it_was_written() -> Checked {
    if env::var_os("NCF_BLESS").is_some() {
        for golden in tables() {
            bless(&golden)?;
        }
    }
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder())? {
        let name = entry?.file_name().into_string().expect("a name in UTF-8");
        names.extend(name.strip_suffix(".ncf").map(str::to_owned));
    }
    let mut encodings = String::new();
    for name in &names {
        check(name)?;
        let explained = explain(name)?;
        let neural = explained.lines().filter(|words| words.starts_with("neural")).count();
        assert_eq!(
            neural,
            match name.as_str() {
                "neural" => 16,
                "neural-parents" => 7,
                _ => 0,
            },
            "{name}: {explained}"
        );
        encodings.push_str(&explained);
    }
    let known: BTreeSet<&str> = encodings.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).collect();
    let integers = IntegerEncoding::ALL.iter().map(|encoding| encoding.as_str());
    let floats = FloatEncoding::ALL.iter().map(|encoding| encoding.as_str());
    assert!(known.contains("integers"), "no golden file has bits as integers");
    assert!(encodings.contains("neural by "), "no golden file has neural chunks with parents");
    for encoding in integers.chain(floats).chain(TextEncoding::ALL.iter().map(|encoding| encoding.as_str())) {
        assert!(known.contains(encoding), "no golden file has the encoding {encoding}");
    }
    // Golden files stay for ever.
    for golden in tables() {
        assert!(names.contains(golden.name), "{} is missing: NCF_BLESS=1 writes it", golden.name);
    }
    Ok(())
}
