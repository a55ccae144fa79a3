// What a rule of Prometheus is here: one that records a series, or one that alerts, with what it says to whoever is on call.
import type { Length } from './pace.ts';

/** critical: somebody has to act now. warning: in working hours. */
export type Severity = 'critical' | 'warning';

/** A series that is computed. */
export interface Recording {
  readonly record: string;
  readonly expr: string;
}

/** Something that needs somebody. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  /** How long it has to hold; at once without it. */
  readonly hold?: Length | undefined;
  readonly severity: Severity;
  /** What it is, in a few words. */
  readonly summary: string;
  /** What is affected, with labels and value. */
  readonly description: string;
}

/** Rules that are evaluated one after the other. */
export interface RuleGroup {
  readonly name: string;
  readonly recordings?: readonly Recording[] | undefined;
  readonly alerts: readonly Alert[];
}
