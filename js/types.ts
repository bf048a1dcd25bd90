/** The public shapes: schema, statistics, values, options. Counts are numbers, sizes are bytes, ranges half-open. */

import type { Filter } from './filter.js';
import type { DataType, Dialect, SemanticType, WarningCode } from './generated.js';

/** Schema of one column, as the file states it. */
export interface ColumnSchema {
  /** Column name; any text, empty included. */
  readonly name: string;
  /** Declared type. A Python 1.0 column can hold something else: see `Column.type` and `Table.warnings`. */
  readonly type: DataType;
  /** Whether nulls are allowed; a hint in the legacy dialects. */
  readonly nullable: boolean;
  /** What the values mean. */
  readonly semanticType: SemanticType;
  /** Text for people. */
  readonly description?: string | undefined;
  /** Statistics that somebody put into the schema, uninterpreted; those of the file are `NcfFile.statistics`. */
  readonly statistics?: unknown;
  /** Hint: which codec to use. */
  readonly compressionModel?: string | undefined;
  /** Hint: store distinct values once. */
  readonly useDictionary: boolean;
  /** Hint: build a learned index. */
  readonly createLearnedIndex: boolean;
  /** Hint: kind of learned index. */
  readonly indexModelType?: string | undefined;
  /** Whether the values identify persons. */
  readonly containsPii: boolean;
  /** Queries that the table should serve well. */
  readonly typicalQueryPatterns: readonly string[];
  /** Columns of one group are stored next to each other. */
  readonly columnGroup?: number | undefined;
  /** For timestamps of version 2: whether the values are instants in UTC. */
  readonly utc?: boolean | undefined;
  /** For decimals of version 2: digits that any value can have. */
  readonly precision?: number | undefined;
  /** For decimals of version 2: digits behind the point. */
  readonly scale?: number | undefined;
  /** Keys that this release does not know; they survive a round trip. A `Map` where keys are not all text. */
  readonly extra: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>;
}

/** Schema of a table, as the file states it. */
export interface Schema {
  /** Name of the table. */
  readonly tableName: string;
  /** The user's own count of schema versions. */
  readonly version: number;
  /** When the schema was made, as its user wrote it. */
  readonly createdAt?: string | undefined;
  /** When the schema was changed, as its user wrote it. */
  readonly modifiedAt?: string | undefined;
  /** Rows as the schema states them; use `NcfFile.numRows`. */
  readonly rowCount: number;
  /** Codec as the schema states it; `NcfFile.layout()` knows that of each chunk. */
  readonly defaultCompression: string;
  /** Hint: build learned indexes. */
  readonly enableLearnedIndexes: boolean;
  /** The columns in schema order. */
  readonly columns: readonly ColumnSchema[];
  /** Column groups as the user named them; a `Map` where keys are not all text. */
  readonly columnGroups: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>;
  /** Keys that this release does not know; they survive a round trip. */
  readonly extra: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>;
}

/** A value as `Column.get` gives it by default. */
export type AnyCell = boolean | number | bigint | string | Date | Uint8Array;

/**
 * Statistics of a column or of one of its row groups, as the writer of the file measured them.
 *
 * Those of version 2 are exact where they do not say otherwise, and bounds are always true; the writer leaves bounds out
 * of columns with personal data. Bounds of floats follow IEEE 754 totalOrder: -0 is below 0. Python 1.0 measured its input before conversion, and states bounds as text: a bound that does not fit the column's
 * type is given as that text. Rust 2.0 states bounds as floats, rounded beyond 2^53.
 */
export interface ColumnStatistics {
  /** Smallest value; NaN and nulls left out. */
  readonly min?: AnyCell;
  /** Largest value; NaN and nulls left out. */
  readonly max?: AnyCell;
  /** Nulls as the writer counted them: the legacy writers count NaN, too, and Rust 2.0 also empty text. */
  readonly nullCount: number;
  /** Rows. */
  readonly totalCount: number;
  /** Distinct values, where they were counted. */
  readonly distinctCount?: number;
  /** Mean length of text in characters; legacy dialects. */
  readonly avgLength?: number;
  /** Floats that are NaN; version 2. */
  readonly nanCount?: number;
  /** Bytes of all values of text or binary together; version 2. */
  readonly valueBytes?: number;
  /** How the values are sorted, nulls left out; `equal`: both ways. Missing where they are not, or it is not known; version 2. */
  readonly order?: 'ascending' | 'descending' | 'equal';
  /** Whether `min` is a value of the column, rather than only no larger than any; version 2, which cuts long text. */
  readonly minIsExact?: boolean;
  /** Whether `max` is a value of the column, rather than only no smaller than any; version 2. */
  readonly maxIsExact?: boolean;
  /** Whether `distinctCount` was counted, rather than estimated; version 2. */
  readonly distinctIsExact?: boolean;
}

/** How 64-bit integers are given: exact `bigint`; `number`, which throws `unsafe-value` beyond 2^53; or text. */
export type Int64Mode = 'bigint' | 'number' | 'string';

