/**
 * Writes files with the installed package, each with what it must hold as JSON, for check.py.
 * Arguments: the folder to write to. NCF_CONSUMER names the project that has the package.
 */

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const entry = createRequire(join(process.env.NCF_CONSUMER ?? '', 'index.js')).resolve('ncf-wasm');
const { convert, write, open } = await import(pathToFileURL(entry).href);

const folder = process.argv[2];

/** Rows of each type: what is written; check.py reads the same from JSON. */
const VALUES = {
  int8: [-128, 127, 0],
  int16: [-32768, 32767, 0],
  int32: [-2147483648, 2147483647, 0],
  int64: [-(2n ** 63n), 2n ** 63n - 1n, 0n],
  uint8: [0, 255, 1],
  uint16: [0, 65535, 1],
  uint32: [0, 4294967295, 1],
  uint64: [0n, 2n ** 64n - 1n, 1n],
  float32: [Math.fround(0.1), -Infinity, NaN],
  float64: [0.1, 1.7976931348623157e308, 5e-324],
  string: ['a', 'b\u0000c', 'naïve 🚀'],
  binary: [new Uint8Array([0, 255]), new Uint8Array(), new Uint8Array(300).fill(7)],
  boolean: [true, false, true],
  date: ['2024-02-29', '0001-01-01', '9999-12-31'],
  timestamp: ['2024-02-29T12:34:56.000001', '1677-09-22', '2262-04-11T23:47:16.854775'],
  decimal: ['1.50', '-0.01', '12345678901234567890123456789.12'],
};
const TYPES = Object.keys(VALUES);
/** Types that have nulls in python-1.0. */
const NULLABLE = ['string', 'binary', 'boolean', 'date', 'timestamp', 'decimal'];

const UNITS = { s: '2024-02-29T12:34:56', ms: '2024-02-29T12:34:56.789', us: '1969-12-31T23:59:59.999999', ns: '2024-02-29T12:34:56.000000001' };

const ROWS = 100_000;
const rows = (make) => Array.from({ length: ROWS }, (_, row) => make(row));
const column = (name, type, data, more = {}) => ({ name, type, data, ...more });

const python = {
  all_types: { columns: TYPES.map((type) => column(type, type, VALUES[type])) },
  one_row: { columns: TYPES.map((type) => column(type, type, VALUES[type].slice(0, 1))) },
  empty: { columns: TYPES.map((type) => column(type, type, [])) },
  nulls: { columns: NULLABLE.map((type) => column(type, type, [null, ...VALUES[type], null])) },
  only_nulls: { columns: NULLABLE.map((type) => column(type, type, [null, null])) },
  units: { columns: Object.entries(UNITS).map(([unit, text]) => column(unit, 'timestamp', [text, null, '1970-01-01'], { unit })) },
  floats: { columns: ['float32', 'float64'].map((type) => column(type, type, [NaN, Infinity, -0, 1e16, 1e-5, 123456.789, 1e15].map((value) => (type === 'float32' ? Math.fround(value) : value)))) },
  wide: { columns: Array.from({ length: 200 }, (_, index) => column(`c${index}`, TYPES[index % TYPES.length], VALUES[TYPES[index % TYPES.length]])) },
  unicode: { columns: ['имя', '', ' ', 'a"b\\c', '🚀🚀', 'e\u0301', '__proto__'].map((name) => column(name, 'string', [`${name}!`, '\uFEFF', '日本語'])), options: { tableName: 'таблица 🚀' } },
  long: {
    columns: [
      column('int64', 'int64', rows((row) => row * 1000 - 5_000_000)),
      column('float64', 'float64', rows((row) => row / 7)),
      column('string', 'string', rows((row) => `user${row}@example.com`)),
      column('boolean', 'boolean', rows((row) => row % 3 === 0)),
      column('timestamp', 'timestamp', rows((row) => new Date(row * 1001)), { unit: 'ms', extra: { timestamp_utc: true } }),
      column('decimal', 'decimal', rows((row) => (row % 5 === 0 ? null : `${row}.25`))),
    ],
  },
  groups: { columns: [7, undefined, 0, 7, 4294967295].map((columnGroup, index) => column(`c${index}`, 'int64', [index], { columnGroup })) },
  metadata: {
    columns: [
      column('key', 'int64', [1], { nullable: false, semanticType: 'id_key', description: 'key', createLearnedIndex: true, indexModelType: 'rmi', extra: { later: [1, 'x', null], '🚀': 2 ** 40 } }),
      column('mail', 'string', ['a@b.c'], { semanticType: 'pii_email', containsPii: true, useDictionary: true, compressionModel: 'm', typicalQueryPatterns: ['=', 'LIKE'] }),
    ],
    options: { tableName: 't', created: new Date(1_700_000_000_999), modified: new Date(1_800_000_000_000) },
  },
  level_1: { columns: [column('s', 'string', rows((row) => `x${row % 1000}`))], options: { level: 1 } },
  level_22: { columns: [column('s', 'string', rows((row) => `x${row % 1000}`))], options: { level: 22 } },
  none: { columns: TYPES.map((type) => column(type, type, VALUES[type])), options: { compression: 'none' } },
};

