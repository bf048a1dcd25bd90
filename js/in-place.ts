/** Writing behind a file that stays readable until the last moment. */

import type { InPlaceFile } from './engine.js';
import type { ByteSink } from './sink.js';

/**
 * Replaces the end of a file. What goes behind its old size is written at once; what goes over its old end is kept back
 * and written when all else is safe.
 */
export class InPlaceSink implements ByteSink {
  readonly file: InPlaceFile;
  readonly #oldSize: number;
  /** What goes over the old end. */
  #kept: Uint8Array[] = [];
  #start = 0;
  #position = 0;

  constructor(file: InPlaceFile) {
    this.file = file;
    this.#oldSize = file.source.byteLength;
  }

  /** Tells which bytes of the file stay. */
  begin(start: number): void {
    this.#start = start;
    this.#position = start;
  }

  /** Takes the next bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    const position = this.#position;
    this.#position += bytes.byteLength;
    const over = Math.max(0, Math.min(bytes.byteLength, this.#oldSize - position));
    if (over > 0) this.#kept.push(bytes.subarray(0, over));
    if (over < bytes.byteLength) await this.file.writeAt(bytes.subarray(over), position + over);
  }

  /** Makes the file the new one. */
  async close(): Promise<void> {
    try {
      if (this.#position > this.#oldSize) await this.file.sync();
      const end = new Uint8Array(this.#kept.reduce((sum, part) => sum + part.byteLength, 0));
      let at = 0;
      for (const part of this.#kept) {
        end.set(part, at);
        at += part.byteLength;
      }
      await this.file.writeAt(end, this.#start);
      if (this.#position < this.#oldSize) await this.file.truncate(this.#position);
      await this.file.sync();
    } finally {
      this.#kept = [];
      await this.file.close();
    }
  }

  /** Leaves the file the old one. */
  async abort(): Promise<void> {
    try {
      if (this.#position > this.#oldSize) await this.file.truncate(this.#oldSize);
    } finally {
      this.#kept = [];
      await this.file.close();
    }
  }
}
