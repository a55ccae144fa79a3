// What is done to the authorities of a SPIRE, one scenario after the other, each on a deployment of its own.
import { strict as assert } from 'node:assert';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openSpireRoom } from '../room.js';
import { createSuite } from '../suite.js';
import { createAuthority } from './certificates.js';
import { assertNothingFailed, replaceAtOnce, replaceInOrder, since, stateOf, unknownAuthority, untilRenewed, wait } from './replace.js';
import { openScene } from './scene.js';
import { createUpstream, openTrust } from './trust.js';
import { twoServers } from './two-servers.js';

/** @typedef {import('./replace.js').Row} Row */
/** @typedef {import('./trust.js').Trust} Trust */
/** @typedef {import('./scene.js').Scene} Scene */
/** @typedef {{ trust: Trust, scene: Scene, ttl: number }} Stage */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} rule
 * @property {string} signs who signs, for the table
 * @property {(options: { ttl: number, log: (line: string) => void }) => Promise<Row>} run
 */

const refusedLocally = /local authority can't be (tainted|revoked) if there is an upstream authority/;
/** What a client may see of a peer, or of itself, whose authority is gone. gRPC has no code but its own. */
const expected = [unknownAuthority, 'ERR_IDENTITY_WITHDRAWN', 'ERR_CONNECT_FAILED', 'ERR_CONNECTION_ENDED', 'gRPC status 14'];

/**
 * @param {import('./trust.js').Kind} kind
 * @param {(stage: Stage) => Promise<Row>} act
 * @returns {Scenario['run']}
 */
const on =
  (kind, act) =>
  async ({ ttl, log }) => {
    const room = await openSpireRoom({ name: 'auth', log });
    let failed = true;
    try {
      const trust = await openTrust(room, { kind, ttl });
      const suite = createSuite(room, trust.world);
      const row = await act({ trust, scene: await openScene({ suite, registerForLong: trust.registerForLong }), ttl });
      failed = false;
      return row;
    } finally {
      await room.close({ failed });
    }
  };

