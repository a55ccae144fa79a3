// The part `doctor` of the suite: every failure that `ephemos doctor --live` explains, provoked on a real SPIRE, and mended by what it printed.
import { parseArgs } from 'node:util';
import { openSpireRoom } from '../room.js';
import { table } from '../table.js';
import { cases } from './cases.js';
import { openPlace } from './place.js';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} rule
 * @property {boolean} [full] in the full form only
 * @property {(place: import('./place.js').Place, short: boolean) => Promise<string>} run what it tells
 */

const shownText = 110;

/**
 * Runs it and returns the exit code.
 * @param {{ words: readonly string[], log: (line: string) => void }} options the words after the name of the part
 * @returns {Promise<number>}
 */
export async function runDoctor({ words, log }) {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { short: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.find((name) => !cases.some((each) => each.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`error: there is no case ${unknown}\nhint: there are ${cases.map(({ name }) => name).join(', ')}\n`);
    return 2;
  }
  const begin = performance.now();
  const room = await openSpireRoom({ name: 'doc', log });
  /** @type {string[][]} */
  const rows = [];
  let failures = 0;
  try {
    const place = await openPlace(room);
    room.onClose(() => place.close());
    log(`SPIRE ${room.spire.version} (${room.spire.from})\n`);
    for (const { name, rule, full = false, run } of cases) {
      if (positionals.length > 0 ? !positionals.includes(name) : values.short && full) continue;
      const start = performance.now();
      const result = await run(place, values.short).then(
        (told) => ({ ok: true, told }),
        (error) => ({ ok: false, told: (error instanceof Error ? error.message : String(error)).trim() }),
      );
      const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
      if (!result.ok) failures += 1;
      log(`${result.ok ? 'ok    ' : 'FAILED'}  ${name}: ${rule} (${took})\n        ${result.told}`);
      rows.push([name, result.ok ? 'ok' : 'FAILED', took, (result.told.split('\n')[0] ?? '').slice(0, shownText)]);
    }
  } finally {
    await room.close({ failed: failures > 0 });
  }
  log(`\n${table(['case', 'result', 'took', 'measured'], rows)}`);
  log(`\n${rows.length - failures} passed, ${failures} failed in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  return failures === 0 && rows.length > 0 ? 0 : 1;
}
