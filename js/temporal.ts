/**
 * Exact ISO 8601 text for dates, timestamps and decimals, and back. `Date` is exact only to the millisecond and
 * only for some 270,000 years around 1970; the functions here have neither limit.
 */

import type { TimeUnit } from './generated.js';

/** How many of a unit make a second. */
export const TICKS_PER_SECOND: Record<TimeUnit, number> = { s: 1, ms: 1_000, us: 1_000_000, ns: 1_000_000_000 };

/** The same as `bigint`. */
export const PER_SECOND: Record<TimeUnit, bigint> = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n };

const FRACTION_DIGITS: Record<TimeUnit, number> = { s: 0, ms: 3, us: 6, ns: 9 };

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000;

/** Days since 1970-01-01 that a `Date` can hold. */
export const MAX_DATE_DAYS = 100_000_000;

/** Proleptic Gregorian date of a day number: Howard Hinnant's `civil_from_days`. */
function civilFromDays(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

/** Day number of a proleptic Gregorian date: Howard Hinnant's `days_from_civil`. */
function daysFromCivil(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** `00` to `99`. */
const PAIRS = Array.from({ length: 100 }, (_, value) => pad(value, 2));

/** Text of a part of a time. */
const pair = (value: number): string => PAIRS[value] ?? '';

/** `2024-02-29`; years outside of 0 to 9999 with sign and at least six digits. */
export function formatDate(days: number): string {
  const [year, month, day] = civilFromDays(days);
  const yearText = year >= 0 && year <= 9999 ? pad(year, 4) : `${year < 0 ? '-' : '+'}${pad(Math.abs(year), 6)}`;
  return `${yearText}-${pad(month, 2)}-${pad(day, 2)}`;
}

/** The day whose text was made last: many times are of one day. */
const lastDay = { days: 0, text: '1970-01-01' };

function textOfDay(days: number): string {
  if (days !== lastDay.days) [lastDay.days, lastDay.text] = [days, formatDate(days)];
  return lastDay.text;
}

/** Digits behind the second, with their point. */
function fractionText(ticks: number, digits: number): string {
  if (digits === 0) return '';
  return `.${ticks === 0 ? '000000000'.slice(0, digits) : pad(ticks, digits)}`;
}

/**
 * `2024-02-29T12:00:00.000001Z`: all digits of the unit, the `Z` for UTC.
 * @param count of the unit since 1970-01-01; a number must be a safe integer
 */
export function formatTimestamp(count: bigint | number, unit: TimeUnit, utc: boolean): string {
  const perSecond = TICKS_PER_SECOND[unit];
  const perDay = perSecond * 86_400;
  // `%` of numbers beyond 32 bits takes longer than all else here.
  let days = typeof count === 'number' ? Math.floor(count / perDay) : Number(count / BigInt(perDay));
  let rest = typeof count === 'number' ? count - days * perDay : Number(count % BigInt(perDay));
  // The quotient of numbers can have been rounded to a whole one, that of bigints is cut.
  if (rest < 0) [days, rest] = [days - 1, rest + perDay];
  else if (rest >= perDay) [days, rest] = [days + 1, rest - perDay];
  const seconds = Math.floor(rest / perSecond);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const fraction = fractionText(rest - seconds * perSecond, FRACTION_DIGITS[unit]);
  return `${textOfDay(days)}T${pair(hours)}:${pair(minutes - 60 * hours)}:${pair(seconds - 60 * minutes)}${fraction}${utc ? 'Z' : ''}`;
}

const DATE = /^(\d{4}|[+-]\d{6,})-(\d\d)-(\d\d)$/;

/** Day number of ISO text; `undefined` for anything else or a day that no calendar has. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const days = daysFromCivil(year, month, day);
  // What does not come back was no date: the 30th of February, month 13.
  const [sameYear, sameMonth, sameDay] = civilFromDays(days);
  return sameYear === year && sameMonth === month && sameDay === day ? days : undefined;
}

const TIMESTAMP = /^(.+?)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?$/;

/** A point in time: nanoseconds since 1970, and whether the text named a zone. */
export interface ParsedTimestamp {
  nanoseconds: bigint;
  utc: boolean;
}

/** Reads ISO text (a date alone is its midnight); `undefined` for anything else. */
export function parseTimestamp(text: string): ParsedTimestamp | undefined {
  const dateOnly = parseDate(text);
  if (dateOnly !== undefined) return { nanoseconds: BigInt(dateOnly) * 86_400n * PER_SECOND.ns, utc: false };
  const match = TIMESTAMP.exec(text);
  const days = parseDate(match?.[1] ?? '');
  if (!match || days === undefined) return undefined;
  const [hour, minute, second] = [Number(match[2]), Number(match[3]), Number(match[4] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = match[6];
  let offsetMinutes = 0;
  if (zone !== undefined && zone !== 'Z') {
    const [zoneHours, zoneMinutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
    if (zoneHours > 23 || zoneMinutes > 59) return undefined;
    offsetMinutes = (zone.startsWith('-') ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  }
  const seconds = BigInt(days) * 86_400n + BigInt(hour * 3600 + (minute - offsetMinutes) * 60 + second);
  const fraction = BigInt((match[5] ?? '').padEnd(9, '0'));
  return { nanoseconds: seconds * PER_SECOND.ns + fraction, utc: zone !== undefined };
}

/** Exact text of `unscaled / 10^scale`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?$|^([+-]?)\.(\d+)$/;

/** Unscaled integer and digits behind the point of plain decimal text; `undefined` for anything else. */
export function parseDecimal(text: string): { unscaled: bigint; scale: number } | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const fraction = match[3] ?? match[5] ?? '';
  const magnitude = BigInt((match[2] ?? '') + fraction);
  const negative = (match[1] ?? match[4]) === '-';
  return { unscaled: negative ? -magnitude : magnitude, scale: fraction.length };
}
