/**
 * The calling thread's side: workers that decode columns, or encode neural chunks and columns of row groups. They start when the first
 * call needs them, serve all files and calls, and end when nothing was to do for a while.
 */

import type { Piece, Range } from '../bytes.js';
import { codecModule, currentPlatform, type Engine, type WasmKind, type WorkerPort } from '../engine.js';
import { invalid, NcfError } from '../errors.js';
import { FreeBuffers, isMovable, settle, sharedPool, type BufferPool } from '../memory.js';
import type { Selection } from '../scan.js';
import type { ColumnData, OpenLimits } from '../wasm-types.js';
import { afterIdle } from '../yield.js';
import { buffersOf, fromPlain, toPlain, type Chunks, type Order, type Report, type RowGroup, type Step, type Task } from './protocol.js';

/** Workers that a call can ask for. */
const MAX_WORKERS = 64;
/** More than that are not started unless the caller says so. */
const MAX_DEFAULT = 8;

/** A file that workers can open. */
export interface SharedFile {
  readonly byteLength: number;
  readonly limits: OpenLimits;
  /** Whether all of its bytes are in memory. */
  readonly isInMemory: boolean;
  /** Its end, in an array of its own, if that is in memory: mostly all of its directory. */
  end(): Piece | undefined;
  /** Bytes of its directory, in an array of their own. */
  read(range: Range): Promise<Uint8Array<ArrayBuffer>>;
}

/** Who waits for a job. */
export interface Waiting {
  /** A chunk of that column was decoded. */
  decoded?(column: number): void;
  /** The columns, at the end. */
  taken?(columns: readonly ColumnData[]): void;
  /** What was encoded, at the end. */
  encoded?(bytes: Uint8Array): void;
  /** What the oldest step gave that was not told of yet. */
  stepped?(bytes: Uint8Array): void;
  /** The job failed. */
  failed(error: unknown): void;
}

/** A worker failed as such, not what it was decoding. */
export class WorkerFailure extends Error {}

let lastNumber = 0;

/** One worker. */
export class Member {
  readonly #port: WorkerPort;
  readonly #jobs = new Map<number, Waiting>();
  readonly #files = new Map<SharedFile, number>();
  readonly #onEnd: (isFailure: boolean) => void;
  #isEnded = false;
  readonly #modules = new Set<WasmKind>();
  /** What it made, and can use again. */
  readonly #buffers = new FreeBuffers();
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(onEnd: (isFailure: boolean) => void) {
    this.#onEnd = onEnd;
    this.#port = spawn((report) => { this.#hear(report); }, (cause) => { this.#fail(cause); });
    this.#rest();
  }

  /** How many jobs it has. */
  get load(): number {
    return this.#jobs.size;
  }

  start(file: SharedFile, engine: Engine, task: Task, waiting: Waiting): number {
    // The one that writes can read, too.
    if (!this.#modules.has('full')) this.#bring(engine.kind, () => engine.module);
    let number = this.#files.get(file);
    if (number === undefined) {
      number = ++lastNumber;
      this.#files.set(file, number);
      // A worker that had to ask would wait until this thread has time to answer.
      const known = file.end();
      this.#order({ kind: 'open', file: number, byteLength: file.byteLength, limits: file.limits, known }, known ? [known.bytes.buffer as ArrayBuffer] : []);
    }
    const job = this.#begin(waiting);
    const buffers = this.#buffers.takeAll();
    this.#order({ kind: 'start', job, file: number, buffers, ...task }, buffers);
    return job;
  }

  /** A neural chunk; the columns are moved. */
  encode(columns: Uint8Array<ArrayBuffer>[], level: number, waiting: Waiting): number {
    this.#bring('neural', () => codecModule('neural'));
    const job = this.#begin(waiting);
    this.#order({ kind: 'encode', job, columns, level }, columns.map(({ buffer }) => buffer));
    return job;
  }

  /** A row group to hold, for `step`; of its buffers, those that are to be moved are. */
  hold(engine: Engine, group: RowGroup, move: ArrayBuffer[], waiting: Waiting): number {
    this.#bring(engine.kind, () => engine.module);
    this.#bring('thorough', () => codecModule('thorough'));
    const job = this.#begin(waiting);
    this.#order({ kind: 'hold', job, group }, move);
    return job;
  }

  /** The next step of a row group. */
  step(job: number, step: Step): void {
    this.#order({ kind: 'step', job, step });
  }

  add(job: number, selection: Selection, chunks: Chunks): void {
    this.#bring('neural', () => codecModule('neural'));
    this.#order({ kind: 'add', job, selection, chunks }, chunks.flatMap(([, { buffer }]) => (isMovable(buffer) ? [buffer] : [])));
  }

  take(job: number): void {
    this.#order({ kind: 'take', job });
  }

  /** Lets go of a job. A worker that has no other is ended at once, whatever it is doing, and the next call starts one. */
  stop(job: number): void {
    if (!this.#jobs.has(job)) return;
    if (this.#jobs.size === 1) {
      this.end();
      return;
    }
    this.#order({ kind: 'stop', job });
    this.#leave(job);
  }

  close(file: SharedFile): void {
    const number = this.#files.get(file);
    if (number === undefined) return;
    this.#files.delete(file);
    this.#order({ kind: 'close', file: number });
  }

  end(isFailure = false): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#idle);
    this.#buffers.clear();
    this.#port.terminate();
    this.#onEnd(isFailure);
  }

  /** Where chunks need the codec, it was loaded when they came. */
  #bring(wasm: WasmKind, find: () => WebAssembly.Module | undefined): void {
    const module = this.#modules.has(wasm) ? undefined : find();
    if (!module) return;
    this.#modules.add(wasm);
    this.#order({ kind: 'module', wasm, module });
  }

