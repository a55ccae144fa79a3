// Lets a pool of pg replace its clients before their certificates expire: a connection that drains in, a client that leaves out.
import { EphemosError } from '../errors.ts';
import type { LiveConnection } from '../tls/live-connection.ts';
import { isPgStreamFactory } from './create-pg-stream.ts';
import { PgStream } from './pg-stream.ts';

/** What there must be of a client of pg. */
export interface PgClient {
  end(): unknown;
}

/** What there must be of a Pool of pg 8. */
export interface PgPool {
  on(event: 'connect' | 'acquire' | 'remove', listener: (client: PgClient) => void): unknown;
  on(event: 'release', listener: (error: unknown, client: PgClient) => void): unknown;
}

/**
 * Lets a Pool replace its clients before a certificate of their connection expires, after a withdrawal and when the peer is no longer
 * admitted: an idle one leaves at once, one that is in use when it is released. No query fails for it; one that holds its client beyond
 * the expiry does. Without it the pool finds out when the connection is closed, and a query that runs at that moment fails.
 * Call it once, before the first connection.
 * @throws {TypeError} for what is no Pool of pg
 * @throws {EphemosError} ERR_OPTION_INVALID for a Pool without createPgStream
 */
export function retireClients(pool: PgPool): void {
  // Not public, but all there is: by the documented way, an 'error' of the idle client, the pool would report a failure at every rotation
  // (pg-pool 2 to 3.14).
  const remove: unknown = Reflect.get(pool, '_remove');
  if (typeof remove !== 'function') throw new TypeError('retireClients takes a Pool of pg');
  if (!isPgStreamFactory(propertyOf(propertyOf(pool, 'options'), 'stream'))) {
    throw new EphemosError('ERR_OPTION_INVALID', 'the pool does not connect through createPgStream', {
      hint: 'pass stream: createPgStream({ source, authorize }) to the Pool',
    });
  }
  const idle = new WeakSet<PgClient>();
  const leaving = new WeakSet<PgClient>();

  const leave = (client: PgClient): void => {
    leaving.add(client);
    if (idle.delete(client)) Reflect.apply(remove, pool, [client]);
  };

  pool.on('connect', (client) => connectionOf(client)?.onDrain(() => leave(client)));
  pool.on('acquire', (client) => void idle.delete(client));
  pool.on('remove', (client) => void idle.delete(client));
  // Emitted before the pool decides: a client that has been ended it does not keep.
  pool.on('release', (error, client) => {
    if (leaving.has(client)) void client.end();
    else if (!error) idle.add(client);
  });
}

function connectionOf(client: object): LiveConnection | undefined {
  const stream = propertyOf(propertyOf(client, 'connection'), 'stream');
  return stream instanceof PgStream ? stream.connection : undefined;
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
