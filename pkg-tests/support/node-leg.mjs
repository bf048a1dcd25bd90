/** Runs test files with node:test, each in a process of its own. */

import { readdirSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';

import { inTests, tests } from './paths.mjs';

/** The tests of the API, which run in Node and in a browser. */
export function apiTests() {
  const names = readdirSync(inTests('api')).filter((name) => name.endsWith('.test.mjs'));
  return names.sort().map((name) => inTests('api', name));
}

/**
 * @param {string[]} files
 * @param {import('./install.mjs').Installed} installed
 */
export async function runNodeTests(files, installed) {
  process.env.NCF_CONSUMER = installed.consumer;
  const count = { passed: 0, failed: 0 };
  for await (const { type, data } of run({ files, concurrency: true })) {
    if (type === 'test:stderr' || type === 'test:stdout') process.stderr.write(data.message);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // A file is reported like a test. Its failure counts where no test of its own tells of it.
    const isFile = files.includes(data.name);
    if (isFile && (type === 'test:pass' || data.details.error?.failureType === 'subtestsFailed')) continue;
    if (type === 'test:pass') count.passed += 1;
    else count.failed += 1;
    const where = relative(tests, data.file ?? data.name);
    console.log(`${type === 'test:pass' ? 'ok' : 'FAILED'}  ${where}: ${data.name}`);
    if (type === 'test:fail') console.log(data.details.error?.cause?.stack ?? data.details.error?.cause ?? data.details.error);
  }
  return count;
}
