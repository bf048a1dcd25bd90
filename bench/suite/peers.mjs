/** Installs what is compared: the peers by bench/package-lock.json, and our own package from its tarball. */

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';

import { installPackage } from '../../pkg-tests/support/install.mjs';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { hashFiles, stampMatches, writeWhole } from '../../scripts/lib/stamp.mjs';
import { once, say } from '../../scripts/setup/once.mjs';
import { folder } from '../tables.mjs';

const lock = inRoot('bench', 'package-lock.json');

/**
 * Makes sure of the peers in bench/node_modules.
 * @returns {Promise<string>} text that changes with them
 */
export function ensurePeers() {
  const stamp = inRoot('bench', 'node_modules', '.setup-stamp');
  const wanted = hashFiles([lock]);
  return once(
    () => (stampMatches(stamp, wanted) ? wanted : undefined),
    async () => {
      say('npm ci in bench (the libraries that we are compared with)');
      await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: inRoot('bench') });
      writeWhole(stamp, wanted);
      return wanted;
    },
  );
}

/**
 * Packs the built package and installs it where nothing else is.
 * @param {{ named?: boolean }} [options] with `named`, its modules are those before wasm-opt, whose functions have names
 * @returns {Promise<{ entry: string, folder: string, version: string }>} its module for Node, its folder, and text that changes with it
 */
export async function installOurs({ named = false } = {}) {
  const installed = await installPackage(join(folder, 'ours'));
  if (named) {
    for (const name of ['reader', 'full']) copyFileSync(inRoot('target', 'wasm-pack', name, 'ncf_bg.wasm'), join(installed.folder, 'dist', 'wasm', `${name}.wasm`));
  }
  return {
    entry: join(installed.folder, installed.manifest.exports['.'].node.default),
    folder: installed.folder,
    version: hashFiles([installed.folder]),
  };
}
