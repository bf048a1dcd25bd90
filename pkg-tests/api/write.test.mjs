/** What is written is read back equal, from every form of input; what cannot be written is refused, with code and column. */

import { assert, fixture, fixtures, ncf, test } from '#harness';

import { contents, fails, roundTrip } from './util.mjs';

const { write, writeSync, open, openSync } = ncf;
const PYTHON = { dialect: 'python-1.0' };
const RUST = { dialect: 'rust-2.0' };

const INTEGERS = {
  int8: [Int8Array, -128, 127],
  int16: [Int16Array, -32768, 32767],
  int32: [Int32Array, -2147483648, 2147483647],
  uint8: [Uint8Array, 0, 255],
  uint16: [Uint16Array, 0, 65535],
  uint32: [Uint32Array, 0, 4294967295],
};
const WIDE = { int64: [BigInt64Array, -(2n ** 63n), 2n ** 63n - 1n], uint64: [BigUint64Array, 0n, 2n ** 64n - 1n] };

const part = (/** @type {any} */ array) => {
  // A view into the middle of a buffer.
  const larger = new array.constructor(array.length + 2);
  larger.set(array, 1);
  return larger.subarray(1, -1);
};
const date = (text) => new Date(text);
const bytes = (...values) => new Uint8Array(values);

/** Input: data, options of the column, expected type, expected values (as the data if missing). */
const FORMS = [
  ...Object.entries(INTEGERS).flatMap(([type, [kind, min, max]]) => [
    [kind.of(min, max, 0), {}, type, [min, max, 0]],
    [part(kind.of(min, max, 0)), {}, type, [min, max, 0]],
    [[min, max, 0], { type }, type],
    [[BigInt(min), BigInt(max)], { type }, type, [min, max]],
    [new Float64Array([min, max]), { type }, type, [min, max]],
    [{ values: kind.of(min, max) }, {}, type, [min, max]],
    [{ values: kind.of(min, max), type, length: 2 }, {}, type, [min, max]],
  ]),
  ...Object.entries(WIDE).flatMap(([type, [kind, min, max]]) => [
    [kind.of(min, max), {}, type, [min, max]],
    [part(kind.of(min, max)), {}, type, [min, max]],
    [[min, max], { type }, type],
    [[0, Number.MAX_SAFE_INTEGER, 5n], { type }, type, [0n, BigInt(Number.MAX_SAFE_INTEGER), 5n]],
    [new Int32Array([1, 2]), { type }, type, [1n, 2n]],
    [{ values: kind.of(min, max) }, {}, type, [min, max]],
  ]),
  [[1, 2, -3], {}, 'int64', [1n, 2n, -3n]],
  [[-1n, 2], {}, 'int64', [-1n, 2n]],
  [[2n ** 63n], {}, 'uint64'],
  [new Uint8ClampedArray([0, 255]), {}, 'uint8', [0, 255]],
  [new Float32Array([0.5, -0, NaN, Infinity]), {}, 'float32', [0.5, -0, NaN, Infinity]],
  [[0.1, -0, NaN, -Infinity], { type: 'float32' }, 'float32', [Math.fround(0.1), -0, NaN, -Infinity]],
  [new Float64Array([0.1, -0, NaN, Infinity]), {}, 'float64', [0.1, -0, NaN, Infinity]],
  [[0.1, 2, NaN], {}, 'float64'],
  [[-0, 1], {}, 'float64'],
  [[2 ** 53], {}, 'float64'],
  [[1, 2], { type: 'float64' }, 'float64'],
  [[2n ** 60n], { type: 'float64' }, 'float64', [2 ** 60]],
  [new Int16Array([1, -1]), { type: 'float64' }, 'float64', [1, -1]],
  [{ values: new Float64Array([1.5]) }, {}, 'float64', [1.5]],
  [['a', 'naïve', '🚀', '\uFEFFx', 'x\u0000'], {}, 'string'],
  [['a', null, undefined, 'b'], {}, 'string', ['a', null, null, 'b']],
  [[null, null], { type: 'string' }, 'string'],
  [{ values: bytes(97, 98, 99), offsets: Int32Array.of(0, 1, 3) }, {}, 'string', ['a', 'bc']],
  [{ values: bytes(97, 98, 99), offsets: Int32Array.of(0, 1, 1, 3), validity: bytes(0b101) }, {}, 'string', ['a', null, 'bc']],
  [[bytes(1, 2), bytes(), bytes(255)], {}, 'binary'],
  [[bytes(1), bytes(2, 3).buffer, null], {}, 'binary', [bytes(1), bytes(2, 3), null]],
  [{ values: bytes(1, 2), offsets: Int32Array.of(0, 2), type: 'binary' }, {}, 'binary', [bytes(1, 2)]],
  [[true, false, true], {}, 'boolean'],
  [[true, null, false], {}, 'boolean'],
  [[1, 0, true], { type: 'boolean' }, 'boolean', [true, false, true]],
  [{ values: bytes(0b101), length: 3 }, { type: 'boolean' }, 'boolean', [true, false, true]],
  [['2024-02-29', '0001-01-01', null, '+012024-01-01', '-000001-12-31'], { type: 'date' }, 'date'],
  [[date('2024-02-29'), 0, -1n], { type: 'date' }, 'date', ['2024-02-29', '1970-01-01', '1969-12-31']],
  [new Int32Array([1, -1]), { type: 'date' }, 'date', ['1970-01-02', '1969-12-31']],
  [[date('2024-02-29T12:00:00.123Z'), null], {}, 'timestamp', ['2024-02-29T12:00:00.123000Z', null]],
  [['2024-02-29', '2024-02-29T01:02', '2024-02-29 01:02:03.5'], { type: 'timestamp' }, 'timestamp', ['2024-02-29T00:00:00.000000', '2024-02-29T01:02:00.000000', '2024-02-29T01:02:03.500000']],
  [['2024-02-29T01:02:03+02:00', '2024-02-29T01:02:03Z'], { type: 'timestamp', unit: 's' }, 'timestamp', ['2024-02-28T23:02:03Z', '2024-02-29T01:02:03Z']],
  [['2024-02-29T01:02:03.000000001'], { type: 'timestamp', unit: 'ns' }, 'timestamp'],
  [[1, -1n, null], { type: 'timestamp', unit: 'ms' }, 'timestamp', ['1970-01-01T00:00:00.001', '1969-12-31T23:59:59.999', null]],
  [BigInt64Array.of(1n), { type: 'timestamp', unit: 'ns' }, 'timestamp', ['1970-01-01T00:00:00.000000001']],
  [['1.5', '-0.25', null, '10'], { type: 'decimal' }, 'decimal', ['1.50', '-0.25', null, '10.00']],
  [['1.5', 7n, -3], { type: 'decimal', scale: 1 }, 'decimal', ['1.5', '7.0', '-3.0']],
  [['99999999999999999999999999999999999999', `-${'9'.repeat(38)}`], { type: 'decimal' }, 'decimal'],
];

