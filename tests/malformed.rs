//! Damaged and hostile files: an error with a code, or what was written, in bounded memory; never a panic.
#![cfg(feature = "writer")]
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

use std::collections::BTreeMap;
use std::error::Error;

use ncf::column::{Column, Values, VarBytes};
use ncf::format::{Dialect, msgpack, python10, rust20, schema_map};
use ncf::reader::{Limits, OpenOptions, Table, read_all};
use ncf::schema::{DataType, Field, Schema};
use ncf::writer::{WriteOptions, write_all};
use rmpv::Value;
use sha2::{Digest, Sha256};
use support::{Fixture, Random, difference, fixtures, read_unverified, salvage};

type Checked<T = ()> = Result<T, Box<dyn Error>>;

/// Files up to this size are tried at every length.
const SMALL: usize = 8 << 10;
/// Files up to this size are mutated.
const MID_SIZE: usize = 100 << 10;
/// Mutations per test.
const MUTATIONS: usize = 20_000;
const SEED: u64 = 20_251_122;
/// Bytes by which the heap may grow while a fixture or a mutation of it is read with the default limits.
const PEAK: usize = 4 << 20;
/// Limits against which hostile files are read.
const LIMITS: Limits = Limits { metadata_bytes: 1 << 20, column_bytes: 1 << 20, columns: 1000 };
/// Bytes by which the heap may grow while they are.
const HOSTILE_PEAK: usize = 80 << 20;

fn hostile() -> OpenOptions {
    OpenOptions { limits: LIMITS, salvage: true, ..OpenOptions::default() }
}

/// How readings ended, and the most memory that one of them took.
#[derive(Default)]
struct Tally {
    codes: BTreeMap<&'static str, usize>,
    peak: usize,
}

impl Tally {
    /// Reads, counts the result and gives it.
    fn read(&mut self, what: &str, bytes: &[u8], read: impl FnOnce(&[u8]) -> ncf::Result<Table>) -> ncf::Result<Table> {
        let (result, peak) = memory::peak(|| read(bytes));
        assert!(peak <= PEAK, "{what}: {peak} bytes of memory");
        self.peak = self.peak.max(peak);
        let code = result.as_ref().map_or_else(|error| error.code().as_str(), |_| "read");
        *self.codes.entry(code).or_default() += 1;
        result
    }

    fn report(&self, what: &str) {
        println!("{what}: {:?}, at most {} KiB of memory", self.codes, self.peak >> 10);
    }
}

/// Fixtures that can be read, with what they hold.
fn undamaged(largest: usize) -> Checked<Vec<(Fixture, Table)>> {
    let mut all = Vec::new();
    for fixture in fixtures()? {
        if let (true, Ok(table)) = (fixture.bytes.len() <= largest, read_all(&fixture.bytes, &OpenOptions::default())) {
            all.push((fixture, table));
        }
    }
    assert!(all.len() > 20);
    Ok(all)
}

#[test]
fn every_prefix_is_refused() -> Checked {
    let mut tally = Tally::default();
    for (Fixture { name, bytes }, table) in undamaged(SMALL)? {
        // What follows the footer of a file that was written twice is no part of it.
        let sections = table.file.sections().iter();
        let end = sections.filter(|section| section.name == "footer").map(|section| section.range.end).max();
        for length in 0..bytes.len() {
            let what = format!("{name} cut to {length} bytes");
            let result = tally.read(&what, &bytes[..length], |bytes| read_all(bytes, &OpenOptions::default()));
            match result {
                Err(error) => {
                    let allowed: &[&str] = if length == 0 { &["not-ncf"] } else { &["truncated", "corrupt"] };
                    assert!(allowed.contains(&error.code().as_str()), "{what}: {error:?}");
                }
                Ok(cut) => {
                    assert!(end.is_some_and(|end| end <= length as u64), "{what} is read");
                    assert_eq!(difference(&cut, &table), None, "{what}");
                }
            }
        }
    }
    tally.report("prefixes");
    Ok(())
}

#[test]
fn every_prefix_of_a_damaged_file_is_survived() -> Checked {
    let mut tally = Tally::default();
    for Fixture { name, bytes } in fixtures()?.iter().filter(|fixture| fixture.bytes.len() <= SMALL) {
        for length in 0..=bytes.len() {
            let what = format!("{name} cut to {length} bytes");
            // With and without the checksum, salvaging or refusing.
            let _ = tally.read(&what, &bytes[..length], |bytes| read_all(bytes, &salvage()));
            let _ = tally.read(&what, &bytes[..length], |bytes| read_unverified(bytes, &salvage()));
        }
    }
    tally.report("prefixes without checksum");
    Ok(())
}

/// One of the fixtures, rarely one of those that take long.
fn pick<'a, T>(random: &mut Random, files: &'a [(Fixture, T)]) -> &'a (Fixture, T) {
    loop {
        let file = random.pick(files);
        if file.0.bytes.len() <= SMALL || random.one_in(8) {
            return file;
        }
    }
}

