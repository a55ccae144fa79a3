// The values of a log line, as JSON.parse made them, in; JSON text without keys, tokens, certificates and passwords out.
import { isByte, MIN_LISTED_BYTES } from './byte-lists.ts';
import { scrubText } from './scrub-text.ts';
import { isSecretName } from './secret-names.ts';
import { isSecretRun, REDACTED } from './secret-runs.ts';

const MAX_DEPTH = 32;
const MARK = JSON.stringify(REDACTED);

// What a terminal or a viewer of logs takes for a command or for the end of a line, or does not show: C1, bidirectional and invisible characters.
const UNSEEN = /[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** The fields of a line in their order, each as JSON text. */
export function scrubFields(line: object): [key: string, json: string][] {
  return entriesOf(line).map(([key, value]) => [quote(scrubText(key)), scrubField(key, value, 0)]);
}

/** JSON text of what is left of a text, of printable characters alone. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function scrubField(key: string, value: unknown, depth: number): string {
  return isSecretName(key) && mayBeSecret(key, value) ? MARK : scrubValue(value, depth);
}

// `tokens: 812` counts them.
function mayBeSecret(key: string, value: unknown): boolean {
  return typeof value === 'number' ? !/s$/i.test(key) : value !== null && typeof value !== 'boolean' && value !== '';
}

function scrubValue(value: unknown, depth: number): string {
  if (typeof value === 'string') return quote(scrubText(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (depth > MAX_DEPTH) return '"[deeper]"';
  if (Array.isArray(value)) return scrubList(value, depth);
  const entries = entriesOf(value);
  const indexed = entries.filter(([key]) => /^\d+$/.test(key)).map(([, each]) => each);
  // A Buffer says so in its JSON form; other bytes are numbered.
  if ('type' in value && value.type === 'Buffer') return MARK;
  if (indexed.length >= MIN_LISTED_BYTES && isSecretList(indexed)) return MARK;
  return `{${entries.map(([key, each]) => `${quote(scrubText(key))}:${scrubField(key, each, depth + 1)}`).join()}}`;
}

function scrubList(list: readonly unknown[], depth: number): string {
  if (isSecretList(list)) return MARK;
  // Headers and the entries of a Map are names and values in turn.
  const pairs = list.length % 2 === 0;
  const scrubbed = list.map((each, index) => {
    const name = pairs && index % 2 === 1 ? list[index - 1] : undefined;
    return typeof name === 'string' ? scrubField(name, each, depth + 1) : scrubValue(each, depth + 1);
  });
  return `[${scrubbed.join()}]`;
}

// Bytes, the characters of a text, or a text that is cut in short parts.
function isSecretList(list: readonly unknown[]): boolean {
  if (list.filter(isByte).length >= MIN_LISTED_BYTES) return true;
  const parts = list.filter((each) => typeof each === 'string').filter((each) => /^[A-Za-z\d+/=_-]{1,21}$/.test(each));
  const characters = parts.filter(({ length }) => length === 1);
  return characters.length >= 22 || isSecretRun(parts.join('/'));
}

function entriesOf(value: object): readonly [string, unknown][] {
  return Object.entries(value);
}
