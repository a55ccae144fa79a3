import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { createServer as createNetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer } from 'ephemos';
import { createHttp2Client, createHttp2Server, type EphemosHttp2Server, peerOf } from 'ephemos/http2';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { readAll, readUntil } from '../support/bytes.ts';
import { bounded, causesOf, deferred, failureOf, next, nextError } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { OPS, ORDERS, openTlsWorld, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';

/** Sessions and streams of a server, as they arrive; streams are answered by the test. */
function watch(server: EphemosHttp2Server): { readonly sessions: ServerHttp2Session[]; stream(path: string): Promise<ServerHttp2Stream> } {
  const sessions: ServerHttp2Session[] = [];
  const streams = new Map<string, ServerHttp2Stream>();
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) =>
    streams.set(
      String(headers[':path']),
      stream.on('error', () => undefined),
    ),
  );
  return {
    sessions,
    async stream(path) {
      for (;;) {
        const stream = streams.get(path);
        if (stream !== undefined) return stream;
        await next(server, 'stream');
      }
    },
  };
}

function answer(stream: ServerHttp2Stream, text: string): void {
  stream.respond({ ':status': 200 });
  stream.end(text);
}

async function textOf(stream: Promise<Duplex>): Promise<string> {
  return bounded(readAll(await stream), 'the answer');
}

describe.each([{ intermediate: false }, { intermediate: true }])('HTTP/2, $intermediate intermediate', (options) => {
  it('serves a caller and says who it is on the request, the stream and the session', async () => {
    await using world = await openTlsWorld(options);
    const seen: string[] = [];
    const server = createHttp2Server(world.server, (request, response) => {
      for (const carrier of [request, response, request.stream, request.stream.session, request.socket]) {
        seen.push(String(peerOf(carrier ?? {}).id));
      }
      request.pipe(response);
    });
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const stream = await client.request({ ':method': 'POST', ':path': '/' });
    expect(String(peerOf(stream).id)).toBe(ORDERS);
    stream.end('body');
    expect(await readAll(stream)).toBe('body');
    expect(seen).toEqual(Array.from({ length: 5 }, () => WEB));
  });

  it('carries parallel requests over one connection, made once', async () => {
    await using world = await openTlsWorld(options);
    await using open = await listening(createHttp2Server(world.server, (request, response) => response.end(request.url)));
    await using client = createHttp2Client(open.origin, world.client);
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
    expect(await Promise.all(paths.map((path) => textOf(client.request({ ':path': path }))))).toEqual(paths);
    expect(open.accepted).toHaveLength(1);
  });

  it('refuses a caller that is not admitted: its stream fails, the listener never runs', async () => {
    await using world = await openTlsWorld(options);
    await using open = await listening(createHttp2Server(world.server, () => expect.unreachable()));
    await using client = createHttp2Client(open.origin, { ...world.client, source: await world.open(OPS) });
    const outcome = await failureOf(
      client.request({ ':path': '/' }).then((stream) => nextError(stream).then((error) => Promise.reject(error))),
    );
    expect(causesOf(outcome)).toContain('ERR_CONNECT_FAILED');
    expect(await open.refusal()).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
  });
});

