/**
 * A table that workers encode beside the writer of a file: columns of the first row group, of which the models of all of
 * them are settled, and the others as a whole. Loaded where a table is large.
 */

import { join, StreamEncoder } from './encoder.js';
import type { Engine } from './engine.js';
import type { ColumnBuffers, FieldSetup, WriterSetup } from './wasm-types.js';
import { aloneWith, claim, claimsOf, isLeft, type Claims } from './workers/claims.js';
import { pool, WorkerFailure, type Member } from './workers/pool.js';
import { buffersOf, type RowGroup, type Step } from './workers/protocol.js';
import { makeWay, orAborted } from './yield.js';

/** Row groups that a worker has at once: while it sends one back, it can go on with the next. */
const AHEAD = 2;

/** How large row groups may be for the memory of one after the other, against those that are known. */
const ROOM = 1.25;

/** Row groups for each of those who work up to which all of them share the last ones. */
const MAX_EACH = 2;

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
  readonly #steps: { resolve(bytes: Uint8Array): void; reject(error: unknown): void }[] = [];
  #failure: { error: unknown } | undefined;

  constructor(member: Member, engine: Engine, group: RowGroup, move: ArrayBuffer[]) {
    this.#member = member;
    this.#job = member.hold(engine, group, move, {
      stepped: (bytes) => this.#steps.shift()?.resolve(bytes),
      failed: (error) => {
        this.#failure = { error };
        this.#fail(error);
      },
    });
  }

  #fail(error: unknown): void {
    this.#steps.splice(0).forEach((step) => { step.reject(error); });
  }

  /** Orders a step, after those before it. */
  step(step: Step): Promise<Uint8Array> {
    const done = new Promise<Uint8Array>((resolve, reject) => { this.#steps.push({ resolve, reject }); });
    // Whoever needs it sees the failure.
    done.catch(() => undefined);
    if (this.#failure) this.#fail(this.#failure.error);
    else this.#member.step(this.#job, step);
    return done;
  }

  /** Lets go of it, unless its last step is done. */
  drop(): void {
    this.#member.stop(this.#job);
  }
}

/** A row group behind the first one that one worker encodes. */
interface Whole {
  readonly held: Held;
  readonly release: () => void;
  /** Once it is being encoded. */
  chunks: Promise<Uint8Array> | undefined;
  /** Takes back the memory for the chunks. */
  vacate?: () => void;
}

/**
 * Encodes a table, whose row groups are added in their order; `onAdded` hears of the end of each.
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
  /**
   * Where there are few row groups, each worker encodes so many of them alone, this thread the first one, and all of them
   * those that are left, column by column; else workers encode all others. `undefined` for the latter.
   */
  readonly #wholes: number | undefined;
  #members: readonly Member[] = [];
  /** The first row group, in the workers that help with it. */
  readonly #helpers: Held[] = [];
  /** Row groups of one worker each, in their order, those that are not added. */
  readonly #others: Whole[] = [];
  readonly #held = new Set<Held>();
  /** The row with which those begin that no worker has. */
  #next: number;
  #models: Uint8Array | undefined;
  /** Bytes of the largest row group that a worker encoded. */
  #largest = 0;
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
    const groups = Math.ceil(table.rows / table.groupRows);
    const hands = 1 + table.helpers;
    if (table.helpers > 0 && groups <= MAX_EACH * hands) this.#wholes = Math.floor(groups / hands);
  }

  /** Rows of the row groups that are added. */
  get added(): number {
    return this.#added;
  }

  async run(): Promise<void> {
    const { workers, helpers, isSampled } = this.#table;
    this.#members = pool.members(this.#wholes === undefined ? workers : helpers);
    const { columns, release } = this.#cut(0);
    // What is not shared is copied.
    for (const member of this.#members.slice(0, helpers)) this.#helpers.push(this.#hold(member, columns, 0, []));
    this.#encoder.hold(columns, 0);
    this.#isHolding = true;
    const pieces = costliestFirst(columns);
    if (isSampled) await this.#settle(pieces);
    else this.finishFirst();
    const models = this.#encoder.models();
    if (!models) return;
    this.#models = models;
    if (this.#wholes !== undefined) await this.#encodeFew(pieces, models);
    else await this.#encodeMany(pieces, models);
    release();
  }

  /** Encodes the first row group here, if it is not added yet. */
  finishFirst(): void {
    if (!this.#isHolding) return;
    this.#encoder.resume();
    this.#isAdded();
  }

  /** Lets workers forget what they have. */
  stop(): void {
    this.#held.forEach((held) => { held.drop(); });
  }

  /** Settles the models, unless there can be none. */
  async #settle(pieces: readonly number[]): Promise<void> {
    if (this.#encoder.models()) return;
    const meanwhile = (): void => { this.#handOut(this.#wholes ?? 1); };
    const surveys = await this.#together(pieces, (claims) => ({ kind: 'survey', claims }), (column) => this.#encoder.survey(column), meanwhile);
    const plan = this.#encoder.plan(surveys);
    this.#encoder.settle(await this.#together(pieces, (claims) => ({ kind: 'attempt', claims, plan }), (column) => this.#encoder.attempt(plan, column)));
  }

  /** Lets all do a step on columns of the first row group; what that gives for all columns. */
  async #together(pieces: readonly number[], step: (claims: Claims) => Step, own: (column: number) => Uint8Array, meanwhile?: () => void): Promise<Uint8Array> {
    const { claims, theirs } = shareOut(pieces, this.#helpers, step);
    meanwhile?.();
    return join([...(await this.#claimed(claims, own)), ...(await this.#results(theirs))]);
  }

  /** Does what this thread gets of some work. */
  async #claimed(claims: Claims, own: (column: number) => Uint8Array): Promise<Uint8Array[]> {
    const parts = [];
    for (const column of claim(claims)) {
      parts.push(own(column));
      await makeWay(this.#signal);
    }
    return parts;
  }

  /** Encodes row groups of which there are so few that no hand may wait for another. */
  async #encodeFew(pieces: readonly number[], models: Uint8Array): Promise<void> {
    const { rows, groupRows, engine } = this.#table;
    this.#handOut(this.#wholes ?? 0);
    const encode = (claims: Claims): Step => ({ kind: 'encode', models, claims });
    const left = [];
    for (; this.#next < rows; this.#next += groupRows) {
      const first = this.#next;
      const { columns, release } = this.#cut(first);
      const held = this.#members.map((member) => this.#hold(member, columns, first, []));
      left.push({ columns, first, release, ...shareOut(pieces, held, encode) });
    }
    const { claims, theirs } = shareOut(pieces, this.#helpers, encode);
    const own = [await this.#claimed(claims, (column) => this.#encoder.encodeColumn(column))];
    for (const { columns, first, claims } of left) {
      const encoder = StreamEncoder.create(engine, this.#setup, this.#fields);
      try {
        if (isLeft(claims)) {
          encoder.follow(models);
          encoder.hold(columns, first);
        }
        own.push(await this.#claimed(claims, (column) => encoder.encodeColumn(column)));
      } finally {
        encoder.free();
      }
    }
    const [ownFirst = [], ...ownLeft] = own;
    this.#add(join([...ownFirst, ...(await this.#results(theirs))]));
    while (this.#others.length > 0) await this.#addWhole();
    for (const [index, { theirs, release }] of left.entries()) {
      this.#add(join([...(ownLeft[index] ?? []), ...(await this.#results(theirs))]));
      release();
    }
  }

  /** Encodes the first row group while workers encode the others, and go on with those that are left. */
  async #encodeMany(pieces: readonly number[], models: Uint8Array): Promise<void> {
    // Who helped lets go of it.
    this.#helpers.forEach((held) => void held.step({ kind: 'encode', models, claims: aloneWith([]) }));
    this.#handOut(AHEAD);
    if (this.#isHolding) this.#add(join(await this.#claimed(aloneWith(pieces), (column) => this.#encoder.encodeColumn(column))));
    while (this.#added < this.#table.rows) {
      this.#handOut(AHEAD);
      await this.#addWhole();
    }
  }

  /** Adds the next row group that a worker encodes. */
  async #addWhole(): Promise<void> {
    const other = this.#others.shift();
    if (!other?.chunks) throw new WorkerFailure('there are no workers');
    const [chunks = new Uint8Array()] = await this.#results([other.chunks]);
    this.#add(chunks);
    this.#largest = Math.max(this.#largest, chunks.byteLength);
    other.release();
    other.vacate?.();
  }

  /** Gives each worker so many row groups, and lets it encode them once it is known how. */
  #handOut(each: number): void {
    const { rows, groupRows } = this.#table;
    while (this.#next < rows && this.#others.length < each * this.#members.length) {
      const { columns, release } = this.#cut(this.#next);
      const [member] = [...this.#members].sort((a, b) => a.load - b.load);
      if (!member) throw new WorkerFailure('there are no workers');
      this.#others.push({ held: this.#hold(member, columns, this.#next, buffersOf(columns)), release, chunks: undefined });
      this.#next += groupRows;
    }
    const models = this.#models;
    if (!models) return;
    for (const other of this.#others.filter(({ chunks }) => !chunks)) {
      const room = this.#room(other);
      other.chunks = other.held.step({ kind: 'encode', models, claims: aloneWith([...this.#fields.keys()]), room });
    }
  }

  /** Memory for the chunks of a row group, which are likely to be about as large as others were. */
  #room(other: Whole): Uint8Array | undefined {
    const { memory } = pool;
    if (!memory || this.#largest === 0) return undefined;
    const room = new Uint8Array(memory.take(Math.ceil(this.#largest * ROOM)));
    other.vacate = memory.lend();
    return room;
  }

  /** The row group that begins there. */
  #cut(first: number): OwnRows {
    const { rows, groupRows } = this.#table;
    return this.#table.cutOwn(first, Math.min(first + groupRows, rows));
  }

  #hold(member: Member, columns: readonly ColumnBuffers[], first: number, move: ArrayBuffer[]): Held {
    const held = new Held(member, this.#table.engine, { setup: this.#setup, fields: this.#fields, columns, first }, move);
    this.#held.add(held);
    return held;
  }

  async #results(done: readonly Promise<Uint8Array>[]): Promise<Uint8Array[]> {
    const all = Promise.all(done);
    await orAborted(all, this.#signal);
    return all;
  }

  #add(chunks: Uint8Array): void {
    this.#encoder.addRowGroup(chunks);
    this.#isAdded();
  }

  #isAdded(): void {
    this.#isHolding = false;
    this.#added = Math.min(this.#added + this.#table.groupRows, this.#table.rows);
    this.#onAdded(this.#added);
  }
}

/** Shares a step on columns out among this thread, whose claims it gives, and workers; and what these will give. */
function shareOut(pieces: readonly number[], helpers: readonly Held[], step: (claims: Claims) => Step): { claims: Claims; theirs: Promise<Uint8Array>[] } {
  const [claims = aloneWith(pieces), ...others] = claimsOf(pieces, 1 + helpers.length);
  return { claims, theirs: helpers.map((held, index) => held.step(step(others[index] ?? aloneWith([])))) };
}

/** Columns, those first that are likely to take long. */
function costliestFirst(columns: readonly ColumnBuffers[]): number[] {
  const costs = columns.map(({ offsets, values }) => values.byteLength * (offsets ? 2 : values instanceof Float64Array ? 4 : 1));
  return [...columns.keys()].sort((a, b) => (costs[b] ?? 0) - (costs[a] ?? 0));
}
