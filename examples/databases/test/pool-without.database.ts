// The same load without retireClients: what it is for, and what else there is.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load, openPlace, type Place, TTL_SECONDS, tell } from './load.ts';
import { ORDERS } from './world.ts';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place?.[Symbol.asyncDispose]());

describe(`a pool whose SVIDs live ${TTL_SECONDS} s and that is not told to retire its clients`, () => {
  it('with maxLifetimeSeconds of a third of the life: no query fails either, as long as nothing is withdrawn', {
    timeout: 120_000,
  }, async () => {
    const { world } = place;
    const identity = await world.client(ORDERS, 'orders');
    const pool = place.pool(identity, { maxLifetimeSeconds: TTL_SECONDS / 3 });
    const outcome = await load(world, pool, identity);
    tell('maxLifetimeSeconds', outcome);
    await pool.end();
    expect(outcome.failures).toEqual([]);
  });

  it('with neither: what runs when a certificate expires fails, and says why', { timeout: 120_000 }, async () => {
    const { world } = place;
    const identity = await world.client(ORDERS, 'orders');
    const pool = place.pool(identity);
    const outcome = await load(world, pool, identity);
    tell('neither', outcome);
    await pool.end();
    expect(outcome.failures.length + outcome.errors.length).toBeGreaterThan(0);
    expect([...outcome.failures, ...outcome.errors].join('\n')).toContain('a certificate of the connection expired');
  });
});
