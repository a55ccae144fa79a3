import { connect as connectTcp } from 'node:net';
import { createAgent, createServer } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { readAll } from '../support/bytes.ts';
import { bounded, deferred, failureOf, next, untilHolds } from '../support/events.ts';
import { createEchoClient, createEchoServer } from '../support/grpc-echo.ts';
import { httpsCall } from '../support/https-call.ts';
import { listening } from '../support/listening.ts';
import { openTlsWorld, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';

describe('the drain of an HTTP/1 server', () => {
  it('lets a request under way finish, tells its client to connect elsewhere, and takes no new connection', async () => {
    await using world = await openTlsWorld();
    const [arrived, finish] = [deferred(), deferred()];
    const server = createServer(world.server, async (_request, response) => {
      arrived.resolve();
      await finish.promise;
      response.end('done');
    });
    await using open = await listening(server);
    const agent = createAgent(world.client);
    const call = httpsCall(open.origin, { agent });
    await arrived.promise;
    const drained = server.drain();
    expect(await failureOf(httpsCall(open.origin, { agent: createAgent(world.client) }))).toMatchObject({ code: 'ECONNREFUSED' });
    finish.resolve();
    expect(await call).toMatchObject({ status: 200, body: 'done', headers: { connection: 'close' } });
    await bounded(drained, 'the end of the drain');
    agent.destroy();
  });

  it('says Connection: close in the next answer of a connection that is in use', async () => {
    await using world = await openTlsWorld();
    const server = createServer(world.server, (_request, response) => response.end('ok'));
    await using open = await listening(server);
    const agent = createAgent(world.client);
    await httpsCall(open.origin, { agent });
    const drained = server.drain();
    expect(await httpsCall(open.origin, { agent })).toMatchObject({ reused: true, headers: { connection: 'close' } });
    await bounded(drained, 'the end of the drain');
    agent.destroy();
  });

  it('closes a connection that stays quiet, and one that was never used', async () => {
    await using world = await openTlsWorld();
    const server = createServer(world.server, (_request, response) => response.end('ok'));
    await using open = await listening(server);
    const agent = createAgent(world.client);
    await httpsCall(open.origin, { agent });
    const unused = await connect({ ...world.client, host, port: open.port, protocols: ['http/1.1'] });
    await bounded(server.drain(), 'the end of the drain');
    expect(open.accepted).toHaveLength(2);
    await bounded(readAll(unused), 'the end of the unused connection');
    agent.destroy();
  });

  it('cuts off what is left when it is told to: a request that hangs, a handshake that does not finish', async () => {
    await using world = await openTlsWorld();
    const arrived = deferred();
    const server = createServer(world.server, () => arrived.resolve());
    await using open = await listening(server);
    const agent = createAgent(world.client);
    const call = failureOf(httpsCall(open.origin, { agent }));
    await arrived.promise;
    const silent = connectTcp(open.port, host);
    await untilHolds(() => open.accepted.length === 2, 'the silent connection');
    const drained = server.drain();
    server.destroyConnections();
    expect(await call).toMatchObject({ code: 'ECONNRESET' });
    await bounded(drained, 'the end of the drain');
    silent.destroy();
    agent.destroy();
  });

  it('can be asked for twice, and after close()', async () => {
    await using world = await openTlsWorld();
    const server = createServer(world.server);
    const open = await listening(server);
    const closed = next(server, 'close');
    server.close();
    await closed;
    await bounded(Promise.all([server.drain(), server.drain()]), 'both ends');
    expect(server.listening).toBe(false);
    expect(open.port).toBeGreaterThan(0);
  });
});

describe('the drain of an HTTP/2 server', () => {
  it('lets streams under way finish and ends every session', async () => {
    await using world = await openTlsWorld();
    const [arrived, finish] = [deferred(), deferred()];
    const server = createHttp2Server(world.server, async (_request, response) => {
      arrived.resolve();
      await finish.promise;
      response.end('done');
    });
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const stream = await client.request({ ':path': '/' });
    await arrived.promise;
    const drained = server.drain();
    finish.resolve();
    expect(await readAll(stream)).toBe('done');
    await bounded(drained, 'the end of the drain');
  });
});

describe('the drain of a gRPC listener', () => {
  it('lets calls under way finish and ends every session', async () => {
    await using world = await openTlsWorld();
    const echo = createEchoServer();
    const listener = createGrpcListener(echo.server, world.server);
    await using open = await listening(listener);
    using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client));
    using idle = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client), { 'grpc.use_local_subchannel_pool': 1 });
    await idle.echo('warm');
    const call = client.echo('slow');
    await echo.arrived(2);
    const drained = listener.drain();
    echo.finish();
    expect(await call).toBe(`slow from ${WEB}`);
    await bounded(drained, 'the end of the drain');
  });

  it('answers calls before the gRPC server where it is told to, behind the second gate', async () => {
    await using world = await openTlsWorld();
    const seen: unknown[] = [];
    const listener = createGrpcListener(createEchoServer().server, {
      ...world.server,
      answerCall(stream, headers) {
        seen.push(headers[':path']);
        if (headers[':path'] !== '/test.Echo/Echo') return false;
        stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '11' }, { endStream: true });
        return true;
      },
    });
    await using open = await listening(listener);
    using client = createEchoClient(`${host}:${open.port}`, createChannelCredentials(world.client));
    expect(await failureOf(client.echo('hello'))).toMatchObject({ code: 11 });
    expect(await client.count(1)).toEqual([`1 for ${WEB}`]);
    expect(seen).toEqual(['/test.Echo/Echo', '/test.Echo/Count']);
  });
});
