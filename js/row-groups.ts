/**
 * A table that workers encode beside the writer of a file: columns of the first row group, of which the models of all of
 * them are settled, and the others as a whole. Loaded where a table is large.
 */

import { join, type StreamEncoder } from './encoder.js';
import type { Engine } from './engine.js';
import type { ColumnBuffers, FieldSetup, WriterSetup } from './wasm-types.js';
import { claim, claimsOf, type Claims } from './workers/claims.js';
import { pool, WorkerFailure, type Member } from './workers/pool.js';
import { buffersOf, type RowGroup, type Step } from './workers/protocol.js';
import { makeWay, orAborted } from './yield.js';

/** Row groups that a worker has at once: while it sends one back, it can go on with the next. */
const AHEAD = 2;

type Bytes = Uint8Array<ArrayBuffer>;

/** A table, and who encodes it. */
export interface SharedTable {
  readonly engine: Engine;
  readonly setup: WriterSetup;
  readonly fields: readonly FieldSetup[];
  readonly rows: number;
  readonly groupRows: number;
  readonly workers: number;
  /** How many of the workers help with the first row group. */
  readonly helpers: number;
  /** Whether that is so large that models are settled on a sample of it. */
  readonly isSampled: boolean;
  /** The rows `start..end` for a worker. */
  cutOwn(start: number, end: number): OwnRows;
}

/** Rows in buffers that are moved to a worker, or shared with it. */
export interface OwnRows {
  readonly columns: ColumnBuffers[];
  /** Takes back what is shared, once the worker has done with it. */
  readonly release: () => void;
}

/** A row group that a worker holds. */
class Held {
  readonly #member: Member;
  readonly #job: number;
  readonly #steps: { resolve(bytes: Bytes): void; reject(error: unknown): void }[] = [];
  #failure: { error: unknown } | undefined;

