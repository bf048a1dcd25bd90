/** Levels of ZSTD, of which those from 5 on are a module of their own. */

import { assert, isBrowser, ncf, test } from '#harness';

import { everyType, fails, random } from './util.mjs';

const { append, convert, NcfWriter, open, write, writeSync } = ncf;

await ncf.init({ full: true });

/** Words in no order, which later levels find more in. */
function words(rows, seed) {
  const next = random(seed);
  return Array.from({ length: rows }, () => Array.from({ length: 12 }, () => (next() % 400).toString(26)).join(' '));
}

const table = [...everyType(600, 4), { name: 'words', type: 'string', data: words(600, 5) }];

test('synchronous calls tell a browser to load the module; those of Node load it', async () => {
  const quick = writeSync(table, { level: 4 });
  if (isBrowser) {
    const error = await fails(() => writeSync(table, { level: 5 }), 'wasm-init');
    assert.ok(error.message.includes('thorough.wasm'), error.message);
    await fails(() => writeSync(table, { level: 22, dialect: 'python-1.0' }), 'wasm-init');
    // What was under way then does not show in what follows.
    assert.deepEqual(writeSync(table, { level: 4 }), quick);
    // Levels of another codec, or of none, need nothing.
    writeSync(table, { level: 9, compression: 'none' });
    await ncf.init({ thorough: true });
  }
  assert.deepEqual(writeSync(table, { level: 5 }), await write(table, { level: 5 }));
});

test('every level is read back, in every dialect', async () => {
  const sizes = [];
  for (let level = 1; level <= 22; level++) {
    const bytes = await write(table, { level, verify: true });
    sizes.push(bytes.length);
    assert.deepEqual(bytes, writeSync(table, { level }));
  }
  for (const level of [1, 5, 22]) {
    const legacy = await write([{ name: 'words', data: words(600, 5) }], { level, dialect: 'rust-2.0' });
    assert.deepEqual((await (await open(legacy)).read()).column('words', 'string').toArray(), words(600, 5), `${level}`);
  }
  assert.ok(Math.min(...sizes.slice(15)) < Math.min(...sizes.slice(0, 4)), sizes.join());
});

test('writers, appending and conversion take them, too', async () => {
  const writer = await NcfWriter.open('bytes', { level: 12, rowGroupRows: 600 });
  await writer.write(table);
  const { bytes } = await writer.finish();
  assert.deepEqual(bytes, await write(table, { level: 12, rowGroupRows: 600 }));
  const { bytes: longer } = await append(bytes, table, { level: 7 });
  assert.equal((await (await open(longer)).read()).numRows, 1200);
  const text = await write([{ name: 'words', data: words(600, 5) }], { level: 12 });
  const { bytes: converted } = await convert(text, { level: 22, dialect: 'rust-2.0', lossy: true });
  assert.deepEqual((await (await open(converted)).read()).column('words', 'string').toArray(), words(600, 5));
});
