/** Runs the native benchmark program; see bench/native/main.rs. */

import { inRoot } from '../scripts/lib/paths.mjs';
import { capture, run } from '../scripts/lib/process.mjs';

let built = false;

/**
 * Runs one of its commands.
 * @param {...string} args
 * @returns {Promise<any>} its answer
 */
export async function native(...args) {
  if (!built) await run('cargo', ['build', '--quiet', '--locked', '--release', '--example', 'bench']);
  built = true;
  const out = await capture(inRoot('target', 'release', 'examples', 'bench'), args);
  if (out === undefined) throw new Error(`the benchmark failed: ${args.join(' ')}`);
  return JSON.parse(out);
}