describe('createHttp2Client', () => {
  it('refuses a server that is not the one wanted', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createHttp2Server(world.server, () => expect.unreachable()));
    await using client = createHttp2Client(open.origin, { ...world.client, authorize: () => false });
    // Each request tries anew, and none hangs.
    for (let round = 0; round < 2; round += 1)
      expect(await failureOf(client.request({ ':path': '/' }))).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
  });

  it('refuses a server that speaks HTTP/1 only', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer(world.server, () => expect.unreachable()));
    await using client = createHttp2Client(open.origin, world.client);
    expect(await failureOf(client.request({ ':path': '/' }))).toMatchObject({ code: expect.stringMatching(/NO_APPLICATION_PROTOCOL/) });
  });

  it('moves to a new session when the server says goodbye, finishes what is under way, and stays there', async () => {
    await using world = await openTlsWorld();
    const server = createHttp2Server(world.server);
    const { sessions, stream } = watch(server);
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const first = client.request({ ':path': '/first' });
    const firstOnServer = await stream('/first');
    const heard = deferred();
    (await first).session?.once('goaway', () => heard.resolve());
    sessions[0]?.close();
    await heard.promise;

    const second = client.request({ ':path': '/second' });
    answer(await stream('/second'), 'second');
    expect(await textOf(second)).toBe('second');
    expect(sessions).toHaveLength(2);
    const gone = next((await first).session ?? server, 'close');
    answer(firstOnServer, 'first');
    expect(await textOf(first)).toBe('first');
    await gone;
    // The end of the first session is none of the second.
    const third = client.request({ ':path': '/third' });
    answer(await stream('/third'), 'third');
    expect(await textOf(third)).toBe('third');
    expect(sessions).toHaveLength(2);
  });

  it('opens a new session after one that broke', async () => {
    await using world = await openTlsWorld();
    const server = createHttp2Server(world.server, (_request, response) => response.end('ok'));
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const stream = await client.request({ ':path': '/' });
    const { session } = stream;
    expect(await readAll(stream)).toBe('ok');
    const closing = new Promise<void>((resolve) => session?.on('error', () => undefined).once('close', resolve));
    for (const socket of open.accepted) socket.destroy();
    await closing;
    expect(await textOf(client.request({ ':path': '/' }))).toBe('ok');
  });

  it('leaves a session only after what was sent on it in the same turn', async () => {
    await using world = await openTlsWorld();
    let admits = true;
    await using open = await listening(createHttp2Server(world.server, (request, response) => void request.pipe(response)));
    await using client = createHttp2Client(open.origin, { ...world.client, authorize: () => admits });
    const stream = await client.request({ ':method': 'POST', ':path': '/' });
    // The headers are not written yet: a GOAWAY now would overtake them.
    admits = false;
    await client.reauthorize();
    stream.end('body');
    expect(await readAll(stream)).toBe('body');
    expect(await failureOf(client.request({ ':path': '/' }))).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    for (const socket of open.accepted) if (!socket.closed) await next(socket, 'close');
  });

  it('ends one stream by its signal and leaves the session', async () => {
    await using world = await openTlsWorld();
    const server = createHttp2Server(world.server);
    const { stream } = watch(server);
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const stop = new AbortController();
    const sent = await client.request({ ':path': '/slow' }, { signal: stop.signal });
    const failure = nextError(sent);
    await stream('/slow');
    stop.abort();
    expect(await failure).toMatchObject({ name: 'AbortError' });
    const other = client.request({ ':path': '/other' });
    answer(await stream('/other'), 'other');
    expect(await textOf(other)).toBe('other');
    expect(open.accepted).toHaveLength(1);
  });

  it('lets streams finish when it is closed, and takes no more', async () => {
    await using world = await openTlsWorld();
    const server = createHttp2Server(world.server);
    const { stream } = watch(server);
    await using open = await listening(server);
    const client = createHttp2Client(open.origin, world.client);
    const slow = client.request({ ':path': '/slow' });
    const onServer = await stream('/slow');
    const text = textOf(slow);
    const closing = client.close();
    expect(await failureOf(client.request({ ':path': '/late' }))).toMatchObject({ code: 'ERR_SOURCE_CLOSED' });
    answer(onServer, 'finished');
    expect(await text).toBe('finished');
    await bounded(closing, 'close()');
    await client.close();
  });

  it('gives up an attempt to connect when it is closed', async () => {
    await using world = await openTlsWorld();
    await using silent = await listening(createNetServer((socket) => socket.resume().on('error', () => undefined)));
    const client = createHttp2Client(silent.origin, world.client);
    const attempt = failureOf(client.request({ ':path': '/' }));
    await next(silent.server, 'connection');
    await client.close();
    expect(await bounded(attempt, 'the attempt')).toMatchObject({ code: 'ERR_CONNECT_ABORTED' });
    for (const socket of silent.accepted) if (!socket.closed) await next(socket, 'close');
  });
});

describe('createHttp2Server', () => {
  it('speaks h2 alone', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createHttp2Server(world.server, () => expect.unreachable()));
    const target = { ...world.client, host, port: open.port };
    expect(await failureOf(connect({ ...target, protocols: ['http/1.1'] }))).toMatchObject({
      code: expect.stringMatching(/NO_APPLICATION_PROTOCOL/),
    });
    const nameless = await connect(target);
    nameless.write('GET / HTTP/1.1\r\nHost: orders\r\n\r\n');
    expect(await readUntil(nameless, '\r\n')).toMatch(/^HTTP\/1\.0 403 /);
    nameless.destroy();
  });

  it('reauthorize(): a stream that is open finishes, and no other is opened by a caller that is refused', async () => {
    await using world = await openTlsWorld();
    const admitted = new Set([WEB]);
    const server = createHttp2Server({ ...world.server, authorize: ({ id }) => admitted.has(id.toString()), closeGrace: 5_000 });
    const { stream, sessions } = watch(server);
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const slow = client.request({ ':path': '/slow' });
    const onServer = await stream('/slow');
    const heard = next((await slow).session ?? server, 'goaway');
    admitted.clear();
    await server.reauthorize();
    await heard;
    const refused = await failureOf(
      client.request({ ':path': '/new' }).then((sent) => nextError(sent).then((error) => Promise.reject(error))),
    );
    expect(causesOf(refused)).toContain('ERR_CONNECT_FAILED');
    answer(onServer, 'finished');
    expect(await textOf(slow)).toBe('finished');
    expect(sessions).toHaveLength(1);
    expect(await open.refusal()).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
  });

  it('reauthorize(): cuts a stream that takes longer than closeGrace', async () => {
    await using world = await openTlsWorld();
    const admitted = new Set([WEB]);
    const server = createHttp2Server({ ...world.server, authorize: ({ id }) => admitted.has(id.toString()), closeGrace: 200 });
    const { stream } = watch(server);
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const sent = await client.request({ ':path': '/slow' });
    const closing = new Promise((resolve) => sent.on('error', () => undefined).once('close', resolve));
    await stream('/slow');
    admitted.clear();
    await server.reauthorize();
    await bounded(closing, 'the end of the stream', 200 + 2_500);
  });
});