/** @type {readonly Scenario[]} */
export const spireScenarios = [
  {
    name: 'own-in-order',
    rule: 'SPIRE signs itself: prepare, activate, wait for new SVIDs, taint, wait for the agents, revoke',
    signs: 'SPIRE itself',
    run: on('own', async ({ trust, scene, ttl }) => {
      const { active, prepare, activate } = localSteps(trust);
      return replaceInOrder(
        scene,
        {
          announce: prepare,
          sign: activate,
          distrust: async () => {
            await trust.renewBootstrap();
            await trust.untilAgentsRenewed(async () => taintLocal(trust, await active));
          },
          remove: async () => {
            await revokeLocal(trust, await active);
            await trust.renewBootstrap();
          },
        },
        { ttl },
      );
    }),
  },
  {
    name: 'own-tainted-early',
    rule: 'tainted before SVIDs were renewed: SPIRE takes every SVID back for a moment',
    signs: 'SPIRE itself',
    run: on('own', async ({ trust, scene, ttl }) => {
      const { active, prepare, activate } = localSteps(trust);
      return replaceAtOnce(scene, {
        announce: prepare,
        change: async () => {
          await activate();
          await trust.untilAgentsRenewed(async () => taintLocal(trust, await active));
          await revokeLocal(trust, await active);
        },
        ttl,
        expected,
        afterwards: async () => absenceOf(scene),
      });
    }),
  },
  {
    name: 'own-at-once',
    rule: 'announced, then activate, taint and revoke in one go: no agent hears of the taint',
    signs: 'SPIRE itself',
    run: on('own', async ({ trust, scene, ttl }) => {
      const { active, prepare, activate } = localSteps(trust);
      return replaceAtOnce(scene, {
        announce: prepare,
        change: async () => {
          await activate();
          await taintLocal(trust, await active);
          await revokeLocal(trust, await active);
        },
        ttl,
        expected,
        afterwards: () => lockedOut(trust, scene),
      });
    }),
  },
  {
    name: 'own-unannounced',
    rule: 'prepare, activate, taint and revoke in one go',
    signs: 'SPIRE itself',
    run: on('own', async ({ trust, scene, ttl }) => {
      const { active, prepare, activate } = localSteps(trust);
      await trust.untilAgentSynced();
      return replaceAtOnce(scene, {
        change: async () => {
          await prepare();
          await activate();
          await taintLocal(trust, await active);
          await revokeLocal(trust, await active);
        },
        ttl,
        expected,
        afterwards: () => lockedOut(trust, scene),
      });
    }),
  },
  {
    name: 'root-in-order',
    rule: 'the upstream authority is the root and is replaced: both in roots.pem, prepare, activate, wait, only the new one in roots.pem, taint, wait, revoke',
    signs: 'upstream, the root itself',
    run: on('root', async ({ trust, scene, ttl }) => {
      const { old, next, prepare, activate } = await upstreamSteps(trust, 'root');
      const local = await trust.active();
      return replaceInOrder(
        scene,
        {
          announce: async () => {
            trust.put(next, [old.root, next.root]);
            await prepare();
          },
          sign: activate,
          distrust: async () => {
            assert.match(await trust.refusal(['localauthority', 'x509', 'taint', '-authorityID', local.id]), refusedLocally);
            assert.match(await trust.refusal(['localauthority', 'x509', 'revoke', '-authorityID', local.id]), refusedLocally);
            trust.put(next, [next.root]);
            await trust.untilAgentsRenewed(() => taintUpstream(trust, old.root.keyId));
          },
          remove: () => revokeUpstream(trust, old.root.keyId),
        },
        { ttl, remark: '`localauthority x509 taint` and `revoke` refused' },
      );
    }),
  },
  {
    name: 'root-at-once',
    rule: 'announced, then activate, taint and revoke of the upstream authority in one go',
    signs: 'upstream, the root itself',
    run: on('root', async ({ trust, scene, ttl }) => {
      const { old, next, prepare, activate } = await upstreamSteps(trust, 'root');
      return replaceAtOnce(scene, {
        announce: async () => {
          trust.put(next, [next.root]);
          await prepare();
        },
        change: async () => {
          await activate();
          await taintUpstream(trust, old.root.keyId);
          await revokeUpstream(trust, old.root.keyId);
        },
        ttl,
        expected,
        afterwards: () => lockedOut(trust, scene),
      });
    }),
  },
  {
    name: 'root-left-behind',
    rule: 'the old root stays in roots.pem: the next prepare brings it back, and with it whoever it vouches for',
    signs: 'upstream, the root itself',
    run: on('root', leftBehind),
  },
  {
    name: 'below-same-root',
    rule: 'a new upstream authority under the same offline root: no bundle changes',
    signs: 'upstream below an offline root',
    run: on('offline-root', sameRoot),
  },
  {
    name: 'below-new-root',
    rule: 'a new upstream authority under a new offline root: SPIRE can taint neither the old root nor what is below it, until an authority that passes borrows its key identifier',
    signs: 'upstream below an offline root',
    run: on('offline-root', newRoot),
  },
  {
    name: 'two-servers',
    rule: 'two servers: each prepares and activates, the taint is said once and renews the SVID of that server alone, the other is restarted before the revocation',
    signs: 'upstream, the root itself, of two servers',
    run: twoServers,
  },
];

/** @param {Trust} trust */
function localSteps(trust) {
  const active = trust.active();
  /** @type {import('./trust.js').Slot | undefined} */
  let slot;
  const next = () => {
    if (slot === undefined) throw new Error('nothing is prepared');
    return slot;
  };
  return {
    active,
    next,
    prepare: async () => {
      await active;
      slot = await trust.prepare();
    },
    activate: () => trust.activate(next()),
  };
}

