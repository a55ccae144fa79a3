// From a leaf to an authority of its own trust domain: a bounded search over the presented certificates (RFC 5280 section 6.1, X509-SVID section 5).
import { EphemosError, type ErrorCode } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { equalBytes } from './der.ts';
import { isAuthority } from './leaf.ts';
import { satisfiesNameConstraints } from './name-constraints.ts';

/** Most certificates in a path, leaf and authority included. */
export const MAX_PATH_CERTIFICATES = 10;
/** Most signatures that are checked for one peer: what an attacker may make us spend, about 3 ms with P-256 and 40 ms with P-521 (Node 20). */
export const MAX_SIGNATURE_CHECKS = 16;
/** Most candidate issuers that are tried for one peer. Only a certificate whose subject is the issuer name asked for is a candidate. */
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
  checkUsable(search.leaf, search.now, false);
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

  /** Extends a path, depth first. */
  from(path: readonly Certificate[]): readonly Certificate[] | undefined {
    const child = path[path.length - 1];
    if (child === undefined) return undefined;
    for (const issuer of this.#candidates(child, path)) {
      const isAnchor = this.#search.authorities.includes(issuer);
      if (!this.#leads(path, child, issuer, isAnchor)) continue;
      const longer = [...path, issuer];
      const found = isAnchor ? longer : this.from(longer);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  // Authorities before presented certificates, so the shortest good path is found at once; but first of all those whose key identifier fits:
  // in a bundle of twenty roots of one name the right one must not come after the budget is spent. It is a hint, the signature decides.
  #candidates(child: Certificate, path: readonly Certificate[]): readonly Certificate[] {
    const { authorities, presented } = this.#search;
    const isNamed = (issuer: Certificate): boolean => equalBytes(child.issuer, issuer.subject);
    const mayGrow = path.length < MAX_PATH_CERTIFICATES - 1;
    const named = [
      ...authorities.filter(isNamed),
      ...(mayGrow ? presented.filter((issuer) => isNamed(issuer) && !path.includes(issuer)) : []),
    ];
    return named.length < 2
      ? named
      : [...named.filter((issuer) => keyIdFits(child, issuer)), ...named.filter((issuer) => !keyIdFits(child, issuer))];
  }

  #leads(path: readonly Certificate[], child: Certificate, issuer: Certificate, isAnchor: boolean): boolean {
    this.#steps += 1;
    if (this.#steps > MAX_PATH_STEPS) throw tooCostly();
    if (!this.#isSigned(child, issuer)) return false;
    try {
      checkIssuer(issuer, path, this.#search.now, isAnchor);
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
function checkIssuer(issuer: Certificate, below: readonly Certificate[], now: number, isAnchor: boolean): void {
  const [unknown] = issuer.extensions.unknownCritical;
  if (unknown !== undefined)
    throw failed('ERR_PEER_EXTENSION_UNSUPPORTED', `a CA in the chain has a critical extension ${unknown} that is not understood`);
  if (!isAuthority(issuer)) throw failed('ERR_PEER_AUTHORITY_UNKNOWN', 'a certificate in the chain may not sign others');
  checkUsable(issuer, now, isAnchor);
  const { pathLength, nameConstraints } = issuer.extensions;
  const [leaf, ...others] = below;
  // RFC 5280 sections 4.2.1.9 and 6.1.3 pass over intermediates that are self-issued, as a CA makes them when it changes its key; the leaf is none.
  const intermediates = others.filter((certificate) => !equalBytes(certificate.issuer, certificate.subject));
  if (pathLength !== undefined && intermediates.length > pathLength) {
    throw failed(
      'ERR_PEER_AUTHORITY_UNKNOWN',
      `a CA in the chain allows ${pathLength} intermediates below it and there are ${intermediates.length}`,
    );
  }
  if (nameConstraints === undefined || leaf === undefined) return;
  const allowed = [leaf, ...intermediates].every(({ extensions, subjectEmpty }) =>
    satisfiesNameConstraints(nameConstraints, { ...extensions, subjectEmpty }),
  );
  if (!allowed) throw failed('ERR_PEER_NAME_CONSTRAINED', 'a CA in the chain may not issue the name of a certificate below it');
}

/**
 * In date, and strong enough to be relied on. How an anchor itself was signed is not judged: it is trusted because it is in the bundle.
 * Written so that a time that is no number is in no period.
 */
function checkUsable(certificate: Certificate, now: number, isAnchor: boolean): void {
  if (!(now <= certificate.notAfter)) {
    throw failed(
      'ERR_PEER_EXPIRED',
      `a certificate of the peer expired at ${isoTime(certificate.notAfter)}`,
      'if the peer rotates, compare the clocks of both machines',
    );
  }
  if (!(now >= certificate.notBefore)) {
    throw failed(
      'ERR_PEER_NOT_YET_VALID',
      `a certificate of the peer is valid only from ${isoTime(certificate.notBefore)}`,
      'compare the clocks of both machines',
    );
  }
  if (certificate.keyFamily === 'weak' || (certificate.signatureScheme === undefined && !isAnchor)) {
    throw failed(
      'ERR_PEER_ALGORITHM_WEAK',
      'a certificate of the peer has a weak or unknown key or signature',
      'use ECDSA P-256 or stronger, RSA of 2048 bits or more, with SHA-256 or stronger',
    );
  }
}

function keyIdFits({ extensions: { authorityKeyId } }: Certificate, { extensions: { subjectKeyId } }: Certificate): boolean {
  return authorityKeyId !== undefined && subjectKeyId !== undefined && equalBytes(authorityKeyId, subjectKeyId);
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

function failed(code: ErrorCode, message: string, hint?: string): EphemosError {
  return new EphemosError(code, message, { hint });
}

function tooCostly(): EphemosError {
  return new EphemosError(
    'ERR_PEER_CHAIN_TOO_LONG',
    `the chain of the peer takes more than ${MAX_SIGNATURE_CHECKS} signature checks or ${MAX_PATH_STEPS} steps`,
  );
}
