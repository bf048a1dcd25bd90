/**
 * The only module that uses the package: opens files, and answers calls with plain data.
 *
 * Receives `{ id, method, params }` and `{ cancel: id }`. Sends `{ ready }` once, and for each call `{ id, started }`,
 * any number of `{ id, progress }`, and last `{ id, result }` or `{ id, error }`.
 */

import { NcfError, open } from './dist/browser.js';

/** Rows are read in blocks of this many, so that turning a page decodes columns seldom. Pages must divide it. */
const BLOCK_ROWS = 1000;
/** A cell carries at most this much to the page. */
const MAX_TEXT = 300;
const MAX_BYTES = 24;
const PROGRESS_MS = 60;

/** @type {Map<number, AbortController>} calls under way */
const running = new Map();
/** @type {Set<Promise<unknown>>} the same as promises */
const unfinished = new Set();
/** @type {Session | undefined} the open file */
let session;

/**
 * A file and what is remembered about it.
 * @typedef {object} Session
 * @property {import('ncf-wasm').NcfFile} file
 * @property {number} blockStart first row of the block that `columns` hold
 * @property {Map<string, import('ncf-wasm').AnyColumn | { error: object }>} columns columns of that block by name
 * @property {Map<string, import('ncf-wasm').Warning>} warnings what was odd in columns so far, by its text
 */

/** What a call is given beside its parameters. @typedef {{ id: number, signal: AbortSignal, onProgress: (progress: object) => void }} Call */

const methods = {
  /**
   * Opens a file in place of the present one. Checking all of it is left to `verify`, so that damaged files can be looked
   * into; chunks of version 2 are checked as they are read.
   * @param {{ input: File | string, salvage: boolean }} params
   * @param {Call} call
   */
  async open({ input, salvage }, { id, signal, onProgress }) {
    for (const [other, controller] of running) {
      if (other !== id) controller.abort();
    }
    retire();
    const file = await open(input, { verify: false, salvage, signal, onProgress });
    if (signal.aborted) {
      await file.close();
      signal.throwIfAborted();
    }
    session = { file, blockStart: 0, columns: new Map(), warnings: new Map() };
    const { schema } = file;
    const lost = new Set(file.lostColumns);
    return {
      tableName: schema.tableName,
      schemaVersion: schema.version,
      schemaCreated: schema.createdAt,
      schemaModified: schema.modifiedAt,
      dialect: file.dialect,
      numRows: file.numRows,
      rowGroups: file.rowGroups,
      byteLength: file.byteLength,
      digest: file.digest,
      created: file.created,
      modified: file.modified,
      warnings: [...file.warnings],
      columns: schema.columns.map((column) => ({
        name: column.name,
        type: column.type,
        nullable: column.nullable,
        semanticType: column.semanticType,
        containsPii: column.containsPii,
        description: column.description,
        isLost: lost.has(column.name),
        statistics: packStatistics(file.statistics.get(column.name)),
      })),
    };
  },

  /**
   * Where everything is in the file.
   * @param {object} _params
   * @param {Call} call
   */
  async layout(_params, { signal, onProgress }) {
    return present().file.layout({ signal, onProgress });
  },

  /**
   * Statistics of one column by row group; none in legacy files.
   * @param {{ column: string }} params
   * @param {Call} call
   */
  async zoneMaps({ column }, { signal, onProgress }) {
    const zones = await present().file.zoneMaps(column, { signal, onProgress });
    return zones.map((zone) => packStatistics(zone));
  },

  /**
   * Checks all bytes.
   * @param {object} _params
   * @param {Call} call
   */
  async verify(_params, { signal, onProgress }) {
    return present().file.verify({ signal, onProgress });
  },

  /**
   * Cells of some rows. Columns that cannot be read are named, and do not keep the others from being shown.
   * @param {{ columns: string[], start: number, end: number }} params the rows must be within one block
   * @param {Call} call
   */
  async rows({ columns, start, end }, call) {
    const current = present();
    const blockStart = start - (start % BLOCK_ROWS);
    if (current.blockStart !== blockStart) {
      current.blockStart = blockStart;
      current.columns.clear();
    }
    const block = current.columns;
    const missing = columns.filter((name) => !block.has(name));
    if (missing.length > 0) await readColumns(current, missing, call);
    call.signal.throwIfAborted();

    const shown = [];
    const failed = [];
    for (const name of columns) {
      const column = block.get(name);
      if (!column) continue;
      if ('error' in column) failed.push({ name, error: column.error });
      else shown.push(packColumn(column, start - blockStart, end - blockStart));
    }
    return { start, end: Math.min(end, current.file.numRows), columns: shown, failed, warnings: [...current.warnings.values()] };
  },
};

