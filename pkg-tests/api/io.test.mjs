/** What opening and reading cost: reads, requests, bytes. */

import { assert, fixture, fixtures, ncf, serverUrl, test } from '#harness';

import { contents, counting, fails, TAIL_BYTES, total } from './util.mjs';

const { open } = ncf;

let sessions = 0;

/** A URL of the server, and what it was asked for so far. */
async function served(behaviour, name) {
  const session = `io-${sessions++}-${Math.random().toString(36).slice(2)}`;
  const base = await serverUrl();
  return {
    url: `${base}/http/${behaviour}/${session}/${name}.ncf`,
    log: async () => (await fetch(`${base}/log/${session}`)).json(),
    put: (body) => fetch(`${base}/put/${session}`, { method: 'PUT', body }),
  };
}

const overlap = (a, b) => Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start));
const READABLE = fixtures.filter((name) => /^v(10|20)_/.test(name));

for (const name of READABLE) {
  test(`${name}: reading one column fetches no other's bytes`, async () => {
    const { bytes } = await fixture(name);
    const layout = await (await open(bytes)).layout();
    for (const wanted of layout.chunks.slice(0, 12)) {
      const source = counting(bytes);
      const file = await open(source, { tailBytes: 0, readAheadBytes: 0, coalesceBytes: 0 });
      const opened = source.reads.length;
      assert.ok(opened <= 8, `${opened} reads to open`);
      const data = layout.sections.find((section) => section.name === 'data');
      const early = source.reads.reduce((sum, read) => sum + overlap(read, data), 0);
      // The places of the sections show only after the first bytes, and what comes last is not that of version 2.
      assert.ok(early <= Math.max(0, 128 - data.start) + 52, `${early} bytes of data to open`);

      const table = await file.read({ columns: [wanted.column] });
      const reads = source.reads.slice(opened);
      // A small column may have come with the header in front of it.
      assert.ok(source.reads.some((read) => read.start <= wanted.start && read.end >= wanted.end) || table.numRows === 0, 'the column in one read');
      // A header's length shows only in its bytes; it is looked for in a window of 64 bytes, then of 256, and so on.
      const others = layout.chunks.filter((chunk) => chunk.start !== wanted.start);
      const longest = Math.max(...layout.chunks.map(({ column }) => new TextEncoder().encode(column).length)) + 10;
      const window = [64, 256, 1024, 4096].find((size) => size >= longest);
      for (const read of reads) {
        const foreign = others.reduce((sum, other) => sum + overlap(read, other), 0);
        assert.ok(foreign === 0 || read.end - read.start <= window, `${read.start} to ${read.end} for ${wanted.column}`);
      }
    }
  });
}

test('opening a file of 200 KB reads a little, and reading its columns each byte once', async () => {
  for (const name of ['v10_seed_10k', 'v20_seed_10k']) {
    const { bytes } = await fixture(name);
    const source = counting(bytes);
    const file = await open(source);
    assert.ok(source.reads.length <= 5 && total(source.reads) <= TAIL_BYTES + 16 * 1024, `${name}: ${source.reads.length} reads, ${total(source.reads)} bytes`);
    source.reads.length = 0;
    await file.read();
    const columns = file.schema.columns.length;
    assert.ok(source.reads.length <= 2 * columns, `${name}: ${source.reads.length} reads`);
    assert.ok(total(source.reads) <= bytes.length + columns * 4096, `${name}: ${total(source.reads)} bytes`);
    source.reads.length = 0;
    await file.read();
    assert.ok(source.reads.length <= columns, `${name} again: ${source.reads.length} reads`);
  }
});

test('neighbouring columns come in one read', async () => {
  const { bytes } = await fixture('v10_wide200');
  const separate = counting(bytes);
  const together = counting(bytes);
  const one = await (await open(separate, { tailBytes: 0, readAheadBytes: 0, coalesceBytes: 0 })).read();
  const other = await (await open(together, { tailBytes: 0, coalesceBytes: 1 << 20 })).read();
  assert.deepEqual(other.columns.map(contents), one.columns.map(contents));
  assert.ok(separate.reads.length >= 200 && together.reads.length < 40, `${separate.reads.length} and ${together.reads.length} reads`);
});

test('a URL: one request opens, ranges on all, never HEAD', async () => {
  for (const name of ['v10_seed_10k', 'v20_seed_10k']) {
    const { bytes } = await fixture(name);
    const { url, log } = await served('refuses-head', name);
    const file = await open(url);
    const opened = (await log()).length;
    assert.ok(opened <= 3, `${name}: ${opened} requests to open`);
    const table = await file.read({ columns: ['id'] });
    assert.deepEqual(table.columns.map(contents), (await (await open(bytes)).read({ columns: ['id'] })).columns.map(contents));
    const all = await log();
    assert.ok(all.length <= opened + 3, `${name}: ${all.length} requests`);
    assert.equal(all[0].headers.range, `bytes=-${TAIL_BYTES}`);
    for (const { method } of all) assert.equal(method, 'GET');
    for (const { headers } of all.slice(1)) assert.ok(/^bytes=\d+-\d+$/.test(headers.range), headers.range);
  }
});

