/** The columns: schema, statistics as the writer states them, and what they take in the file. */

import { cell, nameOf } from '../cells.js';
import { el, scrollBox } from '../dom.js';
import { counted, formatBytes, formatCount, formatShare, formatShort } from '../format.js';

/** Rows of the table that are made at once. */
const STEP = 300;

/** Heading, alignment, what it is, and whether a table without any such value can do without. @type {[string, string, string?, ((column: any) => boolean)?][]} */
const HEADINGS = [
  ['Column', 'text'],
  ['Type', 'text'],
  ['Meaning', 'text', 'Semantic type, and whether the values identify persons', hasMeaning],
  ['Nulls', 'number', 'Nulls as the writer counted them; "not null" where the schema rules them out'],
  ['Min', 'text', 'Smallest value, as the writer states it'],
  ['Max', 'text', 'Largest value, as the writer states it'],
  ['Distinct', 'number', 'Distinct values, where they were counted'],
  ['Avg length', 'number', 'Mean length of text, in characters', hasAvgLength],
  ['Stored', 'number', 'Bytes in the file, after compression'],
  ['Share of file', 'text', 'The bars compare columns with the largest one'],
  ['Bits/value', 'number', 'Stored bits per row'],
  ['Codec', 'text'],
  ['Description', 'text', undefined, hasDescription],
];

/**
 * @param {HTMLElement} container
 * @param {{ file: any, layout?: any, layoutError?: any, states: ReadonlyMap<string, { state: string, title: string }> }} data
 * `states`: columns that could not be read, or are not what the schema says
 */
export function render(container, { file, layout, layoutError, states }) {
  const filter = container.querySelector('input')?.value ?? '';
  const stored = storedColumns(layout);
  /** @type {any[]} */
  const columns = file.columns.map((/** @type {any} */ column) => ({ ...column, stored: stored.get(column.name)?.shift() }));
  const largest = Math.max(1, ...columns.map((column) => column.stored?.bytes ?? 0));
  const body = el('tbody');
  const more = el('button', { type: 'button', class: 'more' });
  const count = el('span', { class: 'muted', role: 'status' });

  const isShown = HEADINGS.map(([, , , isThere]) => !isThere || columns.some(isThere));
  let limit = STEP;
  const fill = () => {
    const wanted = input.value.trim().toLowerCase();
    const found = columns.filter(({ name, type, semanticType, description }) => [name, type, semanticType, description ?? ''].some((text) => text.toLowerCase().includes(wanted)));
    body.replaceChildren(...found.slice(0, limit).map((column) => columnRow(column, { file, largest, note: states.get(column.name), isShown })));
    more.hidden = found.length <= limit;
    more.textContent = `Show ${formatCount(Math.min(STEP, found.length - limit))} more`;
    count.textContent = wanted === '' ? counted(columns.length, 'column') : `${formatCount(found.length)} of ${counted(columns.length, 'column')}`;
  };
  const input = /** @type {HTMLInputElement} */ (el('input', { 'type': 'search', 'id': 'column-filter', 'placeholder': 'Filter by name, type, meaning', 'aria-label': 'Filter columns', 'oninput': () => {
    limit = STEP;
    fill();
  } }));
  input.value = filter;
  more.addEventListener('click', () => {
    limit += STEP;
    fill();
  });
  fill();

  const table = el('table', { id: 'schema-table', class: 'grid' },
    el('thead', {}, el('tr', {}, ...HEADINGS.filter((_, position) => isShown[position]).map(([label, align, title]) => el('th', { scope: 'col', class: align, title }, label)))),
    body,
  );
  const hadFocus = document.activeElement?.id === input.id;
  container.replaceChildren(
    el('div', { class: 'panel-head' }, el('h2', {}, 'Columns'), columns.length > 8 && input, count),
    ...(layoutError ? [el('p', { 'class': 'inline-error', 'data-code': layoutError.code }, `Stored sizes are not known: ${layoutError.message}`)] : []),
    scrollBox('Columns', table),
    more,
  );
  if (hadFocus) input.focus();
}

/**
 * Size and codec by name, of all row groups together; several where columns share a name.
 * @param {any} layout
 */
function storedColumns(layout) {
  /** @type {Map<string, { bytes: number, compression: string, rowGroup: number }[]>} */
  const stored = new Map();
  for (const { column, rowGroup, start, end, compression } of layout?.chunks ?? []) {
    const list = stored.get(column) ?? [];
    stored.set(column, list);
    // Of columns with one name, each has its own chunk in a row group.
    const known = list.find((entry) => entry.rowGroup < rowGroup);
    if (known) {
      known.bytes += end - start;
      known.rowGroup = rowGroup;
    } else list.push({ bytes: end - start, compression, rowGroup });
  }
  return stored;
}

