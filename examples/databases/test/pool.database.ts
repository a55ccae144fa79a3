// A pool whose certificates end every few seconds.
import { createPgStream, retireClients } from 'ephemos/pg';
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bounded, failureOf, untilHolds } from './events.ts';
import { LIVES, load, openPlace, type Place, settingsOf, TTL_SECONDS, tell } from './load.ts';
import { ORDERS, rotate } from './world.ts';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place?.[Symbol.asyncDispose]());

describe(`a pool whose SVIDs live ${TTL_SECONDS} s`, () => {
  it('with retireClients: no query fails, the pool reports nothing, and every connection is replaced in time', {
    timeout: 120_000,
  }, async () => {
    const { world } = place;
    const identity = await world.client(ORDERS, 'orders');
    const pool = place.pool(identity);
    retireClients(pool);
    const outcome = await load(world, pool, identity);
    tell('retireClients', outcome);
    await pool.end();
    expect(outcome.failures).toEqual([]);
    expect(outcome.errors).toEqual([]);
    // 8 places, each replaced in every life of an SVID.
    expect(outcome.connections).toBeGreaterThanOrEqual(8 * LIVES);
  });
});

describe('retireClients', () => {
  it('leaves alone a client that is in use, and replaces it when it comes back', async () => {
    const identity = await place.world.client(ORDERS, 'orders');
    const pool = place.pool(identity, { max: 1 });
    retireClients(pool);
    const { notAfter } = identity.source.svid;
    const client = await pool.connect();
    const before = await backendOf(client);
    await rotate(place.world, identity.source);
    // Meanwhile the connection is told to leave: 2 s before its certificate ends, or earlier.
    await client.query('SELECT pg_sleep($1)', [(notAfter - Date.now()) / 1000 - 1]);
    expect(await backendOf(client)).toBe(before);
    client.release();
    expect(await backendOf(pool)).not.toBe(before);
    await pool.end();
  });

  it('lets idle clients go when the policy no longer admits the database, and none comes back', async () => {
    let admits = true;
    const { source } = await place.world.client(ORDERS, 'orders');
    const stream = createPgStream({ source, authorize: () => admits });
    const pool = place.pool({ source, authorize: () => admits }, { stream });
    retireClients(pool);
    await Promise.all([backendOf(pool), backendOf(pool), backendOf(pool)]);
    expect(pool.idleCount).toBeGreaterThan(1);
    const removed = new Promise<void>((resolve) => pool.on('remove', () => pool.totalCount === 0 && resolve()));
    admits = false;
    await stream.reauthorize();
    await bounded(removed, 'the last client');
    expect(await failureOf(pool.query('SELECT 1'))).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED' });
    admits = true;
    expect(await backendOf(pool)).toBeGreaterThan(0);
    await pool.end();
  });

  it('empties the pool after a withdrawal, which says so to every query, and fills it again when the identity is back', async () => {
    const id = 'spiffe://example.org/withdrawn';
    const { source, authorize } = await place.world.client(id, 'orders');
    const pool = place.pool({ source, authorize }, { stream: createPgStream({ source, authorize, withdrawalGrace: 500 }) });
    retireClients(pool);
    await backendOf(pool);
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    await place.world.authority.withdraw(id);
    await bounded(removed, 'the client');
    expect(await failureOf(pool.query('SELECT 1'))).toMatchObject({ code: 'ERR_IDENTITY_WITHDRAWN' });
    await place.world.authority.restore(id);
    await untilHolds(
      () => backendOf(pool).catch(() => 0),
      (pid) => pid > 0,
      'the identity',
    );
    await pool.end();
  });

  it('takes no pool that does not connect through createPgStream', () => {
    expect(() => retireClients(new Pool())).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    expect(() => retireClients({ on: () => undefined })).toThrow(TypeError);
  });
});

describe('a Client of its own', () => {
  it('is told when its certificate expires, such as one that listens for notifications', async () => {
    const identity = await place.world.client(ORDERS, 'orders');
    const { notAfter } = identity.source.svid;
    const client = new Client(settingsOf(place.database, identity));
    const error = new Promise((resolve) => client.on('error', resolve));
    const ended = new Promise((resolve) => client.once('end', resolve));
    await client.connect();
    await client.query('LISTEN news');
    expect(await bounded(error, 'the error')).toMatchObject({ code: 'ERR_CONNECTION_ENDED', hint: expect.stringMatching('retireClients') });
    await bounded(ended, 'the end');
    // Not before: it has nobody to replace it.
    expect(Date.now()).toBeGreaterThanOrEqual(notAfter);
  });
});

async function backendOf(queryable: Pick<Pool, 'query'> | Pick<Client, 'query'>): Promise<number> {
  const { rows } = await queryable.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}
