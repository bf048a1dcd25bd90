/** Version 2 under damage: what is pinned, what is checked when, what stays readable, what a report says. */

import { assert, ncf, test } from '#harness';

import { contents, counting, everyType, fails, random } from './util.mjs';

const { open, openSync, write } = ncf;

const columns = everyType(300, 3);
const bytes = await write(columns, { rowGroupRows: 100 });
/** A file whose directory and digests are so large that they lie apart from the footer. */
const wide = await write(Array.from({ length: 80 }, (_, index) => ({ name: `c${index}`, data: Int32Array.from({ length: 60 }, (_row, row) => row * index) })), { rowGroupRows: 1 });
const names = columns.map(({ name }) => name);

const { digest } = await open(bytes);
const base64 = btoa(String.fromCharCode(...(digest.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))));

/** A copy with one bit changed. */
function flipped(all, at, bit = 0) {
  const copy = all.slice();
  copy[at] ^= 1 << bit;
  return copy;
}

test('the digest is that of the trailer, and pins the file', async () => {
  assert.equal(digest, Array.from(bytes.subarray(-36, -4), (byte) => byte.toString(16).padStart(2, '0')).join(''));
  const expected = (await (await open(bytes)).read()).columns.map(contents);
  for (const integrity of [digest, digest.toUpperCase(), `sha256-${base64}`]) {
    for (const source of [bytes, new Blob([bytes])]) {
      const file = await open(source, { integrity });
      assert.deepEqual((await file.read()).columns.map(contents), expected);
      assert.equal(file.isVerified, false, 'what was not read was not checked');
    }
    assert.deepEqual(openSync(bytes, { integrity }).readSync().columns.map(contents), expected);
  }
  const other = await write({ a: [1] });
  await fails(() => open(other, { integrity: digest }), 'checksum-mismatch');
  await fails(() => openSync(other, { integrity: digest }), 'checksum-mismatch');
  for (const integrity of ['', 'abc', digest.slice(1), `${digest}0`, `sha512-${base64}`, `sha256-${base64.slice(4)}`, 'sha256-', `sha256-${base64} `, 5, null]) {
    await fails(() => open(bytes, { integrity }), 'invalid-argument');
  }
});

test('the digest pins legacy files, all of whose bytes are read', async () => {
  for (const dialect of ['python-1.0', 'rust-2.0']) {
    const legacy = await write({ n: BigInt64Array.from({ length: 50 }, (_, row) => BigInt(row)) }, { dialect });
    const { digest: pinned } = await open(legacy);
    const file = await open(counting(legacy), { integrity: pinned });
    assert.ok(file.isVerified);
    await fails(() => open(counting(legacy), { integrity: digest }), 'checksum-mismatch');
    const { chunks } = await file.layout();
    const damaged = flipped(legacy, chunks[0].end - 1);
    await open(counting(damaged));
    await fails(() => open(counting(damaged), { integrity: pinned }), 'checksum-mismatch');
    await fails(() => openSync(damaged, { integrity: pinned, verify: false }), 'checksum-mismatch');
  }
});

test('a chunk is checked when it is read, by the hash that is asked for', async () => {
  const { chunks } = await (await open(bytes)).layout();
  const { column, start, end } = chunks[chunks.length - 1];
  const damaged = flipped(bytes, end - 1, 7);
  for (const options of [{}, { integrity: digest }, { integrity: digest, checksums: false }]) {
    const file = await open(damaged, options);
    assert.equal(file.isVerified, false);
    await fails(() => file.read({ columns: [column] }), 'checksum-mismatch', { column, section: 'data', offset: start });
    await fails(() => file.readSync({ columns: [column] }), 'checksum-mismatch', { column });
  }
  await fails(() => open(damaged, { verify: true }), 'checksum-mismatch');
  await fails(() => openSync(damaged, { verify: true }), 'checksum-mismatch');
  assert.ok((await open(bytes, { verify: true })).isVerified);
  const unchecked = await open(damaged, { checksums: false });
  const outcome = await unchecked.read({ columns: [column] }).then(() => 'read', ({ code }) => code);
  assert.ok(outcome !== 'checksum-mismatch', outcome);
});

