// A new upstream authority for two servers on one database behind one balancer: what is said to one of them, and what each has to be told.
import { strict as assert } from 'node:assert';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { writePrivately } from '../deployment/certificates.js';
import { machine } from '../deployment/deployment.js';
import { openDeployment } from '../deployment/open-deployment.js';
import { createDeploymentWorld } from '../deployment/world.js';
import { openSpireRoom } from '../room.js';
import { createSuite } from '../suite.js';
import { replaceInOrder, wait } from './replace.js';
import { openScene } from './scene.js';
import { createUpstream } from './trust.js';

/** @typedef {import('../deployment/deployment.js').Server} Server */

/** A change is in every bundle: the servers and the agents look for one each 5 s, in seconds. */
const propagation = 12;
const renewsWithin = 60_000;

/** @type {import('./spire-scenarios.js').Scenario['run']} */
export async function twoServers({ ttl, log }) {
  const room = await openSpireRoom({ name: 'auth', log });
  let failed = true;
  try {
    const running = await openDeployment({
      room,
      variant: 'host-ha',
      folder: join(room.folder, 'spire'),
      changes: { domain: 'example.org' },
    });
    const pair = openPair(running);
    // Those that the deployment came with have no key identifiers, by which one is tainted.
    const first = await createUpstream('root', 'first');
    await pair.put(first, [first.root]);
    await pair.prepare();
    await wait(propagation);
    await pair.activate();
    for (const { daemon } of [pair.one, pair.other]) {
      await daemon.stop();
      await daemon.start();
    }
    // So that the SVIDs of servers and agent are below it as well.
    await running.agent.stop();
    rmSync(join(running.deployment.spire.agent.data, 'agent-data.json'));
    await running.agent.start();

    const about = `SPIRE ${room.spire.version} (${room.spire.from}), host-ha`;
    const world = createDeploymentWorld({ about, running, ttl });
    const suite = createSuite(room, world);
    const registerForLong = async (/** @type {string} */ id) => {
      const { uid } = await world.as(id);
      const parent = `spiffe://example.org/spire/agent/x509pop/${machine}`;
      await pair.one.cli(['entry', 'create', '-parentID', parent, '-spiffeID', id, '-selector', `unix:uid:${uid}`, '-x509SVIDTTL', '3600']);
    };
    const scene = await openScene({ suite, registerForLong });
    const next = await createUpstream('root', 'second');
    const taint = ['upstreamauthority', 'taint', '-subjectKeyID', first.root.keyId];
    const row = await replaceInOrder(
      scene,
      {
        announce: async () => {
          await pair.put(next, [first.root, next.root]);
          await pair.prepare();
        },
        sign: async () => {
          await pair.activate();
        },
        distrust: async () => {
          await pair.put(next, [next.root]);
          await pair.untilAgentsRenewed(() => pair.one.cli(taint));
          await assert.rejects(pair.other.cli(taint), /root CA is already tainted/);
          assert.equal(await pair.rootOf(pair.one), 'second root', 'the server that was told still has its old SVID');
          assert.equal(await pair.rootOf(pair.other), 'first root', 'the other server was renewed: the runbook asks for too much');
          await pair.other.daemon.stop();
          await pair.other.daemon.start();
          assert.equal(await pair.rootOf(pair.other), 'second root', 'a restart did not renew the SVID of the other server');
        },
        remove: async () => {
          await pair.one.cli(['upstreamauthority', 'revoke', '-subjectKeyID', first.root.keyId]);
        },
      },
      {
        ttl,
        remark: 'the other server kept its SVID of the tainted root until it was restarted; the agent went on through it',
        afterwards: async () => {
          await pair.one.daemon.stop();
          const mark = scene.watch.mark();
          await scene.watch.event(({ event }) => event === 'rotated', {
            timeout: (ttl + 30) * 1000,
            what: 'SVID from the other server',
            from: mark,
          });
        },
      },
    );
    failed = false;
    return row;
  } finally {
    await room.close({ failed });
  }
}

/** @param {import('../deployment/open-deployment.js').RunningDeployment} running */
function openPair({ deployment: { spire }, servers }) {
  const [one, other] = servers;
  const { upstream, bundle } = spire;
  if (one === undefined || other === undefined || upstream === undefined || bundle.kind !== 'file')
    throw new Error('host-ha has two servers');
  /** @param {Server} server @param {readonly string[]} words */
  const json = async (server, words) => JSON.parse(await server.cli([...words, '-output', 'json']));
  /** @returns {Promise<readonly string[]>} */
  const agents = async () =>
    (await json(one, ['agent', 'list'])).agents.map(
      (/** @type {{ x509svid_serial_number: string }} */ each) => each.x509svid_serial_number,
    );
  /** @type {Map<Server, string>} */
  const prepared = new Map();
  return {
    one,
    other,
    /** @param {import('./trust.js').Upstream} next @param {readonly import('./trust.js').Authority[]} roots */
    put: async ({ signer }, roots) => {
      writePrivately(upstream.key, signer.key);
      writePrivately(upstream.certificate, signer.certificate);
      writePrivately(upstream.roots, roots.map(({ certificate }) => certificate).join(''));
      writeFileSync(bundle.path, roots.map(({ certificate }) => certificate).join(''));
    },
    prepare: async () => {
      for (const server of servers)
        prepared.set(server, (await json(server, ['localauthority', 'x509', 'prepare'])).prepared_authority.authority_id);
    },
    activate: async () => {
      for (const [server, id] of prepared) await server.cli(['localauthority', 'x509', 'activate', '-authorityID', id]);
    },
    /** @param {() => Promise<unknown>} act */
    untilAgentsRenewed: async (act) => {
      const before = await agents();
      await act();
      const deadline = performance.now() + renewsWithin;
      while ((await agents()).some((serial) => before.includes(serial))) {
        if (performance.now() > deadline) throw new Error(`an agent has the SVID that it had ${renewsWithin} ms ago`);
        await wait(0.25);
      }
    },
    rootOf,
  };
}

/**
 * The common name of the authority at the end of what a server presents to agents.
 * @param {Server} server
 * @returns {Promise<string>}
 */
function rootOf({ place }) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: place.port, rejectUnauthorized: false }, () => {
      let at = socket.getPeerCertificate(true);
      while (at.issuerCertificate !== undefined && at.issuerCertificate.fingerprint !== at.fingerprint) at = at.issuerCertificate;
      socket.destroy();
      resolve(String(at.subject.CN));
    });
    socket.on('error', reject);
  });
}
