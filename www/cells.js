/** Values as elements: what is null, empty, not a number or cut short can be told from text that looks like it. */

import { el } from './dom.js';
import { formatBytes, formatCount } from './format.js';

/** Types whose values stand on the right. */
export const NUMERIC_TYPES = new Set(['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float32', 'float64', 'decimal']);

// Characters without a picture: control, format (direction marks, zero width), line and paragraph separators, unpaired
// surrogates; and spaces at either end. Joiners stay: emoji and many scripts are made with them.
const INVISIBLE = /^ +| +$|(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const ESCAPES = new Map([['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t'], ['\0', '\\0']]);

/**
 * What kind of value it is, for style and tests.
 * @param {unknown} value as the worker packs it
 */
function kindOf(value) {
  if (value === null) return 'null';
  if (value === undefined) return 'absent';
  if (value === '') return 'empty';
  if (typeof value === 'number') return Number.isFinite(value) ? 'number' : 'not-finite';
  if (typeof value === 'object' && 'bytes' in value) return 'bytes';
  if (typeof value === 'object') return 'text';
  return { bigint: 'bigint', boolean: 'boolean' }[typeof value] ?? 'text';
}

/**
 * The value in an element of the given tag, with `data-kind`.
 * @param {string} tag
 * @param {unknown} value as the worker packs it: a primitive, `{ text, length }` or `{ bytes, length }`
 * @param {Record<string, unknown>} [attributes]
 */
export function cell(tag, value, attributes = {}) {
  const kind = kindOf(value);
  const element = el(tag, { 'data-kind': kind, ...attributes });
  switch (kind) {
    case 'null':
      element.append('null');
      break;
    case 'absent':
      element.append('–');
      element.title = 'not there';
      break;
    case 'empty':
      element.append('""');
      element.title = 'empty text';
      break;
    case 'number':
      element.append(Object.is(value, -0) ? '-0' : String(value));
      break;
    case 'bytes':
      showBytes(element, /** @type {{ bytes: Uint8Array, length: number }} */ (value));
      break;
    case 'text':
      showText(element, /** @type {string | { text: string, length: number }} */ (value));
      break;
    default:
      element.append(String(value));
  }
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {{ bytes: Uint8Array, length: number }} value
 */
function showBytes(element, { bytes, length }) {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  element.append(hex, length > bytes.length ? ' …' : '', el('span', { class: 'size' }, formatBytes(length)));
}

/**
 * @param {HTMLElement} element
 * @param {string | { text: string, length: number }} value
 */
function showText(element, value) {
  const { text, length } = typeof value === 'string' ? { text: value, length: value.length } : value;
  element.dir = 'auto';
  if (text.length > 24) element.title = text;
  let shown = 0;
  for (const match of text.matchAll(INVISIBLE)) {
    element.append(text.slice(shown, match.index), invisible(match[0]));
    shown = match.index + match[0].length;
  }
  element.append(text.slice(shown));
  if (length > text.length) element.append('…', el('span', { class: 'size' }, `${formatCount(length)} characters`));
}

/** @param {string} text one character, or some spaces */
function invisible(text) {
  if (text.startsWith(' ')) return el('span', { class: 'invisible', title: text.length === 1 ? 'space' : `${text.length} spaces` }, '·'.repeat(text.length));
  const name = `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return el('span', { class: 'invisible', title: name }, ESCAPES.get(text) ?? name);
}

/**
 * A name from a file: empty and invisible ones can be seen too.
 * @param {string} name
 */
export const nameOf = (name) => cell('span', name, { class: 'name' });
