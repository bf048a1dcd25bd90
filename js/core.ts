/**
 * The reader's side of an open file. Whatever it does is a generator that asks for bytes and is given them, so that
 * one piece of code serves bytes in memory, at once, and all other sources, asynchronously.
 */

import { toRanges, type Piece, type Range } from './bytes.js';
import { legacyEngine, load, loadSync, type Engine, type Instance } from './engine.js';
import { NcfError } from './errors.js';
import { Fetcher, type ReadAhead } from './fetcher.js';
import type { CallOptions, ColumnSchema } from './types.js';
import type { CoreInfo, FieldSetup, FileInfo, OpenLimits } from './wasm-types.js';
import { makeWay, orAborted } from './yield.js';

/** The wasm object of an open file, and what it lives in. */
export interface Core {
  readonly instance: Instance;
  readonly reader: InstanceType<Instance['Reader']>;
}

/** What a generator stops for. */
export type Ask =
  /** Small ranges: pieces that hold them. */
  | { readonly kind: 'metadata'; readonly ranges: readonly Range[] }
  /** Ranges that will be asked for, the same objects: nothing. */
  | { readonly kind: 'plan'; readonly ranges: readonly Range[] }
  /** Ranges that were planned: a piece for each, in this order. */
  | { readonly kind: 'chunks'; readonly ranges: readonly Range[] }
  /** A module without which that file or its chunks cannot be read: nothing. */
  | { readonly kind: 'load'; readonly module: 'legacy' | 'neural' }
  /** Others may have their turn: nothing. */
  | { readonly kind: 'turn' }
  /** Something that others do: nothing, once it is done. Only calls that are not synchronous wait. */
  | { readonly kind: 'wait'; readonly done: Promise<unknown> };

/** A computation that stops to ask. After each stop the instance that it used may be gone. */
export type Steps<T> = Generator<Ask, T, Piece[]>;

/** A column of which the core says only what is not usual; one literal, which is fast for thousands of columns. */
function completed(column: FieldSetup): ColumnSchema {
  return {
    name: column.name,
    type: column.type,
    nullable: column.nullable ?? true,
    semanticType: column.semanticType ?? 'unknown',
    description: column.description,
    statistics: column.statistics ?? null,
    compressionModel: column.compressionModel,
    useDictionary: column.useDictionary ?? false,
    createLearnedIndex: column.createLearnedIndex ?? false,
    indexModelType: column.indexModelType,
    containsPii: column.containsPii ?? false,
    typicalQueryPatterns: column.typicalQueryPatterns ?? [],
    columnGroup: column.columnGroup,
    utc: column.utc,
    precision: column.precision,
    scale: column.scale,
    extra: column.extra ?? {},
  };
}

/** Runs the reader's steps, and opens the file again where a trap took its instance. */
export class Session {
  readonly byteLength: number;
  readonly limits: OpenLimits;
  #engine: Engine;
  #core: Core | undefined;
  #isClosed = false;

  constructor(engine: Engine, byteLength: number, limits: OpenLimits) {
    this.byteLength = byteLength;
    this.limits = limits;
    this.#engine = engine;
  }

  /** Whose instance reads the file: another one than at first, once it turned out to be of version 1. */
  get engine(): Engine {
    return this.#engine;
  }