/**
 * How dates and timestamps are given.
 * - `string`: exact ISO 8601 text: `2024-02-29`, `2024-02-29T12:00:00.000001`, with a `Z` where the column is UTC;
 * - `date`: a `Date`, which throws `unsafe-value` where it cannot be exact (fractions of a millisecond, years beyond ±270,000);
 * - `raw`: days as `number`, timestamps as `bigint` count of `Column.unit`.
 */
export type DateMode = 'string' | 'date' | 'raw';

/** When strings become bytes; see `ReadOptions.text`. */
export type TextMode = 'lazy' | 'bytes';

/** Typed array of each data type; see `Column.values`. */
export interface ValuesByType {
  int8: Int8Array<ArrayBuffer>;
  int16: Int16Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  int64: BigInt64Array<ArrayBuffer>;
  uint8: Uint8Array<ArrayBuffer>;
  uint16: Uint16Array<ArrayBuffer>;
  uint32: Uint32Array<ArrayBuffer>;
  uint64: BigUint64Array<ArrayBuffer>;
  float32: Float32Array<ArrayBuffer>;
  float64: Float64Array<ArrayBuffer>;
  /** UTF-8 of all values; `offsets` tells them apart. */
  string: Uint8Array<ArrayBuffer>;
  /** Bytes of all values; `offsets` tells them apart. */
  binary: Uint8Array<ArrayBuffer>;
  /** Bitmap, least significant bit first, 1 = true. */
  boolean: Uint8Array<ArrayBuffer>;
  /** Days since 1970-01-01. */
  date: Int32Array<ArrayBuffer>;
  /** Counts of `unit` since 1970-01-01T00:00:00. */
  timestamp: BigInt64Array<ArrayBuffer>;
  /** Two per value: low and high half of the unscaled two's complement integer. */
  decimal: BigUint64Array<ArrayBuffer>;
}

interface Int64Cells {
  bigint: bigint;
  number: number;
  string: string;
}

interface DateCells {
  string: string;
  date: Date;
  raw: number;
}

interface TimestampCells {
  string: string;
  date: Date;
  raw: bigint;
}

/** JavaScript type of one value of a data type. Decimals are exact text. */
export type Cell<T extends DataType, I extends Int64Mode = 'bigint', D extends DateMode = 'string'> =
  T extends 'int64' | 'uint64' ? Int64Cells[I]
  : T extends 'date' ? DateCells[D]
  : T extends 'timestamp' ? TimestampCells[D]
  : T extends 'string' | 'decimal' ? string
  : T extends 'boolean' ? boolean
  : T extends 'binary' ? Uint8Array<ArrayBuffer>
  : number;

/** How far a call has come. */
export interface Progress {
  /** What is being done. */
  readonly phase: 'fetch' | 'decode' | 'verify' | 'encode';
  /**
   * Done so far: bytes while fetching, verifying and copying; chunks while decoding, row groups while decoding batches; rows
   * while encoding version 2, columns while encoding a legacy dialect. Where neural chunks are encoded, each of them counts
   * for some rows of its row group.
   */
  readonly loaded: number;
  /** All of it, in the same unit; what is done so far where nobody knows. */
  readonly total: number;
  /** The column that was done last. */
  readonly column?: string;
}

/** What every asynchronous call takes. */
export interface CallOptions {
  /** Stops the call: requests are aborted, and between columns it looks. The call rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called now and then. */
  onProgress?: (progress: Progress) => void;
}

/** A remark about something odd in a file that was read all the same. */
export interface Warning {
  /** What kind of oddity. */
  readonly code: WarningCode;
  /** For people. */
  readonly message: string;
  /** Which column. */
  readonly column?: string;
}

/** What a hostile file may cost. */
export interface Limits {
  /** Bytes of one metadata section; default 16 MiB. */
  maxMetadataBytes?: number;
  /** Bytes of one column after decompression; default 1 GiB. */
  maxColumnBytes?: number;
  /** Columns of a table; default 100,000. */
  maxColumns?: number;
}

/** How to reach a URL. */
export interface FetchOptions {
  /** Instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Headers, credentials, mode ... of every request. */
  requestInit?: RequestInit;
  /** Size of the file, where the server does not tell it. */
  byteLength?: number;
  /** A server that ignores ranges: `download` the whole file (the default), or `error`. */
  onRangeIgnored?: 'download' | 'error';
  /** Most that is downloaded then; default 256 MiB. */
  maxDownloadBytes?: number;
}

