// Options that servers and clients share, checked before anything is opened.
import { EphemosError } from '../errors.ts';

/** @throws {EphemosError} ERR_OPTION_INVALID when this is no X509Source */
export function checkSource(source: unknown): void {
  const isSource = typeof source === 'object' && source !== null && 'subscribe' in source && typeof source.subscribe === 'function';
  if (!isSource) throw new EphemosError('ERR_OPTION_INVALID', 'source is missing', { hint: 'pass source: await openX509Source()' });
}

/** @throws {EphemosError} ERR_OPTION_INVALID for a duration that is no number of milliseconds that a timer can hold */
export function checkDurations(durations: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(durations)) {
    if (value === undefined || (value >= 0 && value < 2 ** 31)) continue;
    throw new EphemosError('ERR_OPTION_INVALID', `${name} must be a number of milliseconds from 0 to 2,147,483,647`);
  }
}
