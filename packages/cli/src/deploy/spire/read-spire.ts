// A spire.yaml, or the values of one, in; a deployment that holds together out, or everything that is wrong with it in one error.
import { byPlace, ConfigError, type ConfigProblem, type KeyPath, type KeyProblem, openDocument } from '@ephemos/service/config';
import type { z } from 'zod';
import { nearest } from '../../input/nearest.ts';
import { contradictions } from './contradictions.ts';
import { MISSING } from './fields.ts';
import { formatPath } from './format-path.ts';
import type { Spire } from './spire.ts';
import { spireSchema } from './spire-schema.ts';

/**
 * Reads a file.
 * @throws {ConfigError} with the place of every problem
 */
export function readSpire(path: string): Spire {
  const { value, problems: ofForm, locate } = openDocument(path);
  const form = ofForm.map(({ problem }) => problem);
  if (value === undefined || form.length > 0) throw errorOf(form);
  const { spire, problems } = judge(value);
  if (spire !== undefined) return spire;
  throw errorOf(problems.map(({ at, ...problem }) => locate(problem, at)).sort(byPlace));
}

/**
 * Reads plain values.
 * @throws {ConfigError} with the key of every problem
 */
export function parseSpire(value: unknown): Spire {
  const { spire, problems } = judge(value);
  if (spire !== undefined) return spire;
  throw errorOf(
    problems.map(({ path, message, hint }) => ({
      file: undefined,
      line: undefined,
      column: undefined,
      variable: undefined,
      key: formatPath(path),
      message,
      hint,
    })),
  );
}

interface Problem extends KeyProblem {
  readonly at: 'key' | 'value';
}

function judge(value: unknown): { readonly spire: Spire | undefined; readonly problems: readonly Problem[] } {
  const { success, data, error } = spireSchema.safeParse(value);
  if (!success) {
    const all = error.issues.flatMap(problemsOf);
    // A key that is there under a mistyped name is not missing too.
    const meant = new Set(all.filter(({ at }) => at === 'key').map(({ path, hint }) => formatPath([...path.slice(0, -1), meantBy(hint)])));
    return { spire: undefined, problems: all.filter(({ path, message }) => message !== MISSING || !meant.has(formatPath(path))) };
  }
  const problems = contradictions(data).map((problem): Problem => ({ ...problem, at: 'value' }));
  return { spire: problems.length === 0 ? data : undefined, problems };
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key): Problem => ({ path: [...path, key], message: 'there is no such key', hint: nearTo(key, path), at: 'key' }),
    );
  }
  const hint: unknown = issue.code === 'custom' ? issue.params?.['hint'] : undefined;
  return [{ path, message: issue.message, hint: typeof hint === 'string' ? hint : undefined, at: 'value' }];
}

function meantBy(hint: string | undefined): string {
  return /^did you mean (\w+)\?$/.exec(hint ?? '')?.[1] ?? '';
}

// The schema says which keys it takes when it is given a number in place of a mapping.
function nearTo(key: string, path: KeyPath): string | undefined {
  const known = keysAt(path);
  const near = nearest(key, known);
  if (near !== undefined) return `did you mean ${near}?`;
  return known.length === 0 ? undefined : `the keys are ${known.join(', ')}`;
}

function keysAt(path: KeyPath): readonly string[] {
  const probe = path.reduceRight<unknown>(
    (value, key) => (typeof key === 'number' ? Array.from({ length: key + 1 }, () => value) : { [key]: value }),
    0,
  );
  const { error } = spireSchema.safeParse(probe);
  const found = error?.issues.find((issue) => issue.path.length === path.length && issue.path.every((key, index) => key === path[index]));
  return /^expected a mapping with (.*), and found/.exec(found?.message ?? '')?.[1]?.split(', ') ?? [];
}

function errorOf(problems: readonly ConfigProblem[]): ConfigError {
  const [first, ...others] = problems;
  if (first === undefined) throw new TypeError('a file without problems was refused');
  return new ConfigError([first, ...others]);
}
