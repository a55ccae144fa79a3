import type { IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http2';
import {
  type Authorizer,
  allOf,
  authorizeId,
  createAgent,
  createPolicyAuthorizer,
  createServer,
  parsePolicy,
  type ServedRequest,
} from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { checkAuthorizer } from '../../src/authorize/authorizer.ts';
import { readAll } from '../support/bytes.ts';
import { publishedDuring } from '../support/channel.ts';
import { deferred, failureOf, untilHolds } from '../support/events.ts';
import { createEchoClient, createEchoServer } from '../support/grpc-echo.ts';
import { httpsCall } from '../support/https-call.ts';
import { type Listening, listening } from '../support/listening.ts';
import { openTlsWorld, type TlsWorld, WEB } from '../support/tls-world.ts';

const policy = parsePolicy({
  rules: [
    { name: 'web reads orders', id: WEB, http: { method: 'GET', route: '/orders/:id' } },
    { name: 'web echoes', id: WEB, grpc: { service: 'test.Echo', method: 'Echo' } },
  ],
});
const authorize = createPolicyAuthorizer(policy);

/** Sends bytes as they are and reads the answer to its end. */
async function raw(world: TlsWorld, { port }: Listening<ReturnType<typeof createServer>>, text: string): Promise<string> {
  const socket = await connect({ ...world.client, host: '127.0.0.1', port, protocols: ['http/1.1'] });
  socket.write(text);
  return readAll(socket);
}

describe('the second gate of createServer', () => {
  it('answers what no rule allows with 403 and goes on with the connection', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer({ ...world.server, authorize }, (request, response) => response.end(request.url)));
    const agent = createAgent(world.client);
    expect(await httpsCall(`${open.origin}/orders/7`, { agent })).toMatchObject({ status: 200, body: '/orders/7' });
    expect(await httpsCall(`${open.origin}/orders`, { agent })).toMatchObject({ status: 403, body: '' });
    expect(await httpsCall(`${open.origin}/orders/7`, { agent, body: 'x' })).toMatchObject({ status: 403 });
    expect(await httpsCall(`${open.origin}/orders/7`, { agent, method: 'HEAD' })).toMatchObject({ status: 200, reused: true });
    agent.destroy();
  });

  it('does not read X-HTTP-Method-Override', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer({ ...world.server, authorize }, () => expect.unreachable()));
    const agent = createAgent(world.client);
    const headers = { 'x-http-method-override': 'GET' };
    expect(await httpsCall(`${open.origin}/orders/7`, { agent, headers, body: '' })).toMatchObject({ status: 403 });
    agent.destroy();
  });

  it.each([
    ['a dot segment', '/orders/../admin'],
    ['an encoded slash', '/orders/7%2Fadmin'],
    ['an encoded NUL', '/orders/%00'],
    ['an empty segment', '//orders/7'],
    ['the absolute form', 'https://127.0.0.1/orders/7'],
    ['invalid UTF-8', '/orders/%ff'],
    ['the asterisk form', '*'],
  ])('answers %s with 400', async (_what, target) => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer({ ...world.server, authorize }, () => expect.unreachable()));
    expect(await raw(world, open, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /);
  });

  it.each([
    ['allowed', '/orders/7', 101],
    ['denied', '/admin', 403],
    ['malformed', '/orders/%2e%2e/7', 400],
  ])('takes an upgrade for a GET: %s', async (_what, path, status) => {
    await using world = await openTlsWorld();
    const server = createServer({ ...world.server, authorize });
    server.on('upgrade', (_request: IncomingMessage, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    await using open = await listening(server);
    const text = await raw(world, open, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n`);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('answers Expect: 100-continue with 403 before the body is sent', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer({ ...world.server, authorize }, () => expect.unreachable()));
    const text = await raw(
      world,
      open,
      'POST /orders/7 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n',
    );
    expect(text).toMatch(/^HTTP\/1.1 403 /);
  });

  it('asks an authorizer of exactly one parameter when the connection is made alone, and takes any target then', async () => {
    await using world = await openTlsWorld();
    let asked = 0;
    const once: Authorizer = (_peer) => {
      asked += 1;
      return true;
    };
    await using open = await listening(
      createServer({ ...world.server, authorize: once }, (request, response) => response.end(request.url)),
    );
    const text = await raw(world, open, 'GET //a/../b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1.1 200 .*\/\/a\/\.\.\/b/s);
    expect(asked).toBe(1);
  });

  it.each([
    ['two parameters', (_peer: object, target?: object) => target === undefined],
    ['rest parameters', (...asked: readonly unknown[]) => asked[1] === undefined],
  ])('asks one of %s at every request', async (_what, closed) => {
    await using world = await openTlsWorld();
    for (const each of [closed, allOf(closed, authorizeId(WEB))]) {
      await using open = await listening(createServer({ ...world.server, authorize: each }, () => expect.unreachable()));
      const agent = createAgent(world.client);
      expect(await httpsCall(open.origin, { agent })).toMatchObject({ status: 403 });
      agent.destroy();
    }
  });

  it('refuses a request when the authorizer throws, promises or says something else than true', async () => {
    await using world = await openTlsWorld();
    for (const answer of [Promise.resolve(true), 1, 'true', undefined]) {
      // As a program without types would write it.
      const odd = checkAuthorizer((_peer: object, target?: object) => (target === undefined ? true : answer));
      await using open = await listening(createServer({ ...world.server, authorize: odd }, () => expect.unreachable()));
      const agent = createAgent(world.client);
      expect(await httpsCall(open.origin, { agent })).toMatchObject({ status: 403 });
      agent.destroy();
    }
  });

  it('tells every decision with its rule, target and address', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer({ ...world.server, authorize }, (_request, response) => response.end()));
    const agent = createAgent(world.client);
    const seen = await publishedDuring('decision', async () => {
      await httpsCall(`${open.origin}/orders/7?token=1`, { agent });
      await httpsCall(`${open.origin}/admin`, { agent });
      await httpsCall(`${open.origin}/a%2Fb?token=1`, { agent });
    });
    const server = seen.filter((message) => message['role'] === 'server');
    const same = { role: 'server', peer: WEB, remoteAddress: '127.0.0.1' };
    expect(server).toMatchObject([
      { ...same, gate: 'connection', target: undefined, allowed: true, rule: undefined, reason: 'allowed' },
      { ...same, gate: 'request', target: 'GET /orders/7', allowed: true, rule: 'web reads orders', reason: 'allowed' },
      { ...same, gate: 'request', target: 'GET /admin', allowed: false, rule: undefined, reason: 'no_rule_for_target' },
      { ...same, gate: 'request', target: 'GET /a%2Fb', allowed: false, rule: undefined, reason: 'target_invalid' },
    ]);
    agent.destroy();
  });

  it('drops headers that pretend to be an identity, in every view that Node gives of them', async () => {
    await using world = await openTlsWorld();
    const heads: IncomingMessage[] = [];
    await using open = await listening(
      createServer(world.server, (request, response) => {
        heads.push(request);
        response.end();
      }),
    );
    const agent = createAgent(world.client);
    const names = [
      'X-Forwarded-Client-Cert',
      'x-forwarded-tls-client-cert-info',
      'Client-Cert',
      'ssl-client-subject-dn',
      'X-SSL-Client-Verify',
      'x-amzn-mtls-clientcert',
      'l5d-client-id',
      'X-SPIFFE-ID',
      'x_spiffe_id',
      'x-ephemos-original-caller',
    ];
    await httpsCall(open.origin, { agent, headers: { ...Object.fromEntries(names.map((name) => [name, 'me'])), 'x-request-id': '7' } });
    const [head] = heads;
    if (head === undefined) throw new Error('no request came');
    const { rawHeaders, headers, headersDistinct } = head;
    for (const name of names) {
      expect(rawHeaders.map((each) => each.toLowerCase())).not.toContain(name.toLowerCase());
      expect({ ...headers, ...headersDistinct }).not.toHaveProperty(name.toLowerCase());
    }
    expect(rawHeaders).toContain('x-request-id');
    expect(headers).toMatchObject({ 'x-request-id': '7', connection: expect.any(String) });
    expect(headersDistinct).toMatchObject({ 'x-request-id': ['7'] });
    agent.destroy();
  });

  it('runs intercept around every admitted request, and tells it how the request ended', async () => {
    await using world = await openTlsWorld();
    const seen: [ServedRequest, object][] = [];
    const server = createServer(
      {
        ...world.server,
        authorize,
        intercept(request, next) {
          request.onEnd((end) => void seen.push([request, end]));
          next();
        },
      },
      (request, response) => {
        if (request.url === '/orders/cut') response.socket?.destroy();
        else response.writeHead(204).end();
      },
    );
    await using open = await listening(server);
    const agent = createAgent(world.client);
    await httpsCall(`${open.origin}/orders/7`, { agent });
    await httpsCall(`${open.origin}/admin`, { agent });
    await failureOf(httpsCall(`${open.origin}/orders/cut`, { agent }));
    await untilHolds(() => seen.length === 2, 'both ends');
    expect(seen).toMatchObject([
      [
        { protocol: 'http', httpVersion: '1.1', method: 'GET', path: '/orders/7', upgrade: false },
        { status: 204, aborted: false },
      ],
      [{ path: '/orders/cut' }, { status: 0, aborted: true }],
    ]);
    expect(seen[0]?.[0].peer.id.toString()).toBe(WEB);
    agent.destroy();
  });

  it.each([
    ['says so', { headers: { 'content-length': '11' } }],
    ['comes in chunks', { headers: { 'transfer-encoding': 'chunked' } }],
  ])('answers a body that is too long with 413 when it %s', async (_what, options) => {
    await using world = await openTlsWorld();
    const failed = deferred<unknown>();
    await using open = await listening(
      createServer({ ...world.server, maxBodyBytes: 10 }, (request, response) => {
        request
          .on('error', failed.resolve)
          .resume()
          .on('end', () => response.end('read'));
      }),
    );
    const agent = createAgent(world.client);
    expect(await httpsCall(open.origin, { agent, ...options, body: 'x'.repeat(11) })).toMatchObject({ status: 413 });
    if ('transfer-encoding' in options.headers) expect(await failed.promise).toMatchObject({ code: 'ERR_LIMIT_REACHED' });
    expect(await httpsCall(open.origin, { agent, body: 'x'.repeat(10) })).toMatchObject({ status: 200, body: 'read' });
    agent.destroy();
  });

  it('asks a client to connect again after maxRequestsPerConnection', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(
      createServer({ ...world.server, maxRequestsPerConnection: 2 }, (_request, response) => response.end()),
    );
    const agent = createAgent(world.client);
    const reused: boolean[] = [];
    for (let call = 0; call < 4; call++) reused.push((await httpsCall(open.origin, { agent })).reused);
    expect(reused).toEqual([false, true, false, true]);
    agent.destroy();
  });

  it.each([[{ maxBodyBytes: -1 }], [{ maxRequestsPerConnection: 0 }], [{ maxHeaderBytes: 1.5 }], [{ limits: { maxConnections: 0 } }]])(
    'refuses the option %j',
    async (options) => {
      await using world = await openTlsWorld();
      expect(() => createServer({ ...world.server, ...options })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    },
  );
});

describe('the second gate of createHttp2Server', () => {
  it('answers with 403 and 400, drops identity headers, and tells intercept the end', async () => {
    await using world = await openTlsWorld();
    const ends: object[] = [];
    const seen: IncomingHttpHeaders[] = [];
    const server = createHttp2Server({
      ...world.server,
      authorize,
      intercept(request, next) {
        request.onEnd((end) => void ends.push({ path: request.path, ...end }));
        next();
      },
    });
    server.on('stream', (stream, headers) => {
      seen.push(headers);
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const statuses: unknown[] = [];
    for (const path of ['/orders/7', '/admin', '/orders/%2e']) {
      const stream = await client.request({ ':path': path, 'x-spiffe-id': 'spiffe://example.org/ops' });
      stream.on('response', (headers) => statuses.push(headers[':status']));
      await readAll(stream);
    }
    expect(statuses).toEqual([200, 403, 400]);
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toHaveProperty('x-spiffe-id');
    await untilHolds(() => ends.length === 1, 'the end');
    expect(ends).toEqual([{ path: '/orders/7', status: 200, aborted: false }]);
  });

  it('answers a body that is too long with 413, said or not', async () => {
    await using world = await openTlsWorld();
    const server = createHttp2Server({ ...world.server, maxBodyBytes: 10 }, (request, response) => {
      request
        .on('error', () => undefined)
        .resume()
        .on('end', () => response.end('read'));
    });
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const statuses: unknown[] = [];
    for (const [length, headers] of [
      [11, { 'content-length': '11' }],
      [11, {}],
      [10, {}],
    ] as const) {
      const stream = await client.request({ ':method': 'POST', ':path': '/', ...headers });
      stream.on('response', (answer) => statuses.push(answer[':status']));
      stream.on('error', () => undefined).end('x'.repeat(length));
      await readAll(stream).catch(() => undefined);
    }
    expect(statuses).toEqual([413, 413, 200]);
  });
});

describe('a stream of HTTP/2 that stalls', () => {
  it('is closed when its client takes nothing; the session goes on', async () => {
    await using world = await openTlsWorld();
    const ends: object[] = [];
    const server = createHttp2Server(
      {
        ...world.server,
        stallTimeout: 200,
        intercept(request, next) {
          request.onEnd((end) => void ends.push({ path: request.path, ...end }));
          next();
        },
      },
      (request, response) => response.end(request.url === '/big' ? Buffer.alloc(4 * 1024 * 1024) : 'ok'),
    );
    await using open = await listening(server);
    await using client = createHttp2Client(open.origin, world.client);
    const stream = await client.request({ ':path': '/big' });
    stream.on('error', () => undefined).pause();
    await untilHolds(() => ends.length === 1, 'the end of the stream');
    expect(ends).toEqual([{ path: '/big', status: 200, aborted: true }]);
    expect(await readAll(await client.request({ ':path': '/' }))).toBe('ok');
  });
});

describe('the second gate of createGrpcListener', () => {
  it('answers what no rule allows with PERMISSION_DENIED, streams too', async () => {
    await using world = await openTlsWorld();
    const echo = createEchoServer();
    const ends: object[] = [];
    const listener = createGrpcListener(echo.server, {
      ...world.server,
      authorize,
      intercept(request, next) {
        request.onEnd((end) => void ends.push({ protocol: request.protocol, path: request.path, ...end }));
        next();
      },
    });
    await using open = await listening(listener);
    using client = createEchoClient(`127.0.0.1:${open.port}`, createChannelCredentials(world.client));
    expect(await client.echo('hello')).toBe(`hello from ${WEB}`);
    expect(await failureOf(client.count(3))).toMatchObject({ code: 7, details: expect.stringContaining('does not admit') });
    expect(echo.served).toEqual(['hello']);
    await untilHolds(() => ends.length === 1, 'the end');
    expect(ends).toEqual([{ protocol: 'grpc', path: '/test.Echo/Echo', status: 200, grpcStatus: 0, aborted: false }]);
  });

  it('ends a session that was idle too long, and one that answers no ping', async () => {
    await using world = await openTlsWorld();
    const echo = createEchoServer();
    await using open = await listening(createGrpcListener(echo.server, { ...world.server, keepalive: { maxConnectionIdle: 100 } }));
    using client = createEchoClient(`127.0.0.1:${open.port}`, createChannelCredentials(world.client));
    await client.echo('one');
    await untilHolds(() => open.accepted.every(({ destroyed }) => destroyed), 'the idle connection is closed');
    expect(await client.echo('two')).toContain('two');
    expect(open.accepted.length).toBeGreaterThan(1);
  });

  it('cuts a connection whose other side answers no ping', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(
      createGrpcListener(createEchoServer().server, { ...world.server, keepalive: { time: 50, timeout: 50 } }),
    );
    const socket = await connect({ ...world.client, host: '127.0.0.1', port: open.port, protocols: ['h2'] });
    // The preface and empty settings, then silence.
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]));
    await readAll(socket.on('error', () => undefined)).catch(() => undefined);
    expect(socket.destroyed).toBe(true);
  });
});
