// The faults: each really made, with the alerts that it makes fire. Those of one act are made at the same time, and are about different parts.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { sign } from '../spire/deployment/certificates.js';
import { freePort } from '../spire/spire.js';
import { openSlowRelay } from './relay.js';
import { partner, setPartner } from './world.js';

/** @typedef {import('./drill.js').Drill} Drill */
/** @typedef {import('./world.js').MonitoredWorld} World */
/** @typedef {Record<'web' | 'stranger', import('./world.js').Caller>} Callers */

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Does something again and again until it is stopped.
 * @param {() => Promise<unknown>} work
 * @param {number} every milliseconds
 */
function repeated(work, every) {
  let on = true;
  const done = (async () => {
    while (on) {
      await work();
      await pause(every);
    }
  })();
  return async () => {
    on = false;
    await done;
  };
}

/** @type {(stops: (() => Promise<void>)[]) => () => Promise<void>} */
const stopAll = (stops) => async () => {
  for (const stop of stops.splice(0)) await stop();
};

/**
 * Before anything runs.
 * @param {{ start: () => Promise<void> }} options
 * @returns {Drill}
 */
export function nothingThere({ start }) {
  return { fault: 'no service runs', alerts: [{ name: 'EphemosMetricsAbsent' }], make: async () => undefined, mend: start };
}

/**
 * Faults of callers and of their way to the services.
 * @param {World} world
 * @param {Callers} callers
 * @returns {readonly Drill[]}
 */
export function faultsOfCalls(world, { web, stranger }) {
  /** @type {(() => Promise<void>)[]} */
  const relays = [];
  /** @type {(() => Promise<void>)[]} */
  const anonymous = [];
  const orders = { to: world.addressOf('orders'), peer: world.idOf('orders') };
  const prices = { to: world.addressOf('prices'), peer: world.idOf('prices') };
  const ofOrders = { service: 'orders' };
  return [
    {
      fault: 'the network to a service is slow',
      alerts: [{ name: 'HighmTLSHandshakeLatency', labels: { ...ofOrders, role: 'server' } }],
      make: async () => {
        const relay = await openSlowRelay(orders.to, { delay: 700 });
        relays.push(relay.close);
        web.say({ name: 'slow', kind: 'http', ...orders, to: relay.address, every: 100, atOnce: 3 });
      },
      mend: async () => {
        web.say({ name: 'slow', stop: true });
        await stopAll(relays)();
      },
    },
    {
      fault: 'callers without a certificate dial a service',
      alerts: [{ name: 'HighmTLSHandshakeFailureRatio', labels: { ...ofOrders, role: 'server' } }],
      make: async () => {
        anonymous.push(repeated(() => dialWithoutCertificate(orders.to), 200));
      },
      mend: stopAll(anonymous),
    },
    {
      fault: 'a caller that no rule admits calls a service',
      alerts: [{ name: 'EphemosCallersDenied', labels: ofOrders }],
      make: async () => stranger.say({ name: 'denied', kind: 'http', ...orders, every: 300 }),
      mend: async () => stranger.say({ name: 'denied', stop: true }),
    },
    {
      fault: 'a caller uses a method that the service does not have',
      alerts: [{ name: 'EphemosRequestErrors', labels: ofOrders }],
      make: async () => web.say({ name: 'missing', kind: 'missing', ...orders, every: 200 }),
      mend: async () => web.say({ name: 'missing', stop: true }),
    },
    {
      fault: 'more callers connect than a service takes',
      alerts: [{ name: 'EphemosConnectionLimitReached', labels: { service: 'prices' } }],
      make: async () => web.say({ name: 'flood', kind: 'http', ...prices, every: 50, atOnce: 8 }),
      mend: async () => web.say({ name: 'flood', stop: true }),
    },
  ];
}

/**
 * A handshake to its end: without a certificate it is refused.
 * @param {string} address
 */
function dialWithoutCertificate(address) {
  const [host = '', port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
    socket.on('error', () => socket.destroy());
    socket.on('close', resolve);
    socket.setTimeout(5000, () => socket.destroy());
    // What the server says against it comes after our side of the handshake.
    socket.on('secureConnect', () => socket.resume());
  });
}

/**
 * Faults of processes.
 * @param {World} world
 * @returns {readonly Drill[]}
 */
export function faultsOfProcesses(world) {
  const instance = `127.0.0.1:${world.places.services.stock.metrics}`;
  return [
    {
      fault: 'a service is killed, and again when it is back',
      alerts: [{ name: 'EphemosTargetDown', labels: { instance } }],
      make: () => world.stop('stock', 'SIGKILL'),
      mend: () => world.start('stock'),
    },
  ];
}

/**
 * @param {World} world
 * @returns {Drill}
 */
export function restarting(world) {
  return {
    fault: 'a service is killed whenever it is back',
    alerts: [{ name: 'EphemosRestarting', labels: { service: 'stock' } }],
    make: async () => {
      for (let time = 0; time < 3; time += 1) {
        await world.stop('stock', 'SIGKILL');
        await world.start('stock');
        // A start that Prometheus does not see is none.
        await pause(2500);
      }
    },
    mend: async () => undefined,
  };
}

/**
 * Faults of registration and of authorities.
 * @param {World} world
 * @returns {readonly Drill[]}
 */
