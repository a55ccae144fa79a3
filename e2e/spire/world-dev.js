// The development agent as a world: one socket per identity instead of one Unix user.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';

/** @param {number} seconds */
const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * @param {{ folder: string, ttl: number }} options ttl in seconds
 * @returns {Promise<import('./world.js').World>}
 */
export async function openDevWorld({ folder, ttl }) {
  const directory = join(folder, 'agent');
  mkdirSync(directory, { mode: 0o700 });
  const agent = await openDevAgent({ trustDomain: 'example.org', directory, svidTtlSeconds: ttl });
  /** @type {Set<string>} */
  const registered = new Set();
  return {
    about: 'the development agent',
    trustDomain: 'example.org',
    ttl,
    register: async (spiffeId) => {
      await agent.register({ id: spiffeId });
      registered.add(spiffeId);
    },
    withdraw: async (spiffeId) => {
      await agent.remove(spiffeId);
      registered.delete(spiffeId);
    },
    as: async (spiffeId) => {
      const endpoint = await agent.endpointFor(spiffeId);
      // Asking for the socket of an identity registers it, which is not what was asked here.
      if (!registered.has(spiffeId)) await agent.remove(spiffeId);
      return { env: { SPIFFE_ENDPOINT_SOCKET: endpoint } };
    },
    restartAgent: ({ downSeconds }) => agent.restart({ downSeconds }),
    rotateAuthority: async ({ patient }) => {
      // It issues every SVID anew as soon as every bundle has the new root.
      await agent.rotateAuthority({ overlap: true });
      // What is left to wait for are connections on which the old ones were shown: none outlives them.
      if (patient) await wait(ttl);
      await agent.retireAuthorities();
    },
    close: () => agent.close(),
  };
}
