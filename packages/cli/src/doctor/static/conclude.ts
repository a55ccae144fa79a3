// What a static rule saw in, its verdict out.
import { type Finding, found, pass, skip, type Verdict } from '../check.ts';

/** More than this of one rule are counted, not named. */
export const MAX_FINDINGS = 200;

/**
 * The verdict of a rule.
 * @param looked how many things it looked at; none is a skip
 */
export function conclude(
  findings: readonly Finding[],
  looked: { readonly count: number; readonly passed: string; readonly skipped: string },
): Verdict {
  const [first, ...more] = findings.slice(0, MAX_FINDINGS);
  if (first !== undefined) return found(first, ...more);
  return looked.count > 0 ? pass(looked.passed) : skip(looked.skipped);
}
