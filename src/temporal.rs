//! Calendar arithmetic and ISO 8601 text for dates and timestamps, in the proleptic Gregorian calendar.
//!
//! The conversions between days and dates are Howard Hinnant's `days_from_civil` and `civil_from_days`
//! (public domain, <https://howardhinnant.github.io/date_algorithms.html>). An era is 400 years or 146 097 days
//! and starts on 1 March, so that a leap day is the last day of its year.

use crate::schema::TimeUnit;

/// Seconds of a day.
pub const SECONDS_PER_DAY: i64 = 86_400;

const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Days from 1970-01-01 to a date; saturates where they do not fit, after some 2.5 * 10^16 years.
#[must_use]
pub fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    checked_days(year, month, day).unwrap_or(if year < 0 { i64::MIN } else { i64::MAX })
}

fn checked_days(year: i64, month: u8, day: u8) -> Option<i64> {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = i128::from(era) * i128::from(DAYS_PER_ERA) + i128::from(day_of_era - EPOCH);
    i64::try_from(days).ok()
}

/// Year, month (1 to 12) and day (1 to 31) of a count of days since 1970-01-01, whatever the count.
#[must_use]
pub fn civil_from_days(days: i64) -> (i64, u8, u8) {
    // The shift by EPOCH comes after the division, so that it cannot overflow.
    let shifted = days.rem_euclid(DAYS_PER_ERA) + EPOCH;
    let era = days.div_euclid(DAYS_PER_ERA) + shifted / DAYS_PER_ERA;
    let day_of_era = shifted % DAYS_PER_ERA;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let small = |value: i64| u8::try_from(value).unwrap_or_default();
    // month is 1..=12 and day is 1..=31: both fit.
    (year, small(month), small(day))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Whether the calendar has that day.
#[must_use]
pub fn is_date(year: i64, month: u8, day: u8) -> bool {
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// `2024-02-29`; years outside 0 to 9999 get a sign and at least six digits, as in `-000001-12-31`.
#[must_use]
pub fn format_date(days: i64) -> String {
    let (year, month, day) = civil_from_days(days);
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+07}-{month:02}-{day:02}")
    }
}

