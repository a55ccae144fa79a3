// From a leaf to an authority of its own trust domain: a bounded search over the presented certificates (RFC 5280 section 6.1, X509-SVID section 5).
import { EphemosError, type ErrorCode } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { equalBytes } from './der.ts';
import { isAuthority } from './leaf.ts';
import { satisfiesNameConstraints } from './name-constraints.ts';

/** Most certificates in a path, leaf and authority included. */
export const MAX_PATH_CERTIFICATES = 10;
/** Most signatures that are checked for one peer: what an attacker may make us spend, about 1 ms. */
export const MAX_SIGNATURE_CHECKS = 16;
/** Most pairs of certificate and candidate issuer that are looked at for one peer. */
export const MAX_PATH_STEPS = 128;

/** Remembers signatures that were found good. A signature that was good once stays good: dates and trust are checked elsewhere. */
export type KnownSignatures = WeakMap<Certificate, WeakSet<Certificate>>;

/** What a search works with. */
export interface PathSearch {
  readonly leaf: Certificate;
  /** Certificates that the peer presented besides the leaf, in any order. */
  readonly presented: readonly Certificate[];
  /** The authorities of the trust domain of the leaf, and of no other. */
  readonly authorities: readonly Certificate[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly known: KnownSignatures;
}

/**
 * Finds a path from the leaf to an authority, leaf first, authority last.
 * @throws {EphemosError} the reason of the most promising path that failed, or ERR_PEER_AUTHORITY_UNKNOWN when none came near
 */
export function findPath(search: PathSearch): readonly Certificate[] {
  checkUsable(search.leaf, search.now);
  const walk = new Walk(search);
  const path = walk.from([search.leaf]);
  if (path !== undefined) return path;
  throw (
    walk.failure ??
    new EphemosError('ERR_PEER_AUTHORITY_UNKNOWN', 'the chain does not end in an authority of the trust domain of the peer', {
      hint: 'the peer was issued by another authority than those in our bundle; check that both sides use the same SPIRE deployment or federation',
    })
  );
}

class Walk {
  failure: EphemosError | undefined;
  readonly #search: PathSearch;
  #signatures = 0;
  #steps = 0;

  constructor(search: PathSearch) {
    this.#search = search;
  }

  /** Extends a path, depth first; authorities before presented certificates, so the shortest good path is found at once. */
  from(path: readonly Certificate[]): readonly Certificate[] | undefined {
    for (const authority of this.#search.authorities) {
      if (this.#leads(path, authority)) return [...path, authority];
    }
    if (path.length >= MAX_PATH_CERTIFICATES - 1) return undefined;
    for (const candidate of this.#search.presented) {
      if (path.includes(candidate) || !this.#leads(path, candidate)) continue;
      const found = this.from([...path, candidate]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #leads(path: readonly Certificate[], issuer: Certificate): boolean {
    const child = path[path.length - 1];
    this.#steps += 1;
    if (this.#steps > MAX_PATH_STEPS) throw tooCostly();
    if (child === undefined || !equalBytes(child.issuer, issuer.subject)) return false;
    if (!this.#isSigned(child, issuer)) return false;
    try {
      checkIssuer(issuer, path, this.#search.now);
      return true;
    } catch (error) {
      if (!(error instanceof EphemosError)) throw error;
      this.failure ??= error;
      return false;
    }
  }

  #isSigned(child: Certificate, issuer: Certificate): boolean {
    const known = this.#search.known.get(child);
    if (known?.has(issuer) === true) return true;
    this.#signatures += 1;
    if (this.#signatures > MAX_SIGNATURE_CHECKS) throw tooCostly();
    if (!child.isSignedBy(issuer)) return false;
    if (known === undefined) this.#search.known.set(child, new WeakSet([issuer]));
    else known.add(issuer);
    return true;
  }
}

/** Holds an issuer against the certificates below it. */
function checkIssuer(issuer: Certificate, below: readonly Certificate[], now: number): void {
  if (!isAuthority(issuer)) throw failed('ERR_PEER_AUTHORITY_UNKNOWN', 'a certificate in the chain may not sign others');
  checkUsable(issuer, now);
  const { pathLength, nameConstraints } = issuer.extensions;
  // RFC 5280 section 4.2.1.9 counts the intermediates below that are not self-issued; the leaf is none.
  const intermediates = below.slice(1).filter((certificate) => !equalBytes(certificate.issuer, certificate.subject)).length;
  if (pathLength !== undefined && intermediates > pathLength) {
    throw failed('ERR_PEER_AUTHORITY_UNKNOWN', `a CA in the chain allows ${pathLength} intermediates below it and there are ${intermediates}`);
  }
  if (nameConstraints === undefined) return;
  const allowed = below.every(({ extensions, subjectEmpty }) => satisfiesNameConstraints(nameConstraints, { ...extensions, subjectEmpty }));
  if (!allowed) throw failed('ERR_PEER_NAME_CONSTRAINED', 'a CA in the chain may not issue the name of a certificate below it');
}

/** In date, and strong enough to be relied on. */
function checkUsable(certificate: Certificate, now: number): void {
  if (now > certificate.notAfter) {
    throw failed('ERR_PEER_EXPIRED', `a certificate of the peer expired at ${isoTime(certificate.notAfter)}`, 'if the peer rotates, compare the clocks of both machines');
  }
  if (now < certificate.notBefore) {
    throw failed('ERR_PEER_NOT_YET_VALID', `a certificate of the peer is valid only from ${isoTime(certificate.notBefore)}`, 'compare the clocks of both machines');
  }
  if (certificate.keyFamily === 'weak' || certificate.signatureScheme === undefined) {
    throw failed('ERR_PEER_ALGORITHM_WEAK', 'a certificate of the peer has a weak or unknown key or signature', 'use ECDSA P-256 or stronger, RSA of 2048 bits or more, with SHA-256 or stronger');
  }
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

function failed(code: ErrorCode, message: string, hint?: string): EphemosError {
  return new EphemosError(code, message, { hint });
}

function tooCostly(): EphemosError {
  return new EphemosError('ERR_PEER_CHAIN_TOO_LONG', `the chain of the peer takes more than ${MAX_SIGNATURE_CHECKS} signature checks or ${MAX_PATH_STEPS} steps`);
}
