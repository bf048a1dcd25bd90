/** What a worker of Node runs. */

import { parentPort } from 'node:worker_threads';

import type { Order } from './protocol.js';
import { Server } from './serve.js';

const server = new Server((report, transfer) => { parentPort?.postMessage(report, transfer); });
parentPort?.on('message', (order: Order) => { server.take(order); });
