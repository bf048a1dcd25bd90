/** Strings that are stored as dictionaries: codes, and bytes where somebody asks for them. */

import { assert, ncf, test } from '#harness';

import { contents, fails } from './util.mjs';

const { open, openSync, write } = ncf;

const ROWS = 1200;
const GROUPS = [8, 88, 400, 1200];
const READS = [
  {}, { workers: 0 }, { workers: 2 }, { rowStart: 100 }, { rowStart: 3, rowEnd: 1117 }, { rowStart: 401, rowEnd: 403 }, { rowEnd: 0 }, { limit: 500 },
  { columns: ['mixed', 'fixed3', 'fixed3'], workers: 2 }, { filter: { number: { $gte: 37 } } }, { filter: { fixed3: { $ne: 'aaa' } } }, { filter: { number: 7 } },
];

/** Text that repeats, of `count` values: each as long as `length` says. */
const repeated = (/** @type {number} */ count, /** @type {(entry: number) => number} */ length) => Array.from({ length: ROWS }, (_, row) => {
  const entry = row * row % count;
  return String.fromCharCode(97 + entry % 26).repeat(length(entry)) + (length(entry) > 4 ? entry : '');
});
const withNulls = (/** @type {(string | null)[]} */ data) => data.map((value, row) => (row % 7 === 3 ? null : value));

/** @type {Record<string, (string | null)[]>} */
const COLUMNS = {
  constant: Array(ROWS).fill('constant'),
  empty: Array(ROWS).fill(''),
  ...Object.fromEntries([1, 2, 3, 4].map((length) => [`fixed${length}`, repeated(9, () => length)])),
  short: repeated(8, (entry) => entry % 5),
  longer: repeated(20, (entry) => entry),
  long: repeated(12, (entry) => 8 * entry),
  'nulls of one length': withNulls(repeated(9, () => 3)),
  nulls: withNulls(repeated(20, (entry) => entry)),
  'null in one row group': repeated(5, () => 2).map((value, row) => (row === 450 ? null : value)),
  'nothing but null': Array(ROWS).fill(null),
  many: repeated(300, () => 6),
  umlauts: repeated(9, () => 2).map((value) => `ü${value}€𝄞`),
  // Dictionaries in some row groups, and not in others.
  mixed: repeated(9, () => 3).map((value, row) => (row >= 400 && row < 800 ? `no. ${row * 7919 % 100_003}` : value)),
  'mixed, dictionary last': repeated(9, () => 3).map((value, row) => (row < 800 ? `no. ${row * 7919 % 100_003}` : value)),
};
const columns = [
  ...Object.entries(COLUMNS).map(([name, data]) => ({ name, type: 'string', useDictionary: true, data })),
  { name: 'number', type: 'int32', data: Int32Array.from({ length: ROWS }, (_, row) => row % 40) },
];
const files = await Promise.all(GROUPS.map(async (rowGroupRows) => open(await write(columns, { rowGroupRows }))));

/** Text as its bytes and offsets say. */
function fromBytes(/** @type {any} */ { values, offsets, validity, length }) {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return Array.from({ length }, (_, row) => (validity && (validity[row >> 3] >> (row & 7) & 1) === 0 ? null : text.decode(values.subarray(offsets[row], offsets[row + 1]))));
}

const isLazy = (/** @type {object} */ column) => Object.getOwnPropertyDescriptor(column, 'values')?.get !== undefined;

test('codes and bytes say the same, however it is read', async () => {
  let lazy = 0;
  for (const file of files) {
    for (const read of READS) {
      const [strings, bytes] = [await file.read(read), await file.read({ ...read, text: 'bytes' })];
      for (const [index, column] of strings.columns.entries()) {
        lazy += Number(isLazy(column));
        assert.ok(!isLazy(bytes.columns[index]), column.name);
        const about = `${column.name} ${JSON.stringify(read)}`;
        const all = column.toArray();
        assert.deepEqual(all, bytes.columns[index].toArray(), about);
        assert.deepEqual(Array.from(column), all, about);
        assert.deepEqual(Array.from({ length: column.length }, (_, row) => column.get(row)), all, about);
        if (column.type !== 'string') continue;
        // Whatever is asked for first.
        assert.equal(column.offsets?.length, column.length + 1, about);
        assert.ok(!isLazy(column), about);
        assert.deepEqual(fromBytes(column), all, about);
        assert.deepEqual(contents(column), contents(bytes.columns[index]), about);
        const { filter, ...rows } = read;
        if (!filter && !rows.limit) assert.deepEqual(all, COLUMNS[column.name].slice(rows.rowStart ?? 0, rows.rowEnd), about);
      }
      assert.deepEqual(strings.toArray(), bytes.toArray());
    }
  }
  assert.ok(lazy > 400, `${lazy} columns had codes`);
});

test('row groups with and without a dictionary make one column', async () => {
  const [, , file] = files;
  for (const workers of [0, 1, 2]) {
    const [mixed, last, fixed] = (await file.read({ columns: ['mixed', 'mixed, dictionary last', 'fixed3'], workers })).columns;
    assert.ok(isLazy(mixed) && isLazy(fixed));
    // Those before it have their bytes.
    assert.ok(workers > 0 || !isLazy(last));
    for (const column of [mixed, last]) {
      assert.deepEqual(fromBytes(column), COLUMNS[column.name]);
      assert.deepEqual(column.toArray(), COLUMNS[column.name]);
    }
  }
});

