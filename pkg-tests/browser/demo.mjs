/** The demo page, used as people use it: choose a file, drop one, open an address, look at what is shown. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { demoRoots, serve } from '../../scripts/serve.mjs';
import { fixtures } from '../support/paths.mjs';
import { launch, watch } from './driver.mjs';

const fixture = (/** @type {string} */ name) => join(fixtures, `${name}.ncf`);
const expectation = (/** @type {string} */ name) => JSON.parse(readFileSync(join(fixtures, `${name}.expected.json`), 'utf8'));

/** @param {unknown} actual @param {unknown} expected @param {string} what */
function equal(actual, expected, what) {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

/** @param {import('puppeteer-core').Page} page @param {string} path */
async function choose(page, path) {
  const input = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement>} */ (await page.$('#file-input'));
  await input.uploadFile(path);
}

/**
 * Waits until the page shows that source, or that it could not be opened.
 * @param {import('puppeteer-core').Page} page
 * @param {string} status
 * @param {string} source part of what the page calls it
 */
async function settled(page, status, source) {
  await page.waitForFunction(
    (wantedStatus, wantedSource) => {
      const shown = document.querySelector(wantedStatus === 'error' ? '#error-panel' : '#summary')?.textContent ?? '';
      return document.body.dataset.status === wantedStatus && shown.includes(wantedSource);
    },
    { timeout: 30_000 },
    status,
    source,
  );
}

/** What the page shows. @param {import('puppeteer-core').Page} page */
const shown = (page) =>
  page.evaluate(() => {
    const field = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (document.querySelector(`[data-field="${name}"]`));
    const rows = [...document.querySelectorAll('#rows-table tr[data-row]')];
    return {
      dialect: field('dialect')?.textContent,
      rows: Number(field('rows')?.dataset.value),
      columns: Number(field('columns')?.dataset.value),
      size: Number(field('size')?.dataset.value),
      schema: [...document.querySelectorAll('#schema-table tr[data-column]')].map((row) => [row.getAttribute('data-column'), row.querySelector('[data-field="type"]')?.textContent]),
      first: [...(rows[0]?.querySelectorAll('td') ?? [])].map((cell) => cell.textContent),
      rowNumbers: rows.map((row) => Number(row.getAttribute('data-row'))),
    };
  });

/** Checks that the page shows the fixture. @param {import('puppeteer-core').Page} page @param {string} name */
async function shows(page, name) {
  await settled(page, 'ready', `${name}.ncf`);
  await page.waitForSelector('#rows-table tr[data-row="0"]');
  const expected = expectation(name);
  const seen = await shown(page);
  equal([seen.dialect, seen.rows, seen.columns, seen.size], [expected.dialect, expected.row_count, expected.columns.length, expected.bytes], name);
  equal(seen.schema.map(([column]) => column), expected.columns.map((/** @type {any} */ column) => column.name), 'columns');
  equal(seen.schema.map(([, type]) => type?.split(/[^a-z0-9]/)[0]), expected.columns.map((/** @type {any} */ column) => column.type), 'types');
  const first = expected.columns.map((/** @type {any} */ column) => (column.values ?? column.first)[0]);
  // Text and integers look as they are; floats may be shown shorter.
  const compared = expected.columns.map((/** @type {any} */ column) => /int|string/.test(column.type));
  equal(seen.first.filter((_, index) => compared[index]), first.filter((/** @type {any} */ _, /** @type {number} */ index) => compared[index]).map(String), 'first row');
  return seen;
}

/** @param {import('puppeteer-core').Page} page @param {string} state */
async function checksum(page, state) {
  await page.waitForSelector(`[data-field="checksum"][data-state="${state}"]`);
}

