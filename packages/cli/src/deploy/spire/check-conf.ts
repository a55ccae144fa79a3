// The text of a server.conf or agent.conf in, what is wrong with it out, each with its line.
import type { ConfigProblem } from '@ephemos/service/config';
import { HclError, type HclObject, type HclPlace } from '../hcl/hcl-value.ts';
import { parseHcl } from '../hcl/parse-hcl.ts';
import { checkKeys } from './check-keys.ts';
import type { SpireProgram } from './key-table.ts';

/** A configuration of SPIRE that was looked at. */
export interface ConfCheck {
  /** As it was named. */
  readonly file: string;
  /** Whose it is; undefined when that cannot be told. */
  readonly program: SpireProgram | undefined;
  /** Undefined when it could not be parsed. */
  readonly root: HclObject | undefined;
  /** By place. */
  readonly problems: readonly ConfigProblem[];
  /** More than `problems` has when those would be a flood. */
  readonly total: number;
}

/** Looks at a configuration. Does not throw: what is wrong is in `problems`. */
export function checkConf(text: string, file: string): ConfCheck {
  const one = (place: HclPlace, message: string, hint?: string): Pick<ConfCheck, 'problems' | 'total'> => ({
    problems: [problemAt(file, place, '', message, hint)],
    total: 1,
  });
  try {
    const root = parseHcl(text);
    const program = programOf(root);
    if (program === undefined) {
      const message = 'there is neither a server nor an agent section';
      return { file, program, root, ...one({ line: 1, column: 1 }, message, 'a configuration of SPIRE has one of the two') };
    }
    const { problems, total } = checkKeys(root, program);
    return {
      file,
      program,
      root,
      total,
      problems: problems.map(({ place, key, message, hint }) => problemAt(file, place, key, message, hint)),
    };
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    return { file, program: undefined, root: undefined, ...one(error.place, error.message, error.hint) };
  }
}

/** A problem at a place of a file. */
export function problemAt(file: string, { line, column }: HclPlace, key: string, message: string, hint?: string): ConfigProblem {
  return Object.freeze({ file, line, column, variable: undefined, key, message, hint });
}

function programOf({ items }: HclObject): SpireProgram | undefined {
  const names = new Set(items.map(({ keys: [{ name }] }) => name.toLowerCase()));
  if (names.has('server')) return 'server';
  return names.has('agent') ? 'agent' : undefined;
}
