import { describe, expect, it } from 'vitest';
import { cutTo } from '../../src/top/cut.ts';
import { openDrawing } from '../../src/top/screen.ts';

/** A terminal of some size that keeps what is written to it. */
function terminal(columns: number, rows: number) {
  const listeners = new Set<() => void>();
  const written: string[] = [];
  let size = { columns, rows };
  return {
    written,
    listeners,
    resize(next: typeof size) {
      size = next;
      for (const listener of listeners) listener();
    },
    print: (text: string): void => void written.push(text),
    size: () => size,
    onResize(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

describe('a drawing', () => {
  it('takes the alternate screen and gives the terminal back as it was, once', () => {
    const screen = terminal(40, 5);
    const drawing = openDrawing(screen, screen);
    drawing.close();
    drawing.close();
    expect(screen.written).toEqual(['\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J', '\u001b[?7h\u001b[?25h\u001b[?1049l']);
    expect(screen.listeners.size).toBe(0);
  });

  it('writes each page over the last one, and scrolls nothing', () => {
    const screen = terminal(10, 4);
    const drawing = openDrawing(screen, screen);
    drawing.draw(() => ({ lines: ['one', 'two'], footer: 'foot' }));
    expect(screen.written.at(-1)).toBe('\u001b[H\u001b[Kone\r\n\u001b[Ktwo\r\n\u001b[J\u001b[4;1Hfoot');
    drawing.close();
    drawing.draw(() => ({ lines: ['late'], footer: '' }));
    expect(screen.written.join('')).not.toContain('late');
  });

  it('fits the terminal, also after its size has changed', () => {
    const screen = terminal(5, 4);
    const drawing = openDrawing(screen, screen);
    drawing.draw(({ columns }) => ({ lines: ['1234567', `${columns}`, '3', '4', '5'], footer: 'a long foot' }));
    expect(screen.written.at(-1)).toBe('\u001b[H\u001b[K12345\r\n\u001b[K5\r\n\u001b[K...\r\n\u001b[J\u001b[4;1Ha lon');
    screen.resize({ columns: 7, rows: 6 });
    expect(screen.written.at(-1)).toBe(
      '\u001b[H\u001b[K1234567\r\n\u001b[K7\r\n\u001b[K3\r\n\u001b[K4\r\n\u001b[K5\r\n\u001b[J\u001b[6;1Ha long ',
    );
    screen.resize({ columns: 1, rows: 1 });
    expect(screen.written.at(-1)).toBe('\u001b[H\u001b[J\u001b[1;1Ha');
    drawing.close();
  });
});

describe('a cut line', () => {
  it.each([
    ['plain text', 5, 'plain'],
    ['short', 10, 'short'],
    ['\u001b[31mred\u001b[0m and more', 7, '\u001b[31mred\u001b[0m and'],
    ['\u001b[31mlong red\u001b[0m', 4, '\u001b[31mlong\u001b[0m'],
    ['\u001b[31mred\u001b[0m', 3, '\u001b[31mred\u001b[0m'],
    ['██░░', 2, '██'],
    ['', 3, ''],
    ['text', 0, ''],
  ])('of %j has no more than %i characters, and no colour after it', (line, width, cut) => {
    expect(cutTo(line, width)).toBe(cut);
  });
});
