/** Files rewritten in other dialects: values, schema and metadata stay, or the conversion is refused. */

import { assert, fixture, fixtures, ncf, test } from '#harness';

import { fails } from './util.mjs';

const { convert, write, open } = ncf;

/** Without what each dialect states in a way of its own. */
function meaning(/** @type {any} */ { columns, rowCount: _rows, defaultCompression: _codec, ...schema }) {
  const plain = (/** @type {any} */ { utc: _utc, precision: _precision, scale: _scale, extra, ...column }) => {
    const { timestamp_utc: _flag, ...rest } = extra;
    return { ...column, extra: rest };
  };
  return { ...schema, columns: columns.map(plain) };
}

/** Values as text where the dialects have different units or numbers of digits. */
function values(/** @type {any} */ column) {
  const { type, utc } = column;
  const all = column.toArray();
  if (type === 'timestamp') return [utc, all.map((/** @type {string | null} */ text) => text?.replace(/(\.\d*?)0+(Z?)$/, '$1$2').replace(/\.(Z?)$/, '$1') ?? null)];
  return all;
}

const contents = async (/** @type {any} */ file) => (await file.read()).columns.map((/** @type {any} */ column) => [column.name, column.type, values(column)]);

/** Fixtures of the legacy dialects that are well-formed. */
const LEGACY = fixtures.filter((name) => /^v(10|20)_/.test(name));

/** Those that version 2 cannot hold as they are: times in nanoseconds, a column without data. */
const LOSSY = ['v10_pickle_timestamp', 'v10_schema_mismatch'];

/** What is left of contents in version 2. */
const cut = (/** @type {any[]} */ columns, /** @type {number} */ rows) =>
  columns.map(([name, type, all]) => {
    if (type !== 'timestamp') return [name, type, [...all, ...new Array(rows - all.length).fill(null)]];
    return [name, type, [all[0], all[1].map((/** @type {string | null} */ text) => text?.replace(/(\.\d{6})\d+/, '$1').replace(/(\.\d*?)0+(Z?)$/, '$1$2').replace(/\.(Z?)$/, '$1') ?? null)]];
  });

for (const name of LEGACY) {
  test(`${name}: to version 2 and back`, async () => {
    const { bytes } = await fixture(name);
    const file = await open(bytes);
    const lossy = LOSSY.includes(name);
    if (lossy) await fails(() => convert(bytes), 'type-mismatch');
    const { bytes: second, numRows, digest } = await convert(bytes, { lossy });
    const middle = await open(second, { verify: true, integrity: digest });
    // The header of an odd file can state other rows than it has.
    const rows = (await file.read()).numRows;
    assert.ok(rows === file.numRows || lossy);
    assert.deepEqual([middle.dialect, middle.numRows, numRows], ['ncf-2', rows, rows]);
    const expected = lossy ? cut(await contents(file), rows) : await contents(file);
    assert.deepEqual(await contents(middle), expected);
    const typed = { ...file.schema, columns: file.schema.columns.map((/** @type {any} */ column, /** @type {number} */ index) => ({ ...column, type: middle.schema.columns[index].type })) };
    assert.deepEqual(meaning(middle.schema), meaning(typed));
    const times = (/** @type {any} */ { created, modified }) => [created?.getTime() || undefined, modified?.getTime() || undefined];
    assert.deepEqual(times(middle), times(file));

    // Integers of Python have no nulls.
    if (name === 'v10_schema_mismatch') return void (await fails(() => convert(second, { dialect: file.dialect }), 'type-mismatch'));
    const { bytes: third } = await convert(second, { dialect: file.dialect });
    const back = await open(third, { verify: true });
    assert.deepEqual([back.dialect, back.numRows], [file.dialect, file.numRows]);
    assert.deepEqual(await contents(back), expected);
    assert.deepEqual(meaning(back.schema), meaning(typed));
    if (file.dialect === 'python-1.0') assert.deepEqual(times(back), times(file));
  });
}

