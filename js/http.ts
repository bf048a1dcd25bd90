/**
 * URLs as sources. The first request is a range from the end: it tells the size and brings what opening needs. Never
 * `HEAD`, which signed addresses refuse. An answer that is not what was asked for is an error with a code, never
 * silently taken for the bytes.
 */

import { bytesSource, type ByteSource, type Piece, type Range } from './bytes.js';
import { NcfError } from './errors.js';
import type { CallOptions, FetchOptions } from './types.js';

/** Most that is downloaded, unless the caller says otherwise. */
export const MAX_DOWNLOAD = 256 * 1024 * 1024;

/** Statuses of servers that do not know ranges from the end, though they may know others. */
const REFUSES_SUFFIX = [400, 416, 501];

/** Where a larger file answers such a range, another kind of range is worth a try before all of it is downloaded. */
const SMALL_DOWNLOAD = 1024 * 1024;

/** The last bytes of a file, however long it is. */
interface Suffix {
  last: number;
}

/** Opens an address: `tailBytes` are asked for first. */
export async function openUrl(url: string, tailBytes: number, options: FetchOptions, call: CallOptions): Promise<ByteSource> {
  const remote = new Remote(url, options);
  const size = Math.max(1, tailBytes);
  const start = { start: 0, end: size };
  // Browsers ask a server of another origin for permission before they send such a range, and few servers give it.
  if (isOtherOrigin(url)) return remote.open(start, call);
  const answer = await remote.request({ last: size }, call.signal);
  const isLarge = Number(answer.headers.get('content-length') ?? 0) > SMALL_DOWNLOAD;
  const isIgnored = answer.status === 200 && (isLarge || options.onRangeIgnored === 'error');
  if (!isIgnored && !REFUSES_SUFFIX.includes(answer.status)) return remote.opened(answer, { last: size }, call);
  await answer.body?.cancel();
  const total = answer.status === 416 ? (unsatisfied(answer) ?? options.byteLength) : options.byteLength;
  if (total === 0) return remote.whole(new Uint8Array());
  return remote.open(total === undefined ? start : { start: Math.max(0, total - size), end: total }, call);
}

/** Whether a page asks a server that is not its own. */
function isOtherOrigin(url: string): boolean {
  const page = (globalThis as { location?: Location }).location;
  if (!page) return false;
  try {
    return new URL(url, page.href).origin !== page.origin;
  } catch {
    return false;
  }
}

/** One address, and what its answers must agree on. */
class Remote {
  readonly #url: string;
  readonly #options: FetchOptions;
  #byteLength: number | undefined;
  /** What changes when the file does. */
  #version: string | undefined;

  constructor(url: string, options: FetchOptions) {
    this.#url = url;
    this.#options = options;
  }

