/**
 * What people have, as canonical buffers: typed arrays, arrays with nulls, text, dates, and columns that were read.
 *
 * Nothing is rounded, wrapped or replaced on the way: a value that its type cannot hold is a `type-mismatch` that
 * names column and row.
 */

import { WORD } from './cells.js';
import { invalid, mismatch, NcfError } from './errors.js';
import type { DataType, TimeUnit } from './generated.js';
import { newBuffers, type BufferSupply } from './memory.js';
import { DAY_MS, parseDate, parseDecimal, parseTimestamp, PER_SECOND } from './temporal.js';
import type { ColumnBuffers, ValuesArray } from './wasm-types.js';

/** Buffers as `Column` has them: Arrow's layout. A `Column` that was read is one. */
export interface BufferInput {
  /** As `Column.values`. */
  readonly values: ValuesArray;
  /** As `Column.offsets`. */
  readonly offsets?: Int32Array<ArrayBuffer>;
  /** As `Column.validity`. */
  readonly validity?: Uint8Array<ArrayBuffer>;
  /** Number of rows; needed for booleans, else told by the arrays. */
  readonly length?: number;
  /** As `Column.type`. */
  readonly type?: DataType;
  /** As `Column.unit`. */
  readonly unit?: TimeUnit;
  /** As `Column.utc`. */
  readonly utc?: boolean;
  /** As `Column.precision`. */
  readonly precision?: number;
  /** As `Column.scale`. */
  readonly scale?: number;
}

/** A value that can be written; null and undefined are null. */
export type InputCell = boolean | number | bigint | string | Date | Uint8Array | ArrayBuffer | null | undefined;

/** Values of a column: a typed array, an array, or buffers. */
export type ColumnValues = ArrayBufferView | readonly InputCell[] | BufferInput;

/** How values are to be taken. */
export interface ConversionOptions {
  /** Name, for errors. */
  name: string;
  /** Wanted type; told by the values where it is missing. */
  type?: DataType | undefined;
  /** For timestamps: unit to store; default `us`. Integers are counts of it. */
  unit?: TimeUnit | undefined;
  /** For timestamps: whether they are instants in UTC; told by the values where it is missing. */
  utc?: boolean | undefined;
  /** For timestamps: whether they are instants in UTC where neither `utc` nor the values tell. */
  usualUtc?: boolean | undefined;
  /** For decimals: digits behind the point; default the most that a value has. */
  scale?: number | undefined;
  /** For decimals: digits; default 38. */
  precision?: number | undefined;
  /** For arrays: the rows that are wanted; default all. */
  rows?: { readonly start: number; readonly end: number } | undefined;
  /** Where buffers for what is made of an array come from; default new ones. */
  buffers?: BufferSupply | undefined;
}

/** A class of typed arrays. */
interface ArrayKind<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
}

const TYPED_ARRAYS: readonly [ArrayKind<ValuesArray>, DataType][] = [
  [Int8Array, 'int8'],
  [Int16Array, 'int16'],
  [Int32Array, 'int32'],
  [BigInt64Array, 'int64'],
  [Uint8Array, 'uint8'],
  [Uint16Array, 'uint16'],
  [Uint32Array, 'uint32'],
  [BigUint64Array, 'uint64'],
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
];

