/** How a read is shared out among workers: by columns, or by row groups. */

import type { Engine } from '../engine.js';
import type { Selection } from '../scan.js';
import type { ColumnData, OpenArrays } from '../wasm-types.js';
import { canJoin, JoinedColumn } from './join.js';
import { pool, type Member, type SharedFile } from './pool.js';

/** What one column costs, and the other columns that are decoded with it. */
export interface Cost {
  readonly column: number;
  /** Microseconds of decoding, by a rough rule. */
  readonly own: number;
  /** Microseconds of putting it together, if all of it came in parts. */
  readonly joining: number;
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

/** How a read is shared out. */
export interface Division {
  readonly workers: number;
  /** What was settled beforehand. */
  readonly shares: readonly Share[];
  /** What whoever has time takes next. */
  readonly open: OpenShare | undefined;
}

/** Columns whose row groups are taken one by one: by the calling thread, if it decodes, from the front, by workers from the back. */
export interface OpenShare {
  readonly columns: readonly number[];
  /** Row groups at the front that workers leave to the calling thread as long as others may come; none if it does not decode. */
  readonly reserved: number;
}

/** Shares, and the microseconds after which the last is done, roughly. */
interface Plan {
  readonly shares: readonly Share[];
  readonly open?: OpenShare;
  readonly time: number;
}

/**
 * Shares a read out, in the way in which it will be done first. By columns, each array is made in one piece, but columns
 * that others are predicted from are decoded in each share that needs them. By row groups, nothing is decoded twice, but
 * the calling thread puts the parts together; its own come first, and are where they belong as they are decoded. Where
 * there are several families, the largest is shared out by row groups, and the columns of each other one stay together.
 */
export function shareOut(work: Work): Division {
  const plans: readonly Plan[] = [byColumns(work), ...byRowGroups(work, unburdened(work)), ...byFamilies(work)];
  const { shares, open } = plans.reduce((best, plan) => (plan.time < best.time ? plan : best));
  return { workers: work.workers, shares, open };
}

/** Those who decode: the calling thread first, if it does, and the workers. */
function handsOf({ workers, isCallerIn }: Work): (number | undefined)[] {
  return [...(isCallerIn ? [undefined] : []), ...Array.from({ length: workers }, (_, worker) => worker)];
}

/** Microseconds that each hand has to do already: nothing. */
function unburdened(work: Work): number[] {
  return handsOf(work).map(() => 0);
}

function byColumns(work: Work): Plan {
  const { costs, wanted, rows } = work;
  const hands = handsOf(work);
  const { shares, largest } = divide(costs, wanted, unburdened(work));
  return { shares: sharesOf(shares, hands, 0, rows.length), time: largest };
}

/**
 * The ways to share out row groups among hands of which each has something to do already: whole ones only, or as many as
 * there can be for each, and the columns of the others.
 */
function* byRowGroups(work: Work, burdens: readonly number[]): Iterable<Plan> {
  const { costs, wanted, rows, workers, isCallerIn } = work;
  const hands = handsOf(work);
  const starts = startsOf(rows);
  if (hands.length < 2 || rows.length < 2 || !canJoin(starts)) return;
  const numRows = rows.reduce((sum, some) => sum + some, 0);
  const total = costs.reduce((sum, { own }) => sum + own, 0);
  const allJoining = costs.reduce((sum, { column, joining }) => sum + (wanted.has(column) ? joining : 0), 0);
  const shareOf = (start: number, end: number): number => ((starts[end] ?? numRows) - (starts[start] ?? numRows)) / numRows;
  const timeOf = (start: number, end: number): number => total * shareOf(start, end);
  const joiningFrom = (start: number): number => allJoining * shareOf(start, rows.length);
  const columns = [...wanted].sort((a, b) => a - b);
  const callerBurden = isCallerIn ? (burdens[0] ?? 0) : 0;

  for (let reserved = Number(isCallerIn); reserved < (isCallerIn ? rows.length : 1); reserved++) {
    const times = burdens.slice(Number(isCallerIn));
    for (let index = reserved; index < rows.length; index++) {
      const worker = times.indexOf(Math.min(...times));
      times[worker] = (times[worker] ?? 0) + timeOf(index, index + 1);
    }
    yield { shares: [], open: { columns, reserved }, time: Math.max(callerBurden + timeOf(0, reserved) + joiningFrom(reserved), ...times) };
  }

  const each = Math.floor(rows.length / hands.length);
  const left = rows.length - each * hands.length;
  if (each === 0 || left === 0) return;
  const first = isCallerIn ? each : 0;
  const rest = each * hands.length;
  // While the others decode, the calling thread puts together what they have decoded before.
  const part = shareOf(rest, rows.length);
  const joining = isCallerIn ? (joiningFrom(first) - joiningFrom(rest)) / part : 0;
  const { shares, largest } = divide(costs, wanted, burdens.map((burden, hand) => burden / part + (hand === 0 ? joining : 0)));
  const wholes = Array.from({ length: rest - first }, (_, index): Share => ({ worker: index % workers, columns, start: first + index, end: first + index + 1 }));
  const parts = Array.from({ length: left }, (_, index) => sharesOf(shares, hands, rest + index, rest + index + 1));
  const time = Math.max(timeOf(0, each), timeOf(first, first + each)) + largest * part;
  yield { shares: [...(isCallerIn ? [{ worker: undefined, columns, start: 0, end: first }] : []), ...wholes, ...parts.flat()], time };
}

/** Columns of each hand, as shares of some row groups. */
function sharesOf(columns: readonly (readonly number[])[], hands: readonly (number | undefined)[], start: number, end: number): Share[] {
  return columns.flatMap((some, hand): Share[] => (some.length > 0 ? [{ worker: hands[hand], columns: [...some].sort((a, b) => a - b), start, end }] : []));
}

/** The ways to share out the row groups of the largest family, where some hands have the columns of the others. */
function* byFamilies(work: Work): Iterable<Plan> {
  const [largest, ...others] = familiesOf(work);
  if (!largest || others.length === 0) return;
  const hands = handsOf(work);
  const isWanted = (column: number): boolean => work.wanted.has(column);
  // The calling thread puts parts together; perhaps that is enough, but for the largest family.
  for (const helpers of work.isCallerIn ? [hands, hands.slice(1)] : [hands]) {
    const burdens = unburdened(work);
    const columns = hands.map((): number[] => []);
    for (const family of others) {
      const hand = helpers.map((helper) => hands.indexOf(helper)).reduce((best, other) => ((burdens[other] ?? 0) < (burdens[best] ?? 0) ? other : best));
      burdens[hand] = (burdens[hand] ?? 0) + sumOf(family);
      columns[hand]?.push(...family.map(({ column }) => column).filter(isWanted));
    }
    const wholes = sharesOf(columns, hands, 0, work.rows.length);
    const wanted = new Set(largest.map(({ column }) => column).filter(isWanted));
    for (const plan of byRowGroups({ ...work, costs: largest, wanted }, burdens)) yield { ...plan, shares: [...wholes, ...plan.shares] };
  }
}

/** Columns that are predicted from each other, together, the family that costs most first. */
function familiesOf({ costs }: Work): Cost[][] {
  const families: Cost[][] = [];
  for (const cost of costs) {
    const isRelated = (family: readonly Cost[]): boolean =>
      family.some(({ column, parents }) => cost.parents.includes(column) || parents.includes(cost.column) || parents.some((parent) => cost.parents.includes(parent)));
    const related = families.filter(isRelated);
    families.splice(0, Infinity, ...families.filter((family) => !related.includes(family)), [...related.flat(), cost]);
  }
  return families.sort((a, b) => sumOf(b) - sumOf(a));
}

function sumOf(costs: readonly Cost[]): number {
  return costs.reduce((sum, { own }) => sum + own, 0);
}

/**
 * Shares columns out among hands that have something to do already, so that the largest share costs little. What several
 * shares need is decoded in each of them.
 * @returns the columns of each, and what the largest costs together with what there was
 */
function divide(costs: readonly Cost[], wanted: ReadonlySet<number>, burdens: readonly number[]): { shares: number[][]; largest: number } {
  const own = new Map(costs.map((cost) => [cost.column, cost.own]));
  const sum = (columns: Iterable<number>): number => [...columns].reduce((total, column) => total + (own.get(column) ?? 0), 0);
  const closures = costs.filter(({ column }) => wanted.has(column)).map(({ column, parents }) => ({ column, all: [column, ...parents] }));
  const shares = burdens.map((cost) => ({ columns: [] as number[], decoded: new Set<number>(), cost }));
  for (const { column, all } of closures.map((closure) => ({ ...closure, cost: sum(closure.all) })).sort((a, b) => b.cost - a.cost)) {
    const offers = shares.map((share) => ({ share, cost: share.cost + sum(all.filter((other) => !share.decoded.has(other))) }));
    const { share, cost } = offers.reduce((best, offer) => (offer.cost < best.cost ? offer : best));
    share.columns.push(column);
    all.forEach((other) => share.decoded.add(other));
    share.cost = cost;
  }
  return {
    shares: shares.map(({ columns }) => columns),
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

/** A job of a worker. */
interface Assigned extends Share {
  readonly member: Member;
  readonly job: number;
}

/** A row group that was fetched. */
export interface Fetched {
  readonly selection: Selection;
  readonly stored: ReadonlyMap<number, Uint8Array>;
}

/** One that nobody took yet. */
interface OpenRowGroup extends Fetched {
  readonly index: number;
  /** The columns that decoding it takes. */
  readonly needed: readonly number[];
}

/** Row groups that a worker has been given and not given back: one that it decodes, and one so that it need not wait. */
const MAX_GIVEN = 2;

/** One read that several workers carry out. */
export class SharedRead {
  /** What was settled to be left to the calling thread. */
  readonly own: readonly Share[];
  /** Columns of which the calling thread decodes the row groups that `next` gives. */
  readonly ownOpen: readonly number[] | undefined;
  readonly #file: SharedFile;
  readonly #engine: Engine;
  readonly #bounds: Float64Array;
  readonly #onChunk: (column: number) => void;
  readonly #open: OpenShare | undefined;
  readonly #members: readonly Member[];
  /** Jobs of row groups of `#open` that each worker has. */
  readonly #given = new Map<Member, number>();
  /** In ascending order. */
  #untaken: OpenRowGroup[] = [];
  /** Where the open row groups end that the calling thread has. */
  #ownEnd = 0;
  readonly #assigned: Assigned[];
  /** Jobs that are not done. */
  #left = 0;
  readonly #starts: readonly number[];
  readonly #numRows: number;
  readonly #columns = new Map<number, JoinedColumn>();
  readonly #done: Promise<void>;
  #finish: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #next = 0;
  #isEnded = false;

  /**
   * @param file to read from
   * @param engine whose module the workers get
   * @param division of the read
   * @param bounds first row of each row group of the file, and behind the last one the end
   * @param rows of each row group that are read
   * @param onChunk hears of each chunk that a worker decoded
   */
  constructor(file: SharedFile, engine: Engine, { workers, shares, open }: Division, bounds: Float64Array, rows: readonly number[], onChunk: (column: number) => void) {
    this.#file = file;
    this.#engine = engine;
    this.#bounds = bounds;
    this.#onChunk = onChunk;
    this.#open = open;
    this.#members = pool.members(workers);
    this.own = shares.filter(({ worker }) => worker === undefined);
    this.ownOpen = open && open.reserved > 0 ? open.columns : undefined;
    this.#starts = startsOf(rows);
    this.#numRows = rows.reduce((sum, some) => sum + some, 0);
    const prepared = [...this.own.filter(({ start, end }) => start === 0 && end < rows.length).flatMap(({ columns }) => columns), ...(this.ownOpen ?? [])];
    for (const column of prepared) this.#columns.set(column, new JoinedColumn(this.#numRows, true));
    this.#done = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // Whoever takes the columns sees the failure.
    this.#done.catch(() => undefined);
    this.#assigned = shares.flatMap((share) => {
      const member = share.worker === undefined ? undefined : this.#members[share.worker];
      return member ? [this.#start(member, share)] : [];
    });
  }

  /** Rows of all row groups together, if a share has the first of several: then its arrays are those of the whole. */
  expected({ start, end }: Pick<Share, 'start' | 'end'>): number | undefined {
    return start === 0 && (end > 1 || end < this.#starts.length) ? this.#numRows : undefined;
  }

  /** Parts of these columns go to arrays that the calling thread has begun. */
  prepare(columns: readonly number[], arrays: readonly (OpenArrays | undefined)[]): void {
    for (const [position, column] of columns.entries()) {
      const own = arrays[position];
      if (own) this.#columns.get(column)?.prepare(own);
    }
  }

  /** Takes the columns of a share, in its order. */
  put({ columns, start }: Pick<Share, 'columns' | 'start'>, decoded: readonly ColumnData[]): void {
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
   * @param needed the columns that decoding some takes, themselves and those that they are predicted from
   */
  add({ selection, stored }: Fetched, needed: (columns: readonly number[]) => Iterable<number>): void {
    const index = this.#next++;
    for (const assigned of this.#assigned) {
      if (index >= assigned.start && index < assigned.end) give(assigned, index, { selection, stored }, needed(assigned.columns));
    }
    if (this.#open) this.#untaken.push({ index, selection, stored, needed: [...needed(this.#open.columns)] });
    // What comes slowly is given away as it comes.
    if (!this.#file.isInMemory || this.#next === this.#starts.length) this.#giveAll();
  }

  /** The next row group of the open ones, for the calling thread, once all were added: that which follows its last one. */
  next(): Fetched | undefined {
    if (this.#untaken[0]?.index !== this.#ownEnd) return undefined;
    this.#ownEnd += 1;
    return this.#untaken.shift();
  }

  /** The columns, once all are decoded. */
  async take(nameOf: (column: number) => string): Promise<ReadonlyMap<number, ColumnData>> {
    this.#finishIfDone();
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
    this.#isEnded = true;
    this.#untaken = [];
    for (const { member, job } of this.#assigned) member.stop(job);
  }

  #start(member: Member, share: Share): Assigned {
    const { columns, start, end } = share;
    const firstRow = this.#starts[start] ?? 0;
    // One row group crosses as it is.
    const numRows = end - start > 1 ? (this.#starts[end] ?? this.#numRows) - firstRow : undefined;
    this.#left += 1;
    const job = member.start(this.#file, this.#engine, { columns, bounds: this.#bounds, firstRow, numRows }, {
      decoded: this.#onChunk,
      taken: (taken) => {
        if (this.#isEnded) return;
        this.#left -= 1;
        if (this.#open?.columns === columns) this.#given.set(member, (this.#given.get(member) ?? 0) - 1);
        this.#giveAll();
        this.put(share, taken);
        this.#finishIfDone();
      },
      failed: (error) => { this.#fail(error); },
    });
    return { ...share, member, job };
  }

  /** Gives row groups to workers that have few. */
  #giveAll(): void {
    const { columns = [], reserved = 0 } = this.#open ?? {};
    // The first one is that of the calling thread, whose arrays the others go to.
    const first = this.#next < this.#starts.length ? reserved : Math.min(reserved, 1);
    for (let given = 0; given < MAX_GIVEN; given++) {
      for (const [worker, member] of this.#members.entries()) {
        const last = this.#untaken.at(-1);
        if (!last || last.index < first) return;
        if ((this.#given.get(member) ?? 0) > given) continue;
        this.#untaken.pop();
        this.#given.set(member, given + 1);
        const assigned = this.#start(member, { worker, columns, start: last.index, end: last.index + 1 });
        this.#assigned.push(assigned);
        give(assigned, last.index, last, last.needed);
      }
    }
  }

  #finishIfDone(): void {
    if (this.#left === 0 && this.#next === this.#starts.length && this.#untaken.length === 0) this.#finish();
  }
}

/** Gives a worker the chunks of a row group, and says so if it is the last of the job. */
function give({ member, job, end }: Assigned, index: number, { selection, stored }: Fetched, needed: Iterable<number>): void {
  const { rowGroup, rows, numRows, rowStart } = selection;
  const chunks: [number, Uint8Array][] = [];
  for (const column of needed) {
    const bytes = stored.get(column);
    // Chunks lie within larger pieces, which stay here.
    if (bytes) chunks.push([column, bytes.slice()]);
  }
  member.add(job, { rowGroup, rows, numRows, rowStart, known: new Map() }, chunks);
  if (index === end - 1) member.take(job);
}
