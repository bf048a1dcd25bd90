/** The public shapes: schema, statistics, values, options. Counts are numbers, sizes are bytes, ranges half-open. */

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
  /** Codec as the schema states it; `NcfFile.layout()` knows that of each column. */
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
 * Statistics of a column, as the writer of the file measured them.
 *
 * Python 1.0 measured its input before conversion, and states bounds as text: a bound that does not fit the column's
 * type is given as that text. Rust 2.0 states bounds as floats, rounded beyond 2^53.
 */
export interface ColumnStatistics {
  /** Smallest value; NaN and nulls left out. */
  readonly min?: AnyCell;
  /** Largest value; NaN and nulls left out. */
  readonly max?: AnyCell;
  /** Nulls as the writer counted them: the legacy writers count NaN, Rust 2.0 also empty text. */
  readonly nullCount: number;
  /** Rows. */
  readonly totalCount: number;
  /** Distinct values, where they were counted. */
  readonly distinctCount?: number;
  /** Mean length of text in characters. */
  readonly avgLength?: number;
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
  /** Done so far: bytes while fetching and verifying, columns while decoding and encoding. */
  readonly loaded: number;
  /** All of it, in the same unit. */
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
  /** Bytes of the first request; default 64 KiB. */
  prefixBytes?: number;
  /** A server that ignores ranges: `download` the whole file (the default), or `error`. */
  onRangeIgnored?: 'download' | 'error';
  /** Most that is downloaded then; default 256 MiB. */
  maxDownloadBytes?: number;
}

/** Options of `open`. */
export interface OpenOptions extends CallOptions {
  /**
   * Check the whole file's checksum while opening, and refuse a file that fails: `true`, `false`, or `auto`
   * (the default), which checks what is in memory anyway and leaves Blobs, files and URLs to `verify()`.
   */
  verify?: boolean | 'auto';
  /** Return what is left of Python 1.1 files, whose writer destroyed their first columns, instead of refusing them. */
  salvage?: boolean;
  /** What the file may cost. */
  limits?: Limits;
  /** How to reach a URL. */
  fetch?: FetchOptions;
  /** Fewest bytes that a small read of a Blob, file or URL fetches; default 4 KiB, and 32 KiB from a URL. */
  readAheadBytes?: number;
  /** Reads of columns closer than this become one; default 4 KiB, and 64 KiB from a URL. */
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
  /** How `get` and rows give 64-bit integers; default `bigint`. */
  int64?: I;
  /** How `get` and rows give dates and timestamps; default `string`. */
  dates?: D;
}

/** Outcome of `NcfFile.verify`. */
export interface VerifyReport {
  /** Whether the bytes are those that were written. */
  readonly ok: boolean;
  /** SHA-256 that the file states, hexadecimal. */
  readonly expected: string;
  /** SHA-256 of its bytes by the dialect's rule, hexadecimal. */
  readonly actual: string;
  /** Bytes that the checksum covers. */
  readonly bytes: number;
}

/** Where everything is in a file. */
export interface Layout {
  /** Size of the file. */
  readonly byteLength: number;
  /** Its parts, in order. */
  readonly sections: readonly { readonly name: string; readonly start: number; readonly end: number }[];
  /** Its stored columns, in order; the bytes without the header in front of them. */
  readonly columns: readonly {
    readonly name: string;
    readonly start: number;
    readonly end: number;
    /** How the bytes are compressed. */
    readonly compression: string;
    /** Column group, in the dialect that has them. */
    readonly group?: number;
  }[];
}

/** Dialects that can be written. */
export type WritableDialect = Exclude<Dialect, 'python-1.1'>;
