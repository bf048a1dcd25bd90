/** Memory of one call in a fresh process: the most that the process held, and linear memory of WebAssembly. */

import { readFileSync, writeFileSync } from 'node:fs';

/** @param {string} field of /proc/self/status, in KiB there */
function status(field) {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  if (!line) throw new Error('memory is measured on Linux, by /proc');
  return 1024 * Number(line[1]);
}

/** @type {WeakRef<WebAssembly.Memory>[]} */
const memories = [];

/** Makes every instance from now on leave its memory here, whichever library makes it. */
function watchInstances() {
  const note = (/** @type {WebAssembly.Instance} */ instance) => {
    for (const value of Object.values(instance.exports)) {
      if (value instanceof WebAssembly.Memory) memories.push(new WeakRef(value));
    }
    return instance;
  };
  const { Instance, instantiate } = WebAssembly;
  WebAssembly.Instance = /** @type {any} */ (new Proxy(Instance, { construct: (target, args) => note(Reflect.construct(target, args)) }));
  WebAssembly.instantiate = /** @type {any} */ (async (/** @type {any} */ source, /** @type {any} */ imports) => {
    const made = /** @type {any} */ (await instantiate(source, imports));
    note(made instanceof Instance ? made : made.instance);
    return made;
  });
}

function linearMemory() {
  return memories.reduce((sum, memory) => sum + (memory.deref()?.buffer.byteLength ?? 0), 0);
}

/**
 * @param {() => Promise<() => unknown>} setUp loads everything, and gives what is to be measured
 * @returns {Promise<{ peak: number, retained: number, linear: number }>} bytes: growth of the resident set at its peak
 * and after collecting garbage while the answer is held, and of linear memory
 */
export async function measureMemory(setUp) {
  watchInstances();
  const call = await setUp();
  globalThis.gc?.();
  // 5 sets the peak back to what there is now.
  writeFileSync('/proc/self/clear_refs', '5');
  const [resident, linear] = [status('VmRSS'), linearMemory()];
  const answer = await call();
  const peak = status('VmHWM') - resident;
  globalThis.gc?.();
  const retained = status('VmRSS') - resident;
  if (answer === undefined) throw new Error('there was nothing to measure');
  return { peak, retained, linear: linearMemory() - linear };
}
