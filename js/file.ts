/** An open file: drives the reader's steps, fetches the ranges that it asks for, and hands out tables. */

import { Column, type AnyColumn, type CellModes } from './column.js';
import { readingEngine, type Engine, type Instance } from './engine.js';
import { invalid, NcfError } from './errors.js';
import type { Dialect } from './generated.js';
import { bytesSource, coalesce, ReadAhead, toSource, type ByteSource, type NcfInput, type Range } from './source.js';
import { Table, type Row } from './table.js';
import type { CallOptions, ColumnStatistics, DateMode, Int64Mode, Layout, OpenOptions, ReadOptions, Schema, VerifyReport, Warning } from './types.js';
import { makeWay } from './yield.js';
import type { ColumnData, FileInfo, OpenLimits, RecordInfo, Verdict } from './wasm-types.js';

/** Bytes that are supplied to a step: at least the range that it asked for. */
interface Piece {
  start: number;
  bytes: Uint8Array;
}

/** A computation that stops to ask for byte ranges, and is given a piece for each. */
type Steps<T> = Generator<Range[], T, Piece[]>;

/** The reader's side of an open file; dies with its wasm instance. */
interface Core {
  instance: Instance;
  reader: InstanceType<Instance['Reader']>;
}

const LOCAL_GAP = 4 * 1024;
const REMOTE_WINDOW = 32 * 1024;
const REMOTE_GAP = 64 * 1024;
/** Most that one coalesced read fetches. */
const MAX_READ = 8 * 1024 * 1024;
/** Reads under way at once. */
const CONCURRENT_READS = 4;

const COMPRESSION_NAMES = ['none', 'zstd', 'lz4', 'neural'];

function toRanges(flat: Float64Array): Range[] {
  const ranges: Range[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) ranges.push({ start: flat[index] ?? 0, end: flat[index + 1] ?? 0 });
  return ranges;
}

/** Runs a step of the reader until it needs nothing more. */
function* completing(engine: Engine, { instance, reader }: Core, step: () => Float64Array | undefined): Steps<void> {
  for (let needs = engine.call(instance, step); needs; needs = engine.call(instance, step)) {
    const pieces = yield toRanges(needs);
    engine.call(instance, () => {
      for (const piece of pieces) reader.supply(piece.start, piece.bytes);
    });
  }
}

function* opening(engine: Engine, byteLength: number, limits: OpenLimits): Steps<{ core: Core; info: FileInfo }> {
  const instance = engine.instance;
  const reader = engine.call(instance, () => new instance.Reader(byteLength, limits));
  const core = { instance, reader };
  try {
    yield* completing(engine, core, () => reader.open());
    const info = engine.call(instance, () => {
      reader.release();
      return reader.info() as FileInfo;
    });
    return { core, info };
  } catch (error) {
    if (!engine.isDiscarded(instance)) reader.free();
    throw error;
  }
}

function* hashing(engine: Engine, { instance, reader }: Core): Generator<Range, Verdict, Uint8Array> {
  const verifier = engine.call(instance, () => reader.verifier());
  for (;;) {
    const next = engine.call(instance, () => verifier.next());
    if (!next) return engine.call(instance, () => verifier.finish() as Verdict);
    const bytes = yield { start: next[0] ?? 0, end: next[1] ?? 0 };
    engine.call(instance, () => {
      verifier.push(bytes);
    });
  }
}

async function drive<T>(steps: Steps<T>, readAhead: ReadAhead, signal?: AbortSignal): Promise<T> {
  let next = steps.next();
  while (!next.done) {
    signal?.throwIfAborted();
    next = steps.next(await Promise.all(next.value.map((range) => readAhead.read(range, signal))));
  }
  return next.value;
}

function driveSync<T>(steps: Steps<T>, read: (start: number, end: number) => Uint8Array): T {
  let next = steps.next();
  while (!next.done) next = steps.next(next.value.map(({ start, end }) => ({ start, bytes: read(start, end) })));
  return next.value;
}

/** One read that serves one or more planned ranges. */
interface Fetch {
  range: Range;
  users: number;
  bytes?: Promise<Uint8Array>;
}

