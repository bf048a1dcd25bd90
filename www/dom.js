/** Making elements. Text from files goes through here as text, never as markup. */

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `class`, `data-...`, `aria-...` and the like; functions under `onclick`
 * and the like are listeners; false, null and undefined are left out
 * @param {...(Node | string | number | false | null | undefined)} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false).map((child) => (typeof child === 'number' ? String(child) : child)));
  return element;
}

/**
 * A table in a box of its own, which scrolls and can be reached by keyboard.
 * @param {string} label what the box is called
 * @param {HTMLElement} table
 */
export function scrollBox(label, table) {
  return el('div', { class: 'scroll-box', role: 'region', 'aria-label': label, tabindex: '0' }, table);
}
