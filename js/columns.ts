/** What a writer is given: columns in several forms, and what is known of them before their values come. */

import { invalid, NcfError } from './errors.js';
import type { DataType, SemanticType, TimeUnit } from './generated.js';
import { toBuffers, typeOfParts, type ColumnValues, type ConversionOptions, type InputCell } from './input.js';
import type { BufferSupply } from './memory.js';
import { Table } from './table.js';
import type { ColumnSchema } from './types.js';
import type { ColumnBuffers, FieldSetup, ValuesArray } from './wasm-types.js';

/** What a column is, without its values. The columns of `NcfFile.schema` are such declarations. */
export interface ColumnDeclaration {
  /** Column name; any text, empty included. */
  readonly name: string;
  /** Data type; values that do not fit it are refused. Without it the values tell. */
  readonly type?: DataType | undefined;
  /** Hint for readers; default true. */
  readonly nullable?: boolean | undefined;
  /** What the values mean. */
  readonly semanticType?: SemanticType | undefined;
  /** Text for people. */
  readonly description?: string | undefined;
  /** Statistics that somebody put into the schema, uninterpreted; those of the values are measured. */
  readonly statistics?: unknown;
  /** Hint: which codec to use. Version 2 honours `'none'`: the column is stored uncompressed. */
  readonly compressionModel?: string | undefined;
  /** Hint: store distinct values once. Version 2 does so for text and binary then, and otherwise where it is smallest. */
  readonly useDictionary?: boolean | undefined;
  /** Hint: build a learned index. */
  readonly createLearnedIndex?: boolean | undefined;
  /** Hint: kind of learned index. */
  readonly indexModelType?: string | undefined;
  /** Whether the values identify persons; smallest and largest values are then not stated by default. */
  readonly containsPii?: boolean | undefined;
  /** Queries that the table should serve well. */
  readonly typicalQueryPatterns?: readonly string[] | undefined;
  /** Columns of one group are stored next to each other. */
  readonly columnGroup?: number | undefined;
  /** Further keys for the column's schema. */
  readonly extra?: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown> | undefined;
  /** For timestamps: unit of numbers and bigints, which are counts of it; default `us`. Version 2 stores microseconds. */
  readonly unit?: TimeUnit | undefined;
  /** For timestamps: whether the values are instants in UTC; default: whether they name a zone or are `Date`s. */
  readonly utc?: boolean | undefined;
  /** For decimals: digits, 1 to 38; default 38. */
  readonly precision?: number | undefined;
  /** For decimals: digits behind the point; default the most that a value has. */
  readonly scale?: number | undefined;
}

/** One column to write. */
export interface ColumnInput extends ColumnDeclaration {
  /** The values. Without `type` they tell it: whole numbers are int64, others float64, `Date`s timestamps in UTC. */
  readonly data: ColumnValues;
}

/** Columns as a list, as an object from name to values, or as a table that was read. */
export type TableInput = readonly ColumnInput[] | Readonly<Record<string, ColumnValues>> | Table;

/** A row to write: values by column name; what is missing is null. */
export type RowInput = Readonly<Record<string, InputCell>>;

/** The columns of a table in any form, names checked. */
export function toList(table: TableInput): readonly ColumnInput[] {
  if (table instanceof Table) return table.columns.map((data) => ({ name: data.name, data }));
  if (Array.isArray(table)) {
    const columns = table as readonly ColumnInput[];
    checkNames(columns);
    return columns;
  }
  if (typeof table !== 'object' || table === null) throw invalid('columns', 'is neither a list nor an object');
  return Object.entries<ColumnValues>(table as Readonly<Record<string, ColumnValues>>).map(([name, data]) => ({ name, data }));
}

/** Whether the declarations tell all that the values could. */
export function isComplete(columns: readonly ColumnDeclaration[]): boolean {
  return columns.every(({ type, utc, scale }) => type !== undefined && (type !== 'timestamp' || utc !== undefined) && (type !== 'decimal' || scale !== undefined));
}

/** Checks that every declaration has a name. */
export function checkNames(columns: readonly ColumnDeclaration[]): void {
  for (const [index, column] of columns.entries()) checkName(column, index);
}

function checkName(column: Partial<ColumnDeclaration> | null | undefined, index: number): void {
  if (typeof column?.name !== 'string') throw invalid('name', `of column ${index} is not text`);
}

/** How the values of a declared column are taken. */
function conversion({ name, type, unit, utc, precision, scale }: ColumnDeclaration): ConversionOptions {
  return { name, type, unit, utc, precision, scale };
}

/** The values of one column as buffers. */
export function columnBuffers(input: ColumnInput): ColumnBuffers {
  return toBuffers(input.data, conversion(input));
}

/** The column's schema: what is declared, over what the taken-over schema says; parameters of the type as the values have them. */
export function fieldSetup(input: ColumnDeclaration, buffers: ColumnBuffers, known: ColumnSchema | undefined): FieldSetup {
  const { data: _data, unit: _unit, ...own }: Partial<ColumnInput> = input;
  const stated = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const { utc, precision, scale } = buffers;
  return {
    ...known,
    ...stated,
    name: input.name,
    type: buffers.type,
    ...(utc !== undefined && { utc }),
    ...(precision !== undefined && { precision }),
    ...(scale !== undefined && { scale }),
  };
}

