/**
 * The page: takes a file or an address, asks the worker, keeps the state, and lets the panels show it.
 *
 * A panel is a module with `render(container, data, actions)`: it shows plain data, holds no state of the file,
 * and asks for anything through its actions. To add one: a module in panels/, a container in index.html, a `watch` below.
 *
 * Stable names for tests:
 * - body[data-status]: idle, loading, ready (metadata, stored sizes and first rows are there), error
 * - #drop-zone, #file-input, #url-form, #url-input, #sample-select, #progress, #cancel-button
 * - #error-panel[data-code] with [data-field="error-message" | "error-section" | "error-column" | "error-offset" |
 *   "error-status" | "error-source"], #salvage-button, #retry-button
 * - #summary: [data-field="table-name" | "source" | "dialect" | "rows" | "columns" | "size" | "created" | "modified" |
 *   "schema-version" | "row-groups"]; rows, columns, row groups and size have the plain number as data-value
 * - [data-field="checksum"][data-state="valid" | "mismatch" | "unchecked" | "checking"] with
 *   [data-digest="expected" | "actual"], #verify-button, #problems li[data-section][data-column][data-row-group]
 * - #groups, hidden unless there are several row groups: #zone-column, #groups-table tr[data-row-group] with
 *   td [data-field="stored" | "nulls" | "min" | "max" | "distinct" | "order"]
 * - #warnings li[data-code][data-column]
 * - #schema-table tr[data-column][data-state="ok" | "lost" | "failed" | "differs"] with td [data-field="type" |
 *   "semantic-type" | "pii" | "nulls" | "not-null" | "min" | "max" | "distinct" | "avg-length" | "stored" | "share" |
 *   "bits" | "codec" | "description"]; stored has its bytes as data-value; #column-filter where there are many columns
 * - #column-picker input[data-column], #show-matching, #show-none
 * - #rows-table th[data-column], tr[data-row], td[data-kind="null" | "empty" | "absent" | "number" | "not-finite" |
 *   "bigint" | "boolean" | "text" | "bytes"]; [aria-busy] of #rows-body; #rows-error[data-code];
 *   #rows-body .inline-error[data-code][data-column] for single columns
 * - #page-first, #page-previous, #page-next, #page-last, #row-input, [data-field="row-range"]
 *
 * Addresses: `?url=` opens an address, relative ones from this page; else the first sample is opened.
 */

import { CallError, Client } from './client.js';
import * as columnsPanel from './panels/columns.js';
import * as errorPanel from './panels/error.js';
import * as groupsPanel from './panels/groups.js';
import * as picker from './panels/picker.js';
import * as progressPanel from './panels/progress.js';
import * as rowsPanel from './panels/rows.js';
import * as summaryPanel from './panels/summary.js';
import * as warningsPanel from './panels/warnings.js';
import { createStore } from './store.js';

/** Work that takes less than this shows no progress. */
const PATIENCE_MS = 200;

/**
 * @typedef {object} Source what is open or being opened
 * @property {File | string} input
 * @property {string} name
 * @property {string} where
 * @property {boolean} isRemote whether reading all of it needs the user's word
 */

/** Everything that the page shows. */
const store = createStore({
  /** @type {'idle' | 'loading' | 'ready' | 'error'} */
  status: 'idle',
  /** @type {Source | undefined} */
  source: undefined,
  /** Whether it was opened, or tried, with `salvage`. */
  isSalvage: false,
  /** @type {any} what the worker told of the open file */
  file: undefined,
  /** @type {any} why it was refused */
  error: undefined,
  /** @type {any} */
  layout: undefined,
  /** @type {any} */
  layoutError: undefined,
  /** @type {any} */
  checksum: { state: 'unchecked' },
  /** Column whose statistics by row group are shown. */
  zoneColumn: '',
  /** @type {any} */
  zones: undefined,
  /** @type {any} */
  zonesError: undefined,
  /** Columns that the rows show. @type {string[]} */
  shown: [],
  /** First row of the page. */
  rowStart: 0,
  /** @type {any} */
  rows: undefined,
  /** @type {any} */
  rowsError: undefined,
  isReadingRows: false,
  /** Columns that could not be read, or are not what the schema says. @type {ReadonlyMap<string, { state: string, title: string }>} */
  columnStates: new Map(),
  /** What takes long. @type {{ what: string, progress?: any } | undefined} */
  work: undefined,
});
const client = new Client();

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const sampleSelect = /** @type {HTMLSelectElement} */ (byId('sample-select'));
const urlInput = /** @type {HTMLInputElement} */ (byId('url-input'));
const fileInput = /** @type {HTMLInputElement} */ (byId('file-input'));

