// A Workload API whose every answer is the test's to give.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portOf } from './listening.ts';

export interface HandMadeAgent extends AsyncDisposable {
  readonly endpoint: string;
  /** The headers of every call, in order. */
  readonly calls: readonly IncomingHttpHeaders[];
  /** When each call came, by performance.now(). */
  readonly calledAt: readonly number[];
  /** Streams that are open now. */
  openStreams(): number;
  /** Connections that are open now. */
  openConnections(): number;
  /** Connections that there were. */
  connections(): number;
}

/** Gets each call with its number; the first is 0. */
export type Answer = (stream: ServerHttp2Stream, call: number) => void;

/** Opens it on a unix socket, or on a TCP port of the loopback. */
export async function openHandMadeAgent(answer: Answer, { tcp = false }: { readonly tcp?: boolean } = {}): Promise<HandMadeAgent> {
  const directory = makeDirectory();
  const path = join(directory, 'a.sock');
  const calls: IncomingHttpHeaders[] = [];
  const calledAt: number[] = [];
  const streams = new Set<ServerHttp2Stream>();
  const sessions = new Set<ServerHttp2Session>();
  let connections = 0;
  const server: Http2Server = createServer();
  server.on('session', (session) => {
    connections += 1;
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    streams.add(stream);
    stream.on('error', () => undefined).on('close', () => streams.delete(stream));
    calledAt.push(performance.now());
    calls.push(headers);
    answer(stream, calls.length - 1);
  });
  await new Promise<void>((resolve) => (tcp ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve)));
  return {
    endpoint: tcp ? `tcp://127.0.0.1:${portOf(server)}` : `unix://${path}`,
    calls,
    calledAt,
    openStreams: () => streams.size,
    openConnections: () => sessions.size,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      await closed;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A directory with a path short enough for sockets. */
export function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'eph-'));
}

/** Ends a call with a gRPC status before any message. */
export function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status), 'grpc-message': encodeURIComponent(message) },
    { endStream: true },
  );
}

/** Sends messages and then ends the call, or leaves it open. */
export function send(stream: ServerHttp2Stream, messages: readonly Uint8Array[], end?: { readonly status: number }): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(end?.status ?? 0) }));
  for (const message of messages) {
    const frame = Buffer.alloc(5 + message.length);
    frame.writeUInt32BE(message.length, 1);
    frame.set(message, 5);
    stream.write(frame);
  }
  if (end !== undefined) stream.end();
}