  constructor(member: Member, engine: Engine, group: RowGroup, move: ArrayBuffer[]) {
    this.#member = member;
    this.#job = member.hold(engine, group, move, {
      stepped: (bytes) => this.#steps.shift()?.resolve(bytes),
      failed: (error) => {
        this.#failure = { error };
        this.#steps.splice(0).forEach((step) => { step.reject(error); });
      },
    });
  }

  /** Orders a step, after those before it. */
  step(step: Step): Promise<Bytes> {
    const done = new Promise<Bytes>((resolve, reject) => {
      if (this.#failure) reject(this.#failure.error as Error);
      else this.#steps.push({ resolve, reject });
    });
    // Whoever needs it sees the failure.
    done.catch(() => undefined);
    if (!this.#failure) this.#member.step(this.#job, step);
    return done;
  }

  /** Lets go of it, unless its last step is done. */
  drop(): void {
    this.#member.stop(this.#job);
  }
}

/** A row group behind the first one. */
interface Other {
  readonly held: Held;
  readonly release: () => void;
  /** Once it is being encoded. */
  chunks: Promise<Bytes> | undefined;
}

/**
 * Encodes a table, whose row groups are added in their order.
 * @param onAdded hears of the end of each
 * @returns the row with which those begin that are not added, as workers have failed; else the number of rows
 * @throws {NcfError} as `StreamEncoder.push`; the reason of the signal
 */
export async function encodeRowGroups(table: SharedTable, encoder: StreamEncoder, signal: AbortSignal | undefined, onAdded: (end: number) => void): Promise<number> {
  const sharing = new Sharing(table, encoder, signal, onAdded);
  try {
    await sharing.run();
  } catch (error) {
    // What workers cannot do, this thread can.
    if (!(error instanceof WorkerFailure)) throw error;
    sharing.finishFirst();
  } finally {
    sharing.stop();
  }
  return sharing.added;
}

/** One table under way. */
class Sharing {
  readonly #table: SharedTable;
  readonly #encoder: StreamEncoder;
  readonly #signal: AbortSignal | undefined;
  readonly #onAdded: (end: number) => void;
  /** The writers of workers need not know what they don't write. */
  readonly #setup: WriterSetup;
  readonly #fields: readonly FieldSetup[];
  #members: readonly Member[] = [];
  /** The first row group, in the workers that help with it. */
  readonly #helpers: Held[] = [];
  /** The others, as far as workers have them. */
  readonly #others: Other[] = [];
  /** The row with which those begin that no worker has. */
  #next: number;
  #models: Uint8Array | undefined;
  /** Whether the encoder holds the first row group. */
  #isHolding = false;
  #added = 0;

  constructor(table: SharedTable, encoder: StreamEncoder, signal: AbortSignal | undefined, onAdded: (end: number) => void) {
    this.#table = table;
    this.#encoder = encoder;
    this.#signal = signal;
    this.#onAdded = onAdded;
    this.#setup = { ...table.setup, extra: undefined };
    this.#fields = table.fields.map((field) => {
      const own = { ...field };
      delete own.extra;
      delete own.statistics;
      return own;
    });
    this.#next = Math.min(table.groupRows, table.rows);
  }

  /** Rows of the row groups that are added. */
  get added(): number {
    return this.#added;
  }

  async run(): Promise<void> {
    const { workers, rows } = this.#table;
    this.#members = pool.members(workers);
    await this.#encodeFirst();
    while (this.#models && this.#added < rows) {
      this.#handOut(AHEAD);
      const [other] = this.#others;
      if (!other?.chunks) throw new WorkerFailure('there are no workers');
      this.#add(await this.#result(other.chunks));
      other.release();
      this.#others.shift();
    }
  }

  /** Encodes the first row group here, if it is not added yet. */
  finishFirst(): void {
    if (!this.#isHolding) return;
    this.#encoder.resume();
    this.#isAdded();
  }

  /** Lets workers forget what they have. */
  stop(): void {
    [...this.#helpers, ...this.#others.map(({ held }) => held)].forEach((held) => { held.drop(); });
  }

  /** The first row group, and the models of all of them: when it is done, workers are encoding others. */
  async #encodeFirst(): Promise<void> {
    const { helpers, isSampled, rows, groupRows, workers } = this.#table;
    const { columns, release } = this.#table.cutOwn(0, this.#next);
    // What is not shared is copied.
    for (const member of this.#members.slice(0, helpers)) this.#helpers.push(this.#hold(member, columns, 0, []));
    this.#encoder.hold(columns, 0);
    this.#isHolding = true;
    const pieces = costliestFirst(columns);
    if (isSampled) await this.#settle(pieces);
    else this.finishFirst();
    this.#models = this.#encoder.models();
    if (!this.#models || !this.#isHolding) return;
    const models = this.#models;
    const isShared = rows <= groupRows * (1 + workers);
    // Where others wait, helpers let go of this one.
    if (!isShared) this.#helpers.forEach((held) => void held.step({ kind: 'encode', models, claims: nothing() }));
    this.#handOut(AHEAD);
    this.#add(await this.#together(pieces, isShared ? this.#helpers : [], (claims) => ({ kind: 'encode', models, claims }), (column) => this.#encoder.encodeColumn(column)));
    // All helpers have answered, so that they have copied it.
    release();
  }

  /** Settles the models, unless there can be none. */
  async #settle(pieces: readonly number[]): Promise<void> {
    if (this.#encoder.models()) return;
    const surveys = await this.#together(pieces, this.#helpers, (claims) => ({ kind: 'survey', claims }), (column) => this.#encoder.survey(column), () => { this.#handOut(1); });
    const plan = this.#encoder.plan(surveys);
    this.#encoder.settle(await this.#together(pieces, this.#helpers, (claims) => ({ kind: 'attempt', claims, plan }), (column) => this.#encoder.attempt(plan, column)));
  }

  /** Lets this thread and workers do a step on columns, each the next one when it has done one; what that gives for all. */
  async #together(pieces: readonly number[], helpers: readonly Held[], step: (claims: Claims) => Step, own: (column: number) => Bytes, meanwhile?: () => void): Promise<Bytes> {
    const [claims, ...others] = claimsOf(pieces, 1 + helpers.length);
    const theirs = helpers.map((held, index) => held.step(step(others[index] ?? nothing())));
    meanwhile?.();
    const parts = [];
    for (const column of claim(claims ?? nothing())) {
      parts.push(own(column));
      await makeWay(this.#signal);
    }
    for (const other of theirs) parts.push(await this.#result(other));
    return join(parts);
  }

  /** Gives each worker so many row groups that are not the first, and lets it encode them once it is known how. */
  #handOut(ahead: number): void {
    const { rows, groupRows, workers } = this.#table;
    while (this.#next < rows && this.#others.length < ahead * workers) {
      const { columns, release } = this.#table.cutOwn(this.#next, Math.min(this.#next + groupRows, rows));
      const [member] = [...this.#members].sort((a, b) => a.load - b.load);
      if (!member) throw new WorkerFailure('there are no workers');
      this.#others.push({ held: this.#hold(member, columns, this.#next, buffersOf(columns)), release, chunks: undefined });
      this.#next += groupRows;
    }
    const models = this.#models;
    if (!models) return;
    for (const other of this.#others) {
      const [claims = nothing()] = claimsOf([...this.#fields.keys()], 1);
      other.chunks ??= other.held.step({ kind: 'encode', models, claims });
    }
  }

  #hold(member: Member, columns: readonly ColumnBuffers[], first: number, move: ArrayBuffer[]): Held {
    return new Held(member, this.#table.engine, { setup: this.#setup, fields: this.#fields, columns, first }, move);
  }

  async #result(done: Promise<Bytes>): Promise<Bytes> {
    await orAborted(done, this.#signal);
    return done;
  }

  #add(chunks: Bytes): void {
    this.#encoder.addRowGroup(chunks);
    this.#isAdded();
  }

  #isAdded(): void {
    this.#isHolding = false;
    this.#added = Math.min(this.#added + this.#table.groupRows, this.#table.rows);
    this.#onAdded(this.#added);
  }
}

/** No piece of work. */
function nothing(): Claims {
  return { pieces: [], taken: undefined, hand: 0, hands: 1 };
}

/** Columns, those first that take long: text by its bytes. */
function costliestFirst(columns: readonly ColumnBuffers[]): number[] {
  const sizes = columns.map(({ offsets, values }) => (offsets ? values.byteLength : 0));
  return [...columns.keys()].sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
}
