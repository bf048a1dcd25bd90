/** What `read` and its table offer: columns, rows, modes, limits, odd files. */

import { assert, fixture, ncf, test } from '#harness';

import { contents, counting, fails, hex, roundTrip } from './util.mjs';

const { open, openSync, write } = ncf;

const NAMES = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float32', 'float64'];
const allNumbers = async () => open((await fixture('v10_numeric_all')).bytes);

test('columns come in the order asked for, twice if asked twice', async () => {
  const file = await allNumbers();
  const names = file.schema.columns.map(({ name }) => name);
  assert.deepEqual((await file.read()).columns.map(({ name }) => name), names);
  for (const columns of [[...names].reverse(), [names[3]], [], [names[1], names[0], names[1]]]) {
    const table = await file.read({ columns });
    assert.deepEqual(table.columns.map(({ name }) => name), columns);
    assert.deepEqual(file.readSync({ columns }).columns.map(contents), table.columns.map(contents));
  }
  assert.equal((await file.read({ columns: [] })).numRows, file.numRows);
});

test('unknown columns are refused, and named', async () => {
  const file = await allNumbers();
  await fails(() => file.read({ columns: ['int8', 'INT8'] }), 'unknown-column', { column: 'INT8' });
  await fails(() => file.readSync({ columns: [''] }), 'unknown-column', { column: '' });
  const table = await file.read({ columns: [file.schema.columns[0].name] });
  await fails(() => table.column('nope'), 'unknown-column', { column: 'nope' });
  await fails(() => table.column(file.schema.columns[0].name, 'string'), 'type-mismatch', { column: file.schema.columns[0].name });
});

test('row ranges of every type are slices of all rows', async () => {
  const types = { dates: ['2024-01-01', null, '1969-12-31'], decimals: ['1.5', null, '-2'], texts: ['ab', null, 'ё'], bits: [true, null, false], blobs: [new Uint8Array([1]), null, new Uint8Array()] };
  const columns = Object.entries({ dates: 'date', decimals: 'decimal', texts: 'string', bits: 'boolean', blobs: 'binary' }).map(([name, type]) => ({ name, type, data: Array.from({ length: 20 }, (_, row) => types[name][row % 3]) }));
  columns.push({ name: 'numbers', type: 'int16', data: Array.from({ length: 20 }, (_, row) => row) }, { name: 'times', type: 'timestamp', data: Array.from({ length: 20 }, (_, row) => (row % 4 ? row : null)) });
  const { file, table: all } = await roundTrip(columns);
  for (const [rowStart, rowEnd] of [[0, 20], [0, 1], [3, 11], [7, 8], [19, 20], [8, 16], [5, 5], [0, 0], [19, 400], [20, 20], [25, 30], [0, Infinity], [13, undefined]]) {
    const options = { rowStart, ...(rowEnd !== undefined && { rowEnd }) };
    const table = await file.read(options);
    assert.equal(table.rowStart, rowStart);
    assert.equal(table.numRows, Math.max(0, Math.min(20, rowEnd ?? 20) - rowStart), `${rowStart} to ${rowEnd}`);
    for (const [index, column] of table.columns.entries()) {
      const expected = all.columns[index].toArray().slice(rowStart, rowEnd);
      assert.deepEqual(column.toArray(), expected, `${column.name} ${rowStart} to ${rowEnd}`);
      assert.equal(column.nullCount, expected.filter((value) => value === null).length);
      assert.equal(column.length, expected.length);
    }
    assert.deepEqual(table.toArray(), all.toArray().slice(rowStart, rowEnd));
    assert.deepEqual(file.readSync(options).columns.map(contents), table.columns.map(contents));
    assert.equal((await file.read({ ...options, columns: [] })).numRows, table.numRows);
  }
});

test('invalid options are refused', async () => {
  const file = await allNumbers();
  const bad = [{ rowStart: -1 }, { rowStart: 1.5 }, { rowStart: NaN }, { rowStart: Infinity }, { rowStart: '1' }, { rowEnd: -1 }, { rowEnd: NaN }, { rowStart: 3, rowEnd: 2 }, { int64: 'float' }, { dates: 'moment' }];
  for (const options of bad) {
    await fails(() => file.read(options), 'invalid-argument');
    await fails(() => file.readSync(options), 'invalid-argument');
  }
});

