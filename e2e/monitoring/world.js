// What is monitored: a SPIRE of deploy/spire/host on a PostgreSQL, three services on it, and callers of them; with places for Prometheus to scrape that
// are known before anything runs.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sign } from '../spire/deployment/certificates.js';
import { machine } from '../spire/deployment/deployment.js';
import { openDeployment } from '../spire/deployment/open-deployment.js';
import { createDeploymentWorld } from '../spire/deployment/world.js';
import { freePort } from '../spire/spire.js';
import { createSuite } from '../spire/suite.js';

/** Seconds that SVIDs live; SPIRE adds 10 s at the front. A thirtieth of half an hour. */
const ttl = 60;
export const domain = 'prod.acme.com';
export const partner = 'partner.example';
/** @type {readonly ServiceName[]} */
export const serviceNames = ['orders', 'prices', 'stock'];
const more = { orders: '', prices: 'limits: { max_connections: 2 }\n', stock: '' };

const parent = `spiffe://${domain}/spire/agent/x509pop/${machine}`;

/** @typedef {'orders' | 'prices' | 'stock'} ServiceName */
/** @typedef {{ listen: number, metrics: number, health: number }} Ports */
/** @typedef {import('../spire/process.js').Program} Program */
/** @typedef {{ say: (order: Record<string, unknown>) => void, program: Program }} Caller */

/**
 * @typedef {object} Places
 * @property {Readonly<Record<ServiceName, Ports>>} services
 * @property {number} server the metrics of spire-server
 * @property {number} agent the metrics of spire-agent
 */

/**
 * @typedef {object} MonitoredWorld
 * @property {import('../spire/deployment/open-deployment.js').RunningDeployment} running
 * @property {import('../spire/suite.js').Suite} suite
 * @property {Places} places
 * @property {(name: string) => string} idOf
 * @property {(name: ServiceName) => string} addressOf
 * @property {(name: ServiceName) => Promise<void>} start a service, and wait until it listens
 * @property {(name: ServiceName, signal: NodeJS.Signals) => Promise<void>} stop
 * @property {(name: string) => Promise<Caller>} openCaller one that has an identity
 * @property {(name: string) => Promise<Program>} startUnregistered something that asks for an identity and has none
 * @property {string} agentProgram
 */

/** @returns {Promise<Places>} */
export async function choosePlaces() {
  const ports = async () => ({ listen: await freePort(), metrics: await freePort(), health: await freePort() });
  return {
    services: { orders: await ports(), prices: await ports(), stock: await ports() },
    server: await freePort(),
    agent: await freePort(),
  };
}

/**
 * @param {import('../spire/room.js').SpireRoom} room
 * @param {Places} places
 * @returns {Promise<MonitoredWorld>} SPIRE runs; no service does
 */
export async function openMonitoredWorld(room, places) {
  const folder = join(room.folder, 'spire');
  mkdirSync(folder, { mode: 0o755 });
  const etc = join(folder, 'etc');
  const here = '127.0.0.1';
  const server = {
    name: 'spire-1',
    host: here,
    address: here,
    port: await freePort(),
    health: { address: here, port: await freePort() },
    metrics: { address: 'localhost', port: places.server },
    socket: join(folder, 'spire-1', 'private', 'api.sock'),
    data: join(folder, 'spire-1', 'data'),
  };
  const store = {
    kind: 'postgres',
    host: 'localhost',
    port: await freePort(),
    roots: join(etc, 'database', 'ca.crt'),
    sources: [`${here}/32`, '::1/128'],
  };
  const agent = {
    socket: join(folder, 'sockets', 'agent.sock'),
    admin: join(folder, 'agent', 'private', 'admin.sock'),
    data: join(folder, 'agent', 'data'),
    health: { address: here, port: await freePort() },
    metrics: { address: 'localhost', port: places.agent },
    workloads: ['unix'],
  };
  const running = await openDeployment({ room, variant: 'host', folder, changes: { servers: [server], store, agent } });
  const world = createDeploymentWorld({ about: `SPIRE ${room.spire.version} on PostgreSQL`, running, ttl });
  const suite = createSuite(room, world);
  const idOf = (/** @type {string} */ name) => `spiffe://${domain}/${name}`;
  /** @type {Map<string, Program>} */
  const programs = new Map();

  await setPartner(running, suite);
  const stock = await world.as(idOf('stock'));
  await running.servers[0]?.cli([
    'entry',
    'create',
    ...['-parentID', parent, '-spiffeID', idOf('stock'), '-selector', `unix:uid:${stock.uid}`],
    ...['-x509SVIDTTL', String(ttl), '-federatesWith', `spiffe://${partner}`],
  ]);
  for (const name of ['orders', 'prices', 'web', 'stranger']) await world.register(idOf(name));

  /** @type {MonitoredWorld['start']} */
  const start = async (name) => {
    const { listen, metrics, health } = places.services[name];
    const config = suite.write(
      `${name}.yaml`,
      `service: { name: ${name}, domain: ${domain}, authorized_clients: [${idOf('web')}] }
listen: { address: "${here}:${listen}" }
health: { address: "${here}:${health}" }
metrics: { address: "${here}:${metrics}" }
shutdown: { drain_delay: 0s, deadline: 2s }
${more[name]}`,
    );
    const program = suite.startNode(name, 'examples/echo/dist/echo-server.js', ['serve'], {
      as: await world.as(idOf(name)),
      env: { EPHEMOS_CONFIG_PATH: config },
    });
    programs.set(name, program);
    await program.line((text) => text.includes('"msg":"listening"'), { timeout: 40_000, what: 'listening line' });
  };

  return {
    running,
    suite,
    places,
    idOf,
    addressOf: (name) => `${here}:${places.services[name].listen}`,
    start,
    stop: async (name, signal) => {
      await programs.get(name)?.stop({ signal });
    },
    openCaller: async (name) => {
      const program = suite.startNode(`caller-${name}`, 'e2e/monitoring/caller.js', [], { as: await world.as(idOf(name)) });
      await program.line((line) => line.includes('ready'), { timeout: 40_000, what: 'identity' });
      return { program, say: (order) => program.write(JSON.stringify(order)) };
    },
    startUnregistered: async (name) =>
      suite.startNode(`unregistered-${name}`, 'packages/cli/dist/main.js', ['watch', '--format', 'json'], {
        as: await world.as(idOf(name)),
      }),
    agentProgram: room.spire.agent,
  };
}

/**
 * Gives the server the bundle of a partner.
 * @param {import('../spire/deployment/open-deployment.js').RunningDeployment} running
 * @param {import('../spire/suite.js').Suite} suite
 * @param {{ authorities: number, lives?: number }} [options] seconds
 */
export async function setPartner({ servers }, suite, { authorities, lives } = { authorities: 1 }) {
  const life = lives === undefined ? {} : { lives };
  const roots = await Promise.all(Array.from({ length: authorities }, (_, at) => sign(`partner ${at}`, { pathLength: 1, ...life })));
  const file = suite.write('partner.pem', roots.map(({ certificate }) => certificate).join(''));
  await servers[0]?.cli(['bundle', 'set', '-id', `spiffe://${partner}`, '-path', file, '-format', 'pem']);
}
