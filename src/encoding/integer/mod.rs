//! Integers of any width up to 64 bits, as 64-bit patterns: signed ones sign-extended, unsigned ones zero-extended.
//!
//! All arithmetic wraps, so a narrower type takes the low bits of what comes out. Dates, timestamps, dictionary codes,
//! lengths and the integer parts of other encodings are integers, too.

mod constant;
mod delta;
mod dictionary;
mod exceptions;
mod function;
pub(crate) mod linear;
mod planes;
mod recent;
mod run_length;

use super::Decoder;
use crate::bytes::ByteReader;
use crate::column::index;
use crate::error::{Error, Result};

macro_rules! table {
    (
        $( $(#[doc = $doc:literal])* $id:literal $name:literal $variant:ident => $module:ident; )*
        models: $( $(#[doc = $model_doc:literal])* $model_id:literal $model_name:literal $model:ident => $model_module:ident; )*
    ) => {
        encodings! {
            "integers" IntegerEncoding;
            $( $(#[doc = $doc])* $id $name $variant; )*
            $( $(#[doc = $model_doc])* $model_id $model_name $model; )*
        }

        impl IntegerEncoding {
            fn decode(self, reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
                match self {
                    $(IntegerEncoding::$variant => $module::decode(reader, count, decoder),)*
                    $(IntegerEncoding::$model => $model_module::decode(reader, count, decoder),)*
                }
            }

            /// Whether the values alone make it worth trying; models depend on other columns.
            #[cfg(feature = "writer")]
            fn suits(self, facts: &encoder::Facts, role: encoder::Role) -> bool {
                match self {
                    $(IntegerEncoding::$variant => $module::suits(facts, role),)*
                    $(IntegerEncoding::$model => false,)*
                }
            }

            /// Encodes by other than models, unless it does not suit.
            #[cfg(feature = "writer")]
            fn encode(self, integers: encoder::Integers<'_>, encoder: &mut super::Encoder, out: &mut Vec<u8>) -> bool {
                match self {
                    $(IntegerEncoding::$variant => $module::encode(integers, encoder, out),)*
                    $(IntegerEncoding::$model => false,)*
                }
            }
        }

        /// Writes a node by a model, unless it does not suit.
        #[cfg(feature = "writer")]
        fn encode_by(
            model: &super::Model,
            integers: encoder::Integers<'_>,
            encoder: &mut super::Encoder,
            out: &mut Vec<u8>,
        ) -> bool {
            match model {
                $(super::Model::$model(model) => {
                    out.push(IntegerEncoding::$model.id());
                    encoder.nested(|encoder| $model_module::encode(integers, model, encoder, out))
                })*
            }
        }
    };
}

table! {
    /// One value.
    0 "constant" Constant => constant;
    /// Frame of reference divided by a common divisor, a stream per byte.
    1 "planes" Planes => planes;
    /// Differences of neighbours.
    2 "delta" Delta => delta;
    /// Values and how often each repeats.
    3 "run-length" RunLength => run_length;
    /// Distinct values, and which of them each is.
    4 "dictionary" Dictionary => dictionary;
    models:
    /// A function of other columns, with exceptions.
    5 "function" Function => function;
    /// A weighted sum of other columns, and what is left.
    6 "linear" Linear => linear;
    /// Which of the values that were last there where other columns held the same.
    7 "recent" Recent => recent;
}

/// Reads a node of `count` integers.
///
/// # Errors
/// `corrupt`, `truncated`, `limit-exceeded`.
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    decoder.check_count(count, 8)?;
    let encoding = IntegerEncoding::from_id(reader.u8()?)?;
    decoder.note(encoding.as_str());
    decoder.child(|decoder| encoding.decode(reader, count, decoder))
}

/// Reads a node of `count` positions in a dictionary of so many entries, fewer than 2^32.
///
/// # Errors
/// As [`decode`]; `corrupt` for a position behind the last entry.
pub fn decode_positions(
    reader: &mut ByteReader<'_>,
    count: usize,
    entries: usize,
    decoder: &mut Decoder,
) -> Result<Vec<u32>> {
    decoder.check_count(count, 8)?;
    let encoding = IntegerEncoding::from_id(reader.u8()?)?;
    decoder.note(encoding.as_str());
    decoder.child(|decoder| {
        let known = match encoding {
            IntegerEncoding::Planes => planes::decode_narrow(reader, count, decoder)?,
            _ => None,
        };
        let positions = match known {
            Some(narrow) => narrow,
            None => narrow(&encoding.decode(reader, count, decoder)?, entries)?,
        };
        let largest = positions.iter().fold(0, |largest, &position| largest.max(position));
        if count > 0 && index(largest) >= entries {
            return Err(behind(largest.into(), entries));
        }
        Ok(positions)
    })
}

/// Positions of which none is beyond 32 bits.
fn narrow(positions: &[u64], entries: usize) -> Result<Vec<u32>> {
    let all = positions.iter().fold(0, |bits, &position| bits | position);
    if u32::try_from(all).is_err() {
        let largest = positions.iter().copied().max().unwrap_or_default();
        return Err(behind(largest, entries));
    }
    #[expect(clippy::cast_possible_truncation, reason = "all are of 32 bits")]
    Ok(positions.iter().map(|&position| position as u32).collect())
}

fn behind(position: u64, entries: usize) -> Error {
    Error::corrupt(format!("entry {position} of a dictionary of {entries}"))
}

#[cfg(feature = "writer")]
pub use encoder::{Integers, Role, encode};

#[cfg(feature = "writer")]
mod encoder {
    use std::cell::RefCell;

    use super::dictionary::{self, Split};
    use super::{IntegerEncoding, encode_by, planes};
    use crate::encoding::encoder::{measured, picked, smallest};
    use crate::encoding::hash::{hash_words, mix};
    use crate::encoding::{Encoder, Needs};
    use crate::statistics::extremes;

    /// Integers to encode.
    #[derive(Clone, Copy, Debug)]
    pub struct Integers<'a> {
        /// Bit patterns.
        pub values: &'a [u64],
        /// Whether their order is that of signed integers.
        pub signed: bool,
    }

    impl Integers<'_> {
        /// The pattern as a key whose unsigned order is the order of the values.
        pub fn key(&self, value: u64) -> u64 {
            if self.signed { value ^ (1 << 63) } else { value }
        }
    }

    /// What integers are for, which tells what is worth trying.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Role {
        /// A column's own values.
        Values,
        /// Differences of neighbours.
        Deltas,
        /// Which dictionary entry, which pattern.
        Codes,
        /// Lengths of runs and of text.
        Lengths,
    }

    /// What one pass over all values tells.
    #[derive(Clone, Copy, Debug)]
    pub struct Facts {
        /// Number of values.
        pub len: usize,
        /// Smallest and largest value.
        pub bounds: (u64, u64),
        /// Largest minus smallest value.
        pub range: u64,
        /// Number of runs of equal neighbours.
        pub runs: usize,
    }

    impl Integers<'_> {
        /// Smallest and largest value.
        pub fn bounds(&self) -> (u64, u64) {
            // Comparisons of signed numbers are those that there are vectors for.
            let flip = if self.signed { 0 } else { 1 << 63 };
            let key = |value: u64| (value ^ flip).cast_signed();
            let (min, max) = extremes(self.values, key).unwrap_or((key(0), key(0)));
            (min.cast_unsigned() ^ flip, max.cast_unsigned() ^ flip)
        }
    }

    fn facts(integers: Integers<'_>) -> Facts {
        let (min, max) = integers.bounds();
        let following = integers.values.get(1..).unwrap_or_default();
        let changes: u64 = integers.values.iter().zip(following).map(|(a, b)| u64::from(a != b)).sum();
        Facts {
            len: integers.values.len(),
            bounds: (min, max),
            range: max.wrapping_sub(min),
            runs: usize::try_from(changes).unwrap_or(usize::MAX) + usize::from(!integers.values.is_empty()),
        }
    }

    /// Writes a node.
    pub fn encode(integers: Integers<'_>, role: Role, encoder: &mut Encoder, out: &mut Vec<u8>) {
        let hash = || {
            let kind = u64::from(integers.signed) << 8 | role as u64;
            mix(hash_words(integers.values) ^ kind)
        };
        encoder.node(hash, out, |encoder, out| encode_node(integers, role, encoder, out));
    }

    fn encode_node(integers: Integers<'_>, role: Role, encoder: &mut Encoder, out: &mut Vec<u8>) {
        let count = integers.values.len();
        let mut best: Option<(Vec<u8>, Needs)> = None;
        for (index, model) in (0..).zip(encoder.models(count).iter()) {
            let mut coded = Vec::new();
            let most = best.as_ref().map_or(usize::MAX, |(best, _)| best.len());
            let attempt = encoder.below(most, |encoder| {
                encoder.attempt(|encoder| {
                    let suits = encode_by(model, integers, encoder, &mut coded);
                    let models = 1u64.checked_shl(index).unwrap_or_default();
                    encoder.need(Needs { parents: model.parents(), models });
                    suits
                })
            });
            if let Some((true, needed)) = attempt.filter(|_| coded.len() < most) {
                best = Some((coded, needed));
            }
        }
        if !best.as_ref().is_some_and(|(best, _)| encoder.is_enough(best.len(), count)) {
            // Of equal sizes, that without a model is the better one.
            let most = best.as_ref().map_or(usize::MAX, |(best, _)| best.len() + 1);
            let alone = |encoder: &mut Encoder| encoder.alone(|encoder| encode_alone(integers, role, encoder));
            let attempt = encoder.below(most, |encoder| encoder.attempt(alone));
            best = attempt.filter(|(alone, _)| alone.len() < most).or(best);
        }
        let Some((best, needed)) = best else {
            encoder.give_up();
            return;
        };
        encoder.need(needed);
        encoder.spend(best.len());
        out.extend(best);
    }

    /// A node by what the values alone suggest.
    fn encode_alone(integers: Integers<'_>, role: Role, encoder: &mut Encoder) -> Vec<u8> {
        let facts = facts(integers);
        let suiting = |encoding: &IntegerEncoding| encoding.suits(&facts, role);
        let candidates: Vec<IntegerEncoding> = IntegerEncoding::ALL.iter().copied().filter(suiting).collect();
        let split = RefCell::new(None::<Split>);
        let measure = |encoder: &mut Encoder| {
            let blocks = encoder.blocks(facts.len).filter(|_| candidates.len() > 1)?;
            let sample = picked(integers.values, blocks);
            let sampled = Integers { values: &sample, ..integers };
            measured(&candidates, |encoding, most| match encoding {
                IntegerEncoding::Dictionary => {
                    let (size, parts) = dictionary::measure(integers, facts.bounds, sampled, most, encoder)?;
                    split.replace(Some(parts));
                    Some(size)
                }
                _ => encoder
                    .measure(most, (sample.len(), facts.len), |encoder, out| encoding.encode(sampled, encoder, out)),
            })
        };
        smallest(encoder, facts.len, &candidates, measure, |encoder, encoding, out| {
            out.push(encoding.id());
            match split.borrow().as_ref() {
                Some(split) if encoding == IntegerEncoding::Dictionary => split.write(integers, encoder, out),
                _ if encoding == IntegerEncoding::Planes => {
                    return planes::encode_within(integers, facts.bounds, encoder, out);
                }
                _ => return encoding.encode(integers, encoder, out),
            }
            true
        })
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::linear::{Form, Part, Sum, Term};
    use super::*;
    use crate::column::{Bitmap, Column, Values, VarBytes};
    use crate::encoding::chunk::Parents;
    use crate::encoding::parent::{Key, Parent, Scope};
    use crate::encoding::{Encoder, Model};

    fn cases() -> Vec<(&'static str, Vec<u64>, bool)> {
        let mut next = crate::testing::noise(1);
        vec![
            ("empty", vec![], true),
            ("one", vec![7], true),
            ("constant", vec![(-3i64).cast_unsigned(); 1000], true),
            ("counter", (0..100_000).collect(), true),
            ("extremes", vec![0, u64::MAX, 1 << 63, (1 << 63) - 1, 5], true),
            ("extremes unsigned", vec![0, u64::MAX, 1 << 63, (1 << 63) - 1, 5], false),
            ("noise", (0..60_000).map(|_| next()).collect(), false),
            ("small noise", (0..60_000).map(|_| next() % 1000).collect(), true),
            ("multiples", (0..5_000).map(|_| (next() % 50) * 900 + 17).collect(), true),
            ("negative", (0..5_000).map(|i: u64| (i as i64 - 2_500).cast_unsigned()).collect(), true),
            ("runs", (0..50_000u64).map(|i| (i / 777) * 31).collect(), true),
            ("few far apart", (0..50_000).map(|_| [1u64, 1 << 40, 77 << 50][(next() % 3) as usize]).collect(), true),
            ("descending", (0..3_000u64).rev().map(|i| i * 1000).collect(), false),
        ]
    }

    #[test]
    fn ids_never_change() {
        let ids: Vec<_> = IntegerEncoding::ALL.iter().map(|e| (e.id(), e.as_str())).collect();
        assert_eq!(
            ids,
            [
                (0, "constant"),
                (1, "planes"),
                (2, "delta"),
                (3, "run-length"),
                (4, "dictionary"),
                (5, "function"),
                (6, "linear"),
                (7, "recent")
            ]
        );
    }

    #[test]
    fn the_chosen_encoding_round_trips_and_cuts_are_errors() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        for (name, values, signed) in cases() {
            let mut out = Vec::new();
            encode(Integers { values: &values, signed }, Role::Values, &mut encoder, &mut out);
            let mut decoder = Decoder::new(1 << 24);
            let mut reader = ByteReader::new(&out, 0);
            assert_eq!(decode(&mut reader, values.len(), &mut decoder).unwrap(), values, "{name}");
            assert_eq!(reader.remaining(), 0, "{name}");
            for end in (0..out.len()).step_by(1 + out.len() / 50) {
                assert!(decode(&mut ByteReader::new(&out[..end], 0), values.len(), &mut decoder).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn every_encoding_that_suits_round_trips() {
        let mut encoder = Encoder::new(None).unwrap();
        for (name, values, signed) in cases() {
            let integers = Integers { values: &values, signed };
            for &encoding in IntegerEncoding::ALL {
                let is_constant = values.windows(2).all(|pair| pair[0] == pair[1]);
                if values.is_empty() || (encoding == IntegerEncoding::Constant && !is_constant) {
                    continue;
                }
                let mut out = Vec::new();
                if !encoding.encode(integers, &mut encoder, &mut out) {
                    let distinct = values.iter().collect::<HashSet<_>>().len();
                    let is_unsuited = encoding == IntegerEncoding::Dictionary && distinct * 2 > values.len();
                    assert!(is_model(encoding) || is_unsuited, "{encoding:?}");
                    continue;
                }
                let mut reader = ByteReader::new(&out, 0);
                let decoded = encoding.decode(&mut reader, values.len(), &mut Decoder::new(1 << 24)).unwrap();
                assert_eq!((decoded, reader.remaining()), (values.clone(), 0), "{name} {encoding:?}");
            }
        }
    }

    fn is_model(encoding: IntegerEncoding) -> bool {
        matches!(encoding, IntegerEncoding::Function | IntegerEncoding::Linear | IntegerEncoding::Recent)
    }

    /// Other columns of `rows` rows: keys as text, counts with nulls, times HHMM as floats.
    fn parents(rows: usize) -> Parents {
        let mut text = VarBytes::default();
        (0..rows).for_each(|row| text.push(format!("key {}", row * row % 37).as_bytes()).unwrap());
        let times = (0..rows).map(|row| (row % 24 * 100 + row * 7 % 60) as f64).collect();
        let counts = Values::Int32((0..rows).map(|row| (row * 31 % 1000) as i32 - 500).collect());
        let columns = [
            Column::new(Values::String(text), None),
            Column::new(counts, Some((0..rows).map(|row| row % 11 != 3).collect())),
            Column::new(Values::Float64(times), None),
        ];
        columns.into_iter().map(|column| Some(Arc::new(Parent::new(Arc::new(column.unwrap()), None)))).collect()
    }

    fn models() -> Vec<Model> {
        let key = |first, second| Key { first, second };
        let term = |parent, part, weight| Term { parent, exponent: 0, part, weight };
        let clock = vec![term(2, Part::Quotient, 60), term(2, Part::Remainder, 1)];
        let sum = Sum { form: Form::Number, modulus: 0, terms: vec![], constant: 5, shift: 0 };
        vec![
            Model::Function(key(0, None)),
            Model::Function(key(0, Some(2))),
            Model::Recent(key(0, None)),
            Model::Recent(key(1, Some(0))),
            Model::Linear(Sum { terms: vec![term(1, Part::Whole, 3), term(2, Part::Whole, -1)], ..sum.clone() }),
            Model::Linear(Sum { terms: vec![term(1, Part::Whole, 70_000)], shift: 16, ..sum.clone() }),
            Model::Linear(Sum { form: Form::Clock, modulus: 1440, terms: clock, ..sum }),
        ]
    }

    /// Values that models are good at, of the rows of a scope, and others.
    fn modelled(rows: usize) -> Vec<Vec<u64>> {
        let mut next = crate::testing::noise(9);
        let time = |row: usize| (row % 24 * 60 + row * 7 % 60 + 90) % 1440;
        vec![
            (0..rows).map(|row| (row * row % 37 % 5) as u64).collect(),
            (0..rows).map(|row| if next().is_multiple_of(50) { next() } else { (row * row % 37) as u64 }).collect(),
            (0..rows).map(|row| ((row * 31 % 1000) as i64 * 3).cast_unsigned()).collect(),
            (0..rows).map(|row| (time(row) / 60 * 100 + time(row) % 60) as u64).collect(),
            (0..rows).map(|row| if row % 40 == 7 { 2400 } else { (row % 24 * 100) as u64 }).collect(),
            (0..rows).map(|_| next()).collect(),
            vec![7; rows],
        ]
    }

    #[test]
    fn models_round_trip_in_every_scope_and_cuts_are_errors() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        let mut used = HashSet::new();
        for rows in [0, 1, 3, 500] {
            let valid: Bitmap = (0..rows).map(|row| row % 5 != 2).collect();
            let scopes: [fn(Parents, &Bitmap) -> Scope; 2] =
                [|parents, valid| Scope::all(parents, valid.len()), |parents, valid| Scope::valid(parents, valid)];
            for scope in scopes {
                let scope = || scope(parents(rows), &valid);
                let count = scope().num_rows();
                for values in modelled(count) {
                    for model in models() {
                        let integers = Integers { values: &values, signed: true };
                        let mut out = Vec::new();
                        let encoded = encoder.modelled(scope(), &vec![model.clone()].into(), 0.0, |encoder| {
                            encode_by(&model, integers, encoder, &mut out)
                        });
                        if !encoded {
                            continue;
                        }
                        used.insert(out[0]);
                        let mut decoder = Decoder::new(1 << 24);
                        decoder.scope = Some(Arc::new(scope()));
                        let mut reader = ByteReader::new(&out, 0);
                        assert_eq!(decode(&mut reader, count, &mut decoder).unwrap(), values, "{model:?}");
                        assert_eq!(reader.remaining(), 0);
                        for end in (0..out.len()).step_by(1 + out.len() / 60) {
                            assert!(decode(&mut ByteReader::new(&out[..end], 0), count, &mut decoder).is_err());
                        }
                        assert!(count == 0 || decode(&mut ByteReader::new(&out, 0), count + 1, &mut decoder).is_err());
                        decoder.scope = None;
                        assert!(decode(&mut ByteReader::new(&out, 0), count, &mut decoder).is_err());
                    }
                }
            }
        }
        assert_eq!(used.len(), IntegerEncoding::ALL.iter().filter(|encoding| is_model(**encoding)).count());
    }

    #[test]
    fn positions_are_those_of_entries_or_refused() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        let largest = u64::from(u32::MAX);
        for most in [0, 1, 255, 256, 65_535, 65_536, largest, largest + 1, u64::MAX] {
            for low in [0, most / 2, most] {
                for count in [1usize, 5, 64] {
                    let values: Vec<u64> = (0..count).map(|i| if i % 3 == 0 { most } else { low }).collect();
                    for encoding in [IntegerEncoding::Constant, IntegerEncoding::Planes, IntegerEncoding::RunLength] {
                        if encoding == IntegerEncoding::Constant && low != most {
                            continue;
                        }
                        let mut out = vec![encoding.id()];
                        let integers = Integers { values: &values, signed: false };
                        assert!(encoding.encode(integers, &mut encoder, &mut out));
                        let positions = |entries: usize| {
                            let mut decoder = Decoder::new(1 << 20);
                            decode_positions(&mut ByteReader::new(&out, 0), count, entries, &mut decoder)
                        };
                        assert_eq!(positions(0).unwrap_err().code(), crate::error::Code::Corrupt);
                        if let Ok(behind) = u32::try_from(most).and_then(usize::try_from) {
                            assert_eq!(positions(behind).unwrap_err().code(), crate::error::Code::Corrupt, "{most}");
                            let found: Vec<u64> = positions(behind + 1).unwrap().into_iter().map(u64::from).collect();
                            assert_eq!(found, values, "{encoding:?}");
                        } else {
                            assert!(positions(1 << 31).is_err());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn damaged_models_never_panic_and_keep_their_length() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        let mut next = crate::testing::noise(10);
        let rows = 200;
        let scope = || Scope::all(parents(rows), rows);
        for values in modelled(rows) {
            for model in models() {
                let mut out = Vec::new();
                let integers = Integers { values: &values, signed: true };
                if !encoder
                    .modelled(scope(), &Arc::default(), 0.0, |encoder| encode_by(&model, integers, encoder, &mut out))
                {
                    continue;
                }
                for _ in 0..300 {
                    let mut damaged = out.clone();
                    let at = next() as usize % damaged.len().min(40);
                    damaged[at] = next() as u8;
                    let mut decoder = Decoder::new(1 << 20);
                    decoder.scope = Some(Arc::new(scope()));
                    if let Ok(decoded) = decode(&mut ByteReader::new(&damaged, 0), rows, &mut decoder) {
                        assert_eq!(decoded.len(), rows);
                    }
                }
            }
        }
    }

    #[test]
    fn obvious_values_cost_almost_nothing() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        for (name, most) in [("constant", 4), ("counter", 16), ("runs", 300), ("descending", 16)] {
            let (_, values, signed) = cases().into_iter().find(|case| case.0 == name).unwrap();
            let mut out = Vec::new();
            encode(Integers { values: &values, signed }, Role::Values, &mut encoder, &mut out);
            assert!(out.len() <= most, "{name}: {} bytes", out.len());
        }
    }
}