test('64-bit integers as bigint, number or text', async () => {
  const { file } = await roundTrip([{ name: 'i', data: [1n, -(2n ** 53n - 1n), 2n ** 53n] }, { name: 'u', data: [2n ** 64n - 1n, 5n, 2n ** 53n - 1n] }, { name: 'small', type: 'int32', data: [1, 2, 3] }]);
  const read = async (int64) => (await file.read({ int64 })).columns;
  assert.deepEqual((await read('bigint')).map((column) => column.toArray()), [[1n, -(2n ** 53n - 1n), 2n ** 53n], [2n ** 64n - 1n, 5n, 2n ** 53n - 1n], [1, 2, 3]]);
  assert.deepEqual((await read('string')).map((column) => column.toArray()), [['1', '-9007199254740991', '9007199254740992'], ['18446744073709551615', '5', '9007199254740991'], [1, 2, 3]]);
  const [i, u] = await read('number');
  assert.deepEqual([i.get(0), i.get(1), u.get(1), u.get(2)], [1, -9007199254740991, 5, 9007199254740991]);
  await fails(() => i.get(2), 'unsafe-value', { column: 'i' });
  await fails(() => u.get(0), 'unsafe-value', { column: 'u' });
  await fails(() => i.toArray(), 'unsafe-value');
  await fails(() => [...u], 'unsafe-value');
  const table = await file.read({ int64: 'string' });
  assert.deepEqual(JSON.stringify(table.row(0)), '{"i":"1","u":"18446744073709551615","small":1}');
  for (const index of [-1, 0.5]) await fails(() => table.row(index), 'invalid-argument');
});

test('dates as text, Date or counts', async () => {
  const { file } = await roundTrip([
    { name: 'd', type: 'date', data: ['2024-02-29', null, '0001-01-01', '+300000-01-01'] },
    { name: 'ms', type: 'timestamp', unit: 'ms', data: ['2024-02-29T01:02:03.004', null, '1969-12-31T23:59:59.999', '+200000-01-01'] },
    { name: 'us', type: 'timestamp', data: ['2024-02-29T01:02:03.004', null, '2024-02-29T01:02:03.000001', '1970-01-01'] },
  ]);
  const read = async (dates) => (await file.read({ dates })).columns;
  assert.deepEqual((await read('string')).map((column) => column.get(0)), ['2024-02-29', '2024-02-29T01:02:03.004', '2024-02-29T01:02:03.004000']);
  const [d, ms, us] = await read('date');
  assert.deepEqual(d.get(0), new Date('2024-02-29'));
  assert.deepEqual([ms.get(0), ms.get(1), ms.get(2)], [new Date('2024-02-29T01:02:03.004Z'), null, new Date(-1)]);
  assert.deepEqual(us.get(0), new Date('2024-02-29T01:02:03.004Z'));
  await fails(() => d.get(3), 'unsafe-value', { column: 'd' });
  await fails(() => us.get(2), 'unsafe-value', { column: 'us' });
  const raw = await read('raw');
  assert.deepEqual(raw.map((column) => column.get(2)), [-719162, -1n, 1709168523000001n]);
  assert.deepEqual(raw.map((column) => column.get(1)), [null, null, null]);
});

test('a column gives its values one by one, all at once and in a loop', async () => {
  const { table } = await roundTrip({ s: ['a', null, 'ё', 'x'] });
  const column = table.column('s', 'string');
  assert.ok(column instanceof ncf.Column && table instanceof ncf.Table);
  assert.deepEqual([column.name, column.type, column.length, column.nullCount], ['s', 'string', 4, 1]);
  assert.deepEqual([0, 1, 2, 3].map((index) => column.get(index)), ['a', null, 'ё', 'x']);
  assert.deepEqual([0, 1, 2, 3].map((index) => column.isNull(index)), [false, true, false, false]);
  assert.deepEqual([...column], column.toArray());
  for (const index of [-1, 4, 0.5, NaN, '0', undefined]) {
    await fails(() => column.get(index), 'invalid-argument', { column: 's' });
    await fails(() => column.isNull(index), 'invalid-argument', { column: 's' });
  }
});

