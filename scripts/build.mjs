/** Builds dist/: the WebAssembly modules with their glue, and the JavaScript around them. */

import { readFileSync } from 'node:fs';

import { measureSizes, overBudget, printSizes } from './build/sizes.mjs';
import { buildTypeScript } from './build/typescript.mjs';
import { buildWasm } from './build/wasm.mjs';
import { withLock } from './lib/lock.mjs';
import { inRoot } from './lib/paths.mjs';
import { main } from './lib/process.mjs';
import { setUpBuild } from './setup.mjs';

/** Sets up what building needs, and builds what is not up to date. */
export async function build() {
  checkVersions();
  const env = await setUpBuild();
  await withLock('build', async () => {
    await buildWasm(env);
    await buildTypeScript();
  });
}

/** The package and the crate are released together. */
function checkVersions() {
  const npm = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')).version;
  const cargo = /^version = "([^"]+)"/m.exec(readFileSync(inRoot('Cargo.toml'), 'utf8'))?.[1];
  if (npm !== cargo) throw new Error(`package.json has version ${npm}, Cargo.toml has ${cargo}: make them the same`);
}

if (import.meta.filename === process.argv[1]) {
  await main(async () => {
    await build();
    const sizes = measureSizes();
    printSizes(sizes);
    for (const excess of overBudget(sizes)) console.log(`warning: ${excess}`);
  });
}
