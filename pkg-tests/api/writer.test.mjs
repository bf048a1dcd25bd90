/** Writing in batches: the same bytes whatever the batches, all or nothing of each, sinks of every kind, and their failures. */

import { assert, isBrowser, ncf, test } from '#harness';

import { fails, random } from './util.mjs';

const { write, writeRows, open, NcfWriter } = ncf;

const ROWS = 1000;
const next = random(11);
const some = (/** @type {(row: number) => any} */ make) => Array.from({ length: ROWS }, (_, row) => (next() % 6 === 0 ? null : make(row)));

/** A column of every type, with nulls. */
const TABLE = [
  ...['int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32'].map((type) => ({ name: type, type, data: some((row) => row % 100) })),
  { name: 'int64', type: 'int64', data: some((row) => BigInt(row) ** 5n) },
  { name: 'uint64', type: 'uint64', data: some((row) => 2n ** 63n + BigInt(row)) },
  { name: 'float32', type: 'float32', data: some((row) => (row % 10 === 0 ? NaN : row / 2)) },
  { name: 'float64', type: 'float64', data: some((row) => (row % 10 === 0 ? -0 : row / 3)) },
  { name: 'string', type: 'string', data: some((row) => (row % 9 === 0 ? '' : `naïve ${row % 50}`)) },
  { name: 'binary', type: 'binary', data: some((row) => new Uint8Array(row % 5).fill(row)) },
  { name: 'boolean', type: 'boolean', data: some((row) => row % 3 === 0) },
  { name: 'date', type: 'date', data: some((row) => row * 100 - 5000) },
  { name: 'timestamp', type: 'timestamp', utc: true, data: some((row) => new Date(row * 1e9)) },
  { name: 'decimal', type: 'decimal', precision: 12, scale: 3, data: some((row) => `${row}.125`) },
];

const DECLARED = TABLE.map(({ data: _data, ...column }) => column);
const part = (/** @type {number} */ start, /** @type {number} */ end) => TABLE.map(({ name, data }) => ({ name, data: data.slice(start, end) }));
const rowsOf = (/** @type {any[]} */ table) => Array.from({ length: table[0].data.length }, (_, row) => Object.fromEntries(table.map(({ name, data }) => [name, data[row]])));

test('batches of any size give the same bytes as one call', async () => {
  for (const rowGroupRows of [undefined, 100, 7]) {
    const whole = await write(TABLE, { rowGroupRows });
    for (const size of [1, 2, 7, 64, 333, 1000]) {
      const writer = await NcfWriter.open('bytes', { columns: DECLARED, rowGroupRows });
      for (let start = 0; start < ROWS; start += size) await writer.write(part(start, Math.min(start + size, ROWS)));
      assert.equal(writer.numRows, ROWS);
      const { bytes, byteLength, numRows, digest } = await writer.finish();
      assert.deepEqual(bytes, whole, `batches of ${size}, row groups of ${rowGroupRows}`);
      assert.deepEqual([byteLength, numRows, digest], [whole.length, ROWS, (await open(whole)).digest]);
    }
  }
});

test('so do rows, and batches that tell the columns', async () => {
  const whole = await write(TABLE, { rowGroupRows: 100 });
  const rows = rowsOf(TABLE);
  assert.deepEqual(await writeRows(rows, { columns: DECLARED, rowGroupRows: 100 }), whole);
  assert.deepEqual(await writeRows(new Set(rows), { columns: DECLARED, rowGroupRows: 100 }), whole);
  assert.deepEqual(await writeRows((async function* () { yield* rows; })(), { columns: DECLARED, rowGroupRows: 100 }), whole);
  const writer = await NcfWriter.open('bytes', { rowGroupRows: 100 });
  await writer.write(TABLE.map((column) => ({ ...column, data: column.data.slice(0, 500) })));
  await writer.writeRows(rows.slice(500, 501));
  await writer.write(Object.fromEntries(TABLE.map(({ name, data }) => [name, data.slice(501)]).reverse()));
  assert.deepEqual((await writer.finish()).bytes, whole);
});

test('more rows than a batch of an iterable', async () => {
  const count = 40_000;
  const rows = function* () {
    for (let id = 0; id < count; id++) yield { id, name: id % 3 === 0 ? null : `n${id}` };
  };
  const file = await open(await writeRows(rows()));
  const table = await file.read();
  assert.deepEqual([file.numRows, table.row(39_999)], [count, { id: 39_999n, name: null }]);
  assert.deepEqual(table.column('id', 'int64').values, BigInt64Array.from({ length: count }, (_, id) => BigInt(id)));
});