test('values are what Arrow has', async () => {
  const { table } = await roundTrip([
    { name: 'bits', data: [true, null, true, false, true, true, true, true, true] },
    { name: 'text', data: ['ab', null, 'é', 'c', 'd', 'e', 'f', 'g', 'h'] },
    { name: 'money', type: 'decimal', data: ['-0.01', null, '1', '2', '3', '4', '5', '6', '7'] },
  ]);
  const [bits, text, money] = table.columns;
  assert.equal(bits.values[0] & 0b11111101, 0b11110101);
  assert.equal(bits.values[1] & 1, 1);
  assert.deepEqual([bits.validity[0], bits.validity[1] & 1], [0b11111101, 1]);
  assert.deepEqual(text.offsets, Int32Array.of(0, 2, 2, 4, 5, 6, 7, 8, 9, 10));
  assert.equal(hex(text.values), '6162c3a9636465666768');
  assert.deepEqual([money.scale, money.values[0], money.values[1]], [2, 2n ** 64n - 1n, 2n ** 64n - 1n]);
  assert.deepEqual([money.get(0), money.get(2)], ['-0.01', '1.00']);
});

test('what was read belongs to its reader', async () => {
  const { bytes } = await fixture('v10_numeric_all');
  const source = bytes.slice();
  const file = await open(source);
  const first = await file.read();
  const before = first.columns.map((column) => column.toArray());
  await file.read();
  source.fill(0);
  await file.close();
  const moved = structuredClone(first.columns.map(({ values }) => values));
  assert.deepEqual(first.columns.map((column) => column.toArray()), before);
  assert.deepEqual(first.columns.map(({ values }) => values), moved);
  // Each array has a buffer of its own, so that one can be transferred without the others.
  assert.equal(new Set(first.columns.map(({ values }) => values.buffer)).size, first.columns.length);
});

test('rows as objects', async () => {
  const { file, table } = await roundTrip({ id: [1, 2, 3], name: ['a', null, 'c'] });
  const rows = [{ id: 1n, name: 'a' }, { id: 2n, name: null }, { id: 3n, name: 'c' }];
  assert.deepEqual(table.toArray(), rows);
  assert.deepEqual([...table], rows);
  assert.deepEqual([...table.rows()], rows);
  const some = [];
  for await (const row of file.rows({ columns: ['name'], rowStart: 1 })) some.push(row);
  assert.deepEqual(some, [{ name: null }, { name: 'c' }]);
  const numbers = [];
  for await (const row of file.rows({ int64: 'number' })) numbers.push(row.id);
  assert.deepEqual(numbers, [1, 2, 3]);
  await fails(() => file.rows({ columns: ['x'] }).next(), 'unknown-column');
});

/** A rust-2.0 file whose second column has the name of the first: no writer of ours makes one. */
async function duplicateNames() {
  const bytes = await write({ nameX: [1, 2], nameY: ['a', 'b'] }, { dialect: 'rust-2.0' });
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  bytes[text.indexOf('nameY') + 4] = 'X'.charCodeAt(0);
  return openSync(bytes, { verify: false });
}

test('of equal names the first column is meant', async () => {
  const file = await duplicateNames();
  assert.deepEqual(file.schema.columns.map(({ name }) => name), ['nameX', 'nameX']);
  const all = await file.read();
  assert.deepEqual(all.columns.map((column) => column.toArray()), [[1n, 2n], ['a', 'b']]);
  assert.equal(all.column('nameX').type, 'int64');
  assert.deepEqual((await file.read({ columns: ['nameX'] })).columns.map(({ type }) => type), ['int64']);
  assert.deepEqual(all.row(0), { nameX: 'a' });
});

