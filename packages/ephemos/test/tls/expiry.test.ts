// Certificates of a few seconds; the tests run at the same time, so the file takes as long as one of them lives.
import { createServer as createTlsServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { connect, listen, peerOf } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { bounded, deferred, next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { stockClient, stockServer } from '../support/stock.ts';
import { ORDERS, openTlsWorld, rotateAll, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';
const TTL_SECONDS = 6;
/** A timer may be late on a loaded machine. */
const LATE_MS = 2_500;

/** When the other side said its end, and when the connection was closed, in milliseconds since 1970. */
async function watchEnd(socket: TLSSocket): Promise<{ readonly endedAt: number; readonly closedAt: number }> {
  let endedAt = Number.NaN;
  socket.on('error', () => undefined).resume();
  socket.once('end', () => {
    endedAt = Date.now();
  });
  await bounded(new Promise((resolve) => socket.once('close', resolve)), 'close');
  return { endedAt, closedAt: Date.now() };
}

describe.concurrent.each([{ intermediate: false }, { intermediate: true }])('expiry, $intermediate intermediate', (options) => {
  it('a client leaves a connection before the leaf of either side expires, and the server had no need to speak', async () => {
    await using world = await openTlsWorld({ ...options, svidTtlSeconds: TTL_SECONDS });
    const accepted = deferred<TLSSocket>();
    await using listener = await listen({ ...world.server, host }, (socket) => accepted.resolve(socket));
    const client = await connect({ ...world.client, host, port: listener.address().port });
    const expiry = Math.min(peerOf(client).expiresAt, world.client.source.svid.notAfter);
    const server = await accepted.promise;
    const [seen] = await Promise.all([watchEnd(server), watchEnd(client)]);
    expect(seen.endedAt).toBeLessThan(expiry);
  });

  it('a server announces the end to a stock client before the leaf expires, and closes when it does', async () => {
    await using world = await openTlsWorld({ ...options, svidTtlSeconds: 60 });
    await using listener = await listen({ ...world.server, host }, (socket) => socket.resume());
    const stock = await stockClient(world.authority, WEB, TTL_SECONDS);
    const client = tlsConnect({ ...stock, host, port: listener.address().port });
    client.allowHalfOpen = true;
    // Writes on, so it notices that the connection is closed.
    const talk = setInterval(() => client.write('x'), 50);
    const { endedAt, closedAt } = await watchEnd(client);
    clearInterval(talk);
    expect(endedAt).toBeLessThan(stock.expiresAt);
    expect(closedAt).toBeGreaterThan(stock.expiresAt - 50);
    expect(closedAt).toBeLessThan(stock.expiresAt + LATE_MS);
  });

  it('a server drops a peer at once that is refused while its connection is on its way out', async () => {
    await using world = await openTlsWorld({ ...options, svidTtlSeconds: 60 });
    let admits = true;
    const accepted = deferred<TLSSocket>();
    const refusing = { ...world.server, authorize: () => admits, closeGrace: 10_000, host };
    await using listener = await listen(refusing, (socket) => accepted.resolve(socket.resume()));
    const client = tlsConnect({ ...(await stockClient(world.authority, WEB, 2)), host, port: listener.address().port });
    client.allowHalfOpen = true;
    await next(client.on('error', () => undefined).resume(), 'end');
    const server = await accepted.promise;
    admits = false;
    await listener.reauthorize();
    expect(server.destroyed).toBe(true);
    client.destroy();
  });

  it('a client ends a connection to a stock server before the leaf of the server expires', async () => {
    await using world = await openTlsWorld({ ...options, svidTtlSeconds: 60 });
    const stock = await stockServer(world.authority, ORDERS, TTL_SECONDS);
    const accepted = deferred<TLSSocket>();
    await using server = await listening(createTlsServer(stock, (socket) => accepted.resolve(socket)));
    const client = await connect({ ...world.client, host, port: server.port });
    const [seen] = await Promise.all([watchEnd(await accepted.promise), watchEnd(client)]);
    expect(seen.endedAt).toBeLessThan(stock.expiresAt);
  });

  it('counts the SVID that the connection was made with, not the one that came after it', async () => {
    await using world = await openTlsWorld({ ...options, svidTtlSeconds: TTL_SECONDS });
    await using listener = await listen({ ...world.server, host }, (socket) => socket.resume());
    const expiry = world.server.source.svid.notAfter;
    const stock = await stockClient(world.authority, WEB, 60);
    const client = tlsConnect({ ...stock, host, port: listener.address().port });
    await next(client, 'secureConnect');
    // Certificates end on whole seconds: one made after the next second ends later.
    await new Promise<void>((resolve) => setTimeout(resolve, 1_010 - (Date.now() % 1_000)));
    await rotateAll(world, world.server.source);
    expect(world.server.source.svid.notAfter).toBeGreaterThan(expiry);
    const { endedAt } = await watchEnd(client);
    expect(endedAt).toBeLessThan(expiry);
  });
});
