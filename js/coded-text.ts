/** Strings that come from dictionaries: made once per entry, and as bytes only where somebody wants these. */

import { Cells } from './cells.js';
import { allocate } from './memory.js';
import { makeTexts } from './text.js';
import type { CodedPart, PlainPart, TextPart, ValuesArray } from './wasm-types.js';

/** Longer entries are copied by the platform, shorter ones by words. */
const MAX_SHORT = 64;
/** Rows for each entry from which on its string is made a name. */
const ROWS_PER_NAME = 256;
/** Bytes of a word. */
const WORD = 4;

/** Whether all rows come from dictionaries. */
export function areCoded(parts: readonly TextPart[]): parts is readonly CodedPart[] {
  return parts.every((part) => 'codes' in part);
}

/** Bytes of all rows together. */
export function sizeOfText(parts: readonly TextPart[]): number {
  return parts.reduce((sum, part) => sum + ('codes' in part ? part.size : part.values.length), 0);
}

/** The arrays of a part. */
export function arraysOfPart(part: TextPart): ValuesArray[] {
  return 'codes' in part ? [part.codes, part.entries, part.offsets] : [part.values, part.offsets];
}

/** The strings of a dictionary, and null behind them. */
interface Strings {
  readonly of: CodedPart;
  readonly all: () => readonly (string | null)[];
}

/** Strings by their codes. */
export class CodedText extends Cells {
  readonly #parts: readonly { readonly codes: CodedPart['codes']; readonly strings: Strings; readonly start: number; readonly end: number }[];

  /** @param parts rows from the first to the last */
  constructor(parts: readonly CodedPart[], validity: Uint8Array | undefined) {
    super(validity);
    let end = 0;
    let strings: Strings | undefined;
    this.#parts = parts.map((part) => {
      const start = end;
      end += part.codes.length;
      // Row groups often have the same dictionary.
      strings = strings && isSameDictionary(strings.of, part) ? strings : { of: part, all: stringsOf(part) };
      return { codes: part.codes, strings, start, end };
    });
  }

  override fill(all: unknown[], start: number, end: number): void {
    for (const part of this.#parts) {
      const from = Math.max(start, part.start);
      const to = Math.min(end, part.end);
      if (from < to) lookUp(part.strings.all(), part.codes, from - part.start, to - part.start, all, from - start);
    }
  }

  protected override value(row: number): string {
    const part = this.#parts.find(({ end }) => row < end);
    return part?.strings.all()[part.codes[row - part.start] ?? 0] ?? '';
  }
}

/** Makes the strings when they are first asked for. */
function stringsOf({ codes, entries, offsets }: CodedPart): Strings['all'] {
  const make = (): (string | null)[] => {
    const strings = makeTexts(entries, offsets);
    return [...(strings.length * ROWS_PER_NAME <= codes.length ? asNames(strings) : strings), null];
  };
  let made: (string | null)[] | undefined;
  return () => (made ??= make());
}

/**
 * The same strings, which all differ, as names of properties: engines have each of these once, and V8 puts them where
 * collections of what is new do not look. Such a collection would else follow every row of a large array of them.
 */
function asNames(strings: readonly string[]): string[] {
  const positions = Object.create(null) as Record<string, number>;
  for (const [position, string] of strings.entries()) positions[string] = position;
  const names = [...strings];
  for (const name of Object.keys(positions)) names[positions[name] ?? 0] = name;
  return names;
}

function isSameDictionary(a: CodedPart, b: CodedPart): boolean {
  return isSame(a.offsets, b.offsets) && isSame(a.entries, b.entries);
}

