/** What only Node takes. */

import { createWriteStream } from 'node:fs';
import { open as openFile } from 'node:fs/promises';

import { append, convert, evolve, NcfWriter, open } from 'ncf-wasm';

await open('path/to/file.ncf');
await open(new URL('file:///tmp/x.ncf'), { verify: true });
await open(await openFile('x'));
// @ts-expect-error a file descriptor is no source
await open(3);

for (const sink of ['a.ncf', new URL('file:///tmp/x.ncf'), await openFile('x', 'w'), createWriteStream('x')]) {
  await (await NcfWriter.open(sink)).abort();
  await convert('a.ncf', { sink });
}
await append('a.ncf', { a: [1] });
await NcfWriter.append(await openFile('x', 'r+'), 'in-place');
await evolve('a.ncf', [{ drop: 'a' }], { sink: 'a.ncf' });
