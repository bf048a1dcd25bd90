/** wasm-bindgen's command-line tool and wasm-pack, compiled once into .toolchain/cargo. */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { inRoot, toolchain } from '../lib/paths.mjs';
import { capture, CommandError, run, withPath } from '../lib/process.mjs';
import { once, say } from './once.mjs';

const WASM_PACK_VERSION = '0.15.1';

const installRoot = join(toolchain, 'cargo');
const buildFolder = join(toolchain, 'build', 'cargo-install');

/**
 * Makes sure that wasm-pack, and wasm-bindgen of exactly the version that the crate uses, are there.
 * @param {NodeJS.ProcessEnv} [env] the environment of {@link ensureWasmTarget}
 * @returns {Promise<NodeJS.ProcessEnv>} that environment with both tools on its PATH
 */
export async function ensureWasmPack(env = process.env) {
  const withTools = withPath(env, join(installRoot, 'bin'));
  await ensureTool('wasm-bindgen', 'wasm-bindgen-cli', lockedVersion('wasm-bindgen'), withTools);
  await ensureTool('wasm-pack', 'wasm-pack', WASM_PACK_VERSION, withTools);
  return withTools;
}

/**
 * @param {string} program
 * @param {string} crate the crate that has the program
 * @param {string} version
 * @param {NodeJS.ProcessEnv} env
 */
async function ensureTool(program, crate, version, env) {
  const find = async () => ((await capture(program, ['--version'], { env })) === `${program} ${version}` ? true : undefined);
  await once(find, async () => {
    say(`cargo install ${crate} ${version} into .toolchain/cargo (some minutes)`);
    await cargoInstall(crate, version);
    if (!(await find())) throw new Error(`cargo installed ${crate}, but \`${program} --version\` does not say ${version}`);
    rmSync(buildFolder, { recursive: true, force: true });
    return true;
  });
}

/**
 * Cargo installs by renaming, so an interruption leaves nothing that looks finished; what was
 * compiled until then is kept in the build folder.
 * @param {string} crate
 * @param {string} version
 */
async function cargoInstall(crate, version) {
  const args = ['install', '--root', installRoot, crate, '--version', `=${version}`];
  // They run for a second or two per build: compiling them fast is worth more than fast tools.
  const options = { env: { ...process.env, CARGO_TARGET_DIR: buildFolder, CARGO_PROFILE_RELEASE_OPT_LEVEL: '1' } };
  try {
    await run('cargo', [...args, '--locked'], options);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    say(`that failed with ${crate}'s own lock file; trying with the newest compatible dependencies`);
    await run('cargo', args, options);
  }
}

/**
 * The version of a crate in Cargo.lock.
 * @param {string} crate
 */
function lockedVersion(crate) {
  const lock = readFileSync(inRoot('Cargo.lock'), 'utf8');
  const version = new RegExp(`^name = "${crate}"\\nversion = "([^"]+)"`, 'm').exec(lock)?.[1];
  if (version === undefined) throw new Error(`Cargo.lock has no crate ${crate}`);
  return version;
}