/** Number of rows, which all columns must have. */
export function countRows(names: readonly { readonly name: string }[], columns: readonly { readonly length: number }[]): number {
  const rows = columns[0]?.length ?? 0;
  const other = columns.findIndex((column) => column.length !== rows);
  if (other < 0) return rows;
  throw invalid('columns', `${columns[other]?.length ?? 0} rows, the first column has ${rows}`, names[other]?.name);
}

/** The columns of a table whose values come in batches. */
export class Shape {
  /** Schema of each column. */
  readonly fields: readonly FieldSetup[];
  readonly #conversions: readonly ConversionOptions[];

  constructor(fields: readonly FieldSetup[], conversions: readonly ConversionOptions[]) {
    this.fields = fields;
    this.#conversions = conversions;
  }

  /** That of declared columns alone; what a timestamp or decimal does not say has its default. */
  static declared(columns: readonly ColumnDeclaration[], known: ReadonlyMap<string, ColumnSchema>): Shape {
    return Shape.of(columns, columns.map((column) => toBuffers([], conversion(column))), known);
  }

  /** That of a first batch: type, zone and scale of later values must be those of its values. */
  static of(columns: readonly ColumnDeclaration[], buffers: readonly ColumnBuffers[], known: ReadonlyMap<string, ColumnSchema>): Shape {
    const fields = columns.map((column, index) => {
      const own = buffers[index];
      if (!own) throw invalid('columns', 'misses values', column.name);
      return fieldSetup(column, own, known.get(column.name));
    });
    return new Shape(
      fields,
      columns.map((column, index) => followUp(column, buffers[index])),
    );
  }

  /** That of a file which is continued: values must be of the zone that it states. */
  static ofFile(columns: readonly FieldSetup[]): Shape {
    return new Shape(columns, columns.map((column) => ({ ...conversion(column), utc: undefined, usualUtc: column.utc })));
  }

  /**
   * The buffers of a batch, in the order of the columns, which the batch may have in any order; what is made of arrays is
   * in buffers of the supply.
   * @throws {NcfError} `unknown-column`, `type-mismatch`, `invalid-argument`
   */
  convert(batch: TableInput, supply: BufferSupply): ColumnBuffers[] {
    const names = this.fields.map(({ name }) => name);
    const given = byName(toList(batch), names);
    const buffers = this.#conversions.map((options) => {
      const column = given.get(options.name);
      if (!column) throw missingColumn(options.name, names);
      return toBuffers(column.data, { ...options, unit: column.unit ?? options.unit, buffers: supply });
    });
    countRows(this.fields, buffers);
    return buffers;
  }

  /**
   * The buffers of rows, made of the supply's.
   * @throws {NcfError} `unknown-column` for a key that is no column, `type-mismatch`
   */
  convertRows(rows: readonly RowInput[], buffers: BufferSupply): ColumnBuffers[] {
    const names = this.fields.map(({ name }) => name);
    const data = gather(rows, names, (name) => unknownColumn(name, names));
    return this.#conversions.map((options, index) => toBuffers(data[index] ?? [], { ...options, buffers }));
  }
}

/** How values that follow are taken: as those of the first batch were, whose zone and scale hold for all. */
function followUp(column: ColumnDeclaration, first: ColumnBuffers | undefined): ConversionOptions {
  return {
    ...conversion(column),
    type: first?.type,
    usualUtc: first?.utc,
    ...(first?.type === 'decimal' && { scale: first.scale, precision: first.precision }),
  };
}

/** Rows as columns of cells. */
function gather(rows: readonly RowInput[], names: readonly string[], unknown: (name: string) => NcfError): InputCell[][] {
  const cells: InputCell[][] = names.map(() => new Array<InputCell>(rows.length));
  const known = new Set(names);
  for (const [row, values] of rows.entries()) {
    if (typeof values !== 'object' || values === null) throw invalid('rows', `row ${row} is no object`);
    for (const name of Object.keys(values)) if (!known.has(name)) throw unknown(name);
    for (const [index, name] of names.entries()) {
      const column = cells[index];
      if (column) column[row] = Object.hasOwn(values, name) ? values[name] : null;
    }
  }
  return cells;
}

/** Rows as a table; without declared columns, those are the names, in the order in which they are first seen. */
export function tableOfRows(rows: readonly RowInput[], declared: readonly ColumnDeclaration[] | undefined): ColumnInput[] {
  const names = new Set<string>();
  for (const [row, values] of rows.entries()) {
    if (typeof values !== 'object' || values === null) throw invalid('rows', `row ${row} is no object`);
    for (const name of Object.keys(values)) names.add(name);
  }
  const list = declared?.map(({ name }) => name) ?? [...names];
  return gather(rows, list, (name) => unknownColumn(name, list)).map((data, index) => ({ name: list[index] ?? '', data }));
}

