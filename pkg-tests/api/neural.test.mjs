/** Neural chunks: written where they are asked for, read by every way of reading, and their module loaded by nobody else. */

import { assert, golden, isBrowser, ncf, test, wasmBytes } from '#harness';

import { BLAMELESS, contents, counting, everyType, fails, printed, said, total } from './util.mjs';

const { convert, evolve, NcfWriter, open, openSync, write, writeSync } = ncf;

/** Modules that were compiled so far. @type {WebAssembly.Module[]} */
const compiled = [];
for (const name of ['compile', 'compileStreaming']) {
  const original = WebAssembly[name];
  if (!original) continue;
  WebAssembly[name] = async (...args) => {
    const module = await original.apply(WebAssembly, args);
    compiled.push(module);
    return module;
  };
}
WebAssembly.Module = new Proxy(WebAssembly.Module, {
  construct(target, args) {
    const module = new target(...args);
    compiled.push(module);
    return module;
  },
});

/** Whether the module of the neural codec is among them. */
const isNeuralLoaded = () => compiled.some((module) => WebAssembly.Module.exports(module).some(({ name }) => name === 'chooseParents'));

/** A table whose values follow each other and come from each other, so that neural chunks are worth it. @param {number} rows */
function regular(rows) {
  const row = Array.from({ length: rows }, (_, index) => index);
  const key = row.map((index) => (Math.floor((index * index) / 7) + (index % 3)) % 40);
  return {
    key: Int32Array.from(key),
    city: key.map((value) => `Stadt ${(value * 7919) % 101}, Straße ${value % 7}`),
    price: Float64Array.from(row, (index) => ((key[index] * 37) % 400) / 4 + (index % 10)),
    at: { type: 'timestamp', values: BigInt64Array.from(row, (index) => 1_700_000_000_000_000n + BigInt(index * 60_000_000 + key[index] * 1000)) },
    flag: row.map((index) => (index % 13 === 0 ? null : key[index] < 20)),
  };
}

/** Which chunks are neural, by column. @param {any} file @param {number} [rowGroup] */
async function neuralColumns(file, rowGroup = 0) {
  const found = [];
  for (const { name } of file.schema.columns) if ((await file.explain(name, { rowGroup })).startsWith('neural')) found.push(name);
  return found;
}

const values = (/** @type {any} */ table) => table.columns.map((/** @type {any} */ column) => [column.name, column.toArray()]);

test('nobody else loads the neural module', async () => {
  const bytes = await write(regular(500), { rowGroupRows: 200 });
  const file = await open(bytes);
  await file.read({ filter: { key: { $lt: 9 } } });
  for await (const batch of file.batches()) assert.ok(batch.numRows > 0);
  assert.equal((await file.verify()).ok, true);
  await convert(bytes, { dialect: 'python-1.0', lossy: true });
  await evolve(bytes, [{ drop: 'flag' }]);
  const { bytes: neural } = await golden('version2/neural');
  // Nor does opening such a file, its metadata, or checking it.
  const archived = await open(neural);
  await archived.zoneMaps('int8');
  await archived.layout();
  assert.equal((await archived.verify()).ok, true);
  assert.equal(await archived.read({ rowStart: 3, rowEnd: 3 }).then((table) => table.numRows), 0);
  assert.ok(compiled.length > 0 && !isNeuralLoaded());
});

test('synchronous calls tell a browser to load the module; those of Node load it', async () => {
  const { bytes } = await golden('version2/neural');
  await ncf.init({ full: true });
  if (isBrowser) {
    const error = await fails(() => openSync(bytes).readSync({ columns: ['int8'] }), 'wasm-init');
    assert.ok(error.message.includes('neural.wasm'), error.message);
    await fails(() => writeSync(regular(100), { compression: 'neural' }), 'wasm-init');
    assert.ok(!isNeuralLoaded());
    await evolve((await golden('version2/neural-parents')).bytes, [{ drop: 'route' }]);
    assert.ok(isNeuralLoaded());
    await ncf.init({ neural: true });
  }
  const { columns } = said(bytes);
  assert.deepEqual(columns, (await (await open(bytes)).read()).columns.map(contents));
  assert.ok(isNeuralLoaded());
  const table = regular(600);
  assert.deepEqual(writeSync(table, { compression: 'neural' }), await write(table, { compression: 'neural' }));
});

