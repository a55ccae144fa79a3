import { mkdtemp, rm } from 'node:fs/promises';
import { connect as http2Connect } from 'node:http2';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { createAgent, peerOf as peerOfRequest } from 'ephemos';
import { channelOptions, createChannelCredentials, createGrpcListener, LONGEST_CHANNEL_BACKOFF_MS } from 'ephemos/grpc';
import { connect } from 'ephemos/tls';
import { describe, expect, it, vi } from 'vitest';
import { bounded, failureOf, next } from '../support/events.ts';
import { createEchoClient, createEchoServer } from '../support/grpc-echo.ts';
import { httpsCall } from '../support/https-call.ts';
import { listening } from '../support/listening.ts';
import { OPS, ORDERS, openTlsWorld, untilSource, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';

describe.each([{ intermediate: false }, { intermediate: true }])('gRPC, $intermediate intermediate', (options) => {
  it('carries unary, streaming and bidirectional calls, and each says who calls', async () => {
    await using world = await openTlsWorld(options);
    const echo = createEchoServer();
    await using open = await listening(createGrpcListener(echo.server, world.server));
    using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client));
    expect(await client.echo('hello')).toBe(`hello from ${WEB}`);
    expect(await client.count(3)).toEqual([1, 2, 3].map((number) => `${number} for ${WEB}`));
    const chat = client.chat();
    for (const text of ['one', 'two']) {
      const arriving = next(chat, 'data');
      chat.write({ text });
      const [answer] = await arriving;
      expect(answer).toEqual({ text: `${text} from ${WEB}` });
    }
    chat.end();
    await next(chat.resume(), 'end');
    expect(open.accepted).toHaveLength(1);
    await new Promise<void>((resolve) => echo.server.tryShutdown(() => resolve()));
  });

  it('is UNAVAILABLE with our reason when the server is not the one wanted, and no call arrives', async () => {
    await using world = await openTlsWorld(options);
    const echo = createEchoServer();
    await using open = await listening(createGrpcListener(echo.server, world.server));
    using client = createEchoClient(
      `${host}:${open.port}`,
      createChannelCredentials({ ...world.client, authorize: ({ id }) => id.toString() === OPS }),
    );
    expect(await failureOf(client.echo('secret'))).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining(`ERR_PEER_UNAUTHORIZED: the authorizer does not admit ${ORDERS}`),
    });
    expect(echo.served).toHaveLength(0);
    echo.server.forceShutdown();
  });

  it('is UNAVAILABLE with both names when the server refuses us', async () => {
    await using world = await openTlsWorld(options);
    const echo = createEchoServer();
    await using open = await listening(createGrpcListener(echo.server, world.server));
    using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials({ ...world.client, source: await world.open(OPS) }));
    const error = await failureOf(client.echo('hello'));
    expect(error).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining(`${ORDERS} closed the connection before it answered`),
    });
    expect(error).toMatchObject({ details: expect.stringContaining(OPS) });
    expect(await open.refusal()).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    expect(echo.served).toHaveLength(0);
    echo.server.forceShutdown();
  });
});

describe('waitForReady', () => {
  it('waits for an identity that comes back, and for the deadline when it does not', async () => {
    await using world = await openTlsWorld();
    const echo = createEchoServer();
    await using open = await listening(createGrpcListener(echo.server, world.server));
    const { source } = world.client;
    await world.authority.withdraw(WEB);
    await untilSource(source, () => source.health.state === 'withdrawn');
    const quick = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 200 };
    using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client), quick);
    expect(await failureOf(client.echo('no'))).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('ERR_IDENTITY_WITHDRAWN'),
    });
    const waiting = await failureOf(new Promise((_, reject) => client.client.waitForReady(Date.now() + 200, reject)));
    expect(waiting).toBeInstanceOf(Error);
    const ready = new Promise<void>((resolve, reject) =>
      client.client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve())),
    );
    await world.authority.restore(WEB);
    await bounded(ready, 'waitForReady');
    expect(await client.echo('hello')).toBe(`hello from ${WEB}`);
    echo.server.forceShutdown();
  });
});

