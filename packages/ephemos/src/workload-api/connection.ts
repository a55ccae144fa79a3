// One connection to the Workload API: an endpoint in, the HTTP/2 stream of one call out. It ends with its call, so that what went wrong
// with one call is gone with it and nothing is left open.
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import type { GrpcTransportOptions } from '@connectrpc/connect-node';
import type { Endpoint } from './endpoint.ts';

/** What a transport over a connection takes for its base URL. */
export const BASE_URL = 'http://localhost';
// grpc-go ends connections that ping more often than every five minutes.
const PING_INTERVAL_MS = 6 * 60_000;
const PING_TIMEOUT_MS = 15_000;

/** How long a connection lasts, and what it does to the process. */
export interface ConnectionOptions {
  /** Ends the connection, whoever still reads from it. */
  readonly signal: AbortSignal;
  readonly keepsAlive: boolean;
}

/** What connect-node sends a call over. */
export type Connection = NonNullable<GrpcTransportOptions['sessionManager']>;

/** Makes a connection that dials when the call is sent. */
export function createConnection(endpoint: Endpoint, { signal, keepsAlive }: ConnectionOptions): Connection {
  return {
    authority: BASE_URL,
    async request(method, path, headers, options) {
      signal.throwIfAborted();
      const session = connectHttp2(BASE_URL, { createConnection: () => dial(endpoint) });
      // What happens before 'connect' rejects; what happens after it fails the stream.
      session.on('error', () => undefined);
      if (!keepsAlive) session.unref();
      signal.addEventListener('abort', () => session.destroy(), { once: true });
      endWhenDead(session);
      await once(session, 'connect', { signal });
      // Many servers refuse any other authority on a unix socket, and Node would send "localhost:80".
      return session.request({ ...headers, ':method': method, ':path': path, ':authority': 'localhost' }, options);
    },
    notifyResponseByteRead: () => undefined,
  };
}

function dial(endpoint: Endpoint): Socket {
  return endpoint.scheme === 'unix' ? connectSocket(endpoint.path) : connectSocket(endpoint.port, endpoint.host);
}

// A stream that waits for the next update sends nothing, so nothing else would tell that the other side is gone.
function endWhenDead(session: ClientHttp2Session): void {
  const pings = setInterval(() => {
    const late = setTimeout(() => session.destroy(new Error('the Workload API does not answer pings')), PING_TIMEOUT_MS).unref();
    session.ping(() => clearTimeout(late));
  }, PING_INTERVAL_MS).unref();
  session.once('close', () => clearInterval(pings));
}
