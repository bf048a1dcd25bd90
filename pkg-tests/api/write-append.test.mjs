/** Rows that are added to a file, and columns that are changed, without touching what stays. */

import { assert, fixture, isBrowser, ncf, test } from '#harness';

import { counting, fails, random, TAIL_BYTES, total } from './util.mjs';

const { append, evolve, write, open, NcfWriter } = ncf;

const ROWS = 1000;
const next = random(12);
const some = (/** @type {(row: number) => any} */ make) => Array.from({ length: ROWS }, (_, row) => (next() % 6 === 0 ? null : make(row)));
const TABLE = [
  { name: 'id', data: BigInt64Array.from({ length: ROWS }, (_, row) => BigInt(row)) },
  { name: 'text', type: 'string', data: some((row) => (row % 9 === 0 ? '' : `naïve ${row % 50}`)) },
  { name: 'when', type: 'timestamp', utc: true, data: some((row) => new Date(row * 1e9)) },
  { name: 'money', type: 'decimal', precision: 12, scale: 3, data: some((row) => `${row}.125`) },
  { name: 'flag', type: 'boolean', data: some((row) => row % 3 === 0) },
  { name: 'score', data: Float32Array.from({ length: ROWS }, (_, row) => (row % 10 === 0 ? NaN : row / 2)) },
];
const part = (/** @type {number} */ start, /** @type {number} */ end) => TABLE.map((column) => ({ ...column, data: column.data.slice(start, end) }));
const OPTIONS = { rowGroupRows: 100, tableName: 't', metadata: { a: [1] }, created: new Date('2024-01-01') };

/** Values, schema and soundness of two files. */
async function same(/** @type {Uint8Array} */ bytes, /** @type {Uint8Array} */ expected) {
  const [file, other] = [await open(bytes, { verify: true }), await open(expected)];
  const [table, wanted] = [await file.read(), await other.read()];
  assert.deepEqual(file.schema, other.schema);
  assert.deepEqual(file.numRows, other.numRows);
  for (const [index, column] of table.columns.entries()) assert.deepEqual(column.toArray(), wanted.columns[index].toArray(), column.name);
  return file;
}

test('rows that are appended read like rows that were written at once', async () => {
  const whole = await write(TABLE, OPTIONS);
  for (const cuts of [[0], [1], [500], [999], [1000], [100, 200, 1000], [1, 2, 3]]) {
    let bytes = await write(part(0, cuts[0]), OPTIONS);
    let start = cuts[0];
    for (const end of [...cuts.slice(1), ROWS]) {
      const { bytes: grown, byteLength, numRows, digest } = await append(bytes, part(start, end), { rowGroupRows: 100 });
      assert.deepEqual([byteLength, numRows], [grown.length, end]);
      const file = await open(grown, { integrity: digest });
      assert.equal(file.digest, digest);
      bytes = grown;
      start = end;
    }
    const file = await same(bytes, whole);
    assert.deepEqual([file.created, file.statistics.get('id').min, file.statistics.get('id').max, file.statistics.get('id').order], [OPTIONS.created, 0n, 999n, 'ascending']);
  }
});

test('bytes in front of the new row groups stay as they are; only new ones are fetched and written', async () => {
  const noise = Uint32Array.from({ length: 200_000 }, random(3));
  const bytes = await write({ a: noise, b: noise }, { rowGroupRows: 10_000 });
  const source = counting(bytes);
  /** @type {Uint8Array[]} */
  const parts = [];
  const writer = await NcfWriter.append(source, (/** @type {Uint8Array} */ chunk) => void parts.push(chunk), { output: 'tail', rowGroupRows: 100 });
  assert.ok(writer.start > bytes.length / 2 && writer.start < bytes.length, `${writer.start} of ${bytes.length}`);
  assert.ok(total(source.reads) - (bytes.length - writer.start) <= TAIL_BYTES, JSON.stringify(source.reads));
  await writer.write({ a: noise.subarray(0, 150), b: noise.subarray(0, 150) });
  await writer.write({ b: [7], a: [8] });
  const { byteLength, numRows } = await writer.finish();
  const tail = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of parts) {
    tail.set(chunk, at);
    at += chunk.length;
  }
  const grown = new Uint8Array([...bytes.subarray(0, writer.start), ...tail]);
  assert.deepEqual([byteLength, numRows], [grown.length, 200_151]);
  const read = await (await open(grown, { verify: true })).read();
  assert.deepEqual(read.column('a').toArray(), [...noise, ...noise.slice(0, 150), 8]);
});

