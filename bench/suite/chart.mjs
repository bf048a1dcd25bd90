/** A bar chart of the main cases as SVG: how many times as fast as parquet-wasm with ZSTD, on a logarithmic scale. */

import { BASELINE } from './adapters.mjs';
import { CASES } from './cases.mjs';

const TABLES = ['seed100k', 'nycflights', 'flights3m'];
const SHOWN = ['write', 'buffers', 'values', 'number', 'text', 'filter', 'rows'];
/** Adapters and their colours, which are readable on white and on black. */
const SERIES = {
  'ncf': '#e8590c',
  'parquet-wasm-none': '#4c8dd6',
  'parquet-wasm-snappy': '#7fb2e5',
  'hyparquet-hysnappy': '#2f9e44',
  'hyparquet-zstd': '#74c69d',
  'arrow-zstd': '#9775fa',
  'arrow': '#868e96',
};

const LEFT = 210;
const WIDTH = 560;
const BAR = 9;
const GAP = 12;
/** The scale's ends, as powers of ten; beyond them a bar is cut off, and its number says how long it is. */
const [LOW, HIGH] = [-1, 2];

/**
 * @param {import('./report.mjs').Results} results
 * @returns {string}
 */
export function chart(results) {
  const x = (/** @type {number} */ ratio) => LEFT + (WIDTH * (Math.min(Math.max(Math.log10(ratio), LOW), HIGH) - LOW)) / (HIGH - LOW);
  const one = x(1);
  /** @type {string[]} */
  const parts = [];
  let y = 52;
  let at = LEFT;
  for (const [name, colour] of Object.entries(SERIES)) {
    parts.push(`<rect x="${at - LEFT + 10}" y="26" width="10" height="10" fill="${colour}"/><text x="${at - LEFT + 24}" y="35">${name}</text>`);
    at += 34 + 6.2 * name.length;
  }
  const top = y;
  for (const table of TABLES) {
    y += 14;
    parts.push(`<text x="10" y="${y}" style="font-weight: bold">${table}</text>`);
    y += 8;
    for (const name of SHOWN) {
      const cells = results.times[table]?.[name];
      const base = cells?.[BASELINE]?.wall.median;
      if (!cells || base === undefined) continue;
      const start = y;
      for (const [adapter, colour] of Object.entries(SERIES)) {
        const median = cells[adapter]?.wall.median;
        if (median === undefined) continue;
        const ratio = base / median;
        const end = x(ratio);
        parts.push(
          `<rect x="${Math.min(one, end).toFixed(1)}" y="${y}" width="${Math.max(Math.abs(end - one), 1).toFixed(1)}" height="${BAR - 1}" fill="${colour}"/>`,
          `<text x="${(Math.max(one, end) + 3).toFixed(1)}" y="${y + 7.5}" style="font-size: 8px">${ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(2)}x</text>`,
        );
        y += BAR;
      }
      parts.push(`<text x="${LEFT - 8}" y="${(start + y) / 2 + 3}" text-anchor="end">${CASES[name]?.title}</text>`);
      y += GAP;
    }
  }
  const lines = Array.from({ length: HIGH - LOW + 1 }, (_, index) => {
    const ratio = 10 ** (LOW + index);
    return `<line x1="${x(ratio)}" x2="${x(ratio)}" y1="${top}" y2="${y}" stroke="#868e96" stroke-width="${ratio === 1 ? 1.2 : 0.4}"/><text x="${x(ratio)}" y="${y + 12}" text-anchor="middle">${ratio}x</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 60} ${y + 24}" role="img">
<title>Times as fast as parquet-wasm with ZSTD</title>
<style>text { font: 10px system-ui, sans-serif; fill: #24292f } @media (prefers-color-scheme: dark) { text { fill: #d0d7de } }</style>
<text x="10" y="16" style="font-size: 12px; font-weight: bold">Times as fast as parquet-wasm with ZSTD (logarithmic; right of 1x is faster)</text>
${[...lines, ...parts].join('\n')}
</svg>
`;
}
