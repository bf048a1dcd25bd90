/** The one error class, its codes, and what is exported. */

import { assert, fixture, isBrowser, ncf, serverUrl, test, wasmBytes } from '#harness';

import { fails } from './util.mjs';

// The first test of the file: nothing has loaded the wasm yet.
test('sync calls before init', async () => {
  const { bytes } = await fixture('v20_basic');
  if (!isBrowser) return void assert.equal(ncf.openSync(bytes).numRows, 4);
  await fails(() => ncf.openSync(bytes), 'wasm-init');
  await fails(() => ncf.writeSync({ a: [1] }, { dialect: 'rust-2.0' }), 'wasm-init');
  await fails(() => ncf.initSync(), 'wasm-init');
  ncf.initSync({ reader: await wasmBytes('reader') });
  const error = await fails(() => ncf.openSync(bytes), 'wasm-init');
  assert.ok(error.message.includes('init({ legacy: true })'), error.message);
  ncf.initSync({ legacy: await wasmBytes('legacy') });
  assert.equal(ncf.openSync(bytes).numRows, 4);
  await fails(() => ncf.writeSync({ a: [1] }, { dialect: 'rust-2.0' }), 'wasm-init');
  return undefined;
});

test('a failed load is an error, and is tried again by the next call', async () => {
  // Only the reading module is loaded so far.
  await fails(() => ncf.init({ full: new Uint8Array([0, 1, 2, 3]) }), 'wasm-init');
  await fails(() => ncf.init({ full: `${base}/http/not-found/wasm/v20_basic.ncf` }), 'wasm-init');
  await fails(() => ncf.init({ full: Promise.reject(new Error('no')) }), 'wasm-init');
  await fails(() => ncf.init({ full: new Response('', { status: 404 }) }), 'wasm-init');
  await fails(() => ncf.initSync({ full: new Uint8Array(8) }), 'wasm-init');
  await Promise.all([ncf.init({ full: new Response(await wasmBytes('full')) }), ncf.init({ full: true }), ncf.init()]);
  ncf.initSync({ full: new Uint8Array(), reader: new Uint8Array() });
  assert.ok(ncf.writeSync({ a: [1] }, { dialect: 'rust-2.0' }).length > 100);
});

const base = await serverUrl();

test('errors are NcfErrors, which are Errors', async () => {
  const { bytes } = await fixture('bad_magic');
  const error = await fails(() => ncf.open(bytes), 'not-ncf');
  assert.ok(error instanceof Error);
  assert.deepEqual([error.name, Object.prototype.toString.call(error)], ['NcfError', '[object Error]']);
  assert.ok(error.message.length > 10 && error.stack.includes(error.message) && error.stack.includes('NcfError'));
  assert.equal(String(error), `NcfError: ${error.message}`);
  assert.ok(ncf.ERROR_CODES.includes(error.code));
});

test('errors say where', async () => {
  const { bytes } = await fixture('v10_zstd3');
  const file = await ncf.open(bytes);
  const { chunks } = await file.layout();
  const damaged = bytes.slice();
  damaged[chunks[1].start] ^= 255;
  const hurt = await ncf.open(damaged, { verify: false });
  await fails(() => hurt.read(), 'corrupt', { column: chunks[1].column, offset: chunks[1].start });
  assert.equal((await hurt.read({ columns: [chunks[0].column] })).numRows, 500);
  const header = bytes.slice();
  new DataView(header.buffer).setUint32(12, 0xffffffff, true);
  await fails(() => ncf.open(header), ['corrupt', 'truncated'], { section: 'header' });
  const blob = new File([bytes.slice(0, 40)], 'some.ncf');
  const error = await fails(() => ncf.open(blob), 'truncated');
  assert.ok(error.source === undefined || error.source === 'some.ncf');
});

test('a thrown error can be made by hand', () => {
  const cause = new Error('why');
  const error = new ncf.NcfError('corrupt', 'text', { column: 'c', offset: 5, section: 'data', status: 404, source: 'u', cause });
  assert.deepEqual([error.code, error.message, error.column, error.offset, error.section, error.status, error.source, error.cause], ['corrupt', 'text', 'c', 5, 'data', 404, 'u', cause]);
  const plain = new ncf.NcfError('corrupt', 'text');
  assert.deepEqual(['column', 'offset', 'section', 'status', 'source', 'cause'].filter((key) => key in plain), []);
});

test('codes and types never change', () => {
  assert.deepEqual(ncf.ERROR_CODES, [
    'not-ncf', 'unsupported-version', 'unsupported-feature', 'truncated', 'corrupt', 'checksum-mismatch', 'limit-exceeded', 'unknown-column',
    'type-mismatch', 'invalid-argument', 'unsafe-value', 'sink', 'source', 'range-unsupported', 'source-changed', 'wasm-init', 'out-of-memory', 'closed', 'internal',
  ]);
  assert.deepEqual(ncf.DATA_TYPES, ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float32', 'float64', 'string', 'binary', 'boolean', 'date', 'timestamp', 'decimal']);
  assert.deepEqual(ncf.DIALECTS, ['ncf-2', 'python-1.0', 'python-1.1', 'rust-2.0']);
  assert.deepEqual(ncf.TIME_UNITS, ['s', 'ms', 'us', 'ns']);
});

test('nothing else is exported', () => {
  assert.deepEqual(Object.keys(ncf).sort(), ['Column', 'DATA_TYPES', 'DIALECTS', 'ERROR_CODES', 'NcfError', 'NcfWriter', 'SEMANTIC_TYPES', 'TIME_UNITS', 'Table', 'WARNING_CODES', 'append', 'convert', 'evolve', 'init', 'initSync', 'open', 'openSync', 'write', 'writeRows', 'writeSync']);
});
