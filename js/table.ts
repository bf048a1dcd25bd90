/** What a read returns. */

import type { AnyColumn, Column } from './column.js';
import { NcfError } from './errors.js';
import type { DataType } from './generated.js';
import { takeAway } from './memory.js';
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

  #shape: RowShape | undefined;
  #isReleased = false;

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
    const row: Row<I, D> = { ...this.#rowShape().template };
    for (const column of this.columns) row[column.name] = index < column.length ? column.get(index) : null;
    return row;
  }

  /** All rows as plain objects. */
  toArray(): Row<I, D>[] {
    const rows = new Array<Row<I, D>>(this.numRows);
    for (let start = 0; start < this.numRows; start += MAX_BLOCK) this.#fill(rows, start, Math.min(start + MAX_BLOCK, this.numRows), start);
    return rows;
  }

  /**
   * Gives the memory of the columns back, for the tables that are read or written next: new memory can take as long as to
   * decode what goes there. Arrays of the columns are empty from then on, wherever they are; strings, rows and what
   * `Column.toArray` made stay. Who asks the columns for anything is told `closed`. Safe to call twice.
   *
   * What nobody uses is let go of after 20 seconds. A table that is not released is collected like anything else.
   */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    takeAway(this.columns.flatMap((column) => column.release()));
  }

  /** The same. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** Rows as plain objects, one after the other. */
  [Symbol.iterator](): IterableIterator<Row<I, D>> {
    return this.rows();
  }

  /** Puts the rows `start` to `end` into an array, from position `at` on. */
  #fill(rows: Row<I, D>[], start: number, end: number, at = 0): void {
    const count = end - start;
    const shape = this.#rowShape();
    const { template, names } = shape;
    const lanes = this.columns.map((column, position): Lane<Row<I, D>[string]> => {
      const values = new Array<Row<I, D>[string]>(count);
      const there = Math.max(0, Math.min(end, column.length) - start);
      column.cells().fill(values, start, start + there);
      values.fill(null, there);
      return { name: names[position] ?? column.name, values };
    });
    const isFavoured = shape === favoured;
    if (isFavoured) makeRows(rows, at, count, template, lanes);
    else for (let index = 0; index < count; index++) rows[at + index] = { ...template };
    for (const { name, values } of isFavoured ? lanes.slice(NUM_LINES) : lanes) assign(rows, at, name, values);
  }

  #rowShape(): RowShape {
    if (!this.#shape) {
      this.#shape = shapeOf(this.columns.map(({ name }) => name));
      if (this.numRows >= MANY_ROWS) favoured ??= this.#shape;
    }
    return this.#shape;
  }
}

/** What the rows of a table have in common. */
interface RowShape {
  /** A row whose copies have all columns, in their order, so that their values only need be put in. */
  readonly template: Readonly<Record<string, null>>;
  /** Names of the columns, each the very string that is the key of the template: another one of the same text is compared each time. */
  readonly names: readonly string[];
}

/**
 * The shape for which `makeRows` is compiled: that of the first large table of which rows were made. It stays, since engines
 * forget what they compiled for a shape when its last object is gone.
 */
let favoured: RowShape | undefined;
/** Rows of a large table. */
const MANY_ROWS = 4096;
/** An object of more properties that is parsed becomes a hash table, which takes long to copy. */
const MAX_PARSED = 100;

function shapeOf(columns: readonly string[]): RowShape {
  if (favoured?.names.length === columns.length && favoured.names.every((name, position) => name === columns[position])) return favoured;
  // An object that is parsed has room for its properties in itself, and so have its copies; one that grows has the others elsewhere.
  const template = JSON.parse(`{${columns.slice(0, MAX_PARSED).map((name) => `${JSON.stringify(name)}:null`).join()}}`) as Record<string, null>;
  // A plain assignment to `__proto__` would set the prototype; to a property that is there it does not.
  for (const name of columns.slice(MAX_PARSED)) Object.defineProperty(template, name, { value: null, enumerable: true, configurable: true, writable: true });
  const keys = new Map(Object.keys(template).map((key) => [key, key]));
  return { template, names: columns.map((name) => keys.get(name) ?? name) };
}

/** Values of one column for some rows. */
interface Lane<T> {
  readonly name: string;
  readonly values: readonly T[];
}

/** Columns that `makeRows` has a line for. */
const NUM_LINES = 24;

/**
 * Makes rows of the favoured shape: copies of a template with the values of the first `NUM_LINES` columns.
 *
 * Engines compile a line of code that stores to a property into an instruction or two as long as it has met one name only,
 * and look for the property each time otherwise, which takes ten times as long. So each column has a line, and only
 * one shape comes here.
 */
function makeRows<T>(rows: Record<string, T | null>[], at: number, count: number, template: Readonly<Record<string, null>>, lanes: readonly Lane<T>[]): void {
  const [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x] = lanes;
  for (let index = 0; index < count; index++) {
    const row: Record<string, T | null> = { ...template };
    rows[at + index] = row;
    if (a) row[a.name] = a.values[index] as T;
    if (b) row[b.name] = b.values[index] as T;
    if (c) row[c.name] = c.values[index] as T;
    if (d) row[d.name] = d.values[index] as T;
    if (e) row[e.name] = e.values[index] as T;
    if (f) row[f.name] = f.values[index] as T;
    if (g) row[g.name] = g.values[index] as T;
    if (h) row[h.name] = h.values[index] as T;
    if (!i) continue;
    row[i.name] = i.values[index] as T;
    if (j) row[j.name] = j.values[index] as T;
    if (k) row[k.name] = k.values[index] as T;
    if (l) row[l.name] = l.values[index] as T;
    if (m) row[m.name] = m.values[index] as T;
    if (n) row[n.name] = n.values[index] as T;
    if (o) row[o.name] = o.values[index] as T;
    if (p) row[p.name] = p.values[index] as T;
    if (!q) continue;
    row[q.name] = q.values[index] as T;
    if (r) row[r.name] = r.values[index] as T;
    if (s) row[s.name] = s.values[index] as T;
    if (t) row[t.name] = t.values[index] as T;
    if (u) row[u.name] = u.values[index] as T;
    if (v) row[v.name] = v.values[index] as T;
    if (w) row[w.name] = w.values[index] as T;
    if (x) row[x.name] = x.values[index] as T;
  }
}

/** Gives rows their values of one column: for shapes that nothing is compiled for, faster than row by row. */
function assign<T>(rows: Record<string, T | null>[], at: number, name: string, values: readonly T[]): void {
  for (let index = 0; index < values.length; index++) {
    const row = rows[at + index];
    if (row) row[name] = values[index] as T;
  }
}