test('python-1.0: every form of every type is read back', async () => {
  assert.deepEqual([...new Set(FORMS.map(([, , type]) => type))].sort(), [...ncf.DATA_TYPES].sort());
  for (const [data, more, type, expected = data] of FORMS) {
    const { table } = await roundTrip([{ name: 'c', data, ...more }]);
    const column = table.column('c', type);
    assert.deepEqual(column.toArray(), expected, type);
    assert.equal(column.nullCount, expected.filter((value) => value === null).length, type);
  }
});

test('rust-2.0: every form of its types is read back', async () => {
  const forms = FORMS.filter(([, , type, expected]) => ['int64', 'float64', 'string'].includes(type) && !expected?.includes(null));
  assert.ok(forms.length >= 15);
  for (const [data, more, type, expected = data] of forms) {
    if (expected.includes(null)) continue;
    const { table, file } = await roundTrip([{ name: 'c', data, ...more }], RUST);
    assert.deepEqual(table.column('c', type).toArray(), expected, type);
    assert.equal(file.dialect, 'rust-2.0');
  }
  const { table } = await roundTrip({ s: ['', 'x', ''] }, RUST);
  assert.deepEqual(table.column('s').toArray(), ['', 'x', '']);
});

test('columns can be given as an object', async () => {
  const { file, table } = await roundTrip({ id: [1, 2], name: ['a', null], when: [new Date(0), new Date(1)] }, { tableName: 't' });
  assert.deepEqual(file.schema.columns.map(({ name, type }) => `${name} ${type}`), ['id int64', 'name string', 'when timestamp']);
  assert.equal(file.schema.tableName, 't');
  assert.deepEqual(table.toArray()[1], { id: 2n, name: null, when: '1970-01-01T00:00:00.001000Z' });
});

