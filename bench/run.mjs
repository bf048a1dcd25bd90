/**
 * The performance suite: `npm run bench`. Times our package beside its peers, on the same tables, in Node.
 *
 * --quick               small tables, few rounds
 * --tables a,b          only these; likewise --cases and --adapters
 * --rounds N            how often each adapter's turn comes; default 5
 * --budget MS           time that a process spends on its runs; default 600
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { inRoot } from '../scripts/lib/paths.mjs';
import { main } from '../scripts/lib/process.mjs';
import { hashFiles, stampMatches, writeWhole } from '../scripts/lib/stamp.mjs';
import { ADAPTERS, BASELINE, takesPart } from './suite/adapters.mjs';
import { CASES, TABLES } from './suite/cases.mjs';
import { inProcess, spread } from './suite/measure.mjs';
import { ensurePeers, installOurs } from './suite/peers.mjs';
import { ensureArrow, folder, tablesVersion } from './tables.mjs';

const files = `${folder}/files`;
const resultsFile = `${folder}/results.json`;

/** Tables of a full and of a quick run; seed10m is for growth alone. */
const FULL = ['seed100k', 'seed1m', 'nycflights', 'flights3m'];
const QUICK = ['seed100k', 'zipcodes'];

/**
 * Those of the names that were asked for.
 * @param {string} option
 * @param {string | undefined} asked
 * @param {readonly string[]} all
 * @param {readonly string[]} [usual]
 */
function pick(option, asked, all, usual = all) {
  if (asked === undefined) return usual;
  const names = asked.split(',');
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`--${option}: no ${unknown.join(', ')}; there are ${all.join(', ')}`);
  return names;
}

/**
 * Writes the adapters' files, and compares what each adapter reads.
 * @param {string} table
 * @param {readonly string[]} adapters
 * @param {(adapter: string) => string} versionOf text that changes with the adapter
 */
async function prepareFiles(table, adapters, versionOf) {
  const sources = adapters.flatMap((name) => ADAPTERS[name]?.reads ?? []);
  // A file comes before those who read it.
  const order = [...new Set([...sources, ...adapters])];
  for (const adapter of order) {
    const stamp = `${files}/${table}.${adapter}.stamp`;
    const wanted = `${versionOf(adapter)} ${tablesVersion()}`;
    if (stampMatches(stamp, wanted)) continue;
    const { bytes } = await inProcess({ task: 'prepare', adapter, table, path: pathOf(table, adapter) });
    console.log(`${table}, ${adapter}: ${bytes} bytes, all values as written`);
    writeWhole(stamp, wanted);
  }
}

/**
 * @param {string} table
 * @param {string} adapter
 */
function pathOf(table, adapter) {
  return `${files}/${table}.${ADAPTERS[adapter]?.reads ?? adapter}`;
}

/**
 * Times one case of one table, the adapters taking turns.
 * @param {string} table
 * @param {string} name
 * @param {readonly string[]} adapters
 * @param {number} rounds
 * @param {number} budget
 */
async function timeCase(table, name, adapters, rounds, budget) {
  /** @type {Map<string, { wall: number[], cpu: number[] }>} */
  const samples = new Map(adapters.map((adapter) => [adapter, { wall: [], cpu: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < adapters.length; turn++) {
      // Whoever begins differs from round to round.
      const adapter = /** @type {string} */ (adapters[(turn + round) % adapters.length]);
      const { wall, cpu } = await inProcess({ task: 'time', adapter, table, case: name, path: pathOf(table, adapter), budget });
      samples.get(adapter)?.wall.push(...wall);
      samples.get(adapter)?.cpu.push(...cpu);
    }
  }
  return new Map([...samples].map(([adapter, { wall, cpu }]) => [adapter, { wall: spread(wall), cpu: spread(cpu), load: loadavg()[0], when: new Date().toISOString() }]));
}

await main(async () => {
  const { values: options } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      tables: { type: 'string' },
      cases: { type: 'string' },
      adapters: { type: 'string' },
      rounds: { type: 'string' },
      budget: { type: 'string' },
    },
  });
  const tables = pick('tables', options.tables, Object.keys(TABLES), options.quick ? QUICK : FULL);
  const cases = pick('cases', options.cases, Object.keys(CASES));
  const adapters = pick('adapters', options.adapters, Object.keys(ADAPTERS));
  const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
  const budget = Number(options.budget ?? (options.quick ? 200 : 600));

  const peers = await ensurePeers();
  await ensureArrow(tables);
  mkdirSync(files, { recursive: true });
  const usesOurs = adapters.some((name) => ADAPTERS[name]?.module === 'ncf');
  const ours = usesOurs ? await installOurs() : undefined;
  if (ours) process.env.NCF_BENCH_ENTRY = ours.entry;
  const suite = hashFiles([inRoot('bench', 'suite')]);
  const versionOf = (/** @type {string} */ name) => `${suite} ${ADAPTERS[name]?.module === 'ncf' ? ours?.version : peers}`;

  /** @type {Record<string, any>} */
  const results = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {};
  for (const table of tables) {
    await prepareFiles(table, adapters, versionOf);
    for (const name of cases) {
      const taking = adapters.filter((adapter) => takesPart(adapter, name));
      const found = await timeCase(table, name, taking, rounds, budget);
      const base = found.get(BASELINE)?.wall.median;
      console.log(`\n${table}: ${CASES[name]?.title}; load ${loadavg()[0]?.toFixed(1)}`);
      console.log('                          median       min        q1        q3  cpu median  runs  speed');
      for (const [adapter, cell] of found) {
        results[`${table}/${name}/${adapter}`] = cell;
        const { wall, cpu } = cell;
        const numbers = [wall.median, wall.min, wall.q1, wall.q3, cpu.median].map((value) => value.toPrecision(4).padStart(10)).join('');
        console.log(`${adapter.padEnd(22)}${numbers}${String(wall.runs).padStart(6)}${base === undefined ? '' : `${(base / wall.median).toFixed(2)}x`.padStart(9)}`);
      }
      writeWhole(resultsFile, JSON.stringify(results));
    }
  }
});
