// Cases run one after the other, or in lanes: what came of each is told at once, and in a table at the end.
import { openSpireRoom, SetupError } from './room.js';
import { table } from './table.js';

/**
 * @typedef {object} Outcome
 * @property {string} name
 * @property {boolean} ok
 * @property {string} told what was measured, or why it failed
 * @property {string} took
 */

/**
 * @typedef {object} Ran
 * @property {readonly Outcome[]} outcomes in the order in which they ended
 * @property {number} failures
 * @property {() => string} summary how many passed and failed, and how long all took until now
 */

/** @typedef {{ name: string, rule: string }} Case */

/**
 * @template {Case} T
 * @param {object} options
 * @param {readonly T[]} options.cases
 * @param {(each: T) => Promise<string>} options.run resolves with what was measured; a SetupError ends them all
 * @param {(line: string) => void} options.log
 * @param {number} [options.lanes] how many run beside each other; default 1
 * @returns {Promise<Ran>}
 */
export async function runCases({ cases, run, log, lanes = 1 }) {
  const begin = performance.now();
  /** @type {Outcome[]} */
  const outcomes = [];
  let next = 0;
  const lane = async () => {
    for (let each = cases[next++]; each !== undefined; each = cases[next++]) {
      const { name, rule } = each;
      const start = performance.now();
      const result = await run(each).then(
        (told) => ({ ok: true, told }),
        (error) => {
          if (error instanceof SetupError) throw error;
          return { ok: false, told: (error instanceof Error ? error.message : String(error)).trim() };
        },
      );
      const took = `${((performance.now() - start) / 1000).toFixed(1)} s`;
      const told = result.told.replaceAll('\n', '\n        ');
      log(`${result.ok ? 'ok    ' : 'FAILED'}  ${name}: ${rule} (${took})\n        ${told}`);
      outcomes.push({ name, ...result, took });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const failures = outcomes.filter(({ ok }) => !ok).length;
  return {
    outcomes,
    failures,
    summary: () => `${outcomes.length - failures} passed, ${failures} failed in ${((performance.now() - begin) / 1000).toFixed(0)} s`,
  };
}

/**
 * A line for each, with as much of the first line of what it told as a page has room for.
 * @param {readonly Outcome[]} outcomes
 * @param {{ what?: string, shown?: number }} [options] what one is called; how many characters are shown
 */
export function tableOf(outcomes, { what = 'case', shown = 120 } = {}) {
  const rows = outcomes.map(({ name, ok, took, told }) => [name, verdictOf(ok), took, (told.split('\n')[0] ?? '').slice(0, shown)]);
  return table([what, 'result', 'took', 'measured'], rows);
}

/** @param {boolean} ok */
export const verdictOf = (ok) => (ok ? 'ok' : 'FAILED');

/**
 * Tells of a word that names no case.
 * @param {readonly string[]} words
 * @param {readonly Case[]} cases
 * @param {string} [what] one is called
 * @returns {boolean} whether there was one
 */
export function refuseUnknown(words, cases, what = 'case') {
  const names = cases.map(({ name }) => name);
  const unknown = words.find((word) => !names.includes(word));
  if (unknown === undefined) return false;
  process.stderr.write(`error: there is no ${what} ${unknown}\nhint: there are ${names.join(', ')}\n`);
  return true;
}

/**
 * A whole part of the suite whose cases share one room and have one form.
 * @param {object} options
 * @param {string} options.name of the room, short
 * @param {readonly (Case & { run: (room: import('./room.js').SpireRoom) => Promise<string> })[]} options.cases
 * @param {readonly string[]} options.words the cases that are wanted; all when there are none
 * @param {(line: string) => void} options.log
 * @returns {Promise<number>} the exit code
 */
export async function runInRoom({ name, cases, words, log }) {
  if (refuseUnknown(words, cases)) return 2;
  const room = await openSpireRoom({ name, log });
  log(`SPIRE ${room.spire.version} (${room.spire.from})\n`);
  let failed = true;
  try {
    const wanted = cases.filter((each) => words.length === 0 || words.includes(each.name));
    const { outcomes, failures, summary } = await runCases({ cases: wanted, log, run: ({ run }) => run(room) });
    failed = failures > 0;
    log(`\n${tableOf(outcomes)}\n\n${summary()}`);
  } finally {
    await room.close({ failed });
  }
  return failed ? 1 : 0;
}
