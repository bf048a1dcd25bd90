/** Workers encode row groups as the calling thread would: the same bytes, errors, progress; and they can be stopped. */

import { assert, isBrowser, ncf, test } from '#harness';

import { contents, everyType, fails, printed, random } from './util.mjs';

const { open, write, writeSync, init } = ncf;

const ROWS = 5000;
await init({ full: true, thorough: true });

/** Text that a number implies, numbers that follow from others, noise. */
function related(rows) {
  const next = random(9);
  const flight = Int32Array.from({ length: rows }, () => next() % 300);
  const minutes = Float64Array.from(flight, (value, row) => (row % 97 === 0 ? NaN : (next() % 50) + value));
  return {
    flight,
    carrier: Array.from(flight, (value, row) => (row % 31 === 0 ? null : `carrier ${value % 13}`)),
    minutes,
    late: Float64Array.from(minutes, (value, row) => value - (flight[row] ?? 0)),
    noise: Float64Array.from(flight, () => next() / 7),
  };
}

const every = everyType(ROWS, 3);
/** Long enough to encode that it can be interrupted. */
const large = related(400_000);

test('the bytes are the same', async () => {
  for (const [table, options] of [
    [every, { rowGroupRows: 1000 }], [every, { rowGroupRows: 4992 }], [every, { rowGroupRows: 1000, crossColumn: false }], [every, { rowGroupRows: 1000, bounds: 'none' }],
    [every, { rowGroupRows: 1001 }], [every, { rowGroupRows: 8 }], [every, { rowGroupRows: 5000 }], [every, { rowGroupRows: 1000, compression: 'none', metadata: { by: new Map([['a', 1n]]) } }],
    [related(ROWS), { rowGroupRows: 1200 }], [related(ROWS), { rowGroupRows: 1200, level: 9, created: new Date(86_400_000) }],
  ]) {
    const expected = writeSync(table, options);
    assert.deepEqual(await write(table, { ...options, workers: 0 }), expected);
    for (const workers of [1, 2, 3]) assert.deepEqual(await write(table, { ...options, workers, verify: true }), expected, `${JSON.stringify(options, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))}, ${workers} workers`);
  }
});

test('columns of the first row group are shared out, and of the last ones where there are few', async () => {
  const table = related(140_000);
  for (const options of [{}, { rowGroupRows: 70_000 }, { rowGroupRows: 2 ** 16 }, { rowGroupRows: 2 ** 16, crossColumn: false }, { rowGroupRows: 2 ** 18, compression: 'none' }, { rowGroupRows: 2 ** 18, level: 6 }]) {
    const expected = await write(table, { ...options, workers: 0 });
    for (const workers of [1, 2, 4]) assert.deepEqual(await write(table, { ...options, workers }), expected, `${JSON.stringify(options)}, ${workers} workers`);
  }
  // More row groups than are shared out in pieces: workers that helped with the first go on with others.
  const many = related(330_000);
  const expected = await write(many, { rowGroupRows: 2 ** 16, workers: 0 });
  for (const workers of [1, 2]) assert.deepEqual(await write(many, { rowGroupRows: 2 ** 16, workers }), expected, `${workers} workers`);
  // One column is nothing to share.
  const single = { noise: table.noise };
  assert.deepEqual(await write(single, { workers: 2 }), await write(single, { workers: 0 }));
});

test('row groups larger and smaller than those before are what they were', async () => {
  const next = random(21);
  const sizes = [1, 1, 1, 40_000, 60_000, 1, 8_000, 90_000, 1, 90_000];
  const rows = 8192;
  const noise = Float64Array.from({ length: sizes.length * rows }, (_, row) => next() % (sizes[Math.floor(row / rows)] ?? 1));
  const table = { noise, text: Array.from(noise, (value) => `${value} or ${value ** 2}`) };
  const expected = writeSync(table, { rowGroupRows: rows });
  for (const workers of [1, 2]) assert.deepEqual(await write(table, { rowGroupRows: rows, workers }), expected, `${workers} workers`);
});

