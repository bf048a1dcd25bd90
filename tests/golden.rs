//! Every file that the original implementations wrote is read as its `NAME.expected.json` says.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod support;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;

use ncf::bytes::to_u64;
use ncf::column::{Column, Values, VarBytes};
use ncf::compression::Compression;
use ncf::format::Dialect;
#[cfg(feature = "writer")]
use ncf::format::{rust20, schema_map};
use ncf::reader::{self, File, OpenOptions, Table};
use ncf::schema::{DataType, Field, Schema, SemanticType, TimeUnit};
use ncf::statistics::{ColumnStatistics, Scalar, from_python_text, to_python_text};
use ncf::{decimal, temporal};
use rmpv::Value as Msgpack;
use serde_json::Value as Json;
use support::{Fixture, Host, fixtures, fixtures_dir, hex, names, same_column, sha256};

type Checked<T = ()> = Result<T, Box<dyn Error>>;

/// Damaged files: the codes that reading them may end with, and those of reading them without the checksum; none of
/// the latter where the damage is in what only the checksum protects.
const DAMAGED: &[(&str, &[&str], &[&str])] = &[
    ("bad_bitflip_payload_none", &["checksum-mismatch"], &[]),
    ("bad_bitflip_payload_zstd", &["checksum-mismatch"], &["corrupt"]),
    ("bad_bitflip_stats", &["checksum-mismatch"], &[]),
    ("bad_checksum", &["checksum-mismatch"], &[]),
    ("bad_length_huge", &["checksum-mismatch"], &["corrupt"]),
    ("bad_magic", &["not-ncf"], &["not-ncf"]),
    ("bad_truncated_data", &["truncated"], &["truncated"]),
    ("bad_truncated_footer", &["truncated"], &["truncated"]),
    ("bad_truncated_header", &["truncated"], &["truncated"]),
    ("bad_v20_bitflip", &["checksum-mismatch"], &[]),
    ("bad_v20_truncated", &["truncated"], &["truncated"]),
    // Its header says version 2, its end does not.
    ("bad_version", &["corrupt"], &["corrupt"]),
];

/// Undamaged files that are read with warnings: column and code of each.
const WARNINGS: &[(&str, &[(&str, &str)])] = &[
    ("v10_pickle_decimal", &[("d", "type-differs")]),
    ("v10_pickle_timestamp", &[("o", "mixed-time-zones")]),
    ("v10_schema_mismatch", &[("a", "length-differs"), ("b", "length-differs"), ("missing", "missing-column")]),
];

/// Statistics that `to_python_text` gives otherwise than Python did: file, column, the text of the file.
const OTHER_TEXTS: &[(&str, &str, &str)] = &[
    ("v10_pickle_timestamp", "p", "1960-01-01 00:00:00+00:00"),
    ("v10_pickle_timestamp", "p", "2024-05-05 00:00:00+00:00"),
];

fn expectation(name: &str) -> Checked<Json> {
    let text = fs::read_to_string(fixtures_dir().join(format!("{name}.expected.json")))?;
    Ok(serde_json::from_str(&quote_fractions(&text))?)
}

/// Makes text of the numbers with a fraction or exponent, because serde_json rounds some of them wrongly.
fn quote_fractions(json: &str) -> String {
    let (mut quoted, mut rest) = (String::new(), json);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let mut escaped = false;
                let end = rest.bytes().skip(1).position(|byte| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            '-' | '0'..='9' => rest.find(|c| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e')).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        let is_fraction = first != '"' && token.contains(['.', 'e']) && token.parse::<f64>().is_ok();
        let quote = if is_fraction { "\"" } else { "" };
        quoted.extend([quote, token, quote]);
        rest = behind;
    }
    quoted
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_else(|| panic!("no text {key:?}"))
}

fn array<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json[key].as_array().unwrap_or_else(|| panic!("no array {key:?}"))
}

/// Text or a number, as text.
fn scalar_text(json: &Json) -> Option<String> {
    match json {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(json.to_string()),
        other => panic!("{other} is no scalar"),
    }
}

