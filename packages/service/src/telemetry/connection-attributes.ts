// What a span says of the connection below it: who is at the other end, and how it is protected.
import { TLSSocket } from 'node:tls';
import type { Attributes } from '@opentelemetry/api';
import { type Peer, peerOf } from 'ephemos';

/** Who a peer is. On spans only: as labels of metrics these would have no bound. */
export function peerAttributes({ id }: Peer): Attributes {
  return { 'spiffe.peer.id': id.toString(), 'spiffe.peer.trust_domain': id.trustDomain.name };
}

/** Who is at the other end of whatever `peerOf` takes; nothing when Ephemos did not authenticate it, or is not connected yet. */
export function peerAttributesOf(carrier: object): Attributes {
  try {
    return peerAttributes(peerOf(carrier));
  } catch {
    return {};
  }
}

// Asked for at every request, and the same for all of a connection.
const known = new WeakMap<object, Attributes>();

/** Which TLS and which address. */
export function socketAttributes(socket: object): Attributes {
  const before = known.get(socket);
  if (before !== undefined) return before;
  const attributes = socket instanceof TLSSocket ? readSocket(socket) : {};
  known.set(socket, attributes);
  return attributes;
}

function readSocket(socket: TLSSocket): Attributes {
  const { remoteAddress, remotePort } = socket;
  const version = /^TLSv([\d.]+)$/.exec(socket.getProtocol() ?? '')?.[1];
  return {
    ...(remoteAddress !== undefined && { 'network.peer.address': remoteAddress }),
    ...(remotePort !== undefined && { 'network.peer.port': remotePort }),
    ...(version !== undefined && {
      'tls.protocol.name': 'tls',
      'tls.protocol.version': version,
      'tls.cipher': socket.getCipher().standardName,
    }),
  };
}