  #begin(waiting: Waiting): number {
    clearTimeout(this.#idle);
    if (this.#jobs.size === 0) this.#port.hold(true);
    const job = ++lastNumber;
    this.#jobs.set(job, waiting);
    return job;
  }

  #order(order: Order, transfer: ArrayBuffer[] = []): void {
    if (!this.#isEnded) this.#port.post(order, transfer);
  }

  #hear(report: Report): void {
    if (report.kind === 'need') {
      void this.#supply(report);
      return;
    }
    const waiting = this.#jobs.get(report.job);
    if (report.kind === 'decoded') {
      waiting?.decoded?.(report.column);
      return;
    }
    if (report.kind !== 'stepped' || report.isLast) this.#leave(report.job);
    if (report.kind === 'stepped') waiting?.stepped?.(report.bytes);
    else if (report.kind === 'taken') this.#taken(report.columns, waiting);
    else if (report.kind === 'encoded') waiting?.encoded?.(report.bytes);
    else waiting?.failed(fromPlain(report.error));
  }

  #taken(columns: readonly ColumnData[], waiting: Waiting | undefined): void {
    for (const buffer of buffersOf(columns)) settle(buffer, this.#buffers);
    waiting?.taken?.(columns);
  }

  async #supply({ request, file: number, range }: Report & { kind: 'need' }): Promise<void> {
    const file = [...this.#files].find(([, known]) => known === number)?.[0];
    try {
      if (!file) throw new NcfError('closed', 'the file was closed');
      const bytes = await file.read(range);
      this.#order({ kind: 'bytes', request, bytes }, [bytes.buffer]);
    } catch (error) {
      this.#order({ kind: 'no-bytes', request, error: toPlain(error) });
    }
  }

  #leave(job: number): void {
    if (this.#jobs.delete(job) && this.#jobs.size === 0 && !this.#isEnded) this.#rest();
  }

  /** Ends after a while without a job, and sooner with the process. */
  #rest(): void {
    this.#port.hold(false);
    this.#idle = afterIdle(() => { this.end(); });
  }

  #fail(cause: unknown): void {
    if (this.#isEnded) return;
    const failure = new WorkerFailure('a worker failed', { cause });
    const waiting = [...this.#jobs.values()];
    this.#jobs.clear();
    this.end(true);
    waiting.forEach((job) => { job.failed(failure); });
  }
}

function spawn(onReport: (report: Report) => void, onFailure: (cause: unknown) => void): WorkerPort {
  try {
    const port = currentPlatform().spawn?.((report) => { onReport(report as Report); }, onFailure);
    if (port) return port;
  } catch (cause) {
    throw new WorkerFailure('a worker could not be started', { cause });
  }
  throw new WorkerFailure('there are no workers');
}

/** How much there must be to do so that workers pay. */
export interface WorthFrom {
  /** Where they are there. */
  readonly warm: number;
  /** Where they must be started first. */
  readonly cold: number;
  /** Where they are started for the calls that follow; never where that is missing. */
  readonly later?: number;
}

/** The workers of this thread. */
class Pool {
  readonly #members: Member[] = [];
  /** Set once a worker failed: then there are reasons why there should be none. */
  #isBroken = false;
  /** Calls that missed workers. */
  #missed = 0;
  #memory: BufferPool | undefined;

  /** Buffers that workers can look into, which live as long as these; `undefined` where the platform has none. */
  get memory(): BufferPool | undefined {
    return (this.#memory ??= sharedPool());
  }

  /** How many workers a call gets at most, by its option. */
  size(wanted: number | 'auto'): number {
    const platform = currentPlatform();
    if (!platform.spawn || this.#isBroken) return 0;
    return wanted === 'auto' ? Math.min(platform.processors?.() ?? 1, MAX_DEFAULT) : wanted;
  }

  /** Whether so many workers pay for a call that has so much to do. */
  isWorth(count: number, amount: number, { warm, cold, later = Infinity }: WorthFrom): boolean {
    if (amount >= (this.#members.length >= count ? warm : cold)) return true;
    // Who makes a second call that they would have helped will make more.
    if (amount >= later && (this.#missed += 1) > 1) this.warm(count);
    return false;
  }

  /** Starts so many workers unless they are there, for jobs that come soon; whoever wants to give them some hears of a failure. */
  warm(count: number): void {
    try {
      this.#fill(count);
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
    }
  }

  #fill(count: number): void {
    while (this.#members.length < count) this.#members.push(this.#start());
  }

  /** So many workers, those with the fewest jobs. */
  members(count: number): Member[] {
    this.#fill(count);
    return [...this.#members].sort((a, b) => a.load - b.load).slice(0, count);
  }

  #start(): Member {
    try {
      const member: Member = new Member((isFailure) => {
        this.#members.splice(this.#members.indexOf(member), 1);
        if (this.#members.length === 0) this.#memory = undefined;
        if (isFailure) this.#isBroken = true;
      });
      return member;
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  /** Lets workers forget a file. */
  close(file: SharedFile): void {
    this.#members.forEach((member) => { member.close(file); });
  }
}

/**
 * Refuses what is no number of workers.
 * @throws {NcfError} `invalid-argument`
 */
export function checkWorkers(workers: number | 'auto'): void {
  if (workers === 'auto' || (Number.isInteger(workers) && workers >= 0 && workers <= MAX_WORKERS)) return;
  throw invalid('workers', `${String(workers)} is neither 'auto' nor a number up to ${MAX_WORKERS}`);
}

/** The one pool. */
export const pool = new Pool();
