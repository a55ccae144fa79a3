// What programs for people show while they work: steps with a spinner in a terminal, plain lines anywhere else.

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const tellMs = 5_000;

/**
 * @typedef {object} Screen
 * @property {(text: string) => void} title
 * @property {<T>(text: string, body: (show: (text: string) => void) => Promise<T>) => Promise<T>} step
 *   shows that something is being done, and then how long it took
 * @property {(text: string) => void} line
 * @property {() => void} close gives the terminal back
 */

/**
 * @typedef {object} Pen
 * @property {(code: number, text: string) => string} paint in a colour of the terminal, where it has any
 * @property {(text: string, taken: number) => string} clip cut to what the terminal has room for beside what is taken: a line that wraps could not be
 *   drawn over
 */

/**
 * @param {NodeJS.WriteStream} out
 * @param {{ width: number }} options the widest line
 * @returns {Screen & Pen}
 */
export function createScreen(out, { width }) {
  const live = out.isTTY === true && process.env['TERM'] !== 'dumb';
  const colours = live && !process.env['NO_COLOR'];
  /** @type {Pen['paint']} */
  const paint = (code, text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  /** @type {Pen['clip']} */
  const clip = (text, taken) => {
    const room = Math.max(Math.min(width, out.columns ?? width) - taken, 1);
    return (text.length > room ? `${text.slice(0, room - 1)}…` : text).padEnd(room);
  };
  const line = (/** @type {string} */ text, /** @type {string} */ right) => `${clip(text, right.length + 6)} ${paint(2, right)}`;

  return {
    paint,
    clip,
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
      const timer = live ? setInterval(draw, 80) : setInterval(tell, tellMs);
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
    line: (text) => out.write(`${text}\n`),
    close: () => {
      if (live) out.write('\u001b[?25h');
    },
  };
}
