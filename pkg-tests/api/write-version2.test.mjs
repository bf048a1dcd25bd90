/** Version 2, which write() makes by default: every type with nulls, row groups, options, the same bytes from the same input. */

import { assert, ncf, test } from '#harness';

import { fails, random, sha256 } from './util.mjs';

const { write, writeSync, open, openSync } = ncf;

/** Bits of a float. @param {number} value */
const bits = (value) => new BigUint64Array(Float64Array.of(value).buffer)[0];

/** A float of 32 bits that is NaN with a payload, as typed array. */
const floats32 = new Float32Array(Uint32Array.of(0x7fc00001, 0x80000000, 0, 0x3f800000, 0xffc12345, 0x7f800000, 1).buffer);
const floats64 = new Float64Array(BigUint64Array.of(0x7ff8000000000001n, 1n << 63n, 0n, 0x3ff0000000000000n, 0xfff8123456789abcn, 0x7ff0000000000000n, 1n).buffer);

const buffers = (/** @type {any} */ { values, offsets, validity, type, unit, utc, precision, scale, length }) => ({ values, offsets, validity, type, unit, utc, precision, scale, length });

/** One value of each row below for every type; null is among them, and whatever is easily taken for null. */
const CELLS = {
  int8: [-128, 127, null, 0, 1, -1, 5],
  int16: [-32768, 32767, null, 0, 1, -1, 5],
  int32: [-(2 ** 31), 2 ** 31 - 1, null, 0, 1, -1, 5],
  int64: [-(2n ** 63n), 2n ** 63n - 1n, null, 0n, 1n, -1n, 2n ** 53n + 1n],
  uint8: [0, 255, null, 7, 1, 2, 5],
  uint16: [0, 65535, null, 7, 1, 2, 5],
  uint32: [0, 2 ** 32 - 1, null, 7, 1, 2, 5],
  uint64: [0n, 2n ** 64n - 1n, null, 7n, 1n, 2n, 5n],
  float32: [-0, 0, null, NaN, Infinity, Math.fround(0.1), 2 ** -149],
  float64: [-0, 0, null, NaN, -Infinity, 0.1, 5e-324],
  string: ['', 'a', null, '\u0000', 'naïve 🚀', ' ', 'null'],
  binary: [new Uint8Array(), new Uint8Array([0]), null, new Uint8Array([255, 0]), new Uint8Array(70).fill(7), new Uint8Array([1]), new Uint8Array([2])],
  boolean: [true, false, null, true, true, false, false],
  date: ['1970-01-01', '0001-01-01', null, '2024-02-29', '-000001-12-31', '+012024-01-01', '1969-12-31'],
  timestamp: ['1970-01-01T00:00:00.000000Z', '1969-12-31T23:59:59.999999Z', null, '2024-02-29T12:00:00.000001Z', '0001-01-01T00:00:00.000000Z', '9999-12-31T23:59:59.999999Z', '2000-01-01T00:00:00.000000Z'],
  decimal: ['0.00', '-0.01', null, '99999999999999999999.99', '-99999999999999999999.99', '1.50', '7.00'],
};

const table = (/** @type {number} */ rows) =>
  Object.entries(CELLS).map(([type, cells]) => ({ name: `the ${type}`, type, data: Array.from({ length: rows }, (_, row) => cells[row % cells.length]) }));

test('every type is there with nulls', () => {
  assert.deepEqual(Object.keys(CELLS).sort(), [...ncf.DATA_TYPES].sort());
});

