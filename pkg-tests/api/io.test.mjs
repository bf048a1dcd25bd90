/** What opening and reading cost: reads, requests, bytes. */

import { assert, fixture, fixtures, ncf, serverUrl, test } from '#harness';

import { contents, counting, fails, total } from './util.mjs';

const { open } = ncf;

let sessions = 0;

/** A URL of the server, and what it was asked for so far. */
async function served(behaviour, name) {
  const session = `io-${sessions++}-${Math.random().toString(36).slice(2)}`;
  const base = await serverUrl();
  return {
    url: `${base}/http/${behaviour}/${session}/${name}.ncf`,
    log: async () => (await fetch(`${base}/log/${session}`)).json(),
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
      // The places of the sections show only after the first bytes.
      assert.ok(early <= Math.max(0, 128 - data.start), `${early} bytes of data to open`);

      await file.read({ columns: [wanted.column] });
      const reads = source.reads.slice(opened);
      assert.ok(reads.some((read) => read.start === wanted.start && read.end === wanted.end) || wanted.start === wanted.end, 'the column in one read');
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
    assert.ok(source.reads.length <= 5 && total(source.reads) <= (64 + 16) * 1024, `${name}: ${source.reads.length} reads, ${total(source.reads)} bytes`);
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
  const one = await (await open(separate, { coalesceBytes: 0 })).read();
  const other = await (await open(together, { coalesceBytes: 1 << 20 })).read();
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
    assert.equal(all[0].headers.range, 'bytes=-65536');
    for (const { method, headers } of all) assert.equal(method, 'GET');
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
    await fails(() => open(source), 'source');
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