/**
 * @param {any} column
 * @param {{ file: any, largest: number, note?: { state: string, title: string }, isShown: boolean[] }} context
 */
function columnRow(column, { file, largest, note, isShown }) {
  const { name, type, nullable, semanticType, description, isLost, statistics, stored } = column;
  const state = isLost ? 'lost' : (note?.state ?? 'ok');
  const cells = [
    el('th', { scope: 'row', title: name }, nameOf(name)),
    el('td', {}, el('span', { 'class': 'type', 'data-field': 'type' }, type), state !== 'ok' && el('span', { class: `badge ${state}`, title: isLost ? 'destroyed by its writer' : note?.title }, state)),
    el('td', {}, semanticType !== 'unknown' && el('span', { 'data-field': 'semantic-type' }, semanticType), isPii(column) && el('span', { 'class': 'badge pii', 'data-field': 'pii', 'title': 'The values identify persons, says the schema' }, 'PII')),
    el('td', { 'class': 'number', 'data-field': 'nulls' }, statistics && formatCount(statistics.nullCount), statistics?.nanCount > 0 && el('span', { 'class': 'badge', 'data-field': 'nans' }, `${formatCount(statistics.nanCount)} NaN`), !nullable && el('span', { 'class': 'badge', 'data-field': 'not-null' }, 'not null')),
    bound('min', statistics),
    bound('max', statistics),
    el('td', { 'class': 'number', 'data-field': 'distinct' }, distinctText(statistics), statistics?.order && el('span', { 'class': 'badge', 'data-field': 'order', 'title': 'How the values are sorted' }, ORDERS[statistics.order])),
    el('td', { 'class': 'number', 'data-field': 'avg-length' }, statistics?.avgLength !== undefined && formatShort(statistics.avgLength)),
    el('td', { 'class': 'number', 'data-field': 'stored', 'data-value': stored?.bytes, 'title': stored && counted(stored.bytes, 'byte') }, stored && formatBytes(stored.bytes)),
    el('td', { 'class': 'share', 'data-field': 'share' }, ...(stored ? shareBar(stored.bytes, largest, file.byteLength) : [])),
    el('td', { 'class': 'number', 'data-field': 'bits' }, stored && file.numRows > 0 && formatShort((stored.bytes * 8) / file.numRows)),
    el('td', { 'data-field': 'codec' }, stored?.compression),
    el('td', { 'class': 'description', 'data-field': 'description', 'dir': 'auto', 'title': description }, description),
  ];
  return el('tr', { 'data-column': name, 'data-state': state }, ...cells.filter((_, position) => isShown[position]));
}

/** @param {any} column */
function isPii({ containsPii, semanticType }) {
  return containsPii || semanticType.startsWith('pii_');
}

/** @param {any} column */
function hasMeaning(column) {
  return column.semanticType !== 'unknown' || isPii(column);
}

/** @param {any} column */
function hasAvgLength({ statistics }) {
  return statistics?.avgLength !== undefined;
}

/** @param {any} column */
function hasDescription({ description }) {
  return description !== undefined && description !== '';
}

/**
 * A smallest or largest value.
 * @param {'min' | 'max'} which
 * @param {any} statistics
 */
export function bound(which, statistics) {
  const value = statistics?.[which];
  if (value === undefined) return el('td', { 'data-field': which });
  const isCut = statistics[`${which}IsExact`] === false;
  return cell('td', value, { 'class': 'value', 'data-field': which, ...(isCut && { 'title': 'A bound: the value itself is longer', 'data-exact': 'false' }) });
}

/** @type {Record<string, string>} */
const ORDERS = { ascending: '↑', descending: '↓', equal: '=' };

/**
 * A number of distinct values, which may be an estimate.
 * @param {any} statistics
 */
export function distinctText(statistics) {
  if (statistics?.distinctCount === undefined) return '';
  return `${statistics.distinctIsExact === false ? '≈' : ''}${formatCount(statistics.distinctCount)}`;
}

/**
 * @param {number} bytes
 * @param {number} largest the longest bar
 * @param {number} byteLength
 */
function shareBar(bytes, largest, byteLength) {
  const bar = el('span', { 'class': 'bar', 'aria-hidden': 'true' });
  bar.style.width = `${(bytes / largest) * 100}%`;
  return [el('span', { class: 'bar-track' }, bar), el('span', {}, formatShare(bytes / Math.max(1, byteLength)))];
}