test('missing keys of rows are null, unknown ones an error', async () => {
  const rows = [{ a: 1 }, { b: 'x' }, JSON.parse('{"a":3,"b":"y","__proto__":"z"}')];
  const table = await (await open(await writeRows(rows))).read();
  assert.deepEqual(table.columns.map((column) => [column.name, column.toArray()]), [['a', [1n, null, 3n]], ['b', [null, 'x', 'y']], ['__proto__', [null, null, 'z']]]);
  const writer = await NcfWriter.open('bytes', { columns: [{ name: 'a', type: 'int32' }] });
  await writer.writeRows([{ a: 1 }, {}]);
  await fails(() => writer.writeRows([{ a: 2 }, { c: 1 }]), 'unknown-column', { column: 'c' });
  await fails(() => writer.writeRows([5]), 'invalid-argument');
  await fails(() => writer.writeRows([null]), 'invalid-argument');
  const read = await (await open((await writer.finish()).bytes)).read();
  assert.deepEqual(read.toArray(), [{ a: 1 }, { a: null }]);
});

test('a failed batch leaves nothing behind, and the writer goes on', async () => {
  const columns = [{ name: 'n', type: 'int8' }, { name: 't', type: 'timestamp', utc: false }, { name: 'd', type: 'decimal', precision: 4, scale: 2 }];
  const good = { n: [1, 2], t: [1, 2], d: ['1.25', null] };
  const bad = [
    [{ ...good, n: [1, 300] }, 'type-mismatch', { column: 'n', row: 1 }],
    [{ ...good, n: [1] }, 'invalid-argument', { column: 't' }],
    [{ ...good, d: ['1.25', '1.255'] }, 'type-mismatch', { column: 'd', row: 1 }],
    [{ ...good, d: ['1.25', '100.00'] }, 'type-mismatch', { column: 'd', row: 1 }],
    // Found by the core, behind columns that were right.
    [{ ...good, d: { type: 'decimal', scale: 2, values: BigUint64Array.of(1n, 0n, 10_000n, 0n) } }, 'type-mismatch', { column: 'd', row: 1 }],
    [[{ name: 'n', data: [1, 2] }, { name: 't', unit: 'ns', data: [1000, 1] }, { name: 'd', data: [null, null] }], 'type-mismatch', { column: 't', row: 1 }],
    [{ ...good, t: { type: 'timestamp', utc: true, values: new BigInt64Array(2) } }, 'type-mismatch', { column: 't' }],
    [{ n: [1], t: [1] }, 'invalid-argument', { column: 'd' }],
    [{ ...good, more: [1, 2] }, 'unknown-column', { column: 'more' }],
    [[...Object.entries(good).map(([name, data]) => ({ name, data })), { name: 'n', data: [1, 2] }], 'invalid-argument', { column: 'n' }],
    [5, 'invalid-argument', {}],
  ];
  for (const rowGroupRows of [1, 3, undefined]) {
    const writer = await NcfWriter.open('bytes', { columns, rowGroupRows });
    for (const [batch, code, fields] of bad) {
      await fails(() => writer.write(batch), code, fields);
      await writer.write(good);
    }
    const { bytes } = await writer.finish();
    const expected = { n: [], t: [], d: [] };
    for (const name of Object.keys(good)) expected[name] = bad.flatMap(() => good[name]);
    assert.deepEqual(bytes, await write(columns.map((column) => ({ ...column, data: expected[column.name] })), { rowGroupRows }));
  }
});

test('what the first batch tells holds for all', async () => {
  const writer = await NcfWriter.open('bytes');
  await fails(() => writer.write({ when: [new Date(0)], price: ['x'], odd: [1, 'y'] }), 'type-mismatch');
  const typed = (/** @type {any} */ when, /** @type {any} */ price, /** @type {any} */ n) => [{ name: 'when', data: when }, { name: 'price', type: 'decimal', data: price }, { name: 'n', data: n }];
  await writer.write(typed([new Date(0)], ['1.25'], [1]));
  await fails(() => writer.write(typed(['2024-01-01'], ['1'], [1])), 'type-mismatch', { column: 'when' });
  await fails(() => writer.write(typed([new Date(0)], ['1.255'], [1])), 'type-mismatch', { column: 'price' });
  await fails(() => writer.write(typed([new Date(0)], ['1.25'], [1.5])), 'type-mismatch', { column: 'n' });
  // What says nothing of the zone has that of the column.
  await writer.write(typed([null], ['7'], [null]));
  await writer.write(typed([1_000_000], [null], [3n]));
  const file = await open((await writer.finish()).bytes);
  assert.deepEqual((await file.read()).toArray(), [
    { when: '1970-01-01T00:00:00.000000Z', price: '1.25', n: 1n },
    { when: null, price: '7.00', n: null },
    { when: '1970-01-01T00:00:01.000000Z', price: null, n: 3n },
  ]);
});

