/** The row groups: where they are, what they take, and what one column has in each. */

import { cell } from '../cells.js';
import { el, scrollBox } from '../dom.js';
import { counted, formatBytes, formatCount } from '../format.js';
import { bound, distinctText } from './columns.js';
import { errorContent } from './error.js';

/** Rows of the table that are made at once. */
const MOST_SHOWN = 200;

/**
 * @param {HTMLElement} container
 * @param {{ file: any, layout?: any, column: string, zones?: any[], zonesError?: any }} data `column`: whose statistics are shown
 * @param {{ choose: (column: string) => void, go: (row: number) => void }} actions
 */
export function render(container, { file, layout, column, zones, zonesError }, { choose, go }) {
  const { rowGroups } = file;
  container.hidden = rowGroups.length < 2;
  if (container.hidden) {
    container.replaceChildren();
    return;
  }
  const bytes = rowGroups.map(() => 0);
  for (const { rowGroup, start, end } of layout?.chunks ?? []) bytes[rowGroup] += end - start;
  const largest = Math.max(1, ...bytes);

  const select = /** @type {HTMLSelectElement} */ (el('select', { id: 'zone-column', onchange: () => choose(select.value) },
    ...[...new Set(file.columns.map((/** @type {any} */ { name }) => name))].map((name) => el('option', { value: name }, name === '' ? '""' : name))));
  select.value = column;
  const rows = rowGroups.slice(0, MOST_SHOWN).map((/** @type {any} */ { start, end }, /** @type {number} */ index) => {
    const zone = zones?.[index];
    const bar = el('span', { 'class': 'bar', 'aria-hidden': 'true' });
    bar.style.width = `${(bytes[index] / largest) * 100}%`;
    return el('tr', { 'data-row-group': index },
      el('th', { scope: 'row' }, formatCount(index)),
      el('td', {}, el('button', { type: 'button', class: 'link', title: 'Show these rows', onclick: () => go(start) }, `${formatCount(start)} to ${formatCount(end - 1)}`)),
      el('td', { 'class': 'number', 'data-field': 'stored', 'data-value': bytes[index] }, formatBytes(bytes[index])),
      el('td', { class: 'share' }, el('span', { class: 'bar-track' }, bar)),
      el('td', { 'class': 'number', 'data-field': 'nulls' }, zone && formatCount(zone.nullCount)),
      bound('min', zone),
      bound('max', zone),
      el('td', { 'class': 'number', 'data-field': 'distinct' }, distinctText(zone)),
      cell('td', zone?.order ?? '', { 'data-field': 'order', 'data-kind': 'text' }),
    );
  });
  const headings = [['#', 'text'], ['Rows', 'text'], ['Stored', 'number'], ['', 'text'], ['Nulls', 'number'], ['Min', 'text'], ['Max', 'text'], ['Distinct', 'number'], ['Order', 'text']];
  const hadFocus = document.activeElement?.id === select.id;
  container.replaceChildren(
    el('div', { class: 'panel-head' }, el('h2', {}, 'Row groups'), el('label', { class: 'field-row' }, 'Statistics of', select), el('span', { class: 'muted' }, counted(rowGroups.length, 'row group'))),
    ...(zonesError ? [el('div', { 'class': 'inline-error', 'data-code': zonesError.code }, ...errorContent(zonesError, 'No statistics'))] : []),
    scrollBox('Row groups', el('table', { id: 'groups-table', class: 'grid' },
      el('thead', {}, el('tr', {}, ...headings.map(([label, align]) => el('th', { scope: 'col', class: align }, label)))),
      el('tbody', {}, ...rows))),
    rowGroups.length > MOST_SHOWN ? el('p', { class: 'muted' }, `and ${formatCount(rowGroups.length - MOST_SHOWN)} more`) : '',
  );
  if (hadFocus) select.focus();
}
