/** The state of the page, in one place. */

/**
 * @template {object} T
 * @param {T} initial
 */
export function createStore(initial) {
  let state = { ...initial };
  /** @type {{ keys: (keyof T)[], show: (state: T) => void }[]} */
  const watchers = [];
  return {
    /** The present state; change it with `set` only. */
    get state() {
      return state;
    },
    /**
     * Changes some keys, and shows again what depends on them.
     * @param {Partial<T>} patch
     */
    set(patch) {
      const before = state;
      state = { ...state, ...patch };
      for (const { keys, show } of watchers) {
        if (keys.some((key) => before[key] !== state[key])) show(state);
      }
    },
    /**
     * Calls `show` whenever one of the keys got another value.
     * @param {(keyof T)[]} keys
     * @param {(state: T) => void} show
     */
    watch(keys, show) {
      watchers.push({ keys, show });
    },
  };
}
