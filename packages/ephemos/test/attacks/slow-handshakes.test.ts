// Peers that never finish a handshake: their place is free again in time, and others are served meanwhile.
import { createServer as createTcpServer, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { authorizeId } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONNECT_TIMEOUT_MS } from '../../src/tls/connect.ts';
import { HANDSHAKE_TIMEOUT_MS, tlsServerOptions } from '../../src/tls/terminate.ts';
import { bounded, deferred, failureOf, next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { type Credentials, ORDERS, openWorld, WEB, type World } from './identities.ts';
import { type VictimServer, victimClients, victimServers } from './victims.ts';
import { dial } from './wire.ts';

const TIMEOUT_MS = 200;
// For a machine that has other things to do. Whoever drips takes longer than this with a whole first message.
const SLACK_MS = 2_500;

let world: World;
let web: Credentials;
let clientHello: Buffer;
beforeAll(async () => {
  world = await openWorld({ intermediate: true });
  web = await world.authority.issueX509Svid(WEB);
  clientHello = await captureClientHello();
});
afterAll(() => world.close());

async function captureClientHello(): Promise<Buffer> {
  const captured = deferred<Buffer>();
  await using server = await listening(
    createTcpServer((socket) => socket.once('data', (chunk: Buffer) => captured.resolve(chunk)).on('error', () => undefined)),
  );
  const client = tlsConnect({ host: '127.0.0.1', port: server.port, ALPNProtocols: ['h2', 'http/1.1'] });
  client.on('error', () => undefined);
  const bytes = await captured.promise;
  client.destroy();
  return bytes;
}

/** Opens a connection, lets the attacker do its worst, and gives how long it was held, in milliseconds. */
async function hold(port: number, attack: (socket: Socket) => void): Promise<number> {
  const socket = tcpConnect(port, '127.0.0.1');
  const closed = deferred();
  socket.on('error', () => undefined).once('close', () => closed.resolve());
  socket.resume();
  await next(socket, 'connect');
  const begin = performance.now();
  attack(socket);
  await bounded(closed.promise, 'the connection is still held');
  return performance.now() - begin;
}

/** One byte at a time, each long before any patience is over, as long as the other side takes them. */
function drip(socket: Socket): void {
  let at = 0;
  const dripping = setInterval(() => {
    socket.write(clientHello.subarray(at, at + 1));
    at += 1;
  }, TIMEOUT_MS / 15);
  socket.once('close', () => clearInterval(dripping));
}

describe.each(Object.entries(victimServers))('%s', (_name, open) => {
  let server: VictimServer;
  beforeAll(async () => {
    server = await open({ source: await world.source(ORDERS), authorize: authorizeId(WEB), handshakeTimeout: TIMEOUT_MS });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each([
    ['sends nothing', (): void => undefined],
    ['sends a part of its first message', (socket: Socket): void => void socket.write(clientHello.subarray(0, 20))],
    ['sends its first message and no other', (socket: Socket): void => void socket.write(clientHello)],
    ['drips one byte after the other', drip],
  ])('lets go of a client that %s', async (_what, attack) => {
    const before = server.handled();
    const held = hold(server.port, attack);
    const good = await dial(server.port, web, { ALPNProtocols: [...server.protocols], use: server.use });
    expect([good.received.includes('served'), server.handled()]).toEqual([true, before + 1]);
    const took = await held;
    expect(took).toBeGreaterThan(TIMEOUT_MS / 2);
    expect(took).toBeLessThan(TIMEOUT_MS + SLACK_MS);
    expect(server.handled()).toBe(before + 1);
  });

  it('serves a good client while fifty others drip', async () => {
    const held = Array.from({ length: 50 }, () => hold(server.port, drip));
    const good = await dial(server.port, web, { ALPNProtocols: [...server.protocols], use: server.use });
    expect(good.received).toContain('served');
    expect(Math.max(...(await Promise.all(held)))).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  });

  it('is not ended by what is no TLS at all', async () => {
    for (const junk of [
      'GET / HTTP/1.1\r\n\r\n',
      '\0\0\0\0',
      Buffer.alloc(20_000, 0x16),
      Buffer.concat([clientHello.subarray(0, 60), Buffer.alloc(400, 0xff)]),
    ]) {
      await hold(server.port, (socket) => void socket.end(junk));
    }
    const good = await dial(server.port, web, { ALPNProtocols: [...server.protocols], use: server.use });
    expect(good.received).toContain('served');
  });
});

describe.each(Object.entries(victimClients))('%s', (_name, create) => {
  it('gives up on a server that never answers', async () => {
    await using silent = await listening(createTcpServer((socket) => socket.on('error', () => undefined)));
    await using client = create({ source: await world.source(WEB), authorize: authorizeId(ORDERS), connectTimeout: TIMEOUT_MS });
    const reason = client.reasonOf(await bounded(failureOf(client.request(silent.port)), 'no failure'));
    if (typeof reason === 'string') expect(reason).toContain('no verified connection within 0.2 s');
    else expect(reason).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT' });
  });
});

it('without an option a handshake has ten seconds, on both sides', async () => {
  const options = { source: await world.source(ORDERS), authorize: authorizeId(WEB) };
  expect([HANDSHAKE_TIMEOUT_MS, CONNECT_TIMEOUT_MS]).toEqual([10_000, 10_000]);
  expect(tlsServerOptions(options, []).handshakeTimeout).toBe(10_000);
});
