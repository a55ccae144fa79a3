import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createNetServer, connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { authorizeAny, authorizeId } from 'ephemos';
import { connect, listen, peerOf } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { readAll, readUntil } from '../support/bytes.ts';
import { bounded, deferred, failureOf, next } from '../support/events.ts';
import { countFollowers } from '../support/followers.ts';
import { listening } from '../support/listening.ts';
import { openRelay } from '../support/relay.ts';
import { OPS, ORDERS, openTlsWorld, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';

describe.each([{ intermediate: false }, { intermediate: true }])('raw TLS, $intermediate intermediate', (options) => {
  it('hands over both sides verified, and each knows the other', async () => {
    await using world = await openTlsWorld(options);
    await using listener = await listen({ ...world.server, host }, (socket) => socket.end(`hello ${peerOf(socket).id}`));
    const socket = await connect({ ...world.client, host, port: listener.address().port });
    expect(String(peerOf(socket).id)).toBe(ORDERS);
    expect(peerOf(socket).chain).toHaveLength(options.intermediate ? 2 : 1);
    expect(socket.authorized).toBe(true);
    expect(await readAll(socket)).toBe(`hello ${WEB}`);
  });

  it('refuses a caller that is not admitted before its socket is handed over, and says why', async () => {
    await using world = await openTlsWorld(options);
    const refusals: Error[] = [];
    let handedOver = 0;
    await using listener = await listen({ ...world.server, host, onRefused: (error) => refusals.push(error) }, () => {
      handedOver += 1;
    });
    const socket = await connect({ ...world.client, source: await world.open(OPS), host, port: listener.address().port });
    // Written into nothing: the server never reads it.
    socket.on('error', () => undefined).write('secret');
    await next(socket, 'close');
    expect(handedOver).toBe(0);
    expect(refusals).toMatchObject([{ code: 'ERR_PEER_UNAUTHORIZED' }]);
  });

  it('refuses a server that is not the one wanted, and closes the connection', async () => {
    await using world = await openTlsWorld(options);
    const handedOver: TLSSocket[] = [];
    await using listener = await listen({ ...world.server, host }, (socket) => handedOver.push(socket));
    const wrong = { ...world.client, authorize: authorizeId(OPS), host, port: listener.address().port };
    expect(await failureOf(connect(wrong))).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
  });
});

describe('a raw connection', () => {
  it('is made over a unix socket', async () => {
    await using world = await openTlsWorld();
    const directory = await mkdtemp(join(tmpdir(), 'eph-'));
    const path = join(directory, 's');
    const listener = await listen({ ...world.server, path }, (socket) => socket.end(String(peerOf(socket).id)));
    const socket = await connect({ ...world.client, path });
    expect(await readAll(socket)).toBe(WEB);
    expect(() => listener.address()).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    await listener.close();
    await rm(directory, { recursive: true });
  });

  it('is made over a connection that is open already, as STARTTLS does', async () => {
    await using world = await openTlsWorld();
    await using listener = await listen({ ...world.server, host }, (socket) => socket.end('after'));
    // Says its line in the clear, then passes everything on to the TLS listener.
    const front = createNetServer((client) => {
      client.write('ready\n');
      const back = netConnect(listener.address().port, host);
      client.pipe(back).pipe(client);
      client.on('error', () => back.destroy());
      back.on('error', () => client.destroy());
    });
    await using outside = await listening(front);
    const open = netConnect(outside.port, host);
    expect(String((await next(open, 'data'))[0])).toBe('ready\n');
    const socket = await connect({ ...world.client, socket: open });
    expect(String(peerOf(socket).id)).toBe(ORDERS);
    expect(await readAll(socket)).toBe('after');
    if (!open.destroyed) await next(open, 'close');
  });

  it('closes the open connection it was given when nothing comes of it', async () => {
    await using world = await openTlsWorld();
    const held: Socket[] = [];
    await using silent = await listening(createNetServer((socket) => void held.push(socket.on('error', () => undefined))));
    async function open(): Promise<Socket> {
      const socket = netConnect(silent.port, host);
      await next(socket, 'connect');
      return socket;
    }
    const late = await open();
    expect(await failureOf(connect({ ...world.client, socket: late, connectTimeout: 50 }))).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT' });
    const aborted = await open();
    const signal = AbortSignal.abort();
    expect(await failureOf(connect({ ...world.client, socket: aborted, signal }))).toMatchObject({ code: 'ERR_CONNECT_ABORTED' });
    const withdrawn = await open();
    await world.client.source.close();
    expect(await failureOf(connect({ ...world.client, socket: withdrawn }))).toMatchObject({ code: 'ERR_SOURCE_CLOSED' });
    for (const socket of [late, aborted, withdrawn]) if (!socket.closed) await next(socket, 'close');
  });

  it('passes on the reset of the open connection it was given', async () => {
    await using world = await openTlsWorld();
    await using hostile = await listening(createNetServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
    const open = netConnect(hostile.port, host);
    await next(open, 'connect');
    expect(await failureOf(connect({ ...world.client, socket: open }))).toMatchObject({ code: 'ECONNRESET' });
    expect(open.destroyed).toBe(true);
  });

  it('offers the protocols it was given and nothing else', async () => {
    await using world = await openTlsWorld();
    await using listener = await listen({ ...world.server, host, protocols: ['b', 'a'] }, (socket) =>
      socket.end(String(socket.alpnProtocol)),
    );
    const { port } = listener.address();
    expect(await readAll(await connect({ ...world.client, host, port, protocols: ['a', 'b'] }))).toBe('b');
    expect(await readAll(await connect({ ...world.client, host, port }))).toBe('false');
    expect(await failureOf(connect({ ...world.client, host, port, protocols: ['c'] }))).toMatchObject({
      code: expect.stringMatching(/NO_APPLICATION_PROTOCOL/),
    });
  });

  it('lives with a server without ALPN, unless it wants h2', async () => {
    await using world = await openTlsWorld();
    await using listener = await listen({ ...world.server, host }, (socket) => socket.end('ok'));
    const { port } = listener.address();
    expect(await readAll(await connect({ ...world.client, host, port, protocols: ['http/1.1'] }))).toBe('ok');
    expect(await failureOf(connect({ ...world.client, host, port, protocols: ['h2'] }))).toMatchObject({ code: 'ERR_ALPN_MISMATCH' });
  });
});

describe('a raw listener', () => {
  it('closes in order: what was written still arrives, and close() is done when the connections are', async () => {
    await using world = await openTlsWorld();
    const large = 'x'.repeat(1_000_000);
    const accepted = deferred<TLSSocket>();
    const listener = await listen({ ...world.server, host }, (socket) => accepted.resolve(socket));
    const socket = await connect({ ...world.client, host, port: listener.address().port });
    (await accepted.promise).write(large);
    const [text] = await Promise.all([readAll(socket), listener.close()]);
    expect(text).toHaveLength(large.length);
    await listener.close();
  });

  it('does not wait longer than closeGrace for a peer that reads nothing or stops in its handshake', async () => {
    await using world = await openTlsWorld();
    const accepted = deferred<TLSSocket>();
    const listener = await listen({ ...world.server, host, closeGrace: 100 }, (socket) => accepted.resolve(socket));
    const { port } = listener.address();
    const socket = await connect({ ...world.client, host, port });
    socket.on('error', () => undefined);
    (await accepted.promise).write(Buffer.alloc(30_000_000));
    const halfway = netConnect(port, host).on('error', () => undefined);
    await next(halfway, 'connect');
    await bounded(listener.close(), 'close()', 3_000);
    socket.resume();
    for (const each of [socket, halfway]) if (!each.closed) await next(each, 'close');
  });

  it('hands nobody over who finishes the handshake after close()', async () => {
    await using world = await openTlsWorld();
    let handedOver = 0;
    const listener = await listen({ ...world.server, host }, (socket) => {
      handedOver += 1;
      socket.write('in');
    });
    const { port } = listener.address();
    const connected = deferred();
    const release = deferred();
    await using outside = await openRelay(port, { toServer: release.promise, onConnect: () => connected.resolve() });
    const attempt = connect({ ...world.client, host, port: outside.port }).then(
      (socket) =>
        once(
          socket.on('error', () => undefined),
          'close',
        ),
      () => undefined,
    );
    await connected.promise;
    // A second connection proves that the one before it was accepted.
    const proof = await connect({ ...world.client, host, port });
    await readUntil(proof, 'in');
    const closing = listener.close();
    release.resolve();
    await bounded(Promise.all([closing, attempt]), 'close()');
    proof.destroy();
    expect(handedOver).toBe(1);
  });

  it('passes on why it cannot listen, and lets go of the source', async () => {
    await using world = await openTlsWorld();
    await using taken = await listening(createNetServer());
    const { source, count } = countFollowers(world.server.source);
    const counted = { ...world.server, source };
    expect(await failureOf(listen({ ...counted, host, port: taken.port }, () => undefined))).toMatchObject({ code: 'EADDRINUSE' });
    expect(count()).toBe(0);
    const listener = await listen({ ...counted, host }, () => undefined);
    expect(count()).toBeGreaterThan(0);
    await listener.close();
    expect(count()).toBe(0);
  });

  it('serves on when a connection breaks', async () => {
    await using world = await openTlsWorld();
    await using listener = await listen({ ...world.server, authorize: authorizeAny(), host }, (socket) => socket.pipe(socket));
    const { port } = listener.address();
    const tcp = netConnect(port, host);
    await next(tcp, 'connect');
    const broken = await connect({ ...world.client, socket: tcp });
    broken.on('error', () => undefined).write('x');
    await readUntil(broken, 'x');
    tcp.resetAndDestroy();
    if (!broken.closed) await next(broken, 'close');
    const socket = await connect({ ...world.client, host, port });
    socket.write('still here');
    await readUntil(socket, 'still here');
    socket.destroy();
  });
});
