// The bundles of all trust domains that a workload may talk to, each under its own name (Trust Domain and Bundle section 3).
import { EphemosError } from '../errors.ts';
import type { TrustDomain } from './trust-domain.ts';
import type { X509Bundle } from './x509-bundle.ts';

/** Bundles by trust domain. They are never merged: a peer is verified with the bundle of its own trust domain. */
export class X509BundleSet {
  readonly #bundles: ReadonlyMap<string, X509Bundle>;

  /** @throws {EphemosError} ERR_BUNDLE_INVALID when two bundles are of one trust domain */
  constructor(bundles: Iterable<X509Bundle>) {
    const map = new Map<string, X509Bundle>();
    for (const bundle of bundles) {
      const { idString } = bundle.trustDomain;
      if (map.has(idString)) throw new EphemosError('ERR_BUNDLE_INVALID', `there are two bundles of ${bundle.trustDomain}`);
      map.set(idString, bundle);
    }
    this.#bundles = map;
    Object.freeze(this);
  }

  get size(): number {
    return this.#bundles.size;
  }

  /** The bundle of one trust domain, undefined when there is none: then nobody of it is trusted. */
  get(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.#bundles.get(trustDomain.idString);
  }

  /** The same by the text of the trust domain ID, `spiffe://example.org`. */
  getById(idString: string): X509Bundle | undefined {
    return this.#bundles.get(idString);
  }

  [Symbol.iterator](): IterableIterator<X509Bundle> {
    return this.#bundles.values();
  }

  /** True when both hold the same trust domains with the same bytes. */
  equals(other: X509BundleSet): boolean {
    if (this === other) return true;
    if (this.size !== other.size) return false;
    for (const bundle of this) {
      const same = other.get(bundle.trustDomain)?.equals(bundle);
      if (same !== true) return false;
    }
    return true;
  }
}
