/** Parquet by hyparquet, hyparquet-writer and hyparquet-compressors, all JavaScript but for hysnappy. */

import { parquetMetadata, parquetRead, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetWriteBuffer } from 'hyparquet-writer';

const TYPES = {
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  float64: { type: 'DOUBLE' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
};

// It has no columns of UTF-8; the nearest is the bytes of each text, and integers for timestamps.
const RAW = {
  stringFromBytes: (/** @type {Uint8Array} */ bytes) => bytes,
  timestampFromMicroseconds: (/** @type {bigint} */ count) => count,
};

/**
 * @param {{ name: string, hysnappy?: boolean, reads?: string }} options
 * @returns {import('../adapters.mjs').Adapter}
 */
export function hyparquetAdapter({ name, hysnappy = true, reads }) {
  const common = hysnappy ? { compressors } : {};
  /**
   * Column by column, each as the arrays in which it comes: joining them would only cost it time.
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {object} [options]
   */
  const read = async (bytes, options) => {
    /** @type {Map<string, ArrayLike<unknown>[]>} */
    const columns = new Map();
    await parquetRead({
      file: toFile(bytes),
      ...common,
      ...options,
      onChunk({ columnName, columnData }) {
        const chunks = columns.get(columnName);
        if (chunks) chunks.push(columnData);
        else columns.set(columnName, [columnData]);
      },
    });
    return columns;
  };
  /** @param {Map<string, ArrayLike<unknown>[]>} found */
  const cells = (found) => (/** @type {number} */ column) =>
    /** @type {ArrayLike<unknown>[]} */ ([...found.values()][column]).flatMap((chunk) => Array.from(chunk));
  return {
    name,
    ...(reads && { reads }),
    async load() {},
    ...(!reads && {
      write: (columns) => new Uint8Array(parquetWriteBuffer({
        columnData: columns.map(({ name, data }) => ({ name, data })),
        schema: [
          { name: 'root', num_children: columns.length },
          ...columns.map(({ name, type, data }) => ({
            name,
            .../** @type {any} */ (TYPES[type]),
            repetition_type: Array.isArray(data) && data.includes(null) ? 'OPTIONAL' : 'REQUIRED',
          })),
        ],
      })),
    }),
    open: (bytes) => parquetMetadata(bytes.buffer),
    buffers: (bytes) => read(bytes, { parsers: RAW }),
    values: (bytes) => read(bytes),
    number: (bytes, column) => read(bytes, { columns: [column], parsers: RAW }),
    text: (bytes, column) => read(bytes, { columns: [column] }),
    filter: (bytes, { column, least }) => parquetReadObjects({ file: toFile(bytes), ...common, filter: { [column]: { $gte: least } } }),
    rows: (bytes) => parquetReadObjects({ file: toFile(bytes), ...common }),
    check: {
      bufferCells: cells,
      valueCells: cells,
      numberCells: (found) => cells(found)(0),
      textCells: (found) => cells(found)(0),
      timestamp: (cell) => (cell instanceof Date ? BigInt(cell.getTime()) * 1000n : cell),
    },
  };
}

/** @param {Uint8Array<ArrayBuffer>} bytes that are all of their buffer */
function toFile({ buffer }) {
  return buffer;
}
