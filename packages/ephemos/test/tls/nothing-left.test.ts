// What is closed leaves nothing that keeps a process alive, and a source that is in use never does.
import { spawn } from 'node:child_process';
import { get } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client, Server as GrpcServer } from '@grpc/grpc-js';
import { createAgent, createFetch, createServer } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { connect, listen } from 'ephemos/tls';
import { createDispatcher } from 'ephemos/undici';
import { describe, expect, it } from 'vitest';
import { readAll } from '../support/bytes.ts';
import { bounded, failureOf, next, nextTurn, untilHolds } from '../support/events.ts';
import { countFollowers } from '../support/followers.ts';
import { listening } from '../support/listening.ts';
import { type Identity, openTlsWorld, type TlsWorld } from '../support/tls-world.ts';

const host = '127.0.0.1';

/** The identities of a world, and how many follow its sources. */
function counted(world: TlsWorld): { readonly server: Identity; readonly client: Identity; count(): number } {
  const server = countFollowers(world.server.source);
  const client = countFollowers(world.client.source);
  return {
    server: { ...world.server, source: server.source },
    client: { ...world.client, source: client.source },
    count: () => server.count() + client.count(),
  };
}

/** The sockets and servers that hold the process open. Timers are left to the process below: the test runner has some of its own. */
function handles(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS)/.test(name));
}

/** Runs something and waits until no more handles are open than before. */
async function leavesNothing(run: () => Promise<void>): Promise<void> {
  const before = handles().toSorted();
  await run();
  const deadline = performance.now() + 3_000;
  while (handles().length > before.length && performance.now() < deadline) await nextTurn();
  expect(handles().toSorted()).toEqual(before);
}

describe('nothing is left', () => {
  it('of a raw listener and its connections', async () => {
    await using world = await openTlsWorld();
    const { server, client, count } = counted(world);
    await leavesNothing(async () => {
      const listener = await listen({ ...server, host }, (socket) => socket.end('bye'));
      await readAll(await connect({ ...client, host, port: listener.address().port }));
      const left = await connect({ ...client, host, port: listener.address().port });
      left.resume();
      await Promise.all([listener.close(), left.closed ? undefined : next(left, 'close')]);
    });
    await untilHolds(() => count() === 0, 'the end of the last follower');
  });

  it('of attempts that fail', async () => {
    await using world = await openTlsWorld();
    const { server, client, count } = counted(world);
    await leavesNothing(async () => {
      await using silent = await listening(createNetServer((socket) => socket.on('error', () => undefined)));
      const target = { ...client, host, port: silent.port };
      await failureOf(connect({ ...target, connectTimeout: 30 }));
      await failureOf(connect({ ...target, signal: AbortSignal.timeout(30) }));
      await failureOf(listen({ ...server, host, port: silent.port }, () => undefined));
      const wrong = await listen({ ...server, host }, () => undefined);
      await failureOf(connect({ ...client, authorize: () => false, host, port: wrong.address().port }));
      await wrong.close();
    });
    await untilHolds(() => count() === 0, 'the end of the last follower');
  });

  it('of an HTTP server, an agent that was destroyed and a fetch that was closed', async () => {
    await using world = await openTlsWorld();
    const { server, client, count } = counted(world);
    await leavesNothing(async () => {
      const https = createServer(server, (_request, response) => response.end('ok'));
      await using open = await listening(https);
      const agent = createAgent(client);
      const [response] = await next(get(open.origin, { agent }), 'response');
      if (response instanceof Object && 'resume' in response && typeof response.resume === 'function') response.resume();
      await using fetch = createFetch(client);
      await (await fetch(open.origin)).text();
      agent.destroy();
    });
    await untilHolds(() => count() === 0, 'the end of the last follower');
  });

  it('of an agent, a dispatcher and an HTTP/2 client that were closed while they connected', async () => {
    await using world = await openTlsWorld();
    const { client, count } = counted(world);
    await leavesNothing(async () => {
      await using silent = await listening(createNetServer((socket) => socket.resume().on('error', () => undefined)));
      const agent = createAgent(client);
      const http1 = failureOf(next(get(silent.origin, { agent }), 'response'));
      const http2 = createHttp2Client(silent.origin, client);
      const stream = failureOf(http2.request({ ':path': '/' }));
      const dispatcher = createDispatcher(client);
      const undici = failureOf(dispatcher.request({ origin: silent.origin, path: '/', method: 'GET' }));
      await next(silent.server, 'connection');
      while (silent.accepted.length < 3) await next(silent.server, 'connection');
      agent.destroy();
      await http2.close();
      await dispatcher.destroy();
      expect(await bounded(http1, 'agent')).toMatchObject({ code: 'ERR_CONNECT_ABORTED' });
      expect(await bounded(stream, 'http2')).toMatchObject({ code: 'ERR_CONNECT_ABORTED' });
      await bounded(undici, 'undici');
    });
    await untilHolds(() => count() === 0, 'the end of the last follower');
  });

  it('of an HTTP/2 server and client, and of a gRPC channel and listener', async () => {
    await using world = await openTlsWorld();
    const { server, client, count } = counted(world);
    await leavesNothing(async () => {
      const h2 = createHttp2Server(server, (_request, response) => response.end('ok'));
      await using open = await listening(h2);
      const http2 = createHttp2Client(open.origin, client);
      expect(await readAll(await http2.request({ ':path': '/' }))).toBe('ok');
      await http2.close();
      const grpc = new GrpcServer();
      await using grpcOpen = await listening(createGrpcListener(grpc, server));
      const channel = new Client(`${host}:${grpcOpen.port}`, createChannelCredentials(client));
      await new Promise<void>((resolve, reject) =>
        channel.waitForReady(Date.now() + 5_000, (error) => (error ? reject(error) : resolve())),
      );
      channel.close();
      await new Promise<void>((resolve) => grpc.tryShutdown(() => resolve()));
    });
    await untilHolds(() => count() === 0, 'the end of the last follower');
  });
});

describe('a process', () => {
  it('ends by itself when servers and clients are closed, though its sources are open', async () => {
    const program = fileURLToPath(new URL('../support/closes-everything.js', import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += String(chunk);
    });
    const [code] = await next(child, 'close', 15_000);
    // Ten seconds would be a timeout of ours that nobody cleared.
    const [, later] = /^closed after \d+ ms, ended (\d+) ms later\n$/.exec(output) ?? [];
    expect(Number(later)).toBeLessThan(4_000);
    expect(code).toBe(0);
  });
});
