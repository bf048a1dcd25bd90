import assert from 'node:assert/strict';
import { test } from 'node:test';

import { overBudget } from '../build/sizes.mjs';

const REPORT = { files: {}, loads: { reader: { files: [], raw: 300, gzip: 200, brotli: 100 } } };

test('what is over the budget is named', () => {
  assert.deepEqual(overBudget(REPORT, { reader: { gzip: 200 } }), []);
  assert.deepEqual(overBudget(REPORT, { reader: { gzip: 150, brotli: 100 } }), [
    'reader has 200 bytes (gzip), 50 over its budget of 150',
  ]);
  assert.equal(overBudget(REPORT, { writer: { gzip: 1 } }).length, 1);
});
