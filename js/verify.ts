/** Checking all bytes of a file against the digests that it states. */

import { cut, toRanges } from './bytes.js';
import type { Session, Steps } from './core.js';
import type { CallOptions } from './types.js';
import type { Verdict } from './wasm-types.js';

/** What was found, over how many bytes. */
export type Outcome = Verdict & { bytes: number };

/** Hashes the whole file; starts again where a trap took the hash. */
export function* verifying(session: Session, { onProgress }: CallOptions): Steps<Outcome> {
  for (;;) {
    const core = yield* session.prepareVerifier();
    const verifier = session.call(core, () => core.reader.verifier());
    let isOver = false;
    try {
      const total = session.call(core, () => verifier.size);
      let loaded = 0;
      while (session.isLive(core)) {
        const next = session.call(core, () => verifier.next());
        const range = next && toRanges(next)[0];
        if (!range) {
          isOver = true;
          return { ...session.call(core, () => verifier.finish() as Verdict), bytes: total };
        }
        yield { kind: 'plan', ranges: [range] };
        const [piece] = yield { kind: 'chunks', ranges: [range] };
        if (!piece || !session.isLive(core)) break;
        session.call(core, () => {
          verifier.push(cut(piece, range));
        });
        loaded += range.end - range.start;
        onProgress?.({ phase: 'verify', loaded, total });
      }
    } finally {
      if (!isOver && session.isLive(core)) verifier.free();
    }
  }
}
