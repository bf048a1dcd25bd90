/** The pattern of every part of set-up: look, and only if nothing fitting is there, make it. */

import { withLock } from '../lib/lock.mjs';

/**
 * Returns what `find` finds; if it finds nothing, lets `make` make it, one process at a time.
 * @template T
 * @param {() => Promise<T | undefined> | T | undefined} find cheap, and true to the facts
 * @param {() => Promise<T>} make
 * @returns {Promise<T>}
 */
export async function once(find, make) {
  const found = await find();
  if (found !== undefined) return found;
  return withLock('setup', async () => (await find()) ?? (await make()));
}

/**
 * Says what set-up is doing.
 * @param {string} text
 */
export function say(text) {
  console.log(`setup: ${text}`);
}