describe('createGrpcListener', () => {
  it('serves gRPC and HTTP on one port: h2 is gRPC, http/1.1 and no ALPN at all are HTTP', async () => {
    await using world = await openTlsWorld();
    const echo = createEchoServer();
    const listener = createGrpcListener(echo.server, {
      ...world.server,
      http: (request, response) => response.end(`http for ${peerOfRequest(request).id}`),
    });
    await using open = await listening(listener);
    using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client));
    const agent = createAgent(world.client);
    expect(await client.echo('hello')).toBe(`hello from ${WEB}`);
    expect(await httpsCall(open.origin, { agent })).toMatchObject({ body: `http for ${WEB}` });
    const nameless = await connect({ ...world.client, host, port: open.port });
    nameless.write('GET / HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n');
    expect(String((await next(nameless, 'data'))[0])).toContain(`http for ${WEB}`);
    nameless.destroy();

    const socket = await connect({ ...world.client, host, port: open.port, protocols: ['h2'] });
    const session = http2Connect(open.origin, { createConnection: () => socket });
    const [headers] = await next(session.request({ ':path': '/' }), 'response');
    expect(headers).toMatchObject({ ':status': 415 });
    session.destroy();
    agent.destroy();
    echo.server.forceShutdown();
  });

  it('without HTTP refuses who speaks anything else than h2', async () => {
    await using world = await openTlsWorld();
    const echo = createEchoServer();
    await using open = await listening(createGrpcListener(echo.server, world.server));
    const target = { ...world.client, host, port: open.port };
    expect(await failureOf(connect({ ...target, protocols: ['http/1.1'] }))).toMatchObject({
      code: expect.stringMatching(/NO_APPLICATION_PROTOCOL/),
    });
    const nameless = await connect(target);
    await next(nameless.on('error', () => undefined).resume(), 'close');
    expect(await open.refusal()).toMatchObject({ code: 'ERR_ALPN_MISMATCH' });
    echo.server.forceShutdown();
  });

  it('serves on a unix socket', async () => {
    await using world = await openTlsWorld();
    const echo = createEchoServer();
    const directory = await mkdtemp(join(tmpdir(), 'eph-'));
    const listener = createGrpcListener(echo.server, world.server);
    listener.listen(join(directory, 's'));
    await next(listener, 'listening');
    {
      using client = createEchoClient(`unix:${join(directory, 's')}`, createChannelCredentials(world.client));
      expect(await client.echo('hello')).toBe(`hello from ${WEB}`);
    }
    await new Promise<void>((resolve) => echo.server.tryShutdown(() => resolve()));
    await new Promise<void>((resolve) => listener.close(() => resolve()));
    await rm(directory, { recursive: true });
  });

  it('reauthorize(): a call that is under way finishes, the next one is refused', async () => {
    await using world = await openTlsWorld();
    const admitted = new Set([WEB]);
    const echo = createEchoServer();
    const listener = createGrpcListener(echo.server, { ...world.server, authorize: ({ id }) => admitted.has(id.toString()) });
    await using open = await listening(listener);
    using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client));
    const slow = client.echo('slow');
    await echo.arrived(1);
    admitted.clear();
    await listener.reauthorize();
    const refused = await failureOf(client.echo('new'));
    expect(refused).toMatchObject({ code: status.UNAVAILABLE });
    echo.finish();
    expect(await slow).toBe(`slow from ${WEB}`);
    expect(echo.served).toEqual(['slow']);
    echo.server.forceShutdown();
  });
});

describe('createChannelCredentials', () => {
  it('reauthorize(): a call that is under way finishes, the next one finds the server refused', async () => {
    await using world = await openTlsWorld();
    const admitted = new Set([ORDERS]);
    const echo = createEchoServer();
    await using open = await listening(createGrpcListener(echo.server, world.server));
    const credentials = createChannelCredentials({ ...world.client, authorize: ({ id }) => admitted.has(id.toString()) });
    using client = createEchoClient(`${host}:${open.port}`, credentials);
    const slow = client.echo('slow');
    await echo.arrived(1);
    admitted.clear();
    await credentials.reauthorize();
    expect(await failureOf(client.echo('new'))).toMatchObject({ details: expect.stringContaining('ERR_PEER_UNAUTHORIZED') });
    echo.finish();
    expect(await slow).toBe(`slow from ${WEB}`);
    expect(echo.served).toEqual(['slow']);
    echo.server.forceShutdown();
  });

  it('serves several channels, and their calls survive the close of another', async () => {
    await using world = await openTlsWorld();
    const echo = createEchoServer();
    await using open = await listening(createGrpcListener(echo.server, world.server));
    const credentials = createChannelCredentials(world.client);
    using one = createEchoClient(`${host}:${open.port}`, credentials, { 'grpc.use_local_subchannel_pool': 1 });
    using other = createEchoClient(`${host}:${open.port}`, credentials, { 'grpc.use_local_subchannel_pool': 1 });
    await Promise.all([one.echo('a'), other.echo('b')]);
    one.client.close();
    expect(await other.echo('c')).toBe(`c from ${WEB}`);
    echo.server.forceShutdown();
  });
});

describe('channelOptions', () => {
  it('let a channel try again after a bounded wait, however often it has failed', async () => {
    await using world = await openTlsWorld();
    const { source } = world.client;
    await world.authority.withdraw(WEB);
    await untilSource(source, () => source.health.state === 'withdrawn');
    const server = createServer();
    await using open = await listening(server);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client), channelOptions);
      const first = next(server, 'connection');
      expect(await failureOf(client.echo('no'))).toMatchObject({ details: expect.stringContaining('ERR_IDENTITY_WITHDRAWN') });
      await first;
      // Without a bound the tenth wait would be a minute.
      for (let attempt = 0; attempt < 10; attempt++) {
        const again = next(server, 'connection');
        await vi.advanceTimersByTimeAsync(LONGEST_CHANNEL_BACKOFF_MS * 1.2);
        await again;
        await failureOf(client.echo('no'));
      }
    } finally {
      vi.useRealTimers();
    }
  });
});
