/** Memory of the writer while rows stream through it: `npm run bench:memory`. */

import { main } from '../scripts/lib/process.mjs';
import { native } from './native.mjs';

await main(async () => {
  let first = 0;
  for (const rows of [1e6, 2e6, 5e6, 10e6]) {
    const { bytes, peakBytes } = await native('memory', String(rows));
    first ||= peakBytes;
    const mib = (/** @type {number} */ size) => (size / 2 ** 20).toFixed(1);
    console.log(`${rows / 1e6} million rows: file ${mib(bytes)} MiB, peak memory of the process ${mib(peakBytes)} MiB, ${(peakBytes / first).toFixed(2)}x`);
  }
});
