/** What a read returns. */

import type { AnyColumn, Column } from './column.js';
import { NcfError } from './errors.js';
import type { DataType } from './generated.js';
import type { Cell, DateMode, Int64Mode, Warning } from './types.js';

/** One row as an object; where two columns have one name, the last. */
export type Row<I extends Int64Mode = 'bigint', D extends DateMode = 'string'> = Record<string, Cell<DataType, I, D> | null>;

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

  #row: ((index: number) => Row<I, D>) | undefined;

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
    const row = rowMaker(this.columns, (column) => column.cells());
    for (let index = 0; index < this.numRows; index++) yield row(index);
  }

  /**
   * Row `index` of this table as a plain object; behind the end of a column its value is null.
   * @throws {NcfError} `invalid-argument` for a negative index or a fraction
   */
  row(index: number): Row<I, D> {
    return (this.#row ??= rowMaker(this.columns, (column) => (row) => column.get(row)))(index);
  }

  /** All rows as plain objects. */
  toArray(): Row<I, D>[] {
    const row = rowMaker(this.columns, (column) => column.cells());
    return Array.from({ length: this.numRows }, (_, index) => row(index));
  }

  /** Rows as plain objects, one after the other. */
  [Symbol.iterator](): IterableIterator<Row<I, D>> {
    return this.rows();
  }
}

/** Makes the function that makes rows, from what makes the function that gives the values of a column. */
function rowMaker<I extends Int64Mode, D extends DateMode>(
  columns: readonly AnyColumn<I, D>[],
  cellsOf: (column: AnyColumn<I, D>) => (index: number) => Cell<DataType, I, D> | null,
): (index: number) => Row<I, D> {
  const makers = columns.map((column) => ({ name: column.name, length: column.length, cell: cellsOf(column) }));
  return (index) => {
    const row: Row<I, D> = {};
    for (const { name, length, cell } of makers) {
      const value = index < length ? cell(index) : null;
      // A plain assignment to this name would set the prototype.
      if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
      else row[name] = value;
    }
    return row;
  };
}
