import { once } from 'node:events';
import { type Authorizer, authorizeId, createAgent, createServer, onDrain, type X509Source } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { describeClient } from './client.ts';
import { codesOf, ids, openWorld, type World } from './world.ts';

describeClient({ file: 'ws-client.js', server: 'ws-server.js', output: `orders for ${ids.web}\n` });

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

function open(origin: string, path: string, source: X509Source): WebSocket {
  return new WebSocket(`${origin}${path}`, { agent: createAgent({ source, authorize: authorizeId(ids.orders) }) });
}

async function firstError(socket: WebSocket): Promise<Error> {
  const [error]: readonly unknown[] = await once(socket, 'error');
  if (error instanceof Error) return error;
  throw new TypeError('the error is none');
}

describe('ws-server.js', () => {
  it('takes the upgrade of a caller that may connect, and the handler sees its SPIFFE ID', async () => {
    const server = await world.serve('ws-server.js', 'orders');
    const socket = open(server.origins[0] ?? '', '/orders', await world.open('web'));
    const [data]: readonly unknown[] = await once(socket, 'message');
    expect(String(data)).toBe(`orders for ${ids.web}\n`);
    socket.close();
    await once(socket, 'close');
    await server.stop();
  });

  it('closes on a stranger before its upgrade is read', async () => {
    const server = await world.serve('ws-server.js', 'orders');
    const error = await firstError(open(server.origins[0] ?? '', '/orders', await world.open('stranger')));
    expect(codesOf(error)).toContain('ERR_CONNECT_FAILED');
    await server.stop();
  });
});

/** A WebSocket server in this process, for what depends on its authorizer. */
async function openSocketServer(authorize: Authorizer) {
  const server = createServer({ source: await world.open('orders'), authorize, closeGrace: 100 });
  const sockets = new WebSocketServer({ server });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    server,
    sockets,
    origin: `https://localhost:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('what the README says of ws', () => {
  it('an upgrade passes the second gate as a GET: 403 for a path that the authorizer does not allow', async () => {
    await using served = await openSocketServer(
      (_peer, target) => target === undefined || (target.protocol === 'http' && target.path === '/orders'),
    );
    const source = await world.open('web');
    const allowed = open(served.origin, '/orders', source);
    await once(allowed, 'open');
    expect(await firstError(open(served.origin, '/admin', source))).toMatchObject({ message: 'Unexpected server response: 403' });
    allowed.terminate();
  });

  it('a live WebSocket whose peer is refused at reauthorize() is closed without a close frame: 1006', async () => {
    let admitted = true;
    await using served = await openSocketServer((_peer) => admitted);
    const socket = open(served.origin, '/', await world.open('web'));
    await once(socket, 'open');
    admitted = false;
    const closed = once(socket, 'close');
    await served.server.reauthorize();
    const [code]: readonly unknown[] = await closed;
    expect(code).toBe(1006);
  });

  it('one whose server listens to onDrain says 1001 when its peer is refused, and when the server drains', async () => {
    let admitted = true;
    const authorize: Authorizer = (_peer) => admitted;
    for (const end of ['refuse', 'drain'] as const) {
      admitted = true;
      await using served = await openSocketServer(authorize);
      served.sockets.on('connection', (socket, request) => onDrain(request, () => socket.close(1001)));
      const socket = open(served.origin, '/', await world.open('web'));
      await once(socket, 'open');
      const closed = once(socket, 'close');
      admitted = end === 'drain';
      await (end === 'drain' ? served.server.drain() : served.server.reauthorize());
      const [code]: readonly unknown[] = await closed;
      expect(code).toBe(1001);
    }
  });

  it('a ws:// URL fails with our agent instead of going out unprotected', async () => {
    const agent = createAgent({ source: await world.open('web'), authorize: authorizeId(ids.orders) });
    expect(() => new WebSocket('ws://localhost:1/', { agent })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_PROTOCOL' }));
  });
});
