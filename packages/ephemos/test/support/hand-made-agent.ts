// A Workload API on a unix socket whose every answer is the test's to give.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface HandMadeAgent extends AsyncDisposable {
  readonly endpoint: string;
  readonly path: string;
  /** The headers of every call, in order. */
  readonly calls: readonly IncomingHttpHeaders[];
  /** Streams that are open now. */
  openStreams(): number;
}

/** Opens it; `answer` gets each call with its number, the first is 0. */
export async function openHandMadeAgent(answer: (stream: ServerHttp2Stream, call: number) => void): Promise<HandMadeAgent> {
  const directory = mkdtempSync(join(tmpdir(), 'eph-'));
  const path = join(directory, 'a.sock');
  const calls: IncomingHttpHeaders[] = [];
  const open = new Set<ServerHttp2Stream>();
  const server: Http2Server = createServer();
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    stream.on('close', () => open.delete(stream));
    open.add(stream);
    calls.push(headers);
    answer(stream, calls.length - 1);
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    endpoint: `unix://${path}`,
    path,
    calls,
    openStreams: () => open.size,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      await closed;
      rmSync(directory, { recursive: true, force: true });
    },
  };
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
