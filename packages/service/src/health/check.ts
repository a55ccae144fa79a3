// What a probe is told: an answer, and the checks that it comes from.

/** One check as it stands. */
export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Why it fails, in one line. */
  readonly reason?: string | undefined;
  /** True for a check of `addCheck`. Its reason is the text of somebody else's error: only callers on this machine are shown it. */
  readonly added?: boolean | undefined;
}

/** The answer to a probe. */
export interface HealthStatus {
  /** True when every check is. */
  readonly ok: boolean;
  readonly checks: readonly HealthCheck[];
}

/** What can be asked. */
export type ProbeName = 'live' | 'ready' | 'startup';

/** What a probe has learned. */
export interface ProbeResult {
  readonly ok: boolean;
  /** False when nothing answered. */
  readonly reachable: boolean;
  /** The checks, as far as they were named. */
  readonly checks: readonly HealthCheck[];
  /** Why it is not healthy, in one line that names the failing checks. */
  readonly reason: string | undefined;
}

/** Makes the answer that these checks give. */
export function statusOf(checks: readonly HealthCheck[]): HealthStatus {
  return Object.freeze({ ok: checks.every(({ ok }) => ok), checks: Object.freeze([...checks]) });
}

/** Makes a check; without a reason it is fine. */
export function checkOf(name: string, reason: string | undefined): HealthCheck {
  return Object.freeze(reason === undefined ? { name, ok: true } : { name, ok: false, reason: oneLine(reason) });
}

/** Longest reason that is kept, in characters. */
const MAX_REASON_LENGTH = 200;

/** The first {@link MAX_REASON_LENGTH} characters of a text, on one line, with nothing in it that a terminal would act on. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 4 * MAX_REASON_LENGTH)
    .replace(/[\s\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, ' ')
    .trim();
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH - 3)}...` : line;
}
