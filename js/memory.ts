/** Memory for what is written before anybody sees it, and memory that is used again. */

/** As much of Node's `Buffer` as is used. */
interface NodeBuffer {
  allocUnsafeSlow(size: number): Uint8Array;
}

const { Buffer } = globalThis as { Buffer?: NodeBuffer };

/** A buffer of so many bytes, every one of which the caller writes: Node need not clear it first. */
export function allocate(byteLength: number): ArrayBuffer {
  const buffer = Buffer?.allocUnsafeSlow(byteLength).buffer;
  // One of its own, not a part of something that others have.
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? buffer : new ArrayBuffer(byteLength);
}

/** The function for the core; `undefined` where it could do no better than the core does. */
export const allocateForCore = Buffer && allocate;

/** Who has buffers of at least so many bytes, with anything in them. */
export interface BufferSupply {
  /** One of them. */
  take(byteLength: number): ArrayBuffer;
}

/** New ones, of just so many bytes. */
export const newBuffers: BufferSupply = { take: allocate };

/** Bytes of buffers that wait to be used again. */
const MAX_FREE = 2 ** 28;

/** Buffers that are used for one part of a table after the other: new ones would wait for a collection, and be cleared first. */
export class BufferPool implements BufferSupply {
  readonly #make: (byteLength: number) => ArrayBuffer;
  readonly #free = new Map<number, ArrayBuffer[]>();
  #freeBytes = 0;
  readonly #taken: ArrayBuffer[] = [];

  constructor(make: (byteLength: number) => ArrayBuffer = allocate) {
    this.#make = make;
  }

  /** One that was given back, or else a new one. */
  take(byteLength: number): ArrayBuffer {
    const size = roundUp(byteLength);
    const known = this.#free.get(size)?.pop();
    if (known) this.#freeBytes -= size;
    const buffer = known ?? this.#make(size);
    this.#taken.push(buffer);
    return buffer;
  }

  /** Lends what was taken since the last such call; the answer takes it back. */
  lend(): () => void {
    const lent = this.#taken.splice(0);
    return () => {
      for (const buffer of lent.splice(0)) {
        if (this.#freeBytes + buffer.byteLength > MAX_FREE) continue;
        this.#freeBytes += buffer.byteLength;
        const free = this.#free.get(buffer.byteLength);
        if (free) free.push(buffer);
        else this.#free.set(buffer.byteLength, [buffer]);
      }
    };
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
