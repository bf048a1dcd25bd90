/** Our own package, as a program that installed it would use it. */

import { pathToFileURL } from 'node:url';

/** @typedef {import('../data.mjs').ValueColumn} ValueColumn */

/**
 * @param {{ name: string, options?: object, releases?: boolean, reads?: string }} options `options` of `write`; whether tables
 * give back their memory
 * @returns {import('../adapters.mjs').Adapter}
 */
export function ncfAdapter({ name, options = {}, releases = true, reads }) {
  /** @type {any} the package's module */
  let ncf;
  /** @type {any} the table of the call before, as long as nobody needs its memory */
  let last;
  /**
   * @param {Uint8Array} bytes
   * @param {object} [read] options of `read`
   */
  const table = async (bytes, read) => {
    last?.release();
    last = undefined;
    const found = await (await ncf.open(bytes)).read(read);
    if (releases) last = found;
    return found;
  };
  /** @param {any} column */
  const cells = (column) => Array.from({ length: column.length }, (_, row) => column.get(row));
  return {
    name,
    ...(reads && { reads }),
    async load() {
      ncf = await import(String(pathToFileURL(String(process.env.NCF_BENCH_ENTRY))));
    },
    write: (columns) => ncf.write(columns.map(timed), options),
    writeBuffers: (columns) => ncf.write(columns.map((column) => timed({ ...column, data: column })), options),
    open: (bytes) => ncf.open(bytes),
    buffers: (bytes) => table(bytes, { text: 'bytes' }),
    async values(bytes) {
      const { columns } = await table(bytes);
      return columns.map((/** @type {any} */ column) => ({ name: column.name, data: column.type === 'string' ? column.toArray() : column }));
    },
    number: async (bytes, column) => (await table(bytes, { columns: [column] })).column(column),
    text: async (bytes, column) => (await table(bytes, { columns: [column] })).column(column, 'string').toArray(),
    filter: async (bytes, { column, least }) => (await table(bytes, { filter: { [column]: { $gte: least } }, dates: 'date' })).toArray(),
    rows: async (bytes) => (await table(bytes, { dates: 'date' })).toArray(),
    check: {
      bufferCells: (found) => (column) => cells(found.columns[column]),
      valueCells: (found) => (column) => (Array.isArray(found[column].data) ? found[column].data : cells(found[column].data)),
      numberCells: cells,
      textCells: (found) => found,
      timestamp: timestampCell,
    },
  };
}

/**
 * Integers of a timestamp column are counts of its unit.
 * @param {{ name: string, type: string, data: unknown }} column
 */
function timed({ name, type, data }) {
  return { name, type, data, ...(type === 'timestamp' && { unit: 'us' }) };
}

/** @param {unknown} cell a `Date`, or the text of microseconds that `Column.get` gives by default */
function timestampCell(cell) {
  if (cell instanceof Date) return BigInt(cell.getTime()) * 1000n;
  if (typeof cell !== 'string') return cell;
  const [, whole = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z?$/.exec(cell) ?? [];
  return BigInt(Date.parse(`${whole}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0'));
}
