/** Runs test files with node:test, each in a process of its own. */

import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { run } from 'node:test';

import { inTests } from './paths.mjs';

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
  for (const file of files) {
    let tests = 0;
    for await (const { type, data } of run({ files: [file] })) {
      if (type === 'test:stderr' || type === 'test:stdout') process.stderr.write(data.message);
      if (type !== 'test:pass' && type !== 'test:fail') continue;
      // A file is reported like a test; it counts where no test of its own tells of a failure.
      if (data.name === file && (type === 'test:pass' || data.details.error?.failureType === 'subtestsFailed')) continue;
      tests += 1;
      const { error } = data.details;
      if (type === 'test:pass') count.passed += 1;
      else count.failed += 1;
      console.log(`${type === 'test:pass' ? 'ok' : 'FAILED'}  ${basename(file)}: ${data.name}`);
      if (error) console.log(error.cause?.stack ?? error.cause ?? error);
    }
    if (tests > 0) continue;
    count.failed += 1;
    console.log(`FAILED  ${basename(file)}: holds no test`);
  }
  return count;
}
