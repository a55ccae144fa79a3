// The main path of the service suite on an agent: scraped, probed, audited, without its agent, and ended under load.
import { strict as assert } from 'node:assert';
import {
  assertEchoed,
  assertNoFailures,
  assertRefused,
  echo,
  ensureRegistered,
  ensureServer,
  ids,
  ms,
  since,
  startLoad,
} from './echo-pair.js';
import { probe, scrape, until } from './observe.js';

/** @typedef {import('./echo-pair.js').Context} Context */
/** @typedef {import('./echo-pair.js').Server} Server */

/** @type {import('./scenarios.js').Scenario} */
export const serviceScenario = {
  name: 'service',
  rule: 'it is scraped and probed, audits a refusal, outlives its agent while its SVID is valid, recovers, and SIGTERM under load fails no call',
  run: async (context) => {
    const { program, address, health, metrics } = await ensureServer(context);
    const ready = () => probe(health, 'readyz');
    assert.ok((await ready()).ok && (await probe(health, 'livez')).ok, `not ready: ${(await ready()).text}`);
    const before = await scrape(metrics);

    await ensureRegistered(context, ids.stranger);
    const mark = program.stdout().length;
    assertRefused(await echo(context, { as: ids.stranger, protocol: 'grpc', address }), /./);
    const isDenial = (/** @type {string} */ line) => line.includes('"audit":"deny"') && line.includes(ids.stranger);
    const audit = JSON.parse((await program.line(isDenial, { timeout: 5_000, what: 'audit line' })) ?? '{}');
    assert.deepEqual([audit.peer, audit.reason, audit.address], [ids.stranger, 'no_rule_for_peer', '127.0.0.1']);
    assert.ok(program.stdout().length > mark, 'the audit line is an older one');
    await ensureRegistered(context, ids.client);
    assertEchoed(await echo(context, { as: ids.client, protocol: 'grpc', address, message: 'counted' }), 'counted');
    const counted = await scrape(metrics);
    const grown = (/** @type {string} */ name, label = '') => counted(name, label) - before(name, label);
    assert.ok(grown('ephemos_authorization_decisions_total', 'decision="deny"') >= 1, 'the refusal was not counted');
    assert.ok(grown('rpc_server_call_duration_seconds_count') >= 1, 'the call was not counted');

    const away = await outliveAgent(context, { health, metrics });
    const drained = await drainUnderLoad(context, { program, health });
    return `audit line and metrics of the refusal; ${away}; ${drained}`;
  },
};

/**
 * Keeps the agent away for longer than the SVID lives: the server stays live, is ready for as long as the SVID is valid, and recovers by itself.
 * @param {Context} context
 * @param {Pick<Server, 'health' | 'metrics'>} server
 */
async function outliveAgent({ suite }, { health, metrics }) {
  const ready = () => probe(health, 'readyz');
  const connected = async () => (await scrape(metrics))('ephemos_spire_agent_connection_status');
  const downSeconds = suite.world.ttl + 3;
  const restarted = suite.world.restartAgent({ downSeconds });
  await until(connected, (status) => status === 0, { timeout: 10_000, what: 'the agent is away' });
  const validUntil = (await scrape(metrics))('ephemos_svid_not_after_timestamp_seconds') * 1000;
  const unready = await until(ready, ({ ok }) => !ok, { timeout: downSeconds * 1000 + 5_000, what: 'unready without an agent' });
  assert.ok(Date.now() >= validUntil, `unready ${ms(validUntil - Date.now())} before the SVID expired: ${unready.text}`);
  assert.match(unready.text, /svid/, 'the probe does not name the check');
  assert.ok((await probe(health, 'livez')).ok, 'a server whose agent is away is not live');
  const late = Date.now() - validUntil;
  await restarted;
  const begin = performance.now();
  await until(ready, ({ ok }) => ok, { timeout: 30_000, what: 'ready again' });
  return `agent away for ${downSeconds} s: ready until ${ms(late)} after its SVID expired, ready again ${ms(since(begin))} after the agent was`;
}

/**
 * @param {Context} context
 * @param {Pick<Server, 'program' | 'health'>} server
 */
async function drainUnderLoad(context, { program, health }) {
  const load = await startLoad(context);
  const { calls: before } = await load.runFor(2, { end: false });
  const ended = program.stop();
  const begin = performance.now();
  await until(
    () => probe(health, 'readyz'),
    ({ ok }) => !ok,
    { timeout: 5_000, what: 'unready after SIGTERM' },
  );
  // For as long as load balancers take to notice, and within the drain delay.
  const result = await load.runFor(1);
  assertNoFailures(result);
  const { code, signal } = await ended;
  assert.equal(code, 0, `the server ended with ${signal ?? code}: ${program.stderr()}`);
  assert.match(program.stdout(), /"clean":true.*"msg":"shut down"/, 'the server had to cut calls off');
  return `SIGTERM under load: ${result.calls - before} calls after it, 0 failed, exit 0 after ${ms(since(begin))}`;
}
