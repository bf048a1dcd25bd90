/** Compares what an adapter reads with the table that it wrote, cell by cell. Nothing is timed before that. */

import { toValues } from './data.mjs';

/**
 * Reads a file in every way that is timed, and throws at the first cell that differs from the table.
 * @param {import('./adapters.mjs').Adapter} adapter
 * @param {import('./adapters.mjs').Bytes} bytes its file of the table
 * @param {import('./data.mjs').Table} table
 * @param {import('./cases.mjs').TableCase} wanted
 * @param {readonly string[]} cases the timed ones
 */
export async function compare(adapter, bytes, table, wanted, cases) {
  const { check } = adapter;
  const { columns } = table;
  const index = (/** @type {string} */ name) => columns.findIndex((column) => column.name === name);
  /** @type {(column: number) => ArrayLike<unknown>} */
  const cellsOf = (column) => toValues(/** @type {typeof columns[number]} */ (columns[column])).data;
  /** @type {(column: number, found: unknown[], how: string, rows?: number[]) => void} */
  const compareColumn = (column, found, how, rows) => {
    const { name, type } = /** @type {typeof columns[number]} */ (columns[column]);
    const cells = cellsOf(column);
    const expected = rows ? rows.map((row) => cells[row]) : cells;
    if (found.length !== expected.length) throw new Error(`${how}: ${found.length} rows of ${name} instead of ${expected.length}`);
    for (let row = 0; row < expected.length; row++) {
      const cell = expected[row];
      // Hyparquet has undefined for null.
      const seen = (type === 'timestamp' ? check.timestamp(found[row]) : found[row]) ?? null;
      const text = type === 'string' && seen instanceof Uint8Array ? Buffer.from(seen).toString() : seen;
      if (!Object.is(text, cell)) throw new Error(`${how}: row ${row} of ${name} is ${String(text)} instead of ${String(cell)}`);
    }
  };
  /** @type {(found: Record<string, unknown>[], how: string, rows?: number[]) => void} */
  const compareRows = (found, how, rows) => {
    for (const [column, { name }] of columns.entries()) compareColumn(column, found.map((row) => row[name]), how, rows);
  };
  for (const name of cases) {
    if (name === 'buffers') {
      const cells = check.bufferCells(await adapter.buffers(bytes));
      for (const column of columns.keys()) compareColumn(column, cells(column), name);
    } else if (name === 'values') {
      const cells = check.valueCells(await adapter.values(bytes));
      for (const column of columns.keys()) compareColumn(column, cells(column), name);
    } else if (name === 'number') {
      compareColumn(index(wanted.number), check.numberCells(await adapter.number(bytes, wanted.number)), name);
    } else if (name === 'text') {
      compareColumn(index(wanted.text), check.textCells(await adapter.text(bytes, wanted.text)), name);
    } else if (name === 'rows') {
      compareRows(/** @type {Record<string, unknown>[]} */ (await adapter.rows(bytes)), name);
    } else if (name === 'filter') {
      const cells = cellsOf(index(wanted.filter.column));
      const rows = Array.from({ length: table.rows }, (_, row) => row).filter((row) => cells[row] !== null && Number(cells[row]) >= wanted.filter.least);
      compareRows(/** @type {Record<string, unknown>[]} */ (await adapter.filter(bytes, wanted.filter)), name, rows);
    }
  }
}
