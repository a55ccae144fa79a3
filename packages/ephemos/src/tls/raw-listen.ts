// A raw TLS listener: verified and authorized sockets, one callback each.
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { EphemosError } from '../errors.ts';
import type { LiveConnection } from './live-connection.ts';
import { CLOSE_GRACE_MS } from './live-connections.ts';
import { type ServerOptions, terminate, tlsServerOptions } from './terminate.ts';

/** What {@link listen} takes. */
export interface ListenOptions extends ServerOptions {
  /** 0 takes a free port. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** A unix socket instead of host and port. */
  readonly path?: string | undefined;
  /** ALPN protocols of the service; default none. */
  readonly protocols?: readonly string[] | undefined;
  /** Told why a caller was refused, once for each. */
  readonly onRefused?: ((error: Error) => void) | undefined;
}

/** A listener that is open. */
export interface TlsListener extends AsyncDisposable {
  address(): AddressInfo;
  /** Verifies and authorizes every live connection again; those that no longer pass end. */
  reauthorize(): Promise<void>;
  /** Takes no new connections and ends the live ones, at the latest after `closeGrace`. */
  close(): Promise<void>;
}

/**
 * Listens for TLS connections; each reaches `onSocket` verified and authorized. Before its certificates expire a connection is ended in order.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID; and what listening throws, such as EADDRINUSE
 */
export async function listen(options: ListenOptions, onSocket: (socket: TLSSocket) => void): Promise<TlsListener> {
  const { port = 0, host, path, protocols = [], onRefused } = options;
  const server = createServer(tlsServerOptions(options, protocols));
  const open = new Set<Socket>();
  let closing = false;
  server.on('connection', (raw: Socket) => {
    open.add(raw);
    raw.once('close', () => open.delete(raw));
  });
  if (onRefused !== undefined) server.on('tlsClientError', onRefused);
  const { connections, reauthorize } = terminate(server, options, (socket, connection) => {
    // Its handshake was under way when the listener was closed.
    if (closing) return void socket.destroy();
    socket.on('error', () => undefined);
    connection.onDrain(() => endInOrder(connection));
    onSocket(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: Error) => {
      // Lets go of the source.
      server.close();
      reject(error);
    });
    server.listen(path === undefined ? { port, ...(host === undefined ? {} : { host }) } : { path }, () => {
      // A connection that could not be accepted, such as with EMFILE, is no end of the listener.
      server.removeAllListeners('error').on('error', (error: Error) => onRefused?.(error));
      resolve();
    });
  });

  function address(): AddressInfo {
    const bound = server.address();
    if (bound === null || typeof bound === 'string')
      throw new EphemosError('ERR_OPTION_INVALID', 'a listener on a unix socket, or a closed one, has no address');
    return bound;
  }

  async function close(): Promise<void> {
    closing = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const { socket } of connections) socket.destroySoon();
    // A peer that does not read what it was sent, or does not finish its handshake, holds nothing up.
    const timer = setTimeout(() => {
      for (const raw of open) raw.destroy();
    }, options.closeGrace ?? CLOSE_GRACE_MS);
    await closed;
    clearTimeout(timer);
  }

  return { address, reauthorize, close, [Symbol.asyncDispose]: close };
}

/** Says the end to the other side and reads what still comes; a refused peer is not read from any more. */
export function endInOrder(connection: LiveConnection): void {
  if (connection.refused) connection.socket.destroySoon();
  else connection.socket.end();
}
