// The end-to-end suite: the echo pair on SPIRE (or, with --agent dev, on the development agent), scenario by scenario.
import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.js';
import { openSuite, SetupError } from './suite.js';
import { table } from './table.js';

const names = scenarios.map(({ name }) => name);
const usage = `usage: npm run test:spire [-- --short] [-- --agent dev] [-- <scenario>...], or -- authorities, or -- backup, or -- config, or -- doctor, or -- entries, or -- ha, or -- scale; scenarios: ${names.join(', ')}`;
/** Seconds that SVIDs live. SPIRE adds 10 s of backdating and renews at half the whole: each 25 s, or 5 s in the short form. */
const ttls = { spire: { full: 60, short: 20 }, dev: { full: 50, short: 10 } };

const shownText = 100;
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
  if (part === 'authorities') return (await import('./authorities/run.js')).runAuthorities({ words, log });
  if (part === 'backup') return (await import('./backup/run.js')).runBackup({ words, log });
  if (part === 'config') return (await import('./config/run.js')).runConfig({ words, log });
  if (part === 'doctor') return (await import('./doctor/run.js')).runDoctor({ words, log });
  if (part === 'entries') return (await import('./entries/run.js')).runEntries({ words, log });
  if (part === 'stack') return (await import('./stack/run.js')).runStack({ words, log });
  if (part === 'ha') return (await import('./ha/run.js')).runHa({ words, log });
  if (part === 'scale') return (await import('./scale/run.js')).runScale({ words, log });
  const begin = performance.now();
  const settings = readArguments();
  if (typeof settings === 'string') {
    process.stderr.write(`error: ${settings}\nhint: ${usage}\n`);
    return 2;
  }
  const { short, agent, wanted } = settings;
  const ttl = ttls[agent][short ? 'short' : 'full'];
  const suite = await openSuite({ name: `e2e-${agent}`, agent, ttl, log });
  const ready = performance.now();
  log(`ready after ${((ready - begin) / 1000).toFixed(1)} s; ${short ? 'short' : 'full'} form\n`);

  /** @type {string[][]} */
  const rows = [];
  let failures = 0;
  try {
    for (const { name, rule, run } of scenarios) {
      if (!wanted.includes(name)) continue;
      const start = performance.now();
      const result = await run({ suite, short }).then(
        (measured) => ({ ok: true, told: measured }),
        (error) => ({ ok: false, told: (error instanceof Error ? error.message : String(error)).trim().split('\n')[0] ?? '' }),
      );
      const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
      if (!result.ok) failures += 1;
      log(`${result.ok ? 'ok    ' : 'FAILED'}  ${name}: ${rule} (${took})\n        ${result.told}`);
      rows.push([name, result.ok ? 'ok' : 'FAILED', took, result.told.slice(0, shownText)]);
    }
  } finally {
    await suite.close({ failed: failures > 0 });
  }
  log(`\n${table(['scenario', 'result', 'took', 'measured'], rows)}`);
  log(`\n${rows.length - failures} passed, ${failures} failed`);
  log(`${suite.world.about}: ${rows.length} scenarios in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  return failures === 0 && rows.length === wanted.length ? 0 : 1;
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
