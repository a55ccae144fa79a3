// The plaintext port of the metrics: a GET of one path in, what the registry holds out.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Address } from '../config/address.ts';
import { listenAt } from '../listening/listen-at.ts';
import type { MetricsRegistry } from './metric-set.ts';

/** Connections at once. One more, and the oldest is closed for it: whoever holds connections open keeps no scrape out. */
export const MAX_SCRAPE_CONNECTIONS = 50;
/** Largest header of a scrape, in bytes. */
export const MAX_SCRAPE_HEADER_BYTES = 8_192;
/** How long a caller may take to ask, and then to read the answer, in milliseconds: what Prometheus gives a scrape by default. */
export const SCRAPE_TIMEOUT_MS = 10_000;

/** What {@link openMetricsServer} takes. */
export interface MetricsServerOptions {
  readonly address: Address;
  /** Such as `/metrics`. */
  readonly path: string;
  readonly registry: MetricsRegistry;
  /** How long a caller may take to ask, and then to read the answer, in milliseconds; default 10,000. */
  readonly timeout?: number | undefined;
  /** Told when a scrape or the open port fails; what callers do wrong is not told. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** An open port. */
export interface MetricsServer extends AsyncDisposable {
  /** Where it listens, with the port that the system chose. */
  readonly address: Address;
  /** Ends every connection at once. */
  close(): Promise<void>;
}

/**
 * Opens the port. Anybody who reaches it may ask, so metrics say nothing about single peers.
 * @throws {EphemosError} ERR_LISTEN_FAILED
 */
export async function openMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { address, path, registry, timeout = SCRAPE_TIMEOUT_MS, onError = () => undefined } = options;
  const scrape = shareScrapes(registry);
  // In the order of their arrival.
  const sockets = new Set<Socket>();
  const server = createServer(
    {
      maxHeaderSize: MAX_SCRAPE_HEADER_BYTES,
      headersTimeout: timeout,
      requestTimeout: timeout,
      connectionsCheckingInterval: Math.min(timeout, 1_000),
    },
    (request, response) => void answer(request, response),
  );
  server.on('connection', (socket) => {
    for (const oldest of sockets) {
      if (sockets.size < MAX_SCRAPE_CONNECTIONS) break;
      sockets.delete(oldest);
      oldest.destroy();
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    // A caller that hangs up is nothing to report.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    // The timeout of a socket starts again with every byte that is taken.
    const late = setTimeout(() => request.socket.destroy(), timeout).unref();
    response.once('close', () => clearTimeout(late));
    if (url.split('?', 1)[0] !== path) return refuse(response, 404, `there is ${path} here\n`);
    if (method !== 'GET' && method !== 'HEAD') return refuse(response.setHeader('allow', 'GET, HEAD'), 405, 'GET or HEAD\n');
    try {
      const text = await scrape();
      response.writeHead(200, { 'content-type': registry.contentType, 'content-length': Buffer.byteLength(text) }).end(text);
    } catch (error) {
      refuse(response, 500, 'the metrics could not be collected; the log of the service says why\n');
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  const bound = await listenAt(server, address, { failure: 'the metrics cannot be served', key: 'metrics.address' });
  server.on('error', onError);

  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
    return closing;
  }
  return { address: bound, close, [Symbol.asyncDispose]: close };
}

// Whoever asks while metrics are collected gets the same ones.
function shareScrapes(registry: MetricsRegistry): () => Promise<string> {
  let running: Promise<string> | undefined;
  return () => {
    running ??= registry.metrics().finally(() => {
      running = undefined;
    });
    return running;
  };
}

// Without the rest of what was sent: the connection ends.
function refuse(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text), connection: 'close' })
    .end(text);
}