test('columns can be declared in part', async () => {
  const columns = [{ name: 'b', description: 'second', type: 'int16' }, { name: 'a', containsPii: true }, { name: 'd', type: 'decimal' }];
  const writer = await NcfWriter.open('bytes', { columns });
  await fails(() => writer.write({ a: ['x'], b: [1] }), 'invalid-argument', { column: 'd' });
  await fails(() => writer.write({ a: ['x'], b: [1], d: ['1'], c: [1] }), 'unknown-column', { column: 'c' });
  await writer.write({ a: ['x'], b: [1], d: ['1.5'] });
  const { schema } = await open((await writer.finish()).bytes);
  assert.deepEqual(schema.columns.map(({ name, type, description, containsPii, scale }) => [name, type, description, containsPii, scale]), [
    ['b', 'int16', 'second', false, undefined],
    ['a', 'string', undefined, true, undefined],
    ['d', 'decimal', undefined, false, 1],
  ]);
  const untold = await NcfWriter.open('bytes', { columns: [{ name: 'a' }] });
  await fails(() => untold.finish(), 'invalid-argument', { column: 'a' });
  await untold.write({ a: [true] });
  assert.equal((await untold.finish()).numRows, 1);
});

test('no batch at all: a table without rows, or an error', async () => {
  const { bytes, numRows } = await (await NcfWriter.open('bytes', { columns: DECLARED })).finish();
  assert.equal(numRows, 0);
  assert.deepEqual(bytes, await write(DECLARED.map((column) => ({ ...column, data: [] }))));
  await fails(async () => (await NcfWriter.open('bytes')).finish(), 'invalid-argument');
});

test("a file's schema and batches can be written as they come", async () => {
  const whole = await write(TABLE.map((column) => ({ ...column, description: `d ${column.name}` })), { rowGroupRows: 100, tableName: 't', metadata: { a: 1 } });
  const file = await open(whole);
  for (const batchSize of [undefined, 33, 500]) {
    const writer = await NcfWriter.open('bytes', { schema: file.schema, columns: file.schema.columns, rowGroupRows: 100 });
    await file.readable({ batchSize }).pipeTo(writer.writable);
    assert.deepEqual((await writer.finish()).bytes, whole);
  }
});

test('legacy dialects and bad options are refused before the sink is touched', async () => {
  let touched = 0;
  const sink = { write: () => (touched += 1), close: () => (touched += 1), abort: () => (touched += 1) };
  const error = await fails(() => NcfWriter.open(sink, { dialect: 'python-1.0' }), 'unsupported-feature');
  assert.ok(error.message.includes('write()'), error.message);
  await fails(() => NcfWriter.open(sink, { dialect: 'rust-2.0' }), 'unsupported-feature');
  await fails(() => NcfWriter.open(sink, { level: 77 }), 'invalid-argument');
  await fails(() => NcfWriter.open(sink, { rowGroupRows: 0 }), 'invalid-argument');
  await fails(() => NcfWriter.open(sink, { bounds: 'x' }), 'invalid-argument');
  await fails(() => NcfWriter.open(sink, { columns: [{ type: 'int8' }] }), 'invalid-argument');
  await fails(() => NcfWriter.open(sink, { columns: [{ name: 'a', type: 'int128' }] }), 'invalid-argument');
  await fails(() => NcfWriter.open(sink, { columns: [{ name: 'a', type: 'int8' }, { name: 'a', type: 'int8' }] }), 'invalid-argument');
  for (const bad of [5, null, undefined, {}, [], true]) await fails(() => NcfWriter.open(bad), 'invalid-argument');
  assert.equal(touched, 0);
});

const concat = (/** @type {Uint8Array[]} */ parts) => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of parts) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
};

/** Writes the table in batches of 300. */
async function fill(/** @type {any} */ writer) {
  for (let start = 0; start < ROWS; start += 300) await writer.write(part(start, start + 300));
}

