// Holds the identities and bundles of one trust domain and turns every change into a new snapshot of the whole.
import { EphemosError } from 'ephemos/errors';
import type { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import type { CertificateAuthority } from '../authority/certificate-authority.ts';
import type { IssuedSvid, IssueOptions } from '../authority/svid.ts';
import { type Entry, entryKey, type Identity, issueOptionsOf } from './entry.ts';
import type { Fault } from './fault.ts';
import { createLatestValue, type LatestValue } from './latest-value.ts';
import { sameItems } from './same-items.ts';
import { createTurns } from './turns.ts';

/** Everything a Workload API can say, at one moment. Never changed, only replaced. */
export interface Snapshot {
  readonly identities: readonly Identity[];
  /** The root certificates of the trust domain, DER. */
  readonly authorities: readonly Uint8Array[];
  /** Root certificates by the name of a foreign trust domain. */
  readonly federated: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly fault: Fault | undefined;
  /** Grows when open streams are to end. */
  readonly epoch: number;
}

/** The identities of one trust domain. Changes happen one after the other, each as one new snapshot. */
export interface Registry {
  readonly trustDomain: TrustDomain;
  readonly state: LatestValue<Snapshot>;
  /** Issues an SVID for the entry and publishes it; does nothing when the entry is there already. */
  add(entry: Entry): Promise<Identity>;
  /** Takes the identities of the ID away and resolves with their entries. */
  remove(id: SpiffeId): Promise<readonly Entry[]>;
  /** New SVIDs, for all or for one ID; for all of a new authority when the present one has lived half its life. */
  rotate(id?: SpiffeId): Promise<void>;
  /** An SVID that ended a second ago. */
  expire(id: SpiffeId): Promise<void>;
  rotateAuthority(options: { readonly overlap: boolean }): Promise<void>;
  /** Publishes the authorities, before the first identity does so. */
  publishAuthorities(): Promise<void>;
  /** Takes the authorities off the bundle that no longer sign. */
  retireAuthorities(): Promise<void>;
  /** Replaces the bundle of a foreign trust domain, or removes it. @throws {EphemosError} ERR_TRUST_DOMAIN_INVALID for its own */
  federate(trustDomain: TrustDomain, authorities: readonly Uint8Array[] | undefined): void;
  setFault(fault: Fault | undefined): void;
  endStreams(): void;
}

/** How long a reader may take to accept a new bundle before the new authority signs without it, in milliseconds. */
const takenTimeoutMs = 2000;

/** @param settleMs how long readers need, after they were handed a bundle, until they use it */
export function createRegistry(authority: CertificateAuthority, settleMs: number): Registry {
  const state = createLatestValue<Snapshot>({ identities: [], authorities: [], federated: new Map(), fault: undefined, epoch: 0 });
  const inTurn = createTurns();

  function publish(change: Partial<Snapshot>): void {
    state.set(Object.freeze({ ...state.current, ...change }));
  }

  /** The same array as long as the authorities are the same: readers compare by identity. */
  async function authorities(): Promise<readonly Uint8Array[]> {
    const present = state.current.authorities;
    const next = await authority.authorities();
    return sameItems(present, next) ? present : next;
  }

  function issue(entry: Entry, change?: IssueOptions): Promise<IssuedSvid> {
    const options = issueOptionsOf(entry);
    return authority.issue(entry.id, { ...options, ...change, certificate: { ...options.certificate, ...change?.certificate } });
  }

  async function reissue(fits: (entry: Entry) => boolean, change?: IssueOptions): Promise<readonly Identity[]> {
    const identities = state.current.identities.map(async (identity) =>
      fits(identity.entry) ? Object.freeze({ ...identity, svid: await issue(identity.entry, change) }) : identity,
    );
    return Promise.all(identities);
  }

  async function replaceAuthority(): Promise<void> {
    await authority.prepare();
    authority.activate();
    authority.retire();
    publish({ authorities: await authorities(), identities: await reissue(() => true) });
  }

  /** A new root must be known to every peer before anything it signed is shown to one. */
  async function addAuthority(): Promise<void> {
    await authority.prepare();
    publish({ authorities: await authorities() });
    await state.taken(takenTimeoutMs);
    if (settleMs > 0) await new Promise((resolve) => setTimeout(resolve, settleMs));
    authority.activate();
    publish({ identities: await reissue(() => true) });
  }

  return {
    trustDomain: authority.trustDomain,
    state,
    add: (entry) =>
      inTurn(async () => {
        const key = entryKey(entry);
        const present = state.current.identities.find((identity) => entryKey(identity.entry) === key);
        if (present) return present;
        if (await authority.isDue()) await addAuthority();
        const identity: Identity = Object.freeze({ entry: Object.freeze(entry), svid: await issue(entry) });
        publish({ authorities: await authorities(), identities: [...state.current.identities, identity] });
        return identity;
      }),
    remove: (id) =>
      inTurn(async () => {
        const { identities } = state.current;
        const removed = identities.filter(({ entry }) => entry.id.equals(id));
        if (removed.length > 0) publish({ identities: identities.filter((identity) => !removed.includes(identity)) });
        return removed.map(({ entry }) => entry);
      }),
    rotate: (id) =>
      inTurn(async () => {
        if (await authority.isDue()) return addAuthority();
        return publish({ identities: await reissue((entry) => id === undefined || entry.id.equals(id)) });
      }),
    expire: (id) =>
      inTurn(async () => {
        const certificate = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() - 1000) };
        publish({ identities: await reissue((entry) => entry.id.equals(id), { certificate }) });
      }),
    publishAuthorities: () => inTurn(async () => publish({ authorities: await authorities() })),
    rotateAuthority: ({ overlap }) => inTurn(overlap ? addAuthority : replaceAuthority),
    retireAuthorities: () =>
      inTurn(async () => {
        authority.retire();
        publish({ authorities: await authorities() });
      }),
    federate(trustDomain, authorities) {
      if (trustDomain.equals(authority.trustDomain)) {
        throw new EphemosError('ERR_TRUST_DOMAIN_INVALID', `the trust domain ${trustDomain.name} cannot be federated with itself`);
      }
      const federated = new Map(state.current.federated);
      if (!authorities && !federated.has(trustDomain.name)) return;
      if (authorities) federated.set(trustDomain.name, authorities);
      else federated.delete(trustDomain.name);
      publish({ federated });
    },
    setFault: (fault) => publish({ fault }),
    endStreams: () => publish({ epoch: state.current.epoch + 1 }),
  };
}
