/** Where things are. */

import { join, resolve } from 'node:path';

/** The folder of these tests. */
export const tests = resolve(import.meta.dirname, '..');

/** The root of the repository. */
export const root = resolve(tests, '..');

/** The fixtures that the Rust tests read, too. */
export const fixtures = join(root, 'tests', 'fixtures');

/** What the runs leave behind; ignored by git. */
export const work = join(root, 'target', 'pkg-tests');

/**
 * A path inside the folder of these tests.
 * @param {...string} parts
 */
export const inTests = (...parts) => join(tests, ...parts);
