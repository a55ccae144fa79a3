// What the stack shows while it comes up: steps with a spinner in a terminal, plain lines anywhere else.

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const width = 110;

/**
 * @typedef {object} Screen
 * @property {(text: string) => void} title
 * @property {<T>(text: string, body: (show: (text: string) => void) => Promise<T>) => Promise<T>} step
 *   shows that something is being done, and then how long it took
 * @property {(rows: readonly (readonly [string, string])[]) => void} table
 * @property {(text: string) => void} line
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

  // A line that wraps could not be drawn over.
  const clip = (/** @type {string} */ text, /** @type {number} */ taken) => {
    const room = Math.max(Math.min(width, out.columns ?? width) - taken, 1);
    return (text.length > room ? `${text.slice(0, room - 1)}…` : text).padEnd(room);
  };
  const line = (/** @type {string} */ text, /** @type {string} */ right) => `${clip(text, right.length + 6)} ${paint(2, right)}`;

  return {
    title: (text) => out.write(`${paint(1, text)}\n\n`),
    step: async (text, body) => {
      const began = performance.now();
      const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
      let shown = text;
      let frame = 0;
      const draw = () => {
        out.write(`\r\u001b[2K  ${paint(36, frames[frame % frames.length] ?? '')} ${line(shown, seconds())}`);
        frame += 1;
      };
      const tell = () => {
        out.write(`  … ${shown}\n`);
      };
      const timer = live ? setInterval(draw, 80) : setInterval(tell, 10_000);
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
        out.write(`${live ? '\r\u001b[2K\u001b[?25h' : ''}  ${sign} ${line(shown, seconds()).trimEnd()}\n`);
      }
    },
    table: (rows) => {
      const first = Math.max(...rows.map(([name]) => name.length));
      for (const [name, text] of rows) out.write(`  ${paint(1, name.padEnd(first))}  ${text}\n`);
    },
    line: (text) => out.write(`${text}\n`),
    close: () => {
      if (live) out.write('\u001b[?25h');
    },
  };
}
