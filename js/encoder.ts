/** The writers of the core, with what they need to be driven safely: buffers in, bytes out. */

import type { Core } from './core.js';
import { load, type Engine, type Instance } from './engine.js';
import { invalid, NcfError } from './errors.js';
import { isMovable, passing } from './memory.js';
import type { NeuralTasks } from './neural-tasks.js';
import type { CallOptions, Schema, WritableDialect } from './types.js';
import type { ColumnBuffers, FieldSetup, Finished, WriterSetup } from './wasm-types.js';
import { checkWorkers } from './workers/pool.js';

/** How to write, whatever the form of the input. */
export interface EncodingOptions extends CallOptions {
  /** Name of the table. */
  tableName?: string | undefined;
  /**
   * Codec; default `zstd`. `rust-2.0` knows no other. `neural` (version 2) is for archives: models that learn while they
   * encode, tried for every chunk and kept where they make it smaller, at about a second per megabyte of table, and as
   * much for everybody who reads it. The hint `compressionModel: 'neural'` asks for it for one column. Readers load
   * `neural.wasm` where a chunk needs it; in a browser, `await init({ neural: true })` first for the synchronous calls.
   */
  compression?: 'none' | 'zstd' | 'neural' | undefined;
  /**
   * Level: of zstd 1 to 22, default 3; of `neural` 1 to 3, default 2. From 5 on zstd is `thorough.wasm`; in a browser,
   * `await init({ thorough: true })` first for the synchronous calls.
   */
  level?: number | undefined;
  /** Time to store as that of creation, where the dialect has one; default 1970, which version 2 does not state: same input, same bytes. */
  created?: Date | undefined;
  /** Time to store as that of the last change; default `created`. */
  modified?: Date | undefined;
  /** Version 2: rows of a row group, 1 to 2^24; default 131,072. Readers fetch and decode whole row groups of a column. */
  rowGroupRows?: number | undefined;
  /**
   * Version 2: for which columns the file states smallest and largest values, which are values of the table: `all`,
   * `none`, or those that are not marked as personal data by `containsPii` or a semantic type `pii_...` (the default).
   */
  bounds?: 'all' | 'no-pii' | 'none' | undefined;
  /**
   * Version 2: whether columns may be predicted from others, where that saves at least 3 %; default true. Whoever reads
   * such a column fetches and decodes those, too; `NcfFile.layout` tells which. The hint `compressionModel` of a column can be
   * `independent` or `cross:NAME,NAME`.
   */
  crossColumn?: boolean | undefined;
  /** The user's own data about the table: null, booleans, numbers, bigints, text, bytes, arrays, objects. Key `metadata` of the schema. */
  metadata?: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown> | undefined;
  /**
   * Workers that encode at the same time. `write` gives them row groups (version 2; each a copy of its part of the table), and
   * columns of the first one, where it has 65,536 rows or more; neural chunks are shared out column by
   * column, with up to some 60 MB for each worker. Default `auto`: as many as there are processors, at most 8, where that
   * pays, which a first call seldom does, as workers would have to start; 0, and wherever workers cannot be had: the calling
   * thread, which makes way for others in between. The bytes are the same. `signal` ends workers at once, and the calling
   * thread after the row group or chunk under way.
   */
  workers?: number | 'auto' | undefined;
  /** Schema of another file: name, groups, hints, metadata and unknown keys are taken over, those of columns by name. */
  schema?: Schema | undefined;
}

/** Options with a dialect, as the core takes them. */
export interface DialectOptions extends EncodingOptions {
  dialect?: WritableDialect | undefined;
  lossy?: boolean | undefined;
}

function seconds(date: Date | undefined, name: string): number | undefined {
  if (date === undefined) return undefined;
  const value = Math.floor(date.getTime() / 1000);
  if (Number.isNaN(value) || value < 0) throw invalid(name, 'is no time since 1970');
  return value;
}

/** The dialect that is written where none is given. */
export const DEFAULT_DIALECT = 'ncf-2';

