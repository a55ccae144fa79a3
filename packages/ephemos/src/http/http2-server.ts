// The HTTP/2 server: a plain Http2SecureServer whose sockets pass the terminator first, and that says goodbye with GOAWAY.
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { checkAuthorizer } from '../authorize/authorizer.ts';
import type { Drainable } from '../tls/drain.ts';
import type { LiveConnection } from '../tls/live-connection.ts';
import { terminate, tlsServerOptions } from '../tls/terminate.ts';
import { createRequestGate } from './request-gate.ts';
import { checkRequestOptions, type RequestServerOptions } from './request-options.ts';
import { sayGoodbye } from './say-goodbye.ts';
import { type Gated, takeConnectionListener } from './server.ts';
import { gateSession } from './session-gate.ts';
import { checkKeepalive, type KeepaliveOptions, keepSession } from './session-keepalive.ts';

/** What {@link createHttp2Server} takes. */
export interface Http2ServerOptions extends RequestServerOptions {
  readonly keepalive?: KeepaliveOptions | undefined;
}

/** A node:http2 server behind the gate. */
export type EphemosHttp2Server = Http2SecureServer & Gated & Drainable;

/**
 * Makes an HTTP/2 server that knows its callers by SPIFFE ID. It speaks h2 alone; gRPC and HTTP/2 handlers need listeners of their own.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createHttp2Server(
  options: Http2ServerOptions,
  listener?: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): EphemosHttp2Server {
  const { keepalive = {}, maxHeaderBytes } = options;
  checkRequestOptions(options);
  checkKeepalive(keepalive);
  const gate = createRequestGate(checkAuthorizer(options.authorize));
  const settings = maxHeaderBytes === undefined ? {} : { settings: { maxHeaderListSize: maxHeaderBytes } };
  const server = createSecureServer({ ...tlsServerOptions(options, ['h2']), ...settings });
  if (listener !== undefined) server.on('request', listener);
  const serveHttp2 = takeConnectionListener(server);
  let arriving: LiveConnection | undefined;
  // Emitted while serveHttp2 runs, so the connection that is arriving is the one of this session.
  server.on('session', (session) => {
    const connection = arriving;
    if (connection === undefined) return session.destroy();
    gateSession(session, connection, { ...options, gate, protocol: 'http' });
    keepSession(session, keepalive);
    connection.onDrain(() => sayGoodbye(session));
  });
  const { reauthorize, drain, destroyConnections } = terminate(server, options, (socket, connection) => {
    // From here on its session knows when it is unused.
    connection.use();
    arriving = connection;
    serveHttp2(socket);
    arriving = undefined;
  });
  return Object.assign(server, { reauthorize, drain, destroyConnections });
}
