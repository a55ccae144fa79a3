// What must hold for the echo pair on an agent, one scenario after the other. Each throws when it does not hold,
// and returns what it measured.
import { strict as assert } from 'node:assert';
import { openLoad } from './load-run.js';

/**
 * @typedef {object} Context
 * @property {import('./suite.js').Suite} suite
 * @property {boolean} short
 */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} rule
 * @property {(context: Context) => Promise<string>} run
 */

const ids = /** @type {const} */ ({
  server: 'spiffe://example.org/echo-server',
  client: 'spiffe://example.org/echo-client',
  stranger: 'spiffe://example.org/stranger',
  nobody: 'spiffe://example.org/nobody',
});
const exitRefused = 4;
const protocols = /** @type {const} */ (['grpc', 'http']);
/** How long an agent may take to learn of an entry, in ms: SPIRE's server reloads and its agent syncs each second here. */
const propagation = 10_000;
/** DESIGN.md, promise 4: connections drain over the withdrawal grace of 10 s. */
const withdrawalGrace = 10_000;
/** How long calls may fail when SPIRE takes SVIDs back before it has new ones, in seconds. */
const tolerableGap = 2;

const since = (/** @type {number} */ begin) => performance.now() - begin;
const ms = (/** @type {number} */ value) => (value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`);

/** @type {WeakMap<import('./suite.js').Suite, { program: import('./process.js').Program, address: string }>} */
const servers = new WeakMap();
/** @type {WeakMap<import('./suite.js').Suite, Set<string>>} */
const registered = new WeakMap();

/**
 * @param {Context} context
 * @param {string} id
 */
async function ensureRegistered({ suite }, id) {
  const known = registered.get(suite) ?? new Set();
  registered.set(suite, known);
  if (known.has(id)) return;
  await suite.world.register(id);
  known.add(id);
}

/**
 * @param {Context} context
 * @param {string} id
 */
async function withdraw({ suite }, id) {
  await suite.world.withdraw(id);
  registered.get(suite)?.delete(id);
}

/**
 * The running echo server, started (and registered) when there is none.
 * @param {Context} context
 */
async function ensureServer(context) {
  const { suite } = context;
  const running = servers.get(suite);
  if (running?.program.running()) return running;
  await ensureRegistered(context, ids.server);
  const config = suite.write(
    'echo-server.yaml',
    `service:\n  name: echo-server\n  domain: example.org\n  authorized_clients:\n    - ${ids.client}\nlisten: 127.0.0.1:0\nhealth:\n  address: 127.0.0.1:0\n`,
  );
  const program = suite.startNode('echo-server', 'examples/echo/dist/echo-server.js', ['serve'], {
    as: await suite.world.as(ids.server),
    env: { EPHEMOS_CONFIG_PATH: config },
  });
  const line = await program.line((text) => text.includes('"listening"'), { timeout: 30_000, what: 'listening line' });
  const started = { program, address: String(JSON.parse(line).address) };
  servers.set(suite, started);
  return started;
}

let calls = 0;

/**
 * Runs echo-client once, to its end.
 * @param {Context} context
 * @param {{ as: string, protocol: 'grpc' | 'http', address: string, message?: string, trusts?: string }} options
 */
async function echo({ suite }, { as, protocol, address, message = 'hello', trusts = ids.server }) {
  const name = as.split('/').at(-1) ?? '';
  const config = suite.write(
    `${name}-client.yaml`,
    `service:\n  name: ${name}\n  domain: example.org\n  trusted_servers:\n    - ${trusts}\n`,
  );
  const begin = performance.now();
  calls += 1;
  const args = [message, '--server', address, '--protocol', protocol, '--timeout', '5'];
  const program = suite.startNode(`client-${calls}-${name}`, 'examples/echo/dist/echo-client.js', args, {
    as: await suite.world.as(as),
    env: { EPHEMOS_CONFIG_PATH: config },
  });
  const late = setTimeout(() => void program.stop({ signal: 'SIGKILL' }), 60_000);
  const { code, signal } = await program.exited;
  clearTimeout(late);
  return { code, signal, stdout: program.stdout(), stderr: program.stderr(), took: since(begin) };
}

/** @typedef {Awaited<ReturnType<typeof echo>>} Echo */

/** @param {Echo} result */
const shown = ({ code, signal, stdout, stderr }) =>
  `exit ${signal ?? code}, stdout ${JSON.stringify(stdout)}, stderr ${JSON.stringify(stderr)}`;

/**
 * @param {Echo} result
 * @param {string} message
 */
function assertEchoed(result, message) {
  assert.equal(result.code, 0, shown(result));
  assert.ok(result.stdout.includes(message), `no echo of ${message}: ${shown(result)}`);
}

/**
 * @param {Echo} result
 * @param {RegExp} reason
 */
function assertRefused(result, reason) {
  assert.equal(result.code, exitRefused, shown(result));
  assert.match(result.stderr, /^error: /m, shown(result));
  assert.match(result.stderr, /^hint: /m, shown(result));
  assert.match(result.stderr, reason, shown(result));
  assert.doesNotMatch(result.stderr, /^\s+at /m, `a stack was shown: ${shown(result)}`);
}

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
];

/** @param {string} text */
const firstLine = (text) => text.split('\n').find((line) => line.startsWith('error: ')) ?? text.split('\n')[0] ?? '';

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

/** @param {import('./load-run.js').LoadResult} result */
function assertNoFailures(result) {
  assert.ok(result.calls > 0, 'the load made no call');
  assert.equal(result.failures, 0, `${result.failures} of ${result.calls} calls failed: ${result.failureTexts.join('; ')}`);
}

/** @param {Context} context */
async function startLoad(context) {
  const { address } = await ensureServer(context);
  await ensureRegistered(context, ids.client);
  return openLoad({ suite: context.suite, as: ids.client, server: address, peer: ids.server });
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
