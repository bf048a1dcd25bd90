/** A consumer's TypeScript: compiles as it stands, and each line marked with ts-expect-error must not compile. */

import {
  append,
  convert,
  evolve,
  init,
  NcfError,
  NcfWriter,
  open,
  openSync,
  write,
  writeRows,
  writeSync,
  type AnyColumn,
  type AsyncBuffer,
  type Column,
  type ColumnDeclaration,
  type ColumnInput,
  type ColumnStatistics,
  type DataType,
  type Dialect,
  type Filter,
  type Layout,
  type NcfErrorCode,
  type NcfFile,
  type NcfInput,
  type NcfSink,
  type Row,
  type RowGroup,
  type Schema,
  type Table,
  type VerifyReport,
  type WritableDialect,
  type WriteResult,
} from 'ncf-wasm';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Fails to compile unless the two types are the same. */
const same = <A, B>(_: Equal<A, B>): void => undefined;

/** The switch narrows values and cells, and knows all types. */
export function sum(column: AnyColumn): number | bigint {
  switch (column.type) {
    case 'int64':
    case 'uint64': {
      same<typeof column.values, BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>>(true);
      let total = 0n;
      for (const value of column.values) total += value;
      return total;
    }
    case 'float64':
      same<typeof column.values, Float64Array<ArrayBuffer>>(true);
      same<ReturnType<typeof column.get>, number | null>(true);
      return column.values.reduce((a, b) => a + b, 0);
    case 'string': {
      const text: string | null = column.get(0);
      // @ts-expect-error text is no number
      const wrong: number | null = column.get(0);
      return text?.length ?? Number(wrong);
    }
    case 'boolean':
      same<ReturnType<typeof column.get>, boolean | null>(true);
      return 0;
    case 'binary':
      same<ReturnType<typeof column.get>, Uint8Array<ArrayBuffer> | null>(true);
      return 0;
    case 'date':
    case 'timestamp':
    case 'decimal':
      same<ReturnType<typeof column.get>, string | null>(true);
      return 0;
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'float32':
      same<ReturnType<typeof column.get>, number | null>(true);
      return column.values.length;
    default: {
      const none: never = column;
      return none;
    }
  }
}

/** Options decide what cells are. */
export async function cells(file: NcfFile): Promise<void> {
  const plain: Table = await file.read();
  same<ReturnType<Column<'int64'>['get']>, bigint | null>(true);
  const wide: bigint | null = plain.column('id', 'int64').get(0);

  const numbers = await file.read({ int64: 'number', dates: 'date' });
  const id: number | null = numbers.column('id', 'int64').get(0);
  const when: Date | null = numbers.column('when', 'timestamp').get(0);
  const texts: (string | null)[] = (await file.read({ int64: 'string' })).column('id', 'uint64').toArray();
  const raw = await file.read({ dates: 'raw' });
  const days: number | null = raw.column('d', 'date').get(0);
  const count: bigint | null = raw.column('t', 'timestamp').get(0);
  // @ts-expect-error a bigint is no number unless asked for
  const wrong: number | null = plain.column('id', 'int64').get(0);
  // @ts-expect-error there is no such mode
  await file.read({ int64: 'float' });
  // @ts-expect-error there is no such type
  plain.column('id', 'int128');
  // @ts-expect-error columns are a list
  await file.read({ columns: 'id' });

  for await (const row of file.rows({ columns: ['id'] })) same<typeof row, Row>(true);
  for await (const table of file.batches({ batchSize: 100, int64: 'number' })) same<typeof table, Table<'number'>>(true);
  const stream: ReadableStream<Table> = file.readable({ limit: 5 });
  const zones: readonly ColumnStatistics[] = await file.zoneMaps('id');
  const groups: readonly RowGroup[] = file.rowGroups;
  await file.read({ filter: { id: { $gt: 5n }, name: 'x', $or: [{ a: null }, { b: { $in: [1, 2] } }] } });
  // @ts-expect-error there is no such operator
  await file.read({ filter: { id: { $like: 'x' } } });
  // @ts-expect-error a limit is a number
  await file.read({ limit: '5' });
  console.log(stream, zones[0]?.nanCount, zones[0]?.order === 'ascending', groups[0]?.start, file.digest);
  for (const value of numbers.column('id', 'int64')) same<typeof value, number | null>(true);
  console.log(wide, id, when, texts, days, count, wrong);
}

