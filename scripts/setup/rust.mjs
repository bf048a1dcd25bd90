/** The lints of the native Rust toolchain. */

import { capture, run } from '../lib/process.mjs';
import { once, say } from './once.mjs';

/** Makes sure that `cargo fmt` and `cargo clippy` work. */
export async function ensureRustLints() {
  const find = async () => {
    const versions = [await capture('cargo', ['fmt', '--version']), await capture('cargo', ['clippy', '--version'])];
    return versions.includes(undefined) ? undefined : true;
  };
  await once(find, async () => {
    if ((await capture('rustup', ['--version'])) === undefined) {
      throw new Error('`cargo fmt` and `cargo clippy` are needed: install Rust with rustup (https://rustup.rs)');
    }
    say('rustup component add rustfmt clippy');
    await run('rustup', ['component', 'add', 'rustfmt', 'clippy']);
    return true;
  });
}
