// The undici dispatcher: one pool an origin, with sockets from the connector. Pools are replaced before their connections get old.
import type { TLSSocket } from 'node:tls';
import { Dispatcher, errors, Pool } from 'undici';
import { type ClientOptions, type Connector, createConnector } from '../tls/connect.ts';
import { boundSession } from './bound-session.ts';
import { notHttps } from './https-url.ts';
import type { Gated } from './server.ts';

/** Most origins that are kept connected; the one that was opened first is closed first. */
export const MAX_ORIGINS = 1024;

/** What {@link createDispatcher} takes: identity and policy, and the pool options of undici. */
export interface DispatcherOptions extends ClientOptions, Omit<Pool.Options, 'connect' | 'connectTimeout' | 'factory'> {}

/** An undici dispatcher behind the gate. */
export type EphemosDispatcher = Dispatcher & Gated;

/**
 * Makes a dispatcher for undici's `request`, `stream`, `fetch` and `WebSocket`, and for the global fetch. HTTP/2 is offered with `allowH2: true`;
 * that alone opens a connection for each request at a time, and `pipelining: 100` shares one (undici 7).
 * Every connection, also one that a redirect leads to, is verified and authorized before a request is written to it.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createDispatcher(options: DispatcherOptions): EphemosDispatcher {
  return new GatedDispatcher(options);
}

class GatedDispatcher extends Dispatcher implements Gated {
  readonly #connector: Connector;
  readonly #options: DispatcherOptions;
  readonly #pools = new Map<string, Pool>();
  readonly #retired = new Set<Pool>();
  #closed = false;

  constructor(options: DispatcherOptions) {
    super();
    this.#options = options;
    this.#connector = createConnector(options);
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#poolOf(String(options.origin)).dispatch(options, handler);
  }

  reauthorize(): Promise<void> {
    return this.#connector.reauthorize();
  }

  override close(callback?: () => void): Promise<void> {
    return this.#end((pool) => pool.close(), callback);
  }

  override destroy(...args: unknown[]): Promise<void> {
    this.#connector.close();
    const [error, callback] = args.length === 1 && typeof args[0] === 'function' ? [undefined, args[0]] : args;
    return this.#end(
      (pool) => pool.destroy(error instanceof Error ? error : null),
      typeof callback === 'function' ? () => void callback() : undefined,
    );
  }

  #poolOf(origin: string): Pool {
    const known = this.#pools.get(origin);
    if (this.#closed) return known ?? closedPool(origin);
    if (known !== undefined) return known;
    const {
      source: _source,
      authorize: _authorize,
      minVersion: _minVersion,
      connectTimeout: _timeout,
      withdrawalGrace: _withdrawal,
      closeGrace: _close,
      ...poolOptions
    } = this.#options;
    const pool: Pool = new Pool(origin, {
      ...poolOptions,
      connect: ({ protocol, hostname, port, servername }, callback) => {
        if (protocol !== 'https:') return callback(notHttps(`the scheme ${protocol.slice(0, -1)}`), null);
        const protocols = poolOptions.allowH2 === true ? ['h2', 'http/1.1'] : ['http/1.1'];
        this.#connector
          .connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443), servername: servername ?? undefined, protocols })
          .then(
            (connection) => {
              connection.onDrain(() => this.#retire(origin, pool));
              callback(null, connection.socket);
              if (connection.socket.alpnProtocol === 'h2') setImmediate(() => nameTheClose(connection.socket));
            },
            (error: Error) => callback(error, null),
          );
      },
    });
    this.#pools.set(origin, pool);
    const [oldest] = this.#pools;
    if (this.#pools.size > MAX_ORIGINS && oldest !== undefined) this.#retire(...oldest);
    return pool;
  }

  /** New requests get a new pool; what is under way finishes. */
  #retire(origin: string, pool: Pool): void {
    if (this.#pools.get(origin) === pool) this.#pools.delete(origin);
    if (this.#retired.has(pool)) return;
    this.#retired.add(pool);
    const done = (): void => void this.#retired.delete(pool);
    pool.close().then(done, done);
  }

  async #end(end: (pool: Pool) => Promise<void>, callback: (() => void) | undefined): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#pools.values(), ...this.#retired].map(end));
    this.#pools.clear();
    callback?.();
  }
}

/**
 * Gives a session of undici that closes without an error one, before undici looks: undici 7.30.2 otherwise asks a socket that it has let go of
 * for its address, and the TypeError ends the process. The session is made in the turns after the callback.
 */
function nameTheClose(socket: TLSSocket): void {
  boundSession(socket)?.prependOnceListener('close', () => {
    if (socket.listenerCount('error') > 0) socket.emit('error', new errors.SocketError('the HTTP/2 session was closed'));
  });
}

/** A pool that gives every request undici's own error for a dispatcher that was closed. */
function closedPool(origin: string): Pool {
  const pool = new Pool(origin);
  void pool.close();
  return pool;
}
