// What became of the certificates of an authority, or would.
import type { Life } from './lives.ts';
import { dueOf } from './lives.ts';

/** One certificate. */
export interface CaReport {
  readonly what: 'root' | 'upstream authority' | 'authority of machines' | 'machine';
  readonly state: 'new' | 'renewed' | 'kept';
  readonly path: string;
  readonly until: Date;
  /** When it has to be replaced. */
  readonly due: Date;
  /** That has come. */
  readonly late: boolean;
}

/** @param below milliseconds that what it signs lives */
export function reportOf(
  found: Pick<CaReport, 'what' | 'state' | 'path'>,
  life: Life,
  { below, now }: { readonly below: number; readonly now: Date },
): CaReport {
  const due = dueOf(life, below);
  return { ...found, until: life.until, due, late: due <= now };
}
