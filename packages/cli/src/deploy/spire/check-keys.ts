// A parsed configuration of SPIRE in; every key in it that SPIRE would not read out. SPIRE itself refuses only some of them and ignores the others:
// what is below experimental, telemetry, federation and most plugins, a misspelt plugin_data, and every key in quotes.
import type { HclItem, HclKey, HclObject, HclValue } from '../hcl/hcl-value.ts';
import { hintFor } from './key-hints.ts';
import { type KeySection, keyTable, pluginSection, type SpireProgram } from './key-table.ts';
import { SPIRE_VERSION } from './known-keys.ts';

/** Something that is wrong with a key. */
export interface KeyProblem {
  readonly place: HclKey;
  /** As people write it: `server.ca_subject.country`. */
  readonly key: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** More unknown keys than this are counted, not named. */
export const MAX_PROBLEMS = 100;

interface NamedValue {
  readonly key: HclKey;
  readonly value: HclValue;
}

/** Looks at every key. `total` is more than are named when those would be a flood. */
export function checkKeys(root: HclObject, program: SpireProgram): { readonly problems: readonly KeyProblem[]; readonly total: number } {
  const problems: KeyProblem[] = [];
  let total = 0;

  function report(key: HclKey, path: string, message: string, hint: () => string | undefined): void {
    total += 1;
    if (problems.length < MAX_PROBLEMS) problems.push({ place: key, key: joined(path, key.name), message, hint: hint() });
  }

  function checkSection(section: KeySection, path: string, objects: readonly HclObject[]): void {
    for (const [name, values] of grouped(
      objects.flatMap(({ items }) => items.map(unfolded)),
      section,
    )) {
      const [first, second] = values;
      if (first === undefined) continue;
      const below = externalPlugin(section, values) ?? section.any ?? section.below.get(name);
      if (below === undefined && !section.keys.has(name)) {
        for (const { key } of values) {
          report(key, path, unknown(section), () => hintFor(key.name, section, program));
        }
        continue;
      }
      const inner = values.flatMap(({ value }) => objectsOf(value));
      if (second !== undefined && !repeats(section, below)) {
        report(second.key, path, 'this is set twice, and SPIRE takes the last one', () => 'remove one of the two');
      }
      if (below === undefined) continue;
      // Each of a list is by itself; everything else that repeats is one.
      for (const each of below.repeats ? inner.map((object) => [object]) : [inner]) checkSection(below, joined(path, first.key.name), each);
    }
  }

  checkSection(keyTable(program), '', [root]);
  return { problems: problems.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column), total };
}

function unknown(section: KeySection): string {
  if (section.path === 'plugins') return `SPIRE ${SPIRE_VERSION} has no such type of plugin`;
  return /^plugins\.\w+$/.test(section.path) ? `SPIRE ${SPIRE_VERSION} has no such plugin` : `SPIRE ${SPIRE_VERSION} reads no such key`;
}

// A plugin that is a program of its own reads what it likes, whatever its name.
function externalPlugin({ path }: KeySection, values: readonly NamedValue[]): KeySection | undefined {
  const [{ key, value } = {}] = values;
  if (key === undefined || value === undefined || !/^plugins\.\w+$/.test(path)) return undefined;
  const isExternal = objectsOf(value).some(({ items }) => items.some(({ keys: [first] }) => first.name === 'plugin_cmd'));
  return isExternal ? pluginSection(joined(path, key.name)) : undefined;
}

// What SPIRE puts together from several: lists of sections, maps by name, the plugins of a type.
function repeats({ path }: KeySection, below: KeySection | undefined): boolean {
  return path === 'plugins' || (below !== undefined && (below.repeats || below.any !== undefined));
}

/** By the name that SPIRE knows a key by: it does not tell capital letters from small ones, except in names that are chosen. */
function grouped(values: readonly NamedValue[], section: KeySection): ReadonlyMap<string, readonly NamedValue[]> {
  const groups = new Map<string, NamedValue[]>();
  for (const each of values) {
    const { name } = each.key;
    const isChosen = section.any !== undefined || section.keys.has(name);
    const known = isChosen ? name : ([...section.keys].find((key) => key.toLowerCase() === name.toLowerCase()) ?? name);
    const group = groups.get(known) ?? [];
    group.push(each);
    groups.set(known, group);
  }
  return groups;
}

/** `a "b" { }` is `a { b { } }`. */
function unfolded({ keys: [key, ...rest], value }: HclItem): NamedValue {
  const [next, ...more] = rest;
  if (next === undefined) return { key, value };
  return { key, value: { kind: 'object', items: [{ keys: [next, ...more], value }], line: next.line, column: next.column } };
}

function objectsOf(value: HclValue): readonly HclObject[] {
  if (value.kind === 'list') return value.values.flatMap(objectsOf);
  return value.kind === 'object' ? [value] : [];
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