for (const rows of [0, 1, 7, 8, 9, 100, 1000]) {
  test(`all types with nulls, ${rows} rows, in row groups of any size`, async () => {
    const columns = table(rows);
    for (const rowGroupRows of [undefined, 1, 2, 7, 8, 64, 99, 1000].filter((size) => size === undefined || rows / size <= 300)) {
      const bytes = await write(columns, { rowGroupRows });
      const file = await open(bytes);
      assert.deepEqual([file.dialect, file.numRows], ['ncf-2', rows]);
      const groups = Math.ceil(rows / (rowGroupRows ?? 131_072));
      assert.equal(file.rowGroups.length, groups);
      file.rowGroups.forEach(({ start, end }, index) => assert.deepEqual([start, end], [index * (rowGroupRows ?? 0), Math.min(rows, (index + 1) * (rowGroupRows ?? rows))]));
      const read = await file.read();
      for (const { name, type, data } of columns) {
        const column = read.column(name, type);
        assert.deepEqual(column.toArray(), data, `${type} in row groups of ${rowGroupRows}`);
        assert.equal(column.nullCount, data.filter((value) => value === null).length);
      }
      assert.deepEqual((await file.verify()).ok, true);
      await file.close();
    }
  });
}

test('floats keep their bits, NaN its payload', async () => {
  for (const values of [floats32, floats64]) {
    const read = (await (await open(await write({ f: values }))).read()).column('f');
    assert.deepEqual(new Uint8Array(read.values.buffer), new Uint8Array(values.buffer));
  }
  const array = [NaN, -0, 0, 1.5];
  const read = (await (await open(await write([{ name: 'f', data: array }]))).read()).column('f', 'float64');
  assert.deepEqual([...read.values].map(bits), array.map(bits));
});

test('buffers of a column that was read are taken as they are, wherever they are cut', async () => {
  const columns = table(1003);
  const first = await write(columns);
  const read = await (await open(first)).read();
  // Views of larger buffers, and row groups that end within a byte of a bitmap.
  const again = await write(read.columns.map((data) => ({ name: data.name, data: buffers(data) })), { rowGroupRows: 101 });
  const second = await (await open(again)).read();
  for (const { name } of columns) assert.deepEqual(second.column(name).toArray(), read.column(name).toArray(), name);
  assert.deepEqual(await write(read), first);
});

test('a table with more than one row group is cut at bytes of bitmaps', async () => {
  const ROWS = 70_001;
  const next = random(5);
  const flags = Array.from({ length: ROWS }, () => (next() % 7 === 0 ? null : next() % 2 === 0));
  const text = Array.from({ length: ROWS }, (_, row) => (next() % 5 === 0 ? null : `${row % 1000} ящ`));
  const wide = Array.from({ length: ROWS }, (_, row) => (next() % 5 === 0 ? null : `${row}.5`));
  for (const rowGroupRows of [16_384, 16_385, 33_333, 131_072]) {
    const bytes = await write([{ name: 'flag', data: flags }, { name: 'text', data: text }, { name: 'wide', type: 'decimal', data: wide }], { rowGroupRows });
    const read = await (await open(bytes)).read();
    assert.deepEqual(read.column('flag').toArray(), flags);
    assert.deepEqual(read.column('text').toArray(), text);
    assert.deepEqual(read.column('wide').toArray(), wide);
  }
});

test('the same input gives the same bytes, at once or not', async () => {
  const columns = table(500);
  const options = { rowGroupRows: 100, created: new Date('2024-01-01'), metadata: { a: 1 } };
  const first = await write(columns, options);
  assert.deepEqual(await write(columns, options), first);
  await ncf.init({ full: true });
  assert.deepEqual(writeSync(columns, options), first);
  const all = await Promise.all([1, 2, 3].map(() => write(columns, options)));
  for (const other of all) assert.deepEqual(other, first);
});

