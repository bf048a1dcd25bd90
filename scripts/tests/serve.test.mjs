import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { parseRange, serve } from '../serve.mjs';

const top = mkdtempSync(join(tmpdir(), 'ncf-serve-'));
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;

before(async () => {
  mkdirSync(join(top, 'www', 'samples'), { recursive: true });
  mkdirSync(join(top, 'dist'));
  writeFileSync(join(top, 'secret.txt'), 'secret');
  writeFileSync(join(top, 'www', 'index.html'), '<p>demo');
  writeFileSync(join(top, 'www', 'samples', 'a b.ncf'), '0123456789');
  writeFileSync(join(top, 'www', 'empty.txt'), '');
  writeFileSync(join(top, 'dist', 'full.wasm'), '\0asm');
  symlinkSync(join(top, 'secret.txt'), join(top, 'www', 'link.txt'));
  server = await serve({ roots: { '/': join(top, 'www'), '/dist/': join(top, 'dist') }, headers: { 'X-Test': 'yes' } });
});

after(async () => {
  await server.close();
  rmSync(top, { recursive: true });
});

/**
 * @param {string} path
 * @param {RequestInit} [options]
 */
async function get(path, options) {
  const response = await fetch(new URL(path, server.url), { redirect: 'manual', ...options });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test('files come with their media types', async () => {
  const index = await get('/');
  assert.equal(index.text, '<p>demo');
  assert.equal(index.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(index.headers.get('x-test'), 'yes');
  assert.equal((await get('/dist/full.wasm?v=1')).headers.get('content-type'), 'application/wasm');
  assert.equal((await get('/samples/a%20b.ncf')).headers.get('content-type'), 'application/octet-stream');
  const empty = await get('/empty.txt');
  assert.deepEqual([empty.status, empty.text], [200, '']);
});

test('ranges are served', async () => {
  const ranged = (/** @type {string} */ range, headers = {}) => get('/samples/a%20b.ncf', { headers: { range, ...headers } });
  const middle = await ranged('bytes=2-4');
  assert.deepEqual([middle.status, middle.text, middle.headers.get('content-range')], [206, '234', 'bytes 2-4/10']);
  assert.equal(middle.headers.get('content-length'), '3');
  const suffix = await ranged('bytes=-3');
  assert.deepEqual([suffix.status, suffix.text, suffix.headers.get('content-range')], [206, '789', 'bytes 7-9/10']);
  assert.equal((await ranged('bytes=8-')).text, '89');
  assert.equal((await ranged('bytes=8-99')).text, '89');
  const beyond = await ranged('bytes=10-');
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */10']);
  assert.equal((await ranged('bytes=0-1,4-5')).status, 200);

  const etag = middle.headers.get('etag') ?? '';
  assert.equal((await ranged('bytes=2-4', { 'if-range': etag })).status, 206);
  assert.equal((await ranged('bytes=2-4', { 'if-range': '"other"' })).text, '0123456789');
  assert.equal((await get('/samples/a%20b.ncf', { headers: { 'if-none-match': etag } })).status, 304);
  const head = await get('/samples/a%20b.ncf', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text, head.headers.get('content-length')], [200, '', '10']);
});

test('ranges are understood', () => {
  assert.deepEqual(parseRange('bytes=0-0', 10), { start: 0, end: 1 });
  assert.deepEqual(parseRange('bytes=-20', 10), { start: 0, end: 10 });
  assert.equal(parseRange('bytes=-0', 10), 'unsatisfiable');
  assert.equal(parseRange('bytes=0-', 0), 'unsatisfiable');
  assert.equal(parseRange('bytes=-1', 0), 'unsatisfiable');
  for (const header of [undefined, '', 'bytes=', 'bytes=-', 'bytes=4-2', 'bytes=a-b', 'rows=1-2']) {
    assert.equal(parseRange(header, 10), undefined);
  }
});

test('nothing outside of the folders is served', async () => {
  assert.equal((await get('/link.txt')).status, 404);
  assert.equal((await get('/nothing')).status, 404);
  assert.equal((await get('/%00')).status, 400);
  assert.equal((await get('/%zz')).status, 400);
  // fetch resolves dots itself, so these go out as they are.
  for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/..\\secret.txt', '/dist/../../secret.txt', '//../secret.txt']) {
    assert.match(await raw(`GET ${path} HTTP/1.1`), /^HTTP\/1\.1 404/, path);
  }
  assert.match(await raw('POST / HTTP/1.1'), /^HTTP\/1\.1 405/);
});

test('folders end with a slash', async () => {
  const folder = await get('/samples');
  assert.deepEqual([folder.status, folder.headers.get('location')], [301, '/samples/']);
  assert.equal((await get('/samples/')).status, 404);
});

/**
 * The answer to a request line.
 * @param {string} line
 * @returns {Promise<string>}
 */
function raw(line) {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`));
    let text = '';
    socket.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text)).on('error', reject);
  });
}
