// What must hold for the echo pair on an agent, one scenario after the other. Each throws when it does not hold,
// and returns what it measured.
import { strict as assert } from 'node:assert';
import {
  assertEchoed,
  assertNoFailures,
  assertRefused,
  echo,
  ensureRegistered,
  ensureServer,
  exitRefused,
  firstLine,
  ids,
  ms,
  protocols,
  shown,
  since,
  startLoad,
  withdraw,
} from './echo-pair.js';
import { serviceScenario } from './scenario-service.js';

/** @typedef {import('./echo-pair.js').Context} Context */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} rule
 * @property {(context: Context) => Promise<string>} run
 */

/** How long an agent may take to learn of an entry, in ms: SPIRE's server reloads and its agent syncs each second here. */
const propagation = 10_000;
/** DESIGN.md, promise 4: connections drain over the withdrawal grace of 10 s. */
const withdrawalGrace = 10_000;
/** How long calls may fail when SPIRE takes SVIDs back before it has new ones, in seconds. */
const tolerableGap = 2;

/** @type {readonly Scenario[]} */
export const scenarios = [
  {
    name: 'first-identity',
    rule: 'both get their first identity and echo over gRPC and HTTP',
    run: async (context) => {
      const begin = performance.now();
      const { address } = await ensureServer(context);
      const listening = since(begin);
      await ensureRegistered(context, ids.client);
      /** @type {string[]} */
      const took = [];
      for (const protocol of protocols) {
        const message = `grüße über ${protocol} ✓`;
        const result = await echo(context, { as: ids.client, protocol, address, message });
        assertEchoed(result, message);
        took.push(`${protocol} echo ${ms(result.took)}`);
      }
      return `entry to listening server ${ms(listening)}, ${took.join(', ')} (process start to end)`;
    },
  },
  {
    name: 'unregistered',
    rule: 'a caller without an entry is told "no identity issued" and how to mend it',
    run: async (context) => {
      const { address } = await ensureServer(context);
      const result = await echo(context, { as: ids.nobody, protocol: 'http', address });
      assertRefused(result, /no identity issued/);
      assert.match(result.stderr, /^hint: .*(spire-server entry create|ephemos dev)/m, `the hint names no command: ${shown(result)}`);
      return `exit ${result.code} after ${ms(result.took)}: ${firstLine(result.stderr)}`;
    },
  },
  {
    name: 'wrong-caller',
    rule: 'a caller with another identity is refused, and so is a server with another identity',
    run: async (context) => {
      const { address } = await ensureServer(context);
      await ensureRegistered(context, ids.stranger);
      /** @type {string[]} */
      const seen = [];
      for (const protocol of protocols) {
        const caller = await echo(context, { as: ids.stranger, protocol, address });
        assertRefused(caller, /./);
        assert.doesNotMatch(caller.stderr, /no identity/, `refused for the wrong reason: ${shown(caller)}`);
        const server = await echo(context, { as: ids.stranger, protocol, address, trusts: 'spiffe://example.org/another-server' });
        assertRefused(server, /echo-server/);
        seen.push(`${protocol}: ${firstLine(caller.stderr)}; ${firstLine(server.stderr)}`);
      }
      return `4 of 4 refused with exit ${exitRefused} (${seen[0]})`;
    },
  },
  {
    name: 'rotation',
    rule: 'SVIDs rotate at least three times under load and no call fails',
    run: async (context) => {
      const seconds = context.short ? 24 : 105;
      const load = await startLoad(context);
      const begin = performance.now();
      let result = await load.runFor(seconds, { end: false });
      // The agent's jitter may stretch the third one; half as long again is beyond all of it.
      while (Math.min(result.ownRotations, result.peerRotations) < 3 && since(begin) < seconds * 1500) {
        result = await load.runFor(1, { end: false });
      }
      result = await load.runFor(0);
      assertNoFailures(result);
      for (const [side, rotations] of Object.entries({ client: result.ownRotations, server: result.peerRotations })) {
        assert.ok(rotations >= 3, `the client saw ${rotations} rotations of the SVID of the ${side} in ${ms(since(begin))}`);
      }
      return `${result.summary}; SVIDs of ${context.suite.world.ttl} s rotated ${result.ownRotations} times (client) and ${result.peerRotations} (server)`;
    },
  },
  {
    name: 'authority-rotation',
    rule: 'the signing authority is replaced in order, the old one is distrusted, and no call fails',
    run: async (context) => {
      const load = await startLoad(context);
      await context.suite.world.rotateAuthority({ patient: true });
      const result = await load.runFor(3);
      assertNoFailures(result);
      assert.ok(result.peerAuthorities >= 2, `the client saw ${result.peerAuthorities} authorities of the server`);
      return `${result.summary}; ${result.peerAuthorities} authorities seen`;
    },
  },
  {
    name: 'authority-tainted',
    rule: 'the signing authority is distrusted at once: the agent takes every SVID back for a moment, and calls go on after it',
    run: async (context) => {
      const load = await startLoad(context);
      await context.suite.world.rotateAuthority({ patient: false });
      const result = await load.runFor(3);
      // SPIRE 1.15.2 drops tainted SVIDs before it has new ones: the Workload API answers PermissionDenied until they are signed.
      const lost = result.failureTimes;
      const gap = lost.length === 0 ? 0 : Math.max(...lost) - Math.min(...lost);
      assert.ok(gap <= tolerableGap, `calls failed over ${gap.toFixed(1)} s: ${result.failureTexts.join('; ')}`);
      assert.ok(result.peerAuthorities >= 2, `the client saw ${result.peerAuthorities} authorities of the server`);
      const codes = lost.length === 0 ? '' : `, all within ${gap.toFixed(1)} s (${[...new Set(result.failureCodes)].join(', ')})`;
      return `${result.summary}${codes}; ${absenceOf(load.seen())}`;
    },
  },
  {
    name: 'agent-restart',
    rule: 'the agent is away for 2 s under load, no call fails and rotation goes on',
    run: async (context) => {
      const load = await startLoad(context);
      const begin = performance.now();
      await context.suite.world.restartAgent({ downSeconds: 2 });
      const away = since(begin);
      // An agent that comes back may issue SVIDs at once; the second one shows that it renews them as well.
      const timeout = (context.suite.world.ttl + 20) * 1000;
      await load.event((event) => event.event === 'svid', { timeout, what: 'SVID after the restart', from: load.mark() });
      const again = since(begin);
      await load.event((event) => event.event === 'svid', { timeout, what: 'rotation after the restart', from: load.mark() });
      const rotated = since(begin);
      const result = await load.runFor(1);
      assertNoFailures(result);
      return `agent away ${ms(away)}, new SVID after ${ms(again)}, rotated after ${ms(rotated)}; ${result.summary}`;
    },
  },
  {
    name: 'entry-deleted',
    rule: 'deleting an entry withdraws the identity, ends live connections, and registering again brings it back',
    run: async (context) => {
      /** @type {string[]} */
      const seen = [];
      for (const who of /** @type {const} */ (['client', 'server'])) {
        const load = await startLoad(context);
        const before = load.proxy.live();
        assert.ok(before >= 3, `only ${before} connections live`);
        const begin = performance.now();
        const ended = load.proxy.untilThoseEnd(propagation + withdrawalGrace + 2000);
        const mark = load.mark();
        await withdraw(context, ids[who]);
        if (who === 'client') {
          await load.event((event) => event.event === 'withdrawn', { timeout: propagation, what: 'withdrawal', from: mark });
          seen.push(`client withdrawn after ${ms(since(begin))}`);
        }
        await ended;
        seen.push(`${who === 'server' ? 'server: ' : ''}all ${before} live connections ended within ${ms(since(begin))}`);
        const result = await load.runFor(1);
        assert.ok(result.failures > 0, 'calls went on although the identity is gone');
        if (who === 'client') assert.ok(result.failureCodes.includes('ERR_IDENTITY_WITHDRAWN'), result.failureTexts.join('; '));
        seen.push(`then ${[...new Set(result.failureCodes)].join(' and ')}`);
        await ensureRegistered(context, ids[who]);
        const { address } = await ensureServer(context);
        const back = await untilEchoed(context, address);
        seen.push(`${who} back ${ms(back)} after its new entry`);
      }
      return seen.join(', ');
    },
  },
  serviceScenario,
];

/**
 * How long the client had no identity.
 * @param {readonly import('./load-run.js').LoadEvent[]} events
 */
function absenceOf(events) {
  const left = events.findIndex(({ event }) => event === 'withdrawn');
  const back = events.slice(left).find(({ event }) => event === 'svid');
  const from = events[left];
  if (from === undefined) return 'the client always had an identity';
  return `the client had no identity for ${back === undefined ? 'the rest of the time' : ms((back.at - from.at) * 1000)}`;
}

/**
 * Calls until an echo comes back, and says how long that took.
 * @param {Context} context
 * @param {string} address
 */
async function untilEchoed(context, address) {
  const begin = performance.now();
  for (;;) {
    const result = await echo(context, { as: ids.client, protocol: 'http', address });
    if (result.code === 0) return since(begin);
    if (since(begin) > propagation + withdrawalGrace) assertEchoed(result, 'hello');
  }
}
