// Sockets that speak HTTP/1 in, answered probes out. One request a connection.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Health } from './health.ts';
import { answerHttp } from './http-answer.ts';
import { isLoopback } from './loopback.ts';

/** Largest header of a probe, in bytes. */
export const MAX_HEADER_BYTES = 8_192;

const HEADERS_TIMEOUT_MS = 5_000;

/** Serves sockets. */
export interface SocketServer {
  serve(socket: Socket): void;
  close(): void;
}

/** Makes the HTTP/1 side of the port. */
export function createHttp1(health: Health): SocketServer {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: 2 * HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => answer(health, request, response),
  );
  // A server that never listens enforces its timeouts only when it believes that it does (Node 20 to 26).
  server.emit('listening');
  return {
    serve: (socket) => void server.emit('connection', socket),
    close: () => void server.close(() => undefined),
  };
}

function answer(health: Health, request: IncomingMessage, response: ServerResponse): void {
  // A caller that hangs up is nothing to report.
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  const { method = '', url = '', headers, socket } = request;
  const {
    status,
    headers: fields,
    body,
  } = answerHttp(health, { method, url, accept: headers.accept, local: isLoopback(socket.remoteAddress) });
  response.writeHead(status, { ...fields, connection: 'close' }).end(body);
}