/** The options as the core takes them. */
export function writerSetup(options: DialectOptions): WriterSetup {
  const { schema } = options;
  return {
    dialect: String(options.dialect ?? DEFAULT_DIALECT),
    compression: options.compression,
    level: options.level,
    created: seconds(options.created, 'created'),
    modified: seconds(options.modified, 'modified'),
    lossy: options.lossy,
    rowGroupRows: options.rowGroupRows,
    bounds: options.bounds,
    crossColumn: options.crossColumn,
    tableName: options.tableName ?? schema?.tableName,
    schemaVersion: schema?.version,
    createdAt: schema?.createdAt,
    modifiedAt: schema?.modifiedAt,
    enableLearnedIndexes: schema?.enableLearnedIndexes,
    columnGroups: schema?.columnGroups,
    extra: withMetadata(schema?.extra, options.metadata),
  };
}

/** Unknown keys of a schema with other user metadata. */
export function withMetadata(extra: Schema['extra'] = {}, metadata: EncodingOptions['metadata']): Schema['extra'] {
  if (metadata === undefined) return extra;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) throw invalid('metadata', 'is no object');
  const entries: (readonly [unknown, unknown])[] = extra instanceof Map ? [...(extra as ReadonlyMap<unknown, unknown>)] : Object.entries(extra);
  return new Map([...entries.filter(([key]) => key !== 'metadata'), ['metadata', metadata]]);
}

/** Whether an encoder with these options, or of these columns, needs the neural codec. */
function needsNeural({ compression, schema }: EncodingOptions, columns: Iterable<{ compressionModel?: string | undefined }>): boolean {
  return compression === 'neural' || [...(schema?.columns ?? []), ...columns].some((column) => column.compressionModel === 'neural');
}

/** The first level of zstd that is not in the writing module. */
const FIRST_THOROUGH_LEVEL = 5;

/** Loads the thorough levels of zstd, if an encoder with these options needs them. */
export async function prepareLevel({ compression = 'zstd', level = 0 }: EncodingOptions): Promise<void> {
  if (compression === 'zstd' && level >= FIRST_THOROUGH_LEVEL) await load('thorough');
}

/**
 * Loads what an encoder needs beside the writing module; what is not loaded by then is loaded at once, where that can be done.
 * @returns who encodes neural chunks, where there can be any
 */
export async function prepare(options: EncodingOptions, columns: Iterable<{ compressionModel?: string | undefined }> = []): Promise<NeuralTasks | undefined> {
  const { workers = 'auto' } = options;
  checkWorkers(workers);
  await prepareLevel(options);
  if (!needsNeural(options, columns)) return undefined;
  const [loaded] = await Promise.all([import('./neural-tasks.js'), load('neural')]);
  return new loaded.NeuralTasks(workers);
}

/** The writing parts of an instance. */
export type WritingInstance = Required<Instance>;

/** The current instance of the writing module. */
export function writingInstance(engine: Engine): WritingInstance {
  const { instance } = engine;
  if (!instance.TableWriter) throw invalid('engine', 'the reading module cannot write');
  return instance as WritingInstance;
}

/** A wasm handle that knows whether it may still be used. */
abstract class Handle<T extends { free(): void }> {
  readonly #engine: Engine;
  readonly #instance: WritingInstance;
  #handle: T | undefined;

  constructor(engine: Engine, instance: WritingInstance, make: () => T) {
    this.#engine = engine;
    this.#instance = instance;
    this.#handle = engine.call(instance, make);
  }

  /** Whether calls can still succeed: not after a trap, nor after the end. */
  get isUsable(): boolean {
    return this.#handle !== undefined && !this.#engine.isDiscarded(this.#instance);
  }

  protected call<R>(body: (handle: T) => R): R {
    const handle = this.#handle;
    if (!handle) throw new NcfError('closed', 'the writer has finished');
    if (!this.isUsable) throw new NcfError('closed', 'the writer was lost with its WebAssembly instance');
    return this.#engine.call(this.#instance, () => body(handle));
  }

  /** The last call, which uses the handle up. */
  protected last<R>(body: (handle: T) => R): R {
    try {
      return this.call(body);
    } finally {
      this.#handle = undefined;
    }
  }

