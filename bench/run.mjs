/**
 * The performance suite: `npm run bench`. Measures our package beside its peers, on the same tables, in Node, and writes
 * docs/benchmarks.md and docs/benchmarks.svg.
 *
 * --quick               small tables, one round; the documents stay as they are
 * --tables a,b          only these; likewise --cases and --adapters; the documents stay as they are
 * --rounds N            how often each adapter's turn comes; default 5
 * --budget MS           time that a process spends on its runs; default 1200
 * --profile             instead of times, the functions in which the processor spends them
 * --report              measures nothing, and writes the documents from what earlier runs measured
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { main } from '../scripts/lib/process.mjs';
import { writeWhole } from '../scripts/lib/stamp.mjs';
import { ADAPTERS, takesPart } from './suite/adapters.mjs';
import { CASES, TABLES } from './suite/cases.mjs';
import { measureDownloads } from './suite/download.mjs';
import { describeMachine } from './suite/machine.mjs';
import { inProcess, spread } from './suite/measure.mjs';
import { ensurePeers, installOurs } from './suite/peers.mjs';
import { printBars, writeReport } from './suite/report.mjs';
import { measureStartUp, START_TABLE, STARTERS } from './suite/startup.mjs';
import { pathOf, prepareFiles, printCase, takeTurns, timeCase } from './suite/timing.mjs';
import { ensureArrow, folder } from './tables.mjs';

/** @typedef {import('./suite/report.mjs').Results} Results */

const resultsFile = `${folder}/results.json`;

/** Tables of a full and of a quick run. */
const FULL = ['seed100k', 'seed1m', 'nycflights', 'flights3m'];
const QUICK = ['seed100k', 'zipcodes'];

/** What is measured besides the timed cases. */
const MEMORY = { table: 'flights3m', cases: ['buffers', 'write'], adapters: ['ncf', 'ncf-none', 'parquet-wasm-zstd', 'hyparquet-snappy', 'hyparquet-zstd', 'arrow', 'arrow-zstd'] };
const GROWTH = { tables: ['seed1m', 'seed10m'], cases: ['write', 'buffers', 'values'], adapters: ['ncf', 'parquet-wasm-zstd', 'arrow'] };
const OTHERS = ['growth', 'memory', 'startup', 'download'];

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

/** @returns {Results} what earlier runs measured */
function loadResults() {
  if (existsSync(resultsFile)) return JSON.parse(readFileSync(resultsFile, 'utf8'));
  return { machine: '', versions: {}, times: {}, sizes: {}, memory: {}, startup: {}, download: {} };
}

/**
 * Forgets what was measured of an adapter whose library has changed since.
 * @param {Results} results
 * @param {Record<string, string>} versions
 */
function forgetStale(results, versions) {
  const stale = Object.entries(ADAPTERS).filter(([, { module }]) => results.versions[module] !== versions[module]);
  for (const [adapter] of stale) {
    const cells = [...Object.values(results.times).flatMap((cases) => Object.values(cases)), ...Object.values(results.sizes), ...Object.values(results.memory), results.startup];
    for (const cell of cells) delete cell[adapter];
  }
  results.versions = versions;
}

/**
 * @param {string} table
 * @param {string} name
 * @param {string} adapter
 * @param {number} budget
 */
async function printProfile(table, name, adapter, budget) {
  const { runs, functions } = await inProcess({ task: 'profile', adapter, table, case: name, path: pathOf(table, adapter), budget });
  console.log(`\n${table}: ${CASES[name]?.title}, ${adapter}; share of the processor's time, ${runs} runs`);
  for (const [name, share] of functions.slice(0, 25)) console.log(`${(100 * share).toFixed(1).padStart(6)} %  ${name}`);
}