/** What is read only stays so. */
export function readOnly(file: NcfFile, table: Table): void {
  // @ts-expect-error the schema cannot be replaced
  file.schema = undefined;
  // @ts-expect-error nor its columns be added to
  file.schema.columns.push(file.schema.columns[0]);
  // @ts-expect-error nor the table's
  table.columns.push(table.columns[0]);
  const schema: Schema = file.schema;
  const group: number | undefined = schema.columns[0]?.columnGroup;
  const created: Date | undefined = file.created;
  const dialect: Dialect = file.dialect;
  console.log(group, created, dialect);
}

/** Everything that can be opened, on every platform. */
export async function sources(blob: Blob, file: File, response: Response, stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
  const buffer: AsyncBuffer = { byteLength: 5, slice: (start, end) => new ArrayBuffer((end ?? 5) - start) };
  const inputs: NcfInput[] = [new Uint8Array(), new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), blob, file, response, stream, buffer, 'https://example.com/a.ncf', new URL('https://example.com')];
  for (const input of inputs) await open(input, { signal, verify: 'auto', salvage: true, limits: { maxColumns: 5 }, tailBytes: 5, integrity: 'sha256-', checksums: false, fetch: { byteLength: 5, onRangeIgnored: 'error' } });
  // @ts-expect-error a number is no source
  await open(5);
  // @ts-expect-error a Blob cannot be read at once
  openSync(blob);
  // @ts-expect-error no such way to verify
  await open(blob, { verify: 'never' });
  await init({ reader: '/reader.wasm', full: true });
  const opened = openSync(new Uint8Array());
  const report: VerifyReport = await opened.verify();
  const layout: Layout = await opened.layout();
  console.log(report.problems[0]?.column, report.ok, layout.chunks[0]?.start, opened.readSync({ rowEnd: 5 }).numRows);
}

/** Everything that can be written. */
export async function writing(table: Table, schema: Schema): Promise<void> {
  const columns: ColumnInput[] = [
    { name: 'a', data: [1, 2n, null, undefined], type: 'int64' },
    { name: 'b', data: new Float32Array(5), semanticType: 'numerical' },
    { name: 'c', data: ['x', null], nullable: true, containsPii: true, extra: { more: [1] } },
    { name: 'd', data: [new Date()], unit: 'ns', utc: true },
    { name: 'e', data: [new Uint8Array(1), new ArrayBuffer(1)] },
    { name: 'f', data: { values: new Uint8Array(1), offsets: new Int32Array(2), type: 'binary' } },
    { name: 'g', data: ['1.5'], type: 'decimal', precision: 10, scale: 2 },
    ...table.columns.map((data) => ({ name: data.name, data })),
  ];
  const bytes: Uint8Array<ArrayBuffer> = await write(columns, { dialect: 'python-1.0', schema, level: 9, compression: 'zstd', created: new Date(), lossy: true });
  writeSync({ a: [1], b: new Int8Array(1), c: ['x'] }, { dialect: 'rust-2.0' });
  const dialect: WritableDialect = 'rust-2.0';
  await write(columns);
  // @ts-expect-error nobody should write that
  await write(columns, { dialect: 'python-1.1' });
  // @ts-expect-error no such codec
  await write(columns, { dialect, compression: 'lz4' });
  // @ts-expect-error objects are no values
  await write({ a: [{}] }, { dialect });
  // @ts-expect-error a column has a name
  await write([{ data: [1] }], { dialect });
  // @ts-expect-error no such type
  await write([{ name: 'a', data: [1], type: 'int128' satisfies string }], { dialect });
  // @ts-expect-error a synchronous call cannot be aborted
  writeSync(columns, { dialect, signal: new AbortController().signal });
  console.log(bytes.byteLength);
}

