// Holds the CA keys of one trust domain and turns SPIFFE IDs into SVIDs; its authorities are replaced with or without overlap.
import type { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import type { KeyType } from './certificate-key.ts';
import type { IssuedCertificate } from './certificate-options.ts';
import { type IssuedSvid, type IssueOptions, issueIntermediate, issueRoot, issueSvid, type SvidSigner, validity } from './svid.ts';

/** How the certificates of an authority are made. */
export interface CertificateAuthorityOptions {
  readonly trustDomain: TrustDomain;
  /** Whether an intermediate signs the SVIDs. */
  readonly intermediate: boolean;
  readonly keyType: KeyType;
  readonly caTtlSeconds: number;
  readonly svidTtlSeconds: number;
}

/**
 * The CA of one trust domain. Words as in SPIRE: an authority is first prepared (published, but signs nothing), then
 * activated (signs), and the ones before it are retired (no longer published).
 */
export interface CertificateAuthority {
  readonly trustDomain: TrustDomain;
  readonly svidTtlSeconds: number;
  /** The published root certificates, DER, oldest first. */
  authorities(): Promise<readonly Uint8Array[]>;
  /** The root that signs, itself or through the intermediate. */
  root(): Promise<IssuedCertificate>;
  signer(): Promise<SvidSigner>;
  issue(id: SpiffeId, options?: IssueOptions): Promise<IssuedSvid>;
  /** Publishes a new root; the one before it still signs. Roots that have expired are dropped. */
  prepare(): Promise<void>;
  /** Lets the newest root sign from now on. */
  activate(): void;
  /** Takes the roots off the bundle that signed before the present one. */
  retire(): void;
  /** True when the signing root has lived half its life. */
  isDue(): Promise<boolean>;
}

interface Generation {
  readonly root: IssuedCertificate;
  readonly signer: SvidSigner;
  readonly halfLife: number;
}

/** A CA whose first key is made when it is first asked for. */
export function createCertificateAuthority(options: CertificateAuthorityOptions): CertificateAuthority {
  const { trustDomain, svidTtlSeconds } = options;
  let serial = 0;
  let active: Promise<Generation> | undefined;
  let generations: readonly Promise<Generation>[] = [];

  function add(): Promise<Generation> {
    serial += 1;
    const generation = createGeneration(options, serial);
    generations = [...generations, generation];
    return generation;
  }

  function signing(): Promise<Generation> {
    active ??= add();
    return active;
  }

  return {
    trustDomain,
    svidTtlSeconds,
    async authorities() {
      await signing();
      const all = await Promise.all(generations);
      return Object.freeze(all.map(({ root }) => root.der));
    },
    root: async () => (await signing()).root,
    signer: async () => (await signing()).signer,
    async issue(id, issue = {}) {
      const { signer } = await signing();
      const { ttlSeconds = svidTtlSeconds, keyType = options.keyType } = issue;
      return issueSvid(id, signer, { ...issue, ttlSeconds, keyType });
    },
    async prepare() {
      const current = await signing();
      const all = await Promise.all(generations);
      generations = generations.filter((_, index) => all[index] === current || (all[index]?.signer.expiresAt ?? 0) > Date.now());
      await add();
    },
    activate() {
      active = generations.at(-1);
    },
    retire() {
      const index = active === undefined ? 0 : generations.indexOf(active);
      generations = generations.slice(index);
    },
    isDue: async () => Date.now() >= (await signing()).halfLife,
  };
}

async function createGeneration(options: CertificateAuthorityOptions, serial: number): Promise<Generation> {
  const { trustDomain, keyType, caTtlSeconds } = options;
  const life = validity(caTtlSeconds);
  const root = await issueRoot(trustDomain, serial, { ...life, keyType });
  const expiresAt = life.notAfter.getTime();
  const halfLife = Date.now() + caTtlSeconds * 500;
  if (!options.intermediate) return { root, halfLife, signer: { issuer: root, chain: [], expiresAt } };
  const issuer = await issueIntermediate(trustDomain, root, { ...life, keyType });
  return { root, halfLife, signer: { issuer, chain: [issuer.der], expiresAt } };
}