/**
 * @param {Trust} trust
 * @param {'root' | 'offline-root'} kind
 */
async function upstreamSteps(trust, kind) {
  if (trust.upstream === undefined) throw new Error('there is no upstream authority');
  const { prepare, activate } = localSteps(trust);
  return { old: trust.upstream, next: await createUpstream(kind, 'second'), prepare, activate };
}

/** @param {Trust} trust @param {import('./trust.js').Slot} slot */
const taintLocal = async (trust, { id }) => void (await trust.cli(['localauthority', 'x509', 'taint', '-authorityID', id]));
/** @param {Trust} trust @param {import('./trust.js').Slot} slot */
const revokeLocal = async (trust, { id }) => void (await trust.cli(['localauthority', 'x509', 'revoke', '-authorityID', id]));
/** @param {Trust} trust @param {string} keyId */
const taintUpstream = async (trust, keyId) => void (await trust.cli(['upstreamauthority', 'taint', '-subjectKeyID', keyId]));
/** @param {Trust} trust @param {string} keyId */
const revokeUpstream = async (trust, keyId) => void (await trust.cli(['upstreamauthority', 'revoke', '-subjectKeyID', keyId]));

/**
 * How long the client had no identity.
 * @param {Scene} scene
 */
function absenceOf({ observer }) {
  const left = observer.all().find(({ event }) => event === 'withdrawn');
  const back = left === undefined ? undefined : observer.all().find(({ event, time }) => event === 'state' && time >= left.time);
  if (left === undefined) return 'the client always had an identity';
  return back === undefined ? 'the client has no identity' : `the client had no identity for ${back.time - left.time} ms`;
}

/**
 * The agent has never heard of the taint: its own SVID is of the revoked authority, and the server refuses it as soon as it has to connect again.
 * Shown, and mended: without what it stored, the agent is attested anew.
 * @param {Trust} trust
 * @param {Scene} scene
 * @returns {Promise<string>}
 */
async function lockedOut({ agent, renewBootstrap }, scene) {
  const orphaned = scene.observer.all().find(({ event, anchor }) => event === 'state' && anchor === 'none');
  const renewed =
    orphaned && scene.observer.all().find(({ event, time, anchor }) => event === 'state' && time > orphaned.time && anchor !== 'none');
  await agent.stop();
  // It is never ready; what ends the attempt is us.
  const ended = agent.start().catch((error) => String(error));
  await agent.program().line((line) => line.includes('tls: bad certificate'), { timeout: 30_000, what: 'refusal by the server' });
  await agent.stop();
  await ended;
  // Without it the agent looks at its bootstrap bundle, which may be of the revoked authority too.
  await renewBootstrap();
  rmSync(join(agent.data, 'agent-data.json'));
  const mark = scene.observer.mark();
  const begin = Date.now();
  await agent.start();
  const mended = since(begin);
  await scene.observer.event(({ event }) => event === 'state', {
    timeout: 60_000,
    what: 'SVID from the agent that was attested anew',
    from: mark,
  });
  await wait(20);
  const own = orphaned && renewed ? `own SVID not in the own bundle for ${((renewed.time - orphaned.time) / 1000).toFixed(1)} s; ` : '';
  return `${own}an agent that connects again is refused (bad certificate) until what it stored is removed: ready after ${(mended / 1000).toFixed(1)} s`;
}

/**
 * @param {Stage} stage
 * @returns {Promise<Row>}
 */
