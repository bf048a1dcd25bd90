/** What is compared: our package and its peers, each in the configurations that people use. */

/**
 * @typedef {import('./data.mjs').BufferColumn} BufferColumn
 * @typedef {import('./data.mjs').ValueColumn} ValueColumn
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 * @typedef {{ column: string, least: number }} Filter rows whose value is at least that, all their columns
 *
 * @typedef {object} Check untimed: how the answers of the timed calls give up their cells, for comparison
 * @property {(found: any) => (column: number) => unknown[]} bufferCells
 * @property {(found: any) => (column: number) => unknown[]} valueCells
 * @property {(found: any) => unknown[]} numberCells
 * @property {(found: any) => unknown[]} textCells
 * @property {(cell: unknown) => unknown} timestamp turns one of its timestamps into microseconds
 *
 * @typedef {object} Adapter
 * @property {string} name
 * @property {string} [reads] adapter whose file it reads, where it writes none of its own
 * @property {() => Promise<void>} load
 * @property {(columns: ValueColumn[]) => Promise<Bytes> | Bytes} [write]
 * @property {(columns: BufferColumn[]) => Promise<Bytes> | Bytes} [writeBuffers]
 * @property {(bytes: Bytes) => unknown} open knows the schema and the number of rows
 * @property {(bytes: Bytes) => unknown} buffers all columns, as the library's own arrays; text stays UTF-8
 * @property {(bytes: Bytes) => unknown} values all columns, every text a string
 * @property {(bytes: Bytes, column: string) => unknown} number one column of numbers
 * @property {(bytes: Bytes, column: string) => unknown} text one column of strings
 * @property {(bytes: Bytes, filter: Filter) => unknown} filter the rows that match, as objects
 * @property {(bytes: Bytes) => unknown} rows all rows, as objects
 * @property {Check} check
 */

/**
 * Name of each adapter, and what it is made from.
 * @type {Record<string, { module: string, make: string, options: object, reads?: string, only?: readonly string[], about: string }>}
 */
export const ADAPTERS = {
  'ncf': { module: 'ncf', make: 'ncfAdapter', options: {}, about: 'this package, default options' },
  'ncf-kept': { module: 'ncf', make: 'ncfAdapter', options: { releases: false }, reads: 'ncf', only: ['buffers', 'values', 'number'], about: 'this package, tables that nobody releases' },
  'ncf-none': { module: 'ncf', make: 'ncfAdapter', options: { options: { compression: 'none' } }, about: 'this package, `compression: \'none\'`' },
  'ncf-no-cross': { module: 'ncf', make: 'ncfAdapter', options: { options: { crossColumn: false } }, about: 'this package, `crossColumn: false`' },
  'parquet-wasm-zstd': { module: 'parquet-wasm', make: 'parquetWasmAdapter', options: { compression: 'zstd' }, about: 'parquet-wasm and apache-arrow' },
  'parquet-wasm-snappy': { module: 'parquet-wasm', make: 'parquetWasmAdapter', options: { compression: 'snappy' }, about: 'parquet-wasm and apache-arrow' },
  'parquet-wasm-none': { module: 'parquet-wasm', make: 'parquetWasmAdapter', options: { compression: 'none' }, about: 'parquet-wasm and apache-arrow, uncompressed' },
  'parquet-wasm-slice': {
    module: 'parquet-wasm', make: 'parquetWasmAdapter', options: { compression: 'zstd', slice: true }, reads: 'parquet-wasm-zstd', only: ['values', 'text'],
    about: 'parquet-wasm, zstd, text by our own code: decoded at once, and sliced',
  },
  'hyparquet-snappy': { module: 'hyparquet', make: 'hyparquetAdapter', options: { hysnappy: false }, about: 'hyparquet and hyparquet-writer' },
  'hyparquet-hysnappy': { module: 'hyparquet', make: 'hyparquetAdapter', options: {}, reads: 'hyparquet-snappy', about: 'hyparquet with hyparquet-compressors' },
  'hyparquet-zstd': { module: 'hyparquet', make: 'hyparquetAdapter', options: {}, reads: 'parquet-wasm-zstd', about: 'hyparquet with hyparquet-compressors, the file of parquet-wasm' },
  'arrow': { module: 'arrow', make: 'arrowAdapter', options: {}, about: 'Arrow IPC stream by apache-arrow, uncompressed' },
  'arrow-lz4': { module: 'arrow', make: 'arrowAdapter', options: { compression: 'lz4' }, about: 'the same, LZ4 by lz4js' },
  'arrow-zstd': { module: 'arrow', make: 'arrowAdapter', options: { compression: 'zstd' }, about: 'the same, ZSTD by @bokuweb/zstd-wasm' },
};

/** What the ratios are relative to. */
export const BASELINE = 'parquet-wasm-zstd';

/**
 * Whether an adapter takes part in a case.
 * @param {string} name
 * @param {string} caseName
 */
export function takesPart(name, caseName) {
  const { reads, only, module } = /** @type {typeof ADAPTERS[string]} */ (ADAPTERS[name]);
  if (only) return only.includes(caseName);
  if (caseName === 'write') return reads === undefined;
  if (caseName === 'writeBuffers') return reads === undefined && module !== 'hyparquet';
  return true;
}

/**
 * Loads one adapter, and with it the library that it speaks to.
 * @param {string} name
 * @returns {Promise<Adapter>}
 */
export async function loadAdapter(name) {
  const { module, make, options, reads } = /** @type {typeof ADAPTERS[string]} */ (ADAPTERS[name]);
  const made = await import(`./adapters/${module}.mjs`);
  const adapter = made[make]({ name, ...options, reads });
  await adapter.load();
  return adapter;
}
