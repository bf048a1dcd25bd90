/** Writes the adapters' files, checks what the adapters read, and times the cases, the adapters taking turns. */

import { statSync } from 'node:fs';
import { loadavg } from 'node:os';

import { inRoot } from '../../scripts/lib/paths.mjs';
import { hashFiles, stampMatches, writeWhole } from '../../scripts/lib/stamp.mjs';
import { folder, tablesVersion } from '../tables.mjs';
import { ADAPTERS, BASELINE } from './adapters.mjs';
import { CASES } from './cases.mjs';
import { inProcess, spread } from './measure.mjs';

/**
 * @typedef {object} Cell what was measured of one adapter in one case on one table
 * @property {import('./measure.mjs').Spread} wall milliseconds of wall clock
 * @property {import('./measure.mjs').Spread} cpu milliseconds of processor, all threads together
 * @property {number} load of the machine over the last minute, when it was over
 */

/**
 * The file that an adapter reads.
 * @param {string} table
 * @param {string} adapter
 */
export function pathOf(table, adapter) {
  return `${folder}/files/${table}.${ADAPTERS[adapter]?.reads ?? adapter}`;
}

/**
 * Writes the adapters' files, and compares what each adapter reads with the table. What has not changed since is left.
 * Returns the size of each adapter's file.
 * @param {string} table
 * @param {readonly string[]} adapters
 * @param {readonly string[]} cases those that are going to be timed
 * @param {Record<string, string>} versions text that changes with the library, by the name of the adapter's module
 */
export async function prepareFiles(table, adapters, cases, versions) {
  const suite = hashFiles(['adapters', 'adapters.mjs', 'cases.mjs', 'compare.mjs', 'data.mjs'].map((name) => inRoot('bench', 'suite', name)));
  // A file comes before those who read it.
  const sources = adapters.flatMap((name) => ADAPTERS[name]?.reads ?? []);
  /** @type {Record<string, number>} */
  const sizes = {};
  for (const adapter of new Set([...sources, ...adapters])) {
    const stamp = `${folder}/files/${table}.${adapter}.stamp`;
    const wanted = [suite, tablesVersion(), versions[ADAPTERS[adapter]?.module ?? ''], ...cases].join(' ');
    const path = pathOf(table, adapter);
    if (!stampMatches(stamp, wanted)) {
      await inProcess({ task: 'prepare', adapter, table, cases, path });
      console.log(`${table}, ${adapter}: ${statSync(path).size} bytes, all values as written`);
      writeWhole(stamp, wanted);
    }
    sizes[adapter] = statSync(path).size;
  }
  return sizes;
}

/**
 * Times one case on one table.
 * @param {string} table
 * @param {string} name
 * @param {readonly string[]} adapters
 * @param {{ rounds: number, budget: number }} options
 * @returns {Promise<Record<string, Cell>>} by adapter
 */
export async function timeCase(table, name, adapters, { rounds, budget }) {
  const samples = Object.fromEntries(adapters.map((adapter) => [adapter, { wall: /** @type {number[]} */ ([]), cpu: /** @type {number[]} */ ([]) }]));
  await takeTurns(adapters, rounds, async (adapter) => {
    const { wall, cpu } = await inProcess({ task: 'time', adapter, table, case: name, path: pathOf(table, adapter), budget });
    samples[adapter]?.wall.push(...wall);
    samples[adapter]?.cpu.push(...cpu);
  });
  const load = loadavg()[0] ?? 0;
  return Object.fromEntries(Object.entries(samples).map(([adapter, { wall, cpu }]) => [adapter, { wall: spread(wall), cpu: spread(cpu), load }]));
}

/**
 * Calls for each name in each round, beginning with another one each time.
 * @param {readonly string[]} names
 * @param {number} rounds
 * @param {(name: string) => Promise<void>} call
 */
export async function takeTurns(names, rounds, call) {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) await call(/** @type {string} */ (names[(turn + round) % names.length]));
  }
}

/**
 * Prints the cells of a case.
 * @param {string} table
 * @param {string} name
 * @param {Record<string, Cell>} cells
 */
export function printCase(table, name, cells) {
  const base = cells[BASELINE];
  console.log(`\n${table}: ${CASES[name]?.title}, ms; load ${loadavg()[0]?.toFixed(1)}`);
  console.log('                          median       min        q1        q3  cpu median  runs    speed  by cpu');
  for (const [adapter, { wall, cpu }] of Object.entries(cells)) {
    const times = [wall.median, wall.min, wall.q1, wall.q3, cpu.median].map((value) => value.toPrecision(4).padStart(10)).join('');
    const ratio = (/** @type {'wall' | 'cpu'} */ clock) => (base ? `${(base[clock].median / { wall, cpu }[clock].median).toFixed(2)}x` : '').padStart(9);
    console.log(`${adapter.padEnd(22)}${times}${String(wall.runs).padStart(6)}${ratio('wall')}${ratio('cpu')}`);
  }
}
