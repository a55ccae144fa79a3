// The case `entries`: more and more entries on one server, whoever they belong to; what its cache costs, and how long a new entry takes to its workload.
import { round, wait } from './figures.js';
import { measureLatency } from './latency.js';
import { openScaleWorld, trustDomain } from './world.js';

const plans = {
  full: [
    { others: 0, runs: ['default', '1 s'] },
    { others: 1_000, runs: ['1 s'] },
    { others: 10_000, runs: ['default', '1 s', 'events'] },
  ],
  short: [{ others: 300, runs: ['events'] }],
};
/** What the runs set. With events SPIRE reads what changed since the last look, else all entries at every look. */
const knobs = new Map([
  ['default', { server: {}, agent: {}, seconds: 12 }],
  ['1 s', { server: { reload: '1s' }, agent: { sync: '1s' }, seconds: 4 }],
  ['events', { server: { reload: '1s', events: true }, agent: { sync: '1s' }, seconds: 4 }],
]);
const samples = { full: { pushed: 20, fresh: 8 }, short: { pushed: 4, fresh: 2 } };
/** Two reloads at default intervals, and six of the others. */
const briefIdleSeconds = 6;
const idleSeconds = { full: 10.5, short: 1.5 };

/** @type {import('./run.js').Case} */
export const entries = {
  name: 'entries',
  rule: 'every new entry reaches its workload, however many others the server has',
  run: async ({ room, short }) => {
    const form = short ? 'short' : 'full';
    const world = await openScaleWorld({ room, name: 'entries' });
    const agent = await world.addAgent();
    const rows = [];
    const created = [];
    let there = 0;
    try {
      for (const { others, runs } of plans[form]) {
        if (others > there) {
          const more = Array.from({ length: others - there }, (_, index) => ({
            path: `other/${there + index}`,
            parent: `spiffe://${trustDomain}/spire/agent/join_token/other-${(there + index) % 100}`,
            uid: 100_000 + there + index,
          }));
          const before = world.server.usage().cpu;
          const seconds = await world.register(more);
          const cpu = world.server.usage().cpu - before;
          created.push({
            entries: more.length,
            perSecond: round(more.length / seconds, 0),
            serverCpuMsPerEntry: round((cpu * 1000) / more.length, 2),
          });
          there = others;
        }
        for (const name of runs) {
          const run = knobs.get(name);
          if (run === undefined) throw new Error(`no run is called ${name}`);
          await agent.stop();
          await world.server.stop();
          await world.server.start(run.server);
          await agent.start(run.agent);
          const idle = await idleCost(world.server, short || name === 'default' ? idleSeconds[form] : briefIdleSeconds);
          const latency = await measureLatency({ room, world, agent, ...samples[form], seconds: run.seconds });
          rows.push({ others, intervals: name, ...idle, ...latency });
        }
      }
    } finally {
      await world.close();
    }
    const told = rows.map(
      ({ others, intervals, pushedMs, serverCpuPercent }) =>
        `${others} others, ${intervals}: ${pushedMs.p50} ms, ${serverCpuPercent} % CPU`,
    );
    return { told: told.join('; '), figures: { store: 'sqlite', samples: samples[form], created, rows } };
  },
};

/**
 * What the server does while nobody wants anything but one agent its sync.
 * @param {import('./world.js').ScaleServer} server
 * @param {number} seconds
 */
async function idleCost(server, seconds) {
  await wait(1);
  const [before, cpu] = [await server.metrics(), server.usage().cpu];
  await wait(seconds);
  const [after, used] = [await server.metrics(), server.usage()];
  const delta = (/** @type {RegExp} */ name) => after.sum(name) - before.sum(name);
  const reloads = delta(/^spire_server_entry_cache_reload$/);
  return {
    serverCpuPercent: round(((used.cpu - cpu) / seconds) * 100, 1),
    serverMiB: round(used.rss, 0),
    reloads,
    reloadMs: round(delta(/^spire_server_entry_cache_reload_elapsed_time_sum$/) / reloads, 1),
    datastoreCallsPerSecond: round(delta(/^spire_server_datastore_.*_elapsed_time_count$/) / seconds, 1),
  };
}
