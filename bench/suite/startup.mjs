/**
 * Start-up: from the import of a library to the first row of a small file, in a fresh process that has loaded nothing
 * else. The file is in memory before that.
 */

import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { spread } from './measure.mjs';
import { pathOf, takeTurns } from './timing.mjs';

/**
 * How each library gets to the row, by adapter.
 * @type {Record<string, (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>>}
 */
const FIRST_ROW = {
  async 'ncf'(bytes) {
    const { open } = await import(String(pathToFileURL(String(process.env.NCF_BENCH_ENTRY))));
    return (await (await open(bytes)).read()).row(0);
  },
  async 'parquet-wasm-zstd'(bytes) {
    const [{ readParquet }, { tableFromIPC }] = await Promise.all([import('parquet-wasm'), import('apache-arrow')]);
    return tableFromIPC(readParquet(bytes).intoIPCStream()).get(0)?.toJSON();
  },
  async 'hyparquet-snappy'(bytes) {
    const { parquetReadObjects } = await import('hyparquet');
    return (await parquetReadObjects({ file: bytes.buffer }))[0];
  },
  async 'hyparquet-zstd'(bytes) {
    const [{ parquetReadObjects }, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')]);
    return (await parquetReadObjects({ file: bytes.buffer, compressors }))[0];
  },
  async 'arrow'(bytes) {
    const { tableFromIPC } = await import('apache-arrow');
    return tableFromIPC(bytes).get(0)?.toJSON();
  },
};

/** The adapters that start-up is measured of, and the table that they open. */
export const STARTERS = Object.keys(FIRST_ROW);
export const START_TABLE = 'seed10';

/**
 * @param {readonly string[]} adapters
 * @param {number} rounds
 * @returns {Promise<Record<string, { wall: import('./measure.mjs').Spread, cpu: import('./measure.mjs').Spread }>>}
 */
export async function measureStartUp(adapters, rounds) {
  const samples = Object.fromEntries(adapters.map((adapter) => [adapter, { wall: /** @type {number[]} */ ([]), cpu: /** @type {number[]} */ ([]) }]));
  await takeTurns(adapters, rounds, async (adapter) => {
    const { wall, cpu } = await startOnce(adapter);
    samples[adapter]?.wall.push(wall);
    samples[adapter]?.cpu.push(cpu);
  });
  return Object.fromEntries(Object.entries(samples).map(([adapter, { wall, cpu }]) => [adapter, { wall: spread(wall), cpu: spread(cpu) }]));
}

/**
 * @param {string} adapter
 * @returns {Promise<{ wall: number, cpu: number }>}
 */
function startOnce(adapter) {
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, [adapter, pathOf(START_TABLE, adapter)]);
    child.once('message', (message) => {
      resolve(/** @type {any} */ (message));
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      reject(new Error(`${adapter} did not start: ${code}`));
    });
  });
}

if (import.meta.filename === process.argv[1]) {
  const [, , adapter = '', path = ''] = process.argv;
  const bytes = new Uint8Array(readFileSync(path));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const row = await FIRST_ROW[adapter]?.(bytes);
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  if (!row || !('email' in /** @type {object} */ (row))) throw new Error(`${adapter} read no row`);
  process.send?.({ wall, cpu: (user + system) / 1000 });
  process.disconnect();
}
