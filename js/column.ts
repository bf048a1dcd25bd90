/** Columns: typed arrays that JavaScript owns, and values one by one. */

import { invalid, NcfError } from './errors.js';
import type { DataType, TimeUnit } from './generated.js';
import { DAY_MS, formatDate, formatDecimal, formatTimestamp, MAX_DATE_DAYS, PER_SECOND } from './temporal.js';
import { CodedText, textReader } from './text.js';
import type { Cell, DateMode, Int64Mode, ValuesByType } from './types.js';
import type { ColumnBuffers, ColumnData } from './wasm-types.js';

/** How values are given. */
export interface CellModes {
  readonly int64: Int64Mode;
  readonly dates: DateMode;
}

/**
 * One column of a table that was read. Its arrays are plain copies: nothing detaches them, and they can be
 * transferred to a worker.
 */
export class Column<T extends DataType = DataType, I extends Int64Mode = 'bigint', D extends DateMode = 'string'> {
  /** Column name. */
  readonly name: string;
  /** Type of the values; in Python 1.0 files it can differ from the schema's, and then `Table.warnings` says so. */
  readonly type: T;
  /** Number of rows. */
  readonly length: number;
  /** How many rows are null. */
  readonly nullCount: number;
  /** The values in Arrow's layout, one per row but for `boolean` (bits), `decimal` (two per row) and text and binary. Under a null anything. */
  readonly values: ValuesByType[T];
  /** For `string` and `binary`: row `i` is `values.subarray(offsets[i], offsets[i + 1])`. */
  readonly offsets?: Int32Array<ArrayBuffer>;
  /** Bitmap, least significant bit first, 1 = not null; missing where nothing is null. */
  readonly validity?: Uint8Array<ArrayBuffer>;
  /** For `timestamp`: unit of the counts. */
  readonly unit?: TimeUnit;
  /** For `timestamp`: whether the values are instants in UTC rather than local wall-clock times. */
  readonly utc?: boolean;
  /** For `decimal`: digits that any value can have. */
  readonly precision?: number;
  /** For `decimal`: digits behind the point. */
  readonly scale?: number;

  readonly #modes: CellModes;
  /** For text that comes from dictionaries: equal values are made once. */
  readonly #coded: CodedText | undefined;
  #cells: ((index: number) => Cell<T, I, D> | null) | undefined;

  /** @internal */
  constructor(name: string, data: ColumnData, modes: CellModes) {
    this.name = name;
    this.type = data.type as T;
    this.length = data.length;
    this.nullCount = data.nullCount;
    this.values = data.values as ValuesByType[T];
    if (data.offsets) this.offsets = data.offsets;
    if (data.validity) this.validity = data.validity;
    if (data.unit !== undefined) this.unit = data.unit;
    if (data.utc !== undefined) this.utc = data.utc;
    if (data.precision !== undefined) this.precision = data.precision;
    if (data.scale !== undefined) this.scale = data.scale;
    this.#modes = modes;
    if (data.codes && this.type === 'string') this.#coded = new CodedText(data.codes, data.values as Uint8Array, data.offsets ?? new Int32Array(1));
  }

  /**
   * Whether row `index` is null.
   * @throws {NcfError} `invalid-argument` for a row that is not there
   */
  isNull(index: number): boolean {
    this.#check(index);
    return this.#isNull(index);
  }

  /**
   * Value of row `index`, or null.
   * @throws {NcfError} `invalid-argument` for a row that is not there, `unsafe-value` where the chosen type cannot hold the value
   */
  get(index: number): Cell<T, I, D> | null {
    this.#check(index);
    return this.cells()(index);
  }

  /**
   * All values, nulls included.
   * @throws {NcfError} `unsafe-value` where the chosen type cannot hold a value
   */
  toArray(): (Cell<T, I, D> | null)[] {
    const all = new Array<Cell<T, I, D> | null>(this.length);
    if (this.#coded) {
      this.#coded.fill(all, this.validity);
      return all;
    }
    const cell = this.cells();
    for (let index = 0; index < all.length; index++) all[index] = cell(index);
    return all;
  }

