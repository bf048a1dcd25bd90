/** What we hold ourselves to: how many times as fast, or as small, as a peer. */

import { CASES } from './cases.mjs';

/**
 * @typedef {import('./report.mjs').Results} Results
 *
 * @typedef {object} Bar
 * @property {string} title
 * @property {string} where table or other scope
 * @property {number} needed so many times as good as the peer, at least
 * @property {number | undefined} measured undefined where something was not measured
 * @property {string} [note]
 */

const READS = ['buffers', 'values', 'number', 'text', 'filter', 'rows'];
const OURS = 'ncf';
const HYPARQUET = ['hyparquet-snappy', 'hyparquet-hysnappy', 'hyparquet-zstd'];
const MAIN_TABLES = ['seed100k', 'nycflights', 'flights3m'];

/**
 * Cases, adapters that we are compared with, and the ratios needed on each of the main tables.
 * @type {readonly { cases: readonly string[], against: readonly string[], name: string, needed: readonly [number, number, number] }[]}
 */
const TIMES = [
  { cases: ['buffers'], against: ['parquet-wasm-zstd'], name: 'parquet-wasm zstd', needed: [6, 4, 4] },
  { cases: ['buffers'], against: ['parquet-wasm-snappy'], name: 'parquet-wasm snappy', needed: [2, 1.5, 1.5] },
  { cases: ['buffers'], against: ['parquet-wasm-none'], name: 'parquet-wasm uncompressed', needed: [2, 1.5, 1.5] },
  { cases: ['values'], against: ['parquet-wasm-zstd'], name: 'parquet-wasm zstd', needed: [3, 2.5, 2.5] },
  { cases: ['values'], against: ['parquet-wasm-slice'], name: 'parquet-wasm zstd, text sliced by us', needed: [1.5, 1.5, 1.5] },
  { cases: ['values'], against: ['arrow'], name: 'Arrow IPC uncompressed', needed: [1, 1, 1] },
  { cases: ['write'], against: ['parquet-wasm-zstd'], name: 'parquet-wasm zstd', needed: [4, 3, 3] },
  { cases: ['number'], against: ['parquet-wasm-zstd'], name: 'parquet-wasm zstd', needed: [8, 5, 5] },
  { cases: ['text'], against: ['parquet-wasm-zstd'], name: 'parquet-wasm zstd', needed: [3, 3, 3] },
  ...READS.map((name) => ({ cases: [name], against: HYPARQUET, name: 'the fastest hyparquet', needed: /** @type {[number, number, number]} */ ([2, 2, 2]) })),
  { cases: Object.keys(CASES), against: ['arrow-zstd'], name: 'Arrow IPC zstd', needed: [1, 1, 1] },
  { cases: Object.keys(CASES), against: ['arrow-lz4'], name: 'Arrow IPC lz4', needed: [1, 1, 1] },
];

/** How much more a row may cost at ten million rows than at one million. */
const GROWTH = 1.15;

/**
 * All bars and how we stand.
 * @param {Results} results
 * @returns {Bar[]}
 */
export function bars(results) {
  return [
    ...TIMES.flatMap(({ cases, against, name, needed }) =>
      MAIN_TABLES.map((table, index) => ({
        title: `${cases.length === 1 ? CASES[cases[0] ?? '']?.title : 'every case'}; against ${name}`,
        where: table,
        needed: needed[index] ?? NaN,
        ...worst(results, table, cases, against),
      }))),
    ...['buffers', 'write'].map((name) => {
      const memory = results.memory[name];
      return {
        title: `memory at its peak, ${CASES[name]?.title}; against parquet-wasm zstd`,
        where: 'flights3m',
        needed: 3,
        measured: ratio(memory?.['parquet-wasm-zstd']?.peak.median, memory?.[OURS]?.peak.median),
      };
    }),
    { title: 'start-up; against parquet-wasm', where: '', needed: 3, measured: startUp(results, ['parquet-wasm-zstd']) },
    { title: 'start-up; against hyparquet', where: '', needed: 1 / 1.5, measured: startUp(results, ['hyparquet-snappy', 'hyparquet-zstd']) },
    ...['write', 'buffers', 'values'].map((name) => {
      const small = results.times.seed1m?.[name]?.[OURS]?.wall.median;
      const large = results.times.seed10m?.[name]?.[OURS]?.wall.median;
      return { title: `time per row at 1 million rows / at 10 million, ${CASES[name]?.title}`, where: 'seed', needed: 1 / GROWTH, measured: ratio(small && 10 * small, large) };
    }),
  ];
}

/**
 * The case in which we do worst.
 * @param {Results} results
 * @param {string} table
 * @param {readonly string[]} cases
 * @param {readonly string[]} against the best of these counts
 */
function worst(results, table, cases, against) {
  /** @type {{ measured: number | undefined, note?: string }} */
  let found = { measured: undefined };
  for (const name of cases) {
    const cells = results.times[table]?.[name];
    const measured = ratio(fastest(against.map((adapter) => cells?.[adapter]?.wall.median)), cells?.[OURS]?.wall.median);
    if (measured !== undefined && measured < (found.measured ?? Infinity)) found = { measured, ...(cases.length > 1 && { note: CASES[name]?.title }) };
  }
  return found;
}

/**
 * @param {Results} results
 * @param {readonly string[]} against
 */
function startUp({ startup }, against) {
  return ratio(fastest(against.map((name) => startup[name]?.wall.median)), startup[OURS]?.wall.median);
}

/** @param {readonly (number | undefined)[]} times */
function fastest(times) {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/**
 * @param {number | undefined} theirs
 * @param {number | undefined} ours
 */
function ratio(theirs, ours) {
  return theirs === undefined || ours === undefined ? undefined : theirs / ours;
}
