/** How a read is shared out among workers: by columns, or by row groups. */

import type { Engine } from '../engine.js';
import type { Selection } from '../scan.js';
import type { ColumnData } from '../wasm-types.js';
import { canJoin, JoinedColumn } from './join.js';
import { pool, type Member, type SharedFile } from './pool.js';

/** What one column costs, and the other columns that are decoded with it. */
export interface Cost {
  readonly column: number;
  /** Microseconds, by a rough rule. */
  readonly own: number;
  /** Columns that it is predicted from, directly or not. */
  readonly parents: readonly number[];
}

/** What one worker, or the calling thread, does in one go. */
export interface Share {
  /** Which of the workers; `undefined` for the calling thread. */
  readonly worker: number | undefined;
  readonly columns: readonly number[];
  /** The row groups, by their positions in the list of what is read. */
  readonly start: number;
  readonly end: number;
}

/** Nanoseconds that a value takes which is put together from parts, roughly. */
const TIME_OF_JOINING = 2;

/** What is to be shared out. */
interface Work {
  /** Of the wanted columns and those that they need, for all row groups together. */
  readonly costs: readonly Cost[];
  readonly wanted: ReadonlySet<number>;
  /** Rows of each row group that are read. */
  readonly rows: readonly number[];
  readonly workers: number;
  /** Whether the calling thread decodes, too. */
  readonly isCallerIn: boolean;
}

/** Shares, and the microseconds after which the last is done, roughly. */
interface Plan {
  readonly shares: readonly Share[];
  readonly time: number;
}

/**
 * Shares a read out, in the way in which it will be done first. By columns, each array is made in one piece, but columns
 * that others are predicted from are decoded in each share that needs them. By row groups, nothing is decoded twice, but
 * the calling thread puts the parts together; its own come first, and are where they belong as they are decoded.
 */
export function shareOut(work: Work): readonly Share[] {
  const plans = [byColumns(work), ...byRowGroups(work)];
  return plans.reduce((best, plan) => (plan.time < best.time ? plan : best)).shares;
}

function byColumns({ costs, wanted, rows, workers, isCallerIn }: Work): Plan {
  const { shares, largest } = divide(costs, wanted, workers + Number(isCallerIn));
  return { shares: shares.map((columns, hand): Share => ({ worker: workerOf(hand, isCallerIn), columns, start: 0, end: rows.length })), time: largest };
}

/** The worker of a hand: the first hand is the calling thread where that decodes, too. */
function workerOf(hand: number, isCallerIn: boolean): number | undefined {
  if (!isCallerIn) return hand;
  return hand === 0 ? undefined : hand - 1;
}

/** The ways to share out row groups: whole ones only, or as many as there can be for each, and the columns of the others. */
function* byRowGroups({ costs, wanted, rows, workers, isCallerIn }: Work): Iterable<Plan> {
  const hands = workers + Number(isCallerIn);
  const starts = startsOf(rows);
  if (hands < 2 || rows.length < 2 || !canJoin(starts)) return;
  const numRows = rows.reduce((sum, some) => sum + some, 0);
  const total = costs.reduce((sum, { own }) => sum + own, 0);
  const timeOf = (start: number, end: number): number => (total * ((starts[end] ?? numRows) - (starts[start] ?? numRows))) / numRows;
  const joining = (start: number): number => ((numRows - (starts[start] ?? numRows)) * wanted.size * TIME_OF_JOINING) / 1000;
  const columns = [...wanted].sort((a, b) => a - b);
  const wholes = (start: number, end: number): Share[] =>
    Array.from({ length: end - start }, (_, index): Share => ({ worker: index % workers, columns, start: start + index, end: start + index + 1 }));
  const own = (end: number): Share[] => (end > 0 ? [{ worker: undefined, columns, start: 0, end }] : []);

  for (let first = 0; first < (isCallerIn ? rows.length : 1); first++) {
    const busiest = Array.from({ length: workers }, (_, worker) => {
      let time = 0;
      for (let index = first + worker; index < rows.length; index += workers) time += timeOf(index, index + 1);
      return time;
    });
    const caller = timeOf(0, first) + joining(first);
    yield { shares: [...own(first), ...wholes(first, rows.length)], time: Math.max(caller, ...busiest) };
  }

  const each = Math.floor(rows.length / hands);
  const left = rows.length - each * hands;
  if (each === 0 || left === 0) return;
  const { shares, largest } = divide(costs, wanted, hands);
  const first = isCallerIn ? each : 0;
  const rest = each * hands;
  yield {
    shares: [
      ...own(first), ...wholes(first, rest),
      ...Array.from({ length: left }, (_, index) => shares.map((some, hand): Share => ({ worker: workerOf(hand, isCallerIn), columns: some, start: rest + index, end: rest + index + 1 }))).flat(),
    ],
    time: Math.max(timeOf(0, each), timeOf(first, first + each)) + (largest * timeOf(rest, rows.length)) / total + joining(first) / (isCallerIn ? 1 : hands),
  };
}

/**
 * Shares columns out so that the largest share costs little. What several shares need is decoded in each of them.
 * @returns at most `count` shares, none of them empty, and what the largest costs
 */
