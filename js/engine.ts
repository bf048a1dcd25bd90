/**
 * Loading the wasm modules, and calling into them so that a trap never poisons a later call.
 *
 * There are three modules for tables: `reader`, for version 2; `legacy`, which reads files of version 1 and is fetched only
 * when one is opened; and `full`, which reads version 2 and writes all, and is fetched only when something is written. Two
 * others are codecs that these call, and are fetched only when they do: `neural` for neural chunks, `thorough` for writing
 * at the levels 5 to 22 of ZSTD. After a trap the instance is dropped, and the next call gets a new one of the
 * same compiled module.
 */

import type { ByteSource } from './bytes.js';
import { fromCore, NcfError } from './errors.js';
import type { ByteSink } from './sink.js';
import type { NeuralCodec, NeuralTask, ThoroughCodec } from './wasm-types.js';
import { instantiate, type Exports as FullExports } from './wasm/full.js';
import type { Exports as NeuralExports } from './wasm/neural.js';
import type { Exports as LegacyExports } from './wasm/legacy.js';
import type { Exports as ReaderExports } from './wasm/reader.js';
import type { Exports as ThoroughExports } from './wasm/thorough.js';

/** Which module. */
export type WasmKind = TableKind | CodecKind;

/** Which of those for tables. */
export type TableKind = 'reader' | 'legacy' | 'full';

/** Which of those that the others call. */
export type CodecKind = 'neural' | 'thorough';

/** Where a module can come from: compiled, as bytes, as an answer, or by address. */
export type WasmInput = WebAssembly.Module | BufferSource | Response | URL | string;

/** A worker of the platform. */
export interface WorkerPort {
  /** Sends a message; what is in the list is moved, not copied. */
  post(message: unknown, transfer: ArrayBuffer[]): void;
  /** Whether the process lives on for it. */
  hold(isHeld: boolean): void;
  /** Ends it, whatever it is doing. */
  terminate(): void;
}

/** What a platform knows about the package's own files. */
export interface Platform {
  /** Where the module is, for the asynchronous calls. */
  load(kind: WasmKind): WasmInput | Promise<WasmInput>;
  /** The module's bytes, where they can be had at once (Node). */
  loadSync?(kind: WasmKind): BufferSource;
  /** Starts one of the package's workers. */
  spawn?(onMessage: (message: unknown) => void, onFailure: (cause: unknown) => void): WorkerPort;
  /** How many can run at the same time. */
  processors?(): number;
  /** Whether the calling thread has better things to do than decoding, where workers can: that of a page. */
  readonly isBusy?: boolean;
  /** Opens what only this platform can read from; `undefined` for anything else. */
  openSource?(input: unknown): Promise<ByteSource | undefined>;
  /** Opens what only this platform can write to; `undefined` for anything else. */
  openSink?(target: unknown): Promise<ByteSink | undefined>;
  /** Whether `openInPlace` would open it. */
  isLocal?(input: unknown): boolean;
  /** Opens a file that can be changed where it is; `undefined` for anything else. */
  openInPlace?(input: unknown): Promise<InPlaceFile | undefined>;
}

/** A file that can be changed where it is. */
export interface InPlaceFile {
  /** What the file holds. */
  readonly source: ByteSource;
  /** Writes at a position, behind the end or over what is there. */
  writeAt(bytes: Uint8Array, position: number): Promise<void>;
  /** Cuts the file. */
  truncate(byteLength: number): Promise<void>;
  /** Waits until what was written would outlive a crash. */
  sync(): Promise<void>;
  /** Lets go of what was opened. */
  close(): Promise<void>;
}

/** One instance: what all modules for tables can do, and writing where it is the full one. */
export type Instance = ReaderExports & LegacyExports & Partial<Pick<FullExports, 'TableWriter' | 'StreamWriter' | 'Evolver' | 'installThorough'>>;

let platform: Platform | undefined;

/** What the entry point has told. */
export function currentPlatform(): Partial<Platform> {
  return platform ?? {};
}

/** Tells where this platform keeps the modules; each entry point calls it once. */
export function usePlatform(value: Platform): void {
  platform = value;
}

