/**
 * Rewrites the JavaScript that wasm-bindgen generates for `--target web`. That is a module with one
 * wasm instance in its top-level variables. After a trap an instance must not be used again, so we
 * need fresh ones: the rewritten module exports one function, `instantiate`, whose closure is the
 * whole of the generated module, and each call makes an independent instance.
 *
 * The rewriting is by text. It expects the exact landmarks of the pinned wasm-bindgen, and refuses
 * anything else: when a new version trips it, look at the generated file and adapt the landmarks.
 */

// The parts of the generated module, in their order. The asynchronous loader and the default
// export are left out, for they fetch by `import.meta.url`; our callers bring a compiled module.
const SELF_TYPES = /^\/\* @ts-self-types=.*\n/gm;
const LOAD_START = /^async function __wbg_load\(/gm;
const SYNC_START = /^function initSync\(module\) \{$/gm;
const INIT_START = /^let __wbg_init_promise;$/gm;
const INIT_END = /^export \{ initSync, __wbg_init as default \};\n?/gm;
const WASM_VARIABLE = /^let wasmModule, wasmInstance, wasm;$/gm;

const EXPORT = /^export (?=(?:function|class|const) ([A-Za-z_$][\w$]*)\b)/gm;

const DECLARED_INIT_START = /^export type InitInput = /gm;
const DECLARED_DISPOSE = /^ +\[Symbol\.dispose\]\(\): void;\n/gm;

const HEADER = '// Made by the build from the output of wasm-bindgen.\n';

/**
 * The module that exports `instantiate`.
 * @param {string} glue the generated JavaScript
 * @returns {string}
 */
export function glueToFactory(glue) {
  const loadStart = find(glue, LOAD_START).start;
  const syncStart = find(glue, SYNC_START).start;
  const initStart = find(glue, INIT_START).start;
  const initEnd = find(glue, INIT_END).end;
  find(glue, WASM_VARIABLE);
  if (!(loadStart < syncStart && syncStart < initStart && initStart < initEnd)) {
    throw unexpected('its parts are in another order');
  }
  const kept = glue.slice(0, loadStart) + glue.slice(syncStart, initStart) + glue.slice(initEnd);
  const selfTypes = find(kept, SELF_TYPES);
  const typeless = kept.slice(0, selfTypes.start) + kept.slice(selfTypes.end);

  const names = [...typeless.matchAll(EXPORT)].map((match) => String(match[1]));
  if (names.length === 0) throw unexpected('it exports nothing');
  if (names.includes('memory')) throw unexpected('it exports `memory`, a name that the build adds');
  const body = typeless.replaceAll(EXPORT, '');

  const left = /^(?:export|import)\b.*|\bimport\s*(?:\(|\.).*/m.exec(body);
  if (left) throw unexpected(`it has \`${left[0]}\``);

  return `${HEADER}
/**
 * Makes an instance of the module with state of its own.
 * @param {WebAssembly.Module} module
 */
export function instantiate(module) {
${body.trim()}

initSync({ module });
return { ${[...names, 'memory: wasm.memory'].join(', ')} };
}
`;
}

/**
 * Refuses a module that could not be used with the JavaScript of another one, because its own is no part of that.
 * @param {string} glue the generated JavaScript of the module
 * @param {string} other that of the one which can do more
 */
export function checkIsPart(glue, other) {
  const lines = other.split('\n');
  let at = 0;
  for (const line of glue.split('\n')) {
    at = lines.indexOf(line, at) + 1;
    if (at === 0) throw unexpected(`the larger module's glue has no \`${line}\` at its place`);
  }
}

/**
 * The declarations of what an instance has, without those of the parts that {@link glueToFactory}
 * leaves out. Also without \`[Symbol.dispose]\`, which is younger than the ES2022 that we declare for.
 * @param {string} declarations the generated .d.ts
 * @returns {string}
 */
export function glueDeclarations(declarations) {
  const end = find(declarations, DECLARED_INIT_START).start;
  const kept = declarations.slice(0, end).replaceAll(DECLARED_DISPOSE, '');
  if (!/^export (?:function|class) /m.test(kept)) throw unexpected('its .d.ts declares no function or class');
  return kept;
}

/**
 * The declarations of the module that {@link glueToFactory} makes.
 * @param {string} glueModule specifier of the module with the {@link glueDeclarations}
 * @returns {string}
 */
export function factoryDeclarations(glueModule) {
  return `${HEADER}
import type * as glue from '${glueModule}';

export type * from '${glueModule}';

/** What an instance has: functions, classes, and its linear memory. */
export type Exports = typeof glue & { readonly memory: WebAssembly.Memory };

/** Makes an instance of the module with state of its own. */
export function instantiate(module: WebAssembly.Module): Exports;
`;
}

/**
 * Finds a pattern that must occur exactly once.
 * @param {string} text
 * @param {RegExp} pattern
 */
function find(text, pattern) {
  const [match, ...more] = text.matchAll(pattern);
  if (!match || more.length > 0) {
    throw unexpected(`${pattern} occurs ${match ? more.length + 1 : 0} times instead of once`);
  }
  return { start: match.index, end: match.index + match[0].length };
}

/** @param {string} what */
function unexpected(what) {
  return new Error(`the glue that wasm-bindgen generated does not have the expected shape: ${what} (scripts/build/glue.mjs)`);
}
