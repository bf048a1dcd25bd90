/** Buffers that are used for one part of a table after the other. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { root } from './support/paths.mjs';

const { BufferPool, isMovable, sharedPool } = await import(pathToFileURL(join(root, 'target', 'js', 'memory.js')).href);

test('a buffer has room for what was asked for, and not much more', () => {
  const pool = new BufferPool();
  for (let size = 0; size < 2 ** 21; size += 1 + (size >> 3)) {
    const { byteLength } = pool.take(size);
    assert.ok(byteLength >= size && byteLength <= size * 1.125 + 64, `${byteLength} for ${size}`);
  }
});

test('what is taken back is given again, once, to whoever wants about as much', () => {
  const pool = new BufferPool();
  const first = [pool.take(1000), pool.take(1_000_000)];
  assert.notEqual(pool.take(1000), first[0]);
  pool.reclaim();
  const again = [pool.take(999), pool.take(1000), pool.take(1000), pool.take(999_990)];
  assert.equal(new Set(again).size, 4);
  assert.ok(again.includes(first[0]) && again.includes(first[1]));
});

test('what is lent comes back with its own answer, once', () => {
  const pool = sharedPool();
  const [first, second] = [pool.take(1000), pool.take(1000)];
  const release = pool.lend();
  const third = pool.take(1000);
  assert.equal(new Set([first, second, third]).size, 3);
  const others = pool.lend();
  release();
  release();
  const again = [pool.take(1000), pool.take(1000), pool.take(1000)];
  assert.deepEqual(new Set(again).size, 3);
  assert.ok(again.includes(first) && again.includes(second) && !again.includes(third));
  others();
  assert.equal(pool.take(1000), third);
});

test('what is shared is not moved, all else is', () => {
  assert.ok(!isMovable(sharedPool().take(10)));
  assert.ok(isMovable(new BufferPool().take(10)));
});

test('no more than a limit waits to be used again', () => {
  let made = 0;
  const pool = new BufferPool((byteLength) => {
    made += 1;
    return { byteLength };
  });
  const size = 2 ** 26;
  for (let count = 0; count < 6; count++) pool.take(size);
  pool.reclaim();
  for (let count = 0; count < 6; count++) pool.take(size);
  assert.equal(made, 8, 'four of them were kept');
  pool.reclaim();
  for (let count = 0; count < 4; count++) pool.take(size);
  assert.equal(made, 8);
});
