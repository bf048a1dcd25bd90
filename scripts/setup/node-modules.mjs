/** The development tools of package-lock.json, in node_modules. */

import { join } from 'node:path';

import { inRoot } from '../lib/paths.mjs';
import { run } from '../lib/process.mjs';
import { hashFiles, stampMatches, writeWhole } from '../lib/stamp.mjs';
import { once, say } from './once.mjs';

/**
 * Runs `npm ci` unless node_modules was made by it from the present package-lock.json.
 * @returns {Promise<string>} the folder node_modules
 */
export async function ensureNodeModules() {
  const folder = inRoot('node_modules');
  const stamp = join(folder, '.setup-stamp');
  const wanted = hashFiles([inRoot('package-lock.json')]);
  return once(
    () => (stampMatches(stamp, wanted) ? folder : undefined),
    async () => {
      say('npm ci (development tools into node_modules)');
      await run('npm', ['ci', '--no-audit', '--no-fund']);
      writeWhole(stamp, wanted);
      return folder;
    },
  );
}
