// Values of flags that are checked by the library: text in, a checked value out, with an error that names the flag.
import type { Target } from 'ephemos';
import { EphemosError, isEphemosError } from 'ephemos/errors';
import { SpiffeId, TrustDomain } from 'ephemos/spiffe';

/**
 * Parses a SPIFFE ID given as `flag`.
 * @throws {EphemosError} ERR_SPIFFE_ID_INVALID
 */
export function parseId(text: string, flag: string): SpiffeId {
  return named(flag, text, () => SpiffeId.parse(text));
}

/**
 * Parses a trust domain given as `flag`.
 * @throws {EphemosError} ERR_TRUST_DOMAIN_INVALID
 */
export function parseTrustDomain(text: string, flag: string): TrustDomain {
  return named(flag, text, () => TrustDomain.parse(text));
}

/**
 * Parses what a peer asks for, given as `flag`.
 * @throws {EphemosError} ERR_TARGET_INVALID
 */
export async function parseTarget(text: string, flag: string): Promise<Target> {
  const { parseTarget: parse } = await import('ephemos');
  return named(flag, text, () => parse(text), 'a service answers such a request with 400, whatever its policy says');
}

function named<T>(flag: string, text: string, parse: () => T, hint?: string): T {
  try {
    return parse();
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    throw new EphemosError(error.code, `${flag} ${JSON.stringify(text.slice(0, 200))}: ${error.message}`, {
      hint: error.hint ?? hint,
      cause: error,
    });
  }
}
