/**
 * Sets up everything that building and testing need. Run as a program it does all of it; the other
 * scripts import the parts they use. It can be run at any time, does nothing twice, and goes on where
 * it was interrupted. It needs nothing but Node, and installs into ignored folders of the repository,
 * except for system packages.
 */

import { main } from './lib/process.mjs';
import { ensureBrowser } from './setup/browser.mjs';
import { ensureWasmPack } from './setup/cargo-tools.mjs';
import { ensureNodeModules } from './setup/node-modules.mjs';
import { say } from './setup/once.mjs';
import { ensurePython, ensurePythonNumpy1 } from './setup/python.mjs';
import { ensureRustLints } from './setup/rust.mjs';
import { ensureWasmTarget } from './setup/wasm-target.mjs';

export { ensureBrowser, ensureNodeModules, ensurePython, ensurePythonNumpy1, ensureRustLints, ensureWasmPack, ensureWasmTarget };

/** Sets up what `npm run build` needs, and returns the environment to build in. */
export async function setUpBuild() {
  await ensureNodeModules();
  return ensureWasmPack(await ensureWasmTarget());
}

/** Sets up all, and returns where the things are that tests use. */
export async function setUpAll() {
  await setUpBuild();
  await ensureRustLints();
  return {
    browser: await ensureBrowser(),
    python: await ensurePython(),
    pythonNumpy1: await ensurePythonNumpy1(),
  };
}

if (import.meta.filename === process.argv[1]) {
  await main(async () => {
    const { browser } = await setUpAll();
    say(`everything is there (browser: ${browser})`);
  });
}
