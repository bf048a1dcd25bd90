/**
 * A Rust that compiles to wasm32: the one that is there, if it has the target or rustup can give it
 * the target; else Debian's (debian-rust.mjs).
 */

import { existsSync, readdirSync } from 'node:fs';

import { capture, CommandError, run } from '../lib/process.mjs';
import { whyNoApt } from './apt.mjs';
import { debianRust, makeDebianRust } from './debian-rust.mjs';
import { once, say } from './once.mjs';

const TARGET = 'wasm32-unknown-unknown';
const RUSTUP_TIMEOUT = 5 * 60_000;

/**
 * Makes sure that `cargo build --target wasm32-unknown-unknown` works.
 * @returns {Promise<NodeJS.ProcessEnv>} the environment to run it in
 */
export async function ensureWasmTarget() {
  return once(
    async () => ((await hasTarget()) ? process.env : debianRust()),
    async () => {
      if (await addWithRustup()) return process.env;

      const reason = await whyNoApt();
      if (reason === undefined) return makeDebianRust();
      throw new Error(
        `no Rust for ${TARGET}: rustup could not add the target, and Debian's packages are no way out because ` +
          `${reason}. Install Rust with rustup (https://rustup.rs), run \`rustup target add ${TARGET}\` with a ` +
          'network connection, and try again.',
      );
    },
  );
}

/** Does the rustc on PATH have the standard library of the target? */
async function hasTarget() {
  const folder = await capture('rustc', ['--print', 'target-libdir', '--target', TARGET]);
  return folder !== undefined && existsSync(folder) && readdirSync(folder).some((name) => /^libstd-.*\.rlib$/.test(name));
}

async function addWithRustup() {
  if ((await capture('rustup', ['--version'])) === undefined) {
    say('rustup is not installed');
    return false;
  }
  say(`rustup target add ${TARGET}`);
  try {
    await run('rustup', ['target', 'add', TARGET], { timeout: RUSTUP_TIMEOUT });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    say(error.message);
    return false;
  }
  return hasTarget();
}
