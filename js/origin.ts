/** Files of version 2 that another file is made of: by adding rows, or by changing columns. */

import { TAIL_BYTES, type ByteSource } from './bytes.js';
import type { Core, Driver } from './core.js';
import { currentPlatform, writingEngine } from './engine.js';
import { NcfError } from './errors.js';
import { makeDriver, NcfFile, VERSION_2 } from './file.js';
import type { FileHandleLike, Sink } from './sink.js';
import { toSource, type NcfInput } from './source.js';
import type { CallOptions, FetchOptions, Limits } from './types.js';
import type { FileInfo } from './wasm-types.js';
import { makeWay } from './yield.js';

/** A file to go on from: whatever `open` takes, or an open file. */
export type NcfOrigin = NcfInput | NcfFile | FileHandleLike;

/** How the file is read that another one is made of. */
export interface OriginOptions extends CallOptions {
  /** What the file may cost. */
  limits?: Limits | undefined;
  /** How to reach a URL. */
  fetch?: FetchOptions | undefined;
}

/** Bytes that are copied at a time. */
const PIECE = 4 * 1024 * 1024;

/** The bytes of an origin; those of an open file stay open. */
export async function originSource(origin: NcfOrigin, options: OriginOptions): Promise<ByteSource> {
  if (origin instanceof NcfFile) {
    return { ...origin.source, close: () => undefined };
  }
  const own = await currentPlatform().openSource?.(origin);
  return own ?? toSource(origin as NcfInput, TAIL_BYTES, options.fetch ?? {}, options);
}

/** An open origin. */
export class Origin {
  readonly source: ByteSource;
  readonly core: Core;
  readonly info: FileInfo;
  readonly #driver: Driver;

  private constructor(source: ByteSource, driver: Driver, core: Core, info: FileInfo) {
    this.source = source;
    this.core = core;
    this.info = info;
    this.#driver = driver;
  }

  /**
   * Reads all that the end of the file says, into the module that writes. The source is closed where this fails.
   * @throws {NcfError} as `open`; `unsupported-feature` for other dialects than version 2
   */
  static async open(source: ByteSource, { limits, ...options }: OriginOptions): Promise<Origin> {
    try {
      await writingEngine().load();
      options.signal?.throwIfAborted();
      const driver = makeDriver(source, limits ? { limits } : {});
      const { session } = driver;
      const info = session.info(await driver.run(session.open(), options));
      const { dialect } = info;
      if (dialect !== VERSION_2) throw new NcfError('unsupported-feature', `not supported: changing a file of ${dialect} in place; convert it to ncf-2 first`);
      return new Origin(source, driver, await driver.run(session.prepareVerifier(), options), info);
    } catch (error) {
      await source.close?.();
      throw error;
    }
  }

  /** What `body` answers once the reader holds the bytes that it asks for. */
  async answer<T>(body: (core: Core) => T & { needs?: Float64Array }, options: CallOptions): Promise<T> {
    return this.#driver.run(this.#driver.session.answer<T>(this.core, () => body(this.core)), options);
  }

  /** Lets go of a handle of the core's instance, unless that was lost. */
  free(handle: { free(): void } | undefined): void {
    if (this.#driver.session.isLive(this.core)) handle?.free();
  }

  /** Copies bytes to a sink, which may do with them what it likes. */
  async copy(start: number, end: number, sink: Sink, signal: AbortSignal | undefined): Promise<void> {
    for (let at = start; at < end; at += PIECE) {
      await makeWay(signal);
      const bytes = await this.source.read(at, Math.min(at + PIECE, end), signal);
      await sink.write(new Uint8Array(bytes));
    }
  }

  /** Lets go of wasm memory and of the source. */
  async close(): Promise<void> {
    this.#driver.session.release();
    await this.source.close?.();
  }
}
