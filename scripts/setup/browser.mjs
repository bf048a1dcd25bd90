/** A Chromium or Chrome for the browser tests. */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { aptInstall, whyNoApt } from './apt.mjs';
import { once } from './once.mjs';

const NAMES = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser', 'chrome'];
const PLACES = [
  '/usr/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * Finds a browser, or installs Debian's Chromium. CHROME_PATH names one explicitly.
 * @returns {Promise<string>} path of the program
 */
export async function ensureBrowser() {
  const chosen = process.env.CHROME_PATH;
  if (chosen && !existsSync(chosen)) throw new Error(`CHROME_PATH names ${chosen}, which does not exist`);
  return once(
    () => chosen || findBrowser(),
    async () => {
      const reason = await whyNoApt();
      if (reason !== undefined) {
        throw new Error(`no Chromium or Chrome found, and ${reason}: install one, or name it in CHROME_PATH`);
      }
      await aptInstall(['chromium']);
      const found = findBrowser();
      if (found === undefined) throw new Error('apt-get installed chromium, but its program is not on PATH');
      return found;
    },
  );
}

function findBrowser() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return [...PLACES, ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))].find((path) => existsSync(path));
}
