// The case `cost`: what one open X509Source costs the process that holds it, by holding more and more of them.
import { strict as assert } from 'node:assert';
import { startProcess } from './crowd.js';
import { round, until, wait } from './figures.js';
import { openScaleWorld } from './world.js';

const uid = 29_001;
/** Seconds; renewed every 3.5 to 6.5 s. */
const ttl = 20;
const counts = { full: [1, 100, 1_000], short: [1, 50] };
const idleSeconds = { full: 10, short: 2 };
const rounds = { full: 2, short: 1 };

/** @type {import('./run.js').Case} */
export const cost = {
  name: 'cost',
  rule: 'a source costs a connection and some memory, and works only when something comes',
  run: async ({ room, short }) => {
    const form = short ? 'short' : 'full';
    const world = await openScaleWorld({ room, name: 'cost', knobs: { ttl, reload: '1s' } });
    const agent = await world.addAgent({ sync: '1s' });
    await world.register([{ path: 'cost', parent: agent.id, uid }]);
    await until(agent.cached, (cached) => cached === 1, { seconds: 30, what: 'SVID in the cache of the agent' });
    const holder = startProcess({ room, endpoint: agent.endpoint, uid });
    const rows = [];
    const empty = await holder.measure();
    try {
      /** @type {import('./crowd.js').Measured | undefined} */
      let one;
      let open = 0;
      for (const count of counts[form]) {
        await holder.open(count - open);
        open = count;
        const spent = await holder.spend({ rotations: count * rounds[form] });
        const state = await holder.state();
        assert.equal(state.ready, count);
        assert.equal(state.errors, 0);
        assert.ok(spent.rotations >= count * rounds[form], `${spent.rotations} rotations of ${count} sources in ${spent.seconds} s`);
        const after = await holder.measure();
        // Differences to one source: what all share (code, buffers of the runtime) cancels out.
        const per = (/** @type {(measured: import('./crowd.js').Measured) => number} */ of) =>
          one === undefined ? null : (of(after) - of(one)) / (count - 1);
        rows.push({
          sources: count,
          rssMiB: round(after.rss, 1),
          heapMiB: round(after.heap, 1),
          kiBPerSource: rounded(per(({ heap }) => heap * 1024)),
          rssKiBPerSource: rounded(per(({ rss }) => rss * 1024)),
          filesPerSource: one === undefined ? after.files - empty.files : rounded(per(({ files }) => files)),
          cpuMsPerRotation: round((spent.cpu * 1000) / spent.rotations, 2),
          wakeUpsPerRotation: round(spent.wakeUps / spent.rotations, 2),
          rotations: spent.rotations,
        });
        one ??= after;
      }
      const idle = await idleWakeUps(room, world, form);
      return {
        told: `${rows.at(-1)?.kiBPerSource} KiB of heap and ${rows.at(-1)?.rssKiBPerSource} KiB of memory a source, ${rows.at(-1)?.filesPerSource} file, ${rows.at(-1)?.cpuMsPerRotation} ms of CPU a rotation, ${idle.withSources} wake-ups a second between rotations (${idle.withoutSources} without any source)`,
        figures: { svidSeconds: ttl, emptyRssMiB: round(empty.rss, 1), rows, idle },
      };
    } finally {
      await holder.stop();
      await world.close();
    }
  },
};

/** @param {number | null} value */
const rounded = (value) => (value === null ? null : round(value, 1));

/**
 * How often a process is woken while nothing rotates, with and without sources: SVIDs of an hour, nothing new.
 * @param {import('../room.js').SpireRoom} room
 * @param {import('./world.js').ScaleWorld} world
 * @param {'full' | 'short'} form
 */
async function idleWakeUps(room, world, form) {
  const sources = form === 'full' ? 500 : 50;
  await world.server.stop();
  await world.server.start({ reload: '1s' });
  const agent = await world.addAgent({ sync: '1s' });
  await world.register([{ path: 'idle', parent: agent.id, uid: uid + 1 }]);
  await until(agent.cached, (cached) => cached === 1, { seconds: 30, what: 'SVID in the cache of the agent' });
  const [without, holder] = [
    startProcess({ room, endpoint: agent.endpoint, uid: uid + 1 }),
    startProcess({ room, endpoint: agent.endpoint, uid: uid + 1 }),
  ];
  try {
    await holder.open(sources);
    await wait(1);
    const seconds = idleSeconds[form];
    const [bare, full] = await Promise.all([without.spend({ seconds }), holder.spend({ seconds })]);
    const perSecond = (/** @type {number} */ value) => round(value / seconds, 2);
    return {
      sources,
      seconds,
      withoutSources: perSecond(bare.wakeUps),
      withSources: perSecond(full.wakeUps),
      cpuMsPerSecond: { withoutSources: perSecond(bare.cpu * 1000), withSources: perSecond(full.cpu * 1000) },
    };
  } finally {
    await Promise.all([without.stop(), holder.stop()]);
  }
}
