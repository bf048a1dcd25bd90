/** The package's JavaScript as it is published: few files, which a page or a process loads sooner than many. */

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { dist, modules } from '../lib/paths.mjs';
import { writeWhole } from '../lib/stamp.mjs';

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
 * of functions and classes stay, as people see them in stacks and consoles; those within them do not.
 */
export async function bundle() {
  for (const folder of [dist, join(dist, 'workers'), join(dist, 'wasm')]) {
    for (const name of readdirSync(folder)) if (name.endsWith('.js')) rmSync(join(folder, name));
  }
  // They may have been installed by the program that runs.
  const [{ build }, { minify }] = await Promise.all([import('esbuild'), import('terser')]);
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
    logLevel: 'warning',
    metafile: true,
  }));
  for (const { metafile } of await Promise.all(bundles)) {
    for (const path of Object.keys(metafile.outputs)) {
      const { code } = await minify(readFileSync(path, 'utf8'), {
        module: true,
        compress: false,
        mangle: { keep_classnames: true, keep_fnames: true },
        format: { max_line_len: LINE },
      });
      writeWhole(path, code ?? '');
    }
  }
}
