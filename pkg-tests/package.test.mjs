/** The tarball: what is in it, how it resolves, its types, its size, its README. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { overBudget } from '../scripts/build/sizes.mjs';
import { inTests, root } from './support/paths.mjs';

const consumer = process.env.NCF_CONSUMER ?? '';
const installed = join(consumer, 'node_modules', 'ncf-wasm');
const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));

/** All files below a folder. */
function filesIn(folder, prefix = '') {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    return entry.isDirectory() ? filesIn(join(folder, entry.name), `${path}/`) : [path];
  });
}

/** What a module of the consumer prints. */
function run(code, ...flags) {
  return execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', code], { cwd: consumer, encoding: 'utf8' });
}

const files = filesIn(installed).sort();

test('nothing is in the tarball but the package', () => {
  const expected = /^(dist\/(workers\/)?[a-z-]+(-[A-Z0-9]{8}\.js|\.js|\.d\.ts)|dist\/wasm\/(reader|legacy|full|neural|thorough)(\.wasm|(-glue)?\.d\.ts)|README\.md|CHANGELOG\.md|LICENSE-(APACHE|MIT)|package\.json)$/;
  assert.deepEqual(files.filter((path) => !expected.test(path)), []);
});

test('what must be there is there', () => {
  for (const path of ['README.md', 'CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'dist/node.js', 'dist/node.d.ts', 'dist/browser.js', 'dist/browser.d.ts', 'dist/workers/node.js', 'dist/workers/browser.js', 'dist/wasm/reader.wasm', 'dist/wasm/legacy.wasm', 'dist/wasm/full.wasm', 'dist/wasm/neural.wasm', 'dist/wasm/thorough.wasm']) {
    assert.ok(files.includes(path), path);
    assert.ok(statSync(join(installed, path)).size > 0, path);
  }
});

test('every module of js/ has its types, and every file is imported', () => {
  const built = files.filter((path) => path.startsWith('dist/') && !path.startsWith('dist/wasm/'));
  const sources = readdirSync(join(root, 'js'), { recursive: true }).map(String).filter((name) => name.endsWith('.ts')).map((name) => name.replace(/\.ts$/, ''));
  assert.deepEqual(built.filter((path) => path.endsWith('.d.ts')), sources.map((name) => `dist/${name}.d.ts`).sort());
  const modules = built.filter((path) => path.endsWith('.js'));
  const texts = modules.map((path) => readFileSync(join(installed, path), 'utf8'));
  const entries = ['dist/browser.js', 'dist/node.js'];
  for (const path of modules) {
    const name = path.replace(/^.*\/(?=[^/]+$)/, '');
    assert.ok(entries.includes(path) || texts.some((text) => text.includes(`/${name}"`)), path);
  }
});

test('it needs nothing else, and runs nothing when it is installed', () => {
  for (const key of ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundledDependencies']) assert.deepEqual(Object.keys(manifest[key] ?? {}), [], key);
  for (const key of ['preinstall', 'install', 'postinstall', 'prepare']) assert.equal(manifest.scripts?.[key], undefined, key);
  assert.deepEqual(readdirSync(join(consumer, 'node_modules')).filter((name) => !name.startsWith('.')), ['ncf-wasm']);
});

test('no module imports what is not in the package, but for Node in its entries', () => {
  for (const path of files.filter((name) => name.endsWith('.js'))) {
    const text = readFileSync(join(installed, path), 'utf8');
    const imports = [...text.matchAll(/(?:^|[\n;}])\s*(?:import|export)\b[^'";]*from\s*['"]([^'"]+)['"]/g), ...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map((match) => match[1]);
    const foreign = imports.filter((name) => !name.startsWith('.') && !(['dist/node.js', 'dist/workers/node.js'].includes(path) && name.startsWith('node:')));
    assert.deepEqual(foreign, [], path);
    for (const name of imports.filter((name) => name.startsWith('.'))) assert.ok(existsSync(join(installed, path, '..', name)), `${path}: ${name}`);
  }
});

test('no file names the machine that built it', () => {
  for (const path of files) {
    const text = readFileSync(join(installed, path), 'latin1');
    assert.ok(!text.includes(root) && !/\/(home|root|Users)\/[\w.]+\//.test(text), path);
  }
});

test('every target of the exports is a file', () => {
  const targets = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(targets));
  for (const target of targets(manifest.exports).filter((path) => !path.includes('*'))) assert.ok(files.includes(target.slice(2)), target);
  assert.ok(files.includes(manifest.types.slice(2)));
});

test('Node, browsers and others get their entry', () => {
  const resolve = (...flags) => run("console.log(import.meta.resolve('ncf-wasm'))", ...flags).trim();
  const at = (path) => pathToFileURL(join(installed, path)).href;
  assert.equal(resolve(), at('dist/node.js'));
  assert.equal(resolve('--conditions=browser'), at('dist/browser.js'));
  assert.deepEqual(Object.keys(manifest.exports['.']), ['browser', 'node', 'types', 'default'], 'types and default come last');
  assert.equal(manifest.exports['.'].default, './dist/browser.js');
  assert.equal(run("console.log(import.meta.resolve('ncf-wasm/wasm/reader.wasm'))").trim(), at('dist/wasm/reader.wasm'));
  assert.equal(run("console.log(import.meta.resolve('ncf-wasm/package.json'))").trim(), at('package.json'));
  assert.throws(() => execFileSync(process.execPath, ['--input-type=module', '--eval', "import 'ncf-wasm/dist/engine.js'"], { cwd: consumer, stdio: 'pipe' }), /ERR_PACKAGE_PATH_NOT_EXPORTED/);
});

test('an import is enough', () => {
  const code = `import { open, write } from 'ncf-wasm';
    const file = await open(await write({ a: [1, 2] }, { dialect: 'rust-2.0' }));
    console.log((await file.read()).toArray(), typeof globalThis.process);`;
  assert.equal(run(code), "[ { a: 1n }, { a: 2n } ] object\n");
});

test('a CommonJS module can import it', () => {
  const code = "import('ncf-wasm').then(({ openSync }) => console.log(typeof openSync))";
  assert.equal(execFileSync(process.execPath, ['--input-type=commonjs', '--eval', code], { cwd: consumer, encoding: 'utf8' }), 'function\n');
});

test('importing loads no wasm, reading only loads the reader, and legacy files, neural chunks and high levels what is theirs', () => {
  const code = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    const seen = []; const note = (path) => { if (String(path).endsWith('.wasm')) seen.push(String(path).replace(/.*[/]/, '')); };
    const { readFileSync } = fs; const { readFile } = fs.promises;
    fs.readFileSync = (...args) => (note(args[0]), readFileSync(...args)); fs.promises.readFile = (...args) => (note(args[0]), readFile(...args));
    syncBuiltinESMExports();
    const { open, write } = await import('ncf-wasm'); console.log(seen.join());
    await open(new Uint8Array(200)).catch(() => {}); console.log(seen.join());
    const old = await write({ a: [1] }, { dialect: 'rust-2.0' }); await open(await write({ a: [1] })); console.log(seen.join());
    await open(old); await open(old); console.log(seen.join());
    await write({ a: [1] }, { level: 4 }); await write({ a: [1] }, { compression: 'neural' }); console.log(seen.join());
    await write({ a: [1] }, { level: 5 }); await write({ a: [1] }, { dialect: 'rust-2.0', level: 22 }); console.log(seen.join());`;
  assert.equal(run(code), ['', 'reader.wasm', ',full.wasm', ',legacy.wasm', ',neural.wasm', ',thorough.wasm'].map((_, index, all) => `${all.slice(0, index + 1).join('')}\n`).join(''));
});

test('reading bytes makes Node load nothing of what it knows of the network', () => {
  const code = `import { open, write } from 'ncf-wasm';
    const file = await open(await write({ a: [1, 2] })); await file.read();
    console.log(process.moduleLoadList.filter((name) => /undici|internal.process.task_queues$/.test(name)).join());`;
  assert.equal(run(code), 'NativeModule internal/process/task_queues\n');
});

/** Compiles files of types/ in the consumer's folder; gives what the compiler says. */
function compile(names, options) {
  const folder = join(consumer, 'types');
  mkdirSync(folder, { recursive: true });
  for (const name of names) cpSync(inTests('types', name), join(folder, name));
  const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, target: 'ES2022', skipLibCheck: false, typeRoots: [join(root, 'node_modules', '@types')], ...options };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: names }));
  return spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', folder], { encoding: 'utf8' }).stdout;
}

test("a consumer's TypeScript compiles, in Node", () => {
  assert.equal(compile(['consumer.ts', 'node.ts'], { module: 'NodeNext', lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'], types: ['node'] }), '');
});

test("a consumer's TypeScript compiles, for browsers, without Node's types", () => {
  assert.equal(compile(['consumer.ts', 'browser.ts'], { module: 'ESNext', moduleResolution: 'bundler', customConditions: ['browser'], lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'], types: [] }), '');
});

test('the size is within its budget', () => {
  assert.deepEqual(overBudget(JSON.parse(readFileSync(join(root, 'dist', 'size.json'), 'utf8'))), []);
});

/** Blocks of the README that are marked to run. */
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const snippets = [...readme.matchAll(/<!-- runs in the tests -->\s*```js\n(.*?)```/gs)].map((match) => match[1]);

test('the README has snippets that run', () => {
  assert.ok(snippets.length > 0);
});

for (const [index, code] of snippets.entries()) {
  test(`README snippet ${index + 1} prints what its comments say`, () => {
    const said = [...code.matchAll(/^\/\/ (.*)$/gm)].map((match) => match[1]);
    // The comment breaks no lines, the console may.
    const plain = (text) => text.replace(/\s+/g, ' ').trim();
    assert.equal(plain(run(code)), plain(said.join('\n')));
  });
}