/* What shows what. */

store.watch(['status'], ({ status }) => {
  document.body.dataset.status = status;
});
store.watch(['source'], ({ source }) => {
  document.title = source ? `${source.name} – NCF inspector` : 'NCF inspector';
});
store.watch(['work'], ({ work }) => progressPanel.render(byId('progress'), work, { cancel }));
store.watch(['error'], ({ error, source, isSalvage }) => {
  const canSalvage = error?.code === 'unsupported-feature' && !isSalvage;
  errorPanel.render(byId('error-panel'), error && { error, name: source?.name ?? '', canSalvage }, { salvage: () => openAgain(true), retry: () => openAgain(isSalvage) });
});
store.watch(['file'], ({ file, shown }) => {
  byId('inspector').hidden = !file;
  if (!file) {
    // Nothing of the older file stays.
    for (const id of ['summary', 'warnings', 'columns', 'groups', 'column-picker', 'rows-body', 'pager']) byId(id).replaceChildren();
  }
  if (file) picker.render(byId('column-picker'), { names: readableNames(file), shown }, { choose });
});
store.watch(['file', 'layout', 'checksum'], ({ source, file, layout, checksum }) => {
  if (file && source) summaryPanel.render(byId('summary'), { source, file, layout, checksum }, { verify });
});
store.watch(['file', 'rows'], ({ file, rows }) => {
  if (file) warningsPanel.render(byId('warnings'), [...file.warnings, ...(rows?.warnings ?? [])]);
});
store.watch(['file', 'layout', 'layoutError', 'columnStates'], ({ file, layout, layoutError, columnStates }) => {
  if (file) columnsPanel.render(byId('columns'), { file, layout, layoutError, states: columnStates });
});
store.watch(['file', 'layout', 'zoneColumn', 'zones', 'zonesError'], ({ file, layout, zoneColumn, zones, zonesError }) => {
  if (file) groupsPanel.render(byId('groups'), { file, layout, column: zoneColumn, zones, zonesError }, { choose: (column) => void readZones(column), go: showRow });
});
store.watch(['file', 'rows', 'rowsError', 'isReadingRows'], ({ file, rows, rowsError, isReadingRows }) => {
  if (file) rowsPanel.render(byId('rows-body'), { rows, error: rowsError, isBusy: isReadingRows }, { retry: () => void readRows() });
});
store.watch(['file', 'rowStart'], ({ file, rowStart }) => {
  if (file) rowsPanel.renderPager(byId('pager'), { start: rowStart, numRows: file.numRows }, { go });
});

/**
 * Names that can be asked for: those of lost columns cannot, and of equal ones the first answers.
 * @param {any} file
 * @returns {string[]}
 */
function readableNames(file) {
  return [...new Set(file.columns.filter((/** @type {any} */ column) => !column.isLost).map((/** @type {any} */ column) => column.name))];
}

/**
 * What reading rows told about columns, added to what was known; the same map if that is nothing new.
 * @param {ReadonlyMap<string, { state: string, title: string }>} known
 * @param {any} rows
 */
function withColumnStates(known, rows) {
  const states = new Map(known);
  for (const { code, column, message } of rows.warnings) {
    if (column !== undefined && code === 'type-differs') states.set(column, { state: 'differs', title: message });
  }
  for (const { name, error } of rows.failed) states.set(name, { state: 'failed', title: error.message });
  const isNew = [...states].some(([name, { state }]) => known.get(name)?.state !== state);
  return isNew ? states : known;
}

/* What is done. */

/** Counts openings: what belongs to an older one is dropped. */
let opening = 0;
/** @type {AbortController | undefined} ends the reading of rows that are not wanted any more */
let rowsReading;

