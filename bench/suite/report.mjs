/** The suite's part of docs/benchmarks.md, and the bars on the console. */

import { readFileSync } from 'node:fs';

import { inRoot } from '../../scripts/lib/paths.mjs';
import { writeWhole } from '../../scripts/lib/stamp.mjs';
import { ADAPTERS, BASELINE } from './adapters.mjs';
import { bars } from './bars.mjs';
import { CASES, TABLES } from './cases.mjs';
import { chart } from './chart.mjs';
import { peerVersions } from './machine.mjs';

/**
 * @typedef {import('./measure.mjs').Spread} Spread
 * @typedef {{ wall: Spread, cpu: Spread }} Times
 *
 * @typedef {object} Results what all runs measured; later runs replace what they measure again
 * @property {string} machine
 * @property {Record<string, string>} versions text that changes with the library, by the module of its adapters
 * @property {Record<string, Record<string, Record<string, import('./timing.mjs').Cell>>>} times by table, case and adapter
 * @property {Record<string, Record<string, number>>} sizes bytes of the files, by table and adapter
 * @property {Record<string, Record<string, { peak: Spread, retained: Spread, linear: Spread }>>} memory bytes, by case and adapter
 * @property {Record<string, Times>} startup by adapter
 * @property {Record<string, import('./download.mjs').Size>} download by bundle
 */

const BEGIN = '<!-- begin: npm run bench -->';
const END = '<!-- end: npm run bench -->';

/**
 * Writes docs/benchmarks.svg, and the suite's part of docs/benchmarks.md; the rest of that stays as it is.
 * @param {Results} results
 */
export function writeReport(results) {
  const path = inRoot('docs', 'benchmarks.md');
  const text = readFileSync(path, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${path} lacks the lines ${BEGIN} and ${END}`);
  writeWhole(inRoot('docs', 'benchmarks.svg'), chart(results));
  writeWhole(path, `${before}${BEGIN}\n${render(results)}${END}${after}`);
}

/**
 * Prints how we stand.
 * @param {Results} results
 */
export function printBars(results) {
  console.log('\nbars: needed, measured (times as good as the peer)');
  for (const { title, where, needed, measured, note } of bars(results)) {
    if (measured === undefined) continue;
    console.log(`${measured >= needed ? 'reached' : 'MISSED '}  ${needed.toFixed(2).padStart(6)} ${measured.toFixed(2).padStart(8)}  ${where.padEnd(11)}${title}${note ? ` (${note})` : ''}`);
  }
}

/**
 * @param {Results} results
 * @returns {string}
 */
function render(results) {
  return `
${results.machine}. ${peerVersions()}. Every time is the median over fresh processes in which
the adapters took turns, in milliseconds; in brackets the first and third quartile. *x* is how many times as fast as
parquet-wasm with ZSTD.

![Times against parquet-wasm](benchmarks.svg)

${Object.keys(results.times).map((table) => renderTable(results, table)).join('\n')}
### Memory

Growth of a fresh process with flights3m in memory, in MB: at its peak, after garbage collection with the answer held, and
of linear memory.

${markdown(
  ['case', 'adapter', 'peak', 'kept', 'linear memory'],
  Object.entries(results.memory).flatMap(([name, cells]) =>
    Object.entries(cells).map(([adapter, { peak, retained, linear }]) => [
      CASES[name]?.title ?? name, adapter, ...[peak, retained, linear].map(({ median }) => (median / 1e6).toFixed(0)),
    ])),
)}
### Start-up

From the import of the library to the first row of a file of ten rows, in a fresh process, in milliseconds.

${markdown(
  ['adapter', 'median', 'quartiles', 'least', 'processor'],
  Object.entries(results.startup).map(([adapter, { wall, cpu }]) => [
    adapter, wall.median.toFixed(1), `${wall.q1.toFixed(1)} to ${wall.q3.toFixed(1)}`, wall.min.toFixed(1), cpu.median.toFixed(1),
  ]),
)}
### Download

Bundled and minified by esbuild, with the wasm modules; bytes.

${markdown(
  ['bundle', 'raw', 'gzip -9', 'brotli 11'],
  Object.entries(results.download).map(([name, { raw, gzip, brotli }]) => [name, ...[raw, gzip, brotli].map((size) => size.toLocaleString('en'))]),
)}
### Bars

How many times as good as the peer we are to be, and are.

${markdown(
  ['', 'case', 'table', 'needed', 'measured'],
  bars(results).map(({ title, where, needed, measured, note }) => [
    measured === undefined ? 'not measured' : measured >= needed ? 'reached' : '**missed**',
    `${title}${note ? ` (${note})` : ''}`, where, needed.toFixed(2), measured?.toFixed(2) ?? '',
  ]),
)}
### Adapters

${markdown(['adapter', 'what it is'], Object.entries(ADAPTERS).map(([name, { about }]) => [name, about]))}`;
}

/**
 * @param {Results} results
 * @param {string} table
 */
function renderTable({ times, sizes }, table) {
  const cases = Object.keys(CASES).filter((name) => times[table]?.[name]);
  const adapters = Object.keys(ADAPTERS).filter((adapter) => cases.some((name) => times[table]?.[name]?.[adapter]));
  const rows = adapters.map((adapter) => [
    adapter,
    (sizes[table]?.[adapter] ?? NaN).toLocaleString('en').replace('NaN', ''),
    ...cases.map((name) => {
      const cells = times[table]?.[name];
      const cell = cells?.[adapter];
      if (!cell) return '';
      const best = Object.values(cells).every(({ wall }) => cell.wall.median <= wall.median);
      const base = cells[BASELINE]?.wall.median;
      const { median, q1, q3 } = cell.wall;
      return `${best ? '**' : ''}${short(median)}${best ? '**' : ''} (${short(q1)} to ${short(q3)})${base === undefined ? '' : ` ${short(base / median)}x`}`;
    }),
  ]);
  return `### ${table}: ${TABLES[table]?.about}\n\n${markdown(['adapter', 'file, bytes', ...cases.map((name) => CASES[name]?.title ?? name)], rows)}`;
}

/**
 * Three digits.
 * @param {number} value
 */
function short(value) {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function markdown(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}
