/** Single-bit flips over version 2 files of several shapes: `npm run bench:integrity`. */

import { main } from '../scripts/lib/process.mjs';
import { native } from './native.mjs';

const FLIPS = 100_000;

await main(async () => {
  const { files, bytes, errors, harmless, wrong } = await native('flips', String(FLIPS));
  console.log(`${FLIPS} single-bit flips over ${files} files of ${bytes} bytes together:`);
  console.log(`  ${errors} errors, ${harmless} without effect on what was read, ${wrong} wrong values, no trap`);
  if (wrong > 0) process.exitCode = 1;
});
