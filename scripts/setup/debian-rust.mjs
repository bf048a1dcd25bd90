/**
 * Rust for wasm32 from Debian's packages. Debian carries a current rustc for its browsers, with the
 * wasm32 back end and the source of the standard library, but not that library compiled for wasm32.
 * So we compile it once, and make a private toolchain folder of links to Debian's files beside it:
 *
 *   .toolchain/rust/bin/cargo            link to Debian's cargo
 *   .toolchain/rust/bin/rustc, rustdoc   run Debian's with this folder as sysroot
 *   .toolchain/rust/lib/rustlib/         links to Debian's, and wasm32-unknown-unknown/lib
 *
 * With its bin first on PATH, cargo and wasm-pack work as usual. Native builds do not use it.
 */

import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { remapFlags } from '../lib/cargo.mjs';
import { toolchain } from '../lib/paths.mjs';
import { capture, run, withPath } from '../lib/process.mjs';
import { stampMatches } from '../lib/stamp.mjs';
import { aptInstall } from './apt.mjs';
import { say } from './once.mjs';

const TARGET = 'wasm32-unknown-unknown';
const PACKAGES = ['rustc-web', 'cargo-web', 'rust-web-src', 'rust-web-llvm'];
const RUSTC = '/usr/bin/rustc';
const CARGO = '/usr/bin/cargo';
const LINKER = '/usr/bin/rust-lld';
const RUSTLIB = '/usr/lib/rustlib';
// Fat LTO needs the bitcode of std.
const STD_FLAGS = [
  ...['-C', 'target-feature=+simd128', '-C', 'embed-bitcode=yes'],
  `--remap-path-prefix=${RUSTLIB}/src/rust=/rustc`,
];

const folder = join(toolchain, 'rust');

/**
 * The environment that uses the private toolchain.
 * @returns {Promise<NodeJS.ProcessEnv | undefined>} undefined if it is absent or of another rustc
 */
export async function debianRust() {
  const recipe = await currentRecipe();
  if (recipe === undefined || !stampMatches(join(folder, 'stamp'), recipe)) return undefined;
  return withPath(process.env, join(folder, 'bin'));
}

/**
 * Installs Debian's packages, compiles std for wasm32 and makes the private toolchain.
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function makeDebianRust() {
  await aptInstall(PACKAGES);
  await installLinker();
  const recipe = await currentRecipe();
  if (recipe === undefined) throw new Error(`${RUSTC} or its library source is missing after ${PACKAGES.join(', ')} were installed`);
  const rlibs = await buildStd();

  say('making the private toolchain .toolchain/rust');
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  makeFolder(partial, rlibs);
  writeFileSync(join(partial, 'stamp'), recipe);
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  rmSync(stdCrate, { recursive: true, force: true });
  return withPath(process.env, join(folder, 'bin'));
}

/**
 * The package rust-web-llvm has the linker only as a link to that of the fitting LLVM, whose package
 * it does not depend on. The package is named like the program, e.g. lld-22.
 */
async function installLinker() {
  if (existsSync(LINKER)) return;
  const linked = readlinkSync(LINKER);
  if (!/^lld-\d+$/.test(linked)) throw new Error(`the linker ${LINKER} is a link to ${linked}, which does not exist`);
  await aptInstall([linked]);
}

const stdCrate = join(toolchain, 'build', 'std');

/**
 * Compiles std for wasm32 as a dependency of an empty crate. Cargo resumes after an interruption.
 * @returns {Promise<string[]>} paths of the rlibs of std
 */
async function buildStd() {
  say(`compiling the Rust standard library for ${TARGET} (about a minute)`);
  mkdirSync(join(stdCrate, 'src'), { recursive: true });
  writeFileSync(
    join(stdCrate, 'Cargo.toml'),
    '[package]\nname = "only_std"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n[profile.release]\npanic = "abort"\n',
  );
  writeFileSync(join(stdCrate, 'src', 'lib.rs'), '#![no_std]\n');
  await run(CARGO, ['build', '--release', '-Zbuild-std=std,panic_abort,test', '--target', TARGET], {
    cwd: stdCrate,
    env: {
      ...process.env,
      RUSTC,
      RUSTC_BOOTSTRAP: '1',
      CARGO_ENCODED_RUSTFLAGS: [...STD_FLAGS, ...(await remapFlags(process.env))].join('\x1f'),
      CARGO_TARGET_DIR: join(stdCrate, 'target'),
    },
  });
  const deps = join(stdCrate, 'target', TARGET, 'release', 'deps');
  return readdirSync(deps)
    .filter((name) => name.endsWith('.rlib') && !name.startsWith('libonly_std'))
    .map((name) => join(deps, name));
}

/**
 * @param {string} sysroot
 * @param {string[]} rlibs
 */
function makeFolder(sysroot, rlibs) {
  const bin = join(sysroot, 'bin');
  const lib = join(sysroot, 'lib', 'rustlib');
  const wasmLib = join(lib, TARGET, 'lib');
  mkdirSync(bin, { recursive: true });
  mkdirSync(wasmLib, { recursive: true });

  symlinkSync(CARGO, join(bin, 'cargo'));
  for (const name of ['rustc', 'rustdoc']) {
    const wrapper = join(bin, name);
    writeFileSync(wrapper, `#!/bin/sh\nexec /usr/bin/${name} --sysroot "$(cd "$(dirname "$0")/.." && pwd)" "$@"\n`);
    chmodSync(wrapper, 0o755);
  }
  for (const name of readdirSync(RUSTLIB)) {
    if (name !== TARGET) symlinkSync(join(RUSTLIB, name), join(lib, name));
  }
  for (const rlib of rlibs) copyFileSync(rlib, join(wasmLib, rlib.slice(rlib.lastIndexOf('/') + 1)));
}

/** What the private toolchain is made from; a new rustc needs a new std. */
async function currentRecipe() {
  if (![CARGO, LINKER, join(RUSTLIB, 'src')].every((path) => existsSync(path))) return undefined;
  const version = await capture(RUSTC, ['-vV']);
  return version && `${version}\n${STD_FLAGS.join(' ')}\n`;
}
