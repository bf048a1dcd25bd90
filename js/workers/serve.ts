/** The worker's side: files that were opened here, jobs that decode their columns, neural chunks to encode, and row groups whose columns are encoded. */

import type { ByteSource } from '../bytes.js';
import { Driver, Session } from '../core.js';
import { joinIn, StreamEncoder } from '../encoder.js';
import { encodeNeural, loadSync, readingEngine, useCodecs, writingEngine } from '../engine.js';
import { LOCAL_SIZES, ReadAhead } from '../fetcher.js';
import { isMovable, recycle } from '../memory.js';
import { Assembly, Scan } from '../scan.js';
import { instantiate as neural } from '../wasm/neural.js';
import { instantiate as thorough } from '../wasm/thorough.js';
import { claim } from './claims.js';
import { buffersOf, fromPlain, toPlain, type Order, type Report, type Step } from './protocol.js';

useCodecs({ neural, thorough });

/** Sends a report; what is in the list is moved, not copied. */
export type Send = (report: Report, transfer: ArrayBuffer[]) => void;

/** A read for which somebody waits. */
interface Request {
  resolve(bytes: Uint8Array): void;
  reject(error: unknown): void;
}

/** Carries out orders: jobs that decode step by step, each step when those before it are done, whichever job they are of. */
export class Server {
  readonly #send: Send;
  readonly #steps = new Steps();
  readonly #files = new Map<number, Driver>();
  readonly #jobs = new Map<number, Job>();
  /** The writers of row groups. */
  readonly #held = new Map<number, StreamEncoder>();
  readonly #requests = new Map<number, Request>();
  #lastRequest = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Takes an order. Jobs tell by reports how they end. */
  take(order: Order): void {
    switch (order.kind) {
      case 'module':
        loadSync(order.wasm, order.module);
        break;
      case 'open':
        this.#files.set(order.file, this.#open(order));
        break;
      case 'close':
        this.#files.get(order.file)?.session.release();
        this.#files.delete(order.file);
        break;
      case 'start': {
        order.buffers.forEach(recycle);
        const driver = this.#files.get(order.file);
        if (driver) this.#jobs.set(order.job, new Job(order, driver, this.#steps, this.#send));
        break;
      }
      case 'add':
        this.#jobs.get(order.job)?.add(order);
        break;
      case 'encode':
        this.#encode(order);
        break;
      case 'hold':
        this.#hold(order);
        break;
      case 'step':
        this.#step(order);
        break;
      case 'take':
        this.#jobs.get(order.job)?.take();
        this.#jobs.delete(order.job);
        break;
      case 'stop':
        this.#jobs.get(order.job)?.stop();
        this.#jobs.delete(order.job);
        this.#drop(order.job);
        break;
      case 'bytes':
        this.#answer(order.request, (request) => { request.resolve(order.bytes); });
        break;
      case 'no-bytes':
        this.#answer(order.request, (request) => { request.reject(fromPlain(order.error)); });
    }
  }

  #encode(order: Order & { kind: 'encode' }): void {
    this.#attempt(order.job, () => {
      const bytes = encodeNeural(order);
      this.#send({ kind: 'encoded', job: order.job, bytes }, [bytes.buffer]);
    });
  }

  #hold({ job, group: { setup, fields, columns, first } }: Order & { kind: 'hold' }): void {
    this.#attempt(job, () => {
      const encoder = StreamEncoder.create(writingEngine(), setup, fields);
      this.#held.set(job, encoder);
      encoder.hold(columns, first);
    });
  }

  /** A step of a job that has not failed. */
  #step({ job, step }: Order & { kind: 'step' }): void {
    const encoder = this.#held.get(job);
    if (!encoder) return;
    this.#attempt(job, () => {
      const isLast = step.kind === 'encode';
      const bytes = joinIn(isLast ? step.room : undefined, [...carryOut(step, encoder)]);
      if (isLast) this.#drop(job);
      this.#send({ kind: 'stepped', job, bytes, isLast }, isMovable(bytes.buffer) ? [bytes.buffer] : []);
    });
  }

  #drop(job: number): void {
    this.#held.get(job)?.free();
    this.#held.delete(job);
  }

  #attempt(job: number, body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#drop(job);
      this.#send({ kind: 'failed', job, error: toPlain(error) }, []);
    }
  }

  #open({ file, byteLength, limits, known }: Order & { kind: 'open' }): Driver {
    return new Driver(new Session(readingEngine(), byteLength, limits), new ReadAhead({ ...this.#source(file, byteLength), ...(known && { known }) }, LOCAL_SIZES));
  }

  #answer(number: number, answer: (request: Request) => void): void {
    const request = this.#requests.get(number);
    this.#requests.delete(number);
    if (request) answer(request);
  }

  /** A file's bytes, which the calling thread has or gets. */
  #source(file: number, byteLength: number): ByteSource {
    return {
      byteLength,
      inMemory: false,
      latency: 'local',
      read: (start, end) => new Promise((resolve, reject) => {
        this.#lastRequest += 1;
        this.#requests.set(this.#lastRequest, { resolve, reject });
        this.#send({ kind: 'need', request: this.#lastRequest, file, range: { start, end } }, []);
      }),
    };
  }
}

