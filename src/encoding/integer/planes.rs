//! Frame of reference, divided by a common divisor, split into bytes: a stream for each byte of the quotients.
//!
//! ```text
//! varint base (signed)   value = base + divisor * quotient
//! varint divisor         at least 1
//! u8 planes              1 to 8: bytes of the quotients
//! leaf x planes          byte 0 of all quotients, byte 1 of all quotients, ...
//! ```
//! Best for values that are near each other, or whose high bytes repeat.

use std::borrow::Cow;

use super::super::{Decoder, leaf, varint};
use crate::bytes::ByteReader;
use crate::error::{Error, Result};

/// What is in front of the streams.
struct Head {
    base: u64,
    divisor: u64,
    planes: u8,
}

impl Head {
    fn read(reader: &mut ByteReader<'_>) -> Result<Head> {
        let base = varint::read_signed(reader)?.cast_unsigned();
        let divisor = varint::read(reader)?;
        let planes = reader.u8()?;
        if divisor == 0 || !(1..=8).contains(&planes) {
            return Err(Error::corrupt(format!("{planes} planes with divisor {divisor}")));
        }
        Ok(Head { base, divisor, planes })
    }
}

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Vec<u64>> {
    let Head { base, divisor, planes } = Head::read(reader)?;
    let restore = |quotient: u64| quotient.wrapping_mul(divisor).wrapping_add(base);
    // Products of 32 bits are what there are vectors for.
    let narrow = u32::try_from(divisor).ok().filter(|divisor| divisor.checked_mul(u16::MAX.into()).is_some());
    let low = leaf::read(reader, count, decoder)?;
    if planes == 1 {
        let quotients = low.iter().map(|&byte| u32::from(byte));
        return Ok(match narrow {
            Some(divisor) => quotients.map(|quotient| u64::from(quotient * divisor).wrapping_add(base)).collect(),
            None => quotients.map(|quotient| restore(quotient.into())).collect(),
        });
    }
    let high = leaf::read(reader, count, decoder)?;
    if planes == 2 {
        let quotients = low.iter().zip(high.iter()).map(|(&low, &high)| u32::from(u16::from_le_bytes([low, high])));
        return Ok(match narrow {
            Some(divisor) => quotients.map(|quotient| u64::from(quotient * divisor).wrapping_add(base)).collect(),
            None => quotients.map(|quotient| restore(quotient.into())).collect(),
        });
    }
    let mut streams = vec![low, high];
    for _ in 2..planes {
        streams.push(leaf::read(reader, count, decoder)?);
    }
    let mut values = join(&streams, count);
    match divisor {
        1 => values.iter_mut().for_each(|value| *value = value.wrapping_add(base)),
        _ => values.iter_mut().for_each(|value| *value = restore(*value)),
    }
    Ok(values)
}

/// Values whose bytes are joined at once.
const BLOCK: usize = 64;

