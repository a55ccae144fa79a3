// SPIFFE IDs, path prefixes and trust domains in, what stands for a peer out: the one matcher of rules and authorizers.
import type { SpiffeId } from '../spiffe/spiffe-id.ts';

/** What names peers: a whole SPIFFE ID, everything below a path (it ends in `/`), or every ID of a trust domain (its name). */
export type PeerKind = 'id' | 'id_prefix' | 'trust_domain';

/** Values by the peers that they are for. A look-up takes as long as the path of the ID is deep, whatever is in the index. */
export class PeerIndex<V> {
  readonly #byKind: Readonly<Record<PeerKind, Map<string, V>>> = { id: new Map(), id_prefix: new Map(), trust_domain: new Map() };

  /** The value for these peers, made when there is none yet. */
  at(kind: PeerKind, peers: string, create: () => V): V {
    const known = this.#byKind[kind].get(peers);
    if (known !== undefined) return known;
    const value = create();
    this.#byKind[kind].set(peers, value);
    return value;
  }

  /** The values that are for this peer. */
  *find(id: SpiffeId): Generator<V, void, undefined> {
    const { id: ids, id_prefix: prefixes, trust_domain: domains } = this.#byKind;
    const text = id.toString();
    const exact = ids.get(text);
    if (exact !== undefined) yield exact;
    const domain = domains.get(id.trustDomain.name);
    if (domain !== undefined) yield domain;
    if (prefixes.size === 0) return;
    // On segment boundaries alone: a prefix ends where a "/" of the ID stands, and the ID goes on after it.
    for (let end = id.trustDomain.idString.length; end !== -1 && end < text.length - 1; end = text.indexOf('/', end + 1)) {
      const prefix = prefixes.get(text.slice(0, end + 1));
      if (prefix !== undefined) yield prefix;
    }
  }

  /** True when something is for this peer. */
  has(id: SpiffeId): boolean {
    return this.find(id).next().done === false;
  }
}

/** Matches the peers that are named. */
export function matchPeers(kind: PeerKind, peers: Iterable<string>): (id: SpiffeId) => boolean {
  const index = new PeerIndex<true>();
  for (const each of peers) index.at(kind, each, () => true);
  return (id) => index.has(id);
}
