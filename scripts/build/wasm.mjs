/** Compiles the crate to WebAssembly: with only what reading needs, for version 2 and for the legacy dialects, with writing, and each codec alone. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { remapFlags } from '../lib/cargo.mjs';
import { dist, inRoot, modules, root, target } from '../lib/paths.mjs';
import { capture, run } from '../lib/process.mjs';
import { hashFiles, stampMatches, writeWhole } from '../lib/stamp.mjs';
import { checkIsPart, factoryDeclarations, glueDeclarations, glueToFactory } from './glue.mjs';

/** The builds by name, with the cargo features of each. */
const VARIANTS = {
  reader: ['--no-default-features', '--features', 'wasm'],
  legacy: ['--no-default-features', '--features', 'wasm,legacy'],
  full: ['--no-default-features', '--features', 'wasm,writer'],
  neural: ['--no-default-features', '--features', 'wasm,writer,neural'],
  thorough: ['--no-default-features', '--features', 'wasm,thorough'],
};

/** Those that run with the JavaScript of `full`, of which their own is a part. */
const PARTS = ['reader', 'legacy'];

const WASM_OPT_FLAGS = [
  '-O3',
  // Inlining large functions at their only call gains no time and costs 2 % of the compressed size: the code repeats itself less.
  '--one-caller-inline-max-function-size=20',
  // The stack comes first and grows down: its last kilobyte is the only thing below 1024.
  '--low-memory-unused',
  '--zero-filled-memory',
  '--enable-simd',
  '--enable-bulk-memory',
  '--enable-nontrapping-float-to-int',
  '--enable-sign-ext',
  '--enable-mutable-globals',
  '--enable-reference-types',
  '--enable-multivalue',
  '--strip-producers',
  '--strip-target-features',
];

/**
 * Makes dist/wasm. A variant whose inputs have not changed is left as it is.
 * @param {NodeJS.ProcessEnv} env with the toolchain for wasm32 and wasm-pack on its PATH
 */
export async function buildWasm(env) {
  const rustc = (await capture('rustc', ['-vV'], { env })) ?? '';
  const inputs = hashFiles([inRoot('src'), inRoot('Cargo.toml'), inRoot('Cargo.lock'), import.meta.dirname], rustc + binaryenVersion());
  const stale = Object.entries(VARIANTS).filter(([name]) => !isCurrent(name, inputs));
  if (stale.length === 0) {
    console.log('build: dist/wasm is up to date');
    return;
  }
  const flags = ['-C', 'target-feature=+simd128', ...(await remapFlags(env))];
  const buildEnv = { ...env, CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'), CARGO_TERM_QUIET: 'true' };
  const results = await Promise.allSettled(stale.map(([name, features]) => buildVariant(name, features, inputs, buildEnv)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  for (const name of PARTS) checkIsPart(glueOf(name), glueOf('full'));
}

/**
 * @param {string} name
 * @param {readonly string[]} features
 * @param {string} inputs
 * @param {NodeJS.ProcessEnv} env
 */
async function buildVariant(name, features, inputs, env) {
  console.log(`build: compiling ${name}.wasm`);
  const out = packOf(name);
  rmSync(stampOf(name), { force: true });
  rmSync(out, { recursive: true, force: true });
  await run(
    'wasm-pack',
    [
      ...['--log-level', 'warn', 'build', root, '--release', '--mode', 'no-install', '--target', 'web'],
      ...['--no-pack', '--out-dir', out, '--out-name', 'ncf', '--', ...features],
    ],
    // Each variant has its own folder: cargo gives both modules the same file name.
    { env: { ...env, CARGO_TARGET_DIR: join(target, 'wasm', name) } },
  );

  const optimised = join(out, 'optimised.wasm');
  await run(inRoot('node_modules', '.bin', 'wasm-opt'), [...WASM_OPT_FLAGS, join(out, 'ncf_bg.wasm'), '-o', optimised]);

  const folder = join(dist, 'wasm');
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, `${name}-glue.d.ts`), glueDeclarations(readFileSync(join(out, 'ncf.d.ts'), 'utf8')));
  writeWhole(join(folder, `${name}.d.ts`), factoryDeclarations(`./${name}-glue.js`));
  mkdirSync(join(modules, 'wasm'), { recursive: true });
  if (!PARTS.includes(name)) writeWhole(join(modules, 'wasm', `${name}.js`), glueToFactory(glueOf(name)));
  renameSync(optimised, join(folder, `${name}.wasm`));
  writeWhole(stampOf(name), inputs);
}

/**
 * @param {string} name
 * @param {string} inputs
 */
function isCurrent(name, inputs) {
  const outputs = [`${name}.wasm`, `${name}.d.ts`, `${name}-glue.d.ts`].map((file) => join(dist, 'wasm', file));
  if (!PARTS.includes(name)) outputs.push(join(modules, 'wasm', `${name}.js`));
  return stampMatches(stampOf(name), inputs) && outputs.every((path) => existsSync(path));
}

/** @param {string} name */
function packOf(name) {
  return join(target, 'wasm-pack', name);
}

/** @param {string} name */
function glueOf(name) {
  return readFileSync(join(packOf(name), 'ncf.js'), 'utf8');
}

/** @param {string} name */
function stampOf(name) {
  return join(target, 'wasm-pack', `${name}.stamp`);
}

function binaryenVersion() {
  return readFileSync(inRoot('node_modules', 'binaryen', 'package.json'), 'utf8');
}
