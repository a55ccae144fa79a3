// From when until when a certificate is good, in; when it has to be replaced out.
import { EphemosError } from 'ephemos/errors';
import { day } from '../keys/judge-certificate.ts';

const DAY_MS = 86_400_000;
/** Less than this share of its life left: replace it. */
const LATE_SHARE = 0.25;

/** What of an authority's life matters to those below it. */
export interface Life {
  readonly from: Date;
  readonly until: Date;
}

/**
 * The day to replace it: a quarter of its life before its end, or earlier. What it signed on the day before is good for `below` more, and goes
 * invalid together with it.
 * @param below milliseconds that what it signs lives
 */
export function dueOf({ from, until }: Life, below: number): Date {
  return new Date(until.getTime() - Math.max((until.getTime() - from.getTime()) * LATE_SHARE, below));
}

/**
 * @param days that an upstream authority is to live
 * @param authority milliseconds that the authorities of SPIRE's servers live (ca_ttl)
 * @param root when the root that signs it ends
 * @throws {EphemosError} ERR_CONFIG_INVALID when it would end before an authority that it signs, or after the root
 */
export function checkLives({
  days,
  authority,
  root,
  now,
}: {
  readonly days: number;
  readonly authority: number;
  readonly root: Date;
  readonly now: Date;
}): void {
  if (days * DAY_MS <= authority) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${days} days are no longer than what SPIRE signs under it is to live (ca_ttl)`, {
      hint: 'an upstream authority has to outlive ca_ttl: lengthen --days, or say what ca_ttl is in server.conf with --ca-ttl',
    });
  }
  if (now.getTime() + days * DAY_MS > root.getTime()) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${days} days from now the root has ended, on ${day(root)}`, {
      hint: 'shorten --days; when the root is near its end, make a new one in another directory and bring it in as docs/authority-rotation.md says',
    });
  }
}
