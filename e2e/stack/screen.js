// What the stack shows: the steps of its coming up, and a summary.
import { createScreen as createSteps } from '../../scripts/lib/screen.js';

/** @typedef {import('../../scripts/lib/screen.js').Screen & { table: (rows: readonly (readonly [string, string])[]) => void }} Screen */

/**
 * @param {NodeJS.WriteStream} out
 * @returns {Screen}
 */
export function createScreen(out) {
  const { paint, clip: _clip, ...steps } = createSteps(out, { width: 110 });
  return {
    ...steps,
    table: (rows) => {
      const first = Math.max(...rows.map(([name]) => name.length));
      for (const [name, text] of rows) out.write(`  ${paint(1, name.padEnd(first))}  ${text}\n`);
    },
  };
}