  async request(range: Range | Suffix, signal?: AbortSignal): Promise<Response> {
    const headers = new Headers(this.#options.requestInit?.headers);
    headers.set('Range', 'last' in range ? `bytes=-${range.last}` : `bytes=${range.start}-${range.end - 1}`);
    const init: RequestInit = { ...this.#options.requestInit, headers };
    if (signal) init.signal = signal;
    try {
      return await (this.#options.fetch ?? globalThis.fetch)(this.#url, init);
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#failure('source', `could not be fetched: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }

  /** A source that starts with a range, from the start or to a known end. */
  async open(range: Range, call: CallOptions): Promise<ByteSource> {
    return this.opened(await this.request(range, call.signal), range, call);
  }

  /** A source, from the first answer. */
  async opened(answer: Response, asked: Range | Suffix, call: CallOptions): Promise<ByteSource> {
    if (answer.status === 200) return this.#downloaded(answer, call);
    if (answer.status === 416) {
      await answer.body?.cancel();
      const total = unsatisfied(answer);
      if (total === undefined || total === 0) return this.whole(new Uint8Array());
      throw this.#failure('range-unsupported', `the server refuses ranges of a file of ${total} bytes`, { status: 416 });
    }
    if (answer.status !== 206) throw httpFailure(answer, this.#url);

    const isSuffix = 'last' in asked;
    const size = isSuffix ? asked.last : asked.end - asked.start;
    const stated = contentRange(answer);
    const bytes = await bodyOf(answer, size, this.#url, call);
    // Less than was asked for is all there is.
    const isAll = bytes.byteLength < size && (isSuffix || asked.start === 0);
    const byteLength = stated?.total ?? (isSuffix ? stated?.end : undefined) ?? this.#options.byteLength ?? (isAll ? bytes.byteLength : undefined);
    if (byteLength === undefined) {
      const advice = 'let the server expose Content-Range (Access-Control-Expose-Headers), or pass fetch.byteLength';
      throw this.#failure('range-unsupported', `the answer does not tell the size of the file; ${advice}`, { status: 206 });
    }
    const start = isSuffix ? Math.max(0, byteLength - size) : asked.start;
    this.#check(bytes, { start, end: Math.min(start + size, byteLength) }, stated);
    if (bytes.byteLength === byteLength) return this.whole(bytes);
    this.#byteLength = byteLength;
    this.#version = versionOf(answer);
    return this.#partial(byteLength, { start, bytes });
  }

  /** A source whose bytes are all here. */
  whole(bytes: Uint8Array): ByteSource {
    return { ...bytesSource(bytes), name: this.#url };
  }

  #partial(byteLength: number, known: Piece): ByteSource {
    return {
      byteLength,
      name: this.#url,
      inMemory: false,
      latency: 'remote',
      known,
      read: (start, end, signal) => this.#read({ start, end }, signal ? { signal } : {}),
    };
  }

  /** The server ignored the range: its answer is the whole file. */
  async #downloaded(answer: Response, call: CallOptions): Promise<ByteSource> {
    if (this.#options.onRangeIgnored === 'error') {
      await answer.body?.cancel();
      throw this.#failure('range-unsupported', 'the server does not answer range requests', { status: 200 });
    }
    return this.whole(await bodyOf(answer, this.#options.maxDownloadBytes ?? MAX_DOWNLOAD, this.#url, call));
  }

  async #read(range: Range, call: CallOptions): Promise<Uint8Array> {
    const answer = await this.request(range, call.signal);
    if (answer.status === 416 || answer.status === 412) throw this.#changed(answer.status);
    if (answer.status === 200) {
      await answer.body?.cancel();
      throw this.#failure('range-unsupported', 'the server answered the whole file to a range request', { status: 200 });
    }
    if (answer.status !== 206) throw httpFailure(answer, this.#url);
    const stated = contentRange(answer);
    const version = versionOf(answer);
    if ((stated?.total !== undefined && stated.total !== this.#byteLength) || (version && this.#version && version !== this.#version)) {
      await answer.body?.cancel();
      throw this.#changed(206);
    }
    const bytes = await bodyOf(answer, range.end - range.start, this.#url, call);
    this.#check(bytes, range, stated);
    return bytes;
  }

  /** Checks that an answer is what was asked for. */
  #check(bytes: Uint8Array, { start, end }: Range, stated: ContentRange | undefined): void {
    if (bytes.byteLength === end - start && (stated === undefined || stated.start === start)) return;
    const what = stated && stated.start !== start ? `bytes from ${stated.start}` : `${bytes.byteLength} bytes`;
    throw this.#failure('range-unsupported', `asked for bytes ${start} to ${end}, the server gave ${what}`, { status: 206 });
  }

  #changed(status: number): NcfError {
    return this.#failure('source-changed', 'the file changed while it was being read; open it again', { status });
  }

  #failure(code: 'source' | 'source-changed' | 'range-unsupported', why: string, details: { status?: number; cause?: unknown }): NcfError {
    return new NcfError(code, `${this.#url}: ${why}`, { source: this.#url, ...details });
  }
}

/** What a `Content-Range` says; half-open. */
interface ContentRange extends Range {
  total: number | undefined;
}

function contentRange(answer: Response): ContentRange | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers.get('content-range') ?? '');
  if (!match) return undefined;
  return { start: Number(match[1]), end: Number(match[2]) + 1, total: match[3] === '*' ? undefined : Number(match[3]) };
}

/** The size of the file, where a range was refused. */
function unsatisfied(answer: Response): number | undefined {
  const total = /^bytes \*\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}

function versionOf(answer: Response): string | undefined {
  return answer.headers.get('etag') ?? answer.headers.get('last-modified') ?? undefined;
}

/** What an answer that is no success becomes. */
export function httpFailure(answer: Response, url: string): NcfError {
  void answer.body?.cancel();
  return new NcfError('source', `${url}: the server answered ${answer.status} ${answer.statusText}`.trimEnd(), { source: url, status: answer.status });
}

/** The body, which must not be longer than `limit`. */
export async function bodyOf(answer: Response, limit: number, url: string, { signal, onProgress }: CallOptions): Promise<Uint8Array> {
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
