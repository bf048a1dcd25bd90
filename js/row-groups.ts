/**
 * Row groups that workers encode beside the writer of a file, by the models that were settled for all of them. Loaded
 * where a table is large.
 */

import type { StreamEncoder } from './encoder.js';
import type { Engine } from './engine.js';
import type { ColumnBuffers, FieldSetup, WriterSetup } from './wasm-types.js';
import { pool, WorkerFailure, type Member } from './workers/pool.js';
import type { RowGroup } from './workers/protocol.js';
import { orAborted } from './yield.js';

/** Row groups that a worker has at once: while it sends one back, it can go on with the next. */
const AHEAD = 2;

/** The row groups of a table. */
export interface RowGroups {
  readonly engine: Engine;
  readonly setup: WriterSetup;
  readonly fields: readonly FieldSetup[];
  readonly rows: number;
  readonly groupRows: number;
  /** The rows `start..end` for a worker. */
  cutOwn(start: number, end: number): OwnRows;
}

/** Rows in buffers that are moved to a worker, or shared with it. */
export interface OwnRows {
  readonly columns: ColumnBuffers[];
  /** Takes back what is shared, once the worker has done with it. */
  readonly release: () => void;
}

/** How they are shared out. */
export interface Sharing {
  /** The row with which the first of them begins. */
  readonly first: number;
  readonly workers: number;
  readonly signal: AbortSignal | undefined;
  /** What this thread does once the workers have something to do; before any of theirs is added. */
  readonly meanwhile: () => void;
  /** Hears of the end of each row group. */
  readonly onAdded: (end: number) => void;
}

/**
 * Lets workers encode the row groups from a row on, and adds them in their order.
 * @returns the row with which those begin that are not added, as workers have failed; else the number of rows
 * @throws {NcfError} as `StreamEncoder.push`; the reason of the signal
 */
export async function encodeRowGroups(
  table: RowGroups,
  encoder: StreamEncoder,
  models: Uint8Array,
  { first, workers, signal, meanwhile, onAdded }: Sharing,
): Promise<number> {
  const { engine, rows, groupRows } = table;
  // The writers of workers need not know what they don't write.
  const setup: WriterSetup = { ...table.setup, extra: undefined };
  const fields = table.fields.map((field): FieldSetup => {
    const own = { ...field };
    delete own.extra;
    delete own.statistics;
    return own;
  });
  const starts = Array.from({ length: Math.ceil((rows - first) / groupRows) }, (_, index) => first + index * groupRows);
  const jobs: { member: Member; job: number; done: Promise<Uint8Array>; release: () => void }[] = [];
  let added = 0;
  try {
    const members = pool.members(workers);
    for (let next = 0; added < starts.length; ) {
      while (next < Math.min(added + AHEAD * workers, starts.length)) {
        const start = starts[next] ?? rows;
        const { columns, release } = table.cutOwn(start, Math.min(start + groupRows, rows));
        const group: RowGroup = { setup, fields, models: models.slice(), columns, first: start };
        const [member] = members.sort((a, b) => a.load - b.load);
        if (!member) throw new WorkerFailure('there are no workers');
        jobs.push({ member, ...member.encodeRowGroup(engine, group), release });
        next += 1;
      }
      if (added === 0) meanwhile();
      const job = jobs[added];
      const done = job?.done ?? Promise.reject(new WorkerFailure('there are no workers'));
      await orAborted(done, signal);
      encoder.addRowGroup(await done);
      job?.release();
      added += 1;
      onAdded(Math.min(first + added * groupRows, rows));
    }
  } catch (error) {
    // What workers cannot do, this thread can.
    if (!(error instanceof WorkerFailure)) throw error;
  } finally {
    jobs.slice(added).forEach(({ member, job }) => { member.stop(job); });
  }
  return Math.min(first + added * groupRows, rows);
}