/** Smallest and largest value of each integer type. */
const INTEGER_RANGES: Partial<Record<DataType, readonly [bigint, bigint]>> = {
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 2n ** 8n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

const MAX_PRECISION = 38;

/**
 * Turns values into buffers.
 * @throws {NcfError} `type-mismatch`, `invalid-argument`
 */
export function toBuffers(values: ColumnValues, options: ConversionOptions): ColumnBuffers {
  if (isBuffers(values)) return fromBuffers(values, options);
  const { name } = options;
  if (ArrayBuffer.isView(values)) {
    const own = typedArray(values, name);
    if (options.type === undefined || options.type === own.type) return own;
    // Days and counts of a unit are what is stored.
    if (options.type === 'date' && own.type === 'int32') return { ...own, type: 'date' };
    if (options.type === 'timestamp' && own.type === 'int64') {
      return { ...own, type: 'timestamp', unit: timeUnit(options), utc: options.utc ?? options.usualUtc ?? false };
    }
    return fromArray(own.values, { ...options, type: options.type });
  }
  if (!Array.isArray(values)) throw invalid('data', 'is none of a typed array, an array, or buffers', name);
  const cells = values as readonly InputCell[];
  return fromArray(cells, { ...options, type: options.type ?? inferType(cells, name) });
}

/**
 * The type of an array of values whose parts can become buffers one by one, since all of it is known that they must have in
 * common; `undefined` for other arrays, and what is no array.
 * @throws {NcfError} `type-mismatch`, `invalid-argument`
 */
export function typeOfParts(values: ColumnValues, { name, type, utc, scale }: ConversionOptions): DataType | undefined {
  if (!Array.isArray(values)) return undefined;
  const own = type ?? inferType(values as readonly InputCell[], name);
  if ((own === 'timestamp' && utc === undefined) || (own === 'decimal' && scale === undefined)) return undefined;
  return own;
}

function isBuffers(values: ColumnValues): values is BufferInput {
  const candidate = values as Partial<BufferInput> | null;
  return !Array.isArray(values) && !ArrayBuffer.isView(values) && typeof candidate === 'object' && candidate?.values !== undefined;
}

function typedArray(view: ArrayBufferView, name: string): ColumnBuffers {
  const clamped = view instanceof Uint8ClampedArray ? new Uint8Array(view.buffer, view.byteOffset, view.length) : view;
  for (const [kind, type] of TYPED_ARRAYS) {
    if (clamped instanceof kind) return { type, length: clamped.length, values: clamped };
  }
  throw invalid('data', 'is no array of integers or floats', name);
}

function fromBuffers(input: BufferInput, options: ConversionOptions): ColumnBuffers {
  const { name } = options;
  const type = options.type ?? input.type ?? (input.offsets ? 'string' : typedArray(input.values, name).type);
  if (input.type !== undefined && input.type !== type) {
    throw mismatch(`expected ${type}, found a column of ${input.type}`, name);
  }
  const rows = type === 'decimal' ? input.values.length / 2 : input.offsets ? input.offsets.length - 1 : input.values.length;
  if (type === 'boolean' && input.length === undefined) throw invalid('length', 'is needed for a bitmap', name);
  const buffers: ColumnBuffers = { type, length: input.length ?? rows, values: input.values };
  if (input.offsets) buffers.offsets = input.offsets;
  if (input.validity) buffers.validity = input.validity;
  if (type === 'timestamp') {
    buffers.unit = agreed('unit', options.unit, input.unit, name) ?? 'us';
    buffers.utc = agreed('utc', options.utc, input.utc, name) ?? options.usualUtc ?? false;
  } else if (type === 'decimal') {
    const precision = options.precision ?? input.precision;
    if (precision !== undefined) buffers.precision = precision;
    buffers.scale = agreed('scale', options.scale, input.scale, name) ?? 0;
  }
  return buffers;
}

/** What option and buffers say; another number of digits or another zone would make other values of the same counts. */
function agreed<T extends string | number | boolean>(what: string, wanted: T | undefined, own: T | undefined, name: string): T | undefined {
  if (wanted !== undefined && own !== undefined && wanted !== own) {
    throw mismatch(`expected ${what} ${wanted}, found a column of ${what} ${own}`, name);
  }
  return wanted ?? own;
}

/** What a value is, for inference and errors. */
function kindOf(value: unknown): string {
  if (value instanceof Date) return 'Date';
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return 'bytes';
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'integer' : 'number';
  return typeof value;
}

function inferType(cells: readonly InputCell[], name: string): DataType {
  let kind: string | undefined;
  let hasBeyondInt64 = false;
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (cell === null || cell === undefined) continue;
    const own = kindOf(cell);
    if (typeof cell === 'bigint' && cell > 2n ** 63n - 1n) hasBeyondInt64 = true;
    if (kind === undefined || kind === own) kind = own;
    else if (kind === 'integer' && (own === 'number' || own === 'bigint')) kind = own;
    else if (own !== 'integer' || (kind !== 'number' && kind !== 'bigint')) {
      throw mismatch(`${own} among values of kind ${kind}`, name, row);
    }
  }
  switch (kind) {
    case 'integer':
      return 'int64';
    case 'bigint':
      return hasBeyondInt64 ? 'uint64' : 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
    case 'string':
      return kind;
    case 'Date':
      return 'timestamp';
    case 'bytes':
      return 'binary';
    case undefined:
      throw invalid('type', 'is needed for a column without values', name);
    default:
      throw mismatch(`values of kind ${kind} cannot be written`, name);
  }
}

