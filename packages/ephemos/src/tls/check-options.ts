// Options that servers and clients share, checked before anything is opened.
import { EphemosError } from '../errors.ts';

/** @throws {EphemosError} ERR_OPTION_INVALID when this is no X509Source */
export function checkSource(source: unknown): void {
  const isSource = typeof source === 'object' && source !== null && 'subscribe' in source && typeof source.subscribe === 'function';
  if (!isSource) throw new EphemosError('ERR_OPTION_INVALID', 'source is missing', { hint: 'pass source: await openX509Source()' });
}

/** @throws {EphemosError} ERR_OPTION_INVALID for a duration that is no number of milliseconds that a timer can hold */
export function checkDurations(durations: Readonly<Record<string, number | undefined>>): void {
  checkMilliseconds(durations, 0);
}

/** The same for timeouts, which leave at least a millisecond. @throws {EphemosError} ERR_OPTION_INVALID */
export function checkTimeouts(timeouts: Readonly<Record<string, number | undefined>>): void {
  checkMilliseconds(timeouts, 1);
}

function checkMilliseconds(values: Readonly<Record<string, number | undefined>>, least: number): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || (typeof value === 'number' && value >= least && value < 2 ** 31)) continue;
    throw new EphemosError('ERR_OPTION_INVALID', `${name} must be a number of milliseconds from ${least} to 2,147,483,647`);
  }
}