  /** Whether calls are refused. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Refuses calls to a closed file.
   * @throws {NcfError} `closed`
   */
  checkOpen(): void {
    if (this.#isClosed) throw new NcfError('closed', 'the file was closed');
  }

  /** Whether handles of a core may still be used. */
  isLive(core: Core | undefined): core is Core {
    return core !== undefined && !this.engine.isDiscarded(core.instance);
  }

  /** Calls into the core's instance. */
  call<T>({ instance }: Core, body: (instance: Instance) => T): T {
    return this.engine.call(instance, body);
  }

  /** The open reader. */
  *open(): Steps<Core> {
    while (!this.isLive(this.#core)) {
      this.checkOpen();
      const { instance } = this.engine;
      const core: Core = { instance, reader: this.engine.call(instance, () => new instance.Reader(this.byteLength, this.limits)) };
      let state: 'lost' | 'legacy' | 'open' = 'lost';
      try {
        if (yield* this.#complete(core, () => core.reader.open())) state = core.reader.isOpen ? 'open' : 'legacy';
      } finally {
        // Another call may have opened it meanwhile.
        if (state === 'open' && !this.isLive(this.#core)) this.#core = core;
        else this.#free(core);
      }
      if (state === 'legacy') {
        yield { kind: 'load', module: 'legacy' };
        this.#engine = legacyEngine();
      }
    }
    return this.#core;
  }

  /** What an open reader knows of its file. */
  info(core: Core): FileInfo {
    const info = this.call(core, () => core.reader.info() as CoreInfo);
    return { ...info, schema: { ...info.schema, columns: info.schema.columns.map(completed) } };
  }

  /** The open reader, once it knows where these columns lie. */
  *locate(columns: Uint32Array): Steps<Core> {
    return yield* this.#with((core) => core.reader.locate(columns));
  }

  /** The open reader, once it has a verifier. */
  *prepareVerifier(): Steps<Core> {
    return yield* this.#with((core) => core.reader.prepareVerifier());
  }

  /**
   * What `body` answers once the reader holds the bytes that it asks for by `needs`.
   * @throws {NcfError} `internal` where a trap took the reader meanwhile
   */
  *answer<T>(core: Core, body: () => T & { needs?: Float64Array }): Steps<T> {
    let answer: (T & { needs?: Float64Array }) | undefined;
    const isDone = yield* this.#complete(core, () => {
      answer = body();
      return answer.needs;
    });
    if (!isDone || answer === undefined) throw new NcfError('internal', 'another call lost the module that this one was using; try again');
    return answer;
  }

  /** Lets later calls fail. */
  close(): void {
    this.#isClosed = true;
  }

  /** Lets go of wasm memory. */
  release(): void {
    if (this.#core) this.#free(this.#core);
    this.#core = undefined;
  }

  *#with(step: (core: Core) => Float64Array | undefined): Steps<Core> {
    for (;;) {
      const core = yield* this.open();
      if (yield* this.#complete(core, () => step(core))) return core;
    }
  }

  /** Runs a step of the reader until it needs nothing more; false where the instance was lost. */
  *#complete(core: Core, step: () => Float64Array | undefined): Steps<boolean> {
    for (let needs = this.call(core, step); needs; needs = this.call(core, step)) {
      const pieces = yield { kind: 'metadata', ranges: toRanges(needs) };
      if (!this.isLive(core)) return false;
      this.call(core, () => {
        for (const piece of pieces) core.reader.supply(piece.start, piece.bytes);
      });
    }
    this.call(core, () => {
      core.reader.release();
    });
    return true;
  }

  #free(core: Core): void {
    if (this.isLive(core)) core.reader.free();
  }
}

/** Answers what generators ask for, from a source. */
export class Driver {
  readonly session: Session;
  readonly readAhead: ReadAhead;

  constructor(session: Session, readAhead: ReadAhead) {
    this.session = session;
    this.readAhead = readAhead;
  }

  /** Runs to the end; lets others have their turn between steps, and looks at the signal. */
  async run<T>(steps: Steps<T>, options: CallOptions): Promise<T> {
    const { signal } = options;
    let fetcher: Fetcher | undefined;
    try {
      this.session.checkOpen();
      signal?.throwIfAborted();
      let next = steps.next();
      while (!next.done) {
        const ask = next.value;
        let pieces: Piece[] = [];
        if (ask.kind === 'metadata') {
          pieces = await this.readAhead.read(ask.ranges, signal);
        } else if (ask.kind === 'plan') {
          fetcher?.close();
          fetcher = new Fetcher(this.readAhead, ask.ranges, options);
        } else if (ask.kind === 'chunks') {
          const planned = fetcher;
          if (!planned) throw new NcfError('internal', 'nothing was planned');
          pieces = await Promise.all(ask.ranges.map(async (range) => ({ start: range.start, bytes: await planned.get(range) })));
        } else if (ask.kind === 'load') {
          await load(ask.module);
        }
        if (ask.kind === 'wait') await orAborted(ask.done, signal);
        await makeWay(signal);
        this.session.checkOpen();
        next = steps.next(pieces);
      }
      return next.value;
    } finally {
      fetcher?.close();
      steps.return(undefined as never);
    }
  }

  /**
   * Runs to the end at once.
   * @throws {NcfError} `invalid-argument` where what it asks for is not in memory
   */
  runSync<T>(steps: Steps<T>): T {
    try {
      let next = steps.next();
      while (!next.done) {
        const ask = next.value;
        let pieces: Piece[] = [];
        if (ask.kind === 'metadata') pieces = this.readAhead.readSync(ask.ranges);
        else if (ask.kind === 'chunks') pieces = ask.ranges.map((range) => this.readAhead.chunkSync(range));
        else if (ask.kind === 'load') loadSync(ask.module);
        next = steps.next(pieces);
      }
      return next.value;
    } finally {
      steps.return(undefined as never);
    }
  }
}
