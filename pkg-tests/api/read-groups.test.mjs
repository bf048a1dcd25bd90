/** Files of version 2: row groups, ranges, limits, batches, statistics. */

import { assert, ncf, test } from '#harness';

import { contents, counting, everyType, fails, rowsOf, total } from './util.mjs';

const { open, openSync, write } = ncf;

const ROWS = 1000;
const GROUP = 128;
const columns = everyType(ROWS, 1);
const rows = rowsOf(columns);
const names = columns.map(({ name }) => name);
const bytes = await write(columns, { rowGroupRows: GROUP });

/** First row and row behind the last; most rows. */
const RANGES = [
  [0, Infinity, Infinity], [0, 1000, Infinity], [0, 128, Infinity], [128, 256, Infinity], [127, 129, Infinity], [5, 6, Infinity], [300, 900, Infinity],
  [999, 1000, Infinity], [990, 5000, Infinity], [1000, 1000, Infinity], [1200, 1300, Infinity], [50, 50, Infinity], [0, Infinity, 0], [0, Infinity, 1],
  [0, Infinity, 300], [100, 200, 50], [100, 120, 50], [900, Infinity, 500], [0, Infinity, 5000],
];
const slice = (/** @type {any[]} */ all, [start, end, limit]) => all.slice(start, end).slice(0, limit);

test('what was written is read, of every type, with nulls', async () => {
  const file = await open(bytes);
  assert.equal(file.dialect, 'ncf-2');
  assert.equal(file.numRows, ROWS);
  const table = await file.read();
  assert.deepEqual(table.columns.map(({ name, type }) => [name, type]), columns.map(({ name, type }) => [name, type]));
  for (const [index, { name, data }] of columns.entries()) {
    const column = table.columns[index];
    assert.deepEqual(column.toArray(), data, name);
    assert.equal(column.nullCount, data.filter((value) => value === null).length, name);
  }
  assert.deepEqual(table.toArray(), rows);
  const [timestamp, decimal] = [table.column('timestamp'), table.column('decimal')];
  assert.deepEqual([timestamp.unit, timestamp.utc, decimal.precision, decimal.scale], ['us', false, 20, 2]);
  const [id, stated] = [file.schema.columns[0], file.schema.columns.at(-1)];
  assert.deepEqual([id.precision, stated.precision, stated.scale], [undefined, 20, 2]);
  assert.deepEqual(openSync(bytes).readSync().columns.map(contents), table.columns.map(contents));
  assert.deepEqual((await (await open(new Blob([bytes]))).read()).columns.map(contents), table.columns.map(contents));
});

test('text of all row groups is put together, whether it is of one length or not', async () => {
  const code = (/** @type {number} */ row) => `C${row * 7 % 10}`;
  const codes = (/** @type {number} */ count) => Array.from({ length: count }, (_, row) => code(row));
  const cases = {
    equal: codes(1000),
    'longer at the end': [...codes(990), ...Array(10).fill('much longer')],
    'longer in the middle': codes(1000).map((value, row) => (row > 300 && row < 310 ? 'much longer' : value)),
    'shorter at the end': codes(1000).map((value, row) => (row > 800 ? '' : value)),
    'shorter, then longer': codes(1000).map((value, row) => (row < 300 ? value : row < 600 ? '' : `${value}${value}${value}`)),
    empty: Array(1000).fill(''),
    'one length by chance': codes(1000).map((value, row) => (row < 200 ? ['', 'four'][row % 2] : value)),
    nulls: codes(1000).map((value, row) => (row % 5 === 0 ? null : value)),
    unequal: Array.from({ length: 1000 }, (_, row) => `no. ${row}`),
  };
  const all = Object.entries(cases).map(([name, data]) => ({ name, type: 'string', data }));
  for (const rowGroupRows of [10, 100, 600, 1000]) {
    const file = await open(await write(all, { rowGroupRows }));
    for (const range of [{}, { rowStart: 3, rowEnd: 997 }, { rowStart: 0, rowEnd: 450 }]) {
      const table = await file.read(range);
      const [start, end] = [range.rowStart ?? 0, range.rowEnd ?? 1000];
      for (const { name, data } of all) assert.deepEqual(table.column(name).toArray(), data.slice(start, end), `${name}, ${rowGroupRows}`);
    }
  }
});

