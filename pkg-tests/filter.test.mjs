/** Filters before they meet a file: which forms are understood and how, which are refused and where; and the binding. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { fixtures, root } from './support/paths.mjs';

/** A module that the package is bundled from. */
const internal = (name) => import(pathToFileURL(join(root, 'target', 'js', name)).href);
const wasm = join(process.env.NCF_CONSUMER ?? '', 'node_modules', 'ncf-wasm', 'dist', 'wasm', 'legacy.wasm');

const { compileFilter } = await internal('filter.js');
const { legacyEngine } = await internal('engine.js');

test('filters become conditions', () => {
  const date = new Date(Date.UTC(2024, 1, 29));
  const bytes = new Uint8Array([1]);
  for (const [filter, compiled] of [
    [{}, ['all']],
    [{ a: 1 }, ['=', 'a', 1]],
    [{ a: null }, ['=', 'a', null]],
    [{ a: date, '': bytes }, ['all', ['=', 'a', '2024-02-29T00:00:00.000Z'], ['=', '', bytes]]],
    [{ a: { $gt: -0, $lte: 5n } }, ['all', ['>', 'a', -0], ['<=', 'a', 5n]]],
    [{ a: { $lt: 'x', $gte: undefined } }, ['<', 'a', 'x']],
    [{ a: { $ne: NaN } }, ['not', ['=', 'a', NaN]]],
    [{ a: { $in: [1, null, 'x'] } }, ['in', 'a', 1, null, 'x']],
    [{ a: { $nin: [] } }, ['not', ['in', 'a']]],
    [{ a: { $null: true } }, ['=', 'a', null]],
    [{ a: { $null: false } }, ['not', ['=', 'a', null]]],
    [{ a: { $not: { $gt: 5, $lt: 9 } } }, ['not', ['all', ['>', 'a', 5], ['<', 'a', 9]]]],
    [{ a: { $not: true } }, ['not', ['=', 'a', true]]],
    [{ $and: [{ a: 1 }, { b: 2 }] }, ['all', ['=', 'a', 1], ['=', 'b', 2]]],
    [{ $or: [{ a: 1 }], $nor: [], $and: undefined }, ['all', ['=', 'a', 1], ['not', ['any']]]],
    [{ $not: { a: 1 } }, ['not', ['=', 'a', 1]]],
    [{ $columns: { $or: 1, b: { $gt: 2 } } }, ['all', ['=', '$or', 1], ['>', 'b', 2]]],
    [Object.assign(Object.create(null), { a: 1 }), ['=', 'a', 1]],
    [JSON.parse('{"__proto__": 1}'), ['=', '__proto__', 1]],
  ]) {
    assert.deepStrictEqual(compileFilter(filter), compiled);
  }
});

test('what is no filter is refused, and the message says where', () => {
  const cyclic = { $and: [] };
  cyclic.$and.push({ a: 1 }, cyclic);
  const cyclicCondition = {};
  cyclicCondition.$not = cyclicCondition;
  for (const [filter, where, what = ''] of [
    [null, 'filter: '],
    [undefined, 'filter: '],
    [[], 'filter: ', 'an array'],
    ['a = 1', 'filter: '],
    [() => true, 'filter: ', 'a function'],
    [new Map(), 'filter: ', 'Map'],
    [{ a: undefined }, 'filter.a: '],
    [{ a: {} }, 'filter.a: ', '$eq'],
    [{ a: [1, 2] }, 'filter.a: ', '$in'],
    [{ a: new Date(NaN) }, 'filter.a: '],
    [{ a: Symbol('s') }, 'filter.a: '],
    [{ a: new Float64Array(1) }, 'filter.a: ', 'Float64Array'],
    [{ a: 1n << 127n }, 'filter.a: ', '128'],
    [{ a: -(1n << 127n) - 1n }, 'filter.a: ', '128'],
    [{ a: 'x\ud800' }, 'filter.a: ', 'surrogate'],
    [{ 'x\udc00': 1 }, 'filter', 'surrogate'],
    [{ a: { gt: 1 } }, 'filter.a.gt: ', '$gte'],
    [{ a: { toString: 1 } }, 'filter.a.toString: '],
    [{ a: { $gt: null } }, 'filter.a.$gt: ', 'null'],
    [{ a: { $in: 5 } }, 'filter.a.$in: ', 'array'],
    [{ a: { $in: [1, [2]] } }, 'filter.a.$in[1]: '],
    [{ a: { $null: 1 } }, 'filter.a.$null: '],
    [{ $or: [{ a: 1 }, { price: { $between: [1, 2] } }] }, 'filter.$or[1].price.$between: '],
    [{ $or: { a: 1 } }, 'filter.$or: ', 'array'],
    [{ $nor: [5] }, 'filter.$nor[0]: '],
    [{ $not: [] }, 'filter.$not: '],
    [{ $price: 5 }, 'filter.$price: ', '$columns'],
    [{ $columns: { 'a b': { $x: 1 } } }, 'filter.$columns["a b"].$x: '],
    [cyclic, 'filter.$and[1]: ', 'itself'],
    [{ a: cyclicCondition }, 'filter.a.$not: ', 'itself'],
  ]) {
    assert.throws(
      () => compileFilter(filter),
      (error) => {
        assert.equal(error.code, 'invalid-argument', error.stack);
        assert.ok(error.message.startsWith(where) && error.message.includes(what) && error.message.length < 300, error.message);
        return true;
      },
    );
  }
});

