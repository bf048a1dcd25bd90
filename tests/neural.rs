//! Neural chunks: every type comes back bit for bit, golden chunks decode for ever, damage is an error or a column of
//! the right shape, in bounded memory.
#![cfg(all(feature = "neural", feature = "writer"))]
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

#[path = "support/memory.rs"]
mod memory;
mod support;

use std::error::Error;
use std::sync::Arc;
use std::{env, fs};

use ncf::column::{Bitmap, Column, Values, VarBytes};
use ncf::encoding::chunk::{self, ColumnType, Parents};
use ncf::encoding::{Decoder, Encoder};
use ncf::neural::{self, Level, choose_parents};
use ncf::schema::{DataType, TimeUnit};
use serde_json::{Value as Json, json};
use support::{Random, fixtures_dir, hex, same_column};

type Checked<T = ()> = Result<T, Box<dyn Error>>;

const LIMIT: u64 = 1 << 24;
/// Buckets of 2^19 x 64 bytes, what else a model has, and a column.
const PEAK: usize = 64 << 20;

/// Values of some shape, that depend on `row` and on a number of a parent.
fn values(data_type: DataType, rows: usize, parent: &[u64], random: &mut Random) -> Checked<Values> {
    let shape = random.below(7);
    let spread = 1 + random.below(300) as u64;
    let mut walk = 1_000_000u64;
    let mut number = |row: usize, random: &mut Random| match shape {
        0 => random.bits(),
        1 => random.bits() % 7,
        2 => (row as u64).wrapping_mul(3).wrapping_sub(50),
        3 => parent[row].wrapping_mul(60).wrapping_add(random.bits() % 3),
        4 => parent[row] % 5 * 1000 + random.bits() % 2,
        5 => {
            walk = walk.wrapping_add(random.bits() % spread).wrapping_sub(spread / 2);
            walk
        }
        _ => 42,
    };
    macro_rules! all {
        ($convert:expr) => {
            (0..rows).map(|row| number(row, random)).map($convert).collect()
        };
    }
    Ok(match data_type {
        DataType::Int8 => Values::Int8(all!(|x| x as i8)),
        DataType::Int16 => Values::Int16(all!(|x| x as i16)),
        DataType::Int32 => Values::Int32(all!(|x| x as i32)),
        DataType::Int64 => Values::Int64(all!(|x| x as i64)),
        DataType::UInt8 => Values::UInt8(all!(|x| x as u8)),
        DataType::UInt16 => Values::UInt16(all!(|x| x as u16)),
        DataType::UInt32 => Values::UInt32(all!(|x| x as u32)),
        DataType::UInt64 => Values::UInt64(all!(|x| x)),
        DataType::Float32 => {
            Values::Float32(all!(|x| if x % 13 == 0 { f32::from_bits(x as u32) } else { x as f32 / 10.0 }))
        }
        DataType::Float64 => Values::Float64(all!(|x| match x % 50 {
            0 => f64::from_bits(x),
            1 => -0.0,
            2 => f64::from_bits(0x7ff8_0000_0000_0000 | x),
            _ => x as i64 as f64 / 100.0,
        })),
        DataType::Boolean => Values::Boolean(all!(|x: u64| x % 2 == 1)),
        DataType::Date => Values::Date(all!(|x| x as i32)),
        DataType::Timestamp => Values::Timestamp { unit: TimeUnit::Nanosecond, utc: true, values: all!(|x| x as i64) },
        DataType::Decimal => Values::Decimal {
            precision: 38,
            scale: 3,
            values: all!(|x| if shape == 0 {
                i128::from(x) * i128::from(x as i64) / 100
            } else {
                i128::from(x as i64)
            }),
        },
        DataType::String | DataType::Binary => {
            let mut text = VarBytes::default();
            for row in 0..rows {
                let value = number(row, random);
                let mut value = if value % 11 == 0 { Vec::new() } else { format!("ключ {value}").into_bytes() };
                if value.len() % 5 == 1 {
                    value.extend([0, 1, 2, 0]);
                }
                text.push(&value)?;
            }
            if data_type == DataType::String { Values::String(text) } else { Values::Binary(text) }
        }
    })
}

fn column(data_type: DataType, rows: usize, parent: &[u64], random: &mut Random) -> Checked<Column> {
    let values = values(data_type, rows, parent, random)?;
    let validity = match random.below(5) {
        0 => Some(Bitmap::filled(rows, false)),
        1 => Some((0..rows).map(|row| row / 13 % 2 == 0).collect()),
        2 => Some((0..rows).map(|row| !parent[row].is_multiple_of(3)).collect()),
        _ => None,
    };
    Ok(Column::new(values, validity)?)
}

