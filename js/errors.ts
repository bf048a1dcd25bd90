/** The one error class, and how everything that can be thrown becomes one. */

import type { NcfErrorCode } from './generated.js';

/** Where and why, beside the code. */
export interface NcfErrorDetails {
  /** Part of the file: `header`, `schema`, `statistics`, `data`, `footer`. */
  section?: string | undefined;
  /** Name of the column. */
  column?: string | undefined;
  /** Row of the value, counted in what the caller gave. */
  row?: number | undefined;
  /** Absolute byte offset in the file. */
  offset?: number | undefined;
  /** HTTP status of the answer. */
  status?: number | undefined;
  /** What the source calls itself: a URL or a path. */
  source?: string | undefined;
  /** What was caught. */
  cause?: unknown;
}

/**
 * Everything that this package throws, apart from the reason of an aborted `signal`.
 * Branch on `code`, never on the text.
 */
export class NcfError extends Error {
  /** Stable name of what went wrong. */
  readonly code: NcfErrorCode;
  /** Part of the file: `header`, `schema`, `statistics`, `data`, `footer`. */
  readonly section?: string;
  /** Name of the column. */
  readonly column?: string;
  /** Row of the value, counted from 0 in what the caller gave. */
  readonly row?: number;
  /** Absolute byte offset in the file. */
  readonly offset?: number;
  /** HTTP status of the answer. */
  readonly status?: number;
  /** What the source calls itself: a URL or a path. */
  readonly source?: string;

  /**
   * @param code stable name of what went wrong
   * @param message for people
   * @param details where and why
   */
  constructor(code: NcfErrorCode, message: string, details: NcfErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'NcfError';
    this.code = code;
    if (details.section !== undefined) this.section = details.section;
    if (details.column !== undefined) this.column = details.column;
    if (details.row !== undefined) this.row = details.row;
    if (details.offset !== undefined) this.offset = details.offset;
    if (details.status !== undefined) this.status = details.status;
    if (details.source !== undefined) this.source = details.source;
  }
}

/** The fields that the core sets on the errors it throws. */
type CoreError = Error & { code: NcfErrorCode } & NcfErrorDetails;

/** Whether the core threw it deliberately, its state being sound. */
function isCoreError(thrown: unknown): thrown is CoreError {
  return thrown instanceof Error && !(thrown instanceof WebAssembly.RuntimeError) && typeof (thrown as CoreError).code === 'string';
}

/** Bytes of wasm memory from which a trap is taken for a failed allocation. */
const NEARLY_FULL = 2 ** 31;

/**
 * Turns what a call into wasm threw into an `NcfError`.
 * @returns the error, and whether the instance may still be used
 */
export function fromCore(thrown: unknown, memoryBytes: number): { error: NcfError; sound: boolean } {
  if (isCoreError(thrown)) {
    const { section, column, row, offset } = thrown;
    return { error: new NcfError(thrown.code, thrown.message, { section, column, row, offset }), sound: true };
  }
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  // A panic and a failed allocation are the same trap; how much memory there is tells them apart.
  const isMemory = memoryBytes >= NEARLY_FULL || (thrown instanceof RangeError && /alloc|memory/i.test(text));
  const error = isMemory
    ? new NcfError('out-of-memory', `WebAssembly ran out of memory: ${text}`, { cause: thrown })
    : new NcfError('internal', `unexpected failure in the core: ${text}`, { cause: thrown });
  return { error, sound: false };
}

/** An error about an argument; with the column that it belongs to, if there is one. */
export function invalid(name: string, why: string, column?: string): NcfError {
  return inColumn('invalid-argument', `${name}: ${why}`, column);
}

/** An error about a type of a column, or a value in one of its rows. */
export function mismatch(why: string, column: string, row?: number): NcfError {
  return inColumn('type-mismatch', row === undefined ? why : `${why}, in row ${row}`, column, row);
}

function inColumn(code: NcfErrorCode, message: string, column: string | undefined, row?: number): NcfError {
  if (column === undefined) return new NcfError(code, message);
  return new NcfError(code, `${message}, in column ${JSON.stringify(column)}`, { column, row });
}
