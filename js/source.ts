/** What `open` takes, as a `ByteSource`. */

import { bytesSource, type ByteSource } from './bytes.js';
import { invalid, NcfError } from './errors.js';
import { bodyOf, httpFailure, MAX_DOWNLOAD, openUrl } from './http.js';
import type { CallOptions, FetchOptions } from './types.js';

/** Anything with a size that gives slices: a `Blob` is not one, hyparquet's buffers are. */
export interface AsyncBuffer {
  /** Size in bytes. */
  readonly byteLength: number;
  /** The bytes `start` to `end`. */
  slice(start: number, end?: number): ArrayBuffer | Uint8Array | Promise<ArrayBuffer | Uint8Array>;
}

/** What `open` takes. A string is a URL; in Node, one without `scheme:` is a path. */
export type NcfInput = ArrayBuffer | SharedArrayBuffer | ArrayBufferView | Blob | Response | ReadableStream<Uint8Array> | AsyncBuffer | URL | string;

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

/** Turns what `open` takes into a source; a URL is asked for its last `tailBytes`. */
export async function toSource(input: NcfInput, tailBytes: number, options: FetchOptions, call: CallOptions): Promise<ByteSource> {
  if (typeof input === 'string' || input instanceof URL) return openUrl(String(input), tailBytes, options, call);
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
