/** What a read returns. */

import type { AnyColumn, Column } from './column.js';
import { NcfError } from './errors.js';
import type { DataType } from './generated.js';
import type { Cell, DateMode, Int64Mode, Warning } from './types.js';

/** One row as an object; where two columns have one name, the last. */
export type Row<I extends Int64Mode = 'bigint', D extends DateMode = 'string'> = Record<string, Cell<DataType, I, D> | null>;

/** Rows that are made at once: at first few, as a caller may not want all. */
const FIRST_BLOCK = 16;
const MAX_BLOCK = 1024;

/** Columns of equal length, but for odd legacy files, whose shorter columns read as null in rows; `warnings` tells. */
export class Table<I extends Int64Mode = 'bigint', D extends DateMode = 'string'> implements Iterable<Row<I, D>> {
  /** The columns, in the order asked for. */
  readonly columns: readonly AnyColumn<I, D>[];
  /** Number of rows: length of the longest column, or of the asked-for range where there are no columns. */
  readonly numRows: number;
  /** Position in the file of the first row. */
  readonly rowStart: number;
  /** What was odd in the columns that were read. */
  readonly warnings: readonly Warning[];

  #row: Row<I, D> | undefined;

  /** @internal */
  constructor(columns: AnyColumn<I, D>[], numRows: number, rowStart: number, warnings: Warning[]) {
    this.columns = columns;
    this.numRows = numRows;
    this.rowStart = rowStart;
    this.warnings = warnings;
  }

  /**
   * The column of that name; the first where several have it. With a type, the column as that type.
   * @throws {NcfError} `unknown-column`, or `type-mismatch` where it has another type
   */
  column(name: string): AnyColumn<I, D>;
  column<T extends DataType>(name: string, type: T): Column<T, I, D>;
  column(name: string, type?: DataType): AnyColumn<I, D> {
    const column = this.columns.find((candidate) => candidate.name === name);
    if (!column) throw new NcfError('unknown-column', `no column named ${JSON.stringify(name)} in this table`, { column: name });
    if (type !== undefined && column.type !== type) {
      throw new NcfError('type-mismatch', `expected ${type}, found ${column.type}`, { column: name });
    }
    return column;
  }

  /** Rows as plain objects, one after the other. */
  *rows(): IterableIterator<Row<I, D>> {
    let block = FIRST_BLOCK;
    for (let start = 0; start < this.numRows; start += block, block = Math.min(2 * block, MAX_BLOCK)) {
      const rows: Row<I, D>[] = [];
      this.#fill(rows, start, Math.min(start + block, this.numRows));
      yield* rows;
    }
  }

  /**
   * Row `index` of this table as a plain object; behind the end of a column its value is null.
   * @throws {NcfError} `invalid-argument` for a negative index or a fraction
   */
  row(index: number): Row<I, D> {
    const row: Row<I, D> = { ...this.#template() };
    for (const column of this.columns) row[column.name] = index < column.length ? column.get(index) : null;
    return row;
  }

  /** All rows as plain objects. */
  toArray(): Row<I, D>[] {
    const rows = new Array<Row<I, D>>(this.numRows);
    for (let start = 0; start < this.numRows; start += MAX_BLOCK) this.#fill(rows, start, Math.min(start + MAX_BLOCK, this.numRows), start);
    return rows;
  }

  /** Rows as plain objects, one after the other. */
  [Symbol.iterator](): IterableIterator<Row<I, D>> {
    return this.rows();
  }

  /** Puts the rows `start` to `end` into an array, from position `at` on: column by column, which is what engines do fast. */
  #fill(rows: Row<I, D>[], start: number, end: number, at = 0): void {
    const count = end - start;
    const template = this.#template();
    for (let index = 0; index < count; index++) rows[at + index] = { ...template };
    for (const { name, length, cells } of this.columns.map((column) => ({ name: column.name, length: column.length, cells: column.cells() }))) {
      const block = new Array<Cell<DataType, I, D> | null>(count);
      const there = Math.max(0, Math.min(end, length) - start);
      cells.fill(block, start, start + there);
      block.fill(null, there);
      assign(rows, at, name, block);
    }
  }

  /** A row whose copies have all columns, in their order, so that their values only need be put in. */
  #template(): Row<I, D> {
    if (!this.#row) {
      this.#row = {};
      // A plain assignment to `__proto__` would set the prototype; to a property that is there it does not.
      for (const { name } of this.columns) Object.defineProperty(this.#row, name, { value: null, enumerable: true, configurable: true, writable: true });
    }
    return this.#row;
  }
}

/** Gives rows their values of one column. */
function assign<T>(rows: Record<string, T>[], at: number, name: string, values: readonly T[]): void {
  for (let index = 0; index < values.length; index++) {
    const row = rows[at + index];
    if (row) row[name] = values[index] as T;
  }
}
