/** Open files: what is known about them, and tables of their rows. */

import { bytesSource, TAIL_BYTES, type ByteSource, type Range } from './bytes.js';
import { Column, type AnyColumn, type CellModes } from './column.js';
import { Driver, Session, type Steps } from './core.js';
import { readingEngine } from './engine.js';
import { invalid, NcfError } from './errors.js';
import { LOCAL_SIZES, ReadAhead, REMOTE_SIZES } from './fetcher.js';
import { compileFilter } from './filter.js';
import type { Dialect } from './generated.js';
import { explaining, Scan, type Batch, type Request, type Sharing, type ValueTimes } from './scan.js';
import { toSource, type NcfInput } from './source.js';
import { Table, type Row } from './table.js';
import type {
  BatchOptions, CallOptions, ColumnStatistics, DateMode, Int64Mode, Layout, OpenOptions, ReadOptions, RowGroup, Schema, VerifyReport, Warning,
} from './types.js';
import { verifying, type Outcome } from './verify.js';
import type { FileInfo, OpenLimits, RecordInfo } from './wasm-types.js';
import { checkWorkers, pool, WorkerFailure, type SharedFile } from './workers/pool.js';

/** Nanoseconds that a value takes, roughly, as measured in wasm; to put it together from parts is work of the calling thread. */
const TIMES = {
  other: { decoding: 2.3, asParent: 1.4, joining: 1.5 }, text: { decoding: 3.4, asParent: 1.5, joining: 3.5 }, lazy: { decoding: 2.5, asParent: 1.5, joining: 1 },
};
/** The same of decoding for the neural codec. */
const NEURAL_DECODING = 1000;

/** Directory blocks up to this size are fetched as soon as the file is open, since a read will need some of them. */
const MAX_PREFETCH = 8 * 1024 * 1024;

/** What a file of our own version is called. */
export const VERSION_2: Dialect = 'ncf-2';

/** A position that no column has: legacy files are then walked to the end of their data. */
const BEHIND_ALL = 2 ** 32 - 1;

/** What is wanted, and how its values are to be given. */
interface Wanted {
  request: Request;
  modes: CellModes;
}

/** Everything that a file is made of, once it is open. */
interface Parts {
  driver: Driver;
  info: FileInfo;
  /** First row of each row group, and behind the last one the end. */
  bounds: Float64Array;
  isVerified: boolean;
}

/** An open file. Metadata are there; columns are read when asked for. */
export class NcfFile {
  /** The schema as the file states it. */
  readonly schema: Schema;
  /** Rows of the file. */
  readonly numRows: number;
  /** Which rows are stored together; legacy files have one row group. */
  readonly rowGroups: readonly RowGroup[];
  /** Which writer's bytes these are. */
  readonly dialect: Dialect;
  /** Size of the file. */
  readonly byteLength: number;
  /**
   * SHA-256 that stands for the whole file, hexadecimal: in version 2 that of the trailer, from which all others hang,
   * else the file's checksum. The option `integrity` pins it.
   */
  readonly digest: string;
  /** When the file was made, where it says so. */
  readonly created?: Date;
  /** When the file was changed, where it says so. */
  readonly modified?: Date;
  /** What was odd in the metadata. */
  readonly warnings: readonly Warning[];
  /** Columns that a salvaged file has lost. */
  readonly lostColumns: readonly string[];
  /** Whether all bytes were checked and found right while opening; `verify()` checks them at any time. */
  readonly isVerified: boolean;

  readonly #driver: Driver;
  readonly #session: Session;
  readonly #bounds: Float64Array;
  readonly #sections: FileInfo['sections'];
  /** Position of each column by name; of equal names the first. */
  readonly #positions = new Map<string, number>();
  /** The file as workers open it. */
  readonly #shared: SharedFile;
  #statistics: ReadonlyMap<string, ColumnStatistics> | undefined;
  /** Asynchronous calls under way; what they use is let go of when the last one ends. */
  #active = 0;

