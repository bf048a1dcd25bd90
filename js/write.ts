/** Writing a table that is in memory. The wasm module that writes is loaded by the first call that needs it. */

import { bytesSource } from './bytes.js';
import { columnBuffers, countRows, fieldSetup, toList, writable, type ColumnInput, type TableInput, type WritableColumn } from './columns.js';
import { compareWritten } from './compare.js';
import { DEFAULT_DIALECT, join, LegacyEncoder, prepare, StreamEncoder, writerSetup, type EncodingOptions } from './encoder.js';
import { writingEngine, type Engine } from './engine.js';
import { openSource, openSync } from './file.js';
import { BufferPool, newBuffers } from './memory.js';
import type { OwnRows } from './row-groups.js';
import type { NeuralTasks } from './neural-tasks.js';
import type { Progress, WritableDialect } from './types.js';
import type { ColumnBuffers } from './wasm-types.js';
import { pool } from './workers/pool.js';
import { makeWay } from './yield.js';

/** Options of `write`. */
export interface WriteOptions extends EncodingOptions {
  /**
   * Which writer's bytes to produce.
   * - `ncf-2` (the default): all data types, nulls in all of them;
   * - `python-1.0`: all data types; nulls in text, booleans, dates, timestamps, decimals and binary;
   * - `rust-2.0`: int64, float64 and string without nulls.
   *
   * What the dialect cannot hold is an error before anything is written.
   */
  dialect?: WritableDialect | undefined;
  /** Write what the dialect cannot tell apart (python-1.0: null and empty text, null and NaN) instead of refusing it. */
  lossy?: boolean | undefined;
  /** Before returning, check every digest of the file, read it back and compare all values, bit by bit; default false. */
  verify?: boolean | undefined;
}

/** A computation that says how far it is, or what it waits for; what else happens in between is up to whoever runs it. */
type Encoding = Generator<Progress | Promise<void> | undefined, Encoded, void>;

/** A file, and what it was made of. */
interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly columns: readonly ColumnBuffers[];
}

const NOTHING: Encoded = { bytes: new Uint8Array(), columns: [] };

function encoding(engine: Engine, table: TableInput, options: WriteOptions, workers: number | 'auto', tasks?: NeuralTasks): Encoding {
  return (options.dialect ?? DEFAULT_DIALECT) === 'ncf-2' ? encodingVersion2(engine, table, options, workers, tasks) : encodingLegacy(engine, table, options);
}

/** Rows that are handed over at once: enough for a row group, and a whole number of bytes of a bitmap. */
function stepRows(rowGroupRows: number | undefined): number {
  const rows = Number(rowGroupRows ?? 2 ** 17);
  return rows >= 1 && rows <= 2 ** 24 ? Math.ceil(Math.max(rows, 2 ** 14) / 8) * 8 : 2 ** 17;
}

/** Values of the table. */
const SHARED_FROM = { warm: 400_000, cold: 40_000_000, later: 500_000 };

/** JavaScript values that make collections, of which buffers that are moved cause more, so long that they take more time than workers save. */
const MAX_CELLS = 15_000_000;

/** Workers that have copies of the first row group, where memory cannot be shared: copying is this thread's work. */
const MAX_COPIES = 2;

/** How a table is shared out: rows of its row groups, and workers, so many of which help with the first one. */
interface Shares {
  readonly groupRows: number;
  readonly workers: number;
  readonly helpers: number;
  readonly isSampled: boolean;
}

/** How to share a table out, where that pays. */
function sharing(engine: Engine, { rowGroupRows }: WriteOptions, rows: number, columns: readonly ColumnInput[], wanted: number | 'auto'): Shares | undefined {
  const groupRows = Number(rowGroupRows ?? 2 ** 17);
  const others = Math.ceil(rows / groupRows) - 1;
  const isSampled = Math.min(rows, groupRows) >= StreamEncoder.sharedFrom(engine);
  // Bitmaps are cut at whole bytes.
  if (!(groupRows > 0) || (others > 0 ? groupRows % 8 !== 0 : !isSampled)) return undefined;
  const size = pool.size(wanted);
  if (size === 0) return undefined;
  // The calling thread works as well: it and so many workers have the processors.
  const most = wanted === 'auto' ? size - 1 : size;
  const helpers = isSampled && columns.length > 1 ? Math.min(most, pool.memory ? most : MAX_COPIES) : 0;
  const workers = Math.max(helpers, Math.min(size, others));
  const cells = rows * columns.filter(({ data }) => Array.isArray(data)).length;
  if (workers === 0 || (wanted === 'auto' && (most === 0 || (cells > MAX_CELLS && !pool.memory) || !pool.isWorth(workers, rows * columns.length, SHARED_FROM)))) return undefined;
  return { groupRows, workers, helpers, isSampled };
}