test('sinks: a function, an object, a stream', async () => {
  const whole = await write(TABLE, { rowGroupRows: 100 });
  const options = { columns: DECLARED, rowGroupRows: 100 };
  /** @type {Uint8Array[]} */
  let parts = [];
  const events = [];
  const sinks = [
    (/** @type {Uint8Array} */ bytes) => void parts.push(bytes),
    async (/** @type {Uint8Array} */ bytes) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      parts.push(bytes);
    },
    { write: (/** @type {Uint8Array} */ bytes) => parts.push(bytes), close: () => events.push('object') },
    new WritableStream({ write: (bytes) => void parts.push(bytes), close: () => void events.push('stream') }),
  ];
  for (const sink of sinks) {
    parts = [];
    const writer = await NcfWriter.open(sink, options);
    await fill(writer);
    const before = parts.length;
    assert.ok(before >= 3, 'row groups are written as they become full');
    const result = await writer.finish();
    assert.deepEqual(concat(parts), whole);
    assert.deepEqual(Object.keys(result), ['byteLength', 'numRows', 'digest']);
    assert.deepEqual(await writer.finish(), result);
    await fails(() => writer.write(part(0, 1)), 'closed');
    await writer.abort();
    await writer[Symbol.asyncDispose]();
  }
  assert.deepEqual(events, ['object', 'stream']);
  const locked = new WritableStream();
  locked.getWriter();
  await fails(() => NcfWriter.open(locked), 'invalid-argument');
});

test('a sink that transfers what it gets away does no harm', async () => {
  const whole = await write(TABLE, { rowGroupRows: 100 });
  /** @type {Uint8Array[]} */
  const parts = [];
  const sink = (/** @type {Uint8Array} */ bytes) => void parts.push(structuredClone(bytes, { transfer: [bytes.buffer] }));
  const writer = await NcfWriter.open(sink, { columns: DECLARED, rowGroupRows: 100 });
  await fill(writer);
  await writer.finish();
  assert.deepEqual(concat(parts), whole);
  const input = whole.slice();
  parts.length = 0;
  await ncf.evolve(input, [{ rename: 'int8', to: 'x' }], { sink });
  await (await NcfWriter.append(input, sink)).finish();
  assert.deepEqual(input, whole);
});

test('the writer waits for its sink', async () => {
  let isWriting = false;
  let most = 0;
  let waiting = 0;
  const sink = async () => {
    assert.equal(isWriting, false, 'one write at a time');
    isWriting = true;
    await new Promise((resolve) => setTimeout(resolve, 2));
    isWriting = false;
  };
  const writer = await NcfWriter.open(sink, { columns: [{ name: 'a', type: 'int32' }], rowGroupRows: 10 });
  const source = new ReadableStream({
    pull(controller) {
      waiting += 1;
      most = Math.max(most, waiting - writer.numRows / 10);
      controller.enqueue({ a: new Int32Array(10) });
      if (waiting === 30) controller.close();
    },
  });
  await source.pipeTo(writer.writable);
  assert.equal((await writer.finish()).numRows, 300);
  assert.ok(most <= 4, `the source was ${most} batches ahead`);
});

test('calls that nobody waits for are carried out in order', async () => {
  const writer = await NcfWriter.open('bytes', { columns: [{ name: 'a', type: 'int32' }], rowGroupRows: 3 });
  const calls = Array.from({ length: 20 }, (_, index) => writer.write({ a: [index] }));
  const finished = writer.finish();
  await fails(() => writer.write({ a: [0] }), 'closed');
  await Promise.all(calls);
  const read = await (await open((await finished).bytes)).read();
  assert.deepEqual(read.column('a').toArray(), Array.from({ length: 20 }, (_, index) => index));
});

for (const at of ['write', 'close']) {
  test(`a sink that fails at ${at} fails the writer, and is aborted`, async () => {
    const cause = new Error('disk full');
    let count = 0;
    const aborted = [];
    const fail = (/** @type {string} */ what) => {
      count += 1;
      if (what === at && count > 2) throw cause;
    };
    const object = { write: () => fail('write'), close: async () => fail('close'), abort: (/** @type {any} */ reason) => aborted.push(reason) };
    const stream = new WritableStream({ write: () => fail('write'), close: () => fail('close') });
    for (const sink of [object, stream]) {
      count = 0;
      const writer = await NcfWriter.open(sink, { columns: DECLARED, rowGroupRows: 100 });
      const error = await fails(async () => {
        await fill(writer);
        await writer.finish();
      }, 'sink');
      assert.equal(error.cause, cause);
      assert.ok(error.message.includes('disk full'));
      // It stays so.
      assert.equal(await fails(() => writer.write(part(0, 1)), 'sink'), error);
      assert.equal(await fails(() => writer.finish(), 'sink'), error);
      await writer.abort();
    }
    assert.deepEqual(aborted.map(({ code }) => code), ['sink']);
  });
}