await main(async () => {
  const { values: options } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      tables: { type: 'string' },
      cases: { type: 'string' },
      adapters: { type: 'string' },
      rounds: { type: 'string' },
      budget: { type: 'string' },
    },
  });
  const results = loadResults();
  if (options.report) {
    writeReport(results);
    return;
  }
  const tables = pick('tables', options.tables, Object.keys(TABLES), options.quick ? QUICK : FULL);
  const cases = pick('cases', options.cases, [...Object.keys(CASES), ...OTHERS], options.quick ? Object.keys(CASES) : undefined);
  const adapters = pick('adapters', options.adapters, Object.keys(ADAPTERS));
  const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
  const budget = Number(options.budget ?? (options.quick ? 400 : 1200));

  const peers = await ensurePeers();
  mkdirSync(`${folder}/files`, { recursive: true });
  const ours = adapters.some((name) => ADAPTERS[name]?.module === 'ncf') ? await installOurs({ named: options.profile }) : undefined;
  process.env.NCF_BENCH_ENTRY = ours?.entry;
  const versions = Object.fromEntries(Object.values(ADAPTERS).map(({ module }) => [module, peers]));
  versions.ncf = ours?.version ?? results.versions.ncf ?? '';
  if (!options.profile) forgetStale(results, versions);
  const save = () => writeWhole(resultsFile, JSON.stringify(results, null, 1));
  results.machine = describeMachine();

  /** @type {(table: string, names: readonly string[], those: readonly string[]) => Promise<void>} */
  const timeTable = async (table, names, those) => {
    if (names.length === 0) return;
    await ensureArrow([table]);
    Object.assign(results.sizes[table] ??= {}, await prepareFiles(table, those, names, versions));
    for (const name of names) {
      if (options.profile) {
        for (const adapter of those.filter((candidate) => takesPart(candidate, name))) await printProfile(table, name, adapter, budget);
        continue;
      }
      const cells = await timeCase(table, name, those.filter((adapter) => takesPart(adapter, name)), { rounds, budget });
      Object.assign((results.times[table] ??= {})[name] ??= {}, cells);
      printCase(table, name, cells);
      save();
    }
  };
  for (const table of tables) await timeTable(table, cases.filter((name) => name in CASES), adapters);

  if (cases.includes('growth')) {
    // What is being timed anyway need not be timed twice.
    const timed = (/** @type {string} */ table) => tables.includes(table) && GROWTH.cases.every((name) => cases.includes(name));
    for (const table of GROWTH.tables.filter((name) => !timed(name))) await timeTable(table, GROWTH.cases, adapters.filter((name) => GROWTH.adapters.includes(name)));
  }

  if (cases.includes('memory')) {
    const { table } = MEMORY;
    const those = adapters.filter((name) => MEMORY.adapters.includes(name));
    await ensureArrow([table]);
    await prepareFiles(table, those, Object.keys(CASES), versions);
    for (const name of MEMORY.cases) {
      const taking = those.filter((adapter) => takesPart(adapter, name));
      /** @type {Record<string, { peak: number[], retained: number[], linear: number[] }>} */
      const samples = Object.fromEntries(taking.map((adapter) => [adapter, { peak: [], retained: [], linear: [] }]));
      await takeTurns(taking, Math.min(rounds, 3), async (adapter) => {
        const found = await inProcess({ task: 'memory', adapter, table, case: name, path: pathOf(table, adapter) });
        for (const measure of /** @type {const} */ (['peak', 'retained', 'linear'])) samples[adapter]?.[measure].push(found[measure]);
      });
      console.log(`\n${table}: ${CASES[name]?.title}, MB: peak growth of the process, what is left of it, growth of linear memory`);
      for (const [adapter, { peak, retained, linear }] of Object.entries(samples)) {
        const cell = { peak: spread(peak), retained: spread(retained), linear: spread(linear) };
        (results.memory[name] ??= {})[adapter] = cell;
        console.log(adapter.padEnd(22) + Object.values(cell).map(({ median }) => (median / 1e6).toFixed(1).padStart(10)).join(''));
      }
      save();
    }
  }

  if (cases.includes('startup')) {
    const those = adapters.filter((name) => STARTERS.includes(name));
    await ensureArrow([START_TABLE]);
    await prepareFiles(START_TABLE, those, Object.keys(CASES), versions);
    Object.assign(results.startup, await measureStartUp(those, 4 * rounds));
    console.log('\nstart-up: import to the first row, ms; median, min, cpu median');
    for (const [adapter, { wall, cpu }] of Object.entries(results.startup)) {
      console.log(adapter.padEnd(22) + [wall.median, wall.min, cpu.median].map((value) => value.toFixed(1).padStart(10)).join(''));
    }
    save();
  }

  if (cases.includes('download') && ours) {
    results.download = await measureDownloads(ours.folder);
    console.log('\ndownload, bytes: raw, gzip -9, brotli 11');
    for (const [name, size] of Object.entries(results.download)) {
      console.log(name.padEnd(60) + Object.values(size).map((value) => String(value).padStart(10)).join(''));
    }
    save();
  }

  printBars(results);
  if (!options.quick && !options.tables && !options.cases && !options.adapters) writeReport(results);
});
