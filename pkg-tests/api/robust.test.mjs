/** Nothing that a file or a caller does hurts later calls: traps, hostile bytes, concurrency. */

import { assert, fixture, fixtures, ncf, test, wasmBytes } from '#harness';

import { bomb, MAX_PAGES, memories, PAGE, trapLegacy, withMemoryLimit } from './limited.mjs';
import { BLAMELESS, contents, fails, random, said } from './util.mjs';

const { open, openSync } = ncf;

const memoryBytes = () => memories.at(-1).buffer.byteLength;

await ncf.init({ reader: withMemoryLimit(await wasmBytes('reader')), legacy: withMemoryLimit(await wasmBytes('legacy')) });

test('a frame that unpacks to a lot is refused by the limit, and read where it is allowed', async () => {
  const file = await open(bomb(16), { verify: false, limits: { maxColumnBytes: 1 << 20 } });
  await fails(() => file.read(), 'limit-exceeded', { column: 'c' });
  const table = await (await open(bomb(16), { verify: false })).read();
  assert.deepEqual([table.numRows, table.column('c').get(0)], [16 * 131072 / 8, 0x0707070707070707n]);
});

test('after a trap the instance is dropped, and everything works again', async () => {
  const { bytes } = await fixture('v10_seed_10k');
  const others = [await open(bytes), await open(new Blob([bytes])), openSync(bytes)];
  const before = (await others[0].read()).columns.map(contents);
  const instances = memories.length;
  const file = await open(bomb(4096), { verify: false, limits: { maxColumnBytes: 2 ** 40 } });
  const error = await fails(() => file.read(), ['internal', 'out-of-memory', 'limit-exceeded']);
  assert.ok(error.code !== 'limit-exceeded', 'the bomb must get past the limit, or this test shows nothing');
  assert.ok(error.cause instanceof WebAssembly.RuntimeError || error.cause instanceof RangeError, String(error.cause));
  assert.ok(memories.length === instances, 'nothing was made before it is needed');

  for (const other of others) assert.deepEqual((await other.read()).columns.map(contents), before);
  assert.ok(memories.length === instances + 1, 'one new instance');
  assert.ok(memoryBytes() < 32 * 2 ** 20, 'the new memory is small again');
  assert.deepEqual(others[2].readSync().columns.map(contents), before);
  assert.ok((await others[1].verify()).ok);
  assert.ok((await others[0].layout()).chunks.length > 0);
  await fails(() => file.read(), error.code);
  await file.close();
  for (const other of others) await other.close();
  assert.deepEqual((await (await open(bytes)).read()).columns.map(contents), before);
});

/** Calls that are under way while another call traps, and what they must give. */
const UNDER_WAY = {
  read: async (blob) => (await (await open(blob, { tailBytes: 100, coalesceBytes: 0 })).read()).columns.map(contents),
  open: async (blob) => (await open(blob)).schema,
  verify: async (blob) => (await open(blob)).verify(),
  layout: async (blob) => (await open(blob)).layout(),
};

for (const [name, call] of Object.entries(UNDER_WAY)) {
  test(`a trap does not hurt a ${name} that is under way`, async () => {
    const { bytes } = await fixture('v10_seed_10k');
    const expected = await call(new Blob([bytes]));
    let turn = 0;
    // Answers late enough for the trap to come in between, each time a little later.
    for (let late = 0; late < 8; late++) {
      const blob = new Blob([bytes]);
      const source = {
        byteLength: bytes.length,
        slice: async (start, end) => {
          turn += 1;
          if (turn === late) await trapLegacy();
          return blob.slice(start, end).arrayBuffer();
        },
      };
      turn = 0;
      assert.deepEqual(await call(source), expected, `trap before read ${late}`);
    }
  });
}

test('many reads of one file at once', async () => {
  const { bytes } = await fixture('v10_seed_10k');
  for (const source of [bytes, new Blob([bytes])]) {
    const file = await open(source, { tailBytes: 100, readAheadBytes: 0, coalesceBytes: 0 });
    const names = file.schema.columns.map(({ name }) => name);
    const all = (await file.read()).columns.map(contents);
    const reads = Array.from({ length: 24 }, (_, index) => file.read({ columns: [names[index % names.length]] }));
    const [verdict, layout, ...tables] = await Promise.all([file.verify(), file.layout(), ...reads]);
    assert.ok(verdict.ok && layout.chunks.length === names.length);
    for (const [index, table] of tables.entries()) assert.deepEqual(contents(table.columns[0]), all[index % names.length]);
  }
});

test('many files at once', async () => {
  const names = fixtures.filter((name) => /^v(10|20)_/.test(name));
  const tables = await Promise.all(names.map(async (name) => (await open(new Blob([(await fixture(name)).bytes]))).read()));
  for (const [index, name] of names.entries()) {
    const alone = await (await open((await fixture(name)).bytes)).read();
    assert.deepEqual(tables[index].columns.map(contents), alone.columns.map(contents), name);
  }
});

const SMALL = ['v10_one_row', 'v10_groups', 'v10_pickle_binary', 'v10_pickle_bool', 'v10_pickle_date', 'v10_pickle_timestamp', 'v10_metadata_rich', 'v11_all_lost', 'v20_basic', 'v20_extremes', 'v20_double_write'];
const MUTATIONS = 200;

for (const [index, name] of SMALL.entries()) {
  test(`${name}: ${MUTATIONS} mutations are errors with a code, or change nothing`, async () => {
    const { bytes } = await fixture(name);
    const original = said(bytes, { salvage: true });
    const next = random(index + 1);
    const codes = new Set();
    for (let count = 0; count < MUTATIONS; count++) {
      const mutated = bytes.slice();
      const seed = `mutation ${count}`;
      for (let times = 1 + (next() % 3); times > 0; times--) mutated[next() % bytes.length] ^= 1 + (next() % 255);
      for (const options of [{ salvage: true }, { salvage: true, verify: false }]) {
        try {
          const now = said(mutated, options);
          if (options.verify !== false) assert.deepEqual(now, original, seed);
        } catch (error) {
          if (!(error instanceof ncf.NcfError)) throw error;
          assert.ok(BLAMELESS.includes(error.code), `${seed}: ${error.stack} ${error.cause?.stack}`);
          codes.add(error.code);
        }
      }
    }
    assert.ok(codes.has('checksum-mismatch'), [...codes].join());
    assert.ok(memoryBytes() <= MAX_PAGES * PAGE);
  });
}

test('every prefix of a file is an error with a code', async () => {
  for (const name of ['v10_one_row', 'v20_basic']) {
    const { bytes } = await fixture(name);
    for (let end = 0; end < bytes.length; end++) {
      await fails(() => said(bytes.subarray(0, end)), ['truncated', 'not-ncf', 'corrupt', 'checksum-mismatch']);
    }
  }
});

test('memory stays bounded over thousands of files', async () => {
  const { bytes } = await fixture('v10_seed_10k');
  const round = async (count) => {
    for (let index = 0; index < count; index++) {
      const file = await open(bytes);
      await file.read();
      await file.verify();
      await file.close();
    }
    return memoryBytes();
  };
  const instances = memories.length;
  const before = await round(20);
  assert.equal(await round(150), before);
  assert.equal(memories.length, instances, 'the same instance');
});
