/**
 * Serves folders, and files in all the wrong ways: `/http/<behaviour>/<session>/<fixture>`. What is put to
 * `/put/<session>` is served in place of the fixture. What was asked for is at `/log/<session>`. Node's tests start it themselves; the browser's page comes from it.
 */

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

import { fixtures } from './paths.mjs';

const MEDIA_TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/**
 * @typedef {object} Exchange
 * @property {import('node:http').ServerResponse} response
 * @property {Buffer} bytes of the file
 * @property {{ start: number, end: number } | undefined} range half-open
 * @property {number} count of this session's requests, from 1
 * @property {import('node:http').IncomingMessage} request
 */

/**
 * A proper answer, but for what is overridden.
 * @param {Exchange} exchange
 * @param {{ headers?: Record<string, string>, body?: Buffer, status?: number, without?: string }} [more]
 */
function answer({ response, bytes, range }, { headers = {}, body, status, without } = {}) {
  const start = range?.start ?? 0;
  const end = Math.min(range?.end ?? bytes.length, bytes.length);
  const all = {
    'Accept-Ranges': 'bytes',
    ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}` }),
    ...headers,
  };
  if (without) delete all[without];
  const content = body ?? bytes.subarray(start, end);
  response.writeHead(status ?? (range ? 206 : 200), { 'Content-Length': String(content.length), ...all });
  response.end(content);
}

/** Does something else where the range counts from the end. @type {(bad: (exchange: Exchange) => void) => (exchange: Exchange) => void} */
const atSuffix = (bad) => (exchange) => (exchange.request.headers.range?.startsWith('bytes=-') ? bad(exchange) : answer(exchange));

/** @type {(status: number, headers?: Record<string, string>) => (exchange: Exchange) => void} */
const refusal = (status, headers = {}) => (exchange) => answer({ ...exchange, range: undefined }, { status, headers, body: Buffer.alloc(0) });

const whole = (/** @type {Exchange} */ exchange) => answer({ ...exchange, range: undefined });

/** @param {Exchange} exchange */
function stall({ response, bytes }, status = 206) {
  response.writeHead(status, { 'Content-Range': `bytes 0-${bytes.length - 1}/${bytes.length}` });
  response.write(bytes.subarray(0, 10));
}

const later = (/** @type {(exchange: Exchange) => void} */ bad) => (/** @type {Exchange} */ exchange) =>
  exchange.count === 1 ? answer(exchange) : bad(exchange);

/** @type {(shift: number) => (exchange: Exchange) => void} */
const shifted = (shift) => (exchange) => {
  const { start = 0, end = 0 } = exchange.range ?? {};
  answer(exchange, { headers: { 'Content-Range': `bytes ${start + shift}-${end + shift - 1}/${exchange.bytes.length}` } });
};

const short = (/** @type {Exchange} */ exchange) => {
  const { start = 0, end = 0 } = exchange.range ?? {};
  answer(exchange, { body: exchange.bytes.subarray(start, Math.min(end, exchange.bytes.length) - 1) });
};

/** @type {Record<string, (exchange: Exchange) => void>} */
const BEHAVIOURS = {
  'good': answer,
  'not-found': (exchange) => answer({ ...exchange, range: undefined }, { status: 404, body: Buffer.from('nothing here') }),
  'forbidden': (exchange) => answer({ ...exchange, range: undefined }, { status: 403, body: Buffer.alloc(0) }),
  'refuses-head': (exchange) => (exchange.request.method === 'HEAD' ? answer(exchange, { status: 403 }) : answer(exchange)),
  'ignores-range': whole,
  'ignores-range-later': later(whole),
  'fails-later': later((exchange) => answer({ ...exchange, range: undefined }, { status: 503, body: Buffer.alloc(0) })),
  short,
  'short-later': later(short),
  'shifted': shifted(1),
  'shifted-later': later(shifted(1)),
  'no-content-range': (exchange) => answer(exchange, { without: 'Content-Range' }),
  'unknown-size': (exchange) => answer(exchange, { headers: { 'Content-Range': `bytes ${exchange.range?.start}-${(exchange.range?.end ?? 0) - 1}/*` } }),
  'same-etag': (exchange) => answer(exchange, { headers: { ETag: '"1"' } }),
  'etag-changes': (exchange) => answer(exchange, { headers: { ETag: `"${exchange.count}"` } }),
  'date-changes': (exchange) => answer(exchange, { headers: { 'Last-Modified': new Date(exchange.count * 1000).toUTCString() } }),
  'grows': (exchange) => {
    const bytes = Buffer.concat([exchange.bytes, Buffer.alloc(exchange.count)]);
    answer({ ...exchange, bytes, range: rangeOf(exchange.request, bytes.length) });
  },
  'refuses-range-later': later((exchange) => answer(exchange, { status: 416, headers: { 'Content-Range': `bytes */${exchange.bytes.length}` }, body: Buffer.alloc(0) })),
  'empty': (exchange) => answer(exchange, { status: 416, headers: { 'Content-Range': 'bytes */0' }, body: Buffer.alloc(0) }),
  'refuses-range': (exchange) => answer(exchange, { status: 416, headers: { 'Content-Range': `bytes */${exchange.bytes.length}` }, body: Buffer.alloc(0) }),
  'suffix-400': atSuffix(refusal(400)),
  'suffix-416': atSuffix(refusal(416)),
  'suffix-416-total': atSuffix((exchange) => refusal(416, { 'Content-Range': `bytes */${exchange.bytes.length}` })(exchange)),
  'suffix-501': atSuffix(refusal(501)),
  'suffix-ignored': atSuffix((exchange) => whole(exchange)),
  'suffix-403': atSuffix(refusal(403)),
  // What many servers allow to pages of others: reading, but no header that has to be asked for.
  'other-origin': (exchange) => {
    if (exchange.request.method === 'OPTIONS') refusal(403)(exchange);
    else answer(exchange, { headers: { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Content-Range' } });
  },
  'hangs-up': ({ response }) => response.destroy(),
  'stalls': (exchange) => stall(exchange),
  'stalls-later': later((exchange) => answer({ ...exchange, response: /** @type {any} */ ({ writeHead: (/** @type {any} */ ...args) => exchange.response.writeHead(...args), end: (/** @type {Buffer} */ body) => exchange.response.write(body.subarray(0, 1)) }) })),
  'breaks-off': later((exchange) => {
    const { start = 0, end = 0 } = exchange.range ?? {};
    exchange.response.writeHead(206, { 'Content-Range': `bytes ${start}-${end - 1}/${exchange.bytes.length}`, 'Content-Length': String(end - start) });
    exchange.response.write(exchange.bytes.subarray(start, start + 1), () => exchange.response.destroy());
  }),
  'never-ends': (exchange) => {
    exchange.response.writeHead(200);
    const more = () => { if (!exchange.response.destroyed) exchange.response.write(Buffer.alloc(65536), () => setImmediate(more)); };
    more();
  },
};

/**
 * The range that is asked for, within the file.
 * @param {import('node:http').IncomingMessage} request
 * @param {number} size
 */
function rangeOf(request, size) {
  const [, start, end] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (start === undefined || end === undefined) return undefined;
  if (start === '') return { start: Math.max(0, size - Number(end)), end: size };
  return { start: Number(start), end: Number(end) + 1 };
}

/** @param {import('node:http').IncomingMessage} request @param {(body: Buffer) => void} use */
function collect(request, use) {
  /** @type {Buffer[]} */
  const parts = [];
  request.on('data', (part) => parts.push(part)).on('end', () => use(Buffer.concat(parts)));
}

/**
 * @param {{ roots?: Record<string, string>, headers?: Record<string, string>, pages?: Record<string, () => string> }} [options]
 * folders by URL path, headers of every answer, and pages that are made on the spot
 */
export async function startServer({ roots = {}, headers = {}, pages = {} } = {}) {
  /** @type {Map<string, { method: string | undefined, headers: import('node:http').IncomingHttpHeaders }[]>} */
  const logs = new Map();
  /** @type {Map<string, Buffer>} files of tests that make their own, by session */
  const posted = new Map();

  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader('Cache-Control', 'no-store');
    const path = decodeURIComponent((request.url ?? '/').replace(/[?#].*$/s, ''));
    const [, kind, behaviour = '', session = '', name = ''] = path.split('/');
    if (kind === 'http' && BEHAVIOURS[behaviour]) {
      const log = logs.get(session) ?? [];
      logs.set(session, log);
      log.push({ method: request.method, headers: request.headers });
      const bytes = posted.get(session) ?? readFileSync(join(fixtures, name));
      BEHAVIOURS[behaviour]({ request, response, bytes, range: rangeOf(request, bytes.length), count: log.length });
    } else if (kind === 'put') {
      collect(request, (body) => {
        posted.set(behaviour, body);
        response.end();
      });
    } else if (kind === 'log') {
      response.end(JSON.stringify(logs.get(behaviour) ?? []));
    } else if (path === '/fixtures.json') {
      response.end(JSON.stringify(readdirSync(fixtures).sort()));
    } else {
      serveFile(path);
    }

    /** @param {string} path */
    function serveFile(path) {
      if (pages[path]) return response.setHeader('Content-Type', 'text/html').end(pages[path]());
      const mount = Object.keys(roots).find((prefix) => path.startsWith(prefix));
      const file = mount && !path.includes('..') ? join(roots[mount], path.slice(mount.length)) : undefined;
      if (!file || !statSync(file, { throwIfNoEntry: false })?.isFile()) return response.writeHead(404).end();
      response.setHeader('Content-Type', MEDIA_TYPES[/** @type {keyof typeof MEDIA_TYPES} */ (extname(file))] ?? 'application/octet-stream');
      return response.end(readFileSync(file));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    unref: () => server.unref(),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
