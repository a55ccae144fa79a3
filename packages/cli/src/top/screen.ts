// A page that is redrawn in place: on the alternate screen of a terminal, which is as it was when it is left.
import type { Context, Screen } from '../context.ts';
import { cutTo } from './cut.ts';

// xterm: alternate screen, cursor hidden, long lines cut instead of wrapped; and back.
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** A page on a terminal. */
export interface Drawing {
  /** Shows what `page` gives, now and whenever the size of the terminal changes. The last row is the footer. */
  draw(page: (size: ReturnType<Screen['size']>) => { readonly lines: readonly string[]; readonly footer: string }): void;
  /** Gives the terminal back. */
  close(): void;
}

/** Takes the terminal. */
export function openDrawing(screen: Screen, { print }: Pick<Context, 'print'>): Drawing {
  let last: Parameters<Drawing['draw']>[0] | undefined;
  let open = true;
  print(ENTER);

  function show(): void {
    if (last === undefined || !open) return;
    const size = screen.size();
    const { lines, footer } = last(size);
    const room = Math.max(0, size.rows - 1);
    const cut = lines.length > room ? [...lines.slice(0, Math.max(0, room - 1)), '...'].slice(0, room) : lines;
    // Cleared before it is written: after a line that fills the row, the cursor is still on its last character.
    const rows = cut.map((line) => `${CLEAR_LINE}${cutTo(line, size.columns)}\r\n`).join('');
    // The footer stays where it is, and nothing follows it: a line feed there would scroll.
    print(`${HOME}${rows}${CLEAR_BELOW}\u001b[${size.rows};1H${cutTo(footer, size.columns)}`);
  }

  const stop = screen.onResize(show);
  return {
    draw(page) {
      last = page;
      show();
    },
    close() {
      if (!open) return;
      open = false;
      stop();
      print(LEAVE);
    },
  };
}
