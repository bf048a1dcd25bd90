/** Which columns the rows show. */

import { nameOf } from '../cells.js';
import { el } from '../dom.js';
import { formatCount } from '../format.js';

/** Columns that are shown at first, and at most. */
export const FIRST_SHOWN = 50;
const MOST_SHOWN = 500;
/** Boxes that are made at once; the filter finds the others. */
const MOST_LISTED = 500;

/**
 * Keeps its own state from then on, and tells of changes.
 * @param {HTMLElement} container
 * @param {{ names: string[], shown: string[] }} data
 * @param {{ choose: (names: string[]) => void }} actions
 */
export function render(container, { names, shown }, { choose }) {
  const chosen = new Set(shown);
  const summary = el('summary');
  const list = el('ul', { class: 'choices' });
  const rest = el('p', { class: 'muted' });
  const filter = /** @type {HTMLInputElement} */ (el('input', { 'type': 'search', 'placeholder': 'Filter by name', 'aria-label': 'Filter the columns to choose', 'oninput': () => fill() }));

  const matching = () => names.filter((name) => name.toLowerCase().includes(filter.value.trim().toLowerCase()));
  const tell = () => {
    summary.textContent = `Columns: ${formatCount(chosen.size)} of ${formatCount(names.length)} shown`;
  };
  const change = () => {
    tell();
    choose(names.filter((name) => chosen.has(name)));
  };
  /** @param {string[]} all */
  const replace = (all) => {
    chosen.clear();
    all.slice(0, MOST_SHOWN).forEach((name) => chosen.add(name));
    fill();
    change();
  };
  const fill = () => {
    const found = matching();
    list.replaceChildren(...found.slice(0, MOST_LISTED).map((name) => choice(name, chosen, change)));
    rest.textContent = found.length > MOST_LISTED ? `${formatCount(found.length - MOST_LISTED)} more: filter to find them` : '';
    rest.hidden = rest.textContent === '';
  };
  fill();
  tell();

  container.replaceChildren(
    el('details', { class: 'picker' }, summary,
      el('div', { class: 'picker-tools' },
        filter,
        el('button', { type: 'button', id: 'show-matching', onclick: () => replace(matching()) }, names.length > MOST_SHOWN ? `First ${MOST_SHOWN}` : 'All'),
        names.length > FIRST_SHOWN && el('button', { type: 'button', onclick: () => replace(names.slice(0, FIRST_SHOWN)) }, `First ${FIRST_SHOWN}`),
        el('button', { type: 'button', id: 'show-none', onclick: () => replace([]) }, 'None'),
      ),
      list,
      rest,
    ),
  );
}

/**
 * @param {string} name
 * @param {Set<string>} chosen
 * @param {() => void} change
 */
function choice(name, chosen, change) {
  const box = /** @type {HTMLInputElement} */ (el('input', { 'type': 'checkbox', 'data-column': name, 'onchange': () => {
    if (box.checked) chosen.add(name);
    else chosen.delete(name);
    change();
  } }));
  box.checked = chosen.has(name);
  return el('li', {}, el('label', { title: name }, box, nameOf(name)));
}