test('hints hold for whoever encodes the column', async () => {
  const table = related(70_000);
  const { schema } = await open(await write(table));
  const hints = { minutes: 'independent', late: 'cross:flight', carrier: 'none' };
  const hinted = { ...schema, columns: schema.columns.map((column) => ({ ...column, ...(column.name in hints && { compressionModel: hints[column.name] }) })) };
  const bytes = await write(table, { schema: hinted, workers: 0 });
  assert.deepEqual(await write(table, { schema: hinted, workers: 2 }), bytes);
  const { chunks } = await (await open(bytes)).layout();
  assert.deepEqual(chunks.filter(({ column }) => column === 'minutes').map(({ parents }) => parents ?? []), [[]]);
});

test('what one row group holds does not show in the next', async () => {
  // Every value of the first row group is there, none of the second, few of the others.
  const isNull = (row) => row >= 1000 && (row < 2000 || row % 7 > 0);
  for (const { name, type, data, ...more } of every) {
    const full = Array.isArray(data) ? data.find((value) => value !== null && value !== undefined) : data[0];
    const cells = Array.from({ length: 4000 }, (_, row) => (isNull(row) ? null : full));
    const table = [{ name, type, data: cells, ...more }];
    const bytes = await write(table, { rowGroupRows: 1000, workers: 0 });
    assert.deepEqual(bytes, await write(table, { rowGroupRows: 1000, workers: 1 }), name);
    const { columns: [column] } = await (await open(bytes)).read();
    assert.equal(column.nullCount, cells.filter((value) => value === null).length, name);
    const expected = await (await open(await write([{ name, type, data: [full, null], ...more }]))).read();
    for (const row of [0, 999, 1000, 1999, 2002, 2100, 3999]) assert.deepEqual(column.get(row), expected.columns[0].get(isNull(row) ? 1 : 0), `${name} ${row}`);
  }
});

test('a large table is shared out by itself, and comes back', async () => {
  const bytes = await write(large);
  assert.deepEqual(bytes, await write(large, { workers: 0 }));
  const file = await open(bytes);
  const { columns } = await file.read();
  assert.deepEqual(columns.map(({ name, length }) => [name, length]), Object.keys(large).map((name) => [name, 400_000]));
  assert.deepEqual(contents(columns[4]).values, large.noise);
});

test('hints, semantic types and names of the schema are those of every row group', async () => {
  const { schema } = await open(await write(every, { rowGroupRows: 1000, tableName: 'first', metadata: { a: 1 } }));
  const hinted = { ...schema, columns: schema.columns.map((column, at) => ({ ...column, useDictionary: true, compressionModel: at % 2 ? 'independent' : 'cross', containsPii: at % 3 === 0 })) };
  const options = { rowGroupRows: 1000, schema: hinted };
  assert.deepEqual(await write(every, { ...options, workers: 2 }), writeSync(every, options));
});

test('progress is told row group by row group', async () => {
  const told = [];
  await write(every, { rowGroupRows: 1200, workers: 2, onProgress: (progress) => { told.push(progress); } });
  assert.deepEqual(told, [1200, 2400, 3600, 4800, 5000].map((loaded) => ({ phase: 'encode', loaded, total: ROWS })));
});

test('what cannot be written is the same error, with its row, whichever row group it is in', async () => {
  for (const row of [0, 1999, 2000, 4100]) {
    const nanoseconds = Array.from({ length: ROWS }, (_, at) => (at === row ? 1n : 1000n));
    const table = [...every, { name: 't', type: 'timestamp', unit: 'ns', data: nanoseconds }];
    const options = { rowGroupRows: 1000 };
    const { message } = await fails(() => writeSync(table, options), 'type-mismatch', { column: 't', row });
    await fails(() => write(table, { ...options, workers: 2 }), 'type-mismatch', { column: 't', row, message });
    // The workers are none the worse for it.
    assert.deepEqual(await write(every, { ...options, workers: 2 }), writeSync(every, options));
  }
});

test('text that is not UTF-8 is refused with its row, whoever would have encoded it', async () => {
  const length = 70_000;
  const values = new Uint8Array(length).fill(65);
  values[50_000] = 0xff;
  const text = { type: 'string', values, offsets: Int32Array.from({ length: length + 1 }, (_, row) => row), length };
  const table = [{ name: 'a', data: Int32Array.from({ length }, (_, row) => row % 100) }, { name: 't', type: 'string', data: text }];
  for (const rowGroupRows of [2 ** 17, 40_000]) {
    for (const workers of [0, 1, 2]) await fails(() => write(table, { rowGroupRows, workers }), 'invalid-argument', { column: 't', row: 50_000 });
  }
});