test('a file whose columns differ in length', async () => {
  const file = await open((await fixture('v10_schema_mismatch')).bytes);
  const table = await file.read();
  assert.deepEqual([file.numRows, table.numRows], [3, 2]);
  assert.deepEqual(table.toArray(), [{ a: 1n, b: 'x', missing: null }, { a: 2n, b: 'y', missing: null }]);
  assert.deepEqual((await file.read({ columns: ['missing'] })).toArray(), []);
  assert.deepEqual((await file.read({ columns: ['missing'] })).warnings.map(({ code }) => code), ['missing-column']);
  assert.deepEqual((await file.read({ rowStart: 1, rowEnd: 3 })).toArray(), [{ a: 2n, b: 'y', missing: null }]);
});

test('salvaged files say what is lost', async () => {
  const { bytes } = await fixture('v11_partial');
  const file = await open(bytes, { salvage: true });
  assert.deepEqual(file.lostColumns, ['id']);
  await fails(() => file.read({ columns: ['id'] }), 'corrupt', { column: 'id' });
  assert.equal((await file.read({ columns: ['value'], rowEnd: 2 })).numRows, 2);
  const nothing = await open((await fixture('v11_all_lost')).bytes, { salvage: true });
  assert.deepEqual((await nothing.read()).columns, []);
});

test('typed arrays of all numbers', async () => {
  const table = await (await allNumbers()).read();
  const kinds = [Int8Array, Int16Array, Int32Array, BigInt64Array, Uint8Array, Uint16Array, Uint32Array, BigUint64Array, Float32Array, Float64Array];
  for (const [index, type] of NAMES.entries()) {
    const column = table.columns.find((candidate) => candidate.type === type);
    assert.ok(column.values instanceof kinds[index], type);
    assert.equal(column.values.length, column.length);
    assert.equal(column.validity, undefined);
  }
});

test('progress while reading and verifying', async () => {
  const { bytes } = await fixture('v10_zstd3');
  const file = await open(counting(bytes), { tailBytes: 100, readAheadBytes: 0, coalesceBytes: 0 });
  const seen = [];
  await file.read({ columns: ['name', 'id'], onProgress: (progress) => seen.push(progress) });
  assert.deepEqual(seen.filter(({ phase }) => phase === 'decode'), [{ phase: 'decode', loaded: 1, total: 2, column: 'name' }, { phase: 'decode', loaded: 2, total: 2, column: 'id' }]);
  const fetched = seen.filter(({ phase }) => phase === 'fetch');
  assert.ok(fetched.length > 0 && fetched.at(-1).loaded === fetched.at(-1).total);
  const verified = [];
  const { bytes: covered } = await file.verify({ onProgress: (progress) => verified.push(progress) });
  assert.deepEqual(verified.at(-1), { phase: 'verify', loaded: covered, total: covered });
});

test('closing', async () => {
  const { bytes } = await fixture('v10_zstd3');
  const file = await open(bytes);
  const table = await file.read();
  await file.close();
  await file.close();
  assert.equal(table.column('id').get(0), 0n);
  assert.equal(file.numRows, 500);
  const uses = [() => file.read(), () => file.readSync(), () => file.verify(), () => file.layout(), () => file.rows().next(), () => file.batches().next(), () => file.readable().getReader().read(), () => file.zoneMaps('id'), () => file.read({ columns: [] })];
  for (const use of uses) await fails(use, 'closed');
});

for (const name of ['read', 'verify', 'layout']) {
  test(`closing while a ${name} is under way`, async () => {
    const { bytes } = await fixture('v10_zstd3');
    const file = await open(counting(bytes), { tailBytes: 100, readAheadBytes: 0, coalesceBytes: 0 });
    const call = file[name]().then(() => undefined, (error) => error);
    await file.close();
    const error = await call;
    assert.ok(error === undefined || error.code === 'closed', String(error?.stack));
    // Nothing of this has hurt others.
    assert.equal((await (await open(bytes)).read()).numRows, 500);
  });
}

test('sync calls want the bytes in memory', async () => {
  const { bytes } = await fixture('v10_one_row');
  const file = await open(new Blob([bytes]));
  await fails(() => file.readSync(), 'invalid-argument');
  assert.equal((await file.read()).numRows, 1);
});