  /**
   * The function that gives the value of a row of the column; it does not check that there is one.
   * @internal
   */
  cells(): (index: number) => Cell<T, I, D> | null {
    if (!this.#cells) {
      const cell = (this.#coded?.reader() ?? cellReader(this, this.#modes)) as (index: number) => Cell<T, I, D>;
      this.#cells = this.validity ? (index) => (this.#isNull(index) ? null : cell(index)) : cell;
    }
    return this.#cells;
  }

  /** All values in order. */
  *[Symbol.iterator](): IterableIterator<Cell<T, I, D> | null> {
    const cell = this.cells();
    for (let index = 0; index < this.length; index++) yield cell(index);
  }

  #check(index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return;
    throw invalid('index', `${index} is not a row between 0 and ${this.length - 1}`, this.name);
  }

  #isNull(index: number): boolean {
    return this.validity !== undefined && ((this.validity[index >> 3] ?? 0) >> (index & 7) & 1) === 0;
  }
}

/** A column of whichever type: `switch (column.type)` narrows it. */
export type AnyColumn<I extends Int64Mode = 'bigint', D extends DateMode = 'string'> = {
  [T in DataType]: Column<T, I, D>;
}[DataType];

/** Makes the function that gives one value; nulls are not its business. */
function cellReader(column: ColumnBuffers & { name: string }, modes: CellModes): (index: number) => unknown {
  const { values } = column;
  switch (column.type) {
    case 'int64':
    case 'uint64': {
      const wide = values as BigInt64Array | BigUint64Array;
      if (modes.int64 === 'string') return (index) => String(wide[index]);
      if (modes.int64 === 'bigint') return (index) => wide[index];
      return (index) => safeNumber(wide[index] ?? 0n, column.name, index);
    }
    case 'boolean': {
      const bits = values as Uint8Array;
      return (index) => ((bits[index >> 3] ?? 0) >> (index & 7) & 1) === 1;
    }
    case 'string':
      return textReader(values as Uint8Array, column.offsets ?? new Int32Array(1));
    case 'binary': {
      const offsets = column.offsets ?? new Int32Array(1);
      return (index) => (values as Uint8Array).slice(offsets[index], offsets[index + 1]);
    }
    case 'date': {
      const days = values as Int32Array;
      if (modes.dates === 'raw') return (index) => days[index];
      if (modes.dates === 'string') return (index) => formatDate(days[index] ?? 0);
      return (index) => exactDate((days[index] ?? 0) * DAY_MS, column.name, index);
    }
    case 'timestamp': {
      const counts = values as BigInt64Array;
      const unit = column.unit ?? 'us';
      if (modes.dates === 'raw') return (index) => counts[index];
      if (modes.dates === 'string') return (index) => formatTimestamp(counts[index] ?? 0n, unit, column.utc ?? false);
      return (index) => timestampDate(counts[index] ?? 0n, unit, column.name, index);
    }
    case 'decimal': {
      const halves = values as BigUint64Array;
      const scale = column.scale ?? 0;
      return (index) => {
        const high = BigInt.asIntN(64, halves[2 * index + 1] ?? 0n);
        return formatDecimal((high << 64n) | (halves[2 * index] ?? 0n), scale);
      };
    }
    default:
      return (index) => values[index];
  }
}

function safeNumber(value: bigint, column: string, row: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new NcfError('unsafe-value', `${value} in row ${row} is no exact number; use int64: 'bigint' or 'string'`, { column });
}

function exactDate(milliseconds: number, column: string, row: number): Date {
  if (Math.abs(milliseconds) <= MAX_DATE_DAYS * DAY_MS) return new Date(milliseconds);
  throw new NcfError('unsafe-value', `row ${row} is beyond the range of Date; use dates: 'string' or 'raw'`, { column });
}

function timestampDate(count: bigint, unit: TimeUnit, column: string, row: number): Date {
  const scaled = count * 1000n;
  if (scaled % PER_SECOND[unit] === 0n) return exactDate(Number(scaled / PER_SECOND[unit]), column, row);
  throw new NcfError('unsafe-value', `row ${row} has fractions of a millisecond, which Date cannot hold; use dates: 'string' or 'raw'`, { column });
}
