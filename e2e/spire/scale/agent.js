// The case `agent`: many entries on one agent; what its syncs and its cache of SVIDs cost, and what happens to workloads that the cache has no room for.
import { strict as assert } from 'node:assert';
import { startProcess, stateOf } from './crowd.js';
import { round, spread, until, wait } from './figures.js';
import { measureLatency } from './latency.js';
import { openScaleWorld } from './world.js';

const firstUid = 200_001;
/** SPIRE's own cache size is 1,000. */
const plans = {
  full: [
    { entries: 1_000, cacheSize: 1_000 },
    { entries: 5_000, cacheSize: 1_000 },
    { entries: 5_000, cacheSize: 5_000 },
    { entries: 10_000, cacheSize: 1_000 },
  ],
  short: [{ entries: 300, cacheSize: 100 }],
};
const workloads = { full: 60, short: 24 };
const processes = 4;
const samples = { full: { pushed: 15, fresh: 5 }, short: { pushed: 3, fresh: 1 } };
const windowSeconds = { full: 10.5, short: 2 };
/** An SVID that is in the cache is there at once; else the agent looks for subscribers without one each 500 ms. */
const atOnceMs = 200;

/** @type {import('./run.js').Case} */
export const agent = {
  name: 'agent',
  rule: 'a workload that the cache of its agent has no room for gets its SVID all the same, later',
  run: async ({ room, short }) => {
    const form = short ? 'short' : 'full';
    const world = await openScaleWorld({ room, name: 'agent', knobs: { reload: '1s' } });
    const one = await world.addAgent({});
    const bare = one.usage().rss;
    const rows = [];
    let there = 0;
    try {
      for (const { entries, cacheSize } of plans[form]) {
        if (entries > there) {
          await world.register(
            Array.from({ length: entries - there }, (_, index) => ({
              path: `one/${there + index}`,
              parent: one.id,
              uid: firstUid + there + index,
            })),
          );
          there = entries;
        }
        await one.stop();
        await wait(1.5); // The server's cache has the new entries.
        const begin = performance.now();
        await one.start({ cacheSize });
        const kept = Math.min(entries, cacheSize);
        await until(one.cached, (cached) => cached >= kept, { seconds: 120, what: `${kept} SVIDs in the cache` });
        const filled = (performance.now() - begin) / 1000;
        await wait(1);
        const idle = await syncCost(world, one, windowSeconds[form]);

        // Which entries are in the cache is up to SPIRE: workloads evenly over all of them.
        const step = Math.floor(entries / workloads[form]);
        const uids = Array.from({ length: workloads[form] }, (_, index) => firstUid + index * step);
        const crowd = Array.from({ length: processes }, () => startProcess({ room, endpoint: one.endpoint }));
        // The first source of a process loads code: not what is measured here.
        await Promise.all(crowd.map((each, turn) => each.openAsUsers([firstUid + turn + 1])));
        const opened = await Promise.all(
          crowd.map((each, turn) => each.openAsUsers(uids.filter((_, index) => index % processes === turn))),
        );
        const ms = opened.flat();
        const state = await stateOf(crowd);
        assert.equal(state.ready, uids.length + processes, 'a workload beyond the cache has no SVID');
        const late = ms.filter((each) => each > atOnceMs);
        await Promise.all(crowd.map((each) => each.stop()));
        rows.push({
          entries,
          cacheSize,
          agentMiB: round(idle.agentMiB, 0),
          kiBPerEntry: round(((idle.agentMiB - bare) * 1024) / entries, 1),
          filledSeconds: round(filled, 1),
          ...idle.figures,
          workloads: uids.length,
          atOnce: uids.length - late.length,
          firstSvidMs: spread(ms, 0),
          lateMs: late.length === 0 ? null : spread(late, 0),
        });
      }
      await one.stop();
      await one.start({ sync: '1s' });
      const latency = await measureLatency({ room, world, agent: one, ...samples[form], seconds: 5 });
      const last = rows.at(-1);
      const told = rows.map(
        (row) =>
          `${row.entries} entries, cache ${row.cacheSize}: ${row.agentMiB} MiB, ${row.agentCpuPercent} % CPU, ${row.atOnce} of ${row.workloads} at once`,
      );
      return {
        told: `${told.join('; ')}; a new entry among ${last?.entries} in ${latency.pushedMs.p50} ms`,
        figures: { sync: 'default', bareMiB: round(bare, 0), rows, latency: { entries: there, intervals: '1 s', ...latency } },
      };
    } finally {
      await world.close();
    }
  },
};

/**
 * @param {import('./world.js').ScaleWorld} world
 * @param {import('./world.js').ScaleAgent} one
 * @param {number} seconds
 */
async function syncCost(world, one, seconds) {
  const [metrics, agentBefore, serverBefore] = [await one.metrics(), one.usage(), world.server.usage()];
  await wait(seconds);
  const [after, agentAfter, serverAfter] = [await one.metrics(), one.usage(), world.server.usage()];
  const delta = (/** @type {RegExp} */ name) => after.sum(name) - metrics.sum(name);
  const syncs = delta(/^spire_agent_manager_sync_fetch_entries_updates_elapsed_time_count$/);
  return {
    agentMiB: agentAfter.rss,
    figures: {
      syncs,
      syncMs: round(delta(/^spire_agent_manager_sync_fetch_entries_updates_elapsed_time_sum$/) / syncs, 1),
      agentCpuPercent: round(((agentAfter.cpu - agentBefore.cpu) / seconds) * 100, 1),
      serverCpuPercent: round(((serverAfter.cpu - serverBefore.cpu) / seconds) * 100, 1),
    },
  };
}
