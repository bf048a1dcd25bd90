/** As robust.test.mjs, with files of version 2, in the module that also writes. */

import { assert, ncf, test, wasmBytes } from '#harness';

import { bomb, MAX_PAGES, memories, PAGE, trapVersion2, withMemoryLimit } from './limited.mjs';
import { BLAMELESS, contents, everyType, fails, random, said } from './util.mjs';

const { open, openSync, write } = ncf;

await ncf.init({ full: withMemoryLimit(await wasmBytes('full')), legacy: withMemoryLimit(await wasmBytes('legacy')), thorough: withMemoryLimit(await wasmBytes('thorough'), 256) });

const columns = everyType(400, 5);
const bytes = await write(columns, { rowGroupRows: 100 });
/** With blocks and digests apart from the footer. */
const apart = await write(Array.from({ length: 80 }, (_, index) => ({ name: `c${index}`, data: Int32Array.from({ length: 60 }, (_row, row) => row * index) })), { rowGroupRows: 1 });

const memoryBytes = () => memories.at(-1).buffer.byteLength;
const small = { tailBytes: 100, readAheadBytes: 0, coalesceBytes: 0 };

async function collect(iterable) {
  const all = [];
  for await (const table of iterable) all.push(table.columns.map(contents));
  return all;
}

const filter = { boolean: true, int32: { $ne: null } };

/** Calls that are under way while another call traps, and what they must give. */
const UNDER_WAY = {
  'open': async (source) => (await open(source, small)).schema,
  'read': async (source) => (await (await open(source, small)).read()).columns.map(contents),
  'filtered read': async (source) => (await (await open(source, small)).read({ filter, limit: 60 })).columns.map(contents),
  'batches': async (source) => collect((await open(source, small)).batches({ batchSize: 70, columns: ['id', 'string', 'boolean', 'int64'] })),
  'filtered batches': async (source) => collect((await open(source, small)).batches({ batchSize: 30, filter, columns: ['id', 'string'] })),
  'zone maps': async (source) => (await open(source, small)).zoneMaps('string'),
  'verify': async (source) => (await open(source, small)).verify(),
  'layout': async (source) => (await open(source, small)).layout(),
};

for (const [name, call] of Object.entries(UNDER_WAY)) {
  test(`a trap does not hurt ${name} under way`, async () => {
    const source = (late) => {
      let turn = 0;
      return {
        byteLength: bytes.length,
        slice: async (start, end) => {
          turn += 1;
          if (turn === late) await trapVersion2(bytes);
          return bytes.slice(start, end);
        },
      };
    };
    const expected = await call(source(0));
    for (const late of [1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50]) assert.deepEqual(await call(source(late)), expected, `trap before read ${late}`);
  });
}

test('a trap between two batches changes nothing in them', async () => {
  for (const options of [{ batchSize: 30 }, { batchSize: 130 }, { batchSize: 30, filter }]) {
    const expected = await collect((await open(bytes)).batches(options));
    const file = await open(bytes);
    const seen = [];
    for await (const table of file.batches(options)) {
      seen.push(table.columns.map(contents));
      await trapVersion2(bytes);
    }
    assert.deepEqual(seen, expected);
  }
});

test('statistics after a trap', async () => {
  const expected = (await open(bytes)).statistics;
  const files = [await open(bytes), await open(new Blob([bytes])), await open(new Blob([apart]))];
  await trapVersion2(bytes);
  assert.deepEqual(files[0].statistics, expected);
  assert.deepEqual(files[1].statistics, expected);
  assert.equal(files[2].statistics.size, 80);
});

test('a trap discards the instance once, and small memory is back', async () => {
  const instances = memories.length;
  await trapVersion2(bytes);
  assert.equal(memories.length, instances);
  assert.equal((await (await open(bytes)).read()).numRows, 400);
  assert.equal(memories.length, instances + 1);
  assert.ok(memoryBytes() < 32 * 2 ** 20);
  await fails(async () => (await open(bomb(4096), { verify: false, limits: { maxColumnBytes: 1 << 20 } })).read(), 'limit-exceeded');
});

