// The echo pair on the agent of a suite: its server, its client and its load, started as the callers that the agent knows; and what is expected of them.
import { strict as assert } from 'node:assert';
import { openLoad } from './load-run.js';

/**
 * @typedef {object} Context
 * @property {import('./suite.js').Suite} suite
 * @property {boolean} short
 */

export const ids = /** @type {const} */ ({
  server: 'spiffe://example.org/echo-server',
  client: 'spiffe://example.org/echo-client',
  stranger: 'spiffe://example.org/stranger',
  nobody: 'spiffe://example.org/nobody',
});
export const exitRefused = 4;
export const protocols = /** @type {const} */ (['grpc', 'http']);

export const since = (/** @type {number} */ begin) => performance.now() - begin;
export const ms = (/** @type {number} */ value) => (value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`);

/**
 * The running echo server; addresses are host:port.
 * @typedef {{ program: import('./process.js').Program, address: string, health: string, metrics: string }} Server
 */

/** @type {WeakMap<import('./suite.js').Suite, Server>} */
const servers = new WeakMap();
/** @type {WeakMap<import('./suite.js').Suite, Set<string>>} */
const registered = new WeakMap();

/**
 * @param {Context} context
 * @param {string} id
 */
export async function ensureRegistered({ suite }, id) {
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
export async function withdraw({ suite }, id) {
  await suite.world.withdraw(id);
  registered.get(suite)?.delete(id);
}

/**
 * The running echo server, started (and registered) when there is none.
 * @param {Context} context
 */
export async function ensureServer(context) {
  const { suite } = context;
  const running = servers.get(suite);
  if (running?.program.running()) return running;
  await ensureRegistered(context, ids.server);
  const config = suite.write(
    'echo-server.yaml',
    `service: { name: echo-server, domain: example.org, authorized_clients: [${ids.client}] }
listen: { address: "127.0.0.1:0" }
health: { address: "127.0.0.1:0" }
metrics: { address: "127.0.0.1:0" }
shutdown: { drain_delay: 3s, deadline: 10s }
`,
  );
  const program = suite.startNode('echo-server', 'examples/echo/dist/echo-server.js', ['serve'], {
    as: await suite.world.as(ids.server),
    env: { EPHEMOS_CONFIG_PATH: config },
  });
  const line = await program.line((text) => text.includes('"msg":"listening"'), { timeout: 30_000, what: 'listening line' });
  const { listen, health, metrics } = JSON.parse(line);
  const started = { program, address: String(listen), health: String(health), metrics: String(metrics) };
  servers.set(suite, started);
  return started;
}

let calls = 0;

/**
 * Runs echo-client once, to its end.
 * @param {Context} context
 * @param {{ as: string, protocol: 'grpc' | 'http', address: string, message?: string, trusts?: string }} options
 */
export async function echo({ suite }, { as, protocol, address, message = 'hello', trusts = ids.server }) {
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
export const shown = ({ code, signal, stdout, stderr }) =>
  `exit ${signal ?? code}, stdout ${JSON.stringify(stdout)}, stderr ${JSON.stringify(stderr)}`;

/**
 * @param {Echo} result
 * @param {string} message
 */
export function assertEchoed(result, message) {
  assert.equal(result.code, 0, shown(result));
  assert.ok(result.stdout.includes(message), `no echo of ${message}: ${shown(result)}`);
}

/**
 * @param {Echo} result
 * @param {RegExp} reason
 */
export function assertRefused(result, reason) {
  assert.equal(result.code, exitRefused, shown(result));
  assert.match(result.stderr, /^error: /m, shown(result));
  assert.match(result.stderr, /^hint: /m, shown(result));
  assert.match(result.stderr, reason, shown(result));
  assert.doesNotMatch(result.stderr, /^\s+at /m, `a stack was shown: ${shown(result)}`);
}

/** @param {string} text */
export const firstLine = (text) => text.split('\n').find((line) => line.startsWith('error: ')) ?? text.split('\n')[0] ?? '';

/** @param {import('./load-run.js').LoadResult} result */
export function assertNoFailures(result) {
  assert.ok(result.calls > 0, 'the load made no call');
  assert.equal(result.failures, 0, `${result.failures} of ${result.calls} calls failed: ${result.failureTexts.join('; ')}`);
}

/** @param {Context} context */
export async function startLoad(context) {
  const { address } = await ensureServer(context);
  await ensureRegistered(context, ids.client);
  return openLoad({ suite: context.suite, as: ids.client, server: address, peer: ids.server });
}
