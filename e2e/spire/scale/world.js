// A SPIRE server and any number of agents on loopback whose knobs can be turned, with the figures that each of them shows.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../spire.js';
import { until } from './figures.js';
import { scrape } from './metrics.js';
import { usageOf } from './procfs.js';

export const trustDomain = 'scale.example';

/**
 * @typedef {object} ServerKnobs
 * @property {number} [ttl] seconds that SVIDs live; without it SPIRE's own hour
 * @property {string} [reload] cache_reload_interval; without it SPIRE's own 5 s
 * @property {boolean} [events] events_based_cache
 * @property {boolean} [signingLimit] ratelimit.signing; true as in SPIRE
 * @property {string} [staleness] max_attested_node_info_staleness
 */

/**
 * @typedef {object} AgentKnobs
 * @property {string} [sync] sync_interval; without it SPIRE's own 5 s
 * @property {number} [cacheSize] x509_svid_cache_max_size; without it SPIRE's own 1,000
 */

/**
 * @typedef {object} Part a server or an agent
 * @property {() => number} pid
 * @property {() => import('./procfs.js').Usage} usage
 * @property {() => Promise<import('./metrics.js').Samples>} metrics
 * @property {() => Promise<void>} stop
 * @property {() => Promise<void>} kill as a machine does that loses power
 * @property {() => string} log everything it has written since it was first started
 */

/** @typedef {Part & { start: (knobs?: ServerKnobs) => Promise<void>, cli: (words: readonly string[]) => Promise<string> }} ScaleServer */
/** @typedef {Part & { id: string, endpoint: string, start: (knobs?: AgentKnobs) => Promise<void>, cached: () => Promise<number> }} ScaleAgent */

/**
 * @typedef {object} Entry
 * @property {string} path of its SPIFFE ID
 * @property {string} parent
 * @property {number} uid
 */

/**
 * @typedef {object} ScaleWorld
 * @property {ScaleServer} server
 * @property {(knobs?: AgentKnobs) => Promise<ScaleAgent>} addAgent attested by a join token and ready
 * @property {(entries: readonly Entry[]) => Promise<number>} register returns the seconds that it took
 * @property {() => Promise<void>} close ends every agent, then the server
 */

const batch = 2_500;

/** @param {number} port */
const telemetry = (port) => `telemetry { Prometheus { host = "localhost" port = ${port} } }\n`;
/** @param {number} port */
const health = (port) => `health_checks { listener_enabled = true bind_address = "127.0.0.1" bind_port = "${port}" }\n`;
/**
 * @param {string} key
 * @param {string | boolean | number | undefined} value
 */
const line = (key, value) => (value === undefined ? '' : `  ${key} = ${typeof value === 'string' ? `"${value}"` : value}\n`);

/**
 * @param {object} options
 * @param {import('../room.js').SpireRoom} options.room
 * @param {string} options.name of its folder
 * @param {string} [options.store] the plugin_data of the datastore; without it sqlite
 * @param {ServerKnobs} [options.knobs]
 * @returns {Promise<ScaleWorld>}
 */
