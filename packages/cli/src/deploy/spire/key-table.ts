// The table of the keys of a SPIRE program as text in, a tree to walk along with a configuration out.
import { AGENT_KEYS, PLUGIN_KEYS, SERVER_KEYS } from './known-keys.ts';

/** A program of SPIRE, by the section that its configuration has. */
export type SpireProgram = 'server' | 'agent';

/** What may stand in a section. */
export interface KeySection {
  /** As people write it: `agent.experimental.broker`. */
  readonly path: string;
  readonly keys: ReadonlySet<string>;
  /** The keys that are sections themselves. */
  readonly below: ReadonlyMap<string, KeySection>;
  /** What every key is, where a key is a name that is chosen, such as that of a cluster. */
  readonly any: KeySection | undefined;
  /** Whether it may stand there more than once. */
  readonly repeats: boolean;
}

const tables: Record<SpireProgram, KeySection | undefined> = { server: undefined, agent: undefined };

/** The keys of a program. */
export function keyTable(program: SpireProgram): KeySection {
  const known = tables[program] ?? readTable(program === 'server' ? SERVER_KEYS : AGENT_KEYS);
  tables[program] = known;
  return known;
}

/** The section of an external plugin: SPIRE reads its keys, and the plugin itself whatever is in plugin_data. */
export function pluginSection(path: string, below: KeySection['below'] = new Map()): KeySection {
  return { path, keys: new Set(PLUGIN_KEYS.split(' ')), below, any: undefined, repeats: false };
}

function readTable(text: string): KeySection {
  const lines = text.replaceAll('\n  ', ' ').trim().split('\n');
  const rows = new Map(
    lines.map((line): [string, readonly string[]] => {
      const colon = line.indexOf(':');
      return [
        line.slice(0, colon),
        line
          .slice(colon + 1)
          .trim()
          .split(' '),
      ];
    }),
  );

  // What the table says of a plugin stands below plugin_data in a file.
  function sectionOf(row: string, path: string = row): KeySection {
    if (row === path && /^plugins\.[^.]+\.[^.]+$/.test(row)) {
      return pluginSection(path, new Map([['plugin_data', sectionOf(row, `${path}.plugin_data`)]]));
    }
    const keys = (rows.get(row) ?? []).filter((key) => key !== '' && key !== '*');
    const at = (key: string): string | undefined => {
      const one = row === '' ? key : `${row}.${key}`;
      return [one, `${one}[]`].find((name) => rows.has(name));
    };
    const any = at('*');
    return {
      path,
      keys: new Set(keys),
      below: new Map(
        keys.flatMap((key) => {
          const name = at(key);
          return name === undefined ? [] : [[key, sectionOf(name, path === '' ? key : `${path}.${key}`)] as const];
        }),
      ),
      any: any === undefined ? undefined : sectionOf(any, `${path}.<name>`),
      repeats: row.endsWith('[]'),
    };
  }

  return sectionOf('');
}
