/** Parts of a column, row group by row group in any order, put together to one. */

import { moveOffsets, sizeOfText } from '../coded-text.js';
import { NcfError } from '../errors.js';
import { allocate, recycle } from '../memory.js';
import type { ColumnData, OpenArrays, TextPart, ValuesArray } from '../wasm-types.js';

/** Most bytes of text of one column: offsets are of 32 bits. */
const MAX_BYTES = 2 ** 31 - 1;

/** Whether parts that start with these rows can be put together: bitmaps by whole bytes. */
export function canJoin(starts: readonly number[]): boolean {
  return starts.every((start) => start % 8 === 0);
}

/** A part, and the row that it starts with. */
interface Part {
  readonly start: number;
  readonly data: ColumnData;
}

/** One column of so many rows that comes in parts. */
export class JoinedColumn {
  readonly #numRows: number;
  readonly #parts: Part[] = [];
  /** Whether the arrays come with the first part, and that is not there yet. */
  #isWaiting: boolean;
  #values: ValuesArray | undefined;
  #text: JoinedText | undefined;

  /**
   * @param numRows of all parts together
   * @param isPrepared whether the first part comes in arrays of the final size, but for bits and the bytes of text
   */
  constructor(numRows: number, isPrepared: boolean) {
    this.#numRows = numRows;
    this.#isWaiting = isPrepared;
  }

  /** Tells the arrays of the final size in which the first part will come, before it does. */
  prepare({ values, offsets }: OpenArrays): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    if (offsets) this.#text = new JoinedText(offsets);
    else this.#values = values;
    this.#parts.forEach((part) => { this.#place(part); });
  }

  /** Adds the part that starts with row `start`, which `canJoin`. */
  add(start: number, data: ColumnData): void {
    this.#parts.push({ start, data });
    this.#parts.sort((a, b) => a.start - b.start);
    if (data.length === this.#numRows || (this.#isWaiting && start > 0)) return;
    if (this.#isWaiting) this.prepare(arraysOf(data));
    else this.#place({ start, data });
  }

  #place({ start, data }: Part): void {
    if (!data.values) return;
    if (data.offsets) {
      this.#text ??= new JoinedText(new Int32Array(allocate(4 * (this.#numRows + 1))).fill(0, 0, 1));
      this.#text.place(this.#parts);
      return;
    }
    const width = widthOf(data);
    this.#values ??= uncleared(data.values, Math.ceil(this.#numRows * width));
    // Those of a first part can have room for others.
    if (this.#values.buffer !== data.values.buffer) {
      put(this.#values, data.values.subarray(0, Math.ceil(data.length * width)), start * width);
      recycle(data.values.buffer);
    }
    // The values of the part need not stay, nor what is behind a view of them.
    data.values = uncleared(data.values, 0);
  }

  /**
   * The column.
   * @param name for errors
   * @throws {NcfError} `limit-exceeded` for more text than offsets of 32 bits can tell apart
   */
  take(name: string): ColumnData | undefined {
    const all = this.#parts.map(({ data }) => data);
    const [first] = all;
    if (!first || all.length === 1) return first;
    const bytes = first.offsets ?? first.parts ? all.reduce((sum, data) => sum + sizeOfText(partsOf(data)), 0) : 0;
    if (bytes > MAX_BYTES) throw new NcfError('limit-exceeded', `bytes of one column: ${bytes} exceeds the limit of ${MAX_BYTES}`, { column: name });
    const joined: ColumnData = {
      ...first, length: this.#numRows, nullCount: all.reduce((sum, { nullCount }) => sum + nullCount, 0), warnings: unique(all.flatMap(({ warnings }) => warnings)),
    };
    if (this.#values) joined.values = this.#values;
    delete joined.base;
    delete joined.validity;
    if (all.some(({ validity }) => validity)) joined.validity = joinBits(this.#parts, this.#numRows);
    if (all.some(({ parts }) => parts)) {
      delete joined.values;
      delete joined.offsets;
      joined.parts = all.flatMap(partsOf);
    } else if (this.#text) {
      Object.assign(joined, this.#text.take(this.#parts));
    }
    return joined;
  }
}

/** Text that comes in parts: offsets are made as soon as the parts before are there. */
class JoinedText {
  readonly #offsets: Int32Array<ArrayBuffer>;
  /** Parts, rows and bytes whose offsets were made. */
  #placed = 0;
  #rows = 0;
  #bytes = 0;

  /** @param offsets of all rows, to be made; those of the first part can be there */
  constructor(offsets: Int32Array<ArrayBuffer>) {
    this.#offsets = offsets;
  }

  /** Makes the offsets of the parts, as they are there in order, that follow those before. */
  place(parts: readonly Part[]): void {
    for (let part = parts[this.#placed]; part?.start === this.#rows; part = parts[this.#placed]) {
      const { values, offsets, length, base = 0 } = part.data;
      // Codes have none, and then nor has the whole.
      if (!values || !offsets) return;
      if (offsets !== this.#offsets) moveOffsets(this.#offsets, this.#rows + 1, offsets.subarray(1, length + 1), this.#bytes - base);
      this.#bytes += values.length;
      this.#rows += length;
      this.#placed += 1;
    }
  }

  take(parts: readonly Part[]): { values: Uint8Array<ArrayBuffer>; offsets: Int32Array<ArrayBuffer> } {
    const first = parts[0]?.data.values?.buffer;
    // The first part can have brought an array for all.
    const values = new Uint8Array(first?.byteLength === this.#bytes ? first : allocate(this.#bytes));
    let end = 0;
    for (const { data } of parts) {
      const own = data.values ?? new Uint8Array();
      if (own.buffer !== values.buffer) put(values, own, end);
      end += own.length;
    }
    return { values, offsets: this.#offsets };
  }
}

/** Text as parts. */
function partsOf({ parts, values, offsets, length }: ColumnData): TextPart[] {
  if (parts) return parts;
  return values && offsets ? [{ values: values as Uint8Array<ArrayBuffer>, offsets, length }] : [];
}

/** What a first part brought for all rows. */
function arraysOf({ type, values, offsets }: ColumnData): OpenArrays {
  if (offsets) return { offsets };
  return values && type !== 'boolean' ? { values } : {};
}

/** Elements of the array of values per row. */
function widthOf({ type }: ColumnData): number {
  if (type === 'boolean') return 1 / 8;
  return type === 'decimal' ? 2 : 1;
}

/** An array of the same kind, which the caller fills. */
function uncleared(like: ValuesArray, length: number): ValuesArray {
  return new (like.constructor as new (buffer: ArrayBuffer) => ValuesArray)(allocate(like.BYTES_PER_ELEMENT * length));
}

function put(to: ValuesArray, from: ValuesArray, at: number): void {
  // Both are of one kind.
  (to as Uint8Array).set(from as Uint8Array, at);
}

/** Bitmaps of parts; those that have none have no null. */
function joinBits(parts: readonly Part[], numRows: number): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(Math.ceil(numRows / 8));
  for (const { start, data: { length, validity } } of parts) {
    if (validity) {
      bits.set(validity, start / 8);
      continue;
    }
    const end = start + length;
    bits.fill(0xff, start / 8, end >> 3);
    if (end & 7) bits[end >> 3] = (1 << (end & 7)) - 1;
  }
  return bits;
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
