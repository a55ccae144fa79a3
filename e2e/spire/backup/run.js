// The part `backup` of the suite: `npm run test:spire -- backup [--short] [<case>...]`. The scripts in deploy/backup on running deployments.
import { parseArgs } from 'node:util';
import { refuseUnknown, runCases, tableOf } from '../run-cases.js';
import { cases } from './cases.js';

/**
 * @param {{ words: readonly string[], log: (line: string) => void }} options the words after `backup`
 * @returns {Promise<number>} the exit code
 */
export async function runBackup({ words, log }) {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { short: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  if (refuseUnknown(positionals, cases)) return 2;
  const { short } = values;
  const { outcomes, failures, summary } = await runCases({
    cases: cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    // Most of the time goes into waiting for the servers' caches; the full form has figures in it, which a second case would spoil.
    lanes: short ? 2 : 1,
    log,
    run: async ({ run }) => (await run({ short, log })).join('\n'),
  });
  log(`\n${tableOf(outcomes, { shown: 130 })}\n\n${summary()}`);
  return failures === 0 ? 0 : 1;
}
