/** The package's JavaScript as it is published: few files, which a page or a process loads sooner than many. */

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { dist, modules } from '../lib/paths.mjs';

/**
 * What is loaded by its name, and what is bundled together. The parts that entries share, and those that they import on demand,
 * are named by what is in them, or by a hash of it. In Node to look for another file takes longer than to read what may not
 * be needed, so there each entry is all of its code.
 */
const BUNDLES = [
  { entries: ['browser', 'workers/browser'], splitting: true },
  { entries: ['node'], splitting: false },
  { entries: ['workers/node'], splitting: false },
];
/** About how long lines are, so that a place in one tells something. */
const LINE = 160;

/**
 * Bundles the modules, without comments, which belong into the declarations, and without the space between words. Names
 * stay, as people see them in stacks and consoles.
 */
export async function bundle() {
  for (const folder of [dist, join(dist, 'workers'), join(dist, 'wasm')]) {
    for (const name of readdirSync(folder)) if (name.endsWith('.js')) rmSync(join(folder, name));
  }
  // It may have been installed by the program that runs.
  const { build } = await import('esbuild');
  const bundles = BUNDLES.map(({ entries, splitting }) => build({
    entryPoints: entries.map((name) => join(modules, `${name}.js`)),
    outbase: modules,
    outdir: dist,
    bundle: true,
    splitting,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: ['node:*'],
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: LINE,
    logLevel: 'warning',
  }));
  await Promise.all(bundles);
}
