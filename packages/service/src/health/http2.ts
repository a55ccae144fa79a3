// Sockets that speak HTTP/2 in, answered probes out: gRPC health checks, and the paths of HTTP/1 too.
import { createServer, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Health } from './health.ts';
import type { HealthCalls } from './health-calls.ts';
import { answerHttp } from './http-answer.ts';
import { MAX_HEADER_BYTES, type SocketServer } from './http1.ts';
import { ignoreRest } from './ignore-rest.ts';
import { isLoopback } from './loopback.ts';

/** Streams at once on one connection. */
export const MAX_STREAMS = 16;
/** How long a connection may be without streams, in milliseconds. */
export const IDLE_TIMEOUT_MS = 30_000;

/** Makes the HTTP/2 side of the port. */
export function createHttp2(health: Health, calls: HealthCalls): Pick<SocketServer, 'serve'> {
  const server = createServer({
    settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES, initialWindowSize: 16_384, enablePush: false },
    maxHeaderListPairs: 64,
    // Megabytes, the least that there is.
    maxSessionMemory: 1,
  });
  server.on('session', (session) => {
    const streams = watchIdle(session);
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      // A stream that breaks is nothing to report.
      stream.on('error', () => undefined);
      streams.add(stream);
      if (headers['content-type']?.startsWith('application/grpc') === true) return calls.answer(stream, headers);
      answer(health, stream, headers);
    });
  });
  return { serve: (socket) => void server.emit('connection', socket) };
}

function answer(health: Health, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const { ':method': method = '', ':path': url = '', accept } = headers;
  const {
    status,
    headers: fields,
    body,
  } = answerHttp(health, { method, url, accept, local: isLoopback(stream.session?.socket.remoteAddress) });
  stream.respond({ ':status': status, ...fields }, { endStream: body === '' });
  if (body !== '') stream.end(body);
  ignoreRest(stream);
}

// Ends a session that has had no streams for a while, also one that broke so that none can come.
function watchIdle(session: Http2Session): { add(stream: ServerHttp2Stream): void } {
  let open = 0;
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    timer = setTimeout(() => session.close(), IDLE_TIMEOUT_MS).unref();
  };
  session.once('close', () => clearTimeout(timer));
  wait();
  return {
    add(stream) {
      open += 1;
      clearTimeout(timer);
      stream.once('close', () => {
        open -= 1;
        if (open === 0 && !session.destroyed) wait();
      });
    },
  };
}