function divide(costs: readonly Cost[], wanted: ReadonlySet<number>, count: number): { shares: number[][]; largest: number } {
  const own = new Map(costs.map((cost) => [cost.column, cost.own]));
  const sum = (columns: Iterable<number>): number => [...columns].reduce((total, column) => total + (own.get(column) ?? 0), 0);
  const families = costs.filter(({ column }) => wanted.has(column)).map(({ column, parents }) => ({ column, all: [column, ...parents] }));
  const shares = Array.from({ length: count }, () => ({ columns: [] as number[], decoded: new Set<number>(), cost: 0 }));
  for (const { column, all } of families.map((family) => ({ ...family, cost: sum(family.all) })).sort((a, b) => b.cost - a.cost)) {
    const offers = shares.map((share) => ({ share, cost: share.cost + sum(all.filter((other) => !share.decoded.has(other))) }));
    const { share, cost } = offers.reduce((best, offer) => (offer.cost < best.cost ? offer : best));
    share.columns.push(column);
    all.forEach((other) => share.decoded.add(other));
    share.cost = cost;
  }
  return {
    shares: shares.map(({ columns }) => columns.sort((a, b) => a - b)).filter((columns) => columns.length > 0),
    largest: Math.max(0, ...shares.map(({ cost }) => cost)),
  };
}

/** The row with which each row group starts, among those that are read. */
function startsOf(rows: readonly number[]): number[] {
  let end = 0;
  return rows.map((some) => {
    const start = end;
    end += some;
    return start;
  });
}

/** A share, and the worker that has it. */
interface Assigned extends Share {
  readonly member: Member;
  readonly job: number;
}

/** One read that several workers carry out. */
export class SharedRead {
  /** What is left to the calling thread. */
  readonly own: readonly Share[];
  readonly #assigned: readonly Assigned[];
  readonly #starts: readonly number[];
  readonly #numRows: number;
  readonly #columns = new Map<number, JoinedColumn>();
  readonly #done: Promise<void>;
  #fail: (error: unknown) => void = () => undefined;
  #next = 0;

  /**
   * @param file to read from
   * @param engine whose module the workers get
   * @param shares of the read
   * @param bounds first row of each row group of the file, and behind the last one the end
   * @param rows of each row group that are read
   * @param onChunk hears of each chunk that a worker decoded
   */
  constructor(file: SharedFile, engine: Engine, shares: readonly Share[], bounds: Float64Array, rows: readonly number[], onChunk: (column: number) => void) {
    this.own = shares.filter(({ worker }) => worker === undefined);
    const others = shares.filter(({ worker }) => worker !== undefined);
    const members = pool.members(1 + Math.max(...others.map(({ worker = 0 }) => worker)));
    this.#starts = startsOf(rows);
    this.#numRows = rows.reduce((sum, some) => sum + some, 0);
    for (const { columns, start, end } of this.own) {
      if (start === 0 && end < rows.length) columns.forEach((column) => { this.#columns.set(column, new JoinedColumn(this.#numRows, true)); });
    }
    let left = others.length;
    let finish: () => void = () => undefined;
    this.#done = new Promise((resolve, reject) => {
      finish = resolve;
      this.#fail = reject;
    });
    // Whoever takes the columns sees the failure.
    this.#done.catch(() => undefined);
    this.#assigned = others.flatMap((share) => {
      const { columns, start, end, worker = 0 } = share;
      const member = members[worker];
      if (!member) return [];
      // One row group crosses as it is.
      const expected = end - start > 1 ? rows.slice(start, end).reduce((sum, some) => sum + some, 0) : undefined;
      const job = member.start(file, engine, columns, bounds, expected, {
        decoded: onChunk,
        taken: (taken) => {
          this.put(share, taken);
          left -= 1;
          if (left === 0) finish();
        },
        failed: (error) => { this.#fail(error); },
      });
      return [{ ...share, member, job }];
    });
  }

  /** Rows of all row groups together, if a share has the first of several: then its arrays are those of the whole. */
  expected({ start, end }: Share): number | undefined {
    return start === 0 && (end > 1 || end < this.#starts.length) ? this.#numRows : undefined;
  }

  /** Takes the columns of a share, in its order. */
  put({ columns, start }: Share, decoded: readonly ColumnData[]): void {
    for (const [position, column] of columns.entries()) {
      const data = decoded[position];
      if (!data) continue;
      const joined = this.#columns.get(column) ?? new JoinedColumn(this.#numRows, false);
      this.#columns.set(column, joined);
      joined.add(this.#starts[start] ?? 0, data);
    }
  }

  /**
   * Adds the chunks of the next row group.
   * @param needed the columns that a share needs, its own and those that they are predicted from
   */
  add({ rowGroup, rows, numRows, rowStart }: Selection, stored: ReadonlyMap<number, Uint8Array>, needed: (columns: readonly number[]) => Iterable<number>): void {
    const index = this.#next++;
    for (const { member, job, columns, start, end } of this.#assigned) {
      if (index < start || index >= end) continue;
      const chunks: [number, Uint8Array][] = [];
      for (const column of needed(columns)) {
        const bytes = stored.get(column);
        // Chunks lie within larger pieces, which stay here.
        if (bytes) chunks.push([column, bytes.slice()]);
      }
      member.add(job, { rowGroup, rows, numRows, rowStart, known: new Map() }, chunks);
      if (index === end - 1) member.take(job);
    }
  }

  /** The columns, once all are decoded. */
  async take(nameOf: (column: number) => string): Promise<ReadonlyMap<number, ColumnData>> {
    await this.#done;
    const columns = new Map<number, ColumnData>();
    for (const [column, joined] of this.#columns) {
      const data = joined.take(nameOf(column));
      if (data) columns.set(column, data);
    }
    return columns;
  }

  /** Ends what is still under way. */
  free(): void {
    for (const { member, job } of this.#assigned) member.stop(job);
  }
}
