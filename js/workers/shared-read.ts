/** A read that workers carry out together with the calling thread. */

import type { Engine } from '../engine.js';
import type { BufferSupply } from '../memory.js';
import type { Selection } from '../scan.js';
import type { ColumnData, OpenArrays } from '../wasm-types.js';
import { JoinedColumn } from './join.js';
import { pool, type Member, type SharedFile } from './pool.js';
import type { Task } from './protocol.js';
import { shareOut, startsOf, type Division, type OpenShare, type Share } from './share-out.js';

export { shareOut };

/** What all tasks of a read have. */
type Common = Pick<Task, 'bounds' | 'keepsCodes' | 'tells'>;

/** A job of a worker. */
interface Assigned extends Share {
  readonly member: Member;
  readonly job: number;
  /** Take back the memory of its chunks. */
  readonly releases: (() => void)[];
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
  readonly #common: Common;
  readonly #onChunk: ((column: number) => void) | undefined;
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
   * @param common what all tasks have
   * @param rows of each row group that are read
   * @param onChunk hears of each chunk that a worker decoded
   */
  constructor(file: SharedFile, engine: Engine, { workers, shares, open }: Division, common: Common, rows: readonly number[], onChunk?: (column: number) => void) {
    this.#file = file;
    this.#engine = engine;
    this.#common = common;
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
    const releases: (() => void)[] = [];
    this.#left += 1;
    const job = member.start(this.#file, this.#engine, { ...this.#common, columns, firstRow, numRows }, {
      ...(this.#onChunk && { decoded: this.#onChunk }),
      taken: (taken) => {
        if (this.#isEnded) return;
        this.#left -= 1;
        if (this.#open?.columns === columns) this.#given.set(member, (this.#given.get(member) ?? 0) - 1);
        releases.forEach((release) => { release(); });
        this.#giveAll();
        this.put(share, taken);
        this.#finishIfDone();
      },
      failed: (error) => { this.#fail(error); },
    });
    return { ...share, member, job, releases };
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
function give({ member, job, end, releases }: Assigned, index: number, { selection, stored }: Fetched, needed: Iterable<number>): void {
  const { rowGroup, rows, numRows, rowStart } = selection;
  const { memory } = pool;
  const chunks: [number, Uint8Array][] = [];
  for (const column of needed) {
    const bytes = stored.get(column);
    // Chunks lie within larger pieces, which stay here.
    if (bytes) chunks.push([column, memory ? copyTo(memory, bytes) : bytes.slice()]);
  }
  if (memory) releases.push(memory.lend());
  member.add(job, { rowGroup, rows, numRows, rowStart, known: new Map() }, chunks);
  if (index === end - 1) member.take(job);
}

/** A copy of bytes, which can be of a subclass that whoever opened the file has. */
function copyTo(memory: BufferSupply, bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(memory.take(bytes.byteLength), 0, bytes.byteLength);
  copy.set(bytes);
  return copy;
}
