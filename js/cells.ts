/**
 * Cells: the values of a column as callers get them, one by one or many at once.
 *
 * Loops over many rows are functions that see nothing but arrays. What engines compile for a closure or for an instance of a
 * class is thrown away when the last of them is collected, as happens between two reads, and has to be compiled again.
 */

import { NcfError } from './errors.js';
import type { TimeUnit } from './generated.js';
import { DAY_MS, formatDate, formatDecimal, formatTimestamp, MAX_DATE_DAYS, TICKS_PER_SECOND } from './temporal.js';

/** Whether a row is null, by the bitmap of those that are not. */
export function isNull(validity: Uint8Array | undefined, row: number): boolean {
  return validity !== undefined && ((validity[row >> 3] ?? 0) >> (row & 7) & 1) === 0;
}

/** The cells of a column. */
export abstract class Cells {
  /** Bitmap of the rows that are not null. */
  protected readonly validity: Uint8Array | undefined;

  /** @param validity bitmap of the rows that are not null; missing where none is */
  constructor(validity: Uint8Array | undefined) {
    this.validity = validity;
  }

  /** Cell of a row that is there. */
  at(row: number): unknown {
    return isNull(this.validity, row) ? null : this.value(row);
  }

  /** Puts the cells of the rows `start` to `end` to the front of an array. */
  fill(all: unknown[], start: number, end: number): void {
    for (let row = start; row < end; row++) all[row - start] = this.at(row);
  }

  /** Value of a row that is not null. */
  protected abstract value(row: number): unknown;
}

/** Puts null where rows are null, after all of them were filled in. */
export function putNulls(all: unknown[], validity: Uint8Array | undefined, start: number, end: number): void {
  if (!validity) return;
  for (let row = start; row < end; row++) {
    const bits = validity[row >> 3] ?? 0;
    if (bits === 0xff) row |= 7;
    else if ((bits >> (row & 7) & 1) === 0) all[row - start] = null;
  }
}

function fillNumbers(all: unknown[], values: ArrayLike<number>, start: number, end: number): void {
  for (let row = start; row < end; row++) all[row - start] = values[row];
}

/** The same with nulls: putting these in afterwards would make an object of each number that stood in an array of nothing but numbers. */
function fillNumbersAndNulls(all: unknown[], values: ArrayLike<number>, validity: Uint8Array, start: number, end: number): void {
  // An array for anything from its first value on.
  if (start < end) all[0] = null;
  for (let row = start; row < end; row++) all[row - start] = isNull(validity, row) ? null : values[row];
}

/** Of the integers of 64 bits, these are made once: a `bigint` is an object to the engine, and most columns have small ones that repeat. */
const SMALL = { least: -1024, end: 8192 };
const small = new Array<bigint | undefined>(SMALL.end - SMALL.least);

function fillBigInts(
  all: unknown[], values: BigInt64Array | BigUint64Array, words: Int32Array, made: (bigint | undefined)[], least: number, start: number, end: number,
): void {
  for (let row = start; row < end; row++) {
    const low = words[2 * row] ?? 0;
    if (low >= least && low < SMALL.end && words[2 * row + 1] === low >> 31) all[row - start] = made[low - SMALL.least] ??= BigInt(low);
    else all[row - start] = values[row];
  }
}

/** Numbers as they are. */
export class NumberCells extends Cells {
  readonly #values: ArrayLike<number>;

  /** @param values one per row */
  constructor(values: ArrayLike<number>, validity: Uint8Array | undefined) {
    super(validity);
    this.#values = values;
  }

