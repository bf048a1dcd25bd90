/** Memory for what is written before anybody sees it, and memory that is used again. */

import type { CoreMemory } from './wasm-types.js';
import { afterIdle } from './yield.js';

/** As much of Node's `Buffer` as is used. */
interface NodeBuffer {
  allocUnsafeSlow(size: number): Uint8Array;
}

const { Buffer } = globalThis as { Buffer?: NodeBuffer };

/** A buffer of so many bytes, every one of which the caller writes: Node need not clear it first. */
function allocateNew(byteLength: number): ArrayBuffer {
  const buffer = Buffer?.allocUnsafeSlow(byteLength).buffer;
  // One of its own, not a part of something that others have.
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? buffer : new ArrayBuffer(byteLength);
}

/** Bytes of buffers that wait to be used again, in one place: of tables, which had as much before, and of writers. */
const MAX_FREE = { tables: 2 ** 30, writers: 2 ** 28 };

/** Buffers that wait to be used again. */
export class FreeBuffers {
  readonly #bySize = new Map<number, ArrayBuffer[]>();
  readonly #most: number;
  #bytes = 0;

  /** @param most bytes that are kept */
  constructor(most = MAX_FREE.tables) {
    this.#most = most;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** One of just so many bytes, if there is one. */
  take(byteLength: number): ArrayBuffer | undefined {
    const buffer = this.#bySize.get(byteLength)?.pop();
    if (buffer) this.#bytes -= byteLength;
    return buffer;
  }

  /** All of them. */
  takeAll(): ArrayBuffer[] {
    const all = [...this.#bySize.values()].flat();
    this.clear();
    return all;
  }

  /** Keeps one, if there is room. */
  keep(buffer: ArrayBuffer): void {
    const { byteLength } = buffer;
    if (this.#bytes + byteLength > this.#most) return;
    this.#bytes += byteLength;
    const others = this.#bySize.get(byteLength);
    if (others) others.push(buffer);
    else this.#bySize.set(byteLength, [buffer]);
  }

  clear(): void {
    this.#bySize.clear();
    this.#bytes = 0;
  }
}

/** What this thread keeps for its next tables, until nobody takes of it for a while. */
class OwnBuffers extends FreeBuffers {
  #idle: ReturnType<typeof setTimeout> | undefined;

  override keep(buffer: ArrayBuffer): void {
    super.keep(buffer);
    clearTimeout(this.#idle);
    this.#idle = afterIdle(() => { this.clear(); });
  }
}

const own = new OwnBuffers();

/** Fewer bytes are as soon new. */
const MIN_RECYCLED = 2 ** 14;

/** Where buffers are kept that other threads made, and will make again. */
const homes = new WeakMap<ArrayBuffer, FreeBuffers>();

/** Says where a buffer is to be kept, once nobody needs it. */
export function settle(buffer: ArrayBuffer, home: FreeBuffers): void {
  homes.set(buffer, home);
}

/** Keeps a buffer that nobody has any more. */
export function recycle(buffer: ArrayBuffer): void {
  if (buffer.byteLength >= MIN_RECYCLED) (homes.get(buffer) ?? own).keep(buffer);
}

/** Takes buffers away from whoever has them, whose arrays are empty then, and keeps them. */
export function takeAway(buffers: Iterable<ArrayBuffer>): void {
  // What was moved to a worker is not here.
  for (const buffer of new Set(buffers)) {
    if (buffer.byteLength === 0) continue;
    // One by one: V8 would take many that go and come back for new ones, and begin to collect.
    const moved = structuredClone(buffer, { transfer: [buffer] });
    const home = homes.get(buffer);
    if (home) settle(moved, home);
    recycle(moved);
  }
}

/** A buffer of just so many bytes, every one of which the caller writes: one that is kept, or else a new one. */
export function allocate(byteLength: number): ArrayBuffer {
  const kept = own.take(byteLength);
  if (kept) return kept;
  try {
    return allocateNew(byteLength);
  } catch (error) {
    if (own.isEmpty) throw error;
    // What is kept may be all that is missing.
    own.clear();
    return allocateNew(byteLength);
  }
}

/** Memory for arrays that the core makes. */
export const coreMemory: CoreMemory = { allocate, recycle };

/** Who has buffers of at least so many bytes, with anything in them. */
export interface BufferSupply {
  /** One of them. */
  take(byteLength: number): ArrayBuffer;
}

/** New ones, of just so many bytes. */
export const newBuffers: BufferSupply = { take: allocate };

/** Buffers that are used for one part of a table after the other: new ones would wait for a collection, and be cleared first. */
export class BufferPool implements BufferSupply {
  readonly #make: (byteLength: number) => ArrayBuffer;
  readonly #free = new FreeBuffers(MAX_FREE.writers);
  readonly #taken: ArrayBuffer[] = [];

  constructor(make: (byteLength: number) => ArrayBuffer = allocate) {
    this.#make = make;
  }

  /** One that was given back, or else a new one. */
  take(byteLength: number): ArrayBuffer {
    const size = roundUp(byteLength);
    const buffer = this.#free.take(size) ?? this.#make(size);
    this.#taken.push(buffer);
    return buffer;
  }

  /** Lends what was taken since the last such call; the answer takes it back. */
  lend(): () => void {
    const lent = this.#taken.splice(0);
    return () => { lent.splice(0).forEach((buffer) => { this.#free.keep(buffer); }); };
  }

  /** Takes back what was taken. */
  reclaim(): void {
    this.lend()();
  }
}

/** Memory that threads can share, where the platform has it. */
export const { SharedArrayBuffer: Shared } = globalThis as { SharedArrayBuffer?: SharedArrayBufferConstructor };

/**
 * Buffers that workers can look into while they stay here, so that they can be used again. V8 does not count them towards
 * its next collection, as it does what is moved. `undefined` where the platform has none: in pages that are not isolated.
 */
export function sharedPool(): BufferPool | undefined {
  // Whoever fills typed arrays need not know the difference.
  return Shared && new BufferPool((byteLength) => new Shared(byteLength) as unknown as ArrayBuffer);
}

/** Fewer bytes are no reason for a collection. */
const MIN_PASSING = 2 ** 16;

/**
 * An array of so many bytes that are here only until they are copied. V8 does not count it towards its next collection, which
 * takes long beside many JavaScript values.
 */
export function passing(byteLength: number): Uint8Array {
  return new Uint8Array(Shared && byteLength >= MIN_PASSING ? new Shared(byteLength) : new ArrayBuffer(byteLength));
}

/** Whether a buffer can be moved: one of `sharedPool` can not. */
export function isMovable(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return !(Shared && buffer instanceof Shared);
}

/** The next size of which there are buffers: at most an eighth more. */
function roundUp(byteLength: number): number {
  const step = 2 ** Math.max(6, Math.floor(Math.log2(byteLength)) - 3);
  return Math.ceil(byteLength / step) * step;
}
