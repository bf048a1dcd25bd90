/** Makes the version 2 samples of the demo page, the same bytes each time; those of the original writers stay as they are. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { build } from './build.mjs';
import { dist, inRoot } from './lib/paths.mjs';
import { main } from './lib/process.mjs';

const DAY = 86_400_000;
const COUNTRIES = ['CH', 'DE', 'FR', 'IT', 'AT', 'SE', 'PT', 'JP', 'BR', 'CA'];
const CITIES = ['Zürich', 'Berlin', 'Lyon', 'Torino', 'Wien', 'Malmö', 'Porto', '京都', 'São Paulo', 'Montréal'];
const STATUSES = ['delivered', 'delivered', 'delivered', 'shipped', 'paid', 'returned'];
const PRODUCTS = ['Notebook A5', 'Fountain pen', 'Ink, blue', 'Ink, black', 'Desk lamp', 'Paper, 500 sheets', 'Letter scale', 'Stapler', 'Envelope, C5', 'Sealing wax'];

/** A generator of numbers in 0 to 1, the same everywhere. @param {number} seed */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A shop's orders, by time. @param {number} rows */
function orders(rows) {
  const next = random(2024);
  const pick = (/** @type {string[]} */ list) => list[Math.floor(next() ** 1.5 * list.length)] ?? '';
  /** @type {any[]} */
  const all = [];
  let time = Date.UTC(2024, 0, 1, 8);
  for (let row = 0; row < rows; row++) {
    time += Math.floor(-Math.log(1 - next()) * 25 * 60_000);
    const place = Math.floor(next() ** 2 * COUNTRIES.length);
    const cents = 300 + Math.floor(next() ** 3 * 40_000);
    const quantity = 1 + Math.floor(next() ** 4 * 12);
    const status = pick(STATUSES);
    const isOpen = time > Date.UTC(2024, 11, 10) && status !== 'returned';
    all.push({
      order: BigInt(100_000 + row),
      placed: new Date(time),
      country: COUNTRIES[place],
      city: next() < 0.04 ? null : CITIES[place],
      email: `customer${Math.floor(next() * 4000)}@example.org`,
      product: pick(PRODUCTS),
      quantity,
      price: `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`,
      weight: next() < 0.02 ? NaN : Math.fround(quantity * (0.05 + next())),
      gift: next() < 0.1 ? null : next() < 0.15,
      status: isOpen ? 'paid' : status,
      delivered: status === 'delivered' && !isOpen ? new Date(time + (1 + Math.floor(next() * 6)) * DAY).toISOString().slice(0, 10) : null,
      note: next() < 0.9 ? null : next() < 0.1 ? '' : `Please ring ${1 + Math.floor(next() * 3)} times`,
    });
  }
  const column = (/** @type {string} */ name, more = {}) => ({ name, data: all.map((order) => order[name]), ...more });
  return [
    column('order', { type: 'int64', nullable: false, semanticType: 'id_key', description: 'Number of the order' }),
    column('placed', { type: 'timestamp', nullable: false, semanticType: 'temporal_timestamp' }),
    column('country', { type: 'string', semanticType: 'categorical' }),
    column('city', { type: 'string' }),
    column('email', { type: 'string', semanticType: 'pii_email', containsPii: true, description: 'Bounds are left out: they would be two real addresses' }),
    column('product', { type: 'string', semanticType: 'categorical' }),
    column('quantity', { type: 'uint8', semanticType: 'numerical' }),
    column('price', { type: 'decimal', precision: 12, scale: 2, semanticType: 'numerical', description: 'In EUR, for one' }),
    column('weight', { type: 'float32', semanticType: 'numerical', description: 'In kg; NaN where the scale failed' }),
    column('gift', { type: 'boolean' }),
    column('status', { type: 'string', semanticType: 'categorical' }),
    column('delivered', { type: 'date', semanticType: 'temporal_date' }),
    column('note', { type: 'string' }),
  ];
}

/** Writes the samples, with the package that was built. */
export async function makeSamples() {
  const { open, write } = await import(join(dist, 'node.js'));
  const options = { tableName: 'orders', rowGroupRows: 4000, created: new Date(Date.UTC(2025, 0, 1)), metadata: { currency: 'EUR' } };
  const save = (/** @type {string} */ name, /** @type {Uint8Array} */ bytes) => writeFileSync(inRoot('www', 'samples', name), bytes);
  save('orders.ncf', await write(orders(20_000), options));
  const damaged = await write(orders(2000), { ...options, rowGroupRows: 500 });
  const { chunks } = await (await open(damaged)).layout();
  const hit = chunks.find((/** @type {any} */ { column, rowGroup }) => column === 'price' && rowGroup === 2);
  damaged[hit.start + 20] ^= 16;
  save('damaged-chunk.ncf', damaged);
}

if (import.meta.filename === process.argv[1]) {
  await main(async () => {
    await build();
    await makeSamples();
  });
}
