import { connect as connectTcp, type Socket } from 'node:net';
import { createAgent, createServer, type EphemosError, isEphemosError } from 'ephemos';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { publishedDuring } from '../support/channel.ts';
import { bounded, next, untilHolds } from '../support/events.ts';
import { httpsCall } from '../support/https-call.ts';
import { type Listening, listening } from '../support/listening.ts';
import { openTlsWorld, type TlsWorld } from '../support/tls-world.ts';

const host = '127.0.0.1';
type Open = Listening<ReturnType<typeof createServer>>;

const serve = (world: TlsWorld, options: object): Promise<Open> =>
  listening(createServer({ ...world.server, ...options }, (_request, response) => response.end('ok')));

interface Silent {
  readonly socket: Socket;
  readonly connected: Promise<void>;
  readonly closed: Promise<void>;
}

/** A connection that says nothing, or the first byte of a record. */
function silent({ port }: Open, { localAddress, byte = false }: { readonly localAddress?: string; readonly byte?: boolean } = {}): Silent {
  const socket = connectTcp({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
  socket.on('error', () => undefined);
  if (byte) socket.write(Buffer.from([0x16]));
  return {
    socket,
    connected: new Promise((resolve) => socket.once('connect', resolve)),
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
  };
}

async function refusalsDuring(work: () => Promise<unknown>): Promise<readonly EphemosError[]> {
  const seen = await publishedDuring('refused', work);
  return seen.flatMap(({ error }) => (isEphemosError(error) ? [error] : []));
}

describe('limits of a listener', () => {
  it('reset the connection that is one too many, and take one again when another has closed', async () => {
    await using world = await openTlsWorld();
    await using open = await serve(world, { limits: { maxConnections: 2 } });
    const seen = await refusalsDuring(async () => {
      const first = silent(open);
      silent(open);
      await untilHolds(() => open.accepted.length === 2, 'two connections');
      await bounded(silent(open).closed, 'the reset');
      first.socket.destroy();
      await untilHolds(() => open.accepted[0]?.destroyed === true, 'a free place');
      const agent = createAgent(world.client);
      expect(await httpsCall(open.origin, { agent })).toMatchObject({ body: 'ok' });
      agent.destroy();
    });
    expect(seen).toMatchObject([{ code: 'ERR_LIMIT_REACHED', message: '2 connections are open' }]);
  });

  it.runIf(process.platform === 'linux')('count connections by address, so that one address cannot take every place', async () => {
    await using world = await openTlsWorld();
    await using open = await serve(world, { limits: { maxConnectionsPerAddress: 1 } });
    silent(open, { localAddress: '127.0.0.2' });
    await untilHolds(() => open.accepted.length === 1, 'the first');
    await bounded(silent(open, { localAddress: '127.0.0.2' }).closed, 'the reset');
    const agent = createAgent(world.client);
    expect(await httpsCall(open.origin, { agent })).toMatchObject({ body: 'ok' });
    agent.destroy();
  });

  it.runIf(process.platform === 'linux')('leave half of the handshakes in flight to other addresses', async () => {
    await using world = await openTlsWorld();
    await using open = await serve(world, { limits: { maxHandshakes: 4 } });
    const held = Array.from({ length: 10 }, () => silent(open, { localAddress: '127.0.0.2', byte: true }));
    await untilHolds(() => open.accepted.length === 10, 'ten connections');
    const agent = createAgent(world.client);
    expect(await bounded(httpsCall(open.origin, { agent }), 'an answer in the crowd')).toMatchObject({ body: 'ok' });
    for (const { socket } of held) socket.destroy();
    agent.destroy();
  });

  it('reset a connection that found no turn within the handshake timeout', async () => {
    await using world = await openTlsWorld();
    await using open = await serve(world, { limits: { maxHandshakes: 1 }, handshakeTimeout: 300 });
    const seen = await refusalsDuring(async () => {
      await bounded(Promise.all([silent(open, { byte: true }).closed, silent(open, { byte: true }).closed]), 'both ends');
    });
    expect(seen.map(({ code }) => code).sort()).toEqual(['ERR_HANDSHAKE_TIMEOUT', 'ERR_LIMIT_REACHED']);
  });

  it('reset a connection that says nothing within the handshake timeout, and give it no TLS', async () => {
    await using world = await openTlsWorld();
    await using open = await serve(world, { limits: { maxHandshakes: 1 }, handshakeTimeout: 300 });
    const seen = await refusalsDuring(async () => {
      const held = [silent(open), silent(open), silent(open)];
      await untilHolds(() => open.accepted.length === 3, 'three connections');
      // They hold no place: a caller is served at once.
      const agent = createAgent(world.client);
      expect(await httpsCall(open.origin, { agent })).toMatchObject({ body: 'ok' });
      agent.destroy();
      await bounded(Promise.all(held.map(({ closed }) => closed)), 'their ends');
    });
    expect(seen.map(({ code }) => code)).toEqual(['ERR_HANDSHAKE_TIMEOUT', 'ERR_HANDSHAKE_TIMEOUT', 'ERR_HANDSHAKE_TIMEOUT']);
  });

  it('let through what comes at once, and lose nobody', async () => {
    await using world = await openTlsWorld();
    await using open = await serve(world, { limits: { maxConnections: 100, maxConnectionsPerAddress: 100, maxHandshakes: 16 } });
    const sockets = await Promise.all(
      Array.from({ length: 60 }, () => connect({ ...world.client, host, port: open.port, protocols: ['http/1.1'] })),
    );
    expect(sockets).toHaveLength(60);
    for (const socket of sockets) socket.destroy();
  });

  it('end connections that wait when the server is closed', async () => {
    await using world = await openTlsWorld();
    const server = createServer({ ...world.server, limits: { maxHandshakes: 1 } });
    const open = await listening(server);
    const first = silent(open, { byte: true });
    await first.connected;
    const second = silent(open, { byte: true });
    await second.connected;
    await untilHolds(() => open.accepted.length === 2, 'two connections');
    server.close();
    first.socket.destroy();
    await bounded(next(server, 'close'), 'the end of the server');
    await bounded(second.closed, 'the end of the second');
  });
});
