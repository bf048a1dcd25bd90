/** Memory for what is written before anybody sees it. */

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
