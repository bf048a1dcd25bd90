/** The page's end of the worker: calls with ids, progress, cancelling. */

/** A worker that was ready and has not begun a call after this long is busy with one that cannot be stopped. */
const STALL_MS = 2000;

/** An error of the package as plain data. */
export class CallError extends Error {
  /** @param {{ code: string, message: string, section?: string, column?: string, offset?: number, status?: number, source?: string }} details */
  constructor(details) {
    super(details.message);
    this.details = details;
  }
}

/** Why a call ended that a newer one replaced. */
const replaced = () => new DOMException('replaced by a newer call', 'AbortError');

/** Calls the worker. Opening a file ends all earlier calls, so that no answer about an older file arrives. */
export class Client {
  /** @type {Worker | undefined} */
  #worker;
  #isReady = false;
  #lastId = 0;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: unknown) => void, onProgress?: (progress: any) => void, stall?: number }>} */
  #calls = new Map();

  /**
   * Opens a file; ends what is under way.
   * @param {{ input: File | string, salvage: boolean }} params
   * @param {{ onProgress?: (progress: any) => void }} [options]
   */
  open(params, options) {
    this.stop();
    return this.call('open', params, options);
  }

  /**
   * Calls a method of the worker.
   * @param {string} method
   * @param {object} params
   * @param {{ signal?: AbortSignal, onProgress?: (progress: any) => void }} [options]
   * @returns {Promise<any>}
   */
  call(method, params, { signal, onProgress } = {}) {
    const worker = (this.#worker ??= this.#start());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const stall = method === 'open' && this.#isReady ? setTimeout(() => this.#restart(id, method, params), STALL_MS) : undefined;
      this.#calls.set(id, { resolve, reject, onProgress, stall });
      signal?.addEventListener('abort', () => this.#cancel(id));
      worker.postMessage({ id, method, params });
    });
  }

  /** Ends all calls that are under way. */
  stop() {
    for (const id of [...this.#calls.keys()]) this.#cancel(id);
  }

  /** @param {number} id */
  #cancel(id) {
    if (!this.#calls.has(id)) return;
    this.#worker?.postMessage({ cancel: id });
    this.#settle(id).reject(replaced());
  }

  /** @param {number} id */
  #settle(id) {
    const call = this.#calls.get(id);
    if (!call) throw new Error(`no call ${id}`);
    clearTimeout(call.stall);
    this.#calls.delete(id);
    return call;
  }

  #start() {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }) => this.#receive(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#fail(worker, event.message);
    });
    return worker;
  }

  /** @param {any} message */
  #receive(message) {
    if (message.ready) this.#isReady = true;
    const call = this.#calls.get(message.id);
    if (!call) return;
    if (message.started) clearTimeout(call.stall);
    else if (message.progress) call.onProgress?.(message.progress);
    else if (message.error) this.#settle(message.id).reject(new CallError(message.error));
    else this.#settle(message.id).resolve(message.result);
  }

  /**
   * The worker is stuck in a long computation for an older file: a new one takes its place.
   * @param {number} id
   * @param {string} method
   * @param {object} params
   */
  #restart(id, method, params) {
    this.#worker?.terminate();
    this.#isReady = false;
    this.#worker = this.#start();
    this.#worker.postMessage({ id, method, params });
  }

  /**
   * The worker could not start, or died.
   * @param {Worker} worker
   * @param {string} message
   */
  #fail(worker, message) {
    if (worker !== this.#worker) return;
    worker.terminate();
    this.#worker = undefined;
    const why = this.#isReady ? 'The worker of this page failed' : 'The worker of this page did not start; is the package built into dist/?';
    this.#isReady = false;
    for (const id of [...this.#calls.keys()]) {
      this.#settle(id).reject(new CallError({ code: 'internal', message: message ? `${why} (${message})` : why }));
    }
  }
}
