/** What the tests of the API import, in Node. harness/browser.mjs is its twin. */

import strict from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test as nodeTest } from 'node:test';
import { pathToFileURL } from 'node:url';

import { fixtures as folder } from '../support/paths.mjs';
import { startServer } from '../support/server.mjs';

// Resolved as the consumer's own modules would.
const entry = createRequire(join(process.env.NCF_CONSUMER ?? '', 'index.js')).resolve('ncf-wasm');

/** The installed package. */
export const ncf = await import(pathToFileURL(entry).href);

/** Whether this is a browser. */
export const isBrowser = false;

/**
 * A test.
 * @param {string} name
 * @param {() => void | Promise<void>} body
 */
export const test = (name, body) => void nodeTest(name, body);

/** Comparisons; NaN equals NaN, and -0 is not 0. */
export const assert = { ok: strict.ok, equal: strict.strictEqual, deepEqual: strict.deepStrictEqual, fail: strict.fail };

const EXTENSION = '.expected.json';

/** Names of the files of version 2 that tests/golden_version2.rs wrote, without extension. */
export const goldens = readdirSync(join(folder, 'version2')).filter((name) => name.endsWith('.ncf')).map((name) => `version2/${name.slice(0, -4)}`).sort();

/** Names of all fixtures, without extension. */
export const fixtures = readdirSync(folder).filter((name) => name.endsWith(EXTENSION)).map((name) => name.slice(0, -EXTENSION.length)).sort();

/** Names of all files that have the extension `.ncf`. */
export const fixtureFiles = readdirSync(folder).filter((name) => name.endsWith('.ncf')).sort();

/**
 * A fixture's bytes, fresh each time.
 * @param {string} name
 */
export async function fixture(name) {
  return { name, bytes: new Uint8Array(readFileSync(join(folder, `${name}.ncf`))), expected: JSON.parse(readFileSync(join(folder, name + EXTENSION), 'utf8')) };
}

/**
 * Bytes and expectation of one of `goldens`.
 * @param {string} name
 */
export async function golden(name) {
  return { bytes: new Uint8Array(readFileSync(join(folder, `${name}.ncf`))), expected: JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) };
}

/** @type {ReturnType<typeof startServer> | undefined} */
let server;

/** Address of the server that misbehaves on request. */
export async function serverUrl() {
  server ??= startServer();
  const { url, unref } = await server;
  unref();
  return url;
}

/**
 * The bytes of one of the package's wasm files.
 * @param {'reader' | 'legacy' | 'full' | 'neural' | 'thorough'} kind
 */
export async function wasmBytes(kind) {
  return new Uint8Array(readFileSync(join(entry, '..', 'wasm', `${kind}.wasm`)));
}
