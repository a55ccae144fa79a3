import { createServer as createPlainServer, get } from 'node:http';
import { EphemosError, peerOf } from 'ephemos';
import { requirePeer } from 'ephemos/express';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { next } from '../support/events.ts';
import { portOf } from '../support/listening.ts';
import { untyped } from '../support/untyped.ts';
import { type AdapterWorld, isOps, OPS, openAdapterWorld, recordDecisions, serveApp, WEB } from './world.ts';

let world: AdapterWorld;
beforeAll(async () => {
  world = await openAdapterWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** An app with one guarded route in a router, and what reached its handler. */
function guardedApp(guard: ReturnType<typeof requirePeer>): { readonly app: express.Express; readonly reached: string[] } {
  const app = express();
  const reached: string[] = [];
  const router = express.Router();
  router.all('/orders/:id', guard, (req, res) => {
    reached.push(String(peerOf(req).id));
    res.send('done');
  });
  app.use('/v1', router);
  return { app, reached };
}

describe('requirePeer of ephemos/express', () => {
  it('lets through whom the authorizer admits, and answers others with 403 before the handler', async () => {
    const { app, reached } = guardedApp(requirePeer(isOps));
    await using served = await serveApp(world, app);
    expect(await served.as('web', 'DELETE', '/v1/orders/7')).toMatchObject({ status: 403, body: '' });
    expect(await served.as('ops', 'DELETE', '/v1/orders/7')).toMatchObject({ status: 200, body: 'done' });
    expect(reached).toEqual([OPS]);
  });

  it('refuses a request whose body is still on its way, and serves the next one on the connection', async () => {
    const { app } = guardedApp(requirePeer(isOps));
    await using served = await serveApp(world, app);
    expect(await served.as('web', 'POST', '/v1/orders/7', { body: 'x'.repeat(100_000) })).toMatchObject({ status: 403 });
    expect(await served.as('web', 'GET', '/v1/orders/7')).toMatchObject({ status: 403 });
  });

  it('asks an authorizer of two parameters with the target that the client sent, whatever routers made of it', async () => {
    const { app, reached } = guardedApp(
      requirePeer((_peer, target) => target?.protocol === 'http' && target.method === 'GET' && target.path === '/v1/orders/7'),
    );
    await using served = await serveApp(world, app);
    expect(await served.as('web', 'GET', '/v1/orders/7?all=1')).toMatchObject({ status: 200 });
    expect(await served.as('web', 'HEAD', '/v1/orders/7')).toMatchObject({ status: 200 });
    expect(await served.as('web', 'GET', '/v1/orders/8')).toMatchObject({ status: 403 });
    expect(await served.as('web', 'DELETE', '/v1/orders/7')).toMatchObject({ status: 403 });
    expect(reached).toEqual([WEB, WEB]);
  });

  it('answers 400 to a target that no rule can be compared with, when the authorizer goes by targets', async () => {
    const { app, reached } = guardedApp(requirePeer((_peer, _target) => true));
    await using served = await serveApp(world, app);
    expect(await served.as('web', 'GET', '/v1/orders/a%2fb')).toMatchObject({ status: 400, body: '' });
    expect(reached).toEqual([]);
  });

  it('refuses when the authorizer throws', async () => {
    const { app, reached } = guardedApp(
      requirePeer((_peer) => {
        throw new Error('no such rule');
      }),
    );
    await using served = await serveApp(world, app);
    expect(await served.as('ops', 'GET', '/v1/orders/7')).toMatchObject({ status: 403 });
    expect(reached).toEqual([]);
  });

  it('tells every decision, with its route and without its query', async () => {
    const { app } = guardedApp(requirePeer(isOps));
    await using served = await serveApp(world, app);
    using record = recordDecisions();
    await served.as('web', 'DELETE', '/v1/orders/7?token=secret');
    await served.as('ops', 'HEAD', '/v1/orders/7');
    await served.as('web', 'GET', '/v1/orders/a%2fb?token=secret');
    expect(record.decisions).toMatchObject([
      {
        gate: 'request',
        role: 'server',
        peer: WEB,
        target: 'DELETE /v1/orders/7',
        allowed: false,
        reason: 'denied',
        remoteAddress: '127.0.0.1',
      },
      { peer: OPS, target: 'GET /v1/orders/7', allowed: true, reason: 'allowed' },
      { peer: WEB, target: 'GET /v1/orders/a%2fb', allowed: false },
    ]);
  });

  it('admits nobody on a server that is not one of Ephemos', async () => {
    const { app, reached } = guardedApp(requirePeer(isOps));
    const errors: unknown[] = [];
    app.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      errors.push(error);
      res.status(500).end();
    });
    const server = createPlainServer(app).listen(0, '127.0.0.1');
    await next(server, 'listening');
    const [response] = await next(get({ port: portOf(server), path: '/v1/orders/7', agent: false }), 'response');
    expect(response).toMatchObject({ statusCode: 500 });
    expect(errors).toMatchObject([{ code: 'ERR_PEER_UNAUTHENTICATED' }]);
    expect(reached).toEqual([]);
    server.close();
    server.closeAllConnections();
  });

  it('refuses what is no authorizer when it is made', () => {
    expect(() => untyped(requirePeer)).toThrow(EphemosError);
    expect(() => untyped(requirePeer, async () => true)).toThrow(/must not be async/);
  });
});
