/** Rewriting a file in another dialect, or in the same one with other options. */

import { bytesSource } from './bytes.js';
import type { AnyColumn } from './column.js';
import { columnBuffers, fieldSetup, type ColumnInput } from './columns.js';
import { DEFAULT_DIALECT, LegacyEncoder, prepareLevel, withMetadata, writerSetup, type EncodingOptions } from './encoder.js';
import { writingEngine } from './engine.js';
import { invalid, mismatch, NcfError } from './errors.js';
import { openSource, type NcfFile } from './file.js';
import type { ColumnValues } from './input.js';
import { originSource, type NcfOrigin, type OriginOptions } from './origin.js';
import { openSink, type NcfSink } from './sink.js';
import type { Table } from './table.js';
import { PER_SECOND } from './temporal.js';
import type { AnyCell, Schema, WritableDialect } from './types.js';
import { NcfWriter, type WriteResult } from './writer.js';
import { makeWay } from './yield.js';

/** Options of `convert`; what they leave out stays as it is in the file. */
export interface ConvertOptions extends OriginOptions, Omit<EncodingOptions, 'schema'> {
  /** The dialect to write; default `ncf-2`. */
  dialect?: WritableDialect | undefined;
  /**
   * Accept what the dialect cannot hold, instead of refusing it: in `python-1.0` null and empty text, null and NaN become
   * one; `rust-2.0` loses what its schema has no place for (descriptions, hints, groups, metadata, unknown keys, times);
   * `ncf-2` loses fractions of a microsecond, and columns of odd legacy files that are shorter than others are filled
   * up with nulls. A type or a null that a dialect has no bytes for stays an error.
   */
  lossy?: boolean | undefined;
  /** Where the new file goes; default memory. */
  sink?: NcfSink | undefined;
  /** Take what is left of a Python 1.1 file, whose writer destroyed its first columns; those are left out. */
  salvage?: boolean | undefined;
}

/** `convert` of rewrite.ts. */
export async function convert(origin: NcfOrigin, options: ConvertOptions = {}): Promise<WriteResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  // The module that writes reads as well: one is enough.
  await writingEngine().load();
  const file = await openSource(await originSource(origin, options), {
    ...(signal && { signal }),
    ...(options.limits && { limits: options.limits }),
    salvage: options.salvage ?? false,
  });
  try {
    return (options.dialect ?? DEFAULT_DIALECT) === DEFAULT_DIALECT ? await toVersion2(file, options) : await toLegacy(file, options);
  } finally {
    await file.close();
  }
}

/** The file's schema without lost columns, and what else it states, as options of a writer. */
function takenOver(file: NcfFile, { sink: _sink, limits: _limits, fetch: _fetch, salvage: _salvage, ...options }: ConvertOptions): EncodingOptions & { schema: Schema } {
  const lost = new Set(file.lostColumns);
  const columns = file.schema.columns.filter(({ name }) => !lost.has(name));
  const twice = columns.find(({ name }, index) => columns.findIndex((other) => other.name === name) !== index);
  if (twice) throw invalid('name', 'another column has the same name', twice.name);
  return {
    ...options,
    created: options.created ?? file.created,
    modified: options.modified ?? file.modified,
    schema: { ...file.schema, columns },
  };
}

type Extra = Schema['extra'];

/** A map without some of its keys. */
function without(extra: Extra, keys: readonly string[]): Extra {
  if (extra instanceof Map) return new Map([...(extra as ReadonlyMap<unknown, unknown>)].filter(([key]) => !keys.includes(key as string)));
  return Object.fromEntries(Object.entries(extra).filter(([key]) => !keys.includes(key)));
}