export async function openScaleWorld({ room, name, store, knobs = {} }) {
  const folder = join(room.folder, name);
  mkdirSync(join(folder, 'server'), { recursive: true, mode: 0o755 });
  const [port, healthPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const socket = join(folder, 'server', 'api.sock');
  const sqlite = `database_type = "sqlite3" connection_string = "${join(folder, 'server', 'datastore.sqlite3')}"`;
  /** @type {Part[]} */
  const parts = [];

  /** @type {ScaleServer['cli']} */
  const cli = async (words) => {
    const { code, stdout, stderr } = await room.programs.run('spire-server-cli', room.spire.server, [...words, '-socketPath', socket]);
    if (code !== 0) throw new Error(`spire-server ${words.slice(0, 2).join(' ')}: ${`${stdout}${stderr}`.trim().slice(-300)}`);
    return stdout;
  };

  /** @param {ServerKnobs} turned */
  const serverConfig = ({ ttl, reload, events, signingLimit = true, staleness }) => `server {
  bind_address = "127.0.0.1"
  bind_port = "${port}"
  socket_path = "${socket}"
  trust_domain = "${trustDomain}"
  data_dir = "${join(folder, 'server')}"
  log_level = "INFO"
  log_file = "${join(folder, 'server.log')}"
${line('default_x509_svid_ttl', ttl === undefined ? undefined : `${ttl}s`)}  agent_ttl = "1h"
${line('max_attested_node_info_staleness', staleness)}  ratelimit { attestation = false signing = ${signingLimit} }
  experimental {
${line('cache_reload_interval', reload)}${line('events_based_cache', events)}  }
}
plugins {
  DataStore "sql" { plugin_data { ${store ?? sqlite} } }
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "disk" { plugin_data { keys_path = "${join(folder, 'server', 'keys.json')}" } }
}
${health(healthPort)}${telemetry(metricsPort)}`;

  const server = createPart({
    room,
    name: `${name}-server`,
    program: room.spire.server,
    folder,
    healthPort,
    metricsPort,
    log: 'server.log',
  });
  const startServer = async (/** @type {ServerKnobs} */ turned = knobs) => {
    await server.run(join(folder, 'server.conf'), serverConfig(turned), []);
  };
  await startServer();
  writeFileSync(join(folder, 'bundle.pem'), await cli(['bundle', 'show']), { mode: 0o644 });

  /** @type {ScaleWorld['addAgent']} */
  const addAgent = async (first = {}) => {
    const number = parts.length + 1;
    const home = join(folder, `a${number}`);
    mkdirSync(join(home, 's'), { recursive: true, mode: 0o755 });
    const [agentHealth, agentMetrics] = [await freePort(), await freePort()];
    const endpoint = join(home, 's', 'agent.sock');
    /** @type {unknown} */
    const answer = JSON.parse(await cli(['token', 'generate', '-ttl', '600', '-output', 'json']));
    const token = typeof answer === 'object' && answer !== null && 'value' in answer ? String(answer.value) : '';
    /** @param {AgentKnobs} turned */
    const config = ({ sync, cacheSize }) => `agent {
  data_dir = "${home}"
  log_level = "INFO"
  log_file = "${join(home, 'agent.log')}"
  server_address = "127.0.0.1"
  server_port = "${port}"
  socket_path = "${endpoint}"
  trust_bundle_path = "${join(folder, 'bundle.pem')}"
  trust_domain = "${trustDomain}"
${line('x509_svid_cache_max_size', cacheSize)}  experimental {
${line('sync_interval', sync)}  }
}
plugins {
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "disk" { plugin_data { directory = "${home}" } }
  WorkloadAttestor "unix" { plugin_data {} }
}
${health(agentHealth)}${telemetry(agentMetrics)}`;
    const agent = createPart({
      room,
      name: `${name}-agent${number}`,
      program: room.spire.agent,
      folder: home,
      healthPort: agentHealth,
      metricsPort: agentMetrics,
      log: 'agent.log',
    });
    parts.push(agent.part);
    let joined = false;
    const start = async (/** @type {AgentKnobs} */ turned = first) => {
      await agent.run(join(home, 'agent.conf'), config(turned), joined ? [] : ['-joinToken', token]);
      joined = true;
    };
    await start();
    return {
      ...agent.part,
      id: `spiffe://${trustDomain}/spire/agent/join_token/${token}`,
      endpoint: `unix://${endpoint}`,
      start,
      cached: async () => (await agent.part.metrics()).sum(/^spire_agent_lru_cache_svid_map_size$/),
    };
  };

  return {
    server: { ...server.part, start: startServer, cli },
    addAgent,
    register: async (entries) => {
      const begin = performance.now();
      for (let at = 0; at < entries.length; at += batch) {
        const file = join(folder, 'entries.json');
        writeFileSync(file, JSON.stringify({ entries: entries.slice(at, at + batch).map(asRegistration) }));
        await cli(['entry', 'create', '-data', file, '-output', 'json']);
      }
      return (performance.now() - begin) / 1000;
    },
    close: async () => {
      await Promise.all(parts.map((agent) => agent.stop()));
      await server.part.stop();
    },
  };
}

/** @param {Entry} entry */
const asRegistration = ({ path, parent, uid }) => ({
  spiffe_id: `spiffe://${trustDomain}/${path}`,
  parent_id: parent,
  selectors: [{ type: 'unix', value: `uid:${uid}` }],
});

/**
 * @param {{ room: import('../room.js').SpireRoom, name: string, program: string, folder: string, healthPort: number, metricsPort: number, log: string }} options
 */
function createPart({ room, name, program, folder, healthPort, metricsPort, log }) {
  /** @type {import('../process.js').Program | undefined} */
  let running;
  const file = join(folder, log);
  const read = () => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return ''; // It has not written yet.
    }
  };
  const end = async (/** @type {NodeJS.Signals} */ signal) => {
    await running?.stop({ signal });
  };
  return {
    /** @type {Part} */
    part: {
      pid: () => running?.pid ?? 0,
      usage: () => usageOf(running?.pid),
      metrics: () => scrape(metricsPort),
      stop: () => end('SIGTERM'),
      kill: () => end('SIGKILL'),
      log: read,
    },
    /**
     * @param {string} path of its configuration
     * @param {string} config
     * @param {readonly string[]} args
     */
    run: async (path, config, args) => {
      writeFileSync(path, config, { mode: 0o600 });
      const started = room.programs.start(name, program, ['run', '-config', path, ...args]);
      running = started;
      const ready = () =>
        fetch(`http://127.0.0.1:${healthPort}/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      await until(ready, (is) => is || !started.running(), { seconds: 60, what: `ready ${name}`, every: 0.025 });
      if (started.running()) return;
      const said = `${started.stdout()}${started.stderr()}${read()}`.trim().split('\n').slice(-3).join('; ');
      throw new Error(`${name} ended at once: ${said}`);
    },
  };
}
