/**
 * Sizes of real tables with neural chunks, against Parquet, general compressors and version 2 without them; and what the
 * codec costs in wasm: `npm run bench:neural`.
 *
 * --tables a,b   measures only these; the others stay as they were measured
 * --report       measures nothing, and writes the document from what earlier runs measured
 * --wasm LEVEL   what the codec costs in wasm at that level, as JSON: this script runs itself so for each, since the memory
 *                of a module never shrinks
 *
 * Every file is read back and compared. Sizes of general compressors stay until the tables change. Writes its part of
 * docs/benchmarks.md.
 */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';

import { inRoot } from '../scripts/lib/paths.mjs';
import { capture, main } from '../scripts/lib/process.mjs';
import { hashFiles, writeWhole } from '../scripts/lib/stamp.mjs';
import { ensurePythonBench } from '../scripts/setup/python.mjs';
import { native } from './native.mjs';
import { markdown, writePart } from './suite/document.mjs';
import { describeMachine } from './suite/machine.mjs';
import { installOurs } from './suite/peers.mjs';
import { ensureTables, folder, tablesVersion } from './tables.mjs';

/** What must not be exceeded, or (raw, seed, speed) reached; memory in MB. */
const BARS = { snappy: 0.35, zstd3: 0.45, best: 0.62, flights: 0.35, raw: 14, seed: 8.5, speed: 1, memory: 64 };
/** Bytes of the information in seed100k; see sizes.mjs. */
const SEED_ENTROPY = Math.ceil((100_000 * (53 + Math.log2(5) + Math.log2(100))) / 8);
/** The table and rows that the speed in wasm is measured with: one row group. */
const TIMED = { name: 'nycflights', rows: 131_072 };
const BASELINES = /** @type {const} */ (['snappy', 'zstd3', 'best']);

/**
 * @typedef {{ bytes: number, raw: number }} Size
 * @typedef {Record<'csv' | 'raw', { bytes: number, xz: number, brotli: number }>} General
 * @typedef {{ plain: Size, level2: Size, level3: Size }} Sizes
 * @typedef {{ encode: number, decode: number, memory: number, shared: number }} Speed MB/s of raw table per second of one
 * processor, MB of linear memory, and MB/s written with two workers by the clock
 */

const { values: options } = parseArgs({ options: { tables: { type: 'string' }, report: { type: 'boolean' }, wasm: { type: 'string' }, entry: { type: 'string' } } });

await main(async () => {
  if (options.wasm && options.entry) {
    console.log(JSON.stringify(await timeWasm(Number(options.wasm), options.entry)));
    return;
  }
  const parquet = await ensureTables();
  /** @type {{ sizes: Record<string, Sizes>, speed?: Record<string, Speed> }} */
  const results = stored('neural.json') ?? { sizes: {} };
  if (!options.report) {
    for (const name of options.tables?.split(',') ?? Object.keys(parquet)) {
      const path = `${folder}/${name}.columns`;
      results.sizes[name] = { plain: await native('size', path), level2: await native('size', path, '2'), level3: await native('size', path, '3') };
      if (name === TIMED.name) {
        const { entry } = await installOurs();
        results.speed = { level2: await timed(2, entry), level3: await timed(3, entry) };
      }
      writeWhole(`${folder}/neural.json`, JSON.stringify(results));
      console.log(`${name}: ${results.sizes[name].level2.bytes} bytes`);
    }
  }
  const general = await measureGeneral(Object.keys(results.sizes));
  report(parquet, general, results);
});

/** @param {string} name of a file of JSON */
function stored(name) {
  return existsSync(`${folder}/${name}`) ? JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) : undefined;
}

/**
 * What xz and brotli make of tables as CSV and as raw columns.
 * @param {string[]} names
 * @returns {Promise<Record<string, General>>}
 */
