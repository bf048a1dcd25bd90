/** What was refused, and why. */

import { el } from '../dom.js';
import { formatCount } from '../format.js';

/** What may help, by code. @type {Record<string, string>} */
const HINTS = {
  'not-ncf': 'The file does not begin as NCF files do. Is it another format, or compressed as a whole?',
  'unsupported-version': 'It was written by a newer writer than this page knows.',
  'truncated': 'The end of the file is missing. Was it copied or downloaded completely?',
  'corrupt': 'The bytes contradict each other. Is there another copy of the file?',
  'limit-exceeded': 'The file claims more than this page is ready to hold.',
  'source': 'Could the address be reached? Another site must allow this page to read it (CORS: Access-Control-Allow-Origin).',
  'range-unsupported': 'The server must answer range requests properly, and expose Content-Range to other sites.',
  'source-changed': 'Open it again to see the present file.',
  'wasm-init': 'WebAssembly could not start. The server must deliver the .wasm files of the package.',
  'out-of-memory': 'Close other tabs, or choose fewer columns.',
};

/**
 * The fields of an error, and what can be done.
 * @param {any} error plain data: `code`, `message` and the like
 * @param {string} heading
 * @param {...Node} actions buttons
 */
export function errorContent(error, heading, ...actions) {
  const fields = [
    ['Section', 'section', error.section],
    ['Column', 'column', error.column === '' ? '""' : error.column],
    ['Offset', 'offset', error.offset === undefined ? undefined : `byte ${formatCount(error.offset)}`],
    ['HTTP status', 'status', error.status],
    ['Source', 'source', error.source],
  ].filter(([, , value]) => value !== undefined);
  // A server that answered could be reached.
  const hint = error.code === 'source' && (error.status !== undefined || !/^https?:/.test(error.source ?? '')) ? undefined : HINTS[error.code];
  return [
    el('h2', {}, heading, ' ', el('code', { class: 'code', 'data-field': 'error-code' }, error.code)),
    el('p', { 'data-field': 'error-message' }, error.message),
    fields.length > 0 &&
      el('dl', { class: 'facts' }, ...fields.map(([label, name, value]) => el('div', {}, el('dt', {}, label), el('dd', { 'data-field': `error-${name}` }, String(value))))),
    hint && el('p', { class: 'hint' }, hint),
    actions.length > 0 && el('p', { class: 'actions' }, ...actions),
  ].filter((part) => part instanceof Node);
}

/**
 * @param {HTMLElement} container
 * @param {{ error: any, name: string, canSalvage: boolean } | undefined} data undefined when nothing was refused
 * @param {{ salvage: () => void, retry: () => void }} actions
 */
export function render(container, data, { salvage, retry }) {
  container.hidden = !data;
  container.replaceChildren();
  if (!data) {
    delete container.dataset.code;
    return;
  }
  const { error, name, canSalvage } = data;
  container.dataset.code = error.code;
  container.append(
    ...errorContent(
      error,
      name ? `Could not open ${name}` : 'Could not open',
      ...(canSalvage ? [el('button', { type: 'button', id: 'salvage-button', class: 'primary', onclick: salvage }, 'Salvage what is left')] : []),
      el('button', { type: 'button', id: 'retry-button', onclick: retry }, 'Try again'),
    ),
  );
}
