/**
 * Tables of the suite in the two forms in which programs have them: buffers in Arrow's layout, and JavaScript values.
 * The adapters of peers turn the one into the other here, too.
 */

import { readFileSync } from 'node:fs';

import { folder } from '../tables.mjs';

/**
 * @typedef {'int32' | 'int64' | 'float64' | 'timestamp' | 'string'} Type timestamps are microseconds since 1970
 * @typedef {Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>} Values
 *
 * @typedef {object} BufferColumn a column in Arrow's layout
 * @property {string} name
 * @property {Type} type
 * @property {number} length
 * @property {number} nullCount
 * @property {Uint8Array<ArrayBuffer>} [validity] bitmap, least significant bit first, 1 = not null
 * @property {Int32Array<ArrayBuffer>} [offsets] of text
 * @property {Values} values of text: UTF-8
 *
 * @typedef {object} ValueColumn a column as JavaScript values
 * @property {string} name
 * @property {Type} type
 * @property {Values | (number | bigint | string | null)[]} data a typed array; an array where there are nulls, or text
 *
 * @typedef {object} Table
 * @property {string} name
 * @property {number} rows
 * @property {BufferColumn[]} columns
 */

/** Typed array of each type. */
export const ARRAYS = { int32: Int32Array, int64: BigInt64Array, float64: Float64Array, timestamp: BigInt64Array, string: Uint8Array };

/**
 * Loads a table that tables.py made. Every buffer is an allocation of its own, as a program's would be.
 * @param {string} name
 * @returns {Table}
 */
export function loadTable(name) {
  const file = readFileSync(`${folder}/${name}.arrow`);
  const { start, rows, columns } = JSON.parse(file.toString('utf8', 4, 4 + file.readUInt32LE(0)));
  /** @type {<A>(constructor: new (buffer: ArrayBuffer) => A, range: [number, number]) => A} */
  const buffer = (constructor, [at, size]) => {
    const bytes = new Uint8Array(size);
    bytes.set(file.subarray(start + at, start + at + size));
    return new constructor(bytes.buffer);
  };
  return {
    name,
    rows,
    columns: columns.map((/** @type {any} */ column) => ({
      name: column.name,
      type: column.type,
      length: rows,
      nullCount: column.nullCount,
      ...(column.validity && { validity: buffer(Uint8Array, column.validity) }),
      ...(column.offsets && { offsets: buffer(Int32Array, column.offsets) }),
      values: buffer(ARRAYS[/** @type {Type} */ (column.type)], column.values),
    })),
  };
}

/**
 * Whether a row is not null.
 * @param {Uint8Array | undefined} validity
 * @param {number} row
 */
export function isValid(validity, row) {
  return validity === undefined || ((validity[row >> 3] ?? 0) >> (row & 7) & 1) === 1;
}

/**
 * A column as JavaScript values.
 * @param {BufferColumn} column
 * @returns {ValueColumn}
 */
export function toValues({ name, type, length, nullCount, validity, offsets, values }) {
  if (type !== 'string' && nullCount === 0) return { name, type, data: values };
  const decoder = new TextDecoder();
  const cell = offsets
    ? (/** @type {number} */ row) => decoder.decode(/** @type {Uint8Array} */ (values).subarray(offsets[row], offsets[row + 1]))
    : (/** @type {number} */ row) => /** @type {number | bigint} */ (values[row]);
  return { name, type, data: Array.from({ length }, (_, row) => (isValid(validity, row) ? cell(row) : null)) };
}

/**
 * JavaScript values as buffers, as fast as we know how to: text is joined and encoded at once.
 * @param {ValueColumn} column
 * @returns {BufferColumn}
 */
export function toBuffers({ name, type, data }) {
  if (!Array.isArray(data)) return { name, type, length: data.length, nullCount: 0, values: data };
  const { length } = data;
  let nullCount = 0;
  /** @type {Uint8Array<ArrayBuffer> | undefined} */
  let validity;
  for (let row = 0; row < length; row++) {
    if (data[row] !== null) continue;
    validity ??= new Uint8Array(Math.ceil(length / 8)).fill(255);
    validity[row >> 3] &= ~(1 << (row & 7));
    nullCount += 1;
  }
  const rest = { name, type, length, nullCount, ...(validity && { validity }) };
  if (type === 'string') return { ...rest, ...encodeText(/** @type {(string | null)[]} */ (data)) };
  const values = new ARRAYS[type](length);
  for (let row = 0; row < length; row++) if (data[row] !== null) values[row] = data[row];
  return { ...rest, values };
}

/**
 * Text as UTF-8 and offsets.
 * @param {readonly (string | null)[]} texts
 */
function encodeText(texts) {
  const encoder = new TextEncoder();
  const offsets = new Int32Array(texts.length + 1);
  // Array.prototype.join takes null for empty text.
  const joined = texts.join('');
  const bytes = new Uint8Array(joined.length);
  const { read, written } = encoder.encodeInto(joined, bytes);
  let at = 0;
  if (read === joined.length && written === joined.length) {
    for (let row = 0; row < texts.length; row++) offsets[row + 1] = at += texts[row]?.length ?? 0;
    return { offsets, values: bytes };
  }
  // Some text is not ASCII, so its lengths in bytes have to be found one by one.
  const room = new Uint8Array(3 * joined.length);
  for (const [row, text] of texts.entries()) {
    if (text) at += encoder.encodeInto(text, room.subarray(at)).written;
    offsets[row + 1] = at;
  }
  return { offsets, values: room.slice(0, at) };
}

/**
 * All text of an Arrow column's chunk as strings: decoded once and sliced where it is ASCII.
 * @param {Uint8Array} bytes that `offsets` point into
 * @param {Int32Array} offsets of `length + 1` positions
 * @param {number} length
 * @param {(row: number) => boolean} valid
 * @returns {(string | null)[]}
 */
export function sliceText(bytes, offsets, length, valid) {
  const decoder = new TextDecoder();
  const start = offsets[0] ?? 0;
  const used = bytes.subarray(start, offsets[length]);
  const text = decoder.decode(used);
  const ascii = text.length === used.length;
  /** @type {(string | null)[]} */
  const texts = new Array(length);
  for (let row = 0; row < length; row++) {
    const from = (offsets[row] ?? 0) - start;
    const to = (offsets[row + 1] ?? 0) - start;
    texts[row] = !valid(row) ? null : ascii ? text.slice(from, to) : decoder.decode(used.subarray(from, to));
  }
  return texts;
}
