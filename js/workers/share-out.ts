/** How a read is shared out among workers and the calling thread: by columns, by row groups, or by families of columns. */

import { canJoin } from './join.js';

/** What one column costs, and the other columns that are decoded with it. */
export interface Cost {
  readonly column: number;
  /** Microseconds of decoding and of handing it over, by a rough rule. */
  readonly own: number;
  /** The same where others are predicted from it, and it is not wanted itself. */
  readonly asParent: number;
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
export interface Work {
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
  /** How many workers have something to do. */
  readonly workers: number;
  /** What was settled beforehand. */
  readonly shares: readonly Share[];
  /** What whoever has time takes next. */
  readonly open: OpenShare | undefined;
  /** Microseconds after which the last is done, roughly. */
  readonly time: number;
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
  const { shares, open, time } = plans.reduce((best, plan) => (plan.time < best.time ? plan : best));
  return { workers: open ? work.workers : 1 + Math.max(-1, ...shares.map(({ worker = -1 }) => worker)), shares, open, time };
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
  const total = costOf(costs, wanted);
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
  const all = [...hands.keys()];
  for (const helpers of work.isCallerIn ? [all, all.slice(1)] : [all]) {
    const burdens = unburdened(work);
    const columns = hands.map((): number[] => []);
    for (const family of others) {
      const hand = helpers.reduce((best, other) => ((burdens[other] ?? 0) < (burdens[best] ?? 0) ? other : best));
      burdens[hand] = (burdens[hand] ?? 0) + costOf(family, work.wanted);
      columns[hand]?.push(...family.map(({ column }) => column).filter(isWanted));
    }
    const wholes = sharesOf(columns, hands, 0, work.rows.length);
    const wanted = new Set(largest.map(({ column }) => column).filter(isWanted));
    for (const plan of byRowGroups({ ...work, costs: largest, wanted }, burdens)) yield { ...plan, shares: [...wholes, ...plan.shares] };
  }
}

/** Columns that are predicted from each other, together, the family that costs most first. */
function familiesOf({ costs, wanted }: Work): Cost[][] {
  const families: Cost[][] = [];
  for (const cost of costs) {
    const isRelated = (family: readonly Cost[]): boolean =>
      family.some(({ column, parents }) => cost.parents.includes(column) || parents.includes(cost.column) || parents.some((parent) => cost.parents.includes(parent)));
    const related = families.filter(isRelated);
    families.splice(0, Infinity, ...families.filter((family) => !related.includes(family)), [...related.flat(), cost]);
  }
  return families.sort((a, b) => costOf(b, wanted) - costOf(a, wanted));
}

/** What columns cost together, of which some are wanted. */
function costOf(costs: readonly Cost[], wanted: ReadonlySet<number>): number {
  return costs.reduce((sum, { column, own, asParent }) => sum + (wanted.has(column) ? own : asParent), 0);
}

/** A column among those that are shared out. */
interface Piece {
  readonly column: number;
  /** Microseconds more than as a parent. */
  readonly extra: number;
  /** Positions of what is decoded for it, itself among them. */
  readonly decoded: readonly number[];
}

/** The columns of one hand, what they are predicted from, and how long that takes. */
class Hand {
  readonly pieces = new Set<Piece>();
  readonly #asParent: readonly number[];
  /** How many pieces need each column. */
  readonly #uses: Uint16Array;
  /** Microseconds, with those of what there was to do before. */
  time: number;

  constructor(burden: number, asParent: readonly number[]) {
    this.time = burden;
    this.#asParent = asParent;
    this.#uses = new Uint16Array(asParent.length);
  }

  add(piece: Piece): void {
    this.pieces.add(piece);
    this.time += piece.extra;
    for (const needed of piece.decoded) {
      const uses = this.#uses[needed] ?? 0;
      if (uses === 0) this.time += this.#asParent[needed] ?? 0;
      this.#uses[needed] = uses + 1;
    }
  }

  remove(piece: Piece): void {
    this.pieces.delete(piece);
    this.time -= piece.extra;
    for (const needed of piece.decoded) {
      const uses = this.#uses[needed] ?? 0;
      if (uses === 1) this.time -= this.#asParent[needed] ?? 0;
      this.#uses[needed] = uses - 1;
    }
  }

  /** How long it would take with one more. */
  timeWith(piece: Piece): number {
    let time = this.time + piece.extra;
    for (const needed of piece.decoded) if (this.#uses[needed] === 0) time += this.#asParent[needed] ?? 0;
    return time;
  }
}

/** More columns than this are shared out without trying what else there is. */
const MAX_MOVED = 64;
/** What is better by less than this part is the same, but for rounding. */
const BETTER = 1e-6;

/**
 * Shares columns out among hands that have something to do already, so that the largest share costs little. What several
 * shares need is decoded in each of them.
 * @returns the columns of each, and what the largest costs together with what there was
 */
function divide(costs: readonly Cost[], wanted: ReadonlySet<number>, burdens: readonly number[]): { shares: number[][]; largest: number } {
  const positions = new Map(costs.map(({ column }, position) => [column, position]));
  const asParent = costs.map((cost) => cost.asParent);
  const pieces = costs.filter(({ column }) => wanted.has(column)).map(({ column, own, parents, ...cost }): Piece & { readonly time: number } => {
    const decoded = [column, ...parents].flatMap((needed) => positions.get(needed) ?? []);
    const extra = own - cost.asParent;
    return { column, extra, decoded, time: decoded.reduce((sum, needed) => sum + (asParent[needed] ?? 0), extra) };
  });
  const hands = burdens.map((burden) => new Hand(burden, asParent));
  // Those that take longest first, each to whoever is done first with it.
  for (const piece of pieces.sort((a, b) => b.time - a.time)) {
    hands.reduce((best, hand) => (hand.timeWith(piece) < best.timeWith(piece) ? hand : best)).add(piece);
  }
  if (pieces.length <= MAX_MOVED) while (isExchanged(hands));
  return {
    shares: hands.map((hand) => [...hand.pieces].map(({ column }) => column)),
    largest: Math.max(0, ...hands.map(({ time }) => time)),
  };
}

/** Gives a column of the hand that takes longest to another one, perhaps for one of that; whether that made the longest shorter. */
function isExchanged(hands: readonly Hand[]): boolean {
  const longest = hands.reduce((best, hand) => (hand.time > best.time ? hand : best));
  let best: { readonly given: Piece; readonly back: Piece | undefined; readonly hand: Hand } | undefined;
  let time = longest.time * (1 - BETTER);
  for (const given of [...longest.pieces]) {
    longest.remove(given);
    for (const hand of hands) {
      if (hand === longest) continue;
      for (const back of [undefined, ...hand.pieces]) {
        if (back) hand.remove(back);
        const after = Math.max(back ? longest.timeWith(back) : longest.time, hand.timeWith(given));
        if (back) hand.add(back);
        if (after < time) [time, best] = [after, { given, back, hand }];
      }
    }
    longest.add(given);
  }
  if (!best) return false;
  longest.remove(best.given);
  best.hand.add(best.given);
  if (best.back) {
    best.hand.remove(best.back);
    longest.add(best.back);
  }
  return true;
}

/** The row with which each row group starts, among those that are read. */
export function startsOf(rows: readonly number[]): number[] {
  let end = 0;
  return rows.map((some) => {
    const start = end;
    end += some;
    return start;
  });
}
