// Comments, keys and blocks in, the text of a configuration out. Whatever SPIRE would expand, or what would end a line, is refused.

/** A line or a block of a configuration. */
export type HclPart =
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'set'; readonly key: string; readonly value: HclScalar | readonly HclScalar[] }
  | {
      readonly kind: 'block';
      readonly key: string;
      readonly labels: readonly string[];
      readonly assigned: boolean;
      readonly parts: readonly HclPart[];
    };

/** A value that is written as it is. `environment` goes into a text where a variable stands, which SPIRE expands when it is told to. */
export type HclScalar = string | number | boolean | { readonly environment: readonly (string | { readonly variable: string })[] };

const COMMENT_WIDTH = 100;

/** A comment. Long ones are broken. */
export function note(text: string): HclPart {
  return { kind: 'note', text };
}

/** `key = value` */
export function set(key: string, value: HclScalar | readonly HclScalar[]): HclPart {
  return { kind: 'set', key, value };
}

/** `key "label" { ... }` */
export function block(key: string, labels: string | readonly string[], parts: readonly HclPart[]): HclPart {
  return { kind: 'block', key, labels: [labels].flat().filter((label) => label !== ''), assigned: false, parts };
}

/** `key = { "name" = { ... } }` */
export function map(key: string, entries: Readonly<Record<string, readonly HclPart[]>>): HclPart {
  const parts = Object.entries(entries).map(
    ([name, inner]): HclPart => ({ kind: 'block', key: quoted(name), labels: [], assigned: true, parts: inner }),
  );
  return { kind: 'block', key, labels: [], assigned: true, parts };
}

/** The text. An empty line stands between blocks, and in front of a comment. */
export function writeHcl(parts: readonly HclPart[]): string {
  return `${lines(parts, '').join('\n')}\n`;
}

function lines(parts: readonly HclPart[], indent: string): readonly string[] {
  return parts.flatMap((part, index) => {
    const before = parts[index - 1];
    const apart = before !== undefined && before.kind !== 'note' && (part.kind !== 'set' || before.kind === 'block');
    return [...(apart ? [''] : []), ...linesOf(part, indent)];
  });
}

function linesOf(part: HclPart, indent: string): readonly string[] {
  switch (part.kind) {
    case 'note':
      return broken(plain(part.text), COMMENT_WIDTH - indent.length).map((line) => `${indent}# ${line}`);
    case 'set':
      return [`${indent}${part.key} = ${valueText(part.value)}`];
    case 'block': {
      const head = [part.key, ...part.labels.map(quoted)].join(' ');
      const open = `${indent}${head}${part.assigned ? ' =' : ''} {`;
      return part.parts.length === 0 ? [`${open}}`] : [open, ...lines(part.parts, `${indent}  `), `${indent}}`];
    }
  }
}

function valueText(value: HclScalar | readonly HclScalar[]): string {
  if (isList(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'object') {
    const texts = value.environment.map((each) => (typeof each === 'string' ? escaped(each) : `\${${each.variable}}`));
    return `"${texts.join('')}"`;
  }
  return String(value);
}

function isList(value: HclScalar | readonly HclScalar[]): value is readonly HclScalar[] {
  return Array.isArray(value);
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

function escaped(text: string): string {
  return plain(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}

// -expandEnv expands in comments too.
function plain(text: string): string {
  if (/[$\p{Cc}]/u.test(text)) throw new TypeError(`${JSON.stringify(text)} cannot stand in a configuration of SPIRE`);
  return text;
}

function broken(text: string, width: number): readonly string[] {
  const all: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      all.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...all, line];
}
