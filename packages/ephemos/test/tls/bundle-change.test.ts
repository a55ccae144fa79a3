import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer as createTlsServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { createTestAuthority } from '@ephemos/dev';
import { type Authorizer, authorizeAny, type Peer, TrustDomain } from 'ephemos';
import { connect, listen } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { readUntil } from '../support/bytes.ts';
import { bounded, next } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { stockClient, stockServer } from '../support/stock.ts';
import { ORDERS, openTlsWorld, untilSource, WEB } from '../support/tls-world.ts';

const host = '127.0.0.1';

async function echo(socket: TLSSocket, text: string): Promise<void> {
  const answer = readUntil(socket, text);
  socket.write(text);
  await answer;
}

/** The codes of refusals of live connections while it is open. */
function watchRefusals(): Disposable & { readonly codes: unknown[] } {
  const codes: unknown[] = [];
  function onRefused(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('live' in message) || message.live !== true || !('error' in message)) return;
    codes.push(message.error instanceof Error && 'code' in message.error ? message.error.code : message.error);
  }
  subscribe('ephemos:tls:refused', onRefused);
  return { codes, [Symbol.dispose]: () => void unsubscribe('ephemos:tls:refused', onRefused) };
}

describe.each([{ intermediate: false }, { intermediate: true }])('an authority that is replaced, $intermediate intermediate', (options) => {
  it('without overlap ends the connections of a server to peers of the old one within closeGrace', async () => {
    await using world = await openTlsWorld(options);
    await using listener = await listen({ ...world.server, host, closeGrace: 300 }, (socket) => socket.pipe(socket));
    // A stock client: it does nothing about it by itself.
    const socket = tlsConnect({ ...(await stockClient(world.authority, WEB)), host, port: listener.address().port });
    await next(socket, 'secureConnect');
    await echo(socket, 'before');
    using refusals = watchRefusals();
    const closing = next(
      socket.on('error', () => undefined),
      'close',
      2_900,
    );
    await world.authority.rotateAuthority({ overlap: false });
    await closing;
    expect(refusals.codes).toEqual(['ERR_PEER_AUTHORITY_UNKNOWN']);
  });

  it('without overlap ends the connections of a client to peers of the old one within closeGrace', async () => {
    await using world = await openTlsWorld(options);
    const stock = createTlsServer({ ...(await stockServer(world.authority, ORDERS)), allowHalfOpen: true }, (socket) =>
      socket.on('error', () => undefined).pipe(socket),
    );
    await using server = await listening(stock);
    const socket = await connect({ ...world.client, host, port: server.port, closeGrace: 300 });
    await echo(socket, 'before');
    using refusals = watchRefusals();
    const closing = next(
      socket.on('error', () => undefined),
      'close',
      2_900,
    );
    await world.authority.rotateAuthority({ overlap: false });
    await closing;
    expect(refusals.codes).toEqual(['ERR_PEER_AUTHORITY_UNKNOWN']);
  });

  it('with overlap ends none, until the old one is taken off the bundle', async () => {
    await using world = await openTlsWorld(options);
    await using listener = await listen({ ...world.server, host, closeGrace: 300 }, (socket) => socket.pipe(socket));
    const target = { ...world.client, host, port: listener.address().port };
    const old = await connect(target);
    await echo(old, 'before');
    await world.authority.rotateAuthority({ overlap: true });
    await untilSource(world.server.source, () => world.server.source.bundles.get(world.authority.trustDomain)?.size === 2);
    await listener.reauthorize();
    await echo(old, 'after');
    await untilSource(world.client.source, () => world.client.source.bundles.get(world.authority.trustDomain)?.size === 2);
    const young = await connect(target);
    await echo(young, 'young');
    const closing = next(
      old.on('error', () => undefined),
      'close',
      2_900,
    );
    await world.authority.retireAuthorities();
    await closing;
    await listener.reauthorize();
    await echo(young, 'still young');
    young.destroy();
  });
});

describe('a federated bundle that is removed', () => {
  it('ends the connections of its own peers and of nobody else, on servers and clients', async () => {
    const foreign = createTestAuthority('partner.example');
    await using world = await openTlsWorld();
    world.authority.federate(foreign);
    foreign.federate(world.authority);
    await using partner = await foreign.openX509Source('spiffe://partner.example/web');
    const partners = TrustDomain.parse('partner.example');
    for (const { source } of [world.server, world.client]) await untilSource(source, () => source.bundles.get(partners) !== undefined);
    const server = { ...world.server, authorize: authorizeAny(), host, closeGrace: 300 };
    await using listener = await listen(server, (socket) => socket.pipe(socket));
    await using theirs = await listen({ ...server, source: partner }, (socket) => socket.pipe(socket));
    const client = { authorize: authorizeAny(), host, closeGrace: 300 };

    const own = await connect({ ...client, source: world.client.source, port: listener.address().port });
    const fromPartner = await connect({ ...client, source: partner, port: listener.address().port });
    const toPartner = await connect({ ...client, source: world.client.source, port: theirs.address().port });
    for (const socket of [own, fromPartner, toPartner]) await echo(socket, 'before');

    const closing = [fromPartner, toPartner].map((socket) =>
      next(
        socket.on('error', () => undefined),
        'close',
        2_900,
      ),
    );
    world.authority.unfederate('partner.example');
    await Promise.all(closing);
    await listener.reauthorize();
    await echo(own, 'after');
    own.destroy();
  });
});

describe('reauthorize', () => {
  it('ends whom the policy no longer admits and touches nobody else', async () => {
    await using world = await openTlsWorld();
    const admitted = new Set([WEB, ORDERS]);
    const policy = { ...world.server, host, authorize: ({ id }: Peer) => admitted.has(id.toString()) };
    await using listener = await listen(policy, (socket) => socket.pipe(socket));
    const target = { ...world.client, host, port: listener.address().port };
    const web = await connect(target);
    const orders = await connect({ ...target, source: world.server.source });
    for (const socket of [web, orders]) await echo(socket, 'before');
    admitted.delete(WEB);
    const closing = next(
      web.on('error', () => undefined),
      'close',
      2_900,
    );
    await listener.reauthorize();
    await closing;
    await echo(orders, 'after');
    orders.destroy();
  });

  it('denies when the policy throws or answers with something else than true', async () => {
    await using world = await openTlsWorld();
    let answer: () => unknown = () => true;
    // Answers anything, as in a program without types.
    const authorize = new Proxy<Authorizer>(() => true, { apply: () => answer() });
    await using listener = await listen({ ...world.server, host, authorize }, (socket) => socket.pipe(socket));
    for (const broken of [
      () => {
        throw new Error('no database');
      },
      () => Promise.resolve(true),
      () => 1,
    ]) {
      answer = () => true;
      const socket = await connect({ ...world.client, host, port: listener.address().port });
      await echo(socket, 'before');
      const closing = next(
        socket.on('error', () => undefined),
        'close',
        2_900,
      );
      answer = broken;
      await bounded(listener.reauthorize(), 'reauthorize');
      await closing;
    }
  });
});