/** Everything that is written in batches, changed and converted. */
export async function streaming(file: NcfFile, stream: WritableStream<Uint8Array>, rows: AsyncIterable<{ a: number; b: string | null }>): Promise<void> {
  const sinks: NcfSink[] = ['bytes', stream, (bytes) => bytes.byteLength, { write: (bytes) => bytes.byteLength, close: () => undefined, abort: (reason) => reason }];
  const columns: readonly ColumnDeclaration[] = [{ name: 'a', type: 'int64' }, ...file.schema.columns];
  for (const sink of sinks) {
    const writer = await NcfWriter.open(sink, { columns, schema: file.schema, rowGroupRows: 5, bounds: 'none', metadata: { a: [1] }, created: new Date() });
    await writer.write({ a: [1, null], b: new Int8Array(1) });
    await writer.write([{ name: 'a', data: [1n] }]);
    await writer.write(await file.read());
    await writer.writeRows([{ a: 1, b: null }]);
    await writer.writeRows(rows);
    await file.readable().pipeTo(writer.writable);
    const result: WriteResult = await writer.finish();
    const bytes: Uint8Array<ArrayBuffer> | undefined = result.bytes;
    await writer.abort(new Error('enough'));
    await writer[Symbol.asyncDispose]();
    console.log(bytes, result.byteLength, result.numRows, result.digest, writer.start, writer.numRows);
  }
  const bytes: Uint8Array<ArrayBuffer> = await writeRows(rows, { columns });
  const { digest } = await append(bytes, { a: [1] }, { sink: stream });
  await (await NcfWriter.append(file, 'bytes', { output: 'tail' })).finish();
  await evolve(file, [{ drop: 'a' }, { rename: 'b', to: 'c' }, { add: { name: 'd', data: [1] } }], { bounds: 'all' });
  await convert(new Blob(), { dialect: 'python-1.0', lossy: true, salvage: true, level: 3 });
  // @ts-expect-error legacy dialects cannot be written in batches
  await NcfWriter.open('bytes', { dialect: 'rust-2.0' });
  // @ts-expect-error a number is no sink
  await NcfWriter.open(5);
  // @ts-expect-error objects are no values
  await writeRows([{ a: {} }]);
  // @ts-expect-error no such edit
  await evolve(file, [{ remove: 'a' }]);
  // @ts-expect-error nobody should write that
  await convert(file, { dialect: 'python-1.1' });
  console.log(digest);
}

/** Codes are a closed list. */
export function explain(error: unknown): string {
  if (!(error instanceof NcfError)) return String(error);
  const code: NcfErrorCode = error.code;
  // @ts-expect-error no such code
  if (error.code === 'not-there') return '';
  // @ts-expect-error a code cannot be changed
  error.code = 'closed';
  return `${code} ${error.column ?? ''} ${error.row ?? 0} ${error.status ?? 0} ${error.offset ?? 0}`;
}

/** Types can be named by type. */
export const widths: Partial<Record<DataType, number>> = { int8: 1, float64: 8 };

/** Filters are checked as far as types can tell. */
export const filters: Filter[] = [
  {},
  { a: 1, b: null, c: new Uint8Array(1), d: { $gt: 5n, $lt: new Date() } },
  { $or: [{ a: null }, { b: { $in: ['x', null] } }], c: { $not: { $null: true } } },
  { $not: { a: { $not: 5 } } },
  { $columns: { $x: 1 } },
  // @ts-expect-error no operator of that name
  { a: { gt: 1 } },
  // @ts-expect-error null has no order
  { a: { $gt: null } },
  // @ts-expect-error several values need an operator
  { a: [1, 2] },
  // @ts-expect-error filters go into an array
  { $or: { a: 1 } },
];
