// The part `entries` of the suite: registration with the ephemos command, on a real SPIRE server and agent.
import { parseArgs } from 'node:util';
import { refuseUnknown, runCases, tableOf } from '../run-cases.js';
import { openSuite } from '../suite.js';
import { bulk } from './bulk.js';
import { openCommand } from './command.js';
import { scenarios } from './scenarios.js';

/**
 * @typedef {object} Context
 * @property {import('./command.js').Command} command
 * @property {boolean} short
 */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} rule
 * @property {(context: Context) => Promise<string>} run
 */

const ttl = 60;

/**
 * Runs it and returns the exit code.
 * @param {{ words: readonly string[], log: (line: string) => void }} options the words after the name of the part
 * @returns {Promise<number>}
 */
export async function runEntries({ words, log }) {
  const all = [...scenarios, bulk];
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { short: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  if (refuseUnknown(positionals, all, 'scenario')) return 2;
  const suite = await openSuite({ name: 'e2e-entries', agent: 'spire', ttl, log });
  let failed = true;
  try {
    const command = await openCommand(suite);
    const wanted = all.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
    const { outcomes, failures, summary } = await runCases({
      cases: wanted,
      log,
      run: ({ run }) => run({ command, short: values.short }),
    });
    failed = failures > 0;
    log(`\n${tableOf(outcomes, { what: 'scenario' })}\n\n${suite.world.about}: ${summary()}`);
  } finally {
    await suite.close({ failed });
  }
  return failed ? 1 : 0;
}
