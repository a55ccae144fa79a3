// How far a long job is, on one line of a terminal that is gone when the job is done. Where no terminal is, nothing.
import type { Context, Format } from '../context.ts';
import { cutTo } from '../top/cut.ts';
import { whole } from '../top/numbers.ts';
import { createStyle, isUnicode } from './text.ts';
import { span } from './time.ts';

const CLEAR_LINE = '\r\u001b[K';
const BAR_WIDTH = 24;
// A shorter job is over before anybody has read the line.
const LEAST_TOTAL = 200;

/** A line that shows how far a job is. */
export interface Progress {
  show(done: number, total: number): void;
  /** Takes the line away. */
  close(): void;
}

/** Makes a line for a job, such as `applying`. */
export function createProgress(job: string, format: Format, { screen, color, env, print }: Context): Progress {
  if (screen === undefined || format === 'json') return { show: () => undefined, close: () => undefined };
  const style = createStyle(color);
  const [on, off] = isUnicode(env) ? ['█', '░'] : ['#', '.'];
  const began = performance.now();
  let shown = false;
  return {
    show(done, total) {
      if (total < LEAST_TOTAL) return;
      const share = Math.min(1, done / total);
      const full = Math.round(share * BAR_WIDTH);
      const seconds = Math.ceil(((performance.now() - began) * (1 - share)) / share / 1000);
      const left = share === 0 || share === 1 ? '' : `  ${span(seconds * 1000)} left`;
      const line = `${job}  ${style.good(on.repeat(full))}${style.dim(off.repeat(BAR_WIDTH - full))}  ${whole(done)} of ${whole(total)}${left}`;
      print(`${CLEAR_LINE}${cutTo(line, screen.size().columns - 1)}`);
      shown = true;
    },
    close() {
      if (shown) print(CLEAR_LINE);
      shown = false;
    },
  };
}
