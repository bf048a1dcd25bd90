//! A quick hash. Values are no adversary's keys where sizes only depend on it; where time does, see `parent.rs`.

use std::hash::Hasher;

/// A multiplicative hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuickHash(u64);

impl Hasher for QuickHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0.rotate_left(26) ^ value);
    }
}

/// Spreads the bits of a number, those of floats too, whose lower half is mostly zero.
pub fn mix(value: u64) -> u64 {
    let mixed = (value ^ (value >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

/// Builds [`QuickHash`]es.
#[cfg(feature = "writer")]
pub type QuickHashBuilder = std::hash::BuildHasherDefault<QuickHash>;