test('a damaged chunk leaves other columns and row groups readable', async () => {
  const { chunks } = await (await open(bytes)).layout();
  const intact = await (await open(bytes)).read();
  for (const { column, rowGroup, start } of chunks.filter(({ rowGroup: group }) => group === 1)) {
    const damaged = flipped(bytes, start, 1);
    for (const source of [damaged, new Blob([damaged])]) {
      const file = await open(source);
      await fails(() => file.read(), 'checksum-mismatch', { column });
      const others = names.filter((name) => name !== column);
      assert.deepEqual((await file.read({ columns: others })).columns.map(contents), others.map((name) => contents(intact.column(name))));
      const [before, after] = [await file.read({ rowEnd: 100 }), await file.read({ rowStart: 200 })];
      assert.deepEqual([...before.column(column), ...after.column(column)], intact.column(column).toArray().filter((_, row) => row < 100 || row >= 200));
      const batches = file.batches({ columns: [column] });
      assert.equal((await batches.next()).value.numRows, 100);
      await fails(() => batches.next(), 'checksum-mismatch', { column });
      const report = await file.verify();
      assert.deepEqual([report.ok, report.problems.length], [false, 1]);
      const [problem] = report.problems;
      assert.deepEqual([problem.section, problem.column, problem.rowGroup, problem.start], ['chunk', column, rowGroup, start]);
      assert.ok(problem.expected === report.expected && problem.actual === report.actual && problem.actual !== problem.expected);
    }
  }
});

test('verify reports every damaged part', async () => {
  for (const all of [bytes, wide]) {
    const layout = await (await open(all)).layout();
    const report = await (await open(all)).verify();
    assert.deepEqual([report.ok, report.problems, report.bytes], [true, [], all.length - 36]);
    assert.equal(report.expected, (await open(all)).digest);
    const damaged = all.slice();
    const hit = layout.chunks.filter((_, index) => index % 5 === 0);
    for (const { start } of hit) damaged[start] ^= 4;
    const chunks = hit.map(({ column, rowGroup }) => ['chunk', column, rowGroup]);
    const found = async (source, options) => {
      const { problems, ok } = await (await open(source, options)).verify();
      assert.equal(ok, false);
      return problems.map(({ section, column, rowGroup }) => [section, column, rowGroup]);
    };
    for (const source of [damaged, new Blob([damaged])]) assert.deepEqual(await found(source), chunks);
    damaged[5] ^= 1;
    // Where the header comes with the first read, it is checked at once; else by whoever reads it.
    if (all === bytes) await fails(() => open(new Blob([damaged])), 'corrupt', { section: 'header' });
    for (const [source, options] of [[damaged], [new Blob([damaged]), { tailBytes: 256, readAheadBytes: 64 }]]) {
      assert.deepEqual(await found(source, options), [['header', undefined, undefined], ...chunks]);
    }
  }
});

test('damage of what lists the chunks is reported, and hurts its own column alone', async () => {
  const { sections } = await (await open(wide)).layout();
  const at = Object.fromEntries(sections.map(({ name, start }) => [name, start]));
  assert.ok(at.digests > 0 && at.blocks > at.digests && at.footer > at.blocks, Object.keys(at).join());
  const block = flipped(wide, at.blocks + 3);
  const file = await open(block);
  await fails(() => file.read({ columns: ['c0'] }), 'checksum-mismatch', { column: 'c0', section: 'blocks' });
  assert.equal((await file.read({ columns: ['c1'] })).numRows, 60);
  assert.deepEqual((await file.verify()).problems.map(({ section, column }) => [section, column]), [['block', 'c0']]);
  const digests = await open(flipped(wide, at.digests + 32 * 60 + 1));
  assert.equal((await digests.read()).numRows, 60, 'only whoever pins the digest needs them');
  assert.deepEqual((await digests.verify()).problems.map(({ section, column }) => [section, column]), [['digests', 'c1']]);
  const pinned = await open(flipped(wide, at.digests + 32 * 60 + 1), { integrity: (await open(wide)).digest });
  await fails(() => pinned.read({ columns: ['c1'] }), 'checksum-mismatch', { column: 'c1', section: 'digests' });
  assert.equal((await pinned.read({ columns: ['c0', 'c2'] })).numRows, 60);
});

test('no flipped bit gives a wrong value', async () => {
  const expected = (await (await open(bytes)).read()).columns.map(contents);
  const next = random(11);
  const codes = new Map();
  for (let count = 0; count < 600; count++) {
    const at = count < 80 ? bytes.length - 1 - count : next() % bytes.length;
    const damaged = flipped(bytes, at, next() % 8);
    for (const options of [{}, { integrity: digest }]) {
      let isRead = false;
      try {
        const now = openSync(damaged, options).readSync().columns.map(contents);
        isRead = true;
        assert.deepEqual(now, expected, `bit of byte ${at}`);
        // Whoever reads from the end never looks at the header.
        assert.ok(at < 8, `byte ${at} is checked`);
      } catch (error) {
        assert.ok(!isRead && error instanceof ncf.NcfError, String(error.stack));
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      }
    }
    const report = await open(damaged).then((file) => file.verify(), () => ({ ok: false }));
    assert.equal(report.ok, false, `byte ${at}`);
  }
  assert.ok((codes.get('checksum-mismatch') ?? 0) > 500, JSON.stringify([...codes]));
});
