// A raw TLS listener: verified and authorized sockets, one callback each.
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { EphemosError } from '../errors.ts';
import type { LiveConnection } from './live-connection.ts';
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
  /** Takes no new connections and ends the live ones. */
  close(): Promise<void>;
}

/**
 * Listens for TLS connections; each reaches `onSocket` verified and authorized. Before its certificates expire a connection is ended in order.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID; and what listening throws, such as EADDRINUSE
 */
export async function listen(options: ListenOptions, onSocket: (socket: TLSSocket) => void): Promise<TlsListener> {
  const { port = 0, host, path, protocols = [], onRefused } = options;
  const server = createServer(tlsServerOptions(options, protocols));
  if (onRefused !== undefined) server.on('tlsClientError', onRefused);
  const { connections, reauthorize } = terminate(server, options, (socket, connection) => {
    socket.on('error', () => undefined);
    connection.onDrain(() => endInOrder(connection));
    onSocket(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path === undefined ? { port, ...(host === undefined ? {} : { host }) } : { path }, () => {
      server.off('error', reject);
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
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const { socket } of connections) socket.destroySoon();
    await closed;
  }

  return { address, reauthorize, close, [Symbol.asyncDispose]: close };
}

/** Says the end to the other side and reads what still comes; a refused peer is not read from any more. */
export function endInOrder(connection: LiveConnection): void {
  if (connection.refused) connection.socket.destroySoon();
  else connection.socket.end();
}
