// The one gate of both sides: a socket whose handshake is done in, a verified and authorized Peer out, before any byte is read.
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type Authorizer, decide } from '../authorize/authorizer.ts';
import { EphemosError } from '../errors.ts';
import { publish, type Role } from '../observe/channels.ts';
import type { Peer } from '../spiffe/peer.ts';
import type { PeerVerifier } from '../spiffe/peer-verifier.ts';
import type { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import { MAX_CHAIN_CERTIFICATES } from '../spiffe/x509-svid.ts';

// Which way to the leaf is cheaper depends on the chain and the release: getPeerX509Certificate() copies every certificate that was sent, at
// 150 us with one intermediate on Node 20 and 40 us from Node 22 on; getPeerCertificate(false) takes 75 us on all of them.
const COPIES_ARE_DEAR = Number.parseInt(process.versions.node, 10) < 22;

/** Judges sockets. */
export interface Gate {
  /** @throws {EphemosError} one of the ERR_PEER_* codes */
  admit(socket: TLSSocket, bundles: X509BundleSet, now: number): Peer;
}

/** Makes a gate. */
export function createGate(role: Role, verifier: PeerVerifier, authorize: Authorizer): Gate {
  let peersSendIntermediates = false;

  function verify(socket: TLSSocket, bundles: X509BundleSet, now: number): Peer {
    let presented: X509Certificate | undefined;
    let leaf: Uint8Array | undefined;
    if (COPIES_ARE_DEAR && peersSendIntermediates) {
      leaf = socket.getPeerCertificate(false).raw;
    } else {
      presented = socket.getPeerX509Certificate();
      leaf = presented?.raw;
    }
    const known = leaf === undefined ? undefined : verifier.recall(leaf, bundles, now);
    if (known !== undefined) return known;
    // Taken once per socket: on Node 20 to 24 a second call finds the chain gone.
    presented ??= socket.getPeerX509Certificate();
    const chain = chainOf(presented);
    peersSendIntermediates = chain.length > 1;
    return verifier.verify(chain, bundles, now);
  }

  // What a peer sends must never end the process: a failure that nobody foresaw is a refusal too.
  function verifyOrRefuse(socket: TLSSocket, bundles: X509BundleSet, now: number): Peer {
    try {
      return verify(socket, bundles, now);
    } catch (error) {
      if (error instanceof EphemosError) throw error;
      throw new EphemosError('ERR_PEER_CERTIFICATE_INVALID', 'the certificates of the peer could not be read', { cause: error });
    }
  }

  return {
    admit(socket, bundles, now) {
      // A resumed session proves nothing about today (promise 2).
      if (socket.isSessionReused()) {
        throw new EphemosError('ERR_PEER_SESSION_RESUMED', 'the peer resumed a TLS session, which would skip verification');
      }
      const peer = verifyOrRefuse(socket, bundles, now);
      authorizeConnection(role, authorize, peer, socket);
      return peer;
    },
  };
}

function authorizeConnection(role: Role, authorize: Authorizer, peer: Peer, socket: TLSSocket): void {
  const { refusal, allowed, rule, reason } = decide(authorize, peer);
  publish('decision', () => ({
    role,
    gate: 'connection',
    peer: peer.id.toString(),
    target: undefined,
    allowed,
    rule,
    reason,
    remoteAddress: socket.remoteAddress,
  }));
  if (refusal !== undefined) throw refusal;
}

function chainOf(leaf: X509Certificate | undefined): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  // One more than is allowed, so that the verifier sees that there are too many.
  for (
    let certificate = leaf;
    certificate !== undefined && chain.length <= MAX_CHAIN_CERTIFICATES;
    certificate = certificate.issuerCertificate
  ) {
    chain.push(certificate.raw);
  }
  return chain;
}
