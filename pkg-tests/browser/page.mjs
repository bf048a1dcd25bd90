/** Runs one test file in a page, and tells the driver. */

import { declared } from '#harness';

/** @type {(event: { name: string, error?: string }) => Promise<void>} */
const tell = globalThis.ncfTestEvent;

/**
 * @param {string} name
 * @param {() => unknown} body
 */
async function runTest(name, body) {
  try {
    await body();
    return true;
  } catch (thrown) {
    const stack = String(thrown?.stack ?? thrown);
    await tell({ name, error: stack.includes(thrown?.message) ? stack : `${thrown?.message}\n${stack}` });
    return false;
  }
}

const file = new URLSearchParams(location.search).get('file') ?? '';
await runTest('loads', () => import(`/pkg-tests/${file}`));
for (const { name, body } of declared) {
  if (await runTest(name, body)) await tell({ name });
}
document.body.dataset.status = declared.length > 0 ? 'done' : 'empty';
