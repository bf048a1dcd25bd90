/** Reading from a source with few requests: small reads are made larger and remembered, planned ones are merged. */

import { coalesce, cut, holds, TAIL_BYTES, type ByteSource, type Piece, type Range } from './bytes.js';
import { invalid, NcfError } from './errors.js';
import type { CallOptions } from './types.js';
import { orAborted } from './yield.js';

/** Most that one merged read fetches. */
const MAX_READ = 8 * 1024 * 1024;
/** Reads under way at once. */
const CONCURRENT_READS = 4;
/** Larger ones are not remembered, but for the end of the file. */
const MAX_WINDOW = 1024 * 1024;
const MAX_WINDOWS = 8;
/** Larger pieces are cut to what was asked for, before they are copied into wasm memory. */
const MAX_PIECE = 64 * 1024;

/** How far reads may be made larger, in bytes. */
export interface ReadSizes {
  /** Of the first read, from the end of the file. */
  tailBytes: number;
  /** Fewest of any other small read. */
  windowBytes: number;
  /** Between two ranges that become one. */
  gap: number;
}

/** What reads cost little to be, where the bytes are near. */
export const LOCAL_SIZES: ReadSizes = { tailBytes: TAIL_BYTES, windowBytes: 4 * 1024, gap: 4 * 1024 };
/** The same where a request takes its time. */
export const REMOTE_SIZES: ReadSizes = { tailBytes: TAIL_BYTES, windowBytes: 32 * 1024, gap: 64 * 1024 };

/** Keeps the end of the file and the last small reads, so that what lies near them costs no request. */
export class ReadAhead {
  readonly source: ByteSource;
  readonly sizes: ReadSizes;
  /** The end of the file, as far as it was read: pieces that follow each other. */
  #tail: Piece[] = [];
  #windows: Piece[] = [];
  /** What is being read before anybody asked for it. */
  #ahead: { range: Range; done: Promise<void> } | undefined;
  /** For what is read ahead. */
  #stop: AbortController | undefined;

  constructor(source: ByteSource, sizes: ReadSizes) {
    this.source = source;
    this.sizes = sizes;
    if (source.known) this.#remember(source.known);
  }

  /**
   * Starts to read what later calls will ask for. Where that fails, nothing is said: whoever needs it reads it again,
   * and sees what is wrong.
   */
  prefetch(range: Range): void {
    if (this.source.inMemory || range.start >= range.end || this.#find(range)) return;
    this.#stop ??= new AbortController();
    const done = this.#fetch(range, this.#stop.signal).then(() => undefined, () => undefined).finally(() => {
      this.#ahead = undefined;
    });
    this.#ahead = { range, done };
  }

  /** Ends what nobody waits for any more. */
  close(): void {
    this.#stop?.abort();
  }

  /** Pieces that hold all these ranges, each once. */
  async read(ranges: readonly Range[], signal?: AbortSignal): Promise<Piece[]> {
    const ahead = this.#ahead;
    if (ahead && ranges.some(({ start, end }) => start < ahead.range.end && end > ahead.range.start)) await orAborted(ahead.done, signal);
    const found = await Promise.all(this.#merge(ranges).map(async (range) => {
      const known = this.#find(range);
      if (known) return [trim(known, range)];
      const pieces = await this.#fetch(range, signal);
      const single = pieces.length === 1 ? pieces[0] : undefined;
      // Where what was asked for lies across pieces, only that is copied together.
      return single ? [trim(single, range)] : ranges.filter((part) => part.start >= range.start && part.end <= range.end).map((part) => join(pieces, part));
    }));
    return [...new Set(found.flat())];
  }

  /** The bytes of a range, in an array of their own. */
  async copy(range: Range): Promise<Uint8Array<ArrayBuffer>> {
    return join(await this.read([range]), range).bytes.slice();
  }

  /** The end of the file, as much as the first read takes, in an array of its own; `undefined` where it is not in memory. */
  copyOfEnd(): Piece | undefined {
    const { byteLength } = this.source;
    const start = Math.max(0, byteLength - this.sizes.tailBytes);
    const known = this.#find({ start, end: byteLength });
    return known && { start, bytes: cut(known, { start, end: byteLength }).slice() };
  }

  /**
   * Pieces that hold all these ranges, at once.
   * @throws {NcfError} `invalid-argument` where some of it is not in memory
   */
  readSync(ranges: readonly Range[]): Piece[] {
    const found = this.#merge(ranges).map((range) => {
      const piece = this.#find(range);
      if (!piece) throw invalid('source', 'a synchronous call needs a file whose bytes are in memory');
      return trim(piece, range);
    });
    return [...new Set(found)];
  }

  /**
   * Exactly the bytes of a range, at once.
   * @throws {NcfError} as `readSync`
   */
  chunkSync(range: Range): Piece {
    const { readSync } = this.source;
    if (!readSync) throw invalid('source', 'a synchronous call needs a file whose bytes are in memory');
    return { start: range.start, bytes: readSync(range.start, range.end) };
  }

  /** The bytes of a range, if they are in memory. */
  known(range: Range): Uint8Array | undefined {
    const piece = this.#find(range);
    return piece && cut(piece, range);
  }

  #merge(ranges: readonly Range[]): Range[] {
    return coalesce(ranges, this.sizes.gap, Infinity);
  }

  #find(range: Range): Piece | undefined {
    const { readSync } = this.source;
    if (readSync) return { start: range.start, bytes: readSync(range.start, range.end) };
    if (this.#tail[0] && range.start >= this.#tail[0].start) return join(this.#tail, range);
    return this.#windows.find((piece) => holds(piece, range));
  }

  /** Reads a range and some more: pieces that follow each other and hold it. */
  async #fetch({ start, end }: Range, signal?: AbortSignal): Promise<readonly Piece[]> {
    const { source, sizes } = this;
    const tail = this.#tail;
    const known = tail[0]?.start ?? source.byteLength;
    const isBeforeTail = end >= known;
    const from = end === source.byteLength ? Math.max(0, Math.min(start, end - sizes.tailBytes)) : start;
    const to = isBeforeTail ? known : Math.min(known, Math.max(end, start + sizes.windowBytes));
    const piece = { start: from, bytes: await source.read(from, to, signal) };
    this.#remember(piece);
    return isBeforeTail ? [piece, ...tail] : [piece];
  }

  #remember(piece: Piece): void {
    const known = this.#tail[0]?.start ?? this.source.byteLength;
    if (piece.start < known && piece.start + piece.bytes.byteLength >= known) {
      this.#tail = [{ start: piece.start, bytes: cut(piece, { start: piece.start, end: known }) }, ...this.#tail];
    } else if (piece.bytes.byteLength <= MAX_WINDOW) {
      this.#windows = [piece, ...this.#windows].slice(0, MAX_WINDOWS);
    }
  }
}

