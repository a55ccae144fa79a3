// One of the deployments in deploy/spire, brought onto this machine: the same spire.yaml with other places (hosts, ports, paths) in it, rendered by
// the same generator, started as it says, and asked for identities.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { parseSpire } from '../../../packages/cli/dist/deploy/spire/read-spire.js';
import { RENDERED_MARK, renderSpire } from '../../../packages/cli/dist/deploy/spire/render-spire.js';
import { writeFiles } from '../../../packages/cli/dist/deploy/write-files.js';
import { checkout } from '../room.js';
import { freePort } from '../spire.js';
import { writeCertificates } from './certificates.js';
import { createDaemon } from './daemon.js';

/** @typedef {import('../../../packages/cli/dist/deploy/spire/spire.js').Spire} Spire */

const here = '127.0.0.1';
export const machine = 'machine-1';
const readyWithin = 30_000;
/** As UMask= of a service; SPIRE warns of a wider one. */
const withUmask = ['-c', 'umask 0027 && exec "$0" "$@"'];
/** A new entry is seen by the server's cache and then by the agent, each within 5 s. */
const issuedWithin = 30_000;

/**
 * The file of a variant, as plain values.
 * @param {string} variant
 */
export function valuesOf(variant) {
  return parse(readFileSync(join(checkout, 'deploy', 'spire', variant, 'spire.yaml'), 'utf8'));
}

/** @param {string} [address] */
const listener = async (address = here) => ({ address, port: await freePort() });

/**
 * A variant for hosts, with places of this machine.
 * @param {string} variant
 * @param {string} folder that every user may search
 * @param {Readonly<Record<string, unknown>>} [changes] other values at the top of its spire.yaml, such as `domain` or `lives`
 * @returns {Promise<Spire>}
 */
export async function placed(variant, folder, changes = {}) {
  const values = valuesOf(variant);
  const servers = [];
  for (const { name } of values.servers) {
    servers.push({
      name,
      host: here,
      address: here,
      port: await freePort(),
      health: await listener(),
      metrics: await listener('localhost'),
      socket: join(folder, name, 'private', 'api.sock'),
      data: join(folder, name, 'data'),
    });
  }
  const etc = join(folder, 'etc');
  const store = {
    ...values.store,
    host: 'localhost',
    port: await freePort(),
    roots: join(etc, 'database', 'ca.crt'),
    sources: [`${here}/32`, '::1/128'],
  };
  const group = process.platform === 'linux' ? 'nogroup' : 'nobody';
  // Whoever is not root can only stay who they are.
  const own = () => execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
  const runsAs = process.getuid?.() === 0 ? { user: 'nobody', group } : { user: userInfo().username, group: own() };
  return parseSpire({
    ...values,
    servers,
    ...(values.balancer === undefined
      ? {}
      : { balancer: { host: here, address: here, port: await freePort(), metrics: await listener(), sources: [`${here}/32`], ...runsAs } }),
    upstream: { certificate: join(etc, 'upstream/ca.crt'), key: join(etc, 'upstream/ca.key'), roots: join(etc, 'upstream/roots.pem') },
    store: values.store.kind === 'postgres' ? store : values.store,
    nodes: {
      kind: 'x509pop',
      authority: join(etc, 'nodes/ca.crt'),
      certificate: join(etc, 'node/node.crt'),
      key: join(etc, 'node/node.key'),
    },
    bundle: { kind: 'file', path: join(etc, 'bootstrap.pem') },
    agent: {
      ...values.agent,
      socket: join(folder, 'sockets', 'agent.sock'),
      admin: join(folder, 'agent', 'private', 'admin.sock'),
      data: join(folder, 'agent', 'data'),
      health: await listener(),
      metrics: await listener('localhost'),
    },
    ...changes,
  });
}

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {import('../../../packages/cli/dist/deploy/spire/spire.js').SpireServer} place
 * @property {import('./daemon.js').Daemon} daemon
 * @property {(words: readonly string[]) => Promise<string>} cli
 */

/**
 * @typedef {object} Deployment
 * @property {Spire} spire
 * @property {ReadonlyMap<string, string>} files every rendered file by name
 * @property {(name: string) => string} path where it was written
 * @property {import('./certificates.js').Authorities} authorities
 */

/**
 * Renders a deployment into `folder`/etc with its certificates.
 * @param {Spire} spire
 * @param {string} folder
 * @returns {Promise<Deployment>}
 */
export async function writeDeployment(spire, folder) {
  const etc = join(folder, 'etc');
  const files = renderSpire(spire);
  const changes = writeFiles(etc, files, { mark: RENDERED_MARK });
  const again = writeFiles(etc, files, { mark: RENDERED_MARK });
  if (changes.some(({ state }) => state !== 'new') || again.some(({ state }) => state !== 'same'))
    throw new Error('a second run changed something');
  return { spire, files, path: (name) => join(etc, name), authorities: await writeCertificates(spire, { machine }) };
}

/**
 * @param {import('../process.js').Program} program
 * @param {{ port: number }} health
 */
