/** Runs eslint; the arguments are passed on, e.g. `npm run lint -- --fix`. */

import { build } from './build.mjs';
import { inRoot } from './lib/paths.mjs';
import { main, run } from './lib/process.mjs';

/**
 * Lints the JavaScript and TypeScript of the repository.
 * @param {readonly string[]} [args]
 */
export async function lint(args = []) {
  await run(inRoot('node_modules', '.bin', 'eslint'), ['--max-warnings', '0', '.', ...args]);
}

if (import.meta.filename === process.argv[1]) {
  await main(async () => {
    // The rules that look at types need those of the built modules.
    await build();
    await lint(process.argv.slice(2));
  });
}
