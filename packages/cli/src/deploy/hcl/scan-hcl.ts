// HCL 1 in, its tokens out, with the rules of the scanner that SPIRE uses (github.com/hashicorp/hcl v1.0.1-vault-7, hcl/scanner).
import { HclError, type HclLiteral, type HclPlace } from './hcl-value.ts';

/** A piece of a text. `word` is a name without quotes. */
export interface HclToken extends HclPlace {
  readonly kind: HclLiteral['kind'] | 'word' | 'mark' | 'end';
  /** What a string means; the others as they are written. */
  readonly text: string;
}

const SPACE = /(?:[ \t\r\n]+|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const WORD = /[\p{L}_][\p{L}\p{Nd}_.-]*/uy;
const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][-+]?\d*)?)|\.\d+(?:[eE][-+]?\d*)?/y;
const MARK = /[{}[\],=]/y;
const HEREDOC = /<<(-?)([\p{L}\p{Nd}_]+)\r?\n/uy;
const ESCAPE = /\\(?:[abfnrtv\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y;

/**
 * Splits a text into tokens, the last of which is its end.
 * @param json whether `:` stands for `=`
 * @throws {HclError}
 */
export function scanHcl(text: string, { json }: { readonly json: boolean }): readonly HclToken[] {
  const tokens: HclToken[] = [];
  const place = createPlaces(text);
  let at = 0;

  function take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    if (match !== undefined) at = pattern.lastIndex;
    return match;
  }

  for (;;) {
    take(SPACE);
    const start = at;
    const add = (kind: HclToken['kind'], value: string): void => void tokens.push({ kind, text: value, ...place(start) });
    const mark = take(MARK);
    if (at >= text.length && mark === undefined) {
      add('end', '');
      return tokens;
    }
    if (mark !== undefined) {
      add('mark', mark[0]);
      continue;
    }
    if (json && text[at] === ':') {
      at += 1;
      add('mark', '=');
      continue;
    }
    const word = take(WORD);
    if (word !== undefined) {
      const [name] = word;
      if (name === 'true' || name === 'false') add('boolean', name);
      else if (json && name === 'null') add('null', name);
      else add('word', name);
      continue;
    }
    const number = take(NUMBER);
    if (number !== undefined) {
      if (/^-?0\d*[89]\d*$/.test(number[0])) throw new HclError('a number that starts with 0 is octal', place(start));
      add('number', number[0]);
      continue;
    }
    if (text[at] === '"') {
      const end = endOfString(text, at, place);
      add('string', unquote(text.slice(at + 1, end)));
      at = end + 1;
      continue;
    }
    const heredoc = take(HEREDOC);
    if (heredoc === undefined) throw refusalAt(text, at, place);
    const [, indented = '', anchor = ''] = heredoc;
    const rest = new RegExp(`([\\s\\S]*?)^[ \\t\\r\\f\\v]*${anchor}\\r*\\n`, 'my');
    const body = take(rest);
    if (body === undefined) throw new HclError(`the text that starts with <<${indented}${anchor} has no end`, place(start));
    add('string', body[1] ?? '');
  }
}

// Quotes inside `${ }` do not end a string, and a line break is allowed there.
function endOfString(text: string, start: number, place: (at: number) => HclPlace): number {
  let braces = 0;
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '"' && braces === 0) return at;
    if (character === '\n' && braces === 0) break;
    if (braces === 0 && character === '$' && text[at + 1] === '{') {
      braces = 1;
      at += 1;
    } else if (braces > 0 && character === '{') braces += 1;
    else if (braces > 0 && character === '}') braces -= 1;
    else if (character === '\\') {
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(text)) throw new HclError('there is no such escape', place(at), 'write "\\\\" for a backslash');
      at = ESCAPE.lastIndex - 1;
    }
  }
  throw new HclError('this text has no closing quote', place(start));
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unquote(text: string): string {
  return text.replace(/\\(?:([abfnrtv\\"])|([0-7]{3})|[xuU]([0-9a-fA-F]+))/g, (_, short?: string, octal?: string, hex?: string) => {
    if (short !== undefined) return SHORT_ESCAPES[short] ?? short;
    const code = octal === undefined ? Number.parseInt(hex ?? '', 16) : Number.parseInt(octal, 8);
    return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
  });
}

function refusalAt(text: string, at: number, place: (at: number) => HclPlace): HclError {
  if (text.startsWith('/*', at)) return new HclError('this comment has no end', place(at));
  if (text.startsWith('<<', at)) return new HclError('after << stands a name, and then a line break', place(at));
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const hint = character === "'" ? 'texts stand in double quotes' : character === ':' ? 'write =' : undefined;
  return new HclError(`there is no place for ${JSON.stringify(character)} here`, place(at), hint);
}

/** Makes the place of an index; the indexes it is asked for must not go back, so that each character is counted once. */
function createPlaces(text: string): (at: number) => HclPlace {
  let line = 1;
  let column = 1;
  let next = 0;
  return (at) => {
    while (next < at) {
      const code = text.codePointAt(next) ?? 0;
      if (code === 0x0a) [line, column] = [line + 1, 1];
      else column += 1;
      next += code > 0xffff ? 2 : 1;
    }
    return { line, column };
  };
}
