// What is broken on purpose, one after the other, and what must hold while it is.
import { away, bringAgentTo, highlyOf, logOf, mustHaveMoved } from './hands.js';
import { killBetweenAuthorities, killMidRotation } from './kill-mid-rotation.js';
import { sides } from './traffic.js';

/** @typedef {import('./drill.js').Drill} Drill */
/** @typedef {import('./drill.js').Stage} Stage */

/**
 * @param {number} index
 * @param {readonly 'spire'[]} inShort
 * @returns {Drill}
 */
const serverStopped = (index, inShort) => ({
  name: `server-${index + 1}`,
  rule: `server ${index + 1} is stopped while the agent is on it, and started again`,
  agents: ['spire'],
  inShort,
  prepare: (stage) => {
    const highly = highlyOf(stage);
    return bringAgentTo(highly, highly.servers[index]?.name ?? '');
  },
  outage: (stage) => {
    const highly = highlyOf(stage);
    const server = highly.servers[index];
    if (server === undefined) throw new Error(`there is no server ${index + 1}`);
    return away(stage, { end: server.daemon.stop, begin: server.daemon.start, meanwhile: () => mustHaveMoved(highly, server.name) });
  },
});

/** @type {readonly Drill[]} */
export const drills = [
  serverStopped(0, ['spire']),
  serverStopped(1, []),
  {
    name: 'database',
    rule: 'the database is stopped, connections and all, and started again',
    agents: ['spire'],
    inShort: ['spire'],
    outage: (stage) => {
      const { daemon } = highlyOf(stage).postgres;
      // SIGINT ends its connections; SIGTERM would wait until the servers let go of them.
      return away(stage, { end: () => daemon.program().stop({ signal: 'SIGINT' }), begin: daemon.start });
    },
  },
  {
    name: 'balancer',
    rule: 'the load balancer is stopped and started again',
    agents: ['spire'],
    outage: (stage) => {
      const { daemon } = highlyOf(stage).balancer;
      return away(stage, { end: daemon.stop, begin: daemon.start });
    },
  },
  {
    name: 'agent',
    rule: 'the agent is killed and started again',
    agents: ['spire', 'dev'],
    inShort: ['spire', 'dev'],
    outage: agentAway,
    // An agent that comes back may issue every SVID at once; the next ones show that it renews them as well.
    after: async ({ place: { suite }, traffic }) => {
      const now = performance.now();
      await Promise.all(sides.map((side) => traffic.next(side, now, suite.world.ttl * 1000)));
      return ['it renews SVIDs as well'];
    },
  },
  {
    name: 'moved',
    rule: 'the server that the agent is on is drained: the agent goes to the other one',
    agents: ['spire'],
    outage: async (stage) => {
      const highly = highlyOf(stage);
      const [home] = await highly.balancer.homes();
      if (home === undefined) throw new Error('the agent is on no server');
      const { drain, readmit } = highly.balancer;
      return away(stage, { end: () => drain(home), begin: () => readmit(home), meanwhile: () => mustHaveMoved(highly, home) });
    },
  },
  killMidRotation,
  killBetweenAuthorities,
  {
    name: 'agent-expired',
    rule: 'the agent is away until every SVID has expired: refused with a clear code, live connections end, all is back within 10 s of the agent',
    agents: ['spire', 'dev'],
    long: true,
    inShort: ['dev'],
    outage: agentAway,
  },
  {
    name: 'servers-expired',
    rule: 'all servers are away until every SVID has expired: refused with a clear code, live connections end, all is back within 10 s of the new SVIDs',
    agents: ['spire'],
    long: true,
    fromSvid: true,
    outage: allServersAway,
  },
  {
    name: 'servers-expired-restart',
    rule: 'the same, and the agent, which waits longer and longer, is restarted once the load balancer has a server again',
    agents: ['spire'],
    long: true,
    outage: async (stage) => {
      const { agent, balancer } = highlyOf(stage);
      const { began, back, told = [] } = await allServersAway(stage);
      // Before that it would be refused, and wait for 5 s.
      await balancer.untilServing();
      await agent.stop();
      await agent.start();
      return { began, back, told: [...told, `it was ready again ${((performance.now() - back) / 1000).toFixed(1)} s after the servers`] };
    },
  },
];

/**
 * @param {Stage} stage
 * @returns {Promise<import('./drill.js').Outage>}
 */
async function allServersAway(stage) {
  const { servers } = highlyOf(stage);
  const failed = () => logOf(stage, 'spire-agent').split('Synchronize failed').length - 1;
  const before = failed();
  const { began, back } = await away(stage, {
    end: () => Promise.all(servers.map(({ daemon }) => daemon.stop())),
    begin: () => Promise.all(servers.map(({ daemon }) => daemon.start())),
  });
  return { began, back, told: [`the agent asked ${failed() - before} times in vain`] };
}

/**
 * @param {Stage} stage
 * @returns {Promise<import('./drill.js').Outage>}
 */
async function agentAway(stage) {
  const { suite, highly } = stage.place;
  if (highly !== undefined) return away(stage, { end: highly.agent.kill, begin: highly.agent.start });
  const began = performance.now();
  await suite.world.restartAgent({ downSeconds: stage.seconds });
  return { began, back: performance.now() };
}
