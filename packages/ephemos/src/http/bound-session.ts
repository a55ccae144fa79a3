// The HTTP/2 session that somebody else made on our socket: how a connection that grpc-js owns is told to end in order.
import type { Http2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';

/**
 * Finds the session by looking through the own properties of the socket: node:http2 keeps it in one of them, under a key that is not public
 * (Node 20 to 26; the tests hold it on each). Undefined when there is none; the connection is then only closed at its end.
 */
export function boundSession(socket: TLSSocket): Http2Session | undefined {
  for (const key of Reflect.ownKeys(socket)) {
    const value: unknown = Object.getOwnPropertyDescriptor(socket, key)?.value;
    if (isSession(value)) return value;
  }
  return undefined;
}

function isSession(value: unknown): value is Http2Session {
  return typeof value === 'object' && value !== null && 'goaway' in value && 'localSettings' in value && 'close' in value;
}
