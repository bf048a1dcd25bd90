/** Running other programs. */

import { spawn } from 'node:child_process';

import { root } from './paths.mjs';

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] working directory; the root of the repository if not given
 * @property {NodeJS.ProcessEnv} [env] whole environment; this process's if not given
 * @property {number} [timeout] milliseconds after which the program is killed
 */

/** A program could not be started, was killed, or ended with a code other than zero. */
export class CommandError extends Error {
  /**
   * @param {string} command the command line, as shown to people
   * @param {string} outcome how it ended
   */
  constructor(command, outcome) {
    super(`\`${command}\` ${outcome}`);
    this.name = 'CommandError';
  }
}

/**
 * Runs a program whose output goes straight to the terminal.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export async function run(program, args, options = {}) {
  await start(program, args, 'inherit', options);
}

/**
 * Runs a program and returns its trimmed output, or undefined if it failed or does not exist.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<string | undefined>}
 */
export async function capture(program, args, options = {}) {
  try {
    return (await start(program, args, 'pipe', options)).trim();
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {'inherit' | 'pipe'} output
 * @param {RunOptions} options
 * @returns {Promise<string>} what the program wrote to its standard output, if piped
 */
function start(program, args, output, { cwd = root, env = process.env, timeout }) {
  const shown = [program, ...args].join(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', output, output === 'pipe' ? 'ignore' : 'inherit'],
      ...(timeout !== undefined && { timeout }),
    });
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
      text += chunk;
    });
    child.once('error', (error) => {
      reject(new CommandError(shown, `could not be started: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      if (code === 0) resolve(text);
      else if (signal) reject(new CommandError(shown, `was ended by ${signal}`));
      else reject(new CommandError(shown, `ended with exit code ${code}`));
    });
  });
}

/**
 * An environment with folders put in front of PATH.
 * @param {NodeJS.ProcessEnv} env
 * @param {...string} folders
 * @returns {NodeJS.ProcessEnv}
 */
export function withPath(env, ...folders) {
  return { ...env, PATH: [...folders, env.PATH ?? ''].join(':') };
}

/**
 * Runs the body of a script; prints a failure as one plain line (a stack only for bugs in the
 * script itself) and leaves a non-zero exit code.
 * @param {() => Promise<void>} body
 */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    const expected = error instanceof Error && error.name !== 'TypeError' && error.name !== 'ReferenceError';
    console.error(expected ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}
