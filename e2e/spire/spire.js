// Turns the SPIRE programs into a running server and agent on loopback, with the operations that the scenarios need:
// entries, withdrawal, rotation of the signing authority, restarts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/**
 * @typedef {object} SpireEntry
 * @property {string} entryId
 * @property {string} spiffeId
 */

/**
 * @typedef {object} RunningSpire
 * @property {string} endpoint the Workload API address, as SPIFFE_ENDPOINT_SOCKET takes it
 * @property {string} trustDomain
 * @property {string} serverSocket the path of the server's admin socket
 * @property {string} serverAddress host:port of the server
 * @property {(entry: { spiffeId: string, uid: number, ttl?: number }) => Promise<SpireEntry>} register ttl in seconds
 * @property {(entryId: string) => Promise<void>} unregister
 * @property {() => Promise<string>} bundle the trust bundle as PEM
 * @property {(args: readonly string[]) => Promise<string>} cli runs spire-server with these words and the server's socket
 * @property {() => Promise<AuthorityRotation>} prepareAuthority
 * @property {() => Promise<void>} stopAgent
 * @property {() => Promise<void>} startAgent
 * @property {() => Promise<void>} stopServer
 * @property {() => Promise<void>} startServer
 * @property {() => Promise<void>} close
 */

/**
 * One rotation of the X.509 signing authority: the new one is in every bundle already; the steps follow in this order.
 * @typedef {object} AuthorityRotation
 * @property {() => Promise<void>} activate the new authority signs
 * @property {() => Promise<void>} taint everything the old one signed is renewed
 * @property {() => Promise<void>} revoke the old one leaves the bundle
 */

const lowestPort = 20_000; // Below the range that outgoing connections take their ports from, so that a restart finds its port free.
const ports = 10_000;
/** @type {Set<number>} what is not bound yet must not be given away twice */
const given = new Set();

/**
 * A loopback port that was free a moment ago and that no outgoing connection takes by itself.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = lowestPort + Math.floor(Math.random() * ports);
    const free = await new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (!free || given.has(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error('no free loopback port');
}

/**
 * Resolves when the health endpoint answers 200; rejects with the end of the program's log when that takes too long or it ends.
 * @param {import('./process.js').Program} program
 * @param {number} port
 */
