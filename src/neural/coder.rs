//! Binary arithmetic coding with 64-bit bounds (carry-less range coder, as in lpaq, Mahoney 2007).
//!
//! Both directions run the same model code: a [`BitCoder`] is given the bit and returns it, or ignores what it is given
//! and returns the bit of the stream.

use crate::bytes::to_u64;
use crate::error::{Error, Result};

/// Codes one bit after the other.
pub trait BitCoder {
    /// Whether bits come from the stream rather than from the caller.
    fn decodes(&self) -> bool;

    /// Codes `bit`, whose probability of being set is `p / 65536` with `0 < p < 65536`, and returns it.
    fn code(&mut self, bit: bool, p: u32) -> bool;

    /// Fails once a decoder has read further than a stream can reach; a loop over values asks between them.
    ///
    /// # Errors
    /// `corrupt`.
    fn check(&self) -> Result<()>;
}

/// The bound below which bits are set.
fn split(low: u64, high: u64, p: u32) -> u64 {
    let range = high - low;
    low + (range >> 16) * u64::from(p) + (((range & 0xffff) * u64::from(p)) >> 16)
}

/// Writes bits.
#[cfg(feature = "writer")]
#[derive(Debug)]
pub struct Encoder {
    low: u64,
    high: u64,
    out: Vec<u8>,
}

#[cfg(feature = "writer")]
impl Encoder {
    pub fn new() -> Self {
        Encoder { low: 0, high: u64::MAX, out: Vec::new() }
    }

    /// Ends the stream with as few bytes as name a number within the bounds, zeros being understood behind the end.
    pub fn finish(mut self) -> Vec<u8> {
        for length in 0..=8u32 {
            let rest = if length == 0 { u64::MAX } else { u64::MAX >> 1 >> (8 * length - 1) };
            if let Some(top) = self.low.checked_add(rest).map(|value| value & !rest).filter(|&top| top <= self.high) {
                self.out.extend(top.to_be_bytes().iter().take(length as usize));
                break;
            }
        }
        self.out
    }
}

#[cfg(feature = "writer")]
impl BitCoder for Encoder {
    fn decodes(&self) -> bool {
        false
    }

    fn code(&mut self, bit: bool, p: u32) -> bool {
        let middle = split(self.low, self.high, p);
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 56 == 0 {
            self.out.push(self.high.to_be_bytes()[0]);
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
        }
        bit
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Reads bits.
#[derive(Debug)]
pub struct Decoder<'a> {
    low: u64,
    high: u64,
    value: u64,
    bytes: &'a [u8],
    position: usize,
}

/// Bytes that a decoder looks ahead.
const AHEAD: usize = 8;

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Decoder { low: 0, high: u64::MAX, value: 0, bytes, position: 0 };
        for _ in 0..AHEAD {
            decoder.value = decoder.value << 8 | decoder.next();
        }
        decoder
    }

    fn next(&mut self) -> u64 {
        let byte = self.bytes.get(self.position).copied().unwrap_or_default();
        self.position += 1;
        u64::from(byte)
    }

    /// Checks that nothing lies behind the last value.
    ///
    /// # Errors
    /// `corrupt`.
    pub fn finish(self) -> Result<()> {
        self.check()?;
        if self.bytes.len() > self.position {
            return Err(Error::corrupt(format!(
                "{} bytes behind the values of a neural chunk",
                to_u64(self.bytes.len() - self.position)
            )));
        }
        Ok(())
    }
}

impl BitCoder for Decoder<'_> {
    fn decodes(&self) -> bool {
        true
    }

    fn code(&mut self, _: bool, p: u32) -> bool {
        let middle = split(self.low, self.high, p);
        let bit = self.value <= middle;
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 56 == 0 {
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
            self.value = self.value << 8 | self.next();
        }
        bit
    }

    fn check(&self) -> Result<()> {
        // What an encoder wrote and what a decoder has read differ by the bytes that the decoder looks ahead.
        if self.position > self.bytes.len() + AHEAD {
            return Err(Error::corrupt("values of a neural chunk end early"));
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn bits_of_any_probability_come_back() {
        let mut next = noise(3);
        let bits: Vec<(bool, u32)> = (0..20_000)
            .map(|i| {
                let p = [1, 65535, 32768, 300, 65000][i % 5];
                // Mostly as likely as said, sometimes the opposite.
                (((next() & 0xffff) as u32) < p || next().is_multiple_of(500), p)
            })
            .collect();
        let mut encoder = Encoder::new();
        for &(bit, p) in &bits {
            encoder.code(bit, p);
        }
        let bytes = encoder.finish();
        let mut decoder = Decoder::new(&bytes);
        for &(bit, p) in &bits {
            assert_eq!(decoder.code(false, p), bit);
        }
        decoder.finish().unwrap();
    }

    #[test]
    fn nothing_takes_no_bytes_and_likely_bits_take_few() {
        assert!(Encoder::new().finish().is_empty());
        let mut encoder = Encoder::new();
        for _ in 0..5000 {
            encoder.code(true, 65535);
        }
        assert!(encoder.finish().len() <= 1);
    }

    #[test]
    fn streams_that_are_too_short_or_too_long_are_refused() {
        let mut encoder = Encoder::new();
        for i in 0..8000u32 {
            encoder.code(i % 3 == 0, 1 << 15);
        }
        let bytes = encoder.finish();
        assert_eq!(bytes.len(), 1000);
        let read = |bytes: &[u8]| {
            let mut decoder = Decoder::new(bytes);
            (0..8000).for_each(|_| {
                decoder.code(false, 1 << 15);
            });
            decoder.finish()
        };
        assert!(read(&bytes).is_ok());
        assert!(read(&bytes[..990]).is_err());
        assert!(read(&[bytes.clone(), vec![0; 9]].concat()).is_err());
    }
}
