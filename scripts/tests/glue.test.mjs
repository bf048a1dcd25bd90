import assert from 'node:assert/strict';
import { test } from 'node:test';

import { factoryDeclarations, glueDeclarations, glueToFactory } from '../build/glue.mjs';

/** A module that does nothing but export `answer`, a function that returns 42. */
const WASM = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7f],
  ...[3, 2, 1, 0],
  ...[7, 10, 1, 6, ...Buffer.from('answer'), 0, 0],
  ...[10, 6, 1, 4, 0, 0x41, 42, 0x0b],
);

/** The outline of what wasm-bindgen generates. */
const GLUE = `/* @ts-self-types="./ncf.d.ts" */

export const Kind = Object.freeze({
    A: 0, "0": "A",
});

export class Counter {
    next() { return calls += 1; }
}
if (Symbol.dispose) Counter.prototype[Symbol.dispose] = Counter.prototype.free;

/**
 * The answer.
 */
export function answer() {
    calls += 1;
    return wasm.answer();
}
function __wbg_get_imports() {
    return {};
}
let calls = 0;
let wasmModule, wasmInstance, wasm;
function __wbg_finalize_init(instance, module) {
    wasm = instance.exports;
    return wasm;
}

async function __wbg_load(module, imports) {
    return await WebAssembly.instantiateStreaming(module, imports);
}

function initSync(module) {
    if (wasm !== undefined) return wasm;
    ({module} = module)
    const instance = new WebAssembly.Instance(module, __wbg_get_imports());
    return __wbg_finalize_init(instance, module);
}

let __wbg_init_promise;
async function __wbg_init(module_or_path) {
    module_or_path = new URL('ncf_bg.wasm', import.meta.url);
}

export { initSync, __wbg_init as default };
`;

/** @param {string} source */
async function load(source) {
  return import(`data:text/javascript,${encodeURIComponent(source)}`);
}

test('the factory makes independent instances with every export', async () => {
  const { instantiate, ...others } = await load(glueToFactory(GLUE));
  assert.deepEqual(Object.keys(others), []);

  const module = new WebAssembly.Module(WASM);
  const [one, two] = [instantiate(module), instantiate(module)];
  assert.deepEqual(Object.keys(one), ['Kind', 'Counter', 'answer', 'memory']);
  assert.equal(one.answer(), 42);
  assert.notEqual(one.Counter, two.Counter);
  assert.equal(new one.Counter().next(), 2);
  assert.equal(new two.Counter().next(), 1);
});

test('glue of another shape is refused', () => {
  /** @type {[string, string, RegExp][]} what is replaced, by what, and the complaint */
  const cases = [
    ['async function __wbg_load(', 'async function __wbg_fetch(', /__wbg_load.* occurs 0 times/],
    ['let __wbg_init_promise;', 'let __wbg_init_promise;\nlet __wbg_init_promise;', /occurs 2 times/],
    ['export { initSync, __wbg_init as default };', 'export default __wbg_init;', /occurs 0 times/],
    ['let calls = 0;', "import { x } from './snippets/x.js';", /it has `import \{ x \}/],
    ['let calls = 0;', 'export { answer as delete };', /it has `export \{ answer as delete \}/],
    ['let calls = 0;', 'const here = import.meta.url;', /it has `import\.meta/],
    ['let calls = 0;', 'const more = await import("./more.js");', /it has `import\(/],
    ['let wasmModule, wasmInstance, wasm;', 'let wasm;', /occurs 0 times/],
    ['function answer(', 'function memory(', /exports `memory`/],
  ];
  for (const [before, after, message] of cases) {
    assert.throws(() => glueToFactory(GLUE.replace(before, after)), message);
  }
});

test('the declarations keep what the factory keeps', () => {
  const generated = `export interface Foo { a: number }

export class Counter {
    free(): void;
    [Symbol.dispose](): void;
}

export function answer(): number;

export type InitInput = RequestInfo | URL;

export function initSync(module: InitInput): void;
`;
  const kept = glueDeclarations(generated);
  assert.match(kept, /interface Foo/);
  assert.match(kept, /function answer/);
  assert.doesNotMatch(kept, /Init|initSync|dispose/);
  assert.throws(() => glueDeclarations('export function answer(): number;'), /InitInput.* occurs 0 times/);
  assert.match(factoryDeclarations('./full-glue.js'), /import type \* as glue from '\.\/full-glue\.js';/);
});