const TABLE = [
  { name: 'id', data: [1n, 2n, 3n], description: 'key', semanticType: 'id_key', useDictionary: true, extra: { mine: [1] } },
  { name: 'text', data: ['a', 'b', 'c'], columnGroup: 2, containsPii: true },
  { name: 'x', data: [0.5, -0, 2] },
];

test('the same dialect is encoded anew: other options, same table', async () => {
  const bytes = await write(TABLE, { tableName: 't', metadata: { a: 1 }, rowGroupRows: 1, created: new Date('2024-01-01') });
  const { bytes: again } = await convert(bytes, { level: 9 });
  assert.deepEqual(again, await write(TABLE, { tableName: 't', metadata: { a: 1 }, level: 9, created: new Date('2024-01-01') }));
  const { bytes: other } = await convert(bytes, { rowGroupRows: 2, tableName: 'u', metadata: { b: 2 }, modified: new Date('2025-01-01'), bounds: 'all', compression: 'none' });
  const file = await open(other);
  assert.deepEqual([file.schema.tableName, file.schema.extra, file.created, file.modified, file.rowGroups.length], ['u', { metadata: { b: 2 } }, new Date('2024-01-01'), new Date('2025-01-01'), 2]);
  assert.deepEqual([file.statistics.get('text').min, file.schema.defaultCompression], ['a', 'none']);
  const python = await write(TABLE, { dialect: 'python-1.0', compression: 'none' });
  assert.deepEqual((await convert(python, { dialect: 'python-1.0' })).bytes, await write(TABLE, { dialect: 'python-1.0' }));
});

test('rust-2.0 has no place for most of a schema: refused, or left out when asked', async () => {
  const bytes = await write(TABLE, { metadata: { a: 1 }, created: new Date('2024-01-01') });
  let touched = 0;
  const sink = () => (touched += 1);
  const error = await fails(() => convert(bytes, { dialect: 'rust-2.0', sink }), 'unsupported-feature');
  for (const word of ['extra', 'description of "id"', 'semanticType of "id"', 'useDictionary of "id"', 'columnGroup of "text"', 'created']) assert.ok(error.message.includes(word), `${word}: ${error.message}`);
  assert.equal(touched, 0);
  const { bytes: rust } = await convert(bytes, { dialect: 'rust-2.0', lossy: true });
  const file = await open(rust);
  assert.deepEqual((await file.read()).toArray(), TABLE[0].data.map((id, row) => ({ id, text: TABLE[1].data[row], x: TABLE[2].data[row] })));
  // What has a place needs no permission.
  const plain = await write(TABLE.map(({ name, data }) => ({ name, data, semanticType: name === 'text' ? 'categorical' : 'unknown', nullable: false })), { tableName: 't' });
  const kept = await open((await convert(plain, { dialect: 'rust-2.0' })).bytes);
  assert.deepEqual(meaning(kept.schema), meaning((await open(plain)).schema));
});