/** The open file. */
function present() {
  if (!session) throw new NcfError('closed', 'no file is open');
  return session;
}

/** Closes the present file as soon as nothing uses it. */
function retire() {
  const old = session;
  session = undefined;
  if (old) void Promise.allSettled(unfinished).then(() => old.file.close());
}

/**
 * Reads columns of the block: all at once, or one by one where some cannot be read.
 * @param {Session} current
 * @param {string[]} names
 * @param {Call} call
 */
async function readColumns(current, names, { signal, onProgress }) {
  const { file, blockStart, columns } = current;
  /** @param {string[]} wanted */
  const read = async (wanted) => {
    const table = await file.read({ columns: wanted, rowStart: blockStart, rowEnd: blockStart + BLOCK_ROWS, signal, onProgress });
    // Another page may have been asked for meanwhile.
    if (current.blockStart !== blockStart) return;
    for (const column of table.columns) columns.set(column.name, column);
    for (const warning of table.warnings) current.warnings.set(JSON.stringify([warning.code, warning.column, warning.message]), warning);
  };
  try {
    await read(names);
  } catch (error) {
    if (signal.aborted || !(error instanceof NcfError)) throw error;
    for (const name of names) {
      try {
        await read([name]);
      } catch (cause) {
        signal.throwIfAborted();
        if (current.blockStart === blockStart) columns.set(name, { error: plainError(cause) });
      }
    }
  }
}

/**
 * @param {import('ncf-wasm').AnyColumn} column
 * @param {number} start
 * @param {number} end
 */
function packColumn(column, start, end) {
  const cells = [];
  for (let row = start; row < Math.min(end, column.length); row++) cells.push(pack(column.get(row)));
  const { name, type, unit, utc, precision, scale } = column;
  return { name, type, unit, utc, precision, scale, cells };
}

/** @param {import('ncf-wasm').ColumnStatistics | undefined} statistics */
function packStatistics(statistics) {
  if (!statistics) return undefined;
  return { ...statistics, min: pack(statistics.min), max: pack(statistics.max) };
}

/**
 * A value as it travels to the page: long text and bytes are cut, and say how long they are.
 * @param {unknown} value
 */
function pack(value) {
  if (typeof value === 'string' && value.length > MAX_TEXT) {
    // Not through the middle of a surrogate pair.
    const end = /[\ud800-\udbff]/.test(value.charAt(MAX_TEXT - 1)) ? MAX_TEXT - 1 : MAX_TEXT;
    return { text: value.slice(0, end), length: value.length };
  }
  if (value instanceof Uint8Array) return { bytes: value.slice(0, MAX_BYTES), length: value.length };
  return value instanceof Date ? value.toISOString() : value;
}

/** @param {unknown} thrown */
function plainError(thrown) {
  if (!(thrown instanceof NcfError)) return { code: 'internal', message: String(thrown) };
  const { code, message, section, column, offset, status, source } = thrown;
  return { code, message, section, column, offset, status, source };
}

/**
 * Passes progress on, but not more often than anybody can see.
 * @param {number} id
 */
function progressOf(id) {
  let last = -Infinity;
  return (/** @type {object} */ progress) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    self.postMessage({ id, progress });
  };
}

/** @param {{ id: number, method: keyof typeof methods, params: any }} message */
async function answer({ id, method, params }) {
  const controller = new AbortController();
  running.set(id, controller);
  self.postMessage({ id, started: true });
  try {
    const result = await methods[method](params, { id, signal: controller.signal, onProgress: progressOf(id) });
    self.postMessage({ id, result });
  } catch (error) {
    // Nobody waits for the answer to a call that was cancelled.
    if (!controller.signal.aborted) self.postMessage({ id, error: plainError(error) });
  } finally {
    running.delete(id);
  }
}

self.addEventListener('message', ({ data }) => {
  if (data.cancel !== undefined) {
    running.get(data.cancel)?.abort();
    return;
  }
  const call = answer(data);
  unfinished.add(call);
  void call.finally(() => unfinished.delete(call));
});

self.postMessage({ ready: true });