#[test]
fn a_changed_byte_is_noticed_or_does_not_matter() -> Checked {
    println!("seed {SEED}");
    let (mut random, mut tally) = (Random::new(SEED), Tally::default());
    let files = undamaged(MID_SIZE)?;
    for _ in 0..MUTATIONS {
        let (Fixture { name, bytes }, table) = pick(&mut random, &files);
        let mut bytes = bytes.clone();
        // The header of Rust 2.0 is what no checksum covers.
        let end = if random.one_in(4) { 64 } else { bytes.len() };
        let (at, change) = (random.below(end), 1 + random.below(255) as u8);
        bytes[at] ^= change;
        let what = format!("{name} with {change:#04x} at {at}");
        let result = tally.read(&what, &bytes, |bytes| read_all(bytes, &OpenOptions::default()));
        if let Ok(changed) = result {
            assert_eq!(difference(&changed, table), None, "{what}");
        }
    }
    tally.report("one changed byte");
    assert!(tally.codes["checksum-mismatch"] > MUTATIONS / 2);
    Ok(())
}

/// Puts something else somewhere: a bit, a byte, an extreme number, another piece of the file, nothing.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1..4 => bytes[at] = random.bits() as u8,
        4 | 5 => {
            let number = *random.pick(&[0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 1 << 62, u64::MAX]);
            let width = *random.pick(&[1, 2, 4, 8]);
            let end = bytes.len().min(at + width);
            bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
        }
        6 => {
            let length = 1 + random.below(16.min(bytes.len() - at));
            let from = random.below(bytes.len() - length + 1);
            bytes.copy_within(from..from + length, at);
        }
        _ => {
            let length = 1 + random.below(16.min(bytes.len() - at));
            bytes.drain(at..at + length);
        }
    }
}

#[test]
fn changes_that_get_past_the_checksum_are_survived() -> Checked {
    println!("seed {SEED}");
    let (mut random, mut tally) = (Random::new(SEED), Tally::default());
    let files: Vec<_> = fixtures()?.into_iter().filter(|file| file.bytes.len() <= MID_SIZE).map(|f| (f, ())).collect();
    for _ in 0..MUTATIONS {
        let (Fixture { name, bytes }, ()) = pick(&mut random, &files);
        let mut bytes = bytes.clone();
        for _ in 0..1 + random.below(3) {
            if !bytes.is_empty() {
                mutate(&mut random, &mut bytes);
            }
        }
        let before = random.clone();
        let result = tally.read(&format!("{name} and {before:?}"), &bytes, |bytes| read_unverified(bytes, &salvage()));
        if let Ok(table) = result {
            check_shape(&table);
        }
    }
    tally.report("changes past the checksum");
    assert!(tally.codes["read"] > MUTATIONS / 20, "hardly anything gets through");
    Ok(())
}

/// The payloads alone, which are most likely to be taken for something else.
#[test]
fn changed_payloads_are_survived() -> Checked {
    println!("seed {SEED}");
    let (mut random, mut tally) = (Random::new(SEED), Tally::default());
    let uncompressed = WriteOptions { compression: ncf::compression::Compression::None, ..plain_options() };
    let mut files = Vec::new();
    for (fixture, table) in undamaged(SMALL)? {
        // Uncompressed, a change reaches the text and the pickles instead of breaking the frame.
        let columns: Vec<Column> = table.columns.into_iter().flatten().collect();
        let types: Vec<_> = columns.iter().map(|column| column.values().data_type()).collect();
        let mut schema = table.file.schema().clone();
        schema.columns.iter_mut().zip(types).for_each(|(field, data_type)| field.data_type = data_type);
        files.extend(write_all(&schema, &columns, uncompressed).map(|bytes| (fixture.name, bytes)));
    }
    assert!(files.len() > 20);
    for _ in 0..MUTATIONS {
        let (name, bytes) = random.pick(&files);
        let file = support::Host::new(bytes).open(&OpenOptions::default())?;
        let data = file.sections().iter().find(|section| section.name == "data").ok_or("no data")?.range.clone();
        let (start, end) = (data.start as usize, data.end as usize);
        let mut changed = bytes[start..end].to_vec();
        let length = changed.len();
        mutate(&mut random, &mut changed);
        changed.resize(length, 0);
        let bytes = [&bytes[..start], &changed, &bytes[end..]].concat();
        let before = random.clone();
        let result = tally.read(&format!("{name} and {before:?}"), &bytes, |bytes| read_unverified(bytes, &salvage()));
        if let Ok(table) = result {
            check_shape(&table);
        }
    }
    tally.report("changed payloads");
    Ok(())
}

/// What every column keeps to, whatever the bytes: text is UTF-8, and counts agree.
fn check_shape(table: &Table) {
    assert_eq!(table.columns.len(), table.file.schema().columns.len());
    for column in table.columns.iter().flatten() {
        assert!(column.validity().is_none_or(|validity| validity.len() == column.len()));
        if let Values::String(text) = column.values() {
            assert!(text.iter().all(|value| std::str::from_utf8(value).is_ok()));
        }
    }
}