async function untilReady(program, port) {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline && program.running()) {
    const ready = await fetch(`http://127.0.0.1:${port}/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const log = `${program.stdout()}${program.stderr()}`.trimEnd().split('\n').slice(-3).join('; ');
  throw new Error(`${program.name} ${program.running() ? 'was not ready within 30 s' : 'ended at once'}: ${log}`);
}

// A join token is good once: an agent that was away for longer than its own SVID lives could not come back. No scenario keeps it away for half of this.
const agentTtl = 300;

/**
 * Starts a server (sqlite, keys on disk) and an agent (join token) and resolves when both are healthy.
 * @param {object} options
 * @param {import('./install.js').Spire} options.spire
 * @param {string} options.folder an existing folder that other users may search
 * @param {import('./process.js').Programs} options.programs
 * @param {string} [options.trustDomain]
 * @param {number} [options.svidTtl] seconds that SVIDs live unless their entry says otherwise
 * @returns {Promise<RunningSpire>}
 */
export async function openSpire({ spire, folder, programs, trustDomain = 'example.org', svidTtl = 60 }) {
  for (const name of ['server', 'agent', 'socket']) mkdirSync(join(folder, name), { mode: name === 'socket' ? 0o755 : 0o700 });
  const [serverPort, serverHealth, agentHealth] = [await freePort(), await freePort(), await freePort()];
  const serverSocket = join(folder, 'server', 'api.sock');
  const agentSocket = join(folder, 'socket', 'agent.sock');
  const bundleFile = join(folder, 'agent', 'bundle.pem');
  /** @param {number} port */
  const health = (port) => `health_checks { listener_enabled = true bind_address = "127.0.0.1" bind_port = "${port}" }\n`;

  const serverConfig = join(folder, 'server', 'server.conf');
  writeFileSync(
    serverConfig,
    `server {
  bind_address = "127.0.0.1"
  bind_port = "${serverPort}"
  socket_path = "${serverSocket}"
  trust_domain = "${trustDomain}"
  data_dir = "${join(folder, 'server')}"
  log_level = "INFO"
  default_x509_svid_ttl = "${svidTtl}s"
  agent_ttl = "${agentTtl}s"
  experimental { cache_reload_interval = "1s" }
}
plugins {
  DataStore "sql" { plugin_data { database_type = "sqlite3" connection_string = "${join(folder, 'server', 'datastore.sqlite3')}" } }
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "disk" { plugin_data { keys_path = "${join(folder, 'server', 'keys.json')}" } }
}
${health(serverHealth)}`,
  );
  const agentConfig = join(folder, 'agent', 'agent.conf');
  writeFileSync(
    agentConfig,
    `agent {
  data_dir = "${join(folder, 'agent')}"
  log_level = "INFO"
  server_address = "127.0.0.1"
  server_port = "${serverPort}"
  socket_path = "${agentSocket}"
  trust_bundle_path = "${bundleFile}"
  trust_domain = "${trustDomain}"
  experimental { sync_interval = "1s" }
}
plugins {
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "disk" { plugin_data { directory = "${join(folder, 'agent')}" } }
  WorkloadAttestor "unix" { plugin_data {} }
}
${health(agentHealth)}`,
  );

  /** @type {import('./process.js').Program | undefined} */
  let server;
  /** @type {import('./process.js').Program | undefined} */
  let agent;

  /** @type {RunningSpire['cli']} */
  const cli = async (args) => {
    const { code, stdout, stderr } = await programs.run('spire-server-cli', spire.server, [...args, '-socketPath', serverSocket]);
    if (code !== 0) throw new Error(`spire-server ${args.slice(0, 3).join(' ')}: ${`${stdout}${stderr}`.trim().split('\n').join('; ')}`);
    return stdout;
  };
  /** @param {readonly string[]} args */
  const json = async (args) => JSON.parse(await cli([...args, '-output', 'json']));

  const startServer = async () => {
    server = programs.start('spire-server', spire.server, ['run', '-config', serverConfig]);
    await untilReady(server, serverHealth);
  };
  /** @param {readonly string[]} [args] */
  const startAgent = async (args = []) => {
    agent = programs.start('spire-agent', spire.agent, ['run', '-config', agentConfig, ...args]);
    await untilReady(agent, agentHealth);
  };
  const stopAgent = async () => {
    await agent?.stop();
  };
  const stopServer = async () => {
    await server?.stop();
  };

  await startServer();
  writeFileSync(bundleFile, await cli(['bundle', 'show']));
  const token = (await json(['token', 'generate', '-ttl', '600'])).value;
  await startAgent(['-joinToken', token]);
  const parent = `spiffe://${trustDomain}/spire/agent/join_token/${token}`;

  return {
    endpoint: `unix://${agentSocket}`,
    trustDomain,
    serverSocket,
    serverAddress: `127.0.0.1:${serverPort}`,
    register: async ({ spiffeId, uid, ttl }) => {
      const more = ttl === undefined ? [] : ['-x509SVIDTTL', String(ttl)];
      const words = ['entry', 'create', '-parentID', parent, '-spiffeID', spiffeId, '-selector', `unix:uid:${uid}`, ...more];
      const entryId = (await json(words)).results?.[0]?.entry?.id;
      if (typeof entryId !== 'string') throw new Error(`spire-server entry create made no entry for ${spiffeId}`);
      return { entryId, spiffeId };
    },
    unregister: async (entryId) => {
      await cli(['entry', 'delete', '-entryID', entryId]);
    },
    bundle: () => cli(['bundle', 'show']),
    cli,
    prepareAuthority: async () => {
      const old = (await json(['localauthority', 'x509', 'show'])).active.authority_id;
      const next = (await json(['localauthority', 'x509', 'prepare'])).prepared_authority.authority_id;
      /** @param {string} step @param {string} id */
      const authority = async (step, id) => {
        await cli(['localauthority', 'x509', step, '-authorityID', id]);
      };
      return {
        activate: () => authority('activate', next),
        taint: () => authority('taint', old),
        revoke: () => authority('revoke', old),
      };
    },
    stopAgent,
    startAgent: () => startAgent(),
    stopServer,
    startServer,
    close: async () => {
      await stopAgent();
      await stopServer();
    },
  };
}
