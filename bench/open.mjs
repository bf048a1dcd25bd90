/**
 * Opens a file of 2,000 columns and 100 row groups, and reads one column of one row group: `npm run bench:open`.
 * Over HTTP from a server in a process of its own, and from a path; milliseconds are medians of fresh opens.
 * Writes its part of docs/benchmarks.md.
 */

import { fork } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { open as openPath } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

import { inRoot } from '../scripts/lib/paths.mjs';
import { main } from '../scripts/lib/process.mjs';
import { hashFiles, stampMatches, writeWhole } from '../scripts/lib/stamp.mjs';
import { native } from './native.mjs';
import { markdown, writePart } from './suite/document.mjs';
import { describeMachine } from './suite/machine.mjs';
import { spread } from './suite/measure.mjs';
import { installOurs } from './suite/peers.mjs';
import { folder } from './tables.mjs';

const WARM_UP = 20;
const OPENS = 50;
/** What the measurements must not exceed. */
const BARS = { open: { milliseconds: 10, requests: 2 }, read: { requests: 1, bytesBeyondChunk: 4096 } };

await main(async () => {
  const path = await ensureWide();
  const { entry } = await installOurs();
  const ncf = await import(String(pathToFileURL(entry)));
  await ncf.init();
  const server = fork(inRoot('bench', 'suite', 'server.mjs'), [path]);
  const url = await new Promise((resolve, reject) => {
    server.once('message', resolve);
    server.once('exit', () => reject(new Error('the server ended')));
  });
  try {
    await measure(ncf, path, url);
  } finally {
    server.disconnect();
  }
});

/**
 * @param {any} ncf the package's module
 * @param {string} path
 * @param {string} url
 */
async function measure(ncf, path, url) {

  const traffic = { requests: 0, bytes: 0 };
  /** @type {typeof fetch} */
  const counting = async (...request) => {
    const response = await fetch(...request);
    traffic.requests += 1;
    traffic.bytes += Number(response.headers.get('content-length'));
    return response;
  };
  const handle = await openPath(path);
  const { size } = await handle.stat();
  const counted = {
    byteLength: size,
    async slice(/** @type {number} */ start, /** @type {number} */ end) {
      const { buffer, bytesRead } = await handle.read({ buffer: new Uint8Array(end - start), position: start });
      traffic.requests += 1;
      traffic.bytes += bytesRead;
      return buffer;
    },
  };
  /** What a call fetches. */
  const cost = async (/** @type {() => Promise<unknown>} */ call) => {
    Object.assign(traffic, { requests: 0, bytes: 0 });
    await call();
    return { ...traffic };
  };

  console.log(`a file of ${size} bytes`);
  /** @type {[string, unknown, unknown, object][]} */
  const sources = [
    ['HTTP', url, url, { fetch: { fetch: counting } }],
    ['path', path, counted, {}],
  ];
  const rows = [];
  for (const [name, source, countedSource, options] of sources) {
    const [times, cpuTimes] = [[], []].map((samples) => /** @type {number[]} */ (samples));
    for (let count = -WARM_UP; count < OPENS; count++) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      const file = await ncf.open(source);
      const time = performance.now() - start;
      const { user, system } = process.cpuUsage(cpu);
      await file.close();
      if (count < 0) continue;
      times?.push(time);
      cpuTimes?.push((user + system) / 1000);
    }
    const { median, min, q1, q3 } = spread(times ?? []);
    let file = await ncf.open(countedSource, options);
    const opened = await cost(async () => {
      file = await ncf.open(countedSource, options);
    });
    const { chunks } = await file.layout();
    const chunk = chunks.find((/** @type {any} */ { column, rowGroup }) => column === 'column_1001' && rowGroup === 57);
    const { start: rowStart, end: rowEnd } = file.rowGroups[57];
    // The layout has looked at the whole directory; a fresh file has not.
    file = await ncf.open(countedSource, options);
    const read = await cost(async () => {
      const { numRows } = await file.read({ columns: ['column_1001'], rowStart, rowEnd });
      if (numRows !== rowEnd - rowStart) throw new Error(`${numRows} rows were read`);
    });
    const chunkSize = chunk.end - chunk.start;
    console.log(`${name}: open ${median.toFixed(2)} ms (${min.toFixed(2)}; ${q1.toFixed(2)} to ${q3.toFixed(2)}; processor ${spread(cpuTimes ?? []).median.toFixed(2)}), bar ${BARS.open.milliseconds}; `
      + `${opened.requests} requests, bar ${BARS.open.requests}, ${opened.bytes} bytes`);
    console.log(`${name}: one chunk of ${chunkSize} bytes: ${read.requests} requests, bar ${BARS.read.requests}; `
      + `${read.bytes} bytes, ${read.bytes - chunkSize} more than it, bar ${BARS.read.bytesBeyondChunk}`);
    rows.push([
      name, median.toFixed(2), `${q1.toFixed(2)} to ${q3.toFixed(2)}`, spread(cpuTimes ?? []).median.toFixed(2), String(opened.requests), opened.bytes.toLocaleString('en'),
      String(read.requests), `${read.bytes} / ${chunkSize}`,
    ]);
    if (median > BARS.open.milliseconds || opened.requests > BARS.open.requests
      || read.requests > BARS.read.requests || read.bytes > chunkSize + BARS.read.bytesBeyondChunk) process.exitCode = 1;
  }
  await handle.close();
  const { open, read } = BARS;
  const head = ['source', 'open, ms', 'quartiles', 'processor, ms', 'requests', 'bytes', 'requests for one chunk', 'bytes / its size'];
  const bars = ['bar', String(open.milliseconds), '', '', String(open.requests), '', String(read.requests), `${read.bytesBeyondChunk} more`];
  writePart('npm run bench:open', `${describeMachine()}.\n\n${markdown(head, [...rows, bars])}`);
}

/** Writes the file unless it is there, and gives its path. */
async function ensureWide() {
  const path = `${folder}/wide.ncf`;
  const wanted = hashFiles([inRoot('src'), inRoot('bench', 'native')]);
  if (existsSync(path) && stampMatches(`${path}.stamp`, wanted)) return path;
  mkdirSync(folder, { recursive: true });
  await native('wide', path);
  writeWhole(`${path}.stamp`, wanted);
  return path;
}
