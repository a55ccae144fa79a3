// A raw TLS connection to a verified and authorized peer, for protocols that are not HTTP.
import type { TLSSocket } from 'node:tls';
import { type ClientOptions, createConnector, type Target } from './connect.ts';
import { endInOrder } from './raw-listen.ts';

/** What {@link connect} takes. */
export interface ConnectOptions extends ClientOptions, Target {}

/**
 * Connects, and resolves when the server is verified and authorized. With `socket` it upgrades a connection that is already open.
 * @throws {EphemosError} ERR_PEER_* when the server is refused, ERR_CONNECT_TIMEOUT, ERR_CONNECT_ABORTED; and system errors such as ECONNREFUSED
 */
export async function connect(options: ConnectOptions): Promise<TLSSocket> {
  const connection = await createConnector(options).connect(options);
  connection.onDrain(() => endInOrder(connection));
  return connection.socket;
}