#[test]
fn every_file_has_an_expectation_and_every_expectation_a_file() -> Checked {
    assert_eq!(names(".ncf")?, names(".expected.json")?);
    for Fixture { name, bytes } in fixtures()? {
        let expected = expectation(&name)?;
        assert_eq!(expected["bytes"].as_u64(), Some(to_u64(bytes.len())), "{name}");
        assert_eq!(expected["file_sha256"], sha256(&bytes), "{name}");
        assert_eq!(expected["file"], format!("{name}.ncf"));
    }
    Ok(())
}

#[test]
fn every_file_is_read_as_expected() -> Checked {
    let mut counts = [0; 3];
    for fixture in fixtures()? {
        let expected = expectation(&fixture.name)?;
        let kind = match (text(&expected, "dialect"), expected.get("expect")) {
            ("python-1.1", _) => 0,
            (_, Some(_)) => 1,
            (_, None) => 2,
        };
        counts[kind] += 1;
        println!("{}", fixture.name);
        match kind {
            0 => check_python11(&fixture, &expected)?,
            1 => check_damaged(&fixture, &expected),
            _ => check_undamaged(&fixture, &expected)?,
        }
    }
    println!("{} undamaged, {} damaged, {} of python-1.1", counts[2], counts[1], counts[0]);
    // Fixtures stay for ever.
    assert!(counts[0] >= 2 && counts[1] >= 12 && counts[2] >= 32);
    Ok(())
}

fn check_undamaged(fixture: &Fixture, expected: &Json) -> Checked {
    let name = fixture.name.as_str();
    let table = reader::read_all(&fixture.bytes, &OpenOptions::default())?;
    let file = &table.file;
    check_metadata(file, expected);
    #[cfg(feature = "writer")]
    check_schema_bytes(&fixture.bytes, file)?;
    check_records(file, expected);
    check_statistics(name, file, expected);
    check_checksum(&fixture.bytes, expected);

    let columns = array(expected, "columns");
    assert_eq!(table.columns.len(), columns.len());
    let stored: BTreeSet<Option<usize>> = file.records().iter().map(|record| record.column).collect();
    for (index, json) in columns.iter().enumerate() {
        let column = table.columns[index].as_ref().expect("nothing is lost");
        assert_eq!(stored.contains(&Some(index)), json.get("absent").is_none());
        if stored.contains(&Some(index)) {
            check_column(column, json);
        } else {
            assert_eq!(column, &Column::new(Values::empty(column.values().data_type()), None)?);
        }
    }
    let warnings: Vec<_> =
        table.warnings.iter().map(|w| (w.column.as_deref().unwrap_or(""), w.code.as_str())).collect();
    let allowed = WARNINGS.iter().find(|(file, _)| *file == name).map_or(&[][..], |(_, warnings)| *warnings);
    assert_eq!(warnings, allowed);
    check_steps(fixture, &OpenOptions::default(), &table);
    Ok(())
}

fn check_metadata(file: &File, expected: &Json) {
    let schema = file.schema();
    assert_eq!(file.dialect().as_str(), text(expected, "dialect"));
    assert_eq!(schema.table_name, text(expected, "table_name"));
    assert_eq!(Some(file.num_rows()), expected["row_count"].as_u64());
    assert_eq!(file.created(), expected.get("created").and_then(Json::as_u64));
    assert_eq!(file.modified(), file.created());
    if file.dialect() == Dialect::Rust20 {
        assert_eq!(Some(schema.row_count), expected["schema_row_count"].as_u64());
        assert_eq!(Some(schema.version), expected["schema_version"].as_i64());
    }
    for (field, json) in schema.columns.iter().zip(array(expected, "columns")) {
        assert_eq!((field.name.as_str(), field.data_type.as_str()), (text(json, "name"), text(json, "type")));
        if let Some(groups) = expected.get("column_group") {
            assert_eq!(field.column_group, groups[&field.name].as_i64(), "{}", field.name);
        }
    }
    let mut end = 0;
    for section in file.sections() {
        assert_eq!(section.range.start, end, "{}", section.name);
        end = section.range.end;
    }
    assert_eq!(expected["bytes"].as_u64(), Some(end));
}

