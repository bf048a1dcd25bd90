/** Workers decode what the calling thread would: the same columns, errors, progress; and they end. */

import { assert, golden, goldens, isBrowser, ncf, test } from '#harness';

import { contents, everyType, fails, printed, random } from './util.mjs';

const { open, write } = ncf;

const ROWS = 3000;
const columns = everyType(ROWS, 7);
const bytes = await write(columns, { rowGroupRows: 700 });
const next = random(5);
/** Long enough to decode that it can be interrupted. */
const large = await write(Object.fromEntries(Array.from({ length: 8 }, (_, column) => [`c${column}`, Float64Array.from({ length: 300_000 }, () => next() / 7)])));

for (const name of goldens) {
  test(`${name}: the same with workers`, async () => {
    const file = await open((await golden(name)).bytes);
    const expected = (await file.read({ workers: 0 })).columns.map(contents);
    for (const workers of [1, 2, 3]) assert.deepEqual((await file.read({ workers })).columns.map(contents), expected, `${workers} workers`);
    await file.close();
  });
}

test('ranges, limits, filters, projections, and a column twice', async () => {
  for (const input of [bytes, new Blob([bytes])]) {
    const file = await open(input);
    const names = file.schema.columns.map(({ name }) => name);
    for (const options of [
      { rowStart: 650, rowEnd: 1500 }, { limit: 10 }, { rowStart: ROWS }, { limit: 0 }, { columns: [] }, { columns: names.slice(3, 4) },
      { columns: [names[5], names[1], names[5]] }, { filter: { int32: { $gt: 0 } } }, { filter: { int32: null }, limit: 5 },
    ]) {
      const [expected, read] = [await file.read({ ...options, workers: 0 }), await file.read({ ...options, workers: 2 })];
      assert.deepEqual(read.columns.map(contents), expected.columns.map(contents), JSON.stringify(options));
      assert.deepEqual([read.numRows, read.rowStart], [expected.numRows, expected.rowStart]);
    }
    await file.close();
  }
});

/** Whether two columns hold the same; `deepEqual` takes long for so many values. */
function assertSame(read, expected, message) {
  const [found, wanted] = [contents(read), contents(expected)];
  for (const [key, value] of Object.entries(wanted)) {
    const other = found[key];
    if (!ArrayBuffer.isView(value)) assert.deepEqual(other, value, `${message}: ${key}`);
    else assert.ok(other?.constructor === value.constructor && other.length === value.length && value.every((item, index) => Object.is(item, other[index])), `${message}: ${key}`);
  }
  if (expected.type !== 'string') return;
  const [texts, wantedTexts] = [read.toArray(), expected.toArray()];
  assert.ok(texts.length === wantedTexts.length && wantedTexts.every((text, row) => text === texts[row]), `${message}: text`);
}

test('row groups that are shared out are put together as they were', async () => {
  // Large enough that `auto` shares it out.
  const rows = 64_000;
  const rare = (cell) => Array.from({ length: rows }, (_, row) => (row > 60_000 && row % 5 === 0 ? null : cell(row)));
  const word = (length) => String.fromCharCode(...Array.from({ length }, () => 97 + (next() % 26)));
  const bytesOfTable = await write([
    ...everyType(rows, 11),
    { name: 'codes of one length', data: Array.from({ length: rows }, (_, row) => (row % 3 ? 'abc' : word(3))) },
    { name: 'codes of one length, and longer ones in the end', data: Array.from({ length: rows }, (_, row) => word(row < 55_000 ? 3 : 4)) },
    { name: 'codes of one length, but for the first', data: Array.from({ length: rows }, (_, row) => word(row ? 3 : 7)) },
    { name: 'codes of one length in some row groups', data: Array.from({ length: rows }, (_, row) => word(2 + (row >> 13) % 3)) },
    { name: 'few words', data: rare((row) => `word ${row % 7}`) },
    { name: 'words in the end only', data: rare((row) => (row < 50_000 ? `${next()}` : `word ${row % 7}`)) },
    { name: 'bits', data: rare((row) => row % 3 === 0) },
    { name: 'predicted', data: Int32Array.from({ length: rows }, (_, row) => 3 * (row % 1000)) },
    { name: 'predictor', data: Int32Array.from({ length: rows }, (_, row) => row % 1000) },
  ], { rowGroupRows: 8000 });
  const some = ['few words', 'bits', 'words in the end only', 'predicted', 'few words'];
  for (const input of [bytesOfTable, new Blob([bytesOfTable])]) await areSame(await open(input), some);
});

async function areSame(file, some) {
  for (const options of [{}, { rowStart: 24 }, { columns: some, rowStart: 16, rowEnd: 51_003 }, { columns: some, rowStart: 3 }, { columns: some, limit: 17_000 }, { columns: some, filter: { predictor: { $lt: 800 } } }]) {
    const expected = (await file.read({ ...options, workers: 0 })).columns;
    for (const workers of options.columns ? [1, 2, 3] : [3, 5, 'auto']) {
      const read = (await file.read({ ...options, workers })).columns;
      assert.equal(read.length, expected.length);
      read.forEach((column, index) => { assertSame(column, expected[index], `${workers} workers, ${JSON.stringify(options)}, ${column.name}`); });
    }
  }
}