#[test]
fn salvaging_what_was_changed_is_survived() -> Checked {
    println!("seed {SEED}");
    let (mut random, mut tally) = (Random::new(SEED), Tally::default());
    let files: Vec<_> = fixtures()?.into_iter().filter(|file| file.name.starts_with("v11")).collect();
    for _ in 0..MUTATIONS / 10 {
        let Fixture { name, bytes } = random.pick(&files);
        let mut bytes = bytes.clone();
        mutate(&mut random, &mut bytes);
        let before = random.clone();
        let result = tally.read(&format!("{name} and {before:?}"), &bytes, |bytes| read_unverified(bytes, &salvage()));
        if let Ok(table) = result {
            check_shape(&table);
            let rows = table.file.num_rows();
            assert!(table.columns.iter().flatten().all(|column| column.len() as u64 == rows || rows > 1000));
        }
    }
    tally.report("salvage");
    Ok(())
}

#[test]
fn arbitrary_bytes_are_survived() -> Checked {
    println!("seed {SEED}");
    let (mut random, mut tally) = (Random::new(SEED), Tally::default());
    let headers: Vec<Vec<u8>> = fixtures()?
        .into_iter()
        .map(|mut file| {
            file.bytes.truncate(128);
            file.bytes
        })
        .collect();
    for _ in 0..MUTATIONS {
        let mut bytes = random.pick(&headers).clone();
        bytes.truncate(random.below(bytes.len() + 1));
        let length = random.below(500);
        bytes.extend((0..length).map(|_| random.bits() as u8));
        let before = random.clone();
        let _ = tally.read(&format!("{before:?}"), &bytes, |bytes| read_unverified(bytes, &salvage()));
    }
    tally.report("arbitrary bytes");
    Ok(())
}

// Files that are made to hurt. Their checksums are right.

fn plain_options() -> WriteOptions {
    WriteOptions { lossy: true, ..WriteOptions::new(Dialect::Python10) }
}

/// The code of reading, or `read`; within [`LIMITS`], and within [`HOSTILE_PEAK`].
fn outcome(what: &str, bytes: &[u8]) -> &'static str {
    let (verified, peak) = memory::peak(|| read_all(bytes, &hostile()).map(|_| ()));
    let (unverified, peak_unverified) = memory::peak(|| read_unverified(bytes, &hostile()).map(|_| ()));
    let code = |result: &ncf::Result<()>| result.as_ref().map_or_else(|error| error.code().as_str(), |()| "read");
    let peak = peak.max(peak_unverified);
    println!("{what}: {} ({verified:?}), {} KiB of memory", code(&verified), peak >> 10);
    assert!(peak <= HOSTILE_PEAK, "{what}: {peak} bytes of memory");
    assert_eq!(code(&verified), code(&unverified), "{what}");
    code(&verified)
}

fn expect(what: &str, bytes: &[u8], allowed: &[&str]) {
    let code = outcome(what, bytes);
    assert!(allowed.contains(&code), "{what}: {code}");
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes(), bytes].concat()
}

/// A Python 1.0 file of those sections, the first two with their length prefixes.
fn python10_sections(schema: &[u8], statistics: &[u8], data: &[u8]) -> Checked<Vec<u8>> {
    let schema_start = python10::HEADER_END;
    let statistics_start = schema_start + schema.len() as u64;
    let data_start = statistics_start + statistics.len() as u64;
    let header = python10::Header {
        schema: schema_start..statistics_start,
        statistics: statistics_start..data_start,
        data: data_start..data_start + data.len() as u64,
        num_rows: 1,
        created: 0,
        modified: 0,
        codec: 0,
    };
    let mut bytes = [&python10::serialize_header(&header)?[..], schema, statistics, data].concat();
    let digest = Sha256::digest(&bytes).into();
    bytes.extend(python10::serialize_footer(&header, &digest));
    Ok(bytes)
}

/// A Python 1.0 file of columns named `a`, `b` and so on, of that type.
fn python10_file(data_type: DataType, columns: usize, data: &[u8]) -> Checked<Vec<u8>> {
    let fields = ["a", "b", "c"].iter().take(columns).map(|name| Field::new(*name, data_type));
    let schema = schema_map::serialize(&Schema::new("t", fields.collect()));
    python10_sections(&prefixed(&schema), &prefixed(&[0x80]), data)
}

fn group(columns: u32, records: &[Vec<u8>]) -> Vec<u8> {
    [&0u32.to_le_bytes()[..], &columns.to_le_bytes(), &records.concat()].concat()
}

fn record(name: &str, size: u64, codec: u8, payload: &[u8]) -> Vec<u8> {
    [name.as_bytes(), &[0], &size.to_le_bytes(), &[codec], payload].concat()
}

/// One column `a` of that type in a Python 1.0 file.
fn python10_column(data_type: DataType, codec: u8, payload: &[u8]) -> Checked<Vec<u8>> {
    python10_file(data_type, 1, &group(1, &[record("a", payload.len() as u64, codec, payload)]))
}