/** Does a step on the columns that this thread gets. */
function* carryOut(step: Step, encoder: StreamEncoder): Generator<Uint8Array<ArrayBuffer>> {
  if (step.kind === 'encode') encoder.follow(step.models);
  for (const column of claim(step.claims)) {
    switch (step.kind) {
      case 'survey':
        yield encoder.survey(column);
        break;
      case 'attempt':
        yield encoder.attempt(step.plan, column);
        break;
      case 'encode':
        yield encoder.encodeColumn(column);
    }
  }
}

/** What is carried out one after the other. */
class Steps {
  #last: Promise<void> = Promise.resolve();

  /** Carries out a step, which does not fail, after those before it. */
  then(step: () => Promise<void>): void {
    this.#last = this.#last.then(step);
  }
}

/** Columns of one read. */
class Job {
  readonly #job: number;
  readonly #driver: Driver;
  readonly #steps: Steps;
  readonly #send: Send;
  readonly #scan: Scan;
  readonly #assembly: Assembly;
  readonly #onChunk: ((column: number) => void) | undefined;
  readonly #stop = new AbortController();

  constructor({ job, columns, keepsCodes, tells, bounds, firstRow, numRows }: Order & { kind: 'start' }, driver: Driver, steps: Steps, send: Send) {
    this.#job = job;
    this.#driver = driver;
    this.#steps = steps;
    this.#send = send;
    if (tells) this.#onChunk = (column) => { send({ kind: 'decoded', job, column }, []); };
    this.#scan = new Scan(driver.session, bounds, { columns, rows: { start: 0, end: Infinity }, limit: Infinity, filter: undefined, keepsCodes });
    this.#assembly = new Assembly(this.#scan, columns);
    this.#assembly.beginAt(firstRow);
    if (numRows !== undefined) this.#assembly.expect(numRows);
  }

  add({ selection, chunks }: Order & { kind: 'add' }): void {
    this.#then(async () => {
      this.#assembly.add(selection, new Map(chunks));
      await this.#driver.run(this.#assembly.settle(this.#onChunk), { signal: this.#stop.signal });
    });
  }

  take(): void {
    this.#then(async () => {
      const { columns } = await this.#driver.run(this.#assembly.take(Infinity), { signal: this.#stop.signal });
      this.#send({ kind: 'taken', job: this.#job, columns }, buffersOf(columns));
      this.#free();
    });
  }

  stop(): void {
    this.#stop.abort();
    this.#steps.then(() => {
      this.#free();
      return Promise.resolve();
    });
  }

  /** Carries something out after what was ordered before, unless that failed. */
  #then(step: () => Promise<void>): void {
    this.#steps.then(async () => {
      if (this.#stop.signal.aborted) return;
      try {
        await step();
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#send({ kind: 'failed', job: this.#job, error: toPlain(error) }, []);
        this.#stop.abort();
        this.#free();
      }
    });
  }

  #free(): void {
    this.#assembly.free();
    this.#scan.free();
  }
}
