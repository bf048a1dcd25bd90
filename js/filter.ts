/** Conditions on rows. */

/** A condition, as callers write it. */
export type Filter = Readonly<Record<string, unknown>>;

/** A condition, as the core takes it. */
export type CompiledFilter = unknown;

/** Checks a condition. */
export function compileFilter(filter: Filter): CompiledFilter {
  return filter;
}