test('several tables at the same time, and reads between them', async () => {
  const [first, second] = [writeSync(every, { rowGroupRows: 800 }), writeSync(related(ROWS), { rowGroupRows: 1600 })];
  const file = await open(first);
  const results = await Promise.all([
    write(every, { rowGroupRows: 800, workers: 2 }), write(related(ROWS), { rowGroupRows: 1600, workers: 3 }), file.read({ workers: 2 }), write(every, { rowGroupRows: 800, workers: 1 }),
  ]);
  assert.deepEqual([results[0], results[1], results[3]], [first, second, first]);
  assert.equal(results[2].numRows, ROWS);
});

/** What a call failed with. @param {Promise<unknown>} call */
const ended = (call) => call.then(() => 'written', ({ message }) => message);

test('writing can be aborted, and the next call succeeds', async () => {
  const expected = await write(every, { rowGroupRows: 1000, workers: 0 });
  for (const after of [1, 2]) {
    const stop = new AbortController();
    let calls = 0;
    const onProgress = () => {
      calls += 1;
      if (calls === after) setTimeout(() => { stop.abort(new Error('enough')); }, 1);
    };
    assert.equal(await ended(write(large, { rowGroupRows: 2 ** 14, workers: 2, signal: stop.signal, onProgress })), 'enough');
    assert.ok(calls < 20, `${calls} row groups`);
    assert.deepEqual(await write(every, { rowGroupRows: 1000, workers: 2 }), expected);
  }
  assert.equal(await ended(write(large, { workers: 2, signal: AbortSignal.abort(new Error('before')) })), 'before');
  // Within the first row group, whose columns are shared out.
  for (const rowGroupRows of [2 ** 17, 2 ** 19]) {
    const stop = new AbortController();
    setTimeout(() => { stop.abort(new Error('early')); }, 1);
    assert.equal(await ended(write(large, { rowGroupRows, workers: 2, signal: stop.signal })), 'early');
  }
  assert.deepEqual(await write(every, { rowGroupRows: 1000, workers: 2 }), expected);
});

test('what is no number of workers is refused', async () => {
  for (const workers of [-1, 1.5, 65, NaN, '2', null, true]) await fails(() => write(every, { workers }), 'invalid-argument');
});

if (!isBrowser) {
  test('what a worker that ends leaves undone is done without it', async () => {
    for (const [rows, last] of [[70_000, 1], [70_000, 3], [70_000, 4], [70_000, 5], [140_000, 3], [140_000, 5], [140_000, 8], [140_000, 9]]) {
      const output = await printed(`
        const threads = process.getBuiltinModule('node:worker_threads');
        let sent = 0;
        threads.Worker = class extends threads.Worker {
          postMessage(message, transfer) {
            sent += 1;
            if (sent < ${last}) super.postMessage(message, transfer);
            else void this.terminate();
          }
        };
        const { write } = await import('ncf-wasm');
        const a = Int32Array.from({ length: ${rows} }, (_, row) => (row * 7919) % 10_007);
        const table = { a, b: Float64Array.from(a, (value) => value / 4), c: Array.from(a, (value) => 'c' + (value % 50)), d: a.map((value, row) => value + row) };
        const options = { rowGroupRows: 2 ** 16 + 8 };
        const shared = await write(table, { ...options, workers: 1 });
        const alone = await write(table, { ...options, workers: 0 });
        console.log(sent >= ${last}, Buffer.compare(shared, alone));
      `);
      assert.equal(output, 'true 0\n', `${rows} rows, ends at message ${last}`);
    }
  });

  test('a process does not live on for its workers', async () => {
    const output = await printed(`
      import { open, write } from 'ncf-wasm';
      const bytes = await write({ a: Int32Array.from({ length: 4000 }, (_, row) => row) }, { rowGroupRows: 800, workers: 2 });
      console.log((await open(bytes)).numRows);
    `);
    assert.equal(output, '4000\n');
  });
}