function allSet(length: number): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array((length + 7) >> 3).fill(0xff);
  if ((length & 7) > 0) bits[bits.length - 1] = (1 << (length & 7)) - 1;
  return bits;
}

/*
 * Loops over the cells of common types are functions that see nothing but arrays, and stop where something is not as usual:
 * see js/cells.ts.
 */

function clearNulls(cells: ArrayLike<InputCell>, first: number, length: number, bits: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let row = 0; row < length; row++) {
    const cell = cells[first + row];
    if (cell === null || cell === undefined) bits[row >> 3] = (bits[row >> 3] ?? 0) & ~(1 << (row & 7));
  }
  return bits;
}

/**
 * Puts numbers from a row on into an array of so many, 0 for nulls, which it counts; the row where there is something else,
 * or the number of rows. Those are cells from `first` on.
 */
function putNumbers(values: Float32Array | Float64Array, cells: ArrayLike<InputCell>, first: number, start: number, nulls: Int32Array): number {
  for (let row = start; row < values.length; row++) {
    const cell = cells[first + row];
    if (typeof cell === 'number') values[row] = cell;
    else if (cell === null || cell === undefined) {
      nulls[0] = (nulls[0] ?? 0) + 1;
      values[row] = 0;
    } else return row;
  }
  return values.length;
}

/** The same for integers between two numbers. */
function putIntegers(values: Int32Array, cells: ArrayLike<InputCell>, first: number, start: number, low: number, high: number, nulls: Int32Array): number {
  for (let row = start; row < values.length; row++) {
    const cell = cells[first + row];
    if (typeof cell === 'number' && Number.isInteger(cell) && cell >= low && cell <= high) values[row] = cell;
    else if (cell === null || cell === undefined) {
      nulls[0] = (nulls[0] ?? 0) + 1;
      values[row] = 0;
    } else return row;
  }
  return values.length;
}

/** The same for integers of 64 bits, low halves first. */
function putWide(
  values: BigInt64Array | BigUint64Array, halves: Int32Array, cells: ArrayLike<InputCell>, first: number, low: bigint, high: bigint, nulls: Int32Array,
): number {
  const least = low < 0n ? -Infinity : 0;
  for (let row = 0; row < values.length; row++) {
    const cell = cells[first + row];
    if (typeof cell === 'number' && Number.isSafeInteger(cell) && cell >= least) {
      halves[2 * row] = cell;
      halves[2 * row + 1] = Math.floor(cell / WORD);
    } else if (typeof cell === 'bigint' && cell >= low && cell <= high) values[row] = cell;
    else if (cell === null || cell === undefined) {
      nulls[0] = (nulls[0] ?? 0) + 1;
      halves[2 * row] = 0;
      halves[2 * row + 1] = 0;
    } else return row;
  }
  return values.length;
}

/** Makes offsets of some rows in units of UTF-16, and counts them and nulls; the row where there is something else, or the end. */
function measureText(offsets: Int32Array, cells: ArrayLike<InputCell>, first: number, start: number, end: number, counts: Float64Array): number {
  let [units = 0, nulls = 0] = counts;
  let row = start;
  for (; row < end; row++) {
    const cell = cells[first + row];
    if (typeof cell === 'string') units += cell.length;
    else if (cell === null || cell === undefined) nulls += 1;
    else break;
    offsets[row + 1] = units;
  }
  counts[0] = units;
  counts[1] = nulls;
  return row;
}

/** Values of one column on their way to buffers. */
class Conversion {
  /** The values are those from `first` on. */
  readonly cells: ArrayLike<InputCell>;
  readonly first: number;
  readonly length: number;
  readonly name: string;
  readonly type: DataType;
  readonly #buffers: BufferSupply;
  validity: Uint8Array<ArrayBuffer> | undefined;

  constructor(cells: ArrayLike<InputCell>, { name, type, rows, buffers = newBuffers }: ConversionOptions & { type: DataType }) {
    this.cells = cells;
    this.first = rows?.start ?? 0;
    this.length = (rows?.end ?? cells.length) - this.first;
    this.name = name;
    this.type = type;
    this.#buffers = buffers;
  }