/** Options of `open`. */
export interface OpenOptions extends CallOptions {
  /**
   * Check all bytes of the file while opening, and refuse a file that fails: `true`, `false`, or `auto` (the default),
   * which does so for legacy files in memory. Those have one checksum for everything, whereas in version 2 each chunk
   * is checked when it is read, and the footer always.
   */
  verify?: boolean | 'auto';
  /**
   * The digest that the file must have: `sha256-` and base64, as in the `integrity` attribute of HTML, or 64 hexadecimal
   * digits, as `NcfFile.digest` has them. In version 2 it vouches for everything that is read, whichever parts those
   * are: each is checked by SHA-256. Of a legacy file all bytes are read and checked while opening.
   */
  integrity?: string;
  /**
   * Check the hash of each chunk of version 2 that is read (XXH3); default true. Without it, damage can be read as other
   * values without an error, above all in neural chunks, where a bit changes the meaning of all that follow; it never does
   * anything worse. `integrity` checks another hash anyway.
   */
  checksums?: boolean;
  /** Return what is left of Python 1.1 files, whose writer destroyed their first columns, instead of refusing them. */
  salvage?: boolean;
  /** What the file may cost. */
  limits?: Limits;
  /** How to reach a URL. */
  fetch?: FetchOptions;
  /** Bytes of the first read of a Blob, file or URL, from its end; default 128 KiB. A file that is no larger needs no other. */
  tailBytes?: number;
  /** Fewest bytes that another small read fetches; default 4 KiB, and 32 KiB from a URL. */
  readAheadBytes?: number;
  /** Reads closer than this become one; default 4 KiB, and 64 KiB from a URL. */
  coalesceBytes?: number;
}

/** Options of `NcfFile.read`. */
export interface ReadOptions<I extends Int64Mode = Int64Mode, D extends DateMode = DateMode> extends CallOptions {
  /** Names, in the order wanted; default all, in schema order. */
  columns?: readonly string[];
  /** First row; default 0. */
  rowStart?: number;
  /** Row behind the last; default all. Beyond the end is the end. */
  rowEnd?: number;
  /** Most rows, counted behind the filter; default all. */
  limit?: number;
  /**
   * What rows must fulfil. Row groups that cannot hold such rows are told by their statistics and not fetched; of the
   * others the columns that the filter names come first, and the rest only where rows were found.
   */
  filter?: Filter;
  /**
   * Workers that decode version 2 at the same time, each some columns or some row groups. Default `auto`: as many threads
   * as there are processors, at most 8, where that pays, which a first call seldom does, as workers would have to start; the
   * calling thread is one of them unless it is that of a page.
   * 0: the calling thread decodes, as it does in `batches` and `rows`, and wherever workers cannot be had. What is read is
   * the same.
   */
  workers?: number | 'auto';
  /**
   * When strings that the file has a dictionary of become bytes: by `lazy`, the default, once `values` or `offsets` of the
   * column are asked for, so that `get`, `toArray` and rows never wait for them; by `bytes` at once, which takes less time
   * for whoever wants nothing else.
   */
  text?: TextMode;
  /** How `get` and rows give 64-bit integers; default `bigint`. */
  int64?: I;
  /** How `get` and rows give dates and timestamps; default `string`. */
  dates?: D;
}

/** Options of `NcfFile.batches`. */
export interface BatchOptions<I extends Int64Mode = Int64Mode, D extends DateMode = DateMode> extends ReadOptions<I, D> {
  /** Rows of each batch but the last; default those of a row group that are wanted. */
  batchSize?: number;
}

/** Rows `start` to `end` of a file, which are stored together. */
export interface RowGroup {
  readonly start: number;
  readonly end: number;
}

/** A part of a file whose bytes are not those that were written. */
export interface VerifyProblem {
  /** What is there: `chunk`, `footer`, `block`, `digests`, `header`; `file` in the legacy dialects, which have one checksum. */
  readonly section: string;
  /** The column that it belongs to. */
  readonly column?: string;
  /** The row group of a chunk. */
  readonly rowGroup?: number;
  /** Its first byte. */
  readonly start: number;
  /** The byte behind its last. */
  readonly end: number;
  /** SHA-256 that the file states, hexadecimal. */
  readonly expected: string;
  /** SHA-256 of the bytes, hexadecimal. */
  readonly actual: string;
}

/** Outcome of `NcfFile.verify`. */
export interface VerifyReport {
  /** Whether the bytes are those that were written. */
  readonly ok: boolean;
  /** SHA-256 that the file states, hexadecimal: that of the first problem, or `NcfFile.digest`. */
  readonly expected: string;
  /** SHA-256 of the bytes by the dialect's rule, hexadecimal. */
  readonly actual: string;
  /** Bytes that were checked: all, but for the digest itself and what legacy checksums leave out. */
  readonly bytes: number;
  /** What differs. Of chunks whose list is damaged only the list is told. */
  readonly problems: readonly VerifyProblem[];
}

/** Where everything is in a file. */
export interface Layout {
  /** Size of the file. */
  readonly byteLength: number;
  /** Its parts, in order. */
  readonly sections: readonly { readonly name: string; readonly start: number; readonly end: number }[];
  /** Its stored columns by row group, in the order of the file; the bytes without the header in front of them. */
  readonly chunks: readonly {
    /** Name of the column. */
    readonly column: string;
    readonly rowGroup: number;
    readonly start: number;
    readonly end: number;
    /** How the bytes are compressed; `encoded` in version 2, whose chunks say so stream by stream. */
    readonly compression: string;
    /** Column group, in the dialect that has them. */
    readonly group?: number;
    /** Columns that the chunk is predicted from: whoever reads it reads those, too. */
    readonly parents?: readonly string[];
  }[];
}

/** Dialects that can be written. */
export type WritableDialect = Exclude<Dialect, 'python-1.1'>;
