/** Letting the event loop have its turn between pieces of work, without giving up much time; waiting. */

/** Work longer than this, in milliseconds, makes way. */
const TURN = 4;

/** When this thread last had a turn of the event loop. */
let lastTurn = 0;
/** The next one, once it was asked for, and when that was. */
let turn: Promise<void> | undefined;
let asked = 0;

/** A task of its own: timers and messages that wait come first. Unlike a timeout it is not slowed down by browsers. */
function nextTask(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/**
 * Makes way if the last turn was long ago, then sees whether the call was aborted meanwhile. A call that comes after a
 * while of nothing does not wait for a turn at once: it asks for one, and waits only if it still works when that is due.
 */
export async function makeWay(signal?: AbortSignal): Promise<void> {
  // A finer clock would have to be loaded in Node. Where this one is set, a turn is due at once.
  const now = Date.now();
  if (turn) {
    if (Math.abs(now - asked) > TURN) await turn;
  } else if (Math.abs(now - lastTurn) > TURN) {
    asked = now;
    turn = nextTask().then(() => {
      lastTurn = Date.now();
      turn = undefined;
    });
  }
  signal?.throwIfAborted();
}

/** Milliseconds after which what nobody uses is let go of. */
const MAX_IDLE = 20_000;

/** Calls after that time, unless the timeout is cleared before; a process does not live on for it. */
export function afterIdle(body: () => void): ReturnType<typeof setTimeout> {
  const timeout = setTimeout(body, MAX_IDLE);
  (timeout as { unref?: () => void }).unref?.();
  return timeout;
}

/** Waits for something that others do, or until the call is aborted. */
export async function orAborted(done: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  let abort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    abort = resolve;
    signal?.addEventListener('abort', abort);
  });
  try {
    await Promise.race([done, aborted]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  signal?.throwIfAborted();
}
