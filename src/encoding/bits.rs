//! Booleans and validity: one bit per row.
//!
//! ```text
//! 0 constant     u8 value
//! 1 bitmap       leaf of ceil(count / 8) bytes, least significant bit first, bits behind the last zero
//! 2 run-length   u8 first value, varint runs, node of the lengths minus one; values alternate
//! 3 integers     node of count integers, 0 or 1
//! ```

use super::{Decoder, integer, leaf, varint};
use crate::bytes::ByteReader;
use crate::column::Bitmap;
use crate::error::{Error, Result};

const CONSTANT: u8 = 0;
const BITMAP: u8 = 1;
const RUN_LENGTH: u8 = 2;
const INTEGERS: u8 = 3;

fn value(byte: u8) -> Result<bool> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::corrupt(format!("bit of value {byte}"))),
    }
}

/// Whether the node with that id can depend on other columns.
pub(super) fn may_have_parents(id: u8) -> bool {
    id == INTEGERS
}

/// Reads a node of `count` bits.
///
/// # Errors
/// `corrupt`, `truncated`, `limit-exceeded`.
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Bitmap> {
    decoder.check_count(count.div_ceil(8), 1)?;
    let id = reader.u8()?;
    let names = ["constant", "bitmap", "run-length", "integers"];
    decoder.note(names.get(usize::from(id)).copied().unwrap_or_default());
    match id {
        CONSTANT => Ok(Bitmap::filled(count, value(reader.u8()?)?)),
        BITMAP => {
            let bytes = leaf::read(reader, count.div_ceil(8), decoder)?.into_owned();
            let bitmap = Bitmap::from_bytes(bytes.clone(), count)?;
            if bitmap.as_bytes() != bytes {
                return Err(Error::corrupt("bits behind the last row of a bitmap"));
            }
            Ok(bitmap)
        }
        RUN_LENGTH => {
            let mut bit = value(reader.u8()?)?;
            let runs = varint::read_count(reader)?;
            if runs > count {
                return Err(Error::corrupt(format!("{runs} runs of {count} bits")));
            }
            let lengths = decoder.child(|decoder| integer::decode(reader, runs, decoder))?;
            let mut bitmap = Bitmap::default();
            for length in lengths {
                let left = count - bitmap.len();
                let length = usize::try_from(length).ok().filter(|&length| length < left);
                let length = length.ok_or_else(|| Error::corrupt(format!("runs of more than {count} bits")))?;
                bitmap.extend_filled(length + 1, bit);
                bit = !bit;
            }
            if bitmap.len() != count {
                return Err(Error::corrupt(format!("runs of {} bits where {count} belong", bitmap.len())));
            }
            Ok(bitmap)
        }
        INTEGERS => {
            let bits = decoder.child(|decoder| integer::decode(reader, count, decoder))?;
            let all = bits.iter().fold(0, |all, &bit| all | bit);
            if all > 1 {
                return Err(Error::corrupt(format!("bits of values up to {all}")));
            }
            let pack = |bits: &[u64]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | bit).to_le_bytes()[0];
            let (eights, rest) = bits.as_chunks::<8>();
            let mut bytes: Vec<u8> = eights.iter().map(|eight| pack(eight)).collect();
            bytes.extend((!rest.is_empty()).then(|| pack(rest)));
            Bitmap::from_bytes(bytes, count)
        }
        id => Err(Error::corrupt(format!("unknown encoding {id} of bits"))),
    }
}

/// Bytes that bits as integers must save.
#[cfg(feature = "writer")]
const MIN_GAIN: usize = 16;

/// Lengths of the runs of equal bits, less one each; `None` where more than every fourth bit begins one.
#[cfg(feature = "writer")]
fn runs(bitmap: &Bitmap) -> Option<Vec<u64>> {
    let mut lengths: Vec<u64> = Vec::new();
    let mut start = 0;
    let mut last = bitmap.get(0);
    for (&byte, first) in bitmap.as_bytes().iter().zip((0..).step_by(8)) {
        // A bit is set where the bit differs from the one before.
        let mut changes = byte ^ (byte << 1 | u8::from(last));
        while changes != 0 {
            let at = first + u64::from(changes.trailing_zeros());
            if at < crate::bytes::to_u64(bitmap.len()) {
                lengths.push(at - start - 1);
                start = at;
            }
            changes &= changes - 1;
        }
        last = byte >> 7 == 1;
    }
    lengths.push(crate::bytes::to_u64(bitmap.len()) - start - 1);
    (lengths.len() * 4 <= bitmap.len()).then_some(lengths)
}

/// Writes a node.
#[cfg(feature = "writer")]
pub fn encode(bitmap: &Bitmap, encoder: &mut super::Encoder, out: &mut Vec<u8>) {
    use integer::{Integers, Role};

    let ones = bitmap.count_ones();
    if ones == 0 || ones == bitmap.len() {
        out.extend([CONSTANT, u8::from(ones > 0)]);
        return;
    }
    let start = out.len();
    out.push(BITMAP);
    leaf::write(bitmap.as_bytes(), encoder, out);
    let most = out.len() - start;
    if !encoder.models(bitmap.len()).is_empty() {
        let bits: Vec<u64> = bitmap.iter().map(u64::from).collect();
        let mut modelled = vec![INTEGERS];
        let integers = Integers { values: &bits, signed: false };
        // It is decoded by more than the others, and only pays where it is much smaller.
        let most = most.saturating_sub(MIN_GAIN);
        let attempt = encoder.below(most, |encoder| {
            encoder.attempt(|encoder| integer::encode(integers, Role::Codes, encoder, &mut modelled)).1
        });
        if let Some(needed) = attempt.filter(|_| modelled.len() < most) {
            out.truncate(start);
            out.extend(modelled);
            encoder.need(needed);
            return;
        }
    }

    let Some(lengths) = runs(bitmap) else { return };
    let mut runs = vec![RUN_LENGTH, u8::from(bitmap.get(0))];
    varint::write_count(lengths.len(), &mut runs);
    let lengths = Integers { values: &lengths, signed: false };
    let attempt = encoder.below(most, |encoder| integer::encode(lengths, Role::Lengths, encoder, &mut runs));
    if attempt.is_some() && runs.len() < most {
        out.truncate(start);
        out.extend(runs);
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::encoding::Encoder;

    #[test]
    fn bits_round_trip_and_cuts_are_errors() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        let cases: Vec<Bitmap> = vec![
            Bitmap::default(),
            Bitmap::filled(1, true),
            Bitmap::filled(1000, false),
            (0..100).map(|i| i % 3 == 0).collect(),
            (0..10_000).map(|i| i / 700 % 2 == 1).collect(),
            (0..10_000u32).map(|i| i.wrapping_mul(2_654_435_761) >> 20 & 1 == 1).collect(),
        ];
        for bitmap in cases {
            let mut out = Vec::new();
            encode(&bitmap, &mut encoder, &mut out);
            let mut decoder = Decoder::new(1 << 20);
            let mut reader = ByteReader::new(&out, 0);
            assert_eq!(decode(&mut reader, bitmap.len(), &mut decoder).unwrap(), bitmap);
            assert_eq!(reader.remaining(), 0);
            for end in 0..out.len() {
                assert!(decode(&mut ByteReader::new(&out[..end], 0), bitmap.len(), &mut decoder).is_err());
            }
        }
        assert!(decode(&mut ByteReader::new(&[1, 0, 0xff], 0), 7, &mut Decoder::new(99)).is_err());
    }
}
