// Entries and what changes of them, for people and for programs.
import { type Entry, type FieldChange, type FieldValue, fieldsOf } from '../entries/entry.ts';
import { ownerOf } from '../entries/ownership.ts';
import { columns, printable, type Style } from './text.ts';

/** An entry in a document, with the keys of an entries file. */
export function entryJson(entry: Entry): object {
  return {
    entry_id: entry.entryId,
    owner: ownerOf(entry.entryId) ?? null,
    ...Object.fromEntries(fieldsOf(entry)),
    ...(entry.otherAttributes.length === 0 ? {} : { other_attributes: entry.otherAttributes }),
  };
}

/** A change in a document; null where a field is not set. */
export function changeJson({ field, from, to }: FieldChange): object {
  return { field, from: from ?? null, to: to ?? null };
}

/** The fields of an entry below its SPIFFE ID. */
export function entryLines(entry: Entry, style: Style): string {
  const rows = fieldsOf(entry)
    .filter(([name]) => name !== 'spiffe_id')
    .map(([name, value]) => [style.dim(name), valueText(value)]);
  return columns(rows, { indent: '    ' });
}

/** What changes, below the SPIFFE ID. */
export function changeLines(changes: readonly FieldChange[], style: Style): string {
  return columns(
    changes.map(({ field, from, to }) => [style.dim(field), changeText(from, to, style)]),
    { indent: '    ' },
  );
}

function changeText(from: FieldValue | undefined, to: FieldValue | undefined, style: Style): string {
  const [before, after] = [listOf(from), listOf(to)];
  if (before !== undefined && after !== undefined && before.length + after.length > 2) {
    const gone = before.filter((each) => !after.includes(each)).map((each) => style.bad(`-${printable(each)}`));
    const come = after.filter((each) => !before.includes(each)).map((each) => style.good(`+${printable(each)}`));
    // Else only their order is another.
    if (gone.length + come.length > 0) return [...gone, ...come].join('  ');
  }
  return `${from === undefined ? 'not set' : valueText(from)} -> ${to === undefined ? 'not set' : valueText(to)}`;
}

function listOf(value: FieldValue | undefined): readonly string[] | undefined {
  if (value === undefined) return [];
  return typeof value === 'object' ? value : undefined;
}

function valueText(value: FieldValue): string {
  return typeof value === 'object' ? value.map(printable).join(', ') : printable(String(value));
}
