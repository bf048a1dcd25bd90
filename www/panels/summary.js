/** The file at a glance. */

import { cell, nameOf } from '../cells.js';
import { el } from '../dom.js';
import { counted, formatBytes, formatCount, formatInstant, formatShare } from '../format.js';
import { progressBar, progressText } from './progress.js';

/**
 * @param {HTMLElement} container
 * @param {{ source: { name: string, where: string }, file: any, layout?: any, checksum: any }} data
 * @param {{ verify: () => void }} actions
 */
export function render(container, { source, file, layout, checksum }, { verify }) {
  const lost = file.columns.filter((/** @type {any} */ column) => column.isLost).length;
  const facts = [
    fact('Dialect', 'dialect', file.dialect),
    fact('Rows', 'rows', formatCount(file.numRows), { 'data-value': file.numRows }),
    file.rowGroups.length === 1 ? undefined : fact('Row groups', 'row-groups', formatCount(file.rowGroups.length), { 'data-value': file.rowGroups.length }),
    fact('Columns', 'columns', `${formatCount(file.columns.length)}${lost > 0 ? `, ${formatCount(lost)} lost` : ''}`, { 'data-value': file.columns.length }),
    fact('Size', 'size', formatBytes(file.byteLength), { 'data-value': file.byteLength, 'title': counted(file.byteLength, 'byte') }),
    fact('Created', 'created', formatInstant(file.created)),
    fact('Modified', 'modified', formatInstant(file.modified)),
    fact('Schema version', 'schema-version', file.schemaVersion),
    fact('Schema created', 'schema-created', file.schemaCreated),
    fact('Schema modified', 'schema-modified', file.schemaModified),
  ];
  container.replaceChildren(
    el('div', { class: 'panel-head' },
      el('h2', { 'data-field': 'table-name', 'dir': 'auto' }, nameOf(file.tableName)),
      el('p', { class: 'origin', 'data-field': 'source', 'title': source.where }, source.name),
    ),
    el('dl', { class: 'facts' }, ...facts.filter((item) => item !== undefined)),
    checksumLine(checksum, file, verify),
    ...(layout ? [sectionMap(layout)] : []),
  );
}

/**
 * @param {string} label
 * @param {string} field
 * @param {string | number | undefined} value
 * @param {Record<string, unknown>} [attributes]
 */
function fact(label, field, value, attributes = {}) {
  if (value === undefined) return undefined;
  const shown = cell('dd', String(value), { 'data-field': field, ...attributes });
  return el('div', {}, el('dt', {}, label), shown);
}

/**
 * @param {any} checksum `state`: valid, mismatch, unchecked or checking; `report`, `progress`, `error` where there is one
 * @param {any} file
 * @param {() => void} verify
 */
function checksumLine({ state, report, progress, error }, file, verify) {
  const line = el('div', { 'class': 'checksum', 'data-field': 'checksum', 'data-state': state });
  const label = el('span', { class: 'label' }, 'SHA-256');
  switch (state) {
    case 'valid':
      line.append(label, el('strong', {}, 'valid'), el('span', { class: 'muted' }, `over ${formatBytes(report.bytes)}`), digest('actual', report.actual));
      break;
    case 'mismatch':
      line.append(label, el('strong', {}, 'mismatch'), ...(isPartwise(file) ? damagedParts(report.problems) : damagedFile(report)));
      break;
    case 'checking':
      line.append(label, el('span', {}, progress ? progressText(progress) : 'Verifying'), progressBar('Verifying', progress));
      break;
    default:
      if (isPartwise(file)) line.append(digest('expected', file.digest));
      line.append(label, el('span', {}, error ? `could not be checked: ${error.message} (${error.code})` : 'not checked yet'));
      line.append(el('button', { type: 'button', id: 'verify-button', onclick: verify }, `Verify (reads ${formatBytes(file.byteLength)})`));
  }
  return line;
}

/** Whether the parts of the file have digests of their own. @param {any} file */
const isPartwise = ({ dialect }) => dialect === 'ncf-2';

/** @param {any} report */
function damagedFile({ expected, actual }) {
  return [
    el('span', {}, 'The bytes are not those that were written: what is shown below may be wrong.'),
    el('dl', { class: 'digests' }, el('dt', {}, 'stated'), el('dd', {}, digest('expected', expected)), el('dt', {}, 'found'), el('dd', {}, digest('actual', actual))),
  ];
}

/** Damaged parts of which each has a line. */
const MOST_PROBLEMS = 20;

/** @param {any[]} problems */
function damagedParts(problems) {
  const rest = problems.length - MOST_PROBLEMS;
  return [
    el('span', {}, `${counted(problems.length, 'part')} of the file are not what was written. The others can be trusted.`.replace('1 part of the file are', '1 part of the file is')),
    el('ul', { class: 'problems', id: 'problems' },
      ...problems.slice(0, MOST_PROBLEMS).map(({ section, column, rowGroup, start, end }) =>
        el('li', { 'data-section': section, 'data-column': column, 'data-row-group': rowGroup },
          section, column !== undefined && nameOf(column), rowGroup !== undefined && ` of row group ${formatCount(rowGroup)}`,
          el('span', { class: 'muted' }, ` bytes ${formatCount(start)} to ${formatCount(end)}`))),
      rest > 0 && el('li', {}, `and ${formatCount(rest)} more`),
    ),
  ];
}

/**
 * @param {string} which
 * @param {string} hex
 */
const digest = (which, hex) => el('code', { 'class': 'digest', 'data-digest': which }, hex);

/** How the file divides into sections. @param {any} layout */
function sectionMap({ sections, byteLength }) {
  const bar = el('div', { class: 'section-bar', 'aria-hidden': 'true' });
  const legend = el('ul', { class: 'section-legend', 'aria-label': 'Sections of the file' });
  for (const { name, start, end } of sections) {
    const part = el('span', { 'data-section': name, 'title': `${name}: bytes ${formatCount(start)} to ${formatCount(end)}` });
    part.style.flexGrow = String(end - start);
    bar.append(part);
    legend.append(el('li', { 'data-section': name }, `${name} ${formatBytes(end - start)}`, el('span', { class: 'muted' }, ` ${formatShare((end - start) / Math.max(1, byteLength))}`)));
  }
  return el('div', { class: 'section-map' }, bar, legend);
}
