/** What a browser does not take. */

import { open } from 'ncf-wasm';

declare const handle: { fd: number; read(): Promise<void> };
// @ts-expect-error there are no file handles here
await open(handle);
