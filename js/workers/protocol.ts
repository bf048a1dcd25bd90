/**
 * What passes between the calling thread and its workers. A worker decodes columns of version 2: it opens the file
 * itself, by asking the calling thread for the bytes of the directory, and is given the chunks. Or it encodes neural
 * chunks, of columns that it is given, or columns of row groups, step by step.
 */

import type { Piece, Range } from '../bytes.js';
import { arraysOfPart } from '../coded-text.js';
import { NcfError, type NcfErrorDetails } from '../errors.js';
import type { WasmKind } from '../engine.js';
import type { NcfErrorCode } from '../generated.js';
import { isMovable } from '../memory.js';
import type { Selection } from '../scan.js';
import type { Claims } from './claims.js';
import type { ColumnBuffers, ColumnData, FieldSetup, OpenLimits, WriterSetup } from '../wasm-types.js';

/** Chunks of one row group by column. */
export type Chunks = readonly (readonly [column: number, bytes: Uint8Array])[];

/** Rows that are a row group. */
export interface RowGroup {
  readonly setup: WriterSetup;
  readonly fields: readonly FieldSetup[];
  readonly columns: readonly ColumnBuffers[];
  /** The row of the table with which they begin, for errors. */
  readonly first: number;
}

/** What a worker does with columns of a row group that it holds; see `StreamEncoder`. */
export type Step =
  | { readonly kind: 'survey'; readonly claims: Claims }
  | { readonly kind: 'attempt'; readonly claims: Claims; readonly plan: Uint8Array }
  /** The last one: the worker holds the row group no longer. What it gives is in `room`, if there is such and it fits. */
  | { readonly kind: 'encode'; readonly claims: Claims; readonly models: Uint8Array; readonly room?: Uint8Array | undefined };

/** What to decode of a file. */
export interface Task {
  readonly columns: readonly number[];
  /** Whether strings of a dictionary stay codes. */
  readonly keepsCodes: boolean;
  /** Whether the worker tells of each chunk that it decoded. */
  readonly tells: boolean;
  /** First row of each row group of the file, and behind the last one the end. */
  readonly bounds: Float64Array;
  /** Rows of the read before those of the task. */
  readonly firstRow: number;
  /** Rows of all its row groups, where there are several. */
  readonly numRows: number | undefined;
}

/** To a worker. Files and jobs have numbers that their sender chose. */
export type Order =
  /** A compiled module: one that reads before the first file, and the neural codec before the first chunk that needs it. */
  | { readonly kind: 'module'; readonly wasm: WasmKind; readonly module: WebAssembly.Module }
  /** A file that jobs will name, and its end, where that is at hand. */
  | { readonly kind: 'open'; readonly file: number; readonly byteLength: number; readonly limits: OpenLimits; readonly known: Piece | undefined }
  /** No job will name that file any more. */
  | { readonly kind: 'close'; readonly file: number }
  /** A job: columns of a file, whose row groups come next; and buffers that the worker made, to be used again. */
  | ({ readonly kind: 'start'; readonly job: number; readonly file: number; readonly buffers: readonly ArrayBuffer[] } & Task)
  /** The next row group of a job. */
  | { readonly kind: 'add'; readonly job: number; readonly selection: Selection; readonly chunks: Chunks }
  /** All row groups were added. */
  | { readonly kind: 'take'; readonly job: number }
  /** A job: a neural chunk, from the column and its parents; the worker has the codec. */
  | { readonly kind: 'encode'; readonly job: number; readonly columns: Uint8Array<ArrayBuffer>[]; readonly level: number }
  /** A job: a row group to hold; the worker has the module that writes. */
  | { readonly kind: 'hold'; readonly job: number; readonly group: RowGroup }
  /** The next step of such a job. */
  | { readonly kind: 'step'; readonly job: number; readonly step: Step }
  /** Nobody waits for that job any more. */
  | { readonly kind: 'stop'; readonly job: number }
  /** The answer to `need`. */
  | { readonly kind: 'bytes'; readonly request: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'no-bytes'; readonly request: number; readonly error: PlainError };

/** From a worker. */
export type Report =
  /** Bytes of a file, to open it. */
  | { readonly kind: 'need'; readonly request: number; readonly file: number; readonly range: Range }
  /** A chunk of that column was decoded. */
  | { readonly kind: 'decoded'; readonly job: number; readonly column: number }
  /** The columns, in the order of the job. */
  | { readonly kind: 'taken'; readonly job: number; readonly columns: readonly ColumnData[] }
  /** The neural chunk of the job. */
  | { readonly kind: 'encoded'; readonly job: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** What the oldest step of the job gave that was not told of yet. */
  | { readonly kind: 'stepped'; readonly job: number; readonly bytes: Uint8Array; readonly isLast: boolean }
  /** The job ended with an error. */
  | { readonly kind: 'failed'; readonly job: number; readonly error: PlainError };

/** An `NcfError` that can cross. */
export interface PlainError extends NcfErrorDetails {
  readonly code: NcfErrorCode;
  readonly message: string;
}

/** What was thrown, so that it can cross. */
export function toPlain(thrown: unknown): PlainError {
  if (!(thrown instanceof NcfError)) return { code: 'internal', message: `unexpected failure in a worker: ${String(thrown)}` };
  const { code, message, section, column, row, offset, status, source } = thrown;
  return { code, message, section, column, row, offset, status, source };
}

/** The error that crossed. */
export function fromPlain({ code, message, ...details }: PlainError): NcfError {
  return new NcfError(code, message, details);
}

/** The buffers of columns that are moved: all that are not shared. */
export function buffersOf(columns: readonly (ColumnBuffers | ColumnData)[]): ArrayBuffer[] {
  return columns.flatMap((column) => {
    const parts = 'parts' in column ? (column.parts ?? []).flatMap(arraysOfPart) : [];
    return [column.values, column.offsets, column.validity, ...parts].flatMap((array) => (array && isMovable(array.buffer) ? [array.buffer] : []));
  });
}
