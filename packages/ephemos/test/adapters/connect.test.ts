import { createServer as createPlainServer } from 'node:http';
import { type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { connectNodeAdapter, createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { type Authorizer, authorizeId, createAgent, createServer } from 'ephemos';
import { createSessionManager, peerOf, peerValues, requirePeer } from 'ephemos/connect';
import { createHttp2Server } from 'ephemos/http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { causesOf, failureOf } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { Orders } from '../support/orders_pb.ts';
import { type AdapterWorld, isOps, OPS, ORDERS, openAdapterWorld, recordDecisions, WEB } from './world.ts';

let world: AdapterWorld;
beforeAll(async () => {
  world = await openAdapterWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** The handler, and the methods that were reached. Watch is for whoever may connect, the others are as the authorizer says. */
function ordersHandler(authorize: Authorizer, options: { readonly withPeers: boolean } = { withPeers: true }) {
  const reached: string[] = [];
  const handler = connectNodeAdapter({
    ...(options.withPeers ? { contextValues: peerValues } : {}),
    interceptors: [requirePeer(authorize)],
    routes: (router) =>
      router.service(Orders, {
        get(order, context) {
          reached.push('get');
          return { id: order.id, caller: peerOf(context).id.toString() };
        },
        delete(order, context) {
          reached.push('delete');
          return { id: order.id, caller: peerOf(context).id.toString() };
        },
        async *watch(order, context) {
          reached.push('watch');
          for (const number of [1, 2]) yield { id: `${order.id}.${number}`, caller: peerOf(context).id.toString() };
        },
      }),
  });
  return { handler, reached };
}

const readOnly: Authorizer = (peer, target) => isOps(peer) || (target?.protocol === 'grpc' && target.method !== 'Delete');

type OpenTransport = (baseUrl: string, options: AdapterWorld['web']) => { readonly transport: Transport; close(): unknown };

const overHttp2: readonly (readonly [string, OpenTransport])[] = (
  [
    ['gRPC', createGrpcTransport],
    ['gRPC-Web', (options) => createGrpcWebTransport({ httpVersion: '2', ...options })],
    ['Connect', (options) => createConnectTransport({ httpVersion: '2', ...options })],
  ] satisfies [string, (options: Parameters<typeof createGrpcTransport>[0]) => Transport][]
).map(([name, create]) => [
  name,
  (baseUrl, options) => {
    const sessionManager = createSessionManager(baseUrl, options);
    return { transport: create({ baseUrl, sessionManager }), close: () => sessionManager.close() };
  },
]);

const overHttp1: readonly (readonly [string, OpenTransport])[] = (
  [
    ['gRPC-Web', createGrpcWebTransport],
    ['Connect', createConnectTransport],
  ] as const
).map(([name, create]) => [
  name,
  (baseUrl, options) => {
    const agent = createAgent(options);
    return { transport: create({ baseUrl, httpVersion: '1.1', nodeOptions: { agent } }), close: () => agent.destroy() };
  },
]);

async function idsOf(client: Client<typeof Orders>): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const order of client.watch({ id: '7' })) ids.push(`${order.id} for ${order.caller}`);
  return ids;
}

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  return ConnectError.from(await failureOf(call));
}

describe.each([
  ...overHttp2.map(([name, open]) => [`${name} over HTTP/2`, createHttp2Server, open] as const),
  ...overHttp1.map(([name, open]) => [`${name} over HTTP/1.1`, createServer, open] as const),
])('%s', (_name, serve, openTransport) => {
  it('carries calls and streams, and the handler knows who calls', async () => {
    const { handler } = ordersHandler(readOnly);
    await using open = await listening(serve(world.server, handler));
    const { transport, close } = openTransport(open.origin, world.web);
    const client = createClient(Orders, transport);
    expect(await client.get({ id: '7' })).toMatchObject({ id: '7', caller: WEB });
    expect(await idsOf(client)).toEqual([`7.1 for ${WEB}`, `7.2 for ${WEB}`]);
    await close();
  });

  it('ends a call that the interceptor refuses with permission_denied, and its handler never runs', async () => {
    const { handler, reached } = ordersHandler((peer, target) => isOps(peer) || (target?.protocol === 'grpc' && target.method === 'Get'));
    await using open = await listening(serve(world.server, handler));
    const { transport, close } = openTransport(open.origin, world.web);
    const client = createClient(Orders, transport);
    using record = recordDecisions();
    expect(await errorOf(client.delete({ id: '7' }))).toMatchObject({
      code: Code.PermissionDenied,
      rawMessage: expect.stringContaining(WEB),
    });
    expect(await errorOf(idsOf(client))).toMatchObject({ code: Code.PermissionDenied });
    expect(reached).toEqual([]);
    expect(record.decisions.filter(({ target }) => target?.startsWith('/'))).toMatchObject([
      { target: '/orders.v1.Orders/Delete', peer: WEB, allowed: false },
      { target: '/orders.v1.Orders/Watch', peer: WEB, allowed: false },
    ]);
    await close();
  });

  it('refuses a server of another SPIFFE ID before anything is sent, with our code in the error', async () => {
    const { handler, reached } = ordersHandler(readOnly);
    await using open = await listening(serve(world.server, handler));
    const { transport, close } = openTransport(open.origin, { ...world.web, authorize: authorizeId(OPS) });
    const error = await errorOf(createClient(Orders, transport).get({ id: '7' }));
    expect(causesOf(error)).toContain('ERR_PEER_UNAUTHORIZED');
    expect(error.message).toContain(ORDERS);
    expect(reached).toEqual([]);
    await close();
  });

  it('fails with the reason of ours when the server refuses us', async () => {
    const { handler, reached } = ordersHandler(readOnly);
    await using open = await listening(serve({ ...world.server, authorize: isOps }, handler));
    const { transport, close } = openTransport(open.origin, world.web);
    const error = await errorOf(createClient(Orders, transport).get({ id: '7' }));
    expect(causesOf(error)).toContain('ERR_CONNECT_FAILED');
    expect(await open.refusal()).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED', message: expect.stringContaining(WEB) });
    expect(reached).toEqual([]);
    await close();
  });
});

describe('createSessionManager', () => {
  it('says unavailable with our code in the text, whoever refused', async () => {
    const { handler } = ordersHandler(readOnly);
    await using open = await listening(createHttp2Server({ ...world.server, authorize: isOps }, handler));
    for (const [options, code] of [
      [world.web, 'ERR_CONNECT_FAILED'],
      [{ ...world.web, authorize: isOps }, 'ERR_PEER_UNAUTHORIZED'],
    ] as const) {
      await using sessionManager = createSessionManager(open.origin, options);
      const client = createClient(Orders, createGrpcTransport({ baseUrl: open.origin, sessionManager }));
      expect(await errorOf(client.get({ id: '7' }))).toMatchObject({ code: Code.Unavailable, rawMessage: expect.stringContaining(code) });
    }
  });

  it('closes after the calls that are under way, and takes no more', async () => {
    const { handler } = ordersHandler(readOnly);
    await using open = await listening(createHttp2Server(world.server, handler));
    const sessionManager = createSessionManager(open.origin, world.web);
    const client = createClient(Orders, createGrpcTransport({ baseUrl: open.origin, sessionManager }));
    await client.get({ id: '7' });
    await sessionManager.close();
    expect(await errorOf(client.get({ id: '8' }))).toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringContaining('ERR_SOURCE_CLOSED'),
    });
  });

  it('makes a new connection after the server is refused at reauthorize()', async () => {
    const { handler } = ordersHandler(readOnly);
    await using open = await listening(createHttp2Server(world.server, handler));
    let wanted = ORDERS;
    await using sessionManager = createSessionManager(open.origin, { ...world.web, authorize: ({ id }) => id.toString() === wanted });
    const client = createClient(Orders, createGrpcTransport({ baseUrl: open.origin, sessionManager }));
    await client.get({ id: '7' });
    wanted = OPS;
    await sessionManager.reauthorize();
    expect(causesOf(await errorOf(client.get({ id: '8' })))).toContain('ERR_PEER_UNAUTHORIZED');
  });

  it('takes nothing but an https origin', () => {
    expect(() => createSessionManager('http://orders:8443', world.web)).toThrow(expect.objectContaining({ code: 'ERR_URL_NOT_HTTPS' }));
  });
});

describe('a Connect handler without a peer', () => {
  it('answers unauthenticated on a server that is not one of Ephemos, and does not end the process', async () => {
    const { handler, reached } = ordersHandler(() => true);
    await using open = await listening(createPlainServer(handler));
    const transport = createConnectTransport({ baseUrl: open.origin.replace('https:', 'http:'), httpVersion: '1.1' });
    expect(await errorOf(createClient(Orders, transport).get({ id: '7' }))).toMatchObject({ code: Code.Unauthenticated });
    expect(reached).toEqual([]);
  });

  it('answers unauthenticated when the adapter was made without peerValues', async () => {
    const { handler, reached } = ordersHandler(() => true, { withPeers: false });
    await using open = await listening(createHttp2Server(world.server, handler));
    await using sessionManager = createSessionManager(open.origin, world.web);
    const client = createClient(Orders, createGrpcTransport({ baseUrl: open.origin, sessionManager }));
    expect(await errorOf(client.get({ id: '7' }))).toMatchObject({ code: Code.Unauthenticated });
    expect(reached).toEqual([]);
  });
});
