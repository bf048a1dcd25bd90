/** Making a file of another one. What does it is loaded by the first call, since pages that only read need none of it. */

import type { ConvertOptions } from './convert.js';
import type { Edit, EvolveOptions } from './evolve.js';
import type { NcfOrigin } from './origin.js';
import type { WriteResult } from './writer.js';

/**
 * Rewrites a file: schema, hints, groups, metadata and unknown keys are kept. A file of version 2 is read and written in
 * batches, with the memory of some row groups; legacy files are made of whole columns, and are made in memory. What the
 * dialect cannot hold is an error before anything is written to the sink.
 * @throws {NcfError} `type-mismatch`, `unsupported-feature`, `invalid-argument`; those of `open`; `sink`
 */
export async function convert(origin: NcfOrigin, options: ConvertOptions = {}): Promise<WriteResult> {
  return (await import('./convert.js')).convert(origin, options);
}

/**
 * Makes a file with other columns of a file of version 2. Costs reading and writing its bytes, and encoding what is
 * added; chunks keep their digests.
 * @throws {NcfError} `unsupported-feature` for a legacy file, which `convert` makes version 2 of; `unknown-column`,
 * `type-mismatch`, `invalid-argument` for a name that is there already or another number of rows; those of `open`; `sink`
 */
export async function evolve(origin: NcfOrigin, edits: readonly Edit[], options: EvolveOptions = {}): Promise<WriteResult> {
  return (await import('./evolve.js')).evolve(origin, edits, options);
}