test('timestamps become microseconds, or are refused with column and row', async () => {
  const cases = [
    [[1, -1n, null], 's', ['1970-01-01T00:00:01.000000', '1969-12-31T23:59:59.000000', null]],
    [[1, -1n, null], 'ms', ['1970-01-01T00:00:00.001000', '1969-12-31T23:59:59.999000', null]],
    [[1, -1n, null], 'us', ['1970-01-01T00:00:00.000001', '1969-12-31T23:59:59.999999', null]],
    [[1000, -1000n, null], 'ns', ['1970-01-01T00:00:00.000001', '1969-12-31T23:59:59.999999', null]],
  ];
  for (const [data, unit, expected] of cases) {
    const column = (await (await open(await write([{ name: 't', type: 'timestamp', unit, data }]))).read()).column('t', 'timestamp');
    assert.deepEqual([column.unit, column.toArray()], ['us', expected]);
  }
  await fails(() => write([{ name: 't', type: 'timestamp', unit: 'ns', data: [1000n, 1n] }]), 'type-mismatch', { column: 't', row: 1 });
  await fails(() => write([{ name: 't', type: 'timestamp', unit: 's', data: [0, 2n ** 62n] }]), 'type-mismatch', { column: 't', row: 1 });
  // Rows are counted in what was given, not in the row group.
  const late = new BigInt64Array(50_000);
  late[40_001] = 7n;
  await fails(() => write([{ name: 't', data: { type: 'timestamp', unit: 'ns', values: late } }], { rowGroupRows: 16_384 }), 'type-mismatch', { column: 't', row: 40_001 });
});

test('what buffers say of themselves is not written as something else', async () => {
  const values = BigInt64Array.of(1n);
  const local = { type: 'timestamp', unit: 'ms', utc: false, values };
  await fails(() => write([{ name: 't', unit: 's', data: local }]), 'type-mismatch', { column: 't' });
  await fails(() => write([{ name: 't', utc: true, data: local }]), 'type-mismatch', { column: 't' });
  const decimal = { type: 'decimal', precision: 5, scale: 2, values: BigUint64Array.of(150n, 0n) };
  await fails(() => write([{ name: 'd', scale: 3, data: decimal }]), 'type-mismatch', { column: 'd' });
  const { schema } = await open(await write([{ name: 'd', precision: 20, data: decimal }, { name: 't', data: local }]));
  assert.deepEqual([schema.columns[0].precision, schema.columns[0].scale, schema.columns[1].utc], [20, 2, false]);
});

test('the zone of timestamps and the digits of decimals are part of the schema', async () => {
  const { schema } = await open(await write([
    { name: 'instant', data: [new Date(0)] },
    { name: 'local', type: 'timestamp', data: ['2024-01-01'] },
    { name: 'told', type: 'timestamp', utc: true, data: [0] },
    { name: 'money', type: 'decimal', precision: 12, scale: 2, data: ['1.5'] },
    { name: 'any', type: 'decimal', data: ['1.255'] },
  ]));
  assert.deepEqual(schema.columns.map(({ utc, precision, scale }) => utc ?? [precision, scale]), [true, false, true, [12, 2], [38, 3]]);
});

test('user metadata are kept, whatever they hold', async () => {
  const metadata = { text: 'x', none: null, yes: true, list: [1, [2.5, -0]], big: 2n ** 63n, bytes: new Uint8Array([1, 2]), deep: { er: {} }, 'ключ': 1, mapped: new Map([[1, 'a']]) };
  const file = await open(await write({ a: [1] }, { metadata }));
  assert.deepEqual(file.schema.extra, { metadata });
  // Of a file whose schema is taken over, too, unless there are others.
  const again = await open(await write({ a: [1] }, { schema: file.schema }));
  assert.deepEqual(again.schema.extra, { metadata });
  const other = await open(await write({ a: [1] }, { schema: { ...again.schema, extra: { ...again.schema.extra, more: 1 } }, metadata: { b: 2 } }));
  assert.deepEqual(other.schema.extra, { more: 1, metadata: { b: 2 } });
  const python = await open(await write({ a: [1] }, { dialect: 'python-1.0', metadata: { b: 2 } }));
  assert.deepEqual(python.schema.extra, { metadata: { b: 2 } });
  for (const bad of [new Date(), new Set([1]), /x/, () => 1, Symbol('x'), new Float64Array(1), 2n ** 64n]) {
    await fails(() => write({ a: [1] }, { metadata: { bad } }), 'invalid-argument');
  }
  for (const bad of [5, 'x', [1], null]) await fails(() => write({ a: [1] }, { metadata: bad }), 'invalid-argument');
});