test('aborting lets go of everything, and tells the sink why', async () => {
  const reason = new Error('enough');
  const told = [];
  const make = () => NcfWriter.open({ write: () => undefined, close: () => told.push('closed'), abort: (/** @type {any} */ why) => told.push(why) }, { columns: [{ name: 'a', type: 'int32' }] });
  const writer = await make();
  await writer.write({ a: [1] });
  await writer.abort(reason);
  const error = await fails(() => writer.write({ a: [1] }), 'closed');
  assert.equal(error.cause, reason);
  await fails(() => writer.finish(), 'closed');
  await writer.abort(new Error('again'));
  assert.deepEqual(told, [reason]);

  await (await make())[Symbol.asyncDispose]();
  assert.equal(told[1].code, 'closed');
  const finished = await make();
  await finished.finish();
  await finished[Symbol.asyncDispose]();
  assert.deepEqual(told.slice(2), ['closed']);
});

test('the signal aborts: calls reject with its reason', async () => {
  const reason = new Error('enough');
  const is = (/** @type {Promise<any>} */ call) => call.then(() => assert.fail('went on'), (/** @type {any} */ error) => assert.equal(error, reason));
  await is(NcfWriter.open('bytes', { signal: AbortSignal.abort(reason) }));
  const controller = new AbortController();
  const told = [];
  const writer = await NcfWriter.open({ write: () => undefined, abort: (/** @type {any} */ why) => told.push(why) }, { columns: [{ name: 'a', type: 'int32' }], rowGroupRows: 1, signal: controller.signal });
  await writer.write({ a: [1] });
  const slow = writer.write({ a: [1, 2, 3] });
  controller.abort(reason);
  await is(slow);
  await is(writer.write({ a: [1] }));
  await is(writer.finish());
  assert.deepEqual(told, [reason]);
});

test('a stream of batches that breaks, or a batch that is wrong, aborts the sink', async () => {
  const cause = new Error('broken');
  const told = [];
  const make = () => NcfWriter.open({ write: () => undefined, close: () => told.push('closed'), abort: (/** @type {any} */ why) => told.push(why) }, { columns: [{ name: 'a', type: 'int32' }] });
  const pipe = async (/** @type {any} */ batches) => {
    const writer = await make();
    const source = new ReadableStream({
      pull(controller) {
        const batch = batches.shift();
        if (batch === undefined) controller.error(cause);
        else controller.enqueue(batch);
      },
    });
    return source.pipeTo(writer.writable).then(() => assert.fail('went on'), (error) => error);
  };
  assert.equal(await pipe([{ a: [1] }]), cause);
  const error = await pipe([{ a: [1] }, { a: ['x'] }, { a: [1] }]);
  assert.deepEqual([error.code, error.row], ['type-mismatch', 0]);
  assert.deepEqual(told, [cause, error]);
});

test('an iterable that throws is heard, and what it gave before can be kept', async () => {
  const cause = new Error('broken');
  const rows = function* () {
    yield { a: 1 };
    throw cause;
  };
  await writeRows(rows()).then(() => assert.fail('went on'), (error) => assert.equal(error, cause));
  await fails(() => writeRows([{ a: 1 }, { a: 'x' }]), 'type-mismatch', { row: 1, column: 'a' });
});

test('progress counts rows', async () => {
  const seen = [];
  const writer = await NcfWriter.open('bytes', { onProgress: (progress) => seen.push(progress) });
  await writer.write({ a: [1, 2] });
  await writer.writeRows([{ a: 3 }]);
  await writer.finish();
  assert.deepEqual(seen, [{ phase: 'encode', loaded: 2, total: 2 }, { phase: 'encode', loaded: 3, total: 3 }]);
});

