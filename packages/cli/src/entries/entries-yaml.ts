// Entries as an entries file: what a server has in, the text of a file that asks for the same out.
import { createHash } from 'node:crypto';
import { jsonText } from '../output/text.ts';
import { type Entry, type FieldValue, fieldsOf, grantOf } from './entry.ts';

/** The file as a document, for JSON, which is YAML too. */
export function entriesDocument(owner: string, entries: readonly Entry[]): object {
  return { owner, entries: withKeys(entries).map(({ entry, key }) => entryDocument(entry, key)) };
}

/** The file as YAML. */
export function entriesYaml(owner: string, entries: readonly Entry[]): string {
  const items = withKeys(entries).map(({ entry, key }) => {
    const lines = [
      ...(entry.otherAttributes.length === 0 ? [] : [`# not in this file: ${entry.otherAttributes.join(', ')}`]),
      ...Object.entries(entryDocument(entry, key)).flatMap(([name, value]) => fieldLines(name, value)),
    ];
    const first = lines.findIndex((line) => !line.startsWith('#'));
    return lines.map((line, index) => `  ${index === first ? '- ' : '  '}${line}\n`).join('');
  });
  return `owner: ${owner}\nentries:${items.length === 0 ? ' []' : ''}\n${items.join('')}`;
}

function entryDocument(entry: Entry, key: string | undefined): Readonly<Record<string, FieldValue>> {
  return { ...(key === undefined ? {} : { key }), ...Object.fromEntries(fieldsOf(entry)) };
}

// An entry ID does not tell the key that it was made with. Any will do: one that grants the same is found without it.
function withKeys(entries: readonly Entry[]): readonly { readonly entry: Entry; readonly key: string | undefined }[] {
  const pairOf = ({ spiffeId, parentId }: Entry): string => `${spiffeId} ${parentId}`;
  const times = new Map<string, number>();
  for (const entry of entries) times.set(pairOf(entry), (times.get(pairOf(entry)) ?? 0) + 1);
  return entries.map((entry) => ({ entry, key: times.get(pairOf(entry)) === 1 ? undefined : keyOf(entry) }));
}

function keyOf(entry: Entry): string {
  return `by-${createHash('sha256').update(grantOf(entry)).digest('hex').slice(0, 8)}`;
}

function fieldLines(name: string, value: FieldValue): readonly string[] {
  if (typeof value === 'boolean') return [`${name}: ${value}`];
  if (typeof value === 'string') return [`${name}: ${scalar(value)}`];
  return [`${name}:`, ...value.map((item) => `  - ${scalar(item)}`)];
}

// What cannot be taken for anything but a text stands as it is; anything else in double quotes, where YAML reads what JSON writes.
const PLAIN = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z/][a-z0-9/._-]*(?::[a-z0-9/._-]+)*$/i;
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:]+Z$/;
const DURATION = /^(\d+h)?(\d+m)?(\d+s)?$/;

function scalar(text: string): string {
  const plain = PLAIN.test(text) || INSTANT.test(text) || (text !== '' && DURATION.test(text));
  return plain ? text : jsonText(text);
}