/** Fetches planned ranges, neighbours together, some ahead of their use; lets go of what was used. */
class Fetcher {
  readonly #source: ByteSource;
  readonly #fetches: Fetch[];
  /** Position in `#fetches` of what serves each range. */
  readonly #positions = new Map<Range, number>();
  readonly #options: CallOptions;
  readonly #total: number;
  #loaded = 0;

  constructor(source: ByteSource, ranges: readonly Range[], gap: number, options: CallOptions) {
    this.#source = source;
    this.#options = options;
    const sorted = [...ranges].sort((a, b) => a.start - b.start || a.end - b.end);
    // What is in memory is not copied together.
    const merged = source.inMemory ? sorted : coalesce(sorted, gap, MAX_READ);
    this.#fetches = merged.map((range) => ({ range, users: 0 }));
    this.#total = merged.reduce((sum, range) => sum + range.end - range.start, 0);
    let position = 0;
    for (const range of sorted) {
      while (position + 1 < merged.length && (merged[position + 1]?.start ?? Infinity) <= range.start) position += 1;
      this.#positions.set(range, position);
      const fetch = this.#fetches[position];
      if (fetch) fetch.users += 1;
    }
  }

  async get(range: Range): Promise<Uint8Array> {
    const position = this.#positions.get(range) ?? -1;
    for (const fetch of this.#fetches.slice(Math.max(position, 0), position + CONCURRENT_READS)) {
      fetch.bytes ??= this.#start(fetch.range);
    }
    const fetch = this.#fetches[position];
    const bytes = await fetch?.bytes;
    if (!fetch || !bytes) throw new NcfError('internal', 'a range was not planned');
    fetch.users -= 1;
    if (fetch.users === 0) fetch.bytes = Promise.resolve(new Uint8Array());
    return bytes.subarray(range.start - fetch.range.start, range.end - fetch.range.start);
  }

  #start(range: Range): Promise<Uint8Array> {
    const bytes = this.#source.read(range.start, range.end, this.#options.signal).then((read) => {
      this.#loaded += read.byteLength;
      this.#options.onProgress?.({ phase: 'fetch', loaded: this.#loaded, total: this.#total });
      return read;
    });
    // Whoever waits for it sees the failure; one that nobody came to wait for is no unhandled rejection.
    bytes.catch(() => undefined);
    return bytes;
  }
}

function rowRange(options: ReadOptions): Range {
  const { rowStart = 0, rowEnd = Infinity } = options;
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (!isCount(rowStart)) throw invalid('rowStart', `${rowStart} is no row number`);
  if (rowEnd !== Infinity && !isCount(rowEnd)) throw invalid('rowEnd', `${rowEnd} is no row number`);
  if (rowEnd < rowStart) throw invalid('rowEnd', `${rowEnd} is before rowStart ${rowStart}`);
  return { start: rowStart, end: rowEnd };
}

function cellModes(options: ReadOptions): CellModes {
  const { int64 = 'bigint', dates = 'string' } = options;
  if (!['bigint', 'number', 'string'].includes(int64)) throw invalid('int64', `${String(int64)} is not one of 'bigint', 'number', 'string'`);
  if (!['string', 'date', 'raw'].includes(dates)) throw invalid('dates', `${String(dates)} is not one of 'string', 'date', 'raw'`);
  return { int64, dates };
}

/** Everything that a file is made of, once it is open. */
interface Parts {
  engine: Engine;
  core: Core;
  info: FileInfo;
  source: ByteSource;
  limits: OpenLimits;
  gap: number;
  readAhead: ReadAhead;
  isVerified: boolean;
}

/** An open file. Metadata are there; columns are read when asked for. */
export class NcfFile {
  /** The schema as the file states it. */
  readonly schema: Schema;
  /** Rows, as the header states them. */
  readonly numRows: number;
  /** Which writer's bytes these are. */
  readonly dialect: Dialect;
  /** Size of the file. */
  readonly byteLength: number;
  /** Statistics as the file states them, by column name. */
  readonly statistics: ReadonlyMap<string, ColumnStatistics>;
  /** When the file was made, where the dialect states it. */
  readonly created?: Date;
  /** When the file was changed, where the dialect states it. */
  readonly modified?: Date;
  /** What was odd in the metadata. */
  readonly warnings: readonly Warning[];
  /** Columns that a salvaged file has lost. */
  readonly lostColumns: readonly string[];
  /** Whether the whole file's checksum was found right while opening; `verify()` checks it at any time. */
  readonly isVerified: boolean;

