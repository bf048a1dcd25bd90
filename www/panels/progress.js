/** What is being done, how far it has come, and a way to stop it. */

import { el } from '../dom.js';
import { formatBytes, formatCount } from '../format.js';

const PHASES = { fetch: 'Fetching', decode: 'Decoding', verify: 'Verifying', encode: 'Encoding' };

/**
 * How far it has come, for people.
 * @param {{ phase: keyof typeof PHASES, loaded: number, total: number }} progress
 */
export function progressText({ phase, loaded, total }) {
  const format = phase === 'decode' || phase === 'encode' ? formatCount : formatBytes;
  return `${PHASES[phase]} ${format(loaded)} of ${format(total)}${phase === 'decode' ? ' chunks' : ''}`;
}

/**
 * A bar; without progress one that only shows that something goes on.
 * @param {string} label
 * @param {{ loaded: number, total: number } | undefined} progress
 */
export function progressBar(label, progress) {
  return el('progress', { 'aria-label': label, ...(progress && { max: Math.max(1, progress.total), value: progress.loaded }) });
}

/**
 * @param {HTMLElement} container
 * @param {{ what: string, progress?: any } | undefined} data undefined when nothing is being done
 * @param {{ cancel: () => void }} actions
 */
export function render(container, data, { cancel }) {
  container.hidden = !data;
  if (!data) {
    container.replaceChildren();
    return;
  }
  const text = data.progress ? `${data.what}: ${progressText(data.progress)}` : data.what;
  // The button stays the same one, so that it keeps the focus.
  const button = container.querySelector('button') ?? el('button', { type: 'button', id: 'cancel-button', onclick: cancel }, 'Cancel');
  container.querySelectorAll(':scope > :not(button)').forEach((old) => old.remove());
  container.prepend(progressBar(data.what, data.progress), el('span', {}, text));
  if (!button.isConnected) container.append(button);
}
