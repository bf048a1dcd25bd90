/** Entry point for browsers, and for whatever else has `fetch` and no file system. */

import { usePlatform } from './engine.js';

// Written out so that bundlers see both addresses and bring the files along.
usePlatform({
  spawn: (onMessage, onFailure) => {
    const worker = new Worker(new URL('./workers/browser.js', import.meta.url), { type: 'module', name: 'ncf' });
    worker.onmessage = ({ data }) => { onMessage(data); };
    worker.onerror = ({ message }) => { onFailure(new Error(message)); };
    worker.onmessageerror = () => { onFailure(new Error('a message could not be read')); };
    return {
      post: (message, transfer) => { worker.postMessage(message, transfer); },
      hold: () => undefined,
      terminate: () => { worker.terminate(); },
    };
  },
  processors: () => navigator.hardwareConcurrency,
  isBusy: 'document' in globalThis,
  // Each address in full, as bundlers look for it.
  load: (kind) => {
    switch (kind) {
      case 'reader':
        return new URL('./wasm/reader.wasm', import.meta.url);
      case 'legacy':
        return new URL('./wasm/legacy.wasm', import.meta.url);
      case 'full':
        return new URL('./wasm/full.wasm', import.meta.url);
      case 'neural':
        return new URL('./wasm/neural.wasm', import.meta.url);
      case 'thorough':
        return new URL('./wasm/thorough.wasm', import.meta.url);
    }
  },
});

export { open, openSync } from './file.js';
export * from './index.js';