/** The columns of a first batch, in the order in which they were declared and with what was declared of them. */
export function firstBatch(batch: TableInput, declared: readonly ColumnDeclaration[] | undefined): ColumnInput[] {
  const columns = toList(batch);
  if (!declared) return [...columns];
  const names = declared.map(({ name }) => name);
  const given = byName(columns, names);
  return declared.map((declaration) => {
    const column = given.get(declaration.name);
    if (!column) throw missingColumn(declaration.name, names);
    return { ...declaration, unit: column.unit ?? declaration.unit, data: column.data };
  });
}

function byName(columns: readonly ColumnInput[], names: readonly string[]): Map<string, ColumnInput> {
  const known = new Set(names);
  const given = new Map<string, ColumnInput>();
  for (const column of columns) {
    if (!known.has(column.name)) throw unknownColumn(column.name, names);
    if (given.has(column.name)) throw invalid('name', 'another column has the same name', column.name);
    given.set(column.name, column);
  }
  return given;
}

function listed(names: readonly string[]): string {
  return names.slice(0, 20).map((name) => JSON.stringify(name)).join(', ') + (names.length > 20 ? ', ...' : '');
}

function unknownColumn(name: string, names: readonly string[]): NcfError {
  return new NcfError('unknown-column', `no column named ${JSON.stringify(name)} (known: ${listed(names)})`, { column: name });
}

function missingColumn(name: string, names: readonly string[]): NcfError {
  return invalid('columns', `the batch has no column of that name; the table has ${listed(names)}`, name);
}

/** The rows `start..end` of buffers, as views; `start` is a multiple of 8. */
function slice(buffers: ColumnBuffers, start: number, end: number): ColumnBuffers {
  const { type, length, offsets, validity } = buffers;
  if (start === 0 && end === length) return buffers;
  const bits = (bitmap: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => bitmap.subarray(start >> 3, (end + 7) >> 3);
  // The first and the last part keep what is too much in front and behind, for the core to refuse.
  const cut = (from: number | undefined, to: number | undefined): ValuesArray => buffers.values.subarray(start === 0 ? 0 : from, end === length ? undefined : to);
  const part: ColumnBuffers = { ...buffers, length: end - start };
  if (validity) part.validity = bits(validity);
  if (offsets) {
    part.base = start === 0 ? 0 : (offsets[start] ?? 0);
    part.offsets = offsets.subarray(start, end + 1);
    part.values = cut(offsets[start], offsets[end]);
  } else if (type === 'boolean') {
    part.values = bits(buffers.values as Uint8Array<ArrayBuffer>);
  } else {
    const width = type === 'decimal' ? 2 : 1;
    part.values = cut(width * start, width * end);
  }
  return part;
}

/** A copy in buffers of a supply. */
function copy(buffers: ColumnBuffers, supply: BufferSupply): ColumnBuffers {
  const { values, offsets, validity } = buffers;
  return { ...buffers, values: copyArray(values, supply), ...(offsets && { offsets: copyArray(offsets, supply) }), ...(validity && { validity: copyArray(validity, supply) }) };
}

function copyArray<T extends ValuesArray>(array: T, supply: BufferSupply): T {
  const kind = array.constructor as new (buffer: ArrayBuffer, byteOffset: number, length: number) => T;
  const made = new kind(supply.take(array.byteLength), 0, array.length);
  made.set(array as never);
  return made;
}

/** A column to write, of which rows become buffers when they are wanted. */
export interface WritableColumn {
  /** Number of rows. */
  readonly length: number;
  readonly field: FieldSetup;
  /**
   * The rows `start..end`, `start` being a multiple of 8; nobody changes them. Where they are made, it is in buffers of
   * this supply.
   * @throws {NcfError} `type-mismatch`, with the row of the column
   */
  cut(start: number, end: number, buffers: BufferSupply): ColumnBuffers;
  /** The same, all of it in buffers of the supply. */
  cutOwn(start: number, end: number, buffers: BufferSupply): ColumnBuffers;
}

/**
 * A column to write: its values become buffers at once, or a part at a time where nothing has to be known of the others.
 * @throws {NcfError} `type-mismatch`, `invalid-argument`
 */
export function writable(input: ColumnInput, known: ColumnSchema | undefined): WritableColumn {
  const { data } = input;
  const options = conversion(input);
  const type = typeOfParts(data, options);
  if (type !== undefined) {
    const cells = data as readonly InputCell[];
    const cut = (start: number, end: number, buffers: BufferSupply): ColumnBuffers => toBuffers(cells, { ...options, type, rows: { start, end }, buffers });
    return { length: cells.length, field: fieldSetup(input, toBuffers([], { ...options, type }), known), cut, cutOwn: cut };
  }
  const buffers = columnBuffers(input);
  return {
    length: buffers.length,
    field: fieldSetup(input, buffers, known),
    cut: (start, end) => slice(buffers, start, end),
    cutOwn: (start, end, supply) => copy(slice(buffers, start, end), supply),
  };
}
