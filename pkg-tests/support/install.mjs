/** Packs the package and installs it where nothing else is. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { root, work } from './paths.mjs';

/**
 * @typedef {object} Installed
 * @property {string} consumer folder of a project that depends on the package
 * @property {string} folder the installed package itself
 * @property {string[]} files paths inside the tarball
 * @property {Record<string, any>} manifest its package.json
 */

/**
 * Without network: the package has no dependencies, so there is nothing to fetch.
 * @param {string} [into] folder that is emptied first
 * @returns {Promise<Installed>}
 */
export async function installPackage(into = work) {
  rmSync(into, { recursive: true, force: true });
  const consumer = join(into, 'consumer');
  mkdirSync(consumer, { recursive: true });
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const [packed] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', into], root));
  npm(['install', '--offline', '--no-audit', '--no-fund', join(into, packed.filename)], consumer);
  const folder = join(consumer, 'node_modules', packed.name);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  console.log(`installed ${packed.filename}: ${packed.files.length} files, ${packed.size} bytes packed`);
  return { consumer, folder, files: packed.files.map((/** @type {{ path: string }} */ { path }) => path).sort(), manifest };
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
