/**
 * Neural chunks that a writing core leaves to be encoded beside it: by workers, or in the calling thread, which makes way
 * between them. Loaded where something neural is written.
 *
 * A call of the core that wants chunks queues them here and is suspended. Once they are encoded it is repeated, and asks
 * for the same.
 */

import { encodeNeural, queueing, type NeuralQueue } from './engine.js';
import { NcfError } from './errors.js';
import type { NeuralTask } from './wasm-types.js';
import { pool, WorkerFailure, type Member } from './workers/pool.js';
import { makeWay, orAborted } from './yield.js';

/** Bytes of columns, at about a second per megabyte, from which workers pay: those that are there, and those that must be started. */
const SHARED_FROM = { warm: 20_000, cold: 200_000 };

/** Chunks that are wanted at once. */
interface Stage {
  /** Tasks that are not done, by position, the largest first. */
  readonly missing: Map<number, NeuralTask>;
  readonly chunks: Uint8Array[];
}

/** Hears of each chunk: which part of those that are wanted at once is there, 1 being more than all, and the name of the column. */
export type OnChunk = (part: number, column: string) => void;

type Done = (position: number, task: NeuralTask, chunk: Uint8Array) => void;

const sizeOf = ({ columns }: NeuralTask): number => columns[0]?.byteLength ?? 0;

/** The neural chunks of one writer. */
export class NeuralTasks implements NeuralQueue {
  readonly #workers: number | 'auto';
  readonly #stop = new AbortController();
  /** By the keys of their tasks: what was encoded last, and what was asked for since. */
  #stages = new Map<string, Stage>();
  #asked = new Map<string, Stage>();
  /** Why a chunk could not be encoded. */
  #failure: NcfError | undefined;

  constructor(workers: number | 'auto') {
    this.#workers = workers;
  }

  /** Calls the core. */
  attempt<T>(body: () => T): T {
    return queueing(this, body);
  }

  /** What the core asks for; fails where a task did. */
  answer(tasks: readonly NeuralTask[]): Uint8Array[] | undefined {
    if (this.#failure) throw this.#failure;
    const key = tasks.map((task) => task.key).join();
    const stage = this.#asked.get(key) ?? this.#stages.get(key) ?? { missing: new Map([...tasks.entries()].sort(([, a], [, b]) => sizeOf(b) - sizeOf(a))), chunks: [] };
    this.#asked.set(key, stage);
    return stage.missing.size === 0 ? stage.chunks : undefined;
  }

  /**
   * Encodes what the core asked for in vain. Where that fails, the next call does. What it has not asked for since the
   * last time will not be asked for again, and is let go of.
   * @throws what it was aborted or stopped with, and what `onChunk` throws
   */
  async run(signal: AbortSignal | undefined, onChunk: OnChunk): Promise<void> {
    this.#stages = this.#asked;
    this.#asked = new Map();
    const stage = [...this.#stages.values()].find(({ missing }) => missing.size > 0);
    if (!stage) throw new NcfError('internal', 'the writer waits for chunks that it has not asked for');
    const { missing, chunks } = stage;
    const count = missing.size;
    const done: Done = (position, task, chunk) => {
      chunks[position] = chunk;
      missing.delete(position);
      onChunk((count - missing.size) / (count + 1), task.name);
    };
    const onAbort = (): void => { this.stop(signal?.reason); };
    signal?.addEventListener('abort', onAbort);
    try {
      signal?.throwIfAborted();
      await this.#byWorkers(missing, done).catch((error: unknown) => {
        // What workers cannot do, this thread can.
        if (!(error instanceof WorkerFailure)) throw error;
      });
      for (const [position, task] of missing) {
        await makeWay(this.#stop.signal);
        if (this.#failure) return;
        const chunk = this.#encode(task);
        if (chunk) done(position, task, chunk);
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends what is under way, with that reason. */
  stop(reason: unknown): void {
    this.#stop.abort(reason);
  }

  #encode(task: NeuralTask): Uint8Array | undefined {
    try {
      return encodeNeural(task);
    } catch (error) {
      this.#failure = error as NcfError;
      return undefined;
    }
  }

  /** How many workers should do it. */
  #share(missing: ReadonlyMap<number, NeuralTask>): number {
    const count = Math.min(pool.size(this.#workers), missing.size);
    const total = [...missing.values()].reduce((sum, task) => sum + sizeOf(task), 0);
    return this.#workers === 'auto' && !pool.isWorth(count, total, SHARED_FROM) ? 0 : count;
  }

  async #byWorkers(missing: ReadonlyMap<number, NeuralTask>, done: Done): Promise<void> {
    const count = this.#share(missing);
    if (count === 0) return;
    const left = [...missing];
    const jobs = new Map<Member, number>();
    const all = new Promise<void>((resolve, reject) => {
      const fail: (error: unknown) => void = reject;
      const next = (member: Member): void => {
        const [position, task] = left.shift() ?? [];
        if (position === undefined || !task) return;
        // Copies are moved: other tasks need the same columns.
        jobs.set(member, member.encode(task.columns.map((column) => column.slice()), task.level, {
          encoded: (chunk) => {
            jobs.delete(member);
            // It was on its way when the call was aborted.
            if (this.#stop.signal.aborted) return;
            try {
              done(position, task, chunk);
            } catch (error) {
              fail(error);
              return;
            }
            if (missing.size === 0) resolve();
            else next(member);
          },
          failed: (error) => {
            jobs.delete(member);
            if (!(error instanceof NcfError)) {
              fail(error);
              return;
            }
            this.#failure = error;
            resolve();
          },
        }));
      };
      pool.members(count).forEach(next);
    });
    // Nobody may wait for it any more.
    all.catch(() => undefined);
    try {
      await orAborted(all, this.#stop.signal);
    } finally {
      jobs.forEach((job, member) => { member.stop(job); });
    }
  }
}
