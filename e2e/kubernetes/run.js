// `npm run test:kubernetes`: deploy/kubernetes on a real API server and controller manager, without nodes. `-- --short` leaves out what takes long;
// words name cases. Builds what is missing, once: `node e2e/kubernetes/install.js` does only that.
import { parseArgs } from 'node:util';
import { SetupError } from '../spire/room.js';
import { refuseUnknown, runCases, tableOf } from '../spire/run-cases.js';
import { admission } from './cases/admission.js';
import { apply } from './cases/apply.js';
import { attestation } from './cases/attestation.js';
import { deployerCase } from './cases/deployer.js';
import { guide } from './cases/guide.js';
import { mutations } from './cases/mutations.js';
import { openWorld } from './world.js';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} rule
 * @property {(world: import('./world.js').World) => Promise<string>} run resolves with what was measured
 */

/** In this order: what comes before the controller manager starts finds a cluster where nothing acts by itself. @type {readonly Case[]} */
const cases = [apply, guide, mutations, deployerCase, attestation, admission];
const usage = `usage: npm run test:kubernetes [-- --short] [-- <case>...]; cases: ${cases.map(({ name }) => name).join(', ')}`;
const log = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(1);
}

/** @returns {Promise<number>} */
async function main() {
  const settings = readWords();
  if (typeof settings === 'string') {
    process.stderr.write(`error: ${settings}\nhint: ${usage}\n`);
    return 2;
  }
  const { short, words } = settings;
  if (refuseUnknown(words, cases)) return 2;
  const begin = performance.now();
  const world = await openWorld({ short, log });
  log(`all ready after ${((performance.now() - begin) / 1000).toFixed(1)} s; ${short ? 'short' : 'full'} form\n`);
  let failed = true;
  try {
    const wanted = cases.filter(({ name }) => words.length === 0 || words.includes(name));
    const { outcomes, failures, summary } = await runCases({ cases: wanted, log, run: ({ run }) => run(world) });
    failed = failures > 0;
    log(`\n${tableOf(outcomes)}\n`);
    const leftOut = world.leftOut();
    if (leftOut.length > 0) log(`not applied, since nothing here defines ${world.missing.join(' and ')}: ${leftOut.join(', ')}`);
    log(`${summary()}; ${((performance.now() - begin) / 1000).toFixed(0)} s with the start`);
  } finally {
    await world.close({ failed });
  }
  return failed ? 1 : 0;
}

/** @returns {{ short: boolean, words: readonly string[] } | string} */
function readWords() {
  try {
    const { values, positionals } = parseArgs({ options: { short: { type: 'boolean', default: false } }, allowPositionals: true });
    return { short: values.short, words: positionals };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