for (const [name, original] of Object.entries({ bytes, apart })) {
  test(`mutations of ${name} are errors with a code, or change nothing`, async () => {
    const expected = said(original);
    const next = random(original.length);
    for (let count = 0; count < 400; count++) {
      const mutated = original.slice();
      // Every other one hits the end, where all is described.
      const from = count % 2 ? Math.max(0, original.length - 3000) : 0;
      for (let times = 1 + (next() % 3); times > 0; times--) mutated[from + (next() % (original.length - from))] ^= 1 + (next() % 255);
      for (const options of [{}, { checksums: false }]) {
        try {
          const now = said(mutated, options);
          if (options.checksums !== false) assert.deepEqual(now, expected, `mutation ${count}`);
        } catch (error) {
          if (!(error instanceof ncf.NcfError)) throw error;
          assert.ok(BLAMELESS.includes(error.code), `mutation ${count}: ${error.stack} ${error.cause?.stack}`);
        }
      }
    }
    assert.ok(memoryBytes() <= MAX_PAGES * PAGE);
  });

  test(`every prefix of ${name} is an error with a code`, async () => {
    for (let end = 0; end < original.length; end += end < 200 || end > original.length - 200 ? 1 : 37) {
      await fails(() => openSync(original.subarray(0, end)), ['truncated', 'not-ncf', 'corrupt']);
    }
  });
}

test('many calls on one file at once', async () => {
  for (const source of [bytes, new Blob([bytes])]) {
    const file = await open(source, small);
    const all = await file.read();
    const reads = columns.map(({ name }) => file.read({ columns: [name], filter }));
    const ranges = columns.map(({ name }, index) => file.read({ columns: [name], rowStart: index * 10, limit: 150 }));
    const [verdict, layout, zones, batches, ...tables] = await Promise.all([file.verify(), file.layout(), file.zoneMaps('id'), collect(file.batches({ columns: ['id'] })), ...reads, ...ranges]);
    assert.ok(verdict.ok);
    assert.deepEqual([layout.chunks.length, zones.length, batches.length], [4 * columns.length, 4, 4]);
    const kept = all.toArray().filter((row) => row.boolean === true && row.int32 !== null);
    for (const [index, { name }] of columns.entries()) {
      assert.deepEqual(tables[index].column(name).toArray(), kept.map((row) => row[name]));
      assert.deepEqual(tables[columns.length + index].column(name).toArray(), all.column(name).toArray().slice(index * 10, index * 10 + 150));
    }
  }
});

test('memory stays bounded over thousands of readings', async () => {
  const round = async (count) => {
    for (let index = 0; index < count; index++) {
      const file = await open(bytes);
      await file.read({ filter });
      for await (const table of file.batches({ batchSize: 64, filter })) if (table.rowStart > 150) break;
      await file.verify();
      await file.close();
    }
    return memoryBytes();
  };
  const instances = memories.length;
  const before = await round(20);
  assert.equal(await round(300), before);
  assert.equal(memories.length, instances, 'the same instance');
});

test('a trap of the module of high levels is told, and the calls that follow are not worse for it', async () => {
  const next = random(8);
  const large = [{ name: 'noise', type: 'binary', data: [Uint8Array.from({ length: 8 << 20 }, () => next())] }];
  const before = await write(columns, { level: 6 });
  for (let turn = 0; turn < 2; turn++) {
    const error = await fails(() => write(large, { level: 22, workers: 0 }), ['internal', 'out-of-memory']);
    assert.ok(error.message.length > 10, error.message);
    assert.deepEqual(await write(columns, { level: 6 }), before);
    assert.deepEqual(await write(columns, { rowGroupRows: 100 }), bytes);
  }
});