  /** The value of a row. */
  cell(row: number): InputCell {
    return this.cells[this.first + row];
  }

  /** Calls back for every value; nulls are noted. */
  each(body: (value: Exclude<InputCell, null | undefined>, row: number) => void): void {
    for (let row = 0; row < this.length; row++) {
      const value = this.cells[this.first + row];
      if (value === null || value === undefined) this.setNull(row);
      else body(value, row);
    }
  }

  /** An array of so many values, with anything in it. */
  array<T>(kind: ArrayKind<T>, length: number): T {
    return new kind(this.#buffers.take(kind.BYTES_PER_ELEMENT * length), 0, length);
  }

  /** An array of zeros. */
  zeros<T extends ValuesArray>(kind: ArrayKind<T>, length: number): T {
    const array = this.array(kind, length);
    new Uint8Array(array.buffer, 0, array.byteLength).fill(0);
    return array;
  }

  setNull(row: number): void {
    this.validity ??= allSet(this.length);
    const at = row >> 3;
    this.validity[at] = (this.validity[at] ?? 0) & ~(1 << (row & 7));
  }

  /** Notes the nulls of which a loop has counted so many. */
  setNulls(count: number): void {
    if (count > 0) this.validity = clearNulls(this.cells, this.first, this.length, allSet(this.length));
  }

  refuse(expected: string, value: unknown, row: number): NcfError {
    const seen = typeof value === 'string' ? JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value) : value instanceof Uint8Array ? 'bytes' : String(value);
    return mismatch(`expected ${expected}, found ${kindOf(value)} ${seen}`, this.name, this.first + row);
  }

  finish(values: ValuesArray, more: Partial<ColumnBuffers> = {}): ColumnBuffers {
    const buffers: ColumnBuffers = { type: this.type, length: this.length, values, ...more };
    if (this.validity) buffers.validity = this.validity;
    return buffers;
  }
}

function fromArray(cells: ArrayLike<InputCell>, options: ConversionOptions & { type: DataType }): ColumnBuffers {
  const conversion = new Conversion(cells, options);
  switch (options.type) {
    case 'string':
      return textBuffers(conversion);
    case 'binary':
      return binaryBuffers(conversion);
    case 'boolean':
      return booleanBuffers(conversion);
    case 'date':
      return dateBuffers(conversion);
    case 'timestamp':
      return timestampBuffers(conversion, options);
    case 'decimal':
      return decimalBuffers(conversion, options);
    case 'float32':
    case 'float64':
      return floatBuffers(conversion, options.type);
    default:
      return integerBuffers(conversion, options.type);
  }
}

function arrayKind(type: DataType): ArrayKind<ValuesArray> {
  const known = TYPED_ARRAYS.find(([, of]) => of === type);
  if (!known) throw invalid('type', `${String(type)} is not a data type`);
  return known[0];
}

function integerBuffers(conversion: Conversion, type: DataType): ColumnBuffers {
  const { cells, first, length } = conversion;
  const values = conversion.array(arrayKind(type), length);
  const [min, max] = INTEGER_RANGES[type] ?? [0n, 0n];
  const nulls = new Int32Array(1);
  const refuse = (row: number): NcfError => conversion.refuse(`${type} (${min} to ${max})`, conversion.cell(row), row);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const row = putWide(values, new Int32Array(values.buffer), cells, first, min, max, nulls);
    if (row < length) throw refuse(row);
  } else {
    const [low, high] = [Number(min), Number(max)];
    const numbers = values as Int32Array;
    for (let row = putIntegers(numbers, cells, first, 0, low, high, nulls); row < length; row = putIntegers(numbers, cells, first, row + 1, low, high, nulls)) {
      const cell = conversion.cell(row);
      const number = typeof cell === 'bigint' ? Number(cell) : NaN;
      if (!(number >= low && number <= high)) throw refuse(row);
      numbers[row] = number;
    }
  }
  conversion.setNulls(nulls[0] ?? 0);
  return conversion.finish(values);
}