/** Fixtures that nothing is odd about; the odd ones have tests of their own. */
const REWRITABLE = fixtures.filter((name) => /^v(10|20)_/.test(name) && !['v10_schema_mismatch', 'v10_pickle_decimal', 'v10_groups_intkeys'].includes(name));

for (const name of REWRITABLE) {
  test(`${name}: read, written, read again`, async () => {
    const { bytes: original } = await fixture(name);
    const file = await open(original);
    const table = await file.read();
    const dialect = file.dialect;
    const columns = table.columns.map((data) => ({ name: data.name, data }));
    const again = await open(await write(columns, { dialect, schema: file.schema, created: file.created }));
    // numpy has no zone: what is UTC is said in a key of its own.
    const stated = file.schema.columns.map((column, index) => (table.columns[index].utc ? { ...column, extra: { ...column.extra, timestamp_utc: true } } : column));
    assert.deepEqual(again.schema, { ...file.schema, columns: stated, rowCount: file.numRows, defaultCompression: 'zstd' });
    assert.deepEqual([again.created, again.dialect, again.numRows], [file.created, dialect, file.numRows]);
    const second = await again.read();
    assert.deepEqual(second.columns.map(contents), table.columns.map(contents));
  });
}

test('unknown keys, group names and hints survive a round trip', async () => {
  const extra = { later: { deep: [1, 'x', null, true, 2.5] }, big: 2n ** 63n, bytes: new Uint8Array([1, 2]), mapped: new Map([[1, 'a'], ['b', 2]]) };
  const field = { name: 'c', data: [1], description: 'd', semanticType: 'id_key', columnGroup: 3, useDictionary: true, createLearnedIndex: true, indexModelType: 'rmi', compressionModel: 'm', containsPii: true, nullable: false, typicalQueryPatterns: ['='], extra };
  const schema = { version: 4, tableName: 'old', rowCount: 9, defaultCompression: 'none', createdAt: '2024', modifiedAt: '2025', enableLearnedIndexes: false, columnGroups: new Map([[3, ['c']]]), extra: { table: 'x' }, columns: [] };
  const { file, table } = await roundTrip([field], { schema });
  const stated = file.schema.columns[0];
  const { data, ...wanted } = field;
  assert.deepEqual(stated, { ...stated, ...wanted, type: 'int64' });
  assert.deepEqual(file.schema, { ...schema, rowCount: 1, defaultCompression: 'zstd', columns: [stated] });

  const again = await roundTrip([{ name: 'c', data: table.column('c') }, { name: 'new', data: ['x'] }], { schema: file.schema, tableName: 'new' });
  assert.deepEqual(again.file.schema.columns[0], stated);
  assert.deepEqual([again.file.schema.tableName, again.file.schema.extra], ['new', { table: 'x' }]);
  assert.deepEqual(again.file.schema.columns[1].extra, {});
});

test('a column of another dialect can be taken over', async () => {
  const { bytes: original } = await fixture('v20_semantic');
  const table = await (await open(original)).read();
  const columns = table.columns.map((data) => ({ name: data.name, data }));
  const { table: python } = await roundTrip(columns);
  assert.deepEqual(python.columns.map((column) => column.toArray()), table.columns.map((column) => column.toArray()));
});

test('an empty table keeps its types', async () => {
  for (const [options, types] of [[PYTHON, ncf.DATA_TYPES], [RUST, ['int64', 'float64', 'string']]]) {
    const { file, table } = await roundTrip(types.map((type) => ({ name: type, type, data: [] })), options);
    assert.deepEqual([file.numRows, table.numRows, table.toArray()], [0, 0, []]);
    assert.deepEqual(table.columns.map(({ type, length }) => [type, length]), types.map((type) => [type, 0]));
  }
});

test('200 columns', async () => {
  for (const options of [PYTHON, RUST]) {
    const columns = Array.from({ length: 200 }, (_, index) => ({ name: `c${index}`, data: [index, -index - 1] }));
    const { table } = await roundTrip(columns, options);
    assert.deepEqual(table.columns.map((column) => column.toArray()), columns.map(({ data }) => data.map(BigInt)));
    assert.deepEqual(table.columns.map(({ name }) => name), columns.map(({ name }) => name));
  }
});

