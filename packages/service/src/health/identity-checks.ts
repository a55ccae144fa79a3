// Whether this process can prove who it is and verify others, now: a source in, a reason for each thing that is missing out.
import type { X509Source } from 'ephemos';
import { type EphemosError, isEphemosError } from 'ephemos/errors';
import type { TrustDomain, X509Bundle, X509Svid } from 'ephemos/spiffe';

/** What the checks ask of a source. */
export type HealthSource = Pick<X509Source, 'svid' | 'bundles' | 'subscribe'>;

/** What the checks are asked about. */
export interface Identity {
  /** `undefined` until there is one. */
  readonly source: HealthSource | undefined;
  /** Why there is no source yet, where that is known. */
  readonly waiting: EphemosError | undefined;
  /** Our own; `undefined` until there was an SVID. */
  readonly trustDomain: TrustDomain | undefined;
}

/** The reasons, `undefined` for what is there. */
export interface IdentityReasons {
  readonly svid: string | undefined;
  readonly bundle: string | undefined;
  /** Milliseconds since 1970: when time alone changes one of them; `undefined` when it does not. */
  readonly until: number | undefined;
  readonly trustDomain: TrustDomain | undefined;
}

/** Judges the identity at a moment, in milliseconds since 1970. An agent that is away does not count while what it gave is valid. */
export function checkIdentity({ source, waiting, trustDomain }: Identity, now: number): IdentityReasons {
  if (source === undefined) {
    const reason = `waiting for an identity${waiting === undefined ? '' : `: ${waiting.message}`}`;
    return { svid: reason, bundle: 'waiting for an identity', until: undefined, trustDomain };
  }
  const svid = svidOf(source);
  const own = typeof svid === 'string' ? trustDomain : svid.id.trustDomain;
  const bundle = own === undefined ? undefined : bundleOf(source, own);
  const ends = [
    ...(typeof svid === 'string' ? [] : [svid.notBefore, svid.notAfter + 1]),
    ...(bundle?.authorities.map(({ notAfter }) => notAfter + 1) ?? []),
  ].filter((time) => time > now);
  return {
    svid: svidReason(svid, now),
    bundle: bundleReason(bundle, own, now),
    until: ends.length === 0 ? undefined : ends.reduce((a, b) => Math.min(a, b)),
    trustDomain: own,
  };
}

function svidOf(source: HealthSource): X509Svid | string {
  try {
    return source.svid;
  } catch (error) {
    if (isEphemosError(error)) return error.message;
    throw error;
  }
}

function bundleOf(source: HealthSource, trustDomain: TrustDomain): X509Bundle | undefined {
  try {
    return source.bundles.get(trustDomain);
  } catch (error) {
    // The source was closed.
    if (isEphemosError(error)) return undefined;
    throw error;
  }
}

function svidReason(svid: X509Svid | string, now: number): string | undefined {
  if (typeof svid === 'string') return svid;
  if (now > svid.notAfter) return `the SVID expired at ${new Date(svid.notAfter).toISOString()}`;
  return now < svid.notBefore ? `the SVID is valid from ${new Date(svid.notBefore).toISOString()}; compare the clocks` : undefined;
}

function bundleReason(bundle: X509Bundle | undefined, trustDomain: TrustDomain | undefined, now: number): string | undefined {
  if (trustDomain === undefined) return 'our trust domain is not known yet';
  if (bundle === undefined) return `there is no bundle of ${trustDomain}`;
  if (bundle.authorities.length === 0) return `the bundle of ${trustDomain} has no authority`;
  return bundle.authorities.some(({ notAfter }) => notAfter >= now) ? undefined : `every authority of ${trustDomain} has expired`;
}
