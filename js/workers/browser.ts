/** What a worker of a browser runs. */

import type { Order } from './protocol.js';
import { Server } from './serve.js';

/** As much of a worker's global object as is used; the types of pages know another one. */
interface Scope {
  onmessage: ((event: MessageEvent<Order>) => void) | null;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

const scope = globalThis as unknown as Scope;
const server = new Server((report, transfer) => { scope.postMessage(report, transfer); });
scope.onmessage = ({ data }) => { server.take(data); };
