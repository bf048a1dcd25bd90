//! Single numbers of any size: those of dictionaries and exceptions.

use super::coder::BitCoder;
use super::predictor::{FRESH, adapt};
use super::tables::tables;
use crate::error::{Error, Result};

/// Bits of a length, as a tree.
const LENGTH_BITS: u32 = 7;
const LENGTHS: usize = 65;
/// Bits behind the first that have a slot.
const FIRST_BITS: usize = 3;
const LIMIT: u32 = 255;

/// Adaptive code of single numbers: their length in bits, the three bits behind the first, the others plain.
pub struct NumberModel(Vec<u32>);

impl NumberModel {
    pub fn new() -> Self {
        NumberModel(vec![FRESH; (1 << LENGTH_BITS) + (LENGTHS << FIRST_BITS)])
    }

    fn bit(&mut self, coder: &mut dyn BitCoder, bit: bool, index: usize) -> bool {
        match self.0.get_mut(index) {
            None => coder.code(bit, 1 << 15),
            Some(slot) => {
                let bit = coder.code(bit, (*slot >> 16).clamp(1, 65535));
                adapt(tables(), slot, bit, LIMIT);
                bit
            }
        }
    }

    /// Codes a number.
    ///
    /// # Errors
    /// `corrupt`.
    pub fn code(&mut self, coder: &mut dyn BitCoder, value: u64) -> Result<u64> {
        coder.check()?;
        let length = 64 - value.leading_zeros();
        let mut node = 1usize;
        for place in (0..LENGTH_BITS).rev() {
            node = node * 2 + usize::from(self.bit(coder, length >> place & 1 == 1, node));
        }
        let length = node - (1 << LENGTH_BITS);
        if length >= LENGTHS {
            return Err(Error::corrupt("number of more than 64 bits in a neural chunk"));
        }
        let mut coded = u64::from(length > 0);
        let mut node = 1;
        for (depth, place) in (0..length.saturating_sub(1)).rev().enumerate() {
            let index =
                if depth < FIRST_BITS { (1 << LENGTH_BITS) + (length << FIRST_BITS) + node } else { usize::MAX };
            let bit = self.bit(coder, value >> place & 1 == 1, index);
            node = node * 2 + usize::from(bit);
            coded = coded << 1 | u64::from(bit);
        }
        Ok(coded)
    }

    /// Codes a number of either sign: small ones are short.
    ///
    /// # Errors
    /// `corrupt`.
    pub fn code_signed(&mut self, coder: &mut dyn BitCoder, value: i64) -> Result<i64> {
        let coded = self.code(coder, (value << 1 ^ value >> 63).cast_unsigned())?;
        Ok((coded >> 1).cast_signed() ^ -(coded & 1).cast_signed())
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::super::coder::{Decoder, Encoder};
    use super::*;

    #[test]
    fn numbers_of_any_size_come_back() {
        let numbers = [0, 1, 2, 3, 255, 256, 1 << 40, u64::MAX, u64::MAX >> 1, 0, 0, 7];
        let (mut encoder, mut model) = (Encoder::new(), NumberModel::new());
        for number in numbers {
            assert_eq!(model.code(&mut encoder, number).unwrap(), number);
            model.code_signed(&mut encoder, number.cast_signed()).unwrap();
        }
        let bytes = encoder.finish();
        let (mut decoder, mut model) = (Decoder::new(&bytes), NumberModel::new());
        for number in numbers {
            assert_eq!(model.code(&mut decoder, 0).unwrap(), number);
            assert_eq!(model.code_signed(&mut decoder, 0).unwrap(), number.cast_signed());
        }
        decoder.finish().unwrap();
    }
}
