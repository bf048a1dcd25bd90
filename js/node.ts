/** Entry point for Node: the same API, with paths and file handles as sources, and no network for the wasm. */

import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { ByteSource } from './bytes.js';
import { useCodecs, usePlatform, type InPlaceFile, type WasmKind } from './engine.js';
import { NcfError } from './errors.js';
import { open as openAny, openSource, type NcfFile } from './file.js';
import type { ByteSink } from './sink.js';
import type { NcfInput } from './source.js';
import type { OpenOptions } from './types.js';
import { instantiate as neural } from './wasm/neural.js';
import { instantiate as thorough } from './wasm/thorough.js';

/** Gives modules of Node that not every program needs: to load them takes longer than to read a small file. */
const builtin = process.getBuiltinModule.bind(process);

const readWasm = (kind: WasmKind): Uint8Array<ArrayBuffer> => fs.readFileSync(new URL(`./wasm/${kind}.wasm`, import.meta.url));

useCodecs({ neural, thorough });
usePlatform({
  // To wait for other threads takes longer than to do it here, once.
  load: (kind) => new WebAssembly.Module(readWasm(kind)),
  loadSync: readWasm,
  spawn: (onMessage, onFailure) => {
    const { Worker } = builtin('node:worker_threads');
    const worker = new Worker(new URL('./workers/node.js', import.meta.url), { execArgv: [], name: 'ncf' });
    worker.on('message', onMessage);
    worker.on('error', onFailure);
    worker.on('messageerror', onFailure);
    worker.on('exit', (code) => { onFailure(new Error(`the worker ended with ${code}`)); });
    return {
      post: (message, transfer) => { worker.postMessage(message, transfer); },
      hold: (isHeld) => { if (isHeld) worker.ref(); else worker.unref(); },
      terminate: () => { void worker.terminate(); },
    };
  },
  processors: () => builtin('node:os').availableParallelism(),
  openSource: nodeSource,
  openSink: nodeSink,
  isLocal: (input) => isFileHandle(input) || toPath(input) !== undefined,
  openInPlace,
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
function toPath(input: unknown): string | undefined {
  if (typeof input === 'string' && !/^[a-z][a-z0-9+.-]+:/i.test(input)) return input;
  const isUrl = typeof input === 'string' || input instanceof URL;
  return isUrl && String(input).startsWith('file:') ? fileURLToPath(String(input)) : undefined;
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** What only Node reads from; `undefined` for anything else. */
async function nodeSource(input: unknown): Promise<ByteSource | undefined> {
  if (isFileHandle(input)) return handleSource(input, undefined, false);
  const path = toPath(input);
  if (path === undefined) return undefined;
  try {
    return await handleSource(await fs.promises.open(path, 'r'), path, true);
  } catch (cause) {
    throw new NcfError('source', `could not open ${path}: ${messageOf(cause)}`, { cause, source: path });
  }
}

/** Writes all of the bytes at a position. */
async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.byteLength - at, position + at);
    at += bytesWritten;
  }
}

/** What only Node writes to; `undefined` for anything else. */
async function nodeSink(target: unknown): Promise<ByteSink | undefined> {
  const { Writable } = builtin('node:stream');
  if (target instanceof Writable) {
    const writer = (Writable.toWeb(target) as WritableStream<Uint8Array>).getWriter();
    return { write: (bytes) => writer.write(bytes), close: () => writer.close(), abort: (reason) => writer.abort(reason) };
  }
  if (isFileHandle(target)) return handleSink(target);
  const path = toPath(target);
  if (path === undefined) return undefined;
  try {
    return await pathSink(path);
  } catch (cause) {
    throw new NcfError('sink', `could not open ${path}: ${messageOf(cause)}`, { cause, source: path });
  }
}

/** From the first byte of an open file, whatever its own position; the file is cut behind what was written. */
function handleSink(handle: FileHandle): ByteSink {
  let position = 0;
  return {
    write: async (bytes) => {
      const start = position;
      position += bytes.byteLength;
      await writeAt(handle, bytes, start);
    },
    close: () => handle.truncate(position),
  };
}

let temporaries = 0;

/** A new file beside the path, which takes its place at the end: until then, and if nothing comes of it, the old one stays. */
async function pathSink(path: string): Promise<ByteSink> {
  const known = await fs.promises.stat(path).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  });
  if (known && !known.isFile()) {
    // Pipes and devices cannot be replaced.
    const handle = await fs.promises.open(path, 'w');
    return { write: (bytes) => handle.writeFile(bytes), close: () => handle.close(), abort: () => handle.close() };
  }
  const final = known ? await fs.promises.realpath(path) : path;
  temporaries += 1;
  const temporary = `${final}.${process.pid}-${temporaries}.tmp`;
  const handle = await fs.promises.open(temporary, 'wx', known?.mode);
  const discard = async (): Promise<void> => {
    await handle.close();
    await fs.promises.rm(temporary, { force: true });
  };
  const inner = handleSink(handle);
  return {
    write: (bytes) => inner.write(bytes),
    close: async () => {
      try {
        await handle.sync();
        await handle.close();
        await fs.promises.rename(temporary, final);
      } catch (error) {
        await discard();
        throw error;
      }
    },
    abort: discard,
  };
}

/** A file of this machine that can be changed where it is; `undefined` for anything else. */
async function openInPlace(input: unknown): Promise<InPlaceFile | undefined> {
  const given = isFileHandle(input) ? input : undefined;
  const path = given ? undefined : toPath(input);
  if (!given && path === undefined) return undefined;
  let handle: FileHandle;
  try {
    handle = given ?? (await fs.promises.open(path ?? '', 'r+'));
  } catch (cause) {
    throw new NcfError('sink', `could not open ${path ?? 'the file'}: ${messageOf(cause)}`, { cause, source: path });
  }
  return {
    source: await handleSource(handle, path, false),
    writeAt: (bytes, position) => writeAt(handle, bytes, position),
    truncate: (byteLength) => handle.truncate(byteLength),
    sync: () => handle.sync(),
    close: async () => {
      if (!given) await handle.close();
    },
  };
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
  const own = await nodeSource(input);
  // What is not Node's own is what every platform opens.
  return own ? openSource(own, options) : openAny(input as NcfInput, options);
}

export { openSync } from './file.js';
export * from './index.js';
