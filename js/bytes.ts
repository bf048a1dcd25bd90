/** Byte ranges, known bytes, and what answers ranges with bytes. The reader decides which ranges. */

/** A byte range or a range of rows; half-open. */
export interface Range {
  start: number;
  end: number;
}

/** Bytes of the first read of a file, unless the caller says otherwise: mostly all that opening needs, and small files as a whole. */
export const TAIL_BYTES = 128 * 1024;

/** Known bytes, and where in the file they start. */
export interface Piece {
  start: number;
  bytes: Uint8Array;
}

/** Whether a piece holds a range. */
export function holds({ start, bytes }: Piece, range: Range): boolean {
  return start <= range.start && range.end <= start + bytes.byteLength;
}

/** The bytes of a range, from a piece that holds it. */
export function cut({ start, bytes }: Piece, range: Range): Uint8Array {
  return bytes.subarray(range.start - start, range.end - start);
}

/** Pairs `start, end, start, end, ...` as ranges. */
export function toRanges(flat: Float64Array): Range[] {
  const ranges: Range[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) ranges.push({ start: flat[index] ?? 0, end: flat[index + 1] ?? 0 });
  return ranges;
}

/**
 * Merges ranges that are close to each other; the answer is sorted and covers all of them.
 * @param ranges in any order
 * @param gap bytes between two ranges up to which they become one
 * @param maxBytes most that ranges become together
 */
export function coalesce(ranges: readonly Range[], gap: number, maxBytes: number): Range[] {
  const merged: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = merged.at(-1);
    const fits = last && range.start - last.end <= gap && Math.max(range.end, last.end) - last.start <= maxBytes;
    if (fits) last.end = Math.max(last.end, range.end);
    else merged.push({ ...range });
  }
  return merged;
}

/** Answers byte ranges. */
export interface ByteSource {
  /** Size in bytes. */
  readonly byteLength: number;
  /** URL or path, for errors. */
  readonly name?: string;
  /** Whether all bytes are in memory. */
  readonly inMemory: boolean;
  /** How much a small read should fetch at least, and how far apart reads may be to become one. */
  readonly latency: 'none' | 'local' | 'remote';
  /** What became known while the source was opened. */
  readonly known?: Piece;
  /** Exactly the bytes `start` to `end`. */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** The same at once, where that can be. */
  readonly readSync?: (start: number, end: number) => Uint8Array;
  /** Lets go of what the source holds open. */
  close?(): void | Promise<void>;
}

/** All bytes in memory. */
export function bytesSource(input: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): ByteSource {
  const bytes = ArrayBuffer.isView(input)
    ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
    : new Uint8Array(input);
  const readSync = (start: number, end: number): Uint8Array => bytes.subarray(start, end);
  return {
    byteLength: bytes.byteLength,
    inMemory: true,
    latency: 'none',
    readSync,
    read: (start, end) => Promise.resolve(readSync(start, end)),
  };
}