const rust = {
  all_types: { columns: [column('i', 'int64', [...VALUES.int64, 9007199254740993n]), column('f', 'float64', [NaN, -0, Infinity, 5e-324]), column('s', 'string', ['', 'nul\u0000', '🚀', 'é'])] },
  empty: { columns: ['int64', 'float64', 'string'].map((type) => column(type, type, [])) },
  wide: { columns: Array.from({ length: 200 }, (_, index) => column(`c${index}`, ['int64', 'float64', 'string'][index % 3], [['1', 2.5, 'x'][index % 3]].map((value) => (index % 3 === 0 ? 1n : value)))) },
  unicode: { columns: ['имя', '', '🚀'].map((name) => column(name, 'string', [name, '日本語'])), options: { tableName: 'таблица' } },
  semantic: { columns: ['pii_name', 'pii_email', 'pii_phone', 'pii_address', 'categorical', 'unknown'].map((semanticType) => column(semanticType, 'string', ['x'], { semanticType, nullable: false })) },
  long: { columns: [column('i', 'int64', rows((row) => row)), column('f', 'float64', rows((row) => row / 3)), column('s', 'string', rows((row) => `name ${row}`))] },
  level_19: { columns: [column('s', 'string', rows((row) => `x${row % 1000}`))], options: { level: 19 } },
};

const SPECIAL = { NaN: 'NaN', Infinity: 'Infinity', '-Infinity': '-Infinity' };

/** A value as check.py expects it. */
function toJson(value, { type, unit = 'us' }) {
  if (value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (type.includes('int')) return String(value);
  if (type === 'timestamp') return { unit, iso: value instanceof Date ? value.toISOString().slice(0, -1) : value };
  if (type.startsWith('float')) return Object.is(value, -0) ? '-0' : SPECIAL[String(value)] ?? value;
  return value;
}

async function emit(name, dialect, { columns, options = {} }) {
  const bytes = await write(columns, { dialect, ...options });
  const expected = {
    dialect,
    compression: options.compression ?? 'zstd',
    tableName: options.tableName ?? '',
    created: Math.floor((options.created?.getTime() ?? 0) / 1000),
    modified: Math.floor(((options.modified ?? options.created)?.getTime() ?? 0) / 1000),
    columns: columns.map(({ data, ...field }) => ({ ...field, values: data.map((value) => toJson(value, field)) })),
  };
  writeFileSync(join(folder, `${name}.ncf`), bytes);
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(expected));
  if (expected.columns[0].values.length === ROWS) return;
  // A second generation: what was read is written again, and must hold the same.
  const file = await open(bytes);
  const again = await write((await file.read()).columns.map((data) => ({ name: data.name, data })), { dialect, ...options, schema: file.schema });
  writeFileSync(join(folder, `${name}.again.ncf`), again);
  writeFileSync(join(folder, `${name}.again.json`), JSON.stringify(expected));
  // By way of version 2, which counts microseconds.
  if (columns.some(({ unit }) => unit === 'ns')) return;
  const { bytes: converted } = await convert(bytes);
  const back = await convert(converted, { dialect, compression: options.compression, level: options.level });
  const inMicroseconds = columns.map(({ unit: _unit, data, ...field }) => ({ ...field, values: data.map((value) => toJson(value, field)) }));
  writeFileSync(join(folder, `${name}.converted.ncf`), back.bytes);
  writeFileSync(join(folder, `${name}.converted.json`), JSON.stringify({ ...expected, columns: inMicroseconds }));
}

for (const [name, table] of Object.entries(python)) await emit(`python_${name}`, 'python-1.0', table);
for (const [name, table] of Object.entries(rust)) await emit(`rust_${name}`, 'rust-2.0', table);
