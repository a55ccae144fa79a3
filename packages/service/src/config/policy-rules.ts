// What a configuration says of its policy in; the rules, from there or from a file of their own, and their problems out.
import { dirname, resolve } from 'node:path';
import type { PolicyConfig } from './config.ts';
import { byPlace, type ConfigDocument, openDocument } from './document.ts';
import { isMapping } from './overlay.ts';
import type { ConfigProblem, KeyProblem } from './problem.ts';
import type { ConfigFile } from './source-file.ts';
import { checkText } from './text-check.ts';

/** What is wrong with a policy, given as plain values `{ rules: [...] }`. */
export type PolicyCheck = (policy: unknown) => readonly KeyProblem[];

/** A policy that was read. */
export interface PolicyRead {
  readonly policy: PolicyConfig | undefined;
  /** The file of the policy, when it has one that could be read. */
  readonly file: ConfigFile | undefined;
  /** Problems of rules that stand in the configuration itself, from its top. */
  readonly inline: readonly KeyProblem[];
  /** Problems of the file of the policy. */
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads the policy of a configuration. What is no policy at all is left to the schema.
 * @param value the whole configuration, as plain values
 * @param base the file that a relative path of the policy starts from; the working directory when there is none
 */
export function readPolicyRules(value: unknown, base: string | undefined, check: PolicyCheck | undefined): PolicyRead {
  const given = isMapping(value) ? value['policy'] : undefined;
  const { rules, file } = isMapping(given) ? { rules: given['rules'], file: given['file'] } : {};
  if (Array.isArray(rules)) {
    const inline = (check?.({ rules }) ?? []).map((each) => ({ ...each, path: ['policy', ...each.path] }));
    return { policy: { rules, file: undefined }, file: undefined, inline, problems: [] };
  }
  if (typeof file !== 'string' || file === '' || file.includes('\0') || checkText(file) !== undefined) return nothing;
  const path = base === undefined ? resolve(file) : resolve(dirname(base), file);
  const document = openDocument(path);
  const ofFile = document.problems.map(({ problem }) =>
    problem.line === undefined && problem.hint === undefined ? Object.freeze({ ...problem, hint: NAMED_BY }) : problem,
  );
  const problems = [...ofFile, ...problemsOf(document, check)].sort(byPlace);
  return { policy: { rules: rulesOf(document.value) ?? [], file: path }, file: document.file, inline: [], problems };
}

const NAMED_BY = 'policy.file names it; a relative path starts at the directory of the configuration';

const nothing: PolicyRead = Object.freeze({ policy: undefined, file: undefined, inline: [], problems: [] });

function problemsOf(document: ConfigDocument, check: PolicyCheck | undefined): readonly ConfigProblem[] {
  if (document.value === undefined) return [];
  if (check !== undefined) return check(document.value).map((each) => document.locate(each, 'key'));
  if (rulesOf(document.value) !== undefined) return [];
  return [document.locate({ path: ['rules'], message: 'expected a list of rules', hint: 'write "rules: []" to admit nobody' }, 'key')];
}

function rulesOf(value: unknown): readonly unknown[] | undefined {
  const rules: unknown = isMapping(value) ? value['rules'] : undefined;
  return Array.isArray(rules) ? rules : undefined;
}