function floatBuffers(conversion: Conversion, type: 'float32' | 'float64'): ColumnBuffers {
  const { cells, first, length } = conversion;
  const values = type === 'float32' ? conversion.array(Float32Array, length) : conversion.array(Float64Array, length);
  const nulls = new Int32Array(1);
  for (let row = putNumbers(values, cells, first, 0, nulls); row < length; row = putNumbers(values, cells, first, row + 1, nulls)) {
    const cell = conversion.cell(row);
    if (typeof cell !== 'bigint' || BigInt(Number(cell)) !== cell) throw conversion.refuse(type, cell, row);
    values[row] = Number(cell);
  }
  // Rounding to 32 bits was asked for; becoming infinite was not.
  const row = type === 'float32' ? values.findIndex((value, at) => !Number.isFinite(value) && Number.isFinite(Number(conversion.cell(at)))) : -1;
  if (row >= 0) throw conversion.refuse(type, conversion.cell(row), row);
  conversion.setNulls(nulls[0] ?? 0);
  return conversion.finish(values);
}

function booleanBuffers(conversion: Conversion): ColumnBuffers {
  const bits = conversion.zeros(Uint8Array, (conversion.length + 7) >> 3);
  conversion.each((value, row) => {
    const bit = typeof value === 'boolean' ? value : value === 1 ? true : value === 0 ? false : undefined;
    if (bit === undefined) throw conversion.refuse('boolean', value, row);
    if (bit) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  });
  return conversion.finish(bits);
}

const MAX_COLUMN_BYTES = 2 ** 31 - 1;

/** A surrogate without its other half, which UTF-8 has no bytes for. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

function textBuffers(conversion: Conversion): ColumnBuffers {
  const { cells, first, length } = conversion;
  const offsets = conversion.array(Int32Array, length + 1);
  offsets[0] = 0;
  const counts = new Float64Array(2);
  const short = new ShortText(conversion, offsets);
  // Text that was looked at is near for the next look.
  for (let start = 0; start < length; start += ROWS_AT_ONCE) {
    const end = Math.min(start + ROWS_AT_ONCE, length);
    const row = measureText(offsets, cells, first, start, end, counts);
    if (row < end) throw conversion.refuse('string', conversion.cell(row), row);
    checkSize(counts[0] ?? 0, conversion);
    short.add(start, end);
  }
  const [units = 0, nulls = 0] = counts;
  conversion.setNulls(nulls);
  const ascii = short.finish();
  if (ascii) return conversion.finish(ascii, { offsets });
  return conversion.finish(encodeText(conversion, offsets, units), { offsets });
}

/**
 * The bytes of text. Some rows at a time become one string, and that bytes, in two calls: strings of whole columns would be
 * garbage of their size.
 * @param conversion of the text
 * @param offsets in UTF-16 units, which become those of bytes
 * @param units of all rows
 */
function encodeText(conversion: Conversion, offsets: Int32Array, units: number): Uint8Array<ArrayBuffer> {
  const { cells, first, length } = conversion;
  const encoder = new TextEncoder();
  let bytes = conversion.array(Uint8Array, Math.min(MAX_COLUMN_BYTES, units + 16));
  let [size, unitsBefore] = [0, 0];
  const makeRoom = (more: number): void => {
    if (size + more <= bytes.length || bytes.length === MAX_COLUMN_BYTES) return;
    const grown = conversion.array(Uint8Array, Math.min(MAX_COLUMN_BYTES, Math.max(size + more, Math.ceil(bytes.length * 1.5))));
    grown.set(bytes.subarray(0, size));
    bytes = grown;
  };
  for (let start = 0; start < length; start += ROWS_AT_ONCE) {
    const end = Math.min(start + ROWS_AT_ONCE, length);
    const unitsEnd = offsets[end] ?? 0;
    makeRoom(unitsEnd - unitsBefore);
    // Takes null for empty text.
    const joined = Array.prototype.slice.call(cells, first + start, first + end).join('');
    const { read, written } = encoder.encodeInto(joined, bytes.subarray(size));
    if (read === joined.length && written === unitsEnd - unitsBefore) {
      // ASCII, whose lengths in units are lengths in bytes.
      if (size !== unitsBefore) for (let row = start + 1; row <= end; row++) offsets[row] = (offsets[row] ?? 0) + size - unitsBefore;
      size += written;
    } else {
      for (let row = start; row < end; row++) {
        const cell = cells[first + row];
        const text = typeof cell === 'string' ? cell : '';
        if (LONE_SURROGATE.test(text)) throw conversion.refuse('text without lone surrogates', text, row);
        makeRoom(3 * text.length);
        const one = encoder.encodeInto(text, bytes.subarray(size));
        size += one.written;
        // There was as much room as a column can have.
        if (one.read < text.length) checkSize(MAX_COLUMN_BYTES + 1, conversion);
        offsets[row + 1] = size;
      }
    }
    unitsBefore = unitsEnd;
  }
  return bytes.subarray(0, size);
}

