// The authorities of one trust domain: concatenated DER in, certificates to verify against out (X509-SVID section 6, Workload API section 5.2.1).
import { EphemosError, isEphemosError } from '../errors.ts';
import { Certificate, splitCertificates } from './certificate.ts';
import { equalBytes } from './der.ts';
import type { TrustDomain } from './trust-domain.ts';

/** Largest bundle of one trust domain, in bytes. */
export const MAX_BUNDLE_BYTES: number = 1024 * 1024;
/** Most authorities in one bundle. SPIRE holds one to three at a time. */
export const MAX_AUTHORITIES = 1000;

/** The X.509 authorities of one trust domain. They vouch for that trust domain and for no other. */
export class X509Bundle {
  readonly trustDomain: TrustDomain;
  /** The authorities as they came, concatenated DER. */
  readonly der: Uint8Array;
  readonly #encoded: readonly Uint8Array[];
  #authorities: readonly Certificate[] | undefined;

  private constructor(trustDomain: TrustDomain, der: Uint8Array, encoded: readonly Uint8Array[]) {
    this.trustDomain = trustDomain;
    this.der = der;
    this.#encoded = encoded;
    Object.freeze(this);
  }

  /**
   * Takes concatenated DER certificates, none of them is fine: then nobody of this trust domain is trusted.
   * @throws {EphemosError} ERR_BUNDLE_INVALID when the bytes are not whole certificates or over the bounds
   */
  static parse(trustDomain: TrustDomain, der: Uint8Array): X509Bundle {
    if (der.length > MAX_BUNDLE_BYTES) throw invalid(trustDomain, `is larger than ${MAX_BUNDLE_BYTES} bytes`);
    // A copy: the certificates are read later, when a buffer of the caller may hold something else.
    const own = new Uint8Array(der);
    try {
      return new X509Bundle(trustDomain, own, splitCertificates(own, MAX_AUTHORITIES));
    } catch (error) {
      throw invalid(trustDomain, 'is not a row of at most 1,000 DER certificates', error);
    }
  }

  /**
   * The certificates of the bundle, read when they are first asked for: a service with a thousand federated trust domains talks to few.
   * One that cannot be read (an old version, an unknown form) verifies nobody and is left out; it must not block the others.
   */
  get authorities(): readonly Certificate[] {
    this.#authorities ??= Object.freeze(this.#encoded.flatMap(readAuthority));
    return this.#authorities;
  }

  /** Number of certificates that came, readable or not. */
  get size(): number {
    return this.#encoded.length;
  }

  /** True for the same trust domain and the same bytes. */
  equals(other: X509Bundle): boolean {
    return this === other || (this.trustDomain.equals(other.trustDomain) && equalBytes(this.der, other.der));
  }
}

function readAuthority(der: Uint8Array): readonly Certificate[] {
  try {
    return [Certificate.parse(der)];
  } catch (error) {
    if (isEphemosError(error)) return [];
    throw error;
  }
}

function invalid(trustDomain: TrustDomain, what: string, cause?: unknown): EphemosError {
  return new EphemosError('ERR_BUNDLE_INVALID', `the bundle of ${trustDomain} ${what}`, cause === undefined ? {} : { cause });
}
