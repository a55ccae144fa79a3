// The part `backup` of the suite: `npm run test:spire -- backup [--short] [<case>...]`. The scripts in deploy/backup on running deployments.
import { parseArgs } from 'node:util';
import { SetupError } from '../room.js';
import { table } from '../table.js';
import { cases } from './cases.js';

const names = cases.map(({ name }) => name);
const shownText = 130;

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
  const unknown = positionals.find((word) => !names.includes(word));
  if (unknown !== undefined) {
    process.stderr.write(
      `error: there is no case ${unknown}\nhint: usage: npm run test:spire -- backup [--short] [<case>...]; cases: ${names.join(', ')}\n`,
    );
    return 2;
  }
  const begin = performance.now();
  const wanted = cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  /** @type {string[][]} */
  const rows = [];
  let failures = 0;
  let next = 0;
  /** One case after the other. */
  const lane = async () => {
    for (let each = wanted[next++]; each !== undefined; each = wanted[next++]) {
      const { name, rule, run } = each;
      const start = performance.now();
      const result = await run({ short: values.short, log }).then(
        (told) => ({ ok: true, told }),
        (error) => {
          if (error instanceof SetupError) throw error;
          return { ok: false, told: [(error instanceof Error ? error.message : String(error)).trim()] };
        },
      );
      const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
      if (!result.ok) failures += 1;
      log(`${result.ok ? 'ok    ' : 'FAILED'}  ${name}: ${rule} (${took})\n${result.told.map((line) => `        ${line}`).join('\n')}`);
      rows.push([name, result.ok ? 'ok' : 'FAILED', took, (result.told[0]?.split('\n')[0] ?? '').slice(0, shownText)]);
    }
  };
  // Most of the time goes into waiting for the servers' caches; the full form has figures in it, which a second case would spoil.
  await Promise.all(Array.from({ length: values.short ? 2 : 1 }, lane));
  log(`\n${table(['case', 'result', 'took', 'measured'], rows)}`);
  log(`\n${rows.length - failures} passed, ${failures} failed`);
  log(`${rows.length} cases in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  return failures === 0 && rows.length > 0 ? 0 : 1;
}