test('100,000 rows', async () => {
  const ROWS = 100_000;
  const make = (body) => Array.from({ length: ROWS }, (_, row) => body(row));
  const data = { id: make((row) => BigInt(row) * 1000n), half: Float64Array.from(make((row) => row / 2)), name: make((row) => `имя ${row}`) };
  for (const options of [PYTHON, RUST]) {
    const { table, file } = await roundTrip(data, options);
    assert.equal(file.numRows, ROWS);
    assert.deepEqual(table.column('id').toArray(), data.id);
    assert.deepEqual(table.column('half').values, data.half);
    assert.deepEqual(table.column('name').toArray(), data.name);
  }
});

test('names can be any text', async () => {
  const names = ['', ' ', 'имя', '🚀', 'a"b\\c\n', '__proto__', 'constructor', 'x'.repeat(500)];
  for (const options of [PYTHON, RUST]) {
    const { table } = await roundTrip(names.map((name, index) => ({ name, data: [index] })), { ...options, tableName: '🚀' });
    assert.deepEqual(table.columns.map(({ name }) => name), names);
    const row = table.row(0);
    assert.deepEqual(Object.keys(row), names);
    assert.ok(Object.hasOwn(row, '__proto__'));
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
  }
});

test('the same input gives the same bytes', async () => {
  const table = { id: [1, 2, 3], when: [new Date(5), null, new Date(7)], text: ['a', 'b', 'c'] };
  const first = await write(table, PYTHON);
  assert.deepEqual(await write(table, PYTHON), first);
  assert.deepEqual(writeSync(table, PYTHON), first);
  const all = await Promise.all([0, 1, 2].map(() => write(table, { ...PYTHON, level: 9 })));
  assert.deepEqual(all[1], all[0]);
  assert.deepEqual(all[2], all[0]);
});

test('every level and codec is read back; more work gives no larger file', async () => {
  const text = Array.from({ length: 5000 }, (_, row) => `user${row % 700}@example.com`);
  const sizes = [];
  for (let level = 1; level <= 22; level++) {
    const { bytes: written, table } = await roundTrip({ text }, { level });
    assert.deepEqual(table.column('text').toArray(), text);
    sizes.push(written.length);
  }
  assert.ok(sizes[21] <= sizes[0], String(sizes));
  assert.ok(sizes[0] * 2 < text.join('').length, String(sizes));
  const { file, bytes: stored } = await roundTrip({ text }, { compression: 'none' });
  assert.ok(stored.length > text.join('').length);
  assert.equal(file.schema.defaultCompression, 'none');
  assert.deepEqual((await file.layout()).chunks.map(({ compression }) => compression), ['none']);
  for (const level of [0, 23, -1, 1.5, NaN, '3']) await fails(() => write({ text }, { ...PYTHON, level }), 'invalid-argument');
});