  readonly #engine: Engine;
  readonly #source: ByteSource;
  readonly #limits: OpenLimits;
  readonly #gap: number;
  readonly #readAhead: ReadAhead;
  readonly #sections: FileInfo['sections'];
  readonly #checksumBytes: number;
  #core: Core | undefined;
  #isClosed = false;
  /** Asynchronous calls under way; what they use is let go of when the last one ends. */
  #active = 0;

  /** @internal */
  constructor({ engine, core, info, source, limits, gap, readAhead, isVerified }: Parts) {
    this.schema = info.schema;
    this.numRows = info.numRows;
    this.dialect = info.dialect as Dialect;
    this.byteLength = source.byteLength;
    const statistics = new Map<string, ColumnStatistics>();
    info.schema.columns.forEach(({ name }, index) => {
      const stated = info.statistics[index];
      if (stated && !statistics.has(name)) statistics.set(name, stated);
    });
    this.statistics = statistics;
    if (info.created !== undefined) this.created = new Date(info.created * 1000);
    if (info.modified !== undefined) this.modified = new Date(info.modified * 1000);
    this.warnings = info.warnings;
    this.lostColumns = info.lostColumns.map((index) => info.schema.columns[index]?.name ?? '');
    this.isVerified = isVerified;
    this.#engine = engine;
    this.#core = core;
    this.#source = source;
    this.#limits = limits;
    this.#gap = gap;
    this.#readAhead = readAhead;
    this.#sections = info.sections;
    this.#checksumBytes = info.checksumBytes;
  }

  /**
   * Reads columns. Only the bytes of the wanted columns are fetched, and the few bytes in front of each column that
   * tell where the next one is.
   * @throws {NcfError} `unknown-column`, `invalid-argument`, `corrupt`, `limit-exceeded`, `unsupported-feature`, and those of the source
   */
  async read<I extends Int64Mode = 'bigint', D extends DateMode = 'string'>(options: ReadOptions<I, D> = {}): Promise<Table<I, D>> {
    return this.#using(() => this.#read(options));
  }