test('times are stored where they are given', async () => {
  const times = (/** @type {any} */ { created, modified }) => [created?.toISOString(), modified?.toISOString()];
  const [created, modified] = [new Date('2024-02-29T12:00:00.999Z'), new Date('2030-01-01')];
  assert.deepEqual(times(await open(await write({ a: [1] }))), [undefined, undefined]);
  assert.deepEqual(times(await open(await write({ a: [1] }, { created }))), ['2024-02-29T12:00:00.000Z', '2024-02-29T12:00:00.000Z']);
  assert.deepEqual(times(await open(await write({ a: [1] }, { created, modified }))), ['2024-02-29T12:00:00.000Z', '2030-01-01T00:00:00.000Z']);
});

test('bounds are stated of what is not personal data, of all, or of nothing', async () => {
  const columns = [
    { name: 'plain', data: [3, 1, 2] },
    { name: 'marked', data: ['b', 'a', null], containsPii: true },
    { name: 'typed', data: ['x@example.com', 'a@example.com', null], semanticType: 'pii_email' },
  ];
  for (const [bounds, expected] of [[undefined, ['plain']], ['no-pii', ['plain']], ['all', ['plain', 'marked', 'typed']], ['none', []]]) {
    const bytes = await write(columns, { bounds, compression: 'none' });
    const { statistics } = await open(bytes);
    assert.deepEqual([...statistics].filter(([, { min, max }]) => min !== undefined && max !== undefined).map(([name]) => name), expected, String(bounds));
    assert.deepEqual([...statistics.values()].map(({ nullCount }) => nullCount), [0, 1, 1]);
  }
  await fails(() => write(columns, { bounds: 'some' }), 'invalid-argument');
});

test('hints, groups and unknown keys survive; groups are stored together', async () => {
  const extra = { later: { deep: [1, 'x', null, true, 2.5] } };
  const field = { name: 'c', data: [1], description: 'd', semanticType: 'id_key', columnGroup: 3, useDictionary: true, createLearnedIndex: true, indexModelType: 'rmi', compressionModel: 'm', containsPii: true, nullable: false, typicalQueryPatterns: ['='], extra };
  const other = { name: 'between', data: ['x'] };
  const third = { name: 'd', data: [2], columnGroup: 3 };
  const schema = { version: 4, tableName: 'old', rowCount: 9, defaultCompression: 'none', createdAt: '2024', modifiedAt: '2025', enableLearnedIndexes: false, columnGroups: new Map([[3, ['c']]]), extra: { table: 'x' }, columns: [] };
  const file = await open(await write([field, other, third], { schema }));
  const stated = file.schema.columns[0];
  const { data, ...wanted } = field;
  assert.deepEqual(stated, { ...stated, ...wanted, type: 'int64' });
  assert.deepEqual(file.schema, { ...schema, rowCount: 1, defaultCompression: 'zstd', columns: file.schema.columns });
  assert.deepEqual((await file.layout()).chunks.map(({ column }) => column), ['c', 'd', 'between']);
  const again = await open(await write(await file.read(), { schema: file.schema }));
  assert.deepEqual(again.schema, file.schema);
});

test("compressionModel 'none' and compression 'none' store text as it is", async () => {
  const words = Array.from({ length: 2000 }, (_, row) => `${row} the same words again and again`);
  const size = async (/** @type {any} */ more, /** @type {any} */ options) => (await write([{ name: 'w', data: words, ...more }], options)).length;
  const plain = words.join('').length;
  const compressed = await size({}, {});
  assert.ok(compressed * 4 < plain, String(compressed));
  assert.ok((await size({ compressionModel: 'none' }, {})) > compressed);
  assert.ok((await size({}, { compression: 'none' })) > compressed);
  assert.ok((await size({}, { level: 19 })) <= compressed);
});

test('a table without columns, and a column without rows', async () => {
  const none = await open(await write([]));
  assert.deepEqual([none.numRows, none.schema.columns, (await none.read()).toArray()], [0, [], []]);
  const empty = await open(await write([{ name: 'a', type: 'decimal', precision: 9, scale: 2, data: [] }]));
  const column = (await empty.read()).column('a', 'decimal');
  assert.deepEqual([column.length, column.precision, column.scale], [0, 9, 2]);
});

