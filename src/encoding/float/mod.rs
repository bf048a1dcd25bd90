//! Floats of 32 and 64 bits, as their bit patterns: every pattern survives, -0.0 and NaN payloads included.

mod bits;
mod bytes;
mod scale;
mod scaled;

pub use scale::{Scale, power_of_ten};

use super::Decoder;
use crate::bytes::ByteReader;
use crate::error::Result;

/// Width of a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatWidth {
    /// binary32: patterns below 2^32.
    Single,
    /// binary64.
    Double,
}

impl FloatWidth {
    fn size(self) -> usize {
        match self {
            FloatWidth::Single => 4,
            FloatWidth::Double => 8,
        }
    }
}

macro_rules! table {
    ($( $(#[doc = $doc:literal])* $id:literal $name:literal $variant:ident => $module:ident; )*) => {
        encodings! {
            "floats" FloatEncoding;
            $( $(#[doc = $doc])* $id $name $variant; )*
        }

        impl FloatEncoding {
            fn decode(self, reader: &mut ByteReader<'_>, count: usize, width: FloatWidth, decoder: &mut Decoder) -> Result<Vec<u64>> {
                match self { $(FloatEncoding::$variant => $module::decode(reader, count, width, decoder),)* }
            }

            #[cfg(feature = "writer")]
            fn encode(self, floats: Floats<'_>, encoder: &mut super::Encoder, out: &mut Vec<u8>) -> bool {
                match self { $(FloatEncoding::$variant => $module::encode(floats, encoder, out),)* }
            }
        }
    };
}

table! {
    /// The patterns as integers.
    0 "bits" Bits => bits;
    /// Integers divided by a power of ten or two.
    1 "scaled" Scaled => scaled;
    /// The patterns as they are.
    2 "bytes" Bytes => bytes;
}

/// Reads a node of `count` floats.
///
/// # Errors
/// `corrupt`, `truncated`, `limit-exceeded`.
pub fn decode(reader: &mut ByteReader<'_>, count: usize, width: FloatWidth, decoder: &mut Decoder) -> Result<Vec<u64>> {
    decoder.check_count(count, 8)?;
    let encoding = FloatEncoding::from_id(reader.u8()?)?;
    decoder.note(encoding.as_str());
    decoder.child(|decoder| encoding.decode(reader, count, width, decoder))
}

/// Floats to encode.
#[cfg(feature = "writer")]
#[derive(Clone, Copy, Debug)]
pub struct Floats<'a> {
    /// Bit patterns.
    pub patterns: &'a [u64],
    /// Their width.
    pub width: FloatWidth,
}

/// The power of ten whose multiples most of the floats are, if there is one.
#[cfg(feature = "writer")]
#[must_use]
pub fn decimal_exponent(floats: Floats<'_>) -> Option<u8> {
    Scale::find(floats)?.decimal_exponent()
}

/// Writes a node.
#[cfg(feature = "writer")]
pub fn encode(floats: Floats<'_>, encoder: &mut super::Encoder, out: &mut Vec<u8>) {
    use super::encoder::{measured, picked, smallest};

    let len = floats.patterns.len();
    // Most floats are decimal numbers. Models speak of integers.
    let candidates = [FloatEncoding::Scaled, FloatEncoding::Bits, FloatEncoding::Bytes];
    let candidates = candidates.get(..if encoder.has_models() { 2 } else { 3 }).unwrap_or_default();
    let measure = |encoder: &mut super::Encoder| {
        let sample = picked(floats.patterns, encoder.blocks(len)?);
        let sampled = Floats { patterns: &sample, ..floats };
        measured(candidates, |encoding, most| {
            encoder.measure(most, (sample.len(), len), |encoder, out| encoding.encode(sampled, encoder, out))
        })
    };
    let best = smallest(encoder, len, candidates, measure, |encoder, encoding, out| {
        out.push(encoding.id());
        encoding.encode(floats, encoder, out)
    });
    out.extend(best);
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::encoding::Encoder;

    fn cases() -> Vec<(&'static str, Vec<f64>)> {
        let mut next = crate::testing::noise(1);
        vec![
            ("empty", vec![]),
            (
                "special",
                vec![0.0, -0.0, f64::NAN, f64::from_bits(0xfff8_0000_0000_1234), f64::INFINITY, f64::NEG_INFINITY],
            ),
            ("constant", vec![2.5; 500]),
            ("prices", (0..3_000).map(|_| (next() % 100_000) as f64 / 100.0).collect()),
            (
                "prices with gaps",
                (0..3_000).map(|i| if i % 50 == 7 { -0.0 } else { (next() % 999) as f64 / 10.0 }).collect(),
            ),
            (
                "single",
                (0..3_000)
                    .map(|i| if i % 70 == 3 { f64::NAN } else { f64::from((next() % 99_999) as f32 / 100.0) })
                    .collect(),
            ),
            ("whole", (0..3_000).map(|_| (next() % 5_000) as f64 - 2_500.0).collect()),
            ("random", (0..60_000).map(|_| (next() >> 11) as f64 / 9_007_199_254_740_992.0).collect()),
            ("patterns", (0..3_000).map(|_| f64::from_bits(next())).collect()),
            ("large", vec![f64::MAX, f64::MIN, 1e300, 9_007_199_254_740_993.0, 5e-324]),
            ("walk", (0..5_000).map(|i| (f64::from(i) / 100.0).sin()).collect()),
        ]
    }

    #[test]
    fn ids_never_change() {
        let ids: Vec<_> = FloatEncoding::ALL.iter().map(|e| (e.id(), e.as_str())).collect();
        assert_eq!(ids, [(0, "bits"), (1, "scaled"), (2, "bytes")]);
    }

    #[test]
    fn every_pattern_survives() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        for (name, values) in cases() {
            for width in [FloatWidth::Double, FloatWidth::Single] {
                let pattern = |value: &f64| match width {
                    FloatWidth::Double => value.to_bits(),
                    FloatWidth::Single => u64::from((*value as f32).to_bits()),
                };
                let patterns: Vec<u64> = values.iter().map(pattern).collect();
                let floats = Floats { patterns: &patterns, width };
                let mut outputs = vec![Vec::new()];
                encode(floats, &mut encoder, &mut outputs[0]);
                for encoding in FloatEncoding::ALL {
                    let mut out = vec![encoding.id()];
                    if encoding.encode(floats, &mut encoder, &mut out) {
                        outputs.push(out);
                    }
                }
                for out in outputs {
                    let mut reader = ByteReader::new(&out, 0);
                    let mut decoder = Decoder::new(1 << 24);
                    assert_eq!(
                        decode(&mut reader, patterns.len(), width, &mut decoder).unwrap(),
                        patterns,
                        "{name} {width:?}"
                    );
                    assert_eq!(reader.remaining(), 0, "{name}");
                    for end in (0..out.len()).step_by(1 + out.len() / 30) {
                        let cut = &mut ByteReader::new(&out[..end], 0);
                        assert!(decode(cut, patterns.len(), width, &mut decoder).is_err(), "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn decimals_and_random_numbers_are_small() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        let size = |name: &str, encoder: &mut Encoder| {
            let (_, values) = cases().into_iter().find(|case| case.0 == name).unwrap();
            let patterns: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
            let mut out = Vec::new();
            encode(Floats { patterns: &patterns, width: FloatWidth::Double }, encoder, &mut out);
            out.len() as f64 * 8.0 / values.len() as f64
        };
        assert!(size("prices", &mut encoder) < 18.0);
        assert!(size("single", &mut encoder) < 19.0);
        assert!(size("random", &mut encoder) < 53.5);
    }
}