/// The schema, written again, gives the bytes that it was read from; in Rust 2.0 the statistics do, too.
#[cfg(feature = "writer")]
fn check_schema_bytes(bytes: &[u8], file: &File) -> Checked {
    let mut host = Host::new(bytes);
    let mut section = |name: &str| {
        let section = file.sections().iter().find(|section| section.name == name).expect(name);
        host.fetch(&section.range)
    };
    if file.dialect() == Dialect::Python10 {
        // The length comes first.
        assert_eq!(schema_map::serialize(file.schema()), section("schema")[4..]);
        return Ok(());
    }
    assert_eq!(rust20::serialize_schema(file.schema())?, section("schema"));
    let statistics: Vec<_> = file.statistics().expect("statistics of the file").iter().flatten().cloned().collect();
    assert_eq!(rust20::serialize_statistics(&statistics)?, section("statistics"));
    Ok(())
}

/// The records follow each other in the order of the data, each in its group and with the codec of the file.
fn check_records(file: &File, expected: &Json) {
    let records = file.records();
    let found: Vec<&str> = records.iter().map(|record| record.name.as_str()).collect();
    let order: Vec<&str> = match expected.get("data_order") {
        Some(_) => array(expected, "data_order").iter().filter_map(Json::as_str).collect(),
        None => array(expected, "columns").iter().map(|json| text(json, "name")).collect(),
    };
    assert_eq!(found, order);
    let mut end = 0;
    for record in file.records() {
        assert!(end <= record.header && record.header < record.range.start && record.range.start <= record.range.end);
        end = record.range.end;
        assert_eq!(record.column.map(|index| file.schema().columns[index].name.as_str()), Some(record.name.as_str()));
        let group = expected.get("column_group").map(|groups| groups[&record.name].as_u64().unwrap_or(0));
        assert_eq!(record.group.map(u64::from), group);
        assert_eq!(record.codec.map(u64::from), Some(expected.get("compression").and_then(Json::as_u64).unwrap_or(1)));
    }
}

fn check_checksum(bytes: &[u8], expected: &Json) {
    let mut host = Host::new(bytes);
    let mut file = host.open(&support::salvage()).expect("the file opens");
    let mut verifier = host.run(|segments| file.verifier(segments)).expect("legacy files have one");
    let covered_end = verifier.next_range().map_or(0, |range| range.start) + verifier.size();
    while let Some(range) = verifier.next_range() {
        verifier.push(host.fetch(&range));
    }
    let verdict = verifier.finish();
    assert_eq!(Some(verdict.is_valid), expected["checksum_valid"].as_bool());
    if let Some(plain) = expected.get("checksum_plain_sha256_matches").and_then(Json::as_bool) {
        let before_footer = 0..covered_end;
        assert_eq!(hex(&verdict.expected) == sha256(host.fetch(&before_footer)), plain);
    }
}

fn check_statistics(name: &str, file: &File, expected: &Json) {
    let fields = file.schema().columns.iter();
    for (index, (field, found)) in fields.zip(file.statistics().expect("statistics of the file")).enumerate() {
        let Some(map) = expected.get("statistics") else {
            let found = found.as_ref().expect("rust-2.0 has statistics of every column");
            check_positional(found, &expected["statistics_positional"][index]);
            continue;
        };
        let Some(json) = map.get(&field.name) else {
            assert_eq!(found, None, "{}", field.name);
            continue;
        };
        let found = found.as_ref().unwrap_or_else(|| panic!("no statistics of {}", field.name));
        for (scalar, json) in [(&found.min, &json["min_value"]), (&found.max, &json["max_value"])] {
            let text = scalar_text(json);
            let parsed = text.as_deref().map(|text| from_python_text(text, field.data_type));
            assert_eq!(scalar, &parsed, "{}", field.name);
            if let (Some(text), Some(scalar)) = (text, scalar) {
                let is_exception = OTHER_TEXTS.contains(&(name, &field.name, &text));
                assert_eq!(to_python_text(scalar) == text, !is_exception, "{}: {text} is {scalar:?}", field.name);
            }
        }
        assert_eq!(Some(found.null_count), json["null_count"].as_u64(), "{}", field.name);
        assert_eq!(found.distinct_count, json["distinct_count"].as_u64(), "{}", field.name);
        assert_eq!(Some(found.total_count), json["total_count"].as_u64(), "{}", field.name);
        assert_eq!(found.avg_length, number(&json["avg_length"]), "{}", field.name);
        assert_eq!(found.nan_count, None);
    }
}

