/** Comparisons for browsers, as strict as node:assert/strict: NaN equals NaN, -0 is not 0, prototypes and keys count. */

class AssertionError extends Error {
  name = 'AssertionError';
}

/** @param {unknown} value */
function show(value) {
  const json = JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item));
  return json === undefined || json === '{}' ? String(value) : json.slice(0, 500);
}

/**
 * Where two values differ; undefined if nowhere.
 * @param {any} a
 * @param {any} b
 * @param {string} path
 * @returns {string | undefined}
 */
function difference(a, b, path) {
  if (Object.is(a, b)) return undefined;
  const differ = `${path || 'value'}: ${show(a)} is not ${show(b)}`;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return differ;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${differ} (prototypes)`;
  if (a instanceof Date) return Object.is(a.getTime(), b.getTime()) ? undefined : differ;
  if (a instanceof Map) return difference([...a], [...b], path);
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length || (Array.isArray(a) && a.length !== b.length)) return differ;
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return `${path}.${key} is missing`;
    const found = difference(a[key], b[key], `${path}.${key}`);
    if (found) return found;
  }
  return undefined;
}

/** Comparisons. */
export const assert = {
  /** @type {(value: unknown, message?: string) => void} */
  ok(value, message = `${show(value)} is not true`) {
    if (!value) throw new AssertionError(message);
  },
  /** @type {(actual: unknown, expected: unknown, message?: string) => void} */
  equal(actual, expected, message = '') {
    if (!Object.is(actual, expected)) throw new AssertionError(`${message} ${show(actual)} is not ${show(expected)}`.trim());
  },
  /** @type {(actual: unknown, expected: unknown, message?: string) => void} */
  deepEqual(actual, expected, message = '') {
    const found = difference(actual, expected, '');
    if (found) throw new AssertionError(`${message} ${found}`.trim());
  },
  /** @type {(message: string) => never} */
  fail(message) {
    throw new AssertionError(message);
  },
};
