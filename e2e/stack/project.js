// What `ephemos deploy init --target compose` writes, brought onto this machine without an engine: the mounts of its compose.yaml say which file of the
// project, or which folder of ours, stands behind each path in the containers.
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/**
 * @typedef {object} Service
 * @property {Readonly<Record<string, string>>} environment
 * @property {number | undefined} uid the user that it is in its container, where that is a number
 * @property {readonly string[]} healthcheck
 * @property {(path: string) => string} here where a path in its container is on this machine
 */

/**
 * @typedef {object} Project
 * @property {string} folder
 * @property {string} domain
 * @property {any} spire the values of its spire.yaml
 * @property {(name: string) => string} file
 * @property {(name: string) => Service} service
 */

/**
 * @param {{ folder: string, volumes: string, owner?: number }} options volumes: where to put what compose keeps in volumes and in memory, for `owner`
 * @returns {Project}
 */
export function readProject({ folder, volumes, owner }) {
  /** @param {string} name */
  const file = (name) => join(folder, name);
  const compose = parse(readFileSync(file('compose.yaml'), 'utf8'), { merge: true });
  const spire = parse(readFileSync(file('spire/spire.yaml'), 'utf8'));
  /** @param {string} path @param {string} mode of the folder */
  const folderFor = (path, mode) => {
    mkdirSync(path, { recursive: true, mode: Number.parseInt(mode, 8) });
    if (owner !== undefined) chownSync(path, owner, owner);
    return path;
  };
  /** @type {Project['service']} */
  const service = (name) => {
    const declared = compose.services[name];
    if (declared === undefined) throw new Error(`compose.yaml has no service ${name}`);
    const mounts = [...declared.volumes.map(parseMount), ...(declared.tmpfs ?? []).map(parseTmpfs)];
    /** @param {string} path */
    const here = (path) => {
      const mount = mounts.find(({ target }) => path === target || path.startsWith(`${target}/`));
      if (mount === undefined) throw new Error(`${name}: nothing is mounted where ${path} is`);
      const rest = path.slice(mount.target.length);
      if (mount.bind !== undefined) return `${file(mount.bind)}${rest}`;
      const options = mount.volume === undefined ? mount.options : String(compose.volumes[mount.volume].driver_opts.o);
      const mode = /mode=(\d+)/.exec(options)?.[1] ?? '0700';
      return `${folderFor(join(volumes, mount.volume ?? `${name}${mount.target.replaceAll('/', '-')}`), mode)}${rest}`;
    };
    const uid = /^(\d+):\d+$/.exec(declared.user)?.[1];
    return {
      environment: declared.environment ?? {},
      uid: uid === undefined ? undefined : Number(uid),
      healthcheck: declared.healthcheck?.test.slice(1) ?? [],
      here,
    };
  };
  return { folder, domain: spire.domain, spire, file, service };
}

/**
 * @typedef {object} Mount
 * @property {string} target
 * @property {string} [bind] below the project
 * @property {string} [volume]
 * @property {string} options
 */

/**
 * @param {string | { type: string, source: string, target: string }} declared
 * @returns {Mount}
 */
function parseMount(declared) {
  if (typeof declared !== 'string') return { target: declared.target, volume: declared.source, options: '' };
  const [source = '', target = ''] = declared.split(':');
  return { target, bind: source.replace(/^\.\//, ''), options: '' };
}

/**
 * @param {string} declared
 * @returns {Mount}
 */
function parseTmpfs(declared) {
  const [target = '', options = ''] = declared.split(':');
  return { target, options };
}

/**
 * The values of its spire.yaml with places of this machine in them.
 * @param {Project} project
 * @param {{ listener: (address?: string) => Promise<{ address: string, port: number }>, paths: boolean }} options
 *   paths: whether workloads are told apart by the program that they run
 */
export async function placedValues({ spire, service }, { listener, paths }) {
  const [server, agent] = [service('spire-server'), service('spire-agent')];
  const { upstream, nodes, bundle } = spire;
  const { address, port } = await listener();
  return {
    ...spire,
    servers: [
      {
        ...spire.servers[0],
        host: address,
        address,
        port,
        health: await listener(),
        metrics: await listener('localhost'),
        socket: server.here(spire.servers[0].socket),
        data: server.here(spire.servers[0].data),
      },
    ],
    upstream: { certificate: server.here(upstream.certificate), key: server.here(upstream.key), roots: server.here(upstream.roots) },
    nodes: { ...nodes, authority: server.here(nodes.authority), certificate: agent.here(nodes.certificate), key: agent.here(nodes.key) },
    bundle: { ...bundle, path: agent.here(bundle.path) },
    agent: {
      ...spire.agent,
      socket: agent.here(spire.agent.socket),
      admin: agent.here(spire.agent.admin),
      data: agent.here(spire.agent.data),
      health: await listener(),
      metrics: await listener('localhost'),
      paths,
    },
  };
}
