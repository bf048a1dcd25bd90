/** Text of columns: UTF-8 behind offsets to strings. */

import { Cells, putNulls } from './cells.js';

/** Longer values are not looked for among those that were made already. */
const MAX_LENGTH = 32;
/** Most strings that are remembered; a power of two. */
const MAX_SLOTS = 16384;
/** Of longer values only so many bytes at each end decide where they are remembered. */
const HASHED = 8;
/** After so many values it shows whether they repeat. */
const TRIAL = 4096;

/** UTF-8 that is known to be right. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Text of which nothing is known. Values that repeat, as most do, are one string: making it again would cost more than
 * finding it, and each would take memory of its own.
 */
export class PlainText extends Cells {
  readonly #bytes: Uint8Array;
  readonly #offsets: Int32Array;
  #memory: Memory | undefined;

  /**
   * @param bytes UTF-8 of all values
   * @param offsets where each value starts, and behind the last one the end
   */
  constructor(bytes: Uint8Array, offsets: Int32Array, validity: Uint8Array | undefined) {
    super(validity);
    this.#bytes = bytes;
    this.#offsets = offsets;
  }

  override fill(all: unknown[], start: number, end: number): void {
    const { decoded, rows, strings, trial } = this.#remembered();
    fillText(all, this.#bytes, this.#offsets, decoded.all, decoded.starts, rows, strings, trial, start, end);
    putNulls(all, this.validity, start, end);
  }

  protected override value(row: number): string {
    const { decoded, rows, strings, trial } = this.#remembered();
    return textAt(this.#bytes, this.#offsets, decoded.all, decoded.starts, rows, strings, trial, row);
  }

  #remembered(): Memory {
    if (!this.#memory) {
      // Twice as many as there can be, up to a limit.
      const slots = Math.min(MAX_SLOTS, 2 ** Math.ceil(Math.log2(2 * this.#offsets.length)));
      this.#memory = {
        decoded: decode(this.#bytes, this.#offsets), rows: new Int32Array(slots).fill(-1), strings: new Array<string>(slots), trial: new Int32Array(2),
      };
    }
    return this.#memory;
  }
}

/** What is remembered of text that was made. */
interface Memory {
  readonly decoded: Decoded;
  /** For each slot the row that was last found there, or -1. */
  readonly rows: Int32Array;
  /** For each slot the string of that row. */
  readonly strings: string[];
  /** How many values were looked for, up to `TRIAL`, and how many of them were there. */
  readonly trial: Int32Array;
}

function fillText(
  all: unknown[], bytes: Uint8Array, offsets: Int32Array, text: string | undefined, starts: Int32Array, rows: Int32Array, strings: string[], trial: Int32Array, start: number, end: number,
): void {
  for (let row = start; row < end; row++) all[row - start] = textAt(bytes, offsets, text, starts, rows, strings, trial, row);
}

/** The text of a row, found or made. */
function textAt(
  bytes: Uint8Array, offsets: Int32Array, text: string | undefined, starts: Int32Array, rows: Int32Array, strings: string[], trial: Int32Array, row: number,
): string {
  const start = offsets[row] ?? 0;
  const end = offsets[row + 1] ?? 0;
  const asked = trial[0] ?? 0;
  const found = trial[1] ?? 0;
  if (end - start > MAX_LENGTH || (asked === TRIAL && found <= TRIAL / 4)) return makeText(bytes, offsets, text, starts, row);
  if (asked < TRIAL) trial[0] = asked + 1;
  const slot = hash(bytes, start, end) & (rows.length - 1);
  const other = rows[slot] ?? -1;
  // What was last looked at is near.
  rows[slot] = row;
  if (other >= 0 && isSame(bytes, start, end, offsets[other] ?? 0, offsets[other + 1] ?? 0)) {
    if (asked < TRIAL) trial[1] = found + 1;
    return strings[slot] ?? '';
  }
  return (strings[slot] = makeText(bytes, offsets, text, starts, row));
}

/** Every value, made anew. */
export function makeTexts(bytes: Uint8Array, offsets: Int32Array): string[] {
  const { all, starts } = decode(bytes, offsets);
  return Array.from({ length: offsets.length - 1 }, (_, row) => makeText(bytes, offsets, all, starts, row));
}

function makeText(bytes: Uint8Array, offsets: Int32Array, text: string | undefined, starts: Int32Array, row: number): string {
  return text === undefined ? utf8.decode(bytes.subarray(offsets[row], offsets[row + 1])) : text.slice(starts[row], starts[row + 1]);
}

/** Text of many values as one string, and where each starts in it; no string where one cannot hold so much. */
interface Decoded {
  readonly all: string | undefined;
  readonly starts: Int32Array;
}

/** Decodes all values at once: one call for each would take longer. */
function decode(bytes: Uint8Array, offsets: Int32Array): Decoded {
  let all: string | undefined;
  try {
    all = utf8.decode(bytes);
  } catch {
    // More text than one string can hold.
  }
  // One character per byte: ASCII, and byte offsets are string offsets.
  if (all === undefined || all.length === bytes.length) return { all, starts: offsets };
  const starts = unitOffsets(bytes, offsets);
  // Only what is no UTF-8 has other lengths.
  return { all: starts[offsets.length - 1] === all.length ? all : undefined, starts };
}

/** Offsets in units of UTF-16. */
function unitOffsets(bytes: Uint8Array, offsets: Int32Array): Int32Array {
  const starts = new Int32Array(offsets.length);
  let units = 0;
  let at = 0;
  for (let row = 0; row < offsets.length; row++) {
    for (const end = offsets[row] ?? 0; at < end; at++) {
      const byte = bytes[at] ?? 0;
      // A character starts where no byte continues one, and those of four bytes are a pair of surrogates.
      if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    starts[row] = units;
  }
  return starts;
}

/** FNV-1a of both ends of a text, of which the lower bits are of use. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let state = 0x811c9dc5;
  const isLong = end - start > 2 * HASHED;
  for (let at = start; at < (isLong ? start + HASHED : end); at++) state = Math.imul(state ^ (bytes[at] ?? 0), 0x01000193);
  for (let at = isLong ? end - HASHED : end; at < end; at++) state = Math.imul(state ^ (bytes[at] ?? 0), 0x01000193);
  return state ^ (state >>> 15);
}

function isSame(bytes: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let at = start, other = otherStart; at < end; at++, other++) if (bytes[at] !== bytes[other]) return false;
  return true;
}
