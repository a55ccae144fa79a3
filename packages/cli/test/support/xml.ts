// Reads XML as strictly as a JUnit report needs: every tag closed in order, every ampersand an entity, nothing after the root.

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The elements of a name, in the order in which they start. @throws {Error} for what is no XML */
export function elementsOf(xml: string, name: string): readonly Element[] {
  return parse(xml).filter((each) => each.name === name);
}

/** The text of the first element of a name. */
export function textIn(xml: string, name: string): string {
  return elementsOf(xml, name)[0]?.text ?? '';
}

function parse(xml: string): readonly Element[] {
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const elements: { name: string; attributes: Record<string, string>; text: string }[] = [];
  const open: number[] = [];
  const token = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  while (token.lastIndex < body.length) {
    const at = token.lastIndex;
    const match = token.exec(body);
    if (match === null) throw new Error(`no XML at ${JSON.stringify(body.slice(at, at + 40))}`);
    const [, closes, name = '', attributes = '', empty, text] = match;
    const inner = open.at(-1);
    const current = inner === undefined ? undefined : elements[inner];
    if (text !== undefined) {
      if (current !== undefined) current.text += decoded(text);
      else if (text.trim() !== '') throw new Error('text outside of the root');
    } else if (closes === '/') {
      if (current?.name !== name) throw new Error(`</${name}> closes ${current?.name ?? 'nothing'}`);
      open.pop();
    } else {
      if (open.length === 0 && elements.length > 0) throw new Error('there are two roots');
      const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, decoded(value)]);
      elements.push({ name, attributes: Object.fromEntries(pairs), text: '' });
      if (empty !== '/') open.push(elements.length - 1);
    }
  }
  if (open.length > 0) throw new Error('an element is never closed');
  return elements;
}

function decoded(text: string): string {
  return text.replace(/&(\w*;?)/g, (_, entity: string) => {
    const character = entity.endsWith(';') ? ENTITIES[entity.slice(0, -1)] : undefined;
    if (character === undefined) throw new Error(`&${entity} is no entity`);
    return character;
  });
}
