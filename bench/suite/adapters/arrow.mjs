/** Arrow IPC by apache-arrow; parquet-wasm's adapter uses parts of it, since its tables arrive as Arrow IPC. */

import * as arrow from 'apache-arrow';

import { isValid, sliceText, toBuffers } from '../data.mjs';

/** @typedef {import('../data.mjs').BufferColumn} BufferColumn */

const TYPES = {
  int32: () => new arrow.Int32(),
  int64: () => new arrow.Int64(),
  float64: () => new arrow.Float64(),
  timestamp: () => new arrow.TimestampMicrosecond(),
  string: () => new arrow.Utf8(),
};

/**
 * Buffers as a table of apache-arrow, nothing copied.
 * @param {readonly BufferColumn[]} columns
 */
export function toArrow(columns) {
  const fields = columns.map(({ name, type, nullCount }) => new arrow.Field(name, TYPES[type](), nullCount > 0));
  const schema = new arrow.Schema(fields);
  const children = columns.map(({ type, length, nullCount, validity, offsets, values }) => arrow.makeData(/** @type {any} */ ({
    type: TYPES[type](),
    length,
    nullCount,
    ...(validity && { nullBitmap: validity }),
    ...(offsets && { valueOffsets: offsets }),
    data: values,
  })));
  const data = arrow.makeData({ type: new arrow.Struct(fields), length: columns[0]?.length ?? 0, nullCount: 0, children });
  return new arrow.Table(schema, new arrow.RecordBatch(schema, data));
}

/**
 * How a table of apache-arrow is looked at, whoever made it.
 * @param {{ slice: boolean }} options whether text is decoded at once and sliced (our code), or got value by value
 */
export function tableReads({ slice }) {
  /** @param {arrow.Vector} vector */
  const texts = (vector) => {
    if (!slice) return vector.toJSON();
    return vector.data.map(({ values, valueOffsets, nullBitmap, nullCount, offset, length }) =>
      sliceText(values, valueOffsets, length, nullCount === 0 ? () => true : (row) => isValid(nullBitmap, offset + row)));
  };
  /** @param {arrow.Table} table */
  const values = (table) => table.schema.fields.map(({ name }, index) => {
    const vector = /** @type {arrow.Vector} */ (table.getChildAt(index));
    return { name, data: arrow.DataType.isUtf8(vector.type) ? texts(vector) : vector };
  });
  return {
    /**
     * @param {arrow.Table} table
     * @param {string} name
     */
    text: (table, name) => texts(/** @type {arrow.Vector} */ (table.getChild(name))),
    values,
    /** @param {arrow.Table} table */
    rows: (table) => table.toArray().map((row) => row.toJSON()),
    /**
     * Rows whose value is at least `least`, found in the column's own array.
     * @param {arrow.Table} table
     * @param {{ column: string, least: number }} filter
     */
    filtered(table, { column, least }) {
      /** @type {unknown[]} */
      const rows = [];
      let start = 0;
      for (const data of /** @type {arrow.Vector} */ (table.getChild(column)).data) {
        const bound = data.values instanceof BigInt64Array ? BigInt(least) : least;
        for (let row = 0; row < data.length; row++) {
          if (data.values[row] >= bound && (data.nullCount === 0 || isValid(data.nullBitmap, data.offset + row))) {
            rows.push(table.get(start + row)?.toJSON());
          }
        }
        start += data.length;
      }
      return rows;
    },
    /** @param {arrow.Table} table */
    bufferCells: (table) => (/** @type {number} */ column) => {
      const vector = /** @type {arrow.Vector} */ (table.getChildAt(column));
      return vector.data.flatMap((data) => Array.from({ length: data.length }, (_, row) => bufferCell(vector.type, data, row)));
    },
    /** @param {ReturnType<typeof values>} found */
    valueCells: (found) => (/** @type {number} */ column) => {
      const { data } = /** @type {ReturnType<typeof values>[number]} */ (found[column]);
      if (!(data instanceof arrow.Vector)) return data.flat();
      return data.data.flatMap((chunk) => Array.from({ length: chunk.length }, (_, row) => bufferCell(data.type, chunk, row)));
    },
    // apache-arrow gives timestamps as milliseconds.
    /** @param {unknown} cell */
    timestamp: (cell) => (typeof cell === 'number' ? BigInt(cell) * 1000n : cell),
  };
}

/**
 * @param {arrow.DataType} type
 * @param {arrow.Data} data
 * @param {number} row
 */
function bufferCell(type, data, row) {
  if (data.nullCount > 0 && !isValid(data.nullBitmap, data.offset + row)) return null;
  if (!arrow.DataType.isUtf8(type)) return data.values[row];
  return Buffer.from(data.values.buffer, data.values.byteOffset, data.values.byteLength).toString('utf8', data.valueOffsets[row], data.valueOffsets[row + 1]);
}

/**
 * @param {{ name: string, compression?: 'zstd' | 'lz4', slice?: boolean, reads?: string }} options
 * @returns {import('../adapters.mjs').Adapter}
 */
export function arrowAdapter({ name, compression, slice = false, reads }) {
  const table = tableReads({ slice });
  const type = compression && { zstd: arrow.CompressionType.ZSTD, lz4: arrow.CompressionType.LZ4_FRAME }[compression];
  /** @param {readonly BufferColumn[]} columns */
  const writeBuffers = (columns) => {
    if (type === undefined) return arrow.tableToIPC(toArrow(columns), 'stream');
    return arrow.RecordBatchStreamWriter.writeAll(toArrow(columns), { compressionType: type }).toUint8Array(true);
  };
  const read = arrow.tableFromIPC;
  return {
    name,
    ...(reads && { reads }),
    async load() {
      if (compression) arrow.compressionRegistry.set(/** @type {arrow.CompressionType} */ (type), await codec(compression));
    },
    write: (columns) => writeBuffers(columns.map(toBuffers)),
    writeBuffers,
    // A file of compressed bodies is decompressed while it is opened; there is no cheaper way to its schema.
    open: read,
    buffers: read,
    values: (bytes) => table.values(read(bytes)),
    number: (bytes, column) => read(bytes).getChild(column),
    text: (bytes, column) => table.text(read(bytes), column),
    filter: (bytes, filter) => table.filtered(read(bytes), filter),
    rows: (bytes) => table.rows(read(bytes)),
    check: { ...table, numberCells: vectorCells, textCells: (found) => found.flat() },
  };
}

/** @param {arrow.Vector} vector */
function vectorCells(vector) {
  return vector.data.flatMap((data) => Array.from({ length: data.length }, (_, row) => bufferCell(vector.type, data, row)));
}

/** @param {'zstd' | 'lz4'} compression */
async function codec(compression) {
  if (compression === 'zstd') {
    // Ten times as fast as fzstd, which only decodes.
    const zstd = await import('@bokuweb/zstd-wasm');
    await zstd.init();
    return { encode: (/** @type {Uint8Array} */ data) => zstd.compress(data, 1), decode: (/** @type {Uint8Array} */ data) => zstd.decompress(data) };
  }
  const { default: lz4 } = await import('lz4js');
  return { encode: (/** @type {Uint8Array} */ data) => lz4.compress(data), decode: (/** @type {Uint8Array} */ data) => lz4.decompress(data) };
}