  async #read<I extends Int64Mode, D extends DateMode>(options: ReadOptions<I, D>): Promise<Table<I, D>> {
    const { signal, onProgress } = options;
    const rows = rowRange(options);
    const modes = cellModes(options);
    const wanted = this.#indices(options.columns);
    signal?.throwIfAborted();
    let core = await this.#live(signal);
    const chunks = await drive(this.#locating(core, wanted), this.#readAhead, signal);
    const fetcher = new Fetcher(this.#source, chunks.flat(), this.#gap, options);
    const columns: ColumnData[] = [];
    for (const [position, index] of wanted.entries()) {
      await makeWay(signal);
      this.#checkOpen();
      const stored = await Promise.all((chunks[position] ?? []).map((range) => fetcher.get(range)));
      if (this.#engine.isDiscarded(core.instance)) {
        core = await this.#live(signal);
        await drive(this.#finding(core, wanted), this.#readAhead, signal);
      }
      columns.push(this.#decode(core, index, rows, stored));
      onProgress?.({ phase: 'decode', loaded: position + 1, total: wanted.length, column: this.#name(index) });
    }
    return this.#table(wanted, columns, rows, modes);
  }

  /**
   * The same at once, for a file whose bytes are all in memory.
   * @throws {NcfError} as `read`; `invalid-argument` where the bytes are not in memory
   */
  readSync<I extends Int64Mode = 'bigint', D extends DateMode = 'string'>(options: Omit<ReadOptions<I, D>, 'signal'> = {}): Table<I, D> {
    const read = this.#readerSync();
    const rows = rowRange(options);
    const modes = cellModes(options);
    const wanted = this.#indices(options.columns);
    const core = this.#liveSync(read);
    const chunks = driveSync(this.#locating(core, wanted), read);
    const columns = wanted.map((index, position) => {
      const stored = (chunks[position] ?? []).map(({ start, end }) => read(start, end));
      const data = this.#decode(core, index, rows, stored);
      options.onProgress?.({ phase: 'decode', loaded: position + 1, total: wanted.length, column: this.#name(index) });
      return data;
    });
    return this.#table(wanted, columns, rows, modes);
  }

  /**
   * Rows as plain objects, one after the other. Legacy files store whole columns, so all wanted columns are in memory.
   * @throws {NcfError} as `read`
   */
  async *rows<I extends Int64Mode = 'bigint', D extends DateMode = 'string'>(options: ReadOptions<I, D> = {}): AsyncGenerator<Row<I, D>, void, undefined> {
    yield* (await this.read(options)).rows();
  }

  /**
   * Checks the whole file's checksum; reads every byte that it covers. A file that fails is reported, not thrown.
   * @throws {NcfError} those of the source
   */
  async verify(options: CallOptions = {}): Promise<VerifyReport> {
    return this.#using(() => this.#verify(options));
  }

  async #verify(options: CallOptions): Promise<VerifyReport> {
    const steps = hashing(this.#engine, await this.#live(options.signal));
    let next = steps.next();
    let loaded = 0;
    while (!next.done) {
      await makeWay(options.signal);
      this.#checkOpen();
      const { start, end } = next.value;
      next = steps.next(await this.#source.read(start, end, options.signal));
      loaded += end - start;
      options.onProgress?.({ phase: 'verify', loaded, total: this.#checksumBytes });
    }
    return { ...next.value, bytes: this.#checksumBytes };
  }

  /**
   * Where everything is in the file. Legacy files are walked from column to column.
   * @throws {NcfError} `corrupt`, and those of the source
   */
  async layout(options: CallOptions = {}): Promise<Layout> {
    return this.#using(() => this.#layout(options));
  }

  async #layout(options: CallOptions): Promise<Layout> {
    const core = await this.#live(options.signal);
    // A position that no column has: to the end of the data.
    await drive(this.#finding(core, [2 ** 32 - 1]), this.#readAhead, options.signal);
    const records = this.#engine.call(core.instance, () => core.reader.records() as RecordInfo[]);
    return {
      byteLength: this.byteLength,
      sections: this.#sections,
      columns: records.map(({ name, start, end, codec, group }) => ({
        name,
        start,
        end,
        compression: COMPRESSION_NAMES[codec] ?? `unknown (${codec})`,
        ...(group !== undefined && { group }),
      })),
    };
  }

  /** Lets go of wasm memory and of an open file handle. Later calls, and those under way, throw `closed`. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#active === 0) await this.#release();
  }

  /** Runs a call; whatever it uses stays until it ends. */
  async #using<T>(body: () => Promise<T>): Promise<T> {
    this.#active += 1;
    try {
      return await body();
    } finally {
      this.#active -= 1;
      if (this.#isClosed && this.#active === 0) await this.#release();
    }
  }

  async #release(): Promise<void> {
    if (this.#core && !this.#engine.isDiscarded(this.#core.instance)) this.#core.reader.free();
    this.#core = undefined;
    await this.#source.close?.();
  }

  #name(index: number): string {
    return this.schema.columns[index]?.name ?? '';
  }

  #indices(names: readonly string[] | undefined): number[] {
    if (names === undefined) {
      // Lost columns stay lost; asking for one by name is an error that says so.
      return this.schema.columns.map((_, index) => index).slice(this.lostColumns.length);
    }
    return names.map((name) => {
      const index = this.schema.columns.findIndex((column) => column.name === name);
      if (index < 0) {
        const known = this.schema.columns.slice(0, 20).map((column) => JSON.stringify(column.name)).join(', ');
        throw new NcfError('unknown-column', `no column named ${JSON.stringify(name)} (known: ${known}${this.schema.columns.length > 20 ? ', ...' : ''})`, { column: name });
      }
      return index;
    });
  }

  *#finding(core: Core, wanted: number[]): Steps<void> {
    const positions = Uint32Array.from(wanted);
    yield* completing(this.#engine, core, () => core.reader.locate(positions));
    this.#engine.call(core.instance, () => {
      core.reader.release();
    });
  }

  *#locating(core: Core, wanted: number[]): Steps<Range[][]> {
    yield* this.#finding(core, wanted);
    return this.#engine.call(core.instance, () => wanted.map((index) => toRanges(core.reader.chunks(index))));
  }

  #decode({ instance, reader }: Core, index: number, rows: Range, stored: Uint8Array[]): ColumnData {
    return this.#engine.call(instance, () => reader.decode(index, rows.start, rows.end, stored) as ColumnData);
  }

  #table<I extends Int64Mode, D extends DateMode>(wanted: number[], columns: ColumnData[], rows: Range, modes: CellModes): Table<I, D> {
    const available = Math.max(0, Math.min(rows.end, this.numRows) - rows.start);
    const numRows = columns.length > 0 ? Math.max(...columns.map((column) => column.length)) : available;
    const made = columns.map((data, position) => new Column(this.#name(wanted[position] ?? -1), data, modes) as unknown as AnyColumn<I, D>);
    return new Table(made, numRows, rows.start, columns.flatMap((column) => column.warnings));
  }

  #readerSync(): (start: number, end: number) => Uint8Array {
    const { readSync } = this.#source;
    if (!readSync) throw invalid('source', 'a synchronous call needs a file whose bytes are in memory');
    return readSync;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new NcfError('closed', 'the file was closed');
  }

  /** The core; a new one where the instance of the old one was dropped after a trap. */
  async #live(signal?: AbortSignal): Promise<Core> {
    this.#checkOpen();
    if (!this.#core || this.#engine.isDiscarded(this.#core.instance)) {
      this.#core = (await drive(opening(this.#engine, this.byteLength, this.#limits), this.#readAhead, signal)).core;
    }
    return this.#core;
  }

  #liveSync(read: (start: number, end: number) => Uint8Array): Core {
    this.#checkOpen();
    if (!this.#core || this.#engine.isDiscarded(this.#core.instance)) {
      this.#core = driveSync(opening(this.#engine, this.byteLength, this.#limits), read).core;
    }
    return this.#core;
  }
}

function openLimits(options: OpenOptions): OpenLimits {
  return { ...options.limits, salvage: options.salvage ?? false };
}

function checkVerdict(verdict: Verdict, source: ByteSource): void {
  if (verdict.ok) return;
  throw new NcfError(
    'checksum-mismatch',
    `checksum mismatch: the file states ${verdict.expected}, its bytes give ${verdict.actual}; open it with verify: false to look inside`,
    { source: source.name },
  );
}

/** Opens a source; what `open` does once it has one. */
export async function openSource(source: ByteSource, options: OpenOptions): Promise<NcfFile> {
  const { signal, verify = 'auto' } = options;
  const remote = source.latency === 'remote';
  const window = options.readAheadBytes ?? (remote ? REMOTE_WINDOW : LOCAL_GAP);
  const readAhead = new ReadAhead(source, source.inMemory ? 0 : window);
  const engine = readingEngine();
  const limits = openLimits(options);
  try {
    await engine.load();
    signal?.throwIfAborted();
    const { core, info } = await drive(opening(engine, source.byteLength, limits), readAhead, signal);
    const isVerified = verify === true || (verify === 'auto' && source.inMemory);
    const gap = options.coalesceBytes ?? (remote ? REMOTE_GAP : LOCAL_GAP);
    const file = new NcfFile({ engine, core, info, source, limits, gap, readAhead, isVerified });
    if (isVerified) checkVerdict(await file.verify(options), source);
    return file;
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
  return openSource(await toSource(input, options.fetch ?? {}, options), options);
}

/**
 * Opens a file in memory at once. In a browser, `await init()` first.
 * @throws {NcfError} as `open`
 */
export function openSync(bytes: ArrayBuffer | SharedArrayBuffer | ArrayBufferView, options: Omit<OpenOptions, 'signal' | 'fetch'> = {}): NcfFile {
  const source = bytesSource(bytes);
  const read = (start: number, end: number): Uint8Array => source.readSync?.(start, end) ?? new Uint8Array();
  const engine = readingEngine();
  engine.loadSync();
  const limits = openLimits(options);
  const { core, info } = driveSync(opening(engine, source.byteLength, limits), read);
  const isVerified = options.verify !== false;
  if (isVerified) {
    const steps = hashing(engine, core);
    let next = steps.next();
    while (!next.done) next = steps.next(read(next.value.start, next.value.end));
    checkVerdict(next.value, source);
  }
  return new NcfFile({ engine, core, info, source, limits, gap: 0, readAhead: new ReadAhead(source, 0), isVerified });
}