for (const level of [1, 2, 3]) {
  test(`level ${level}: every type with nulls comes back bit by bit`, async () => {
    const columns = everyType(1200, 40 + level);
    const bytes = await write(columns, { compression: 'neural', level, rowGroupRows: 500, verify: true });
    const file = await open(bytes);
    const read = await file.read();
    for (const { name, type, data } of columns) assert.deepEqual(read.column(name, type).toArray(), data, name);
    const plain = await (await open(await write(columns, { rowGroupRows: 500 }))).read();
    assert.deepEqual(read.columns.map(contents), plain.columns.map(contents));
    assert.ok((await neuralColumns(file)).length > 0);
    assert.equal(file.schema.defaultCompression, 'neural');
    assert.equal((await file.verify()).ok, true);
  });
}

test('regular tables get smaller, and the same input gives the same bytes', async () => {
  const table = regular(4000);
  const plain = await write(table);
  for (const level of [1, 2, 3]) {
    const bytes = await write(table, { compression: 'neural', level });
    assert.ok(bytes.length < plain.length, `${bytes.length} at level ${level}, ${plain.length} without`);
    assert.deepEqual(await write(table, { compression: 'neural', level }), bytes);
    assert.ok((await neuralColumns(await open(bytes))).length > 0);
  }
  assert.deepEqual(await write(table, { compression: 'neural' }), await write(table, { compression: 'neural', level: 2 }));
});

test('no rows, one row, row groups of one', async () => {
  for (const [rows, rowGroupRows] of [[0, 10], [1, 10], [5, 1], [70, 33]]) {
    const columns = everyType(rows, 3);
    const file = await open(await write(columns, { compression: 'neural', rowGroupRows }));
    assert.equal(file.numRows, rows);
    const read = await file.read();
    for (const { name, type, data } of columns) assert.deepEqual(read.column(name, type).toArray(), data, name);
  }
});

test('a hint asks for one column, or keeps one out', async () => {
  const table = regular(3000);
  const columns = (/** @type {Record<string, string>} */ hints) => Object.entries(table).map(([name, data]) => ({ name, ...(ArrayBuffer.isView(data) || Array.isArray(data) ? { data } : { type: data.type, data }), compressionModel: hints[name] }));
  const one = await open(await write(columns({ key: 'neural' })));
  assert.deepEqual(await neuralColumns(one), ['key']);
  assert.deepEqual([one.schema.defaultCompression, one.schema.columns[0].compressionModel], ['zstd', 'neural']);
  const others = await open(await write(columns({ city: 'none', key: 'independent' }), { compression: 'neural' }));
  const neural = await neuralColumns(others);
  assert.ok(!neural.includes('city') && neural.length > 0, String(neural));
  const { parents } = (await others.layout()).chunks.find((chunk) => chunk.column === 'key');
  assert.equal(parents, undefined);
  const plain = await (await open(await write(table))).read();
  for (const file of [one, others]) assert.deepEqual(values(await file.read()), values(plain));
});

test('a writer in batches, and row groups that are appended', async () => {
  const table = regular(2000);
  const writer = await NcfWriter.open('bytes', { compression: 'neural', rowGroupRows: 800 });
  await writer.write(table);
  const { bytes } = await writer.finish();
  assert.deepEqual(bytes, await write(table, { compression: 'neural', rowGroupRows: 800 }));
  const more = await NcfWriter.append(bytes, 'bytes', { compression: 'neural', rowGroupRows: 800 });
  await more.write(table);
  const { bytes: twice } = await more.finish();
  const file = await open(twice);
  assert.ok((await neuralColumns(file, file.rowGroups.length - 1)).length > 0);
  const read = values(await file.read());
  const once = values(await (await open(bytes)).read());
  assert.deepEqual(read, once.map(([name, all]) => [name, [...all, ...all]]));
});

