/** What a page has to load: sizes of the built files, raw and compressed, held against a budget. */

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import { dist, inRoot } from '../lib/paths.mjs';
import { writeWhole } from '../lib/stamp.mjs';

/**
 * @typedef {{ raw: number, gzip: number, brotli: number }} Size in bytes
 * @typedef {Size & { files: string[] }} Load what a page that reads, or one that also writes, loads
 * @typedef {{ files: Record<string, Size>, loads: Record<string, Load> }} SizeReport
 */

/**
 * Measures dist/ and writes dist/size.json.
 * @returns {SizeReport}
 */
export function measureSizes() {
  const entry = join(dist, 'browser.js');
  // What browser.js imports only on demand belongs to writing; codecs, the legacy dialects and what shares reads out come on
  // top of either.
  const atOnce = reachable([entry], { onDemand: false });
  const ever = reachable([entry], { onDemand: true });
  const codec = (/** @type {string} */ name) => ever.filter((path) => new RegExp(`^${name}-[A-Z0-9]+\\.js$`).test(basename(path)));
  const [neural, thorough] = [codec('neural'), codec('thorough')];
  const shared = codec('shared-read');
  const loads = {
    reader: [join(dist, 'wasm', 'reader.wasm'), ...atOnce],
    shared: without(reachable(shared, { onDemand: false }), atOnce),
    legacy: [join(dist, 'wasm', 'legacy.wasm')],
    full: [join(dist, 'wasm', 'full.wasm'), ...without(ever, [...neural, ...thorough])],
    neural: [join(dist, 'wasm', 'neural.wasm'), ...without(reachable(neural, { onDemand: false }), atOnce)],
    thorough: [join(dist, 'wasm', 'thorough.wasm'), ...without(reachable(thorough, { onDemand: false }), atOnce)],
  };
  if ([neural, thorough, shared].some(({ length }) => length === 0)) throw new Error('a codec, or what shares reads out, is not among what browser.js imports on demand');

  const paths = [...new Set([...loads.reader, ...loads.shared, ...loads.legacy, ...loads.full, ...loads.neural, ...loads.thorough])].sort();
  const files = Object.fromEntries(paths.map((path) => [relative(dist, path), sizeOf(path)]));
  const report = {
    files,
    loads: Object.fromEntries(Object.entries(loads).map(([name, list]) => [name, total(list.map((path) => relative(dist, path)), files)])),
  };
  writeWhole(join(dist, 'size.json'), `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

/**
 * Prints a report as a table.
 * @param {SizeReport} report
 */
export function printSizes({ files, loads }) {
  const row = (/** @type {string} */ name, /** @type {(number | string)[]} */ cells) =>
    console.log(name.padEnd(24) + cells.map((cell) => cell.toLocaleString('en').padStart(11)).join(''));
  row('bytes', ['raw', 'gzip -9', 'brotli 11']);
  for (const [name, { raw, gzip, brotli }] of Object.entries(files)) row(name, [raw, gzip, brotli]);
  for (const [name, { raw, gzip, brotli }] of Object.entries(loads)) row(`${name}, together`, [raw, gzip, brotli]);
}

/**
 * What is over the budget of scripts/size-budget.json.
 * @param {SizeReport} report
 * @param {Record<string, Partial<Size>>} [budget]
 * @returns {string[]} a sentence for each excess
 */
export function overBudget({ loads }, budget = readBudget()) {
  return Object.entries(budget).flatMap(([name, limits]) => {
    const load = loads[name];
    if (!load) return [`the size budget names ${name}, which is not built`];
    return (/** @type {const} */ (['raw', 'gzip', 'brotli'])).flatMap((measure) => {
      const limit = limits[measure];
      if (limit === undefined || load[measure] <= limit) return [];
      return [`${name} has ${load[measure]} bytes (${measure}), ${load[measure] - limit} over its budget of ${limit}`];
    });
  });
}

/** @returns {Record<string, Partial<Size>>} */
function readBudget() {
  return JSON.parse(readFileSync(inRoot('scripts', 'size-budget.json'), 'utf8'));
}

/**
 * The given modules and those that they import.
 * @param {string[]} entries
 * @param {{ onDemand: boolean }} options whether to follow `import()` and `new URL('./x.js', …)` too
 */
function reachable(entries, { onDemand }) {
  const found = new Set(entries);
  for (const path of found) {
    for (const specifier of importsOf(readFileSync(path, 'utf8'), onDemand)) {
      const imported = join(dirname(path), specifier);
      if (existsSync(imported)) found.add(imported);
    }
  }
  return [...found].sort();
}

/**
 * @param {string} source
 * @param {boolean} onDemand
 * @returns {string[]} relative specifiers of JavaScript modules
 */
function importsOf(source, onDemand) {
  const code = source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const always = /(?:^|[;}])\s*(?:import|export)\b[^'";(]*?(?:from\s*)?['"](\.{1,2}\/[^'"]+\.js)['"]/gm;
  const later = /\b(?:import|new URL)\(\s*['"](\.{1,2}\/[^'"]+\.js)['"]/g;
  return (onDemand ? [always, later] : [always]).flatMap((pattern) => [...code.matchAll(pattern)].map((match) => String(match[1])));
}

/**
 * @param {string} path
 * @returns {Size}
 */
function sizeOf(path) {
  const bytes = readFileSync(path);
  const gzip = gzipSync(bytes, { level: 9 }).length;
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
  return { raw: bytes.length, gzip, brotli };
}

/**
 * @param {string[]} names
 * @param {Record<string, Size>} sizes
 * @returns {Load}
 */
function total(names, sizes) {
  const sum = (/** @type {keyof Size} */ measure) => names.reduce((bytes, name) => bytes + (sizes[name]?.[measure] ?? 0), 0);
  return { files: names, raw: sum('raw'), gzip: sum('gzip'), brotli: sum('brotli') };
}

/**
 * @param {string[]} paths
 * @param {string[]} others
 */
function without(paths, others) {
  return paths.filter((path) => !others.includes(path));
}
