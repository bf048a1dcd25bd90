/**
 * Reading rows: which chunks hold them, which of those a filter leaves, and what is in the chunks.
 *
 * A scan goes row group by row group. With a filter it looks at statistics first, then at the columns that the filter
 * names, and then at the other columns of only those row groups in which something was found.
 */

import type { Range } from './bytes.js';
import type { Ask, Core, Driver, Session, Steps } from './core.js';
import { currentPlatform } from './engine.js';
import type { CompiledFilter } from './filter.js';
import { coreMemory } from './memory.js';
import type { CallOptions } from './types.js';
import type { ColumnData, OpenArrays } from './wasm-types.js';
import { pool, WorkerFailure, type SharedFile } from './workers/pool.js';
import type { Cost, Division, Work } from './workers/share-out.js';
import type { SharedRead } from './workers/shared-read.js';

/** Most bytes of the row groups that are fetched together, unless it is one. */
const MAX_UNIT = 4 * 1024 * 1024;

/** Most rows for which arrays of the final size are made at once. */
const MAX_EXPECTED = 2 ** 27;

/** Microseconds of decoding, by a rough rule. */
const SHARED_FROM = { warm: 3_500, cold: 140_000, later: 14_000 };
/** Nanoseconds of a model of another column per value, and of a stored byte, as measured in wasm. */
const TIME_OF_PARENT = 1.3;
const TIME_OF_BYTE = 0.8;
/** What is shared out should take at most so much of the time: memory, and a collection that waits for other threads, cost, too. */
const MAX_SHARED_TIME = 0.7;
/** Microseconds that each of them should have to do. */
const MIN_SHARE = 900;

/** Nanoseconds that a value of a column takes, roughly. */
export interface ValueTimes {
  readonly decoding: number;
  /** To decode it for others alone. */
  readonly asParent: number;
  /** To put it where it belongs, where it comes in a part. */
  readonly joining: number;
}

/** Who may help to decode. */
export interface Sharing {
  readonly file: SharedFile;
  readonly workers: number | 'auto';
  /** What its values take, by position in the schema. */
  timesOf(column: number): ValueTimes;
  /** Name of a column, for errors. */
  nameOf(column: number): string;
}

/** What is wanted. */
export interface Request {
  /** Positions in the schema. */
  readonly columns: readonly number[];
  /** Rows of the file. */
  readonly rows: Range;
  /** Most rows. */
  readonly limit: number;
  /** What rows must fulfil. */
  readonly filter: CompiledFilter | undefined;
  /** Whether strings of a dictionary stay codes. */
  readonly keepsCodes: boolean;
}

/** Rows that were read. */
export interface Batch {
  /** One for each wanted column. */
  readonly columns: readonly ColumnData[];
  readonly numRows: number;
  /** Position in the file of the first row. */
  readonly rowStart: number;
}

/** Chunks of one row group as they are stored, by column. What the data of a legacy file do not hold is not there. */
type Stored = ReadonlyMap<number, Uint8Array>;

/** Where such chunks lie. */
type Ranges = ReadonlyMap<number, Range>;

/** A row group that may hold wanted rows. */
interface Candidate {
  readonly rowGroup: number;
  /** Whether the filter has to be asked about its rows. */
  readonly isUndecided: boolean;
  /** Bytes of all its chunks that may be fetched. */
  readonly bytes: number;
}

/** Wanted rows of one row group. */
export interface Selection {
  readonly rowGroup: number;
  /** Rows of the file, of which those within the row group are meant; or ascending positions within it. */
  readonly rows: Range | Uint32Array;
  readonly numRows: number;
  /** Position in the file of the first of them. */
  readonly rowStart: number;
  /** What was fetched already. */
  readonly known: Stored;
}

/** What `Filter.prune` says of a row group; anything else is undecided. */
const NO_ROW = 0;
const ALL_ROWS = 2;

type RowGroup = InstanceType<Core['instance']['RowGroup']>;

/** A filter, and the reader that it was made for. */
interface LiveFilter {
  readonly core: Core;
  readonly handle: InstanceType<Core['instance']['Filter']>;
  /** The columns that it looks at. */
  readonly columns: Uint32Array;
}

