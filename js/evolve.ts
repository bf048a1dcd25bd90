/** Changing the columns of a file of version 2: bytes of the columns that stay are moved, their values are not touched. */

import { columnBuffers, fieldSetup, type ColumnInput } from './columns.js';
import { fullReader, prepare, writerSetup, type EncodingOptions, type WritingInstance } from './encoder.js';
import { load } from './engine.js';
import { invalid, NcfError } from './errors.js';
import { Origin, originSource, type NcfOrigin, type OriginOptions } from './origin.js';
import { openSink, type NcfSink } from './sink.js';
import type { EditSetup, Evolution } from './wasm-types.js';
import type { WriteResult } from './writer.js';

/**
 * One change: leaves a column out, gives it another name, or adds one behind the last, with as many rows as the file
 * has. Edits are made in their order: what was dropped or renamed before is no longer there.
 */
export type Edit = { readonly drop: string } | { readonly rename: string; readonly to: string } | { readonly add: ColumnInput };

/** Options of `evolve`; those of encoding are for added columns. */
export interface EvolveOptions extends OriginOptions, Pick<EncodingOptions, 'compression' | 'level' | 'bounds' | 'modified' | 'workers'> {
  /** Where the new file goes; default memory. In Node the path of the old file will do. */
  sink?: NcfSink | undefined;
}

type Evolver = InstanceType<WritingInstance['Evolver']>;

/** What `Evolver.attempt` answers. */
type Attempt = Evolution & { needs?: Float64Array; isSuspended?: true };

function editSetup(edit: Edit, index: number): EditSetup {
  if (typeof edit === 'object' && edit !== null) {
    if ('drop' in edit && typeof edit.drop === 'string') return { drop: edit.drop };
    if ('rename' in edit && typeof edit.rename === 'string' && typeof edit.to === 'string') return { rename: edit.rename, to: edit.to };
    if ('add' in edit && typeof edit.add?.name === 'string') {
      const data = columnBuffers(edit.add);
      return { field: fieldSetup(edit.add, data, undefined), data };
    }
  }
  throw invalid('edits', `number ${index} is none of { drop }, { rename, to }, { add: { name, data } }`);
}

/** `evolve` of rewrite.ts. */
export async function evolve(origin: NcfOrigin, edits: readonly Edit[], options: EvolveOptions = {}): Promise<WriteResult> {
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  const setup = writerSetup(options);
  if (!Array.isArray(edits)) throw invalid('edits', 'is no list');
  const changes = edits.map(editSetup);
  const added = changes.flatMap((change) => ('field' in change ? change.field : []));
  const file = await Origin.open(await originSource(origin, options), options);
  let evolver: Evolver | undefined;
  try {
    const { info } = file;
    // What was predicted from dropped columns is encoded anew.
    const isDropping = changes.some((change) => 'drop' in change);
    const tasks = isDropping || added.length > 0 ? await prepare(options, isDropping ? [...info.schema.columns, ...added] : added) : undefined;
    const attempt = (): Promise<Attempt> => file.answer<Attempt>((core) => {
      const made = (evolver ??= new (core.instance as WritingInstance).Evolver(changes, setup));
      const step = (): Attempt => made.attempt(fullReader(core)) as Attempt;
      return tasks ? tasks.attempt(step) : step();
    }, options);
    const planned = async (): Promise<Evolution> => {
      let plan = await attempt();
      while (plan.isSuspended) {
        await tasks?.run(signal, (_part, column) => { onProgress?.({ phase: 'encode', loaded: 0, total: 0, column }); });
        plan = await attempt();
      }
      return plan;
    };
    const plan = await planned().catch(async (error: unknown) => {
      // Chunks that are encoded anew may turn out to be neural.
      if (!(error instanceof NcfError) || error.code !== 'wasm-init') throw error;
      await load('neural');
      return planned();
    });
    const copied = plan.copy.reduce((sum, offset, index) => (index % 2 === 0 ? sum - offset : sum + offset), 0);
    const byteLength = plan.header.byteLength + copied + plan.tail.byteLength;
    const sink = await openSink(options.sink ?? 'bytes');
    try {
      await sink.write(plan.header);
      for (let index = 0; index < plan.copy.length; index += 2) {
        await file.copy(plan.copy[index] ?? 0, plan.copy[index + 1] ?? 0, sink, signal);
        onProgress?.({ phase: 'encode', loaded: sink.byteLength, total: byteLength });
      }
      await sink.write(plan.tail);
      signal?.throwIfAborted();
      await sink.close();
    } catch (error) {
      await sink.abort(error);
      throw error;
    }
    const bytes = sink.bytes();
    return { byteLength, numRows: info.numRows, digest: plan.digest, ...(bytes && { bytes }) };
  } finally {
    file.free(evolver);
    await file.close();
  }
}