test('limits', async () => {
  const { bytes } = await fixture('v10_zstd3');
  await fails(() => open(bytes, { limits: { maxMetadataBytes: 100 } }), 'limit-exceeded');
  await fails(() => open(bytes, { limits: { maxColumns: 3 } }), 'limit-exceeded');
  const file = await open(bytes, { limits: { maxColumnBytes: 3999 } });
  await fails(() => file.read({ columns: ['id'] }), 'limit-exceeded', { column: 'id' });
  assert.equal((await (await open(bytes, { limits: { maxColumnBytes: 4000 } })).read({ columns: ['id'] })).numRows, 500);
  for (const limits of [{ maxColumns: -1 }, { maxColumnBytes: 1.5 }, { maxMetadataBytes: NaN }, { maxColumns: '5' }]) {
    await fails(() => open(bytes, { limits }), 'invalid-argument');
  }
});

test('text of any characters, one by one and all at once', async () => {
  const words = ['Müller', 'Ölçü', '日本語テキスト', '😀 smile', '', 'plain', '\u{1F468}‍\u{1F469}', '﻿bom', '0', '\0'];
  const word = (row) => words[row % words.length];
  const rows = 9000;
  for (const cell of [
    (row) => `${word(row)} ${row} ${word(row * 7)}`, word, (row) => (row % 3 ? `${word(row)}${row}` : null), (row) => word(row).repeat(9) + row,
    (row) => (row % 2 ? word(row) : null), (row) => `plain ${row}`, (row) => (row === 5000 ? '😀' : `plain ${row}`),
  ]) {
    for (const options of [{}, { dialect: 'python-1.0' }]) {
      // Python 1.0 has no empty text.
      const expected = Array.from({ length: rows }, (_, row) => cell(row) || (options.dialect ? null : cell(row)));
      const read = async () => (await (await open(await write({ text: expected }, options))).read()).column('text');
      const [first, second] = [await read(), await read()];
      assert.deepEqual(first.toArray(), expected);
      assert.deepEqual([...first], expected);
      // In an order that helps nothing.
      for (let row = rows - 1; row >= 0; row -= 7) assert.equal(second.get(row), expected[row]);
      assert.deepEqual(second.toArray(), expected);
    }
  }
});

test('rows are what the columns are, however they are asked for', async () => {
  const names = ['a', '__proto__', '7', 'c', ...Array.from({ length: 26 }, (_, column) => `more ${column}`)];
  // So many that code is compiled for them.
  const rows = 6000;
  const cells = names.map((_, column) => Array.from({ length: rows }, (__, row) => ((row + column) % 5 ? row * 10 + column / 2 : null)));
  const table = await (await open(await write(names.map((name, column) => ({ name, data: cells[column], type: 'float64' }))))).read({ columns: [...names, 'a'] });
  const expected = Array.from({ length: rows }, (_, row) => cells.map((column) => column[row]));
  const seen = (row) => names.map((name) => Object.getOwnPropertyDescriptor(row, name)?.value);
  assert.deepEqual(table.toArray().map(seen), expected);
  assert.deepEqual([...table].map(seen), expected);
  assert.deepEqual(Array.from({ length: rows }, (_, row) => seen(table.row(row))), expected);
  const [first] = table;
  assert.deepEqual([Object.keys(first), Object.getPrototypeOf(first)], [['7', 'a', '__proto__', 'c', ...names.slice(4)], Object.prototype]);
  assert.deepEqual(Object.keys(table.row(rows)).length, names.length);
});