test('appending nothing keeps the file', async () => {
  const bytes = await write(TABLE, OPTIONS);
  const { bytes: again, numRows } = await (await NcfWriter.append(bytes, 'bytes')).finish();
  assert.equal(numRows, ROWS);
  await same(again, bytes);
});

test('an open file, a Blob and a stream can be appended to', async () => {
  const bytes = await write(part(0, 500), OPTIONS);
  const whole = await write(TABLE, OPTIONS);
  const file = await open(bytes);
  for (const origin of [file, new Blob([bytes]), new Blob([bytes]).stream(), bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)]) {
    await same((await append(origin, part(500, ROWS), { rowGroupRows: 100 })).bytes, whole);
  }
  // It is still open.
  assert.equal((await file.read()).numRows, 500);
  await file.close();
  await fails(() => append(file, part(500, ROWS)), 'closed');
});

test('other columns, types, zones and scales are refused by name', async () => {
  const bytes = await write(TABLE, OPTIONS);
  const changed = (/** @type {string} */ name, /** @type {any} */ more) => part(0, 2).map((column) => (column.name === name ? { ...column, ...more } : column));
  const cases = [
    [part(0, 2).slice(1), 'invalid-argument', 'id'],
    [[...part(0, 2), { name: 'more', data: [1, 2] }], 'unknown-column', 'more'],
    [changed('id', { data: ['x', 'y'] }), 'type-mismatch', 'id'],
    [changed('id', { data: [1, 1.5] }), 'type-mismatch', 'id'],
    [changed('text', { data: [1, 2] }), 'type-mismatch', 'text'],
    [changed('when', { utc: undefined, data: ['2024-01-01', null] }), 'type-mismatch', 'when'],
    [changed('when', { data: { type: 'timestamp', utc: false, values: new BigInt64Array(2) } }), 'type-mismatch', 'when'],
    [changed('money', { data: ['1.2345', null] }), 'type-mismatch', 'money'],
    [changed('money', { data: { type: 'decimal', precision: 12, scale: 2, values: new BigUint64Array(4) } }), 'type-mismatch', 'money'],
    [changed('money', { data: ['1234567890.5', null] }), 'type-mismatch', 'money'],
    [changed('flag', { data: { type: 'int8', values: new Int8Array(2) } }), 'type-mismatch', 'flag'],
  ];
  for (const [batch, code, column] of cases) await fails(() => append(bytes, batch), code, { column });
  // In any order, and as whatever the type can hold.
  const { bytes: grown } = await append(bytes, changed('id', { data: [1000, 1001n] }).reverse());
  assert.deepEqual((await (await open(grown)).read({ columns: ['id'], rowStart: 998 })).column('id').toArray(), [998n, 999n, 1000n, 1001n]);
});

test('legacy files and broken ones cannot be appended to', async () => {
  for (const name of ['v10_numeric_all', 'v20_basic']) {
    const { bytes } = await fixture(name);
    const error = await fails(() => append(bytes, { a: [1] }), 'unsupported-feature');
    assert.ok(/convert/.test(error.message), error.message);
    await fails(() => evolve(bytes, [{ drop: 'a' }]), 'unsupported-feature');
  }
  const bytes = await write(TABLE, OPTIONS);
  await fails(() => append(bytes.slice(0, -1), part(0, 1)), ['corrupt', 'truncated', 'not-ncf']);
  const broken = bytes.slice();
  broken[broken.length - 60] ^= 1;
  await fails(() => append(broken, part(0, 1)), ['checksum-mismatch', 'corrupt']);
  await fails(() => append(new Uint8Array(100), part(0, 1)), 'not-ncf');
  await fails(() => append(bytes, part(0, 1), { level: 99 }), 'invalid-argument');
  if (isBrowser) await fails(() => NcfWriter.append(bytes, 'in-place'), 'invalid-argument');
  await fails(() => NcfWriter.append(bytes, 5), 'invalid-argument');
});

test('a damaged chunk stays what it is: other rows can be appended and read', async () => {
  const bytes = await write(TABLE, OPTIONS);
  const { chunks } = await (await open(bytes)).layout();
  const damaged = bytes.slice();
  damaged[chunks[0].start + 1] ^= 1;
  const { bytes: grown } = await append(damaged, part(0, 5));
  const file = await open(grown);
  await fails(() => file.read(), 'checksum-mismatch');
  assert.deepEqual((await file.verify()).problems.map(({ column, rowGroup }) => [column, rowGroup]), [[chunks[0].column, chunks[0].rowGroup]]);
  assert.equal((await file.read({ rowStart: ROWS })).numRows, 5);
});

