/**
 * Where bytes come from. A `ByteSource` answers byte ranges; the reader decides which.
 *
 * URLs: one `GET` with a range starts and tells the size; never `HEAD`, which signed addresses refuse. An answer that
 * is not what was asked for is an error with a code, never silently taken for the bytes.
 */

import { invalid, NcfError } from './errors.js';
import type { CallOptions, FetchOptions } from './types.js';

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
  /** Exactly the bytes `start` to `end`. */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** The same at once, where that can be. */
  readonly readSync?: (start: number, end: number) => Uint8Array;
  /** Lets go of what the source holds open. */
  close?(): void | Promise<void>;
}

/** Anything with a size that gives slices: a `Blob` is not one, hyparquet's buffers are. */
export interface AsyncBuffer {
  /** Size in bytes. */
  readonly byteLength: number;
  /** The bytes `start` to `end`. */
  slice(start: number, end?: number): ArrayBuffer | Uint8Array | Promise<ArrayBuffer | Uint8Array>;
}

/** What `open` takes. A string is a URL; in Node, one without `scheme:` is a path. */
export type NcfInput = ArrayBuffer | SharedArrayBuffer | ArrayBufferView | Blob | Response | ReadableStream<Uint8Array> | AsyncBuffer | URL | string;

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

/** A `Blob` or `File`, sliced when needed. */
function blobSource(blob: Blob): ByteSource {
  const name = 'name' in blob && typeof blob.name === 'string' ? blob.name : undefined;
  return {
    byteLength: blob.size,
    ...(name !== undefined && { name }),
    inMemory: false,
    latency: 'local',
    read: async (start, end) => {
      try {
        return exactly(new Uint8Array(await blob.slice(start, end).arrayBuffer()), start, end, name);
      } catch (cause) {
        if (cause instanceof NcfError) throw cause;
        // A browser refuses to read a picked file that changed on disk since.
        const changed = cause instanceof DOMException && cause.name === 'NotReadableError';
        throw new NcfError(changed ? 'source-changed' : 'source', `could not read the file: ${String(cause)}`, { cause, source: name });
      }
    },
  };
}

function asyncBufferSource(buffer: AsyncBuffer): ByteSource {
  if (!Number.isSafeInteger(buffer.byteLength) || buffer.byteLength < 0) throw invalid('source', `byteLength is ${buffer.byteLength}`);
  return {
    byteLength: buffer.byteLength,
    inMemory: false,
    latency: 'local',
    read: async (start, end) => {
      try {
        const answer = await buffer.slice(start, end);
        return exactly(answer instanceof Uint8Array ? answer : new Uint8Array(answer), start, end);
      } catch (cause) {
        if (cause instanceof NcfError) throw cause;
        throw new NcfError('source', `slice(${start}, ${end}) failed: ${String(cause)}`, { cause, offset: start });
      }
    },
  };
}

function exactly(bytes: Uint8Array, start: number, end: number, source?: string): Uint8Array {
  if (bytes.byteLength === end - start) return bytes;
  throw new NcfError('source', `asked for bytes ${start} to ${end}, got ${bytes.byteLength} bytes`, { offset: start, source });
}

/** Turns what `open` takes into a source. */
export async function toSource(input: NcfInput, options: FetchOptions, call: CallOptions): Promise<ByteSource> {
  if (typeof input === 'string' || input instanceof URL) return openUrl(String(input), options, call);
  if (input instanceof ArrayBuffer || ArrayBuffer.isView(input)) return bytesSource(input);
  if (typeof SharedArrayBuffer !== 'undefined' && input instanceof SharedArrayBuffer) return bytesSource(input);
  if (input instanceof Blob) return blobSource(input);
  if (typeof Response !== 'undefined' && input instanceof Response) {
    if (!input.ok) throw httpFailure(input, input.url);
    return bytesSource(await bodyOf(input, options.maxDownloadBytes ?? MAX_DOWNLOAD, input.url, call));
  }
  if (typeof ReadableStream !== 'undefined' && input instanceof ReadableStream) {
    return bytesSource(await bodyOf(new Response(input), options.maxDownloadBytes ?? MAX_DOWNLOAD, 'stream', call));
  }
  if (isAsyncBuffer(input)) return asyncBufferSource(input);
  throw invalid('source', 'is none of bytes, Blob, Response, ReadableStream, URL, or { byteLength, slice }');
}

