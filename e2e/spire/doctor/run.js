// The part `doctor` of the suite: every failure that `ephemos doctor --live` explains, provoked on a real SPIRE, and mended by what it printed.
import { parseArgs } from 'node:util';
import { openSpireRoom } from '../room.js';
import { refuseUnknown, runCases, tableOf } from '../run-cases.js';
import { cases } from './cases.js';
import { openPlace } from './place.js';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} rule
 * @property {boolean} [full] in the full form only
 * @property {(place: import('./place.js').Place, short: boolean) => Promise<string>} run what it tells
 */

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
  if (refuseUnknown(positionals, cases)) return 2;
  const { short } = values;
  const room = await openSpireRoom({ name: 'doc', log });
  let failed = true;
  try {
    const place = await openPlace(room);
    room.onClose(() => place.close());
    log(`SPIRE ${room.spire.version} (${room.spire.from})\n`);
    const wanted = cases.filter(({ name, full = false }) => (positionals.length > 0 ? positionals.includes(name) : !(short && full)));
    const { outcomes, failures, summary } = await runCases({ cases: wanted, log, run: ({ run }) => run(place, short) });
    failed = failures > 0;
    log(`\n${tableOf(outcomes)}\n\n${summary()}`);
  } finally {
    await room.close({ failed });
  }
  return failed ? 1 : 0;
}
