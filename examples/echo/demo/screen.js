// What the demo shows: steps with a spinner in a terminal, plain lines anywhere else, and one table at the end.

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const width = 98;

/** @typedef {{ what: string, result: string, figure: string }} Row */

/**
 * @typedef {object} Screen
 * @property {(text: string) => void} title
 * @property {<T>(text: string, body: (progress: (text: string) => void) => Promise<T>) => Promise<T>} step
 *   shows that something is being done, and then how long it took
 * @property {(text: string) => void} detail a line below the step that has just ended
 * @property {(what: string, result: string, figure: string) => void} note adds a row to the table
 * @property {(text: string) => void} summary the table, and a last line
 * @property {(text: string) => void} failure
 * @property {() => void} close gives the terminal back
 */

/**
 * @param {NodeJS.WriteStream} out
 * @returns {Screen}
 */
export function createScreen(out) {
  const live = out.isTTY === true && process.env['TERM'] !== 'dumb';
  const colours = live && !process.env['NO_COLOR'];
  const paint = (/** @type {number} */ code, /** @type {string} */ text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  /** @type {Row[]} */
  const rows = [];

  /**
   * Cut to what the terminal has room for: a line that wraps could not be drawn over.
   * @param {string} text
   * @param {number} taken by what stands on the same line
   */
  function fit(text, taken) {
    const room = Math.max(Math.min(width, out.columns ?? width) - taken, 1);
    return (text.length > room ? `${text.slice(0, room - 1)}…` : text).padEnd(room);
  }

  const line = (/** @type {string} */ text, /** @type {string} */ right) => `${fit(text, right.length + 5)} ${paint(2, right)}`;

  return {
    title: (text) => out.write(`${paint(1, text)}\n\n`),
    async step(text, body) {
      const began = performance.now();
      const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
      let shown = text;
      let frame = 0;
      const draw = () => out.write(`\r\u001b[2K  ${paint(36, frames[frame++ % frames.length] ?? '')} ${line(shown, seconds())}`);
      const tell = () => out.write(`  … ${shown}\n`);
      const timer = live ? setInterval(draw, 80) : setInterval(tell, 5_000);
      if (live) out.write('\u001b[?25l');
      let sign = paint(31, '✗');
      try {
        const result = await body((progress) => {
          shown = progress;
        });
        sign = paint(32, '✓');
        return result;
      } finally {
        clearInterval(timer);
        out.write(`${live ? '\r\u001b[2K\u001b[?25h' : ''}  ${sign} ${line(shown, seconds())}\n`);
      }
    },
    detail: (text) => out.write(`      ${paint(2, fit(text, 6).trimEnd())}\n`),
    note: (what, result, figure) => void rows.push({ what, result, figure }),
    summary(text) {
      const head = { what: 'what', result: 'result', figure: 'figure' };
      const [what = 0, result = 0] = /** @type {const} */ (['what', 'result']).map((key) =>
        Math.max(...[head, ...rows].map((row) => row[key].length)),
      );
      const figure = (/** @type {string} */ value) => fit(value, what + result + 8).trimEnd();
      out.write(`\n  ${paint(1, `${head.what.padEnd(what)}   ${head.result.padEnd(result)}   ${head.figure}`)}\n`);
      out.write(`  ${paint(2, '─'.repeat(fit('', 2).length))}\n`);
      for (const row of rows) out.write(`  ${row.what.padEnd(what)}   ${paint(32, row.result.padEnd(result))}   ${figure(row.figure)}\n`);
      out.write(`\n${text}\n`);
    },
    failure: (text) => out.write(`\n${paint(31, `demo failed: ${text}`)}\n`),
    close: () => live && out.write('\u001b[?25h'),
  };
}
