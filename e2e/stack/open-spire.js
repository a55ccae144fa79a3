// The SPIRE of a stack, as plain processes: that of the project itself, or the highly available one of deploy/spire in its place.
import { chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSpire } from '../../packages/cli/dist/deploy/spire/read-spire.js';
import { RENDERED_MARK, renderSpire } from '../../packages/cli/dist/deploy/spire/render-spire.js';
import { writeFiles } from '../../packages/cli/dist/deploy/write-files.js';
import { createDaemon } from '../spire/deployment/daemon.js';
import { untilReady } from '../spire/deployment/deployment.js';
import { openDeployment } from '../spire/deployment/open-deployment.js';
import { freePort } from '../spire/spire.js';
import { placedValues } from './project.js';

/**
 * @typedef {object} StackSpire
 * @property {string} socket of the Workload API
 * @property {string} serverSocket of the API of a server
 * @property {readonly (readonly [name: string, where: string])[]} parts what runs, for people
 * @property {() => readonly import('../spire/process.js').Program[]} programs those that run now
 * @property {Outage} [outage] where one server may be away
 * @property {(between: () => Promise<void>) => Promise<void>} [restart] ends server and agent, does something, and starts them again
 */

/**
 * @typedef {object} Outage
 * @property {string} server the one that can be taken away
 * @property {string} socket of the API of the other one
 * @property {() => Promise<void>} begin
 * @property {() => Promise<void>} end
 */

/**
 * @typedef {object} OpenOptions
 * @property {import('../spire/room.js').SpireRoom} room
 * @property {import('./project.js').Project} project
 * @property {boolean} paths whether the agent tells the programs that workloads run
 * @property {number} [owner] the user that servers and agents are
 * @property {(serverSocket: string) => Promise<void>} register called when a server is ready, before there is an agent
 * @property {(text: string) => void} show
 */

const address = '127.0.0.1';
const listener = async (at = address) => ({ address: at, port: await freePort() });

/**
 * @param {OpenOptions} options
 * @returns {Promise<StackSpire>}
 */
export async function openHostSpire({ room, project, paths, owner, register, show }) {
  const spire = parseSpire(await placedValues(project, { listener, paths }));
  const { servers, agent } = spire;
  const etc = join(room.folder, 'etc');
  writeFiles(etc, renderSpire(spire), { mark: RENDERED_MARK });
  const as = owner === undefined ? {} : { uid: owner, gid: owner };
  if (owner !== undefined) giveAway(etc, owner);
  const [server] = servers;
  /** @param {string} name @param {string} program @param {string} conf @param {{ port: number }} health */
  const daemonOf = (name, program, conf, health) =>
    createDaemon(
      // As UMask= of a service; SPIRE warns of a wider one.
      () => room.programs.start(name, 'sh', ['-c', 'umask 0027 && exec "$0" "$@"', program, 'run', '-config', join(etc, conf)], as),
      (running) => untilReady(running, health),
    );
  const [serverProgram, agentProgram] = [room.reach.file(room.spire.server), room.reach.file(room.spire.agent)];
  /** The health check of the container. @param {'spire-server' | 'spire-agent'} name @param {string} program */
  const check = async (name, program) => {
    const { healthcheck, here } = project.service(name);
    const words = healthcheck.slice(1).map((word) => (word.startsWith('/') ? here(word) : word));
    const { code, stdout, stderr } = await room.programs.run(`${name}-health`, program, words, as);
    if (code !== 0) throw new Error(`the health check of ${name} ended with ${code}: ${`${stdout}${stderr}`.trim()}`);
  };
  show('spire-server starts');
  const serverDaemon = daemonOf('spire-server', serverProgram, 'server.conf', server.health);
  await serverDaemon.start();
  await check('spire-server', serverProgram);
  show('entries are created');
  await register(server.socket);
  show('spire-agent starts');
  const agentDaemon = daemonOf('spire-agent', agentProgram, 'agent.conf', agent.health);
  await agentDaemon.start();
  await check('spire-agent', agentProgram);
  show(`SPIRE: server and agent run, ${owner === undefined ? 'as you' : `as the user ${owner}`}`);
  return {
    socket: agent.socket,
    serverSocket: server.socket,
    programs: () => [serverDaemon.program(), agentDaemon.program()],
    restart: async (between) => {
      await agentDaemon.stop();
      await serverDaemon.stop();
      await between();
      await serverDaemon.start();
      await agentDaemon.start();
    },
    parts: [
      ['spire-server', `${server.host}:${server.port}, health on ${server.health.port}, metrics on ${server.metrics.port}`],
      ['spire-agent', `unix://${agent.socket}`],
    ],
  };
}

/**
 * @param {OpenOptions} options
 * @returns {Promise<StackSpire>}
 */
export async function openHaSpire({ room, project: { domain, spire }, paths, register, show }) {
  const folder = join(room.folder, 'ha');
  const agentPlace = {
    socket: join(folder, 'sockets', 'agent.sock'),
    admin: join(folder, 'agent', 'private', 'admin.sock'),
    data: join(folder, 'agent', 'data'),
    health: await listener(),
    metrics: await listener('localhost'),
    workloads: ['unix'],
    paths,
  };
  mkdirSync(dirname(agentPlace.socket), { recursive: true, mode: 0o755 });
  show('PostgreSQL, two servers, HAProxy and an agent start');
  const running = await openDeployment({
    room,
    variant: 'host-ha',
    folder,
    changes: { domain, subject: spire.subject, agent: agentPlace },
  });
  const { deployment, servers, agent, database, balancer } = running;
  const [first, second] = servers;
  if (first === undefined || second === undefined || database === undefined || balancer === undefined)
    throw new Error('host-ha has no database, no balancer or one server');
  show('entries are created');
  await register(first.place.socket);
  const version = database.postgres.version.replace(/^postgres \((\w+)\)/, '$1');
  show(`SPIRE: two servers on ${version} over verified TLS, HAProxy, an agent`);
  return {
    socket: deployment.spire.agent.socket,
    serverSocket: first.place.socket,
    outage: {
      server: first.name,
      socket: second.place.socket,
      begin: () => first.daemon.stop(),
      end: () => first.daemon.start(),
    },
    programs: () => [
      ...servers.map(({ daemon }) => daemon.program()),
      agent.program(),
      database.postgres.daemon.program(),
      balancer.daemon.program(),
    ],
    parts: [
      ['postgres', `localhost:${database.store.port}, sslmode=verify-full`],
      ...servers.map(({ name, place }) => /** @type {const} */ ([name, `${place.host}:${place.port}`])),
      ['haproxy', `${balancer.place.host}:${balancer.place.port}, metrics on ${balancer.place.metrics.port}`],
      ['spire-agent', `unix://${deployment.spire.agent.socket}`],
    ],
  };
}

/**
 * Gives a folder to a user.
 * @param {string} path
 * @param {number} uid
 */
function giveAway(path, uid) {
  chownSync(path, uid, uid);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveAway(join(path, name), uid);
}
