/** Modules with little memory, and what needs more: how tests get traps. */

import { assert, ncf } from '#harness';

import { fails } from './util.mjs';

/** Bytes of a page of memory. */
export const PAGE = 65536;
/** Pages that a module's memory may have here: enough for every fixture, too few for what is below. */
export const MAX_PAGES = 1024;

/** LEB128 of a number. */
function leb(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

/** The module with a bound on its memory, so that a failed allocation takes no gigabytes. @param {Uint8Array} bytes */
export function withMemoryLimit(bytes, maxPages = MAX_PAGES) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const id = bytes[at++];
    const size = number();
    const end = at + size;
    if (id === 5) {
      at += 1;
      assert.ok(bytes[at++] < 2, 'a memory of 32 bits');
      const section = [1, 1, ...leb(number()), ...leb(maxPages)];
      return Uint8Array.from([...bytes.subarray(0, start), 5, ...leb(section.length), ...section, ...bytes.subarray(end)]);
    }
    at = end;
  }
  return assert.fail('no memory section');
}

/** Memories of the instances made so far. */
export const memories = [];
const Original = WebAssembly.Instance;
WebAssembly.Instance = new Proxy(Original, {
  construct(target, args) {
    const instance = new target(...args);
    memories.push(instance.exports.memory);
    return instance;
  },
});

/**
 * A rust-2.0 file of one int64 column, whose frame says the same byte 128 KiB a thousand times over.
 * No checksum, and no writer needed.
 */
export function bomb(blocks) {
  const text = new TextEncoder();
  const string = (value) => [0xa0 + value.length, ...text.encode(value)];
  const schema = [0x94, ...string('t'), 0x91, 0x94, ...string('c'), ...string('Int64'), 0xc0, 0xc3, 0, 1];
  const statistics = [0x91, 0x95, 0xc0, 0xc0, 0, 0, 0xc0];
  const block = (last) => {
    const header = (131072 << 3) | 2 | last;
    return [header & 255, (header >> 8) & 255, header >> 16, 7];
  };
  const frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
  for (let index = 0; index < blocks; index++) frame.push(...block(index === blocks - 1 ? 1 : 0));
  const data = 64 + schema.length + statistics.length;
  const footer = data + 4 + frame.length;
  const bytes = new Uint8Array(footer + 36);
  const view = new DataView(bytes.buffer);
  bytes.set(text.encode('NCF\u0001'));
  view.setUint32(4, 1, true);
  [64, 64 + schema.length, data, footer, (blocks * 131072) / 8].forEach((value, index) => view.setBigUint64(8 + 8 * index, BigInt(value), true));
  bytes.set([...schema, ...statistics], 64);
  view.setUint32(data, frame.length, true);
  bytes.set(frame, data + 4);
  bytes.set(text.encode('NCFE'), footer);
  return bytes;
}

/** Makes the instance trap that reads legacy files at present. */
export async function trapLegacy() {
  const hostile = await ncf.open(bomb(4096), { verify: false, limits: { maxColumnBytes: 2 ** 40 } });
  await fails(() => hostile.read(), ['internal', 'out-of-memory']);
}

/** More text than there is memory for. */
const texts = Array.from({ length: 80 }, (_, index) => String(index).padStart(2 ** 20, 'x'));

/** Makes the instance trap that reads version 2 at present. @param {Uint8Array} bytes a file with a column `string` */
export async function trapVersion2(bytes) {
  const file = await ncf.open(bytes);
  await fails(() => file.read({ filter: { string: { $in: texts } } }), ['internal', 'out-of-memory']);
}
