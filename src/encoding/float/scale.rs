//! Floats as integers over a power of ten or two.
//!
//! ```text
//! u8 base               0: ten, 1: two, 2: ten, narrowed
//! u8 exponent           at most 22 for ten, 64 for two
//! u8 digits             narrowed: at most 22, or 255
//! ```
//! An integer of at most 53 bits and a power of ten up to 10^22 are exact floats, so their quotient is the float
//! nearest to the decimal number, which is what parsing its text gives (Clinger 1990; ALP, Afroozeh and others 2023,
//! multiplies instead and loses some).
//!
//! *Narrowed*: a double float that was a single one. The quotient is rounded to a single float, and is then the value,
//! or what printing it with so many digits behind the point gave, and reading that again: 1438.36 has become 1438.359985.

use super::FloatWidth;
use crate::bytes::ByteReader;
use crate::error::{Error, Result};

const TEN: u8 = 0;
const TWO: u8 = 1;
const NARROWED: u8 = 2;
/// Stands for no printing.
const ALL_DIGITS: u8 = 255;
const MAX_SHIFT: u8 = 64;

/// Powers of ten that are exact floats.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// `10^exponent`, exactly, up to `10^22`.
#[must_use]
pub fn power_of_ten(exponent: u8) -> Option<f64> {
    POWERS_OF_TEN.get(usize::from(exponent)).copied()
}

/// How integers are floats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    base: u8,
    exponent: u8,
    /// Of [`NARROWED`].
    digits: u8,
    /// `base^exponent`.
    divisor: f64,
    /// `10^digits`, where printing rounds.
    printed: Option<f64>,
}

impl Scale {
    fn new(base: u8, exponent: u8, digits: u8) -> Option<Self> {
        let divisor = match base {
            TEN | NARROWED => power_of_ten(exponent)?,
            // 2^exponent.
            TWO if exponent <= MAX_SHIFT => f64::from_bits((1023 + u64::from(exponent)) << 52),
            _ => return None,
        };
        let printed = if digits == ALL_DIGITS { None } else { Some(power_of_ten(digits)?) };
        Some(Scale { base, exponent, digits, divisor, printed })
    }

    /// Reads one.
    ///
    /// # Errors
    /// `corrupt`, `truncated`.
    pub fn read(reader: &mut ByteReader<'_>) -> Result<Self> {
        let (base, exponent) = (reader.u8()?, reader.u8()?);
        let digits = if base == NARROWED { reader.u8()? } else { ALL_DIGITS };
        let found = Scale::new(base, exponent, digits);
        found.ok_or_else(|| Error::corrupt(format!("scale of base {base}, exponent {exponent}, digits {digits}")))
    }

    /// The pattern of the float that an integer is; single floats are not narrowed any further.
    #[inline]
    #[must_use]
    pub fn pattern(&self, integer: i64, width: FloatWidth) -> u64 {
        let value = integer as f64 / self.divisor;
        #[expect(clippy::cast_possible_truncation, reason = "rounding to the narrower float is the definition")]
        let narrow = value as f32;
        let value = match width {
            FloatWidth::Single => return narrow.to_bits().into(),
            FloatWidth::Double if self.base == NARROWED => {
                let wide = f64::from(narrow);
                self.printed.map_or(wide, |scale| (wide * scale).round_ties_even() / scale)
            }
            FloatWidth::Double => value,
        };
        value.to_bits()
    }
}

#[cfg(feature = "writer")]
mod writer {
    use super::super::Floats;
    use super::*;

    /// Largest integer below which all are exact floats.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    /// The same of single floats, which do not tell larger ones apart.
    const MAX_EXACT_SINGLE: f64 = 16_777_216.0;
    /// Decimal places beyond which widened floats are not looked for.
    const MAX_WIDENED: u8 = 12;
    /// Values that a scale is found on.
    const PROBES: usize = 512;

    /// Numbers of this size and more are whole, and so are sums of it with smaller ones.
    const ALL_WHOLE: f64 = 4_503_599_627_370_496.0;

    /// The nearest whole number, that farther from zero of two: [`f64::round`] without a call.
    #[inline]
    fn rounded(value: f64) -> f64 {
        let size = value.abs();
        if size < ALL_WHOLE {
            let even = (size + ALL_WHOLE) - ALL_WHOLE;
            let away = if size - even == 0.5 { even + 1.0 } else { even };
            away.copysign(value)
        } else {
            value
        }
    }

    impl Scale {
        /// Writes it.
        pub fn write(&self, out: &mut Vec<u8>) {
            out.extend([self.base, self.exponent]);
            if self.base == NARROWED {
                out.push(self.digits);
            }
        }

        /// The power of ten whose multiples the floats are, or were.
        #[must_use]
        pub fn decimal_exponent(&self) -> Option<u8> {
            (self.base != TWO).then_some(self.exponent)
        }

        /// The integer that gives this pattern back, if there is one.
        #[must_use]
        pub fn integer(&self, pattern: u64, width: FloatWidth) -> Option<i64> {
            let value = match width {
                FloatWidth::Double => f64::from_bits(pattern),
                // Patterns of single floats are below 2^32.
                FloatWidth::Single => f64::from(f32::from_bits(u32::try_from(pattern).unwrap_or(u32::MAX))),
            };
            let most = if self.base == NARROWED && self.printed.is_none() { MAX_EXACT_SINGLE } else { MAX_EXACT };
            let product = rounded(value * self.divisor);
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
            let integer = (product.abs() <= most).then_some(product as i64)?;
            let found = match (width, self.base) {
                // As below, without the way there and back; -0.0 is none.
                (FloatWidth::Double, TEN | TWO) => ((product + 0.0) / self.divisor).to_bits(),
                _ => self.pattern(integer, width),
            };
            (found == pattern).then_some(integer)
        }