/// A Rust 2.0 file of those sections.
fn rust20_sections(schema: &[u8], statistics: &[u8], data: &[u8]) -> Vec<u8> {
    let statistics_start = rust20::HEADER_SIZE + schema.len() as u64;
    let data_start = statistics_start + statistics.len() as u64;
    let header = rust20::Header {
        base: 0,
        schema: rust20::HEADER_SIZE..statistics_start,
        statistics: statistics_start..data_start,
        data: data_start..data_start + data.len() as u64,
        num_rows: 1,
    };
    let mut bytes = [&rust20::serialize_header(&header)[..], schema, statistics, data].concat();
    let digest = Sha256::digest(&bytes).into();
    bytes.extend(rust20::serialize_footer(&digest));
    bytes
}

/// One column of that type in a Rust 2.0 file.
fn rust20_column(data_type: DataType, size: u32, frame: &[u8]) -> Checked<Vec<u8>> {
    let schema = rust20::serialize_schema(&Schema::new("t", vec![Field::new("a", data_type)]))?;
    let data = [&size.to_le_bytes(), frame].concat();
    Ok(rust20_sections(&schema, &[0x91, 0x95, 0xc0, 0xc0, 0, 1, 0xc0], &data))
}

fn small_files() -> Checked<[(Dialect, Vec<u8>); 2]> {
    let fields = vec![Field::new("i", DataType::Int64), Field::new("s", DataType::String)];
    let mut text = VarBytes::default();
    text.push(b"text")?;
    let columns = [Column::new(Values::Int64(vec![7]), None)?, Column::new(Values::String(text), None)?];
    let schema = Schema::new("t", fields);
    let file = |dialect| Ok::<_, ncf::Error>((dialect, write_all(&schema, &columns, WriteOptions::new(dialect))?));
    Ok([file(Dialect::Python10)?, file(Dialect::Rust20)?])
}

