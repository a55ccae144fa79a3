// A key that SPIRE does not read in, what was most likely meant out.
import { nearest } from '../../input/nearest.ts';
import { type KeySection, keyTable, type SpireProgram } from './key-table.ts';
import { RETIRED_KEYS, RETIRED_PLUGINS } from './retired-keys.ts';

/** More keys than this are not listed. */
const MOST_LISTED = 8;

/** How to mend an unknown key of a section. */
export function hintFor(name: string, section: KeySection, program: SpireProgram): string | undefined {
  const isPlugin = /^plugins(\.\w+)?$/.test(section.path);
  const retired = isPlugin ? RETIRED_PLUGINS.get(`${section.path}.${name}`.slice('plugins.'.length)) : RETIRED_KEYS.get(name.toLowerCase());
  if (retired !== undefined) return retired;
  const elsewhere = isPlugin ? undefined : elsewhereIn(keyTable(program), name, section.path);
  if (elsewhere !== undefined) return `did you mean ${elsewhere}?`;
  const near = nearest(name, [...section.keys]);
  if (near !== undefined) return `did you mean ${near}?`;
  const other = program === 'server' ? 'agent' : 'server';
  const foreign = isPlugin ? undefined : elsewhereIn(keyTable(other), name, section.path);
  if (foreign !== undefined) return `that is a key of spire-${other}, ${foreign}`;
  if (section.keys.size === 0) return 'remove it: there are no keys here';
  if (isPlugin) return `there are ${[...section.keys].join(', ')}; any other needs plugin_cmd`;
  return section.keys.size <= MOST_LISTED ? `the keys are ${[...section.keys].join(', ')}` : undefined;
}

/** The path of a key of this name that shares the most with `near`. */
function elsewhereIn(table: KeySection, name: string, near: string): string | undefined {
  const shared = (path: string): number => {
    const wanted = near.split('.');
    const parts = path.split('.');
    const differs = parts.findIndex((part, index) => part !== wanted[index]);
    return differs === -1 ? parts.length : differs;
  };
  const [best] = [...pathsTo(table, name)].sort((a, b) => shared(b) - shared(a) || a.split('.').length - b.split('.').length);
  return best;
}

function* pathsTo(section: KeySection, name: string): Generator<string> {
  if (section.keys.has(name) && section.path !== '' && section.path !== 'plugins') yield `${section.path}.${name}`;
  for (const below of section.below.values()) yield* pathsTo(below, name);
  if (section.any !== undefined) yield* pathsTo(section.any, name);
}
