// The case `streams`: more and more Workload API streams on one agent, each with an identity of its own, through rotations.
import { strict as assert } from 'node:assert';
import { arrivalsOf, startProcess, stateOf } from './crowd.js';
import { histogram, quantile, round, spread, until, wait } from './figures.js';
import { openScaleWorld } from './world.js';

const firstUid = 30_001;
const processes = 8;
/** Seconds. SPIRE adds 10 s of backdating and renews at half of the whole, a tenth more or less: every 12.5 to 17.5 s, or 3.5 to 6.5 s. */
const ttls = { full: 40, short: 20 };
const steps = { full: [100, 500, 1_000, 2_000], short: [40, 160] };
/** More than there are workloads, as docs/spire.md recommends. */
const cacheSize = 2_500;
const patience = 120;

/** @type {import('./run.js').Case} */
export const streams = {
  name: 'streams',
  rule: 'every stream gets its own SVID and every renewal that the agent makes; none expires, none is lost',
  run: async ({ room, short }) => {
    const form = short ? 'short' : 'full';
    const ttl = ttls[form];
    const world = await openScaleWorld({ room, name: 'streams', knobs: { ttl, reload: '1s' } });
    const agent = await world.addAgent({ sync: '1s', cacheSize });
    const alone = agent.usage();
    const crowd = Array.from({ length: processes }, () => startProcess({ room, endpoint: agent.endpoint }));
    const renewals = () => agent.log().split('Renewing X509-SVID').length - 1;
    const rows = [];
    let uids = 0;
    try {
      for (const count of steps[form]) {
        const added = Array.from({ length: count - uids }, (_, index) => firstUid + uids + index);
        uids = count;
        await world.register(added.map((uid) => ({ path: `workload/${uid}`, parent: agent.id, uid })));
        await until(agent.cached, (cached) => cached >= count, { seconds: patience, what: `${count} SVIDs in the agent's cache` });

        const share = Math.ceil(added.length / processes);
        const opened = await Promise.all(crowd.map((each, index) => each.openAsUsers(added.slice(index * share, (index + 1) * share))));
        const ms = opened.flat();
        assert.equal(ms.length, added.length, 'a stream that was opened has no SVID');

        // A whole round: every source has had its successor since the mark.
        const early = await behind(renewals, crowd);
        await Promise.all(crowd.map((each) => each.mark()));
        const [cpu, at, before] = [agent.usage().cpu, performance.now(), (await stateOf(crowd)).rotations];
        const rotated = await until(
          () => stateOf(crowd),
          ({ rotatedSinceMark }) => rotatedSinceMark === count,
          {
            seconds: patience,
            what: `rotation of ${count} streams`,
          },
        );
        const seconds = (performance.now() - at) / 1000;
        const [used, after] = [agent.usage(), rotated.rotations - before];
        const { rotatedAt, left } = await arrivalsOf(crowd);
        const missed = (await behind(renewals, crowd, early)) - early;
        const final = await stateOf(crowd);
        assert.equal(final.ready, count, `${count - final.ready} of ${count} sources have no valid SVID`);
        assert.equal(final.errors, 0, `${final.errors} errors on the streams`);
        assert.equal(final.strangers, 0, `${final.strangers} sources were given the identity of another`);
        assert.equal(missed, 0, `${missed} renewals of the agent never reached their stream`);
        assert.ok(Math.min(...left) > 0, 'an SVID expired before its successor came');
        const busiest = Math.max(...histogram(rotatedAt, { from: Math.min(...rotatedAt), step: 1000 }));
        rows.push({
          streams: count,
          firstSvidMs: spread(ms, 1),
          agentMiB: round(used.rss, 0),
          agentKiBPerStream: round(((used.rss - alone.rss) * 1024) / count, 0),
          agentFilesPerStream: round((used.files - alone.files) / count, 2),
          agentCpuMsPerRotation: round(((used.cpu - cpu) * 1000) / after, 2),
          agentCpuPercent: round(((used.cpu - cpu) / seconds) * 100, 0),
          rotationsInRound: after,
          rotationsMissed: missed,
          roundSeconds: round((quantile(rotatedAt, 0.99) - quantile(rotatedAt, 0.01)) / 1000, 1),
          busiestSecond: busiest,
          leastLifeLeftSeconds: round(Math.min(...left), 1),
        });
      }
    } finally {
      await Promise.all(crowd.map((each) => each.stop()));
      await world.close();
    }
    const last = rows.at(-1);
    return {
      told: `${last?.streams} streams: first SVID in ${last?.firstSvidMs.p50} ms (p99 ${last?.firstSvidMs.p99}), ${last?.agentCpuMsPerRotation} ms of the agent's CPU a rotation, ${last?.agentMiB} MiB, ${last?.rotationsMissed} missed`,
      figures: { svidSeconds: ttl, openedAtOnce: processes, rows },
    };
  },
};

/**
 * How many renewals the agent has written down more than have arrived. Some were made before their stream was open; those that are on their way are
 * waited for.
 * @param {() => number} renewals
 * @param {readonly import('./crowd.js').Process[]} crowd
 * @param {number} [enough] no need to look on once it is this
 * @returns {Promise<number>}
 */
async function behind(renewals, crowd, enough = Number.NEGATIVE_INFINITY) {
  let least = Number.POSITIVE_INFINITY;
  const deadline = performance.now() + (Number.isFinite(enough) ? 15_000 : 1_200);
  while (performance.now() < deadline && least > enough) {
    const before = renewals();
    const { rotations } = await stateOf(crowd);
    // Only when none was made while they were counted.
    if (renewals() === before) least = Math.min(least, before - rotations);
    await wait(0.05);
  }
  return least;
}
