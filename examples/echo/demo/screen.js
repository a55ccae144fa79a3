// What the demo shows: its steps, and one table at the end.
import { createScreen as createSteps } from '../../../scripts/lib/screen.js';

/** @typedef {{ what: string, result: string, figure: string }} Row */

/**
 * @typedef {object} Notes
 * @property {(text: string) => void} detail a line below the step that has just ended
 * @property {(what: string, result: string, figure: string) => void} note adds a row to the table
 * @property {(text: string) => void} summary the table, and a last line
 * @property {(text: string) => void} failure
 */

/** @typedef {import('../../../scripts/lib/screen.js').Screen & Notes} Screen */

/**
 * @param {NodeJS.WriteStream} out
 * @returns {Screen}
 */
export function createScreen(out) {
  const { paint, clip, ...steps } = createSteps(out, { width: 98 });
  /** @type {Row[]} */
  const rows = [];
  return {
    ...steps,
    detail: (text) => out.write(`      ${paint(2, clip(text, 6).trimEnd())}\n`),
    note: (what, result, figure) => void rows.push({ what, result, figure }),
    summary(text) {
      const head = { what: 'what', result: 'result', figure: 'figure' };
      const [what = 0, result = 0] = /** @type {const} */ (['what', 'result']).map((key) =>
        Math.max(...[head, ...rows].map((row) => row[key].length)),
      );
      const figure = (/** @type {string} */ value) => clip(value, what + result + 8).trimEnd();
      out.write(`\n  ${paint(1, `${head.what.padEnd(what)}   ${head.result.padEnd(result)}   ${head.figure}`)}\n`);
      out.write(`  ${paint(2, '─'.repeat(clip('', 2).length))}\n`);
      for (const row of rows) out.write(`  ${row.what.padEnd(what)}   ${paint(32, row.result.padEnd(result))}   ${figure(row.figure)}\n`);
      out.write(`\n${text}\n`);
    },
    failure: (text) => out.write(`\n${paint(31, `demo failed: ${text}`)}\n`),
  };
}