if (!isBrowser) {
  const { mkdtemp, readFile, readdir, rm, stat, chmod, symlink, open: openFile } = await import('node:fs/promises');
  const { createWriteStream } = await import('node:fs');
  const { createRequire } = await import('node:module');
  const { join } = await import('node:path');
  const { tmpdir } = await import('node:os');
  const { pathToFileURL } = await import('node:url');
  const { root } = await import('../support/paths.mjs');

  /** @param {(folder: string) => Promise<void>} body */
  const inFolder = async (body) => {
    const folder = await mkdtemp(join(tmpdir(), 'ncf-'));
    try {
      await body(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  const options = { columns: DECLARED, rowGroupRows: 100 };

  test('sinks of Node: paths, URLs, handles, streams', () =>
    inFolder(async (folder) => {
      const whole = await write(TABLE, { rowGroupRows: 100 });
      const path = join(folder, 'a.ncf');
      const handle = await openFile(join(folder, 'handle.ncf'), 'w');
      await handle.writeFile(new Uint8Array(whole.length + 100));
      const targets = [
        [path, path],
        [pathToFileURL(path), path],
        [String(pathToFileURL(join(folder, 'b.ncf'))), join(folder, 'b.ncf')],
        [handle, join(folder, 'handle.ncf')],
        [createWriteStream(join(folder, 'c.ncf')), join(folder, 'c.ncf')],
      ];
      for (const [target, at] of targets) {
        const writer = await NcfWriter.open(target, options);
        await fill(writer);
        const { byteLength } = await writer.finish();
        assert.deepEqual([new Uint8Array(await readFile(at)), byteLength], [whole, whole.length]);
        const file = await open(at);
        assert.equal((await file.read()).numRows, ROWS);
        await file.close();
      }
      await handle.close();
      assert.deepEqual((await readdir(folder)).sort(), ['a.ncf', 'b.ncf', 'c.ncf', 'handle.ncf']);
    }));

  test('a path has its old content until the new one is complete', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.ncf');
      const link = join(folder, 'link.ncf');
      const old = await write({ a: [1] });
      const first = await NcfWriter.open(path);
      await first.write({ a: [1] });
      await first.finish();
      await chmod(path, 0o640);
      await symlink(path, link);
      const writer = await NcfWriter.open(link, options);
      await fill(writer);
      assert.deepEqual(new Uint8Array(await readFile(path)), old);
      await writer.abort();
      assert.deepEqual(new Uint8Array(await readFile(path)), old);
      const again = await NcfWriter.open(link, options);
      await fill(again);
      await again.finish();
      assert.deepEqual(new Uint8Array(await readFile(path)), await write(TABLE, { rowGroupRows: 100 }));
      assert.equal((await stat(path)).mode & 0o777, 0o640);
    }));

  test('a path that cannot be written is a sink error', () =>
    inFolder(async (folder) => {
      await fails(() => NcfWriter.open(join(folder, 'none', 'a.ncf')), 'sink');
      await fails(() => NcfWriter.open(folder), 'sink');
    }));

  test('the memory of WebAssembly does not grow with the number of rows', async () => {
    // The modules that the package is bundled from, as bundles do not tell of their memory.
    const internal = (/** @type {string} */ name) => import(pathToFileURL(join(root, 'target', 'js', name)).href);
    const [{ NcfWriter }, { writingEngine }] = await Promise.all([internal('writer.js'), internal('engine.js')]);
    const wasm = createRequire(join(process.env.NCF_CONSUMER ?? '', 'index.js')).resolve('ncf-wasm/wasm/full.wasm');
    await writingEngine().load(await readFile(wasm));
    const BATCH = 20_000;
    const random = Float64Array.from({ length: BATCH }, () => next() / 7);
    const text = Array.from({ length: BATCH }, () => `user ${next()}@example.com`);
    const memoryAfter = async (/** @type {number} */ rows) => {
      let size = 0;
      const writer = await NcfWriter.open((/** @type {Uint8Array} */ bytes) => void (size += bytes.length));
      for (let start = 0; start < rows; start += BATCH) {
        await writer.write({ id: BigInt64Array.from({ length: BATCH }, (_, row) => BigInt(start + row)), random, text });
      }
      const { byteLength, numRows } = await writer.finish();
      assert.deepEqual([numRows, byteLength], [rows, size]);
      return { size, memory: writingEngine().instance.memoryBytes() };
    };
    const half = await memoryAfter(500_000);
    const two = await memoryAfter(2_000_000);
    console.error(`wrote ${half.size} and ${two.size} bytes with ${half.memory} and ${two.memory} bytes of memory`);
    assert.ok(two.size > 3.5 * half.size);
    assert.ok(two.memory <= half.memory * 1.25, `${half.memory} bytes for 0.5 million rows, ${two.memory} for 2 million`);
  });
}