test('row groups of one family of columns are taken by whoever has time', async () => {
  const rows = 96_000;
  const keys = Int32Array.from({ length: rows }, () => next() % 2000);
  const codes = Array.from({ length: 2000 }, () => `${next()}`.slice(0, 1 + (next() % 5)).padStart(5, '-'));
  const columns = [{ name: 'key', data: keys }, { name: 'code', data: Array.from(keys, (key) => codes[key]) }];
  for (let column = 0; column < 10; column++) {
    const table = Int32Array.from({ length: 2000 }, () => next() % 100_000);
    columns.push({ name: `of the key ${column}`, data: Array.from(keys, (key, row) => (row % 97 === column ? null : table[key] + Number(row % 501 === column))) });
  }
  const bytesOfTable = await write(columns, { rowGroupRows: 8000 });
  for (const input of [bytesOfTable, new Blob([bytesOfTable])]) {
    const file = await open(input);
    await file.read({ workers: 2 });
    const expected = (await file.read({ workers: 0 })).columns;
    for (const options of [{}, { workers: 2 }, { rowStart: 8 }, { rowEnd: 50_000 }, {}]) {
      const read = (await file.read(options)).columns;
      const { rowStart = 0, rowEnd = rows } = options;
      if (rowEnd - rowStart < rows) assert.deepEqual(read.map(({ length }) => length), read.map(() => rowEnd - rowStart));
      else read.forEach((column, index) => { assertSame(column, expected[index], `${JSON.stringify(options)}, ${column.name}`); });
    }
    await file.close();
  }
});

test('several reads of several files at the same time', async () => {
  const files = [await open(bytes), await open(large), await open(bytes)];
  const reads = await Promise.all(files.flatMap((file) => [file.read({ workers: 2 }), file.read({ workers: 3, limit: 900 })]));
  assert.deepEqual(reads.map(({ numRows }) => numRows), [ROWS, 900, 300_000, 900, ROWS, 900]);
  assert.deepEqual(reads[0].columns.map(contents), reads[4].columns.map(contents));
});

test('every chunk is reported once', async () => {
  const file = await open(bytes);
  const told = [];
  await file.read({ workers: 2, onProgress: (progress) => { if (progress.phase === 'decode') told.push(progress); } });
  const chunks = columns.length * file.rowGroups.length;
  assert.deepEqual(told.map(({ loaded, total }) => [loaded, total]), Array.from({ length: chunks }, (_, index) => [index + 1, chunks]));
  for (const { name } of columns) assert.equal(told.filter(({ column }) => column === name).length, file.rowGroups.length, name);
});

test('a damaged chunk is the same error', async () => {
  const file = await open(bytes);
  const { chunks } = await file.layout();
  for (const chunk of [chunks[0], chunks.at(-1)]) {
    const damaged = bytes.slice();
    damaged[chunk.start] ^= 1;
    const broken = await open(damaged);
    const expected = await fails(() => broken.read({ workers: 0 }), 'checksum-mismatch');
    const { message, column, section, offset } = expected;
    await fails(() => broken.read({ workers: 2 }), 'checksum-mismatch', { message, column, section, offset });
    // The workers are none the worse for it.
    assert.equal((await file.read({ workers: 2 })).numRows, ROWS);
  }
});

test('limits hold in workers', async () => {
  const file = await open(bytes, { limits: { maxColumnBytes: 100 } });
  await fails(() => file.read({ workers: 2 }), 'limit-exceeded');
});

test('a read can be aborted, and the next one succeeds', async () => {
  const file = await open(large);
  const expected = (await file.read({ workers: 0 })).columns.map(contents);
  await file.read({ workers: 2 });
  for (const delay of [0, 1, 5]) {
    const stop = new AbortController();
    const read = file.read({ workers: 2, signal: stop.signal }).then(() => 'read', ({ message }) => message);
    await new Promise((resolve) => setTimeout(resolve, delay));
    stop.abort(new Error('enough'));
    assert.ok(['enough', ...(delay > 0 ? ['read'] : [])].includes(await read));
    assert.deepEqual((await file.read({ workers: 2 })).columns.map(contents), expected);
  }
});

test('a file that is closed meanwhile', async () => {
  const file = await open(large);
  const read = file.read({ workers: 2 });
  await file.close();
  await fails(() => read, 'closed');
  await fails(() => file.read({ workers: 2 }), 'closed');
});

test('what is no number of workers is refused', async () => {
  const file = await open(bytes);
  for (const workers of [-1, 1.5, 65, NaN, '2', null, true]) await fails(() => file.read({ workers }), 'invalid-argument');
});

if (!isBrowser) {
  test('a process does not live on for its workers', async () => {
    const output = await printed(`
      import { open } from 'ncf-wasm';
      const file = await open(new URL('./large.ncf', import.meta.url));
      console.log((await file.read({ workers: 2 })).numRows);
    `, { 'large.ncf': large });
    assert.equal(output, '300000\n');
  });
}
