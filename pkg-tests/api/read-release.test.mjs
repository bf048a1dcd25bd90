/** Tables that give their memory back: who still asks is told, and nothing else changes. */

import { assert, isBrowser, ncf, test } from '#harness';

import { contents, everyType, fails, random } from './util.mjs';

const { open, openSync, write, writeRows } = ncf;

/** So many that the buffers are worth keeping. */
const ROWS = 6000;
const READS = [{}, { workers: 0 }, { workers: 2 }, { workers: 2, text: 'bytes' }, { workers: 0, text: 'bytes' }, { rowStart: 1000, rowEnd: 5003 }, { filter: { int32: { $gte: 0 } }, workers: 1 }];

const next = random(5);
const codes = Array.from({ length: 40 }, (_, entry) => `entry ${entry}`.repeat(1 + entry % 3));
/** @param {number} seed */
const table = (seed) => [
  ...everyType(ROWS, seed),
  { name: 'codes', type: 'string', data: Array.from({ length: ROWS }, () => (next() % 9 === 0 ? null : codes[next() % 40])) },
  { name: 'plain', type: 'string', data: Array.from({ length: ROWS }, () => `${next()} and ${next()}`) },
];
const files = await Promise.all([[3, 1000], [4, 1000], [5, 2 ** 17]].map(async ([seed, rowGroupRows]) => open(await write(table(seed), { rowGroupRows }))));

/** A copy of all that the columns hold. */
const copyOf = (/** @type {any} */ read) => structuredClone(read.columns.map(contents));
/** Every value, as `get` gives it. */
const valuesOf = (/** @type {any} */ read) => read.columns.map((/** @type {any} */ column) => column.toArray());

test('what is read into memory that was given back is what it was', async () => {
  for (const options of READS) {
    const expected = await Promise.all(files.map(async (file) => {
      const read = await file.read(options);
      return { copy: copyOf(read), values: valuesOf(read) };
    }));
    for (let round = 0; round < 3; round++) {
      for (const [index, file] of files.entries()) {
        const read = await file.read(options);
        assert.deepEqual(valuesOf(read), expected[index].values);
        // Bytes are made after strings, and before them in the next round.
        assert.deepEqual(copyOf(read), expected[index].copy);
        read.release();
        const [other, another] = await Promise.all([file.read(options), files[0].read(options)]);
        assert.deepEqual(copyOf(another), expected[0].copy);
        another.release();
        assert.deepEqual(copyOf(other), expected[index].copy);
        other.release();
      }
    }
  }
});

test('memory is used again, and only that which was given back', async () => {
  const kept = await files[0].read({ columns: ['float64'], workers: 0 });
  const copy = copyOf(kept);
  const read = await files[0].read({ workers: 0, text: 'bytes' });
  const seen = read.columns.map(({ values }) => values);
  read.release();
  for (const values of seen) assert.deepEqual([values.length, values.buffer.byteLength], [0, 0]);
  // Where it can be watched.
  const { Buffer } = /** @type {any} */ (globalThis);
  const made = /** @type {number[]} */ ([]);
  if (!isBrowser) {
    const { allocUnsafeSlow } = Buffer;
    Buffer.allocUnsafeSlow = (/** @type {number} */ size) => {
      if (size >= 2 ** 14) made.push(size);
      return allocUnsafeSlow.call(Buffer, size);
    };
    try {
      await files[0].read({ workers: 0, text: 'bytes' });
      assert.deepEqual(made, []);
      // Who gives nothing back gets new memory before long.
      for (let reads = 0; reads < 50 && made.length === 0; reads++) await files[0].read({ workers: 0, text: 'bytes' });
      assert.ok(made.length > 0);
    } finally {
      Buffer.allocUnsafeSlow = allocUnsafeSlow;
    }
  }
  assert.deepEqual(copyOf(kept), copy);
});

