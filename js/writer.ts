/// <reference lib="esnext.disposable" preserve="true" />
/** Writing a table whose rows come in batches, with the memory of one row group and one batch. */

import { columnBuffers, countRows, firstBatch, isComplete, checkNames, Shape, tableOfRows, type ColumnDeclaration, type ColumnInput, type RowInput, type TableInput } from './columns.js';
import { DEFAULT_DIALECT, prepare, StreamEncoder, writerSetup, type EncodingOptions } from './encoder.js';
import { currentPlatform, writingEngine, type Engine } from './engine.js';
import { invalid, NcfError } from './errors.js';
import { InPlaceSink } from './in-place.js';
import { BufferPool, type BufferSupply } from './memory.js';
import type { NeuralTasks } from './neural-tasks.js';
import { Origin, originSource, type NcfOrigin, type OriginOptions } from './origin.js';
import { openSink, Sink, type NcfSink } from './sink.js';
import type { ColumnBuffers, WriterSetup } from './wasm-types.js';
import type { ColumnSchema } from './types.js';
import { makeWay } from './yield.js';

/** Rows of a batch that is put together of single rows. */
const BATCH_ROWS = 2 ** 14;

/** Rows of the batches whose buffers are kept for the next one. */
const MAX_POOLED_ROWS = 2 ** 18;

/** Options of `NcfWriter.open`. */
export interface WriterOptions extends EncodingOptions {
  /**
   * The columns. Where they, or types of them, are missing, the first batch tells: later values must be of the types,
   * zones and numbers of digits behind the point that it has.
   */
  columns?: readonly ColumnDeclaration[] | undefined;
  /** Only version 2 can be written in batches. */
  dialect?: 'ncf-2' | undefined;
}

/** What was written. */
export interface WriteResult {
  /** Size of the file. */
  readonly byteLength: number;
  /** Rows of the file. */
  readonly numRows: number;
  /** SHA-256 that vouches for the whole file, hexadecimal: that of `NcfFile.digest`, and for the option `integrity` of `open`. */
  readonly digest: string;
  /** The bytes, where they were collected in memory. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

/** Options of `NcfWriter.append`. */
export interface AppendOptions extends OriginOptions, Pick<EncodingOptions, 'compression' | 'level' | 'rowGroupRows' | 'bounds' | 'modified' | 'workers'> {
  /** What the sink gets: the whole new `file` (the default), or its `tail`, which replaces everything from byte `NcfWriter.start` on. */
  output?: 'file' | 'tail' | undefined;
}

/** Rows in any form, as the buffers of a shape; without a shape, as what tells it. */
interface Batch {
  convert(shape: Shape, buffers: BufferSupply): ColumnBuffers[];
  inputs(declared: readonly ColumnDeclaration[] | undefined): ColumnInput[];
}

function tableBatch(table: TableInput): Batch {
  return { convert: (shape, buffers) => shape.convert(table, buffers), inputs: (declared) => firstBatch(table, declared) };
}

function rowBatch(rows: readonly RowInput[]): Batch {
  return { convert: (shape, buffers) => shape.convertRows(rows, buffers), inputs: (declared) => firstBatch(tableOfRows(rows, declared), declared) };
}

/** What a writer writes with. */
export interface WriterParts {
  readonly engine: Engine;
  readonly setup: WriterSetup;
  readonly sink: Sink;
  readonly options: EncodingOptions;
  readonly declared: readonly ColumnDeclaration[] | undefined;
  readonly tasks: NeuralTasks | undefined;
  readonly encoder: StreamEncoder | undefined;
  readonly shape: Shape | undefined;
  readonly start: number;
}

/**
 * Writes one file of version 2 from batches of rows. Bytes go to the sink as soon as a row group is full.
 *
 * Calls are carried out one after the other; each waits for the sink. A batch that fails leaves nothing behind, and the
 * writer goes on; after a failure of the sink, or of the core, every call fails.
 */
export class NcfWriter implements AsyncDisposable {
  /** Byte of the file at which the output begins: 0, but for a writer that appends. */
  readonly start: number;
  readonly #engine: Engine;
  readonly #setup: WriterSetup;
  readonly #sink: Sink;
  readonly #options: EncodingOptions;
  readonly #declared: readonly ColumnDeclaration[] | undefined;
  readonly #tasks: NeuralTasks | undefined;
  readonly #known: ReadonlyMap<string, ColumnSchema>;
  readonly #onAbort: () => void;
  #encoder: StreamEncoder | undefined;
  #shape: Shape | undefined;
  #numRows = 0;
  /** Rows as they were last told. */
  #loaded = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #result: Promise<WriteResult> | undefined;
  #writable: WritableStream<TableInput> | undefined;
  /** Where values become buffers, which the encoder copies. */
  #buffers = new BufferPool();
  /** Why nothing can be written any more. */
  #end: NcfError | undefined;

