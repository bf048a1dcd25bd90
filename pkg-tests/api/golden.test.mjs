/** Every file of tests/fixtures is read as its `NAME.expected.json` says, from every kind of source. */

import { assert, fixture, fixtureFiles, fixtures, isBrowser, ncf, serverUrl, test } from '#harness';

import { contents, counting, fails, hex, sha256 } from './util.mjs';

/** Damaged files: the codes that opening and reading may end with, verified and not; none where only the checksum can tell. */
const DAMAGED = {
  bad_bitflip_payload_none: ['checksum-mismatch', null],
  bad_bitflip_payload_zstd: ['checksum-mismatch', 'corrupt'],
  bad_bitflip_stats: ['checksum-mismatch', null],
  bad_checksum: ['checksum-mismatch', null],
  bad_length_huge: ['checksum-mismatch', 'corrupt'],
  bad_magic: ['not-ncf', 'not-ncf'],
  bad_truncated_data: ['truncated', 'truncated'],
  bad_truncated_footer: ['truncated', 'truncated'],
  bad_truncated_header: ['truncated', 'truncated'],
  bad_v20_bitflip: ['checksum-mismatch', null],
  bad_v20_truncated: ['truncated', 'truncated'],
  // Its header says version 2, its end does not.
  bad_version: ['corrupt', 'corrupt'],
};

/** Undamaged files that are read with warnings: column and code of each. */
const WARNINGS = {
  v10_pickle_decimal: ['d type-differs'],
  v10_pickle_timestamp: ['o mixed-time-zones'],
  v10_schema_mismatch: ['a length-differs', 'b length-differs', 'missing missing-column'],
};

const FRACTION_DIGITS = { s: 0, ms: 3, us: 6, ns: 9 };
const COMPRESSIONS = ['none', 'zstd'];

/** Python's text of a point in time as ours: the zone as Z, the digits of the unit. */
function isoText(text, unit, utc) {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(\+00:00)?$/.exec(text);
  assert.ok(match, `${text} is a point in time`);
  const digits = FRACTION_DIGITS[unit];
  const fraction = (match[3] ?? '').padEnd(9, '0');
  assert.ok(/^0*$/.test(fraction.slice(digits)), `${text} is a whole number of ${unit}`);
  return `${match[1]}T${match[2]}${digits === 0 ? '' : `.${fraction.slice(0, digits)}`}${utc ? 'Z' : ''}`;
}

const special = { NaN, Infinity, '-Infinity': -Infinity, '-0': -0 };
const number = (json) => (typeof json === 'string' ? special[json] : json);

/** What `get` has to give for a value of the expectation. */
function expectedCell(json, column, unit) {
  if (json === null) return null;
  switch (column.type) {
    case 'int64':
    case 'uint64':
      return BigInt(json);
    case 'float32':
    case 'float64':
      return number(json);
    case 'timestamp':
      return unit ? json : isoText(json, column.unit, column.utc);
    default:
      return json;
  }
}

/** What `get` gives, as far as JSON can hold it. */
function cell(column, index, unit) {
  const value = column.get(index);
  if (value instanceof Uint8Array) return hex(value);
  if (!unit || value === null) return value;
  return String(column.values[index]);
}

function hashed(column, kind) {
  if (kind.startsWith('little-endian')) {
    assert.ok(kind.includes(column.type), kind);
    return new Uint8Array(column.values.buffer, column.values.byteOffset, column.values.byteLength);
  }
  assert.ok(kind.startsWith('utf-8 of values joined with \\n'), kind);
  return new TextEncoder().encode(column.toArray().map((value) => value ?? '').join('\n'));
}

async function checkColumn(column, expected, name) {
  const where = `${name}.${expected.name}`;
  const { unit } = expected;
  assert.equal(column.name, expected.name);
  if (expected.absent) return assert.equal(column.length, 0, where);
  // As a decimal, NaN could not be told from null, nor -0 from 0.
  assert.equal(column.type, name === 'v10_pickle_decimal' ? 'string' : expected.type, where);
  if (column.type === 'timestamp' && unit) assert.deepEqual([column.unit, column.utc], [unit, false], where);
  if (column.type === 'date' && unit) assert.equal(unit, 'D');

  const check = (start, values) => {
    const indices = values.map((_, index) => start + index);
    assert.deepEqual(indices.map((index) => cell(column, index, unit)), values.map((json) => expectedCell(json, column, unit)), where);
    assert.deepEqual(indices.map((index) => column.isNull(index)), values.map((json) => json === null), where);
  };
  if (expected.sha256) {
    assert.equal(column.length, expected.count, where);
    assert.equal(await sha256(hashed(column, expected.hash_kind)), expected.sha256, where);
    check(0, expected.first);
    check(column.length - expected.last.length, expected.last);
    return undefined;
  }
  assert.equal(column.length, expected.values.length, where);
  assert.equal(column.nullCount, expected.values.filter((value) => value === null).length, where);
  check(0, expected.values);
  if (expected.iso) assert.deepEqual(column.toArray(), expected.iso, where);
  return undefined;
}

