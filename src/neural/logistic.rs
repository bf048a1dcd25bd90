//! The logistic function and its inverse, as tables of integers.
//!
//! Probabilities have 16 bits. The logistic domain has 256 steps per natural unit and ends at +-2816 (11 units), where
//! probabilities are one step from certainty. Every table is made by integer arithmetic at compile time.

/// Bound of the logistic domain.
pub const LIMIT: i32 = 2816;
const DOMAIN: usize = 5632;
/// 2^56 x e^(-1/256), rounded.
const DECAY: u128 = 0x00ff_007f_d55f_fdde;

/// `65536 / (1 + e^(-x / 256))` for `x` from -2816 to 2815, rounded down and at least 1, at most 65535.
static SQUASH: [u16; DOMAIN] = squash_table();
/// Where the logistic function reaches `p / 4096`, for every `p` of 12 bits.
static STRETCH: [i16; 4096] = stretch_table();

#[expect(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "checked at compile time")]
const fn squash_table() -> [u16; DOMAIN] {
    let mut table = [0; DOMAIN];
    let mut power: u128 = 1 << 56;
    let mut x = 0;
    while x <= DOMAIN / 2 {
        let mut p = (1u128 << 72) / ((1 << 56) + power);
        if p > 65535 {
            p = 65535;
        }
        if x < DOMAIN / 2 {
            table[DOMAIN / 2 + x] = p as u16;
        }
        if x > 0 {
            table[DOMAIN / 2 - x] = (65536 - p) as u16;
        }
        power = (power * DECAY) >> 56;
        x += 1;
    }
    table
}

#[expect(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "checked at compile time")]
const fn stretch_table() -> [i16; 4096] {
    let mut table = [0; 4096];
    let (mut p, mut x) = (0, 0);
    while p < 4096 {
        while x < DOMAIN - 1 && (squash_table_at(x) as usize) < p * 16 + 8 {
            x += 1;
        }
        let mut value = x as i32 - LIMIT;
        if value < -2047 {
            value = -2047;
        } else if value > 2047 {
            value = 2047;
        }
        table[p] = value as i16;
        p += 1;
    }
    table
}

#[expect(clippy::indexing_slicing, reason = "checked at compile time")]
const fn squash_table_at(x: usize) -> u16 {
    const TABLE: [u16; DOMAIN] = squash_table();
    TABLE[x]
}

/// The probability of 16 bits, never 0 or certain.
pub fn squash(x: i32) -> u32 {
    let index = (x + LIMIT).clamp(0, LIMIT * 2 - 1);
    SQUASH.get(index as usize).copied().unwrap_or(1).into()
}

/// Inverse of [`squash`] for a probability of 12 bits.
pub fn stretch(p: u32) -> i32 {
    STRETCH.get((p & 4095) as usize).copied().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

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
