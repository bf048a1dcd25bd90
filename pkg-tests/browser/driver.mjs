/** Runs the API tests in Chromium: each file in a page of its own, under a strict Content-Security-Policy. */

import { mkdtempSync } from 'node:fs';
import { join, relative } from 'node:path';

import puppeteer from 'puppeteer-core';

import { fixtures, tests, work } from '../support/paths.mjs';
import { startServer } from '../support/server.mjs';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const NONCE = 'ncf';
/** Nothing takes this long; a page that hangs must not keep us for ever. */
const GIVE_UP = 300_000;

/** A Chromium with a profile of its own. */
export function launch() {
  return puppeteer.launch({
    executablePath: process.env.NCF_CHROMIUM ?? '/usr/bin/chromium',
    args: ARGUMENTS,
    headless: true,
    userDataDir: mkdtempSync(join(work, 'chromium-')),
  });
}

/**
 * Collects what must not happen in a page.
 * @param {import('puppeteer-core').Page} page
 * @param {(url: string, text: string) => boolean} mayFail which addresses may be complained about
 */
export function watch(page, mayFail) {
  /** @type {string[]} */
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`page error: ${error instanceof Error ? error.stack : String(error)}`));
  page.on('console', (message) => {
    const url = message.location().url ?? '';
    if (message.type() === 'error' && !mayFail(url, message.text())) complaints.push(`console error: ${message.text()} (${url})`);
  });
  return complaints;
}

/** A page that may not compile WebAssembly: browsers apply this policy on top of the other. */
const NO_WASM = `<meta http-equiv="Content-Security-Policy" content="script-src 'self' 'nonce-${NONCE}'">`;

/**
 * The page: an import map is all that a browser needs to find the package.
 * @param {import('../support/install.mjs').Installed} installed
 * @param {string} [more] for its head
 */
function harnessPage({ manifest }, more = '') {
  const entry = `/package/${manifest.exports['.'].browser.default}`;
  const imports = { 'ncf-wasm': entry, '#harness': '/pkg-tests/harness/browser.mjs' };
  return `<!doctype html><meta charset="utf-8"><title>ncf-wasm</title><link rel="icon" href="data:,">${more}
<script type="importmap" nonce="${NONCE}">${JSON.stringify({ imports })}</script>
<body><script type="module" src="/pkg-tests/browser/page.mjs"></script>`;
}

/**
 * @param {string[]} files
 * @param {import('../support/install.mjs').Installed} installed
 */
export async function chromiumLeg(files, installed) {
  const server = await startServer({
    roots: { '/package/': installed.folder, '/pkg-tests/': tests, '/fixtures/': fixtures },
    pages: { '/': () => harnessPage(installed), '/no-wasm': () => harnessPage(installed, NO_WASM) },
    headers: { 'Content-Security-Policy': `default-src 'none'; script-src 'self' 'nonce-${NONCE}' 'wasm-unsafe-eval'; connect-src 'self' http://localhost:*; img-src data:` },
  });
  const browser = await launch();
  const count = { passed: 0, failed: 0 };
  const fail = (/** @type {string} */ name, /** @type {string} */ why) => {
    count.failed += 1;
    console.log(`FAILED  ${name}\n${why}`);
  };
  try {
    console.log(await browser.version());
    const runs = [...files.map((path) => ['/', relative(tests, path)]), ['/no-wasm', 'browser/no-wasm.test.mjs']];
    for (const [path, file] of runs) {
      const page = await browser.newPage();
      const complaints = watch(page, (url, text) => url.includes('/http/') || (path === '/no-wasm' && text.includes('wasm-unsafe-eval')));
      await page.exposeFunction('ncfTestEvent', (/** @type {{ name: string, error?: string }} */ { name, error }) => {
        if (error) return fail(`${file}: ${name}`, error);
        count.passed += 1;
        console.log(`ok  ${file}: ${name}`);
      });
      await page.goto(`${server.url}${path}?file=${encodeURIComponent(file)}`);
      await page.waitForSelector('body[data-status]', { timeout: GIVE_UP }).catch((error) => complaints.push(String(error)));
      const status = await page.$eval('body', (body) => body.dataset.status);
      if (status !== 'done') complaints.push(`the page ended as ${status}`);
      if (complaints.length > 0) fail(file, complaints.join('\n'));
      await page.close();
    }
  } finally {
    await browser.close();
    server.close();
  }
  return count;
}
