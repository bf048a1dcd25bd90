/**
 * Opens a file of 2,000 columns and 100 row groups, and reads one column of one row group: `npm run bench:open`.
 * Over HTTP from a server in a process of its own, and from a path; milliseconds are medians of fresh opens. Opening
 * starts to fetch where chunks lie and does not wait for it: its requests and bytes count for opening, and the time
 * until one value of a fresh file is there is told as well.
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
  /** @type {Set<Promise<unknown>>} */
  const underWay = new Set();
  /** Counts a request, and the bytes of its answer. @type {<T>(answer: Promise<T>, sizeOf: (answer: T) => number) => Promise<T>} */
  const counted = async (answer, sizeOf) => {
    traffic.requests += 1;
    underWay.add(answer);
    const settled = await answer;
    underWay.delete(answer);
    traffic.bytes += sizeOf(settled);
    return settled;
  };
  /** @type {typeof fetch} */
  const countingFetch = (...request) => counted(fetch(...request), ({ headers }) => Number(headers.get('content-length')));
  const handle = await openPath(path);
  const { size } = await handle.stat();
  const countingFile = {
    byteLength: size,
    async slice(/** @type {number} */ start, /** @type {number} */ end) {
      const answer = handle.read({ buffer: new Uint8Array(end - start), position: start });
      return (await counted(answer, ({ bytesRead }) => bytesRead)).buffer;
    },
  };
  /** What a call fetches, and what it started to fetch. */
  const cost = async (/** @type {() => Promise<unknown>} */ call) => {
    Object.assign(traffic, { requests: 0, bytes: 0 });
    await call();
    while (underWay.size > 0) await Promise.allSettled(underWay);
    return { ...traffic };
  };

  console.log(`a file of ${size} bytes`);
  /** @type {[string, unknown, unknown, object][]} */
  const sources = [
    ['HTTP', url, url, { fetch: { fetch: countingFetch } }],
    ['path', path, countingFile, {}],
  ];
  const rows = [];
  for (const [name, source, countedSource, options] of sources) {
    /** @type {{ open: number[], value: number[] }} */
    const times = { open: [], value: [] };
    for (let count = -WARM_UP; count < OPENS; count++) {
      const start = performance.now();
      const file = await ncf.open(source);
      const opened = performance.now();
      const { start: rowStart = 0 } = file.rowGroups[57] ?? {};
      await file.read({ columns: ['column_1001'], rowStart, rowEnd: rowStart + 1 });
      const read = performance.now();
      await file.close();
      if (count < 0) continue;
      times.open.push(opened - start);
      times.value.push(read - start);
    }
    const { median, min, q1, q3 } = spread(times.open);
    const value = spread(times.value).median;
    let file;
    const opened = await cost(async () => {
      file = await ncf.open(countedSource, options);
    });
    const { chunks } = await file.layout();
    const chunk = chunks.find((/** @type {any} */ { column, rowGroup }) => column === 'column_1001' && rowGroup === 57);
    const { start: rowStart, end: rowEnd } = file.rowGroups[57];
    // The layout has looked at the whole directory; a fresh file has not.
    await cost(async () => {
      file = await ncf.open(countedSource, options);
    });
    const read = await cost(async () => {
      const { numRows } = await file.read({ columns: ['column_1001'], rowStart, rowEnd });
      if (numRows !== rowEnd - rowStart) throw new Error(`${numRows} rows were read`);
    });
    const chunkSize = chunk.end - chunk.start;
    console.log(`${name}: open ${median.toFixed(2)} ms (${min.toFixed(2)}; ${q1.toFixed(2)} to ${q3.toFixed(2)}), first value after ${value.toFixed(2)} ms, bar ${BARS.open.milliseconds}; `
      + `${opened.requests} requests, bar ${BARS.open.requests}, ${opened.bytes} bytes`);
    console.log(`${name}: one chunk of ${chunkSize} bytes: ${read.requests} requests, bar ${BARS.read.requests}; `
      + `${read.bytes} bytes, ${read.bytes - chunkSize} more than it, bar ${BARS.read.bytesBeyondChunk}`);
    rows.push([
      name, median.toFixed(2), `${q1.toFixed(2)} to ${q3.toFixed(2)}`, value.toFixed(2), String(opened.requests), opened.bytes.toLocaleString('en'),
      String(read.requests), `${read.bytes} / ${chunkSize}`,
    ]);
    if (median > BARS.open.milliseconds || opened.requests > BARS.open.requests
      || read.requests > BARS.read.requests || read.bytes > chunkSize + BARS.read.bytesBeyondChunk) process.exitCode = 1;
  }
  await handle.close();
  const { open, read } = BARS;
  const head = ['source', 'open, ms', 'quartiles', 'first value, ms', 'requests', 'bytes', 'requests for one chunk', 'bytes / its size'];
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
