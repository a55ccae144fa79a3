// Turns the options of a trust domain into checked values with their defaults.
import { EphemosError } from 'ephemos/errors';
import type { KeyType } from './certificate-key.ts';

/** How the certificates of a trust domain are made. */
export interface AuthorityOptions {
  /** Whether an intermediate signs the SVIDs. Default false: the root does. */
  readonly intermediate?: boolean | undefined;
  /** The kind of every key. Default 'ec-p256'. */
  readonly keyType?: KeyType | undefined;
  /** Life of the CA certificates. Default one day, as in SPIRE; at least the life of an SVID. */
  readonly caTtlSeconds?: number | undefined;
  /** Life of an SVID. Default one hour, as in SPIRE; at least 1. */
  readonly svidTtlSeconds?: number | undefined;
}

/** Longest life of a certificate: ten years. */
const maxTtlSeconds = 10 * 365 * 86_400;

/** @throws {EphemosError} ERR_OPTION_INVALID */
export function parseAuthorityOptions(options: AuthorityOptions): {
  readonly intermediate: boolean;
  readonly keyType: KeyType;
  readonly caTtlSeconds: number;
  readonly svidTtlSeconds: number;
} {
  const svidTtlSeconds = parseSeconds('svidTtlSeconds', options.svidTtlSeconds ?? 3600);
  const caTtlSeconds = parseSeconds('caTtlSeconds', options.caTtlSeconds ?? Math.max(86_400, 4 * svidTtlSeconds));
  if (caTtlSeconds < svidTtlSeconds) {
    throw new EphemosError('ERR_OPTION_INVALID', `caTtlSeconds (${caTtlSeconds}) is shorter than svidTtlSeconds (${svidTtlSeconds})`, {
      hint: 'a CA must outlive what it signs; make caTtlSeconds at least twice svidTtlSeconds',
    });
  }
  return { intermediate: options.intermediate ?? false, keyType: options.keyType ?? 'ec-p256', caTtlSeconds, svidTtlSeconds };
}

function parseSeconds(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 1 && value <= maxTtlSeconds) return value;
  throw new EphemosError('ERR_OPTION_INVALID', `${name} must be a number of seconds from 1 to ${maxTtlSeconds}`);
}
