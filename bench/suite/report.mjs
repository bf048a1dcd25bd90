/** The suite's part of docs/benchmarks.md, and the bars on the console. */

import { inRoot } from '../../scripts/lib/paths.mjs';
import { writeWhole } from '../../scripts/lib/stamp.mjs';
import { ADAPTERS, BASELINE } from './adapters.mjs';
import { bars } from './bars.mjs';
import { CASES, TABLES } from './cases.mjs';
import { chart } from './chart.mjs';
import { markdown, writePart } from './document.mjs';
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

/**
 * Writes docs/benchmarks.svg, and the suite's part of docs/benchmarks.md; the rest of that stays as it is.
 * @param {Results} results
 */
export function writeReport(results) {
  writeWhole(inRoot('docs', 'benchmarks.svg'), chart(results));
  writePart('npm run bench', render(results));
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
  return `${results.machine}. ${peerVersions()}. Every time is the median over fresh processes in which
the adapters took turns, in milliseconds; in brackets the first and third quartile. *x* is how many times as fast as
parquet-wasm with ZSTD, and the fastest is bold. The load of the machine, other programs included, was
${loads(results)}.

![Times against parquet-wasm](benchmarks.svg)

${Object.keys(TABLES).filter((table) => results.times[table]).map((table) => renderTable(results, table)).join('\n')}
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

${markdown(['adapter', 'what it is'], Object.entries(ADAPTERS).map(([name, { about }]) => [name, about])).trimEnd()}`;
}

/** @param {Results} results */
function loads({ times }) {
  const all = Object.values(times).flatMap((cases) => Object.values(cases).flatMap((cells) => Object.values(cells).map(({ load }) => load)));
  return `${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)}`;
}

/** The columns of each table's two tables, which together would be too wide. */
const COLUMNS = [['write', 'writeBuffers', 'open', 'buffers', 'values'], ['number', 'text', 'filter', 'rows']];

/**
 * @param {Results} results
 * @param {string} table
 */
function renderTable({ times, sizes }, table) {
  const parts = COLUMNS.map((all, part) => {
    const cases = all.filter((name) => times[table]?.[name]);
    const adapters = Object.keys(ADAPTERS).filter((adapter) => cases.some((name) => times[table]?.[name]?.[adapter]));
    const rows = adapters.map((adapter) => [
      adapter,
      ...(part === 0 ? [sizes[table]?.[adapter]?.toLocaleString('en') ?? ''] : []),
      ...cases.map((name) => renderCell(times[table]?.[name] ?? {}, adapter)),
    ]);
    return cases.length === 0 ? '' : markdown(['adapter', ...(part === 0 ? ['file, bytes'] : []), ...cases.map((name) => CASES[name]?.title ?? name)], rows);
  });
  return `### ${table}: ${TABLES[table]?.about}\n\n${parts.filter((part) => part !== '').join('\n')}`;
}

/**
 * @param {Record<string, Times>} cells of one case
 * @param {string} adapter
 */
function renderCell(cells, adapter) {
  const cell = cells[adapter];
  if (!cell) return '';
  const { median, q1, q3 } = cell.wall;
  const best = Object.values(cells).every(({ wall }) => median <= wall.median);
  const base = cells[BASELINE]?.wall.median;
  const ratio = base === undefined ? '' : ` ${short(base / median)}x`;
  return `${best ? `**${short(median)}**` : short(median)} (${short(q1)} to ${short(q3)})${ratio}`;
}

/**
 * Three digits.
 * @param {number} value
 */
function short(value) {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}
