import { describe, expect, it } from 'vitest';
import { applyPlan, batches, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from '../../src/entries/apply-plan.ts';
import type { Entry } from '../../src/entries/entry.ts';
import { createPlanner, type Plan } from '../../src/entries/plan.ts';
import { resolveServer } from '../../src/spire-server/address.ts';
import { openServer } from '../../src/spire-server/open-server.ts';
import { fromWire, toWire } from '../../src/spire-server/wire.ts';
import { type FakeSpireServer, openSpireServer } from '../support/spire-server.ts';
import { entry } from './make.ts';

function clientOf({ address }: FakeSpireServer): ReturnType<typeof openServer> {
  return openServer({ address: resolveServer(address, {}), socket: undefined, as: undefined, timeout: 10_000 });
}

function planFor(wanted: readonly Entry[], fake: FakeSpireServer, prune = false): Plan {
  const planner = createPlanner(wanted, { owner: 'shop', prune, now: Date.now() });
  for (const each of fake.entries.values()) planner.see(fromWire(each));
  return planner.finish();
}

const never = { signal: new AbortController().signal, onProgress: () => undefined };

describe('batches', () => {
  it('hold so many entries and so many bytes at most', () => {
    const small = Array.from({ length: 2 * MAX_BATCH_ENTRIES + 1 }, (_, index) => entry(`w-${index}`));
    expect([...batches(small)].map((batch) => batch.length)).toEqual([MAX_BATCH_ENTRIES, MAX_BATCH_ENTRIES, 1]);
    const big = Array.from({ length: 5 }, (_, index) =>
      entry(`w-${index}`, { selectors: [`a:${'x'.repeat(MAX_BATCH_BYTES / 2 - 1000)}`] }),
    );
    expect([...batches(big)].map((batch) => batch.length)).toEqual([2, 2, 1]);
    const huge = [entry('a', { selectors: [`a:${'x'.repeat(MAX_BATCH_BYTES)}`] }), entry('b')];
    expect([...batches(huge)].map((batch) => batch.length)).toEqual([1, 1]);
    expect([...batches([])]).toEqual([]);
  });
});

describe('a plan that is applied', () => {
  it('changes first, creates then and deletes last', async () => {
    await using fake = await openSpireServer();
    for (const each of [entry('web'), entry('old')]) fake.add(toWire(each));
    await using server = await clientOf(fake);
    const plan = planFor([entry('web', { hint: 'x' }), entry('new')], fake, true);
    expect(await applyPlan(plan, server, never)).toEqual({
      created: 1,
      updated: 1,
      deleted: 1,
      failures: [],
      remaining: 0,
      cause: undefined,
    });
    expect(fake.calls).toEqual(['batchUpdateEntry', 'batchCreateEntry', 'batchDeleteEntry']);
    expect([...fake.entries.values()].map(fromWire)).toEqual([entry('web', { hint: 'x' }), entry('new')]);
  });

  it('lets a new entry have what an old one gives up', async () => {
    await using fake = await openSpireServer();
    fake.add(toWire(entry('web')));
    await using server = await clientOf(fake);
    const wanted = [entry('web', { selectors: ['a:1'] }), entry('web', { entryId: `ephemos.shop.${'0'.repeat(32)}` })];
    expect(await applyPlan(planFor(wanted, fake), server, never)).toMatchObject({ created: 1, updated: 1, failures: [] });
  });

  it('names what is refused and goes on with the others', async () => {
    await using fake = await openSpireServer();
    fake.refuse = ({ hint }) => (hint === 'bad' ? 'no such hint' : undefined);
    await using server = await clientOf(fake);
    const wanted = Array.from({ length: 250 }, (_, index) => entry(`w-${index}`, { hint: index % 100 === 7 ? 'bad' : 'good' }));
    const applied = await applyPlan(planFor(wanted, fake), server, never);
    expect(applied).toMatchObject({ created: 247, remaining: 0, cause: undefined });
    expect(applied.failures.map((each) => [each.action, each.entry.spiffeId, each.code, each.message])).toEqual(
      [7, 107, 207].map((index) => ['create', `spiffe://example.org/w-${index}`, 'InvalidArgument', 'no such hint']),
    );
    expect(fake.entries.size).toBe(247);
  });

  it('ends after the batch in which it was stopped', async () => {
    await using fake = await openSpireServer();
    await using server = await clientOf(fake);
    const stop = new AbortController();
    const progress: number[] = [];
    const wanted = Array.from({ length: 250 }, (_, index) => entry(`w-${index}`));
    const applied = await applyPlan(planFor(wanted, fake), server, {
      signal: stop.signal,
      onProgress(done, total) {
        progress.push(done, total);
        stop.abort();
      },
    });
    expect(applied).toMatchObject({ created: 100, remaining: 150, cause: undefined });
    expect(progress).toEqual([100, 250]);
  });

  it('goes on when the connection is lost in between, and counts nothing twice', async () => {
    await using fake = await openSpireServer();
    await using server = await clientOf(fake);
    fake.before = () => {
      // The batch is done, and whoever sent it does not learn of it.
      if (fake.calls.length === 2) setImmediate(() => fake.disconnect());
    };
    const wanted = Array.from({ length: 350 }, (_, index) => entry(`w-${index}`));
    expect(await applyPlan(planFor(wanted, fake), server, never)).toMatchObject({ created: 350, failures: [], remaining: 0 });
    expect(fake.entries.size).toBe(350);
  });

  it('tells what was done when the server is gone', async () => {
    const fake = await openSpireServer();
    await using server = await clientOf(fake);
    const wanted = Array.from({ length: 250 }, (_, index) => entry(`w-${index}`));
    const applied = await applyPlan(planFor(wanted, fake), server, {
      ...never,
      onProgress: () => {
        void fake[Symbol.asyncDispose]();
      },
    });
    expect(applied).toMatchObject({ created: 100, remaining: 150, cause: { code: 'ERR_SERVER_UNREACHABLE' } });
  });
});
