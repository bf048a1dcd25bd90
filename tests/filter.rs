//! Filters on whole files: the rows that match are those of a plain evaluation of every row, whatever the types, the
//! literals and the row groups; what cannot match is neither fetched nor decoded.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::cast_possible_truncation
)]

mod support;

use std::cmp::Ordering;
use std::ops::Range;

use ncf::bytes::Segments;
use ncf::column::{Bitmap, Column, Values, VarBytes};
use ncf::filter::{Comparison, Expression, Literal, MAX_DEPTH, Matches, Predicate};
use ncf::format::Dialect;
use ncf::reader::{File, OpenOptions, RowGroup};
use ncf::schema::{DataType, Field, Schema, TimeUnit};
use ncf::statistics::Scalar;
use ncf::writer::{Bounds, WriteOptions, write_all};
use ncf::{decimal, temporal};
use support::{Host, Random};

fn options(row_group_rows: u32) -> WriteOptions {
    WriteOptions { row_group_rows, bounds: Bounds::All, ..WriteOptions::new(Dialect::Version2) }
}

const FLOATS: [f64; 12] = [
    -0.0,
    0.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1.5,
    -2.5,
    0.1,
    9_007_199_254_740_992.0,
    9_223_372_036_854_775_808.0,
    1e300,
    f64::MIN_POSITIVE,
];

const WORDS: [&str; 8] = ["", "a", "a\0", "ab", "b", "\u{ffff}", "\u{10000}", "zürich"];

/// Values of a type, many of them equal, near the edges of the type or in the order of the rows.
fn values(data_type: DataType, rows: usize, random: &mut Random) -> Values {
    let shape = random.below(4);
    macro_rules! numbers {
        ($type:ty) => {
            (0..rows)
                .map(|row| match shape {
                    0 => <$type>::MIN.wrapping_add(random.below(5) as $type).wrapping_sub(2 as $type),
                    1 => random.below(9) as $type,
                    2 => (row / 9) as $type,
                    _ => random.bits() as $type,
                })
                .collect()
        };
    }
    let mut text = VarBytes::default();
    for row in 0..rows {
        match shape {
            0 | 1 => text.push(random.pick(&WORDS).as_bytes()).unwrap(),
            2 => text.push(format!("row {:06}", row / 7).repeat(9).as_bytes()).unwrap(),
            _ => text.push(format!("{}{}", random.pick(&WORDS), random.below(1000)).as_bytes()).unwrap(),
        }
    }
    let float = |random: &mut Random, row: usize| if shape == 2 { row as f64 / 8.0 } else { *random.pick(&FLOATS) };
    match data_type {
        DataType::Int8 => Values::Int8(numbers!(i8)),
        DataType::Int16 => Values::Int16(numbers!(i16)),
        DataType::Int32 => Values::Int32(numbers!(i32)),
        DataType::Int64 => Values::Int64(numbers!(i64)),
        DataType::UInt8 => Values::UInt8(numbers!(u8)),
        DataType::UInt16 => Values::UInt16(numbers!(u16)),
        DataType::UInt32 => Values::UInt32(numbers!(u32)),
        DataType::UInt64 => Values::UInt64(numbers!(u64)),
        DataType::Date => Values::Date(numbers!(i32)),
        DataType::Float32 => Values::Float32((0..rows).map(|row| float(random, row) as f32).collect()),
        DataType::Float64 => Values::Float64((0..rows).map(|row| float(random, row)).collect()),
        DataType::Boolean => Values::Boolean((0..rows).map(|row| shape == 0 || (row / 20).is_multiple_of(2)).collect()),
        DataType::String => Values::String(text),
        DataType::Binary => Values::Binary(text),
        DataType::Timestamp => {
            Values::Timestamp { unit: TimeUnit::Microsecond, utc: shape.is_multiple_of(2), values: numbers!(i64) }
        }
        DataType::Decimal => {
            let digits = |random: &mut Random| random.below(2000) as i128 - 1000;
            Values::Decimal { precision: 30, scale: shape as u8, values: (0..rows).map(|_| digits(random)).collect() }
        }
    }
}

