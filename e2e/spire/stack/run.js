// The part `stack` of the suite: `npm run test:spire -- stack [<case>...]`. What `ephemos deploy init` writes, judged by compose itself and by SPIRE, and
// `npm run stack` as its users have it.
import { openSpireRoom, SetupError } from '../room.js';
import { table } from '../table.js';
import { cases, Skipped } from './cases.js';

const names = cases.map(({ name }) => name);

/**
 * @param {{ words: readonly string[], log: (line: string) => void }} options the words after `stack`
 * @returns {Promise<number>} the exit code
 */
export async function runStack({ words, log }) {
  const unknown = words.find((word) => !names.includes(word));
  if (unknown !== undefined) {
    process.stderr.write(
      `error: there is no case ${unknown}\nhint: usage: npm run test:spire -- stack [<case>...]; cases: ${names.join(', ')}\n`,
    );
    return 2;
  }
  const begin = performance.now();
  const room = await openSpireRoom({ name: 'stk', log });
  log(`SPIRE ${room.spire.version} (${room.spire.from})\n`);
  /** @type {string[][]} */
  const rows = [];
  let failures = 0;
  let skipped = 0;
  try {
    for (const { name, rule, run } of cases) {
      if (words.length > 0 && !words.includes(name)) continue;
      const start = performance.now();
      const { verdict, told } = await run(room).then(
        (measured) => ({ verdict: 'ok', told: measured }),
        (error) => {
          if (error instanceof SetupError) throw error;
          const text = (error instanceof Error ? error.message : String(error)).trim().split('\n')[0] ?? '';
          return { verdict: error instanceof Skipped ? 'skipped' : 'FAILED', told: text };
        },
      );
      const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
      if (verdict === 'FAILED') failures += 1;
      if (verdict === 'skipped') skipped += 1;
      log(`${verdict.padEnd(7)} ${name}: ${rule} (${took})\n        ${told}`);
      rows.push([name, verdict, took, told]);
    }
  } finally {
    await room.close({ failed: failures > 0 });
  }
  log(`\n${table(['case', 'result', 'took', 'measured'], rows)}`);
  log(`\n${rows.length - failures - skipped} passed, ${failures} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
  log(`${rows.length} cases in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  return failures === 0 && rows.length > skipped ? 0 : 1;
}
