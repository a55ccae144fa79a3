// Words for people: foreign text made harmless, columns aligned, colours where the terminal takes them.

/** Colours for standard output, or nothing at all. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
}

/** Makes a style. */
export function createStyle(color: boolean): Style {
  const wrap = (code: string) => (text: string) => (color && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: wrap('1'), dim: wrap('2'), good: wrap('32'), bad: wrap('31'), warn: wrap('33') };
}

// Control characters, line separators, and what turns the direction of text: a peer must not be able to draw on the terminal.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Text that came from outside, on one line, with everything that a terminal would act on written as an escape. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** One JSON document that a terminal can show: control characters are escaped beyond what JSON asks for. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    // In units of UTF-16, which is what \u means in JSON.
    Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join(''),
  );
}

/** How {@link columns} lays out. */
export interface ColumnsOptions {
  readonly indent?: string;
  /** Where the last cell is broken between words; without it nothing is. */
  readonly width?: number | undefined;
}

/** Rows in columns, two spaces apart; the last cell of a row is not padded. Widths are counted without colours. */
export function columns(rows: readonly (readonly string[])[], { indent = '', width }: ColumnsOptions = {}): string {
  const widths: number[] = [];
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  return rows
    .map((row) => {
      const before = row.slice(0, -1).map((cell, index) => `${cell}${' '.repeat((widths[index] ?? 0) - widthOf(cell))}  `);
      const head = indent + before.join('');
      const margin = ' '.repeat(widthOf(head));
      return (head + wrap(row[row.length - 1] ?? '', width === undefined ? undefined : width - margin.length, margin)).trimEnd();
    })
    .join('\n');
}

// Less room than this is not worth breaking for.
const LEAST_WIDTH = 24;

function wrap(text: string, width: number | undefined, margin: string): string {
  if (width === undefined || width < LEAST_WIDTH || widthOf(text) <= width) return text;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${margin}`);
}

/** Whether the terminal is told to show more than ASCII. */
export function isUnicode({ LC_ALL, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test([LC_ALL, LC_CTYPE, LANG].find((each) => each !== undefined && each !== '') ?? '');
}

/** `1 authority`, `2 authorities`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** The line that gives a shell the endpoint. */
export function exportLine(endpoint: string): string {
  return `export SPIFFE_ENDPOINT_SOCKET=${/^[\w@%+=:,./-]+$/.test(endpoint) ? endpoint : `'${endpoint.replaceAll("'", "'\\''")}'`}`;
}

function widthOf(text: string): number {
  let width = 0;
  let escaped = false;
  for (const character of text) {
    if (character === '\u001b') escaped = true;
    else if (escaped) escaped = character !== 'm';
    else width += 1;
  }
  return width;
}
