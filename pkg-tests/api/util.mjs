/** What several test files need, besides the harness. */

import { assert, ncf } from '#harness';

/** Codes that a file or a caller can be blamed for: everything but our own failures. */
export const BLAMELESS = ncf.ERROR_CODES.filter((code) => !['internal', 'out-of-memory', 'wasm-init'].includes(code));

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
