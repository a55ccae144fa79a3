// The same changes on the development agent, where they apply: it signs itself, with an intermediate where it is asked for one, and has two operations,
// a new authority (with or without overlap) and the end of the old ones.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';
import { openRoom } from '../room.js';
import { createSuite } from '../suite.js';
import { replaceAtOnce, replaceInOrder, unknownAuthority } from './replace.js';
import { openScene } from './scene.js';

/** @typedef {import('./spire-scenarios.js').Scenario} Scenario */

/** The peer that never rotates needs an SVID that lasts, and this agent has one life for all. It renews them with the authority, whatever their age. */
const life = 600;
const nothing = async () => undefined;

/**
 * @param {boolean} intermediate
 * @param {(stage: { agent: import('@ephemos/dev').DevAgent, scene: import('./scene.js').Scene, ttl: number }) => Promise<import('./replace.js').Row>} act
 * @returns {Scenario['run']}
 */
const on =
  (intermediate, act) =>
  async ({ ttl, log }) => {
    const room = await openRoom({ name: 'auth', otherUsers: false, log });
    let failed = true;
    try {
      const directory = join(room.folder, 'agent');
      mkdirSync(directory, { mode: 0o700 });
      const agent = await openDevAgent({ trustDomain: 'example.org', directory, svidTtlSeconds: life, intermediate });
      /** @param {string} id */
      const register = async (id) => {
        await agent.register({ id });
      };
      /** @type {import('../world.js').World} */
      const world = {
        about: 'the development agent',
        trustDomain: 'example.org',
        ttl: life,
        register,
        withdraw: async (id) => {
          await agent.remove(id);
        },
        as: async (id) => ({ env: { SPIFFE_ENDPOINT_SOCKET: await agent.endpointFor(id) } }),
        restartAgent: (how) => agent.restart(how),
        rotateAuthority: () => Promise.reject(new Error('the scenarios do that here')),
        close: () => agent.close(),
      };
      const row = await act({ agent, scene: await openScene({ suite: createSuite(room, world), registerForLong: register }), ttl });
      failed = false;
      return row;
    } finally {
      await room.close({ failed });
    }
  };

/** @type {(intermediate: boolean) => Scenario['run']} */
const inOrder = (intermediate) =>
  on(intermediate, ({ agent, scene, ttl }) =>
    replaceInOrder(
      scene,
      {
        announce: () => agent.rotateAuthority({ overlap: true }),
        sign: nothing,
        distrust: nothing,
        remove: () => agent.retireAuthorities(),
      },
      { ttl },
    ),
  );

/** @type {(intermediate: boolean) => Scenario['run']} */
const atOnce = (intermediate) =>
  on(intermediate, ({ agent, scene, ttl }) =>
    replaceAtOnce(scene, {
      change: () => agent.rotateAuthority({ overlap: false }),
      ttl,
      expected: [unknownAuthority, 'ERR_CONNECT_FAILED', 'ERR_CONNECTION_ENDED', 'gRPC status 14'],
    }),
  );

/** @type {readonly Scenario[]} */
export const devScenarios = [
  {
    name: 'own-in-order',
    rule: 'a new authority with overlap, then the end of the old one',
    signs: 'the agent itself',
    run: inOrder(false),
  },
  { name: 'own-unannounced', rule: 'a new authority without overlap', signs: 'the agent itself', run: atOnce(false) },
  {
    name: 'below-new-root',
    rule: 'with an intermediate: a new root with overlap, then the end of the old one',
    signs: 'an intermediate of the agent',
    run: inOrder(true),
  },
  {
    name: 'below-new-root-at-once',
    rule: 'with an intermediate: a new root without overlap',
    signs: 'an intermediate of the agent',
    run: atOnce(true),
  },
];
