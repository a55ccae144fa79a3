import type { Server } from 'node:https';
import { createServer, peerOf } from 'ephemos';
import { requirePeer } from 'ephemos/fastify';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAll } from '../support/bytes.ts';
import { listening } from '../support/listening.ts';
import { type AdapterWorld, isOps, OPS, openAdapterWorld, recordDecisions, serveApp, WEB } from './world.ts';

let world: AdapterWorld;
beforeAll(async () => {
  world = await openAdapterWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function openApp(
  add: (app: FastifyInstance<Server>) => void,
): Promise<{ readonly app: FastifyInstance<Server>; readonly server: ReturnType<typeof createServer> }> {
  let server: ReturnType<typeof createServer> | undefined;
  const app = fastify<Server>({
    serverFactory: (handler) => {
      server = createServer(world.server, handler);
      return server;
    },
  });
  add(app);
  await app.ready();
  if (server === undefined) throw new Error('Fastify made no server');
  return { app, server };
}

describe('requirePeer of ephemos/fastify', () => {
  it('is a hook of one route: others get 403 before the body is read', async () => {
    const { app, server } = await openApp((routes) => {
      routes.get('/orders', async (request) => `orders for ${peerOf(request).id}`);
      routes.post(
        '/orders',
        { onRequest: requirePeer(isOps) },
        async (request) => `${JSON.stringify(request.body)} for ${peerOf(request).id}`,
      );
    });
    await using served = await serveApp(world, server);
    expect(await served.as('web', 'GET', '/orders')).toMatchObject({ status: 200, body: `orders for ${WEB}` });
    expect(await served.as('web', 'POST', '/orders', { body: '{', headers: { 'content-type': 'application/json' } })).toMatchObject({
      status: 403,
      body: '',
    });
    const headers = { 'content-type': 'application/json' };
    expect(await served.as('ops', 'POST', '/orders', { body: '{"id":7}', headers })).toMatchObject({
      status: 200,
      body: `{"id":7} for ${OPS}`,
    });
    await app.close();
  });

  it('is a hook of a whole plugin, also for its 404s', async () => {
    const { app, server } = await openApp((routes) => {
      void routes.register(
        async (admin) => {
          admin.addHook('onRequest', requirePeer(isOps));
          admin.get('/users', async () => 'users');
        },
        { prefix: '/admin' },
      );
    });
    await using served = await serveApp(world, server);
    expect(await served.as('web', 'GET', '/admin/users')).toMatchObject({ status: 403 });
    expect(await served.as('ops', 'GET', '/admin/users')).toMatchObject({ status: 200, body: 'users' });
    await app.close();
  });

  it('asks with the target that the client sent, when rewriteUrl made another one of it', async () => {
    let server: ReturnType<typeof createServer> | undefined;
    const app = fastify<Server>({
      rewriteUrl: () => '/inner',
      serverFactory: (handler) => {
        server = createServer(world.server, handler);
        return server;
      },
    });
    app.get(
      '/inner',
      { onRequest: requirePeer((_peer, target) => target?.protocol === 'http' && target.path === '/outer') },
      async () => 'inner',
    );
    await app.ready();
    if (server === undefined) throw new Error('Fastify made no server');
    await using served = await serveApp(world, server);
    using record = recordDecisions();
    expect(await served.as('web', 'GET', '/outer')).toMatchObject({ status: 200, body: 'inner' });
    expect(await served.as('web', 'GET', '/inner')).toMatchObject({ status: 403 });
    expect(record.decisions).toMatchObject([{ target: 'GET /outer' }, { target: 'GET /inner' }]);
    await app.close();
  });

  it('works behind createHttp2Server, as a listener of requests', async () => {
    const app = fastify({ http2: true, serverFactory: (handler) => createHttp2Server(world.server, handler) });
    app.get('/orders', async (request) => `orders for ${peerOf(request).id}`);
    app.delete('/orders', { onRequest: requirePeer(isOps) }, async (request) => `deleted for ${peerOf(request).id}`);
    await app.ready();
    await using open = await listening(app.server);
    for (const [who, method, expected] of [
      [world.web, 'GET', `orders for ${WEB}`],
      [world.web, 'DELETE', ''],
      [world.ops, 'DELETE', `deleted for ${OPS}`],
    ] as const) {
      await using client = createHttp2Client(open.origin, who);
      const stream = await client.request({ ':path': '/orders', ':method': method });
      expect(await readAll(stream.end())).toBe(expected);
    }
    await app.close();
  });

  it('admits nobody through inject() and on a server of its own', async () => {
    const app = fastify();
    app.get('/orders', { onRequest: requirePeer(isOps) }, async () => 'orders');
    const answer = await app.inject('/orders');
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ code: 'ERR_PEER_UNAUTHENTICATED' });
    await app.close();
  });
});
