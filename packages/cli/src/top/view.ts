// What is shown of a service, and how.
import type { Style } from '../output/text.ts';
import type { Paces } from './history.ts';
import type { Observation, Targets } from './observe.ts';

/** What is shown. */
export interface View {
  readonly targets: Targets;
  /** `undefined` before the first answer. */
  readonly observation: Observation | undefined;
  readonly paces: Paces | undefined;
  /** When the service last gave a reading, in milliseconds since 1970. */
  readonly lastSeen: number | undefined;
}

/** How it is shown. */
export interface Look {
  readonly style: Style;
  /** Whether the terminal shows more than ASCII. */
  readonly unicode: boolean;
  readonly columns: number;
}

/** Whether the service takes calls: its probe says so, else its metrics; `undefined` when neither does. */
export function readyOf({ probe, reading }: Observation): boolean | undefined {
  return probe?.reachable === true ? probe.ok : reading?.ready;
}

/** The checks that fail. */
export function failingText({ probe, reading }: Observation): string {
  return probe?.reachable === true ? (probe.reason ?? '') : (reading?.failingChecks.join(', ') ?? '');
}
