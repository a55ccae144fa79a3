import 'reflect-metadata';
import type { Server } from 'node:https';
import { Controller, Delete, Get, Module, Req, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createServer } from 'ephemos';
import { peerOf, requirePeer } from 'ephemos/nest';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdapterWorld, isOps, OPS, openAdapterWorld, serveApp, WEB } from './world.ts';

let world: AdapterWorld;
beforeAll(async () => {
  world = await openAdapterWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

class Orders {
  list(request: object): string {
    return `orders for ${peerOf(request).id}`;
  }
  remove(request: object): string {
    return `deleted for ${peerOf(request).id}`;
  }
}

// What the compiler makes of decorators; the compiler options of this project leave it to us.
function decorate(method: 'list' | 'remove', ...decorators: readonly MethodDecorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, method);
  if (descriptor === undefined) throw new Error(`there is no ${method}`);
  for (const decorator of decorators) decorator(Orders.prototype, method, descriptor);
  Req()(Orders.prototype, method, 0);
}
decorate('list', Get());
decorate('remove', Delete(), UseGuards(requirePeer(isOps)));
Controller('orders')(Orders);
class AppModule {}
Module({ controllers: [Orders] })(AppModule);

describe('requirePeer of ephemos/nest', () => {
  it('guards a route: Nest answers others with 403', async () => {
    const app = await NestFactory.create(AppModule, { logger: false });
    await app.init();
    await using served = await serveApp(world, app.getHttpAdapter().getInstance());
    expect(await served.as('web', 'GET', '/orders')).toMatchObject({ status: 200, body: `orders for ${WEB}` });
    expect(await served.as('web', 'DELETE', '/orders')).toMatchObject({ status: 403, body: expect.stringContaining('Forbidden') });
    expect(await served.as('ops', 'DELETE', '/orders')).toMatchObject({ status: 200, body: `deleted for ${OPS}` });
    await app.close();
  });

  it('guards a whole app, with the target for an authorizer that goes by it', async () => {
    const app = await NestFactory.create(AppModule, { logger: false });
    app.useGlobalGuards(requirePeer((_peer, target) => target?.protocol === 'http' && target.method === 'DELETE'));
    await app.init();
    await using served = await serveApp(world, app.getHttpAdapter().getInstance());
    expect(await served.as('ops', 'GET', '/orders')).toMatchObject({ status: 403 });
    expect(await served.as('ops', 'DELETE', '/orders')).toMatchObject({ status: 200 });
    await app.close();
  });

  it('knows the request of Node.js inside that of Fastify, which Nest hands over on that platform', async () => {
    const app = fastify<Server>({ serverFactory: (handler) => createServer(world.server, handler) });
    const guard = requirePeer(isOps);
    app.get('/orders', async (request) => {
      const context = { getType: () => 'http', switchToHttp: () => ({ getRequest: () => request }) };
      return `${guard.canActivate(context)} for ${peerOf(request).id}`;
    });
    await app.ready();
    await using served = await serveApp(world, app.server);
    expect(await served.as('web', 'GET', '/orders')).toMatchObject({ body: `false for ${WEB}` });
    expect(await served.as('ops', 'GET', '/orders')).toMatchObject({ body: `true for ${OPS}` });
    await app.close();
  });

  it('admits nobody on a server that Nest opened by itself', async () => {
    const app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`${await app.getUrl()}/orders`, { method: 'DELETE' });
    expect(response.status).toBe(500);
    await app.close();
  });

  it.each(['rpc', 'ws', 'graphql'])('denies a message of type %s with an error that says what it guards', (type) => {
    const guard = requirePeer(isOps);
    const context = { getType: () => type, switchToHttp: () => ({ getRequest: () => ({}) }) };
    expect(() => guard.canActivate(context)).toThrow(
      expect.objectContaining({ code: 'ERR_PEER_UNAUTHENTICATED', message: expect.stringContaining(type) }),
    );
  });
});
