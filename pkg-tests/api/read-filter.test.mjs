/** Filters: the rows are those that a loop over all rows finds, and what need not be fetched is not fetched. */

import { assert, ncf, test } from '#harness';

import { counting, everyType, fails, random, rowsOf, total } from './util.mjs';

const { open, write } = ncf;

const ROWS = 1500;
const GROUP = 200;
const columns = [...everyType(ROWS, 7), { name: 'step', type: 'int32', data: Array.from({ length: ROWS }, (_, row) => Math.floor(row / GROUP)) }];
const rows = rowsOf(columns);
const bytes = await write(columns, { rowGroupRows: GROUP });

/** Compares two cells of one type as the documentation says; undefined where there is no order. */
function compare(type, a, b) {
  if (type === 'decimal') [a, b] = [a, b].map((text) => BigInt(text.replace('.', '')));
  if (type === 'binary') [a, b] = [a, b].map((part) => Array.from(part, (byte) => String.fromCharCode(byte)).join(''));
  if (type === 'string') [a, b] = [a, b].map((text) => Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
  if (Number.isNaN(a) && Number.isNaN(b)) return 0;
  if (Number.isNaN(a) || Number.isNaN(b)) return undefined;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What each operator means, without nulls. */
const ORDERED = { $gt: (order) => order > 0, $gte: (order) => order >= 0, $lt: (order) => order < 0, $lte: (order) => order <= 0 };

function holds(type, operator, cell, operand) {
  switch (operator) {
    case '$eq':
      return operand === null || cell === null ? operand === cell : compare(type, cell, operand) === 0;
    case '$ne':
      return !holds(type, '$eq', cell, operand);
    case '$in':
      return operand.some((one) => holds(type, '$eq', cell, one));
    case '$nin':
      return !holds(type, '$in', cell, operand);
    case '$null':
      return (cell === null) === operand;
    case '$not':
      return !Object.entries(operand).every(([inner, value]) => holds(type, inner, cell, value));
    default:
      if (cell === null) return false;
      // Between NaN and anything there is no order, not even between NaN and itself.
      if (Number.isNaN(cell) || Number.isNaN(operand)) return false;
      return ORDERED[operator](compare(type, cell, operand));
  }
}

/** Positions of the rows that the loop finds. */
const found = (filter) => rows.flatMap((row, index) => (matches(filter, row) ? [index] : []));

function matches(filter, row) {
  return Object.entries(filter).every(([key, value]) => {
    if (key === '$and') return value.every((inner) => matches(inner, row));
    if (key === '$or') return value.some((inner) => matches(inner, row));
    if (key === '$nor') return !value.some((inner) => matches(inner, row));
    if (key === '$not') return !matches(value, row);
    const { type } = columns.find(({ name }) => name === key);
    return Object.entries(value).every(([operator, operand]) => holds(type, operator, row[key], operand));
  });
}

async function ids(file, filter, options = {}) {
  const table = await file.read({ columns: ['id'], filter, ...options });
  return table.column('id').toArray();
}

for (const { name } of columns) {
  test(`every operator on ${name} finds what a loop finds`, async () => {
    const file = await open(bytes);
    const next = random(name.length);
    const values = columns.find((column) => column.name === name).data.filter((value) => value !== null);
    for (let count = 0; count < 6; count++) {
      const [a, b, c] = [0, 1, 2].map(() => values[next() % values.length]);
      const filters = [
        ...['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'].map((operator) => ({ [operator]: a })),
        { $in: [a, b, c] }, { $in: [a, null] }, { $in: [] }, { $nin: [a, b] }, { $nin: [null] }, { $nin: [] },
        { $null: true }, { $null: false }, { $eq: null }, { $ne: null }, { $not: { $gt: a } }, { $gte: a, $lte: b }, { $gt: a, $ne: b },
      ].map((condition) => ({ [name]: condition }));
      for (const filter of filters) assert.deepEqual(await ids(file, filter), found(filter), JSON.stringify(filter, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)));
    }
  });
}

/** Filters on several columns. */
const COMBINED = [
  {},
  { step: { $eq: 3 }, boolean: { $eq: true } },
  { $or: [{ id: { $lt: 10 } }, { string: { $eq: '🚀' } }] },
  { $and: [{ id: { $gte: 250 } }, { id: { $lt: 750 } }, { float64: { $ne: null } }] },
  { $nor: [{ id: { $lt: 700 } }, { id: { $gt: 800 } }] },
  { $not: { $or: [{ boolean: { $eq: null } }, { boolean: { $eq: true } }] } },
  { step: { $in: [0, 6] }, date: { $gt: '2000-01-01' } },
  { id: { $gt: 10_000 } },
  { $or: [] },
];

/** Ranges and limits that a filter goes with. */
const WITHIN = [{}, { rowStart: 333 }, { rowStart: 100, rowEnd: 1101 }, { limit: 0 }, { limit: 1 }, { limit: 77 }, { rowStart: 199, limit: 250 }, { rowEnd: 600, limit: 10_000 }];

test('filters on several columns, with ranges and limits, in read, readSync, batches and rows', async () => {
  for (const source of [bytes, new Blob([bytes])]) {
    const file = await open(source, { tailBytes: 100 });
    for (const filter of COMBINED) {
      for (const within of WITHIN) {
        const { rowStart = 0, rowEnd = Infinity, limit = Infinity } = within;
        const positions = found(filter).filter((row) => row >= rowStart && row < rowEnd).slice(0, limit);
        const expected = positions.map((row) => rows[row]);
        const options = { filter, ...within };
        const table = await file.read(options);
        const where = JSON.stringify(options);
        assert.deepEqual(table.toArray(), expected, where);
        assert.deepEqual([table.numRows, table.rowStart], [expected.length, positions[0] ?? rowStart], where);
        assert.equal((await file.read({ ...options, columns: [] })).numRows, expected.length, where);
        for (const batchSize of [undefined, 60, 5000]) {
          const batches = [];
          for await (const batch of file.batches({ ...options, batchSize })) batches.push(batch);
          assert.deepEqual(batches.flatMap((batch) => batch.toArray()), expected, where);
          let at = 0;
          for (const batch of batches) {
            assert.equal(batch.rowStart, positions[at], where);
            at += batch.numRows;
          }
        }
        if (source === bytes) assert.deepEqual(file.readSync(options).toArray(), expected, where);
      }
    }
    const first = [];
    for await (const row of file.rows({ filter: { step: 2 }, columns: ['id'], limit: 3 })) first.push(row.id);
    assert.deepEqual(first, [400, 401, 402]);
  }
});

/** A file behind a source that counts, with its directory known. */
async function counted(options = {}) {
  const source = counting(bytes);
  const file = await open(source, { tailBytes: 100, coalesceBytes: 0, ...options });
  await file.layout();
  source.reads.length = 0;
  const { chunks } = await file.layout();
  const at = new Map(chunks.map(({ column, rowGroup, start }) => [start, `${column} ${rowGroup}`]));
  return { file, source, read: () => source.reads.map(({ start }) => at.get(start)) };
}

test('row groups that statistics exclude are not fetched', async () => {
  const { file, read, source } = await counted();
  assert.deepEqual(await ids(file, { id: { $gte: 410, $lt: 420 } }), [410, 411, 412, 413, 414, 415, 416, 417, 418, 419]);
  assert.deepEqual(read(), ['id 2'], 'what is both tested and wanted is fetched once');
  source.reads.length = 0;
  assert.equal((await file.read({ filter: { id: { $gt: 10_000 } } })).numRows, 0);
  assert.deepEqual(read(), []);
});

test('where statistics say that all rows match, nothing is tested', async () => {
  const { file, read } = await counted();
  assert.equal((await file.read({ columns: ['string'], filter: { step: 4 } })).numRows, GROUP);
  assert.deepEqual(read(), ['string 4']);
});

test('other columns are fetched only where rows were found', async () => {
  const { file, read } = await counted();
  const wanted = rows.find(({ float64, id }) => id > 500 && isPlain(float64));
  const table = await file.read({ columns: ['string', 'id'], filter: { float64: wanted.float64, id: { $gte: 400 } } });
  const positions = found({ float64: { $eq: wanted.float64 }, id: { $gte: 400 } });
  assert.deepEqual(table.column('id').toArray(), positions);
  const groups = new Set(positions.map((row) => Math.floor(row / GROUP)));
  const strings = read().filter((name) => name.startsWith('string'));
  assert.deepEqual(new Set(strings), new Set([...groups].map((group) => `string ${group}`)));
  assert.equal(new Set(read()).size, read().length, 'no chunk twice');
});

const isPlain = (value) => typeof value === 'number' && Number.isFinite(value) && value !== 0;

test('a limit looks at no more row groups than it may need', async () => {
  const { file, read, source } = await counted();
  await file.read({ columns: ['id'], filter: { boolean: true }, limit: 5 });
  assert.deepEqual(read().sort(), ['boolean 0', 'id 0']);
  source.reads.length = 0;
  let count = 0;
  for await (const batch of file.batches({ columns: ['id'], filter: { boolean: true }, limit: 5 })) count += batch.numRows;
  assert.equal(count, 5);
  assert.deepEqual(read().sort(), ['boolean 0', 'id 0']);
  source.reads.length = 0;
  const inFirst = found({ boolean: { $eq: true } }).filter((row) => row < GROUP).length;
  await file.read({ columns: ['id'], filter: { boolean: true }, limit: inFirst + 1 });
  assert.ok(read().every((name) => Number(name.split(' ')[1]) <= 2), read().join());
});

test('filters on legacy files', async () => {
  for (const dialect of ['python-1.0', 'rust-2.0']) {
    const legacy = await write({ n: BigInt64Array.from({ length: 50 }, (_, row) => BigInt(row)), s: Array.from({ length: 50 }, (_, row) => `s${row % 7}`) }, { dialect });
    const file = await open(legacy);
    const table = await file.read({ filter: { s: 's3', n: { $gt: 10 } }, limit: 3 });
    assert.deepEqual(table.toArray(), [{ n: 17n, s: 's3' }, { n: 24n, s: 's3' }, { n: 31n, s: 's3' }]);
  }
});

test('filters that are none', async () => {
  const file = await open(bytes);
  for (const filter of [null, 5, 'id', [], { id: { $like: 1 } }, { id: { $in: 5 } }, { $xor: [] }]) {
    await fails(() => file.read({ filter }), 'invalid-argument');
    await fails(() => file.readSync({ filter }), 'invalid-argument');
    await fails(() => file.batches({ filter }).next(), 'invalid-argument');
  }
  await fails(() => file.read({ filter: { nope: 1 } }), 'unknown-column');
  await fails(() => file.read({ filter: { id: 'text' } }), 'type-mismatch', { column: 'id' });
  assert.equal((await file.read({ filter: undefined })).numRows, ROWS);
});

test('bytes of a filtered reading are a fraction of all', async () => {
  const { file, source } = await counted();
  await file.read({ filter: { id: 777 } });
  assert.ok(total(source.reads) < bytes.length / 5, `${total(source.reads)} of ${bytes.length}`);
});
