/** System packages, where the system is Debian or one of its kin and we may install them. */

import { existsSync } from 'node:fs';

import { capture, run } from '../lib/process.mjs';
import { say } from './once.mjs';

let updated = false;

/** Why packages cannot be installed here; undefined if they can. */
export async function whyNoApt() {
  if (!existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get')) return 'this is not a Debian system';
  if (process.getuid?.() === 0) return undefined;
  if ((await capture('sudo', ['-n', 'true'])) !== undefined) return undefined;
  return 'installing system packages needs root, or sudo without a password';
}

/**
 * Installs packages; apt itself leaves alone those that are there.
 * @param {readonly string[]} packages
 */
export async function aptInstall(packages) {
  const reason = await whyNoApt();
  if (reason !== undefined) throw new Error(`cannot install ${packages.join(', ')}: ${reason}`);

  say(`apt-get install ${packages.join(' ')}`);
  // Finish what an interrupted installation left half-done; normally there is nothing to do.
  await asRoot('dpkg', ['--configure', '-a']);
  if (!updated) await asRoot('apt-get', ['-q', 'update']);
  updated = true;
  await asRoot('apt-get', [
    ...['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0'],
    ...['install', '-y', '--no-install-recommends', ...packages],
  ]);
}

/**
 * @param {string} program
 * @param {string[]} args
 */
async function asRoot(program, args) {
  const command = ['env', 'DEBIAN_FRONTEND=noninteractive', program, ...args];
  if (process.getuid?.() === 0) await run('/usr/bin/env', command.slice(1));
  else await run('sudo', ['-n', ...command]);
}
