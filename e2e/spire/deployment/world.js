// A running deployment as a world, so that the scenarios of the echo pair run on it: entries through whichever server runs, callers as Unix users.
import { machine } from './deployment.js';

const firstUid = 21_001;

/** @param {number} seconds */
const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * @param {object} options
 * @param {string} options.about the agent, for people
 * @param {import('./open-deployment.js').RunningDeployment} options.running
 * @param {number} options.ttl seconds that SVIDs live
 * @returns {import('../world.js').World}
 */
export function createDeploymentWorld({ about, running: { deployment, servers, agent }, ttl }) {
  const { domain, agent: place } = deployment.spire;
  /** @type {Map<string, number>} one Unix user per SPIFFE ID: that is what the entries select on */
  const users = new Map();
  /** @type {Map<string, string>} */
  const entries = new Map();
  /** @param {string} spiffeId */
  const user = (spiffeId) => {
    const known = users.get(spiffeId) ?? firstUid + users.size;
    users.set(spiffeId, known);
    return known;
  };
  /** @param {readonly string[]} words */
  const cli = (words) => {
    const server = servers.find(({ daemon }) => daemon.program().running());
    if (server === undefined) throw new Error('no server runs');
    return server.cli(words);
  };
  return {
    about,
    trustDomain: domain,
    ttl,
    register: async (spiffeId) => {
      const parent = `spiffe://${domain}/spire/agent/x509pop/${machine}`;
      const words = ['entry', 'create', '-parentID', parent, '-spiffeID', spiffeId, '-selector', `unix:uid:${user(spiffeId)}`];
      const entryId = JSON.parse(await cli([...words, '-x509SVIDTTL', String(ttl), '-output', 'json'])).results?.[0]?.entry?.id;
      if (typeof entryId !== 'string') throw new Error(`spire-server entry create made no entry for ${spiffeId}`);
      entries.set(spiffeId, entryId);
    },
    withdraw: async (spiffeId) => {
      const entryId = entries.get(spiffeId);
      if (entryId === undefined) throw new Error(`${spiffeId} has no entry`);
      await cli(['entry', 'delete', '-entryID', entryId]);
      entries.delete(spiffeId);
    },
    as: async (spiffeId) => ({
      env: { SPIFFE_ENDPOINT_SOCKET: `unix://${place.socket}` },
      uid: user(spiffeId),
      gid: user(spiffeId),
    }),
    restartAgent: async ({ downSeconds }) => {
      await agent.stop();
      await wait(downSeconds);
      await agent.start();
    },
    rotateAuthority: () => Promise.reject(new Error('how an authority is rotated depends on the deployment')),
    close: async () => undefined,
  };
}
