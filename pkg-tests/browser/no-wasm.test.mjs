/** In a page whose policy forbids WebAssembly, errors say what the policy lacks. */

import { assert, fixture, ncf, test, wasmBytes } from '#harness';

import { fails } from '../api/util.mjs';

test('a policy without wasm-unsafe-eval is named in the error', async () => {
  const { bytes } = await fixture('v20_basic');
  for (const call of [() => ncf.init(), () => ncf.open(bytes), () => ncf.write({ a: [1] }, { dialect: 'rust-2.0' })]) {
    const error = await fails(call, 'wasm-init');
    assert.ok(error.message.includes("script-src 'wasm-unsafe-eval'"), error.message);
  }
  const module = await wasmBytes('reader');
  await fails(() => ncf.initSync({ reader: module }), 'wasm-init');
});