fn table(random: &mut Random, rows: usize) -> (Schema, Vec<Column>) {
    let column = |data_type: &DataType, random: &mut Random| {
        let values = values(*data_type, rows, random);
        let validity = match random.below(4) {
            0 => Some((0..rows).map(|_| random.below(5) > 0).collect()),
            1 => Some((0..rows).map(|row| row / 30 % 2 == 0).collect()),
            2 if random.one_in(4) => Some(Bitmap::filled(rows, false)),
            _ => None,
        };
        Column::new(values, validity).unwrap()
    };
    let columns = DataType::ALL.iter().map(|data_type| column(data_type, random)).collect();
    let fields = DataType::ALL.iter().map(|data_type| Field::new(data_type.as_str(), *data_type)).collect();
    (Schema::new("t", fields), columns)
}

/// A literal that means something for the type: often a value of the column, or one beside it.
fn literal(column: &Column, random: &mut Random) -> Literal {
    if random.one_in(3) && column.values().data_type() != DataType::Boolean {
        let number = match random.below(3) {
            0 => Literal::from(*random.pick(&FLOATS)),
            1 => Literal::Integer(*random.pick(&[0, 3, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, -1 << 63, i128::MAX])),
            _ => Literal::from(random.below(40) as f64 / 4.0),
        };
        match column.values() {
            Values::String(_) => return Literal::Text((*random.pick(&WORDS)).to_owned()),
            Values::Binary(_) => return Literal::Bytes(random.pick(&WORDS).as_bytes().to_vec()),
            _ => return number,
        }
    }
    let near = random.below(3) as i128 - 1;
    match Scalar::of(column, random.below(column.len().max(1))) {
        None => match column.values() {
            Values::String(_) => Literal::Text("a".to_owned()),
            Values::Binary(_) => Literal::Bytes(Vec::new()),
            Values::Boolean(_) => Literal::Boolean(random.one_in(2)),
            _ => Literal::Integer(1),
        },
        Some(Scalar::Boolean(value)) => Literal::Boolean(value),
        Some(Scalar::Integer(value)) if random.one_in(3) => Literal::from(value as f64),
        Some(Scalar::Integer(value)) => Literal::Integer(value + near),
        Some(Scalar::Float32(value)) => Literal::from(f64::from(value)),
        Some(Scalar::Float64(value)) => Literal::from(if near == 0 { value } else { value.next_up() }),
        Some(Scalar::Text(text)) => Literal::Text(text),
        Some(Scalar::Bytes(bytes)) => Literal::Bytes(bytes),
        Some(Scalar::Date(days)) if random.one_in(2) => Literal::Integer(i128::from(days) + near),
        Some(Scalar::Date(days)) if random.one_in(2) => {
            let seconds = i64::from(days) * temporal::SECONDS_PER_DAY + near as i64;
            Literal::Text(temporal::format_timestamp(seconds, TimeUnit::Second, true))
        }
        Some(Scalar::Timestamp { value, .. }) if random.one_in(2) => Literal::Integer(i128::from(value) + near),
        Some(Scalar::Timestamp { value, unit, .. }) => {
            Literal::Text(temporal::format_timestamp(value, unit, random.one_in(2)))
        }
        Some(Scalar::Decimal { unscaled, scale }) => match random.below(3) {
            0 => Literal::Text(decimal::format(unscaled, scale)),
            1 => Literal::Text(decimal::format(unscaled * 10 + near, scale + 1)),
            _ => Literal::from(decimal::format(unscaled, scale).parse::<f64>().unwrap()),
        },
        Some(scalar) => Literal::Text(scalar.to_text().unwrap()),
    }
}

fn expression(schema: &Schema, columns: &[Column], depth: usize, random: &mut Random) -> Expression {
    let inner = |random: &mut Random| {
        (0..random.below(4)).map(|_| expression(schema, columns, depth + 1, random)).collect::<Vec<_>>()
    };
    match random.below(if depth < 3 { 9 } else { 5 }) {
        5 => Expression::All(inner(random)),
        6 => Expression::Any(inner(random)),
        7 => Expression::Not(Box::new(expression(schema, columns, depth + 1, random))),
        kind => {
            let index = random.below(columns.len());
            let column = schema.columns[index].name.clone();
            match kind {
                0 => Expression::Compare { column, comparison: Comparison::Equal, value: Literal::Null },
                1 => {
                    let mut values: Vec<Literal> =
                        (0..random.below(6)).map(|_| literal(&columns[index], random)).collect();
                    if random.one_in(4) {
                        values.push(Literal::Null);
                    }
                    Expression::In { column, values }
                }
                _ => {
                    let comparison = *random.pick(&[
                        Comparison::Equal,
                        Comparison::Less,
                        Comparison::LessOrEqual,
                        Comparison::Greater,
                        Comparison::GreaterOrEqual,
                    ]);
                    Expression::Compare { column, comparison, value: literal(&columns[index], random) }
                }
            }
        }
    }
}

