/** Where the bytes of a writer go. */

import { currentPlatform } from './engine.js';
import { join, type StreamEncoder } from './encoder.js';
import { invalid, NcfError } from './errors.js';

/** Takes bytes one after the other. What it throws fails the writer. */
export interface ByteSink {
  /** Takes the next bytes, which are its own from then on; the writer waits for the promise. */
  write(bytes: Uint8Array<ArrayBuffer>): unknown;
  /** The file is complete. */
  close?(): unknown;
  /** The file will not become complete. */
  // The same parameter as that of a WritableStream: otherwise TypeScript cannot tell what it is in an object literal.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  abort?(reason?: any): unknown;
}

/** What an open file of `node:fs/promises` has, as far as it is needed here. */
export interface FileHandleLike {
  /** The descriptor. */
  readonly fd: number;
}

/**
 * Where a file is written to.
 * - `'bytes'`: memory; the result has them;
 * - a `WritableStream` (a `FileSystemWritableFileStream` is one), an object with `write`, a function: the bytes as they
 *   come, a row group at a time; the stream or object is closed at the end, and aborted where there is none;
 * - in Node a path or `file:` URL, which takes its new content at the end and keeps the old one if there is none
 *   (`'./bytes'` is a path); a `FileHandle`, which is written from its first byte, cut, and stays open; a `Writable`.
 */
export type NcfSink = 'bytes' | WritableStream<Uint8Array> | ByteSink | ((bytes: Uint8Array<ArrayBuffer>) => unknown) | FileHandleLike | URL | (string & {});

/** An open sink, every failure of which is an `NcfError`. */
export class Sink {
  readonly #sink: ByteSink;
  /** Bytes that it was given. */
  byteLength = 0;
  /** What was collected in memory. */
  readonly #parts: Uint8Array[] | undefined;

  constructor(sink: ByteSink, parts?: Uint8Array[]) {
    this.#sink = sink;
    this.#parts = parts;
  }

  /** Waits until the bytes are taken. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (bytes.byteLength === 0) return;
    // What it is given may be transferred away.
    const { byteLength } = bytes;
    await this.#call(() => this.#sink.write(bytes));
    this.byteLength += byteLength;
  }

  /** Waits until what an encoder has ready is taken. */
  async writeFrom(encoder: StreamEncoder): Promise<void> {
    if (!this.#parts) return this.write(encoder.take());
    const part = encoder.takePart();
    this.#parts.push(part);
    this.byteLength += part.byteLength;
  }

  /** Waits until the file is complete. */
  async close(): Promise<void> {
    await this.#call(() => this.#sink.close?.());
  }

  /** Gives up; a failure of that is not told, since there is one already. */
  async abort(reason: unknown): Promise<void> {
    await this.#call(() => this.#sink.abort?.(reason)).catch(() => undefined);
  }

  /** What was collected in memory. */
  bytes(): Uint8Array<ArrayBuffer> | undefined {
    return this.#parts && join(this.#parts);
  }

  async #call(body: () => unknown): Promise<void> {
    try {
      await body();
    } catch (cause) {
      if (cause instanceof NcfError) throw cause;
      throw new NcfError('sink', `could not write: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }
}

/**
 * Opens what was given as a sink.
 * @throws {NcfError} `invalid-argument`, `sink`
 */
export async function openSink(target: NcfSink): Promise<Sink> {
  if (target === 'bytes') {
    const parts: Uint8Array[] = [];
    return new Sink({ write: (bytes) => parts.push(bytes) }, parts);
  }
  if (target instanceof WritableStream) return new Sink(streamSink(target));
  if (typeof target === 'function') return new Sink({ write: target });
  const own = await currentPlatform().openSink?.(target);
  if (own) return new Sink(own);
  if (isByteSink(target)) return new Sink(target);
  throw invalid('sink', "is none of 'bytes', a WritableStream, a function, { write }, and in Node a path, a FileHandle or a Writable");
}

function streamSink(stream: WritableStream<Uint8Array>): ByteSink {
  if (stream.locked) throw invalid('sink', 'is a stream that another writer has locked');
  const writer = stream.getWriter();
  return {
    write: async (bytes) => {
      await writer.ready;
      await writer.write(bytes);
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  };
}

function isByteSink(target: unknown): target is ByteSink {
  return typeof target === 'object' && target !== null && typeof (target as Partial<ByteSink>).write === 'function';
}