/** One reading of some rows. */
export class Scan {
  readonly session: Session;
  readonly #request: Request;
  readonly #sharing: Sharing | undefined;
  /** First row of each row group, and behind the last one the end. */
  readonly #bounds: Float64Array;
  #core: Core | undefined;
  #filter: LiveFilter | undefined;
  /** Rows that the limit still leaves to the filter. */
  #left: number;

  constructor(session: Session, bounds: Float64Array, request: Request, sharing?: Sharing) {
    this.session = session;
    this.#sharing = sharing;
    this.#bounds = bounds;
    const { rows, limit, filter } = request;
    // Without a filter, the limit only moves the end.
    this.#request = filter ? request : { ...request, rows: { start: rows.start, end: Math.min(rows.end, rows.start + limit) } };
    this.#left = filter ? limit : Infinity;
  }

  /** Whether strings of a dictionary stay codes. */
  get keepsCodes(): boolean {
    return this.#request.keepsCodes;
  }

  /** All wanted rows, row group by row group; `onChunk` hears of each chunk that was decoded, and of how many. */
  *read(onChunk?: (column: number, done: number, all: number) => void): Steps<Batch> {
    const { columns, rows, filter } = this.#request;
    const assembly = new Assembly(this, columns);
    try {
      // As long as no limit says where to stop, everything is planned at once.
      const isStepwise = this.#left !== Infinity;
      const candidates = this.#candidates(yield* this.ready(), isStepwise);
      const units = isStepwise ? new Units(candidates) : undefined;
      const selections: Selection[] = [];
      for (let unit = units?.next() ?? candidates; unit.length > 0 && this.#left > 0; unit = units?.next() ?? []) {
        selections.push(...(yield* this.#select(unit)));
      }

      const work = this.#work(yield* this.ready(), selections);
      if (work && !shared) yield { kind: 'wait', done: loadShared() };
      const division = work && this.#divide(work);
      const missing = this.#missing(yield* this.ready(), selections);
      yield plan(missing);
      const numRows = selections.reduce((sum, selection) => sum + selection.numRows, 0);
      const rowStart = filter ? (selections[0]?.rowStart ?? rows.start) : rows.start;
      const width = new Set(columns).size;
      if (division && shared && this.#sharing) {
        let done = 0;
        const parts = selections.map((selection) => selection.numRows);
        const told = onChunk && ((column: number): void => { onChunk(column, ++done, selections.length * width); });
        const common = { bounds: this.#bounds, keepsCodes: this.keepsCodes, tells: told !== undefined };
        const read = new shared.SharedRead(this.#sharing.file, this.session.engine, division, common, parts, told);
        return { columns: yield* this.#shared(read, selections, missing, told), numRows, rowStart };
      }
      // One part crosses as it is.
      if (selections.length > 1) assembly.expect(numRows);
      for (const [index, selection] of selections.entries()) {
        assembly.add(selection, yield* fetching(this.session, missing[index] ?? new Map(), selection.known));
        let done = index * width;
        yield* assembly.settle(onChunk && ((column) => { onChunk(column, ++done, selections.length * width); }));
      }
      const { columns: read } = yield* assembly.take(Infinity);
      return { columns: read, numRows, rowStart };
    } finally {
      assembly.free();
      this.free();
    }
  }

  /**
   * The same row group by row group, or so many rows at a time. Fetches what comes next while the present row group is
   * decoded and used.
   */
  async *batches(driver: Driver, size: number | undefined, options: CallOptions): AsyncGenerator<Batch, void, undefined> {
    const assembly = new Assembly(this, this.#request.columns);
    const stop = new AbortController();
    const abort = (): void => {
      stop.abort(options.signal?.reason);
    };
    options.signal?.addEventListener('abort', abort);
    const run = <T>(steps: Steps<T>): Promise<T> => driver.run(steps, { ...options, signal: stop.signal });
    try {
      options.signal?.throwIfAborted();
      const candidates = this.#candidates(await run(this.ready()), true);
      const units = new Units(candidates);
      const load = (): Promise<Part[]> | undefined => {
        const unit = this.#left > 0 ? units.next() : [];
        if (unit.length === 0) return undefined;
        const loading = run(this.#load(unit));
        // Whoever waits for it sees the failure; where nobody comes to wait, it is no unhandled rejection.
        loading.catch(() => undefined);
        return loading;
      };
      let done = 0;
      for (let loading = load(); loading; ) {
        const parts = await loading;
        loading = load();
        for (const { selection, stored } of parts) {
          assembly.add(selection, stored);
          await run(assembly.settle());
          done += 1;
          options.onProgress?.({ phase: 'decode', loaded: done, total: candidates.length });
          while (assembly.numRows >= (size ?? 1)) yield await run(assembly.take(size ?? Infinity));
        }
      }
      if (assembly.numRows > 0) yield await run(assembly.take(Infinity));
    } finally {
      options.signal?.removeEventListener('abort', abort);
      stop.abort();
      assembly.free();
      this.free();
    }
  }

  /** The open reader, which knows where the columns lie; the filter is made for it. */
  *ready(): Steps<Core> {
    const { session } = this;
    const { columns, filter } = this.#request;
    while (!session.isLive(this.#core)) {
      const core = yield* session.locate(Uint32Array.from(columns));
      if (filter !== undefined) {
        if (this.#filter?.core !== core) this.#filter = makeFilter(session, core, filter);
        if ((yield* session.locate(this.#filter.columns)) !== core) continue;
      }
      this.#core = core;
    }
    return this.#core;
  }

  /** Lets go of the filter. */
  free(): void {
    if (this.#filter && this.session.isLive(this.#filter.core)) this.#filter.handle.free();
    this.#filter = undefined;
    this.#core = undefined;
  }

  /** Row groups that hold wanted rows, as far as statistics can tell; with their sizes or without. */
  #candidates(core: Core, areSizesWanted: boolean): Candidate[] {
    const { rows, columns } = this.#request;
    const filter = this.#filter;
    const involved = areSizesWanted ? [...new Set([...columns, ...(filter?.columns ?? [])])] : [];
    return this.session.call(core, () => {
      const [first = 0, end = 0] = core.reader.rowGroupsOf(rows.start, rows.end);
      const candidates: Candidate[] = [];
      for (let rowGroup = first; rowGroup < end; rowGroup++) {
        const pruned = filter ? filter.handle.prune(core.reader, rowGroup) : ALL_ROWS;
        if (pruned === NO_ROW) continue;
        let bytes = 0;
        for (const range of involved.length > 0 ? rangesOf(core, involved, rowGroup).values() : []) bytes += range.end - range.start;
        candidates.push({ rowGroup, isUndecided: pruned !== ALL_ROWS, bytes });
      }
      return candidates;
    });
  }

  /** The wanted rows of some row groups; none is left out of which nothing is known, unless the limit is reached. */
  *#select(unit: readonly Candidate[]): Steps<Selection[]> {
    const selections: Selection[] = [];
    const core = yield* this.ready();
    const undecided = unit.filter(({ isUndecided }) => isUndecided);
    const tested = [...(this.#filter?.columns ?? [])];
    const ranges = this.session.call(core, () => undecided.map(({ rowGroup }) => rangesOf(core, tested, rowGroup)));
    yield plan(ranges);
    for (const candidate of unit) {
      if (this.#left <= 0) break;
      const selection = candidate.isUndecided ? yield* this.#test(candidate, yield* fetching(this.session, ranges.shift() ?? new Map())) : this.#all(candidate);
      if (selection.numRows === 0) continue;
      selections.push(selection);
      this.#left -= selection.numRows;
    }
    return selections;
  }

  /** All rows of a row group that are within the range and the limit. */
  #all({ rowGroup }: Candidate): Selection {
    const { rows, filter } = this.#request;
    const rowStart = Math.max(rows.start, this.#bounds[rowGroup] ?? 0);
    const rowEnd = Math.min(rows.end, this.#bounds[rowGroup + 1] ?? 0, rowStart + this.#left);
    // Columns of odd legacy files can be longer than the file says.
    return { rowGroup, rows: filter ? { start: rowStart, end: rowEnd } : rows, numRows: Math.max(0, rowEnd - rowStart), rowStart, known: new Map() };
  }

  /** The rows of a row group that the filter lets through, within the range and the limit. */
  *#test({ rowGroup }: Candidate, stored: Stored): Steps<Selection> {
    yield { kind: 'turn' };
    const core = yield* this.ready();
    const { rows } = this.#request;
    const found = withRowGroup(this.session, core, rowGroup, stored, (group) => this.#filter?.handle.select(core.reader, group, rows.start, rows.end)) ?? new Uint32Array();
    const positions = found.length > this.#left ? found.slice(0, this.#left) : found;
    return { rowGroup, rows: positions, numRows: positions.length, rowStart: (this.#bounds[rowGroup] ?? 0) + (positions[0] ?? 0), known: stored };
  }

  /** Where the chunks lie that the wanted columns need and that are still to be fetched, by selection. */
  #missing(core: Core, selections: readonly Selection[]): Ranges[] {
    const { columns } = this.#request;
    return this.session.call(core, () =>
      selections.map(({ rowGroup, known }) => new Map([...rangesOf(core, columns, rowGroup)].filter(([column]) => !known.has(column)))),
    );
  }

  /** The wanted rows of some row groups, with everything that is needed to decode them. */
  *#load(unit: readonly Candidate[]): Steps<Part[]> {
    const selections = yield* this.#select(unit);
    const missing = this.#missing(yield* this.ready(), selections);
    yield plan(missing);
    const parts: Part[] = [];
    for (const [index, selection] of selections.entries()) {
      parts.push({ selection, stored: yield* fetching(this.session, missing[index] ?? new Map(), selection.known) });
    }
    return parts;
  }

  /** What is to be shared out; nothing where this thread does it all. */
  #work(core: Core, selections: readonly Selection[]): SharedWork | undefined {
    const sharing = this.#sharing;
    const columns = new Set(this.#request.columns);
    const count = sharing ? pool.size(sharing.workers) : 0;
    const isAuto = sharing?.workers === 'auto';
    const typical = selections[selections.length >> 1];
    if (!sharing || !typical || count < (isAuto ? 2 : 1) || columns.size === 0) return undefined;
    const { rowGroup } = typical;
    const costs = this.session.call(core, () => [...rangesOf(core, [...columns], rowGroup)].map(([column, { start, end }]): Cost => {
      const parents = [...core.reader.needed(Uint32Array.of(column), rowGroup)].filter((other) => other !== column);
      const rows = (this.#bounds[rowGroup + 1] ?? 0) - (this.#bounds[rowGroup] ?? 0);
      const { decoding, asParent, joining } = sharing.timesOf(column);
      const microseconds = (perRow: number, bytes: number): number => (selections.length * (rows * perRow + bytes * TIME_OF_BYTE)) / 1000;
      const byParents = TIME_OF_PARENT * Math.min(parents.length, 2);
      return { column, own: microseconds(decoding + byParents, end - start), asParent: microseconds(asParent + byParents, end - start), joining: microseconds(joining, 0), parents };
    }));
    const total = costs.reduce((sum, { column, own, asParent }) => sum + (columns.has(column) ? own : asParent), 0);
    const hands = isAuto ? Math.min(count, Math.floor(total / MIN_SHARE)) : count;
    const isCallerIn = isAuto && hands > 1 && !currentPlatform().isBusy;
    const workers = hands - Number(isCallerIn);
    if (isAuto && (workers === 0 || !pool.isWorth(workers, total, SHARED_FROM))) return undefined;
    return { costs, wanted: columns, rows: selections.map(({ numRows }) => numRows), workers, isCallerIn, most: isAuto ? MAX_SHARED_TIME * total : Infinity };
  }

  /** How it is shared out, if that gains enough. */
  #divide(work: SharedWork): Division | undefined {
    const division = shared?.shareOut(work);
    const isShared = division?.open !== undefined || division?.shares.some(({ worker }) => worker !== undefined);
    return division && isShared && division.time <= work.most ? division : undefined;
  }

  /** The wanted columns, from workers and what is left to this thread. */
  *#shared(read: SharedRead, selections: readonly Selection[], missing: readonly Ranges[], onChunk?: (column: number) => void): Steps<ColumnData[]> {
    const own = read.own.map((share) => ({ share, assembly: new Assembly(this, share.columns) }));
    const open = read.ownOpen && { columns: read.ownOpen, assembly: new Assembly(this, read.ownOpen) };
    try {
      for (const [index, selection] of selections.entries()) {
        const stored = yield* fetching(this.session, missing[index] ?? new Map(), selection.known);
        const core = yield* this.ready();
        read.add({ selection, stored }, (columns) => this.session.call(core, () => core.reader.needed(Uint32Array.from(columns), selection.rowGroup)));
        for (const { share, assembly } of own) if (share.start <= index && index < share.end) assembly.add(selection, stored);
      }
      for (const { share, assembly } of own) {
        const expected = read.expected(share);
        if (expected !== undefined) assembly.expect(expected);
        yield* assembly.settle(onChunk);
        read.put(share, expected !== undefined && share.end < selections.length ? yield* assembly.takeOpen() : (yield* assembly.take(Infinity)).columns);
        assembly.free();
      }
      if (open) {
        const { columns, assembly } = open;
        let end = 0;
        for (let group = read.next(); group; group = read.next()) {
          const expected = read.expected({ start: 0, end: ++end });
          if (expected !== undefined) assembly.expect(expected);
          assembly.add(group.selection, group.stored);
          yield* assembly.settle(onChunk);
          if (end === 1) read.prepare(columns, assembly.arrays());
        }
        read.put({ columns, start: 0 }, end < selections.length ? yield* assembly.takeOpen() : (yield* assembly.take(Infinity)).columns);
        assembly.free();
      }
      let taken: ReadonlyMap<number, ColumnData> = new Map();
      yield { kind: 'wait', done: read.take((column) => this.#sharing?.nameOf(column) ?? '').then((columns) => { taken = columns; }) };
      return arranged(this.#request.columns, taken);
    } finally {
      own.forEach(({ assembly }) => { assembly.free(); });
      open?.assembly.free();
      read.free();
    }
  }

  /** Position in the file of a selected row. */
  rowOf({ rowGroup, rows, rowStart }: Selection, index: number): number {
    return rows instanceof Uint32Array ? (this.#bounds[rowGroup] ?? 0) + (rows[index] ?? 0) : rowStart + index;
  }
}

/** What is shared out, and the microseconds that it may take then. */
interface SharedWork extends Work {
  readonly most: number;
}

/** What shares reads out. Most pages read nothing that is worth it. */
let shared: typeof import('./workers/shared-read.js') | undefined;

async function loadShared(): Promise<void> {
  try {
    shared = await import('./workers/shared-read.js');
  } catch (cause) {
    throw new WorkerFailure('what shares reads out could not be loaded', { cause });
  }
}

/** One selection, and the chunks that the columns of an assembly need. */
interface Part {
  readonly selection: Selection;
  readonly stored: Stored;
}

/** Columns as they are wanted. */
function arranged(wanted: readonly number[], byColumn: ReadonlyMap<number, ColumnData>): ColumnData[] {
  const given = new Set<ColumnData>();
  return wanted.flatMap((column) => {
    const data = byColumn.get(column);
    if (data === undefined) return [];
    // A column that is wanted twice does not share its arrays.
    const own = given.has(data) ? structuredClone(data) : data;
    given.add(data);
    return [own];
  });
}

/** Decodes selections, and gives their rows in portions of any size. Parts stay until all their rows were taken. */
export class Assembly {
  readonly #scan: Scan;
  readonly #wanted: readonly number[];
  /** The wanted columns, each once. */
  readonly #columns: readonly number[];
  #core: Core | undefined;
  #builders: InstanceType<Core['instance']['ColumnBuilder']>[] = [];
  /** The row group that is being decoded. */
  #group: RowGroup | undefined;
  #parts: Part[] = [];
  /** Chunks of the parts that were decoded, column after column and part after part. */
  #decoded = 0;
  /** Rows of all parts together, where that is known. */
  #expected: number | undefined;
  #firstRow = 0;
  /** Rows of the first part that were taken. */
  #taken = 0;
  /** Rows of the first part that the builders have let go of. */
  #dropped = 0;

  constructor(scan: Scan, columns: readonly number[]) {
    this.#scan = scan;
    this.#wanted = columns;
    this.#columns = [...new Set(columns)];
  }

  /** Says that the first row is not the first one of the columns that they will be a part of. */
  beginAt(row: number): void {
    this.#firstRow = row;
  }

  /** Rows that can be taken. */
  get numRows(): number {
    return this.#parts.reduce((sum, { selection }) => sum + selection.numRows, 0) - this.#taken;
  }

  /** Says how many rows there will be in all; they leave wasm memory as they are decoded, and are taken once. */
  expect(rows: number): void {
    if (rows <= MAX_EXPECTED) this.#expected = rows;
  }

  /** Adds a selection. */
  add(selection: Selection, stored: Stored): void {
    this.#parts.push({ selection, stored });
  }

  /** Decodes what was added; all over again where a trap took what was decoded. */
  *settle(onChunk?: (column: number) => void): Steps<void> {
    const { session } = this.#scan;
    const width = this.#columns.length;
    for (;;) {
      const core = yield* this.#scan.ready();
      if (core !== this.#core) {
        this.#core = core;
        this.#builders = session.call(core, ({ ColumnBuilder }) => this.#columns.map((column) => new ColumnBuilder(column, this.#scan.keepsCodes, coreMemory, this.#expected)));
        this.#group = undefined;
        this.#decoded = 0;
        this.#dropped = 0;
      }
      const part = width > 0 ? this.#parts[Math.floor(this.#decoded / width)] : undefined;
      if (!part) break;
      this.#decode(core, part, this.#decoded % width);
      onChunk?.(this.#columns[this.#decoded % width] ?? -1);
      this.#decoded += 1;
      yield { kind: 'turn' };
    }
    if (this.#dropped < this.#taken) {
      this.#takeAll(this.#taken - this.#dropped);
      this.#dropped = this.#taken;
    }
  }

  /** The next rows, at most so many. */
  *take(count: number): Steps<Batch> {
    yield* this.settle();
    const [first] = this.#parts;
    const rowStart = first ? this.#scan.rowOf(first.selection, this.#taken) : 0;
    const numRows = Math.min(count, this.numRows);
    const columns = this.#takeAll(count);
    this.#taken += numRows;
    let over = 0;
    for (let part = this.#parts[0]; part && part.selection.numRows <= this.#taken; part = this.#parts[over]) {
      over += 1;
      this.#taken -= part.selection.numRows;
    }
    this.#parts.splice(0, over);
    this.#decoded -= over * this.#columns.length;
    this.#dropped = this.#taken;
    return { columns, numRows, rowStart };
  }

  /** Arrays for all rows that were announced, where some of them were decoded and are in them. */
  arrays(): (OpenArrays | undefined)[] {
    const core = this.#core;
    return core ? this.#scan.session.call(core, () => this.#builders.map((builder) => builder.arrays() as OpenArrays | undefined)) : [];
  }

  /** All rows that were added, of those that were announced, in arrays that have room for the others. */
  *takeOpen(): Steps<ColumnData[]> {
    yield* this.settle();
    const core = this.#core;
    if (!core) return [];
    return this.#scan.session.call(core, () => this.#builders.map((builder) => builder.takeOpen() as ColumnData));
  }

  /** Lets go of wasm memory. */
  free(): void {
    if (this.#scan.session.isLive(this.#core)) {
      this.#builders.forEach((builder) => { builder.free(); });
      this.#group?.free();
    }
    this.#builders = [];
    this.#group = undefined;
    this.#core = undefined;
  }

  #decode(core: Core, { selection: { rowGroup, rows }, stored }: Part, position: number): void {
    this.#scan.session.call(core, ({ RowGroup }) => {
      const builder = this.#builders[position];
      const group = (this.#group ??= supplied(new RowGroup(rowGroup), stored));
      if (rows instanceof Uint32Array) builder?.select(core.reader, group, rows);
      else builder?.push(core.reader, group, rows.start, rows.end);
      if (position + 1 < this.#columns.length) return;
      group.free();
      this.#group = undefined;
    });
  }

  #takeAll(count: number): ColumnData[] {
    const core = this.#core;
    if (!core) return [];
    const most = Math.min(count, 2 ** 32 - 1);
    const taken = this.#scan.session.call(core, () => this.#builders.map((builder) => builder.take(core.reader, most, this.#firstRow) as ColumnData));
    const byColumn = new Map<number, ColumnData>();
    taken.forEach((data, position) => byColumn.set(this.#columns[position] ?? -1, data));
    return arranged(this.#wanted, byColumn);
  }
}

/** Hands out row groups that are fetched together: one, then two, four ... as far as their bytes allow. */
class Units {
  readonly #candidates: readonly Candidate[];
  #start = 0;
  #most = 1;

  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates;
  }

  /** The next ones; none at the end. */
  next(): Candidate[] {
    const unit: Candidate[] = [];
    let bytes = 0;
    for (const candidate of this.#candidates.slice(this.#start, this.#start + this.#most)) {
      bytes += candidate.bytes;
      if (unit.length > 0 && bytes > MAX_UNIT) break;
      unit.push(candidate);
    }
    this.#start += unit.length;
    this.#most *= 2;
    return unit;
  }
}

function makeFilter(session: Session, core: Core, filter: CompiledFilter): LiveFilter {
  return session.call(core, ({ Filter }) => {
    const handle = new Filter(core.reader, filter);
    return { core, handle, columns: handle.columns() };
  });
}

/** Where the chunks lie that columns need in a row group, those that they depend on among them. */
function rangesOf({ reader }: Core, columns: readonly number[], rowGroup: number): Map<number, Range> {
  const ranges = new Map<number, Range>();
  for (const column of reader.needed(Uint32Array.from(columns), rowGroup)) {
    const found = reader.chunk(column, rowGroup);
    if (found) ranges.set(column, { start: found[0] ?? 0, end: found[1] ?? 0 });
  }
  return ranges;
}

/** The encodings of a chunk in words; `undefined` for the legacy dialects. */
export function* explaining(session: Session, column: number, rowGroup: number): Steps<string | undefined> {
  const positions = Uint32Array.of(column);
  const core = yield* session.locate(positions);
  const ranges = session.call(core, () => rangesOf(core, [column], rowGroup));
  yield plan([ranges]);
  const stored = yield* fetching(session, ranges);
  const live = yield* session.locate(positions);
  return withRowGroup(session, live, rowGroup, stored, (group) => live.reader.explain(column, group));
}

/** Calls into the core with a row group, which is let go of whatever happens. */
function withRowGroup<T>(session: Session, core: Core, rowGroup: number, stored: Stored, body: (group: RowGroup) => T): T {
  const group = session.call(core, ({ RowGroup }) => supplied(new RowGroup(rowGroup), stored));
  try {
    return session.call(core, () => body(group));
  } finally {
    if (session.isLive(core)) group.free();
  }
}

/** Supplies chunks to a row group: of the columns that are wanted, and of those that they depend on. */
function supplied(group: RowGroup, stored: Stored): RowGroup {
  for (const [column, bytes] of stored) group.supply(column, bytes);
  return group;
}

function plan(ranges: readonly Ranges[]): Ask {
  return { kind: 'plan', ranges: ranges.flatMap((all) => [...all.values()]) };
}

/** Planned chunks, and those that are known. */
function* fetching(session: Session, ranges: Ranges, known: Stored = new Map()): Steps<Stored> {
  if (ranges.size === 0) return known;
  const pieces = yield { kind: 'chunks', ranges: [...ranges.values()] };
  const stored = new Map(known);
  for (const [index, column] of [...ranges.keys()].entries()) {
    const piece = pieces[index];
    if (piece) stored.set(column, piece.bytes);
  }
  const firsts = [...new Set([...stored.values()].flatMap((bytes) => bytes[0] ?? []))];
  const core = yield* session.open();
  if (session.call(core, () => firsts.some((first) => core.reader.isNeural(first)))) yield { kind: 'load', module: 'neural' };
  return stored;
}
