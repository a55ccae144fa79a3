// What the schema says of the values of a file, in our words: plain values in; a configuration or the problems of its keys out.

import { nearestWord } from 'ephemos/errors';
import type { z } from 'zod';
import { MISSING } from './fields.ts';
import { formatPath, type KeyPath, type KeyProblem, quote } from './problem.ts';
import { type ConfigValues, configSchema } from './schema.ts';
import { keysBelow, listSettings } from './settings.ts';

/** More unknown keys than this in one mapping are counted, not named. */
const MAX_UNKNOWN_KEYS = 20;

/** Keys of the Ephemos for Go that have no counterpart, with what to write instead. */
const RETIRED: ReadonlyMap<string, string> = new Map([
  ['service.cache', 'remove it: nothing is cached, the Workload API pushes every change'],
  ['spiffe', 'did you mean agent? The socket is agent.socketPath'],
  ['transport', 'did you mean listen? The address is listen.address'],
  ['health.enabled', 'remove it: probes are always answered'],
  ['mtls', 'remove it: mTLS is always on'],
  ['observability', 'did you mean metrics or logs?'],
]);

/** A problem of a key, and whether it is the key itself that is wrong. */
export interface SchemaProblem extends KeyProblem {
  readonly at: 'key' | 'value';
}

/** Reads the values; there are problems when there is no configuration. */
export function readValues(value: unknown): { readonly values: ConfigValues | undefined; readonly problems: readonly SchemaProblem[] } {
  const { success, data, error } = configSchema.safeParse(value);
  if (success) return { values: data, problems: [] };
  const problems = error.issues.flatMap(problemsOf);
  // A key that is there under a mistyped name is not missing too.
  const meant = new Set(problems.flatMap(({ at, path, hint = '' }) => (at === 'key' ? [hintedSibling(path, hint)] : [])));
  return { values: undefined, problems: problems.filter((each) => each.message !== MISSING || !meant.has(formatPath(each.path))) };
}

function hintedSibling(path: KeyPath, hint: string): string {
  return formatPath([...path.slice(0, -1), /^did you mean (\w+)\?$/.exec(hint)?.[1] ?? '']);
}

function problemsOf(issue: z.core.$ZodIssue): SchemaProblem[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  if (issue.code === 'unrecognized_keys') return unknownKeys(path, issue.keys);
  // How to write a number or a truth value that should be a text follows what was found.
  const [, message = issue.message, mend] = /^(expected .*, and found (?:the number [^;]*|true|false)); (.*)$/.exec(issue.message) ?? [];
  return [{ path, message, hint: mend ?? hintOf(issue, path), at: 'value' }];
}

function hintOf(issue: z.core.$ZodIssue, path: KeyPath): string | undefined {
  switch (issue.code) {
    case 'custom': {
      const hint: unknown = issue.params?.['hint'];
      return typeof hint === 'string' ? hint : undefined;
    }
    case 'invalid_value': {
      // The message ends with the text that was found.
      const [, found = ''] = /found "(.*)"$/.exec(issue.message) ?? [];
      const near = nearestWord(found, issue.values.map(String));
      return near === undefined ? undefined : `did you mean ${quote(near)}?`;
    }
    case 'invalid_type':
      return issue.message === MISSING ? missingHint(path) : undefined;
    default:
      return undefined;
  }
}

function missingHint(path: KeyPath): string | undefined {
  const keys = keysBelow(path);
  if (keys.length > 0) return `add it, with ${keys.slice(0, 2).join(' and ')} below`;
  const variable = listSettings().find((each) => formatPath(each.path) === formatPath(path))?.variable;
  return variable === undefined ? undefined : `add it, or set ${variable}`;
}

function unknownKeys(path: KeyPath, keys: readonly string[]): SchemaProblem[] {
  const problems = keys.slice(0, MAX_UNKNOWN_KEYS).map(
    (key): SchemaProblem => ({
      path: [...path, key],
      message: 'there is no such key',
      hint: unknownKeyHint(path, key),
      at: 'key',
    }),
  );
  const more = keys.length - problems.length;
  const last = problems.at(-1);
  if (last === undefined || more === 0) return problems;
  return [...problems, { path: last.path, message: `there are ${more} more keys that do not exist`, at: 'key' }];
}

function unknownKeyHint(path: KeyPath, key: string): string {
  const retired = RETIRED.get(formatPath([...path, key]));
  if (retired !== undefined) return retired;
  const known = keysBelow(path);
  const near = nearestWord(key, known);
  if (near !== undefined) return `did you mean ${near}?`;
  const elsewhere = listSettings().find((each) => each.path.at(-1) === nearestWord(key, [each.path.at(-1) ?? '']));
  if (elsewhere !== undefined) return `did you mean ${formatPath(elsewhere.path)}?`;
  return `the keys are ${known.join(', ')}`;
}
