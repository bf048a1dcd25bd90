/** Where things are: the one place that knows the layout of the repository. */

import { join, resolve } from 'node:path';

/** The root of the repository. */
export const root = resolve(import.meta.dirname, '..', '..');

/** Everything that set-up installs for this project; ignored by git. */
export const toolchain = join(root, '.toolchain');

/** What the build makes and the package ships; ignored by git. */
export const dist = join(root, 'dist');

/** Cargo's output and the build's intermediate files; ignored by git. */
export const target = join(root, 'target');

/** The modules that dist/ is bundled from: those of js/ and the glue of the wasm, compiled. */
export const modules = join(target, 'js');

/**
 * A path inside the repository.
 * @param {...string} parts
 */
export function inRoot(...parts) {
  return join(root, ...parts);
}