        /// The scale that holds most of the probed values, the smallest integers first.
        #[must_use]
        pub fn find(floats: Floats<'_>) -> Option<Self> {
            let step = (floats.patterns.len() / PROBES).max(1);
            let probes: Vec<u64> = floats.patterns.iter().copied().step_by(step).collect();
            let most = probes.len() / 10;
            let holds = |scale: &Scale| {
                let misses = probes.iter().filter(|&&probe| scale.integer(probe, floats.width).is_none());
                misses.take(most + 1).count() <= most
            };
            let ten = (0u8..23).filter_map(|exponent| Scale::new(TEN, exponent, ALL_DIGITS)).find(holds);
            // Digits behind those of the integers can be what rounding to a single float left.
            let digits = ten.map_or(ALL_DIGITS, |scale| scale.exponent);
            let fewer = if floats.width == FloatWidth::Single { 0 } else { digits.min(MAX_WIDENED) };
            let narrowed = (0..fewer).filter_map(|exponent| Scale::new(NARROWED, exponent, digits)).find(holds);
            let two = || (1..=MAX_SHIFT).filter_map(|exponent| Scale::new(TWO, exponent, ALL_DIGITS)).find(holds);
            narrowed.or(ten).or_else(two)
        }
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::super::Floats;
    use super::*;
    use crate::testing::noise;

    fn find(values: &[f64]) -> Option<Scale> {
        let patterns: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        Scale::find(Floats { patterns: &patterns, width: FloatWidth::Double })
    }

    #[test]
    fn floats_that_were_single_are_the_integers_that_they_were() {
        let mut next = noise(8);
        let cents: Vec<i64> = (0..2000).map(|_| (next() % 400_000) as i64 - 100_000).collect();
        let widened: Vec<f64> = cents.iter().map(|&n| f64::from((n as f64 / 100.0) as f32)).collect();
        let printed: Vec<f64> = widened.iter().map(|x| format!("{x:.6}").parse().unwrap()).collect();
        for (values, digits) in [(widened, ALL_DIGITS), (printed, 6)] {
            let scale = find(&values).unwrap();
            assert_eq!(scale, Scale::new(NARROWED, 2, digits).unwrap());
            for (value, &integer) in values.iter().zip(&cents) {
                // Half of -1 is no cent, but -0.0 is none either.
                assert_eq!(scale.integer(value.to_bits(), FloatWidth::Double), Some(integer), "{value}");
            }
            for odd in [f64::NAN, f64::from_bits(0x7ff8_dead_beef_0000), -0.0, f64::INFINITY, f64::MAX, 5e-324, 0.001] {
                assert_eq!(scale.integer(odd.to_bits(), FloatWidth::Double), None, "{odd}");
            }
        }
        // What is exactly between two is printed with an even digit.
        let scale = Scale::new(NARROWED, 7, 6).unwrap();
        assert_eq!(f64::from_bits(scale.pattern(78_125, FloatWidth::Double)), 0.007_812);
    }

    #[test]
    fn narrowed_floats_are_told_from_others() {
        let mut next = noise(9);
        let mut found = |value: &dyn Fn(u64) -> f64| {
            let values: Vec<f64> = (0..700).map(|_| value(next())).collect();
            find(&values).map(|scale| (scale.base, scale.exponent))
        };
        assert_eq!(found(&|x| (x % 1_000_000_007) as f64 / 1e6), Some((TEN, 6)));
        assert_eq!(found(&|x| (x % 1_000_000_007) as f64), Some((TEN, 0)));
        assert_eq!(found(&|x| (x >> 11) as f64 / 9_007_199_254_740_992.0), Some((TWO, 53)));
        assert_eq!(found(&|x| f64::from((x >> 40) as f32 / 16_777_216.0)), Some((TWO, 24)));
        assert_eq!(found(&f64::from_bits), None);
        let single: Vec<u64> = (0..700).map(|_| u64::from(((next() % 1000) as f32 / 10.0).to_bits())).collect();
        let scale = Scale::find(Floats { patterns: &single, width: FloatWidth::Single });
        assert_eq!(scale, Scale::new(TEN, 1, ALL_DIGITS));
    }

    #[test]
    fn scales_that_make_no_sense_are_refused() {
        let read = |bytes: &[u8]| Scale::read(&mut ByteReader::new(bytes, 0));
        for (base, exponent, digits) in [(TEN, 22, 255), (TWO, 64, 255), (NARROWED, 22, 22), (NARROWED, 0, 255)] {
            let scale = Scale::new(base, exponent, digits).unwrap();
            let mut bytes = Vec::new();
            scale.write(&mut bytes);
            assert_eq!(read(&bytes).unwrap(), scale);
            assert!(read(&bytes[..bytes.len() - 1]).is_err());
            for integer in [i64::MIN, i64::MAX, 0, 1] {
                for width in [FloatWidth::Single, FloatWidth::Double] {
                    // Single floats have patterns of 32 bits.
                    assert!(scale.pattern(integer, width) >> 32 == 0 || width == FloatWidth::Double);
                }
            }
        }
        for bytes in [&[2, 23, 255][..], &[2, 2, 23], &[2, 2, 254], &[2, 255, 255], &[1, 65], &[0, 23], &[3, 0, 0]] {
            assert_eq!(read(bytes).unwrap_err().code().as_str(), "corrupt", "{bytes:?}");
        }
    }

    #[test]
    fn powers_of_two_are_exact() {
        for exponent in 0..=MAX_SHIFT {
            assert_eq!(Scale::new(TWO, exponent, ALL_DIGITS).unwrap().divisor, 2f64.powi(exponent.into()));
        }
    }
}
