// The development agent as a world: one socket per identity instead of one Unix user.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';

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
    // Patient or not: it issues every SVID anew as soon as every bundle has the new root.
    rotateAuthority: async () => {
      await agent.rotateAuthority({ overlap: true });
      await agent.retireAuthorities();
    },
    close: () => agent.close(),
  };
}