test('who still asks is told that the table was released', async () => {
  for (const options of [{}, { text: 'bytes' }, { workers: 2 }]) {
    const read = await files[0].read(options);
    const rows = read.toArray();
    const [first] = rows;
    const strings = read.column('codes').toArray();
    const binary = read.column('binary').get(1);
    const copy = binary && Uint8Array.from(binary);
    const iterator = read.rows();
    for (let row = 0; row < 20; row++) iterator.next();
    read.release();
    read.release();
    read[Symbol.dispose]();
    assert.equal(read.numRows, ROWS);
    for (const column of read.columns) {
      assert.equal(column.length, ROWS);
      for (const ask of [
        () => column.values, () => column.offsets, () => column.validity, () => column.get(0), () => column.isNull(0), () => column.toArray(), () => [...column], () => column.cells(),
      ]) await fails(ask, 'closed', { column: column.name });
    }
    await fails(() => read.toArray(), 'closed');
    await fails(() => read.row(0), 'closed');
    await fails(() => [...iterator], 'closed');
    await fails(() => write(read), 'closed');
    // What was made of it stays.
    const again = await files[0].read(options);
    assert.deepEqual(again.toArray(), rows);
    assert.deepEqual(again.row(0), first);
    assert.deepEqual(again.column('codes').toArray(), strings);
    assert.deepEqual(binary, copy);
  }
});

test('a column that was moved away, one that is there twice, and tables without rows or columns', async () => {
  const read = await files[0].read({ columns: ['float64', 'int32', 'int32'] });
  const moved = structuredClone(read.columns[0].values, { transfer: [read.columns[0].values.buffer] });
  const twin = read.columns[2].values;
  assert.deepEqual(twin, read.columns[1].values);
  read.release();
  assert.equal(moved.length, ROWS);
  assert.equal(twin.length, 0);
  for (const options of [{ columns: [] }, { rowEnd: 0 }, { rowEnd: 0, text: 'bytes' }]) (await files[0].read(options)).release();
  const synchronous = openSync(await write({ a: [1, 2, 3] })).readSync();
  synchronous.release();
  await fails(() => synchronous.columns[0].get(0), 'closed', { column: 'a' });
});

test('batches that are released one after the other', async () => {
  for (const options of [{}, { batchSize: 700 }, { batchSize: 700, text: 'bytes' }, { filter: { int32: { $lt: 0 } } }]) {
    const { limit: _limit, batchSize: _size, ...whole } = { limit: undefined, ...options };
    const expected = valuesOf(await files[0].read(whole));
    const all = expected.map(() => /** @type {unknown[]} */ ([]));
    for await (const batch of files[0].batches(options)) {
      valuesOf(batch).forEach((values, index) => all[index].push(...values));
      batch.release();
    }
    assert.deepEqual(all, expected);
  }
});

test('rows stay when their batches are given back', async () => {
  const expected = (await files[0].read()).toArray();
  const rows = [];
  for await (const row of files[0].rows()) rows.push(row);
  assert.deepEqual(rows, expected);
  const copied = await open(await writeRows(files[0].rows(), { schema: files[0].schema }));
  assert.deepEqual((await copied.read({ columns: ['plain', 'codes'] })).toArray(), (await files[0].read({ columns: ['plain', 'codes'] })).toArray());
});

if (!isBrowser) {
  test('where there is no memory, what is kept is let go of', async () => {
    (await files[0].read({ workers: 0, text: 'bytes' })).release();
    const { Buffer } = /** @type {any} */ (globalThis);
    const { allocUnsafeSlow } = Buffer;
    let refused = 0;
    Buffer.allocUnsafeSlow = (/** @type {number} */ size) => {
      if (size >= 2 ** 14 && refused++ === 0) throw new RangeError('Array buffer allocation failed');
      return allocUnsafeSlow.call(Buffer, size);
    };
    try {
      const expected = await files[2].read({ columns: ['float64'], rowEnd: 5000 });
      assert.equal(expected.numRows, 5000);
      assert.equal(refused > 1, true);
    } finally {
      Buffer.allocUnsafeSlow = allocUnsafeSlow;
    }
  });
}
