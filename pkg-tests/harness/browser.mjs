/** What the tests of the API import, in a page. harness/node.mjs is its twin. */

import * as ncf from 'ncf-wasm';

export { ncf };
export { assert } from './assert.mjs';

/** Whether this is a browser. */
export const isBrowser = true;

/** The tests that were declared, for browser/page.mjs. */
export const declared = /** @type {{ name: string, body: () => void | Promise<void> }[]} */ ([]);

/**
 * A test.
 * @param {string} name
 * @param {() => void | Promise<void>} body
 */
export const test = (name, body) => void declared.push({ name, body });

const EXTENSION = '.expected.json';

/** @type {string[]} */
const files = await (await fetch('/fixtures.json')).json();

/** Names of the files of version 2 that tests/golden_version2.rs wrote, without extension. */
export const goldens = files.filter((name) => /^version2\/.*\.ncf$/.test(name)).map((name) => name.slice(0, -4));

/** Names of all fixtures, without extension. */
export const fixtures = files.filter((name) => name.endsWith(EXTENSION)).map((name) => name.slice(0, -EXTENSION.length));

/** Names of all files that have the extension `.ncf`. */
export const fixtureFiles = files.filter((name) => name.endsWith('.ncf') && !name.includes('/'));

/** @param {string} path */
async function bytesOf(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/**
 * A fixture's bytes, fresh each time.
 * @param {string} name
 */
export async function fixture(name) {
  const [bytes, json] = await Promise.all([bytesOf(`/fixtures/${name}.ncf`), bytesOf(`/fixtures/${name}${EXTENSION}`)]);
  return { name, bytes, expected: JSON.parse(new TextDecoder().decode(json)) };
}

/**
 * Bytes and expectation of one of `goldens`.
 * @param {string} name
 */
export async function golden(name) {
  const [bytes, json] = await Promise.all([bytesOf(`/fixtures/${name}.ncf`), bytesOf(`/fixtures/${name}.json`)]);
  return { bytes, expected: JSON.parse(new TextDecoder().decode(json)) };
}

/** Address of the server that misbehaves on request. */
export const serverUrl = async () => location.origin;

/**
 * The bytes of one of the package's wasm files.
 * @param {'reader' | 'legacy' | 'full' | 'neural' | 'thorough'} kind
 */
export const wasmBytes = (kind) => bytesOf(`/package/dist/wasm/${kind}.wasm`);
