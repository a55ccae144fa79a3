import { createHash } from 'node:crypto';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { createAgent, createServer, peerOf } from 'ephemos';
import { connect, peerOf as peerOfSocket } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { readUntil } from '../support/bytes.ts';
import { failureOf, next, untilHolds } from '../support/events.ts';
import { httpsCall } from '../support/https-call.ts';
import { listening } from '../support/listening.ts';
import { OPS, openTlsWorld, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';
const protocols = ['http/1.1'];

describe.each([{ intermediate: false }, { intermediate: true }])('createServer, $intermediate intermediate', (options) => {
  it('serves a caller and says who it is on the request, the response and the socket', async () => {
    await using world = await openTlsWorld(options);
    const seen: string[] = [];
    const server = createServer(world.server, (request, response) => {
      for (const carrier of [request, request.socket, response, response.socket]) seen.push(String(peerOf(carrier ?? {}).id));
      response.end(`hello ${peerOf(request).id}`);
    });
    await using open = await listening(server);
    const agent = createAgent(world.client);
    expect(await httpsCall(open.origin, { agent })).toMatchObject({ status: 200, body: `hello ${WEB}` });
    expect(seen).toEqual([WEB, WEB, WEB, WEB]);
    agent.destroy();
  });

  it('emits a refusal as tlsClientError, and the listener never runs', async () => {
    await using world = await openTlsWorld(options);
    await using open = await listening(createServer(world.server, () => expect.unreachable()));
    const agent = createAgent({ ...world.client, source: await world.open(OPS) });
    const error = await failureOf(httpsCall(open.origin, { agent }));
    expect(error).toMatchObject({ code: 'ECONNRESET', cause: { code: 'ERR_CONNECT_FAILED', hint: expect.stringContaining(OPS) } });
    expect(await open.refusal()).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED', message: expect.stringContaining(OPS) });
    agent.destroy();
  });
});

describe('createServer', () => {
  it('makes a node:https server: listen, address, close and its events are those of Node', async () => {
    await using world = await openTlsWorld();
    const server = createServer(world.server, (_request, response) => response.end('ok'));
    expect(server).toBeInstanceOf(HttpsServer);
    const open = await listening(server);
    expect(server.address()).toMatchObject({ address: host, port: open.port });
    const agent = createAgent(world.client);
    await httpsCall(open.origin, { agent });
    // The connection is idle now: close() of Node ends such ones.
    const closed = next(server, 'close');
    server.close();
    await closed;
    agent.destroy();
    expect(await failureOf(httpsCall(open.origin, { agent }))).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('takes a listener later and more than one, as a framework adds it', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer(world.server));
    type Next = () => void;
    const steps = [
      (_request: IncomingMessage, response: ServerResponse, go: Next) => {
        response.setHeader('x-first', 'yes');
        go();
      },
      (request: IncomingMessage, response: ServerResponse) => response.end(`${request.url} for ${peerOf(request).id}`),
    ];
    // What express() returns is such a function.
    function app(request: IncomingMessage, response: ServerResponse, index = 0): void {
      steps[index]?.(request, response, () => app(request, response, index + 1));
    }
    open.server.on('request', (request, response) => app(request, response));
    const agent = createAgent(world.client);
    expect(await httpsCall(`${open.origin}/orders`, { agent })).toMatchObject({
      headers: { 'x-first': 'yes' },
      body: `/orders for ${WEB}`,
    });
    agent.destroy();
  });

  it('serves many requests on one connection', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer(world.server, (request, response) => request.pipe(response)));
    const agent = createAgent(world.client);
    for (let round = 0; round < 5; round += 1) {
      expect(await httpsCall(open.origin, { agent, body: `round ${round}` })).toMatchObject({ body: `round ${round}`, reused: round > 0 });
    }
    expect(open.accepted).toHaveLength(1);
    agent.destroy();
  });

  it('leaves the peer on an upgraded connection, such as a WebSocket', async () => {
    await using world = await openTlsWorld();
    const server = createServer(world.server, () => expect.unreachable());
    server.on('upgrade', (request, socket) => {
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      const text = `${peerOf(request).id} ${peerOf(socket).id}`;
      socket.end(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]));
    });
    await using open = await listening(server);
    const socket = await connect({ ...world.client, host, port: open.port, protocols });
    socket.write('GET /chat HTTP/1.1\r\nHost: orders\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n');
    socket.write('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    const answer = await readUntil(socket, `${WEB} ${WEB}`);
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    socket.destroy();
  });

  it('asks checkContinue and checkExpectation as Node does', async () => {
    await using world = await openTlsWorld();
    const server = createServer(world.server, () => expect.unreachable());
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      response.writeContinue();
      request.pipe(response.setHeader('x-peer', peerOf(request).id.toString()));
    });
    server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => response.writeHead(417).end());
    await using open = await listening(server);
    const socket = await connect({ ...world.client, host, port: open.port, protocols });
    socket.write('POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
    await readUntil(socket, '100 Continue');
    socket.write('body');
    expect(await readUntil(socket, 'body')).toContain(`x-peer: ${WEB}`);
    socket.write('POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 0\r\nExpect: miracles\r\n\r\n');
    await readUntil(socket, '417');
    socket.destroy();
  });

  it('cuts off a client that drips its headers, and one that drips its body', async () => {
    await using world = await openTlsWorld();
    const server = createServer(world.server, (request, response) => void request.resume().once('end', () => response.end('whole')));
    server.headersTimeout = 300;
    server.requestTimeout = 900;
    // How often Node looks; its default is 30 s.
    Reflect.set(server, 'connectionsCheckingInterval', 50);
    await using open = await listening(server);
    for (const beginning of ['GET / HTTP/1.1\r\nX: ', 'POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 1000\r\n\r\n']) {
      const slow = await connect({ ...world.client, host, port: open.port, protocols });
      slow.on('error', () => undefined).write(beginning);
      const drip = setInterval(() => slow.write('x'), 30);
      expect(await readUntil(slow, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 408 /);
      clearInterval(drip);
      // Not the event 'close' alone: a drop that meets the closed end is an error first.
      await untilHolds(() => slow.destroyed, 'the end of the connection');
    }
  });

  it('closes an idle connection after keepAliveTimeout and tells the client so', async () => {
    await using world = await openTlsWorld();
    const server = createServer(world.server, (_request, response) => response.end('ok'));
    server.keepAliveTimeout = 1_000;
    await using open = await listening(server);
    const socket = await connect({ ...world.client, host, port: open.port, protocols });
    socket.write('GET / HTTP/1.1\r\nHost: orders\r\n\r\n');
    expect(await readUntil(socket, 'ok')).toContain('Keep-Alive: timeout=1');
    await next(socket, 'close', 5_000);
  });

  it('answers a malformed request as Node does', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer(world.server, () => expect.unreachable()));
    const socket = await connect({ ...world.client, host, port: open.port, protocols });
    socket.write('NO HTTP AT ALL\r\n\r\n');
    expect(await readUntil(socket, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});

describe('peerOf', () => {
  it('throws for a request that came over plain http', async () => {
    const caught: unknown[] = [];
    const plain = createPlainServer((request, response) => {
      for (const carrier of [request, response, request.socket, {}]) {
        try {
          caught.push(peerOf(carrier));
        } catch (error) {
          caught.push(error instanceof Error && 'code' in error ? error.code : error);
        }
      }
      response.end();
    });
    await using open = await listening(plain);
    await (await fetch(`http://127.0.0.1:${open.port}`)).text();
    expect(caught).toEqual(Array.from({ length: 4 }, () => 'ERR_PEER_UNAUTHENTICATED'));
    expect(peerOf).toBe(peerOfSocket);
  });

  it('never believes a header', async () => {
    await using world = await openTlsWorld();
    await using open = await listening(createServer(world.server, (request, response) => response.end(String(peerOf(request).id))));
    const agent = createAgent(world.client);
    const headers = { 'x-forwarded-client-cert': `URI=${OPS}`, 'x-spiffe-id': OPS };
    expect(await httpsCall(open.origin, { agent, headers })).toMatchObject({ body: WEB });
    agent.destroy();
  });
});
