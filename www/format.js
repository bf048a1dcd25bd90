/** Numbers, sizes and times as text. */

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/**
 * A count with separators.
 * @param {number} count
 */
export const formatCount = (count) => whole.format(count);

/**
 * A count and its noun.
 * @param {number} count
 * @param {string} noun
 */
export const counted = (count, noun) => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

/**
 * A size for people; decimal units.
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${short.format(value)} ${units[unit]}`;
}

/**
 * A share of 1 as percent.
 * @param {number} share
 */
export function formatShare(share) {
  if (share > 0 && share < 0.0001) return '<0.01%';
  return `${(share * 100).toFixed(share < 0.01 ? 2 : 1)}%`;
}

/**
 * A number in about three digits.
 * @param {number} value
 */
export const formatShort = (value) => short.format(value);

/**
 * An instant in UTC, to the second; undefined where there is none.
 * @param {Date | undefined} date
 */
export function formatInstant(date) {
  if (!date || Number.isNaN(date.getTime())) return undefined;
  return `${date.toISOString().slice(0, -5).replace('T', ' ')} UTC`;
}
