import { getRequestListener } from '@hono/node-server';
import { peerOf, requirePeer } from 'ephemos/hono';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAll } from '../support/bytes.ts';
import { listening } from '../support/listening.ts';
import { type AdapterWorld, isOps, OPS, openAdapterWorld, recordDecisions, serveApp, WEB } from './world.ts';

let world: AdapterWorld;
beforeAll(async () => {
  world = await openAdapterWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

function ordersApp(): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    c.header('x-from', 'middleware');
    await next();
  });
  app.get('/orders', (c) => c.text(`orders for ${peerOf(c).id}`));
  app.delete('/orders/:id', requirePeer(isOps), (c) => c.text(`${c.req.param('id')} deleted for ${peerOf(c).id}`));
  app.use(
    '/admin/*',
    requirePeer((peer, target) => isOps(peer) && target?.protocol === 'http' && target.path === '/admin/users'),
  );
  app.all('/admin/*', (c) => c.text('admin'));
  return app;
}

describe('requirePeer of ephemos/hono', () => {
  it('lets through whom the authorizer admits; others get 403 with the headers that were set before', async () => {
    await using served = await serveApp(world, getRequestListener(ordersApp().fetch));
    expect(await served.as('web', 'GET', '/orders')).toMatchObject({ status: 200, body: `orders for ${WEB}` });
    expect(await served.as('web', 'DELETE', '/orders/7')).toMatchObject({ status: 403, body: '', headers: { 'x-from': 'middleware' } });
    expect(await served.as('ops', 'DELETE', '/orders/7')).toMatchObject({ status: 200, body: `7 deleted for ${OPS}` });
  });

  it('asks with the target when the authorizer goes by it, and answers 400 to one in no form to be compared', async () => {
    await using served = await serveApp(world, getRequestListener(ordersApp().fetch));
    using record = recordDecisions();
    expect(await served.as('ops', 'GET', '/admin/users')).toMatchObject({ status: 200, body: 'admin' });
    expect(await served.as('ops', 'GET', '/admin/keys')).toMatchObject({ status: 403 });
    expect(await served.as('ops', 'GET', '/admin/a%2fb')).toMatchObject({ status: 400 });
    expect(record.decisions).toMatchObject([
      { target: 'GET /admin/users', allowed: true },
      { target: 'GET /admin/keys', allowed: false },
      { target: 'GET /admin/a%2fb', allowed: false, reason: 'target_invalid' },
    ]);
  });

  it('works behind createHttp2Server', async () => {
    await using open = await listening(createHttp2Server(world.server, getRequestListener(ordersApp().fetch)));
    await using client = createHttp2Client(open.origin, world.web);
    const get = async (method: string, path: string) => readAll((await client.request({ ':path': path, ':method': method })).end());
    expect(await get('GET', '/orders')).toBe(`orders for ${WEB}`);
    expect(await get('DELETE', '/orders/7')).toBe('');
  });

  it('admits nobody without a connection of Node.js', async () => {
    const app = ordersApp();
    const errors: unknown[] = [];
    app.onError((error, c) => {
      errors.push(error);
      return c.text('', 500);
    });
    for (const env of [undefined, {}, { incoming: undefined }, { incoming: { socket: {} } }]) {
      expect((await app.request('/orders/7', { method: 'DELETE' }, env)).status).toBe(500);
      expect((await app.request('/orders', {}, env)).status).toBe(500);
    }
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_PEER_UNAUTHENTICATED' });
  });
});