fn fraction_digits(unit: TimeUnit) -> usize {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// `2024-01-01T00:00:00.000001Z`: all fraction digits that the unit has (0, 3, 6 or 9), `Z` for UTC only.
#[must_use]
pub fn format_timestamp(count: i64, unit: TimeUnit, utc: bool) -> String {
    let seconds = count.div_euclid(unit.per_second());
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let mut text = format!(
        "{}T{:02}:{:02}:{:02}",
        format_date(seconds.div_euclid(SECONDS_PER_DAY)),
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    let digits = fraction_digits(unit);
    if digits > 0 {
        let fraction = count.rem_euclid(unit.per_second());
        text += &format!(".{fraction:0digits$}");
    }
    if utc {
        text.push('Z');
    }
    text
}

/// The inverse of [`format_date`]; `None` for anything else and for days that the calendar does not have.
#[must_use]
pub fn parse_date(text: &str) -> Option<i64> {
    let mut rest = text.as_bytes();
    let days = take_date(&mut rest)?;
    rest.is_empty().then_some(days)
}

/// The inverse of [`format_timestamp`]: count, unit and whether it is UTC.
///
/// A blank in place of the `T`, one to nine fraction digits and an offset such as `+01:00` are understood too. The
/// unit is the coarsest that holds the digits written. `None` for anything else, and where the count overflows.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<(i64, TimeUnit, bool)> {
    let (count, unit, utc) = parse_instant(text)?;
    Some((i64::try_from(count).ok()?, unit, utc))
}

/// As [`parse_timestamp`], for counts of any size.
#[must_use]
pub fn parse_instant(text: &str) -> Option<(i128, TimeUnit, bool)> {
    let mut rest = text.as_bytes();
    let days = take_date(&mut rest)?;
    take_byte(&mut rest, b"T ")?;
    let mut seconds = take_clock(&mut rest)? * 60;
    take_byte(&mut rest, b":")?;
    seconds += take_below(&mut rest, 60)?;

    let (mut fraction, mut digits) = (0, 0);
    if take_byte(&mut rest, b".").is_some() {
        digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        fraction = take_number(&mut rest, digits)?;
    }
    let unit = match digits {
        0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    };
    for _ in digits..fraction_digits(unit) {
        fraction *= 10;
    }

    let zone = take_byte(&mut rest, b"Z+-");
    if let Some(sign @ (b'+' | b'-')) = zone {
        let offset = take_clock(&mut rest)? * 60;
        seconds -= if sign == b'-' { -offset } else { offset };
    }
    let seconds = i128::from(days) * i128::from(SECONDS_PER_DAY) + i128::from(seconds);
    let count = seconds * i128::from(unit.per_second()) + i128::from(fraction);
    rest.is_empty().then_some((count, unit, zone.is_some()))
}

fn take_byte(rest: &mut &[u8], allowed: &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    allowed.contains(first).then(|| {
        *rest = tail;
        *first
    })
}

fn take_number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (number, tail) = rest.split_at_checked(digits)?;
    *rest = tail;
    number.iter().try_fold(0i64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

fn take_below(rest: &mut &[u8], limit: i64) -> Option<i64> {
    take_number(rest, 2).filter(|&number| number < limit)
}

/// `hh:mm` in minutes.
fn take_clock(rest: &mut &[u8]) -> Option<i64> {
    let hours = take_below(rest, 24)?;
    take_byte(rest, b":")?;
    Some(hours * 60 + take_below(rest, 60)?)
}

fn take_date(rest: &mut &[u8]) -> Option<i64> {
    let year = match take_byte(rest, b"+-") {
        None => take_number(rest, 4)?,
        Some(sign) => {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let year = take_number(rest, digits).filter(|_| digits >= 6)?;
            match sign {
                b'-' if year == 0 => return None,
                b'-' => -year,
                _ => year,
            }
        }
    };
    take_byte(rest, b"-")?;
    let month = u8::try_from(take_number(rest, 2)?).ok()?;
    take_byte(rest, b"-")?;
    let day = u8::try_from(take_number(rest, 2)?).ok()?;
    is_date(year, month, day).then(|| checked_days(year, month, day)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: &[TimeUnit] = TimeUnit::ALL;

    #[test]
    fn days_and_dates_agree() {
        for (date, days) in [
            ((1970, 1, 1), 0),
            ((1969, 12, 31), -1),
            ((2024, 2, 29), 19_782),
            ((2000, 3, 1), 11_017),
            ((1, 1, 1), -719_162),
            ((9999, 12, 31), 2_932_896),
            ((0, 3, 1), -719_468),
            ((0, 2, 29), -719_469),
            ((-400, 2, 29), -865_566),
        ] {
            assert_eq!(days_from_civil(date.0, date.1, date.2), days, "{date:?}");
            assert_eq!(civil_from_days(days), date, "{days}");
        }
    }

    #[test]
    fn every_day_of_two_eras_follows_the_one_before() {
        let mut expected = (-200, 1, 1);
        let start = days_from_civil(-200, 1, 1);
        for days in start..start + 2 * DAYS_PER_ERA + 1 {
            assert_eq!(civil_from_days(days), expected);
            let (year, month, day) = expected;
            assert_eq!(days_from_civil(year, month, day), days);
            expected = if is_date(year, month, day + 1) {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
        }
    }

    #[test]
    fn any_count_has_a_date_and_a_text() {
        for days in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert_eq!(parse_date(&format_date(days)), Some(days));
            for &unit in UNITS {
                for utc in [false, true] {
                    let text = format_timestamp(days, unit, utc);
                    assert_eq!(parse_timestamp(&text), Some((days, unit, utc)), "{text}");
                }
            }
        }
        assert_eq!(days_from_civil(i64::MAX, 12, 31), i64::MAX);
        assert_eq!(days_from_civil(i64::MIN, 1, 1), i64::MIN);
    }

    #[test]
    fn formats_dates() {
        for (days, text) in [
            (19_782, "2024-02-29"),
            (-719_162, "0001-01-01"),
            (-719_528, "0000-01-01"),
            (-719_529, "-000001-12-31"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+010000-01-01"),
        ] {
            assert_eq!(format_date(days), text);
            assert_eq!(parse_date(text), Some(days));
        }
    }

    #[test]
    fn formats_timestamps() {
        let s = TimeUnit::Second;
        for (count, unit, utc, text) in [
            (0, s, false, "1970-01-01T00:00:00"),
            (-1, s, true, "1969-12-31T23:59:59Z"),
            (-1, TimeUnit::Millisecond, false, "1969-12-31T23:59:59.999"),
            (1_704_067_200_000_001, TimeUnit::Microsecond, true, "2024-01-01T00:00:00.000001Z"),
            (i64::MAX, TimeUnit::Nanosecond, false, "2262-04-11T23:47:16.854775807"),
            (i64::MIN, TimeUnit::Nanosecond, false, "1677-09-21T00:12:43.145224192"),
            (i64::MIN, s, false, "-292277022657-01-27T08:29:52"),
        ] {
            assert_eq!(format_timestamp(count, unit, utc), text);
        }
    }

    #[test]
    fn parses_the_other_spellings() {
        for (text, count, unit, utc) in [
            ("2024-01-01 00:00:00", 1_704_067_200, TimeUnit::Second, false),
            ("1970-01-01T00:00:00.5", 500, TimeUnit::Millisecond, false),
            ("1970-01-01T00:00:00.0005", 500, TimeUnit::Microsecond, false),
            ("1970-01-01T00:00:00.0000005Z", 500, TimeUnit::Nanosecond, true),
            ("1970-01-01T00:00:00+01:30", -5400, TimeUnit::Second, true),
            ("1970-01-01T00:00:00-00:01", 60, TimeUnit::Second, true),
        ] {
            assert_eq!(parse_timestamp(text), Some((count, unit, utc)), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "2024",
            "2024-2-9",
            "2023-02-29",
            "1900-02-29",
            "2024-00-01",
            "2024-13-01",
            "2024-01-32",
            "24-01-01",
            "+2024-01-01",
            "-000000-01-01",
            "2024-01-01 ",
            "２０２４-01-01",
            "2024-1-001",
            "+99999999999999999-01-01",
            "+99999999999999999999-01-01",
            "20240-01-01",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
        for text in [
            "2024-01-01",
            "2024-01-01T00:00",
            "2024-01-01T24:00:00",
            "2024-01-01T00:60:00",
            "2024-01-01T23:59:60",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00:00.0123456789",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00z",
            "2024-01-01t00:00:00",
            "2024-01-01T00:00:00ZZ",
            "2263-01-01T00:00:00.000000000",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
