//! What the integration tests share: the fixtures, a host that fetches byte ranges, comparison by bits, random numbers.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ncf::bytes::{Interrupt, Segments, Step, to_u64};
use ncf::column::{Column, Values};
use ncf::format::Dialect;
use ncf::reader::{Assembly, File, OpenOptions, RowGroup, Rows, Table};
use ncf::warning::Warning;
use sha2::{Digest, Sha256};

/// A file of tests/fixtures.
pub struct Fixture {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The folder of the fixtures.
pub fn fixtures_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The names of the files with an extension (without it), in order.
pub fn names(extension: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(fixtures_dir())? {
        let name = entry?.file_name();
        names.extend(name.to_str().and_then(|name| name.strip_suffix(extension)).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Every fixture, in order of the names.
pub fn fixtures() -> io::Result<Vec<Fixture>> {
    let read = |name: String| {
        let bytes = fs::read(fixtures_dir().join(&name).with_extension("ncf"))?;
        Ok(Fixture { name, bytes })
    };
    names(".ncf")?.into_iter().map(read).collect()
}

/// Options with `salvage`.
pub fn salvage() -> OpenOptions {
    OpenOptions { salvage: true, ..OpenOptions::default() }
}

/// A host that fetches exactly what it is asked for.
pub struct Host<'a> {
    bytes: &'a [u8],
    segments: Segments,
    /// What was fetched, in order.
    pub fetched: Vec<Range<u64>>,
    /// How many times it was asked.
    pub rounds: usize,
}

impl<'a> Host<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Host { bytes, segments: Segments::new(to_u64(bytes.len())), fetched: Vec::new(), rounds: 0 }
    }

    /// The bytes of a range of the file.
    pub fn fetch(&mut self, range: &Range<u64>) -> &'a [u8] {
        self.fetched.push(range.clone());
        let index = |offset: u64| usize::try_from(offset).expect("an index");
        self.bytes.get(index(range.start)..index(range.end)).expect("a range of the file")
    }

    /// Supplies the whole file, so that nothing is left to ask for.
    pub fn supply_all(&mut self) -> ncf::Result<()> {
        self.segments.supply(0, self.bytes.to_vec())
    }

    /// Repeats a step until it has what it needs.
    pub fn run<T>(&mut self, mut step: impl FnMut(&Segments) -> Step<T>) -> ncf::Result<T> {
        loop {
            let ranges = match step(&self.segments) {
                Ok(done) => return Ok(done),
                Err(Interrupt::Failed(error)) => return Err(error),
                Err(Interrupt::Need(ranges)) => ranges,
            };
            assert!(!ranges.is_empty(), "needs nothing and does not go on");
            self.rounds += 1;
            for range in ranges {
                assert!(!range.is_empty() && !self.fetched.contains(&range), "asks for {range:?}");
                let bytes = self.fetch(&range).to_vec();
                self.segments.supply(range.start, bytes)?;
            }
        }
    }

    pub fn open(&mut self, options: &OpenOptions) -> ncf::Result<File> {
        self.run(|segments| File::open(segments, options))
    }

    /// Locates, fetches and decodes one column.
    pub fn column(&mut self, file: &mut File, column: usize) -> ncf::Result<(Column, Vec<Warning>)> {
        self.run(|segments| file.locate(&[column], segments))?;
        let mut assembly = Assembly::new(column);
        for group in 0..file.row_groups().len() {
            let mut group = self.row_group(file, column, group)?;
            assembly.push(file, &mut group, Rows::Range(0..u64::MAX))?;
        }
        assembly.finish(file)
    }

    /// A row group with the chunk of a located column and of those that it depends on.
    pub fn row_group(&mut self, file: &File, column: usize, group: usize) -> ncf::Result<RowGroup<'a>> {
        let mut row_group = RowGroup::new(group);
        for needed in file.dependencies(column, group)?.into_iter().chain([column]) {
            if let Some(range) = file.chunk(needed, group)? {
                row_group.supply(needed, self.fetch(&range));
            }
        }
        Ok(row_group)
    }

    pub fn fetched_bytes(&self) -> u64 {
        self.fetched.iter().map(|range| range.end - range.start).sum()
    }
}

/// Whether two columns are the same, floats bit by bit; what lies under nulls does not count.
pub fn same_column(a: &Column, b: &Column) -> bool {
    let valid = |row: usize| a.is_valid(row);
    let same_floats = |a: &[u64], b: &[u64]| a.iter().zip(b).enumerate().all(|(row, (a, b))| !valid(row) || a == b);
    let bits32 = |values: &[f32]| values.iter().map(|value| u64::from(value.to_bits())).collect::<Vec<_>>();
    let bits64 = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    // Without rows the type is left, with its unit or scale.
    if a.len() != b.len() || a.validity() != b.validity() || a.slice(0..0) != b.slice(0..0) {
        return false;
    }
    match (a.values(), b.values()) {
        (Values::Float32(x), Values::Float32(y)) => same_floats(&bits32(x), &bits32(y)),
        (Values::Float64(x), Values::Float64(y)) => same_floats(&bits64(x), &bits64(y)),
        _ if a.validity().is_none() => a.values() == b.values(),
        _ => (0..a.len()).all(|row| !valid(row) || a.slice(row..row + 1) == b.slice(row..row + 1)),
    }
}

/// What differs between two readings of a table, their warnings aside.
pub fn difference(a: &Table, b: &Table) -> Option<&'static str> {
    let columns = a.columns.iter().zip(&b.columns).all(|pair| match pair {
        (Some(a), Some(b)) => same_column(a, b),
        (a, b) => a.is_none() && b.is_none(),
    });
    [
        ("the dialect", a.file.dialect() == b.file.dialect()),
        ("the number of rows", a.file.num_rows() == b.file.num_rows()),
        ("the times", (a.file.created(), a.file.modified()) == (b.file.created(), b.file.modified())),
        ("the schema", a.file.schema() == b.file.schema()),
        ("the statistics", format!("{:?}", a.file.statistics()) == format!("{:?}", b.file.statistics())),
        ("the columns", columns && a.columns.len() == b.columns.len()),
    ]
    .into_iter()
    .find_map(|(what, is_same)| (!is_same).then_some(what))
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A xorshift generator: the same seed gives the same test.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero, and neighbours would begin alike.
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.bits();
        }
        random
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        // The upper half of the product is below `end`.
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// As `reader::read_all`, but without the checksum: damage gets as far as it can.
pub fn read_unverified(bytes: &[u8], options: &OpenOptions) -> ncf::Result<Table> {
    let mut host = Host::new(bytes);
    host.supply_all()?;
    let mut file = host.open(options)?;
    if file.dialect() != Dialect::Version2 {
        // To the end of the data, as read_all does.
        host.run(|segments| file.locate(&[usize::MAX], segments))?;
    }
    let mut warnings = file.warnings().to_vec();
    let mut columns = Vec::new();
    for index in 0..file.schema().columns.len() {
        if file.is_lost(index) {
            columns.push(None);
            continue;
        }
        let (column, found) = host.column(&mut file, index)?;
        columns.push(Some(column));
        warnings.extend(found);
    }
    Ok(Table { file, columns, warnings })
}