test('times are stored in seconds', async () => {
  const created = new Date('2024-02-29T12:00:00.999Z');
  const seconds = (file) => [file.created, file.modified].map((time) => time?.toISOString());
  assert.deepEqual(seconds((await roundTrip({ a: [1] })).file), ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z']);
  assert.deepEqual(seconds((await roundTrip({ a: [1] }, { created })).file), ['2024-02-29T12:00:00.000Z', '2024-02-29T12:00:00.000Z']);
  const modified = new Date('2030-01-01');
  assert.deepEqual(seconds((await roundTrip({ a: [1] }, { created, modified })).file), ['2024-02-29T12:00:00.000Z', '2030-01-01T00:00:00.000Z']);
  assert.deepEqual(seconds((await roundTrip({ a: [1] }, { ...RUST, created })).file), [undefined, undefined]);
  for (const bad of [new Date(NaN), new Date(-1)]) await fails(() => write({ a: [1] }, { ...PYTHON, created: bad }), 'invalid-argument');
});

test('lossy writes what the dialect cannot tell apart', async () => {
  const { table } = await roundTrip([{ name: 's', data: ['', null, 'x'] }, { name: 'f', data: [1.5, null, NaN] }, { name: 'g', type: 'float32', data: [null, 1, 2] }], { lossy: true });
  assert.deepEqual(table.columns.map((column) => column.toArray()), [[null, null, 'x'], [1.5, NaN, NaN], [NaN, 1, 2]]);
});

test('statistics are those of the values', async () => {
  const { file } = await roundTrip([
    { name: 'i', data: [3, -(2 ** 40), 3] },
    { name: 'w', data: [2n ** 63n - 1n, 0n, 0n] },
    { name: 'f', data: [NaN, 0.5, -Infinity] },
    { name: 's', data: ['b', null, 'ящ'] },
    { name: 'd', type: 'date', data: ['2024-02-29', null, '0001-01-01'] },
    { name: 'none', type: 'string', data: [null, null, null] },
  ]);
  assert.deepEqual(Object.fromEntries(file.statistics), {
    i: { min: -(2n ** 40n), max: 3n, nullCount: 0, totalCount: 3, distinctCount: 2 },
    w: { min: 0n, max: 2n ** 63n - 1n, nullCount: 0, totalCount: 3, distinctCount: 2 },
    f: { min: -Infinity, max: 0.5, nullCount: 1, totalCount: 3, distinctCount: 3 },
    s: { min: 'b', max: 'ящ', nullCount: 1, totalCount: 3, distinctCount: 2, avgLength: 1.5 },
    d: { min: '0001-01-01', max: '2024-02-29', nullCount: 1, totalCount: 3, distinctCount: 2 },
    none: { nullCount: 3, totalCount: 3, distinctCount: 0 },
  });
});

test('rust-2.0 statistics count as its original writer does', async () => {
  const { file } = await roundTrip({ i: [2n ** 53n + 1n, 0n, 1n], f: [NaN, 1, 2], s: ['', 'x', ''] }, RUST);
  assert.deepEqual(Object.fromEntries(file.statistics), {
    i: { min: 0, max: 2 ** 53, nullCount: 0, totalCount: 3 },
    f: { min: 1, max: 2, nullCount: 1, totalCount: 3 },
    s: { nullCount: 2, totalCount: 3 },
  });
});

test('sync calls give the same', async () => {
  await ncf.init({ full: true });
  const table = { id: [1, 2], name: ['a', 'b'] };
  const written = writeSync(table, RUST);
  assert.deepEqual(written, await write(table, RUST));
  const file = openSync(written);
  assert.equal(file.isVerified, true);
  assert.deepEqual(file.readSync().toArray(), [{ id: 1n, name: 'a' }, { id: 2n, name: 'b' }]);
  assert.deepEqual((await file.read()).toArray(), file.readSync().toArray());
  await fails(() => writeSync({ a: [1.5, 'x'] }, PYTHON), 'type-mismatch', { column: 'a' });
  assert.deepEqual(writeSync(table, RUST), written);
});

test('progress tells of every column', async () => {
  const seen = [];
  await write({ a: [1], b: [2] }, { ...PYTHON, onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(seen, [{ phase: 'encode', loaded: 1, total: 2, column: 'a' }, { phase: 'encode', loaded: 2, total: 2, column: 'b' }]);
});

test('a write can be aborted between columns', async () => {
  const reason = new Error('enough');
  const early = AbortSignal.abort(reason);
  await write({ a: [1] }, { ...PYTHON, signal: early }).then(() => assert.fail('was written'), (error) => assert.equal(error, reason));
  const controller = new AbortController();
  const onProgress = () => controller.abort(reason);
  await write({ a: [1], b: [2] }, { ...PYTHON, signal: controller.signal, onProgress }).then(() => assert.fail('was written'), (error) => assert.equal(error, reason));
  await roundTrip({ a: [1] });
});

const one = (data, more = {}) => [{ name: 'c', data, ...more }];
const nested = (depth) => (depth === 0 ? [] : [nested(depth - 1)]);

/** What must be refused: input, options, code, column. */
const REFUSED = [
  ...Object.entries({ ...INTEGERS, ...WIDE }).flatMap(([type, [, min, max]]) => [
    [one([BigInt(min) - 1n], { type }), PYTHON, 'type-mismatch', 'c'],
    [one([BigInt(max) + 1n], { type }), PYTHON, 'type-mismatch', 'c'],
    [one([1.5], { type }), PYTHON, 'type-mismatch', 'c'],
    [one([NaN], { type }), PYTHON, 'type-mismatch', 'c'],
    [one(['1'], { type }), PYTHON, 'type-mismatch', 'c'],
    [one([true], { type }), PYTHON, 'type-mismatch', 'c'],
    [one([null], { type }), PYTHON, 'type-mismatch', 'c'],
  ]),
  [one([2 ** 53], { type: 'int64' }), PYTHON, 'type-mismatch', 'c'],
  [one([-(2 ** 60)], { type: 'int64' }), PYTHON, 'type-mismatch', 'c'],
  [one([null, 1]), PYTHON, 'type-mismatch', 'c'],
  [one([1e39], { type: 'float32' }), PYTHON, 'type-mismatch', 'c'],
  [one([2n ** 53n + 1n], { type: 'float64' }), PYTHON, 'type-mismatch', 'c'],
  [one([1.5, null]), PYTHON, 'type-mismatch', 'c'],
  [one(['x', '\uD800']), PYTHON, 'type-mismatch', 'c'],
  [one(['\uDC00x']), PYTHON, 'type-mismatch', 'c'],
  [one(['\uDE80\uD83D']), RUST, 'type-mismatch', 'c'],
  [one(['']), PYTHON, 'type-mismatch', 'c'],
  [one([1, 'a']), PYTHON, 'type-mismatch', 'c'],
  [one([true, 1]), PYTHON, 'type-mismatch', 'c'],
  [one([1.5, 2n]), PYTHON, 'type-mismatch', 'c'],
  [one([new Date(0), '2024-01-01']), PYTHON, 'type-mismatch', 'c'],
  [one([{}]), PYTHON, 'type-mismatch', 'c'],
  [one([[1]]), PYTHON, 'type-mismatch', 'c'],
  [one([Symbol('s')]), PYTHON, 'type-mismatch', 'c'],
  [one([2], { type: 'boolean' }), PYTHON, 'type-mismatch', 'c'],
  [one(['true'], { type: 'boolean' }), PYTHON, 'type-mismatch', 'c'],
  [one([1], { type: 'string' }), PYTHON, 'type-mismatch', 'c'],
  [one(['x'], { type: 'binary' }), PYTHON, 'type-mismatch', 'c'],
  [one(['2023-02-29'], { type: 'date' }), PYTHON, 'type-mismatch', 'c'],
  [one([new Date(1)], { type: 'date' }), PYTHON, 'type-mismatch', 'c'],
  [one([2 ** 31], { type: 'date' }), PYTHON, 'type-mismatch', 'c'],
  [one([new Date(NaN)]), PYTHON, 'type-mismatch', 'c'],
  [one(['2024-01-01T25:00'], { type: 'timestamp' }), PYTHON, 'type-mismatch', 'c'],
  [one(['2024-01-01T00:00:00.0000001'], { type: 'timestamp' }), PYTHON, 'type-mismatch', 'c'],
  [one(['9999-01-01'], { type: 'timestamp', unit: 'ns' }), PYTHON, 'type-mismatch', 'c'],
  [one([-(2n ** 63n)], { type: 'timestamp' }), PYTHON, 'type-mismatch', 'c'],
  [one(['2024-01-01', '2024-01-01T00:00Z'], { type: 'timestamp' }), PYTHON, 'type-mismatch', 'c'],
  [one(['2024-01-01'], { type: 'timestamp', unit: 'min' }), PYTHON, 'invalid-argument', 'c'],
  [one(['1e5'], { type: 'decimal' }), PYTHON, 'type-mismatch', 'c'],
  [one([1.5], { type: 'decimal' }), PYTHON, 'type-mismatch', 'c'],
  [one(['1.55'], { type: 'decimal', scale: 1 }), PYTHON, 'type-mismatch', 'c'],
  [one(['1000'], { type: 'decimal', precision: 3 }), PYTHON, 'type-mismatch', 'c'],
  [one([10n ** 38n], { type: 'decimal' }), PYTHON, 'type-mismatch', 'c'],
  [one(['1'], { type: 'decimal', precision: 39 }), PYTHON, 'invalid-argument', 'c'],
  [one([null]), PYTHON, 'invalid-argument', 'c'],
  [one([]), PYTHON, 'invalid-argument', 'c'],
  [one([1], { type: 'int128' }), PYTHON, 'invalid-argument'],
  [one([1], { semanticType: 'nonsense' }), PYTHON, 'invalid-argument'],
  [one([1], { columnGroup: -1 }), PYTHON, 'invalid-argument', 'c'],
  [one([1], { columnGroup: 2 ** 32 }), PYTHON, 'invalid-argument', 'c'],
  [one([1], { columnGroup: 1.5 }), PYTHON, 'invalid-argument'],
  [one([1], { extra: { f: () => 1 } }), PYTHON, 'invalid-argument'],
  [one([1], { extra: { deep: nested(40) } }), PYTHON, 'limit-exceeded'],
  [one('abc'), PYTHON, 'invalid-argument', 'c'],
  [one(null), PYTHON, 'invalid-argument', 'c'],
  [one(undefined), PYTHON, 'invalid-argument', 'c'],
  [one(new DataView(new ArrayBuffer(8))), PYTHON, 'invalid-argument', 'c'],
  [one({ values: new Int32Array(1), type: 'string' }), PYTHON, 'invalid-argument', 'c'],
  [one({ values: bytes(1) }, { type: 'boolean' }), PYTHON, 'invalid-argument', 'c'],
  [one({ values: bytes(97), offsets: Int32Array.of(0, 2) }), PYTHON, 'invalid-argument', 'c'],
  [one({ values: bytes(97), offsets: Int32Array.of(1, 0) }), PYTHON, 'invalid-argument', 'c'],
  [one({ values: bytes(255), offsets: Int32Array.of(0, 1) }), PYTHON, 'invalid-argument', 'c'],
  [one({ values: new Int32Array(1) }, { type: 'int64' }), PYTHON, 'invalid-argument', 'c'],
  [one({ values: new Int32Array(2), length: 1 }), PYTHON, 'invalid-argument', 'c'],
  [one({ values: new Int32Array(1), validity: new Uint8Array(0) }), PYTHON, 'invalid-argument', 'c'],
  [one({ values: new Int32Array(1), type: 'int32' }, { type: 'date' }), PYTHON, 'type-mismatch', 'c'],
  [{ a: [1], c: [1, 2] }, PYTHON, 'invalid-argument', 'c'],
  [{ a: [1], c: ['x', 'y'] }, RUST, 'invalid-argument', 'c'],
  [[{ name: 'c', data: [1] }, { name: 'c', data: [1] }], PYTHON, 'invalid-argument', 'c'],
  [[{ name: 'c', data: [1] }, { name: 'c', data: [1] }], RUST, 'invalid-argument', 'c'],
  [[{ name: 'a\u0000b', data: [1] }], PYTHON, 'invalid-argument', 'a\u0000b'],
  [[{ name: 5, data: [1] }], PYTHON, 'invalid-argument'],
  [[{ data: [1] }], PYTHON, 'invalid-argument'],
  [[null], PYTHON, 'invalid-argument'],
  [[], PYTHON, 'invalid-argument'],
  [5, PYTHON, 'invalid-argument'],
  [null, PYTHON, 'invalid-argument'],
  [one([true]), RUST, 'type-mismatch', 'c'],
  [one([new Date(0)]), RUST, 'type-mismatch', 'c'],
  [one(['x', null].slice(1), { type: 'string' }), RUST, 'type-mismatch', 'c'],
  [one([null], { type: 'int64' }), RUST, 'type-mismatch', 'c'],
  [one(new Int32Array(1)), RUST, 'type-mismatch', 'c'],
  [one(new Float32Array(1)), RUST, 'type-mismatch', 'c'],
  [{ c: [1] }, { ...RUST, compression: 'none' }, 'invalid-argument'],
  [{ c: [1] }, { ...PYTHON, compression: 'lz4' }, 'invalid-argument'],
  [{ c: [1] }, { dialect: 'python-1.1' }, 'invalid-argument'],
  [{ c: [1] }, { dialect: 'parquet' }, 'invalid-argument'],
];

test('what cannot be written is refused', async () => {
  const wrong = [];
  for (const [index, [table, options, code, column]] of REFUSED.entries()) {
    try {
      await fails(() => write(table, options), code, column === undefined ? {} : { column });
    } catch (error) {
      wrong.push(`row ${index} (column ${column}): ${error.message.split('\n')[0]}`);
    }
  }
  assert.deepEqual(wrong, []);
  // A refusal leaves nothing behind.
  await roundTrip({ a: [1] });
});