for (const name of ['version2/neural', 'version2/neural-parents']) {
  test(`${name}: filters, rows, columns, batches, from a source that is read in pieces`, async () => {
    const { bytes, expected } = await golden(name);
    const all = (await (await open(bytes)).read()).toArray();
    const [first, second] = expected.columns.map(({ name: column }) => column);
    const source = counting(bytes);
    const file = await open(source, { tailBytes: 100, readAheadBytes: 0, coalesceBytes: 0 });
    const pick = (rows, columns) => rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])));
    assert.deepEqual((await file.read({ columns: [second], rowStart: 590, rowEnd: 640 })).toArray(), pick(all.slice(590, 640), [second]));
    const wanted = all[700][second];
    const found = await file.read({ columns: [first], filter: { [second]: wanted } });
    assert.deepEqual(found.toArray(), pick(all.filter((row) => row[second] === wanted), [first]));
    const limited = await file.read({ columns: [first, second], filter: { [first]: { $ne: null } }, limit: 5 });
    assert.deepEqual(limited.toArray(), pick(all.filter((row) => row[first] !== null).slice(0, 5), [first, second]));
    const batches = [];
    for await (const batch of file.batches({ batchSize: 250, columns: [second, first] })) batches.push(...batch.toArray());
    assert.deepEqual(batches, pick(all, [second, first]));
    assert.ok(total(source.reads) < 6 * bytes.length);
  });
}

test('a file is converted to neural chunks, and from them to anything', async () => {
  const { bytes } = await golden('version2/parents');
  const before = values(await (await open(bytes)).read());
  const { bytes: neural, digest } = await convert(bytes, { compression: 'neural', level: 1 });
  const archived = await open(neural, { integrity: digest });
  assert.ok((await neuralColumns(archived)).length > 0);
  assert.deepEqual(values(await archived.read()), before);
  const { bytes: back } = await convert(neural, { compression: 'zstd' });
  assert.deepEqual(await neuralColumns(await open(back)), []);
  assert.deepEqual(values(await (await open(back)).read()), before);
  const table = regular(700);
  const { bytes: legacy } = await convert(await write(table, { compression: 'neural' }), { dialect: 'python-1.0', lossy: true });
  assert.equal((await open(legacy)).dialect, 'python-1.0');
  const plain = (await (await open(await write(table))).read()).columns.map((column) => [column.name, column.validity, column.values]);
  assert.deepEqual((await (await open(legacy)).read()).columns.map((column) => [column.name, column.validity, column.values]), plain);
  await fails(() => convert(bytes, { dialect: 'python-1.0', compression: 'neural', lossy: true }), 'invalid-argument');
  await fails(() => write({ a: [1] }, { dialect: 'rust-2.0', compression: 'neural' }), 'invalid-argument');
});

test('columns of an archive are dropped and renamed, and those that depended on them come back', async () => {
  const { bytes } = await golden('version2/neural-parents');
  const file = await open(bytes);
  const { chunks } = await file.layout();
  const parent = chunks.find((chunk) => chunk.parents).parents[0];
  const changed = await open((await evolve(bytes, [{ drop: parent }, { rename: 'crew', to: 'crew of the day' }])).bytes);
  const kept = file.schema.columns.map(({ name }) => name).filter((name) => name !== parent);
  assert.deepEqual(values(await changed.read()), values(await file.read({ columns: kept })).map(([name, all]) => [name === 'crew' ? 'crew of the day' : name, all]));
  assert.equal((await changed.verify()).ok, true);
});

