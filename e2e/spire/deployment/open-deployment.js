// Brings a deployment of deploy/spire up on this machine, all of it running, with hands on every part: servers, agent, database, balancer.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createDaemon } from './daemon.js';
import { createServers, createSpireAgent, placed, writeDeployment } from './deployment.js';
import { openPostgres } from './postgres.js';
import { findHaproxy, findPostgres } from './programs.js';

/**
 * @typedef {object} Database
 * @property {import('./postgres.js').RunningPostgres} postgres
 * @property {import('../../../packages/cli/dist/deploy/spire/spire.js').PostgresStore} store
 * @property {string} password of SPIRE's role
 */

/**
 * @typedef {object} RunningBalancer
 * @property {import('../../../packages/cli/dist/deploy/spire/spire.js').Balancer} place
 * @property {import('./daemon.js').Daemon} daemon
 */

/**
 * @typedef {object} RunningDeployment
 * @property {import('./deployment.js').Deployment} deployment
 * @property {readonly import('./deployment.js').Server[]} servers
 * @property {import('./daemon.js').Daemon} agent
 * @property {Database} [database]
 * @property {RunningBalancer} [balancer]
 */

/**
 * @param {object} options
 * @param {import('../room.js').SpireRoom} options.room
 * @param {string} options.variant of deploy/spire: `host` or `host-ha`
 * @param {string} options.folder that every user may search; made when it is not there
 * @param {Readonly<Record<string, unknown>>} [options.changes] other values at the top of its spire.yaml, such as `domain` or `lives`
 * @returns {Promise<RunningDeployment>} everything is ready; the room ends it
 */
export async function openDeployment({ room, variant, folder, changes = {} }) {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const deployment = await writeDeployment(await placed(variant, folder, changes), folder);
  const { spire } = deployment;
  const database = spire.store.kind === 'postgres' ? await openDatabase(room, deployment, folder, spire.store) : undefined;
  const env = database === undefined ? {} : { [database.store.variable]: database.password };
  const servers = createServers(deployment, room, env);
  for (const { daemon } of servers) await daemon.start();
  const balancer = spire.balancer === undefined ? undefined : await openBalancer(room, deployment, spire.balancer);
  const agent = createSpireAgent(deployment, room);
  await agent.start();
  return { deployment, servers, agent, ...(database === undefined ? {} : { database }), ...(balancer === undefined ? {} : { balancer }) };
}

/**
 * @param {import('../room.js').SpireRoom} room
 * @param {import('./deployment.js').Deployment} deployment
 * @param {string} folder
 * @param {Database['store']} store
 * @returns {Promise<Database>}
 */
async function openDatabase(room, { files }, folder, store) {
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('hex');
  mkdirSync(join(folder, 'etc', 'database'), { recursive: true, mode: 0o700 });
  const found = findPostgres({ log: room.log, stage: join(room.folder, 'stage') });
  const rendered = { sql: files.get('postgres.sql') ?? '', hba: files.get('postgres.hba') ?? '' };
  return { postgres: await openPostgres({ folder, found, programs: room.programs, store, rendered, password }), store, password };
}

/**
 * @param {import('../room.js').SpireRoom} room
 * @param {import('./deployment.js').Deployment} deployment
 * @param {RunningBalancer['place']} place
 * @returns {Promise<RunningBalancer>}
 */
async function openBalancer(room, { path }, place) {
  const { program, env } = findHaproxy(room.log);
  const checked = await room.programs.run('haproxy-check', program, ['-c', '-f', path('haproxy.cfg')], { env });
  if (checked.code !== 0) throw new Error(`haproxy refuses its configuration: ${checked.stdout}${checked.stderr}`);
  const daemon = createDaemon(
    () => room.programs.start('haproxy', program, ['-db', '-f', path('haproxy.cfg')], { env }),
    (running) => untilItAnswers(running, place.metrics.port),
  );
  await daemon.start();
  return { place, daemon };
}

/**
 * @param {import('../process.js').Program} program
 * @param {number} port of its metrics
 */
async function untilItAnswers(program, port) {
  const deadline = performance.now() + 30_000;
  while (program.running() && performance.now() < deadline) {
    const answers = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answers) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(
    `haproxy ${program.running() ? 'does not answer' : 'ended'}: ${program.stderr().trim().split('\n').slice(-2).join('; ')}`,
  );
}
