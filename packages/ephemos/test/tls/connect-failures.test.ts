import { createServer as createNetServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createServer, isEphemosError } from 'ephemos';
import { connect, listen } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { deferred, failureOf, next, nextError } from '../support/events.ts';
import { listening, portOf } from '../support/listening.ts';
import { openRelay } from '../support/relay.ts';
import { stockServer } from '../support/stock.ts';
import { ORDERS, openTlsWorld, untilSource, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';

describe('connect', () => {
  it('passes on what the system says when nobody listens', async () => {
    await using world = await openTlsWorld();
    const closed = await listening(createNetServer());
    await closed[Symbol.asyncDispose]();
    const error = await failureOf(connect({ ...world.client, host, port: closed.port }));
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(isEphemosError(error)).toBe(false);
  });

  it('gives up after connectTimeout and closes what it had begun', async () => {
    await using world = await openTlsWorld();
    await using silent = await listening(createNetServer((socket) => socket.resume().on('error', () => undefined)));
    const accepted = next(silent.server, 'connection');
    const error = await failureOf(connect({ ...world.client, host, port: silent.port, connectTimeout: 100 }));
    expect(error).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', message: 'no verified connection within 0.1 s' });
    await accepted;
    for (const socket of silent.accepted) if (!socket.closed) await next(socket, 'close');
  });

  it('does not even dial when its signal was aborted before', async () => {
    await using world = await openTlsWorld();
    await using silent = await listening(createNetServer());
    const reason = new Error('no longer needed');
    const error = await failureOf(connect({ ...world.client, host, port: silent.port, signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'ERR_CONNECT_ABORTED', cause: reason });
    expect(silent.accepted).toHaveLength(0);
  });

  it('is ended by its signal in the middle of the handshake, and the signal does not touch it afterwards', async () => {
    await using world = await openTlsWorld();
    await using silent = await listening(createNetServer((socket) => socket.resume().on('error', () => undefined)));
    const stop = new AbortController();
    silent.server.once('connection', () => stop.abort());
    const error = await failureOf(connect({ ...world.client, host, port: silent.port, signal: stop.signal }));
    expect(error).toMatchObject({ code: 'ERR_CONNECT_ABORTED' });
    for (const socket of silent.accepted) if (!socket.closed) await next(socket, 'close');

    await using listener = await listen({ ...world.server, host }, (socket) => socket.pipe(socket));
    const later = new AbortController();
    const socket = await connect({ ...world.client, host, port: listener.address().port, signal: later.signal });
    later.abort();
    socket.write('still here');
    expect(String((await next(socket, 'data'))[0])).toBe('still here');
    socket.destroy();
  });

  it('says so when the server hangs up in the handshake or speaks something else', async () => {
    await using world = await openTlsWorld();
    await using rude = await listening(createNetServer((socket) => socket.once('data', () => socket.end())));
    expect(await failureOf(connect({ ...world.client, host, port: rude.port }))).toMatchObject({
      code: expect.stringMatching(/^(ECONNRESET|ERR_CONNECT_FAILED)$/),
    });
    await using plain = await listening(createNetServer((socket) => socket.end('220 smtp.example.org\r\n')));
    expect(await failureOf(connect({ ...world.client, host, port: plain.port }))).toMatchObject({
      code: expect.stringMatching(/^ERR_SSL_/),
    });
  });

  it('leaves no error without a listener when the server breaks the connection right behind its handshake', async () => {
    await using world = await openTlsWorld();
    await using listener = await listen({ ...world.server, host }, (socket) => socket.resume());
    // An application data record that cannot be decrypted, in the same segment as the last flight of the handshake.
    const garbage = Buffer.concat([Buffer.from([0x17, 3, 3, 0, 32]), Buffer.alloc(32, 7)]);
    await using relay = await openRelay(listener.address().port, { alter: (chunk) => Buffer.concat([chunk, garbage]) });
    const socket = await connect({ ...world.client, host, port: relay.port });
    const error = await nextError(socket);
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_SSL_/), cause: { code: 'ERR_CONNECT_FAILED' } });
  });

  it('fails when our identity is withdrawn during the handshake', async () => {
    await using world = await openTlsWorld();
    await using listener = await listen({ ...world.server, host }, (socket) => socket.resume());
    const release = deferred();
    const reached = deferred();
    await using relay = await openRelay(listener.address().port, { toClient: release.promise, onConnect: () => reached.resolve() });
    const attempt = failureOf(connect({ ...world.client, host, port: relay.port }));
    await reached.promise;
    await world.authority.withdraw(WEB);
    await untilSource(world.client.source, () => world.client.source.health.state === 'withdrawn');
    release.resolve();
    expect(await attempt).toMatchObject({ code: 'ERR_IDENTITY_WITHDRAWN' });
  });

  it('talks to a stock TLS server that has a good SVID', async () => {
    await using world = await openTlsWorld({ intermediate: true });
    const stock = createTlsServer(await stockServer(world.authority, ORDERS), (socket) => socket.on('error', () => undefined).end('stock'));
    await using server = await listening(stock);
    const socket = await connect({ ...world.client, host, port: portOf(server.server) });
    expect(String((await next(socket, 'data'))[0])).toBe('stock');
    socket.destroy();
  });
});

describe('a server', () => {
  it('refuses a caller when our identity is withdrawn during the handshake', async () => {
    await using world = await openTlsWorld();
    await using server = await listening(createServer(world.server, () => expect.unreachable()));
    const release = deferred();
    await using relay = await openRelay(server.port, { toServer: release.promise });
    const accepted = next(server.server, 'connection');
    const attempt = connect({ ...world.client, host, port: relay.port }).then(
      (socket) =>
        next(
          socket.on('error', () => undefined),
          'close',
        ),
      () => undefined,
    );
    await accepted;
    await world.authority.withdraw(ORDERS);
    await untilSource(world.server.source, () => world.server.source.health.state === 'withdrawn');
    release.resolve();
    expect(await server.refusal()).toMatchObject({ code: 'ERR_IDENTITY_WITHDRAWN' });
    await attempt;
  });
});
