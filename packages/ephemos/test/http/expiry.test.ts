// Certificates of a few seconds on one side, a stock peer on the other: each half of promise 5 alone. The tests run at the same time.

import { type ClientHttp2Session, constants, createSecureServer, connect as http2Connect } from 'node:http2';
import { createServer as createHttpsServer, Agent as StockAgent } from 'node:https';
import { type Server as TlsServer, connect as tlsConnect } from 'node:tls';
import { type Server as GrpcServer, ServerCredentials, credentials as stockCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { readAll, readUntil } from '../support/bytes.ts';
import { echoCallers, echoServers } from '../support/echo-callers.ts';
import { bounded, next } from '../support/events.ts';
import { createEchoClient, createEchoServer } from '../support/grpc-echo.ts';
import { httpsCall } from '../support/https-call.ts';
import { type Listening, listening } from '../support/listening.ts';
import { stockClient, stockServer } from '../support/stock.ts';
import { ORDERS, openTlsWorld, type TlsWorld, untilSource, WEB } from '../support/tls-world.ts';

const TTL_SECONDS = 6;
/** Longer than any test. */
const LONG_SECONDS = 600;
/** A timer may be late on a loaded machine. */
const LATE_MS = 2_500;

/** Calls again and again, with small pauses, until the connection has changed; every call must succeed. Resolves with how many there were. */
async function callUntil(call: () => Promise<unknown>, done: () => boolean): Promise<number> {
  let calls = 0;
  while (!done()) {
    await call();
    calls += 1;
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  }
  return calls;
}

/** Rotates as soon as certificates made now end later: on the next whole second. */
async function rotateInTime(world: TlsWorld): Promise<void> {
  const { source } = world.server;
  const { svid } = source;
  await new Promise<void>((resolve) => setTimeout(resolve, 1_010 - (Date.now() % 1_000)));
  await world.authority.rotate();
  await untilSource(source, () => source.svid !== svid);
}

/** Stock servers that echo, for our clients. */
const stockServers: Readonly<Record<string, (world: TlsWorld) => Promise<Listening<TlsServer>>>> = {
  async http1(world) {
    return listening(
      createHttpsServer(await stockServer(world.authority, ORDERS, LONG_SECONDS), (incoming, response) => void incoming.pipe(response)),
    );
  },
  async http2(world) {
    const options = await stockServer(world.authority, ORDERS, LONG_SECONDS);
    return listening(createSecureServer(options, (incoming, response) => void incoming.pipe(response)));
  },
};

describe.concurrent.each(Object.entries(echoCallers).filter(([, { protocol }]) => protocol !== 'grpc'))(
  '%s and a stock server',
  (_, { protocol, open }) => {
    it('leaves a connection before its own SVID expires, without a failed call', async () => {
      await using world = await openTlsWorld({ svidTtlSeconds: TTL_SECONDS });
      const server = await stockServers[protocol]?.(world);
      if (server === undefined) throw new TypeError(`no stock server for ${protocol}`);
      const { source } = world.client;
      const caller = open(server.port, world.client);
      expect(await caller.call('first')).toBe('first');
      const expiry = source.svid.notAfter;
      const [first] = server.accepted;
      const leftAt =
        first === undefined
          ? Number.NaN
          : next(
              first.on('error', () => undefined),
              'close',
            ).then(() => Date.now());
      await rotateInTime(world);
      let count = 0;
      const moved = callUntil(
        async () => {
          count += 1;
          expect(await caller.call(`call ${count}`)).toBe(`call ${count}`);
        },
        () => first?.closed === true,
      );
      expect(await bounded(moved, 'a second connection')).toBeGreaterThan(1);
      expect(await leftAt).toBeLessThan(expiry);
      await caller.close();
      await server[Symbol.asyncDispose]();
    });
  },
);

describe.concurrent('our servers and stock clients', () => {
  it('HTTP/1: says Connection: close before its SVID expires, and no call of a stock agent fails', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: TTL_SECONDS });
    await using server = await listening(echoServers.http1(world.server));
    const agent = new StockAgent({
      ...(await stockClient(world.authority, WEB, LONG_SECONDS)),
      keepAlive: true,
      maxSockets: 1,
      maxCachedSessions: 0,
    });
    const expiry = world.server.source.svid.notAfter;
    const last: unknown[] = [];
    const call = async (): Promise<void> => {
      const { headers, status } = await httpsCall(server.origin, { agent, body: 'x' });
      expect(status).toBe(200);
      if (headers.connection === 'close') last.push(Date.now());
    };
    await call();
    await rotateInTime(world);
    await bounded(
      callUntil(call, () => server.accepted.length > 1),
      'a second connection',
    );
    expect(last).toHaveLength(1);
    expect(last[0]).toBeLessThan(expiry);
    agent.destroy();
  });

  it('HTTP/1: closes an idle connection when the leaf of the caller expires', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: LONG_SECONDS });
    const https = echoServers.http1(world.server);
    Reflect.set(https, 'keepAliveTimeout', 60_000);
    await using server = await listening(https);
    const stock = await stockClient(world.authority, WEB, TTL_SECONDS);
    const socket = tlsConnect({ ...stock, host: '127.0.0.1', port: server.port });
    await next(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\nHost: orders\r\n\r\n');
    expect(await readUntil(socket, '\r\n\r\n')).toMatch(/keep-alive/i);
    await next(socket.resume(), 'close');
    expect(Date.now()).toBeGreaterThan(stock.expiresAt - 50);
    expect(Date.now()).toBeLessThan(stock.expiresAt + LATE_MS);
  });

  it('HTTP/1: closes a connection in the middle of an answer when the leaf of the caller expires', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: LONG_SECONDS });
    await using server = await listening(echoServers.http1(world.server));
    const stock = await stockClient(world.authority, WEB, TTL_SECONDS);
    const socket = tlsConnect({ ...stock, host: '127.0.0.1', port: server.port });
    await next(socket, 'secureConnect');
    // The body never ends, so the answer does not either.
    socket.write('POST / HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n');
    await readUntil(socket, 'body');
    await next(socket.on('error', () => undefined).resume(), 'close');
    expect(Date.now()).toBeGreaterThan(stock.expiresAt - 50);
    expect(Date.now()).toBeLessThan(stock.expiresAt + LATE_MS);
  });

  it('HTTP/2: sends GOAWAY before its SVID expires, and a stock client that repeats what was refused loses nothing', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: TTL_SECONDS });
    const http2 = echoServers.http2(world.server);
    let served = 0;
    http2.on('stream', () => {
      served += 1;
    });
    await using server = await listening(http2);
    const stock = await stockClient(world.authority, WEB, LONG_SECONDS);
    const expiry = world.server.source.svid.notAfter;
    let session: ClientHttp2Session | undefined;
    const goodbyes: number[] = [];
    let answered = 0;
    const call = async (): Promise<void> => {
      session ??= http2Connect(server.origin, stock).once('goaway', () => {
        goodbyes.push(Date.now());
        session = undefined;
      });
      const stream = session.request({ ':method': 'POST', ':path': '/' });
      stream.end('body');
      const body = await readAll(stream).catch(() => undefined);
      // RFC 9113 section 8.7: nothing was done for it.
      if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return call();
      expect(body).toBe('body');
      answered += 1;
    };
    await call();
    await rotateInTime(world);
    await bounded(
      callUntil(call, () => goodbyes.length > 0),
      'GOAWAY',
    );
    await call();
    expect(goodbyes[0]).toBeLessThan(expiry);
    expect(served).toBe(answered);
    const [first] = server.accepted;
    if (first !== undefined && !first.closed) await next(first, 'close');
    expect(Date.now()).toBeLessThan(expiry);
    session?.close();
  });

  it('gRPC: sends GOAWAY before its SVID expires, and a stock channel moves on without a failed call', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: TTL_SECONDS });
    await using server = await listening(echoServers.grpc(world.server));
    const { key, cert, ca } = await stockClient(world.authority, WEB, LONG_SECONDS);
    const verify = { checkServerIdentity: () => undefined };
    const credentials = stockCredentials.createSsl(Buffer.from(ca.join('')), Buffer.from(key), Buffer.from(cert), verify);
    // Stock grpc-js cannot reach an IP address over TLS with Node 26.
    using client = createEchoClient(`localhost:${server.port}`, credentials);
    const call = async (): Promise<void> => expect(await client.echo('hello')).toBe('hello from x');
    await call();
    const expiry = world.server.source.svid.notAfter;
    await rotateInTime(world);
    await bounded(
      callUntil(call, () => server.accepted.length > 1),
      'a second connection',
    );
    expect(Date.now()).toBeLessThan(expiry);
  });
});

describe.concurrent('our gRPC channels and a stock gRPC server', () => {
  it('a channel moves to a new connection before its own SVID expires, without a failed call and without a word of the server', async () => {
    await using world = await openTlsWorld({ svidTtlSeconds: TTL_SECONDS });
    const { key, cert, ca } = await stockServer(world.authority, ORDERS, LONG_SECONDS);
    const callers = new Set<string>();
    const echo = createEchoServer((call) => {
      if ('getPeer' in call && typeof call.getPeer === 'function') callers.add(String(call.getPeer()));
      return 'x';
    });
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
    const port = await bindStock(echo.server, ServerCredentials.createSsl(Buffer.from(ca.join('')), [pair], true));
    const expiry = world.client.source.svid.notAfter;
    const caller = echoCallers['createChannelCredentials']?.open(port, world.client);
    const call = async (): Promise<void> => expect(await caller?.call('hello')).toBe('hello');
    await call();
    await rotateInTime(world);
    await bounded(
      callUntil(call, () => callers.size > 1),
      'a second connection',
    );
    expect(Date.now()).toBeLessThan(expiry);
    await caller?.close();
    echo.server.forceShutdown();
  });
});

function bindStock(server: GrpcServer, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}