/** A bound of the statistics, which Python states as text. */
function expectedBound(text, type) {
  if (text === null) return undefined;
  switch (type) {
    case 'int64':
    case 'uint64':
      return /^-?\d+$/.test(text) ? BigInt(text) : text;
    case 'float32':
      return Math.fround(pythonFloat(text));
    case 'float64':
      return pythonFloat(text);
    case 'boolean':
      return { True: true, False: false }[text] ?? text;
    case 'timestamp':
      return text.includes('+') ? isoText(text, 's', true) : text;
    default:
      return type.includes('int') && /^-?\d+$/.test(text) ? Number(text) : text;
  }
}

const pythonFloat = (text) => Number(text.replace(/^(-?)inf$/, '$1Infinity'));

function statisticsOf(expected) {
  const strip = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
  const entries = expected.columns.map(({ name, type }, index) => {
    const positional = expected.statistics_positional?.[index];
    if (positional) {
      const [min, max, nullCount, totalCount] = positional;
      return [name, strip({ min: min === null ? undefined : number(min), max: max === null ? undefined : number(max), nullCount, totalCount })];
    }
    const stated = expected.statistics?.[name];
    return [name, stated && strip({
      min: expectedBound(stated.min_value, type),
      max: expectedBound(stated.max_value, type),
      nullCount: stated.null_count,
      totalCount: stated.total_count,
      distinctCount: stated.distinct_count ?? undefined,
      avgLength: stated.avg_length ?? undefined,
    })];
  });
  return new Map(entries.filter(([, stated]) => stated));
}

async function checkMetadata(file, expected, bytes) {
  assert.equal(file.dialect, expected.dialect);
  assert.equal(file.byteLength, expected.bytes);
  assert.equal(file.numRows, expected.row_count);
  assert.deepEqual(file.rowGroups, [{ start: 0, end: expected.row_count }]);
  const seconds = (date) => date && date.getTime() / 1000;
  assert.deepEqual(file.schema.columns.map(({ name, type }) => [name, type]), expected.columns.map(({ name, type }) => [name, type]));
  if (!expected.layout) {
    assert.equal(file.schema.tableName, expected.table_name);
    assert.deepEqual([seconds(file.created), seconds(file.modified)], [expected.created, expected.created]);
    assert.deepEqual(file.statistics, statisticsOf(expected));
  }
  if (expected.dialect === 'rust-2.0') assert.deepEqual([file.schema.rowCount, file.schema.version], [expected.schema_row_count, expected.schema_version]);
  if (expected.column_group) {
    assert.deepEqual(file.schema.columns.map(({ name, columnGroup }) => [name, columnGroup ?? null]), Object.entries(expected.column_group));
  }

  const report = await file.verify();
  assert.equal(report.ok, expected.checksum_valid);
  assert.equal(report.ok, report.actual === report.expected);
  assert.equal(report.expected, file.digest);
  assert.equal(report.problems.length, report.ok ? 0 : 1);
  const layout = await file.layout();
  const footer = layout.sections.find(({ name }) => name === 'footer');
  if (expected.dialect !== 'rust-2.0') {
    assert.equal(report.bytes, footer.start);
    assert.equal(report.actual, await sha256(bytes.slice(0, footer.start)));
  } else {
    const schema = layout.sections.find(({ name }) => name === 'schema');
    const covered = bytes.slice(schema.start - 64, footer.start);
    assert.equal(report.bytes, covered.length);
    assert.equal(report.actual, await sha256(covered.fill(0, 8, 64)));
  }
  return layout;
}

function checkLayout(layout, file, expected, bytes) {
  assert.equal(layout.byteLength, bytes.length);
  let end = 0;
  for (const section of layout.sections) {
    assert.equal(section.start, end, section.name);
    end = section.end;
  }
  assert.equal(end, bytes.length);
  const at = (name) => layout.sections.find((section) => section.name === name).start;
  if (expected.layout) {
    assert.deepEqual([at('schema'), at('statistics'), at('footer'), at('data')], [expected.layout.schema, expected.layout.stats, expected.layout.footer, expected.layout.footer_end]);
  }
  const data = layout.sections.find(({ name }) => name === 'data');
  let before = data.start;
  for (const chunk of layout.chunks) {
    assert.ok(before < chunk.start && chunk.start <= chunk.end && chunk.end <= data.end, chunk.column);
    assert.equal(chunk.rowGroup, 0);
    before = chunk.end;
  }
  const stored = expected.columns.filter(({ record_state: state }) => state === undefined || state === 'intact').map(({ name }) => name);
  assert.deepEqual(layout.chunks.map(({ column }) => column), expected.data_order ?? stored);
  for (const chunk of layout.chunks) {
    assert.equal(chunk.compression, COMPRESSIONS[expected.compression ?? 1]);
    assert.equal(chunk.group, expected.column_group ? expected.column_group[chunk.column] ?? 0 : undefined);
  }
}