const FILE_NAMES: Record<WasmKind, string> = { reader: 'reader.wasm', legacy: 'legacy.wasm', full: 'full.wasm', neural: 'neural.wasm', thorough: 'thorough.wasm' };

/** What an engine needs to know of any instance. */
interface AnyInstance {
  readonly memory: WebAssembly.Memory;
}

/** A module and its current instance. */
export class Engine<I extends AnyInstance = Instance> {
  readonly kind: WasmKind;
  readonly #instantiate: (module: WebAssembly.Module) => I;
  #module: WebAssembly.Module | undefined;
  #loading: Promise<void> | undefined;
  #instance: I | undefined;
  readonly #discarded = new WeakSet<I>();

  constructor(kind: WasmKind, instantiate: (module: WebAssembly.Module) => I) {
    this.kind = kind;
    this.#instantiate = instantiate;
  }

  /** Whether calls can be made at once. */
  get isLoaded(): boolean {
    return this.#module !== undefined;
  }

  /** Loads the module; concurrent calls share one load, and a failed load is tried again by the next call. */
  async load(input?: WasmInput | PromiseLike<WasmInput>): Promise<void> {
    if (this.#module) return;
    this.#loading ??= this.#compile(input).finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #compile(input?: WasmInput | PromiseLike<WasmInput>): Promise<void> {
    try {
      const given = await Promise.resolve(input ?? platform?.load(this.kind));
      if (given === undefined) throw new Error('no platform entry point was imported');
      this.#module = await compile(given);
    } catch (cause) {
      throw loadFailure(this.kind, cause);
    }
  }

  /** Loads the module at once, from what is given or where the platform can do so. */
  loadSync(module?: WebAssembly.Module | BufferSource): void {
    if (this.#module) return;
    const given = module ?? platform?.loadSync?.(this.kind);
    if (given === undefined) {
      const options = this.kind === 'reader' ? '' : `{ ${this.kind}: true }`;
      throw new NcfError('wasm-init', `${FILE_NAMES[this.kind]} is not loaded: await init(${options}) before the first synchronous call, or use the asynchronous one`);
    }
    try {
      this.#module = given instanceof WebAssembly.Module ? given : new WebAssembly.Module(given);
    } catch (cause) {
      throw loadFailure(this.kind, cause);
    }
  }

  /** The compiled module. */
  get module(): WebAssembly.Module {
    if (!this.#module) throw new NcfError('wasm-init', `${FILE_NAMES[this.kind]} is not loaded`);
    return this.#module;
  }

  /** The current instance. */
  get instance(): I {
    try {
      this.#instance ??= this.#instantiate(this.module);
    } catch (cause) {
      throw cause instanceof NcfError ? cause : loadFailure(this.kind, cause);
    }
    return this.#instance;
  }

  /**
   * Calls into an instance; what it throws becomes an `NcfError`, and an unsound instance is dropped.
   * Handles belong to their instance: whoever keeps one asks `isDiscarded` before using it again.
   */
  call<T>(instance: I, body: (instance: I) => T): T {
    codecFailure = undefined;
    try {
      return body(instance);
    } catch (thrown) {
      const failed = codecFailure as NcfError | undefined;
      codecFailure = undefined;
      const { error, sound } = fromCore(thrown, instance.memory.buffer.byteLength);
      if (!sound) this.#discard(instance);
      // The core knows only the text of what went wrong in the other module.
      if (failed && sound) throw new NcfError(failed.code, failed.message, { column: error.column, cause: failed.cause });
      throw error;
    }
  }

  /** Whether handles of that instance must not be used any more. */
  isDiscarded(instance: I): boolean {
    return this.#discarded.has(instance);
  }

  #discard(instance: I): void {
    this.#discarded.add(instance);
    if (this.#instance === instance) this.#instance = undefined;
  }
}

/** By its tag: only to name the class makes Node load all that it knows of fetching, which takes as long as all the rest. */
function isResponse(given: WasmInput): given is Response {
  return Object.prototype.toString.call(given) === '[object Response]';
}

async function compile(given: WasmInput): Promise<WebAssembly.Module> {
  if (given instanceof WebAssembly.Module) return given;
  if (typeof given === 'string' || given instanceof URL) return compileResponse(await fetch(given));
  return isResponse(given) ? compileResponse(given) : WebAssembly.compile(given);
}

async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  if (!response.ok) throw new Error(`the server answered ${response.status} for ${response.url}`);
  // Streaming wants the right media type; not every static host gives it.
  if (response.headers.get('content-type')?.startsWith('application/wasm')) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

function loadFailure(kind: WasmKind, cause: unknown): NcfError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const csp = /content security policy|unsafe-eval/i.test(text)
    ? "; the page's Content-Security-Policy needs script-src 'wasm-unsafe-eval'"
    : '';
  return new NcfError('wasm-init', `could not load ${FILE_NAMES[kind]}: ${text}${csp}`, { cause });
}

/** What a codec threw last, while another module called it. */
let codecFailure: NcfError | undefined;

/** Does something for another module, which would not know why it failed. */
function explained<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    codecFailure = error as NcfError;
    throw error;
  }
}