async function measureGeneral(names) {
  const version = hashFiles([inRoot('bench', 'general.py')], tablesVersion());
  const known = stored('general.json');
  /** @type {Record<string, General>} */
  const sizes = known?.version === version ? known.sizes : {};
  const python = await ensurePythonBench();
  for (const name of names.filter((name) => !(name in sizes))) {
    const found = JSON.parse((await capture(python, [inRoot('bench', 'general.py'), folder, name])) ?? '{}');
    for (const form of ['csv', 'raw']) {
      const plain = readFileSync(`${folder}/${name}.${form}`);
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
      found[form].brotli = brotliCompressSync(plain, { params }).length;
    }
    sizes[name] = found;
    writeWhole(`${folder}/general.json`, JSON.stringify({ version, sizes }));
  }
  return sizes;
}

/**
 * What `timeWasm` measures in a process of its own.
 * @param {number} level
 * @param {string} entry the package's module
 * @returns {Promise<Speed>}
 */
async function timed(level, entry) {
  return JSON.parse((await capture(process.execPath, [fileURLToPath(import.meta.url), '--wasm', String(level), '--entry', entry])) ?? '');
}

/**
 * Speed, and memory of the codec's module, for one row group through the package.
 * @param {number} level
 * @param {string} entry
 * @returns {Promise<Speed>}
 */
async function timeWasm(level, entry) {
  /** @type {WebAssembly.Instance[]} */
  const instances = [];
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(target, args) {
      const instance = new target(...args);
      instances.push(instance);
      return instance;
    },
  });
  const ncf = await import(String(pathToFileURL(entry)));
  const { columns, raw } = readColumns(TIMED.name, TIMED.rows);
  await ncf.init({ full: true, neural: true });
  const seconds = async (/** @type {() => Promise<any>} */ call) => {
    const started = process.cpuUsage();
    const value = await call();
    return { value, rate: raw / process.cpuUsage(started).user };
  };
  const written = await seconds(() => ncf.write(columns, { compression: 'neural', level, workers: 0 }));
  const read = await seconds(async () => (await ncf.open(written.value)).read({ workers: 0 }));
  const neural = instances.filter(({ exports }) => 'chooseParents' in exports);
  const memory = Math.max(...neural.map(({ exports }) => /** @type {WebAssembly.Memory} */ (exports.memory).buffer.byteLength));
  const started = performance.now();
  const shared = await ncf.write(columns, { compression: 'neural', level, workers: 2 });
  const elapsed = performance.now() - started;
  if (!Buffer.from(written.value).equals(shared)) throw new Error('workers write other bytes');
  return { encode: written.rate, decode: read.rate, memory: memory / 1e6, shared: raw / elapsed / 1000 };
}

/**
 * The first rows of a table that tables.py wrote, as columns to write, and their bytes in Arrow's layout.
 * @param {string} name
 * @param {number} most
 */
function readColumns(name, most) {
  const bytes = readFileSync(`${folder}/${name}.columns`);
  const [count, all] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
  const rows = Math.min(all, most);
  let at = 8;
  let raw = 0;
  const columns = [];
  for (let index = 0; index < count; index++) {
    const type = ['int64', 'float64', 'string', 'boolean'][bytes[at]];
    const size = Number(bytes.readBigUInt64LE(at + 1));
    const valid = bytes.subarray(at + 9, at + 9 + rows);
    const data = bytes.subarray(at + 9 + all, at + 9 + all + size);
    at += 9 + all + size;
    const copy = (/** @type {number} */ start, /** @type {number} */ end) => Uint8Array.from(data.subarray(start, end)).buffer;
    /** @type {{ type: string, length: number, values?: any, offsets?: Int32Array, validity?: Uint8Array }} */
    const column = { type, length: rows };
    if (type === 'string') {
      column.offsets = new Int32Array(copy(0, 4 * (rows + 1)));
      column.values = new Uint8Array(copy(4 * (all + 1), 4 * (all + 1) + (column.offsets[rows] ?? 0)));
    } else if (type === 'boolean') {
      column.values = pack(data.subarray(0, rows));
    } else {
      column.values = type === 'int64' ? new BigInt64Array(copy(0, 8 * rows)) : new Float64Array(copy(0, 8 * rows));
    }
    if (valid.includes(0)) column.validity = pack(valid);
    raw += column.values.byteLength + (column.offsets?.byteLength ?? 0) + (column.validity?.byteLength ?? 0);
    columns.push({ name: `column ${index}`, type, data: column });
  }
  return { columns, raw };
}