/** The bytes of a range as one piece, of pieces that follow each other and hold it: one of them, or a copy of several. */
function join(pieces: readonly Piece[], range: Range): Piece {
  const single = pieces.find((piece) => holds(piece, range));
  if (single) return single;
  const bytes = new Uint8Array(range.end - range.start);
  for (const piece of pieces) {
    const end = piece.start + piece.bytes.byteLength;
    const part = { start: Math.max(piece.start, range.start), end: Math.min(end, range.end) };
    if (part.start < part.end) bytes.set(cut(piece, part), part.start - range.start);
  }
  return { start: range.start, bytes };
}

function trim(piece: Piece, range: Range): Piece {
  return piece.bytes.byteLength <= MAX_PIECE ? piece : { start: range.start, bytes: cut(piece, range) };
}

/** One read that serves one or more planned ranges. */
interface Fetch {
  range: Range;
  users: number;
  bytes?: Promise<Uint8Array>;
}

/** Fetches planned ranges, neighbours together, some ahead of their use; lets go of what was used. */
export class Fetcher {
  readonly #readAhead: ReadAhead;
  readonly #fetches: Fetch[] = [];
  /** Position in `#fetches` of what serves each range that is not in memory. */
  readonly #positions = new Map<Range, number>();
  readonly #options: CallOptions;
  /** For what is fetched; to abort nothing takes time, too. */
  #stop: AbortController | undefined;
  readonly #total: number;
  #loaded = 0;

  /**
   * @param readAhead where the bytes come from
   * @param ranges everything that `get` will be asked for, the same objects
   * @param options signal and progress
   */
  constructor(readAhead: ReadAhead, ranges: readonly Range[], options: CallOptions) {
    this.#readAhead = readAhead;
    this.#options = options;
    const missing = readAhead.source.inMemory ? [] : ranges.filter((range) => !readAhead.known(range));
    missing.sort((a, b) => a.start - b.start || a.end - b.end);
    const merged = coalesce(missing, readAhead.sizes.gap, MAX_READ);
    this.#fetches = merged.map((range) => ({ range, users: 0 }));
    this.#total = merged.reduce((sum, range) => sum + range.end - range.start, 0);
    let position = 0;
    for (const range of missing) {
      while (position + 1 < merged.length && (merged[position + 1]?.start ?? Infinity) <= range.start) position += 1;
      this.#positions.set(range, position);
      const fetch = this.#fetches[position];
      if (fetch) fetch.users += 1;
    }
    if (merged.length > 0) options.signal?.addEventListener('abort', this.#abort);
  }

  /** The bytes of a planned range. */
  async get(range: Range): Promise<Uint8Array> {
    const position = this.#positions.get(range);
    if (position === undefined) {
      const bytes = this.#readAhead.known(range);
      if (!bytes) throw new NcfError('internal', 'a range was not planned');
      return bytes;
    }
    for (const fetch of this.#fetches.slice(position, position + CONCURRENT_READS)) fetch.bytes ??= this.#start(fetch.range);
    const fetch = this.#fetches[position];
    const bytes = await fetch?.bytes;
    if (!fetch || !bytes) throw new NcfError('internal', 'a range was not planned');
    fetch.users -= 1;
    // An empty one stays behind, so that nothing fetches it again.
    if (fetch.users === 0) fetch.bytes = Promise.resolve(new Uint8Array());
    return cut({ start: fetch.range.start, bytes }, range);
  }

  /** Ends what is under way, for nobody. */
  close(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#stop?.abort();
  }

  readonly #abort = (): void => {
    this.#stop?.abort(this.#options.signal?.reason);
  };

  #start(range: Range): Promise<Uint8Array> {
    const { signal } = (this.#stop ??= new AbortController());
    const bytes = this.#readAhead.source.read(range.start, range.end, signal).then((read) => {
      this.#loaded += read.byteLength;
      if (!signal.aborted) this.#options.onProgress?.({ phase: 'fetch', loaded: this.#loaded, total: this.#total });
      return read;
    });
    // Whoever waits for it sees the failure; one that nobody came to wait for is no unhandled rejection.
    bytes.catch(() => undefined);
    return bytes;
  }
}
