// What a check is: evidence in, a verdict out. Ids nest by dots: an item of the production checklist (spire.reachable), one of its rules
// (spire.reachable.socket), and what that rule may find (spire.reachable.socket.missing).
import { type FindingId, findingTable, type Severity } from './findings.ts';

/** What came of a rule. What was skipped was not looked at, and counts as nothing else. */
export type Result = 'pass' | 'fail' | 'warn' | 'skip';

/** What to do about a finding. */
export interface Mend {
  readonly how: string;
  /** A command or a snippet, to be pasted as it stands but for what is in `<>`. */
  readonly lines: readonly string[];
}

/** Where something stands in a file that was checked. */
export interface Place {
  readonly file: string;
  readonly line?: number | undefined;
}

/** Something that is wrong. Texts may hold what came from outside: whoever prints them makes them harmless. */
export interface Finding {
  readonly id: FindingId;
  readonly severity: Severity;
  readonly what: string;
  readonly evidence: readonly string[];
  readonly mends: readonly Mend[];
  readonly place?: Place | undefined;
}

/** What a rule says of the evidence. `reason` says what was seen, or why nothing could be. */
export type Verdict =
  | { readonly result: 'pass' | 'skip'; readonly reason: string }
  | { readonly result: 'fail' | 'warn'; readonly findings: readonly Finding[] };

/** One rule of an item. It does no I/O. */
export interface Rule<Evidence> {
  readonly id: string;
  readonly title: string;
  judge(evidence: Evidence): Verdict;
}

/** One item of the checklist. */
export interface Item<Evidence> {
  readonly id: string;
  readonly title: string;
  readonly rules: readonly Rule<Evidence>[];
}

/** A verdict of pass. */
export function pass(reason: string): Verdict {
  return { result: 'pass', reason };
}

/** A verdict of skip. */
export function skip(reason: string): Verdict {
  return { result: 'skip', reason };
}

/** A verdict of fail, or of warn where no finding is an error. */
export function found(first: Finding, ...more: readonly Finding[]): Verdict {
  const findings = [first, ...more];
  return { result: findings.some(({ severity }) => severity === 'error') ? 'fail' : 'warn', findings };
}

/** Makes a finding; its severity is that of the table. */
export function finding(id: FindingId, what: string, details: Pick<Finding, 'evidence' | 'mends' | 'place'>): Finding {
  return { id, severity: findingTable[id].severity, what, ...details };
}

/** Makes a mend. */
export function mend(how: string, ...lines: readonly string[]): Mend {
  return { how, lines };
}
