/** Where the processor's time goes while a case runs again and again: the functions with the most time of their own. */

import { Session } from 'node:inspector/promises';

/**
 * @param {() => unknown} run
 * @param {number} milliseconds how long to go on
 * @returns {Promise<{ runs: number, functions: [string, number][] }>} functions and their share of all samples, the
 * greatest first
 */
export async function profile(run, milliseconds) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 500 });
  await session.post('Profiler.start');
  const end = performance.now() + milliseconds;
  let runs = 0;
  for (; runs === 0 || performance.now() < end; runs++) await run();
  const { profile: { nodes, samples = [] } } = await session.post('Profiler.stop');
  session.disconnect();
  const names = new Map(nodes.map(({ id, callFrame: { functionName, url } }) => [id, nameOf(functionName, url)]));
  /** @type {Map<string, number>} */
  const own = new Map();
  for (const id of samples) {
    const name = names.get(id) ?? '';
    if (name !== '(idle)') own.set(name, (own.get(name) ?? 0) + 1);
  }
  const total = [...own.values()].reduce((sum, count) => sum + count, 0);
  return { runs, functions: [...own].map(([name, count]) => /** @type {[string, number]} */ ([name, count / total])).sort((a, b) => b[1] - a[1]) };
}

/**
 * @param {string} name
 * @param {string} url
 */
function nameOf(name, url) {
  if (url.startsWith('wasm:')) return `wasm ${name.replace(/::h[0-9a-f]{16}$/, '')}`;
  return url === '' ? name || '(anonymous)' : `${name || '(anonymous)'} ${url.slice(url.lastIndexOf('/') + 1)}`;
}
