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

/** What a socket is known by. */
interface Tag {
  readonly peer: Peer;
  connection: Draining | undefined;
}

/** What tells when a connection should take no more work. */
export interface Draining {
  onDrain(listener: () => void): void;
}

const tags = new WeakMap<object, Tag>();

/**
 * The verified peer of a connection.
 * @throws {EphemosError} ERR_PEER_UNAUTHENTICATED when Ephemos did not authenticate the connection
 */
export function peerOf(carrier: PeerCarrier | object): Peer {
  return tagOf(carrier).peer;
}

/**
 * Calls back when the connection should take no more work, at once when that is already so: its peer is refused, our identity is withdrawn, a
 * certificate is about to expire, or the server drains. For what lives longer than a request: tell a WebSocket, end a stream.
 * A second call means that the peer was refused since, and that there is little time.
 * @example
 * wss.on('connection', (socket, request) => onDrain(request, () => socket.close(1001)));
 * @throws {EphemosError} ERR_PEER_UNAUTHENTICATED when Ephemos did not authenticate the connection
 */
export function onDrain(carrier: PeerCarrier | object, listener: () => void): void {
  tagOf(carrier).connection?.onDrain(listener);
}

function tagOf(carrier: object): Tag {
  const tag = findTag(carrier);
  if (tag !== undefined) return tag;
  throw new EphemosError('ERR_PEER_UNAUTHENTICATED', 'this connection was not authenticated by Ephemos', {
    hint: 'serve it with createServer, createGrpcListener, createHttp2Server or listen',
  });
}

/** Ties a connection to the socket that {@link tagPeer} has tagged. */
export function tagConnection(socket: TLSSocket, connection: Draining): void {
  const tag = tags.get(socket);
  if (tag !== undefined) tag.connection = connection;
}

/** Ties a verified peer to its socket, and makes getPeerCertificate() cheap enough to be called per request. */
export function tagPeer(socket: TLSSocket, peer: Peer): void {
  const tag: Tag = { peer, connection: undefined };
  tags.set(socket, tag);
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
      tags.set(certificate, tag);
    }
    return certificate;
  }
  socket.getPeerCertificate = getPeerCertificate;
}

function findTag(carrier: object): Tag | undefined {
  const direct = tags.get(carrier);
  if (direct !== undefined) return direct;
  const socket = socketOf(carrier);
  if (socket !== undefined) return tags.get(socket) ?? byCertificate(socket);
  if ('getAuthContext' in carrier && typeof carrier.getAuthContext === 'function') {
    const context: unknown = carrier.getAuthContext();
    return isObject(context) && 'sslPeerCertificate' in context && isObject(context.sslPeerCertificate)
      ? tags.get(context.sslPeerCertificate)
      : undefined;
  }
  return byCertificate(carrier);
}

function socketOf(carrier: object): object | undefined {
  if ('socket' in carrier && isObject(carrier.socket)) return carrier.socket;
  if ('session' in carrier && isObject(carrier.session)) return socketOf(carrier.session);
  return undefined;
}

function byCertificate(socket: object): Tag | undefined {
  // Not `in`: the proxies of http2 answer it for the session behind them.
  const method: unknown = Reflect.get(socket, 'getPeerCertificate');
  if (typeof method !== 'function') return undefined;
  const certificate: unknown = Reflect.apply(method, socket, []);
  return isObject(certificate) ? tags.get(certificate) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
