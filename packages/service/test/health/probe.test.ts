import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createHealth } from '../../src/health/health.ts';
import { openHealthServer } from '../../src/health/open-health-server.ts';
import { MAX_ANSWER_BYTES, probe } from '../../src/health/probe.ts';
import { host, openService } from './world.ts';

describe.each(['http', 'grpc'] as const)('a probe over %s', (protocol) => {
  it('is healthy when the process is', async () => {
    await using service = await openService();
    service.health.setListening(true);
    for (const check of ['live', 'ready', 'startup'] as const) {
      expect(await probe({ address: service.server.address, check, protocol })).toMatchObject({
        ok: true,
        reachable: true,
        reason: undefined,
      });
    }
  });

  it('is not healthy when the process is not', async () => {
    await using service = await openService();
    const reason = protocol === 'http' ? 'listening (not every listener is open)' : 'NOT_SERVING';
    for (const check of ['ready', 'startup'] as const) {
      expect(await probe({ address: service.server.address, check, protocol })).toMatchObject({ ok: false, reachable: true, reason });
    }
    expect(await probe({ address: service.server.address, check: 'live', protocol })).toMatchObject({ ok: true });
  });

  it('has nobody to ask where nothing listens', async () => {
    await using service = await openService();
    await service.server.close();
    expect(await probe({ address: service.server.address, protocol })).toMatchObject({
      ok: false,
      reachable: false,
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('does not wait longer than its timeout, nor than its signal', async () => {
    await using deaf = await listen(createServer());
    const { address } = deaf;
    expect(await probe({ address, protocol, timeout: 50 })).toMatchObject({
      ok: false,
      reachable: false,
      reason: 'no answer within 0.05 s',
    });
    const stop = new AbortController();
    const asked = probe({ address, protocol, signal: stop.signal });
    stop.abort(new Error('stopped'));
    expect(await asked).toMatchObject({ ok: false, reachable: false, reason: 'stopped' });
  });

  it('finds on loopback what listens on every address', async () => {
    using health = createHealth();
    await using server = await openHealthServer({ address: { host: undefined, port: 0 }, health });
    const { port } = server.address;
    for (const every of [undefined, '0.0.0.0', '127.0.0.1']) {
      expect(await probe({ address: { host: every, port }, check: 'live', protocol })).toMatchObject({ ok: true });
    }
  });

  it('is not healthy when the connection is cut', async () => {
    await using rude = await listen(createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.destroy())));
    expect(await probe({ address: rude.address, protocol })).toMatchObject({ ok: false, reachable: false, reason: expect.any(String) });
  });
});

describe('the checks of an answer', () => {
  it('are named, those that fail with their reasons', async () => {
    await using service = await openService();
    service.health.addCheck('database', () => {
      throw new Error('no route');
    });
    await new Promise(setImmediate);
    const { checks, reason } = await probe({ address: service.server.address });
    expect(reason).toBe('listening (not every listener is open), database (no route)');
    expect(checks).toContainEqual({ name: 'database', ok: false, reason: 'no route' });
    expect(checks).toContainEqual({ name: 'svid', ok: true });
  });

  it.each<[what: string, listener: RequestListener, ok: boolean, reason: string | undefined]>([
    ['200 and a page', (_, response) => response.end('<html>'), true, undefined],
    ['404 and a page', (_, response) => response.writeHead(404).end('not\u001b[31m here\nat all'), false, 'HTTP 404: not [31m here'],
    ['500 and nothing', (_, response) => response.writeHead(500).end(), false, 'HTTP 500'],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/x' }).end(), false, 'HTTP 302'],
    ['a broken document', (_, response) => response.writeHead(503, { 'content-type': 'application/json' }).end('{'), false, 'HTTP 503: {'],
    [
      'a document of somebody else',
      (_, response) =>
        response.writeHead(503, { 'content-type': 'application/json' }).end('{"checks":[1,null,{"name":1,"ok":false},{"name":"x"}]}'),
      false,
      'HTTP 503: {"checks":[1,null,{"name":1,"ok":false},{"name":"x"}]}',
    ],
    [
      'a name that draws on the terminal',
      (_, response) =>
        response
          .writeHead(503, { 'content-type': 'application/json' })
          .end('{"checks":[{"name":"a\\u001b[2J","ok":false,"reason":"b\\nc"}]}'),
      false,
      'a [2J (b c)',
    ],
    [
      'an answer without end',
      (_, response) => response.end('x'.repeat(MAX_ANSWER_BYTES + 1)),
      false,
      `the answer is longer than ${MAX_ANSWER_BYTES} bytes`,
    ],
  ])('are left out where another process answers with %s', async (_, listener, ok, reason) => {
    await using other = await listen(createHttpServer(listener));
    expect(await probe({ address: other.address })).toMatchObject({ ok, reason });
  });

  it('come from the path that was asked for', async () => {
    await using other = await listen(createHttpServer((request, response) => response.writeHead(503).end(request.url)));
    expect(await probe({ address: other.address, path: '/ready?x' })).toMatchObject({ reason: 'HTTP 503: /ready?x' });
  });
});

describe('a probe over gRPC', () => {
  it('says so where no gRPC service answers', async () => {
    const server = createHttp2Server((_, response) => response.writeHead(404).end());
    await using other = await listen(server);
    expect(await probe({ address: other.address, protocol: 'grpc' })).toMatchObject({
      ok: false,
      reachable: true,
      reason: 'no gRPC service answers there: HTTP 404',
    });
    await using http1 = await listen(createHttpServer());
    expect(await probe({ address: http1.address, protocol: 'grpc' })).toMatchObject({ ok: false, reachable: false });
  });

  it('says so where an answer has no end', async () => {
    const server = createHttp2Server((_, response) => {
      response.writeHead(200, { 'content-type': 'application/grpc' });
      response.write('x', () => response.stream.session?.destroy());
    });
    await using other = await listen(server);
    expect(await probe({ address: other.address, protocol: 'grpc' })).toMatchObject({ ok: false, reason: 'the answer was cut off' });
  });

  it('tells a status that is not OK', async () => {
    const server = createHttp2Server((_, response) =>
      response.writeHead(200, { 'content-type': 'application/grpc', 'grpc-status': '12', 'grpc-message': 'no such service' }).end(),
    );
    await using other = await listen(server);
    expect(await probe({ address: other.address, protocol: 'grpc' })).toMatchObject({
      ok: false,
      reason: 'gRPC status 12: no such service',
    });
  });
});

interface Listening extends AsyncDisposable {
  readonly address: { readonly host: string; readonly port: number };
}

async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  await once(server.listen(0, host), 'listening');
  const bound: AddressInfo | string | null = server.address();
  return {
    address: { host, port: typeof bound === 'object' && bound !== null ? bound.port : 0 },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