function* encodingVersion2(engine: Engine, table: TableInput, options: WriteOptions, wanted: number | 'auto', tasks: NeuralTasks | undefined): Encoding {
  const setup = writerSetup(options);
  const columns = toList(table);
  const known = new Map(options.schema?.columns.map((column) => [column.name, column]));
  const sources: WritableColumn[] = [];
  // What is compared in the end is made at once.
  const kept: ColumnBuffers[] = [];
  for (const input of columns) {
    const buffers = options.verify ? columnBuffers(input) : undefined;
    if (buffers) kept.push(buffers);
    sources.push(writable(buffers ? { ...input, data: buffers } : input, known.get(input.name)));
    yield undefined;
  }
  const fields = sources.map(({ field }) => field);
  const rows = countRows(columns, sources);
  const encoder = StreamEncoder.create(engine, setup, fields, tasks);
  const settled = (): Promise<void> | undefined => tasks && encoder.settleChunks(options.signal, (loaded, column) => {
    options.onProgress?.({ phase: 'encode', loaded, total: rows, column });
  });
  try {
    const parts = [];
    const step = stepRows(options.rowGroupRows);
    let [first, done] = [0, 0];
    // What was handed over to the encoder is free again, and what workers were given once they are done, if it is shared:
    // what is moved here and there counts as new each time, and makes for more collections.
    const buffers = new BufferPool();
    const ofWorkers = pool.memory;
    const cut = (start: number, end: number): ColumnBuffers[] => sources.map((source) => source.cut(start, end, buffers));
    const shares = tasks ? undefined : sharing(engine, options, rows, columns, wanted);
    if (shares) {
      yield import('./row-groups.js').then(async ({ encodeRowGroups }) => {
        const cutOwn = (start: number, end: number): OwnRows => ({
          columns: sources.map((source) => source.cutOwn(start, end, ofWorkers ?? newBuffers)),
          release: ofWorkers?.lend() ?? (() => undefined),
        });
        first = await encodeRowGroups({ engine, setup, fields, rows, cutOwn, ...shares }, encoder, options.signal, (end) => {
          done = end;
          parts.push(encoder.takePart());
          options.onProgress?.({ phase: 'encode', loaded: end, total: rows });
        });
      });
    }
    for (let start = first; start < rows; start += step) {
      const end = Math.min(start + step, rows);
      encoder.push(cut(start, end), start);
      buffers.reclaim();
      yield settled();
      if (tasks && end === rows) {
        encoder.flush();
        yield settled();
      }
      parts.push(encoder.takePart());
      const loaded = encoder.progress(end);
      yield loaded > done ? { phase: 'encode', loaded, total: rows } : undefined;
      done = loaded;
    }
    parts.push(encoder.finish().bytes);
    return { bytes: join(parts), columns: kept };
  } finally {
    encoder.free();
  }
}

/** Adds one column after the other. */
function* encodingLegacy(engine: Engine, table: TableInput, options: WriteOptions): Encoding {
  const columns = toList(table);
  const known = new Map(options.schema?.columns.map((column) => [column.name, column]));
  const encoder = LegacyEncoder.create(engine, writerSetup(options));
  const kept = [];
  try {
    for (const [index, input] of columns.entries()) {
      const buffers = columnBuffers(input);
      encoder.add(fieldSetup(input, buffers, known.get(input.name)), buffers);
      if (options.verify) kept.push(buffers);
      yield { phase: 'encode', loaded: index + 1, total: columns.length, column: input.name };
    }
    return { bytes: encoder.finish(), columns: kept };
  } finally {
    encoder.free();
  }
}

/**
 * Writes a table into one file in memory. The values must not be changed before this resolves.
 * @throws {NcfError} `type-mismatch` for values that the type or the dialect cannot hold, `invalid-argument`,
 * `limit-exceeded`, `wasm-init`; with `verify`, `internal` where the file is not what was given
 */
export async function write(table: TableInput, options: WriteOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const engine = writingEngine();
  options.signal?.throwIfAborted();
  await engine.load();
  const tasks = await prepare(options, toList(table));
  const steps = encoding(engine, table, options, options.workers ?? 'auto', tasks);
  try {
    let next = steps.next();
    while (!next.done) {
      if (next.value instanceof Promise) await next.value;
      else if (next.value) options.onProgress?.(next.value);
      await makeWay(options.signal);
      next = steps.next();
    }
    const { bytes, columns } = next.value;
    if (options.verify) {
      const { signal, lossy = false } = options;
      const file = await openSource(bytesSource(bytes), { verify: true, ...(signal && { signal }) });
      try {
        compareWritten(columns, await file.read({ ...(signal && { signal }) }), lossy);
      } finally {
        await file.close();
      }
    }
    return bytes;
  } finally {
    steps.return(NOTHING);
  }
}

/**
 * The same at once. In a browser, `await init({ full: true })` first.
 * @throws {NcfError} as `write`
 */
export function writeSync(table: TableInput, options: Omit<WriteOptions, 'signal' | 'workers'> = {}): Uint8Array<ArrayBuffer> {
  const engine = writingEngine();
  engine.loadSync();
  const steps = encoding(engine, table, options, 0);
  try {
    let next = steps.next();
    while (!next.done) {
      if (next.value && !(next.value instanceof Promise)) options.onProgress?.(next.value);
      next = steps.next();
    }
    const { bytes, columns } = next.value;
    if (options.verify) {
      const file = openSync(bytes, { verify: true });
      try {
        compareWritten(columns, file.readSync(), options.lossy ?? false);
      } finally {
        void file.close();
      }
    }
    return bytes;
  } finally {
    steps.return(NOTHING);
  }
}
