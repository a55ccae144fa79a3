// The end of a server: no new connections, a goodbye on the live ones, and the moment when the last of them is closed.
import { Server as NetServer } from 'node:net';
import type { Server } from 'node:tls';
import type { LiveConnections } from './live-connections.ts';

/** How long an HTTP/1 connection may be quiet in a drain before it is closed, in milliseconds: one in use is told with its next answer. */
export const QUIET_MS = 1_000;

/** What a server does to end without losing a request. */
export interface Drainable {
  /**
   * Stops listening and tells every client to go elsewhere: GOAWAY on HTTP/2 and gRPC, `Connection: close` with the next answer on HTTP/1, whose
   * quiet connections are closed after a second. Requests under way finish. Resolves when the last connection is closed; nothing is cut off, see
   * {@link Drainable.destroyConnections}. Upgraded connections, such as WebSockets, are yours to end.
   */
  drain(): Promise<void>;
  /** Cuts off every connection that is left. */
  destroyConnections(): void;
}

/** @param destroyHandshakes cuts off the connections that are no live ones yet */
export function createDrain(server: Server, connections: LiveConnections, destroyHandshakes: () => void): Drainable {
  let draining: Promise<void> | undefined;

  async function drain(): Promise<void> {
    // Not the close() of http: it ends idle connections at once, and with them a request that is on its way. A server that does not listen
    // any more calls back all the same.
    const closed = new Promise<void>((resolve) => void Reflect.apply(NetServer.prototype.close, server, [() => resolve()]));
    connections.drain();
    const quiet = setInterval(endQuiet, QUIET_MS);
    await closed;
    clearInterval(quiet);
  }

  function endQuiet(): void {
    for (const connection of connections) if (connection.isUnused) connection.socket.destroySoon();
    if ('closeIdleConnections' in server && typeof server.closeIdleConnections === 'function') server.closeIdleConnections();
  }

  return {
    drain() {
      draining ??= drain();
      return draining;
    },
    destroyConnections() {
      for (const { socket } of connections) socket.destroy();
      destroyHandshakes();
    },
  };
}