fn numbers(rows: usize, random: &mut Random) -> Vec<u64> {
    let few = 1 + random.bits() % 500;
    (0..rows).map(|_| random.bits() % few).collect()
}

fn parents(rows: usize, numbers: &[u64], random: &mut Random) -> Checked<Vec<Column>> {
    let mut parents = Vec::new();
    for _ in 0..random.below(4) {
        let data_type = DataType::ALL[random.below(DataType::ALL.len())];
        parents.push(column(data_type, rows, numbers, random)?);
    }
    Ok(parents)
}

#[test]
fn random_columns_of_every_type_come_back() -> Checked {
    for seed in 0..6 {
        for &data_type in DataType::ALL {
            let mut random = Random::new(seed * 100 + data_type as u64);
            let rows = [0, 1, 2, 9, 100, 700, 2500][random.below(7)];
            let level = [Level::Fast, Level::Default, Level::Best][random.below(3)];
            let numbers = numbers(rows, &mut random);
            let parents = parents(rows, &numbers, &mut random)?;
            let parents: Vec<&Column> = parents.iter().collect();
            let column = column(data_type, rows, &numbers, &mut random)?;
            let bytes = neural::encode(&column, &parents, level)?;
            let decoded = neural::decode(&bytes, ColumnType::of(column.values()), rows, &parents, LIMIT)?;
            assert!(same_column(&column, &decoded), "seed {seed}, {data_type:?}");
            assert_eq!(neural::encode(&column, &parents, level)?, bytes, "same input, same bytes");
            neural::verify(&bytes, &column, &parents)?;
        }
    }
    Ok(())
}

#[test]
fn prices_that_were_single_floats_are_no_larger_than_cents() -> Checked {
    let all = golden_cases()?;
    let case = |name: &str| all.iter().find(|(known, ..)| known == name).ok_or("no such case");
    let size = |column: &Column, parents: &[&Column]| neural::encode(column, parents, Level::Default).map(|b| b.len());
    let cents = |column: &Column| {
        let Values::Float64(values) = column.values() else { panic!("floats") };
        Column::new(Values::Int64(values.iter().map(|x| (x * 100.0).round() as i64).collect()), None)
    };
    let (_, closing, _) = case("narrowed-0")?;
    assert!(size(closing, &[])? <= size(&cents(closing)?, &[])? + 8);
    // What opens says little that the closing of the row before has not said.
    let (_, opening, parents) = case("narrowed-1")?;
    let (alone, beside) = (size(opening, &[])?, size(opening, &[&parents[0]])?);
    assert!(beside * 4 < alone, "{beside} beside {alone}");
    assert!(size(&cents(opening)?, &[&parents[0]])? + 8 >= beside);
    Ok(())
}

#[test]
fn what_a_parent_tells_costs_nearly_nothing() -> Checked {
    let mut random = Random::new(5);
    let parent: Vec<i64> = (0..4000).map(|_| random.below(200) as i64).collect();
    let text: Vec<String> = parent.iter().map(|x| format!("{:x}", x % 30 * 77_777)).collect();
    let mut values = VarBytes::default();
    for value in &text {
        values.push(value.as_bytes())?;
    }
    let children = [
        Values::Int64(parent.iter().map(|x| 60 * x - 7).collect()),
        Values::Float64(parent.iter().map(|x| (60 * x - 7) as f64 / 100.0).collect()),
        Values::Int32(parent.iter().map(|x| (x % 30 * 7919 % 100) as i32).collect()),
        Values::String(values),
    ];
    let parent = Column::new(Values::Int64(parent), None)?;
    for child in children {
        let child = Column::new(child, None)?;
        let alone = neural::encode(&child, &[], Level::Default)?.len();
        let beside = neural::encode(&child, &[&parent], Level::Default)?.len();
        assert!(beside * 3 < alone, "{beside} beside its parent, {alone} alone");
    }
    Ok(())
}

#[test]
fn parents_have_no_cycles_and_chains_are_short() -> Checked {
    let mut random = Random::new(9);
    let base: Vec<i64> = (0..3000).map(|_| random.below(400) as i64).collect();
    let columns: Vec<Column> = (1..8)
        .map(|k| Column::new(Values::Int64(base.iter().map(|x| x * k / 3).collect()), None))
        .collect::<ncf::Result<_>>()?;
    let columns: Vec<&Column> = columns.iter().collect();
    for max_depth in 0..4 {
        let lists = choose_parents(&columns, max_depth);
        fn depth(lists: &[Vec<usize>], of: usize, left: usize) -> usize {
            assert!(left > 0, "a cycle");
            lists[of].iter().map(|&parent| 1 + depth(lists, parent, left - 1)).max().unwrap_or(0)
        }
        let deepest = (0..lists.len()).map(|column| depth(&lists, column, 9)).max();
        assert!(deepest <= Some(max_depth), "{lists:?}");
        assert!(max_depth == 0 || lists.iter().filter(|list| !list.is_empty()).count() >= 5, "{lists:?}");
    }
    Ok(())
}

