// The end-to-end suite: the echo pair on SPIRE (or, with --agent dev, on the development agent), scenario by scenario.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runCases, runInRoom, tableOf, verdictOf } from './run-cases.js';
import { scenarios } from './scenarios.js';
import { openSuite, SetupError } from './suite.js';
import { table } from './table.js';

const names = scenarios.map(({ name }) => name);
/** @typedef {(options: { words: readonly string[], log: (line: string) => void }) => Promise<number>} Part */
/** Beside the scenarios of the echo pair, each with a SPIRE of its own. @type {Readonly<Record<string, () => Promise<Part>>>} */
const parts = {
  authorities: async () => (await import('./authorities/run.js')).runAuthorities,
  backup: async () => (await import('./backup/run.js')).runBackup,
  config: () => inRoom('conf', import('./config/cases.js')),
  doctor: async () => (await import('./doctor/run.js')).runDoctor,
  entries: async () => (await import('./entries/run.js')).runEntries,
  ha: async () => (await import('./ha/run.js')).runHa,
  scale: async () => (await import('./scale/run.js')).runScale,
  stack: () => inRoom('stk', import('./stack/cases.js')),
};
/** They have one form. */
const oneForm = new Set(['config', 'stack']);
const usage = `usage: npm run test:spire [-- --short] [-- --agent dev] [-- <scenario>...], or -- all [--short], or -- <part>; scenarios: ${names.join(', ')}; parts: ${Object.keys(parts).join(', ')}`;
/** Seconds that SVIDs live. SPIRE adds 10 s of backdating and renews at half the whole: each 25 s, or 5 s in the short form. */
const ttls = { spire: { full: 60, short: 20 }, dev: { full: 50, short: 10 } };

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
  const [part, ...words] = process.argv.slice(2);
  if (part === 'all') return runAll(words);
  if (part !== undefined && Object.hasOwn(parts, part)) return (await parts[part]?.())?.({ words, log }) ?? 2;
  const settings = readArguments();
  if (typeof settings === 'string') {
    process.stderr.write(`error: ${settings}\nhint: ${usage}\n`);
    return 2;
  }
  const { short, agent, wanted } = settings;
  const begin = performance.now();
  const ttl = ttls[agent][short ? 'short' : 'full'];
  const suite = await openSuite({ name: `e2e-${agent}`, agent, ttl, log });
  log(`ready after ${((performance.now() - begin) / 1000).toFixed(1)} s; ${short ? 'short' : 'full'} form\n`);

  let failed = true;
  try {
    const { outcomes, failures, summary } = await runCases({
      cases: scenarios.filter(({ name }) => wanted.includes(name)),
      log,
      run: ({ run }) => run({ suite, short }),
    });
    failed = failures > 0;
    log(`\n${tableOf(outcomes, { what: 'scenario', shown: 100 })}\n\n${suite.world.about}: ${summary()}`);
  } finally {
    await suite.close({ failed });
  }
  return failed ? 1 : 0;
}

/**
 * A part that is nothing but its cases.
 * @param {string} name of its room
 * @param {Promise<{ cases: Parameters<typeof runInRoom>[0]['cases'] }>} loading
 * @returns {Promise<Part>}
 */
async function inRoom(name, loading) {
  const { cases } = await loading;
  return (options) => runInRoom({ ...options, name, cases });
}

/**
 * Everything, one after the other, each in a process of its own.
 * @param {readonly string[]} words
 * @returns {Promise<number>}
 */
async function runAll(words) {
  const short = words.includes('--short') ? ['--short'] : [];
  /** @type {string[][]} */
  const rows = [];
  for (const [name, args] of [
    ['scenarios', short],
    ['scenarios, development agent', ['--agent', 'dev', ...short]],
    ...Object.keys(parts).map((part) => /** @type {const} */ ([part, [part, ...(oneForm.has(part) ? [] : short)]])),
  ]) {
    log(`\n=== ${name}`);
    const start = performance.now();
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...(args ?? [])], { stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    rows.push([String(name), verdictOf(code === 0), `${((performance.now() - start) / 1000).toFixed(0)} s`]);
  }
  log(`\n${table(['part', 'result', 'took'], rows)}`);
  return rows.every(([, result]) => result === 'ok') ? 0 : 1;
}

/** @returns {{ short: boolean, agent: 'spire' | 'dev', wanted: readonly string[] } | string} */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: { short: { type: 'boolean', default: false }, agent: { type: 'string', default: 'spire' } },
      allowPositionals: true,
    });
    const unknown = positionals.find((name) => !names.includes(name));
    if (unknown !== undefined) return `there is no scenario ${unknown}`;
    if (values.agent !== 'spire' && values.agent !== 'dev') return `there is no agent ${values.agent}: spire or dev`;
    return { short: values.short, agent: values.agent, wanted: positionals.length === 0 ? names : positionals };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
