// The peer verifier: presented certificates and our bundles in, a Peer out (X509-SVID section 5), with the memory that makes known callers cheap.
import { EphemosError, isEphemosError } from '../errors.ts';
import { Certificate } from './certificate.ts';
import { checkLeaf, readLeafId } from './leaf.ts';
import { findPath, type KnownSignatures } from './path.ts';
import type { Peer } from './peer.ts';
import type { X509Bundle } from './x509-bundle.ts';
import type { X509BundleSet } from './x509-bundle-set.ts';
import { MAX_CHAIN_CERTIFICATES } from './x509-svid.ts';

/** Most peers whose verdict is remembered; the one that was verified first is forgotten first. */
export const MAX_REMEMBERED_PEERS = 4096;
/** Largest chain that is remembered with a verdict, in bytes. One with three RSA-4096 intermediates stays below; a larger one is verified each time. */
export const MAX_REMEMBERED_BYTES: number = 16 * 1024;
/** Most intermediates that are kept parsed. */
export const MAX_REMEMBERED_INTERMEDIATES = 256;

/** Verifies peers and remembers the verdicts that are still true. */
export interface PeerVerifier {
  /**
   * Verifies a presented chain against the bundle of its own trust domain.
   * @param now milliseconds since 1970
   * @throws {EphemosError} one of the ERR_PEER_* codes
   */
  verify(chain: readonly Uint8Array[], bundles: X509BundleSet, now: number): Peer;
  /**
   * The peer with this leaf, when its path was verified before and still holds: same bundle, every certificate in date.
   * What else the peer presents this time does not matter, because a path that was verified exists.
   */
  recall(leaf: Uint8Array, bundles: X509BundleSet, now: number): Peer | undefined;
}

interface Verdict {
  readonly peer: Peer;
  readonly bundle: X509Bundle;
  readonly validFrom: number;
}

/**
 * Verifies one chain and remembers nothing. See {@link PeerVerifier.verify}.
 * @throws {EphemosError} one of the ERR_PEER_* codes
 */
export function verifyPeer(chain: readonly Uint8Array[], bundles: X509BundleSet, options: { readonly now?: Date } = {}): Peer {
  return createPeerVerifier().verify(chain, bundles, options.now?.getTime() ?? Date.now());
}

/** Makes a verifier with an empty memory. */
export function createPeerVerifier(): PeerVerifier {
  const verdicts = new Map<string, Verdict>();
  const intermediates = new Map<string, Certificate>();
  const known: KnownSignatures = new WeakMap();
  let current: X509BundleSet | undefined;

  // A verdict that rests on a bundle out of use holds nothing but memory: up to a whole bundle each.
  function forgetOld(bundles: X509BundleSet): void {
    if (bundles === current) return;
    current = bundles;
    for (const [key, { peer, bundle }] of verdicts) {
      if (bundles.get(peer.id.trustDomain) !== bundle) verdicts.delete(key);
    }
  }

  function recall(leaf: Uint8Array, bundles: X509BundleSet, now: number): Peer | undefined {
    forgetOld(bundles);
    const key = keyOf(leaf);
    const verdict = verdicts.get(key);
    if (verdict === undefined) return undefined;
    const { peer, bundle, validFrom } = verdict;
    if (bundles.get(peer.id.trustDomain) === bundle && now <= peer.expiresAt && now >= validFrom) return peer;
    verdicts.delete(key);
    return undefined;
  }

  function verify(chain: readonly Uint8Array[], bundles: X509BundleSet, now: number): Peer {
    const [leafDer, ...others] = chain;
    if (leafDer === undefined) throw new EphemosError('ERR_PEER_CERTIFICATE_MISSING', 'the peer presented no certificate');
    if (chain.length > MAX_CHAIN_CERTIFICATES) {
      throw new EphemosError('ERR_PEER_CHAIN_TOO_LONG', `the peer presented more than ${MAX_CHAIN_CERTIFICATES} certificates`);
    }
    const remembered = recall(leafDer, bundles, now);
    if (remembered !== undefined) return remembered;

    const leaf = read(leafDer);
    // The rules for leaves first: a signing certificate is refused as one, whatever its ID.
    checkLeaf(leaf);
    const id = readLeafId(leaf);
    const bundle = bundles.get(id.trustDomain);
    if (bundle === undefined) {
      throw new EphemosError('ERR_PEER_TRUST_DOMAIN_UNKNOWN', `there is no bundle for the trust domain ${id.trustDomain} of the peer`, {
        hint: `federate with ${id.trustDomain}, or refuse its callers on purpose`,
      });
    }
    const presented = [...byEncoding(others)].map(([key, der]) => intermediates.get(key) ?? read(der));
    const path = findPath({ leaf, presented, authorities: bundle.authorities, now, known });
    const peer = createPeer(id, chain, path);
    const verdict = { peer, bundle, validFrom: Math.max(...path.map(({ notBefore }) => notBefore)) };
    if (chain.reduce((bytes, der) => bytes + der.length, 0) <= MAX_REMEMBERED_BYTES) {
      remember(verdicts, keyOf(leafDer), verdict, MAX_REMEMBERED_PEERS);
    }
    // Only what stood in a good path is kept, so that nobody without one can push it out.
    for (const intermediate of path.slice(1, -1))
      remember(intermediates, keyOf(intermediate.der), intermediate, MAX_REMEMBERED_INTERMEDIATES);
    return peer;
  }

  return { verify, recall };
}

function createPeer(id: Peer['id'], chain: readonly Uint8Array[], path: readonly Certificate[]): Peer {
  const [leaf] = path;
  const authority = path[path.length - 1];
  if (leaf === undefined || authority === undefined) throw new TypeError('a path has a leaf and an authority');
  return Object.freeze({
    id,
    chain: Object.freeze([...chain]),
    authority: authority.der,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    expiresAt: Math.min(...path.map(({ notAfter }) => notAfter)),
  });
}

/** Each certificate once: sending one ten times must not make the search ten times as wide. */
function byEncoding(encoded: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  return new Map(encoded.map((der) => [keyOf(der), der]));
}

function read(der: Uint8Array): Certificate {
  try {
    return Certificate.parse(der);
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    throw new EphemosError('ERR_PEER_CERTIFICATE_INVALID', `a certificate of the peer is malformed: ${error.message}`, { cause: error });
  }
}

function remember<T>(memory: Map<string, T>, key: string, value: T, most: number): void {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size <= most) return;
  for (const oldest of memory.keys()) {
    memory.delete(oldest);
    return;
  }
}

// The bytes themselves as a string: cheaper than a digest (Node 20: 1 us instead of 12), and two certificates can never meet under one key.
function keyOf(der: Uint8Array): string {
  return Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1');
}