/**
 * @param {Source} source
 * @param {{ salvage?: boolean }} [options]
 */
async function open(source, { salvage = false } = {}) {
  const id = ++opening;
  const isCurrent = () => id === opening;
  store.set({ status: 'loading', source, isSalvage: salvage, file: undefined, error: undefined, work: undefined });
  showAddress(source);
  const endWork = startWork(`Opening ${source.name}`);
  try {
    const file = await client.open({ input: source.input, salvage }, { onProgress: endWork.progress });
    if (!isCurrent()) return;
    store.set({
      file,
      layout: undefined,
      layoutError: undefined,
      checksum: { state: 'unchecked' },
      zoneColumn: readableNames(file)[0] ?? '',
      zones: undefined,
      zonesError: undefined,
      shown: readableNames(file).slice(0, picker.FIRST_SHOWN),
      rowStart: 0,
      rows: undefined,
      rowsError: undefined,
      isReadingRows: false,
      columnStates: new Map(),
    });
    await Promise.all([readLayout(isCurrent), readRows(), file.rowGroups.length > 1 && readZones(store.state.zoneColumn)]);
    if (!isCurrent()) return;
    store.set({ status: 'ready' });
    if (!source.isRemote) await verify();
  } catch (error) {
    if (isCurrent()) store.set({ status: 'error', file: undefined, error: detailsOf(error) });
  } finally {
    endWork();
  }
}

/** @param {boolean} salvage */
function openAgain(salvage) {
  const { source } = store.state;
  if (source) void open(source, { salvage });
}

/** @param {() => boolean} isCurrent */
async function readLayout(isCurrent) {
  try {
    const layout = await client.call('layout', {});
    if (isCurrent()) store.set({ layout });
  } catch (error) {
    if (isCurrent() && !isAbort(error)) store.set({ layoutError: detailsOf(error) });
  }
}

/**
 * Reads the statistics of a column by row group.
 * @param {string} column
 */
async function readZones(column) {
  const id = opening;
  const isCurrent = () => id === opening && store.state.zoneColumn === column;
  store.set({ zoneColumn: column, zones: undefined, zonesError: undefined });
  try {
    const zones = await client.call('zoneMaps', { column });
    if (isCurrent()) store.set({ zones });
  } catch (error) {
    if (isCurrent() && !isAbort(error)) store.set({ zonesError: detailsOf(error) });
  }
}

/** Reads the page of rows that the state asks for. */
async function readRows() {
  rowsReading?.abort();
  const reading = new AbortController();
  rowsReading = reading;
  const { rowStart, shown, file } = store.state;
  const end = Math.min(file.numRows, rowStart + rowsPanel.PAGE_ROWS);
  store.set({ isReadingRows: true });
  const endWork = startWork('Reading rows');
  try {
    const rows = await client.call('rows', { columns: shown, start: rowStart, end }, { signal: reading.signal, onProgress: endWork.progress });
    if (rowsReading === reading) store.set({ rows, rowsError: undefined, isReadingRows: false, columnStates: withColumnStates(store.state.columnStates, rows) });
  } catch (error) {
    if (rowsReading === reading) store.set({ rowsError: detailsOf(error), isReadingRows: false });
  } finally {
    endWork();
  }
}

/** @param {number} rowStart */
function go(rowStart) {
  store.set({ rowStart });
  void readRows();
}

/** Shows the page that holds a row. @param {number} row */
function showRow(row) {
  go(row - (row % rowsPanel.PAGE_ROWS));
  byId('rows').scrollIntoView({ block: 'start' });
}

/** @param {string[]} shown */
function choose(shown) {
  store.set({ shown });
  void readRows();
}

/** Checks the checksum of the open file. */
async function verify() {
  const id = opening;
  store.set({ checksum: { state: 'checking' } });
  try {
    const report = await client.call('verify', {}, {
      onProgress: (progress) => {
        if (id === opening) store.set({ checksum: { state: 'checking', progress } });
      },
    });
    if (id === opening) store.set({ checksum: { state: report.ok ? 'valid' : 'mismatch', report } });
  } catch (error) {
    if (id === opening) store.set({ checksum: { state: 'unchecked', error: isAbort(error) ? undefined : detailsOf(error) } });
  }
}

