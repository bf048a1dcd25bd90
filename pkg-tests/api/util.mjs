/** What several test files need, besides the harness. */

import { assert, ncf } from '#harness';

/** Codes that a file or a caller can be blamed for: everything but our own failures. */
export const BLAMELESS = ncf.ERROR_CODES.filter((code) => !['internal', 'out-of-memory', 'wasm-init'].includes(code));

/** Bytes of the first read of a file, as documented. */
export const TAIL_BYTES = 128 * 1024;

/**
 * Checks that the call throws or rejects with an NcfError of that code.
 * @param {() => unknown} body
 * @param {string | readonly string[]} code
 * @param {Record<string, unknown>} [fields] further fields
 */
export async function fails(body, code, fields = {}) {
  let thrown;
  try {
    await body();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof ncf.NcfError, `expected an NcfError ${code}, got ${thrown?.stack ?? thrown}`);
  assert.ok(Array.isArray(code) ? code.includes(thrown.code) : thrown.code === code, `expected ${code}, got ${thrown.stack} (${thrown.code})`);
  for (const [name, value] of Object.entries(fields)) assert.deepEqual(thrown[name], value, `${thrown.message}: ${name}`);
  return thrown;
}

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** @param {Uint8Array} bytes */
export const sha256 = async (bytes) => hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/**
 * A source that notes every read.
 * @param {Uint8Array} bytes
 */
export function counting(bytes) {
  /** @type {{ start: number, end: number }[]} */
  const reads = [];
  return {
    reads,
    byteLength: bytes.byteLength,
    /** @type {(start: number, end?: number) => Promise<Uint8Array>} */
    slice: (start, end = bytes.byteLength) => {
      reads.push({ start, end });
      return Promise.resolve(bytes.slice(start, end));
    },
  };
}

/** Bytes of all reads together. @param {{ start: number, end: number }[]} reads */
export const total = (reads) => reads.reduce((sum, { start, end }) => sum + end - start, 0);

/** What a column holds, without the ways in which it gives values. @param {any} column */
export function contents({ name, type, length, nullCount, values, offsets, validity, unit, utc, precision, scale }) {
  return { name, type, length, nullCount, values, offsets, validity, unit, utc, precision, scale };
}

/**
 * Writes and reads back.
 * @param {any} table
 * @param {object} [options] of `write`; python-1.0 if no dialect is given
 * @param {object} [readOptions]
 */
export async function roundTrip(table, options = {}, readOptions = {}) {
  const bytes = await ncf.write(table, { dialect: 'python-1.0', ...options });
  const file = await ncf.open(bytes);
  return { bytes, file, table: await file.read(readOptions) };
}

/** A generator of numbers below 2^32 that is the same everywhere. @param {number} seed */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Texts as they come: empty, equal, long, of many scripts. */
const TEXTS = ['', 'a', 'naïve', '🚀', '\uFEFFx', 'x'.repeat(100), 'Zürich', 'null'];

/** A value of each type for a random number; the values are those that `get` gives. */
const CELLS = {
  int8: (n) => (n % 256) - 128,
  int16: (n) => (n % 65536) - 32768,
  int32: (n) => n - 2 ** 31,
  int64: (n) => BigInt.asIntN(64, BigInt(n) * 0x9e3779b97f4a7c15n),
  uint8: (n) => n % 256,
  uint16: (n) => n % 65536,
  uint32: (n) => n,
  uint64: (n) => BigInt.asUintN(64, BigInt(n) * 0x9e3779b97f4a7c15n),
  float32: (n) => Math.fround([0, -0, NaN, Infinity, n / 7][n % 9] ?? n / 100),
  float64: (n) => [0, -0, NaN, -Infinity, n / 7][n % 9] ?? n / 100,
  string: (n) => TEXTS[n % 11] ?? `text ${n % 50}`,
  binary: (n) => Uint8Array.from({ length: n % 5 }, (_, index) => (n >> index) & 255),
  boolean: (n) => n % 3 === 0,
  date: (n) => new Date((n % 40_000) * 86_400_000).toISOString().slice(0, 10),
  timestamp: (n) => new Date(n * 1000 + (n % 1000)).toISOString().replace('Z', '001'),
  decimal: (n) => `${n % 2 ? '-' : ''}${n % 1000}.${String(n % 100).padStart(2, '0')}`.replace(/^-(0\.00)$/, '$1'),
};

/**
 * A column of each type and its values; about one row in five is null, but for `id`, which counts.
 * @param {number} rows
 * @param {number} seed
 */
export function everyType(rows, seed) {
  const next = random(seed);
  const columns = Object.entries(CELLS).map(([type, cell]) => ({
    name: type,
    type,
    ...(type === 'decimal' && { precision: 20, scale: 2 }),
    data: Array.from({ length: rows }, () => (next() % 5 === 0 ? null : cell(next()))),
  }));
  return [{ name: 'id', type: 'int32', data: Array.from({ length: rows }, (_, row) => row) }, ...columns];
}

/** Rows of columns as objects. @param {{ name: string, data: unknown[] }[]} columns */
export const rowsOf = (columns) => columns[0].data.map((_, row) => Object.fromEntries(columns.map(({ name, data }) => [name, data[row]])));

/**
 * What a process of its own prints (Node). Workers end after 20 s without work; a process that waits for that is killed.
 * @param {string} source of a module
 * @param {Record<string, Uint8Array>} [files] beside it
 * @returns {Promise<string>}
 */
export async function printed(source, files = {}) {
  const { execFile } = await import('node:child_process');
  const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const folder = await mkdtemp(join(process.env.NCF_CONSUMER ?? '', 'process-'));
  try {
    for (const [name, content] of Object.entries({ ...files, 'main.mjs': source })) await writeFile(join(folder, name), content);
    return await new Promise((resolve, reject) => {
      execFile(process.execPath, [join(folder, 'main.mjs')], { timeout: 15_000 }, (error, stdout) => { if (error) reject(error); else resolve(stdout); });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Everything that a file says. @param {Uint8Array} bytes @param {object} [options] */
export function said(bytes, options) {
  const file = ncf.openSync(bytes, options);
  try {
    const table = file.readSync();
    return { numRows: file.numRows, columns: table.columns.map(contents), schema: file.schema };
  } finally {
    void file.close();
  }
}