test('ranges and limits are slices of all rows', async () => {
  const file = await open(bytes);
  for (const range of RANGES) {
    const [rowStart, rowEnd, limit] = range;
    const options = { rowStart, rowEnd, limit };
    const table = await file.read(options);
    const expected = slice(rows, range);
    assert.deepEqual(table.toArray(), expected, String(range));
    assert.deepEqual([table.rowStart, table.numRows], [rowStart, expected.length]);
    for (const [index, column] of table.columns.entries()) {
      assert.equal(column.length, expected.length);
      assert.equal(column.nullCount, expected.filter((row) => row[names[index]] === null).length);
    }
    assert.deepEqual(file.readSync(options).columns.map(contents), table.columns.map(contents));
    assert.equal((await file.read({ ...options, columns: [] })).numRows, expected.length);
  }
  for (const limit of [-1, 1.5, NaN, '1']) await fails(() => file.read({ limit }), 'invalid-argument');
});

test('row groups are told, and only those that are needed are read', async () => {
  const file = await open(bytes);
  assert.deepEqual(file.rowGroups, Array.from({ length: 8 }, (_, group) => ({ start: group * GROUP, end: Math.min(ROWS, (group + 1) * GROUP) })));
  const { chunks } = await file.layout();
  assert.equal(chunks.length, 8 * columns.length);
  const source = counting(bytes);
  const remote = await open(source, { tailBytes: 100, coalesceBytes: 0 });
  await remote.zoneMaps('string');
  source.reads.length = 0;
  await remote.read({ columns: ['string'], rowStart: 200, limit: 100 });
  const wanted = chunks.filter(({ column, rowGroup }) => column === 'string' && (rowGroup === 1 || rowGroup === 2));
  assert.deepEqual(source.reads, wanted.map(({ start, end }) => ({ start, end })));
});

test('columns in the order asked for, twice if asked twice', async () => {
  const file = await open(bytes);
  for (const wanted of [[...names].reverse(), ['string'], [], ['date', 'id', 'date']]) {
    const table = await file.read({ columns: wanted, rowStart: 100, rowEnd: 300 });
    assert.deepEqual(table.columns.map(({ name }) => name), wanted);
    assert.deepEqual(file.readSync({ columns: wanted, rowStart: 100, rowEnd: 300 }).columns.map(contents), table.columns.map(contents));
    const buffers = table.columns.map(({ values }) => values.buffer);
    assert.equal(new Set(buffers).size, buffers.length);
    const [batch] = await collect(file.batches({ columns: wanted }));
    assert.deepEqual(batch.columns.map(({ name }) => name), wanted);
  }
});

/** Everything that an asynchronous iterable gives. @param {AsyncIterable<any>} iterable */
async function collect(iterable) {
  const all = [];
  for await (const item of iterable) all.push(item);
  return all;
}

/** What a stream gives. @param {ReadableStream<any>} stream */
async function drain(stream) {
  const all = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) all.push(next.value);
  return all;
}

