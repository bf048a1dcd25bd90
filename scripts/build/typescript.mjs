/** Compiles js/ to dist/. */

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

import { dist, inRoot } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';

/** Runs the TypeScript compiler, and removes the output of sources that are no more. */
export async function buildTypeScript() {
  console.log('build: compiling js/');
  const compile = (/** @type {string[]} */ ...args) => run(inRoot('node_modules', '.bin', 'tsc'), ['--project', 'tsconfig.json', ...args]);
  // Comments belong into the declarations, not into what a page loads; one run cannot tell them apart.
  await compile('--emitDeclarationOnly');
  await compile('--declaration', 'false', '--removeComments');
  for (const path of filesBelow(dist)) {
    const output = relative(dist, path);
    if (output.startsWith('wasm/') || !/\.(js|d\.ts)$/.test(output)) continue;
    if (!existsSync(inRoot('js', output.replace(/\.(js|d\.ts)$/, '.ts')))) rmSync(path);
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