export async function untilReady(program, { port }) {
  const deadline = performance.now() + readyWithin;
  while (program.running() && performance.now() < deadline) {
    const ready = await fetch(`http://${here}:${port}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const log = `${program.stdout()}${program.stderr()}`.trimEnd().split('\n').slice(-2).join('; ');
  throw new Error(`${program.name} ${program.running() ? `is not ready after ${readyWithin / 1000} s` : 'ended'}: ${log}`);
}

/**
 * Every server of a deployment, not yet started. The first one to start makes the tables.
 * @param {Deployment} deployment
 * @param {import('../room.js').SpireRoom} room
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {readonly Server[]}
 */
export function createServers({ spire, files, path }, room, env = {}) {
  return spire.servers.map((place) => {
    const conf = files.has('server.conf') ? 'server.conf' : `server-${place.name}.conf`;
    const args = ['run', ...(spire.store.kind === 'postgres' ? ['-expandEnv'] : []), '-config', path(conf)];
    const daemon = createDaemon(
      () => {
        mkdirSync(place.data, { recursive: true, mode: 0o700 });
        mkdirSync(dirname(place.socket), { recursive: true, mode: 0o700 });
        return room.programs.start(place.name, 'sh', [...withUmask, room.spire.server, ...args], { env: { ...process.env, ...env } });
      },
      (program) => untilReady(program, place.health),
    );
    /** @type {Server['cli']} */
    const cli = async (words) => {
      const { code, stdout, stderr } = await room.programs.run('spire-server', room.spire.server, [...words, '-socketPath', place.socket]);
      if (code !== 0) throw new Error(`spire-server ${words.slice(0, 2).join(' ')}: ${`${stdout}${stderr}`.trim().split('\n').join('; ')}`);
      return stdout;
    };
    return { name: place.name, place, daemon, cli };
  });
}

/**
 * The agent of a deployment, not yet started.
 * @param {Deployment} deployment
 * @param {import('../room.js').SpireRoom} room
 * @returns {import('./daemon.js').Daemon}
 */
export function createSpireAgent({ spire: { agent }, path }, room) {
  return createDaemon(
    () => {
      mkdirSync(agent.data, { recursive: true, mode: 0o700 });
      mkdirSync(dirname(agent.admin), { recursive: true, mode: 0o700 });
      // The directory that workloads search.
      mkdirSync(dirname(agent.socket), { recursive: true, mode: 0o755 });
      chmodSync(dirname(agent.socket), 0o755);
      return room.programs.start('spire-agent', 'sh', [...withUmask, room.spire.agent, 'run', '-config', path('agent.conf')]);
    },
    (program) => untilReady(program, agent.health),
  );
}

/**
 * Registers a Unix user of the machine as a workload.
 * @param {Deployment} deployment
 * @param {Server} server
 * @param {{ name: string, uid: number }} workload
 * @returns {Promise<string>} its SPIFFE ID
 */
export async function register({ spire: { domain } }, server, { name, uid }) {
  const id = `spiffe://${domain}/${name}`;
  const parent = `spiffe://${domain}/spire/agent/x509pop/${machine}`;
  await server.cli(['entry', 'create', '-parentID', parent, '-spiffeID', id, '-selector', `unix:uid:${uid}`]);
  return id;
}

/**
 * @typedef {object} Identity
 * @property {string} id
 * @property {number} chainLength
 * @property {number} remainingSeconds
 * @property {readonly { subject: string }[]} authorities of its own trust domain
 */

/**
 * What `ephemos whoami` says to a user once it has an identity, which `ephemos watch` waits for.
 * @param {Deployment} deployment
 * @param {import('../room.js').SpireRoom} room
 * @param {number} uid
 * @returns {Promise<Identity>}
 */
export async function identityOf({ spire: { domain, agent } }, room, uid) {
  const as = { uid, gid: uid, env: { ...process.env, HOME: room.folder, SPIFFE_ENDPOINT_SOCKET: `unix://${agent.socket}` } };
  const ephemos = room.reach.file(join(checkout, 'packages/cli/dist/main.js'));
  const watch = room.programs.start('ephemos-watch', room.reach.node, [ephemos, 'watch', '--format', 'json'], as);
  await watch.line((line) => line.includes('"event":"issued"'), { timeout: issuedWithin, what: `identity for uid ${uid}` });
  await watch.stop({ signal: 'SIGINT' });
  const { code, stdout, stderr } = await room.programs.run('ephemos-whoami', room.reach.node, [ephemos, 'whoami', '--format', 'json'], as);
  if (code !== 0) throw new Error(`ephemos whoami ended with ${code}: ${stderr.trim()}`);
  const { svids, bundles } = JSON.parse(stdout);
  const own = bundles.find((/** @type {{ trustDomain: string }} */ each) => each.trustDomain === domain);
  return { ...svids[0], authorities: own.authorities };
}

/**
 * How `ephemos whoami` ends for a user.
 * @param {Deployment} deployment
 * @param {import('../room.js').SpireRoom} room
 * @param {number} uid
 */
export async function exitOfStranger({ spire: { agent } }, room, uid) {
  const ephemos = room.reach.file(join(checkout, 'packages/cli/dist/main.js'));
  const env = { ...process.env, HOME: room.folder, SPIFFE_ENDPOINT_SOCKET: `unix://${agent.socket}` };
  const { code } = await room.programs.run('ephemos-whoami', room.reach.node, [ephemos, 'whoami', '--timeout', '5s'], {
    uid,
    gid: uid,
    env,
  });
  return code;
}
