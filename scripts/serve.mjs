/**
 * A small static server for the demo page and the browser tests: right media types, byte ranges,
 * ETags, nothing outside of its folders. Run as a program it builds the package if needed and
 * serves the demo on this machine only.
 */

import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { build } from './build.mjs';
import { dist, inRoot } from './lib/paths.mjs';
import { main } from './lib/process.mjs';

/** The folders of the demo by the URL path under which they are served. */
export const demoRoots = { '/': inRoot('www'), '/dist/': dist, '/samples/': inRoot('www', 'samples') };

const HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
const PORTS_TO_TRY = 100;

/** @type {Record<string, string>} */
const MEDIA_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/**
 * @typedef {object} ServeOptions
 * @property {number} [port] 0, the default, means any free port
 * @property {Record<string, string>} [roots] folders by URL path; the longest path that fits wins
 * @property {Record<string, string>} [headers] sent with every answer
 */

/**
 * Serves folders on 127.0.0.1.
 * @param {ServeOptions} [options]
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>} `url` ends with a slash
 */
export async function serve({ port = 0, roots = demoRoots, headers = {} } = {}) {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    answer(request, response, roots).catch((error) => {
      // A client that goes away in the middle of a file is its own affair.
      if (error?.code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500);
    });
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => resolve(undefined));
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${HOST}:${bound}/`,
    port: bound,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {Record<string, string>} roots
 */
async function answer(request, response, roots) {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(response, 405);
  }
  const path = decodePath(request.url ?? '/');
  if (path === undefined) return refuse(response, 400);
  const file = await findFile(path, roots);
  if (file === undefined) return refuse(response, 404);
  if ('redirect' in file) {
    response.setHeader('Location', encodeURI(file.redirect));
    return refuse(response, 301);
  }

  const etag = `"${file.size.toString(16)}-${Math.trunc(file.modified * 1000).toString(16)}"`;
  response.setHeader('ETag', etag);
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Cache-Control', 'no-cache');
  if (listsEtag(request.headers['if-none-match'], etag)) {
    response.writeHead(304).end();
    return;
  }

  response.setHeader('Content-Type', MEDIA_TYPES[extname(file.path)] ?? 'application/octet-stream');
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? parseRange(request.headers.range, file.size) : undefined;
  if (range === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${file.size}`);
    return refuse(response, 416);
  }
  const { start, end } = range ?? { start: 0, end: file.size };
  if (range) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${file.size}`);
  response.setHeader('Content-Length', end - start);
  response.writeHead(range ? 206 : 200);
  if (request.method === 'HEAD' || start === end) response.end();
  else await pipeline(createReadStream(file.path, { start, end: end - 1 }), response);
}

/**
 * The path of a request's URL; undefined if it is malformed.
 * @param {string} url
 */
function decodePath(url) {
  try {
    const path = decodeURIComponent(url.replace(/[?#].*$/s, ''));
    return path.startsWith('/') && !path.includes('\0') ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} path
 * @param {Record<string, string>} roots
 * @returns {Promise<{ path: string, size: number, modified: number } | { redirect: string } | undefined>}
 */
async function findFile(path, roots) {
  // No name in our folders needs these, so that they can only be an attempt to leave them.
  if (path.split(/[/\\]/).includes('..')) return undefined;
  const mount = Object.keys(roots)
    .filter((prefix) => path.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  const folder = mount === undefined ? undefined : roots[mount];
  if (mount === undefined || folder === undefined) return undefined;
  try {
    const top = await realpath(folder);
    const wanted = join(top, path.slice(mount.length));
    const found = await stat(wanted);
    if (found.isDirectory() && !path.endsWith('/')) return { redirect: `${path.replace(/^\/+/, '/')}/` };
    const real = await realpath(found.isDirectory() ? join(wanted, 'index.html') : wanted);
    // A symbolic link must not lead out either.
    if (!real.startsWith(top + sep)) return undefined;
    const { size, mtimeMs } = await stat(real);
    return { path: real, size, modified: mtimeMs };
  } catch {
    return undefined;
  }
}

/**
 * @param {string | undefined} header the request's If-None-Match
 * @param {string} etag
 */
function listsEtag(header, etag) {
  const listed = header?.split(',').map((item) => item.trim().replace(/^W\//, '')) ?? [];
  return listed.includes('*') || listed.includes(etag);
}

/**
 * Understands one range. Several ranges, or what is no byte range, count as no range at all, which
 * HTTP allows: the whole file is sent.
 * @param {string | undefined} header
 * @param {number} size of the file
 * @returns {{ start: number, end: number } | 'unsatisfiable' | undefined} half-open
 */
export function parseRange(header, size) {
  const match = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/.exec(header ?? '');
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 */
function refuse(response, status) {
  response.removeHeader('Content-Length');
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${status}\n`);
}

/** Serves the demo on PORT, or else on the first free port from 8080. */
async function serveDemo() {
  const chosen = process.env.PORT;
  if (chosen) return serve({ port: Number(chosen) });
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + PORTS_TO_TRY; port += 1) {
    try {
      return await serve({ port });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }
  return serve();
}

if (import.meta.filename === process.argv[1]) {
  await main(async () => {
    await build();
    const { url } = await serveDemo();
    console.log(`The demo is at ${url} (Ctrl-C ends it)`);
  });
}