/** @param {Uint8Array} flags 0 or 1 each */
function pack(flags) {
  const bits = new Uint8Array(Math.ceil(flags.length / 8));
  flags.forEach((flag, row) => (bits[row >> 3] |= flag << (row & 7)));
  return bits;
}

/**
 * Writes the part of the document.
 * @param {Record<string, Record<typeof BASELINES[number], number>>} parquet
 * @param {Record<string, General>} general
 * @param {{ sizes: Record<string, Sizes>, speed?: Record<string, Speed> }} results
 */
function report(parquet, general, { sizes, speed }) {
  const head = ['table', 'raw', 'parquet snappy', 'zstd 3', 'best', 'version 2', 'level 2', 'level 3', '/ snappy', '/ zstd 3', '/ best', 'raw / level 2', 'xz, CSV', 'xz, raw', 'brotli, CSV', 'brotli, raw'];
  const rows = [];
  const misses = [];
  /** @type {Record<string, number[]>} */
  const ratios = { snappy: [], zstd3: [], best: [], raw: [] };
  for (const [name, { plain, level2, level3 }] of Object.entries(sizes)) {
    const { csv, raw } = general[name];
    const others = [csv.xz, raw.xz, csv.brotli, raw.brotli];
    const against = BASELINES.map((baseline) => level2.bytes / parquet[name][baseline]);
    rows.push([name, plain.raw, ...BASELINES.map((baseline) => parquet[name][baseline]), plain.bytes, level2.bytes, level3.bytes, ...against.map((ratio) => ratio.toFixed(3)), (plain.raw / level2.bytes).toFixed(1), ...others]);
    if (Math.min(...others) <= level2.bytes) misses.push(`${name} is smaller by a general compressor: ${Math.min(...others)} bytes`);
    if (name === 'seed100k') continue;
    BASELINES.forEach((baseline, index) => ratios[baseline].push(against[index]));
    ratios.raw.push(plain.raw / level2.bytes);
  }
  const mean = (/** @type {number[]} */ values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  const lines = [`${describeMachine()}. Geometric means over ${ratios.raw.length} real tables at level 2, bars in brackets:`, ''];
  for (const baseline of BASELINES) lines.push(`- against Parquet ${baseline} ${mean(ratios[baseline]).toFixed(3)} (at most ${BARS[baseline]})`);
  lines.push(`- raw bytes against the file's ${mean(ratios.raw).toFixed(1)} (at least ${BARS.raw})`);
  const flights = sizes.nycflights && sizes.nycflights.level2.bytes / parquet.nycflights.zstd3;
  if (flights) lines.push(`- nycflights against Parquet zstd3 ${flights.toFixed(3)} (at most ${BARS.flights})`);
  const seed = sizes.seed100k;
  if (seed) lines.push(`- seed100k: raw bytes against the file's ${(seed.plain.raw / seed.level2.bytes).toFixed(2)} (at least ${BARS.seed}); its entropy is ${SEED_ENTROPY} bytes, the file ${seed.level2.bytes}`);
  for (const [level, { encode, decode, memory, shared }] of Object.entries(speed ?? {})) {
    lines.push(`- ${TIMED.rows} rows of ${TIMED.name} in wasm, ${level}: ${encode.toFixed(2)} MB/s written, ${decode.toFixed(2)} MB/s read (at least ${BARS.speed}), ${memory.toFixed(1)} MB of memory of the codec's module (at most ${BARS.memory}); ${shared.toFixed(2)} MB/s written by the clock with 2 workers`);
  }
  lines.push(`- tables that a general compressor makes smaller: ${misses.length === 0 ? 'none' : misses.join('; ')} (none)`);
  console.log(lines.join('\n'));
  writePart('npm run bench:neural', `${lines.join('\n')}\n\n${markdown(head, rows.map((cells) => cells.map(String)))}`);
}