export function faultsOfIdentity(world) {
  const {
    suite,
    running: { servers, deployment },
  } = world;
  const [server] = servers;
  if (server === undefined || deployment.spire.upstream === undefined) throw new Error('there is no server with an upstream authority');
  const { upstream } = deployment.spire;
  /** @type {(() => Promise<void>)[]} */
  const impostors = [];
  /** @type {(() => Promise<void>)[]} */
  const strangers = [];
  /** @param {number | undefined} lives seconds */
  const renewAuthority = async (lives) => {
    const root = await sign('offline root', { pathLength: 2, ...(lives === undefined ? {} : { lives }) });
    const authority = await sign('upstream authority', { issuer: root, pathLength: 1, ...(lives === undefined ? {} : { lives }) });
    writeFileSync(upstream.roots, root.certificate);
    writeFileSync(upstream.certificate, authority.certificate);
    writeFileSync(upstream.key, authority.key);
    const { prepared_authority: next } = JSON.parse(await server.cli(['localauthority', 'x509', 'prepare', '-output', 'json']));
    // Until every agent and workload knows it.
    await pause(6000);
    await server.cli(['localauthority', 'x509', 'activate', '-authorityID', next.authority_id]);
  };
  return [
    {
      fault: 'an entry is deleted',
      alerts: [
        { name: 'EphemosNoSVID', labels: { service: 'prices' } },
        { name: 'EphemosNotReady', labels: { service: 'prices' } },
      ],
      make: () => suite.world.withdraw(world.idOf('prices')),
      mend: () => suite.world.register(world.idOf('prices')),
    },
    {
      fault: 'the authority of the server is about to expire',
      alerts: [{ name: 'SPIREAuthorityExpiringSoon' }],
      make: () => renewAuthority(1200),
      mend: () => renewAuthority(undefined),
    },
    {
      fault: 'a partner keeps every authority, and all are about to expire',
      alerts: [
        { name: 'TrustBundleGrowing', labels: { service: 'stock', trust_domain: partner } },
        { name: 'TrustBundleExpiringSoon', labels: { service: 'stock', trust_domain: partner } },
      ],
      make: () => setPartner(world.running, suite, { authorities: 7, lives: 1200 }),
      mend: () => setPartner(world.running, suite),
    },
    {
      fault: 'a machine with the certificate of another authority wants to join',
      alerts: [{ name: 'SPIREAttestationFailing' }],
      make: async () => {
        const config = await impostorConfig(world);
        // It ends when it is refused, and is started again, as by a supervisor.
        impostors.push(repeated(() => suite.programs.start('impostor-agent', world.agentProgram, ['run', '-config', config]).exited, 1200));
      },
      mend: stopAll(impostors),
    },
    {
      fault: 'a process that no entry knows asks for an identity',
      alerts: [{ name: 'SPIREWorkloadNotRegistered' }],
      make: async () => {
        const program = await world.startUnregistered('nobody');
        strangers.push(async () => void (await program.stop()));
      },
      mend: stopAll(strangers),
    },
  ];
}

/** @param {World} world */
async function impostorConfig({ running: { deployment }, suite }) {
  const { agent, nodes } = deployment.spire;
  if (nodes.kind !== 'x509pop') throw new Error('only for x509pop');
  const home = join(suite.folder, 'impostor');
  mkdirSync(home, { mode: 0o700 });
  const authority = await sign('another authority', { pathLength: 0 });
  const node = await sign('machine-2', { issuer: authority });
  for (const [name, text] of /** @type {const} */ ([
    ['node.crt', node.certificate],
    ['node.key', node.key],
  ]))
    writeFileSync(join(home, name), text, { mode: 0o600 });
  let text = readFileSync(deployment.path('agent.conf'), 'utf8');
  for (const [from, to] of /** @type {readonly (readonly [string, string])[]} */ ([
    [nodes.certificate, join(home, 'node.crt')],
    [nodes.key, join(home, 'node.key')],
    [agent.socket, join(home, 'sockets', 'agent.sock')],
    [agent.admin, join(home, 'private', 'admin.sock')],
    [agent.data, home],
    [String(agent.health.port), String(await freePort())],
    [String(agent.metrics.port), String(await freePort())],
  ])) {
    text = text.replaceAll(from, to);
  }
  return suite.write('impostor.conf', text);
}

/**
 * @param {World} world
 * @returns {Drill}
 */
export function agentStopped({ running: { agent } }) {
  const stock = { service: 'stock' };
  return {
    fault: 'the agent is stopped until SVIDs are at their end',
    alerts: [
      { name: 'SPIREAgentTargetDown' },
      { name: 'SPIREAgentDown', labels: stock },
      { name: 'SPIREMetricsAbsent', labels: { job: 'spire-agent' } },
      { name: 'CertificateNotRotating', labels: stock },
      { name: 'CertificateExpiringSoon', labels: stock },
    ],
    make: () => agent.stop(),
    mend: () => agent.start(),
  };
}

/**
 * @param {World} world
 * @returns {Drill}
 */
export function databaseStopped({ running: { database } }) {
  if (database === undefined) throw new Error('there is no database');
  const { daemon } = database.postgres;
  return {
    fault: 'the database of SPIRE is stopped',
    alerts: [{ name: 'SPIREDatastoreFailing' }],
    make: async () => {
      await daemon.program().stop({ signal: 'SIGINT' });
    },
    mend: () => daemon.start(),
  };
}

/**
 * @param {World} world
 * @returns {Drill}
 */
export function serverStopped({ running: { servers } }) {
  const [server] = servers;
  if (server === undefined) throw new Error('there is no server');
  return {
    fault: 'the only SPIRE server is stopped',
    alerts: [{ name: 'SPIREServerTargetDown' }, { name: 'SPIREAgentSyncFailing' }],
    make: () => server.daemon.stop(),
    mend: () => server.daemon.start(),
  };
}
