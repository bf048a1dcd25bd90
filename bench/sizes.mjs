/**
 * Sizes of real tables as version 2 files with default options, against Parquet: `npm run bench:sizes`.
 *
 * Every file is read back and compared. Times are native, of one run, and say nothing about wasm.
 */

import { main } from '../scripts/lib/process.mjs';
import { native } from './native.mjs';
import { ensureTables, folder } from './tables.mjs';

/** What the sizes must not exceed: geometric means over the real tables, the worst table, and seed100k. */
const BARS = { snappy: 0.46, zstd3: 0.6, best: 0.8, worst: 0.9, seed: 0.27 };
/** Bits of information in seed100k: 53 of a random number, one of five letters, one of a hundred scores, per row. */
const SEED_ENTROPY = Math.ceil((100_000 * (53 + Math.log2(5) + Math.log2(100))) / 8);

await main(async () => {
  const parquet = await ensureTables();
  const baselines = /** @type {const} */ (['snappy', 'zstd3', 'best']);
  const ratios = { snappy: [], zstd3: [], best: [], raw: [] };
  let seed = 0;
  console.log('table                              bytes   /snappy  /zstd 3    /best   raw/bytes    write    read (native, MB/s of raw)');
  for (const [name, sizes] of Object.entries(parquet)) {
    const { bytes, raw, repeated, write, read } = await native('size', `${folder}/${name}.columns`);
    const cells = baselines.map((baseline) => (bytes / sizes[baseline]).toFixed(3).padStart(8));
    const speed = (/** @type {number} */ seconds) => (raw / 1e6 / Math.max(seconds, 1e-6)).toFixed(0).padStart(8);
    console.log(`${name.padEnd(30)} ${String(bytes).padStart(9)} ${cells.join(' ')}  ${(raw / bytes).toFixed(1).padStart(9)}  ${speed(write)}${speed(read)}`);
    if (repeated > 0) console.log(`  one dictionary for all chunks of a column would save at most ${repeated} bytes, ${(100 * repeated / bytes).toFixed(2)} %`);
    if (name === 'seed100k') {
      seed = bytes / sizes.snappy;
      console.log(`  its entropy is ${SEED_ENTROPY} bytes, ${(SEED_ENTROPY / sizes.snappy).toFixed(3)} of snappy`);
      continue;
    }
    for (const baseline of baselines) ratios[baseline].push(bytes / sizes[baseline]);
    ratios.raw.push(raw / bytes);
  }
  const mean = (/** @type {number[]} */ values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  console.log(`\n${ratios.zstd3.length} real tables, geometric means; bars in brackets`);
  for (const baseline of baselines) console.log(`  / ${baseline.padEnd(7)} ${mean(ratios[baseline]).toFixed(3)} (${BARS[baseline]})`);
  console.log(`  raw / bytes ${mean(ratios.raw).toFixed(1)}`);
  console.log(`worst table / zstd3 ${Math.max(...ratios.zstd3).toFixed(3)} (${BARS.worst}); seed100k / snappy ${seed.toFixed(3)} (${BARS.seed})`);
});
