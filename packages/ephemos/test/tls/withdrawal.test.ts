import type { TLSSocket } from 'node:tls';
import { authorizeAny, createServer, type X509Source } from 'ephemos';
import { connect, listen, type TlsListener } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { readUntil } from '../support/bytes.ts';
import { deferred, failureOf, next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { OPS, ORDERS, openTlsWorld, type TlsWorld, untilSource, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';
/** A timer may be late on a loaded machine, never early. */
const LATE_MS = 2_500;

interface Pair {
  readonly client: TLSSocket;
  readonly server: TLSSocket;
}

interface Graces {
  readonly server?: number;
  readonly client?: number;
}

/** A listener with live connections of which both ends are at hand. */
async function openPairs(
  world: TlsWorld,
  graces: Graces,
  count: number,
): Promise<{ readonly listener: TlsListener; readonly pairs: readonly Pair[] }> {
  let arrived = deferred<TLSSocket>();
  const listener = await listen({ ...world.server, host, withdrawalGrace: graces.server }, (socket) => arrived.resolve(socket));
  const pairs: Pair[] = [];
  for (let made = 0; made < count; made += 1) {
    arrived = deferred();
    const client = await connect({ ...world.client, host, port: listener.address().port, withdrawalGrace: graces.client });
    const server = await arrived.promise;
    pairs.push({ client: client.on('error', () => undefined).resume(), server: server.resume() });
  }
  return { listener, pairs };
}

async function lose(world: TlsWorld, source: X509Source, how: string): Promise<void> {
  if (how === 'closed') return source.close();
  await world.authority.withdraw(source.svid.id);
  await untilSource(source, () => source.health.state === 'withdrawn');
}

async function closed(socket: TLSSocket): Promise<void> {
  if (!socket.closed) await next(socket, 'close');
}

describe.each([
  { how: 'withdrawn', code: 'ERR_IDENTITY_WITHDRAWN' },
  { how: 'closed', code: 'ERR_SOURCE_CLOSED' },
])('a source that is $how', ({ how, code }) => {
  it('on the server: refuses new handshakes at once and ends live connections within withdrawalGrace', async () => {
    await using world = await openTlsWorld();
    const { listener, pairs } = await openPairs(world, { server: 500 }, 8);
    const started = performance.now();
    const ends = pairs.map(async ({ client }) => {
      await closed(client);
      return performance.now() - started;
    });
    await lose(world, world.server.source, how);
    expect(await failureOf(connect({ ...world.client, host, port: listener.address().port }))).toMatchObject({
      code: expect.stringMatching(/^ERR_SSL_/),
      cause: { code: 'ERR_CONNECT_FAILED', hint: expect.stringContaining('it has no identity at this moment') },
    });
    const times = await Promise.all(ends);
    expect(Math.max(...times)).toBeLessThan(500 + LATE_MS);
    await listener.close();
  });

  it('on the client: refuses to connect at once and ends live connections within withdrawalGrace', async () => {
    await using world = await openTlsWorld();
    const { listener, pairs } = await openPairs(world, { client: 500 }, 8);
    const started = performance.now();
    const ends = pairs.map(async ({ server }) => {
      await closed(server);
      return performance.now() - started;
    });
    await lose(world, world.client.source, how);
    expect(await failureOf(connect({ ...world.client, host, port: listener.address().port }))).toMatchObject({ code });
    const times = await Promise.all(ends);
    expect(Math.max(...times)).toBeLessThan(500 + LATE_MS);
    await listener.close();
  });

  it('ends live connections in the same turn when the grace is 0, and no others', async () => {
    await using world = await openTlsWorld();
    const { listener, pairs } = await openPairs(world, { server: 0, client: 60_000 }, 2);
    await lose(world, world.server.source, how);
    for (const { server } of pairs) expect(server.destroyed).toBe(true);
    await Promise.all(pairs.map(({ client }) => closed(client)));
    await listener.close();

    await using other = await openTlsWorld();
    const { listener: second, pairs: more } = await openPairs(other, { server: 60_000, client: 0 }, 2);
    await lose(other, other.client.source, how);
    for (const { client } of more) expect(client.destroyed).toBe(true);
    await second.close();
  });
});

describe('an identity that comes back', () => {
  it('cancels the end of connections that are still there', async () => {
    await using world = await openTlsWorld();
    const ops = await world.open(OPS);
    const answer = (_: unknown, response: { end(text: string): void }): void => response.end('ok');
    await using server = await listening(createServer({ ...world.server, withdrawalGrace: 400 }, answer));
    await using lost = await listening(createServer({ ...world.server, source: ops, withdrawalGrace: 400 }, answer));
    const protocols = ['http/1.1'];
    const client = { ...world.client, authorize: authorizeAny(), host, protocols };
    const kept = await connect({ ...client, port: server.port });
    const ended = await connect({ ...client, port: lost.port });
    const end = next(ended.on('error', () => undefined).resume(), 'close');
    // Each is at work on the server: the handshake alone does not tell that the server is done with it.
    kept.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await readUntil(kept, 'ok');

    await lose(world, world.server.source, 'withdrawn');
    await lose(world, ops, 'withdrawn');
    await world.authority.restore(ORDERS);
    await untilSource(world.server.source, () => world.server.source.health.state === 'ready');
    // By now the one that came back would have ended too: it was withdrawn before.
    await end;
    expect(kept.destroyed).toBe(false);
    kept.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await readUntil(kept, 'ok');
    kept.destroy();
  });

  it('takes new connections at once, and can be withdrawn again', async () => {
    await using world = await openTlsWorld();
    const { listener, pairs } = await openPairs(world, { server: 0 }, 1);
    await lose(world, world.server.source, 'withdrawn');
    await Promise.all(pairs.map(({ client }) => closed(client)));
    await world.authority.restore(ORDERS);
    await untilSource(world.server.source, () => world.server.source.health.state === 'ready');
    const socket = await connect({ ...world.client, host, port: listener.address().port });
    await lose(world, world.server.source, 'withdrawn');
    await next(socket.on('error', () => undefined).resume(), 'close');
    await listener.close();
  });

  it('on the client serves again without a new client', async () => {
    await using world = await openTlsWorld();
    await using listener = await listen({ ...world.server, host }, (socket) => socket.end('ok'));
    const target = { ...world.client, host, port: listener.address().port };
    await lose(world, world.client.source, 'withdrawn');
    expect(await failureOf(connect(target))).toMatchObject({ code: 'ERR_IDENTITY_WITHDRAWN' });
    await world.authority.restore(WEB);
    await untilSource(world.client.source, () => world.client.source.health.state === 'ready');
    await readUntil(await connect(target), 'ok');
  });
});

describe('an SVID that has expired without a newer one', () => {
  it('is not used for new connections, on either side', async () => {
    await using world = await openTlsWorld();
    await using server = await listening(createServer(world.server));
    const { source } = world.client;
    await world.authority.expire(WEB);
    await untilSource(source, () => source.health.state === 'expired');
    expect(await failureOf(connect({ ...world.client, host, port: server.port }))).toMatchObject({ code: 'ERR_IDENTITY_EXPIRED' });
    await world.authority.rotate();
    await untilSource(source, () => source.health.state === 'ready');
    await world.authority.expire(ORDERS);
    await untilSource(world.server.source, () => world.server.source.health.state === 'expired');
    expect(await failureOf(connect({ ...world.client, host, port: server.port }))).toMatchObject({
      code: expect.stringMatching(/^ERR_SSL_/),
      cause: { code: 'ERR_CONNECT_FAILED', hint: expect.stringContaining('it has no identity at this moment') },
    });
  });
});
