// The https.Agent: Node's own pool, with sockets from the connector. Works with https.request and everything built on it.
import type { ClientRequest, ClientRequestArgs, IncomingMessage } from 'node:http';
import { Agent as HttpAgent } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ClientOptions, type Connector, createConnector } from '../tls/connect.ts';
import { closedEarly } from '../tls/early-close.ts';
import type { LiveConnection } from '../tls/live-connection.ts';
import type { Gated } from './server.ts';

/** How long an idle connection is kept, in milliseconds, when the server does not ask for less. */
export const IDLE_TIMEOUT_MS = 60_000;
/** How long before the server's own idle timeout a connection is given up, in milliseconds: a request must not meet the server's close. */
export const IDLE_MARGIN_MS = 1_000;
// One sweep for all idle connections: a timer for each would be set and cleared by every request, at 3 us.
const SWEEP_MS = 250;

/** What {@link createAgent} takes: identity and policy, and the pool options of http.Agent. */
export interface EphemosAgentOptions
  extends ClientOptions,
    Pick<AgentOptions, 'keepAlive' | 'keepAliveMsecs' | 'maxSockets' | 'maxTotalSockets' | 'maxFreeSockets' | 'scheduling' | 'timeout'> {}

/** A node:https agent behind the gate. `destroy()` closes it. */
export type EphemosAgent = Agent & Gated;

/**
 * Makes an agent for `https.request` and every library that takes one. Connections are kept alive, and left before a certificate expires.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createAgent(options: EphemosAgentOptions): EphemosAgent {
  return new GatedAgent(options);
}

type OnSocket = (error: Error | null, socket: Duplex) => void;

/** A connection in the pool. */
interface Pooled {
  readonly connection: LiveConnection;
  idleSince: number | undefined;
  idleTimeout: number;
}

class GatedAgent extends Agent implements Gated {
  readonly #connector: Connector;
  readonly #pooled = new Map<object, Pooled>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: EphemosAgentOptions) {
    const { keepAlive = true, timeout, keepAliveMsecs, maxSockets, maxTotalSockets, maxFreeSockets, scheduling } = options;
    const pool = { keepAlive, timeout, keepAliveMsecs, maxSockets, maxTotalSockets, maxFreeSockets, scheduling };
    super(Object.fromEntries(Object.entries(pool).filter(([, value]) => value !== undefined)));
    this.#connector = createConnector(options);
  }

  override createConnection(options: ClientRequestArgs & { readonly servername?: string }, callback?: OnSocket): Duplex | undefined {
    const { host, port, socketPath, servername } = options;
    const target = socketPath ? { path: socketPath } : { host: host ?? 'localhost', port: Number(port ?? 443) };
    this.#connector.connect({ ...target, servername, protocols: ['http/1.1'] }).then(
      (connection) => {
        this.#add(connection);
        callback?.(null, connection.socket);
      },
      // Node's callback takes the error alone; its declaration wants a socket as well.
      (error: unknown) => void (callback !== undefined && Reflect.apply(callback, undefined, [error])),
    );
    return undefined;
  }

  // Every connection of this agent is made with the same options, so host and port tell them apart. https.Agent would
  // put twenty more fields into the name, for every request.
  override getName(options?: ClientRequestArgs & { readonly servername?: string }): string {
    return `${HttpAgent.prototype.getName.call(this, options)}:${options?.servername ?? ''}`;
  }

  /** Called by Node when a socket becomes free; false gives it up (http.Agent, documented). */
  override keepSocketAlive(socket: Duplex): boolean {
    const pooled = this.#pooled.get(socket);
    if (pooled === undefined || pooled.connection.draining || pooled.idleTimeout <= 0) return false;
    pooled.idleSince = Date.now();
    pooled.connection.socket.unref();
    this.#sweeper ??= setTimeout(() => this.#sweep(), SWEEP_MS).unref();
    return true;
  }

  /** Called by Node when a free socket is used again (http.Agent, documented). */
  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    const pooled = this.#pooled.get(socket);
    if (pooled !== undefined) pooled.idleSince = undefined;
    super.reuseSocket(socket, request);
  }

  /** Called by Node with the request that a new connection is for (undocumented, Node 0.12 to 26). */
  createSocket(request: ClientRequest, ...rest: unknown[]): void {
    // What holds for the first answer holds for the connection, so later requests pay nothing.
    request.prependOnceListener('response', (response) => this.#heedKeepAlive(response));
    request.prependOnceListener('error', (error) => this.#explain(request, error));
    const base: unknown = Reflect.get(Agent.prototype, 'createSocket');
    if (typeof base !== 'function') throw new TypeError('this Node.js release has no http.Agent method createSocket');
    Reflect.apply(base, this, [request, ...rest]);
  }

  reauthorize(): Promise<void> {
    return this.#connector.reauthorize();
  }

  override destroy(): void {
    clearTimeout(this.#sweeper);
    super.destroy();
  }

  #add(connection: LiveConnection): void {
    const { socket } = connection;
    const pooled: Pooled = { connection, idleSince: undefined, idleTimeout: IDLE_TIMEOUT_MS };
    this.#pooled.set(socket, pooled);
    socket.once('close', () => this.#pooled.delete(socket));
    connection.onDrain(() => {
      if (pooled.idleSince !== undefined) socket.destroy();
    });
  }

  // The server says in Keep-Alive after how many idle seconds it closes; Node 20 heeds that only in part.
  #heedKeepAlive({ socket, headers }: IncomingMessage): void {
    const seconds = /(?:^|,)\s*timeout=(\d+)/i.exec(String(headers['keep-alive'] ?? ''))?.[1];
    const pooled = this.#pooled.get(socket);
    if (pooled !== undefined && seconds !== undefined)
      pooled.idleTimeout = Math.min(IDLE_TIMEOUT_MS, Number(seconds) * 1000 - IDLE_MARGIN_MS);
  }

  #sweep(): void {
    const now = Date.now();
    let idle = 0;
    for (const { connection, idleSince, idleTimeout } of this.#pooled.values()) {
      if (idleSince === undefined) continue;
      if (now - idleSince >= idleTimeout - SWEEP_MS) connection.socket.destroy();
      else idle += 1;
    }
    this.#sweeper = idle === 0 ? undefined : setTimeout(() => this.#sweep(), SWEEP_MS).unref();
  }

  #explain({ socket, reusedSocket }: ClientRequest, error: Error): void {
    const pooled = socket === null ? undefined : this.#pooled.get(socket);
    if (pooled === undefined || reusedSocket || !('code' in error) || error.code !== 'ECONNRESET') return;
    error.cause ??= closedEarly(pooled.connection);
  }
}
