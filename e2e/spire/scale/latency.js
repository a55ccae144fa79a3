// How long an entry takes from its creation to its first SVID: pushed on a stream that is open (SPIRE alone), and to a workload that starts with its entry.
import { startProcess } from './crowd.js';
import { spread, wait } from './figures.js';
import { trustDomain } from './world.js';

let nextUid = 50_001;
let round = 0;

/**
 * @param {object} options
 * @param {import('../room.js').SpireRoom} options.room
 * @param {import('./world.js').ScaleWorld} options.world
 * @param {import('./world.js').ScaleAgent} options.agent
 * @param {number} options.pushed how many entries arrive on one open stream
 * @param {number} options.fresh how many workloads start in the moment of their entry
 * @param {number} options.seconds over which the creations are spread, so that they meet every phase of the intervals
 */
export async function measureLatency({ room, world, agent, pushed, fresh, seconds }) {
  round += 1;
  const uid = nextUid;
  nextUid += 1 + fresh;
  const names = Array.from({ length: pushed }, (_, index) => `latency/${round}/${index}`);
  const watcher = startProcess({ room, endpoint: agent.endpoint, uid });
  const starters = Array.from({ length: fresh }, (_, index) => ({
    uid: uid + 1 + index,
    process: startProcess({ room, endpoint: agent.endpoint, uid: uid + 1 + index }),
  }));
  try {
    await world.register([{ path: `latency/${round}`, parent: agent.id, uid }]);
    await watcher.open(1);
    await Promise.all(starters.map(({ process }) => process.state())); // They have loaded their code.
    const arrived = watcher.firstSvid(names.map((name) => `spiffe://${trustDomain}/${name}`));

    /** @type {Promise<number>[]} */
    const started = [];
    /** @type {number[]} */
    const createdAt = [];
    const creations = Math.max(pushed, fresh);
    for (let index = 0; index < creations; index += 1) {
      await wait((Math.random() + 0.5) * (seconds / creations));
      const starter = starters[index];
      if (starter !== undefined) {
        const begin = Date.now();
        const opened = starter.process.open(1);
        await world.register([{ path: `latency/fresh/${starter.uid}`, parent: agent.id, uid: starter.uid }]);
        const created = Date.now();
        started.push(opened.then(([ms = Number.NaN]) => begin + ms - created));
      }
      const name = names[index];
      if (name === undefined) continue;
      await world.register([{ path: name, parent: agent.id, uid }]);
      createdAt.push(Date.now());
    }
    const at = await arrived;
    const missing = at.filter((time) => time === null).length;
    if (missing > 0) throw new Error(`${missing} of ${pushed} entries never reached their workload`);
    return {
      pushedMs: spread(
        createdAt.map((created, index) => (at[index] ?? Number.NaN) - created),
        0,
      ),
      startedMs: spread(await Promise.all(started), 0),
    };
  } finally {
    await Promise.all([watcher, ...starters.map(({ process }) => process)].map((each) => each.stop()));
  }
}
