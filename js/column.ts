/** Columns: typed arrays that JavaScript owns, and values one by one. */

import {
  BigIntCells, BigIntTextCells, BinaryCells, BooleanCells, DateCells, DateTextCells, DecimalCells, NumberCells, SafeNumberCells, TimestampCells, TimestampTextCells,
  isNull, type Cells,
} from './cells.js';
import { areCoded, arraysOfPart, CodedText, expandText, sizeOfText, type TextBuffers } from './coded-text.js';
import { invalid, NcfError } from './errors.js';
import type { DataType, TimeUnit } from './generated.js';
import { PlainText } from './text.js';
import type { Cell, DateMode, Int64Mode, ValuesByType } from './types.js';
import type { ColumnData, TextPart, ValuesArray } from './wasm-types.js';

/** How values are given. */
export interface CellModes {
  readonly int64: Int64Mode;
  readonly dates: DateMode;
}

/**
 * One column of a table that was read. Its arrays are plain copies: nothing but `Table.release` detaches them, and they can
 * be transferred to a worker.
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
  /**
   * The values in Arrow's layout, one per row but for `boolean` (bits), `decimal` (two per row) and text and binary. Under
   * a null anything. Those of strings that the file has a dictionary of are made when they, or their offsets, are first
   * asked for: `get`, `toArray` and rows do not need them. Where there is no memory for them, that throws `out-of-memory`.
   */
  declare readonly values: ValuesByType[T];
  /** For `string` and `binary`: row `i` is `values.subarray(offsets[i], offsets[i + 1])`. */
  declare readonly offsets?: Int32Array<ArrayBuffer>;
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

  #makeCells: () => Cells;
  #cells: Cells | undefined;
  readonly #parts: readonly TextPart[] | undefined;

  /** @internal */
  constructor(name: string, data: ColumnData, modes: CellModes) {
    this.name = name;
    this.type = data.type as T;
    this.length = data.length;
    this.nullCount = data.nullCount;
    if (data.parts) {
      defineText(this, data.parts);
    } else {
      this.values = data.values as ValuesByType[T];
      if (data.offsets) this.offsets = data.offsets;
    }
    if (data.validity) this.validity = data.validity;
    if (data.unit !== undefined) this.unit = data.unit;
    if (data.utc !== undefined) this.utc = data.utc;
    if (data.precision !== undefined) this.precision = data.precision;
    if (data.scale !== undefined) this.scale = data.scale;
    this.#parts = data.parts;
    this.#makeCells = () => makeCells(this, data, modes);
  }

  /**
   * Gives up what the column holds; who asks for a value later is told that it was released.
   * @returns its buffers, which arrays elsewhere still show
   * @internal
   */
  release(): ArrayBuffer[] {
    const stop = (): never => {
      throw new NcfError('closed', 'the table was released', { column: this.name });
    };
    const { validity } = this;
    const made = (['values', 'offsets'] as const).map((key) => Object.getOwnPropertyDescriptor(this, key)?.value as ValuesArray | undefined);
    for (const key of ['values', 'offsets', 'validity']) Object.defineProperty(this, key, { enumerable: true, configurable: true, get: stop });
    this.#cells = undefined;
    this.#makeCells = stop;
    return [...made, validity, ...(this.#parts ?? []).flatMap(arraysOfPart)].flatMap((array) => array?.buffer ?? []);
  }

  /**
   * Whether row `index` is null.
   * @throws {NcfError} `invalid-argument` for a row that is not there
   */
  isNull(index: number): boolean {
    this.#check(index);
    return isNull(this.validity, index);
  }

  /**
   * Value of row `index`, or null.
   * @throws {NcfError} `invalid-argument` for a row that is not there, `unsafe-value` where the chosen type cannot hold the value
   */
  get(index: number): Cell<T, I, D> | null {
    this.#check(index);
    return this.cells().at(index) as Cell<T, I, D> | null;
  }

  /**
   * All values, nulls included.
   * @throws {NcfError} `unsafe-value` where the chosen type cannot hold a value
   */
  toArray(): (Cell<T, I, D> | null)[] {
    const all = new Array<Cell<T, I, D> | null>(this.length);
    this.cells().fill(all, 0, this.length);
    return all;
  }

  /**
   * The cells of the rows; they do not check that there is such a row.
   * @internal
   */
  cells(): Cells {
    return (this.#cells ??= this.#makeCells());
  }

  /** All values in order. */
  *[Symbol.iterator](): IterableIterator<Cell<T, I, D> | null> {
    const cells = this.cells();
    for (let index = 0; index < this.length; index++) yield cells.at(index) as Cell<T, I, D> | null;
  }

  #check(index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return;
    throw invalid('index', `${index} is not a row between 0 and ${this.length - 1}`, this.name);
  }
}

/** A column of whichever type: `switch (column.type)` narrows it. */
export type AnyColumn<I extends Int64Mode = 'bigint', D extends DateMode = 'string'> = {
  [T in DataType]: Column<T, I, D>;
}[DataType];

/** Lets a column make its bytes when they are asked for; they are own properties like any other. */
function defineText(column: { readonly name: string; readonly length: number }, parts: readonly TextPart[]): void {
  const property = (key: keyof TextBuffers): PropertyDescriptor => ({ enumerable: true, configurable: true, get: () => made()[key] });
  const made = (): TextBuffers => {
    const buffers = expanded(parts, column);
    for (const key of ['values', 'offsets'] as const) Object.defineProperty(column, key, { enumerable: true, configurable: true, writable: true, value: buffers[key] });
    return buffers;
  };
  Object.defineProperties(column, { values: property('values'), offsets: property('offsets') });
}

function expanded(parts: readonly TextPart[], { name, length }: { readonly name: string; readonly length: number }): TextBuffers {
  try {
    return expandText(parts, length);
  } catch (cause) {
    const message = `there is no memory for ${sizeOfText(parts)} bytes of text and ${length + 1} offsets, in column ${JSON.stringify(name)}`;
    throw new NcfError('out-of-memory', message, { cause, column: name });
  }
}

/** The cells of a column in the forms that were asked for. */
function makeCells(own: { readonly name: string; readonly values: ValuesArray; readonly offsets?: Int32Array }, column: ColumnData, modes: CellModes): Cells {
  const { parts, validity } = column;
  if (parts && areCoded(parts)) return new CodedText(parts, validity);
  const { name, values, offsets = new Int32Array(1) } = own;
  switch (column.type) {
    case 'int64':
    case 'uint64': {
      const wide = values as BigInt64Array | BigUint64Array;
      if (modes.int64 === 'string') return new BigIntTextCells(wide, validity);
      if (modes.int64 === 'bigint') return new BigIntCells(wide, validity);
      return new SafeNumberCells(wide, validity, name);
    }
    case 'boolean':
      return new BooleanCells(values as Uint8Array, validity);
    case 'string':
      return new PlainText(values as Uint8Array, offsets, validity);
    case 'binary':
      return new BinaryCells(values as Uint8Array, offsets, validity);
    case 'date': {
      const days = values as Int32Array;
      if (modes.dates === 'raw') return new NumberCells(days, validity);
      return modes.dates === 'string' ? new DateTextCells(days, validity) : new DateCells(days, validity, name);
    }
    case 'timestamp': {
      const counts = values as BigInt64Array;
      const unit = column.unit ?? 'us';
      if (modes.dates === 'raw') return new BigIntCells(counts, validity);
      if (modes.dates === 'string') return new TimestampTextCells(counts, unit, column.utc ?? false, validity);
      return new TimestampCells(counts, unit, validity, name);
    }
    case 'decimal':
      return new DecimalCells(values as BigUint64Array, column.scale ?? 0, validity);
    default:
      return new NumberCells(values as ArrayLike<number>, validity);
  }
}
