import { connect as netConnect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createServer, type EphemosServer, type Peer } from 'ephemos';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { readAll, readUntil } from '../support/bytes.ts';
import { deferred, next, nextTurn } from '../support/events.ts';
import { type Listening, listening } from '../support/listening.ts';
import { OPS, ORDERS, openTlsWorld, type TlsWorld, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';
const GRACE_MS = 400;

interface Policed extends AsyncDisposable {
  readonly open: Listening<EphemosServer>;
  /** The URLs that the listener saw. */
  readonly served: string[];
  /** Lets the request for /slow finish. */
  finish(): void;
  connect(): Promise<TLSSocket>;
  /** Takes web out of the policy. */
  refuse(): Promise<void>;
}

/** A server whose policy can change. `/slow` waits for `finish`. */
async function openPoliced(world: TlsWorld, closeGrace = GRACE_MS): Promise<Policed> {
  const admitted = new Set([WEB, OPS]);
  const served: string[] = [];
  const slow = deferred();
  const authorize = ({ id }: Peer): boolean => admitted.has(id.toString());
  const server = createServer({ source: world.server.source, authorize, closeGrace }, async (request, response) => {
    served.push(String(request.url));
    if (request.url === '/slow') await slow.promise;
    response.end(`answer to ${request.url}`);
  });
  const open = await listening(server);
  return {
    open,
    served,
    finish: () => slow.resolve(),
    connect: async () => {
      const socket = await connect({ ...world.client, host, port: open.port, protocols: ['http/1.1'] });
      return socket.on('error', () => undefined);
    },
    async refuse() {
      admitted.delete(WEB);
      await server.reauthorize();
    },
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  };
}

function get(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: orders\r\n${more}\r\n`;
}

describe('a caller that the policy no longer admits', () => {
  it('gets the answer that is under way, which says that the connection ends with it', async () => {
    await using world = await openTlsWorld();
    await using policed = await openPoliced(world, 10_000);
    const socket = await policed.connect();
    socket.write(get('/slow'));
    await next(policed.open.server, 'request');
    await policed.refuse();
    const answer = readUntil(socket, 'answer to /slow');
    const closing = next(socket, 'close');
    policed.finish();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\nconnection: close\r\n/);
    await closing;
    expect(policed.served).toEqual(['/slow']);
  });

  it('gets 403 on a connection that was idle, and the connection ends', async () => {
    await using world = await openTlsWorld();
    await using policed = await openPoliced(world, 10_000);
    const socket = await policed.connect();
    socket.write(get('/before'));
    await readUntil(socket, 'answer to /before');
    await policed.refuse();
    const refusal = readUntil(socket, '\r\n\r\n');
    const closing = next(socket, 'close');
    socket.write(get('/next'));
    expect(await refusal).toMatch(/^HTTP\/1\.1 403 Forbidden\r\nconnection: close\r\n/);
    await closing;
    expect(policed.served).toEqual(['/before']);
  });

  it('has its idle connection ended within closeGrace, and others keep theirs', async () => {
    await using world = await openTlsWorld();
    await using policed = await openPoliced(world);
    const web = await policed.connect();
    const ops = await connect({ ...world.client, source: await world.open(OPS), host, port: policed.open.port, protocols: ['http/1.1'] });
    for (const socket of [web, ops]) {
      socket.write(get('/before'));
      await readUntil(socket, 'answer to /before');
    }
    const started = performance.now();
    const closing = next(web.resume(), 'close');
    await policed.refuse();
    await closing;
    expect(performance.now() - started).toBeLessThan(GRACE_MS + 2_500);
    ops.write(get('/after'));
    expect(await readUntil(ops, 'answer to /after')).not.toMatch(/connection: close/i);
    ops.destroy();
  });

  it('is cut off after closeGrace when its answer takes longer', async () => {
    await using world = await openTlsWorld();
    await using policed = await openPoliced(world);
    const socket = await policed.connect();
    socket.write(get('/slow'));
    await next(policed.open.server, 'request');
    const closing = next(socket.resume(), 'close', GRACE_MS + 2_500);
    await policed.refuse();
    await closing;
    policed.finish();
  });

  it('cannot slip a request in behind the one that is under way', async () => {
    await using world = await openTlsWorld();
    await using policed = await openPoliced(world, 10_000);
    const socket = await policed.connect();
    socket.write(get('/slow'));
    await next(policed.open.server, 'request');
    await policed.refuse();
    // Pipelined: its response has no socket before the first one is done, and by then the connection has ended.
    const answers = readAll(socket);
    socket.write(get('/pipelined'));
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    policed.finish();
    expect(await answers).toMatch(/^HTTP\/1\.1 200 OK\r\nconnection: close\r\n[\s\S]*answer to \/slow$/);
    expect(policed.served).toEqual(['/slow']);
  });

  it('is asked for no body that it announces', async () => {
    await using world = await openTlsWorld();
    await using policed = await openPoliced(world, 10_000);
    const socket = await policed.connect();
    socket.write(get('/before'));
    await readUntil(socket, 'answer to /before');
    await policed.refuse();
    policed.open.server.on('checkContinue', () => expect.unreachable());
    const answer = readUntil(socket, '\r\n\r\n');
    socket.write('POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1\.1 403 /);
    await next(socket, 'close');
  });

  it('cannot upgrade: it gets 403, and may then reset the connection without harm', async () => {
    await using world = await openTlsWorld();
    await using policed = await openPoliced(world, 10_000);
    policed.open.server.on('upgrade', () => expect.unreachable());
    const upgrade = get('/chat', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
    const tcp = netConnect(policed.open.port, host);
    await next(tcp, 'connect');
    const rude = await connect({ ...world.client, socket: tcp, protocols: ['http/1.1'] });
    const polite = await policed.connect();
    for (const socket of [rude, polite]) {
      socket.write(get('/before'));
      await readUntil(
        socket.on('error', () => undefined),
        'answer to /before',
      );
    }
    await policed.refuse();
    const answer = readUntil(polite, '\r\n\r\n');
    polite.write(upgrade);
    expect(await answer).toMatch(/^HTTP\/1\.1 403 /);
    if (!polite.closed) await next(polite, 'close');
    rude.write(upgrade, () => tcp.resetAndDestroy());
    for (const accepted of policed.open.accepted)
      if (!accepted.closed)
        await next(
          accepted.on('error', () => undefined),
          'close',
        );
    expect(policed.served).toEqual(['/before', '/before']);
  });

  it('is refused although its connection was already on its way out', async () => {
    await using world = await openTlsWorld();
    const admitted = new Set([WEB]);
    const authorize = ({ id }: Peer): boolean => admitted.has(id.toString());
    const graces = { withdrawalGrace: 3_000, closeGrace: 3_000 };
    const server = createServer({ source: world.server.source, authorize, ...graces }, (_request, response) => response.end('served'));
    await using open = await listening(server);
    const socket = await connect({ ...world.client, host, port: open.port, protocols: ['http/1.1'] });
    socket.write(get('/'));
    await readUntil(socket, 'served');
    await world.authority.withdraw(ORDERS);
    admitted.clear();
    await server.reauthorize();
    const answer = readUntil(socket, '\r\n\r\n');
    socket.write(get('/'));
    expect(await answer).toMatch(/^HTTP\/1\.1 403 /);
    await next(socket, 'close');
  });
});
