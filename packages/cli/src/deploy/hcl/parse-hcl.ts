// A configuration of SPIRE as text in, its values with their places out. HCL 1 or JSON, told apart as SPIRE does: JSON starts with a brace.
import { HclError, type HclItem, type HclKey, type HclObject, type HclPlace, type HclValue } from './hcl-value.ts';
import { type HclToken, scanHcl } from './scan-hcl.ts';

/** Objects and lists are at most this deep in each other. */
export const MAX_DEPTH = 64;

/**
 * Parses a configuration.
 *
 * Not by a package: those for JavaScript read HCL 2, which refuses what HCL 1 allows (two attributes on a line, a key in quotes),
 * and none of them says where a key stands.
 * @throws {HclError}
 */
export function parseHcl(text: string): HclObject {
  const json = /^\s*\{/.test(text);
  if (json) checkJson(text);
  const tokens = scanHcl(text.replaceAll('\r\n', '\n'), { json });
  const last: HclToken = tokens[tokens.length - 1] ?? { kind: 'end', text: '', line: 1, column: 1 };
  let next = 0;
  const peek = (): HclToken => tokens[next] ?? last;
  const take = (): HclToken => tokens[next++] ?? last;
  const isMark = ({ kind, text: mark }: HclToken, wanted: string): boolean => kind === 'mark' && mark === wanted;

  function parseItems(place: HclPlace, close: string | undefined, depth: number): HclObject {
    const items: HclItem[] = [];
    for (;;) {
      const token = peek();
      if (close === undefined ? token.kind === 'end' : isMark(token, close)) {
        take();
        return { kind: 'object', items, line: place.line, column: place.column };
      }
      if (token.kind === 'end') throw new HclError('this brace is never closed', place);
      const keys = parseKeys();
      const mark = take();
      items.push({ keys, value: isMark(mark, '=') ? parseValue(take(), depth) : parseItems(mark, '}', bounded(mark, depth)) });
      if (isMark(peek(), ',')) take();
    }
  }

  function parseKeys(): readonly [HclKey, ...HclKey[]] {
    const first = parseKey();
    const keys: [HclKey, ...HclKey[]] = [first];
    for (let token = peek(); !isMark(token, '{'); token = peek()) {
      if (isMark(token, '=')) {
        if (keys.length === 1) break;
        throw new HclError('only one name stands in front of =', token, 'leave out the =');
      }
      if (token.kind !== 'word' && token.kind !== 'string') {
        throw new HclError(`${JSON.stringify(keys.map(({ name }) => name).join(' '))} has no value`, first, 'write = and a value, or { }');
      }
      keys.push(parseKey());
    }
    return keys;
  }

  function parseKey(): HclKey {
    const { kind, text: name, line, column } = take();
    if (kind === 'word' || kind === 'string') return { name, line, column };
    throw new HclError(`expected a key, and found ${JSON.stringify(name)}`, { line, column });
  }

  function parseValue(token: HclToken, depth: number): HclValue {
    const { kind, text: value, line, column } = token;
    if (isMark(token, '{')) return parseItems(token, '}', bounded(token, depth));
    if (isMark(token, '[')) return parseList(token, bounded(token, depth));
    if (kind === 'string' || kind === 'number' || kind === 'boolean' || kind === 'null') return { kind, text: value, line, column };
    const hint = kind === 'word' ? 'put it in double quotes' : undefined;
    throw new HclError(kind === 'end' ? 'a value is missing' : `${JSON.stringify(value)} is not a value`, token, hint);
  }

  function parseList(place: HclPlace, depth: number): HclValue {
    const values: HclValue[] = [];
    for (;;) {
      const token = take();
      if (isMark(token, ']')) return { kind: 'list', values, line: place.line, column: place.column };
      if (token.kind === 'end') throw new HclError('this list is never closed', place);
      if (isMark(token, ',')) continue;
      values.push(parseValue(token, depth));
      const after = peek();
      // A list may follow a list without a comma; that is how the parser of HCL 1 is.
      if (isMark(token, '[') || isMark(after, ',') || isMark(after, ']') || after.kind === 'end') continue;
      throw new HclError('a comma is missing in this list', after);
    }
  }

  if (json) {
    const open = take();
    return parseItems(open, '}', 0);
  }
  return parseItems({ line: 1, column: 1 }, undefined, 0);
}

function bounded(place: HclPlace, depth: number): number {
  if (depth < MAX_DEPTH) return depth + 1;
  throw new HclError(`objects and lists are at most ${MAX_DEPTH} deep in each other`, place);
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const what = error instanceof Error ? error.message.replaceAll('\n', ' ').slice(0, 200) : 'it cannot be parsed';
    throw new HclError(`this starts with a brace, as JSON does, and is none: ${what}`, { line: 1, column: 1 });
  }
}
