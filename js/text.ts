/** Text of columns: UTF-8 behind offsets to strings. */

import type { CodePart } from './wasm-types.js';

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

/** Values per entry of a dictionary from which entries are decoded one by one, rather than all text at once. */
const FEW_ENTRIES = 8;

/** Rows that have one dictionary, and the strings of it that were made. */
interface StringPart {
  readonly codes: CodePart['values'];
  readonly strings: (string | undefined)[];
  readonly start: number;
  readonly end: number;
}

/** Text that comes from dictionaries, so that it is known which values are equal. */
export class CodedText {
  readonly #parts: readonly StringPart[];
  readonly #bytes: Uint8Array;
  readonly #offsets: Int32Array;
  readonly #isSmall: boolean;
  #make: ((start: number, end: number) => string) | undefined;

  /**
   * @param parts rows from the first to the last
   * @param bytes UTF-8 of all values
   * @param offsets where each value starts, and behind the last one the end
   */
  constructor(parts: readonly CodePart[], bytes: Uint8Array, offsets: Int32Array) {
    const entries = parts.reduce((sum, part) => sum + part.entries, 0);
    this.#bytes = bytes;
    this.#offsets = offsets;
    this.#isSmall = entries * FEW_ENTRIES < offsets.length;
    let end = 0;
    this.#parts = parts.map(({ values, entries: count }) => {
      const start = end;
      end += values.length;
      return { codes: values, strings: new Array<string | undefined>(count), start, end };
    });
  }

  /** The function that gives one value. */
  reader(): (index: number) => string {
    let part = this.#parts[0];
    return (index) => {
      if (!part || index < part.start || index >= part.end) part = this.#parts.find(({ end }) => index < end);
      if (!part) return '';
      const code = part.codes[index - part.start] ?? 0;
      return part.strings[code] ?? this.#first(part, code, index);
    };
  }

  /** Puts all values into an array, null where a bit of the bitmap is not set. */
  fill(all: unknown[], validity: Uint8Array | undefined): void {
    for (const part of this.#parts) {
      const { codes, strings, start } = part;
      for (let at = 0; at < codes.length; at++) {
        const index = start + at;
        if (validity && ((validity[index >> 3] ?? 0) >> (index & 7) & 1) === 0) {
          all[index] = null;
          continue;
        }
        const code = codes[at] ?? 0;
        all[index] = strings[code] ?? this.#first(part, code, index);
      }
    }
  }

  #first({ strings }: StringPart, code: number, index: number): string {
    this.#make ??= this.#isSmall ? valueMaker(this.#bytes) : textMaker(this.#bytes);
    const text = this.#make(this.#offsets[index] ?? 0, this.#offsets[index + 1] ?? 0);
    strings[code] = text;
    return text;
  }
}

function isSame(bytes: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let at = start, other = otherStart; at < end; at++, other++) if (bytes[at] !== bytes[other]) return false;
  return true;
}

/** Makes the string of a range of bytes, of a few of them. */
function valueMaker(bytes: Uint8Array): (start: number, end: number) => string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return (start, end) => decoder.decode(bytes.subarray(start, end));
}

/** The same for most of them. */
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