test('columns are dropped, renamed and added; the others keep their bytes', async () => {
  const bytes = await write(TABLE, OPTIONS);
  const extra = Float64Array.from({ length: ROWS }, (_, row) => row / 7);
  const edits = [{ drop: 'text' }, { rename: 'money', to: 'price' }, { add: { name: 'text', data: extra, description: 'new', semanticType: 'numerical' } }, { rename: 'id', to: 'key' }, { add: { name: 'gone', data: extra } }, { drop: 'gone' }];
  const { bytes: changed, byteLength, numRows, digest } = await evolve(bytes, edits);
  const file = await open(changed, { verify: true, integrity: digest });
  assert.deepEqual([byteLength, numRows, file.digest], [changed.length, ROWS, digest]);
  assert.deepEqual(file.schema.columns.map(({ name, description }) => [name, description]), [['key', undefined], ['when', undefined], ['price', undefined], ['flag', undefined], ['score', undefined], ['text', 'new']]);
  assert.deepEqual([file.schema.tableName, file.schema.extra, file.created], ['t', { metadata: { a: [1] } }, OPTIONS.created]);
  const [before, after] = [await (await open(bytes)).read(), await file.read()];
  for (const [old, now] of [['id', 'key'], ['when', 'when'], ['money', 'price'], ['flag', 'flag'], ['score', 'score']]) assert.deepEqual(after.column(now).toArray(), before.column(old).toArray());
  assert.deepEqual(after.column('text', 'float64').values, extra);
  assert.equal(file.rowGroups.length, 10);
  const chunk = async (/** @type {any} */ from, /** @type {string} */ name) => {
    const { chunks } = await (await open(from)).layout();
    return chunks.filter(({ column }) => column === name).map(({ start, end }) => from.slice(start, end));
  };
  assert.deepEqual(await chunk(changed, 'price'), await chunk(bytes, 'money'));
  // Once more, and back.
  const { bytes: back } = await evolve(changed, [{ rename: 'key', to: 'id' }, { rename: 'price', to: 'money' }, { drop: 'text' }]);
  assert.deepEqual((await (await open(back, { verify: true })).read()).column('id').toArray(), before.column('id').toArray());
});

test('hints of an added column are honoured', async () => {
  const bytes = await write({ id: new Int32Array(ROWS) });
  const data = Array.from({ length: ROWS }, (_, row) => `${row} the same words again and again`);
  const size = async (/** @type {any} */ more) => (await evolve(bytes, [{ add: { name: 'w', data, ...more } }])).byteLength;
  assert.ok((await size({ compressionModel: 'none' })) > (await size({})));
  assert.ok((await size({ useDictionary: true })) > (await size({})));
});

test('edits that cannot be made are refused before the sink is touched', async () => {
  const bytes = await write(TABLE, OPTIONS);
  let touched = 0;
  const sink = () => (touched += 1);
  const cases = [
    [[{ drop: 'none' }], 'unknown-column', 'none'],
    [[{ drop: 'id' }, { drop: 'id' }], 'unknown-column', 'id'],
    [[{ rename: 'id', to: 'text' }], 'invalid-argument', 'text'],
    [[{ add: { name: 'id', data: new Int8Array(ROWS) } }], 'invalid-argument', 'id'],
    [[{ add: { name: 'new', data: new Int8Array(5) } }], 'invalid-argument', 'new'],
    [[{ add: { name: 'new', data: [1, 'x'] } }], 'type-mismatch', 'new'],
    [[{ add: { data: [1] } }], 'invalid-argument', undefined],
    [[{ rename: 'id' }], 'invalid-argument', undefined],
    [[{}], 'invalid-argument', undefined],
    [[null], 'invalid-argument', undefined],
    ['drop', 'invalid-argument', undefined],
  ];
  for (const [edits, code, column] of cases) await fails(() => evolve(bytes, edits, { sink }), code, { column });
  assert.equal(touched, 0);
});

