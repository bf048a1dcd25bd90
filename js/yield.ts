/** Letting the event loop have its turn between pieces of work, without giving up much time. */

/** Work longer than this, in milliseconds, makes way. */
const TURN = 8;

let lastTurn = 0;

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

/** Makes way if the last turn was long ago, then sees whether the call was aborted meanwhile. */
export async function makeWay(signal?: AbortSignal): Promise<void> {
  if (performance.now() - lastTurn > TURN) {
    await nextTask();
    lastTurn = performance.now();
  }
  signal?.throwIfAborted();
}