test('an added column is neural where that is asked for', async () => {
  const table = regular(1500);
  const bytes = await write({ id: Int32Array.from({ length: 1500 }, (_, row) => row) }, { rowGroupRows: 700 });
  for (const [compressionModel, options] of [['neural', {}], [undefined, { compression: 'neural', level: 1 }], ['none', { compression: 'neural' }]]) {
    const file = await open((await evolve(bytes, [{ add: { name: 'key', data: table.key, compressionModel } }], options)).bytes);
    for (const rowGroup of [0, 1]) assert.deepEqual(await neuralColumns(file, rowGroup), compressionModel === 'none' ? [] : ['key']);
    assert.deepEqual((await file.read()).column('key').toArray(), [...table.key]);
    assert.equal((await file.verify()).ok, true);
  }
  await fails(() => evolve(bytes, [{ add: { name: 'key', data: table.key } }], { compression: 'neural', level: 9 }), 'invalid-argument');
});

test('damage of a neural chunk is told: by its hash, by verify, and without hashes by the codec or not at all', async () => {
  const { bytes } = await golden('version2/neural');
  const { chunks } = await (await open(bytes)).layout();
  const all = (await (await open(bytes)).read()).columns.map(({ name, type, length }) => ({ name, type, length }));
  let refused = 0;
  for (const chunk of chunks.slice(0, 16)) {
    for (const at of [chunk.start, chunk.start + 1, chunk.start + 9, chunk.end - 2]) {
      const damaged = bytes.slice();
      damaged[at] ^= 0x21;
      const file = await open(damaged);
      await fails(() => file.read({ columns: [chunk.column] }), 'checksum-mismatch', { column: chunk.column });
      assert.equal((await file.verify()).ok, false);
      const unchecked = await open(damaged, { checksums: false });
      try {
        const { columns: [column] } = await unchecked.read({ columns: [chunk.column] });
        const { name, type, length } = column;
        assert.deepEqual({ name, type, length }, all.find((other) => other.name === name));
      } catch (error) {
        assert.ok(error instanceof ncf.NcfError && BLAMELESS.includes(error.code), error.stack);
        refused += 1;
      }
    }
  }
  assert.ok(refused > 16, `${refused} refused`);
});

test('what a chunk may cost is bounded', async () => {
  const { bytes } = await golden('version2/neural');
  const file = await open(bytes, { limits: { maxColumnBytes: 1000 } });
  await fails(() => file.read({ columns: ['int64'] }), 'limit-exceeded');
});

test('levels beyond the neural ones are refused', async () => {
  for (const level of [0, 4, 22, 1.5, -1]) await fails(() => write({ a: [1] }, { compression: 'neural', level }), 'invalid-argument');
});

/** A copy, since what is written to may be moved. @param {Uint8Array} bytes */
const copy = (bytes) => bytes.slice();

/** Every way of making a file with neural chunks asynchronously. */
const WAYS = Object.entries({
  write: (table, options) => write(table, options),
  writer: async (table, options) => {
    const writer = await NcfWriter.open('bytes', options);
    await writer.write(table);
    await writer.write(table);
    return (await writer.finish()).bytes;
  },
  append: async (table, { rowGroupRows, ...options }, plain) => {
    const writer = await NcfWriter.append(copy(plain), 'bytes', { ...options, rowGroupRows });
    await writer.write(table);
    return (await writer.finish()).bytes;
  },
  convert: async (table, options, plain) => (await convert(copy(plain), options)).bytes,
  evolve: async (table, { rowGroupRows, ...options }, plain) => (await evolve(copy(plain), [{ add: { name: 'key 2', data: table.key } }, { drop: 'key' }, { add: { name: 'flag 2', data: table.flag } }], options)).bytes,
});

