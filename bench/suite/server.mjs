/** Serves one file over HTTP with ranges, in a process of its own; tells its parent the address. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createServer } from 'node:http';

const file = openSync(process.argv[2] ?? '', 'r');
const { size } = fstatSync(file);

const server = createServer((request, response) => {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = from === '' ? Math.max(size - Number(to || size), 0) : Number(from);
  const end = from === '' || to === '' ? size : Math.min(Number(to) + 1, size);
  const body = Buffer.allocUnsafe(end - start);
  readSync(file, body, 0, body.length, start);
  response.writeHead(206, { 'Content-Range': `bytes ${start}-${end - 1}/${size}`, 'Content-Length': body.length, 'ETag': '"1"' });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.send?.(`http://127.0.0.1:${port}/`);
});
process.once('disconnect', () => {
  closeSync(file);
  process.exit();
});
