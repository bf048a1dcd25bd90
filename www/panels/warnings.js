/** What was odd, though it was read all the same. */

import { nameOf } from '../cells.js';
import { el } from '../dom.js';
import { counted } from '../format.js';

/** More would hide the table. */
const MOST_SHOWN = 50;

/**
 * @param {HTMLElement} container
 * @param {{ code: string, message: string, column?: string }[]} warnings
 */
export function render(container, warnings) {
  container.hidden = warnings.length === 0;
  const rest = warnings.length - MOST_SHOWN;
  container.replaceChildren(
    el('h2', {}, counted(warnings.length, 'warning')),
    el('ul', {},
      ...warnings.slice(0, MOST_SHOWN).map(({ code, message, column }) =>
        el('li', { 'data-code': code, 'data-column': column }, el('code', { class: 'code' }, code), column !== undefined && nameOf(column), el('span', { dir: 'auto' }, message)),
      ),
      rest > 0 && el('li', {}, `and ${rest} more`),
    ),
  );
}