test('batches are row groups, or so many rows', async () => {
  for (const source of [bytes, new Blob([bytes]), counting(bytes)]) {
    const file = await open(source, { tailBytes: 100 });
    const groups = await collect(file.batches());
    assert.deepEqual(groups.map(({ rowStart, numRows }) => ({ start: rowStart, end: rowStart + numRows })), file.rowGroups);
    for (const batchSize of [undefined, 1, 7, 100, GROUP, 200, ROWS, 5000]) {
      for (const range of batchSize === 1 ? RANGES.slice(0, 1) : RANGES) {
        const [rowStart, rowEnd, limit] = range;
        const batches = await collect(file.batches({ rowStart, rowEnd, limit, batchSize }));
        const expected = slice(rows, range);
        const where = `${batchSize} rows, ${range}`;
        assert.deepEqual(batches.flatMap((table) => table.toArray()), expected, where);
        assert.ok(batches.every(({ numRows }) => numRows > 0), where);
        if (batchSize) assert.deepEqual(batches.map(({ numRows }) => numRows), Array.from({ length: Math.ceil(expected.length / batchSize) }, (_, index) => Math.min(batchSize, expected.length - index * batchSize)), where);
        let next = rowStart;
        for (const table of batches) {
          assert.equal(table.rowStart, next, where);
          next += table.numRows;
        }
      }
    }
    assert.equal((await collect(file.batches({ columns: [], batchSize: 300 }))).map(({ numRows }) => numRows).join(), '300,300,300,100');
  }
  const file = await open(bytes);
  for (const batchSize of [0, -1, 1.5, NaN, Infinity, '5']) await fails(() => file.batches({ batchSize }).next(), 'invalid-argument');
  await fails(() => file.batches({ columns: ['nope'] }).next(), 'unknown-column');
});

test('rows and streams are made of batches', async () => {
  const file = await open(bytes);
  assert.deepEqual(await collect(file.rows({ rowStart: 100, limit: 500 })), rows.slice(100, 600));
  assert.deepEqual((await drain(file.readable({ batchSize: 300 }))).flatMap((table) => table.toArray()), rows);
  const broken = file.readable({ columns: ['nope'] }).getReader();
  await fails(() => broken.read(), 'unknown-column');
});

test('legacy files have one row group, and batches and limits all the same', async () => {
  const numbers = Array.from({ length: 100 }, (_, row) => row);
  const file = await open(await write({ n: Int32Array.from(numbers) }, { dialect: 'python-1.0' }));
  assert.deepEqual(file.rowGroups, [{ start: 0, end: 100 }]);
  assert.deepEqual(await file.zoneMaps('n'), []);
  assert.deepEqual((await collect(file.batches({ batchSize: 30, rowStart: 5 }))).map((table) => table.column('n').toArray()), [numbers.slice(5, 35), numbers.slice(35, 65), numbers.slice(65, 95), numbers.slice(95)]);
  assert.deepEqual((await collect(file.batches())).map(({ numRows }) => numRows), [100]);
  assert.deepEqual((await file.read({ limit: 3, rowStart: 90 })).column('n').toArray(), [90, 91, 92]);
});

test('files without rows or columns', async () => {
  const empty = await open(await write([{ name: 's', type: 'string', data: [] }, { name: 'd', type: 'decimal', precision: 5, scale: 1, data: [] }]));
  assert.deepEqual([empty.numRows, empty.rowGroups.length], [0, 0]);
  assert.deepEqual((await empty.read()).columns.map(({ type, length, scale }) => [type, length, scale]), [['string', 0, undefined], ['decimal', 0, 1]]);
  assert.deepEqual([await collect(empty.batches()), await collect(empty.batches({ batchSize: 5 })), await collect(empty.rows()), await empty.zoneMaps('s')], [[], [], [], []]);
  assert.equal((await empty.read({ filter: { s: 'x' } })).numRows, 0);
  assert.ok((await empty.verify()).ok);
  const nothing = await open(await write({}));
  assert.deepEqual([(await nothing.read()).columns, await collect(nothing.batches())], [[], []]);
});

