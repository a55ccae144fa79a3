// More machines of a deployment: agents beside its first one, each with a certificate, a socket and a folder of its own; and what servers say of agents.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sign, writePrivately } from '../deployment/certificates.js';
import { createDaemon } from '../deployment/daemon.js';
import { untilReady } from '../deployment/deployment.js';
import { freePort } from '../spire.js';

/**
 * @typedef {object} Machine
 * @property {string} name the common name of its certificate
 * @property {string} id the SPIFFE ID of its agent
 * @property {import('../deployment/daemon.js').Daemon} agent
 * @property {() => void} forget deletes what its agent knows of itself
 */

/**
 * @param {import('./places.js').Place} place
 * @param {string} name
 * @returns {Promise<Machine>}
 */
export async function openMachine({ room, folder, running: { deployment } }, name) {
  const { spire, files, authorities } = deployment;
  if (spire.nodes.kind !== 'x509pop') throw new Error('only for machines with certificates');
  const home = join(folder, name);
  mkdirSync(home, { mode: 0o755 });
  const certificate = await sign(name, { issuer: authorities.nodes });
  writePrivately(join(home, 'node.crt'), certificate.certificate);
  writePrivately(join(home, 'node.key'), certificate.key);
  const health = await freePort();
  let conf = files.get('agent.conf') ?? '';
  for (const [from, to] of /** @type {const} */ ([
    [spire.agent.data, join(home, 'data')],
    [spire.agent.socket, join(home, 'sockets', 'agent.sock')],
    [spire.agent.admin, join(home, 'private', 'admin.sock')],
    [spire.nodes.certificate, join(home, 'node.crt')],
    [spire.nodes.key, join(home, 'node.key')],
    [`bind_port = "${spire.agent.health.port}"`, `bind_port = "${health}"`],
    [`port = ${spire.agent.metrics.port}`, `port = ${await freePort()}`],
  ])) {
    if (!conf.includes(from)) throw new Error(`agent.conf has no ${from}`);
    conf = conf.replaceAll(from, to);
  }
  const path = join(home, 'agent.conf');
  writeFileSync(path, conf, { mode: 0o600 });
  const agent = createDaemon(
    () => {
      for (const part of ['data', 'private', 'sockets']) mkdirSync(join(home, part), { recursive: true, mode: 0o700 });
      return room.programs.start(name, 'sh', ['-c', 'umask 0027 && exec "$0" "$@"', room.spire.agent, 'run', '-config', path]);
    },
    (program) => untilReady(program, { port: health }),
  );
  return {
    name,
    id: `spiffe://${spire.domain}/spire/agent/x509pop/${name}`,
    agent,
    forget: () => rmSync(join(home, 'data'), { recursive: true }),
  };
}

/**
 * The agents that a server knows, by their SPIFFE IDs.
 * @param {import('../deployment/deployment.js').Server} server
 * @returns {Promise<Map<string, { serial: string, banned: boolean }>>}
 */
export async function agentsOf(server) {
  /** @type {{ agents?: { id: { trust_domain: string, path: string }, x509svid_serial_number: string, banned: boolean }[] }} */
  const { agents = [] } = JSON.parse(await server.cli(['agent', 'list', '-output', 'json']));
  return new Map(
    agents.map(({ id, x509svid_serial_number: serial, banned }) => [`spiffe://${id.trust_domain}${id.path}`, { serial, banned }]),
  );
}
