/** What a page downloads: bundles by esbuild, minified, with the wasm modules that they load. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { inRoot } from '../../scripts/lib/paths.mjs';

/** @typedef {{ raw: number, gzip: number, brotli: number }} Size bytes; gzip at level 9, brotli at 11 */

const peers = inRoot('bench', 'node_modules');
const PARQUET_WASM = [join(peers, 'parquet-wasm', 'esm', 'parquet_wasm_bg.wasm')];

/**
 * What is bundled: modules and names, the wasm files, and whether parts that are imported on demand count.
 * @param {string} ours folder of our installed package
 * @returns {Record<string, { code: string, wasm: readonly string[], onDemand: boolean }>}
 */
function bundles(ours) {
  const entry = JSON.stringify(join(ours, 'dist', 'browser.js'));
  const wasm = (/** @type {string} */ name) => [join(ours, 'dist', 'wasm', `${name}.wasm`)];
  return {
    'ncf-wasm, reading': { code: `export { open } from ${entry}`, wasm: wasm('reader'), onDemand: false },
    'ncf-wasm, reading and writing': { code: `export { open, write } from ${entry}`, wasm: wasm('full'), onDemand: true },
    'parquet-wasm and apache-arrow, reading and writing': {
      code: 'export { default, readParquet, writeParquet, Table } from "parquet-wasm"; export { tableFromIPC, tableToIPC } from "apache-arrow"',
      wasm: PARQUET_WASM,
      onDemand: true,
    },
    'hyparquet, reading snappy': { code: 'export { parquetRead } from "hyparquet"', wasm: [], onDemand: true },
    'hyparquet and hyparquet-compressors, reading': {
      code: 'export { parquetRead } from "hyparquet"; export { compressors } from "hyparquet-compressors"', wasm: [], onDemand: true,
    },
    'hyparquet, -compressors and -writer, reading and writing': {
      code: 'export { parquetRead } from "hyparquet"; export { compressors } from "hyparquet-compressors"; export { parquetWriteBuffer } from "hyparquet-writer"',
      wasm: [],
      onDemand: true,
    },
    'apache-arrow, reading and writing': { code: 'export { tableFromIPC, tableToIPC } from "apache-arrow"', wasm: [], onDemand: true },
  };
}

/**
 * @param {string} ours folder of our installed package
 * @returns {Promise<Record<string, Size>>}
 */
export async function measureDownloads(ours) {
  const { build } = await import('esbuild');
  /** @type {Record<string, Size>} */
  const sizes = {};
  for (const [name, { code, wasm, onDemand }] of Object.entries(bundles(ours))) {
    const { outputFiles, metafile } = await build({
      stdin: { contents: code, resolveDir: inRoot('bench') },
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      platform: 'browser',
      outdir: '/out',
      write: false,
      metafile: true,
      logLevel: 'error',
      // What glue for Node alone asks for.
      external: ['node:*'],
    });
    const loaded = chunks(metafile, onDemand);
    const parts = [
      ...outputFiles.filter(({ path }) => loaded.has(path.slice(path.lastIndexOf('/') + 1))).map(({ contents }) => contents),
      ...wasm.map((path) => readFileSync(path)),
    ];
    sizes[name] = total(parts);
  }
  return sizes;
}

/**
 * Names of the chunks that a page loads.
 * @param {import('esbuild').Metafile} metafile
 * @param {boolean} onDemand
 */
function chunks({ outputs }, onDemand) {
  const found = new Set(Object.keys(outputs).filter((path) => outputs[path]?.entryPoint === '<stdin>'));
  for (const path of found) {
    for (const { path: next, kind, external } of outputs[path]?.imports ?? []) {
      if (!external && (onDemand || kind === 'import-statement')) found.add(next);
    }
  }
  return new Set([...found].map((path) => path.slice(path.lastIndexOf('/') + 1)));
}

/**
 * Each part is compressed by itself, as it is served.
 * @param {readonly Uint8Array[]} parts
 * @returns {Size}
 */
function total(parts) {
  const sum = (/** @type {(part: Uint8Array) => number} */ size) => parts.reduce((all, part) => all + size(part), 0);
  return {
    raw: sum((part) => part.length),
    gzip: sum((part) => gzipSync(part, { level: 9 }).length),
    brotli: sum((part) => brotliCompressSync(part, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: part.length } }).length),
  };
}
