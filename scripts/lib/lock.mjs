/** Locks, so that e.g. `npm start` and `npm test` at the same time do not undo each other's work. */

import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { toolchain } from './paths.mjs';

/**
 * Runs a function while no other process holds the lock of that name. The lock of a process that
 * has died is taken over.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withLock(name, body) {
  mkdirSync(toolchain, { recursive: true });
  const path = join(toolchain, `${name}.lock`);
  let announced = false;
  while (!take(path)) {
    const owner = ownerOf(path);
    if (owner !== undefined && !isAlive(owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!announced) console.log(`waiting for another ${name} (process ${owner ?? 'unknown'}) to end; if there is none, remove ${path}`);
    announced = true;
    await sleep(500);
  }
  try {
    return await body();
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * Linking fails if the name exists, and the file has its content from the start.
 * @param {string} path
 */
function take(path) {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** @param {string} path */
function ownerOf(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
