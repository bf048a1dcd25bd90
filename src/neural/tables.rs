//! Tables of integers that all models share: the logistic function and its inverse, and how fast counters learn.
//!
//! Probabilities have 16 bits. The logistic domain has 256 steps per natural unit and ends at +-2816 (11 units), where
//! probabilities are one step from certainty. The tables are made by integer arithmetic when the first model is: as data
//! they would be a sixth of the wasm module.

use std::sync::LazyLock;

/// Bound of the logistic domain.
pub const LIMIT: i32 = 2816;
const DOMAIN: usize = 5632;
/// 2^56 x e^(-1/256), rounded.
const DECAY: u128 = 0x00ff_007f_d55f_fdde;

/// Values of a count.
pub const COUNTS: usize = 1024;
/// Classes of probabilities beside those of counts.
pub const PROBABILITY_CLASSES: u8 = 32;
/// Classes of counts, each from this count on.
const COUNT_CLASSES: [usize; 16] = [0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50, 90, 160, 300, 600];
/// Slots of the map from both.
pub const MAP: usize = COUNT_CLASSES.len() * PROBABILITY_CLASSES as usize;

/// The tables.
#[derive(Debug)]
pub struct Tables {
    /// `65536 / (1 + e^(-x / 256))` for `x` from -2816 to 2815, rounded down and at least 1, at most 65535.
    squash: [u16; DOMAIN],
    /// Where the logistic function reaches `p / 4096`, for every `p` of 12 bits.
    stretch: [i16; 4096],
    /// `65536 / (n + 1.5)`.
    rates: [u32; COUNTS],
    /// Class of every count, times the classes of probabilities.
    classes: [u16; COUNTS],
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

/// The one instance.
pub fn tables() -> &'static Tables {
    &TABLES
}

impl Tables {
    #[expect(clippy::cast_possible_truncation, reason = "values of 16 bits")]
    fn new() -> Self {
        let mut tables = Tables { squash: [0; DOMAIN], stretch: [0; 4096], rates: [0; COUNTS], classes: [0; COUNTS] };
        let (falling, rising) = tables.squash.split_at_mut(DOMAIN / 2);
        // The last of the falling half is -1, the first of the rising one 0.
        let mut power: u128 = 1 << 56;
        let mut next = || {
            let p = ((1u128 << 72) / ((1 << 56) + power)).min(65535) as u32;
            power = (power * DECAY) >> 56;
            p
        };
        let mut p = next();
        for (below, above) in falling.iter_mut().rev().zip(rising) {
            *above = p as u16;
            p = next();
            *below = (65536 - p) as u16;
        }
        let mut x = 0;
        for (p, place) in (0..).zip(&mut tables.stretch) {
            while x < DOMAIN - 1 && tables.squash.get(x).is_some_and(|&q| usize::from(q) < p * 16 + 8) {
                x += 1;
            }
            *place = (x as i32 - LIMIT).clamp(-2047, 2047) as i16;
        }
        let mut class = 0u16;
        for (n, (rate, place)) in tables.rates.iter_mut().zip(&mut tables.classes).enumerate() {
            *rate = 131_072 / (3 + 2 * n as u32);
            while COUNT_CLASSES.get(usize::from(class) + 1).is_some_and(|&from| n >= from) {
                class += 1;
            }
            *place = class * u16::from(PROBABILITY_CLASSES);
        }
        tables
    }

    /// The probability of 16 bits, never 0 or certain.
    #[inline]
    pub fn squash(&self, x: i32) -> u32 {
        let index = (x + LIMIT).clamp(0, LIMIT * 2 - 1);
        self.squash.get(index as usize).copied().unwrap_or(1).into()
    }

    /// Inverse of [`Self::squash`] for a probability of 12 bits.
    #[inline]
    pub fn stretch(&self, p: u32) -> i32 {
        self.stretch.get((p & 4095) as usize).copied().unwrap_or_default().into()
    }

    /// `65536 / (n + 1.5)` for a count below [`COUNTS`].
    #[inline]
    pub fn rate(&self, n: u32) -> u32 {
        self.rates.get(n as usize).copied().unwrap_or_default()
    }

    /// Place in a map of a count and a probability of the logistic domain, which is within +-2047.
    #[inline]
    pub fn map_index(&self, n: u32, x: i32) -> usize {
        usize::from(self.classes.get(n as usize).copied().unwrap_or_default()) + ((x + 2048) >> 7) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squash(x: i32) -> u32 {
        tables().squash(x)
    }

    fn stretch(p: u32) -> i32 {
        tables().stretch(p)
    }

    #[test]
    fn tables_never_change() {
        let hash = |values: &mut dyn Iterator<Item = i64>| {
            values.fold(0u64, |hash, value| (hash ^ value as u64).wrapping_mul(0x0000_0100_0000_01b3))
        };
        let all =
            (hash(&mut (-LIMIT..LIMIT).map(|x| squash(x).into())), hash(&mut (0..4096).map(|p| stretch(p).into())));
        assert_eq!((squash(0), squash(-5000), squash(5000), squash(256)), (32768, 2, 65534, 47910));
        assert_eq!((stretch(0), stretch(2048), stretch(4095)), (-2047, 1, 2047));
        assert_eq!(all, (0x082c_92df_dd21_3c98, 0xa6cc_7da5_c9e7_fe87));
    }

    #[test]
    fn stretch_inverts_squash() {
        for p in 0..4096 {
            assert!(squash(stretch(p)).abs_diff(p * 16 + 8) <= 256);
        }
    }
}
