// The https.Agent: Node's own pool, with sockets from the connector. Works with https.request and everything built on it.
import type { ClientRequest, ClientRequestArgs } from 'node:http';
import { Agent as HttpAgent } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ClientOptions, createConnector } from '../tls/connect.ts';
import { closedEarly } from '../tls/early-close.ts';
import type { LiveConnection } from '../tls/live-connection.ts';
import { peerOf } from '../tls/peer-of.ts';
import type { Gated } from './server.ts';

/** How long an idle connection is kept, in milliseconds, when the server does not ask for less. */
export const IDLE_TIMEOUT_MS = 60_000;

/** What {@link createAgent} takes: identity and policy, and the pool options of http.Agent. */
export interface EphemosAgentOptions extends ClientOptions, Pick<AgentOptions, 'keepAlive' | 'keepAliveMsecs' | 'maxSockets' | 'maxTotalSockets' | 'maxFreeSockets' | 'scheduling' | 'timeout'> {}

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

class GatedAgent extends Agent implements Gated {
  readonly #connector: ReturnType<typeof createConnector>;
  readonly #source: ClientOptions['source'];
  readonly #connections = new WeakMap<object, LiveConnection>();
  readonly #idle = new WeakSet<object>();

  constructor(options: EphemosAgentOptions) {
    const { keepAliveMsecs, maxSockets, maxTotalSockets, maxFreeSockets, scheduling } = options;
    // `timeout` makes the pool heed the server's Keep-Alive header (Node 20: without one it does not), so that
    // no request goes out on a connection that the server is about to close.
    const pool = { keepAlive: options.keepAlive ?? true, timeout: options.timeout ?? IDLE_TIMEOUT_MS, keepAliveMsecs, maxSockets, maxTotalSockets, maxFreeSockets, scheduling };
    super(Object.fromEntries(Object.entries(pool).filter(([, value]) => value !== undefined)));
    this.#source = options.source;
    this.#connector = createConnector(options);
  }

  override createConnection(options: ClientRequestArgs & { readonly servername?: string }, callback?: OnSocket): Duplex | undefined {
    const { host, port, socketPath, servername } = options;
    const target = socketPath ? { path: socketPath } : { host: host ?? 'localhost', port: Number(port ?? 443) };
    this.#connector.connect({ ...target, servername, protocols: ['http/1.1'], ...(options.signal === undefined ? {} : { signal: options.signal }) }).then(
      (connection) => {
        this.#watch(connection);
        callback?.(null, connection.socket);
      },
      // Node's callback takes the error alone; its declaration wants a socket as well.
      (error: unknown) => callback !== undefined && Reflect.apply(callback, undefined, [error]),
    );
    return undefined;
  }

  // Every connection of this agent is made with the same options, so host and port tell them apart. https.Agent would
  // put twenty more fields into the name, for every request.
  override getName(options?: ClientRequestArgs & { readonly servername?: string }): string {
    return `${HttpAgent.prototype.getName.call(this, options)}:${options?.servername ?? ''}`;
  }

  /** Called by Node when a socket becomes free (http.Agent, documented). */
  override keepSocketAlive(socket: Duplex): boolean {
    // The base returns false to give the socket up, and in some releases nothing to keep it; its declaration knows only void.
    const kept: unknown = super.keepSocketAlive(socket);
    if (this.#connections.get(socket)?.draining === true || kept === false) return false;
    this.#idle.add(socket);
    return true;
  }

  /** Called by Node when a free socket is used again (http.Agent, documented). */
  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    this.#idle.delete(socket);
    super.reuseSocket(socket, request);
  }

  /** Called by Node for every new connection (undocumented, Node 0.12 to 26). A request that is closed on without an answer gets a cause that names both identities. */
  createSocket(request: ClientRequest, ...rest: unknown[]): void {
    request.prependOnceListener('error', (error: Error) => this.#explain(request, error));
    const base: unknown = Reflect.get(Agent.prototype, 'createSocket');
    if (typeof base !== 'function') throw new TypeError('this Node.js release has no http.Agent method createSocket');
    Reflect.apply(base, this, [request, ...rest]);
  }

  reauthorize(): Promise<void> {
    return this.#connector.reauthorize();
  }

  override destroy(): void {
    this.#connector.close();
    super.destroy();
  }

  #watch(connection: LiveConnection): void {
    const { socket } = connection;
    this.#connections.set(socket, connection);
    connection.onDrain(() => {
      if (this.#idle.has(socket)) socket.destroy();
    });
  }

  #explain(request: ClientRequest, error: Error): void {
    const { socket, reusedSocket } = request;
    if (!('code' in error) || error.code !== 'ECONNRESET' || reusedSocket || socket === null || !this.#connections.has(socket)) return;
    error.cause ??= closedEarly(this.#source.svid.id, peerOf(socket).id);
  }
}
