/**
 * Runs every check and test, in order, each announced with its time; stops at the first failure.
 * Sets up what is missing first, so that it works in a fresh clone.
 */

import { readdirSync } from 'node:fs';

import { build } from './build.mjs';
import { measureSizes, overBudget, printSizes } from './build/sizes.mjs';
import { inRoot } from './lib/paths.mjs';
import { capture, main, run } from './lib/process.mjs';
import { lint } from './lint.mjs';
import { setUpAll } from './setup.mjs';

/**
 * @typedef {object} Leg
 * @property {string} name
 * @property {() => Promise<void>} run rejects if the leg fails
 */

await main(async () => {
  const { browser, python, pythonNumpy1 } = await setUpAll();
  const before = new Set(await untrackedFiles());

  const clippy = (/** @type {string} */ name, /** @type {string[]} */ ...args) => ({
    name: `clippy, ${name}`,
    run: () => run('cargo', ['clippy', '--locked', '--quiet', ...args, '--', '-D', 'warnings']),
  });

  /** @type {Leg[]} */
  const legs = [
    { name: 'rustfmt', run: () => run('cargo', ['fmt', '--check']) },
    clippy('default features', '--all-targets'),
    clippy('JavaScript bindings', '--no-default-features', '--features', 'wasm,writer'),
    clippy('codecs, JavaScript bindings', '--features', 'wasm'),
    clippy('reader only', '--no-default-features'),
    clippy('reader only, JavaScript bindings', '--no-default-features', '--features', 'wasm'),
    clippy('legacy dialects, JavaScript bindings', '--no-default-features', '--features', 'wasm,legacy'),
    { name: 'cargo test', run: () => run('cargo', ['test', '--locked']) },
    { name: 'cargo test, ruzstd', run: () => run('cargo', ['test', '--locked', '--features', 'ruzstd', '--lib']) },
    { name: 'build', run: build },
    { name: 'eslint', run: lint },
    { name: 'types of scripts', run: () => run(inRoot('node_modules', '.bin', 'tsc'), ['--project', 'tsconfig.scripts.json']) },
    { name: 'tests of scripts', run: () => run(process.execPath, ['--test', '--test-reporter=spec', ...scriptTests()]) },
    { name: 'size budget', run: checkSizes },
    {
      name: 'package',
      run: () =>
        run(process.execPath, ['pkg-tests/run.mjs'], {
          env: { ...process.env, NCF_CHROMIUM: browser, NCF_PYTHON: python, NCF_PYTHON_NUMPY1: pythonNumpy1 },
        }),
    },
    { name: 'nothing left behind', run: () => checkLeftovers(before) },
  ];

  let passed = 0;
  for (const leg of legs) {
    console.log(`\n=== ${leg.name}`);
    const start = performance.now();
    const failure = await leg.run().then(
      () => undefined,
      (error) => error,
    );
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (failure !== undefined) {
      console.error(failure instanceof Error ? failure.message : failure);
      console.log(`=== ${leg.name} FAILED after ${seconds} s`);
      console.log(`\n${passed} passed, 1 failed, ${legs.length - passed - 1} not run`);
      process.exitCode = 1;
      return;
    }
    console.log(`=== ${leg.name} passed in ${seconds} s`);
    passed += 1;
  }
  console.log(`\n${passed} passed, 0 failed`);
});

async function checkSizes() {
  const sizes = measureSizes();
  printSizes(sizes);
  const excesses = overBudget(sizes);
  if (excesses.length > 0) throw new Error(excesses.join('\n'));
}

function scriptTests() {
  return readdirSync(inRoot('scripts', 'tests')).map((name) => inRoot('scripts', 'tests', name));
}

/** @param {Set<string>} before */
async function checkLeftovers(before) {
  const left = (await untrackedFiles()).filter((path) => !before.has(path));
  if (left.length > 0) throw new Error(`files that git does not ignore appeared during the run: ${left.join(', ')}`);
}

/** Files that git neither tracks nor ignores; none outside of a git repository. */
async function untrackedFiles() {
  const listed = await capture('git', ['ls-files', '--others', '--exclude-standard', '-z']);
  return listed?.split('\0').filter(Boolean) ?? [];
}
