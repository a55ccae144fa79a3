// One event of watch or dev as one line: its time, its name in a column, and what it is about.
import { columns, printable, type Style } from './text.ts';
import { timeOfDay } from './time.ts';

/** An event as it is shown. */
export interface EventLine {
  readonly name: string;
  readonly tone: 'good' | 'bad' | 'warn' | 'plain';
  /** Already free of control characters. */
  readonly about: string;
  /** On a line of its own below. */
  readonly hint?: string | undefined;
}

const NAME_WIDTH = 12;

/** Time, look and room of a line. */
export interface EventLineOptions {
  readonly time: number;
  readonly style: Style;
  readonly width: number | undefined;
}

/** The line, with its end. */
export function eventLine({ name, tone, about, hint }: EventLine, { time, style, width }: EventLineOptions): string {
  const padded = name.padEnd(NAME_WIDTH);
  const rows = [[style.dim(timeOfDay(time)), tone === 'plain' ? padded : style[tone](padded), about]];
  if (hint !== undefined) rows.push(['', '', `hint: ${printable(hint)}`]);
  return `${columns(rows, { width })}\n`;
}