test('a consumer that takes its time is not fed in advance', async () => {
  const source = counting(bytes);
  const file = await open(source, { tailBytes: 100, coalesceBytes: 0 });
  await file.read({ columns: names, limit: 0 });
  source.reads.length = 0;
  const reader = file.readable().getReader();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(source.reads.length, 0, 'nothing is read before it is asked for');
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 20));
  // The first row group, and the next two ahead.
  assert.ok(source.reads.length <= 3 * columns.length, `${source.reads.length} reads`);
  await reader.cancel();
  const before = source.reads.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(source.reads.length, before);
});

/** A source that answers when told so, and tells of aborted reads. */
function slow(/** @type {Uint8Array} */ all) {
  const source = { byteLength: all.byteLength, waiting: 0, /** @type {(() => void)[]} */ gates: [], isOpen: true, slice: async (start, end) => {
    if (!source.isOpen) await new Promise((resolve) => source.gates.push(() => resolve(undefined)));
    return all.slice(start, end);
  } };
  return source;
}

test('abort, cancel and close end batches, and hurt nobody else', async () => {
  const reason = new Error('enough');
  const endings = {
    abort: async (file, controller) => controller.abort(reason),
    close: (file) => file.close(),
  };
  for (const [name, end] of Object.entries(endings)) {
    for (const source of [bytes, new Blob([bytes])]) {
      const file = await open(source, { tailBytes: 100 });
      const controller = new AbortController();
      const batches = file.batches({ batchSize: 50, signal: controller.signal });
      assert.equal((await batches.next()).value.numRows, 50);
      await end(file, controller);
      const error = await batches.next().then(() => undefined, (thrown) => thrown);
      if (name === 'abort') assert.equal(error, reason);
      else assert.equal(error?.code, 'closed');
      assert.ok((await batches.next()).done);
      if (name === 'abort') assert.equal((await file.read({ columns: ['id'] })).numRows, ROWS);
    }
  }
  const file = await open(bytes);
  for await (const table of file.batches({ batchSize: 10 })) if (table.rowStart >= 150) break;
  const aborted = AbortSignal.abort(reason);
  for (const call of [() => file.batches({ signal: aborted }).next(), () => file.read({ signal: aborted }), () => file.rows({ signal: aborted }).next(), () => file.readable({ signal: aborted }).getReader().read()]) {
    assert.equal(await call().then(() => undefined, (error) => error), reason);
  }
});

test('cancelling a stream while it waits for bytes ends it at once', async () => {
  const source = slow(bytes);
  const file = await open(source, { tailBytes: 100 });
  await file.read({ limit: 0 });
  source.isOpen = false;
  const reader = file.readable().getReader();
  const pending = reader.read();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(source.gates.length > 0, 'it waits');
  const cancelled = reader.cancel('enough');
  assert.deepEqual(await pending, { done: true, value: undefined });
  source.isOpen = true;
  for (const gate of source.gates) gate();
  await cancelled;
  assert.deepEqual((await file.read()).toArray(), rows);
});

test('closing while a batch is under way', async () => {
  const source = slow(bytes);
  const file = await open(source, { tailBytes: 100 });
  await file.read({ limit: 0 });
  source.isOpen = false;
  const pending = file.batches().next().then(() => undefined, (error) => error);
  await new Promise((resolve) => setTimeout(resolve, 10));
  await file.close();
  source.isOpen = true;
  for (const gate of source.gates) gate();
  assert.equal((await pending)?.code, 'closed');
});

test('a failure between batches is told, and the file can be read again', async () => {
  let isDown = false;
  const source = { byteLength: bytes.length, slice: (start, end) => (isDown ? Promise.reject(new Error('down')) : bytes.slice(start, end)) };
  const file = await open(source, { tailBytes: 100 });
  const batches = file.batches();
  await batches.next();
  isDown = true;
  await fails(async () => { for await (const table of batches) assert.ok(table.numRows > 0); }, 'source');
  isDown = false;
  assert.equal((await collect(file.batches())).length, 8);
});

