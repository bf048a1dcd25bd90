/** Compiles js/: the declarations to dist/, the modules to where they are bundled from. */

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

import { dist, inRoot, modules } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';
import { bundle } from './bundle.mjs';

/** Runs the TypeScript compiler, removes the output of sources that are no more, and bundles. */
export async function buildTypeScript() {
  console.log('build: compiling js/');
  await run(inRoot('node_modules', '.bin', 'tsc'), ['--project', 'tsconfig.json', '--outDir', modules, '--declarationDir', dist]);
  for (const folder of [dist, modules]) removeOrphans(folder);
  await bundle();
}

/** @param {string} folder of output, beside which the modules of wasm/ are */
function removeOrphans(folder) {
  for (const path of filesBelow(folder)) {
    const output = relative(folder, path);
    const source = output.replace(/\.(js|d\.ts)$/, '.ts');
    if (source !== output && !output.startsWith('wasm/') && !existsSync(inRoot('js', source))) rmSync(path);
  }
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
