// Who sent this: a socket, request, stream or call in, the verified Peer out. Identity is never read from a header.
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls';
import { EphemosError } from '../errors.ts';
import type { Peer } from '../spiffe/peer.ts';

/** Whatever arrived over a connection of Ephemos: a socket, an HTTP request or response, an HTTP/2 stream or session, a gRPC call. */
export interface PeerCarrier {
  readonly socket?: unknown;
  readonly session?: unknown;
  readonly stream?: unknown;
  getAuthContext?(): { readonly sslPeerCertificate?: object };
}

const peers = new WeakMap<object, Peer>();

/**
 * The verified peer of a connection.
 * @throws {EphemosError} ERR_PEER_UNAUTHENTICATED when Ephemos did not authenticate the connection
 */
export function peerOf(carrier: PeerCarrier | object): Peer {
  const peer = findPeer(carrier);
  if (peer !== undefined) return peer;
  throw new EphemosError('ERR_PEER_UNAUTHENTICATED', 'this connection was not authenticated by Ephemos', {
    hint: 'serve it with createServer, createGrpcListener, createHttp2Server or listen',
  });
}

/** Ties a verified peer to its socket, and makes getPeerCertificate() cheap enough to be called per request. */
export function tagPeer(socket: TLSSocket, peer: Peer): void {
  peers.set(socket, peer);
  socket.authorized = true;
  const read = socket.getPeerCertificate.bind(socket);
  let certificate: PeerCertificate | undefined;
  // grpc-js and http2 hand out the socket only behind a proxy, but both reach this method; the object that it returns
  // is then what leads back to the peer. Made when it is first asked for: it costs about 60 us (Node 20).
  function getPeerCertificate(detailed: true): DetailedPeerCertificate;
  function getPeerCertificate(detailed?: false): PeerCertificate;
  function getPeerCertificate(detailed?: boolean): PeerCertificate | DetailedPeerCertificate {
    if (detailed === true) return read(true);
    if (certificate === undefined) {
      certificate = read(false);
      peers.set(certificate, peer);
    }
    return certificate;
  }
  socket.getPeerCertificate = getPeerCertificate;
}

function findPeer(carrier: object): Peer | undefined {
  const direct = peers.get(carrier);
  if (direct !== undefined) return direct;
  const socket = socketOf(carrier);
  if (socket !== undefined) return peers.get(socket) ?? byCertificate(socket);
  if ('getAuthContext' in carrier && typeof carrier.getAuthContext === 'function') {
    const context: unknown = carrier.getAuthContext();
    return isObject(context) && 'sslPeerCertificate' in context && isObject(context.sslPeerCertificate)
      ? peers.get(context.sslPeerCertificate)
      : undefined;
  }
  return byCertificate(carrier);
}

function socketOf(carrier: object): object | undefined {
  if ('socket' in carrier && isObject(carrier.socket)) return carrier.socket;
  if ('session' in carrier && isObject(carrier.session)) return socketOf(carrier.session);
  return undefined;
}

function byCertificate(socket: object): Peer | undefined {
  // Not `in`: the proxies of http2 answer it for the session behind them.
  const method: unknown = Reflect.get(socket, 'getPeerCertificate');
  if (typeof method !== 'function') return undefined;
  const certificate: unknown = Reflect.apply(method, socket, []);
  return isObject(certificate) ? peers.get(certificate) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