/** What people do. @type {Record<string, (page: import('puppeteer-core').Page, url: string) => Promise<void>>} */
const TESTS = {
  'the page starts with a sample': async (page) => {
    await page.waitForSelector('body[data-status="ready"]');
    const { rows, dialect, columns, rowNumbers } = await shown(page);
    equal([dialect, rows, columns, rowNumbers.length], ['ncf-2', 20_000, 13, 100], 'the sample');
    equal(await page.$eval('[data-field="row-groups"]', (fact) => Number(/** @type {HTMLElement} */ (fact).dataset.value)), 5, 'row groups');
    await page.click('#verify-button, [data-field="checksum"][data-state="valid"]');
    await checksum(page, 'valid');
  },
  'row groups: sizes, the statistics of a column, the way to their rows': async (page) => {
    await page.waitForSelector('#groups-table tr[data-row-group="4"] [data-field="min"]:not(:empty)');
    await page.select('#zone-column', 'quantity');
    await page.waitForFunction(() => [...document.querySelectorAll('#groups-table [data-field="min"]')].every((cell) => cell.textContent === '1'));
    const stored = await page.$$eval('#groups-table [data-field="stored"]', (cells) => cells.map((cell) => Number(cell.getAttribute('data-value'))));
    const columns = await page.$$eval('#schema-table [data-field="stored"]', (cells) => cells.map((cell) => Number(cell.getAttribute('data-value'))));
    const sum = (/** @type {number[]} */ all) => all.reduce((a, b) => a + b, 0);
    equal([stored.length, columns.length, sum(stored)], [5, 13, sum(columns)], 'bytes by row group and by column');
    await page.click('#groups-table tr[data-row-group="3"] button');
    await page.waitForSelector('#rows-table tr[data-row="12000"]');
  },
  'a damaged chunk is named, and the rest is shown': async (page) => {
    await page.select('#sample-select', 'samples/damaged-chunk.ncf');
    await settled(page, 'ready', 'damaged-chunk.ncf');
    equal((await shown(page)).rowNumbers.length, 100, 'rows');
    await checksum(page, 'mismatch');
    equal(await page.$$eval('#problems li', (lines) => lines.map((line) => [line.getAttribute('data-section'), line.getAttribute('data-column'), line.getAttribute('data-row-group')])), [['chunk', 'price', '2']], 'problems');
    await page.click('#groups-table tr[data-row-group="2"] button');
    await page.waitForSelector('#rows-body .inline-error[data-column="price"][data-code="checksum-mismatch"]');
    await page.waitForSelector('#rows-table tr[data-row="1000"]');
  },
  'a chosen file is shown': async (page) => {
    await choose(page, fixture('v10_zstd3'));
    const { rowNumbers } = await shows(page, 'v10_zstd3');
    equal(rowNumbers, Array.from({ length: 100 }, (_, row) => row), 'row numbers');
    await checksum(page, 'valid');
  },
  'paging': async (page) => {
    await choose(page, fixture('v10_zstd3'));
    await shows(page, 'v10_zstd3');
    await page.click('#page-next');
    await page.waitForSelector('#rows-table tr[data-row="100"]');
    await page.click('#page-last');
    await page.waitForSelector('#rows-table tr[data-row="499"]');
    equal((await shown(page)).first[0], '400', 'first of the last page');
    await page.click('#page-first');
    await page.waitForSelector('#rows-table tr[data-row="0"]');
  },
  'a dropped file is shown': async (page) => {
    const bytes = readFileSync(fixture('v20_basic')).toString('base64');
    await page.evaluate((base64) => {
      const file = new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], 'v20_basic.ncf');
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(file);
      const target = /** @type {Element} */ (document.querySelector('#drop-zone'));
      for (const type of ['dragenter', 'dragover', 'drop']) {
        const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
        const goesOn = target.dispatchEvent(event);
        if (type !== 'dragenter' && goesOn) throw new Error(`${type} was not taken: the browser would leave the page`);
      }
    }, bytes);
    await shows(page, 'v20_basic');
    await checksum(page, 'valid');
  },
  'an address is shown': async (page, url) => {
    await page.type('#url-input', `${url}fixtures/v20_seed_10k.ncf`);
    await page.click('#url-form button');
    await shows(page, 'v20_seed_10k');
  },
  'an address that is not there is an error': async (page, url) => {
    await page.type('#url-input', `${url}fixtures/nowhere.ncf`);
    await page.click('#url-form button');
    await settled(page, 'error', '404');
    await page.waitForSelector('#error-panel[data-code="source"]');
  },
  'a damaged file is an error, and the next file is shown': async (page) => {
    await choose(page, fixture('bad_magic'));
    await settled(page, 'error', '');
    await page.waitForSelector('#error-panel[data-code="not-ncf"]');
    await choose(page, fixture('v10_groups'));
    await shows(page, 'v10_groups');
    equal(await page.$eval('#error-panel', (panel) => /** @type {HTMLElement} */ (panel).hidden), true, 'no error is left');
  },
  'a wrong checksum is told': async (page) => {
    await choose(page, fixture('bad_checksum'));
    await settled(page, 'ready', 'bad_checksum.ncf');
    await checksum(page, 'mismatch');
  },
  'what is left of a python-1.1 file can be salvaged': async (page) => {
    await choose(page, fixture('v11_partial'));
    await settled(page, 'error', '');
    await page.waitForSelector('#error-panel[data-code="unsupported-feature"]');
    await page.click('#salvage-button');
    await settled(page, 'ready', 'v11_partial.ncf');
    await page.waitForSelector('#rows-table tr[data-row="0"]');
    const states = await page.$$eval('#schema-table tr[data-column]', (rows) => rows.map((row) => row.getAttribute('data-state')));
    equal(states, ['lost', 'ok', 'ok', 'ok', 'ok', 'ok'], 'states of the columns');
  },
  'a file that others would choke on: wide, odd names, no rows': async (page) => {
    await choose(page, fixture('v10_wide200'));
    await settled(page, 'ready', 'v10_wide200.ncf');
    equal((await shown(page)).columns, 200, 'columns');
    await choose(page, fixture('v10_zero_rows'));
    await settled(page, 'ready', 'v10_zero_rows.ncf');
    const { rows, first } = await shown(page);
    equal([rows, first], [0, []], 'no rows');
    await choose(page, fixture('v10_metadata_rich'));
    await shows(page, 'v10_metadata_rich');
  },
};

/** The page works on what was built; the other legs see what was packed. */
export async function demoLeg() {
  const server = await serve({ roots: { ...demoRoots, '/fixtures/': fixtures } });
  const browser = await launch();
  const count = { passed: 0, failed: 0 };
  try {
    for (const [name, body] of Object.entries(TESTS)) {
      const page = await browser.newPage();
      const complaints = watch(page, (url) => url.endsWith('/nowhere.ncf'));
      try {
        await page.goto(server.url);
        await page.waitForSelector('body[data-status="ready"]');
        await body(page, server.url);
        if (complaints.length > 0) throw new Error(complaints.join('\n'));
        count.passed += 1;
        console.log(`ok  demo: ${name}`);
      } catch (error) {
        count.failed += 1;
        console.log(`FAILED  demo: ${name}\n${error instanceof Error ? error.stack : error}`);
      }
      await page.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
  return count;
}