test('batches and rows give the same', async () => {
  for (const file of files) {
    for (const batchSize of [undefined, 8, 100, 5000]) {
      for (const text of ['lazy', 'bytes']) {
        const found = Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, /** @type {unknown[]} */ ([])]));
        for await (const batch of file.batches({ text, ...(batchSize && { batchSize }) })) {
          for (const [name, all] of Object.entries(found)) {
            const column = batch.column(name);
            all.push(...column.toArray());
            assert.deepEqual(fromBytes(column), column.toArray(), name);
          }
        }
        assert.deepEqual(found, COLUMNS);
      }
    }
    let row = 0;
    for await (const found of file.rows()) {
      for (const [name, data] of Object.entries(COLUMNS)) assert.equal(found[name], data[row], name);
      row += 1;
    }
    assert.equal(row, ROWS);
  }
});

test('bytes that are not made yet are properties like any other', async () => {
  const [file] = files.slice(-1);
  const made = (/** @type {object} */ options) => file.read({ columns: ['nulls', 'fixed3'], ...options });
  const expected = (await made({ text: 'bytes' })).columns;
  for (const [index] of expected.entries()) {
    const { values, offsets } = expected[index];
    const [spread, cloned, keys, assigned] = await Promise.all([1, 2, 3, 4].map(async () => (await made({})).columns[index]));
    assert.ok(isLazy(spread));
    assert.deepEqual([{ ...spread }.values, { ...spread }.offsets], [values, offsets]);
    const clone = structuredClone(cloned);
    assert.deepEqual([clone.values, clone.offsets], [values, offsets]);
    assert.deepEqual(Object.keys(keys).sort(), Object.keys(expected[index]).sort());
    assert.deepEqual(Object.assign({}, assigned).values, values);
    assert.ok(!isLazy(assigned));
    assert.equal(assigned.values, assigned.values);
    assert.equal(assigned.values.buffer.byteLength, values.byteLength);
  }
});

test('what was read is written again', async () => {
  for (const file of files) {
    const table = await file.read();
    const again = await (await open(await write(table.columns.map(({ name, values, offsets, validity, type }) => ({ name, type, data: { values, offsets, validity } }))))).read();
    assert.deepEqual(again.toArray(), table.toArray());
  }
});

test('a synchronous read gives codes, too', async () => {
  const table = openSync(await write(columns)).readSync({ columns: ['fixed3', 'nulls'] });
  for (const column of table.columns) {
    assert.ok(isLazy(column));
    assert.deepEqual(column.toArray(), COLUMNS[column.name]);
  }
});

test('another way for text is refused', async () => {
  const [file] = files;
  await fails(() => file.read({ text: 'utf8' }), 'invalid-argument');
  await fails(() => file.batches({ text: null }).next(), 'invalid-argument');
});

test('where there is no memory for bytes, that is said, and may be tried again', async () => {
  const column = (await files[0].read({ columns: ['long'] })).column('long');
  assert.ok(isLazy(column));
  const { ArrayBuffer: Real, Buffer: NodeBuffer } = /** @type {any} */ (globalThis);
  const allocUnsafeSlow = NodeBuffer?.allocUnsafeSlow;
  const refuse = () => { throw new RangeError('Array buffer allocation failed'); };
  globalThis.ArrayBuffer = /** @type {any} */ (class extends Real { constructor() { super(0); refuse(); } });
  if (NodeBuffer) NodeBuffer.allocUnsafeSlow = refuse;
  let thrown;
  try {
    void column.values;
  } catch (error) {
    thrown = error;
  } finally {
    globalThis.ArrayBuffer = Real;
    if (NodeBuffer) NodeBuffer.allocUnsafeSlow = allocUnsafeSlow;
  }
  assert.equal(thrown?.code, 'out-of-memory');
  assert.equal(thrown.column, 'long');
  assert.deepEqual(column.toArray(), COLUMNS.long);
  assert.deepEqual(fromBytes(column), COLUMNS.long);
});

test('few strings of many rows are right whatever they look like', async () => {
  const strings = ['__proto__', 'constructor', 'toString', '10', '9', '-1', '01', '4294967295', '1e3', '', ' ', 'ü', '\u0000', 'a longer one, of more than a few characters', 'length'];
  const data = Array.from({ length: 9000 }, (_, row) => (row % 11 === 5 ? null : strings[row * row % 7919 % strings.length]));
  const file = await open(await write([{ name: 'text', type: 'string', useDictionary: true, data }], { rowGroupRows: 4500 }));
  for (const workers of [0, 1]) {
    const column = (await file.read({ workers })).column('text');
    assert.ok(isLazy(column));
    assert.deepEqual(column.toArray(), data);
    assert.deepEqual(fromBytes(column), data);
    for (let row = 0; row < data.length; row += 7) assert.equal(column.get(row), data[row]);
  }
});
