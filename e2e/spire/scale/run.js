// The part `scale` of the suite: what SPIRE and Ephemos cost as streams, entries, agents and renewals grow; a table, and results.json.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { openSpireRoom } from '../room.js';
import { refuseUnknown, runCases, tableOf } from '../run-cases.js';
import { agent } from './agent.js';
import { cost } from './cost.js';
import { database } from './database.js';
import { entries } from './entries.js';
import { busyPercent, demandProc } from './procfs.js';
import { signing } from './signing.js';
import { storm } from './storm.js';
import { streams } from './streams.js';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} rule
 * @property {(context: { room: import('../room.js').SpireRoom, short: boolean }) => Promise<{ told: string, figures: object }>} run
 */

/** @type {readonly Case[]} */
const cases = [streams, cost, storm, entries, agent, signing, database];
const names = cases.map(({ name }) => name);

/**
 * Runs it and returns the exit code.
 * @param {{ words: readonly string[], log: (line: string) => void }} options the words after the name of the part
 * @returns {Promise<number>}
 */
export async function runScale({ words, log }) {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { short: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  if (refuseUnknown(positionals, cases)) return 2;
  demandProc();
  const { short } = values;
  const room = await openSpireRoom({ name: 'scale', log });
  const { spire } = room;
  log(`SPIRE ${spire.version} (${spire.from}) and Node ${process.version} on ${cpus().length} cores; ${short ? 'short' : 'full'} form\n`);
  /** @type {Record<string, object>} */
  const results = {};
  let failed = true;
  try {
    const { outcomes, failures, summary } = await runCases({
      cases: cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
      log,
      run: async ({ name, run }) => {
        const busyBefore = short ? 0 : await busyPercent(2);
        const start = performance.now();
        const { told, figures } = await run({ room, short });
        results[name] = { seconds: Number(((performance.now() - start) / 1000).toFixed(1)), busyBefore, ...figures };
        return told;
      },
    });
    failed = failures > 0;
    log(`\n${tableOf(outcomes, { shown: 160 })}\n\n${summary()}`);
  } finally {
    await room.close({ failed });
  }
  if (short) return failed ? 1 : 0;
  keep(results, spire.version);
  log('kept in e2e/spire/scale/results.json; node e2e/spire/scale/render.js takes it into docs/spire.md');
  return failed ? 1 : 0;
}

/**
 * Puts the figures of these cases in the place of older ones. Other cases keep theirs, where they were measured on the same SPIRE and machine.
 * @param {Readonly<Record<string, object>>} results
 * @param {string} version
 */
function keep(results, version) {
  const file = new URL('./results.json', import.meta.url);
  const machine = { cores: cpus().length, model: cpus()[0]?.model ?? '', memoryGiB: Math.round(totalmem() / 1024 ** 3) };
  const measuredOn = { spire: version.replace(/-.*/, ''), node: process.version, machine };
  const { cases: older = {}, ...olderOn } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const same = isDeepStrictEqual(olderOn, measuredOn) ? older : {};
  const all = { ...same, ...results };
  const ordered = Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
  writeFileSync(file, `${JSON.stringify({ ...measuredOn, cases: ordered }, null, 2)}\n`);
}
