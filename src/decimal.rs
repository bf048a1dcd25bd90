//! Decimal numbers as an integer and a scale: `unscaled / 10^scale`, at most 38 digits.

use crate::column::MAX_PRECISION;

/// The first integer with more than [`MAX_PRECISION`] digits.
const LIMIT: u128 = 10u128.pow(MAX_PRECISION as u32);

/// Sign, digits before and behind the point, and exponent of a text such as `-1.50E+3`.
fn split(text: &str) -> Option<(bool, &str, &str, i64)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (number, exponent) = match text.split_once(['E', 'e']) {
        // The longest exponents of Python's decimals have 18 digits, 19 in the text of a subnormal number.
        Some((number, exponent)) => (number, exponent.parse().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut digits = whole.bytes().chain(fraction.bytes()).peekable();
    digits.peek()?;
    digits.all(|byte| byte.is_ascii_digit()).then_some((negative, whole, fraction, exponent))
}

/// Unscaled value and scale of the text of a Python `Decimal`: `1.50` gives (150, 2), `1E+10` gives (1, -10).
///
/// `None` for other text, for NaN and Infinity, and for more than 38 digits. Negative zero gives 0.
#[must_use]
pub fn parse(text: &str) -> Option<(i128, i32)> {
    let (negative, whole, fraction, exponent) = split(text)?;
    let mut unscaled = 0u128;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if unscaled >= LIMIT / 10 {
            return None;
        }
        unscaled = unscaled * 10 + u128::from(byte - b'0');
    }
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let unscaled = i128::try_from(unscaled).ok()?;
    Some((if negative { -unscaled } else { unscaled }, i32::try_from(scale).ok()?))
}

/// Whether Python's `Decimal` could have written the text: a number of any size, Infinity or NaN.
#[must_use]
pub fn is_decimal_text(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let payload = unsigned.strip_prefix("NaN").or_else(|| unsigned.strip_prefix("sNaN"));
    match payload {
        Some(payload) => payload.bytes().all(|byte| byte.is_ascii_digit()),
        None => unsigned == "Infinity" || (!unsigned.starts_with(['+', '-']) && split(unsigned).is_some()),
    }
}

/// Plain text without exponent: (150, 2) gives `1.50`, (-1, 3) gives `-0.001`, (0, 2) gives `0.00`.
#[must_use]
pub fn format(unscaled: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    // One digit at least stands before the point.
    let mut text = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
    if unscaled < 0 {
        text.insert(0, '-');
    }
    text
}

/// The unscaled value of the same number at another scale; `None` where it is not exact or needs over 38 digits.
#[must_use]
pub fn rescale(value: i128, from_scale: i32, to_scale: u8) -> Option<i128> {
    if value == 0 {
        return Some(0);
    }
    let shift = i64::from(to_scale) - i64::from(from_scale);
    // 10^38 is below 2^127.
    let factor = u32::try_from(shift.unsigned_abs()).ok().and_then(|exponent| 10i128.checked_pow(exponent))?;
    let scaled =
        if shift >= 0 { value.checked_mul(factor)? } else { (value % factor == 0).then_some(value / factor)? };
    (scaled.unsigned_abs() < LIMIT).then_some(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINES: &str = "99999999999999999999999999999999999999";

    #[test]
    fn parses_python_text() {
        let nines = 10i128.pow(38) - 1;
        for (text, unscaled, scale) in [
            ("1.50", 150, 2),
            ("1E+10", 1, -10),
            ("-0.001", -1, 3),
            ("1E-7", 1, 7),
            ("1.5E-7", 15, 8),
            ("0E-7", 0, 7),
            ("0E+5", 0, -5),
            ("-0", 0, 0),
            ("0", 0, 0),
            (NINES, nines, 0),
            (&format!("-0.{NINES}"), -nines, 38),
            (&format!("000{NINES}"), nines, 0),
        ] {
            assert_eq!(parse(text), Some((unscaled, scale)), "{text}");
            assert!(is_decimal_text(text), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number_or_too_long() {
        for text in ["NaN", "-NaN", "sNaN", "NaN12", "Infinity", "-Infinity"] {
            assert_eq!(parse(text), None, "{text}");
            assert!(is_decimal_text(text), "{text}");
        }
        for text in [&format!("{NINES}9"), &format!("{NINES}.0"), "1E+999999999999999999", "1E-1999999999999999997"] {
            assert_eq!(parse(text), None, "{text}");
            assert!(is_decimal_text(text), "{text}");
        }
        for text in
            ["", "-", "+", ".", "E5", "1E", "1.2.3", "--1", "1 ", "0x1", "1E5E5", "١", "1_0", "nan", "inf", "NaNx"]
        {
            assert_eq!(parse(text), None, "{text}");
            assert!(!is_decimal_text(text), "{text}");
        }
    }

    #[test]
    fn formats_plain_text() {
        for (unscaled, scale, text) in [
            (150, 2, "1.50"),
            (-1, 3, "-0.001"),
            (0, 2, "0.00"),
            (0, 0, "0"),
            (-7, 0, "-7"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(format(unscaled, scale), text);
        }
    }

    #[test]
    fn rescales_exactly_or_not_at_all() {
        assert_eq!(rescale(1, -10, 0), Some(10_000_000_000));
        assert_eq!(rescale(15, 1, 2), Some(150));
        assert_eq!(rescale(-150, 2, 1), Some(-15));
        assert_eq!(rescale(151, 2, 1), None);
        assert_eq!(rescale(1, 0, 37), Some(10i128.pow(37)));
        assert_eq!(rescale(1, 0, 38), None);
        assert_eq!(rescale(0, i32::MIN, 38), Some(0));
        assert_eq!(rescale(1, i32::MAX, 0), None);
        assert_eq!(rescale(1, i32::MIN, u8::MAX), None);
        assert_eq!(rescale(i128::MAX, 0, 0), None);
    }
}