function isAsyncBuffer(input: unknown): input is AsyncBuffer {
  const candidate = input as Partial<AsyncBuffer> | null;
  return typeof candidate === 'object' && typeof candidate?.byteLength === 'number' && typeof candidate.slice === 'function';
}

const PREFIX = 64 * 1024;
const MAX_DOWNLOAD = 256 * 1024 * 1024;

async function openUrl(url: string, options: FetchOptions, call: CallOptions): Promise<ByteSource> {
  const request = async (start: number, end: number, requestSignal?: AbortSignal): Promise<Response> => {
    const headers = new Headers(options.requestInit?.headers);
    headers.set('Range', `bytes=${start}-${end - 1}`);
    const init: RequestInit = { ...options.requestInit, headers };
    if (requestSignal) init.signal = requestSignal;
    try {
      return await (options.fetch ?? globalThis.fetch)(url, init);
    } catch (cause) {
      requestSignal?.throwIfAborted();
      throw new NcfError('source', `could not fetch ${url}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, source: url });
    }
  };
  const wanted = Math.max(1, options.prefixBytes ?? PREFIX);
  const first = await request(0, wanted, call.signal);
  if (first.status === 200) return downloaded(first, url, options, call);
  if (first.status === 416) return emptyOrBroken(first, url);
  if (first.status !== 206) throw httpFailure(first, url);

  const range = contentRange(first);
  const prefix = await bodyOf(first, wanted, url, call);
  const byteLength = range?.total ?? options.byteLength ?? (prefix.byteLength < wanted ? prefix.byteLength : undefined);
  if (byteLength === undefined) {
    throw new NcfError(
      'range-unsupported',
      `${url}: the answer does not tell the size of the file; let the server expose Content-Range (Access-Control-Expose-Headers), or pass fetch.byteLength`,
      { source: url, status: 206 },
    );
  }
  if ((range && range.start !== 0) || prefix.byteLength !== Math.min(wanted, byteLength)) {
    throw badRange(url, 0, Math.min(wanted, byteLength), prefix.byteLength, range);
  }
  const version = versionOf(first);
  return {
    byteLength,
    name: url,
    inMemory: prefix.byteLength === byteLength,
    latency: 'remote',
    read: async (start, end, readSignal) => {
      if (end <= prefix.byteLength) return prefix.subarray(start, end);
      const answer = await request(start, end, readSignal);
      if (answer.status === 416 || answer.status === 412) throw changed(url, answer.status);
      if (answer.status === 200) {
        await answer.body?.cancel();
        throw new NcfError('range-unsupported', `${url}: the server answered the whole file to a range request`, { source: url, status: 200 });
      }
      if (answer.status !== 206) throw httpFailure(answer, url);
      const got = contentRange(answer);
      const now = versionOf(answer);
      if ((got?.total !== undefined && got.total !== byteLength) || (now && version && now !== version)) {
        await answer.body?.cancel();
        throw changed(url, 206);
      }
      const bytes = await bodyOf(answer, end - start, url, readSignal ? { signal: readSignal } : {});
      if ((got && got.start !== start) || bytes.byteLength !== end - start) throw badRange(url, start, end, bytes.byteLength, got);
      return bytes;
    },
  };
}

/** The server ignored the range: its answer is the whole file. */
async function downloaded(answer: Response, url: string, options: FetchOptions, call: CallOptions): Promise<ByteSource> {
  if (options.onRangeIgnored === 'error') {
    await answer.body?.cancel();
    throw new NcfError('range-unsupported', `${url}: the server does not answer range requests`, { source: url, status: 200 });
  }
  return { ...bytesSource(await bodyOf(answer, options.maxDownloadBytes ?? MAX_DOWNLOAD, url, call)), name: url };
}

async function emptyOrBroken(answer: Response, url: string): Promise<ByteSource> {
  await answer.body?.cancel();
  const total = /^bytes \*\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')?.[1];
  if (total === undefined || total === '0') return { ...bytesSource(new Uint8Array()), name: url };
  throw new NcfError('range-unsupported', `${url}: the server refuses the first bytes of a file of ${total}`, { source: url, status: 416 });
}

interface ContentRange {
  start: number;
  total: number | undefined;
}

function contentRange(answer: Response): ContentRange | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers.get('content-range') ?? '');
  if (!match) return undefined;
  return { start: Number(match[1]), total: match[2] === '*' ? undefined : Number(match[2]) };
}

/** What changes when the file does. */
function versionOf(answer: Response): string | undefined {
  return answer.headers.get('etag') ?? answer.headers.get('last-modified') ?? undefined;
}

function changed(url: string, status: number): NcfError {
  return new NcfError('source-changed', `${url} changed while it was being read; open it again`, { source: url, status });
}

function badRange(url: string, start: number, end: number, got: number, range: ContentRange | undefined): NcfError {
  const what = range && range.start !== start ? `bytes from ${range.start}` : `${got} bytes`;
  return new NcfError('range-unsupported', `${url}: asked for bytes ${start} to ${end}, the server gave ${what}`, { source: url, status: 206 });
}

function httpFailure(answer: Response, url: string): NcfError {
  void answer.body?.cancel();
  return new NcfError('source', `${url}: the server answered ${answer.status} ${answer.statusText}`.trimEnd(), { source: url, status: answer.status });
}

/** The body, which must not be longer than `limit`. */
async function bodyOf(answer: Response, limit: number, url: string, { signal, onProgress }: CallOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  // With a content coding this is not the size of what comes; then the total is not known.
  const stated = answer.headers.has('content-encoding') ? 0 : Number(answer.headers.get('content-length') ?? 0);
  let size = 0;
  const reader = answer.body?.getReader();
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      size += part.value.byteLength;
      if (size > limit) {
        await reader?.cancel();
        throw new NcfError('limit-exceeded', `${url}: more than ${limit} bytes came`, { source: url, status: answer.status });
      }
      parts.push(part.value);
      onProgress?.({ phase: 'fetch', loaded: size, total: Math.max(stated, size) });
      signal?.throwIfAborted();
    }
  } catch (cause) {
    if (cause instanceof NcfError) throw cause;
    if (signal?.aborted) {
      await reader?.cancel().catch(() => undefined);
      signal.throwIfAborted();
    }
    throw new NcfError('source', `${url}: the answer broke off: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, source: url });
  }
  if (parts.length === 1 && parts[0]) return parts[0];
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

/** A byte range. */
export interface Range {
  start: number;
  end: number;
}

/** Merges ranges that are close to each other; the answer is sorted and covers all of them. */
export function coalesce(ranges: readonly Range[], gap: number, maxBytes: number): Range[] {
  const merged: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && range.start - last.end <= gap && Math.max(range.end, last.end) - last.start <= maxBytes) last.end = Math.max(last.end, range.end);
    else merged.push({ ...range });
  }
  return merged;
}

/** Keeps the last small reads, and makes them larger, so that neighbouring ones cost no request. */
export class ReadAhead {
  readonly #source: ByteSource;
  readonly #bytes: number;
  #windows: { start: number; bytes: Uint8Array }[] = [];

  constructor(source: ByteSource, bytes: number) {
    this.#source = source;
    this.#bytes = bytes;
  }

  /** At least the bytes `start` to `end`: some window that holds them. */
  async read(range: Range, signal?: AbortSignal): Promise<{ start: number; bytes: Uint8Array }> {
    const holds = (window: { start: number; bytes: Uint8Array }): boolean =>
      window.start <= range.start && range.end <= window.start + window.bytes.byteLength;
    const known = this.#windows.find(holds);
    if (known) return known;
    const end = Math.min(this.#source.byteLength, Math.max(range.end, range.start + this.#bytes));
    const window = { start: range.start, bytes: await this.#source.read(range.start, end, signal) };
    this.#windows = [window, ...this.#windows].slice(0, 8);
    return window;
  }
}
