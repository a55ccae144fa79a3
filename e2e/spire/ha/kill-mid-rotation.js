// A server that loses its power in the middle of a rotation: of SVIDs, while it signs a batch of them; of its authority, between prepared and active.
import { strict as assert } from 'node:assert';
import { machine } from '../deployment/deployment.js';
import { until } from '../observe.js';
import { away, bringAgentTo, highlyOf, logOf, mustHaveMoved } from './hands.js';
import { sides } from './traffic.js';

/** @typedef {import('./drill.js').Drill} Drill */
/** @typedef {import('./drill.js').Stage} Stage */

/** Entries of nobody, whose SVIDs the agent renews all the same: so many that signing a batch takes a while. */
const crowd = 400;
/** The smallest batch to be killed in: fewer may all be signed before the signal arrives. */
const smallest = 100;
const batchWithin = 120_000;
const tries = 3;
const requested = 'Renewing X509-SVID';
/** The server writes it for each SVID of a batch, once that is signed. */
const signed = '"method":"BatchNewX509SVID"';

/**
 * Registers the crowd and waits until the agent has an SVID for each.
 * @param {Stage} stage
 */
async function registerCrowd(stage) {
  const { servers, domain } = highlyOf(stage);
  const created = () => logOf(stage, 'spire-agent').split('Creating X509-SVID').length - 1;
  const before = created();
  const entries = Array.from({ length: crowd }, (_, index) => ({
    parent_id: `spiffe://${domain}/spire/agent/x509pop/${machine}`,
    spiffe_id: `spiffe://${domain}/crowd/${index}`,
    selectors: [{ type: 'unix', value: `uid:${30_000 + index}` }],
  }));
  await servers[0]?.cli(['entry', 'create', '-data', stage.place.suite.write('crowd.json', JSON.stringify({ entries }))]);
  await until(
    async () => created() - before,
    (all) => all >= crowd,
    { timeout: 60_000, what: 'an SVID for everyone in the crowd' },
  );
}

/**
 * The server that the agent is on.
 * @param {Stage} stage
 */
async function homeOf(stage) {
  const { servers, balancer } = highlyOf(stage);
  const [name] = await balancer.homes();
  const server = servers.find((each) => each.name === name);
  if (server === undefined) throw new Error('the agent is on no server');
  return server;
}

/**
 * @param {string} line of a log
 * @returns {number} by Date.now()
 */
const timeOf = (line) => Date.parse(/"time":"([^"]+)"/.exec(line)?.[1] ?? '');

/**
 * Waits for a batch of SVIDs that is being signed, and kills the server that signs it.
 * @param {Stage} stage
 * @returns {Promise<{ server: import('../deployment/deployment.js').Server, asked: number, done: number }>}
 */
async function killInBatch(stage) {
  const server = await homeOf(stage);
  const since = Date.now();
  const { daemon, name } = server;
  const signedIn = (/** @type {string} */ log, /** @type {number} */ from) =>
    log.split('\n').filter((line) => line.includes(signed) && timeOf(line) >= from).length;
  let asked = 0;
  let began = 0;
  await daemon.program().line(
    (line) => {
      if (!line.includes(signed) || timeOf(line) < since) return false;
      began = timeOf(line) - 1000;
      asked = logOf(stage, 'spire-agent')
        .split('\n')
        .filter((each) => each.includes(requested) && timeOf(each) >= began).length;
      return asked >= smallest;
    },
    { timeout: batchWithin, what: `batch of ${smallest} SVIDs` },
  );
  await daemon.kill();
  return { server, asked, done: signedIn(logOf(stage, name), began) };
}

/** @type {Drill} */
export const killMidRotation = {
  name: 'killed',
  rule: 'the server that the agent is on is killed while it signs a batch of SVIDs',
  agents: ['spire'],
  inShort: ['spire'],
  midRotation: true,
  prepare: registerCrowd,
  outage: async (stage) => {
    for (let attempt = 1; ; attempt += 1) {
      const { server, asked, done } = await killInBatch(stage);
      const highly = highlyOf(stage);
      if (done < asked) {
        const { told = [], ...times } = await away(stage, {
          end: async () => undefined, // It is gone already.
          begin: server.daemon.start,
          meanwhile: () => mustHaveMoved(highly, server.name),
        });
        const tried = attempt === 1 ? '' : `, at the ${attempt}. try`;
        return { ...times, told: [`killed when ${done} of the ${asked} SVIDs that the agent had asked for were signed${tried}`, ...told] };
      }
      assert.ok(attempt < tries, `every SVID of the batch was signed before the server was gone, ${tries} times`);
      await server.daemon.start();
      await bringAgentTo(highly, server.name);
    }
  },
};

/** @type {Drill} */
export const killBetweenAuthorities = {
  name: 'killed-authority',
  rule: 'a server is killed when its next authority is prepared and not yet active; it is activated after the restart, and SVIDs are renewed under it',
  agents: ['spire'],
  outage: async (stage) => {
    const server = await homeOf(stage);
    const highly = highlyOf(stage);
    const json = async (/** @type {readonly string[]} */ words) => JSON.parse(await server.cli([...words, '-output', 'json']));
    const { prepared_authority: next } = await json(['localauthority', 'x509', 'prepare']);
    const outage = await away(stage, {
      end: server.daemon.kill,
      begin: server.daemon.start,
      meanwhile: () => mustHaveMoved(highly, server.name),
    });
    await server.cli(['localauthority', 'x509', 'activate', '-authorityID', next.authority_id]);
    const { active } = await json(['localauthority', 'x509', 'show']);
    assert.equal(active.authority_id, next.authority_id, 'the prepared authority did not outlive the kill');
    await bringAgentTo(highly, server.name);
    return { ...outage, told: [...(outage.told ?? []), 'the prepared authority outlived it and was activated'] };
  },
  after: async ({ place: { suite }, traffic }) => {
    const now = performance.now();
    await Promise.all(sides.map((side) => traffic.next(side, now, suite.world.ttl * 1000)));
    return ['both SVIDs were renewed under it'];
  },
};
