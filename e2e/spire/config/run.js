// The part `config` of the suite: `npm run test:spire -- config [<case>...]`. Every configuration in deploy/spire, accepted and started for real.

import { openSpireRoom, SetupError } from '../room.js';
import { table } from '../table.js';
import { cases } from './cases.js';

const names = cases.map(({ name }) => name);
const shownText = 110;

/**
 * @param {{ words: readonly string[], log: (line: string) => void }} options the words after `config`
 * @returns {Promise<number>} the exit code
 */
export async function runConfig({ words, log }) {
  const unknown = words.find((word) => !names.includes(word));
  if (unknown !== undefined) {
    process.stderr.write(
      `error: there is no case ${unknown}\nhint: usage: npm run test:spire -- config [<case>...]; cases: ${names.join(', ')}\n`,
    );
    return 2;
  }
  const begin = performance.now();
  const room = await openSpireRoom({ name: 'conf', log });
  log(`SPIRE ${room.spire.version} (${room.spire.from})\n`);
  /** @type {string[][]} */
  const rows = [];
  let failures = 0;
  try {
    for (const { name, rule, run } of cases) {
      if (words.length > 0 && !words.includes(name)) continue;
      const start = performance.now();
      const result = await run(room).then(
        (told) => ({ ok: true, told }),
        (error) => {
          if (error instanceof SetupError) throw error;
          return { ok: false, told: (error instanceof Error ? error.message : String(error)).trim().split('\n')[0] ?? '' };
        },
      );
      const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
      if (!result.ok) failures += 1;
      log(`${result.ok ? 'ok    ' : 'FAILED'}  ${name}: ${rule} (${took})\n        ${result.told}`);
      rows.push([name, result.ok ? 'ok' : 'FAILED', took, result.told.slice(0, shownText)]);
    }
  } finally {
    await room.close({ failed: failures > 0 });
  }
  log(`\n${table(['case', 'result', 'took', 'measured'], rows)}`);
  log(`\n${rows.length - failures} passed, ${failures} failed`);
  log(`${rows.length} cases in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  return failures === 0 && rows.length > 0 ? 0 : 1;
}
