// A stack, up: the project that `ephemos deploy init` writes, its SPIRE, the echo server, and ways to call it as this one or that one.
import { chmodSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { checkout } from '../spire/room.js';
import { freePort } from '../spire/spire.js';
import { createCallers } from './callers.js';
import { openHaSpire, openHostSpire } from './open-spire.js';
import { readProject } from './project.js';

/**
 * @typedef {object} Call
 * @property {string} as the name of the caller
 * @property {'grpc' | 'http'} protocol
 * @property {string} message
 */

/**
 * @typedef {object} Stack
 * @property {string} domain
 * @property {import('./project.js').Project} project
 * @property {readonly (readonly [string, string])[]} parts what runs and where, for people
 * @property {string} address of the echo server
 * @property {string} serverSocket of the API of a SPIRE server
 * @property {() => readonly import('../spire/process.js').Program[]} programs those that run now
 * @property {import('./open-spire.js').Outage} [outage] where one server may be away
 * @property {import('./open-spire.js').StackSpire['restart']} [restart] of its SPIRE
 * @property {(name: string, serverSocket: string) => Promise<string>} register gives a caller an identity, and returns it
 * @property {(name: string) => Promise<void>} issued resolves when the agent has told a caller its identity
 * @property {(call: Call) => Promise<{ code: number | null, stdout: string, stderr: string }>} call
 * @property {(from: number) => Promise<Readonly<Record<string, unknown>>>} denial the audit line of the refusal after so many others
 * @property {() => number} denials until now
 * @property {(name: string, args: readonly string[], as?: string) => Promise<{ code: number | null, stdout: string, stderr: string }>} ephemos
 *   runs the command, as a caller where one is named
 * @property {string} script that calls as the client
 */

const isRoot = process.getuid?.() === 0;
const calls = {
  server: 'examples/echo/dist/echo-server.js',
  client: 'examples/echo/dist/echo-client.js',
  ephemos: 'packages/cli/dist/main.js',
};
/** Until the agent has told a program its identity and the server has taken a call. */
const within = 60;

/**
 * @param {{ room: import('../spire/room.js').SpireRoom, ha: boolean, knownPorts: boolean, screen: import('./screen.js').Screen }} options
 *   knownPorts: whether to take the ports that people know where they are free
 * @returns {Promise<Stack>} the room ends it
 */
export async function openStack({ room, ha, knownPorts, screen }) {
  const folder = join(room.folder, 'project');
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(EPHEMOS|SPIFFE|GRPC)_/.test(key)));
  const base = { ...inherited, HOME: room.folder };
  const script = (/** @type {string} */ name) => room.reach.file(join(checkout, name));
  /** @param {string} name @param {readonly string[]} args @param {{ node?: string, as?: object, env?: NodeJS.ProcessEnv }} [options] */
  const ephemos = (name, args, { node = room.reach.node, as = {}, env = {} } = {}) =>
    room.programs.run(name, node, [script(calls.ephemos), ...args], { ...as, cwd: room.folder, env: { ...base, ...env } });

  const project = await screen.step('ephemos deploy init --target compose', async (show) => {
    const { code, stdout, stderr } = await ephemos('deploy-init', ['deploy', 'init', '--target', 'compose', '--out', folder]);
    if (code !== 0) throw new Error(`ephemos deploy init ended with ${code}: ${stderr.trim()}`);
    show(`ephemos deploy init: ${stdout.match(/^new /gm)?.length} files, keys for their owner alone`);
    const owner = isRoot ? lstatSync(join(folder, 'private')).uid : undefined;
    const volumes = join(room.folder, 'v');
    mkdirSync(volumes, { mode: 0o755 });
    return { ...readProject({ folder, volumes, ...(owner === undefined ? {} : { owner }) }), owner };
  });
  const { domain, owner } = project;
  const callers = createCallers({
    folder: room.folder,
    node: room.reach.node,
    root: isRoot,
    userOf: (name) => project.service(name).uid,
  });
  /** @type {Stack['register']} */
  const registerOne = async (name, serverSocket) => {
    const id = `spiffe://${domain}/${name}`;
    const file = join(room.folder, `${name}.yaml`);
    const entry = { spiffe_id: id, parent_id: parentOf(project), selectors: [callers(name).selector] };
    writeFileSync(file, stringify({ owner: name, entries: [entry] }));
    const { code, stderr } = await ephemos('entries-apply', ['entries', 'apply', '-f', file, '--server', `unix://${serverSocket}`]);
    if (code !== 0) throw new Error(`ephemos entries apply ended with ${code}: ${stderr.trim()}`);
    return id;
  };
  /** @param {string} serverSocket */
  const register = async (serverSocket) => {
    await createEntries({ room, project, callers, serverSocket });
    // Somebody of the same trust domain whom nobody authorized; registered as people do.
    await registerOne('stranger', serverSocket);
  };
  const spire = await screen.step('SPIRE', (show) =>
    (ha ? openHaSpire : openHostSpire)({ room, project, paths: !isRoot, ...(owner === undefined ? {} : { owner }), register, show }),
  );

  const environment = (/** @type {string} */ name) => ({
    ...base,
    EPHEMOS_CONFIG_PATH: project.file(`config/${name}.yaml`),
    SPIFFE_ENDPOINT_SOCKET: `unix://${spire.socket}`,
  });
  const { server, address, health, metrics } = await screen.step('echo-server', async (show) => {
    const caller = callers('echo-server');
    const start = async (/** @type {(port: number) => Promise<number>} */ portFor) => {
      const own = {
        EPHEMOS_BIND_ADDRESS: `127.0.0.1:${await portFor(8080)}`,
        EPHEMOS_HEALTH_ADDRESS: `127.0.0.1:${await portFor(9080)}`,
        EPHEMOS_METRICS_ADDRESS: `127.0.0.1:${await portFor(9090)}`,
        // Nobody balances load here.
        EPHEMOS_SHUTDOWN_DRAIN_DELAY: '0s',
      };
      const started = room.programs.start('echo-server', caller.node, [script(calls.server), 'serve'], {
        ...caller.as,
        cwd: room.folder,
        env: { ...environment('echo-server'), ...own },
      });
      const waiting = { timeout: within * 1000, what: 'identity' };
      // It listens once it has an identity: a port that was free until then may be somebody's now.
      const said = await started.line((text) => text.includes('"msg":"listening"'), waiting).catch((/** @type {Error} */ error) => error);
      return { program: started, said };
    };
    let { program, said } = await start(knownPorts ? wantedPort : freePort);
    if (said instanceof Error && program.stderr().includes('EADDRINUSE')) ({ program, said } = await start(freePort));
    if (said instanceof Error) throw said;
    const line = JSON.parse(said);
    show(`echo-server on ${line.listen}, as ${caller.selector.replace(/^unix:/, '').replace(/^path:.*/, 'a program of its own')}`);
    return { server: program, address: String(line.listen), health: String(line.health), metrics: String(line.metrics) };
  });

  const client = callers('echo-client');
  const path = join(room.folder, 'echo-client');
  const who =
    client.as.uid === undefined
      ? []
      : process.platform === 'linux'
        ? ['setpriv', `--reuid=${client.as.uid}`, `--regid=${client.as.gid}`, '--clear-groups']
        : ['sudo', '-u', `#${client.as.uid}`];
  const { EPHEMOS_CONFIG_PATH, SPIFFE_ENDPOINT_SOCKET } = environment('echo-client');
  const words = [
    ...who,
    'env',
    `EPHEMOS_CONFIG_PATH=${EPHEMOS_CONFIG_PATH}`,
    `SPIFFE_ENDPOINT_SOCKET=${SPIFFE_ENDPOINT_SOCKET}`,
    client.node,
    script(calls.client),
  ];
  writeFileSync(
    path,
    `#!/bin/sh\n# Calls the echo server as echo-client.\nexec ${words.map((word) => `'${word}'`).join(' ')} --server ${address} "$@"\n`,
    { mode: 0o755 },
  );
  chmodSync(path, 0o755);

  const isDenial = (/** @type {string} */ line) => line.includes('"audit":"deny"');
  const denials = () => server.stdout().split('\n').filter(isDenial).length;
  return {
    domain,
    project,
    address,
    serverSocket: spire.serverSocket,
    programs: () => [...spire.programs(), server],
    ...(spire.outage === undefined ? {} : { outage: spire.outage }),
    ...(spire.restart === undefined ? {} : { restart: spire.restart }),
    script: path,
    parts: [['echo-server', `${address} (gRPC and HTTP, mTLS), health ${health}, metrics ${metrics}`], ...spire.parts],
    call: ({ as, protocol, message }) => {
      const { node, as: user } = callers(as);
      // Of an identity of its own, with the configuration of the client.
      const env = { ...environment('echo-client'), EPHEMOS_SERVICE_NAME: as };
      const args = [script(calls.client), message, '--server', address, '--protocol', protocol, '--timeout', '30'];
      return room.programs.run(as, node, args, { ...user, cwd: room.folder, env });
    },
    register: registerOne,
    issued: async (name) => {
      const { node, as } = callers(name);
      const env = { ...base, SPIFFE_ENDPOINT_SOCKET: `unix://${spire.socket}` };
      const watch = room.programs.start(`watch-${name}`, node, [script(calls.ephemos), 'watch', '--format', 'json'], {
        ...as,
        cwd: room.folder,
        env,
      });
      await watch.line((line) => line.includes('"event":"issued"'), { timeout: within * 1000, what: 'identity' });
      await watch.stop({ signal: 'SIGINT' });
    },
    denials,
    denial: async (from) => {
      let seen = 0;
      const line = await server.line((text) => isDenial(text) && ++seen > from, { timeout: 10_000, what: 'audit line of the refusal' });
      return JSON.parse(line);
    },
    ephemos: (name, args, as) => {
      const caller = as === undefined ? undefined : callers(as);
      return ephemos(name, args, { ...caller, env: { SPIFFE_ENDPOINT_SOCKET: `unix://${spire.socket}` } });
    },
  };
}

