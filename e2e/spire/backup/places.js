// A room for one case, with a deployment in it that can be destroyed and come back: which files belong to it, and how it ends.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openDeployment } from '../deployment/open-deployment.js';
import { openSpireRoom } from '../room.js';
import { openScripts } from './scripts.js';

/**
 * @typedef {object} Place
 * @property {import('../room.js').SpireRoom} room
 * @property {string} folder of the deployment
 * @property {import('../deployment/open-deployment.js').RunningDeployment} running
 * @property {import('./scripts.js').Scripts} scripts
 */

/**
 * @template T
 * @param {{ name: string, log: (line: string) => void }} options
 * @param {(room: import('../room.js').SpireRoom) => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function inRoom({ name, log }, action) {
  const room = await openSpireRoom({ name, log });
  let failed = true;
  try {
    const result = await action(room);
    failed = false;
    return result;
  } finally {
    await room.close({ failed });
  }
}

/**
 * @param {import('../room.js').SpireRoom} room
 * @param {{ variant: string, domain?: string, folder?: string }} options
 * @returns {Promise<Place>}
 */
export async function openPlace(room, { variant, domain = 'example.org', folder: name = 'd' }) {
  const folder = join(room.folder, name);
  const running = await openDeployment({ room, variant, folder, changes: { domain } });
  await untilAllAreKnown(running.servers);
  return { room, folder, running, scripts: await openScripts(room, running) };
}

/**
 * Each server adds a JWT key when it first starts, and keeps the bundle that it has read for a moment: one that started before another does not show
 * the key of the other at once, and a backup would hold more than it showed.
 * @param {readonly import('../deployment/deployment.js').Server[]} servers
 */
async function untilAllAreKnown(servers) {
  const deadline = performance.now() + 30_000;
  for (const server of servers) {
    while ((await bundleOf(server)).jwt.length < servers.length) {
      if (performance.now() > deadline) throw new Error(`${server.name} does not show the JWT keys of all servers`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Every folder that a restore could write to. @param {Place} place */
export function targetsOf({ folder, running: { servers } }) {
  return [join(folder, 'etc'), ...servers.map(({ place }) => place.data)];
}

/** The words that name the servers of a deployment. @param {Place} place @param {readonly string[]} [names] */
export function serverWords({ running: { deployment, servers } }, names = servers.map(({ name }) => name)) {
  return names.flatMap((name) => ['--server', `${name}=${confOf(deployment, name)}`]);
}

/** @param {import('../deployment/deployment.js').Deployment} deployment @param {string} name */
export const confOf = ({ files, path }, name) => path(files.has('server.conf') ? 'server.conf' : `server-${name}.conf`);

/** A fire: every server killed, and its folder and the database gone. @param {Place} place */
export async function destroy({ running: { servers, database } }) {
  await Promise.all(servers.map(({ daemon }) => daemon.kill()));
  for (const { place } of servers) rmSync(place.data, { recursive: true });
  await database?.postgres.destroy();
}

/** New machines: empty folders, an empty database as the administrator prepares it. @param {Place} place */
export async function rebuild({ running: { servers, database } }) {
  for (const { place } of servers) if (!existsSync(place.data)) mkdirSync(place.data, { mode: 0o700 });
  await database?.postgres.renew();
}

/** The first server. @param {Place} place */
export function firstOf({ running: { servers } }) {
  const [first] = servers;
  if (first === undefined) throw new Error('there is no server');
  return first;
}

/** The X.509 authority that signs at a server. @param {import('../deployment/deployment.js').Server} server */
export async function authorityOf(server) {
  const shown = JSON.parse(await server.cli(['localauthority', 'x509', 'show', '-output', 'json']));
  return String(shown.active?.authority_id);
}

/**
 * The bundle as a server shows it, which it does in another order each time.
 * @param {import('../deployment/deployment.js').Server} server
 * @returns {Promise<{ x509: readonly string[], jwt: readonly string[], sequence: number }>} certificates, and keys with their IDs
 */
export async function bundleOf(server) {
  /** @type {{ keys: { use: string, kid?: string, x?: string, x5c?: string[] }[], spiffe_sequence: number }} */
  const { keys, spiffe_sequence: sequence } = JSON.parse(await server.cli(['bundle', 'show', '-format', 'spiffe']));
  /** @param {string} use @param {(key: typeof keys[0]) => string} told */
  const of = (use, told) =>
    keys
      .filter((key) => key.use === use)
      .map(told)
      .sort();
  return { x509: of('x509-svid', ({ x5c }) => String(x5c)), jwt: of('jwt-svid', ({ kid, x }) => `${kid} ${x}`), sequence };
}