/** Stops what is under way. */
function cancel() {
  client.stop();
}

/**
 * Shows that something takes long, if it does.
 * @param {string} what
 */
function startWork(what) {
  let isOver = false;
  /** @type {any} */
  let last;
  const timer = setTimeout(() => show(), PATIENCE_MS);
  let isShown = false;
  const show = () => {
    isShown = true;
    store.set({ work: { what, progress: last } });
  };
  const end = () => {
    isOver = true;
    clearTimeout(timer);
    if (isShown && store.state.work?.what === what) store.set({ work: undefined });
  };
  end.progress = (/** @type {any} */ progress) => {
    last = progress;
    if (isShown && !isOver) show();
  };
  return end;
}

/** @param {unknown} error */
const isAbort = (error) => error instanceof DOMException && error.name === 'AbortError';

/** @param {unknown} error */
function detailsOf(error) {
  if (error instanceof CallError) return error.details;
  if (isAbort(error)) return { code: 'cancelled', message: 'Stopped before it was done.' };
  return { code: 'internal', message: String(error) };
}

/* Where files come from. */

/** @param {File} file */
function openFile(file) {
  void open({ input: file, name: file.name, where: 'a file on this computer', isRemote: false });
}

/** @param {string} address relative to this page, or absolute */
function openUrl(address) {
  /** @type {URL} */
  let url;
  try {
    url = new URL(address, document.baseURI);
  } catch {
    refuse(address, `${address} is no address`);
    return;
  }
  if (!['http:', 'https:'].includes(url.protocol)) {
    refuse(address, `addresses begin with http: or https:, this one with ${url.protocol}`);
    return;
  }
  void open({ input: url.href, name: lastPart(url), where: url.href, isRemote: sampleOf(url.href) === undefined });
}

/**
 * An address that is not even tried.
 * @param {string} address
 * @param {string} message
 */
function refuse(address, message) {
  opening += 1;
  client.stop();
  store.set({ status: 'error', source: { input: address, name: address, where: address, isRemote: true }, file: undefined, work: undefined, error: { code: 'invalid-argument', message } });
}

/** @param {URL} url */
function lastPart({ pathname, host }) {
  const part = pathname.split('/').findLast((piece) => piece !== '') ?? host;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The sample at an address. @param {string} href */
function sampleOf(href) {
  return [...sampleSelect.options].find(({ value }) => value !== '' && new URL(value, document.baseURI).href === href)?.value;
}

/** Lets the address of the page, and its fields, say what is open. @param {Source} source */
function showAddress({ input }) {
  const page = new URL(location.href);
  const sample = typeof input === 'string' ? sampleOf(input) : undefined;
  if (typeof input === 'string') page.searchParams.set('url', sample ?? input);
  else page.searchParams.delete('url');
  history.replaceState(null, '', page);
  sampleSelect.value = sample ?? '';
  if (typeof input !== 'string') urlInput.value = '';
  else if (sample === undefined) urlInput.value = input;
}

byId('url-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const address = urlInput.value.trim();
  if (address !== '') openUrl(address);
});
sampleSelect.addEventListener('change', () => {
  urlInput.value = '';
  openUrl(sampleSelect.value);
});
fileInput.addEventListener('change', () => {
  const file = fileInput.files?.[0];
  if (file) openFile(file);
  // So that the same file can be chosen again.
  fileInput.value = '';
});

document.addEventListener('dragover', (event) => {
  event.preventDefault();
  byId('drop-zone').classList.add('is-target');
});
document.addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) byId('drop-zone').classList.remove('is-target');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  byId('drop-zone').classList.remove('is-target');
  const file = event.dataTransfer?.files[0];
  const address = event.dataTransfer?.getData('text/uri-list').split('\n').find((line) => line !== '' && !line.startsWith('#'));
  if (file) openFile(file);
  else if (address) openUrl(address.trim());
});

openUrl(new URLSearchParams(location.search).get('url') ?? 'samples/orders.ncf');