test('changing columns can be aborted, tells how far it is, and copies piece by piece', async () => {
  const bytes = await write({ a: Float64Array.from({ length: 800_000 }, (_, row) => Math.sin(row)), b: new Int8Array(800_000) });
  assert.ok(bytes.length > 4 << 20, String(bytes.length));
  const sizes = [];
  const seen = [];
  const { byteLength } = await evolve(bytes, [{ drop: 'b' }], { sink: (/** @type {Uint8Array} */ part) => void sizes.push(part.length), onProgress: ({ loaded, total: all }) => seen.push([loaded, all]) });
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), byteLength);
  assert.ok(Math.max(...sizes) <= 4 << 20, String(sizes));
  assert.ok(seen.length >= 1 && seen.every(([loaded, all]) => loaded <= all && all === byteLength));
  const reason = new Error('enough');
  const controller = new AbortController();
  const told = [];
  const sink = { write: () => controller.abort(reason), close: () => told.push('closed'), abort: (/** @type {any} */ why) => told.push(why) };
  await evolve(bytes, [{ drop: 'b' }], { sink, signal: controller.signal }).then(() => assert.fail('went on'), (error) => assert.equal(error, reason));
  assert.deepEqual(told, [reason]);
});

if (!isBrowser) {
  const { mkdtemp, readFile, rm, writeFile, open: openFile } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const { tmpdir } = await import('node:os');

  /** @param {(path: string) => Promise<void>} body */
  const withFile = async (body) => {
    const folder = await mkdtemp(join(tmpdir(), 'ncf-'));
    try {
      await writeFile(join(folder, 'a.ncf'), await write(part(0, 500), OPTIONS));
      await body(join(folder, 'a.ncf'));
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  const content = async (/** @type {string} */ path) => new Uint8Array(await readFile(path));

  test('in place: paths and handles; the same bytes as a new file', () =>
    withFile(async (path) => {
      const before = await content(path);
      const { bytes: expected, digest } = await append(before, part(500, 700), { rowGroupRows: 100 });
      const result = await append(path, part(500, 700), { rowGroupRows: 100 });
      assert.deepEqual([result.bytes, result.digest, result.byteLength, result.numRows], [undefined, digest, expected.length, 700]);
      assert.deepEqual(await content(path), expected);
      const handle = await openFile(path, 'r+');
      await append(handle, part(700, ROWS), { rowGroupRows: 100 });
      await handle.close();
      await same(await content(path), await write(TABLE, OPTIONS));
    }));

  test('in place: the old file is there until the end, and after an abort', () =>
    withFile(async (path) => {
      const before = await content(path);
      for (const end of ['abort', 'bad batch', 'dispose']) {
        const writer = await NcfWriter.append(path, 'in-place', { rowGroupRows: 10 });
        for (let start = 0; start < ROWS; start += 100) await writer.write(part(start, start + 100));
        const meanwhile = await content(path);
        assert.deepEqual(meanwhile.slice(0, before.length), before);
        assert.ok(meanwhile.length > before.length);
        if (end === 'abort') await writer.abort();
        else await writer[Symbol.asyncDispose]();
        assert.deepEqual(await content(path), before);
      }
      await fails(() => append(path, { none: [1] }), 'unknown-column');
      assert.deepEqual(await content(path), before);
    }));

  test('in place: a file that becomes shorter is cut', () =>
    withFile(async (path) => {
      // Metadata that were not compressed become smaller.
      await writeFile(path, await write({ a: [1] }, { compression: 'none', metadata: { text: 'x'.repeat(5000) } }));
      const before = (await content(path)).length;
      const { byteLength } = await append(path, { a: [2] }, { compression: 'zstd' });
      assert.ok(byteLength < before, `${byteLength} < ${before}`);
      const file = await open(path, { verify: true });
      assert.deepEqual([(await content(path)).length, (await file.read()).toArray()], [byteLength, [{ a: 1n }, { a: 2n }]]);
      await file.close();
    }));

  test('in place only where there is a place', () =>
    withFile(async (path) => {
      await fails(async () => NcfWriter.append(await content(path), 'in-place'), 'invalid-argument');
      await fails(() => append(`${path}.none`, part(0, 1)), 'sink');
      // A sink that is the same path gets the whole new file.
      await append(path, part(500, ROWS), { rowGroupRows: 100, sink: path });
      await same(await content(path), await write(TABLE, OPTIONS));
      await evolve(path, [{ drop: 'text' }], { sink: path });
      assert.equal((await open(await content(path))).schema.columns.length, TABLE.length - 1);
    }));
}