/** Mean length of text up to which it is quicker to take its characters one by one. */
const SHORT_TEXT = 16;

const ROWS_AT_ONCE = 1024;

/** The characters of text, as long as all of them are ASCII, and it is short. */
class ShortText {
  readonly #conversion: Conversion;
  readonly #offsets: Int32Array;
  #bytes: Uint8Array<ArrayBuffer> | undefined = new Uint8Array();

  /**
   * @param conversion of the text
   * @param offsets of its characters, of those rows that are added
   */
  constructor(conversion: Conversion, offsets: Int32Array) {
    this.#conversion = conversion;
    this.#offsets = offsets;
  }

  add(start: number, end: number): void {
    if (!this.#bytes) return;
    const { cells, first, length } = this.#conversion;
    const size = this.#offsets[end] ?? 0;
    if (size > this.#bytes.length) {
      // As much as all rows would take, and somewhat more.
      const grown = this.#conversion.array(Uint8Array, Math.min(MAX_COLUMN_BYTES, Math.ceil((size / end) * length * 1.02) + 64));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    if (size > SHORT_TEXT * end || !putAscii(this.#bytes, cells, first, this.#offsets, start, end)) this.#bytes = undefined;
  }

  /** Text of all rows; `undefined` where it is something else. */
  finish(): Uint8Array<ArrayBuffer> | undefined {
    return this.#bytes?.subarray(0, this.#offsets[this.#conversion.length]);
  }
}

/** Puts the text of some rows to its offsets; false where there is something else than ASCII. */
function putAscii(bytes: Uint8Array, cells: ArrayLike<InputCell>, first: number, offsets: Int32Array, start: number, end: number): boolean {
  let all = 0;
  for (let row = start; row < end; row++) {
    const text = cells[first + row];
    if (typeof text !== 'string') continue;
    const to = offsets[row] ?? 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      all |= code;
      bytes[to + at] = code;
    }
  }
  return all <= 0x7f;
}

/** Turns lengths into offsets. */
function accumulate(offsets: Int32Array): void {
  for (let row = 1; row < offsets.length; row++) offsets[row] = (offsets[row] ?? 0) + (offsets[row - 1] ?? 0);
}

function checkSize(bytes: number, { name }: Conversion): void {
  if (bytes <= MAX_COLUMN_BYTES) return;
  throw new NcfError('limit-exceeded', `${bytes} bytes are over the limit of ${MAX_COLUMN_BYTES} for one column`, { column: name });
}

function binaryBuffers(conversion: Conversion): ColumnBuffers {
  const offsets = new Int32Array(conversion.length + 1);
  const parts: Uint8Array[] = [];
  let size = 0;
  conversion.each((value, row) => {
    const bytes = value instanceof Uint8Array ? value : value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
    if (!bytes) throw conversion.refuse('bytes (Uint8Array or ArrayBuffer)', value, row);
    size += bytes.byteLength;
    offsets[row + 1] = bytes.byteLength;
    parts.push(bytes);
  });
  checkSize(size, conversion);
  accumulate(offsets);
  const values = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.byteLength;
  }
  return conversion.finish(values, { offsets });
}

function dateBuffers(conversion: Conversion): ColumnBuffers {
  const values = conversion.zeros(Int32Array, conversion.length);
  conversion.each((value, row) => {
    const days = value instanceof Date ? value.getTime() / DAY_MS : typeof value === 'string' ? parseDate(value) : typeof value === 'bigint' ? Number(value) : value;
    if (typeof days !== 'number' || !Number.isInteger(days) || days !== days << 0) {
      throw conversion.refuse("a date (Date at midnight UTC, 'YYYY-MM-DD', or days since 1970)", value, row);
    }
    values[row] = days;
  });
  return conversion.finish(values);
}