for (const [name, make] of WAYS) {
  test(`${name}: the same bytes with workers and without`, async () => {
    const table = regular(2300);
    const plain = await write(table, { rowGroupRows: 700 });
    const options = { compression: 'neural', level: 1, rowGroupRows: 900 };
    const expected = await make(table, { ...options, workers: 0 }, plain);
    assert.ok((await neuralColumns(await open(expected), (await open(expected)).rowGroups.length - 1)).length > 0);
    for (const workers of [1, 2, 'auto']) assert.deepEqual(await make(table, { ...options, workers }, plain), expected, `${workers} workers`);
    if (name === 'write') assert.deepEqual(writeSync(table, options), expected);
  });

  test(`${name}: can be aborted within a row group`, async () => {
    const table = regular(2300);
    const plain = await write(table);
    for (const workers of [0, 2]) {
      const reason = new Error('enough');
      const controller = new AbortController();
      const chunks = [];
      const onProgress = ({ column }) => {
        if (column === undefined) return;
        chunks.push(column);
        controller.abort(reason);
      };
      const making = make(table, { compression: 'neural', level: 1, workers, signal: controller.signal, onProgress }, plain);
      assert.equal(await making.then(() => assert.fail('was made'), (error) => error), reason);
      assert.equal(chunks.length, 1, `${chunks} with ${workers} workers`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(chunks.length, 1, `${chunks} with ${workers} workers`);
    }
  });
}

test('the same bytes from several writers at the same time, and of those only one is aborted', async () => {
  const tables = [regular(1500), regular(1200), regular(900)];
  const options = { compression: 'neural', level: 1 };
  const expected = tables.map((table) => writeSync(table, options));
  for (const workers of [0, 2]) {
    const controller = new AbortController();
    const aborted = write(regular(3000), { ...options, workers, signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
    const [{ message }, ...written] = await Promise.all([aborted.then(() => assert.fail('was written'), (error) => error), ...tables.map((table) => write(table, { ...options, workers }))]);
    assert.equal(message, 'enough');
    assert.deepEqual(written, expected, `${workers} workers`);
  }
});

test('a writer is aborted while it waits for chunks, and says that it is closed', async () => {
  for (const workers of [0, 2]) {
    const chunks = [];
    const writer = await NcfWriter.open('bytes', { compression: 'neural', level: 1, rowGroupRows: 1000, workers, onProgress: ({ column }) => {
      chunks.push(column);
      if (chunks.length === 2) void writer.abort(new Error('enough'));
    } });
    await fails(() => writer.write(regular(2300)), 'closed');
    await fails(() => writer.finish(), 'closed');
    assert.equal(chunks.length, 2);
  }
});

test('progress counts rows, those of a row group that is being encoded by its chunks', async () => {
  const table = regular(2300);
  for (const workers of [0, 2]) {
    const seen = [];
    const options = { compression: 'neural', level: 1, rowGroupRows: 1000, workers, onProgress: (progress) => seen.push(progress) };
    const check = (/** @type {number} */ rows) => {
      seen.reduce((before, { phase, loaded, total: all }) => {
        assert.ok(phase === 'encode' && loaded >= before && loaded <= all && all <= rows, JSON.stringify(seen));
        return loaded;
      }, 0);
      const last = seen.at(-1);
      assert.deepEqual([last.loaded, last.total, last.column], [rows, rows, undefined]);
      const columns = new Set(seen.flatMap(({ column }) => column ?? []));
      assert.ok(columns.size >= 3 && [...columns].every((column) => column in table), [...columns].join());
      assert.ok(new Set(seen.map(({ loaded }) => loaded)).size > 6, JSON.stringify(seen));
      seen.length = 0;
    };
    const bytes = await write(table, options);
    check(2300);
    const writer = await NcfWriter.open('bytes', options);
    await writer.write(table);
    await writer.write(table);
    await writer.finish();
    check(4600);
    await convert(bytes, options);
    check(2300);
    const more = await NcfWriter.append(bytes, 'bytes', options);
    await more.write(table);
    await more.finish();
    check(2300);
  }
  const seen = [];
  const options = { compression: 'neural', level: 1, rowGroupRows: 16_384 };
  await write({ a: Int32Array.from({ length: 40_000 }, (_, row) => (row * row) % 1009) }, { ...options, onProgress: ({ loaded, column }) => seen.push([loaded, column]) });
  assert.deepEqual(seen, [[8192, 'a'], [16_384, undefined], [24_576, 'a'], [32_768, undefined], [36_384, 'a'], [40_000, undefined]]);
});

test('a callback that throws ends the call', async () => {
  for (const workers of [0, 2]) {
    const reason = new Error('of the caller');
    const onProgress = () => { throw reason; };
    assert.equal(await write(regular(1500), { compression: 'neural', level: 1, workers, onProgress }).then(() => assert.fail('was written'), (error) => error), reason);
  }
});

test('what is no number of workers is refused', async () => {
  const bytes = await write({ a: [1] });
  for (const workers of [-1, 1.5, 65, NaN, '2', null]) {
    await fails(() => write({ a: [1] }, { workers }), 'invalid-argument');
    await fails(() => NcfWriter.open('bytes', { workers }), 'invalid-argument');
    await fails(() => NcfWriter.append(bytes, 'bytes', { workers }), 'invalid-argument');
    await fails(() => evolve(bytes, [{ add: { name: 'b', data: [1] } }], { workers }), 'invalid-argument');
  }
});

test('reading an archive can be aborted between columns', async () => {
  const { bytes } = await golden('version2/neural');
  const file = await open(bytes);
  const reason = new Error('enough');
  const controller = new AbortController();
  let steps = 0;
  const reading = file.read({ signal: controller.signal, onProgress: () => { if (++steps === 3) controller.abort(reason); } });
  assert.equal(await reading.then(() => assert.fail('was read'), (error) => error), reason);
});

test('the module can be given', async () => {
  await ncf.init({ neural: await wasmBytes('neural') });
  const { bytes } = await golden('version2/neural-parents');
  assert.equal((await (await open(bytes)).read()).numRows, 2000);
});

test('where workers fail, the calling thread encodes', async () => {
  const table = regular(2300);
  const options = { compression: 'neural', level: 1 };
  const expected = writeSync(table, options);
  const source = 'throw new Error("broken on purpose")';
  const restore = await replaceWorker(source);
  try {
    // More than were started before: some of them work.
    for (const workers of [7, 7, 'auto']) assert.deepEqual(await write(table, { ...options, workers }), expected);
  } finally {
    await restore();
  }
});

/**
 * Lets every new worker run something else.
 * @param {string} source
 * @returns {Promise<() => Promise<void>>} puts things right
 */
async function replaceWorker(source) {
  if (isBrowser) {
    const original = globalThis.Worker;
    // The page's policy allows no other scripts: what it hears of one that fails is enough.
    globalThis.Worker = class {
      /** @param {(event: { message: string }) => void} hear */
      set onerror(hear) {
        setTimeout(() => hear({ message: source }), 5);
      }
      postMessage() {}
      terminate() {}
    };
    return async () => { globalThis.Worker = original; };
  }
  const { createRequire, syncBuiltinESMExports } = await import('node:module');
  const threads = createRequire(import.meta.url)('node:worker_threads');
  const original = threads.Worker;
  threads.Worker = class extends original {
    constructor() {
      super(source, { eval: true });
    }
  };
  syncBuiltinESMExports();
  return async () => {
    threads.Worker = original;
    syncBuiltinESMExports();
  };
}

if (!isBrowser) {
  test('a process does not live on for workers that encode', async () => {
    const output = await printed(`
      import { write } from 'ncf-wasm';
      const column = (k) => Int32Array.from({ length: 200_000 }, (_, row) => (row * row * k) % 1009);
      const controller = new AbortController();
      const options = { compression: 'neural', workers: 2 };
      const aborted = write({ a: column(1), b: column(2), c: column(3) }, { ...options, signal: controller.signal }).catch(({ message }) => message);
      setTimeout(() => controller.abort(new Error('enough')), 300);
      console.log(await aborted, (await write({ a: column(1).slice(0, 3000), b: column(2).slice(0, 3000) }, options)).length > 0);
    `);
    assert.equal(output, 'enough true\n');
  });
}
