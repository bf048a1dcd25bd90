/**
 * Writes and reads single chunks of several shapes, natively (by criterion) and in wasm: `npm run bench:kernels`, which
 * writes its part of docs/benchmarks.md.
 * The wasm side is the package's API, so it includes the copies between JavaScript and linear memory.
 */

import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { inRoot } from '../scripts/lib/paths.mjs';
import { main, run } from '../scripts/lib/process.mjs';
import { markdown, writePart } from './suite/document.mjs';
import { describeMachine } from './suite/machine.mjs';
import { spread } from './suite/measure.mjs';
import { installOurs } from './suite/peers.mjs';
import { folder } from './tables.mjs';

const kernels = `${folder}/kernels`;
/** Milliseconds that a measurement takes, half of them to warm up. */
const BUDGET = 3000;

await main(async () => {
  rmSync(kernels, { recursive: true, force: true });
  mkdirSync(kernels, { recursive: true });
  await run('cargo', ['bench', '--quiet', '--locked', '--bench', 'kernels', '--', '--quiet'], { env: { ...process.env, NCF_KERNELS: kernels } });
  const { entry } = await installOurs();
  const ncf = await import(String(pathToFileURL(entry)));
  await ncf.init({ full: true });
  console.log('\nmilliseconds for 131,072 rows    native      wasm  wasm / native');
  const rows = [];
  for (const name of readdirSync(kernels).map((file) => file.replace(/\.ncf$/, '')).sort()) {
    const bytes = new Uint8Array(readFileSync(`${kernels}/${name}.ncf`));
    const [column] = ncf.openSync(bytes).readSync().columns;
    const calls = {
      write: () => ncf.writeSync([{ name: 'values', data: column }], {}),
      read: () => ncf.openSync(bytes).readSync(),
    };
    for (const [what, call] of Object.entries(calls)) {
      const native = nativeMedian(name, what);
      const wasm = time(call);
      console.log(`${`${name}, ${what}`.padEnd(30)}${native.toFixed(3).padStart(9)}${wasm.toFixed(3).padStart(10)}${(wasm / native).toFixed(2).padStart(15)}`);
      rows.push([name, what, native.toFixed(3), wasm.toFixed(3), (wasm / native).toFixed(2)]);
    }
  }
  writePart('npm run bench:kernels', `${describeMachine()}.\n\n${markdown(['chunk', 'call', 'native', 'wasm', 'wasm / native'], rows)}`);
});

/**
 * Median that criterion found, in milliseconds.
 * @param {string} name
 * @param {string} what
 */
function nativeMedian(name, what) {
  const { median } = JSON.parse(readFileSync(inRoot('target', 'criterion', name, what, 'new', 'estimates.json'), 'utf8'));
  return median.point_estimate / 1e6;
}

/** @param {() => unknown} call */
function time(call) {
  /** @type {number[]} */
  const times = [];
  const started = performance.now();
  while (performance.now() - started < BUDGET) {
    const start = performance.now();
    call();
    if (start - started > BUDGET / 2) times.push(performance.now() - start);
  }
  return spread(times).median;
}
