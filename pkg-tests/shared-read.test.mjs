/** How a read is shared out among workers: every chunk once, by the way that is done first; and how parts become columns. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { root } from './support/paths.mjs';

/** A module that the package is bundled from. */
const internal = (name) => import(pathToFileURL(join(root, 'target', 'js', 'workers', name)).href);

const { shareOut } = await internal('share-out.js');
const { JoinedColumn } = await internal('join.js');

const cost = (column, own, parents = []) => ({ column, own, asParent: own, joining: own / 4, parents });

/** How often each chunk is decoded for itself; those of open row groups by whoever takes them, once. */
function timesDecoded({ shares, open }, numRowGroups) {
  const times = new Map();
  const add = (columns, start, end) => {
    for (const column of columns) for (let group = start; group < end; group++) times.set(`${column}/${group}`, (times.get(`${column}/${group}`) ?? 0) + 1);
  };
  shares.forEach(({ columns, start, end }) => { add(columns, start, end); });
  if (open) add(open.columns, 0, numRowGroups);
  return times;
}

const families = {
  'columns of their own': [cost(0, 100), cost(1, 100), cost(2, 90), cost(3, 110)],
  'one family': [cost(0, 100), cost(1, 100, [0]), cost(2, 90, [0, 1]), cost(3, 110, [0])],
  'two families': [cost(0, 100), cost(1, 100, [0]), cost(2, 30), cost(3, 40, [2])],
  'a large family and others': [cost(0, 300), cost(1, 300, [0]), cost(2, 300, [0, 1]), cost(3, 40), cost(4, 50)],
  'one that others need and nobody wants': [cost(0, 100), cost(1, 100, [9]), cost(2, 90, [9]), cost(9, 10)],
};

for (const [name, costs] of Object.entries(families)) {
  test(`${name}: every chunk is decoded once`, () => {
    const wanted = new Set(costs.map(({ column }) => column).filter((column) => column !== 9));
    for (const rows of [[1000], [1000, 500], [1000, 1000, 504], [3, 1000], Array.from({ length: 23 }, () => 1024)]) {
      for (const [workers, isCallerIn] of [[1, false], [1, true], [2, true], [3, false], [9, true]]) {
        const division = shareOut({ costs, wanted, rows, workers, isCallerIn });
        assert.ok(division.workers <= workers);
        const times = timesDecoded(division, rows.length);
        assert.deepEqual([times.size, new Set(times.values())], [wanted.size * rows.length, new Set([1])], JSON.stringify(division));
        for (const { worker, columns, start, end } of division.shares) {
          assert.ok((worker === undefined ? isCallerIn : worker < division.workers) && columns.length > 0 && start < end);
        }
        // Arrays of the calling thread begin with the first row group.
        if (division.open) assert.ok(division.open.reserved < rows.length && division.open.reserved >= Number(isCallerIn));
        assert.ok(division.open === undefined || isCallerIn === division.open.reserved > 0);
      }
    }
  });
}

test('families stay together, and the largest is shared out by row groups', () => {
  const rows = Array.from({ length: 20 }, () => 1024);
  const all = (costs) => new Set(costs.map(({ column }) => column));
  const divide = (name) => shareOut({ costs: families[name], wanted: all(families[name]), rows, workers: 1, isCallerIn: true });
  assert.equal(divide('columns of their own').open, undefined);
  assert.deepEqual(divide('one family').open?.columns, [0, 1, 2, 3]);
  const { shares, open } = divide('a large family and others');
  assert.deepEqual([open?.columns, shares.flatMap(({ columns }) => columns).sort()], [[0, 1, 2], [3, 4]]);
});

