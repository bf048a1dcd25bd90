/** What the measurements were made on, and with. */

import { readFileSync } from 'node:fs';
import { cpus, platform, release, totalmem } from 'node:os';

import { inRoot } from '../../scripts/lib/paths.mjs';

/** One sentence about the machine and Node. */
export function describeMachine() {
  const processors = cpus();
  return `${processors.length} x ${processors[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${platform()} ${release()}, Node ${process.versions.node} (V8 ${process.versions.v8})`;
}

/** Names and versions of the libraries that we are compared with. */
export function peerVersions() {
  const { dependencies } = JSON.parse(readFileSync(inRoot('bench', 'package.json'), 'utf8'));
  return Object.entries(dependencies).map(([name, version]) => `${name} ${version}`).join(', ');
}
