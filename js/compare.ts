/** Whether what was written reads back as it was given: bit by bit, not as JavaScript compares. */

import type { AnyColumn } from './column.js';
import { NcfError } from './errors.js';
import { PER_SECOND } from './temporal.js';
import type { Table } from './table.js';
import type { ColumnBuffers, ValuesArray } from './wasm-types.js';

const isBit = (bitmap: Uint8Array, row: number): boolean => ((bitmap[row >> 3] ?? 0) >> (row & 7) & 1) === 1;

const bytesOf = ({ buffer, byteOffset, byteLength }: ValuesArray): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let index = 0; index < a.byteLength; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** What tells whether row `row`, which is null in neither, holds the same value. */
function valuesEqual(given: ColumnBuffers, found: AnyColumn): (row: number) => boolean {
  const [a, b] = [bytesOf(given.values), bytesOf(found.values)];
  switch (given.type) {
    case 'boolean':
      return (row) => isBit(a, row) === isBit(b, row);
    case 'string':
    case 'binary': {
      const [own, other] = [given.offsets ?? new Int32Array(1), found.offsets ?? new Int32Array(1)];
      return (row) => sameBytes(a.subarray(own[row], own[row + 1]), b.subarray(other[row], other[row + 1]));
    }
    case 'timestamp': {
      const [own, other] = [given.values as BigInt64Array, found.values as BigInt64Array];
      const [from, to] = [PER_SECOND[given.unit ?? 'us'], PER_SECOND[found.unit ?? 'us']];
      return (row) => (own[row] ?? 0n) * to === (other[row] ?? 0n) * from;
    }
    default: {
      const width = given.values.BYTES_PER_ELEMENT * (given.type === 'decimal' ? 2 : 1);
      return (row) => sameBytes(a.subarray(width * row, width * (row + 1)), b.subarray(width * row, width * (row + 1)));
    }
  }
}

/** Whether a value is one that lossy writing makes null: empty text, NaN. */
function isLost({ type, offsets, values }: ColumnBuffers, row: number): boolean {
  if (type === 'string') return offsets?.[row] === offsets?.[row + 1];
  return (type === 'float32' || type === 'float64') && Number.isNaN(values[row]);
}

/**
 * Compares what was given with what was read.
 * @param given what was to be written
 * @param table what was read
 * @param isLossy whether null may stand for empty text and NaN, and the other way round
 * @throws {NcfError} `internal` where they differ
 */
export function compareWritten(given: readonly ColumnBuffers[], table: Table, isLossy: boolean): void {
  for (const [index, buffers] of given.entries()) {
    const found = table.columns[index];
    const fail = (why: string, row?: number): NcfError =>
      new NcfError('internal', `the written file reads back differently: ${why}${row === undefined ? '' : `, in row ${row}`}, in column ${JSON.stringify(found?.name ?? index)}`, { column: found?.name, row });
    if (!found) throw fail('no column');
    if (found.type !== buffers.type) throw fail(`${found.type} instead of ${buffers.type}`);
    if (found.length !== buffers.length) throw fail(`${found.length} rows instead of ${buffers.length}`);
    const isEqual = valuesEqual(buffers, found);
    for (let row = 0; row < buffers.length; row++) {
      const [wasNull, isNull] = [buffers.validity !== undefined && !isBit(buffers.validity, row), found.isNull(row)];
      if (!wasNull && !isNull ? isEqual(row) : wasNull === isNull) continue;
      const accepted = isLossy && (wasNull || isLost(buffers, row)) && (isNull || isLost(found, row));
      if (!accepted) throw fail('another value', row);
    }
  }
}
