// The plaintext port of the probes: HTTP/1 for those who ask with a GET, gRPC for kubelet's gRPC probe, told apart by their first bytes.
import { createServer, type Socket } from 'node:net';
import type { Address } from '../config/address.ts';
import { listenAt } from '../listening/listen-at.ts';
import type { Health } from './health.ts';
import { createHealthCalls } from './health-calls.ts';
import { createHttp1 } from './http1.ts';
import { createHttp2 } from './http2.ts';
import { sniff } from './sniff.ts';

/** Connections at once. One more, and the oldest is closed for it: whoever holds connections open keeps no probe out. */
export const MAX_CONNECTIONS = 100;
/** How long a connection may take to say what it speaks, in milliseconds. */
export const FIRST_BYTES_TIMEOUT_MS = 5_000;
/** Watches at once on this port. */
export const MAX_WATCHES = 50;

// What tells that the host of a watcher is gone, in milliseconds of silence.
const TCP_KEEPALIVE_MS = 30_000;

/** What {@link openHealthServer} takes. */
export interface HealthServerOptions {
  readonly address: Address;
  readonly health: Health;
  /** Names of gRPC services that are as ready as the process. */
  readonly services?: (() => Iterable<string>) | undefined;
  /** Told when the open port fails; what callers do wrong is not told. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** An open port. */
export interface HealthServer extends AsyncDisposable {
  /** Where it listens, with the port that the system chose. */
  readonly address: Address;
  /** Ends every connection at once. */
  close(): Promise<void>;
}

/**
 * Opens the port. Anybody who reaches it may ask; there is nothing to ask for but health.
 * @throws {EphemosError} ERR_LISTEN_FAILED
 */
export async function openHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { address, health, services, onError = () => undefined } = options;
  const calls = createHealthCalls({ health, services, maxWatches: MAX_WATCHES });
  const http1 = createHttp1(health);
  const http2 = createHttp2(health, calls);
  // In the order of their arrival.
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS }, (socket) => {
    for (const oldest of sockets) {
      if (sockets.size < MAX_CONNECTIONS) break;
      sockets.delete(oldest);
      oldest.destroy();
    }
    sockets.add(socket);
    const timer = setTimeout(() => socket.destroy(), FIRST_BYTES_TIMEOUT_MS).unref();
    socket.once('close', () => {
      sockets.delete(socket);
      clearTimeout(timer);
    });
    // Scanners come and go; 'close' follows.
    socket.on('error', () => undefined);
    sniff(socket, (protocol) => {
      clearTimeout(timer);
      if (protocol === 'http/2') http2.serve(socket);
      else http1.serve(socket);
    });
  });

  const purpose = { failure: 'the probes cannot be answered', key: 'health.address' };
  const bound = await listenAt(server, address, purpose).catch((error: unknown) => {
    http1.close();
    throw error;
  });
  server.on('error', onError);

  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      calls.close();
      http1.close();
      for (const socket of sockets) socket.destroy();
    });
    return closing;
  }
  return { address: bound, close, [Symbol.asyncDispose]: close };
}
