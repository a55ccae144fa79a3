// Plain values in, YAML out: mappings and lists of texts, numbers, yes or no and nothing, each with the reason for it where a reader needs one.
import { jsonText } from '../../output/text.ts';

/** What can be written. A value that is undefined is left out, with its key. */
export type YamlValue = string | number | boolean | null | YamlNoted | readonly YamlValue[] | YamlMapping;

/** A mapping, in its order. */
export interface YamlMapping {
  readonly [key: string]: YamlValue | undefined;
}

const NOTE: unique symbol = Symbol('note');

/** A value with a comment above it. */
export interface YamlNoted {
  readonly [NOTE]: string;
  readonly value: YamlValue;
}

/** Puts a comment above a value: of a key, or of an item of a list. */
export function noted(note: string, value: YamlValue): YamlNoted {
  return { [NOTE]: note, value };
}

// A line of a comment, and a list that stands in one.
const WIDTH = 120;

/** The text of a mapping, in its order. */
export function writeYaml(value: YamlMapping): string {
  return `${mapping(value, '').join('\n')}\n`;
}

/** A comment of one or more lines. */
export function commentLines(text: string, indent = ''): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + 2 + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => `${indent}# ${each}`);
}

function mapping(value: YamlMapping, indent: string): readonly string[] {
  return Object.entries(value).flatMap(([key, each]) => (each === undefined ? [] : entry(`${indent}${scalar(key)}:`, each, indent)));
}

function entry(head: string, each: YamlValue, indent: string): readonly string[] {
  if (isNoted(each)) return [...commentLines(each[NOTE], indent), ...entry(head, each.value, indent)];
  if (isText(each) && isBlock(each)) return [`${head} |${each.endsWith('\n') ? '' : '-'}`, ...blockLines(each, `${indent}  `)];
  if (!isParent(each)) return [`${head} ${scalar(each)}`];
  if (!isList(each)) return isEmpty(each) ? [`${head} {}`] : [head, ...mapping(each, `${indent}  `)];
  const plain = each.flatMap((item) => (isParent(item) || isNoted(item) ? [] : [scalar(item)]));
  const line = `${head} [${plain.join(', ')}]`;
  return plain.length === each.length && line.length <= WIDTH ? [line] : [head, ...each.flatMap((item) => listItem(item, `${indent}  `))];
}

function listItem(item: YamlValue, indent: string): readonly string[] {
  if (isNoted(item)) return [...commentLines(item[NOTE], indent), ...listItem(item.value, indent)];
  if (!isParent(item)) return [`${indent}- ${scalar(item)}`];
  if (isList(item)) throw new TypeError('a list holds either mappings or plain values');
  if (isEmpty(item)) return [`${indent}- {}`];
  const lines = mapping(item, `${indent}  `);
  // A comment of the first key stands above the mark of the item.
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'));
  return [
    ...lines.slice(0, first).map((line) => line.slice(2)),
    `${indent}- ${lines[first]?.slice(indent.length + 2) ?? ''}`,
    ...lines.slice(first + 1),
  ];
}

// What cannot be taken for anything but a text stands as it is; anything else in double quotes, where YAML reads what JSON writes.
const PLAIN = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z/][a-z0-9/._ -]*(?::[a-z0-9/._-]+)*$/i;

// A length of time, a size and a share: a number with letters behind it is none.
const MEASURE = /^\d+(?:ms|[smh]|[KMG]iB?|%)$/;

function scalar(value: string | number | boolean | null): string {
  if (typeof value === 'string') return (PLAIN.test(value) && !value.endsWith(' ')) || MEASURE.test(value) ? value : jsonText(value);
  return String(value);
}

// Lines that a block would not give back as they are stay in quotes.
function isBlock(text: string): boolean {
  return text.includes('\n') && !/^[\s]|[ \t]$|[ \t]\n|\n\n$|[^\P{Cc}\n]/u.test(text);
}

function blockLines(text: string, indent: string): readonly string[] {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => (line === '' ? '' : `${indent}${line}`));
}

function isText(value: YamlValue): value is string {
  return typeof value === 'string';
}

function isNoted(value: YamlValue): value is YamlNoted {
  return typeof value === 'object' && value !== null && NOTE in value;
}

function isParent(value: YamlValue): value is readonly YamlValue[] | YamlMapping {
  return typeof value === 'object' && value !== null && !isNoted(value);
}

function isList(value: readonly YamlValue[] | YamlMapping): value is readonly YamlValue[] {
  return Array.isArray(value);
}

function isEmpty(value: YamlMapping): boolean {
  return Object.values(value).every((each) => each === undefined);
}