/// Decodes damaged bytes; how it ended.
fn decode_damaged(bytes: &[u8], column: &Column, parents: &[&Column]) -> &'static str {
    let column_type = ColumnType::of(column.values());
    let (decoded, peak) = memory::peak(|| neural::decode(bytes, column_type, column.len(), parents, LIMIT));
    assert!(peak <= PEAK, "{peak} bytes of memory");
    match decoded {
        Ok(decoded) => {
            assert_eq!((decoded.len(), ColumnType::of(decoded.values())), (column.len(), column_type));
            "decoded"
        }
        Err(error) => error.code().as_str(),
    }
}

#[test]
fn damage_is_an_error_or_a_column_of_the_right_shape() -> Checked {
    let mut endings = std::collections::BTreeSet::new();
    for &data_type in DataType::ALL {
        let mut random = Random::new(77 + data_type as u64);
        let rows = 120;
        let numbers = numbers(rows, &mut random);
        let parents = parents(rows, &numbers, &mut random)?;
        let parents: Vec<&Column> = parents.iter().collect();
        let column = column(data_type, rows, &numbers, &mut random)?;
        let bytes = neural::encode(&column, &parents, Level::Fast)?;
        for _ in 0..60 {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(3) {
                // Mostly the header, where it hurts.
                let end = if random.below(3) > 0 { damaged.len().min(14) } else { damaged.len() };
                damaged[random.below(end)] = random.bits() as u8;
            }
            endings.insert(decode_damaged(&damaged, &column, &parents));
            // Other columns of the row group than those it was encoded beside.
            endings.insert(decode_damaged(&damaged, &column, &[]));
        }
        for end in 0..bytes.len().min(40) {
            endings.insert(decode_damaged(&bytes[..end], &column, &parents));
        }
        let noise: Vec<u8> = (0..200).map(|_| random.bits() as u8).collect();
        endings.insert(decode_damaged(&noise, &column, &parents));
        // What was encoded, as another type.
        for &other in DataType::ALL {
            let decoded = neural::decode(&bytes, ColumnType::plain(other), rows, &parents, LIMIT);
            assert!(decoded.is_err() || decoded?.len() == rows);
        }
    }
    endings.remove("limit-exceeded");
    assert_eq!(endings.into_iter().collect::<Vec<_>>(), ["corrupt", "decoded"]);
    Ok(())
}

#[test]
fn trailing_bytes_and_wrong_parents_are_refused() -> Checked {
    let column = Column::new(Values::Int32((0..500).map(|x| x * x % 91).collect()), None)?;
    let mut bytes = neural::encode(&column, &[], Level::Default)?;
    let decode = |bytes: &[u8], parents: &[&Column]| {
        neural::decode(bytes, ColumnType::of(column.values()), 500, parents, LIMIT).map_err(|e| e.code().as_str())
    };
    assert!(decode(&bytes, &[]).is_ok());
    assert_eq!(decode(&bytes, &[&column; 4]), Err("corrupt"));
    assert_eq!(decode(&bytes, &[&column.slice(0..499)]), Err("corrupt"));
    assert_eq!(decode(&bytes[..bytes.len() - 9], &[]), Err("corrupt"));
    bytes.extend([0; 9]);
    assert_eq!(decode(&bytes, &[]), Err("corrupt"));
    Ok(())
}

#[test]
fn limits_hold_before_anything_is_allocated() -> Checked {
    let mut text = VarBytes::default();
    for row in 0..3000 {
        text.push(format!("{row} {}", "long ".repeat(40)).as_bytes())?;
    }
    let column = Column::new(Values::String(text), None)?;
    let bytes = neural::encode(&column, &[], Level::Fast)?;
    let column_type = ColumnType::of(column.values());
    for (limit, most) in [(1000, 1 << 12), (100_000, 16 << 20)] {
        let (result, peak) = memory::peak(|| neural::decode(&bytes, column_type, 3000, &[], limit));
        assert_eq!(result.expect_err("more than the limit").code().as_str(), "limit-exceeded");
        assert!(peak < most, "{peak} bytes of memory");
    }
    Ok(())
}

