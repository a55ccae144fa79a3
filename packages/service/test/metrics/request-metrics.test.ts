import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import {
  Client,
  Metadata,
  Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { authorizeId, createAgent, createServer, type Intercept, type RequestEnd, type ServedRequest } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Server } from 'ephemos/http2';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { MAX_ROUTES } from '../../src/metrics/http-metrics.ts';
import { MAX_RPC_METHODS } from '../../src/metrics/rpc-metrics.ts';
import { host, type MetricsWorld, ORDERS, openMetricsWorld, WEB } from './world.ts';

const http = 'http_server_request_duration_seconds_count';
const rpc = 'rpc_server_call_duration_seconds_count';

/** Counts every request; `ended` resolves when so many have ended. */
function counting(world: MetricsWorld): { readonly intercept: Intercept; ended(count: number): Promise<void> } {
  let count = 0;
  const waiting = new Set<() => void>();
  return {
    intercept(served, next) {
      world.metrics.observeRequest(served);
      served.onEnd(() => {
        count += 1;
        for (const check of waiting) check();
      });
      next();
    },
    ended: (wanted) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (count >= wanted) resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

async function clientOf(world: MetricsWorld) {
  return { source: await world.open(WEB), authorize: authorizeId(ORDERS) };
}

describe('http_server_request_duration_seconds', () => {
  it('a request is counted with its method and status; without a route the label is empty', async () => {
    await using world = await openMetricsWorld();
    const { intercept, ended } = counting(world);
    const server = createServer({ source: world.source, authorize: authorizeId(WEB), intercept }, ({ url }, response) => {
      response.writeHead(url === '/missing' ? 404 : 200).end('body');
    });
    const port = await world.listen(server);
    const agent = createAgent(await clientOf(world));
    world.atEnd(() => agent.destroy());
    for (const [method, path] of [
      ['GET', '/orders/1?token=secret'],
      ['GET', '/orders/2'],
      ['POST', '/missing'],
      ['PROPFIND', '/orders'],
    ] as const) {
      const [response] = await once(request({ host, port, method, path, agent }).end(), 'response');
      response.resume();
      await once(response, 'end');
    }
    await ended(4);
    const seen = await world.scrape();
    const route = { service: 'orders', http_route: '' };
    expect(seen.value(http, { ...route, http_request_method: 'GET', http_response_status_code: '200' })).toBe(2);
    expect(seen.value(http, { ...route, http_request_method: 'POST', http_response_status_code: '404' })).toBe(1);
    expect(seen.value(http, { ...route, http_request_method: '_OTHER', http_response_status_code: '200' })).toBe(1);
    expect(seen.text).not.toContain('secret');
    expect(seen.text).not.toContain(WEB);
  });

  it('a request over HTTP/2 is counted as well', async () => {
    await using world = await openMetricsWorld();
    const { intercept, ended } = counting(world);
    const server = createHttp2Server({ source: world.source, authorize: authorizeId(WEB), intercept }, (_request, response) =>
      response.end('ok'),
    );
    const port = await world.listen(server);
    const socket = await connect({ host, port, protocols: ['h2'], ...(await clientOf(world)) });
    const session = connectHttp2(`https://${host}:${port}`, { createConnection: () => socket });
    world.atEnd(() => session.destroy());
    const stream = session.request({ ':path': '/' });
    stream.resume();
    await once(stream, 'close');
    await ended(1);
    expect((await world.scrape()).value(http, { http_request_method: 'GET', http_response_status_code: '200' })).toBe(1);
  });

  it('a request that the client gives up before an answer was begun has no status', async () => {
    await using world = await openMetricsWorld();
    const { intercept, ended } = counting(world);
    const server = createServer({ source: world.source, authorize: authorizeId(WEB), intercept });
    const port = await world.listen(server);
    const agent = createAgent(await clientOf(world));
    const sent = request({ host, port, agent }).on('error', () => undefined);
    const arrived = once(server, 'request');
    sent.end();
    await arrived;
    sent.destroy();
    await ended(1);
    expect((await world.scrape()).value(http, { http_request_method: 'GET', http_response_status_code: '' })).toBe(1);
  });

  it('an upgrade is not counted: it lasts as long as its connection', async () => {
    await using world = await openMetricsWorld();
    const upgrade = served({ upgrade: true });
    world.metrics.observeRequest(upgrade.request);
    upgrade.end({ status: 0, aborted: false });
    expect((await world.scrape()).all(http)).toEqual([]);
  });

  it('routeOf gives the route when the request has ended; one that throws gives none', async () => {
    const routeOf = ({ path }: ServedRequest): string | undefined => {
      if (path === '/bad') throw new Error('as the test says');
      return path.startsWith('/orders/') ? '/orders/:id' : undefined;
    };
    await using world = await openMetricsWorld({ routeOf });
    for (const path of ['/orders/1', '/orders/2', '/bad', '/other']) {
      const each = served({ path });
      world.metrics.observeRequest(each.request);
      each.end({ status: 200, aborted: false });
    }
    const seen = await world.scrape();
    expect(seen.value(http, { http_route: '/orders/:id' })).toBe(2);
    expect(seen.value(http, { http_route: '' })).toBe(2);
  });

  it(`more than ${MAX_ROUTES} routes share one label, and so do very long ones`, async () => {
    await using world = await openMetricsWorld({ routeOf: ({ path }) => path });
    for (let index = 0; index < 10 * MAX_ROUTES; index += 1) {
      const each = served({ path: index === 0 ? `/${'x'.repeat(10_000)}` : `/${index}` });
      world.metrics.observeRequest(each.request);
      each.end({ status: 200, aborted: false });
    }
    const seen = await world.scrape();
    // The empty one is among the hundred.
    expect(seen.all(http)).toHaveLength(MAX_ROUTES);
    expect(seen.value(http, { http_route: 'other' })).toBe(10 * MAX_ROUTES - (MAX_ROUTES - 1));
  });

  it('methods and statuses that are made up make no labels without end', async () => {
    await using world = await openMetricsWorld();
    for (let index = 0; index < 1000; index += 1) {
      const each = served({ method: `M${index}` });
      world.metrics.observeRequest(each.request);
      each.end({ status: 1000 + index, aborted: false });
    }
    expect((await world.scrape()).all(http)).toMatchObject([
      { value: 1000, labels: { http_request_method: '_OTHER', http_response_status_code: '' } },
    ]);
  });

  it('a duration is in the first bucket that it fits in and in all above, and in the sum', async () => {
    await using world = await openMetricsWorld();
    const each = served({});
    world.metrics.observeRequest(each.request);
    each.end({ status: 200, aborted: false });
    const seen = await world.scrape();
    const buckets = seen.all('http_server_request_duration_seconds_bucket');
    expect(buckets.map(({ labels }) => labels['le'])).toEqual([
      ...['0.005', '0.01', '0.025', '0.05', '0.075', '0.1', '0.25', '0.5', '0.75'],
      ...['1', '2.5', '5', '7.5', '10', '+Inf'],
    ]);
    const sum = seen.value('http_server_request_duration_seconds_sum') ?? Number.NaN;
    for (const { labels, value } of buckets) expect(value).toBe(sum <= Number(labels['le']?.replace('+Inf', 'Infinity')) ? 1 : 0);
  });
});

describe('rpc_server_call_duration_seconds', () => {
  it('a call is counted with its method and the name of its status; an unknown method makes no label', async () => {
    await using world = await openMetricsWorld();
    const { intercept, ended } = counting(world);
    const server = new Server();
    server.addService(definition, {
      get(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) {
        if (call.request === 'ok') done(null, 'order');
        else done({ code: call.request === 'missing' ? status.NOT_FOUND : status.INTERNAL, details: 'as the test says' });
      },
    });
    const port = await world.listen(createGrpcListener(server, { source: world.source, authorize: authorizeId(WEB), intercept }));
    world.atEnd(() => server.forceShutdown());
    const client = new Client(`${host}:${port}`, createChannelCredentials(await clientOf(world)));
    world.atEnd(() => client.close());
    const asked = [
      ['/orders.v1.Orders/Get', 'ok'],
      ['/orders.v1.Orders/Get', 'missing'],
      ['/orders.v1.Orders/Get', 'broken'],
      ['/orders.v1.Orders/MadeUp', 'ok'],
      ['/made.up.Service/Get', 'ok'],
    ] as const;
    for (const [path, text] of asked) await unary(client, path, text);
    await ended(asked.length);
    const seen = await world.scrape();
    const get = { service: 'orders', rpc_system_name: 'grpc', rpc_method: 'orders.v1.Orders/Get' };
    expect(seen.value(rpc, { ...get, rpc_status_code: 'OK', error_type: '' })).toBe(1);
    expect(seen.value(rpc, { ...get, rpc_status_code: 'NOT_FOUND', error_type: '' })).toBe(1);
    expect(seen.value(rpc, { ...get, rpc_status_code: 'INTERNAL', error_type: 'INTERNAL' })).toBe(1);
    expect(seen.value(rpc, { rpc_method: '_OTHER', rpc_status_code: 'UNIMPLEMENTED', error_type: 'UNIMPLEMENTED' })).toBe(2);
    expect(seen.text).not.toContain('MadeUp');
    expect(seen.text).not.toContain('made.up');
  });

  it('a call that was cut off is CANCELLED, and takes no place among the methods', async () => {
    await using world = await openMetricsWorld();
    for (let index = 0; index < 2 * MAX_RPC_METHODS; index += 1) endCall(world, `/made.up/M${index}`, { status: 200, aborted: true });
    endCall(world, '/orders.v1.Orders/Get', { status: 200, grpcStatus: 0, aborted: false });
    const seen = await world.scrape();
    expect(seen.value(rpc, { rpc_method: '_OTHER', rpc_status_code: 'CANCELLED', error_type: '' })).toBe(2 * MAX_RPC_METHODS);
    expect(seen.value(rpc, { rpc_method: 'orders.v1.Orders/Get', rpc_status_code: 'OK' })).toBe(1);
  });

  it(`more than ${MAX_RPC_METHODS} methods share one label`, async () => {
    await using world = await openMetricsWorld();
    for (let index = 0; index < 10 * MAX_RPC_METHODS; index += 1)
      endCall(world, `/pkg.S/M${index}`, { status: 200, grpcStatus: 0, aborted: false });
    const seen = await world.scrape();
    expect(seen.all(rpc)).toHaveLength(MAX_RPC_METHODS + 1);
    expect(seen.value(rpc, { rpc_method: '_OTHER' })).toBe(9 * MAX_RPC_METHODS);
  });

  it.each([
    { grpcStatus: 17, rpc_status_code: 'UNKNOWN' },
    { grpcStatus: Number.NaN, rpc_status_code: 'UNKNOWN' },
    { grpcStatus: undefined, rpc_status_code: 'UNKNOWN' },
    { grpcStatus: 16, rpc_status_code: 'UNAUTHENTICATED' },
  ])('an answer with the status $grpcStatus is $rpc_status_code', async ({ grpcStatus, rpc_status_code }) => {
    await using world = await openMetricsWorld();
    endCall(world, '/orders.v1.Orders/Get', { status: 200, grpcStatus, aborted: false });
    expect((await world.scrape()).all(rpc)).toMatchObject([{ value: 1, labels: { rpc_status_code } }]);
  });
});

const unconnected = new TLSSocket(new Socket());

/** A request that ends when the test says so. */
function served(fields: Partial<ServedRequest>): { readonly request: ServedRequest; end(end: RequestEnd): void } {
  const listeners: ((end: RequestEnd) => void)[] = [];
  const peer = {
    get id(): never {
      throw new Error('metrics do not ask who calls');
    },
    chain: [],
    authority: new Uint8Array(),
    notBefore: 0,
    notAfter: 0,
    expiresAt: 0,
  };
  return {
    request: {
      ...{ protocol: 'http', httpVersion: '1.1', method: 'GET', path: '/', headers: {}, peer, socket: unconnected, upgrade: false },
      ...fields,
      onEnd: (listener) => void listeners.push(listener),
    },
    end(end) {
      for (const listener of listeners) listener(end);
    },
  };
}

function endCall(world: MetricsWorld, path: string, end: RequestEnd): void {
  const each = served({ protocol: 'grpc', httpVersion: '2', method: 'POST', path });
  world.metrics.observeRequest(each.request);
  each.end(end);
}

const serialize = (text: string): Buffer => Buffer.from(text);
const deserialize = (bytes: Buffer): string => bytes.toString();
const definition: ServiceDefinition = {
  get: {
    path: '/orders.v1.Orders/Get',
    requestStream: false,
    responseStream: false,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  },
};

function unary(client: Client, path: string, text: string): Promise<ServiceError | null> {
  const deadline = Date.now() + 10_000;
  return new Promise((resolve) =>
    client.makeUnaryRequest(path, serialize, deserialize, text, new Metadata(), { deadline }, (error) => resolve(error)),
  );
}
