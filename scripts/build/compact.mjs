/** Modules as a page should load them. */

/** About how long lines are, so that a place in one tells something. */
const LINE = 160;

/**
 * A module without comments, which belong into the declarations, and without the space between words. Names stay, as
 * people see them in stacks and consoles.
 * @param {string} code
 * @returns {Promise<string>}
 */
export async function compact(code) {
  // It may have been installed by the program that runs.
  const { transform } = await import('esbuild');
  const { code: short } = await transform(code, { format: 'esm', target: 'es2022', minifyWhitespace: true, minifySyntax: true, lineLimit: LINE });
  return short;
}