  /** @internal */
  constructor({ engine, setup, sink, options, declared, tasks, encoder, shape, start }: WriterParts) {
    this.start = start;
    this.#engine = engine;
    this.#setup = setup;
    this.#sink = sink;
    this.#options = options;
    this.#declared = declared;
    this.#tasks = tasks;
    this.#known = new Map(options.schema?.columns.map((column) => [column.name, column]));
    this.#encoder = encoder;
    this.#shape = shape;
    this.#onAbort = () => void this.abort(options.signal?.reason);
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * A writer of a new file.
   * @throws {NcfError} `invalid-argument`, `unsupported-feature` for a dialect that is written as a whole, `sink`, `wasm-init`
   */
  static async open(sink: NcfSink, options: WriterOptions = {}): Promise<NcfWriter> {
    checkDialect(options.dialect);
    options.signal?.throwIfAborted();
    const engine = writingEngine();
    await engine.load();
    const { columns } = options;
    const tasks = await prepare(options, columns);
    const setup = writerSetup(options);
    if (columns) checkNames(columns);
    const known = new Map(options.schema?.columns.map((column) => [column.name, column]));
    const shape = columns && isComplete(columns) ? Shape.declared(columns, known) : undefined;
    // Bad options are found before anything happens to the sink.
    const encoder = StreamEncoder.create(engine, setup, shape?.fields ?? [], shape && tasks);
    if (!shape) encoder.free();
    try {
      options.signal?.throwIfAborted();
      const opened = await openSink(sink);
      return new NcfWriter({ engine, setup, sink: opened, options, declared: columns, tasks, encoder: shape && encoder, shape, start: 0 });
    } catch (error) {
      encoder.free();
      throw error;
    }
  }

  /**
   * A writer that adds row groups to a file of version 2. What is there stays as it is, but for its end, which is
   * written anew; only what is new is encoded and hashed. Columns and types must be those of the file.
   *
   * `'in-place'` (Node: a path or a `FileHandle` that can be written) puts new row groups behind the end of the file and
   * replaces its old end last, in one write; aborting, or a crash before that, leaves the old file with bytes behind it
   * that cutting it to its old size removes.
   * @throws {NcfError} `unsupported-feature` for a legacy file, which `convert` makes version 2 of; those of `open`, `sink`
   */
  static async append(origin: NcfOrigin, sink: NcfSink | 'in-place', options: AppendOptions = {}): Promise<NcfWriter> {
    options.signal?.throwIfAborted();
    const engine = writingEngine();
    const target = sink === 'in-place' ? await inPlace(origin) : undefined;
    const file = await Origin.open(target?.file.source ?? (await originSource(origin, options)), options).catch(async (error: unknown) => {
      await target?.file.close();
      throw error;
    });
    let encoder: StreamEncoder | undefined;
    let output: Sink | undefined = target && new Sink(target);
    try {
      const { columns, defaultCompression } = file.info.schema;
      const tasks = await prepare(options, columns);
      const compression = options.compression ?? (defaultCompression === 'none' ? 'none' : undefined);
      const setup = writerSetup({ ...options, compression });
      encoder = StreamEncoder.append(engine, file.core, setup, tasks);
      const { start } = encoder;
      target?.begin(start);
      output ??= await openSink(sink);
      if (!target && options.output !== 'tail') await file.copy(0, start, output, options.signal);
      return new NcfWriter({ engine, setup, sink: output, options, declared: undefined, tasks, encoder, shape: Shape.ofFile(columns), start });
    } catch (error) {
      encoder?.free();
      await output?.abort(error);
      throw error;
    } finally {
      await file.close();
    }
  }

  /** Rows that were taken so far. */
  get numRows(): number {
    return this.#numRows;
  }

  /**
   * Adds rows. Columns can be in any order, but all must be there. The values must not be changed before this resolves.
   * @throws {NcfError} `type-mismatch` (with column and row of the batch), `unknown-column`, `invalid-argument`,
   * `limit-exceeded`, `sink`, `closed`
   */
  async write(batch: TableInput): Promise<void> {
    await this.#enqueue(() => this.#push(tableBatch(batch)));
  }

  /**
   * Adds rows that are objects; a key that is missing is null, one that is no column an error. An array is one batch;
   * other iterables are taken 16,384 rows at a time, so that those before a bad batch are written.
   * @throws {NcfError} as `write`, and what the iterable throws
   */
  async writeRows(rows: Iterable<RowInput> | AsyncIterable<RowInput>): Promise<void> {
    if (Array.isArray(rows)) return this.#enqueue(() => this.#push(rowBatch(rows as RowInput[])));
    let batch: RowInput[] = [];
    const flush = async (): Promise<void> => {
      const full = batch;
      batch = [];
      await this.#enqueue(() => this.#push(rowBatch(full)));
    };
    for await (const row of rows) {
      batch.push(row);
      if (batch.length >= BATCH_ROWS) await flush();
    }
    if (batch.length > 0) await flush();
  }

  /**
   * Takes batches: `file.readable().pipeTo(writer.writable)`. Closing it finishes the file, and `finish()` gives the
   * result then; an error of a batch aborts the writer.
   */
  get writable(): WritableStream<TableInput> {
    this.#writable ??= new WritableStream<TableInput>(
      {
        write: async (batch) => {
          try {
            await this.write(batch);
          } catch (error) {
            await this.abort(error);
            throw error;
          }
        },
        close: async () => {
          await this.finish();
        },
        abort: (reason) => this.abort(reason),
      },
      { highWaterMark: 1 },
    );
    return this.#writable;
  }

