/** Entry point for Node: the same API, with paths and file handles as sources, and no network for the wasm. */

import { readFileSync } from 'node:fs';
import { open as openFile, readFile, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { ByteSource } from './bytes.js';
import { usePlatform, type WasmKind } from './engine.js';
import { NcfError } from './errors.js';
import { open as openAny, openSource, type NcfFile } from './file.js';
import type { NcfInput } from './source.js';
import type { OpenOptions } from './types.js';

const wasmUrl = (kind: WasmKind): URL => new URL(`./wasm/${kind}.wasm`, import.meta.url);

usePlatform({
  load: (kind) => readFile(wasmUrl(kind)),
  loadSync: (kind) => readFileSync(wasmUrl(kind)),
});

/** What `open` takes in Node: besides the sources of browsers a path, a `file:` URL, or a `FileHandle`. */
export type NodeInput = NcfInput | FileHandle;

/** Reads a file handle at positions; the handle's own position does not matter and does not move. */
async function handleSource(handle: FileHandle, name: string | undefined, owned: boolean): Promise<ByteSource> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    ...(name !== undefined && { name }),
    inMemory: false,
    latency: 'local',
    read: async (start, end, signal) => {
      const bytes = new Uint8Array(end - start);
      let at = 0;
      while (at < bytes.byteLength) {
        signal?.throwIfAborted();
        const { bytesRead } = await handle.read(bytes, at, bytes.byteLength - at, start + at);
        if (bytesRead === 0) {
          throw new NcfError('source-changed', `the file became shorter while it was being read: no bytes at ${start + at}`, { source: name, offset: start + at });
        }
        at += bytesRead;
      }
      return bytes;
    },
    ...(owned && { close: () => handle.close() }),
  };
}

function isFileHandle(input: unknown): input is FileHandle {
  const candidate = input as Partial<FileHandle> | null;
  return typeof candidate === 'object' && typeof candidate?.fd === 'number' && typeof candidate.read === 'function';
}

/** The path that a string or URL names; `undefined` where it is an address. */
function toPath(input: NodeInput): string | undefined {
  if (typeof input === 'string' && !/^[a-z][a-z0-9+.-]+:/i.test(input)) return input;
  const isUrl = typeof input === 'string' || input instanceof URL;
  return isUrl && String(input).startsWith('file:') ? fileURLToPath(String(input)) : undefined;
}

/**
 * Opens a file: reads its metadata, and nothing of its columns.
 *
 * @param input a path, a `FileHandle` (which stays open), bytes, a `Blob`, a URL (fetched by ranges), an object with
 * `byteLength` and `slice`, or a `Response` or stream (read to the end). A string with a scheme is a URL.
 * @throws {NcfError} `not-ncf`, `unsupported-version`, `unsupported-feature`, `truncated`, `corrupt`,
 * `checksum-mismatch`, `limit-exceeded`, and those of the source
 */
export async function open(input: NodeInput, options: OpenOptions = {}): Promise<NcfFile> {
  options.signal?.throwIfAborted();
  if (isFileHandle(input)) return openSource(await handleSource(input, undefined, false), options);
  const path = toPath(input);
  if (path === undefined) return openAny(input, options);
  let handle: FileHandle;
  try {
    handle = await openFile(path, 'r');
  } catch (cause) {
    throw new NcfError('source', `could not open ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, source: path });
  }
  return openSource(await handleSource(handle, path, true), options);
}

export { openSync } from './file.js';
export * from './index.js';
