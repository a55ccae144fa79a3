// Evidence through the rules of a checklist: a report out, and the exit code that it stands for.
import { type ExitCode, exitCodes } from '../output/exit-code.ts';
import type { Item, Result, Rule, Verdict } from './check.ts';

/** A rule and what it said. */
export type JudgedRule = Pick<Rule<never>, 'id' | 'title'> & Verdict;

/** An item and what its rules said. */
export interface JudgedItem {
  readonly id: string;
  readonly title: string;
  readonly rules: readonly JudgedRule[];
}

/** What came of everything. Reports of several kinds of evidence are joined by appending their items. */
export interface Report {
  readonly items: readonly JudgedItem[];
  readonly counts: Readonly<Record<Result, number>>;
}

/** Judges. @param isWanted which rules; items without one are left out */
export function judge<Evidence>(
  items: readonly Item<Evidence>[],
  evidence: Evidence,
  isWanted: (ruleId: string) => boolean = () => true,
): Report {
  const judged = items
    .map(({ id, title, rules }) => ({
      id,
      title,
      rules: rules.filter((rule) => isWanted(rule.id)).map((rule) => ({ id: rule.id, title: rule.title, ...rule.judge(evidence) })),
    }))
    .filter(({ rules }) => rules.length > 0);
  const counts = { pass: 0, fail: 0, warn: 0, skip: 0 };
  for (const { rules } of judged) for (const { result } of rules) counts[result] += 1;
  return { items: judged, counts };
}

/** One report of several, item by item in their order. */
export function joinReports(...reports: readonly Report[]): Report {
  const counts = { pass: 0, fail: 0, warn: 0, skip: 0 };
  for (const each of reports) for (const result of ['pass', 'fail', 'warn', 'skip'] as const) counts[result] += each.counts[result];
  return { items: reports.flatMap(({ items }) => items), counts };
}

/** The worst that a rule of the item said; skip only when all were skipped. */
export function resultOf({ rules }: JudgedItem): Result {
  const all = new Set(rules.map(({ result }) => result));
  for (const result of ['fail', 'warn', 'pass'] as const) if (all.has(result)) return result;
  return 'skip';
}

/** The exit code. @param strict warnings count too */
export function exitCodeOfReport({ counts }: Report, strict: boolean): ExitCode {
  if (counts.fail > 0) return exitCodes.failed;
  return strict && counts.warn > 0 ? exitCodes.differs : exitCodes.ok;
}
