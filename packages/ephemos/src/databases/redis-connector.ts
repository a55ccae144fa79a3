// Makes the `Connector` option of ioredis out of an identity and a policy.
import { Socket } from 'node:net';
import { AbstractConnector } from 'ioredis';
import { EphemosError } from '../errors.ts';
import type { Gated } from '../http/server.ts';
import { type ClientOptions, type Connector, createConnector, type Target } from '../tls/connect.ts';
import { leaveBetweenCommands } from './leave-redis.ts';

/** The class that ioredis makes one of for every client. */
export type RedisConnector = (new (options: unknown) => AbstractConnector) & Gated;

/**
 * Makes the `Connector` option of ioredis 5 and 6. Each connection verifies and authorizes the server and presents the SVID of that
 * moment; a refusal is an 'error' of the client with our code, and ioredis goes on trying as its `retryStrategy` says.
 * Before a certificate expires the connection is replaced between two commands: those that come meanwhile wait in the offline queue of
 * ioredis, which needs its defaults for that (`enableOfflineQueue`, `maxRetriesPerRequest` above 0). Subscriptions are made again by
 * ioredis; messages that are published in between are lost, as at every reconnect.
 * `host`, `port` and `path` are those of the client. Its `tls` is not read, and its `connectTimeout` is ours. Sentinels are refused, and
 * Cluster is not covered.
 * @example
 * const redis = new Redis({ host: 'cache', port: 6379, Connector: createRedisConnector({ source, authorize }) });
 * redis.on('error', (error) => log.warn(error));
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createRedisConnector(options: ClientOptions): RedisConnector {
  const connector = createConnector(options);

  class SpiffeConnector extends RedisConnection {
    static readonly reauthorize = (): Promise<void> => connector.reauthorize();

    constructor(redisOptions: unknown) {
      super(connector, redisOptions);
    }
  }

  return SpiffeConnector;
}

/** How long ioredis waits for the end of a connection that it ended, in milliseconds (its default). */
const DISCONNECT_TIMEOUT_MS = 2_000;

class RedisConnection extends AbstractConnector {
  readonly #connector: Connector;
  readonly #target: Target;
  #attempt = new AbortController();

  constructor(connector: Connector, redisOptions: unknown) {
    super(DISCONNECT_TIMEOUT_MS);
    this.#connector = connector;
    this.#target = targetOf(redisOptions);
  }

  /** Called by ioredis for the first connection and for every one after it. */
  override async connect(): Promise<Socket> {
    this.connecting = true;
    this.#attempt = new AbortController();
    try {
      const connection = await this.#connector.connect({ ...this.#target, signal: this.#attempt.signal });
      leaveBetweenCommands(connection);
      this.stream = connection.socket;
    } catch (error) {
      // A rejection would end the client for good. A socket that has failed lets ioredis report the error and try again.
      this.firstError = error instanceof Error ? error : new Error(String(error));
      this.stream = new Socket().destroy();
    }
    return this.stream;
  }

  override disconnect(): void {
    this.#attempt.abort();
    super.disconnect();
  }
}

function targetOf(redisOptions: unknown): Target {
  const options = typeof redisOptions === 'object' && redisOptions !== null ? redisOptions : {};
  const read = (name: string): unknown => Reflect.get(options, name);
  // ioredis would connect to a sentinel as if it were the server.
  if (read('sentinels')) {
    throw new EphemosError('ERR_OPTION_INVALID', 'the Connector does not ask sentinels', {
      hint: 'pass host and port of the server itself',
    });
  }
  const [host, port, path] = [read('host'), read('port'), read('path')];
  if (typeof path === 'string' && path !== '') return { path };
  return { host: typeof host === 'string' ? host : 'localhost', port: Number(port ?? 6379) };
}