test('a small file behind a URL is one request', async () => {
  const { url, log } = await served('good', 'v10_metadata_rich');
  const file = await open(url);
  await file.read();
  await file.verify();
  await file.layout();
  assert.equal((await log()).length, 1);
  assert.ok(file.isVerified, 'all of it is in memory');
});

test('read-ahead saves requests', async () => {
  const costs = [];
  for (const readAheadBytes of [0, 32 * 1024]) {
    const { url, log } = await served('good', 'v10_wide200');
    const file = await open(url, { readAheadBytes, tailBytes: 1024 });
    await file.layout();
    costs.push((await log()).length);
  }
  assert.ok(costs[1] <= 5 && costs[0] >= 100, `${costs} requests`);
});

test('tailBytes is the size of the first read', async () => {
  const { url, log } = await served('good', 'v10_zstd3');
  const file = await open(url, { tailBytes: 100 });
  assert.equal((await file.read()).numRows, 500);
  assert.equal((await log())[0].headers.range, 'bytes=-100');
  const source = counting((await fixture('v10_zstd3')).bytes);
  await open(source, { tailBytes: 100 });
  assert.deepEqual(source.reads[0], { start: source.byteLength - 100, end: source.byteLength });
});

test('a Blob or file that is no larger than the first read needs no other', async () => {
  const { bytes } = await fixture('v10_zstd3');
  const source = counting(bytes);
  const file = await open(source);
  await file.read();
  await file.verify();
  await file.layout();
  assert.deepEqual(source.reads, [{ start: 0, end: bytes.length }]);
});

test('a source whose slices have the wrong size is refused', async () => {
  const { bytes } = await fixture('v10_zstd3');
  for (const change of [-1, 1]) {
    const source = { byteLength: bytes.length, slice: (start, end) => bytes.slice(Math.max(0, start), end + change) };
    await fails(() => open(source, { tailBytes: 100 }), 'source');
  }
  await fails(() => open({ byteLength: bytes.length, slice: () => Promise.reject(new Error('no')) }), 'source');
  await fails(() => open({ byteLength: bytes.length, slice: () => { throw new Error('no'); } }), 'source');
  await fails(() => open({ byteLength: bytes.length, slice: () => undefined }), 'source');
  for (const byteLength of [-1, 1.5, NaN]) await fails(() => open({ byteLength, slice: () => bytes }), 'invalid-argument');
  await fails(() => open({ byteLength: 2 ** 52, slice: (start, end) => new Uint8Array(end - start) }), ['not-ncf', 'truncated', 'corrupt']);
});

test('what is no source is refused', async () => {
  for (const input of [null, undefined, 5, {}, [], true, { slice: () => new ArrayBuffer(0) }]) await fails(() => open(input), 'invalid-argument');
  await fails(() => open(new Response('', { status: 404 })), 'source', { status: 404 });
  await fails(() => open(new Uint8Array()), ['not-ncf', 'truncated']);
  await fails(() => open(new Blob([])), ['not-ncf', 'truncated']);
});

/** 2,000 columns in 100 row groups. */
async function wideTable() {
  const columns = Array.from({ length: 2000 }, (_, column) => ({ name: `column ${column}`, data: Int32Array.from({ length: 300 }, (_row, row) => (row * 7919 + column * 104729) % 1_000_003) }));
  return ncf.write(columns, { rowGroupRows: 3 });
}

test('2,000 columns x 100 row groups: two requests open it, one more fetches a chunk', async () => {
  const bytes = await wideTable();
  const { url, log, put } = await served('good', 'wide');
  await put(bytes);
  const file = await open(url);
  assert.deepEqual([file.schema.columns.length, file.rowGroups.length], [2000, 100]);
  const layout = await (await open(bytes)).layout();
  const data = layout.sections.find(({ name }) => name === 'data');
  // The second request is not waited for, so that it may still be on its way to the server.
  let opened = (await log()).length;
  for (let tries = 0; opened < 2 && tries < 200; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    opened = (await log()).length;
  }
  assert.ok(opened <= 2, `${opened} requests to open`);

  const table = await file.read({ columns: ['column 1234'], rowStart: 150, rowEnd: 153 });
  assert.deepEqual(table.columns[0].toArray(), [150, 151, 152].map((row) => (row * 7919 + 1234 * 104729) % 1_000_003));
  const after = (await log()).slice(opened);
  assert.equal(after.length, 1, 'one request for one chunk');

  const source = counting(bytes);
  const counted = await open(source);
  assert.ok(source.reads.length <= 2, `${source.reads.length} reads to open`);
  assert.ok(total(source.reads) <= bytes.length - data.end + TAIL_BYTES, `${total(source.reads)} bytes to open`);
  source.reads.length = 0;
  await counted.read({ columns: ['column 1234'], rowStart: 150, rowEnd: 153 });
  const chunk = layout.chunks.find(({ column, rowGroup }) => column === 'column 1234' && rowGroup === 50);
  assert.ok(source.reads.length === 1 && total(source.reads) <= chunk.end - chunk.start + 4096, `${source.reads.length} reads, ${total(source.reads)} bytes`);
  console.log(`wide table of ${bytes.length} bytes: ${opened} requests to open, ${after.length} for a chunk of ${chunk.end - chunk.start} bytes, ${total(source.reads)} bytes of it`);
});