test('names can be any text, and must differ', async () => {
  const names = ['', ' ', 'имя', '🚀', 'a"b\\c\n', '__proto__', 'constructor', 'x'.repeat(5000), 'a\u0000b'];
  const file = await open(await write(names.map((name, index) => ({ name, data: [index] })), { tableName: '🚀' }));
  assert.deepEqual((await file.read()).columns.map(({ name }) => name), names);
  assert.equal(file.schema.tableName, '🚀');
  await fails(() => write([{ name: 'a', data: [1] }, { name: 'a', data: [1] }]), 'invalid-argument', { column: 'a' });
});

test('2,000 columns', async () => {
  const columns = Array.from({ length: 2000 }, (_, index) => ({ name: `c${index}`, data: Int32Array.of(index, -index) }));
  const file = await open(await write(columns, { rowGroupRows: 1 }));
  const read = await file.read({ columns: ['c1999', 'c0'] });
  assert.deepEqual(read.columns.map((column) => column.toArray()), [[1999, -1999], [0, 0]]);
});

test('verify checks every value before it returns', async () => {
  await ncf.init({ full: true });
  const columns = table(300);
  assert.deepEqual(await write(columns, { verify: true, rowGroupRows: 77 }), await write(columns, { rowGroupRows: 77 }));
  assert.deepEqual(writeSync(columns, { verify: true }), writeSync(columns));
  await write({ f: floats64, g: floats32 }, { verify: true });
  await write([{ name: 't', type: 'timestamp', unit: 's', data: [1, null] }], { verify: true });
  await write({ s: ['', null, 'x'], f: [1.5, null, NaN] }, { verify: true, lossy: true, dialect: 'python-1.0' });
  await write({ a: [1, 2], s: ['', 'x'] }, { verify: true, dialect: 'rust-2.0' });
});

test('progress counts columns first, then rows, and a call can be aborted in between', async () => {
  const seen = [];
  await write({ a: new Int32Array(40_000), b: new Int32Array(40_000) }, { rowGroupRows: 16_384, onProgress: ({ phase, loaded, total }) => seen.push([phase, loaded, total]) });
  assert.deepEqual(seen, [['encode', 16_384, 40_000], ['encode', 32_768, 40_000], ['encode', 40_000, 40_000]]);
  const reason = new Error('enough');
  const rejects = (/** @type {any} */ options) => write({ a: new Int32Array(40_000) }, { rowGroupRows: 16_384, ...options }).then(() => assert.fail('was written'), (error) => assert.equal(error, reason));
  await rejects({ signal: AbortSignal.abort(reason) });
  const controller = new AbortController();
  await rejects({ signal: controller.signal, onProgress: () => controller.abort(reason) });
});

test('the digest vouches for the file', async () => {
  const bytes = await write({ a: [1, 2, 3] });
  const { digest } = openSync(bytes);
  assert.equal((await open(bytes, { integrity: digest })).digest, digest);
  // SHA-256 of the footer as stored and 16 bytes of the trailer.
  const size = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 52).getUint32(4, true);
  assert.equal(await sha256(bytes.slice(bytes.length - 52 - size, bytes.length - 36)), digest);
});

const one = (/** @type {any} */ data, more = {}) => [{ name: 'c', data, ...more }];