  override fill(all: unknown[], start: number, end: number): void {
    if (this.validity) fillNumbersAndNulls(all, this.#values, this.validity, start, end);
    else fillNumbers(all, this.#values, start, end);
  }

  protected override value(row: number): number {
    return this.#values[row] ?? 0;
  }
}

/** Integers of 64 bits as `bigint`. */
export class BigIntCells extends Cells {
  readonly #values: BigInt64Array | BigUint64Array;

  /** @param values one per row */
  constructor(values: BigInt64Array | BigUint64Array, validity: Uint8Array | undefined) {
    super(validity);
    this.#values = values;
  }

  override fill(all: unknown[], start: number, end: number): void {
    const { buffer, byteOffset, length } = this.#values;
    const least = this.#values instanceof BigInt64Array ? SMALL.least : 0;
    fillBigInts(all, this.#values, new Int32Array(buffer, byteOffset, 2 * length), small, least, start, end);
    putNulls(all, this.validity, start, end);
  }

  protected override value(row: number): bigint {
    return this.#values[row] ?? 0n;
  }
}

/** The same as text. */
export class BigIntTextCells extends Cells {
  readonly #values: BigInt64Array | BigUint64Array;

  /** @param values one per row */
  constructor(values: BigInt64Array | BigUint64Array, validity: Uint8Array | undefined) {
    super(validity);
    this.#values = values;
  }

  protected override value(row: number): string {
    return String(this.#values[row] ?? 0n);
  }
}

/** Two to the 32nd power: what the high half of 64 bits counts. */
export const WORD = 4_294_967_296;

/** Integers of 64 bits as numbers, where a number holds them exactly; without a `bigint` for each. */
class Integers {
  readonly #values: BigInt64Array | BigUint64Array;
  readonly #words: Uint32Array;
  readonly #isSigned: boolean;

  constructor(values: BigInt64Array | BigUint64Array) {
    this.#values = values;
    this.#words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
    this.#isSigned = values instanceof BigInt64Array;
  }

  /** Value of a row, or NaN where no number is exactly that. */
  number(row: number): number {
    const word = this.#words[2 * row + 1] ?? 0;
    const high = this.#isSigned ? word | 0 : word;
    const number = high * WORD + (this.#words[2 * row] ?? 0);
    return Number.isSafeInteger(number) ? number : NaN;
  }

  /** Value of a row. */
  exact(row: number): bigint {
    return this.#values[row] ?? 0n;
  }
}

/** Integers of 64 bits as numbers. */
export class SafeNumberCells extends Cells {
  readonly #integers: Integers;
  readonly #column: string;

  /**
   * @param values one per row
   * @param validity bitmap of the rows that are not null
   * @param column name, for errors
   */
  constructor(values: BigInt64Array | BigUint64Array, validity: Uint8Array | undefined, column: string) {
    super(validity);
    this.#integers = new Integers(values);
    this.#column = column;
  }

  protected override value(row: number): number {
    const number = this.#integers.number(row);
    if (!Number.isNaN(number)) return number;
    throw new NcfError('unsafe-value', `${this.#integers.exact(row)} in row ${row} is no exact number; use int64: 'bigint' or 'string'`, { column: this.#column });
  }
}

/** Truth values from bits. */
export class BooleanCells extends Cells {
  readonly #bits: Uint8Array;

  /** @param bits least significant bit first */
  constructor(bits: Uint8Array, validity: Uint8Array | undefined) {
    super(validity);
    this.#bits = bits;
  }

  protected override value(row: number): boolean {
    return ((this.#bits[row >> 3] ?? 0) >> (row & 7) & 1) === 1;
  }
}

/** Bytes behind offsets, as copies. */
export class BinaryCells extends Cells {
  readonly #bytes: Uint8Array;
  readonly #offsets: Int32Array;

  /**
   * @param bytes of all values
   * @param offsets where each value starts, and behind the last one the end
   */
  constructor(bytes: Uint8Array, offsets: Int32Array, validity: Uint8Array | undefined) {
    super(validity);
    this.#bytes = bytes;
    this.#offsets = offsets;
  }

  protected override value(row: number): Uint8Array {
    return this.#bytes.slice(this.#offsets[row], this.#offsets[row + 1]);
  }
}

/** Exact text of decimals. */
export class DecimalCells extends Cells {
  readonly #halves: BigUint64Array;
  readonly #scale: number;

  /**
   * @param halves two per row, the lower first
   * @param scale digits behind the point
   */
  constructor(halves: BigUint64Array, scale: number, validity: Uint8Array | undefined) {
    super(validity);
    this.#halves = halves;
    this.#scale = scale;
  }

  protected override value(row: number): string {
    const high = BigInt.asIntN(64, this.#halves[2 * row + 1] ?? 0n);
    return formatDecimal((high << 64n) | (this.#halves[2 * row] ?? 0n), this.#scale);
  }
}

/** Days as ISO text. */
export class DateTextCells extends Cells {
  readonly #days: Int32Array;
  #last: { day: number; text: string } | undefined;

  /** @param days since 1970-01-01 */
  constructor(days: Int32Array, validity: Uint8Array | undefined) {
    super(validity);
    this.#days = days;
  }

  protected override value(row: number): string {
    const day = this.#days[row] ?? 0;
    if (this.#last?.day !== day) this.#last = { day, text: formatDate(day) };
    return this.#last.text;
  }
}

/** Days as `Date`. */
export class DateCells extends Cells {
  readonly #days: Int32Array;
  readonly #column: string;

  /**
   * @param days since 1970-01-01
   * @param validity bitmap of the rows that are not null
   * @param column name, for errors
   */
  constructor(days: Int32Array, validity: Uint8Array | undefined, column: string) {
    super(validity);
    this.#days = days;
    this.#column = column;
  }

  protected override value(row: number): Date {
    return exactDate((this.#days[row] ?? 0) * DAY_MS, this.#column, row);
  }
}

/** Timestamps as ISO text. */
export class TimestampTextCells extends Cells {
  readonly #counts: Integers;
  readonly #unit: TimeUnit;
  readonly #utc: boolean;
  #last: { count: number; text: string } | undefined;

  /**
   * @param counts of the unit since 1970-01-01
   * @param unit of the counts
   * @param utc whether the values are instants in UTC
   * @param validity bitmap of the rows that are not null
   */
  constructor(counts: BigInt64Array, unit: TimeUnit, utc: boolean, validity: Uint8Array | undefined) {
    super(validity);
    this.#counts = new Integers(counts);
    this.#unit = unit;
    this.#utc = utc;
  }

  protected override value(row: number): string {
    const count = this.#counts.number(row);
    if (this.#last?.count === count) return this.#last.text;
    if (Number.isNaN(count)) return formatTimestamp(this.#counts.exact(row), this.#unit, this.#utc);
    const text = formatTimestamp(count, this.#unit, this.#utc);
    this.#last = { count, text };
    return text;
  }
}

/** Timestamps as `Date`. */
export class TimestampCells extends Cells {
  readonly #counts: Integers;
  readonly #words: Int32Array;
  readonly #perSecond: number;
  readonly #column: string;

  /**
   * @param counts of the unit since 1970-01-01
   * @param unit of the counts
   * @param validity bitmap of the rows that are not null
   * @param column name, for errors
   */
  constructor(counts: BigInt64Array, unit: TimeUnit, validity: Uint8Array | undefined, column: string) {
    super(validity);
    this.#counts = new Integers(counts);
    this.#words = new Int32Array(counts.buffer, counts.byteOffset, 2 * counts.length);
    this.#perSecond = TICKS_PER_SECOND[unit];
    this.#column = column;
  }

  override fill(all: unknown[], start: number, end: number): void {
    let row = start;
    while (row < end) {
      row = fillDates(all, this.#words, this.validity, this.#perSecond / 1000, start, row, end);
      // What is no plain case, and what is to be refused.
      if (row < end) all[row - start] = this.at(row);
      row += 1;
    }
  }

  protected override value(row: number): Date {
    return exactDate(this.#milliseconds(row), this.#column, row);
  }

  /** Milliseconds since 1970-01-01, too large a number where no `Date` is that late or early. */
  #milliseconds(row: number): number {
    const perSecond = this.#perSecond;
    const count = this.#counts.number(row);
    const isExact = Number.isNaN(count) ? this.#counts.exact(row) * 1000n % BigInt(perSecond) === 0n : perSecond <= 1000 || count % (perSecond / 1000) === 0;
    if (!isExact) {
      throw new NcfError('unsafe-value', `row ${row} has fractions of a millisecond, which Date cannot hold; use dates: 'string' or 'raw'`, { column: this.#column });
    }
    if (Number.isNaN(count)) return Number(this.#counts.exact(row) * 1000n / BigInt(perSecond));
    return perSecond <= 1000 ? count * (1000 / perSecond) : count / (perSecond / 1000);
  }
}

/** Puts dates into an array, from a row on up to one that is no whole number of milliseconds or that a number does not hold; returns that row. */
function fillDates(all: unknown[], words: Int32Array, validity: Uint8Array | undefined, ticks: number, start: number, from: number, end: number): number {
  for (let row = from; row < end; row++) {
    if (isNull(validity, row)) {
      all[row - start] = null;
      continue;
    }
    const count = (words[2 * row + 1] ?? 0) * WORD + ((words[2 * row] ?? 0) >>> 0);
    const milliseconds = count / ticks;
    if (!Number.isSafeInteger(count) || !Number.isInteger(milliseconds) || Math.abs(milliseconds) > MAX_DATE_DAYS * DAY_MS) return row;
    all[row - start] = new Date(milliseconds);
  }
  return end;
}

function exactDate(milliseconds: number, column: string, row: number): Date {
  if (Math.abs(milliseconds) <= MAX_DATE_DAYS * DAY_MS) return new Date(milliseconds);
  throw new NcfError('unsafe-value', `row ${row} is beyond the range of Date; use dates: 'string' or 'raw'`, { column });
}