async function toVersion2(file: NcfFile, options: ConvertOptions): Promise<WriteResult> {
  const { signal, onProgress, lossy = false } = options;
  const { schema, ...encoding } = takenOver(file, options);
  // Version 2 says so by a key of its own.
  const known: Schema = { ...schema, columns: schema.columns.map((column) => ({ ...column, extra: without(column.extra, ['timestamp_utc']) })) };
  const reading = signal ? { signal } : {};
  const isVersion2 = file.dialect === DEFAULT_DIALECT;
  const whole = isVersion2 ? undefined : wholeColumns(await file.read(reading), known, lossy, (column) => microseconds(column, lossy));
  const writer = await NcfWriter.open(options.sink ?? 'bytes', {
    ...encoding,
    dialect: DEFAULT_DIALECT,
    schema: known,
    columns: whole?.map(({ data: _data, ...column }) => column) ?? known.columns,
    onProgress: (progress) => onProgress?.({ ...progress, total: file.numRows }),
  });
  try {
    if (whole) {
      await writer.write(whole);
    } else {
      for await (const batch of file.batches(reading)) await writer.write(batch);
    }
    return await writer.finish();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

async function toLegacy(file: NcfFile, options: ConvertOptions): Promise<WriteResult> {
  const { signal, onProgress, lossy = false } = options;
  const taken = takenOver(file, options);
  const { schema } = taken;
  const engine = writingEngine();
  await prepareLevel(options);
  const encoder = LegacyEncoder.create(engine, writerSetup({ ...taken, dialect: options.dialect, lossy }));
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    let done = 0;
    for await (const column of columnsOf(file, schema, options)) {
      await makeWay(signal);
      const buffers = columnBuffers(column);
      encoder.add(fieldSetup(column, buffers, undefined), buffers);
      done += 1;
      onProgress?.({ phase: 'encode', loaded: done, total: schema.columns.length, column: column.name });
    }
    bytes = encoder.finish();
  } finally {
    encoder.free();
  }
  const written = await openSource(bytesSource(bytes), { verify: false });
  try {
    if (!lossy) refuseLoss(taken, written);
    const { digest, numRows, byteLength } = written;
    const sink = await openSink(options.sink ?? 'bytes');
    try {
      await sink.write(bytes);
      signal?.throwIfAborted();
      await sink.close();
    } catch (error) {
      await sink.abort(error);
      throw error;
    }
    return { byteLength, numRows, digest, ...(sink.bytes() && { bytes }) };
  } finally {
    await written.close();
  }
}

/** The columns one after the other; those of a legacy file at once, since the longest says how many rows there are. */
async function* columnsOf(file: NcfFile, schema: Schema, { signal, lossy = false }: ConvertOptions): AsyncGenerator<ColumnInput, void, undefined> {
  const reading = signal ? { signal } : {};
  const asItIs = (column: AnyColumn): AnyColumn => column;
  if (file.dialect !== DEFAULT_DIALECT) return yield* wholeColumns(await file.read(reading), schema, lossy, asItIs);
  for (const column of schema.columns) {
    const table = await file.read({ ...reading, columns: [column.name] });
    yield* wholeColumns(table, { ...schema, columns: [column] }, lossy, asItIs);
  }
}

/** Columns that were read, as input of a writer, with equal numbers of rows. */
function wholeColumns(table: Table, schema: Schema, lossy: boolean, take: (column: AnyColumn) => ColumnValues): ColumnInput[] {
  return table.columns.map((column, index) => {
    const { name, type, unit, utc, precision, scale } = column;
    // Data of a Python file can be of another type than the schema says.
    const declared = { ...schema.columns[index], name, type, utc, precision, scale };
    if (column.length === table.numRows) return { ...declared, data: take(column) };
    if (!lossy) throw mismatch(`expected ${table.numRows} rows, found ${column.length} (the option lossy fills up with nulls)`, name);
    const data: (AnyCell | null)[] = column.toArray();
    while (data.length < table.numRows) data.push(null);
    return { ...declared, unit, data };
  });
}

/** Timestamps as version 2 stores them. */
function microseconds(column: AnyColumn, lossy: boolean): ColumnValues {
  const { name, unit, utc, validity } = column;
  if (column.type !== 'timestamp' || unit === undefined || unit === 'us') return column;
  const counts = column.values;
  const values = new BigInt64Array(counts.length);
  for (let row = 0; row < counts.length; row++) {
    if (column.isNull(row)) continue;
    const count = counts[row] ?? 0n;
    const scaled = count * PER_SECOND.us;
    // Towards the past, as all that cuts times does.
    const cut = (scaled - (((scaled % PER_SECOND[unit]) + PER_SECOND[unit]) % PER_SECOND[unit])) / PER_SECOND[unit];
    if (!lossy && cut * PER_SECOND[unit] !== scaled) {
      throw mismatch(`expected timestamps of whole microseconds (the option lossy cuts them), found ${count} ${unit}`, name, row);
    }
    if (BigInt.asIntN(64, cut) !== cut) throw mismatch(`expected timestamps whose microseconds 64 bits can count, found ${count} ${unit}`, name, row);
    values[row] = cut;
  }
  return { type: 'timestamp', values, unit: 'us', utc: utc ?? false, ...(validity && { validity }) };
}

/** Keys of a schema that are not its user's: what a writer measures, and types as each dialect states them. */
const OWN_KEYS = ['rowCount', 'defaultCompression', 'columns', 'utc', 'precision', 'scale'];

/** Refuses what the written file does not say of what it should. */
function refuseLoss({ schema, metadata, created, modified }: EncodingOptions & { schema: Schema }, written: NcfFile): void {
  const lost: string[] = [];
  const compare = (where: string, wanted: object, found: object): void => {
    for (const [key, value] of Object.entries(wanted) as [string, unknown][]) {
      if (OWN_KEYS.includes(key)) continue;
      const own = (found as Record<string, unknown>)[key];
      const isExtra = key === 'extra';
      const same = isExtra ? isEqual(without(value as Extra, ['timestamp_utc']), without(own as Extra, ['timestamp_utc'])) : isEqual(value, own);
      if (!same) lost.push(`${key}${where}`);
    }
  };
  compare('', metadata === undefined ? schema : { ...schema, extra: withMetadata(schema.extra, metadata) }, written.schema);
  for (const [index, column] of schema.columns.entries()) compare(` of ${JSON.stringify(column.name)}`, column, written.schema.columns[index] ?? {});
  const states = (wanted: Date | undefined, found: Date | undefined): boolean => (wanted?.getTime() ?? 0) < 1000 || found !== undefined;
  if (!states(created, written.created)) lost.push('created');
  if (!states(modified, written.modified)) lost.push('modified');
  if (lost.length === 0) return;
  const some = lost.length > 10 ? `${lost.slice(0, 10).join(', ')}, ...` : lost.join(', ');
  throw new NcfError('unsupported-feature', `${written.dialect} has no place for ${some}; the option lossy leaves it out`);
}

/** Whether two pieces of metadata are the same; what is missing is like what is undefined or null. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (a ?? undefined) === (b ?? undefined)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Map !== b instanceof Map || Array.isArray(a) !== Array.isArray(b)) return false;
  const entries = (value: object): [unknown, unknown][] => (value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value));
  const [left, right] = [entries(a), new Map(entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && isEqual(value, right.get(key)));
}
