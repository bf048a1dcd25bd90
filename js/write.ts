/** Writing a table. The wasm module that writes is loaded by the first call that needs it. */

import { writingEngine, type Engine, type Instance } from './engine.js';
import { invalid } from './errors.js';
import type { DataType, SemanticType, TimeUnit } from './generated.js';
import { toBuffers, type ColumnValues } from './input.js';
import type { CallOptions, ColumnSchema, Schema, WritableDialect } from './types.js';
import type { FieldSetup, WriterSetup } from './wasm-types.js';
import { makeWay } from './yield.js';

/** One column to write. */
export interface ColumnInput {
  /** Column name. */
  name: string;
  /** The values. Without `type` they tell it: whole numbers are int64, others float64, `Date`s timestamps in UTC. */
  data: ColumnValues;
  /** Data type; values that do not fit it are refused. */
  type?: DataType;
  /** Hint for readers; default true. */
  nullable?: boolean;
  /** What the values mean. */
  semanticType?: SemanticType;
  /** Text for people. */
  description?: string;
  /** Hint: which codec to use. */
  compressionModel?: string;
  /** Hint: store distinct values once. */
  useDictionary?: boolean;
  /** Hint: build a learned index. */
  createLearnedIndex?: boolean;
  /** Hint: kind of learned index. */
  indexModelType?: string;
  /** Whether the values identify persons. */
  containsPii?: boolean;
  /** Queries that the table should serve well. */
  typicalQueryPatterns?: readonly string[];
  /** Columns of one group are stored next to each other. */
  columnGroup?: number;
  /** Further keys for the column's schema. */
  extra?: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>;
  /** For timestamps: unit to store; default `us`. Numbers and bigints are counts of it. */
  unit?: TimeUnit;
  /** For timestamps: whether the values are instants in UTC; default: whether they name a zone or are `Date`s. */
  utc?: boolean;
  /** For decimals: digits; default 38. */
  precision?: number;
  /** For decimals: digits behind the point; default the most that a value has. */
  scale?: number;
}

/** Columns as a list, or as an object from name to values. */
export type TableInput = readonly ColumnInput[] | Readonly<Record<string, ColumnValues>>;

/** Options of `write`. */
export interface WriteOptions extends CallOptions {
  /**
   * Which writer's bytes to produce.
   * - `python-1.0`: all data types; nulls in text, booleans, dates, timestamps, decimals and binary;
   * - `rust-2.0`: int64, float64 and string without nulls.
   *
   * What the dialect cannot hold is an error before anything is written.
   */
  dialect: WritableDialect;
  /** Name of the table. */
  tableName?: string;
  /** Codec; default `zstd`. `rust-2.0` knows no other. */
  compression?: 'none' | 'zstd';
  /** Level of zstd, 1 to 22; default 3. */
  level?: number;
  /** Time to store as that of creation, where the dialect has one; default 1970: same input, same bytes. */
  created?: Date;
  /** Time to store as that of the last change; default `created`. */
  modified?: Date;
  /** Write what the dialect cannot tell apart (python-1.0: null and empty text, null and NaN) instead of refusing it. */
  lossy?: boolean;
  /** Schema of another file: name, groups, hints and unknown keys are taken over, those of columns by name. */
  schema?: Schema;
}

function toList(table: TableInput): readonly ColumnInput[] {
  if (Array.isArray(table)) return table as readonly ColumnInput[];
  if (typeof table !== 'object' || table === null) throw invalid('columns', 'is neither a list nor an object');
  return Object.entries(table as Record<string, ColumnValues>).map(([name, data]) => ({ name, data }));
}

function seconds(date: Date | undefined, name: string): number | undefined {
  if (date === undefined) return undefined;
  const value = Math.floor(date.getTime() / 1000);
  if (Number.isNaN(value) || value < 0) throw invalid(name, 'is no time since 1970');
  return value;
}

function writerSetup(options: WriteOptions): WriterSetup {
  const { schema } = options;
  return {
    dialect: String(options.dialect),
    compression: options.compression,
    level: options.level,
    created: seconds(options.created, 'created'),
    modified: seconds(options.modified, 'modified'),
    lossy: options.lossy,
    tableName: options.tableName ?? schema?.tableName,
    schemaVersion: schema?.version,
    createdAt: schema?.createdAt,
    modifiedAt: schema?.modifiedAt,
    enableLearnedIndexes: schema?.enableLearnedIndexes,
    columnGroups: schema?.columnGroups,
    extra: schema?.extra,
  };
}

/** The column's schema: what the input says, over what the taken-over schema says. */
function fieldSetup(input: ColumnInput, type: DataType, known: ColumnSchema | undefined): FieldSetup {
  const { data: _data, unit: _unit, utc: _utc, precision: _precision, scale: _scale, ...own } = input;
  const stated = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { ...known, ...stated, name: input.name, type };
}

/** Adds one column after the other; the caller decides what happens in between. */
function* writing(engine: Engine, table: TableInput, options: WriteOptions): Generator<number, Uint8Array<ArrayBuffer>, void> {
  const columns = toList(table);
  const known = new Map(options.schema?.columns.map((column) => [column.name, column]));
  const instance: Instance = engine.instance;
  const { TableWriter } = instance;
  if (!TableWriter) throw invalid('engine', 'the reading module cannot write');
  const setup = writerSetup(options);
  const writer = engine.call(instance, () => new TableWriter(setup));
  let finished = false;
  try {
    for (const [index, input] of columns.entries()) {
      if (typeof (input as Partial<ColumnInput> | null)?.name !== 'string') throw invalid('name', `of column ${index} is not text`);
      const buffers = toBuffers(input.data, input);
      const field = fieldSetup(input, buffers.type, known.get(input.name));
      engine.call(instance, () => {
        writer.add(field, buffers);
      });
      yield index + 1;
    }
    finished = true;
    return engine.call(instance, () => writer.finish()) as Uint8Array<ArrayBuffer>;
  } finally {
    if (!finished && !engine.isDiscarded(instance)) writer.free();
  }
}

/**
 * Writes a table into one file in memory.
 * @throws {NcfError} `type-mismatch` for values that the type or the dialect cannot hold, `invalid-argument`,
 * `limit-exceeded`, `wasm-init`
 */
export async function write(table: TableInput, options: WriteOptions): Promise<Uint8Array<ArrayBuffer>> {
  const engine = writingEngine();
  options.signal?.throwIfAborted();
  await engine.load();
  const steps = writing(engine, table, options);
  const columns = toList(table);
  let next = steps.next();
  try {
    while (!next.done) {
      const done = next.value;
      const column = columns[done - 1]?.name;
      options.onProgress?.({ phase: 'encode', loaded: done, total: columns.length, ...(column !== undefined && { column }) });
      await makeWay(options.signal);
      next = steps.next();
    }
    return next.value;
  } finally {
    steps.return(new Uint8Array());
  }
}

/**
 * The same at once. In a browser, `await init({ full: true })` first.
 * @throws {NcfError} as `write`
 */
export function writeSync(table: TableInput, options: Omit<WriteOptions, 'signal'>): Uint8Array<ArrayBuffer> {
  const engine = writingEngine();
  engine.loadSync();
  const total = toList(table).length;
  const steps = writing(engine, table, options);
  let next = steps.next();
  while (!next.done) {
    options.onProgress?.({ phase: 'encode', loaded: next.value, total });
    next = steps.next();
  }
  return next.value;
}
