/**
 * Packs the built tree, installs the tarball into an empty folder, and tests what was installed:
 * as a package, in Node, in Chromium, through the demo page, and against Python. Run one leg with
 * its name: `node pkg-tests/run.mjs node chromium`.
 *
 * NCF_CHROMIUM, NCF_PYTHON and NCF_PYTHON_NUMPY1 name the programs; set-up installs the defaults.
 */

import { demoLeg } from './browser/demo.mjs';
import { chromiumLeg } from './browser/driver.mjs';
import { interopLeg } from './interop/leg.mjs';
import { installPackage } from './support/install.mjs';
import { apiTests, runNodeTests } from './support/node-leg.mjs';
import { inTests } from './support/paths.mjs';

/**
 * @typedef {object} Count
 * @property {number} passed
 * @property {number} failed
 */

/** @type {Record<string, (installed: import('./support/install.mjs').Installed) => Promise<Count>>} */
const LEGS = {
  package: (installed) => runNodeTests(['package', 'filter', 'memory', 'shared-read'].map((name) => inTests(`${name}.test.mjs`)), installed),
  node: (installed) => runNodeTests(apiTests(), installed),
  chromium: (installed) => chromiumLeg(apiTests(), installed),
  demo: demoLeg,
  interop: interopLeg,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in LEGS));
if (unknown.length > 0) {
  console.error(`no leg named ${unknown.join(', ')}; there are: ${Object.keys(LEGS).join(', ')}`);
  process.exit(2);
}

const installed = await installPackage();
const total = { passed: 0, failed: 0 };
for (const name of asked.length > 0 ? asked : Object.keys(LEGS)) {
  console.log(`\n--- ${name}`);
  const count = await LEGS[name](installed).catch((error) => {
    console.error(error);
    return { passed: 0, failed: 1 };
  });
  console.log(`--- ${name}: ${count.passed} passed, ${count.failed} failed`);
  total.passed += count.passed;
  total.failed += count.failed;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
// Sockets and browsers that a failed leg left open must not keep us here.
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
