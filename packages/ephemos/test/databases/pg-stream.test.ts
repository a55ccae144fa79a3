import { createPgStream, peerOf, retireClients } from 'ephemos/pg';
import { Client, type ClientConfig, Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { bounded, failureOf, next, untilHolds } from '../support/events.ts';
import { countFollowers } from '../support/followers.ts';
import { stockServer } from '../support/stock.ts';
import { ORDERS, openTlsWorld, type TlsWorld } from '../support/tls-world.ts';
import { openPgServer, type PgServer } from './pg-server.ts';

const host = '127.0.0.1';

async function openOrders(world: TlsWorld): Promise<PgServer> {
  const { key, cert } = await stockServer(world.authority, ORDERS);
  return openPgServer({ tls: { key, cert, requestCert: true, rejectUnauthorized: false } });
}

function settings(world: TlsWorld, port: number): ClientConfig {
  return { stream: createPgStream(world.client), host, port, user: 'web', database: 'shop' };
}

describe('createPgStream', () => {
  it('makes a stream for every connection of a pool, and says who is at its other end', async () => {
    await using world = await openTlsWorld();
    await using server = await openOrders(world);
    const pool = new Pool({ ...settings(world, server.port), max: 3 });
    retireClients(pool);
    const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
    expect(server.accepted).toHaveLength(3);
    for (const client of clients) {
      const stream: unknown = Reflect.get(Reflect.get(client, 'connection'), 'stream');
      expect(peerOf(typeof stream === 'object' && stream !== null ? stream : {}).id.toString()).toBe(ORDERS);
      client.release();
    }
    await pool.end();
  });

  it('lets go of the server and of the source when its client ends, and when it fails', async () => {
    await using world = await openTlsWorld();
    await using server = await openOrders(world);
    const counted = countFollowers(world.client.source);
    for (const admits of [true, false]) {
      const stream = createPgStream({ source: counted.source, authorize: () => admits });
      const client = new Client({ ...settings(world, server.port), stream });
      client.on('error', () => undefined);
      const outcome = await client.connect().catch((error: unknown) => error);
      expect(outcome).toEqual(admits ? client : expect.objectContaining({ code: 'ERR_PEER_UNAUTHORIZED' }));
      expect(counted.count()).toBe(admits ? 1 : 0);
      await client.end();
      await untilHolds(() => counted.count() === 0, 'the source is let go');
    }
    for (const socket of server.accepted) await next(socket, 'close');
  });

  it('is given up by connectionTimeoutMillis of a client and of a pool', async () => {
    await using world = await openTlsWorld();
    await using silent = await openPgServer({ answer: null });
    const client = new Client({ ...settings(world, silent.port), connectionTimeoutMillis: 100 });
    client.on('error', () => undefined);
    expect(await bounded(failureOf(client.connect()), 'the client', 3_000)).toMatchObject({ message: 'timeout expired' });
    const pool = new Pool({ ...settings(world, silent.port), connectionTimeoutMillis: 100 });
    expect(await bounded(failureOf(pool.query('SELECT 1')), 'the pool', 3_000)).toMatchObject({
      message: expect.stringMatching('timeout'),
    });
    for (const socket of silent.accepted) await next(socket, 'close');
    await pool.end();
  });

  it('is given up when its client ends before it is connected', async () => {
    await using world = await openTlsWorld();
    await using silent = await openPgServer({ answer: 'S' });
    const client = new Client(settings(world, silent.port));
    client.on('error', () => undefined);
    const connecting = failureOf(client.connect());
    await next(silent.server, 'connection');
    const stream: unknown = Reflect.get(Reflect.get(client, 'connection'), 'stream');
    if (typeof stream === 'object' && stream !== null && 'end' in stream && typeof stream.end === 'function') stream.end();
    await bounded(connecting, 'the end', 3_000);
    for (const socket of silent.accepted) await next(socket, 'close');
  });

  it('passes on what the system says when nobody listens', async () => {
    await using world = await openTlsWorld();
    const closed = await openPgServer();
    await closed[Symbol.asyncDispose]();
    const client = new Client(settings(world, closed.port));
    client.on('error', () => undefined);
    expect(await failureOf(client.connect())).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('fails while there is no identity, with its reason', async () => {
    await using world = await openTlsWorld();
    await using server = await openOrders(world);
    await world.client.source.close();
    const client = new Client(settings(world, server.port));
    client.on('error', () => undefined);
    expect(await failureOf(client.connect())).toMatchObject({ code: 'ERR_SOURCE_CLOSED' });
    for (const socket of server.accepted) await next(socket, 'close');
  });

  it('refuses options that nothing can be made of when it is called', async () => {
    await using world = await openTlsWorld();
    expect(() => createPgStream({ ...world.client, connectTimeout: 0 })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    const options = { ...world.client };
    Reflect.set(options, 'negotiation', 'prefer');
    expect(() => createPgStream(options)).toThrow("negotiation must be 'postgres' or 'direct'");
    Reflect.deleteProperty(options, 'negotiation');
    Reflect.deleteProperty(options, 'authorize');
    expect(() => createPgStream(options)).toThrow(expect.objectContaining({ code: 'ERR_AUTHORIZER_INVALID' }));
  });
});