/** What must be refused: input, options, code, column, row. */
const REFUSED = [
  [one([1, 1.5], { type: 'int8' }), {}, 'type-mismatch', 'c', 1],
  [one([1, null, 300], { type: 'uint8' }), {}, 'type-mismatch', 'c', 2],
  [one(['x', '\uD800']), {}, 'type-mismatch', 'c', 1],
  [one([1, 'a']), {}, 'type-mismatch', 'c', 1],
  [one([0, 2], { type: 'boolean' }), {}, 'type-mismatch', 'c', 1],
  [one([null, '2023-02-29'], { type: 'date' }), {}, 'type-mismatch', 'c', 1],
  [one(['1', '1.234'], { type: 'decimal', scale: 2 }), {}, 'type-mismatch', 'c', 1],
  [one({ type: 'decimal', precision: 2, values: BigUint64Array.of(1n, 0n, 100n, 0n) }), {}, 'type-mismatch', 'c', 1],
  [one([null]), {}, 'invalid-argument', 'c', undefined],
  [{ a: [1], c: [1, 2] }, {}, 'invalid-argument', 'c', undefined],
  [one({ values: new Uint8Array([97, 255]), offsets: Int32Array.of(0, 1, 2) }), {}, 'invalid-argument', 'c', 1],
  [one({ values: new Uint8Array([97]), offsets: Int32Array.of(0, 2) }), {}, 'invalid-argument', 'c', undefined],
  [one({ values: new Int32Array(2), length: 1 }), {}, 'invalid-argument', 'c', undefined],
  [one([1], { extra: { precision: 1 } }), {}, 'invalid-argument', 'c', undefined],
  [one([1]), { rowGroupRows: 0 }, 'invalid-argument', undefined, undefined],
  [one([1]), { rowGroupRows: 2 ** 24 + 1 }, 'invalid-argument', undefined, undefined],
  [one([1]), { rowGroupRows: 1.5 }, 'invalid-argument', undefined, undefined],
  [one([1]), { rowGroupRows: 'x' }, 'invalid-argument', undefined, undefined],
  [one([1]), { level: 0 }, 'invalid-argument', undefined, undefined],
  [one([1]), { compression: 'lz4' }, 'invalid-argument', undefined, undefined],
  [one([1]), { dialect: 'ncf-3' }, 'invalid-argument', undefined, undefined],
  [one([1]), { created: new Date(NaN) }, 'invalid-argument', undefined, undefined],
  [5, {}, 'invalid-argument', undefined, undefined],
  [null, {}, 'invalid-argument', undefined, undefined],
];

test('what cannot be written is refused with column and row', async () => {
  const wrong = [];
  for (const [index, [input, options, code, column, row]] of REFUSED.entries()) {
    await fails(() => write(input, options), code, { column, row }).catch((error) => wrong.push(`row ${index}: ${error.message.split('\n')[0]}`));
  }
  assert.deepEqual(wrong, []);
});

test('a wrong buffer in a later row group is refused as well', async () => {
  const ROWS = 40_000;
  const offsets = Int32Array.from({ length: ROWS + 1 }, (_, row) => row);
  const text = new Uint8Array(ROWS).fill(97);
  await write(one({ values: text, offsets }), { rowGroupRows: 16_384, verify: true });
  await fails(() => write(one({ values: new Uint8Array(ROWS + 1).fill(97), offsets }), { rowGroupRows: 16_384 }), 'invalid-argument', { column: 'c' });
  await fails(() => write(one({ values: text.subarray(1), offsets }), { rowGroupRows: 16_384 }), 'invalid-argument', { column: 'c' });
  for (const [row, value] of [[0, 5], [20_000, 5], [20_000, 30_000], [ROWS, ROWS - 1]]) {
    const bad = offsets.slice();
    bad[row] = value;
    await fails(() => write(one({ values: text, offsets: bad }), { rowGroupRows: 16_384 }), 'invalid-argument', { column: 'c' });
  }
  await fails(() => write(one({ values: new Int32Array(ROWS), length: ROWS + 1 }), { rowGroupRows: 16_384 }), 'invalid-argument', { column: 'c' });
  await fails(() => write(one({ values: new Int32Array(ROWS), length: ROWS - 1 }), { rowGroupRows: 16_384 }), 'invalid-argument', { column: 'c' });
  await fails(() => write(one({ values: new Int32Array(ROWS), validity: new Uint8Array(2) }), { rowGroupRows: 16_384 }), 'invalid-argument', { column: 'c' });
  const broken = text.slice();
  broken[30_000] = 255;
  await fails(() => write(one({ values: broken, offsets }), { rowGroupRows: 16_384 }), 'invalid-argument', { column: 'c' });
});
