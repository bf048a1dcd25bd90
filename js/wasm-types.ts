/** Shapes of what crosses the boundary to wasm; src/wasm produces and consumes them. */

import type { DataType, TimeUnit, WarningCode } from './generated.js';
import type { ColumnSchema, Schema } from './types.js';

/** Options of `new Reader`. */
export interface OpenLimits {
  salvage?: boolean;
  checksums?: boolean;
  integrity?: Uint8Array;
  maxMetadataBytes?: number;
  maxColumnBytes?: number;
  maxColumns?: number;
}

/** A remark of the reader. */
export interface CoreWarning {
  code: WarningCode;
  message: string;
  column?: string;
}

/** What `Reader.info()` says of a file; optional fields of Rust are `undefined`. */
export interface FileInfo {
  dialect: string;
  numRows: number;
  created: number | undefined;
  modified: number | undefined;
  schema: Schema;
  sections: { name: string; start: number; end: number }[];
  warnings: CoreWarning[];
  lostColumns: number[];
  digest: string;
}

/** `Reader.info()`: of columns only what is not usual. */
export interface CoreInfo extends Omit<FileInfo, 'schema'> {
  schema: Omit<Schema, 'columns'> & { columns: FieldSetup[] };
}

/** `Reader.records()`. */
export interface RecordInfo {
  name: string;
  column: number | undefined;
  rowGroup: number;
  header: number;
  start: number;
  end: number;
  compression: string;
  group: number | undefined;
  /** Positions of the columns that the chunk is predicted from. */
  parents: number[];
}

/** Any of the arrays that hold values. */
export type ValuesArray =
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** What there is to say of a column but for its values. */
interface ColumnShape {
  type: DataType;
  length: number;
  validity?: Uint8Array<ArrayBuffer>;
  unit?: TimeUnit;
  utc?: boolean;
  precision?: number;
  scale?: number;
}

/** A column as canonical buffers: Arrow's layout. */
export interface ColumnBuffers extends ColumnShape {
  values: ValuesArray;
  offsets?: Int32Array<ArrayBuffer>;
  /** Of a part of a column: what its offsets start with, where that is not 0. */
  base?: number;
}

/** Strings of a dictionary: rows that follow each other. */
export interface CodedPart {
  /** Which entry each row is; where `hasNulls`, null is the number of entries. */
  codes: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** UTF-8 of all entries. */
  entries: Uint8Array<ArrayBuffer>;
  /** Where each entry starts, and behind the last one the end. */
  offsets: Int32Array<ArrayBuffer>;
  /** Bytes of all rows together. */
  size: number;
  hasNulls: boolean;
}

/** Strings one by one: rows that follow each other. */
export interface PlainPart {
  values: Uint8Array<ArrayBuffer>;
  /** Of rows, of which there can be fewer than offsets; the first one need not be 0. */
  offsets: Int32Array<ArrayBuffer>;
  /** How many rows there are, where that is fewer. */
  length?: number;
}

/** Rows of a column of strings. */
export type TextPart = CodedPart | PlainPart;

/** What `new ColumnBuilder` has memory from. */
export interface CoreMemory {
  /** A buffer of just so many bytes, with anything in them. */
  allocate(byteLength: number): ArrayBuffer;
  /** Takes one back that nobody else has. */
  recycle(buffer: ArrayBuffer): void;
}

/** `ColumnBuilder.take()`: `parts`, or else `values` and, of text and bytes, `offsets`. */
export interface ColumnData extends ColumnShape {
  values?: ValuesArray;
  offsets?: Int32Array<ArrayBuffer>;
  /** Of a part of a column: what its offsets start with, where that is not 0. */
  base?: number;
  /** Strings, where some come from dictionaries. */
  parts?: TextPart[];
  nullCount: number;
  warnings: CoreWarning[];
}

/** `ColumnBuilder.arrays()`: arrays for all rows that were announced, those that came already in them. */
export interface OpenArrays {
  /** Not those of booleans and text. */
  values?: ValuesArray;
  /** Not where strings come from a dictionary. */
  offsets?: Int32Array<ArrayBuffer>;
}

/** `Verifier.finish()`. */
export interface Verdict {
  ok: boolean;
  expected: string;
  actual: string;
  problems: {
    section: string;
    column: number | undefined;
    rowGroup: number | undefined;
    start: number;
    end: number;
    expected: string;
    actual: string;
  }[];
}

/** Options of `new TableWriter`, `new StreamWriter`, `StreamWriter.append` and `new Evolver`. */
export interface WriterSetup {
  dialect: string;
  compression: string | undefined;
  level: number | undefined;
  created: number | undefined;
  modified: number | undefined;
  lossy: boolean | undefined;
  rowGroupRows: number | undefined;
  bounds: string | undefined;
  crossColumn: boolean | undefined;
  tableName: string | undefined;
  schemaVersion: number | undefined;
  createdAt: string | undefined;
  modifiedAt: string | undefined;
  enableLearnedIndexes: boolean | undefined;
  columnGroups: unknown;
  extra: unknown;
}

/** `StreamWriter.finish()`. */
export interface Finished {
  bytes: Uint8Array<ArrayBuffer>;
  size: number;
  numRows: number;
  digest: string;
}

/** One of the edits of an `Evolver`. */
export type EditSetup = { drop: string } | { rename: string; to: string } | { field: FieldSetup; data: ColumnBuffers };

/** The answer of `Evolver.attempt`: header, ranges of the old file (start, end, start, end ...), tail. */
export interface Evolution {
  header: Uint8Array<ArrayBuffer>;
  copy: Float64Array<ArrayBuffer>;
  tail: Uint8Array<ArrayBuffer>;
  digest: string;
}

/** A column for `TableWriter.add`, `new StreamWriter` and `new Evolver`. */
export type FieldSetup = { name: string; type: DataType } & Partial<Omit<ColumnSchema, 'name' | 'type'>>;

/** A column that the neural codec is to encode. */
export interface NeuralTask {
  /** Of the column. */
  name: string;
  /** What tells it from others: a hash of all that follows. */
  key: string;
  level: number;
  /** The column and its parents; those of several tasks are the same arrays. */
  columns: Uint8Array<ArrayBuffer>[];
}

/** What `installNeural` takes: the neural codec, which is a module of its own. Columns are plain bytes (src/encoding/plain.rs). */
export interface NeuralCodec {
  /** A column, from the bytes of its chunk, its type, and its parents. */
  decode(bytes: Uint8Array, type: Uint8Array, rows: number, parents: Uint8Array, limit: number): Uint8Array;
  /** A chunk of each of these; nothing where they are encoded later, and will be asked for again. */
  encodeAll(tasks: NeuralTask[]): Uint8Array[] | undefined;
  /** Of each column the number of its parents, and these. */
  chooseParents(columns: Uint8Array, maxChain: number): Uint32Array;
}

/** What `installThorough` takes: the levels 5 to 22 of ZSTD, which are a module of their own. */
export interface ThoroughCodec {
  /** One frame, with content size and without checksum. */
  compress(bytes: Uint8Array, level: number): Uint8Array;
}
