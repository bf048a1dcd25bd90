/** What several scripts know of cargo. */

import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { root } from './paths.mjs';
import { run } from './process.mjs';

/**
 * Flags for rustc that shorten the paths of source files. They end up in panic messages, and the
 * module should not depend on who builds it. Fetches the crates, so that their folders are known.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string[]>}
 */
export async function remapFlags(env) {
  await run('cargo', ['fetch', '--quiet'], { env });
  const registries = join(env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry', 'src');
  const sources = existsSync(registries) ? readdirSync(registries).map((name) => join(registries, name)) : [];
  return [root, ...sources].map((path) => `--remap-path-prefix=${path}=`);
}