  /** @internal */
  constructor({ driver, info, bounds, isVerified }: Parts) {
    this.schema = info.schema;
    this.numRows = info.numRows;
    this.rowGroups = Array.from({ length: bounds.length - 1 }, (_, index) => ({ start: bounds[index] ?? 0, end: bounds[index + 1] ?? 0 }));
    this.dialect = info.dialect as Dialect;
    this.byteLength = driver.session.byteLength;
    this.digest = info.digest;
    if (info.created !== undefined) this.created = new Date(info.created * 1000);
    if (info.modified !== undefined) this.modified = new Date(info.modified * 1000);
    this.warnings = info.warnings;
    this.lostColumns = info.lostColumns.map((index) => this.#name(index));
    this.isVerified = isVerified;
    this.#driver = driver;
    this.#session = driver.session;
    this.#bounds = bounds;
    this.#sections = info.sections;
    const { session, readAhead } = driver;
    this.#shared = { byteLength: session.byteLength, limits: session.limits, isInMemory: readAhead.source.inMemory, end: () => readAhead.copyOfEnd(), read: (range) => readAhead.copy(range) };
    for (const [index, { name }] of info.schema.columns.entries()) {
      if (!this.#positions.has(name)) this.#positions.set(name, index);
    }
    // Where a legacy file keeps them is not kept in memory.
    if (!this.#isVersion2) this.#statistics = this.#readStatistics();
  }

  /**
   * Statistics of the columns as the file states them, by column name; made when first looked at. What the dialect
   * does not state is not there.
   * @throws {NcfError} `corrupt`, `limit-exceeded`, and `closed` where the file was closed before
   */
  get statistics(): ReadonlyMap<string, ColumnStatistics> {
    return (this.#statistics ??= this.#readStatistics());
  }

  /**
   * Statistics of one column for each of `rowGroups`, which tell where values cannot be; none in legacy files.
   * @throws {NcfError} `unknown-column`, `corrupt`, `checksum-mismatch`, and those of the source
   */
  async zoneMaps(column: string, options: CallOptions = {}): Promise<readonly ColumnStatistics[]> {
    const index = this.#index(column);
    return this.#using(async () => {
      const core = await this.#driver.run(this.#session.locate(Uint32Array.of(index)), options);
      return this.#session.call(core, () => core.reader.chunkStatistics(index) as ColumnStatistics[]);
    });
  }

  /**
   * Reads rows of columns into one table. Only chunks that hold wanted rows of wanted columns are fetched and decoded;
   * legacy files store whole columns.
   * @throws {NcfError} `unknown-column`, `invalid-argument`, `type-mismatch` for a filter, `corrupt`,
   * `checksum-mismatch`, `limit-exceeded`, `unsupported-feature`, and those of the source
   */
  async read<I extends Int64Mode = 'bigint', D extends DateMode = 'string'>(options: ReadOptions<I, D> = {}): Promise<Table<I, D>> {
    const { request, modes } = this.#wanted(options);
    const { workers = 'auto' } = options;
    const sharing = this.#share(workers, request.keepsCodes);
    options.signal?.throwIfAborted();
    const run = (shared?: Sharing): Promise<Batch> => this.#driver.run(this.#reading(request, options, shared), options);
    return this.#using(async () => {
      const batch = await run(sharing).catch((error: unknown) => {
        // What workers cannot do, this thread can.
        if (error instanceof WorkerFailure) return run();
        throw error;
      });
      return this.#table(batch, request, modes);
    });
  }

  /**
   * The same at once, for a file whose bytes are all in memory.
   * @throws {NcfError} as `read`; `invalid-argument` where the bytes are not in memory
   */
  readSync<I extends Int64Mode = 'bigint', D extends DateMode = 'string'>(options: Omit<ReadOptions<I, D>, 'signal' | 'workers'> = {}): Table<I, D> {
    const { request, modes } = this.#wanted(options);
    return this.#table(this.#driver.runSync(this.#reading(request, options)), request, modes);
  }

