/**
 * A process of the suite: does one task, given as JSON, and sends its answer to the parent. It starts afresh for every
 * measurement, so that nothing that ran before, compiled code and heap included, helps or hinders.
 */

import { readFileSync, writeFileSync } from 'node:fs';

import { ADAPTERS, loadAdapter, takesPart } from './adapters.mjs';
import { CASES, TABLES } from './cases.mjs';
import { compare } from './compare.mjs';
import { loadTable, toValues } from './data.mjs';
import { measureMemory } from './memory.mjs';
import { profile } from './profile.mjs';

/**
 * @typedef {object} Task
 * @property {'prepare' | 'time' | 'memory' | 'profile'} task
 * @property {string} adapter
 * @property {string} table
 * @property {string} path of the adapter's file
 * @property {string} case for all but `prepare`
 * @property {readonly string[]} cases for `prepare`: those that are going to be timed
 * @property {number} budget for `time` and `profile`: milliseconds that may be spent
 */

// Share of the time that goes to runs before the timed ones, for the just-in-time compilers.
const WARM_UP = 0.5;
const MAX_RUNS = 50;

/** @param {string} path */
function load(path) {
  return new Uint8Array(readFileSync(path));
}

/**
 * @param {Task} task
 * @returns {import('./cases.mjs').Input}
 */
function inputOf({ table, case: name, path }) {
  const { input } = /** @type {typeof CASES[string]} */ (CASES[name]);
  const { columns } = input === 'bytes' ? { columns: [] } : loadTable(table);
  return {
    bytes: input === 'bytes' ? load(path) : new Uint8Array(),
    values: input === 'values' ? columns.map(toValues) : [],
    buffers: columns,
    table: /** @type {typeof TABLES[string]} */ (TABLES[table]),
  };
}

/**
 * Writes the adapter's file, if it has one of its own, and reads it back in every way.
 * @param {Task} task
 */
async function prepare({ adapter: name, table: tableName, path, cases }) {
  const adapter = await loadAdapter(name);
  const table = loadTable(tableName);
  const wanted = /** @type {typeof TABLES[string]} */ (TABLES[tableName]);
  if (adapter.write && ADAPTERS[name]?.reads === undefined) {
    const bytes = await adapter.write(table.columns.map(toValues));
    if (adapter.writeBuffers) {
      const other = await adapter.writeBuffers(table.columns);
      if (Buffer.compare(bytes, other) !== 0) await compare(adapter, other, table, wanted, ['buffers']);
    }
    writeFileSync(path, bytes);
  }
  const bytes = load(path);
  await compare(adapter, bytes, table, wanted, cases.filter((candidate) => takesPart(name, candidate)));
  return {};
}

/**
 * Times a case: milliseconds of wall clock and of processor, all threads together, of each run.
 * @param {Task} task
 */
async function time(task) {
  const { run } = /** @type {typeof CASES[string]} */ (CASES[task.case]);
  const adapter = await loadAdapter(task.adapter);
  const input = inputOf(task);
  /** @type {{ wall: number[], cpu: number[] }} */
  const times = { wall: [], cpu: [] };
  // The answer is let go of with the call: as long as a variable of the loop held it, the next run would work beside it.
  const once = async () => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    const answer = await run(adapter, input);
    const wall = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    if (answer === undefined) throw new Error(`${task.adapter} has no ${task.case}`);
    return { wall, cpu: (user + system) / 1000 };
  };
  const started = performance.now();
  do await once(); while (performance.now() - started < WARM_UP * task.budget);
  do {
    // What the run before left behind is not this one's to clear away.
    globalThis.gc?.();
    const { wall, cpu } = await once();
    times.wall.push(wall);
    times.cpu.push(cpu);
  } while (times.wall.length < MAX_RUNS && performance.now() - started < task.budget);
  return times;
}

/** @param {Task} task */
async function memory(task) {
  return measureMemory(async () => {
    const { run } = /** @type {typeof CASES[string]} */ (CASES[task.case]);
    const adapter = await loadAdapter(task.adapter);
    const input = inputOf(task);
    return () => run(adapter, input);
  });
}

/** @param {Task} task */
async function profileCase(task) {
  const { run } = /** @type {typeof CASES[string]} */ (CASES[task.case]);
  const adapter = await loadAdapter(task.adapter);
  const input = inputOf(task);
  // The code that counts is that of a program that has run for a while.
  for (const end = performance.now() + task.budget / 4; performance.now() < end;) await run(adapter, input);
  return profile(() => run(adapter, input), task.budget);
}

const TASKS = { prepare, time, memory, profile: profileCase };

process.once('message', async (/** @type {Task} */ task) => {
  try {
    process.send?.({ answer: await TASKS[task.task](task) });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.stack : String(error) });
  }
  process.disconnect();
});