test('rows of tables with few and with many columns', async () => {
  for (const width of [0, 1, 7, 8, 9, 16, 17, 24, 25, 60, 200]) {
    const names = Array.from({ length: width }, (_, column) => `c${(column + 3) % width}`);
    const kinds = [(row) => row * 3, (row) => row / 3, (row) => `text ${row % 4}`, (row) => row % 3 === 0, (row) => (row % 2 ? null : row / 7), () => null];
    const types = ['int32', 'float64', 'string', 'boolean', 'float64', 'string'];
    const rows = width % 8 === 1 ? 5000 : 20;
    const cell = (row, column) => kinds[column % kinds.length](row);
    const columns = names.map((name, column) => ({ name, type: types[column % types.length], data: Array.from({ length: rows }, (_, row) => cell(row, column)) }));
    const table = await (await open(await write(width === 0 ? { only: [1] } : columns))).read(width === 0 ? { columns: [] } : {});
    const expected = Array.from({ length: width === 0 ? 1 : rows }, (_, row) => Object.fromEntries(names.map((name, column) => [name, cell(row, column)])));
    assert.deepEqual(table.toArray(), expected);
    assert.deepEqual([...table], expected);
    assert.deepEqual(table.toArray().map((row) => Object.keys(row)), expected.map(() => names));
    // Each row is a caller's own.
    const [first, second] = table.toArray();
    for (const name of names) first[name] = 'changed';
    assert.deepEqual([second, table.row(0)], [expected[1], expected[0]]);
  }
});

test('many cells at once are those that one by one are', async () => {
  const edges = [0n, 1n, -1n, 1023n, -1023n, -1024n, -1025n, 8191n, 8192n, 2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), -(2n ** 31n) - 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 5n, -(2n ** 32n) + 5n, 2n ** 63n - 1n, -(2n ** 63n)];
  const unsigned = [...edges.filter((value) => value >= 0n), 2n ** 64n - 1n, 2n ** 64n - 1024n, 2n ** 64n - 2n ** 32n, 2n ** 63n];
  const late = 8.64e15;
  const times = {
    s: [0n, -1n, BigInt(late / 1000), BigInt(-late / 1000)],
    ms: [0n, 1n, -1n, BigInt(late), BigInt(-late), 2n ** 32n, -(2n ** 32n)],
    us: [0n, -1000n, 2n ** 53n - 992n, 2n ** 53n - 992n + 8000n, BigInt(late) * 1000n, BigInt(-late) * 1000n],
    ns: [0n, 1_000_000n, -1_000_000n, 1_700_000_000_123_000_000n, -1_700_000_000_123_000_000n],
  };
  const withNulls = (values) => values.flatMap((value) => [value, null]);
  for (const spaced of [(values) => values, withNulls]) {
    for (const [type, values] of [['int64', edges], ['uint64', unsigned]]) {
      const data = spaced(values);
      const column = (await (await open(await write([{ name: 'x', type, data }]))).read()).column('x', type);
      assert.deepEqual(column.toArray(), data);
      assert.deepEqual(data.map((_, row) => column.get(row)), data);
    }
    for (const [unit, counts] of Object.entries(times)) {
      const data = spaced(counts);
      const column = (await (await open(await write([{ name: 'x', type: 'timestamp', unit, data }]))).read({ dates: 'date' })).column('x', 'timestamp');
      const perSecond = { s: 1n, ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n }[unit];
      const expected = data.map((count) => (count === null ? null : new Date(Number((count * 1000n) / perSecond))));
      assert.deepEqual(column.toArray(), expected);
      assert.deepEqual(data.map((_, row) => column.get(row)), expected);
      const dates = column.toArray().filter((date) => date !== null);
      assert.equal(new Set(dates).size, dates.length);
    }
    const data = spaced([0, -0, 1, -1, 2 ** 31, 0.1, NaN, Infinity, -Infinity, 5e-324]);
    const column = (await (await open(await write([{ name: 'x', type: 'float64', data }]))).read()).column('x', 'float64');
    for (const all of [column.toArray(), [...column]]) assert.ok(all.length === data.length && all.every((value, row) => Object.is(value, data[row])));
  }
  for (const [unit, count] of [['us', 1n], ['us', -1n], ['us', 2n ** 60n + 1n], ['us', 2n ** 63n - 1n], ['ms', BigInt(late) + 1n], ['s', BigInt(-late / 1000) - 1n]]) {
    const table = await (await open(await write([{ name: 'x', type: 'timestamp', unit, data: [0n, null, count, 0n] }]))).read({ dates: 'date' });
    await fails(() => table.column('x').get(2), 'unsafe-value', { column: 'x' });
    await fails(() => table.column('x').toArray(), 'unsafe-value', { column: 'x' });
    await fails(() => table.toArray(), 'unsafe-value', { column: 'x' });
  }
});
