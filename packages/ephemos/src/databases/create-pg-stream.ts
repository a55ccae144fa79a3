// Makes the `stream` option of pg out of an identity and a policy.
import type { Duplex } from 'node:stream';
import { EphemosError } from '../errors.ts';
import { type ClientOptions, CONNECT_TIMEOUT_MS, createConnector } from '../tls/connect.ts';
import { PgStream, type SslNegotiation } from './pg-stream.ts';

/** What {@link createPgStream} takes. */
export interface PgStreamOptions extends ClientOptions {
  /** `postgres`, the default, asks for TLS first; `direct` starts with it, which saves a round trip and needs PostgreSQL 17. */
  readonly negotiation?: SslNegotiation | undefined;
}

const factories = new WeakSet<object>();

/** True for what {@link createPgStream} returned. */
export function isPgStreamFactory(value: unknown): boolean {
  return typeof value === 'function' && factories.has(value);
}

/** The `stream` option of a Client or Pool of pg: called by pg for every connection. */
export interface PgStreamFactory {
  (config?: { readonly ssl?: unknown }): Duplex;
  /** Verifies and authorizes every live connection again; those that no longer pass end. */
  reauthorize(): Promise<void>;
}

/**
 * Makes the `stream` option of pg 8. Each connection asks the server for TLS, verifies and authorizes it, and presents the SVID of
 * that moment; not a byte of the PostgreSQL protocol is exchanged before that.
 * It replaces the option `ssl` of pg (and PGSSLMODE and `?sslmode=`), which must be left out: connecting fails when it is set.
 * A connection is closed when a certificate of it expires, its peer is no longer admitted or our identity was withdrawn, whatever
 * runs on it: for a Pool see {@link retireClients}; a Client of its own (LISTEN, COPY, replication) emits 'error' and has to connect again.
 * @example
 * const pool = new Pool({ stream: createPgStream({ source, authorize }), host: 'db', user: 'orders', database: 'shop' });
 * retireClients(pool);
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createPgStream(options: PgStreamOptions): PgStreamFactory {
  const { negotiation = 'postgres', connectTimeout = CONNECT_TIMEOUT_MS } = options;
  if (negotiation !== 'postgres' && negotiation !== 'direct') {
    throw new EphemosError('ERR_OPTION_INVALID', "negotiation must be 'postgres' or 'direct'");
  }
  const connector = createConnector(options);

  function createStream(config: { readonly ssl?: unknown } = {}): Duplex {
    // pg would ask for TLS once more, inside ours, and wait for an answer that no server gives.
    if (config.ssl !== undefined && config.ssl !== false) {
      throw new EphemosError('ERR_OPTION_INVALID', 'pg is told to do TLS itself, and the stream does', {
        hint: 'leave out ssl, sslmode and PGSSLMODE',
      });
    }
    return new PgStream({ connector, negotiation, connectTimeout });
  }

  factories.add(createStream);
  return Object.assign(createStream, { reauthorize: connector.reauthorize });
}
