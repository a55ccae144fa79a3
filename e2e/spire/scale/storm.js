// The case `storm`: the agent dies under many open streams and comes back; when does each have a new SVID, and is any lost?
import { strict as assert } from 'node:assert';
import { arrivalsOf, startProcess, stateOf } from './crowd.js';
import { histogram, quantile, round, until, wait } from './figures.js';
import { openScaleWorld } from './world.js';

const firstUid = 28_001;
/** Seconds; what is left when an outage begins is 31 s at least, or 12 s. */
const ttls = { full: 60, short: 20 };
const binMs = 500;
const patience = 120;
/** Processes by streams in each, and how long the agent is away. The streams of one process share its identity. */
const plans = {
  full: [
    { processes: 10, each: 50, down: 2 },
    { processes: 40, each: 50, down: 2 },
    { processes: 40, each: 50, down: 15 },
  ],
  short: [{ processes: 6, each: 25, down: 1 }],
};

/** @type {import('./run.js').Case} */
export const storm = {
  name: 'storm',
  rule: 'after the agent was killed every stream comes back by itself, none expires on the way, and the returns are spread',
  run: async ({ room, short }) => {
    const form = short ? 'short' : 'full';
    const ttl = ttls[form];
    const world = await openScaleWorld({ room, name: 'storm', knobs: { ttl, reload: '1s' } });
    const agent = await world.addAgent({ sync: '1s' });
    const most = Math.max(...plans[form].map(({ processes }) => processes));
    const uids = Array.from({ length: most }, (_, index) => firstUid + index);
    await world.register(uids.map((uid) => ({ path: `storm/${uid}`, parent: agent.id, uid })));
    await until(agent.cached, (cached) => cached === most, { seconds: patience, what: 'SVIDs in the cache of the agent' });
    /** @type {import('./crowd.js').Process[]} */
    const crowd = [];
    const rows = [];
    try {
      for (const { processes, each, down } of plans[form]) {
        const added = uids.slice(crowd.length, processes).map((uid) => startProcess({ room, endpoint: agent.endpoint, uid }));
        crowd.push(...added);
        const opened = (await Promise.all(added.map((process) => process.open(each)))).flat();
        const count = processes * each;
        const whole = await stateOf(crowd);
        assert.equal(whole.ready, count);

        await agent.kill();
        const died = Date.now();
        await Promise.all(crowd.map((process) => process.mark()));
        await wait(down);
        const dialed = (await stateOf(crowd)).errors;
        await agent.start();
        const returned = Date.now();
        const back = await until(
          () => stateOf(crowd),
          ({ rotatedSinceMark, connected }) => rotatedSinceMark === count && connected === count,
          {
            seconds: patience,
            what: `return of ${count} streams`,
            every: 0.25,
          },
        );
        const used = agent.usage();
        assert.equal(back.ready, count, `${count - back.ready} of ${count} sources have no valid SVID`);
        assert.equal(back.strangers, 0);
        const waits = (await arrivalsOf(crowd)).firsts.map((at) => at - returned);
        const bins = histogram(waits, { from: 0, step: binMs });
        rows.push({
          streams: count,
          identities: processes,
          downSeconds: down,
          awaySeconds: round((returned - died) / 1000, 1),
          openedTogetherMs: opened.length === 0 ? null : round(Math.max(...opened), 0),
          attemptsPerStreamWhileAway: round(dialed / count, 1),
          backMs: { p50: round(quantile(waits, 0.5), 0), p99: round(quantile(waits, 0.99), 0), all: round(Math.max(...waits), 0) },
          busiestBin: Math.max(...bins),
          binMs,
          returnsPerBin: bins.join(' '),
          agentCpuSeconds: round(used.cpu, 2),
          workloadsCpuMsPerStream: round(((back.cpu - whole.cpu) * 1000) / count, 1),
          lost: count - back.ready,
        });
      }
      // Those that came back are not only connected: the next renewal reaches every one of them.
      await Promise.all(crowd.map((process) => process.mark()));
      const { sources } = await stateOf(crowd);
      await until(
        () => stateOf(crowd),
        ({ rotatedSinceMark }) => rotatedSinceMark === sources,
        {
          seconds: patience,
          what: 'renewal after the storm',
          every: 0.5,
        },
      );
    } finally {
      await Promise.all(crowd.map((process) => process.stop()));
      await world.close();
    }
    const last = rows.at(-1);
    return {
      told: rows
        .map(
          ({ streams, downSeconds, backMs, busiestBin }) =>
            `${streams} streams back ${backMs.all} ms after the agent (away ${downSeconds} s), at most ${busiestBin} in ${binMs} ms`,
        )
        .join('; ')
        .concat(`; ${last?.lost} lost`),
      figures: { svidSeconds: ttl, rows },
    };
  },
};
