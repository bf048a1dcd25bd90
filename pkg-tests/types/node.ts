/** What only Node takes. */

import { open as openFile } from 'node:fs/promises';

import { open } from 'ncf-wasm';

await open('path/to/file.ncf');
await open(new URL('file:///tmp/x.ncf'), { verify: true });
await open(await openFile('x'));
// @ts-expect-error a file descriptor is no source
await open(3);
