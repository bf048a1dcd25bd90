/** Runs processes of the suite, and puts their samples together. */

import { fork } from 'node:child_process';

import { inRoot } from '../../scripts/lib/paths.mjs';

/**
 * @typedef {object} Spread milliseconds
 * @property {number} median
 * @property {number} min
 * @property {number} q1 first quartile
 * @property {number} q3 third quartile
 * @property {number} runs how many there were
 */

/**
 * Does one task in a process of its own.
 * @param {Partial<import('./child.mjs').Task>} task
 * @returns {Promise<any>}
 */
export function inProcess(task) {
  return new Promise((resolve, reject) => {
    const child = fork(inRoot('bench', 'suite', 'child.mjs'), {
      execArgv: ['--expose-gc', '--max-old-space-size=12288', ...(process.env.NCF_BENCH_NODE_OPTIONS?.split(' ') ?? [])],
    });
    child.once('error', reject);
    child.once('message', (/** @type {{ answer?: unknown, error?: string }} */ { answer, error }) => {
      if (error === undefined) resolve(answer);
      else reject(new Error(`${task.adapter}, ${task.table}, ${task.case ?? task.task}: ${error}`));
    });
    child.once('exit', (code, signal) => {
      reject(new Error(`${task.adapter}, ${task.table}, ${task.case ?? task.task}: the process ended with ${signal ?? code}`));
    });
    child.send(task);
  });
}

/**
 * Median and quartiles, by linear interpolation between the samples.
 * @param {readonly number[]} samples
 * @returns {Spread}
 */
export function spread(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => {
    const position = share * (sorted.length - 1);
    const low = Math.floor(position);
    return (sorted[low] ?? NaN) + (position - low) * ((sorted[low + 1] ?? sorted[low] ?? NaN) - (sorted[low] ?? NaN));
  };
  return { median: at(0.5), min: at(0), q1: at(0.25), q3: at(0.75), runs: sorted.length };
}
