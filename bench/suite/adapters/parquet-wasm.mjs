/** Parquet by parquet-wasm, its tables through Arrow IPC and apache-arrow, which is the way that its documentation shows. */

import * as arrow from 'apache-arrow';
import * as parquet from 'parquet-wasm';

import { toBuffers } from '../data.mjs';
import { tableReads, toArrow } from './arrow.mjs';

// Its default of 1024 rows makes a table of many small batches, which is slower in every case.
const BATCH = { batchSize: 2 ** 20 };

const CODECS = {
  none: parquet.Compression.UNCOMPRESSED,
  snappy: parquet.Compression.SNAPPY,
  zstd: parquet.Compression.ZSTD,
};

/**
 * @param {{ name: string, compression: 'none' | 'snappy' | 'zstd', slice?: boolean, reads?: string }} options
 * @returns {import('../adapters.mjs').Adapter}
 */
export function parquetWasmAdapter({ name, compression, slice = false, reads }) {
  const table = tableReads({ slice });
  /** @param {readonly import('../data.mjs').BufferColumn[]} columns */
  const writeBuffers = (columns) => {
    const properties = new parquet.WriterPropertiesBuilder().setCompression(CODECS[compression]).build();
    return parquet.writeParquet(parquet.Table.fromIPCStream(arrow.tableToIPC(toArrow(columns), 'stream')), properties);
  };
  /** @param {Uint8Array} bytes */
  const read = (bytes) => arrow.tableFromIPC(parquet.readParquet(bytes, BATCH).intoIPCStream());
  /**
   * Only the asynchronous reader looks at `columns`; the synchronous one decodes all.
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {string} column
   */
  const readColumn = async (bytes, column) => {
    const file = await parquet.ParquetFile.fromFile(new Blob([bytes]));
    const found = await file.read({ ...BATCH, columns: [column] });
    file.free();
    return arrow.tableFromIPC(found.intoIPCStream());
  };
  const { numberCells, textCells } = {
    numberCells: (/** @type {arrow.Vector} */ vector) => table.bufferCells(new arrow.Table({ value: vector }))(0),
    textCells: (/** @type {any[]} */ found) => found.flat(),
  };
  return {
    name,
    ...(reads && { reads }),
    async load() {},
    write: (columns) => writeBuffers(columns.map(toBuffers)),
    writeBuffers,
    open: (bytes) => parquet.readSchema(bytes),
    buffers: read,
    values: (bytes) => table.values(read(bytes)),
    number: async (bytes, column) => (await readColumn(bytes, column)).getChild(column),
    text: async (bytes, column) => table.text(await readColumn(bytes, column), column),
    filter: (bytes, filter) => table.filtered(read(bytes), filter),
    rows: (bytes) => table.rows(read(bytes)),
    check: { ...table, numberCells, textCells },
  };
}