type Glue<E> = (module: WebAssembly.Module) => E;

/** A module that others call. Its JavaScript is fetched when it is needed. */
class Codec<E extends AnyInstance> {
  readonly engine: Engine<E>;
  readonly #fetchGlue: () => Promise<{ readonly instantiate: Glue<E> }>;
  #glue: Glue<E> | undefined;

  constructor(kind: CodecKind, fetchGlue: () => Promise<{ readonly instantiate: Glue<E> }>) {
    this.#fetchGlue = fetchGlue;
    this.engine = new Engine<E>(kind, (module) => {
      if (!this.#glue) throw new NcfError('wasm-init', `${FILE_NAMES[kind]} is not loaded: await init({ ${kind}: true }) before the first synchronous call`);
      return this.#glue(module);
    });
  }

  /** Hands over its JavaScript. */
  use(glue: Glue<E>): void {
    this.#glue = glue;
  }

  async load(input?: WasmInput | PromiseLike<WasmInput>): Promise<void> {
    const glue = this.#glue ? undefined : this.#fetchGlue();
    const [loaded] = await Promise.all([glue, this.engine.load(input)]);
    if (loaded) this.#glue = loaded.instantiate;
  }

  call<T>(body: (instance: E) => T): T {
    this.engine.loadSync();
    const { instance } = this.engine;
    return this.engine.call(instance, body);
  }
}

const codecs = {
  neural: new Codec<NeuralExports>('neural', () => import('./wasm/neural.js')),
  thorough: new Codec<ThoroughExports>('thorough', () => import('./wasm/thorough.js')),
};

/** Hands over the JavaScript of the codecs, which otherwise is fetched when it is needed. */
export function useCodecs({ neural, thorough }: { readonly neural: Glue<NeuralExports>; readonly thorough: Glue<ThoroughExports> }): void {
  codecs.neural.use(neural);
  codecs.thorough.use(thorough);
}

/** Who encodes neural chunks instead of the call that wants them. */
export interface NeuralQueue {
  /** Their bytes, where they are known. */
  answer(tasks: readonly NeuralTask[]): Uint8Array[] | undefined;
}

let queue: NeuralQueue | undefined;

/** Calls into a module that is to leave neural chunks to a queue. */
export function queueing<T>(to: NeuralQueue, body: () => T): T {
  queue = to;
  try {
    return body();
  } finally {
    queue = undefined;
  }
}

/** Encodes a neural chunk. */
export function encodeNeural({ columns, level }: Pick<NeuralTask, 'columns' | 'level'>): Uint8Array<ArrayBuffer> {
  return codecs.neural.call((instance) => instance.encode(columns, level)) as Uint8Array<ArrayBuffer>;
}

const neuralCodec: NeuralCodec = {
  decode: (...args) => explained(() => codecs.neural.call((instance) => instance.decode(...args))),
  encodeAll: (tasks) => explained(() => (queue ? queue.answer(tasks) : tasks.map(encodeNeural))),
  chooseParents: (...args) => explained(() => codecs.neural.call((instance) => instance.chooseParents(...args))),
};

const thoroughCodec: ThoroughCodec = {
  compress: (...args) => explained(() => codecs.thorough.call((instance) => instance.compress(...args))),
};

function withCodecs<T extends Instance>(instance: T): T {
  instance.installNeural(neuralCodec);
  instance.installThorough?.(thoroughCodec);
  return instance;
}

/** The modules that read have some of the functions of the full one; to call them takes the same JavaScript. */
function instantiateReader(module: WebAssembly.Module): Instance {
  const { TableWriter: _table, StreamWriter: _stream, Evolver: _evolver, installThorough: _thorough, ...reading } = instantiate(module);
  return reading;
}

const engines: Readonly<Record<TableKind, Engine>> = {
  reader: new Engine('reader', (module) => withCodecs(instantiateReader(module))),
  legacy: new Engine('legacy', (module) => withCodecs(instantiateReader(module))),
  full: new Engine('full', (module) => withCodecs<Instance>(instantiate(module))),
};

function isCodec(kind: WasmKind): kind is CodecKind {
  return kind in codecs;
}

/** Loads a module, which a file or a writer needs. */
export async function load(kind: WasmKind, input?: WasmInput | PromiseLike<WasmInput>): Promise<void> {
  await (isCodec(kind) ? codecs[kind] : engines[kind]).load(input);
}

/** Loads a module at once, from what is given or where the platform can do so. */
export function loadSync(kind: WasmKind, module?: WebAssembly.Module | BufferSource): void {
  (isCodec(kind) ? codecs[kind].engine : engines[kind]).loadSync(module);
}

/** A compiled codec, where it is loaded. */
export function codecModule(kind: CodecKind): WebAssembly.Module | undefined {
  const { engine } = codecs[kind];
  return engine.isLoaded ? engine.module : undefined;
}

/** The engine for files of version 1. */
export function legacyEngine(): Engine {
  return engines.legacy;
}

/** The engine for reading version 2: the full one where it is loaded anyway. */
export function readingEngine(): Engine {
  return engines.full.isLoaded ? engines.full : engines.reader;
}

/** The engine for writing. */
export function writingEngine(): Engine {
  return engines.full;
}

/** What to load, and where from where it is not beside the package. */
export interface InitOptions {
  /** The reading module: compiled, bytes, a `Response`, or its address. */
  reader?: WasmInput | PromiseLike<WasmInput>;
  /** The module that reads the legacy dialects, of which the other ones know nothing; `true` loads it from beside the package. */
  legacy?: WasmInput | PromiseLike<WasmInput> | true;
  /** The reading and writing module; `true` loads it from beside the package. */
  full?: WasmInput | PromiseLike<WasmInput> | true;
  /** The codec of neural chunks; `true` loads it from beside the package. */
  neural?: WasmInput | PromiseLike<WasmInput> | true;
  /** The levels 5 to 22 of ZSTD, for writing; `true` loads them from beside the package. */
  thorough?: WasmInput | PromiseLike<WasmInput> | true;
}

/**
 * Loads the wasm ahead of time. No asynchronous function needs it; the synchronous ones do in a browser.
 * Safe to call twice and concurrently; what is loaded already stays.
 * @throws {NcfError} `wasm-init`
 */
export async function init({ reader, ...others }: InitOptions = {}): Promise<void> {
  const loads = [];
  for (const kind of ON_DEMAND) {
    const given = others[kind];
    if (given !== undefined) loads.push(load(kind, given === true ? undefined : given));
  }
  if (reader !== undefined || others.full === undefined) loads.push(load('reader', reader));
  await Promise.all(loads);
}

/** What `init` loads where it is asked to. */
const ON_DEMAND = ['legacy', 'full', 'neural', 'thorough'] as const;

/**
 * Loads the wasm at once from compiled modules or bytes; in Node from the package itself.
 * @throws {NcfError} `wasm-init`
 */
export function initSync({ reader, ...others }: Readonly<Partial<Record<WasmKind, WebAssembly.Module | BufferSource>>> = {}): void {
  for (const kind of ON_DEMAND) if (others[kind] !== undefined) loadSync(kind, others[kind]);
  if (reader !== undefined || others.full === undefined) loadSync('reader', reader);
}