  /** Lets go of wasm memory. Safe to call twice. */
  free(): void {
    if (this.isUsable) this.#handle?.free();
    this.#handle = undefined;
  }
}

type FullReader = Parameters<WritingInstance['StreamWriter']['append']>[0];

/** The reader of a core that lives in the writing module, which has a class of its own for it. */
export function fullReader({ reader }: { readonly reader: object }): FullReader {
  return reader as FullReader;
}

type StreamHandle = InstanceType<WritingInstance['StreamWriter']>;

/** Hears of neural chunks while a row group is encoded: rows so far, which count those of that row group by its chunks. */
export type OnChunk = (rows: number, column: string) => void;

/**
 * Encodes one table of version 2 from batches of rows. Neural chunks are encoded by the calls themselves; or by
 * `NeuralTasks`: then a call can leave a row group suspended, which `settleChunks` completes.
 */
export class StreamEncoder extends Handle<StreamHandle> {
  readonly #tasks: NeuralTasks | undefined;
  /** Rows of the file that is continued. */
  readonly #before: number;
  #isSuspended = false;

  private constructor(engine: Engine, instance: WritingInstance, make: () => StreamHandle, tasks: NeuralTasks | undefined) {
    super(engine, instance, make);
    this.#tasks = tasks;
    this.#before = this.call((writer) => writer.encodedRows);
  }

  /** For a new file with these columns. */
  static create(engine: Engine, setup: WriterSetup, fields: readonly FieldSetup[], tasks?: NeuralTasks): StreamEncoder {
    const instance = writingInstance(engine);
    return new StreamEncoder(engine, instance, () => new instance.StreamWriter(setup, [...fields]), tasks);
  }

  /** For more row groups of an open file, whose verifier was prepared. */
  static append(engine: Engine, core: Core, setup: WriterSetup, tasks?: NeuralTasks): StreamEncoder {
    const instance = core.instance as WritingInstance;
    return new StreamEncoder(engine, instance, () => instance.StreamWriter.append(fullReader(core), setup), tasks);
  }

  /** How far it is, once it has taken so many rows: rows that only wait for their row group count unless that takes time. */
  progress(taken: number): number {
    return this.#tasks ? this.#encodedRows : taken;
  }

