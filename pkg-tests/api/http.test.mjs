/** Servers that misbehave. What each does is in support/server.mjs. */

import { assert, fixture, isBrowser, ncf, serverUrl, test } from '#harness';

import { contents, fails, random } from './util.mjs';

const { open } = ncf;

/** A file of 12 KB; where the first request is small its columns need requests of their own. */
const NAME = 'v10_zstd3';
const SMALL = { tailBytes: 2048, readAheadBytes: 2048 };

let sessions = 0;

async function served(behaviour) {
  const session = `http-${behaviour}-${sessions++}-${Math.random().toString(36).slice(2)}`;
  const base = await serverUrl();
  return {
    url: `${base}/http/${behaviour}/${session}/${NAME}.ncf`,
    log: async () => (await fetch(`${base}/log/${session}`)).json(),
    put: (body) => fetch(`${base}/put/${session}`, { method: 'PUT', body }),
  };
}

const urlOf = async (behaviour) => (await served(behaviour)).url;
const expected = async () => (await (await open((await fixture(NAME)).bytes)).read()).columns.map(contents);

/** Checks that the file is read as it is. */
async function reads(url, options) {
  const file = await open(url, options);
  assert.deepEqual((await file.read()).columns.map(contents), await expected());
  return file;
}

/** Behaviour, options, code, status; what opening must end with. */
const REFUSED = [
  ['not-found', {}, 'source', 404],
  ['forbidden', {}, 'source', 403],
  ['suffix-403', {}, 'source', 403],
  ['ignores-range', { fetch: { onRangeIgnored: 'error' } }, 'range-unsupported', 200],
  ['ignores-range', { fetch: { maxDownloadBytes: 12_000 } }, 'limit-exceeded', 200],
  ['never-ends', { fetch: { maxDownloadBytes: 1_000_000 } }, 'limit-exceeded', 200],
  ['short', SMALL, 'range-unsupported', 206],
  ['shifted', SMALL, 'range-unsupported', 206],
  ['no-content-range', SMALL, 'range-unsupported', 206],
  ['refuses-range', {}, 'range-unsupported', 416],
  ['grows', SMALL, 'source-changed', undefined],
];

for (const [behaviour, options, code, status] of REFUSED) {
  test(`${behaviour} ${JSON.stringify(options)}: ${code}`, async () => {
    const url = await urlOf(behaviour);
    await fails(() => open(url, options), code, { source: url, ...(status && { status }) });
  });
}

/** Behaviour, code, status; opening succeeds, or fails alike where it needs a second request. */
const REFUSED_LATER = [
  ['ignores-range-later', 'range-unsupported', 200],
  ['short-later', 'range-unsupported', 206],
  ['shifted-later', 'range-unsupported', 206],
  ['fails-later', 'source', 503],
  ['refuses-range-later', 'source-changed', 416],
  ['etag-changes', 'source-changed', 206],
  ['date-changes', 'source-changed', 206],
  ['breaks-off', 'source', undefined],
];

for (const [behaviour, code, status] of REFUSED_LATER) {
  test(`${behaviour}: ${code}`, async () => {
    const url = await urlOf(behaviour);
    await fails(async () => (await open(url, SMALL)).read(), code, { source: url, ...(status && { status }) });
  });
}

/** Behaviour and options with which all is well. */
const FINE = [
  ['good', {}],
  ['good', SMALL],
  ['good', { tailBytes: 0, readAheadBytes: 0 }],
  ['same-etag', SMALL],
  ['refuses-head', SMALL],
  ['ignores-range', {}],
  ['ignores-range', { ...SMALL, fetch: { onRangeIgnored: 'download' } }],
  ['no-content-range', {}],
  ['unknown-size', {}],
  ['unknown-size', SMALL],
];

for (const [behaviour, options] of FINE) {
  test(`${behaviour} ${JSON.stringify(options)}: is read`, async () => {
    await reads(await urlOf(behaviour), options);
  });
}

/** Behaviour, options, and the ranges that opening must ask for. */
const WITHOUT_SUFFIX = [
  ['suffix-400', {}, ['-131072', '0-131071']],
  ['suffix-416', {}, ['-131072', '0-131071']],
  ['suffix-501', {}, ['-131072', '0-131071']],
  ['suffix-416-total', {}, ['-131072', '0-12415']],
  ['suffix-ignored', {}, ['-131072']],
  ['suffix-ignored', { fetch: { onRangeIgnored: 'error' } }, ['-131072', '0-131071']],
  ['suffix-501', { fetch: { byteLength: 12_416 } }, ['-131072', '0-12415']],
  // The size, the end, which is not that of version 2, and what legacy files start with.
  ['suffix-501', SMALL, ['-2048', '0-2047', '10368-12415']],
  ['suffix-416-total', SMALL, ['-2048', '10368-12415', '0-2047']],
];

for (const [behaviour, options, ranges] of WITHOUT_SUFFIX) {
  test(`${behaviour} ${JSON.stringify(options)}: is read, after ${ranges.length} requests`, async () => {
    assert.equal((await fixture(NAME)).bytes.length, 12_416);
    const { url, log } = await served(behaviour);
    const file = await open(url, options);
    assert.deepEqual((await log()).map(({ headers }) => headers.range).slice(0, ranges.length), ranges.map((range) => `bytes=${range}`));
    assert.deepEqual((await file.read()).columns.map(contents), await expected());
  });
}

