/** The package's JavaScript as it is published: few files, which a page or a process loads sooner than many. */

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { dist, modules } from '../lib/paths.mjs';

/** What is loaded by its name; the parts that these import are named by what is in them, or by a hash of it. */
const ENTRIES = ['browser', 'node', 'workers/browser', 'workers/node'];
/** About how long lines are, so that a place in one tells something. */
const LINE = 160;

/**
 * Bundles the modules, without comments, which belong into the declarations, and without the space between words. Names
 * stay, as people see them in stacks and consoles. What is imported on demand is in parts of its own.
 */
export async function bundle() {
  for (const folder of [dist, join(dist, 'workers'), join(dist, 'wasm')]) {
    for (const name of readdirSync(folder)) if (name.endsWith('.js')) rmSync(join(folder, name));
  }
  // It may have been installed by the program that runs.
  const { build } = await import('esbuild');
  await build({
    entryPoints: ENTRIES.map((name) => join(modules, `${name}.js`)),
    outbase: modules,
    outdir: dist,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: ['node:*'],
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: LINE,
    logLevel: 'warning',
  });
}
