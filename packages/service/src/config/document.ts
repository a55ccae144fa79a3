// A path in; the values of a YAML file out, with the place of each of its problems.
import { type ConfigProblem, formatPath, type KeyPath, type KeyProblem } from './problem.ts';
import { type ConfigFile, readSource } from './source-file.ts';
import { readYaml } from './yaml-text.ts';

/** A YAML file, read as far as it can be. */
export interface ConfigDocument {
  /** `undefined` when it could not be read. */
  readonly file: ConfigFile | undefined;
  /** Plain values; `undefined` when there are none to look at. */
  readonly value: unknown;
  /** What is wrong with its form, each with the path of its key. */
  readonly problems: readonly { readonly path: KeyPath; readonly problem: ConfigProblem }[];
  /** Says where in the file a problem of a key is. */
  locate(problem: KeyProblem, at: 'key' | 'value'): ConfigProblem;
}

/** Opens a file of at most `most` bytes, 1 MiB by default. Does not throw: what is wrong is in `problems`. */
export function openDocument(path: string, most?: number): ConfigDocument {
  const source = readSource(path, most);
  if ('refusal' in source) {
    const { line, column, message, hint } = source.refusal;
    const problem = Object.freeze({ file: path, line, column, variable: undefined, key: '', message, hint });
    return { file: undefined, value: undefined, problems: [{ path: [], problem }], locate: () => problem };
  }
  const { value, problems, position } = readYaml(source.text);
  const place = (problem: KeyProblem, { line, column }: { readonly line: number; readonly column: number }): ConfigProblem =>
    Object.freeze({
      file: path,
      line,
      column,
      variable: undefined,
      key: formatPath(problem.path),
      message: problem.message,
      hint: problem.hint,
    });
  return {
    file: source.file,
    value,
    problems: problems.map((each) => ({ path: each.path, problem: place(each, each) })),
    locate: (problem, at) => place(problem, position(problem.path, at)),
  };
}

/** Orders the problems of one file by their place; stable. */
export function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