test('a large file whose server ignores ranges from the end only is not downloaded', async () => {
  const next = random(1);
  const bytes = await ncf.write({ noise: Uint32Array.from({ length: 300_000 }, next) });
  assert.ok(bytes.length > 1_100_000, `${bytes.length} bytes`);
  const { url, log, put } = await served('suffix-ignored');
  await put(bytes);
  const file = await open(url);
  assert.deepEqual((await log()).map(({ headers }) => headers.range), ['bytes=-131072', 'bytes=0-131071', `bytes=${bytes.length - 131072}-${bytes.length - 1}`]);
  assert.equal(file.numRows, 300_000);
});

test('a page asks the server of another origin for the first bytes, which needs no permission', async () => {
  const { url, log } = await served('other-origin');
  const other = url.replace('127.0.0.1', 'localhost');
  assert.ok(other !== url);
  await reads(other, SMALL);
  const requests = await log();
  assert.ok(requests.every(({ method }) => method === 'GET'));
  assert.equal(requests[0].headers.range, isBrowser ? 'bytes=0-2047' : 'bytes=-2048');
});

test('a size that the caller knows replaces Content-Range', async () => {
  const { bytes } = await fixture(NAME);
  for (const behaviour of ['no-content-range', 'unknown-size']) {
    await reads(await urlOf(behaviour), { ...SMALL, fetch: { byteLength: bytes.length } });
  }
  const url = await urlOf('no-content-range');
  await fails(() => reads(url, { ...SMALL, fetch: { byteLength: bytes.length + 1 } }), ['range-unsupported', 'truncated', 'corrupt', 'source-changed']);
});

test('an empty file is no NCF file', async () => {
  await fails(async () => open(await urlOf('empty')), ['not-ncf', 'truncated']);
});

test('a server that hangs up', async () => {
  const url = await urlOf('hangs-up');
  const error = await fails(() => open(url), 'source', { source: url });
  assert.ok(error.cause instanceof TypeError, String(error.cause));
});

test('a failure is no end: the next read of the same file succeeds', async () => {
  let isDown = false;
  const fetcher = (...args) => (isDown ? Promise.reject(new TypeError('down')) : fetch(...args));
  const file = await open(await urlOf('good'), { ...SMALL, fetch: { fetch: fetcher } });
  isDown = true;
  await fails(() => file.read(), 'source');
  isDown = false;
  assert.deepEqual((await file.read()).columns.map(contents), await expected());
});

test('custom fetch, headers and init', async () => {
  const { url, log } = await served('good');
  const calls = [];
  const custom = (...args) => {
    calls.push(args);
    return fetch(...args);
  };
  await reads(url, { ...SMALL, fetch: { fetch: custom, requestInit: { headers: { 'X-Token': 'secret' }, cache: 'no-store' } } });
  const requests = await log();
  assert.equal(calls.length, requests.length);
  assert.ok(requests.length >= 2);
  for (const { headers } of requests) assert.deepEqual([headers['x-token'], headers.range.slice(0, 6)], ['secret', 'bytes=']);
  for (const [address, init] of calls) assert.deepEqual([String(address), init.cache], [url, 'no-store']);
  const other = await served('good');
  await reads(other.url, { ...SMALL, fetch: { requestInit: { headers: new Headers([['X-Token', 'a']]) } } });
  assert.deepEqual((await other.log()).map(({ headers }) => headers['x-token']), (await other.log()).map(() => 'a'));
  await reads(new URL(url), {});
});

test("a fetch's own failure is the cause", async () => {
  const cause = new Error('offline');
  const error = await fails(() => open('https://example.invalid/x.ncf', { fetch: { fetch: () => Promise.reject(cause) } }), 'source');
  assert.equal(error.cause, cause);
});

/** Checks that the call rejects with that very reason. */
async function abortsWith(promise, reason) {
  await promise.then(() => assert.fail('was not aborted'), (error) => assert.equal(error, reason));
}

test('abort: before, while waiting for the headers or the body', async () => {
  const reason = new Error('enough');
  const { url, log } = await served('good');
  await abortsWith(open(url, { signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual(await log(), []);

  for (const behaviour of ['stalls', 'stalls-later']) {
    const stalled = await served(behaviour);
    const controller = new AbortController();
    const reading = open(stalled.url, { ...SMALL, signal: controller.signal }).then((file) => file.read({ signal: controller.signal }));
    const count = behaviour === 'stalls' ? 1 : 2;
    while ((await stalled.log()).length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(reason);
    await abortsWith(reading, reason);
  }
});

test('abort: between columns', async () => {
  const reason = { any: 'reason' };
  const { bytes } = await fixture('v10_wide200');
  for (const source of [bytes, new Blob([bytes])]) {
    const file = await open(source);
    const controller = new AbortController();
    let decoded = 0;
    const onProgress = ({ phase }) => {
      if (phase === 'decode' && ++decoded === 3) controller.abort(reason);
    };
    await abortsWith(file.read({ signal: controller.signal, onProgress }), reason);
    assert.equal(decoded, 3);
    assert.equal((await file.read()).columns.length, 200);
  }
});

test('an abort from outside gets its turn while many columns are decoded', async () => {
  const reason = new Error('stop');
  const file = await open((await fixture('v10_wide200')).bytes);
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason));
  const often = async () => {
    for (let count = 0; count < 20; count++) await file.read({ signal: controller.signal });
  };
  await abortsWith(often(), reason);
});

test('abort: while verifying', async () => {
  const reason = new Error('enough');
  const file = await open(new Blob([(await fixture(NAME)).bytes]));
  await abortsWith(file.verify({ signal: AbortSignal.abort(reason) }), reason);
  assert.ok((await file.verify()).ok);
});