test('version 2: where chunks lie is read ahead; what fails of it is read again when it is needed', async () => {
  const bytes = await wideTable();
  const source = counting(bytes);
  let failures = 0;
  const file = await open({
    byteLength: bytes.length,
    slice: (start, end) => {
      if (source.reads.length === 1 && failures++ === 0) return Promise.reject(new Error('not now'));
      return source.slice(start, end);
    },
  });
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([source.reads.length, failures], [1, 1], 'the end of the file, and a failure that nobody waited for');
  assert.equal((await file.read({ columns: ['column 7'], rowEnd: 1 })).numRows, 1);
});

test('version 2: what is read ahead ends with the file, and waiting for it with the call', async () => {
  const { url, put } = await served('good', 'ahead');
  await put(await wideTable());
  const signals = [];
  const stuck = (input, init) => {
    signals.push(init.signal);
    // The first request is answered, the others are under way for ever.
    return signals.length === 1 ? fetch(input, init) : new Promise((_, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal.reason));
    });
  };
  const file = await open(url, { fetch: { fetch: stuck } });
  assert.equal(signals.length, 2, 'opening did not wait for the second request');
  const stop = new AbortController();
  const read = file.read({ columns: ['column 7'], signal: stop.signal }).then(() => 'read', ({ message }) => message);
  await new Promise((resolve) => setTimeout(resolve));
  stop.abort(new Error('enough'));
  assert.equal(await read, 'enough');
  assert.equal(signals[1].aborted, false, 'others may wait for it');
  await file.close();
  assert.equal(signals[1].aborted, true);
});

test('200,000 chunks are read in few requests', async () => {
  const bytes = await wideTable();
  const source = counting(bytes);
  const file = await open(source);
  source.reads.length = 0;
  const table = await file.read();
  assert.deepEqual([table.columns.length, table.numRows], [2000, 300]);
  assert.ok(source.reads.length <= 4, `${source.reads.length} reads`);
  assert.equal(table.columns[1999].get(299), (299 * 7919 + 1999 * 104729) % 1_000_003);
});

test('version 2: a small file behind a URL is one request, and so is a Blob', async () => {
  const bytes = await ncf.write({ id: Int32Array.from({ length: 1000 }, (_, row) => row), name: Array.from({ length: 1000 }, (_, row) => `name ${row % 10}`) }, { rowGroupRows: 100 });
  assert.ok(bytes.length < TAIL_BYTES);
  const { url, log, put } = await served('good', 'small');
  await put(bytes);
  const source = counting(bytes);
  for (const input of [url, source]) {
    const file = await open(input);
    await file.read({ filter: { name: 'name 3' } });
    for await (const table of file.batches({ batchSize: 64 })) assert.ok(table.numRows > 0);
    await file.zoneMaps('id');
    await file.verify();
    await file.layout();
  }
  assert.deepEqual((await log()).map(({ method, headers }) => [method, headers.range]), [['GET', `bytes=-${TAIL_BYTES}`]]);
  assert.deepEqual(source.reads, [{ start: 0, end: bytes.length }]);
});

test('version 2: a footer that is larger than the first request costs one more, and no byte twice', async () => {
  const bytes = await ncf.write(Object.fromEntries(Array.from({ length: 300 }, (_, column) => [`column ${column}`, [column]])));
  for (const tailBytes of [100, 2000]) {
    const { url, log, put } = await served('good', 'footer');
    await put(bytes);
    await open(url, { tailBytes });
    const ranges = (await log()).map(({ headers }) => headers.range);
    assert.equal(ranges.length, 2, ranges.join());
    assert.ok(ranges[1].endsWith(`-${bytes.length - tailBytes - 1}`), ranges.join());
  }
});

test('version 2: row groups are fetched together where they are small, in batches a few at a time', async () => {
  const bytes = await ncf.write({ noise: Float64Array.from({ length: 100_000 }, (_, row) => Math.sin(row * row) * 1e9) }, { rowGroupRows: 1000 });
  const source = counting(bytes);
  const file = await open(source);
  source.reads.length = 0;
  await file.read();
  assert.ok(source.reads.length <= 2, `${source.reads.length} reads of all`);
  assert.ok(total(source.reads) <= bytes.length);
  source.reads.length = 0;
  const batches = file.batches();
  await batches.next();
  await batches.return();
  assert.ok(total(source.reads) < bytes.length / 10, `${total(source.reads)} of ${bytes.length} bytes for the first batch`);
  source.reads.length = 0;
  let rows = 0;
  for await (const { numRows } of file.batches()) rows += numRows;
  assert.equal(rows, 100_000);
  assert.ok(source.reads.length <= 10, `${source.reads.length} reads of all batches`);
});