test('progress of batches counts row groups', async () => {
  const file = await open(counting(bytes), { tailBytes: 100 });
  const seen = [];
  await collect(file.batches({ columns: ['id', 'string'], onProgress: (progress) => seen.push(progress) }));
  assert.deepEqual(seen.filter(({ phase }) => phase === 'decode').map(({ loaded, total: all }) => [loaded, all]), Array.from({ length: 8 }, (_, index) => [index + 1, 8]));
  assert.ok(seen.some(({ phase }) => phase === 'fetch'));
});

const isNumber = (value) => value !== null && !Number.isNaN(value);
/** -0 is below 0. */
const less = (a, b) => a < b || (Object.is(a, -0) && Object.is(b, 0));
const least = (values) => values.reduce((a, b) => (less(b, a) ? b : a));
const most = (values) => values.reduce((a, b) => (less(a, b) ? b : a));

test('statistics of columns and row groups are those of the values', async () => {
  const file = await open(bytes);
  const zones = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await file.zoneMaps(name)])));
  for (const { name, type, data } of columns) {
    const parts = [[file.statistics.get(name), data], ...zones[name].map((stated, group) => [stated, data.slice(group * GROUP, (group + 1) * GROUP)])];
    assert.equal(parts.length, 9);
    for (const [stated, values] of parts) {
      assert.deepEqual([stated.totalCount, stated.nullCount], [values.length, values.filter((value) => value === null).length], name);
      const key = (value) => (value instanceof Uint8Array ? value.join() : Object.is(value, -0) ? '-0' : value);
      const distinct = new Set(values.filter((value) => value !== null).map(key));
      if (stated.distinctIsExact) assert.equal(stated.distinctCount, distinct.size, name);
      if (type.startsWith('float')) assert.equal(stated.nanCount, values.filter(Number.isNaN).length, name);
      if (type === 'string') assert.equal(stated.valueBytes, new TextEncoder().encode(values.filter((value) => value !== null).join('')).length);
      if (/int|float|boolean|date/.test(type)) {
        const numbers = values.filter(isNumber);
        assert.deepEqual([stated.min, stated.max, stated.minIsExact, stated.maxIsExact], [least(numbers), most(numbers), true, true], name);
      }
    }
  }
  assert.deepEqual(zones.id.map(({ order }) => order), zones.id.map(() => 'ascending'));
  assert.equal(file.statistics.get('id').order, 'ascending');
  assert.equal(file.statistics, file.statistics, 'made once');
  const bytesOf = (text) => Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
  const { string } = Object.fromEntries(columns.map(({ name, data }) => [name, data]));
  const { min, max } = file.statistics.get('string');
  assert.ok(string.every((value) => value === null || (bytesOf(value) >= bytesOf(min) && bytesOf(value) <= bytesOf(max))));
  await fails(() => file.zoneMaps('nope'), 'unknown-column');
});

test('statistics can be looked at as long as the file is open', async () => {
  const file = await open(new Blob([bytes]));
  const other = await open(new Blob([bytes]));
  const { size } = file.statistics;
  await file.close();
  await other.close();
  assert.equal(file.statistics.size, size);
  await fails(() => other.statistics, 'closed');
});

test('layout: every byte belongs to one section, every chunk to the data', async () => {
  const layout = await (await open(bytes)).layout();
  let end = 0;
  for (const section of layout.sections) {
    assert.equal(section.start, end, section.name);
    end = section.end;
  }
  assert.equal(end, bytes.length);
  const data = layout.sections.find(({ name }) => name === 'data');
  let next = data.start;
  for (const chunk of layout.chunks) {
    assert.equal(chunk.start, next);
    assert.equal(chunk.compression, 'encoded');
    next = chunk.end;
  }
  assert.equal(next, data.end);
  assert.deepEqual(new Set(layout.chunks.map(({ column, rowGroup }) => `${column} ${rowGroup}`)).size, layout.chunks.length);
  assert.ok(total(layout.chunks) === data.end - data.start);
});