/// Joins up to eight streams, the lowest bytes first: bytes to pairs, pairs to fours, fours to values, each of which is a
/// loop of vectors.
fn join(streams: &[Cow<'_, [u8]>], count: usize) -> Vec<u64> {
    let mut values = vec![0; count];
    let mut bytes = [[0; BLOCK]; 8];
    let (mut pairs, mut fours) = ([[0; BLOCK]; 4], [[0; BLOCK]; 2]);
    for (start, block) in (0..count).step_by(BLOCK).zip(values.chunks_mut(BLOCK)) {
        for (to, stream) in bytes.iter_mut().zip(streams) {
            let from = stream.get(start..).unwrap_or_default();
            match from.first_chunk() {
                Some(whole) => *to = *whole,
                None => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
            }
        }
        let [b0, b1, b2, b3, b4, b5, b6, b7] = &bytes;
        let [p0, p1, p2, p3] = &mut pairs;
        join_pairs(b0, b1, p0);
        join_pairs(b2, b3, p1);
        let [low, high] = &mut fours;
        join_fours(p0, p1, low);
        if streams.len() > 4 {
            join_pairs(b4, b5, p2);
            join_pairs(b6, b7, p3);
            join_fours(p2, p3, high);
        }
        let halves = low.iter().zip(high.iter());
        block.iter_mut().zip(halves).for_each(|(to, (&low, &high))| *to = u64::from(low) | u64::from(high) << 32);
    }
    values
}

fn join_pairs(low: &[u8; BLOCK], high: &[u8; BLOCK], to: &mut [u16; BLOCK]) {
    to.iter_mut().zip(low.iter().zip(high)).for_each(|(to, (&low, &high))| *to = u16::from(low) | u16::from(high) << 8);
}

fn join_fours(low: &[u16; BLOCK], high: &[u16; BLOCK], to: &mut [u32; BLOCK]) {
    to.iter_mut()
        .zip(low.iter().zip(high))
        .for_each(|(to, (&low, &high))| *to = u32::from(low) | u32::from(high) << 16);
}

/// The same in half of the room, where no quotient of one or two bytes can lead beyond 32 bits; where one can, `None`,
/// and nothing was read.
pub fn decode_narrow(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<Option<Vec<u32>>> {
    let mut ahead = reader.clone();
    let Head { base, divisor, planes } = Head::read(&mut ahead)?;
    let most = if planes == 1 { u64::from(u8::MAX) } else { u64::from(u16::MAX) };
    let largest = divisor.checked_mul(most).and_then(|largest| largest.checked_add(base));
    let fits = planes <= 2 && largest.is_some_and(|largest| u32::try_from(largest).is_ok());
    let (true, Ok(base), Ok(divisor)) = (fits, u32::try_from(base), u32::try_from(divisor)) else { return Ok(None) };
    *reader = ahead;
    let restore = |quotient: u32| quotient.wrapping_mul(divisor).wrapping_add(base);
    let low = leaf::read(reader, count, decoder)?;
    if planes == 1 {
        return Ok(Some(low.iter().map(|&byte| restore(byte.into())).collect()));
    }
    let high = leaf::read(reader, count, decoder)?;
    let pairs = low.iter().zip(high.iter()).map(|(&low, &high)| u16::from_le_bytes([low, high]));
    Ok(Some(pairs.map(|pair| restore(pair.into())).collect()))
}

#[cfg(feature = "writer")]
pub use writer::{encode, encode_within, suits};

#[cfg(feature = "writer")]
mod writer {
    use super::super::encoder::{Facts, Integers, Role};
    use crate::encoding::{Encoder, leaf, varint};

    pub fn suits(facts: &Facts, _: Role) -> bool {
        facts.range > 0
    }

    #[inline(never)]
    pub fn encode(integers: Integers<'_>, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        encode_within(integers, integers.bounds(), encoder, out)
    }

    /// The same where the smallest and the largest value are known.
    pub fn encode_within(
        integers: Integers<'_>,
        (base, max): (u64, u64),
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
    ) -> bool {
        let values = integers.values;
        let divisor = common_divisor(values.iter().map(|value| value.wrapping_sub(base)));
        let largest = divisor.quotient(max.wrapping_sub(base));
        let planes = (64 - largest.leading_zeros()).div_ceil(8).max(1);
        varint::write_signed(base.cast_signed(), out);
        varint::write(divisor.divisor, out);
        out.extend(planes.to_le_bytes().first());
        let mut plane_bytes = Vec::with_capacity(values.len());
        for plane in 0..planes {
            let byte = |quotient: u64| (quotient >> (8 * plane)).to_le_bytes()[0];
            plane_bytes.clear();
            match divisor.divisor {
                1 => plane_bytes.extend(values.iter().map(|value| byte(value.wrapping_sub(base)))),
                _ => plane_bytes.extend(values.iter().map(|value| byte(divisor.quotient(value.wrapping_sub(base))))),
            }
            leaf::write(&plane_bytes, encoder, out);
            if encoder.is_over() {
                return false;
            }
        }
        true
    }

    /// A divisor of whose multiples the quotients are wanted: one multiplication each by the inverse of its odd part
    /// modulo 2^64, which for other numbers gives what is too large (Granlund and Montgomery 1994, section 9).
    #[derive(Clone, Copy)]
    struct Divisor {
        divisor: u64,
        inverse: u64,
        zeros: u32,
        largest: u64,
    }

    impl Divisor {
        /// Of what is not 0.
        fn new(divisor: u64) -> Self {
            let zeros = divisor.trailing_zeros();
            let odd = divisor.checked_shr(zeros).unwrap_or(1);
            // The first guess is right modulo 2^5, and each step doubles the bits.
            let start = odd.wrapping_mul(3) ^ 2;
            let step = |inverse: u64, _| inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
            Divisor {
                divisor,
                inverse: (0..4).fold(start, step),
                zeros,
                largest: u64::MAX.checked_div(divisor).unwrap_or_default(),
            }
        }

        /// The quotient of a multiple; more than the largest quotient for anything else.
        fn quotient(self, number: u64) -> u64 {
            number.wrapping_mul(self.inverse).rotate_right(self.zeros)
        }

        fn divides(self, number: u64) -> bool {
            self.quotient(number) <= self.largest
        }
    }

    /// Greatest common divisor; 1 where all are zero.
    fn common_divisor(mut offsets: impl Iterator<Item = u64>) -> Divisor {
        let Some(first) = offsets.find(|&offset| offset != 0) else { return Divisor::new(1) };
        let mut divisor = Divisor::new(first);
        for offset in offsets {
            if divisor.divides(offset) {
                continue;
            }
            let (mut a, mut b) = (divisor.divisor, offset);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            divisor = Divisor::new(a);
            if a == 1 {
                break;
            }
        }
        divisor
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn multiples_are_told_from_others() {
            let mut next = crate::testing::noise(4);
            let mut numbers: Vec<u64> = (0..40).map(|index| next() >> (index * 8 % 64)).collect();
            numbers.extend([0, 1, 2, 3, 6, 1 << 31, 1 << 32, 1 << 63, u64::MAX, u64::MAX - 1, 60_000_000]);
            for &divisor in numbers.iter().filter(|&&number| number != 0) {
                let found = Divisor::new(divisor);
                for &number in &numbers {
                    assert_eq!(found.divides(number), number % divisor == 0, "{number} by {divisor}");
                    let multiple = number / divisor * divisor;
                    assert_eq!(found.quotient(multiple), number / divisor, "{multiple} by {divisor}");
                }
            }
        }

        #[test]
        fn the_common_divisor_is_the_greatest() {
            for (numbers, divisor) in [
                (vec![], 1),
                (vec![0, 0], 1),
                (vec![0, 12, 18, 0], 6),
                (vec![u64::MAX, 1], 1),
                (vec![1 << 63, 1 << 62, 3 << 60], 1 << 60),
                (vec![7, 7], 7),
                (vec![120_000_000, 60_000_000, 7_200_000_000], 60_000_000),
                (vec![60_000_000, 1], 1),
            ] {
                assert_eq!(common_divisor(numbers.iter().copied()).divisor, divisor, "{numbers:?}");
            }
        }
    }
}
