// One call to a whole trust domain for tests: certificates good and bad, and X509Sources that need no agent.
import { Buffer } from 'node:buffer';
import { openX509Source, type X509Source } from 'ephemos';
import { SpiffeId, TrustDomain, X509Bundle } from 'ephemos/spiffe';
import { type Entry, parseEntry } from '../registry/entry.ts';
import { createMemoryClient } from '../registry/memory-client.ts';
import { createRegistry, type Registry } from '../registry/registry.ts';
import { type AuthorityOptions, parseAuthorityOptions } from './authority-options.ts';
import { issueCertificate } from './certificate.ts';
import { createCertificateAuthority } from './certificate-authority.ts';
import type { IssuedCertificate, RawCertificateOptions } from './certificate-options.ts';
import type { IssuedSvid, IssueOptions } from './svid.ts';

/** How an in-memory source is opened. */
export interface OpenTestSourceOptions {
  readonly hint?: string | undefined;
  /** DNS SANs of its SVIDs; the first is their common name too, as in SPIRE. */
  readonly dnsNames?: readonly string[] | undefined;
}

/** A trust domain in memory. It holds a CA key: for tests and development only. */
export interface TestAuthority {
  readonly trustDomain: TrustDomain;
  /** The current authorities. */
  bundle(): Promise<X509Bundle>;
  /** The current authorities, DER, oldest first. */
  bundleDer(): Promise<readonly Uint8Array[]>;
  /** The root that signs, itself or through the intermediate, with its key. */
  root(): Promise<IssuedCertificate>;
  /** What signs SVIDs: the intermediate when there is one, else the root. */
  signer(): Promise<IssuedCertificate>;
  /** A good SVID, except for what the options change. */
  issueX509Svid(id: string | SpiffeId, options?: IssueOptions): Promise<IssuedSvid>;
  /** Any certificate. `issuer` is the signer of SVIDs unless it says otherwise. */
  issueCertificate(options: RawCertificateOptions): Promise<IssuedCertificate>;
  /** A source in this process, as if an agent had given the identity out. The caller closes it. */
  openX509Source(id: string | SpiffeId, options?: OpenTestSourceOptions): Promise<X509Source>;
  /** New SVIDs for every source that is open. */
  rotate(): Promise<void>;
  /** A new CA. With overlap the sources learn the new root first and keep the old one too; without, the old one is gone at once. */
  rotateAuthority(options: { readonly overlap: boolean }): Promise<void>;
  /** Drops the roots that an overlap kept. */
  retireAuthorities(): Promise<void>;
  /** From now on every context holds the bundle of the other trust domain too, and follows its changes. */
  federate(other: TestAuthority): void;
  unfederate(trustDomain: string | TrustDomain): void;
  /** The sources of the ID are told that it has no identity any more. */
  withdraw(id: string | SpiffeId): Promise<void>;
  /** Gives the ID a new SVID after it was withdrawn. */
  restore(id: string | SpiffeId): Promise<void>;
  /** Gives the sources of the ID an SVID that ended a second ago. */
  expire(id: string | SpiffeId): Promise<void>;
}

const registries = new WeakMap<TestAuthority, Registry>();

/** How long a federated source may take to see a change of the other trust domain, in milliseconds. */
const takenTimeoutMs = 2000;

/**
 * Creates a trust domain for tests. Keys are made when the first of them is needed.
 * @throws {EphemosError} ERR_TRUST_DOMAIN_INVALID, ERR_OPTION_INVALID
 * @example
 * const web = await createTestAuthority('example.org').openX509Source('spiffe://example.org/web')
 */
export function createTestAuthority(trustDomain: string | TrustDomain, options: AuthorityOptions = {}): TestAuthority {
  const authority = createCertificateAuthority({
    trustDomain: parseTrustDomain(trustDomain),
    ...parseAuthorityOptions(options),
  });
  const registry = createRegistry(authority, 0);
  const federations = new Map<string, { readonly stop: AbortController; readonly ready: Promise<void> }>();

  async function follow(other: Registry, signal: AbortSignal): Promise<void> {
    for await (const { authorities } of other.state.watch(signal)) {
      registry.federate(other.trustDomain, authorities);
      await registry.state.taken(takenTimeoutMs);
    }
  }

  const withdrawn = new Map<string, readonly Entry[]>();

  const test: TestAuthority = {
    trustDomain: authority.trustDomain,
    async bundle() {
      return X509Bundle.parse(authority.trustDomain, Buffer.concat(await authority.authorities()));
    },
    bundleDer: () => authority.authorities(),
    root: () => authority.root(),
    signer: async () => (await authority.signer()).issuer,
    issueX509Svid: async (id, issue) => authority.issue(parseId(id), issue),
    issueCertificate: async (raw) => issueCertificate({ ...raw, issuer: raw.issuer ?? (await authority.signer()).issuer }),
    async openX509Source(id, { hint, dnsNames } = {}) {
      const entry = parseEntry({ id, hint, dnsNames }, authority.trustDomain);
      await registry.add(entry);
      await Promise.all([...federations.values()].map(({ ready }) => ready));
      return openX509Source({ client: createMemoryClient(registry, entry) });
    },
    rotate: () => registry.rotate(),
    rotateAuthority: (how) => registry.rotateAuthority(how),
    retireAuthorities: () => registry.retireAuthorities(),
    federate(other) {
      const foreign = registries.get(other);
      if (!foreign) throw new TypeError('federate takes what createTestAuthority returned');
      test.unfederate(other.trustDomain);
      const stop = new AbortController();
      const ready = foreign.publishAuthorities().then(() => {
        if (stop.signal.aborted) return;
        registry.federate(foreign.trustDomain, foreign.state.current.authorities);
        void follow(foreign, stop.signal);
      });
      federations.set(other.trustDomain.name, { stop, ready });
    },
    unfederate(name) {
      const foreign = parseTrustDomain(name);
      federations.get(foreign.name)?.stop.abort();
      federations.delete(foreign.name);
      registry.federate(foreign, undefined);
    },
    async withdraw(id) {
      const entries = await registry.remove(parseId(id));
      if (entries.length > 0) withdrawn.set(String(id), entries);
    },
    async restore(id) {
      for (const entry of withdrawn.get(String(id)) ?? []) await registry.add(entry);
    },
    expire: (id) => registry.expire(parseId(id)),
  };
  registries.set(test, registry);
  return Object.freeze(test);
}

function parseId(id: string | SpiffeId): SpiffeId {
  return typeof id === 'string' ? SpiffeId.parse(id) : id;
}

function parseTrustDomain(name: string | TrustDomain): TrustDomain {
  return typeof name === 'string' ? TrustDomain.parse(name) : name;
}
