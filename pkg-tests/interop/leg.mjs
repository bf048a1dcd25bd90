/** Files of the installed package, read by an independent decoder in Python, with both generations of numpy. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { inTests, root, work } from '../support/paths.mjs';

/** Each interpreter with the generation of numpy that it must have. */
const PYTHONS = /** @type {const} */ ([
  [process.env.NCF_PYTHON ?? join(root, '.toolchain', 'python', 'bin', 'python'), '2.'],
  [process.env.NCF_PYTHON_NUMPY1 ?? join(root, '.toolchain', 'python-numpy1', 'bin', 'python'), '1.'],
]);

/** @param {import('../support/install.mjs').Installed} installed */
export async function interopLeg(installed) {
  const folder = join(work, 'interop');
  mkdirSync(folder, { recursive: true });
  const written = spawnSync(process.execPath, [inTests('interop', 'write-cases.mjs'), folder], {
    env: { ...process.env, NCF_CONSUMER: installed.consumer },
    stdio: 'inherit',
  });
  if (written.status !== 0) throw new Error('writing the files failed');
  const count = { passed: 0, failed: 0 };
  for (const [python, numpy] of PYTHONS) {
    if (!existsSync(python)) throw new Error(`no Python at ${python}`);
    const { stdout, stderr, status } = spawnSync(python, ['-W', 'error', inTests('interop', 'check.py'), folder], { encoding: 'utf8' });
    const lines = stdout.trimEnd().split('\n');
    const result = status === 0 ? JSON.parse(lines.pop() ?? '{}') : { numpy: 'none', passed: 0, failed: 1 };
    console.log([`numpy ${result.numpy}`, ...lines, stderr].filter(Boolean).join('\n'));
    if (!result.numpy.startsWith(numpy)) throw new Error(`${python} has not numpy ${numpy}x`);
    count.passed += result.passed;
    count.failed += result.failed;
  }
  return count;
}