/// Small columns of every type and form; the fixtures are their chunks.
fn golden_cases() -> Checked<Vec<(String, Column, Vec<Column>)>> {
    let mut cases = Vec::new();
    for &data_type in DataType::ALL {
        for (number, seed) in (0..3).zip([11, 12, 13]) {
            let mut random = Random::new(seed * 1000 + data_type as u64);
            let rows = [60, 200, 400][number];
            let numbers = numbers(rows, &mut random);
            let parents = if number == 0 { Vec::new() } else { parents(rows, &numbers, &mut random)? };
            let column = column(data_type, rows, &numbers, &mut random)?;
            cases.push((format!("{}-{number}", data_type.as_str()), column, parents));
        }
    }
    // Prices in cents that were single floats: opening where the day before closed, printed with six digits or widened.
    let mut random = Random::new(77);
    let mut cents = 140_000u64;
    let mut walk = |_| {
        cents = cents + random.bits() % 401 - 200;
        cents
    };
    let closing: Vec<u64> = (0..400).map(&mut walk).collect();
    let narrow = |cents: u64| f64::from((cents as f64 / 100.0) as f32);
    let printed = |cents: u64| (narrow(cents) * 1e6).round_ties_even() / 1e6;
    let opening = |row: usize| closing[row.saturating_sub(1)] + u64::from(row.is_multiple_of(3)) * 7;
    let column = |values: Vec<f64>| Column::new(Values::Float64(values), None);
    let parent = column(closing.iter().map(|&cents| printed(cents)).collect())?;
    cases.push(("narrowed-0".to_owned(), parent.clone(), Vec::new()));
    cases.push(("narrowed-1".to_owned(), column((0..400).map(|row| printed(opening(row))).collect())?, vec![parent]));
    let mut widened: Vec<f64> = (0..400).map(|row| narrow(opening(row))).collect();
    widened[111] = f64::from_bits(0xfff8_0000_0000_0bad);
    widened[222] = -0.0;
    cases.push(("narrowed-2".to_owned(), column(widened)?, Vec::new()));
    Ok(cases)
}

fn type_json(column: &Column) -> Json {
    let column_type = ColumnType::of(column.values());
    json!({
        "data_type": column_type.data_type.as_str(),
        "unit": column_type.unit.as_str(),
        "utc": column_type.utc,
        "precision": column_type.precision,
        "scale": column_type.scale,
        "chunk": hex(&chunk::encode(column, &mut Encoder::new(None).expect("no level")).expect("small")),
    })
}

fn bytes_of(text: &Json) -> Checked<Vec<u8>> {
    let text = text.as_str().ok_or("no text")?;
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
}

fn column_of(json: &Json, rows: usize) -> Checked<Column> {
    let text = |key: &str| json[key].as_str().ok_or_else(|| format!("no {key}"));
    let number = |key: &str| json[key].as_u64().and_then(|n| u8::try_from(n).ok()).ok_or_else(|| format!("no {key}"));
    let column_type = ColumnType {
        data_type: DataType::from_name(text("data_type")?)?,
        unit: TimeUnit::from_name(text("unit")?)?,
        utc: json["utc"] == true,
        precision: number("precision")?,
        scale: number("scale")?,
    };
    let mut decoder = Decoder::new(LIMIT);
    let decoded = chunk::decode(&bytes_of(&json["chunk"])?, column_type, rows, &Parents::default(), &mut decoder)?;
    Ok(chunk::whole(&Arc::new(decoded))?.column().clone())
}

/// `NAME.json` in tests/fixtures/neural holds a column, its parents and its neural chunk. Fixtures are never changed;
/// `NCF_BLESS=1` writes those that are missing.
#[test]
fn golden_chunks_decode_for_ever() -> Checked {
    let folder = fixtures_dir().join("neural");
    if env::var_os("NCF_BLESS").is_some() {
        fs::create_dir_all(&folder)?;
        for (name, column, parents) in golden_cases()? {
            let path = folder.join(format!("{name}.json"));
            if !path.exists() {
                let list: Vec<&Column> = parents.iter().collect();
                let fixture = json!({
                    "rows": column.len(),
                    "column": type_json(&column),
                    "parents": parents.iter().map(type_json).collect::<Vec<_>>(),
                    "neural": hex(&neural::encode(&column, &list, Level::Default)?),
                });
                fs::write(path, format!("{fixture}\n"))?;
            }
        }
    }
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let json: Json = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let rows = usize::try_from(json["rows"].as_u64().ok_or("no rows")?)?;
        let column = column_of(&json["column"], rows)?;
        let parents = json["parents"].as_array().ok_or("no parents")?;
        let parents: Vec<Column> = parents.iter().map(|parent| column_of(parent, rows)).collect::<Checked<_>>()?;
        let parents: Vec<&Column> = parents.iter().collect();
        let bytes = bytes_of(&json["neural"])?;
        let decoded = neural::decode(&bytes, ColumnType::of(column.values()), rows, &parents, LIMIT)?;
        assert!(same_column(&column, &decoded), "{}", path.display());
        count += 1;
    }
    assert!(count >= 51, "{count} fixtures");
    Ok(())
}