test('values that a dialect cannot hold are refused with their column before anything is written', async () => {
  let touched = 0;
  const sink = () => (touched += 1);
  const cases = [
    [[{ name: 'a', data: [1] }, { name: 'n', type: 'int32', data: [null] }], 'python-1.0', 'n', undefined],
    [[{ name: 'a', data: [1] }, { name: 'n', data: [''] }], 'python-1.0', 'n', undefined],
    [[{ name: 'a', data: [1] }, { name: 'n', data: [1.5] }, { name: 'f', data: [null], type: 'float64' }], 'python-1.0', 'f', undefined],
    [[{ name: 'a', data: [1] }, { name: 'n', data: [true] }], 'rust-2.0', 'n', undefined],
    [[{ name: 'a', data: [1] }, { name: 'n', type: 'string', data: [null] }], 'rust-2.0', 'n', 0],
  ];
  for (const [table, dialect, column, row] of cases) await fails(() => write(table).then((bytes) => convert(bytes, { dialect, sink })), 'type-mismatch', row === undefined ? { column } : { column, row });
  const nanoseconds = await write([{ name: 'a', data: [1, 2] }, { name: 't', type: 'timestamp', unit: 'ns', data: [1000n, -1n] }], { dialect: 'python-1.0' });
  await fails(() => convert(nanoseconds, { sink }), 'type-mismatch', { column: 't', row: 1 });
  const far = await write([{ name: 't', type: 'timestamp', unit: 's', data: [0, 2n ** 60n] }], { dialect: 'python-1.0' });
  await fails(() => convert(far, { sink, lossy: true }), 'type-mismatch', { column: 't', row: 1 });
  assert.equal(touched, 0);
  const cut = await open((await convert(nanoseconds, { lossy: true })).bytes);
  assert.deepEqual((await cut.read()).column('t').toArray(), ['1970-01-01T00:00:00.000001', '1969-12-31T23:59:59.999999']);
});

test('lossy accepts what python-1.0 cannot tell apart', async () => {
  const bytes = await write({ s: ['', null, 'x'], f: [1.5, null, NaN] });
  await fails(() => convert(bytes, { dialect: 'python-1.0' }), 'type-mismatch', { column: 's' });
  const file = await open((await convert(bytes, { dialect: 'python-1.0', lossy: true })).bytes);
  assert.deepEqual((await file.read()).columns.map((column) => column.toArray()), [[null, null, 'x'], [1.5, NaN, NaN]]);
});

test('what is left of a python-1.1 file can be converted', async () => {
  const { bytes } = await fixture('v11_partial');
  await fails(() => convert(bytes), 'unsupported-feature');
  const salvaged = await open(bytes, { salvage: true });
  const file = await open((await convert(bytes, { salvage: true })).bytes, { verify: true });
  assert.ok(salvaged.lostColumns.length > 0);
  assert.deepEqual(await contents(file), await contents(salvaged));
  assert.deepEqual(file.schema.columns.map(({ name }) => name), salvaged.schema.columns.map(({ name }) => name).filter((name) => !salvaged.lostColumns.includes(name)));
  await fails(() => convert(bytes, { salvage: true, dialect: 'python-1.1' }), 'invalid-argument');
});

test('to a sink, with progress, from an open file; aborted in between', async () => {
  const ROWS = 5000;
  const bytes = await write({ a: Int32Array.from({ length: ROWS }, (_, row) => row), s: Array.from({ length: ROWS }, (_, row) => `x${row}`) }, { rowGroupRows: 1000 });
  const file = await open(bytes);
  for (const dialect of ['ncf-2', 'python-1.0']) {
    const seen = [];
    const parts = [];
    let isClosed = false;
    const sink = { write: (/** @type {Uint8Array} */ part) => parts.push(part), close: () => (isClosed = true) };
    const { byteLength, bytes: none } = await convert(file, { dialect, sink, rowGroupRows: 500, onProgress: ({ phase, loaded, total }) => phase === 'encode' && seen.push([loaded, total]) });
    assert.deepEqual([isClosed, none, parts.reduce((sum, { length }) => sum + length, 0)], [true, undefined, byteLength]);
    assert.deepEqual(seen.at(-1), dialect === 'ncf-2' ? [ROWS, ROWS] : [2, 2]);
    const reason = new Error('enough');
    const controller = new AbortController();
    const told = [];
    const stopped = { write: () => undefined, close: () => told.push('closed'), abort: () => told.push('aborted') };
    await convert(file, { dialect, sink: stopped, rowGroupRows: 500, signal: controller.signal, onProgress: () => controller.abort(reason) }).then(() => assert.fail('went on'), (error) => assert.equal(error, reason));
    assert.ok(!told.includes('closed'));
  }
  assert.equal((await file.read({ rowEnd: 1 })).numRows, 1);
  await file.close();
});