test('columns that are only decoded for others cost less, and what was given to one hand can go to another', () => {
  const wanted = new Set([0, 1, 2, 3, 4]);
  const rows = [1024, 1024];
  const costs = [
    { column: 0, own: 70, asParent: 40, joining: 900, parents: [] }, { column: 1, own: 88, asParent: 50, joining: 900, parents: [] }, { column: 2, own: 90, asParent: 80, joining: 900, parents: [3, 4] },
    { column: 3, own: 120, asParent: 60, joining: 900, parents: [] }, { column: 4, own: 120, asParent: 60, joining: 900, parents: [] },
  ];
  const divide = (own) => shareOut({ costs: own, wanted, rows, workers: 1, isCallerIn: true });
  // 2 and 3 with 4 as a parent, or 2 and 4: 90 + 120 + 60; and 70 + 88 + 120.
  assert.equal(divide(costs).time, 278);
  assert.ok(divide(costs.map((cost) => ({ ...cost, asParent: cost.own }))).time > 300);
  // Largest first, each to whoever is done first, is 5 + 3 + 3 + ... = 11 against 10, whichever way two of three move.
  const plain = [6, 5, 4, 3, 3, 3].map((own, column) => ({ column, own, asParent: own, joining: 900, parents: [] }));
  assert.equal(shareOut({ costs: plain, wanted: new Set(plain.keys()), rows, workers: 1, isCallerIn: true }).time, 12);
});

/** A part of a column of text. */
function text(words, base = 0) {
  const offsets = [base];
  for (const word of words) offsets.push(offsets.at(-1) + word.length);
  const part = { type: 'string', length: words.length, nullCount: 0, warnings: [], offsets: Int32Array.from(offsets), values: new TextEncoder().encode(words.join('')) };
  return base ? { ...part, base } : part;
}

const int = (values) => ({ type: 'int32', length: values.length, nullCount: 0, warnings: [], values: Int32Array.from(values) });

test('parts in any order become one column, with arrays of the first part or without', () => {
  const words = Array.from({ length: 32 }, (_, row) => 'ab'.repeat(1 + (row % 3)));
  const numbers = words.map((_, row) => row * row);
  for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]]) {
    for (const isPrepared of [false, true]) {
      for (const isEarly of [false, true]) {
        for (const isStale of [false, true]) {
          const joined = [new JoinedColumn(32, isPrepared), new JoinedColumn(32, isPrepared)];
          const room = { values: new Int32Array(32), offsets: new Int32Array(33) };
          const prepare = () => {
            joined[0].prepare({ values: room.values });
            joined[1].prepare({ offsets: room.offsets });
          };
          for (const [position, part] of order.entries()) {
            const [start, end] = [8 * part, 8 * part + 8];
            const parts = [int(numbers.slice(start, end)), text(words.slice(start, end), start > 8 ? 5 : 0)];
            if (isPrepared && part === 0) {
              // What was lost meanwhile was decoded anew, into other arrays.
              const { values, offsets } = isStale ? { values: new Int32Array(32), offsets: new Int32Array(33) } : room;
              values.set(parts[0].values);
              offsets.set(parts[1].offsets);
              Object.assign(parts[0], { values });
              Object.assign(parts[1], { offsets });
            }
            if (isPrepared && isEarly && position === 1) prepare();
            joined.forEach((column, index) => { column.add(start, parts[index]); });
          }
          const [column, texts] = joined.map((each) => each.take('name'));
          const message = JSON.stringify({ order, isPrepared, isEarly, isStale });
          assert.deepEqual([...column.values], numbers, message);
          assert.deepEqual([...texts.offsets], [...text(words).offsets], message);
          assert.equal(new TextDecoder().decode(texts.values), words.join(''), message);
          assert.equal(texts.base, undefined);
        }
      }
    }
  }
});

test('an array of the first part that has room for all text is filled', () => {
  const room = new Uint8Array(6);
  room.set([97, 97, 98]);
  const first = { ...text(['aa', 'b']), values: room.subarray(0, 3) };
  const joined = new JoinedColumn(16, false);
  joined.add(0, { ...first, length: 8, offsets: Int32Array.of(0, 2, 3, 3, 3, 3, 3, 3, 3) });
  joined.add(8, { ...text(['ccc']), length: 8, offsets: Int32Array.of(0, 3, 3, 3, 3, 3, 3, 3, 3) });
  const { values } = joined.take('name');
  assert.equal(values.buffer, room.buffer);
  assert.equal(new TextDecoder().decode(values), 'aabccc');
});
