/** The parts of docs/benchmarks.md that benchmarks write. */

import { readFileSync } from 'node:fs';

import { inRoot } from '../../scripts/lib/paths.mjs';
import { writeWhole } from '../../scripts/lib/stamp.mjs';

/**
 * Replaces what is between the marks of a benchmark; the rest of the document stays as it is.
 * @param {string} command that measures it
 * @param {string} text in Markdown
 */
export function writePart(command, text) {
  const path = inRoot('docs', 'benchmarks.md');
  const [begin, end] = [`<!-- begin: ${command} -->\n`, `<!-- end: ${command} -->\n`];
  const [before, rest] = readFileSync(path, 'utf8').split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${path} lacks the lines ${begin}${end}`);
  writeWhole(path, `${before}${begin}\n${text}\n${end}${after}`);
}

/**
 * A table in Markdown.
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function markdown(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}
