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

  #shape: RowShape | undefined;

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

  /** Rows as plain objects, one after the other. */
  [Symbol.iterator](): IterableIterator<Row<I, D>> {
    return this.rows();
  }

  /** Puts the rows `start` to `end` into an array, from position `at` on. */
  #fill(rows: Row<I, D>[], start: number, end: number, at = 0): void {
    const count = end - start;
    const { template, names } = this.#rowShape();
    const lanes = this.columns.map((column, position): Lane<Row<I, D>[string]> => {
      const values = new Array<Row<I, D>[string]>(count);
      const there = Math.max(0, Math.min(end, column.length) - start);
      column.cells().fill(values, start, start + there);
      values.fill(null, there);
      return { name: names[position] ?? column.name, values };
    });
    makeRows(rows, at, count, template, lanes);
  }

  #rowShape(): RowShape {
    return (this.#shape ??= shapeOf(this.columns.map(({ name }) => name)));
  }
}

/** What the rows of a table have in common. */
interface RowShape {
  /** A row whose copies have all columns, in their order, so that their values only need be put in. */
  readonly template: Readonly<Record<string, null>>;
  /** Names of the columns, each the very string that is the key of the template: another one of the same text is compared each time. */
  readonly names: readonly string[];
}

/** Shapes that were used, by the text that they are made of. Engines forget what they compiled for a shape when its last object is gone. */
const shapes = new Map<string, RowShape>();
const MAX_SHAPES = 64;
/** Longer texts, of tables with very many columns, would only take memory. */
const MAX_SHAPE_TEXT = 8192;

function shapeOf(names: readonly string[]): RowShape {
  const text = `{${names.map((name) => `${JSON.stringify(name)}:null`).join()}}`;
  const known = shapes.get(text);
  if (known) return known;
  // An object that is parsed has room for its properties in itself, and so have its copies; one that grows has them elsewhere.
  const template = JSON.parse(text) as Record<string, null>;
  const keys = new Map(Object.keys(template).map((key) => [key, key]));
  const shape = { template, names: names.map((name) => keys.get(name) ?? name) };
  if (text.length > MAX_SHAPE_TEXT) return shape;
  if (shapes.size >= MAX_SHAPES) shapes.clear();
  shapes.set(text, shape);
  return shape;
}

/** Values of one column for some rows. */
interface Lane<T> {
  readonly name: string;
  readonly values: readonly T[];
}

/** Columns that `makeRows` has lines of code for, by eights. */
type Eight<T> = readonly [Lane<T>, Lane<T>, Lane<T>, Lane<T>, Lane<T>, Lane<T>, Lane<T>, Lane<T>];

/** Eight of the columns; the last one again where there are fewer. */
function eight<T>(lanes: readonly Lane<T>[], from: number, last: Lane<T>): Eight<T> {
  const at = (index: number): Lane<T> => lanes[from + index] ?? last;
  return [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
}

/**
 * Makes rows: copies of a template with the values of the columns.
 *
 * Engines compile a line of code that stores to a property into an instruction or two as long as it has met one name only,
 * and look for the property each time otherwise, which takes ten times as long. So the first columns have a line each. Where a
 * program reads tables with other columns, these are as fast as the rest.
 */
function makeRows<T>(rows: Record<string, T | null>[], at: number, count: number, template: Readonly<Record<string, null>>, lanes: readonly Lane<T>[]): void {
  const last = lanes.at(-1);
  if (!last) {
    for (let index = 0; index < count; index++) rows[at + index] = {};
    return;
  }
  const [a, b, c, d, e, f, g, h] = eight(lanes, 0, last);
  const [i, j, k, l, m, n, o, p] = eight(lanes, 8, last);
  const [q, r, s, t, u, v, w, x] = eight(lanes, 16, last);
  const more = lanes.slice(24);
  const width = lanes.length;
  for (let index = 0; index < count; index++) {
    const row: Record<string, T | null> = { ...template };
    rows[at + index] = row;
    row[a.name] = a.values[index] as T;
    row[b.name] = b.values[index] as T;
    row[c.name] = c.values[index] as T;
    row[d.name] = d.values[index] as T;
    row[e.name] = e.values[index] as T;
    row[f.name] = f.values[index] as T;
    row[g.name] = g.values[index] as T;
    row[h.name] = h.values[index] as T;
    if (width <= 8) continue;
    row[i.name] = i.values[index] as T;
    row[j.name] = j.values[index] as T;
    row[k.name] = k.values[index] as T;
    row[l.name] = l.values[index] as T;
    row[m.name] = m.values[index] as T;
    row[n.name] = n.values[index] as T;
    row[o.name] = o.values[index] as T;
    row[p.name] = p.values[index] as T;
    if (width <= 16) continue;
    row[q.name] = q.values[index] as T;
    row[r.name] = r.values[index] as T;
    row[s.name] = s.values[index] as T;
    row[t.name] = t.values[index] as T;
    row[u.name] = u.values[index] as T;
    row[v.name] = v.values[index] as T;
    row[w.name] = w.values[index] as T;
    row[x.name] = x.values[index] as T;
    for (const { name, values } of more) row[name] = values[index] as T;
  }
}