  /**
   * Writes the rest and closes the sink. Safe to call twice.
   * @throws {NcfError} `invalid-argument` where neither columns nor a batch were given, `sink`, `closed`
   */
  async finish(): Promise<WriteResult> {
    this.#result ??= this.#enqueue(() => this.#finish()).catch((error: unknown) => {
      this.#result = undefined;
      throw error;
    });
    return this.#result;
  }

  /** Gives up: lets go of memory, and aborts the sink. Calls under way and later ones fail. Safe to call at any time. */
  async abort(reason?: unknown): Promise<void> {
    if (this.#end) return;
    await this.#fail(new NcfError('closed', 'the writer was aborted', { cause: reason }), reason);
  }

  /** Aborts a writer that has not finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort(new NcfError('closed', 'the writer was disposed of before it finished'));
  }

  async #fail(error: NcfError, reason: unknown): Promise<void> {
    this.#close(error);
    await this.#sink.abort(reason);
  }

  #close(end: NcfError): void {
    this.#end ??= end;
    this.#encoder?.free();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }

  #enqueue<T>(body: () => Promise<T>): Promise<T> {
    const call = this.#queue.then(async () => {
      await makeWay(this.#options.signal);
      this.#check();
      try {
        return await body();
      } catch (error) {
        this.#options.signal?.throwIfAborted();
        if (!this.#end && (error instanceof NcfError && (error.code === 'sink' || this.#encoder?.isUsable === false))) await this.#fail(error, error);
        throw error;
      }
    });
    this.#queue = call.catch(() => undefined);
    return call;
  }

  #check(): void {
    if (this.#end) throw this.#end;
  }

  async #push(batch: Batch): Promise<void> {
    let rows: number;
    if (this.#encoder && this.#shape) {
      const columns = batch.convert(this.#shape, this.#buffers);
      rows = columns[0]?.length ?? 0;
      this.#encoder.push(columns, 0);
      if (rows <= MAX_POOLED_ROWS) this.#buffers.reclaim();
      else this.#buffers = new BufferPool();
    } else {
      const inputs = batch.inputs(this.#declared);
      const buffers = inputs.map(columnBuffers);
      rows = countRows(inputs, buffers);
      const shape = Shape.of(inputs, buffers, this.#known);
      const encoder = StreamEncoder.create(this.#engine, this.#setup, shape.fields, this.#tasks);
      try {
        encoder.push(buffers, 0);
      } catch (error) {
        encoder.free();
        throw error;
      }
      [this.#shape, this.#encoder] = [shape, encoder];
    }
    this.#numRows += rows;
    await this.#settle(this.#encoder);
    await this.#sink.writeFrom(this.#encoder);
    this.#check();
    this.#report(this.#encoder.progress(this.#numRows));
  }

  async #settle(encoder: StreamEncoder): Promise<void> {
    await encoder.settleChunks(this.#options.signal, (rows, column) => { this.#report(rows, { column }); });
    this.#check();
  }

  #report(rows: number, column?: { column: string }): void {
    this.#loaded = Math.max(this.#loaded, rows);
    this.#options.onProgress?.({ phase: 'encode', loaded: this.#loaded, total: this.#numRows, ...column });
  }

  async #finish(): Promise<WriteResult> {
    if (!this.#encoder) {
      if (!this.#declared) throw invalid('columns', 'are needed: none were declared, and no batch was written');
      this.#encoder = StreamEncoder.create(this.#engine, this.#setup, Shape.declared(this.#declared, this.#known).fields);
    }
    if (this.#tasks) {
      this.#encoder.flush();
      await this.#settle(this.#encoder);
      this.#report(this.#numRows);
    }
    const { bytes, size, numRows, digest } = this.#encoder.finish();
    await this.#sink.write(bytes);
    this.#check();
    await this.#sink.close();
    this.#close(new NcfError('closed', 'the writer has finished'));
    const collected = this.#sink.bytes();
    return { byteLength: size, numRows, digest, ...(collected && { bytes: collected }) };
  }
}

function checkDialect(dialect: string | undefined): void {
  if (dialect === undefined || dialect === DEFAULT_DIALECT) return;
  throw new NcfError('unsupported-feature', `${dialect} has its metadata in front and cannot be written in batches; collect the table and use write()`);
}

async function inPlace(origin: NcfOrigin): Promise<InPlaceSink> {
  const file = await currentPlatform().openInPlace?.(origin);
  if (!file) throw invalid('sink', "can be 'in-place' only for a path or a FileHandle, in Node");
  return new InPlaceSink(file);
}

/**
 * Adds a table to a file of version 2: in Node in place where the origin is a path or a `FileHandle`, else, or where a
 * `sink` is given, as a new file. See `NcfWriter.append`.
 * @throws {NcfError} as `NcfWriter.append` and `NcfWriter.write`
 */
export async function append(origin: NcfOrigin, table: TableInput, options: AppendOptions & { sink?: NcfSink | undefined } = {}): Promise<WriteResult> {
  const isLocal = currentPlatform().isLocal?.(origin) ?? false;
  const writer = await NcfWriter.append(origin, options.sink ?? (isLocal ? 'in-place' : 'bytes'), options);
  try {
    await writer.write(table);
    return await writer.finish();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

/**
 * Writes rows that are objects into one file in memory, batch by batch; see `NcfWriter.writeRows`.
 * @throws {NcfError} as `NcfWriter.open` and `NcfWriter.writeRows`
 */
export async function writeRows(rows: Iterable<RowInput> | AsyncIterable<RowInput>, options: WriterOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const writer = await NcfWriter.open('bytes', options);
  try {
    await writer.writeRows(rows);
    return (await writer.finish()).bytes ?? new Uint8Array();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}