#[test]
fn every_header_field_may_lie() -> Checked {
    // Offset, width, and whether the reader has a use for the field.
    let python10 = [(8, 4, true), (12, 4, true), (16, 4, false), (20, 4, true), (24, 4, true), (28, 8, false)];
    let rust20 = [(8, 8, true), (16, 8, true), (24, 8, true), (32, 8, true), (40, 8, true), (48, 8, false)];
    for (dialect, original) in small_files()? {
        let table = read_all(&original, &hostile())?;
        for (at, width, is_used) in if dialect == Dialect::Python10 { python10 } else { rust20 } {
            for value in [0, 1, 63, 64, 67, 68, 69, 1 << 31, u64::from(u32::MAX), 1 << 32, 1 << 62, 1 << 63, u64::MAX] {
                let mut bytes = original.clone();
                bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
                if bytes == original {
                    continue;
                }
                let what = format!("{} with {value:#x} at {at}", dialect.as_str());
                let (result, peak) = memory::peak(|| read_unverified(&bytes, &hostile()));
                assert!(peak <= HOSTILE_PEAK, "{what}: {peak} bytes of memory");
                match result {
                    Err(error) => {
                        assert!(["corrupt", "truncated"].contains(&error.code().as_str()), "{what}: {error:?}")
                    }
                    Ok(read) => {
                        assert!(!is_used, "{what} is read");
                        let columns = read.columns.iter().flatten().zip(table.columns.iter().flatten());
                        assert!(columns.into_iter().all(|(a, b)| support::same_column(a, b)), "{what}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_huge_number_of_rows_costs_nothing() -> Checked {
    for (dialect, mut bytes) in small_files()? {
        let at = if dialect == Dialect::Python10 { 28 } else { 40 };
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        let (result, peak) = memory::peak(|| read_unverified(&bytes, &hostile()));
        assert!(peak < 1 << 20, "{peak}");
        match (dialect, result) {
            (Dialect::Python10, Ok(table)) => {
                assert!(table.warnings.iter().all(|warning| warning.code.as_str() == "length-differs"));
                assert_eq!(table.warnings.len(), 2);
            }
            (_, result) => assert_eq!(result.err().map(|error| error.code().as_str()), Some("corrupt")),
        }
    }
    Ok(())
}

#[test]
fn records_may_lie_about_their_size() -> Checked {
    let good = record("a", 1, 0, &[7]);
    expect("one byte", &python10_file(DataType::Int8, 1, &group(1, std::slice::from_ref(&good)))?, &["read"]);
    for size in [0, 2, u64::from(u32::MAX), 1 << 62, i64::MAX as u64, u64::MAX - 7, u64::MAX] {
        let data = group(1, &[record("a", size, 0, &[7])]);
        // With size 0 the column is empty, and what follows is no whole record.
        let allowed: &[&str] = if size == 0 { &["truncated"] } else { &["corrupt"] };
        expect(&format!("record of {size} bytes"), &python10_file(DataType::Int8, 1, &data)?, allowed);
    }
    for columns in [2, 3, 1 << 31, u32::MAX] {
        let data = group(columns, std::slice::from_ref(&good));
        expect(&format!("group of {columns} columns"), &python10_file(DataType::Int8, 2, &data)?, &["corrupt"]);
    }
    let empty_group = group(0, &[good]);
    expect("group of no columns", &python10_file(DataType::Int8, 1, &empty_group)?, &["corrupt"]);
    expect("name without end", &python10_file(DataType::Int8, 1, &group(1, &[vec![b'a'; 100_000]]))?, &["corrupt"]);
    for tail in 0..9 {
        let data = [&group(1, &[])[..], b"a\0", &vec![0; tail]].concat();
        expect(&format!("name and {tail} bytes"), &python10_file(DataType::Int8, 1, &data)?, &["corrupt"]);
    }
    let frame = frame(8, None, 8);
    for size in [0, 1, 9, 10, 11, 0x7fff_ffff, u32::MAX] {
        let code = if size as usize == frame.len() { "read" } else { "corrupt" };
        expect(&format!("frame of {size} bytes"), &rust20_column(DataType::Int64, size, &frame)?, &[code]);
    }
    Ok(())
}

#[test]
fn codecs_are_known_refused_by_name_or_corrupt() -> Checked {
    for (codec, code) in [
        (0, "read"),
        (1, "corrupt"),
        (2, "unsupported-feature"),
        (3, "unsupported-feature"),
        (4, "corrupt"),
        (255, "corrupt"),
    ] {
        expect(&format!("codec {codec}"), &python10_column(DataType::Int8, codec, &[7])?, &[code]);
    }
    Ok(())
}

/// Msgpack that claims more than there is, or that is deeper than any reader should follow.
fn hostile_msgpack() -> Vec<(&'static str, Vec<u8>)> {
    let huge = |marker: u8| [&[marker][..], &[0xff; 4]].concat();
    let with_element = |marker: u8, element: &[u8]| [&huge(marker), element].concat();
    vec![
        ("nothing", vec![]),
        ("array of 2^32 - 1", huge(0xdd)),
        ("array of 2^32 - 1 and an element", with_element(0xdd, &[0xc0])),
        ("map of 2^32 - 1", huge(0xdf)),
        ("text of 2^32 - 1 bytes", huge(0xdb)),
        ("binary of 2^32 - 1 bytes", huge(0xc6)),
        ("extension of 2^32 - 1 bytes", huge(0xc9)),
        ("array of 65535", vec![0xdc, 0xff, 0xff]),
        ("array of 2^32 - 1 in each other", huge(0xdd).repeat(20)),
        ("100000 arrays in each other", vec![0x91; 100_000]),
        ("100000 maps in each other", [0x81, 0xc0].repeat(50_000)),
    ]
}

#[test]
fn metadata_may_claim_anything() -> Checked {
    let data = group(1, &[record("a", 1, 0, &[7])]);
    let schema = schema_map::serialize(&Schema::new("t", vec![Field::new("a", DataType::Int8)]));
    for (what, bytes) in hostile_msgpack() {
        let file = python10_sections(&prefixed(&bytes), &prefixed(&[0x80]), &data)?;
        expect(&format!("schema: {what}"), &file, &["corrupt"]);
        let file = python10_sections(&prefixed(&schema), &prefixed(&bytes), &data)?;
        expect(&format!("statistics: {what}"), &file, &["corrupt"]);
        // As the columns, the first column, its name and an unknown key.
        for head in [
            &b"\x82\xaatable_name\xa1t\xa7columns"[..],
            b"\x82\xaatable_name\xa1t\xa7columns\x91",
            b"\x82\xaatable_name\xa1t\xa7columns\x91\x82\xa9data_type\xa4int8\xa4name",
            b"\x82\xaatable_name\xa1t\xa7unknown",
        ] {
            let file = python10_sections(&prefixed(&[head, &bytes].concat()), &prefixed(&[0x80]), &data)?;
            expect(&format!("in the schema: {what}"), &file, &["corrupt"]);
        }
        for head in [&b""[..], b"\x94", b"\x94\xa1t", b"\x94\xa1t\x91", b"\x94\xa1t\x91\x94", b"\x94\xa1t\x91\x94\xa1a"]
        {
            let file = rust20_sections(&[head, &bytes].concat(), &[0x90], &[0; 20]);
            expect(&format!("in the schema of rust-2.0: {what}"), &file, &["corrupt"]);
        }
        let schema = rust20::serialize_schema(&Schema::new("t", vec![Field::new("a", DataType::Int64)]))?;
        for head in [&b""[..], b"\x91", b"\x91\x95"] {
            let file = rust20_sections(&schema, &[head, &bytes].concat(), &[0; 20]);
            expect(&format!("in the statistics of rust-2.0: {what}"), &file, &["corrupt"]);
        }
    }
    for length in [0u32, 1, 1 << 31, u32::MAX] {
        let lying = [&length.to_le_bytes()[..], &schema].concat();
        expect("length of the schema", &python10_sections(&lying, &prefixed(&[0x80]), &data)?, &["corrupt"]);
        let lying = [&length.to_le_bytes()[..], &[0x80, 0]].concat();
        expect("length of the statistics", &python10_sections(&prefixed(&schema), &lying, &data)?, &["corrupt"]);
    }
    Ok(())
}

#[test]
fn metadata_and_columns_have_limits() -> Checked {
    let data = group(1, &[record("a", 1, 0, &[7])]);
    let field = |index: u64| Field::new(index.to_string(), DataType::Int64);
    for (columns, codes) in [(LIMITS.columns, ["read", "corrupt"]), (LIMITS.columns + 1, ["limit-exceeded"; 2])] {
        let schema = Schema::new("t", (0..columns).map(field).collect());
        let file = python10_sections(&prefixed(&schema_map::serialize(&schema)), &prefixed(&[0x80]), b"")?;
        expect(&format!("{columns} columns"), &file, &codes[..1]);
        let file = rust20_sections(&rust20::serialize_schema(&schema)?, &[0x90], b"xxxx");
        expect(&format!("{columns} columns of rust-2.0"), &file, &codes[1..]);
    }
    // Nils take a byte each, and much more when they are parsed.
    let schema = |nils: usize| {
        let extra = vec![("x".into(), Value::Array(vec![Value::Nil; nils]))];
        prefixed(&schema_map::serialize(&Schema { extra, ..Schema::new("t", vec![Field::new("a", DataType::Int8)]) }))
    };
    let statistics =
        |bytes: usize| prefixed(&msgpack::serialize(&Value::Map(vec![("x".into(), Value::Binary(vec![0; bytes]))])));
    let limit = LIMITS.metadata_bytes as usize;
    let (most, most_binary) =
        (limit - (schema(1 << 16).len() - (1 << 16)), limit - (statistics(1 << 16).len() - (1 << 16)));
    for (over, code) in [(0, "read"), (1, "limit-exceeded")] {
        let file = python10_sections(&schema(most + over), &prefixed(&[0x80]), &data)?;
        expect(&format!("{over} bytes of schema over the limit"), &file, &[code]);
        let file = python10_sections(&schema(0), &statistics(most_binary + over), &data)?;
        expect(&format!("{over} bytes of statistics over the limit"), &file, &[code]);
    }
    let file = rust20_sections(&vec![0; LIMITS.metadata_bytes as usize + 1], &[0x90], b"xxxx");
    expect("schema of rust-2.0", &file, &["limit-exceeded"]);
    let mut file = python10_column(DataType::Int8, 0, &[7])?;
    let index = file.len() - 5 * 24 - 4;
    file[index..index + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    expect("index of the footer", &file, &["corrupt"]);
    file.resize(file.len() + LIMITS.metadata_bytes as usize, 0);
    expect("footer", &file, &["limit-exceeded"]);
    Ok(())
}

/// A zstd frame of run-length blocks that restores `size` zero bytes, with a stated content size or a window.
fn frame(size: usize, stated: Option<u64>, window: u8) -> Vec<u8> {
    let mut bytes = 0xfd2f_b528u32.to_le_bytes().to_vec();
    match stated {
        Some(stated) => {
            bytes.push(0xe0);
            bytes.extend(stated.to_le_bytes());
        }
        None => bytes.extend([0, window]),
    }
    let mut left = size;
    loop {
        let block = left.min(128 << 10);
        left -= block;
        let header = (block as u32) << 3 | 1 << 1 | u32::from(left == 0);
        bytes.extend(&header.to_le_bytes()[..3]);
        bytes.push(0);
        if left == 0 {
            return bytes;
        }
    }
}

#[test]
fn bombs_are_defused() -> Checked {
    let limit = LIMITS.column_bytes as usize;
    // Windows of 8 MiB and of 3.75 TiB.
    const WINDOW: u8 = 0x68;
    const HUGE_WINDOW: u8 = 0xff;
    let mut frames = Vec::new();
    for size in [limit, limit + 8, 64 << 20, 1 << 30] {
        let code = if size <= limit { "read" } else { "limit-exceeded" };
        frames.push((format!("{size} bytes, stated"), frame(size, Some(size as u64), 0), vec![code]));
        frames.push((format!("{size} bytes, not stated"), frame(size, None, WINDOW), vec![code]));
        frames.push((format!("{size} bytes, huge window"), frame(size, None, HUGE_WINDOW), vec![code, "corrupt"]));
        frames.push((format!("{size} bytes, 8 stated"), frame(size, Some(8), 0), vec!["corrupt"]));
        frames.push((format!("{size} bytes, 2^63 stated"), frame(size, Some(1 << 63), 0), vec!["corrupt"]));
    }
    frames.push(("8 bytes, limit stated".to_owned(), frame(8, Some(limit as u64), 0), vec!["corrupt"]));
    frames.push(("8 bytes, huge window".to_owned(), frame(8, None, HUGE_WINDOW), vec!["read", "corrupt"]));
    for (what, frame, codes) in frames {
        println!("{} stored", frame.len());
        expect(&what, &python10_column(DataType::Int64, 1, &frame)?, &codes);
        // The one row of the header of Rust 2.0 is not what comes out.
        let codes: Vec<_> = codes.into_iter().map(|code| if code == "read" { "corrupt" } else { code }).collect();
        let file = rust20_column(DataType::Int64, frame.len() as u32, &frame)?;
        if !what.starts_with("8 bytes") {
            expect(&format!("rust-2.0: {what}"), &file, &codes);
        }
    }
    expect("stored", &python10_column(DataType::Int8, 0, &vec![0; limit])?, &["read"]);
    expect("stored over the limit", &python10_column(DataType::Int8, 0, &vec![0; limit + 1])?, &["limit-exceeded"]);
    Ok(())
}

#[test]
fn text_may_lie_about_its_offsets() -> Checked {
    let text = |rows: u32, offsets: &[u32], text: &[u8]| {
        let offsets: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        [&rows.to_le_bytes()[..], &offsets, text].concat()
    };
    for (what, payload, code) in [
        ("as it should be", text(2, &[0, 1, 3], b"abc"), "read"),
        ("rows that are not there", text(u32::MAX, &[0, 1], b"a"), "corrupt"),
        ("more rows than offsets", text(3, &[0, 1, 3], b"abc"), "corrupt"),
        ("fewer rows than offsets", text(1, &[0, 1, 3], b"abc"), "corrupt"),
        ("offsets that go back", text(2, &[0, 2, 1], b"abc"), "corrupt"),
        ("offsets behind the text", text(2, &[0, 1, 4], b"abc"), "corrupt"),
        ("an offset of 2^32 - 1", text(2, &[0, 1, u32::MAX], b"abc"), "limit-exceeded"),
        ("text that is not UTF-8", text(2, &[0, 1, 3], b"a\xff\xff"), "corrupt"),
        ("an offset inside of a character", text(2, &[0, 1, 2], "é".as_bytes()), "corrupt"),
        ("nothing", vec![], "corrupt"),
    ] {
        expect(what, &python10_column(DataType::String, 0, &payload)?, &[code]);
    }
    Ok(())
}

/// A pickled array: its rows, the code of its dtype, and what stands in the place of the data.
fn pickle(rows: &[u8], code: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x04".to_vec();
    let text = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
    let global = |module: &str, name: &str| [text(module), text(name), vec![0x93]].concat();
    bytes.extend(global("numpy.core.multiarray", "_reconstruct"));
    bytes.extend(global("numpy", "ndarray"));
    bytes.extend(b"K\0\x85C\x01b\x87R(K\x01");
    bytes.extend(rows);
    bytes.push(0x85);
    bytes.extend(global("numpy", "dtype"));
    bytes.extend(text(code));
    bytes.extend(b"\x89\x88\x87R(K\x03");
    bytes.extend(text("|"));
    bytes.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89");
    bytes.extend(data);
    bytes.extend(b"tb.");
    bytes
}

fn int(value: i64) -> Vec<u8> {
    [&[0x8a, 8][..], &value.to_le_bytes()].concat()
}

#[test]
fn pickles_may_claim_anything() -> Checked {
    let limit = LIMITS.column_bytes as usize;
    let list = |items: &[u8]| [b"](", items, b"e"].concat();
    let sized = |opcode: u8, length: u64| [&[opcode][..], &length.to_le_bytes()].concat();
    // 64 KiB in the memo, then 1000 times the same.
    let shared = |opcode: &[u8]| {
        let first = [opcode, &65_536u32.to_le_bytes(), &[b'x'; 65_536], b"\x94"].concat();
        list(&[&first[..], &b"h\0".repeat(999)].concat())
    };
    for (what, payload, code) in [
        ("as it should be", pickle(&int(2), "b1", b"C\x02\0\x01"), "read"),
        ("2^62 rows", pickle(&int(1 << 62), "b1", b"C\x02\0\x01"), "corrupt"),
        ("-1 rows", pickle(&int(-1), "b1", b"C\x02\0\x01"), "corrupt"),
        ("2^62 objects", pickle(&int(1 << 62), "O8", &list(b"NN")), "corrupt"),
        ("elements of 2^40 bytes", pickle(&int(2), "S1099511627776", b"C\x02\0\x01"), "corrupt"),
        ("elements of 2^64 bytes", pickle(&int(2), "S18446744073709551616", b"C\x02\0\x01"), "unsupported-feature"),
        ("2^62 elements of no bytes", pickle(&int(1 << 62), "S0", b"C\0"), "corrupt"),
        ("2^63 bytes", pickle(&int(2), "b1", &sized(0x8e, 1 << 63)), "truncated"),
        ("a byte array of 2^64 - 1 bytes", pickle(&int(2), "b1", &sized(0x96, u64::MAX)), "truncated"),
        ("a frame of 2^64 - 1 bytes", pickle(&int(2), "b1", &sized(0x95, u64::MAX)), "truncated"),
        ("1000 times the same 64 KiB", pickle(&int(1000), "O8", &shared(b"B")), "limit-exceeded"),
        ("1000 times the same text of 64 KiB", pickle(&int(1000), "O8", &shared(b"X")), "limit-exceeded"),
        ("marks", vec![b'('; limit], "corrupt"),
        ("tuples in each other", [b"\x80\x04)".as_slice(), &vec![0x85; limit - 3]].concat(), "limit-exceeded"),
        ("a memo of nothing", [b"\x80\x04N".as_slice(), &vec![0x94; limit - 3]].concat(), "limit-exceeded"),
        ("a function that is not listed", b"\x80\x04\x8c\x02os\x8c\x06system\x93.".to_vec(), "unsupported-feature"),
    ] {
        for data_type in [DataType::Binary, DataType::Boolean] {
            expect(what, &python10_column(data_type, 0, &payload)?, &[code]);
        }
    }
    Ok(())
}

#[test]
fn nulls_of_one_byte_cost_a_bounded_multiple() -> Checked {
    // The cheapest row of all: one instruction. Objects count by what they take, not by their bytes in the file.
    let limit = LIMITS.column_bytes as usize;
    for (rows, is_within) in [(limit / 48 - 100, true), (limit / 48 + 1, false), (limit - 300, false)] {
        let payload = pickle(&int(rows as i64), "O8", &[b"](", &vec![b'N'; rows][..], b"e"].concat());
        for data_type in [DataType::Boolean, DataType::Binary, DataType::Decimal] {
            let file = python10_column(data_type, 0, &payload)?;
            let (result, peak) = memory::peak(|| read_unverified(&file, &hostile()));
            let nulls = result.map(|table| table.columns[0].as_ref().map(Column::num_nulls));
            match is_within {
                true => assert_eq!(nulls?, Some(rows)),
                false => assert_eq!(nulls.unwrap_err().code().as_str(), "limit-exceeded"),
            }
            println!("{}, {rows} rows: {peak} bytes", data_type.as_str());
            assert!(peak <= 8 * limit, "{peak} bytes under a limit of {limit}");
        }
    }
    Ok(())
}

/// A Python 1.1 file with that behind its footer.
fn python11_file(codec: u64, columns: usize, rows: u64, tail: &[u8]) -> Vec<u8> {
    let fields = (0..columns).map(|index| Field::new(index.to_string(), DataType::Int8)).collect();
    let schema = prefixed(&schema_map::serialize(&Schema::new("t", fields)));
    let statistics = prefixed(&[0x80]);
    let statistics_start = 64 + schema.len() as u64;
    let footer = statistics_start + statistics.len() as u64;
    let mut bytes = b"NCF\x01\x01\0\0\0".to_vec();
    for field in [64, statistics_start, footer, footer, rows] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(codec.to_le_bytes());
    bytes.extend([schema, statistics].concat());
    let digest = Sha256::digest(&bytes);
    bytes.extend([b"NCFE\x01\0\0\0\x02".as_slice(), &digest, &1u32.to_le_bytes(), &[0x90], tail].concat());
    bytes
}

#[test]
fn salvage_is_not_led_astray() -> Checked {
    let record = |codec: u8, payload: &[u8]| [&[codec][..], &prefixed(payload)].concat();
    let intact = |bytes: &[u8]| -> Checked<usize> { Ok(read_all(bytes, &hostile())?.columns.iter().flatten().count()) };
    let good = [record(0, &[1, 2]), record(0, &[3, 4])].concat();
    assert_eq!(intact(&python11_file(0, 3, 2, &good))?, 2);
    assert_eq!(intact(&python11_file(0, 2, 2, &[&[9, 9, 9], &good[..]].concat()))?, 2);
    // Records of another number of rows are not those of this table.
    assert_eq!(intact(&python11_file(0, 2, 3, &good))?, 0);
    assert_eq!(intact(&python11_file(0, 2, u64::MAX, &good))?, 0);

    let bomb = frame(64 << 20, Some(64 << 20), 0);
    for (what, file, code) in [
        ("a bomb", python11_file(1, 1, 64 << 20, &record(1, &bomb)), "read"),
        ("empty records only", python11_file(0, 3, 0, &vec![0; 1 << 20]), "read"),
        ("too much to salvage", python11_file(0, 3, 0, &vec![0; (1 << 20) + 1]), "limit-exceeded"),
        ("codec 2", python11_file(2, 1, 1, &good), "unsupported-feature"),
        ("codec 9", python11_file(9, 1, 1, &good), "corrupt"),
        ("codec 2^63", python11_file(1 << 63, 1, 1, &good), "corrupt"),
    ] {
        expect(what, &file, &[code]);
    }
    let file = python11_file(0, 1, 1, &[]);
    for length in [0, 2, 1 << 31, u32::MAX] {
        let mut file = file.clone();
        let at = file.len() - 5;
        file[at..at + 4].copy_from_slice(&length.to_le_bytes());
        expect("index of the footer", &file, &["corrupt", "truncated", "limit-exceeded"]);
    }
    Ok(())
}
