// `npm run test:monitoring [-- --short] [-- --draw]`: the files of deploy/monitoring, checked by the tools of Prometheus, asked of a live one, and drilled:
// each alert is made to fire by a real fault, and to clear after it. --draw writes the plots of docs/ from what was seen.
import { strict as assert } from 'node:assert';
import { parseArgs } from 'node:util';
import { until } from '../spire/observe.js';
import { openSpireRoom, SetupError } from '../spire/room.js';
import { table } from '../spire/table.js';
import { runDrill } from './drill.js';
import {
  agentStopped,
  databaseStopped,
  faultsOfCalls,
  faultsOfIdentity,
  faultsOfProcesses,
  nothingThere,
  restarting,
  serverStopped,
} from './faults.js';
import { runLiveChecks } from './live-checks.js';
import { drawPlots } from './plots.js';
import { findTools } from './programs.js';
import { openPrometheus } from './prometheus.js';
import { alerts } from './source.js';
import { runStaticChecks } from './static-checks.js';
import { openWebhook } from './webhook.js';
import { choosePlaces, openMonitoredWorld, serviceNames } from './world.js';

const begin = performance.now();
const log = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);
const seconds = (/** @type {number} */ since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** @typedef {import('./drill.js').Outcome} Outcome */

/** Alerts that may say nothing, since in these drills another one fires for the same reason. */
const inhibited = ['CertificateNotRotating', 'EphemosNotReady', 'SPIREMetricsAbsent', 'SPIREAgentSyncFailing', 'EphemosMetricsAbsent'];

try {
  await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
}

async function main() {
  const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, draw: { type: 'boolean', default: false } } });
  const room = await openSpireRoom({ name: 'mon', log });
  let failed = true;
  try {
    const tools = findTools(log);
    await step('static', () => runStaticChecks({ tools, room }));
    await runLive(room, tools, values);
    failed = false;
  } catch (error) {
    log(`FAILED  ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    await room.close({ failed });
  }
  log(`${failed ? 'failed' : 'passed'} after ${seconds(begin)}; ${values.short ? 'short' : 'full'} form`);
}

/**
 * @param {string} name
 * @param {() => Promise<string>} run
 */
async function step(name, run) {
  const start = performance.now();
  const told = await run();
  log(`ok      ${name}: ${told} (${seconds(start)})`);
}

/**
 * @param {import('../spire/room.js').SpireRoom} room
 * @param {import('./programs.js').Tools} tools
 * @param {{ short: boolean, draw: boolean }} form
 */
async function runLive(room, tools, { short, draw }) {
  const startedAt = Date.now() / 1000;
  const places = await choosePlaces();
  const webhook = await openWebhook();
  room.onClose(webhook.close);
  const targets = {
    services: serviceNames.map((name) => `127.0.0.1:${places.services[name].metrics}`),
    servers: [`localhost:${places.server}`],
    agents: [`localhost:${places.agent}`],
  };
  const prometheus = await openPrometheus({ room, tools, targets, webhook: webhook.url });
  /** @type {Outcome[]} */
  const outcomes = [];
  // What is over before it was told is told to nobody.
  const told = async (/** @type {string} */ alert) => {
    if (inhibited.includes(alert)) return;
    const heard = async () => webhook.notices().some((notice) => notice.alert === alert && notice.status === 'firing');
    await until(heard, (yes) => yes, { timeout: 15_000, what: `somebody is told of ${alert}` });
  };
  const drill = async (/** @type {readonly import('./drill.js').Drill[]} */ drills) => {
    const results = await Promise.allSettled(drills.map((one) => runDrill({ prometheus, told }, one)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    for (const result of results) if (result.status === 'fulfilled') outcomes.push(...result.value);
    if (failures.length > 0) throw new Error(`${outcomes.length} alerts fired and cleared; ${failures.join('\n        ')}`);
  };

  const world = await openMonitoredWorld(room, places);
  const start = async () => {
    await Promise.all(serviceNames.map((name) => world.start(name)));
  };
  if (short) await start();
  else await drill([nothingThere({ start })]);
  const [web, stranger] = await Promise.all([world.openCaller('web'), world.openCaller('stranger')]);
  const orders = { to: world.addressOf('orders'), peer: world.idOf('orders') };
  web.say({ name: 'steady', kind: 'http', ...orders, every: 250 });
  web.say({ name: 'calls', kind: 'grpc', ...orders, every: 250 });
  web.say({ name: 'stock', kind: 'http', to: world.addressOf('stock'), peer: world.idOf('stock'), every: 500 });
  const unregistered = await world.startUnregistered('nobody-yet');
  await step('live', () => runLiveChecks(prometheus));
  await unregistered.stop();
  await step('quiet', () => untilQuiet(prometheus));

  const acts = short
    ? [
        [
          ...faultsOfProcesses(world),
          ...faultsOfCalls(world, { web, stranger }).filter(({ alerts: [first] }) => first?.name === 'EphemosCallersDenied'),
        ],
      ]
    : [
        [...faultsOfCalls(world, { web, stranger }), ...faultsOfProcesses(world), ...faultsOfIdentity(world)],
        [agentStopped(world), databaseStopped(world)],
        [serverStopped(world), restarting(world)],
      ];
  for (const act of acts) {
    const before = outcomes.length;
    await step('act', async () => {
      await drill(act);
      return `${outcomes.length - before} alerts fired and cleared`;
    });
  }
  log(
    `\n${table(
      ['alert', 'fired', 'cleared', 'fault'],
      outcomes.map(({ alert, fired, cleared, fault }) => [alert, `${fired.toFixed(0)} s`, `${cleared.toFixed(0)} s`, fault]),
    )}\n`,
  );
  for (const { alert, said } of outcomes) log(`${alert}: ${said}`);
  if (!short) {
    const missing = alerts.filter(({ alert }) => !outcomes.some((outcome) => outcome.alert === alert)).map(({ alert }) => alert);
    assert.deepEqual(missing, [], 'alerts without a drill');
  }
  await step('notices', () => checkNotices(webhook.notices, outcomes));
  if (draw) await step('plots', () => drawPlots(prometheus, { from: startedAt, to: Date.now() / 1000 }));
}

/**
 * Nothing fires, or is about to, while nothing is wrong.
 * @param {import('./prometheus.js').Prometheus} prometheus
 */
async function untilQuiet(prometheus) {
  const quietFor = 5000;
  const deadline = performance.now() + 60_000;
  let since = performance.now();
  for (;;) {
    const firing = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
    if (firing.length > 0) since = performance.now();
    if (performance.now() - since > quietFor) return 'no alert fires while nothing is wrong';
    if (performance.now() > deadline)
      throw new Error(`nothing is wrong, and ${firing.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`).join(', ')} fires`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/**
 * What fired was told to whom it should be, but for what follows from something else; and each notice leads to its page.
 * @param {() => readonly import('./webhook.js').Notice[]} notices
 * @param {readonly Outcome[]} outcomes
 */
async function checkNotices(notices, outcomes) {
  const wanted = outcomes.map(({ alert }) => alert).filter((alert) => !inhibited.includes(alert));
  const missing = (/** @type {string} */ status) =>
    wanted.filter((alert) => !notices().some((notice) => notice.alert === alert && notice.status === status));
  const deadline = performance.now() + 15_000;
  while (missing('firing').length + missing('resolved').length > 0 && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(missing('firing'), [], 'alerts that nobody was told of');
  assert.deepEqual(missing('resolved'), [], 'alerts that nobody was told the end of');
  // The service that has no identity is not ready, and has no stream to the agent: one notice is enough.
  assert.ok(!notices().some(({ alert }) => alert === 'EphemosNotReady'), 'what follows from EphemosNoSVID was told too');
  for (const { alert, path, runbook } of notices()) {
    assert.equal(path, `/${alerts.find((each) => each.alert === alert)?.severity}`, `${alert} went elsewhere`);
    assert.equal(runbook, `docs/runbook.md#${alert.toLowerCase()}`);
  }
  return `${notices().length} notices by Alertmanager, each to the receiver of its severity`;
}
