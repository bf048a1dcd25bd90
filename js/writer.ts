/// <reference lib="esnext.disposable" preserve="true" />
/** Writing a table whose rows come in batches, with the memory of one row group and one batch. */

import { firstBatch, convert, countRows, isComplete, checkNames, Shape, tableOfRows, type ColumnDeclaration, type ColumnInput, type RowInput, type TableInput } from './columns.js';
import { DEFAULT_DIALECT, StreamEncoder, writerSetup, type EncodingOptions } from './encoder.js';
import { writingEngine, type Engine } from './engine.js';
import { invalid, NcfError } from './errors.js';
import { openSink, type NcfSink, type Sink } from './sink.js';
import type { ColumnBuffers, WriterSetup } from './wasm-types.js';
import type { ColumnSchema } from './types.js';
import { makeWay } from './yield.js';

/** Rows of a batch that is put together of single rows. */
const BATCH_ROWS = 2 ** 14;

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

/** Rows in any form, as the buffers of a shape; without a shape, as what tells it. */
interface Batch {
  convert(shape: Shape): ColumnBuffers[];
  inputs(declared: readonly ColumnDeclaration[] | undefined): ColumnInput[];
}

function tableBatch(table: TableInput): Batch {
  return { convert: (shape) => shape.convert(table), inputs: (declared) => firstBatch(table, declared) };
}

function rowBatch(rows: readonly RowInput[]): Batch {
  return { convert: (shape) => shape.convertRows(rows), inputs: (declared) => firstBatch(tableOfRows(rows, declared), declared) };
}

/** What a writer writes with. */
export interface WriterParts {
  readonly engine: Engine;
  readonly setup: WriterSetup;
  readonly sink: Sink;
  readonly options: EncodingOptions;
  readonly declared: readonly ColumnDeclaration[] | undefined;
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
  readonly #known: ReadonlyMap<string, ColumnSchema>;
  readonly #onAbort: () => void;
  #encoder: StreamEncoder | undefined;
  #shape: Shape | undefined;
  #numRows = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #result: Promise<WriteResult> | undefined;
  #writable: WritableStream<TableInput> | undefined;
  /** Why nothing can be written any more. */
  #end: NcfError | undefined;

  /** @internal */
  constructor({ engine, setup, sink, options, declared, encoder, shape, start }: WriterParts) {
    this.start = start;
    this.#engine = engine;
    this.#setup = setup;
    this.#sink = sink;
    this.#options = options;
    this.#declared = declared;
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
    const setup = writerSetup(options);
    const { columns } = options;
    if (columns) checkNames(columns);
    const known = new Map(options.schema?.columns.map((column) => [column.name, column]));
    const shape = columns && isComplete(columns) ? Shape.declared(columns, known) : undefined;
    // Bad options are found before anything happens to the sink.
    const encoder = new StreamEncoder(engine, setup, shape?.fields ?? []);
    if (!shape) encoder.free();
    try {
      options.signal?.throwIfAborted();
      const opened = await openSink(sink);
      return new NcfWriter({ engine, setup, sink: opened, options, declared: columns, encoder: shape && encoder, shape, start: 0 });
    } catch (error) {
      encoder.free();
      throw error;
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
      const buffers = batch.convert(this.#shape);
      rows = buffers[0]?.length ?? 0;
      this.#encoder.push(buffers, 0);
    } else {
      const inputs = batch.inputs(this.#declared);
      const buffers = inputs.map(convert);
      rows = countRows(inputs, buffers);
      const shape = Shape.of(inputs, buffers, this.#known);
      const encoder = new StreamEncoder(this.#engine, this.#setup, shape.fields);
      try {
        encoder.push(buffers, 0);
      } catch (error) {
        encoder.free();
        throw error;
      }
      [this.#shape, this.#encoder] = [shape, encoder];
    }
    this.#numRows += rows;
    await this.#sink.write(this.#encoder.take());
    this.#check();
    this.#options.onProgress?.({ phase: 'encode', loaded: this.#numRows, total: this.#numRows });
  }

  async #finish(): Promise<WriteResult> {
    if (!this.#encoder) {
      if (!this.#declared) throw invalid('columns', 'are needed: none were declared, and no batch was written');
      this.#encoder = new StreamEncoder(this.#engine, this.#setup, Shape.declared(this.#declared, this.#known).fields);
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