/// Compares an integer with a float; `None` for NaN.
fn compare_exactly(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    if b.abs() > 1.7e38 {
        return Some(if b > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    Some(a.cmp(&(b.trunc() as i128)).then(0.0.partial_cmp(&b.fract())?))
}

/// Compares `a / 10^scale` with `b / 10^other`.
fn compare_decimals(a: i128, scale: u8, b: i128, other: i32) -> Ordering {
    let (left, right) = (10i128.checked_pow(other.max(0) as u32), 10i128.checked_pow((-other).max(0) as u32));
    let right =
        right.and_then(|power| power.checked_mul(10i128.pow(scale.into()))).and_then(|power| b.checked_mul(power));
    match (left.and_then(|power| a.checked_mul(power)), right) {
        (Some(left), Some(right)) => left.cmp(&right),
        (_, None) => 0.cmp(&b),
        (None, _) => a.cmp(&b.signum()),
    }
}

/// How a value compares with a literal; `None` where neither is less, greater or equal.
fn compare(scalar: &Scalar, literal: &Literal) -> Option<Ordering> {
    let instant = |text: &str| {
        // Nanoseconds.
        let (count, unit) = match temporal::parse_timestamp(text) {
            Some((count, unit, _)) => (i128::from(count), unit),
            None => (i128::from(temporal::parse_date(text).unwrap()) * 86_400, TimeUnit::Second),
        };
        count * i128::from(1_000_000_000 / unit.per_second())
    };
    match (scalar, literal) {
        (Scalar::Boolean(a), Literal::Boolean(b)) => Some(a.cmp(b)),
        (Scalar::Text(a), Literal::Text(b)) => Some(a.chars().cmp(b.chars())),
        (Scalar::Bytes(a), Literal::Bytes(b)) => Some(a.cmp(b)),
        (Scalar::Float32(a), _) => compare(&Scalar::Float64((*a).into()), literal),
        (Scalar::Float64(a), Literal::Number(b)) if a.is_nan() && b.value.is_nan() => Some(Ordering::Equal),
        (Scalar::Float64(a), Literal::Number(b)) => a.partial_cmp(&b.value),
        (Scalar::Float64(a), Literal::Integer(b)) => compare_exactly(*b, *a).map(Ordering::reverse),
        (Scalar::Integer(a), Literal::Integer(b)) => Some(a.cmp(b)),
        (Scalar::Integer(a), Literal::Number(b)) => compare_exactly(*a, b.value),
        (Scalar::Date(a), Literal::Text(b)) => Some((i128::from(*a) * 86_400_000_000_000).cmp(&instant(b))),
        (Scalar::Date(a), _) => compare(&Scalar::Integer((*a).into()), literal),
        (Scalar::Timestamp { value, .. }, Literal::Text(b)) => Some((i128::from(*value) * 1000).cmp(&instant(b))),
        (Scalar::Timestamp { value, .. }, _) => compare(&Scalar::Integer((*value).into()), literal),
        (Scalar::Decimal { unscaled, scale }, Literal::Integer(b)) => Some(compare_decimals(*unscaled, *scale, *b, 0)),
        (Scalar::Decimal { unscaled, .. }, Literal::Number(b)) if !b.value.is_finite() => {
            compare_exactly(*unscaled, b.value)
        }
        (Scalar::Decimal { unscaled, scale }, other) => {
            let text = match other {
                Literal::Text(text) => text.clone(),
                Literal::Number(number) => format!("{:e}", number.value),
                _ => unreachable!(),
            };
            let (b, other) = decimal::parse(&text).unwrap();
            Some(compare_decimals(*unscaled, *scale, b, other))
        }
        _ => panic!("{scalar:?} with {literal:?}"),
    }
}

fn holds(expression: &Expression, schema: &Schema, row: &[Option<Scalar>]) -> bool {
    let value = |name: &str| row[schema.index_of(name).unwrap()].as_ref();
    let equals = |name: &str, literal: &Literal| match (value(name), literal) {
        (None, Literal::Null) => true,
        (None, _) | (_, Literal::Null) => false,
        (Some(value), literal) => compare(value, literal) == Some(Ordering::Equal),
    };
    match expression {
        Expression::Compare { column, comparison: Comparison::Equal, value: literal } => equals(column, literal),
        Expression::Compare { column, comparison, value: literal } => {
            let is_nan = matches!(literal, Literal::Number(number) if number.value.is_nan());
            match value(column).and_then(|value| compare(value, literal)) {
                None => false,
                _ if is_nan => false,
                Some(order) => match comparison {
                    Comparison::Equal => unreachable!(),
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                    Comparison::Greater => order.is_gt(),
                    Comparison::GreaterOrEqual => order.is_ge(),
                },
            }
        }
        Expression::In { column, values } => values.iter().any(|literal| equals(column, literal)),
        Expression::All(inner) => inner.iter().all(|inner| holds(inner, schema, row)),
        Expression::Any(inner) => inner.iter().any(|inner| holds(inner, schema, row)),
        Expression::Not(inner) => !holds(inner, schema, row),
    }
}

/// Selects from a row group with these chunks of the predicate's columns.
fn select_from(
    predicate: &Predicate,
    file: &File,
    group: usize,
    stored: &[Option<&[u8]>],
    rows: Range<u64>,
) -> ncf::Result<Vec<u32>> {
    let mut row_group = RowGroup::new(group);
    for (&column, stored) in predicate.columns().iter().zip(stored) {
        if let Some(stored) = *stored {
            row_group.supply(column, stored);
        }
    }
    predicate.select(file, &mut row_group, rows)
}

/// Selects from every row group that is not pruned; the rows of the file, and how many row groups were pruned.
fn select(file: &mut File, host: &mut Host<'_>, predicate: &Predicate, from: u64, to: u64) -> (Vec<u64>, [usize; 3]) {
    host.run(|segments: &Segments| file.locate(predicate.columns(), segments)).unwrap();
    let (mut rows, mut counts) = (Vec::new(), [0; 3]);
    for (group, range) in file.row_groups().to_vec().into_iter().enumerate() {
        let matches = predicate.prune(file, group);
        counts[matches as usize] += 1;
        match matches {
            Matches::None => {}
            Matches::All => rows.extend(range.start.max(from)..range.end.min(to)),
            Matches::Some => {
                let mut row_group = RowGroup::new(group);
                for &column in predicate.columns() {
                    for needed in file.dependencies(column, group).unwrap().into_iter().chain([column]) {
                        if let Some(range) = file.chunk(needed, group).unwrap() {
                            row_group.supply(needed, host.fetch(&range));
                        }
                    }
                }
                let found = predicate.select(file, &mut row_group, from..to).unwrap();
                rows.extend(found.into_iter().map(|position| range.start + u64::from(position)));
            }
        }
    }
    (rows, counts)
}

fn test(column: &str, comparison: Comparison, value: Literal) -> Expression {
    Expression::Compare { column: column.to_owned(), comparison, value }
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn open<'a>(bytes: &'a [u8]) -> (Host<'a>, File) {
    let mut host = Host::new(bytes);
    let file = host.open(&OpenOptions::default()).unwrap();
    (host, file)
}

#[test]
fn filters_select_what_a_plain_evaluation_of_each_row_does() {
    let mut random = Random::new(11);
    let mut pruned = [0; 3];
    for round in 0..24 {
        let rows = *random.pick(&[0, 1, 70, 300]);
        let (schema, columns) = table(&mut random, rows);
        let bounds = *random.pick(&[Bounds::All, Bounds::All, Bounds::None]);
        let write = WriteOptions { bounds, ..options(*random.pick(&[1, 7, 64, 100, 1000])) };
        let bytes = write_all(&schema, &columns, write).unwrap();
        let scalars: Vec<Vec<Option<Scalar>>> =
            (0..rows).map(|row| columns.iter().map(|column| Scalar::of(column, row)).collect()).collect();
        let (mut host, mut file) = open(&bytes);
        for _ in 0..120 {
            let expression = expression(&schema, &columns, 0, &mut random);
            let predicate = Predicate::new(&file, expression.clone()).unwrap();
            let (from, to) =
                if random.one_in(3) { (random.below(rows + 2), random.below(rows + 9)) } else { (0, rows) };
            let expected: Vec<u64> = (from..to.min(rows))
                .filter(|&row| holds(&expression, &schema, &scalars[row]))
                .map(|row| row as u64)
                .collect();
            let (found, counts) = select(&mut file, &mut host, &predicate, from as u64, to as u64);
            assert_eq!(found, expected, "{expression:?} in round {round}");
            pruned.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
    assert!(pruned.iter().all(|&count| count > 500), "{pruned:?}");
}

#[test]
fn row_groups_that_cannot_match_are_not_fetched() {
    let rows = 10_000;
    let names = (0..rows).map(|row| format!("user {row:05}"));
    let mut text_values = VarBytes::default();
    names.for_each(|name| text_values.push(name.as_bytes()).unwrap());
    let columns = [
        Column::new(Values::Int64((0..rows).collect()), None).unwrap(),
        Column::new(Values::String(text_values), None).unwrap(),
    ];
    let fields = vec![Field::new("id", DataType::Int64), Field::new("name", DataType::String)];
    let schema = Schema::new("t", fields);
    let bytes = write_all(&schema, &columns, options(1000)).unwrap();
    for (expression, expected, counts) in [
        (test("id", Comparison::Equal, Literal::from(4321.0)), 4321..4322, [9, 1, 0]),
        (test("id", Comparison::Less, Literal::from(2500.0)), 0..2500, [7, 1, 2]),
        (test("name", Comparison::Equal, text("user 04321")), 4321..4322, [9, 1, 0]),
        (test("name", Comparison::GreaterOrEqual, text("user 09")), 9000..10_000, [9, 0, 1]),
        (test("id", Comparison::Greater, Literal::Integer(1 << 70)), 0..0, [10, 0, 0]),
        (Expression::All(Vec::new()), 0..10_000, [0, 0, 10]),
        (Expression::Any(Vec::new()), 0..0, [10, 0, 0]),
    ] {
        let (mut host, mut file) = open(&bytes);
        let opened = host.fetched.len();
        let predicate = Predicate::new(&file, expression.clone()).unwrap();
        let (found, seen) = select(&mut file, &mut host, &predicate, 0, rows as u64);
        assert_eq!(found, expected.collect::<Vec<u64>>(), "{expression:?}");
        assert_eq!(seen, counts, "{expression:?}");
        assert_eq!(host.fetched.len() - opened, counts[1], "one chunk of each undecided row group");
    }
}

#[test]
fn decided_conditions_leave_other_columns_undecoded() {
    let column = |values| Column::new(values, None).unwrap();
    let columns =
        [column(Values::Int32(vec![1, 5, 9])), column(Values::Int32(vec![2, 4, 8])), column(Values::Int32(vec![3; 3]))];
    let fields = ["a", "b", "c"].map(|name| Field::new(name, DataType::Int32)).to_vec();
    let bytes = write_all(&Schema::new("t", fields), &columns, options(10)).unwrap();
    let (mut host, mut file) = open(&bytes);
    host.run(|segments| file.locate(&[0, 1, 2], segments)).unwrap();
    let chunks: Vec<&[u8]> = (0..3).map(|c| host.fetch(&file.chunk(c, 0).unwrap().unwrap())).collect();
    let damaged: &[u8] = &chunks[1].iter().map(|byte| !byte).collect::<Vec<u8>>();
    let is = |column: &str, value: f64| test(column, Comparison::Equal, Literal::from(value));
    let run = |expression: Expression, b: &[u8]| {
        let predicate = Predicate::new(&file, expression).unwrap();
        let chunks = [chunks[0], b, chunks[2]];
        let stored: Vec<Option<&[u8]>> = predicate.columns().iter().map(|&column| Some(chunks[column])).collect();
        select_from(&predicate, &file, 0, &stored, 0..3)
    };
    // No row has 7 in the first column; every row has 3 in the last one, as its statistics tell.
    assert_eq!(run(Expression::All(vec![is("a", 7.0), is("b", 4.0)]), damaged).unwrap(), []);
    assert_eq!(run(Expression::Any(vec![is("c", 3.0), is("b", 4.0)]), damaged).unwrap(), [0, 1, 2]);
    assert_eq!(run(Expression::All(vec![is("c", 3.0), is("a", 5.0)]), damaged).unwrap(), [1]);
    let error = run(Expression::All(vec![is("a", 5.0), is("b", 4.0)]), damaged).unwrap_err();
    assert_eq!((error.code().as_str(), error.column()), ("checksum-mismatch", Some("b")));
    assert_eq!(run(Expression::All(vec![is("a", 5.0), is("b", 4.0)]), chunks[1]).unwrap(), [1]);
}

#[test]
fn dictionaries_are_compared_by_entry_and_their_rows_left_alone() {
    let rows = 5000;
    let mut values = VarBytes::default();
    let mut random = Random::new(12);
    let words = ["ash", "beech", "oak", "pine"];
    let picked: Vec<&str> = (0..rows).map(|_| *random.pick(&words)).collect();
    picked.iter().for_each(|word| values.push(word.as_bytes()).unwrap());
    let validity: Bitmap = (0..rows).map(|row| row % 100 != 7).collect();
    for validity in [None, Some(validity)] {
        let column = Column::new(Values::String(values.clone()), validity).unwrap();
        let schema = Schema::new("t", vec![Field::new("tree", DataType::String)]);
        let no_codec =
            WriteOptions { compression: ncf::compression::Compression::None, bounds: Bounds::None, ..options(100_000) };
        let bytes = write_all(&schema, std::slice::from_ref(&column), no_codec).unwrap();
        let unchecked = OpenOptions { checksums: false, ..OpenOptions::default() };
        let mut host = Host::new(&bytes);
        let mut file = host.open(&unchecked).unwrap();
        host.run(|segments| file.locate(&[0], segments)).unwrap();
        let chunk = host.fetch(&file.chunk(0, 0).unwrap().unwrap());
        let entries = file.distinct_values(0, 0, chunk).unwrap().unwrap();
        let codes = file.distinct_codes(0, 0, chunk).unwrap().unwrap();
        for (row, &code) in codes.iter().enumerate() {
            let code = (code as usize).min(entries.len() - 1);
            assert_eq!(Scalar::of(&entries, code), Scalar::of(&column, row), "row {row}");
        }
        // What comes last says which entry each row holds.
        let mut damaged = chunk.to_vec();
        damaged.iter_mut().skip(chunk.len() - 400).for_each(|byte| *byte = !*byte);
        let run = |expression: Expression, stored: &[u8]| {
            select_from(&Predicate::new(&file, expression).unwrap(), &file, 0, &[Some(stored)], 0..rows as u64)
        };
        let is = |word: &str| test("tree", Comparison::Equal, text(word));
        let expected = |matches: &dyn Fn(&str) -> bool| -> Vec<u32> {
            (0..rows).filter(|&row| column.is_valid(row) && matches(picked[row])).map(|row| row as u32).collect()
        };
        assert_eq!(run(is("oak"), chunk).unwrap(), expected(&|word| word == "oak"));
        let between = Expression::All(vec![
            test("tree", Comparison::Greater, text("ash")),
            test("tree", Comparison::Less, text("oak")),
        ]);
        assert_eq!(run(between, chunk).unwrap(), expected(&|word| word == "beech"));
        let null = test("tree", Comparison::Equal, Literal::Null);
        let nulls: Vec<u32> = (0..rows).filter(|&row| !column.is_valid(row)).map(|row| row as u32).collect();
        assert_eq!(run(null, chunk).unwrap(), nulls);
        assert_eq!(run(is("elm"), chunk).unwrap(), []);
        let neither = Expression::All(vec![
            test("tree", Comparison::GreaterOrEqual, text("c")),
            test("tree", Comparison::Less, text("d")),
        ]);
        assert_eq!(run(neither, &damaged).unwrap(), [], "entries are on either side, none between");
        assert!(!run(is("oak"), &damaged).is_ok_and(|found| found == expected(&|word| word == "oak")));
        assert!(run(is("oak"), &chunk[..chunk.len() - 1]).is_err(), "a chunk of another size");
    }
}

#[test]
fn what_cannot_be_bound_is_an_error() {
    let schema = Schema::new("t", vec![Field::new("n", DataType::Int64), Field::new("d", DataType::Date)]);
    let columns =
        [Values::Int64(vec![1]), Values::Date(vec![1])].map(|values| Column::new(values, None).unwrap()).to_vec();
    let bytes = write_all(&schema, &columns, options(10)).unwrap();
    let (mut host, mut file) = open(&bytes);
    host.run(|segments| file.locate(&[0, 1], segments)).unwrap();
    let mut deep = Expression::All(Vec::new());
    for _ in 0..MAX_DEPTH {
        deep = Expression::Not(Box::new(deep));
    }
    assert!(Predicate::new(&file, deep.clone()).is_ok());
    let many = Expression::In { column: "n".to_owned(), values: vec![Literal::Null; 1_000_000] };
    for (expression, code, column) in [
        (test("n", Comparison::Equal, text("1")), "type-mismatch", Some("n")),
        (test("d", Comparison::Less, text("abc")), "type-mismatch", Some("d")),
        (test("n", Comparison::Less, Literal::Null), "type-mismatch", Some("n")),
        (Expression::In { column: "n".to_owned(), values: vec![text("")] }, "type-mismatch", Some("n")),
        (Expression::Not(Box::new(deep)), "limit-exceeded", None),
        (many, "limit-exceeded", None),
    ] {
        let error = Predicate::new(&file, expression).unwrap_err();
        assert_eq!((error.code().as_str(), error.column()), (code, column), "{error}");
    }
    let unknown = Predicate::new(&file, test("x", Comparison::Equal, Literal::Null)).unwrap_err();
    assert_eq!((unknown.code().as_str(), unknown.to_string().as_str()), ("unknown-column", "no column named \"x\""));
    let predicate = Predicate::new(&file, test("n", Comparison::Equal, Literal::from(1.0))).unwrap();
    assert_eq!(select_from(&predicate, &file, 0, &[], 0..1).unwrap(), [0], "statistics tell, without a chunk");
    assert_eq!(select_from(&predicate, &file, 1, &[None], 0..1).unwrap_err().code().as_str(), "invalid-argument");
}

#[test]
fn legacy_columns_are_compared_by_what_they_hold() {
    let columns = [
        (
            Field::new("when", DataType::Timestamp),
            Values::Timestamp { unit: TimeUnit::Nanosecond, utc: false, values: vec![0, 1_500_000_000, i64::MAX] },
        ),
        (Field::new("n", DataType::Int64), Values::Int64(vec![1, 2, 3])),
    ];
    let fields = columns.iter().map(|(field, _)| field.clone()).collect();
    let columns: Vec<Column> = columns.into_iter().map(|(_, values)| Column::new(values, None).unwrap()).collect();
    let bytes = write_all(&Schema::new("t", fields), &columns, WriteOptions::new(Dialect::Python10)).unwrap();
    let (mut host, mut file) = open(&bytes);
    for (expression, expected) in [
        (test("when", Comparison::Equal, text("1970-01-01T00:00:01.5")), vec![1]),
        (test("when", Comparison::Greater, Literal::Integer(1_499_999_999)), vec![1, 2]),
        (
            Expression::All(vec![
                test("when", Comparison::Less, text("1970-01-02")),
                test("n", Comparison::Greater, Literal::from(1.5)),
            ]),
            vec![1],
        ),
        (test("n", Comparison::Less, Literal::from(-1.0)), vec![]),
    ] {
        let predicate = Predicate::new(&file, expression.clone()).unwrap();
        let (found, counts) = select(&mut file, &mut host, &predicate, 0, 3);
        assert_eq!((found, counts), (expected, [0, 1, 0]), "{expression:?}");
    }
    let predicate = Predicate::new(&file, test("n", Comparison::Equal, text("1"))).unwrap();
    let chunk = file.chunk(1, 0).unwrap().map(|range| host.fetch(&range));
    let error = select_from(&predicate, &file, 0, &[chunk], 0..3).unwrap_err();
    assert_eq!((error.code().as_str(), error.column()), ("type-mismatch", Some("n")));
}

#[test]
fn columns_of_another_length_are_refused() {
    let fixture =
        support::fixtures().unwrap().into_iter().find(|fixture| fixture.name == "v10_schema_mismatch").unwrap();
    let (mut host, mut file) = open(&fixture.bytes);
    let rows = file.num_rows();
    let mut refused = 0;
    for index in 0..file.schema().columns.len() {
        let length = host.column(&mut file, index).unwrap().0.len() as u64;
        let name = file.schema().columns[index].name.clone();
        let predicate = Predicate::new(&file, test(&name, Comparison::Equal, Literal::Null)).unwrap();
        let stored = file.chunk(index, 0).unwrap().map(|range| host.fetch(&range));
        let found = select_from(&predicate, &file, 0, &[stored], 0..rows);
        assert_eq!(found.is_ok(), length == rows, "{name}");
        if let Err(error) = found {
            assert_eq!((error.code().as_str(), error.column()), ("corrupt", Some(name.as_str())));
            refused += 1;
        }
    }
    assert!(refused > 0);
}
