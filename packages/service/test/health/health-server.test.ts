import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { type ClientHttp2Session, constants, connect as http2Connect } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHealth } from '../../src/health/health.ts';
import { CALL_TIMEOUT_MS } from '../../src/health/health-calls.ts';
import { answerHttp } from '../../src/health/http-answer.ts';
import { IDLE_TIMEOUT_MS, MAX_STREAMS } from '../../src/health/http2.ts';
import { FIRST_BYTES_TIMEOUT_MS, MAX_CONNECTIONS, openHealthServer } from '../../src/health/open-health-server.ts';
import { createGrpcHealthClient } from './grpc-health-client.ts';
import { host, id, openService, readToEnd, type Service } from './world.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

afterEach(() => {
  vi.useRealTimers();
});

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly length: string | undefined;
  readonly body: string;
}

function ask({ port }: Service, path: string, options: { readonly method?: string; readonly accept?: string } = {}): Promise<Answer> {
  const { method = 'GET', accept } = options;
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, method, agent: false, headers: accept === undefined ? {} : { accept } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => {
        const { 'content-type': type, 'content-length': length } = response.headers;
        resolve({ status: response.statusCode, type, length, body });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('a probe over HTTP/1', () => {
  it('is answered with 200 or 503, and one that fails names what fails', async () => {
    await using service = await openService();
    expect(await ask(service, '/livez')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await ask(service, '/readyz')).toMatchObject({
      status: 503,
      body: '[-]listening failed: not every listener is open\nreadyz check failed\n',
    });
    expect(await ask(service, '/startupz')).toMatchObject({ status: 503 });
    service.health.setListening(true);
    expect(await ask(service, '/readyz')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await ask(service, '/startupz')).toMatchObject({ status: 200, body: 'ok\n' });
    await service.authority.withdraw(id);
    expect(await ask(service, '/livez')).toMatchObject({ status: 200 });
    expect(await ask(service, '/startupz')).toMatchObject({ status: 200 });
    expect((await ask(service, '/readyz')).body).toContain('[-]svid failed: the Workload API has withdrawn this identity\n');
  });

  it('shows every check when asked to', async () => {
    await using service = await openService();
    const body = '[+]svid ok\n[+]bundle ok\n[-]listening failed: not every listener is open\n[+]draining ok\nreadyz check failed\n';
    for (const query of ['?verbose', '?verbose=1', '?x=1&verbose']) {
      expect(await ask(service, `/readyz${query}`)).toMatchObject({ status: 503, body, type: 'text/plain; charset=utf-8' });
    }
    service.health.setListening(true);
    expect((await ask(service, '/readyz?verbose')).body).toMatch(/\[\+\]listening ok\n.*\nreadyz check passed\n$/);
  });

  it('is answered with a document when that is accepted', async () => {
    await using service = await openService();
    const { status, type, body } = await ask(service, '/readyz', { accept: 'text/html, application/json;q=0.9' });
    expect({ status, type }).toEqual({ status: 503, type: 'application/json' });
    expect(JSON.parse(body)).toEqual({
      ok: false,
      checks: [
        { name: 'svid', ok: true },
        { name: 'bundle', ok: true },
        { name: 'listening', ok: false, reason: 'not every listener is open' },
        { name: 'draining', ok: true },
      ],
    });
  });

  it.each([
    ['/live', 200],
    ['/ready', 503],
    ['/', 404],
    ['/livez/', 404],
    ['//livez', 404],
    ['/constructor', 404],
    ['/LIVEZ', 404],
  ])('of %s gets %i', async (path, status) => {
    await using service = await openService();
    expect(await ask(service, path)).toMatchObject({ status });
  });

  it('may be a HEAD, and nothing but GET and HEAD', async () => {
    await using service = await openService();
    expect(await ask(service, '/livez', { method: 'HEAD' })).toMatchObject({ status: 200, length: '3', body: '' });
    expect(await ask(service, '/readyz', { method: 'HEAD' })).toMatchObject({ status: 503, body: '' });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect(await ask(service, '/livez', { method })).toMatchObject({ status: 405 });
  });

  it('shows the text of a foreign error to callers on this machine alone', async () => {
    await using service = await openService();
    service.health.addCheck('database', () => {
      throw new Error('no route to 10.0.0.5');
    });
    await new Promise(setImmediate);
    expect((await ask(service, '/readyz')).body).toContain('[-]database failed: no route to 10.0.0.5\n');
    for (const accept of ['text/plain', 'application/json']) {
      const { body } = answerHttp(service.health, { method: 'GET', url: '/readyz', accept, local: false });
      expect(body).toContain('database');
      expect(body).toContain('the reason is shown on this machine alone');
      expect(body).toContain('not every listener is open');
      expect(body).not.toContain('10.0.0.5');
    }
  });
});

describe('the same port over HTTP/2', () => {
  it('answers the same paths', async () => {
    await using service = await openService();
    const session = http2Connect(`http://${host}:${service.port}`);
    expect(await getOver(session, '/livez')).toEqual({ status: 200, body: 'ok\n' });
    expect(await getOver(session, '/readyz')).toEqual({
      status: 503,
      body: '[-]listening failed: not every listener is open\nreadyz check failed\n',
    });
    expect(await getOver(session, '/livez', 'HEAD')).toEqual({ status: 200, body: '' });
    expect(await getOver(session, '/livez', 'POST')).toMatchObject({ status: 405 });
    session.close();
  });

  it('knows the protocol when its first bytes come one by one', async () => {
    await using service = await openService();
    const slow = await service.dial();
    const text = readToEnd(slow);
    for (const byte of 'PUT /livez HTTP/1.1\r\nHost: x\r\n\r\n') await send(slow, byte);
    expect(await text).toMatch(/^HTTP\/1\.1 405 /);
    const other = await service.dial();
    for (const byte of PREFACE) await send(other, byte);
    other.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    const [settings] = await once(other, 'data');
    // A SETTINGS frame comes first (RFC 9113 section 3.4).
    expect(Buffer.from(settings)[3]).toBe(4);
  });

  it(`takes ${MAX_STREAMS} streams of a connection at once, also when they come before the client knows`, async () => {
    await using service = await openService();
    const session = http2Connect(`http://${host}:${service.port}`);
    // Before 'connect' nothing of the server has arrived. None of these ends its request.
    const streams = Array.from({ length: MAX_STREAMS + 10 }, () =>
      session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc' }),
    );
    const refused = streams.map((stream) =>
      once(stream, 'close').then(
        () => stream.rstCode,
        () => stream.rstCode,
      ),
    );
    for (const stream of streams) stream.on('error', () => undefined);
    const last = await Promise.all(refused.slice(MAX_STREAMS));
    expect(last).toEqual(Array(10).fill(constants.NGHTTP2_REFUSED_STREAM));
    // Later: a client of Node 20 that ends its session in the turn in which several of its streams were reset never comes back.
    await new Promise(setImmediate);
    session.destroy();
  });
});

describe('what comes from a scanner', () => {
  const hello = Buffer.from('16030100c8010000c40303', 'hex');
  it.each<[what: string, bytes: Buffer]>([
    ['a TLS ClientHello', Buffer.concat([hello, randomBytes(200)])],
    ['noise', randomBytes(5_000)],
    ['NUL bytes', Buffer.alloc(5_000)],
    ['an HTTP/2 preface and noise', Buffer.concat([Buffer.from(PREFACE), randomBytes(5_000)])],
    ['half an HTTP/2 preface and noise', Buffer.concat([Buffer.from(PREFACE.slice(0, 12)), randomBytes(100)])],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
    ['two Content-Lengths', Buffer.from('GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')],
    ['a header that is too long', Buffer.from(`GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`)],
    ['a target that is too long', Buffer.from(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)],
    [
      'an upgrade',
      Buffer.from(
        'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
      ),
    ],
    ['a tunnel', Buffer.from('CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])('is answered or cut off, and the next probe is answered: %s', async (_, bytes) => {
    await using service = await openService();
    const socket = await service.dial();
    const answer = readToEnd(socket);
    socket.write(bytes);
    await answer;
    expect(await ask(service, '/livez')).toMatchObject({ status: 200 });
  });

  it('is cut off when it resets the connection in the middle', async () => {
    await using service = await openService();
    for (const bytes of ['', 'G', 'GET /livez HTTP/1.1\r\n', 'PRI', PREFACE]) {
      const socket = await service.dial();
      await send(socket, bytes);
      socket.resetAndDestroy();
    }
    expect(await ask(service, '/livez')).toMatchObject({ status: 200 });
  });

  it('is cut off when it stays silent or stops in the preface', async () => {
    await using service = await openService();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const sockets = await Promise.all([service.dial(), service.dial()]);
    await send(sockets[1], 'PRI * HTTP');
    const ends = sockets.map((socket) => once(socket, 'close'));
    // Accepted by now: the server answers a later one.
    expect(await ask(service, '/livez')).toMatchObject({ status: 200 });
    vi.advanceTimersByTime(FIRST_BYTES_TIMEOUT_MS);
    await Promise.all(ends);
  });

  it('is cut off when it sends its header slowly', async () => {
    await using service = await openService();
    const socket = await service.dial();
    const answer = readToEnd(socket);
    await send(socket, 'GET /livez HTTP/1.1\r\nX-Slow: ');
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('is cut off when it holds an HTTP/2 connection without calls, or a call without its message', async () => {
    await using service = await openService();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const session = http2Connect(`http://${host}:${service.port}`);
    const stream = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc' });
    const answer = once(stream, 'response');
    await once(session, 'remoteSettings');
    expect(await getOver(session, '/livez')).toMatchObject({ status: 200 });
    vi.advanceTimersByTime(CALL_TIMEOUT_MS);
    expect((await answer)[0]).toMatchObject({ 'grpc-status': '4' });
    if (!stream.closed) await once(stream, 'close');
    const closed = once(session, 'close');
    expect(await ask(service, '/livez')).toMatchObject({ status: 200 });
    vi.advanceTimersByTime(IDLE_TIMEOUT_MS);
    await closed;
  });

  it('is cut off when it breaks HTTP/2 so that nothing more can be read', async () => {
    await using service = await openService();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const socket = await service.dial();
    const end = readToEnd(socket);
    socket.write(Buffer.concat([Buffer.from(PREFACE), Buffer.from('ffffff0400000000ff', 'hex')]));
    expect(await ask(service, '/livez')).toMatchObject({ status: 200 });
    vi.advanceTimersByTime(IDLE_TIMEOUT_MS);
    await end;
  });

  it(`does not keep a probe out with connections that it holds: the oldest of ${MAX_CONNECTIONS} goes`, async () => {
    await using service = await openService();
    const sockets: Socket[] = [];
    for (let each = 0; each < MAX_CONNECTIONS + 20; each++) sockets.push(await service.dial());
    expect(await ask(service, '/livez')).toMatchObject({ status: 200 });
    for (const socket of sockets.slice(0, 21)) if (!socket.closed) await once(socket, 'close');
    expect(sockets.filter((socket) => !socket.closed)).toHaveLength(MAX_CONNECTIONS - 1);
  });
});

describe('a watcher that does not read', () => {
  it('is told the newest status when it does, and not every one in between', async () => {
    await using service = await openService();
    const session = http2Connect(`http://${host}:${service.port}`, { settings: { initialWindowSize: 0 } });
    const watch = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Watch', 'content-type': 'application/grpc' });
    watch.end(Buffer.alloc(5));
    await once(watch, 'response');
    for (let change = 0; change < 20_001; change++) service.health.setListening(change % 2 === 0);
    let bytes = Buffer.alloc(0);
    watch.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length % MESSAGE_BYTES === 0 && bytes.at(-1) === 1) watch.close();
    });
    session.settings({ initialWindowSize: 65_535 });
    await once(watch, 'close');
    expect(bytes.length / MESSAGE_BYTES).toBeLessThan(5_000);
    session.destroy();
  });

  // Five of the prefix, two of the status.
  const MESSAGE_BYTES = 7;
});

describe('the port', () => {
  it('says which address cannot be opened, and what to change', async () => {
    await using service = await openService();
    using health = createHealth();
    await expect(openHealthServer({ address: { host, port: service.port }, health })).rejects.toMatchObject({
      code: 'ERR_LISTEN_FAILED',
      message: expect.stringContaining(`EADDRINUSE: address already in use ${host}:${service.port}`),
      hint: `change health.address in the configuration, or end what listens at ${host}:${service.port}`,
    });
  });

  it('ends everything at once when it closes, as often as it is asked', async () => {
    await using service = await openService();
    const idle = once(await service.dial(), 'close');
    using client = createGrpcHealthClient(`${host}:${service.port}`);
    const watch = client.watch('');
    await watch.next();
    await Promise.all([service.server.close(), service.server.close()]);
    await Promise.all([idle, watch.ended]);
    await expect(ask(service, '/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

function send(socket: Socket | undefined, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket === undefined) return;
    socket.write(text, () => resolve());
  });
}

async function getOver(
  session: ClientHttp2Session,
  path: string,
  method = 'GET',
): Promise<{ readonly status: unknown; readonly body: string }> {
  const stream = session.request({ ':path': path, ':method': method });
  let body = '';
  stream.setEncoding('utf8').on('data', (part: string) => {
    body += part;
  });
  let status: unknown;
  stream.on('response', (headers) => {
    status = headers[':status'];
  });
  await once(stream, 'close');
  return { status, body };
}
