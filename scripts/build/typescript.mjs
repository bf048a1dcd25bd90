/** Compiles js/ to dist/. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { dist, inRoot } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';
import { compact } from './compact.mjs';

/** Runs the TypeScript compiler, and removes the output of sources that are no more. */
export async function buildTypeScript() {
  console.log('build: compiling js/');
  await run(inRoot('node_modules', '.bin', 'tsc'), ['--project', 'tsconfig.json']);
  for (const path of filesBelow(dist)) {
    const output = relative(dist, path);
    if (output.startsWith('wasm/') || !/\.(js|d\.ts)$/.test(output)) continue;
    if (!existsSync(inRoot('js', output.replace(/\.(js|d\.ts)$/, '.ts')))) rmSync(path);
    else if (path.endsWith('.js')) writeFileSync(path, await compact(readFileSync(path, 'utf8')));
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
