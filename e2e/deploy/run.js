// `npm run test:deploy`: deployments written, verified and compared by the built command, and the units for hosts. `-- --short` leaves out what boots machines; words name cases.
import { parseArgs } from 'node:util';
import { openRoom, openSpireRoom, SetupError } from '../spire/room.js';
import { refuseUnknown, runCases, tableOf } from '../spire/run-cases.js';
import { initCases } from './cases-init.js';
import { systemdCases } from './systemd/cases.js';
import { createWorld } from './world.js';

const log = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

/** On the real systemd and nftables, and the real SPIRE: Linux and root. */
const hostCases = [...systemdCases.map((each) => ({ ...each, name: `systemd-${each.name}` }))];
const fileCases = [...initCases];
const cases = [...fileCases, ...hostCases];
const usage = `usage: npm run test:deploy [-- --short] [-- <case>...]; cases: ${cases.map(({ name }) => name).join(', ')}`;

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
  const isWanted = (/** @type {{ name: string }} */ { name }) => words.length === 0 || words.includes(name);
  const files = await runFiles(fileCases.filter(isWanted), { short });
  const hosts = await runHosts(hostCases.filter(isWanted));
  return files && hosts ? 0 : 1;
}

/**
 * @param {readonly import('./world.js').DeployCase[]} wanted
 * @param {{ short: boolean }} options
 */
async function runFiles(wanted, options) {
  if (wanted.length === 0) return true;
  const room = await openRoom({ name: 'dep', otherUsers: false, log });
  const world = createWorld(room, options);
  return inRoom(room, wanted, ({ run }) => run(world));
}

/** @param {typeof hostCases} wanted */
async function runHosts(wanted) {
  if (wanted.length === 0) return true;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    log(`\nleft out, since they need Linux and root: ${wanted.map(({ name }) => name).join(', ')}`);
    return (process.env['CI'] ?? '') === '';
  }
  const room = await openSpireRoom({ name: 'host', log });
  return inRoom(room, wanted, ({ run }) => run(room));
}

/**
 * @template {import('../spire/run-cases.js').Case} T
 * @param {import('../spire/room.js').Room} room
 * @param {readonly T[]} wanted
 * @param {(each: T) => Promise<string>} run
 */
async function inRoom(room, wanted, run) {
  let failed = true;
  try {
    const { outcomes, failures, summary } = await runCases({ cases: wanted, log, run });
    failed = failures > 0;
    log(`\n${tableOf(outcomes)}\n\n${summary()}\n`);
  } finally {
    await room.close({ failed });
  }
  return !failed;
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
