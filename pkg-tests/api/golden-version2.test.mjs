/** Every file of tests/fixtures/version2 is read as its `NAME.json` says; natively that is tests/golden_version2.rs. */

import { assert, golden, goldens, ncf, test } from '#harness';

import { hex } from './util.mjs';

const { evolve, open, write } = ncf;

/** The bits of a float, hexadecimal. */
function floatBits(value, bytes) {
  const view = new DataView(new ArrayBuffer(8));
  if (bytes === 4) view.setUint32(0, value);
  else view.setBigUint64(0, value);
  return hex(new Uint8Array(view.buffer, 0, bytes));
}

/** One value as the expectation has it. */
function cells(column) {
  const bits = { float32: Uint32Array, float64: BigUint64Array }[column.type];
  const patterns = bits && new bits(column.values.buffer, column.values.byteOffset, column.length);
  return Array.from({ length: column.length }, (_, row) => {
    const value = column.get(row);
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (patterns) return floatBits(patterns[row], patterns.BYTES_PER_ELEMENT);
    return value instanceof Uint8Array ? hex(value) : String(value);
  });
}

for (const name of goldens) {
  test(`${name}: read, explained, verified`, async () => {
    const { bytes, expected } = await golden(name);
    const file = await open(bytes);
    assert.equal(file.dialect, 'ncf-2');
    const table = await file.read();
    assert.deepEqual(table.columns.map(({ name: column, type }) => [column, type]), expected.columns.map(({ name: column, type }) => [column, type]));
    for (const [index, column] of table.columns.entries()) assert.deepEqual(cells(column), expected.columns[index].values, column.name);
    assert.deepEqual(table.warnings, []);
    assert.equal((await file.verify()).ok, true);

    // Each column alone, a row of each row group, and what the layout says of parents.
    const chunks = (await file.layout()).chunks;
    for (const [index, { name: column, values }] of expected.columns.entries()) {
      const alone = await file.read({ columns: [column], rowStart: 1, rowEnd: 3 });
      assert.deepEqual(cells(alone.columns[0]), values.slice(1, 3), column);
      if (file.numRows === 0) continue;
      const words = await file.explain(column);
      const { parents = [] } = chunks.find((chunk) => chunk.column === column && chunk.rowGroup === 0);
      assert.equal(/ by /.test(words), parents.length > 0, `${words} of ${expected.columns[index].name}`);
      for (const parent of parents) assert.ok(words.includes(parent), words);
    }
  });
}

test('columns are predicted from others, unless that is switched off', async () => {
  const { bytes } = await golden('version2/parents');
  const table = await (await open(bytes)).read();
  const parents = async (options) => {
    const file = await open(await write(table.columns.map((column) => ({ name: column.name, data: column })), options));
    assert.deepEqual((await file.read()).toArray(), table.toArray());
    const chunks = (await file.layout()).chunks;
    assert.deepEqual((await file.read({ filter: { gate: { $lt: 50 } }, columns: ['end', 'crew'] })).numRows, table.column('gate').toArray().filter((gate) => gate < 50n).length);
    return [file.byteLength, chunks.filter((chunk) => chunk.parents !== undefined).length];
  };
  const [small, some] = await parents({});
  const [large, none] = await parents({ crossColumn: false });
  assert.equal(none, 0);
  assert.ok(some >= 3 && small < large * 0.9, `${some} predicted, ${small} of ${large} bytes`);
});

test('a column that others are predicted from can be dropped', async () => {
  const { bytes } = await golden('version2/parents');
  const before = await open(bytes);
  const isChild = (chunk) => chunk.parents?.includes('gate');
  assert.ok((await before.layout()).chunks.some(isChild));
  for (const source of [bytes, new Blob([bytes])]) {
    const changed = await open((await evolve(source, [{ drop: 'gate' }])).bytes);
    assert.ok(!(await changed.layout()).chunks.some(isChild));
    const columns = changed.schema.columns.map(({ name }) => name);
    assert.deepEqual((await changed.read()).toArray(), (await before.read({ columns })).toArray());
  }
});
