// The https.Agent: Node's own pool, with sockets from the connector. Works with https.request and everything built on it.
import type { ClientRequest, ClientRequestArgs, IncomingMessage } from 'node:http';
import { Agent as HttpAgent } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import { Socket } from 'node:net';
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
 * Give it to a library as its agent for http as well (axios: `httpAgent`): an http URL, or a redirect to one, then fails with
 * ERR_INVALID_PROTOCOL instead of going out unprotected. A connection that was upgraded, as for a WebSocket, ends when a certificate expires.
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createAgent(options: EphemosAgentOptions): EphemosAgent {
  return new GatedAgent(options);
}

type ConnectionArgs = ClientRequestArgs & { readonly servername?: string };
type OnSocket = (error: Error | null, socket: Duplex) => void;

/** Calls a method of http.Agent that its declaration leaves out (undocumented, Node 0.12 to 26). */
function callOwn(agent: Agent, name: string, args: readonly unknown[]): void {
  const method: unknown = Reflect.get(Agent.prototype, name);
  if (typeof method !== 'function') throw new TypeError(`this Node.js release has no http.Agent method ${name}`);
  Reflect.apply(method, agent, args);
}

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
    // Before Node's own listener, which would give the socket to a request that waits in the queue.
    this.prependListener('free', (socket: Duplex) => {
      if (this.#pooled.get(socket)?.connection.draining === true) socket.destroy();
    });
  }

  override createConnection(options: ConnectionArgs, callback?: OnSocket): Duplex | undefined {
    const { host, port, socketPath, servername, signal, timeout } = options;
    const target = socketPath ? { path: socketPath } : { host: host ?? 'localhost', port: Number(port ?? 443) };
    const place = this.#takePlace(options);
    this.#connector.connect({ ...target, servername, signal, protocols: ['http/1.1'] }).then(
      (connection) => {
        this.#givePlaceBack(place, options);
        this.#add(connection);
        if (timeout !== undefined) connection.socket.setTimeout(timeout);
        callback?.(null, connection.socket);
      },
      (error: unknown) => {
        // Node's callback takes the error alone; its declaration wants a socket as well.
        if (callback !== undefined) Reflect.apply(callback, undefined, [error]);
        this.#count(-1);
        // What Node does when a socket closes: it is forgotten, and the next request of the queue gets its try.
        callOwn(this, 'removeSocket', [place, options]);
      },
    );
    return undefined;
  }

  // Every connection of this agent is made with the same options, so host and port tell them apart. https.Agent would
  // put twenty more fields into the name, for every request.
  override getName(options?: ConnectionArgs): string {
    return `${HttpAgent.prototype.getName.call(this, options)}:${options?.servername ?? ''}`;
  }

  /** Called by Node when a socket becomes free; false gives it up (http.Agent, documented). */
  override keepSocketAlive(socket: Duplex): boolean {
    const pooled = this.#pooled.get(socket);
    if (pooled === undefined || pooled.idleTimeout <= 0) return false;
    pooled.idleSince = Date.now();
    const { socket: idle } = pooled.connection;
    idle.unref();
    const { timeout = 0 } = this.options;
    if ((idle.timeout ?? 0) !== timeout) idle.setTimeout(timeout);
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
  createSocket(request: ClientRequest, options: ConnectionArgs, callback: OnSocket): void {
    // What holds for the first answer holds for the connection, so later requests pay nothing.
    request.prependOnceListener('response', (response) => this.#heedKeepAlive(response));
    request.prependOnceListener('error', (error) => this.#explain(request, error));
    const queued = this.#queueOf(options).includes(request);
    // Without a socket Node only notes that a request was destroyed, by its signal too; it would wait for the connection to say so.
    const attempt = new AbortController();
    const { destroy } = request;
    request.destroy = (error) => {
      Reflect.apply(destroy, request, [error]);
      attempt.abort();
      return request;
    };
    if (request.destroyed) attempt.abort();
    const done = (error: Error | null, socket: Duplex): void => {
      Reflect.deleteProperty(request, 'destroy');
      // A request of the queue stays in it until it has a socket. One that gets none must leave, or the others would wait for ever;
      // one that has left was given another socket meanwhile.
      if (error && queued && !this.#leaveQueue(request, options)) return;
      // A request that was destroyed fails with its own reason, which Node remembers.
      if (error && request.destroyed) Reflect.apply(request.onSocket, request, []);
      else callback(error, socket);
    };
    callOwn(this, 'createSocket', [request, { ...options, signal: attempt.signal }, done]);
  }

  reauthorize(): Promise<void> {
    return this.#connector.reauthorize();
  }

  override destroy(): void {
    clearTimeout(this.#sweeper);
    this.#sweeper = undefined;
    this.#connector.close();
    super.destroy();
  }

  // Takes the place of a socket in Node's pool while one is being made: Node counts sockets once they are there, so `maxSockets`
  // would not hold for those on their way (agent-base does the same).
  #takePlace(options: ConnectionArgs): Socket {
    const place = new Socket();
    const name = this.getName(options);
    Reflect.set(this.sockets, name, [...(this.sockets[name] ?? []), place]);
    this.#count(1);
    return place;
  }

  #givePlaceBack(place: Socket, options: ConnectionArgs): void {
    const name = this.getName(options);
    Reflect.set(
      this.sockets,
      name,
      (this.sockets[name] ?? []).filter((socket) => socket !== place),
    );
    this.#count(-1);
  }

  #count(change: number): void {
    Reflect.set(this, 'totalSocketCount', Number(Reflect.get(this, 'totalSocketCount')) + change);
  }

  // The requests that wait for a socket; Node declares them as what they are answered with.
  #queueOf(options: ConnectionArgs): readonly object[] {
    return this.requests[this.getName(options)] ?? [];
  }

  #leaveQueue(request: ClientRequest, options: ConnectionArgs): boolean {
    const queue = this.#queueOf(options);
    const others = queue.filter((waiting) => waiting !== request);
    if (others.length > 0) Reflect.set(this.requests, this.getName(options), others);
    else Reflect.deleteProperty(this.requests, this.getName(options));
    return others.length < queue.length;
  }

  #add(connection: LiveConnection): void {
    const { socket } = connection;
    const pooled: Pooled = { connection, idleSince: undefined, idleTimeout: IDLE_TIMEOUT_MS };
    this.#pooled.set(socket, pooled);
    socket.once('close', () => this.#pooled.delete(socket));
    const leave = (): void => {
      if (pooled.idleSince !== undefined) this.#drop(socket);
    };
    connection.onDrain(leave);
    socket.once('end', leave);
  }

  // Node forgets an idle socket once it has closed, a turn or more after destroy(), and gives it to requests until then (Node 20 to 26).
  #drop(socket: Socket): void {
    socket.destroy();
    socket.emit('agentRemove');
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
      if (now - idleSince >= idleTimeout - SWEEP_MS) this.#drop(connection.socket);
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
