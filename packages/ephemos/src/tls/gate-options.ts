// What servers and clients both take: an identity, a policy and how connections end. Checked before anything is opened.
import { type Authorizer, checkAuthorizer } from '../authorize/authorizer.ts';
import { EphemosError } from '../errors.ts';
import type { X509Source } from '../source/x509-source.ts';
import { checkMinVersion, type MinTlsVersion } from './secure-context.ts';

/** Identity and policy of a server or client. */
export interface GateOptions {
  readonly source: X509Source;
  /** Which peers are admitted. There is no default. */
  readonly authorize: Authorizer;
  /** Default `TLSv1.3`. */
  readonly minVersion?: MinTlsVersion | undefined;
  /** Over how many milliseconds live connections end after our identity was withdrawn; default 10,000, 0 ends them at once. */
  readonly withdrawalGrace?: number | undefined;
  /** How many milliseconds a connection has to finish after its peer was refused; default 3,000. */
  readonly closeGrace?: number | undefined;
}

/**
 * Refuses options that nothing can be made of.
 * @param timeouts further options in milliseconds, each at least 1
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function checkGateOptions(options: GateOptions, timeouts: Readonly<Record<string, number | undefined>>): void {
  const { source, authorize, minVersion, withdrawalGrace, closeGrace } = options;
  checkSource(source);
  checkAuthorizer(authorize);
  checkMinVersion(minVersion);
  checkDurations({ withdrawalGrace, closeGrace });
  checkMilliseconds(timeouts, 1);
}

function checkSource(source: unknown): void {
  const isSource = typeof source === 'object' && source !== null && 'subscribe' in source && typeof source.subscribe === 'function';
  if (!isSource) throw new EphemosError('ERR_OPTION_INVALID', 'source is missing', { hint: 'pass source: await openX509Source()' });
}

/** @throws {EphemosError} ERR_OPTION_INVALID for a duration that is no number of milliseconds that a timer can hold */
export function checkDurations(durations: Readonly<Record<string, number | undefined>>): void {
  checkMilliseconds(durations, 0);
}

/** @throws {EphemosError} ERR_OPTION_INVALID for one that is less than `least`, or more than a timer can hold */
export function checkMilliseconds(values: Readonly<Record<string, number | undefined>>, least: number): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || (typeof value === 'number' && value >= least && value < 2 ** 31)) continue;
    throw new EphemosError('ERR_OPTION_INVALID', `${name} must be a number of milliseconds from ${least} to 2,147,483,647`);
  }
}
