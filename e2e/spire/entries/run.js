// The part `entries` of the suite: registration with the ephemos command, on a real SPIRE server and agent.
import { parseArgs } from 'node:util';
import { openSuite } from '../suite.js';
import { table } from '../table.js';
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
const shownText = 120;

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
  const unknown = positionals.find((name) => !all.some((each) => each.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`error: there is no scenario ${unknown}\nhint: there are ${all.map(({ name }) => name).join(', ')}\n`);
    return 2;
  }
  const begin = performance.now();
  const suite = await openSuite({ name: 'e2e-entries', agent: 'spire', ttl, log });
  /** @type {string[][]} */
  const rows = [];
  let failures = 0;
  try {
    const command = await openCommand(suite);
    for (const { name, rule, run } of all.filter((each) => positionals.length === 0 || positionals.includes(each.name))) {
      const start = performance.now();
      const result = await run({ command, short: values.short }).then(
        (measured) => ({ ok: true, told: measured }),
        (error) => ({ ok: false, told: (error instanceof Error ? error.message : String(error)).trim() }),
      );
      const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
      if (!result.ok) failures += 1;
      log(`${result.ok ? 'ok    ' : 'FAILED'}  ${name}: ${rule} (${took})\n        ${result.told}`);
      rows.push([name, result.ok ? 'ok' : 'FAILED', took, (result.told.split('\n')[0] ?? '').slice(0, shownText)]);
    }
  } finally {
    await suite.close({ failed: failures > 0 });
  }
  log(`\n${table(['scenario', 'result', 'took', 'measured'], rows)}`);
  log(
    `\n${suite.world.about}: ${rows.length - failures} passed, ${failures} failed in ${((performance.now() - begin) / 1000).toFixed(0)} s`,
  );
  return failures === 0 ? 0 : 1;
}