function isSame(a: Uint8Array | Int32Array, b: Uint8Array | Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Puts the entries that codes stand for into an array. */
function lookUp(entries: readonly unknown[], codes: CodedPart['codes'], from: number, to: number, all: unknown[], at: number): void {
  for (let index = from; index < to; index++) all[at + index - from] = entries[codes[index] ?? 0];
}

/** Text in Arrow's layout. */
export interface TextBuffers {
  readonly values: Uint8Array<ArrayBuffer>;
  readonly offsets: Int32Array<ArrayBuffer>;
}

/**
 * The bytes of all rows, and where each starts.
 * @param parts rows from the first to the last, whose text takes less than 2 GiB
 * @param length rows in all
 */
export function expandText(parts: readonly TextPart[], length: number): TextBuffers {
  const values = new Uint8Array(allocate(sizeOfText(parts)));
  const offsets = new Int32Array(allocate(4 * (length + 1)));
  offsets[0] = 0;
  let row = 0;
  for (const part of parts) {
    if ('codes' in part) {
      expandCoded(part, values, offsets, row);
      row += part.codes.length;
    } else {
      row += placePlain(part, values, offsets, row);
    }
  }
  return { values, offsets };
}

/** Puts rows where those before end, and says how many there are. */
function placePlain({ values: own, offsets: ownOffsets, length = ownOffsets.length - 1 }: PlainPart, values: Uint8Array, offsets: Int32Array, row: number): number {
  const start = offsets[row] ?? 0;
  const by = start - (ownOffsets[0] ?? 0);
  values.set(own, start);
  moveOffsets(offsets, row + 1, ownOffsets.subarray(1, length + 1), by);
  return length;
}

/** Puts offsets where they belong, and adds to them. */
export function moveOffsets(to: Int32Array, at: number, from: Int32Array, by: number): void {
  // A loop takes several times as long.
  if (by === 0) to.set(from, at);
  else for (let index = 0; index < from.length; index++) to[at + index] = (from[index] ?? 0) + by;
}

/** Puts the entries of codes where the rows before end. */
function expandCoded({ codes, entries, offsets: starts, size, hasNulls }: CodedPart, values: Uint8Array, offsets: Int32Array, row: number): void {
  const start = offsets[row] ?? 0;
  // Null takes nothing.
  const lengths = new Int32Array(starts.length);
  let longest = 0;
  for (let entry = 0; entry < starts.length - 1; entry++) {
    lengths[entry] = (starts[entry + 1] ?? 0) - (starts[entry] ?? 0);
    longest = Math.max(longest, lengths[entry] ?? 0);
  }
  if (longest > MAX_SHORT) {
    expandLong(codes, entries, starts, lengths, values, offsets, row, start);
    return;
  }
  const isFixed = !hasNulls && lengths.every((length, entry) => length === longest || entry === lengths.length - 1);
  if (isFixed && longest <= WORD && start % WORD === 0) {
    expandFixed(codes, wordsOf(entries, starts), longest, values, start);
    putOffsets(offsets, row, codes.length, longest);
    return;
  }
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  if (longest <= WORD) expandWords(codes, wordsOf(entries, starts), lengths, view, offsets, row, start, start + size);
  else expandShort(codes, padded(entries), starts, lengths, view, offsets, row, start, start + size);
}

/** Entries of a length of at most a word: four at a time, so that whole words are written. */
function expandFixed(codes: CodedPart['codes'], words: Int32Array, length: number, values: Uint8Array, start: number): void {
  const to = new Int32Array(values.buffer, values.byteOffset + start, values.byteLength - start >> 2);
  const groups = codes.length >> 2;
  for (let group = 0, at = 0; group < groups; group++, at += length) {
    const a = words[codes[4 * group] ?? 0] ?? 0;
    const b = words[codes[4 * group + 1] ?? 0] ?? 0;
    const c = words[codes[4 * group + 2] ?? 0] ?? 0;
    const d = words[codes[4 * group + 3] ?? 0] ?? 0;
    if (length === 3) {
      to[at] = a | b << 24;
      to[at + 1] = b >>> 8 | c << 16;
      to[at + 2] = c >>> 16 | d << 8;
    } else if (length === 2) {
      to[at] = a | b << 16;
      to[at + 1] = c | d << 16;
    } else if (length === 1) {
      to[at] = a | b << 8 | c << 16 | d << 24;
    } else if (length === 4) {
      to[at] = a;
      to[at + 1] = b;
      to[at + 2] = c;
      to[at + 3] = d;
    }
  }
  for (let index = 4 * groups; index < codes.length; index++) {
    for (let byte = 0; byte < length; byte++) values[start + length * index + byte] = (words[codes[index] ?? 0] ?? 0) >> (8 * byte);
  }
}

/** Offsets of rows of one length. */
function putOffsets(offsets: Int32Array, row: number, count: number, length: number): void {
  let end = offsets[row] ?? 0;
  for (let index = row + 1; index <= row + count; index++) {
    end += length;
    offsets[index] = end;
  }
}

/** The bytes of each entry, of at most a word. */
function wordsOf(entries: Uint8Array, starts: Int32Array): Int32Array {
  return Int32Array.from(starts, (start, entry) => {
    let word = 0;
    for (let at = (starts[entry + 1] ?? start) - 1; at >= start; at--) word = word << 8 | (entries[at] ?? 0);
    return word;
  });
}

/** The same bytes with a word behind them. */
function padded(entries: Uint8Array): DataView {
  const copy = new Uint8Array(entries.length + WORD);
  copy.set(entries);
  return new DataView(copy.buffer);
}

/** Entries of at most a word each; what is behind one is overwritten by the next. */
function expandWords(
  codes: CodedPart['codes'], words: Int32Array, lengths: Int32Array, to: DataView, offsets: Int32Array, row: number, start: number, end: number,
): void {
  let at = start;
  let index = 0;
  for (const safe = end - WORD; index < codes.length && at <= safe; index++) {
    const code = codes[index] ?? 0;
    to.setInt32(at, words[code] ?? 0, true);
    at += lengths[code] ?? 0;
    offsets[row + index + 1] = at;
  }
  for (; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    for (let byte = 0; byte < (lengths[code] ?? 0); byte++) to.setUint8(at + byte, (words[code] ?? 0) >> (8 * byte));
    at += lengths[code] ?? 0;
    offsets[row + index + 1] = at;
  }
}

/** Entries word by word; what is behind one is overwritten by the next. */
function expandShort(
  codes: CodedPart['codes'], from: DataView, starts: Int32Array, lengths: Int32Array, to: DataView, offsets: Int32Array, row: number, start: number, end: number,
): void {
  let at = start;
  let index = 0;
  for (const safe = end - MAX_SHORT - WORD; index < codes.length && at <= safe; index++) {
    const code = codes[index] ?? 0;
    const stop = at + (lengths[code] ?? 0);
    for (let source = starts[code] ?? 0; at < stop; at += WORD, source += WORD) to.setInt32(at, from.getInt32(source, true), true);
    at = stop;
    offsets[row + index + 1] = at;
  }
  for (; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    const source = starts[code] ?? 0;
    for (let byte = 0; byte < (lengths[code] ?? 0); byte++) to.setUint8(at + byte, from.getUint8(source + byte));
    at += lengths[code] ?? 0;
    offsets[row + index + 1] = at;
  }
}

function expandLong(
  codes: CodedPart['codes'], entries: Uint8Array, starts: Int32Array, lengths: Int32Array, values: Uint8Array, offsets: Int32Array, row: number, start: number,
): void {
  let at = start;
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    const length = lengths[code] ?? 0;
    if (length > 0) values.set(entries.subarray(starts[code], (starts[code] ?? 0) + length), at);
    at += length;
    offsets[row + index + 1] = at;
  }
}
