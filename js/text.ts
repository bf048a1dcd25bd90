/** Text of columns: UTF-8 behind offsets to strings. */

/** Longer values are not looked for among those that were made already. */
const MAX_LENGTH = 32;
/** Most strings that are remembered; a power of two. */
const MAX_SLOTS = 16384;
/** Of longer values only so many bytes at each end decide where they are remembered. */
const HASHED = 8;
/** After so many values it shows whether they repeat. */
const TRIAL = 4096;

/**
 * Makes the function that gives one value. Values that repeat, as most do, are one string: making it again would cost
 * more than finding it, and each would take memory of its own.
 * @param bytes UTF-8 of all values
 * @param offsets where each value starts, and behind the last one the end
 */
export function textReader(bytes: Uint8Array, offsets: Int32Array): (index: number) => string {
  const make = textMaker(bytes);
  // Twice as many as there can be, up to a limit.
  const slots = Math.min(MAX_SLOTS, 2 ** Math.ceil(Math.log2(2 * offsets.length)));
  const rows = new Int32Array(slots).fill(-1);
  const strings = new Array<string>(slots);
  let asked = 0;
  let found = 0;
  let isOn = true;
  return (index) => {
    const start = offsets[index] ?? 0;
    const end = offsets[index + 1] ?? 0;
    if (!isOn || end - start > MAX_LENGTH) return make(start, end);
    if (++asked === TRIAL) isOn = found > TRIAL / 4;
    // FNV-1a.
    let hash = 0x811c9dc5;
    const isLong = end - start > 2 * HASHED;
    for (let at = start; at < (isLong ? start + HASHED : end); at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    for (let at = isLong ? end - HASHED : end; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (slots - 1);
    const row = rows[slot] ?? -1;
    if (row >= 0 && isSame(bytes, start, end, offsets[row] ?? 0, offsets[row + 1] ?? 0)) {
      found += 1;
      // What was last looked at is near.
      rows[slot] = index;
      return strings[slot] ?? '';
    }
    const text = make(start, end);
    rows[slot] = index;
    strings[slot] = text;
    return text;
  };
}

function isSame(bytes: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let at = start, other = otherStart; at < end; at++, other++) if (bytes[at] !== bytes[other]) return false;
  return true;
}

/** Makes the string of a range of bytes. */
function textMaker(bytes: Uint8Array): (start: number, end: number) => string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let all: string | undefined;
  try {
    all = decoder.decode(bytes);
  } catch {
    // More text than one string can hold: decode value by value.
  }
  // One character per byte: ASCII, and byte offsets are string offsets.
  if (all?.length === bytes.length) {
    const text = all;
    return (start, end) => text.slice(start, end);
  }
  return (start, end) => decoder.decode(bytes.subarray(start, end));
}