/** Every kind of source. */
async function sources(name, bytes) {
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const all = {
    'Uint8Array': bytes,
    'ArrayBuffer': bytes.slice().buffer,
    'DataView': new DataView(shifted.buffer, 3),
    'Blob': new Blob([bytes]),
    'AsyncBuffer': counting(bytes),
    'URL': `${await serverUrl()}/http/good/golden-${name}/${name}.ncf`,
    'Response': new Response(bytes),
    'ReadableStream': new Blob([bytes]).stream(),
  };
  if (isBrowser) return { ...all, File: new File([bytes], `${name}.ncf`) };
  const { open } = await import('node:fs/promises');
  const { resolve } = await import('node:path');
  const { pathToFileURL } = await import('node:url');
  const path = resolve(import.meta.dirname, '../../tests/fixtures', `${name}.ncf`);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return { ...all, 'SharedArrayBuffer': shared, path, 'file: URL': pathToFileURL(path), 'FileHandle': await open(path) };
}

async function checkUndamaged({ name, bytes, expected }) {
  const salvage = expected.dialect === 'python-1.1';
  const file = await ncf.open(bytes, { salvage });
  assert.ok(file.isVerified);
  const layout = await checkMetadata(file, expected, bytes);
  checkLayout(layout, file, expected, bytes);
  const table = await file.read();
  const columns = expected.columns
    .filter(({ record_state: state }) => !state || state === 'intact')
    .map((column) => ({ ...column, ...column.as_written }));
  assert.deepEqual(table.columns.map((column) => column.name), columns.map((column) => column.name));
  for (const [index, column] of columns.entries()) await checkColumn(table.columns[index], column, name);
  assert.deepEqual(table.warnings.map(({ column, code }) => `${column} ${code}`), WARNINGS[name] ?? []);
  assert.deepEqual(file.warnings.map(({ code }) => code), salvage ? ['salvaged'] : []);
  assert.deepEqual(file.lostColumns, expected.columns.filter(({ record_state: state }) => state && state !== 'intact').map((column) => column.name));

  for (const [kind, source] of Object.entries(await sources(name, bytes))) {
    const other = await ncf.open(source, { salvage });
    assert.equal(other.dialect, file.dialect, kind);
    assert.deepEqual(other.schema, file.schema, kind);
    assert.deepEqual((await other.read()).columns.map(contents), table.columns.map(contents), kind);
    assert.ok((await other.verify()).ok, kind);
    await other.close();
    if (kind === 'FileHandle') await source.close();
  }
  const sync = ncf.openSync(bytes, { salvage });
  assert.deepEqual(sync.readSync().columns.map(contents), table.columns.map(contents));
}

async function checkDamaged({ name, bytes }) {
  assert.ok(name in DAMAGED, `${name} has no row in DAMAGED`);
  const [verified, unverified] = DAMAGED[name];
  await fails(() => ncf.open(bytes), verified);
  await fails(() => ncf.openSync(bytes), verified);
  await fails(() => ncf.open(new Blob([bytes]), { verify: true }), verified);
  const read = async () => (await ncf.open(counting(bytes))).read();
  if (unverified) {
    await fails(read, unverified);
    await fails(() => ncf.openSync(bytes, { verify: false }).readSync(), unverified);
  } else {
    await read();
    const file = await ncf.open(bytes, { verify: false });
    assert.equal(file.isVerified, false);
    assert.equal((await file.verify()).ok, false);
  }
}

await ncf.init();

test('every fixture has an expectation, and the tables name only fixtures', () => {
  assert.deepEqual(fixtureFiles, fixtures.map((name) => `${name}.ncf`));
  assert.ok(fixtures.length >= 46, 'fixtures stay for ever');
  const unknown = [...Object.keys(DAMAGED), ...Object.keys(WARNINGS)].filter((name) => !fixtures.includes(name));
  assert.deepEqual(unknown, []);
});

for (const name of fixtures) {
  test(`golden: ${name}`, async () => {
    const known = await fixture(name);
    assert.equal(await sha256(known.bytes), known.expected.file_sha256);
    if (known.expected.original_readers && known.expected.expect) return checkDamaged(known);
    if (known.expected.dialect === 'python-1.1') {
      await fails(() => ncf.open(known.bytes), 'unsupported-feature');
      await fails(() => ncf.openSync(known.bytes), 'unsupported-feature');
    }
    return checkUndamaged(known);
  });
}
