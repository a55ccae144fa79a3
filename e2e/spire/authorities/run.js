// The part `authorities` of the suite: who signs is changed under load, in the order that loses nothing and all at once, on SPIRE and on the development agent.
import { parseArgs } from 'node:util';
import { runCases, verdictOf } from '../run-cases.js';
import { table } from '../table.js';
import { devScenarios } from './dev-scenarios.js';
import { readPage, told, writeReport } from './report.js';
import { spireScenarios } from './spire-scenarios.js';

const usage = 'usage: npm run test:spire -- authorities [--short] [--agent dev] [--write] [<scenario>...]';
const scenariosOf = { spire: spireScenarios, dev: devScenarios };
/** Seconds that SVIDs live. */
const ttls = { full: 60, short: 20 };
/** What a change has to pass, in two minutes. */
const shortForm = ['own-in-order', 'below-new-root'];

/**
 * @param {{ words: readonly string[], log: (line: string) => void }} options the words after the name of the part
 * @returns {Promise<number>} the exit code
 */
export async function runAuthorities({ words, log }) {
  const settings = readArguments(words);
  if (typeof settings === 'string') {
    process.stderr.write(`error: ${settings}\nhint: ${usage}\n`);
    return 2;
  }
  const { agent, short, write, wanted } = settings;
  const scenarios = scenariosOf[agent];
  if (write) readPage(); // Before minutes go by.
  /** @type {import('./report.js').Result[]} */
  const results = [];
  const { outcomes, failures, summary } = await runCases({
    cases: scenarios.filter(({ name }) => wanted.includes(name)),
    log,
    run: async ({ name, signs, run }) => {
      const start = performance.now();
      const row = await run({ ttl: ttls[short ? 'short' : 'full'], log });
      results.push({ scenario: name, signs, ...row, took: Math.round(performance.now() - start) });
      return told(row);
    },
  });
  const rows = outcomes.map(({ name, ok, took }) => {
    const row = results.find(({ scenario }) => scenario === name);
    const figures =
      row === undefined
        ? ['', '', '']
        : [`${row.calls} + ${row.handshakes}`, `${row.failures} + ${row.failedHandshakes}`, `${row.longestGap} ms`];
    return [name, verdictOf(ok), took, ...figures];
  });
  log(`\n${table(['scenario', 'result', 'took', 'calls + new connections', 'failed', 'longest gap'], rows)}\n\n${summary()}`);
  if (write && failures === 0)
    writeReport(
      agent,
      scenarios.map(({ name }) => name),
      results,
    );
  return failures === 0 ? 0 : 1;
}

/**
 * @param {readonly string[]} words
 * @returns {{ agent: 'spire' | 'dev', short: boolean, write: boolean, wanted: readonly string[] } | string}
 */
function readArguments(words) {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: {
        short: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        agent: { type: 'string', default: 'spire' },
      },
      allowPositionals: true,
    });
    const { agent, short, write } = values;
    if (agent !== 'spire' && agent !== 'dev') return `there is no agent ${agent}: spire or dev`;
    if (short && write) return 'the table is of the full form: --write goes without --short';
    const names = scenariosOf[agent].map(({ name }) => name);
    const unknown = positionals.find((name) => !names.includes(name));
    if (unknown !== undefined) return `there is no scenario ${unknown}; there are ${names.join(', ')}`;
    const usual = short && agent === 'spire' ? shortForm : names;
    return { agent, short, write, wanted: positionals.length === 0 ? usual : positionals };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