  get #encodedRows(): number {
    return this.call((writer) => writer.encodedRows) - this.#before;
  }

  /** Where the output that was not taken yet begins in the file. */
  get start(): number {
    return this.call((writer) => writer.start);
  }

  /** Adds rows, `first` being the number of the first of them in errors; nothing is taken if it throws. */
  push(columns: readonly ColumnBuffers[], first: number): void {
    this.#run((writer) => writer.push([...columns], first));
  }

  /** Rows of a first row group from which on threads can share the search for its models. */
  static sharedFrom(engine: Engine): number {
    const { StreamWriter } = writingInstance(engine);
    return engine.call(engine.instance, () => StreamWriter.sharedFrom());
  }

  /**
   * Holds the next row group, `first` as for `push`, until `addRowGroup` brings its chunks or `resume` encodes it: nothing
   * else can be pushed meanwhile.
   *
   * Several encoders of the same columns can hold it, in several threads: they survey columns, that of the file plans which
   * models to try, they attempt these, it settles on some, and all encode columns by them. What they give for all columns
   * can stand behind each other in any order.
   */
  hold(columns: readonly ColumnBuffers[], first: number): void {
    this.call((writer) => { writer.hold([...columns], first); });
  }

  /** Encodes the row group that it holds, and settles the models before, unless they are. */
  resume(): void {
    this.#run((writer) => writer.resume());
  }

  /** Looks for models of a column. */
  survey(column: number): Uint8Array<ArrayBuffer> {
    return this.call((writer) => writer.survey(column)) as Uint8Array<ArrayBuffer>;
  }

  /** Chooses the models to try, by surveys of all columns. */
  plan(surveys: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.call((writer) => writer.plan(surveys)) as Uint8Array<ArrayBuffer>;
  }

  /** Tries the models of a column. */
  attempt(plan: Uint8Array, column: number): Uint8Array<ArrayBuffer> {
    return this.call((writer) => writer.attempt(plan, column)) as Uint8Array<ArrayBuffer>;
  }

  /** Takes the models that were of use in attempts of all columns. */
  settle(tried: Uint8Array): void {
    this.call((writer) => { writer.settle(tried); });
  }

  /** The settled models, for other encoders of the same columns; `undefined` while there are none. */
  models(): Uint8Array | undefined {
    return this.call((writer) => writer.models());
  }

  /** Takes over the models of another encoder. */
  follow(models: Uint8Array): void {
    this.call((writer) => { writer.follow(models); });
  }

  /** Encodes a column by the settled models. */
  encodeColumn(column: number): Uint8Array<ArrayBuffer> {
    return this.call((writer) => writer.encodeColumn(column)) as Uint8Array<ArrayBuffer>;
  }

  /** Adds the row group of these chunks of all columns: that which it holds, or else the next one. */
  addRowGroup(chunks: Uint8Array): void {
    this.call((writer) => { writer.addRowGroup(chunks); });
  }

  /** Encodes rows that do not fill a row group: the last ones, where there are `NeuralTasks`. */
  flush(): void {
    this.#run((writer) => writer.flush());
  }

  /**
   * Encodes what the last call left suspended.
   * @throws {NcfError} as that call; `closed` where the encoder is freed meanwhile; the reason of the signal
   */
  async settleChunks(signal: AbortSignal | undefined, onChunk: OnChunk): Promise<void> {
    while (this.#isSuspended) {
      const [start, rows] = this.call((writer) => [writer.encodedRows - this.#before, writer.suspendedRows]);
      await this.#tasks?.run(signal, (part, column) => { onChunk(start + Math.floor(part * rows), column); });
      this.resume();
    }
  }

  #run(body: (writer: StreamHandle) => boolean): void {
    this.#isSuspended = this.call((writer) => (this.#tasks ? this.#tasks.attempt(() => body(writer)) : body(writer)));
  }

  override free(): void {
    super.free();
    this.#tasks?.stop(new NcfError('closed', 'the writer was aborted'));
  }

  /** The bytes that are ready. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#moveOutput((size) => new Uint8Array(size));
  }

  /** The same for `join`, in memory that no collection waits for. */
  takePart(): Uint8Array {
    return this.#moveOutput(passing);
  }

  #moveOutput<T extends Uint8Array>(make: (byteLength: number) => T): T {
    return this.call((writer) => {
      const bytes = make(writer.outputSize);
      writer.moveOutput(bytes);
      return bytes;
    });
  }

  /** The rest of the file. */
  finish(): Finished {
    return this.last((writer) => writer.finish() as Finished);
  }
}

/** Encodes one table of a legacy dialect from whole columns. */
export class LegacyEncoder extends Handle<InstanceType<WritingInstance['TableWriter']>> {
  /** For a new file. */
  static create(engine: Engine, setup: WriterSetup): LegacyEncoder {
    const instance = writingInstance(engine);
    return new LegacyEncoder(engine, instance, () => new instance.TableWriter(setup));
  }

  /** Adds a column. */
  add(field: FieldSetup, buffers: ColumnBuffers): void {
    this.call((writer) => {
      writer.add(field, buffers);
    });
  }

  /** The file. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.last((writer) => writer.finish()) as Uint8Array<ArrayBuffer>;
  }
}

/** Parts as one array. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [first] = parts;
  if (parts.length === 1 && first && isMovable(first.buffer)) return first as Uint8Array<ArrayBuffer>;
  return put(parts, new Uint8Array(sizeOf(parts)));
}

/** The same in this memory, if there is enough. */
export function joinIn(room: Uint8Array | undefined, parts: readonly Uint8Array[]): Uint8Array {
  const size = sizeOf(parts);
  return room && size <= room.byteLength ? put(parts, room.subarray(0, size)) : join(parts);
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}

/** Puts parts one behind the other. */
function put<T extends Uint8Array>(parts: readonly Uint8Array[], all: T): T {
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}
