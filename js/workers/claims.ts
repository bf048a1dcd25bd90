/** Work in pieces that several threads do at the same time. */

import { Shared } from '../memory.js';

/** One thread's view of it. */
export interface Claims {
  /** The pieces, those that take longest first. */
  readonly pieces: readonly number[];
  /** How many of them were taken, where threads can share that; else each takes every so many-th one. */
  readonly taken: Int32Array | undefined;
  readonly hand: number;
  readonly hands: number;
}

/** The claims of so many threads on the same pieces. */
export function claimsOf(pieces: readonly number[], hands: number): Claims[] {
  const taken = Shared && new Int32Array(new Shared(Int32Array.BYTES_PER_ELEMENT));
  return Array.from({ length: hands }, (_, hand) => ({ pieces, taken, hand, hands }));
}

/** The pieces that one thread does, each taken when it is asked for. */
export function* claim({ pieces, taken, hand, hands }: Claims): Generator<number, void> {
  for (let turn = 0; ; turn++) {
    const piece = pieces[taken ? Atomics.add(taken, 0, 1) : hand + turn * hands];
    if (piece === undefined) return;
    yield piece;
  }
}

/** Whether there may be pieces that nobody has taken. */
export function isLeft({ pieces, taken }: Claims): boolean {
  return !taken || Atomics.load(taken, 0) < pieces.length;
}

/** The claims of whoever has nobody beside it. */
export function aloneWith(pieces: readonly number[]): Claims {
  return { pieces, taken: undefined, hand: 0, hands: 1 };
}