  /**
   * Tables one after the other: row group by row group, or `batchSize` rows at a time. One row group is in memory, and
   * what comes next is fetched while the present one is decoded and used. Row groups without wanted rows give no table.
   * @throws {NcfError} as `read`
   */
  async *batches<I extends Int64Mode = 'bigint', D extends DateMode = 'string'>(options: BatchOptions<I, D> = {}): AsyncGenerator<Table<I, D>, void, undefined> {
    const { request, modes } = this.#wanted(options);
    const { batchSize } = options;
    if (batchSize !== undefined && !(isCount(batchSize) && batchSize > 0)) throw invalid('batchSize', `${batchSize} is no number of rows above 0`);
    const batches = new Scan(this.#session, this.#bounds, request).batches(this.#driver, batchSize, options);
    try {
      for (;;) {
        const next = await this.#using(() => batches.next());
        if (next.done) return;
        yield this.#table(next.value, request, modes);
      }
    } finally {
      await batches.return();
    }
  }

  /**
   * Rows as plain objects, one after the other; one row group is in memory.
   * @throws {NcfError} as `read`
   */
  async *rows<I extends Int64Mode = 'bigint', D extends DateMode = 'string'>(options: ReadOptions<I, D> = {}): AsyncGenerator<Row<I, D>, void, undefined> {
    for await (const table of this.batches(options)) {
      // Faster than `yield*`, which waits for each of the rows once more.
      for (const row of table.rows()) yield row;
      table.release();
    }
  }

  /**
   * The tables of `batches` as a stream. Nothing is decoded before it is asked for; cancelling ends requests.
   * @throws {NcfError} the stream fails as `read` does
   */
  readable<I extends Int64Mode = 'bigint', D extends DateMode = 'string'>(options: BatchOptions<I, D> = {}): ReadableStream<Table<I, D>> {
    const { signal } = options;
    const stop = new AbortController();
    const abort = (): void => {
      stop.abort(signal?.reason);
    };
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const batches = this.batches({ ...options, signal: stop.signal });
    const end = (): void => {
      signal?.removeEventListener('abort', abort);
    };
    return new ReadableStream<Table<I, D>>(
      {
        pull: async (controller) => {
          try {
            const next = await batches.next();
            if (next.done) {
              controller.close();
              end();
            } else controller.enqueue(next.value);
          } catch (error) {
            controller.error(error);
            end();
          }
        },
        cancel: async (reason) => {
          end();
          stop.abort(reason);
          await batches.return().catch(() => undefined);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * Checks all bytes of the file: in version 2 part by part, in the legacy dialects by their one checksum. A file that
   * fails is reported, not thrown.
   * @throws {NcfError} `corrupt` where the parts of a file do not fit together, and those of the source
   */
  async verify(options: CallOptions = {}): Promise<VerifyReport> {
    return this.#using(async () => this.#report(await this.#driver.run(verifying(this.#session, options), options)));
  }

  /**
   * Where everything is in the file. Legacy files are walked from column to column.
   * @throws {NcfError} `corrupt`, and those of the source
   */
  async layout(options: CallOptions = {}): Promise<Layout> {
    const all = this.#isVersion2 ? this.schema.columns.map((_, index) => index) : [BEHIND_ALL];
    return this.#using(async () => {
      const core = await this.#driver.run(this.#session.locate(Uint32Array.from(all)), options);
      const records = this.#session.call(core, () => core.reader.records() as RecordInfo[]);
      return {
        byteLength: this.byteLength,
        sections: this.#sections,
        chunks: records.map(({ name, rowGroup, start, end, compression, group, parents }) => ({
          column: name,
          rowGroup,
          start,
          end,
          compression,
          ...(group !== undefined && { group }),
          ...(parents.length > 0 && { parents: parents.map((index) => this.#name(index)) }),
        })),
      };
    });
  }

  /**
   * How the values of a column are encoded in a row group, in words: `dictionary(front(planes, lengths), recent by
   * carrier)` is a dictionary whose codes are predicted from the column `carrier`. Nulls come before values.
   * `undefined` for the legacy dialects.
   * @throws {NcfError} `unknown-column`, `invalid-argument`, and those of `read`
   */
  async explain(column: string, options: CallOptions & { rowGroup?: number } = {}): Promise<string | undefined> {
    const index = this.#index(column);
    const { rowGroup = 0 } = options;
    if (!isCount(rowGroup) || rowGroup >= this.rowGroups.length) throw invalid('rowGroup', `${rowGroup} is not one of ${this.rowGroups.length}`);
    return this.#using(() => this.#driver.run(explaining(this.#session, index, rowGroup), options));
  }

  /** Lets go of wasm memory and of an open file handle. Later calls, and those under way, throw `closed`. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#session.isClosed) return;
    this.#session.close();
    if (this.#active === 0) await this.#release();
  }

  /** Runs a call; whatever it uses stays until it ends. */
  async #using<T>(body: () => Promise<T>): Promise<T> {
    this.#active += 1;
    try {
      this.#session.checkOpen();
      return await body();
    } finally {
      this.#active -= 1;
      if (this.#session.isClosed && this.#active === 0) await this.#release();
    }
  }

  async #release(): Promise<void> {
    const { readAhead } = this.#driver;
    this.#session.release();
    pool.close(this.#shared);
    readAhead.close();
    await readAhead.source.close?.();
  }

  /**
   * What the file is read from.
   * @internal
   */
  get source(): ByteSource {
    this.#session.checkOpen();
    return this.#driver.readAhead.source;
  }

  get #isVersion2(): boolean {
    return this.dialect === VERSION_2;
  }

  #name(index: number): string {
    return this.schema.columns[index]?.name ?? '';
  }

  #index(name: string): number {
    const index = this.#positions.get(name);
    if (index !== undefined) return index;
    const { columns } = this.schema;
    const known = columns.slice(0, 20).map((column) => JSON.stringify(column.name)).join(', ');
    throw new NcfError('unknown-column', `no column named ${JSON.stringify(name)} (known: ${known}${columns.length > 20 ? ', ...' : ''})`, { column: name });
  }

  /** Checks the options of a reading. */
  #wanted(options: ReadOptions): Wanted {
    const rows = rowRange(options);
    const limit = options.limit ?? Infinity;
    if (limit !== Infinity && !isCount(limit)) throw invalid('limit', `${limit} is no number of rows`);
    // Lost columns stay lost; asking for one by name is an error that says so.
    const columns = options.columns?.map((name) => this.#index(name)) ?? this.schema.columns.map((_, index) => index).slice(this.lostColumns.length);
    const filter = options.filter === undefined ? undefined : compileFilter(options.filter);
    return { request: { columns, rows, limit, filter, keepsCodes: keepsCodes(options) }, modes: cellModes(options) };
  }

  #reading(request: Request, { onProgress }: Pick<ReadOptions, 'onProgress'>, sharing?: Sharing): ReturnType<Scan['read']> {
    this.#session.checkOpen();
    return new Scan(this.#session, this.#bounds, request, sharing).read(onProgress && ((column, loaded, total) => {
      onProgress({ phase: 'decode', loaded, total, column: this.#name(column) });
    }));
  }

  /** How many workers may help, and what they need to know. */
  #share(workers: number | 'auto', isLazy: boolean): Sharing | undefined {
    checkWorkers(workers);
    // The bytes of legacy files tell where columns lie; nothing is gained by walking them in several places.
    if (!this.#isVersion2 || workers === 0) return undefined;
    const timesOf = (column: number): ValueTimes => {
      const { type = '', compressionModel = this.schema.defaultCompression } = this.schema.columns[column] ?? {};
      const ofText = type === 'string' && isLazy ? TIMES.lazy : TIMES.text;
      const times = ['string', 'binary'].includes(type) ? ofText : TIMES.other;
      return compressionModel === 'neural' ? { ...times, decoding: NEURAL_DECODING, asParent: NEURAL_DECODING } : times;
    };
    return { file: this.#shared, workers, timesOf, nameOf: (column) => this.#name(column) };
  }

  #table<I extends Int64Mode, D extends DateMode>({ columns, numRows, rowStart }: Batch, request: Request, modes: CellModes): Table<I, D> {
    const made = columns.map((data, position) => new Column(this.#name(request.columns[position] ?? -1), data, modes) as unknown as AnyColumn<I, D>);
    // Columns of odd legacy files can be longer or shorter than the file says.
    const length = columns.length > 0 ? Math.max(...columns.map((column) => column.length)) : numRows;
    return new Table(made, length, rowStart, columns.flatMap((column) => column.warnings));
  }

  #report({ problems, ...verdict }: Outcome): VerifyReport {
    return {
      ...verdict,
      problems: problems.map(({ column, rowGroup, ...problem }) => ({
        ...problem,
        ...(column !== undefined && { column: this.#name(column) }),
        ...(rowGroup !== undefined && { rowGroup }),
      })),
    };
  }

  #readStatistics(): ReadonlyMap<string, ColumnStatistics> {
    this.#session.checkOpen();
    const core = this.#driver.runSync(this.#session.open());
    const stated = this.#session.call(core, () => core.reader.statistics() as (ColumnStatistics | undefined)[]);
    const statistics = new Map<string, ColumnStatistics>();
    for (const [name, index] of this.#positions) {
      const column = stated[index];
      if (column) statistics.set(name, column);
    }
    return statistics;
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function rowRange({ rowStart = 0, rowEnd = Infinity }: ReadOptions): Range {
  if (!isCount(rowStart)) throw invalid('rowStart', `${rowStart} is no row number`);
  if (rowEnd !== Infinity && !isCount(rowEnd)) throw invalid('rowEnd', `${rowEnd} is no row number`);
  if (rowEnd < rowStart) throw invalid('rowEnd', `${rowEnd} is before rowStart ${rowStart}`);
  return { start: rowStart, end: rowEnd };
}

function cellModes({ int64 = 'bigint', dates = 'string' }: ReadOptions): CellModes {
  if (!['bigint', 'number', 'string'].includes(int64)) throw invalid('int64', `${String(int64)} is not one of 'bigint', 'number', 'string'`);
  if (!['string', 'date', 'raw'].includes(dates)) throw invalid('dates', `${String(dates)} is not one of 'string', 'date', 'raw'`);
  return { int64, dates };
}

function keepsCodes({ text = 'lazy' }: ReadOptions): boolean {
  if (!['lazy', 'bytes'].includes(text)) throw invalid('text', `${String(text)} is not one of 'lazy', 'bytes'`);
  return text === 'lazy';
}

/** The bytes of a digest, from `sha256-` and base64 or from hexadecimal digits. */
function parseIntegrity(text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/i.test(text)) return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const base64 = /^sha256-([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1];
  if (base64 === undefined) throw invalid('integrity', `${JSON.stringify(text)} is neither sha256- with 44 characters of base64 nor 64 hexadecimal digits`);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function openLimits({ limits, salvage = false, checksums = true, integrity }: OpenOptions): OpenLimits {
  return { ...limits, salvage, checksums, ...(integrity !== undefined && { integrity: parseIntegrity(integrity) }) };
}

/** What reads an open source, for whoever needs the core itself. */
export function makeDriver(source: ByteSource, options: OpenOptions): Driver {
  const sizes = source.latency === 'remote' ? REMOTE_SIZES : LOCAL_SIZES;
  const readAhead = new ReadAhead(source, {
    tailBytes: options.tailBytes ?? sizes.tailBytes,
    windowBytes: options.readAheadBytes ?? sizes.windowBytes,
    gap: options.coalesceBytes ?? sizes.gap,
  });
  return new Driver(new Session(readingEngine(), source.byteLength, openLimits(options)), readAhead);
}

/** Reads the metadata, and checks what is to be checked. */
function* opening(driver: Driver, options: OpenOptions): Steps<NcfFile> {
  const { session, readAhead } = driver;
  const { source } = readAhead;
  const core = yield* session.open();
  const info = session.info(core);
  const bounds = session.call(core, () => core.reader.rowGroups());
  const { verify = 'auto', integrity } = options;
  const isLegacy = info.dialect !== VERSION_2;
  const isVerified = verify === true || (isLegacy && (integrity !== undefined || (verify === 'auto' && source.inMemory)));
  const file = new NcfFile({ driver, info, bounds, isVerified });
  if (isVerified) {
    const { ok, expected, actual } = yield* verifying(session, options);
    if (!ok) {
      const advice = 'open it with verify: false to look inside';
      throw new NcfError('checksum-mismatch', `checksum mismatch: the file states ${expected}, its bytes give ${actual}; ${advice}`, { source: source.name });
    }
  }
  const blocks = info.sections.find(({ name }) => name === 'blocks');
  if (blocks && blocks.end - blocks.start <= MAX_PREFETCH) readAhead.prefetch(blocks);
  return file;
}

/** Opens a source; what `open` does once it has one. */
export async function openSource(source: ByteSource, options: OpenOptions): Promise<NcfFile> {
  try {
    await readingEngine().load();
    options.signal?.throwIfAborted();
    const driver = makeDriver(source, options);
    return await driver.run(opening(driver, options), options);
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/**
 * Opens a file: reads its metadata, and nothing of its columns.
 *
 * @param input bytes, a `Blob` or `File` (sliced when needed), a URL (fetched by ranges), an object with
 * `byteLength` and `slice`, or a `Response` or stream (read to the end)
 * @throws {NcfError} `not-ncf`, `unsupported-version`, `unsupported-feature`, `truncated`, `corrupt`,
 * `checksum-mismatch`, `limit-exceeded`, `wasm-init`, and those of the source
 */
export async function open(input: NcfInput, options: OpenOptions = {}): Promise<NcfFile> {
  options.signal?.throwIfAborted();
  return openSource(await toSource(input, options.tailBytes ?? TAIL_BYTES, options.fetch ?? {}, options), options);
}

/**
 * Opens a file in memory at once. In a browser, `await init()` first, and `await init({ legacy: true })` for a legacy file.
 * @throws {NcfError} as `open`
 */
export function openSync(bytes: ArrayBuffer | SharedArrayBuffer | ArrayBufferView, options: Omit<OpenOptions, 'signal' | 'fetch'> = {}): NcfFile {
  readingEngine().loadSync();
  const driver = makeDriver(bytesSource(bytes), options);
  return driver.runSync(opening(driver, options));
}