/// Minimum, maximum, nulls, rows, distinct values.
fn check_positional(found: &ColumnStatistics, json: &Json) {
    let bits = |scalar: &Option<Scalar>| match scalar {
        Some(Scalar::Float64(value)) => Some(value.to_bits()),
        None => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(bits(&found.min), number(&json[0]).map(f64::to_bits));
    assert_eq!(bits(&found.max), number(&json[1]).map(f64::to_bits));
    assert_eq!((Some(found.null_count), Some(found.total_count)), (json[2].as_u64(), json[3].as_u64()));
    assert_eq!((found.distinct_count, json[4].as_u64()), (None, None));
}

fn number(json: &Json) -> Option<f64> {
    scalar_text(json).map(|text| text.parse().unwrap_or_else(|_| panic!("{text} is no number")))
}

/// Compares by `values`, or by `count`, `sha256`, `first` and `last`.
fn check_column(column: &Column, json: &Json) {
    let found = cells(column);
    let name = text(json, "name");
    if let Some(sha) = json.get("sha256") {
        assert_eq!(Some(to_u64(column.len())), json["count"].as_u64(), "{name}");
        assert_eq!(sha256(&hashed(column, text(json, "hash_kind"))), sha.as_str().unwrap_or(""), "{name}");
        let (first, last) = (array(json, "first"), array(json, "last"));
        assert_eq!(found[..first.len()], expected_cells(column, json, first), "{name}");
        assert_eq!(found[found.len() - last.len()..], expected_cells(column, json, last), "{name}");
        return;
    }
    assert_eq!(found, expected_cells(column, json, array(json, "values")), "{name}");
    let type_of_values = column.values().data_type().as_str();
    match (text(json, "type"), type_of_values) {
        // As a decimal, NaN could not be told from null and -0 from 0.
        ("decimal", "string") => {}
        (declared, found) => assert_eq!(declared, found, "{name}"),
    }
    if let Some(iso) = json.get("iso").and_then(Json::as_array) {
        let found: Vec<_> = (0..column.len()).map(|row| column.is_valid(row).then(|| iso_text(column, row))).collect();
        assert_eq!(found, iso.iter().map(scalar_text).collect::<Vec<_>>(), "{name}");
    }
}

fn hashed(column: &Column, kind: &str) -> Vec<u8> {
    match (column.values(), kind) {
        (Values::Int64(values), "little-endian int64 buffer") => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        (Values::Float64(values), "little-endian float64 buffer") => {
            values.iter().flat_map(|v| v.to_le_bytes()).collect()
        }
        (Values::String(values), "utf-8 of values joined with \\n (null and '' both empty)") => {
            values.iter().collect::<Vec<_>>().join(&b'\n')
        }
        (values, kind) => panic!("{} hashed as {kind}", values.data_type().as_str()),
    }
}

fn utf8(values: &VarBytes, row: usize) -> String {
    String::from_utf8(values.get(row).to_vec()).expect("UTF-8")
}

/// Every row as text that is equal only where the values are, floats as their bits; `None` for null.
fn cells(column: &Column) -> Vec<Option<String>> {
    let cell = |row: usize| match column.values() {
        Values::Int8(v) => v[row].to_string(),
        Values::Int16(v) => v[row].to_string(),
        Values::Int32(v) => v[row].to_string(),
        Values::Int64(v) => v[row].to_string(),
        Values::UInt8(v) => v[row].to_string(),
        Values::UInt16(v) => v[row].to_string(),
        Values::UInt32(v) => v[row].to_string(),
        Values::UInt64(v) => v[row].to_string(),
        Values::Float32(v) => format!("{:#x}", v[row].to_bits()),
        Values::Float64(v) => format!("{:#x}", v[row].to_bits()),
        Values::String(v) => utf8(v, row),
        Values::Binary(v) => hex(v.get(row)),
        Values::Boolean(v) => v.get(row).to_string(),
        Values::Date(v) => v[row].to_string(),
        Values::Timestamp { values, .. } => values[row].to_string(),
        Values::Decimal { scale, values, .. } => decimal::format(values[row], *scale),
    };
    (0..column.len()).map(|row| column.is_valid(row).then(|| cell(row))).collect()
}

/// What [`cells`] has to give.
fn expected_cells(column: &Column, json: &Json, values: &[Json]) -> Vec<Option<String>> {
    let unit = json.get("unit").and_then(Json::as_str);
    let texts = || values.iter().map(scalar_text);
    let parsed = |parse: &dyn Fn(&str) -> Option<String>| -> Vec<Option<String>> {
        texts().map(|text| text.map(|text| parse(&text).unwrap_or_else(|| panic!("cannot read {text:?}")))).collect()
    };
    match column.values() {
        Values::Float32(_) => parsed(&|text| Some(format!("{:#x}", single(text.parse().ok()?).to_bits()))),
        Values::Float64(_) => parsed(&|text| Some(format!("{:#x}", text.parse::<f64>().ok()?.to_bits()))),
        Values::Date(_) if unit.is_none() => parsed(&|text| temporal::parse_date(text).map(|days| days.to_string())),
        Values::Date(_) => {
            assert_eq!(unit, Some("D"));
            texts().collect()
        }
        Values::Timestamp { unit: found, utc, .. } => match unit {
            Some(unit) => {
                assert_eq!((found.as_str(), *utc), (unit, false));
                texts().collect()
            }
            None => {
                let zones = texts().flatten().any(|text| temporal::parse_timestamp(&text).is_some_and(|(.., utc)| utc));
                assert_eq!(*utc, zones);
                parsed(&|text| {
                    temporal::parse_timestamp(text).and_then(|(count, from, _)| in_unit(count, from, *found))
                })
            }
        },
        _ => texts().collect(),
    }
}

/// A number that is exact in 32 bits.
fn single(value: f64) -> f32 {
    let single = value as f32;
    assert!(f64::from(single).to_bits() == value.to_bits(), "{value} is no float32");
    single
}

fn in_unit(count: i64, from: TimeUnit, to: TimeUnit) -> Option<String> {
    Some(count.checked_mul(to.per_second() / from.per_second())?.to_string())
}

fn iso_text(column: &Column, row: usize) -> String {
    match column.values() {
        Values::Date(days) => temporal::format_date(days[row].into()),
        Values::Timestamp { unit, utc, values } => temporal::format_timestamp(values[row], *unit, *utc),
        values => panic!("{} has no calendar", values.data_type().as_str()),
    }
}

/// Reads the file through a host that fetches what it is asked for, without verifying.
fn read_by_steps(bytes: &[u8], options: &OpenOptions) -> ncf::Result<Vec<Option<Column>>> {
    let mut host = Host::new(bytes);
    let mut file = host.open(options)?;
    let decode = |index: usize| match file.is_lost(index) {
        true => {
            assert_eq!(file.chunk(index, 0).map_err(|error| error.code().as_str()), Err("corrupt"));
            Ok(None)
        }
        false => host.column(&mut file, index).map(|(column, _)| Some(column)),
    };
    (0..file_columns(bytes, options)?).map(decode).collect()
}

fn file_columns(bytes: &[u8], options: &OpenOptions) -> ncf::Result<usize> {
    Ok(Host::new(bytes).open(options)?.schema().columns.len())
}

/// The steps give what reading in one go gives, and one column costs its own bytes only.
fn check_steps(fixture: &Fixture, options: &OpenOptions, table: &Table) {
    let columns = read_by_steps(&fixture.bytes, options).expect("what can be read can be read by steps");
    for (found, expected) in columns.iter().zip(&table.columns) {
        match (found, expected) {
            (Some(found), Some(expected)) => assert!(same_column(found, expected)),
            (found, expected) => assert!(found.is_none() && expected.is_none()),
        }
    }
    for index in (0..table.columns.len()).filter(|&index| !table.file.is_lost(index)) {
        let mut host = Host::new(&fixture.bytes);
        let mut file = host.open(options).expect("opens");
        let (rounds, bytes) = (host.rounds, host.fetched_bytes());
        // The first looks for the trailer of version 2.
        assert!(rounds <= 7, "{rounds} rounds to open");
        let opened = host.fetched.len();
        host.column(&mut file, index).expect("decodes");
        if table.file.dialect() != Dialect::Python11 {
            check_fetched(&host.fetched[opened..], table, index);
        }
        if index == 0 || index + 1 == table.columns.len() {
            println!(
                "  {} of {} bytes and {rounds} rounds to open, {} bytes and {} rounds for column {index}",
                bytes,
                fixture.bytes.len(),
                host.fetched_bytes() - bytes,
                host.rounds - rounds,
            );
        }
    }
}

/// Nothing of other columns is fetched but the headers in front of the column. In Python 1.0 the end of a name shows
/// only in the bytes, so a header is looked for in a window of 64 bytes, then of 256, and so on.
fn check_fetched(fetched: &[std::ops::Range<u64>], table: &Table, index: usize) {
    for range in fetched {
        for other in table.file.records().iter().filter(|record| record.column != Some(index)) {
            let overlap = range.end.min(other.range.end).saturating_sub(range.start.max(other.range.start));
            if overlap == 0 {
                continue;
            }
            assert_eq!(table.file.dialect(), Dialect::Python10, "{range:?} is in column {}", other.name);
            let records = table.file.records();
            let hop = records.iter().find(|record| record.header == range.start);
            let hop = hop.unwrap_or_else(|| panic!("{range:?} is in column {}", other.name));
            let header = hop.range.start - hop.header;
            let window = (3..).map(|power| 4u64.pow(power)).find(|&window| window >= header).unwrap_or(0);
            assert!(range.end - range.start <= window, "{range:?} is more than a header of {header} bytes");
        }
    }
}

fn check_damaged(fixture: &Fixture, expected: &Json) {
    let name = fixture.name.as_str();
    assert_eq!(expected["checksum_valid"], false);
    let row = DAMAGED.iter().find(|(file, ..)| *file == name);
    let (_, codes, unverified) = row.unwrap_or_else(|| panic!("{name} has no row in DAMAGED"));
    let error = reader::read_all(&fixture.bytes, &OpenOptions::default()).err();
    let code = error.map_or("none", |error| error.code().as_str());
    assert!(codes.contains(&code), "{name}: {code}");
    match read_by_steps(&fixture.bytes, &OpenOptions::default()) {
        Ok(_) => assert!(unverified.is_empty(), "{name} is read without verifying"),
        Err(error) => assert!(unverified.contains(&error.code().as_str()), "{name}: {error:?}"),
    }
}

#[test]
fn every_row_of_the_tables_is_used() -> Checked {
    let names = names(".ncf")?;
    let mut used = DAMAGED.iter().map(|row| row.0).chain(WARNINGS.iter().map(|row| row.0));
    assert_eq!(used.find(|used| !names.iter().any(|name| name == used)), None);
    Ok(())
}

fn check_python11(fixture: &Fixture, expected: &Json) -> Checked {
    let refused = reader::read_all(&fixture.bytes, &OpenOptions::default()).err().ok_or("is not refused")?;
    assert_eq!(refused.code().as_str(), "unsupported-feature");
    assert!(refused.to_string().contains("python-1.1") && refused.to_string().contains("`salvage`"), "{refused}");

    let table = reader::read_all(&fixture.bytes, &support::salvage())?;
    let file = &table.file;
    assert_eq!(file.dialect().as_str(), text(expected, "dialect"));
    assert_eq!(Some(file.num_rows()), expected["row_count"].as_u64());
    check_checksum(&fixture.bytes, expected);
    let layout = |key: &str| expected["layout"][key].as_u64();
    let at =
        |name: &str| file.sections().iter().find(|section| section.name == name).map(|section| section.range.start);
    assert_eq!((at("schema"), at("statistics")), (layout("schema"), layout("stats")));
    assert_eq!((at("footer"), at("data")), (layout("footer"), layout("footer_end")));

    let columns = array(expected, "columns");
    assert_eq!(file.schema().columns.len(), columns.len());
    let mut lost = Vec::new();
    for (index, json) in columns.iter().enumerate() {
        let field = &file.schema().columns[index];
        assert_eq!((field.name.as_str(), field.data_type.as_str()), (text(json, "name"), text(json, "type")));
        let records = file.records();
        let record = records.iter().find(|record| record.column == Some(index));
        assert_eq!(file.is_lost(index), text(json, "record_state") != "intact", "{}", field.name);
        if file.is_lost(index) {
            lost.push(field.name.as_str());
            assert!(record.is_none() && table.columns[index].is_none(), "{}", field.name);
            continue;
        }
        let record = record.ok_or("an intact column has no record")?;
        assert_eq!(Some(record.header), json["record_offset"].as_u64());
        let stored = Host::new(&fixture.bytes).fetch(&record.range);
        let plain = Compression::from_id(record.codec.expect("legacy records have a codec"))?.decompress(
            stored,
            None,
            u64::MAX,
        )?;
        assert_eq!(sha256(&plain), text(json, "decompressed_sha256"));
        check_column(table.columns[index].as_ref().ok_or("an intact column is missing")?, &as_written(json));
    }
    let warnings: Vec<_> = table.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(warnings, ["salvaged"]);
    assert!(table.warnings[0].message.contains(&lost.join(", ")), "{}", table.warnings[0].message);
    assert_eq!(lost.len() == columns.len(), fixture.name == "v11_all_lost");
    check_steps(fixture, &support::salvage(), &table);
    Ok(())
}

/// The column as if it had not been destroyed: what was written, under the name and type of the column.
fn as_written(json: &Json) -> Json {
    let mut column = json["as_written"].clone();
    column["name"] = json["name"].clone();
    column["type"] = json["type"].clone();
    column
}

fn schema_of(name: &str) -> Checked<Schema> {
    let bytes = fs::read(fixtures_dir().join(name).with_extension("ncf"))?;
    Ok(Host::new(&bytes).open(&OpenOptions::default())?.schema().clone())
}

#[test]
fn a_schema_says_what_its_user_said() -> Checked {
    let statistics = [
        ("min_value", Msgpack::from("a")),
        ("max_value", "z".into()),
        ("null_count", 3.into()),
        ("distinct_count", Msgpack::Nil),
        ("total_count", 9.into()),
        ("avg_length", 4.5.into()),
    ];
    let expected = Schema {
        version: 3,
        created_at: Some("2025-11-01T00:00:00Z".to_owned()),
        modified_at: Some("2025-11-02".to_owned()),
        row_count: 2,
        default_compression: "none".to_owned(),
        enable_learned_indexes: false,
        ..Schema::new(
            "таблица 🚀",
            vec![
                Field {
                    nullable: false,
                    semantic_type: SemanticType::IdKey,
                    description: Some("key".to_owned()),
                    create_learned_index: true,
                    index_model_type: Some("rmi".to_owned()),
                    ..Field::new("user id", DataType::Int64)
                },
                Field {
                    semantic_type: SemanticType::PiiEmail,
                    statistics: Msgpack::Map(statistics.map(|(key, value)| (key.into(), value)).to_vec()),
                    compression_model: Some("email_autoencoder_v1".to_owned()),
                    use_dictionary: true,
                    contains_pii: true,
                    typical_query_patterns: vec!["=".to_owned(), "LIKE".to_owned()],
                    ..Field::new("e-mail", DataType::String)
                },
                Field::new("", DataType::Float64),
                Field {
                    semantic_type: SemanticType::PiiName,
                    contains_pii: true,
                    ..Field::new("имя", DataType::String)
                },
            ],
        )
    };
    assert_eq!(schema_of("v10_metadata_rich")?, expected);

    let group = |id: i64, name: &str| (id.into(), Msgpack::Array(vec![name.into()]));
    assert_eq!(schema_of("v10_groups_intkeys")?.column_groups, [group(1, "a"), group(2, "b")]);

    let key = Field { nullable: false, ..Field::new("k", DataType::Int64) };
    let mail =
        Field { semantic_type: SemanticType::PiiEmail, contains_pii: true, ..Field::new("mail", DataType::String) };
    let expected = Schema { row_count: 77, version: 9, ..Schema::new("fixture", vec![key, mail]) };
    assert_eq!(schema_of("v20_semantic")?, expected);
    Ok(())
}

#[test]
fn a_decimal_column_that_holds_nan_comes_back_as_its_exact_texts() -> Checked {
    let bytes = fs::read(fixtures_dir().join("v10_pickle_decimal.ncf"))?;
    let table = reader::read_all(&bytes, &OpenOptions::default())?;
    assert_eq!(table.file.schema().columns[0].data_type, DataType::Decimal);
    let column = table.columns[0].as_ref().ok_or("lost")?;
    assert_eq!(column.values().data_type(), DataType::String);
    assert_eq!(cells(column)[2..5], ["-0", "1E+10", "NaN"].map(|text| Some(text.to_owned())));
    Ok(())
}