async function leftBehind({ trust, scene, ttl }) {
  const { old, next, prepare, activate } = await upstreamSteps(trust, 'root');
  const before = stateOf(scene);
  trust.put(next, [old.root, next.root]);
  await prepare();
  await scene.watch.event(({ event, authorities }) => event === 'bundle-changed' && authorities === 2, {
    timeout: 30_000,
    what: 'both roots',
  });
  await activate();
  await untilRenewed(scene, before, (anchor) => anchor !== before['anchor'], (ttl + 30) * 1000);
  await trust.untilAgentsRenewed(() => taintUpstream(trust, old.root.keyId));
  await revokeUpstream(trust, old.root.keyId);
  const revoked = scene.watch.mark();
  await scene.watch.event(({ event, authorities }) => event === 'bundle-changed' && authorities === 1, {
    timeout: 30_000,
    what: 'one root',
  });
  await scene.stale.event(({ event }) => event === 'refused', { timeout: 15_000, what: 'refusal' });
  // What SPIRE does by itself after half of the life of an authority, and when it starts.
  await prepare();
  await scene.watch.event(({ event, authorities }) => event === 'bundle-changed' && authorities === 2, {
    timeout: 30_000,
    what: 'the revoked root again',
    from: revoked,
  });
  scene.stale.program.write('dial');
  const { admitted } = await scene.stale.event(({ event }) => event === 'dialled', { timeout: 15_000, what: 'answer' });
  assert.equal(admitted, true, 'the peer of the root that came back was refused');
  const refusal = await trust.refusal(['upstreamauthority', 'taint', '-subjectKeyID', old.root.keyId]);
  assert.match(refusal, /upstream authority didn't sign the old local authority/);
  const figures = await scene.end();
  assertNothingFailed(figures);
  return {
    ...figures,
    times: {},
    remark: 'the revoked root is back, its peers are admitted again, and it cannot be tainted a second time',
  };
}

/**
 * @param {Stage} stage
 * @returns {Promise<Row>}
 */
async function sameRoot({ trust, scene, ttl }) {
  if (trust.upstream === undefined) throw new Error('there is no upstream authority');
  const { root } = trust.upstream;
  const before = stateOf(scene);
  const { prepare, activate } = localSteps(trust);
  trust.put(await createUpstream('offline-root', 'second', root), [root]);
  await prepare();
  const begin = Date.now();
  await activate();
  await untilRenewed(scene, before, (anchor) => anchor === before['anchor'], (ttl + 30) * 1000);
  const renewed = since(begin);
  await wait(3);
  assert.ok(!scene.watch.all().some(({ event }) => event === 'bundle-changed'), 'a bundle changed');
  assert.equal(await trust.bundleSize(), 1);
  const figures = await scene.end();
  assertNothingFailed(figures);
  return { ...figures, times: { renewed }, remark: 'whoever has the key of the old one is still believed: its root is' };
}

/**
 * SPIRE taints an authority of the bundle by the key identifier of what signed its own authority directly. Below an offline root these are two, so that
 * no name fits: an authority of a moment, below the new root and with the key identifier of the old one, makes them one.
 * @param {Stage} stage
 * @returns {Promise<Row>}
 */
async function newRoot({ trust, scene, ttl }) {
  const { old, next, prepare, activate } = await upstreamSteps(trust, 'offline-root');
  return replaceInOrder(
    scene,
    {
      announce: async () => {
        trust.put(next, [old.root, next.root]);
        await prepare();
      },
      sign: activate,
      distrust: async () => {
        const byIntermediate = await trust.refusal(['upstreamauthority', 'taint', '-subjectKeyID', old.signer.keyId]);
        assert.match(byIntermediate, /no ca found with provided subject key ID/);
        const byRoot = await trust.refusal(['upstreamauthority', 'taint', '-subjectKeyID', old.root.keyId]);
        assert.match(byRoot, /upstream authority didn't sign the old local authority/);
        const passing = await createAuthority('passing upstream', { issuer: next.root, keyId: old.root.keyId });
        for (const signer of [passing, next.signer]) {
          trust.put({ root: next.root, signer }, [next.root]);
          await prepare();
          await activate();
        }
        await trust.untilAgentsRenewed(() => taintUpstream(trust, old.root.keyId));
      },
      remove: () => revokeUpstream(trust, old.root.keyId),
    },
    { ttl, remark: 'tainted by way of a borrowed key identifier' },
  );
}
