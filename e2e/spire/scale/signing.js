// The case `signing`: several agents with many entries and a short life of SVIDs on one server; how many it signs, and what that costs server and store.
import { strict as assert } from 'node:assert';
import { round, until, wait } from './figures.js';
import { openScaleWorld } from './world.js';

/** Seconds; renewed every 12.5 to 17.5 s. */
const ttl = 40;
const plans = { full: { agents: [1, 5], each: 1_000, window: 30 }, short: { agents: [1, 2], each: 150, window: 2 } };
const firstUid = 300_001;
const patience = 120;
const signed = /^spire_server_server_ca_sign_x509_svid$/;

/** @type {import('./run.js').Case} */
export const signing = {
  name: 'signing',
  rule: 'the server signs what its agents ask for; at most 500 a second for one address, unless told otherwise',
  run: async ({ room, short }) => {
    const { agents: counts, each, window } = plans[short ? 'short' : 'full'];
    const world = await openScaleWorld({ room, name: 'signing', knobs: { ttl, reload: '1s', signingLimit: false } });
    const most = Math.max(...counts);
    try {
      const agents = [];
      for (let index = 0; index < most; index += 1) agents.push(await world.addAgent());
      await Promise.all(agents.map((agent) => agent.kill()));
      await world.register(
        agents.flatMap((agent, number) =>
          Array.from({ length: each }, (_, index) => ({ path: `signed/${number}/${index}`, parent: agent.id, uid: firstUid + index })),
        ),
      );
      await wait(2); // The server's cache has them.
      const rows = [];
      for (const count of counts) {
        await Promise.all(agents.map((agent) => agent.kill()));
        const burst = await fill(world, agents.slice(0, count), each);
        rows.push({ agents: count, entriesEach: each, burst });
      }
      const steady = await watch(world, agents, window);
      await Promise.all(agents.map((agent) => agent.kill()));
      await world.server.stop();
      await world.server.start({ ttl, reload: '1s' });
      const limited = await fill(world, agents, each);
      const last = rows.at(-1);
      return {
        told: `${last?.burst.perSecond} SVIDs/s for ${last?.agents} agents at once, ${last?.burst.serverCpuMsPerSvid} ms of the server's CPU each; ${limited.perSecond}/s with SPIRE's limit for one address; steady ${steady.perSecond}/s at ${steady.serverCpuPercent} % CPU`,
        figures: {
          svidSeconds: ttl,
          store: 'sqlite',
          rows,
          steady: { agents: most, entriesEach: each, ...steady },
          withLimit: { agents: most, entriesEach: each, ...limited },
        },
      };
    } finally {
      await world.close();
    }
  },
};

/**
 * Agents start together and have nothing: every SVID is signed anew.
 * @param {import('./world.js').ScaleWorld} world
 * @param {readonly import('./world.js').ScaleAgent[]} agents
 * @param {number} each
 */
async function fill(world, agents, each) {
  const [before, cpu, begin] = [(await world.server.metrics()).sum(signed), world.server.usage().cpu, performance.now()];
  await Promise.all(agents.map((agent) => agent.start()));
  const cached = async () => (await Promise.all(agents.map((agent) => agent.cached()))).reduce((sum, one) => sum + one, 0);
  await until(cached, (all) => all >= agents.length * each, { seconds: patience, what: `${agents.length * each} SVIDs` });
  const seconds = (performance.now() - begin) / 1000;
  const svids = (await world.server.metrics()).sum(signed) - before;
  assert.ok(svids >= agents.length * each, `${svids} SVIDs were signed for ${agents.length * each} entries`);
  const used = world.server.usage().cpu - cpu;
  const agentCpu = agents.reduce((sum, agent) => sum + agent.usage().cpu, 0);
  return {
    svids,
    seconds: round(seconds, 2),
    perSecond: round(svids / seconds, 0),
    serverCpuMsPerSvid: round((used * 1000) / svids, 3),
    agentCpuMsPerSvid: round((agentCpu * 1000) / svids, 3),
  };
}

/**
 * @param {import('./world.js').ScaleWorld} world
 * @param {readonly import('./world.js').ScaleAgent[]} agents
 * @param {number} seconds
 */
async function watch(world, agents, seconds) {
  const [before, serverCpu, agentCpu] = [await world.server.metrics(), world.server.usage().cpu, sumOfCpu(agents)];
  await wait(seconds);
  const [after, server] = [await world.server.metrics(), world.server.usage()];
  const svids = after.sum(signed) - before.sum(signed);
  const calls = after.sum(/^spire_server_datastore_.*_elapsed_time_count$/) - before.sum(/^spire_server_datastore_.*_elapsed_time_count$/);
  return {
    seconds,
    svids,
    perSecond: round(svids / seconds, 1),
    serverCpuPercent: round(((server.cpu - serverCpu) / seconds) * 100, 1),
    serverMiB: round(server.rss, 0),
    agentCpuPercentEach: round(((sumOfCpu(agents) - agentCpu) / seconds / agents.length) * 100, 1),
    datastoreCallsPerSecond: round(calls / seconds, 1),
  };
}

/** @param {readonly import('./world.js').ScaleAgent[]} agents */
const sumOfCpu = (agents) => agents.reduce((sum, agent) => sum + agent.usage().cpu, 0);
