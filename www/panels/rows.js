/** The rows of the file, page by page. */

import { cell, nameOf, NUMERIC_TYPES } from '../cells.js';
import { el, scrollBox } from '../dom.js';
import { formatCount } from '../format.js';
import { errorContent } from './error.js';

/** Rows of a page. */
export const PAGE_ROWS = 100;
/** Columns that could not be read, of which each has a line. */
const MOST_FAILURES = 20;

/**
 * The table of one page.
 * @param {HTMLElement} container
 * @param {{ rows?: any, error?: any, isBusy: boolean }} data
 * @param {{ retry: () => void }} actions
 */
export function render(container, { rows, error, isBusy }, { retry }) {
  container.setAttribute('aria-busy', String(isBusy));
  if (isBusy && container.childElementCount > 0) return;
  if (error) {
    container.replaceChildren(refusal(error, retry));
    return;
  }
  if (!rows) {
    container.replaceChildren(el('p', { class: 'empty' }, 'Reading rows'));
    return;
  }
  if (rows.columns.length === 0 && rows.failed.length > 0 && rows.failed.every((/** @type {any} */ { error: other }) => other.message === rows.failed[0].error.message)) {
    container.replaceChildren(refusal(rows.failed[0].error, retry));
    return;
  }
  const parts = rows.failed.slice(0, MOST_FAILURES).map(failure);
  if (rows.columns.length > 0) parts.push(rowsTable(rows, container.querySelector('.scroll-box')?.scrollLeft ?? 0));
  else if (rows.failed.length === 0) parts.push(el('p', { class: 'empty' }, 'No columns to show.'));
  if (rows.columns.length > 0 && rows.end === rows.start) parts.push(el('p', { class: 'empty' }, 'The table has no rows.'));
  container.replaceChildren(...parts);
  const box = container.querySelector('.scroll-box');
  if (box) box.scrollLeft = Number(box.getAttribute('data-left'));
}

/**
 * @param {any} error
 * @param {() => void} retry
 */
function refusal(error, retry) {
  return el('div', { 'id': 'rows-error', 'class': 'error', 'role': 'alert', 'data-code': error.code }, ...errorContent(error, 'Could not read the rows', el('button', { type: 'button', onclick: retry }, 'Try again')));
}

/** @param {{ name: string, error: any }} failed */
function failure({ name, error }) {
  return el('p', { 'class': 'inline-error', 'data-code': error.code, 'data-column': name }, el('code', { class: 'code' }, error.code), nameOf(name), el('span', { dir: 'auto' }, error.message));
}

/**
 * @param {any} rows
 * @param {number} left where the table that it replaces was scrolled to
 */
function rowsTable({ start, end, columns }, left) {
  const body = el('tbody');
  for (let row = start; row < end; row++) {
    const line = el('tr', { 'data-row': row }, el('th', { scope: 'row' }, formatCount(row)));
    for (const { type, cells } of columns) {
      line.append(cell('td', cells[row - start], NUMERIC_TYPES.has(type) ? { class: 'number' } : {}));
    }
    body.append(line);
  }
  const head = el('tr', {}, el('th', { scope: 'col', class: 'corner' }, el('span', { class: 'type' }, 'row')), ...columns.map(heading));
  const box = scrollBox('Rows', el('table', { id: 'rows-table', class: 'grid' }, el('thead', {}, head), body));
  box.setAttribute('data-left', String(left));
  return box;
}

/** @param {any} column */
function heading({ name, type, unit, utc, precision, scale }) {
  const details = { timestamp: `${unit}${utc ? ', UTC' : ''}`, decimal: `${precision}, ${scale}` }[type];
  return el('th', { 'scope': 'col', 'data-column': name, 'class': NUMERIC_TYPES.has(type) ? 'number' : undefined, 'title': name }, nameOf(name), el('span', { class: 'type' }, details ? `${type} (${details})` : type));
}

/**
 * The way to other pages. Keeps its elements, so that a button that was pressed keeps the focus.
 * @param {HTMLElement} container
 * @param {{ start: number, numRows: number }} data
 * @param {{ go: (row: number) => void }} actions `go` shows the page that holds a row
 */
export function renderPager(container, { start, numRows }, { go }) {
  if (container.childElementCount === 0) makePager(container);
  const last = Math.max(0, Math.floor((numRows - 1) / PAGE_ROWS) * PAGE_ROWS);
  const targets = { first: 0, previous: Math.max(0, start - PAGE_ROWS), next: Math.min(last, start + PAGE_ROWS), last };
  for (const [name, target] of Object.entries(targets)) {
    const button = /** @type {HTMLButtonElement} */ (container.querySelector(`#page-${name}`));
    button.setAttribute('aria-disabled', String(target === start));
    button.onclick = () => {
      if (target !== start) go(target);
    };
  }
  const range = /** @type {HTMLElement} */ (container.querySelector('[data-field="row-range"]'));
  const end = Math.min(numRows, start + PAGE_ROWS);
  range.textContent = numRows === 0 ? 'no rows' : `rows ${formatCount(start)} to ${formatCount(end - 1)} of ${formatCount(numRows)}`;
  const form = /** @type {HTMLFormElement} */ (container.querySelector('form'));
  const input = /** @type {HTMLInputElement} */ (container.querySelector('#row-input'));
  input.max = String(Math.max(0, numRows - 1));
  form.onsubmit = (event) => {
    event.preventDefault();
    const row = Math.trunc(Number(input.value));
    if (input.value !== '' && row >= 0) go(Math.min(last, row - (row % PAGE_ROWS)));
  };
}

/** @param {HTMLElement} container */
function makePager(container) {
  /**
   * @param {string} name
   * @param {string} label
   * @param {string} sign
   */
  const button = (name, label, sign) => el('button', { 'type': 'button', 'id': `page-${name}`, 'aria-label': label, 'title': label }, sign);
  container.append(
    button('first', 'First page', '«'),
    button('previous', 'Previous page', '‹'),
    el('span', { 'data-field': 'row-range', 'role': 'status' }),
    button('next', 'Next page', '›'),
    button('last', 'Last page', '»'),
    el('form', { novalidate: true }, el('label', { for: 'row-input' }, 'Go to row'), el('input', { id: 'row-input', type: 'number', min: '0', step: '1', inputmode: 'numeric' })),
  );
}