const NS = PER_SECOND.ns;
const [MIN_INT64, MAX_INT64] = INTEGER_RANGES.int64 ?? [0n, 0n];

function timeUnit({ unit = 'us', name }: ConversionOptions): TimeUnit {
  if (!(unit in PER_SECOND)) throw invalid('unit', `${String(unit)} is not one of 's', 'ms', 'us', 'ns'`, name);
  return unit;
}

function timestampBuffers(conversion: Conversion, options: ConversionOptions): ColumnBuffers {
  const unit = timeUnit(options);
  const nanoseconds = NS / PER_SECOND[unit];
  const values = conversion.zeros(BigInt64Array, conversion.length);
  let zoned = 0;
  let local = 0;
  conversion.each((value, row) => {
    let count: bigint | undefined;
    if (value instanceof Date) {
      zoned += 1;
      if (!Number.isNaN(value.getTime())) count = exactCount(BigInt(value.getTime()) * 1_000_000n, nanoseconds);
    } else if (typeof value === 'string') {
      const parsed = parseTimestamp(value);
      if (parsed) {
        if (parsed.utc) zoned += 1;
        else local += 1;
        count = exactCount(parsed.nanoseconds, nanoseconds);
      }
    } else if (typeof value === 'bigint') {
      count = value;
    } else if (typeof value === 'number' && Number.isSafeInteger(value)) {
      count = BigInt(value);
    }
    if (count === undefined || count < MIN_INT64 || count > MAX_INT64) {
      throw conversion.refuse(`a timestamp (Date, ISO 8601 text, or count of ${unit}) that is a whole number of ${unit}`, value, row);
    }
    values[row] = count;
  });
  if (options.utc === undefined && zoned > 0 && local > 0) {
    throw mismatch('timestamps with and without zone in one column; set utc', options.name);
  }
  const seen = zoned > 0 ? true : local > 0 ? false : undefined;
  return conversion.finish(values, { unit, utc: options.utc ?? seen ?? options.usualUtc ?? false });
}

/** The count, if it is whole. */
function exactCount(nanoseconds: bigint, perCount: bigint): bigint | undefined {
  return nanoseconds % perCount === 0n ? nanoseconds / perCount : undefined;
}

function decimalBuffers(conversion: Conversion, options: ConversionOptions): ColumnBuffers {
  const precision = options.precision ?? MAX_PRECISION;
  const parsed: ({ unscaled: bigint; scale: number } | undefined)[] = [];
  let widest = 0;
  conversion.each((value, row) => {
    const decimal =
      typeof value === 'string' ? parseDecimal(value)
      : typeof value === 'bigint' ? { unscaled: value, scale: 0 }
      : typeof value === 'number' && Number.isSafeInteger(value) ? { unscaled: BigInt(value), scale: 0 }
      : undefined;
    if (!decimal) throw conversion.refuse("a decimal (text such as '1.50', bigint or whole number)", value, row);
    parsed[row] = decimal;
    widest = Math.max(widest, decimal.scale);
  });
  const scale = options.scale ?? widest;
  if (!Number.isInteger(precision) || precision < 1 || precision > MAX_PRECISION || !Number.isInteger(scale) || scale < 0 || scale > precision) {
    throw invalid('precision', `precision ${precision} and scale ${scale} (allowed: 1 to ${MAX_PRECISION}, scale at most that)`, options.name);
  }
  const limit = 10n ** BigInt(precision);
  const values = conversion.zeros(BigUint64Array, 2 * conversion.length);
  conversion.each((value, row) => {
    const { unscaled, scale: own } = parsed[row] ?? { unscaled: 0n, scale: 0 };
    const shift = 10n ** BigInt(Math.abs(scale - own));
    const exact = own <= scale ? unscaled * shift : unscaled % shift === 0n ? unscaled / shift : undefined;
    if (exact === undefined || exact <= -limit || exact >= limit) {
      throw conversion.refuse(`a decimal of at most ${precision} digits, ${scale} of them behind the point`, value, row);
    }
    values[2 * row] = BigInt.asUintN(64, exact);
    values[2 * row + 1] = BigInt.asUintN(64, exact >> 64n);
  });
  return conversion.finish(values, { precision, scale });
}
