/** Runs one test file in a page, and tells the driver. */

import { declared } from '#harness';

/** @type {(event: object) => Promise<void>} */
const tell = globalThis.ncfTestEvent;

const file = new URLSearchParams(location.search).get('file') ?? '';
await import(`/pkg-tests/api/${file}`);
for (const { name, body } of declared) {
  let error;
  try {
    await body();
  } catch (thrown) {
    error = String(thrown?.stack ?? thrown);
    if (thrown?.message && !error.includes(thrown.message)) error = `${thrown.message}\n${error}`;
  }
  await tell({ name, error });
}
document.body.dataset.status = declared.length > 0 ? 'done' : 'empty';