test('filters have limits', () => {
  const nested = (depth) => (depth === 0 ? {} : { $nor: [nested(depth - 1), { a: 1 }] });
  compileFilter(nested(64));
  assert.throws(() => compileFilter(nested(65)), { code: 'invalid-argument' });
  // Not deep, but 2^40 filters when written out.
  let shared = { a: 1 };
  for (let level = 0; level < 40; level++) shared = { $or: [shared, shared] };
  assert.throws(() => compileFilter(shared), { code: 'limit-exceeded' });
  compileFilter({ a: { $in: new Array(900_000).fill(1) } });
  assert.throws(() => compileFilter({ a: { $in: new Array(1_000_001).fill(1) } }), { code: 'limit-exceeded' });
});

test('the binding selects rows', async () => {
  const engine = legacyEngine();
  await engine.load(readFileSync(wasm));
  const { Reader, Filter, RowGroup } = engine.instance;
  const bytes = new Uint8Array(readFileSync(join(fixtures, 'v10_seed_10k.ncf')));
  const reader = new Reader(bytes.length);
  reader.supply(0, bytes);
  assert.equal(reader.open(), undefined);
  const { schema, numRows } = reader.info();
  const column = schema.columns.findIndex(({ type }) => type === 'int64');
  const { name } = schema.columns[column];
  reader.locate(new Uint32Array([column]));
  const [start, end] = reader.chunk(column, 0);
  const select = (filter, rowStart, rowEnd, rowGroup = 0, stored = bytes.subarray(start, end)) => {
    const group = new RowGroup(rowGroup);
    group.supply(column, stored);
    return filter.select(reader, group, rowStart, rowEnd);
  };
  const all = new Filter(reader, compileFilter({}));
  assert.deepEqual([...all.columns()], []);
  assert.equal(all.prune(reader, 0), 2);
  assert.equal(new Filter(reader, compileFilter({ $or: [] })).prune(reader, 0), 0);
  assert.deepEqual([...select(all, 5, 8)], [5, 6, 7]);

  const of = (filter) => select(new Filter(reader, compileFilter({ [name]: filter })), 0, Infinity).length;
  const one = new Filter(reader, compileFilter({ [name]: { $lt: 1n << 63n } }));
  assert.deepEqual([...one.columns()], [column]);
  // The statistics of legacy files are not to be trusted.
  assert.equal(one.prune(reader, 0), 1);
  assert.equal(select(one, 0, Infinity).length, numRows);
  assert.deepEqual([...select(one, numRows - 2, numRows + 100)], [numRows - 2, numRows - 1]);
  assert.equal(of({ $gte: 100 }) + of({ $lt: 100 }), numRows);
  assert.equal(of({ $gt: -(1n << 127n) }), numRows);
  assert.equal(of({ $lt: NaN }), 0);
  assert.equal(of(null), 0);

  const refuses = (expression, code, where = {}) => assert.throws(() => new Filter(reader, expression), { code, ...where });
  refuses(['=', 'no such column', 1], 'unknown-column');
  for (const expression of [undefined, 5, [], ['xor'], ['='], ['=', name], ['=', name, {}], ['=', name, 1n << 127n], ['not', 5], ['in', name, undefined]]) {
    refuses(expression, 'invalid-argument');
  }
  let deep = ['all'];
  for (let level = 0; level < 100_000; level++) deep = ['not', deep];
  refuses(deep, 'limit-exceeded');
  assert.throws(() => select(new Filter(reader, ['=', name, 'text']), 0, 1), { code: 'type-mismatch', column: name });
  assert.throws(() => one.select(reader, new RowGroup(0), 0, 1), { code: 'invalid-argument' });
  assert.throws(() => select(one, 0, 1, 7), { code: 'invalid-argument' });
  assert.throws(() => select(one, 0, 1, 0, bytes.subarray(start + 1, end)), { code: 'truncated' });
  one.free();
  reader.free();
});