/** @param {import('./project.js').Project} project */
function parentOf({ file }) {
  return String(parse(readFileSync(file('entries.yaml'), 'utf8')).entries[0].parent_id);
}

/**
 * Registers the services as the container `entries` does.
 * @param {object} options
 * @param {import('../spire/room.js').SpireRoom} options.room
 * @param {import('./project.js').Project} options.project
 * @param {(name: string) => import('./callers.js').Caller} options.callers
 * @param {string} options.serverSocket
 */
async function createEntries({ room, project, callers, serverSocket }) {
  const { entries } = JSON.parse(readFileSync(project.file('entries.json'), 'utf8'));
  for (const entry of entries) {
    const [type = '', ...value] = callers(entry.spiffe_id.split('/').at(-1)).selector.split(':');
    const selectors = [{ type, value: value.join(':') }];
    if (isRoot && JSON.stringify(entry.selectors) !== JSON.stringify(selectors))
      throw new Error(`entries.json and compose.yaml know ${entry.spiffe_id} by different users`);
    entry.selectors = selectors;
  }
  // The same file, unless the agent cannot tell users apart.
  const data = isRoot ? project.file('entries.json') : join(room.folder, 'entries.json');
  if (!isRoot) writeFileSync(data, JSON.stringify({ entries }));
  const words = ['entry', 'create', '-socketPath', serverSocket, '-data', data];
  const { code, stdout, stderr } = await room.programs.run('entries', room.spire.server, words);
  if (code !== 0) throw new Error(`spire-server entry create: ${`${stdout}${stderr}`.trim().split('\n').join('; ')}`);
}

/**
 * The port that people know, unless somebody has it.
 * @param {number} port
 */
async function wantedPort(port) {
  const { createServer } = await import('node:net');
  const free = await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
  return free ? port : freePort();
}
