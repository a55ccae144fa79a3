// A line that fits: text with colours in, no more of it than a terminal has columns out.

/** Cuts a line to so many characters, colours not counted; a colour that is on at the cut is turned off. */
export function cutTo(line: string, width: number): string {
  let shown = '';
  let left = width;
  let coloured = false;
  for (const [part] of line.matchAll(/\p{Cc}\[[\d;]*m|\P{Cc}/gu)) {
    if (part.startsWith('\u001b')) {
      coloured = part !== '\u001b[0m';
      shown += part;
    } else if (left > 0) {
      left -= 1;
      shown += part;
    } else return coloured ? `${shown}\u001b[0m` : shown;
  }
  return shown;
}
